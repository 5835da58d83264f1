"""Data sets come from the cache or from a path, whole or not at all."""

import gzip
import urllib.error
import urllib.request

import numpy as np
import pytest

from duoflow import keras
from duoflow.keras.datasets import mnist


@pytest.fixture(autouse=True)
def home(tmp_path, monkeypatch):
    """An empty cache, and no network."""
    monkeypatch.setenv("KERAS_HOME", str(tmp_path))

    def refuse(*args, **kwargs):
        raise urllib.error.URLError("no network")

    monkeypatch.setattr(urllib.request, "urlopen", refuse)
    return tmp_path


def archive(path, **changes):
    arrays = {"x_train": np.zeros((2, 28, 28), "uint8"), "y_train": np.array([1, 2], "uint8")}
    arrays |= {"x_test": np.ones((1, 28, 28), "uint8"), "y_test": np.array([3], "uint8")} | changes
    np.savez(path, **{name: array for name, array in arrays.items() if array is not None})
    return str(path)


def test_the_bundled_sample_stands_in_with_a_notice(capsys):
    (x_train, y_train), (x_test, y_test) = keras.datasets.mnist.load_data()
    assert x_train.shape == (8500, 28, 28) and x_test.shape == (1500, 28, 28) and x_train.dtype == np.uint8
    assert set(y_train) == set(y_test) == set(range(10))
    assert "bundled sample" in capsys.readouterr().err


def test_a_copy_by_its_path(home):
    (x_train, y_train), (_, y_test) = mnist.load_data(archive(home / "copy.npz"))
    assert x_train.shape == (2, 28, 28) and y_train.tolist() == [1, 2] and y_test.tolist() == [3]


def test_a_path_that_does_not_exist(home):
    with pytest.raises(FileNotFoundError, match="no data set"):
        mnist.load_data(str(home / "missing.npz"))


@pytest.mark.parametrize("spoil", [lambda p: p.write_bytes(b"PK\x03\x04 cut short"), lambda p: archive(p, y_test=None)])
def test_a_corrupt_copy_names_itself(home, spoil):
    spoil(home / "bad.npz")
    with pytest.raises(ValueError, match=r"bad\.npz is not a readable copy"):
        mnist.load_data(str(home / "bad.npz"))


def test_fashion_mnist_from_the_cache(home):
    folder = home / "datasets" / "fashion-mnist"
    folder.mkdir(parents=True)
    for name, count in (("train", 3), ("t10k", 2)):
        head = lambda rank, *sizes: b"\0\0\x08" + bytes([rank]) + np.array(sizes, ">u4").tobytes()
        images, labels = np.arange(count * 784) % 256, np.arange(count)
        (folder / f"{name}-images-idx3-ubyte.gz").write_bytes(
            gzip.compress(head(3, count, 28, 28) + images.astype("uint8").tobytes())
        )
        (folder / f"{name}-labels-idx1-ubyte.gz").write_bytes(
            gzip.compress(head(1, count) + labels.astype("uint8").tobytes())
        )
    (x_train, y_train), (x_test, y_test) = keras.datasets.fashion_mnist.load_data()
    assert x_train.shape == (3, 28, 28) and x_train[1, 0, :2].tolist() == [16, 17] and y_train.tolist() == [0, 1, 2]
    assert x_test.shape == (2, 28, 28) and y_test.tolist() == [0, 1]
