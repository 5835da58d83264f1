"""Lists of tensors held in buffers: what the ops on lists become (see `lists.py`, which walks loops and branches).

A `Held` is a version of a list: a buffer with a row for each element (several, if an element is a list itself), and a
length. Setting an element or adding one writes a row, getting one reads it, a list made from a tensor is that tensor,
and a stacked list is its buffer. An unset element is a row of zeros; a list of which no element is set has no buffer
yet. Where a size or shape is not known, or the elements are no numbers, the list stays one for the host, to which
`TensorListFromTensor` gives what a buffer held before.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from duoflow.core import dtypes
from duoflow.core.graph import Graph, Node
from duoflow.core.late import F
from duoflow.core.record import OPS
from duoflow.core.scalar import Unsupported
from duoflow.core.spec import Spec
from duoflow.core.tensor import GraphTensor, Tensor

from .assume import ASSUMED
from .prune import acts
from .rewrite import Rewriter
from .specialize import Observed, inferred, refuse, tells_more
from .trips import Ramp, interval, known_value, ramp_of

__all__ = ["Form", "Held", "Walk", "has_lists", "moved", "rule"]

#: Elements of lists with no more elements of their own than this are known where they are constant.
_KNOWN_ELEMENTS = 16
#: How a list is written and read.
_RULES: dict[str, Callable[[Walk, Node], None]] = {}


@dataclass(eq=False)
class Form:
    """What the versions of one list share; it becomes known as the list is written.

    `elements` are the specs of what makes up an element: one tensor or, if elements are lists, the parts of these,
    whose form is `inner`. `capacity` is the most elements that there are. `holes` tells that rows may be read before
    they are written, and so must start as zeros. `fixed` is the length of every element, if these are lists of the
    same length; if they are not, the length is the last of the parts. `bounds` are the least and the greatest of the
    elements written so far, if these are integers of which that is known, and `value` is what they all are if `same`.
    """

    elements: tuple[Spec, ...] | None = None
    inner: Form | None = None
    capacity: int = 0
    holes: bool = False
    fixed: int | None = None
    bounds: tuple[int, int] | None = None
    bounded: bool = True
    value: np.ndarray[Any, Any] | None = None
    same: bool = True

    def take(self, elements: tuple[Spec, ...], inner: Form | None = None) -> None:
        """Learn what an element is; `Unsupported` if it is not what others are."""
        if not all(s.known and s.dtype.numpy.kind not in "OV" or s.dtype is dtypes.bfloat16 for s in elements):
            raise Unsupported("elements of unknown shape, or that are no numbers")
        if self.elements is None:
            self.elements, self.inner = elements, inner
        mine = [(s.shape, s.dtype) for s in self.elements]
        if mine != [(s.shape, s.dtype) for s in elements]:
            raise Unsupported("elements of different shapes")

    def see(self, value: np.ndarray[Any, Any] | None, found: tuple[int, int] | None) -> None:
        """Learn the value of an element that is written, or between what values it lies."""
        if value is not None and (value.size > _KNOWN_ELEMENTS or value.dtype.kind not in "biu"):
            value = None  # the cotangents of floats are in lists of the same form
        if value is None or self.value is not None:
            self.same &= value is not None and self.value is not None and np.array_equal(value, self.value)
        else:
            self.value = value
        if found is None:
            self.bounded = False
        elif self.bounds is None:
            self.bounds = found
        else:
            self.bounds = min(found[0], self.bounds[0]), max(found[1], self.bounds[1])


@dataclass(frozen=True, eq=False)
class Held:
    """A version of a list: its buffers (None as long as every element is unset), and its length."""

    form: Form
    parts: tuple[GraphTensor, ...] | None
    length: int | GraphTensor

    @property
    def size(self) -> int:
        """The length, which must be known."""
        if not isinstance(self.length, int):
            raise Unsupported("a list of unknown length")
        return self.length

    def is_of(self, size: int) -> bool:
        """Whether the length is known to be this."""
        return isinstance(self.length, int) and self.length == size

    @property
    def rows(self) -> int:
        """How many rows the buffers have."""
        assert self.parts is not None
        return self.parts[0].dims[0] if self.parts else self.form.capacity  # type: ignore[index, return-value]


def has_lists(graph: Graph) -> bool:
    """Whether there are lists in a graph or the graphs inside it."""
    return any(
        any(t.dtype is dtypes.variant for t in (*node.outputs, *node.inputs)) or any(map(has_lists, node.subgraphs))
        for node in graph.nodes
    )


def rule(*names: str) -> Callable[[Callable[[Walk, Node], None]], Callable[[Walk, Node], None]]:
    """Say what these ops do to lists that are held in buffers."""

    def add(function: Callable[[Walk, Node], None]) -> Callable[[Walk, Node], None]:
        for name in names:
            _RULES[name] = function
        return function

    return add


@dataclass(eq=False)
class Walk:
    """The rewriting of one graph. `held` are the lists by the id of the old tensor, `intervals` the least and the
    greatest value of some new scalars."""

    graph: Graph
    #: The shapes that nodes gave in a run, and the lengths of lists, as long as no node before acts.
    observed: Observed = field(default_factory=dict)
    held: dict[int, Held] = field(default_factory=dict)
    intervals: dict[int, tuple[int, int]] = field(default_factory=dict)
    news: set[int] = field(default_factory=set)
    #: Of a loop's body: its variables that count, and the lengths of its lists with what they are at first.
    counts: list[tuple[GraphTensor, Ramp]] = field(default_factory=list)
    lengths: dict[int, int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.rw = Rewriter(self.graph)

    def step(self, node: Node) -> None:
        """Rewrite a node."""
        if self.observed and acts(node):
            self.observed = {}
        known = None if ASSUMED in node.op.tags else _RULES.get(node.op.name)
        if known is not None and self._concerns(node):
            mark = len(self.rw.graph.nodes)
            try:
                known(self, node)
                return
            except Unsupported:
                self._forget(mark)
        self._copy(node)

    def _concerns(self, node: Node) -> bool:
        """Whether a list that is held goes in, or one comes out of what is none."""
        lists = [t for t in node.inputs if t.dtype is dtypes.variant]
        if node.subgraphs:
            return all(id(t) in self.held for t in lists) and (bool(lists) or any(map(has_lists, node.subgraphs)))
        return all(id(t) in self.held for t in lists)

    def _forget(self, mark: int) -> None:
        """Take back what was written since."""
        graph = self.rw.graph
        for node in graph.nodes[mark:]:
            del graph._by_name[node.name]
        del graph.nodes[mark:]

    def _copy(self, node: Node) -> None:
        for t in node.inputs:
            self.tensor(t)
        inputs = self.rw.inputs(node)
        specs = inferred(node, inputs) if any(id(t) in self.news for t in inputs) else [t.spec for t in node.outputs]
        new = refuse(self.rw, node) if specs is None else self.rw.copy(node, specs=specs)
        for mine, old in zip(new.outputs, node.outputs, strict=True):
            if tells_more(mine.spec, old.spec):
                self.news.add(id(mine))

    # Values -----------------------------------------------------------------------------------------------------------

    def tensor(self, old: Tensor) -> GraphTensor:
        """What stands for a tensor; a list that was held becomes one for the host."""
        if id(old) in self.held and id(old) not in self.rw:
            self.rw.bind(old, self._as_list(self.held[id(old)], old.node))  # type: ignore[attr-defined]
        return self.rw[old]

    def _as_list(self, held: Held, like: Node) -> GraphTensor:
        if held.parts is None:
            if held.form.inner is not None:
                raise Unsupported("lists of lists for the host")
            size = held.length if isinstance(held.length, GraphTensor) else self.number(held.length, like)
            dtype = held.form.elements[0].dtype if held.form.elements else dtypes.float32
            return self.rw.add(OPS["TensorListReserve"], (size,), {"dtype": dtype}, like=like)[0]
        if held.form.inner is not None:
            raise Unsupported("lists of lists for the host")
        with self.rw.building(like):
            rows = held.parts[0] if held.is_of(held.rows) else held.parts[0][: held.length]
        return self.rw.add(OPS["TensorListFromTensor"], (rows,), {}, like=like)[0]

    def hold(self, old: Tensor, held: Held) -> None:
        """Let a list stand for a tensor."""
        self.held[id(old)] = held

    def bind(self, old: Tensor, new: GraphTensor) -> None:
        """Let a tensor stand for another."""
        self.rw.bind(old, new)
        if tells_more(new.spec, old.spec):
            self.news.add(id(new))

    def number(self, value: int, like: Node) -> GraphTensor:
        """An int32 constant."""
        return self.rw.constant(np.asarray(value, np.int32), like)

    def add(self, op: str, inputs: tuple[Any, ...], like: Node, **attrs: Any) -> GraphTensor:
        """A new node's output."""
        return self.rw.add(OPS[op], inputs, attrs, like=like)[0]

    # Buffers ----------------------------------------------------------------------------------------------------------

    def made(self, held: Held, like: Node) -> Held:
        """A list with buffers that have the form's capacity."""
        form = held.form
        if form.elements is None:
            raise Unsupported("a list whose elements are not known")
        rows = max(form.capacity, held.length if isinstance(held.length, int) else 0)
        if held.parts is not None:
            return held if held.rows >= rows else self._longer(held, rows, like)
        empty = held.is_of(0) and not form.holes
        parts = [
            self.add("Empty", (), like, dtype=s.dtype, shape=(rows, *_dims(s))) if empty else self._zeros(s, rows, like)
            for s in form.elements
        ]
        return replace(held, parts=tuple(parts))

    def _zeros(self, spec: Spec, rows: int, like: Node) -> GraphTensor:
        with self.rw.building(like):
            return F.zeros((rows, *_dims(spec)), spec.dtype)  # type: ignore[no-any-return]

    def _longer(self, held: Held, rows: int, like: Node) -> Held:
        assert held.parts is not None and held.form.elements is not None
        more = [self._zeros(s, rows - held.rows, like) for s in held.form.elements]
        with self.rw.building(like):
            parts = [F.concat([p, z], 0) for p, z in zip(held.parts, more, strict=True)]
        return replace(held, parts=tuple(parts))

    def element(self, value: Tensor, held: Held, like: Node) -> tuple[GraphTensor, ...]:
        """The parts of what is written to a list, which learns from it what its elements are."""
        if value.dtype is not dtypes.variant:
            tensor = self.rw[value]
            held.form.take((Spec(tensor.dims, tensor.dtype),))
            held.form.see(known_value(tensor), self.interval(tensor))
            return (tensor,)
        inner = self.held.get(id(value))
        if inner is None:
            raise Unsupported("an element that the host holds")
        if inner.parts is not None or inner.form.elements is not None:
            inner = self.made(inner, like)
        parts, form = inner.parts or (), held.form
        if form.elements is None and isinstance(inner.length, int):
            form.fixed = inner.length
        if form.fixed is None:
            parts += (inner.length if isinstance(inner.length, GraphTensor) else self.number(inner.length, like),)
        elif not inner.is_of(form.fixed):
            raise Unsupported("lists of different lengths as elements")
        form.take(tuple(Spec(p.dims, p.dtype) for p in parts), inner.form)
        return parts

    def row(self, held: Held, index: GraphTensor, like: Node) -> tuple[GraphTensor, ...]:
        """The parts of an element."""
        assert held.parts is not None
        return tuple([self.add("Row", (part, index), like) for part in held.parts])

    def give(self, old: Tensor, parts: tuple[GraphTensor, ...], held: Held) -> None:
        """Let the parts of an element stand for a tensor or list."""
        form = held.form
        if form.inner is None:
            value = form.value if form.same and not form.holes else None
            self.bind(old, parts[0] if value is None else self.rw.constant(value, old.node))  # type: ignore[attr-defined]
            if form.bounds is not None and form.bounded and not form.holes:
                self.intervals[id(parts[0])] = form.bounds
        elif form.fixed is None:
            self.hold(old, Held(form.inner, parts[:-1] or None, parts[-1]))
        else:
            self.hold(old, Held(form.inner, parts or None, form.fixed))

    def interval(self, tensor: Tensor) -> tuple[int, int] | None:
        """The least and the greatest value that an index has, as far as counting tells."""
        return interval(tensor, self.intervals)

    def checked(self, index: GraphTensor, length: int | GraphTensor, like: Node) -> GraphTensor:
        """An index that is in range, or an error where it is not."""
        found = self.interval(index)
        if isinstance(length, int) and found is not None and found[0] >= 0 and found[1] < length:
            return index
        if isinstance(length, int):
            all_of_them = self.rw.constant(np.arange(max(length, 1), dtype=index.dtype.numpy), like)
            return self.add("GatherV2", (all_of_them, index), like, axis=0, batch_dims=0)
        with self.rw.building(like):
            one = F.constant(np.zeros(1, index.dtype.numpy))
            wrong = F.cast((index < 0) | (index >= F.cast(length, index.dtype)), index.dtype)
            return index + F.gather(one, wrong)  # type: ignore[no-any-return]

    def follows(self, length: GraphTensor, index: GraphTensor) -> bool:
        """Whether an index is always the length that a list has when an iteration begins."""
        start = self.lengths.get(id(length))
        for variable, ramp in self.counts:
            found = ramp_of(index, variable)
            if found is not None and found[0] == 1 and ramp.start is not None and ramp.step == 1:
                return start == ramp.start + found[1]
        return False


