"""What a loop kernel computes, as expressions over loop variables.

`describe(node)` asks a record how it is lowered: itself for an elementwise body, a description of `core.lowering`,
or None if the node must run on the host. A `Resolver` then turns "the element of tensor t at this index" into a DAG
of expressions: views become index maps, elementwise ops become applications of their bodies, and what lies outside
the kernel becomes loads. Equal questions give the same expression, so a kernel computes each once.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Callable, Container
from dataclasses import dataclass
from typing import Any

import numpy as np

from duoflow.core import lowering
from duoflow.core.dtypes import DType
from duoflow.core.graph import CONST, Node
from duoflow.core.record import Kind, Op, attrs_key
from duoflow.core.scalar import Unsupported
from duoflow.core.tensor import GraphTensor

from .index import Affine, Var, flat, reduced, row_major, unflat
from .ir import Module
from .scalar import LLVMBuilder, register_type
from .static import elements, has_elements, inputs_of, sizes

__all__ = [
    "INDEXED", "VIEWS", "Apply", "Choose", "Constant", "Count", "Counting", "Elementwise", "Expression", "Find", "Load",
    "Misaligned", "Recomputed", "Resolver", "Result", "bounds_needed", "children", "describe", "uniform_value",
]  # fmt: skip


# -- what records say --------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Elementwise:
    """The node's record has a body that the scalar builder takes; `can_fail` if it requires something of operands."""

    can_fail: bool = False
    #: How many instructions the body is.
    cost: int = 0


@dataclass(frozen=True)
class Recomputed:
    """An elementwise node that every reader computes for itself; what that costs, with what it reads in this way."""

    cost: int


@dataclass(frozen=True)
class Counting:
    """`start + delta * i` for the i-th element: a range, computed where it is used."""

    start: Any
    delta: Any


#: What loops read without its being stored.
VIEWS = (lowering.Affine, lowering.Reshape, Counting, Recomputed)
#: What loops compute from elements of input 0 at places that are values themselves: it must be in memory.
INDEXED = (lowering.Gather, lowering.GatherNd, lowering.Part, lowering.Search)


def describe(node: Node) -> Any:
    """How the node is lowered: `Elementwise`, a description of `core.lowering`, or None for the host."""
    op = node.op
    # The shape that a scalar is reshaped to has no elements; what must come first is only waited for.
    inputs = node.inputs[:1] if op.name in ("Reshape", "Later") else node.inputs
    if not all(map(has_elements, (*inputs, *node.outputs))):
        return None
    try:
        if any(register_type(t.dtype) is None for t in (*inputs, *node.outputs)):
            return None
        if op.kind is Kind.ELEMENTWISE:
            return _elementwise(node)
        if op.name == "Range":
            return _counting(node)
        if op.lower is None:
            return None
        found = op.lower([t.spec for t in node.inputs], [t.spec for t in node.outputs], node.attrs)
    except Unsupported:
        return None
    return _possible(found, node)


def _elementwise(node: Node) -> Elementwise | None:
    if node.op.body is None or not _attrs_are_hashable(node):
        return None
    attrs = attrs_key(node.attrs)
    found = _probed(node.op, tuple((t.dtype, None) for t in node.inputs), attrs)
    if found is not None and found.can_fail:  # what is constant may be all right
        found = _probed(node.op, tuple((t.dtype, uniform_value(t)) for t in inputs_of(node)), attrs)
    return found


def _counting(node: Node) -> Counting | None:
    start, _, delta = (t.spec.array for t in node.inputs)
    if start is None or delta is None or elements(node.outputs[0]) >= 2**31:
        return None
    return Counting(start.item(), delta.item())


def _attrs_are_hashable(node: Node) -> bool:
    try:
        hash(attrs_key(node.attrs))
    except TypeError:
        return False
    return True


@functools.cache
def _probed(op: Op, operands: tuple[tuple[DType, Any], ...], attrs: tuple[Any, ...]) -> Elementwise | None:
    """Write the body once, into a module that is thrown away, for operands of these types (and constant values)."""
    assert op.body is not None
    required: list[Any] = []
    with Module().function("probe", [("ptr", "p")]) as f:
        b = LLVMBuilder(f, 1, required.append)
        loaded = [b.load(d, "%p") if v is None else b.const(v, d) for d, v in operands]
        before = f.length
        try:
            op.body(b, *loaded, **dict(attrs))
        except (Unsupported, TypeError):
            return None
        cost = f.length - before
    return Elementwise(bool(required), cost)


