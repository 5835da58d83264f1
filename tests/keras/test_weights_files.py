"""Weights in several files, editing weights files, and objects as Keras 2 wrote them."""

import json
import re
from pathlib import Path

import h5py
import numpy as np
import pytest

from duoflow import keras

layers = keras.layers
RECORDED = np.load(Path(__file__).resolve().parent.parent / "golden" / "keras" / "shards.npz")
VALUES = [RECORDED[f"value:{i}"] for i in range(sum(name.startswith("value:") for name in RECORDED.files))]
LIMIT = 240 / 1024**3


@pytest.fixture(autouse=True)
def fresh():
    keras.utils.clear_session()


def small(units=5):
    model = keras.Sequential([keras.Input((4,)), layers.Dense(6), layers.Dense(units), layers.BatchNormalization()])
    model.compile("adam", "mse")
    model.optimizer.build(model.trainable_variables)
    return model


def values(model):
    return [*model.get_weights(), *(np.asarray(v) for v in model.optimizer.variables)]


@pytest.fixture
def written(tmp_path):
    """The files that Keras wrote."""
    for name in RECORDED.files:
        if name.startswith("file:"):
            (tmp_path / name.removeprefix("file:")).write_bytes(RECORDED[name].tobytes())
    return tmp_path / "m.weights.json"


def test_shards_of_keras_are_read(written):
    model = small()
    model.load_weights(written)
    for have, want in zip(values(model), VALUES, strict=True):
        np.testing.assert_array_equal(have, want)


def test_shards_are_written_as_keras_does(written, tmp_path):
    model = small()
    model.load_weights(written)
    again = tmp_path / "again" / "m.weights.json"
    again.parent.mkdir()
    model.save_weights(again, max_shard_size=LIMIT)
    assert again.read_text() == written.read_text()
    assert sorted(p.name for p in again.parent.iterdir()) == sorted(p.name for p in tmp_path.glob("m*"))
    other = small()
    other.load_weights(again)
    for have, want in zip(values(other), VALUES, strict=True):
        np.testing.assert_array_equal(have, want)


def test_a_variable_larger_than_a_shard_leaves_what_was_there(written, tmp_path):
    before = {path: path.read_bytes() for path in tmp_path.iterdir()}
    with pytest.raises(ValueError, match="exceeds the maximum shard size"):
        small().save_weights(written, max_shard_size=50 / 1024**3)
    assert {path: path.read_bytes() for path in tmp_path.iterdir()} == before


def test_names_of_shards(tmp_path):
    model = small()
    with pytest.warns(UserWarning, match=r"\*.json"):
        model.save_weights(tmp_path / "m.weights.h5", max_shard_size=1)
    assert sorted(p.name for p in tmp_path.iterdir()) == ["m.weights.json", "m_00000.weights.h5"]
    with pytest.raises(ValueError, match=r"must end in `.weights.json`"):
        model.save_weights(tmp_path / "m.json", max_shard_size=1)
    with pytest.raises(ValueError, match=r"must end in `.weights.h5`"):
        model.save_weights(tmp_path / "m.weights.json")


@pytest.mark.parametrize(
    ("text", "error", "message"),
    [
        ("", ValueError, "damaged"),
        ("[1]", ValueError, "damaged"),
        ('{"weight_map": {"/layers/dense/vars": 3}}', ValueError, "damaged"),
        ('{"weight_map": {"/layers/dense/vars": ["../m_00000.weights.h5"]}}', ValueError, "not a weights file beside"),
        ('{"weight_map": {"/layers/dense/vars": ["/etc/passwd"]}}', ValueError, "not a weights file beside"),
        ('{"weight_map": {"/layers/dense/vars": ["gone.weights.h5"]}}', ValueError, "No weights file at gone"),
        ('{"weight_map": {}}', ValueError, "received 0 variables"),
    ],
)
def test_maps_that_are_refused(written, text, error, message):
    written.write_text(text)
    with pytest.raises(error, match=message):
        small().load_weights(written)


