"""Elements by index or by condition: gather, gather_nd, where, boolean_mask."""

from __future__ import annotations

from typing import Any

import numpy as np

from duoflow.core import dtypes, shapes
from duoflow.core.emit import NO_ATTRS, emit_one
from duoflow.core.errors import InvalidArgumentError
from duoflow.core.indexed_slices import IndexedSlices
from duoflow.core.late import F
from duoflow.core.lowering import Gather, GatherNd
from duoflow.core.record import Kind, Op, register
from duoflow.core.spec import Spec
from duoflow.core.tensor import Operators, Tensor, convert

from .families import convert_pair
from .static import axis_of, axis_or_negative, int_tensor, same_dtype, static_int, value_of

__all__ = ["boolean_mask", "gather", "gather_nd", "where"]

# -- gather ------------------------------------------------------------------------------------------------------------


def check_indices(indices: Any, limit: int, what: str = "indices") -> None:
    """Raise `InvalidArgumentError` for the first index outside [0, limit)."""
    if indices.size and (indices.min() < 0 or indices.max() >= limit):
        at = np.argwhere((indices < 0) | (indices >= limit))[0].tolist()
        place = f"[{','.join(map(str, at))}]" if at else ""
        raise InvalidArgumentError(f"{what}{place} = {indices[tuple(at)]} is not in [0, {limit})")


def _require_index_dtype(op: str, indices: Spec) -> None:
    if indices.dtype not in (
        dtypes.int16,
        dtypes.int32,
        dtypes.int64,
        dtypes.uint8,
        dtypes.uint16,
        dtypes.int8,
        dtypes.uint32,
    ):
        raise TypeError(
            f"Value passed to parameter 'indices' of {op} has DataType {indices.dtype.name} not in list of allowed "
            "values: "
            "int16, int32, int64"
        )


def _infer_gather(params: Spec, indices: Spec, *, axis: int, batch_dims: int) -> Spec:
    _require_index_dtype("GatherV2", indices)
    if params.shape is None or indices.shape is None:
        return Spec(None, params.dtype)
    if not params.shape:
        raise ValueError("params must be at least 1 dimensional")
    at = axis_of(axis, len(params.shape))
    if not 0 <= batch_dims <= min(len(indices.shape), at):
        raise ValueError(
            f"batch_dims ({batch_dims}) must be at most the rank of indices ({len(indices.shape)}) and axis ({at})"
        )
    for d in range(batch_dims):
        a, b = params.shape[d], indices.shape[d]
        if a is not None and b is not None and a != b:
            raise InvalidArgumentError(f"params.shape[{d}]: {a} should be equal to indices.shape[{d}]: {b}")
    out = (*params.shape[:at], *indices.shape[batch_dims:], *params.shape[at + 1 :])
    return Spec(out, params.dtype, _gathered_value(params, indices))


def _gathered_value(params: Spec, indices: Spec) -> Any:
    if not isinstance(params.value, tuple) or indices.array is None or indices.rank not in (0, 1):
        return None
    found = tuple(params.value[i] for i in indices.array.reshape(-1).tolist() if 0 <= i < len(params.value))
    return value_of(found, params.dtype, indices.rank == 0) if len(found) == indices.array.size else None


def _evaluate_gather(params: Any, indices: Any, *, axis: int, batch_dims: int) -> Any:
    if params.ndim == 0 or indices.dtype.kind not in "iu" or not -params.ndim <= axis < params.ndim:
        _infer_gather(Spec.of(params), Spec.of(indices), axis=axis, batch_dims=batch_dims)
    axis %= params.ndim
    check_indices(indices, params.shape[axis])
    if not batch_dims:
        return np.take(params, indices, axis)
    _infer_gather(Spec.of(params), Spec.of(indices), axis=axis, batch_dims=batch_dims)
    lead = [np.arange(n).reshape([-1] + [1] * (indices.ndim - 1 - d)) for d, n in enumerate(params.shape[:batch_dims])]
    if axis == batch_dims:
        return params[(*lead, indices)]
    moved = np.moveaxis(params, axis, batch_dims)[(*lead, indices)]
    inner = range(batch_dims, indices.ndim)
    return np.moveaxis(moved, list(inner), [d + axis - batch_dims for d in inner])


