"""keras.ops, reductions: over axes, running, ignoring what is not a number, quantiles, histograms."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from duoflow import ops as tf
from duoflow.core.tensor import convert

from ..dtypes import promoted
from ..variables import standardize_dtype
from .definition import axes_of, floating, operation

__all__ = [
    "all", "amax", "amin", "any", "argmax", "argmin", "average", "corrcoef", "count_nonzero", "cumprod", "cumsum",
    "histogram", "max", "mean", "median", "min", "nanargmax", "nanargmin", "nancumprod", "nancumsum", "nanmax",
    "nanmean", "nanmedian", "nanmin", "nanpercentile", "nanprod", "nanquantile", "nanstd", "nansum", "nanvar",
    "percentile", "prod", "ptp", "quantile", "std", "sum", "trapezoid", "var",
]  # fmt: skip


def _summable(x: Any) -> Any:
    """Sums of bools and small ints are kept in int32."""
    x = convert(x)
    small = x.dtype.is_bool or x.dtype.name in ("int8", "int16")
    return tf.cast(x, "int32" if small else "uint32") if small or x.dtype.name in ("uint8", "uint16") else x


@operation()
def sum(x: Any, axis: Any = None, keepdims: bool = False) -> Any:
    """The sum over axes. Keras: keras.ops.sum."""
    return tf.reduce_sum(_summable(x), axis=axis, keepdims=keepdims)


@operation()
def prod(x: Any, axis: Any = None, keepdims: bool = False, dtype: Any = None) -> Any:
    """The product over axes. Keras: keras.ops.prod."""
    x = _summable(x) if dtype is None else tf.cast(x, standardize_dtype(dtype))
    return tf.reduce_prod(x, axis=axis, keepdims=keepdims)


@operation()
def mean(x: Any, axis: Any = None, keepdims: bool = False) -> Any:
    """The mean over axes, in floats. Keras: keras.ops.mean."""
    return tf.reduce_mean(floating(x), axis=axis, keepdims=keepdims)


@operation()
def var(x: Any, axis: Any = None, keepdims: bool = False) -> Any:
    """The variance over axes. Keras: keras.ops.var."""
    return tf.reduce_variance(floating(x), axis=axis, keepdims=keepdims)


@operation()
def std(x: Any, axis: Any = None, keepdims: bool = False) -> Any:
    """The standard deviation over axes. Keras: keras.ops.std."""
    return tf.sqrt(tf.reduce_variance(floating(x), axis=axis, keepdims=keepdims))


@operation()
def max(x: Any, axis: Any = None, keepdims: bool = False, initial: Any = None) -> Any:
    """The maximum over axes, at least `initial`. Keras: keras.ops.max."""
    out = tf.reduce_max(convert(x), axis=axis, keepdims=keepdims)
    return out if initial is None else tf.maximum(out, tf.cast(initial, out.dtype))


@operation()
def min(x: Any, axis: Any = None, keepdims: bool = False, initial: Any = None) -> Any:
    """The minimum over axes, at most `initial`. Keras: keras.ops.min."""
    out = tf.reduce_min(convert(x), axis=axis, keepdims=keepdims)
    return out if initial is None else tf.minimum(out, tf.cast(initial, out.dtype))




@operation()
def amax(x: Any, axis: Any = None, keepdims: bool = False) -> Any:
    """The maximum over axes. Keras: keras.ops.amax."""
    return max(x, axis, keepdims)


@operation()
def amin(x: Any, axis: Any = None, keepdims: bool = False) -> Any:
    """The minimum over axes. Keras: keras.ops.amin."""
    return min(x, axis, keepdims)


@operation()
def all(x: Any, axis: Any = None, keepdims: bool = False) -> Any:
    """Whether all elements are true. Keras: keras.ops.all."""
    return tf.reduce_all(tf.cast(x, "bool"), axis=axis, keepdims=keepdims)


@operation()
def any(x: Any, axis: Any = None, keepdims: bool = False) -> Any:
    """Whether some element is true. Keras: keras.ops.any."""
    return tf.reduce_any(tf.cast(x, "bool"), axis=axis, keepdims=keepdims)


@operation()
def count_nonzero(x: Any, axis: Any = None) -> Any:
    """How many elements are not zero. Keras: keras.ops.count_nonzero."""
    x = convert(x)
    return tf.reduce_sum(tf.cast(tf.not_equal(x, tf.zeros_like(x)), "int32"), axis=axis)


@operation()
def average(x: Any, axis: Any = None, weights: Any = None) -> Any:
    """The weighted mean over axes. Keras: keras.ops.average."""
    x = floating(x)
    if weights is None:
        return tf.reduce_mean(x, axis=axis)
    x, weights = promoted(x, weights)
    if weights.ndim == 1 and x.ndim > 1 and isinstance(axis, int):
        (at,) = axes_of(axis, x.ndim)
        weights = tf.reshape(weights, [-1 if a == at else 1 for a in range(x.ndim)])
    weights = weights * tf.ones_like(x)
    return tf.reduce_sum(x * weights, axis=axis) / tf.reduce_sum(weights, axis=axis)


@operation()
def median(x: Any, axis: Any = None, keepdims: bool = False) -> Any:
    """The middle of the sorted elements over axes. Keras: keras.ops.median."""
    return _quantile(x, 0.5, axis, "linear", keepdims, nan=False)


@operation()
def argmax(x: Any, axis: int | None = None, keepdims: bool = False) -> Any:
    """The index of the maximum. Keras: keras.ops.argmax."""
    return _arg(tf.argmax, x, axis, keepdims)


@operation()
def argmin(x: Any, axis: int | None = None, keepdims: bool = False) -> Any:
    """The index of the minimum. Keras: keras.ops.argmin."""
    return _arg(tf.argmin, x, axis, keepdims)


def _arg(function: Callable[..., Any], x: Any, axis: int | None, keepdims: bool) -> Any:
    x = convert(x)
    rank = x.ndim
    if axis is None:
        found = tf.cast(function(tf.reshape(x, [-1]), axis=0), "int32")
        return tf.reshape(found, [1] * rank) if keepdims else found
    found = tf.cast(function(x, axis=axis), "int32")
    return tf.expand_dims(found, axis) if keepdims else found


@operation()
def cumsum(x: Any, axis: int | None = None, dtype: Any = None) -> Any:
    """Running sums. Keras: keras.ops.cumsum."""
    return _running(tf.cumsum, x, axis, dtype)


@operation()
def cumprod(x: Any, axis: int | None = None, dtype: Any = None) -> Any:
    """Running products. Keras: keras.ops.cumprod."""
    return _running(tf.cumprod, x, axis, dtype)


def _running(function: Callable[..., Any], x: Any, axis: int | None, dtype: Any) -> Any:
    x = _summable(x) if dtype is None else tf.cast(x, standardize_dtype(dtype))
    return function(tf.reshape(x, [-1]), axis=0) if axis is None else function(x, axis=axis)


@operation()
def ptp(x: Any, axis: Any = None, keepdims: bool = False) -> Any:
    """The distance from the minimum to the maximum over axes. Keras: keras.ops.ptp."""
    return max(x, axis, keepdims) - min(x, axis, keepdims)


@operation()
def trapezoid(y: Any, x: Any = None, dx: float = 1.0, axis: int = -1) -> Any:
    """The integral along an axis by the trapezoidal rule; `x` holds places, else they are `dx` apart.

    Keras: keras.ops.trapezoid.
    """
    y = floating(y)
    y = tf.swapaxes(y, axis, -1)
    steps = tf.cast(dx, y.dtype)
    if x is not None:
        x = tf.cast(x, y.dtype)
        x = tf.swapaxes(x, axis, -1) if x.ndim > 1 else x
        steps = x[..., 1:] - x[..., :-1]
    return tf.reduce_sum(0.5 * (y[..., 1:] + y[..., :-1]) * steps, axis=-1)


@operation()
def corrcoef(x: Any) -> Any:
    """The correlations of the rows of a matrix. Keras: keras.ops.corrcoef."""
    x = floating(x)
    if x.ndim == 0:
        return tf.cast(np.nan, x.dtype)
    centered = x - tf.reduce_mean(x, axis=-1, keepdims=True)
    if x.ndim == 1:
        return tf.ones([], x.dtype)
    products = tf.matmul(centered, centered, adjoint_b=True) / tf.cast(tf.shape(x)[-1] - 1, x.dtype)
    deviations = tf.sqrt(tf.diag_part(products))
    return tf.clip_by_value(products / (deviations[..., :, None] * deviations[..., None, :]), -1.0, 1.0)


@operation()
def histogram(x: Any, bins: int = 10, range: Any = None) -> Any:
    """How many elements fall into equal bins, and the edges of the bins. Keras: keras.ops.histogram."""
    if not isinstance(bins, int) or bins <= 0:
        raise ValueError(f"Argument `bins` must be a positive integer. Received: bins={bins}")
    if range is not None and (len(range) != 2 or range[1] < range[0]):
        raise ValueError(f"Argument `range` must be a pair (low, high). Received: range={range}")
    x = tf.reshape(floating(x), [-1])
    low, high = (tf.reduce_min(x), tf.reduce_max(x)) if range is None else (tf.cast(v, x.dtype) for v in range)
    x = tf.boolean_mask(x, tf.logical_and(x >= low, x <= high))
    edges = tf.linspace(low, high, bins + 1)
    places = tf.searchsorted(edges[1:-1], x, side="right")
    return tf.scatter_nd(tf.expand_dims(places, -1), tf.ones_like(x), [bins]), edges


# -- quantiles ---------------------------------------------------------------------------------------------------------


def _front(x: Any, axis: Any) -> tuple[Any, list[int]]:
    """The axes to reduce as one first axis, and which they were."""
    axes = axes_of(axis, x.ndim)
    rest = [a for a in range(x.ndim) if a not in axes]
    moved = tf.transpose(x, axes + rest)
    return tf.reshape(moved, tf.concat([[-1], tf.shape(moved)[len(axes) :]], 0)), axes


_PICKS: dict[str, Callable[[Any], tuple[Any, Any]]] = {
    "linear": lambda place: (tf.floor(place), tf.ceil(place)),
    "lower": lambda place: (tf.floor(place),) * 2,
    "higher": lambda place: (tf.ceil(place),) * 2,
    "midpoint": lambda place: (tf.floor(place), tf.ceil(place)),
    "nearest": lambda place: (tf.round(place),) * 2,
}


def _at_fraction(ranked: Any, counts: Any, q: Any, method: str) -> Any:
    """Between the sorted entries along the first axis, `counts` of which count, at a fraction q: [q..., rest]."""
    q = tf.reshape(q, tf.concat([tf.shape(q), tf.ones([ranked.ndim - 1], "int32")], 0))
    place = q * tf.cast(tf.maximum(counts - 1, 0), q.dtype)
    below, above = _PICKS[method](place)
    rest = tf.shape(ranked)[1:]

    def entries(index: Any) -> Any:
        index = tf.cast(index, "int32")
        index = tf.broadcast_to(index, tf.concat([tf.shape(index)[: index.ndim - (ranked.ndim - 1)], rest], 0))
        flat = tf.reshape(index, tf.concat([[-1], rest], 0))
        last = [*range(1, ranked.ndim), 0]
        rows = tf.gather(tf.transpose(ranked, last), tf.transpose(flat, last), batch_dims=ranked.ndim - 1)
        return tf.reshape(tf.transpose(rows, [ranked.ndim - 1, *range(ranked.ndim - 1)]), tf.shape(index))

    low, high = entries(below), entries(above)
    weight = 0.5 if method == "midpoint" else tf.cast(place - below, low.dtype)
    return low + (high - low) * weight


def _quantile(x: Any, q: Any, axis: Any, method: str, keepdims: bool, nan: bool) -> Any:
    if method not in _PICKS:
        raise ValueError(f"Invalid method. It must be one of {sorted(_PICKS)}. Received: method={method}")
    x = floating(x)
    q = tf.cast(q, x.dtype)
    front, axes = _front(x, axis)
    missing = tf.is_nan(front)
    size = tf.shape(front)[0]
    counts = size
    if nan:
        counts = tf.reduce_sum(tf.cast(tf.logical_not(missing), "int32"), axis=0)
    ranked = tf.sort(tf.where(missing, tf.cast(np.inf, front.dtype), front), axis=0)
    out = _at_fraction(ranked, counts, q, method)
    gone = tf.equal(counts, 0) if nan else tf.reduce_any(missing, axis=0)
    out = tf.where(gone, tf.cast(np.nan, out.dtype), out)
    if keepdims:
        for a in sorted(axes):
            out = tf.expand_dims(out, a + q.ndim)
    return out


@operation(inputs=2)
def quantile(x: Any, q: Any, axis: Any = None, method: str = "linear", keepdims: bool = False) -> Any:
    """The values below which fractions `q` of the elements lie. Keras: keras.ops.quantile."""
    return _quantile(x, q, axis, method, keepdims, nan=False)


@operation(inputs=2)
def percentile(x: Any, q: Any, axis: Any = None, method: str = "linear", keepdims: bool = False) -> Any:
    """The values below which `q` per cent of the elements lie. Keras: keras.ops.percentile."""
    return _quantile(x, floating(q) / 100, axis, method, keepdims, nan=False)


@operation(inputs=2)
def nanquantile(x: Any, q: Any, axis: Any = None, method: str = "linear", keepdims: bool = False) -> Any:
    """`quantile` of the elements that are numbers. Keras: keras.ops.nanquantile."""
    return _quantile(x, q, axis, method, keepdims, nan=True)


@operation(inputs=2)
def nanpercentile(x: Any, q: Any, axis: Any = None, method: str = "linear", keepdims: bool = False) -> Any:
    """`percentile` of the elements that are numbers. Keras: keras.ops.nanpercentile."""
    return _quantile(x, floating(q) / 100, axis, method, keepdims, nan=True)


@operation()
def nanmedian(x: Any, axis: Any = None, keepdims: bool = False) -> Any:
    """The median of the elements that are numbers. Keras: keras.ops.nanmedian."""
    return _quantile(x, 0.5, axis, "linear", keepdims, nan=True)


# -- ignoring what is not a number -------------------------------------------------------------------------------------


def _without_nan(x: Any, value: Any) -> Any:
    """`x` with a value where it is not a number."""
    x = convert(x)
    return tf.where(tf.is_nan(x), tf.cast(value, x.dtype), x) if x.dtype.is_floating else x


def _numbers(x: Any, axis: Any, keepdims: bool) -> Any:
    """How many elements are numbers."""
    return tf.reduce_sum(tf.cast(tf.logical_not(tf.is_nan(x)), x.dtype), axis=axis, keepdims=keepdims)


@operation()
def nansum(x: Any, axis: Any = None, keepdims: bool = False) -> Any:
    """The sum of the elements that are numbers. Keras: keras.ops.nansum."""
    return sum(_without_nan(x, 0), axis, keepdims)


@operation()
def nanprod(x: Any, axis: Any = None, keepdims: bool = False) -> Any:
    """The product of the elements that are numbers. Keras: keras.ops.nanprod."""
    return prod(_without_nan(x, 1), axis, keepdims)


@operation()
def nancumsum(x: Any, axis: Any = None, dtype: Any = None) -> Any:
    """Running sums of the elements that are numbers. Keras: keras.ops.nancumsum."""
    return cumsum(_without_nan(x, 0), axis, dtype)


@operation()
def nancumprod(x: Any, axis: Any = None, dtype: Any = None) -> Any:
    """Running products of the elements that are numbers. Keras: keras.ops.nancumprod."""
    return cumprod(_without_nan(x, 1), axis, dtype)


@operation()
def nanmean(x: Any, axis: Any = None, keepdims: bool = False) -> Any:
    """The mean of the elements that are numbers. Keras: keras.ops.nanmean."""
    x = floating(x)
    return nansum(x, axis, keepdims) / _numbers(x, axis, keepdims)


@operation()
def nanvar(x: Any, axis: Any = None, keepdims: bool = False) -> Any:
    """The variance of the elements that are numbers. Keras: keras.ops.nanvar."""
    x = floating(x)
    away = _without_nan(x - nanmean(x, axis, True), 0)
    return tf.reduce_sum(tf.square(away), axis=axis, keepdims=keepdims) / _numbers(x, axis, keepdims)


@operation()
def nanstd(x: Any, axis: Any = None, keepdims: bool = False) -> Any:
    """The standard deviation of the elements that are numbers. Keras: keras.ops.nanstd."""
    return tf.sqrt(nanvar(x, axis, keepdims))


def _extreme(reduce: Callable[..., Any], x: Any, bound: float, axis: Any, keepdims: bool) -> Any:
    """A minimum or maximum of what is a number; not a number where nothing is."""
    x = convert(x)
    out = reduce(_without_nan(x, bound), axis, keepdims)
    if not x.dtype.is_floating:
        return out
    nothing = tf.reduce_all(tf.is_nan(x), axis=axis, keepdims=keepdims)
    return tf.where(nothing, tf.cast(np.nan, x.dtype), out)


@operation()
def nanmax(x: Any, axis: Any = None, keepdims: bool = False) -> Any:
    """The maximum of the elements that are numbers. Keras: keras.ops.nanmax."""
    return _extreme(max, x, -np.inf, axis, keepdims)


@operation()
def nanmin(x: Any, axis: Any = None, keepdims: bool = False) -> Any:
    """The minimum of the elements that are numbers. Keras: keras.ops.nanmin."""
    return _extreme(min, x, np.inf, axis, keepdims)


def _arg_extreme(arg: Callable[..., Any], x: Any, bound: float, axis: Any, keepdims: bool) -> Any:
    x = convert(x)
    found = arg(_without_nan(x, bound), axis, keepdims)
    if not x.dtype.is_floating:
        return found
    nothing = tf.reduce_all(tf.is_nan(x), axis=axis, keepdims=keepdims)
    return tf.where(nothing, tf.cast(-1, found.dtype), found)


@operation()
def nanargmax(x: Any, axis: int | None = None, keepdims: bool = False) -> Any:
    """The index of the maximum of what is a number, -1 if nothing is. Keras: keras.ops.nanargmax."""
    return _arg_extreme(argmax, x, -np.inf, axis, keepdims)


@operation()
def nanargmin(x: Any, axis: int | None = None, keepdims: bool = False) -> Any:
    """The index of the minimum of what is a number, -1 if nothing is. Keras: keras.ops.nanargmin."""
    return _arg_extreme(argmin, x, np.inf, axis, keepdims)
