"""Convolutions of 3 x 3 kernels by Winograd's minimal filtering F(2 x 2, 3 x 3): 16 products where a direct sum has 36.

The result is cut into tiles of 2 x 2 pixels, each from 4 x 4 pixels of the source. With the matrices below, and all
products element by element of 4 x 4 positions,

    y  = R ((K w K') * (S x S')) R'              R is RESULT, K is KERNEL, S is SOURCE, ' transposes
    dw = K' ((S x S') * (R' dy R)) K             summed over all tiles

Sums over channels (over tiles, for the gradient of w) make each position a matrix product, on the register tile of
`tiles`. The matrices add and halve only, so results are as exact as those of the direct sum. Threads share blocks of
tiles, counted over all images; for the gradient of w, positions. `Winograd` says what one such convolution needs and
whether it is likely to be quicker than the direct one; `conv` makes the calls.
"""

from __future__ import annotations

import contextlib
import functools
import itertools
import operator
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass

from duoflow.core.dtypes import DType

from ..ir import KERNEL, Function, Index, float_literal
from ..scalar import LLVMBuilder, Value
from ..target import host
from .correlate import BandWriter
from .tiles import TALL_ROWS, TILE_ROWS, RowTiles, accumulator, panel_width, tiles_of

__all__ = ["Winograd", "WinogradWriter", "direct_cost"]

Pair = tuple[int, int]
Matrix = tuple[tuple[float, ...], ...]

#: Pixels of the result and of the source along a side of a tile, and positions in it.
_STEP, _SIDE = 2, 4
_POSITIONS = _SIDE * _SIDE
_SOURCE: Matrix = ((1, 0, -1, 0), (0, 1, 1, 0), (0, -1, 1, 0), (0, -1, 0, 1))
_KERNEL: Matrix = ((1, 0, 0), (0.5, 0.5, 0.5), (0.5, -0.5, 0.5), (0, 0, 1))
_RESULT: Matrix = ((1, 1, 1, 0), (0, 1, -1, 1))

#: What a block of tiles has at all positions should stay in the second-level cache; blocks are no smaller or larger.
_BLOCK_BYTES = 256 << 10
_FEWEST, _MOST = 24, 192
#: Between positions, so that they do not all fall into the same set of a cache.
_GAP_BYTES = 64
#: Channels whose weights are packed together.
_PACKED_CHANNELS = 16
#: A row outside of every image.
_OUTSIDE = 1 << 32
#: In products of one row by one vector: a row of a register tile besides its products, and what is done to a vector of
#: weights and to those of a tile before and after the products.
_TILE_COST, _KERNEL_COST = 4, 64
_TRANSFORM_COSTS = {"correlate": (64, 48), "spread": (40, 160), "weights": (64, 48)}

CONSTS = (
    "images", "height", "width", "channels", "filters", "grid_y", "grid_x", "origin_y", "origin_x",
    "w_first", "w_tap_y", "w_tap_x", "w_channel", "w_filter", "tiles_y", "tiles_x", "block",
    "channel_pitch", "filter_pitch", "panel_pitch", "seen_step", "sum_step", "edge_items", "scratch_words",
    "epilogue", "tiles", "tile_rows",
)  # fmt: skip


def _transposed(matrix: Matrix) -> Matrix:
    return tuple(zip(*matrix))


