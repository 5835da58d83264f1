"""What can be trained on, how often steps are traced, and what is said about bad data."""

import numpy as np
import pytest

import duoflow as tf
from duoflow import keras
from duoflow.keras.trainer.data import make_adapter

X = np.arange(40, dtype="float32").reshape(10, 4)
Y = np.arange(10, dtype="float32")[:, None]


def model(**compiled):
    net = keras.Sequential([keras.Input((4,)), keras.layers.Dense(1)])
    net.compile(**({"optimizer": "sgd", "loss": "mse"} | compiled))
    return net


def batches(*arrays, **options):
    portions = make_adapter(*arrays, **options).epoch()
    return [portion.batch(i).leaves for portion in portions for i in range(portion.steps)]


def rows(**options):
    return [leaves[0][:, 0].tolist() for leaves in batches(X, **options)]


def test_batches_in_order():
    assert rows(batch_size=4) == [[0, 4, 8, 12], [16, 20, 24, 28], [32, 36]]


def test_shuffled_rows_stay_whole():
    taken = batches(X, Y, batch_size=3, shuffle=True)
    seen = np.concatenate([x for x, _ in taken])
    assert sorted(seen[:, 0]) == X[:, 0].tolist() and seen[:, 0].tolist() != X[:, 0].tolist()
    for x, y in taken:
        np.testing.assert_array_equal(x[:, :1], y * 4)


def test_shuffled_batches_keep_their_rows():
    assert sorted(rows(batch_size=4, shuffle="batch")) == rows(batch_size=4)


@pytest.mark.parametrize(
    "given",
    [X.tolist(), tf.constant(X), tf.Variable(X), X.astype("float64"), X[::1, ::1]],
    ids=["lists", "tensor", "variable", "float64", "view"],
)
def test_kinds_of_arrays(given):
    ((leaf,),) = batches(given)
    assert leaf.dtype == np.float32
    np.testing.assert_array_equal(leaf, X)


def test_a_smaller_last_batch_is_no_new_trace():
    net = model()
    net.fit(X, Y, batch_size=4, epochs=2, verbose=0)
    net.fit(X[:7], Y[:7], batch_size=3, verbose=0)
    assert len(net.make_train_function()._traces) == 1


def test_other_weights_and_other_shapes_are_new_traces():
    net = model()
    net.fit(X, Y, verbose=0)
    net.fit(X, Y, sample_weight=np.ones(10), verbose=0)
    net.evaluate(X, Y, verbose=0)
    assert len(net.make_train_function()._traces) == 2


def test_compiling_again_forgets_traces():
    net = model()
    net.fit(X / 40, Y, verbose=0)
    net.compile("adam", "mae")
    assert list(net.fit(X / 40, Y, verbose=0).history) == ["loss"]


def test_batches_whose_form_changes():
    batches = [(X[:4], Y[:4]), (X[4:6], Y[4:6], np.ones(2)), (X[6:], Y[6:])]
    assert np.isfinite(model(optimizer="adam").fit(iter(batches), verbose=0).history["loss"][0])


def test_an_endless_generator_needs_steps():
    def endless():
        while True:
            yield X, Y

    history = model(optimizer="adam").fit(endless(), steps_per_epoch=3, epochs=2, verbose=0)
    assert len(history.history["loss"]) == 2


def test_a_generator_that_runs_out_is_reported():
    with pytest.warns(UserWarning, match="ran out of data"):
        model(optimizer="adam").fit(iter([(X, Y)]), steps_per_epoch=3, verbose=0)


def test_numbers_of_samples_are_named():
    with pytest.raises(ValueError, match=r"'x' sizes: 10.*\n.*'y' sizes: 7"):
        model().fit(X, Y[:7], verbose=0)


@pytest.mark.parametrize("method", ["fit", "evaluate"])
def test_before_compile(method):
    with pytest.raises(ValueError, match=rf"call `compile\(\)` before calling `{method}\(\)`"):
        getattr(keras.Sequential([keras.Input((4,)), keras.layers.Dense(1)]), method)(X, Y, verbose=0)


def test_a_class_out_of_range_leaves_the_weights_alone():
    net = keras.Sequential([keras.Input((4,)), keras.layers.Dense(3, "softmax")])
    net.compile("sgd", "sparse_categorical_crossentropy")
    before = net.get_weights()
    with pytest.raises(tf.errors.InvalidArgumentError):
        net.fit(X, np.full(10, 3), verbose=0)
    for a, b in zip(before, net.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)


def test_nan_in_targets_is_nan_in_the_loss():
    assert np.isnan(model().fit(X, np.full((10, 1), np.nan), verbose=0).history["loss"][0])


def test_what_is_no_data():
    with pytest.raises(ValueError, match="x"):
        model().fit(None, Y, verbose=0)
    with pytest.raises(ValueError, match="Unrecognized data type"):
        model().fit("text", Y, verbose=0)


def test_a_step_must_return_a_dict():
    class Wrong(keras.Sequential):
        def train_step(self, data):
            return tf.constant(1.0)

    net = Wrong([keras.Input((4,)), keras.layers.Dense(1)])
    net.compile("sgd", "mse")
    with pytest.raises(ValueError, match="must return a dict"):
        net.fit(X, Y, verbose=0)


def test_training_can_be_stopped_within_an_epoch():
    class Stop(keras.callbacks.Callback):
        seen = 0

        def on_train_batch_end(self, batch, logs=None):
            self.seen += 1
            self.model.stop_training = batch == 1

    stop = Stop()
    history = model(optimizer="adam").fit(X, Y, batch_size=2, epochs=5, verbose=0, callbacks=[stop])
    assert stop.seen == 2 and history.epoch == [0]
