"""The progress bar of training, as a callback."""

from __future__ import annotations

from typing import Any

from ..utils.progbar import Progbar
from .base import Callback

__all__ = ["ProgbarLogger"]


class ProgbarLogger(Callback):
    """Shows a progress bar per epoch (verbose 1) or a line per epoch (verbose 2).

    Keras: keras.callbacks.ProgbarLogger.
    """

    #: Seconds between two looks at the metrics.
    wants_every = 0.1

    def __init__(self) -> None:
        super().__init__()
        self.seen, self.verbose, self.epochs = 0, 1, 1
        self.target: int | None = None
        self.progbar: Progbar | None = None
        self._in_fit = False

    def set_params(self, params: dict[str, Any]) -> None:
        """Take note of verbosity, steps and epochs."""
        super().set_params(params)
        self.verbose, self.epochs, self.target = params["verbose"], params["epochs"], params["steps"]

    def _start(self) -> None:
        self.seen = 0
        self.progbar = Progbar(self.target, verbose=self.verbose, unit_name="step", stateless_metrics=())

    def on_train_begin(self, logs: Any = None) -> None:
        """Bars belong to epochs from now on."""
        self._in_fit = True

    def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
        """Start the epoch's bar."""
        self._start()
        if self.verbose and self.epochs > 1:
            print(f"Epoch {epoch + 1}/{self.epochs}")

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        """Finish the epoch's bar with all metrics."""
        self._finish(logs)

    def on_train_end(self, logs: Any = None) -> None:
        """Bars belong to whole loops again."""
        self._in_fit = False

    def on_test_begin(self, logs: Any = None) -> None:
        """Start a bar, unless this evaluation is part of an epoch."""
        if not self._in_fit:
            self._start()

    on_predict_begin = on_test_begin

    def on_test_end(self, logs: Any = None) -> None:
        """Finish the bar."""
        if not self._in_fit:
            self._finish(logs)

    on_predict_end = on_test_end

    def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
        """Move the bar."""
        self._move(batch, logs)

    def on_test_batch_end(self, batch: int, logs: Any = None) -> None:
        """Move the bar."""
        if not self._in_fit:
            self._move(batch, logs)

    def on_predict_batch_end(self, batch: int, logs: Any = None) -> None:
        """Move the bar."""
        self._move(batch, None)

    def _move(self, batch: int, logs: Any) -> None:
        self.seen = batch + 1
        if self.progbar is not None and self.verbose == 1:
            self.progbar.update(self.seen, list((logs or {}).items()), finalize=False)

    def _finish(self, logs: Any) -> None:
        if self.progbar is not None and self.verbose:
            total = self.target or self.seen or 1
            self.progbar.target = total
            self.progbar.update(total, list((logs or {}).items()), finalize=True)
            self.target = self.target or total
