"""Checkpoints of Orbax: which steps are kept, what comes back, and what to do without the package."""

import builtins
import os

import numpy as np
import pytest

import duoflow as tf
from duoflow import keras

X = np.arange(24, dtype="float32").reshape(8, 3) / 24
Checkpoint = keras.callbacks.OrbaxCheckpoint


def test_without_orbax_it_says_what_is_missing(monkeypatch, tmp_path):
    imported = builtins.__import__

    def without(name, *args, **kwargs):
        if name.partition(".")[0] == "orbax":
            raise ImportError(name)
        return imported(name, *args, **kwargs)

    monkeypatch.setattr(builtins, "__import__", without)
    with pytest.raises(ImportError, match="pip install orbax-checkpoint"):
        Checkpoint(tmp_path)


@pytest.fixture
def orbax():
    return pytest.importorskip("orbax.checkpoint")


def make():
    layers = keras.layers
    model = keras.Sequential(
        [keras.Input((3,)), layers.Dense(4, name="a"), layers.BatchNormalization(name="b"), layers.Dense(1, name="c")],
        name="net",
    )
    model.compile(keras.optimizers.Adam(name="adam"), "mse", metrics=["mae"])
    return model


def trained(folder, **options):
    model = make()
    held_out = (X, X[:, :1])
    callbacks = [Checkpoint(folder, **options)]
    model.fit(X, X[:, :1], epochs=3, batch_size=4, verbose=0, callbacks=callbacks, validation_data=held_out)
    return model


@pytest.mark.slow
@pytest.mark.parametrize(
    ("options", "steps"),
    [
        ({}, ["2"]),
        ({"max_to_keep": None, "save_on_background": False}, ["0", "1", "2"]),
        ({"save_freq": 2, "max_to_keep": 2}, ["4", "6"]),
        ({"save_best_only": True, "initial_value_threshold": 0.0}, []),
    ],
)
def test_which_steps_there_are(orbax, tmp_path, options, steps):
    trained(tmp_path, **options)
    assert sorted(os.listdir(tmp_path)) == steps


@pytest.mark.slow
def test_what_comes_back(orbax, tmp_path):
    model = trained(tmp_path / "whole")
    other = make()
    other.optimizer.build(other.trainable_variables)
    for source in ("whole", "whole/2"):
        other.load_weights(tmp_path / source)
        assert int(other.optimizer.iterations) == 6
        np.testing.assert_allclose(other(X), model(X), rtol=1e-6)
    again = keras.saving.load_model(tmp_path / "whole")
    np.testing.assert_allclose(again(X), model(X), rtol=1e-6)
    assert int(again.optimizer.iterations) == 6
    trained(tmp_path / "weights", save_weights_only=True)
    other.load_weights(tmp_path / "weights")
    with pytest.raises(ValueError, match="save_weights_only=True"):
        keras.saving.load_model(tmp_path / "weights")
    with pytest.raises(ValueError, match="no values for"):
        keras.Sequential([keras.Input((3,)), keras.layers.Dense(1, name="d")]).load_weights(tmp_path / "whole")
    with pytest.raises(ValueError, match="Unrecognized save_freq"):
        Checkpoint(tmp_path, save_freq="never")


@pytest.mark.slow
def test_vocabularies_come_back(orbax, tmp_path):
    text = keras.layers.TextVectorization(output_mode="count")
    text.adapt(["a b", "b c"])
    inputs = keras.Input((1,), dtype="string")
    model = keras.Model(inputs, keras.layers.Dense(1)(text(inputs)))
    model.compile("sgd", "mse")
    words = tf.constant([["a"], ["b"]])
    model.fit(words, np.ones((2, 1)), verbose=0, callbacks=[Checkpoint(tmp_path)])
    np.testing.assert_allclose(keras.saving.load_model(tmp_path)(words), model(words), rtol=1e-6)
