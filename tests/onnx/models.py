"""Keras models that are exported to ONNX, each with inputs."""

import numpy as np

from duoflow import keras
from duoflow.keras import layers as L


def real(*shape):
    return np.random.default_rng(shape).normal(size=shape).astype("f")


def mlp():
    stack = [keras.Input((4,)), L.Dense(8, activation="gelu"), L.BatchNormalization(), L.Dropout(0.2), L.Dense(2)]
    return keras.Sequential(stack), real(3, 4)


def cnn():
    stack = [
        keras.Input((12, 12, 3)), L.Conv2D(4, 3, padding="same", activation="relu"), L.MaxPooling2D(),
        L.DepthwiseConv2D(3), L.SeparableConv2D(5, 2), L.BatchNormalization(), L.GlobalAveragePooling2D(),
        L.Dense(3, activation="softmax"),
    ]  # fmt: skip
    return keras.Sequential(stack), real(3, 12, 12, 3)


def lstm():
    stack = [keras.Input((7, 4)), L.LSTM(5, return_sequences=True), L.Bidirectional(L.LSTM(4)), L.Dense(1)]
    return keras.Sequential(stack), real(3, 7, 4)


def gru():
    stack = [
        keras.Input((None,), dtype="int32"), L.Embedding(20, 6, mask_zero=True),
        L.GRU(5, go_backwards=True, return_sequences=True), L.SimpleRNN(3), L.Dense(2, activation="tanh"),
    ]  # fmt: skip
    return keras.Sequential(stack), np.array([[1, 2, 3, 0, 0], [4, 5, 6, 7, 0], [8, 9, 1, 2, 3]], "int32")


def transformer():
    given = keras.Input((6, 8), name="tokens")
    x = L.LayerNormalization()(given + L.MultiHeadAttention(2, 4)(given, given))
    x = L.LayerNormalization()(x + L.Dense(8)(L.Dense(32, activation="gelu")(x)))
    return keras.Model(given, L.Dense(3, activation="softmax")(L.GlobalAveragePooling1D()(x))), real(3, 6, 8)


def upscale():
    stack = [
        keras.Input((5, 5, 2)), L.Rescaling(0.5), L.Conv2DTranspose(3, 3, strides=2, padding="same"),
        L.UpSampling2D(interpolation="bilinear"), L.Resizing(7, 9), L.ZeroPadding2D(1),
        L.Conv2D(2, 3, dilation_rate=2),
        L.Cropping2D(1), L.AveragePooling2D(2, padding="same"), L.PReLU(), L.Flatten(),
        L.RMSNormalization(), L.Dense(2),
    ]  # fmt: skip
    return keras.Sequential(stack), real(3, 5, 5, 2)


def mobilenet():
    return keras.applications.MobileNetV2(input_shape=(64, 64, 3), weights=None, classes=5), real(3, 64, 64, 3)


def resnet():
    return keras.applications.ResNet50(input_shape=(64, 64, 3), weights=None, classes=5), real(3, 64, 64, 3)


MODELS = {f.__name__: f for f in (mlp, cnn, lstm, gru, transformer, upscale, mobilenet, resnet)}
