"""Random numbers as functions of a seed: engines must draw the same ones."""

import numpy as np

from duoflow import ops as F
from duoflow.core.dtypes import as_dtype
from duoflow.core.emit import emit_one
from duoflow.ops import stateless_random as R
from tests.ops.harness import Case, real

_SEED = np.array([7, 17], np.int32)
_BIG = np.array([-3, 1 << 40], np.int64)
_FLOATS = ("float16", "bfloat16", "float32", "float64")
_LOGITS = real(2, 4)

CASES = [
    *(Case(F.stateless_uniform, [3, 5], _SEED, dtype=d, id=f"stateless_uniform-{d}") for d in _FLOATS),
    *(Case(F.stateless_normal, [7], _SEED, dtype=d, rtol=1e-5, atol=1e-6, id=f"stateless_normal-{d}") for d in _FLOATS),
    *(Case(F.stateless_uniform, [7], _BIG, None, None, d, id=f"stateless_uniform-{d}") for d in ("int32", "uint64")),
    *(
        Case(F.stateless_uniform, [7], _SEED, -5, 1000, d, id=f"stateless_uniform-range-{d}")
        for d in ("int32", "int64")
    ),
    Case(F.stateless_uniform, np.array([2, 0], np.int32), _SEED, id="stateless_uniform-empty"),
    Case(F.stateless_uniform, [], _SEED, -1.0, 3.0, id="stateless_uniform-scalar"),
    Case(F.stateless_truncated_normal, [9], _SEED),
    Case(F.stateless_categorical, _LOGITS, 5, _SEED, grad=()),
    Case(F.stateless_gamma, [5, 2], _SEED, np.array([0.5, 2.5], np.float32), 2.0, grad=()),
    Case(F.stateless_poisson, [5, 2], _SEED, np.array([0.5, 50.0], np.float32), grad=()),
    Case(F.stateless_binomial, [6], _SEED, 40.0, 0.5),
    Case(F.stateless_parameterized_truncated_normal, [6], _SEED, 0.0, 1.0, 1.0, 4.0),
    Case(F.stateless_shuffle, real(5, 2), _SEED, needs="rank"),
    Case(F.random_split, _SEED, 3),
    Case(F.random_fold_in, _SEED, 5),
]

_ELEMENT = (np.arange(9), np.array(5, np.uint64), np.array(2**64 - 2, np.uint64), np.array(7, np.uint64))


def _elements(op):
    return lambda *inputs, dtype: emit_one(op, inputs, {"dtype": as_dtype(dtype)})


CASES += [
    *(Case(_elements(R.PHILOX_UNIFORM), *_ELEMENT, dtype=d, id=f"PhiloxUniform-{d}") for d in _FLOATS),
    *(Case(_elements(R.PHILOX_INT), *_ELEMENT, dtype=d, id=f"PhiloxInt-{d}") for d in ("int32", "uint64")),
    *(
        Case(_elements(R.PHILOX_NORMAL), *_ELEMENT, dtype=d, rtol=1e-5, atol=1e-6, id=f"PhiloxNormal-{d}")
        for d in _FLOATS
    ),
]
