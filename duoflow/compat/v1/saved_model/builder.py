"""`SavedModelBuilder`: the graph and the variables of a session as a SavedModel."""

from __future__ import annotations

import os
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from duoflow.core.errors import FailedPreconditionError
from duoflow.core.graph import get_default_graph
from duoflow.core.variables import Variable
from duoflow.core.version import COMPATIBLE_WITH
from duoflow.formats.bundle import write_bundle
from duoflow.formats.messages import AssetFileDef, SavedModel
from duoflow.saved_model import constants as names
from duoflow.saved_model.graphs import GraphWriter
from duoflow.saved_model.save import write_folder
from duoflow.trace.graph_def import graph_to_def

from ..meta_graph import export_meta_graph
from ..modes import GraphKeys, get_collection, global_variables
from .signature_def_utils import predict_signature_def
from .utils import build_tensor_info

__all__ = ["SavedModelBuilder", "simple_save"]


class SavedModelBuilder:
    """Writes graphs, and the values that their variables have in a session, as a SavedModel.

    Args:
      export_dir: a folder that does not exist yet, or is empty.

    Raises `AssertionError` if there is something in the folder.

    TensorFlow: tf.compat.v1.saved_model.Builder.
    """

    def __init__(self, export_dir: Any) -> None:
        self._dir = Path(export_dir)
        self._model = SavedModel(saved_model_schema_version=names.SAVED_MODEL_SCHEMA_VERSION)
        self._values: dict[str, Any] | None = None
        self._assets: dict[str, str] = {}
        if self._dir.exists() and any(self._dir.iterdir()):
            raise AssertionError(
                f"Export directory {self._dir} already exists, and isn't empty. Please choose a different export "
                "directory, or delete all the contents of the specified directory."
            )

    def add_meta_graph_and_variables(
        self, sess: Any, tags: Sequence[str], signature_def_map: Mapping[str, Any] | None = None,
        assets_list: Any = None, clear_devices: bool = False, init_op: Any = None, train_op: Any = None,
        strip_default_attrs: bool = False, saver: Any = None,
    ) -> None:  # fmt: skip
        """Add the session's graph, and the values of its variables; the first graph is added with this.

        Args:
          sess: the session. tags: of this graph. signature_def_map: signatures by name.
          assets_list: tensors of the paths of files that go along. init_op: what runs after loading.
          clear_devices: forget devices. train_op: kept under its key.
          strip_default_attrs, saver: accepted: all attributes are written, all variables are saved.
        """
        if self._values is not None:
            raise AssertionError("Graph state including variables and assets has already been saved. Please invoke "
                                 "`add_meta_graph()` instead.")  # fmt: skip
        variables = _saved_variables()
        values = sess.run(variables) if variables else []
        self._values = {v._shared_name: value for v, value in zip(variables, values, strict=True)}
        self._add(tags, signature_def_map, assets_list, clear_devices, init_op, train_op)

    def add_meta_graph(
        self, tags: Sequence[str], signature_def_map: Mapping[str, Any] | None = None, assets_list: Any = None,
        clear_devices: bool = False, init_op: Any = None, train_op: Any = None, strip_default_attrs: bool = False,
        saver: Any = None,
    ) -> None:  # fmt: skip
        """Add the default graph, whose variables have the values that were added before."""
        if self._values is None:
            raise AssertionError("Graph state including variables and assets has not been saved yet. Please invoke "
                                 "`add_meta_graph_and_variables()` first.")  # fmt: skip
        self._add(tags, signature_def_map, assets_list, clear_devices, init_op, train_op)

    def _add(
        self, tags: Sequence[str], signatures: Mapping[str, Any] | None, assets: Any, clear_devices: bool,
        init_op: Any, train_op: Any,
    ) -> None:  # fmt: skip
        graph = get_default_graph()
        definition = graph_to_def(graph, add_shapes=True, strict=True)
        _name_handles(definition)
        meta = export_meta_graph(graph=graph, graph_def=definition, clear_devices=clear_devices)
        meta.meta_info_def.tags.extend(tags)
        meta.meta_info_def.tensorflow_version = COMPATIBLE_WITH
        for key, proto in (signatures or {}).items():
            if key == names.INIT_OP_SIGNATURE_KEY:
                raise KeyError(
                    f'SignatureDef map key "{key}" is reserved for initialization. Please use a different key.'
                )
            meta.signature_def[key] = proto
        for tensor in assets or ():
            self._add_asset(meta, tensor)
        writer = GraphWriter(meta)
        variables = dict(enumerate(_saved_variables()))
        for number, v in variables.items():
            writer.adopt(number, v._shared_name)
        writer.saver({number: (v._shared_name, v.dtype) for number, v in variables.items()})
        writer.initializer([init_op.name] if init_op is not None else [])
        if train_op is not None:
            meta.collection_def[names.TRAIN_OP_KEY].node_list.value.append(train_op.name)
        self._model.meta_graphs.append(meta)

    def _add_asset(self, meta: Any, tensor: Any) -> None:
        value = tensor.spec.array
        if value is None:
            raise TypeError(f"Asset {tensor!r} must be a constant string tensor.")
        path = value.item().decode()
        self._assets[os.path.basename(path)] = path
        meta.asset_file_def.append(AssetFileDef(filename=os.path.basename(path), tensor_info=build_tensor_info(tensor)))

    def save(self, as_text: bool = False, experimental_image_format: bool = False,
             experimental_image_writer_options: Any = None) -> str:  # fmt: skip
        """Write the SavedModel; returns the path of its file.

        as_text: write saved_model.pbtxt instead, which TensorFlow reads and duoflow does not.
        """
        write_folder(self._dir, lambda folder: self._write(folder, as_text))
        return os.fspath(self._dir / (names.SAVED_MODEL_FILENAME_PBTXT if as_text else names.SAVED_MODEL_FILENAME_PB))

    def _write(self, folder: Path, as_text: bool) -> None:
        if self._values:
            (folder / names.VARIABLES_DIRECTORY).mkdir()
            write_bundle(os.fspath(folder / names.VARIABLES_DIRECTORY / names.VARIABLES_FILENAME), self._values)
        for name, path in self._assets.items():
            (folder / names.ASSETS_DIRECTORY).mkdir(exist_ok=True)
            shutil.copyfile(path, folder / names.ASSETS_DIRECTORY / name)
        if as_text:
            (folder / names.SAVED_MODEL_FILENAME_PBTXT).write_text(str(self._model), encoding="utf-8")
        else:
            (folder / names.SAVED_MODEL_FILENAME_PB).write_bytes(self._model.SerializeToString())


