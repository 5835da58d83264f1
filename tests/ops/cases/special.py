"""Trigonometric, hyperbolic, logistic, rounding and special functions."""

import numpy as np

from duoflow import ops as F
from tests.ops.harness import Case, positive, real, unit

_LOW = ["bfloat16", "float16"]
_FLOATS = [*_LOW, "float64"]
_EDGES = np.array([0.0, -0.0, 1.0, -1.0, 0.5, -2.5, 30.0, np.inf, -np.inf, np.nan], np.float32)
_Z = (unit(2, 3) + 1j * unit(2, 3, seed=1)).astype(np.complex64)

_EVERYWHERE = (F.sin, F.cos, F.tan, F.atan, F.sinh, F.cosh, F.tanh, F.asinh, F.sigmoid, F.softplus, F.log_sigmoid)
_ROUNDING = (F.floor, F.ceil, F.round, F.rint)
_ERRORS = (F.erf, F.erfc)
_BESSEL = (F.bessel_i0, F.bessel_i0e, F.bessel_i1, F.bessel_i1e, F.bessel_j0, F.bessel_j1)
_SECOND_KIND = (F.bessel_k0, F.bessel_k0e, F.bessel_k1, F.bessel_k1e, F.bessel_y0, F.bessel_y1)
_INTEGRALS = (F.dawsn, F.fresnel_cos, F.fresnel_sin)

CASES = [
    *(Case(f, real(2, 3), order=2, dtypes=_FLOATS) for f in (*_EVERYWHERE, *_ERRORS, *_BESSEL, *_INTEGRALS)),
    *(Case(f, unit(2, 3), order=2, dtypes=_FLOATS) for f in (F.asin, F.acos, F.atanh, F.erfinv)),
    *(Case(f, positive(2, 3), dtypes=_FLOATS) for f in (F.lgamma, *_SECOND_KIND, F.expint, F.spence)),
    Case(F.digamma, positive(2, 3), dtypes=["float64"]),
    Case(F.acosh, positive(2, 3, low=1.2), dtypes=_FLOATS),
    *(Case(f, positive(2, 3, low=0.05, high=0.95), dtypes=["float64"]) for f in (F.ndtri, F.erfcinv)),
    *(Case(f, real(2, 3), grad=(), dtypes=_FLOATS) for f in _ROUNDING),
    *(
        Case(f, _EDGES, grad=(), id=f"{f.__name__}-edges")
        for f in (*_EVERYWHERE, *_ERRORS, *_ROUNDING, F.asin, F.acos, F.atanh, F.acosh, F.erfinv, F.lgamma, F.digamma)
    ),
    *(
        Case(f, _Z, rtol=1e-5, id=f"{f.__name__}-complex")
        for f in (
            F.sin,
            F.cos,
            F.tan,
            F.asin,
            F.acos,
            F.atan,
            F.sinh,
            F.cosh,
            F.tanh,
            F.asinh,
            F.acosh,
            F.atanh,
            F.sigmoid,
        )
    ),
    Case(F.round, np.array([1, -2], np.int32), id="round-int"),
    Case(F.atan2, real(2, 3), real(3, seed=1), dtypes=_FLOATS),
    Case(F.nextafter, real(2, 3), real(3, seed=1), grad=(0,), dtypes=["float64"]),
    Case(F.polygamma, np.array([[1.0], [2.0]], np.float32), positive(3), grad=(1,)),
    Case(F.zeta, positive(2, 1, low=1.5), positive(3), grad=(1,)),
    Case(F.igamma, positive(2, 3), positive(3, seed=1), dtypes=["float64"]),
    Case(F.igammac, positive(2, 3), positive(3, seed=1), dtypes=["float64"]),
    Case(F.igamma_grad_a, positive(2, 3), positive(3, seed=1), grad=()),
    Case(F.betainc, positive(2, 3), positive(3, seed=1), positive(3, low=0.1, high=0.9), grad=(2,)),
    Case(F.lbeta, positive(2, 3)),
]
