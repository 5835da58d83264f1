"""Keras' older files: whole models and weights in one HDF5 file, by layer (`.h5`, `.hdf5`).

    attributes  model_config, training_config (JSON), keras_version, backend
    groups      model_weights/<layer>/<path of a weight>, optimizer_weights/<path>

Each group lists its weights in order in the attribute `weight_names`; layers are listed in `layer_names`. A file of
weights alone is the group `model_weights` itself. Published weights are files of this kind.
"""

from __future__ import annotations

import json
import os
import warnings
from pathlib import Path
from typing import Any

import numpy as np

from ..version import __version__
from .files import may_write, replacing
from .h5_store import attribute as read_attribute
from .h5_store import import_h5py, member, open_to_read, values_of
from .limits import memory_for
from .object_registration import get_registered_name
from .serialization import deserialize_keras_object, safe_mode_scope, serialize_keras_object

__all__ = ["ENDINGS", "load_legacy_model", "load_legacy_weights", "save_legacy_model"]

ENDINGS = (".h5", ".hdf5")
#: HDF5 holds no attribute larger than this; longer lists are cut into name0, name1, ...
_ATTRIBUTE_LIMIT = 64512
_TOP_LEVEL = "top_level_model_weights"


def _weights(layer: Any) -> list[Any]:
    """The weights of a layer in the order of these files."""
    return [*layer.trainable_weights, *layer.non_trainable_weights]


def _own_weights(model: Any) -> list[Any]:
    return [*model._trainable_variables, *model._non_trainable_variables]


# -- writing -----------------------------------------------------------------------------------------------------------


def save_legacy_model(model: Any, filepath: Any, overwrite: bool = True, include_optimizer: bool = True) -> None:
    """Write a model with its configuration, weights and optimizer to one HDF5 file, all or nothing."""
    warnings.warn(
        "You are saving your model as an HDF5 file. This file format is considered legacy. Use the native Keras format "
        "instead, e.g. `model.save('my_model.keras')`.",
        stacklevel=4,
    )
    path = Path(filepath)
    if not may_write(path, overwrite):
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    h5py = import_h5py()
    with replacing(path) as temporary, h5py.File(temporary, "w") as file:
        file.attrs["keras_version"] = __version__
        file.attrs["backend"] = "tensorflow"
        config = {"class_name": type(model).__name__, "config": _config_of(serialize_keras_object(model)["config"])}
        file.attrs["model_config"] = json.dumps(config).encode()
        training = model.get_compile_config() if include_optimizer and model.compiled else None
        if training is not None:
            optimizer = training.pop("optimizer", None)
            training["optimizer_config"] = _named(optimizer, model.optimizer)
            file.attrs["training_config"] = json.dumps(training).encode()
        _write_layers(file.create_group("model_weights"), model)
        if training is not None and model.optimizer is not None:
            _write_weights(file.create_group("optimizer_weights"), model.optimizer.variables)


def _named(config: Any, optimizer: Any) -> dict[str, Any]:
    """An optimizer's config without its module, whether `compile` was given the object or its name."""
    if not isinstance(config, dict):
        config = serialize_keras_object(optimizer)
    return {"class_name": get_registered_name(type(optimizer)), "config": config["config"]}


def _config_of(config: dict[str, Any]) -> dict[str, Any]:
    """A model's config as these files have it: layers without modules."""
    if not isinstance(config.get("layers"), list):
        return config
    kept = ("name", "inbound_nodes")
    layers = [
        {
            "class_name": layer["registered_name"] or layer["class_name"],
            "config": _config_of(layer["config"]),
            **{key: layer[key] for key in kept if key in layer},
        }
        for layer in config["layers"]
    ]
    return {**config, "layers": layers}


def _write_layers(group: Any, model: Any) -> None:
    _write_names(group, "layer_names", [layer.name for layer in model.layers])
    group.attrs["backend"] = b"tensorflow"
    group.attrs["keras_version"] = __version__.encode()
    for layer in sorted(model.layers, key=lambda layer: layer.name):
        _write_weights(group.create_group(layer.name), _weights(layer))
    _write_weights(group.create_group(_TOP_LEVEL), _own_weights(model))


def _write_weights(group: Any, weights: list[Any]) -> None:
    _write_names(group, "weight_names", [w.path for w in weights])
    for weight in weights:
        group.create_dataset(weight.path, data=np.asarray(weight))


def _write_names(group: Any, attribute: str, names: list[str]) -> None:
    encoded = [name.encode() for name in names]
    parts = 1
    while encoded and max(np.asarray(p).nbytes for p in np.array_split(encoded, parts)) > _ATTRIBUTE_LIMIT:
        parts += 1
    if parts == 1:
        group.attrs[attribute] = encoded
        return
    for i, part in enumerate(np.array_split(encoded, parts)):
        group.attrs[f"{attribute}{i}"] = part


# -- reading -----------------------------------------------------------------------------------------------------------


def load_legacy_model(filepath: Any, custom_objects: Any = None, compile: bool = True, safe_mode: bool = True) -> Any:
    """The model of an HDF5 file that Keras 2 or 3 wrote.

    Raises `ValueError` for a file without a model or with damaged parts, `TypeError` for unknown classes.
    """
    size = os.path.getsize(filepath) if os.path.exists(filepath) else 0
    with open_to_read(filepath) as file, safe_mode_scope(safe_mode), memory_for(size, filepath):
        config = _json(file, "model_config", filepath)
        if config is None:
            raise ValueError(
                f"No model config found in the file at {filepath}. If it holds weights alone, build the model and use "
                "`model.load_weights`."
            )
        model = deserialize_keras_object(config, custom_objects, safe_mode=safe_mode)
        _read_layers(_group(file, "model_weights"), model, skip_mismatch=False)
        if compile:
            _compile(model, file, filepath, custom_objects)
    return model


