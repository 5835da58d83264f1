"""Softmax, log-softmax and the cross-entropies on logits.

They stay whole in the graph; an engine may claim one as a row-wise kernel, or expand it.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from duoflow.core import dtypes, shapes
from duoflow.core.emit import emit_one
from duoflow.core.errors import InvalidArgumentError
from duoflow.core.late import F
from duoflow.core.record import Kind, Op, register
from duoflow.core.spec import Spec
from duoflow.core.tensor import convert

from .families import FLOATING, check_dtype, elementwise
from .static import invalid, operand

__all__ = [
    "l2_loss",
    "log_poisson_loss",
    "log_softmax",
    "sigmoid_cross_entropy_with_logits",
    "softmax",
    "softmax_cross_entropy_with_logits",
    "sparse_softmax_cross_entropy_with_logits",
    "weighted_cross_entropy_with_logits",
]


def _infer(logits: Spec, *, axis: int) -> Spec:
    check_dtype("Softmax", "logits", logits.dtype, FLOATING)
    if logits.rank is not None and not -logits.rank <= axis < logits.rank:
        raise InvalidArgumentError(
            f"`dim` must be in the range [{-logits.rank}, {logits.rank}) where {logits.rank} is the number "
            f"of dimensions in the input. Received: dim={axis}"
        )  # fmt: skip
    return Spec(logits.shape, logits.dtype)


def _wide(x: Any) -> Any:
    """Low-precision logits are worked on in float32."""
    return x.astype(np.float32) if x.dtype.itemsize < 4 else x


def _softmax(x: Any, *, axis: int) -> Any:
    wide = _wide(x)
    e = np.exp(wide - np.max(wide, axis=axis, keepdims=True, initial=-np.inf))
    return (e / np.sum(e, axis=axis, keepdims=True)).astype(x.dtype)


def _log_softmax(x: Any, *, axis: int) -> Any:
    shifted = _wide(x) - np.max(_wide(x), axis=axis, keepdims=True, initial=-np.inf)
    return (shifted - np.log(np.sum(np.exp(shifted), axis=axis, keepdims=True))).astype(x.dtype)


def _expand_softmax(x: Any, *, axis: int) -> Any:
    e = F.exp(x - F.reduce_max(x, axis, keepdims=True))
    return e / F.reduce_sum(e, axis, keepdims=True)


def _expand_log_softmax(x: Any, *, axis: int) -> Any:
    shifted = x - F.reduce_max(x, axis, keepdims=True)
    return shifted - F.log(F.reduce_sum(F.exp(shifted), axis, keepdims=True))


def _softmax_gradient(node: Any, g: Any) -> Any:
    y = node.outputs[0]
    return (g - F.reduce_sum(g * y, node.attrs["axis"], keepdims=True)) * y


def _log_softmax_gradient(node: Any, g: Any) -> Any:
    return g - F.exp(node.outputs[0]) * F.reduce_sum(g, node.attrs["axis"], keepdims=True)


SOFTMAX = register(Op("Softmax", Kind.COMPOUND, _infer, _softmax, _softmax_gradient, expand=_expand_softmax))
LOG_SOFTMAX = register(
    Op("LogSoftmax", Kind.COMPOUND, _infer, _log_softmax, _log_softmax_gradient, expand=_expand_log_softmax)
)


def _axis(axis: Any) -> int:
    return -1 if axis is None else int(axis)


def softmax(logits: Any, axis: int | None = None, name: str | None = None) -> Any:
    """exp(logits) normalised to sum to one along `axis` (the last by default).

    >>> tf.nn.softmax([0.0, 0.0]).numpy()
    array([0.5, 0.5], dtype=float32)

    TensorFlow: tf.nn.softmax.
    """
    return emit_one(SOFTMAX, (convert(logits, dtype_hint=dtypes.float32),), {"axis": _axis(axis)}, name)


def log_softmax(logits: Any, axis: int | None = None, name: str | None = None) -> Any:
    """The logarithm of `softmax`, computed without overflow. TensorFlow: tf.nn.log_softmax."""
    return emit_one(LOG_SOFTMAX, (convert(logits, dtype_hint=dtypes.float32),), {"axis": _axis(axis)}, name)


# -- cross-entropies ---------------------------------------------------------------------------------------------------


def _infer_xent(logits: Spec, labels: Spec) -> Spec:
    check_dtype("SoftmaxCrossEntropyWithLogits", "features", logits.dtype, FLOATING)
    if logits.dtype is not labels.dtype:
        raise TypeError(f"logits are {logits.dtype.name} but labels are {labels.dtype.name}; both must have one dtype.")
    try:
        shape = shapes.broadcast(logits.shape, labels.shape)
    except ValueError:
        raise ValueError(
            f"logits and labels must be broadcastable: logits_size={shapes.brief(logits.shape)} "
            f"labels_size={shapes.brief(labels.shape)}"
        ) from None
    if shape is not None and len(shape) != 2:
        raise ValueError(f"logits and labels must be 2-D, received {shapes.brief(shape)}")
    return Spec(None if shape is None else shape[:1], logits.dtype)


def _xent(logits: Any, labels: Any) -> Any:
    product = labels * _log_softmax(logits, axis=-1)
    return -np.sum(np.where(labels == 0, 0, product), axis=-1, dtype=_wide(logits).dtype).astype(logits.dtype)


def _expand_xent(logits: Any, labels: Any) -> Any:
    log_p = F.log_softmax(logits)
    return -F.reduce_sum(F.where(labels == 0, F.zeros_like(log_p), labels * log_p), -1)


def _xent_gradient(node: Any, g: Any) -> Any:
    """TensorFlow's: it takes the labels to sum to one, whether they do or not."""
    logits, labels = node.inputs
    g = F.expand_dims(g, -1)
    return g * (F.softmax(logits) - labels), -g * F.log_softmax(logits)


