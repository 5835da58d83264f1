"""Programs: sequences of kernel calls as data, walked by native code in every thread.

Kernel ABI. Every kernel is `void k(ptr ptrs, ptr consts, i64 part, i64 parts)`:
  ptrs    the addresses of its buffer operands, in the order given to `Program.call`
  consts  the i64 given to `Program.call` (sizes, strides, `float_bits(x)`)
  part, parts  which share of the work this thread does; a serial call gets 0, 1

Building a program:

    program = Program(buffers=3)                  buffers are numbered; their addresses are given per run
    program.call(address, [(0, 0), (1, 256)], [n], parallel=True)     operands are (buffer, byte offset)
    program.barrier()                             before anything that reads what another thread may have written
    program.copy((2, 0), (1, 0), nbytes)
    program.run([address0, address1, address2])

What runs when. Without a barrier between them instructions overlap in time: parallel calls are shared by all threads,
a serial call is made by thread 0 alone while the others go on to the next barrier. The planner puts a barrier between
instructions that depend on each other; after a *serial* producer another *serial* consumer needs none. `jump_unless`,
`call_python` and `bind` contain the barriers that they need. The end of the program is a barrier.

Control: `label()` makes a label, `place(label)` puts it at the next instruction, `jump(label)` and
`jump_unless(operand, label)` go there; the operand is a bool byte. So a while loop is

    again, done = program.label(), program.label()
    program.place(again); ...condition kernel...; program.jump_unless(condition, done)
    ...body...; program.barrier(); program.jump(again); program.place(done)

A part without parallel instructions goes into `with program.alone():` thread 0 runs it without barriers while the
others wait at its end. A part in which no thread needs what another computes goes into `with program.apart():` every
thread runs all of it, without barriers until its end; what is not parallel, each does for itself, in the memory that
it has of its own: that of the buffer `own`, of which every thread has so many bytes.

Interrupts. Native code does not see Ctrl-C. `jump_unless(condition, label, cost)` with a cost (nanoseconds since the
last time, roughly) takes it from a budget; when that is used up, all threads leave native code, Python has a chance to
raise what a signal handler raises, and the program goes on where it was.

`bind(buffer, base, index, stride)` points `buffer` at base + stride * i, where i is an i64 read from memory: a loop
can so take x[i] without copying. `call_python(function)` calls back on the thread that runs the program (the operands
it should see are the caller's business: arrays that share the buffers' memory); if it raises, the program stops and
`run` raises it. A callback may change `frame.buffers`; operands are resolved again after it.

Running. `program.run(addresses)` is one ctypes call. `program.frame()` gives a `Frame`, the prebuilt argument block
of one run at a time: set `frame.buffers[i]` (raw addresses) only where they changed, then `frame.run()`; or give it
`Row`s, and then `frame.run(objects)`, which sets them itself (see `entry.py`). Frames are independent: concurrent runs
use one each. With `timed=True` frames accumulate nanoseconds per instruction (thread 0's
view) in `frame.times`; `program.names` says what each instruction is.
"""

from __future__ import annotations

import ctypes
import struct
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from .entry import FAILED, GOING, PAUSED, UNBOUND, Row, Rows, opened, symbols, write_enter
from .ir import Function, Module
from .jit import Library, compile_module, kept
from .target import host
from .threads import Block, Pacer, current_team, thread_count

__all__ = ["Frame", "Operand", "Program", "float_bits", "prepare"]

#: A buffer and a byte offset into it.
Operand = tuple[int, int]

END, CALL, BARRIER, JUMP, JUMP_UNLESS, COPY, PYTHON, BIND, ALONE, REJOIN = range(10)

#: Who makes a call: thread 0, all threads their share of it, or every thread all of it.
_FIRST, _SHARED, _EACH = range(3)

#: The cost of what runs between two returns to Python, in nanoseconds.
_BUDGET = 50_000_000

#: Words of one instruction: opcode, parallel, then up to six arguments.
_WORDS = 8

#: Words of a frame, in order.
_FRAME = (
    "code", "pointers", "consts", "operands", "operand_count", "buffers", "team", "barrier", "callback", "status",
    "times", "launch", "start", "others", "budget", "rows", "row_count", "tables", "own_buffer", "own_bytes",
)  # fmt: skip
_AT = {name: position for position, name in enumerate(_FRAME)}
_TEAM, _BARRIER, _LAUNCH = (_AT[name] for name in ("team", "barrier", "launch"))


