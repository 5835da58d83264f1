"""Matrix products: C[m, n] (+)= A[m, k] B[k, n], batched, any strides, with an epilogue on the finished elements.

A `Gemm` describes one product (sizes, strides in elements, types). It can be run in two ways, both with the operands
`[A, B, C, scratch, *others]`; nothing else may use the scratch between the same two barriers:

  generic      `address, consts = generic(gemm)`: precompiled for every shape, nothing to compile for a new one; scratch
               of `gemm.scratch_bytes(threads)`.
               program.call(address, operands, consts, parallel=gemm.worth_sharing)
  specialised  `write_gemm(module, "name", gemm, epilogue)`: sizes are constants in the code (up to 1.3 times as fast
               for small products), and the epilogue works on registers, before anything is stored; scratch of
               `gemm.specialised_scratch_bytes(threads, has_epilogue)`; no consts but the epilogue's own.

Epilogues. `epilogue(cell)` is called while emitting, for a vector of finished elements. `cell.value` is the
`scalar.Value` (float32, or float64) of C[cell.row, cell.col : cell.col + lanes] for batch entry `cell.batch`; `cell.b`
is its `LLVMBuilder`. It loads what it needs (`cell.load(dtype, pointer, row_stride, col_stride, batch_stride)`: bias is
(0, 1), a residual (n, 1), a row factor (1, 0)), gets at the other operands with `cell.operand(i)` and `cell.const(i)`,
and returns the value for C (cast to C's type when stored), or None if it stored what matters itself (`cell.store`). In
a specialised kernel C is then never touched and its operand may be anything.

The generic kernel calls a function given by address (`generic(gemm, address)`) for each tile of C while it is in the
cache: `void f(ptr ptrs, ptr consts, i64 batch, i64 row, i64 rows, i64 col, i64 cols)`, with `ptrs` those of the call
and `consts` what the caller appended to the kernel's own. `write_late_epilogue(module, name, epilogue, out, row_stride,
batch_stride)` writes such a function from the same `epilogue(cell)`.

Types. float32 and float64; float16 and bfloat16 inputs are widened while packing and summed in float32, `out` says
what C is. Integers are not done here. Sums run over k in blocks in ascending order, each block from zero, so results
do not depend on the number of threads.

How. The register tile is 6 rows by 4 vectors (6 by 2 with 16 registers): broadcasts of A, vectors of B. Rows are
split into tiles of nearly equal size, columns into panels of one tile's width. B is packed by panel if it is
transposed or reused by many rows; A only for 16-bit types and, with 16 registers, for large products whose rows
collide in the cache. Threads share batch entries, row tiles or panels, whichever there are enough of.
"""

from __future__ import annotations

import functools
from dataclasses import dataclass, replace

from duoflow.core import dtypes
from duoflow.core.dtypes import DType

from ..ir import Function, Index, Module
from ..jit import Library, compile_module
from ..scalar import LLVMBuilder
from ..target import Target, host
from .tiles import (
    TILE_ROWS,
    Cell,
    Epilogue,
    RowTiles,
    TileWriter,
    accumulator,
    panel_width,
    row_tiles_of,
    write_late_epilogue,
)

__all__ = ["Cell", "Epilogue", "Gemm", "generic", "write_gemm", "write_late_epilogue"]

#: Products of fewer operations than this are not worth a second thread.
_SHARING_FLOPS = 400_000
#: Packed A (a block of rows by a block of k) stays within this many bytes of the second-level cache.
_BLOCK_BYTES = 384 << 10
#: Bytes of one column of packed B. With 32 registers a tile reads B so seldom that a panel may live in the second
#: level of the cache.
_DEPTH_BYTES = {16: 2048, 32: 4096}
_ALL_ROWS = 1 << 40
_CACHE_LINE_ITEMS = 16

