"""Graphs inside graphs: tracing a Python function into one, and differentiating one.

A closed graph has no captures: everything it takes from outside is an input, and the op that holds it supplies it.

    trace_into(graph, function)       calls it so that its ops go into the graph
    close([graph, ...])               makes inputs of the captures and returns what they stand for
    differentiate(graph, given, wanted) -> Pullback
        .forward   a copy of the graph in which the tensors that the gradient needs can be given out
        .backward  cotangents of the outputs `given`, then `saved`  ->  cotangents of the inputs `wanted`
        .saved     what the backward graph takes besides: tensors of `forward`, or from outside of both
"""

from __future__ import annotations

import weakref
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from duoflow.core import dtypes
from duoflow.core.autodiff import GradientTape, backpropagate, between
from duoflow.core.context import context, entered
from duoflow.core.emit import emit_one
from duoflow.core.graph import CONST, Graph, Node
from duoflow.core.indexed_slices import IndexedSlices
from duoflow.core.late import F
from duoflow.core.record import Effect
from duoflow.core.spec import Spec
from duoflow.core.state import READ
from duoflow.core.tensor import GraphTensor, Tensor, convert
from duoflow.core.variables import Variable

__all__ = [
    "AccessWatcher", "Copy", "Pullback", "close", "copy_graph", "dense", "differentiate", "effects_of",
    "is_differentiable", "is_pure",
    "report_reads", "trace_into", "zeros_for",
]  # fmt: skip


# -- tracing -----------------------------------------------------------------------------------------------------------


class AccessWatcher(GradientTape):
    """Stands for the tapes outside while a sub-graph is traced: notes which variables are read, records nothing."""

    def __init__(self) -> None:
        super().__init__()
        self.read: dict[int, Variable] = {}

    def record(self, node: Node) -> None:
        """Nothing: what the tapes outside see is the op that holds the graph."""

    def variable_accessed(self, variable: Variable) -> None:
        """Note a variable."""
        self.read.setdefault(id(variable.handle), variable)


def report_reads(variables: Sequence[Variable]) -> None:
    """Tell the tapes that these variables are about to be read by an op that holds a graph."""
    for tape in context.tapes:
        for variable in variables:
            tape.variable_accessed(variable)


def trace_into(graph: Graph, function: Callable[..., Any], *args: Any) -> tuple[Any, list[Variable]]:
    """Call a function so that its ops go into `graph`; returns its result and the variables it read."""
    watcher = AccessWatcher()
    with entered(graph=graph, tapes=(watcher,), control=(), scope=""):
        result = function(*args)
    return result, list(watcher.read.values())


def close(graphs: Sequence[Graph]) -> list[Tensor]:
    """Make inputs of the captures of several graphs, the same for each; returns the captured tensors."""
    captured = {key: outside for graph in graphs for key, (outside, _) in graph.captures.items()}
    for graph in graphs:
        graph.inputs += [graph.capture(outside) for outside in captured.values()]
    for graph in graphs:
        graph.captures = {}
    return list(captured.values())


def effects_of(graph: Graph) -> Effect:
    """All effects of the nodes of a graph and of the graphs inside it."""
    out = Effect.NONE
    for node in graph.nodes:
        inner = node.subgraphs
        for graph_inside in inner:
            out |= effects_of(graph_inside)
        if not inner:
            out |= node.op.effects
    return out


_pure: weakref.WeakKeyDictionary[Graph, bool] = weakref.WeakKeyDictionary()


def is_pure(graph: Graph) -> bool:
    """Whether a finished graph only computes."""
    found = _pure.get(graph)
    if found is None:
        found = _pure[graph] = effects_of(graph) is Effect.NONE
    return found


class Copy(Graph):
    """A closed copy of a graph. `twins` tells, for a tensor of what was copied, the one that stands for it here."""

    def __init__(self, graph: Graph) -> None:
        super().__init__(graph.name, True, graph.outer)
        self.twins: dict[int, tuple[Tensor, GraphTensor]] = {}


def copy_graph(graph: Graph) -> Copy:
    """The same nodes under the same names in a graph of their own, captures made inputs."""
    new = Copy(graph)
    new.seed = graph.seed
    if "gradients" in graph.extras:
        new.extras["gradients"] = graph.extras["gradients"]
    table: dict[int, GraphTensor] = {}
    nodes: dict[int, Node] = {}
    for node in graph.nodes:
        inputs = tuple([table[id(t)] for t in node.inputs])
        control = tuple([nodes[id(n)] for n in node.control_inputs if id(n) in nodes])
        twin = Node(node.op, inputs, node.attrs, (), node.name, new, control, node.origin, node.device)
        twin.outputs = tuple([GraphTensor(twin, t.index, t._spec) for t in node.outputs])  # type: ignore[attr-defined]
        table.update({id(t): u for t, u in zip(node.outputs, twin.outputs, strict=True)})  # type: ignore[misc]
        new.twins.update({id(t): (t, u) for t, u in zip(node.outputs, twin.outputs, strict=True)})  # type: ignore[misc]
        nodes[id(node)] = twin
        new.nodes.append(twin)
        new._by_name[twin.name] = twin
    if isinstance(graph, Copy):
        new.twins.update({key: (first, table[id(mine)]) for key, (first, mine) in graph.twins.items()})
    new._names = dict(graph._names)
    new.inputs = [table[id(t)] for t in graph.all_inputs]
    new.outputs = [table[id(t)] for t in graph.outputs]
    return new


