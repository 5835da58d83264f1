"""Many steps in one call: the same as one by one, and only where nobody wants to look in between."""

import numpy as np
import pytest

import duoflow as tf
from duoflow import keras
from duoflow.core.engine import executable
from duoflow.keras.trainer import steps

RNG = np.random.default_rng(3)
X = RNG.random((50, 6), np.float32)
Y = RNG.integers(0, 3, 50)
W = RNG.random(50).astype(np.float32)


def model(net_type=keras.Sequential, **compiled):
    keras.utils.set_random_seed(1)
    layers = [keras.Input((6,)), keras.layers.Dense(5, "relu"), keras.layers.Dropout(0.25), keras.layers.Dense(3)]
    net = net_type(layers)
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    net.compile(**({"optimizer": "adam", "loss": loss, "metrics": ["accuracy"]} | compiled))
    return net


class Ear(keras.callbacks.Callback):
    """Hears of every batch, so that steps are called one by one."""

    def __init__(self):
        super().__init__()
        self.heard = []

    def on_train_batch_end(self, batch, logs=None):
        self.heard.append(batch)


@pytest.fixture
def calls(monkeypatch):
    """The number of steps of each call that is a loop."""
    counts = []
    run = steps._Loop.run

    def counted(self, rows, at, most):
        result = run(self, rows, at, most)
        counts.append(result[0])
        return result

    monkeypatch.setattr(steps._Loop, "run", counted)
    return counts


@pytest.mark.parametrize("options", [{}, {"sample_weight": W}, {"shuffle": False}, {"shuffle": "batch"}], ids=list)
def test_steps_in_a_loop_are_steps_one_by_one(options, calls):
    together, apart, ear = model(), model(), Ear()
    keras.utils.set_random_seed(5)
    one = together.fit(X, Y, batch_size=8, epochs=3, verbose=0, **options).history
    assert sum(calls) == 3 * 6  # the last, smaller batch of each epoch is a step by itself
    calls.clear()
    keras.utils.set_random_seed(5)
    other = apart.fit(X, Y, batch_size=8, epochs=3, verbose=0, callbacks=[ear], **options).history
    assert not calls and ear.heard == [*range(7)] * 3
    for name in one:
        np.testing.assert_allclose(one[name], other[name], rtol=1e-5)
    for a, b in zip(together.get_weights(), apart.get_weights(), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-4, atol=1e-6)


def test_evaluation_runs_in_a_loop(calls):
    net = model()
    whole, batches = net.evaluate(X, Y, batch_size=50, verbose=0), net.evaluate(X, Y, batch_size=10, verbose=0)
    assert sum(calls) == 5
    np.testing.assert_allclose(whole, batches, rtol=1e-5)


def test_callbacks_are_told_every_so_many_steps(calls):
    net, ear = model(steps_per_execution=3), Ear()
    net.fit(X, Y, batch_size=5, verbose=0, callbacks=[ear])
    assert ear.heard == [2, 5, 8, 9] and sum(calls) == 10 and max(calls) <= 3


def test_a_step_that_prints_is_called_from_python(calls, capsys):
    class Telling(keras.Sequential):
        def train_step(self, data):
            tf.print("step")
            return super().train_step(data)

    model(Telling).fit(X, Y, batch_size=10, verbose=0)
    assert not calls and capsys.readouterr().err.count("step") == 5


def test_a_callback_can_stop_training_after_a_batch():
    class Stop(keras.callbacks.Callback):
        def on_train_batch_end(self, batch, logs=None):
            self.model.stop_training = batch == 1

    net = model()
    net.fit(X, Y, batch_size=10, epochs=4, verbose=0, callbacks=[Stop()])
    assert int(net.optimizer.iterations) == 2


def test_kernels_name_the_line_that_trains():
    net = model()
    net.fit(X, Y, batch_size=10, verbose=0)
    (loop,) = net._steps["train"]._loops.values()
    assert {file for row in executable(loop._many.graph).kernels for file, _ in row["lines"]} == {__file__}


def test_bad_labels_are_found_in_the_loop():
    net = model()
    with pytest.raises(tf.errors.InvalidArgumentError):
        net.fit(X, np.where(np.arange(50) == 17, 3, Y), batch_size=10, verbose=0)
