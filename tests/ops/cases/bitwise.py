"""Bitwise operations."""

import numpy as np

from duoflow import ops as F
from tests.ops.harness import Case, ints

_INTS = ["int8", "int16", "int64", "uint8", "uint16", "uint32", "uint64"]
_BOOLS = np.array([True, False])

CASES = [
    *(Case(f, ints(2, 3, low=0, high=90), ints(3, low=0, seed=1), dtypes=_INTS) for f in (F.bitwise_and, F.bitwise_or)),
    Case(F.bitwise_xor, ints(2, 3, low=0, high=90), ints(3, low=0, seed=1), dtypes=_INTS),
    Case(F.bitwise_invert, ints(2, 3), dtypes=_INTS),
    *(Case(f, ints(2, 3, low=0, high=90), ints(3, low=0, seed=1), dtypes=_INTS) for f in (F.left_shift, F.right_shift)),
    *(
        Case(f, ints(4), np.array([-1, 0, 31, 40], np.int32), id=f"{f.__name__}-clamped")
        for f in (F.left_shift, F.right_shift)
    ),
    Case(F.population_count, ints(2, 3), dtypes=_INTS),
    *(Case(f, ints(3), ints(3, seed=1)) for f in (F.and_operator, F.or_operator, F.xor_operator)),
    Case(F.xor_operator, _BOOLS, _BOOLS[::-1].copy(), id="xor_operator-bool"),
    Case(F.invert_operator, ints(3)),
    Case(F.invert_operator, _BOOLS, id="invert_operator-bool"),
]
