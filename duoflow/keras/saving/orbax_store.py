"""Orbax checkpoints: folders with a folder for each step, that programs on JAX read too. They need the package.

A step holds "pytree", the values of `Model.get_state_tree`; "model_config", the configuration; and "assets", what
layers write beside their variables, if any do.
"""

from __future__ import annotations

import io
import json
import zipfile
from pathlib import Path
from typing import Any

import numpy as np

from duoflow.core import nest

from .assets import ROOT, AssetsReader, AssetsWriter
from .serialization import deserialize_keras_object, serialize_keras_object
from .state_tree import saveables

__all__ = ["import_orbax", "is_orbax_checkpoint", "load_orbax_model", "load_orbax_weights", "payload_of"]

_MARKS = {"orbax.checkpoint", "pytree.orbax-checkpoint", "checkpoint_metadata"}


def import_orbax() -> Any:
    """The package's interface `orbax.checkpoint.v1`; `ImportError` that says how to get it."""
    try:
        from orbax.checkpoint import v1
    except ImportError:
        raise ImportError(
            "OrbaxCheckpoint requires the 'orbax-checkpoint' package. You can install it via pip install "
            "orbax-checkpoint"
        ) from None
    return v1


def is_orbax_checkpoint(filepath: Any) -> bool:
    """Whether a path is a folder of steps, or one of its steps."""
    path = Path(filepath)
    if not path.is_dir():
        return False
    items = list(path.iterdir())
    return any(
        item.name in _MARKS or ".orbax-checkpoint-tmp" in item.name or (item.name.isdigit() and item.is_dir())
        for item in items
    ) or {"pytree", "_CHECKPOINT_METADATA"} <= {item.name for item in items}


def payload_of(model: Any, weights_only: bool) -> dict[str, Any]:
    """What a step holds of a model."""
    state = model.get_state_tree(value_format="numpy_array")
    if weights_only:
        names = ("trainable_variables", "non_trainable_variables")
        return {"pytree": _plain({name: state[name] for name in names})}
    payload = {"pytree": _plain(state), "model_config": {"config": json.dumps(serialize_keras_object(model))}}
    assets = _assets_of(model)
    return {**payload, "assets": assets} if assets else payload


def _plain(state: Any) -> Any:
    """Arrays without dimensions as numbers, which is how Orbax keeps them."""
    return nest.map_structure(lambda x: x.item() if np.ndim(x) == 0 else x, state)


def _assets_of(model: Any) -> dict[str, Any]:
    """The files that layers write, as bytes in nested dicts by the parts of their paths."""
    buffer, tree = io.BytesIO(), {}
    with zipfile.ZipFile(buffer, "w") as archive:
        writer = AssetsWriter(archive)
        for path, saveable in saveables(model):
            writer.save(saveable, path)
        for name in archive.namelist():
            inside: dict[str, Any] = tree
            *folders, file = name.split("/")[1:]
            for folder in folders:
                inside = inside.setdefault(folder, {})
            inside[file] = np.frombuffer(archive.read(name), np.uint8)
    return tree


def _load_assets(model: Any, tree: dict[str, Any]) -> None:
    """Let layers read the files in nested dicts."""
    contents = {f"{ROOT}/{name}": np.asarray(values, np.uint8).tobytes() for name, values in _by_name(tree)}
    reader = AssetsReader(list(contents), contents.__getitem__)
    for path, saveable in saveables(model):
        reader.load(saveable, path)


def _by_name(tree: dict[str, Any], prefix: str = "") -> Any:
    for name, value in tree.items():
        if isinstance(value, dict):
            yield from _by_name(value, f"{prefix}{name}/")
        else:
            yield prefix + name, value


def _step(filepath: Any) -> tuple[Any, Any]:
    """The checkpointer of a folder of steps, or of a step's folder, and the step: the latest, or the folder itself."""
    orbax, path = import_orbax(), Path(filepath).absolute()
    inside = path.name.isdigit() and not any(item.name.isdigit() for item in path.iterdir())
    checkpointer = orbax.training.Checkpointer(directory=str(path.parent if inside else path))
    if inside:
        return checkpointer, int(path.name)
    if checkpointer.latest is None:
        raise ValueError(f"No valid checkpoints found in {filepath}")
    return checkpointer, checkpointer.latest.step


def load_orbax_weights(model: Any, filepath: Any, skip_mismatch: bool = False) -> None:
    """Assign what a step holds of a model's variables; the latest of a folder of steps.

    Raises `ValueError` if weights of the model are not there, unless `skip_mismatch`.
    """
    checkpointer, step = _step(filepath)
    _assign(model, checkpointer.load_checkpointables(step, {"pytree": None})["pytree"], filepath, skip_mismatch)


def _assign(model: Any, state: dict[str, Any], filepath: Any, skip_mismatch: bool = False) -> None:
    paths = [variable.path for variable in model.weights]
    if not any(path.startswith(f"{model.name}/") for path in paths):
        state = _without_model(state, model.name)
    known = {path for part in ("trainable_variables", "non_trainable_variables") for path, _ in _by_name(state[part])}
    missing = [path for path in paths if path not in known]
    if missing and not skip_mismatch:
        raise ValueError(
            f"The checkpoint {filepath} has no values for {missing}; it has {sorted(known)}. Layers are found by their "
            "names: give them those of the model that was saved."
        )
    model.set_state_tree({name: tree for name, tree in state.items() if name in model.get_state_tree()})


def _without_model(state: dict[str, Any], model: str) -> dict[str, Any]:
    """A state without the model's name in front: a Sequential model that is made from its config has paths without."""
    parts = {
        name: tree.get(model, tree) if name.endswith("trainable_variables") else tree for name, tree in state.items()
    }
    slots = {
        optimizer: {name.removeprefix(f"{model}_"): value for name, value in tree.items()}
        for optimizer, tree in state.get("optimizer_variables", {}).items()
    }
    return {**parts, **({"optimizer_variables": slots} if slots else {})}


def load_orbax_model(filepath: Any, custom_objects: Any, compile: bool, safe_mode: bool) -> Any:
    """The model of a step; `ValueError` if only its weights were saved."""
    checkpointer, step = _step(filepath)
    saved = set(checkpointer.checkpointables_metadata(step).metadata)
    if "model_config" not in saved:
        raise ValueError(
            "Checkpoint does not contain model configuration. This checkpoint may have been saved with "
            "save_weights_only=True."
        )
    wanted = dict.fromkeys(("model_config", "pytree", "assets")[: 3 if "assets" in saved else 2])
    loaded = checkpointer.load_checkpointables(step, wanted)
    config = json.loads(loaded["model_config"]["config"])
    if not compile:
        config.pop("compile_config", None)
    model = deserialize_keras_object(config, custom_objects, safe_mode=safe_mode)
    _assign(model, loaded["pytree"], filepath)
    _load_assets(model, loaded.get("assets") or {})
    return model
