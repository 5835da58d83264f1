"""What is inside loops and branches gets the passes of the graph around it, and loops are made to carry less.

The graphs of a control node are tied to the shapes and constants that come in, and go through the passes that an
engine wants of every graph (`lower`); they are then marked as done, so that whoever compiles them need not do it
again. Graphs that take handles or objects, or whose shapes are not known, are left to the host as they are.
"""

from __future__ import annotations

from collections.abc import Callable

from duoflow.core.graph import Graph, Node
from duoflow.core.tensor import GraphTensor

from .assume import ASSUMED
from .fission import fission
from .inline import inline
from .invariants import hoist
from .loop_variables import LOOPS, LOWERED, fewer_variables, is_lowered
from .prune import prune
from .ranges import use_ranges
from .rewrite import Rewriter
from .saved import recompute_saved
from .sink import sink
from .specialize import specialize
from .trips import known_value

__all__ = ["lower_inside"]

#: Constants of no more elements than this become constants of the graphs that they are passed to.
_SUNK_ELEMENTS = 64
_HANDLED = (*LOOPS, "If", "StatelessIf", "Case", "StatelessCase")


def lower_inside(graph: Graph, lower: Callable[[Graph], Graph]) -> Graph:
    """The graph with the graphs inside it lowered, and its loops made lighter."""
    if not any(node.op.name in _HANDLED for node in graph.nodes):
        return graph
    rw = Rewriter(graph)
    for node in graph.nodes:
        inputs = rw.inputs(node)
        if node.op.name in _HANDLED and _is_plain(node, inputs):
            table = {id(g): _lowered(g, node, inputs, lower) for g in node.subgraphs}
            attrs = {
                k: tuple([table[id(g)] for g in v]) if type(v) is tuple else table[id(v)] for k, v in node.attrs.items()
            }
            rw.copy(node, attrs=attrs)
        else:
            rw.copy(node)
    out = _again(use_ranges(fewer_variables(recompute_saved(fewer_variables(rw.finish())))), lower)
    out = use_ranges(out)  # of the rows that simplification found
    apart = fission(out)
    return hoist(out if apart is out else _again(fewer_variables(apart), lower))


def _again(graph: Graph, lower: Callable[[Graph], Graph]) -> Graph:
    """The graph with its loops' bodies through the passes once more."""
    rw = Rewriter(graph)
    for node in graph.nodes:
        if node.op.name in LOOPS and is_lowered(node.attrs["body"]):
            rw.copy(node, attrs={**node.attrs, "body": _marked(lower(node.attrs["body"]))})
        else:
            rw.copy(node)
    return rw.finish()


def _marked(graph: Graph) -> Graph:
    graph.extras[LOWERED] = True
    return graph


def _is_plain(node: Node, inputs: tuple[GraphTensor, ...]) -> bool:
    return ASSUMED not in node.op.tags and all(
        t.spec.known and t.dtype.numpy.kind != "O" for t in (*inputs, *node.outputs)
    )


def _lowered(graph: Graph, node: Node, inputs: tuple[GraphTensor, ...], lower: Callable[[Graph], Graph]) -> Graph:
    if is_lowered(graph):
        return graph
    changing = len(node.outputs) if node.op.name in LOOPS else 0
    given = inputs[len(inputs) - len(graph.all_inputs) :]
    known = {}
    for k, tensor in enumerate(given):
        value = known_value(tensor) if k >= changing else None
        if value is not None and value.size <= _SUNK_ELEMENTS and value.dtype.kind in "biufc":
            known[k] = value
    return _marked(lower(specialize(sink(prune(inline(graph)), known), [t.dims for t in given])))
