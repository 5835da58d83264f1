"""`tf.saved_model.load`: the objects of a SavedModel, without the program that wrote it.

Variables get their values from the checkpoint; functions are read when they are first called (see restored.py).
"""

from __future__ import annotations

from typing import Any

import numpy as np

from duoflow.core import shapes
from duoflow.core.context import entered
from duoflow.core.shapes import Dims
from duoflow.core.tensor import EagerTensor
from duoflow.core.trackable import Trackable
from duoflow.core.variables import Variable, VariableAggregation, VariableSynchronization
from duoflow.formats.bundle import BundleReader
from duoflow.formats.tensors import array_of, dims_of, dtype_of
from duoflow.trace.graph_def import Functions

from .asset import Asset
from .files import asset_path, chosen_meta_graph, object_graph_of, read_saved_model, value_keys, variables_reader
from .loader import load_as_function
from .options import LoadOptions
from .restored import RestoredFunction, Traces, parameters_of
from .signatures import SignatureMap

__all__ = ["UserObject", "load"]

#: A variable of more elements than this that has no value in the checkpoint is refused.
_MOST_ZEROS = 1 << 28


class UserObject(Trackable):
    """An object of a loaded model: the parts that the file gives it, as attributes.

    It can be called if the object that was saved could be called as a tf.function.
    """

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        function = self.__dict__.get("__call__")
        if function is None:
            callable_parts = sorted(k for k, v in vars(self).items() if isinstance(v, RestoredFunction))
            raise TypeError(
                "'_UserObject' object is not callable: what was saved has no traced __call__. Call one of its "
                f"functions {callable_parts}, or its signatures."
            )
        return function(*args, **kwargs)


def load(export_dir: Any, tags: Any = None, options: LoadOptions | None = None) -> Any:
    """Read a SavedModel: an object with the variables, functions and signatures of the one that was saved.

    Args:
      export_dir: the folder.
      tags: which of several graphs; not needed if there is one.
      options: see `tf.saved_model.LoadOptions`.

    Raises:
      OSError: if there is no SavedModel.
      ValueError: if it is damaged, holds what is not known here, or reaches out of its folder.

    TensorFlow: tf.saved_model.load.
    """
    options = options or LoadOptions()
    meta = chosen_meta_graph(read_saved_model(export_dir), tags)
    with entered(graph=None, tapes=(), control=(), scope=""):
        if not meta.object_graph_def:
            return load_as_function(export_dir, meta)
        root = _Loader(export_dir, meta, options).root()
    if isinstance(root, UserObject):
        root.__dict__["tensorflow_version"] = meta.meta_info_def.tensorflow_version
        root.__dict__["tags"] = list(meta.meta_info_def.tags)
    return root


