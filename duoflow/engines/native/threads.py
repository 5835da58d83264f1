"""A team of threads that run one native function together, and the rule that says when to use it.

The workers are Python daemon threads that spend their life inside native code (ctypes has released the GIL): they
spin for a short while after a job, then park in the kernel. A job is `void fn(ptr context, i64 part, i64 parts)`,
called once by every thread, `part` 0 being the caller; inside it the threads may meet at `barrier`.

    team = current_team()               None if one thread is all there is
    team.launch(team.address, fn_address, context_address)

`launch` runs the job alone (parts = 1) if the team is already busy, so it may be called from several Python threads
and from inside a job. Its size is `switches.threads` (tf.config.threading, DUOFLOW_THREADS) or the number of processors
this process may use. The team is made at its first use, made again in a forked child, and stopped at exit.

`Pacer` decides run by run whether a program is quicker with the team: under load from other processes, or with little
work, static shares and barriers lose to a single thread.

Linux likes to wake a thread on the processor of whoever wakes it, and does not correct that in the short time a job
takes: a worker that finds itself there moves away before it begins.

Memory of the team, one 64-byte line each: EPOCH counts jobs and is what workers wait on; JOB holds function, context,
number of threads and the caller's processor; PENDING counts workers still running; SLEEPERS those parked; BUSY is 1
while a job runs; COUNT and PHASE make the barrier; MUTEX and CONDITION are for systems without a wait on an address.
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

from .ir import Function, Module
from .jit import Library, compile_module, kept
from .target import host

__all__ = ["Block", "Pacer", "Team", "current_team", "thread_count"]

_LINE = 64
EPOCH, JOB, PENDING, SLEEPERS, STOP, BUSY, COUNT, PHASE, MUTEX = (line * _LINE for line in range(9))
CONDITION = MUTEX + 2 * _LINE
_BYTES = CONDITION + 2 * _LINE

#: Turns of the wait loop (about 30 ns each) a worker makes before it parks.
_SPINS = 4000
#: Turns after which a thread that waits inside a job gives its processor away, and after which it sleeps between looks
#: (somebody is in a long serial step, perhaps in Python).
_YIELD_AFTER = 1000
_SLEEP_AFTER = 20_000
_SLEEP_MICROSECONDS = 50
#: Whether workers leave the caller's processor; where JOB says which that is; bytes of a set of processors.
_MOVES = sys.platform == "linux"
_CALLER = 24
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
    """How threads sleep until EPOCH is no longer what they saw."""

    sleep: Callable[[Function, str], None]
    wake: Callable[[Function], None]


_FUTEX_CALL = {"x86_64": 202, "aarch64": 98, "riscv64": 98}


def _at(f: Function, line: int, offset: int = 0) -> str:
    return f.gep("%team", line + offset)


def _atomic_load(f: Function, pointer: str, order: str = "acquire") -> str:
    return f.emit(f"load atomic i64, ptr {pointer} {order}, align 8")


def _futex_sleep(f: Function, seen: str) -> None:
    f.module.declare("syscall", "i64", "i64", "...")
    low = f.emit(f"trunc i64 {seen} to i32")
    number = _FUTEX_CALL[platform.machine()]
    f.do(f"call i64 (i64, ...) @syscall(i64 {number}, ptr {_at(f, EPOCH)}, i32 128, i32 {low}, ptr null)")


def _futex_wake(f: Function) -> None:
    f.module.declare("syscall", "i64", "i64", "...")
    number = _FUTEX_CALL[platform.machine()]
    f.do(f"call i64 (i64, ...) @syscall(i64 {number}, ptr {_at(f, EPOCH)}, i32 129, i32 2147483647)")


def _condition_sleep(f: Function, seen: str) -> None:
    f.intrinsic("pthread_mutex_lock", "i32", ("ptr", _at(f, MUTEX)))
    changed = f.compare("ne", _atomic_load(f, _at(f, EPOCH), "seq_cst"), seen)
    with f.when(f.emit(f"xor i1 {changed}, true")):
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
        "WaitOnAddress", "i32", ("ptr", _at(f, EPOCH)), ("ptr", expected), ("i64", "8"), ("i32", "4294967295")
    )  # fmt: skip


def _address_wake(f: Function) -> None:
    f.intrinsic("WakeByAddressAll", "void", ("ptr", _at(f, EPOCH)))


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


def _wait_until(f: Function, reached: Callable[[], str]) -> None:
    """Spin, then give the processor away, then sleep, until the i1 that `reached` writes holds."""
    before, head, again, after = f.block, f.new_label(), f.new_label(), f.new_label()
    f.jump(head)
    f.label(head)
    turn, place = f.fresh(), f.reserve()
    f.fork(reached(), after, again)
    f.label(again)
    _pause(f)
    following = f.add(turn, 1)
    windows = sys.platform == "win32"
    with f.when(f.compare("sgt", following, _YIELD_AFTER)):
        f.intrinsic("SwitchToThread" if windows else "sched_yield", "i32")
    with f.when(f.compare("sgt", following, _SLEEP_AFTER)):
        f.intrinsic("Sleep", "void", ("i32", "1")) if windows else f.intrinsic(
            "usleep", "i32", ("i32", str(_SLEEP_MICROSECONDS))
        )
    f.fill(place, f"{turn} = phi i64 [0, %{before}], [{following}, %{f.block}]")
    f.jump(head)
    f.label(after)


def _write_worker(module: Module, parking: _Parking) -> None:
    """worker(team, part): run every job announced after epoch 0 until STOP is set."""
    with module.function("worker", [("ptr", "team"), ("i64", "part")]) as f:
        begin, poll, idle, park, work, run, leave = (f.new_label() for _ in range(7))
        f.jump(begin)
        f.label(begin)
        seen, seen_place = f.fresh(), f.reserve()
        f.jump(poll)
        f.label(poll)
        turn, turn_place = f.fresh(), f.reserve()
        epoch = _atomic_load(f, _at(f, EPOCH))
        f.fork(f.compare("ne", epoch, seen), work, idle)
        f.label(idle)
        _pause(f)
        following = f.add(turn, 1)
        f.fork(f.compare("slt", following, _SPINS), poll, park)
        f.label(park)
        f.do(f"%s0 = atomicrmw add ptr {_at(f, SLEEPERS)}, i64 1 seq_cst, align 8")
        with f.when(f.compare("eq", _atomic_load(f, _at(f, EPOCH), "seq_cst"), seen)):
            parking.sleep(f, seen)
        f.do(f"%s1 = atomicrmw sub ptr {_at(f, SLEEPERS)}, i64 1 seq_cst, align 8")
        parked = f.block
        f.jump(poll)
        f.fill(turn_place, f"{turn} = phi i64 [0, %{begin}], [{following}, %{idle}], [0, %{parked}]")
        f.label(work)
        f.fork(f.compare("ne", _atomic_load(f, _at(f, STOP)), 0), leave, run)
        f.label(run)
        if _MOVES:
            f.call("void", "part", "ptr %team")
        function, context, parts = _job(f)
        f.call("void", function, f"ptr {context}", "i64 %part", f"i64 {parts}")
        f.do(f"%s2 = atomicrmw sub ptr {_at(f, PENDING)}, i64 1 release, align 8")
        f.fill(seen_place, f"{seen} = phi i64 [0, %entry], [{epoch}, %{f.block}]")
        f.jump(begin)
        f.label(leave)


def _processor(f: Function) -> str:
    """The processor that runs this thread."""
    return f.emit(f"sext i32 {f.intrinsic('sched_getcpu', 'i32')} to i64")


def _write_part(module: Module) -> None:
    """part(team): leave the processor of the job's caller, if there is another; the choice stays as free as it was."""
    with module.function("part", [("ptr", "team")]) as f:
        here = _processor(f)
        with f.when(f.compare("eq", here, f.load("i64", _at(f, JOB, _CALLER)))):
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


