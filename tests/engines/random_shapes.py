"""Calls of the native kernels' ops with sizes, types and options drawn at random: empty, single, and beside the vector.

`draw(seed)` gives `(name, function, arrays, rtol, atol)`; the function is differentiated where the op can be.
"""

from collections.abc import Callable

import ml_dtypes
import numpy as np

from duoflow.core import dtypes
from duoflow.core.autodiff import GradientTape
from duoflow.core.late import F
from duoflow.core.tensor import Tensor

SIZES = [0, 1, 2, 3, 4, 5, 7, 8, 9, 15, 16, 17, 31, 32, 33, 63, 65, 100]
SMALL = [0, 1, 1, 2, 3, 5, 8]
FLOATS = [np.float32, np.float32, np.float32, np.float64, np.float16, ml_dtypes.bfloat16]
INTEGERS = [np.int32, np.int64, np.int8, np.uint8, np.int16]
#: Relative and absolute tolerance by item size: float16 and bfloat16 round what float32 computed, in another order.
TOLERANCE = {8: (1e-11, 1e-12), 4: (5e-5, 1e-4), 2: (2e-2, 3e-2)}

UNARY = [
    "exp", "log", "tanh", "sigmoid", "relu", "erf", "sin", "cos", "sqrt", "rsqrt", "square", "softplus", "elu", "selu",
    "gelu", "abs", "negative", "floor", "expm1", "log1p", "atan", "sinh", "softsign", "sign", "round", "reciprocal",
]  # fmt: skip
BINARY = ["add", "subtract", "multiply", "maximum", "minimum", "squared_difference", "truediv", "atan2", "pow"]
INTEGER_BINARY = ["add", "subtract", "multiply", "maximum", "minimum", "floordiv", "floormod"]
REDUCTIONS = ["reduce_sum", "reduce_mean", "reduce_max", "reduce_min", "reduce_logsumexp", "reduce_variance"]
INTEGER_REDUCTIONS = ["reduce_sum", "reduce_max", "reduce_min", "reduce_prod", "reduce_mean"]


class Draw:
    """The choices of one seed."""

    def __init__(self, seed: int) -> None:
        self.random = np.random.default_rng(seed)

    def choose(self, items):
        return items[int(self.random.integers(len(items)))]

    def size(self, least=0):
        return max(least, int(self.choose(SIZES)))

    def small(self, least=0):
        return max(least, int(self.choose(SMALL)))

    def flip(self):
        return bool(self.random.integers(2))

    def shape(self, most=4):
        """Up to `most` dimensions and a few thousand elements."""
        shape = [self.small() for _ in range(int(self.random.integers(most)))] + [self.size()]
        return shape if self.random.integers(8) else []

    def real(self, shape, dtype=np.float32, positive=False):
        values = self.random.normal(size=shape)
        return (np.abs(values) + 0.1 if positive else values).astype(dtype)

    def integers(self, shape, dtype, low=-9, high=10):
        return self.random.integers(max(low, 0) if dtype(0) - 1 > 0 else low, high, shape).astype(dtype)

    def operand(self, shape, floats=FLOATS, positive=False):
        return self.real(shape, self.choose(floats), positive)


def elementwise(d: Draw):
    name, shape = d.choose(UNARY), d.shape()
    return (
        name,
        with_gradient(getattr(F, name)),
        [d.operand(shape, positive=name in ("log", "sqrt", "rsqrt", "reciprocal"))],
    )


def broadcast(d: Draw):
    name, shape = d.choose(BINARY), d.shape()
    dtype = d.choose(FLOATS)
    other = [1 if d.random.integers(3) == 0 else s for s in shape][int(d.random.integers(len(shape) + 1)) :]
    x = d.real(shape, dtype, positive=name == "pow")
    y = d.real(other, dtype, positive=name == "truediv")
    operands = [x, y] if d.flip() or name in ("pow", "truediv") else [y, x]
    return name, with_gradient(getattr(F, name)), operands


def whole_numbers(d: Draw):
    name, shape, dtype = d.choose(INTEGER_BINARY), d.shape(), d.choose(INTEGERS)
    y = d.integers(shape, dtype)
    return f"integer {name}", getattr(F, name), [d.integers(shape, dtype), np.where(y == 0, dtype(1), y)]


def reduction(d: Draw):
    shape = d.shape()
    axes = [i for i in range(len(shape)) if d.flip()]
    keep = d.flip()
    if d.random.integers(4) == 0:
        name = d.choose(INTEGER_REDUCTIONS)
        x = d.integers(shape, d.choose(INTEGERS), 0, 3)
        return f"integer {name}", lambda t: getattr(F, name)(t, axes, keepdims=keep), [x]
    name = d.choose(REDUCTIONS)
    return name, with_gradient(lambda t: getattr(F, name)(t, axes, keepdims=keep)), [d.operand(shape)]


