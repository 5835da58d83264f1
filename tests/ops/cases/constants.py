"""Constants, fills, ranges, one-hot rows."""

import numpy as np

from duoflow import ops as F
from duoflow.core.dtypes import float32
from duoflow.core.emit import emit_one
from duoflow.ops import constants as C
from tests.ops.harness import Case, ints, real

_ROWS = np.array([[0, 2, -1], [3, 1, 5]], np.int32)
_TWO_THREE = np.array([2, 3], np.int32)

CASES = [
    Case(F.fill, _TWO_THREE, np.float32(2.5).reshape(()), id="fill"),
    Case(F.fill, [2, 2], np.array(True), id="fill-bool"),
    Case(F.zeros, _TWO_THREE, id="zeros-tensor"),
    Case(lambda: F.ones([2, 0], "bfloat16"), id="ones"),
    Case(lambda: F.zeros([], "string"), id="zeros-string"),
    *(Case(f, real(2, 3), grad=(), dtypes=["bfloat16", "int32"], id=f.__name__) for f in (F.zeros_like, F.ones_like)),
    Case(F.ones_like, ints(2, 3), dtype="float32", id="ones_like-dtype"),
    Case(F.zeros_like, np.array([True, False]), id="zeros_like-bool"),
    *(
        Case(F.range, *args, id=f"range-{args}")
        for args in ((5,), (3, 18, 3), (10, 0, -3), (0.0, 1.0, 0.25), (5, 5), (1, 2.5), (np.int64(2), 5))
    ),
    Case(F.range, np.array(4, np.int32), id="range-tensor"),
    Case(F.range, 3, dtype="float32", id="range-dtype"),
    Case(F.linspace, np.float32(1).reshape(()), np.float32(3).reshape(()), 5, id="linspace"),
    Case(F.linspace, real(2, 3), real(3, seed=1), 4, axis=1, id="linspace-axis"),
    Case(F.linspace, real(2), real(2, seed=1), 1, grad=[0], id="linspace-one"),
    Case(F.linspace, 0, 10, 3, id="linspace-int"),
    *(
        Case(F.one_hot, _ROWS, 4, axis=a, needs="rank" if a == 1 else "nothing", id=f"one_hot-{a}")
        for a in (None, 0, 1)
    ),
    Case(F.one_hot, _ROWS, np.array(4, np.int32), 5.0, -1.0, id="one_hot-values"),
    Case(F.one_hot, _ROWS, 4, dtype="bool", id="one_hot-bool"),
    Case(lambda x: F.convert_to_tensor([x, [1.0, 2.0]]), real(2), id="pack_nested"),
]

CASES += [
    Case(lambda x, op=op: emit_one(op, (x,), {"dtype": float32}), real(2, 3), grad=(), id=op.name)
    for op in (C.ZEROS_LIKE, C.ONES_LIKE)
]  # fmt: skip
