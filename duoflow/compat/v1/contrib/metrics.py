"""`tf.contrib.metrics`: `tf.metrics` under the names they had there, and the maps that collect them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from duoflow.core import dtypes
from duoflow.core.late import F
from duoflow.core.tensor import convert

from .. import metrics

__all__ = ["accuracy", "aggregate_metric_map", "aggregate_metrics", "confusion_matrix"]

_STREAMING = "streaming_"


def accuracy(predictions: Any, labels: Any, weights: Any = None, name: str | None = None) -> Any:
    """The share of predictions that are the labels, of one batch. TensorFlow: tf.contrib.metrics.accuracy."""
    predictions, labels = convert(predictions), convert(labels)
    if predictions.dtype is not labels.dtype:
        raise ValueError(f"Dtypes {predictions.dtype.name} and {labels.dtype.name} are incompatible")
    correct = F.cast(F.equal(predictions, labels), dtypes.float32)
    if weights is None:
        return F.reduce_mean(correct, name=name)
    weights = F.cast(weights, dtypes.float32)
    return F.divide(F.reduce_sum(correct * weights), F.reduce_sum(F.ones_like(correct) * weights), name=name)


def confusion_matrix(
    labels: Any,
    predictions: Any,
    num_classes: Any = None,
    dtype: Any = dtypes.int32,
    name: Any = None,
    weights: Any = None,
) -> Any:
    """`tf.math.confusion_matrix`. TensorFlow: tf.contrib.metrics.confusion_matrix."""
    return F.confusion_matrix(labels, predictions, num_classes, weights, dtype, name)


def aggregate_metrics(*value_update_tuples: Any) -> tuple[list[Any], list[Any]]:
    """Lists of values and of updates. TensorFlow: tf.contrib.metrics.aggregate_metrics."""
    if not value_update_tuples:
        raise ValueError("Expected at least one value_tensor/update_op pair")
    values, updates = zip(*value_update_tuples, strict=True)
    return list(values), list(updates)


def aggregate_metric_map(names_to_tuples: dict[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """Values and updates by name. TensorFlow: tf.contrib.metrics.aggregate_metric_map."""
    pairs = names_to_tuples.items()
    return {n: pair[0] for n, pair in pairs}, {n: pair[1] for n, pair in pairs}


def _streaming(name: str) -> Callable[..., Any]:
    """A metric with the predictions first."""
    metric = getattr(metrics, name)
    if name in ("mean", "mean_tensor", "percentage_below"):
        return metric  # type: ignore[no-any-return]
    return lambda predictions, labels, *args, **kwargs: metric(labels, predictions, *args, **kwargs)


def __getattr__(name: str) -> Any:
    if name.startswith(_STREAMING) and name.removeprefix(_STREAMING) in metrics.__all__:
        return _streaming(name.removeprefix(_STREAMING))
    raise AttributeError(f"module 'tensorflow.contrib.metrics' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted([*__all__, *(_STREAMING + name for name in metrics.__all__)])