XENT = register(
    Op("SoftmaxCrossEntropyWithLogits", Kind.COMPOUND, _infer_xent, _xent, _xent_gradient, expand=_expand_xent)
)


def _infer_sparse_xent(logits: Spec, labels: Spec) -> Spec:
    check_dtype("SparseSoftmaxCrossEntropyWithLogits", "features", logits.dtype, FLOATING)
    if labels.dtype not in (dtypes.int32, dtypes.int64):
        raise TypeError(f"labels must be int32 or int64, received {labels.dtype.name}.")
    if logits.rank not in (None, 2) or labels.rank not in (None, 1):
        raise ValueError(f"logits must be 2-D and labels 1-D, received {logits} and {labels}.")
    rows = (None,) if logits.shape is None else logits.shape[:1]
    if not shapes.compatible(rows, labels.shape):
        raise ValueError(
            f"logits and labels must have the same first dimension, got logits shape {shapes.brief(logits.shape)} and "
            f"labels shape {shapes.brief(labels.shape)}"
        )
    return Spec(shapes.merge(rows, labels.shape), logits.dtype)


def _checked_labels(labels: Any, count: Any) -> Any:
    bad = (labels < 0) | (labels >= count)
    if np.any(bad):
        raise InvalidArgumentError(
            f"Received a label value of {labels[bad][0]} which is outside the valid range of [0, "
            f"{count}).  "
            f"Label values: {' '.join(map(str, labels[:20]))}"
        )  # fmt: skip
    return labels


def _require_label(b: Any, label: Any, count: Any) -> Any:
    b.require((label >= 0) & (label < count), "a label outside the valid range")
    return label


CHECKED_LABELS = Op(
    "CheckedLabels",
    Kind.ELEMENTWISE,
    lambda labels, count: Spec(labels.shape, labels.dtype),
    _checked_labels,
    body=_require_label,
    differentiable=False,
)
"""Class numbers, which must be in [0, count)."""


def _sparse_xent(logits: Any, labels: Any) -> Any:
    _checked_labels(labels, logits.shape[-1])
    log_p = _log_softmax(logits, axis=-1)
    return -np.take_along_axis(log_p, labels[:, None].astype(np.int64), -1)[:, 0]


def _expand_sparse_xent(logits: Any, labels: Any) -> Any:
    labels = emit_one(CHECKED_LABELS, (labels, F.cast(F.shape(logits)[-1], labels.dtype)))
    return -F.gather(F.log_softmax(logits), labels, axis=1, batch_dims=1)


def _sparse_xent_gradient(node: Any, g: Any) -> Any:
    logits, labels = node.inputs
    p = F.softmax(logits)
    return F.expand_dims(g, -1) * (p - F.one_hot(labels, F.shape(logits)[-1], dtype=logits.dtype)), None


SPARSE_XENT = register(
    Op(
        "SparseSoftmaxCrossEntropyWithLogits",
        Kind.COMPOUND,
        _infer_sparse_xent,
        _sparse_xent,
        _sparse_xent_gradient,
        expand=_expand_sparse_xent,
    )  # fmt: skip
)


def softmax_cross_entropy_with_logits(labels: Any, logits: Any, axis: int = -1, name: str | None = None) -> Any:
    """-sum(labels * log_softmax(logits)) along `axis`.

    Args:
      labels: class probabilities, the shape and dtype of `logits`; gradients flow into them too.
      logits: unscaled log probabilities, [..., classes].

    >>> tf.nn.softmax_cross_entropy_with_logits([[0.0, 1.0]], [[0.0, 0.0]]).numpy()
    array([0.6931472], dtype=float32)

    TensorFlow: tf.nn.softmax_cross_entropy_with_logits.
    """
    logits = convert(logits)
    labels = F.cast(convert(labels, dtype_hint=logits.dtype), logits.dtype)
    rank = logits.spec.rank
    if rank is not None and axis not in (-1, rank - 1):
        order = [i for i in range(rank) if i != axis % rank] + [axis % rank]
        logits, labels = F.transpose(logits, order), F.transpose(labels, order)
    if rank is None:
        return -F.reduce_sum(labels * F.log_softmax(logits, axis), axis)
    if rank == 2:
        return emit_one(XENT, (logits, labels), name=name)
    shape = F.shape(logits)
    flat = F.stack([-1, shape[-1]])
    loss = emit_one(XENT, (F.reshape(logits, flat), F.reshape(labels, flat)), name=name)
    return F.reshape(loss, shape[:-1])


