"""Reading the files of data sets: arrays, and the lists that some of them keep as pickles.

A pickle can run anything. What is unpickled here may hold NumPy arrays and plain values, and nothing else.
"""

from __future__ import annotations

import io
import json
import pickle
import zipfile
import zlib
from typing import Any

import numpy as np

from ..utils.files import get_file

__all__ = ["FOLDER", "fetch_npz", "fetch_word_index", "parts", "read_npz", "read_pickle"]

FOLDER = "https://storage.googleapis.com/tensorflow/tf-keras-datasets/"
#: What arrays need to come out of a pickle, under the names of NumPy 1 and 2.
_ALLOWED = {(f"numpy.{core}.multiarray", name) for core in ("core", "_core") for name in ("_reconstruct", "scalar")} | {
    ("numpy", "ndarray"),
    ("numpy", "dtype"),
    ("_codecs", "encode"),
}
_UNREADABLE = (OSError, KeyError, ValueError, EOFError, zipfile.BadZipFile, zlib.error, pickle.UnpicklingError)


class _ArraysOnly(pickle.Unpickler):
    def find_class(self, module: str, name: str) -> Any:
        if (module, name) not in _ALLOWED:
            raise pickle.UnpicklingError(f"{module}.{name} is refused: a data set may hold arrays and lists only")
        return super().find_class(module, name)


def read_pickle(path: Any) -> Any:
    """What a pickle of arrays and plain values holds; `ValueError` for a damaged or any other one."""
    try:
        with open(path, "rb") as file:
            return _ArraysOnly(file, encoding="bytes").load()
    except (*_UNREADABLE, IndexError, AttributeError, TypeError) as error:
        raise _unreadable(path, error) from error


def _unreadable(path: Any, error: Exception) -> ValueError:
    return ValueError(f"{path} is not a readable copy of the data set: {error}. Delete it to download it again.")


def read_npz(path: Any, *names: str) -> list[np.ndarray[Any, Any]]:
    """Arrays of an `.npz` file, which may hold lists; `ValueError` for a damaged file or missing arrays."""
    try:
        with zipfile.ZipFile(path) as archive:
            return [_read_npy(archive.read(f"{name}.npy")) for name in names]
    except _UNREADABLE as error:
        raise _unreadable(path, error) from error


def _read_npy(data: bytes) -> np.ndarray[Any, Any]:
    file = io.BytesIO(data)
    version = np.lib.format.read_magic(file)
    read = np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
    shape, _, dtype = read(file)
    if not dtype.hasobject:
        file.seek(0)
        return np.lib.format.read_array(file, allow_pickle=False)  # type: ignore[no-any-return]
    found = _ArraysOnly(file, encoding="bytes").load()
    return np.asarray(found, object).reshape(shape)


def fetch_npz(path: str, name: str, file_hash: str, *arrays: str) -> list[np.ndarray[Any, Any]]:
    """Arrays of a published `.npz` file, downloaded once to `path` in the cache."""
    return read_npz(get_file(path, origin=FOLDER + name, file_hash=file_hash), *arrays)


def fetch_word_index(path: str, name: str, file_hash: str) -> dict[str, int]:
    """A published word index: words to their ranks."""
    with open(get_file(path, origin=FOLDER + name, file_hash=file_hash), encoding="utf-8") as file:
        return json.load(file)  # type: ignore[no-any-return]


def parts(x: Any, y: Any, test_split: float, seed: int) -> tuple[tuple[Any, Any], tuple[Any, Any]]:
    """Shuffled by a seed, and cut into `(x_train, y_train), (x_test, y_test)`."""
    if not 0 <= test_split < 1:
        raise ValueError(f"Invalid `test_split` argument: {test_split}. It must be between 0 and 1 (exclusive of 1).")
    x, y = shuffled(x, y, np.random.RandomState(seed))
    cut = int(len(x) * (1 - test_split))
    return (x[:cut], y[:cut]), (x[cut:], y[cut:])


def shuffled(x: Any, y: Any, random: np.random.RandomState) -> tuple[Any, Any]:
    """Both in one random order, as Keras draws it."""
    order = np.arange(len(x))
    random.shuffle(order)
    return x[order], y[order]
