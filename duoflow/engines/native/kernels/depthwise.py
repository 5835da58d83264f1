"""Native code of depthwise convolutions: one filter per channel, so vectors run along the channels.

A tile is up to six places by two vectors of channels, held in registers: adjacent pixels of a row of the result while
the taps are summed, or adjacent taps of a row of the kernel while the pixels are.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from ..ir import KERNEL, Function, Index
from ..scalar import LLVMBuilder
from .correlate import BandWriter
from .tiles import TILE_ROWS, RowTiles

__all__ = ["DepthwiseWriter"]

_VECTORS = 2

Masks = Sequence[str | None]
#: Loads a vector of the operand that is the same in all places of a tile: (builder, pointer, index, mask).
LoadShared = Callable[[LLVMBuilder, str, Index, "str | None"], str]


class DepthwiseWriter(BandWriter):
    """Kernels with the operands and constants of the general ones, for groups == channels == filters."""

    #: The sum over outer and inner of shared[outer, inner, c] * moving[outer, inner, place, c].
    _SUM = (
        ("ptr", "moving"), ("i64", "place"), ("i64", "moving_outer"), ("i64", "moving_inner"), ("ptr", "shared"),
        ("i64", "shared_outer"), ("i64", "shared_inner"), ("i64", "outer"), ("i64", "inner"), ("ptr", "target"),
        ("i64", "target_place"), ("i64", "cols"), ("i1", "add"),
    )  # fmt: skip

    def write_pack(self) -> None:
        """packed[tap y][tap x][channel]: the weights of the taps in the order that they are used."""
        with self.module.function(self.name, KERNEL) as f:
            size = self._sizes(f)
            w, packed = f.parameter("%ptrs", 0, "ptr"), f.parameter("%ptrs", 1, "ptr")
            packed = f.gep(packed, size["packed_at"], self.item)
            with f.loop(*f.share(size["taps_y"], "%part", "%parts")) as y, f.loop(0, size["taps_x"]) as x:
                tap = f.add(f.mul(y.index, size["w_tap_y"]), f.mul(x.index, size["w_tap_x"]))
                source = f.gep(w, f.add(size["w_first"], tap), self.source_item)
                number = f.add(f.mul(y.index, size["taps_x"]), x.index)
                target = f.gep(packed, f.mul(number, size["channels"]), self.item)
                self._copy_wide(f, source, target, size["channels"])

    def write_correlate(self) -> None:
        """Operands: source, packed weights, target, scratch. Threads share the bands.

        Where the source is the band, columns at the edges, which some taps miss, are computed one by one.
        """
        self._write_sums(self._load_packed)
        with self.module.function(self.name, KERNEL) as f:
            size = self._sizes(f)
            x, packed, y, scratch = (f.parameter("%ptrs", position, "ptr") for position in range(4))
            scratch = f.gep(scratch, f.mul("%thread", size["scratch_words"]), "i64")
            packed = f.gep(packed, size["packed_at"], self.item)
            bands = f.ceildiv(size["grid_y"], size["band_rows"])
            left, right = self._columns_inside(f, size)
            tiles = RowTiles(f, f.sub(right, left))
            with f.loop(*f.share(f.mul(size["images"], bands), "%part", "%parts")) as unit:
                image, first = f.div(unit.index, bands), f.mul(f.rem(unit.index, bands), size["band_rows"])
                rows = f.minimum(size["band_rows"], f.sub(size["grid_y"], first))
                source = self._band(f, size, x, scratch, image, first, rows)
                with f.loop(0, rows) as r:
                    pixel = f.add(size["target_first"], f.mul(f.add(first, r.index), size["target_row"]))
                    pixel = f.add(pixel, f.mul(image, size["target_image"]))
                    taps_y = self._taps_inside(f, size, "y", f.add(first, r.index))
                    at = f.add(f.mul(r.index, size["stride_y"]), f.mul(taps_y[0], size["step_y"]))
                    operands = f.gep(source, f.mul(at, size["row_items"]), self.item), packed, y, pixel
                    for low, high in ((0, left), (right, size["grid_x"])):
                        with f.loop(low, high) as edge:
                            taps_x = self._taps_inside(f, size, "x", edge.index)
                            self._write_pixels(f, size, operands, (edge.index, 1), taps_y, taps_x)
                    for height, begin, end in tiles.between(f, 0, tiles.count):
                        with f.loop(begin, end) as tile:
                            v = f.add(left, tiles.first_row(f, tile.index))
                            self._write_pixels(f, size, operands, (v, height), taps_y, (0, size["taps_x"]))

    def _columns_inside(self, f: Function, size: dict[str, Index]) -> tuple[Index, Index]:
        """The columns of the grid that all taps reach."""
        stride, origin = size["stride_x"], size["origin_x"]
        left = f.minimum(f.ceildiv(f.maximum(f.sub(0, origin), 0), stride), size["grid_x"])
        last = f.sub(f.sub(size["width"], origin), f.add(f.mul(f.sub(size["taps_x"], 1), size["step_x"]), 1))
        count = f.select(f.compare("sge", last, 0), f.add(f.div(f.maximum(last, 0), stride), 1), 0)
        right = f.maximum(f.minimum(count, size["grid_x"]), left)
        copied = f.compare("ne", size["needs_band"], 0)
        return f.select(copied, 0, left), f.select(copied, size["grid_x"], right)

    def _write_pixels(
        self, f: Function, size: dict[str, Index], operands: tuple[str, str, str, Index], place: tuple[Index, Index],
        taps_y: tuple[Index, Index], taps_x: tuple[Index, Index],
    ) -> None:  # fmt: skip
        """All channels of `place` = (first, number) of pixels in a row, from a range of taps."""
        source, packed, y, pixel = operands
        v, count = place
        channels, width = size["channels"], _VECTORS * self.lanes
        step = f.mul(size["stride_x"], channels)
        here = f.add(pixel, f.mul(v, size["target_pixel"]))
        moved = f.add(f.mul(v, step), f.mul(f.mul(taps_x[0], size["step_x"]), channels))
        moving = f.gep(source, moved, self.item)
        first_tap = f.add(f.mul(taps_y[0], size["taps_x"]), taps_x[0])
        shared = f.gep(packed, f.mul(first_tap, channels), self.item)
        target = f.gep(y, f.mul(here, channels), self.out_item)
        with f.loop(0, channels, width) as c:
            self._call_sum(
                f, count, moving=f.gep(moving, c.index, self.item), place=step,
                moving_outer=f.mul(size["step_y"], size["row_items"]), moving_inner=f.mul(size["step_x"], channels),
                shared=f.gep(shared, c.index, self.item), shared_outer=f.mul(size["taps_x"], channels),
                shared_inner=channels, outer=f.sub(taps_y[1], taps_y[0]), inner=f.sub(taps_x[1], taps_x[0]),
                target=f.gep(target, c.index, self.out_item), target_place=f.mul(size["target_pixel"], channels),
                cols=f.minimum(width, f.sub(channels, c.index)), add="false",
            )  # fmt: skip
        self._call_late_epilogue(f, size, target, here, count, 0, channels)

    def write_weights(self) -> None:
        """Operands: x, dy, dw (or several sums), scratch. Threads share blocks of channels, or the sums."""
        self._write_sums(self.load_wide)
        with self.module.function(self.name, KERNEL) as f:
            size = self._sizes(f)
            x, dy, dw, scratch = (f.parameter("%ptrs", position, "ptr") for position in range(4))
            scratch = f.gep(scratch, f.mul("%thread", size["scratch_words"]), "i64")
            bands = f.ceildiv(size["grid_y"], size["band_rows"])
            channels, width = size["channels"], _VECTORS * self.lanes
            tiles = RowTiles(f, size["taps_x"])
            count, units = f.ceildiv(channels, width), f.mul(size["images"], bands)
            with (
                self._sums(f, size, dw, count, units) as (total, (begin, end), mine),
                f.loop(*mine) as unit,
            ):
                image, first = f.div(unit.index, bands), f.mul(f.rem(unit.index, bands), size["band_rows"])
                rows = f.minimum(size["band_rows"], f.sub(size["grid_y"], first))
                source = self._band(f, size, x, scratch, image, first, rows)
                pixel = f.add(f.mul(image, size["target_image"]), f.mul(first, size["target_row"]))
                with f.loop(begin, end) as block, f.loop(0, size["taps_y"]) as tap:
                    c = f.mul(block.index, width)
                    at = f.add(f.mul(f.mul(tap.index, size["step_y"]), size["row_items"]), c)
                    place = f.mul(size["step_x"], channels)
                    for count, low, high in tiles.between(f, 0, tiles.count):
                        with f.loop(low, high) as tile:
                            t = tiles.first_row(f, tile.index)
                            number = f.add(f.mul(tap.index, size["taps_x"]), t)
                            self._call_sum(
                                f, count, moving=f.gep(source, f.add(at, f.mul(t, place)), self.item), place=place,
                                moving_outer=f.mul(size["stride_y"], size["row_items"]),
                                moving_inner=f.mul(size["stride_x"], channels),
                                shared=f.gep(dy, f.add(f.mul(pixel, channels), c), self.source_item),
                                shared_outer=f.mul(size["grid_x"], channels), shared_inner=channels,
                                outer=rows, inner=size["grid_x"],
                                target=f.gep(total, f.add(f.mul(number, channels), c), self.out_item),
                                target_place=channels, cols=f.minimum(width, f.sub(channels, c)),
                                add=f.compare("ne", unit.index, mine[0]),
                            )  # fmt: skip

    # The tile -----------------------------------------------------------------------------------------------------

    def _call_sum(self, f: Function, places: Index, **operands: Index) -> None:
        """Call the tile of so many places; the operands are those of `_SUM`."""
        position = f.add(f.mul(f.sub(places, 1), _VECTORS), f.sub(f.ceildiv(operands["cols"], self.lanes), 1))
        function = f.load("ptr", f.gep(f"@{self.name}.sums", position, "ptr"))
        f.call("void", function, *(f"{kind} {operands[name]}" for kind, name in self._SUM))

    def _load_packed(self, b: LLVMBuilder, pointer: str, index: Index, mask: str | None) -> str:
        return b.f.load(self.item, b.f.gep(pointer, index, self.item), b.lanes, mask)

    def _write_sums(self, load_shared: LoadShared) -> None:
        """Every size of tile, and the table of them."""
        sizes = [(p + 1, v + 1) for p in range(TILE_ROWS) for v in range(_VECTORS)]
        names = [f"{self.name}.sum{places}x{vectors}" for places, vectors in sizes]
        for name, (places, vectors) in zip(names, sizes):
            self._write_sum(name, places, vectors, load_shared)
        table = ", ".join(f"ptr @{name}" for name in names)
        self.module.constant(f"{self.name}.sums", f"[{len(sizes)} x ptr] [{table}]")

    def _write_sum(self, name: str, places: int, vectors: int, load_shared: LoadShared) -> None:
        with self.module.function(name, self._SUM, internal=True) as f:
            b = LLVMBuilder(f, self.lanes)
            last = f.sub("%cols", (vectors - 1) * self.lanes)
            partial: Masks = [None] * (vectors - 1) + [f.first_lanes(last, self.lanes)]

            def write(masks: Masks) -> list[str]:
                self._write_sum_loops(b, places, masks, load_shared)
                return []

            if f.target.vector_bytes >= 64:
                write(partial)
            else:
                f.branch(f.compare("sge", last, self.lanes), lambda: write([None] * vectors), lambda: write(partial))

    def _write_sum_loops(self, b: LLVMBuilder, places: int, masks: Masks, load_shared: LoadShared) -> None:
        f, vectors = b.f, len(masks)
        kind, zero = b.kind(self.sum_type), b.const(0.0, self.sum_type).ref
        with f.loop(0, "%outer", 1, [(kind, zero)] * (places * vectors)) as outer:
            carry = [(kind, value) for value in outer.values]
            moving = f.gep("%moving", f.mul(outer.index, "%moving_outer"), self.item)
            shared = f.mul(outer.index, "%shared_outer")
            with f.loop(0, "%inner", 1, carry) as inner:
                start = f.gep(moving, f.mul(inner.index, "%moving_inner"), self.item)
                at = f.add(shared, f.mul(inner.index, "%shared_inner"))
                same = [load_shared(b, "%shared", f.add(at, v * self.lanes), mask) for v, mask in enumerate(masks)]
                for p in range(places):
                    here = f.gep(start, f.mul("%place", p), self.item)
                    for v, mask in enumerate(masks):
                        item = f.load(self.item, f.gep(here, v * self.lanes, self.item), self.lanes, mask)
                        inner.next.append(f.fma(self.item, self.lanes, item, same[v], inner.values[p * vectors + v]))
            outer.next = inner.results

        def stored(add: bool) -> list[str]:
            for p in range(places):
                target = f.gep("%target", f.mul("%target_place", p), self.out_item)
                for v, mask in enumerate(masks):
                    value = b.wrap(outer.results[p * vectors + v], self.sum_type)
                    if add:
                        value = value + b.cast(b.load(self.out, target, v * self.lanes, mask), self.sum_type)
                    b.store(b.cast(value, self.out), target, v * self.lanes, mask)
            return []

        f.branch("%add", lambda: stored(True), lambda: stored(False))
