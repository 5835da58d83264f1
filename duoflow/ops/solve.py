"""Systems of linear equations, exactly and in the least-squares sense."""

from __future__ import annotations

from typing import Any

import numpy as np

from duoflow.core import dtypes, shapes
from duoflow.core.emit import emit_one
from duoflow.core.late import F
from duoflow.core.record import Kind, Op, register
from duoflow.core.spec import Spec
from duoflow.core.tensor import convert

from .families import COMPLEX, check_dtype, convert_pair, in_float32
from .postponed import is_sized, postponed

__all__ = [
    "banded_triangular_solve", "cholesky_solve", "lstsq", "lu_matrix_inverse", "lu_reconstruct", "lu_solve",
    "matrix_rank", "pinv", "solve", "triangular_solve", "tridiagonal_matmul", "tridiagonal_solve",
]  # fmt: skip

_ALLOWED = (dtypes.float16, dtypes.float32, dtypes.float64, *COMPLEX)


def _check_system(op_name: str, matrix: Spec, rhs: Spec) -> None:
    check_dtype(op_name, "matrix", matrix.dtype, (*_ALLOWED, dtypes.bfloat16))
    if matrix.dtype is not rhs.dtype:
        raise TypeError(f"{op_name} takes tensors of one dtype, received {matrix.dtype.name} and {rhs.dtype.name}.")
    for spec in (matrix, rhs):
        if spec.rank is not None and spec.rank < 2:
            raise ValueError(f"{op_name} takes matrices, received shape {shapes.brief(spec.shape)}.")
    if matrix.shape is not None:
        rows, columns = matrix.shape[-2:]
        if None not in (rows, columns) and rows != columns:
            raise ValueError(f"Input matrix must be square, received shape {shapes.brief(matrix.shape)}.")
        if rhs.shape is not None and not shapes.compatible(matrix.shape[-1:], rhs.shape[-2:-1]):
            raise ValueError(
                f"Input matrix and rhs are incompatible: {shapes.brief(matrix.shape)} and {shapes.brief(rhs.shape)}."
            )


# -- general matrices --------------------------------------------------------------------------------------------------


def _infer_solve(matrix: Spec, rhs: Spec, *, adjoint: bool) -> Spec:
    _check_system("MatrixSolve", matrix, rhs)
    if matrix.shape is not None and rhs.shape is not None and not shapes.compatible(matrix.shape[:-2], rhs.shape[:-2]):
        raise ValueError(
            f"All input tensors must have the same outer dimensions: {shapes.brief(matrix.shape)} and "
            f"{shapes.brief(rhs.shape)}."
        )
    return Spec(rhs.shape, rhs.dtype)


def _flipped(x: Any, adjoint: bool) -> Any:
    return np.conj(np.swapaxes(x, -1, -2)) if adjoint else x


@in_float32
def _solve(matrix: Any, rhs: Any, *, adjoint: bool) -> Any:
    try:
        return np.linalg.solve(_flipped(matrix, adjoint), rhs)
    except np.linalg.LinAlgError:
        raise ValueError("Input matrix is not invertible.") from None


def _solve_gradient(node: Any, g: Any) -> tuple[Any, Any]:
    matrix, x, adjoint = node.inputs[0], node.outputs[0], node.attrs["adjoint"]
    by_rhs = solve(matrix, g, adjoint=not adjoint)
    by_matrix = F.matmul(x, by_rhs, adjoint_b=True) if adjoint else F.matmul(by_rhs, x, adjoint_b=True)
    return -by_matrix, by_rhs


_SOLVE = register(Op("MatrixSolve", Kind.HOST, _infer_solve, _solve, _solve_gradient))


