"""The native code that runs programs: threads walk tables of instructions (see `runner` for what they mean).

A frame is the argument block of one run: `FRAME` names its words. `library()` has `begin(frame)`, which runs a program
to its end, or to where it is left for a moment, and gives the status; and what `entry` makes a built-in function of.
"""

from __future__ import annotations

from .entry import GOING, PAUSED, layout, symbols, write_enter
from .ir import Function, Module
from .jit import Library, compile_by_name, kept
from .threads import write_nanoseconds

__all__ = [
    "AT", "BARRIER", "BIND", "CALL", "CHAIN", "CHUNKS", "COPY", "END", "ENTRY", "FRAME", "JUMP", "JUMP_UNLESS",
    "PYTHON", "REJOIN", "WHOLE", "WORDS", "library",
]  # fmt: skip

END, CALL, BARRIER, JUMP, JUMP_UNLESS, COPY, PYTHON, BIND, REJOIN = range(9)

#: The cost of what runs between two returns to Python, in nanoseconds.
_BUDGET = 50_000_000

#: Words of one instruction: opcode, then up to seven arguments. Of a barrier they describe the stage that follows: its
#: chunks as a set, how many numbers belong to a thread, where the table has the stage's first entry and how many it has
#: for each thread, and where the stage ends; 0 chunks if one thread walks it. The last words of a call or copy are
#: whether each chunk does all of it, and the next instruction of the same chunk, or 0.
WORDS = 8
CHUNKS, _WIDTH, _FIRST, _EACH, _AFTER = range(1, 6)
WHOLE, CHAIN = 6, 7
#: Words of an entry of the table of chunks: the instruction, part, parts.
ENTRY = 3

#: Words of a frame, in order.
FRAME = (
    "code", "chunks", "pointers", "consts", "operands", "operand_count", "buffers", "team", "callback", "status",
    "times", "launch", "publish", "summon", "next", "stage", "budget", "rows",
    "row_count", "tables", "own_buffer", "own_bytes", "threads",
)  # fmt: skip
AT = {name: position for position, name in enumerate(FRAME)}


def _field(f: Function, name: str, kind: str = "ptr") -> str:
    return f.load(kind, f.gep("%frame", AT[name], "i64"))


def _write_resolve(module: Module) -> None:
    """resolve(frame): pointers[i] = buffers[operand i's buffer] + its offset, for each thread that has its own."""
    with module.function("resolve", [("ptr", "frame")], internal=True) as f:
        operands, pointers, buffers = _field(f, "operands"), _field(f, "pointers"), _field(f, "buffers")
        count, own, own_bytes = (_field(f, name, "i64") for name in ("operand_count", "own_buffer", "own_bytes"))
        with f.loop(0, _field(f, "tables", "i64")) as table:
            moved = f.mul(table.index, own_bytes)
            own_pointers = f.gep(pointers, f.mul(table.index, count), "i64")
            with f.loop(0, count) as loop:
                operand = f.gep(operands, f.mul(loop.index, 2), "i64")
                buffer, offset = f.load("i64", operand), f.load("i64", f.gep(operand, 1, "i64"))
                base = f.load("i64", f.gep(buffers, buffer, "i64"))
                base = f.select(f.compare("eq", buffer, own), f.add(base, moved), base)
                f.store("i64", f.add(base, offset), f.gep(own_pointers, loop.index, "i64"))


def _pointer(f: Function, position: str) -> str:
    return f.load("ptr", f.gep("%pointers", position, "i64"))


def _word(f: Function, position: int, kind: str = "i64", at: str = "%at") -> str:
    return f.load(kind, f.gep(at, position, "i64"))


def _load_fields(f: Function, *names: str) -> None:
    for name in names:
        f.do(f"%{name} = load ptr, ptr {f.gep('%frame', AT[name], 'i64')}, align 8")


