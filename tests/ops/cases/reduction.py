"""Reductions, statistics, arg max."""

import numpy as np

from duoflow import ops as F
from tests.ops.harness import Case, ints, real

_FLOATS = ["bfloat16", "float16", "float64"]
_AXES = (None, 0, -1, [0, 2], (), [0, 1, 2])
_SUMS = (F.reduce_sum, F.reduce_mean, F.reduce_max, F.reduce_min, F.reduce_prod)
_BOOLS = np.array([[True, False, True], [True, True, True]])
_TIES = np.array([[1.0, 3.0, 3.0], [2.0, 2.0, -1.0]], np.float32)
_Z = (real(2, 3) + 1j * real(2, 3, seed=1)).astype(np.complex64)
_EMPTY = np.zeros((0, 3), np.float32)

CASES = [
    *(Case(f, real(2, 3, 4), axis=a, id=f"{f.__name__}-axis={a}") for f in _SUMS for a in _AXES),
    *(Case(f, real(2, 3, 4), axis=[0, -1], keepdims=True, dtypes=[*_FLOATS, "int32"]) for f in _SUMS),
    *(Case(f, ints(2, 3), axis=1, dtypes=["int64", "uint8", "int16"], id=f"{f.__name__}-int") for f in _SUMS),
    *(Case(f, real(), id=f"{f.__name__}-scalar") for f in _SUMS),
    *(Case(f, _EMPTY, axis=0, grad=(), id=f"{f.__name__}-empty") for f in _SUMS),
    *(Case(f, np.array([1.0, np.nan, -np.inf], np.float32), grad=(), id=f"{f.__name__}-nan") for f in _SUMS),
    *(Case(f, real(2, 3, 4), np.array([0, -1], np.int32), id=f"{f.__name__}-axes-tensor") for f in _SUMS[:4]),
    *(
        Case(f, _TIES, axis=1, grad=(), id=f"{f.__name__}-ties")
        for f in (F.reduce_max, F.reduce_min, F.argmax, F.argmin)
    ),
    *(Case(f, _Z, axis=0, id=f"{f.__name__}-complex") for f in (F.reduce_sum, F.reduce_mean, F.reduce_prod)),
    *(Case(F.reduce_prod, real(2, 3, 4), axis=a, order=2, id=f"reduce_prod-twice-axis={a}") for a in (None, 1)),
    Case(F.reduce_prod, np.array([[0.0, 2.0, 3.0], [0.0, 0.0, 4.0]], np.float32), axis=1, id="reduce_prod-zeros"),
    *(Case(f, _BOOLS, axis=a) for f in (F.reduce_all, F.reduce_any) for a in (None, 1)),
    *(Case(f, real(3, 4), axis=a) for f in (F.argmax, F.argmin) for a in (None, -1)),
    Case(F.argmax, ints(3, 4), axis=1, output_type="int32", id="argmax-int32"),
    *(
        Case(f, real(2, 3, 4), axis=a, keepdims=k, order=2)
        for f in (F.reduce_std, F.reduce_variance, F.reduce_euclidean_norm, F.reduce_logsumexp)
        for a, k in ((None, False), ([0, 2], True), (-1, False))
    ),
    *(Case(f, _Z, axis=1, id=f"{f.__name__}-complex") for f in (F.reduce_variance, F.reduce_euclidean_norm)),
    Case(F.reduce_euclidean_norm, ints(2, 3), axis=1, id="reduce_euclidean_norm-int"),
    Case(
        F.reduce_logsumexp, np.array([[-np.inf, -np.inf], [1e4, 1e4]], np.float32), axis=1, grad=(), id="logsumexp-far"
    ),
    Case(F.count_nonzero, ints(3, 4, low=0, high=2), axis=1),
    Case(F.count_nonzero, np.array([b"", b"a"], object), id="count_nonzero-string"),
    Case(F.zero_fraction, ints(3, 4, low=0, high=2).astype(np.float32), grad=()),
    Case(F.sum_to_shape_of, real(4, 2, 3), real(2, 1), grad=(0,)),
    Case(F.sum_to_shape_of, real(4, 2, 3), real(), grad=(0,), id="sum_to_shape_of-scalar"),
]
