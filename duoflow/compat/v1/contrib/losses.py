"""`tf.contrib.losses`: `tf.losses`, with predictions first as it was there."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from .. import losses
from ..losses import (
    add_loss,
    compute_weighted_loss,
    get_losses,
    get_regularization_loss,
    get_regularization_losses,
    get_total_loss,
)

__all__ = [
    "absolute_difference", "add_loss", "compute_weighted_loss", "cosine_distance", "get_losses",
    "get_regularization_loss", "get_regularization_losses", "get_total_loss", "hinge_loss", "log_loss",
    "mean_pairwise_squared_error", "mean_squared_error", "sigmoid_cross_entropy", "softmax_cross_entropy",
    "sparse_softmax_cross_entropy",
]  # fmt: skip


def _predictions_first(name: str) -> Callable[..., Any]:
    def loss(predictions: Any, labels: Any = None, weights: Any = 1.0, *args: Any, **kwargs: Any) -> Any:
        return getattr(losses, name)(labels, predictions, weights, *args, **kwargs)

    loss.__name__ = loss.__qualname__ = name
    loss.__doc__ = f"`tf.losses.{name}` with the predictions (or logits) first. TensorFlow: tf.contrib.losses.{name}."
    return loss


absolute_difference = _predictions_first("absolute_difference")
hinge_loss = _predictions_first("hinge_loss")
log_loss = _predictions_first("log_loss")
mean_pairwise_squared_error = _predictions_first("mean_pairwise_squared_error")
mean_squared_error = _predictions_first("mean_squared_error")
sparse_softmax_cross_entropy = _predictions_first("sparse_softmax_cross_entropy")


def softmax_cross_entropy(
    logits: Any, onehot_labels: Any, weights: Any = 1.0, label_smoothing: float = 0, scope: str | None = None
) -> Any:
    """`tf.losses.softmax_cross_entropy`. TensorFlow: tf.contrib.losses.softmax_cross_entropy."""
    return losses.softmax_cross_entropy(onehot_labels, logits, weights, label_smoothing, scope)


def sigmoid_cross_entropy(
    logits: Any, multi_class_labels: Any, weights: Any = 1.0, label_smoothing: float = 0, scope: str | None = None
) -> Any:
    """`tf.losses.sigmoid_cross_entropy`. TensorFlow: tf.contrib.losses.sigmoid_cross_entropy."""
    return losses.sigmoid_cross_entropy(multi_class_labels, logits, weights, label_smoothing, scope)


def cosine_distance(
    predictions: Any,
    labels: Any = None,
    axis: Any = None,
    weights: Any = 1.0,
    scope: str | None = None,
    dim: Any = None,
) -> Any:
    """`tf.losses.cosine_distance`. TensorFlow: tf.contrib.losses.cosine_distance."""
    return losses.cosine_distance(labels, predictions, axis, weights, scope, dim=dim)