def solve(matrix: Any, rhs: Any, adjoint: bool = False, name: str | None = None) -> Any:
    """X with A X = B (or A^H X = B) for square A [..., n, n] and B [..., n, k].

    A singular matrix is an `InvalidArgumentError`.

    >>> tf.linalg.solve([[2.0, 0.0], [0.0, 4.0]], [[2.0], [2.0]]).numpy()
    array([[1. ], [0.5]], dtype=float32)

    TensorFlow: tf.linalg.solve.
    """
    matrix, rhs = convert_pair(matrix, rhs)
    return emit_one(_SOLVE, (matrix, rhs), {"adjoint": bool(adjoint)}, name)


# -- triangular matrices -----------------------------------------------------------------------------------------------


def _infer_triangular(matrix: Spec, rhs: Spec, *, lower: bool, adjoint: bool) -> Spec:
    _check_system("MatrixTriangularSolve", matrix, rhs)
    if matrix.shape is None or rhs.shape is None:
        return Spec(None, rhs.dtype)
    batch = shapes.broadcast(matrix.shape[:-2], rhs.shape[:-2])
    assert batch is not None
    return Spec(batch + rhs.shape[-2:], rhs.dtype)


@in_float32
def _triangular(matrix: Any, rhs: Any, *, lower: bool, adjoint: bool) -> Any:
    """Substitution, one row of unknowns at a time for all matrices of the stack."""
    a = _flipped(np.tril(matrix) if lower else np.triu(matrix), adjoint)
    batch = np.broadcast_shapes(a.shape[:-2], rhs.shape[:-2])
    out = np.broadcast_to(rhs, batch + rhs.shape[-2:]).copy()
    n = a.shape[-1]
    forward = lower is not adjoint
    for i in range(n) if forward else range(n - 1, -1, -1):
        out[..., i, :] /= a[..., i, i, None]
        rest = slice(i + 1, n) if forward else slice(0, i)
        out[..., rest, :] -= a[..., rest, i, None] * out[..., None, i, :]
    return out


def _triangular_gradient(node: Any, g: Any) -> tuple[Any, Any]:
    (matrix, rhs), x, attrs = node.inputs, node.outputs[0], node.attrs
    by_rhs = triangular_solve(matrix, g, lower=attrs["lower"], adjoint=not attrs["adjoint"])
    full = F.matmul(x, by_rhs, adjoint_b=True) if attrs["adjoint"] else F.matmul(by_rhs, x, adjoint_b=True)
    by_matrix = F.band_part(-full, -1, 0) if attrs["lower"] else F.band_part(-full, 0, -1)
    return F.sum_to_shape_of(by_matrix, matrix), F.sum_to_shape_of(by_rhs, rhs)


_TRIANGULAR = register(Op("MatrixTriangularSolve", Kind.HOST, _infer_triangular, _triangular, _triangular_gradient))


def triangular_solve(matrix: Any, rhs: Any, lower: bool = True, adjoint: bool = False, name: str | None = None) -> Any:
    """X with A X = B (or A^H X = B) for triangular A; the other half of A is not read. Stacks broadcast.

    A zero on the diagonal gives infinities or NaN.

    >>> tf.linalg.triangular_solve([[2.0, 9.0], [1.0, 1.0]], [[2.0], [3.0]]).numpy()
    array([[1.], [2.]], dtype=float32)

    TensorFlow: tf.linalg.triangular_solve.
    """
    matrix, rhs = convert_pair(matrix, rhs)
    return emit_one(_TRIANGULAR, (matrix, rhs), {"lower": bool(lower), "adjoint": bool(adjoint)}, name)


def cholesky_solve(chol: Any, rhs: Any, name: str | None = None) -> Any:
    """X with L L^H X = B, for L as `cholesky` gives it.

    >>> tf.linalg.cholesky_solve([[2.0, 0.0], [0.0, 1.0]], [[4.0], [3.0]]).numpy()
    array([[1.], [3.]], dtype=float32)

    TensorFlow: tf.linalg.cholesky_solve.
    """
    with F.name_scope(name or "cholesky_solve"):
        chol, rhs = convert_pair(chol, rhs)
        return triangular_solve(chol, triangular_solve(chol, rhs), adjoint=True)


# -- from a factorization by `lu` --------------------------------------------------------------------------------------


