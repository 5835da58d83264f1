"""Decompositions and functions of square matrices, computed by LAPACK through NumPy, with their gradients.

All work on stacks of matrices [..., m, n]; float16 is computed in float32. The gradients follow M. Giles, "An extended
collection of matrix derivative results", and for SVD, QR and LU the derivations cited there, written with ops.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from duoflow.core import dtypes, shapes
from duoflow.core.dtypes import DType
from duoflow.core.emit import NO_ATTRS, emit, emit_one
from duoflow.core.late import F
from duoflow.core.record import Kind, Op, register
from duoflow.core.shapes import Dims
from duoflow.core.spec import Spec
from duoflow.core.tensor import convert

from .families import COMPLEX, check_dtype, in_float32

__all__ = [
    "cholesky", "det", "eig", "eigh", "eigvals", "eigvalsh", "expm", "inv", "logdet", "logm", "lu", "qr", "slogdet",
    "sqrtm", "svd",
]  # fmt: skip

_ALLOWED = (dtypes.float16, dtypes.float32, dtypes.float64, *COMPLEX)


def _matrices(
    op_name: str, x: Spec, square: bool = False, allowed: tuple[DType, ...] = _ALLOWED
) -> tuple[Dims, Any, Any]:
    """The leading dimensions, rows and columns of an input."""
    check_dtype(op_name, "input", x.dtype, allowed)
    if x.shape is None:
        return None, None, None
    if len(x.shape) < 2:
        raise ValueError(f"Input tensor 0 must have rank >= 2, received shape {shapes.brief(x.shape)}.")
    rows, columns = x.shape[-2:]
    if square and None not in (rows, columns) and rows != columns:
        raise ValueError(f"Input matrix must be square, received shape {shapes.brief(x.shape)}.")
    return x.shape[:-2], rows, columns


def _shaped(batch: Dims, *dims: int | None) -> Dims:
    return None if batch is None else (*batch, *dims)


def _adjoint(x: Any) -> Any:
    return F.adjoint(x)


def _vector(x: Any) -> Any:
    """A scalar per matrix, shaped to scale matrices."""
    return x[..., None, None]


def _square_op(
    op_name: str, evaluate: Any, gradient: Any = None, allowed: tuple[DType, ...] = _ALLOWED, **more: Any
) -> Op:
    """An op from square matrices to matrices of the same shape."""

    def infer(x: Spec, **attrs: Any) -> Spec:
        batch, n, m = _matrices(op_name, x, square=True, allowed=allowed)
        return Spec(_shaped(batch, n if n is not None else m, m if m is not None else n), x.dtype)

    differentiable = gradient is not None
    return register(
        Op(op_name, Kind.HOST, infer, in_float32(evaluate), gradient, differentiable=differentiable, **more)
    )


# -- Cholesky ----------------------------------------------------------------------------------------------------------


def _cholesky(x: Any) -> Any:
    try:
        return np.linalg.cholesky(x)
    except np.linalg.LinAlgError:
        if x.ndim == 2:
            return np.tril(np.full_like(x, np.nan))
        return np.stack([_cholesky(one) for one in x])


def _cholesky_gradient(node: Any, g: Any) -> Any:
    factor = node.outputs[0]
    middle = F.matmul(factor, g, adjoint_a=True)
    middle = F.band_part(F.set_diag(middle, F.diag_part(middle) / 2), -1, 0)
    half = F.triangular_solve(factor, _adjoint(middle), adjoint=True)
    whole = F.triangular_solve(factor, _adjoint(half), adjoint=True)
    return (whole + _adjoint(whole)) / 2


_CHOLESKY = _square_op("Cholesky", _cholesky, _cholesky_gradient)


def cholesky(input: Any, name: str | None = None) -> Any:
    """The lower triangular L with L L^H = A for Hermitian positive definite A, of which the lower half is read.

    A matrix that is not positive definite gives NaN.

    >>> tf.linalg.cholesky([[4.0, 2.0], [2.0, 2.0]]).numpy()
    array([[2., 0.], [1., 1.]], dtype=float32)

    TensorFlow: tf.linalg.cholesky.
    """
    return emit_one(_CHOLESKY, (convert(input),), NO_ATTRS, name)


# -- inverse and determinants ------------------------------------------------------------------------------------------


def _inverse(x: Any, *, adjoint: bool) -> Any:
    try:
        return np.linalg.inv(np.conj(np.swapaxes(x, -1, -2)) if adjoint else x)
    except np.linalg.LinAlgError:
        raise ValueError("Input is not invertible.") from None


def _inverse_gradient(node: Any, g: Any) -> Any:
    inverse, adjoint = node.outputs[0], node.attrs["adjoint"]
    if adjoint:
        return -F.matmul(inverse, F.matmul(g, inverse, adjoint_a=True))
    return -F.matmul(inverse, F.matmul(g, inverse, adjoint_b=True), adjoint_a=True)


_INVERSE = _square_op("MatrixInverse", _inverse, _inverse_gradient)


def inv(input: Any, adjoint: bool = False, name: str | None = None) -> Any:
    """The inverse of each matrix, or of its adjoint. A singular one is an `InvalidArgumentError`.

    >>> tf.linalg.inv([[2.0, 0.0], [0.0, 4.0]]).numpy()
    array([[0.5 , 0.  ], [0.  , 0.25]], dtype=float32)

    TensorFlow: tf.linalg.inv.
    """
    return emit_one(_INVERSE, (convert(input),), {"adjoint": bool(adjoint)}, name)


def _infer_det(x: Spec) -> Spec:
    batch, _, _ = _matrices("MatrixDeterminant", x, square=True)
    return Spec(batch, x.dtype)


def _det_gradient(node: Any, g: Any) -> Any:
    return _vector(g * F.conj(node.outputs[0])) * inv(node.inputs[0], adjoint=True)


_DET = register(Op("MatrixDeterminant", Kind.HOST, _infer_det, in_float32(np.linalg.det), _det_gradient))


def det(input: Any, name: str | None = None) -> Any:
    """The determinant of each matrix.

    >>> tf.linalg.det([[1.0, 2.0], [3.0, 5.0]]).numpy()
    np.float32(-1.0)

    TensorFlow: tf.linalg.det.
    """
    return emit_one(_DET, (convert(input),), NO_ATTRS, name)


def _infer_slogdet(x: Spec) -> tuple[Spec, Spec]:
    batch, _, _ = _matrices("LogMatrixDeterminant", x, square=True)
    return Spec(batch, x.dtype), Spec(batch, x.dtype)


def _slogdet(x: Any) -> tuple[Any, Any]:
    sign, log = np.linalg.slogdet(x)
    return np.asarray(sign), np.asarray(log, x.dtype)


_SLOGDET = register(
    Op(
        "LogMatrixDeterminant",
        Kind.HOST,
        _infer_slogdet,
        in_float32(_slogdet),
        lambda node, _, g: _vector(g) * inv(node.inputs[0], adjoint=True),
        num_outputs=2,
    )
)


def slogdet(input: Any, name: str | None = None) -> Any:
    """The sign and the logarithm of the absolute value of each determinant.

    >>> sign, log = tf.linalg.slogdet([[0.0, 1.0], [1.0, 0.0]])
    >>> sign.numpy(), log.numpy()
    (np.float32(-1.0), np.float32(0.0))

    TensorFlow: tf.linalg.slogdet.
    """
    return emit(_SLOGDET, (convert(input),), NO_ATTRS, name)


def logdet(matrix: Any, name: str | None = None) -> Any:
    """The logarithm of the determinant of Hermitian positive definite matrices, by Cholesky's decomposition.

    >>> tf.linalg.logdet([[1.0, 0.0], [0.0, 1.0]]).numpy()
    np.float32(0.0)

    TensorFlow: tf.linalg.logdet.
    """
    with F.name_scope(name or "logdet"):
        return 2.0 * F.reduce_sum(F.log(F.real(F.diag_part(cholesky(matrix)))), [-1])


# -- QR ----------------------------------------------------------------------------------------------------------------


def _infer_qr(x: Spec, *, full_matrices: bool) -> tuple[Spec, Spec]:
    batch, m, n = _matrices("Qr", x)
    k = m if full_matrices else _least(m, n)
    return Spec(_shaped(batch, m, k), x.dtype), Spec(_shaped(batch, k, n), x.dtype)


def _least(m: int | None, n: int | None) -> int | None:
    return None if m is None or n is None else min(m, n)


def _qr(x: Any, *, full_matrices: bool) -> tuple[Any, Any]:
    q, r = np.linalg.qr(x, "complete" if full_matrices else "reduced")
    return q, r


def _qr_gradient(node: Any, gq: Any, gr: Any) -> Any:
    q, r = node.outputs
    if r.dims is None or None in r.dims[-2:]:
        raise NotImplementedError("QrGrad not implemented with dynamic shapes.")
    rows, columns = r.dims[-2:]
    if rows == columns:
        return _tall_qr_gradient(q, r, gq, gr)
    if rows > columns:
        raise NotImplementedError("QrGrad not implemented when nrows > ncols and full_matrices is true.")
    # A wide matrix is [X, Y] with X square and X = Q U: R is [U, Q^H Y].
    x_part, y_part = node.inputs[0][..., :rows], node.inputs[0][..., rows:]
    gu, gv = gr[..., :rows], gr[..., rows:]
    gx = _tall_qr_gradient(q, r[..., :rows], gq + F.matmul(y_part, gv, adjoint_b=True), gu)
    del x_part
    return F.concat([gx, F.matmul(q, gv)], -1)


def _tall_qr_gradient(q: Any, r: Any, gq: Any, gr: Any) -> Any:
    middle = F.matmul(r, gr, adjoint_b=True) - F.matmul(gq, q, adjoint_a=True)
    lower = F.band_part(middle, -1, 0)
    symmetric = lower + _adjoint(F.set_diag(lower, F.zeros_like(F.diag_part(lower))))
    if q.dtype.is_complex:
        diagonal = F.diag_part(lower)
        symmetric = F.set_diag(symmetric, F.cast(F.real(diagonal), q.dtype))
    return _adjoint(F.triangular_solve(r, _adjoint(gq + F.matmul(q, symmetric)), lower=False))


_QR = register(Op("Qr", Kind.HOST, _infer_qr, in_float32(_qr), _qr_gradient, num_outputs=2))


def qr(input: Any, full_matrices: bool = False, name: str | None = None) -> Any:
    """Q with orthonormal columns and upper triangular R, with Q R = A.

    >>> q, r = tf.linalg.qr([[3.0, 1.0], [4.0, 2.0]])
    >>> np.abs(r.numpy()).round(3)
    array([[5. , 2.2], [0. , 0.4]], dtype=float32)

    TensorFlow: tf.linalg.qr.
    """
    return emit(_QR, (convert(input),), {"full_matrices": bool(full_matrices)}, name)


# -- singular values ---------------------------------------------------------------------------------------------------


def _infer_svd(x: Spec, *, compute_uv: bool, full_matrices: bool) -> tuple[Spec, Spec, Spec]:
    batch, m, n = _matrices("Svd", x)
    k = _least(m, n)
    values = Spec(_shaped(batch, k), x.dtype)
    if not compute_uv:
        return values, Spec((0,), x.dtype), Spec((0,), x.dtype)
    a, b = (m, n) if full_matrices else (k, k)
    return values, Spec(_shaped(batch, m, a), x.dtype), Spec(_shaped(batch, n, b), x.dtype)


def _svd(x: Any, *, compute_uv: bool, full_matrices: bool) -> tuple[Any, Any, Any]:
    if not compute_uv:
        empty = np.zeros(0, x.dtype)
        return np.linalg.svd(x, compute_uv=False).astype(x.dtype), empty, empty
    u, s, vh = np.linalg.svd(x, full_matrices)
    return s.astype(x.dtype), u, np.conj(np.swapaxes(vh, -1, -2))


def _safe_inverse(x: Any) -> Any:
    """1 / x, and 0 where x is 0: degenerate pairs have no direction of their own."""
    return F.where(F.equal(x, F.zeros_like(x)), x, 1 / F.where(F.equal(x, F.zeros_like(x)), F.ones_like(x), x))


def _svd_gradient(node: Any, gs: Any, gu: Any, gv: Any) -> Any:
    x = node.inputs[0]
    if not node.attrs["compute_uv"]:
        s, u, v = emit(_SVD, (x,), {"compute_uv": True, "full_matrices": False})
        return F.matmul(u * gs[..., None, :], v, adjoint_b=True)
    if x.dims is None or None in x.dims[-2:]:
        raise NotImplementedError("SVD gradient has not been implemented for input with unknown inner matrix shape.")
    m, n = x.dims[-2:]
    if abs(m - n) > 1 and node.attrs["full_matrices"]:
        raise NotImplementedError("svd gradient is not implemented for abs(m - n) > 1 when full_matrices is True")
    k = min(m, n)
    s, u, v = node.outputs
    u, v, gu, gv = u[..., :k], v[..., :k], gu[..., :k], gv[..., :k]
    square = F.square(s)
    f = _safe_inverse(square[..., None, :] - square[..., :, None])
    by_u, by_v = F.matmul(u, gu, adjoint_a=True), F.matmul(v, gv, adjoint_a=True)
    middle = f * (by_u - _adjoint(by_u)) * s[..., None, :] + s[..., :, None] * (f * (by_v - _adjoint(by_v)))
    middle = F.set_diag(middle, F.diag_part(middle) + gs)
    if x.dtype.is_complex:  # the phase of each pair of vectors is free; what asks for one acts on v alone
        phase = F.diag_part(by_u - _adjoint(by_u)) / (4 * s) - F.diag_part(by_v - _adjoint(by_v)) / (4 * s)
        middle = middle + F.diag(phase)
    inverse = _safe_inverse(s)[..., None, :]
    out = F.matmul(F.matmul(u, middle), v, adjoint_b=True)
    if m > k:
        rest = gu - F.matmul(u, by_u)
        out = out + F.matmul(rest * inverse, v, adjoint_b=True)
    if n > k:
        rest = gv - F.matmul(v, by_v)
        out = out + F.matmul(u * inverse, rest, adjoint_b=True)
    return out


_SVD = register(Op("Svd", Kind.HOST, _infer_svd, in_float32(_svd), _svd_gradient, num_outputs=3))


def svd(tensor: Any, full_matrices: bool = False, compute_uv: bool = True, name: str | None = None) -> Any:
    """The singular values s (descending) and vectors of A = U diag(s) V^H: (s, u, v), or s alone.

    s is real for complex input as well.

    >>> tf.linalg.svd([[3.0, 0.0], [0.0, 4.0]], compute_uv=False).numpy()
    array([4., 3.], dtype=float32)

    TensorFlow: tf.linalg.svd.
    """
    attrs = {"compute_uv": bool(compute_uv), "full_matrices": bool(full_matrices)}
    s, u, v = emit(_SVD, (convert(tensor),), attrs, name)
    return (F.real(s), u, v) if compute_uv else F.real(s)


# -- eigenvalues -------------------------------------------------------------------------------------------------------


def _infer_eigh(x: Spec, *, compute_v: bool) -> tuple[Spec, Spec]:
    batch, n, m = _matrices("SelfAdjointEigV2", x, square=True)
    n = m if n is None else n
    return Spec(_shaped(batch, n), x.dtype), Spec(_shaped(batch, n, n) if compute_v else (0,), x.dtype)


def _eigh(x: Any, *, compute_v: bool) -> tuple[Any, Any]:
    if not compute_v:
        return np.linalg.eigvalsh(x).astype(x.dtype), np.zeros(0, x.dtype)
    e, v = np.linalg.eigh(x)
    return e.astype(x.dtype), v


def _eigh_gradient(node: Any, ge: Any, gv: Any) -> Any:
    """As in TensorFlow the lower half of the cotangent stands for both: the input's upper half is not read."""
    if not node.attrs["compute_v"]:
        _, v = emit(_EIGH, node.inputs, {"compute_v": True})
        full = F.matmul(v * ge[..., None, :], v, adjoint_b=True)
    else:
        e, v = node.outputs
        f = _safe_inverse(e[..., None, :] - e[..., :, None])
        middle = F.conj(f) * F.matmul(v, gv, adjoint_a=True)
        middle = F.set_diag(middle, F.diag_part(middle) + ge)
        full = F.matmul(v, F.matmul(middle, v, adjoint_b=True))
    lower = F.band_part(full + _adjoint(full), -1, 0)
    return F.set_diag(lower, F.diag_part(lower) / 2)


