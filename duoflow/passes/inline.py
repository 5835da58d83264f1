"""Put the bodies of called functions in the place of the calls, and what has a custom gradient in the place of that.

Where the caller knows more of the shapes than the function was traced for, so does what is put there.
"""

from __future__ import annotations

from duoflow.core import shapes
from duoflow.core.graph import PLACEHOLDER, Graph, Node

from .rewrite import Rewriter
from .specialize import specialize

__all__ = ["CALLS", "inline"]

#: Ops that call the graph in their attribute `body` with their inputs.
CALLS = {"PartitionedCall", "StatefulPartitionedCall"}

#: Gives its first inputs; tells differentiation, which is over by now, how they are differentiated.
_MARK = "CustomGradient"


def _body(node: Node) -> Graph | None:
    graph = node.attrs.get("body")
    return graph if node.op.name in CALLS and isinstance(graph, Graph) else None


def inline(graph: Graph) -> Graph:
    """The graph without calls; calls inside what is inlined are inlined in turn."""
    if not any(_body(node) is not None or node.op.name == _MARK for node in graph.nodes):
        return graph
    rw = Rewriter(graph)
    _copy_all(rw, graph, "")
    return rw.finish()


def _copy_all(rw: Rewriter, graph: Graph, prefix: str) -> None:
    for node in graph.nodes:
        body = _body(node)
        if node.op.name == _MARK:
            rw.replace(node, [rw[t] for t in node.inputs[: len(node.outputs)]])
            continue
        if body is None:
            if node.op is not PLACEHOLDER or not prefix:
                rw.copy(node, prefix=prefix)
            continue
        given = rw.inputs(node)
        known = [shapes.merge(inner.dims, outer.dims) for inner, outer in zip(body.all_inputs, given, strict=True)]
        if any(inner.dims != dims for inner, dims in zip(body.all_inputs, known, strict=True)):
            body = specialize(body, known)
        for inner, outer in zip(body.all_inputs, given, strict=True):
            rw.bind(inner, outer)
        _copy_all(rw, body, f"{prefix}{node.name}/")
        rw.replace(node, [rw[t] for t in body.outputs])
