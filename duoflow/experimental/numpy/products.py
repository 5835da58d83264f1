"""NumPy's products of arrays. TensorFlow: tf.experimental.numpy."""

from __future__ import annotations

from typing import Any

from duoflow import ops as F
from duoflow.core.tensor import Tensor

from .arrays import moveaxis
from .promotion import asarray, promoted

__all__ = ["cross", "dot", "einsum", "inner", "kron", "matmul", "outer", "polyval", "tensordot", "vdot"]


def matmul(x1: Any, x2: Any) -> Tensor:
    """The product of matrices, of stacks of them, and of vectors. TensorFlow: tf.experimental.numpy.matmul."""
    a, b = promoted(x1, x2)
    if not a.ndim or not b.ndim:
        raise ValueError("Scalar operands are not allowed, use '*' instead")
    if b.ndim == 1:
        return F.tensordot(a, b, [[-1], [0]])  # type: ignore[no-any-return]
    if a.ndim == 1:
        return F.tensordot(a, b, [[0], [b.ndim - 2]])  # type: ignore[no-any-return]
    return F.matmul(a, b)  # type: ignore[no-any-return]


def dot(a: Any, b: Any) -> Tensor:
    """The sum of products over the last axis of a and the last but one of b. TensorFlow: tf.experimental.numpy.dot."""
    x, y = promoted(a, b)
    if not x.ndim or not y.ndim:
        return x * y  # type: ignore[no-any-return, operator]
    return F.tensordot(x, y, [[-1], [max(y.ndim - 2, 0)]])  # type: ignore[no-any-return]


def inner(a: Any, b: Any) -> Tensor:
    """The sum of products over the last axes. TensorFlow: tf.experimental.numpy.inner."""
    x, y = promoted(a, b)
    if not x.ndim or not y.ndim:
        return x * y  # type: ignore[no-any-return, operator]
    return F.tensordot(x, y, [[-1], [-1]])  # type: ignore[no-any-return]


def outer(a: Any, b: Any) -> Tensor:
    """All products of two elements. TensorFlow: tf.experimental.numpy.outer."""
    x, y = promoted(a, b)
    return F.reshape(x, [-1, 1]) * F.reshape(y, [1, -1])  # type: ignore[no-any-return]


def vdot(a: Any, b: Any) -> Tensor:
    """The sum of products of all elements, the first conjugated. TensorFlow: tf.experimental.numpy.vdot."""
    x, y = promoted(a, b)
    x = F.conj(x) if x.dtype.is_complex else x
    return F.tensordot(F.reshape(x, [-1]), F.reshape(y, [-1]), 1)  # type: ignore[no-any-return]


def tensordot(a: Any, b: Any, axes: Any = 2) -> Tensor:
    """The sum of products over axes. TensorFlow: tf.experimental.numpy.tensordot."""
    return F.tensordot(*promoted(a, b), axes=axes)  # type: ignore[no-any-return]


def einsum(subscripts: str, *operands: Any, **kwargs: Any) -> Tensor:
    """Sums of products by names of axes; `casting` and `optimize` are accepted.

    TensorFlow: tf.experimental.numpy.einsum.
    """
    casting = kwargs.pop("casting", "safe")
    if casting not in ("safe", "no"):
        raise ValueError(f"casting policy not supported: {casting}")
    kwargs.pop("optimize", None)
    if kwargs:
        raise ValueError(f"Received unsupported arguments {sorted(kwargs)}")
    return F.einsum(subscripts, *promoted(*operands))  # type: ignore[no-any-return]


def kron(a: Any, b: Any) -> Tensor:
    """The product of each element of a with all of b. TensorFlow: tf.experimental.numpy.kron."""
    x, y = promoted(a, b)
    rank = max(x.ndim, y.ndim)
    left = [1] * (rank - x.ndim) + list(x.shape)
    right = [1] * (rank - y.ndim) + list(y.shape)
    x = F.reshape(x, [size for pair in zip(left, [1] * rank, strict=True) for size in pair])
    y = F.reshape(y, [size for pair in zip([1] * rank, right, strict=True) for size in pair])
    return F.reshape(x * y, [m * n for m, n in zip(left, right, strict=True)])  # type: ignore[no-any-return]


def cross(a: Any, b: Any, axisa: int = -1, axisb: int = -1, axisc: int = -1, axis: Any = None) -> Tensor:
    """The cross product of vectors of two or three components. TensorFlow: tf.experimental.numpy.cross."""
    if axis is not None:
        axisa = axisb = axisc = axis
    x, y = promoted(a, b)
    x, y = moveaxis(x, axisa, -1), moveaxis(y, axisb, -1)
    flat = x.shape[-1] == y.shape[-1] == 2
    if not {x.shape[-1], y.shape[-1]} <= {2, 3}:
        raise ValueError("incompatible dimensions for cross product (dimension must be 2 or 3)")
    if flat:
        return x[..., 0] * y[..., 1] - x[..., 1] * y[..., 0]  # type: ignore[no-any-return]
    (x0, x1, x2), (y0, y1, y2) = (
        [v[..., i] if i < v.shape[-1] else F.zeros_like(v[..., 0]) for i in range(3)] for v in (x, y)
    )
    return moveaxis(F.stack([x1 * y2 - x2 * y1, x2 * y0 - x0 * y2, x0 * y1 - x1 * y0], -1), -1, axisc)


def polyval(p: Any, x: Any) -> Tensor:
    """The value of a polynomial, highest power first. TensorFlow: tf.experimental.numpy.polyval."""
    coefficients, at = promoted(p, x)
    found = F.zeros_like(at)
    for coefficient in F.unstack(coefficients):
        found = found * at + coefficient
    return asarray(found)
