"""Arithmetic, powers, extremes, clipping, complex numbers."""

import numpy as np

from duoflow import ops as F
from tests.ops.harness import Case, ints, positive, real

_FLOATS = ["bfloat16", "float16", "float64"]
_NUMBERS = [*_FLOATS, "int32", "int64", "uint8"]
_EDGES = np.array([0.0, -0.0, 1.0, -2.5, np.inf, -np.inf, np.nan], np.float32)
_Z = (real(2, 3) + 1j * real(2, 3, seed=1)).astype(np.complex64)
_W = (real(3, seed=2) + 1j * positive(3)).astype(np.complex128)
_NOT_ZERO = np.array([[-3, 2, 5], [1, -1, 4]], np.int32)


def _pairs(function, *, dtypes=_FLOATS, x=None, y=None, **options):
    x, y = real(2, 3) if x is None else x, positive(3) if y is None else y
    return Case(function, x, y, dtypes=dtypes, **options)


def _scaled_list(*tensors, **options):
    clipped, norm = F.clip_by_global_norm(list(tensors), **options)
    return [*clipped, norm]


CASES = [
    *(_pairs(f, dtypes=_NUMBERS) for f in (F.add, F.subtract, F.multiply, F.maximum, F.minimum)),
    *(_pairs(f, order=2) for f in (F.realdiv, F.divide_no_nan, F.multiply_no_nan)),
    *(_pairs(f) for f in (F.truediv, F.divide)),
    _pairs(F.squared_difference, dtypes=[*_FLOATS, "int32"]),
    *(_pairs(f, grad=(), atol=0.0) for f in (F.floordiv, F.truncatediv)),
    *(_pairs(f, y=positive(3, low=2.5), dtypes=["float64"]) for f in (F.floormod, F.truncatemod)),
    *(
        Case(f, ints(2, 3, low=-20, high=20), _NOT_ZERO, dtypes=["int64"], id=f"{f.__name__}-int")
        for f in (F.floordiv, F.floormod, F.truncatediv, F.truncatemod, F.truediv, F.divide_no_nan)
    ),
    *(Case(f, _Z, _W.astype(np.complex64), id=f"{f.__name__}-complex") for f in (F.add, F.multiply, F.truediv, F.pow)),
    Case(F.squared_difference, _W, _W[::-1].copy(), id="squared_difference-complex"),
    Case(F.add, np.array([b"a", b"b"], object), np.array(b"c", object), id="add-string"),
    Case(F.scalar_mul, np.float32(2.5) * np.ones((), np.float32), real(2, 3)),
    Case(F.add_n, [real(2, 3), real(2, 3, seed=1), real(2, 3, seed=2)], dtypes=_NUMBERS),
    Case(F.accumulate_n, [real(2), real(2, seed=1)], shape=[2]),
    *(Case(f, real(2, 3), dtypes=[*_FLOATS, "int32"]) for f in (F.negative, F.abs, F.sign, F.square)),
    *(Case(f, _Z, id=f"{f.__name__}-complex") for f in (F.negative, F.abs, F.sign, F.square, F.conj, F.real, F.imag)),
    *(Case(f, real(2, 3), id=f"{f.__name__}-real") for f in (F.conj, F.real)),
    Case(F.imag, real(3), grad=(), id="imag-real"),
    Case(F.angle, _W),
    Case(F.angle, real(2, 3), grad=(), id="angle-real"),
    Case(F.complex, real(2, 3), real(3), grad=()),
    *(Case(f, positive(2, 3), order=2, dtypes=_FLOATS) for f in (F.sqrt, F.rsqrt, F.reciprocal, F.log)),
    *(Case(f, real(2, 3), order=2, dtypes=_FLOATS) for f in (F.exp, F.expm1, F.reciprocal_no_nan)),
    Case(F.log1p, positive(2, 3, low=-0.5), dtypes=_FLOATS),
    *(
        Case(f, _EDGES, grad=(), id=f"{f.__name__}-edges")
        for f in (F.sign, F.sqrt, F.rsqrt, F.reciprocal, F.log, F.exp, F.expm1, F.log1p, F.reciprocal_no_nan)
    ),
    *(
        Case(f, _EDGES[:, None], _EDGES, grad=(), id=f"{f.__name__}-edges")
        for f in (F.maximum, F.minimum, F.divide_no_nan, F.multiply_no_nan, F.pow, F.truediv, F.floordiv, F.floormod)
    ),
    Case(F.pow, positive(2, 3), real(3), order=2, dtypes=_FLOATS),
    Case(F.pow, ints(2, 3), ints(3, low=0), dtypes=["int64"], id="pow-int"),
    *(Case(f, real(2, 3), positive(3), dtypes=_FLOATS) for f in (F.xlogy, F.xlog1py, F.xdivy)),
    *(Case(f, np.zeros(2, np.float32), np.array([0.0, -1.0], np.float32), grad=(), id=f"{f.__name__}-zero")
      for f in (F.xlogy, F.xlog1py, F.xdivy)),
    Case(lambda x, a, b: F.polyval([a, b, a], x), real(3), real(), real(seed=1), id="polyval"),
    Case(F.clip_by_value, real(2, 3), -1.0, 1.5, dtypes=_FLOATS),
    Case(F.clip_by_value, real(2, 3), real(3) - 2, real(3) + 2, id="clip_by_value-tensors"),
    Case(F.clip_by_value, ints(2, 3), -2, 2, id="clip_by_value-int"),
    Case(F.clip_by_norm, real(2, 3), 2.0),
    Case(F.clip_by_norm, real(2, 3), 2.0, axes=[1], id="clip_by_norm-axes"),
    Case(F.global_norm, [real(2, 3), None, real(4)]),
    Case(_scaled_list, real(2, 3), real(4), clip_norm=1.0, id="clip_by_global_norm"),
]  # fmt: skip
