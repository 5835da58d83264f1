"""Counting values: histograms, confusion matrices, hits among the best scores."""

from __future__ import annotations

from typing import Any

import numpy as np

from duoflow.core import dtypes, shapes
from duoflow.core.emit import emit_one
from duoflow.core.errors import InvalidArgumentError
from duoflow.core.late import F
from duoflow.core.record import Kind, Op, register
from duoflow.core.scalar import Unsupported
from duoflow.core.spec import Spec
from duoflow.core.tensor import convert, static_value

from .families import check_dtype
from .static import invalid, operand

__all__ = [
    "approx_max_k", "approx_min_k", "bincount", "confusion_matrix", "histogram_fixed_width",
    "histogram_fixed_width_bins", "in_top_k",
]  # fmt: skip

_INDEX = (dtypes.int32, dtypes.int64)
_WEIGHTS = (dtypes.int32, dtypes.int64, dtypes.float32, dtypes.float64)


# -- bincount ----------------------------------------------------------------------------------------------------------


def _infer_bincount(x: Spec, size: Spec, weights: Spec, *, binary_output: bool) -> Spec:
    check_dtype("DenseBincount", "input", x.dtype, _INDEX)
    check_dtype("DenseBincount", "weights", weights.dtype, _WEIGHTS)
    if x.rank is not None and x.rank > 2:
        raise ValueError(f"Shape must be at most rank 2 but is rank {x.rank}")
    if (
        weights.known
        and x.known
        and shapes.num_elements(weights.shape)
        and not shapes.compatible(weights.shape, x.shape)
    ):
        raise InvalidArgumentError(
            f"`weights` must be the same shape as `arr` or a length-0 `Tensor`, in which case it acts as all weights "
            f"equal to 1. Received {shapes.brief(weights.shape)} for {shapes.brief(x.shape)}."
        )
    bins = None if size.array is None else int(size.array)
    return Spec(None if x.shape is None else (*x.shape[:-1], bins), weights.dtype)


def _bincount(x: Any, size: Any, weights: Any, *, binary_output: bool) -> Any:
    bins = int(size)
    if bins < 0:
        raise ValueError(f"size ({bins}) must be non-negative")
    if x.size and x.min() < 0:
        raise ValueError("Input arr must be non-negative!")
    rows = x.reshape(-1, x.shape[-1]) if x.ndim == 2 else x.reshape(1, -1)
    inside = rows < bins
    amount = np.broadcast_to(weights.reshape(rows.shape) if weights.size else np.ones((), weights.dtype), rows.shape)
    out = np.zeros((len(rows), bins), weights.dtype)
    place = (np.nonzero(inside)[0], rows[inside])
    if binary_output:
        out[place] = 1
    else:
        np.add.at(out, place, amount[inside])
    return out if x.ndim == 2 else out[0]


_BINCOUNT = register(Op("DenseBincount", Kind.HOST, _infer_bincount, _bincount, differentiable=False))


def bincount(
    arr: Any,
    weights: Any = None,
    minlength: Any = None,
    maxlength: Any = None,
    dtype: Any = dtypes.int32,
    name: str | None = None,
    axis: int | None = None,
    binary_output: bool = False,
) -> Any:
    """How often each number 0, 1, ... occurs among non-negative integers, or the sum of the weights where it does.

    Args:
      weights: of the shape of `arr`; their dtype becomes the output's.
      minlength, maxlength: the least and the greatest number of counters; larger numbers are not counted.
      axis: None or 0 to count all, -1 to count each row.
      binary_output: 1 for a number that occurs and 0 for one that does not.

    >>> tf.math.bincount([1, 1, 3]).numpy()
    array([0, 2, 0, 1], dtype=int32)

    TensorFlow: tf.math.bincount.
    """
    with F.name_scope(name or "bincount"):
        arr = convert(arr)
        if arr.dtype not in _INDEX:
            arr = F.cast(arr, dtypes.int32)
        if axis not in (None, 0, -1):
            raise ValueError(f"Unsupported value for argument axis={axis}. Only 0 and -1 are currently supported.")
        if weights is not None and binary_output:
            raise ValueError("Arguments `binary_output` and `weights` are mutually exclusive. Please specify only one.")
        weights = F.zeros((0,), dtypes.as_dtype(dtype)) if weights is None else convert(weights)
        if axis != -1:
            weights = weights if weights.dims == (0,) else F.reshape(weights, [-1])
            arr = F.reshape(arr, [-1])
        empty = F.equal(F.size(arr), 0)
        largest = F.reduce_max(F.concat([F.reshape(arr, [-1]), F.constant([0], arr.dtype)], 0))
        size = F.where(empty, F.zeros_like(largest), largest + 1)
        if minlength is not None:
            size = F.maximum(convert(minlength, dtype=size.dtype), size)
        if maxlength is not None:
            size = F.minimum(convert(maxlength, dtype=size.dtype), size)
        return emit_one(_BINCOUNT, (arr, size, weights), {"binary_output": bool(binary_output)}, name)


