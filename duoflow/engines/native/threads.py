"""A team of threads that run one job together.

A job goes from stage to stage. A stage is up to 64 chunks of work that any thread may do, in any order; who finishes
the last of them goes on to the next stage. So no thread is waited for but those that are in the middle of a chunk: one
that another program has displaced, or that is still waking up, misses a part of the job and takes part in the rest.

    team = current_team()               None if one thread is all there is
    team.launch(team.address, chunk_address, advance_address, context_address)

`chunk(ptr context, i64 number, i64 thread)` does one chunk of the stage at hand. `advance(ptr context, i64 thread)`
is called by one thread at a time, first by the caller, who is thread 0. It does what is to be done by one thread, and
then returns `publish(team, numbers)`, the next stage as a set of bits; or `summon(team)`, if the caller is to go on
(it is called again there); or 1 when the job is over, in the caller's thread only. After `publish` others may finish
the whole job: it is the last thing `advance` does with the context.

Thread t of n takes the numbers from t * (64 // n) on first, the lowest first, and then the highest that are left. So
with equal shares in these ranges each finds in its cache what it worked on before.

`launch` does nothing and returns 0 if the team is already busy, so it may be called from several Python threads and
from inside a job. The team's size is `switches.threads` (tf.config.threading, DUOFLOW_THREADS) or the number of
processors this process may use. The team is made at its first use, made again in a forked child, and stopped at exit.

The system takes a processor from a thread for others at any time, and the rest then wait for its chunk. So a thread
that has worked for a while offers its processor between two chunks, where nobody waits for it.

The workers are Python daemon threads that spend their life inside native code (ctypes has released the GIL). Without
work they spin for a short while, then park in the kernel; so does the caller while others do the last chunks.

Linux likes to wake a thread on the processor of whoever wakes it, and does not correct that in the short time a job
takes: a worker that finds itself there moves away before it begins.

Memory of the team, 64-byte lines: STAGE holds the numbers to be had, how many chunks are not finished, whether the
caller is to go on, and NEWS, which counts what was published and is what threads wait on; JOB the functions, the
context, the number of threads and the caller's processor; SLEEPERS counts threads that have parked since the last
were woken; BUSY is 1 while a job runs; MUTEX and CONDITION are for systems without a wait on an address.
"""

from __future__ import annotations

import atexit
import ctypes
import functools
import os
import platform
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from duoflow.core.arrays import address_of
from duoflow.core.switches import switches

from .ir import Function, Index, Module
from .jit import Library, compile_by_name, kept

__all__ = ["Block", "Team", "current_team", "team_library", "thread_count", "write_nanoseconds"]

_LINE = 64
STAGE, JOB, SLEEPERS, STOP, BUSY, MUTEX = (line * _LINE for line in range(6))
CONDITION = MUTEX + 2 * _LINE
_BYTES = CONDITION + 2 * _LINE
FREE, UNFINISHED, SUMMONED, NEWS = (STAGE + 8 * word for word in range(4))
CHUNK, ADVANCE, CONTEXT, SIZE, CALLER = (JOB + 8 * word for word in range(5))

#: The most chunks of a stage, and the most threads of a team: each has two numbers at least.
STAGE_CHUNKS, _MOST_THREADS = 64, 32
#: Turns of the wait loop (about 30 ns each) a thread makes before it parks.
_SPINS = 4000
#: How long a thread works until it offers its processor to others, in nanoseconds: less than the system lets it run.
_OFFER_AFTER = 3_000_000
#: Whether workers leave the caller's processor; bytes of a set of processors.
_MOVES = sys.platform == "linux"
_MASK_BYTES = 128
#: How long stopping waits for a running job and for the workers to leave.
_STOP_SECONDS = 1.0