def float_bits(value: float, double: bool = False) -> int:
    """A float32 (or float64) constant as a kernel's i64: the kernel bit-casts the low bytes back."""
    return int(
        struct.unpack("q", struct.pack("d", value))[0] if double else struct.unpack("i", struct.pack("f", value))[0]
    )


@dataclass(eq=False)
class Label:
    """A place in a program that jumps can name before it is known."""

    at: int | None = None


@dataclass(eq=False)
class Program:
    """Instructions and constants; independent of addresses other than the kernels'. Built once, then only run."""

    buffers: int
    timed: bool = False
    #: The most threads that may share a run: those the scratch memory of its kernels was planned for.
    threads: int = field(default_factory=thread_count)
    #: The buffer of which each thread has its own part of so many bytes, if any has.
    own: tuple[int, int] = (-1, 0)
    #: What each instruction is, for profiles.
    names: list[str] = field(default_factory=list)
    _code: list[list[int | Label]] = field(default_factory=list)
    _consts: list[int] = field(default_factory=list)
    _operands: list[Operand] = field(default_factory=list)
    _functions: list[Callable[[], object]] = field(default_factory=list)
    _parallel: bool = False
    _sealed: Sealed | None = None
    _frames: list[Frame] = field(default_factory=list)
    #: The end of the part at hand that one thread runs alone.
    _rejoin: Label | None = None
    #: Whether the part at hand is run by every thread without waiting for others.
    _apart: bool = False
    pacer: Pacer = field(default_factory=Pacer)

    # Building -----------------------------------------------------------------------------------------------------

    def call(
        self, kernel: int, operands: Sequence[Operand], consts: Sequence[int] = (), *, parallel: bool = False,
        name: str = "kernel",
    ) -> None:  # fmt: skip
        """Call the kernel at an address."""
        first_operand, first_const = self._add_operands(operands), len(self._consts)
        self._consts += consts
        self._append(name, CALL, parallel, kernel, first_operand, first_const)

    def barrier(self) -> None:
        """Wait for all threads. Consecutive barriers are one."""
        follows_another = self._code and self._code[-1][0] == BARRIER and not self._labelled_here()
        if self._rejoin is not None or self._apart or follows_another:
            return
        self._append("barrier", BARRIER, False)

    def copy(
        self, destination: Operand, source: Operand, nbytes: int, *, parallel: bool = False, unit: int = 64
    ) -> None:  # fmt: skip
        """Copy bytes, which threads share in units of so many; the two ranges do not overlap."""
        self._append("copy", COPY, parallel, self._add_operands([destination, source]), nbytes, unit)

    def call_python(self, function: Callable[[], object], name: str = "python") -> None:
        """Call a Python function of no arguments, between barriers."""
        self._functions.append(function)
        self._append(name, PYTHON, False, len(self._functions) - 1)

    def bind(self, buffer: int, base: Operand, index: Operand, stride: int) -> None:
        """Point `buffer` at the address of `base` plus `stride` times the i64 at `index`, between barriers."""
        self._append("bind", BIND, False, self._add_operands([base, index]), stride, buffer)

    def label(self) -> Label:
        return Label()

    def place(self, label: Label) -> None:
        """Put a label before the next instruction."""
        label.at = len(self._code)
        self._places.add(label.at)

    def jump(self, label: Label) -> None:
        self._append("jump", JUMP, False, label)

    def jump_unless(self, condition: Operand, label: Label, cost: int = 0) -> None:
        """Jump if the bool byte `condition` is 0, read between two barriers; see the module for `cost`."""
        if self._apart and cost:
            raise RuntimeError("Threads that run apart cannot be interrupted.")
        rejoin = [] if self._rejoin is None else [self._rejoin]
        self._append("jump_unless", JUMP_UNLESS, False, self._add_operands([condition]), label, cost, *rejoin)
        self._code[-1][1] = int(self._rejoin is None and not self._apart)

    @contextmanager
    def alone(self) -> Iterator[None]:
        """What is added inside is run by thread 0 without barriers."""
        if self._rejoin is not None:
            yield
            return
        self._rejoin = self.label()
        self._append("alone", ALONE, False, self._rejoin)
        yield
        self.place(self._rejoin)
        self._append("rejoin", REJOIN, False)
        self._rejoin = None

    @contextmanager
    def apart(self) -> Iterator[None]:
        """What is added inside is run by every thread, without barriers."""
        self._apart = True
        yield
        self._apart = False
        self.barrier()

    def _append(self, name: str, opcode: int, parallel: bool, *arguments: int | Label) -> None:
        if self._sealed is not None:
            raise RuntimeError("A program cannot be extended after its first run.")
        if parallel and self._rejoin is not None:
            raise RuntimeError(f"{name!r} is shared by the threads and cannot be run by one alone.")
        self._parallel |= parallel
        self.names.append(name)
        who = _SHARED if parallel else _EACH if self._apart else _FIRST
        row: list[int | Label] = [opcode, who, *arguments]
        self._code.append(row + [0] * (_WORDS - len(row)))

    def _add_operands(self, operands: Sequence[Operand]) -> int:
        first = len(self._operands)
        for buffer, _ in operands:
            if not 0 <= buffer < self.buffers:
                raise IndexError(f"Operand names buffer {buffer}; the program has {self.buffers}.")
        self._operands += operands
        return first

    def __post_init__(self) -> None:
        self._places: set[int] = set()

    def _labelled_here(self) -> bool:
        return len(self._code) in self._places

    # Running ------------------------------------------------------------------------------------------------------

    def seal(self) -> Sealed:
        """Freeze the tables that all frames share."""
        if self._sealed is None:
            self._append("end", END, False)
            self._sealed = Sealed(self)
        return self._sealed

    def frame(self, rows: Sequence[Row] = ()) -> Frame:
        """A new argument block; one run at a time each."""
        return Frame(self, rows)

    def run(self, addresses: Sequence[int]) -> None:
        """Run on buffers at these addresses. May be called from several threads at once."""
        try:
            frame = self._frames.pop()
        except IndexError:
            frame = Frame(self)
        try:
            frame.buffers[:] = list(addresses)
            frame.run()
        finally:
            self._frames.append(frame)


