"""Losses as functions: one number per sample, from targets and predictions of one shape [batch, ..., d]."""

from __future__ import annotations

import math
from typing import Any

from duoflow import ops as tf
from duoflow.core.tensor import GraphTensor, convert

from ..config import epsilon

__all__ = [
    "binary_crossentropy", "binary_focal_crossentropy", "categorical_crossentropy", "categorical_focal_crossentropy",
    "categorical_generalized_cross_entropy", "categorical_hinge", "circle", "cosine_similarity", "dice", "hinge",
    "huber", "kl_divergence", "log_cosh", "mean_absolute_error", "mean_absolute_percentage_error", "mean_squared_error",
    "mean_squared_logarithmic_error", "poisson", "sparse_categorical_crossentropy", "squared_hinge", "tversky",
]  # fmt: skip


# -- operands ----------------------------------------------------------------------------------------------------------


def match_ranks(a: Any, b: Any, expand_rank_1: bool = True) -> tuple[Any, Any]:
    """Two tensors whose ranks differ by a last dimension of one, brought to one rank."""
    rank_a, rank_b = a.spec.rank, b.spec.rank
    if rank_a is None or rank_b is None or rank_a == rank_b:
        return a, b
    if rank_a == rank_b + 1 and a.dims[-1] == 1:
        return (a, tf.expand_dims(b, -1)) if rank_b == 1 and expand_rank_1 else (tf.squeeze(a, [-1]), b)
    if rank_b == rank_a + 1 and b.dims[-1] == 1:
        return (tf.expand_dims(a, -1), b) if rank_a == 1 and expand_rank_1 else (a, tf.squeeze(b, [-1]))
    return a, b


def _pair(y_true: Any, y_pred: Any) -> tuple[Any, Any]:
    y_pred = convert(y_pred)
    if not y_pred.dtype.is_floating:
        y_pred = tf.cast(y_pred, "float32")
    y_true = tf.cast(convert(y_true), y_pred.dtype)
    return match_ranks(y_true, y_pred)


def _mean(x: Any) -> Any:
    return tf.reduce_mean(x, -1)


def logits_behind(y_pred: Any, activation: str) -> Any:
    """The tensor that `activation` ("Softmax", "Sigmoid") was applied to, if it can be seen; else None.

    Cross-entropy of logits needs no clipping and one exponential less.
    """
    found = getattr(y_pred, "_keras_logits", None)
    if found is not None:
        return found
    if isinstance(y_pred, GraphTensor) and y_pred.op.type == activation:
        return y_pred.op.inputs[0]
    return None


def _check_axis(axis: int, y_pred: Any) -> None:
    if axis not in (-1, (y_pred.spec.rank or 0) - 1):
        raise ValueError(f"Only axis=-1 is currently supported. Received: axis={axis}")


# -- regression --------------------------------------------------------------------------------------------------------


def mean_squared_error(y_true: Any, y_pred: Any) -> Any:
    """mean((y_true - y_pred) ** 2) over the last axis.

    >>> tf.keras.losses.mean_squared_error([[0.0, 1.0]], [[1.0, 1.0]]).numpy()
    array([0.5], dtype=float32)

    Keras: keras.losses.mean_squared_error.
    """
    y_true, y_pred = _pair(y_true, y_pred)
    return _mean(tf.square(y_true - y_pred))


def mean_absolute_error(y_true: Any, y_pred: Any) -> Any:
    """mean(|y_true - y_pred|) over the last axis. Keras: keras.losses.mean_absolute_error."""
    y_true, y_pred = _pair(y_true, y_pred)
    return _mean(tf.abs(y_true - y_pred))


def mean_absolute_percentage_error(y_true: Any, y_pred: Any) -> Any:
    """100 * mean(|(y_true - y_pred) / y_true|). Keras: keras.losses.mean_absolute_percentage_error."""
    y_true, y_pred = _pair(y_true, y_pred)
    return 100.0 * _mean(tf.abs((y_true - y_pred) / tf.maximum(tf.abs(y_true), epsilon())))


