"""Loops over TensorArrays, their gradients and Keras' recurrent layers: all of it inside the native program."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

import duoflow as tf
from tests.engines.native.test_control import hosted, hosted_in

RNG = np.random.default_rng(3)
X = tf.constant(RNG.normal(size=(5, 4)), tf.float32)
W = tf.constant(RNG.normal(size=(4, 4)) / 4, tf.float32)


def written_and_stacked(x):
    out = tf.TensorArray(tf.float32, 5)
    for i in tf.range(5):
        out = out.write(i, x[i] * tf.cast(i, tf.float32))
    return out.stack()


def written_twice_in_an_iteration(x):
    out = tf.TensorArray(tf.float32, 10)
    for i in tf.range(5):
        out = out.write(2 * i, x[i]).write(2 * i + 1, -x[i])
    return out.stack()


def read_and_written(x):
    array = tf.TensorArray(tf.float32, 5, clear_after_read=False).unstack(x)
    for i in tf.range(1, 5):
        array = array.write(i, array.read(i) + 0.5 * array.read(i - 1))
    return array.stack()


def read_before_written(x):
    array = tf.TensorArray(tf.float32, 6, element_shape=[4], clear_after_read=False)
    array = array.write(2, x[0])
    for i in tf.range(5):
        array = array.write(i, array.read(5 - i) + x[i])
    return array.stack()


def growing(x):
    array = tf.TensorArray(tf.float32, 0, dynamic_size=True, element_shape=[4])
    for i in tf.range(5):
        array = array.write(i, tf.tanh(x[i]))
    return array.stack()


def two_arrays(x):
    a, b = tf.TensorArray(tf.float32, 5), tf.TensorArray(tf.float32, 5)
    h = tf.zeros([4])
    for i in tf.range(5):
        h = tf.tanh(tf.linalg.matvec(W, h) + x[i])
        a, b = a.write(i, h), b.write(4 - i, h * h)
    return a.stack() + b.stack()


def in_a_branch(x):
    out = tf.TensorArray(tf.float32, 5)
    for i in tf.range(5):
        if i % 2 == 0:
            out = out.write(i, x[i])
        else:
            out = out.write(i, 2.0 * x[i])
    return out.stack()


def nested(x):
    out = tf.TensorArray(tf.float32, 5)
    for i in tf.range(5):
        h = x[i]
        for _ in tf.range(3):
            h = tf.sin(tf.linalg.matvec(W, h))
        out = out.write(i, h)
    return out.stack()


def without_iterations(x):
    out = tf.TensorArray(tf.float32, 5, element_shape=[4])
    for i in tf.range(0):
        out = out.write(i, x[i])
    return out.stack() + tf.exp(x)


def limited(x):
    return tf.while_loop(
        lambda i, h: tf.reduce_sum(h) < 100.0, lambda i, h: (i + 1, h * 1.5 + x[i]), (0, x[0]), maximum_iterations=4
    )[1]


def scanned(x):
    return tf.scan(lambda h, v: tf.tanh(tf.linalg.matvec(W, h) + v), x, tf.zeros([4]))


def mapped(x):
    return tf.map_fn(lambda v: tf.nn.softmax(v) * tf.reduce_sum(v), x)


def folded(x):
    return tf.foldl(lambda h, v: h * tf.sin(v), x) + tf.foldr(lambda h, v: h + v * v, x)


PROGRAMS: list[Callable] = [
    written_and_stacked, written_twice_in_an_iteration, read_and_written, read_before_written, growing, two_arrays,
    in_a_branch, nested, without_iterations, limited, scanned, mapped, folded,
]  # fmt: skip


def first_and_second(f, x):
    with tf.GradientTape() as outer:
        outer.watch(x)
        with tf.GradientTape() as inner:
            inner.watch(x)
            y = tf.reduce_sum(tf.sin(f(x)))
        first = inner.gradient(y, x)
        again = tf.reduce_sum(first * first)
    return y, first, outer.gradient(again, x)


@pytest.mark.parametrize("program", PROGRAMS, ids=lambda p: p.__name__)
def test_runs_without_python_and_agrees_with_eager_mode(program):
    compiled = tf.function(program)
    assert hosted(compiled, X) == []
    np.testing.assert_allclose(compiled(X), tf.autograph.to_graph(program)(X), rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("program", PROGRAMS, ids=lambda p: p.__name__)
def test_gradients_agree_with_eager_mode_and_run_without_python(program):
    eager = tf.autograph.to_graph(program)

    @tf.function
    def first(x):
        with tf.GradientTape() as tape:
            tape.watch(x)
            y = tf.reduce_sum(tf.sin(eager(x)))
        return y, tape.gradient(y, x)

    twice = tf.function(lambda x: first_and_second(eager, x))
    assert hosted(first, X) == []
    want = first_and_second(eager, X)
    for got, expected in zip((*first(X), *twice(X)), (*want[:2], *want), strict=True):
        np.testing.assert_allclose(got, expected, rtol=2e-4, atol=1e-5)


def test_the_shapes_of_a_list_may_come_with_the_call():
    @tf.function(input_signature=[tf.TensorSpec([None, None])])
    def run(x):
        out = tf.TensorArray(tf.float32, tf.shape(x)[0])
        for i in tf.range(tf.shape(x)[0]):
            out = out.write(i, tf.exp(x[i]))
        return out.stack()

    for shape in ((3, 2), (4, 5), (1, 1)):
        x = tf.random.stateless_normal(shape, [1, 2])
        np.testing.assert_allclose(run(x), tf.exp(x), rtol=1e-5)


@pytest.mark.parametrize("bad", [-1, 5])
def test_elements_out_of_range_are_tensorflows_error(bad):
    @tf.function
    def write(i):
        array = tf.TensorArray(tf.float32, 5, element_shape=[])
        for k in tf.range(2):
            array = array.write(i + k * 0, 1.0)
        return array.stack()

    @tf.function
    def read(i):
        array, total = tf.TensorArray(tf.float32, 5, clear_after_read=False).unstack(tf.range(5.0)), 0.0
        for k in tf.range(2):
            total += array.read(i + k * 0)
        return total

    assert float(tf.reduce_sum(write(tf.constant(4)))) == 1.0
    assert float(read(tf.constant(4))) == 8.0
    for function in (write, read):
        with pytest.raises(tf.errors.InvalidArgumentError):
            function(tf.constant(bad))


def test_a_list_without_a_bound_stays_with_the_host_and_is_right():
    @tf.function
    def run(n):
        array = tf.TensorArray(tf.int32, 0, dynamic_size=True)
        for i in tf.range(n):
            array = array.write(i, i * i)
        return array.stack()

    assert hosted(run, tf.constant(3)) != []
    np.testing.assert_array_equal(run(tf.constant(4)), [0, 1, 4, 9])


def counted(x, n):
    h, i = x, tf.constant(0)
    while i < n:
        h = tf.tanh(h @ W)
        i += 1
    return h


def until_small(x, n):
    h = x * tf.cast(n, tf.float32)
    while tf.reduce_max(tf.abs(h)) > 0.05:
        h = tf.sin(h @ W) * 0.9
    return h


def left_early(x, n):
    h = x
    for i in tf.range(1000):
        h = tf.tanh(h @ W + x)
        if i >= n:
            break
    return h


def skipping(x, n):
    h = x
    for i in tf.range(n):
        if i % 3 == 1:
            continue
        h = tf.tanh(h @ W) + x
    return h


def over_unknown_times(x, n):
    rows, h = tf.broadcast_to(x, [400, *x.shape]), x
    for i in tf.range(n):
        h = tf.tanh(h @ W + rows[i])
    return h


@pytest.mark.parametrize(
    "program", [counted, until_small, left_early, skipping, over_unknown_times], ids=lambda f: f.__name__
)
def test_gradients_of_loops_of_any_length_run_without_python_in_the_iterations(program):
    def gradient(x, n):
        with tf.GradientTape() as tape:
            tape.watch(x)
            y = tf.reduce_sum(program(x, n) ** 2.0)
        return y, tape.gradient(y, x)

    compiled = tf.function(gradient)
    for n in (3, 20, 0, 70, 300, 5):
        for got, want in zip(compiled(X, tf.constant(n)), gradient(X, tf.constant(n)), strict=True):
            np.testing.assert_allclose(got, want, rtol=2e-4, atol=1e-6)
    assert set(hosted(compiled, X, tf.constant(300))) <= {"Ended"}


def test_a_run_that_is_given_up_has_done_nothing(tmp_path):
    count, written = tf.Variable(0.0), tmp_path / "written"

    @tf.function
    def step(x, n):
        count.assign_add(1.0)
        with tf.GradientTape() as tape:
            tape.watch(x)
            y = tf.reduce_sum(counted(x, n) * count)
        tf.print(n, output_stream=f"file://{written}")
        count.assign_add(10.0)
        return tape.gradient(y, x)

    for n in (2, 30, 2, 90):
        step(X, tf.constant(n))
    assert count.numpy() == 44.0 and written.read_text().split() == ["2", "30", "2", "90"]


def test_after_an_effect_no_length_is_assumed(capfd):
    @tf.function
    def gradient(x, n):
        tf.print("begin")
        with tf.GradientTape() as tape:
            tape.watch(x)
            y = tf.reduce_sum(counted(x, n))
        return tape.gradient(y, x)

    for n in (2, 30):
        gradient(X, tf.constant(n))
    assert capfd.readouterr().err.split() == ["begin"] * 2


@pytest.mark.parametrize("kind", ["SimpleRNN", "GRU", "LSTM"])
def test_recurrent_layers_train_without_python_whatever_the_batch(kind):
    layers = tf.keras.layers
    model = tf.keras.Sequential(
        [
            layers.Input((6, 3)),
            layers.Masking(),
            getattr(layers, kind)(5, return_sequences=True),
            layers.Bidirectional(getattr(layers, kind)(4)),
        ]
    )

    def gradients(x):
        with tf.GradientTape() as tape:
            loss = tf.reduce_mean(model(x, training=True) ** 2.0)
        return tape.gradient(loss, model.trainable_variables)

    compiled = tf.function(gradients, input_signature=[tf.TensorSpec([None, 6, 3])])
    for batch in (4, 2):
        x = RNG.normal(size=(batch, 6, 3)).astype(np.float32)
        x[0, 3:] = 0.0
        assert hosted_in(compiled.get_concrete_function(), tf.constant(x)) == []
        for got, want in zip(compiled(x), gradients(x), strict=True):
            np.testing.assert_allclose(got, want, rtol=1e-4, atol=1e-6)
