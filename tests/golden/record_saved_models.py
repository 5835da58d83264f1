"""Writes saved_models/: a module and a Keras model as real TensorFlow saves them, and what they compute.

    python -m tests.golden.record_saved_models

in an environment that has TensorFlow 2.21 and Keras 3.
"""

import json
import shutil
from pathlib import Path

import keras
import numpy as np
import tensorflow as tf

from tests.golden.saved_module import X, everything

HERE = Path(__file__).parent / "saved_models"
WORDS = np.array([[1, 2, 3, 0], [4, 5, 0, 0]], "int32")


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
    module = everything(tf)(str(asset))
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
