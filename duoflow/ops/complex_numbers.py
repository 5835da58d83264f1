"""Complex numbers: parts, conjugates, angles."""

from __future__ import annotations

from typing import Any

import numpy as np

from duoflow.core import dtypes
from duoflow.core.emit import NO_ATTRS, emit_one
from duoflow.core.late import F
from duoflow.core.tensor import convert

from .families import (
    COMPLEX,
    elementwise,
)

__all__ = [
    "angle", "complex", "conj", "imag", "real",
]  # fmt: skip


def _real_out(dtype: dtypes.DType) -> dtypes.DType:
    return dtype.real_dtype


_CONJ = elementwise("Conj", np.conj, body=lambda b, x: b.conj(x), gradient=lambda n, g: F.conj(g), allowed=COMPLEX)


def conj(x: Any, name: str | None = None) -> Any:
    """The complex conjugate; a real tensor is returned as it is.

    >>> tf.math.conj(tf.constant(1 + 2j)).numpy()
    np.complex128(1-2j)

    TensorFlow: tf.math.conj.
    """
    x = convert(x)
    if x.dtype.is_complex:
        return emit_one(_CONJ, (x,), NO_ATTRS, name)
    if x.dtype.is_floating or x.dtype.is_integer or x.dtype in (dtypes.bool_, dtypes.variant):
        return x
    raise TypeError(f"Expected numeric or variant tensor, got dtype {x.dtype!r}.")


_REAL = elementwise(
    "Real",
    np.real,
    body=lambda b, x: b.real(x),
    gradient=lambda n, g: F.complex(g, F.zeros_like(g)),
    allowed=COMPLEX,
    out=_real_out,
)


def real(input: Any, name: str | None = None) -> Any:
    """The real part; a real tensor is returned as it is.

    >>> tf.math.real(tf.constant([1 + 2j])).numpy()
    array([1.])

    TensorFlow: tf.math.real.
    """
    x = convert(input)
    if x.dtype.is_complex:
        return emit_one(_REAL, (x,), NO_ATTRS, name)
    if x.dtype.is_floating or x.dtype.is_integer or x.dtype is dtypes.bool_:
        return x
    raise TypeError(f"input must be a numeric tensor, but got tensor with dtype {x.dtype!r}")


_IMAG = elementwise(
    "Imag",
    np.imag,
    body=lambda b, x: b.imag(x),
    gradient=lambda n, g: F.complex(F.zeros_like(g), g),
    allowed=COMPLEX,
    out=_real_out,
)


def imag(input: Any, name: str | None = None) -> Any:
    """The imaginary part; zeros for a real tensor.

    >>> tf.math.imag(tf.constant([1 + 2j])).numpy()
    array([2.])

    TensorFlow: tf.math.imag.
    """
    x = convert(input)
    return emit_one(_IMAG, (x,), NO_ATTRS, name) if x.dtype.is_complex else F.zeros_like(x)


def _angle_slope(x: Any, g: Any) -> Any:
    """g times the gradient of atan2(im, re), as the complex number (d/dre) + i (d/dim)."""
    re, im = F.real(x), F.imag(x)
    scale = g / (re * re + im * im)
    return F.complex(-im * scale, re * scale)


_ANGLE = elementwise(
    "Angle",
    np.angle,
    body=lambda b, x: b.atan2(b.imag(x), b.real(x)),
    gradient=lambda n, g: _angle_slope(n.inputs[0], g),
    allowed=COMPLEX,
    out=_real_out,
)


def angle(input: Any, name: str | None = None) -> Any:
    """The argument of each number, in radians; pi for negative real numbers and 0 for others.

    >>> tf.math.angle(tf.constant([1j])).numpy()
    array([1.57079633])

    TensorFlow: tf.math.angle.
    """
    x = convert(input)
    if x.dtype.is_complex:
        return emit_one(_ANGLE, (x,), NO_ATTRS, name)
    return F.where(F.less(x, F.zeros_like(x)), F.cast(np.pi, x.dtype) * F.ones_like(x), F.zeros_like(x))


_COMPLEX_OF = {dtypes.float32: dtypes.complex64, dtypes.float64: dtypes.complex128}


_COMPLEX = elementwise(
    "Complex",
    body=lambda b, x, y: b.complex(x, y),
    gradient=lambda n, g: (F.real(g), F.imag(g)),
    allowed=(dtypes.float32, dtypes.float64),
    out=_COMPLEX_OF.__getitem__,
)


def complex(real: Any, imag: Any, name: str | None = None) -> Any:
    """real + i imag, from two float32 or two float64 tensors.

    >>> tf.complex([1.0], [2.0]).numpy()
    array([1.+2.j], dtype=complex64)

    TensorFlow: tf.complex.
    """
    x, y = convert(real), convert(imag)
    if x.dtype is not y.dtype or x.dtype not in _COMPLEX_OF:
        raise TypeError(
            f"The `real` and `imag` components have incorrect types: {x.dtype.name} {y.dtype.name}. They must be "
            "consistent, and one of [tf.float32, tf.float64]"
        )
    return emit_one(_COMPLEX, (x, y), NO_ATTRS, name)
