"""Why a run failed.

A kernel that finds an operand that is not allowed (an index out of range, a divisor of zero) only clears a byte. The
nodes it computes are then evaluated once more by their NumPy meaning, with what they are made from: the error that one
of them raises names the operand and the user's line, as in eager mode.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from duoflow.core.errors import InvalidArgumentError, with_origin
from duoflow.core.graph import Graph, Node
from duoflow.passes.prune import acts

from ..reference import evaluate_node

__all__ = ["raise_error"]


def raise_error(graph: Graph, suspects: Iterable[Node], known: Callable[[Any], Any]) -> None:
    """Raise the error of the first suspect that does not take its inputs.

    `known(tensor)` gives the value of a tensor that the run left intact (an input, a constant, what the host computed)
    or None; the rest is computed again.
    """
    nodes = list(suspects)
    wanted = {id(n) for n in nodes}
    values: dict[int, Any] = {}
    for node in _with_ancestors(graph, wanted, known, values):
        if acts(node):  # what it did must not be done twice
            break
        results = evaluate_node(node, [values[id(t)] for t in node.inputs])
        values.update((id(t), r) for t, r in zip(node.outputs, results, strict=True))
    message = f"{{{{node {nodes[0].name}}}}} was given operands that are not allowed [Op:{nodes[0].op.name}]"
    raise InvalidArgumentError(None, nodes[0], with_origin(message, nodes[0].origin))


def _with_ancestors(graph: Graph, wanted: set[int], known: Callable[[Any], Any], values: dict[int, Any]) -> list[Node]:
    """The nodes wanted and those that they are computed from, in program order; what is known goes to `values`."""
    needed: set[int] = set()
    out = []
    for node in reversed(graph.nodes):
        if id(node) not in wanted and not any(id(t) in needed for t in node.outputs):
            continue
        out.append(node)
        for tensor in node.inputs:
            value = values.get(id(tensor), known(tensor))
            if value is None:
                needed.add(id(tensor))
            else:
                values[id(tensor)] = value
    return out[::-1]