_EIGH = register(Op("SelfAdjointEigV2", Kind.HOST, _infer_eigh, in_float32(_eigh), _eigh_gradient, num_outputs=2))


def eigh(tensor: Any, name: str | None = None) -> Any:
    """The eigenvalues (ascending) and eigenvectors (columns) of Hermitian matrices, of which the lower half is read.

    The values have the input's dtype.

    >>> values, vectors = tf.linalg.eigh([[2.0, 0.0], [0.0, 1.0]])
    >>> values.numpy()
    array([1., 2.], dtype=float32)

    TensorFlow: tf.linalg.eigh.
    """
    return emit(_EIGH, (convert(tensor),), {"compute_v": True}, name)


def eigvalsh(tensor: Any, name: str | None = None) -> Any:
    """The eigenvalues (ascending) of Hermitian matrices.

    >>> tf.linalg.eigvalsh([[2.0, 0.0], [0.0, 1.0]]).numpy()
    array([1., 2.], dtype=float32)

    TensorFlow: tf.linalg.eigvalsh.
    """
    return emit(_EIGH, (convert(tensor),), {"compute_v": False}, name)[0]


_COMPLEX_OF = {dtypes.float32: dtypes.complex64, dtypes.float64: dtypes.complex128}
_EIG_ALLOWED = (dtypes.float32, dtypes.float64, *COMPLEX)