def product(d: Draw):
    m, k, n = d.size(), d.size(), d.size()
    dtype, ta, tb = d.choose([*FLOATS, np.int32, np.int64]), d.flip(), d.flip()
    batch = [d.small(1) for _ in range(int(d.random.integers(3)))]
    a, b = ([*batch, k, m] if ta else [*batch, m, k]), ([*batch, n, k] if tb else [*batch, k, n])
    if batch and d.flip():
        b = b[len(batch) :]
    if dtype in (np.int32, np.int64):
        return "integer matmul", lambda x, y: F.matmul(x, y, ta, tb), [d.integers(a, dtype), d.integers(b, dtype)]
    return "matmul", with_gradient(lambda x, y: F.matmul(x, y, ta, tb)), [d.real(a, dtype), d.real(b, dtype)]


def convolution(d: Draw):
    rank = d.choose([1, 2, 2, 2, 3])
    kernel = [d.choose([1, 2, 3, 5]) for _ in range(rank)]
    plain = d.flip()
    strides = [1 if plain else d.choose([1, 2, 3]) for _ in range(rank)]
    dilations = [d.choose([1, 2]) if set(strides) == {1} and rank < 3 and d.flip() else 1 for _ in range(rank)]
    padding = d.choose(["SAME", "VALID"])
    reach = [dil * (k - 1) + 1 for k, dil in zip(kernel, dilations, strict=True)]
    space = [r + int(d.random.integers(9 if rank < 3 else 4)) for r in reach]
    channels, filters, images = d.choose([1, 2, 3, 8, 17, 33]), d.choose([1, 3, 16, 31, 40]), d.small()
    dtype = d.choose([np.float32, np.float32, np.float64, np.float16])
    x, w = d.real([images, *space, channels], dtype), d.real([*kernel, channels, filters], dtype)

    def run(x, w):
        return F.convolution(x, w, strides=strides, padding=padding, dilations=dilations)

    return f"conv{rank}d", with_gradient(run), [x, w]


def depthwise(d: Draw):
    kernel = d.choose([1, 2, 3, 5])
    stride = d.choose([1, 1, 2])
    channels, many = d.choose([1, 3, 16, 24, 33]), d.choose([1, 1, 2])
    space = [kernel + int(d.random.integers(8)) for _ in range(2)]
    padding = d.choose(["SAME", "VALID"])
    x, w = d.real([d.small(), *space, channels]), d.real([kernel, kernel, channels, many])
    return "depthwise", with_gradient(lambda x, w: F.depthwise_conv2d(x, w, [1, stride, stride, 1], padding)), [x, w]


def pooling(d: Draw):
    window, stride = d.choose([1, 2, 3]), d.choose([1, 2, 3])
    name, padding = d.choose(["max_pool2d", "avg_pool2d"]), d.choose(["SAME", "VALID"])
    space = [window + int(d.random.integers(8)) for _ in range(2)]
    x = d.operand([d.small(), *space, d.choose([1, 3, 16, 17])], [np.float32, np.float64])
    return name, with_gradient(lambda x: getattr(F, name)(x, window, stride, padding)), [x]


def rows(d: Draw):
    name = d.choose(["softmax", "log_softmax", "l2_normalize"])
    return name, with_gradient(lambda x: getattr(F, name)(x, -1)), [d.operand([*d.shape()[:-1], d.size()])]


def attention(d: Draw):
    """Heads inside or outside, with a scale, a bias, a mask of keys, or causal."""
    dtype, inside = d.choose(FLOATS[:4]), d.flip()
    batch, heads, queries, keys = d.small(), d.small(), d.choose([1, 17, 48, 63, 130, 200]), d.choose([5, 16, 50, 257])
    depth, width = d.choose([1, 8, 16, 20]), d.choose([1, 8, 17, 70])
    sizes = [(queries, depth), (keys, depth), (keys, width)]
    shapes = [(batch, rows, heads, columns) if inside else (batch, heads, rows, columns) for rows, columns in sizes]
    change = d.choose([
        lambda s: s,
        lambda s: s * 0.3,
        lambda s: s + F.cast(F.range(keys) % 3, s.dtype),
        lambda s: F.where(F.range(keys) % 5 < 3, s, F.cast(-3e38, s.dtype)),
        lambda s: F.where(F.range(queries)[:, None] >= F.range(keys), s, s - 1e9),
    ])  # fmt: skip

    def run(q, k, v):
        if inside:
            return F.einsum("bhqk,bkhd->bqhd", F.softmax(change(F.einsum("bqhd,bkhd->bhqk", q, k))), v)
        return F.matmul(F.softmax(change(F.matmul(q, k, transpose_b=True))), v)

    return "attention", with_gradient(run), [d.real(shape, dtype) for shape in shapes]


