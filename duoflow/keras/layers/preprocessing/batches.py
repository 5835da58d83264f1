"""What `adapt` takes: arrays, tensors, data sets and iterables of batches, as batches."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from duoflow.core.tensor import Tensor
from duoflow.data import Dataset

__all__ = ["batches_of"]


def batches_of(data: Any, steps: int | None = None, lists_are_arrays: bool = True) -> Iterator[Any]:
    """The batches of data: one of an array, a tensor or (`lists_are_arrays`) a list; those of anything iterable.

    Of tuples (inputs, targets) the inputs. `TypeError` for what is none of these.
    """
    if isinstance(data, np.ndarray | Tensor) or (lists_are_arrays and isinstance(data, list | tuple)):
        yield data
        return
    if isinstance(data, Dataset) and _elements_are_scalars(data):
        data = data.batch(128)
    if not hasattr(data, "__iter__") and not hasattr(data, "__getitem__"):
        raise TypeError(
            f"Unsupported data type: {type(data)}. `adapt` supports `np.ndarray`, tensors, `tf.data.Dataset`, "
            "`keras.utils.PyDataset`, and iterables of batches (e.g. list, generator)."
        )
    entries = iter(data) if hasattr(data, "__iter__") else (data[i] for i in range(len(data)))
    for count, batch in enumerate(entries):
        if steps is not None and count >= steps:
            return
        yield batch[0] if isinstance(batch, tuple) else batch


def _elements_are_scalars(data: Any) -> bool:
    spec = data.element_spec
    spec = spec[0] if isinstance(spec, tuple) else spec
    return getattr(getattr(spec, "shape", None), "rank", None) == 0
