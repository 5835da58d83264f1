"""A graph as a `GraphDef`."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np

from duoflow.core.dtypes import DType
from duoflow.core.graph import Graph, Node
from duoflow.core.record import Literal
from duoflow.core.shapes import TensorShape
from duoflow.core.tensor import GraphTensor
from duoflow.formats.messages import AttrValue, FunctionDef, GraphDef, NodeDef
from duoflow.formats.tensors import shape_proto, tensor_proto

from .forms import INT32, Form, form_of

__all__ = ["graph_to_def", "node_to_def"]

_PRODUCER = 2286  # the version of graphs that TensorFlow 2.21 writes
_PHILOX = 1
#: Attributes that hold a shape rather than a list of numbers.
_SHAPES = frozenset({"shape", "element_shape"})
OPAQUE = "_python_object"


def graph_to_def(graph: Graph, add_shapes: bool = False, nodes: Iterable[Node] | None = None) -> Any:
    """The nodes of a graph in TensorFlow's terms.

    Python objects among the attributes (functions of `py_func`, queues) are only named: such nodes can be looked at,
    not imported.

    Args:
      add_shapes: add the static shapes of the outputs as attributes `_output_shapes`.
    """
    out = GraphDef(versions={"producer": _PRODUCER})
    writer = _Writer(out)
    for node in graph.nodes if nodes is None else nodes:
        writer.add(node, out.node, add_shapes)
    return out


def node_to_def(node: Node) -> Any:
    """One node in TensorFlow's terms."""
    out = GraphDef()
    _Writer(out).add(node, out.node, False)
    return out.node[-1]


