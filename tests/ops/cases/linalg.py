"""Matrix products, decompositions, solvers, diagonals."""

import numpy as np

from duoflow import ops as F
from tests.ops.harness import Case, ints, real

_FLOATS = ["bfloat16", "float16", "float64"]
_Z = (real(2, 3) + 1j * real(2, 3, seed=1)).astype(np.complex64)


def _products(*lead_a, lead_b=None):
    """Both operands flipped and not, with these leading dimensions."""
    lead_b = lead_a if lead_b is None else lead_b
    for flip_a in (False, True):
        for flip_b in (False, True):
            a = real(*lead_a, *((3, 2) if flip_a else (2, 3)))
            b = real(*lead_b, *((4, 3) if flip_b else (3, 4)), seed=1)
            label = f"{list(lead_a)}{list(lead_b)}-{flip_a:d}{flip_b:d}"
            yield Case(F.matmul, a, b, transpose_a=flip_a, transpose_b=flip_b, dtypes=_FLOATS, id=f"matmul{label}")


def _spd(*lead):
    """Symmetric positive definite matrices."""
    x = real(*lead, 3, 3, seed=4, scale=1.0)
    return (x @ np.swapaxes(x, -1, -2) + 2 * np.eye(3)).astype(np.float32)


def _regular(*lead, n=3):
    """Matrices far from singular."""
    return (real(*lead, n, n, seed=5, scale=0.7) + 3 * np.eye(n)).astype(np.float32)


def _symmetric(function):
    """A function of the symmetric part, so that its gradient does not depend on which half is read."""

    def call(x, **options):
        return function((x + F.matrix_transpose(x)) / 2, **options)

    call.__name__ = function.__name__
    return call


def _columns(function):
    """The parts of a decomposition with the free sign of each vector taken out."""

    def call(x, **options):
        return [
            part if part.dims is not None and len(part.dims) < 2 else F.abs(part) for part in function(x, **options)
        ]

    call.__name__ = function.__name__
    return call


_DIAGONALS = np.array([[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]], np.float32)
_TRIDIAGONAL = real(3, 4) + np.array([[0], [6], [0]], np.float32)

