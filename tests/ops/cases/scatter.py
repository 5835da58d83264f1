"""Values written to positions."""

import numpy as np

from duoflow import ops as F
from tests.ops.harness import Case, real

_AT = np.array([[1], [3], [1]], np.int32)
_PAIRS = np.array([[0, 1], [2, 0]])
_BAD = np.array([[1], [9], [-1]], np.int32)
_PARTS = np.array([1, 0, 2, 1], np.int32)
_UPDATES = (F.tensor_scatter_nd_add, F.tensor_scatter_nd_sub, F.tensor_scatter_nd_min, F.tensor_scatter_nd_max)

CASES = [
    Case(F.scatter_nd, _AT, real(3), [5], id="scatter_nd"),
    Case(F.scatter_nd, _AT, real(3, 2), np.array([4, 2], np.int32), id="scatter_nd-rows"),
    Case(F.scatter_nd, _BAD, real(3), [5], bad_indices_policy="IGNORE", id="scatter_nd-ignore", needs="shape"),
    Case(F.tensor_scatter_nd_update, real(4, 2), _AT[:2], real(2, 2, seed=1), id="tensor_scatter_nd_update"),
    Case(F.tensor_scatter_nd_update, real(3, 2), _PAIRS, real(2, seed=1), id="tensor_scatter_nd_update-pairs"),
    *(Case(f, real(4, 2), _AT, real(3, 2, seed=1)) for f in _UPDATES),
    *(
        Case(f, real(4), _BAD, real(3, seed=1), bad_indices_policy="IGNORE", needs="shape", id=f"{f.__name__}-ignore")
        for f in _UPDATES
    ),
    Case(F.batch_scatter_indices, np.array([[1, 0], [2, 2]], np.int32), needs="rank"),
    Case(F.dynamic_partition, real(4, 2), _PARTS, 3, needs="rank", id="dynamic_partition"),
    Case(
        F.dynamic_stitch,
        [np.array([0, 2], np.int32), np.array([[1, 3]], np.int32)],
        [real(2, 3), real(1, 2, 3)],
        needs="rank",
        id="dynamic_stitch",
    ),
]