_SPLITS = {"batch": 0, "rows": 1, "cols": 2}


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

    @property
    def flops(self) -> int:
        return 2 * self.m * self.n * self.k * self.batch[0] * self.batch[1]

    @property
    def worth_sharing(self) -> bool:
        """Whether several threads are likely to finish this sooner than one."""
        return self.flops >= _SHARING_FLOPS and (self.batch[0] * self.batch[1] > 1 or self.m > 6 or self.n > 64)

    def scratch_bytes(self, threads: int, target: Target | None = None) -> int:
        """Bytes of packing space for a call shared by up to `threads` threads."""
        return 8 * threads * _Blocking.of(self, target or host(), whole_depth=False).scratch_words

    def specialised_scratch_bytes(self, threads: int, epilogue: bool, target: Target | None = None) -> int:
        """The same for the kernel that `write_gemm` writes."""
        return 8 * threads * _Blocking.of(self, target or host(), whole_depth=epilogue).scratch_words


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
    def of(gemm: Gemm, target: Target, whole_depth: bool) -> _Blocking:
        item = accumulator(gemm.dtype).size
        panel = panel_width(target, gemm.dtype)
        narrow = gemm.dtype.size < 4
        out = gemm.out or gemm.dtype
        blocks = (
            1 if whole_depth or out.size < 4 else max(1, -(-gemm.k // (_DEPTH_BYTES[target.vector_registers] // item)))
        )
        depth = max(8, -(-gemm.k // blocks))
        depth += -depth % 8 if blocks > 1 else 0
        large = gemm.m >= 256 and gemm.n >= 256 and gemm.k >= 64 and target.vector_registers < 32
        pack_a = narrow or (large and gemm.a_strides[1] == 1 and gemm.a_strides[0] % 256 == 0)
        row_tiles = max(1, _BLOCK_BYTES // (item * depth * TILE_ROWS)) if pack_a else _ALL_ROWS
        pack_b = narrow or gemm.b_strides[1] != 1 or gemm.m > 48
        entries, tiles, panels = gemm.batch[0] * gemm.batch[1], -(-gemm.m // TILE_ROWS), -(-gemm.n // panel)
        if entries >= 4:
            split = "batch"
        else:
            split = "cols" if (gemm.m <= 48 and panels > 1) or tiles < 2 else "rows"
        items = depth * panel + (row_tiles * TILE_ROWS * depth if pack_a else 0) + _CACHE_LINE_ITEMS
        return _Blocking(depth, row_tiles, pack_a, pack_b, split, -(-items * item // 64) * 8)


# The late-bound sizes of a kernel: constants in specialised code, entries of `consts` in generic code ----------------

_CONSTS = (
    "m", "n", "k", "a_row", "a_k", "b_k", "b_col", "c_row", "outer", "inner", "a_outer", "a_inner", "b_outer",
    "b_inner", "c_outer", "c_inner", "accumulate", "depth_block", "row_tiles", "pack_a", "pack_b", "split",
    "scratch_words", "epilogue",
)  # fmt: skip


def _values(gemm: Gemm, blocking: _Blocking, epilogue: int) -> dict[str, int]:
    (a_row, a_k), (b_k, b_col) = gemm.a_strides, gemm.b_strides
    numbers = (
        gemm.m, gemm.n, gemm.k, a_row, a_k, b_k, b_col, gemm.c_stride, *gemm.batch, *gemm.a_batch, *gemm.b_batch,
        *gemm.c_batch, int(gemm.accumulate), blocking.depth, blocking.row_tiles, int(blocking.pack_a),
        int(blocking.pack_b), _SPLITS[blocking.split], blocking.scratch_words, epilogue,
    )  # fmt: skip
    return dict(zip(_CONSTS, numbers))


def generic(gemm: Gemm, epilogue: int = 0) -> tuple[int, list[int]]:
    """Address and consts of the precompiled kernel for this product; `epilogue` is the address of a block function."""
    blocking = _Blocking.of(gemm, host(), whole_depth=False)
    library = _generic_library(gemm.dtype.name, (gemm.out or gemm.dtype).name)
    return library.address("gemm"), list(_values(gemm, blocking, epilogue).values())


@functools.cache
def _generic_library(dtype: str, out: str) -> Library:
    module = Module(host())
    _Writer(module, "gemm", dtypes.as_dtype(dtype), dtypes.as_dtype(out)).write()
    return compile_module(module.text(), f"gemm.{dtype}.{out}")


def write_gemm(module: Module, name: str, gemm: Gemm, epilogue: Epilogue | None = None) -> None:
    """Write a kernel for exactly this product into a module."""
    blocking = _Blocking.of(gemm, module.target, whole_depth=epilogue is not None)
    known = _values(gemm, blocking, 0)
    _Writer(module, name, gemm.dtype, gemm.out or gemm.dtype, known, epilogue).write()


class _Writer(TileWriter):
    """Writes the functions of one kernel: packing, register tiles and the driver around them.

    `known` holds the sizes if they are constants. Inside the driver `size[name]` is either that number or a register.
    """

    _TILE = (
        ("ptr", "a"), ("i64", "a_row"), ("i64", "a_k"), ("ptr", "b"), ("i64", "b_k"), ("ptr", "c"), ("i64", "c_row"),
        ("i64", "depth"), ("i64", "cols"), ("i1", "add"), ("i64", "batch"), ("i64", "row"), ("i64", "col"),
        ("ptr", "ptrs"), ("ptr", "consts"),
    )  # fmt: skip

    def __init__(
        self, module: Module, name: str, dtype: DType, out: DType, known: dict[str, int] | None = None,
        epilogue: Epilogue | None = None,
    ) -> None:  # fmt: skip
        super().__init__(module, name, dtype, out)
        self.known, self.epilogue = known, epilogue

    def write(self) -> None:
        known = self.known
        if known is None or known["pack_b"]:
            if known is None or known["b_col"] == 1:
                self.write_pack_rows()
            if known is None or known["b_col"] != 1:
                self.write_pack_transposed()
        if known is None:
            self.write_all_tiles(self._write_tile)
        else:
            self._write_known_tiles(known)
        self._write_driver()

    # The register tile --------------------------------------------------------------------------------------------

    def _write_known_tiles(self, known: dict[str, int]) -> None:
        """The tiles that a specialised driver calls: at most two heights, for whole panels and for the last."""
        last = known["n"] % self.panel
        for rows, _, _ in row_tiles_of(known["m"]):
            if known["n"] >= self.panel:
                self._write_tile(rows, self.vectors)
            if last:
                self._write_tile(rows, -(-last // self.lanes), last)

    def _write_tile(self, rows: int, vectors: int, last_cols: int | None = None) -> None:
        """One tile: the k loop in registers, then the sum so far, the epilogue and the store.

        `last_cols` are the columns of the narrower last panel, if known; B is read there under a mask unless packed.
        """
        with self.module.function(self.tile_name(rows, vectors, last_cols is not None), self._TILE, internal=True) as f:
            b = LLVMBuilder(f, self.lanes)
            strides, b_k, c_row, depth = self._tile_sizes(rows)
            cols: Index = "%cols" if self.known is None else last_cols or self.panel
            mask = f.first_lanes(f.sub(cols, (vectors - 1) * self.lanes), self.lanes)
            masks = [None] * (vectors - 1) + [mask]
            direct = self.known is not None and not self.known["pack_b"]
            zeros = self.zero_sums(rows, vectors)
            _, sums = self.k_loop(f, "%a", strides, "%b", b_k, depth, zeros, masks if direct else None)
            places = self.places(f, "%c", c_row, rows, vectors)
            one_block = self.known is not None and self.known["depth_block"] >= self.known["k"]
            if not one_block:
                flat = [value for row in sums for value in row]
                add = lambda: [value for row in self.add_stored(b, sums, places, masks) for value in row]
                merged = f.branch("%add", add, lambda: flat, [kind for kind, _ in self.carried(sums)])
                sums = self.shaped(merged, rows)
            elif self.known is not None and self.known["accumulate"]:
                sums = self.add_stored(b, sums, places, masks)
            self.finish(b, sums, places, masks, self.epilogue)

    def _tile_sizes(self, rows: int) -> tuple[tuple[Index, Index], Index, Index, Index]:
        """A's strides, B's stride along k, C's stride and the depth, as a tile of `rows` rows uses them."""
        known = self.known
        if known is None:
            return ("%a_row", "%a_k"), "%b_k", "%c_row", "%depth"
        a_strides = (1, rows) if known["pack_a"] else (known["a_row"], known["a_k"])
        b_k = self.panel if known["pack_b"] else known["b_k"]
        return a_strides, b_k, known["c_row"], known["k"] if known["depth_block"] >= known["k"] else "%depth"

    # The driver ---------------------------------------------------------------------------------------------------

    def _write_driver(self) -> None:
        abi = [("ptr", "ptrs"), ("ptr", "consts"), ("i64", "part"), ("i64", "parts")]
        with self.module.function(self.name, abi) as f:
            size = _Sizes(f, self.known, self.panel)
            a, b, c, scratch = (f.parameter("%ptrs", i, "ptr") for i in range(4))
            scratch = f.gep(scratch, f.mul("%part", size["scratch_words"]), "i64")
            batch, tiles, panels = self._shares(f, size)
            with f.loop(*batch) as entry:
                outer, inner = f.div(entry.index, size["inner"]), f.rem(entry.index, size["inner"])
                place = lambda p, name, item: f.gep(
                    p, f.add(f.mul(outer, size[f"{name}_outer"]), f.mul(inner, size[f"{name}_inner"])), item
                )
                matrices = (
                    place(a, "a", self.source_item), place(b, "b", self.source_item), place(c, "c", self.out_item)
                )  # fmt: skip
                self._write_blocks(f, size, matrices, scratch, entry.index, tiles, panels)

    def _shares(self, f: Function, size: _Sizes) -> list[tuple[Index, Index]]:
        """The ranges of batch entries, row tiles and panels that fall to this thread."""
        counts = f.mul(size["outer"], size["inner"]), size.rows.count, size.panels
        ranges = []
        for position, count in enumerate(counts):
            if isinstance(size["split"], int):
                shared = size["split"] == position
                ranges.append(f.share(count, "%part", "%parts") if shared else (0, count))
                continue
            here = f.compare("eq", size["split"], position)
            begin, end = f.share(count, "%part", "%parts")
            ranges.append((f.select(here, begin, 0), f.select(here, end, count)))
        return ranges

    def _write_blocks(
        self, f: Function, size: _Sizes, matrices: tuple[str, str, str], scratch: str, entry: Index,
        tiles: tuple[Index, Index], panels: tuple[Index, Index],
    ) -> None:  # fmt: skip
        """Blocks of k, within them blocks of rows, within them panels."""
        depth_block, k = size["depth_block"], size["k"]
        if isinstance(k, int) and isinstance(depth_block, int) and depth_block >= k:
            self._write_row_blocks(f, size, matrices, scratch, entry, tiles, panels, 0, k)
            return
        with f.loop(0, f.maximum(k, 1), depth_block) as loop:
            depth = f.minimum(depth_block, f.sub(k, loop.index))
            self._write_row_blocks(f, size, matrices, scratch, entry, tiles, panels, loop.index, depth)

    def _write_row_blocks(
        self, f: Function, size: _Sizes, matrices: tuple[str, str, str], scratch: str, entry: Index,
        tiles: tuple[Index, Index], panels: tuple[Index, Index], k: Index, depth: Index,
    ) -> None:  # fmt: skip
        a, b, c = matrices
        packed_a = f.gep(scratch, f.mul(size["depth_block"], self.panel), self.item)
        with f.loop(*tiles, size["row_tiles"]) as rows:
            end = f.minimum(f.add(rows.index, size["row_tiles"]), tiles[1])
            block = _Block(
                a, b, c, scratch, packed_a, entry, k, depth, rows.index, end, size.rows.first_row(f, rows.index)
            )
            if size["pack_a"] != 0:
                if isinstance(size["pack_a"], int):
                    self._pack_block_of_a(f, size, block)
                else:
                    with f.when(f.compare("ne", size["pack_a"], 0)):
                        self._pack_block_of_a(f, size, block)
            if isinstance(size["n"], int):
                whole = size["n"] // self.panel
                if whole:
                    with f.loop(panels[0], f.minimum(panels[1], whole)) as panel:
                        self._write_panel(f, size, block, f.mul(panel.index, self.panel), self.panel)
                if size["n"] % self.panel:
                    with f.when(f.compare("sgt", panels[1], whole)):
                        self._write_panel(f, size, block, whole * self.panel, size["n"] % self.panel)
            else:
                with f.loop(*panels) as panel:
                    col = f.mul(panel.index, self.panel)
                    self._write_panel(f, size, block, col, f.minimum(self.panel, f.sub(size["n"], col)))

    def _pack_block_of_a(self, f: Function, size: _Sizes, block: _Block) -> None:
        for rows, begin, end in size.rows.between(f, block.tile, block.end):
            self._pack_a(f, size, rows, begin, end, block)

    def _write_panel(self, f: Function, size: _Sizes, block: _Block, col: Index, cols: Index) -> None:
        """All row tiles of a block against one panel of B."""
        start = f.add(f.mul(block.k, size["b_k"]), f.mul(col, size["b_col"]))
        source = f.gep(block.b, start, self.source_item)

        def pack() -> list[str]:
            self.call_pack(f, source, (size["b_k"], size["b_col"]), block.scratch, block.depth, cols)
            return [block.scratch, str(self.panel)]

        if isinstance(size["pack_b"], int):
            panel, b_k = pack() if size["pack_b"] else (source, str(size["b_k"]))
        else:
            narrow = f.compare("slt", cols, self.panel)
            wanted = f.emit(f"or i1 {narrow}, {f.compare('ne', size['pack_b'], 0)}")
            panel, b_k = f.branch(wanted, pack, lambda: [source, str(size["b_k"])], ["ptr", "i64"])
        for rows, begin, end in size.rows.between(f, block.tile, block.end):
            self._write_tile_calls(f, size, block, rows, begin, end, (panel, b_k), col, cols)

    def _write_tile_calls(
        self, f: Function, size: _Sizes, block: _Block, rows: Index, begin: Index, end: Index, panel: tuple[str, str],
        col: Index, cols: Index,
    ) -> None:  # fmt: skip
        packed = size["pack_a"]
        if isinstance(packed, int):
            a_row, a_k = (1, rows) if packed else (size["a_row"], size["a_k"])
        else:
            is_packed = f.compare("ne", packed, 0)
            a_row, a_k = f.select(is_packed, 1, size["a_row"]), f.select(is_packed, rows, size["a_k"])
        later = f.compare("ne", block.k, 0) if not isinstance(block.k, int) else "false"
        add = f.emit(f"or i1 {later}, {f.compare('ne', size['accumulate'], 0)}")
        function = self.tile_pointer(f, rows, cols)
        with f.loop(begin, end) as tile:
            row = size.rows.first_row(f, tile.index)
            in_place = lambda: f.gep(
                block.a, f.add(f.mul(row, size["a_row"]), f.mul(block.k, size["a_k"])), self.source_item
            )
            in_scratch = lambda: f.gep(block.packed_a, f.mul(f.sub(row, block.first_row), block.depth), self.item)
            if isinstance(packed, int):
                a = in_scratch() if packed else in_place()
            else:
                a = f.select(is_packed, in_scratch(), in_place(), "ptr")
            c = f.gep(block.c, f.add(f.mul(row, size["c_row"]), col), self.out_item)
            operands = (a, a_row, a_k, *panel, c, size["c_row"], block.depth, cols, add, block.entry, row, col)
            arguments = [f"{kind} {x}" for (kind, _), x in zip(self._TILE, (*operands, "%ptrs", "%consts"))]
            f.call("void", function, *arguments)
            if self.known is None:
                self._call_late_epilogue(f, size, block, row, rows, col, cols)

    def _call_late_epilogue(self, f: Function, size: _Sizes, block: _Block, *place: Index) -> None:
        given = f.compare("ne", size["epilogue"], 0)
        finished = f.compare("eq", f.add(block.k, block.depth), size["k"])
        with f.when(f.emit(f"and i1 {given}, {finished}")):
            function = f.emit(f"inttoptr i64 {size['epilogue']} to ptr")
            consts = f.gep("%consts", len(_CONSTS), "i64")
            f.call("void", function, "ptr %ptrs", f"ptr {consts}", *(f"i64 {x}" for x in (block.entry, *place)))

    def _pack_a(self, f: Function, size: _Sizes, rows: int | str, begin: Index, end: Index, block: _Block) -> None:
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
    packed_a: str
    entry: Index
    k: Index
    depth: Index
    tile: Index
    end: Index
    first_row: Index


class _Sizes:
    """The sizes by name inside the driver, and the split of rows into tiles that follows from them."""

    def __init__(self, f: Function, known: dict[str, int] | None, panel: int) -> None:
        self._items: dict[str, Index] = dict(known) if known is not None else {
            name: f.parameter("%consts", position) for position, name in enumerate(_CONSTS)
        }  # fmt: skip
        self.rows = RowTiles(f, self["m"])
        self.panels = f.ceildiv(self["n"], panel)

    def __getitem__(self, name: str) -> Index:
        return self._items[name]
