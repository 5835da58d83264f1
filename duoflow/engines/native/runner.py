"""Programs: sequences of kernel calls as data, walked by native code.

Kernel ABI. Every kernel is `void k(ptr ptrs, ptr consts, i64 part, i64 parts, i64 thread)` (`ir.KERNEL`):
  ptrs    the addresses of its buffer operands, in the order given to `Program.call`
  consts  the i64 given to `Program.call` (sizes, strides, `float_bits(x)`)
  part, parts  which share of the work this call does; all of it as 0, 1
  thread  whose scratch memory this call may use, 0 if it is all of the work. Results must depend neither on this nor on
          the number of parts.

Building a program:

    program = Program(buffers=3)                  buffers are numbered; their addresses are given per run
    program.call(address, [(0, 0), (1, 256)], [n], parallel=True)     operands are (buffer, byte offset)
    program.barrier()                             before anything that reads what another thread may have written
    program.copy((2, 0), (1, 0), nbytes)
    program.run([address0, address1, address2])

What runs when. One thread walks the program. What lies between two barriers is a stage: if there are parallel calls in
it, all threads take its chunks, each of which is a part of a parallel call or all its serial calls, in their order;
whoever finishes the last chunk walks on (see `threads`). So parallel calls of a stage overlap in time with each other
and with its serial calls, and the planner puts a barrier between instructions that depend on each other; after a
*serial* producer another *serial* consumer needs none. A label, a jump, `call_python` and `bind` end a stage.

Control: `label()` makes a label, `place(label)` puts it at the next instruction, `jump(label)` and
`jump_unless(operand, label)` go there; the operand is a bool byte. So a while loop is

    again, done = program.label(), program.label()
    program.place(again); ...condition kernel...; program.jump_unless(condition, done)
    ...body...; program.barrier(); program.jump(again); program.place(done)

A part in which no thread needs what another computes goes into `with program.apart():` its shares are chunks of one
stage, each of which is all its instructions, jumps included. What is not parallel is done in each of them, in memory
that each has of its own: that of the buffer `own`, of which there are so many bytes for every thread.

Interrupts. Native code does not see Ctrl-C. `jump_unless(condition, label, cost)` with a cost (nanoseconds since the
last time, roughly) takes it from a budget; when that is used up, the program leaves native code, Python has a chance to
raise what a signal handler raises, and the program goes on where it was.

`bind(buffer, base, index, stride)` points `buffer` at base + stride * i, where i is an i64 read from memory: a loop
can so take x[i] without copying. `call_python(function)` calls back on the thread that runs the program (the operands
it should see are the caller's business: arrays that share the buffers' memory); if it raises, the program stops and
`run` raises it. A callback may change `frame.buffers`; operands are resolved again after it.

Running. `program.run(addresses)` is one ctypes call. `program.frame()` gives a `Frame`, the prebuilt argument block
of one run at a time: set `frame.buffers[i]` (raw addresses) only where they changed, then `frame.run()`; or give it
`Row`s, and then `frame.run(objects)`, which sets them itself (see `entry.py`). Frames are independent: concurrent runs
use one each. With `timed=True` frames accumulate nanoseconds per instruction (the mean of the threads that may share
it) in `frame.times`; `program.names` says what each instruction is.
"""

from __future__ import annotations

import ctypes
import itertools
import struct
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from .entry import FAILED, GOING, PAUSED, UNBOUND, Row, Rows, opened
from .jit import Library
from .pacer import Pacer
from .threads import STAGE_CHUNKS, Block, Team, current_team, team_library, thread_count
from .walk import (
    AT,
    BARRIER,
    BIND,
    CALL,
    CHAIN,
    CHUNKS,
    COPY,
    END,
    FRAME,
    JUMP,
    JUMP_UNLESS,
    PYTHON,
    REJOIN,
    WHOLE,
    WORDS,
    library,
)  # fmt: skip

__all__ = ["Frame", "Operand", "Program", "Sealed", "float_bits", "libraries", "prepare"]

#: A buffer and a byte offset into it.
Operand = tuple[int, int]

