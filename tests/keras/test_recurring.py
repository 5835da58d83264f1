"""Recurrent layers in a loop without tf.function: compiled once they recur, and the same as step by step."""

import copy
import gc
import weakref

import numpy as np
import pytest

import duoflow as tf
from duoflow.core.switches import switches

layers = tf.keras.layers
TIMES = 36  # more than it takes


def compiled(layer):
    """How many kinds of calls of a layer are compiled."""
    return sum(form.code is not None for form in layer._recurring._forms.values())


def sequences(seed, batch=3, steps=5):
    return tf.constant(np.random.default_rng(seed).normal(size=(batch, steps, 4)), tf.float32)


def run(layer, x, **kwargs):
    """Outputs and gradients of a call, as one list."""
    with tf.GradientTape() as tape:
        tape.watch(x)
        out = tf.nest.flatten(layer(x, **kwargs))
        loss = tf.add_n([tf.reduce_sum(tf.square(o)) for o in out])
    return [*out, *tape.gradient(loss, [x, *layer.trainable_variables])]


def check(layer, forms=1, **kwargs):
    for seed in range(TIMES):
        got = run(layer, sequences(seed), **kwargs)
    assert compiled(layer) == forms
    switches.eager_compile = False
    try:
        want = run(layer, sequences(TIMES - 1), **kwargs)
    finally:
        switches.eager_compile = True
    for a, b in zip(got, want, strict=True):
        np.testing.assert_allclose(a, b, rtol=2e-5, atol=2e-6)


LAYERS = {
    "LSTM": lambda: layers.LSTM(6), "GRU": lambda: layers.GRU(6), "SimpleRNN": lambda: layers.SimpleRNN(6),
    "sequences and states": lambda: layers.LSTM(6, return_sequences=True, return_state=True),
    "backwards": lambda: layers.GRU(6, go_backwards=True, return_sequences=True),
    "not reset after": lambda: layers.GRU(6, reset_after=False), "a cell": lambda: layers.RNN(layers.LSTMCell(6)),
    "unrolled": lambda: layers.LSTM(6, unroll=True),
}  # fmt: skip


@pytest.mark.parametrize("make", LAYERS.values(), ids=LAYERS)
def test_layers(make):
    check(make())


def test_masks_and_initial_states():
    mask = tf.constant(np.arange(15).reshape(3, 5) % 4 != 0)
    check(layers.LSTM(6, return_sequences=True), mask=mask)
    check(layers.GRU(6), initial_state=tf.ones([3, 6]), training=True)


def test_states_that_stay():
    fixed = {"kernel_initializer": "ones", "recurrent_initializer": "identity"}
    layer, twin = (layers.SimpleRNN(6, stateful=True, **fixed) for _ in range(2))
    for seed in range(TIMES):
        got = layer(sequences(seed))
        switches.eager_compile = False
        try:
            want = twin(sequences(seed))
        finally:
            switches.eager_compile = True
        np.testing.assert_allclose(got, want, rtol=2e-5, atol=2e-6)
    assert compiled(layer) == 1


@pytest.mark.parametrize(
    "make",
    [
        lambda: layers.LSTM(6, dropout=0.5),
        lambda: layers.LSTM(6, recurrent_dropout=0.5),
        lambda: layers.LSTM(6, activation=lambda x: tf.tanh(x)),
        lambda: layers.RNN([layers.GRUCell(6), layers.GRUCell(5)]),
        lambda: layers.RNN(type("Cell", (layers.SimpleRNNCell,), {})(6)),
    ],
    ids=["dropout", "dropout of states", "an activation of the program's own", "stacked cells", "a cell of its own"],
)
def test_what_may_do_more_than_compute_is_not_compiled(make):
    layer = make()
    for seed in range(TIMES):
        layer(sequences(seed), training=True)
    assert compiled(layer) == 0


def test_other_shapes_and_changed_attributes_have_their_own():
    layer = layers.LSTM(6)
    for seed in range(TIMES):
        for batch in (2, 3):
            assert layer(sequences(seed, batch)).shape == (batch, 6)
    assert compiled(layer) == 2
    before = layer(sequences(0)).numpy()
    layer.cell.activation = tf.keras.activations.relu
    assert not np.allclose(layer(sequences(0)), before)


def test_changed_weights_are_read():
    layer = layers.SimpleRNN(2, use_bias=False)
    for seed in range(TIMES):
        layer(sequences(seed))
    assert compiled(layer) == 1
    layer.set_weights([np.zeros((4, 2), np.float32), np.zeros((2, 2), np.float32)])
    assert layer(sequences(0)).numpy().tolist() == [[0, 0]] * 3


def test_copies_begin_anew_and_nothing_is_kept_alive():
    layer = layers.LSTM(6)
    for seed in range(TIMES):
        layer(sequences(seed))
    twin = copy.deepcopy(layer)
    assert compiled(twin) == 0
    np.testing.assert_allclose(twin(sequences(1)), layer(sequences(1)), rtol=1e-5, atol=1e-6)
    gone = weakref.ref(layer)
    del layer
    gc.collect()
    assert gone() is None
