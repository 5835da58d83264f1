"""Work that the iterations of a loop do not need from one another leaves the loop, to be done for all of them at once.

Before the loop: what depends on the number of the iteration alone, if there is a product in it (the projection of the
inputs of a recurrent layer). The loop then reads a row of the result. Behind the loop: what only goes into a sum over
the iterations, or into a row that is not read before the end (the gradients of weights, and of inputs). The loop keeps
what that needs, in a buffer with a row for each iteration.

This is for loops whose number of iterations is known. Sums are made in another order, so results differ by rounding.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from duoflow.core.graph import CONST, PLACEHOLDER, Graph, Node
from duoflow.core.late import F
from duoflow.core.record import OPS, Kind
from duoflow.core.scalar import Unsupported
from duoflow.core.tensor import GraphTensor

from .batch import CONTRACTIONS, Stacked, batched, can_batch, summed
from .loop_variables import LOOPS, is_lowered, needed_inputs, scaled
from .prune import prune
from .rewrite import Rewriter, users
from .simplify import is_zero
from .trips import ramp_of, trips

__all__ = ["fission"]

#: Loops of fewer iterations are left as they are.
_FEWEST = 2
#: The most bytes that a tensor is stacked to.
_MOST_BYTES = 1 << 28

#: How a tensor of the body changes: not at all, with the number of the iteration, or with what earlier ones gave.
_FIXED, _COUNTED, _CARRIED = range(3)


def fission(graph: Graph) -> Graph:
    """The graph with loops that do no more than they must."""
    if not any(n.op.name in LOOPS and is_lowered(n.attrs["body"]) for n in graph.nodes):
        return graph
    rw = Rewriter(graph)
    for node in graph.nodes:
        if node.op.name not in LOOPS or not is_lowered(node.attrs["body"]) or not _split(rw, node):
            rw.copy(node)
    return prune(rw.finish())


def _split(rw: Rewriter, node: Node) -> bool:
    """Whether a loop was written in parts."""
    known = trips(node.attrs["cond"], node.attrs["body"], rw.inputs(node))
    if known.count is None or known.count < _FEWEST or not node.op.pure:
        return False
    leader = next((k for k, r in sorted(known.ramps.items()) if abs(r.step) == 1 and r.start is not None), None)
    if leader is None:
        return False
    loop = _Split(rw, node, known.count, leader, known.ramps[leader].at(0), known.ramps[leader].step)
    mark = len(rw.graph.nodes)
    try:
        return loop.write()
    except Unsupported:
        for made in rw.graph.nodes[mark:]:
            del rw.graph._by_name[made.name]
        del rw.graph.nodes[mark:]
        return False


@dataclass
class _Sum:
    """A variable to which each iteration adds `term`."""

    variable: int
    term: GraphTensor
    update: list[Node]


@dataclass
class _Rows:
    """A variable of which each iteration writes the row `factor * counter + offset`, or adds to it if `adds`."""

    variable: int
    term: GraphTensor
    update: list[Node]
    factor: int
    offset: int
    adds: bool


class _Split:
    """One loop: what is done before it, in it, and behind it."""

    def __init__(self, rw: Rewriter, node: Node, count: int, leader: int, start: int, step: int) -> None:
        self.rw, self.node, self.count, self.leader, self.start, self.step = rw, node, count, leader, start, step
        self.body: Graph = node.attrs["body"]
        self.variables = len(node.outputs)
        self.counter = self.body.inputs[leader]
        self.users = users(self.body)
        self.given = {id(t): k for k, t in enumerate(self.body.all_inputs)}
        self.kind = self._kinds()
        self.in_cond = needed_inputs(node.attrs["cond"], node.attrs["cond"].outputs)
        self.forwards = self._direction() * step > 0
        self.outside: dict[int, Any] = {}
        self.stacks: dict[int, Any] = {}

    def _kinds(self) -> dict[int, int]:
        kind: dict[int, int] = {}
        for tensor, k in zip(self.body.all_inputs, range(len(self.given))):
            kind[id(tensor)] = _COUNTED if k == self.leader else _CARRIED if k < self.variables else _FIXED
        for node in self.body.nodes:
            found = max([kind[id(t)] for t in node.inputs], default=_FIXED)
            for tensor in node.outputs:
                kind.setdefault(id(tensor), found if node.op.pure else _CARRIED)
        return kind

    def _direction(self) -> int:
        """1 if rows are mostly read and written upwards as the counter grows, else -1."""
        total = 0
        for node in self.body.nodes:
            if node.op.name in ("Row", "GatherV2", "SetRow") and node.inputs[1].dims == ():
                found = ramp_of(node.inputs[1], self.counter)
                total += 0 if found is None else found[0]
        return 1 if total >= 0 else -1

    # Places -----------------------------------------------------------------------------------------------------------

    def _values(self) -> np.ndarray[Any, Any]:
        """The counter in the order of the stacks, which is the order of rows that are mostly used."""
        values = self.start + self.step * np.arange(self.count)
        return values if self.forwards else values[::-1]

    def _place(self, rw: Rewriter, counter: GraphTensor) -> GraphTensor:
        """An iteration's place in the stacks."""
        factor = self.step if self.forwards else -self.step
        return scaled(rw, counter, factor, -factor * int(self._values()[0]), self.node)

    # What is outside --------------------------------------------------------------------------------------------------

    def fixed(self, tensor: Any) -> Any:
        """What does not change, in the graph around the loop."""
        if id(tensor) not in self.outside:
            if id(tensor) in self.given:
                self.outside[id(tensor)] = self.rw[self.node.inputs[self.given[id(tensor)]]]
            elif tensor.node.op is CONST:
                self.outside[id(tensor)] = self.rw.constant(tensor.node.attrs["value"].array, tensor.node)
            else:
                made = self.rw.add(
                    tensor.node.op, [self.fixed(t) for t in tensor.node.inputs], tensor.node.attrs, like=tensor.node
                )
                for old, new in zip(tensor.node.outputs, made, strict=True):
                    self.outside[id(old)] = new
        return self.outside[id(tensor)]

    def stacked(self, tensor: Any) -> Stacked:
        """A tensor of the body for all iterations, by what can be had without running the loop and what it kept."""
        if self.kind[id(tensor)] == _FIXED:
            return Stacked(self.fixed(tensor), False)
        if id(tensor) not in self.stacks:
            self.stacks[id(tensor)] = self._stack(tensor)
        return Stacked(self.stacks[id(tensor)], True)

    def _stack(self, tensor: Any) -> Any:
        ramp = ramp_of(tensor, self.counter) if tensor.dims == () and tensor.dtype.is_integer else None
        if ramp is not None:
            return self.rw.constant((ramp[0] * self._values() + ramp[1]).astype(tensor.dtype.numpy), self.node)
        if id(tensor) in self.given:
            raise Unsupported("a variable at once")
        inputs = [self.stacked(t) for t in tensor.node.inputs]
        with self.rw.building(tensor.node):
            return batched(tensor.node, inputs, self.count)

    # What can leave ---------------------------------------------------------------------------------------------------

    def _small(self, tensor: Any) -> bool:
        return (
            bool(tensor.spec.known) and self.count * math.prod(tensor.dims) * tensor.dtype.numpy.itemsize <= _MOST_BYTES
        )

    def _can_stack(self, tensor: Any, seen: dict[int, bool]) -> bool:
        """Whether what depends on the iteration's number alone has rules throughout."""
        if self.kind[id(tensor)] == _FIXED:
            return True
        if id(tensor) not in seen:
            counts = tensor.dims == () and tensor.dtype.is_integer and ramp_of(tensor, self.counter) is not None
            node = tensor.node
            seen[id(tensor)] = counts or (
                self.kind[id(tensor)] == _COUNTED
                and node.op is not PLACEHOLDER and can_batch(node) and self._small(tensor)
                and (node.op.name not in ("Row", "GatherV2") or self.kind[id(node.inputs[0])] == _FIXED)
                and all(self._can_stack(t, seen) for t in node.inputs)
            )  # fmt: skip
        return seen[id(tensor)]

    def _is_heavy(self, tensor: Any, seen: set[int]) -> bool:
        """Whether there is a product in what a tensor is computed from, of what is counted."""
        if id(tensor) in seen or self.kind[id(tensor)] != _COUNTED or tensor.node.op is PLACEHOLDER:
            return False
        seen.add(id(tensor))
        return tensor.node.op.name in CONTRACTIONS or any(self._is_heavy(t, seen) for t in tensor.node.inputs)

    def _before(self) -> list[GraphTensor]:
        """The tensors to compute before the loop: the last ones on the way to what is carried."""
        can: dict[int, bool] = {}
        found: dict[int, Any] = {}
        results = {id(t) for t in self.body.outputs}
        for node in self.body.nodes:
            for tensor in node.outputs:
                if self.kind[id(tensor)] != _COUNTED or not self._can_stack(tensor, can):
                    continue
                used = self.users.get(id(tensor), ())
                last = id(tensor) in results or any(not all(self._can_stack(t, can) for t in u.outputs) for u in used)
                if last and self._is_heavy(tensor, set()):
                    root: Any = tensor
                    while root.node.op.kind is Kind.VIEW:  # looking at a part costs nothing in the loop
                        root = root.node.inputs[0]
                    found[id(root)] = root
        return list(found.values())

    def _updates(self) -> list[_Sum | _Rows]:
        """Variables that iterations only add to, or write rows of."""
        found: list[_Sum | _Rows] = []
        for k in range(self.variables):
            variable: Any = self.body.inputs[k]
            if k == self.leader or k in self.in_cond:
                continue
            own = self.users.get(id(variable), [])
            out: Any = self.body.outputs[k]
            made = out.node
            if self.users.get(id(out)) or sum(t is out for t in self.body.outputs) != 1:
                continue
            if made.op.name == "AddV2" and own == [made] and out.dims == variable.dims and variable.dtype.is_floating:
                term = made.inputs[1] if made.inputs[0] is variable else made.inputs[0]
                if term is not variable and term.dims == out.dims:
                    found.append(_Sum(k, term, [made]))
            elif made.op.name == "SetRow" and made.inputs[0] is variable:
                rows = self._rows(k, made, own)
                found += [rows] if rows else []
        return found

    def _rows(self, k: int, made: Node, own: Sequence[Node]) -> _Rows | None:
        at = ramp_of(made.inputs[1], self.counter)
        if at is None or abs(at[0]) != 1:
            return None
        value: Any = made.inputs[2]
        if own == [made]:
            return _Rows(k, value, [made], *at, adds=False)
        add = value.node
        if add.op.name != "AddV2" or self.users.get(id(value)) != [made]:
            return None
        for row, term in ((add.inputs[0], add.inputs[1]), (add.inputs[1], add.inputs[0])):
            read = row.node
            same = read.op.name == "Row" and read.inputs[0] is made.inputs[0] and self.users.get(id(row)) == [add]
            if same and ramp_of(read.inputs[1], self.counter) == at and {id(n) for n in own} == {id(made), id(read)}:
                return _Rows(k, term, [made, add, read], *at, adds=True)
        return None

    def _sinkable(self, updates: list[_Sum | _Rows]) -> set[int]:
        """The nodes (by id) that serve nothing but these updates, and can be done for all iterations at once."""
        gone = {id(n) for u in updates for n in u.update}
        results = {id(t) for t in self.body.outputs}
        for node in reversed(self.body.nodes):
            if id(node) in gone or node.op in (CONST, PLACEHOLDER) or not can_batch(node):
                continue
            (tensor,) = node.outputs
            used = self.users.get(id(tensor), ())
            if used and id(tensor) not in results and all(id(u) in gone for u in used) and self._small(tensor):
                gone.add(id(node))
        return gone

    def _needs(self, term: Any, gone: set[int]) -> tuple[bool, dict[int, Any]]:
        """Whether there is a product among what leaves the loop for a term, and what it needs of the loop."""
        leaves: dict[int, Any] = {}
        seen: set[int] = set()
        heavy = False
        can: dict[int, bool] = {}
        stack = [term]
        while stack:
            tensor = stack.pop()
            if id(tensor) in seen or self.kind[id(tensor)] == _FIXED:
                continue
            seen.add(id(tensor))
            if self.kind[id(tensor)] == _COUNTED and self._can_stack(tensor, can):
                heavy |= self._is_heavy(tensor, set()) and id(tensor.node) in gone
            elif id(tensor.node) in gone:
                heavy |= tensor.node.op.name in CONTRACTIONS
                stack += tensor.node.inputs
            else:
                leaves[id(tensor)] = tensor
        return heavy, leaves

    def _behind(self) -> tuple[list[_Sum | _Rows], dict[int, Any]]:
        """The updates that are done behind the loop, and the tensors that it keeps for them."""
        updates = self._updates()
        while updates:
            gone = self._sinkable(updates)
            needs = [self._needs(u.term, gone) for u in updates]
            kept: dict[int, Any] = {}
            for heavy, leaves in needs:
                if heavy:
                    kept |= leaves
            chosen = [
                u for u, (heavy, leaves) in zip(updates, needs, strict=True)
                if (heavy or leaves.keys() <= kept.keys()) and all(map(self._small, leaves.values()))
                and (heavy or id(u.term.node) in gone or self.kind[id(u.term)] != _CARRIED)
            ]  # fmt: skip
            if len(chosen) == len(updates):
                return updates, kept
            updates = chosen
        return [], {}

    # Writing ----------------------------------------------------------------------------------------------------------

    def write(self) -> bool:
        before = self._before()
        behind, kept = self._behind()
        if not before and not behind:
            return False
        stacks = [self.stacked(t).tensor for t in before]
        outputs, saved = self._loop(before, stacks, [u.variable for u in behind], list(kept.values()))
        self.stacks |= {id(t): s for t, s in zip(kept.values(), saved, strict=True)}
        for update in behind:
            outputs[update.variable] = self._finish(update)
        for k, old in enumerate(self.node.outputs):
            if k in outputs:
                self.rw.bind(old, outputs[k])
        return True

    def _loop(
        self, before: list[GraphTensor], stacks: list[Any], gone: list[int], kept: list[Any]
    ) -> tuple[dict[int, Any], list[Any]]:
        """The loop that is left: its outputs by position, and the stacks of what it keeps."""
        node, rw = self.node, self.rw
        left = [k for k in range(self.variables) if k not in gone]
        starts = [
            rw.add(OPS["Empty"], (), {"dtype": t.dtype, "shape": (self.count, *t.dims)}, like=t.node)[0] for t in kept
        ]
        inputs = rw.inputs(node)
        given = [*[inputs[k] for k in left], *starts, *inputs[self.variables :], *stacks]
        attrs = {
            "cond": self._graph(node.attrs["cond"], left, kept, stacks),
            "body": self._graph(self.body, left, kept, stacks, before),
        }
        made = rw.add(node.op, given, attrs, like=node)
        return dict(zip(left, made, strict=False)), list(made[len(left) :])

    def _graph(
        self,
        graph: Graph,
        left: list[int],
        kept: list[Any],
        stacks: list[Any],
        before: Sequence[GraphTensor] | None = None,
    ) -> Graph:
        rw = Rewriter(graph)
        own = list(graph.all_inputs)
        placeholders = {id(t.node) for t in own}
        for tensor in own:
            rw.copy(tensor.node)
        buffers = [self._receive(rw, t.dtype, (self.count, *t.dims)) for t in kept]
        rows = [self._receive(rw, t.dtype, t.dims) for t in stacks]
        if before:
            place = self._place(rw, rw[own[self.leader]])
            for tensor, stack in zip(before, rows, strict=True):
                rw.bind(tensor, rw.add(OPS["Row"], (stack, place), {}, like=tensor.node)[0])
        done = {id(t.node) for t in before or ()}
        for node in graph.nodes:
            if id(node) not in placeholders and id(node) not in done:
                rw.copy(node)
        rw.graph.inputs = [rw[own[k]] for k in left] + buffers + [rw[t] for t in own[self.variables :]] + rows
        if before is None:
            rw.graph.outputs = [rw[t] for t in graph.outputs]
            return prune(rw.graph)
        rw.graph.outputs = [rw[graph.outputs[k]] for k in left]
        if kept:
            place = self._place(rw, rw[own[self.leader]])
            for tensor, buffer in zip(kept, buffers, strict=True):
                rw.graph.outputs += rw.add(OPS["SetRow"], (buffer, place, rw[tensor]), {}, like=tensor.node)
        return prune(rw.graph)

    def _receive(self, rw: Rewriter, dtype: Any, dims: Any) -> GraphTensor:
        return rw.add(PLACEHOLDER, (), {"dtype": dtype, "shape": dims}, like=self.node, name="passed")[0]

    def _finish(self, update: _Sum | _Rows) -> Any:
        """The final value of a variable that left the loop."""
        start = self.rw[self.node.inputs[update.variable]]
        if isinstance(update, _Sum):
            with self.rw.building(self.node):
                total = self._total(update.term)
                return total if is_zero(start) else start + total
        stack = self.stacked(update.term)
        with self.rw.building(self.node):
            rows = stack.tensor
            if not stack.varies:
                rows = F.broadcast_to(F.expand_dims(rows, 0), (self.count, *rows.dims))
            values = update.factor * self._values() + update.offset
            if values[0] > values[-1]:
                rows, values = F.reverse(rows, [0]), values[::-1]
            first, last, size = int(values[0]), int(values[-1]) + 1, start.dims[0]
            if first < 0 or last > size:
                raise Unsupported("rows out of range")
            if update.adds and not is_zero(start):
                rows = start[first:last] + rows
            parts = [start[:first]] * (first > 0) + [rows] + [start[last:]] * (last < size)
            return F.concat(parts, 0) if len(parts) > 1 else rows

    def _total(self, term: Any) -> Any:
        """The sum of a term over all iterations."""
        if id(term) in self.stacks or self.kind[id(term)] == _FIXED or term.node.op is PLACEHOLDER:
            stack = self.stacked(term)
            return F.reduce_sum(stack.tensor, [0]) if stack.varies else stack.tensor * float(self.count)
        return summed(term.node, [self.stacked(t) for t in term.node.inputs], self.count)