def sparse_softmax_cross_entropy_with_logits(labels: Any, logits: Any, name: str | None = None) -> Any:
    """The cross-entropy of class numbers.

    Args:
      labels: int class numbers in [0, classes), of the shape of `logits` less its last dimension.
      logits: unscaled log probabilities, [..., classes].

    Raises `InvalidArgumentError` for a label out of range.

    TensorFlow: tf.nn.sparse_softmax_cross_entropy_with_logits.
    """
    labels, logits = convert(labels), convert(logits)
    rank = logits.spec.rank
    if rank == 0:
        raise ValueError(f"`logits` cannot be a scalar. Received logits={logits!r}")
    if rank is not None and labels.spec.rank is not None and labels.spec.rank != rank - 1:
        raise ValueError(
            "`labels.shape.rank` must equal `logits.shape.rank - 1`. "
            f"Received: labels.shape={labels.shape} of rank {labels.spec.rank} and logits.shape={logits.shape} of "
            f"rank {rank}"
        )
    if rank is not None and not shapes.compatible(labels.dims, logits.dims[:-1]):
        raise ValueError(
            "`labels.shape` must equal `logits.shape` except for the last dimension. Received: "
            f"labels.shape={labels.shape} and logits.shape={logits.shape}"
        )
    if labels.dtype not in (dtypes.int32, dtypes.int64) and labels.dtype.is_integer:
        labels = F.cast(labels, dtypes.int32)
    if rank == 2:
        return emit_one(SPARSE_XENT, (logits, labels), name=name)
    flat = F.stack([-1, F.shape(logits)[-1]])
    loss = emit_one(SPARSE_XENT, (F.reshape(logits, flat), F.reshape(labels, [-1])), name=name)
    return F.reshape(loss, F.shape(labels))


def _same_shape(labels: Any, logits: Any) -> tuple[Any, Any]:
    logits = convert(logits)
    labels = operand(labels, logits)
    if not shapes.compatible(labels.dims, logits.dims):
        raise ValueError(
            f"`logits` and `labels` must have the same shape, received ({logits.shape} vs {labels.shape})."
        )
    return labels, logits


def _logistic_loss_gradient(node: Any, g: Any) -> tuple[Any, Any]:
    labels, logits = node.inputs
    return -g * logits, g * (F.sigmoid(logits) - labels)


_LOGISTIC_LOSS = elementwise(
    "SigmoidCrossEntropyWithLogits",
    body=lambda b, z, x: b.maximum(x, 0) - x * z + b.log1p(b.exp(-b.abs(x))),
    gradient=_logistic_loss_gradient,
    allowed=FLOATING,
)


def sigmoid_cross_entropy_with_logits(labels: Any = None, logits: Any = None, name: str | None = None) -> Any:
    """-labels * log(sigmoid(logits)) - (1 - labels) * log(1 - sigmoid(logits)), without overflow.

    TensorFlow: tf.nn.sigmoid_cross_entropy_with_logits.
    """
    return emit_one(_LOGISTIC_LOSS, _same_shape(labels, logits), name=name or "logistic_loss")


def weighted_cross_entropy_with_logits(labels: Any, logits: Any, pos_weight: Any, name: str | None = None) -> Any:
    """Sigmoid cross-entropy whose positive term counts `pos_weight` times.

    TensorFlow: tf.nn.weighted_cross_entropy_with_logits.
    """
    labels, logits = _same_shape(labels, logits)
    with F.name_scope(name or "logistic_loss"):
        weight = 1 + (pos_weight - 1) * labels
        return (1 - labels) * logits + weight * (F.log1p(F.exp(-F.abs(logits))) + F.relu(-logits))


def log_poisson_loss(targets: Any, log_input: Any, compute_full_loss: bool = False, name: str | None = None) -> Any:
    """The negative log-likelihood of a Poisson distribution with rate exp(log_input).

    TensorFlow: tf.nn.log_poisson_loss.
    """
    targets, log_input = _same_shape(targets, log_input)
    result = F.exp(log_input) - log_input * targets
    if compute_full_loss:
        stirling = targets * F.log(targets) - targets + 0.5 * F.log(2 * np.pi * targets)
        inside = (targets >= 0) & (targets <= 1)
        result = result + F.where(inside, F.zeros_like(stirling), stirling)
    return result


def l2_loss(t: Any, name: str | None = None) -> Any:
    """sum(t ** 2) / 2. TensorFlow: tf.nn.l2_loss."""
    t = convert(t)
    if t.dtype not in FLOATING:
        raise invalid(f"l2_loss takes a floating tensor, received {t.dtype.name}.", TypeError)
    return F.reduce_sum(F.square(t)) * 0.5
