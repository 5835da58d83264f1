"""FeatureSpace encodes as Keras does: eagerly, in data sets, in models, and from files either of them wrote."""

import sys
from pathlib import Path

import numpy as np
import pytest

import duoflow as tf
from duoflow import keras

GOLDEN = Path(__file__).resolve().parent.parent / "golden" / "keras"
sys.path.insert(0, str(GOLDEN))
from feature_space_cases import OTHER, ROWS, encoded, spaces  # noqa: E402

RECORDED = np.load(GOLDEN / "feature_space.npz")
FeatureSpace = keras.utils.FeatureSpace
INTS = FeatureSpace.string_hashed(3, "int")
FLOATS = FeatureSpace.feature("float32", keras.layers.Rescaling(2.0), "one_hot")


def adapted(kind):
    space = spaces(keras)[kind]
    space.adapt({name: ROWS[name] for name in space.features})
    return space


def assert_as_recorded(kind, source, out):
    prefix = f"{kind}:{source}:"
    assert {prefix + name for name in out} == {name for name in RECORDED.files if name.startswith(prefix)}
    for name, x in out.items():
        assert x.dtype == RECORDED[prefix + name].dtype
        np.testing.assert_allclose(x, RECORDED[prefix + name], rtol=1e-6)


@pytest.mark.parametrize("kind", ["concat", "dict", "ints"])
def test_like_keras(kind, tmp_path):
    space = adapted(kind)
    assert_as_recorded(kind, "rows", encoded(space, ROWS))
    assert_as_recorded(kind, "other", encoded(space, OTHER))
    space.save(tmp_path / "space.keras")
    again = keras.models.load_model(tmp_path / "space.keras")
    assert_as_recorded(kind, "rows", encoded(again, ROWS))
    symbolic, out = again.get_encoded_features(), encoded(again, ROWS)
    for name, x in (symbolic if isinstance(symbolic, dict) else {"": symbolic}).items():
        assert (x.shape[1:], x.dtype) == (tuple(out[name].shape[1:]), out[name].dtype.name)


def test_a_file_of_keras(tmp_path):
    (tmp_path / "space.keras").write_bytes(RECORDED["archive"].tobytes())
    assert_as_recorded("concat", "other", encoded(keras.models.load_model(tmp_path / "space.keras"), OTHER))


@pytest.mark.parametrize("batch", [None, 2])
def test_in_data_sets(batch):
    data = tf.data.Dataset.from_tensor_slices(ROWS)
    space = spaces(keras)["concat"]
    space.adapt(data if batch is None else data.batch(batch))
    rows = [np.asarray(x) for x in (data if batch is None else data.batch(batch)).map(space)]
    np.testing.assert_allclose(np.reshape(rows, (4, -1)), RECORDED["concat:rows:"], rtol=1e-6)


def test_single_values_and_other_containers():
    space = adapted("concat")
    one = space({name: values[1] for name, values in ROWS.items()})
    np.testing.assert_allclose(one, RECORDED["concat:rows:"][1], rtol=1e-6)
    columns = {name: np.array(values)[:, None] for name, values in ROWS.items()}
    np.testing.assert_allclose(space(columns), RECORDED["concat:rows:"], rtol=1e-6)
    by_name = adapted("dict")({name: values[1] for name, values in ROWS.items()})
    np.testing.assert_allclose(by_name["s"], RECORDED["dict:rows:s"][1])


def test_a_model_begins_with_it():
    space = FeatureSpace({"a": "float_normalized", "b": "string_categorical"}, crosses=[])
    rng = np.random.default_rng(0)
    data = {"a": rng.normal(size=16).astype("float32"), "b": np.array(["u", "v"] * 8)}
    batches = tf.data.Dataset.from_tensor_slices((data, data["a"])).batch(4)
    space.adapt(batches.map(lambda x, y: x))
    out = keras.layers.Dense(1)(space.get_encoded_features())
    whole, rest = keras.Model(space.get_inputs(), out), keras.Model(space.get_encoded_features(), out)
    whole.compile(keras.optimizers.SGD(0.1), "mse")
    losses = whole.fit(batches, epochs=3, verbose=0).history["loss"]
    assert losses[-1] < losses[0]
    np.testing.assert_allclose(
        rest.predict(batches.map(lambda x, y: space(x)), verbose=0), whole.predict(data, verbose=0), rtol=1e-5
    )


def test_layers_of_ones_own():
    text = keras.layers.TextVectorization(output_mode="count")
    space = FeatureSpace({"t": FeatureSpace.feature("string", text, "float"), "x": "float"})
    space.adapt({"t": ["a b", "b c b"], "x": [1.0, 2.0]})
    assert space.preprocessors["t"] is text
    np.testing.assert_array_equal(space({"t": ["b b z"], "x": [5.0]}), [[1, 2, 0, 0, 5]])


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: FeatureSpace({}), ValueError, "cannot be None or empty"),
        (lambda: FeatureSpace({"a": "unknown"}), ValueError, "Invalid feature type: unknown"),
        (lambda: FeatureSpace({"a": "float"}, output_mode="x"), ValueError, "output_mode=x"),
        (lambda: FeatureSpace({"a": "string_hashed"}, crosses=[("a", "b")]), ValueError, "unknown features"),
        (lambda: FeatureSpace({"a": "float"}, crosses=[("a", "a")], crossing_dim=0), ValueError, "crossing_dim"),
        (lambda: FeatureSpace.cross(("a", "b"), 3, "float"), ValueError, "output_mode=float"),
        (lambda: FeatureSpace.feature("int32", None, "x"), ValueError, "output_mode=x"),
        (lambda: FeatureSpace({"a": "float_normalized"})({"a": [1.0]}), ValueError, "call `.adapt"),
        (lambda: FeatureSpace({"a": "float_normalized"}).get_inputs(), ValueError, "call `.adapt"),
        (lambda: FeatureSpace({"a": "float"}).adapt([1.0]), ValueError, "tf.data.Dataset or a dict"),
        (lambda: FeatureSpace({"a": "float"})([1.0]), ValueError, "called with a dict"),
        (lambda: FeatureSpace({"a": "float"})({"b": [1.0]}), KeyError, "has the features"),
        (lambda: FeatureSpace({"a": INTS})({"a": ["x"]}), ValueError, "Cannot concatenate"),
        (lambda: FeatureSpace({"a": FLOATS})({"a": [1.0]}), ValueError, "should return an integer dtype"),
    ],
)
def test_what_is_refused(call, error, message):
    with pytest.raises(error, match=message):
        call()
