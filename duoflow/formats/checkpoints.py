"""The file `checkpoint` of a folder, which names the checkpoints in it, and what is done with whole checkpoints."""

from __future__ import annotations

import ast
import os
import re
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from .bundle import BundleReader, bundle_exists, bundle_files
from .messages import CheckpointState

__all__ = [
    "checkpoint_state", "checkpoints_iterator", "get_checkpoint_state", "latest_checkpoint", "list_variables",
    "load_checkpoint", "load_variable", "read_checkpoint_state", "remove_checkpoint", "write_checkpoint_state",
]  # fmt: skip

_LINE = re.compile(r"\s*(\w+)\s*:\s*(.+?)\s*$")


def checkpoint_state(
    save_dir: str, model_checkpoint_path: str, all_paths: Sequence[str] | None = None,
    timestamps: Sequence[float] | None = None, last_preserved: float | None = None,
) -> Any:  # fmt: skip
    """What the file of a folder says: paths are relative to the folder unless it is given as an absolute path."""
    paths = list(all_paths or ())
    if model_checkpoint_path not in paths:
        paths.append(model_checkpoint_path)
    if timestamps and len(timestamps) != len(paths):
        raise ValueError(f"{len(timestamps)} timestamps were given for {len(paths)} checkpoints.")

    def shown(path: str) -> str:
        return (
            path
            if os.path.isabs(save_dir)
            else os.path.relpath(path, save_dir or ".")
            if not os.path.isabs(path)
            else path
        )

    return CheckpointState(
        model_checkpoint_path=shown(model_checkpoint_path), all_model_checkpoint_paths=[shown(p) for p in paths],
        all_model_checkpoint_timestamps=list(timestamps or ()), last_preserved_timestamp=last_preserved,
    )  # fmt: skip


def write_checkpoint_state(save_dir: str, state: Any, name: str | None = None) -> None:
    """Write the file of a folder, at once."""
    path = Path(save_dir or ".", name or "checkpoint")
    part = path.with_name(f"{path.name}.part-{os.getpid()}-{time.monotonic_ns()}")
    part.write_text(str(state), encoding="utf-8")
    os.replace(part, path)


def read_checkpoint_state(checkpoint_dir: Any, name: str | None = None) -> Any:
    """What the file of a folder says, with whole paths; None if there is no such file or it names no checkpoint."""
    path = Path(checkpoint_dir, name or "checkpoint")
    if not path.is_file():
        return None
    values: dict[str, list[Any]] = {}
    for line in path.read_text(encoding="utf-8", errors="replace").splitlines():
        found = _LINE.match(line)
        if found and found[1] in CheckpointState._fields:
            try:
                values.setdefault(found[1], []).append(ast.literal_eval(found[2]))
            except (ValueError, SyntaxError):
                return None

    def whole(prefix: str) -> str:
        return prefix if os.path.isabs(prefix) else os.path.join(os.fspath(checkpoint_dir), prefix)

    latest = values.get("model_checkpoint_path", [""])[-1]
    if not isinstance(latest, str) or not latest:
        return None
    return CheckpointState(
        model_checkpoint_path=whole(latest),
        all_model_checkpoint_paths=[whole(p) for p in values.get("all_model_checkpoint_paths", ())],
        all_model_checkpoint_timestamps=values.get("all_model_checkpoint_timestamps", ()),
        last_preserved_timestamp=values.get("last_preserved_timestamp", [None])[-1],
    )


def get_checkpoint_state(checkpoint_dir: Any, latest_filename: str | None = None) -> Any:
    """What the file `checkpoint` of a folder says, or None. TensorFlow: tf.train.get_checkpoint_state."""
    return read_checkpoint_state(checkpoint_dir, latest_filename)


def latest_checkpoint(checkpoint_dir: Any, latest_filename: str | None = None) -> str | None:
    """The prefix of the latest checkpoint of a folder, or None.

    TensorFlow: tf.train.latest_checkpoint.
    """
    state = read_checkpoint_state(checkpoint_dir, latest_filename)
    if state is None or not bundle_exists(state.model_checkpoint_path):
        return None
    return str(state.model_checkpoint_path)


def remove_checkpoint(prefix: str) -> None:
    """Delete the files of a checkpoint, and the graph beside it."""
    for path in bundle_files(prefix):
        path.unlink(missing_ok=True)
    Path(f"{prefix}.meta").unlink(missing_ok=True)


def checkpoints_iterator(
    checkpoint_dir: Any, min_interval_secs: float = 0, timeout: float | None = None,
    timeout_fn: Callable[[], bool] | None = None,
) -> Iterator[str]:  # fmt: skip
    """Each new latest checkpoint of a folder, as it comes, until none came for `timeout` seconds.

    TensorFlow: tf.train.checkpoints_iterator.
    """
    last = None
    while True:
        begun = time.monotonic()
        while (found := latest_checkpoint(checkpoint_dir)) in (None, last):
            if timeout is not None and time.monotonic() - begun > timeout:
                if timeout_fn is None or timeout_fn():
                    return
                begun = time.monotonic()
            time.sleep(0.05 if timeout is None else min(0.05, timeout / 10 + 1e-3))
        last = found
        assert found is not None
        yield found
        time.sleep(max(0.0, min_interval_secs - (time.monotonic() - begun)))


def load_checkpoint(ckpt_dir_or_file: Any) -> BundleReader:
    """A reader of a checkpoint, or of the latest of a folder. TensorFlow: tf.train.load_checkpoint."""
    path = os.fspath(ckpt_dir_or_file)
    prefix = latest_checkpoint(path) if os.path.isdir(path) else path
    if prefix is None:
        raise ValueError(f"Couldn't find 'checkpoint' file or checkpoints in given directory {path}")
    return BundleReader(prefix)


def load_variable(ckpt_dir_or_file: Any, name: str) -> np.ndarray[Any, Any]:
    """One value of a checkpoint. TensorFlow: tf.train.load_variable."""
    return load_checkpoint(ckpt_dir_or_file).get_tensor(name.removesuffix(":0"))


def list_variables(ckpt_dir_or_file: Any) -> list[tuple[str, list[int]]]:
    """The names and shapes in a checkpoint. TensorFlow: tf.train.list_variables."""
    return sorted(load_checkpoint(ckpt_dir_or_file).get_variable_to_shape_map().items())
