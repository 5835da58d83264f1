"""Blocks of convolutional networks: a ResNet bottleneck and a MobileNet inverted residual, run and trained."""

import numpy as np
import tensorflow as tf
from tensorflow import keras
from tensorflow.keras import layers

from benchmarks.works.tf import JIT_COMPILE
from benchmarks.works.tf.training import train_step

rng = np.random.default_rng(0)


def normalised(x, layer, activation=None):
    """A layer without bias, batch normalisation, and an activation."""
    x = layers.BatchNormalization()(layer(x))
    return x if activation is None else activation(x)


def bottleneck(size, channels, width):
    """A 3x3 convolution on fewer channels between two that are 1x1, and the input added."""
    inputs = keras.Input((size, size, channels))
    x = normalised(inputs, layers.Conv2D(width, 1, use_bias=False), layers.ReLU())
    x = normalised(x, layers.Conv2D(width, 3, padding="same", use_bias=False), layers.ReLU())
    x = normalised(x, layers.Conv2D(channels, 1, use_bias=False))
    return keras.Model(inputs, layers.ReLU()(layers.add([x, inputs])))


def inverted_residual(size, channels, width):
    """A 3x3 depthwise convolution on more channels between two that are 1x1, and the input added."""
    inputs = keras.Input((size, size, channels))
    x = normalised(inputs, layers.Conv2D(width, 1, use_bias=False), layers.ReLU(6.0))
    x = normalised(x, layers.DepthwiseConv2D(3, padding="same", use_bias=False), layers.ReLU(6.0))
    x = normalised(x, layers.Conv2D(channels, 1, use_bias=False))
    return keras.Model(inputs, layers.add([x, inputs]))


def images(count, model):
    """Random inputs of a model."""
    return rng.random((count, *model.input_shape[1:]), np.float32)


def run(model):
    """A callable that runs the model on one image and waits for the result."""
    x = tf.constant(images(1, model))
    call = tf.function(lambda x: model(x, training=False), jit_compile=JIT_COMPILE)
    return lambda: call(x).numpy()


def train(model):
    """A callable that makes one step on 8 images."""
    return train_step(model, keras.losses.MeanSquaredError(), images(8, model), images(8, model))


def bottleneck_run():
    return run(bottleneck(56, 256, 64))


def bottleneck_step():
    return train(bottleneck(56, 256, 64))


def inverted_run():
    return run(inverted_residual(28, 32, 192))


def inverted_step():
    return train(inverted_residual(28, 32, 192))
