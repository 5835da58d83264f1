"""Lists of tensors become tensors, so that loops carry nothing but those.

A list whose size is bounded is held in buffers (`held_lists.py`), which loops and branches take and give in its
place. How large the buffers of a loop must be, and what their rows are, shows when its body is rewritten for the
first time, to be thrown away; the second time its lists have buffers. The length of a list is a further variable
where it changes.

Where nothing bounds the iterations, a run shows how long the lists got. Then as much again, or more, is assumed to be
enough: the loop stops there, and if it would have gone on, the program is given up for one that allows for more.

A loop or branch stays as it is, lists and all, if there is a list whose size or elements are not known, or anything
else in it whose shape is not: the host runs it then.
"""

from __future__ import annotations

from collections.abc import Container, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from duoflow.core import dtypes
from duoflow.core.graph import PLACEHOLDER, Graph, Node
from duoflow.core.late import F
from duoflow.core.scalar import Unsupported
from duoflow.core.shapes import Dims
from duoflow.core.tensor import GraphTensor, Tensor

from .assume import ENDED
from .held_lists import Held, Walk, has_lists, rule
from .inline import inline
from .loop_variables import LOOPS
from .prune import acts, prune
from .rewrite import Rewriter
from .sink import sink
from .specialize import Observed
from .trips import Trips, known_value, trips

__all__ = ["grows_without_bound", "lists_as_tensors"]

#: Constants of no more elements than this become constants of the loops that they are passed to.
_SUNK_ELEMENTS = 64
#: The fewest iterations for which there is room where their number is not known, and by what it grows if need be.
_FEWEST_ROWS, _GROWTH = 16, 4

Entry = GraphTensor | Held


def lists_as_tensors(graph: Graph, observed: Observed | None = None) -> Graph:
    """The graph with its lists as tensors, as far as their sizes are known, or assumed after those `observed`."""
    if not has_lists(graph):
        return graph
    walk = Walk(graph, observed or {})
    try:
        for node in graph.nodes:
            walk.step(node)
        outputs = [walk.tensor(t) for t in graph.outputs]
    except Unsupported:  # the host cannot be given what buffers hold
        return graph
    walk.rw.graph.inputs, walk.rw.graph.outputs = [walk.rw[t] for t in graph.all_inputs], outputs  # type: ignore[assignment]
    return prune(walk.rw.graph)


def grows_without_bound(graph: Graph) -> bool:
    """Whether a loop is left that gives lists, which a run may tell the size of."""
    return any(
        n.op.name in LOOPS and not acts(n) and any(t.dtype is dtypes.variant for t in n.outputs) for n in graph.nodes
    )


@dataclass(frozen=True, eq=False)
class _Kept(Held):
    """A list that branches give with the length that it has outside, which they therefore need not give."""

    outside: GraphTensor | None = None


def _entry(walk: Walk, tensor: Tensor) -> Entry:
    if tensor.dtype is not dtypes.variant:
        return walk.rw[tensor]
    if id(tensor) not in walk.held:
        raise Unsupported("a list that the host holds")
    return walk.held[id(tensor)]


def _flat(entries: Sequence[Entry]) -> list[GraphTensor]:
    """What is passed for some tensors and lists: buffers, then the length where it is computed."""
    out: list[GraphTensor] = []
    for entry in entries:
        if isinstance(entry, Held):
            out += entry.parts or ()
            out += [entry.length] if isinstance(entry.length, GraphTensor) and not isinstance(entry, _Kept) else []
        else:
            out.append(entry)
    return out


def _placeholder(walk: Walk, like: Node, dtype: Any, dims: Dims) -> GraphTensor:
    return walk.rw.add(PLACEHOLDER, (), {"dtype": dtype, "shape": dims}, like=like)[0]


