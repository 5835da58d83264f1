"""Native code of convolutions on the register tile; `conv` says what it computes and how it is called.

A kernel's consts are the entries of `CONSTS`, in this order. `BandWriter` is shared with the depthwise kernels
and those of `winograd`, which have consts of their own.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator

from ..ir import KERNEL, Function, Index
from ..scalar import LLVMBuilder
from .tiles import RowTiles, TileWriter

__all__ = ["CONSTS", "BandWriter", "CorrelationWriter"]

#: What a kernel reads of its call: sizes, the walk over the source (grid, origin, strides, taps and steps between
#: them), where results go (target), where weights are (w), how the sum is cut up (segments of depth items), and memory.
CONSTS = (
    "images", "height", "width", "channels", "group_channels", "filters", "group_filters", "groups",
    "grid_y", "grid_x", "origin_y", "origin_x", "stride_y", "stride_x", "taps_y", "taps_x", "step_y", "step_x",
    "target_image", "target_first", "target_row", "target_pixel",
    "w_first", "w_tap_y", "w_tap_x", "w_channel", "w_filter", "w_group", "segments", "depth",
    "needs_band", "row_items", "band_rows", "band_items", "scratch_words", "packed_at", "epilogue",
    "tiles", "sums",
)  # fmt: skip


class BandWriter(TileWriter):
    """What all kernels of convolutions do: read sizes, copy bands of the source, call epilogues."""

    consts: tuple[str, ...] = CONSTS

    def _sizes(self, f: Function) -> dict[str, Index]:
        return {name: f.parameter("%consts", position) for position, name in enumerate(self.consts)}

    def _tiles(self, f: Function) -> str:
        return f.parameter("%consts", self.consts.index("tiles"), "ptr")

    # The band -----------------------------------------------------------------------------------------------------

    def _band(
        self, f: Function, size: dict[str, Index], x: str, band: str, image: Index, first: Index, rows: Index
    ) -> str:
        """The address of the source's first row under grid rows `first`..., copied into `band` if it must be."""
        y = f.add(size["origin_y"], f.mul(first, size["stride_y"]))
        picture = f.gep(
            x, f.mul(f.mul(image, size["height"]), f.mul(size["width"], size["channels"])), self.source_item
        )

        def in_place() -> list[str]:
            at = f.add(f.mul(y, size["width"]), size["origin_x"])
            return [f.gep(picture, f.mul(at, size["channels"]), self.source_item)]

        def copied() -> list[str]:
            reach = f.add(f.mul(f.sub(rows, 1), size["stride_y"]), f.mul(f.sub(size["taps_y"], 1), size["step_y"]))
            self._fill_band(f, size, picture, band, y, f.add(reach, 1))
            return [band]

        return f.branch(f.compare("ne", size["needs_band"], 0), copied, in_place, ["ptr"])[0]

    def _fill_band(self, f: Function, size: dict[str, Index], picture: str, band: str, y: Index, rows: Index) -> None:
        """band[r] = row y + r of the picture from column origin_x on, zeros outside."""
        channels, row_items = size["channels"], size["row_items"]
        left = f.minimum(f.mul(f.maximum(f.sub(0, size["origin_x"]), 0), channels), row_items)
        begin = f.mul(f.maximum(size["origin_x"], 0), channels)
        available = f.sub(f.mul(size["width"], channels), begin)
        middle = f.maximum(f.minimum(available, f.sub(row_items, left)), 0)
        with f.loop(0, rows) as r:
            at = f.add(y, r.index)
            to = f.gep(band, f.mul(r.index, row_items), self.item)

            def copy(at: Index = at, to: str = to) -> list[str]:
                self._clear(f, to, left)
                source = f.gep(picture, f.add(f.mul(f.mul(at, size["width"]), channels), begin), self.source_item)
                self._copy_wide(f, source, f.gep(to, left, self.item), middle)
                filled = f.add(left, middle)
                self._clear(f, f.gep(to, filled, self.item), f.sub(row_items, filled))
                return []

            def clear(to: str = to) -> list[str]:
                self._clear(f, to, row_items)
                return []

            f.branch(f.compare("ult", at, size["height"]), copy, clear)

    def _clear(self, f: Function, target: str, items: Index) -> None:
        bytes_ = f.mul(items, self.sum_type.size)
        f.intrinsic(
            "llvm.memset.p0.i64", "void", ("ptr", target), ("i8", "0"), ("i64", str(bytes_)), ("i1", "false")
        )  # fmt: skip

    def _copy_wide(self, f: Function, source: str, target: str, items: Index) -> None:
        """Copy items, widening 16-bit ones."""
        b = LLVMBuilder(f, self.lanes)

        def move(at: Index, mask: str | None) -> None:
            value = self.load_wide(b, source, at, mask)
            f.store(self.item, value, f.gep(target, at, self.item), self.lanes, mask)

        self.over_vectors(f, items, move)

    def over_vectors(self, f: Function, items: Index, body: Callable[[Index, str | None], None]) -> None:
        """Code for each vector of some items: `body(its first, the mask of its lanes if it is not whole)`."""
        whole = f.mul(f.div(items, self.lanes), self.lanes)
        with f.loop(0, whole, self.lanes) as loop:
            body(loop.index, None)
        rest = f.sub(items, whole)
        if rest != 0:
            with f.when(f.compare("sgt", rest, 0)):
                body(whole, f.first_lanes(rest, self.lanes))

    @staticmethod
    def _taps_inside(f: Function, size: dict[str, Index], axis: str, position: Index) -> tuple[Index, Index]:
        """The rows (or columns) of the kernel that lie on the source for a row (or column) of the grid.

        The others would only add zeros.
        """
        taps, step = size[f"taps_{axis}"], size[f"step_{axis}"]
        at = f.add(size[f"origin_{axis}"], f.mul(position, size[f"stride_{axis}"]))
        first = f.minimum(f.ceildiv(f.maximum(f.sub(0, at), 0), step), taps)
        end = f.ceildiv(f.maximum(f.sub(size["height" if axis == "y" else "width"], at), 0), step)
        return first, f.maximum(f.minimum(end, taps), first)

    def _call_late_epilogue(
        self, f: Function, size: dict[str, Index], block: str, pixel: Index, height: Index, col: Index, cols: Index
    ) -> None:
        """`block` is where the results of the pixels are; see `gemm` for what an epilogue is given."""
        with f.when(f.compare("ne", size["epilogue"], 0)):
            function = f.emit(f"inttoptr i64 {size['epilogue']} to ptr")
            place = (pixel, height, col, cols)
            f.call(
                "void", function, f"ptr {block}", f"i64 {size['filters']}", "ptr %ptrs", *(f"i64 {x}" for x in place)
            )

    # Weight gradients ---------------------------------------------------------------------------------------------

    @contextlib.contextmanager
    def _sums(
        self, f: Function, size: dict[str, Index], dw: str, tiles: Index, units: Index
    ) -> Iterator[tuple[str, tuple[Index, Index], tuple[Index, Index]]]:
        """Code for the sums over bands that fall to this thread: where one is kept, its tiles, and the bands.

        If there are several sums, each over its share of the bands, threads share these; otherwise the tiles.
        """
        several = f.compare("sgt", size["sums"], 1)
        mine = f.share(size["sums"], f.select(several, "%part", 0), f.select(several, "%parts", 1))
        own_tiles = f.share(tiles, f.select(several, 0, "%part"), f.select(several, 1, "%parts"))
        with f.when(f.compare("eq", units, 0)):
            self._clear_weights(f, size, dw)
        with f.loop(*mine) as number, f.when(f.compare("slt", *own_tiles)):
            place = f.gep(dw, f.mul(number.index, self._weight_items(f, size)), self.out_item)
            yield place, own_tiles, f.share(units, number.index, size["sums"])

    @staticmethod
    def _weight_items(f: Function, size: dict[str, Index]) -> Index:
        return f.mul(f.mul(size["taps_y"], size["taps_x"]), f.mul(size["group_channels"], size["filters"]))

    def write_total(self) -> None:
        """Operands: sums, dw. The sums of a weight gradient added up, in order; threads share the items."""
        with self.module.function(self.name, KERNEL) as f:
            b, size = LLVMBuilder(f, self.lanes), self._sizes(f)
            sums, dw = f.parameter("%ptrs", 0, "ptr"), f.parameter("%ptrs", 1, "ptr")
            items = self._weight_items(f, size)
            begin, end = f.share(items, "%part", "%parts")
            first, dw = f.gep(sums, begin, self.out_item), f.gep(dw, begin, self.out_item)

            def add(at: Index, mask: str | None) -> None:
                start = b.load(self.out, first, at, mask)
                with f.loop(1, size["sums"], 1, [(b.kind(self.out), start.ref)]) as number:
                    place = f.gep(first, f.mul(number.index, items), self.out_item)
                    more = b.wrap(number.values[0], self.out) + b.load(self.out, place, at, mask)
                    number.next = [more.ref]
                b.store(b.wrap(number.results[0], self.out), dw, at, mask)

            self.over_vectors(f, f.sub(end, begin), add)

    def _clear_weights(self, f: Function, size: dict[str, Index], dw: str) -> None:
        """Without images the gradient is zero."""
        begin, end = f.share(self._weight_items(f, size), "%part", "%parts")
        nbytes = str(f.mul(f.sub(end, begin), self.out.size))
        place = f.gep(dw, begin, self.out_item)
        f.intrinsic("llvm.memset.p0.i64", "void", ("ptr", place), ("i8", "0"), ("i64", nbytes), ("i1", "false"))


