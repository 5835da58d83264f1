"""Calls of traced functions: the ops PartitionedCall and StatefulPartitionedCall, with the function's graph as `body`.

In a graph a call is one node, which passes inline. Run eagerly under tapes, the function that runs is a copy that also
gives out what the gradient needs (one level for each order of differentiation that the tapes may ask for); the
gradient is then a call of its own. In a graph, differentiating a call gives the node those further outputs.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from duoflow.core import dtypes
from duoflow.core.composite import expand, pack
from duoflow.core.context import context, entered
from duoflow.core.emit import emit
from duoflow.core.engine import run_graph
from duoflow.core.graph import Graph, Node
from duoflow.core.late import F
from duoflow.core.record import Effect, Kind, Op, register
from duoflow.core.spec import Spec
from duoflow.core.tensor import GraphTensor, Tensor, convert

from .subgraphs import Pullback, differentiate, effects_of, is_differentiable, is_pure, zeros_for

__all__: list[str] = []


@dataclass
class Level:
    """One order of differentiation: cotangents of outputs, from those of which all come before `saved` was added."""

    pullback: Pullback
    saved: list[tuple[str, Any]]
    """Where a caller finds what the backward graph takes: ("input", i), ("output", i) or ("outside", tensor)."""

    def operands(self, inputs: Sequence[Tensor], outputs: Sequence[Tensor]) -> list[Tensor]:
        """The saved tensors of a call with these inputs and outputs."""
        table: dict[str, Any] = {"input": inputs, "output": outputs}
        return [table[kind][where] if kind in table else where for kind, where in self.saved]

    def element_of(self, output: int) -> Tensor | None:
        """What the list has as elements that a node with this level gives as an output; None if it is no such list."""
        return None


def levels_of(graph: Graph) -> list[Level]:
    """The derivatives that a graph was made to serve."""
    levels: list[Level] = graph.extras.get("levels", [])
    return levels


def place_saved(pullback: Pullback, outputs: list[Tensor]) -> list[tuple[str, Any]]:
    """Say where each saved tensor is found; internal ones are appended to `outputs`."""
    inputs = {id(t): i for i, t in enumerate(pullback.forward.inputs)}
    places: list[tuple[str, Any]] = []
    for tensor in pullback.saved:
        if id(tensor) in inputs:
            places.append(("input", inputs[id(tensor)]))
        elif pullback.is_internal(tensor):
            places.append(("output", len(outputs)))
            outputs.append(tensor)
        else:
            places.append(("outside", tensor))
    return places


def extended(graph: Graph, given: Iterable[int], wanted: Iterable[int]) -> Graph:
    """A copy of a graph with further outputs that serve one more level."""
    pullback = differentiate(graph, tuple(given), tuple(wanted))
    pullback.finish(expand([r for r in pullback.results if r is not None]))
    _pass_as_tensors(pullback)
    forward = pullback.forward
    places = place_saved(pullback, forward.outputs)
    forward.extras["levels"] = [*levels_of(graph), Level(pullback, places)]
    return forward


def _pass_as_tensors(pullback: Pullback) -> None:
    """Let what loops keep go from the forward to the backward graph as tensors: lists would be read in Python."""
    forward, backward = pullback.forward, pullback.backward
    first = len(backward.inputs) - len(pullback.saved)
    for position, items in enumerate(pullback.saved):
        element = _element_of(items) if pullback.is_internal(items) else None
        if element is None or element.dtype is dtypes.variant or not element.spec.known:
            continue
        with entered(graph=forward, tapes=(), control=(), scope=""):
            pullback.saved[position] = stacked = F.tensor_list_stack(items, element.dtype, element.dims)
        have = len(backward.nodes)
        with pullback.building():
            given = backward.placeholder(stacked.dtype, stacked.dims, "saved")
            opened = F.tensor_list_from_tensor(given)
        backward.nodes[:] = backward.nodes[have:] + backward.nodes[:have]
        before, backward.inputs[first + position] = backward.inputs[first + position], given
        for node in backward.nodes:
            node.inputs = tuple([opened if t is before else t for t in node.inputs])


def _element_of(items: Tensor) -> Tensor | None:
    """The tensor of a loop's body whose values a list has."""
    assert isinstance(items, GraphTensor)
    body = items.node.attrs.get("body")
    levels = levels_of(body) if isinstance(body, Graph) else []
    return next((found for level in levels if (found := level.element_of(items.index)) is not None), None)


def _differentiable(tensors: Iterable[Tensor]) -> tuple[int, ...]:
    return tuple([i for i, t in enumerate(tensors) if is_differentiable(t)])


