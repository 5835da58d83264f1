"""NumPy's reductions: sums, means, extremes over axes, running and ignoring NaNs.

TensorFlow: tf.experimental.numpy.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from duoflow import ops as F
from duoflow.core.tensor import Tensor

from .promotion import asarray, axes_of, dtype_of, floating, promoted

__all__ = [
    "all", "amax", "amin", "any", "argmax", "argmin", "average", "count_nonzero", "cumprod", "cumsum", "max", "mean",
    "min", "nanmean", "nanprod", "nansum", "prod", "ptp", "std", "sum", "var",
]  # fmt: skip


def _summed(a: Any, dtype: Any) -> Tensor:
    """What is added up: small whole numbers are int64 (uint64) then."""
    x = asarray(a, dtype)
    if dtype is None and (x.dtype.is_bool or x.dtype.is_integer and x.dtype.size < 8):
        x = F.cast(x, "uint64" if x.dtype.is_unsigned else "int64")
    return x


def _extreme(function: Callable[..., Any], of_truths: Callable[..., Any], a: Any, axis: Any, keepdims: Any) -> Any:
    x = asarray(a)
    return (of_truths if x.dtype.is_bool else function)(x, axis=axis, keepdims=bool(keepdims))


def sum(a: Any, axis: Any = None, dtype: Any = None, keepdims: Any = None) -> Any:
    """The sum over axes. TensorFlow: tf.experimental.numpy.sum."""
    return F.reduce_sum(_summed(a, dtype), axis=axis, keepdims=bool(keepdims))


def prod(a: Any, axis: Any = None, dtype: Any = None, keepdims: Any = None) -> Any:
    """The product over axes. TensorFlow: tf.experimental.numpy.prod."""
    return F.reduce_prod(_summed(a, dtype), axis=axis, keepdims=bool(keepdims))


def mean(a: Any, axis: Any = None, dtype: Any = None, out: Any = None, keepdims: Any = None) -> Any:
    """The mean over axes; `out` must be None. TensorFlow: tf.experimental.numpy.mean."""
    _no_out(out)
    return F.reduce_mean(asarray(a, dtype) if dtype is not None else floating(a), axis=axis, keepdims=bool(keepdims))


def var(a: Any, axis: Any = None, dtype: Any = None, out: Any = None, ddof: int = 0, keepdims: Any = None) -> Any:
    """The variance over axes; `out` must be None. TensorFlow: tf.experimental.numpy.var."""
    _no_out(out)
    x = floating(a)
    x = F.cast(x, dtype_of(dtype)) if dtype is not None else x
    found = F.reduce_variance(x, axis=axis, keepdims=bool(keepdims))
    if not ddof:
        return found
    count = F.cast(F.size(x) / F.maximum(F.size(found), 1), found.dtype)
    return found * (count / (count - ddof))


def std(a: Any, axis: Any = None, keepdims: Any = None) -> Any:
    """The standard deviation over axes. TensorFlow: tf.experimental.numpy.std."""
    return F.sqrt(var(a, axis, keepdims=keepdims))


def max(a: Any, axis: Any = None, keepdims: Any = None) -> Any:
    """The maximum over axes. TensorFlow: tf.experimental.numpy.max."""
    return _extreme(F.reduce_max, F.reduce_any, a, axis, keepdims)


def min(a: Any, axis: Any = None, keepdims: Any = None) -> Any:
    """The minimum over axes. TensorFlow: tf.experimental.numpy.min."""
    return _extreme(F.reduce_min, F.reduce_all, a, axis, keepdims)


def amax(a: Any, axis: Any = None, out: Any = None, keepdims: Any = None) -> Any:
    """The maximum over axes; `out` must be None. TensorFlow: tf.experimental.numpy.amax."""
    _no_out(out)
    return max(a, axis, keepdims)


def amin(a: Any, axis: Any = None, out: Any = None, keepdims: Any = None) -> Any:
    """The minimum over axes; `out` must be None. TensorFlow: tf.experimental.numpy.amin."""
    _no_out(out)
    return min(a, axis, keepdims)


def ptp(a: Any, axis: Any = None, keepdims: Any = None) -> Any:
    """The range of values over axes. TensorFlow: tf.experimental.numpy.ptp."""
    return max(a, axis, keepdims) - min(a, axis, keepdims)


def all(a: Any, axis: Any = None, keepdims: Any = None) -> Any:
    """Whether all elements are true. TensorFlow: tf.experimental.numpy.all."""
    return F.reduce_all(F.cast(asarray(a), "bool"), axis=axis, keepdims=bool(keepdims))


def any(a: Any, axis: Any = None, keepdims: Any = None) -> Any:
    """Whether some element is true. TensorFlow: tf.experimental.numpy.any."""
    return F.reduce_any(F.cast(asarray(a), "bool"), axis=axis, keepdims=bool(keepdims))


def _place(function: Callable[..., Any], a: Any, axis: Any) -> Any:
    x = asarray(a)
    x = F.cast(x, "int8") if x.dtype.is_bool else x
    return function(F.reshape(x, [-1]), axis=0) if axis is None or not x.ndim else function(x, axis=axis)


def argmax(a: Any, axis: Any = None) -> Any:
    """Where the maximum is, among all elements or along an axis. TensorFlow: tf.experimental.numpy.argmax."""
    return _place(F.argmax, a, axis)


def argmin(a: Any, axis: Any = None) -> Any:
    """Where the minimum is, among all elements or along an axis. TensorFlow: tf.experimental.numpy.argmin."""
    return _place(F.argmin, a, axis)


def count_nonzero(a: Any, axis: Any = None) -> Any:
    """How many elements are not zero. TensorFlow: tf.experimental.numpy.count_nonzero."""
    return F.reduce_sum(F.cast(F.cast(asarray(a), "bool"), "int64"), axis=axis)


def average(a: Any, axis: Any = None, weights: Any = None, returned: bool = False) -> Any:
    """The weighted mean over axes, and the sum of weights if asked for. TensorFlow: tf.experimental.numpy.average."""
    x = floating(a)
    if weights is None:
        found = F.reduce_mean(x, axis=axis)
        total = F.cast(F.size(x) / F.maximum(F.size(found), 1), x.dtype) * F.ones_like(found)
        return (found, total) if returned else found
    x, w = promoted(x, weights)
    if w.shape != x.shape:
        if axis is None or w.ndim != 1:
            raise ValueError("`weights` must have the shape of `a`, or one dimension along `axis`.")
        (at,) = axes_of(axis, x.ndim)
        w = F.reshape(w, [-1 if i == at else 1 for i in range(x.ndim)])
    w = w * F.ones_like(x)
    total = F.reduce_sum(w, axis=axis)
    found = F.reduce_sum(x * w, axis=axis) / total
    return (found, total) if returned else found


def _running(function: Callable[..., Any], a: Any, axis: Any, dtype: Any) -> Any:
    x = _summed(a, dtype)
    return function(F.reshape(x, [-1]), axis=0) if axis is None else function(x, axis=axes_of(axis, x.ndim)[0])


def cumsum(a: Any, axis: Any = None, dtype: Any = None) -> Any:
    """Running sums. TensorFlow: tf.experimental.numpy.cumsum."""
    return _running(F.cumsum, a, axis, dtype)


def cumprod(a: Any, axis: Any = None, dtype: Any = None) -> Any:
    """Running products. TensorFlow: tf.experimental.numpy.cumprod."""
    return _running(F.cumprod, a, axis, dtype)


def _filled(a: Any, value: int) -> Tensor:
    x = asarray(a)
    return F.where(F.is_nan(x), F.cast(value, x.dtype), x) if x.dtype.is_floating else x  # type: ignore[no-any-return]


def nansum(a: Any, axis: Any = None, dtype: Any = None, keepdims: Any = False) -> Any:
    """The sum over axes of what is not NaN. TensorFlow: tf.experimental.numpy.nansum."""
    return sum(_filled(a, 0), axis, dtype, keepdims)


def nanprod(a: Any, axis: Any = None, dtype: Any = None, keepdims: Any = False) -> Any:
    """The product over axes of what is not NaN. TensorFlow: tf.experimental.numpy.nanprod."""
    return prod(_filled(a, 1), axis, dtype, keepdims)


def nanmean(a: Any, axis: Any = None, dtype: Any = None, keepdims: Any = None) -> Any:
    """The mean over axes of what is not NaN. TensorFlow: tf.experimental.numpy.nanmean."""
    x = floating(a)
    count = F.reduce_sum(F.cast(F.logical_not(F.is_nan(x)), x.dtype), axis=axis, keepdims=bool(keepdims))
    return nansum(x, axis, dtype, keepdims) / F.cast(count, dtype_of(dtype) if dtype is not None else x.dtype)


def _no_out(out: Any) -> None:
    if out is not None:
        raise ValueError("Setting `out` is not supported.")