class CorrelationWriter(BandWriter):
    """Kernels around the register tile: packing of weights, correlation, weight gradient."""

    # Packing weights ----------------------------------------------------------------------------------------------

    def write_pack(self) -> None:
        """packed[group][panel][tap y][tap x][channel][panel's filters]; threads share groups and panels."""
        self.write_pack_rows()
        self.write_pack_transposed()
        with self.module.function(self.name, KERNEL) as f:
            size = self._sizes(f)
            w, packed = f.parameter("%ptrs", 0, "ptr"), f.parameter("%ptrs", 1, "ptr")
            packed = f.gep(packed, size["packed_at"], self.item)
            panels = f.ceildiv(size["group_filters"], self.panel)
            items = f.mul(size["group_channels"], self.panel)
            with f.loop(*f.share(f.mul(size["groups"], panels), "%part", "%parts")) as unit:
                group, panel = f.div(unit.index, panels), f.rem(unit.index, panels)
                col = f.mul(panel, self.panel)
                cols = f.minimum(self.panel, f.sub(size["group_filters"], col))
                start = f.add(size["w_first"], f.add(f.mul(group, size["w_group"]), f.mul(col, size["w_filter"])))
                with f.loop(0, size["taps_y"]) as y, f.loop(0, size["taps_x"]) as x:
                    tap = f.add(f.mul(y.index, size["w_tap_y"]), f.mul(x.index, size["w_tap_x"]))
                    source = f.gep(w, f.add(start, tap), self.source_item)
                    number = f.add(f.mul(f.add(f.mul(unit.index, size["taps_y"]), y.index), size["taps_x"]), x.index)
                    target = f.gep(packed, f.mul(number, items), self.item)
                    strides = size["w_channel"], size["w_filter"]
                    self.call_pack(f, source, strides, target, size["group_channels"], cols)

    # Correlation --------------------------------------------------------------------------------------------------

    def write_correlate(self) -> None:
        """Operands: source, packed weights, target, scratch. Threads share bands, or panels if those are too few."""
        with self.module.function(self.name, KERNEL) as f:
            size = self._sizes(f)
            x, packed, y, scratch = (f.parameter("%ptrs", position, "ptr") for position in range(4))
            scratch = f.gep(scratch, f.mul("%thread", size["scratch_words"]), "i64")
            packed = f.gep(packed, size["packed_at"], self.item)
            bands = f.ceildiv(size["grid_y"], size["band_rows"])
            panels = f.ceildiv(size["group_filters"], self.panel)
            tiles = RowTiles(f, size["grid_x"])
            units = f.mul(size["images"], bands)
            columns = f.mul(size["groups"], panels)
            by_band = f.compare("sge", units, "%parts")
            band_part, panel_part = f.select(by_band, "%part", 0), f.select(by_band, 0, "%part")
            band_parts, panel_parts = f.select(by_band, "%parts", 1), f.select(by_band, 1, "%parts")
            with f.loop(*f.share(units, band_part, band_parts)) as unit:
                image, first = f.div(unit.index, bands), f.mul(f.rem(unit.index, bands), size["band_rows"])
                rows = f.minimum(size["band_rows"], f.sub(size["grid_y"], first))
                source = self._band(f, size, x, scratch, image, first, rows)
                with f.loop(*f.share(columns, panel_part, panel_parts)) as column:
                    self._write_panel(f, size, tiles, (source, packed, y), (image, first, rows), column.index, panels)

    def _write_panel(
        self, f: Function, size: dict[str, Index], tiles: RowTiles, operands: tuple[str, str, str],
        band: tuple[Index, Index, Index], column: Index, panels: Index,
    ) -> None:  # fmt: skip
        """All pixels of a band against one panel of one group's filters."""
        source, packed, y = operands
        image, first, rows = band
        group, panel = f.div(column, panels), f.rem(column, panels)
        tap_items = f.mul(size["taps_x"], f.mul(size["group_channels"], self.panel))
        weights = f.gep(packed, f.mul(column, f.mul(size["taps_y"], tap_items)), self.item)
        start = f.mul(panel, self.panel)
        source = f.gep(source, f.mul(group, size["group_channels"]), self.item)
        col = f.add(f.mul(group, size["group_filters"]), start)

        cols = f.minimum(self.panel, f.sub(size["group_filters"], start))
        with f.loop(0, rows) as r:
            pixel = f.add(size["target_first"], f.mul(f.add(first, r.index), size["target_row"]))
            pixel = f.add(pixel, f.mul(image, size["target_image"]))
            tap, end_tap = self._taps_inside(f, size, "y", f.add(first, r.index))
            at = f.add(f.mul(r.index, size["stride_y"]), f.mul(tap, size["step_y"]))
            row = f.gep(source, f.mul(at, size["row_items"]), self.item)
            panel_row = f.gep(weights, f.mul(tap, tap_items), self.item)
            for height, begin, end in tiles.between(f, 0, tiles.count):
                with f.loop(begin, end) as tile:
                    v = tiles.first_row(f, tile.index)
                    at = f.add(pixel, f.mul(v, size["target_pixel"]))
                    taps = f.sub(end_tap, tap)
                    self._write_tile_call(f, size, (height, cols, taps), row, v, panel_row, y, at, col)

    def _write_tile_call(
        self, f: Function, size: dict[str, Index], shape: tuple[Index, Index, Index], row: str, v: Index, weights: str,
        y: str, pixel: Index, col: Index,
    ) -> None:  # fmt: skip
        height, cols, taps = shape
        a_row = f.mul(size["stride_x"], size["channels"])
        target = f.gep(y, f.add(f.mul(pixel, size["filters"]), col), self.out_item)
        self.call_tile(
            f, self._tiles(f), height, a=f.gep(row, f.mul(v, a_row), self.item), a_row=a_row, a_k=1,
            a_outer=f.mul(size["step_y"], size["row_items"]), a_inner=f.mul(size["step_x"], size["channels"]),
            outer=taps, inner=size["segments"], depth=size["depth"], b=weights, b_k=self.panel, c=target,
            c_row=f.mul(size["target_pixel"], size["filters"]), cols=cols, add="false",
        )  # fmt: skip
        self._call_late_epilogue(f, size, target, pixel, height, col, cols)

    # Weight gradient ----------------------------------------------------------------------------------------------

    def write_weights(self) -> None:
        """Operands: x, dy, dw (or several sums), scratch. Threads share the register tiles of dw, or the sums.

        The sums are kept in dw, so that is of the accumulator's type. Where pixels of dy are whole vectors and as wide
        as a panel at most, dy is as good as packed.
        """
        self.write_pack_rows()
        with self.module.function(self.name, KERNEL) as f:
            size = self._sizes(f)
            x, dy, dw, scratch = (f.parameter("%ptrs", position, "ptr") for position in range(4))
            scratch = f.gep(scratch, f.mul("%thread", size["scratch_words"]), "i64")
            packed = f.gep(scratch, size["band_items"], self.item)
            bands = f.ceildiv(size["grid_y"], size["band_rows"])
            panels = f.ceildiv(size["group_filters"], self.panel)
            segments = f.maximum(size["segments"], 1)
            block_rows = f.mul(f.div(size["taps_x"], segments), size["group_channels"])
            tiles = RowTiles(f, block_rows)
            per_column = f.mul(size["taps_y"], segments)
            blocks = f.mul(f.mul(size["groups"], panels), per_column)
            is_packed = self._is_packed(f, size)
            units, count = f.mul(size["images"], bands), f.mul(blocks, tiles.count)
            with (
                self._sums(f, size, dw, count, units) as (total, (begin, end), mine),
                f.loop(*mine) as unit,
            ):
                image, first = f.div(unit.index, bands), f.mul(f.rem(unit.index, bands), size["band_rows"])
                rows = f.minimum(size["band_rows"], f.sub(size["grid_y"], first))
                source = self._band(f, size, x, scratch, image, first, rows)
                pixel = f.add(f.mul(image, size["target_image"]), f.mul(first, size["target_row"]))
                add = f.compare("ne", unit.index, mine[0])
                first_block = f.div(begin, tiles.count)
                with f.loop(first_block, f.ceildiv(end, tiles.count)) as block:
                    column, place = f.div(block.index, per_column), f.rem(block.index, per_column)
                    tap, segment = f.div(place, segments), f.rem(place, segments)
                    group, start = f.div(column, panels), f.mul(f.rem(column, panels), self.panel)
                    cols = f.minimum(self.panel, f.sub(size["group_filters"], start))
                    col = f.add(f.mul(group, size["group_filters"]), start)
                    new = f.emit(f"or i1 {f.compare('eq', place, 0)}, {f.compare('eq', block.index, first_block)}")
                    gradient = f.gep(dy, f.add(f.mul(pixel, size["filters"]), col), self.source_item)
                    with f.when(f.emit(f"and i1 {new}, {f.compare('eq', is_packed, 0)}")):
                        depth = f.mul(rows, size["grid_x"])
                        self.call_pack(f, gradient, (size["filters"], 1), packed, depth, cols)
                    as_it_is = f.compare("ne", is_packed, 0)
                    b = f.select(as_it_is, gradient, packed, "ptr"), f.select(as_it_is, size["filters"], self.panel)
                    at = f.mul(f.mul(tap, size["step_y"]), size["row_items"])
                    at = f.add(at, f.mul(f.mul(segment, size["step_x"]), size["channels"]))
                    a = f.gep(source, f.add(at, f.mul(group, size["group_channels"])), self.item)
                    target = f.gep(total, f.add(f.mul(f.mul(place, block_rows), size["filters"]), col), self.out_item)
                    before = f.mul(block.index, tiles.count)
                    inside = f.maximum(f.sub(begin, before), 0), f.minimum(f.sub(end, before), tiles.count)
                    self._write_weight_tiles(f, size, tiles, inside, (a, b, target), rows, cols, add)

    def _is_packed(self, f: Function, size: dict[str, Index]) -> Index:
        """Whether the gradient of the result is a packed panel already."""
        if self.source_item != self.item:
            return 0
        whole = f.compare("eq", f.rem(size["group_filters"], self.lanes), 0)
        fits = f.compare("sle", f.mul(size["groups"], size["filters"]), self.panel)
        return f.emit(f"zext i1 {f.emit(f'and i1 {whole}, {fits}')} to i64")

    def _write_weight_tiles(
        self, f: Function, size: dict[str, Index], tiles: RowTiles, mine: tuple[Index, Index],
        operands: tuple[str, tuple[str, Index], str], rows: Index, cols: Index, add: str,
    ) -> None:  # fmt: skip
        a, (b, b_k), target = operands
        for height, begin, end in tiles.between(f, *mine):
            with f.loop(begin, end) as tile:
                r = tiles.first_row(f, tile.index)
                self.call_tile(
                    f, self._tiles(f), height, a=f.gep(a, r, self.item), a_row=1,
                    a_k=f.mul(size["stride_x"], size["channels"]), a_outer=f.mul(size["stride_y"], size["row_items"]),
                    a_inner=0, outer=rows, inner=1, depth=size["grid_x"], b=b, b_k=b_k,
                    c=f.gep(target, f.mul(r, size["filters"]), self.out_item), c_row=size["filters"], cols=cols,
                    add=add,
                )  # fmt: skip
