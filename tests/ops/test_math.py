"""Arithmetic: what the table of cases does not say — conversions, errors, sparse gradients, higher derivatives."""

from __future__ import annotations

import numpy as np
import pytest

import duoflow as tf


def test_python_numbers_adapt_to_the_tensor() -> None:
    x = tf.constant([1.0, 2.0], tf.float64)
    for y in (x + 1, 1 + x, x * np.float32(2), np.float32(2) * x, x**2, 2**x, x - [1, 1]):
        assert y.dtype is tf.float64
    assert (tf.constant([3], tf.int8) + 1).dtype is tf.int8


@pytest.mark.parametrize("add", [lambda x, y: x * y, tf.maximum, tf.less, tf.pow])
def test_floats_do_not_squeeze_into_ints(add) -> None:
    with pytest.raises(TypeError):
        add(tf.constant([1]), 1.5)


def test_errors_name_the_line_and_the_fix() -> None:
    with pytest.raises(tf.errors.InvalidArgumentError, match=r"float32.*int32.*tf\.cast(.|\n)*test_math\.py"):
        tf.constant([1.0]) * tf.constant([1])
    with pytest.raises(tf.errors.InvalidArgumentError, match=r"Incompatible shapes: \[2\] vs\. \[3\]"):
        tf.ones([2]) + tf.ones([3])


def test_graph_errors_are_raised_while_tracing() -> None:
    with tf.Graph().as_default():
        with pytest.raises(ValueError, match="Incompatible shapes"):
            tf.ones([2]) + tf.ones([3])
        with pytest.raises(TypeError, match=r"tf\.cast"):
            tf.multiply(tf.ones([2]), tf.constant([1, 2]))
        with pytest.raises(ValueError, match="Invalid reduction dimension"):
            tf.reduce_sum(tf.ones([2]), 1)


def test_comparison_operators_of_odd_operands() -> None:
    x = tf.constant([1, 2])
    assert (x == None) is False and (x != None) is True  # noqa: E711
    assert not bool(x == tf.constant([1, 2, 3])) and bool(x != tf.constant([1, 2, 3]))
    with pytest.raises(tf.errors.InvalidArgumentError):
        tf.equal(x, tf.constant([1, 2, 3]))


def test_indexed_slices_are_clipped_by_their_rows() -> None:
    rows = tf.IndexedSlices([[3.0, 4.0]], [1], [5, 2])
    clipped = tf.clip_by_norm(rows, 1.0)
    assert isinstance(clipped, tf.IndexedSlices)
    np.testing.assert_allclose(clipped.values.numpy(), [[0.6, 0.8]], rtol=1e-6)
    (both, nothing), norm = tf.clip_by_global_norm([rows, None], 1.0)
    assert nothing is None and norm.numpy() == 5.0
    np.testing.assert_allclose(both.values.numpy(), [[0.6, 0.8]], rtol=1e-6)
    assert isinstance(tf.math.scalar_mul(2.0, rows), tf.IndexedSlices)


@pytest.mark.parametrize(
    ("function", "second"),
    [
        (tf.exp, np.exp),
        (tf.sin, lambda x: -np.sin(x)),
        (tf.tanh, lambda x: -2 * np.tanh(x) / np.cosh(x) ** 2),
        (lambda x: x**3, lambda x: 6 * x),
        (lambda x: 1 / x, lambda x: 2 / x**3),
        (tf.math.log, lambda x: -1 / x**2),
        (tf.sqrt, lambda x: -0.25 * x**-1.5),
        (tf.math.softplus, lambda x: np.exp(x) / (1 + np.exp(x)) ** 2),
    ],
)
def test_second_derivatives(function, second) -> None:
    x = tf.constant([0.3, 0.9, 1.7], tf.float64)
    with tf.GradientTape() as outer:
        outer.watch(x)
        with tf.GradientTape() as inner:
            inner.watch(x)
            y = function(x)
        slope = inner.gradient(y, x)
    np.testing.assert_allclose(outer.gradient(slope, x).numpy(), second(x.numpy()), rtol=1e-9)


def test_gradients_at_ties_go_to_the_first_operand() -> None:
    x, y = tf.constant([1.0]), tf.constant([1.0])
    with tf.GradientTape() as tape:
        tape.watch([x, y])
        z = tf.maximum(x, y)
    assert [g.numpy().tolist() for g in tape.gradient(z, [x, y])] == [[1.0], [0.0]]


def test_low_precision_sums_do_not_stall() -> None:
    for dtype in (tf.bfloat16, tf.float16):
        assert float(tf.reduce_sum(tf.ones([4096], dtype))) == 4096
        assert float(tf.matmul(tf.ones([1, 4096], dtype), tf.ones([4096, 1], dtype))[0, 0]) == 4096


AT_ZERO = {
    "sigmoid-cross-entropy": (lambda x: tf.nn.sigmoid_cross_entropy_with_logits([0.25, 1.0], x), [0.25, -0.5]),
    "cumprod": (tf.math.cumprod, [0.0, 0.0]),
    "abs": (tf.abs, [0.0, 0.0]),
    "relu": (tf.nn.relu, [0.0, 0.0]),
    "leaky_relu": (tf.nn.leaky_relu, [0.2, 0.2]),
    "sqrt": (tf.sqrt, [np.inf, np.inf]),
    "maximum": (lambda x: tf.maximum(x, 0.0), [1.0, 1.0]),
}


@pytest.mark.parametrize(("function", "slopes"), AT_ZERO.values(), ids=AT_ZERO)
def test_gradients_at_zero(function, slopes) -> None:
    """Where weights start, and where a subgradient is a choice: TensorFlow's."""
    x = tf.zeros([2])
    with tf.GradientTape() as tape:
        tape.watch(x)
        y = function(x)
    np.testing.assert_allclose(tape.gradient(y, x), slopes)
