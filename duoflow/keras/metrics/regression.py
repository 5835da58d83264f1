"""How well predictions follow targets: the coefficient of determination, and correlations."""

from __future__ import annotations

import warnings
from typing import Any

from duoflow import ops as tf
from duoflow.core.tensor import EagerTensor, convert

from ..config import epsilon
from ..losses.functions import match_ranks
from .metric import Metric, require_matrix
from .reductions import MeanMetricWrapper

__all__ = [
    "ConcordanceCorrelation", "PearsonCorrelation", "R2Score", "concordance_correlation", "pearson_correlation",
]  # fmt: skip

_AGGREGATIONS = (None, "uniform_average", "variance_weighted_average")
_SUMS = ("squared_sum", "sum", "total_mse", "count")


def _pair(y_true: Any, y_pred: Any) -> tuple[Any, Any]:
    y_pred = convert(y_pred)
    return match_ranks(tf.cast(convert(y_true), y_pred.dtype), y_pred)


def pearson_correlation(y_true: Any, y_pred: Any, axis: int = -1) -> Any:
    """The covariance over the product of the standard deviations, along an axis.

    Keras: keras.metrics.pearson_correlation.
    """
    y_true, y_pred = [x - tf.reduce_mean(x, axis, keepdims=True) for x in _pair(y_true, y_pred)]
    y_true, y_pred = [x / tf.reduce_std(x, axis, keepdims=True) for x in (y_true, y_pred)]
    return tf.reduce_mean(y_true * y_pred, axis)


def concordance_correlation(y_true: Any, y_pred: Any, axis: int = -1) -> Any:
    """Correlation that also counts differences of mean and scale.

    Lin, 1989. Keras: keras.metrics.concordance_correlation.
    """
    y_true, y_pred = _pair(y_true, y_pred)
    mean_true, mean_pred = [tf.reduce_mean(x, axis, keepdims=True) for x in (y_true, y_pred)]
    spread = sum(tf.reduce_variance(x, axis, keepdims=True) for x in (y_true, y_pred))
    norm = spread + tf.square(mean_true - mean_pred)
    return tf.reduce_mean(2.0 * (y_true - mean_pred) * (y_pred - mean_pred) / (norm + epsilon()), axis)


class PearsonCorrelation(MeanMetricWrapper):
    """The mean of `pearson_correlation` over samples. Keras: keras.metrics.PearsonCorrelation."""

    _direction, _ARGUMENTS = "up", ("axis",)

    def __init__(self, name: str | None = "pearson_correlation", dtype: Any = None, axis: int = -1) -> None:
        super().__init__(pearson_correlation, name, dtype, axis=axis)


class ConcordanceCorrelation(MeanMetricWrapper):
    """The mean of `concordance_correlation` over samples. Keras: keras.metrics.ConcordanceCorrelation."""

    _direction, _ARGUMENTS = "up", ("axis",)

    def __init__(self, name: str | None = "concordance_correlation", dtype: Any = None, axis: int = -1) -> None:
        super().__init__(concordance_correlation, name, dtype, axis=axis)


class R2Score(Metric):
    """The share of the targets' variance that predictions explain, of [samples, outputs].

    Args:
      class_aggregation: how outputs are combined: "uniform_average", "variance_weighted_average" or None.
      num_regressors: independent variables, for the adjusted score.

    Keras: keras.metrics.R2Score.
    """

    _direction = "up"

    def __init__(
        self, class_aggregation: str | None = "uniform_average", num_regressors: int = 0, name: str | None = "r2_score",
        dtype: Any = None,
    ) -> None:  # fmt: skip
        super().__init__(name=name, dtype=dtype)
        if class_aggregation not in _AGGREGATIONS:
            raise ValueError(
                f"Invalid value for argument `class_aggregation`. Expected one of {_AGGREGATIONS}. "
                f"Received: class_aggregation={class_aggregation}"
            )
        if num_regressors < 0:
            raise ValueError(
                "Invalid value for argument `num_regressors`. Expected a value >= 0. "
                f"Received: num_regressors={num_regressors}"
            )
        self.class_aggregation, self.num_regressors = class_aggregation, num_regressors
        self.num_samples = self.add_variable((), "zeros", name="num_samples")

    def update_state(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> None:
        """Add a batch."""
        y_true, y_pred = match_ranks(tf.cast(convert(y_true), self.dtype), tf.cast(convert(y_pred), self.dtype))
        if len(self.variables) == 1:
            outputs = require_matrix("R2Score", y_true, y_pred)
            for name in _SUMS:
                variable = self.add_variable((outputs,), "zeros", name="residual" if name == "total_mse" else name)
                setattr(self, name, variable)
        weight = tf.ones_like(y_true)
        if sample_weight is not None:
            given = tf.cast(convert(sample_weight), self.dtype)
            weight = weight * (tf.expand_dims(given, 1) if given.spec.rank == 1 else given)
        terms = (y_true * y_true * weight, y_true * weight, tf.square(y_true - y_pred) * weight, weight)
        for name, term in zip(_SUMS, terms, strict=True):
            getattr(self, name).assign_add(tf.reduce_sum(term, 0))
        self.num_samples.assign_add(tf.cast(tf.size(y_true), self.dtype))

    def result(self) -> Any:
        """The score, or one per output."""
        squares, total, residual, count = [convert(getattr(self, name)) for name in _SUMS]
        variance = squares - total * (total / count)
        scores = 1 - residual / variance
        scores = tf.where(tf.is_inf(scores), tf.zeros_like(scores), scores)
        if self.class_aggregation == "uniform_average":
            scores = tf.reduce_mean(scores)
        elif self.class_aggregation == "variance_weighted_average":
            scores = tf.reduce_sum(variance * scores) / tf.reduce_sum(variance)
        return self._adjusted(scores) if self.num_regressors else scores

    def _adjusted(self, score: Any) -> Any:
        """The score corrected for the number of regressors, as far as there are more samples than those."""
        samples = convert(self.num_samples)
        left = samples - self.num_regressors - 1.0
        if isinstance(left, EagerTensor) and left.numpy() <= 0:
            warnings.warn(
                "More independent predictors than datapoints in adjusted R2 score. Falling back to standard R2 score.",
                stacklevel=3,
            )
        return tf.where(left > 0, 1.0 - (1.0 - score) * (samples - 1.0) / left, score)

    def get_config(self) -> dict[str, Any]:
        """The arguments that make an equal metric."""
        own = {"class_aggregation": self.class_aggregation, "num_regressors": self.num_regressors}
        return {**super().get_config(), **own}
