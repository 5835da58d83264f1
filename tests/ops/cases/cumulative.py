"""Running sums and products."""

from duoflow import ops as F
from tests.ops.harness import Case, ints, positive, real

_FLAGS = [{"exclusive": e, "reverse": r} for e in (False, True) for r in (False, True)]

CASES = [
    *(Case(F.cumsum, real(3, 4), axis=a, **f) for f in _FLAGS for a in (0, -1)),
    *(Case(F.cumprod, positive(3, 4), axis=a, **f) for f in _FLAGS for a in (0, -1)),
    *(
        Case(F.cumulative_logsumexp, real(3, 4), axis=a, grad=None if not f["exclusive"] else (), **f)
        for f in _FLAGS
        for a in (0, -1)
    ),
    Case(lambda x: F.cumulative_logsumexp(x, axis=1, exclusive=True)[:, 1:], real(3, 4), id="logsumexp-exclusive"),
    Case(F.cumsum, real(3, 4), dtypes=["float16", "bfloat16", "float64"]),
    Case(F.cumsum, ints(3, 4), dtypes=["int64", "uint8"], id="cumsum-int"),
    Case(F.cumprod, ints(3, 4), id="cumprod-int"),
    Case(F.cumsum, real(0, 4), exclusive=True, id="cumsum-empty"),
]
