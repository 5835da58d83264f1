"""F scores: precision and recall in one number per class."""

from __future__ import annotations

from typing import Any

from duoflow import ops as tf
from duoflow.core.tensor import convert

from ..config import epsilon
from .metric import Metric, require_matrix

__all__ = ["F1Score", "FBetaScore"]

_AVERAGES = (None, "micro", "macro", "weighted")
_SUMS = ("true_positives", "false_positives", "false_negatives", "intermediate_weights")


class FBetaScore(Metric):
    """The harmonic mean of precision and recall, recall counting `beta` times as much, of [samples, classes].

    Args:
      average: None for a score per class; "micro" counts all classes together, "macro" takes the mean, "weighted" the
        mean by the classes' frequency.
      threshold: what a score must exceed to be positive; by default only the highest score of a sample is.

    Keras: keras.metrics.FBetaScore.
    """

    _direction = "up"

    def __init__(
        self, average: str | None = None, beta: float = 1.0, threshold: float | None = None,
        name: str | None = "fbeta_score", dtype: Any = None,
    ) -> None:  # fmt: skip
        super().__init__(name=name, dtype=dtype)
        if average not in _AVERAGES:
            raise ValueError(
                f"Invalid `average` argument value. Expected one of: {_AVERAGES}. Received: average={average}"
            )
        if not isinstance(beta, float):
            raise ValueError(
                f"Invalid `beta` argument value. It should be a Python float. Received: beta={beta} of type "
                f"'{type(beta)}'"
            )
        if beta <= 0.0:
            raise ValueError(f"Invalid `beta` argument value. It should be > 0. Received: beta={beta}")
        if threshold is not None and not isinstance(threshold, float):
            raise ValueError(
                "Invalid `threshold` argument value. It should be a Python float. "
                f"Received: threshold={threshold} of type '{type(threshold)}'"
            )
        if threshold is not None and not 0.0 < threshold <= 1.0:
            raise ValueError(
                "Invalid `threshold` argument value. It should verify 0 < threshold <= 1. Received: "
                f"threshold={threshold}"
            )
        self.average, self.beta, self.threshold = average, beta, threshold

    def update_state(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> None:
        """Count a batch."""
        y_true, y_pred = tf.cast(convert(y_true), self.dtype), tf.cast(convert(y_pred), self.dtype)
        if not self.variables:
            shape = () if self.average == "micro" else (require_matrix("FBetaScore", y_true, y_pred),)
            for name in _SUMS:
                setattr(self, name, self.add_variable(shape, "zeros", name=name))
        if self.threshold is None:
            highest = tf.equal(y_pred, tf.reduce_max(y_pred, -1, keepdims=True))
            positive = tf.cast(tf.logical_and(highest, tf.abs(y_pred) > 1e-9), self.dtype)
        else:
            positive = tf.cast(y_pred > self.threshold, self.dtype)
        weight = None if sample_weight is None else tf.expand_dims(tf.cast(convert(sample_weight), self.dtype), 1)
        axis = None if self.average == "micro" else 0
        terms = (positive * y_true, positive * (1 - y_true), (1 - positive) * y_true, y_true)
        for name, term in zip(_SUMS, terms, strict=True):
            getattr(self, name).assign_add(tf.reduce_sum(term if weight is None else term * weight, axis))

    def result(self) -> Any:
        """The score, or one per class."""
        tp, fp, fn, weights = [convert(getattr(self, name)) for name in _SUMS]
        precision, recall = tp / (tp + fp + epsilon()), tp / (tp + fn + epsilon())
        square = self.beta**2
        score = precision * recall / (square * precision + recall + epsilon()) * (1 + square)
        if self.average == "weighted":
            return tf.reduce_sum(score * (weights / (tf.reduce_sum(weights) + epsilon())))
        return score if self.average is None else tf.reduce_mean(score)

    def get_config(self) -> dict[str, Any]:
        """The arguments that make an equal metric."""
        return {**super().get_config(), "average": self.average, "beta": self.beta, "threshold": self.threshold}


class F1Score(FBetaScore):
    """The harmonic mean of precision and recall. Arguments as of `FBetaScore`. Keras: keras.metrics.F1Score."""

    def __init__(
        self,
        average: str | None = None,
        threshold: float | None = None,
        name: str | None = "f1_score",
        dtype: Any = None,
    ) -> None:
        super().__init__(average, 1.0, threshold, name, dtype)

    def get_config(self) -> dict[str, Any]:
        """The arguments that make an equal metric."""
        return {key: value for key, value in super().get_config().items() if key != "beta"}