def _dims(spec: Spec) -> tuple[int, ...]:
    return spec.shape  # type: ignore[return-value]


# -- what ops do to lists ----------------------------------------------------------------------------------------------


@rule("TensorListReserve")
def _reserve(walk: Walk, node: Node) -> None:
    size = known_value(walk.rw[node.inputs[0]])
    if size is None or node.attrs["dtype"].name == "string":
        raise Unsupported("a list of unknown size")
    walk.hold(node.outputs[0], Held(Form(), None, int(size)))


@rule("TensorListFromTensor")
def _from_tensor(walk: Walk, node: Node) -> None:
    tensor = walk.rw[node.inputs[0]]
    form = Form()
    if not tensor.spec.known:
        raise Unsupported("a list of unknown size")
    form.take((Spec(tensor.dims[1:], tensor.dtype),))  # type: ignore[index]
    form.bounded = form.same = False
    form.capacity = tensor.dims[0]  # type: ignore[index, assignment]
    walk.hold(node.outputs[0], Held(form, (tensor,), form.capacity))


@rule("Identity")
def _same(walk: Walk, node: Node) -> None:
    if node.outputs[0].dtype is not dtypes.variant:
        raise Unsupported("no list")
    walk.hold(node.outputs[0], walk.held[id(node.inputs[0])])


