"""The tape, gradients of graphs, and functions with gradients of their own."""

import numpy as np
import pytest

import duoflow as tf


def gradient(function, *values, **kwargs):
    """The gradients of a function of tensors."""
    tensors = [tf.constant(v) for v in values]
    with tf.GradientTape(**kwargs) as tape:
        tape.watch(tensors)
        out = function(*tensors)
    return tape.gradient(out, tensors)


def test_trainable_variables_are_watched_and_others_are_not():
    v, frozen, c = tf.Variable(2.0), tf.Variable(3.0, trainable=False), tf.constant(4.0)
    with tf.GradientTape() as tape:
        y = v * frozen * c
    assert tape.watched_variables() == (v,) or [w is v for w in tape.watched_variables()] == [True]
    dv, df, dc = tape.gradient(y, [v, frozen, c])
    assert dv.numpy() == 12.0 and df is None and dc is None


def test_variables_are_left_alone_on_request():
    v = tf.Variable(2.0)
    with tf.GradientTape(watch_accessed_variables=False) as tape:
        y = v * v
    assert tape.gradient(y, v) is None
    with tf.GradientTape(watch_accessed_variables=False) as tape:
        tape.watch(v)
        y = v * v
    assert tape.gradient(y, v).numpy() == 4.0


def test_gradients_keep_the_structure_of_the_sources():
    x = {"a": tf.constant(1.0), "b": [tf.constant(2.0), tf.constant(3.0)]}
    with tf.GradientTape() as tape:
        tape.watch(x)
        y = x["a"] * x["b"][0] + x["b"][1]
    g = tape.gradient(y, x)
    assert g["a"].numpy() == 2.0 and [t.numpy() for t in g["b"]] == [1.0, 1.0]


def test_a_tape_is_used_once_unless_it_is_persistent():
    x = tf.constant(3.0)
    with tf.GradientTape() as tape:
        tape.watch(x)
        y = x * x
    tape.gradient(y, x)
    with pytest.raises(RuntimeError, match="persistent"):
        tape.gradient(y, x)
    with tf.GradientTape(persistent=True) as tape:
        tape.watch(x)
        y = x * x
        z = y * y
    assert (tape.gradient(y, x).numpy(), tape.gradient(z, x).numpy()) == (6.0, 108.0)


def test_nested_tapes_give_higher_derivatives():
    x = tf.Variable(2.0)
    with tf.GradientTape() as outer:
        with tf.GradientTape() as middle:
            with tf.GradientTape() as inner:
                y = x**4
            first = inner.gradient(y, x)
        second = middle.gradient(first, x)
    third = outer.gradient(second, x)
    assert [t.numpy() for t in (first, second, third)] == [32.0, 48.0, 48.0]


def test_stop_recording_and_reset():
    x = tf.constant(3.0)
    with tf.GradientTape(persistent=True) as tape:
        tape.watch(x)
        y = x * x
        with tape.stop_recording():
            z = y * 2.0
        assert tape.gradient(z, x) is None and tape.gradient(y, x).numpy() == 6.0
        tape.reset()
        tape.watch(x)
        w = x * 5.0
    assert tape.gradient(y, x) is None and tape.gradient(w, x).numpy() == 5.0


def test_unconnected_gradients():
    x, y = tf.constant([1.0, 2.0]), tf.constant(1.0)
    with tf.GradientTape(persistent=True) as tape:
        tape.watch([x, y])
        z = y * 2.0
    assert tape.gradient(z, x) is None
    zeros = tape.gradient(z, x, unconnected_gradients=tf.UnconnectedGradients.ZERO)
    np.testing.assert_array_equal(zeros, [0.0, 0.0])
    assert tape.gradient(z, x, unconnected_gradients="zero").shape == (2,)


def test_output_gradients_weigh_the_targets():
    x = tf.constant([1.0, 2.0])
    with tf.GradientTape() as tape:
        tape.watch(x)
        y = x * x
    np.testing.assert_array_equal(tape.gradient(y, x, output_gradients=tf.constant([1.0, 10.0])), [2.0, 40.0])


def test_broadcasting_is_undone():
    a, b = gradient(lambda a, b: a * b, np.ones((2, 1, 3), np.float32), np.full((4, 1), 2.0, np.float32))
    np.testing.assert_array_equal(a, np.full((2, 1, 3), 8.0))
    np.testing.assert_array_equal(b, np.full((4, 1), 6.0))


