"""Algebra: a table of small named rewrites by op, each exact (up to the sign of a zero).

A rule takes the node and what its inputs are now, and returns the tensor that stands for the node's one output, or
None. Rules look at one node and the makers of its inputs; they run in program order, so a chain collapses in one
walk.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any, cast

import numpy as np

from duoflow.core import dtypes, shapes
from duoflow.core.dtypes import DType
from duoflow.core.graph import Graph, Node
from duoflow.core.late import F
from duoflow.core.record import OPS
from duoflow.core.tensor import GraphTensor, Tensor

from .rewrite import Rewriter, constant_of

__all__ = ["RULES", "simplify"]

Inputs = Sequence[GraphTensor]
Rule = Callable[[Rewriter, Node, Inputs], "GraphTensor | None"]

#: The rules of each op, tried in order.
RULES: dict[str, list[Rule]] = {}


def rule(*names: str) -> Callable[[Rule], Rule]:
    """List a rule for these ops."""

    def add(function: Rule) -> Rule:
        for name in names:
            RULES.setdefault(name, []).append(function)
        return function

    return add


def simplify(graph: Graph) -> Graph:
    """The graph after the rules."""
    rw = Rewriter(graph)
    changed = False
    for node in graph.nodes:
        found = _simplified(rw, node) if node.op.name in RULES else None
        if found is None:
            rw.copy(node)
        else:
            changed = True
            rw.bind(node.outputs[0], found)
    return rw.finish() if changed else rw.undo()


def _simplified(rw: Rewriter, node: Node) -> GraphTensor | None:
    inputs = rw.inputs(node)
    for candidate in RULES[node.op.name]:
        found = candidate(rw, node, inputs)
        if found is not None:
            return found
    return None


# -- what rules ask ----------------------------------------------------------------------------------------------------


def _uniform(tensor: GraphTensor) -> float | None:
    """The number that a numeric constant holds everywhere."""
    array = constant_of(tensor)
    if array is None or not array.size or array.dtype.kind in "OcSU":
        return None
    first = array.reshape(-1)[0]
    if array.size > 1 and not np.all(array == first):
        return None
    return float(first) if array.dtype.kind != "V" else float(np.float32(first))


def _made_by(tensor: GraphTensor, *names: str) -> Node | None:
    node = tensor.node
    return node if node.op.name in names else None


def _same_shape(tensor: GraphTensor, node: Node) -> bool:
    """Whether an operand has the shape (known in full) of a node's output, so that it can stand for it."""
    spec = node.outputs[0].spec
    return tensor.spec.shape == spec.shape and spec.known and tensor.dtype is spec.dtype


def _stands(tensor: GraphTensor, node: Node) -> GraphTensor | None:
    return tensor if _same_shape(tensor, node) else None


def _add(rw: Rewriter, name: str, inputs: Sequence[Tensor], like: Node, **attrs: Any) -> GraphTensor:
    return rw.add(OPS[name], cast(Inputs, inputs), attrs, like=like)[0]


# -- arithmetic --------------------------------------------------------------------------------------------------------


@rule("Identity", "StopGradient", "PreventGradient", "Snapshot")
def _identity(rw: Rewriter, node: Node, inputs: Inputs) -> GraphTensor | None:
    return inputs[0] if inputs[0].dtype is node.outputs[0].dtype else None


@rule("Sum", "Mean", "Prod", "Max", "Min", "All", "Any")
def _reduce_nothing(rw: Rewriter, node: Node, inputs: Inputs) -> GraphTensor | None:
    """Over no dimension."""
    return _stands(inputs[0], node) if node.attrs["axis"] == () else None


@rule("AddV2", "Add")
def _add_zero(rw: Rewriter, node: Node, inputs: Inputs) -> GraphTensor | None:
    x, y = inputs
    if _uniform(y) == 0:
        return _stands(x, node)
    return _stands(y, node) if _uniform(x) == 0 else None


@rule("AddV2", "Add")
def _add_negative(rw: Rewriter, node: Node, inputs: Inputs) -> GraphTensor | None:
    x, y = inputs
    if negated := _made_by(y, "Neg"):
        return _add(rw, "Sub", (x, negated.inputs[0]), node)
    if negated := _made_by(x, "Neg"):
        return _add(rw, "Sub", (y, negated.inputs[0]), node)
    return None


@rule("Sub")
def _subtract(rw: Rewriter, node: Node, inputs: Inputs) -> GraphTensor | None:
    x, y = inputs
    if _uniform(y) == 0:
        return _stands(x, node)
    if negated := _made_by(y, "Neg"):
        return _add(rw, "AddV2", (x, negated.inputs[0]), node)
    return _add(rw, "Neg", (y,), node) if _uniform(x) == 0 and _same_shape(y, node) else None


