"""Loops whose rows threads divide: which loops those are, and that the number of threads changes no bit."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

import duoflow as tf
from duoflow.core.engine import executable
from duoflow.core.switches import switches

RNG = np.random.default_rng(11)
UNITS = 96


def normal(*shape: int) -> tf.Tensor:
    return tf.constant(RNG.normal(size=shape), tf.float32)


W, BIAS = normal(UNITS, UNITS) / 10, normal(UNITS)


def simple(x):
    h = x
    for _ in tf.range(7):
        h = tf.tanh(h @ W + BIAS)
    return h


def over_time(x):
    """Rows of a list read and written, forwards and backwards."""
    inputs = tf.stack([x, -x, 2.0 * x, x * x])
    out = tf.TensorArray(tf.float32, 4)
    h = tf.zeros_like(x)
    for i in tf.range(4):
        h = tf.tanh(h @ W + inputs[3 - i])
        out = out.write(i, h)
    return out.stack()


def normalised(x):
    """Sums over features, in one kernel and in several."""
    for _ in tf.range(5):
        x = tf.nn.softmax(x @ W) * 4.0
        x = x - tf.reduce_mean(x, 1, keepdims=True)
    return x


def masked(x):
    """Some rows stop earlier."""
    length = tf.range(tf.shape(x)[0]) % 5
    for i in tf.range(5):
        x = tf.where((i < length)[:, None], tf.nn.relu(x @ W), x)
    return x


def parted(x):
    """Parts of features, put together in another order."""
    for _ in tf.range(4):
        a, b, c = tf.split(x @ W, 3, axis=1)
        x = tf.concat([c, tf.sigmoid(a), a * b], 1)
    return x


def exchanged(x):
    """Variables that take each other's values."""
    a, b, before, now = x, -x, 0, 1
    for _ in tf.range(5):
        a, b = b, tf.tanh(a @ W)
        before, now = now, before + now
    return a + b, before, now


def with_gradient(x):
    with tf.GradientTape() as tape:
        tape.watch([x, W, BIAS])
        y = tf.reduce_sum(over_time(x) ** 2.0) + tf.reduce_sum(parted(x) * x)
    return tape.gradient(y, [x, W])


def of_layers(layer: Callable[..., tf.keras.layers.Layer], **options):
    def run(x):
        made = layer(UNITS, kernel_initializer="ones", recurrent_initializer="orthogonal", seed=1, **options)
        return made(tf.stack([x, x * 0.5, -x], 1) / 40.0)

    run.__name__ = layer.__name__
    return run


def between_rows(x):
    for _ in tf.range(3):
        x = tf.tanh(tf.reverse(x @ W, [0]))
    return x


def of_the_batch(x):
    for _ in tf.range(3):
        x = tf.tanh(x @ W) - tf.reduce_mean(x, 0)
    return x


def until_all_are_done(x):
    i = 0
    while i < 50 and tf.reduce_any(x > 0.01):
        x = tf.tanh(x @ W) / 4.0
        i += 1
    return x


def without_bound(x):
    n = tf.cast(tf.reduce_sum(x * 0.0), tf.int32) + 3
    while n != 0:
        x = tf.tanh(x @ W)
        n -= 1
    return x


def shared_weights_change(x):
    w = W
    for _ in tf.range(3):
        x, w = tf.tanh(x @ w), tf.tanh(w @ W)
    return x


DIVIDED = [simple, over_time, normalised, masked, parted, exchanged, with_gradient]
NOT_DIVIDED = [between_rows, of_the_batch, until_all_are_done, without_bound, shared_weights_change]


def run(function, threads: int, x: tf.Tensor, monkeypatch) -> tuple[list[np.ndarray], list[str]]:
    """What a function gives with so many threads, and the names of its loops."""
    monkeypatch.setattr(switches, "threads", threads)
    concrete = tf.function(function).get_concrete_function(tf.TensorSpec([None, UNITS]))
    for _ in range(3):
        results = [t.numpy() for t in tf.nest.flatten(concrete(x))]
    rows = executable(concrete.graph).kernels  # type: ignore[attr-defined]
    return results, [row["name"] for row in rows if row["name"].startswith(("While", "StatelessWhile"))]


@pytest.mark.parametrize("batch", [24, 37])
@pytest.mark.parametrize("function", DIVIDED, ids=lambda f: f.__name__)
def test_rows_are_divided_and_no_bit_depends_on_it(function, batch, monkeypatch):
    x = normal(batch, UNITS)
    alone, loops = run(function, 1, x, monkeypatch)
    assert loops and not any(name.endswith("by rows") for name in loops)
    for threads in (2, 3):
        together, loops = run(function, threads, x, monkeypatch)
        assert all(name.endswith("by rows") for name in loops)
        for got, want in zip(together, alone, strict=True):
            np.testing.assert_array_equal(got, want)


@pytest.mark.parametrize("function", NOT_DIVIDED, ids=lambda f: f.__name__)
def test_rows_that_depend_on_others_are_not_divided(function, monkeypatch):
    x = normal(24, UNITS)
    alone, _ = run(function, 1, x, monkeypatch)
    together, loops = run(function, 2, x, monkeypatch)
    assert loops and not any(name.endswith("by rows") for name in loops)
    for got, want in zip(together, alone, strict=True):
        np.testing.assert_array_equal(got, want)


def test_few_rows_are_not_divided(monkeypatch):
    assert not run(simple, 2, normal(8, UNITS), monkeypatch)[1][0].endswith("by rows")


@pytest.mark.parametrize("kind", ["SimpleRNN", "GRU", "LSTM"])
def test_recurrent_layers_are_divided_both_ways(kind, monkeypatch):
    layers = tf.keras.layers
    model = tf.keras.Sequential([
        layers.Input((6, 3)), layers.Masking(), getattr(layers, kind)(UNITS, return_sequences=True),
        layers.Bidirectional(getattr(layers, kind)(UNITS)),
    ])  # fmt: skip
    inputs = RNG.normal(size=(24, 6, 3)).astype(np.float32)
    inputs[:5, 3:] = 0.0

    def gradients(x):
        with tf.GradientTape() as tape:
            loss = tf.reduce_mean(model(tf.reshape(x, [-1, 6, 3]), training=True) ** 2.0)
        return tape.gradient(loss, model.trainable_variables)

    def flat(x):
        return gradients(x[:, :18])

    x = tf.constant(np.pad(inputs.reshape(24, 18), [(0, 0), (0, UNITS - 18)]))
    alone, _ = run(flat, 1, x, monkeypatch)
    together, loops = run(flat, 2, x, monkeypatch)
    assert len(loops) == 6 and all(name.endswith("by rows") for name in loops)
    for got, want in zip(together, alone, strict=True):
        np.testing.assert_array_equal(got, want)
