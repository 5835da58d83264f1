"""The MNIST handwritten digits."""

from __future__ import annotations

import os
import sys
import zipfile
import zlib
from pathlib import Path
from typing import Any

import numpy as np

from ..utils.files import cache_folder, get_file

__all__ = ["load_data"]

_ORIGIN = "https://storage.googleapis.com/tensorflow/tf-keras-datasets/mnist.npz"
_HASH = "731c5ac602752760c8e48fbffcf8c3b850d9dc2a2aedcf2cc48468fc17b673d1"
_SAMPLE = Path(__file__).with_name("mnist_sample.npz")


def load_data(path: str = "mnist.npz") -> tuple[tuple[Any, Any], tuple[Any, Any]]:
    """`(x_train, y_train), (x_test, y_test)`: uint8 images [n, 28, 28] and labels [n].

    Args:
      path: the file's name in the cache, or an absolute path of a copy.

    The 70,000 digits are downloaded once. Without a network a bundled sample of 10,000 stands in, with a notice.

    LeCun, Cortes & Burges. Keras: keras.datasets.mnist.load_data. Raises `FileNotFoundError` for an absolute path that
    does not exist.
    """
    return _read(_locate(path))


def _locate(path: str) -> Path:
    if os.path.isabs(path):
        if not Path(path).is_file():
            raise FileNotFoundError(
                f"There is no data set at {path}; give the path of a copy of mnist.npz, or leave `path` out."
            )
        return Path(path)
    try:
        return Path(get_file(path, origin=_ORIGIN, file_hash=_HASH))
    except Exception as error:
        if "URL fetch failure" not in str(error):
            raise
        wanted = cache_folder() / "datasets" / path
        if wanted.is_file():
            print(f"Using {wanted}, although its checksum is not that of the published file.", file=sys.stderr)
            return wanted
        print(
            f"MNIST could not be downloaded; using the bundled sample of 10,000 digits. Put mnist.npz at {wanted} for "
            "all 70,000.",
            file=sys.stderr,
        )
        return _SAMPLE


def _read(path: Path) -> tuple[tuple[Any, Any], tuple[Any, Any]]:
    try:
        with np.load(path, allow_pickle=False) as file:
            return (file["x_train"], file["y_train"]), (file["x_test"], file["y_test"])
    except (OSError, KeyError, ValueError, EOFError, zipfile.BadZipFile, zlib.error) as error:
        raise ValueError(
            f"{path} is not a readable copy of mnist.npz: {error}. Delete it to download it again."
        ) from error
