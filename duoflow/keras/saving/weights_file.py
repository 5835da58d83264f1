"""`.weights.h5` files, and `.weights.json` maps of several: the state of a model without its configuration."""

from __future__ import annotations

import io
import warnings
from pathlib import Path
from typing import Any

from .files import may_write, replacing
from .h5_store import H5Reader, H5Writer
from .legacy_h5 import ENDINGS, load_legacy_weights
from .members import open_archive, read_member
from .orbax_store import is_orbax_checkpoint, load_orbax_weights
from .shards import ShardsReader, is_sharded, write_shards
from .state_tree import load_state, save_state

__all__ = ["load_weights", "load_weights_from", "save_weights", "save_weights_to"]

WEIGHTS_IN_ARCHIVE = "model.weights.h5"


def save_weights(
    model: Any, filepath: Any, overwrite: bool = True, max_shard_size: float | None = None, **kwargs: Any
) -> None:
    """Write a model's state; see `Model.save_weights`.

    Args:
      objects_to_skip: objects of the model whose variables are left out.

    Keras: keras.saving.save_weights.
    """
    skip = kwargs.pop("objects_to_skip", None)
    if kwargs:
        raise TypeError(f"save_weights() got unexpected keyword arguments: {kwargs}")
    if max_shard_size is None and not str(filepath).endswith(".weights.h5"):
        raise ValueError(f"The filename must end in `.weights.h5`. Received: filepath={filepath}")
    if max_shard_size is not None and not str(filepath).endswith(("weights.h5", "weights.json")):
        raise ValueError(
            "The filename must end in `.weights.json` when `max_shard_size` is specified. Received: "
            f"filepath={filepath}"
        )
    if not model.built:
        raise ValueError(
            "You are saving a model that has not yet been built. Try building the model first by calling it on some "
            "data or by using `build()`."
        )
    path = Path(filepath)
    if not may_write(path, overwrite):
        return
    if max_shard_size is not None:
        with write_shards(path, max_shard_size) as store:
            save_state(model, store, skip=skip)
        return
    with replacing(path) as temporary:
        save_weights_to(model, temporary, skip=skip)


def save_weights_to(model: Any, target: Any, assets: Any = None, skip: Any = None) -> None:
    """Write a model's state to a path or buffer, and its assets through an `AssetsWriter`."""
    with H5Writer(target) as store:
        save_state(model, store, assets, skip)


def load_weights(model: Any, filepath: Any, skip_mismatch: bool = False, **kwargs: Any) -> None:
    """Read a model's state; see `Model.load_weights`.

    Args:
      objects_to_skip: objects of the model that keep what they have; not for legacy `.h5` and `.keras` files.
      by_name: of legacy `.h5` files, find layers by their names.

    Keras: keras.saving.load_weights.
    """
    name = str(filepath)
    legacy = name.endswith(ENDINGS) and not name.endswith(".weights.h5")
    objects_to_skip, by_name = kwargs.pop("objects_to_skip", None), kwargs.pop("by_name", None)
    if kwargs:
        raise ValueError(f"Invalid keyword arguments: {kwargs}")
    if by_name is not None and not legacy:
        raise ValueError(f"`by_name` only supports loading legacy '.h5' or '.hdf5' files. Received: {filepath}")
    if objects_to_skip is not None and (legacy or name.endswith(".keras")):
        raise ValueError(f"`objects_to_skip` only supports loading '.weights.h5' files. Received: {filepath}")
    orbax = is_orbax_checkpoint(filepath)
    if not legacy and not name.endswith((".weights.h5", ".keras")) and not is_sharded(name) and not orbax:
        raise ValueError(
            f"File format not supported: filepath={filepath}. Keras 3 only supports V3 `.keras`, `.weights.h5` and "
            "`.weights.json` files, legacy H5 format files (`.h5` extension), or Orbax checkpoints."
        )
    if not model.built:
        raise ValueError(
            "You are loading weights into a model that has not yet been built. Try building the model first by "
            "calling it on some data or by using `build()`."
        )
    if legacy:
        load_legacy_weights(model, filepath, skip_mismatch, bool(by_name))
        return
    if orbax:
        load_orbax_weights(model, filepath, skip_mismatch)
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
    with ShardsReader(source) if is_sharded(source) else H5Reader(source, shown_name) as store:
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
