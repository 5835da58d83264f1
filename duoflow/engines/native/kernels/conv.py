"""2-D convolutions, NHWC by HWIO: forward, input gradient and weight gradient, with strides, dilation, padding and
groups.

A `Conv` describes one convolution. Its `Work` is a list of `Step`s, kernel calls to be made in order with a barrier
between them where `step.after_barrier` says so; operands are named by role:

    conv = Conv(images=8, height=56, width=56, channels=64, filters=64, kernel=(3, 3), padding=((1, 1), (1, 1)))
    work = conv.forward()                         or input_gradient(), weight_gradient()
    for step in work.steps:
        if step.after_barrier: program.barrier()
        program.call(step.address, [operand_of[role] for role in step.roles], step.consts, parallel=step.parallel)

Roles. "x" the input (or its gradient), "w" the weights [kh, kw, channels / groups, filters] (or their gradient), "y"
the output (or its gradient), all contiguous; "packed" and "scratch" are working memory of `work.packed_bytes` and
`work.scratch_bytes(threads)` bytes, not shared with anything that may run at the same time. Weights that do not
change may be packed once: the packing steps are those whose name is "pack". A 1-D convolution is one of height 1; a 1
x 1 kernel without strides or padding is better made a `Gemm`.

Epilogues. `forward(epilogue=address)` hands each finished block of y to a function as the matrix product does (see
`gemm`; rows are pixels of y counted over all images, columns are filters). The epilogue's operands follow at position
4; its consts are appended to the step's.

How. A band of input rows is copied into a buffer with its padding (and widened, for 16-bit types); if there is no
padding the input itself will do. In a band, the inputs of adjacent output pixels are rows of a matrix that overlap:
pixel v begins stride * channels after pixel v - 1, and for one row of the kernel its kw * channels inputs are
contiguous. So the register tile of the matrix product runs over them without any im2col. The input gradient is the
same kernel on the output's gradient, once per phase of the strides, with weights packed transposed and reversed; no
zeros are multiplied for strides. The weight gradient is A^T B on the same bands. Depthwise kernels go along the
channels instead; where it takes fewer instructions, 3 x 3 kernels go the way of `winograd`. Results do not depend on
the number of threads.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field, replace
from typing import Any

from duoflow.core import dtypes
from duoflow.core.dtypes import DType

from ..ir import Module
from ..jit import Library, compile_by_name, kept
from ..target import host
from ..threads import thread_count
from .correlate import CONSTS, CorrelationWriter
from .depthwise import DepthwiseWriter
from .tiles import accumulator, panel_width, tiles_of
from .winograd import Winograd, WinogradWriter, direct_cost

__all__ = ["Conv", "Step", "Work"]

Pair = tuple[int, int]

#: A band of input rows should stay in the second-level cache beside a panel of weights.
_BAND_BYTES = 128 << 10
_SHARING_FLOPS = 400_000
#: Gradients of weights are summed up in so many parts, where these take no more bytes.
_SUMS, _SUMS_BYTES = 8, 512 << 10


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
    #: Whether it takes no more work in more parts.
    divisible: bool = True


@dataclass(frozen=True)
class Work:
    """Kernel calls in order, and the working memory that they need."""

    steps: list[Step]
    packed_bytes: int
    #: Words of 8 bytes for each thread.
    scratch_words: int

    def scratch_bytes(self, threads: int) -> int:
        """Bytes of "scratch" for calls shared by up to `threads` threads."""
        return 8 * threads * self.scratch_words


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
    #: How many threads there are to share the work.
    threads: int = field(default_factory=thread_count)

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
    def _item(self) -> int:
        return accumulator(self.dtype).size

    def forward(self, epilogue: int = 0) -> Work:
        """y from x and w."""
        return self._correlation([_forward_phase(self)], ("x", "y"), epilogue)

    def input_gradient(self) -> Work:
        """The gradient of x (written to "x") from that of y ("y") and w."""
        return self._correlation(_input_gradient_phases(self), ("y", "x"), spread=self._winograd("spread"))

    def weight_gradient(self) -> Work:
        """The gradient of w (written to "w") from x and the gradient of y ("y"); float32 for 16-bit types."""
        phase = _forward_phase(self)
        found = self._cheapest(phase, [self._winograd("weights", phase)])
        if found is not None:
            names = ("winograd_weights", ("x", "y", "packed", "scratch")), ("winograd_unpack", ("packed", "w"))
            return self._winograd_work(found, names)
        name = "depthwise_weights" if self.is_depthwise else "weights"
        panel = 0 if self.is_depthwise else panel_width(host(), self.dtype)
        phase = replace(phase, over_pixels=True)
        phase = replace(phase, extra_items=phase.band_rows * phase.grid[1] * panel)
        rows = phase.group_channels * (phase.taps[1] // max(phase.segments, 1))
        tiles = self._tiles(rows, self.group_filters, accumulator(self.dtype))
        phase = replace(phase, sums=self._sum_count(phase))
        consts = phase.values(0, tiles)
        if phase.sums == 1:
            return Work([self._step(name, ("x", "y", "w", "scratch"), consts)], 0, phase.scratch_words)
        steps = [
            replace(self._step(name, ("x", "y", "packed", "scratch"), consts), divisible=True),
            self._step("total", ("packed", "w"), consts, after_barrier=True),
        ]
        return Work(steps, phase.sums * self._weight_items * self._item, phase.scratch_words)

    @property
    def _weight_items(self) -> int:
        return self.kernel[0] * self.kernel[1] * self.group_channels * self.filters

    def _sum_count(self, phase: _Phase) -> int:
        """In how many parts to sum up the weights' gradient: threads share its few tiles badly."""
        few = _SUMS * self._weight_items * self._item <= _SUMS_BYTES
        return max(1, min(_SUMS, phase.images * -(-phase.grid[0] // phase.band_rows))) if few else 1

    def _correlation(
        self, phases: list[_Phase], ends: tuple[str, str], epilogue: int = 0, spread: Winograd | None = None
    ) -> Work:
        """Pack the weights of all phases, then run them; or the same by minimal filtering, perhaps by spreading."""
        roles = (ends[0], "packed", ends[1], "scratch")
        found = self._cheapest(phases[0], [self._winograd("correlate", phases[0]), spread]) if phases else None
        if found is not None:
            names = ("winograd_pack", ("w", "packed")), (f"winograd_{found.mode}", roles)
            return self._winograd_work(found, names, epilogue)
        packs: list[Step] = []
        runs: list[Step] = []
        at = 0
        prefix = "depthwise_" if self.is_depthwise else ""
        scratch_words = max((phase.scratch_words for phase in phases), default=0)
        for phase in phases:
            tiles = self._tiles(phase.grid[1], phase.group_filters, self.dtype)
            consts = phase.values(at, tiles, epilogue, scratch_words)
            packs.append(self._step(prefix + "pack", ("w", "packed"), consts))
            runs.append(self._step(prefix + "correlate", roles, consts, after_barrier=not runs))
            at += phase.packed_items
        return Work(packs + runs, at * self._item + 64, scratch_words)

    def _winograd(self, mode: str, phase: _Phase | None = None) -> Winograd | None:
        """Minimal filtering for a walk, or for the adjoint of the forward one, where it is possible."""
        if self.kernel != (3, 3) or self.strides != (1, 1) or self.dilations != (1, 1) or self.groups > 1:
            return None
        walk = phase or _forward_phase(self)
        channels, filters, weights = walk.channels, walk.filters, walk.weights[:5]
        if mode == "spread":
            channels, filters, weights = filters, channels, (*weights[:3], weights[4], weights[3])
        found = Winograd(
            mode, walk.images, walk.source, walk.grid, walk.origin, channels, filters, weights, self.dtype,
            self.threads,
        )  # fmt: skip
        return found if found.is_possible else None

    def _cheapest(self, phase: _Phase, candidates: list[Winograd | None]) -> Winograd | None:
        """The one that takes fewest instructions, None if that is the direct sum."""
        pixels = phase.images * phase.grid[0] * phase.grid[1]
        least, found = direct_cost(pixels, phase.channels, phase.filters, self.dtype), None
        for candidate in candidates:
            if candidate is not None and candidate.cost < least:
                least, found = candidate.cost, candidate
        return found

    def _winograd_work(
        self, winograd: Winograd, names: tuple[tuple[str, tuple[str, ...]], ...], epilogue: int = 0
    ) -> Work:
        consts = winograd.values(epilogue)
        steps = [self._step(name, roles, consts, after_barrier=i > 0) for i, (name, roles) in enumerate(names)]
        return Work(steps, winograd.packed_items * self._item, winograd.scratch_words)

    def _step(self, name: str, roles: tuple[str, ...], consts: list[int], after_barrier: bool = False) -> Step:
        return Step(
            name.rpartition("_")[2] if name.endswith("pack") else name, _kernel(name, self.dtype), roles, consts,
            self.worth_sharing, after_barrier, not name.endswith("weights"),
        )  # fmt: skip

    def _tiles(self, rows: int, cols: int, out: DType) -> int:
        """The address of the tiles for a result of this many rows and columns, if there are any."""
        return 0 if self.is_depthwise else tiles_of(self.dtype, out).prepare((rows, cols))


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
    threads: int
    #: Whether the sums run over pixels rather than taps.
    over_pixels: bool = False
    #: Items of scratch besides the band.
    extra_items: int = 0
    #: In how many parts sums over pixels are made.
    sums: int = 1

    @property
    def _extent(self) -> Pair:
        """Source pixels that a row or column of the grid spans."""
        spans = zip(self.grid, self.strides, self.taps, self.steps)
        rows, columns = ((grid - 1) * stride + (max(taps, 1) - 1) * step + 1 for grid, stride, taps, step in spans)
        return rows, columns

    @property
    def needs_band(self) -> bool:
        if self.depthwise and not self.over_pixels:  # leaves out the taps beside the source
            return self.dtype.size < 4
        ends = [origin + extent for origin, extent in zip(self.origin, self._extent)]
        inside = min(self.origin) >= 0 and ends[0] <= self.source[0] and ends[1] <= self.source[1]
        return self.dtype.size < 4 or not inside

    @property
    def row_items(self) -> int:
        """Items from row to row of the band (or of the source, where that serves as the band)."""
        return (self._extent[1] if self.needs_band else self.source[1]) * self.channels

    @property
    def band_rows(self) -> int:
        """Rows of the grid that share a band: what fits the cache, and evenly for threads if bands are not summed."""
        rows = _BAND_BYTES // max(1, self._extent[1] * self.channels * 4 * self.strides[0])
        fewest = -(-16 // max(1, self.grid[1]))
        rows = max(1, min(self.grid[0], max(rows, fewest)))
        if self.over_pixels or self.images % self.threads == 0:
            return rows
        bands = -(-self.grid[0] // rows)
        return max(1, -(-self.grid[0] // (bands + -bands % self.threads)))

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

    @property
    def segments(self) -> int:
        """In how many pieces the inputs of one row of the kernel lie."""
        return 1 if self.steps[1] == 1 and self.groups == 1 else self.taps[1]

    def values(self, packed_at: int, tiles: int, epilogue: int = 0, scratch_words: int | None = None) -> list[int]:
        """What the kernels read, in the order of `CONSTS`."""
        depth = self.group_channels * (self.taps[1] // max(self.segments, 1))
        numbers = [
            self.images, *self.source, self.channels, self.group_channels, self.filters, self.group_filters,
            self.groups, *self.grid, *self.origin, *self.strides, *self.taps, *self.steps, *self.target,
            *self.weights, self.segments, depth, int(self.needs_band), self.row_items, self.band_rows,
            self.band_items, scratch_words or self.scratch_words, packed_at, epilogue, tiles, self.sums,
        ]  # fmt: skip
        assert len(numbers) == len(CONSTS)
        return numbers


def _forward_phase(conv: Conv) -> _Phase:
    out = conv.out_height, conv.out_width
    tap_items = conv.group_channels * conv.filters
    return _Phase(
        conv.images, (conv.height, conv.width), conv.channels, conv.group_channels, conv.filters, conv.group_filters,
        conv.groups, out, (-conv.padding[0][0], -conv.padding[1][0]), conv.strides, conv.kernel, conv.dilations,
        (out[0] * out[1], 0, out[1], 1),
        (0, conv.kernel[1] * tap_items, tap_items, conv.filters, 1, conv.group_filters), conv.dtype, conv.is_depthwise,
        conv.threads,
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
            conv.dtype, conv.is_depthwise, conv.threads,
        )
        for y in rows for x in columns
    ]  # fmt: skip


_WRITERS: dict[str, type[Any]] = {"depthwise": DepthwiseWriter, "winograd": WinogradWriter, "": CorrelationWriter}


def write_kernel(module: Module, name: str, dtype: DType) -> None:
    """Write one of the kernels into a module."""
    family, _, what = name.rpartition("_")
    out = accumulator(dtype) if what in ("weights", "unpack", "total") else dtype
    getattr(_WRITERS[family](module, name, dtype, out), f"write_{what}")()


@kept
def _library(name: str, dtype: DType) -> Library:
    return compile_by_name(f"conv.{name}.{dtype.name}", lambda module: write_kernel(module, name, dtype))


def _kernel(name: str, dtype: DType) -> int:
    """The address of a kernel."""
    return _library(name, dtype).address(name)
