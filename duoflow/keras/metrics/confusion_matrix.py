"""Counts of right and wrong decisions at thresholds: what precision, recall, AUC and their kin are made of."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from duoflow import ops as tf
from duoflow.core.tensor import convert

from ..config import epsilon
from ..losses.functions import match_ranks

__all__ = ["NEVER", "Counts", "checked_thresholds", "count_decisions", "evenly_distributed"]

#: A threshold below every score, and the score of what is not among the best k.
NEVER = -1e10


@dataclass(frozen=True)
class Counts:
    """Weighted numbers of decisions, each [thresholds], or [thresholds, labels] for labels counted apart."""

    true_positives: Any
    false_positives: Any
    positives: Any
    negatives: Any

    @property
    def false_negatives(self) -> Any:
        """Positives that were not found."""
        return self.positives - self.true_positives

    @property
    def true_negatives(self) -> Any:
        """Negatives that were not taken for positives."""
        return self.negatives - self.false_positives


def checked_thresholds(thresholds: Any, default: float = 0.5) -> list[float]:
    """Thresholds as a list; `ValueError` unless all are in [0, 1]."""
    if thresholds is None:
        return [default]
    found = list(thresholds) if isinstance(thresholds, Sequence | np.ndarray) else [thresholds]
    invalid = [t for t in found if t is None or not 0 <= t <= 1]
    if invalid:
        raise ValueError(f"Threshold values must be in [0, 1]. Received: {invalid}")
    return found


def evenly_distributed(thresholds: Sequence[float]) -> bool:
    """Whether thresholds divide [0, 1] into equal parts, so that a score's place is a product and not a search."""
    if len(thresholds) < 3:
        return False
    even = np.arange(len(thresholds), dtype=np.float32) / (len(thresholds) - 1)
    return bool(np.allclose(thresholds, even, atol=epsilon()))


def count_decisions(
    y_true: Any, y_pred: Any, thresholds: Sequence[float], dtype: Any, sample_weight: Any = None, *,
    top_k: int | None = None, class_id: int | None = None, multi_label: bool = False, label_weights: Any = None,
) -> Counts:  # fmt: skip
    """Count the decisions "score > threshold" of a batch against its labels.

    Args:
      y_true: labels, zero or not. y_pred: scores. sample_weight: a weight per sample or per score.
      top_k: only the best k scores of a sample can be positive. class_id: the only column that counts.
      multi_label: count each column of [samples, labels] apart. label_weights: a weight per column.
    """
    y_true, y_pred = match_ranks(tf.cast(convert(y_true), dtype), tf.cast(convert(y_pred), dtype))
    weight = None if sample_weight is None else _per_score(tf.cast(convert(sample_weight), dtype), y_true)
    if top_k is not None:
        y_pred = _best(y_pred, top_k)
    if class_id is not None:
        if y_pred.spec.rank == 1:
            raise ValueError(
                "When class_id is provided, y_pred must be a 2D array with shape (num_samples, num_classes), "
                f"found shape: {tuple(y_pred.dims)}"
            )
        y_true, y_pred = y_true[..., class_id, None], y_pred[..., class_id, None]
    if label_weights is not None and not multi_label:
        weight = tf.cast(label_weights, dtype) if weight is None else weight * tf.cast(label_weights, dtype)
    labels = tf.cast(tf.not_equal(y_true, 0), dtype)
    weight = tf.ones_like(y_pred) if weight is None else tf.broadcast_to(weight, tf.shape(y_pred))
    scores, positive, negative = [_rows(x, multi_label) for x in (y_pred, labels * weight, (1.0 - labels) * weight)]
    count = _count_in_buckets if evenly_distributed(thresholds) else _count_by_comparison
    counts = [*count(scores, positive, negative, thresholds), tf.reduce_sum(positive, 1), tf.reduce_sum(negative, 1)]
    return Counts(*counts) if multi_label else Counts(*[c[..., 0] for c in counts])


def _per_score(weight: Any, y_true: Any) -> Any:
    """Weights with a last dimension of one where there is one weight per sample."""
    return match_ranks(y_true, tf.expand_dims(weight, -1), expand_rank_1=False)[1]


def _best(scores: Any, k: int) -> Any:
    """Scores that are not among the best k of their sample, far below all thresholds."""
    _, indices = tf.top_k(scores, k)
    among = tf.reduce_sum(tf.one_hot(indices, tf.shape(scores)[-1], dtype=scores.dtype), -2)
    return scores * among + NEVER * (1 - among)


def _rows(x: Any, multi_label: bool) -> Any:
    """[labels, samples], or all scores in one row."""
    return tf.transpose(x) if multi_label else tf.reshape(x, [1, -1])


def _count_by_comparison(scores: Any, positive: Any, negative: Any, thresholds: Sequence[float]) -> tuple[Any, Any]:
    above = tf.greater(scores, tf.constant(np.reshape(thresholds, [-1, 1, 1]), scores.dtype))
    zero = tf.constant(0, scores.dtype)
    return tf.reduce_sum(tf.where(above, positive, zero), -1), tf.reduce_sum(tf.where(above, negative, zero), -1)


def _count_in_buckets(scores: Any, positive: Any, negative: Any, thresholds: Sequence[float]) -> tuple[Any, Any]:
    """Sort scores into the intervals between thresholds; a threshold's count is the sum of the buckets above it."""
    size = len(thresholds)
    bucket = tf.ceil(tf.clip_by_value(scores, 0.0, 1.0) * tf.constant(size - 1, scores.dtype)) - 1
    outside = thresholds[0] < 0.0 or thresholds[-1] > 1.0  # a score of zero is above the first threshold then
    bucket = tf.cast(tf.maximum(bucket, tf.constant(0, bucket.dtype)) if outside else bucket, "int32")
    labels = tf.shape(scores)[0]
    segments = tf.where(bucket < 0, -1, bucket + size * tf.expand_dims(tf.range(labels), 1))

    def above(weights: Any) -> Any:
        sums = tf.unsorted_segment_sum(tf.reshape(weights, [-1]), tf.reshape(segments, [-1]), labels * size)
        return tf.transpose(tf.cumsum(tf.reshape(sums, [-1, size]), 1, reverse=True))

    return above(positive), above(negative)
