"""keras.ops, signals: Fourier transforms of (real, imaginary) pairs, windows over time, distances.

Complex numbers come and go as pairs of real tensors; `view_as_complex` and `view_as_real` change between the two.
"""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np

from duoflow import ops as tf
from duoflow.core.tensor import convert

from ..dtypes import promoted
from .definition import floating, operation

__all__ = [
    "cdist", "extract_sequences", "fft", "fft2", "ifft2", "irfft", "istft", "rfft", "stft", "view_as_complex",
    "view_as_real",
]  # fmt: skip

_operation = partial(operation, module="keras.src.ops.math")


def _as_complex(x: Any) -> Any:
    """The complex tensor of a pair."""
    if not isinstance(x, list | tuple) or len(x) != 2:
        raise ValueError(
            f"Input `x` should be a tuple of two tensors - real and imaginary. Received: x={x} of type {type(x)}"
        )
    real, imaginary = (convert(part) for part in x)
    if tuple(real.shape) != tuple(imaginary.shape):
        raise ValueError(
            "Input `x` should be a tuple of two tensors - real and imaginary. Both the real and imaginary parts should "
            f"have the same shape. Received: x[0].shape={tuple(real.shape)}, x[1].shape={tuple(imaginary.shape)}"
        )
    if not real.dtype.is_floating or not imaginary.dtype.is_floating:
        raise ValueError(f"At least one tensor in input `x` is not of type float. Received: x={x}.")
    return tf.complex(real, imaginary)


def _as_pair(x: Any) -> tuple[Any, Any]:
    return tf.real(x), tf.imag(x)


@_operation()
def view_as_complex(x: Any) -> Any:
    """Complex numbers from the pairs along the last axis. Keras: keras.ops.view_as_complex."""
    x = convert(x)
    if x.shape[-1] != 2:
        raise ValueError(f"Last dimension must be of size 2 (real and imaginary). Received shape: {tuple(x.shape)}")
    return tf.complex(x[..., 0], x[..., 1])


@_operation()
def view_as_real(x: Any) -> Any:
    """The parts of complex numbers as pairs along a new last axis. Keras: keras.ops.view_as_real."""
    x = convert(x)
    return tf.stack([tf.real(x), tf.imag(x)], axis=-1)


@_operation()
def fft(x: Any) -> tuple[Any, Any]:
    """The Fourier transform over the last axis, of a pair and as a pair. Keras: keras.ops.fft."""
    return _as_pair(tf.fft(_as_complex(x)))


@_operation()
def fft2(x: Any) -> tuple[Any, Any]:
    """The Fourier transform over the last two axes, of a pair and as a pair. Keras: keras.ops.fft2."""
    return _as_pair(tf.fft2d(_as_complex(x)))


@_operation()
def ifft2(x: Any) -> tuple[Any, Any]:
    """The inverse of `fft2`. Keras: keras.ops.ifft2."""
    return _as_pair(tf.ifft2d(_as_complex(x)))


@_operation()
def rfft(x: Any, fft_length: int | None = None) -> tuple[Any, Any]:
    """The first half of the Fourier transform of real numbers, as a pair. Keras: keras.ops.rfft."""
    return _as_pair(tf.rfft(x, fft_length=None if fft_length is None else [fft_length]))


@_operation()
def irfft(x: Any, fft_length: int | None = None) -> Any:
    """The real numbers of a pair that `rfft` gave. Keras: keras.ops.irfft."""
    return tf.irfft(_as_complex(x), fft_length=None if fft_length is None else [fft_length])


# -- windows over time -------------------------------------------------------------------------------------------------


