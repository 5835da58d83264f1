"""Convolutions and pools as nodes of a graph: every mode, rank, stride, dilation, padding and grouping is native and
agrees with the reference, as do the gradients.
"""

import numpy as np
import pytest

from duoflow.core import dtypes
from duoflow.core.autodiff import GradientTape
from duoflow.core.late import F
from duoflow.engines.native.pools import decompose_pools
from tests.engines.agreement import agree, trace

_TOLERANCE = {np.float32: 3e-5, np.float64: 1e-12}


def real(rng, *shape, dtype=np.float32):
    return rng.standard_normal(shape).astype(dtype)


def with_gradients(function):
    """A function that gives what `function` gives, and the gradients of a weighted sum of it."""

    def call(*operands):
        with GradientTape() as tape:
            for operand in operands:
                tape.watch(operand)
            out = function(*operands)
            weights = np.cos(np.arange(np.prod(out.shape), dtype=np.float64)).reshape(out.shape)
            total = F.reduce_sum(out * F.constant(weights.astype(out.dtype.numpy)))
        return out, *tape.gradient(total, operands)

    return call


def check(function, *operands, tolerance=None):
    tolerance = tolerance or _TOLERANCE[operands[0].dtype.type]
    kernels = agree(with_gradients(function), *operands, rtol=tolerance, atol=tolerance * 10)
    assert all(k["where"] == "native" for k in kernels), [k["name"] for k in kernels if k["where"] != "native"]