class Sealed:
    """The read-only tables of a finished program, in native memory."""

    def __init__(self, program: Program) -> None:
        code = Block(8 * _WORDS * len(program._code))
        flat = [self._resolve(entry) for row in program._code for entry in row]
        code.words()[:] = flat
        consts = Block(8 * max(1, len(program._consts)))
        consts.words()[: len(program._consts)] = program._consts
        operands = Block(16 * max(1, len(program._operands)))
        operands.words()[: 2 * len(program._operands)] = [entry for operand in program._operands for entry in operand]
        self.code, self.consts, self.operands = code, consts, operands
        self.operand_count = len(program._operands)

    @staticmethod
    def _resolve(entry: int | Label) -> int:
        if isinstance(entry, Label):
            if entry.at is None:
                raise RuntimeError("A program jumps to a label that was never placed.")
            return entry.at
        return entry


class Frame:
    """Everything one run of a program needs, prebuilt: set `buffers`, then `run()`; or `run(objects)` as `rows` say."""

    def __init__(self, program: Program, rows: Sequence[Row] = ()) -> None:
        sealed = program.seal()
        self._program, self._sealed = program, sealed
        count = len(program._code)
        # Threads with memory of their own have addresses of their own.
        tables = program.threads if program.own[1] else 1
        self._block, self._pointers = Block(8 * len(_FRAME)), Block(8 * max(1, sealed.operand_count) * tables)
        self._table, self._times = Block(8 * max(1, program.buffers)), Block(8 * count)
        #: What `run` is given.
        self.rows = Rows(rows)
        #: The raw address of each buffer.
        self.buffers = (ctypes.c_int64 * program.buffers).from_address(self._table.address)
        #: Nanoseconds spent in each instruction, if the program is timed.
        self.times = self._times.words()
        self._error: BaseException | None = None
        self._callback = _CALLBACK(self._call_python)
        team = current_team() if program._parallel else None
        words = self._words = self._block.words()
        for name, value in (
            ("code", sealed.code.address), ("pointers", self._pointers.address), ("consts", sealed.consts.address),
            ("operands", sealed.operands.address), ("operand_count", sealed.operand_count),
            ("buffers", self._table.address), ("barrier", team.barrier_address if team else 0),
            ("callback", ctypes.cast(self._callback, ctypes.c_void_p).value or 0),
            ("times", self._times.address if program.timed else 0),
            ("launch", team.launch_address if team else 0),
            ("rows", self.rows.address), ("row_count", self.rows.count),
            ("tables", tables), ("own_buffer", program.own[0]), ("own_bytes", program.own[1]),
        ):  # fmt: skip
            words[_AT[name]] = value
        self._parallel = program._parallel
        self._enter = opened(_library(), self._block.address)

    def run(self, objects: Sequence[Any] = ()) -> bool:
        """Run the program on these objects, or on the buffers as they are; raises what a Python callback raised.

        Whether it did: if the objects are not what their rows say, nothing is run.
        """
        status = self._paced(objects) if self._parallel else self._enter(*objects)
        if status != GOING:
            status = self._ended(status)
        return status != UNBOUND

    def _ended(self, status: int) -> int:
        """Go on as long as a run pauses; then how it ended."""
        try:
            while status == PAUSED:  # Python may raise here what a signal asks for
                status = self._enter()
        except BaseException:
            self._words[_AT["start"]] = self._words[_AT["others"]] = 0
            raise
        if status == FAILED:
            error, self._error = self._error, None
            assert error is not None
            raise error
        return status

    def _paced(self, objects: Sequence[Any]) -> int:
        """Begin a run on as many threads as the pacer finds good."""
        pacer = self._program.pacer
        team = current_team() if pacer.together else None
        if team is not None and team.size > self._program.threads:
            team = None
        words = self._words
        if team is None:
            words[_TEAM] = 0
        else:
            words[_TEAM], words[_BARRIER], words[_LAUNCH] = team.address, team.barrier_address, team.launch_address
        start = time.perf_counter_ns()
        status = self._ended(self._enter(*objects))
        if status == GOING:
            pacer.record(team is not None, time.perf_counter_ns() - start)
        return status

    def _call_python(self, index: int) -> int:
        try:
            self._program._functions[index]()
        except BaseException as error:
            self._error = error
            return FAILED
        return 0


