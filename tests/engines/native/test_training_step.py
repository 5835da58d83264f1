"""A whole training step as one program: what it takes, what it computes, and where it puts the variables."""

import itertools

import numpy as np
import pytest

from duoflow.core import dtypes
from duoflow.core.autodiff import GradientTape
from duoflow.core.late import F
from duoflow.core.variables import Variable
from duoflow.engines import reference
from duoflow.engines.native import engine as native
from tests.engines.agreement import captured, trace


class Training:
    """A network of dense layers with Adam, its step as a graph."""

    def __init__(self, sizes, batch):
        random = np.random.default_rng(0)
        self.params = []
        for a, b in itertools.pairwise(sizes):
            self.params += [
                Variable((random.normal(size=(a, b)) / np.sqrt(a)).astype(np.float32)),
                Variable(np.zeros(b, np.float32)),
            ]
        zeros = [np.zeros(p.shape.as_list(), np.float32) for p in self.params]
        self.moments = [Variable(z, trainable=False) for z in zeros + zeros]
        self.count = Variable(np.int64(0), trainable=False)
        self.x = random.normal(size=(batch, sizes[0])).astype(np.float32)
        self.y = random.integers(0, sizes[-1], batch)
        self.graph = trace(self.step, self.x, self.y)
        self.variables = [*self.params, *self.moments, self.count]

    def step(self, x, y):
        with GradientTape() as tape:
            for i in range(0, len(self.params), 2):
                x = F.matmul(x, self.params[i]) + self.params[i + 1]
                x = F.relu(x) if i < len(self.params) - 2 else x
            loss = F.reduce_mean(F.sparse_softmax_cross_entropy_with_logits(labels=y, logits=x))
        self.count.assign_add(1)
        t = F.cast(self.count.value(), dtypes.float32)
        rate = 0.01 * F.sqrt(1.0 - F.pow(0.999, t)) / (1.0 - F.pow(0.9, t))
        half = len(self.params)
        grads = tape.gradient(loss, self.params)
        for p, m, v, g in zip(self.params, self.moments[:half], self.moments[half:], grads, strict=True):
            m.assign_add((g - m) * 0.1)
            v.assign_add((F.square(g) - v) * 0.001)
            p.assign_sub(m.value() * rate / (F.sqrt(v.value()) + 1e-7))
        return loss

    def run(self, engine, steps):
        """Losses and final values after some steps from the start."""
        start = [v._state.array.copy() for v in self.variables]
        executable = engine.compile(self.graph)
        values = [self.x, self.y, *captured(self.graph)]
        losses = [executable.run(values)[0] for _ in range(steps)]
        final = [v._state.array for v in self.variables]
        for v, s in zip(self.variables, start, strict=True):
            v._state.adopt(s)
        return losses, final, executable


@pytest.mark.parametrize(("sizes", "batch"), [((20, 16, 5), 8), ((784, 128, 64, 10), 32), ((7, 3), 1)])
def test_computes_what_the_reference_does(sizes, batch):
    training = Training(sizes, batch)
    want, wanted, _ = training.run(reference, 5)
    got, found, executable = training.run(native, 5)
    np.testing.assert_allclose(got, want, rtol=2e-5, atol=1e-6)
    for g, w in zip(found, wanted, strict=True):
        np.testing.assert_allclose(g, w, rtol=1e-3, atol=2e-5)
    assert all(k["where"] == "native" for k in executable.kernels), executable.kernels


def test_takes_few_kernels():
    _, _, executable = Training((784, 128, 64, 10), 32).run(native, 1)
    assert len(executable.kernels) <= 15


def test_updates_in_place_unless_someone_holds_the_value():
    training = Training((20, 16, 5), 8)
    executable = native.compile(training.graph)
    values = [training.x, training.y, *captured(training.graph)]
    executable.run(values)
    buffers = [v._state.array for v in training.variables]
    addresses = [b.ctypes.data for b in buffers]
    del buffers
    executable.run(values)
    assert [v._state.array.ctypes.data for v in training.variables] == addresses
    held = training.params[0].value()
    before = held.numpy().copy()
    executable.run(values)
    np.testing.assert_array_equal(held.numpy(), before)
    assert not np.array_equal(training.params[0].numpy(), before)
