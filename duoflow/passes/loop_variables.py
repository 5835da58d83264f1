"""Fewer variables for loops: those that nobody needs go, those that never change become inputs, and of those that
count together one is left.

A variable is needed if its final value is, or if the condition or a needed variable depends on it. Where the number
of iterations is known, so is the final value of a variable that counts.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

import numpy as np

from duoflow.core.graph import PLACEHOLDER, Graph, Node
from duoflow.core.record import OPS
from duoflow.core.tensor import GraphTensor, Tensor

from .merge import merge
from .prune import acts, prune
from .rewrite import Rewriter, users
from .trips import Trips, trips

__all__ = ["LOOPS", "LOWERED", "fewer_variables", "is_lowered", "needed_inputs"]

LOOPS = ("While", "StatelessWhile")
#: Marks, among its extras, the graph of a control node that has been through the passes.
LOWERED = "lowered"


def fewer_variables(graph: Graph) -> Graph:
    """The graph with loops that carry what they must; what one loop no longer takes another need not give."""
    while (fewer := _once(graph)) is not graph:
        graph = fewer
    return graph


def _once(graph: Graph) -> Graph:
    wanted = {id(t) for t in graph.outputs} | set(users(graph))
    loops = [n for n in graph.nodes if n.op.name in LOOPS and is_lowered(n.attrs["body"])]
    reduced = {id(n): _Reduced(n, {k for k, t in enumerate(n.outputs) if id(t) in wanted}) for n in loops}
    if not any(r.changes for r in reduced.values()):
        return graph
    rw = Rewriter(graph)
    for node in graph.nodes:
        if id(node) in reduced:
            reduced[id(node)].write(rw)
        else:
            rw.copy(node)
    return prune(rw.finish())


def is_lowered(graph: Graph) -> bool:
    """Whether the graph of a control node has been through the passes."""
    return bool(graph.extras.get(LOWERED))


def needed_inputs(graph: Graph, outputs: Iterable[Tensor]) -> set[int]:
    """The inputs (by position) that these tensors and the effects of a graph depend on."""
    needed = {id(t) for t in outputs}
    for node in reversed(graph.nodes):
        if any(id(t) in needed for t in node.outputs) or acts(node):
            needed.update(id(t) for t in node.inputs)
    return {k for k, t in enumerate(graph.all_inputs) if id(t) in needed}


class _Reduced:
    """One loop: which variables it keeps, and how the others are had."""

    def __init__(self, node: Node, used: set[int]) -> None:
        self.node = node
        self.cond, self.body = node.attrs["cond"], node.attrs["body"]
        self.count = len(node.outputs)
        self.trips: Trips = trips(self.cond, self.body, node.inputs)
        self.fixed = [k for k in range(self.count) if self.body.outputs[k] is self.body.inputs[k]]
        live = self._live({k for k in used if not self._is_final(k)})
        self.leader = self._leader(live)
        self.kept = [k for k in range(self.count) if k in live and k not in self.fixed and not self._follows(k)]
        in_cond = needed_inputs(self.cond, self.cond.outputs)
        in_body = needed_inputs(self.body, [self.body.outputs[k] for k in self.kept])
        constant = [k for k in range(len(node.inputs)) if k >= self.count or k in self.fixed]
        self.passed = [k for k in constant if k in in_cond | in_body]
        #: Whether there is a variable too many, or a result that is had without the loop.
        self.changes = len(self.kept) + len(self.passed) < len(node.inputs) or any(map(self._is_final, used))

    def _is_final(self, k: int) -> bool:
        """Whether the final value is known without running the loop."""
        return k in self.fixed or self._final(k) is not None

    def _final(self, k: int) -> int | None:
        ramp, count = self.trips.ramps.get(k), self.trips.count
        return None if ramp is None or ramp.start is None or count is None else ramp.at(count)

    def _live(self, used: set[int]) -> set[int]:
        live = used | {k for k in needed_inputs(self.cond, self.cond.outputs) if k < self.count}
        while True:
            more = needed_inputs(self.body, [self.body.outputs[k] for k in live])
            new = live | {k for k in more if k < self.count}
            if new == live:
                return live
            live = new

    # Variables that count ---------------------------------------------------------------------------------------------

    def _leader(self, live: set[int]) -> int | None:
        """The variable that stands for the others that count."""
        ramps = self.trips.ramps
        able = [k for k in sorted(live) if k in ramps and k not in self.fixed and abs(ramps[k].step) == 1]
        return next((k for k in able if ramps[k].start is not None), None)

    def _follows(self, k: int) -> bool:
        ramps, lead = self.trips.ramps, self.leader
        if lead is None or k == lead or k not in ramps or ramps[k].start is None:
            return False
        return self.node.outputs[k].dtype is self.node.outputs[lead].dtype

    def _followed(self, rw: Rewriter, lead: GraphTensor, k: int) -> GraphTensor:
        """A variable that counts, from the one that stands for all."""
        assert self.leader is not None
        mine, first = self.trips.ramps[k], self.trips.ramps[self.leader]
        assert mine.start is not None and first.start is not None
        factor = mine.step * first.step
        return scaled(rw, lead, factor, mine.start - factor * first.start, self.node)

    # Writing ----------------------------------------------------------------------------------------------------------

    def write(self, rw: Rewriter) -> None:
        """Write the loop, and what stands for its results."""
        node = self.node
        inputs = rw.inputs(node)
        if not self.kept and not acts(node):
            outputs: list[GraphTensor] = []
        else:
            attrs = {"cond": self._graph(self.cond), "body": self._graph(self.body, of_body=True)}
            given = [inputs[k] for k in (*self.kept, *self.passed)]
            outputs = list(rw.add(node.op, given, attrs, like=node))
        new = dict(zip(self.kept, outputs, strict=False))
        for k, old in enumerate(node.outputs):
            final = self._final(k)
            if k in self.fixed:
                rw.bind(old, inputs[k])
            elif final is not None:
                rw.bind(old, rw.constant(np.asarray(final, old.dtype.numpy), node))
            elif k in new:
                rw.bind(old, new[k])
            elif self._follows(k) and self.leader in new:
                rw.bind(old, self._followed(rw, new[self.leader], k))

    def _graph(self, graph: Graph, of_body: bool = False) -> Graph:
        """The condition or body on the variables that are left."""
        rw = Rewriter(graph)
        own = list(graph.all_inputs)
        order = [*self.kept, *self.passed]
        taken = {id(own[k].node) for k in range(len(own))}
        for k in order:
            rw.copy(own[k].node)
        for k in range(self.count):
            if k not in order and self._follows(k) and self.leader in order:
                rw.bind(own[k], self._followed(rw, rw[own[self.leader]], k))
            elif k not in order:
                rw.copy(own[k].node)
        for k in range(self.count, len(own)):
            if k not in order:
                rw.copy(own[k].node)
        for node in graph.nodes:
            if id(node) not in taken:
                rw.copy(node)
        rw.graph.inputs = [rw[own[k]] for k in order]
        chosen = [graph.outputs[k] for k in self.kept] if of_body else graph.outputs
        rw.graph.outputs = [rw[t] for t in chosen]
        return without_unused_inputs(prune(merge(rw.graph)))


def without_unused_inputs(graph: Graph) -> Graph:
    """The graph without placeholders that are no inputs and that nobody reads."""
    inputs = {id(t) for t in graph.inputs}
    graph.nodes = [n for n in graph.nodes if n.op is not PLACEHOLDER or id(n.outputs[0]) in inputs]
    graph._by_name = {n.name: n for n in graph.nodes}
    return graph


def scaled(rw: Rewriter, x: GraphTensor, factor: int, offset: int, like: Node) -> GraphTensor:
    """factor * x + offset, for integers."""
    number: Callable[[int], GraphTensor] = lambda v: rw.constant(np.asarray(v, x.dtype.numpy), like)
    if factor == -1:
        return rw.add(OPS["Sub"], (number(offset), x), {}, like=like)[0]
    if factor != 1:
        x = rw.add(OPS["Mul"], (x, number(factor)), {}, like=like)[0]
    return rw.add(OPS["AddV2"], (x, number(offset)), {}, like=like)[0] if offset else x