def test_objects_are_skipped(tmp_path):
    model, path = small(), tmp_path / "w.weights.h5"
    keras.saving.save_weights(model, path, objects_to_skip=[model.layers[0], model.optimizer])
    with h5py.File(path) as file:
        assert list(file["layers"]) == ["batch_normalization", "dense_1"] and "optimizer" not in file
    other = small()
    kept = other.layers[0].get_weights()
    keras.saving.load_weights(other, path, objects_to_skip=[other.layers[0], other.optimizer])
    np.testing.assert_array_equal(other.layers[0].get_weights()[0], kept[0])
    np.testing.assert_array_equal(other.layers[1].get_weights()[0], model.layers[1].get_weights()[0])
    for keyword in ({"by_name": True}, {"unknown": 1}):
        with pytest.raises(ValueError, match=next(iter(keyword))):
            model.load_weights(path, **keyword)


# -- the editor --------------------------------------------------------------------------------------------------------


@pytest.fixture(params=["w.weights.h5", "m.keras"])
def editor(request, tmp_path):
    model = small()
    path = tmp_path / request.param
    model.save(path) if path.suffix == ".keras" else model.save_weights(path)
    return keras.saving.KerasFileEditor(path)


def test_the_tree_of_a_file(editor, capsys):
    assert list(editor.weights_dict) == ["layers", "optimizer"]
    assert [v.shape for v in editor.weights_dict["layers"]["dense_1"].values()] == [(6, 5), (5,)]
    assert editor.object_metadata["/layers/dense"] == {"name": "dense"}
    assert (editor.config is None) == (editor.metadata is None) == editor.filepath.endswith("h5")
    editor.summary()
    assert re.search("[└`][─-] 1: shape=\\(5,\\), dtype=float32", capsys.readouterr().out)


def test_an_edited_file_fits_another_model(editor, tmp_path):
    kernel = editor.weights_dict["layers"]["dense"]["0"]
    editor.delete_object("optimizer")
    editor.delete_object("layers/batch_normalization")
    editor.delete_object("dense_1")
    editor.rename_object("layers/dense", "dense_1")
    editor.add_object("layers/dense", {"0": np.eye(4), "1": np.ones(4), "2": np.ones(4)})
    editor.delete_weight("layers/dense", "2")
    editor.add_weights("layers/dense", {"1": np.zeros(4)})
    editor.resave_weights(tmp_path / "edited.weights.h5")
    keras.utils.clear_session()
    model = keras.Sequential([keras.Input((4,)), layers.Dense(4), layers.Dense(6)])
    assert keras.saving.KerasFileEditor(tmp_path / "edited.weights.h5").compare(model)["status"] == "success"
    model.load_weights(tmp_path / "edited.weights.h5")
    np.testing.assert_array_equal(model(np.eye(4)), kernel)


def test_comparing_counts_and_names_what_differs(editor, capsys):
    assert editor.compare(small()) == {"status": "success", "error_count": 0, "match_count": 22}
    keras.utils.clear_session()
    other = keras.Sequential([keras.Input((4,)), layers.Dense(6), layers.Dense(7, use_bias=False)])
    assert editor.compare(other) == {"status": "error", "error_count": 4, "match_count": 2}
    shown = " ".join(capsys.readouterr().out.split())
    for part in ("Object /optimizer present in saved file", "Weight /layers/dense_1/1 present", "shape=(6, 7)"):
        assert part in shown


def test_nested_models_and_bfloat16_keep_their_values(tmp_path):
    inner = keras.Sequential([layers.Dense(3, dtype="bfloat16")])
    model = keras.Sequential([keras.Input((4,)), inner])
    model.save_weights(tmp_path / "a.weights.h5")
    keras.saving.KerasFileEditor(tmp_path / "a.weights.h5").save(tmp_path / "b.weights.h5")
    before = [np.array(w) for w in model.get_weights()]
    model.set_weights([np.zeros_like(w) for w in before])
    model.load_weights(tmp_path / "b.weights.h5")
    for have, want in zip(model.get_weights(), before, strict=True):
        np.testing.assert_array_equal(have, want)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda e: e.delete_object("nowhere"), "does not appear"),
        (lambda e: e.delete_object("layers/nowhere"), "not found in model"),
        (lambda e: e.delete_object("0"), "more than once"),
        (lambda e: e.rename_object("dense", "a/b"), "leaf name"),
        (lambda e: e.delete_weight("dense", "9"), "Weight 9 not found"),
        (lambda e: e.add_object("a/b", {}), "Path 'a' not found"),
        (lambda e: e.add_object("a", [1]), "should be a dict"),
        (lambda e: e.save("a.h5"), r"`.weights.h5` extension"),
    ],
)
def test_edits_that_are_refused(editor, call, message):
    with pytest.raises(ValueError, match=message):
        call(editor)