def _gradient_gather(node: Any, g: Any) -> tuple[Any, None]:
    params, indices = node.inputs
    axis, batch_dims = node.attrs["axis"], node.attrs["batch_dims"]
    if axis == 0:
        return IndexedSlices(*_flat_rows(g, indices, params), _whole_shape(params)), None
    if axis < 0:
        axis += params.ndim
    if batch_dims == 0:
        return _scattered_along(params, indices, g, axis), None
    return _batch_gather_gradient(params, indices, g, axis, batch_dims), None


def _whole_shape(params: Any) -> Any:
    return F.shape(params)


def _flat_rows(g: Any, indices: Any, params: Any) -> tuple[Any, Any]:
    inner = F.shape(params)[1:]
    return F.reshape(g, F.concat([[-1], inner], 0)), F.reshape(indices, [-1])


def _scattered_along(params: Any, indices: Any, g: Any, axis: int) -> Any:
    """Move the gathered dimensions to the front, add rows up, move the axis back."""
    count = params.ndim
    inner = g.ndim - count + 1
    order = [*range(axis, axis + inner), *range(axis), *range(axis + inner, g.ndim)]
    rest = [F.shape(params)[d] for d in range(count) if d != axis]
    rows = F.reshape(F.transpose(g, order), F.stack([-1, *rest]))
    summed = F.unsorted_segment_sum(rows, F.reshape(indices, [-1]), F.shape(params)[axis])
    return F.transpose(summed, [*range(1, axis + 1), 0, *range(axis + 1, count)])


def _batch_gather_gradient(params: Any, indices: Any, g: Any, axis: int, batch_dims: int) -> Any:
    """Give every batch entry rows of its own in one long table, then scatter as without batches."""
    shape = F.shape(params)
    inner = indices.ndim - batch_dims
    order = [*range(batch_dims), *range(axis, axis + inner), *range(batch_dims, axis), *range(axis + inner, g.ndim)]
    outer = [shape[d] for d in range(batch_dims, axis)] + [shape[d] for d in range(axis + 1, params.ndim)]
    rows = F.reshape(F.transpose(g, order), F.stack([-1, *outer]))
    limit = shape[axis]
    batches = F.reduce_prod(shape[:batch_dims])
    flat = F.reshape(F.cast(indices, dtypes.int32), F.stack([batches, -1])) + F.expand_dims(F.range(batches), 1) * limit
    summed = F.unsorted_segment_sum(rows, F.reshape(flat, [-1]), batches * limit)
    apart = F.reshape(
        summed, F.concat([shape[:batch_dims], F.reshape(limit, [1]), F.stack(outer) if outer else shape[:0]], 0)
    )
    back = [*range(batch_dims), *range(batch_dims + 1, axis + 1), batch_dims, *range(axis + 1, params.ndim)]
    return F.transpose(apart, back)


GATHER = register(
    Op(
        "GatherV2",
        Kind.VIEW,
        _infer_gather,
        _evaluate_gather,
        _gradient_gather,
        checked=False,
        lower=lambda specs, outs, attrs: Gather(attrs["axis"] % len(specs[0].shape), attrs["batch_dims"]),
    )  # fmt: skip
)


def gather(
    params: Any,
    indices: Any,
    validate_indices: Any = None,
    axis: Any = None,
    batch_dims: int = 0,
    name: str | None = None,
) -> Any:
    """The slices of `params` along `axis` that `indices` name.

    Args:
      indices: integers of any shape.
      axis: the dimension of `params` to pick from; the first after the batch dimensions by default.
      batch_dims: how many leading dimensions `params` and `indices` share.
    Raises:
      InvalidArgumentError: for an index out of range.

    >>> tf.gather([10, 20, 30], [2, 0]).numpy()
    array([30, 10], dtype=int32)

    The gradient with respect to `params` along the first dimension is `tf.IndexedSlices`.

    TensorFlow: tf.gather.
    """
    params, indices = convert(params), int_tensor(indices)
    batch_dims = static_int(batch_dims, "batch_dims")
    at = batch_dims if axis is None else static_int(axis, "axis")
    if batch_dims < 0:
        batch_dims += indices.ndim
    at = axis_or_negative(at, params.spec.rank)
    return emit_one(GATHER, (params, indices), {"axis": at, "batch_dims": batch_dims}, name)


# -- gather_nd ---------------------------------------------------------------------------------------------------------