def _infer_eig(x: Spec, *, compute_v: bool) -> tuple[Spec, Spec]:
    batch, n, m = _matrices("Eig", x, square=True, allowed=_EIG_ALLOWED)
    n, out = (m if n is None else n), _COMPLEX_OF.get(x.dtype, x.dtype)
    return Spec(_shaped(batch, n), out), Spec(_shaped(batch, n, n) if compute_v else (0,), out)


def _eig(x: Any, *, compute_v: bool) -> tuple[Any, Any]:
    out = _COMPLEX_OF.get(dtypes.from_numpy(x.dtype), dtypes.from_numpy(x.dtype)).numpy
    if not compute_v:
        return np.linalg.eigvals(x).astype(out), np.zeros(0, out)
    e, v = np.linalg.eig(x)
    return e.astype(out), v.astype(out)


def _eig_gradient(node: Any, ge: Any, gv: Any) -> Any:
    x = node.inputs[0]
    e, v = node.outputs if node.attrs["compute_v"] else emit(_EIG, node.inputs, {"compute_v": True})
    middle = F.diag(ge)
    if node.attrs["compute_v"]:
        f = _safe_inverse(e[..., None, :] - e[..., :, None])
        by_v = F.matmul(v, gv, adjoint_a=True)
        norm = F.matmul(v, v, adjoint_a=True)  # the vectors stay of unit length
        own = F.cast(F.real(F.diag_part(by_v)), v.dtype)
        middle = middle + F.conj(f) * (by_v - norm * own[..., None, :])
    out = F.matmul(_inverse_adjoint(v), F.matmul(middle, v, adjoint_b=True))
    return out if x.dtype.is_complex else F.cast(F.real(out), x.dtype)


