"""What can be trained on, how often steps are traced, and what is said about bad data."""

import threading

import numpy as np
import pytest

import duoflow as tf
from duoflow import keras
from duoflow.keras.trainer.data import made_ahead, make_adapter

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


class Frame:
    """What is used of a pandas DataFrame or Series."""

    def __init__(self, values):
        self._values = np.asarray(values)

    iloc = property(lambda self: type("Rows", (), {"__getitem__": lambda _, rows: Frame(self._values[rows])})())

    def __len__(self):
        return len(self._values)

    def to_numpy(self):
        return self._values


@pytest.mark.parametrize("x, y", [(X, Y), (X, Y[:, 0]), (X.astype("float64"), Y)], ids=["frames", "series", "float64"])
def test_data_frames_are_their_arrays(x, y):
    for ours, array in zip(batches(Frame(x), Frame(y)), batches(X, Y), strict=True):
        for a, b in zip(ours, array, strict=True):
            assert a.dtype == np.float32
            np.testing.assert_array_equal(a, b)


def test_data_frames_can_be_split():
    def history(x, y):
        keras.utils.set_random_seed(1)
        return model().fit(x, y, validation_split=0.2, verbose=0).history

    split = history(Frame(X / 40), Frame(Y[:, 0]))
    assert "val_loss" in split and split == history(X / 40, Y)


def test_data_frames_of_mixed_columns_are_refused():
    with pytest.raises(ValueError, match=r"Invalid dtype: object.*float and str"):
        model().fit(Frame(np.array([[1.0, "a"]], object)), Y[:1], verbose=0)


class TorchTensor:
    """What is used of a PyTorch tensor: one that needs a gradient refuses to be an array."""

    def __init__(self, array):
        self._array = array

    def __array__(self, *_):
        raise RuntimeError("Can't call numpy() on Tensor that requires grad.")

    def detach(self):
        return self

    cpu = detach

    def numpy(self):
        return self._array


class Loader:
    """What is used of a PyTorch DataLoader: it can be iterated again; over a stream its length raises."""

    def __init__(self, size, sized=True):
        self.size, self.sized = size, sized

    def __len__(self):
        if not self.sized:
            raise TypeError("object of type 'Stream' has no len()")
        return -(-len(X) // self.size)

    def __iter__(self):
        for at in range(0, len(X), self.size):
            yield [TorchTensor(X[at : at + self.size]), TorchTensor(Y[at : at + self.size])]


@pytest.mark.parametrize("sized", [True, False])
def test_loaders_are_gone_through_every_epoch(sized):
    loader = Loader(4, sized)
    assert make_adapter(loader).steps == (3 if sized else None)
    net = model(optimizer=keras.optimizers.SGD(0.0))
    for logs in (net.fit(loader, epochs=2, verbose=0).history, net.evaluate(loader, verbose=0, return_dict=True)):
        np.testing.assert_allclose(logs["loss"], net.evaluate(X, Y, verbose=0), rtol=1e-6)
    np.testing.assert_allclose(net.predict(loader, verbose=0), net.predict(X, verbose=0), rtol=1e-6)


class Numbered(keras.utils.PyDataset):
    """Three batches, and a record of what was asked for."""

    def __init__(self, **options):
        super().__init__(**options)
        self.calls = []

    def __len__(self):
        return 3

    def __getitem__(self, index):
        self.calls.append(threading.current_thread() is threading.main_thread())
        return np.full((2, 4), index, "float32"), np.full((2, 1), index, "float32")

    def on_epoch_begin(self):
        self.calls.append("begin")

    def on_epoch_end(self):
        self.calls.append("end")


@pytest.mark.parametrize(
    "options", [{}, {"workers": 3, "max_queue_size": 2}, {"workers": 2, "use_multiprocessing": True}], ids=str
)
def test_workers_make_batches_in_order(options):
    data = Numbered(**options)
    adapter = make_adapter(data)
    assert [batch.leaves[1][0, 0] for _ in range(2) for batch in adapter.epoch()] == [0, 1, 2] * 2
    assert data.calls == ["begin", *[not options] * 3, "end"] * 2


def test_workers_stay_within_the_queue_and_hand_on_errors():
    asked = []

    def make(i):
        asked.append(i)
        return 1 // (5 - i)

    ahead = made_ahead(make, range(100), workers=2, ahead=3)
    assert next(ahead) == 0
    ahead.close()
    assert len(asked) <= 4
    with pytest.raises(ZeroDivisionError):
        list(made_ahead(make, range(100), workers=2, ahead=3))