def lookup(d: Draw):
    table = d.operand([d.size(1), d.small(1), d.size(1)])
    indices = d.integers([d.size()], d.choose([np.int32, np.int64]), 0, len(table))
    axis = 0 if d.flip() else 2
    if axis:
        indices %= table.shape[2]
    return "gather", with_gradient(lambda x, i: F.gather(x, i, axis=axis)), [table, indices]


def segments(d: Draw):
    name = d.choose(["unsorted_segment_sum", "unsorted_segment_max", "unsorted_segment_mean"])
    count, groups = d.size(), d.size(1)
    x, ids = d.operand([count, d.size()], [np.float32, np.float64]), d.integers([count], np.int32, -1, groups)
    return name, with_gradient(lambda x, i: getattr(F, name)(x, i, groups)), [x, ids]


def order(d: Draw):
    x = d.operand([d.small(), d.size(1)], [np.float32, np.float64])
    k = int(d.random.integers(x.shape[1] + 1))
    functions = {
        "sort": lambda x: F.sort(x), "argsort": lambda x: F.argsort(x, stable=True),
        "top_k": lambda x: tuple(F.top_k(x, k)), "argmax": lambda x: F.argmax(x, 1),
    }  # fmt: skip
    name = d.choose(list(functions))
    return name, functions[name], [x]


def running(d: Draw):
    name, shape = d.choose(["cumsum", "cumprod"]), [*d.shape()[:2], d.size()]
    axis, exclusive, reverse = int(d.random.integers(len(shape))), d.flip(), d.flip()
    x = d.operand(shape, [np.float32, np.float64])
    return name, with_gradient(lambda x: getattr(F, name)(x, axis, exclusive, reverse)), [x]


def arrangement(d: Draw):
    shape = [d.small(1), d.size(1), d.size(1)]
    x = d.operand(shape) if d.flip() else d.integers(shape, d.choose(INTEGERS))
    order = d.random.permutation(3).tolist()
    begin = [int(d.random.integers(s)) for s in shape]
    end = [int(d.random.integers(b, s + 1)) for b, s in zip(begin, shape, strict=True)]
    step = d.choose([1, 2, 3])
    pads = [[int(p) for p in d.random.integers(0, 3, 2)] for _ in shape]
    functions = {
        "transpose": lambda x: F.transpose(x, order),
        "strided slice": lambda x: x[begin[0] : end[0], begin[1] : end[1] : step, :: -step],
        "pad": lambda x: F.pad(x, pads),
        "concat": lambda x: F.concat([x, F.reverse(x, [1]), x], order[0]),
        "tile": lambda x: F.tile(x, [1, step, 2]),
        "stack": lambda x: F.unstack(F.stack([x, x + x], order[1]), axis=order[1]),
        "roll": lambda x: F.roll(x, begin[1], 1),
    }  # fmt: skip
    name = d.choose(list(functions))
    return name, functions[name] if x.dtype.kind in "iu" else with_gradient(functions[name]), [x]


FAMILIES: list[Callable[[Draw], tuple]] = [
    elementwise, broadcast, whole_numbers, reduction, reduction, product, product, convolution, convolution, depthwise,
    pooling, rows, attention, lookup, segments, order, running, arrangement,
]  # fmt: skip


def with_gradient(function):
    """The function's results, and the gradients of a weighted sum of them for its floating operands."""

    def run(*operands):
        watched = [x for x in operands if x.dtype.is_floating]
        with GradientTape() as tape:
            tape.watch(watched)
            found = function(*operands)
            results = [r for r in ([found] if isinstance(found, Tensor) else list(found)) if r.dtype.is_floating]
        weights = [F.cast(F.reshape(F.range(F.size(r)) % 5, F.shape(r)), r.dtype) - 2.0 for r in results]
        gradients = tape.gradient(results, watched, weights)
        return [*results, *[F.convert_to_tensor(g) for g in gradients if g is not None]]

    return run


def draw(seed: int):
    """What a seed stands for."""
    d = Draw(seed)
    name, function, arrays = d.choose(FAMILIES)(d)
    sizes = [a.dtype.itemsize for a in arrays if dtypes.from_numpy(a.dtype).is_floating]
    return name, function, arrays, *TOLERANCE[min(sizes, default=4)]