def mean_squared_logarithmic_error(y_true: Any, y_pred: Any) -> Any:
    """mean((log(y_true + 1) - log(y_pred + 1)) ** 2). Keras: keras.losses.mean_squared_logarithmic_error."""
    y_true, y_pred = _pair(y_true, y_pred)
    return _mean(tf.square(tf.log(tf.maximum(y_pred, epsilon()) + 1) - tf.log(tf.maximum(y_true, epsilon()) + 1)))


def huber(y_true: Any, y_pred: Any, delta: float = 1.0) -> Any:
    """Quadratic for errors up to delta, linear beyond. Huber, 1964. Keras: keras.losses.huber."""
    y_true, y_pred = _pair(y_true, y_pred)
    error = y_pred - y_true
    size = tf.abs(error)
    return _mean(tf.where(size <= delta, 0.5 * tf.square(error), delta * size - 0.5 * delta * delta))


def log_cosh(y_true: Any, y_pred: Any) -> Any:
    """mean(log(cosh(y_pred - y_true))). Keras: keras.losses.log_cosh."""
    y_true, y_pred = _pair(y_true, y_pred)
    x = y_pred - y_true
    return _mean(x + tf.softplus(-2.0 * x) - math.log(2.0))


def cosine_similarity(y_true: Any, y_pred: Any, axis: int = -1) -> Any:
    """The negative cosine of the angle between targets and predictions. Keras: keras.losses.cosine_similarity."""
    y_true, y_pred = _pair(y_true, y_pred)
    return -tf.reduce_sum(tf.l2_normalize(y_true, axis) * tf.l2_normalize(y_pred, axis), axis)


def poisson(y_true: Any, y_pred: Any) -> Any:
    """mean(y_pred - y_true * log(y_pred)). Keras: keras.losses.poisson."""
    y_true, y_pred = _pair(y_true, y_pred)
    return _mean(y_pred - y_true * tf.log(y_pred + epsilon()))


def kl_divergence(y_true: Any, y_pred: Any) -> Any:
    """sum(y_true * log(y_true / y_pred)). Keras: keras.losses.kl_divergence."""
    y_true, y_pred = _pair(y_true, y_pred)
    y_true, y_pred = tf.clip_by_value(y_true, epsilon(), 1.0), tf.clip_by_value(y_pred, epsilon(), 1.0)
    return tf.reduce_sum(y_true * tf.log(y_true / y_pred), -1)


# -- hinge -------------------------------------------------------------------------------------------------------------


def _signs(y_true: Any) -> Any:
    """Labels 0 and 1 as -1 and 1; labels that are signs already stay."""
    binary = tf.reduce_all(tf.logical_or(tf.equal(y_true, 0), tf.equal(y_true, 1)))
    return tf.where(binary, 2.0 * y_true - 1.0, y_true)


def hinge(y_true: Any, y_pred: Any) -> Any:
    """mean(max(1 - y_true * y_pred, 0)), labels -1 and 1 (or 0 and 1). Keras: keras.losses.hinge."""
    y_true, y_pred = _pair(y_true, y_pred)
    return _mean(tf.maximum(1.0 - _signs(y_true) * y_pred, 0.0))


def squared_hinge(y_true: Any, y_pred: Any) -> Any:
    """mean(max(1 - y_true * y_pred, 0) ** 2). Keras: keras.losses.squared_hinge."""
    y_true, y_pred = _pair(y_true, y_pred)
    return _mean(tf.square(tf.maximum(1.0 - _signs(y_true) * y_pred, 0.0)))


def categorical_hinge(y_true: Any, y_pred: Any) -> Any:
    """max(max((1 - y_true) * y_pred) - sum(y_true * y_pred) + 1, 0). Keras: keras.losses.categorical_hinge."""
    y_true, y_pred = _pair(y_true, y_pred)
    wrong = tf.reduce_max((1.0 - y_true) * y_pred, -1)
    return tf.maximum(wrong - tf.reduce_sum(y_true * y_pred, -1) + 1.0, 0.0)


