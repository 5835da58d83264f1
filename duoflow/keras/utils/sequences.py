"""Sequences as arrays: padding to one length, and windows over a time series."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from duoflow import ops as tf
from duoflow.data import Dataset

__all__ = ["pad_sequences", "timeseries_dataset_from_array"]


def pad_sequences(
    sequences: Any, maxlen: int | None = None, dtype: Any = "int32", padding: str = "pre", truncating: str = "pre",
    value: Any = 0.0,
) -> np.ndarray[Any, Any]:  # fmt: skip
    """Lists of different lengths as one array, with `value` where a list is short.

    Args:
      sequences: lists; their items may be arrays of one shape.
      maxlen: the length of a row; by default that of the longest list.
      padding, truncating: "pre" or "post": the end that is filled, and the one that is cut.

    >>> tf.keras.utils.pad_sequences([[1, 2, 3], [4]], maxlen=2)
    array([[2, 3],
           [0, 4]], dtype=int32)

    Keras: keras.utils.pad_sequences. Raises `ValueError` for what is no list of lists, or items of several shapes.
    """
    for name, side in (("padding", padding), ("truncating", truncating)):
        if side not in ("pre", "post"):
            raise ValueError(f"`{name}` must be 'pre' or 'post'. Received: {name}={side!r}")
    if not hasattr(sequences, "__len__"):
        raise ValueError(f"`sequences` must be iterable. Received: {type(sequences).__name__}")
    for row in sequences:
        if not hasattr(row, "__len__"):
            raise ValueError(f"`sequences` must be a list of iterables. Found non-iterable: {row!r}")
    length = maxlen if maxlen is not None else max((len(row) for row in sequences), default=0)
    item = next((np.shape(row)[1:] for row in sequences if len(row)), ())
    is_text = np.issubdtype(dtype, np.str_)
    if isinstance(value, str) and dtype is not object and not is_text:
        raise ValueError(f"`dtype` {dtype} is not compatible with `value`'s type: {type(value)}; use dtype=object.")
    out = np.full((len(sequences), length, *item), value, dtype=dtype)
    for target, row in zip(out, sequences, strict=True):
        kept = np.asarray(_cut(row, length, truncating), dtype=dtype)
        if not len(kept):
            continue
        if kept.shape[1:] != item:
            raise ValueError(f"Shape of a sample {kept.shape[1:]} of the sequence differs from the first's, {item}.")
        target[slice(len(kept)) if padding == "post" else slice(length - len(kept), None)] = kept
    return out


def _cut(row: Sequence[Any], length: int, truncating: str) -> Sequence[Any]:
    return row[:length] if truncating == "post" else row[max(len(row) - length, 0) :]


def timeseries_dataset_from_array(
    data: Any, targets: Any, sequence_length: int, sequence_stride: int = 1, sampling_rate: int = 1,
    batch_size: int | None = 128, shuffle: bool = False, seed: int | None = None, start_index: int | None = None,
    end_index: int | None = None, format: str = "tf",
) -> Dataset:  # fmt: skip
    """A dataset of windows over a series, with the target of each window.

    Args:
      data: array whose first dimension is time.
      targets: the target of the window that starts at each step, or None for windows alone.
      sequence_length: steps in a window, `sampling_rate` apart; windows start `sequence_stride` apart.
      batch_size: windows in a batch; None for one window at a time.
      start_index, end_index: the part of the series to use.

    >>> windows = tf.keras.utils.timeseries_dataset_from_array(np.arange(5), None, sequence_length=3)
    >>> next(iter(windows)).numpy()
    array([[0, 1, 2],
           [1, 2, 3],
           [2, 3, 4]])

    Keras: keras.utils.timeseries_dataset_from_array; `format="grain"` is not supported.
    """
    if format != "tf":
        raise ValueError(f"Only format='tf' is supported. Received: format={format!r}")
    data = np.asarray(data)
    for name, number in (
        ("sequence_length", sequence_length), ("sequence_stride", sequence_stride), ("sampling_rate", sampling_rate),
    ):  # fmt: skip
        if number <= 0:
            raise ValueError(f"`{name}` must be higher than 0. Received: {name}={number}")
        if name != "sequence_length" and number >= len(data):
            raise ValueError(f"`{name}` must be lower than the length of the data. Received: {name}={number}")
    _check_bounds(start_index, end_index, len(data))
    start = start_index or 0
    end = len(data) if end_index is None else end_index
    positions = np.arange(0, end - start - (sequence_length - 1) * sampling_rate, sequence_stride)
    if targets is not None:
        targets = np.asarray(targets)
        positions = positions[positions < len(targets) - start]
    if shuffle:
        np.random.RandomState(np.random.randint(1_000_000) if seed is None else seed).shuffle(positions)
    rows = start + positions[:, None] + sampling_rate * np.arange(sequence_length)
    series = tf.convert_to_tensor(data)
    windows = Dataset.from_tensor_slices(rows).map(lambda row: tf.gather(series, row))
    if targets is not None:
        windows = Dataset.zip((windows, Dataset.from_tensor_slices(targets[start + positions])))
    if shuffle:
        windows = windows.shuffle(8 * (batch_size or 128), seed=seed)
    return windows.prefetch(-1) if batch_size is None else windows.batch(batch_size).prefetch(-1)


def _check_bounds(start: int | None, end: int | None, length: int) -> None:
    for name, index in (("start_index", start), ("end_index", end)):
        if index is not None and (index < 0 or (index > length if name == "end_index" else index >= length)):
            raise ValueError(
                f"`{name}` must be between 0 and the length of the data, {length}. Received: {name}={index}"
            )
    if start is not None and end is not None and end <= start:
        raise ValueError(f"`end_index` must be higher than `start_index`. Received: {start=}, {end=}")