def _unit_lower(lower_upper: Any) -> Any:
    lower = F.band_part(lower_upper, -1, 0)
    return F.set_diag(lower, F.ones_like(F.diag_part(lower)))


def _permuted(x: Any, perm: Any) -> Any:
    """The rows of each matrix in the order of the permutation."""
    return F.gather(x, perm, axis=-2, batch_dims=perm.ndim - 1)


def lu_solve(lower_upper: Any, perm: Any, rhs: Any, validate_args: bool = False, name: str | None = None) -> Any:
    """X with A X = B, for A factored by `tf.linalg.lu`. Shapes are always validated.

    >>> tf.linalg.lu_solve(*tf.linalg.lu([[1.0, 2.0], [4.0, 4.0]]), [[3.0], [8.0]]).numpy()
    array([[1.], [1.]], dtype=float32)

    TensorFlow: tf.linalg.lu_solve.
    """
    with F.name_scope(name or "lu_solve"):
        lower_upper, rhs = convert_pair(lower_upper, rhs)
        perm = convert(perm, dtype_hint=dtypes.int32)
        permuted = _permuted(F.broadcast_to(rhs, F.concat([F.shape(perm), F.shape(rhs)[-1:]], 0)), perm)
        return triangular_solve(lower_upper, triangular_solve(_unit_lower(lower_upper), permuted), lower=False)


def lu_reconstruct(lower_upper: Any, perm: Any, validate_args: bool = False, name: str | None = None) -> Any:
    """The matrix that `tf.linalg.lu` factored. Shapes are always validated.

    >>> tf.linalg.lu_reconstruct(*tf.linalg.lu([[1.0, 2.0], [4.0, 4.0]])).numpy()
    array([[1., 2.], [4., 4.]], dtype=float32)

    TensorFlow: tf.linalg.lu_reconstruct.
    """
    with F.name_scope(name or "lu_reconstruct"):
        lower_upper, perm = convert(lower_upper), convert(perm, dtype_hint=dtypes.int32)
        product = F.matmul(_unit_lower(lower_upper), F.band_part(lower_upper, 0, -1))
        back = F.cast(F.equal(perm[..., :, None], F.range(F.shape(perm)[-1])), product.dtype)
        return F.matmul(back, product, transpose_a=True)


def lu_matrix_inverse(lower_upper: Any, perm: Any, validate_args: bool = False, name: str | None = None) -> Any:
    """The inverse of the matrix that `tf.linalg.lu` factored. Shapes are always validated.

    >>> tf.linalg.lu_matrix_inverse(*tf.linalg.lu([[2.0, 0.0], [0.0, 4.0]])).numpy()
    array([[0.5 , 0.  ], [0.  , 0.25]], dtype=float32)

    TensorFlow: tf.linalg.lu_matrix_inverse.
    """
    with F.name_scope(name or "lu_matrix_inverse"):
        lower_upper = convert(lower_upper)
        shape = F.shape(lower_upper)
        return lu_solve(lower_upper, perm, F.eye(shape[-1], batch_shape=shape[:-2], dtype=lower_upper.dtype))


# -- least squares -----------------------------------------------------------------------------------------------------


def lstsq(matrix: Any, rhs: Any, l2_regularizer: Any = 0.0, fast: bool = True, name: str | None = None) -> Any:
    """X that minimizes |A X - B|^2 + l2 |X|^2 for A [..., m, n] and B [..., m, k]; of several, the smallest.

    `fast` solves the normal equations by Cholesky's decomposition; otherwise, as in TensorFlow, the regularizer is not
    used and singular values decide, which also serves matrices that lack rank.

    >>> tf.linalg.lstsq([[1.0], [1.0]], [[1.0], [3.0]]).numpy()
    array([[2.]], dtype=float32)

    TensorFlow: tf.linalg.lstsq.
    """
    with F.name_scope(name or "matrix_solve_ls"):
        matrix, rhs = convert_pair(matrix, rhs)
        if not fast:
            return F.matmul(pinv(matrix), rhs)
        return _lstsq(matrix, F.cast(l2_regularizer, matrix.dtype), rhs)


