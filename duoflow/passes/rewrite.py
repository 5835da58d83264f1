"""How a pass writes its result: a `Rewriter` copies an old graph node by node into a new one.

    rw = Rewriter(graph)
    for node in graph.nodes:
        if <this node becomes something else>:
            rw.replace(node, rw.add(OP, [rw[t] for t in node.inputs], {}, like=node))
        else:
            rw.copy(node)
    return rw.finish()

Names, origins and the order of nodes are kept. Captures of the old graph become plain inputs of the new one, in the
order of `all_inputs`. Control inputs are dropped: program order is what keeps effects in order from here on.

The nodes of a draft, a graph that only the pass at hand knows, are not copied but go over to the new graph. A pass that
then finds nothing to change gives the draft back by `rw.undo()`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, TypeVar

import numpy as np

from duoflow.core.context import entered
from duoflow.core.graph import CONST, Graph, Node
from duoflow.core.record import Literal, Op
from duoflow.core.spec import Spec
from duoflow.core.tensor import GraphTensor, Tensor

__all__ = ["Rewriter", "constant_of", "rewritten", "users"]

Found = TypeVar("Found")


class Rewriter:
    """The new graph under construction and, for every tensor of the old one, what stands for it."""

    def __init__(self, old: Graph) -> None:
        self.old = old
        self.graph = Graph(old.name, old.is_function, old.outer)
        self.graph.seed = old.seed
        self.graph.extras = dict(old.extras)
        self.graph.structured_input_signature = old.structured_input_signature
        self.graph.structured_outputs = old.structured_outputs
        self.graph._names = dict(old._names)
        self._now: dict[int, GraphTensor] = {}

    def __getitem__(self, tensor: Tensor) -> GraphTensor:
        return self._now[id(tensor)]

    def __contains__(self, tensor: Tensor) -> bool:
        return id(tensor) in self._now

    def inputs(self, node: Node) -> tuple[GraphTensor, ...]:
        """What the node's inputs are now."""
        now = self._now
        return tuple([now[id(t)] for t in node.inputs])

    def replace(self, node: Node, outputs: Sequence[GraphTensor]) -> None:
        """Let `outputs` stand for the outputs of an old node."""
        for old, new in zip(node.outputs, outputs, strict=True):
            self._now[id(old)] = new

    def bind(self, tensor: Tensor, new: GraphTensor) -> None:
        """Let one tensor stand for another."""
        self._now[id(tensor)] = new

    def copy(
        self, node: Node, attrs: dict[str, Any] | None = None, specs: Iterable[Spec] | None = None, prefix: str = ""
    ) -> Node:
        """The same op on what its inputs are now; `specs` if more is known of the outputs."""
        if self.old.is_draft and attrs is None and specs is None and not prefix:
            return self._move(node)
        attrs = node.attrs if attrs is None else attrs
        specs = [t._spec for t in node.outputs] if specs is None else specs  # type: ignore[attr-defined]
        new = self._node(node.op, self.inputs(node), attrs, specs, prefix + node.name if prefix else node.name, node)
        self.replace(node, new.outputs)  # type: ignore[arg-type]
        return new

    def _move(self, node: Node) -> Node:
        """Let a node of a draft be the new graph's."""
        now = self._now
        for tensor in node.inputs:
            if now[id(tensor)] is not tensor:
                node.inputs = self.inputs(node)
                break
        node.name = self._free_name(node.name)
        node.graph = self.graph
        self.graph.nodes.append(node)
        self.graph._by_name[node.name] = node
        for tensor in node.outputs:
            now[id(tensor)] = tensor  # type: ignore[assignment]
        return node

    def add(
        self, op: Op, inputs: Sequence[GraphTensor], attrs: dict[str, Any] | None = None, *, like: Node, name: str = ""
    ) -> tuple[GraphTensor, ...]:
        """A new node, on behalf of an old one that gives its name and origin."""
        attrs = attrs or {}
        specs = op.infer(*[t._spec for t in inputs], **attrs)
        specs = specs if isinstance(specs, tuple) else (specs,)
        return self._node(op, tuple(inputs), attrs, specs, name or like.name, like).outputs  # type: ignore[return-value]

    def constant(self, array: np.ndarray[Any, Any], like: Node) -> GraphTensor:
        """A constant on behalf of an old node."""
        return self.add(CONST, (), {"value": Literal(array)}, like=like)[0]

    @contextmanager
    def building(self, like: Node) -> Iterator[None]:
        """Ops called inside (through `F`) are added to the new graph on behalf of `like`."""
        first = len(self.graph.nodes)
        with entered(graph=self.graph, tapes=(), control=(), scope=f"{like.name}/"):
            yield
        for node in self.graph.nodes[first:]:
            node.origin = like.origin

    def _node(
        self,
        op: Op,
        inputs: tuple[GraphTensor, ...],
        attrs: dict[str, Any],
        specs: Iterable[Spec],
        name: str,
        like: Node,
    ) -> Node:
        graph = self.graph
        name = self._free_name(name)
        graph._names.setdefault(name.lower(), 1)
        node = Node(op, inputs, attrs, (), name, graph, (), like.origin, like.device)
        node.outputs = tuple([GraphTensor(node, i, spec) for i, spec in enumerate(specs)])
        graph.nodes.append(node)
        graph._by_name[name] = node
        return node

    def _free_name(self, name: str) -> str:
        """The name, or one made of it if the new graph has it already."""
        graph = self.graph
        if name in graph._by_name:
            name = graph.unique_name(name)
            while name in graph._by_name:
                name = graph.unique_name(name)
        return name

    def undo(self) -> Graph:
        """The old graph, after a walk that changed nothing."""
        if self.old.is_draft:
            for node in self.old.nodes:
                node.graph = self.old
        return self.old

    def finish(self) -> Graph:
        """The new graph, with the old one's inputs and outputs."""
        graph, now = self.graph, self._now
        graph.inputs = [now[id(t)] for t in self.old.all_inputs]
        graph.outputs = [now[id(t)] for t in self.old.outputs]
        return graph


def rewritten(
    graph: Graph, find: Callable[[Node], Found | None], build: Callable[[Node, Found, tuple[GraphTensor, ...]], Any]
) -> Graph:
    """The graph with every node of one output for which `find` finds something put in terms of other ops.

    `build(node, found, inputs)` writes them with `F`, on what the node's inputs are now, and gives what stands for its
    output.
    """
    found = {id(n): what for n in graph.nodes if (what := find(n)) is not None}
    if not found:
        return graph
    rw = Rewriter(graph)
    for node in graph.nodes:
        if id(node) not in found:
            rw.copy(node)
            continue
        with rw.building(node):
            out = build(node, found[id(node)], rw.inputs(node))
        rw.bind(node.outputs[0], out)
    return rw.finish()


def constant_of(tensor: Tensor) -> np.ndarray[Any, Any] | None:
    """The array of a tensor that a Const node gives."""
    if isinstance(tensor, GraphTensor) and tensor.node.op is CONST:
        array = tensor.node.attrs["value"].array
        return array if isinstance(array, np.ndarray) else None
    return None


def users(graph: Graph) -> dict[int, list[Node]]:
    """For each tensor (by id), the nodes that take it, once per use."""
    table: dict[int, list[Node]] = {}
    for node in graph.nodes:
        for tensor in node.inputs:
            table.setdefault(id(tensor), []).append(node)
    return table