def _possible(found: Any, node: Node) -> Any:
    """The description, or None where loop kernels do not cover these types or sizes."""
    if not isinstance(found, lowering.Reduction):
        return found
    dtype = node.inputs[0].dtype
    count = math.prod(sizes(node.inputs[0])[a] for a in found.axes)
    if count == 1:
        return None if found.combine.startswith("arg") else lowering.Reshape()
    return None if found.mean and not dtype.is_floating else found


def uniform_value(tensor: GraphTensor) -> Any:
    """The number a constant holds in every element, or None."""
    if tensor.node.op is not CONST:
        return None
    array = tensor.node.attrs["value"].array
    if not isinstance(array, np.ndarray) or not array.size or array.dtype == object:
        return None
    first = array.reshape(-1)[0]
    return first if array.size == 1 or bool(np.all(array == first)) else None


# -- expressions -------------------------------------------------------------------------------------------------------

#: Conditions 0 <= index < size.
Guard = tuple[tuple[Affine, int], ...]


class Expression:
    """A value computed in each iteration; `variables` are the loops and `results` the reductions it depends on."""

    __slots__ = ("dtype", "variables", "results")

    def __init__(self, dtype: DType, variables: frozenset[Var], results: frozenset[int]) -> None:
        self.dtype, self.variables, self.results = dtype, variables, results


class Constant(Expression):
    """The same number everywhere."""

    __slots__ = ("value",)

    def __init__(self, value: Any, dtype: DType) -> None:
        super().__init__(dtype, frozenset(), frozenset())
        self.value = value


@dataclass(frozen=True)
class Dynamic:
    """A part of an index: `stride * value`; value, with `wrap` added if it is negative, must be in [0, limit).

    A limit of None says that it is for certain.
    """

    value: Expression
    stride: int
    limit: int | None
    wrap: int = 0


class Load(Expression):
    """An element of a buffer, at `index` plus the parts in `dynamic`."""

    __slots__ = ("tensor", "index", "guard", "dynamic")

    def __init__(self, tensor: GraphTensor, index: Affine, guard: Guard, dynamic: tuple[Dynamic, ...] = ()) -> None:
        variables = index.variables().union(*(a.variables() for a, _ in guard), *(d.value.variables for d in dynamic))
        super().__init__(tensor.dtype, variables, frozenset().union(*(d.value.results for d in dynamic)))
        self.tensor, self.index, self.guard, self.dynamic = tensor, index, guard, dynamic


class Find(Expression):
    """How many of the `count` sorted elements from `index` on in a buffer are less than a value (or equal to it)."""

    __slots__ = ("tensor", "index", "count", "value", "or_equal")

    def __init__(
        self, tensor: GraphTensor, index: Affine, count: int, value: Expression, or_equal: bool, dtype: DType
    ) -> None:
        super().__init__(dtype, index.variables() | value.variables, value.results)
        self.tensor, self.index, self.count, self.value, self.or_equal = tensor, index, count, value, or_equal


class Apply(Expression):
    """An elementwise node's body on its arguments."""

    __slots__ = ("node", "arguments")

    def __init__(self, node: Node, arguments: tuple[Expression, ...]) -> None:
        variables = frozenset().union(*(a.variables for a in arguments))
        results = frozenset().union(*(a.results for a in arguments))
        super().__init__(node.outputs[0].dtype, variables, results)
        self.node, self.arguments = node, arguments


class Choose(Expression):
    """`inside` where the guard holds, else `outside`."""

    __slots__ = ("guard", "inside", "outside")

    def __init__(self, guard: Guard, inside: Expression, outside: Expression) -> None:
        variables = inside.variables.union(outside.variables, *(a.variables() for a, _ in guard))
        super().__init__(inside.dtype, variables, inside.results | outside.results)
        self.guard, self.inside, self.outside = guard, inside, outside


class Count(Expression):
    """`start + delta * index` in the expression's type."""

    __slots__ = ("index", "start", "delta")

    def __init__(self, index: Affine, start: Any, delta: Any, dtype: DType) -> None:
        super().__init__(dtype, index.variables(), frozenset())
        self.index, self.start, self.delta = index, start, delta