def _inverse_adjoint(v: Any) -> Any:
    return inv(v, adjoint=True)


_EIG = register(Op("Eig", Kind.HOST, _infer_eig, _eig, _eig_gradient, num_outputs=2))


def eig(tensor: Any, name: str | None = None) -> Any:
    """The eigenvalues and eigenvectors (columns of unit length) of square matrices, as complex numbers.

    >>> values, vectors = tf.linalg.eig([[0.0, 1.0], [-1.0, 0.0]])
    >>> np.sort_complex(values.numpy())
    array([0.-1.j, 0.+1.j], dtype=complex64)

    TensorFlow: tf.linalg.eig.
    """
    return emit(_EIG, (convert(tensor),), {"compute_v": True}, name)


def eigvals(tensor: Any, name: str | None = None) -> Any:
    """The eigenvalues of square matrices, as complex numbers.

    >>> np.sort_complex(tf.linalg.eigvals([[0.0, 1.0], [-1.0, 0.0]]).numpy())
    array([0.-1.j, 0.+1.j], dtype=complex64)

    TensorFlow: tf.linalg.eigvals.
    """
    return emit(_EIG, (convert(tensor),), {"compute_v": False}, name)[0]


# -- LU ----------------------------------------------------------------------------------------------------------------


def _infer_lu(x: Spec, *, output_idx_type: DType) -> tuple[Spec, Spec]:
    batch, n, m = _matrices("Lu", x, square=True)
    n = m if n is None else n
    return Spec(_shaped(batch, n, n), x.dtype), Spec(_shaped(batch, n), output_idx_type)


