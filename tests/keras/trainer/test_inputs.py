"""Training on arrays, data sets, generators, PyDatasets and frames tells what it tells in Keras, epoch by epoch."""

import numpy as np
import pytest

import duoflow as tf
from duoflow import keras
from tests.golden.keras_training.input_cases import HELD_OUT, WEIGHTS, X, Y, batches, cases, history

from ..recorded import recorded

RECORDED = recorded("inputs")


@pytest.mark.parametrize("name", RECORDED)
def test_histories_are_those_of_keras(name):
    told = history(keras, cases(keras, tf)[name])
    assert list(told) == list(RECORDED[name])
    for key, values in RECORDED[name].items():
        np.testing.assert_allclose(told[key], values, rtol=2e-5)


def test_frames_are_arrays():
    pandas = pytest.importorskip("pandas")
    frame, column = pandas.DataFrame(X, columns=list("abc")), pandas.Series(Y)
    weights = pandas.Series(WEIGHTS, index=np.arange(20) + 100)
    for arguments, options in (
        ((frame, column), {"batch_size": 6}),
        ((frame, pandas.DataFrame(Y)), {"batch_size": 6, "sample_weight": weights}),
        ((frame, column), {"validation_data": (pandas.DataFrame(HELD_OUT[0]), pandas.Series(HELD_OUT[1]))}),
        ((frame, column), {"validation_split": 0.3}),
    ):
        plain = {name: _plain(value) for name, value in options.items()}
        assert history(keras, (arguments, options)) == history(keras, ([np.asarray(a) for a in arguments], plain))


def _plain(value):
    if isinstance(value, tuple):
        return tuple(map(np.asarray, value))
    return np.asarray(value) if hasattr(value, "iloc") else value


@pytest.mark.parametrize(
    ("given", "options", "message"),
    [
        ((lambda: batches(), Y), {}, r"`x` as a generator, `y` should not be passed"),
        (
            (lambda: batches(),),
            {"sample_weight": WEIGHTS},
            "the sample weights should be included as part of the generator",
        ),
        ((lambda: tf.data.Dataset.from_tensor_slices((X, Y)).batch(6), Y), {}, r"`x` as a tf.data.Dataset, `y`"),
        ((lambda: tf.data.Dataset.from_tensor_slices((X, Y)),), {}, r"`dataset.batch\(32\)`"),
        ((lambda: iter(()) and (x for x in ()),), {}, "must yield at least one batch"),
        ((lambda: X, Y), {"sample_weight": WEIGHTS[:5]}, "'sample_weight' sizes: 5"),
        ((lambda: X, Y), {"sample_weight": WEIGHTS, "class_weight": {0: 1.0}}, "at the same time"),
    ],
)
def test_what_is_refused(given, options, message):
    make, *rest = given
    with pytest.raises(ValueError, match=message):
        history(keras, ((make(), *rest), options))


def test_a_failing_batch_says_why():
    class Broken(keras.utils.PyDataset):
        def __len__(self):
            return 3

        def __getitem__(self, i):
            if i == 2:
                raise RuntimeError("broken at 2")
            return X[:4], Y[:4]

    for workers in (1, 2):
        with pytest.raises(RuntimeError, match="broken at 2"):
            history(keras, ((Broken(workers=workers),), {}))
