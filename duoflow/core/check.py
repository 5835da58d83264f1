"""The checker: what must hold of every graph, between any two passes.

Order (inputs before use), ownership, names, agreement of each node's outputs with what its record infers now.
"""

from __future__ import annotations

from . import shapes
from .errors import OpError
from .graph import Graph, Node
from .printer import show_node
from .record import Kind
from .tensor import GraphTensor

__all__ = ["check_graph"]


class GraphError(AssertionError):
    """A graph breaks an invariant; the message shows the node."""


def check_graph(graph: Graph, after: str = "") -> None:
    """Raise `GraphError` if the graph breaks an invariant; `after` names the pass that made it."""
    seen: set[int] = set()
    names: set[str] = set()
    for node in graph.nodes:
        _check_node(graph, node, seen, after)
        if node.name in names:
            raise GraphError(_say(node, after, f"the name {node.name!r} is used twice"))
        names.add(node.name)
        seen.update(id(t) for t in node.outputs)
        for inner in node.subgraphs:
            check_graph(inner, after)
    for tensor in [*graph.outputs, *graph.all_inputs]:
        if id(tensor) not in seen:
            raise GraphError(f"after {after or 'tracing'}: {tensor!r} is an input or output but no node gives it")


def _check_node(graph: Graph, node: Node, seen: set[int], after: str) -> None:
    if node.graph is not graph:
        raise GraphError(_say(node, after, "it belongs to another graph"))
    for tensor in node.inputs:
        if id(tensor) not in seen:
            raise GraphError(_say(node, after, f"its input {tensor!r} is not made before it in this graph"))
    if node.op.kind is Kind.CONTROL:
        return
    specs = [t.spec for t in node.inputs]
    try:
        inferred = node.op.infer(*specs, **node.attrs)
    except (ValueError, OpError):
        return  # sizes that came with the inputs do not fit: the run says so, with the node's line
    inferred = inferred if isinstance(inferred, tuple) else (inferred,)
    if len(inferred) != len(node.outputs):
        raise GraphError(_say(node, after, f"it has {len(node.outputs)} outputs, inference says {len(inferred)}"))
    for tensor, spec in zip(node.outputs, inferred, strict=True):
        assert isinstance(tensor, GraphTensor)
        if tensor.spec.dtype is not spec.dtype or not shapes.compatible(tensor.spec.shape, spec.shape):
            raise GraphError(_say(node, after, f"an output is {tensor.spec}, inference says {spec}"))


def _say(node: Node, after: str, why: str) -> str:
    return f"after {after or 'tracing'}: {show_node(node)}: {why}"
