"""Weights and model files: Keras' layout, all or nothing, what is refused, and files that real Keras wrote."""

import contextlib
import copy
import json
import os
import pickle
import zipfile
from pathlib import Path

import h5py
import numpy as np
import pytest

from duoflow import keras

layers = keras.layers
GOLDEN = Path(__file__).resolve().parent.parent / "golden" / "keras"


@pytest.fixture(autouse=True)
def fresh():
    keras.utils.clear_session()


def small(units=3):
    model = keras.Sequential([keras.Input((4,)), layers.Dense(units), layers.Dropout(0.1), layers.BatchNormalization()])
    model.compile("adam", "mse")
    return model


class Net(keras.Model):
    def __init__(self):
        super().__init__()
        self.hidden = [layers.Dense(3), layers.Dense(4)]
        self.out = layers.Dense(2)
        self.named = {"a": layers.Dense(2)}

    def call(self, x):
        for layer in self.hidden:
            x = layer(x)
        return self.named["a"](self.out(x))


ones = np.ones((2, 4), "float32")


def groups(path):
    found = []
    with h5py.File(path) as file:
        file.visititems(lambda name, item: found.append(name) if isinstance(item, h5py.Dataset) else None)
    return found


def test_layout(tmp_path):
    model = small()
    model.save_weights(tmp_path / "w.weights.h5")
    assert groups(tmp_path / "w.weights.h5") == [
        *(f"layers/batch_normalization/vars/{i}" for i in range(4)), "layers/dense/vars/0", "layers/dense/vars/1",
        "optimizer/vars/0", "optimizer/vars/1",
    ]  # fmt: skip
    net = Net()
    net(ones)
    net.save_weights(tmp_path / "n.weights.h5")
    assert sorted({name.rpartition("/vars")[0] for name in groups(tmp_path / "n.weights.h5")}) == [
        "hidden/dense", "hidden/dense_1", "layers/dense_2", "layers/dense_3",
    ]  # fmt: skip


@pytest.mark.parametrize("dtype", ["float32", "bfloat16", "float16", "float64"])
def test_weights_round_trip(tmp_path, dtype):
    path = tmp_path / "w.weights.h5"
    a, b = layers.Dense(3, dtype=dtype), layers.Dense(3, dtype=dtype)
    first, second = keras.Sequential([keras.Input((4,)), a]), keras.Sequential([keras.Input((4,)), b])
    first.save_weights(path)
    second.load_weights(path)
    for x, y in zip(first.get_weights(), second.get_weights(), strict=True):
        assert x.dtype == y.dtype
        np.testing.assert_array_equal(x, y)


def test_training_goes_on_where_a_saved_model_stopped(tmp_path):
    x, y = np.random.default_rng(0).normal(size=(8, 4)).astype("float32"), np.ones((8, 3), "float32")
    model = keras.Sequential([keras.Input((4,)), layers.Dense(3)])
    model.compile("adam", "mse")
    model.fit(x, y, epochs=2, verbose=0)
    model.save(tmp_path / "m.keras")
    again = keras.models.load_model(tmp_path / "m.keras")
    for m in (model, again):
        m.fit(x, y, epochs=1, shuffle=False, verbose=0)
    for a, b in zip(model.get_weights(), again.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)
    assert int(again.optimizer.iterations) == 3
    assert not keras.models.load_model(tmp_path / "m.keras", compile=False).compiled


def test_models_are_pickled_and_copied_with_their_state():
    model = small()
    model.fit(ones, np.ones((2, 3)), verbose=0)
    for again in (pickle.loads(pickle.dumps(model)), copy.deepcopy(model)):
        assert type(again) is type(model) and int(again.optimizer.iterations) == 1
        for a, b in zip(model.get_weights(), again.get_weights(), strict=True):
            np.testing.assert_array_equal(a, b)
    with pytest.raises(TypeError, match=r"Unable to revive model|could not be deserialized"):
        copy.deepcopy(Net())


def test_the_archive_has_keras_members(tmp_path):
    small().save(tmp_path / "m.keras")
    with zipfile.ZipFile(tmp_path / "m.keras") as archive:
        assert archive.namelist() == ["metadata.json", "config.json", "model.weights.h5"]
        config = json.loads(archive.read("config.json"))
    assert (config["module"], config["class_name"], config["compile_config"]["loss"]) == ("keras", "Sequential", "mse")


