"""Kernels that write what they compute straight into concatenations and rows of lists."""

from __future__ import annotations

import numpy as np
import pytest

import duoflow as tf
from duoflow.core.late import F
from duoflow.engines import reference
from duoflow.engines.native import engine
from tests.engines.agreement import trace


def real(*shape):
    return np.random.default_rng([9, *shape]).normal(size=shape).astype(np.float32)


def kernels_of(function, *arrays):
    """The ops of each kernel, after a comparison with the reference engine."""
    graph = trace(function, *arrays)
    executable = engine.compile(graph)
    for got, want in zip(executable.run(list(arrays)), reference.compile(graph).run(list(arrays)), strict=True):
        np.testing.assert_allclose(got, want, rtol=1e-5, atol=1e-6)
    return [row["ops"] for row in executable.kernels]


def gates(x, y, axis):
    """Three values that one kernel computes."""
    a = F.tanh(x + y)
    return F.concat([a, F.exp(x) * a, a - y], axis)


@pytest.mark.parametrize("axis", [0, 1, -1])
@pytest.mark.parametrize("shape", [(3, 5, 7), (1, 1, 1), (2, 16, 32), (4, 1, 33)])
def test_a_concatenation_is_written_by_the_kernel_that_computes_its_parts(shape, axis):
    (ops,) = kernels_of(lambda x, y: gates(x, y, axis), real(*shape), real(*shape))
    assert ops[-1] == "ConcatV2"


def test_parts_that_others_read_are_stored_as_well():
    def program(x, y):
        a = F.tanh(x + y)
        b = F.exp(a - y)
        return F.concat([a, b, a], 1), a, F.matmul(b, b, transpose_a=True)

    assert any({"Tanh", "ConcatV2"} <= set(ops) for ops in kernels_of(program, real(6, 10), real(6, 10)))


def test_parts_of_different_shapes_of_the_same_points():
    def program(x):
        a, b = F.tanh(x), F.exp(x)
        return F.concat([F.reshape(a, [6, 4]), F.reshape(b, [3, 8])[:, :4]], 0), F.concat([F.reshape(a, [24]), x], 0)

    kernels_of(program, real(24))


@pytest.mark.parametrize(
    "program",
    [
        lambda x, y: F.concat([F.tanh(x), F.reduce_sum(y, 1, keepdims=True)], 1),
        lambda x, y: F.concat([F.tanh(x), F.exp(y)[:, :3]], 1),
        lambda x, y: F.concat([x, y], 1),
    ],
    ids=["a sum", "a part", "arguments"],
)
def test_other_concatenations(program):
    kernels_of(program, real(6, 10), real(6, 10))


def rows(x):
    """Rows of what an iteration computes, of two values put together, and of what it begins with."""
    count = x.shape[0]
    made, both, before = (F.TensorArray(tf.float32, count) for _ in range(3))

    def step(i, h, made, both, before):
        new, gate = F.tanh(h + x[i]), F.sigmoid(h - x[i])
        both = both.write(i, F.concat([new * gate, gate], 0))
        return i + 1, new * 0.5 + h, made.write(i, new), both, before.write(i, h)

    out = F.while_loop(lambda i, *_: i < count, step, [0, x[0], made, both, before])
    return [a.stack() for a in out[2:]]


@pytest.mark.parametrize("shape", [(5, 4), (3, 1), (4, 33), (6, 2, 16)])
def test_rows_are_written_by_the_kernel_that_computes_or_reads_them(shape):
    kernels = kernels_of(rows, real(*shape))
    assert ["SetRow"] not in kernels and sum(ops.count("SetRow") for ops in kernels) == 3


def test_rows_of_a_list_that_is_read_in_the_same_iteration_are_copied():
    def program(x):
        def step(i, array):
            return i + 1, array.write(i, F.tanh(array.read(i - 1)) + array.read(i))

        array = F.TensorArray(tf.float32, 5, clear_after_read=False).unstack(x)
        return F.while_loop(lambda i, _: i < 5, step, [1, array])[1].stack()

    kernels_of(program, real(5, 40))


def test_a_row_out_of_range_is_an_error_and_writes_nothing_else():
    @tf.function
    def run(x, n):
        array = tf.TensorArray(tf.float32, 3)
        for i in tf.range(3):
            array = array.write(i + n, tf.exp(x[i]))
        return array.stack()

    x = tf.constant(real(3, 20))
    np.testing.assert_allclose(run(x, 0), np.exp(x), rtol=1e-6)
    with pytest.raises(tf.errors.OpError):
        run(x, 1)
    np.testing.assert_allclose(run(x, 0), np.exp(x), rtol=1e-6)
