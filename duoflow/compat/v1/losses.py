"""`tf.losses`: losses weighted, reduced and collected in the graph.

TensorFlow: tf.compat.v1.losses.
"""

from __future__ import annotations

import types
from typing import Any

from duoflow.core import dtypes, shapes
from duoflow.core.graph import get_default_graph
from duoflow.core.late import F
from duoflow.core.tensor import convert

from .modes import GraphKeys, get_collection

__all__ = [
    "Reduction", "absolute_difference", "add_loss", "compute_weighted_loss", "cosine_distance", "get_losses",
    "get_regularization_loss", "get_regularization_losses", "get_total_loss", "hinge_loss", "huber_loss", "log_loss",
    "mean_pairwise_squared_error", "mean_squared_error", "sigmoid_cross_entropy", "softmax_cross_entropy",
    "sparse_softmax_cross_entropy",
]  # fmt: skip

_LOSSES = GraphKeys.LOSSES


class Reduction(types.SimpleNamespace):
    """How the losses of the elements become one number. TensorFlow: tf.compat.v1.losses.Reduction."""

    NONE = "none"
    SUM = "weighted_sum"
    MEAN = "weighted_mean"
    SUM_OVER_BATCH_SIZE = "weighted_sum_over_batch_size"
    SUM_OVER_NONZERO_WEIGHTS = SUM_BY_NONZERO_WEIGHTS = "weighted_sum_by_nonzero_weights"

    @classmethod
    def all(cls) -> tuple[str, ...]:
        """All of them."""
        return (
            cls.NONE, cls.SUM, cls.MEAN, cls.SUM_OVER_BATCH_SIZE, cls.SUM_OVER_NONZERO_WEIGHTS,
            cls.SUM_BY_NONZERO_WEIGHTS,
        )  # fmt: skip

    @classmethod
    def validate(cls, key: str) -> None:
        """Raise `ValueError` for anything else."""
        if key not in cls.all():
            raise ValueError(f"Invalid Reduction Key {key}. Key should be one of {cls.all()}.")


_BY_NONZERO = Reduction.SUM_BY_NONZERO_WEIGHTS


# -- the collection ----------------------------------------------------------------------------------------------------


def add_loss(loss: Any, loss_collection: Any = _LOSSES) -> None:
    """Add a loss to a collection. TensorFlow: tf.compat.v1.losses.add_loss."""
    if loss_collection:
        get_default_graph().add_to_collection(loss_collection, loss)


def get_losses(scope: str | None = None, loss_collection: Any = _LOSSES) -> list[Any]:
    """The losses of a collection. TensorFlow: tf.compat.v1.losses.get_losses."""
    return get_collection(loss_collection, scope)


def get_regularization_losses(scope: str | None = None) -> list[Any]:
    """The losses of the regularizers. TensorFlow: tf.compat.v1.losses.get_regularization_losses."""
    return get_collection(GraphKeys.REGULARIZATION_LOSSES, scope)


def get_regularization_loss(scope: str | None = None, name: str = "total_regularization_loss") -> Any:
    """The sum of the losses of the regularizers. TensorFlow: tf.compat.v1.losses.get_regularization_loss."""
    found = get_regularization_losses(scope)
    return F.add_n(found, name=name) if found else F.constant(0.0)


def get_total_loss(add_regularization_losses: bool = True, name: str = "total_loss", scope: str | None = None) -> Any:
    """The sum of all losses; `ValueError` if there are none. TensorFlow: tf.compat.v1.losses.get_total_loss."""
    found = get_losses(scope) + (get_regularization_losses(scope) if add_regularization_losses else [])
    if not found:
        raise ValueError("tensors must be a list of at least one Tensor: there are no losses to add.")
    return F.add_n(found, name=name)


# -- weights -----------------------------------------------------------------------------------------------------------


def compute_weighted_loss(
    losses: Any, weights: Any = 1.0, scope: str | None = None, loss_collection: Any = _LOSSES,
    reduction: str = _BY_NONZERO,
) -> Any:  # fmt: skip
    """Losses times weights, reduced, and added to a collection.

    Args:
      losses: a loss for each element.
      weights: a number, or a tensor of the losses' rank whose sizes are theirs or 1 (or of rank 0).

    Raises:
      ValueError: if the weights do not fit.

    TensorFlow: tf.compat.v1.losses.compute_weighted_loss.
    """
    Reduction.validate(reduction)
    with F.name_scope(scope or "weighted_loss"):
        losses = convert(losses)
        dtype, losses = losses.dtype, F.cast(losses, dtypes.float32)
        weights = F.cast(convert(weights), dtypes.float32)
        _check_weights(weights, losses)
        weighted = losses * weights
        out = weighted if reduction == Reduction.NONE else _reduced(weighted, weights, losses, reduction)
        out = F.cast(out, dtype)
    add_loss(out, loss_collection)
    return out