def _receive(walk: Walk, inner: Tensor, entry: Entry) -> list[GraphTensor]:
    """Give a graph inputs for what stands for one of its inputs."""
    like = inner.node  # type: ignore[attr-defined]
    if not isinstance(entry, Held):
        new = _placeholder(walk, like, entry.dtype, entry.dims)
        walk.bind(inner, new)
        return [new]
    parts = None if entry.parts is None else [_placeholder(walk, like, p.dtype, p.dims) for p in entry.parts]
    length = entry.length
    if isinstance(length, GraphTensor):
        length = _placeholder(walk, like, dtypes.int32, ())
    own = Held(entry.form, None if parts is None else tuple(parts), length)
    walk.hold(inner, own)
    return _flat([own])


def _steps(walk: Walk) -> Walk:
    """Rewrite what follows the inputs."""
    inputs = {id(t.node) for t in walk.graph.all_inputs}  # type: ignore[attr-defined]
    for node in walk.graph.nodes:
        if id(node) not in inputs:
            walk.step(node)
    return walk


def _require_static(graph: Graph) -> None:
    """Only what an engine can run as a whole gains from buffers."""
    for tensor in (*graph.inputs, *graph.outputs):
        if tensor.dtype.numpy.kind == "O":
            raise Unsupported("objects")
    for node in graph.nodes:
        if not all(t.spec.known and t.dtype is not dtypes.variant for t in (*node.inputs, *node.outputs)):
            raise Unsupported("shapes that are not known, or lists")
        for inner in node.subgraphs:
            _require_static(inner)


# -- loops -------------------------------------------------------------------------------------------------------------


@dataclass
class _Loop:
    """A loop on its way: the graphs, with constants sunk into them, and what is known of its iterations."""

    walk: Walk
    node: Node
    cond: Graph
    body: Graph
    trips: Trips

    @property
    def count(self) -> int:
        return len(self.node.outputs)

    def rewritten(
        self, graph: Graph, entries: Sequence[Entry], moving: Container[int] = ()
    ) -> tuple[Walk, list[GraphTensor]]:
        """A walk through one of the graphs with these for its inputs, and the inputs it has now.

        The lists `moving` (positions) have lengths of their own, which change.
        """
        inner = Walk(graph)
        inputs: list[GraphTensor] = []
        for k, (tensor, entry) in enumerate(zip(graph.all_inputs, entries, strict=True)):
            own = entry
            if isinstance(entry, Held) and k in moving and isinstance(entry.length, int):
                own = replace(entry, length=self.walk.number(entry.length, self.node))
            inputs += _receive(inner, tensor, own)
            if isinstance(entry, Held) and k in moving:
                now = inner.held[id(tensor)].length
                start = entry.length if isinstance(entry.length, int) else known_value(entry.length)
                if isinstance(now, GraphTensor) and start is not None:
                    inner.lengths[id(now)] = int(start)
            elif k in self.trips.ramps:
                inner.counts.append((inner.rw[tensor], self.trips.ramps[k]))
                found = self.trips.interval(k)
                if found is not None:
                    inner.intervals[id(inner.rw[tensor])] = found
        return _steps(inner), inputs


@rule("While", "StatelessWhile")
def _while(walk: Walk, node: Node) -> None:
    count = len(node.outputs)
    entries = [_entry(walk, t) for t in node.inputs]
    loop = _open(walk, node, entries)
    condition = loop.cond
    is_assumed = loop.trips.most is None and _assume_bound(loop)
    if loop.trips.count == 0:
        for old, entry in zip(node.outputs, entries, strict=False):
            walk.hold(old, entry) if isinstance(entry, Held) else walk.bind(old, entry)
        return
    lists = [k for k in range(count) if isinstance(entries[k], Held)]
    moves = _try_out(loop, entries, lists)
    starts = list(entries)
    for k in lists:
        held: Any = entries[k]
        if k in moves or held.parts is not None or held.form.elements is not None:
            held = walk.made(held, node)
        if k in moves and isinstance(held.length, int):
            held = replace(held, length=walk.number(held.length, node))
        starts[k] = held
    body, inputs = loop.rewritten(loop.body, starts, moves)
    ends = [_entry(body, t) for t in loop.body.outputs]
    for start, end in zip(starts, ends, strict=False):
        _require_same(start, end)
    body.rw.graph.inputs, body.rw.graph.outputs = inputs, _flat(ends)  # type: ignore[assignment]
    cond, inputs = loop.rewritten(loop.cond, starts)
    cond.rw.graph.inputs, cond.rw.graph.outputs = inputs, [cond.rw[loop.cond.outputs[0]]]
    graphs = {"cond": prune(cond.rw.graph), "body": prune(body.rw.graph)}
    for graph in graphs.values():
        _require_static(graph)
    outputs = list(walk.rw.add(node.op, _flat(starts), graphs, like=node))
    for k, old in enumerate(node.outputs):
        _receive_output(walk, old, starts[k], outputs, _after(loop, entries[k], moves.get(k)))
        _count(walk, loop, k, old)
    if is_assumed:
        _require_end(walk, node, condition)