def _infer_gather_nd(params: Spec, indices: Spec) -> Spec:
    _require_index_dtype("GatherNd", indices)
    if params.shape is None or indices.shape is None or (indices.shape and indices.shape[-1] is None):
        return Spec(None, params.dtype)
    if not indices.shape:
        raise ValueError("indices must be at least a vector")
    depth = indices.shape[-1]
    assert depth is not None
    if depth > len(params.shape):
        raise ValueError(
            f"index innermost dimension length must be <= params rank; saw: {depth} vs. {len(params.shape)}"
        )
    return Spec((*indices.shape[:-1], *params.shape[depth:]), params.dtype)


def check_nd_indices(indices: Any, shape: tuple[int, ...], what: str = "param shape") -> None:
    """Raise `InvalidArgumentError` for the first row of indices that points outside `shape`."""
    limits = np.asarray(shape[: indices.shape[-1]])
    bad = ((indices < 0) | (indices >= limits)).any(-1)
    if bad.any():
        at = np.argwhere(bad)[0].tolist() if bad.ndim else []
        row = ", ".join(map(str, indices[tuple(at)].tolist()))
        place = ",".join(map(str, at))
        raise InvalidArgumentError(f"indices[{place}] = [{row}] does not index into {what} {shapes.brief(shape)}")


def _evaluate_gather_nd(params: Any, indices: Any) -> Any:
    if not indices.shape[-1]:  # every row of no indices names the whole
        return np.broadcast_to(params, (*indices.shape[:-1], *params.shape)).copy()
    check_nd_indices(indices, params.shape)
    return np.asarray(params[tuple(np.moveaxis(indices, -1, 0))])


def _gradient_gather_nd(node: Any, g: Any) -> tuple[Any, None]:
    params, indices = node.inputs
    if params.spec.rank is not None and indices.dims is not None and indices.ndim == 2 and indices.dims[-1] == 1:
        return IndexedSlices(g, F.squeeze(indices, [-1]), F.shape(params)), None
    return F.scatter_nd(indices, g, F.shape(params, indices.dtype)), None


GATHER_ND = register(
    Op(
        "GatherNd",
        Kind.VIEW,
        _infer_gather_nd,
        _evaluate_gather_nd,
        _gradient_gather_nd,
        lower=lambda specs, outs, attrs: GatherNd(),
    )  # fmt: skip
)


def gather_nd(
    params: Any, indices: Any, batch_dims: int = 0, name: str | None = None, bad_indices_policy: str = ""
) -> Any:
    """The slices of `params` at the positions that the rows of `indices` spell out.

    Args:
      indices: ints [..., depth]; each row indexes the first `depth` dimensions (after the batch ones).
      batch_dims: how many leading dimensions `params` and `indices` share.
      bad_indices_policy: "" or "DEFAULT" or "ERROR" raise for an index out of range; "IGNORE" gives zeros there.

    >>> tf.gather_nd([[1, 2], [3, 4]], [[0, 1], [1, 0]]).numpy()
    array([2, 3], dtype=int32)

    TensorFlow: tf.gather_nd.
    """
    params, indices = convert(params), int_tensor(indices)
    batch_dims = static_int(batch_dims, "batch_dims")
    if batch_dims:
        indices = _with_batch_positions(params, indices, batch_dims)
    if bad_indices_policy in ("", "DEFAULT", "ERROR"):
        return emit_one(GATHER_ND, (params, indices), NO_ATTRS, name)
    if bad_indices_policy != "IGNORE":
        raise ValueError(
            f"bad_indices_policy must be '', 'DEFAULT', 'ERROR' or 'IGNORE', received {bad_indices_policy!r}"
        )
    depth = indices.dims[-1]
    limits = F.shape(params, indices.dtype)[:depth]
    good = F.reduce_all((indices >= 0) & (indices < limits), axis=-1)
    found = emit_one(GATHER_ND, (params, F.clip_by_value(indices, 0, limits - 1)), NO_ATTRS, name)
    mask = F.reshape(good, F.concat([F.shape(good), F.ones([params.ndim - depth], dtypes.int32)], 0))
    return where(mask, found, F.zeros_like(found))


def _with_batch_positions(params: Tensor, indices: Tensor, batch_dims: int) -> Any:
    """Put the position of each batch entry before its index rows."""
    dims = F.shape(indices)
    grids = []
    for d in range(batch_dims):
        steps = F.reshape(F.range(dims[d]), [-1 if i == d else 1 for i in range(indices.ndim)])
        grids.append(F.broadcast_to(F.cast(steps, indices.dtype), F.concat([dims[:-1], [1]], 0)))
    return F.concat([*grids, indices], -1)