def _check_weights(weights: Any, values: Any) -> None:
    w, v = weights.dims, values.dims
    if w is None or v is None or w == ():
        return
    if len(w) != len(v) or any(a not in (1, None) and b is not None and a != b for a, b in zip(w, v, strict=True)):
        raise ValueError(
            "weights can not be broadcast to values. values.rank="
            f"{len(v)}. weights.rank={len(w)}. values.shape={shapes.show(v)}. weights.shape={shapes.show(w)}."
        )


def _reduced(weighted: Any, weights: Any, losses: Any, reduction: str) -> Any:
    total = F.reduce_sum(weighted)
    if reduction == Reduction.SUM:
        return total
    spread = F.broadcast_to(weights, F.shape(losses))
    if reduction == Reduction.MEAN:
        count = F.reduce_sum(spread)
    elif reduction == Reduction.SUM_OVER_BATCH_SIZE:
        count = F.cast(F.size(losses), dtypes.float32)
    else:
        count = F.reduce_sum(F.cast(F.not_equal(spread, 0.0), dtypes.float32))
    return F.divide_no_nan(total, count)


def _pair(labels: Any, predictions: Any, names: tuple[str, str] = ("labels", "predictions")) -> tuple[Any, Any]:
    for value, name in zip((labels, predictions), names, strict=True):
        if value is None:
            raise ValueError(f"{name} must not be None.")
    predictions, labels = F.cast(predictions, dtypes.float32), F.cast(labels, dtypes.float32)
    if not shapes.compatible(predictions.dims, labels.dims):
        raise ValueError(f"Shapes {shapes.show(predictions.dims)} and {shapes.show(labels.dims)} are incompatible")
    return labels, predictions


# -- losses ------------------------------------------------------------------------------------------------------------


def absolute_difference(
    labels: Any, predictions: Any, weights: Any = 1.0, scope: str | None = None, loss_collection: Any = _LOSSES,
    reduction: str = _BY_NONZERO,
) -> Any:  # fmt: skip
    """|predictions - labels|. TensorFlow: tf.compat.v1.losses.absolute_difference."""
    with F.name_scope(scope or "absolute_difference") as scope:
        labels, predictions = _pair(labels, predictions)
        return compute_weighted_loss(F.abs(predictions - labels), weights, scope, loss_collection, reduction)


def mean_squared_error(
    labels: Any, predictions: Any, weights: Any = 1.0, scope: str | None = None, loss_collection: Any = _LOSSES,
    reduction: str = _BY_NONZERO,
) -> Any:  # fmt: skip
    """(predictions - labels)^2. TensorFlow: tf.compat.v1.losses.mean_squared_error."""
    with F.name_scope(scope or "mean_squared_error") as scope:
        labels, predictions = _pair(labels, predictions)
        difference = F.squared_difference(predictions, labels)
        return compute_weighted_loss(difference, weights, scope, loss_collection, reduction)


def cosine_distance(
    labels: Any, predictions: Any, axis: int | None = None, weights: Any = 1.0, scope: str | None = None,
    loss_collection: Any = _LOSSES, reduction: str = _BY_NONZERO, dim: int | None = None,
) -> Any:  # fmt: skip
    """1 - the product of unit vectors along an axis. TensorFlow: tf.compat.v1.losses.cosine_distance."""
    axis = dim if axis is None else axis
    if axis is None:
        raise ValueError("You must specify argument `axis`.")
    with F.name_scope(scope or "cosine_distance_loss") as scope:
        labels, predictions = _pair(labels, predictions)
        distance = 1 - F.reduce_sum(predictions * labels, axis=(axis,), keepdims=True)
        return compute_weighted_loss(distance, weights, scope, loss_collection, reduction)


def hinge_loss(
    labels: Any, logits: Any, weights: Any = 1.0, scope: str | None = None, loss_collection: Any = _LOSSES,
    reduction: str = _BY_NONZERO,
) -> Any:  # fmt: skip
    """max(0, 1 - (2 labels - 1) logits). TensorFlow: tf.compat.v1.losses.hinge_loss."""
    with F.name_scope(scope or "hinge_loss") as scope:
        labels, logits = _pair(labels, logits, ("labels", "logits"))
        losses = F.relu(1 - (2 * labels - 1) * logits)
        return compute_weighted_loss(losses, weights, scope, loss_collection, reduction)


def huber_loss(
    labels: Any, predictions: Any, weights: Any = 1.0, delta: float = 1.0, scope: str | None = None,
    loss_collection: Any = _LOSSES, reduction: str = _BY_NONZERO,
) -> Any:  # fmt: skip
    """Quadratic for errors up to delta, linear beyond. TensorFlow: tf.compat.v1.losses.huber_loss."""
    with F.name_scope(scope or "huber_loss") as scope:
        labels, predictions = _pair(labels, predictions)
        error = F.abs(predictions - labels)
        quadratic = F.minimum(error, delta)
        losses = 0.5 * quadratic * quadratic + delta * (error - quadratic)
        return compute_weighted_loss(losses, weights, scope, loss_collection, reduction)


