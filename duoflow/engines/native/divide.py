"""Loops whose iterations threads run side by side, each for its own rows of a batch.

A recurrent network computes each sequence of a batch for itself. Where that is so of all that a body computes, each
thread runs all iterations for its rows, without waiting for the others in between. The body's tensors are then

- free: given from outside and left as they are; threads read them wherever they like;
- own: small, and computed from free and own ones alone, as counters are; each thread does so for itself, in memory of
  its own;
- divided: row `r` of a batch is a `slab` of so many elements in a tensor, or one in each entry of a list; for it a task
  reads the same row of what is divided, and nothing of other rows.
"""

from __future__ import annotations

from collections.abc import Callable, Container, Sequence
from dataclasses import dataclass

from duoflow.core.graph import Graph
from duoflow.core.scalar import Unsupported
from duoflow.core.tensor import GraphTensor, Tensor

from .expression import Expression, Find, Guard, Load, Misaligned, children
from .index import Affine, Var
from .kernels.tiles import TILE_ROWS
from .loops import LoopPlan, plan_loops
from .row_tasks import RowTask, is_unset
from .static import elements, sizes
from .tasks import LoopTask, ProductTask, Task
from .threads import thread_count

__all__ = ["Division", "Turns", "divide"]

#: The most operations of a loop that is not interrupted: about a second's.
_MOST_FLOPS = 50_000_000_000
#: Elements of a tensor that each thread computes for itself, at most.
_OWN_ELEMENTS = 64
#: Bytes of the matrices that all threads read in each iteration, at most: what the larger caches hold.
_SHARED_BYTES = 8 << 20


@dataclass(frozen=True)
class Turns:
    """How often a body runs at most, and the variables (by position) on which it depends whether it runs again."""

    most: int
    deciding: frozenset[int]


@dataclass(frozen=True)
class Division:
    """The rows that threads divide, the tensors (by id) of which each thread has its own, and those that are lists."""

    rows: int
    own: Container[int]
    lists: Container[int]


def divide(
    graph: Graph, variables: int, tasks: Sequence[Task], turns: Turns | None, source: Callable[[Tensor], GraphTensor]
) -> Division | None:
    """Make the tasks of a loop's body such as threads can run apart; None if they are not.

    The first inputs of the graph are the variables; `source` says whose memory a tensor has.
    """
    threads, flops = thread_count(), sum(t.flops for t in tasks)
    if threads < 2 or turns is None or turns.most * flops > _MOST_FLOPS:
        return None
    products = [t for t in tasks if isinstance(t, ProductTask) and t.parallel]
    if not products or sum(_bytes(t.operands[1]) for t in products) > _SHARED_BYTES:
        return None
    rows = max(products, key=lambda t: t.flops).gemm.m
    if rows < threads * TILE_ROWS:
        return None
    try:
        body = _Body(graph, variables, tasks, rows, source)
        body.check_condition([graph.inputs[k] for k in turns.deciding])
        for task in tasks:
            body.check(task)
    except (Unsupported, Misaligned):
        return None
    for task in tasks:
        if body.is_divided(task):
            task.divide(rows)
    return Division(rows, body.own, body.lists)


def _bytes(tensor: Tensor) -> int:
    return elements(tensor) * tensor.dtype.size


