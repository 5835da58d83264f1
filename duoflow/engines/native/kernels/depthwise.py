"""Native code of depthwise convolutions: one filter per channel, so vectors run along the channels."""

from __future__ import annotations

from collections.abc import Callable

from ..ir import Function, Index
from ..scalar import LLVMBuilder
from .correlate import ABI, BandWriter

__all__ = ["DepthwiseWriter"]


class DepthwiseWriter(BandWriter):
    """Kernels with the operands and constants of the general ones, for groups == channels == filters."""

    def write_generic(self) -> None:
        """Packing and correlation."""
        self._write_pack()
        self._write_correlate()

    def write_weight_gradient(self) -> None:
        """The weight gradient, in the accumulator's type."""
        self._write_weights()

    def _channel_vectors(
        self, f: Function, channels: Index, write: Callable[[LLVMBuilder, Index, str | None], None]
    ) -> None:
        """Run `write(b, first channel, mask)` for four vectors of channels at a time, for single ones, and the rest."""
        begin: Index = 0
        for lanes in (4 * self.lanes, self.lanes):
            end = f.mul(f.div(channels, lanes), lanes)
            with f.loop(begin, end, lanes) as loop:
                write(LLVMBuilder(f, lanes), loop.index, None)
            begin = end
        with f.when(f.compare("slt", begin, channels)):
            write(LLVMBuilder(f, self.lanes), begin, f.first_lanes(f.sub(channels, begin), self.lanes))

    def _write_pack(self) -> None:
        """packed[tap y][tap x][channel]: the weights of the taps in the order that they are used."""
        with self.module.function("conv.depthwise_pack", ABI) as f:
            size = self._sizes(f, None)
            w, packed = f.parameter("%ptrs", 0, "ptr"), f.parameter("%ptrs", 1, "ptr")
            packed = f.gep(packed, size["packed_at"], self.item)
            with f.loop(*f.share(size["taps_y"], "%part", "%parts")) as y, f.loop(0, size["taps_x"]) as x:
                tap = f.add(f.mul(y.index, size["w_tap_y"]), f.mul(x.index, size["w_tap_x"]))
                source = f.gep(w, f.add(size["w_first"], tap), self.source_item)
                number = f.add(f.mul(y.index, size["taps_x"]), x.index)
                target = f.gep(packed, f.mul(number, size["channels"]), self.item)
                self._copy_wide(f, source, target, size["channels"])

    def _write_correlate(self) -> None:
        """Operands: source, packed weights, target, scratch. One vector of channels of one pixel at a time."""
        with self.module.function("conv.depthwise_correlate", ABI) as f:
            size = self._sizes(f, None)
            x, packed, y, scratch = (f.parameter("%ptrs", position, "ptr") for position in range(4))
            scratch = f.gep(scratch, f.mul("%part", size["scratch_words"]), "i64")
            packed = f.gep(packed, size["packed_at"], self.item)
            bands = f.ceildiv(size["grid_y"], size["band_rows"])
            with f.loop(*f.share(f.mul(size["images"], bands), "%part", "%parts")) as unit:
                image, first = f.div(unit.index, bands), f.mul(f.rem(unit.index, bands), size["band_rows"])
                rows = f.minimum(size["band_rows"], f.sub(size["grid_y"], first))
                source = self._band(f, size, x, scratch, image, first, rows)
                with f.loop(0, rows) as r, f.loop(0, size["grid_x"]) as v:
                    pixel = f.add(size["target_first"], f.mul(f.add(first, r.index), size["target_row"]))
                    pixel = f.add(
                        f.add(pixel, f.mul(image, size["target_image"])), f.mul(v.index, size["target_pixel"])
                    )
                    at = f.mul(f.mul(r.index, size["stride_y"]), size["row_items"])
                    at = f.add(at, f.mul(f.mul(v.index, size["stride_x"]), size["channels"]))
                    here = f.gep(source, at, self.item)
                    target = f.gep(y, f.mul(pixel, size["channels"]), self.out_item)

                    def write(
                        b: LLVMBuilder, c: Index, mask: str | None, here: str = here, target: str = target
                    ) -> None:
                        total = self._tap_sum(b, size, f.gep(here, c, self.item), f.gep(packed, c, self.item), mask)
                        b.store(b.cast(b.wrap(total, self.sum_type), self.out), target, c, mask)

                    self._channel_vectors(f, size["channels"], write)
                    self._call_late_epilogue(f, size, pixel, 1, 0, size["channels"])

    def _tap_sum(self, b: LLVMBuilder, size: dict[str, Index], x: str, w: str, mask: str | None) -> str:
        """The sum over taps of one vector of channels."""
        f = b.f
        kind = b.kind(self.sum_type)
        zero = b.const(0.0, self.sum_type).ref
        with f.loop(0, size["taps_y"], 1, [(kind, zero)]) as y:
            with f.loop(0, size["taps_x"], 1, [(kind, y.values[0])]) as t:
                at = f.mul(f.mul(y.index, size["step_y"]), size["row_items"])
                at = f.add(at, f.mul(f.mul(t.index, size["step_x"]), size["channels"]))
                number = f.mul(f.add(f.mul(y.index, size["taps_x"]), t.index), size["channels"])
                left = f.load(self.item, f.gep(x, at, self.item), b.lanes, mask)
                right = f.load(self.item, f.gep(w, number, self.item), b.lanes, mask)
                t.next = [f.fma(self.item, b.lanes, left, right, t.values[0])]
            y.next = t.results
        return y.results[0]

    def _write_weights(self) -> None:
        """Operands: x, dy, dw, scratch. Threads share the taps; each walks over all bands."""
        with self.module.function("conv.depthwise_weights", ABI) as f:
            size = self._sizes(f, None)
            x, dy, dw, scratch = (f.parameter("%ptrs", position, "ptr") for position in range(4))
            scratch = f.gep(scratch, f.mul("%part", size["scratch_words"]), "i64")
            bands = f.ceildiv(size["grid_y"], size["band_rows"])
            begin, end = f.share(f.mul(size["taps_y"], size["taps_x"]), "%part", "%parts")
            items = f.mul(f.sub(end, begin), size["channels"])
            first_item = f.gep(dw, f.mul(begin, size["channels"]), self.out_item)
            nbytes = f.mul(items, self.out.size)
            f.intrinsic(
                "llvm.memset.p0.i64", "void", ("ptr", first_item), ("i8", "0"), ("i64", str(nbytes)), ("i1", "false")
            )  # fmt: skip
            with f.loop(0, f.mul(size["images"], bands)) as unit, f.when(f.compare("slt", begin, end)):
                image, first = f.div(unit.index, bands), f.mul(f.rem(unit.index, bands), size["band_rows"])
                rows = f.minimum(size["band_rows"], f.sub(size["grid_y"], first))
                source = self._band(f, size, x, scratch, image, first, rows)
                pixel = f.add(f.mul(image, size["target_image"]), f.mul(first, size["target_row"]))
                gradient = f.gep(dy, f.mul(pixel, size["channels"]), self.source_item)
                with f.loop(begin, end) as tap:
                    y, t = f.div(tap.index, size["taps_x"]), f.rem(tap.index, size["taps_x"])
                    at = f.mul(f.mul(y, size["step_y"]), size["row_items"])
                    at = f.add(at, f.mul(f.mul(t, size["step_x"]), size["channels"]))
                    here = f.gep(source, at, self.item)
                    target = f.gep(dw, f.mul(tap.index, size["channels"]), self.out_item)

                    def write(
                        b: LLVMBuilder, c: Index, mask: str | None, here: str = here, target: str = target
                    ) -> None:
                        total = self._pixel_sum(b, size, f.gep(here, c, self.item), gradient, c, rows, mask)
                        before = b.cast(b.load(self.out, target, c, mask), self.sum_type)
                        b.store(b.cast(before + b.wrap(total, self.sum_type), self.out), target, c, mask)

                    self._channel_vectors(f, size["channels"], write)

    def _pixel_sum(
        self, b: LLVMBuilder, size: dict[str, Index], x: str, dy: str, c: Index, rows: Index, mask: str | None
    ) -> str:
        """The sum over a band's pixels of x times dy, for one vector of channels."""
        f = b.f
        kind = b.kind(self.sum_type)
        with f.loop(0, rows, 1, [(kind, b.const(0.0, self.sum_type).ref)]) as r:
            with f.loop(0, size["grid_x"], 1, [(kind, r.values[0])]) as v:
                at = f.mul(f.mul(r.index, size["stride_y"]), size["row_items"])
                at = f.add(at, f.mul(f.mul(v.index, size["stride_x"]), size["channels"]))
                pixel = f.mul(f.add(f.mul(r.index, size["grid_x"]), v.index), size["channels"])
                left = f.load(self.item, f.gep(x, at, self.item), b.lanes, mask)
                right = self.load_wide(b, dy, f.add(pixel, c), mask)
                v.next = [f.fma(self.item, b.lanes, left, right, v.values[0])]
            r.next = v.results
        return r.results[0]
