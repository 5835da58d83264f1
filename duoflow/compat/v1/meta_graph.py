"""Graphs with their collections in files: `.meta` files and `write_graph`."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from duoflow.core.graph import Graph, get_default_graph
from duoflow.core.tensor import GraphTensor
from duoflow.core.variables import Variable
from duoflow.core.version import COMPATIBLE_WITH
from duoflow.formats.messages import CollectionDef, GraphDef, MetaGraphDef, SaveSliceInfoDef, VariableDef
from duoflow.formats.wire import DecodeError
from duoflow.trace.graph_def import graph_to_def, import_graph_def

from .partitions import SaveSliceInfo, slice_info
from .references import reference_names, without_references
from .variables import VariableV1

__all__ = ["export_meta_graph", "read_meta_graph", "restore_graph", "write_graph"]

#: What saves and restores in TensorFlow's own graphs, and needs no counterpart.
_SAVING = frozenset({"SaveV2", "RestoreV2", "MergeV2Checkpoints", "ShardedFilename"})


def write_graph(graph_or_graph_def: Any, logdir: Any, name: str, as_text: bool = True) -> str:
    """Write a graph as a protocol buffer, in text or binary form; returns the path.

    TensorFlow: tf.io.write_graph.
    """
    definition = graph_to_def(graph_or_graph_def) if isinstance(graph_or_graph_def, Graph) else graph_or_graph_def
    Path(logdir).mkdir(parents=True, exist_ok=True)
    path = os.path.join(os.fspath(logdir), name)
    data = str(definition).encode() if as_text else definition.SerializeToString()
    Path(path).write_bytes(data)
    return path


def export_meta_graph(
    filename: Any = None, meta_info_def: Any = None, graph_def: Any = None, saver_def: Any = None,
    collection_list: Any = None, as_text: bool = False, graph: Any = None, export_scope: str | None = None,
    clear_devices: bool = False, clear_extraneous_savers: bool = False, strip_default_attrs: bool = False,
    save_debug_info: bool = False, **kwargs: Any,
) -> Any:  # fmt: skip
    """The graph, its variables and its collections of names as a `MetaGraphDef`, written to a file if one is named.

    TensorFlow: tf.compat.v1.train.export_meta_graph.
    """
    graph = graph or get_default_graph()
    meta = MetaGraphDef(graph_def=graph_def or graph_to_def(graph), saver_def=saver_def, meta_info_def=meta_info_def)
    meta.meta_info_def.tensorflow_version = COMPATIBLE_WITH
    for key in graph.get_all_collection_keys() if collection_list is None else collection_list:
        found = _collection_def(graph.get_collection(key))
        if found is not None and isinstance(key, str):
            meta.collection_def[key] = found
    if clear_devices:
        for node in meta.graph_def.node:
            node.device = ""
    if filename is not None:
        Path(filename).write_bytes(str(meta).encode() if as_text else meta.SerializeToString())
    return meta


def _collection_def(items: list[Any]) -> Any:
    """A collection of variables or of a graph's elements as a message; None for others."""
    if not items:
        return None
    out = CollectionDef()
    for item in items:
        if isinstance(item, Variable) and item._graph is not None:
            out.bytes_list.value.append(_variable_def(item).SerializeToString())
        elif hasattr(item, "name") and (isinstance(item, GraphTensor) or hasattr(item, "op")):
            out.node_list.value.append(item.name)
        else:
            return None
    return out if len(out.ListFields()) == 1 else None


def _variable_def(variable: Variable) -> Any:
    out = VariableDef(
        variable_name=variable.name, initializer_name=variable.initializer.name,
        snapshot_name=variable._cached.name, is_resource=True, trainable=variable.trainable,
        initial_value_name=variable.initial_value.name,
    )  # fmt: skip
    part = slice_info(variable)
    if part is not None:
        out.save_slice_info_def.CopyFrom(SaveSliceInfoDef(**part._asdict()))
    return out


def read_meta_graph(meta_graph_or_file: Any) -> Any:
    """A `MetaGraphDef`, from a file if need be; `OSError` or `ValueError` if there is none in it."""
    if isinstance(meta_graph_or_file, MetaGraphDef):
        return meta_graph_or_file
    if hasattr(meta_graph_or_file, "SerializeToString"):
        return MetaGraphDef.FromString(meta_graph_or_file.SerializeToString())
    path = Path(meta_graph_or_file)
    if not path.is_file():
        raise OSError(f"File {path} does not exist.")
    try:
        return MetaGraphDef.FromString(path.read_bytes())
    except DecodeError as error:
        raise ValueError(f"Cannot parse file {path}: {error}.") from None


def restore_graph(
    meta: Any, clear_devices: bool = False, import_scope: str | None = None, input_map: Any = None, **kwargs: Any
) -> None:
    """Add a meta graph's nodes, variables and collections to the default graph."""
    definition = _without_saving(meta.graph_def)
    references = reference_names(definition)
    definition = without_references(definition)
    if clear_devices:
        for node in definition.node:
            node.device = ""
    graph = get_default_graph()
    import_graph_def(definition, input_map, name=import_scope or "")
    prefix = f"{import_scope}/" if import_scope else ""
    made: dict[str, Variable] = {}
    for key, collection in sorted(meta.collection_def.items()):
        if collection.WhichOneof("kind") == "bytes_list":
            for data in collection.bytes_list.value:
                variable = _variable(graph, prefix, data, made, references)
                if variable is not None:
                    graph.add_to_collection(key, variable)
        elif collection.WhichOneof("kind") == "node_list":
            for name in collection.node_list.value:
                if name.partition(":")[0] in {n.name for n in definition.node}:
                    graph.add_to_collection(key, graph.as_graph_element(prefix + name))


def _without_saving(definition: Any) -> Any:
    """The graph without the nodes that save and restore, and all that needs them."""
    gone: set[str] = set()
    kept = []
    for node in definition.node:
        sources = {i.removeprefix("^").partition(":")[0] for i in node.input}
        if node.op in _SAVING or sources & gone:
            gone.add(node.name)
        else:
            kept.append(node)
    return GraphDef(node=kept, library=definition.library, versions=definition.versions)


def _variable(
    graph: Graph, prefix: str, data: bytes, made: dict[str, Variable], references: set[str]
) -> Variable | None:
    """A variable over nodes that exist; None if the message describes none."""
    try:
        proto = VariableDef.FromString(data)
    except DecodeError:
        return None
    reference = proto.variable_name.partition(":")[0] in references
    if not proto.variable_name or not (proto.is_resource or reference):
        return None
    if proto.variable_name not in made:
        initializer = graph.get_operation_by_name(prefix + proto.initializer_name)
        write = graph.get_operation_by_name(f"{initializer.name}/write") if reference else initializer
        handle = write.inputs[0]
        variable = VariableV1.__new__(VariableV1)
        attrs = handle.node.attrs  # type: ignore[attr-defined]
        variable._adopt(
            graph, prefix + proto.variable_name, handle, attrs, initializer, write.inputs[1],
            graph.get_tensor_by_name(prefix + proto.snapshot_name), proto.trainable,
        )  # fmt: skip
        if proto.HasField("save_slice_info_def"):
            part = proto.save_slice_info_def
            shape, offset, size = list(part.full_shape), list(part.var_offset), list(part.var_shape)
            variable._save_slice_info = SaveSliceInfo(prefix + part.full_name, shape, offset, size)
        made[proto.variable_name] = variable
    return made[proto.variable_name]
