"""Convolutions and their gradients against a direct sum in float64, over kernels, strides, dilations, paddings and
groups."""

import itertools

import numpy as np
import pytest

from duoflow.core import dtypes
from duoflow.engines.native import target
from duoflow.engines.native.ir import Module
from duoflow.engines.native.jit import assembly, compile_module
from duoflow.engines.native.kernels.conv import Conv, write_kernel
from duoflow.engines.native.kernels.winograd import Winograd
from duoflow.engines.native.threads import Block
from tests.engines.native.test_gemm import call

THREADS = 3


def patches(conv, x):
    """x as [images, out y, out x, tap y, tap x, channels], zeros outside."""
    (top, bottom), (left, right) = conv.padding
    padded = np.pad(x.astype(np.float64), ((0, 0), (top, bottom), (left, right), (0, 0)))
    rows = np.arange(conv.out_height)[:, None] * conv.strides[0] + np.arange(conv.kernel[0]) * conv.dilations[0]
    cols = np.arange(conv.out_width)[:, None] * conv.strides[1] + np.arange(conv.kernel[1]) * conv.dilations[1]
    return padded[:, rows][:, :, :, cols].transpose(0, 1, 3, 2, 4, 5), (rows, cols)


def reference(conv, x, w, dy):
    """y, dx and dw by the definition."""
    (top, bottom), (left, right) = conv.padding
    taken, (rows, cols) = patches(conv, x)
    y = np.zeros(dy.shape)
    dw = np.zeros(w.shape)
    dx = np.zeros((x.shape[0], x.shape[1] + top + bottom, x.shape[2] + left + right, x.shape[3]))
    w, dy = w.astype(np.float64), dy.astype(np.float64)
    for group in range(conv.groups):
        c = slice(group * conv.group_channels, (group + 1) * conv.group_channels)
        o = slice(group * conv.group_filters, (group + 1) * conv.group_filters)
        y[..., o] = np.einsum("nyxabc,abco->nyxo", taken[..., c], w[..., o])
        dw[..., o] = np.einsum("nyxabc,nyxo->abco", taken[..., c], dy[..., o])
        spread = np.einsum("nyxo,abco->nyxabc", dy[..., o], w[..., o])
        for a, b in itertools.product(range(conv.kernel[0]), range(conv.kernel[1])):
            dx[:, rows[:, a][:, None], cols[:, b][None, :], c] += spread[:, :, :, a, b]
    return y, dx[:, top : top + x.shape[1], left : left + x.shape[2]], dw


def arrays(conv):
    rng = np.random.default_rng(0)
    make = lambda *shape: rng.standard_normal(shape).astype(conv.dtype.numpy)
    x = make(conv.images, conv.height, conv.width, conv.channels)
    w = make(*conv.kernel, conv.group_channels, conv.filters)
    return x, w, make(conv.images, conv.out_height, conv.out_width, conv.filters)


def run(work, parts=1, extra=(), **roles):
    packed, scratch = Block(work.packed_bytes), Block(work.scratch_bytes(THREADS))
    roles |= {"packed": packed.address, "scratch": scratch.address}
    for step in work.steps:
        operands = [roles[role] for role in step.roles]
        call(step.address, [*operands, *extra], step.consts, parts)


def close(got, want, dtype):
    unit = {"float16": 4e-3, "bfloat16": 3e-2, "float32": 3e-6, "float64": 1e-13}[dtype.name]
    scale = np.abs(want).max() if want.size else 1.0
    np.testing.assert_allclose(got.astype(np.float64), want, rtol=unit, atol=unit * max(scale, 1))


def check(conv, parts=1):
    x, w, dy = arrays(conv)
    y, dx, dw = reference(conv, x, w, dy)
    filled = lambda like, dtype=None: np.full(like.shape, np.nan, dtype or like.dtype)
    got = filled(dy)
    run(conv.forward(), parts, x=x, w=w, y=got)
    close(got, y, conv.dtype)
    got = filled(x)
    run(conv.input_gradient(), parts, x=got, w=w, y=dy)
    close(got, dx, conv.dtype)
    got = filled(w, np.float32 if conv.dtype.size == 2 else w.dtype)
    run(conv.weight_gradient(), parts, x=x, w=got, y=dy)
    close(got, dw, conv.dtype)