@dataclass(frozen=True)
class Winograd:
    """One use of the method, by `mode`; u, v count pixels of the grid, j, i < 3 the taps, c channels, k filters.

    correlate  y[u, v, k] = sum of x[origin + (u, v) + (j, i), c] w[j, i, c, k]
    spread     x[origin + (u, v) + (j, i), k] += y[u, v, c] w[j, i, c, k]: the same backwards
    weights    w[j, i, c, k] = sum of x[origin + (u, v) + (j, i), c] y[u, v, k]
    """

    mode: str
    images: int
    #: Height and width of x, of y, and where on x a kernel's first tap lies for the first pixel of y.
    image: Pair
    grid: Pair
    origin: Pair
    channels: int
    filters: int
    #: Items between weights: first tap, from tap to tap (rows, columns), along channels and filters.
    weights: tuple[int, int, int, int, int]
    dtype: DType
    threads: int

    @property
    def _tiles(self) -> Pair:
        return -(-self.grid[0] // _STEP), -(-self.grid[1] // _STEP)

    @property
    def _count(self) -> int:
        """How many tiles there are that blocks are cut from."""
        each = self._tiles[0] * self._tiles[1]
        return each if self.mode == "spread" else self.images * each

    @property
    def _item(self) -> int:
        return accumulator(self.dtype).size

    @property
    def _lanes(self) -> int:
        return host().lanes(self._item)

    def _pitch(self, items: int) -> int:
        return -(-items // self._lanes) * self._lanes

    @property
    def _panels(self) -> int:
        return -(-self.filters // panel_width(host(), self.dtype))

    @property
    def _panel_pitch(self) -> int:
        return min(panel_width(host(), self.dtype), self._pitch(self.filters))

    @property
    def _positions(self) -> int:
        """How many positions of a block of tiles are in memory at once."""
        return _SIDE if self.mode == "weights" else _POSITIONS

    @property
    def _block(self) -> int:
        """Tiles in a block; evenly for threads, but the order of the sums over pixels must not depend on these."""
        items = self._positions * (self._pitch(self.channels) + self._pitch(self.filters))
        most = min(_MOST, max(_FEWEST, _BLOCK_BYTES // (items * self._item)))
        blocks = -(-self._count // most)
        return -(-self._count // (blocks + -blocks % self.threads if self.mode == "correlate" else blocks))

    @property
    def _tile_rows(self) -> int:
        return TALL_ROWS if self.filters <= self._lanes else TILE_ROWS

    def _prepare(self) -> int:
        """Have the register tiles compiled; gives the address of their table."""
        tiles = tiles_of(self.dtype, accumulator(self.dtype))
        heights = {self.channels} if self.mode == "weights" else {self._block, self._count % self._block or self._block}
        return tiles.prepare(*((rows, self.filters) for rows in sorted(heights)), most=self._tile_rows)

    @property
    def _steps(self) -> Pair:
        """Items from position to position, before and after the products (for "weights", of x and of y)."""
        gap = _GAP_BYTES // self._item
        columns = self._panels * self._panel_pitch if self.mode == "weights" else self._pitch(self.filters)
        return self._block * self._pitch(self.channels) + gap, self._block * columns + gap

    @property
    def _edge_items(self) -> int:
        return max(self._pitch(self.channels), self._pitch(self.filters))

    @property
    def scratch_words(self) -> int:
        """Words of 8 bytes that each thread needs."""
        items = 2 * self._edge_items + self._positions * sum(self._steps)
        return -(-items * self._item // 64) * 8

    @property
    def packed_items(self) -> int:
        """Items of the weights (or their gradient) at all positions."""
        return _POSITIONS * self.channels * self._panels * self._panel_pitch

    @property
    def is_possible(self) -> bool:
        """Whether there is enough for all threads, and sums in memory are as exact as the others."""
        if self.mode == "spread":
            return self.images >= 2 * self.threads and self.dtype.size >= 4
        return self._count >= _FEWEST * self.threads

    @property
    def cost(self) -> float:
        """Instructions of the arithmetic units, roughly."""
        channels, filters = (-(-items // self._lanes) for items in (self.channels, self.filters))
        before, after = _TRANSFORM_COSTS[self.mode]
        products = _POSITIONS * filters * (self.channels + _TILE_COST)
        tiles = self.images * self._tiles[0] * self._tiles[1]
        return tiles * (products + channels * before + filters * after) + self.channels * filters * _KERNEL_COST

    def values(self, epilogue: int = 0) -> list[int]:
        """What the kernels read, in the order of `CONSTS`."""
        numbers = [
            self.images, *self.image, self.channels, self.filters, *self.grid, *self.origin, *self.weights,
            *self._tiles, self._block, self._pitch(self.channels), self._pitch(self.filters), self._panel_pitch,
            *self._steps, self._edge_items, self.scratch_words, epilogue, self._prepare(), self._tile_rows,
        ]  # fmt: skip
        assert len(numbers) == len(CONSTS)
        return numbers


def direct_cost(pixels: int, channels: int, filters: int, dtype: DType) -> float:
    """What the direct sum over 3 x 3 taps costs, as `Winograd.cost` counts it."""
    vectors = -(-filters // host().lanes(accumulator(dtype).size))
    return pixels * vectors * (9 * channels + _TILE_COST)


class WinogradWriter(BandWriter):
    """The kernels: weights to positions ("pack") and back ("unpack"), correlation, its adjoint ("spread"), and the
    weights' gradient."""

    consts = CONSTS

    # Weights ------------------------------------------------------------------------------------------------------

    def write_pack(self) -> None:
        """packed[position][panel][channel][panel's filters]; threads share panels and blocks of channels."""
        self.write_pack_rows()
        self.write_pack_transposed()
        with self.module.function(self.name, KERNEL) as f:
            size = self._sizes(f)
            w, packed = f.parameter("%ptrs", 0, "ptr"), f.parameter("%ptrs", 1, "ptr")
            taps = f.alloca(self.item, 9 * _PACKED_CHANNELS * self.panel)
            blocks = f.ceildiv(size["channels"], _PACKED_CHANNELS)
            panels = f.ceildiv(size["filters"], self.panel)
            with f.loop(*f.share(f.mul(panels, blocks), "%part", "%parts")) as unit:
                panel, first = f.div(unit.index, blocks), f.mul(f.rem(unit.index, blocks), _PACKED_CHANNELS)
                col = f.mul(panel, self.panel)
                count = f.minimum(_PACKED_CHANNELS, f.sub(size["channels"], first))
                at = f.add(f.mul(first, size["w_channel"]), f.mul(col, size["w_filter"]))
                source = f.gep(w, f.add(size["w_first"], at), self.source_item)
                for number, (j, i) in enumerate(itertools.product(range(3), range(3))):
                    self.call_pack(
                        f, f.gep(source, self._tap(f, size, j, i), self.source_item),
                        (size["w_channel"], size["w_filter"]), self._packed_tap(f, taps, number), count,
                        f.minimum(self.panel, f.sub(size["filters"], col)),
                    )  # fmt: skip
                place = f.mul(f.add(f.mul(panel, size["channels"]), first), size["panel_pitch"])
                self._write_positions(f, size, taps, f.gep(packed, place, self.item), count)

    def _packed_tap(self, f: Function, taps: str, number: int) -> str:
        return f.gep(taps, number * _PACKED_CHANNELS * self.panel, self.item)

    def _write_positions(self, f: Function, size: dict[str, Index], taps: str, target: str, count: Index) -> None:
        """The positions of some channels of a panel from its taps[tap][channel][panel]."""
        b = LLVMBuilder(f, self.lanes)
        step = f.mul(f.mul(f.ceildiv(size["filters"], self.panel), size["channels"]), size["panel_pitch"])
        with f.loop(0, count) as channel, f.loop(0, size["panel_pitch"], self.lanes) as v:
            at = f.add(f.mul(channel.index, self.panel), v.index)
            kernel = [
                [b.load(self.sum_type, self._packed_tap(f, taps, 3 * j + i), at) for i in range(3)] for j in range(3)
            ]
            to = f.gep(target, f.add(f.mul(channel.index, size["panel_pitch"]), v.index), self.item)
            self._store_positions(b, itertools.chain(*_around(_KERNEL, kernel)), to, step)

    @staticmethod
    def _tap(f: Function, size: dict[str, Index], j: int, i: int) -> Index:
        return f.add(f.mul(size["w_tap_y"], j), f.mul(size["w_tap_x"], i))

    def write_unpack(self) -> None:
        """dw from its sums[position][channel][filters]; threads share the channels."""
        with self.module.function(self.name, KERNEL) as f:
            b, size = LLVMBuilder(f, self.lanes), self._sizes(f)
            sums, dw = f.parameter("%ptrs", 0, "ptr"), f.parameter("%ptrs", 1, "ptr")
            step = f.mul(size["channels"], size["filter_pitch"])
            with f.loop(*f.share(size["channels"], "%part", "%parts")) as channel:
                source = f.gep(sums, f.mul(channel.index, size["filter_pitch"]), self.item)
                target = f.gep(dw, f.mul(channel.index, size["w_channel"]), self.out_item)

                def move(at: Index, mask: str | None) -> None:
                    square = self._load_positions(b, f.gep(source, at, self.item), step)
                    for j, row in enumerate(_around(_transposed(_KERNEL), square)):
                        for i, value in enumerate(row):
                            b.store(value, target, f.add(self._tap(f, size, j, i), at), mask)

                self.over_vectors(f, size["filters"], move)

    def _store_positions(self, b: LLVMBuilder, values: Iterable[Value], target: str, step: Index) -> None:
        """Vectors to the same place of consecutive positions."""
        for number, value in enumerate(values):
            b.store(value, target, b.f.mul(step, number))

    def _load_positions(self, b: LLVMBuilder, source: str, step: Index) -> list[list[Value]]:
        def value(number: int) -> Value:
            return b.load(self.sum_type, source, b.f.mul(step, number))

        return [[value(_SIDE * i + j) for j in range(_SIDE)] for i in range(_SIDE)]

    # Correlation and its adjoint ----------------------------------------------------------------------------------

    def write_correlate(self) -> None:
        """Operands: x, packed weights, y, scratch. Threads share blocks of tiles."""
        with self.module.function(self.name, KERNEL) as f:
            size = self._sizes(f)
            x, packed, y, scratch = (f.parameter("%ptrs", position, "ptr") for position in range(4))
            memory = self._working_memory(f, size, scratch, _POSITIONS)
            source = self._seen(size, x, memory.zeros, size["channels"])
            target = self._result(size, y, self.out_item, memory.beyond, size["filters"])
            count = f.mul(size["images"], f.mul(size["tiles_y"], size["tiles_x"]))
            with f.loop(*f.share(f.ceildiv(count, size["block"]), "%part", "%parts")) as unit:
                first = f.mul(unit.index, size["block"])
                block = first, f.minimum(size["block"], f.sub(count, first))
                self._transform(f, size, source, _SOURCE, memory.seen, block)
                self._write_sums(f, size, (memory.seen, packed, memory.sums), block[1])
                self._write_results(f, size, target, (_RESULT, memory.sums), block)

    def write_spread(self) -> None:
        """Operands: dy, packed weights, dx, scratch. Threads share images: tiles of dx overlap, and are added up.

        Channels are those of dy, filters those of dx.
        """
        with self.module.function(self.name, KERNEL) as f:
            size = self._sizes(f)
            dy, packed, dx, scratch = (f.parameter("%ptrs", position, "ptr") for position in range(4))
            memory = self._working_memory(f, size, scratch, _POSITIONS)
            source = self._result(size, dy, self.source_item, memory.zeros, size["channels"])
            target = self._seen(size, dx, memory.beyond, size["filters"])
            count = f.mul(size["tiles_y"], size["tiles_x"])
            items = f.mul(f.mul(size["height"], size["width"]), size["filters"])
            with f.loop(*f.share(size["images"], "%part", "%parts")) as image:
                self._clear(f, f.gep(dx, f.mul(image.index, items), self.item), items)
                with f.loop(0, count, size["block"]) as first:
                    tiles = f.minimum(size["block"], f.sub(count, first.index))
                    block = f.add(f.mul(image.index, count), first.index), tiles
                    self._transform(f, size, source, _transposed(_RESULT), memory.seen, block)
                    self._write_sums(f, size, (memory.seen, packed, memory.sums), tiles)
                    self._write_results(f, size, target, (_transposed(_SOURCE), memory.sums), block, add=True)

    def _working_memory(self, f: Function, size: dict[str, Index], scratch: str, positions: int) -> _Memory:
        zeros = f.gep(scratch, f.mul("%thread", size["scratch_words"]), "i64")
        self._clear(f, zeros, size["edge_items"])
        beyond = f.gep(zeros, size["edge_items"], self.item)
        seen = f.gep(beyond, size["edge_items"], self.item)
        return _Memory(zeros, beyond, seen, f.gep(seen, f.mul(size["seen_step"], positions), self.item))

    def _seen(self, size: dict[str, Index], pointer: str, outside: str, items: Index) -> _Images:
        """The images that the kernel walks over, and the squares of them that tiles see."""
        origin = size["origin_y"], size["origin_x"]
        return _Images(pointer, self.source_item, outside, size["height"], size["width"], items, origin, _SIDE)

    def _result(self, size: dict[str, Index], pointer: str, item: str, outside: str, items: Index) -> _Images:
        """The images that tiles make up."""
        return _Images(pointer, item, outside, size["grid_y"], size["grid_x"], items, (0, 0), _STEP)

    def _transform(
        self, f: Function, size: dict[str, Index], images: _Images, matrix: Matrix, target: str,
        block: tuple[Index, Index],
    ) -> None:  # fmt: skip
        """target[position][tile][channel] of a block of tiles."""
        b = LLVMBuilder(f, self.lanes)
        with self._lines(f, size, block, images) as (line, rows), f.loop(line.begin, line.end) as tile:
            pixels = images.pixels(f, rows, tile.index)
            place = f.gep(target, f.mul(f.add(line.start, tile.index), size["channel_pitch"]), self.item)

            def move(at: Index, mask: str | None) -> None:
                square = [[self._load_pixel(b, pixel, at, mask) for pixel in row] for row in pixels]
                values = itertools.chain(*_around(matrix, square))
                self._store_positions(b, values, f.gep(place, at, self.item), size["seen_step"])

            self.over_vectors(f, size["channels"], move)

    def _load_pixel(self, b: LLVMBuilder, pixel: str, at: Index, mask: str | None) -> Value:
        return b.wrap(self.load_wide(b, pixel, at, mask), self.sum_type)

    def _write_sums(self, f: Function, size: dict[str, Index], operands: tuple[str, str, str], tiles: Index) -> None:
        """sums[position][tile][filter] = seen times weights."""
        seen, packed, sums = operands
        panels = f.ceildiv(size["filters"], self.panel)
        rows = RowTiles(f, tiles, size["tile_rows"])
        weights = f.mul(size["channels"], size["panel_pitch"])
        with f.loop(0, _POSITIONS) as position, f.loop(0, panels) as panel:
            a = f.gep(seen, f.mul(position.index, size["seen_step"]), self.item)
            b = f.gep(packed, f.mul(f.add(f.mul(position.index, panels), panel.index), weights), self.item)
            col = f.mul(panel.index, self.panel)
            c = f.gep(sums, f.add(f.mul(position.index, size["sum_step"]), col), self.item)
            for height, begin, end in rows.between(f, 0, rows.count):
                with f.loop(begin, end) as tile:
                    r = rows.first_row(f, tile.index)
                    self.call_tile(
                        f, self._tiles(f), height, a=f.gep(a, f.mul(r, size["channel_pitch"]), self.item),
                        a_row=size["channel_pitch"], a_k=1, a_outer=0, a_inner=0, outer=1, inner=1,
                        depth=size["channels"], b=b, b_k=size["panel_pitch"],
                        c=f.gep(c, f.mul(r, size["filter_pitch"]), self.item), c_row=size["filter_pitch"],
                        cols=f.minimum(self.panel, f.sub(size["filter_pitch"], col)), add="false",
                    )  # fmt: skip

    def _write_results(
        self, f: Function, size: dict[str, Index], images: _Images, source: tuple[Matrix, str],
        block: tuple[Index, Index], add: bool = False,
    ) -> None:  # fmt: skip
        """The pixels of a block of tiles from sums at positions; with `add`, on top of what they are."""
        matrix, sums = source
        b = LLVMBuilder(f, self.lanes)
        with self._lines(f, size, block, images) as (line, rows):
            with f.loop(line.begin, line.end) as tile:
                pixels = images.pixels(f, rows, tile.index)
                place = f.gep(sums, f.mul(f.add(line.start, tile.index), size["filter_pitch"]), self.item)

                def move(at: Index, mask: str | None) -> None:
                    square = self._load_positions(b, f.gep(place, at, self.item), size["sum_step"])
                    for pixel, value in zip(itertools.chain(*pixels), itertools.chain(*_around(matrix, square))):
                        total = value + b.load(self.out, pixel, at, mask) if add else value
                        b.store(b.cast(total, self.out), pixel, at, mask)

                self.over_vectors(f, size["filters"], move)
            if not add:
                self._call_epilogue_of_line(f, size, line, images.pointer)

    def _call_epilogue_of_line(self, f: Function, size: dict[str, Index], line: _Line, y: str) -> None:
        top, left = f.mul(line.row, _STEP), f.mul(line.begin, _STEP)
        width = f.sub(f.minimum(f.mul(line.end, _STEP), size["grid_x"]), left)
        with f.loop(top, f.minimum(f.add(top, _STEP), size["grid_y"])) as row:
            pixel = f.add(f.mul(f.add(f.mul(line.image, size["grid_y"]), row.index), size["grid_x"]), left)
            block = f.gep(y, f.mul(pixel, size["filters"]), self.out_item)
            self._call_late_epilogue(f, size, block, pixel, width, 0, size["filters"])

    @contextlib.contextmanager
    def _lines(
        self, f: Function, size: dict[str, Index], block: tuple[Index, Index], images: _Images,
        rows: Sequence[Index] | None = None,
    ) -> Iterator[tuple[_Line, list[tuple[str, str]]]]:  # fmt: skip
        """Code for each row of tiles that a block = (first, count) has tiles of, and (some) rows of their pixels."""
        first, count = block
        end, wide = f.add(first, count), size["tiles_x"]
        with f.loop(f.div(first, wide), f.ceildiv(end, wide)) as line:
            start = f.mul(line.index, wide)
            begin, stop = f.maximum(f.sub(first, start), 0), f.minimum(f.sub(end, start), wide)
            image, row = f.div(line.index, size["tiles_y"]), f.rem(line.index, size["tiles_y"])
            found = _Line(image, row, begin, stop, f.sub(start, first))
            yield found, images.rows(f, found, range(images.side) if rows is None else rows)

    # Weight gradient ----------------------------------------------------------------------------------------------

    def write_weights(self) -> None:
        """Operands: x, dy, sums of dw, scratch. Threads share the positions; each walks over all tiles."""
        with self.module.function(self.name, KERNEL) as f:
            size = self._sizes(f)
            x, dy, sums, scratch = (f.parameter("%ptrs", position, "ptr") for position in range(4))
            memory = self._working_memory(f, size, scratch, _SIDE)
            seen = self._seen(size, x, memory.zeros, size["channels"])
            given = self._result(size, dy, self.source_item, memory.zeros, size["filters"])
            pitch, panel_items = size["panel_pitch"], f.mul(size["block"], size["panel_pitch"])
            count = f.mul(size["images"], f.mul(size["tiles_y"], size["tiles_x"]))
            begin, end = f.share(_POSITIONS, "%part", "%parts")

            def of_seen(tile: Index, at: Index) -> Index:
                return f.add(f.mul(tile, size["channel_pitch"]), at)

            def of_given(tile: Index, at: Index) -> Index:
                within = f.add(f.mul(tile, pitch), f.rem(at, self.panel))
                return f.add(f.mul(f.div(at, self.panel), panel_items), within)

            with f.loop(0, f.ceildiv(count, size["block"])) as unit:
                first = f.mul(unit.index, size["block"])
                block = first, f.minimum(size["block"], f.sub(count, first))
                add = f.compare("ne", unit.index, 0)
                with f.loop(f.div(begin, _SIDE), f.ceildiv(end, _SIDE)) as row:
                    start = f.mul(row.index, _SIDE)
                    targets = (memory.seen, size["seen_step"], of_seen), (memory.sums, size["sum_step"], of_given)
                    self._transform_row(f, size, seen, _SOURCE, row.index, targets[0], block)
                    self._transform_row(f, size, given, _transposed(_RESULT), row.index, targets[1], block)
                    with f.loop(f.maximum(f.sub(begin, start), 0), f.minimum(f.sub(end, start), _SIDE)) as column:
                        place = column.index, f.add(start, column.index)
                        self._write_products(f, size, (memory.seen, memory.sums, sums), place, block[1], add)

    def _transform_row(
        self, f: Function, size: dict[str, Index], images: _Images, matrix: Matrix, row: Index,
        target: tuple[str, Index, Callable[[Index, Index], Index]], block: tuple[Index, Index],
    ) -> None:  # fmt: skip
        """One row of positions of a block of tiles; target = (address, step between positions, place of an item)."""
        b = LLVMBuilder(f, self.lanes)
        address, step, place_of = target
        pairs = [_as_pair(numbers) for numbers in matrix]
        rows = [self._entry(f, "i64", [pair[which] for pair in pairs], row) for which in range(2)]
        sign = f.broadcast(self.item, self._entry(f, self.item, [pair[2] for pair in pairs], row), self.lanes)
        with self._lines(f, size, block, images, rows) as (line, starts), f.loop(line.begin, line.end) as tile:
            pixels = images.pixels(f, starts, tile.index)

            def move(at: Index, mask: str | None) -> None:
                first, second = ([self._load_pixel(b, pixel, at, mask) for pixel in row] for row in pixels)
                values = [b.fma(y, b.wrap(sign, self.sum_type), x) for x, y in zip(first, second)]
                place = f.gep(address, place_of(f.add(line.start, tile.index), at), self.item)
                self._store_positions(b, _times(matrix, values), place, step)

            self.over_vectors(f, images.items, move)

    def _entry(self, f: Function, item: str, numbers: Sequence[float], index: Index) -> str:
        """An entry of a table of constants."""
        texts = [float_literal(n, item) if item != "i64" else str(n) for n in numbers]
        definition = f"[{len(texts)} x {item}] [{', '.join(f'{item} {text}' for text in texts)}]"
        name = f"{self.name}.{item}." + ".".join(str(int(n)).replace("-", "m") for n in numbers)
        return f.load(item, f.gep(self.module.constant(name, definition), index, item))

    def _write_products(
        self, f: Function, size: dict[str, Index], operands: tuple[str, str, str], place: tuple[Index, Index],
        tiles: Index, add: str,
    ) -> None:  # fmt: skip
        """sums[position][channel][filter] += what is seen times what is given, over a block of tiles.

        `place` is that of the position in its row and among all.
        """
        seen, given, sums = operands
        column, position = place
        rows = RowTiles(f, size["channels"], size["tile_rows"])
        a = f.gep(seen, f.mul(column, size["seen_step"]), self.item)
        panel_items = f.mul(size["block"], size["panel_pitch"])
        target = f.gep(sums, f.mul(position, f.mul(size["channels"], size["filter_pitch"])), self.item)
        with f.loop(0, f.ceildiv(size["filters"], self.panel)) as panel:
            col = f.mul(panel.index, self.panel)
            b = f.gep(given, f.add(f.mul(column, size["sum_step"]), f.mul(panel.index, panel_items)), self.item)
            for height, begin, end in rows.between(f, 0, rows.count):
                with f.loop(begin, end) as tile:
                    r = rows.first_row(f, tile.index)
                    c = f.gep(target, f.add(f.mul(r, size["filter_pitch"]), col), self.item)
                    self.call_tile(
                        f, self._tiles(f), height, a=f.gep(a, r, self.item), a_row=1, a_k=size["channel_pitch"],
                        a_outer=0, a_inner=0, outer=1, inner=1, depth=tiles, b=b, b_k=size["panel_pitch"], c=c,
                        c_row=size["filter_pitch"], cols=f.minimum(self.panel, f.sub(size["filter_pitch"], col)),
                        add=add,
                    )  # fmt: skip


@dataclass(frozen=True)
class _Memory:
    """What a thread works with: what is read and what is written outside of images, what tiles have at positions
    before the products and after them (for the weights' gradient: of x and of dy)."""

    zeros: str
    beyond: str
    seen: str
    sums: str


@dataclass(frozen=True)
class _Line:
    """A part of a row of tiles: image, row, first and end of its tiles, and where in the block tile 0 would be."""

    image: Index
    row: Index
    begin: Index
    end: Index
    start: Index


@dataclass(frozen=True)
class _Images:
    """Images in memory, and the squares of pixels that tiles have of them, two pixels apart."""

    pointer: str
    item: str
    #: The address that stands for pixels outside.
    outside: str
    height: Index
    width: Index
    items: Index
    origin: tuple[Index, Index]
    side: int

    def rows(self, f: Function, line: _Line, rows: Iterable[Index]) -> list[tuple[str, str]]:
        """Where some rows of the squares of a row of tiles begin, and the bits of an offset that count there."""
        found = []
        for i in rows:
            y = f.add(f.add(self.origin[0], f.mul(line.row, _STEP)), i)
            inside = f.compare("ult", y, self.height)
            start = f.mul(f.mul(f.add(f.mul(line.image, self.height), y), self.width), self.items)
            begin = f.select(inside, f.gep(self.pointer, start, self.item), self.outside, "ptr")
            found.append((begin, f.select(inside, -1, 0)))
        return found

    def pixels(self, f: Function, rows: Sequence[tuple[str, str]], tile: Index) -> list[list[str]]:
        """The addresses of the pixels in these rows of a tile's square."""
        left = f.add(self.origin[1], f.mul(tile, _STEP))
        columns = [f.add(left, i) for i in range(self.side)]
        places = [(f.compare("ult", x, self.width), f.mul(x, self.items)) for x in columns]

        def address(begin: str, mask: str, inside: str, at: Index) -> str:
            place = f.gep(begin, f.emit(f"and i64 {at}, {mask}"), self.item)
            return f.select(inside, place, self.outside, "ptr")

        return [[address(*row, *place) for place in places] for row in rows]


def _as_pair(row: Sequence[float]) -> tuple[int, int, float]:
    """A row of a matrix as the place of a 1, that of another number, or one outside, and that number."""
    first = row.index(1)
    others = [(place, number) for place, number in enumerate(row) if number and place != first]
    return (first, *(others[0] if others else (_OUTSIDE, 0)))


def _around(left: Matrix, square: Sequence[Sequence[Value]]) -> list[list[Value]]:
    """left square left', vector by vector."""
    columns = [_times(left, column) for column in zip(*square)]
    return [_times(left, row) for row in zip(*columns)]


def _times(matrix: Matrix, values: Sequence[Value]) -> list[Value]:
    """A matrix of few small numbers times a column of vectors; numbers of one size are multiplied by once."""
    return [_sum(zip(row, values)) for row in matrix]


def _sum(terms: Iterable[tuple[float, Value]]) -> Value:
    by_size: dict[float, Value] = {}
    for number, value in sorted(terms, key=lambda term: -term[0]):
        before = by_size.get(abs(number))
        if number:
            assert number > 0 or before is not None, "a row of a matrix begins with a positive number of each size"
            by_size[abs(number)] = value if before is None else before + value if number > 0 else before - value
    parts = [value if size == 1 else value * size for size, value in by_size.items()]
    return functools.reduce(operator.add, parts)
