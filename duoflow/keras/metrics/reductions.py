"""Metrics that are sums and means of values per sample."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ClassVar

from duoflow import ops as tf
from duoflow.core.tensor import convert

from ..losses.functions import match_ranks
from ..saving.serialization import deserialize_keras_object, serialize_keras_object
from .metric import Metric

__all__ = ["Mean", "MeanMetricWrapper", "Sum"]


def samplewise(values: Any, sample_weight: Any, reduce: Callable[..., Any], dtype: Any) -> tuple[Any, Any]:
    """Values reduced to one per sample (or per weight), multiplied by the weights; and the weights."""
    mask = getattr(values, "_keras_mask", None)
    values = tf.cast(convert(values), dtype)
    weight = None if sample_weight is None else tf.cast(convert(sample_weight), dtype)
    weight = masked_weight(weight, mask, dtype)
    if weight is None:
        rank = values.spec.rank or 0
        return (reduce(values, list(range(1, rank))) if rank > 1 else values), None
    values, weight = match_ranks(values, weight)
    rank, weight_rank = values.spec.rank or 0, weight.spec.rank or 0
    if rank > weight_rank:
        values = reduce(values, list(range(weight_rank, rank)))
    values = values * weight
    if weight_rank > 1:
        weight = reduce(weight, list(range(1, weight_rank)))
    rank = values.spec.rank or 0
    return (reduce(values, list(range(1, rank))) if rank > 1 else values), weight


def masked_weight(weight: Any, mask: Any, dtype: Any) -> Any:
    """Sample weights that are zero where a mask is false."""
    if mask is None:
        return weight
    mask = tf.cast(convert(mask), dtype)
    if weight is None:
        return mask
    mask, weight = match_ranks(mask, weight)
    return mask * weight


class Sum(Metric):
    """The (weighted) sum of all values. Keras: keras.metrics.Sum."""

    def __init__(self, name: str | None = "sum", dtype: Any = None) -> None:
        super().__init__(name=name, dtype=dtype)
        self.total = self.add_variable((), "zeros", name="total")

    def update_state(self, values: Any, sample_weight: Any = None) -> None:
        """Add values, times weights."""
        values, _ = samplewise(values, sample_weight, tf.reduce_sum, self.dtype)
        self.total.assign_add(tf.reduce_sum(values))

    def result(self) -> Any:
        """The sum."""
        return tf.identity(self.total)


class Mean(Metric):
    """The (weighted) mean of all values. Keras: keras.metrics.Mean."""

    def __init__(self, name: str | None = "mean", dtype: Any = None) -> None:
        super().__init__(name=name, dtype=dtype)
        self.total = self.add_variable((), "zeros", name="total")
        self.count = self.add_variable((), "zeros", name="count")

    def update_state(self, values: Any, sample_weight: Any = None) -> None:
        """Add values, times weights, and count them."""
        values, weight = samplewise(values, sample_weight, tf.reduce_mean, self.dtype)
        self.total.assign_add(tf.reduce_sum(values))
        if weight is not None:
            number = tf.reduce_sum(weight + tf.zeros_like(values))
        elif values.spec.rank:
            number = tf.cast(tf.shape(values)[0], self.dtype)
        else:
            number = tf.constant(1.0, self.dtype)
        self.count.assign_add(number)

    def result(self) -> Any:
        """The mean; zero before the first value."""
        return tf.divide_no_nan(tf.identity(self.total), tf.identity(self.count))


class MeanMetricWrapper(Mean):
    """The mean of a function of targets and predictions. Keras: keras.metrics.MeanMetricWrapper."""

    #: Arguments of the function that belong in the config.
    _ARGUMENTS: ClassVar[tuple[str, ...]] = ()
    _direction: str | None = None

    def __init__(self, fn: Callable[..., Any], name: str | None = None, dtype: Any = None, **kwargs: Any) -> None:
        super().__init__(name=name or getattr(fn, "__name__", None), dtype=dtype)
        self._fn, self._fn_kwargs = fn, kwargs

    def update_state(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> None:
        """Add the function's values."""
        mask = getattr(y_pred, "_keras_mask", None)
        values = self._fn(convert(y_true), convert(y_pred), **self._fn_kwargs)
        if sample_weight is not None or mask is not None:
            weight = None if sample_weight is None else tf.cast(convert(sample_weight), self.dtype)
            sample_weight = masked_weight(weight, mask, self.dtype)
        super().update_state(values, sample_weight)

    def get_config(self) -> dict[str, Any]:
        """The arguments that make an equal metric."""
        if type(self).__init__ is MeanMetricWrapper.__init__:
            return {**super().get_config(), "fn": serialize_keras_object(self._fn), **self._fn_kwargs}
        return {**super().get_config(), **{k: self._fn_kwargs[k] for k in self._ARGUMENTS}}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Metric:
        """A metric from what `get_config` gave."""
        return cls(**(deserialize_keras_object(config) if "fn" in config else config))
