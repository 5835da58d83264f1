"""Sorting, searching, uniqueness."""

import numpy as np

from duoflow import ops as F
from tests.ops.harness import Case, ints, real

_TIES = np.array([[3, 1, 3, 2], [0, 0, 5, 0]], np.int32)
_DIRECTIONS = ("ASCENDING", "DESCENDING")

CASES = [
    *(Case(F.sort, real(3, 4), a, d, needs="rank", id=f"sort-{a}-{d}") for a in (-1, 0) for d in _DIRECTIONS),
    *(Case(F.argsort, _TIES, direction=d, needs="rank", id=f"argsort-{d}") for d in _DIRECTIONS),
    Case(F.sort, _TIES, dtypes=["uint8", "int64"], needs="rank", id="sort-int"),
    Case(F.top_k, real(2, 5), 3, needs="shape", id="top_k"),
    Case(F.top_k, _TIES, np.array(2, np.int32), id="top_k-ties"),
    Case(F.top_k, real(4), 0, grad=(), id="top_k-none"),
    *(
        Case(F.searchsorted, np.array([[1, 3, 3, 5]]), np.array([[3, 0, 9]]), s, id=f"searchsorted-{s}")
        for s in ("left", "right")
    ),
    Case(F.unique, np.array([4, 1, 4, 2, 1]), id="unique"),
    Case(F.unique_with_counts, np.array([4.0, 1.0, 4.0], np.float32), grad=(), id="unique_with_counts"),
    Case(F.invert_permutation, np.array([2, 0, 1, 3]), id="invert_permutation"),
    Case(F.sort, ints(0), needs="rank", id="sort-empty"),
]
