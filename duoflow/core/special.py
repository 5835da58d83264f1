"""Special functions on NumPy arrays, which NumPy itself does not have.

Each takes and returns arrays of a real floating type; low-precision types are computed in float32 or wider.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

__all__ = ["digamma", "erf", "erfc", "erfinv", "lgamma", "ndtri"]


def _by_libm(function: Callable[[float], float]) -> Callable[[Any], Any]:
    def safe(x: float) -> float:
        try:
            return function(x)
        except (OverflowError, ValueError):
            return math.inf if math.isfinite(x) or x > 0 else math.nan

    ufunc = np.frompyfunc(safe, 1, 1)

    def apply(x: Any) -> Any:
        x = np.asarray(x)
        return np.asarray(ufunc(x.astype(np.float64))).astype(x.dtype)

    return apply


erf = _by_libm(math.erf)
erfc = _by_libm(math.erfc)
lgamma = _by_libm(lambda x: math.inf if math.isinf(x) else math.lgamma(x))


def digamma(x: Any) -> Any:
    """The logarithmic derivative of the gamma function: reflection, recurrence up to 10, asymptotic series."""
    x = np.asarray(x)
    z = x.astype(np.float64)
    reflect = z < 0.5
    y = np.where(reflect, 1 - z, z)
    shift = np.zeros_like(y)
    for _ in range(10):
        small = y < 10
        shift -= np.where(small, 1 / np.where(small, y, 1), 0)
        y = np.where(small, y + 1, y)
    inv2 = 1 / (y * y)
    series = inv2 * (1 / 12 - inv2 * (1 / 120 - inv2 * (1 / 252 - inv2 * (1 / 240 - inv2 / 132))))
    out = np.log(y) - 0.5 / y - series + shift
    with np.errstate(all="ignore"):
        out = np.where(reflect, out - np.pi / np.tan(np.pi * z), out)
    out = np.where(reflect & (z == np.floor(z)), np.nan, out)
    return out.astype(x.dtype)


def erfinv(y: Any) -> Any:
    """The inverse of erf on (-1, 1): Giles' approximation refined by two Newton steps in float64."""
    y = np.asarray(y)
    v = y.astype(np.float64)
    with np.errstate(all="ignore"):
        w = np.log1p(-v * v)
        a = 2 / (np.pi * 0.147) + w / 2
        x = np.copysign(np.sqrt(np.sqrt(a * a - w / 0.147) - a), v)
        for _ in range(3):
            error = np.asarray(erf(x)) - v
            x = x - error / (2 / math.sqrt(math.pi) * np.exp(-x * x))
        x = np.where(np.abs(v) == 1, np.copysign(np.inf, v), np.where(np.abs(v) > 1, np.nan, x))
    return np.where(v == 0, v, x).astype(y.dtype)


def ndtri(p: Any) -> Any:
    """The quantile function of the standard normal distribution."""
    p = np.asarray(p)
    return (math.sqrt(2) * np.asarray(erfinv(2 * p.astype(np.float64) - 1))).astype(p.dtype)