# -- cross-entropies ---------------------------------------------------------------------------------------------------


def _clip(p: Any) -> Any:
    return tf.clip_by_value(p, epsilon(), 1.0 - epsilon())


def categorical_crossentropy(
    y_true: Any, y_pred: Any, from_logits: bool = False, label_smoothing: float = 0.0, axis: int = -1
) -> Any:
    """-sum(y_true * log(y_pred)) over one-hot (or soft) targets.

    Args:
      y_pred: probabilities, or logits with `from_logits`. The logits behind a softmax are used when they can be seen.

    >>> tf.keras.losses.categorical_crossentropy([[0.0, 1.0]], [[0.5, 0.5]]).numpy()
    array([0.6931472], dtype=float32)

    Keras: keras.losses.categorical_crossentropy. Raises `ValueError` for shapes that differ.
    """
    y_true, y_pred = convert(y_true), convert(y_pred)
    y_true = tf.cast(y_true, y_pred.dtype)
    if y_pred.dims and y_pred.dims[-1] == 1:
        raise ValueError(
            "In loss categorical_crossentropy, expected y_pred.shape to be (batch_size, num_classes) with num_classes "
            "> 1. "
            f"Received: y_pred.shape={tuple(y_pred.dims)}. Consider using 'binary_crossentropy' if you only have 2 "
            "classes."
        )
    _same_shape("categorical_crossentropy", y_true, y_pred)
    if label_smoothing:
        classes = tf.cast(tf.shape(y_true)[-1], y_pred.dtype)
        y_true = y_true * (1.0 - label_smoothing) + label_smoothing / classes
    return categorical_core(y_true, y_pred, from_logits, axis)


def categorical_core(y_true: Any, y_pred: Any, from_logits: bool, axis: int) -> Any:
    """Categorical cross-entropy of checked operands."""
    logits = y_pred if from_logits else logits_behind(y_pred, "Softmax")
    if logits is not None:
        return tf.softmax_cross_entropy_with_logits(y_true, logits, axis)
    p = _clip(y_pred / tf.reduce_sum(y_pred, axis, keepdims=True))
    return -tf.reduce_sum(y_true * tf.log(p), axis)


def sparse_categorical_crossentropy(
    y_true: Any, y_pred: Any, from_logits: bool = False, ignore_class: int | None = None, axis: int = -1
) -> Any:
    """The cross-entropy of class numbers.

    Args:
      y_true: class numbers, of the shape of `y_pred` less its last axis (or with a last axis of one).
      ignore_class: a class whose samples count nothing.

    Keras: keras.losses.sparse_categorical_crossentropy. Raises `InvalidArgumentError` for a class out of range.
    """
    y_true, y_pred = convert(y_true), convert(y_pred)
    _check_axis(axis, y_pred)
    if y_true.spec.rank == y_pred.spec.rank and y_true.dims and y_true.dims[-1] == 1:
        y_true = tf.squeeze(y_true, [-1])
    labels = tf.cast(y_true, "int64")
    _check_sparse_shapes(labels, y_pred)
    ignored = None
    if ignore_class is not None:
        ignored = tf.equal(labels, tf.cast(ignore_class, "int64"))
        labels = tf.where(ignored, tf.zeros_like(labels), labels)
    logits = y_pred if from_logits else logits_behind(y_pred, "Softmax")
    if logits is None:
        logits = tf.log(_clip(y_pred))
    loss = tf.sparse_softmax_cross_entropy_with_logits(labels, logits)
    if ignored is None:
        return loss
    loss = tf.where(ignored, tf.zeros_like(loss), loss)
    # Reductions and metrics leave masked entries out of means.
    loss._keras_mask = tf.logical_not(ignored)
    return loss