def configuration(seed):
    """A convolution drawn at random: image, kernel and arguments."""
    rng = np.random.default_rng(seed)
    rank = int(rng.integers(1, 4))
    window = [int(rng.integers(1, 5 - rank // 2)) for _ in range(rank)]
    dilation = int(rng.integers(1, 3))
    stride = 1 if dilation > 1 else int(rng.integers(1, 4))
    size = [int(rng.integers((w - 1) * dilation + 1, (w - 1) * dilation + 9 - rank)) for w in window]
    groups = int(rng.choice([1, 1, 2, 3]))
    own, each = int(rng.integers(1, 5)), int(rng.integers(1, 5))
    images = int(rng.integers(1, 3))
    padding = str(rng.choice(["SAME", "VALID"]))
    image, kernel = (images, *size, groups * own), (*window, own, groups * each)
    return rng, rank, image, kernel, stride, dilation, padding


@pytest.mark.parametrize("seed", range(60))
def test_random_convolutions(seed):
    rng, rank, image, kernel, stride, dilation, padding = configuration(seed)
    op = {1: F.conv1d, 2: F.conv2d, 3: F.conv3d}[rank]
    steps = {1: (stride, dilation), 2: (stride, dilation), 3: ([1, *[stride] * 3, 1], [1, *[dilation] * 3, 1])}[rank]
    dtype = np.float64 if seed % 5 == 0 else np.float32
    function = lambda x, w: op(x, w, steps[0], padding, dilations=steps[1])
    check(function, real(rng, *image, dtype=dtype), real(rng, *kernel, dtype=dtype))


@pytest.mark.parametrize("dtype", [dtypes.float16, dtypes.bfloat16], ids=lambda d: d.name)
def test_short_types(dtype):
    """Sums are in float32, filter gradients among them; only results are rounded."""
    rng = np.random.default_rng(0)
    function = lambda x, w: F.cast(F.conv2d(F.cast(x, dtype), F.cast(w, dtype), 2, "SAME"), dtypes.float32)
    check(function, real(rng, 2, 9, 8, 6), real(rng, 3, 3, 6, 5), tolerance=2e-2)


@pytest.mark.parametrize("multiplier", [1, 2, 3])
@pytest.mark.parametrize("stride, dilation", [(1, 1), (2, 1), (1, 2)])
def test_depthwise_with_multipliers(multiplier, stride, dilation):
    rng = np.random.default_rng(0)
    function = lambda x, w: F.depthwise_conv2d(x, w, [1, stride, stride, 1], "SAME", dilations=[dilation, dilation])
    check(function, real(rng, 2, 9, 8, 6), real(rng, 3, 2, 6, multiplier))


@pytest.mark.parametrize("groups, filters", [(2, 4), (2, 16), (3, 9), (4, 4), (8, 64), (2, 140)])
def test_what_follows_groups_is_done_for_all_of_them(groups, filters):
    rng = np.random.default_rng(0)
    bias = F.constant(real(rng, filters))
    function = lambda x, w: F.relu(F.conv2d(x, w, 1, "SAME") + bias)
    check(function, real(rng, 2, 5, 6, groups * 2), real(rng, 3, 3, 2, filters))


TRANSPOSED = {
    "one dimension": (lambda x, w: F.conv1d_transpose(x, w, [2, 16, 3], 2), (2, 8, 6), (3, 3, 6)),
    "two dimensions": (lambda x, w: F.conv2d_transpose(x, w, [2, 16, 18, 3], 2), (2, 8, 9, 6), (3, 3, 3, 6)),
    "three dimensions": (lambda x, w: F.conv3d_transpose(x, w, [2, 8, 6, 10, 3], 2), (2, 4, 3, 5, 6), (3, 3, 3, 3, 6)),
}


@pytest.mark.parametrize("name", TRANSPOSED)
def test_transposed(name):
    function, image, kernel = TRANSPOSED[name]
    rng = np.random.default_rng(0)
    check(function, real(rng, *image), real(rng, *kernel))


@pytest.mark.parametrize(
    "image, kernel, stride, dilation, padding",
    [
        ((2, 9, 8, 16), (3, 3, 16, 1), 1, 1, "SAME"),
        ((2, 9, 8, 24), (4, 5, 24, 1), 1, 1, "SAME"),
        ((2, 9, 8, 16), (3, 2, 16, 1), 1, 2, "VALID"),
        ((2, 9, 8, 1), (4, 3, 1, 16), 2, 1, "SAME"),
        ((2, 9, 8, 1), (3, 3, 1, 24), 1, 2, "VALID"),
        ((3, 20, 8), (5, 8, 1), 1, 1, "SAME"),
        ((2, 5, 9, 8, 4), (2, 3, 3, 4, 1), 1, 1, "SAME"),
    ],
    ids=str,
)
def test_one_filter_and_one_channel(image, kernel, stride, dilation, padding):
    """They have no vectors of their own; what a layer adds and its activation are done on the way."""
    rng, rank = np.random.default_rng(0), len(image) - 2
    op = {1: F.conv1d, 2: F.conv2d, 3: F.conv3d}[rank]
    steps = ([1, 1, 1, 1, 1], [1, 1, 1, 1, 1]) if rank == 3 else (stride, dilation)
    function = lambda x, w: F.tanh(op(x, w, steps[0], padding, dilations=steps[1]) + 0.5)
    check(function, real(rng, *image), real(rng, *kernel) / 4)


def test_channels_first_and_explicit_padding():
    rng = np.random.default_rng(0)
    function = lambda x, w: F.conv2d(x, w, 1, [[0, 0], [0, 0], [1, 2], [0, 3]], data_format="NCHW")
    check(function, real(rng, 2, 6, 8, 9), real(rng, 3, 2, 6, 8))


@pytest.mark.parametrize("image", [(0, 5, 5, 3), (2, 5, 5, 0)])
def test_nothing_to_convolve(image):
    """No images, or no channels: handled by the host, with the right shapes."""
    agree(lambda x, w: F.conv2d(x, w, 1, "SAME"), np.zeros(image, np.float32), np.ones((3, 3, image[-1] or 1, 4), "f"))


@pytest.mark.parametrize("size, window, stride", [(7, 3, 2), (8, 2, 3), (9, 3, 1), (8, 2, 2), (6, 4, 3)])
@pytest.mark.parametrize("padding", ["SAME", "VALID"])
@pytest.mark.parametrize("rank", [1, 2, 3])
def test_pools(rank, size, window, stride, padding):
    rng = np.random.default_rng(0)
    shape = (2, *(size,) * rank, 3)
    x = rng.permutation(np.prod(shape)).reshape(shape).astype(np.float32)
    most, mean = ([F.max_pool1d, F.max_pool2d, F.max_pool3d], [F.avg_pool1d, F.avg_pool2d, F.avg_pool3d])
    check(lambda x: most[rank - 1](x, window, stride, padding), x)
    check(lambda x: mean[rank - 1](x, window, stride, padding), x / 100)


@pytest.mark.parametrize("window, stride, padding", [(2, 2, "VALID"), (3, 2, "SAME"), (2, 3, "VALID"), (3, 1, "SAME")])
@pytest.mark.parametrize("size", [(8, 8), (7, 9)])
@pytest.mark.parametrize("kind", [F.max_pool2d, F.avg_pool2d])
def test_biases_before_pools(window, stride, padding, size, kind):
    rng = np.random.default_rng(0)
    image, kernel, bias = real(rng, 3, *size, 2), real(rng, 3, 3, 2, 8), real(rng, 8)

    def block(x, w, b):
        return kind(F.relu(F.conv2d(x, w, 1, "SAME") + b), window, stride, padding)

    check(block, image, kernel, bias)


def test_the_sum_of_the_gradient_of_a_pool_is_that_of_its_windows():
    def gradient(x, g):
        with GradientTape() as tape:
            tape.watch(x)
            y = F.max_pool2d(x, 2, 2, "SAME")
        back = tape.gradient(y, x, output_gradients=g)
        return F.reduce_sum(back, [0, 1, 2]), F.reduce_sum(back, [1, 2]), F.reduce_sum(back, [0, 1])

    graph = decompose_pools(trace(gradient, np.ones((2, 5, 6, 3), np.float32), np.ones((2, 3, 3, 3), np.float32)))
    summed = [n.inputs[0].dims for n in graph.nodes if n.op.name == "Sum"]
    assert summed == [(2, 3, 3, 3), (2, 3, 3, 3), (2, 5, 6, 3)]
    decompose_pools(trace(gradient, np.ones((1, 1, 1, 3), np.float32), np.ones((1, 1, 1, 3), np.float32)))


@pytest.mark.parametrize("stride", [1, 2])
def test_gradients_of_relu_are_taken_where_a_pool_has_fewer(stride):
    def gradient(x):
        with GradientTape() as tape:
            tape.watch(x)
            y = F.max_pool2d(F.relu(x), 2, stride, "VALID")
        return tape.gradient(y, x)

    graph = decompose_pools(trace(gradient, np.ones((2, 5, 6, 3), np.float32)))
    windows = (2, 4, 5, 3) if stride == 1 else (2, 2, 3, 3)
    assert [n.outputs[0].dims for n in graph.nodes if n.op.name == "ReluGrad"] == [windows]
