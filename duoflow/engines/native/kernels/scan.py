"""Running sums, products and logarithms of sums along one dimension.

The tensor is [outer, count, inner]. With an inner dimension, vectors of its columns run down side by side; without,
several rows do, so that no addition waits for the one before. Every element is combined in order, as NumPy does.
16-bit floats run in float32.
"""

from __future__ import annotations

import math

from duoflow.core import dtypes
from duoflow.core.dtypes import DType
from duoflow.core.lowering import Scan
from duoflow.core.scalar import Unsupported

from ..ir import Function, Index
from ..scalar import LLVMBuilder, Value

__all__ = ["ScanRoutine"]

_SHARING_WORK = 60_000
#: How many columns (or vectors of columns) run side by side.
_ABREAST = 8
#: Bytes after which places in the first cache repeat, eight times (or a little more often).
_CACHE_WAY = 4096
_IDENTITY = {"add": 0, "mul": 1, "logsumexp": -math.inf}


class ScanRoutine:
    """The kernel of one scan. Operands: check byte, input, output, scratch."""

    can_fail = False
    inputs: tuple[int, ...] = (0,)
    base: int | None = None

    def __init__(self, scan: Scan, shape: tuple[int, int, int], dtype: DType) -> None:
        if dtype.is_bool or (scan.combine == "logsumexp" and not dtype.is_floating):
            raise Unsupported(f"a running {scan.combine} of {dtype.name}")
        self.scan, self.dtype = scan, dtype
        self.outer, self.count, self.inner = shape
        self.running = dtypes.float32 if dtype.is_floating and dtype.size < 4 else dtype
        self.flops = math.prod(shape) * (20 if scan.combine == "logsumexp" else 1)
        #: The columns that run down side by side, and how far apart they are.
        self.columns, self.apart = (self.inner, 1) if self.inner > 1 else (self.outer, self.count)
        self.parallel = 2 * self.flops > _SHARING_WORK and self.columns * (self.outer if self.inner > 1 else 1) > 1

    def scratch_bytes(self, threads: int) -> int:
        return 0

    def write(self, f: Function) -> None:
        vectors = self.inner > 1 or self.scan.combine == "logsumexp"
        lanes = min(f.target.lanes(max(4, self.running.size)) if vectors else 1, 1 << (self.columns.bit_length() - 1))
        abreast = min(_ABREAST if lanes == 1 else _ABREAST // 2, self.columns // lanes, self._most_abreast(lanes))
        repeats = self.outer if self.inner > 1 else 1
        block = lanes * abreast
        blocks = self.columns // block
        rest = self.columns - blocks * block
        begin, end = f.share(repeats * (blocks + rest), "%part", "%parts")
        x, y = f.parameter("%ptrs", 1, "ptr"), f.parameter("%ptrs", 2, "ptr")
        wide, one = LLVMBuilder(f, lanes), LLVMBuilder(f, 1)
        # Blocks of columns first, then what is left column by column; both are shared by the threads.
        with f.loop(begin, f.minimum(end, repeats * blocks)) as loop:
            start = f.add(self._start(f, f.div(loop.index, blocks)), self._column(f, f.rem(loop.index, blocks), block))
            self._run(wide, x, y, start, abreast)
        if rest:
            with f.loop(f.maximum(begin, repeats * blocks), end) as loop:
                number = f.sub(loop.index, repeats * blocks)
                column = f.add(f.rem(number, rest), blocks * block)
                self._run(one, x, y, f.add(self._start(f, f.div(number, rest)), f.mul(column, self.apart)), 1)

    def _most_abreast(self, lanes: int) -> int:
        """How many columns fit into the cache side by side: those a power of two apart compete for the same lines."""
        if self.apart == 1:
            return _ABREAST
        places = _CACHE_WAY // math.gcd(self.apart * self.dtype.size, _CACHE_WAY)
        return max(1, 2 * places // lanes)

    def _start(self, f: Function, repeat: Index) -> Index:
        return f.mul(repeat, self.count * self.inner) if self.inner > 1 else 0

    def _column(self, f: Function, block: Index, size: int) -> Index:
        return f.mul(block, size * self.apart)

    def _run(self, b: LLVMBuilder, x: str, y: str, start: Index, abreast: int) -> None:
        """Some columns from end to end."""
        f, scan = b.f, self.scan
        step, kind = b.lanes * self.apart, b.kind(self.running)
        identity = b.const(_IDENTITY[scan.combine], self.running)
        with f.loop(0, self.count, carry=[(kind, identity.ref)] * abreast) as loop:
            place = f.sub(self.count - 1, loop.index) if scan.reverse else loop.index
            first = f.add(start, f.mul(place, self.inner))
            for column, register in enumerate(loop.values):
                at = f.add(first, column * step)
                total = b.wrap(register, self.running)
                element = b.cast(b.load_strided(self.dtype, x, at, self.apart), self.running)
                following = self._combined(b, total, element)
                self._store(b, total if scan.exclusive else following, y, at)
                loop.next.append(following.ref)

    def _store(self, b: LLVMBuilder, value: Value, y: str, at: Index) -> None:
        value = b.cast(value, self.dtype)
        if b.lanes == 1 or self.apart == 1:
            b.store(value, y, at)
            return
        for lane in range(b.lanes):
            b.narrower(1).store(b.lane(value, lane), y, b.f.add(at, lane * self.apart))

    def _combined(self, b: LLVMBuilder, total: Value, x: Value) -> Value:
        if self.scan.combine == "add":
            return b.value(total + x, x.dtype)
        if self.scan.combine == "mul":
            return b.value(total * x, x.dtype)
        joined = b.maximum(total, x) + b.log1p(b.exp(-b.abs(total - x)))
        return b.select(total == x, total + math.log(2), joined)