def test_mismatch_names_the_layer(tmp_path):
    path = tmp_path / "w.weights.h5"
    small(3).save_weights(path)
    other = small(5)
    with pytest.raises(ValueError, match=r"(?s)A total of 2 objects could not be loaded.*name=dense.*must match"):
        other.load_weights(path)
    with pytest.warns(UserWarning, match="could not be loaded"):
        other.load_weights(path, skip_mismatch=True)
    with pytest.raises(ValueError, match=r"(?s)expected 0 variables|never built|could not be loaded"):
        keras.Sequential([keras.Input((4,)), layers.Dense(3, use_bias=False)]).load_weights(path)


def test_what_cannot_be_loaded(tmp_path):
    path = tmp_path / "w.weights.h5"
    model = small()
    model.save_weights(path)
    whole = path.read_bytes()
    with pytest.raises(FileNotFoundError):
        model.load_weights(tmp_path / "none.weights.h5")
    for damaged in (whole[: len(whole) // 2], b"", b"not hdf5 at all" * 100):
        path.write_bytes(damaged)
        with pytest.raises(OSError, match="damaged or cut off"):
            model.load_weights(path)
    with pytest.raises(ValueError, match="not yet been built"):
        Net().load_weights(path)
    with pytest.raises(ValueError, match="not yet been built"):
        Net().save_weights(path)
    for name in ("w.h5", "w.txt"):
        with pytest.raises(ValueError, match="must end in"):
            model.save_weights(tmp_path / name)
    with pytest.raises(ValueError, match="not supported"):
        model.load_weights(tmp_path / "w.txt")
    with pytest.raises(ValueError, match="Invalid filepath extension"):
        model.save(tmp_path / "m.txt")


def test_a_failed_write_leaves_the_old_file(tmp_path):
    path = tmp_path / "w.weights.h5"
    model = small()
    model.save_weights(path)
    before = path.read_bytes()
    model.layers[0].save_own_variables = lambda store: 1 / 0
    with pytest.raises(ZeroDivisionError):
        model.save_weights(path)
    assert path.read_bytes() == before and os.listdir(tmp_path) == ["w.weights.h5"]


def test_overwriting_is_asked_for(tmp_path, monkeypatch):
    path = tmp_path / "w.weights.h5"
    path.write_bytes(b"precious")
    monkeypatch.setattr("builtins.input", lambda prompt: "n")
    small().save_weights(path, overwrite=False)
    assert path.read_bytes() == b"precious"


def archive_with(path, **members):
    """A saved model with members replaced (None leaves one out)."""
    small().save(path)
    with zipfile.ZipFile(path) as archive:
        content = {name: archive.read(name) for name in archive.namelist()}
    names = {"config": "config.json", "weights": "model.weights.h5"}
    content |= {names.get(key, key): value for key, value in members.items()}
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in content.items():
            if data is not None:
                archive.writestr(name, data)


def test_damaged_archives(tmp_path):
    path = tmp_path / "m.keras"
    with pytest.raises(ValueError, match="File not found"):
        keras.models.load_model(path)
    small().save(path)
    path.write_bytes(path.read_bytes()[:200])
    with pytest.raises(ValueError, match="damaged or cut off"):
        keras.models.load_model(path)
    archive_with(path, config=b"{not json")
    with pytest.raises(ValueError, match=r"config.json .* is damaged"):
        keras.models.load_model(path)
    archive_with(path, weights=None)
    with pytest.raises(ValueError, match=r"no member model.weights.h5"):
        keras.models.load_model(path)
    archive_with(path, weights=b"\0" * (1 << 26))
    with pytest.raises((ValueError, OSError), match=r"refused|damaged"):
        keras.models.load_model(path)


def test_nothing_in_a_file_is_run_or_unpacked(tmp_path, monkeypatch):
    path = tmp_path / "m.keras"
    model = keras.Sequential([keras.Input((2,)), layers.Lambda(lambda x: x * 2)])
    with pytest.warns(UserWarning, match="lambda"):
        model.save(path)
    with pytest.raises(ValueError, match="Python lambda"):
        keras.models.load_model(path)
    trusted = keras.models.load_model(path, safe_mode=False)
    np.testing.assert_array_equal(trusted(np.ones((1, 2))), [[2, 2]])

    for module, name in (("os", "system"), ("builtins", "eval"), ("keras.utils", "get_file"),
    ("keras.models", "load_model"),
                         ("duoflow.keras.saving.files", "replacing"), ("keras.layers", "__class__")):  # fmt: skip
        for kind in ({"class_name": name, "config": {}}, {"class_name": "function", "config": name}):
            config = {"module": module, "registered_name": name, **kind}
            with pytest.raises((TypeError, ValueError), match="Could not locate"):
                keras.saving.deserialize_keras_object(config)

    monkeypatch.chdir(tmp_path)
    archive_with(path, **{"../escaped.txt": b"x", "/absolute.txt": b"x"})
    keras.models.load_model(path)
    assert sorted(os.listdir(tmp_path)) == ["m.keras"] and not (tmp_path.parent / "escaped.txt").exists()


def test_links_out_of_a_weights_file_are_refused(tmp_path):
    path, secret = tmp_path / "w.weights.h5", tmp_path / "secret.h5"
    model = small()
    model.save_weights(path)
    with h5py.File(secret, "w") as file:
        file["data"] = np.zeros((4, 3), "float32")
    with h5py.File(path, "a") as file:
        del file["layers/dense/vars/0"]
        file["layers/dense/vars/0"] = h5py.ExternalLink(str(secret), "data")
    with pytest.raises(ValueError, match="leads elsewhere; this is refused"):
        model.load_weights(path)
    with h5py.File(path, "a") as file:
        del file["layers/dense/vars/0"]
        file.create_dataset("layers/dense/vars/0", shape=(1 << 30, 64), dtype="float64", chunks=True)
    with pytest.raises(ValueError, match=r"claims .* bytes but the file holds"):
        model.load_weights(path)


NAMES = ["sequential", "functional", "convolutional", "shared", "recurrent"]
FILES = [(name, ending) for name in NAMES for ending in ("keras", "h5") if (name, ending) != ("functional", "h5")]


@pytest.mark.parametrize("name, ending", FILES)
def test_files_of_real_keras(name, ending, tmp_path):
    """Recorded by record_files.py: a model's file, an input, and the output Keras gives."""
    with np.load(GOLDEN / "files.npz") as recorded:
        inputs = {key.split(":")[1]: recorded[key] for key in recorded.files if key.startswith(f"{name}_in:")}
        expected = [recorded[key] for key in sorted(recorded.files) if key.startswith(f"{name}_out:")]
        (tmp_path / f"m.{ending}").write_bytes(recorded[f"{name}_{ending}"].tobytes())
    with contextlib.nullcontext() if name in ("sequential", "shared") or ending == "keras" else uncompiled():
        model = keras.models.load_model(tmp_path / f"m.{ending}")

    def outputs(model):
        found = model(inputs if len(inputs) > 1 else next(iter(inputs.values())))
        return [found[key] for key in sorted(found)] if isinstance(found, dict) else keras.tree.flatten(found)

    for out, wanted in zip(outputs(model), expected, strict=True):
        np.testing.assert_allclose(out, wanted, rtol=1e-5, atol=1e-6)
    assert name != "sequential" or int(model.optimizer.iterations) == 2
    if ending == "h5":  # written here and read again, whole and as weights
        with pytest.warns(UserWarning, match="considered legacy"):
            model.save(tmp_path / "again.h5")
        again = keras.models.load_model(tmp_path / "again.h5", compile=False)
        fresh_weights = keras.models.clone_model(model)
        fresh_weights.load_weights(tmp_path / "again.h5")
        by_name = keras.models.clone_model(model)
        by_name.load_weights(tmp_path / "again.h5", by_name=True)
        for other in (again, fresh_weights, by_name):
            for out, wanted in zip(outputs(other), expected, strict=True):
                np.testing.assert_allclose(out, wanted, rtol=1e-5, atol=1e-6)


def uncompiled():
    return pytest.warns(UserWarning, match="No training configuration")


def test_older_files_go_on_training(tmp_path):
    """The optimizer's state and the losses come back from an `.h5` file."""
    x, y = np.random.default_rng(0).normal(size=(8, 4)).astype("float32"), np.ones((8, 3), "float32")
    model = small()
    model.fit(x, y, epochs=2, verbose=0)
    with pytest.warns(UserWarning, match="considered legacy"):
        model.save(tmp_path / "m.h5")
    again = keras.models.load_model(tmp_path / "m.h5")
    assert int(again.optimizer.iterations) == 2
    for a, b in zip(model.optimizer.variables, again.optimizer.variables, strict=True):
        np.testing.assert_array_equal(a, b)
    assert np.isfinite(again.fit(x, y, verbose=0).history["loss"][0])


def test_older_files_of_weights_alone(tmp_path):
    """As published weights are: layers in order, and what does not fit named."""
    model = small()
    with h5py.File(tmp_path / "w.h5", "w") as file:
        file.attrs["layer_names"] = [b"first", b"drop", b"second"]
        for name, weights in (("first", model.layers[0].weights), ("drop", []), ("second", model.layers[2].weights)):
            group = file.create_group(name)
            group.attrs["weight_names"] = [f"{name}/{i}".encode() for i in range(len(weights))]
            for i, w in enumerate(weights):
                group[f"{name}/{i}"] = np.full(w.shape, i + 1.0, "float32")
    model.load_weights(tmp_path / "w.h5")
    assert [float(np.mean(w)) for w in model.get_weights()] == [1, 2, 1, 2, 3, 4]
    with pytest.raises(ValueError, match=r"Shape mismatch in layer #0 \(named .*first in the save file\)"):
        small(5).load_weights(tmp_path / "w.h5")
    with pytest.warns(UserWarning, match="Skipping: Shape mismatch"):
        small(5).load_weights(tmp_path / "w.h5", skip_mismatch=True)
    with pytest.raises(ValueError, match=r"Layer count mismatch.* expected 1 layers, found 2"):
        keras.Sequential([keras.Input((4,)), layers.Dense(3)]).load_weights(tmp_path / "w.h5")
    with pytest.raises(ValueError, match="No model config found"):
        keras.models.load_model(tmp_path / "w.h5")


def test_long_lists_of_names_are_cut(tmp_path):
    """HDF5 takes no attribute above 64 KiB."""
    names = ["d" * 400 + str(i) for i in range(200)]
    model = keras.Sequential([keras.Input((1,)), *(layers.Dense(1, name=name) for name in names)])
    with pytest.warns(UserWarning, match="considered legacy"):
        model.save(tmp_path / "m.h5")
    with h5py.File(tmp_path / "m.h5") as file:
        assert {"layer_names0", "layer_names1"} <= set(file["model_weights"].attrs)
    with uncompiled():
        again = keras.models.load_model(tmp_path / "m.h5")
    for a, b in zip(model.get_weights(), again.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)


def test_configs_that_classes_do_not_write_are_what_their_constructor_takes():
    class Fixed(layers.Layer):
        def __init__(self, units=32, rate=0.5):
            super().__init__()

    class Named(layers.Layer):
        def __init__(self, units=32, **kwargs):
            super().__init__(**kwargs)

    class Variadic(layers.Layer):
        def __init__(self, *units, **kwargs):
            super().__init__(**kwargs)

    plain = {"trainable": True, "dtype": layers.Layer(name="l").get_config()["dtype"]}
    assert Fixed(3).get_config() == {"units": 3, "rate": 0.5, **plain}
    assert Named(name="n").get_config() == {"name": "n", "units": 32, **plain}
    assert Variadic(name="v").get_config() == {"name": "v", **plain}
    with pytest.raises(NotImplementedError, match="variadic positional arguments"):
        Variadic(1).get_config()


def test_classes_of_a_program_are_named_without_a_module(monkeypatch):
    class Dense(layers.Layer):
        pass

    monkeypatch.setattr(Dense, "__module__", "__main__")
    config = keras.saving.serialize_keras_object(Dense(name="own"))
    assert (config["module"], config["registered_name"]) == (None, "Dense")
    assert type(keras.saving.deserialize_keras_object(config, custom_objects={"Dense": Dense})) is Dense
    with pytest.raises(TypeError, match="Could not locate class 'Dense'"):
        keras.saving.deserialize_keras_object(config)


def test_a_model_that_is_not_compiled_has_nothing_to_compile_with():
    assert keras.Sequential([keras.Input((2,)), layers.Dense(1)]).get_compile_config() == {}