class _Writer:
    """Writes nodes, and the functions that they hold into the library."""

    def __init__(self, out: Any) -> None:
        self._library = out.library
        self._functions: dict[int, str] = {}

    def add(self, node: Node, nodes: Any, add_shapes: bool) -> None:
        """Append a node, after constants for those of its attributes that TensorFlow takes as inputs."""
        form = form_of(node.op.name)
        inputs = [_reference(t) for t in node.inputs]
        attrs = dict(node.attrs)
        for name, place in form.constants:
            value = attrs.pop(name)
            if value is None:
                if len(node.inputs) > 1:
                    continue  # it is an input here too
                value = _all_axes(node, reverse=name == "perm")
            value = form.convert[name][0](value)
            constant = f"{node.name}/{name}"
            nodes.append(_constant(constant, value))
            inputs.insert(len(inputs) if place < 0 else place, constant)
        if node.op.name == "ScalarSummary" or node.op.name.endswith("Summary") and "tag" in attrs:
            constant = f"{node.name}/tags"
            nodes.append(_constant(constant, np.asarray(attrs.pop("tag").encode(), object)))
            inputs.insert(0, constant)
        if form.algorithm is not None:
            nodes.append(_constant(f"{node.name}/alg", np.int32(_PHILOX)))
            inputs.insert(form.algorithm, f"{node.name}/alg")
        proto = NodeDef(name=node.name, op=node.op.name, device=node.device)
        proto.input.extend([*inputs, *[f"^{c.name}" for c in node.control_inputs]])
        self._attributes(node, form, attrs, proto)
        if add_shapes and node.outputs:
            proto.attr["_output_shapes"].list.shape.extend([shape_proto(t.dims) for t in node.outputs])
        nodes.append(proto)

    def _attributes(self, node: Node, form: Form, attrs: dict[str, Any], proto: Any) -> None:
        for name, place in form.types.items():
            tensors = node.outputs if place < 0 else node.inputs
            index = -1 - place if place < 0 else place
            if index < len(tensors):
                proto.attr[name].type = tensors[index].dtype.as_datatype_enum
        for name in form.index_types:
            proto.attr[name].type = INT32.as_datatype_enum
        if form.count is not None:
            proto.attr[form.count].i = len(node.inputs)
        for name, value in form.fixed.items():
            proto.attr[name].CopyFrom(self._value(name, value))
        for name, value in attrs.items():
            if name in form.convert:
                value = form.convert[name][0](value)
            theirs = f"_{name}" if name in form.private else form.renamed.get(name, name)
            if theirs == "padding" and not isinstance(value, str):
                proto.attr["explicit_paddings"].list.i.extend([0, 0, *np.reshape(value, -1).tolist(), 0, 0])
                value = "EXPLICIT"
            if value is not None or name in _SHAPES:
                proto.attr[theirs].CopyFrom(self._value(name, value))

    def _value(self, name: str, value: Any) -> Any:
        if isinstance(value, Literal):
            if isinstance(value.array, np.ndarray):
                return AttrValue(tensor=tensor_proto(value.array))
            return AttrValue(s=f"{OPAQUE} {type(value.array).__name__}")
        if isinstance(value, DType):
            return AttrValue(type=value.as_datatype_enum)
        if isinstance(value, bool):
            return AttrValue(b=value)
        if isinstance(value, (int, np.integer)):
            return AttrValue(i=int(value))
        if isinstance(value, (float, np.floating)):
            return AttrValue(f=float(value))
        if isinstance(value, (str, bytes)):
            return AttrValue(s=value)
        if name in _SHAPES and (value is None or isinstance(value, (tuple, TensorShape))):
            return AttrValue(shape=shape_proto(None if value is None else tuple(value)))
        if isinstance(value, Graph):
            return AttrValue(func={"name": self._function(value)})
        if isinstance(value, (tuple, list)) and all(not isinstance(v, (tuple, list)) for v in value):
            return self._list(name, value)
        return AttrValue(s=f"{OPAQUE} {value!r}"[:200])

    def _list(self, name: str, values: Any) -> Any:
        out = AttrValue()
        out.list.SetInParent()
        for value in values:
            one = self._value("", value)
            kind = one.WhichOneof("value")
            getattr(out.list, kind).append(getattr(one, kind))
        return out

    def _function(self, graph: Graph) -> str:
        """The name of a graph's function in the library."""
        if id(graph) not in self._functions:
            name = f"{graph.name or 'function'}_{len(self._functions)}"
            self._functions[id(graph)] = name
            function = FunctionDef(signature={"name": name})
            arguments = {id(t): t.node.name for t in graph.all_inputs}
            for tensor in graph.all_inputs:
                argument = function.signature.input_arg.add(name=tensor.node.name)
                argument.type = tensor.dtype.as_datatype_enum
            for node in graph.nodes:
                if not node.outputs or id(node.outputs[0]) not in arguments:
                    self.add(node, function.node_def, False)
            for proto in function.node_def:
                proto.input[:] = [_inside(i, arguments.values()) for i in proto.input]
            for i, tensor in enumerate(graph.outputs):
                function.signature.output_arg.add(name=f"output_{i}", type=tensor.dtype.as_datatype_enum)
                function.ret[f"output_{i}"] = _inside(_reference(tensor), arguments.values())
            self._library.function.append(function)
        return self._functions[id(graph)]


def _all_axes(node: Node, reverse: bool) -> list[int]:
    """What None stands for where axes are expected."""
    dims = node.inputs[0].dims
    if dims is None:
        raise ValueError(f"{node.name}: all axes of a tensor of unknown rank have no form in a GraphDef.")
    return list(range(len(dims)))[:: -1 if reverse else 1]


def _reference(tensor: Any) -> str:
    assert isinstance(tensor, GraphTensor)
    return tensor.node.name if tensor.index == 0 else f"{tensor.node.name}:{tensor.index}"


def _inside(reference: str, arguments: Iterable[str]) -> str:
    """A reference as functions have it: an argument's name, or node:output:index."""
    if reference.startswith("^") or reference in arguments:
        return reference
    name, _, index = reference.partition(":")
    return f"{name}:output:{index or 0}"


def _constant(name: str, value: Any) -> Any:
    proto = tensor_proto(value)
    out = NodeDef(name=name, op="Const")
    out.attr["dtype"].type = proto.dtype
    out.attr["value"].tensor.CopyFrom(proto)
    return out
