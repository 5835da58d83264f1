"""NumPy's ways to make arrays. TensorFlow: tf.experimental.numpy."""

from __future__ import annotations

from typing import Any

import numpy as np

from duoflow import ops as F
from duoflow.core.dtypes import from_numpy
from duoflow.core.tensor import Tensor

from .promotion import asarray, default_float, dtype_of, promoted, result_type, scalars

__all__ = [
    "arange", "array", "asanyarray", "ascontiguousarray", "copy", "diag_indices", "empty", "empty_like", "eye", "full",
    "full_like", "geomspace", "identity", "linspace", "logspace", "meshgrid", "ones", "ones_like", "tri", "vander",
    "zeros", "zeros_like",
]  # fmt: skip


def array(val: Any, dtype: Any = None, copy: bool = True, ndmin: int = 0) -> Tensor:
    """A tensor with at least `ndmin` dimensions; `copy` is accepted, as tensors never change.

    TensorFlow: tf.experimental.numpy.array.
    """
    x = asarray(val, dtype)
    return F.reshape(x, [*([1] * (ndmin - x.ndim)), *x.shape]) if x.ndim < ndmin else x  # type: ignore[no-any-return]


def asanyarray(a: Any, dtype: Any = None) -> Tensor:
    """`asarray`. TensorFlow: tf.experimental.numpy.asanyarray."""
    return asarray(a, dtype)


def ascontiguousarray(a: Any, dtype: Any = None) -> Tensor:
    """`array` of at least one dimension. TensorFlow: tf.experimental.numpy.ascontiguousarray."""
    return array(a, dtype, ndmin=1)


def copy(a: Any) -> Tensor:
    """A tensor of its own. TensorFlow: tf.experimental.numpy.copy."""
    return F.identity(asarray(a))  # type: ignore[no-any-return]


def _sizes(shape: Any) -> Any:
    return shape if isinstance(shape, Tensor) else scalars(shape)


def zeros(shape: Any, dtype: Any = float) -> Tensor:
    """Zeros of a shape. TensorFlow: tf.experimental.numpy.zeros."""
    return F.zeros(_sizes(shape), dtype_of(dtype))  # type: ignore[no-any-return]


def ones(shape: Any, dtype: Any = float) -> Tensor:
    """Ones of a shape. TensorFlow: tf.experimental.numpy.ones."""
    return F.ones(_sizes(shape), dtype_of(dtype))  # type: ignore[no-any-return]


def empty(shape: Any, dtype: Any = float) -> Tensor:
    """Zeros of a shape. TensorFlow: tf.experimental.numpy.empty."""
    return zeros(shape, dtype)


def full(shape: Any, fill_value: Any, dtype: Any = None) -> Tensor:
    """A value of which the shape is filled by broadcasting. TensorFlow: tf.experimental.numpy.full."""
    return F.broadcast_to(asarray(fill_value, dtype), _sizes(shape))  # type: ignore[no-any-return]


def _like(a: Any, dtype: Any) -> Any:
    return asarray(a).dtype if dtype is None else dtype_of(dtype)


def zeros_like(a: Any, dtype: Any = None) -> Tensor:
    """Zeros of the shape of another array. TensorFlow: tf.experimental.numpy.zeros_like."""
    return F.zeros_like(asarray(a), _like(a, dtype))  # type: ignore[no-any-return]


def ones_like(a: Any, dtype: Any = None) -> Tensor:
    """Ones of the shape of another array. TensorFlow: tf.experimental.numpy.ones_like."""
    return F.ones_like(asarray(a), _like(a, dtype))  # type: ignore[no-any-return]


def empty_like(a: Any, dtype: Any = None) -> Tensor:
    """Zeros of the shape of another array. TensorFlow: tf.experimental.numpy.empty_like."""
    return zeros_like(a, dtype)


def full_like(
    a: Any, fill_value: Any, dtype: Any = None, order: str = "K", subok: bool = True, shape: Any = None
) -> Tensor:
    """A value in the shape of another array; `order`, `subok` and `shape` must be the defaults.

    TensorFlow: tf.experimental.numpy.full_like.
    """
    if order != "K" or not subok or shape is not None:
        raise ValueError("Non-standard orders, `subok=False` and other shapes are not supported.")
    x = asarray(a)
    return F.broadcast_to(asarray(fill_value, _like(x, dtype)), F.shape(x))  # type: ignore[no-any-return]


def eye(N: int, M: int | None = None, k: int = 0, dtype: Any = float) -> Tensor:
    """Ones on a diagonal. TensorFlow: tf.experimental.numpy.eye."""
    rows, columns = int(N), int(N if M is None else M)
    at = F.equal(F.range(rows)[:, None] + int(k), F.range(columns)[None, :])
    return F.cast(at, dtype_of(dtype))  # type: ignore[no-any-return]


def identity(n: int, dtype: Any = float) -> Tensor:
    """Ones on the diagonal of a square. TensorFlow: tf.experimental.numpy.identity."""
    return eye(n, dtype=dtype)


def tri(N: int, M: int | None = None, k: int = 0, dtype: Any = None) -> Tensor:
    """Ones on and below a diagonal. TensorFlow: tf.experimental.numpy.tri."""
    rows, columns = int(N), int(N if M is None else M)
    below = F.range(rows)[:, None] + int(k) >= F.range(columns)[None, :]
    return F.cast(below, default_float() if dtype is None else dtype_of(dtype))  # type: ignore[no-any-return]


