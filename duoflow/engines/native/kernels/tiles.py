"""What matrix products and convolutions share: packing, the register tile, and epilogues on its elements.

The register tile is 6 rows by 4 vectors (6 by 2 with 16 registers): broadcasts of A, vectors of B. Rows are split
into tiles of nearly equal height, columns into panels of one tile's width. A packed panel is [k][panel], padded with
zeros.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from duoflow.core import dtypes
from duoflow.core.dtypes import DType

from ..ir import Function, Index, Module, splat
from ..scalar import LLVMBuilder, Value
from ..target import Target

__all__ = [
    "TILE_ROWS", "Cell", "Epilogue", "TileWriter", "accumulator", "panel_width", "row_tiles_of", "write_late_epilogue",
]  # fmt: skip

#: Rows of the register tile.
TILE_ROWS = 6

#: Called while emitting, for each vector of a finished tile: gives the value to store, or None if nothing is to be.
Epilogue = Callable[["Cell"], "Value | None"]

Sums = list[list[str]]


def accumulator(dtype: DType) -> DType:
    """The type that products of this type are summed in."""
    return dtypes.float64 if dtype is dtypes.float64 else dtypes.float32


def tile_vectors(target: Target) -> int:
    """Vectors side by side in the register tile."""
    return 4 if target.vector_registers >= 32 else 2


def panel_width(target: Target, dtype: DType) -> int:
    """Columns of the register tile for inputs of a type."""
    return tile_vectors(target) * target.lanes(accumulator(dtype).size)


def row_tiles_of(rows: int) -> list[tuple[int, int, int]]:
    """(height, first tile, end tile): `rows` in tiles of at most two, nearly equal, heights."""
    tiles = -(-rows // TILE_ROWS)
    if not tiles:
        return []
    height = -(-rows // tiles)
    tall = rows - tiles * (height - 1)
    return [(height, 0, tall)] + ([(height - 1, tall, tiles)] if tall < tiles else [])


class RowTiles:
    """The same split for a number of rows that may only be known at run time."""

    def __init__(self, f: Function, rows: Index) -> None:
        self._known = row_tiles_of(rows) if isinstance(rows, int) else None
        self.count = f.ceildiv(rows, TILE_ROWS)
        some = f.maximum(self.count, 1)
        self.height = f.maximum(f.ceildiv(rows, some), 1)
        self.tall = f.sub(rows, f.mul(some, f.sub(self.height, 1)))

    def first_row(self, f: Function, tile: Index) -> Index:
        return f.sub(f.mul(tile, self.height), f.maximum(f.sub(tile, self.tall), 0))

    def between(self, f: Function, begin: Index, end: Index) -> list[tuple[Index, Index, Index]]:
        """(height, begin, end) of the tall and of the low tiles between two tiles."""
        parts: Sequence[tuple[Index, Index, Index]]
        if self._known is not None:
            parts = self._known
        else:
            parts = [(self.height, 0, self.tall), (f.sub(self.height, 1), self.tall, self.count)]
        return [(rows, f.maximum(begin, low), f.minimum(end, high)) for rows, low, high in parts]


class Cell:
    """One vector of a finished tile, as an epilogue sees it."""

    def __init__(
        self,
        b: LLVMBuilder,
        value: Value,
        batch: Index,
        row: Index,
        col: Index,
        mask: str | None,
        cache: dict[Any, Any],
    ) -> None:
        self.b, self.value = b, value
        self.batch, self.row, self.col, self.mask = batch, row, col, mask
        self._cache = cache

    def _once(self, key: Any, make: Callable[[], Any]) -> Any:
        if key not in self._cache:
            self._cache[key] = make()
        return self._cache[key]

    def operand(self, position: int) -> str:
        """The address of operand `position` of the kernel's call."""
        return str(self._once(("operand", position), lambda: self.b.f.parameter("%ptrs", position, "ptr")))

    def const(self, position: int) -> str:
        """An i64 of the kernel's call."""
        return str(self._once(("const", position), lambda: self.b.f.parameter("%consts", position)))

    def load(self, dtype: DType, pointer: str, row_stride: Index, col_stride: Index, batch_stride: Index = 0) -> Value:
        """What stands at this vector's place in another operand; loads along a broadcast dimension are shared."""
        start = lambda: self._index(row_stride, col_stride, batch_stride)
        load = lambda: self.b.load_strided(dtype, pointer, start(), col_stride, self.mask)
        if row_stride != 0 and col_stride != 0:
            return load()
        place = self.col if row_stride == 0 else self.row
        value: Value = self._once((dtype.name, pointer, row_stride, col_stride, batch_stride, place), load)
        return value

    def store(self, value: Value, pointer: str, row_stride: Index, batch_stride: Index = 0) -> None:
        """Write this vector's place of another row-major operand."""
        self.b.store(value, pointer, self._index(row_stride, 1, batch_stride), self.mask)

    def _index(self, row_stride: Index, col_stride: Index, batch_stride: Index) -> Index:
        f = self.b.f
        index = f.add(f.mul(self.row, row_stride), f.mul(self.col, col_stride))
        return f.add(index, f.mul(self.batch, batch_stride))