def _check_sparse_shapes(labels: Any, y_pred: Any) -> None:
    a, b = labels.dims, y_pred.dims
    if a is None or b is None:
        return
    if (
        not b
        or len(a) != len(b) - 1
        or any(x is not None and y is not None and x != y for x, y in zip(a, b[:-1], strict=True))
    ):
        raise ValueError(
            "Argument `output` must have rank (ndim) `target.ndim - 1` and matching leading dimensions. "
            f"Received: target.shape={a}, output.shape={b}"
        )


def _same_shape(name: str, y_true: Any, y_pred: Any) -> None:
    a, b = y_true.dims, y_pred.dims
    if a is None or b is None:
        return
    if len(a) != len(b) or any(x is not None and y is not None and x != y for x, y in zip(a, b, strict=True)):
        raise ValueError(
            f"Arguments `target` and `output` must have the same shape in {name}. Received: target.shape={a}, "
            f"output.shape={b}"
        )


def binary_core(y_true: Any, y_pred: Any, from_logits: bool) -> Any:
    """Binary cross-entropy per element."""
    logits = y_pred if from_logits else logits_behind(y_pred, "Sigmoid")
    if logits is not None:
        return tf.sigmoid_cross_entropy_with_logits(y_true, logits)
    p = _clip(y_pred)
    return -(y_true * tf.log(p) + (1.0 - y_true) * tf.log(1.0 - p))


def _smooth(y_true: Any, label_smoothing: float) -> Any:
    return y_true * (1.0 - label_smoothing) + 0.5 * label_smoothing if label_smoothing else y_true


def binary_crossentropy(
    y_true: Any, y_pred: Any, from_logits: bool = False, label_smoothing: float = 0.0, axis: int = -1
) -> Any:
    """mean(-(y_true * log(y_pred) + (1 - y_true) * log(1 - y_pred))). Keras: keras.losses.binary_crossentropy."""
    y_pred = convert(y_pred)
    y_true = _smooth(tf.cast(convert(y_true), y_pred.dtype), label_smoothing)
    _same_shape("binary_crossentropy", y_true, y_pred)
    return tf.reduce_mean(binary_core(y_true, y_pred, from_logits), axis)


def binary_focal_crossentropy(
    y_true: Any, y_pred: Any, apply_class_balancing: bool = False, alpha: float = 0.25, gamma: float = 2.0,
    from_logits: bool = False, label_smoothing: float = 0.0, axis: int = -1,
) -> Any:  # fmt: skip
    """Binary cross-entropy that counts easy samples less.

    Lin et al., 2018. Keras: keras.losses.binary_focal_crossentropy.
    """
    y_pred = convert(y_pred)
    y_true = _smooth(tf.cast(convert(y_true), y_pred.dtype), label_smoothing)
    if from_logits:
        y_pred = tf.sigmoid(y_pred)
    likely = y_true * y_pred + (1.0 - y_true) * (1.0 - y_pred)
    loss = tf.pow(1.0 - likely, gamma) * binary_core(y_true, y_pred, False)
    if apply_class_balancing:
        loss = (y_true * alpha + (1.0 - y_true) * (1.0 - alpha)) * loss
    return tf.reduce_mean(loss, axis)


def categorical_focal_crossentropy(
    y_true: Any, y_pred: Any, alpha: float = 0.25, gamma: float = 2.0, from_logits: bool = False,
    label_smoothing: float = 0.0, axis: int = -1,
) -> Any:  # fmt: skip
    """Categorical cross-entropy that counts easy samples less.

    Lin et al., 2018. Keras: keras.losses.categorical_focal_crossentropy.
    """
    y_pred = convert(y_pred)
    y_true = tf.cast(convert(y_true), y_pred.dtype)
    _check_axis(axis, y_pred)
    if label_smoothing:
        classes = tf.cast(tf.shape(y_true)[-1], y_pred.dtype)
        y_true = y_true * (1.0 - label_smoothing) + label_smoothing / classes
    if from_logits:
        y_pred = tf.softmax(y_pred, axis)
    p = _clip(y_pred / tf.reduce_sum(y_pred, axis, keepdims=True))
    return tf.reduce_sum(tf.pow(1.0 - p, gamma) * alpha * (-y_true * tf.log(p)), axis)