class _Body:
    """What each tensor is."""

    def __init__(
        self, graph: Graph, variables: int, tasks: Sequence[Task], rows: int, source: Callable[[Tensor], GraphTensor]
    ) -> None:
        self._rows, self._source = rows, source
        #: The elements of a row, by the id of the tensor (and for lists, in each entry).
        self._slabs: dict[int, int] = {}
        self.own: set[int] = set()
        self.lists = {id(t) for task in tasks for lists in task.lists for t in lists}
        for start, end in zip(graph.inputs[:variables], graph.outputs):
            if source(end) is not start:
                self._enter(start, id(start) in self.lists)
        for task in tasks:
            for tensor in task.writes:
                self._enter(tensor, id(tensor) in self.lists)

    def _enter(self, tensor: GraphTensor, is_list: bool) -> None:
        count = elements(tensor) // sizes(tensor)[0] if is_list else elements(tensor)
        if count % self._rows == 0 and count:
            self._slabs[id(tensor)] = count // self._rows
        elif elements(tensor) <= _OWN_ELEMENTS and not is_list:
            self.own.add(id(tensor))
        else:
            raise Unsupported("neither small nor a batch")

    def is_divided(self, task: Task) -> bool:
        """Whether the task computes what is divided, rather than what each thread has its own of."""
        return any(id(t) in self._slabs for t in task.writes)

    def check_condition(self, deciding: Sequence[GraphTensor]) -> None:
        """`Unsupported` if it depends on rows whether there is another turn."""
        if any(map(self._slab, deciding)):
            raise Unsupported("a condition of rows")

    def check(self, task: Task) -> None:
        """`Unsupported` unless every row of what the task computes depends on the same row of what it reads."""
        if not self.is_divided(task):
            if not isinstance(task, LoopTask) or any(map(self._slab, plan_loops(task.kernel).reads)):
                raise Unsupported("what all threads need is made of rows")
        elif any(id(t) in self.own for t in task.writes):
            raise Unsupported("rows and what all threads need at once")
        elif isinstance(task, LoopTask):
            self._check_loops(task)
        elif isinstance(task, ProductTask):
            self._check_product(task)
        elif isinstance(task, RowTask):
            self._check_row(task)
        else:
            raise Unsupported("not divided by rows")

    def _slab(self, tensor: GraphTensor) -> int:
        """The elements of a row; 0 if threads may read all of the tensor."""
        return self._slabs.get(id(self._source(tensor)), 0)

    def _check_row(self, task: RowTask) -> None:
        base, index, value = task.node.inputs
        if self._slab(index) or self._slab(value) not in (0, self._slab(task.base)) or is_unset(base):
            raise Unsupported("a list of other rows")

    def _check_product(self, task: ProductTask) -> None:
        gemm, (a, b) = task.gemm, task.operands
        depth = gemm.a_strides[0], (gemm.k - 1) * gemm.a_strides[1]
        if gemm.batch != (1, 1) or gemm.m != self._rows or self._slab(b):
            raise Unsupported("no product of rows")
        if self._slab(a) not in (0, depth[0]) or depth[1] >= depth[0] or gemm.c_stride != self._slab(task.product):
            raise Unsupported("rows in another order")
        if task.kernel is not None:
            assert task.grid is not None
            self._check_reads(LoopPlan(task.kernel, [list(task.grid)], splits=False))

    def _check_loops(self, task: LoopTask) -> None:
        kernel = task.kernel
        first = kernel.domain[0]
        if first.reduced or first.extent % self._rows:
            raise Unsupported(
                "no loop over rows",
                task.name,
                kernel.domain,
                [(t.dims, t.dtype.name, id(t) in self._slabs, id(t) in self.own) for t in task.writes],
                [(t.dims, t.name) for t in plan_loops(kernel).reads],
            )
        kernel.rows = self._rows
        try:
            self._check_reads(plan_loops(kernel))
        finally:
            kernel.rows = 0

    def _check_reads(self, plan: LoopPlan) -> None:
        row = plan.kept[0]
        if row.extent != self._rows:
            raise Unsupported("rows are not the outer loop")
        for store in plan.stores:
            self._check_place(store.position, row, self._slab(store.tensor))
        seen: set[int] = set()
        stack = [*plan.prologues.values(), *(plan.expression(t) for n in plan.kernel.members for t in n.outputs)]
        stack += [*(store.value for store in plan.stores), *plan.rows.values()]
        while stack:
            e = stack.pop()
            if id(e) not in seen:
                seen.add(id(e))
                self._check_read(e, row)
                stack += children(e)

    def _check_read(self, e: Expression, row: Var) -> None:
        slab = self._slab(e.tensor) if isinstance(e, (Load, Find)) else 0
        if not slab:
            return
        if isinstance(e, Find) or any(d.stride % (slab * self._rows) for d in e.dynamic):
            raise Unsupported("a search, or elements of other rows")
        self._check_place(e.index, row, slab, e.guard)

    @staticmethod
    def _check_place(index: Affine, row: Var, slab: int, guard: Guard = ()) -> None:
        rest = index.without(row)
        low, high = _bounds(rest, guard)
        if index.terms.get(row) != slab or row in rest.variables() or low < 0 or high >= slab:
            raise Unsupported("elements of other rows")


def _bounds(index: Affine, guard: Guard) -> tuple[int, int]:
    """The least and the greatest value of an index where a guard holds."""
    low, high = index.bounds()
    for entry, size in guard:
        beyond = index + entry * -1
        if not beyond.terms:
            low, high = max(low, beyond.constant), min(high, beyond.constant + size - 1)
    return low, high
