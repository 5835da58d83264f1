"""Forward mode: tangents of values, alone and mixed with tapes, in eager mode and in functions."""

import logging

import numpy as np
import pytest

import duoflow as tf
from duoflow.autodiff import ForwardAccumulator

c = tf.constant

PROGRAMS = {
    "elementwise": lambda x: tf.sin(x) * x + tf.exp(-x),
    "broadcasting": lambda x: x * tf.constant([[1.0], [2.0]]) + 1.0,
    "reduction": lambda x: tf.reduce_logsumexp(x * x),
    "product": lambda x: tf.matmul(x[tf.newaxis], tf.stack([x, x * 2.0], axis=1)),
    "compound": lambda x: tf.nn.softmax(x)[0],
    "gather": lambda x: tf.gather(x, [1, 1, 0]) * x[0],
    "loop": lambda x: tf.while_loop(lambda i, y: i < 3, lambda i, y: (i + 1, y * tf.tanh(y)), [tf.constant(0), x])[1],
    "branch": lambda x: tf.cond(x[0] > 0.0, lambda: x * x, lambda: -x),
    "function": tf.function(lambda x: tf.tanh(x) * x),
}


@pytest.mark.parametrize("inside", [False, True], ids=["eager", "function"])
@pytest.mark.parametrize("name", PROGRAMS)
def test_against_differences(name, inside):
    function, at, along = PROGRAMS[name], np.float64([0.3, 0.7]), np.float64([0.5, -1.5])

    def pushed(x, v):
        with ForwardAccumulator(x, v) as acc:
            y = function(x)
        return acc.jvp(y)

    if name in ("broadcasting", "product"):
        function, at, along = PROGRAMS[name], np.float32(at), np.float32(along)
    got = (tf.function(pushed) if inside else pushed)(c(at), c(along)).numpy()
    step = 1e-3 if at.dtype == np.float32 else 1e-6
    wanted = (function(c(at + step * along)).numpy() - function(c(at - step * along)).numpy()) / (2 * step)
    np.testing.assert_allclose(got, wanted, rtol=2e-3, atol=2e-3 if step > 1e-5 else 1e-7)


def test_variables_structures_and_what_does_not_depend():
    v, x = tf.Variable([1.0, 2.0]), c(3.0)
    with ForwardAccumulator({"v": v, "x": x}, {"v": c([1.0, 1.0]), "x": c(2.0)}) as acc:
        y, z = v * v * x, c(1.0) + 0.0
    assert acc.jvp([y, x])[0].numpy().tolist() == [8.0, 20.0] and float(acc.jvp(x)) == 2.0
    assert acc.jvp(z) is None
    assert float(acc.jvp(z, unconnected_gradients=tf.UnconnectedGradients.ZERO)) == 0.0
    after = v * x
    assert acc.jvp(after) is None


def test_modes_nest_either_way():
    x, v = c([2.0, 3.0]), c([1.0, 0.5])
    with ForwardAccumulator(x, v) as acc:
        with tf.GradientTape() as tape:
            tape.watch(x)
            y = tf.reduce_sum(x**3)
        gradient = tape.gradient(y, x)
    with tf.GradientTape() as tape:
        tape.watch(x)
        with ForwardAccumulator(x, v) as inner:
            y = tf.reduce_sum(x**3)
        pushed = inner.jvp(y)
    with ForwardAccumulator(x, v) as one, ForwardAccumulator(x, v) as two:
        y = x**3
    np.testing.assert_allclose(acc.jvp(gradient), [12.0, 9.0], rtol=1e-6)
    np.testing.assert_allclose(tape.gradient(pushed, x), [12.0, 9.0], rtol=1e-6)
    np.testing.assert_allclose(one.jvp(two.jvp(y)), [12.0, 4.5], rtol=1e-6)


def test_mistakes():
    with pytest.raises(ValueError, match="tangent of shape"):
        ForwardAccumulator(c([1.0, 2.0]), c([1.0, 2.0, 3.0]))
    with pytest.raises(ValueError, match="structure"):
        ForwardAccumulator([c(1.0)], c(1.0))
    acc = ForwardAccumulator(c(1.0), c(1.0))
    with acc, pytest.raises(ValueError, match="already recording"):
        acc.__enter__()


def test_integers_are_warned_about(caplog):
    with caplog.at_level(logging.WARNING, logger="tensorflow"):
        ForwardAccumulator(c(1), c(1))
    assert "must be floating" in caplog.text


def test_gradients_may_pass_a_function():
    x, w = tf.Variable([0.4, 1.6]), tf.Variable(2.0)
    with tf.GradientTape() as tape:
        y = tf.reduce_sum(tf.grad_pass_through(lambda t: tf.round(t) * w)(x))
    assert y.numpy() == 4.0
    gradient, none = tape.gradient(y, [x, w])
    assert gradient.numpy().tolist() == [1.0, 1.0] and none is None
