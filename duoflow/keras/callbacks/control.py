"""Callbacks that steer training: when to stop, how fast to learn."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any

import numpy as np

from .base import Callback

__all__ = [
    "EarlyStopping",
    "LearningRateScheduler",
    "MonitorCallback",
    "ReduceLROnPlateau",
    "SwapEMAWeights",
    "TerminateOnNaN",
]


class MonitorCallback(Callback):
    """Base of callbacks that watch one metric for improvement.

    mode: "min", "max", or "auto", which goes by the metric
    """

    def __init__(self, monitor: str = "val_loss", mode: str = "auto", min_delta: float = 0) -> None:
        super().__init__()
        if mode not in ("auto", "min", "max"):
            warnings.warn(f"{type(self).__name__} mode '{mode}' is unknown, fallback to auto mode.", stacklevel=3)
            mode = "auto"
        self.monitor, self.mode, self.min_delta = monitor, mode, abs(min_delta)
        self.monitor_op: Any = None
        self.best: float | None = None

    def _choose_direction(self) -> None:
        up = self.mode == "max" or self.mode == "auto" and self._goes_up()
        self.monitor_op = np.greater if up else np.less

    def _goes_up(self) -> bool:
        name = self.monitor.removeprefix("val_")
        for metric in self.model.metrics:
            for inner in getattr(metric, "metrics", [metric]):
                if inner.name == name and inner._direction:
                    return bool(inner._direction == "up")
        if name == "loss":
            return False
        raise ValueError(
            f"{type(self).__name__} callback received monitor={self.monitor}, which is not the loss or one of the "
            "model's metrics of known direction: pass `mode='max'` or `mode='min'` to say which values are better."
        )

    def _improved(self, current: float, best: float | None) -> bool:
        if best is None:
            return True
        delta = self.min_delta if self.monitor_op is np.greater else -self.min_delta
        return bool(self.monitor_op(current - delta, best))

    def _current(self, logs: Any) -> float | None:
        value = (logs or {}).get(self.monitor)
        if value is None:
            warnings.warn(
                f"{type(self).__name__} conditioned on metric `{self.monitor}` which is not available. "
                f"Available metrics are: {','.join(logs or {})}",
                stacklevel=3,
            )
        return value


class EarlyStopping(MonitorCallback):
    """Stop when a metric has not improved for `patience` epochs.

    Args:
      baseline: what the metric must reach to count as improved at all.
      restore_best_weights: go back to the weights of the best epoch.
      start_from_epoch: epochs before watching starts.

    Keras: keras.callbacks.EarlyStopping.
    """

    def __init__(
        self, monitor: str = "val_loss", min_delta: float = 0, patience: int = 0, verbose: int = 0, mode: str = "auto",
        baseline: float | None = None, restore_best_weights: bool = False, start_from_epoch: int = 0,
    ) -> None:  # fmt: skip
        super().__init__(monitor, mode, min_delta)
        self.patience, self.verbose, self.baseline = patience, verbose, baseline
        self.restore_best_weights, self.start_from_epoch = restore_best_weights, start_from_epoch
        self.wait, self.stopped_epoch, self.best_epoch = 0, 0, 0
        self.best_weights: Any = None

    def on_train_begin(self, logs: Any = None) -> None:
        """Start watching afresh."""
        self.wait, self.stopped_epoch, self.best, self.best_weights, self.best_epoch = 0, 0, None, None, 0

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        """Compare the epoch with the best so far."""
        if self.monitor_op is None:
            self._choose_direction()
        current = self._current(logs)
        if current is None or epoch < self.start_from_epoch:
            return
        if self.restore_best_weights and self.best_weights is None:
            self.best_weights, self.best_epoch = self.model.get_weights(), epoch
        self.wait += 1
        if self._improved(current, self.best):
            self.best, self.best_epoch = current, epoch
            if self.restore_best_weights:
                self.best_weights = self.model.get_weights()
            if self.baseline is None or self._improved(current, self.baseline):
                self.wait = 0
            return
        if self.wait >= self.patience and epoch > 0:
            self.stopped_epoch = epoch
            self.model.stop_training = True

    def on_train_end(self, logs: Any = None) -> None:
        """Say why training ended, and restore the best weights."""
        if self.stopped_epoch > 0 and self.verbose > 0:
            print(f"Epoch {self.stopped_epoch + 1}: early stopping")
        if self.restore_best_weights and self.best_weights is not None:
            if self.verbose > 0:
                print(f"Restoring model weights from the end of the best epoch: {self.best_epoch + 1}.")
            self.model.set_weights(self.best_weights)


class ReduceLROnPlateau(MonitorCallback):
    """Multiply the learning rate by `factor` when a metric has not improved for `patience` epochs.

    Keras: keras.callbacks.ReduceLROnPlateau.
    """

    def __init__(
        self, monitor: str = "val_loss", factor: float = 0.1, patience: int = 10, verbose: int = 0, mode: str = "auto",
        min_delta: float = 1e-4, cooldown: int = 0, min_lr: float = 0.0, **kwargs: Any,
    ) -> None:  # fmt: skip
        if factor >= 1.0:
            raise ValueError(f"ReduceLROnPlateau does not support a factor >= 1.0. Received factor={factor}")
        super().__init__(monitor, mode, min_delta)
        self.factor, self.patience, self.verbose, self.cooldown, self.min_lr = (
            factor,
            patience,
            verbose,
            cooldown,
            min_lr,
        )
        self.wait = self.cooldown_counter = 0

    def on_train_begin(self, logs: Any = None) -> None:
        """Start watching afresh."""
        self.wait = self.cooldown_counter = 0
        self.best = None

    def in_cooldown(self) -> bool:
        """Whether the last reduction is too recent to count epochs."""
        return self.cooldown_counter > 0

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        """Compare the epoch with the best so far."""
        if self.monitor_op is None:
            self._choose_direction()
        if logs is not None:
            logs["learning_rate"] = float(np.asarray(self.model.optimizer.learning_rate))
        current = self._current(logs)
        if current is None:
            return
        if self.in_cooldown():
            self.cooldown_counter -= 1
            self.wait = 0
        if self._improved(current, self.best):
            self.best, self.wait = current, 0
        elif not self.in_cooldown():
            self.wait += 1
            if self.wait >= self.patience:
                self._reduce(epoch)

    def _reduce(self, epoch: int) -> None:
        old = float(np.float32(np.asarray(self.model.optimizer.learning_rate)))
        if old <= np.float32(self.min_lr):
            return
        new = max(old * self.factor, self.min_lr)
        self.model.optimizer.learning_rate = new
        if self.verbose > 0:
            print(f"\nEpoch {epoch + 1}: ReduceLROnPlateau reducing learning rate to {new}.")
        self.cooldown_counter, self.wait = self.cooldown, 0


class LearningRateScheduler(Callback):
    """Set the learning rate of each epoch from a function of (epoch, current rate).

    Keras: keras.callbacks.LearningRateScheduler.
    """

    def __init__(self, schedule: Callable[..., float], verbose: int = 0) -> None:
        super().__init__()
        self.schedule, self.verbose = schedule, verbose

    def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
        """Set the epoch's rate."""
        rate = float(np.asarray(self.model.optimizer.learning_rate))
        try:
            new = self.schedule(epoch, rate)
        except TypeError:
            new = self.schedule(epoch)
        if not isinstance(new, (float, np.float32, np.float64)):
            raise ValueError(f"The output of the `schedule` function should be a float. Got: {new}")
        self.model.optimizer.learning_rate = new
        if self.verbose > 0:
            print(f"\nEpoch {epoch + 1}: LearningRateScheduler setting learning rate to {new}.")

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        """Report the rate."""
        if logs is not None:
            logs["learning_rate"] = float(np.asarray(self.model.optimizer.learning_rate))