def confusion_matrix(
    labels: Any,
    predictions: Any,
    num_classes: Any = None,
    weights: Any = None,
    dtype: Any = dtypes.int32,
    name: str | None = None,
) -> Any:
    """How often each label (row) was predicted as each class (column), or the sums of the weights.

    Negative classes are an `InvalidArgumentError`, and so are classes of `num_classes` or more.

    >>> tf.math.confusion_matrix([1, 2, 2], [1, 1, 2]).numpy()
    array([[0, 0, 0], [0, 1, 0], [0, 1, 1]], dtype=int32)

    TensorFlow: tf.math.confusion_matrix.
    """
    with F.name_scope(name or "confusion_matrix"):
        labels, predictions = (F.cast(F.reshape(convert(x), [-1]), dtypes.int64) for x in (labels, predictions))
        if not shapes.compatible(labels.dims, predictions.dims):
            raise invalid(f"Shapes {labels.shape} and {predictions.shape} are incompatible")
        if num_classes is None:
            num_classes = F.maximum(F.reduce_max(predictions), F.reduce_max(labels)) + 1
        classes = F.cast(num_classes, dtypes.int64)
        dtype = dtypes.as_dtype(dtype)
        values = F.ones_like(labels, dtype) if weights is None else F.cast(F.reshape(convert(weights), [-1]), dtype)
        return F.scatter_nd(F.stack([labels, predictions], axis=1), values, F.stack([classes, classes]))


# -- histograms --------------------------------------------------------------------------------------------------------


def histogram_fixed_width_bins(
    values: Any, value_range: Any, nbins: Any = 100, dtype: Any = dtypes.int32, name: str | None = None
) -> Any:
    """Which of `nbins` equal parts of [low, high] each value is in; values outside are in the first or last.

    >>> tf.histogram_fixed_width_bins([-1.0, 0.0, 1.5, 2.0, 5.0, 15.0], [0.0, 5.0], nbins=5).numpy()
    array([0, 0, 1, 2, 4, 4], dtype=int32)

    TensorFlow: tf.histogram_fixed_width_bins.
    """
    with F.name_scope(name or "histogram_fixed_width_bins"):
        values = convert(values)
        value_range = operand(value_range, values)
        nbins = convert(nbins, dtype_hint=dtypes.int32)
        low_high, parts = static_value(value_range), static_value(nbins)
        if parts is not None and parts <= 0:
            raise invalid(f"nbins must be positive, received {parts}.")
        if low_high is not None and not low_high[0] < low_high[1]:
            message = f"value_range must be [low, high], low < high, received {low_high.tolist()}."
            raise InvalidArgumentError(message).here()
        scaled = F.truediv(values - value_range[0], value_range[1] - value_range[0])
        place = F.cast(F.floor(scaled * F.cast(nbins, scaled.dtype)), dtypes.as_dtype(dtype))
        return F.clip_by_value(place, 0, F.cast(nbins - 1, place.dtype))


def histogram_fixed_width(
    values: Any, value_range: Any, nbins: Any = 100, dtype: Any = dtypes.int32, name: str | None = None
) -> Any:
    """How many values are in each of `nbins` equal parts of [low, high].

    >>> tf.histogram_fixed_width([-1.0, 0.0, 1.5, 2.0, 5.0, 15.0], [0.0, 5.0], nbins=5).numpy()
    array([2, 1, 1, 0, 2], dtype=int32)

    TensorFlow: tf.histogram_fixed_width.
    """
    with F.name_scope(name or "histogram_fixed_width"):
        place = F.reshape(histogram_fixed_width_bins(values, value_range, nbins), [-1])
        return F.unsorted_segment_sum(F.ones_like(place, dtypes.as_dtype(dtype)), place, nbins)


# -- hits --------------------------------------------------------------------------------------------------------------