def test_files_the_editor_refuses(tmp_path):
    with pytest.raises(ValueError, match="extension"):
        keras.saving.KerasFileEditor(tmp_path / "a.h5")
    (tmp_path / "a.weights.h5").write_bytes(b"nothing")
    with pytest.raises(OSError, match="not an HDF5 file"):
        keras.saving.KerasFileEditor(tmp_path / "a.weights.h5")
    with h5py.File(tmp_path / "b.weights.h5", "w") as file:
        file["layers"] = h5py.ExternalLink("elsewhere.h5", "/")
    with pytest.raises(ValueError, match="leads elsewhere"):
        keras.saving.KerasFileEditor(tmp_path / "b.weights.h5")


# -- objects of Keras 2 ------------------------------------------------------------------------------------------------


class Pair:
    def __init__(self, first, second=None):
        self.first, self.second = first, second

    def get_config(self):
        return {"first": self.first, "second": self.second}

    @classmethod
    def from_config(cls, config):
        return cls(**config)


def test_objects_of_keras_2():
    legacy = keras.utils.legacy
    assert keras.legacy.saving.serialize_keras_object is legacy.serialize_keras_object
    relu, known = keras.activations.relu, {"relu": keras.activations.relu, "Pair": Pair, "L2": keras.regularizers.L2}
    written = legacy.serialize_keras_object(Pair(Pair(1), relu))
    inner = {"class_name": "Pair", "config": {"first": 1, "second": None}, "__passive_serialization__": True}
    assert written == {"class_name": "Pair", "config": {"first": inner, "second": "relu"}}
    again = legacy.deserialize_keras_object(json.loads(json.dumps(written)), known)
    assert (again.first.first, again.second) == (1, relu)
    assert legacy.deserialize_keras_object("L2", known).l2 == keras.regularizers.L2().l2
    assert legacy.deserialize_keras_object("mine", known, {"mine": relu}) is relu
    assert legacy.serialize_keras_object(None) is legacy.deserialize_keras_object(None) is None


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda legacy: legacy.serialize_keras_object(3), "get_config"),
        (lambda legacy: legacy.deserialize_keras_object("nope", {}), "Unknown object: 'nope'"),
        (lambda legacy: legacy.deserialize_keras_object({"class_name": "X", "config": {}}, {}), "Unknown object: 'X'"),
        (lambda legacy: legacy.deserialize_keras_object({"a": 1}), "Improper config"),
        (lambda legacy: legacy.deserialize_keras_object(3), "Could not interpret"),
    ],
)
def test_objects_that_are_refused(call, message):
    with pytest.raises(ValueError, match=message):
        call(keras.utils.legacy)


def test_configs_are_dicts_with_attributes():
    config = keras.utils.Config(learning_rate=1)
    config.momentum = 2
    config["seed"] = 3
    config.update(decay=4)
    assert (list(config), len(config), "seed" in config) == (["decay", "learning_rate", "momentum", "seed"], 4, True)
    assert (config.pop("decay"), config.get("decay", 0), config.seed) == (4, 0, 3)
    assert json.loads(config.to_json()) == config.as_dict() == {"learning_rate": 1, "momentum": 2, "seed": 3}
    with pytest.raises(AttributeError, match="Did you mean 'learning_rate'"):
        config.learning_rat  # noqa: B018
    config.freeze()
    for change in (
        lambda: config.update(a=1), lambda: config.pop("seed"), lambda: setattr(config, "a", 1),
        lambda: config.__setitem__("a", 1), lambda: config.__delitem__("seed"),
    ):  # fmt: skip
        with pytest.raises(ValueError, match="frozen"):
            change()
    config.unfreeze()
    del config["seed"]
    assert repr(config) == "<Config {'learning_rate': 1, 'momentum': 2}>"