class TileWriter:
    """Writes packing functions and register tiles for inputs of one type into a module, under a prefix."""

    def __init__(self, module: Module, name: str, dtype: DType, out: DType) -> None:
        self.module, self.name, self.dtype, self.out = module, name, dtype, out
        self.sum_type = accumulator(dtype)
        self.lanes = module.target.lanes(self.sum_type.size)
        self.vectors = tile_vectors(module.target)
        self.panel = self.vectors * self.lanes
        self.item = "double" if self.sum_type is dtypes.float64 else "float"
        self.source_item = "i16" if dtype.size == 2 else self.item
        self.out_item = {2: "i16", 4: "float", 8: "double"}[out.size]

    def load_wide(self, b: LLVMBuilder, pointer: str, index: Index, mask: str | None = None) -> str:
        """Items of the input type as the accumulator's."""
        return b.cast(b.load(self.dtype, pointer, index, mask), self.sum_type).ref

    # Packing ------------------------------------------------------------------------------------------------------

    _PACK = (
        ("ptr", "source"),
        ("i64", "k_stride"),
        ("i64", "col_stride"),
        ("ptr", "target"),
        ("i64", "depth"),
        ("i64", "cols"),
    )

    def call_pack(
        self, f: Function, source: str, strides: tuple[Index, Index], target: str, depth: Index, cols: Index
    ) -> None:
        """Pack a panel of `cols` columns and `depth` rows; strides are (along k, between columns)."""
        arguments = (
            f"ptr {source}",
            f"i64 {strides[0]}",
            f"i64 {strides[1]}",
            f"ptr {target}",
            f"i64 {depth}",
            f"i64 {cols}",
        )
        rows = lambda: [f.call("void", f"{self.name}.pack_rows", *arguments)]
        transposed = lambda: [f.call("void", f"{self.name}.pack_transposed", *arguments)]
        if isinstance(strides[1], int):
            rows() if strides[1] == 1 else transposed()
        else:
            f.branch(f.compare("eq", strides[1], 1), rows, transposed)

    def write_pack_rows(self) -> None:
        """target[k][panel] <- source[k][cols], columns contiguous."""
        with self.module.function(f"{self.name}.pack_rows", self._PACK, internal=True) as f:
            b = LLVMBuilder(f, self.lanes)
            masks = []
            for v in range(self.vectors):
                left = f.maximum(f.minimum(f.sub("%cols", v * self.lanes), self.lanes), 0)
                masks.append(f.first_lanes(left, self.lanes))

            def copy(use_masks: bool) -> list[str]:
                with f.loop(0, "%depth") as loop:
                    row = f.gep("%source", f.mul(loop.index, "%k_stride"), self.source_item)
                    to = f.gep("%target", f.mul(loop.index, self.panel), self.item)
                    for v, mask in enumerate(masks):
                        value = self.load_wide(b, row, v * self.lanes, mask if use_masks else None)
                        f.store(self.item, value, f.gep(to, v * self.lanes, self.item), self.lanes)
                return []

            f.branch(f.compare("eq", "%cols", self.panel), lambda: copy(False), lambda: copy(True))

    def write_pack_transposed(self) -> None:
        """target[k][panel] <- source[cols][k], any strides; whole blocks of contiguous k go through registers."""
        with self.module.function(f"{self.name}.pack_transposed", self._PACK, internal=True) as f:
            b = LLVMBuilder(f, self.lanes)
            contiguous = f.compare("eq", "%k_stride", 1)
            whole = f.select(contiguous, f.mul(f.div("%depth", self.lanes), self.lanes), 0)
            last = f.sub("%cols", 1)
            column = lambda number: f.gep("%source", f.mul(f.minimum(number, last), "%col_stride"), self.source_item)
            with f.loop(0, self.panel, self.lanes) as block, f.when(f.compare("slt", block.index, "%cols")):
                sources = [column(f.add(block.index, lane)) for lane in range(self.lanes)]
                with f.loop(0, whole, self.lanes) as loop:
                    square = [self.load_wide(b, source, loop.index) for source in sources]
                    for lane, value in enumerate(transpose(f, b.kind(self.sum_type), square)):
                        at = f.add(f.mul(f.add(loop.index, lane), self.panel), block.index)
                        f.store(self.item, value, f.gep("%target", at, self.item), self.lanes)
            one = b.narrower(1)
            with f.loop(whole, "%depth") as loop:
                to = f.gep("%target", f.mul(loop.index, self.panel), self.item)
                with f.loop(0, "%cols") as col:
                    at = f.add(f.mul(loop.index, "%k_stride"), f.mul(col.index, "%col_stride"))
                    f.store(self.item, self.load_wide(one, "%source", at), f.gep(to, col.index, self.item))
            with f.when(f.compare("slt", "%cols", self.panel)), f.loop(0, "%depth") as loop:
                to = f.gep("%target", f.mul(loop.index, self.panel), self.item)
                with f.loop("%cols", self.panel) as col:
                    f.store(self.item, "0.0", f.gep(to, col.index, self.item))

    # The register tile --------------------------------------------------------------------------------------------

    def zero_sums(self, rows: int, vectors: int) -> Sums:
        return [[splat(self.item, "0.0", self.lanes)] * vectors for _ in range(rows)]

    def carried(self, sums: Sums) -> list[tuple[str, str]]:
        """The sums as what a loop carries."""
        kind = LLVMBuilder.kind_of(self.sum_type, self.lanes)
        return [(kind, value) for row in sums for value in row]

    @staticmethod
    def shaped(flat: Sequence[str], rows: int) -> Sums:
        """Sums in rows again."""
        width = len(flat) // rows
        return [list(flat[r * width : (r + 1) * width]) for r in range(rows)]

    def k_loop(
        self, f: Function, a: str, a_strides: tuple[Index, Index], b: str, b_k: Index, depth: Index, sums: Sums,
        masks: Sequence[str | None] | None = None,
    ) -> tuple[str, Sums]:  # fmt: skip
        """Add A[r, k] B[k, v] for all k < depth to sums[r][v], two steps a turn; also gives the pointer after B.

        A's strides are (between rows, along k). Three rows share a pointer, which keeps addresses in few registers.
        """
        a_row, a_k = a_strides
        rows, vectors = len(sums), len(sums[0])
        groups = -(-rows // 3)
        offsets = [f.mul(a_row, r) for r in range(3)]
        masks = masks or [None] * vectors

        def step(pointers: list[str], sums: Sums) -> tuple[list[str], Sums]:
            *starts, row_of_b = pointers
            columns = [
                f.load(self.item, f.gep(row_of_b, v * self.lanes, self.item), self.lanes, masks[v])
                for v in range(vectors)
            ]
            out = []
            for r in range(rows):
                item = f.load(self.item, f.gep(starts[r // 3], offsets[r % 3], self.item))
                wide = f.broadcast(self.item, item, self.lanes)
                out.append([f.fma(self.item, self.lanes, wide, x, y) for x, y in zip(columns, sums[r])])
            following = [f.gep(start, a_k, self.item) for start in starts]
            return [*following, f.gep(row_of_b, b_k, self.item)], out

        def run(count: Index, unroll: int, pointers: list[str], sums: Sums) -> tuple[list[str], Sums]:
            carry = [("ptr", pointer) for pointer in pointers] + self.carried(sums)
            with f.loop(0, count, 1, carry) as loop:
                now = loop.values[: groups + 1], self.shaped(loop.values[groups + 1 :], rows)
                for _ in range(unroll):
                    now = step(*now)
                loop.next = [*now[0], *(value for row in now[1] for value in row)]
            return loop.results[: groups + 1], self.shaped(loop.results[groups + 1 :], rows)

        state = ([f.gep(a, f.mul(a_row, 3 * group), self.item) for group in range(groups)] + [b], sums)
        pairs, odd = f.div(depth, 2), f.rem(depth, 2)
        if pairs != 0:
            state = run(pairs, 2, *state)
        if odd == 1:
            state = step(*state)
        elif odd != 0:
            state = run(odd, 1, *state)
        return state[0][-1], state[1]

    def places(self, f: Function, c: str, c_row: Index, rows: int, vectors: int) -> Sums:
        """The addresses of a tile of C."""
        starts = [f.gep(c, f.mul(r, c_row), self.out_item) for r in range(rows)]
        return [[f.gep(start, v * self.lanes, self.out_item) for v in range(vectors)] for start in starts]

    def add_stored(self, b: LLVMBuilder, sums: Sums, places: Sums, masks: Sequence[str | None]) -> Sums:
        """The sums plus what C holds."""
        load = lambda place, mask: b.cast(b.load(self.out, place, 0, mask), self.sum_type)
        return [
            [(b.wrap(x, self.sum_type) + load(place, mask)).ref for x, place, mask in zip(row, where, masks)]
            for row, where in zip(sums, places)
        ]

    def finish(
        self, b: LLVMBuilder, sums: Sums, places: Sums, masks: Sequence[str | None], epilogue: Epilogue | None,
        row_step: Index = 1,
    ) -> None:  # fmt: skip
        """Apply the epilogue, if any, and store. The place is in the function's %batch, %row and %col."""
        f, last = b.f, masks[-1]
        if last is not None and last.startswith("%") and epilogue is None:
            # Panels are mostly whole, and without AVX-512 masked stores are slow.
            bits = f.emit(f"bitcast <{self.lanes} x i1> {last} to i{self.lanes}")
            whole = f.compare("eq", bits, -1, f"i{self.lanes}")
            f.branch(
                whole,
                lambda: self._store(b, sums, places, [*masks[:-1], None]),
                lambda: self._store(b, sums, places, masks),
            )
            return
        cache: dict[Any, Any] = {}
        for v, mask in enumerate(masks):
            for r, row in enumerate(sums):
                value: Value | None = b.wrap(row[v], self.sum_type)
                if epilogue is not None and value is not None:
                    at = f.add("%row", f.mul(r, row_step)), f.add("%col", v * self.lanes)
                    value = epilogue(Cell(b, value, "%batch", *at, mask, cache))
                if value is not None:
                    b.store(b.cast(value, self.out), places[r][v], 0, mask)

    def _store(self, b: LLVMBuilder, sums: Sums, places: Sums, masks: Sequence[str | None]) -> list[str]:
        for row, where in zip(sums, places):
            for value, place, mask in zip(row, where, masks):
                b.store(b.cast(b.wrap(value, self.sum_type), self.out), place, 0, mask)
        return []

    # Choosing a tile ----------------------------------------------------------------------------------------------

    def tile_name(self, rows: int, vectors: int, partial: bool = False) -> str:
        return f"{self.name}.tile{rows}x{vectors}{'p' if partial else ''}"

    def write_all_tiles(self, write: Callable[[int, int], None]) -> None:
        """Every size of tile, and the table that `tile_pointer` looks them up in."""
        sizes = [(r + 1, v + 1) for r in range(TILE_ROWS) for v in range(self.vectors)]
        for rows, vectors in sizes:
            write(rows, vectors)
        names = ", ".join(f"ptr @{self.tile_name(*size)}" for size in sizes)
        self.module.constant(f"{self.name}.tiles", f"[{len(sizes)} x ptr] [{names}]")

    def tile_pointer(self, f: Function, rows: Index, cols: Index) -> str:
        """The function for a tile of this many rows and columns."""
        if isinstance(rows, int) and isinstance(cols, int):
            return self.tile_name(rows, -(-cols // self.lanes), cols < self.panel)
        position = f.add(f.mul(f.sub(rows, 1), self.vectors), f.sub(f.ceildiv(cols, self.lanes), 1))
        return f.load("ptr", f.gep(f"@{self.name}.tiles", position, "ptr"))


def write_late_epilogue(
    module: Module, name: str, epilogue: Epilogue, out: DType, row_stride: Index, batch_stride: Index = 0
) -> None:
    """Write the function that a generic kernel calls for each finished block of C, from an epilogue on cells.

    C is operand 2 of the call, of type `out`; its strides are in elements. `cell.const(i)` counts from the first const
    that the caller appended to the kernel's own.
    """
    places = ("batch", "row", "rows", "col", "cols")
    with module.function(name, [("ptr", "ptrs"), ("ptr", "consts"), *(("i64", place) for place in places)]) as f:
        b = LLVMBuilder(f, module.target.lanes(accumulator(out).size))
        end = f.add("%row", "%rows")
        whole = f.add("%col", f.mul(f.div("%cols", b.lanes), b.lanes))
        rest = f.sub(f.add("%col", "%cols"), whole)

        def rows(col: Index, mask: str | None) -> None:
            with f.loop("%row", end) as row:
                cell = Cell(b, b.const(0.0, accumulator(out)), "%batch", row.index, col, mask, {})
                c = cell.operand(2)
                at = f.add(f.add(f.mul(row.index, row_stride), col), f.mul("%batch", batch_stride))
                cell.value = b.cast(b.load(out, c, at, mask), accumulator(out))
                value = epilogue(cell)
                if value is not None:
                    b.store(b.cast(value, out), c, at, mask)

        with f.loop("%col", whole, b.lanes) as col:
            rows(col.index, None)
        with f.when(f.compare("sgt", rest, 0)):
            rows(whole, f.first_lanes(rest, b.lanes))


def transpose(f: Function, kind: str, rows: Sequence[str]) -> list[str]:
    """Transpose a square of registers by exchanging blocks of halving size."""
    count = len(rows)
    square = list(rows)
    distance = count // 2
    while distance:
        keep = [lane if not lane & distance else count + lane - distance for lane in range(count)]
        swap = [lane + distance if not lane & distance else count + lane for lane in range(count)]
        for low in (row for row in range(count) if not row & distance):
            a, b = square[low], square[low + distance]
            square[low], square[low + distance] = f.shuffle(kind, a, b, keep), f.shuffle(kind, a, b, swap)
        distance //= 2
    return square
