"""`tf.train.CheckpointManager`: numbered checkpoints in a folder, of which the latest few are kept."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from typing import Any

from duoflow.core.context import context
from duoflow.formats.checkpoints import (
    checkpoint_state,
    read_checkpoint_state,
    remove_checkpoint,
    write_checkpoint_state,
)

from .checkpoint import Checkpoint, CheckpointOptions

__all__ = ["CheckpointManager"]

_HOUR = 3600.0


class CheckpointManager:
    """Saves a checkpoint under numbered names in a folder, and deletes old ones.

    Args:
      checkpoint: what to save.
      directory: where; its file "checkpoint" says what is there, so that a later manager goes on.
      max_to_keep: how many of the latest are kept; None for all.
      keep_checkpoint_every_n_hours: one in so many hours is kept for good.
      checkpoint_name: the name before the number.
      step_counter, checkpoint_interval: a variable of steps, and how many have to lie between two checkpoints.
      init_fn: called by `restore_or_initialize` where there is nothing to restore.
      last_checkpoint_step: the step from which the first interval counts.

    Raises `ValueError` for a `max_to_keep` below 1, and for an interval without a counter.

    >>> import tempfile
    >>> step = tf.Variable(0)
    >>> manager = tf.train.CheckpointManager(tf.train.Checkpoint(step=step), tempfile.mkdtemp(), max_to_keep=2)
    >>> for _ in range(3):
    ...     _ = step.assign_add(1), manager.save()
    >>> [path[-6:] for path in manager.checkpoints]
    ['ckpt-2', 'ckpt-3']

    TensorFlow: tf.train.CheckpointManager.
    """

    def __init__(
        self, checkpoint: Checkpoint, directory: Any, max_to_keep: int | None,
        keep_checkpoint_every_n_hours: float | None = None, checkpoint_name: str = "ckpt", step_counter: Any = None,
        checkpoint_interval: int | None = None, init_fn: Callable[[], Any] | None = None,
        last_checkpoint_step: int | None = None,
    ) -> None:  # fmt: skip
        if max_to_keep is not None and max_to_keep <= 0:
            raise ValueError(f"Expected a positive integer or `None` for `max_to_keep`, got {max_to_keep}.")
        if checkpoint_interval is not None and step_counter is None:
            raise ValueError("`step_counter` should be passed if `checkpoint_interval` is not None.")
        self._checkpoint = checkpoint
        self._directory: str = os.fspath(directory)
        self._max_to_keep, self._keep_every = max_to_keep, keep_checkpoint_every_n_hours
        self._name, self._init_fn = checkpoint_name, init_fn
        self._step_counter, self._interval, self._last_step = step_counter, checkpoint_interval, last_checkpoint_step
        self._latest: str | None = None
        self._active: dict[str, float] = {}
        self._preserved = time.time() - 1.0
        self._go_on()

    def _go_on(self) -> None:
        """Take over what an earlier manager left in the folder."""
        state = read_checkpoint_state(self._directory)
        if state is None:
            return
        self._latest = state.model_checkpoint_path
        self._preserved = min(state.last_preserved_timestamp, time.time())
        paths = list(state.all_model_checkpoint_paths)
        stamps = list(state.all_model_checkpoint_timestamps) or [self._preserved] * len(paths)
        self._active = {p: t for p, t in zip(paths, stamps, strict=True) if t > self._preserved}

    @property
    def checkpoint(self) -> Checkpoint:
        """What is saved."""
        return self._checkpoint

    @property
    def directory(self) -> str:
        """The folder."""
        return self._directory

    @property
    def checkpoint_interval(self) -> int | None:
        """How many steps have to lie between two checkpoints."""
        return self._interval

    @property
    def latest_checkpoint(self) -> str | None:
        """The prefix of the latest checkpoint, for `Checkpoint.restore`."""
        return self._latest

    @property
    def checkpoints(self) -> list[str]:
        """The prefixes of those that are kept for now, oldest first."""
        return list(self._active)

    def save(
        self, checkpoint_number: Any = None, check_interval: bool = True, options: CheckpointOptions | None = None
    ) -> str | None:
        """Save and delete what is too old; returns the prefix, or None where the interval has not passed.

        `checkpoint_number` is the number in the name instead of the checkpoint's `save_counter`.
        """
        if self._interval is not None:
            step = int(self._step_counter)
            since = None if self._last_step is None else step - self._last_step
            if since == 0 or (since is not None and check_interval and since < self._interval):
                return None
            self._last_step = step
        if context.graph is None:
            self._checkpoint.save_counter.assign_add(1)
        number = int(self._checkpoint.save_counter if checkpoint_number is None else checkpoint_number)
        path = self._checkpoint.write(os.path.join(self._directory, f"{self._name}-{number}"), options)
        self._active.pop(path, None)
        self._active[path] = time.time()
        self._latest = path
        self._record()
        self._sweep()
        return path

    def _sweep(self) -> None:
        """Delete the oldest; the folder's file is told first what will be left, so that it never names what is gone."""
        gone = []
        while self._max_to_keep is not None and len(self._active) > self._max_to_keep:
            path = next(iter(self._active))
            stamp = self._active.pop(path)
            if self._keep_every and stamp - self._keep_every * _HOUR >= self._preserved:
                self._preserved = stamp
            else:
                gone.append(path)
        if gone:
            self._record()
        for path in gone:
            remove_checkpoint(path)

    def _record(self) -> None:
        def relative(path: str) -> str:
            return os.path.relpath(path, self._directory or ".")

        assert self._latest is not None
        paths, stamps = [relative(path) for path in self._active], list(self._active.values())
        state = checkpoint_state(self._directory, relative(self._latest), paths, stamps, self._preserved)
        write_checkpoint_state(self._directory, state)

    def restore_or_initialize(self) -> str | None:
        """Restore the latest checkpoint and return its prefix; call `init_fn` if there is none."""
        if self._latest is not None:
            self._checkpoint.restore(self._latest)
            self._last_step = int(self._step_counter) if self._interval is not None else None
            return self._latest
        if self._init_fn is not None:
            self._init_fn()
        return None

    def sync(self) -> None:
        """Nothing to wait for: checkpoints are written before `save` returns."""
