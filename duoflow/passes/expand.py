"""Replace compounds that the engine has no kernel of its own for by what they are made of."""

from __future__ import annotations

from collections.abc import Container

from duoflow.core.graph import Graph
from duoflow.core.record import Kind, Op
from duoflow.core.tensor import convert

from .rewrite import Rewriter

__all__ = ["expand"]


def expand(graph: Graph, claimed: Container[str] = ()) -> Graph:
    """The graph without compounds, but for those named in `claimed`; expansions are expanded in turn."""
    while True:
        wanted = {id(n) for n in graph.nodes if _expands(n.op, claimed)}
        if not wanted:
            return graph
        rw = Rewriter(graph)
        for node in graph.nodes:
            if id(node) not in wanted:
                rw.copy(node)
                continue
            inputs = rw.inputs(node)
            with rw.building(node):
                out = node.op.expand(*inputs, **node.attrs)
                outputs = [convert(o) for o in (out if isinstance(out, (tuple, list)) else (out,))]
            rw.replace(node, outputs)
        graph = rw.finish()


def _expands(op: Op, claimed: Container[str]) -> bool:
    return op.kind is Kind.COMPOUND and op.expand is not None and op.name not in claimed
