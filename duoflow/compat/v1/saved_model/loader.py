"""`tf.compat.v1.saved_model.loader`: a SavedModel into a session."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import Any

import numpy as np

from duoflow.formats.messages import MetaGraphDef
from duoflow.saved_model import constants as names
from duoflow.saved_model.files import asset_path, chosen_meta_graph, contains_saved_model, read_saved_model
from duoflow.saved_model.loader import graph_without_saving, saved_values

from ..meta_graph import restore_graph

__all__ = ["load", "maybe_saved_model_directory"]


def maybe_saved_model_directory(export_dir: Any) -> bool:
    """Whether a folder may hold a SavedModel."""
    return contains_saved_model(export_dir)


def load(sess: Any, tags: Sequence[str], export_dir: Any, import_scope: str | None = None, **saver_kwargs: Any) -> Any:
    """Add a SavedModel's graph to a session's, give its variables their values and run its initializer.

    Args:
      sess: the session. tags: of the graph. export_dir: the folder.
      import_scope: a prefix of the new names.

    Returns the `MetaGraphDef`, with the signatures. Raises as `tf.saved_model.load`.

    TensorFlow: tf.compat.v1.saved_model.load.
    """
    meta = chosen_meta_graph(read_saved_model(export_dir), tags)
    graph = sess.graph
    serving = MetaGraphDef.FromString(meta.SerializeToString())
    serving.graph_def.CopyFrom(graph_without_saving(meta))
    paths = {a.tensor_info.name: os.fspath(asset_path(export_dir, a.filename)) for a in meta.asset_file_def}
    for tensor, path in paths.items():
        _point(serving.graph_def, tensor.partition(":")[0], path)
    first = len(graph.nodes)
    with graph.as_default():
        restore_graph(serving, import_scope=import_scope)
    value, prefix = saved_values(export_dir, meta), f"{import_scope}/" if import_scope else ""
    for node in graph.nodes[first:]:
        if node.op.name == "VarHandleOp":
            found = value(node.name.removeprefix(prefix), node.attrs["shared_name"])
            if found is not None:
                sess._state(node).write(np.asarray(found))
    present = {node.name for node in serving.graph_def.node}
    feeds = {prefix + tensor: path for tensor, path in paths.items() if tensor.partition(":")[0] in present}
    for name in _initializers(serving):
        if name in present:
            sess.run(graph.get_operation_by_name(prefix + name), feeds)
    return meta


def _point(definition: Any, name: str, path: str) -> None:
    """Let the constant of an asset's path say where the asset is now."""
    for node in definition.node:
        if node.name == name and node.op == "Const":
            node.attr["value"].tensor.string_val[:] = [path.encode()]


def _initializers(meta: Any) -> list[str]:
    """The names of the operations that run after loading."""
    wanted = []
    if names.INIT_OP_SIGNATURE_KEY in meta.signature_def:
        wanted.append(meta.signature_def[names.INIT_OP_SIGNATURE_KEY].outputs[names.INIT_OP_SIGNATURE_KEY].name)
    for key in (names.MAIN_OP_KEY, names.LEGACY_INIT_OP_KEY):
        wanted += meta.collection_def[key].node_list.value if key in meta.collection_def else []
    return list(dict.fromkeys(name.partition(":")[0] for name in wanted))
