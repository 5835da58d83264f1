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
    Case(F.matvec, real(5, 2, 3), real(5, 3)),
    Case(F.matvec, real(3, 2), real(3), transpose_a=True),
]
