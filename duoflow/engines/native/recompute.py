"""Elementwise work that is cheaper to do again wherever its result is read than to store.

A few instructions on one tensor that is in memory anyway (twice x for the gradient of its square, a bias, a mask) cost
less than writing the result and reading it back; so do those on several, if there is a single reader, even where that
wants the result in another order. Such a node is looked through like a view: see `Recomputed`.
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
_SMALL = 4
#: The most large operands of what has a single reader; what has several is computed from one.
_MOST_OPERANDS = 3
#: How many times each element may be computed for one reader.
_MOST_TIMES = 4


def recomputed(graph: Graph, descriptions: dict[int, Any]) -> dict[int, Recomputed]:
    """The nodes (by id) that their readers compute, given what all nodes are."""
    stored, readers = _stored(graph, descriptions), _readers(graph, descriptions)
    chosen: dict[int, Recomputed] = {}
    #: The tensors in memory (by id) that what is chosen is computed from.
    origins: dict[int, dict[int, GraphTensor]] = {}
    for node in graph.nodes:
        found = descriptions.get(id(node))
        if not isinstance(found, Elementwise) or found.can_fail:
            continue
        out = output_of(node)
        count, own = elements(out), readers.get(id(out), [])
        if count < _FEWEST_ELEMENTS or id(out) in stored or any(_reach(r) > _MOST_TIMES * count for r in own):
            continue
        sources = {id(s): s for t in inputs_of(node) if (s := _source(t, descriptions)) is not None}
        cost = found.cost + sum(chosen[id(s.node)].cost for s in sources.values() if id(s.node) in chosen)
        read: dict[int, GraphTensor] = {}
        for key, source in sources.items():
            read |= origins.get(id(source.node), {key: source})
        large = [s for s in read.values() if _SMALL * elements(s) > count]
        narrows = any(s.dtype.size > out.dtype.size for s in large)
        few = len(large) <= _MOST_OPERANDS if len(own) == 1 else len(large) <= 1 and not narrows
        if few and cost <= _MOST_COST:
            chosen[id(node)], origins[id(node)] = Recomputed(cost), read
    return chosen


def _reach(node: Node) -> int:
    """For how many elements a node asks its operands."""
    return max(elements(t) for t in (*node.inputs, *node.outputs))


def _readers(graph: Graph, descriptions: dict[int, Any]) -> dict[int, list[Node]]:
    """The nodes that read each tensor (by id), or views of it."""
    readers: dict[int, list[Node]] = {}
    for node in reversed(graph.nodes):
        is_view = isinstance(descriptions.get(id(node)), VIEWS)
        seen = [r for t in node.outputs for r in readers.get(id(t), [])] if is_view else [node]
        for tensor in {id(t): t for t in node.inputs}.values():
            readers.setdefault(id(tensor), []).extend(seen)
    return readers


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
