"""`tf.saved_model.save`: objects, their functions and their variables as a folder that runs without the program.

    saved_model.pb    a MetaGraphDef: functions as a library, objects with the names that lead to them, signatures
    variables/        a checkpoint
    assets/           files that functions read
    fingerprint.pb    hashes of the parts

The folder is written beside its place and moved there; in a folder that exists, saved_model.pb is replaced last.
"""

from __future__ import annotations

import hashlib
import logging
import os
import shutil
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from duoflow.core.context import context
from duoflow.core.graph import Graph
from duoflow.core.tensor import EagerTensor
from duoflow.core.trackable import Trackable
from duoflow.core.version import COMPATIBLE_WITH
from duoflow.formats.bundle import write_bundle
from duoflow.formats.messages import AssetFileDef, SavedModel, TrackableObjectGraph
from duoflow.formats.saved_objects import SavedConcreteFunction
from duoflow.formats.wire import Field, Message
from duoflow.ops.checkpoint import OBJECT_GRAPH_KEY, escaped, mark_values
from duoflow.trace.concrete import ConcreteFunction
from duoflow.trace.function import Function
from duoflow.trace.graph_def import PRODUCER, Library

from . import constants as names
from .asset import Asset
from .graphs import GraphWriter
from .objects import Objects, functions_of, state_of, variable_name
from .options import SaveOptions
from .restored import RestoredFunction
from .signatures import canonical, default_signature
from .structures import encoded

__all__ = ["save", "write_folder"]

_logger = logging.getLogger("tensorflow")


def save(obj: Any, export_dir: Any, signatures: Any = None, options: SaveOptions | None = None) -> None:
    """Write an object with its functions and variables as a SavedModel.

    Args:
      obj: a `tf.Module`, Keras model or other trackable object. Its `tf.function`s are written as far as they were
        traced, or have an `input_signature`.
      export_dir: the folder.
      signatures: a function, or a dict of functions by name, that serve the model: a `tf.function` with an
        `input_signature` or a concrete function. By default the one function of `obj` that can be one.
      options: see `tf.saved_model.SaveOptions`.

    Raises:
      ValueError: if `obj` is not trackable, or a function holds what no file can.
      AssertionError: if a function uses a variable that is no part of `obj`.

    >>> import tempfile
    >>> m = tf.Module()
    >>> m.v = tf.Variable(2.0)
    >>> m.f = tf.function(lambda x: x * m.v, input_signature=[tf.TensorSpec([], tf.float32)])
    >>> path = tempfile.mkdtemp() + "/model"
    >>> tf.saved_model.save(m, path)
    >>> float(tf.saved_model.load(path).f(tf.constant(3.0)))
    6.0

    TensorFlow: tf.saved_model.save.
    """
    if context.graph is not None:
        raise AssertionError("tf.saved_model.save is not supported inside a traced @tf.function. Move the call to the "
                             "outer eagerly-executed context.")  # fmt: skip
    if not isinstance(obj, Trackable):
        raise ValueError(
            "Expected an object of type `Trackable`, such as `tf.Module` or a subclass of the `Trackable` class, for "
            f"export. Got {obj} with type {type(obj)}."
        )
    if signatures is None:
        signatures = default_signature(functions_of(obj))
    writer = _Writer(obj, canonical(signatures), options or SaveOptions())
    write_folder(export_dir, writer.write)