def _lu(x: Any, *, output_idx_type: DType) -> tuple[Any, Any]:
    """Gaussian elimination with partial pivoting, on all matrices of the stack at once."""
    n = x.shape[-1]
    lu = x.reshape(-1, n, n).copy()
    perm = np.tile(np.arange(n), (len(lu), 1))
    each = np.arange(len(lu))
    for j in range(n):
        pivot = j + np.argmax(np.abs(lu[:, j:, j]), axis=1)
        for rows in (lu, perm):
            rows[each, j], rows[each, pivot] = rows[each, pivot].copy(), rows[each, j].copy()
        if not lu[:, j, j].all():
            raise ValueError("Input is not invertible.")
        lu[:, j + 1 :, j] /= lu[:, j, None, j]
        lu[:, j + 1 :, j + 1 :] -= lu[:, j + 1 :, j, None] * lu[:, None, j, j + 1 :]
    return lu.reshape(x.shape), perm.reshape(x.shape[:-1]).astype(output_idx_type.numpy)


def _lu_gradient(node: Any, g: Any, _: Any) -> Any:
    lu, perm = node.outputs
    lower = F.set_diag(F.band_part(lu, -1, 0), F.ones_like(F.diag_part(lu)))
    upper = F.band_part(lu, 0, -1)
    by_lower = F.matmul(lower, F.band_part(g, -1, 0), adjoint_a=True)
    by_lower = F.set_diag(F.band_part(by_lower, -1, 0), F.zeros_like(F.diag_part(by_lower)))
    by_upper = F.band_part(F.matmul(F.band_part(g, 0, -1), upper, adjoint_b=True), 0, -1)
    left = F.triangular_solve(lower, by_lower + by_upper, adjoint=True)
    whole = _adjoint(F.triangular_solve(upper, _adjoint(left), lower=False))
    back = F.cast(F.equal(perm[..., :, None], F.range(F.shape(perm)[-1])), whole.dtype)
    return F.matmul(back, whole, transpose_a=True)


