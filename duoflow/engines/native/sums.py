"""Contractions that are no matrix products for the kernels, as sums of products: integers, many batch dimensions.

The product is never stored: a loop kernel adds up what it multiplies.
"""

from __future__ import annotations

from duoflow.core.graph import Graph, Node
from duoflow.core.late import F
from duoflow.core.lowering import Contraction
from duoflow.core.record import Kind
from duoflow.core.scalar import Unsupported
from duoflow.core.tensor import GraphTensor
from duoflow.passes.rewrite import rewritten

from .contract import as_gemm
from .expression import describe
from .static import sizes

__all__ = ["contractions_as_sums"]


def contractions_as_sums(graph: Graph) -> Graph:
    """The graph with contractions that are no matrix products as products, elementwise, and sums."""
    return rewritten(graph, _description, lambda node, description, inputs: _summed(description, *inputs))


def _description(node: Node) -> Contraction | None:
    """How a contraction is described that is no matrix product; None if it is one, or has diagonals."""
    found = describe(node) if node.op.kind is Kind.CONTRACTION else None
    if not isinstance(found, Contraction) or any(len(set(s)) < len(s) for s in (found.left, found.right)):
        return None
    out = node.outputs[0].dtype
    if out.is_bool or any(t.dtype is not out for t in node.inputs):
        return None
    try:
        as_gemm(node, found)
    except Unsupported:
        return found
    return None


def _summed(contraction: Contraction, a: GraphTensor, b: GraphTensor) -> GraphTensor:
    out = list(contraction.out)
    summed = [l for l in dict.fromkeys((*contraction.left, *contraction.right)) if l not in out]
    # Vectors run along the last dimension: one that is contiguous in an operand.
    last = out[-1:] if out and out[-1] in (contraction.left[-1:] + contraction.right[-1:]) else []
    order = [*out[: len(out) - len(last)], *summed, *last]
    product = _spread(a, contraction.left, order) * _spread(b, contraction.right, order)
    return F.reduce_sum(product, [order.index(l) for l in summed])  # type: ignore[no-any-return]


def _spread(x: GraphTensor, labels: tuple[int, ...], order: list[int]) -> GraphTensor:
    """An operand with its dimensions in an order, and of size 1 where it has none."""
    own = [l for l in order if l in labels]
    moved = F.transpose(x, [labels.index(l) for l in own])
    shape = dict(zip(labels, sizes(x), strict=True))
    return F.reshape(moved, [shape.get(l, 1) for l in order])  # type: ignore[no-any-return]
