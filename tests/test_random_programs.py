"""Programs drawn at random give the same eagerly, on the reference engine and on the native one.

Each seed draws a few inputs and then ops from the table below, each applied to values drawn so far (preferring late
ones, so that chains form), and returns some of them. What ops can be applied to is said by what they raise.
"""

import numpy as np
import pytest

from duoflow.core import dtypes
from duoflow.core.autodiff import GradientTape
from duoflow.core.errors import OpError
from duoflow.core.late import F
from duoflow.core.tensor import EagerTensor
from tests.engines.agreement import agree

UNARY = ["exp", "tanh", "sigmoid", "relu", "negative", "abs", "square", "sin", "softplus", "floor", "sign"]
BINARY = ["add", "subtract", "multiply", "maximum", "minimum", "squared_difference"]
REDUCTIONS = ["reduce_sum", "reduce_mean", "reduce_max", "reduce_min"]


class Draw:
    """Choices of one program, remembered so that it can be replayed on tensors of any kind."""

    def __init__(self, seed):
        self.random = np.random.default_rng(seed)

    def choose(self, items):
        return items[int(self.random.integers(len(items)))]

    def late(self, count):
        return max(int(self.random.integers(count)), int(self.random.integers(count)))

    def step(self, shapes):
        """An op on values of these shapes: (function, operands)."""
        i = self.late(len(shapes))
        shape = shapes[i]
        kinds = ["unary", "unary", "binary", "binary", "reduce", "view", "view", "product", "select", "loop"]
        return getattr(self, "_" + self.choose(kinds))(i, shape, shapes)

    def _unary(self, i, shape, shapes):
        return getattr(F, self.choose(UNARY)), (i,)

    def _binary(self, i, shape, shapes):
        fits = [j for j, s in enumerate(shapes) if _broadcasts(s, shape)]
        return getattr(F, self.choose(BINARY)), (i, self.choose(fits))

    def _select(self, i, shape, shapes):
        j = self.choose([j for j, s in enumerate(shapes) if _broadcasts(s, shape)])
        return (lambda x, y: F.where(x > y, x * 0.5, y)), (i, j)

    def _reduce(self, i, shape, shapes):
        if not shape:
            return self._unary(i, shape, shapes)
        axes = sorted({int(a) for a in self.random.integers(len(shape), size=self.random.integers(1, len(shape) + 1))})
        keep, name = bool(self.random.integers(2)), self.choose(REDUCTIONS)
        return (lambda x: getattr(F, name)(x, axes, keepdims=keep)), (i,)

    def _view(self, i, shape, shapes):
        if not shape:
            return (lambda x: F.reshape(x, [1, 1])), (i,)
        kind = self.choose(["transpose", "reshape", "slice", "pad", "reverse", "concat", "broadcast", "expand"])
        if kind == "transpose":
            order = [int(a) for a in self.random.permutation(len(shape))]
            return (lambda x: F.transpose(x, order)), (i,)
        if kind == "reshape":
            size = int(np.prod(shape))
            factor = self.choose([d for d in range(1, size + 1) if size % d == 0])
            return (lambda x: F.reshape(x, [factor, size // factor])), (i,)
        if kind == "slice":
            axis = int(self.random.integers(len(shape)))
            if shape[axis] < 2:
                return self._unary(i, shape, shapes)
            start, step = int(self.random.integers(shape[axis] - 1)), self.choose([1, 2, -1])
            key = (slice(None),) * axis + (slice(None, None, -1) if step < 0 else slice(start, None, step),)
            return (lambda x: x[key]), (i,)
        if kind == "pad":
            pads = [[int(a), int(b)] for a, b in self.random.integers(0, 3, (len(shape), 2))]
            return (lambda x: F.pad(x, pads, constant_values=0.5)), (i,)
        if kind == "reverse":
            axis = int(self.random.integers(len(shape)))
            return (lambda x: F.reverse(x, [axis])), (i,)
        if kind == "concat":
            axis = int(self.random.integers(len(shape)))
            fits = [j for j, s in enumerate(shapes) if len(s) == len(shape) and _equal_but(s, shape, axis)]
            return (lambda x, y: F.concat([x, y], axis)), (i, self.choose(fits))
        if kind == "broadcast":
            return (lambda x: F.broadcast_to(x, [2, *shape])), (i,)
        axis = int(self.random.integers(len(shape) + 1))
        return (lambda x: F.expand_dims(x, axis)), (i,)

    def _loop(self, i, shape, shapes):
        """A loop over the rows of a value, with rows in a TensorArray, or the gradient of one."""
        if not shape or shape[0] > 6:
            return self._unary(i, shape, shapes)
        function = getattr(F, self.choose(UNARY))
        step = lambda held, row: function(held * 0.5) + row
        kind = self.choose(["scan", "fold", "map", "array", "gradient"])
        if kind == "scan":
            reverse = bool(self.random.integers(2))
            return (lambda x: F.scan(step, x, reverse=reverse)), (i,)
        if kind == "fold":
            return (lambda x: F.foldr(step, x)), (i,)
        if kind == "map":
            return (lambda x: F.map_fn(lambda row: function(row) * F.reduce_max(row), x)), (i,)
        if kind == "gradient":
            return (lambda x: _gradient_of(lambda y: F.foldl(lambda h, row: F.tanh(h * 0.5 + row), y), x)), (i,)
        first, pace = self.choose([(0, 1), (shape[0] - 1, -1)])
        return (lambda x: _written(function, x, shape, first, pace)), (i,)

    def _product(self, i, shape, shapes):
        if len(shape) < 2:
            return self._unary(i, shape, shapes)
        return (lambda x: F.matmul(x, x, transpose_b=True) * 0.1), (i,)


def _gradient_of(function, x):
    with GradientTape() as tape:
        tape.watch(x)
        y = F.reduce_sum(function(x))
    return tape.gradient(y, x)


def _written(function, x, shape, first, pace):
    """The rows of x but the last, each through a function, written to rows `first + pace * i`; the other is zero."""
    array = F.TensorArray(x.dtype, shape[0], element_shape=shape[1:])

    def step(i, array):
        return i + 1, array.write(first + pace * i, function(x[i]))

    return F.while_loop(lambda i, _: i < shape[0] - 1, step, [F.constant(0), array])[1].stack()


def _broadcasts(a, b):
    return all(x == y or 1 in (x, y) for x, y in zip(a[::-1], b[::-1]))


def _equal_but(a, b, axis):
    return all(x == y for i, (x, y) in enumerate(zip(a, b)) if i != axis)


def draw_program(seed, steps):
    """(function, input arrays) of one program; its values stay small enough to be compared."""
    draw = Draw(seed)
    shapes = [(4, 6), (4, 1), (6,), (3, 4, 6), ()]
    count = int(draw.random.integers(2, 5))
    chosen = [draw.choose(shapes) for _ in range(count)]
    arrays = [draw.random.normal(size=s).astype(np.float32) for s in chosen]
    values = [EagerTensor(a) for a in arrays]
    program = []
    while len(program) < steps:
        function, operands = draw.step([v.shape.as_list() for v in values])
        try:
            value = function(*[values[j] for j in operands])
        except (OpError, ValueError):
            continue
        array = value.numpy()
        if value.dtype is not dtypes.float32 or np.size(array) > 4000 or not np.all(np.abs(array) < 50):
            continue
        program.append((function, operands))
        values.append(value)
    shown = sorted({len(values) - 1} | {int(j) for j in draw.random.integers(count, len(values), 3)})

    def run(*inputs):
        table = list(inputs)
        for function, operands in program:
            table.append(function(*[table[j] for j in operands]))
        return [table[j] for j in shown]

    return run, arrays


@pytest.mark.parametrize("seed", range(60))
def test_engines_agree_on_a_random_program(seed):
    function, arrays = draw_program(seed, steps=4 + seed % 12)
    agree(function, *arrays, rtol=2e-4, atol=2e-5)
