"""CIFAR: 60,000 colour images of 32 x 32 pixels (Krizhevsky, 2009)."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from ..preferences import image_data_format
from ..utils.files import get_file
from .reading import read_pickle

__all__ = ["fetch", "read_batch"]

_ORIGIN = "https://www.cs.toronto.edu/~kriz/"


def fetch(name: str, archive: str, file_hash: str, folder: str) -> Path:
    """The folder of the unpacked archive."""
    path = get_file(name, origin=_ORIGIN + archive, extract=True, file_hash=file_hash)
    return Path(path) / folder


def read_batch(path: Path, labels: str = "labels") -> tuple[Any, Any]:
    """Images [n, 32, 32, 3] (or channels first, as configured) and labels [n, 1] of one file."""
    found = read_pickle(path)
    try:
        images, classes = found[b"data"], found[labels.encode()]
        images = np.asarray(images, np.uint8).reshape(-1, 3, 32, 32)
    except (KeyError, TypeError, ValueError) as error:
        raise ValueError(f"{path} is not a readable copy of the data set: {error!r}.") from error
    if image_data_format() == "channels_last":
        images = images.transpose(0, 2, 3, 1)
    return images, np.reshape(classes, (len(classes), 1))
