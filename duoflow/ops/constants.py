"""Tensors from nothing: constants, fills, ranges, one-hot rows."""

from __future__ import annotations

from typing import Any

import numpy as np

from duoflow.core import dtypes, shapes
from duoflow.core.arrays import as_array
from duoflow.core.context import context
from duoflow.core.dtypes import DType, as_dtype
from duoflow.core.emit import emit_one
from duoflow.core.errors import InvalidArgumentError, ResourceExhaustedError
from duoflow.core.late import F
from duoflow.core.record import Kind, Op, register
from duoflow.core.spec import Spec
from duoflow.core.tensor import EagerTensor, GraphTensor, Operators, Tensor, convert, make_constant

from .families import convert_pair
from .postponed import postponed
from .static import axis_of, dims_of, int_tensor, invalid, require_ints, same_dtype, static_int

__all__ = [
    "constant", "convert_to_tensor", "fill", "linspace", "one_hot", "ones", "ones_like", "pack_nested", "range",
    "zeros", "zeros_like",
]  # fmt: skip

_range = range


def constant(value: Any, dtype: Any = None, shape: Any = None, name: str | None = "Const") -> Any:
    """A constant tensor with the value of a number, string, list or array.

    Args:
      dtype: the element type; Python floats are float32 and ints int32 without it.
      shape: reshapes the value, or repeats a single element.
    Raises:
      TypeError, ValueError: for a value that does not fit `dtype` or `shape`, or a symbolic tensor.

    >>> tf.constant([1, 2, 3, 4], shape=(2, 2))
    <tf.Tensor: shape=(2, 2), dtype=int32, numpy=
    array([[1, 2],
           [3, 4]], dtype=int32)>

    TensorFlow: tf.constant.
    """
    dtype = None if dtype is None else as_dtype(dtype)
    if isinstance(value, Operators):
        return _constant_of_tensor(value, dtype, shape)
    array = as_array(value, dtype)
    if array is value or array.base is not None or isinstance(value, np.ndarray):
        array = array.copy()
    return make_constant(array if shape is None else _shaped(array, shapes.as_dims(shape)), name)


def _constant_of_tensor(value: Any, dtype: DType | None, shape: Any) -> Any:
    tensor = convert(value)
    if isinstance(tensor, GraphTensor):
        raise TypeError(f"Expected any non-tensor type, but got a tensor instead: {tensor!r}")
    if dtype is not None and tensor.dtype is not dtype:
        raise TypeError(f"Expected tensor {tensor} with dtype {dtype!r}, but got dtype {tensor.dtype!r}.")
    if shape is None:
        return tensor
    return make_constant(_shaped(tensor._array, shapes.as_dims(shape)))  # type: ignore[attr-defined]


def _shaped(array: Any, dims: Any) -> Any:
    if None in dims:
        raise ValueError(f"The shape of a constant must be fully known, received {shapes.show(dims)}.")
    size = shapes.num_elements(dims)
    if array.size == size:
        return array.reshape(dims)
    if array.size == 1:
        return np.full(dims, array.reshape(-1)[0], array.dtype)
    raise TypeError(
        f"Eager execution of tf.constant with unsupported shape. Tensor {array.tolist()} has {array.size} elements, "
        f"but got `shape` {shapes.show(dims)} with {size} elements."
    )


def convert_to_tensor(value: Any, dtype: Any = None, dtype_hint: Any = None, name: str | None = None) -> Any:
    """A tensor with the value of a number, array, nested list, variable or tensor.

    Args:
      dtype: demanded; a tensor of another dtype is a `ValueError`.
      dtype_hint: preferred, if the value allows it.

    >>> tf.convert_to_tensor([1, 2], dtype_hint=tf.float32)
    <tf.Tensor: shape=(2,), dtype=float32, numpy=array([1., 2.], dtype=float32)>

    TensorFlow: tf.convert_to_tensor.
    """
    return convert(value, dtype, dtype_hint, name)


