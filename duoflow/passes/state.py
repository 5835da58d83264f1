"""Make state explicit: a variable that a graph reads or assigns becomes an input of its value and an output of its new
one.

A handle qualifies if all its uses are plain reads and assignments and its shape is known. Its placeholder is
replaced, at the same place among the inputs, by one of the variable's dtype and shape; a handle that is a constant
gets an input at the end. `graph.extras["state"]` is a `StateTable` that says which inputs are values of states and
which outputs go back to them. Other handles stay resources, and the ops on them stay effects.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from duoflow.core.graph import CONST, PLACEHOLDER, Graph, Node
from duoflow.core.record import OPS
from duoflow.core.state import ASSIGN, ASSIGN_ADD, ASSIGN_SUB, READ
from duoflow.core.tensor import GraphTensor, HandleTensor

from .rewrite import Rewriter, users

__all__ = ["StateTable", "explicit_state"]


@dataclass
class StateTable:
    """How the inputs and outputs of a graph with explicit state belong to states.

    `inputs`: positions of inputs that take the value of the state given there. `constant`: states (by input position)
    that the graph itself names. `updates`: (input position, output position) of states that get a new value.
    `unread`: inputs whose value is never read, so that the state may be uninitialised.
    """

    inputs: set[int] = field(default_factory=set)
    constant: dict[int, Any] = field(default_factory=dict)
    updates: list[tuple[int, int]] = field(default_factory=list)
    unread: set[int] = field(default_factory=set)


_PLAIN = {READ.name, ASSIGN.name, ASSIGN_ADD.name, ASSIGN_SUB.name}


def _variable_attrs(handle: GraphTensor, uses: list[Node], outputs: set[int]) -> dict[str, Any] | None:
    """dtype and shape, if the handle is only read and assigned."""
    if not uses or id(handle) in outputs:
        return None
    if any(n.op.name not in _PLAIN or any(t is handle for t in n.inputs[1:]) for n in uses):
        return None
    first = uses[0].attrs
    shape = first["shape"]
    if (
        shape is None
        or None in shape
        or first["dtype"].name == "string"
        or any(n.attrs["shape"] != shape for n in uses)
    ):
        return None
    return first


def explicit_state(graph: Graph) -> Graph:
    """The graph with its variables as inputs and outputs."""
    used, outputs = users(graph), {id(t) for t in graph.outputs}
    positions = {id(t): i for i, t in enumerate(graph.all_inputs)}
    handles: dict[int, dict[str, Any]] = {}
    for node in graph.nodes:
        if node.op in (CONST, PLACEHOLDER) and node.outputs[0].dtype.name == "resource":
            if node.op is PLACEHOLDER and id(node.outputs[0]) not in positions:
                continue
            attrs = _variable_attrs(node.outputs[0], used.get(id(node.outputs[0]), []), outputs)  # type: ignore[arg-type]
            if attrs is not None:
                handles[id(node.outputs[0])] = attrs
    return _Threading(graph, handles, positions).run() if handles else graph


class _Threading:
    """The walk that follows each variable's current value through the graph."""

    def __init__(self, graph: Graph, handles: dict[int, dict[str, Any]], positions: dict[int, int]) -> None:
        self.rw = Rewriter(graph)
        self.graph, self.handles, self.positions = graph, handles, dict(positions)
        self.current: dict[int, GraphTensor] = {}
        self.written: dict[int, None] = {}
        self.read: set[int] = set()
        self.extra: list[GraphTensor] = []
        self.table = StateTable()

    def run(self) -> Graph:
        for node in self.graph.nodes:
            handle = id(node.outputs[0]) if node.outputs else 0
            if handle in self.handles:
                self._enter(node, handle)
            elif node.op.name in _PLAIN and id(node.inputs[0]) in self.handles:
                self._step(node, id(node.inputs[0]))
            else:
                self.rw.copy(node)
        graph = self.rw.finish()
        graph.inputs += self.extra
        for handle in self.written:
            self.table.updates.append((self.positions[handle], len(graph.outputs)))
            graph.outputs.append(self.current[handle])
        self.table.unread = {self.positions[h] for h in self.handles if h not in self.read}
        graph.extras["state"] = self.table
        return graph

    def _enter(self, node: Node, handle: int) -> None:
        attrs = self.handles[handle]
        (value,) = self.rw.add(PLACEHOLDER, (), {"dtype": attrs["dtype"], "shape": attrs["shape"]}, like=node)
        self.rw.replace(node, (value,))
        self.current[handle] = value
        if node.op is CONST:
            self.positions[handle] = len(self.graph.all_inputs) + len(self.extra)
            self.extra.append(value)
            holder = node.attrs["value"].array
            self.table.constant[self.positions[handle]] = holder._array if isinstance(holder, HandleTensor) else holder
        self.table.inputs.add(self.positions[handle])

    def _step(self, node: Node, handle: int) -> None:
        if node.op is READ:
            self.rw.bind(node.outputs[0], self.current[handle])
            if handle not in self.written:
                self.read.add(handle)
            return
        value = self.rw[node.inputs[1]]
        if node.op is not ASSIGN:
            combine = OPS["AddV2" if node.op is ASSIGN_ADD else "Sub"]
            if handle not in self.written:
                self.read.add(handle)
            (value,) = self.rw.add(combine, (self.current[handle], value), {}, like=node)
        self.current[handle] = value
        self.written[handle] = None
