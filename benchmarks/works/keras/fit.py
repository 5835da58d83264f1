"""`Model.fit` on arrays in memory: dense, recurrent and convolutional networks. A call is one epoch."""

import keras
import numpy as np
from keras import layers

rng = np.random.default_rng(0)


def compiled(model, loss=None):
    """The model, ready to be trained by Adam."""
    model.compile("adam", loss or "sparse_categorical_crossentropy", metrics=["accuracy"])
    return model


def classifier():
    """The network of the MNIST tutorials."""
    return keras.Sequential([
        layers.Input((784,)),
        layers.Dense(128, activation="relu"),
        layers.Dense(64, activation="relu"),
        layers.Dense(10),
    ])  # fmt: skip


def digits(count):
    """Random images of 784 pixels and their labels."""
    return rng.random((count, 784), np.float32), rng.integers(0, 10, count).astype(np.int32)


def logits():
    return keras.losses.SparseCategoricalCrossentropy(from_logits=True)


def epoch(model, x, y, batch_size=32, **options):
    """A callable that trains for an epoch."""
    return lambda: model.fit(x, y, batch_size=batch_size, epochs=1, verbose=0, **options)


def mlp_fit():
    return epoch(compiled(classifier(), logits()), *digits(48_000))


def sentences(count, length):
    """Random words, with a random number of words missing at each end, and whether people liked it."""
    words = rng.integers(1, 20_000, (count, length)).astype(np.int32)
    words[np.arange(length) < rng.integers(0, length // 2, (count, 1))] = 0
    return words, rng.integers(0, 2, count).astype(np.int32)


def opinion(length, *recurrent, mask_zero=False):
    """A classifier of texts: words, recurrent layers, and a yes or no."""
    return compiled(
        keras.Sequential([
            layers.Input((length,), dtype="int32"),
            layers.Embedding(20_000, 128, mask_zero=mask_zero),
            *recurrent,
            layers.Dense(1, activation="sigmoid"),
        ]),
        "binary_crossentropy",
    )  # fmt: skip


def lstm_fit():
    return epoch(opinion(80, layers.LSTM(128)), *sentences(640, 80))


def masked_lstm_fit():
    return epoch(opinion(80, layers.LSTM(128), mask_zero=True), *sentences(640, 80))


def bilstm_fit():
    both = layers.Bidirectional(layers.LSTM(64, return_sequences=True)), layers.Bidirectional(layers.LSTM(64))
    return epoch(opinion(200, *both), *sentences(320, 200))


def residual(x, filters, strides):
    """Two 3x3 convolutions, each with batch normalisation, and the input added."""
    short = x
    if strides > 1:
        short = layers.Conv2D(filters, 1, strides=strides, use_bias=False)(x)
        short = layers.BatchNormalization()(short)
    x = layers.Conv2D(filters, 3, strides=strides, padding="same", use_bias=False)(x)
    x = layers.ReLU()(layers.BatchNormalization()(x))
    x = layers.Conv2D(filters, 3, padding="same", use_bias=False)(x)
    return layers.ReLU()(layers.add([layers.BatchNormalization()(x), short]))


def resnet20():
    """The network of 20 layers for images of 32x32 of He et al., "Deep Residual Learning for Image Recognition"."""
    inputs = keras.Input((32, 32, 3))
    x = layers.Conv2D(16, 3, padding="same", use_bias=False)(inputs)
    x = layers.ReLU()(layers.BatchNormalization()(x))
    for filters in (16, 32, 64):
        for block in range(3):
            x = residual(x, filters, 2 if filters > 16 and block == 0 else 1)
    x = layers.GlobalAveragePooling2D()(x)
    return compiled(keras.Model(inputs, layers.Dense(10, activation="softmax")(x)))


def photographs(count):
    """Random images of 32x32 and their labels."""
    return rng.random((count, 32, 32, 3), np.float32), rng.integers(0, 10, count).astype(np.int32)


def resnet_fit():
    return epoch(resnet20(), *photographs(320))


def resnet_predict():
    model, (x, _) = resnet20(), photographs(320)
    return lambda: model.predict(x, batch_size=32, verbose=0)