def pack_nested(value: Any, dtype: DType | None = None, dtype_hint: Any = None) -> Any:
    """Nested lists that hold tensors, stacked; the first tensor decides the dtype if none is demanded.

    Tensors are cast to a dtype that is demanded; among themselves they must agree.
    """
    if dtype is not None:
        return _packed(value, dtype, cast=True)
    return _packed(value, _first_dtype(value) or (None if dtype_hint is None else as_dtype(dtype_hint)), cast=False)


def _first_dtype(value: Any) -> DType | None:
    if isinstance(value, (list, tuple)):
        return next((d for d in map(_first_dtype, value) if d is not None), None)
    return value.dtype if isinstance(value, Operators) else None  # type: ignore[attr-defined]


def _packed(value: Any, dtype: DType | None, cast: bool) -> Any:
    if isinstance(value, (list, tuple)):
        return F.stack([_packed(v, dtype, cast) for v in value])
    if isinstance(value, Operators):
        return F.cast(value, dtype) if cast and value.dtype is not dtype else convert(value)  # type: ignore[attr-defined]
    return convert(value, dtype=dtype)


# -- fills -------------------------------------------------------------------------------------------------------------


def _infer_fill(dims: Spec, value: Spec) -> Spec:
    require_ints("Fill", "dims", dims)
    if dims.rank not in (None, 1):
        raise ValueError(f"dims must be a vector, got shape {shapes.show(dims.shape)}")
    if value.rank not in (None, 0):
        raise ValueError(f"value must be a scalar, got shape {shapes.show(value.shape)}")
    if dims.array is not None and np.any(dims.array < 0):
        raise ValueError(f"Dimension {dims.array.min()} must be >= 0: received {dims.array.tolist()}")
    return Spec(dims_of(dims), value.dtype)


FILL = register(
    Op(
        "Fill",
        Kind.COMPOUND,
        _infer_fill,
        lambda dims, value: np.full(tuple(dims), value[()], value.dtype),
        lambda node, g: (None, F.reduce_sum(g)),
        expand=lambda dims, value: F.broadcast_to(value, dims),
    )  # fmt: skip
)


def fill(dims: Any, value: Any, name: str | None = None, layout: Any = None) -> Any:
    """A tensor of shape `dims` with a scalar everywhere.

    >>> tf.fill([2, 2], 7)
    <tf.Tensor: shape=(2, 2), dtype=int32, numpy=
    array([[7, 7],
           [7, 7]], dtype=int32)>

    TensorFlow: tf.fill.
    """
    return emit_one(FILL, (int_tensor(dims), convert(value)), name=name)


def _filled(shape: Any, item: Any, dtype: Any, name: str | None) -> Any:
    dtype = as_dtype(dtype)
    if context.graph is None and not isinstance(shape, (Tensor, list, tuple)):
        shape = (shape,) if isinstance(shape, (int, np.integer)) else shape
    if dtype is dtypes.string:
        item = as_array("" if item == 0 else item, dtype)[()]
    if context.graph is None:
        dims = _eager_dims(shape)
        try:
            return EagerTensor(np.full(dims, item, dtype.numpy))
        except (MemoryError, ValueError) as error:  # NumPy's for sizes beyond memory, and beyond any
            message = f"OOM when allocating tensor with shape {list(dims)}: {error}"
            raise ResourceExhaustedError(message).here() from None
    return fill(shape if not isinstance(shape, (int, np.integer)) else (shape,), convert(item, dtype=dtype), name)


def _eager_dims(shape: Any) -> tuple[int, ...]:
    if isinstance(shape, Operators):
        shape = convert(shape)._array.reshape(-1)  # type: ignore[attr-defined]
    try:
        dims = tuple(int(d.__index__()) for d in shape)
    except AttributeError:
        raise TypeError(f"Cannot convert {shape!r} to a shape: its entries must be integers.") from None
    if any(d < 0 for d in dims):
        raise InvalidArgumentError(f"Dimension {min(dims)} must be >= 0").here()
    return dims