def _write_table(module: Module) -> None:
    """table(frame, part): the addresses of the operands as a part has them; pieces of shares need none of their own."""
    with module.function("table", [("ptr", "frame"), ("i64", "part")], "ptr", internal=True) as f:
        own = f.compare("slt", "%part", _field(f, "tables", "i64"))
        first = f.mul(f.select(own, "%part", 0), _field(f, "operand_count", "i64"))
        f.do(f"ret ptr {f.gep(_field(f, 'pointers'), first, 'i64')}")


def _write_work(module: Module) -> None:
    """work(frame, instruction, part, parts, thread): make a call, or a copy, or a part of it."""
    parameters = [("ptr", "frame"), *(("i64", name) for name in ("instruction", "part", "parts", "thread"))]
    with module.function("work", parameters, internal=True) as f:
        _load_fields(f, "code", "times")
        f.do("%pointers = call ptr @table(ptr %frame, i64 %part)")
        f.do(f"%at = getelementptr i64, ptr %code, i64 {f.mul('%instruction', WORDS)}")
        f.do("%timed = icmp ne ptr %times, null")
        (began,) = f.branch("%timed", lambda: [f.call("i64", "nanoseconds")], lambda: ["0"], ["i64"])
        whole = f.compare("ne", _word(f, WHOLE), 0)
        part, parts = f.select(whole, 0, "%part"), f.select(whole, 1, "%parts")

        def call() -> list[str]:
            pointers, consts = f.gep("%pointers", _word(f, 2), "i64"), f.gep(_field(f, "consts"), _word(f, 3), "i64")
            share = (f"i64 {x}" for x in (part, parts, "%thread"))
            f.call("void", _word(f, 1, "ptr"), f"ptr {pointers}", f"ptr {consts}", *share)
            return []

        def copy() -> list[str]:
            operand, size, unit = _word(f, 1), _word(f, 2), _word(f, 3)
            first, last = f.share(f.ceildiv(size, unit), part, parts)
            begin, end = f.mul(first, unit), f.minimum(f.mul(last, unit), size)
            target, source = _pointer(f, operand), _pointer(f, str(f.add(operand, 1)))
            f.intrinsic(
                "llvm.memcpy.p0.p0.i64", "void", ("ptr", f.gep(target, begin)), ("ptr", f.gep(source, begin)),
                ("i64", str(f.sub(end, begin))), ("i1", "false"),
            )  # fmt: skip
            return []

        f.branch(f.compare("eq", _word(f, 0), CALL), call, copy)
        with f.when("%timed"):
            workers = f.minimum("%parts", _field(f, "threads", "i64"))
            spent = f.div(f.sub(f.call("i64", "nanoseconds"), began), workers)
            cell = f.gep("%times", "%instruction", "i64")
            f.emit(f"atomicrmw add ptr {cell}, i64 {spent} monotonic, align 8")


def _write_chunk(module: Module) -> None:
    """chunk(frame, number, thread): do one chunk of the frame's stage."""
    with module.function("chunk", [("ptr", "frame"), ("i64", "number"), ("i64", "thread")]) as f:
        _load_fields(f, "code", "chunks", "stage")
        owner, place = (f.emit(f"{how} i64 %number, {_word(f, _WIDTH, at='%stage')}") for how in ("udiv", "urem"))
        entry = f.add(_word(f, _FIRST, at="%stage"), f.add(f.mul(owner, _word(f, _EACH, at="%stage")), place))
        first, part, parts = (
            f.load("i64", f.gep("%chunks", f.add(f.mul(entry, ENTRY), word), "i64")) for word in range(ENTRY)
        )
        thread = f.select(f.compare("eq", parts, 1), 0, "%thread")
        f.do(f"%pointers = call ptr @table(ptr %frame, i64 {part})")
        begin, step, after, end = f.block, f.new_label(), f.new_label(), f.new_label()
        labels = {opcode: f.new_label() for opcode in (CALL, COPY, JUMP, JUMP_UNLESS)}
        f.jump(step)
        f.label(step)
        counter, counter_place = f.fresh(), f.reserve()
        f.do(f"%at = getelementptr i64, ptr %code, i64 {f.mul(counter, WORDS)}")
        _switch(f, labels, end)
        targets = []
        for opcode in (CALL, COPY):
            f.label(labels[opcode])
            f.call("void", "work", "ptr %frame", *(f"i64 {x}" for x in (counter, part, parts, thread)))
            targets.append((_word(f, CHAIN), f.block))
            f.jump(after)
        f.label(labels[JUMP])
        targets.append((_word(f, 1), f.block))
        f.jump(after)
        f.label(labels[JUMP_UNLESS])
        targets.append((_jump_target(f, str(f.add(counter, 1))), f.block))
        f.jump(after)
        f.label(after)
        following = f.phi("i64", *targets)
        f.fill(counter_place, f"{counter} = phi i64 [{first}, %{begin}], [{following}, %{f.block}]")
        f.fork(f.compare("ne", following, 0), step, end)
        f.label(end)


