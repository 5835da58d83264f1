"""Identity, shape queries, reshape, transpose, broadcast, tile; joining and splitting."""

import numpy as np

from duoflow import ops as F
from tests.ops.harness import Case, ints, real

_X = real(2, 3, 4)
_SHAPE = np.array([4, 6], np.int32)

CASES = [
    *(Case(f, real(2, 3), dtypes=["bfloat16", "int32"]) for f in (F.identity, F.guarantee_const)),
    Case(F.stop_gradient, real(2, 3), grad=()),
    Case(lambda x, y: F.later(x, [y]), real(2, 3), real(4), grad=(0,), id="later"),
    Case(F.identity_n, [real(2), ints(3)], id="identity_n"),
    *(Case(f, _X, id=f"{f.__name__}") for f in (F.shape, F.size, F.rank)),
    *(Case(f, _X, out_type="int64", id=f"{f.__name__}-int64") for f in (F.shape, F.size)),
    Case(F.shape_n, [real(2), real(3, 1)], id="shape_n"),
    Case(F.ensure_shape, _X, [2, None, 4], id="ensure_shape"),
    *(Case(F.reshape, _X, s, id=f"reshape-{s}") for s in ([4, 6], [-1], [2, -1, 2], [24, 1])),
    Case(F.reshape, _X, _SHAPE, id="reshape-tensor"),
    Case(F.reshape, real(0, 3), [-1, 3], id="reshape-empty"),
    Case(lambda x: F.reshape(x, [F.shape(x)[0], -1]), _X, id="reshape-partial"),
    *(Case(F.expand_dims, _X, a, id=f"expand_dims-{a}") for a in (0, -1, 2, -4)),
    Case(F.squeeze, real(1, 3, 1), id="squeeze"),
    *(Case(F.squeeze, real(1, 3, 1), a, id=f"squeeze-{a}") for a in (0, [-1], [0, 2])),
    Case(F.transpose, _X, dtypes=["int8"], id="transpose"),
    *(Case(F.transpose, _X, p, id=f"transpose-{p}") for p in ([2, 0, 1], [1, 0, 2], [-1, 0, 1])),
    Case(F.transpose, (real(2, 3) * 1j).astype(np.complex64), conjugate=True, id="transpose-conjugate"),
    Case(F.swapaxes, _X, 0, -1, needs="rank", id="swapaxes"),
    *(Case(F.broadcast_to, real(3, 1), s, id=f"broadcast_to-{s}") for s in ([2, 3, 4], [3, 1], [3, 5])),
    Case(F.broadcast_to, real(), [2, 2], id="broadcast_to-scalar"),
    Case(F.broadcast_dynamic_shape, np.array([2, 1], np.int32), np.array([3], np.int32), id="broadcast_dynamic_shape"),
    Case(F.broadcast_axes, np.array([2, 1, 3], np.int32), np.array([4, 1], np.int32), id="broadcast_axes"),
    *(Case(F.tile, real(2, 3), m, needs="rank", id=f"tile-{m}") for m in ([2, 1], [1, 3], [2, 2], [0, 1])),
    Case(F.tile, real(3), np.array([2], np.int32), needs="rank", id="tile-tensor"),
    *(
        Case(F.concat, [real(2, 3), real(2, 2, seed=1)], a, dtypes=["int32", "float16"], needs="rank", id=f"concat-{a}")
        for a in (1, -1)
    ),
    Case(F.concat, [real(1, 3), real(2, 3, seed=1), real(0, 3)], 0, id="concat-three"),
    Case(F.concat, [real(2)], 0, id="concat-one"),
    *(Case(F.stack, [real(2, 3), real(2, 3, seed=1)], a, needs="rank", id=f"stack-{a}") for a in (0, 1, -1)),
    Case(F.stack, [real(), real(seed=1)], id="stack-scalars"),
    *(Case(F.unstack, _X, axis=a, needs="shape", id=f"unstack-{a}") for a in (0, 1, -1)),
    Case(F.unstack, real(2, 3), 2, id="unstack-num"),
    *(
        Case(F.split, _X, n, a, needs="rank", id=f"split-{n}-{a}")
        for n, a in ((2, 0), (3, 1), ([1, 3], 2), ([-1, 1], -1))
    ),
    Case(F.split, real(5), np.array([2, 3], np.int32), num=2, needs="rank", id="split-tensor"),
]
