"""Take out what only serves debugging: assertions, numeric checks and prints. Runs when a program asks for it."""

from __future__ import annotations

from duoflow.core.graph import Graph

from .rewrite import Rewriter

__all__ = ["strip_debug"]

_GONE = {"Assert", "Print", "PrintV2"}
_PASSED_ON = {"CheckNumerics", "CheckNumericsV2"}


def strip_debug(graph: Graph) -> Graph:
    """The graph without assertions, checks and prints."""
    if not any(node.op.name in _GONE | _PASSED_ON for node in graph.nodes):
        return graph
    rw = Rewriter(graph)
    for node in graph.nodes:
        if node.op.name in _PASSED_ON:
            rw.replace(node, rw.inputs(node))
        elif node.op.name not in _GONE or node.outputs:
            rw.copy(node)
    return rw.finish()