def _assume_bound(loop: _Loop) -> bool:
    """Stop a loop after so many iterations as are assumed to be enough; whether anything is known of that."""
    lengths = [
        shape[0] for t, shape in zip(loop.node.outputs, loop.walk.observed.get(loop.node.name, ()), strict=False)
        if t.dtype is dtypes.variant and shape
    ]  # fmt: skip
    lead = next((k for k, r in loop.trips.ramps.items() if r.start is not None and r.step), None)
    reads = {id(t) for n in loop.cond.nodes for t in n.inputs}
    has_list = any(t.dtype is dtypes.variant and id(t) in reads for t in loop.cond.all_inputs)
    if not lengths or lead is None or has_list or acts(loop.node):
        return False
    most = _FEWEST_ROWS
    while most < max(lengths):
        most *= _GROWTH
    rw = Rewriter(loop.cond)
    for node in loop.cond.nodes:
        rw.copy(node)
    counter = rw[loop.cond.inputs[lead]]
    with rw.building(loop.node):
        end = F.constant(np.asarray(loop.trips.ramps[lead].at(most), counter.dtype.numpy))
        goes_on = F.logical_and(rw[loop.cond.outputs[0]], F.not_equal(counter, end))
    loop.cond = rw.finish()
    loop.cond.outputs = [goes_on]
    loop.trips = replace(loop.trips, most=most, exact=False)
    return True


def _require_end(walk: Walk, node: Node, condition: Graph) -> None:
    """Give the run up if a loop that was stopped would have gone on."""
    now: dict[int, Any] = {}
    for k, tensor in enumerate(condition.all_inputs):
        if tensor.dtype is not dtypes.variant:
            now[id(tensor)] = walk.rw[node.outputs[k] if k < len(node.outputs) else node.inputs[k]]
    for inner in condition.nodes:
        if inner.op is not PLACEHOLDER:
            made = walk.rw.add(inner.op, [now[id(t)] for t in inner.inputs], inner.attrs, like=inner)
            now |= {id(old): new for old, new in zip(inner.outputs, made, strict=True)}
    walk.rw.add(ENDED, (now[id(condition.outputs[0])],), like=node)


def _count(walk: Walk, loop: _Loop, k: int, old: Tensor) -> None:
    """Note what is known of the final value of a variable that counts."""
    found = loop.trips.interval(k, behind=True)
    ramp = loop.trips.ramps.get(k)
    if found is None or ramp is None:
        return
    if loop.trips.count is not None and ramp.start is not None:
        walk.bind(old, walk.rw.constant(np.asarray(ramp.at(loop.trips.count), old.dtype.numpy), loop.node))
    else:
        walk.intervals[id(walk.rw[old])] = found


