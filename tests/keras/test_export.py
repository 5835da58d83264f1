"""`Model.export`, `ExportArchive` and `TFSMLayer`."""

import numpy as np
import pytest

import duoflow as tf
from duoflow import keras
from duoflow.keras import layers


def recurrent():
    words = keras.Input((None,), dtype="int32", name="words")
    x = layers.Embedding(10, 4, mask_zero=True)(words)
    x = layers.Bidirectional(layers.LSTM(3, return_sequences=True))(x)
    return keras.Model(words, layers.Dense(2)(layers.GRU(3)(x))), np.array([[1, 2, 3, 0], [4, 5, 0, 0]], "int32")


def image():
    stack = [
        keras.Input((8, 8, 3)), layers.Conv2D(4, 3, padding="same", activation="relu"), layers.BatchNormalization(),
        layers.MaxPooling2D(), layers.DepthwiseConv2D(2), layers.Dropout(0.5), layers.Flatten(),
        layers.Dense(2, activation="softmax"),
    ]  # fmt: skip
    return keras.Sequential(stack), np.linspace(-1, 1, 384, dtype="f").reshape(2, 8, 8, 3)


def named():
    a, b = keras.Input((3,), name="a"), keras.Input((2,), name="b")
    model = keras.Model({"a": a, "b": b}, {"p": layers.Dense(2)(layers.Concatenate()([a, b])), "q": layers.Dense(1)(a)})
    return model, {"a": np.ones((2, 3), "f"), "b": np.ones((2, 2), "f")}


class Written(keras.Model):
    def __init__(self):
        super().__init__()
        self.dense = layers.Dense(2)

    def call(self, x, training=False):
        return self.dense(x) * (2.0 if training else 1.0)


def written():
    model, x = Written(), np.ones((2, 3), "f")
    model(x)
    return model, x


def close(found, expected):
    for a, b in zip(tf.nest.flatten(found), tf.nest.flatten(expected), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("make", [recurrent, image, named, written], ids=lambda f: f.__name__)
def test_what_is_exported_computes_the_same(make, tmp_path):
    model, x = make()
    model.export(tmp_path / "model", verbose=False)
    loaded = tf.saved_model.load(tmp_path / "model")
    given = tf.nest.map_structure(tf.constant, x)
    close(tf.nest.map_structure(lambda t: t.numpy(), loaded.serve(given)), model.predict(x, verbose=0))
    assert sorted(loaded.signatures) == ["serve", "serving_default"]
    assert len(loaded.trainable_variables) == len(model.trainable_variables)


def test_the_endpoints_are_told(tmp_path, capsys):
    model, _ = image()
    model.export(tmp_path / "model")
    assert "Saved artifact at" in (out := capsys.readouterr().out) and "* Endpoint 'serve'" in out


def test_a_saved_model_is_a_layer(tmp_path):
    model, x = image()
    model.export(tmp_path / "model", verbose=False)
    layer = layers.TFSMLayer(tmp_path / "model")
    close(layer(x).numpy(), model(x).numpy())
    assert len(layer.weights) == len(model.weights)
    again = keras.Sequential([keras.Input((8, 8, 3)), layer])
    again.save(tmp_path / "again.keras")
    with pytest.raises(ValueError, match="safe_mode=False"):
        keras.saving.load_model(tmp_path / "again.keras")
    close(keras.saving.load_model(tmp_path / "again.keras", safe_mode=False)(x).numpy(), model(x).numpy())
    with pytest.raises(ValueError, match="The endpoint 'other' is neither"):
        layers.TFSMLayer(tmp_path / "model", call_endpoint="other")


def test_archives_have_endpoints_and_collections_of_variables(tmp_path):
    model, x = written()
    archive = keras.export.ExportArchive()
    archive.track(model)
    spec = [keras.InputSpec(shape=(None, 3), dtype="float32")]
    archive.add_endpoint("infer", lambda x: model(x, training=False), spec)
    archive.add_endpoint("train", lambda x: model(x, training=True), spec)
    archive.add_variable_collection("weights", model.variables)
    with pytest.raises(ValueError, match="already taken"):
        archive.add_endpoint("train", model.call, spec)
    archive.write_out(tmp_path / "model", verbose=False)
    loaded = tf.saved_model.load(tmp_path / "model")
    close(loaded.train(x).numpy(), 2 * loaded.infer(x).numpy())
    assert sorted(loaded.signatures) == ["infer", "serving_default", "train"] and len(loaded.weights) == 2


BAD = {
    "a model that is not built": (lambda: keras.Sequential([layers.Dense(1)]), "tf_saved_model", "not yet been built"),
    "a format that is unknown": (lambda: image()[0], "gguf", "Unrecognized format=gguf"),
    "a format that is not written": (lambda: image()[0], "litert", "export to 'onnx'"),
}


@pytest.mark.parametrize("what", BAD)
def test_what_is_not_exported(what, tmp_path):
    make, form, message = BAD[what]
    with pytest.raises(ValueError, match=message):
        make().export(tmp_path / "model", format=form)
    archive = keras.export.ExportArchive()
    with pytest.raises(ValueError, match="No endpoints"):
        archive.write_out(tmp_path / "model")
    with pytest.raises(ValueError, match="you must provide an `input_signature`"):
        archive.add_endpoint("serve", abs)
