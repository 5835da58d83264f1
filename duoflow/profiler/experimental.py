"""Profiles in Chrome's trace format: `tf.profiler.experimental`.

Between `start` and `stop` every run of a compiled graph, each of its kernels, every op of eager mode and what programs
mark with `Trace` become events. `stop` writes them below the log directory, where chrome://tracing, Perfetto and
TensorBoard's trace viewer read them. While no profile is taken nothing is measured.
"""

from __future__ import annotations

import json
import os
import socket
import threading
import time
from collections import namedtuple
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Any

from duoflow.core import emit
from duoflow.core.errors import AlreadyExistsError, UnavailableError, show_origin
from duoflow.core.errors import caller_origin as users_line
from duoflow.core.record import Op
from duoflow.core.switches import switches
from duoflow.core.tensor import Tensor
from duoflow.engines.native import profile

__all__ = ["Profile", "ProfilerOptions", "Trace", "start", "stop"]

#: Instructions that are no work of their own.
_CONTROL = {"barrier", "jump", "jump_unless", "bind", "rejoin", "end"}
#: The rows of the trace, below each thread.
_MARKS, _RUNS, _OPS = "marks", "graphs", "eager ops"


class ProfilerOptions(
    namedtuple("ProfilerOptions", ["host_tracer_level", "python_tracer_level", "device_tracer_level", "delay_ms"])
):
    """What is recorded. TensorFlow: tf.profiler.experimental.ProfilerOptions.

    Args:
      host_tracer_level: 0 leaves out the ops of eager mode, 1 and more have them.
      python_tracer_level: 1 gives each of them the user's line.
      device_tracer_level: 0 leaves out compiled graphs and their kernels.
      delay_ms: accepted; a profile starts at once.
    """

    def __new__(
        cls,
        host_tracer_level: int = 2,
        python_tracer_level: int = 0,
        device_tracer_level: int = 1,
        delay_ms: int | None = None,
    ) -> ProfilerOptions:
        return super().__new__(cls, host_tracer_level, python_tracer_level, device_tracer_level, delay_ms)


class _Recorder:
    """The events of one profile."""

    def __init__(self, logdir: Any, options: ProfilerOptions) -> None:
        self.logdir, self.options = Path(os.fspath(logdir)), options
        self.began = time.perf_counter_ns()
        self.events: list[dict[str, Any]] = []
        self._rows: dict[tuple[int, str], int] = {}

    def start(self) -> None:
        if self.options.device_tracer_level:
            profile.watchers.append(self.program_ran)
            profile.start()
        if self.options.host_tracer_level:
            emit.observer = self.evaluate
            switches.watched += 1

    def stop(self) -> None:
        if self.options.device_tracer_level:
            profile.stop()
            profile.watchers.remove(self.program_ran)
        if self.options.host_tracer_level:
            switches.watched -= 1
            emit.observer = None

    def add(self, name: str, row: str, began: int, took: int, args: dict[str, Any]) -> None:
        """One event, in nanoseconds of `time.perf_counter_ns`."""
        self.events.append({
            "name": name, "ph": "X", "pid": os.getpid(), "tid": self._row(row), "ts": (began - self.began) / 1e3,
            "dur": took / 1e3, "args": args,
        })  # fmt: skip

    def _row(self, kind: str) -> int:
        return self._rows.setdefault((threading.get_ident(), kind), len(self._rows) + 1)

    def program_ran(self, name: str, instructions: Sequence[str], began: int, took: int, each: Sequence[int]) -> None:
        """A run of a compiled graph: its kernels one after the other, those of a loop with the sum of its rounds."""
        self.add(name, _RUNS, began, took, {"kernels": sum(i not in _CONTROL for i in instructions)})
        at = began
        for instruction, spent in zip(instructions, each, strict=True):
            if spent and instruction not in _CONTROL:
                self.add(instruction, _RUNS, at, min(spent, began + took - at), {})
            at += spent

    def evaluate(self, op: Op, inputs: tuple[Tensor, ...], attrs: dict[str, Any]) -> tuple[Tensor, ...]:
        """Run an op of eager mode, timed."""
        began = time.perf_counter_ns()
        try:
            return emit.evaluate(op, inputs, attrs)
        finally:
            took = time.perf_counter_ns() - began
            args: dict[str, Any] = {"inputs": [str(t.spec) for t in inputs]}
            if self.options.python_tracer_level:
                args["line"] = show_origin(users_line()).strip()
            self.add(op.name, _OPS, began, took, args)

    def write(self) -> Path:
        """The trace as a file; returns its path."""
        run = time.strftime("%Y_%m_%d_%H_%M_%S")
        folder = self.logdir / "plugins" / "profile" / run
        folder.mkdir(parents=True, exist_ok=True)
        path = folder / f"{socket.gethostname()}.trace.json"
        names = [{"name": "process_name", "ph": "M", "pid": os.getpid(), "args": {"name": "duoflow"}}]
        for (thread, kind), row in self._rows.items():
            names.append({
                "name": "thread_name", "ph": "M", "pid": os.getpid(), "tid": row,
                "args": {"name": f"{kind} (thread {thread})"},
            })  # fmt: skip
        path.write_text(json.dumps({"displayTimeUnit": "ns", "traceEvents": [*names, *self.events]}), encoding="utf-8")
        return path


_current: list[_Recorder] = []
_lock = threading.Lock()


def start(logdir: Any, options: ProfilerOptions | None = None) -> None:
    """Start a profile, which `stop` writes to `logdir`.

    Raises:
      AlreadyExistsError: if one is being taken.

    TensorFlow: tf.profiler.experimental.start.
    """
    with _lock:
        if _current:
            raise AlreadyExistsError(None, None, "Another profiler is running.")
        recorder = _Recorder(logdir, options or ProfilerOptions())
        _current.append(recorder)
        recorder.start()


def stop(save: bool = True) -> None:
    """End the profile; the events are written as JSON unless `save` is false.

    Raises:
      UnavailableError: if none is being taken.

    TensorFlow: tf.profiler.experimental.stop.
    """
    with _lock:
        if not _current:
            raise UnavailableError(None, None, "Cannot export profiling results. No profiler is running.")
        recorder = _current.pop()
        recorder.stop()
    if save:
        recorder.write()


class Profile:
    """A profile of what is inside a `with` block. TensorFlow: tf.profiler.experimental.Profile."""

    def __init__(self, logdir: Any, options: ProfilerOptions | None = None) -> None:
        self._logdir, self._options = logdir, options

    def __enter__(self) -> None:
        start(self._logdir, self._options)

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None) -> None:
        stop()


class Trace:
    """Marks what is inside a `with` block as one event, with `kwargs` beside its name, such as `step_num`.

    TensorFlow: tf.profiler.experimental.Trace.
    """

    def __init__(self, name: str, **kwargs: Any) -> None:
        self._name, self._kwargs = name, kwargs
        self._began = 0

    def __enter__(self) -> Trace:
        self._began = time.perf_counter_ns()
        return self

    def set_metadata(self, **kwargs: Any) -> None:
        """Add to what stands beside the name."""
        self._kwargs.update(kwargs)

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None) -> None:
        for recorder in _current:
            recorder.add(self._name, _MARKS, self._began, time.perf_counter_ns() - self._began, dict(self._kwargs))