def _switch(f: Function, labels: dict[int, str], otherwise: str) -> None:
    cases = " ".join(f"i64 {opcode}, label %{label}" for opcode, label in labels.items())
    f.do(f"switch i64 {_word(f, 0)}, label %{otherwise} [ {cases} ]")


def _jump_target(f: Function, following: str) -> str:
    truth = f.compare("ne", f.load("i8", _pointer(f, _word(f, 1))), 0, "i8")
    return f.select(truth, following, _word(f, 2))


def _op_jump_unless(f: Function, following: str) -> tuple[str, str]:
    """Where to go on; and whether to leave native code for a moment."""
    cost = _word(f, 3)
    with f.when(f.compare("ne", cost, 0)):
        left = f.sub(f.load("i64", "%budget"), cost)
        f.store("i64", left, "%budget")
        with f.when(f.compare("slt", left, 0)):
            f.store("i64", str(PAUSED), "%status")
    return _jump_target(f, following), f.compare("ne", f.load("i64", "%status"), GOING)


def _op_bind(f: Function) -> None:
    operand, stride, buffer = _word(f, 1), _word(f, 2), _word(f, 3)
    index = f.load("i64", _pointer(f, str(f.add(operand, 1))))
    base = f.load("i64", f.gep("%pointers", operand, "i64"))
    f.store("i64", f.add(base, f.mul(index, stride)), f.gep(_field(f, "buffers"), buffer, "i64"))
    f.call("void", "resolve", "ptr %frame")