def _saved_variables() -> list[Variable]:
    found = [*global_variables(), *get_collection(GraphKeys.SAVEABLE_OBJECTS)]
    strange = [v for v in found if not isinstance(v, Variable)]
    if strange:
        raise FailedPreconditionError(f"{strange[0]!r} cannot be saved in a SavedModel: only variables can.").here()
    return found


def _name_handles(definition: Any) -> None:
    """Call the handle of a variable by its name, as TensorFlow does."""
    taken = {node.name for node in definition.node}
    names_now = {}
    for node in definition.node:
        name = node.attr["shared_name"].s.decode() if node.op == "VarHandleOp" else ""
        if name and name not in taken:
            names_now[node.name] = name
            node.name = name
            taken.add(name)
    for node in definition.node:
        node.input[:] = [names_now.get(i, i) for i in node.input]


def simple_save(
    session: Any, export_dir: Any, inputs: Mapping[str, Any], outputs: Mapping[str, Any], legacy_init_op: Any = None
) -> None:
    """Write a session's graph with one signature. TensorFlow: tf.compat.v1.saved_model.simple_save."""
    builder = SavedModelBuilder(export_dir)
    signatures = {names.DEFAULT_SERVING_SIGNATURE_DEF_KEY: predict_signature_def(inputs, outputs)}
    with session.graph.as_default():
        builder.add_meta_graph_and_variables(
            session, [names.SERVING], signature_def_map=signatures, init_op=legacy_init_op, clear_devices=True
        )
    builder.save()