@rule("TensorListPushBack")
def _push(walk: Walk, node: Node) -> None:
    held = walk.held[id(node.inputs[0])]
    element = walk.element(node.inputs[1], held, node)
    if isinstance(held.length, int):
        held.form.capacity = max(held.form.capacity, held.length + 1)
    held = walk.made(held, node)
    assert held.parts is not None
    at = held.length if isinstance(held.length, GraphTensor) else walk.number(held.length, node)
    parts = tuple([walk.add("SetRow", (p, at, e), node) for p, e in zip(held.parts, element, strict=True)])
    walk.hold(node.outputs[0], Held(held.form, parts, moved(walk, held.length, 1, node)))


def moved(walk: Walk, length: int | GraphTensor, by: int, like: Node) -> int | GraphTensor:
    """A length that grew."""
    if isinstance(length, int):
        return length + by
    return walk.add("AddV2", (length, walk.number(by, like)), like)


@rule("TensorListPopBack")
def _pop(walk: Walk, node: Node) -> None:
    held = walk.held[id(node.inputs[0])]
    if held.is_of(0):
        raise Unsupported("an element of an empty list")
    rest = moved(walk, held.length, -1, node)
    at = rest if isinstance(rest, GraphTensor) else walk.number(rest, node)
    if held.parts is None:
        held.form.holes = True
        _give_unset(walk, node.outputs[1], held, node)
    else:
        walk.give(node.outputs[1], walk.row(held, at, node), held)
    walk.hold(node.outputs[0], replace(held, length=rest))


