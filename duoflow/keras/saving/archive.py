"""`.keras` files: a zip of config.json, metadata.json and model.weights.h5, as Keras 3 writes them.

Reading takes these members by name, and the assets of layers that have any; no code in them is run.
"""

from __future__ import annotations

import datetime
import io
import json
import os
import warnings
import zipfile
from pathlib import Path
from typing import Any

from ..version import __version__
from .assets import AssetsReader, AssetsWriter
from .files import may_write, replacing
from .legacy_h5 import ENDINGS, load_legacy_model, save_legacy_model
from .limits import memory_for
from .members import open_archive, read_member
from .orbax_store import is_orbax_checkpoint, load_orbax_model
from .serialization import deserialize_keras_object, serialize_keras_object
from .weights_file import WEIGHTS_IN_ARCHIVE, load_weights_from, save_weights_to

__all__ = ["CONFIG", "METADATA", "load_model", "model_from_bytes", "model_to_bytes", "read_json", "save_model"]

CONFIG, METADATA = "config.json", "metadata.json"


def save_model(model: Any, filepath: Any, overwrite: bool = True, zipped: bool | None = None, **kwargs: Any) -> None:
    """Write a model with its configuration, weights and optimizer to a `.keras` file, all or nothing.

    A name that ends in `.h5` or `.hdf5` gives a file in Keras' older format. Raises `ValueError` for another ending.

    Keras: keras.saving.save_model.
    """
    include_optimizer = kwargs.pop("include_optimizer", True)
    save_format = kwargs.pop("save_format", None)
    if kwargs:
        raise ValueError(f"The following argument(s) are not supported: {list(kwargs)}")
    if str(filepath).endswith(ENDINGS) or save_format == "h5":
        save_legacy_model(model, filepath, overwrite, include_optimizer)
        return
    if not include_optimizer or save_format not in (None, "keras"):
        given = {"include_optimizer": include_optimizer, "save_format": save_format}
        raise ValueError(f"Arguments not supported with the native Keras format: {given}")
    if zipped is False:
        raise NotImplementedError("Models are written as one file (`zipped=True`).")
    if not str(filepath).endswith(".keras"):
        raise ValueError(
            "Invalid filepath extension for saving. Please add either a `.keras` extension for the native Keras format "
            f"(recommended) or a `.h5` extension. Use `model.export(filepath)` if you want to export a SavedModel for "
            f"use with TFLite/TFServing/etc. Received: filepath={filepath}."
        )
    path = Path(filepath)
    if not model.built:
        warnings.warn(
            "You are saving a model that has not yet been built. It might not contain any weights yet.", stacklevel=3
        )
    if not may_write(path, overwrite):
        return
    with replacing(path) as temporary:
        _write(model, temporary)


def _write(model: Any, target: Any) -> None:
    """Write an archive to a path or buffer."""
    with zipfile.ZipFile(target, "w") as archive:
        saved = datetime.datetime.now().strftime("%Y-%m-%d@%H:%M:%S")
        archive.writestr(METADATA, json.dumps({"keras_version": __version__, "date_saved": saved}))
        archive.writestr(CONFIG, json.dumps(serialize_keras_object(model)))
        weights = io.BytesIO()
        save_weights_to(model, weights, AssetsWriter(archive))
        archive.writestr(WEIGHTS_IN_ARCHIVE, weights.getvalue())


def model_to_bytes(model: Any) -> bytes:
    """The archive of a model, as pickles hold it."""
    buffer = io.BytesIO()
    _write(model, buffer)
    return buffer.getvalue()


def model_from_bytes(data: bytes, cls: Any) -> Any:
    """The model of an archive in a pickle, which names its class and is code that runs as it is."""
    return _read(io.BytesIO(data), len(data), "a pickle", {cls.__name__: cls}, True, safe_mode=False)


def load_model(filepath: Any, custom_objects: Any = None, compile: bool = True, safe_mode: bool = True) -> Any:
    """The model of a `.keras` file, of one in Keras' older format (`.h5`), or of an Orbax checkpoint.

    Args:
      custom_objects: names to classes and functions, besides the registered ones.
      compile: whether to restore the optimizer and losses too.
      safe_mode: refuse files that hold code (lambdas).

    Raises `ValueError` for a missing or damaged file, `TypeError` for unknown classes.

    Keras: keras.saving.load_model.
    """
    if str(filepath).endswith(ENDINGS):
        return load_legacy_model(filepath, custom_objects, compile, safe_mode)
    if not str(filepath).endswith(".keras"):
        if is_orbax_checkpoint(filepath):
            return load_orbax_model(filepath, custom_objects, compile, safe_mode)
        raise ValueError(
            f"File format not supported: filepath={filepath}. Keras 3 only supports V3 `.keras` files and legacy H5 "
            "format files (`.h5` extension)."
        )
    size = os.path.getsize(filepath) if os.path.exists(filepath) else 0
    return _read(filepath, size, filepath, custom_objects, compile, safe_mode)


def _read(source: Any, size: int, filepath: Any, custom_objects: Any, compile: bool, safe_mode: bool) -> Any:
    """The model of an archive in a file or buffer of `size` bytes; errors call it `filepath`."""
    with open_archive(source) as archive, memory_for(size, filepath):
        config = read_json(archive, CONFIG, filepath)
        if "class_name" not in config:
            raise ValueError(f"{CONFIG} in {filepath} describes no model.")
        weights = read_member(archive, WEIGHTS_IN_ARCHIVE, filepath)
        if not compile:
            config.pop("compile_config", None)
        model = deserialize_keras_object(config, custom_objects, safe_mode=safe_mode)
        assets = AssetsReader(archive.namelist(), lambda name: read_member(archive, name, filepath))
        load_weights_from(model, io.BytesIO(weights), f"{WEIGHTS_IN_ARCHIVE} in {filepath}", assets=assets)
    return model


def read_json(archive: zipfile.ZipFile, name: str, filepath: Any) -> dict[str, Any]:
    """The object in a member; `ValueError` for anything else."""
    data = read_member(archive, name, filepath)
    try:
        found = json.loads(data)
    except (ValueError, RecursionError) as error:
        raise ValueError(f"{name} in {filepath} is damaged: {error}") from None
    if not isinstance(found, dict):
        raise ValueError(f"{name} in {filepath} describes no model.")
    return found