def zeros(shape: Any, dtype: Any = dtypes.float32, name: str | None = None, layout: Any = None) -> Any:
    """Zeros (False, empty strings) of a shape.

    >>> tf.zeros([2], tf.int32)
    <tf.Tensor: shape=(2,), dtype=int32, numpy=array([0, 0], dtype=int32)>

    TensorFlow: tf.zeros.
    """
    return _filled(shape, False if as_dtype(dtype).is_bool else 0, dtype, name or "zeros")


def ones(shape: Any, dtype: Any = dtypes.float32, name: str | None = None, layout: Any = None) -> Any:
    """Ones (True) of a shape.

    >>> tf.ones([2])
    <tf.Tensor: shape=(2,), dtype=float32, numpy=array([1., 1.], dtype=float32)>

    TensorFlow: tf.ones.
    """
    return _filled(shape, True if as_dtype(dtype).is_bool else 1, dtype, name or "ones")


def _like(op: Op, item: Any, input: Any, dtype: Any, name: str | None) -> Any:
    x = convert(input.read_value() if hasattr(input, "read_value") else input)
    dtype = x.dtype if dtype is None else as_dtype(dtype)
    dims = x.dims
    if dims is not None and None not in dims:
        return _filled(dims, bool(item) if dtype.is_bool else item, dtype, name)
    return emit_one(op, (x,), {"dtype": dtype}, name)


def _register_like(name: str, item: int) -> Op:
    def evaluate(x: Any, *, dtype: DType) -> Any:
        return np.full(x.shape, b"" if dtype is dtypes.string else item, dtype.numpy)

    return register(
        Op(
            name,
            Kind.ELEMENTWISE,
            lambda x, *, dtype: Spec(x.shape, dtype),
            evaluate,
            None,
            checked=False,
            body=lambda b, x, *, dtype: b.select(x == x, b.const(item, dtype), b.const(item, dtype)),
            differentiable=False,
        )  # fmt: skip
    )


ZEROS_LIKE = _register_like("ZerosLike", 0)
ONES_LIKE = _register_like("OnesLike", 1)


def zeros_like(input: Any, dtype: Any = None, name: str | None = None, layout: Any = None) -> Any:
    """Zeros of the shape (and, unless given, dtype) of another tensor.

    >>> tf.zeros_like([1.0, 2.0])
    <tf.Tensor: shape=(2,), dtype=float32, numpy=array([0., 0.], dtype=float32)>

    TensorFlow: tf.zeros_like.
    """
    return _like(ZEROS_LIKE, 0, input, dtype, name or "zeros_like")


def ones_like(input: Any, dtype: Any = None, name: str | None = None, layout: Any = None) -> Any:
    """Ones of the shape (and, unless given, dtype) of another tensor.

    >>> tf.ones_like([1.0, 2.0])
    <tf.Tensor: shape=(2,), dtype=float32, numpy=array([1., 1.], dtype=float32)>

    TensorFlow: tf.ones_like.
    """
    return _like(ONES_LIKE, 1, input, dtype, name or "ones_like")


# -- ranges ------------------------------------------------------------------------------------------------------------


def _infer_range(start: Spec, limit: Spec, delta: Spec) -> Spec:
    dtype = same_dtype("Range", (start, limit, delta))
    for name, spec in (("start", start), ("limit", limit), ("delta", delta)):
        if spec.rank not in (None, 0):
            raise ValueError(f"{name} must be a scalar, not shape {shapes.show(spec.shape)}")
    if start.array is None or limit.array is None or delta.array is None:
        return Spec((None,), dtype)
    return Spec((_range_size(start.array, limit.array, delta.array),), dtype)