@pytest.mark.parametrize("traced", [False, True])
def test_jacobian(traced):
    x = tf.constant([1.0, 2.0, 3.0])

    def jacobian():
        with tf.GradientTape() as tape:
            tape.watch(x)
            y = tf.stack([x * x, x * x * x])
        return tape.jacobian(y, x)

    out = tf.function(jacobian)() if traced else jacobian()
    assert out.shape == (2, 3, 3)
    np.testing.assert_allclose(out[0], np.diag([2.0, 4.0, 6.0]))
    np.testing.assert_allclose(out[1], np.diag([3.0, 12.0, 27.0]))


def test_batch_jacobian():
    x = tf.constant([[1.0, 2.0], [3.0, 4.0]])
    with tf.GradientTape() as tape:
        tape.watch(x)
        y = x * x
    out = tape.batch_jacobian(y, x)
    np.testing.assert_allclose(out, [np.diag([2.0, 4.0]), np.diag([6.0, 8.0])])


def test_batch_jacobian_needs_one_batch():
    x = tf.ones([2, 2])
    with tf.GradientTape() as tape:
        tape.watch(x)
        y = tf.concat([x, x], 0)
    with pytest.raises(ValueError, match="first dimension"):
        tape.batch_jacobian(y, x)


def test_stop_gradient():
    x = tf.Variable(3.0)
    with tf.GradientTape() as tape:
        y = x * tf.stop_gradient(x * x)
    assert tape.gradient(y, x).numpy() == 9.0


def test_custom_gradient_replaces_the_rule():
    @tf.custom_gradient
    def softplus(x):
        e = tf.exp(x)
        return tf.math.log(1 + e), lambda upstream: upstream * (1 - 1 / (1 + e))

    x = tf.constant(100.0)
    with tf.GradientTape() as tape:
        tape.watch(x)
        y = softplus(x)
    assert tape.gradient(y, x).numpy() == 1.0


@pytest.mark.parametrize("traced", [False, True])
def test_custom_gradient_with_variables(traced):
    w = tf.Variable(2.0)

    @tf.custom_gradient
    def scaled(x):
        def grad(upstream, variables=None):
            return upstream * 10.0, [upstream * 100.0 for _ in variables]

        return x * w, grad

    def run():
        x = tf.constant(3.0)
        with tf.GradientTape() as tape:
            tape.watch(x)
            y = scaled(x)
        return tape.gradient(y, [x, w])

    dx, dw = tf.function(run)() if traced else run()
    assert (dx.numpy(), dw.numpy()) == (10.0, 100.0)


def test_recompute_grad():
    w = tf.Variable(3.0)
    calls = []

    @tf.recompute_grad
    def square(x):
        calls.append(1)
        return w * x * x

    x = tf.constant(2.0)
    with tf.GradientTape() as tape:
        tape.watch(x)
        y = square(x)
    dx, dw = tape.gradient(y, [x, w])
    assert (dx.numpy(), dw.numpy(), len(calls)) == (12.0, 4.0, 2)


def test_lookups_give_indexed_slices():
    table = tf.Variable([[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]])
    with tf.GradientTape() as tape:
        y = tf.reduce_sum(tf.gather(table, [2, 0, 2]))
    g = tape.gradient(y, table)
    assert isinstance(g, tf.IndexedSlices)
    np.testing.assert_array_equal(tf.convert_to_tensor(g), [[1, 1], [0, 0], [2, 2]])


def test_integers_are_not_watched(caplog):
    """TensorFlow warns and goes on."""
    x = tf.constant(1)
    with tf.GradientTape() as tape:
        tape.watch(x)
        y = tf.cast(x, tf.float32) * 2.0
    assert "must be floating (e.g. tf.float32), got tf.int32" in caplog.text
    assert tape.gradient(y, x) is None


def test_gradients_in_a_graph():
    with tf.Graph().as_default():
        x = tf.compat.v1.placeholder(tf.float32, [])
        y = x**3
        (dy,) = tf.gradients(y, x)
        (d2y,) = tf.gradients(dy, x)
        (none,) = tf.gradients(tf.constant(1.0), x)
        with tf.compat.v1.Session() as session:
            assert session.run([dy, d2y], {x: 2.0}) == [12.0, 12.0]
        assert none is None


def test_gradients_stop_where_they_are_told():
    with tf.Graph().as_default():
        x = tf.compat.v1.placeholder(tf.float32, [])
        y = x * x
        (g,) = tf.gradients(y * x, x, stop_gradients=[y])
        with tf.compat.v1.Session() as session:
            assert session.run(g, {x: 3.0}) == 9.0


def test_gradients_need_a_graph():
    with pytest.raises(RuntimeError, match="GradientTape"):
        tf.gradients(tf.constant(1.0), tf.constant(1.0))
