"""Callbacks that save: the best or every model, and the state of training."""

from __future__ import annotations

import json
import os
import re
import shutil
import warnings
from pathlib import Path
from typing import Any

import numpy as np

from .base import Callback
from .control import MonitorCallback

__all__ = ["BackupAndRestore", "ModelCheckpoint"]


class ModelCheckpoint(MonitorCallback):
    """Save the model, or its weights, after epochs or batches.

    Args:
      filepath: may hold `{epoch}` and the names of metrics in braces; ends in `.keras`, or in `.weights.h5` with
        `save_weights_only`.
      save_best_only: save only when the metric has improved.
      save_freq: "epoch", or a number of batches.

    Keras: keras.callbacks.ModelCheckpoint. Raises `ValueError` for another file ending.
    """

    def __init__(
        self, filepath: Any, monitor: str = "val_loss", verbose: int = 0, save_best_only: bool = False,
        save_weights_only: bool = False, mode: str = "auto", save_freq: Any = "epoch",
        initial_value_threshold: float | None = None,
    ) -> None:  # fmt: skip
        super().__init__(monitor, mode)
        self.filepath, self.verbose = os.fspath(filepath), verbose
        self.save_best_only, self.save_weights_only, self.save_freq = save_best_only, save_weights_only, save_freq
        self.best = initial_value_threshold
        self._batches, self._last_batch, self._current_epoch = 0, -1, 0
        if save_freq != "epoch" and not isinstance(save_freq, int):
            raise ValueError(f"Unrecognized save_freq: {save_freq}. Expected save_freq are 'epoch' or integer values")
        if save_weights_only and not self.filepath.endswith(".weights.h5"):
            raise ValueError(
                "When using `save_weights_only=True` in `ModelCheckpoint`, the filepath provided must end in "
                "`.weights.h5` "
                f"(Keras weights format). Received: filepath={self.filepath}"
            )
        if not save_weights_only and not self.filepath.endswith((".keras", ".h5")):
            raise ValueError(
                f"The filepath provided must end in `.keras` (Keras model format). Received: filepath={self.filepath}"
            )

    def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
        """Save, if this many batches have passed since the last time."""
        if self.save_freq == "epoch":
            return
        self._batches += batch + 1 if batch <= self._last_batch else batch - self._last_batch
        self._last_batch = batch
        if self._batches >= self.save_freq:
            self._batches = 0
            self._save(self._current_epoch, batch, logs)

    def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
        """Take note of the epoch."""
        self._current_epoch = epoch

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        """Save, if epochs are what is counted."""
        if self.save_freq == "epoch":
            self._save(epoch, None, logs)

    def _save(self, epoch: int, batch: int | None, logs: Any) -> None:
        if self.save_best_only and self.monitor_op is None:
            self._choose_direction()
        path = self._path(epoch, batch, logs)
        if self.save_best_only and not self._is_best(epoch, logs or {}, path):
            return
        if not self.save_best_only:
            self._say(f"\nEpoch {epoch + 1}: saving model to {path}")
        if os.path.isdir(path):
            raise OSError(
                "Please specify a non-directory filepath for ModelCheckpoint. Filepath used is an existing directory: "
                f"{path}"
            )
        Path(path).parent.mkdir(parents=True, exist_ok=True)
        if self.save_weights_only:
            self.model.save_weights(path, overwrite=True)
        else:
            self.model.save(path, overwrite=True)
        self._say(f"\nEpoch {epoch + 1}: finished saving model to {path}")

    def _is_best(self, epoch: int, logs: Any, path: str) -> bool:
        """Whether the metric has improved; what cannot be compared is saved."""
        current = logs.get(self.monitor)
        if current is None or np.ndim(current):
            warnings.warn(f"Can save best model only with {self.monitor} available, as a scalar.", stacklevel=4)
            return True
        best = "None" if self.best is None else f"{self.best:.5f}"
        if not self._improved(current, self.best):
            self._say(f"\nEpoch {epoch + 1}: {self.monitor} did not improve from {best}")
            return False
        self._say(f"\nEpoch {epoch + 1}: {self.monitor} improved from {best} to {current:.5f}, saving model to {path}")
        self.best = current
        return True

    def _say(self, message: str) -> None:
        if self.verbose > 0:
            print(message)

    def _path(self, epoch: int, batch: int | None, logs: Any) -> str:
        values = {k: v for k, v in (logs or {}).items() if k not in ("epoch", "batch")}
        if batch is not None:
            values["batch"] = batch + 1
        try:
            return self.filepath.format(epoch=epoch + 1, **values)
        except KeyError as error:
            raise KeyError(
                f'Failed to format this callback filepath: "{self.filepath}". Reason: {error}. '
                f"Available: {sorted(values)}"
            ) from None


class BackupAndRestore(Callback):
    """Save the state of training, so that `fit` run again after an interruption goes on where it stopped.

    Keras: keras.callbacks.BackupAndRestore.
    """

    def __init__(
        self, backup_dir: Any, save_freq: Any = "epoch", double_checkpoint: bool = False, delete_checkpoint: bool = True
    ) -> None:
        super().__init__()
        if not backup_dir:
            raise ValueError("Empty `backup_dir` argument passed")
        if save_freq != "epoch" and not isinstance(save_freq, int):
            raise ValueError(
                f"Invalid value for argument `save_freq`. Received: save_freq={save_freq}. Expected either 'epoch' or "
                "an integer value."
            )
        self.backup_dir, self.save_freq = Path(os.fspath(backup_dir)), save_freq
        self.double_checkpoint, self.delete_checkpoint = double_checkpoint, delete_checkpoint
        self._batches, self._current_epoch = 0, 0

    @property
    def _weights(self) -> Path:
        return self.backup_dir / "latest.weights.h5"

    @property
    def _metadata(self) -> Path:
        return self.backup_dir / "training_metadata.json"

    def on_train_begin(self, logs: Any = None) -> None:
        """Restore what was saved, if anything was."""
        self.initial_epoch = None
        if not self.model.built:
            raise ValueError(
                "To use the BackupAndRestore callback, you model must be built before you call `fit()`. Model "
                f"{self.model} is unbuilt. You can build it beforehand by calling it on a batch of data."
            )
        if not (self._weights.exists() and self._metadata.exists()):
            return
        if self.model.optimizer is not None:
            self.model.optimizer.build(self.model.trainable_variables)  # so that its state is restored, too
        self.model.load_weights(self._weights)
        state = json.loads(self._metadata.read_text())
        self.initial_epoch = int(state["initial_epoch"])

    def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
        """Take note of the epoch."""
        self._current_epoch = epoch

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        """Save after the epoch."""
        self._current_epoch = epoch + 1
        if self.save_freq == "epoch":
            self._save()

    def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
        """Save, if this many batches have passed."""
        self._batches += 1
        if self.save_freq != "epoch" and self._batches >= self.save_freq:
            self._batches = 0
            self._save()

    def _save(self) -> None:
        self.backup_dir.mkdir(parents=True, exist_ok=True)
        if self.double_checkpoint and self._weights.exists():
            shutil.copy2(self._weights, re.sub(r"latest", "previous", str(self._weights)))
        self.model.save_weights(self._weights, overwrite=True)
        temporary = self._metadata.with_suffix(".tmp")
        temporary.write_text(json.dumps({"initial_epoch": self._current_epoch}))
        os.replace(temporary, self._metadata)

    def on_train_end(self, logs: Any = None) -> None:
        """Training is complete: the backup is not needed any more."""
        if self.delete_checkpoint and self.backup_dir.exists():
            shutil.rmtree(self.backup_dir)