@_operation()
def extract_sequences(x: Any, sequence_length: int, sequence_stride: int) -> Any:
    """The windows along the last axis: [..., windows, sequence_length]. Keras: keras.ops.extract_sequences."""
    x = convert(x)
    count = (tf.shape(x)[-1] - sequence_length) // sequence_stride + 1
    if x.shape[-1] is not None:
        count = max((x.shape[-1] - sequence_length) // sequence_stride + 1, 0)
    starts = tf.expand_dims(tf.range(count) * sequence_stride, 1)
    return tf.gather(x, starts + tf.range(sequence_length), axis=-1)


def _window(window: Any, length: int, fft_length: int, dtype: Any) -> Any:
    """The factors of a window in the middle of a transform's length, or None."""
    if window is None:
        return None
    if isinstance(window, str):
        if window not in ("hann", "hamming"):
            raise ValueError(
                f'If a string is passed to `window`, it must be one of `"hann"`, `"hamming"`. Received: window={window}'
            )
        offset = 0.5 if window == "hann" else 0.54
        window = offset - (1 - offset) * np.cos(2 * np.pi * np.arange(length) / length)
    window = tf.cast(window, dtype)
    if tuple(window.shape) != (length,):
        raise ValueError(
            f"The shape of `window` must be equal to [sequence_length]. Received: window shape={tuple(window.shape)}"
        )
    before = (fft_length - length) // 2
    return tf.pad(window, [[before, fft_length - length - before]])


@_operation()
def stft(
    x: Any, sequence_length: int, sequence_stride: int, fft_length: int, window: Any = "hann", center: bool = True
) -> tuple[Any, Any]:
    """The Fourier transforms of windows along the last axis, [..., windows, fft_length // 2 + 1], as a pair.

    Args:
      sequence_length, sequence_stride: the length of windows and the distance of their starts.
      fft_length: the length of the transforms, at least that of the windows.
      window: "hann", "hamming", the factors themselves, or None.
      center: whether windows are centered on their places, with a mirrored border.

    Keras: keras.ops.stft.
    """
    x = convert(x)
    if x.dtype.name not in ("float32", "float64"):
        raise TypeError(f"Invalid input type. Expected `float32` or `float64`. Received: input type={x.dtype.name}")
    if fft_length < sequence_length:
        raise ValueError(
            "`fft_length` must equal or larger than `sequence_length`. Received: "
            f"sequence_length={sequence_length}, fft_length={fft_length}"
        )
    factors = _window(window, sequence_length, fft_length, x.dtype)
    if center:
        x = tf.pad(x, [*[[0, 0]] * (x.ndim - 1), [fft_length // 2] * 2], "REFLECT")
    parts = extract_sequences(x, fft_length, sequence_stride)
    return _as_pair(tf.rfft(parts if factors is None else parts * factors))


@_operation()
def istft(
    x: Any, sequence_length: int, sequence_stride: int, fft_length: int, length: int | None = None,
    window: Any = "hann", center: bool = True,
) -> Any:  # fmt: skip
    """The signal, or `length` of it, whose `stft` with the same arguments is this pair. Keras: keras.ops.istft."""
    transforms = _as_complex(x)
    dtype = tf.real(transforms).dtype
    factors = _window(window, sequence_length, fft_length, dtype)
    parts = tf.irfft(transforms, fft_length=[fft_length])
    if factors is not None:
        parts = parts * factors / _overlapping(tf.square(factors), sequence_stride)
    whole = _overlap_added(parts, sequence_stride)
    start = fft_length // 2 if center else 0
    if length is not None:
        return whole[..., start : start + length]
    return whole[..., start : -(fft_length // 2)] if center else whole


def _overlapping(x: Any, stride: int) -> Any:
    """For each place in a window, the sum over the windows that lie over it."""
    size = x.shape[0]
    steps = -(-size // stride)
    folded = tf.reduce_sum(tf.reshape(tf.pad(x, [[0, steps * stride - size]]), [steps, stride]), axis=0)
    return tf.tile(folded, [steps])[:size]


def _overlap_added(parts: Any, stride: int) -> Any:
    """Windows [..., windows, length], `stride` apart, added up."""
    count, size = tf.shape(parts)[-2], parts.shape[-1]
    places = tf.expand_dims(tf.range(count) * stride, 1) + tf.range(size)
    total = (count - 1) * stride + size
    lead = tf.shape(parts)[:-2]
    rows = tf.transpose(tf.reshape(parts, tf.concat([[-1], [count * size]], 0)))
    summed = tf.transpose(tf.unsorted_segment_sum(rows, tf.reshape(places, [-1]), total))
    return tf.reshape(summed, tf.concat([lead, [total]], 0))


@_operation(inputs=2)
def cdist(x: Any, y: Any) -> Any:
    """The euclidean distances of the rows of x [..., m, d] from those of y [..., n, d]. Keras: keras.ops.cdist."""
    a, b = (floating(t) for t in promoted(x, y))
    squares = tf.reduce_sum(tf.square(a), -1)[..., :, None] + tf.reduce_sum(tf.square(b), -1)[..., None, :]
    return tf.sqrt(tf.maximum(squares - 2 * tf.matmul(a, b, transpose_b=True), 0.0))