def _open(walk: Walk, node: Node, entries: Sequence[Entry]) -> _Loop:
    """The graphs of a loop, its calls inlined, with the constants that it is passed."""
    count = len(node.outputs)
    known = {}
    for k, entry in enumerate(entries):
        value = known_value(entry) if k >= count and not isinstance(entry, Held) else None
        if value is not None and value.size <= _SUNK_ELEMENTS and value.dtype.kind in "biuf":
            known[k] = value
    cond, body = (sink(prune(inline(node.attrs[name])), known) for name in ("cond", "body"))
    starts = [node.inputs[k] if isinstance(e, Held) else e for k, e in enumerate(entries)]
    return _Loop(walk, node, cond, body, trips(cond, body, starts, walk.interval))


def _try_out(loop: _Loop, entries: Sequence[Entry], lists: list[int]) -> dict[int, int | None]:
    """By how much an iteration changes the length of each list (None: it depends); not those that keep it.

    The forms of the lists learn what their elements are and how many there can be.
    """
    moves: dict[int, int | None] = {}
    forms = [entry.form for entry in entries if isinstance(entry, Held)]
    states = [dict(form.__dict__) for form in forms]
    while lists:
        inner, _ = loop.rewritten(loop.body, entries, moves)
        more = {}
        for k in lists:
            before, after = inner.held[id(loop.body.inputs[k])], inner.held.get(id(loop.body.outputs[k]))
            if after is None:
                raise Unsupported("a list that the host gives")
            _learn(before, after)
            if after.length is not before.length and not (
                isinstance(before.length, int) and after.is_of(before.length)
            ):
                more[k] = _difference(after.length, before.length)
        done = more.keys() == moves.keys()
        moves = more
        if done:
            break
        for form, was in zip(forms, states, strict=True):  # what was learnt rests on lengths that turned out to change
            form.__dict__.update(was)
    for k, by in moves.items():
        start: Any = entries[k]
        if by is None or by > 0:
            if loop.trips.most is None:
                raise Unsupported("a list that grows without bound")
            size = start.size if isinstance(start.length, int) else start.rows
            start.form.capacity = max(start.form.capacity, size + (by or 0) * loop.trips.most)
    return moves


def _learn(before: Held, after: Held) -> None:
    """What a list is at the end of an iteration tells what it must be at the beginning."""
    if after.form is before.form:
        return
    if before.form.elements is None and before.parts is None and after.form.elements is not None:
        before.form.take(after.form.elements, after.form.inner)
        before.form.fixed = after.form.fixed
        before.form.holes = True
    before.form.capacity = max(before.form.capacity, after.form.capacity)


def _difference(after: Any, before: Any) -> int | None:
    """How much more one length is than another."""
    if isinstance(after, int) and isinstance(before, int):
        return after - before
    total = 0
    while after is not before:
        if not isinstance(after, GraphTensor) or after.node.op.name != "AddV2":
            return None
        value = known_value(after.node.inputs[1])
        if value is None:
            return None
        total += int(value)
        after = after.node.inputs[0]
    return total


def _require_same(start: Entry, end: Entry) -> None:
    """A variable keeps its type and shape."""
    if isinstance(start, Held) != isinstance(end, Held):
        raise Unsupported("a list that the host gives")
    if isinstance(start, Held) and isinstance(end, Held):
        if (start.parts is None) != (end.parts is None) or isinstance(start.length, int) != isinstance(end.length, int):
            raise Unsupported("a list that changes")
        if isinstance(start.length, int) and start.length != end.length:
            raise Unsupported("a list whose length changes")
    mine, theirs = ([(t.dtype, t.dims) for t in _flat([e])] for e in (start, end))
    if mine != theirs:
        raise Unsupported("shapes change")


def _after(loop: _Loop, entry: Entry, move: int | None) -> int | None:
    """The length that a list has behind the loop, if that is known."""
    if not isinstance(entry, Held) or move is None or loop.trips.count is None or not isinstance(entry.length, int):
        return None
    return entry.length + move * loop.trips.count


