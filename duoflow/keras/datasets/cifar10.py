"""CIFAR-10: colour images of ten kinds of things."""

from __future__ import annotations

from typing import Any

import numpy as np

from .cifar import fetch, read_batch

__all__ = ["load_data"]

_HASH = "6d958be074577803d12ecdefd02955f39262c83c16fe9348329d7fe0b5c001ce"


def load_data() -> tuple[tuple[Any, Any], tuple[Any, Any]]:
    """`(x_train, y_train), (x_test, y_test)`: uint8 images [n, 32, 32, 3] and labels [n, 1], 50,000 and 10,000.

    Downloaded once. Raises `Exception` without a network unless the files are in the cache.

    Krizhevsky, 2009. Keras: keras.datasets.cifar10.load_data.
    """
    folder = fetch("cifar-10-batches-py-target", "cifar-10-python.tar.gz", _HASH, "cifar-10-batches-py")
    train = [read_batch(folder / f"data_batch_{i}") for i in range(1, 6)]
    images, labels = (np.concatenate([batch[i] for batch in train]) for i in (0, 1))
    x_test, y_test = read_batch(folder / "test_batch")
    return (images, labels.astype(np.uint8)), (x_test, y_test.astype(np.uint8))