class TerminateOnNaN(Callback):
    """Stop when the loss is NaN or infinite. Keras: keras.callbacks.TerminateOnNaN."""

    def __init__(self, raise_error: bool = False) -> None:
        super().__init__()
        self.raise_error = raise_error

    def on_batch_end(self, batch: int, logs: Any = None) -> None:
        """Look at the loss."""
        loss = (logs or {}).get("loss")
        if loss is not None and not np.isfinite(loss):
            message = f"Batch {batch}: Invalid loss, terminating training"
            if self.raise_error:
                raise RuntimeError(message)
            print(message)
            self.model.stop_training = True


class SwapEMAWeights(Callback):
    """Evaluate with the moving average of the weights that the optimizer keeps.

    Keras: keras.callbacks.SwapEMAWeights.
    """

    def __init__(self, swap_on_epoch: bool = False) -> None:
        super().__init__()
        self.swap_on_epoch = swap_on_epoch
        self._swapped = False

    def _swap(self) -> None:
        optimizer = self.model.optimizer
        if not getattr(optimizer, "use_ema", False):
            raise ValueError("SwapEMAWeights must be used when `use_ema=True` is set on the optimizer.")
        for variable, average in zip(optimizer._trainable_variables, optimizer._averages, strict=True):
            held = variable.numpy()
            variable.assign(average.numpy())
            average.assign(held)
        self._swapped = not self._swapped

    def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
        """Go back to the weights being trained."""
        if self.swap_on_epoch and self._swapped:
            self._swap()

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        """Leave the averages in place between epochs, if asked to."""
        if self.swap_on_epoch and not self._swapped:
            self._swap()

    def on_test_begin(self, logs: Any = None) -> None:
        """Evaluate the averages."""
        if not self._swapped:
            self._swap()

    def on_test_end(self, logs: Any = None) -> None:
        """Go back to the weights being trained."""
        if self._swapped:
            self._swap()

    def on_train_end(self, logs: Any = None) -> None:
        """Leave the averages in the model."""
        if not self._swapped:
            self._swap()