_CALLBACK = ctypes.CFUNCTYPE(ctypes.c_int64, ctypes.c_int64)


# Native code ---------------------------------------------------------------------------------------------------------


def _field(f: Function, name: str, kind: str = "ptr") -> str:
    return f.load(kind, f.gep("%frame", _AT[name], "i64"))


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


def _write_nanoseconds(module: Module) -> None:
    """nanoseconds(): a monotonic clock."""
    with module.function("nanoseconds", [], "i64", internal=True) as f:
        cell = f.alloca("i64", 2, 8)
        if sys.platform == "win32":
            f.intrinsic("QueryPerformanceCounter", "i32", ("ptr", cell))
            f.do(f"ret i64 {f.mul(f.load('i64', cell), 100)}")
            return
        f.intrinsic("clock_gettime", "i32", ("i32", str(time.CLOCK_MONOTONIC)), ("ptr", cell))
        seconds = f.mul(f.load("i64", cell), 1_000_000_000)
        f.do(f"ret i64 {f.add(seconds, f.load('i64', f.gep(cell, 1, 'i64')))}")


def _pointer(f: Function, position: str) -> str:
    return f.load("ptr", f.gep("%pointers", position, "i64"))


def _word(f: Function, position: int, kind: str = "i64") -> str:
    return f.load(kind, f.gep("%at", position, "i64"))


def _meet(f: Function, condition: str = "%many") -> None:
    with f.when(condition):
        f.call("void", "%barrier", "ptr %team")


