"""What matrix products and convolutions share: packing, and the register tile.

A tile sums A[outer, inner, row, k] B[outer, inner, k, col] over outer, inner and k for 6 rows by 4 vectors (6 by 2 with
16 registers): broadcasts of A, vectors of B. Rows are split into tiles of nearly equal height, columns into panels of
one tile's width. A packed panel is [k][panel], padded with zeros. Short sums for a single vector of columns are better
off with tiles of up to 12 rows, as they are called half as often.

Tiles take strides as arguments, so there is one function for each height and width. Each is a module of its own, and
compiled when a kernel that needs it is first prepared: `Tiles.prepare((rows, cols))`. Kernels find them in a table
whose address is among their consts.
"""

from __future__ import annotations

import functools
import threading
from collections.abc import Iterator, Sequence

from duoflow.core import dtypes
from duoflow.core.dtypes import DType

from ..ir import Function, Index, Module, splat
from ..jit import Library, Table, compile_by_name, kept, side_by_side
from ..scalar import LLVMBuilder
from ..target import Target, host
from ..threads import Block

__all__ = [
    "TALL_ROWS",
    "TILE_ROWS",
    "RowTiles",
    "TileWriter",
    "Tiles",
    "accumulator",
    "panel_width",
    "row_tiles_of",
    "tiles_of",
]

#: Rows of the register tile, and of one that is a vector wide.
TILE_ROWS, TALL_ROWS = 6, 12

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