def arange(start: Any, stop: Any = None, step: Any = 1, dtype: Any = None) -> Tensor:
    """Numbers from `start` (or 0) up to `stop`. TensorFlow: tf.experimental.numpy.arange."""
    if not step:
        raise ValueError("step must be non-zero.")
    found = result_type(start, step, *([] if stop is None else [stop]))
    kind = dtype_of(dtype) if dtype is not None else from_numpy(np.asarray(start).dtype) if (
        isinstance(start, int) and found.is_integer) else found  # fmt: skip
    first, last = (0, start) if stop is None else (start, stop)
    numbers = F.range(*[asarray(v, found) for v in (first, last, step)])
    return F.cast(numbers, kind)  # type: ignore[no-any-return]


def linspace(
    start: Any, stop: Any, num: int = 50, endpoint: bool = True, retstep: bool = False, dtype: Any = float,
    axis: int = 0,
) -> Any:  # fmt: skip
    """Numbers at equal distances, and the distance if asked for. TensorFlow: tf.experimental.numpy.linspace."""
    first, last = (F.cast(x, default_float()) if not x.dtype.is_floating else x for x in promoted(start, stop))
    parts = num - 1 if endpoint else num
    step = (last - first) / parts if parts > 0 else (last - first) * float("nan")
    at = F.cast(F.range(num), first.dtype)
    spread = F.reshape(at, [num] + [1] * (first + last).ndim)
    numbers = first + spread * (step if parts > 0 else F.zeros_like(step))
    if endpoint and num > 1:
        ends = F.broadcast_to(last, F.shape(first + last))
        numbers = F.concat([numbers[:-1], ends[None]], 0)
    if axis:
        order = list(range(1, numbers.ndim))
        order.insert(axis % numbers.ndim, 0)
        numbers = F.transpose(numbers, order)
    numbers = F.cast(numbers, dtype_of(dtype)) if dtype is not None else numbers
    return (numbers, step) if retstep else numbers


def logspace(
    start: Any, stop: Any, num: int = 50, endpoint: bool = True, base: Any = 10.0, dtype: Any = None, axis: int = 0
) -> Any:
    """Powers of a base at equal distances. TensorFlow: tf.experimental.numpy.logspace."""
    powers = linspace(start, stop, num, endpoint, axis=axis)
    found = F.pow(asarray(base, powers.dtype), powers)
    return found if dtype is None else F.cast(found, dtype_of(dtype))


def geomspace(start: Any, stop: Any, num: int = 50, endpoint: bool = True, dtype: Any = None, axis: int = 0) -> Any:
    """Numbers of which each is the same multiple of the one before. TensorFlow: tf.experimental.numpy.geomspace."""
    first, last = (F.cast(x, default_float()) if not x.dtype.is_floating else x for x in promoted(start, stop))
    sign = F.where(F.logical_and(first < 0, last < 0), -F.ones_like(first), F.ones_like(first))
    found = sign * F.exp(linspace(F.log(first * sign), F.log(last * sign), num, endpoint, axis=axis))
    return found if dtype is None else F.cast(found, dtype_of(dtype))


def meshgrid(*xi: Any, **kwargs: Any) -> list[Tensor]:
    """Coordinates as arrays of the grid's shape; `sparse` must be False and `copy` True.

    TensorFlow: tf.experimental.numpy.meshgrid.
    """
    if kwargs.get("sparse", False) or not kwargs.get("copy", True):
        raise ValueError("Function `meshgrid` does not support sparse outputs, nor returning views.")
    indexing = kwargs.get("indexing", "xy")
    if indexing not in ("xy", "ij"):
        raise ValueError(f"indexing must be 'xy' or 'ij', received {indexing!r}.")
    arrays = [F.reshape(asarray(x), [-1]) for x in xi]
    places = list(range(len(arrays)))
    if indexing == "xy" and len(arrays) > 1:
        places[:2] = 1, 0
    sizes = [int(arrays[places.index(place)].shape[0]) for place in range(len(arrays))]
    shaped = [
        F.reshape(x, [-1 if i == place else 1 for i in range(len(arrays))])
        for x, place in zip(arrays, places, strict=True)
    ]
    return [F.broadcast_to(x, sizes) for x in shaped]


def vander(x: Any, N: int | None = None, increasing: bool = False) -> Tensor:
    """The powers of numbers, a row each. TensorFlow: tf.experimental.numpy.vander."""
    numbers = asarray(x)
    numbers = F.cast(numbers, "int64") if numbers.dtype.is_integer or numbers.dtype.is_bool else numbers
    count = int(numbers.shape[0]) if N is None else int(N)
    powers = range(count) if increasing else range(count - 1, -1, -1)
    ones = F.ones_like(numbers)
    return F.stack([F.pow(numbers, F.cast(p, numbers.dtype)) if p else ones for p in powers], 1) if count else (
        F.zeros([numbers.shape[0], 0], numbers.dtype))  # type: ignore[no-any-return]  # fmt: skip


def diag_indices(n: int, ndim: int = 2) -> tuple[Tensor, ...]:
    """The indices of a diagonal. TensorFlow: tf.experimental.numpy.diag_indices."""
    return (F.range(int(n)),) * ndim
