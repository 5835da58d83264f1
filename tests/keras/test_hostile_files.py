"""Damaged, cut off, hostile and absurdly large model files: clear errors, and nothing touched outside.

Files are changed at random (by seeds) in the ways that disks, networks and attackers change them. Whatever is read must
either give a model or raise one of a few errors that name the file; the process, its memory and the folder stay intact.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import textwrap
import zipfile
from pathlib import Path

import h5py
import numpy as np
import pytest

from duoflow import keras

layers = keras.layers

#: How many changed files of each kind are tried.
TRIES = 60


def small():
    model = keras.Sequential([keras.Input((4,)), layers.Dense(3), layers.BatchNormalization()])
    model.compile("adam", "mse")
    return model


@pytest.fixture(autouse=True)
def fresh():
    keras.utils.clear_session()


def changed(data: bytes, seed: int) -> bytes:
    """A file with bits flipped, a part cut off, overwritten, repeated or exchanged."""
    random = np.random.default_rng(seed)
    out = bytearray(data)
    kind = seed % 5
    begin, end = sorted(random.integers(0, len(out), 2))
    if kind == 0:
        for place in random.integers(0, len(out), random.integers(1, 20)):
            out[place] ^= 1 << random.integers(8)
    elif kind == 1:
        del out[begin:]
    elif kind == 2:
        out[begin:end] = bytes(random.integers(0, 256, end - begin, np.uint8))
    elif kind == 3:
        out[end:end] = out[begin:end]
    else:
        out[begin : begin + 8] = random.choice([b"\xff" * 8, b"\0" * 8, b"\x7f" + b"\xff" * 7])
    return bytes(out)


#: Run in a process of its own: the HDF5 library is C, and a crash there must fail the test and not end it.
_WORKER = """
    import json, os, sys, warnings
    from duoflow import keras
    from tests.keras.test_hostile_files import TRIES, changed, small

    warnings.simplefilter("ignore")
    ending, folder = sys.argv[1:]
    source = open(f"{folder}/m.{ending}", "rb").read()
    found = {}
    for seed in range(TRIES):
        path = f"{folder}/changed.{ending}"
        open(path, "wb").write(changed(source, seed))
        keras.utils.clear_session()
        try:
            small().load_weights(path) if ending == "weights.h5" else keras.models.load_model(path)
            kind = "loaded"
        except (ValueError, TypeError, OSError, KeyError) as error:
            kind = type(error).__name__
            assert str(error), seed
        found[kind] = found.get(kind, 0) + 1
        print(json.dumps([seed, kind]), flush=True)
    print(json.dumps(found))
"""


@pytest.mark.parametrize("ending", ["keras", "weights.h5", "h5"])
@pytest.mark.filterwarnings("ignore:You are saving")
def test_changed_files(tmp_path, ending):
    resource = pytest.importorskip("resource")
    folder = tmp_path / "models"
    folder.mkdir()
    if ending == "weights.h5":
        small().save_weights(folder / f"m.{ending}")
    else:
        small().save(folder / f"m.{ending}")
    limit = 4 << 30

    def bounded() -> None:
        resource.setrlimit(resource.RLIMIT_AS, (limit, limit))

    root = Path(__file__).resolve().parents[2]
    command = [sys.executable, "-c", textwrap.dedent(_WORKER), ending, str(folder)]
    environment = {**os.environ, "PYTHONPATH": str(root), "DUOFLOW_THREADS": "1"}
    done = subprocess.run(
        command, cwd=tmp_path, env=environment, preexec_fn=bounded, capture_output=True, text=True, timeout=300
    )
    assert done.returncode == 0, f"{done.stdout[-300:]}\n{done.stderr[-3000:]}"
    counts = json.loads(done.stdout.splitlines()[-1])
    assert sum(counts.values()) == TRIES and counts.keys() - {"loaded"}
    assert sorted(os.listdir(tmp_path)) == ["models"]
    assert sorted(os.listdir(folder)) == sorted([f"changed.{ending}", f"m.{ending}"])


# -- absurd sizes ------------------------------------------------------------------------------------------------------


def rewritten(path: Path, **members: bytes) -> None:
    """A `.keras` file with some of its members replaced; `config` and so on stand for their file names."""
    names = {"config": "config.json", "weights": "model.weights.h5"}
    with zipfile.ZipFile(path) as archive:
        content = {name: archive.read(name) for name in archive.namelist()}
    content |= {names.get(key, key): value for key, value in members.items()}
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in content.items():
            archive.writestr(name, data)


def config_with(path: Path, **changes: object) -> bytes:
    """A saved model's configuration with other arguments for its first dense layer."""
    with zipfile.ZipFile(path) as archive:
        config = json.loads(archive.read("config.json"))
    dense = next(layer for layer in config["config"]["layers"] if layer["class_name"] == "Dense")
    dense["config"].update(changes)
    return json.dumps(config).encode()