def _op_jump_unless(f: Function, following: str) -> tuple[str, str]:
    """Where to go on; and whether to leave native code for a moment (not if alone: then the others must be told)."""
    cost = _word(f, 4)
    with f.when(f.emit(f"and i1 %first, {f.compare('ne', cost, 0)}")):
        left = f.sub(f.load("i64", "%budget"), cost)
        f.store("i64", left, "%budget")
        with f.when(f.compare("slt", left, 0)):
            f.store("i64", str(PAUSED), "%status")
    shared = f.compare("ne", _word(f, 1), 0)
    meets = f.emit(f"and i1 %many, {shared}")
    _meet(f, meets)
    truth = f.compare("ne", f.load("i8", _pointer(f, _word(f, 2))), 0, "i8")
    paused = f.compare("ne", f.load("i64", "%status"), 0)
    _meet(f, meets)
    target = f.select(truth, following, _word(f, 3))
    with f.when(f.emit(f"and i1 %first, {paused}")):
        f.store("i64", target, f.gep("%frame", _AT["start"], "i64"))
        f.store("i64", f.select(shared, target, _word(f, 5)), f.gep("%frame", _AT["others"], "i64"))
    alone = f.emit(f"xor i1 {shared}, true")
    to_rejoin = f.emit(f"and i1 {paused}, {alone}")
    return f.select(to_rejoin, _word(f, 5), target), f.emit(f"and i1 {paused}, {shared}")


def _share(f: Function) -> tuple[str, str, str]:
    """Of the instruction at hand: whether this thread takes part, its part, the number of parts."""
    who = _word(f, 1)
    takes_part = f.emit(f"or i1 {f.compare('ne', who, _FIRST)}, %first")
    shared = f.compare("eq", who, _SHARED)
    return takes_part, f.select(shared, "%part", 0), f.select(shared, "%parts", 1)


def _op_call(f: Function) -> None:
    takes_part, part, parts = _share(f)
    with f.when(takes_part):
        pointers = f.gep("%pointers", _word(f, 3), "i64")
        consts = f.gep("%consts", _word(f, 4), "i64")
        f.call("void", _word(f, 2, "ptr"), f"ptr {pointers}", f"ptr {consts}", f"i64 {part}", f"i64 {parts}")


def _op_copy(f: Function) -> None:
    takes_part, part, parts = _share(f)
    with f.when(takes_part):
        operand, size, unit = _word(f, 2), _word(f, 3), _word(f, 4)
        first, last = f.share(f.ceildiv(size, unit), part, parts)
        begin, end = f.mul(first, unit), f.minimum(f.mul(last, unit), size)
        target, source = _pointer(f, operand), _pointer(f, str(f.add(operand, 1)))
        f.intrinsic(
            "llvm.memcpy.p0.p0.i64", "void", ("ptr", f.gep(target, begin)), ("ptr", f.gep(source, begin)),
            ("i64", str(f.sub(end, begin))), ("i1", "false"),
        )  # fmt: skip


def _op_python(f: Function) -> None:
    _meet(f)
    with f.when("%first"):
        f.store("i64", f.call("i64", "%callback", f"i64 {_word(f, 2)}"), "%status")
        f.call("void", "resolve", "ptr %frame")
    _meet(f)


def _op_bind(f: Function) -> None:
    _meet(f)
    with f.when("%first"):
        operand, stride, buffer = _word(f, 2), _word(f, 3), _word(f, 4)
        index = f.load("i64", _pointer(f, str(f.add(operand, 1))))
        base = f.load("i64", f.gep("%pointers", operand, "i64"))
        f.store("i64", f.add(base, f.mul(index, stride)), f.gep(_field(f, "buffers"), buffer, "i64"))
        f.call("void", "resolve", "ptr %frame")
    _meet(f)