@postponed(until=is_sized)
def _lstsq(matrix: Any, l2_regularizer: Any, rhs: Any) -> Any:
    rows, columns = matrix.dims[-2:]
    tall = rows >= columns
    gram = F.matmul(matrix, matrix, adjoint_a=True) if tall else F.matmul(matrix, matrix, adjoint_b=True)
    chol = F.cholesky(gram + F.eye(min(rows, columns), dtype=matrix.dtype) * l2_regularizer)
    if tall:
        return cholesky_solve(chol, F.matmul(matrix, rhs, adjoint_a=True))
    return F.matmul(matrix, cholesky_solve(chol, rhs), adjoint_a=True)


def pinv(a: Any, rcond: Any = None, validate_args: bool = False, name: str | None = None) -> Any:
    """The Moore-Penrose pseudo-inverse; singular values up to `rcond` (10 max(m, n) eps) times the largest count as 0.

    >>> tf.linalg.pinv([[2.0, 0.0], [0.0, 0.0]]).numpy()
    array([[0.5, 0. ], [0. , 0. ]], dtype=float32)

    TensorFlow: tf.linalg.pinv.
    """
    with F.name_scope(name or "pinv"):
        a = convert(a)
        real_dtype = a.dtype.real_dtype
        if rcond is None:
            sizes = F.cast(F.reduce_max(F.shape(a)[-2:]), real_dtype)
            rcond = sizes * (10 * np.finfo(real_dtype.numpy).eps)
        s, u, v = F.svd(a)
        cutoff = F.cast(rcond, real_dtype)[..., None] * F.reduce_max(s, -1, keepdims=True)
        kept = F.greater(s, cutoff)
        inverse = F.where(kept, 1 / F.where(kept, s, F.ones_like(s)), F.zeros_like(s))
        return F.matmul(v * F.cast(inverse, a.dtype)[..., None, :], u, adjoint_b=True)


def matrix_rank(a: Any, tol: Any = None, validate_args: bool = False, name: str | None = None) -> Any:
    """How many singular values are above `tol` (max(m, n) eps times the largest), int32.

    >>> tf.linalg.matrix_rank([[1.0, 2.0], [2.0, 4.0]]).numpy()
    np.int32(1)

    TensorFlow: tf.linalg.matrix_rank.
    """
    with F.name_scope(name or "matrix_rank"):
        a = convert(a)
        s = F.svd(a, compute_uv=False)
        if tol is None:
            sizes = F.cast(F.reduce_max(F.shape(a)[-2:]), s.dtype)
            tol = sizes * np.finfo(s.dtype.numpy).eps * F.reduce_max(s, -1, keepdims=True)
        return F.reduce_sum(F.cast(F.greater(s, tol), dtypes.int32), -1)


# -- banded matrices ---------------------------------------------------------------------------------------------------


def _three(diagonals: Any, diagonals_format: str) -> tuple[Any, Any, Any]:
    """The upper, main and lower diagonals [..., n]; the last of the upper and the first of the lower are not used."""
    if diagonals_format == "compact":
        stacked = convert(diagonals)
        if stacked.dims is not None and stacked.dims[-2] not in (None, 3):
            raise ValueError(f"Expected 3 diagonals got {stacked.dims[-2]}")
        return stacked[..., 0, :], stacked[..., 1, :], stacked[..., 2, :]
    if diagonals_format == "sequence":
        upper, main, lower = (convert(d) for d in diagonals)
        short = upper.dims is not None and main.dims is not None and upper.dims[-1] != main.dims[-1]
        if short:
            gap = F.zeros_like(main[..., :1])
            upper, lower = F.concat([upper, gap], -1), F.concat([gap, lower], -1)
        return upper, main, lower
    if diagonals_format == "matrix":
        stacked = F.diag_part(convert(diagonals), k=(-1, 1), align="LEFT_RIGHT")
        return stacked[..., 0, :], stacked[..., 1, :], stacked[..., 2, :]
    raise ValueError(f"Unrecognized diagonals_format: {diagonals_format}. Expected compact, sequence or matrix.")