@rule("Mul")
def _multiply(rw: Rewriter, node: Node, inputs: Inputs) -> GraphTensor | None:
    for x, y in (inputs, inputs[::-1]):
        if _uniform(y) == 1:
            return _stands(x, node)
        if _uniform(y) == -1 and _same_shape(x, node):
            return _add(rw, "Neg", (x,), node)
    return None


@rule("RealDiv")
def _divide_by_constant(rw: Rewriter, node: Node, inputs: Inputs) -> GraphTensor | None:
    x, y = inputs
    divisor = _uniform(y)
    if divisor == 1:
        return _stands(x, node)
    if divisor is None or not math.isfinite(divisor) or divisor == 0 or not y.dtype.is_floating:
        return None
    mantissa, exponent = math.frexp(divisor)
    if abs(mantissa) != 0.5 or abs(exponent) > 14:
        return None  # only for powers of two is the reciprocal exact
    array = constant_of(y)
    assert array is not None
    return _add(rw, "Mul", (x, rw.constant(np.asarray(1 / array, array.dtype), node)), node)


@rule("Neg")
def _negate(rw: Rewriter, node: Node, inputs: Inputs) -> GraphTensor | None:
    if inner := _made_by(inputs[0], "Neg"):
        return inner.inputs[0]  # type: ignore[return-value]
    if inner := _made_by(inputs[0], "Sub"):
        return _add(rw, "Sub", (inner.inputs[1], inner.inputs[0]), node)
    return None


@rule("Pow")
def _small_power(rw: Rewriter, node: Node, inputs: Inputs) -> GraphTensor | None:
    x, y = inputs
    exponent = _uniform(y)
    if not _same_shape(x, node):
        return None
    if exponent == 1:
        return x
    return _add(rw, "Mul", (x, x), node) if exponent == 2 else None


@rule("AddN")
def _sum_of_few(rw: Rewriter, node: Node, inputs: Inputs) -> GraphTensor | None:
    total = inputs[0]
    if any(t.dtype in (dtypes.variant, dtypes.string) for t in inputs):
        return None
    for term in inputs[1:]:
        total = _add(rw, "AddV2", (total, term), node)
    return total


@rule("Select", "SelectV2")
def _known_choice(rw: Rewriter, node: Node, inputs: Inputs) -> GraphTensor | None:
    condition = _uniform(inputs[0])
    return None if condition is None else _stands(inputs[1] if condition else inputs[2], node)


# -- types -------------------------------------------------------------------------------------------------------------


def _holds(wide: DType, narrow: DType) -> bool:
    """Whether a cast from `narrow` to `wide` loses nothing."""
    return dtypes.cast_is_safe(narrow, wide)


@rule("Cast")
def _cast_chain(rw: Rewriter, node: Node, inputs: Inputs) -> GraphTensor | None:
    (x,) = inputs
    target = node.outputs[0].dtype
    if x.dtype is target:
        return x
    inner = _made_by(x, "Cast")
    if inner is None:
        return None
    source: GraphTensor = inner.inputs[0]  # type: ignore[assignment]
    if not _holds(x.dtype, source.dtype):
        return None
    return source if source.dtype is target else rw.add(node.op, (source,), node.attrs, like=node)[0]


# -- shapes ------------------------------------------------------------------------------------------------------------


def _reshaped(rw: Rewriter, x: GraphTensor, node: Node) -> GraphTensor:
    """`x` in the shape of the node's output, past any reshape before it."""
    dims = cast("tuple[int, ...]", node.outputs[0].dims)
    while inner := _made_by(x, "Reshape"):
        x = inner.inputs[0]  # type: ignore[assignment]
    if x.dims == dims:
        return x
    shape = rw.constant(np.asarray(dims, np.int32 if max(dims, default=0) < 2**31 else np.int64), node)
    return _add(rw, "Reshape", (x, shape), node)


@rule("Reshape")
def _reshape(rw: Rewriter, node: Node, inputs: Inputs) -> GraphTensor | None:
    x = inputs[0]
    if not node.outputs[0].spec.known:
        return None
    return _reshaped(rw, x, node) if x.dims == node.outputs[0].dims or _made_by(x, "Reshape") else None


@rule("ExpandDims", "Squeeze")
def _as_reshape(rw: Rewriter, node: Node, inputs: Inputs) -> GraphTensor | None:
    if not (inputs[0].spec.known and node.outputs[0].spec.known):
        return None
    return _reshaped(rw, inputs[0], node)


