"""A tensor with a part of it replaced: what is not replaced is copied, unless it is there already."""

from __future__ import annotations

import math

from duoflow.core import dtypes
from duoflow.core.dtypes import DType
from duoflow.core.lowering import Insert
from duoflow.core.scalar import Unsupported

from ..index import row_major
from ..ir import Function, Index
from ..scalar import LLVMBuilder, Value, memory_type

__all__ = ["InsertRoutine"]


class InsertRoutine:
    """The kernel of one update. Operands: check byte, tensor, begin if it is computed, value, output, scratch."""

    parallel = False

    def __init__(self, insert: Insert, shape: tuple[int, ...], dtype: DType, value: DType, index: DType) -> None:
        if value is not dtype:
            raise Unsupported(f"{value.name} in {dtype.name}")
        self.shape, self.dtype, self.index = shape, dtype, index
        self.part = insert.part
        self.can_fail = any(entry is not None for entry in self.part.computed)
        self.inputs: tuple[int, ...] = (0, *([self.part.begin] if self.can_fail else []), insert.value)
        #: The input that the output may be written over.
        self.base: int | None = 0
        self.flops = math.prod(shape)

    def scratch_bytes(self, threads: int) -> int:
        return 0

    def write(self, f: Function) -> None:
        _, base, *rest = (f.parameter("%ptrs", i, "ptr") for i in range(len(self.inputs) + 2))
        begin = rest.pop(0) if self.can_fail else ""
        value, out = rest
        offset, inside = self._offset(f, begin)

        def copy() -> list[str]:
            self._copy(f, out, base, math.prod(self.shape))
            return []

        with f.when(inside.ref):
            f.branch(f.compare("ne", base, out, "ptr"), copy, list)
            self._insert(f, f.gep(out, offset, memory_type(self.dtype)), value)
        with f.when((~inside).ref):
            f.store("i8", "0", f.parameter("%ptrs", 0, "ptr"))

    def _copy(self, f: Function, target: str, source: str, count: int) -> None:
        f.intrinsic(
            "llvm.memcpy.p0.p0.i64", "void", ("ptr", target), ("ptr", source), ("i64", str(count * self._bytes)),
            ("i1", "false"),
        )  # fmt: skip

    @property
    def _bytes(self) -> int:
        return self.dtype.numpy.itemsize

    def _offset(self, f: Function, begin: str) -> tuple[Index, Value]:
        """Where the part begins, and whether it is inside."""
        one = LLVMBuilder(f, 1)
        offset: Index = 0
        inside = one.const(True, dtypes.bool_)
        strides = row_major(self.shape)
        for (first, _, size), entry, stride, limit in zip(
            self.part.dims, self.part.computed, strides, self.shape, strict=True
        ):
            if entry is None:
                offset = f.add(offset, first * stride)
                continue
            place = one.cast(one.load(self.index, begin, entry), dtypes.int64)
            if self.part.wraps:
                place = one.select(place < 0, place + limit, place)
            inside = inside & (place >= 0) & (place <= limit - size)
            offset = f.add(offset, f.mul(place.ref, stride))
        return offset, inside

    def _insert(self, f: Function, target: str, value: str) -> None:
        """The elements of the part, in runs that are contiguous in both."""
        run, outer = 1, list(zip(self.part.dims, row_major(self.shape), self.shape, strict=True))
        while outer:
            (_, step, size), stride, _ = outer[-1]
            if size != 1 and (step != 1 or stride != run):
                break
            run *= size
            outer.pop()
        count = math.prod(size for (_, _, size), _, _ in outer)
        item = memory_type(self.dtype)
        with f.loop(0, count) as loop:
            place: Index = 0
            rest: Index = loop.index
            for (_, step, size), stride, _ in reversed(outer):
                place = f.add(place, f.mul(f.rem(rest, size), step * stride))
                rest = f.div(rest, size)
            self._copy(f, f.gep(target, place, item), f.gep(value, f.mul(loop.index, run), item), run)
