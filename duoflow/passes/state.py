"""Make state explicit: a variable that a graph reads or assigns becomes an input of its value and an output of its new
one.

A handle qualifies if all its uses are plain reads and assignments, or loops and branches in which that is so, and its
shape is known. Loops and branches take its value instead, and give the new one if they assign it; those that assign
it and do input or output keep the handle, since what they did must stand even if they fail. The handle's placeholder is
replaced, at the same place among the inputs, by one of the variable's dtype and shape; a handle that is a constant
gets an input at the end. `graph.extras["state"]` is a `StateTable` that says which inputs are values of states and
which outputs go back to them. Other handles stay resources, and the ops on them stay effects.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from duoflow.core.graph import CONST, PLACEHOLDER, Graph, Node
from duoflow.core.record import OPS, Effect
from duoflow.core.state import (
    ASSIGN,
    ASSIGN_ADD,
    ASSIGN_SUB,
    READ,
    SCATTER,
    SCATTER_ND,
    VALUE_SCATTER,
    VALUE_SCATTER_ND,
)
from duoflow.core.tensor import GraphTensor, HandleTensor, Tensor

from .inline import inline
from .prune import prune
from .rewrite import Rewriter, users
from .table import StateTable

__all__ = ["explicit_state"]


@dataclass(frozen=True)
class _Inside:
    """A sub-graph with the calls in it inlined, and what is asked about it for every variable passed to it."""

    graph: Graph
    uses: dict[int, list[Node]]
    effects: Effect

    @classmethod
    def of(cls, graph: Graph) -> _Inside:
        """That of a sub-graph, always the same one."""
        key = "inlined"
        if key not in graph.extras:
            inlined = prune(inline(graph))
            graph.extras[key] = cls(inlined, users(inlined), _effects(inlined))
        return graph.extras[key]  # type: ignore[no-any-return]


#: Updates of a part of a variable, and what they are on its value.
_PARTIAL = {SCATTER.name: VALUE_SCATTER, SCATTER_ND.name: VALUE_SCATTER_ND}
_PLAIN = {READ.name, ASSIGN.name, ASSIGN_ADD.name, ASSIGN_SUB.name, *_PARTIAL}


_LOOPS = {"While", "StatelessWhile"}
#: Ops that hold graphs, and what to call them when these have no effects.
_PURE = {"While": "StatelessWhile", "If": "StatelessIf", "Case": "StatelessCase"}
_CONTROL = {*_PURE, *_PURE.values()}


def _variable_attrs(handle: GraphTensor, graph: Graph, uses: dict[int, list[Node]]) -> dict[str, Any] | None:
    """dtype and shape, if the handle is only read and assigned."""
    found: list[dict[str, Any]] = []
    if not _collect(handle, graph, uses, found) or not found:
        return None
    shape = found[0]["shape"]
    if shape is None or None in shape or found[0]["dtype"].name == "string":
        return None
    return found[0] if all(attrs["shape"] == shape for attrs in found) else None


def _collect(handle: Tensor, graph: Graph, uses: dict[int, list[Node]], found: list[dict[str, Any]]) -> bool:
    """Whether a handle is only read and assigned, here and in the graphs it is passed to; collects the attributes."""
    if any(t is handle for t in graph.outputs):
        return False
    for node in uses.get(id(handle), ()):
        at = [i for i, t in enumerate(node.inputs) if t is handle]
        if node.op.name in _PLAIN and at == [0]:
            found.append(node.attrs)
        elif node.op.name not in _CONTROL or len(at) != 1 or not _collect_inside(node, at[0], found):
            return False
    return True


def _collect_inside(node: Node, at: int, found: list[dict[str, Any]]) -> bool:
    is_loop = node.op.name in _LOOPS
    if at < (len(node.outputs) if is_loop else 1):
        return False
    if is_loop and _Inside.of(node.attrs["cond"]).effects & Effect.WRITE:
        return False
    theirs = [_Inside.of(g) for g in node.subgraphs]
    handles = [inside.graph.all_inputs[at if is_loop else at - 1] for inside in theirs]
    passed = list(zip(handles, theirs, strict=True))
    first = [next((n.op for n in inside.uses.get(id(handle), ())), None) for handle, inside in passed]
    if not is_loop and all(op is ASSIGN for op in first):
        return False  # the variable may be uninitialised, and then has no value to pass
    if any(inside.effects & Effect.IO for inside in theirs) and any(_assigns(*pair) for pair in passed):
        return False
    return all(_collect(handle, inside.graph, inside.uses, found) for handle, inside in passed)


def _assigns(handle: Tensor, inside: _Inside) -> bool:
    """Whether something other than a read is done to a handle."""
    for node in inside.uses.get(id(handle), ()):
        for inner in map(_Inside.of, node.subgraphs):
            theirs = inner.graph.all_inputs
            passed = zip(node.inputs[len(node.inputs) - len(theirs) :], theirs, strict=True)
            if any(mine is handle and _assigns(its, inner) for mine, its in passed):
                return True
        if not node.subgraphs and node.op is not READ:
            return True
    return False


def _effects(graph: Graph) -> Effect:
    out = Effect.NONE
    for node in graph.nodes:
        inner = node.subgraphs
        for inside in inner:
            out |= _effects(inside)
        out |= Effect.NONE if inner else node.op.effects
    return out


def explicit_state(graph: Graph) -> Graph:
    """The graph with its variables as inputs and outputs."""
    used = users(graph)
    positions = {id(t): i for i, t in enumerate(graph.all_inputs)}
    handles: dict[int, dict[str, Any]] = {}
    for node in graph.nodes:
        if node.op in (CONST, PLACEHOLDER) and node.outputs[0].dtype.name == "resource":
            if node.op is PLACEHOLDER and id(node.outputs[0]) not in positions:
                continue
            attrs = _variable_attrs(node.outputs[0], graph, used)  # type: ignore[arg-type]
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
        graph = self.walk()
        graph.inputs += self.extra
        for handle in self.written:
            self.table.updates.append((self.positions[handle], len(graph.outputs)))
            graph.outputs.append(self.current[handle])
        self.table.unread = {self.positions[h] for h in self.handles if h not in self.read}
        graph.extras["state"] = self.table
        return graph

    def walk(self) -> Graph:
        """The graph on values, still without the new ones among its outputs."""
        for node in self.graph.nodes:
            handle = id(node.outputs[0]) if node.outputs else 0
            if handle in self.handles:
                self._enter(node, handle)
            elif node.op.name in _PLAIN and id(node.inputs[0]) in self.handles:
                self._step(node, id(node.inputs[0]))
            elif any(id(t) in self.handles for t in node.inputs):
                self._pass_through(node)
            else:
                self.rw.copy(node)
        return self.rw.finish()

    def _pass_through(self, node: Node) -> None:
        """A loop or branches: values of variables go in, those that are assigned inside come out."""
        is_loop, count = node.op.name in _LOOPS, len(node.outputs)
        first = 0 if is_loop else 1
        passed = {i - first: id(t) for i, t in enumerate(node.inputs) if id(t) in self.handles}
        self.read.update(h for h in passed.values() if h not in self.written)
        inner: dict[int, _Threading] = {}
        graphs: dict[int, Graph] = {}
        subgraphs = list({id(g): g for g in node.subgraphs}.values())
        for old in subgraphs:
            own = _Inside.of(old).graph
            handles = {id(own.all_inputs[p]): self.handles[h] for p, h in passed.items()}
            inner[id(old)] = _Threading(own, handles, {id(own.all_inputs[p]): p for p in passed})
            graphs[id(old)] = inner[id(old)].walk()
        written = sorted({t.positions[h] for t in inner.values() for h in t.written})
        order = [*range(count), *written] if is_loop else []
        order += [p for p in range(len(node.inputs) - first) if p not in order]
        for old in subgraphs:
            threading, graph = inner[id(old)], graphs[id(old)]
            values = {p: threading.current[h] for h, p in threading.positions.items()}
            if not is_loop or old is node.attrs["body"]:
                graph.outputs += [values[p] for p in written]
            graph.inputs = [graph.inputs[p] for p in order]
        inputs = [self.current[id(t)] if id(t) in self.handles else self.rw[t] for t in node.inputs]
        pure = all(_effects(g) is Effect.NONE for g in graphs.values())
        op = OPS[_PURE.get(node.op.name, node.op.name)] if pure else node.op
        attrs = {
            k: tuple(graphs[id(g)] for g in v) if type(v) is tuple else graphs[id(v)] for k, v in node.attrs.items()
        }
        outputs = self.rw.add(op, [*inputs[:first], *[inputs[first + p] for p in order]], attrs, like=node)
        self.rw.replace(node, outputs[:count])
        for p, value in zip(written, outputs[count:], strict=True):
            self.current[passed[p]] = value
            self.written[passed[p]] = None

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
        if node.op.name in _PARTIAL:
            if handle not in self.written:
                self.read.add(handle)
            inputs = (self.current[handle], value, self.rw[node.inputs[2]])
            (value,) = self.rw.add(_PARTIAL[node.op.name], inputs, {"mode": node.attrs["mode"]}, like=node)
        elif node.op is not ASSIGN:
            combine = OPS["AddV2" if node.op is ASSIGN_ADD else "Sub"]
            if handle not in self.written:
                self.read.add(handle)
            (value,) = self.rw.add(combine, (self.current[handle], value), {}, like=node)
        self.current[handle] = value
        self.written[handle] = None