def row_tiles_of(rows: int, most: int = TILE_ROWS) -> list[tuple[int, int, int]]:
    """(height, first tile, end tile): `rows` in tiles of at most two, nearly equal, heights."""
    tiles = -(-rows // most)
    if not tiles:
        return []
    height = -(-rows // tiles)
    tall = rows - tiles * (height - 1)
    return [(height, 0, tall)] + ([(height - 1, tall, tiles)] if tall < tiles else [])


class RowTiles:
    """The same split for a number of rows that is known at run time."""

    def __init__(self, f: Function, rows: Index, most: Index = TILE_ROWS) -> None:
        self.count = f.ceildiv(rows, most)
        some = f.maximum(self.count, 1)
        self.height = f.maximum(f.ceildiv(rows, some), 1)
        self.tall = f.sub(rows, f.mul(some, f.sub(self.height, 1)))

    def first_row(self, f: Function, tile: Index) -> Index:
        return f.sub(f.mul(tile, self.height), f.maximum(f.sub(tile, self.tall), 0))

    def between(self, f: Function, begin: Index, end: Index) -> list[tuple[Index, Index, Index]]:
        """(height, begin, end) of the tall and of the low tiles between two tiles."""
        parts = [(self.height, 0, self.tall), (f.sub(self.height, 1), self.tall, self.count)]
        return [(rows, f.maximum(begin, low), f.minimum(end, high)) for rows, low, high in parts]


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

        def call(name: str) -> list[str]:
            return [f.call("void", f"{self.name}.{name}", *arguments)]

        if strides[1] == 1:
            call("pack_rows")
        else:
            f.branch(f.compare("eq", strides[1], 1), lambda: call("pack_rows"), lambda: call("pack_transposed"))

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

            def column(number: Index) -> str:
                return f.gep("%source", f.mul(f.minimum(number, last), "%col_stride"), self.source_item)

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

    _TILE = (
        ("ptr", "a"), ("i64", "a_row"), ("i64", "a_k"), ("i64", "a_outer"), ("i64", "a_inner"), ("i64", "outer"),
        ("i64", "inner"), ("i64", "depth"), ("ptr", "b"), ("i64", "b_k"), ("ptr", "c"), ("i64", "c_row"),
        ("i64", "cols"), ("i1", "add"),
    )  # fmt: skip

    def call_tile(self, f: Function, table: str, rows: Index, **operands: Index) -> None:
        """Call the tile of so many rows; the operands are those of `_TILE`, `table` is the address of `Tiles`."""
        width = f.sub(f.ceildiv(operands["cols"], self.lanes), 1)
        position = f.add(f.mul(f.sub(rows, 1), self.vectors), width)
        function = f.load("ptr", f.gep(table, position, "ptr"))
        f.call("void", function, *(f"{kind} {operands[name]}" for kind, name in self._TILE))

    def write_tile(self, rows: int, vectors: int) -> None:
        """The loops over outer, inner and k in registers, then what C holds if `add`, and the store."""
        with self.module.function(self.name, self._TILE) as f:
            b = LLVMBuilder(f, self.lanes)
            flat = self._carried([[splat(self.item, "0.0", self.lanes)] * vectors] * rows)
            with f.loop(0, "%outer", 1, [("ptr", "%b"), *flat]) as outer:
                carry = [(kind, value) for (kind, _), value in zip([("ptr", ""), *flat], outer.values)]
                with f.loop(0, "%inner", 1, carry) as inner:
                    at = f.add(f.mul(outer.index, "%a_outer"), f.mul(inner.index, "%a_inner"))
                    sums = self._shaped(inner.values[1:], rows)
                    pointer, sums = self._k_loop(f, f.gep("%a", at, self.item), inner.values[0], sums)
                    inner.next = [pointer, *(value for row in sums for value in row)]
                outer.next = inner.results
            self._finish(b, self._shaped(outer.results[1:], rows))

    def _carried(self, sums: Sums) -> list[tuple[str, str]]:
        """The sums as what a loop carries."""
        kind = LLVMBuilder.kind_of(self.sum_type, self.lanes)
        return [(kind, value) for row in sums for value in row]

    @staticmethod
    def _shaped(flat: Sequence[str], rows: int) -> Sums:
        """Sums in rows again."""
        width = len(flat) // rows
        return [list(flat[r * width : (r + 1) * width]) for r in range(rows)]

    def _k_loop(self, f: Function, a: str, b: str, sums: Sums) -> tuple[str, Sums]:
        """Add A[r, k] B[k, v] for all k < depth to sums[r][v], two steps a turn; also gives the pointer after B.

        Three rows share a pointer, which keeps addresses in few registers.
        """
        rows, vectors = len(sums), len(sums[0])
        groups = -(-rows // 3)
        offsets = [f.mul("%a_row", r) for r in range(3)]

        def step(pointers: list[str], sums: Sums) -> tuple[list[str], Sums]:
            *starts, row_of_b = pointers
            columns = [
                f.load(self.item, f.gep(row_of_b, v * self.lanes, self.item), self.lanes) for v in range(vectors)
            ]
            out = []
            for r in range(rows):
                item = f.load(self.item, f.gep(starts[r // 3], offsets[r % 3], self.item))
                wide = f.broadcast(self.item, item, self.lanes)
                out.append([f.fma(self.item, self.lanes, wide, x, y) for x, y in zip(columns, sums[r])])
            following = [f.gep(start, "%a_k", self.item) for start in starts]
            return [*following, f.gep(row_of_b, "%b_k", self.item)], out

        def run(count: Index, unroll: int, pointers: list[str], sums: Sums) -> tuple[list[str], Sums]:
            carry = [("ptr", pointer) for pointer in pointers] + self._carried(sums)
            with f.loop(0, count, 1, carry) as loop:
                now = loop.values[: groups + 1], self._shaped(loop.values[groups + 1 :], rows)
                for _ in range(unroll):
                    now = step(*now)
                loop.next = [*now[0], *(value for row in now[1] for value in row)]
            return loop.results[: groups + 1], self._shaped(loop.results[groups + 1 :], rows)

        state = ([f.gep(a, f.mul("%a_row", 3 * group), self.item) for group in range(groups)] + [b], sums)
        state = run(f.div("%depth", 2), 2, *state)
        state = run(f.rem("%depth", 2), 1, *state)
        return state[0][-1], state[1]

    def _finish(self, b: LLVMBuilder, sums: Sums) -> None:
        """Add what C holds if told to, and store; the last vector may be partial."""
        f, rows, vectors = b.f, len(sums), len(sums[0])
        starts = [f.gep("%c", f.mul(r, "%c_row"), self.out_item) for r in range(rows)]
        places = [[f.gep(start, v * self.lanes, self.out_item) for v in range(vectors)] for start in starts]
        mask = f.first_lanes(f.sub("%cols", (vectors - 1) * self.lanes), self.lanes)
        masks = [None] * (vectors - 1) + [mask]
        flat = [value for row in sums for value in row]
        merged = f.branch(
            "%add",
            lambda: [value for row in self._plus_stored(b, sums, places, masks) for value in row],
            lambda: flat,
            [kind for kind, _ in self._carried(sums)],
        )
        sums = self._shaped(merged, rows)
        if f.target.vector_bytes >= 64:
            self._store(b, sums, places, masks)
            return
        # Panels are mostly whole, and without AVX-512 masked stores are slow.
        bits = f.emit(f"bitcast <{self.lanes} x i1> {mask} to i{self.lanes}")
        whole: list[str | None] = [None] * vectors
        f.branch(
            f.compare("eq", bits, -1, f"i{self.lanes}"),
            lambda: self._store(b, sums, places, whole),
            lambda: self._store(b, sums, places, masks),
        )

    def _plus_stored(self, b: LLVMBuilder, sums: Sums, places: Sums, masks: Sequence[str | None]) -> Sums:
        def plus(x: str, place: str, mask: str | None) -> str:
            stored = b.cast(b.load(self.out, place, 0, mask), self.sum_type)
            return str((b.wrap(x, self.sum_type) + stored).ref)

        return [[plus(*each) for each in zip(row, where, masks)] for row, where in zip(sums, places)]

    def _store(self, b: LLVMBuilder, sums: Sums, places: Sums, masks: Sequence[str | None]) -> list[str]:
        for row, where in zip(sums, places):
            for value, place, mask in zip(row, where, masks):
                b.store(b.cast(b.wrap(value, self.sum_type), self.out), place, 0, mask)
        return []


class Tiles:
    """The compiled tiles for sums of one type and results of another, and the table in which kernels find them."""

    def __init__(self, sum_type: DType, out: DType) -> None:
        self._sum_type, self._out = sum_type, out
        self._vectors, self._lanes = tile_vectors(host()), host().lanes(sum_type.size)
        self._table = Block(8 * TALL_ROWS * self._vectors)
        self._words = self._table.words()
        self._libraries: dict[tuple[int, int], Library] = {}
        self._lock = threading.Lock()

    def prepare(self, *results: tuple[int, int], most: int = TILE_ROWS) -> Table:
        """Compile what results of so many rows and columns are made of, with so many rows at most in a tile; gives the
        table for a kernel of these alone."""
        table = Table(self._table.address)
        table.length = len(self._words)
        needed = {tile for result in results for tile in self._needed(*result, most)}
        with self._lock:
            missing = sorted(needed - self._libraries.keys())
            side_by_side([functools.partial(self._compile, *tile) for tile in missing])
            table.entries = {self._place(*tile): self._libraries[tile].address("tile") for tile in sorted(needed)}
        return table

    def _needed(self, rows: int, cols: int, most: int) -> Iterator[tuple[int, int]]:
        """Rows and vectors of the tiles for a result of so many rows and columns."""
        whole, last = divmod(cols, self._vectors * self._lanes)
        widths = ([self._vectors] if whole else []) + ([-(-last // self._lanes)] if last else [])
        return ((height, width) for height, _, _ in row_tiles_of(rows, most) for width in widths)

    def _place(self, rows: int, vectors: int) -> int:
        return (rows - 1) * self._vectors + vectors - 1

    def _compile(self, rows: int, vectors: int) -> None:
        name = f"tile.{self._sum_type.name}.{self._out.name}.{rows}x{vectors}"
        write = lambda module: TileWriter(module, "tile", self._sum_type, self._out).write_tile(rows, vectors)
        library = self._libraries[rows, vectors] = compile_by_name(name, write)
        self._words[self._place(rows, vectors)] = library.address("tile")


@kept
def tiles_of(dtype: DType, out: DType) -> Tiles:
    """The tiles for inputs of a type and results of another."""
    return _tiles_of_sums(accumulator(dtype), out)


@kept
def _tiles_of_sums(sum_type: DType, out: DType) -> Tiles:
    return Tiles(sum_type, out)


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
