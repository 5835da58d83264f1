"""OrbaxCheckpoint: steps of training in the format of programs on JAX."""

from __future__ import annotations

import os
import warnings
from typing import Any

from ..saving.orbax_store import import_orbax, payload_of
from .control import MonitorCallback

__all__ = ["OrbaxCheckpoint"]


class OrbaxCheckpoint(MonitorCallback):
    """Save the model's state after epochs or batches with Orbax, in folders by number; needs `orbax-checkpoint`.

    Args:
      directory: of the folders. `Model.load_weights` and `keras.saving.load_model` take the latest in it.
      monitor, save_best_only, mode, initial_value_threshold: save only when the metric has improved. verbose: accepted.
      save_freq: "epoch", or a number of batches. max_to_keep: how many to keep, None for all.
      save_on_background: write while training goes on. save_weights_only: leave out configuration and optimizer.

    Raises `ImportError` without Orbax, `ValueError` for another `save_freq`.

    Keras: keras.callbacks.OrbaxCheckpoint.
    """

    def __init__(
        self, directory: Any, monitor: str = "val_loss", verbose: int = 0, save_best_only: bool = False,
        mode: str = "auto", save_freq: Any = "epoch", initial_value_threshold: float | None = None,
        max_to_keep: int | None = 1, save_on_background: bool = True, save_weights_only: bool = False,
    ) -> None:  # fmt: skip
        orbax = import_orbax()
        super().__init__(monitor, mode)
        self.best = initial_value_threshold
        self.directory, self.verbose, self.save_best_only = directory, verbose, save_best_only
        self.save_freq, self.max_to_keep = save_freq, max_to_keep
        self.save_on_background, self.save_weights_only = save_on_background, save_weights_only
        self._unsaved = self._total_batches_seen = 0
        self._last_batch = -1
        self._running: list[Any] = []
        if save_freq != "epoch" and not isinstance(save_freq, int):
            raise ValueError(f"Unrecognized save_freq: {save_freq}. Expected save_freq are 'epoch' or integer values")
        policies = orbax.training
        self.checkpointer = policies.Checkpointer(
            directory=os.path.abspath(directory),
            preservation_policy=max_to_keep and policies.preservation_policies.LatestN(max_to_keep),
            save_decision_policy=policies.save_decision_policies.FixedIntervalPolicy(1),
        )

    def set_model(self, model: Any) -> None:
        """Count batches on from those the optimizer has seen."""
        super().set_model(model)
        if getattr(model, "optimizer", None) is not None:
            self._total_batches_seen = int(model.optimizer.iterations)

    def is_multihost_enabled(self) -> bool:
        """Whether several processes save together: not here."""
        return False

    def is_primary_host(self) -> bool:
        """Whether this process is the first."""
        return True

    def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
        """Save, if this many batches have passed since the last time."""
        if self.save_freq == "epoch":
            return
        passed = batch + 1 if batch <= self._last_batch else batch - self._last_batch
        self._last_batch = batch
        self._unsaved += passed
        self._total_batches_seen += passed
        if self._unsaved >= self.save_freq:
            self._unsaved = 0
            self._save_if_due(self._total_batches_seen, logs, f"batch {batch}")

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        """Save, if epochs are what is counted."""
        if self.monitor_op is None:
            self._choose_direction()
        if self.save_freq == "epoch":
            self._save_if_due(epoch, logs, f"epoch {epoch}")

    def _save_if_due(self, step: int, logs: Any, when: str) -> None:
        if self.save_best_only:
            if self.monitor_op is None:
                self._choose_direction()
            current = (logs or {}).get(self.monitor)
            if current is None:
                message = f"Can save best model only with {self.monitor} available, skipping save at {when}."
                warnings.warn(message, stacklevel=3)
                return
            if not self._improved(current, self.best):
                return
            self.best = current
        payload = payload_of(self.model, self.save_weights_only)
        if self.save_on_background:
            self._running.append(self.checkpointer.save_checkpointables_async(step, payload))
        else:
            self.checkpointer.save_checkpointables(step, payload)

    def on_train_end(self, logs: Any = None) -> None:
        """Wait for what is being written, and let go of the folder."""
        self.wait_until_finished()
        self.checkpointer.close()

    def wait_until_finished(self) -> None:
        """Wait for what is being written."""
        for saved in self._running:
            saved.result()
        self._running.clear()
