"""Masking and padding: masks made by layers, passed on, used, and handled by layers of one's own."""

import keras
import numpy as np
from keras import layers, ops

keras.utils.clear_session()
keras.utils.set_random_seed(10)
raw = [[7, 6, 5], [1, 2, 3, 4, 5, 6], [3, 4]]
padded = keras.utils.pad_sequences(raw, padding="post")
print(padded)
print(keras.utils.pad_sequences(raw, maxlen=4, truncating="post", value=-1))

embedding = layers.Embedding(input_dim=10, output_dim=4, mask_zero=True)
embedded = embedding(padded)
print(ops.convert_to_numpy(embedding.compute_mask(padded)))
masked = layers.Masking()(ops.cast(ops.tile(ops.expand_dims(padded, -1), [1, 1, 4]), "float32"))
print(masked.shape)

inputs = keras.Input(shape=(None,), dtype="int32")
outputs = layers.LSTM(3)(layers.Embedding(10, 4, mask_zero=True)(inputs))
model = keras.Model(inputs, outputs)
long = np.concatenate([padded, np.zeros((3, 2), "int64")], axis=1)
print("ignored", np.allclose(model.predict(padded, verbose=0), model.predict(long, verbose=0), atol=1e-6))
print(np.round(model.predict(padded, verbose=0), 5))


class Split(layers.Layer):
    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        self.supports_masking = True

    def call(self, inputs):
        return ops.split(inputs, 2, axis=1)

    def compute_mask(self, inputs, mask=None):
        return None if mask is None else ops.split(mask, 2, axis=1)


class Average(layers.Layer):
    def call(self, inputs, mask=None):
        if mask is None:
            return ops.mean(inputs, axis=1)
        weight = ops.expand_dims(ops.cast(mask, "float32"), -1)
        return ops.sum(inputs * weight, axis=1) / ops.sum(weight, axis=1)


inputs = keras.Input(shape=(6,), dtype="int32")
first, second = Split()(layers.Embedding(10, 4, mask_zero=True, name="e")(inputs))
model = keras.Model(inputs, layers.concatenate([Average()(first), layers.GRU(2)(second)]))
print(np.round(model.predict(padded[1:2], verbose=0), 5))
model.compile("adam", "mse")
print(f"{model.fit(padded[1:2], np.ones((1, 6)), epochs=1, verbose=0).history['loss'][0]:.5f}")

scores = keras.Sequential(
    [
        keras.Input((None,), dtype="int32"),
        layers.Embedding(10, 4, mask_zero=True),
        layers.SimpleRNN(3, return_sequences=True),
        layers.TimeDistributed(layers.Dense(1)),
    ]
)
scores.compile("sgd", "mse")
print("masked loss", f"{scores.evaluate(padded, np.ones((3, 6, 1)), verbose=0):.5f}")
attention = layers.MultiHeadAttention(2, 3)
x = embedding(padded)
print("attention", np.round(ops.convert_to_numpy(attention(x, x))[2, 0], 5))