def categorical_generalized_cross_entropy(y_true: Any, y_pred: Any, q: float) -> Any:
    """(1 - p ** q) / q for the probability p of the true class, given as class numbers. Zhang & Sabuncu, 2018.

    Keras: keras.losses.categorical_generalized_cross_entropy.
    """
    y_pred = convert(y_pred)
    labels = tf.one_hot(tf.cast(convert(y_true), "int32"), tf.shape(y_pred)[-1], dtype=y_pred.dtype)
    return (1.0 - tf.pow(tf.reduce_sum(labels * y_pred, -1), q)) / q


# -- overlap -----------------------------------------------------------------------------------------------------------


def dice(y_true: Any, y_pred: Any, axis: Any = None) -> Any:
    """1 - 2 |A B| / (|A| + |B|), over `axis` (all by default). Keras: keras.losses.dice."""
    y_pred = convert(y_pred)
    y_true = tf.cast(convert(y_true), y_pred.dtype)
    both = tf.reduce_sum(y_true * y_pred, axis)
    return 1.0 - 2.0 * both / (tf.reduce_sum(y_true, axis) + tf.reduce_sum(y_pred, axis) + epsilon())


def tversky(y_true: Any, y_pred: Any, alpha: float = 0.5, beta: float = 0.5, axis: Any = None) -> Any:
    """1 - the Tversky index, in which `alpha` weighs what predictions miss and `beta` what they add.

    Salehi et al., 2017. Keras: keras.losses.tversky.
    """
    y_pred = convert(y_pred)
    y_true = tf.cast(convert(y_true), y_pred.dtype)
    both = tf.reduce_sum(y_true * y_pred, axis)
    missed = tf.reduce_sum(y_true * (1.0 - y_pred), axis)
    added = tf.reduce_sum((1.0 - y_true) * y_pred, axis)
    return 1.0 - both / (both + missed * alpha + added * beta + epsilon())


# -- embeddings --------------------------------------------------------------------------------------------------------


def circle(
    y_true: Any, y_pred: Any, ref_labels: Any = None, ref_embeddings: Any = None, remove_diagonal: bool = True,
    gamma: float = 80, margin: float = 0.4,
) -> Any:  # fmt: skip
    """How far pairs of embeddings are from being close within a class and apart between classes.

    Args:
      y_true: class numbers [batch]. y_pred: unit vectors [batch, d].
      ref_labels, ref_embeddings: what to compare with; by default the batch itself, each without itself.

    Sun et al., 2020. Keras: keras.losses.circle.
    """
    y_pred, labels = convert(y_pred), tf.reshape(tf.cast(convert(y_true), "int32"), [-1, 1])
    others = y_pred if ref_embeddings is None else convert(ref_embeddings)
    other_labels = labels if ref_labels is None else tf.reshape(tf.cast(convert(ref_labels), "int32"), [-1, 1])
    distances = tf.maximum(1.0 - tf.matmul(y_pred, others, transpose_b=True), 0.0)
    same = tf.equal(labels, tf.transpose(other_labels))
    alike = same
    if remove_diagonal:
        rows, columns = tf.shape(distances)[0], tf.shape(distances)[1]
        itself = tf.equal(tf.expand_dims(tf.range(rows), 1), tf.expand_dims(tf.range(columns), 0))
        alike = tf.logical_and(same, tf.logical_not(itself))
    close = -gamma * tf.maximum(margin + distances, 0.0) * (margin - distances)
    apart = gamma * tf.maximum(1.0 + margin - distances, 0.0) * (1.0 - margin - distances)
    loss = tf.softplus(_logsumexp_where(alike, close) + _logsumexp_where(tf.logical_not(same), apart))
    # Samples without a pair of either kind are left out of means.
    loss._keras_mask = loss > 0
    return loss


def _logsumexp_where(mask: Any, x: Any) -> Any:
    return tf.reduce_logsumexp(tf.where(mask, x, tf.constant(-math.inf, x.dtype)), 1)