_LU = register(Op("Lu", Kind.HOST, _infer_lu, in_float32(_lu), _lu_gradient, num_outputs=2))


def lu(input: Any, output_idx_type: Any = dtypes.int32, name: str | None = None) -> Any:
    """(lu, p): L (unit lower) and U (upper) packed in one matrix, with L U equal to the rows p of the input.

    >>> packed, rows = tf.linalg.lu([[1.0, 2.0], [4.0, 4.0]])
    >>> packed.numpy(), rows.numpy()
    (array([[4.  , 4.  ], [0.25, 1.  ]], dtype=float32), array([1, 0], dtype=int32))

    TensorFlow: tf.linalg.lu.
    """
    return emit(_LU, (convert(input),), {"output_idx_type": dtypes.as_dtype(output_idx_type)}, name)


# -- functions of matrices ---------------------------------------------------------------------------------------------


def _identity(x: Any) -> Any:
    return np.broadcast_to(np.eye(x.shape[-1], dtype=x.dtype), x.shape)


def _doubly(function: Callable[[Any], Any]) -> Callable[[Any], Any]:
    """A function of matrices computed in double precision."""

    def run(x: Any) -> Any:
        return function(x.astype(np.complex128 if x.dtype.kind == "c" else np.float64)).astype(x.dtype)

    return run


@_doubly
def _expm(x: Any) -> Any:
    """Scaling and squaring around a Taylor polynomial: enough terms for a norm of 1/2 in double precision."""
    if not x.size:
        return x
    norm = np.max(np.sum(np.abs(x), axis=-2), axis=-1, initial=0)
    squarings = int(np.max(np.ceil(np.log2(np.maximum(norm, 1e-300) / 0.5)), initial=0))
    scaled, out = x / 2.0**squarings, _identity(x)
    for k in range(16, 0, -1):
        out = _identity(x) + scaled @ out / k
    for _ in range(squarings):
        out = out @ out
    return out