def same(kernel, dilations=(1, 1)):
    """TensorFlow's SAME padding without strides."""
    spans = [(k - 1) * d for k, d in zip(kernel, dilations)]
    return tuple((span // 2, span - span // 2) for span in spans)


@pytest.mark.parametrize("kernel", [(1, 1), (3, 3), (5, 3), (2, 4), (1, 7)])
@pytest.mark.parametrize("strides", [(1, 1), (2, 2), (1, 3)])
@pytest.mark.parametrize("padded", [False, True])
def test_kernels_strides_and_padding(kernel, strides, padded):
    padding = same(kernel) if padded else ((0, 0), (0, 0))
    check(Conv(2, 9, 11, 5, 7, kernel, strides, padding=padding))


@pytest.mark.parametrize("dilations", [(2, 2), (1, 3), (3, 1)])
@pytest.mark.parametrize("strides", [(1, 1), (2, 2), (3, 2)])
def test_dilations(dilations, strides):
    check(Conv(2, 12, 13, 3, 20, (3, 3), strides, dilations, padding=same((3, 3), dilations)))


@pytest.mark.parametrize("groups", [2, 4])
@pytest.mark.parametrize("strides", [(1, 1), (2, 1)])
def test_groups(groups, strides):
    check(Conv(2, 7, 8, 8, 12, (3, 3), strides, padding=((1, 1), (1, 1)), groups=groups))


@pytest.mark.parametrize("channels", [1, 5, 16, 33, 64])
@pytest.mark.parametrize("strides, dilations", [((1, 1), (1, 1)), ((2, 2), (1, 1)), ((1, 1), (2, 3)), ((2, 3), (3, 1))])
def test_depthwise(channels, strides, dilations):
    conv = Conv(2, 9, 10, channels, channels, (3, 3), strides, dilations, ((1, 1), (1, 1)), channels)
    assert conv.is_depthwise == (channels > 1)
    check(conv)


def test_depthwise_with_a_multiplier_is_grouped():
    check(Conv(2, 6, 6, 4, 8, (3, 3), padding=((1, 1), (1, 1)), groups=4))


@pytest.mark.parametrize("channels, filters", [(1, 1), (1, 32), (3, 64), (64, 10), (33, 70), (16, 130)])
def test_channels_and_filters(channels, filters):
    check(Conv(2, 6, 8, channels, filters, (3, 3), padding=((1, 1), (1, 1))))


@pytest.mark.parametrize("dtype", [dtypes.float64, dtypes.float16, dtypes.bfloat16], ids=lambda d: d.name)
def test_types(dtype):
    check(Conv(2, 6, 7, 5, 20, (3, 3), (2, 1), padding=((1, 1), (1, 1)), dtype=dtype))
    check(Conv(2, 6, 7, 20, 20, (3, 3), (2, 1), groups=20, dtype=dtype))


@pytest.mark.parametrize(
    "conv",
    [
        Conv(0, 5, 5, 3, 4, (3, 3)),
        Conv(2, 2, 2, 3, 4, (3, 3)),  # the kernel does not fit: no output
        Conv(1, 3, 3, 3, 4, (3, 3)),
        Conv(2, 5, 5, 3, 4, (1, 1), (3, 3)),  # most inputs are never read
        Conv(2, 5, 5, 3, 4, (2, 2), (4, 3)),
        Conv(2, 3, 3, 3, 4, (3, 3), padding=((4, 4), (0, 5))),  # padding wider than the kernel
        Conv(3, 1, 50, 8, 16, (1, 5), padding=((0, 0), (2, 2))),  # one dimension
        Conv(3, 1, 50, 8, 16, (1, 5), dilations=(1, 4), padding=((0, 0), (16, 0))),  # causal
        Conv(1, 40, 70, 64, 8, (3, 3), padding=((1, 1), (1, 1))),  # several bands
    ],
    ids=str,
)
def test_corners(conv):
    check(conv)


@pytest.mark.parametrize("parts", [2, 3])
def test_shares(parts):
    check(Conv(5, 9, 11, 5, 140, (3, 3), (2, 1), padding=((1, 1), (1, 1))), parts)
    check(Conv(1, 4, 4, 8, 200, (3, 3), padding=((1, 1), (1, 1))), parts)
    check(Conv(2, 9, 11, 20, 20, (3, 3), padding=((1, 1), (1, 1)), groups=20), parts)


def test_results_do_not_depend_on_the_number_of_threads():
    conv = Conv(4, 12, 12, 16, 70, (3, 3), padding=((1, 1), (1, 1)))
    x, w, dy = arrays(conv)
    results = []
    for parts in (1, 2, 3):
        got = [np.zeros_like(dy), np.zeros_like(x), np.zeros_like(w)]
        run(conv.forward(), parts, x=x, w=w, y=got[0])
        run(conv.input_gradient(), parts, x=got[1], w=w, y=dy)
        run(conv.weight_gradient(), parts, x=x, w=got[2], y=dy)
        results.append(got)
    assert all((a == b).all() for got in results for a, b in zip(got, results[0]))


@pytest.mark.parametrize("images, groups", [(2, 1), (5, 1), (2, 20)])
def test_late_bound_epilogue_sees_every_block_once(images, groups):
    conv = Conv(images, 8, 9, 20, 20, (3, 3), padding=((1, 1), (1, 1)), groups=groups)
    module = Module()
    names = ("row", "rows", "col", "cols")
    with module.function(
        "add", [("ptr", "c"), ("i64", "c_row"), ("ptr", "ptrs"), *(("i64", name) for name in names)]
    ) as f:
        with f.loop(0, "%rows") as r, f.loop(0, "%cols") as q:
            cell = f.gep("%c", f.add(f.mul(r.index, "%c_row"), q.index), "float")
            f.store("float", f.emit(f"fadd float {f.load('float', cell)}, 1.0"), cell)
    library = compile_module(module.text(), "late", verify=True)
    x, w, dy = arrays(conv)
    y = np.zeros_like(dy)
    run(conv.forward(library.address("add")), 2, x=x, w=w, y=y)
    close(y, reference(conv, x, w, dy)[0] + 1, conv.dtype)


def names(work):
    return [step.name for step in work.steps]


def prefer(monkeypatch, *modes):
    """Have minimal filtering take no time, as far as it is possible, in some of its modes; direct sums otherwise."""
    possible = lambda self: self.mode in modes and (self.mode != "spread" or self.dtype.size >= 4)
    monkeypatch.setattr(Winograd, "cost", 0)
    monkeypatch.setattr(Winograd, "is_possible", property(possible))


@pytest.mark.parametrize(
    "conv",
    [
        Conv(2, 40, 70, 64, 8, (3, 3), padding=((1, 1), (1, 1))),
        Conv(5, 11, 13, 33, 70, (3, 3)),  # odd sizes, and vectors that are not whole
        Conv(7, 14, 9, 32, 130, (3, 3), padding=((0, 1), (1, 0))),
        Conv(3, 12, 30, 17, 18, (3, 3), padding=((2, 2), (5, 3))),  # tiles that see nothing but padding
        Conv(40, 1, 3, 40, 40, (3, 3), padding=((1, 1), (1, 1))),  # one row of tiles, half of it beyond the image
        Conv(30, 3, 4, 40, 40, (3, 3)),  # one tile in each image
        Conv(1, 3, 3, 1, 1, (3, 3)),
        Conv(4, 16, 18, 32, 20, (3, 3), padding=((1, 1), (1, 1)), dtype=dtypes.float64),
        Conv(4, 16, 18, 40, 40, (3, 3), padding=((1, 1), (1, 1)), dtype=dtypes.bfloat16),
    ],
    ids=str,
)
@pytest.mark.parametrize("parts", [1, 3])
@pytest.mark.parametrize("backwards", ["correlate", "spread"])
def test_minimal_filtering(conv, parts, backwards, monkeypatch):
    prefer(monkeypatch, backwards, "weights")
    check(conv, parts)


def test_minimal_filtering_gives_the_same_for_any_number_of_threads():
    convs = [Conv(9, 12, 13, 32, 70, (3, 3), padding=((1, 1), (1, 1)), threads=threads) for threads in (1, 2, 4)]
    x, w, dy = arrays(convs[0])
    results = []
    for conv in convs:
        assert "winograd_weights" in names(conv.weight_gradient())
        got = [np.zeros_like(dy), np.zeros_like(x), np.zeros_like(w)]
        run(conv.forward(), min(conv.threads, THREADS), x=x, w=w, y=got[0])
        run(conv.input_gradient(), min(conv.threads, THREADS), x=got[1], w=w, y=dy)
        run(conv.weight_gradient(), min(conv.threads, THREADS), x=x, w=got[2], y=dy)
        results.append(got)
    assert all((a == b).all() for got in results for a, b in zip(got, results[0]))


def test_minimal_filtering_is_as_exact_as_the_direct_sum(monkeypatch):
    conv = Conv(4, 20, 20, 64, 64, (3, 3))
    x, w, dy = arrays(conv)
    wanted = reference(conv, x, w, dy)
    errors = []
    for modes in (["correlate", "weights"], ["spread"], []):
        prefer(monkeypatch, *modes)
        got = [np.zeros_like(dy), np.zeros_like(x), np.zeros_like(w)]
        run(conv.forward(), x=x, w=w, y=got[0])
        run(conv.input_gradient(), x=got[1], w=w, y=dy)
        run(conv.weight_gradient(), x=x, w=got[2], y=dy)
        errors.append([np.sqrt(np.mean((a - b) ** 2)) for a, b in zip(got, wanted)])
    *filtered, direct = errors
    assert all(a < 1.5 * b for each in filtered for a, b in zip(each, direct))


@pytest.mark.parametrize("channels, filters", [(16, 16), (32, 64), (64, 8), (256, 256)])
def test_minimal_filtering_is_for_many_channels(channels, filters):
    conv = Conv(4, 28, 28, channels, filters, (3, 3))
    assert "winograd_correlate" in names(conv.forward())
    assert names(conv.input_gradient())[1] in ("winograd_correlate", "winograd_spread")
    assert "winograd_weights" in names(conv.weight_gradient())


def test_gradients_without_padding_are_spread():
    """There are fewer tiles of the result than of the image."""
    assert "winograd_spread" in names(Conv(64, 13, 13, 32, 64, (3, 3)).input_gradient())
    assert "winograd_spread" not in names(Conv(64, 16, 16, 32, 64, (3, 3), padding=((1, 1), (1, 1))).input_gradient())
    assert "winograd_spread" not in names(Conv(1, 130, 130, 32, 64, (3, 3)).input_gradient())  # threads share images


@pytest.mark.parametrize(
    "conv",
    [
        Conv(4, 16, 16, 3, 32, (3, 3)),  # too few channels
        Conv(1, 6, 6, 64, 64, (3, 3)),  # too few tiles
        Conv(4, 16, 16, 64, 64, (3, 3), strides=(2, 1)),
        Conv(4, 16, 16, 64, 64, (3, 3), dilations=(2, 2)),
        Conv(4, 16, 16, 64, 64, (3, 3), groups=2),
        Conv(4, 16, 16, 64, 64, (5, 3)),
    ],
    ids=str,
)
def test_direct_sums(conv):
    assert "correlate" in names(conv.forward())


@pytest.mark.parametrize("groups", [1, 20])
def test_working_memory_is_that_of_what_is_done(groups):
    conv = Conv(64, 28, 28, 20, 20, (3, 3), (2, 2), groups=groups)
    weights = 4 * 9 * 20 * 20 // groups
    assert conv.weight_gradient().packed_bytes == 8 * weights  # sums of parts of the images
    assert conv.forward().packed_bytes <= weights * (1 if groups == 20 else 64 / 20) + 128
    assert Conv(64, 28, 28, 80, 80, (3, 3), (2, 2)).weight_gradient().packed_bytes == 0


@pytest.mark.parametrize("groups", [1, 4, 24])
@pytest.mark.parametrize("filters", [24, 48, 72])
def test_gradients_of_few_weights_are_sums_of_parts(groups, filters):
    conv = Conv(3, 11, 12, 24, filters, (3, 3), (2, 1), padding=((1, 0), (2, 1)), groups=groups)
    assert names(conv.weight_gradient())[-1] == "total"
    check(conv, 2)


def test_groups_must_divide():
    with pytest.raises(ValueError, match="do not divide into 2 groups"):
        Conv(1, 5, 5, 3, 4, (3, 3), groups=2)


@pytest.mark.parametrize("machine", [target.AVX2, target.AVX512, target.NEON], ids=lambda m: m.cpu)
@pytest.mark.parametrize(
    "kernel",
    [
        "pack", "correlate", "weights", "total", "depthwise_correlate", "depthwise_weights", "winograd_pack",
        "winograd_correlate", "winograd_spread", "winograd_weights", "winograd_unpack",
    ],
)  # fmt: skip
def test_kernels_compile_for_other_processors(machine, kernel):
    module = Module(machine)
    write_kernel(module, kernel, dtypes.float32)
    assert kernel in assembly(module.text(), machine)