def log_loss(
    labels: Any, predictions: Any, weights: Any = 1.0, epsilon: float = 1e-7, scope: str | None = None,
    loss_collection: Any = _LOSSES, reduction: str = _BY_NONZERO,
) -> Any:  # fmt: skip
    """-labels log(p + epsilon) - (1 - labels) log(1 - p + epsilon). TensorFlow: tf.compat.v1.losses.log_loss."""
    with F.name_scope(scope or "log_loss") as scope:
        labels, predictions = _pair(labels, predictions)
        losses = -labels * F.log(predictions + epsilon) - (1 - labels) * F.log(1 - predictions + epsilon)
        return compute_weighted_loss(losses, weights, scope, loss_collection, reduction)


def mean_pairwise_squared_error(
    labels: Any, predictions: Any, weights: Any = 1.0, scope: str | None = None, loss_collection: Any = _LOSSES
) -> Any:
    """Squared differences between the errors of all pairs within an example.

    TensorFlow: tf.compat.v1.losses.mean_pairwise_squared_error.
    """
    with F.name_scope(scope or "mean_pairwise_squared_error") as scope:
        labels, predictions = _pair(labels, predictions)
        weights = F.cast(convert(weights), dtypes.float32)
        error = predictions - labels
        inner = list(range(1, error.ndim))
        squares = F.reduce_sum(F.square(error), inner, keepdims=True)
        count = F.cast(F.reduce_prod(F.shape(error)[1:]), dtypes.float32)
        pairs = F.maximum(count - 1, 0)
        term1 = 2 * F.divide_no_nan(squares, pairs)
        total = F.reduce_sum(error, inner, keepdims=True)
        term2 = 2 * F.divide_no_nan(F.square(total), count * pairs)
        spread = F.ones_like(error) * weights
        present = F.reduce_any(F.not_equal(spread, 0.0), inner, keepdims=True)
        mean = F.reduce_sum((term1 - term2) * weights)
        loss = F.where(F.reduce_any(present), mean, F.zeros([]))
    add_loss(loss, loss_collection)
    return loss


def sigmoid_cross_entropy(
    multi_class_labels: Any, logits: Any, weights: Any = 1.0, label_smoothing: float = 0, scope: str | None = None,
    loss_collection: Any = _LOSSES, reduction: str = _BY_NONZERO,
) -> Any:  # fmt: skip
    """Cross-entropy of independent classes. TensorFlow: tf.compat.v1.losses.sigmoid_cross_entropy."""
    with F.name_scope(scope or "sigmoid_cross_entropy_loss") as scope:
        logits = convert(logits)
        labels = F.cast(multi_class_labels, logits.dtype)
        if label_smoothing > 0:
            labels = labels * (1 - label_smoothing) + 0.5 * label_smoothing
        losses = F.sigmoid_cross_entropy_with_logits(labels, logits)
        return compute_weighted_loss(losses, weights, scope, loss_collection, reduction)


def softmax_cross_entropy(
    onehot_labels: Any, logits: Any, weights: Any = 1.0, label_smoothing: float = 0, scope: str | None = None,
    loss_collection: Any = _LOSSES, reduction: str = _BY_NONZERO,
) -> Any:  # fmt: skip
    """Cross-entropy with distributions. TensorFlow: tf.compat.v1.losses.softmax_cross_entropy."""
    with F.name_scope(scope or "softmax_cross_entropy_loss") as scope:
        logits = convert(logits)
        labels = F.cast(onehot_labels, logits.dtype)
        if not shapes.compatible(logits.dims, labels.dims):
            raise ValueError(f"Shapes {shapes.show(logits.dims)} and {shapes.show(labels.dims)} are incompatible")
        if label_smoothing > 0:
            classes = F.cast(F.shape(labels)[1], logits.dtype)
            labels = labels * (1 - label_smoothing) + label_smoothing / classes
        losses = F.softmax_cross_entropy_with_logits(F.stop_gradient(labels), logits)
        return compute_weighted_loss(losses, weights, scope, loss_collection, reduction)


def sparse_softmax_cross_entropy(
    labels: Any, logits: Any, weights: Any = 1.0, scope: str | None = None, loss_collection: Any = _LOSSES,
    reduction: str = _BY_NONZERO,
) -> Any:  # fmt: skip
    """Cross-entropy with class numbers. TensorFlow: tf.compat.v1.losses.sparse_softmax_cross_entropy."""
    with F.name_scope(scope or "sparse_softmax_cross_entropy_loss") as scope:
        labels, logits, weights = convert(labels), convert(logits), convert(weights, dtype_hint=dtypes.float32)
        labels, weights = _one_rank_less(labels, logits), _one_rank_less(weights, logits)
        losses = F.sparse_softmax_cross_entropy_with_logits(labels, logits)
        return compute_weighted_loss(losses, weights, scope, loss_collection, reduction)


def _one_rank_less(value: Any, logits: Any) -> Any:
    """Labels and weights may have a last dimension of size one, as the logits have one of the classes."""
    dims = value.dims
    if dims and logits.dims is not None and len(dims) == len(logits.dims) and dims[-1] in (1, None):
        return F.squeeze(value, [-1])
    return value
