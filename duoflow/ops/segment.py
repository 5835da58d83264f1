"""Reductions over segments: rows that share an id are combined into one row of the output."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from duoflow.core import dtypes, shapes
from duoflow.core.dtypes import DType
from duoflow.core.emit import NO_ATTRS, emit_one
from duoflow.core.errors import InvalidArgumentError
from duoflow.core.late import F
from duoflow.core.lowering import Scatter
from duoflow.core.record import Kind, Op, register
from duoflow.core.spec import Spec
from duoflow.core.tensor import convert

from .families import NUMERIC, REAL, check_dtype, in_float32
from .reduction import product_of_others

__all__ = [
    "segment_max", "segment_mean", "segment_min", "segment_prod", "segment_sum", "unsorted_segment_max",
    "unsorted_segment_mean", "unsorted_segment_min", "unsorted_segment_prod", "unsorted_segment_sqrt_n",
    "unsorted_segment_sum",
]  # fmt: skip

_INDEX = (dtypes.int16, dtypes.int32, dtypes.int64)


def _combined(ufunc: Any, rows: Any, ids: Any, count: int, empty: Any) -> Any:
    """Rows combined by id into `count` rows; those without any are `empty`. Ids outside [0, count) are dropped."""
    out = np.full((count, *rows.shape[1:]), empty, rows.dtype)
    if not (len(ids) and rows.size):
        return out
    if np.any(ids[1:] < ids[:-1]):
        order = np.argsort(ids, kind="stable")
        rows, ids = rows[order], ids[order]
    starts = np.flatnonzero(np.concatenate([[True], ids[1:] != ids[:-1]]))
    totals = ufunc.reduceat(rows, starts, axis=0, dtype=rows.dtype)
    present = ids[starts]
    inside = (present >= 0) & (present < count)
    out[present[inside]] = totals[inside]
    return out


# -- sorted ids --------------------------------------------------------------------------------------------------------


def _record_sorted(op_name: str, evaluate: Callable[..., Any], gradient: Any, allowed: tuple[DType, ...]) -> Op:
    def infer(data: Spec, segment_ids: Spec) -> Spec:
        check_dtype(op_name, "data", data.dtype, allowed)
        check_dtype(op_name, "segment_ids", segment_ids.dtype, _INDEX)
        if segment_ids.rank not in (None, 1):
            raise ValueError(f"segment_ids should be a vector, received shape {shapes.brief(segment_ids.shape)}.")
        if data.shape is None:
            return Spec(None, data.dtype)
        if not data.shape:
            raise ValueError("data must be at least rank 1")
        if not shapes.compatible(data.shape[:1], segment_ids.shape):
            raise InvalidArgumentError(
                f"segment_ids should be the same size as dimension 0 of input: {shapes.brief(segment_ids.shape)} for "
                f"data of shape {shapes.brief(data.shape)}."
            )
        ids = segment_ids.array
        rows = None if ids is None else int(ids.max()) + 1 if ids.size else 0
        return Spec((rows, *data.shape[1:]), data.dtype)

    @in_float32
    def run(data: Any, ids: Any) -> Any:
        if ids.size and (ids[0] < 0 or np.any(ids[1:] < ids[:-1])):
            raise ValueError("segment ids are not increasing" if ids[0] >= 0 else "segment ids must be >= 0")
        return evaluate(data, ids, int(ids[-1]) + 1 if ids.size else 0)

    return register(Op(op_name, Kind.HOST, infer, run, gradient))


def _counts(ids: Any, rows: int, like: Any) -> Any:
    """How many rows each segment has, shaped to divide rows."""
    count = np.bincount(ids, minlength=rows).astype(like.real.dtype)
    return count.reshape(-1, *(1,) * (like.ndim - 1))


def _mean(data: Any, ids: Any, rows: int) -> Any:
    total = _combined(np.add, data, ids, rows, 0)
    count = np.maximum(_counts(ids, rows, data), 1)
    return (total // count if data.dtype.kind in "iu" else total / count).astype(data.dtype)


def _mean_gradient(node: Any, g: Any) -> Any:
    data, ids = node.inputs
    count = F.segment_sum(F.ones_like(F.cast(ids, g.dtype)), ids)
    shape = F.concat([F.shape(count), F.ones_like(F.shape(data)[1:])], 0)
    return F.gather(g / F.maximum(F.reshape(count, shape), 1), ids), None


def _extreme_gradient(node: Any, g: Any) -> Any:
    """Equal extremes of a segment share its cotangent."""
    data, ids = node.inputs
    chosen = F.cast(F.equal(data, F.gather(node.outputs[0], ids)), g.dtype)
    return chosen * F.gather(g / F.maximum(F.segment_sum(chosen, ids), 1), ids), None


def _prod_gradient(node: Any, g: Any) -> Any:
    data, ids = node.inputs
    others = product_of_others(
        data, lambda x: F.segment_sum(x, ids), lambda x: F.segment_prod(x, ids), lambda x: F.gather(x, ids)
    )
    return F.gather(g, ids) * others, None


def _by(ufunc: Any, empty: Any) -> Callable[..., Any]:
    return lambda data, ids, rows: _combined(ufunc, data, ids, rows, empty)


def _sum_gradient(node: Any, g: Any) -> Any:
    return F.gather(g, node.inputs[1]), None


_SEGMENT_SUM = _record_sorted("SegmentSum", _by(np.add, 0), _sum_gradient, NUMERIC)
_SEGMENT_MEAN = _record_sorted("SegmentMean", _mean, _mean_gradient, NUMERIC)
_SEGMENT_PROD = _record_sorted("SegmentProd", _by(np.multiply, 1), _prod_gradient, NUMERIC)
_SEGMENT_MAX = _record_sorted("SegmentMax", _by(np.maximum, 0), _extreme_gradient, REAL)
_SEGMENT_MIN = _record_sorted("SegmentMin", _by(np.minimum, 0), _extreme_gradient, REAL)


def _sorted(op: Op, data: Any, ids: Any, name: str | None) -> Any:
    return emit_one(op, (convert(data), convert(ids, dtype_hint=dtypes.int32)), NO_ATTRS, name)


def segment_sum(data: Any, segment_ids: Any, name: str | None = None) -> Any:
    """The sums of the rows of data [n, ...] that share an id; ids [n] do not decrease. Absent ids give 0.

    >>> tf.math.segment_sum([[1, 2], [3, 4], [5, 6]], [0, 0, 1]).numpy()
    array([[4, 6], [5, 6]], dtype=int32)

    TensorFlow: tf.math.segment_sum.
    """
    return _sorted(_SEGMENT_SUM, data, segment_ids, name)


def segment_mean(data: Any, segment_ids: Any, name: str | None = None) -> Any:
    """The means of the rows that share an id; ids do not decrease. Absent ids give 0.

    >>> tf.math.segment_mean([1.0, 2.0, 5.0], [0, 0, 2]).numpy()
    array([1.5, 0. , 5. ], dtype=float32)

    TensorFlow: tf.math.segment_mean.
    """
    return _sorted(_SEGMENT_MEAN, data, segment_ids, name)


def segment_prod(data: Any, segment_ids: Any, name: str | None = None) -> Any:
    """The products of the rows that share an id; ids do not decrease. Absent ids give 1.

    >>> tf.math.segment_prod([2, 3, 4], [0, 0, 1]).numpy()
    array([6, 4], dtype=int32)

    TensorFlow: tf.math.segment_prod.
    """
    return _sorted(_SEGMENT_PROD, data, segment_ids, name)


def segment_max(data: Any, segment_ids: Any, name: str | None = None) -> Any:
    """The largest of the rows that share an id; ids do not decrease. Absent ids give 0.

    >>> tf.math.segment_max([2, 3, 4], [0, 0, 1]).numpy()
    array([3, 4], dtype=int32)

    TensorFlow: tf.math.segment_max.
    """
    return _sorted(_SEGMENT_MAX, data, segment_ids, name)


def segment_min(data: Any, segment_ids: Any, name: str | None = None) -> Any:
    """The smallest of the rows that share an id; ids do not decrease. Absent ids give 0.

    >>> tf.math.segment_min([2, 3, 4], [0, 0, 1]).numpy()
    array([2, 4], dtype=int32)

    TensorFlow: tf.math.segment_min.
    """
    return _sorted(_SEGMENT_MIN, data, segment_ids, name)


# -- ids in any order --------------------------------------------------------------------------------------------------


def _record_unsorted(
    op_name: str, combine: str, ufunc: Any, empty: Callable[[DType], Any], gradient: Any, allowed: tuple[DType, ...]
) -> Op:
    def infer(data: Spec, segment_ids: Spec, num_segments: Spec) -> Spec:
        check_dtype(op_name, "data", data.dtype, allowed)
        check_dtype(op_name, "segment_ids", segment_ids.dtype, _INDEX)
        if num_segments.rank not in (None, 0):
            raise ValueError(f"num_segments should be a scalar, not shape {shapes.brief(num_segments.shape)}")
        rows = None if num_segments.array is None else int(num_segments.array)
        if rows is not None and rows < 0:
            raise ValueError(f"num_segments must be >= 0, received {rows}.")
        if data.shape is None or segment_ids.shape is None:
            return Spec(None, data.dtype)
        rank = len(segment_ids.shape)
        if not shapes.compatible(data.shape[:rank], segment_ids.shape):
            raise ValueError(
                f"data.shape = {shapes.brief(data.shape)} does not start with segment_ids.shape = "
                f"{shapes.brief(segment_ids.shape)}"
            )
        return Spec((rows, *data.shape[rank:]), data.dtype)

    def run(data: Any, segment_ids: Any, num_segments: Any) -> Any:
        return combined(data, segment_ids, num_segments, empty=empty(dtypes.from_numpy(data.dtype)))

    @in_float32
    def combined(data: Any, segment_ids: Any, num_segments: Any, empty: Any) -> Any:
        count, ids = int(num_segments), segment_ids.reshape(-1)
        if ids.size and ids.max() >= count:
            where = int(np.argmax(ids >= count))
            place = ",".join(map(str, np.unravel_index(where, segment_ids.shape)))
            raise ValueError(f"segment_ids[{place}] = {ids[where]} is out of range [0, {count})")
        rows = data.reshape(ids.size, *data.shape[segment_ids.ndim :])
        return _combined(ufunc, rows, ids, count, empty)

    def lower(specs: Any, outs: Any, attrs: dict[str, Any]) -> Scatter:
        fill = empty(specs[0].dtype)
        return Scatter(combine, indices=1, updates=0, depth=1, fill=fill, outside="drop negative")

    return register(Op(op_name, Kind.SCATTER, infer, run, gradient, lower=lower))


def _gathered(params: Any, ids: Any, dropped: Any) -> Any:
    """The row of each id; `dropped` for negative ids."""
    there = F.greater_equal(ids, F.zeros_like(ids))
    rows = F.gather(params, F.maximum(ids, F.zeros_like(ids)))
    trailing = F.ones_like(F.shape(params)[1:])
    mask = F.reshape(there, F.concat([F.shape(ids), trailing], 0))
    return F.where(mask, rows, F.ones_like(rows) * dropped)


def _unsorted_sum_gradient(node: Any, g: Any) -> Any:
    return _gathered(g, node.inputs[1], 0), None, None


def _unsorted_extreme_gradient(node: Any, g: Any) -> Any:
    data, ids, count = node.inputs
    there = _gathered(F.ones_like(g), ids, 0)
    chosen = F.cast(F.equal(data, _gathered(node.outputs[0], ids, 0)), g.dtype) * there
    shared = F.maximum(F.unsorted_segment_sum(chosen, ids, count), 1)
    return chosen * _gathered(g / shared, ids, 0), None, None


def _unsorted_prod_gradient(node: Any, g: Any) -> Any:
    data, ids, count = node.inputs
    others = product_of_others(
        data,
        lambda x: F.unsorted_segment_sum(x, ids, count),
        lambda x: F.unsorted_segment_prod(x, ids, count),
        lambda x: _gathered(x, ids, 0),
    )
    return _gathered(g, ids, 0) * others, None, None


_UNSORTED_SUM = _record_unsorted("UnsortedSegmentSum", "add", np.add, lambda d: 0, _unsorted_sum_gradient, NUMERIC)
_UNSORTED_PROD = _record_unsorted(
    "UnsortedSegmentProd", "mul", np.multiply, lambda d: 1, _unsorted_prod_gradient, NUMERIC
)
_UNSORTED_MAX = _record_unsorted(
    "UnsortedSegmentMax", "max", np.maximum, lambda d: d.min, _unsorted_extreme_gradient, REAL
)
_UNSORTED_MIN = _record_unsorted(
    "UnsortedSegmentMin", "min", np.minimum, lambda d: d.max, _unsorted_extreme_gradient, REAL
)


def _unsorted(op: Op, data: Any, ids: Any, count: Any, name: str | None) -> Any:
    inputs = (convert(data), convert(ids, dtype_hint=dtypes.int32), convert(count, dtype_hint=dtypes.int32))
    return emit_one(op, inputs, NO_ATTRS, name)


def unsorted_segment_sum(data: Any, segment_ids: Any, num_segments: Any, name: str | None = None) -> Any:
    """The sums of the rows that share an id. Ids may have several dimensions and any order; negative ones are dropped.

    >>> tf.math.unsorted_segment_sum([1, 2, 3], [1, 0, 1], num_segments=3).numpy()
    array([2, 4, 0], dtype=int32)

    TensorFlow: tf.math.unsorted_segment_sum.
    """
    return _unsorted(_UNSORTED_SUM, data, segment_ids, num_segments, name)


def unsorted_segment_prod(data: Any, segment_ids: Any, num_segments: Any, name: str | None = None) -> Any:
    """The products of the rows that share an id; 1 for an absent id. Negative ids are dropped.

    >>> tf.math.unsorted_segment_prod([1, 2, 3], [1, 0, 1], num_segments=3).numpy()
    array([2, 3, 1], dtype=int32)

    TensorFlow: tf.math.unsorted_segment_prod.
    """
    return _unsorted(_UNSORTED_PROD, data, segment_ids, num_segments, name)


def unsorted_segment_max(data: Any, segment_ids: Any, num_segments: Any, name: str | None = None) -> Any:
    """The largest of the rows that share an id; the dtype's lowest value for an absent id. Negative ids are dropped.

    >>> tf.math.unsorted_segment_max([1, 2, 3], [1, 0, 1], num_segments=2).numpy()
    array([2, 3], dtype=int32)

    TensorFlow: tf.math.unsorted_segment_max.
    """
    return _unsorted(_UNSORTED_MAX, data, segment_ids, num_segments, name)


def unsorted_segment_min(data: Any, segment_ids: Any, num_segments: Any, name: str | None = None) -> Any:
    """The smallest of the rows that share an id; the dtype's highest value for an absent id. Negative ids are dropped.

    >>> tf.math.unsorted_segment_min([1, 2, 3], [1, 0, 1], num_segments=2).numpy()
    array([2, 1], dtype=int32)

    TensorFlow: tf.math.unsorted_segment_min.
    """
    return _unsorted(_UNSORTED_MIN, data, segment_ids, num_segments, name)


def _sizes(data: Any, ids: Any, num_segments: Any) -> Any:
    """The number of rows of each segment (at least 1), shaped to divide rows."""
    count = unsorted_segment_sum(F.ones_like(F.cast(ids, data.dtype)), ids, num_segments)
    trailing = F.ones_like(F.shape(data)[F.rank(ids) :])
    return F.maximum(F.reshape(count, F.concat([F.shape(count), trailing], 0)), 1)


def unsorted_segment_mean(data: Any, segment_ids: Any, num_segments: Any, name: str | None = None) -> Any:
    """The means of the rows that share an id; 0 for an absent id. Negative ids are dropped.

    >>> tf.math.unsorted_segment_mean([1.0, 2.0, 3.0], [1, 0, 1], num_segments=2).numpy()
    array([2., 2.], dtype=float32)

    TensorFlow: tf.math.unsorted_segment_mean.
    """
    with F.name_scope(name or "UnsortedSegmentMean"):
        data, ids = convert(data), convert(segment_ids)
        return unsorted_segment_sum(data, ids, num_segments) / _sizes(data, ids, num_segments)


def unsorted_segment_sqrt_n(data: Any, segment_ids: Any, num_segments: Any, name: str | None = None) -> Any:
    """The sums of the rows that share an id, divided by the square root of their number.

    >>> tf.math.unsorted_segment_sqrt_n([1.0, 2.0, 3.0], [0, 0, 0], num_segments=1).numpy()
    array([3.4641018], dtype=float32)

    TensorFlow: tf.math.unsorted_segment_sqrt_n.
    """
    with F.name_scope(name or "UnsortedSegmentSqrtN"):
        data, ids = convert(data), convert(segment_ids)
        return unsorted_segment_sum(data, ids, num_segments) / F.sqrt(_sizes(data, ids, num_segments))
