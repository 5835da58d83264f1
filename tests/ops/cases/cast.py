"""Between element types."""

import numpy as np

from duoflow import ops as F
from tests.ops.harness import Case, ints, real

_Z = (real(2, 3) + 1j * real(2, 3, seed=1)).astype(np.complex64)
_WIDE = np.array([-1e9, -3.7, 0.5, 127.6, 300.2, 1e9], np.float32)

CASES = [
    *(
        Case(F.cast, real(2, 3), to, grad=None if to == "float64" else (), id=f"cast-to-{to}")
        for to in ("int32", "int8", "float64", "bfloat16", "float16", "bool")
    ),
    *(
        Case(F.cast, ints(2, 3), to, id=f"cast-int-to-{to}")
        for to in ("float32", "int64", "uint8", "bool", "complex64")
    ),
    Case(F.cast, np.array([True, False]), "float32", id="cast-bool"),
    Case(F.cast, _Z, "float32", id="cast-complex"),
    Case(F.cast, real(3), "complex128", id="cast-to-complex"),
    *(
        Case(F.saturate_cast, _WIDE, to, grad=(), id=f"saturate_cast-{to}")
        for to in ("int8", "uint8", "int32", "int64")
    ),
    Case(F.saturate_cast, np.array([-300, 5, 300], np.int32), "uint8", id="saturate_cast-int"),
    Case(F.bitcast, real(2, 3), "uint32", id="bitcast"),
    Case(F.bitcast, real(2, 3), "uint8", id="bitcast-smaller"),
    Case(F.bitcast, ints(3, 2), "int64", id="bitcast-larger"),
]
