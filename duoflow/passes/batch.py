"""What an op does to many operands at once: for each of `count` iterations, stacked along a new first dimension.

`batched(node, inputs, count)` gives the stack of the outputs of a node, from inputs that are the same in every
iteration or are stacks themselves; it writes ops through `F` into the graph at hand, and raises `Unsupported` for ops
that it has no rule for.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from duoflow.core.emit import emit_one
from duoflow.core.graph import Node
from duoflow.core.late import F
from duoflow.core.record import Kind
from duoflow.core.scalar import Unsupported

__all__ = ["CONTRACTIONS", "Stacked", "batched", "can_batch", "summed"]


@dataclass(frozen=True)
class Stacked:
    """An operand: `tensor` has a first dimension for the iterations if `varies`."""

    tensor: Any
    varies: bool


#: Products, which gain from being done at once.
CONTRACTIONS = {"MatMul", "BatchMatMulV2"}

_Rule = Callable[[Node, Sequence[Stacked], int], Any]
_RULES: dict[str, _Rule] = {}


def can_batch(node: Node) -> bool:
    """Whether there is a rule for an op."""
    return len(node.outputs) == 1 and node.op.pure and (node.op.kind is Kind.ELEMENTWISE or node.op.name in _RULES)


def batched(node: Node, inputs: Sequence[Stacked], count: int) -> Any:
    """The stack of a node's outputs, [count, ...]."""
    if not can_batch(node):
        raise Unsupported(f"{node.op.name} at once")
    if node.op.kind is Kind.ELEMENTWISE:
        return _elementwise(node, inputs, count)
    return _RULES[node.op.name](node, inputs, count)


def _rule(*names: str) -> Callable[[_Rule], _Rule]:
    def add(function: _Rule) -> _Rule:
        for name in names:
            _RULES[name] = function
        return function

    return add


def _dims(tensor: Any) -> tuple[int, ...]:
    return tensor.dims  # type: ignore[no-any-return]


def _spread(operand: Stacked, count: int) -> Any:
    """The operand as a stack."""
    if operand.varies:
        return operand.tensor
    return F.broadcast_to(F.expand_dims(operand.tensor, 0), (count, *_dims(operand.tensor)))


def _aligned(operand: Stacked, rank: int) -> Any:
    """The operand so that broadcasting matches the dimensions that it has in an iteration of rank `rank`."""
    if not operand.varies:
        return operand.tensor
    count, *own = _dims(operand.tensor)
    return operand.tensor if len(own) == rank else F.reshape(operand.tensor, (count, *[1] * (rank - len(own)), *own))


def _elementwise(node: Node, inputs: Sequence[Stacked], count: int) -> Any:
    rank = len(_dims(node.outputs[0]))
    return emit_one(node.op, tuple([_aligned(x, rank) for x in inputs]), node.attrs)


@_rule("MatMul", "BatchMatMulV2")
def _matmul(node: Node, inputs: Sequence[Stacked], count: int) -> Any:
    a, b = inputs
    turn_a, turn_b = _turned(node)
    if a.varies and not b.varies and not turn_a and len(_dims(b.tensor)) == 2:
        *lead, depth = _dims(a.tensor)
        flat = F.reshape(a.tensor, (-1, depth))
        return F.reshape(F.matmul(flat, b.tensor, transpose_b=turn_b), (*lead, _dims(node.outputs[0])[-1]))
    rank = len(_dims(node.outputs[0]))
    return F.matmul(_aligned(a, rank), _aligned(b, rank), transpose_a=turn_a, transpose_b=turn_b)


def _turned(node: Node) -> tuple[bool, bool]:
    names = ("transpose_a", "transpose_b") if node.op.name == "MatMul" else ("adj_x", "adj_y")
    if node.inputs[0].dtype.is_complex or not set(names) <= node.attrs.keys():
        raise Unsupported("a product of this kind at once")
    return node.attrs[names[0]], node.attrs[names[1]]