def _job(f: Function) -> tuple[str, str, str]:
    return f.load("ptr", _at(f, JOB)), f.load("ptr", _at(f, JOB, 8)), f.load("i64", _at(f, JOB, 16))


def _write_launch(module: Module) -> None:
    """launch(team, fn, context): run the job with the whole team, or alone if the team is busy."""
    with module.function("launch", [("ptr", "team"), ("ptr", "fn"), ("ptr", "context")]) as f:
        free = _take(f)

        def together() -> list[str]:
            _, _, parts = _job(f)
            f.store("ptr", "%fn", _at(f, JOB))
            f.store("ptr", "%context", _at(f, JOB, 8))
            if _MOVES:
                f.store("i64", _processor(f), _at(f, JOB, _CALLER))
            f.store("i64", f.sub(parts, 1), _at(f, PENDING))
            f.call("void", "wake", "ptr %team")
            f.call("void", "%fn", "ptr %context", "i64 0", f"i64 {parts}")
            _wait_until(f, lambda: f.compare("eq", _atomic_load(f, _at(f, PENDING)), 0))
            f.do(f"store atomic i64 0, ptr {_at(f, BUSY)} release, align 8")
            return []

        def alone() -> list[str]:
            f.call("void", "%fn", "ptr %context", "i64 0", "i64 1")
            return []

        f.branch(free, together, alone)


