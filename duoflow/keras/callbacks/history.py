"""What happened in training."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from .base import Callback

__all__ = ["History"]


class History(Callback):
    """The metrics of every epoch: `history` maps names to lists. `fit` returns one, which can `plot` itself.

    Keras: keras.callbacks.History.
    """

    def __init__(self) -> None:
        super().__init__()
        self.history: dict[str, list[Any]] = {}
        self.epoch: list[int] = []
        self._epochs: dict[str, list[int]] = {}

    def on_train_begin(self, logs: Any = None) -> None:
        """Start a new record of epochs."""
        self.epoch = []

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        """Append the epoch's values."""
        self.epoch.append(epoch)
        for name, value in (logs or {}).items():
            self.history.setdefault(name, []).append(value)
            self._epochs.setdefault(name, []).append(epoch)
        self.model.history = self

    def plot(self, *names: str, axes: Sequence[Any] | None = None) -> list[Any]:
        """Draw metrics over epochs, each with its validation beside it, on one axes a metric.

        Args:
          names: of metrics, without "val_"; by default of all that are numbers.
          axes: matplotlib's, one for each name; by default those of a new figure.

        Returns the axes. Raises `ImportError` without matplotlib unless axes are given, `ValueError` for names that
        were not recorded, or if nothing was.
        """
        names = names or tuple(name for name in self.history if self._is_drawn(name))
        unknown = [name for name in names if name not in self.history]
        if unknown or not names:
            raise ValueError(f"There is no record of {unknown or 'any metric'}. Recorded: {list(self.history)}")
        if axes is None:
            axes = _new_axes(len(names))
        if len(axes) != len(names):
            raise ValueError(f"plot needs one axes for each of {list(names)}. Received: {len(axes)} axes")
        for name, axis in zip(names, axes, strict=True):
            for line, label in ((name, "training"), (f"val_{name}", "validation")):
                if line in self.history:
                    values = self.history[line]
                    axis.plot(self._epochs.get(line, range(len(values))), values, marker=".", label=label)
            axis.set(title=name, xlabel="epoch")
            if f"val_{name}" in self.history:
                axis.legend()
        return list(axes)

    def _is_drawn(self, name: str) -> bool:
        """Whether a metric has axes of its own: a number for each epoch, not the validation of another."""
        of_another = name.startswith("val_") and name.removeprefix("val_") in self.history
        return not of_another and np.ndim(self.history[name]) == 1

    def __repr__(self) -> str:
        return f"<History of {len(self.epoch)} epochs: {', '.join(self.history)}>"


def _new_axes(count: int) -> list[Any]:
    """Axes side by side in a figure of pyplot's, which notebooks show."""
    try:
        from matplotlib import pyplot
    except ImportError:
        raise ImportError(
            "Plotting a history needs matplotlib: `pip install duoflow[viz]`. The numbers are in `history.history`."
        ) from None
    _, axes = pyplot.subplots(1, count, figsize=(4 * count, 3), squeeze=False, layout="constrained")
    return list(axes[0])