def summed(node: Node, inputs: Sequence[Stacked], count: int) -> Any:
    """The sum of a node's outputs over all iterations; products of matrices add up in one."""
    if node.op.name == "MatMul" and all(x.varies for x in inputs):
        (a, b), (turn_a, turn_b) = inputs, _turned(node)
        left = a.tensor if turn_a else F.transpose(a.tensor, [0, 2, 1])
        right = F.transpose(b.tensor, [0, 2, 1]) if turn_b else b.tensor
        left, right = (F.reshape(t, (-1, _dims(t)[-1])) for t in (left, right))
        return F.matmul(left, right, transpose_a=True)
    if node.op.name == "Sum" and not node.attrs["keepdims"]:
        return F.reduce_sum(_spread(inputs[0], count), [0, *(a + 1 for a in _axes(node))])
    return F.reduce_sum(batched(node, inputs, count), [0])


@_rule("Sum", "Mean", "Max", "Min", "Prod")
def _reduction(node: Node, inputs: Sequence[Stacked], count: int) -> Any:
    axes = tuple(a + 1 for a in _axes(node))
    return emit_one(node.op, (_spread(inputs[0], count), *(x.tensor for x in inputs[1:])), {**node.attrs, "axis": axes})


def _axes(node: Node) -> list[int]:
    rank, axis = len(_dims(node.inputs[0])), node.attrs.get("axis", ())
    if len(node.inputs) != 1:
        raise Unsupported("a reduction with computed axes at once")
    if axis is None:
        return list(range(rank))
    return sorted(a % rank for a in ((axis,) if isinstance(axis, int) else axis))


@_rule("Reshape")
def _reshape(node: Node, inputs: Sequence[Stacked], count: int) -> Any:
    return F.reshape(_spread(inputs[0], count), (count, *_dims(node.outputs[0])))


@_rule("Identity")
def _identity(node: Node, inputs: Sequence[Stacked], count: int) -> Any:
    return _spread(inputs[0], count)


@_rule("Transpose")
def _transpose(node: Node, inputs: Sequence[Stacked], count: int) -> Any:
    rank = len(_dims(node.inputs[0]))
    perm = node.attrs["perm"] or tuple(reversed(range(rank)))
    return F.transpose(_spread(inputs[0], count), [0, *(p % rank + 1 for p in perm)])


@_rule("BroadcastTo")
def _broadcast(node: Node, inputs: Sequence[Stacked], count: int) -> Any:
    dims = _dims(node.outputs[0])
    x = inputs[0]
    return F.broadcast_to(_aligned(x, len(dims)) if x.varies else x.tensor, (count, *dims))


@_rule("ConcatV2")
def _concat(node: Node, inputs: Sequence[Stacked], count: int) -> Any:
    axis = node.attrs["axis"] % len(_dims(node.outputs[0]))
    return F.concat([_spread(x, count) for x in inputs], axis + 1)


@_rule("Slice")
def _slice(node: Node, inputs: Sequence[Stacked], count: int) -> Any:
    begin = node.inputs[1].spec.array
    if begin is None:
        raise Unsupported("a slice from a computed place at once")
    return F.slice(_spread(inputs[0], count), [0, *begin.tolist()], [count, *_dims(node.outputs[0])])


@_rule("PadV2")
def _pad(node: Node, inputs: Sequence[Stacked], count: int) -> Any:
    widths = node.inputs[1].spec.array
    if widths is None or inputs[2].varies:
        raise Unsupported("a computed padding at once")
    return F.pad(_spread(inputs[0], count), [[0, 0], *widths.tolist()], constant_values=inputs[2].tensor)


@_rule("GatherV2")
def _gather(node: Node, inputs: Sequence[Stacked], count: int) -> Any:
    table, indices = inputs
    if table.varies or node.attrs["axis"] % len(_dims(table.tensor)) or node.attrs["batch_dims"]:
        raise Unsupported("a gather from what varies at once")
    return F.gather(table.tensor, indices.tensor)


@_rule("Row")
def _row(node: Node, inputs: Sequence[Stacked], count: int) -> Any:
    table, indices = inputs
    if table.varies:
        raise Unsupported("a row of what varies at once")
    known = indices.tensor.spec.array
    size = _dims(table.tensor)[0]
    if known is not None and indices.varies and np.all(np.diff(known) == 1) and known[0] >= 0 and known[-1] < size:
        return table.tensor[int(known[0]) : int(known[-1]) + 1] if len(known) < size else table.tensor
    return F.gather(table.tensor, indices.tensor)