_TEAM, _LAUNCH, _PUBLISH, _SUMMON = (AT[name] for name in ("team", "launch", "publish", "summon"))


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
class _Stage:
    """What lies between two barriers, while it is being built.

    Instructions that the threads share, with the pieces of each thread's share, and those that one thread does.
    """

    barrier: int
    shared: list[tuple[int, int]] = field(default_factory=list)
    serial: list[int] = field(default_factory=list)


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
    #: Its tables, once it is finished.
    sealed: Sealed | None = None
    _code: list[list[int | Label]] = field(default_factory=list)
    _consts: list[int] = field(default_factory=list)
    _operands: list[Operand] = field(default_factory=list)
    _functions: list[Callable[[], object]] = field(default_factory=list)
    _chunks: list[tuple[int, int, int]] = field(default_factory=list)
    #: The stage at hand, if it began with a barrier.
    _stage: _Stage | None = None
    #: Whether the part at hand is a chunk of its own for every thread.
    _apart: bool = False
    _frames: list[Frame] = field(default_factory=list)
    pacer: Pacer = field(default_factory=Pacer)

    # Building -----------------------------------------------------------------------------------------------------

    def call(
        self, kernel: int, operands: Sequence[Operand], consts: Sequence[int] = (), *, parallel: bool = False,
        pieces: int = 1, name: str = "kernel",
    ) -> None:  # fmt: skip
        """Call the kernel at an address; each thread's share of it may be cut into so many pieces."""
        first_operand, first_const = self._add_operands(operands), len(self._consts)
        self._consts += consts
        self._append_work(name, pieces if parallel else 0, CALL, kernel, first_operand, first_const)

    def barrier(self) -> None:
        """Wait for all that was begun. Consecutive barriers are one."""
        if self._apart or (self._stage is not None and self._stage.barrier == len(self._code) - 1):
            return
        self._end_stage()
        self._append("barrier", BARRIER)
        self._stage = _Stage(len(self._code) - 1)

    def copy(
        self, destination: Operand, source: Operand, nbytes: int, *, parallel: bool = False, unit: int = 64
    ) -> None:  # fmt: skip
        """Copy bytes, which threads share in units of so many; the two ranges do not overlap."""
        self._append_work("copy", int(parallel), COPY, self._add_operands([destination, source]), nbytes, unit)

    def call_python(self, function: Callable[[], object], name: str = "python") -> None:
        """Call a Python function of no arguments, when all before is done."""
        self._functions.append(function)
        self._append_control(name, PYTHON, len(self._functions) - 1)

    def bind(self, buffer: int, base: Operand, index: Operand, stride: int) -> None:
        """Point `buffer` at the address of `base` plus `stride` times the i64 at `index`, when all before is done."""
        self._append_control("bind", BIND, self._add_operands([base, index]), stride, buffer)

    def label(self) -> Label:
        return Label()

    def place(self, label: Label) -> None:
        """Put a label before the next instruction."""
        self._end_stage()
        label.at = len(self._code)

    def jump(self, label: Label) -> None:
        self._append_control("jump", JUMP, label)

    def jump_unless(self, condition: Operand, label: Label, cost: int = 0) -> None:
        """Jump if the bool byte `condition` is 0, when all before is done; see the module for `cost`."""
        if self._apart and cost:
            raise RuntimeError("Threads that run apart cannot be interrupted.")
        self._append_control("jump_unless", JUMP_UNLESS, self._add_operands([condition]), label, cost)

    @contextmanager
    def apart(self) -> Iterator[None]:
        """What is added inside is done once for each thread's share, without barriers."""
        self.barrier()
        stage, self._stage = self._stage, None
        assert stage is not None
        first, self._apart = len(self._code), True
        yield
        self._apart = False
        self._append("rejoin", REJOIN)
        self._set_chunks(stage, [[(first, thread, self.threads)] for thread in range(self.threads)])
        self.barrier()

    def _append(self, name: str, opcode: int, *arguments: int | Label) -> None:
        if self.sealed is not None:
            raise RuntimeError("A program cannot be extended after its first run.")
        self.names.append(name)
        row: list[int | Label] = [opcode, *arguments]
        self._code.append(row + [0] * (WORDS - len(row)))

    def _append_control(self, name: str, opcode: int, *arguments: int | Label) -> None:
        self._end_stage()
        self._append(name, opcode, *arguments)

    def _append_work(self, name: str, pieces: int, opcode: int, *arguments: int) -> None:
        """Add a call or copy that threads share, each in so many pieces, or one does: 0 pieces."""
        if pieces and self._stage is None:
            self.barrier()
        if self._stage is not None and pieces:
            self._stage.shared.append((len(self._code), pieces))
        elif self._stage is not None:
            self._stage.serial.append(len(self._code))
        self._append(name, opcode, *arguments)
        if self._apart:
            self._code[-1][WHOLE:] = [int(not pieces), len(self._code)]

    @property
    def _width(self) -> int:
        """How many chunks of a stage belong to one thread."""
        return STAGE_CHUNKS // self.threads

    def _end_stage(self) -> None:
        """Make chunks of the stage at hand."""
        stage, self._stage = self._stage, None
        if stage is None or not stage.shared:
            return
        room = self._width - 2
        chained = []
        lists: list[list[tuple[int, int, int]]] = [[] for _ in range(self.threads)]
        for row, pieces in stage.shared:
            if pieces == 1 or pieces > room:
                chained.append(row)
                continue
            room -= pieces
            parts = pieces * self.threads
            for thread, own in enumerate(lists):
                own += [(row, part, parts) for part in range(thread * pieces, (thread + 1) * pieces)]
        for rows in (stage.serial, chained):
            for before, after in itertools.pairwise(rows):
                self._code[before][CHAIN] = after
        for thread, own in enumerate(lists):
            own += [(chained[0], thread, self.threads)] if chained else []
        if stage.serial:
            lists[0].insert(0, (stage.serial[0], 0, 1))
        self._set_chunks(stage, lists)

    def _set_chunks(self, stage: _Stage, lists: Sequence[Sequence[tuple[int, int, int]]]) -> None:
        """Let a stage have these chunks of each thread: first instruction, part, parts."""
        each, first = len(lists[0]), len(self._chunks)
        numbers = sum(1 << thread * self._width + i for thread, own in enumerate(lists) for i in range(len(own)))
        for own in lists:
            self._chunks += [*own, *[(0, 0, 0)] * (each - len(own))]
        self._code[stage.barrier][CHUNKS : CHUNKS + 5] = [
            numbers - (numbers >> 63 << 64), self._width, first, each, len(self._code)
        ]  # fmt: skip

    def _add_operands(self, operands: Sequence[Operand]) -> int:
        first = len(self._operands)
        for buffer, _ in operands:
            if not 0 <= buffer < self.buffers:
                raise IndexError(f"Operand names buffer {buffer}; the program has {self.buffers}.")
        self._operands += operands
        return first

    # Running ------------------------------------------------------------------------------------------------------

    def seal(self) -> Sealed:
        """Freeze the tables that all frames share."""
        if self.sealed is None:
            self._append_control("end", END)
            code = [_resolved(entry) for row in self._code for entry in row]
            chunks, operands = ([word for row in rows for word in row] for rows in (self._chunks, self._operands))
            self.sealed = Sealed(code, chunks, self._consts, operands)
        return self.sealed

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
    """The read-only tables of a finished program: as numbers, `Address`es and `Table`s among them, and in memory."""

    def __init__(self, *tables: list[int]) -> None:
        #: Instructions, chunks, constants and operands.
        self.words = tables
        self.code, self.chunks, self.consts, self.operands = map(_in_memory, tables)
        self.operand_count = len(tables[-1]) // 2


