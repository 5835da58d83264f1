"""Zalando's pictures of clothes, in the format of MNIST."""

from __future__ import annotations

import gzip
from typing import Any

import numpy as np

from ..utils.files import get_file

__all__ = ["load_data"]

_ORIGIN = "https://storage.googleapis.com/tensorflow/tf-keras-datasets/"
_FILES = (
    "train-labels-idx1-ubyte.gz", "train-images-idx3-ubyte.gz", "t10k-labels-idx1-ubyte.gz",
    "t10k-images-idx3-ubyte.gz",
)  # fmt: skip


def load_data() -> tuple[tuple[Any, Any], tuple[Any, Any]]:
    """`(x_train, y_train), (x_test, y_test)`: uint8 images [n, 28, 28] of ten kinds of clothes, and labels [n].

    Xiao, Rasul & Vollgraf, 2017. Keras: keras.datasets.fashion_mnist.load_data. Raises `Exception` without a network
    unless the files are in the cache.
    """
    paths = [get_file(name, origin=_ORIGIN + name, cache_subdir="datasets/fashion-mnist") for name in _FILES]
    y_train, x_train, y_test, x_test = [_read(path) for path in paths]
    return (x_train, y_train), (x_test, y_test)


def _read(path: str) -> np.ndarray[Any, Any]:
    """An array from a compressed IDX file: two zero bytes, the type (8 is uint8), the rank, the sizes, the values."""
    with gzip.open(path, "rb") as file:
        data = file.read()
    if data[:3] != b"\0\0\x08":
        raise ValueError(f"{path} is not a readable copy of the data set. Delete it to download it again.")
    shape = np.frombuffer(data, ">u4", data[3], 4)
    return np.frombuffer(data, np.uint8, offset=4 + 4 * data[3]).reshape(shape)
