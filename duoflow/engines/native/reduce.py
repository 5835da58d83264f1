"""Accumulators: how a reduction's running value starts, takes an element, and ends.

The running value is a vector. In loops over outputs each lane is one output; in loops along a row the lanes are
combined at the end. 16-bit floats are summed in float32. arg max and arg min carry the best value and its position;
the first of equals wins and NaN counts as best, as in NumPy.
"""

from __future__ import annotations

import math
from typing import Any

from duoflow.core import dtypes
from duoflow.core.dtypes import DType
from duoflow.core.lowering import Reduction

from .ir import Index
from .scalar import LLVMBuilder, Value

__all__ = ["Accumulator"]

_POSITION = dtypes.int32


def _limit(dtype: DType, largest: bool) -> Any:
    if dtype.is_floating:
        return math.inf if largest else -math.inf
    return dtype.max if largest else dtype.min


def _identity(combine: str, dtype: DType) -> Any:
    if combine in ("max", "argmax"):
        return _limit(dtype, False)
    if combine in ("min", "argmin"):
        return _limit(dtype, True)
    return {"add": 0, "mul": 1, "and": True, "or": False}[combine]


def _combine(b: LLVMBuilder, combine: str, x: Value, y: Value) -> Value:
    if combine == "add":
        return x + y
    if combine == "mul":
        return x * y
    if combine in ("max", "min"):
        return b.maximum(x, y) if combine == "max" else b.minimum(x, y)
    return x & y if combine == "and" else x | y


class Accumulator:
    """The running value of one reduction in one vector."""

    def __init__(self, b: LLVMBuilder, reduction: Reduction, source: DType, target: DType, count: int) -> None:
        self._combine, self._mean, self._target, self._count = reduction.combine, reduction.mean, target, count
        self.counts = reduction.combine in ("argmax", "argmin")
        short = source.is_floating and source.size < 4
        self._dtype = dtypes.float32 if short else source
        self._lanes = b.lanes
        self._builder = b
        identity = _identity(reduction.combine, self._dtype)
        self.value = b.const(identity, self._dtype)
        self.position = b.const(0, _POSITION) if self.counts else None

    # Loops carry the state as (type, operand) pairs -----------------------------------------------------------------

    def state(self) -> list[tuple[str, str]]:
        """What a loop carries."""
        b = self._builder
        out = [(b.kind(self._dtype), self.value.ref)]
        if self.position is not None:
            out.append((b.kind(_POSITION), self.position.ref))
        return out

    def resume(self, operands: list[str]) -> None:
        """Take the state back from the front of a loop's operands."""
        self.value = self._builder.wrap(operands.pop(0), self._dtype)
        if self.position is not None:
            self.position = self._builder.wrap(operands.pop(0), _POSITION)

    # Elements -------------------------------------------------------------------------------------------------------

    def step(self, b: LLVMBuilder, value: Value, mask: str | None, position: Index | None, along: bool = False) -> None:
        """Take a vector of elements; `position` is the number of the first, `along` if the lanes follow one another."""
        value = b.value(b.cast(value, self._dtype), self._dtype)
        if mask is not None:
            inside = b.wrap(mask, dtypes.bool_)
            value = b.select(inside, value, b.const(_identity(self._combine, self._dtype), self._dtype))
        if not self.counts:
            self.value = _combine(b, self._combine, self.value, value)
            return
        here = b.narrower(1).cast(b.narrower(1).wrap(str(position), dtypes.int64), _POSITION)
        if isinstance(position, int):
            here = b.narrower(1).const(position, _POSITION)
        place = b.spread(here) if b.lanes > 1 else here
        if along and b.lanes > 1:
            place = place + b.iota(_POSITION)
        if mask is not None:
            place = b.select(b.wrap(mask, dtypes.bool_), place, b.const(_POSITION.max, _POSITION))
        self._take(b, value, place, in_order=not along)

    def _take(self, b: LLVMBuilder, value: Value, place: Value, in_order: bool = False) -> None:
        assert self.position is not None
        self.value, self.position = self._better(b, (self.value, self.position), (value, place), in_order)

    def _better(
        self, b: LLVMBuilder, old: tuple[Value, Value], new: tuple[Value, Value], in_order: bool = False
    ) -> tuple[Value, Value]:
        """The better of two values; of equals the one with the lower position, which is the old one `in_order`."""
        wins = new[0] > old[0] if self._combine == "argmax" else new[0] < old[0]
        if self._dtype.is_floating:
            wins = wins | (b.isnan(new[0]) & ~b.isnan(old[0]))
        if not in_order:
            same = new[0] == old[0]
            if self._dtype.is_floating:
                same = same | (b.isnan(new[0]) & b.isnan(old[0]))
            wins = wins | (same & (new[1] < old[1]))
        return b.select(wins, new[0], old[0]), b.select(wins, new[1], old[1])

    def absorb(self, b: LLVMBuilder, other: Accumulator) -> None:
        """Combine with the accumulator of another vector."""
        if self.counts:
            assert other.position is not None
            self._take(b, other.value, other.position)
        else:
            self.value = _combine(b, self._combine, self.value, other.value)

    # Ends -----------------------------------------------------------------------------------------------------------

    def folded(self, b: LLVMBuilder) -> Value:
        """The result of all lanes together, as a value of the one-lane builder."""
        if b.lanes == 1:
            return self.result(b)
        if not self.counts:
            total = b.fold(self.value, lambda n, x, y: _combine(n, self._combine, x, y))
            return self._ended(total.builder, total)
        assert self.position is not None
        best = (b.lane(self.value, 0), b.lane(self.position, 0))
        for lane in range(1, b.lanes):
            one = b.narrower(1)
            best = self._better(one, best, (b.lane(self.value, lane), b.lane(self.position, lane)))
        return b.narrower(1).cast(best[1], self._target)

    def result(self, b: LLVMBuilder) -> Value:
        """The result, one per lane."""
        if self.counts:
            assert self.position is not None
            return b.cast(self.position, self._target)
        return self._ended(b, self.value)

    def _ended(self, b: LLVMBuilder, total: Value) -> Value:
        if self._mean:
            total = total / b.const(self._count, total.dtype)
        return b.cast(total, self._target)
