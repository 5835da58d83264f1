"""Training steps: a tf.function with a tape and an optimizer, called from Python; and Model.fit."""

import numpy as np
import tensorflow as tf
from tensorflow import keras
from tensorflow.keras import layers

from benchmarks.works.tf import JIT_COMPILE

rng = np.random.default_rng(0)


def train_step(model, loss_fn, x, y, compiled=True):
    """A callable that makes one optimizer step on (x, y), a tf.function or op by op, and waits for its loss."""
    optimizer = keras.optimizers.Adam()
    x, y = tf.constant(x), tf.constant(y)

    def step(x, y):
        with tf.GradientTape() as tape:
            loss = loss_fn(y, model(x, training=True))
        gradients = tape.gradient(loss, model.trainable_variables)
        optimizer.apply_gradients(zip(gradients, model.trainable_variables))
        return loss

    if compiled:
        step = tf.function(step, jit_compile=JIT_COMPILE)
    for _ in range(0 if compiled else 50):  # what recurs may be compiled
        step(x, y)
    return lambda: step(x, y).numpy()


def digits(count, *shape):
    """Random images and labels of 10 classes."""
    return rng.random((count, *shape), np.float32), rng.integers(0, 10, count).astype(np.int32)


def mlp():
    return keras.Sequential([
        layers.Input((784,)),
        layers.Dense(128, activation="relu"),
        layers.Dense(64, activation="relu"),
        layers.Dense(10),
    ])  # fmt: skip


def cross_entropy():
    return keras.losses.SparseCategoricalCrossentropy(from_logits=True)


def mlp_step(compiled=True):
    return train_step(mlp(), cross_entropy(), *digits(32, 784), compiled)


def mlp_loop():
    return mlp_step(compiled=False)


def cnn_step(compiled=True):
    model = keras.Sequential([
        layers.Input((28, 28, 1)),
        layers.Conv2D(32, 3, activation="relu"),
        layers.MaxPooling2D(),
        layers.Conv2D(64, 3, activation="relu"),
        layers.MaxPooling2D(),
        layers.Flatten(),
        layers.Dense(10),
    ])  # fmt: skip
    return train_step(model, cross_entropy(), *digits(64, 28, 28, 1), compiled)


def cnn_loop():
    return cnn_step(compiled=False)


def lstm_step(compiled=True):
    model = keras.Sequential([layers.Input((50, 64)), layers.LSTM(128)])
    x, y = rng.random((32, 50, 64), np.float32), rng.random((32, 128), np.float32)
    return train_step(model, keras.losses.MeanSquaredError(), x, y, compiled)


def lstm_loop():
    return lstm_step(compiled=False)


def encoder_layer(x):
    """Self-attention and a feed-forward network, each with a residual and a normalisation after it."""
    x = layers.LayerNormalization(epsilon=1e-5)(x + layers.MultiHeadAttention(8, 32)(x, x))
    hidden = layers.Dense(1024, activation="relu")(x)
    return layers.LayerNormalization(epsilon=1e-5)(x + layers.Dense(256)(hidden))


def transformer_step():
    inputs = keras.Input((128, 256))
    model = keras.Model(inputs, encoder_layer(encoder_layer(inputs)))
    x, y = rng.random((16, 128, 256), np.float32), rng.random((16, 128, 256), np.float32)
    return train_step(model, keras.losses.MeanSquaredError(), x, y)
