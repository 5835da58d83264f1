"""Loop kernels: elementwise chains, views and reductions over one iteration space, written as one nest of loops.

A `LoopKernel` says what to compute. Its domain is a list of dimensions in row-major order, each kept or reduced. A
member is computed at every point of the domain ("full"), or once per point of the kept dimensions ("kept"): a
reduction, and what is computed from reductions. Members may depend on reductions of the same kernel; the reduced
loops then run again, as often as the longest chain of reductions asks (softmax: maximum, sum, quotient), which are
the kernel's phases.

Schedules. If the last dimension is kept, it is the vector: each vector of outputs walks the reduced dimensions with
its own accumulators. If it is reduced, the vectors run along it, and lanes are combined at the end of each row. The
outer kept loops, or the blocks of the vector loop if there are few of those, are shared by the threads; sums are
therefore the same for any number of threads.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Container, Sequence
from dataclasses import dataclass, field
from typing import Any

from duoflow.core import dtypes, lowering
from duoflow.core.graph import Node
from duoflow.core.tensor import GraphTensor

from .expression import Expression, Find, Load, Misaligned, Resolver, Result, children
from .index import Affine, Split, Var, flat, row_major, unflat
from .ir import KERNEL, Function, Index, Module
from .place import Place
from .reduce import Accumulator
from .scalar import Value
from .static import inputs_of, sizes
from .target import Target

__all__ = ["Dimension", "LoopKernel", "LoopPlan", "Outlet", "Store", "lanes_for", "plan_loops", "write_loops"]

#: Operations on one element that make a second thread worth while (see the threshold of `worth_sharing`).
_SHARING_WORK = 60_000
#: Ops that are polynomials of so many operations.
_TRANSCENDENTAL = {
    "Exp", "Expm1", "Log", "Log1p", "Tanh", "Sigmoid", "Softplus", "Erf", "Erfc", "Sin", "Cos", "Tan", "Pow", "Elu",
}  # fmt: skip
_COSTLY = 8
#: Vectors computed side by side, so that a chain of additions does not wait for itself.
_UNROLL = 4
#: Reductions over no more points than this (the windows of pools) are written out.
_WRITTEN_OUT = 9


@dataclass(frozen=True)
class Dimension:
    """A dimension of a kernel's domain."""

    extent: int
    reduced: bool = False


@dataclass(frozen=True)
class Outlet:
    """What a kernel puts together in memory from values at its points, or in the row `index` of that.

    Each of the parts is such a value, the shape in which it is seen, and where it begins along `axis`; `dims` is the
    shape of all of them together.
    """

    parts: tuple[tuple[GraphTensor, tuple[int, ...], int], ...]
    axis: int
    dims: tuple[int, ...]
    index: GraphTensor | None = None

    def positions(self, point: Affine) -> list[Affine]:
        """Where in the whole each part's value at a point of the kernel goes."""
        out = []
        for _, shape, start in self.parts:
            place = list(unflat(point, shape))
            place[self.axis : self.axis + 1] = [i + start for i in place[self.axis : self.axis + 1]]
            out.append(flat(place, self.dims))
        return out


@dataclass
class LoopKernel:
    """One fused kernel: the nodes it computes, where, and which of their outputs it stores."""

    domain: tuple[Dimension, ...]
    members: list[Node]
    #: Whether a member's output (by id of the tensor) is computed at every point of the domain or once per kept point.
    full: dict[int, bool]
    outputs: list[GraphTensor]
    descriptions: dict[int, Any]
    #: Views (by id of the node) that are in memory, and so are not looked through.
    stored: Container[int] = ()
    #: The rows that the threads divide, if they must divide those: a factor of the first, kept, dimension.
    rows: int = 0
    #: Those of its outputs (by id) that are put together from others, or from what it reads.
    outlets: dict[int, Outlet] = field(default_factory=dict)
    #: Tensors that are read, then tensors that are written: the order of the call's operands. Set by `write_loops`.
    reads: list[GraphTensor] = field(default_factory=list)
    #: Whether the operand before the reads, a byte, may be cleared: something failed. Set by `write_loops`.
    can_fail: bool = False

    @property
    def points(self) -> int:
        """How many points the domain has."""
        return math.prod(d.extent for d in self.domain)

    @property
    def worth_sharing(self) -> bool:
        """Whether the work pays for a second thread."""
        work = 2 + sum(_COSTLY if n.op.name in _TRANSCENDENTAL else 1 for n in self.members)
        return self.points * work > _SHARING_WORK