def _range_size(start: Any, limit: Any, delta: Any) -> int:
    if delta == 0:
        raise ValueError("Requires delta != 0: 0")
    if (start > limit) if delta > 0 else (start < limit):
        word = "<=" if delta > 0 else ">="
        raise ValueError(f"Requires start {word} limit when delta {'>' if delta > 0 else '<'} 0: {start}/{limit}")
    if start.dtype.kind in "iu":
        first, last, step = int(start), int(limit), int(delta)
        return -((first - last) // step) if step > 0 else -((last - first) // -step)
    return int(np.ceil(abs((np.float64(limit) - np.float64(start)) / np.float64(delta))))


def _evaluate_range(start: Any, limit: Any, delta: Any) -> Any:
    size = _range_size(start, limit, delta)
    if start.dtype.kind in "iu":
        return np.arange(size, dtype=start.dtype) * delta + start
    wide = np.float64 if start.dtype == np.float64 else np.float32
    steps = np.arange(size).astype(wide) * np.asarray(delta, wide) + np.asarray(start, wide)
    return steps.astype(start.dtype)


RANGE = register(Op("Range", Kind.HOST, _infer_range, _evaluate_range, checked=False, differentiable=False))

_RANGE_ORDER = (dtypes.int32, dtypes.int64, dtypes.float32, dtypes.float64)


def range(start: Any, limit: Any = None, delta: Any = 1, dtype: Any = None, name: str | None = "range") -> Any:
    """The numbers from `start` up to, not including, `limit` in steps of `delta`; `range(n)` starts at 0.

    Args:
      start, limit, delta: scalars; the result has the widest of their dtypes unless `dtype` is given.

    >>> tf.range(3, 18, 3).numpy()
    array([ 3,  6,  9, 12, 15], dtype=int32)

    TensorFlow: tf.range.
    """
    if limit is None:
        start, limit = 0, start
    if dtype is not None:
        dtype = as_dtype(dtype)
        scalars = [convert(v, dtype=None if isinstance(v, Operators) else dtype) for v in (start, limit, delta)]
    else:
        scalars = [convert(v) for v in (start, limit, delta)]
        found = [s.dtype for s in scalars]
        if not all(d in _RANGE_ORDER for d in found):
            dtype = next(d for d in found if d not in _RANGE_ORDER)
        else:
            dtype = max(found, key=_RANGE_ORDER.index)
    return emit_one(RANGE, tuple(F.cast(s, dtype) for s in scalars), name=name)


def linspace(start: Any, stop: Any, num: Any, name: str | None = None, axis: int = 0) -> Any:
    """`num` evenly spaced values from `start` to `stop`, both included, along a new axis.

    Args:
      start, stop: tensors of one dtype and broadcastable shapes; integers give float64.
      num: a positive integer scalar.

    >>> tf.linspace(0.0, 1.0, 5).numpy()
    array([0.  , 0.25, 0.5 , 0.75, 1.  ], dtype=float32)

    TensorFlow: tf.linspace.
    """
    with F.name_scope(name or "linspace"):
        start, stop = convert_pair(start, stop)
        if start.dtype.is_integer:
            start, stop = F.cast(start, dtypes.float64), F.cast(stop, dtypes.float64)
        count = int_tensor(num)
        known = count.spec.array
        if known is not None and known < 0:
            raise invalid(f"Requires num >= 0: {int(known)}")
        return _points(start, stop, F.reshape(count, []) if count.dims is None else count, axis)


@postponed()
def _points(start: Any, stop: Any, count: Any, axis: int) -> Any:
    shape = F.broadcast_dynamic_shape(F.shape(start), F.shape(stop))
    start, stop = F.broadcast_to(start, shape), F.broadcast_to(stop, shape)
    axis = axis_of(axis, start.spec.rank, 1)
    first, last = F.expand_dims(start, axis), F.expand_dims(stop, axis)
    steps = F.maximum(count - 1, 1)
    delta = (last - first) / F.cast(steps, first.dtype)
    inner = F.cast(F.range(1, F.maximum(F.cast(steps, dtypes.int64), 1), dtype=dtypes.int64), first.dtype)
    inner = F.reshape(inner, [-1 if i == axis else 1 for i in _range(first.ndim)])
    points = F.concat([first, first + delta * inner, last], axis)
    known = count.spec.array
    if known is not None and known >= 2:
        return points
    return F.slice(points, [0] * points.ndim, [count if i == axis else -1 for i in _range(points.ndim)])


# -- one-hot -----------------------------------------------------------------------------------------------------------


def _infer_one_hot(indices: Spec, depth: Spec, on_value: Spec, off_value: Spec, *, axis: int) -> Spec:
    if not indices.dtype.is_integer:
        raise TypeError(
            f"Value passed to parameter 'indices' of OneHot has DataType {indices.dtype.name}, not an integer type"
        )
    if depth.rank not in (None, 0):
        raise ValueError(f"depth must be a scalar, but got: {shapes.show(depth.shape)}")
    dtype = same_dtype("OneHot", (on_value, off_value))
    if depth.array is not None and depth.array < 0:
        raise ValueError(f"depth must be non-negative, got: {int(depth.array)}")
    if indices.shape is None:
        return Spec(None, dtype)
    size, rank = None if depth.array is None else int(depth.array), len(indices.shape)
    if not -1 <= axis <= rank:
        raise InvalidArgumentError(f"Expected axis to be -1 or between [0, {rank + 1}).  But received: {axis}")
    at = axis % (rank + 1)
    return Spec((*indices.shape[:at], size, *indices.shape[at:]), dtype)


def _evaluate_one_hot(indices: Any, depth: Any, on_value: Any, off_value: Any, *, axis: int) -> Any:
    at = axis % (indices.ndim + 1)
    rows = np.arange(int(depth)).reshape([-1] + [1] * (indices.ndim - at))
    return np.where(np.expand_dims(indices, at) == rows, on_value, off_value)


def _expand_one_hot(indices: Any, depth: Any, on_value: Any, off_value: Any, *, axis: int) -> Any:
    at = axis_of(axis, indices.spec.rank, 1)
    rows = F.reshape(F.range(F.cast(depth, dtypes.int32)), [-1] + [1] * (indices.ndim - at))
    return F.where(F.equal(F.expand_dims(indices, at), F.cast(rows, indices.dtype)), on_value, off_value)


ONE_HOT = register(
    Op("OneHot", Kind.COMPOUND, _infer_one_hot, _evaluate_one_hot, expand=_expand_one_hot, differentiable=False)
)


def one_hot(
    indices: Any, depth: Any, on_value: Any = None, off_value: Any = None, axis: Any = None, dtype: Any = None,
    name: str | None = None,
) -> Any:  # fmt: skip
    """Vectors of `off_value` with one `on_value`, at the place that each index names; an index out of range has none.

    Args:
      indices: integers of any shape.
      depth: the length of the vectors, a scalar.
      axis: where the new dimension goes, the last by default.

    >>> tf.one_hot([0, 2], 3).numpy()
    array([[1., 0., 0.],
           [0., 0., 1.]], dtype=float32)

    TensorFlow: tf.one_hot.
    """
    if dtype is not None:
        dtype = as_dtype(dtype)
    elif on_value is None and off_value is None:
        dtype = dtypes.float32
    else:
        found = [convert(v).dtype for v in (on_value, off_value) if v is not None]
        if found[0] is not found[-1]:
            raise TypeError(f"dtypes of on_value ({found[0]!r}) and off_value ({found[-1]!r}) differ.")
        dtype = found[0]
    if dtype is dtypes.string and (on_value is None or off_value is None):
        raise TypeError("on_value and off_value are needed for one_hot of dtype string.")
    on, off = (True, False) if dtype.is_bool else (1, 0)
    values = [convert(d if v is None else v, dtype=dtype) for v, d in ((on_value, on), (off_value, off))]
    indices = convert(indices)
    attrs = {"axis": -1 if axis is None else static_int(axis, "axis")}
    return emit_one(ONE_HOT, (indices, int_tensor(depth), *values), attrs, name)