def test_a_configuration_cannot_ask_for_more_than_the_file_holds(tmp_path):
    path = tmp_path / "m.keras"
    small().save(path)
    rewritten(path, config=config_with(path, units=10**11))
    with pytest.raises(ValueError, match=r"asks for a variable .*kernel.* bytes, but the file holds .* refused"):
        keras.models.load_model(path)
    small().save(path)
    with pytest.warns(UserWarning, match="legacy"):
        small().save(tmp_path / "m.h5")
    with h5py.File(tmp_path / "m.h5", "a") as file:
        config = json.loads(file.attrs["model_config"])
        config["config"]["layers"][1]["config"]["units"] = 10**11
        file.attrs["model_config"] = json.dumps(config).encode()
    with pytest.raises(ValueError, match=r"asks for a variable .* refused"):
        keras.models.load_model(tmp_path / "m.h5")
    assert keras.models.load_model(path).count_params() == small().count_params()


def test_members_that_unfold_to_too_much(tmp_path):
    path = tmp_path / "m.keras"
    small().save(path)
    rewritten(path, weights=b"\0" * (1 << 26))
    with pytest.raises(ValueError, match=r"model\.weights\.h5 .* claims 67,108,864 bytes .* refused"):
        keras.models.load_model(path)


def test_weights_of_absurd_shapes(tmp_path):
    with pytest.warns(UserWarning, match="legacy"):
        small().save(tmp_path / "m.h5")
    with h5py.File(tmp_path / "m.h5", "a") as file:
        group = file["model_weights/dense"]
        name = group.attrs["weight_names"][0]
        name = name.decode() if isinstance(name, bytes) else name
        del group[name]
        group.create_dataset(name, shape=(1 << 40, 64), dtype="float64", chunks=(1, 64))
    with pytest.raises(ValueError, match=r"claims .* bytes but the file holds"):
        keras.models.load_model(tmp_path / "m.h5")
    with pytest.raises(ValueError, match=r"claims .* bytes but the file holds"):
        small().load_weights(tmp_path / "m.h5")


@pytest.mark.parametrize("config", [
    b"", b"null", b"[]", b'"text"', b"{}", b'{"class_name": "Sequential"', b"[" * 100_000, b'{"a":' * 100_000,
    b'{"class_name": "Sequential", "config": 3}', b'{"class_name": 3, "config": {}}', b"\xff\xfe\x00",
    b'{"class_name": "Sequential", "config": {"name": "m", "layers": [[[]]]}}',
    b'{"module": "keras", "class_name": "Sequential", "config": {"name": "m", "layers": 7}, "registered_name": null}',
])  # fmt: skip
def test_configurations_that_describe_no_model(tmp_path, config):
    path = tmp_path / "m.keras"
    small().save(path)
    rewritten(path, config=config)
    with pytest.raises((ValueError, TypeError)):
        keras.models.load_model(path)


# -- names that lead elsewhere -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["../outside", "/outside", "assets/../../outside", "a/../../outside", "..\\outside"])
def test_members_that_would_leave_the_folder(tmp_path, monkeypatch, name):
    folder = tmp_path / "here"
    folder.mkdir()
    path = folder / "m.keras"
    small().save(path)
    rewritten(path, **{name: b"x"})
    monkeypatch.chdir(folder)
    keras.models.load_model(path)
    assert os.listdir(tmp_path) == ["here"] and os.listdir(folder) == ["m.keras"]


@pytest.mark.filterwarnings("ignore:You are saving")
@pytest.mark.parametrize("link", [h5py.ExternalLink("secret.h5", "data"), h5py.SoftLink("/elsewhere")])
def test_links_in_older_files_are_refused(tmp_path, link):
    with h5py.File(tmp_path / "secret.h5", "w") as file:
        file["data"] = np.zeros((4, 3), "float32")
    small().save(tmp_path / "m.h5")
    with h5py.File(tmp_path / "m.h5", "a") as file:
        group = file["model_weights/dense"]
        name = group.attrs["weight_names"][0]
        name = name.decode() if isinstance(name, bytes) else name
        del group[name]
        file["elsewhere"] = np.zeros((4, 3), "float32")
        group[name] = link
    with pytest.raises(ValueError, match="leads elsewhere; this is refused"):
        small().load_weights(tmp_path / "m.h5")


@pytest.mark.filterwarnings("ignore:You are saving", "ignore:.*lambda")
def test_code_in_older_files_is_refused(tmp_path):
    model = keras.Sequential([keras.Input((2,)), layers.Lambda(lambda x: x * 2)])
    model.save(tmp_path / "m.h5")
    with pytest.raises(ValueError, match="Python lambda"):
        keras.models.load_model(tmp_path / "m.h5", compile=False)
    trusted = keras.models.load_model(tmp_path / "m.h5", compile=False, safe_mode=False)
    np.testing.assert_array_equal(trusted(np.ones((1, 2))), [[2, 2]])


# -- writes ------------------------------------------------------------------------------------------------------------


@pytest.mark.filterwarnings("ignore:You are saving")
@pytest.mark.parametrize("ending", ["keras", "h5", "weights.h5"])
def test_a_save_that_fails_leaves_what_was_there(tmp_path, ending, monkeypatch):
    path = tmp_path / f"m.{ending}"
    model = small()
    save = model.save_weights if ending == "weights.h5" else model.save
    save(path)
    before = path.read_bytes()

    def fail(*args, **kwargs):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(h5py.Group, "create_dataset", fail)
    monkeypatch.setattr(h5py.Group, "__setitem__", fail)
    with pytest.raises(OSError, match="No space left"):
        save(path)
    assert path.read_bytes() == before and os.listdir(tmp_path) == [path.name]
