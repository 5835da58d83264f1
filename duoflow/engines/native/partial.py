"""Large reductions to few results in two stages, so that threads can share them.

A reduction of the leading dimensions to few elements has too few outputs to divide among threads. It is split in
parts of equal size, reduced one by one, and then together. The split depends on sizes only: results are the same for
any number of threads.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from duoflow.core.graph import Graph, Node
from duoflow.core.late import F
from duoflow.core.lowering import Reduction
from duoflow.core.record import OPS, Kind
from duoflow.core.tensor import GraphTensor
from duoflow.passes.rewrite import Rewriter

from .expression import describe

__all__ = ["split_reductions"]

_FEWEST_ELEMENTS = 1 << 16
_MOST_RESULTS = 256
_PARTS = range(32, 7, -1)


def split_reductions(graph: Graph) -> Graph:
    """The graph with large reductions to few elements in two stages."""
    parts = {id(n): p for n in graph.nodes if n.op.kind is Kind.REDUCTION and (p := _parts(n))}
    if not parts:
        return graph
    rw = Rewriter(graph)
    for node in graph.nodes:
        if id(node) not in parts:
            rw.copy(node)
            continue
        with rw.building(node):
            out = _in_two_stages(rw, node, parts[id(node)])
        rw.bind(node.outputs[0], out)
    return rw.finish()


def _parts(node: Node) -> int:
    """In how many parts to reduce, or 0."""
    if not {"axis", "keepdims"} <= node.attrs.keys():
        return 0
    found = describe(node)
    if not isinstance(found, Reduction) or found.axes != tuple(range(len(found.axes))):
        return 0
    shape: Any = node.inputs[0].dims
    size, count = math.prod(shape), math.prod(shape[: len(found.axes)])
    if size < _FEWEST_ELEMENTS or size // count > _MOST_RESULTS:
        return 0
    return next((p for p in _PARTS if count % p == 0), 0)


def _in_two_stages(rw: Rewriter, node: Node, parts: int) -> GraphTensor:
    found: Reduction = describe(node)
    x: Any = rw[node.inputs[0]]
    count = math.prod(x.dims[: len(found.axes)])
    op = OPS["Sum"] if found.mean else node.op
    attrs = node.attrs | {"keepdims": False}
    apart = F.reshape(x, (parts, count // parts, *x.dims[len(found.axes) :]))
    (each,) = rw.add(op, (apart,), attrs | {"axis": (1,)}, like=node)
    (out,) = rw.add(op, (each,), attrs | {"axis": (0,)}, like=node)
    if found.mean:
        out = out / F.constant(np.asarray(count, out.dtype.numpy))
    return F.reshape(out, node.outputs[0].dims)  # type: ignore[no-any-return]
