"""Matrix products: C[m, n] (+)= A[m, k] B[k, n], batched, any strides, with an epilogue on the finished blocks.

A `Gemm` describes one product (sizes, strides in elements, types). `address, consts = generic(gemm)` gives the kernel,
which is compiled once for every shape; its operands are `[A, B, C, scratch, *others]`, with scratch memory of
`gemm.scratch_bytes(threads)` that nothing else may use between the same two barriers:

    program.call(address, operands, consts, parallel=gemm.worth_sharing)

Epilogues. The kernel calls a function given by address (`generic(gemm, address)`) for each tile of C while it is in
the cache: `void f(ptr c, i64 c_row, ptr ptrs, i64 row, i64 rows, i64 col, i64 cols)`, with `c` the tile's first
element, `c_row` the distance of its rows, and `ptrs` the operands of the call. If the product is not `stored`, tiles
are in scratch memory only, and there is no C.

Types. float32 and float64; float16 and bfloat16 inputs are widened while packing and summed in float32, `out` says
what C is. Integers are not done here. Sums run over k in blocks in ascending order, each block from zero, so results
do not depend on the number of threads.

How. Rows are split into tiles of nearly equal size, columns into panels of one tile's width (see `tiles`). B is packed
by panel if it is transposed or reused by many rows; A only for 16-bit types and, with 16 registers, for large products
whose rows collide in the cache. Threads share batch entries, row tiles or panels, whichever there are enough of; or, if
asked to (`Gemm.apart`), each takes the same rows as everywhere else where threads `share` so many.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from duoflow.core import dtypes
from duoflow.core.dtypes import DType

from ..ir import KERNEL, Function, Index
from ..jit import Library, compile_by_name, kept
from ..scalar import LLVMBuilder
from ..target import Target, host
from ..threads import thread_count
from .tiles import TILE_ROWS, RowTiles, TileWriter, accumulator, panel_width, tiles_of

__all__ = ["Gemm", "generic"]

#: Products of fewer operations than this are not worth a second thread.
_SHARING_FLOPS = 400_000
#: Packed A (a block of rows by a block of k) stays within this many bytes of the second-level cache.
_BLOCK_BYTES = 384 << 10
#: Bytes of one column of packed B. With 32 registers a tile reads B so seldom that a panel may live in the second
#: level of the cache.
_DEPTH_BYTES = {16: 2048, 32: 4096}
_ALL_ROWS = 1 << 40
_CACHE_LINE_ITEMS = 16

_SPLITS = {"batch": 0, "rows": 1, "cols": 2, "apart": 3}


@dataclass(frozen=True)
class Gemm:
    """One matrix product. Strides are in elements; C's columns are contiguous."""

    m: int
    n: int
    k: int
    #: (between rows, along k)
    a_strides: tuple[int, int]
    #: (along k, between columns)
    b_strides: tuple[int, int]
    c_stride: int
    dtype: DType = dtypes.float32
    out: DType | None = None
    #: Two batch dimensions and, per operand, the strides between their entries.
    batch: tuple[int, int] = (1, 1)
    a_batch: tuple[int, int] = (0, 0)
    b_batch: tuple[int, int] = (0, 0)
    c_batch: tuple[int, int] = (0, 0)
    #: Whether the product is added to what C holds.
    accumulate: bool = False
    #: Whether the product goes to memory; otherwise only the epilogue sees it, tile by tile.
    stored: bool = True
    #: Whether each thread does just its share of the rows, whatever the tiles.
    apart: bool = False

    @staticmethod
    def of(
        m: int, n: int, k: int, *, transpose_a: bool = False, transpose_b: bool = False, batch: int = 1,
        dtype: DType = dtypes.float32, out: DType | None = None, accumulate: bool = False,
        shared_a: bool = False, shared_b: bool = False,
    ) -> Gemm:  # fmt: skip
        """The product of contiguous row-major matrices; `shared` operands are the same for the whole batch."""
        gemm = Gemm(
            m, n, k, (1, m) if transpose_a else (k, 1), (1, k) if transpose_b else (n, 1), n, dtype, out,
            (1, batch), (0, 0 if shared_a else m * k), (0, 0 if shared_b else k * n), (0, m * n), accumulate,
        )  # fmt: skip
        return gemm.folded()

    def folded(self) -> Gemm:
        """The same product with batch entries that only add rows made into rows."""
        outer, inner = self.batch
        rows = (0, self.m * self.a_strides[0]), (0, self.m * self.c_stride)
        if outer == 1 and inner > 1 and self.b_batch[1] == 0 and (self.a_batch, self.c_batch) == rows:
            return replace(self, m=self.m * inner, batch=(1, 1))
        return self

    def heights(self, threads: int) -> set[int]:
        """How many rows fall to one of up to `threads` threads that do not share tiles."""
        parts = range(1, threads + 1) if self.apart else (1,)
        return {rows for n in parts for rows in (self.m // n, -(-self.m // n))}

    @property
    def flops(self) -> int:
        return 2 * self.m * self.n * self.k * self.batch[0] * self.batch[1]

    @property
    def is_summed_at_once(self) -> bool:
        """Whether each tile is finished in registers; only then it need not be stored."""
        return not self.accumulate and _Blocking.of(self, host()).depth >= self.k

    @property
    def worth_sharing(self) -> bool:
        """Whether several threads are likely to finish this sooner than one."""
        return self.flops >= _SHARING_FLOPS and (self.batch[0] * self.batch[1] > 1 or self.m > 6 or self.n > 64)

    def scratch_bytes(self, threads: int, target: Target | None = None) -> int:
        """Bytes of packing space for a call shared by up to `threads` threads."""
        return 8 * threads * _Blocking.of(self, target or host()).scratch_words


@dataclass(frozen=True)
class _Blocking:
    """The choices that depend on sizes: what is packed, block sizes, what threads share."""

    depth: int
    row_tiles: int
    pack_a: bool
    pack_b: bool
    split: str
    #: Words of 8 bytes each thread needs for packing.
    scratch_words: int

    @staticmethod
    def of(gemm: Gemm, target: Target) -> _Blocking:
        item = accumulator(gemm.dtype).size
        panel = panel_width(target, gemm.dtype)
        narrow = gemm.dtype.size < 4
        out = gemm.out or gemm.dtype
        blocks = 1 if out.size < 4 else max(1, -(-gemm.k // (_DEPTH_BYTES[target.vector_registers] // item)))
        depth = max(8, -(-gemm.k // blocks))
        depth += -depth % 8 if blocks > 1 else 0
        large = gemm.m >= 256 and gemm.n >= 256 and gemm.k >= 64 and target.vector_registers < 32
        pack_a = narrow or (large and gemm.a_strides[1] == 1 and gemm.a_strides[0] % 256 == 0)
        row_tiles = max(1, _BLOCK_BYTES // (item * depth * TILE_ROWS)) if pack_a else _ALL_ROWS
        pack_b = narrow or gemm.b_strides[1] != 1 or gemm.m > 48
        entries, tiles, panels = gemm.batch[0] * gemm.batch[1], -(-gemm.m // TILE_ROWS), -(-gemm.n // panel)
        if gemm.apart:
            split = "apart"
        elif entries >= 4:
            split = "batch"
        else:
            split = "cols" if (gemm.m <= 48 and panels > 1) or tiles < 2 else "rows"
        items = depth * panel + (row_tiles * TILE_ROWS * depth if pack_a else 0) + _CACHE_LINE_ITEMS
        items += 0 if gemm.stored else TILE_ROWS * panel
        return _Blocking(depth, row_tiles, pack_a, pack_b, split, -(-items * item // 64) * 8)


# The sizes of a call, entries of `consts` -----------------------------------------------------------------------------

_CONSTS = (
    "m", "n", "k", "a_row", "a_k", "b_k", "b_col", "c_row", "outer", "inner", "a_outer", "a_inner", "b_outer",
    "b_inner", "c_outer", "c_inner", "accumulate", "depth_block", "row_tiles", "pack_a", "pack_b", "split",
    "scratch_words", "epilogue", "tiles", "stored",
)  # fmt: skip


def generic(gemm: Gemm, epilogue: int = 0) -> tuple[int, list[int]]:
    """Address and consts of the kernel for this product; `epilogue` is the address of a block function."""
    blocking, out = _Blocking.of(gemm, host()), gemm.out or gemm.dtype
    table = tiles_of(gemm.dtype, out).prepare(*((rows, gemm.n) for rows in gemm.heights(thread_count())))
    numbers = [
        gemm.m, gemm.n, gemm.k, *gemm.a_strides, *gemm.b_strides, gemm.c_stride, *gemm.batch, *gemm.a_batch,
        *gemm.b_batch, *gemm.c_batch, int(gemm.accumulate), blocking.depth, blocking.row_tiles, int(blocking.pack_a),
        int(blocking.pack_b), _SPLITS[blocking.split], blocking.scratch_words, epilogue,
        table, int(gemm.stored),
    ]  # fmt: skip
    return _library(gemm.dtype, out).address("gemm"), numbers


@kept
def _library(dtype: DType, out: DType) -> Library:
    return compile_by_name(f"gemm.{dtype.name}.{out.name}", lambda m: GemmWriter(m, "gemm", dtype, out).write())


class GemmWriter(TileWriter):
    """Writes the functions of the kernel: packing, and the driver around the tiles."""

    def write(self) -> None:
        self.write_pack_rows()
        self.write_pack_transposed()
        with self.module.function(self.name, KERNEL) as f:
            size = _Sizes(f, self.panel)
            a, b, c, scratch = (f.parameter("%ptrs", i, "ptr") for i in range(4))
            a = f.gep(a, f.mul(size.first_row, size["a_row"]), self.source_item)
            c = f.gep(c, f.mul(size.first_row, size["c_row"]), self.out_item)
            scratch = f.gep(scratch, f.mul("%thread", size["scratch_words"]), "i64")
            batch, tiles, panels = self._shares(f, size)
            with f.loop(*batch) as entry:
                outer, inner = f.div(entry.index, size["inner"]), f.rem(entry.index, size["inner"])
                items = (("a", a, self.source_item), ("b", b, self.source_item), ("c", c, self.out_item))
                first, second, third = (
                    f.gep(p, f.add(f.mul(outer, size[f"{name}_outer"]), f.mul(inner, size[f"{name}_inner"])), item)
                    for name, p, item in items
                )
                matrices = first, second, third
                with f.loop(0, f.maximum(size["k"], 1), size["depth_block"]) as k:
                    depth = f.minimum(size["depth_block"], f.sub(size["k"], k.index))
                    self._write_row_blocks(f, size, matrices, scratch, tiles, panels, k.index, depth)

    def _shares(self, f: Function, size: _Sizes) -> list[tuple[Index, Index]]:
        """The ranges of batch entries, row tiles and panels that fall to this thread."""
        counts = f.mul(size["outer"], size["inner"]), size.rows.count, size.panels
        ranges: list[tuple[Index, Index]] = []
        for position, count in enumerate(counts):
            here = f.compare("eq", size["split"], position)
            begin, end = f.share(count, "%part", "%parts")
            ranges.append((f.select(here, begin, 0), f.select(here, end, count)))
        return ranges

    def _write_row_blocks(
        self, f: Function, size: _Sizes, matrices: tuple[str, str, str], scratch: str, tiles: tuple[Index, Index],
        panels: tuple[Index, Index], k: Index, depth: Index,
    ) -> None:  # fmt: skip
        """Blocks of rows against all panels."""
        tile_of_c = f.gep(scratch, f.mul(size["depth_block"], self.panel), self.item)
        packed_a = f.gep(tile_of_c, f.select(f.compare("ne", size["stored"], 0), 0, TILE_ROWS * self.panel), self.item)
        with f.loop(*tiles, size["row_tiles"]) as rows:
            end = f.minimum(f.add(rows.index, size["row_tiles"]), tiles[1])
            first_row = size.rows.first_row(f, rows.index)
            block = _Block(*matrices, scratch, tile_of_c, packed_a, k, depth, rows.index, end, first_row)
            with f.when(f.compare("ne", size["pack_a"], 0)):
                for height, low, high in size.rows.between(f, block.tile, block.end):
                    self._pack_a(f, size, height, low, high, block)
            with f.loop(*panels) as panel:
                self._write_panel(f, size, block, f.mul(panel.index, self.panel))

    def _write_panel(self, f: Function, size: _Sizes, block: _Block, col: Index) -> None:
        """All row tiles of a block against one panel of B."""
        cols = f.minimum(self.panel, f.sub(size["n"], col))
        start = f.add(f.mul(block.k, size["b_k"]), f.mul(col, size["b_col"]))
        source = f.gep(block.b, start, self.source_item)

        def pack() -> list[str]:
            self.call_pack(f, source, (size["b_k"], size["b_col"]), block.scratch, block.depth, cols)
            return [block.scratch, str(self.panel)]

        narrow = f.compare("slt", cols, self.panel)
        wanted = f.emit(f"or i1 {narrow}, {f.compare('ne', size['pack_b'], 0)}")
        panel, b_k = f.branch(wanted, pack, lambda: [source, str(size["b_k"])], ["ptr", "i64"])
        for rows, begin, end in size.rows.between(f, block.tile, block.end):
            self._write_tile_calls(f, size, block, rows, begin, end, (panel, b_k), col, cols)

    def _write_tile_calls(
        self, f: Function, size: _Sizes, block: _Block, rows: Index, begin: Index, end: Index, panel: tuple[str, str],
        col: Index, cols: Index,
    ) -> None:  # fmt: skip
        is_packed = f.compare("ne", size["pack_a"], 0)
        a_row, a_k = f.select(is_packed, 1, size["a_row"]), f.select(is_packed, rows, size["a_k"])
        later = f.compare("ne", block.k, 0)
        add = f.emit(f"or i1 {later}, {f.compare('ne', size['accumulate'], 0)}")
        with f.loop(begin, end) as tile:
            row = size.rows.first_row(f, tile.index)
            in_place = f.gep(block.a, f.add(f.mul(row, size["a_row"]), f.mul(block.k, size["a_k"])), self.source_item)
            in_scratch = f.gep(block.packed_a, f.mul(f.sub(row, block.first_row), block.depth), self.item)
            in_memory = f.gep(block.c, f.add(f.mul(row, size["c_row"]), col), self.out_item)
            is_stored = f.compare("ne", size["stored"], 0)
            c = f.select(is_stored, in_memory, block.tile_of_c, "ptr")
            c_row = f.select(is_stored, size["c_row"], self.panel)
            self.call_tile(
                f, size.tiles, rows, a=f.select(is_packed, in_scratch, in_place, "ptr"), a_row=a_row, a_k=a_k,
                a_outer=0, a_inner=0, outer=1, inner=1, depth=block.depth, b=panel[0], b_k=panel[1], c=c,
                c_row=c_row, cols=cols, add=add,
            )  # fmt: skip
            place = f.add(size.first_row, row), rows, col, cols
            self._call_epilogue(f, size, block, (c, c_row), *place)

    def _call_epilogue(self, f: Function, size: _Sizes, block: _Block, c: tuple[str, Index], *place: Index) -> None:
        given = f.compare("ne", size["epilogue"], 0)
        finished = f.compare("eq", f.add(block.k, block.depth), size["k"])
        with f.when(f.emit(f"and i1 {given}, {finished}")):
            function = f.emit(f"inttoptr i64 {size['epilogue']} to ptr")
            f.call("void", function, f"ptr {c[0]}", f"i64 {c[1]}", "ptr %ptrs", *(f"i64 {x}" for x in place))

    def _pack_a(self, f: Function, size: _Sizes, rows: Index, begin: Index, end: Index, block: _Block) -> None:
        """scratch[tile][k][rows] <- A for row tiles begin to end of `rows` rows each."""
        b = LLVMBuilder(f, 1)
        with f.loop(begin, end) as tile:
            row = size.rows.first_row(f, tile.index)
            to = f.gep(block.packed_a, f.mul(f.sub(row, block.first_row), block.depth), self.item)
            start = f.add(f.mul(row, size["a_row"]), f.mul(block.k, size["a_k"]))
            with f.loop(0, block.depth) as k, f.loop(0, rows) as r:
                at = f.add(start, f.add(f.mul(r.index, size["a_row"]), f.mul(k.index, size["a_k"])))
                item = self.load_wide(b, block.a, at)
                f.store(self.item, item, f.gep(to, f.add(f.mul(k.index, rows), r.index), self.item))


@dataclass(frozen=True)
class _Block:
    """Where the driver is: matrices of the batch entry, packing space, block of k, block of row tiles."""

    a: str
    b: str
    c: str
    scratch: str
    tile_of_c: str
    packed_a: str
    k: Index
    depth: Index
    tile: Index
    end: Index
    first_row: Index


class _Sizes:
    """The sizes by name inside the driver, the rows of this thread, and the split into tiles that follows from them."""

    def __init__(self, f: Function, panel: int) -> None:
        self._items = {name: f.parameter("%consts", position) for position, name in enumerate(_CONSTS)}
        self.tiles = f.parameter("%consts", _CONSTS.index("tiles"), "ptr")
        apart = f.compare("eq", self["split"], _SPLITS["apart"])
        self.first_row, end = f.share(self["m"], f.select(apart, "%part", 0), f.select(apart, "%parts", 1))
        self.rows = RowTiles(f, f.sub(end, self.first_row))
        self.panels = f.ceildiv(self["n"], panel)

    def __getitem__(self, name: str) -> Index:
        return self._items[name]
