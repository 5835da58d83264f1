"""What counting tells of the scalars in a loop: which comparisons never change, and which indices are in range."""

from __future__ import annotations

from typing import Any, cast

import numpy as np

from duoflow.core.graph import Graph, Node
from duoflow.core.record import OPS
from duoflow.core.tensor import GraphTensor

from .loop_variables import LOOPS, is_lowered, scaled
from .rewrite import Rewriter, constant_of
from .trips import Interval, interval, trips

__all__ = ["use_ranges"]

_COMPARISONS = {
    "Less": lambda a, b: True if a[1] < b[0] else False if a[0] >= b[1] else None,
    "LessEqual": lambda a, b: True if a[1] <= b[0] else False if a[0] > b[1] else None,
    "Greater": lambda a, b: True if a[0] > b[1] else False if a[1] <= b[0] else None,
    "GreaterEqual": lambda a, b: True if a[0] >= b[1] else False if a[1] < b[0] else None,
}
#: Slices with any of these are more than a row.
_MASKS = ("begin_mask", "end_mask", "ellipsis_mask", "new_axis_mask")


def use_ranges(graph: Graph) -> Graph:
    """The graph with loops that do not check what is known."""
    if not any(n.op.name in LOOPS and is_lowered(n.attrs["body"]) for n in graph.nodes):
        return graph
    rw = Rewriter(graph)
    for node in graph.nodes:
        attrs = node.attrs
        if node.op.name in LOOPS and is_lowered(attrs["body"]):
            attrs = {**attrs, "body": _known(attrs["body"], node)}
        rw.copy(node, attrs=attrs)
    return rw.finish()


def _known(body: Graph, node: Node) -> Graph:
    found = trips(node.attrs["cond"], body, node.inputs)
    known = {id(body.inputs[k]): i for k in found.ramps if (i := found.interval(k)) is not None}
    if not known:
        return body
    rw = Rewriter(body)
    bounds: Interval = lambda t: interval(t, known)
    for inner in body.nodes:
        new = next((n for rule in (_decided, _in_range, _slice) if (n := rule(rw, inner, bounds)) is not None), None)
        chosen = _chosen(rw, inner)
        if chosen is not None:
            new, within = rw[chosen], bounds(chosen)
            if within is not None:
                known[id(inner.outputs[0])] = within
        if new is None:
            rw.copy(inner)
        else:
            rw.bind(inner.outputs[0], new)
    return rw.finish()


def _chosen(rw: Rewriter, node: Node) -> GraphTensor | None:
    """The scalar that a choice always is, by what its condition was found to be."""
    if node.op.name != "SelectV2" or any(t.dims != () for t in node.inputs):
        return None
    condition, one, other = cast("tuple[GraphTensor, ...]", node.inputs)
    always = constant_of(rw[condition])
    return None if always is None else one if always else other


def _decided(rw: Rewriter, node: Node, bounds: Interval) -> GraphTensor | None:
    """A comparison that is the same in every iteration."""
    compare = _COMPARISONS.get(node.op.name)
    if compare is None or node.outputs[0].dims != () or not node.inputs[0].dtype.is_integer:
        return None
    a, b = (bounds(t) for t in node.inputs)
    result = None if a is None or b is None else compare(a, b)
    return None if result is None else rw.constant(np.asarray(result), node)


def _in_range(rw: Rewriter, node: Node, bounds: Interval) -> GraphTensor | None:
    """A row that is read without a check, or the index itself where that was all that was read for."""
    if node.op.name != "GatherV2" or node.attrs["batch_dims"] or node.attrs["axis"]:
        return None
    table, index = node.inputs
    found = bounds(index) if index.dims == () else None
    size: Any = table.dims[0] if table.dims else None
    if found is None or size is None or found[0] < 0 or found[1] >= size:
        return None
    values = constant_of(table)
    if values is not None and values.dtype == index.dtype.numpy and np.array_equal(values, np.arange(size)):
        return rw[index]
    return rw.add(OPS["Row"], (rw[table], rw[index]), {}, like=node)[0]


def _slice(rw: Rewriter, node: Node, bounds: Interval) -> GraphTensor | None:
    """`x[i]` as a row."""
    if node.op.name != "StridedSlice" or node.attrs["shrink_axis_mask"] != 1 or any(node.attrs[m] for m in _MASKS):
        return None
    table, begin = node.inputs[:2]
    made: Any = begin.node  # type: ignore[attr-defined]
    if begin.dims != (1,) or made.op.name not in ("Reshape", "Pack", "ExpandDims") or made.inputs[0].dims != ():
        return None
    index = made.inputs[0]
    found, size = bounds(index), table.dims[0] if table.dims else None
    if found is None or size is None or found[0] < -size or found[1] >= size or found[0] < 0 <= found[1]:
        return None
    at = scaled(rw, rw[index], 1, size if found[0] < 0 else 0, node)
    return rw.add(OPS["Row"], (rw[table], at), {}, like=node)[0]