class Block:
    """Zeroed memory outside Python's heap of objects, aligned to 64 bytes.

    NumPy asks the system for large pages and zeroes none that nobody touches.
    """

    __slots__ = ("_memory", "address", "size")

    def __init__(self, size: int) -> None:
        self._memory = np.zeros(size + _LINE, np.uint8)
        start = address_of(self._memory)
        self.address = start + -start % _LINE
        self.size = size

    def words(self) -> ctypes.Array[ctypes.c_int64]:
        """The block as an array of i64 that writes through to it."""
        return (ctypes.c_int64 * (self.size // 8)).from_address(self.address)


# Native code ---------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Parking:
    """How threads sleep until NEWS is no longer what they saw."""

    sleep: Callable[[Function, str], None]
    wake: Callable[[Function], None]


_FUTEX_CALL = {"x86_64": 202, "aarch64": 98, "riscv64": 98}


def _at(f: Function, offset: int) -> str:
    return f.gep("%team", offset)


def _atomic_load(f: Function, offset: int, order: str = "acquire") -> str:
    return f.emit(f"load atomic i64, ptr {_at(f, offset)} {order}, align 8")


def _atomic_store(f: Function, value: Index, offset: int, order: str = "release") -> None:
    f.do(f"store atomic i64 {value}, ptr {_at(f, offset)} {order}, align 8")


def _atomic(f: Function, operation: str, offset: int, value: Index, order: str = "acq_rel") -> str:
    """An atomic operation on a word; the value before."""
    return f.emit(f"atomicrmw {operation} ptr {_at(f, offset)}, i64 {value} {order}, align 8")


def _futex_sleep(f: Function, seen: str) -> None:
    f.module.declare("syscall", "i64", "i64", "...")
    low = f.emit(f"trunc i64 {seen} to i32")
    number = _FUTEX_CALL[platform.machine()]
    f.do(f"call i64 (i64, ...) @syscall(i64 {number}, ptr {_at(f, NEWS)}, i32 128, i32 {low}, ptr null)")


def _futex_wake(f: Function) -> None:
    f.module.declare("syscall", "i64", "i64", "...")
    number = _FUTEX_CALL[platform.machine()]
    f.do(f"call i64 (i64, ...) @syscall(i64 {number}, ptr {_at(f, NEWS)}, i32 129, i32 2147483647)")


def _condition_sleep(f: Function, seen: str) -> None:
    f.intrinsic("pthread_mutex_lock", "i32", ("ptr", _at(f, MUTEX)))
    with f.when(f.compare("eq", _atomic_load(f, NEWS, "seq_cst"), seen)):
        f.intrinsic("pthread_cond_wait", "i32", ("ptr", _at(f, CONDITION)), ("ptr", _at(f, MUTEX)))
    f.intrinsic("pthread_mutex_unlock", "i32", ("ptr", _at(f, MUTEX)))


def _condition_wake(f: Function) -> None:
    f.intrinsic("pthread_mutex_lock", "i32", ("ptr", _at(f, MUTEX)))
    f.intrinsic("pthread_cond_broadcast", "i32", ("ptr", _at(f, CONDITION)))
    f.intrinsic("pthread_mutex_unlock", "i32", ("ptr", _at(f, MUTEX)))


def _address_sleep(f: Function, seen: str) -> None:
    expected = f.alloca("i64", align=8)
    f.store("i64", seen, expected)
    f.intrinsic(
        "WaitOnAddress", "i32", ("ptr", _at(f, NEWS)), ("ptr", expected), ("i64", "8"), ("i32", "4294967295")
    )  # fmt: skip


def _address_wake(f: Function) -> None:
    f.intrinsic("WakeByAddressAll", "void", ("ptr", _at(f, NEWS)))


_PARKING = {
    "futex": _Parking(_futex_sleep, _futex_wake),
    "condition": _Parking(_condition_sleep, _condition_wake),
    "address": _Parking(_address_sleep, _address_wake),
}


def _default_parking() -> str:
    if sys.platform == "win32":
        return "address"
    return "futex" if sys.platform == "linux" and platform.machine() in _FUTEX_CALL else "condition"


def _pause(f: Function) -> None:
    if f.target.is_x86:
        f.intrinsic("llvm.x86.sse2.pause", "void")
    elif f.target.is_arm64:
        f.intrinsic("llvm.aarch64.hint", "void", ("i32", "1"))


def write_nanoseconds(module: Module) -> None:
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


def _write_serve(module: Module) -> None:
    """serve(team, thread, own): do chunks, those of the set `own` first, until the job (of a worker: its life) ends."""
    with module.function("serve", [("ptr", "team"), ("i64", "thread"), ("i64", "own")]) as f:
        f.do("%caller = icmp eq i64 %thread, 0")
        offered = f.alloca("i64", align=8)
        f.store("i64", f.call("i64", "nanoseconds"), offered)
        again, look, idle, wait, park, work, leave = (f.new_label() for _ in range(7))
        f.jump(again)
        f.label(again)
        f.jump(look)
        f.label(look)
        turn, turn_place = f.fresh(), f.reserve()
        free = _atomic_load(f, FREE)
        f.fork(f.compare("ne", free, 0), work, idle)

        f.label(idle)
        summoned = f.compare("ne", _atomic_load(f, SUMMONED), 0)
        called = f.emit(f"and i1 %caller, {summoned}")
        go_on, rest = f.new_label(), f.new_label()
        f.fork(called, go_on, rest)
        f.label(go_on)
        _atomic_store(f, 0, SUMMONED, "monotonic")
        _go_on(f, again, leave)

        f.label(rest)
        f.fork(f.compare("ne", _atomic_load(f, STOP), 0), leave, wait)
        f.label(wait)
        _pause(f)
        following = f.add(turn, 1)
        f.fork(f.compare("slt", following, _SPINS), look, park)
        f.label(park)
        f.call("void", "park", "ptr %team", "i64 %thread")
        f.jump(again)
        f.fill(turn_place, f"{turn} = phi i64 [0, %{again}], [{following}, %{wait}]")

        f.label(work)
        number = _choose(f, free)
        bit = f.emit(f"shl i64 1, {number}")
        before = _atomic(f, "and", FREE, f.emit(f"xor i64 {bit}, -1"))
        mine, done = f.new_label(), f.new_label()
        f.fork(f.compare("ne", f.emit(f"and i64 {before}, {bit}"), 0), mine, again)
        f.label(mine)
        function, context = f.load("ptr", _at(f, CHUNK)), f.load("ptr", _at(f, CONTEXT))
        f.call("void", function, f"ptr {context}", f"i64 {number}", "i64 %thread")
        unfinished = _atomic(f, "sub", UNFINISHED, 1)
        offer = f.new_label()
        f.fork(f.compare("eq", unfinished, 1), done, offer)
        f.label(done)
        _go_on(f, offer, leave)
        f.label(offer)
        _offer(f, offered)
        f.jump(again)
        f.label(leave)


def _go_on(f: Function, again: str, leave: str) -> None:
    """Call the job's `advance`, and leave if that was the end."""
    function, context = f.load("ptr", _at(f, ADVANCE)), f.load("ptr", _at(f, CONTEXT))
    over = f.call("i64", function, f"ptr {context}", "i64 %thread")
    f.fork(f.compare("ne", over, 0), leave, again)


def _offer(f: Function, offered: str) -> None:
    """Offer the processor to others, if the time of the last offer, which is kept at `offered`, is long ago."""
    now = f.call("i64", "nanoseconds")
    with f.when(f.compare("sgt", f.sub(now, f.load("i64", offered)), _OFFER_AFTER)):
        f.intrinsic("SwitchToThread" if sys.platform == "win32" else "sched_yield", "i32")
        f.store("i64", f.call("i64", "nanoseconds"), offered)


def _choose(f: Function, free: str) -> str:
    """The lowest number of `free` that is in `%own`; if there is none, the highest."""
    own = f.emit(f"and i64 {free}, %own")
    lowest = f.intrinsic("llvm.cttz.i64", "i64", ("i64", own), ("i1", "false"))
    highest = f.sub(63, f.intrinsic("llvm.ctlz.i64", "i64", ("i64", free), ("i1", "false")))
    return f.select(f.compare("ne", own, 0), lowest, highest)


def _write_park(module: Module, parking: _Parking) -> None:
    """park(team, thread): sleep until there may be something to do."""
    with module.function("park", [("ptr", "team"), ("i64", "thread")]) as f:
        seen = _atomic_load(f, NEWS, "seq_cst")
        _atomic(f, "add", SLEEPERS, 1, "seq_cst")
        nothing = _atomic_load(f, FREE, "seq_cst")
        for word in (SUMMONED, STOP):
            nothing = f.emit(f"or i64 {nothing}, {_atomic_load(f, word, 'seq_cst')}")
        with f.when(f.compare("eq", nothing, 0)):
            parking.sleep(f, seen)
        if _MOVES:
            with f.when(f.compare("ne", "%thread", 0)):
                f.call("void", "part", "ptr %team")


def _write_wake(module: Module, parking: _Parking) -> None:
    """wake(team): tell all threads to look at what there is to do."""
    with module.function("wake", [("ptr", "team")]) as f:
        _atomic(f, "add", NEWS, 1, "seq_cst")
        with f.when(f.compare("ne", _atomic_load(f, SLEEPERS, "seq_cst"), 0)):
            _atomic(f, "xchg", SLEEPERS, 0, "seq_cst")
            parking.wake(f)


def _write_publish(module: Module) -> None:
    """publish(team, numbers): 0, after making the chunks with these numbers the stage at hand."""
    with module.function("publish", [("ptr", "team"), ("i64", "numbers")], "i64") as f:
        _atomic_store(f, f.intrinsic("llvm.ctpop.i64", "i64", ("i64", "%numbers")), UNFINISHED, "monotonic")
        _atomic_store(f, "%numbers", FREE)
        f.call("void", "wake", "ptr %team")
        f.do("ret i64 0")


def _write_summon(module: Module) -> None:
    """summon(team): 0, after letting the caller go on."""
    with module.function("summon", [("ptr", "team")], "i64") as f:
        _atomic_store(f, 1, SUMMONED)
        f.call("void", "wake", "ptr %team")
        f.do("ret i64 0")


def _processor(f: Function) -> str:
    """The processor that runs this thread."""
    return f.emit(f"sext i32 {f.intrinsic('sched_getcpu', 'i32')} to i64")


def _write_part(module: Module) -> None:
    """part(team): leave the processor of the job's caller, if there is another; the choice stays as free as it was."""
    with module.function("part", [("ptr", "team")]) as f:
        here = _processor(f)
        with f.when(f.compare("eq", here, f.load("i64", _at(f, CALLER)))):
            allowed, others = f.alloca("i64", _MASK_BYTES // 8), f.alloca("i64", _MASK_BYTES // 8)
            size, own_thread = ("i64", str(_MASK_BYTES)), ("i32", "0")
            f.intrinsic("llvm.memset.p0.i64", "void", ("ptr", allowed), ("i8", "0"), size, ("i1", "false"))
            failed = f.intrinsic("sched_getaffinity", "i32", own_thread, size, ("ptr", allowed))
            with f.when(f.emit(f"icmp sge i32 {failed}, 0")):
                f.intrinsic(
                    "llvm.memcpy.p0.p0.i64", "void", ("ptr", others), ("ptr", allowed), size, ("i1", "false")
                )  # fmt: skip
                byte = f.gep(others, f.div(here, 8))
                bit = f.emit(f"shl i64 1, {f.rem(here, 8)}")
                without = f.emit(f"xor i8 {f.emit(f'trunc i64 {bit} to i8')}, -1")
                f.store("i8", f.emit(f"and i8 {f.load('i8', byte)}, {without}"), byte)
                f.intrinsic("sched_setaffinity", "i32", own_thread, size, ("ptr", others))
                f.intrinsic("sched_setaffinity", "i32", own_thread, size, ("ptr", allowed))


def _write_launch(module: Module) -> None:
    """launch(team, chunk, advance, context): run the job and return 1; 0 if the team is busy."""
    parameters = [("ptr", "team"), ("ptr", "chunk"), ("ptr", "advance"), ("ptr", "context")]
    with module.function("launch", parameters, "i64") as f:
        start, busy, serve, over = (f.new_label() for _ in range(4))
        f.fork(_take(f), start, busy)
        f.label(busy)
        f.do("ret i64 0")
        f.label(start)
        for name, offset in (("chunk", CHUNK), ("advance", ADVANCE), ("context", CONTEXT)):
            f.store("ptr", f"%{name}", _at(f, offset))
        if _MOVES:
            f.store("i64", _processor(f), _at(f, CALLER))
        ended = f.call("i64", "%advance", "ptr %context", "i64 0")
        f.fork(f.compare("ne", ended, 0), over, serve)
        f.label(serve)
        own = f.sub(f.emit(f"shl i64 1, {f.div(STAGE_CHUNKS, f.load('i64', _at(f, SIZE)))}"), 1)
        f.call("void", "serve", "ptr %team", "i64 0", f"i64 {own}")
        f.jump(over)
        f.label(over)
        _atomic_store(f, 0, BUSY)
        f.do("ret i64 1")


def _take(f: Function) -> str:
    """Make the team busy; whether it was free, as an i1."""
    outcome = f.emit(f"cmpxchg ptr {_at(f, BUSY)}, i64 0, i64 1 acq_rel monotonic, align 8")
    return f.emit(f"extractvalue {{ i64, i1 }} {outcome}, 1")


def _write_take(module: Module) -> None:
    """take(team): make the team busy for good, if it is free; 1 if it was."""
    with module.function("take", [("ptr", "team")], "i64") as f:
        f.do(f"ret i64 {f.emit(f'zext i1 {_take(f)} to i64')}")


def team_library() -> Library:
    """The native code of teams on this system."""
    return _library(_default_parking())


@kept
def _library(parking_name: str) -> Library:
    def write(module: Module) -> None:
        parking = _PARKING[parking_name]
        _write_wake(module, parking)
        if _MOVES:
            _write_part(module)
        _write_park(module, parking)
        write_nanoseconds(module)
        for each in (_write_serve, _write_publish, _write_summon, _write_launch, _write_take):
            each(module)

    return compile_by_name(f"threads.{parking_name}", write, symbols=_windows_symbols())


def _windows_symbols() -> dict[str, int]:
    if sys.platform != "win32":
        return {}
    synch, kernel = ctypes.WinDLL("api-ms-win-core-synch-l1-2-0"), ctypes.WinDLL("kernel32")
    found = {"WaitOnAddress": synch.WaitOnAddress, "WakeByAddressAll": synch.WakeByAddressAll}
    found |= {name: getattr(kernel, name) for name in ("SwitchToThread", "QueryPerformanceCounter")}
    return {name: ctypes.cast(function, ctypes.c_void_p).value or 0 for name, function in found.items()}


# The team ------------------------------------------------------------------------------------------------------------


class Team:
    """`size` threads, the caller of `launch` among them."""

    def __init__(self, size: int, parking: str | None = None) -> None:
        library = _library(parking or _default_parking())
        self.size = size
        self._block = Block(_BYTES)
        #: What `launch`, `publish` and `summon` take as their first argument.
        self.address = self._block.address
        self._words = self._block.words()
        self._words[SIZE // 8] = size
        if (parking or _default_parking()) == "condition":
            libc = ctypes.CDLL(None)
            libc.pthread_mutex_init(ctypes.c_void_p(self.address + MUTEX), None)
            libc.pthread_cond_init(ctypes.c_void_p(self.address + CONDITION), None)
        #: The addresses of `launch`, `publish` and `summon`.
        self.functions = tuple(library.address(name) for name in ("launch", "publish", "summon"))
        #: launch(team address, chunk address, advance address, context address)
        self.launch = ctypes.CFUNCTYPE(ctypes.c_int64, *[ctypes.c_void_p] * 4)(self.functions[0])
        self._take = ctypes.CFUNCTYPE(ctypes.c_int64, ctypes.c_void_p)(library.address("take"))
        self._wake = ctypes.CFUNCTYPE(None, ctypes.c_void_p)(library.address("wake"))
        serve = ctypes.CFUNCTYPE(None, ctypes.c_void_p, ctypes.c_int64, ctypes.c_uint64)(library.address("serve"))
        width = STAGE_CHUNKS // size
        self._threads = [
            threading.Thread(
                target=serve,
                args=(self.address, thread, (1 << width) - 1 << thread * width),
                name=f"duoflow-{thread}",
                daemon=True,
            )
            for thread in range(1, size)
        ]
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        """Wait for the job that is running, if any, and let the workers return; later jobs find the team busy."""
        give_up = time.monotonic() + _STOP_SECONDS
        while not self._take(self.address):
            if self._words[STOP // 8] or time.monotonic() > give_up:
                return
            time.sleep(0.001)
        self._words[STOP // 8] = 1
        self._wake(self.address)
        for thread in self._threads:
            thread.join(_STOP_SECONDS)


_lock = threading.Lock()
_team: Team | None = None


def thread_count() -> int:
    """How many threads a team has."""
    return min(switches.threads or _usable_processors(), _MOST_THREADS)


@functools.cache
def _usable_processors() -> int:
    if hasattr(os, "sched_getaffinity"):
        return max(1, len(os.sched_getaffinity(0)))
    return os.cpu_count() or 1


def current_team() -> Team | None:
    """The team of this process, made at first use and whenever its size is to change; None if that is 1."""
    global _team
    count, team = thread_count(), _team
    if team is not None and team.size == count:
        return team
    with _lock:
        retired = None
        if _team is None or _team.size != count:
            retired, _team = _team, Team(count) if count > 1 else None
        team = _team
    if retired is not None:
        retired.stop()
    return team


def _stop() -> None:
    if _team is not None:
        _team.stop()


def _forget() -> None:
    """In a forked child: the workers were not copied."""
    global _team, _lock
    _team, _lock = None, threading.Lock()


atexit.register(_stop)
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forget)