def _take(f: Function) -> str:
    """Make the team busy; whether it was free, as an i1."""
    outcome = f.emit(f"cmpxchg ptr {_at(f, BUSY)}, i64 0, i64 1 acq_rel monotonic, align 8")
    return f.emit(f"extractvalue {{ i64, i1 }} {outcome}, 1")


def _write_take(module: Module) -> None:
    """take(team): make the team busy for good, if it is free; 1 if it was."""
    with module.function("take", [("ptr", "team")], "i64") as f:
        f.do(f"ret i64 {f.emit(f'zext i1 {_take(f)} to i64')}")


def _write_wake(module: Module, parking: _Parking) -> None:
    """wake(team): announce a new epoch."""
    with module.function("wake", [("ptr", "team")]) as f:
        f.do(f"%e0 = atomicrmw add ptr {_at(f, EPOCH)}, i64 1 seq_cst, align 8")
        with f.when(f.compare("ne", _atomic_load(f, _at(f, SLEEPERS), "seq_cst"), 0)):
            parking.wake(f)


def _write_barrier(module: Module) -> None:
    """barrier(team): wait until every thread of the job is here."""
    with module.function("barrier", [("ptr", "team")]) as f:
        phase = _atomic_load(f, _at(f, PHASE), "monotonic")
        _, _, parts = _job(f)
        arrived = f.emit(f"atomicrmw add ptr {_at(f, COUNT)}, i64 1 acq_rel, align 8")

        def last() -> list[str]:
            f.do(f"store atomic i64 0, ptr {_at(f, COUNT)} monotonic, align 8")
            f.do(f"store atomic i64 {f.add(phase, 1)}, ptr {_at(f, PHASE)} release, align 8")
            return []

        def others() -> list[str]:
            _wait_until(f, lambda: f.compare("ne", _atomic_load(f, _at(f, PHASE)), phase))
            return []

        f.branch(f.compare("eq", arrived, f.sub(parts, 1)), last, others)


@kept
def _library(parking_name: str) -> Library:
    module = Module(host())
    parking = _PARKING[parking_name]
    _write_wake(module, parking)
    if _MOVES:
        _write_part(module)
    _write_worker(module, parking)
    _write_launch(module)
    _write_take(module)
    _write_barrier(module)
    return compile_module(module.text(), "threads", symbols=_windows_symbols())


def _windows_symbols() -> dict[str, int]:
    if sys.platform != "win32":
        return {}
    synch, kernel = ctypes.WinDLL("api-ms-win-core-synch-l1-2-0"), ctypes.WinDLL("kernel32")
    found = {"WaitOnAddress": synch.WaitOnAddress, "WakeByAddressAll": synch.WakeByAddressAll}
    found |= {"SwitchToThread": kernel.SwitchToThread, "Sleep": kernel.Sleep}
    return {name: ctypes.cast(function, ctypes.c_void_p).value or 0 for name, function in found.items()}


