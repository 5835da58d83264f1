"""The progress bar people know, readable in terminals, notebooks, logs and pipes."""

from __future__ import annotations

import math
import shutil
import sys
import time
from collections.abc import Iterable
from typing import Any

import numpy as np

from duoflow.core.reporting import get_logger

from ..preferences import is_interactive_logging_enabled

__all__ = ["Progbar"]

_FULL, _REST = "━", "─"
#: What stands for them where they cannot be written.
_PLAIN = str.maketrans({_FULL: "=", _REST: "."})


class Progbar:
    """Shows progress towards a target, with averages of values.

    Args:
      target: the number of steps, or None if it is not known.
      verbose: 0 silent, 1 a bar, 2 one line at the end.
      stateful_metrics: values shown as they come; the others are averaged over steps.
      stateless_metrics: or the values that are averaged; the others are shown as they come.

    In a terminal or notebook the bar is redrawn in place; elsewhere only the finished line is written.

    Keras: keras.utils.Progbar. Raises `ValueError` if both are given.
    """

    def __init__(
        self, target: int | None, width: int = 20, verbose: int = 1, interval: float = 0.05,
        stateful_metrics: Any = None, stateless_metrics: Any = None, unit_name: str = "step",
    ) -> None:  # fmt: skip
        if stateful_metrics is not None and stateless_metrics is not None:
            raise ValueError("Only one of `stateful_metrics` or `stateless_metrics` can be provided.")
        self.target, self.width, self.verbose, self.interval, self.unit_name = (
            target,
            width,
            verbose,
            interval,
            unit_name,
        )
        self.stateful_metrics = None if stateless_metrics is not None else set(stateful_metrics or ())
        self.stateless_metrics = None if stateless_metrics is None else set(stateless_metrics)
        terminal = hasattr(sys.stdout, "isatty") and sys.stdout.isatty()
        self._terminal = terminal
        self._live = is_interactive_logging_enabled() and (terminal or "ipykernel" in sys.modules)
        #: Sums of values and of the steps they stand for.
        self._values: dict[str, tuple[Any, int]] = {}
        self._start = time.time()
        self._first: float | None = None
        self._last = 0.0
        self._seen = 0
        self._drawn = 0

    def update(
        self, current: int, values: Iterable[tuple[str, Any]] | None = None, finalize: bool | None = None
    ) -> None:
        """Show that `current` steps are done, with (name, value) pairs."""
        if finalize is None:
            finalize = self.target is not None and current >= self.target
        steps = max(current - self._seen, 1)
        for name, value in values or ():
            if finalize or not self._averaged(name):
                self._values[name] = (value, 1)
            else:
                total, count = self._values.get(name, (0, 0))
                self._values[name] = (total + value * steps, count + steps)
        self._seen = current
        now = time.time()
        per_step = self._per_step(current, now)
        if self.verbose == 1 and (finalize or self._live and now - self._last >= self.interval):
            self._draw(current, now, per_step, finalize)
            self._last = now
        elif self.verbose == 2 and finalize:
            elapsed = _duration(now - self._start)
            _write(f"{self._count(current)} - {elapsed} - {self._speed(per_step)}{self._shown()}\n")

    def _averaged(self, name: str) -> bool:
        if self.stateful_metrics is not None:
            return name not in self.stateful_metrics
        return name in (self.stateless_metrics or ())

    def _per_step(self, current: int, now: float) -> float:
        """Seconds a step; the first, in which things are compiled, counts only while it is alone."""
        if current < 1:
            return 0.0
        if self._first is None or current == 1:
            if current == 1:
                self._first = now
            return (now - self._start) / current
        return (now - self._first) / (current - 1)

    def add(self, n: int, values: Any = None) -> None:
        """Show that `n` more steps are done."""
        self.update(self._seen + n, values)

    def _count(self, current: int) -> str:
        if self.target is None:
            return f"{current}/Unknown"
        digits = int(math.log10(max(self.target, 1))) + 1
        return f"{current:{digits}d}/{self.target}"

    def _draw(self, current: int, now: float, per_step: float, finalize: bool) -> None:
        share = 0.0 if not self.target else min(current / self.target, 1.0)
        filled = int(share * self.width)
        bar = _FULL * filled + _REST * (self.width - filled) if self.target else ""
        left = now - self._start if finalize or not self.target else (self.target - current) * per_step
        line = f"{self._count(current)} {bar} {_duration(left)} {self._speed(per_step)}{self._shown()}"
        if self._terminal and not finalize:
            line = line[: shutil.get_terminal_size().columns - 1]  # a line that wraps could not be drawn over
        padding = " " * max(self._drawn - len(line), 0)
        self._drawn = len(line)
        _write(("\r" if self._live else "") + line + padding + ("\n" if finalize else ""))

    def _speed(self, per_step: float) -> str:
        return f"{_seconds(per_step)}/{self.unit_name}"

    def _shown(self) -> str:
        return "".join(f" - {name}: {_number(total, count)}" for name, (total, count) in self._values.items())


def _write(text: str) -> None:
    """Put text on standard output, or in the log where interactive logging is off."""
    if not is_interactive_logging_enabled():
        get_logger().info(text.rstrip())
        return
    try:
        sys.stdout.write(text)
    except UnicodeEncodeError:  # a pipe in an encoding of few characters
        sys.stdout.write(text.translate(_PLAIN).encode("ascii", "replace").decode("ascii"))
    sys.stdout.flush()


def _number(total: Any, count: int) -> str:
    mean = float(np.mean(total)) / max(count, 1)
    return f"{mean:.4f}" if abs(mean) > 1e-3 else f"{mean:.4e}"


def _duration(seconds: float) -> str:
    if seconds >= 3600:
        return f"{int(seconds // 3600)}:{int(seconds % 3600 // 60):02d}:{int(seconds % 60):02d}"
    return f"{int(seconds // 60)}:{int(seconds % 60):02d}" if seconds >= 60 else f"{int(seconds)}s"


def _seconds(seconds: float) -> str:
    if seconds >= 1 or seconds == 0:
        return f"{seconds:.0f}s"
    return f"{seconds * 1e3:.0f}ms" if seconds >= 1e-3 else f"{seconds * 1e6:.0f}us"