# -- differentiation ---------------------------------------------------------------------------------------------------


def is_differentiable(tensor: Tensor) -> bool:
    """Whether cotangents reach a tensor: floats, handles of float variables, tensor lists."""
    return tensor.dtype.is_differentiable


@dataclass
class Pullback:
    """The derivative of a graph as two graphs; see the module."""

    forward: Graph
    backward: Graph
    given: tuple[int, ...]
    wanted: tuple[int, ...]
    results: list[Any]
    """Per wanted input: None, a tensor of `backward`, or IndexedSlices of such."""
    saved: list[Tensor]

    def finish(self, outputs: Sequence[Tensor]) -> None:
        """Fix what the backward graph gives; its captures become inputs after the cotangents."""
        self.backward.outputs = [self.backward.capture(t) for t in outputs]
        self.saved = close([self.backward])

    def building(self) -> Any:
        """Add further ops to the backward graph in a `with` block."""
        return entered(graph=self.backward, tapes=(), control=(), scope="")

    def is_internal(self, tensor: Tensor) -> bool:
        """Whether a saved tensor is one of the forward graph's."""
        return isinstance(tensor, GraphTensor) and tensor.node.graph is self.forward


class _Backward(Graph):
    """The graph of a gradient: it copies the constants of the graph it differentiates instead of capturing them.

    Gradient rules that are closures (custom gradients) name tensors of the graph that was traced: their twins are
    meant.
    """

    outer: Copy

    def __init__(self, outer: Copy) -> None:
        super().__init__(f"{outer.name}_grad", True, outer)
        self._constants: dict[int, GraphTensor] = {}

    def capture(self, tensor: Tensor) -> GraphTensor:
        if not isinstance(tensor, GraphTensor) or tensor.node.graph is self:
            return super().capture(tensor)
        if id(tensor) in self.outer.twins:
            tensor = self.outer.twins[id(tensor)][1]
        if tensor.node.op is not CONST:
            return super().capture(tensor)
        if id(tensor) not in self._constants:
            with entered(control=(), scope=""):
                node = self.add(CONST, (), tensor.node.attrs, tensor.node.name)
            self._constants[id(tensor)] = node.outputs[0]  # type: ignore[assignment]
        return self._constants[id(tensor)]


def differentiate(graph: Graph, given: Sequence[int], wanted: Sequence[int]) -> Pullback:
    """The pullback of a graph, for cotangents of some outputs and with respect to some inputs.

    The caller may add to `backward` inside `building()`, and then calls `finish`.
    """
    forward = copy_graph(graph)
    backward = _Backward(forward)
    targets = [forward.outputs[i] for i in given]
    sources = [forward.inputs[i] for i in wanted]
    with entered(graph=backward, tapes=(), control=(), scope=""):
        cotangents = [backward.add_input(t.dtype, t.dims, "cotangent") for t in targets]
        results = backpropagate(between(forward, sources, targets), targets, sources, cotangents)
    return Pullback(forward, backward, tuple(given), tuple(wanted), results, [])


def dense(pullback: Pullback, result: Any) -> Any:
    """A cotangent as one tensor."""
    if not isinstance(result, IndexedSlices):
        return result
    with pullback.building():
        return convert(result)


def zeros_for(tensor: Tensor, like: Any = None) -> Any:
    """The zero cotangent of a tensor, made in the current graph.

    The cotangent of a handle has the shape of its variable: `like` is another cotangent of it, if there is one.
    """
    if tensor.dtype is dtypes.variant:
        return F.tensor_list_zeros_like(tensor)
    if tensor.dtype is dtypes.resource:
        if like is not None and like.spec.known:
            return F.zeros(like.dims, like.dtype)
        return F.zeros_like(emit_one(READ, (tensor,), _read_attrs(tensor)))
    spec: Spec = tensor.spec
    if spec.known:
        return F.zeros(spec.shape, spec.dtype)
    return F.zeros(_shape_of(tensor), spec.dtype)


def _shape_of(tensor: Tensor) -> Any:
    """The run-time shape, computed in the tensor's own graph so that only the shape crosses the border."""
    if isinstance(tensor, GraphTensor) and tensor.graph is not context.graph:
        with entered(graph=tensor.graph, control=(), scope=""):
            return F.shape(tensor)
    return F.shape(tensor)


def _read_attrs(handle: Tensor) -> dict[str, Any]:
    """dtype and shape of a variable, from a node that reads it."""
    assert isinstance(handle, GraphTensor)
    found = _find_read(handle.graph, handle)
    if found is None:
        raise LookupError(f"The gradient with respect to {handle!r} needs its variable's shape, but nothing reads it.")
    return found


def _find_read(graph: Graph, handle: Tensor) -> dict[str, Any] | None:
    for node in graph.nodes:
        if not any(t is handle for t in node.inputs):
            continue
        if node.op is READ:
            return node.attrs
        for inner in node.subgraphs:
            theirs = inner.all_inputs
            for mine, inside in zip(node.inputs[len(node.inputs) - len(theirs) :], theirs, strict=True):
                found = _find_read(inner, inside) if mine is handle else None
                if found is not None:
                    return found
    return None
