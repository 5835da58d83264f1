"""Comparisons, tests of floating-point values, logic."""

import numpy as np

from duoflow import ops as F
from tests.ops.harness import Case, ints, real

_SPECIAL = np.array([0.0, -0.0, 1.5, -np.inf, np.inf, np.nan], np.float32)
_TRUE = np.array([[True, False], [True, True]])
_LOGIC = np.array([True, False])

CASES = [
    *(
        Case(f, ints(2, 3), ints(3, seed=1), dtypes=["float32", "int64", "uint8", "bfloat16"])
        for f in (F.equal, F.not_equal, F.less, F.less_equal, F.greater, F.greater_equal)
    ),
    *(
        Case(f, _SPECIAL, _SPECIAL[::-1].copy(), id=f"{f.__name__}-nan")
        for f in (F.equal, F.not_equal, F.less, F.greater_equal)
    ),
    Case(F.equal, np.array([b"a", b"b"], object), np.array(b"a", object), id="equal-string"),
    Case(F.equal, _TRUE, _LOGIC, id="equal-bool"),
    Case(F.equal_operator, real(2, 3), real(3)),
    Case(F.not_equal_operator, real(2, 3), real(3)),
    *(Case(f, _SPECIAL, dtypes=["float16", "bfloat16", "float64"]) for f in (F.is_nan, F.is_inf, F.is_finite)),
    *(Case(f, _TRUE, _LOGIC) for f in (F.logical_and, F.logical_or, F.logical_xor)),
    *(Case(f, _TRUE, _LOGIC, id=f"{n}_operator-bool") for n, f in (("and", F.and_operator), ("or", F.or_operator))),
    Case(F.logical_not, _TRUE),
    Case(F.is_non_decreasing, ints(4)),
    Case(F.is_strictly_increasing, np.arange(4.0)),
]
