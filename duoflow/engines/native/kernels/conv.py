"""2-D convolutions, NHWC by HWIO: forward, input gradient and weight gradient, with strides, dilation, padding and
groups.

A `Conv` describes one convolution. Its work is a list of `Step`s, kernel calls to be made in order with a barrier
between them where `step.after_barrier` says so; operands are named by role:

    conv = Conv(images=8, height=56, width=56, channels=64, filters=64, kernel=(3, 3), padding=((1, 1), (1, 1)))
    for step in conv.forward():                   or input_gradient(), weight_gradient()
        if step.after_barrier: program.barrier()
        program.call(step.address, [operand_of[role] for role in step.roles], step.consts, parallel=step.parallel)

Roles. "x" the input (or its gradient), "w" the weights [kh, kw, channels / groups, filters] (or their gradient), "y"
the output (or its gradient), all contiguous; "packed" and "scratch" are working memory of `conv.packed_bytes` and
`conv.scratch_bytes(threads)` bytes. Weights that do not change may be packed once: the packing steps are those whose
name is "pack". A 1-D convolution is one of height 1; a 1 x 1 kernel without strides or padding is better made a
`Gemm`.

Epilogues. The generic kernels are precompiled for every shape. `forward(epilogue=address)` hands each finished block
of y to a function as the matrix product does (see `gemm`; rows are pixels of y counted over all images, columns are
filters). `write_forward(module, name, conv, epilogue)` writes a kernel for one shape whose epilogue works on
registers; `forward(kernel=address)` puts it in the place of the generic one; the epilogue's operands follow at
position 4.

How. A band of input rows is copied into a buffer with its padding (and widened, for 16-bit types); if there is no
padding the input itself will do. In a band, the inputs of adjacent output pixels are rows of a matrix that overlap:
pixel v begins stride * channels after pixel v - 1, and for one row of the kernel its kw * channels inputs are
contiguous. So the register tile of the matrix product runs over them without any im2col. The input gradient is the
same kernel on the output's gradient, once per phase of the strides, with weights packed transposed and reversed; no
zeros are multiplied for strides. The weight gradient is A^T B on the same bands. Depthwise kernels go along the
channels instead. Results do not depend on the number of threads.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from duoflow.core import dtypes
from duoflow.core.dtypes import DType

from ..ir import Function, Index, Module
from ..jit import Library, compile_module
from ..scalar import LLVMBuilder
from ..target import host
from .tiles import Cell, Epilogue, RowTiles, Sums, TileWriter, accumulator, panel_width, row_tiles_of

__all__ = ["Cell", "Conv", "Epilogue", "Step", "write_forward"]

Pair = tuple[int, int]

_ABI = [("ptr", "ptrs"), ("ptr", "consts"), ("i64", "part"), ("i64", "parts")]
#: A band of input rows should stay in the second-level cache beside a panel of weights.
_BAND_BYTES = 128 << 10
_SHARING_FLOPS = 400_000


@dataclass(frozen=True)
class Step:
    """One kernel call."""

    name: str
    address: int
    roles: tuple[str, ...]
    consts: list[int]
    parallel: bool
    #: Whether what earlier steps wrote must be visible.
    after_barrier: bool = False


@dataclass(frozen=True)
class Conv:
    """One convolution: sizes, and the way it walks over them."""

    images: int
    height: int
    width: int
    channels: int
    filters: int
    kernel: Pair
    strides: Pair = (1, 1)
    dilations: Pair = (1, 1)
    #: Zeros before and after, for rows and for columns.
    padding: tuple[Pair, Pair] = ((0, 0), (0, 0))
    groups: int = 1
    dtype: DType = dtypes.float32

    def __post_init__(self) -> None:
        if self.channels % self.groups or self.filters % self.groups:
            raise ValueError(
                f"{self.channels} channels and {self.filters} filters do not divide into {self.groups} groups."
            )

    def _out(self, axis: int) -> int:
        size = (self.height, self.width)[axis] + sum(self.padding[axis])
        return max(0, (size - self.dilations[axis] * (self.kernel[axis] - 1) - 1) // self.strides[axis] + 1)

    @property
    def out_height(self) -> int:
        return self._out(0)

    @property
    def out_width(self) -> int:
        return self._out(1)

    @property
    def group_channels(self) -> int:
        return self.channels // self.groups

    @property
    def group_filters(self) -> int:
        return self.filters // self.groups

    @property
    def is_depthwise(self) -> bool:
        return self.groups == self.channels == self.filters and self.groups > 1

    @property
    def flops(self) -> int:
        taps = self.kernel[0] * self.kernel[1]
        return 2 * self.images * self.out_height * self.out_width * taps * self.group_channels * self.filters

    @property
    def worth_sharing(self) -> bool:
        """Whether several threads are likely to finish this sooner than one."""
        return self.flops >= _SHARING_FLOPS

    @property
    def packed_bytes(self) -> int:
        """Bytes of "packed"."""
        return max(sum(phase.packed_items for phase in phases) for phases in self._all_phases()) * self._item + 64

    def scratch_bytes(self, threads: int) -> int:
        """Bytes of "scratch" for calls shared by up to `threads` threads."""
        words = max(phase.scratch_words for phases in self._all_phases() for phase in phases)
        return 8 * threads * max(words, self._gradient().scratch_words)

    @property
    def _item(self) -> int:
        return accumulator(self.dtype).size

    def _all_phases(self) -> list[list[_Phase]]:
        return [[_forward_phase(self)], _input_gradient_phases(self) or [_forward_phase(self)]]

    def forward(self, epilogue: int = 0, kernel: int | None = None) -> list[Step]:
        """y from x and w."""
        phase = _forward_phase(self)
        return _phase_steps(self, [phase], ("x", "y"), epilogue, kernel)

    def input_gradient(self) -> list[Step]:
        """The gradient of x (written to "x") from that of y ("y") and w."""
        return _phase_steps(self, _input_gradient_phases(self), ("y", "x"), 0, None)

    def weight_gradient(self) -> list[Step]:
        """The gradient of w (written to "w") from x and the gradient of y ("y"); float32 for 16-bit types."""
        name = "depthwise_weights" if self.is_depthwise else "weights"
        library = _library(self.dtype.name)
        consts = list(self._gradient().values(0, 0).values())
        return [Step(name, library.address(f"conv.{name}"), ("x", "y", "w", "scratch"), consts, self.worth_sharing)]

    def _gradient(self) -> _Phase:
        """The forward walk, with the band and the packed gradient that the weight gradient needs."""
        phase = _forward_phase(self)
        panel = 0 if self.is_depthwise else panel_width(host(), self.dtype)
        return phase.with_scratch(phase.band_rows * phase.grid[1] * panel)


@dataclass(frozen=True)
class _Phase:
    """One correlation: for each position (u, v) of a grid, sums over taps (j, i) and channels c of
    source[origin + stride * (u, v) + step * (j, i), c] times weights."""

    images: int
    source: Pair
    channels: int
    group_channels: int
    filters: int
    group_filters: int
    groups: int
    grid: Pair
    origin: Pair
    strides: Pair
    taps: Pair
    steps: Pair
    #: Where (u, v) is in the target: pixels per image, first pixel, pixels from row to row and from column to column.
    target: tuple[int, int, int, int]
    #: Items between weights: first tap, from tap to tap (rows, columns), along channels, filters and groups.
    weights: tuple[int, int, int, int, int, int]
    dtype: DType
    depthwise: bool
    #: Items of scratch besides the band.
    extra_items: int = 0

    def with_scratch(self, items: int) -> _Phase:
        return _Phase(**{**self.__dict__, "extra_items": items})

    @property
    def _extent(self) -> Pair:
        """Source pixels that a row or column of the grid spans."""
        spans = zip(self.grid, self.strides, self.taps, self.steps)
        rows, columns = ((grid - 1) * stride + (max(taps, 1) - 1) * step + 1 for grid, stride, taps, step in spans)
        return rows, columns

    @property
    def needs_band(self) -> bool:
        ends = [origin + extent for origin, extent in zip(self.origin, self._extent)]
        inside = min(self.origin) >= 0 and ends[0] <= self.source[0] and ends[1] <= self.source[1]
        return self.dtype.size < 4 or not inside

    @property
    def row_items(self) -> int:
        """Items from row to row of the band (or of the source, where that serves as the band)."""
        return (self._extent[1] if self.needs_band else self.source[1]) * self.channels

    @property
    def band_rows(self) -> int:
        """Rows of the grid that share a band."""
        rows = _BAND_BYTES // max(1, self._extent[1] * self.channels * 4 * self.strides[0])
        fewest = -(-16 // max(1, self.grid[1]))
        return max(1, min(self.grid[0], max(rows, fewest)))

    @property
    def band_items(self) -> int:
        reach = (self.band_rows - 1) * self.strides[0] + (max(self.taps[0], 1) - 1) * self.steps[0] + 1
        return reach * self.row_items if self.needs_band else 0

    @property
    def scratch_words(self) -> int:
        items = self.band_items + self.extra_items + 32
        return -(-items * accumulator(self.dtype).size // 64) * 8

    @property
    def panels(self) -> int:
        return -(-self.group_filters // panel_width(host(), self.dtype))

    @property
    def packed_items(self) -> int:
        if self.depthwise:
            return -(-self.taps[0] * self.taps[1] * self.channels // 16) * 16
        depth = self.taps[0] * self.taps[1] * self.group_channels
        return self.groups * self.panels * depth * panel_width(host(), self.dtype)

    def values(self, packed_at: int, epilogue: int) -> dict[str, int]:
        """What the kernels read, by name, in the order of `_CONSTS`."""
        contiguous = self.steps[1] == 1 and self.groups == 1
        segments = 1 if contiguous else self.taps[1]
        depth = self.group_channels * (self.taps[1] if contiguous else 1)
        numbers = (
            self.images, *self.source, self.channels, self.group_channels, self.filters, self.group_filters,
            self.groups,
            *self.grid, *self.origin, *self.strides, *self.taps, *self.steps, *self.target, *self.weights,
            segments, depth, int(self.needs_band), self.row_items, self.band_rows, self.band_items, self.scratch_words,
            packed_at, epilogue,
        )  # fmt: skip
        return dict(zip(_CONSTS, numbers, strict=True))


_CONSTS = (
    "images", "height", "width", "channels", "group_channels", "filters", "group_filters", "groups",
    "grid_y", "grid_x", "origin_y", "origin_x", "stride_y", "stride_x", "taps_y", "taps_x", "step_y", "step_x",
    "target_image", "target_first", "target_row", "target_pixel",
    "w_first", "w_tap_y", "w_tap_x", "w_channel", "w_filter", "w_group", "segments", "depth",
    "needs_band", "row_items", "band_rows", "band_items", "scratch_words", "packed_at", "epilogue",
)  # fmt: skip


def _forward_phase(conv: Conv) -> _Phase:
    out = conv.out_height, conv.out_width
    tap_items = conv.group_channels * conv.filters
    return _Phase(
        conv.images, (conv.height, conv.width), conv.channels, conv.group_channels, conv.filters, conv.group_filters,
        conv.groups, out, (-conv.padding[0][0], -conv.padding[1][0]), conv.strides, conv.kernel, conv.dilations,
        (out[0] * out[1], 0, out[1], 1),
        (0, conv.kernel[1] * tap_items, tap_items, conv.filters, 1, conv.group_filters), conv.dtype, conv.is_depthwise,
    )  # fmt: skip


@dataclass(frozen=True)
class _AxisPhase:
    """Along one axis of x: the positions p, p + stride... and the taps that reach them, in ascending order of y."""

    first: int
    count: int
    origin: int
    taps: int
    step: int
    first_tap: int
    tap_step: int


def _axis_phases(size: int, kernel: int, stride: int, dilation: int, pad: int) -> list[_AxisPhase]:
    """x[p] takes from y[(p + pad - k * dilation) / stride] for those k where that is whole."""
    common = math.gcd(stride, dilation)
    every = stride // common
    phases = []
    for first in range(min(stride, size)):
        count = -(-(size - first) // stride)
        taps = [k for k in range(kernel) if (first + pad - k * dilation) % stride == 0]
        last = taps[-1] if taps else 0
        origin = (first + pad - last * dilation) // stride
        phases.append(_AxisPhase(first, count, origin, len(taps), dilation // common, last, -every))
    return phases


def _input_gradient_phases(conv: Conv) -> list[_Phase]:
    rows, columns = (
        _axis_phases(size, conv.kernel[axis], conv.strides[axis], conv.dilations[axis], conv.padding[axis][0])
        for axis, size in enumerate((conv.height, conv.width))
    )
    tap = conv.group_channels * conv.filters
    row_tap = conv.kernel[1] * tap
    return [
        _Phase(
            conv.images, (conv.out_height, conv.out_width), conv.filters, conv.group_filters, conv.channels,
            conv.group_channels, conv.groups, (y.count, x.count), (y.origin, x.origin), (1, 1), (y.taps, x.taps),
            (y.step, x.step),
            (conv.height * conv.width, y.first * conv.width + x.first, conv.strides[0] * conv.width, conv.strides[1]),
            (
                y.first_tap * row_tap + x.first_tap * tap, y.tap_step * row_tap, x.tap_step * tap, 1, conv.filters,
                conv.group_filters,
            ),
            conv.dtype, conv.is_depthwise,
        )
        for y in rows for x in columns
    ]  # fmt: skip


def _phase_steps(
    conv: Conv, phases: list[_Phase], ends: tuple[str, str], epilogue: int, kernel: int | None
) -> list[Step]:
    """Pack the weights of all phases, then run them."""
    library = _library(conv.dtype.name)
    packs: list[Step] = []
    runs: list[Step] = []
    at = 0
    prefix = "depthwise_" if conv.is_depthwise else ""
    for phase in phases:
        consts = list(phase.values(at, epilogue).values())
        address = library.address(f"conv.{prefix}pack")
        packs.append(Step("pack", address, ("w", "packed"), consts, conv.worth_sharing))
        name = f"{prefix}correlate"
        address = library.address(f"conv.{name}") if kernel is None else kernel
        roles = (ends[0], "packed", ends[1], "scratch")
        runs.append(Step(name, address, roles, consts, conv.worth_sharing, after_barrier=not runs))
        at += phase.packed_items
    return packs + runs


@functools.cache
def _library(dtype: str) -> Library:
    module = Module(host())
    kind = dtypes.as_dtype(dtype)
    _Writer(module, "conv", kind, kind).write_generic()
    _Writer(module, "conv.gradient", kind, accumulator(kind)).write_gradients()
    return compile_module(module.text(), f"conv.{dtype}")


def write_forward(module: Module, name: str, conv: Conv, epilogue: Epilogue | None = None) -> None:
    """Write the forward kernel for exactly this convolution into a module; see `Conv.forward(kernel=...)`."""
    if conv.is_depthwise:
        raise ValueError("Depthwise convolutions have a generic kernel only.")
    _Writer(module, name, conv.dtype, conv.dtype, _forward_phase(conv).values(0, 0), epilogue).write_correlate(name)


# Native code ---------------------------------------------------------------------------------------------------------


class _Writer(TileWriter):
    """Writes the kernels. `known` holds the entries of `_CONSTS` if they are constants."""

    _TILE = (
        ("ptr", "a"), ("i64", "a_row"), ("i64", "a_k"), ("i64", "a_outer"), ("i64", "a_inner"), ("i64", "outer"),
        ("i64", "inner"), ("i64", "depth"), ("ptr", "b"), ("ptr", "c"), ("i64", "c_row"), ("i64", "cols"),
        ("i1", "add"), ("i64", "batch"), ("i64", "row"), ("i64", "row_step"), ("i64", "col"),
        ("ptr", "ptrs"), ("ptr", "consts"),
    )  # fmt: skip

    def __init__(
        self, module: Module, name: str, dtype: DType, out: DType, known: dict[str, int] | None = None,
        epilogue: Epilogue | None = None,
    ) -> None:  # fmt: skip
        super().__init__(module, name, dtype, out)
        self.known, self.epilogue = known, epilogue

    def write_generic(self) -> None:
        """Packing and correlation."""
        self.write_pack_rows()
        self.write_pack_transposed()
        self._write_pack()
        self.write_correlate("conv.correlate")
        self._write_depthwise_pack()
        self._write_depthwise_correlate()

    def write_gradients(self) -> None:
        """The weight gradient, which is summed in memory and so written in the accumulator's type."""
        self.write_pack_rows()
        self.write_all_tiles(self._write_tile)
        self._write_weights()
        self._write_depthwise_weights()

    def _sizes(self, f: Function, known: dict[str, int] | None) -> dict[str, Index]:
        if known is not None:
            return dict(known)
        return {name: f.parameter("%consts", position) for position, name in enumerate(_CONSTS)}

    # Packing weights ----------------------------------------------------------------------------------------------

    def _write_pack(self) -> None:
        """packed[group][panel][tap y][tap x][channel][panel's filters]; threads share groups and panels."""
        with self.module.function("conv.pack", _ABI) as f:
            size = self._sizes(f, None)
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

        if isinstance(size["needs_band"], int):
            return (copied() if size["needs_band"] else in_place())[0]
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
        whole = f.mul(f.div(items, self.lanes), self.lanes)

        def move(at: Index, mask: str | None) -> None:
            value = self.load_wide(b, source, at, mask)
            f.store(self.item, value, f.gep(target, at, self.item), self.lanes, mask)

        with f.loop(0, whole, self.lanes) as loop:
            move(loop.index, None)
        rest = f.sub(items, whole)
        if rest != 0:
            with f.when(f.compare("sgt", rest, 0)):
                move(whole, f.first_lanes(rest, self.lanes))

    # The tile -----------------------------------------------------------------------------------------------------

    def _write_tile(self, rows: int, vectors: int, last_cols: int | None = None) -> None:
        """sum over outer, inner and k of A[outer, inner, row, k] B[...], B packed in that order; then the epilogue.

        Specialised tiles are those of the forward kernel, where outer are the rows of the kernel and inner its columns.
        """
        known = self.known
        number = lambda name, value: f"%{name}" if known is None else value(known)
        with self.module.function(self.tile_name(rows, vectors, last_cols is not None), self._TILE, internal=True) as f:
            b = LLVMBuilder(f, self.lanes)
            cols: Index = "%cols" if known is None else last_cols or self.panel
            a_row = number("a_row", lambda s: s["stride_x"] * s["channels"])
            a_outer = number("a_outer", lambda s: s["step_y"] * s["row_items"])
            a_inner = number("a_inner", lambda s: s["step_x"] * s["channels"])
            strides: tuple[Index, Index] = (a_row, number("a_k", lambda _: 1))
            depth: Index = number("depth", lambda s: s["depth"])
            mask = f.first_lanes(f.sub(cols, (vectors - 1) * self.lanes), self.lanes)
            masks = [None] * (vectors - 1) + [mask]
            flat = self.carried(self.zero_sums(rows, vectors))
            with f.loop(0, number("outer", lambda s: s["taps_y"]), 1, [("ptr", "%b"), *flat]) as outer:
                carry = [(kind, value) for (kind, _), value in zip([("ptr", ""), *flat], outer.values)]
                with f.loop(0, number("inner", lambda s: s["segments"]), 1, carry) as inner:
                    at = f.add(f.mul(outer.index, a_outer), f.mul(inner.index, a_inner))
                    a = f.gep("%a", at, self.item)
                    sums = self.shaped(inner.values[1:], rows)
                    pointer, sums = self.k_loop(f, a, strides, inner.values[0], self.panel, depth, sums)
                    inner.next = [pointer, *(value for row in sums for value in row)]
                outer.next = inner.results
            sums = self.shaped(outer.results[1:], rows)
            c_row = number("c_row", lambda s: s["target_pixel"] * s["filters"])
            places = self.places(f, "%c", c_row, rows, vectors)
            if known is None:
                sums = self._add_if_told(b, sums, places, masks)
            self.finish(b, sums, places, masks, self.epilogue, number("row_step", lambda s: s["target_pixel"]))

    def _add_if_told(self, b: LLVMBuilder, sums: Sums, places: Sums, masks: Sequence[str | None]) -> Sums:
        flat = [value for row in sums for value in row]
        add = lambda: [value for row in self.add_stored(b, sums, places, masks) for value in row]
        merged = b.f.branch("%add", add, lambda: flat, [kind for kind, _ in self.carried(sums)])
        return self.shaped(merged, len(sums))

    def _call_tile(self, f: Function, rows: Index, cols: Index, **operands: Index) -> None:
        operands = {"cols": cols, "ptrs": "%ptrs", "consts": "%consts", **operands}
        arguments = [f"{kind} {operands[name]}" for kind, name in self._TILE]
        f.call("void", self.tile_pointer(f, rows, cols), *arguments)

    # Correlation --------------------------------------------------------------------------------------------------

    def write_correlate(self, name: str) -> None:
        """Operands: source, packed weights, target, scratch. Threads share bands, or panels if those are too few."""
        known = self.known
        if known is None:
            self.write_all_tiles(self._write_tile)
        else:
            last = known["group_filters"] % self.panel
            for rows, _, _ in row_tiles_of(known["grid_x"]):
                if known["group_filters"] >= self.panel:
                    self._write_tile(rows, self.vectors)
                if last:
                    self._write_tile(rows, -(-last // self.lanes), last)
        with self.module.function(name, _ABI) as f:
            size = self._sizes(f, known)
            x, packed, y, scratch = (f.parameter("%ptrs", position, "ptr") for position in range(4))
            scratch = f.gep(scratch, f.mul("%part", size["scratch_words"]), "i64")
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
        taps = f.mul(f.mul(size["taps_y"], size["taps_x"]), f.mul(size["group_channels"], self.panel))
        weights = f.gep(packed, f.mul(column, taps), self.item)
        start = f.mul(panel, self.panel)
        source = f.gep(source, f.mul(group, size["group_channels"]), self.item)
        col = f.add(f.mul(group, size["group_filters"]), start)

        def run(cols: Index) -> None:
            with f.loop(0, rows) as r:
                pixel = f.add(size["target_first"], f.mul(f.add(first, r.index), size["target_row"]))
                pixel = f.add(pixel, f.mul(image, size["target_image"]))
                row = f.gep(source, f.mul(f.mul(r.index, size["stride_y"]), size["row_items"]), self.item)
                for height, begin, end in tiles.between(f, 0, tiles.count):
                    with f.loop(begin, end) as tile:
                        v = tiles.first_row(f, tile.index)
                        at = f.add(pixel, f.mul(v, size["target_pixel"]))
                        self._write_tile_call(f, size, height, cols, row, v, weights, y, at, col)

        if isinstance(size["group_filters"], int):
            whole, last = divmod(size["group_filters"], self.panel)
            if whole:
                with f.when(f.compare("slt", panel, whole)):
                    run(self.panel)
            if last:
                with f.when(f.compare("eq", panel, whole)):
                    run(last)
        else:
            run(f.minimum(self.panel, f.sub(size["group_filters"], start)))

    def _write_tile_call(
        self, f: Function, size: dict[str, Index], height: Index, cols: Index, row: str, v: Index, weights: str, y: str,
        pixel: Index, col: Index,
    ) -> None:  # fmt: skip
        a_row = f.mul(size["stride_x"], size["channels"])
        target = f.gep(y, f.add(f.mul(pixel, size["filters"]), col), self.out_item)
        self._call_tile(
            f, height, cols, a=f.gep(row, f.mul(v, a_row), self.item), a_row=a_row, a_k=1,
            a_outer=f.mul(size["step_y"], size["row_items"]), a_inner=f.mul(size["step_x"], size["channels"]),
            outer=size["taps_y"], inner=size["segments"], depth=size["depth"], b=weights, c=target,
            c_row=f.mul(size["target_pixel"], size["filters"]), add="false", batch=0, row=pixel,
            row_step=size["target_pixel"], col=col,
        )  # fmt: skip
        if self.known is None:
            self._call_late_epilogue(f, size, pixel, height, col, cols)

    def _call_late_epilogue(
        self, f: Function, size: dict[str, Index], pixel: Index, height: Index, col: Index, cols: Index
    ) -> None:
        with f.when(f.compare("ne", size["epilogue"], 0)):
            function = f.emit(f"inttoptr i64 {size['epilogue']} to ptr")
            consts = f.gep("%consts", len(_CONSTS), "i64")
            place = (0, pixel, height, col, cols)
            f.call("void", function, "ptr %ptrs", f"ptr {consts}", *(f"i64 {x}" for x in place))

    # Weight gradient ----------------------------------------------------------------------------------------------

    def _write_weights(self) -> None:
        """Operands: x, dy, dw, scratch. Threads share groups, panels and kernel rows; each walks over all bands."""
        with self.module.function("conv.weights", _ABI) as f:
            size = self._sizes(f, None)
            x, dy, dw, scratch = (f.parameter("%ptrs", position, "ptr") for position in range(4))
            scratch = f.gep(scratch, f.mul("%part", size["scratch_words"]), "i64")
            packed = f.gep(scratch, size["band_items"], self.item)
            bands = f.ceildiv(size["grid_y"], size["band_rows"])
            panels = f.ceildiv(size["group_filters"], self.panel)
            block_rows = f.mul(f.div(size["taps_x"], f.maximum(size["segments"], 1)), size["group_channels"])
            tiles = RowTiles(f, block_rows)
            begin, end = f.share(f.mul(f.mul(size["groups"], panels), size["taps_y"]), "%part", "%parts")
            self._clear_weights(f, size, dw, begin, end, panels)
            with f.loop(0, f.mul(size["images"], bands)) as unit, f.when(f.compare("slt", begin, end)):
                image, first = f.div(unit.index, bands), f.mul(f.rem(unit.index, bands), size["band_rows"])
                rows = f.minimum(size["band_rows"], f.sub(size["grid_y"], first))
                source = self._band(f, size, x, scratch, image, first, rows)
                pixel = f.add(f.mul(image, size["target_image"]), f.mul(first, size["target_row"]))
                with f.loop(begin, end) as item:
                    place = self._weight_place(f, size, item.index, panels)
                    group, _, col, cols, tap = place
                    new = f.emit(f"or i1 {f.compare('eq', tap, 0)}, {f.compare('eq', item.index, begin)}")
                    with f.when(new):
                        gradient = f.gep(dy, f.add(f.mul(pixel, size["filters"]), col), self.source_item)
                        depth = f.mul(rows, size["grid_x"])
                        self.call_pack(f, gradient, (size["filters"], 1), packed, depth, cols)
                    at = f.mul(f.mul(tap, size["step_y"]), size["row_items"])
                    channels = f.mul(group, size["group_channels"])
                    a = f.gep(source, f.add(at, channels), self.item)
                    target = f.mul(f.mul(tap, size["taps_x"]), size["group_channels"])
                    self._write_weight_tiles(f, size, tiles, a, packed, dw, (target, block_rows, rows, col, cols))

    def _weight_place(
        self, f: Function, size: dict[str, Index], item: Index, panels: Index
    ) -> tuple[Index, Index, Index, Index, Index]:
        """Group, first filter in the group, first filter, filters and kernel row of a unit of work."""
        tap, column = f.rem(item, size["taps_y"]), f.div(item, size["taps_y"])
        group, start = f.div(column, panels), f.mul(f.rem(column, panels), self.panel)
        cols = f.minimum(self.panel, f.sub(size["group_filters"], start))
        return group, start, f.add(f.mul(group, size["group_filters"]), start), cols, tap

    def _clear_weights(
        self, f: Function, size: dict[str, Index], dw: str, begin: Index, end: Index, panels: Index
    ) -> None:
        with f.loop(begin, end) as item:
            _, _, col, cols, tap = self._weight_place(f, size, item.index, panels)
            rows = f.mul(size["taps_x"], size["group_channels"])
            with f.loop(0, rows) as row:
                at = f.add(f.mul(f.add(f.mul(tap, rows), row.index), size["filters"]), col)
                nbytes = f.mul(cols, self.out.size)
                f.intrinsic(
                    "llvm.memset.p0.i64", "void", ("ptr", f.gep(dw, at, self.out_item)), ("i8", "0"),
                    ("i64", str(nbytes)), ("i1", "false"),
                )  # fmt: skip

    def _write_weight_tiles(
        self, f: Function, size: dict[str, Index], tiles: RowTiles, a: str, packed: str, dw: str,
        place: tuple[Index, Index, Index, Index, Index],
    ) -> None:  # fmt: skip
        first_row, block_rows, rows, col, cols = place
        with f.loop(0, size["segments"]) as segment:
            block = f.gep(a, f.mul(f.mul(segment.index, size["step_x"]), size["channels"]), self.item)
            row_of_block = f.add(first_row, f.mul(segment.index, block_rows))
            for height, begin, end in tiles.between(f, 0, tiles.count):
                with f.loop(begin, end) as tile:
                    r = tiles.first_row(f, tile.index)
                    at = f.add(f.mul(f.add(row_of_block, r), size["filters"]), col)
                    self._call_tile(
                        f, height, cols, a=f.gep(block, r, self.item), a_row=1,
                        a_k=f.mul(size["stride_x"], size["channels"]),
                        a_outer=f.mul(size["stride_y"], size["row_items"]),
                        a_inner=0, outer=rows, inner=1, depth=size["grid_x"], b=packed,
                        c=f.gep(dw, at, self.out_item), c_row=size["filters"], add="true", batch=0, row=0,
                        row_step=1, col=col,
                    )  # fmt: skip

    # Depthwise ----------------------------------------------------------------------------------------------------

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

    def _write_depthwise_pack(self) -> None:
        """packed[tap y][tap x][channel]: the weights of the taps in the order that they are used."""
        with self.module.function("conv.depthwise_pack", _ABI) as f:
            size = self._sizes(f, None)
            w, packed = f.parameter("%ptrs", 0, "ptr"), f.parameter("%ptrs", 1, "ptr")
            packed = f.gep(packed, size["packed_at"], self.item)
            with f.loop(*f.share(size["taps_y"], "%part", "%parts")) as y, f.loop(0, size["taps_x"]) as x:
                tap = f.add(f.mul(y.index, size["w_tap_y"]), f.mul(x.index, size["w_tap_x"]))
                source = f.gep(w, f.add(size["w_first"], tap), self.source_item)
                number = f.add(f.mul(y.index, size["taps_x"]), x.index)
                target = f.gep(packed, f.mul(number, size["channels"]), self.item)
                self._copy_wide(f, source, target, size["channels"])

    def _write_depthwise_correlate(self) -> None:
        """Operands: source, packed weights, target, scratch. One vector of channels of one pixel at a time."""
        with self.module.function("conv.depthwise_correlate", _ABI) as f:
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
                        total = self._depthwise_sum(
                            b, size, f.gep(here, c, self.item), f.gep(packed, c, self.item), mask
                        )
                        b.store(b.cast(b.wrap(total, self.sum_type), self.out), target, c, mask)

                    self._channel_vectors(f, size["channels"], write)
                    self._call_late_epilogue(f, size, pixel, 1, 0, size["channels"])

    def _depthwise_sum(self, b: LLVMBuilder, size: dict[str, Index], x: str, w: str, mask: str | None) -> str:
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

    def _write_depthwise_weights(self) -> None:
        """Operands: x, dy, dw, scratch. Threads share the taps; each walks over all bands."""
        with self.module.function("conv.depthwise_weights", _ABI) as f:
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
                        total = self._depthwise_weight(b, size, f.gep(here, c, self.item), gradient, c, rows, mask)
                        before = b.cast(b.load(self.out, target, c, mask), self.sum_type)
                        b.store(b.cast(before + b.wrap(total, self.sum_type), self.out), target, c, mask)

                    self._channel_vectors(f, size["channels"], write)

    def _depthwise_weight(
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