class _Loader:
    """Makes the objects of one SavedModel."""

    def __init__(self, export_dir: Any, meta: Any, options: LoadOptions) -> None:
        self._dir, self._meta, self._options = export_dir, meta, options
        self._graph = object_graph_of(meta)
        self._reader = None if options.experimental_skip_checkpoint else variables_reader(export_dir)
        self._keys = value_keys(self._graph, self._reader)
        self._constants = {n.name: n.attr["value"].tensor for n in meta.graph_def.node if n.op == "Const"}
        self._functions = Functions(meta.graph_def.library)
        self._traces = Traces(self._functions, dict(self._graph.concrete_functions), self._captured)
        self._names = _names_of(self._graph)
        self._objects: dict[int, Any] = {}

    def root(self) -> Any:
        """The first object, with all that it leads to."""
        if not self._graph.nodes:
            raise ValueError("The SavedModel has no objects.")
        for number, node in enumerate(self._graph.nodes):
            self._objects[number] = self._made(number, node)
        for number, node in enumerate(self._graph.nodes):
            owner = self._objects[number]
            for child in node.children:
                _set(owner, child.local_name, self._objects[child.node_id])
        return self._objects[0]

    def _captured(self, number: int) -> Any:
        value = self._objects[number]
        if isinstance(value, Asset):
            return value.asset_path
        if not isinstance(value, Variable | EagerTensor):
            raise ValueError(f"A function of the SavedModel captures a {type(value).__name__}, which is not read here.")
        return value

    def _made(self, number: int, node: Any) -> Any:
        kind = node.WhichOneof("kind")
        if kind == "variable":
            return self._variable(number, node.variable)
        if kind == "constant":
            if node.constant.operation not in self._constants:
                raise ValueError(f"The SavedModel has no constant {node.constant.operation!r}.")
            return EagerTensor(array_of(self._constants[node.constant.operation]))
        if kind == "asset":
            return self._asset(node.asset)
        if kind == "function":
            function = node.function
            return RestoredFunction(
                self._names[number], function.concrete_functions, function.function_spec, self._traces
            )
        if kind == "bare_concrete_function":
            return _Bare(self._traces, node.bare_concrete_function)
        return _user_object(node.user_object.identifier if kind == "user_object" else "")

    def _asset(self, proto: Any) -> Asset:
        files = self._meta.asset_file_def
        if not 0 <= proto.asset_file_def_index < len(files):
            raise ValueError(f"The SavedModel has no asset {proto.asset_file_def_index}.")
        return Asset(asset_path(self._dir, files[proto.asset_file_def_index].filename))

    def _variable(self, number: int, proto: Any) -> Variable:
        dtype, dims = dtype_of(proto.dtype), dims_of(proto.shape)
        key = self._keys.get(number, {}).get("VARIABLE_VALUE")
        value = self._value(key, dims, dtype, proto.name)
        made = Variable(
            value, trainable=proto.trainable, name=proto.name or None, dtype=dtype, shape=dims,
            synchronization=VariableSynchronization(proto.synchronization),
            aggregation=VariableAggregation(proto.aggregation),
        )  # fmt: skip
        return made

    def _value(self, key: str | None, dims: Dims, dtype: Any, name: str) -> Any:
        reader: BundleReader | None = self._reader
        if key is None or reader is None:
            skipped = self._options.allow_partial_checkpoint or self._options.experimental_skip_checkpoint
            count = shapes.num_elements(dims)
            if not skipped or count is None or count > _MOST_ZEROS:
                raise ValueError(f"Variable {name!r} has no value in the SavedModel's checkpoint.")
            return np.zeros(dims, dtype.numpy)
        value = reader.get_tensor(key)
        if not shapes.compatible(dims, value.shape) or dtype_of(_number(value)) is not dtype:
            raise ValueError(
                f"Variable {name!r} is {dtype.name} of shape {shapes.show(dims)}, its value in the checkpoint "
                f"{value.dtype} of shape {value.shape}."
            )
        return value


class _Bare:
    """A trace that is read when it is asked for."""

    def __init__(self, traces: Traces, proto: Any) -> None:
        self._traces, self._proto = traces, proto

    def __call__(self) -> Any:
        """The trace."""
        proto = self._proto
        return self._traces.get(
            proto.concrete_function_name, parameters_of(proto.function_spec), proto.argument_keywords
        )


def _number(array: Any) -> int:
    return EagerTensor(array).dtype.as_datatype_enum


def _user_object(identifier: str) -> Any:
    made: dict[str, Any] = {
        "signature_map": SignatureMap, "trackable_list_wrapper": list, "trackable_dict_wrapper": dict,
        "trackable_tuple_wrapper": list,
    }  # fmt: skip
    return made.get(identifier, UserObject)()


def _set(owner: Any, name: str, value: Any) -> None:
    """Give an object one of its parts."""
    if isinstance(owner, SignatureMap):
        owner._add(name, value)
        return
    if isinstance(value, _Bare):
        if isinstance(owner, RestoredFunction):
            return  # it has its traces by name
        value = value()
    if isinstance(owner, list):
        owner.append(value)
    elif isinstance(owner, dict):
        owner[name] = value
    elif isinstance(owner, UserObject):
        owner.__dict__[name] = value


def _names_of(graph: Any) -> dict[int, str]:
    """The last name on the way to each object."""
    return {child.node_id: child.local_name for node in graph.nodes[::-1] for child in node.children}