def write_loops(module: Module, name: str, kernel: LoopKernel) -> None:
    """Write the kernel as a function of the kernel ABI. Operands: a check byte, `kernel.reads`, `kernel.outputs`."""
    plan = plan_loops(kernel)
    kernel.reads = plan.reads
    with module.function(name, KERNEL) as f:
        kernel.can_fail = _Writer(f, kernel, plan).write()


def plan_loops(kernel: LoopKernel) -> LoopPlan:
    """The loops of a kernel, as many of them as its indices ask for."""
    factors = [[d.extent] for d in kernel.domain]
    if kernel.rows:
        factors[0] = [kernel.rows, kernel.domain[0].extent // kernel.rows]
    while True:
        try:
            return LoopPlan(kernel, factors)
        except Split as split:
            dimension, position = split.var.key
            sizes = factors[dimension]
            sizes[position : position + 1] = [split.var.extent // split.inner, split.inner]


class LoopPlan:
    """The loops and expressions of a kernel; making one raises `Split` if a loop must be two."""

    def __init__(self, kernel: LoopKernel, factors: list[list[int]], splits: bool = True) -> None:
        self.kernel = kernel
        self.kept: list[Var] = []
        self.reduced: list[Var] = []
        point, kept = Affine(), Affine()
        strides = row_major([d.extent for d in kernel.domain])
        kept_sizes = [d.extent for d in kernel.domain if not d.reduced]
        kept_strides = iter(row_major(kept_sizes))
        for i, dimension in enumerate(kernel.domain):
            variables = [Var((i, j), size, splits) for j, size in enumerate(factors[i])]
            entry = flat([Affine.of(v) for v in variables], factors[i])
            point = point + entry * strides[i]
            if not dimension.reduced:
                kept = kept + entry * next(kept_strides)
            (self.reduced if dimension.reduced else self.kept).extend(v for v in variables if v.extent > 1)
        self.point, self.kept_point = point, kept
        self._members = {id(t): n for n in kernel.members for t in n.outputs}
        self._expressions: dict[int, Expression] = {}
        self._resolver = Resolver(kernel.descriptions, kernel.stored, self._inside)
        self.prologues: dict[int, Expression] = {}
        self.phase_of: dict[int, int] = {}
        for node in kernel.members:
            self._enter(node)
        #: What is stored: the output, the value, and where it goes; and the rows of lists that outputs are.
        self.stores: list[Store] = []
        self.rows: dict[int, Expression] = {}
        for tensor in kernel.outputs:
            self._enter_stores(tensor)
        self.reads: list[GraphTensor] = []
        self._collect_reads()

    def _inside(self, tensor: GraphTensor, position: Affine) -> Expression | None:
        if id(tensor) not in self._members:
            return None
        expected = self.point if self.kernel.full[id(tensor)] else self.kept_point
        if position != expected:
            raise Misaligned(f"{tensor!r} at {position}, which is computed at {expected}")
        return self._expressions[id(tensor)]

    def _enter(self, node: Node) -> None:
        (tensor,) = node.outputs
        description = self.kernel.descriptions[id(node)]
        if isinstance(description, lowering.Reduction):
            source = inputs_of(node)[0]
            prologue = self._resolver.element(source, unflat(self.point, sizes(source)))
            self.prologues[id(node)] = prologue
            expression: Expression = Result(node, frozenset(self.kept))
            phase = self._phase(prologue)
            self.phase_of[id(tensor)] = phase
        else:
            at = self.point if self.kernel.full[id(tensor)] else self.kept_point
            expression = self._resolver.compute(node, unflat(at, sizes(tensor)))
            self.phase_of[id(tensor)] = self._phase(expression)
        self._expressions[id(tensor)] = expression

    def _enter_stores(self, tensor: GraphTensor) -> None:
        outlet = self.kernel.outlets.get(id(tensor))
        if outlet is None:
            at = self.point if self.kernel.full[id(tensor)] else self.kept_point
            self.stores.append(Store(tensor, self._expressions[id(tensor)], at))
            return
        for (value, _, _), position in zip(outlet.parts, outlet.positions(self.point), strict=True):
            self.stores.append(Store(tensor, self._resolver.element(value, unflat(self.point, sizes(value))), position))
        if outlet.index is not None:
            self.rows[id(tensor)] = self._resolver.element(outlet.index, ())
        self.phase_of[id(tensor)] = 0

    def _phase(self, expression: Expression) -> int:
        """The first phase in which a value can be computed: after the reductions it depends on."""
        by_id = {id(n): n for n in self.kernel.members}
        return max((self.phase_of[id(by_id[r].outputs[0])] + 1 for r in expression.results), default=0)

    def expression(self, tensor: Any) -> Expression:
        return self._expressions[id(tensor)]

    def _collect_reads(self) -> None:
        seen: set[int] = set()
        found: dict[int, GraphTensor] = {}

        def visit(e: Expression) -> None:
            if id(e) in seen:
                return
            seen.add(id(e))
            if isinstance(e, (Load, Find)):
                found.setdefault(id(e.tensor), e.tensor)
            for child in children(e):
                visit(child)

        for node in self.kernel.members:
            for root in (self.prologues.get(id(node)), self._expressions[id(node.outputs[0])]):
                if root is not None:
                    visit(root)
        for root in (*(store.value for store in self.stores), *self.rows.values()):
            visit(root)
        self.reads = list(found.values())


@dataclass(frozen=True)
class Store:
    """A value that goes to a place in an output."""

    tensor: GraphTensor
    value: Expression
    position: Affine


def lanes_for(target: Target, kernel: LoopKernel, extent: int) -> int:
    """The vector width: what fills a register with the widest floats involved, and no more than the loop has turns."""
    sizes = [t.dtype.size for n in kernel.members for t in (*n.outputs, *n.inputs) if t.dims]
    widest = max([min(s, 8) for s in sizes], default=4)
    lanes = target.lanes(max(4, widest))
    while lanes > 1 and lanes // 2 >= extent:
        lanes //= 2
    return lanes


class _Writer:
    """Writes one kernel's function."""

    def __init__(self, f: Function, kernel: LoopKernel, plan: LoopPlan) -> None:
        self.f, self.kernel, self.plan = f, kernel, plan
        self.rowwise = bool(kernel.domain) and kernel.domain[-1].reduced and bool(plan.reduced)
        loops = plan.reduced if self.rowwise else plan.kept[1 if kernel.rows else 0 :]
        self.vector_var = loops[-1] if loops else None
        self.extent = self.vector_var.extent if self.vector_var else 1
        self.lanes = lanes_for(f.target, kernel, self.extent) if self.vector_var else 1
        operands = [*plan.reads, *kernel.outputs]
        pointers = [f.parameter("%ptrs", i + 1, "ptr") for i in range(len(operands))]
        self.pointers = {id(t): p for t, p in zip(plan.reads, pointers)}
        self.targets = dict(zip(map(id, kernel.outputs), pointers[len(plan.reads) :]))
        self.at = Place(f, self.lanes, self.vector_var, self.pointers, check=0)
        self.phases = 1 + max([plan.phase_of[id(n.outputs[0])] for n in kernel.members], default=0)
        self.stored = {id(t) for t in kernel.outputs}
        for tensor in kernel.outputs:
            if id(tensor) in plan.rows:
                self.targets[id(tensor)] = self._row_of(tensor, plan.rows[id(tensor)])

    def _row_of(self, tensor: GraphTensor, index: Expression) -> str:
        """Where a row of a list begins: the first for an index out of range, which whoever computed it has reported."""
        row = self.at.emit(index)
        place = row.ref if row.dtype.size == 8 else self.f.emit(f"sext i32 {row.ref} to i64")
        count, *rest = sizes(tensor)
        inside = self.f.select(self.f.compare("ult", place, count), place, 0)
        bytes_of_row = math.prod(rest) * tensor.dtype.size
        return self.f.gep(self.targets[id(tensor)], self.f.mul(inside, bytes_of_row))

    def write(self) -> bool:
        """Write the function's body; whether it can fail."""
        if self.rowwise:
            self._share_outer(self.plan.kept, self._row)
        else:
            self._columns()
        return self.at.can_fail

    # Sharing ------------------------------------------------------------------------------------------------------

    def _share_outer(self, variables: Sequence[Var], body: Callable[[], None], shared: bool = True) -> None:
        """The loops over `variables`, flattened into one of which each thread does its share."""
        total = math.prod(v.extent for v in variables)
        begin, end = self._share(total) if shared else (0, total)
        if total == 1 and not shared:
            body()
            return
        with self.f.loop(begin, end) as loop:
            self.at.open()
            rest: Index = loop.index
            for variable in reversed(variables):
                quotient = self.f.div(rest, variable.extent) if variable is not variables[0] else rest
                self.at.bind(variable, rest if variable is variables[0] else self.f.rem(rest, variable.extent))
                rest = quotient
            body()
            self.at.close()

    def _share(self, total: int) -> tuple[Index, Index]:
        """The range of so many turns that falls to this thread."""
        units = self.kernel.rows or total
        begin, end = self.f.share(units, "%part", "%parts")
        return self.f.mul(begin, total // units), self.f.mul(end, total // units)

    # Kept last dimension: vectors of outputs ----------------------------------------------------------------------

    def _columns(self) -> None:
        outer = [v for v in self.plan.kept if v is not self.vector_var]
        count = math.prod(v.extent for v in outer)
        blocks = -(-self.extent // self.lanes)
        if self.kernel.rows or count >= 8 or count >= blocks:
            self.at.hoist(self._roots())
            self._share_outer(outer, lambda: self._vectors(0, blocks))
        else:
            begin, end = self.f.share(blocks, "%part", "%parts")
            self.at.hoist(self._roots())
            self._share_outer(outer, lambda: self._vectors(begin, end), shared=False)

    def _vectors(self, begin: Index, end: Index) -> None:
        """The vectors with numbers begin to end of the last loop; only the last of all may be partial."""
        self.at.hoist(self._roots())
        whole, rest = divmod(self.extent, self.lanes)
        known = isinstance(end, int)
        unroll = next(u for u in (_UNROLL, 2, 1) if whole % u == 0) if self.plan.reduced and known else 1
        full_end = min(end, whole) if isinstance(end, int) else self.f.minimum(end, whole)
        if not (known and full_end == 0):
            with self.f.loop(begin, full_end, unroll) as loop:
                starts = [self.f.mul(self.f.add(loop.index, u), self.lanes) for u in range(unroll)]
                self._points(starts, None)
        if rest:
            mask = self.f.first_lanes(rest, self.lanes)
            if known:
                self._points([whole * self.lanes], mask)
            else:
                with self.f.when(self.f.compare("sgt", end, whole)):
                    with self.f.when(self.f.compare("sle", begin, whole)):
                        self._points([whole * self.lanes], mask)

    def _points(self, starts: list[Index], mask: str | None) -> None:
        """All phases for some vectors of outputs."""
        scopes = []
        for start in starts:
            self.at.open()
            self.at.place(start, mask)
            scopes.append(self.at.take())
        for phase in range(self.phases):
            self.at.phase = phase
            self._reduce_columns(phase, scopes)
            for scope in scopes:
                with self.at.resumed(scope):
                    self._store_kept(phase)

    def _reduce_columns(self, phase: int, scopes: list[Any]) -> None:
        nodes = self._reductions(phase)
        stores = self._full_stores(phase)
        if not self.plan.reduced:
            for scope in scopes:
                with self.at.resumed(scope):
                    self._finish_trivial(nodes)
                    self._store_full(stores)
            return
        if not nodes and not stores:
            return
        for scope in scopes:
            with self.at.resumed(scope):
                self.at.hoist(self._roots(phase))
        accumulators = [[self._accumulator(n) for n in nodes] for _ in scopes]
        carried = [a for group in accumulators for a in group]
        self._nest(self.plan.reduced, carried, lambda: self._accumulate(scopes, nodes, accumulators, stores))
        for scope, group in zip(scopes, accumulators):
            with self.at.resumed(scope):
                for node, accumulator in zip(nodes, group):
                    self._give(node, accumulator.result(self.at.vector))

    def _accumulate(
        self, scopes: list[Any], nodes: list[Node], accumulators: list[list[Accumulator]], stores: list[Any]
    ) -> None:
        position = self._reduced_position() if any(a.counts for g in accumulators for a in g) else None
        for scope, group in zip(scopes, accumulators):
            with self.at.resumed(scope, fresh=True):
                for node, accumulator in zip(nodes, group):
                    value = self.at.vector.value(self.at.emit(self.plan.prologues[id(node)]), dtypes.float32)
                    accumulator.step(self.at.vector, value, None, position)
                self._store_full(stores)

    def _nest(self, variables: Sequence[Var], carried: list[Accumulator], body: Callable[[], None]) -> None:
        """Loops over `variables`, the accumulators carried through all of them."""
        if not variables:
            body()
            return
        if math.prod(v.extent for v in variables) <= _WRITTEN_OUT:
            for turn in range(variables[0].extent):
                self.at.open()
                self.at.bind(variables[0], turn)
                self.at.hoist(self._roots())
                self._nest(variables[1:], carried, body)
                self.at.close()
            return
        carry = [pair for a in carried for pair in a.state()]
        with self.f.loop(0, variables[0].extent, carry=carry) as loop:
            values = list(loop.values)
            for accumulator in carried:
                accumulator.resume(values)
            self.at.open()
            self.at.bind(variables[0], loop.index)
            self.at.hoist(self._roots())
            self._nest(variables[1:], carried, body)
            self.at.close()
            loop.next = [operand for a in carried for _, operand in a.state()]
        results = list(loop.results)
        for accumulator in carried:
            accumulator.resume(results)

    def _reduced_position(self) -> Index:
        """The number of the element along the reduced dimension, for arg max."""
        total = flat([Affine.of(v) for v in self.plan.reduced], [v.extent for v in self.plan.reduced])
        return self.at.scalar_index(total)

    # Reduced last dimension: vectors along the row ----------------------------------------------------------------

    def _row(self) -> None:
        for phase in range(self.phases):
            self.at.phase = phase
            self.at.hoist(self._roots(phase))
            self._reduce_row(phase)
            self._store_kept(phase)

    def _reduce_row(self, phase: int) -> None:
        nodes, stores = self._reductions(phase), self._full_stores(phase)
        if not nodes and not stores:
            return
        whole, rest = divmod(self.extent, self.lanes)
        unroll = min(_UNROLL, whole) if nodes and whole else 1
        groups = [[self._accumulator(n) for n in nodes] for _ in range(unroll)]
        carried = [a for group in groups for a in group]
        outer = self.plan.reduced[:-1]

        def step(start: Index, group: list[Accumulator], mask: str | None) -> None:
            self.at.open()
            self.at.place(start, mask)
            before = self._outer_position(outer) if any(a.counts for a in group) else None
            for node, accumulator in zip(nodes, group):
                value = self.at.vector.value(self.at.emit(self.plan.prologues[id(node)]), dtypes.float32)
                position = self.f.add(before, start) if before is not None else None
                accumulator.step(self.at.vector, value, mask, position, along=True)
            self._store_full(stores)
            self.at.close()

        def row() -> None:
            many = whole - whole % unroll
            if many:
                with self._carrying(0, many, unroll, carried) as index:
                    for u, group in enumerate(groups):
                        step(self.f.mul(self.f.add(index, u), self.lanes), group, None)
            for extra in range(many, whole):
                step(extra * self.lanes, groups[extra - many], None)
            if rest:
                step(whole * self.lanes, groups[(whole - many) % unroll], self.f.first_lanes(rest, self.lanes))

        self._nest(outer, carried, row)
        for i, node in enumerate(nodes):
            total = groups[0][i]
            for group in groups[1:]:
                total.absorb(self.at.vector, group[i])
            self._give(node, total.folded(self.at.vector))

    def _outer_position(self, outer: Sequence[Var]) -> Index:
        total = flat([Affine.of(v) for v in outer], [v.extent for v in outer]) * self.extent
        return self.at.scalar_index(total)

    def _carrying(self, start: int, stop: int, step: int, carried: list[Accumulator]) -> Any:
        return _CarryingLoop(self.f, start, stop, step, carried)

    # Members ------------------------------------------------------------------------------------------------------

    def _reductions(self, phase: int) -> list[Node]:
        plan = self.plan
        return [n for n in self.kernel.members if id(n) in plan.prologues and plan.phase_of[id(n.outputs[0])] == phase]

    def _full_stores(self, phase: int) -> list[GraphTensor]:
        full = self.kernel.full
        return [t for t in self.kernel.outputs if full[id(t)] and self.plan.phase_of[id(t)] == phase]

    def _roots(self, phase: int | None = None) -> list[Expression]:
        """What is computed (in one phase), for hoisting."""
        plan = self.plan
        phases = range(self.phases) if phase is None else (phase,)
        out = [plan.prologues[id(n)] for p in phases for n in self._reductions(p)]
        out += [s.value for s in plan.stores if phase is None or plan.phase_of[id(s.tensor)] == phase]
        return out

    def _accumulator(self, node: Node) -> Accumulator:
        description = self.kernel.descriptions[id(node)]
        count = math.prod(v.extent for v in self.plan.reduced)
        return Accumulator(self.at.vector, description, node.inputs[0].dtype, node.outputs[0].dtype, count)

    def _finish_trivial(self, nodes: list[Node]) -> None:
        """Reductions over dimensions of extent 1."""
        for node in nodes:
            accumulator = self._accumulator(node)
            value = self.at.vector.value(self.at.emit(self.plan.prologues[id(node)]), dtypes.float32)
            accumulator.step(self.at.vector, value, None, 0)
            self._give(node, accumulator.result(self.at.vector))

    def _give(self, node: Node, value: Value) -> None:
        self.at.give(self.plan.expression(node.outputs[0]), id(node), value)

    def _store_full(self, tensors: list[GraphTensor]) -> None:
        wanted = {id(t) for t in tensors}
        stores = [s for s in self.plan.stores if id(s.tensor) in wanted]
        values = [self.at.emit(s.value) for s in stores]  # all before any: outputs may replace inputs
        for store, value in zip(stores, values):
            target, dtype = self.targets[id(store.tensor)], store.tensor.dtype
            self.at.store(target, store.position, value, dtype)
            if id(store.tensor) not in self.kernel.outlets:
                self.at.reload(store.value, target, store.position, dtype)

    def _store_kept(self, phase: int) -> None:
        """Kept-level outputs that can be computed once this phase's reductions are there."""
        plan = self.plan
        ready = []
        for tensor in self.kernel.outputs:
            if not self.kernel.full[id(tensor)]:
                is_reduction = id(tensor.node) in plan.prologues
                first = plan.phase_of[id(tensor)] if is_reduction else max(plan.phase_of[id(tensor)] - 1, 0)
                if first == phase:
                    ready.append((tensor, self.at.emit(plan.expression(tensor))))
        for tensor, value in ready:
            self.at.store(self.targets[id(tensor)], plan.kept_point, value, tensor.dtype)


class _CarryingLoop:
    """A loop that carries accumulators."""

    def __init__(self, f: Function, start: int, stop: int, step: int, carried: list[Accumulator]) -> None:
        self.carried = carried
        self._context = f.loop(start, stop, step, [pair for a in carried for pair in a.state()])

    def __enter__(self) -> str:
        self._loop = self._context.__enter__()
        values = list(self._loop.values)
        for accumulator in self.carried:
            accumulator.resume(values)
        return self._loop.index

    def __exit__(self, *exc: Any) -> None:
        self._loop.next = [operand for a in self.carried for _, operand in a.state()]
        self._context.__exit__(*exc)
        results = list(self._loop.results)
        for accumulator in self.carried:
            accumulator.resume(results)