def _write_walk(module: Module) -> None:
    """walk(frame, part, parts): execute the program as one of `parts` threads."""
    with module.function("walk", [("ptr", "frame"), ("i64", "part"), ("i64", "parts")]) as f:
        for name in ("code", "consts", "team", "barrier", "callback", "times"):
            f.do(f"%{name} = load ptr, ptr {f.gep('%frame', _AT[name], 'i64')}, align 8")
        several = f.compare("sgt", _field(f, "tables", "i64"), 1)
        table = f.select(several, f.mul("%part", _field(f, "operand_count", "i64")), 0)
        f.do(f"%pointers = getelementptr i64, ptr {_field(f, 'pointers')}, i64 {table}")
        for name in ("status", "budget"):
            f.do(f"%{name} = getelementptr i64, ptr %frame, i64 {_AT[name]}")
        f.do("%first = icmp eq i64 %part, 0")
        f.do("%many = icmp sgt i64 %parts, 1")
        f.do("%has_times = icmp ne ptr %times, null")
        f.do("%timed = and i1 %has_times, %first")
        step, after, done = f.new_label(), f.new_label(), f.new_label()
        opcodes = (CALL, BARRIER, JUMP, JUMP_UNLESS, COPY, PYTHON, BIND, ALONE, REJOIN)
        labels = {opcode: f.new_label() for opcode in opcodes}
        beginning = f.select("%first", _field(f, "start", "i64"), _field(f, "others", "i64"))
        start = f.block
        f.jump(step)
        f.label(step)
        counter, place = f.fresh(), f.reserve()
        f.do(f"%at = getelementptr i64, ptr %code, i64 {f.mul(counter, _WORDS)}")
        (began,) = f.branch("%timed", lambda: [f.call("i64", "nanoseconds")], lambda: ["0"], ["i64"])
        following = str(f.add(counter, 1))
        cases = " ".join(f"i64 {opcode}, label %{label}" for opcode, label in labels.items())
        f.do(f"switch i64 {_word(f, 0)}, label %{done} [ {cases} ]")
        exits: list[tuple[str, str]] = []

        def finish(target: str = following) -> None:
            exits.append((target, f.block))
            f.jump(after)

        for opcode, write in ((CALL, _op_call), (BARRIER, _meet), (COPY, _op_copy), (BIND, _op_bind)):
            f.label(labels[opcode])
            write(f)
            finish()
        f.label(labels[JUMP])
        finish(_word(f, 2))

        def finish_unless(stopped: str, target: str = following) -> None:
            go_on = f.new_label()
            f.fork(stopped, done, go_on)
            f.label(go_on)
            finish(target)

        f.label(labels[ALONE])
        finish(f.select("%first", following, _word(f, 2)))
        f.label(labels[REJOIN])
        _meet(f)
        paused = f.compare("ne", f.load("i64", "%status"), 0)
        _meet(f)
        finish_unless(paused)
        f.label(labels[JUMP_UNLESS])
        target, leaves = _op_jump_unless(f, following)
        finish_unless(leaves, target)
        f.label(labels[PYTHON])
        _op_python(f)
        finish_unless(f.compare("ne", f.load("i64", "%status"), 0))
        f.label(after)
        target = f.phi("i64", *exits)
        with f.when("%timed"):
            cell = f.gep("%times", counter, "i64")
            spent = f.sub(f.call("i64", "nanoseconds"), began)
            f.store("i64", f.add(f.load("i64", cell), spent), cell)
        f.fill(place, f"{counter} = phi i64 [{beginning}, %{start}], [{target}, %{f.block}]")
        f.jump(step)
        f.label(done)


def _write_begin(module: Module) -> None:
    """begin(frame): resolve the operands and walk, with the team if the frame names one; gives the status at the end.

    A run that was left for a moment goes on where it was, any other begins at the beginning.
    """
    with module.function("begin", [("ptr", "frame")], "i64") as f:
        f.store("i64", GOING, f.gep("%frame", _AT["status"], "i64"))
        f.store("i64", _BUDGET, f.gep("%frame", _AT["budget"], "i64"))
        f.call("void", "resolve", "ptr %frame")
        team = _field(f, "team")

        def together() -> list[str]:
            f.call("void", _field(f, "launch"), f"ptr {team}", "ptr @walk", "ptr %frame")
            return []

        def alone() -> list[str]:
            f.call("void", "walk", "ptr %frame", "i64 0", "i64 1")
            return []

        f.branch(f.compare("ne", team, "null", "ptr"), together, alone)
        status = _field(f, "status", "i64")
        with f.when(f.compare("ne", status, PAUSED)):
            for name in ("start", "others"):
                f.store("i64", 0, f.gep("%frame", _AT[name], "i64"))
        f.do(f"ret i64 {status}")


@kept
def _library() -> Library:
    module = Module(host())
    _write_resolve(module)
    _write_nanoseconds(module)
    _write_walk(module)
    _write_begin(module)
    write_enter(module, _AT["rows"], _AT["row_count"], _AT["buffers"])
    return compile_module(module.text(), "runner", symbols=symbols())


def prepare(parallel: bool) -> None:
    """Have what runs programs compiled, and the threads started if there are parallel calls."""
    _library()
    if parallel:
        current_team()
