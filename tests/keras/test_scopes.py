"""keras.remat and keras.device."""

import numpy as np

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
