"""A transformer block from layers, classifying texts."""

import keras
import numpy as np
from keras import layers, ops

keras.utils.clear_session()


def with_known_weights(model):
    rng = np.random.RandomState(0)
    for weight in model.weights:
        around = 1.0 if weight.name in ("gamma", "moving_variance") else 0.0
        weight.assign(rng.normal(size=weight.shape) * 0.2 + around)
    return model


def show(title, results):
    for name in sorted(results):
        print(title, name, *(f"{value:.5f}" for value in np.ravel(results[name])))


class TransformerBlock(layers.Layer):
    def __init__(self, size, heads, hidden, rate=0.0, **kwargs):
        super().__init__(**kwargs)
        self.attention = layers.MultiHeadAttention(num_heads=heads, key_dim=size)
        self.network = keras.Sequential([layers.Dense(hidden, activation="relu"), layers.Dense(size)])
        self.norms = [layers.LayerNormalization(epsilon=1e-6) for _ in range(2)]
        self.dropout = layers.Dropout(rate)

    def call(self, inputs, training=False):
        attended = self.dropout(self.attention(inputs, inputs), training=training)
        x = self.norms[0](inputs + attended)
        return self.norms[1](x + self.dropout(self.network(x), training=training))


class Positions(layers.Layer):
    def __init__(self, length, vocabulary, size, **kwargs):
        super().__init__(**kwargs)
        self.tokens = layers.Embedding(vocabulary, size)
        self.positions = layers.Embedding(length, size)

    def call(self, x):
        return self.tokens(x) + self.positions(ops.arange(0, ops.shape(x)[-1], 1))


tokens = keras.Input((12,))
x = TransformerBlock(8, 2, 16)(Positions(12, 50, 8)(tokens))
x = layers.GlobalAveragePooling1D()(x)
model = with_known_weights(keras.Model(tokens, layers.Dense(2, activation="softmax")(x)))
model.summary()
print([w.path for w in model.weights])

rng = np.random.RandomState(0)
texts, labels = rng.randint(0, 50, (64, 12)), rng.randint(0, 2, 64)
model.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
show("fit", model.fit(texts, labels, batch_size=16, epochs=2, shuffle=False, verbose=0).history)
causal = layers.MultiHeadAttention(2, 3)
sequence = rng.rand(2, 5, 6).astype("float32")
causal(sequence, sequence)
for weight in causal.weights:
    weight.assign(np.full(weight.shape, 0.1))
show("causal", {"mean": ops.mean(causal(sequence, sequence, use_causal_mask=True), axis=-1)})