def _give_unset(walk: Walk, old: Tensor, held: Held, node: Node) -> None:
    """An element that nobody has written."""
    elements = held.form.elements
    if elements is None:
        spec = Spec(node.attrs["shape"], node.attrs["dtype"])
        if not spec.known or spec.dtype is dtypes.variant:
            raise Unsupported("an element of unknown shape")
        elements = (spec,)
    with walk.rw.building(node):
        parts = tuple([F.zeros(_dims(s), s.dtype) for s in elements])
    walk.give(old, parts, held)


@rule("TensorListSetItem")
def _set(walk: Walk, node: Node) -> None:
    held, index = walk.held[id(node.inputs[0])], walk.rw[node.inputs[1]]
    element = walk.element(node.inputs[2], held, node)
    length = held.length
    if node.attrs.get("grow"):
        length = _grown(walk, held, index, node)
        at = walk.checked(index, held.form.capacity, node)
    else:
        at = walk.checked(index, length, node)
    held = walk.made(held, node)
    assert held.parts is not None
    parts = tuple([walk.add("SetRow", (p, at, e), node) for p, e in zip(held.parts, element, strict=True)])
    walk.hold(node.outputs[0], Held(held.form, parts, length))


def _grown(walk: Walk, held: Held, index: GraphTensor, node: Node) -> int | GraphTensor:
    """The length after an element was set that may lie behind the end."""
    found = walk.interval(index)
    if found is None:
        raise Unsupported("a list that grows to an unknown size")
    low, high = found
    held.form.capacity = max(held.form.capacity, high + 1)
    if isinstance(held.length, int) and high < held.length:
        return held.length
    if isinstance(held.length, int) and low == high:
        held.form.holes |= low > held.length
        return high + 1
    if isinstance(held.length, GraphTensor) and walk.follows(held.length, index):
        return moved(walk, held.length, 1, node)
    held.form.holes = True
    with walk.rw.building(node):
        return F.maximum(held.length, F.cast(index, dtypes.int32) + 1)  # type: ignore[no-any-return]


