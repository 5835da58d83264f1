"""Replace compounds that the engine has no kernel of its own for by what they are made of."""

from __future__ import annotations

from collections.abc import Container

from duoflow.core.graph import Graph, Node
from duoflow.core.record import Kind, Op
from duoflow.core.scalar import Unsupported
from duoflow.core.tensor import convert

from .rewrite import Rewriter

__all__ = ["expand"]


def expand(graph: Graph, claimed: Container[str] = ()) -> Graph:
    """The graph without compounds, but for those named in `claimed`; expansions are expanded in turn.

    A compound that cannot be expanded here (it says `Unsupported`) stays: the host evaluates it whole.
    """
    whole: set[str] = set()
    while True:
        wanted = {id(n) for n in graph.nodes if _expands(n.op, claimed) and n.name not in whole}
        if not wanted:
            return graph
        rw = Rewriter(graph)
        for node in graph.nodes:
            if id(node) not in wanted or not _expanded(rw, node):
                rw.copy(node)
                whole |= {node.name} if id(node) in wanted else set()
        graph = rw.finish()


def _expanded(rw: Rewriter, node: Node) -> bool:
    inputs = rw.inputs(node)
    try:
        with rw.building(node):
            out = node.op.expand(*inputs, **node.attrs)  # type: ignore[misc]
            outputs = [convert(o) for o in (out if isinstance(out, (tuple, list)) else (out,))]
    except Unsupported:
        return False
    rw.replace(node, outputs)  # type: ignore[arg-type]
    return True


def _expands(op: Op, claimed: Container[str]) -> bool:
    return op.kind is Kind.COMPOUND and op.expand is not None and op.name not in claimed
