"""Small numerical helpers on arrays and tensors."""

from __future__ import annotations

from typing import Any

import numpy as np

from duoflow import ops as tf
from duoflow.core.tensor import Tensor

__all__ = ["normalize", "to_categorical"]


def to_categorical(x: Any, num_classes: int | None = None) -> Any:
    """Class numbers as one-hot rows.

    Args:
      x: ints in [0, num_classes), of any shape; a last dimension of one is dropped.
      num_classes: the length of a row; by default the largest class plus one.

    >>> tf.keras.utils.to_categorical([0, 2])
    array([[1., 0., 0.],
           [0., 0., 1.]])

    Keras: keras.utils.to_categorical. Raises `IndexError` for a class out of range.
    """
    if isinstance(x, Tensor):
        count = int(tf.reduce_max(x)) + 1 if num_classes is None else num_classes
        if x.dims and len(x.dims) > 1 and x.dims[-1] == 1:
            x = tf.squeeze(x, [-1])
        return tf.one_hot(tf.cast(x, "int64"), count)
    labels = np.array(x, dtype="int64")
    shape = labels.shape
    if shape and shape[-1] == 1 and len(shape) > 1:
        shape = shape[:-1]
    labels = labels.reshape(-1)
    count = int(labels.max()) + 1 if num_classes is None else num_classes
    if labels.size and (labels.min() < 0 or labels.max() >= count):
        bad = labels[(labels < 0) | (labels >= count)][0]
        raise IndexError(f"Class {bad} is out of range for num_classes={count}; classes must be in [0, {count}).")
    out = np.zeros((len(labels), count))
    out[np.arange(len(labels)), labels] = 1
    return out.reshape(*shape, count)


def normalize(x: Any, axis: int = -1, order: int = 2) -> Any:
    """An array divided by its norm along an axis. Keras: keras.utils.normalize."""
    if not isinstance(order, int) or order < 1:
        raise ValueError(f"Argument `order` must be an int >= 1. Received: order={order}")
    if isinstance(x, Tensor):
        return x / tf.maximum(tf.norm(x, ord=order, axis=axis, keepdims=True), 1e-12)
    norm = np.atleast_1d(np.linalg.norm(x, order, axis))
    norm[norm == 0] = 1
    return x / np.expand_dims(norm, axis)