class Result(Expression):
    """What a reduction of this kernel gave, after its loop."""

    __slots__ = ("node",)

    def __init__(self, node: Node, variables: frozenset[Var]) -> None:
        super().__init__(node.outputs[0].dtype, variables, frozenset({id(node)}))
        self.node = node


def children(e: Expression) -> tuple[Expression, ...]:
    """The expressions that one is made from."""
    if isinstance(e, Apply):
        return e.arguments
    if isinstance(e, Choose):
        return (e.inside, e.outside)
    if isinstance(e, Load):
        return tuple(d.value for d in e.dynamic)
    return (e.value,) if isinstance(e, Find) else ()


def bounds_needed(index: tuple[Affine, ...], sizes: tuple[int, ...]) -> Guard:
    """The conditions that an index map does not meet by itself."""
    out = []
    for entry, size in zip(index, sizes, strict=True):
        low, high = entry.bounds()
        if low < 0 or high >= size:
            out.append((entry, size))
    return tuple(out)


# -- from tensors to expressions ---------------------------------------------------------------------------------------


class Misaligned(Exception):
    """A kernel asks for one of its own values at another place than where it computes it."""


#: Gives the expression of a tensor that the kernel computes itself, at a flat index, or None if it lies outside.
Inside = Callable[[GraphTensor, Affine], "Expression | None"]


