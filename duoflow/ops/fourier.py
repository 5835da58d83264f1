"""Discrete Fourier transforms over the last one or two axes, computed by NumPy, with their gradients.

A transform is linear, so that its gradient is another transform: backwards without dividing by the number of elements.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from duoflow.core import dtypes
from duoflow.core.emit import NO_ATTRS, emit_one
from duoflow.core.late import F
from duoflow.core.record import Kind, Op, register
from duoflow.core.spec import Spec
from duoflow.core.tensor import convert

from .families import COMPLEX, check_dtype

__all__ = ["fft", "fft2d", "ifft", "ifft2d", "irfft", "rfft"]

_REAL = (dtypes.float32, dtypes.float64)


def _check_rank(op_name: str, x: Spec, rank: int) -> None:
    if x.shape is not None and len(x.shape) < rank:
        raise ValueError(f"{op_name} needs an input of rank >= {rank}. Received: shape {x.shape}.")


def _count(x: Any, rank: int) -> Any:
    """How many elements a transform runs over."""
    return F.reduce_prod(F.shape(x)[-rank:])


def _complex_op(op_name: str, rank: int, transform: Callable[..., Any], gradient: Callable[..., Any]) -> Op:
    """A transform of complex numbers that keeps the shape."""
    axes = tuple(range(-rank, 0))

    def infer(x: Spec) -> Spec:
        check_dtype(op_name, "input", x.dtype, COMPLEX)
        _check_rank(op_name, x, rank)
        return Spec(x.shape, x.dtype)

    def evaluate(x: Any) -> Any:
        return transform(x, axes=axes).astype(x.dtype, copy=False)

    return register(Op(op_name, Kind.HOST, infer, evaluate, gradient))


def _forward_gradient(inverse: str, rank: int) -> Callable[..., Any]:
    return lambda node, g: getattr(F, inverse)(g) * F.cast(_count(g, rank), g.dtype)


def _inverse_gradient(forward: str, rank: int) -> Callable[..., Any]:
    return lambda node, g: getattr(F, forward)(g) / F.cast(_count(g, rank), g.dtype)


_FFT = _complex_op("FFT", 1, np.fft.fftn, _forward_gradient("ifft", 1))
_IFFT = _complex_op("IFFT", 1, np.fft.ifftn, _inverse_gradient("fft", 1))
_FFT2D = _complex_op("FFT2D", 2, np.fft.fftn, _forward_gradient("ifft2d", 2))
_IFFT2D = _complex_op("IFFT2D", 2, np.fft.ifftn, _inverse_gradient("fft2d", 2))


def _transformed(op: Op, input: Any, name: str | None) -> Any:
    x = convert(input)
    return emit_one(op, (x,), NO_ATTRS, name)


def fft(input: Any, name: str | None = None) -> Any:
    """The discrete Fourier transform of complex numbers over the last axis.

    >>> tf.signal.fft(tf.constant([1.0, 0, 0, 0], tf.complex64)).numpy()
    array([1.+0.j, 1.+0.j, 1.+0.j, 1.+0.j], dtype=complex64)

    TensorFlow: tf.signal.fft.
    """
    return _transformed(_FFT, input, name)


def ifft(input: Any, name: str | None = None) -> Any:
    """The inverse of `fft`. TensorFlow: tf.signal.ifft."""
    return _transformed(_IFFT, input, name)


def fft2d(input: Any, name: str | None = None) -> Any:
    """The discrete Fourier transform over the last two axes. TensorFlow: tf.signal.fft2d."""
    return _transformed(_FFT2D, input, name)


def ifft2d(input: Any, name: str | None = None) -> Any:
    """The inverse of `fft2d`. TensorFlow: tf.signal.ifft2d."""
    return _transformed(_IFFT2D, input, name)


# -- real numbers ------------------------------------------------------------------------------------------------------


def _half(length: int | None) -> int | None:
    return None if length is None else length // 2 + 1


def _rfft_infer(x: Spec, *, length: int | None) -> Spec:
    check_dtype("RFFT", "input", x.dtype, _REAL)
    _check_rank("RFFT", x, 1)
    out = dtypes.complex64 if x.dtype == dtypes.float32 else dtypes.complex128
    if x.shape is None:
        return Spec(None, out)
    return Spec((*x.shape[:-1], _half(x.shape[-1] if length is None else length)), out)


def _rfft_gradient(node: Any, g: Any) -> Any:
    """The real part of the transform back of the half that is there, zeros in the place of the other."""
    size = F.shape(node.inputs[0])[-1]
    count = size if node.attrs["length"] is None else convert(node.attrs["length"])
    out = F.real(F.ifft(_resized(g, count))) * F.cast(count, node.inputs[0].dtype)
    return _resized(out, size)


_RFFT = register(
    Op(
        "RFFT", Kind.HOST, _rfft_infer,
        lambda x, *, length: np.fft.rfft(x, length).astype(np.result_type(x.dtype, np.complex64), copy=False),
        _rfft_gradient,
    )
)  # fmt: skip


def rfft(input_tensor: Any, fft_length: Any = None, name: str | None = None) -> Any:
    """The first half of the Fourier transform of real numbers over the last axis.

    Args:
      fft_length: [length]: the input is cut or filled with zeros to it.

    >>> tf.signal.rfft([1.0, 0, 0, 0]).numpy()
    array([1.+0.j, 1.+0.j, 1.+0.j], dtype=complex64)

    TensorFlow: tf.signal.rfft.
    """
    return emit_one(_RFFT, (convert(input_tensor, dtype_hint="float32"),), {"length": _length(fft_length)}, name)


def _irfft_infer(x: Spec, *, length: int | None) -> Spec:
    check_dtype("IRFFT", "input", x.dtype, COMPLEX)
    _check_rank("IRFFT", x, 1)
    if x.shape is None:
        return Spec(None, x.dtype.real_dtype)
    half = x.shape[-1]
    whole = length if length is not None else None if half is None else 2 * (half - 1)
    return Spec((*x.shape[:-1], whole), x.dtype.real_dtype)


def _irfft_gradient(node: Any, g: Any) -> Any:
    """The transform of the cotangent; what stands for two conjugate numbers counts twice."""
    out = F.rfft(g)
    count, half = F.shape(g)[-1], F.shape(out)[-1]
    place = F.range(half)
    single = F.logical_or(F.equal(place, 0), F.equal(place * 2, count))
    weight = F.where(single, F.cast(1.0, g.dtype), F.cast(2.0, g.dtype)) / F.cast(count, g.dtype)
    return _resized(out * F.cast(weight, out.dtype), F.shape(node.inputs[0])[-1])


_IRFFT = register(
    Op(
        "IRFFT", Kind.HOST, _irfft_infer,
        lambda x, *, length: np.fft.irfft(x, length).astype(x.real.dtype, copy=False), _irfft_gradient,
    )
)  # fmt: skip


def irfft(input_tensor: Any, fft_length: Any = None, name: str | None = None) -> Any:
    """The real numbers whose `rfft` this is.

    Args:
      fft_length: [length] of the result; 2 * (n - 1) if not given.

    >>> tf.signal.irfft(tf.constant([1, 1, 1], tf.complex64)).numpy()
    array([1., 0., 0., 0.], dtype=float32)

    TensorFlow: tf.signal.irfft.
    """
    return emit_one(_IRFFT, (convert(input_tensor),), {"length": _length(fft_length)}, name)


def _length(fft_length: Any) -> int | None:
    """The only entry of a length as an int."""
    if fft_length is None:
        return None
    try:
        return int(np.asarray(fft_length).reshape(()) if np.ndim(fft_length) == 0 else np.asarray(fft_length).item())
    except (TypeError, ValueError):
        raise ValueError(f"`fft_length` must be one known integer. Received: fft_length={fft_length}") from None


def _resized(x: Any, size: Any) -> Any:
    """The last axis cut or filled with zeros to a size."""
    x = x[..., :size]
    more = F.expand_dims(F.stack([0, size - F.shape(x)[-1]]), 0)
    return F.pad(x, F.concat([F.zeros([F.rank(x) - 1, 2], "int32"), more], 0))