# -- where -------------------------------------------------------------------------------------------------------------


def _infer_select(condition: Spec, x: Spec, y: Spec) -> Spec:
    if condition.dtype is not dtypes.bool_:
        raise TypeError(
            "cannot compute SelectV2 as input #0(zero-based) was expected to be a bool tensor but is a "
            f"{condition.dtype.name} tensor"
        )
    dtype = same_dtype("SelectV2", (x, y))
    return Spec(shapes.broadcast(condition.shape, x.shape, y.shape), dtype)


def _evaluate_select(condition: Any, x: Any, y: Any) -> Any:
    if condition.dtype != np.bool_ or x.dtype != y.dtype:
        _infer_select(Spec.of(condition), Spec.of(x), Spec.of(y))
    return np.where(condition, x, y)


def _gradient_select(node: Any, g: Any) -> tuple[Any, Any, Any]:
    condition = node.inputs[0]
    zero = F.zeros((), g.dtype)
    return None, where(condition, g, zero), where(condition, zero, g)


SELECT = register(
    Op(
        "SelectV2",
        Kind.ELEMENTWISE,
        _infer_select,
        _evaluate_select,
        _gradient_select,
        checked=False,
        body=lambda b, condition, x, y: b.select(condition, x, y),
    )  # fmt: skip
)


def _infer_where(condition: Spec) -> Spec:
    return Spec((None, condition.rank), dtypes.int64)


def _evaluate_where(condition: Any) -> Any:
    return np.argwhere(condition).astype(np.int64) if condition.ndim else np.zeros((int(bool(condition)), 0), np.int64)


WHERE = register(Op("Where", Kind.HOST, _infer_where, _evaluate_where, checked=False, differentiable=False))


def where(condition: Any, x: Any = None, y: Any = None, name: str | None = None) -> Any:
    """`x` where the condition holds and `y` elsewhere; or, without them, the positions where it holds.

    Args:
      condition: booleans (without `x` and `y`, any dtype: what is not zero).
      x, y: tensors of one dtype that broadcast with `condition`; both or neither.

    >>> tf.where([True, False], [1, 2], 0).numpy()
    array([1, 0], dtype=int32)
    >>> tf.where([[False, True], [True, False]]).numpy().tolist()
    [[0, 1], [1, 0]]

    TensorFlow: tf.where.
    """
    if x is None and y is None:
        return emit_one(WHERE, (convert(condition),), NO_ATTRS, name)
    if x is None or y is None:
        raise ValueError("x and y must both be non-None or both be None.")
    x, y = convert_pair(x, y)
    condition = convert(condition, dtype=None if isinstance(condition, Operators) else dtypes.bool_)
    return emit_one(SELECT, (condition, x, y), NO_ATTRS, name)


def boolean_mask(tensor: Any, mask: Any, axis: Any = None, name: str | None = "boolean_mask") -> Any:
    """The slices of a tensor where a mask holds.

    Args:
      mask: booleans in the shape of some dimensions of `tensor` from `axis` (0 by default) on, of known rank.

    >>> tf.boolean_mask([[1, 2], [3, 4], [5, 6]], [True, False, True]).numpy().tolist()
    [[1, 2], [5, 6]]

    TensorFlow: tf.boolean_mask.
    """
    with F.name_scope(name):
        tensor, mask = convert(tensor), convert(mask)
        dims = mask.dims
        if dims is None:
            raise ValueError("Number of mask dimensions must be specified, even if some dimensions are None.")
        if not dims:
            raise ValueError("mask cannot be scalar.")
        at = 0 if axis is None else axis_of(axis, tensor.spec.rank, refuse=ValueError)
        own = tensor.dims
        if own is not None and not shapes.compatible(own[at : at + len(dims)], dims):
            raise ValueError(f"Shapes {shapes.show(own[at : at + len(dims)])} and {shapes.show(dims)} are incompatible")
        rows = F.reshape(where(F.reshape(mask, [-1])), [-1])
        shape = F.shape(tensor)
        # Reshaped even where nothing changes: the gradient is dense, as TensorFlow's.
        tensor = F.reshape(tensor, F.concat([shape[:at], [-1], shape[at + len(dims) :]], 0))
        return gather(tensor, rows, axis=at)