class Resolver:
    """Expressions for elements of tensors.

    `descriptions` says what each node (by id) is; views are looked through unless they are among those `stored`.
    """

    def __init__(self, descriptions: dict[int, Any], stored: Container[int], inside: Inside) -> None:
        self._descriptions = descriptions
        self._stored = stored
        self._inside = inside
        self._memo: dict[Any, Expression] = {}

    def element(self, tensor: GraphTensor, index: tuple[Affine, ...], guard: Guard = ()) -> Expression:
        """The element of a tensor at an index, loaded only where the guard holds."""
        key = (id(tensor), index, guard)
        found = self._memo.get(key)
        if found is None:
            found = self._memo[key] = self._resolve(tensor, index, guard)
        return found

    def _resolve(self, tensor: GraphTensor, index: tuple[Affine, ...], guard: Guard) -> Expression:
        literal = uniform_value(tensor)
        if literal is not None:
            return Constant(literal, tensor.dtype)
        shape = sizes(tensor)
        inside = self._inside(tensor, flat(index, shape))
        if inside is not None:
            return inside
        if isinstance(self._descriptions.get(id(tensor.node)), VIEWS) and id(tensor.node) not in self._stored:
            return self.through(tensor.node, index, guard)
        return Load(tensor, reduced(flat(index, shape)), guard)

    def compute(self, node: Node, index: tuple[Affine, ...]) -> Expression:
        """What a node's output is at an index, from its inputs."""
        description = self._descriptions[id(node)]
        if not isinstance(description, Elementwise):
            return self.through(node, index, ())
        arguments = tuple(self.element(t, _broadcast(t, index)) for t in inputs_of(node))
        return Apply(node, arguments)

    def through(self, node: Node, index: tuple[Affine, ...], guard: Guard) -> Expression:
        """The element of a view's input that its output shows at an index."""
        description = self._descriptions[id(node)]
        if isinstance(description, Counting):
            return Count(index[0], description.start, description.delta, node.outputs[0].dtype)
        if isinstance(description, Recomputed):
            return Apply(node, tuple(self.element(t, _broadcast(t, index), guard) for t in inputs_of(node)))
        source = inputs_of(node)[0]
        if isinstance(description, lowering.Reshape):
            return self.element(source, unflat(flat(index, sizes(node.outputs[0])), sizes(source)), guard)
        if isinstance(description, lowering.Affine):
            return self._affine(description, source, index, guard)
        if isinstance(description, lowering.Concat):
            return self._concat(description, node, index, guard)
        if isinstance(description, lowering.GatherNd):
            return self._gather_nd(node, index, guard)
        if isinstance(description, lowering.Search):
            return self._search(description, node, index, guard)
        if isinstance(description, lowering.Part):
            return self._part(description, node, index, guard)
        assert isinstance(description, lowering.Gather)
        return self._gather(description, node, index, guard)

    def _affine(
        self, view: lowering.Affine, source: GraphTensor, index: tuple[Affine, ...], guard: Guard
    ) -> Expression:
        moved = []
        for row, offset in zip(view.matrix, view.offset, strict=True):
            entry = Affine(offset)
            for factor, position in zip(row, index, strict=True):
                if factor:
                    entry = entry + position * factor
            moved.append(entry)
        if view.fill is None:
            return self.element(source, tuple(moved), guard)
        own = bounds_needed(tuple(moved), sizes(source))
        if not own:
            return self.element(source, tuple(moved), guard)
        return Choose(own, self.element(source, tuple(moved), guard + own), Constant(view.fill, source.dtype))

    def _concat(self, view: lowering.Concat, node: Node, index: tuple[Affine, ...], guard: Guard) -> Expression:
        """Each input where the position along the axis is its own, the last one elsewhere."""
        start, parts = 0, []
        for tensor in inputs_of(node):
            size = sizes(tensor)[view.axis]
            if size:
                parts.append((tensor, start, size))
            start += size
        found: Expression | None = None
        for tensor, first, size in reversed(parts):
            moved = (*index[: view.axis], index[view.axis] + -first, *index[view.axis + 1 :])
            own = bounds_needed((moved[view.axis],), (size,))
            part = self.element(tensor, moved, guard + own)
            found = part if found is None or not own else Choose(own, part, found)
        assert found is not None
        return found

    def _gather(self, view: lowering.Gather, node: Node, index: tuple[Affine, ...], guard: Guard) -> Expression:
        params, indices = inputs_of(node)[:2]
        shape = sizes(params)
        b, axis, count = view.batch_dims, view.axis, len(sizes(indices))
        inner = axis + count - b
        position = self.element(indices, index[:b] + index[axis:inner], guard)
        place = (*index[:axis], Affine(), *index[inner:])
        dynamic = Dynamic(position, math.prod(shape[axis + 1 :]), None if view.in_range else shape[axis])
        return Load(params, flat(place, shape), guard, (dynamic,))

    def _gather_nd(self, node: Node, index: tuple[Affine, ...], guard: Guard) -> Expression:
        params, indices = inputs_of(node)
        shape = sizes(params)
        *lead, depth = sizes(indices)
        row, rest = index[: len(lead)], index[len(lead) :]
        strides = row_major(shape)
        dynamic = tuple(
            Dynamic(self.element(indices, (*row, Affine(d)), guard), strides[d], shape[d]) for d in range(depth)
        )
        return Load(params, flat((*[Affine()] * depth, *rest), shape), guard, dynamic)

    def _part(self, part: lowering.Part, node: Node, index: tuple[Affine, ...], guard: Guard) -> Expression:
        source, begin = inputs_of(node)[0], inputs_of(node)[part.begin]
        shape = sizes(source)
        within = unflat(flat(index, sizes(node.outputs[0])), [size for _, _, size in part.dims])
        place, dynamic = [], []
        for (first, step, size), entry, i, stride, limit in zip(
            part.dims, part.computed, within, row_major(shape), shape, strict=True
        ):
            place.append(i * step + (first if entry is None else 0))
            if entry is not None:
                value = self.element(begin, (Affine(entry),), ())
                dynamic.append(Dynamic(value, stride, limit - size + 1, limit if part.wraps else 0))
        return Load(source, flat(place, shape), guard, tuple(dynamic))

    def _search(self, search: lowering.Search, node: Node, index: tuple[Affine, ...], guard: Guard) -> Expression:
        sequence, values = inputs_of(node)
        row, count = flat(index[:-1], sizes(values)[:-1]), sizes(sequence)[-1]
        value = self.element(values, index, guard)
        return Find(sequence, row * count, count, value, search.or_equal, node.outputs[0].dtype)


def _broadcast(tensor: GraphTensor, index: tuple[Affine, ...]) -> tuple[Affine, ...]:
    """The index into an operand that broadcasting stretches to the shape that `index` walks."""
    dims = sizes(tensor)
    lead = len(index) - len(dims)
    return tuple([Affine() if size == 1 else entry for size, entry in zip(dims, index[lead:], strict=True)])