CASES = [
    *_products(),
    *_products(5),
    *_products(5, 1, lead_b=(2,)),
    *_products(lead_b=(2,)),
    Case(F.matmul, ints(2, 3), ints(3, 4), dtypes=["int64"], id="matmul-int"),
    Case(F.matmul, _Z, _Z, adjoint_a=True, id="matmul-adjoint"),
    Case(F.matmul, _Z[None], _Z[None], adjoint_b=True, id="matmul-batch-adjoint"),
    Case(F.matmul, _Z[None], _Z[None], transpose_b=True, id="matmul-batch-transpose"),
    Case(F.matmul, real(2, 0), real(0, 3), id="matmul-empty"),
    Case(F.matvec, real(5, 2, 3), real(5, 3), order=2),
    Case(F.matvec, real(3, 2), real(3), transpose_a=True),
    # transposes, diagonals, bands
    Case(F.matrix_transpose, real(2, 3, 4)),
    Case(F.adjoint, _Z),
    Case(F.cross, real(2, 3), real(2, 3, seed=1), needs="rank"),
    Case(F.diag, real(2, 3), dtypes=[*_FLOATS, "int32"]),
    *(Case(F.diag, _DIAGONALS, k=(-1, 0), align=a, id=f"diag-{a}") for a in ("LEFT_RIGHT", "RIGHT_LEFT")),
    Case(F.diag, real(2), k=-2, num_rows=4, num_cols=3, padding_value=1.5, id="diag-sizes"),
    *(Case(F.diag_part, real(2, 3, 4), k=k) for k in (0, 1, -2)),
    *(
        Case(F.diag_part, real(2, 3, 4), k=(-1, 2), align=a, padding_value=7, id=f"diag_part-{a}")
        for a in ("LEFT_LEFT", "LEFT_RIGHT", "RIGHT_LEFT", "RIGHT_RIGHT")
    ),
    Case(F.set_diag, real(2, 3, 4), real(2, 3)),
    Case(F.set_diag, real(3, 3), _DIAGONALS, k=(0, 1), align="LEFT_LEFT", id="set_diag-band"),
    *(Case(F.band_part, real(2, 3, 4), *n, id=f"band_part{n}") for n in ((0, 0), (1, -1), (-1, 1), (-1, -1))),
    Case(F.band_part, real(3, 4), np.array(1, np.int32), np.array(-1, np.int32), grad=(0,), id="band_part-tensors"),
    Case(F.eye, 2, 3, batch_shape=[2], dtype="int32"),
    Case(lambda n: F.eye(n, batch_shape=[2]), np.array(3, np.int32), id="eye-tensor"),
    Case(F.trace, real(2, 3, 4)),
    Case(F.tensor_diag, real(2, 3), needs="rank"),
    Case(F.tensor_diag_part, real(2, 3, 2, 3), needs="rank"),
    # norms
    *(
        Case(F.norm, real(2, 3), ord=o, axis=a, id=f"norm-{o}-{a}")
        for o, a in (
            ("euclidean", None),
            (1, 1),
            (3, 0),
            (np.inf, -1),
            (1, [0, 1]),
            (np.inf, (0, 1)),
            ("fro", [-2, -1]),
        )
    ),
    Case(F.norm, real(4, 2, 3), ord=2, axis=[-2, -1], needs="shape", id="norm-spectral"),
    Case(F.norm, _Z, axis=1, id="norm-complex"),
    Case(F.norm, real(2, 3), axis=0, keepdims=True, id="norm-keepdims"),
    Case(F.normalize, real(2, 3), axis=1),
    Case(F.l2_normalize, real(2, 3), axis=1, dtypes=["float64"]),
    Case(F.l2_normalize, _Z, axis=1, id="l2_normalize-complex"),
    # solvers
    Case(F.solve, _regular(2), real(2, 3, 4), order=2, dtypes=["float64"]),
    Case(F.solve, _regular(2), real(2, 3, 4), adjoint=True),
    *(
        Case(F.triangular_solve, _regular(2), real(2, 3, 4), lower=lo, adjoint=ad, id=f"triangular_solve-{lo:d}{ad:d}")
        for lo in (False, True)
        for ad in (False, True)
    ),
    Case(F.triangular_solve, _regular(), real(2, 3, 4), id="triangular_solve-broadcast"),
    Case(F.cholesky_solve, _regular(2), real(2, 3, 4)),
    Case(F.lstsq, real(4, 2), real(4, 3, seed=1), rtol=1e-4),
    Case(F.lstsq, real(2, 4), real(2, 3, seed=1), l2_regularizer=0.5, rtol=1e-4, id="lstsq-wide"),
    Case(F.lstsq, real(4, 2), real(4, 3, seed=1), fast=False, needs="shape", rtol=1e-4, id="lstsq-slow"),
    Case(F.pinv, real(4, 2), needs="shape", rtol=1e-4),
    Case(F.matrix_rank, real(4, 2), grad=()),
    Case(F.tridiagonal_matmul, _TRIDIAGONAL, real(4, 2)),
    Case(F.tridiagonal_solve, _TRIDIAGONAL, real(4, 2), needs="rank", rtol=1e-4),
    Case(F.banded_triangular_solve, _DIAGONALS, real(3, 2), needs="shape"),
    Case(F.banded_triangular_solve, _DIAGONALS, real(3, 2), lower=False, adjoint=True, needs="shape", rtol=1e-4),
    # decompositions
    Case(_symmetric(F.cholesky), _spd(2), order=2, needs="rank", rtol=1e-4, dtypes=["float64"]),
    Case(F.inv, _regular(2), rtol=1e-4, order=2),
    Case(F.inv, _regular(2), adjoint=True, rtol=1e-4),
    Case(F.det, _regular(2), rtol=1e-4, order=2),
    Case(lambda x: F.slogdet(x)[1], _regular(2), rtol=1e-4, id="slogdet"),
    Case(_symmetric(F.logdet), _spd(2), needs="rank", rtol=1e-4),
    *(Case(F.qr, real(*s), rtol=1e-4, needs="shape", id=f"qr{s}") for s in ((3, 3), (2, 4, 3), (2, 3, 5))),
    Case(F.qr, real(4, 3), full_matrices=True, grad=(), id="qr-full"),
    *(Case(_columns(F.svd), real(*s), rtol=1e-3, needs="shape", id=f"svd{s}") for s in ((3, 3), (2, 4, 3), (3, 5))),
    Case(F.svd, real(2, 4, 3), compute_uv=False, rtol=1e-4),
    Case(_columns(_symmetric(F.eigh)), _spd(2), needs="rank", rtol=1e-3),
    Case(_symmetric(F.eigvalsh), _spd(2), order=2, needs="rank", rtol=1e-4),
    Case(F.eigh_tridiagonal, real(4), real(3), needs="rank", rtol=1e-4),
    Case(F.eig, _spd(), grad=(), rtol=1e-3),
    Case(lambda x: F.real(F.eigvals(x)), np.diag([1.0, 2.0, 4.0]) + real(3, 3, scale=0.1), rtol=1e-4, id="eigvals"),
    Case(lambda x: F.abs(F.eig(x)[1]), np.diag([1.0, 2.0, 4.0]) + real(3, 3, scale=0.1), rtol=1e-3, id="eig-vectors"),
    Case(lambda x: F.lu(x)[0], _regular(2), needs="rank", rtol=1e-4, id="lu"),
    Case(lambda x: F.lu_reconstruct(*F.lu(x)), real(2, 3, 3), rtol=1e-4, needs="rank", id="lu_reconstruct"),
    Case(lambda x, y: F.lu_solve(*F.lu(x), y), _regular(2), real(2, 3, 4), rtol=1e-4, needs="rank", id="lu_solve"),
    Case(lambda x: F.lu_matrix_inverse(*F.lu(x)), _regular(2), rtol=1e-4, needs="rank", id="lu_matrix_inverse"),
    Case(F.expm, real(2, 3, 3), needs="rank", rtol=1e-4),
    Case(F.sqrtm, _spd(2), needs="rank", rtol=1e-4),
    Case(F.logm, _spd().astype(np.complex64), rtol=1e-4),
]
