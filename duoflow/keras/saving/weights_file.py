"""`.weights.h5` files: the state of a model without its configuration."""

from __future__ import annotations

import io
import warnings
from pathlib import Path
from typing import Any

from .files import may_write, replacing
from .h5_store import H5Reader, H5Writer
from .legacy_h5 import ENDINGS, load_legacy_weights
from .members import open_archive, read_member
from .state_tree import load_state, save_state

__all__ = ["load_weights", "load_weights_from", "save_weights", "save_weights_to"]

WEIGHTS_IN_ARCHIVE = "model.weights.h5"


def save_weights(model: Any, filepath: Any, overwrite: bool = True, max_shard_size: float | None = None) -> None:
    """Write a model's state; see `Model.save_weights`."""
    if max_shard_size is not None:
        raise NotImplementedError("Weights in several files (`max_shard_size`) are not supported.")
    if not str(filepath).endswith(".weights.h5"):
        raise ValueError(f"The filename must end in `.weights.h5`. Received: filepath={filepath}")
    if not model.built:
        raise ValueError(
            "You are saving a model that has not yet been built. Try building the model first by calling it on some "
            "data or by using `build()`."
        )
    path = Path(filepath)
    if may_write(path, overwrite):
        with replacing(path) as temporary:
            save_weights_to(model, temporary)


def save_weights_to(model: Any, target: Any, assets: Any = None) -> None:
    """Write a model's state to a path or buffer, and its assets through an `AssetsWriter`."""
    with H5Writer(target) as store:
        save_state(model, store, assets)


def load_weights(
    model: Any, filepath: Any, skip_mismatch: bool = False, objects_to_skip: Any = None, **kwargs: Any
) -> None:
    """Read a model's state; see `Model.load_weights`."""
    name = str(filepath)
    legacy = name.endswith(ENDINGS) and not name.endswith(".weights.h5")
    by_name = kwargs.pop("by_name", False)
    if kwargs or (by_name and not legacy):
        raise ValueError(f"Invalid keyword arguments: {kwargs or {'by_name': by_name}}")
    if not legacy and not name.endswith((".weights.h5", ".keras")):
        raise ValueError(
            f"File format not supported: filepath={filepath}. Keras 3 only supports V3 `.keras` and `.weights.h5` "
            "files, or legacy V1/V2 `.h5` files."
        )
    if not model.built:
        raise ValueError(
            "You are loading weights into a model that has not yet been built. Try building the model first by "
            "calling it on some data or by using `build()`."
        )
    if legacy:
        load_legacy_weights(model, filepath, skip_mismatch, by_name)
        return
    if not name.endswith(".keras"):
        load_weights_from(model, Path(filepath), name, skip_mismatch, objects_to_skip)
        return
    with open_archive(filepath) as archive:
        data = io.BytesIO(read_member(archive, WEIGHTS_IN_ARCHIVE, filepath))
    load_weights_from(model, data, name, skip_mismatch, objects_to_skip)


def load_weights_from(
    model: Any, source: Any, shown_name: str, skip_mismatch: bool = False, skip: Any = None, assets: Any = None
) -> None:
    """Read a model's state from a path or buffer, and its assets through an `AssetsReader`."""
    with H5Reader(source, shown_name) as store:
        failed = load_state(model, store, skip, assets)
    if not failed:
        return
    objects = [item for item, _ in failed.values()]
    example, error = next(iter(failed.values()))
    message = (
        f"A total of {len(failed)} objects could not be loaded. Example error message for object "
        f"{example}:\n\n{error}\n\n"
        f"List of objects that could not be loaded:\n{objects}"
    )
    if not skip_mismatch:
        raise ValueError(message)
    warnings.warn(message, stacklevel=4)
