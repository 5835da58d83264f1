"""Reading the files of a SavedModel: nothing outside of its folder, nothing of absurd size, nothing run."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from duoflow.formats.bundle import BundleReader
from duoflow.formats.messages import SavedModel, TrackableObjectGraph
from duoflow.formats.saved_objects import SavedObjectGraph
from duoflow.formats.wire import DecodeError
from duoflow.ops.checkpoint import OBJECT_GRAPH_KEY

from . import constants as names

__all__ = [
    "asset_path", "chosen_meta_graph", "contains_saved_model", "object_graph_of", "read_saved_model", "value_keys",
    "variables_reader",
]  # fmt: skip

_MOST_BYTES = 1 << 31
_MOST_OBJECTS = 1 << 22
#: Ops that reach what is not part of the model: Python of the program that wrote it, and files.
_REFUSED = frozenset("EagerPyFunc MatchingFiles PyFunc PyFuncStateless ReadFile Save SaveSlices WriteFile".split())


def contains_saved_model(export_dir: Any) -> bool:
    """Whether a folder holds a SavedModel. TensorFlow: tf.saved_model.contains_saved_model."""
    folder = Path(export_dir)
    return (folder / names.SAVED_MODEL_FILENAME_PB).is_file() or (folder / names.SAVED_MODEL_FILENAME_PBTXT).is_file()


def read_saved_model(export_dir: Any) -> Any:
    """The message in saved_model.pb.

    Raises:
      OSError: if there is none.
      ValueError: if it is damaged, too large, or would run what is not part of the model.
    """
    path = Path(export_dir, names.SAVED_MODEL_FILENAME_PB)
    if not path.is_file():
        if Path(export_dir, names.SAVED_MODEL_FILENAME_PBTXT).is_file():
            raise ValueError(f"{os.fspath(export_dir)}: SavedModels in text form (saved_model.pbtxt) are not read.")
        raise OSError(
            f"SavedModel file does not exist at: {os.fspath(export_dir)}{os.sep}{{{names.SAVED_MODEL_FILENAME_PBTXT}|"
            f"{names.SAVED_MODEL_FILENAME_PB}}}"
        )
    if path.stat().st_size >= _MOST_BYTES:
        raise ValueError(f"{path} has {path.stat().st_size} bytes; a SavedModel's file has less than 2 GiB.")
    try:
        model = SavedModel.FromString(path.read_bytes())
    except DecodeError as error:
        raise ValueError(f"Cannot parse file {path}: {error}.") from None
    if not model.meta_graphs:
        raise ValueError(f"{path} holds no graph: it is not a SavedModel, or damaged.")
    for meta in model.meta_graphs:
        _refuse(path, meta.graph_def.node)
        for function in meta.graph_def.library.function:
            _refuse(path, function.node_def)
    return model


def _refuse(path: Path, nodes: Iterable[Any]) -> None:
    for node in nodes:
        if node.op in _REFUSED:
            raise ValueError(
                f"{path}: node {node.name!r} is a {node.op}, which runs Python code or reaches files outside of the "
                "model. Such models are not loaded."
            )


def chosen_meta_graph(model: Any, tags: Any) -> Any:
    """The meta graph with these tags (the only one for None); `RuntimeError` or `ValueError` if there is none."""
    if tags is None:
        if len(model.meta_graphs) > 1:
            found = [sorted(meta.meta_info_def.tags) for meta in model.meta_graphs]
            raise ValueError(
                "Importing a SavedModel with `tf.saved_model.load` requires a `tags=` argument if there is more than "
                f"one MetaGraph. Got `tags=None`, but there are {len(found)} MetaGraphs in the SavedModel with tag "
                f"sets: {found}. Pass a `tags=` argument to load this SavedModel."
            )
        return model.meta_graphs[0]
    wanted = {tags} if isinstance(tags, str) else set(tags)
    for meta in model.meta_graphs:
        if set(meta.meta_info_def.tags) == wanted:
            return meta
    found = [sorted(meta.meta_info_def.tags) for meta in model.meta_graphs]
    raise RuntimeError(f"MetaGraphDef associated with tags {sorted(wanted)} could not be found in SavedModel, with "
                       f"available tags '{found}'.")  # fmt: skip


def object_graph_of(meta: Any) -> Any:
    """The objects of a meta graph; `ValueError` if they are damaged."""
    try:
        graph = SavedObjectGraph.FromString(meta.object_graph_def)
    except DecodeError as error:
        raise ValueError(f"The object graph of the SavedModel is damaged: {error}.") from None
    count = len(graph.nodes)
    if count > _MOST_OBJECTS:
        raise ValueError(f"The SavedModel has {count} objects; at most {_MOST_OBJECTS} are loaded.")
    for number, node in enumerate(graph.nodes):
        for child in node.children:
            if not 0 <= child.node_id < count or not child.local_name:
                raise ValueError(f"The object graph of the SavedModel is damaged: object {number} leads to none.")
    for name, function in graph.concrete_functions.items():
        if any(not 0 <= number < count for number in function.bound_inputs):
            raise ValueError(f"The object graph of the SavedModel is damaged: {name!r} captures no object.")
    return graph


def variables_reader(export_dir: Any) -> BundleReader | None:
    """The checkpoint of the variables; None if there is none."""
    prefix = Path(export_dir, names.VARIABLES_DIRECTORY, names.VARIABLES_FILENAME)
    index = Path(f"{prefix}.index")
    if not index.is_file():
        return None
    _require_inside(export_dir, index)
    for shard in index.parent.glob(f"{names.VARIABLES_FILENAME}.data-*"):
        _require_inside(export_dir, shard)
    return BundleReader(os.fspath(prefix))


def _require_inside(export_dir: Any, path: Path) -> None:
    if not path.resolve().is_relative_to(Path(export_dir).resolve()):
        raise ValueError(f"{path} leads out of the SavedModel's folder.")


def asset_path(export_dir: Any, filename: str) -> Path:
    """The path of a file among the assets; `ValueError` if it would leave the folder."""
    base = Path(export_dir, names.ASSETS_DIRECTORY)
    path = base / filename
    if (
        not filename
        or "\0" in filename
        or Path(filename).is_absolute()
        or not path.resolve().is_relative_to(base.resolve())
    ):
        raise ValueError(f"The asset {filename!r} leads out of the SavedModel's folder.")
    _require_inside(export_dir, path)
    return path


def value_keys(graph: Any, reader: BundleReader | None) -> dict[int, dict[str, str]]:
    """For the objects of a SavedModel by number, the keys of their values in the checkpoint, by kind.

    Both are found by the names that lead to them from the root.
    """
    if reader is None or not reader.has_tensor(OBJECT_GRAPH_KEY):
        return {}
    try:
        kept = TrackableObjectGraph.FromString(reader.get_tensor(OBJECT_GRAPH_KEY).item())
    except DecodeError as error:
        raise ValueError(f"The object graph of the checkpoint is damaged: {error}.") from None
    todo, seen, found = [(0, 0)], {0}, {}
    for number, place in todo:
        if not 0 <= place < len(kept.nodes):
            raise ValueError("The object graph of the checkpoint is damaged: an object leads to none.")
        found[number] = {a.name: a.checkpoint_key for a in kept.nodes[place].attributes}
        below = {child.local_name: child.node_id for child in kept.nodes[place].children}
        for child in graph.nodes[number].children:
            if child.local_name in below and child.node_id not in seen:
                seen.add(child.node_id)
                todo.append((child.node_id, below[child.local_name]))
    return found
