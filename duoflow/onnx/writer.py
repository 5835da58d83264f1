"""A graph as ONNX nodes: what stands for each tensor, and how nodes, constants and inner graphs are added.

A tensor is a constant (its array), the name of a value, or a list of tensors (see loops.py). What only constants go
into is computed now; a constant is written when a node takes it.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from duoflow.core import dtypes
from duoflow.core.dtypes import DType
from duoflow.core.errors import OpError, with_origin
from duoflow.core.graph import CONST, PLACEHOLDER, Graph, Node
from duoflow.core.record import Kind
from duoflow.core.tensor import HandleTensor
from duoflow.formats.onnx_messages import AttributeProto, GraphProto, NodeProto, TensorProto, ValueInfoProto

__all__ = ["NoCounterpart", "Writer", "element_type", "value_info"]

_TYPES = {
    "float32": TensorProto.FLOAT, "uint8": TensorProto.UINT8, "int8": TensorProto.INT8, "uint16": TensorProto.UINT16,
    "int16": TensorProto.INT16, "int32": TensorProto.INT32, "int64": TensorProto.INT64, "string": TensorProto.STRING,
    "bool": TensorProto.BOOL, "float16": TensorProto.FLOAT16, "float64": TensorProto.DOUBLE,
    "uint32": TensorProto.UINT32, "uint64": TensorProto.UINT64, "bfloat16": TensorProto.BFLOAT16,
}  # fmt: skip
#: Results of constants are computed now up to this many elements.
_MOST_FOLDED = 1 << 24


class NoCounterpart(Exception):
    """There are no operators of ONNX for an op, or not for these attributes of it."""


def element_type(dtype: DType) -> int:
    """ONNX's number of a dtype."""
    if dtype.name not in _TYPES:
        raise NoCounterpart(f"tensors of dtype {dtype.name}")
    return _TYPES[dtype.name]


def value_info(name: str, dtype: DType, dims: Any, batch: str = "batch") -> Any:
    """An input or output; sizes that are not known get names, the first of them that of the batch."""
    out = ValueInfoProto(name=name)
    tensor = out.type.tensor_type
    tensor.elem_type = element_type(dtype)
    if dims is not None:
        tensor.shape.SetInParent()
        for i, size in enumerate(dims):
            tensor.shape.dim.append(
                {"dim_value": size} if size is not None else {"dim_param": batch if i == 0 else f"{name}_dim_{i}"}
            )
    return out


