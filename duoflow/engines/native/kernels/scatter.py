"""Scatters: slices of updates combined into a tensor at places that are values themselves.

Each thread owns a part of the output: some of the places, or some columns of every slice if there are few places. It
sets its part to the start values, walks all rows of indices in order, and takes those that fall to it. So results do
not depend on the number of threads. Sums and products of 16-bit floats are kept in float32 until the end.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

from duoflow.core import dtypes
from duoflow.core.dtypes import DType
from duoflow.core.lowering import Scatter
from duoflow.core.scalar import Unsupported

from ..index import row_major
from ..ir import Function, Index
from ..scalar import LLVMBuilder, Value, memory_type

__all__ = ["ScatterRoutine"]

#: Elements moved that make a second thread worth while.
_SHARING_WORK = 60_000
#: Fewer places than this are not worth dividing; the columns of their slices are.
_FEWEST_PLACES = 64


@dataclass(frozen=True)
class _Operands:
    """Addresses, as registers. `target` holds the running values, `out` the result; mostly they are the same."""

    check: str
    base: str | None
    indices: str
    updates: str
    target: str
    out: str


class ScatterRoutine:
    """The kernel of one scatter, for these shapes and types."""

    def __init__(
        self, scatter: Scatter, shape: tuple[int, ...], rows: int, dtype: DType, index: DType, updates: DType
    ) -> None:
        undefined = {"set": False, "div": not dtype.is_floating}.get(scatter.combine, dtype.is_bool)
        if dtype is not updates or undefined:
            raise Unsupported(f"{scatter.combine} of {updates.name} to {dtype.name}")
        self.scatter, self.dtype, self.index = scatter, dtype, index
        self.limits, self.strides = shape[: scatter.depth], row_major(shape[: scatter.depth])
        self.rows, self.places, self.width = rows, math.prod(self.limits), math.prod(shape[scatter.depth :])
        #: The input that the output may be written over.
        self.base = scatter.base
        self.inputs = tuple(i for i in (scatter.base, scatter.indices, scatter.updates) if i is not None)
        short = dtype.is_floating and dtype.size < 4 and scatter.combine in ("add", "sub", "mul")
        #: The type of the running values.
        self.running = dtypes.float32 if short else dtype
        self.by_place = self.places >= _FEWEST_PLACES
        moved = (self.places + rows) * self.width
        walking_pays = self.width >= 4 or self.places > 4 * rows
        self.parallel = moved > _SHARING_WORK and walking_pays
        self.flops = moved

    @property
    def can_fail(self) -> bool:
        return self.scatter.outside != "drop"

    def scratch_bytes(self, threads: int) -> int:
        return 4 * self.places * self.width if self.running is not self.dtype else 0

    def write(self, f: Function) -> None:
        """Operands: check byte, base if there is one, indices, updates, output, scratch."""
        at = self._operands(f)
        self.b, self.one = LLVMBuilder(f, f.target.lanes(max(4, self.running.size))), LLVMBuilder(f, 1)
        if self.by_place:
            begin, end = f.share(self.places, "%part", "%parts")
            self.first, self.last = begin, end
            self.columns: tuple[Index, Index] = 0, self.width
        else:
            self.first, self.last = 0, self.places
            self.columns = f.share(self.width, "%part", "%parts")
        if not self.can_fail:
            self._scatter(f, at)
            return
        # All rows are looked at before anything is written: what fails leaves a variable as it was.
        with f.loop(0, self.rows, carry=[("i1", "false")]) as row:
            _, _, wrong = self._place(f, at, row.index)
            row.next = [f.emit(f"or i1 {row.values[0]}, {wrong}")]
        (failed,) = row.results
        with f.when(failed):
            f.store("i8", "0", at.check)
        with f.when(f.emit(f"xor i1 {failed}, true")):
            self._scatter(f, at)

    def _scatter(self, f: Function, at: _Operands) -> None:
        self._start(f, at)
        with f.loop(0, self.rows) as row:
            self._take(f, at, row.index)
        if self.running is not self.dtype:
            self._owned(f, lambda b, i: b.store(b.cast(b.load(self.running, at.target, i), self.dtype), at.out, i))

    def _operands(self, f: Function) -> _Operands:
        check, *rest = (f.parameter("%ptrs", i, "ptr") for i in range(len(self.inputs) + 3))
        base = rest.pop(0) if self.scatter.base is not None else None
        indices, updates, out, scratch = rest
        return _Operands(check, base, indices, updates, out if self.running is self.dtype else scratch, out)

    # Elements ---------------------------------------------------------------------------------------------------------

    def _each(self, f: Function, begin: Index, end: Index, body: Any) -> None:
        """`body(b, offset)` for vectors of items, then for single ones."""
        lanes = self.b.lanes
        count = f.sub(end, begin)
        whole = f.add(begin, f.mul(f.div(count, lanes), lanes))
        for b, first, last in ((self.b, begin, whole), (self.one, whole, end)):
            if isinstance(first, int) and isinstance(last, int) and first >= last:
                continue
            with f.loop(first, last, b.lanes) as loop:
                body(b, loop.index)

    def _owned(self, f: Function, body: Any) -> None:
        """`_each` over the items of the output that are this thread's."""
        if self.by_place:
            self._each(f, f.mul(self.first, self.width), f.mul(self.last, self.width), body)
            return
        with f.loop(0, self.places) as place:
            start = f.mul(place.index, self.width)
            self._each(f, f.add(start, self.columns[0]), f.add(start, self.columns[1]), body)

    def _start(self, f: Function, at: _Operands) -> None:
        base = at.base
        if base is None:
            self._owned(f, lambda b, i: b.store(b.const(self.scatter.fill, self.running), at.target, i))
            return

        def copy() -> list[str]:
            self._owned(f, lambda b, i: b.store(b.cast(b.load(self.dtype, base, i), self.running), at.target, i))
            return []

        f.branch(f.compare("ne", base, at.target, "ptr"), copy, list)

    # Rows -------------------------------------------------------------------------------------------------------------

    def _take(self, f: Function, at: _Operands, row: Index) -> None:
        """Combine the slice of one row of indices, if its place is this thread's."""
        inside, place, _ = self._place(f, at, row)
        mine = inside
        if self.by_place:
            low, high = f.compare("sge", place, self.first), f.compare("slt", place, self.last)
            mine = f.emit(f"and i1 {f.emit(f'and i1 {inside}, {low}')}, {high}")
        with f.when(mine):
            item = memory_type(self.running)
            target = f.gep(at.target, f.mul(place, self.width), item)
            source = f.gep(at.updates, f.mul(row, self.width), memory_type(self.dtype))

            def combine(b: LLVMBuilder, column: Index) -> None:
                update = b.cast(b.load(self.dtype, source, column), self.running)
                b.store(self._combined(b, lambda: b.load(self.running, target, column), update), target, column)

            self._each(f, *self.columns, combine)

    def _place(self, f: Function, at: _Operands, row: Index) -> tuple[str, Index, str]:
        """Whether a row points inside, and where; and whether it points outside though it must not."""
        one, depth = self.one, self.scatter.depth
        place: Index = 0
        inside, wrong = one.const(True, dtypes.bool_), one.const(False, dtypes.bool_)
        for d, (limit, stride) in enumerate(zip(self.limits, self.strides, strict=True)):
            number = one.load(self.index, at.indices, f.add(f.mul(row, depth), d))
            wide = one.cast(number, dtypes.int64)
            below, above = wide < 0, wide >= limit
            inside = inside & ~below & ~above
            wrong = wrong | (above if self.scatter.outside == "drop negative" else below | above)
            place = f.add(place, f.mul(wide.ref, stride))
        return inside.ref, place, wrong.ref

    def _combined(self, b: LLVMBuilder, load: Any, update: Value) -> Value:
        combine = self.scatter.combine
        if combine == "set":
            return update
        old: Value = load()
        if combine in ("max", "min"):
            return b.maximum(old, update) if combine == "max" else b.minimum(old, update)
        return b.binary(combine, old, update)
