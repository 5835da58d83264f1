"""keras.ops.linalg: decompositions, systems of equations, norms, derivatives along a direction."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

from duoflow import ops as tf
from duoflow.core import nest
from duoflow.core.autodiff import GradientTape

from ..dtypes import promoted
from .definition import axes_of, floating, operation

__all__ = [
    "cholesky", "cholesky_inverse", "det", "eig", "eigh", "inv", "jvp", "logdet", "lstsq", "lu_factor", "matrix_rank",
    "norm", "pinv", "qr", "slogdet", "solve", "solve_triangular", "svd",
]  # fmt: skip

_operation = partial(operation, module="keras.src.ops.linalg")


def _matrix(x: Any) -> Any:
    """A float tensor of two dimensions at least."""
    x = floating(x)
    if x.ndim < 2:
        raise ValueError(f"Expected input to have rank >= 2. Received: shape={tuple(x.shape)}")
    return x


def _square(x: Any) -> Any:
    x = _matrix(x)
    if x.shape[-2] != x.shape[-1]:
        raise ValueError(f"Expected a square matrix. Received: x.shape={tuple(x.shape)}")
    return x


@_operation()
def cholesky(x: Any, upper: bool = False) -> Any:
    """The triangular factor L with L Lᵀ = x, or the upper one. Keras: keras.ops.cholesky."""
    factor = tf.cholesky(_square(x))
    return tf.adjoint(factor) if upper else factor


@_operation()
def cholesky_inverse(x: Any, upper: bool = False) -> Any:
    """The inverse of the matrix whose triangular factor is `x`. Keras: keras.ops.cholesky_inverse."""
    x = _square(x)
    lower = tf.adjoint(x) if upper else x
    eye = tf.eye(x.shape[-1], batch_shape=tf.shape(x)[:-2], dtype=x.dtype)
    return tf.cholesky_solve(lower, eye)


@_operation()
def det(x: Any) -> Any:
    """The determinants. Keras: keras.ops.det."""
    return tf.det(_square(x))


@operation(module="keras.src.ops.math")
def logdet(x: Any) -> Any:
    """The logarithms of determinants of positive definite matrices. Keras: keras.ops.logdet."""
    return tf.logdet(_square(x))


@operation()
def slogdet(x: Any) -> Any:
    """The signs of determinants and the logarithms of their magnitudes. Keras: keras.ops.slogdet."""
    return tuple(tf.slogdet(_square(x)))


@_operation()
def eig(x: Any) -> Any:
    """Eigenvalues and eigenvectors. Keras: keras.ops.eig."""
    return tuple(tf.eig(_square(x)))


@_operation()
def eigh(x: Any) -> Any:
    """Eigenvalues, rising, and eigenvectors of symmetric matrices. Keras: keras.ops.eigh."""
    return tuple(tf.eigh(_square(x)))


@_operation()
def inv(x: Any) -> Any:
    """The inverses. Keras: keras.ops.inv."""
    return tf.inv(_square(x))


@_operation()
def pinv(x: Any, rcond: float | None = None) -> Any:
    """The pseudo-inverses. Keras: keras.ops.pinv."""
    return tf.pinv(_matrix(x), rcond=rcond)


@_operation()
def matrix_rank(x: Any, tol: float | None = None) -> Any:
    """The numbers of singular values above a tolerance. Keras: keras.ops.matrix_rank."""
    return tf.matrix_rank(_matrix(x), tol=tol)


@_operation()
def lu_factor(x: Any) -> Any:
    """The factors L and U in one matrix, and for each row the one it was exchanged with. Keras: keras.ops.lu_factor."""
    factors, order = tf.lu(_matrix(x))
    return factors, order


@_operation()
def qr(x: Any, mode: str = "reduced") -> Any:
    """The factors Q, orthogonal, and R, upper triangular. Keras: keras.ops.qr."""
    if mode not in ("reduced", "complete"):
        raise ValueError(f"`mode` argument value not supported. Expected one of {{'reduced', 'complete'}}. Got: {mode}")
    return tuple(tf.qr(_matrix(x), full_matrices=mode == "complete"))


@_operation()
def svd(x: Any, full_matrices: bool = True, compute_uv: bool = True) -> Any:
    """The factors U, S and Vᵀ, or the singular values S alone. Keras: keras.ops.svd."""
    x = _matrix(x)
    if not compute_uv:
        return tf.svd(x, compute_uv=False)
    values, left, right = tf.svd(x, full_matrices=full_matrices)
    return left, values, tf.adjoint(right)


@_operation(inputs=2)
def solve(a: Any, b: Any) -> Any:
    """The x with a @ x = b, for a matrix or a vector b. Keras: keras.ops.solve."""
    a, b = (floating(t) for t in promoted(a, b))
    if b.ndim == a.ndim - 1:
        return tf.squeeze(tf.solve(_square(a), tf.expand_dims(b, -1)), [-1])
    return tf.solve(_square(a), b)


@_operation(inputs=2)
def solve_triangular(a: Any, b: Any, lower: bool = False) -> Any:
    """The x with a @ x = b for triangular a. Keras: keras.ops.solve_triangular."""
    a, b = (floating(t) for t in promoted(a, b))
    if b.ndim == a.ndim - 1:
        return tf.squeeze(tf.triangular_solve(_square(a), tf.expand_dims(b, -1), lower=lower), [-1])
    return tf.triangular_solve(_square(a), b, lower=lower)


@_operation(inputs=2)
def lstsq(a: Any, b: Any, rcond: float | None = None) -> Any:
    """The x that makes a @ x least different from b. Keras: keras.ops.lstsq."""
    a, b = (floating(t) for t in promoted(a, b))
    vector = b.ndim == 1
    out = tf.matmul(tf.pinv(_matrix(a), rcond=rcond), tf.expand_dims(b, -1) if vector else b)
    return tf.squeeze(out, [-1]) if vector else out


@_operation()
def norm(x: Any, ord: Any = None, axis: Any = None, keepdims: bool = False) -> Any:
    """The norms over an axis, of vectors, or two, of matrices. Keras: keras.ops.norm."""
    x = floating(x)
    axes = list(range(x.ndim)) if axis is None else [axis] if isinstance(axis, int) else list(axis)
    if ord is None:
        return tf.sqrt(tf.reduce_sum(tf.square(tf.abs(x)), axis=axes, keepdims=keepdims))
    if len(axes) == 1:
        return _vector_norm(x, ord, axes[0], keepdims)
    if len(axes) == 2:
        return _matrix_norm(x, ord, axes_of(axes, x.ndim), keepdims)
    raise ValueError(f"Improper number of dimensions to norm. Received: ord={ord}, axis={axis}, x.ndim={x.ndim}")


def _vector_norm(x: Any, ord: Any, axis: int, keepdims: bool) -> Any:
    if isinstance(ord, str):
        raise ValueError(f"Invalid `ord` argument for vector norm. Received: ord={ord}")
    if ord == 0:
        return tf.reduce_sum(tf.cast(tf.not_equal(x, 0), x.dtype), axis=axis, keepdims=keepdims)
    size = tf.abs(x)
    if ord in (float("inf"), float("-inf")):
        return (tf.reduce_max if ord > 0 else tf.reduce_min)(size, axis=axis, keepdims=keepdims)
    return tf.pow(tf.reduce_sum(tf.pow(size, float(ord)), axis=axis, keepdims=keepdims), 1.0 / ord)


def _matrix_norm(x: Any, ord: Any, axes: list[int], keepdims: bool) -> Any:
    if ord == "fro":
        return norm(x, None, axes, keepdims)
    if ord in ("nuc", 2, -2):
        rest = [a for a in range(x.ndim) if a not in axes]
        values = tf.svd(tf.transpose(x, rest + axes), compute_uv=False)
        reduce = {"nuc": tf.reduce_sum, 2: tf.reduce_max, -2: tf.reduce_min}[ord]
        out = reduce(values, axis=-1)
        for a in sorted(axes) if keepdims else ():
            out = tf.expand_dims(out, a)
        return out
    if ord not in (1, -1, float("inf"), float("-inf")):
        raise ValueError(f"Invalid `ord` argument for matrix norm. Received: ord={ord}")
    summed, kept = axes if abs(ord) == 1 else reversed(axes)
    totals = tf.reduce_sum(tf.abs(x), axis=summed, keepdims=True)
    out = (tf.reduce_max if ord > 0 else tf.reduce_min)(totals, axis=kept, keepdims=True)
    return out if keepdims else tf.squeeze(out, axes)


def jvp(fun: Callable[..., Any], primals: Any, tangents: Any, has_aux: bool = False) -> Any:
    """What a function gives, and how that changes along a direction of its arguments.

    Args:
      fun: of tensors; with `has_aux` it gives (output, more), and more is handed on.
      primals, tangents: the arguments and their direction, of equal structure and shapes.

    >>> y, change = tf.keras.ops.jvp(lambda x: x**2, (3.0,), (1.0,))
    >>> float(y), float(change)
    (9.0, 6.0)

    Keras: keras.ops.jvp.
    """
    primals, tangents = (nest.map_structure(floating, tuple(x)) for x in (primals, tangents))
    if len(primals) != len(tangents):
        raise ValueError(f"`primals` and `tangents` must correspond. Received: {len(primals)} and {len(tangents)}")
    flat, directions = nest.flatten(primals), nest.flatten(tangents)
    with GradientTape() as outer:
        seeds: list[Any] = []
        with GradientTape() as inner:
            inner.watch(flat)
            out = fun(*primals)
            out, more = out if has_aux else (out, None)
        results = nest.flatten(out)
        seeds = [tf.zeros_like(y) for y in results]
        outer.watch(seeds)
        pulled = inner.gradient(results, flat, output_gradients=seeds)
        along = sum(tf.reduce_sum(p * d) for p, d in zip(pulled, directions, strict=True) if p is not None)
    changes = outer.gradient(along, seeds) if any(p is not None for p in pulled) else seeds
    along_outputs = [tf.zeros_like(y) if c is None else c for y, c in zip(results, changes, strict=True)]
    change = nest.pack_sequence_as(out, along_outputs)
    return (out, change, more) if has_aux else (out, change)
