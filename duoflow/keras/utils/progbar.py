"""The progress bar people know, readable in terminals, notebooks, logs and pipes."""

from __future__ import annotations

import math
import sys
import time
from collections.abc import Iterable
from typing import Any

__all__ = ["Progbar"]

_FULL, _REST = "━", "─"


class Progbar:
    """Shows progress towards a target, with averages of values.

    Args:
      target: the number of steps, or None if it is not known.
      verbose: 0 silent, 1 a bar, 2 one line at the end.
      stateful_metrics: values shown as they are; others are averaged over steps.

    In a terminal or notebook the bar is redrawn in place; elsewhere only the finished line is written.

    Keras: keras.utils.Progbar.
    """

    def __init__(
        self, target: int | None, width: int = 20, verbose: int = 1, interval: float = 0.05, stateful_metrics: Any = None,
        unit_name: str = "step",
    ) -> None:  # fmt: skip
        self.target, self.width, self.verbose, self.interval, self.unit_name = target, width, verbose, interval, unit_name
        self.stateful_metrics = set(stateful_metrics or ())
        self._live = hasattr(sys.stdout, "isatty") and sys.stdout.isatty() or "ipykernel" in sys.modules
        self._values: dict[str, float] = {}
        self._start = time.time()
        self._last = 0.0
        self._seen = 0
        self._drawn = 0

    def update(self, current: int, values: Iterable[tuple[str, Any]] | None = None, finalize: bool | None = None) -> None:
        """Show that `current` steps are done, with (name, value) pairs."""
        if finalize is None:
            finalize = self.target is not None and current >= self.target
        for name, value in values or ():
            self._values[name] = value
        self._seen = current
        now = time.time()
        if self.verbose == 1 and (finalize or self._live and now - self._last >= self.interval):
            self._draw(current, now, finalize)
            self._last = now
        elif self.verbose == 2 and finalize:
            sys.stdout.write(f"{self._count(current)} - {self._elapsed(now, current)}{self._shown()}\n")
            sys.stdout.flush()

    def add(self, n: int, values: Any = None) -> None:
        """Show that `n` more steps are done."""
        self.update(self._seen + n, values)

    def _count(self, current: int) -> str:
        if self.target is None:
            return f"{current}/Unknown"
        digits = int(math.log10(max(self.target, 1))) + 1
        return f"{current:{digits}d}/{self.target}"

    def _draw(self, current: int, now: float, finalize: bool) -> None:
        share = 0.0 if not self.target else min(current / self.target, 1.0)
        filled = int(share * self.width)
        bar = _FULL * filled + _REST * (self.width - filled)
        per_step = (now - self._start) / max(current, 1)
        if finalize or self.target is None:
            timing = self._elapsed(now, current)
        else:
            timing = f"{_duration((self.target - current) * per_step)} {_per_step(per_step)}/{self.unit_name}"
        line = f"{self._count(current)} {bar} {timing}{self._shown()}"
        padding = " " * max(self._drawn - len(line), 0)
        self._drawn = len(line)
        sys.stdout.write(("\r" if self._live else "") + line + padding + ("\n" if finalize else ""))
        sys.stdout.flush()

    def _elapsed(self, now: float, current: int) -> str:
        total = now - self._start
        return f"{_duration(total)} {_per_step(total / max(current, 1))}/{self.unit_name}"

    def _shown(self) -> str:
        return "".join(f" - {name}: {_number(value)}" for name, value in self._values.items())


def _number(value: Any) -> str:
    if hasattr(value, "__len__"):
        return str(value)
    return f"{value:.4f}" if abs(value) > 1e-3 or value == 0 else f"{value:.4e}"


def _duration(seconds: float) -> str:
    if seconds >= 3600:
        return f"{int(seconds // 3600)}:{int(seconds % 3600 // 60):02d}:{int(seconds % 60):02d}"
    return f"{int(seconds // 60)}:{int(seconds % 60):02d}" if seconds >= 60 else f"{int(seconds)}s"


def _per_step(seconds: float) -> str:
    if seconds >= 1:
        return f"{seconds:.0f}s"
    return f"{seconds * 1e3:.0f}ms" if seconds >= 1e-3 else f"{seconds * 1e6:.0f}us"