def tridiagonal_matmul(diagonals: Any, rhs: Any, diagonals_format: str = "compact", name: str | None = None) -> Any:
    """The product of tridiagonal matrices, given by their diagonals, with rhs [..., n, k].

    Formats: "compact" [..., 3, n] (upper, main, lower), "sequence" of the three, "matrix" [..., n, n].

    >>> tf.linalg.tridiagonal_matmul([[1.0, 0.0], [2.0, 2.0], [0.0, 3.0]], [[1.0], [1.0]]).numpy()
    array([[3.], [5.]], dtype=float32)

    TensorFlow: tf.linalg.tridiagonal_matmul.
    """
    with F.name_scope(name or "tridiagonal_matmul"):
        upper, main, lower = _three(diagonals, diagonals_format)
        rhs = convert(rhs, dtype=main.dtype)
        gap = F.zeros_like(rhs[..., :1, :])
        above, below = F.concat([rhs[..., 1:, :], gap], -2), F.concat([gap, rhs[..., :-1, :]], -2)
        return upper[..., None] * above + main[..., None] * rhs + lower[..., None] * below


def tridiagonal_solve(
    diagonals: Any,
    rhs: Any,
    diagonals_format: str = "compact",
    transpose_rhs: bool = False,
    conjugate_rhs: bool = False,
    name: str | None = None,
    partial_pivoting: bool = True,
    perturb_singular: bool = False,
) -> Any:
    """X with T X = B for tridiagonal T given by its diagonals; rhs is [..., n] or [..., n, k].

    Rows are always pivoted. `perturb_singular` is refused, as TensorFlow's CPU refuses it.

    >>> tf.linalg.tridiagonal_solve([[1.0, 0.0], [2.0, 2.0], [0.0, 3.0]], [3.0, 5.0]).numpy()
    array([1., 1.], dtype=float32)

    TensorFlow: tf.linalg.tridiagonal_solve.
    """
    if perturb_singular:
        raise ValueError("perturb_singular is not supported on the CPU.")
    with F.name_scope(name or "tridiagonal_solve"):
        upper, main, lower = _three(diagonals, diagonals_format)
        rhs = convert(rhs, dtype=main.dtype)
        vector = rhs.ndim == main.ndim
        right = rhs[..., None] if vector else rhs
        right = F.adjoint(right) if transpose_rhs and conjugate_rhs and not vector else right
        right = F.matrix_transpose(right) if transpose_rhs and not conjugate_rhs and not vector else right
        right = F.conj(right) if conjugate_rhs and (not transpose_rhs or vector) else right
        band = F.stack([upper, main, lower], -2)
        out = solve(F.diag(band, k=(-1, 1), align="LEFT_RIGHT"), right)
        return F.squeeze(out, -1) if vector else out


def banded_triangular_solve(
    bands: Any, rhs: Any, lower: bool = True, adjoint: bool = False, name: str | None = None
) -> Any:
    """X with A X = B for triangular A given by its diagonals [..., bands, n], the main one first if `lower`, else last.

    >>> tf.linalg.banded_triangular_solve([[2.0, 1.0], [0.0, 1.0]], [[2.0], [3.0]]).numpy()
    array([[1.], [2.]], dtype=float32)

    TensorFlow: tf.linalg.banded_triangular_solve.
    """
    with F.name_scope(name or "banded_triangular_solve"):
        bands, rhs = convert_pair(bands, rhs)
        count = None if bands.dims is None else bands.dims[-2]
        if count is None:
            raise ValueError("The number of bands must be known.")
        k = (1 - count, 0) if lower else (0, count - 1)
        matrix = F.diag(bands, k=k, align="LEFT_RIGHT")
        return triangular_solve(matrix, rhs, lower=lower, adjoint=adjoint)