# The team ------------------------------------------------------------------------------------------------------------


class Team:
    """`size` threads, the caller of `launch` among them."""

    def __init__(self, size: int, parking: str | None = None) -> None:
        library = _library(parking or _default_parking())
        self.size = size
        self._block = Block(_BYTES)
        #: What `launch` and `barrier` take as their first argument.
        self.address = self._block.address
        self._words = self._block.words()
        self._words[(JOB + 16) // 8] = size
        if (parking or _default_parking()) == "condition":
            libc = ctypes.CDLL(None)
            libc.pthread_mutex_init(ctypes.c_void_p(self.address + MUTEX), None)
            libc.pthread_cond_init(ctypes.c_void_p(self.address + CONDITION), None)
        self.launch_address = library.address("launch")
        self.barrier_address = library.address("barrier")
        #: launch(team address, job address, context address)
        self.launch = ctypes.CFUNCTYPE(None, ctypes.c_void_p, ctypes.c_void_p, ctypes.c_void_p)(self.launch_address)
        self._take = ctypes.CFUNCTYPE(ctypes.c_int64, ctypes.c_void_p)(library.address("take"))
        self._wake = ctypes.CFUNCTYPE(None, ctypes.c_void_p)(library.address("wake"))
        worker = ctypes.CFUNCTYPE(None, ctypes.c_void_p, ctypes.c_int64)(library.address("worker"))
        self._threads = [
            threading.Thread(target=worker, args=(self.address, part), name=f"duoflow-{part}", daemon=True)
            for part in range(1, size)
        ]
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        """Wait for the job that is running, if any, and let the workers return; later jobs run alone."""
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
    return switches.threads or _usable_processors()


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


class Pacer:
    """Chooses for each run of one program between the team and a single thread, from the times of earlier runs.

    It begins with the team, tries the other way for a few runs after 16, 32, 64... 1024 more, keeps whichever is
    quicker, and leaves the team at once when it gets slower than the single thread was; while the team is clearly
    quicker than that, it tries nothing. A long run counts as several, so that a loaded machine is noticed within a few
    of them.
    """

    __slots__ = ("_elapsed", "_interval", "_trial", "_until_trial", "together")

    _FIRST, _LAST, _TRIAL_RUNS, _LONG, _COUNTS_AS_TWO = 16, 1024, 3, 20_000_000, 5_000_000

    def __init__(self) -> None:
        #: Whether the next run should use the team.
        self.together = True
        self._elapsed = {True: 0.0, False: 0.0}
        self._interval = self._until_trial = self._FIRST
        self._trial = 0

    def record(self, together: bool, nanoseconds: int) -> None:
        """Tell how long a run took and so decide about the next."""
        if self._trial:
            self._record_trial(together, nanoseconds)
            return
        before = self._elapsed[together]
        # Slow runs count less than quick ones: the first finds nothing in the caches, others are disturbed.
        weight = 0.2 if nanoseconds > before else 0.5
        now = self._elapsed[together] = nanoseconds if not before else before + weight * (nanoseconds - before)
        alone = self._elapsed[False]
        if together and alone and now > 1.15 * alone:
            self.together = False
            self._interval = self._until_trial = self._FIRST
            return
        self._until_trial -= 1 + nanoseconds // self._COUNTS_AS_TWO
        if self._until_trial <= 0:
            if together and now < 0.8 * alone:
                self._interval = self._until_trial = min(2 * self._interval, self._LAST)
                return
            self._trial = 1 if nanoseconds > self._LONG else self._TRIAL_RUNS
            self.together = not together
            self._elapsed[self.together] = 0.0

    def _record_trial(self, together: bool, nanoseconds: int) -> None:
        best = self._elapsed[together]
        self._elapsed[together] = min(best, nanoseconds) if best else nanoseconds
        self._trial -= 1
        if self._trial == 0:
            changed = self._elapsed[together] < 0.95 * self._elapsed[not together]
            self.together = together if changed else not together
            self._interval = self._FIRST if changed else min(2 * self._interval, self._LAST)
            self._until_trial = self._interval