class _Writer:
    """Writes one object."""

    def __init__(self, root: Any, signatures: Mapping[str, ConcreteFunction], options: SaveOptions) -> None:
        self._signatures = signatures
        self._traces = {number: _traces_of(v) for number, v in enumerate(Objects(root, signatures).values)}
        self._objects = Objects(root, signatures)  # tracing may have made variables
        self._model = SavedModel(saved_model_schema_version=names.SAVED_MODEL_SCHEMA_VERSION)
        self._meta = self._model.meta_graphs.add()
        self._graph = GraphWriter(self._meta)
        self._names: dict[int, str] = {}
        self._concrete: dict[str, Any] = {}
        self._options = options

    def write(self, folder: Path) -> None:
        """Write the files into an empty folder."""
        meta, objects = self._meta, self._objects
        meta.meta_info_def.tags.extend([names.SERVING, *sorted(self._options.extra_tags or ())])
        meta.meta_info_def.tensorflow_version = COMPATIBLE_WITH
        meta.graph_def.versions.producer = PRODUCER
        by_function, captured = self._functions()
        for number, value in objects.states().items():
            state = state_of(value)
            self._graph.variable(number, variable_name(value), state.dtype, state.shape)
        assets = self._assets(folder)
        constants = {n: self._constant(n, v) for n, v in enumerate(objects.values) if isinstance(v, EagerTensor)}
        nodes = constants | {n: name for n, (_, name) in assets.items()}
        for key, function in self._signatures.items():
            found = [nodes.get(n, n) for n in captured[id(function)]]
            self._graph.signature(key, function, self._names[id(function)], found)
        keys = self._checkpoint(folder)
        self._graph.saver({n: (key, state_of(objects.values[n]).dtype) for n, key in keys.items()})
        self._graph.initializer()
        graph = objects.graph(by_function, {n: place for n, (place, _) in assets.items()}, constants)
        graph.concrete_functions.update(self._concrete)
        meta.object_graph_def = graph.SerializeToString()
        for alias, function in (self._options.function_aliases or {}).items():
            for trace in _traces_of(function):
                meta.meta_info_def.function_aliases[self._names[id(trace)]] = alias
        data = self._model.SerializeToString()
        (folder / names.SAVED_MODEL_FILENAME_PB).write_bytes(data)
        (folder / names.FINGERPRINT_FILENAME).write_bytes(_fingerprint(data, meta))

    def _functions(self) -> tuple[dict[int, list[str]], dict[int, list[int]]]:
        """Write the traces; returns their names by function, and what each captures."""
        library = Library(self._meta.graph_def.library, strict=True)
        by_function: dict[int, list[str]] = {}
        captured: dict[int, list[int]] = {}
        for number, value in enumerate(list(self._objects.values)):
            for trace in _traces_of(value):
                if id(trace) not in self._names:
                    captured[id(trace)] = [self._objects.captured(t, number, trace) for t in trace.captured_inputs]
                    self._names[id(trace)] = library.name_of(trace.graph)
                    self._concrete[self._names[id(trace)]] = _signature_of(trace, captured[id(trace)])
                    if _has_own_gradient(trace.graph):
                        _logger.warning(
                            "%s uses tf.custom_gradient, which is not written: the function that is loaded will be "
                            "differentiated by what it does.",
                            trace.name,
                        )
                by_function.setdefault(number, []).append(self._names[id(trace)])
            if isinstance(value, Function | RestoredFunction):
                by_function.setdefault(number, [])
        return by_function, captured

    def _constant(self, number: int, value: EagerTensor) -> str:
        return self._graph.constant(value._array, f"Const_{number}")

    def _assets(self, folder: Path) -> dict[int, tuple[int, str]]:
        """Copy the files; returns the place and the node of each."""
        out: dict[int, tuple[int, str]] = {}
        taken: set[str] = set()
        for number, value in enumerate(self._objects.values):
            if not isinstance(value, Asset):
                continue
            path = Path(value.asset_path._array.item().decode())
            if not path.is_file():
                raise ValueError(f"The asset {os.fspath(path)!r} is not a file.")
            name, count = path.name, 0
            while name in taken:
                count += 1
                name = f"{path.name}_{count}"
            taken.add(name)
            (folder / names.ASSETS_DIRECTORY).mkdir(exist_ok=True)
            shutil.copyfile(path, folder / names.ASSETS_DIRECTORY / name)
            node = self._graph.constant(value.asset_path._array, f"asset_path_{number}")
            out[number] = len(out), node
            info = {"name": f"{node}:0", "dtype": value.asset_path.dtype.as_datatype_enum, "tensor_shape": {}}
            self._meta.asset_file_def.append(AssetFileDef(filename=name, tensor_info=info))
        return out

    def _checkpoint(self, folder: Path) -> dict[int, str]:
        """Write the variables; returns their keys by number."""
        objects, tensors, keys = self._objects, {}, {}
        graph = TrackableObjectGraph()
        saveables = objects.saveables()
        for number, parts in enumerate(objects.parts):
            node, value = graph.nodes.add(), objects.values[number]
            node.children.extend([{"node_id": part, "local_name": name} for name, part in parts.items()])
            if isinstance(value, Function | ConcreteFunction | EagerTensor):
                continue
            path = "/".join([*map(escaped, objects.paths[number]), ".ATTRIBUTES"])
            if number in saveables:
                key = f"{path}/{value._saved_as}"
                node.attributes.add(name=value._saved_as, checkpoint_key=key)
                tensors[key] = np.array(value._save(), object)
            elif number in objects.states():
                keys[number] = f"{path}/VARIABLE_VALUE"
                node.attributes.add(name="VARIABLE_VALUE", full_name=variable_name(value), checkpoint_key=keys[number])
                tensors[keys[number]] = state_of(value).read()
        mark_values(objects.parts, graph)
        tensors[OBJECT_GRAPH_KEY] = np.array(graph.SerializeToString(), object)
        (folder / names.VARIABLES_DIRECTORY).mkdir()
        write_bundle(os.fspath(folder / names.VARIABLES_DIRECTORY / names.VARIABLES_FILENAME), tensors)
        return keys