def _receive_output(walk: Walk, old: Tensor, start: Entry, outputs: list[GraphTensor], length: int | None) -> None:
    """Let the next of the new outputs stand for an output of the loop or branches."""
    if not isinstance(start, Held):
        walk.bind(old, outputs.pop(0))
        return
    parts = None if start.parts is None else tuple([outputs.pop(0) for _ in start.parts])
    found: Any = start.outside if isinstance(start, _Kept) else start.length
    if isinstance(found, GraphTensor) and not isinstance(start, _Kept):
        found = outputs.pop(0)
    walk.hold(old, Held(start.form, parts, found if length is None else length))


# -- branches ----------------------------------------------------------------------------------------------------------


@rule("If", "StatelessIf", "Case", "StatelessCase")
def _branches(walk: Walk, node: Node) -> None:
    entries = [_entry(walk, t) for t in node.inputs[1:]]
    walks, given = [], []
    for graph in node.subgraphs:
        own = prune(inline(graph))
        inner = Walk(own)
        inputs = [p for t, e in zip(own.all_inputs, entries, strict=True) for p in _receive(inner, t, e)]
        inner.rw.graph.inputs = inputs
        walks.append(_steps(inner))
        given.append([_entry(inner, t) for t in own.outputs])
    lengths = [_lengths_outside(inner, entries) for inner in walks]
    columns = [_agree(walks, lengths, column, node) for column in zip(*given, strict=True)]
    for k, inner in enumerate(walks):
        inner.rw.graph.outputs = _flat([column[k] for column in columns])  # type: ignore[assignment]
    graphs = iter([prune(inner.rw.graph) for inner in walks])
    attrs = {
        name: tuple([next(graphs) for _ in value]) if type(value) is tuple else next(graphs)
        for name, value in node.attrs.items()
    }
    selector = walk.rw[node.inputs[0]]
    new = walk.rw.add(node.op, (selector, *_flat(entries)), attrs, like=node)
    for graph in new[0].node.subgraphs if new else ():
        _require_static(graph)
    outputs = list(new)
    for old, column in zip(node.outputs, columns, strict=True):
        _receive_output(walk, old, column[0], outputs, None)


def _lengths_outside(walk: Walk, entries: Sequence[Entry]) -> dict[int, GraphTensor]:
    """For the lengths that a branch is passed (by id), what they are outside."""
    out = {}
    for tensor, entry in zip(walk.graph.all_inputs, entries, strict=True):
        own = walk.held[id(tensor)].length if isinstance(entry, Held) else None
        if isinstance(entry, Held) and isinstance(own, GraphTensor) and isinstance(entry.length, GraphTensor):
            out[id(own)] = entry.length
    return out


def _agree(
    walks: Sequence[Walk], lengths: Sequence[dict[int, GraphTensor]], column: Sequence[Entry], node: Node
) -> list[Entry]:
    """What all branches give for one output, in the same form."""
    lists = [e for e in column if isinstance(e, Held)]
    if not lists:
        return list(column)
    if len(lists) < len(column):
        raise Unsupported("a list that the host gives")
    known = next((e.form for e in lists if e.form.elements is not None), None)
    if known is None or known.elements is None:
        if any(not e.is_of(lists[0].size) for e in lists):
            raise Unsupported("lists of different lengths")
        return list(column)
    rows = max(e.rows if e.parts is not None else e.size for e in lists)
    out: list[Entry] = []
    same = isinstance(lists[0].length, int) and all(e.is_of(lists[0].length) for e in lists)
    outside = [table.get(id(e.length)) for table, e in zip(lengths, lists, strict=True)]
    unchanged = outside[0] is not None and all(o is outside[0] for o in outside)
    for walk, held in zip(walks, lists, strict=True):
        held.form.take(known.elements, known.inner)
        held.form.fixed = known.fixed
        own = replace(held, form=replace(held.form, capacity=rows, holes=True))
        own = replace(walk.made(own, node), form=known)
        length = own.length if same or isinstance(own.length, GraphTensor) else walk.number(own.length, node)
        out.append(_Kept(own.form, own.parts, length, outside[0]) if unchanged else replace(own, length=length))
    return out
