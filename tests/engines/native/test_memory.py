"""What a run needs: tensors that share memory in the arena, and what is planned under a limit."""

import numpy as np
import pytest

import duoflow as tf
from duoflow.core.late import F
from duoflow.engines.native import engine as native
from tests.engines.agreement import agree, trace

SIDE = 512
BYTES = SIDE * SIDE * 4


def scaled(h):
    """Reads h where it writes."""
    return h * tf.reduce_sum(h)


def flipped(h):
    """Reads h elsewhere than where it writes."""
    return h[::-1] * tf.reduce_sum(h)


def twice(h):
    """Reads h where it writes and elsewhere."""
    return h * tf.reduce_sum(h) + tf.transpose(h)


@pytest.mark.parametrize(("middle", "tensors"), [(scaled, 1), (flipped, 2), (twice, 2)])
def test_a_kernel_writes_over_what_it_is_the_last_to_read(middle, tensors):
    x = np.random.default_rng(0).normal(size=(SIDE, SIDE)).astype(np.float32) / SIDE

    def f(x):
        return tf.matmul(middle(tf.matmul(x, x)), x)

    agree(f, x)
    executable = native.compile(trace(f, x))
    executable.run([x])
    (row,) = executable.report()
    assert tensors * BYTES <= row["memory"]["arena"] < (tensors + 0.9) * BYTES


def layers(count, wrap=lambda f: f):
    """A training step of pairs of dense layers, and the arguments of its trace."""
    rng = np.random.default_rng(0)
    weights = [tf.Variable(rng.normal(size=(64, 64)).astype(np.float32) / 8) for _ in range(2 * count)]

    def pair(first, second):
        return wrap(lambda h: tf.tanh(tf.matmul(tf.nn.relu(tf.matmul(h, first)), second)))

    pairs = [pair(*weights[i : i + 2]) for i in range(0, 2 * count, 2)]

    @tf.function
    def step(x):
        with tf.GradientTape() as tape:
            h = x
            for each in pairs:
                h = each(h)
            loss = tf.reduce_mean(tf.square(h))
        return loss, *tape.gradient(loss, weights)

    return step, tf.constant(rng.normal(size=(256, 64)).astype(np.float32))


def arena(function):
    """The bytes of the arena that a function's only trace was compiled for."""
    (trace,) = function.explain().traces
    (row,) = trace.specializations
    return row["memory"]["arena"]


def test_recompute_grad_computes_again_instead_of_keeping():
    (kept, x), (again, _) = layers(8), layers(8, tf.recompute_grad)
    for one, other in zip(kept(x), again(x), strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-6, atol=1e-9)
    assert arena(again) < 0.67 * arena(kept)


def test_what_is_later_is_not_merged_with_what_was_before():
    @tf.function
    def f(x):
        early = tf.exp(x)
        total = tf.reduce_sum(early, axis=0)
        return tf.exp(F.later(x, [total])) / total

    x = np.float32([[1.0, 2.0], [3.0, 4.0]])
    np.testing.assert_allclose(f(x), np.exp(x) / np.exp(x).sum(0), rtol=1e-6)
    ops = [op for row in f.explain().traces[0].specializations[0]["kernels"] for op in row["ops"]]
    assert ops.count("Exp") == 2
