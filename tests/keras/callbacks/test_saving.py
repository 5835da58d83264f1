"""Callbacks that save: which files they write, what they say, and how training goes on after an interruption."""

import numpy as np
import pytest

from duoflow import keras

X = np.random.default_rng(0).normal(size=(24, 3)).astype("float32")
Y = X.sum(1, keepdims=True)


def model():
    keras.utils.set_random_seed(1)
    layers = [keras.Input((3,)), keras.layers.Dense(4, "relu"), keras.layers.Dense(1)]
    built = keras.Sequential(layers)
    built.compile(keras.optimizers.Adam(0.05), "mse")
    return built


def fit(callbacks, epochs=3, net=None):
    net = net or model()
    return net, net.fit(X, Y, batch_size=8, epochs=epochs, verbose=0, shuffle=False, callbacks=callbacks)


def test_every_epoch_under_its_number(tmp_path):
    fit(keras.callbacks.ModelCheckpoint(tmp_path / "e{epoch:02d}-{loss:.1f}.keras"))
    assert [p.name[:3] for p in sorted(tmp_path.iterdir())] == ["e01", "e02", "e03"]


def test_a_saved_model_predicts_alike(tmp_path):
    net, _ = fit(keras.callbacks.ModelCheckpoint(tmp_path / "last.keras"))
    again = keras.models.load_model(tmp_path / "last.keras")
    np.testing.assert_array_equal(net.predict(X, verbose=0), again.predict(X, verbose=0))


def test_only_the_best(tmp_path, capsys):
    callback = keras.callbacks.ModelCheckpoint(
        tmp_path / "best.weights.h5", "loss", 1, True, True, initial_value_threshold=0.0
    )
    fit(callback, epochs=1)
    assert capsys.readouterr().out == "\nEpoch 1: loss did not improve from 0.00000\n"
    assert not list(tmp_path.iterdir())


def test_what_cannot_be_compared_is_saved(tmp_path):
    with pytest.warns(UserWarning, match="val_loss"):
        fit(keras.callbacks.ModelCheckpoint(tmp_path / "best.keras", save_best_only=True), epochs=1)
    assert (tmp_path / "best.keras").exists()


def test_every_so_many_batches(tmp_path):
    fit(keras.callbacks.ModelCheckpoint(tmp_path / "{epoch}-{batch}.keras", save_freq=2))
    assert sorted(p.name for p in tmp_path.iterdir()) == ["1-2.keras", "2-1.keras", "2-3.keras", "3-2.keras"]


def test_unknown_name_in_the_path(tmp_path):
    with pytest.raises(KeyError, match="nonsense"):
        fit(keras.callbacks.ModelCheckpoint(tmp_path / "{nonsense}.keras"))


class Interrupt(keras.callbacks.Callback):
    """Ends training with an error at the start of an epoch."""

    def __init__(self, epoch):
        super().__init__()
        self.epoch = epoch

    def on_epoch_begin(self, epoch, logs=None):
        if epoch == self.epoch:
            raise RuntimeError("interrupted")


def test_training_goes_on_where_it_was_interrupted(tmp_path):
    backup = lambda: keras.callbacks.BackupAndRestore(tmp_path / "backup")
    with pytest.raises(RuntimeError, match="interrupted"):
        fit([backup(), Interrupt(2)], epochs=4)
    resumed, history = fit([backup()], epochs=4)
    whole, _ = fit([], epochs=4)
    assert history.epoch == [2, 3]
    assert not (tmp_path / "backup").exists()
    for a, b in zip(resumed.get_weights(), whole.get_weights(), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-5)


def test_a_model_without_weights_cannot_be_restored(tmp_path):
    bare = keras.Sequential([keras.layers.Dense(1)])
    bare.compile("sgd", "mse")
    with pytest.raises(ValueError, match="must be built"):
        fit([keras.callbacks.BackupAndRestore(tmp_path)], net=bare)
