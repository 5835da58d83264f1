"""Writes saved_models/: a module and a Keras model as real TensorFlow saves them, and what they compute.

    python tests/golden/record_saved_models.py

in an environment that has TensorFlow 2.21 and Keras 3.
"""

import json
import shutil
from pathlib import Path

import keras
import numpy as np
import tensorflow as tf

HERE = Path(__file__).parent / "saved_models"
X = np.linspace(-1, 1, 6, dtype="float32").reshape(2, 3)
WORDS = np.array([[1, 2, 3, 0], [4, 5, 0, 0]], "int32")


class Module(tf.Module):
    def __init__(self, asset):
        super().__init__()
        self.w = tf.Variable(np.arange(6.0, dtype="float32").reshape(3, 2), name="w")
        self.calls = tf.Variable(0, trainable=False, name="calls")
        self.offset = tf.constant([1.0, 2.0])
        self.parts = [tf.Variable(2.0), {"inner": tf.Variable([1, 2])}]
        self.asset = tf.saved_model.Asset(asset)

    @tf.function(input_signature=[tf.TensorSpec([None, 3], tf.float32)])
    def __call__(self, x):
        self.calls.assign_add(1)
        return {"y": tf.nn.relu(x @ self.w + self.offset) * self.parts[0], "rows": tf.shape(x)[0]}

    @tf.function
    def climb(self, x, steps=3, double=False):
        i = tf.constant(0)
        while i < steps:
            x, i = x + tf.cast(i, x.dtype), i + 1
        if tf.reduce_sum(x) > 10.0:
            x = x * 2.0 if double else x
        else:
            x = -x
        return x, [self.parts[0]]

    @tf.function(input_signature=[tf.TensorSpec([], tf.int32)])
    def rows(self, n):
        found = tf.TensorArray(tf.float32, n)
        for i in tf.range(n):
            found = found.write(i, tf.gather(self.w, i % 3))
        return found.stack()

    @tf.function(input_signature=[])
    def path(self):
        return self.asset.asset_path


def model():
    words = keras.Input((None,), dtype="int32", name="words")
    x = keras.layers.Embedding(10, 4, mask_zero=True)(words)
    x = keras.layers.LSTM(3, return_sequences=True)(x)
    x = keras.layers.LayerNormalization()(keras.layers.GRU(3)(x))
    out = keras.Model(words, {"p": keras.layers.Dense(2, activation="softmax")(x)})
    rng = np.random.default_rng(0)
    out.set_weights([rng.normal(size=w.shape).astype("float32") for w in out.get_weights()])
    return out


def lists(values):
    return tf.nest.map_structure(lambda t: t.numpy().tolist(), values)


def main():
    shutil.rmtree(HERE, ignore_errors=True)
    HERE.mkdir()
    asset = HERE / "words.txt"
    asset.write_text("one\ntwo\n")
    module = Module(str(asset))
    found = {"y": lists(module(X)), "climb": lists(module.climb(tf.constant(X)))}
    found["double"] = lists(module.climb(tf.constant(X) + 3.0, 2, double=True))
    found["rows"] = lists(module.rows(4))
    with tf.GradientTape() as tape:
        loss = tf.reduce_sum(module(X)["y"])
    found["gradient"] = lists(tape.gradient(loss, module.w))
    tf.saved_model.save(module, str(HERE / "module"), signatures=module.__call__)
    asset.unlink()
    network = model()
    network.export(str(HERE / "keras"), verbose=False)
    found["keras"] = lists(network(WORDS))
    for folder in ("module", "keras"):
        (HERE / folder / "fingerprint.pb").unlink()
    (HERE / "values.json").write_text(json.dumps(found) + "\n")


if __name__ == "__main__":
    main()