def _has_own_gradient(graph: Graph) -> bool:
    return any(n.op.name == "CustomGradient" or any(map(_has_own_gradient, n.subgraphs)) for n in graph.nodes)


def _traces_of(value: Any) -> list[ConcreteFunction]:
    """The traces of a function; none for another object."""
    if isinstance(value, ConcreteFunction):
        return [value]
    if isinstance(value, RestoredFunction):
        return value.concrete_functions
    if not isinstance(value, Function):
        return []
    if value.input_signature is not None:
        value.get_concrete_function()
    return [trace.concrete for trace in value._traces]


def _signature_of(trace: ConcreteFunction, captured: list[int]) -> Any:
    signature = trace.structured_input_signature
    try:
        given, result = encoded(signature), encoded(trace.structured_outputs)
    except ValueError as error:
        raise ValueError(f"Function {trace.name!r} cannot be saved: {error}") from None
    return SavedConcreteFunction(bound_inputs=captured, canonicalized_input_signature=given, output_signature=result)


# -- files -------------------------------------------------------------------------------------------------------------


class _Fingerprint(Message):
    """What fingerprint.pb holds: hashes by which two models are told apart."""

    saved_model_checksum = Field(1, "uint64")
    graph_def_program_hash = Field(2, "uint64")
    signature_def_hash = Field(3, "uint64")
    saved_object_graph_hash = Field(4, "uint64")
    version = Field(6, "bytes")


def _fingerprint(data: bytes, meta: Any) -> bytes:
    signatures = b"".join(meta.signature_def[key].SerializeToString() for key in sorted(meta.signature_def))
    parts = (data, meta.graph_def.SerializeToString(), signatures, meta.object_graph_def)
    hashes = [int.from_bytes(hashlib.blake2b(part, digest_size=8).digest(), "little") for part in parts]
    fields = ("saved_model_checksum", "graph_def_program_hash", "signature_def_hash", "saved_object_graph_hash")
    out: bytes = _Fingerprint(**dict(zip(fields, hashes, strict=True)), version=b"\x08\x03").SerializeToString()
    return out


def write_folder(export_dir: Any, write: Any) -> None:
    """Let `write` fill a folder beside the place of the new one, and move it there when it is whole."""
    target = Path(os.path.abspath(os.fspath(export_dir)))
    target.parent.mkdir(parents=True, exist_ok=True)
    part = target.with_name(f"{target.name}.part-{os.getpid()}-{time.monotonic_ns()}")
    part.mkdir()
    try:
        write(part)
        if not target.exists():
            os.rename(part, target)
            return
        for path in sorted(part.rglob("*"), key=lambda p: p.name == names.SAVED_MODEL_FILENAME_PB):
            place = target / path.relative_to(part)
            if path.is_dir():
                place.mkdir(exist_ok=True)
            else:
                os.replace(path, place)
    finally:
        shutil.rmtree(part, ignore_errors=True)
