"""The other data sets, from small files in their published formats."""

import json
import os
import pickle

import numpy as np
import pytest

from duoflow import keras
from duoflow.keras.datasets import cifar, reading

datasets = keras.datasets


@pytest.fixture(autouse=True)
def published(tmp_path, monkeypatch):
    """A folder that stands for the cache: files are found by their names, unpacked archives by theirs."""

    def find(fname=None, origin=None, **options):
        path = tmp_path / fname
        if not path.exists():
            raise Exception(f"URL fetch failure on {origin}")
        return str(path)

    monkeypatch.setattr(reading, "get_file", find)
    monkeypatch.setattr(cifar, "get_file", find)
    return tmp_path


def texts(*rows):
    out = np.empty(len(rows), object)
    out[:] = [list(row) for row in rows]
    return out


@pytest.fixture
def reviews(published):
    x = texts([1, 2, 3], [4, 5], [6, 7, 8, 9], [10])
    np.savez(published / "imdb.npz", x_train=x, y_train=np.arange(4), x_test=x[:2], y_test=np.arange(2))
    return datasets.imdb.load_data


@pytest.mark.parametrize("arguments, first", [
    ({}, {0: [1, 4, 5, 6], 1: [1, 7, 8], 2: [1, 9, 10, 11, 12], 3: [1, 13]}),
    ({"num_words": 9}, {0: [1, 4, 5, 6], 1: [1, 7, 8], 2: [1, 2, 2, 2, 2], 3: [1, 2]}),
    ({"num_words": 9, "oov_char": None}, {0: [1, 4, 5, 6], 1: [1, 7, 8], 2: [1], 3: [1]}),
    ({"skip_top": 5}, {0: [2, 2, 5, 6], 1: [2, 7, 8], 2: [2, 9, 10, 11, 12], 3: [2, 2 + 11]}),
    ({"start_char": None, "index_from": 0, "num_words": 100}, {0: [1, 2, 3], 1: [4, 5], 2: [6, 7, 8, 9], 3: [10]}),
    ({"maxlen": 4, "num_words": 100}, {1: [1, 7, 8], 3: [1, 13]}),
])  # fmt: skip
def test_reviews(reviews, arguments, first):
    """Words are ranks; the largest rank counts as out of the vocabulary when none is given, as in Keras."""
    (x, y), (_, y_test) = reviews(**arguments)
    assert x.dtype == object and len(y_test) <= 2
    found = {int(label): list(text) for text, label in zip(x, y, strict=True)}
    if "num_words" not in arguments:  # num_words is then the largest rank, which is left out
        first = {label: [2 if rank >= 13 else rank for rank in text] for label, text in first.items()}
    assert found == first


def test_the_order_of_reviews_follows_the_seed(reviews):
    orders = {tuple(int(label) for label in reviews(seed=seed)[0][1]) for seed in range(8)}
    assert len(orders) > 1 and all(sorted(order) == [0, 1, 2, 3] for order in orders)
    assert reviews()[0][1].tolist() == reviews()[0][1].tolist()


def test_reviews_that_are_refused(reviews):
    with pytest.raises(ValueError, match="Increase maxlen"):
        reviews(maxlen=2)
    with pytest.raises(TypeError, match="Unrecognized keyword"):
        reviews(words=3)


def test_newswires(published):
    rows = [[i, i + 1] for i in range(1, 11)]
    np.savez(published / "reuters.npz", x=texts(*rows), y=np.arange(10))
    (x, y), (x_test, y_test) = datasets.reuters.load_data(num_words=100)
    assert (len(x), len(x_test)) == (8, 2) and sorted([*y, *y_test]) == list(range(10))
    for text, label in zip(x, y, strict=True):
        assert list(text) == [1, label + 4, label + 5]
    names = datasets.reuters.get_label_names()
    assert len(names) == 46 and names[:4] == ("cocoa", "grain", "veg-oil", "earn")


@pytest.mark.parametrize("name", ["imdb", "reuters"])
def test_word_indices(published, name):
    (published / f"{name}_word_index.json").write_text(json.dumps({"the": 1}))
    assert getattr(datasets, name).get_word_index() == {"the": 1}


