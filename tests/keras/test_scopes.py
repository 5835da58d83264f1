"""keras.remat, keras.RematScope and keras.device."""

from contextlib import nullcontext

import numpy as np
import pytest

import duoflow as tf
from duoflow import keras


def test_remat_computes_again_what_gradients_need():
    calls = []

    def twice(x):
        calls.append(x.shape)
        return ops.tanh(x) * 2.0

    ops = keras.ops
    x = tf.constant([0.3, -1.0])
    with tf.GradientTape() as tape:
        tape.watch(x)
        y = keras.remat(twice)(x)
    assert len(calls) == 1
    np.testing.assert_allclose(tape.gradient(y, x), 2 - 2 * np.tanh([0.3, -1.0]) ** 2, rtol=1e-5)
    assert len(calls) == 2


def test_remat_in_a_layer_trains_as_without():
    class Block(keras.layers.Layer):
        def __init__(self, wrap):
            super().__init__()
            self.inner, self.wrap = keras.layers.Dense(3, "tanh"), wrap

        def build(self, shape):
            self.inner.build(shape)

        def call(self, x):
            return self.wrap(lambda x: self.inner(x) + x)(x)

    def losses(wrap):
        keras.utils.set_random_seed(3)
        model = keras.Sequential([keras.Input((3,)), Block(wrap), keras.layers.Dense(1)])
        model.compile("adam", "mse")
        x = np.linspace(-1, 1, 24, dtype="float32").reshape(8, 3)
        return model.fit(x, x[:, :1], epochs=3, verbose=0).history["loss"]

    np.testing.assert_allclose(losses(keras.remat), losses(lambda f: f), rtol=1e-6)


def test_operations_run_within_a_device():
    with keras.device("cpu:0"):
        assert int(keras.ops.add(1, 2)) == 3


SCOPES = {
    "full": {"mode": "full"},
    "activations": {"mode": "activations"},
    "larger than": {"mode": "larger_than", "output_size_threshold": 20},
    "of a list": {"mode": "list_of_layers", "layer_names": ["a", "d"]},
    "none": {"mode": None},
}


def histories(scope):
    keras.utils.clear_session(free_memory=False)
    keras.utils.set_random_seed(3)
    with scope:
        net = keras.Sequential([
            keras.Input((4, 3)),
            keras.layers.Dense(8, "tanh", name="a"),
            keras.layers.BatchNormalization(name="b"),
            keras.layers.LSTM(6, name="c"),
            keras.layers.Dropout(0.4, seed=2, name="d"),
            keras.layers.Dense(1, activity_regularizer="l2", name="e"),
        ])  # fmt: skip
    net.compile("adam", "mse")
    x = np.sin(np.arange(96, dtype="float32")).reshape(8, 4, 3)
    losses = net.fit(x, x[:, 0, :1], epochs=3, verbose=0, shuffle=False).history["loss"]
    return losses, [v.numpy() for v in net.non_trainable_variables]


@pytest.mark.parametrize("name", SCOPES)
def test_training_is_the_same_within_a_scope(name):
    """Random numbers, statistics and losses of layers are those of one pass, not of two."""
    (losses, state), (expected, expected_state) = histories(keras.RematScope(**SCOPES[name])), histories(nullcontext())
    np.testing.assert_allclose(losses, expected, rtol=1e-5)
    for a, b in zip(state, expected_state, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-5, atol=1e-6)


class Counted(keras.layers.Layer):
    """Counts the passes through it."""

    def call(self, inputs):
        self.passes = getattr(self, "passes", 0) + 1
        return inputs * 2.0

    def compute_output_shape(self, input_shape):
        return input_shape


@pytest.mark.parametrize(
    ("arguments", "passes"),
    [
        ({"mode": "full"}, 2), ({"mode": None}, 1), ({"mode": "activations"}, 1),
        ({"mode": "larger_than", "output_size_threshold": 5}, 2),
        ({"mode": "larger_than", "output_size_threshold": 6}, 1),
        ({"mode": "list_of_layers", "layer_names": ["one"]}, 2), ({"mode": "list_of_layers"}, 1),
    ],
)  # fmt: skip
def test_a_scope_says_which_layers_compute_again(arguments, passes):
    with keras.RematScope(**arguments):
        layer = Counted(name="one")
    x = tf.ones((2, 3))
    with tf.GradientTape() as tape:
        tape.watch(x)
        y = layer(x)
    np.testing.assert_array_equal(tape.gradient(y, x), np.full((2, 3), 2.0))
    assert layer.passes == passes


def test_the_innermost_scope_counts_when_a_layer_is_made():
    with keras.RematScope():
        with keras.RematScope(mode=None):
            inner = keras.layers.Dense(1)
        outer = keras.layers.Dense(1)
    assert (inner._remat_mode.mode, outer._remat_mode.mode) == (None, "full")
    assert keras.layers.Dense(1)._remat_mode is None


def test_unknown_modes_are_refused():
    with pytest.raises(ValueError, match="Invalid mode 'some'"):
        keras.RematScope(mode="some")