def _infer_in_top_k(predictions: Spec, targets: Spec, *, k: int) -> Spec:
    check_dtype("InTopKV2", "targets", targets.dtype, _INDEX)
    check_dtype("InTopKV2", "predictions", predictions.dtype, (dtypes.float32,))
    for what, spec, rank in (("predictions", predictions, 2), ("targets", targets, 1)):
        if spec.rank not in (None, rank):
            raise ValueError(f"{what} must be {rank}-dimensional, received shape {shapes.brief(spec.shape)}.")
    rows = None if predictions.shape is None else predictions.shape[:1]
    if not shapes.compatible(rows, targets.shape):
        raise ValueError(
            f"First dimension of predictions {shapes.brief(predictions.shape)} must match length of targets "
            f"{shapes.brief(targets.shape)}."
        )
    return Spec(shapes.merge(rows, targets.shape) or (None,), dtypes.bool_)


def _in_top_k(predictions: Any, targets: Any, *, k: int) -> Any:
    rows, classes = predictions.shape
    inside = (targets >= 0) & (targets < classes)
    own = predictions[np.arange(rows), np.where(inside, targets, 0)] if classes else np.zeros(rows, predictions.dtype)
    better = (predictions > own[:, None]).sum(axis=1)
    return inside & np.isfinite(predictions).all(axis=1) & (better < k)


def _expand_in_top_k(predictions: Any, targets: Any, *, k: int) -> Any:
    classes = predictions.dims[1]
    if not classes:
        raise Unsupported("an unknown number of classes")
    inside = (targets >= 0) & (targets < classes)
    own = F.gather(predictions, F.where(inside, targets, F.zeros_like(targets)), axis=1, batch_dims=1)
    better = F.reduce_sum(F.cast(predictions > F.expand_dims(own, 1), dtypes.int32), 1)
    return inside & F.reduce_all(F.is_finite(predictions), 1) & (better < k)


_IN_TOP_K = register(
    Op(
        "InTopKV2",
        Kind.COMPOUND,
        _infer_in_top_k,
        _in_top_k,
        expand=_expand_in_top_k,
        differentiable=False,
    )  # fmt: skip
)


def in_top_k(targets: Any, predictions: Any, k: int, name: str | None = None) -> Any:
    """Whether fewer than k scores of each row of predictions [n, classes] are above that of the target class.

    Equal scores share a rank. A row with a score that is not finite, or a target out of range, is False.

    >>> tf.math.in_top_k([1, 0], [[0.1, 0.9], [0.2, 0.8]], k=1).numpy()
    array([ True, False])

    TensorFlow: tf.math.in_top_k.
    """
    inputs = (convert(predictions, dtype_hint=dtypes.float32), convert(targets, dtype_hint=dtypes.int32))
    return emit_one(_IN_TOP_K, inputs, {"k": int(k)}, name)


# -- the best few ------------------------------------------------------------------------------------------------------


def approx_max_k(
    operand: Any,
    k: Any,
    reduction_dimension: int = -1,
    recall_target: float = 0.95,
    reduction_input_size_override: int = -1,
    aggregate_to_topk: bool = True,
    name: str | None = None,
) -> tuple[Any, Any]:
    """The k largest elements along a dimension, largest first, and their places.

    The result is exact here, as on TensorFlow's CPU; the arguments about recall and sharding change nothing.

    >>> values, indices = tf.math.approx_max_k([1.0, 5.0, 3.0], 2)
    >>> values.numpy(), indices.numpy()
    (array([5., 3.], dtype=float32), array([1, 2], dtype=int32))

    TensorFlow: tf.math.approx_max_k.
    """
    with F.name_scope(name or "approx_max_k"):
        x = F.swapaxes(convert(operand), reduction_dimension, -1)
        values, indices = F.top_k(x, k)
        return F.swapaxes(values, reduction_dimension, -1), F.swapaxes(indices, reduction_dimension, -1)


def approx_min_k(
    operand: Any,
    k: Any,
    reduction_dimension: int = -1,
    recall_target: float = 0.95,
    reduction_input_size_override: int = -1,
    aggregate_to_topk: bool = True,
    name: str | None = None,
) -> tuple[Any, Any]:
    """The k smallest elements along a dimension, smallest first, and their places; exact, as `approx_max_k` is.

    >>> values, indices = tf.math.approx_min_k([1.0, 5.0, 3.0], 2)
    >>> values.numpy(), indices.numpy()
    (array([1., 3.], dtype=float32), array([0, 2], dtype=int32))

    TensorFlow: tf.math.approx_min_k.
    """
    values, indices = approx_max_k(-convert(operand), k, reduction_dimension, name=name or "approx_min_k")
    return -values, indices