def test_houses(published):
    x, y = np.arange(2000.0).reshape(-1, 2), np.arange(1000.0)
    for name in ("boston_housing", "california_housing"):
        np.savez(published / f"{name}.npz", x=x, y=y)
    (a, b), (c, d) = datasets.boston_housing.load_data(test_split=0.25)
    assert (a.shape, b.shape, c.shape, d.shape) == ((750, 2), (750,), (250, 2), (250,))
    np.testing.assert_array_equal(a[:, 0], 2 * b)
    assert sorted([*b, *d]) == y.tolist() and b.tolist() != y[:750].tolist()
    assert len(datasets.california_housing.load_data()[0][0]) == 800
    small = datasets.california_housing.load_data("small")
    assert max(small[0][1].max(), small[1][1].max()) == 599
    with pytest.raises(ValueError, match="must be one of 'small', 'large'"):
        datasets.california_housing.load_data("huge")
    with pytest.raises(ValueError, match="Invalid `test_split`"):
        datasets.boston_housing.load_data(test_split=1.0)


def batch(path, count, **labels):
    path.parent.mkdir(parents=True, exist_ok=True)
    image = np.arange(3072, dtype=np.int64) % 256
    content = {b"data": np.stack([image] * count).astype(np.uint8), **{k.encode(): v for k, v in labels.items()}}
    path.write_bytes(pickle.dumps(content, protocol=2))


def test_cifar(published, monkeypatch):
    folder = published / "cifar-10-batches-py-target" / "cifar-10-batches-py"
    for i in range(1, 6):
        batch(folder / f"data_batch_{i}", 2, labels=[i, 0])
    batch(folder / "test_batch", 3, labels=[7, 8, 9])
    (x, y), (x_test, y_test) = datasets.cifar10.load_data()
    assert (x.shape, x.dtype, y.dtype, x_test.shape) == ((10, 32, 32, 3), np.uint8, np.uint8, (3, 32, 32, 3))
    assert y[::2].tolist() == [[1], [2], [3], [4], [5]] and y_test.tolist() == [[7], [8], [9]]
    assert x[0, 0, :3, 0].tolist() == [0, 1, 2] and x[0, 1, 0].tolist() == [32, 32, 32]
    monkeypatch.setattr(cifar, "image_data_format", lambda: "channels_first")
    assert datasets.cifar10.load_data()[0][0].shape == (10, 3, 32, 32)


def test_cifar_100(published):
    folder = published / "cifar-100-python-target" / "cifar-100-python"
    for name in ("train", "test"):
        batch(folder / name, 2, fine_labels=[50, 60], coarse_labels=[5, 6])
    assert datasets.cifar100.load_data()[0][1].tolist() == [[50], [60]]
    assert datasets.cifar100.load_data("coarse")[1][1].tolist() == [[5], [6]]
    with pytest.raises(ValueError, match="`label_mode` must be"):
        datasets.cifar100.load_data("other")


class Hostile:
    """What runs something when it is unpickled."""

    def __init__(self, target):
        self.target = str(target)

    def __reduce__(self):
        return os.mkdir, (self.target,)


def test_files_that_would_run_something_are_refused(published):
    target = published / "made"
    folder = published / "cifar-100-python-target" / "cifar-100-python"
    folder.mkdir(parents=True)
    (folder / "train").write_bytes(pickle.dumps({b"data": Hostile(target)}))
    with pytest.raises(ValueError, match=r"(posix|nt)\.mkdir is refused"):
        datasets.cifar100.load_data()
    trap = np.empty(1, object)
    trap[0] = Hostile(target)
    np.savez(published / "reuters.npz", x=trap, y=np.arange(1))
    with pytest.raises(ValueError, match=r"(posix|nt)\.mkdir is refused"):
        datasets.reuters.load_data()
    assert not target.exists()


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04 cut", b"no archive"])
def test_damaged_files_name_themselves(published, content):
    (published / "boston_housing.npz").write_bytes(content)
    with pytest.raises(ValueError, match=r"boston_housing\.npz is not a readable copy"):
        datasets.boston_housing.load_data()
    folder = published / "cifar-10-batches-py-target" / "cifar-10-batches-py"
    folder.mkdir(parents=True)
    (folder / "data_batch_1").write_bytes(content)
    with pytest.raises(ValueError, match="data_batch_1 is not a readable copy"):
        datasets.cifar10.load_data()


def test_without_network_and_cache():
    for load in (datasets.imdb, datasets.reuters, datasets.boston_housing, datasets.cifar10, datasets.cifar100):
        with pytest.raises(Exception, match="URL fetch failure"):
            load.load_data()