def _expm_gradient(node: Any, g: Any) -> Any:
    """The derivative of exp at A^H in the direction g is a block of exp [[A^H, g], [0, A^H]]."""
    a = _adjoint(node.inputs[0])
    n = F.shape(a)[-1]
    top, bottom = F.concat([a, g], -1), F.concat([F.zeros_like(a), a], -1)
    return expm(F.concat([top, bottom], -2))[..., :n, n:]


_EXPM = _square_op("MatrixExponential", _expm, _expm_gradient)


def expm(input: Any, name: str | None = None) -> Any:
    """The exponential of square matrices.

    >>> tf.linalg.expm([[0.0, 1.0], [0.0, 0.0]]).numpy()
    array([[1., 1.], [0., 1.]], dtype=float32)

    TensorFlow: tf.linalg.expm.
    """
    return emit_one(_EXPM, (convert(input),), NO_ATTRS, name)


@_doubly
def _sqrtm(x: Any) -> Any:
    """The principal square root by the product form of the Denman-Beavers iteration, scaled by determinants."""
    if not x.size:
        return x
    m, root = x, x
    for _ in range(40):
        inverse = np.linalg.inv(m)
        n = x.shape[-1]
        scale = np.abs(np.linalg.det(m))[..., None, None] ** (-1 / (2 * n))
        far = np.max(np.abs(m - _identity(x)), axis=(-2, -1), keepdims=True) > 1e-2
        mu = np.where(far & np.isfinite(scale), scale, 1.0)
        root = 0.5 * mu * root @ (_identity(x) + inverse / mu**2)
        m = 0.5 * (_identity(x) + (mu**2 * m + inverse / mu**2) / 2)
        if np.max(np.abs(m - _identity(x))) < 1e-15 * n:
            break
    return root


def _sqrtm_gradient(node: Any, g: Any) -> Any:
    """The solution S of X^H S + S X^H = g, as one linear system over the entries of S."""
    x = _adjoint(node.outputs[0])
    n = F.shape(x)[-1]
    one = F.eye(n, dtype=x.dtype)
    left = x[..., :, None, :, None] * one[:, None, :]  # [i j, k l]: x[i, k] where j = l
    right = one[:, None, :, None] * F.matrix_transpose(x)[..., None, :, None, :]  # x[l, j] where i = k
    system = F.reshape(left + right, F.concat([F.shape(x)[:-2], F.stack([n * n, n * n])], 0))
    flat = F.reshape(g, F.concat([F.shape(x)[:-2], F.stack([n * n, 1])], 0))
    return F.reshape(F.solve(system, flat), F.shape(x))


_SQRTM = _square_op("MatrixSquareRoot", _sqrtm, _sqrtm_gradient)


def sqrtm(input: Any, name: str | None = None) -> Any:
    """The principal square root of square matrices without negative eigenvalues.

    >>> tf.linalg.sqrtm([[4.0, 0.0], [0.0, 9.0]]).numpy()
    array([[2., 0.], [0., 3.]], dtype=float32)

    TensorFlow: tf.linalg.sqrtm.
    """
    return emit_one(_SQRTM, (convert(input),), NO_ATTRS, name)


@_doubly
def _logm(x: Any) -> Any:
    """Square roots until the matrix is near the identity, then the series of 2 atanh((X - 1) / (X + 1))."""
    roots = 0
    while roots < 60 and np.max(np.abs(x - _identity(x)), initial=0) > 0.25:
        x, roots = _sqrtm(x), roots + 1
    z = np.linalg.solve(x + _identity(x), x - _identity(x))
    square, power, out = z @ z, z, z
    for k in range(3, 40, 2):
        power = power @ square
        out = out + power / k
    return 2.0 ** (roots + 1) * out


_LOGM = _square_op("MatrixLogarithm", _logm, allowed=COMPLEX)


def logm(input: Any, name: str | None = None) -> Any:
    """The principal logarithm of complex square matrices without eigenvalues on the negative real axis.

    >>> tf.linalg.logm(tf.constant([[np.e, 0], [0, 1]], tf.complex64)).numpy().real.round(5)
    array([[ 1.,  0.],
           [ 0., -0.]], dtype=float32)

    TensorFlow: tf.linalg.logm.
    """
    return emit_one(_LOGM, (convert(input),), NO_ATTRS, name)