def _resolved(entry: int | Label) -> int:
    if isinstance(entry, Label):
        if entry.at is None:
            raise RuntimeError("A program jumps to a label that was never placed.")
        return entry.at
    return entry


def _in_memory(words: list[Any]) -> Block:
    block = Block(8 * max(1, len(words)))
    block.words()[: len(words)] = words
    return block


class Frame:
    """Everything one run of a program needs, prebuilt: set `buffers`, then `run()`; or `run(objects)` as `rows` say."""

    def __init__(self, program: Program, rows: Sequence[Row] = ()) -> None:
        sealed = program.seal()
        self._program, self._sealed = program, sealed
        count = len(program.names)
        # Threads with memory of their own have addresses of their own.
        tables = program.threads if program.own[1] else 1
        self._block, self._pointers = Block(8 * len(FRAME)), Block(8 * max(1, sealed.operand_count) * tables)
        self._table, self._times = Block(8 * max(1, program.buffers)), Block(8 * count)
        #: What `run` is given.
        self.rows = Rows(rows)
        #: The raw address of each buffer.
        self.buffers = (ctypes.c_int64 * program.buffers).from_address(self._table.address)
        #: Nanoseconds spent in each instruction, if the program is timed.
        self.times = self._times.words()
        self._error: BaseException | None = None
        self._callback = _CALLBACK(self._call_python)
        words = self._words = self._block.words()
        for name, value in (
            ("code", sealed.code.address), ("chunks", sealed.chunks.address), ("pointers", self._pointers.address),
            ("consts", sealed.consts.address), ("operands", sealed.operands.address),
            ("operand_count", sealed.operand_count), ("buffers", self._table.address),
            ("callback", ctypes.cast(self._callback, ctypes.c_void_p).value or 0),
            ("times", self._times.address if program.timed else 0),
            ("rows", self.rows.address), ("row_count", self.rows.count),
            ("tables", tables), ("own_buffer", program.own[0]), ("own_bytes", program.own[1]),
            ("threads", program.threads),
        ):  # fmt: skip
            words[AT[name]] = value
        self._parallel = bool(sealed.words[1])
        #: The team whose functions the block names.
        self._team: Team | None = None
        self._enter = opened(library(), self._block.address)

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
            self._words[AT["next"]] = 0
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
        words[_TEAM] = 0 if team is None else team.address
        if team is not None and team is not self._team:
            self._team = team
            words[_LAUNCH], words[_PUBLISH], words[_SUMMON] = team.functions
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


def libraries(parallel: bool) -> list[Library]:
    """What runs programs, with the threads' part if there are parallel calls."""
    return [library(), team_library()] if parallel else [library()]


def prepare(parallel: bool) -> None:
    """Have what runs programs compiled, and the threads started if there are parallel calls."""
    library()
    if parallel:
        current_team()