def _for_tapes(graph: Graph, inputs: Sequence[Tensor]) -> Graph:
    """The version of a function that serves the tapes that watch a call's inputs."""
    watching = [tape for tape in context.tapes if any(map(tape.watches, inputs))]
    if not watching:
        return graph
    wanted = tuple([i for i, t in enumerate(inputs) if any(tape.watches(t) for tape in watching)])
    wanted = tuple([i for i in wanted if is_differentiable(inputs[i])])
    cache = graph.extras.setdefault("for_tapes", {})
    versions = cache.setdefault(wanted, [graph])
    order = sum(2 if tape.persistent else 1 for tape in watching)
    while len(versions) <= order:
        latest = versions[-1]
        given = [i for i in _differentiable(latest.outputs) if latest.outputs[i].dtype.name != "resource"]
        versions.append(extended(latest, given, wanted))
    return versions[order]  # type: ignore[no-any-return]


# -- the ops -----------------------------------------------------------------------------------------------------------


def _infer(*specs: Spec, body: Graph) -> tuple[Spec, ...]:
    return tuple([t.spec for t in body.outputs])


def _evaluate(*values: Any, body: Graph) -> tuple[Any, ...]:
    return tuple(run_graph(body, values))


def _gradient(node: Node, *grads: Any) -> list[Any]:
    given = [i for i, g in enumerate(grads) if g is not None]
    outputs = node.outputs
    level = find_level(node.attrs["body"], given)
    if level is None:
        outputs, level = _one_level_more(node, given)
    cotangents = [
        convert(grads[i]) if i < len(grads) and grads[i] is not None else zeros_for(outputs[i])
        for i in level.pullback.given
    ]
    results = call(level.pullback.backward, [*cotangents, *level.operands(node.inputs, outputs)], f"{node.name}_grad")
    connected = [r for r in level.pullback.results if r is not None]
    found = iter(pack(connected, results))
    by_input = {
        i: next(found) for i, r in zip(level.pullback.wanted, level.pullback.results, strict=True) if r is not None
    }
    return [by_input.get(i) for i in range(len(node.inputs))]


def find_level(graph: Graph, given: Iterable[int]) -> Level | None:
    """A level that takes cotangents of all outputs in `given`."""
    asked = set(given)
    return next((level for level in levels_of(graph) if asked <= set(level.pullback.given)), None)


def _one_level_more(node: Node, given: Sequence[int]) -> tuple[tuple[Tensor, ...], Level]:
    body = node.attrs["body"]
    forward = extended(body, given, _differentiable(node.inputs))
    level = levels_of(forward)[-1]
    if node.graph is not None:
        widen(node, {"body": forward})
        return node.outputs, level
    if effects_of(body) is not Effect.NONE:
        raise LookupError(
            "A derivative of higher order than the tapes around the call foresaw was asked for, of a function with "
            "side "
            "effects, which cannot be run again. Use one nested tf.GradientTape for each order."
        )
    return emit(node.op, node.inputs, {"body": forward}), level


def widen(node: Node, attrs: dict[str, Any], inputs: tuple[Tensor, ...] | None = None) -> None:
    """Give a node of a graph other sub-graphs that have further outputs."""
    node.attrs = {**node.attrs, **attrs}
    if inputs is not None:
        node.inputs = inputs
    specs = node.op.infer(*[t.spec for t in node.inputs], **node.attrs)
    have = len(node.outputs)
    node.outputs += tuple([GraphTensor(node, have + i, spec) for i, spec in enumerate(specs[have:])])
    for tape in context.tapes:
        tape.widened(node)


PURE_CALL = register(Op("PartitionedCall", Kind.CONTROL, _infer, _evaluate, _gradient, checked=False, num_outputs=None))
CALL = register(
    Op(
        "StatefulPartitionedCall",
        Kind.CONTROL,
        _infer,
        _evaluate,
        _gradient,
        Effect.READ | Effect.WRITE | Effect.IO,
        checked=False,
        num_outputs=None,
    )  # fmt: skip
)


def call(graph: Graph, inputs: Sequence[Tensor], name: str | None = None) -> tuple[Tensor, ...]:
    """The outputs of a traced function for `inputs`, which correspond to `graph.all_inputs`."""
    body = _for_tapes(graph, inputs) if context.tapes and context.graph is None else graph
    outputs = emit(PURE_CALL if is_pure(graph) else CALL, tuple(inputs), {"body": body}, name)
    return outputs[: len(graph.outputs)]
