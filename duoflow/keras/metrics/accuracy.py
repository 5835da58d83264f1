"""How often predictions are right."""

from __future__ import annotations

from typing import Any

from duoflow import ops as tf
from duoflow.core.tensor import convert

from ..losses.functions import match_ranks
from .reductions import MeanMetricWrapper

__all__ = [
    "Accuracy", "BinaryAccuracy", "CategoricalAccuracy", "SparseCategoricalAccuracy", "SparseTopKCategoricalAccuracy",
    "TopKCategoricalAccuracy", "accuracy", "binary_accuracy", "categorical_accuracy", "sparse_categorical_accuracy",
    "sparse_top_k_categorical_accuracy", "top_k_categorical_accuracy",
]  # fmt: skip


def accuracy(y_true: Any, y_pred: Any) -> Any:
    """1 where predictions equal targets, 0 elsewhere."""
    y_pred = convert(y_pred)
    y_true, y_pred = match_ranks(tf.cast(convert(y_true), y_pred.dtype), y_pred)
    return tf.cast(tf.equal(y_true, y_pred), "float32")


def binary_accuracy(y_true: Any, y_pred: Any, threshold: float = 0.5) -> Any:
    """1 where a prediction above the threshold is a target of one, or the contrary.

    Keras: keras.metrics.binary_accuracy.
    """
    y_pred = convert(y_pred)
    y_true, y_pred = match_ranks(convert(y_true), y_pred)
    above = tf.cast(tf.greater(y_pred, tf.cast(threshold, y_pred.dtype)), y_true.dtype)
    return tf.cast(tf.equal(y_true, above), "float32")


def _rows(x: Any) -> Any:
    return tf.reshape(x, [-1, x.dims[-1] if x.dims[-1] is not None else tf.shape(x)[-1]])


def categorical_accuracy(y_true: Any, y_pred: Any) -> Any:
    """1 where the most probable class is that of a one-hot target. Keras: keras.metrics.categorical_accuracy."""
    true, pred = tf.argmax(convert(y_true), -1), tf.argmax(convert(y_pred), -1)
    return tf.cast(tf.equal(true, pred), "float32")


def sparse_categorical_accuracy(y_true: Any, y_pred: Any) -> Any:
    """1 where the most probable class is the target. Keras: keras.metrics.sparse_categorical_accuracy."""
    y_true, y_pred = _class_numbers(y_true, y_pred)
    pred = tf.argmax(y_pred, -1)
    return tf.cast(tf.equal(tf.cast(y_true, pred.dtype), pred), "float32")


def _class_numbers(y_true: Any, y_pred: Any) -> tuple[Any, Any]:
    y_true, y_pred = convert(y_true), convert(y_pred)
    if y_true.spec.rank == y_pred.spec.rank and y_true.dims and y_true.dims[-1] == 1:
        y_true = tf.squeeze(y_true, [-1])
    return y_true, y_pred


def top_k_categorical_accuracy(y_true: Any, y_pred: Any, k: int = 5) -> Any:
    """1 where a one-hot target is among the k most probable classes.

    Keras: keras.metrics.top_k_categorical_accuracy.
    """
    return sparse_top_k_categorical_accuracy(tf.argmax(convert(y_true), -1), y_pred, k)


def sparse_top_k_categorical_accuracy(y_true: Any, y_pred: Any, k: int = 5, from_sorted_ids: bool = False) -> Any:
    """1 where the target is among the k most probable classes.

    Keras: keras.metrics.sparse_top_k_categorical_accuracy.
    """
    y_true, y_pred = _class_numbers(y_true, y_pred)
    shape = tf.shape(y_true)
    flat, rows = tf.reshape(y_true, [-1]), _rows(y_pred)
    if from_sorted_ids:
        ids = rows[:, :k]
        found = tf.reduce_any(tf.equal(tf.cast(ids, flat.dtype), tf.expand_dims(flat, -1)), -1)
    else:
        found = tf.in_top_k(tf.cast(flat, "int32"), tf.cast(rows, "float32"), k)
    return tf.reshape(tf.cast(found, "float32"), shape)


class Accuracy(MeanMetricWrapper):
    """How often predictions equal targets. Keras: keras.metrics.Accuracy."""

    _direction = "up"

    def __init__(self, name: str | None = "accuracy", dtype: Any = None) -> None:
        super().__init__(accuracy, name, dtype)


class BinaryAccuracy(MeanMetricWrapper):
    """How often predictions fall on the right side of a threshold. Keras: keras.metrics.BinaryAccuracy."""

    _direction, _ARGUMENTS = "up", ("threshold",)

    def __init__(self, name: str | None = "binary_accuracy", dtype: Any = None, threshold: float = 0.5) -> None:
        if threshold is not None and (threshold <= 0 or threshold >= 1):
            raise ValueError(
                "Invalid value for argument `threshold`. Expected a value in interval (0, 1). Received: "
                f"threshold={threshold}"
            )
        super().__init__(binary_accuracy, name, dtype, threshold=threshold)


class CategoricalAccuracy(MeanMetricWrapper):
    """How often the most probable class is that of a one-hot target. Keras: keras.metrics.CategoricalAccuracy."""

    _direction = "up"

    def __init__(self, name: str | None = "categorical_accuracy", dtype: Any = None) -> None:
        super().__init__(categorical_accuracy, name, dtype)


class SparseCategoricalAccuracy(MeanMetricWrapper):
    """How often the most probable class is the target. Keras: keras.metrics.SparseCategoricalAccuracy."""

    _direction = "up"

    def __init__(self, name: str | None = "sparse_categorical_accuracy", dtype: Any = None) -> None:
        super().__init__(sparse_categorical_accuracy, name, dtype)


class TopKCategoricalAccuracy(MeanMetricWrapper):
    """How often a one-hot target is among the k most probable classes. Keras: keras.metrics.TopKCategoricalAccuracy."""

    _direction, _ARGUMENTS = "up", ("k",)

    def __init__(self, k: int = 5, name: str | None = "top_k_categorical_accuracy", dtype: Any = None) -> None:
        super().__init__(top_k_categorical_accuracy, name, dtype, k=k)


class SparseTopKCategoricalAccuracy(MeanMetricWrapper):
    """How often the target is among the k most probable classes. Keras: keras.metrics.SparseTopKCategoricalAccuracy."""

    _direction, _ARGUMENTS = "up", ("k", "from_sorted_ids")

    def __init__(
        self, k: int = 5, name: str | None = "sparse_top_k_categorical_accuracy", dtype: Any = None,
        from_sorted_ids: bool = False,
    ) -> None:  # fmt: skip
        super().__init__(sparse_top_k_categorical_accuracy, name, dtype, k=k, from_sorted_ids=from_sorted_ids)
