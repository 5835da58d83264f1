"""A data set in two parts: keras.utils.split_dataset."""

from __future__ import annotations

import random
from typing import Any

import numpy as np

from duoflow.core import nest
from duoflow.data import AUTOTUNE, Dataset

__all__ = ["split_dataset"]


def split_dataset(
    dataset: Any, left_size: Any = None, right_size: Any = None, shuffle: bool = False, seed: int | None = None,
    preferred_backend: str | None = None,
) -> tuple[Any, Any]:  # fmt: skip
    """The first and the last samples of a data set, as two `tf.data.Dataset`s.

    Args:
      dataset: a `tf.data.Dataset`, an array, or a list or tuple of arrays of one length. It is read whole.
      left_size, right_size: how many samples, or (floats) which part of them; one of the two is enough.
      shuffle, seed: whether samples are put in random order first.
      preferred_backend: must be "tensorflow" if given.

    Raises `ValueError` for sizes that do not fit, `TypeError` for other data.

    >>> left, right = tf.keras.utils.split_dataset(np.arange(10), left_size=0.8)
    >>> len(left), len(right)
    (8, 2)

    Keras: keras.utils.split_dataset.
    """
    if preferred_backend not in (None, "tensorflow"):
        raise ValueError(f"`preferred_backend` must be 'tensorflow' if given. Received: {preferred_backend!r}")
    if left_size is None and right_size is None:
        raise ValueError(
            "At least one of the `left_size` or `right_size` must be specified. "
            "Received: left_size=None and right_size=None"
        )
    samples, batch_size = _samples(dataset)
    if shuffle:
        random.Random(random.randint(0, 1_000_000) if seed is None else seed).shuffle(samples)
    left, right = _sizes(left_size, right_size, len(samples))
    found = []
    for part in (samples[:left], samples[-right:]):
        stacked = nest.map_structure(lambda *items: np.stack([np.asarray(i) for i in items]), *part)
        data = Dataset.from_tensor_slices(stacked)
        found.append((data if batch_size is None else data.batch(batch_size)).prefetch(AUTOTUNE))
    return found[0], found[1]


def _samples(dataset: Any) -> tuple[list[Any], int | None]:
    """All samples one by one, and the size of the batches they came in (None if in none)."""
    if isinstance(dataset, Dataset):
        size = getattr(dataset, "_batch_size", None)
        batch = None if size is None else int(np.asarray(size))
        whole = dataset if batch is None else dataset.unbatch()
        return list(whole), batch
    if isinstance(dataset, np.ndarray):
        return list(dataset), None
    if isinstance(dataset, list | tuple):
        if not dataset:
            raise ValueError(f"Received an empty {type(dataset).__name__} dataset. Please provide a non-empty one.")
        for i, array in enumerate(dataset):
            if not isinstance(array, np.ndarray):
                raise ValueError(f"Expected `numpy.ndarray` objects, received: {type(array)} at index {i}.")
            if len(array) != len(dataset[0]):
                raise ValueError(
                    f"Received NumPy arrays of different lengths: {len(dataset[0])} and, at index {i}, {len(array)}."
                )
        return list(zip(*dataset, strict=True)), None
    raise TypeError(
        "The `dataset` argument must be either a `tf.data.Dataset` object, or an array or a list/tuple of arrays. "
        f"Received: dataset={dataset} of type {type(dataset)}"
    )


def _sizes(left: Any, right: Any, total: int) -> tuple[int, int]:
    for name, size in (("left_size", left), ("right_size", right)):
        if size is None:
            continue
        if type(size) not in (int, float):
            raise TypeError(f"Invalid `{name}` Type. Expected: int or float or None, Received: {type(size)}.")
        if not 0 < size < (total if type(size) is int else 1):
            raise ValueError(
                f"`{name}` should be either a positive integer smaller than {total}, or a float within the range "
                f"`[0, 1]`. Received: {name}={size}"
            )
    if type(left) is float and type(right) is float and left + right > 1:
        raise ValueError(
            "The sum of `left_size` and `right_size` is greater than 1. It must be less than or equal to 1."
        )
    counts = [round(size * total) if type(size) is float else size for size in (left, right)]
    counts = [total - counts[1 - i] if size is None else size for i, size in enumerate(counts)]
    if sum(counts) > total:
        raise ValueError(f"The sum of `left_size` and `right_size` should be at most {total}. Received: {counts}")
    if 0 in counts:
        raise ValueError(f"With {total} samples, `left_size`={left} and `right_size`={right} leave one part empty.")
    return counts[0], counts[1]