@rule("Transpose")
def _transpose(rw: Rewriter, node: Node, inputs: Inputs) -> GraphTensor | None:
    x = inputs[0]
    perm = _permutation(node)
    if perm is None:
        return None
    if perm == tuple(range(len(perm))):
        return x
    inner = _made_by(x, "Transpose")
    first = None if inner is None else _permutation(inner)
    if inner is not None and first is not None:
        both = tuple(first[p] for p in perm)
        source: GraphTensor = inner.inputs[0]  # type: ignore[assignment]
        return source if both == tuple(range(len(both))) else rw.add(node.op, (source,), {"perm": both}, like=node)[0]
    dims = x.dims
    if dims is not None and None not in dims:
        moved = [p for p in perm if dims[p] != 1]
        if moved == sorted(moved):
            return _reshaped(rw, x, node)
    return None


def _permutation(node: Node) -> tuple[int, ...] | None:
    perm, rank = node.attrs["perm"], node.outputs[0].spec.rank
    if rank is None:
        return None
    return tuple(reversed(range(rank))) if perm is None else tuple(p % rank for p in perm)


@rule("BroadcastTo", "Tile", "Slice", "StridedSlice", "Pad", "PadV2")
def _no_change(rw: Rewriter, node: Node, inputs: Inputs) -> GraphTensor | None:
    """These keep every element, in place, when they keep the shape, unless a stride turns them round."""
    if node.op.name == "StridedSlice":
        strides = inputs[3].spec.array if len(inputs) > 3 else None
        if strides is None or np.any(strides < 0):
            return None
    if shapes.num_elements(node.outputs[0].dims) is None:
        return None
    return _stands(inputs[0], node)


# -- rows --------------------------------------------------------------------------------------------------------------


def is_zero(tensor: GraphTensor) -> bool:
    """Whether a tensor is zero everywhere, by the way it is made."""
    node = tensor.node
    if node.op.name in ("BroadcastTo", "Reshape"):
        return is_zero(node.inputs[0])  # type: ignore[arg-type]
    if node.op.name == "Fill":
        return _uniform(node.inputs[1]) == 0  # type: ignore[arg-type]
    return node.op.name == "ZerosLike" or _uniform(tensor) == 0


def _row_in_zeros(rw: Rewriter, node: Node, index: GraphTensor, value: GraphTensor) -> GraphTensor:
    """Zeros of the shape of a node's output, but for one row."""
    out = node.outputs[0]
    with rw.building(node):
        zeros = F.zeros(out.dims, out.dtype)
        row = F.reshape(value, out.dims[1:])  # type: ignore[index]
    return _add(rw, "SetRow", (zeros, index, row), node)


@rule("StridedSliceGrad")
def _gradient_of_a_row(rw: Rewriter, node: Node, inputs: Inputs) -> GraphTensor | None:
    """Of `x[i]` with an index that is computed."""
    _, begin, _, strides, grad = inputs
    others = ("begin_mask", "end_mask", "ellipsis_mask", "new_axis_mask")
    out = node.outputs[0]
    if node.attrs["shrink_axis_mask"] != 1 or any(node.attrs[m] for m in others) or not out.spec.known:
        return None
    step = strides.spec.array
    if begin.dims != (1,) or out.dims[0] == 0 or begin.spec.array is not None or (step is not None and step[0] != 1):
        return None
    count = cast("tuple[int, ...]", out.dims)[0]
    with rw.building(node):
        given = F.reshape(begin, ())
        index = _in_range(F.where(given < 0, given + count, given), count)
    return _row_in_zeros(rw, node, index, grad)


def _in_range(index: Any, count: int) -> Any:
    """The index, with an error where it is not below `count`."""
    return F.gather(F.constant(np.arange(count, dtype=index.dtype.numpy)), index)


@rule("UnsortedSegmentSum")
def _one_row(rw: Rewriter, node: Node, inputs: Inputs) -> GraphTensor | None:
    """One row, put where it belongs; negative indices have no place."""
    data, ids, _ = inputs
    out = node.outputs[0]
    if not out.spec.known or 0 in (out.dims or ()) or not data.spec.known or shapes.num_elements(ids.dims) != 1:
        return None
    if ids.spec.array is not None or ids.dtype not in (dtypes.int32, dtypes.int64):
        return None
    with rw.building(node):
        index = F.reshape(ids, ())
        value = F.where(index < 0, F.zeros_like(data), data)
        index = _in_range(F.maximum(index, 0), out.dims[0])  # type: ignore[index]
    return _row_in_zeros(rw, node, index, value)


@rule("AddV2", "Add")
def _add_to_a_row(rw: Rewriter, node: Node, inputs: Inputs) -> GraphTensor | None:
    """x + (zeros but for one row) adds to that row of x."""
    for total, change in ((inputs[0], inputs[1]), (inputs[1], inputs[0])):
        made = _made_by(change, "SetRow")
        if made is None or not _same_shape(total, node) or not is_zero(made.inputs[0]):  # type: ignore[arg-type]
            continue
        _, index, value = made.inputs
        row = _add(rw, "Row", (total, index), node)
        return _add(rw, "SetRow", (total, index, _add(rw, "AddV2", (row, value), node)), node)
    return None
