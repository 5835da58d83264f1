"""Sorting and the first few in order, along one dimension.

Every element of a row becomes a key: an unsigned number whose order is the one asked for, 32 bits wide or 64 for types
of 64 bits. Then, by how many there are and how many are wanted:
  ranks   short rows: an element goes to the place that says how many come before it, counted with vectors
  best    a few of many: a sorted list of the best so far, which a vector of keys rarely gets into
  radix   all: counted and moved digit by digit, eight bits at a time, the least significant first
"""

from __future__ import annotations

import math

from duoflow.core import dtypes
from duoflow.core.dtypes import DType
from duoflow.core.lowering import Order

from ..ir import Function, Index
from ..scalar import LLVMBuilder, Value, memory_type

__all__ = ["OrderRoutine"]

_SHARING_WORK = 60_000
#: The longest rows that are ordered by ranks, and the most elements that a list of the best holds.
_LONGEST_RANKED, _MOST_BEST = 48, 48
_DIGIT = 8
_DIGITS = 1 << _DIGIT


class OrderRoutine:
    """The kernel of one sort. Operands: check byte, input, the outputs in order, scratch."""

    can_fail = False
    inputs: tuple[int, ...] = (0,)
    base: int | None = None

    def __init__(
        self, order: Order, shape: tuple[int, int, int], wanted: int, dtype: DType, places: DType | None
    ) -> None:
        self.order, self.dtype, self.place_dtype = order, dtype, places
        self.outer, self.count, self.inner = shape
        self.wanted = wanted
        #: The type of keys, and of keys with the place behind them.
        self.key = dtypes.uint64 if dtype.size == 8 else dtypes.uint32
        self.packed = f"i{16 * self.key.size}"
        self.rows = self.outer * self.inner
        few = wanted <= _MOST_BEST and self.count >= 4 * wanted
        self.way = self._ranks if self.count <= _LONGEST_RANKED else self._best if few else self._radix
        steps = {self._ranks: self.count, self._best: 4, self._radix: 8 * self.key.size}[self.way]
        self.flops = self.rows * self.count * steps
        self.parallel = self.rows > 1 and self.flops > _SHARING_WORK

    # Scratch memory of a thread: keys (a vector more than there are), then what the way needs.

    @property
    def _key_bytes(self) -> int:
        return self.key.size * (-(-self.count // 64) * 64 + 64)

    @property
    def _thread_bytes(self) -> int:
        pair = 2 * self.key.size
        best = pair * (self.wanted + 8)
        radix = 2 * pair * self.count + 4 * _DIGITS * self.key.size
        return self._key_bytes + -(-max(best, radix if self.way == self._radix else 0) // 64) * 64

    def scratch_bytes(self, threads: int) -> int:
        return threads * self._thread_bytes

    # The kernel -------------------------------------------------------------------------------------------------------

    def write(self, f: Function) -> None:
        self.f, self.one = f, LLVMBuilder(f, 1)
        self.vector = LLVMBuilder(f, f.target.lanes(self.key.size))
        self.x = f.parameter("%ptrs", 1, "ptr")
        outputs = sum(position is not None for position in (self.order.values, self.order.places))
        self.out = [f.parameter("%ptrs", 2 + i, "ptr") for i in range(outputs)]
        scratch = f.gep(f.parameter("%ptrs", 2 + outputs, "ptr"), f.mul("%thread", self._thread_bytes))
        self.keys, self.rest = scratch, f.gep(scratch, self._key_bytes)
        begin, end = f.share(self.rows, "%part", "%parts")
        with f.loop(begin, end) as row:
            outer, inner = f.div(row.index, self.inner), f.rem(row.index, self.inner)
            source = f.add(f.mul(outer, self.count * self.inner), inner)
            self.row = f.gep(self.x, source, memory_type(self.dtype))
            self.target = f.add(f.mul(outer, self.wanted * self.inner), inner)
            self._write_keys()
            self.way()

    def _write_keys(self) -> None:
        lanes, f = self.vector.lanes, self.f
        whole = self.count - self.count % lanes
        for b, first, last in ((self.vector, 0, whole), (self.one, whole, self.count)):
            if first < last:
                with f.loop(first, last, b.lanes) as loop:
                    x = b.load_strided(self.dtype, self.row, f.mul(loop.index, self.inner), self.inner)
                    b.store(self._key(b, x), self.keys, loop.index)
        if whole < self.count:
            for beyond in range(self.count, whole + lanes):  # what fills the last vector comes last
                self.one.store(self.one.const(-1, self.key), self.keys, beyond)

    def _key(self, b: LLVMBuilder, x: Value) -> Value:
        """The number that has the element's place in the order."""
        bits = dtypes.int64 if self.key.size == 8 else dtypes.int32
        if x.dtype.is_floating:
            register = dtypes.float64 if self.key.size == 8 else dtypes.float32
            x = b.cast(x, register) + 0.0  # -0.0 is 0.0
            x = b.select(b.isnan(x), b.const(math.nan, register), x)
            number = b.bitcast(x, bits)
            key = b.select(number < 0, ~number, number ^ bits.min)
        elif x.dtype.is_unsigned or x.dtype.is_bool:
            key = b.cast(x, self.key)
        else:
            key = b.cast(x, bits) ^ bits.min
        key = b.cast(key, self.key)
        return ~key if self.order.descending else key

    def _give(self, rank: Index, place: Index) -> None:
        """The element at `place` has this rank."""
        f, one = self.f, self.one
        at = f.add(self.target, f.mul(rank, self.inner))
        if self.order.values is not None:
            value = one.load(self.dtype, self.row, f.mul(place, self.inner))
            one.store(value, self.out[self.order.values], at)
        if self.order.places is not None:
            assert self.place_dtype is not None
            number = one.cast(one.wrap(str(place), dtypes.int64), self.place_dtype)
            one.store(number, self.out[self.order.places], at)

    # Ranks ------------------------------------------------------------------------------------------------------------

    def _ranks(self) -> None:
        f, b, one = self.f, self.vector, self.one
        with f.loop(0, self.count) as loop:
            own = one.load(self.key, self.keys, loop.index)
            key = b.spread(own)
            place = b.spread(one.cast(one.wrap(loop.index, dtypes.int64), self.key))
            before = b.const(0, self.key)
            for start in range(0, self.count, b.lanes):
                other = b.load(self.key, self.keys, start)
                earlier = b.iota(self.key) + start < place
                before = before + b.cast((other < key) | ((other == key) & earlier), self.key)
            rank = one.cast(b.fold(before, lambda n, x, y: x + y), dtypes.int64).ref
            with f.when(f.compare("slt", rank, self.wanted)):
                self._give(rank, loop.index)

    # The best few -----------------------------------------------------------------------------------------------------

    def _pack(self, key: Value, place: Index) -> str:
        f, half = self.f, 8 * self.key.size
        wide = f.emit(f"zext i{half} {key.ref} to {self.packed}")
        wide = f.emit(f"shl {self.packed} {wide}, {half}")
        number = place if half == 64 else f.emit(f"trunc i64 {place} to i32")
        return f.emit(f"or {self.packed} {wide}, {f.emit(f'zext i{half} {number} to {self.packed}')}")

    def _place_of(self, packed: str) -> str:
        half = 8 * self.key.size
        low = self.f.emit(f"trunc {self.packed} {packed} to i{half}")
        return low if half == 64 else self.f.emit(f"zext i32 {low} to i64")

    def _load(self, table: str, at: Index) -> str:
        return self.f.emit(f"load {self.packed}, ptr {self.f.gep(table, at, self.packed)}, align 8")

    def _store(self, value: str, table: str, at: Index) -> None:
        self.f.do(f"store {self.packed} {value}, ptr {self.f.gep(table, at, self.packed)}, align 8")

    def _extreme(self, name: str, a: str, b: str) -> str:
        holds = self.f.compare("ult" if name == "min" else "ugt", a, b, self.packed)
        return self.f.select(holds, a, b, self.packed)

    def _best(self) -> None:
        f, b, wanted = self.f, self.vector, self.wanted
        best = f.gep(self.rest, 1, self.packed)  # behind one that comes before all
        self._store("0", self.rest, 0)
        with f.loop(0, wanted) as loop:
            self._store("-1", best, loop.index)
        worst = self.key, b.narrower(1).kind(self.key)
        with f.loop(0, self.count, b.lanes, carry=[(worst[1], "-1")]) as loop:
            bound = loop.values[0]
            keys = b.load(self.key, self.keys, loop.index)
            better = keys < b.spread(self.one.wrap(bound, self.key))
            some = b.fold(better, lambda n, x, y: x | y)
            start = loop.index
            loop.next = f.branch(some.ref, lambda: [self._enter(best, start, bound)], lambda: [bound], [worst[1]])
        with f.loop(0, wanted) as loop:
            self._give(loop.index, self._place_of(self._load(best, loop.index)))

    def _enter(self, best: str, start: Index, bound: str) -> str:
        """Let the elements of one vector into the list; the new bound."""
        f, kind = self.f, self.one.kind(self.key)
        with f.loop(0, self.vector.lanes, carry=[(kind, bound)]) as loop:
            place = f.add(start, loop.index)
            key = self.one.load(self.key, self.keys, place)

            def insert() -> list[str]:
                new = self._pack(key, place)
                with f.loop(0, self.wanted) as step:
                    at = f.sub(self.wanted - 1, step.index)
                    ahead = self._extreme("max", self._load(best, f.sub(at, 1)), new)
                    self._store(self._extreme("min", self._load(best, at), ahead), best, at)
                last = self._load(best, self.wanted - 1)
                half = 8 * self.key.size
                return [f.emit(f"trunc {self.packed} {f.emit(f'lshr {self.packed} {last}, {half}')} to i{half}")]

            old = loop.values[0]
            holds = f.compare("ult", key.ref, old, kind)
            loop.next = f.branch(holds, insert, lambda: [old], [kind])
        return loop.results[0]

    # All --------------------------------------------------------------------------------------------------------------

    def _radix(self) -> None:
        f, passes = self.f, self.key.size
        counts = self.rest
        first = f.gep(counts, 4 * _DIGITS * passes)
        second = f.gep(first, self.count, self.packed)
        f.intrinsic("llvm.memset.p0.i64", "void", ("ptr", counts), ("i8", "0"), ("i64", str(4 * _DIGITS * passes)),
                    ("i1", "false"))  # fmt: skip
        with f.loop(0, self.count) as loop:
            key = self.one.load(self.key, self.keys, loop.index)
            self._store(self._pack(key, loop.index), first, loop.index)
            for number in range(passes):
                cell = self._cell(counts, number, self._digit(key.ref, number, f"i{8 * self.key.size}", 0))
                f.store("i32", f.emit(f"add i32 {f.load('i32', cell)}, 1"), cell)
        source, target = first, second
        for number in range(passes):
            source, target = self._pass(counts, number, source, target)
        with f.loop(0, self.wanted) as loop:
            self._give(loop.index, self._place_of(self._load(source, loop.index)))

    def _digit(self, register: str, number: int, kind: str, above: int) -> str:
        f = self.f
        moved = f.emit(f"lshr {kind} {register}, {_DIGIT * number + above}")
        low = f.emit(f"trunc {kind} {moved} to i8")
        return f.emit(f"zext i8 {low} to i64")

    def _cell(self, counts: str, number: int, digit: Index) -> str:
        return self.f.gep(counts, self.f.add(digit, _DIGITS * number), "i32")

    def _pass(self, counts: str, number: int, source: str, target: str) -> tuple[str, str]:
        """Move by one digit, unless all have the same; gives where the elements are, and the other table."""
        f, half = self.f, 8 * self.key.size
        some = self._cell(counts, number, self._digit(self._load(source, 0), number, self.packed, half))
        alike = f.compare("eq", f.load("i32", some), self.count, "i32")

        def move() -> list[str]:
            with f.loop(0, _DIGITS, carry=[("i32", "0")]) as loop:
                cell = self._cell(counts, number, loop.index)
                size = f.load("i32", cell)
                f.store("i32", loop.values[0], cell)
                loop.next = [f.emit(f"add i32 {loop.values[0]}, {size}")]
            with f.loop(0, self.count) as loop:
                element = self._load(source, loop.index)
                cell = self._cell(counts, number, self._digit(element, number, self.packed, half))
                at = f.load("i32", cell)
                f.store("i32", f.emit(f"add i32 {at}, 1"), cell)
                self._store(element, target, f.emit(f"zext i32 {at} to i64"))
            return [target, source]

        now, other = f.branch(alike, lambda: [source, target], move, ["ptr", "ptr"])
        return now, other
