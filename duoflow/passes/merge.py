"""Make equal computations one: the same pure op on the same inputs with the same attributes is computed once."""

from __future__ import annotations

from typing import Any

from duoflow.core.dtypes import variant
from duoflow.core.graph import CONST, PLACEHOLDER, Graph, Node
from duoflow.core.record import Kind, attrs_key

from .rewrite import Rewriter

__all__ = ["merge"]

#: Constants of more elements than this are compared by identity, not by content.
_COMPARED_ELEMENTS = 4096


def _key(node: Node, inputs: tuple[Any, ...]) -> Any:
    if node.op is CONST:
        array = node.attrs["value"].array
        small = getattr(array, "size", 0) <= _COMPARED_ELEMENTS
        return (CONST.name, node.attrs["value"] if small else id(array))
    return (node.op.name, tuple([id(t) for t in inputs]), attrs_key(node.attrs))


def _gives_objects(node: Node) -> bool:
    """Lists are persistent, but quick only for whoever uses the newest version: each user wants one of its own."""
    return any(t.dtype is variant for t in node.outputs)


def merge(graph: Graph) -> Graph:
    """The graph with equal pure nodes merged into their first."""
    rw = Rewriter(graph)
    first: dict[Any, Node] = {}
    for node in graph.nodes:
        if not node.op.pure or node.op is PLACEHOLDER or node.op.kind is Kind.CONTROL or _gives_objects(node):
            rw.copy(node)
            continue
        key = _key(node, rw.inputs(node))
        try:
            found = first.get(key)
        except TypeError:  # an attribute that cannot be compared
            rw.copy(node)
            continue
        if found is None:
            first[key] = rw.copy(node)
        else:
            rw.replace(node, found.outputs)  # type: ignore[arg-type]
    return rw.undo() if len(rw.graph.nodes) == len(graph.nodes) else rw.finish()
