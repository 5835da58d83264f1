"""Elementwise work that is cheaper to do again wherever its result is read than to store.

A few instructions on one tensor that is in memory anyway (twice x for the gradient of its square, a bias, a mask) cost
less than writing the result and reading it back. Such a node is looked through like a view: see `Recomputed`.
"""

from __future__ import annotations

from typing import Any

from duoflow.core import lowering
from duoflow.core.graph import CONST, Graph, Node
from duoflow.core.tensor import GraphTensor

from .expression import INDEXED, VIEWS, Counting, Elementwise, Recomputed, uniform_value
from .static import elements, inputs_of, output_of

__all__ = ["recomputed"]

#: Smaller results stay in the cache.
_FEWEST_ELEMENTS = 1 << 14
#: The most instructions that are done again.
_MOST_COST = 8
#: An operand that is smaller than the result by this factor costs nothing to read.
_SMALL = 8


def recomputed(graph: Graph, descriptions: dict[int, Any]) -> dict[int, Recomputed]:
    """The nodes (by id) that their readers compute, given what all nodes are."""
    stored = _stored(graph, descriptions)
    chosen: dict[int, Recomputed] = {}
    for node in graph.nodes:
        found = descriptions.get(id(node))
        if not isinstance(found, Elementwise) or found.can_fail:
            continue
        out = output_of(node)
        if elements(out) < _FEWEST_ELEMENTS or id(out) in stored:
            continue
        sources = {id(s): s for t in inputs_of(node) if (s := _source(t, descriptions)) is not None}
        large = [s for s in sources.values() if _SMALL * elements(s) > elements(out)]
        if any(s.dtype.size > out.dtype.size for s in large):
            continue
        cost = found.cost + sum(chosen[id(s.node)].cost for s in sources.values() if id(s.node) in chosen)
        if len(large) < 2 and cost <= _MOST_COST:
            chosen[id(node)] = Recomputed(cost)
    return chosen


def _source(tensor: GraphTensor, descriptions: dict[int, Any]) -> GraphTensor | None:
    """What is behind views; None for what is not in memory at all."""
    while isinstance(found := descriptions.get(id(tensor.node)), VIEWS):
        if isinstance(found, Counting):
            return None
        tensor = inputs_of(tensor.node)[0]
    return None if tensor.node.op is CONST and uniform_value(tensor) is not None else tensor


def _stored(graph: Graph, descriptions: dict[int, Any]) -> set[int]:
    """Tensors (by id) that must be in memory, as something other than a loop reads them."""
    stored: set[int] = set()

    def need(tensor: Any) -> None:
        stored.add(id(tensor))
        while isinstance(descriptions.get(id(tensor.node)), lowering.Reshape):
            tensor = tensor.node.inputs[0]
            stored.add(id(tensor))

    for tensor in graph.outputs:
        need(tensor)
    for node in graph.nodes:
        for position, tensor in enumerate(node.inputs):
            if not _looks_through(node, position, descriptions):
                need(tensor)
    return stored


def _looks_through(node: Node, position: int, descriptions: dict[int, Any]) -> bool:
    """Whether a node is computed by loops that can compute this input themselves."""
    found = descriptions.get(id(node))
    if isinstance(found, INDEXED):
        return position > 0
    return isinstance(found, (*VIEWS, Elementwise, lowering.Reduction, lowering.Concat))