def _json(file: Any, attribute: str, filepath: Any) -> Any:
    text = read_attribute(file, attribute)
    if text is None:
        return None
    try:
        return json.loads(text)
    except (ValueError, TypeError, RecursionError) as error:
        raise ValueError(f"{attribute} in {filepath} is damaged: {error}") from None


def _compile(model: Any, file: Any, filepath: Any, custom_objects: Any) -> None:
    training = _json(file, "training_config", filepath)
    if training is None:
        warnings.warn(
            "No training configuration found in the save file, so the model was *not* compiled. Compile it manually.",
            stacklevel=4,
        )
        return
    optimizer = training.pop("optimizer_config", None)
    arguments = {key: training[key] for key in _COMPILE_ARGUMENTS if training.get(key) is not None}
    if optimizer is not None:
        arguments["optimizer"] = {"module": "keras.optimizers", **optimizer}
    model.compile_from_config(arguments)
    if member(file, "optimizer_weights") is not None and model.optimizer is not None:
        values = _read_weights(_group(file, "optimizer_weights"))
        variables = model.optimizer.variables
        if [v.shape for v in values] != [tuple(v.shape) for v in variables]:
            warnings.warn(
                "The saved optimizer state does not fit the optimizer: it starts fresh. "
                f"It has {len(variables)} variables, the file {len(values)}.",
                stacklevel=4,
            )
            return
        for variable, value in zip(variables, values, strict=True):
            variable.assign(value)


_COMPILE_ARGUMENTS = ("loss", "loss_weights", "metrics", "weighted_metrics", "run_eagerly", "steps_per_execution")


def load_legacy_weights(model: Any, filepath: Any, skip_mismatch: bool = False, by_name: bool = False) -> None:
    """Read weights of an HDF5 file: layer by layer in order, or (`by_name`) into the layers that have the names.

    Raises `ValueError` naming the layer for what does not fit, unless `skip_mismatch`.
    """
    with open_to_read(filepath) as file:
        group = file
        if read_attribute(file, "layer_names") is None and member(file, "model_weights") is not None:
            group = _group(file, "model_weights")
        (_read_layers_by_name if by_name else _read_layers)(group, model, skip_mismatch)


def _group(parent: Any, name: str) -> Any:
    found = member(parent, name)
    if found is None or not isinstance(found, import_h5py().Group):
        raise ValueError(f"The file has no group '{name}' in '{parent.name}'; it has {sorted(parent.keys())}.")
    return found


def _names(group: Any, attribute: str) -> list[str]:
    found = read_attribute(group, attribute)
    if found is None:
        found = []
        while (part := read_attribute(group, f"{attribute}{len(found)}")) is not None:
            found.append(part)
        found = [name for part in found for name in part]
    return [name.decode() if isinstance(name, bytes) else str(name) for name in found]


def _read_weights(group: Any) -> list[Any]:
    values = []
    for name in _names(group, "weight_names"):
        dataset = member(group, name)
        if dataset is None:
            raise ValueError(f"The file lists the weight '{name}' in '{group.name}' but does not have it.")
        values.append(values_of(dataset))
    return values


def _read_layers(group: Any, model: Any, skip_mismatch: bool) -> None:
    layers = [layer for layer in model.layers if _weights(layer)]
    saved = [(name, _group(group, name)) for name in _names(group, "layer_names")]
    saved = [(name, part) for name, part in saved if _names(part, "weight_names")]
    if len(saved) != len(layers):
        raise ValueError(
            f"Layer count mismatch when loading weights from file. Model expected {len(layers)} layers, found "
            f"{len(saved)} saved layers."
        )
    for k, (layer, (name, part)) in enumerate(zip(layers, saved, strict=True)):
        where = f"layer #{k} (named {layer.name} in the current model, {name} in the save file)"
        _assign(_weights(layer), _read_weights(part), where, skip_mismatch)
    _read_top_level(group, model, skip_mismatch)


def _read_layers_by_name(group: Any, model: Any, skip_mismatch: bool) -> None:
    for k, name in enumerate(_names(group, "layer_names")):
        for layer in model.layers:
            if layer.name == name:
                values = _read_weights(_group(group, name))
                _assign(_weights(layer), values, f"layer #{k} (named {name})", skip_mismatch)
    _read_top_level(group, model, skip_mismatch)


def _read_top_level(group: Any, model: Any, skip_mismatch: bool) -> None:
    if member(group, _TOP_LEVEL) is not None:
        _assign(_own_weights(model), _read_weights(_group(group, _TOP_LEVEL)), "top-level model", skip_mismatch)


def _assign(weights: list[Any], values: list[Any], where: str, skip_mismatch: bool) -> None:
    if len(weights) != len(values):
        message = (
            f"Weight count mismatch for {where}. Layer expects {len(weights)} weight(s). Received {len(values)} saved "
            "weight(s)"
        )
        if not skip_mismatch:
            raise ValueError(message)
        warnings.warn(f"Skipping: {message}", stacklevel=5)
        return
    for weight, value in zip(weights, values, strict=True):
        if tuple(weight.shape) == value.shape:
            weight.assign(value)
            continue
        message = (
            f"Shape mismatch in {where} for weight {weight.path}. Weight expects shape {tuple(weight.shape)}. Received "
            f"saved weight with shape {value.shape}"
        )
        if not skip_mismatch:
            raise ValueError(message)
        warnings.warn(f"Skipping: {message}", stacklevel=5)
