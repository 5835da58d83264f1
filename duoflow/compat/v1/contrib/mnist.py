"""The handwritten digits as TensorFlow 1's tutorials read them: `input_data.read_data_sets`."""

from __future__ import annotations

import gzip
import struct
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

import duoflow
from duoflow.core import dtypes
from duoflow.core.errors import DataLossError

__all__ = ["DataSet", "Dataset", "Datasets", "dense_to_one_hot", "load_mnist", "read_data_sets"]

_FILES = (
    "train-images-idx3-ubyte.gz", "train-labels-idx1-ubyte.gz", "t10k-images-idx3-ubyte.gz",
    "t10k-labels-idx1-ubyte.gz",
)  # fmt: skip


class Dataset(NamedTuple):
    """Data with its targets."""

    data: Any
    target: Any


class Datasets(NamedTuple):
    """The three parts of a data set."""

    train: Any
    validation: Any
    test: Any


class DataSet:
    """Images and labels, in batches that go round and round."""

    def __init__(
        self, images: Any, labels: Any, fake_data: bool = False, one_hot: bool = False, dtype: Any = dtypes.float32,
        reshape: bool = True, seed: int | None = None,
    ) -> None:  # fmt: skip
        if len(images) != len(labels):
            raise ValueError(f"images.shape: {images.shape} labels.shape: {labels.shape}")
        images = images.reshape(len(images), -1) if reshape else images.reshape(*images.shape[:3], -1)
        if dtypes.as_dtype(dtype) is dtypes.float32:
            images = images.astype(np.float32) * np.float32(1.0 / 255.0)
        self._images, self._labels = images, labels
        self._generator = np.random.RandomState(seed)
        self._at = self.epochs_completed = 0

    images = property(lambda self: self._images, doc="The images.")
    labels = property(lambda self: self._labels, doc="The labels.")
    num_examples = property(lambda self: len(self._images), doc="How many there are.")

    def _shuffle(self) -> None:
        order = self._generator.permutation(len(self._images))
        self._images, self._labels = self._images[order], self._labels[order]

    def next_batch(self, batch_size: int, fake_data: bool = False, shuffle: bool = True) -> tuple[Any, Any]:
        """The next images and labels; each round is in a new order."""
        if shuffle and self.epochs_completed == 0 and self._at == 0:
            self._shuffle()
        end = self._at + batch_size
        if end <= len(self._images):
            found = self._images[self._at : end], self._labels[self._at : end]
            self._at = end
            return found
        rest = self._images[self._at :], self._labels[self._at :]
        self.epochs_completed += 1
        if shuffle:
            self._shuffle()
        self._at = batch_size - len(rest[0])
        more = self._images[: self._at], self._labels[: self._at]
        return np.concatenate([rest[0], more[0]]), np.concatenate([rest[1], more[1]])


def dense_to_one_hot(labels_dense: Any, num_classes: int) -> Any:
    """Class numbers as rows with a one."""
    return np.eye(num_classes)[np.asarray(labels_dense, np.int64).reshape(-1)]


def _idx(path: Path) -> np.ndarray[Any, Any]:
    """The array in an IDX file."""
    with gzip.open(path, "rb") as file:
        data = file.read()
    if len(data) < 4 or data[:3] != b"\0\0\x08":
        raise DataLossError(None, None, f"{path}: not an IDX file of bytes.")
    shape = struct.unpack(f">{data[3]}I", data[4 : 4 + 4 * data[3]])
    return np.frombuffer(data, np.uint8, offset=4 + 4 * data[3]).reshape(shape)


def read_data_sets(
    train_dir: Any, fake_data: bool = False, one_hot: bool = False, dtype: Any = dtypes.float32, reshape: bool = True,
    validation_size: int = 5000, seed: int | None = None, source_url: str = "",
) -> Datasets:  # fmt: skip
    """The digits, from the files in `train_dir` if they are there, else from where `tf.keras.datasets` has them.

    TensorFlow: tensorflow.examples.tutorials.mnist.input_data.read_data_sets.
    """
    paths = [Path(train_dir, name) for name in _FILES]
    if all(path.is_file() for path in paths):
        train_x, train_y, test_x, test_y = map(_idx, paths)
    else:
        (train_x, train_y), (test_x, test_y) = duoflow.keras.datasets.mnist.load_data()
    if not 0 <= validation_size <= len(train_x):
        raise ValueError(f"Validation size should be between 0 and {len(train_x)}. Received: {validation_size}.")
    if one_hot:
        train_y, test_y = dense_to_one_hot(train_y, 10), dense_to_one_hot(test_y, 10)
    options: dict[str, Any] = {"dtype": dtype, "reshape": reshape, "seed": seed}
    return Datasets(
        DataSet(train_x[validation_size:], train_y[validation_size:], **options),
        DataSet(train_x[:validation_size], train_y[:validation_size], **options),
        DataSet(test_x, test_y, **options),
    )


def load_mnist(train_dir: Any = "MNIST-data") -> Datasets:
    """`read_data_sets` with its defaults."""
    return read_data_sets(train_dir)
