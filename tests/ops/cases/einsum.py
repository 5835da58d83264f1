"""Einstein summation."""

import numpy as np

from duoflow import ops as F
from tests.ops.harness import Case, real

_FLOATS = ["float16", "bfloat16", "float64"]
_SIZES = dict(zip("abcdeijkl", (2, 3, 4, 2, 3, 2, 3, 4, 2), strict=True))


def _of(equation, *ellipses, **options):
    """An einsum of random tensors; `ellipses` are the sizes that "..." stands for in each."""
    tensors = []
    for n, side in enumerate(equation.split("->")[0].split(",")):
        before, _, after = side.partition("...")
        hidden = ellipses[n] if n < len(ellipses) else ()
        tensors.append(real(*(_SIZES[c] for c in before), *hidden, *(_SIZES[c] for c in after), seed=n))
    return Case(F.einsum, equation, *tensors, id=equation, **options)


CASES = [
    _of("ij,jk->ik", dtypes=_FLOATS),
    _of("ij,kj"),
    *map(_of, ("ij->ji", "ij->", "ij->i", "ij", "abc->cab")),
    *map(_of, ("ij,ij->", "ij,ij->ij", "i,j->ij", "abc,acd->abd", "abc,dc->dab", "abcd,aecd->acbe", "acbe,aecd->abcd")),
    *map(_of, ("ij,k->i", "ijk,kl->jl", "ai,bj->ab")),
    Case(F.einsum, "ii->i", real(3, 3), id="ii->i"),
    Case(F.einsum, "ii", real(3, 3), id="ii"),
    Case(F.einsum, "iij,jk->ik", real(3, 3, 2), real(2, 4), id="iij,jk->ik"),
    _of("ij,jk,kl->il"),
    _of("ab,bc,cd,de->ae", optimize="optimal"),
    _of("...ij,...jk->...ik", (5,), (5,)),
    _of("...ij,...jk->...ik", (5, 1), (4,), order=2),
    _of("...ij,jk->...ik", (5,)),
    _of("ij,...jk->...ik", (), (5, 2)),
    _of("...ij->...ji", (5,)),
    _of("b...,bj->j...", (3,), ()),
    Case(F.einsum, "ij,jk->ik", (real(2, 3) * 1j).astype(np.complex64), real(3, 4).astype(np.complex64), id="complex"),
    Case(F.tensordot, real(2, 3, 4), real(4, 3, 2), axes=1),
    Case(F.tensordot, real(2, 3, 4), real(4, 3, 2), axes=[[1, 2], [1, 0]], dtypes=_FLOATS),
    Case(F.tensordot, real(2, 3), real(4), axes=0),
]
