"""keras.ops, arrays from scratch: constants, ranges, windows."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from duoflow import ops as tf
from duoflow.core.tensor import convert

from ..dtypes import promoted, result_type
from ..preferences import floatx
from ..variables import standardize_dtype
from .definition import floating, operation

__all__ = [
    "arange", "array", "bartlett", "blackman", "empty", "empty_like", "eye", "full", "full_like", "geomspace",
    "hamming", "hanning", "identity", "kaiser", "linspace", "logspace", "meshgrid", "ndim", "ones", "ones_like",
    "size", "tri", "vander", "zeros", "zeros_like",
]  # fmt: skip


def array(x: Any, dtype: Any = None) -> Any:
    """A tensor of a value. Keras: keras.ops.array."""
    return convert(x) if dtype is None else tf.cast(x, standardize_dtype(dtype))


def zeros(shape: Any, dtype: Any = None) -> Any:
    """Zeros. Keras: keras.ops.zeros."""
    return tf.zeros(shape, standardize_dtype(dtype))


def ones(shape: Any, dtype: Any = None) -> Any:
    """Ones. Keras: keras.ops.ones."""
    return tf.ones(shape, standardize_dtype(dtype))


def empty(shape: Any, dtype: Any = None) -> Any:
    """Zeros: there is no uninitialized memory to see. Keras: keras.ops.empty."""
    return tf.zeros(shape, standardize_dtype(dtype))


def full(shape: Any, fill_value: Any, dtype: Any = None) -> Any:
    """One value everywhere. Keras: keras.ops.full."""
    return tf.broadcast_to(array(fill_value, standardize_dtype(dtype)), shape)


@operation()
def zeros_like(x: Any, dtype: Any = None) -> Any:
    """Zeros in the shape of x. Keras: keras.ops.zeros_like."""
    return tf.zeros_like(x, dtype=dtype)


@operation()
def ones_like(x: Any, dtype: Any = None) -> Any:
    """Ones in the shape of x. Keras: keras.ops.ones_like."""
    return tf.ones_like(x, dtype=dtype)


@operation()
def full_like(x: Any, fill_value: Any, dtype: Any = None) -> Any:
    """One value in the shape of x. Keras: keras.ops.full_like."""
    x = convert(x)
    return tf.broadcast_to(tf.cast(fill_value, dtype or x.dtype), tf.shape(x))


def eye(N: int, M: int | None = None, k: int = 0, dtype: Any = None) -> Any:
    """Ones on the k-th diagonal. Keras: keras.ops.eye."""
    return tf.cast(np.eye(N, M, k), standardize_dtype(dtype))


def identity(n: int, dtype: Any = None) -> Any:
    """The identity matrix. Keras: keras.ops.identity."""
    return eye(n, dtype=dtype)


def tri(N: int, M: int | None = None, k: int = 0, dtype: Any = None) -> Any:
    """Ones on and below the k-th diagonal. Keras: keras.ops.tri."""
    return tf.cast(np.tri(N, M, k), standardize_dtype(dtype))


def arange(start: Any, stop: Any = None, step: Any = None, dtype: Any = None) -> Any:
    """Numbers at equal distances. Keras: keras.ops.arange."""
    if stop is None:
        start, stop = 0, start
    step = 1 if step is None else step
    dtype = standardize_dtype(dtype) if dtype is not None else promoted(start, stop, step)[0].dtype.name
    return tf.cast(tf.range(*promoted(start, stop, step)), dtype)


def linspace(
    start: Any, stop: Any, num: int = 50, endpoint: bool = True, retstep: bool = False, dtype: Any = None, axis: int = 0
) -> Any:
    """Numbers from start to stop at equal distances. Keras: keras.ops.linspace."""
    a, b = (floating(x) for x in promoted(start, stop))
    count = num if endpoint else num + 1
    numbers = tf.linspace(a, b, count, axis=axis)
    numbers = numbers if endpoint else tf.gather(numbers, tf.range(num), axis=axis)
    out = numbers if dtype is None else tf.cast(numbers, standardize_dtype(dtype))
    return (out, (b - a) / float(count - 1 or 1)) if retstep else out


def meshgrid(*x: Any, indexing: str = "xy") -> Any:
    """The coordinates of a grid. Keras: keras.ops.meshgrid."""
    return tf.meshgrid(*[convert(v) for v in x], indexing=indexing)


def ndim(x: Any) -> int:
    """The number of dimensions. Keras: keras.ops.ndim."""
    return len(x.shape) if hasattr(x, "shape") else convert(x).ndim


def size(x: Any) -> Any:
    """The number of elements. Keras: keras.ops.size."""
    return tf.size(convert(x))


@operation()
def empty_like(x: Any, dtype: Any = None) -> Any:
    """Zeros in the shape of x: there is no uninitialized memory to see. Keras: keras.ops.empty_like."""
    return tf.zeros_like(x, dtype=dtype)


def logspace(
    start: Any, stop: Any, num: int = 50, endpoint: bool = True, base: Any = 10, dtype: Any = None, axis: int = 0
) -> Any:
    """Powers of a base, from base**start to base**stop at equal factors. Keras: keras.ops.logspace."""
    exponents = linspace(start, stop, num, endpoint, dtype=None, axis=axis)
    out = tf.pow(tf.cast(base, exponents.dtype), exponents)
    return out if dtype is None else tf.cast(out, standardize_dtype(dtype))


def geomspace(start: Any, stop: Any, num: int = 50, endpoint: bool = True, dtype: Any = None, axis: int = 0) -> Any:
    """Numbers from start to stop, of one sign, at equal factors. Keras: keras.ops.geomspace."""
    a, b = (floating(x) for x in promoted(start, stop))
    ten = tf.log(tf.cast(10.0, a.dtype))
    out = logspace(tf.log(tf.abs(a)) / ten, tf.log(tf.abs(b)) / ten, num, endpoint, axis=axis) * tf.sign(a)
    return out if dtype is None else tf.cast(out, standardize_dtype(dtype))


@operation()
def vander(x: Any, N: int | None = None, increasing: bool = False) -> Any:
    """The powers of a vector's elements as columns, falling unless `increasing`. Keras: keras.ops.vander."""
    x = convert(x)
    powers = tf.range(x.shape[0] if N is None else N)
    wide = result_type(x.dtype, "float32")
    powers = tf.cast(powers if increasing else tf.reverse(powers, [0]), wide)
    return tf.cast(tf.pow(tf.cast(tf.expand_dims(x, -1), wide), powers), x.dtype)


# -- windows -----------------------------------------------------------------------------------------------------------


def _window(name: str, meaning: str, compute: Callable[..., Any]) -> Callable[..., Any]:
    """A function of a number of points, which a scalar tensor may give too."""

    def window(x: Any) -> Any:
        return tf.cast(compute(int(np.asarray(x))), floatx())

    window.__name__ = window.__qualname__ = name
    window.__doc__ = f"{meaning} Keras: keras.ops.{name}."
    return operation()(window)


bartlett = _window("bartlett", "A triangle of x points, 0 at both ends.", np.bartlett)
blackman = _window("blackman", "The Blackman window of x points.", np.blackman)
hamming = _window("hamming", "The Hamming window of x points.", np.hamming)
hanning = _window("hanning", "The Hann window of x points.", np.hanning)


@operation(inputs=2)
def kaiser(x: Any, beta: Any) -> Any:
    """The Kaiser window of x points. Keras: keras.ops.kaiser."""
    return tf.cast(np.kaiser(int(np.asarray(x)), float(np.asarray(beta))), floatx())
