"""keras.ops, products of vectors and matrices, and what is done to diagonals."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from duoflow import ops as tf
from duoflow.core.tensor import convert

from ..dtypes import promoted
from .arrays import moveaxis
from .definition import floating, operation
from .reductions import sum

__all__ = [
    "correlate", "cross", "diag", "diagflat", "diagonal", "dot", "einsum", "inner", "kron", "matmul", "outer",
    "tensordot", "trace", "tril", "triu", "vdot",
]  # fmt: skip


@operation(inputs=2)
def matmul(x1: Any, x2: Any) -> Any:
    """The matrix product, over the last two axes. Keras: keras.ops.matmul."""
    a, b = promoted(x1, x2)
    if a.ndim == 1 and b.ndim == 1:
        return tf.tensordot(a, b, 1)
    if b.ndim == 1:
        return tf.tensordot(a, b, 1)
    if a.ndim == 1:
        return tf.tensordot(a, b, [[0], [b.ndim - 2]])
    return tf.matmul(a, b)


@operation(inputs=2)
def dot(x1: Any, x2: Any) -> Any:
    """The product over the last axis of x1 and the second last of x2. Keras: keras.ops.dot."""
    a, b = promoted(x1, x2)
    if a.ndim == 0 or b.ndim == 0:
        return a * b
    return tf.tensordot(a, b, [[a.ndim - 1], [0 if b.ndim == 1 else b.ndim - 2]])


@operation(inputs=2)
def tensordot(x1: Any, x2: Any, axes: Any = 2) -> Any:
    """The product over chosen axes. Keras: keras.ops.tensordot."""
    a, b = promoted(x1, x2)
    return tf.tensordot(a, b, axes)


@operation(inputs=2)
def inner(x1: Any, x2: Any) -> Any:
    """The product over the last axes. Keras: keras.ops.inner."""
    a, b = promoted(x1, x2)
    return a * b if a.ndim == 0 or b.ndim == 0 else tf.tensordot(a, b, [[a.ndim - 1], [b.ndim - 1]])


@operation(inputs=2)
def vdot(x1: Any, x2: Any) -> Any:
    """The product of all elements. Keras: keras.ops.vdot."""
    a, b = promoted(x1, x2)
    return tf.reduce_sum(tf.conj(tf.reshape(a, [-1])) * tf.reshape(b, [-1]))


@operation(inputs=2)
def outer(x1: Any, x2: Any) -> Any:
    """The products of all pairs. Keras: keras.ops.outer."""
    a, b = promoted(x1, x2)
    return tf.reshape(a, [-1, 1]) * tf.reshape(b, [-1])


@operation(inputs=2)
def cross(x1: Any, x2: Any, axisa: int = -1, axisb: int = -1, axisc: int = -1, axis: int | None = None) -> Any:
    """The cross product of vectors of three, or two. Keras: keras.ops.cross."""
    if axis is not None:
        axisa = axisb = axisc = axis
    a, b = promoted(x1, x2)
    a, b = moveaxis(a, axisa, -1), moveaxis(b, axisb, -1)
    flat = a.shape[-1] == b.shape[-1] == 2
    a, b = (_in_space(x) for x in (a, b))
    shape = tf.broadcast_dynamic_shape(tf.shape(a), tf.shape(b))
    out = tf.cross(tf.broadcast_to(a, shape), tf.broadcast_to(b, shape))
    return out[..., 2] if flat else moveaxis(out, -1, axisc)


def _in_space(x: Any) -> Any:
    """Vectors of two with a third coordinate of zero."""
    return tf.pad(x, [*[[0, 0]] * (x.ndim - 1), [0, 1]]) if x.shape[-1] == 2 else x


def einsum(subscripts: str, *operands: Any, **kwargs: Any) -> Any:
    """Sums of products as the subscripts say. Keras: keras.ops.einsum."""
    return _einsum(operands, subscripts=subscripts)


@operation(inputs=1, name="Einsum")
def _einsum(operands: Any, subscripts: str) -> Any:
    return tf.einsum(subscripts, *promoted(*operands))


@operation()
def diag(x: Any, k: int = 0) -> Any:
    """The diagonal of a matrix, or a matrix with that diagonal. Keras: keras.ops.diag."""
    x = convert(x)
    return tf.diag(x, k=k) if x.ndim == 1 else diagonal(x, k)


@operation()
def diagonal(x: Any, offset: int = 0, axis1: int = 0, axis2: int = 1) -> Any:
    """The diagonals of matrices along two axes. Keras: keras.ops.diagonal."""
    x = moveaxis(convert(x), (axis1, axis2), (-2, -1))
    return tf.diag_part(x, k=offset)


@operation()
def trace(x: Any, offset: int = 0, axis1: int = 0, axis2: int = 1) -> Any:
    """The sums of diagonals. Keras: keras.ops.trace."""
    return sum(diagonal(x, offset, axis1, axis2), axis=-1)


def _band(x: Any, keep: Callable[[Any, Any], Any]) -> Any:
    x = convert(x)
    rows = tf.expand_dims(tf.range(tf.shape(x)[-2]), 1)
    columns = tf.expand_dims(tf.range(tf.shape(x)[-1]), 0)
    return tf.where(keep(rows, columns), x, tf.zeros_like(x))


@operation()
def tril(x: Any, k: int = 0) -> Any:
    """Zeros above the k-th diagonal. Keras: keras.ops.tril."""
    return _band(x, lambda i, j: j <= i + k)


@operation()
def triu(x: Any, k: int = 0) -> Any:
    """Zeros below the k-th diagonal. Keras: keras.ops.triu."""
    return _band(x, lambda i, j: j >= i + k)


@operation()
def diagflat(x: Any, k: int = 0) -> Any:
    """A matrix with all elements on its k-th diagonal. Keras: keras.ops.diagflat."""
    return tf.diag(tf.reshape(x, [-1]), k=k)


@operation(inputs=2)
def kron(x1: Any, x2: Any) -> Any:
    """x2 times each element of x1, side by side. Keras: keras.ops.kron."""
    a, b = promoted(x1, x2)
    while a.ndim < b.ndim:
        a = tf.expand_dims(a, 0)
    while b.ndim < a.ndim:
        b = tf.expand_dims(b, 0)
    between = tf.shape(a) * tf.shape(b)
    for axis in range(a.ndim):
        a = tf.expand_dims(a, 2 * axis + 1)
        b = tf.expand_dims(b, 2 * axis)
    return tf.reshape(a * b, between)


@operation(inputs=2)
def correlate(x1: Any, x2: Any, mode: str = "valid") -> Any:
    """The products of x1 with x2 moved along it, where they overlap. Keras: keras.ops.correlate."""
    if mode not in ("full", "same", "valid"):
        raise ValueError(f"Invalid mode: '{mode}'. Mode must be one of: 'full', 'same', 'valid'.")
    a, b = (floating(x) for x in promoted(x1, x2))
    n, m = a.shape[0], b.shape[0]
    if mode != "valid":
        a = tf.pad(a, [[m - 1, m - 1]])
    out = tf.conv1d(tf.reshape(a, [1, -1, 1]), tf.reshape(b, [-1, 1, 1]), 1, "VALID")
    out = tf.reshape(out, [-1])
    longest = n if n > m else m
    start = (n + m - 1 - longest) // 2
    return out[start : start + longest] if mode == "same" else out