@rule("TensorListGetItem")
def _get(walk: Walk, node: Node) -> None:
    held, index = walk.held[id(node.inputs[0])], walk.rw[node.inputs[1]]
    held.form.holes = True
    at = walk.checked(index, held.length, node)
    if held.parts is None:
        _give_unset(walk, node.outputs[0], held, node)
    else:
        walk.give(node.outputs[0], walk.row(held, at, node), held)


@rule("TensorListStack")
def _stack(walk: Walk, node: Node) -> None:
    held = walk.held[id(node.inputs[0])]
    size = held.size
    if held.parts is None:
        if held.form.elements is None:
            held.form.take((Spec(node.attrs["shape"] and node.attrs["shape"][1:], node.attrs["dtype"]),))
        held = walk.made(replace(held, form=replace(held.form, holes=True)), node)
    if held.form.inner is not None:
        raise Unsupported("a stack of lists")
    assert held.parts is not None
    with walk.rw.building(node):
        out = held.parts[0] if held.rows == size else held.parts[0][:size]
    walk.bind(node.outputs[0], out)


@rule("TensorListLength")
def _length(walk: Walk, node: Node) -> None:
    length = walk.held[id(node.inputs[0])].length
    walk.bind(node.outputs[0], length if isinstance(length, GraphTensor) else walk.number(length, node))


@rule("TensorListResize")
def _resize(walk: Walk, node: Node) -> None:
    held = walk.held[id(node.inputs[0])]
    size = known_value(walk.rw[node.inputs[1]])
    if size is None:  # what lies behind the new end is not read
        walk.hold(node.outputs[0], replace(held, length=walk.rw[node.inputs[1]]))
        return
    if held.form.inner is not None:
        raise Unsupported("a list of lists")
    if held.parts is not None and not held.is_of(int(size)):
        with walk.rw.building(node):
            kept = held.parts[0][: min(held.size, int(size))]
        held = walk._longer(replace(held, parts=(kept,)), int(size), node) if int(size) > held.size else Held(
            held.form, (kept,), int(size)
        )  # fmt: skip
        held = replace(held, form=Form(held.form.elements, None, int(size), held.form.holes))
    walk.hold(node.outputs[0], replace(held, length=int(size)))


@rule("TensorListZerosLike")
def _zeros_like(walk: Walk, node: Node) -> None:
    held = walk.held[id(node.inputs[0])]
    parts = held.parts
    if parts is not None:
        with walk.rw.building(node):
            parts = tuple([F.zeros(p.dims, p.dtype) if p.dtype.is_floating else p for p in parts])
    walk.hold(node.outputs[0], replace(held, parts=parts))


@rule("TensorListAdd")
def _add(walk: Walk, node: Node) -> None:
    a, b = (walk.held[id(t)] for t in node.inputs)
    if a.parts is None or b.parts is None:
        walk.hold(node.outputs[0], b if a.parts is None else a)
        return
    if a.rows != b.rows or isinstance(a.length, int) and isinstance(b.length, int) and a.length != b.length:
        raise Unsupported("lists of different lengths")
    with walk.rw.building(node):
        parts = tuple([x + y if x.dtype.is_floating else x for x, y in zip(a.parts, b.parts, strict=True)])
    walk.hold(node.outputs[0], replace(a, parts=parts))