class Writer:
    """Adds the nodes of graphs to one `GraphProto`; those of loops and branches to inner ones, with the same names."""

    def __init__(self, rules: dict[str, Callable[[Writer, Node], Any]], outer: Writer | None = None) -> None:
        self.proto = GraphProto()
        self.rules = rules
        self._outer = outer
        self._values: dict[int, Any] = outer._values if outer else {}
        self._taken: set[str] = outer._taken if outer else set()
        self._constants: dict[Any, str] = outer._constants if outer else {}
        self._kept: list[Any] = outer._kept if outer else []
        self._scope = outer._scope if outer else ""

    # -- values ------------------------------------------------------------------------------------------------------

    def bind(self, tensor: Any, value: Any) -> None:
        """Let an array, a name or a list stand for a tensor."""
        self._values[id(tensor)] = value
        self._kept.append(tensor)

    def value(self, tensor: Any) -> Any:
        """What stands for a tensor."""
        return self._values[id(tensor)]

    def array(self, tensor: Any) -> np.ndarray[Any, Any] | None:
        """The value of a tensor if it is known now."""
        value = self._values[id(tensor)]
        if isinstance(value, np.ndarray):
            return value
        found: np.ndarray[Any, Any] | None = tensor.spec.array
        return found

    def name(self, tensor: Any) -> str:
        """The name of a tensor's value."""
        value = self._values[id(tensor)]
        if isinstance(value, str):
            return value
        if not isinstance(value, np.ndarray):
            raise NoCounterpart("a list of tensors that is used otherwise than a loop's rows")
        return self.constant(value)

    def ints(self, tensor: Any) -> str:
        """The name of a tensor's value as int64, which is what ONNX takes for shapes, axes and indices."""
        known = self.array(tensor)
        if known is not None:
            return self.constant(known.astype(np.int64))
        return self.name(tensor) if tensor.dtype is dtypes.int64 else self.cast(self.name(tensor), dtypes.int64)

    def known(self, tensor: Any, what: str) -> np.ndarray[Any, Any]:
        """The value of a tensor that must be a constant."""
        found = self.array(tensor)
        if found is None:
            raise NoCounterpart(f"{what} that are not known when the model is exported")
        return found

    # -- nodes -------------------------------------------------------------------------------------------------------

    def constant(self, array: Any) -> str:
        """The name of a constant of the outermost graph."""
        if self._outer is not None:
            return self._outer.constant(array)
        array = np.asarray(array)
        key = (
            (array.dtype.str, array.shape, array.tobytes())
            if array.size < 4096 and array.dtype != object
            else id(array)
        )
        if key not in self._constants:
            self._kept.append(array)
            self._constants[key] = self.unused("constant")
            self.proto.initializer.append(_tensor(array, self._constants[key]))
        return self._constants[key]

    def like(self, tensor: Any, value: Any) -> str:
        """The name of a number in a tensor's dtype."""
        return self.constant(np.asarray(value, tensor.dtype.numpy))

    def op(self, op_type: str, inputs: Sequence[str], outputs: int = 1, **attrs: Any) -> Any:
        """Add a node; returns the name of its output, or the names of several."""
        made = [self.unused(f"{self._scope}/{op_type}" if self._scope else op_type) for _ in range(outputs)]
        node = NodeProto(op_type=op_type, name=made[0], input=inputs, output=made)
        node.attribute.extend([_attribute(key, value) for key, value in attrs.items() if value is not None])
        self.proto.node.append(node)
        return made[0] if outputs == 1 else made

    def cast(self, name: str, dtype: DType) -> str:
        """A value in another dtype."""
        return self.op("Cast", [name], to=element_type(dtype))

    def unused(self, name: str) -> str:
        """A name that is not taken yet."""
        out, count = name, 0
        while out in self._taken:
            count += 1
            out = f"{name}_{count}"
        self._taken.add(out)
        return out

    # -- graphs ------------------------------------------------------------------------------------------------------

    def add(self, graph: Graph) -> None:
        """Add the nodes of a graph, whose inputs are bound."""
        for node in graph.nodes:
            if node.op is PLACEHOLDER and id(node.outputs[0]) in self._values:
                continue
            self._scope = node.name
            if node.op is CONST and not isinstance(node.attrs["value"].array, HandleTensor):
                self.bind(node.outputs[0], node.attrs["value"].array)
            elif not self._folded(node):
                self._apply(node)
        self._scope = ""

    def inner(self, graph: Graph, values: Sequence[Any]) -> Writer:
        """The writer of an inner graph that takes these values of this one."""
        inside = Writer(self.rules, self)
        for tensor, value in zip(graph.inputs, values, strict=True):
            inside.bind(tensor, value)
        inside.proto.name = self.unused(graph.name or "graph")
        inside.add(graph)
        return inside

    def output(self, name: str, dtype: DType, dims: Any) -> None:
        """Make a value an output, under a name of its own."""
        own = self.op("Identity", [name])
        self.proto.output.append(value_info(own, dtype, dims))

    def _folded(self, node: Node) -> bool:
        """Compute a node whose inputs are all known."""
        if (
            not node.op.pure
            or node.op.kind in (Kind.CONTROL, Kind.SOURCE)
            or "random" in node.op.tags
            or not node.inputs
        ):
            return False
        arrays = [self._values.get(id(t)) for t in node.inputs]
        plain = all(t.dtype is not dtypes.variant and t.spec.known for t in node.outputs)
        small = plain and all(np.prod(t.dims) <= _MOST_FOLDED for t in node.outputs)
        if not small or not all(isinstance(a, np.ndarray) for a in arrays):
            return False
        with np.errstate(all="ignore"):
            found = node.op.evaluate(*arrays, **node.attrs)
        for tensor, array in zip(node.outputs, found if isinstance(found, tuple) else (found,), strict=True):
            self.bind(tensor, np.asarray(array))
        return True

    def _apply(self, node: Node) -> None:
        known = [t.spec.array for t in node.outputs]
        if node.outputs and all(a is not None for a in known) and node.op.pure:
            for tensor, array in zip(node.outputs, known, strict=True):
                self.bind(tensor, array)
            return
        try:
            rule = self.rules.get(node.op.name)
            if rule is None:
                raise NoCounterpart("this op")
            made = rule(self, node)
        except (NoCounterpart, OpError) as error:
            raise _refused(node, error) from None
        for tensor, value in zip(node.outputs, made if isinstance(made, list) else [made], strict=True):
            self.bind(tensor, value)


def _refused(node: Node, error: Exception) -> NotImplementedError:
    layers = re.sub(r"/[^/]*$", "", node.name)
    return NotImplementedError(
        with_origin(
            f"Op {node.op.name} in layer {layers!r} (node {node.name!r}) cannot be exported to ONNX, which has no "
            f"counterpart for {error}. Export with format='tf_saved_model', or replace what uses it.",
            node.origin,
        )
    )


def _tensor(array: np.ndarray[Any, Any], name: str) -> Any:
    proto = TensorProto(name=name, dims=list(array.shape), data_type=element_type(dtypes.from_numpy(array.dtype)))
    if array.dtype == object:
        proto.string_data.extend(array.reshape(-1).tolist())
    else:
        proto.raw_data = np.ascontiguousarray(array).tobytes()
    return proto


def _attribute(name: str, value: Any) -> Any:
    P = AttributeProto
    if isinstance(value, GraphProto):
        return P(name=name, g=value, type=P.kind_graph)
    if isinstance(value, str):
        return P(name=name, s=value, type=P.kind_string)
    if isinstance(value, float):
        return P(name=name, f=value, type=P.kind_float)
    if isinstance(value, int):
        return P(name=name, i=value, type=P.kind_int)
    if isinstance(value, np.ndarray):
        return P(name=name, t=_tensor(value, ""), type=P.kind_tensor)
    return P(name=name, ints=list(value), type=P.kind_ints)
