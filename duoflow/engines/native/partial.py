"""Work in parts, so that threads can share it, or share it better. Parts depend on sizes only: results are the same for
any number of threads.

A reduction of the leading dimensions to few elements has too few outputs to divide among threads. It is split in
parts of equal size, reduced one by one, and then together.

A layer on a small batch is a product with few rows, which threads share by columns of the weights. The gradient of the
weights has many rows, and they share it, with the optimizer's update, by these. So half of the weights that a thread
reads were written by another, and come from its cache: half of the time of a small step. Summed in parts along the
rows of the weights, the product is shared as they are.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from duoflow.core.emit import emit_one
from duoflow.core.graph import Graph, Node
from duoflow.core.late import F
from duoflow.core.lowering import Reduction
from duoflow.core.record import OPS, Kind
from duoflow.core.tensor import GraphTensor
from duoflow.passes.rewrite import rewritten

from .expression import describe
from .static import elements, sizes

__all__ = ["split_products", "split_reductions"]

_FEWEST_ELEMENTS = 1 << 16
_MOST_RESULTS = 256
_PARTS = range(32, 7, -1)
#: Products of at most so many rows, with weights of at least so many rows and bytes, are summed in so many parts.
_FEW_ROWS, _LONG, _LARGE = 48, 512, 128 << 10
_PRODUCT_PARTS = 4


def split_reductions(graph: Graph) -> Graph:
    """The graph with large reductions to few elements in two stages."""
    return rewritten(graph, _parts, _in_two_stages)


def _parts(node: Node) -> int | None:
    """In how many parts to reduce, if in parts at all."""
    if node.op.kind is not Kind.REDUCTION or not {"axis", "keepdims"} <= node.attrs.keys():
        return None
    found = describe(node)
    if not isinstance(found, Reduction) or found.axes != tuple(range(len(found.axes))):
        return None
    shape: Any = node.inputs[0].dims
    size, count = math.prod(shape), math.prod(shape[: len(found.axes)])
    if size < _FEWEST_ELEMENTS or size // count > _MOST_RESULTS:
        return None
    return next((p for p in _PARTS if count % p == 0), None)


def _in_two_stages(node: Node, parts: int, inputs: tuple[GraphTensor, ...]) -> GraphTensor:
    found: Reduction = describe(node)
    x: Any = inputs[0]
    count = math.prod(x.dims[: len(found.axes)])
    op = OPS["Sum"] if found.mean else node.op
    attrs = node.attrs | {"keepdims": False}
    apart = F.reshape(x, (parts, count // parts, *x.dims[len(found.axes) :]))
    each = emit_one(op, (apart,), attrs | {"axis": (1,)})
    out = emit_one(op, (each,), attrs | {"axis": (0,)})
    if found.mean:
        out = out / F.constant(np.asarray(count, out.dtype.numpy))
    return F.reshape(out, node.outputs[0].dims)  # type: ignore[no-any-return]


def split_products(graph: Graph) -> Graph:
    """The graph with products of few rows by weights that it also finds a gradient of as sums of parts."""
    transposed = {id(n.inputs[0]) for n in graph.nodes if n.op.name == "MatMul" and n.attrs["transpose_a"]}
    if not transposed:
        return graph

    def parts(node: Node) -> int | None:
        if node.op.name != "MatMul" or id(node.inputs[0]) not in transposed:
            return None
        if node.attrs["transpose_a"] or node.attrs["transpose_b"]:
            return None
        if any(None in (t.dims or (None,)) for t in node.inputs):
            return None  # made of what the host's operations give
        (rows, depth), w = sizes(node.inputs[0]), node.inputs[1]
        large = depth >= _LONG and elements(w) * w.dtype.size >= _LARGE
        return _PRODUCT_PARTS if rows <= _FEW_ROWS and large and depth % _PRODUCT_PARTS == 0 else None

    return rewritten(graph, parts, _as_sum)


def _as_sum(node: Node, parts: int, inputs: tuple[GraphTensor, ...]) -> GraphTensor:
    x, w = inputs
    (rows, depth), columns = sizes(x), sizes(w)[1]
    each = F.einsum(
        "mpk,pkn->pmn", F.reshape(x, (rows, parts, depth // parts)), F.reshape(w, (parts, depth // parts, columns))
    )
    return F.reduce_sum(each, 0)  # type: ignore[no-any-return]
