"""Elements by index or condition."""

import numpy as np

from duoflow import ops as F
from tests.ops.harness import Case, ints, real

_X = real(4, 3, 5)
_I = np.array([[2, 0], [1, 3]], np.int32)
_BATCHED = np.array([[1, 0], [2, 2], [0, 1], [1, 1]], np.int64)
_C = np.array([[True, False, True], [False, False, True]])

CASES = [
    Case(F.gather, _X, _I, needs="rank", dtypes=["int32", "bfloat16"], id="gather"),
    Case(F.gather, _X, np.array(2, np.int32), needs="rank", id="gather-scalar"),
    Case(F.gather, _X, np.array([0, 2, 2]), axis=1, needs="rank", id="gather-axis-1"),
    Case(F.gather, _X, np.array([[4, 0], [2, 2]]), axis=-1, needs="rank", id="gather-axis-last"),
    Case(F.gather, _X, _BATCHED, batch_dims=1, needs="rank", id="gather-batch"),
    Case(F.gather, _X, _BATCHED, axis=2, batch_dims=1, needs="rank", id="gather-batch-axis-2"),
    Case(F.gather, real(0, 2), np.zeros((0,), np.int32), grad=(), id="gather-empty"),
    Case(F.gather_nd, _X, np.array([[0, 1], [3, 2]]), id="gather_nd"),
    Case(F.gather_nd, _X, np.array([[[0], [2]]]), needs="rank", id="gather_nd-rows"),
    Case(F.gather_nd, real(4, 2), np.array([[0], [2], [2]]), needs="shape", id="gather_nd-sparse"),
    Case(F.gather_nd, _X, np.array([[1], [0], [2], [1]]), batch_dims=1, needs="rank", id="gather_nd-batch"),
    Case(
        F.gather_nd, _X, np.array([[0, 1], [9, 2]]), bad_indices_policy="IGNORE", needs="shape", id="gather_nd-ignore"
    ),
    Case(F.where, _C, real(2, 3), real(2, 3, seed=1), dtypes=["int32", "float16"], id="where"),
    Case(F.where, _C, real(3), 0.0, id="where-broadcast"),
    Case(F.where, _C, id="where-positions"),
    Case(F.where, ints(3, 3, low=0, high=2), id="where-nonzero"),
    Case(F.where, np.array(True), id="where-scalar"),
    Case(F.boolean_mask, real(2, 3, 4), _C, needs="rank", id="boolean_mask"),
    Case(F.boolean_mask, real(2, 3), np.array([True, False, True]), axis=1, needs="rank", id="boolean_mask-axis"),
]
