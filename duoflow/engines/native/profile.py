"""Where the time of compiled graphs goes.

While profiling is on, every run of a program notes the nanoseconds that each of its instructions took, as its first
thread saw them; while it is off nothing is measured and nothing is slower. `watchers` are told of every timed run.
"""

from __future__ import annotations

import ctypes
import threading
import time
import weakref
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

__all__ = ["Timing", "is_on", "register", "start", "stop", "watchers"]

#: Called after a timed run with the graph's name, the instructions' names, when the run began, how long it took, and
#: how long each instruction did, all in nanoseconds of `time.perf_counter_ns`.
watchers: list[Callable[[str, Sequence[str], int, int, Sequence[int]], None]] = []

_lock = threading.Lock()
_depth = 0
_programs: weakref.WeakSet[Any] = weakref.WeakSet()


@dataclass
class Timing:
    """What the timed runs of one program took in all."""

    name: str
    instructions: Sequence[str]
    runs: int = 0
    nanoseconds: list[int] = field(default_factory=list)

    def around(self, context: Any) -> Callable[[Sequence[Any]], list[Any]]:
        """The run of a context, timed."""
        run, times = context.run, context.frame.times

        def timed(values: Sequence[Any]) -> list[Any]:
            ctypes.memset(ctypes.addressof(times), 0, ctypes.sizeof(times))
            began = time.perf_counter_ns()
            results: list[Any] = run(values)
            self._add(began, time.perf_counter_ns() - began, list(times))
            return results

        return timed

    def _add(self, began: int, took: int, times: list[int]) -> None:
        with _lock:
            self.runs += 1
            before = self.nanoseconds or [0] * len(times)
            self.nanoseconds = [a + b for a, b in zip(before, times, strict=True)]
        for watch in watchers:
            watch(self.name, self.instructions, began, took, times)

    def seconds(self, first: int, end: int) -> float | None:
        """The mean time of a range of instructions in one run, None if nothing ran."""
        return sum(self.nanoseconds[first:end]) / self.runs / 1e9 if self.runs else None


def is_on() -> bool:
    """Whether runs are timed."""
    return _depth > 0


def register(program: Any) -> None:
    """Tell a compiled graph, by `timing_changed()`, when profiling goes on or off, as long as it lives."""
    _programs.add(program)


def start() -> None:
    """Time every run from now on, until `stop` has been called as often."""
    _switch(1)


def stop() -> None:
    """Undo one `start`."""
    _switch(-1)


def _switch(step: int) -> None:
    global _depth
    with _lock:
        before, _depth = _depth, _depth + step
        changed = (before > 0) != (_depth > 0)
        programs = list(_programs) if changed else []
    for program in programs:
        program.timing_changed()