def _write_advance(module: Module) -> None:
    """advance(frame, thread): walk on to the next stage that threads share, or the end; see `threads`."""
    with module.function("advance", [("ptr", "frame"), ("i64", "thread")], "i64") as f:
        _load_fields(f, "code", "pointers", "team")
        for name in ("status", "budget", "next", "stage"):
            f.do(f"%{name} = getelementptr i64, ptr %frame, i64 {AT[name]}")
        f.do("%caller = icmp eq i64 %thread, 0")
        f.do("%many = icmp ne ptr %team, null")
        begin, step, leave, over, summon = (f.new_label() for _ in range(5))
        opcodes = (CALL, BARRIER, JUMP, JUMP_UNLESS, COPY, PYTHON, BIND, REJOIN)
        labels = {opcode: f.new_label() for opcode in opcodes}
        f.fork(f.compare("eq", f.load("i64", "%status"), GOING), begin, over)
        f.label(begin)
        start = f.load("i64", "%next")
        f.jump(step)
        f.label(step)
        counter, place = f.fresh(), f.reserve()
        f.do(f"%at = getelementptr i64, ptr %code, i64 {f.mul(counter, WORDS)}")
        following = str(f.add(counter, 1))
        _switch(f, labels, leave)
        targets: list[tuple[str, str]] = [(start, begin)]

        def go_to(target: str = following) -> None:
            targets.append((target, f.block))
            f.jump(step)

        for opcode in (CALL, COPY):
            f.label(labels[opcode])
            f.call("void", "work", "ptr %frame", f"i64 {counter}", "i64 0", "i64 1", "i64 0")
            go_to()
        f.label(labels[BIND])
        _op_bind(f)
        go_to()
        f.label(labels[REJOIN])
        go_to()
        f.label(labels[JUMP])
        go_to(_word(f, 1))

        f.label(labels[BARRIER])
        shared, alone = f.new_label(), f.new_label()
        numbers = _word(f, CHUNKS)
        f.fork(f.emit(f"and i1 %many, {f.compare('ne', numbers, 0)}"), shared, alone)
        f.label(shared)
        f.store("i64", _word(f, _AFTER), "%next")
        f.store("ptr", "%at", "%stage")
        f.do(f"ret i64 {f.call('i64', _field(f, 'publish'), 'ptr %team', f'i64 {numbers}')}")
        f.label(alone)
        go_to()

        f.label(labels[JUMP_UNLESS])
        target, pauses = _op_jump_unless(f, following)
        pause, on = f.new_label(), f.new_label()
        f.fork(pauses, pause, on)
        f.label(pause)
        f.store("i64", target, "%next")
        f.fork("%caller", over, summon)
        f.label(on)
        go_to(target)

        f.label(labels[PYTHON])
        python = f.new_label()
        f.store("i64", counter, "%next")
        f.fork("%caller", python, summon)
        f.label(python)
        failed = f.call("i64", _field(f, "callback"), f"i64 {_word(f, 1)}")
        f.store("i64", failed, "%status")
        f.call("void", "resolve", "ptr %frame")
        resolved = f.new_label()
        f.fork(f.compare("eq", failed, GOING), resolved, over)
        f.label(resolved)
        go_to()

        f.label(leave)
        f.store("i64", counter, "%next")
        f.fork("%caller", over, summon)
        f.label(summon)
        f.do(f"ret i64 {f.call('i64', _field(f, 'summon'), 'ptr %team')}")
        f.label(over)
        f.do("ret i64 1")
        f.fill(place, f"{counter} = phi i64 " + ", ".join(f"[{value}, %{block}]" for value, block in targets))


def _write_begin(module: Module) -> None:
    """begin(frame): resolve the operands and walk, with the team if it is free; gives the status at the end.

    A run that was left for a moment goes on where it was, any other begins at the beginning.
    """
    with module.function("begin", [("ptr", "frame")], "i64") as f:
        f.store("i64", GOING, f.gep("%frame", AT["status"], "i64"))
        f.store("i64", _BUDGET, f.gep("%frame", AT["budget"], "i64"))
        f.call("void", "resolve", "ptr %frame")
        team, alone, together, end = _field(f, "team"), f.new_label(), f.new_label(), f.new_label()
        f.fork(f.compare("ne", team, "null", "ptr"), together, alone)
        f.label(together)
        job = "ptr @chunk", "ptr @advance", "ptr %frame"
        done = f.call("i64", _field(f, "launch"), f"ptr {team}", *job)
        f.fork(f.compare("ne", done, 0), end, alone)
        f.label(alone)
        f.store("ptr", "null", f.gep("%frame", AT["team"], "i64"))
        f.call("i64", "advance", "ptr %frame", "i64 0")
        f.jump(end)
        f.label(end)
        status = _field(f, "status", "i64")
        with f.when(f.compare("ne", status, PAUSED)):
            f.store("i64", 0, f.gep("%frame", AT["next"], "i64"))
        f.do(f"ret i64 {status}")


@kept
def library() -> Library:
    def write(module: Module) -> None:
        _write_resolve(module)
        write_nanoseconds(module)
        _write_table(module)
        _write_work(module)
        _write_chunk(module)
        _write_advance(module)
        _write_begin(module)
        write_enter(module, AT["rows"], AT["row_count"], AT["buffers"])

    return compile_by_name(f"runner {layout()}", write, symbols=symbols())
