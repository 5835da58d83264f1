"""Keep the nodes that the outputs and the effects need.

Reading state is an effect that nobody misses; writing and input/output stay. Inputs stay whether used or not: they
are the signature.
"""

from __future__ import annotations

from duoflow.core.graph import PLACEHOLDER, Graph, Node
from duoflow.core.record import Effect

from .rewrite import Rewriter

__all__ = ["acts", "prune"]

_KEPT = Effect.WRITE | Effect.IO


def acts(node: Node) -> bool:
    """Whether running the node does more than give its outputs."""
    if inner := node.subgraphs:
        return any(acts(n) for graph in inner for n in graph.nodes)
    return bool(node.op.effects & _KEPT)


def prune(graph: Graph) -> Graph:
    """The graph without its dead nodes."""
    needed = {id(t) for t in (*graph.outputs, *graph.all_inputs)}
    after: set[int] = set()
    live: set[int] = set()
    for node in reversed(graph.nodes):
        if any(id(t) in needed for t in node.outputs) or id(node) in after or acts(node):
            live.add(id(node))
            needed.update(id(t) for t in node.inputs)
            after.update(id(n) for n in node.control_inputs)
    if len(live) == len(graph.nodes):
        return graph
    inputs = {id(t) for t in graph.all_inputs}
    rw = Rewriter(graph)
    for node in graph.nodes:
        if id(node) in live or (node.op is PLACEHOLDER and id(node.outputs[0]) in inputs):
            rw.copy(node)
    return rw.finish()
