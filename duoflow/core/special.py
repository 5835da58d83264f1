"""Special functions on NumPy arrays, which NumPy itself does not have.

Each takes and returns arrays of a real floating type, computes in float64 and is accurate to about 1e-13 there. They
define what the engines compute; an engine with its own code for one (erf, lgamma, ...) is compared with them.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Callable
from typing import Any

import numpy as np

__all__ = [
    "bessel_i0", "bessel_i0e", "bessel_i1", "bessel_i1e", "bessel_j0", "bessel_j1", "bessel_k0", "bessel_k0e",
    "bessel_k1", "bessel_k1e", "bessel_y0", "bessel_y1", "betainc", "dawsn", "digamma", "erf", "erfc", "erfinv",
    "expint", "fresnel_cos", "fresnel_sin", "igamma", "igamma_grad_a", "igammac", "lgamma", "ndtri", "polygamma",
    "spence", "zeta",
]  # fmt: skip

Array = Any
_EULER = 0.5772156649015329
_EPS = 2.0**-53


def _in_double(function: Callable[..., Array]) -> Callable[..., Array]:
    """`function` of float64 arrays of one shape, for arrays of any floating type that broadcast."""

    @functools.wraps(function)
    def apply(*arrays: Array) -> Array:
        given = [np.asarray(a) for a in arrays]
        dtype = given[0].dtype if given[0].dtype.kind in "fV" else np.dtype(np.float64)
        wide = np.broadcast_arrays(*[a.astype(np.float64) for a in given])
        with np.errstate(all="ignore"):
            out = function(*[np.atleast_1d(a) for a in wide])
        return np.asarray(out).reshape(wide[0].shape).astype(dtype)

    return apply


def _by_libm(function: Callable[[float], float]) -> Callable[[Array], Array]:
    def safe(x: float) -> float:
        try:
            return function(x)
        except (OverflowError, ValueError):
            return math.inf if math.isfinite(x) or x > 0 else math.nan

    ufunc: Any = np.frompyfunc(safe, 1, 1)
    return _in_double(lambda x: ufunc(x).astype(np.float64))


@functools.cache
def _erf_interpolants() -> tuple[Array, Array]:
    """Chebyshev coefficients of erf(x) / x in x^2 on [0, 1], and of erfc(x) exp(x^2) on [1, 6], for float32."""
    interpolate = np.polynomial.chebyshev.chebinterpolate
    near = interpolate(np.vectorize(lambda t: math.erf(((t + 1) / 2) ** 0.5) / ((t + 1) / 2) ** 0.5), 7)
    far = interpolate(np.vectorize(lambda t: math.erfc(2.5 * t + 3.5) * math.exp((2.5 * t + 3.5) ** 2)), 14)
    return near.astype(np.float32), far.astype(np.float32)


_exact_erf = _by_libm(math.erf)


def erf(x: Array) -> Array:
    """The error function: libm's in float64, interpolated in float32 for the narrower types."""
    given = np.asarray(x)
    if given.dtype.itemsize == 8:
        return _exact_erf(given)
    near, far = _erf_interpolants()
    evaluate = np.polynomial.chebyshev.chebval
    with np.errstate(all="ignore"):
        x = given.astype(np.float32)
        size = np.minimum(np.abs(x), np.float32(6))
        small = np.minimum(size, np.float32(1))
        inner = x * evaluate(2 * small * small - 1, near)
        outer = 1 - np.exp(-size * size) * evaluate((2 * np.maximum(size, np.float32(1)) - 7) / 5, far)
        return np.where(size < 1, inner, np.copysign(outer, x)).astype(given.dtype)


erfc = _by_libm(math.erfc)
lgamma = _by_libm(lambda x: math.inf if math.isinf(x) else math.lgamma(x))


@_in_double
def erfinv(y: Array) -> Array:
    """The inverse of erf on [-1, 1]: Winitzki's approximation refined by Newton's method on erfc in the tails."""
    w = np.log1p(-y * y)
    a = 2 / (np.pi * 0.147) + w / 2
    x = np.sqrt(np.sqrt(a * a - w / 0.147) - a)
    size = np.abs(y)
    for _ in range(4):
        error = np.where(size < 0.5, np.asarray(erf(x)) - size, (1 - size) - np.asarray(erfc(x)))
        step = error / (2 / math.sqrt(math.pi) * np.exp(-x * x))
        x = x - step / (1 + x * step)  # Halley's correction
    x = np.where(size == 1, np.inf, np.where(size > 1, np.nan, x))
    return np.where(y == 0, y, np.copysign(x, y))


@_in_double
def ndtri(p: Array) -> Array:
    """The quantile function of the standard normal distribution, from the tail that keeps its digits."""
    upper = p > 0.5
    tail = np.where(upper, 1 - p, p)  # exact for p >= 0.5
    x = np.where(tail > 0.1, math.sqrt(2) * np.asarray(erfinv(1 - 2 * tail)), 0.0)
    small = (tail > 0) & (tail <= 0.1)
    t = np.sqrt(-2 * np.log(np.where(small, tail, 0.05)))
    z = t - np.log(t * math.sqrt(2 * math.pi)) / t
    for _ in range(6):
        cdf = 0.5 * np.asarray(erfc(z / math.sqrt(2)))
        ratio = (cdf - tail) / (np.exp(-z * z / 2) / math.sqrt(2 * math.pi))
        z = z + ratio / (1 + z * ratio / 2)
    x = np.where(small, z, x)
    x = np.where(tail == 0, np.inf, np.where((p < 0) | (p > 1), np.nan, x))
    return np.where(np.isnan(p), np.nan, np.where(upper, x, 0 - x))


# -- gamma and its kin -------------------------------------------------------------------------------------------------


@_in_double
def digamma(x: Array) -> Array:
    """The logarithmic derivative of the gamma function: reflection, recurrence up to 10, asymptotic series."""
    reflect = x < 0.5
    y = np.where(reflect, 1 - x, x)
    shift = np.zeros_like(y)
    for _ in range(10):
        small = y < 10
        shift -= np.where(small, 1 / np.where(small, y, 1), 0)
        y = np.where(small, y + 1, y)
    inv2 = 1 / (y * y)
    tail = 1 / 132 - inv2 * (691 / 32760 - inv2 / 12)
    series = inv2 * (1 / 12 - inv2 * (1 / 120 - inv2 * (1 / 252 - inv2 * (1 / 240 - inv2 * tail))))
    out = np.log(y) - 0.5 / y - series + shift
    out = np.where(reflect, out - np.pi / np.tan(np.pi * (x - np.round(x))), out)
    return np.where(reflect & (x == np.floor(x)), np.nan, out)


#: (2k)! / B_2k, the divisors of the Euler-Maclaurin terms.
_EULER_MACLAURIN = (
    12.0, -720.0, 30240.0, -1209600.0, 47900160.0, -1307674368000 / 691, 74724249600.0, -10670622842880000 / 3617,
    5109094217170944000 / 43867, -802857662698291200000 / 174611,
)  # fmt: skip


@_in_double
def zeta(x: Array, q: Array) -> Array:
    """The Hurwitz zeta function by summation of the first terms and the Euler-Maclaurin formula from there."""
    whole = x == np.floor(x)
    proper = (x > 1) & ((q > 0) | (whole & (q != np.floor(q))))
    s, a = np.where(proper, x, 2.0), np.where(proper, q, 1.0)
    out = np.zeros_like(a)
    far = 12 + np.minimum(s, 60) / 2
    while np.any(a < far):
        out += np.where(a < far, np.power(a, -s), 0)
        a = np.where(a < far, a + 1, a)
    last = np.power(a, -s)
    out += last * a / (s - 1) + 0.5 * last
    rising, power = s.copy(), last / a
    for k, divisor in enumerate(_EULER_MACLAURIN):
        out += rising * power / divisor
        rising *= (s + 2 * k + 1) * (s + 2 * k + 2)
        power /= a * a
    pole = (x == 1) | ((x > 1) & (q <= 0) & (q == np.floor(q)))
    return np.where(proper, out, np.where(pole, np.inf, np.nan))


@_in_double
def polygamma(n: Array, x: Array) -> Array:
    """The n-th derivative of digamma: (-1)^(n+1) n! zeta(n + 1, x)."""
    proper = (n >= 0) & (n == np.floor(n))
    order = np.where(proper, n, 0)
    value = np.where(order % 2 == 0, -1.0, 1.0) * np.exp(np.asarray(lgamma(order + 1))) * np.asarray(zeta(order + 1, x))
    return np.where(proper, np.where(order == 0, np.asarray(digamma(x)), value), np.nan)


def _gamma_density(a: Array, x: Array) -> Array:
    """x^a exp(-x) / Gamma(a + 1)."""
    return np.exp(a * np.log(x) - x - np.asarray(lgamma(a + 1)))


def _gamma_series(a: Array, x: Array) -> Array:
    """P(a, x) by its power series, quick for x < a + 1."""
    term, total, k = np.ones_like(x), np.ones_like(x), 0
    while k < 5000 and np.any(term > total * _EPS):
        k += 1
        term = term * x / (a + k)
        total += term
    return total * _gamma_density(a, x)


def _fraction(b: Callable[[int], Array], a: Callable[[int], Array], like: Array) -> Array:
    """b0 + a1 / (b1 + a2 / (b2 + ...)) by Lentz's method."""
    tiny = 1e-300
    f = b(0) + np.zeros_like(like)
    f = np.where(f == 0, tiny, f)
    c, d, k = f, np.zeros_like(f), 0
    change = np.full(f.shape, 2.0)
    while k < 5000 and np.any(np.abs(change - 1) > 4 * _EPS):
        k += 1
        d = b(k) + a(k) * d
        c = b(k) + a(k) / c
        d, c = 1 / np.where(d == 0, tiny, d), np.where(c == 0, tiny, c)
        change = c * d
        f = f * change
    return f


def _gamma_fraction(a: Array, x: Array) -> Array:
    """Q(a, x) by its continued fraction, quick for x > a + 1."""
    f = _fraction(lambda k: x + 2 * k + 1 - a, lambda k: -k * (k - a), x)
    return _gamma_density(a, x) * a / f


def _incomplete_gamma(a: Array, x: Array, upper: bool) -> Array:
    proper = (a > 0) & (x > 0) & np.isfinite(a) & np.isfinite(x)
    by_series = proper & (x < a + 1)
    by_fraction = proper & ~by_series
    out = np.where(x == 0, 0.0, np.where(np.isposinf(x), 1.0, np.where(np.isposinf(a), 0.0, np.nan)))
    out = np.where((a <= 0) | (x < 0) | np.isnan(a) | np.isnan(x), np.nan, out)
    out = 1 - out if upper else out
    if by_series.any():
        lower = _gamma_series(a[by_series], x[by_series])
        out[by_series] = 1 - lower if upper else lower
    if by_fraction.any():
        rest = _gamma_fraction(a[by_fraction], x[by_fraction])
        out[by_fraction] = rest if upper else 1 - rest
    return out


@_in_double
def igamma(a: Array, x: Array) -> Array:
    """The lower regularized incomplete gamma function P(a, x)."""
    return _incomplete_gamma(a, x, upper=False)


@_in_double
def igammac(a: Array, x: Array) -> Array:
    """The upper regularized incomplete gamma function Q(a, x)."""
    return _incomplete_gamma(a, x, upper=True)


@_in_double
def igamma_grad_a(a: Array, x: Array) -> Array:
    """dP(a, x)/da: the derivative of the power series, term by term."""
    proper = (a > 0) & (x > 0) & np.isfinite(x)
    a, y = np.where(proper, a, 1.0), np.where(proper, x, 1.0)
    term, total = np.ones_like(y), np.ones_like(y)
    psi = np.asarray(digamma(a + 1))
    weighted, k = psi.copy(), 0
    while k < 5000 and np.any(term * (1 + np.abs(psi)) > total * _EPS):
        k += 1
        term = term * y / (a + k)
        psi = psi + 1 / (a + k)
        total += term
        weighted += term * psi
    out = _gamma_density(a, y) * (total * np.log(y) - weighted)
    return np.where(proper, out, np.where((a > 0) & (x == 0), 0.0, np.nan))


def _beta_fraction(a: Array, b: Array, x: Array) -> Array:
    """I_x(a, b) by its continued fraction, quick for x < (a + 1) / (a + b + 2)."""

    def numerator(k: int) -> Array:
        m = k // 2
        if k == 1:
            return np.ones_like(x)
        n = (k - 1) // 2
        if k % 2:
            return n * (b - n) * x / ((a + 2 * n - 1) * (a + 2 * n))
        m -= 1
        return -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1))

    log_front = a * np.log(x) + b * np.log1p(-x) - np.asarray(lgamma(a) + lgamma(b) - lgamma(a + b))
    return np.exp(log_front) / a * _fraction(lambda k: np.full_like(x, float(k > 0)), numerator, x)


@_in_double
def betainc(a: Array, b: Array, x: Array) -> Array:
    """The regularized incomplete beta function I_x(a, b)."""
    proper = (a > 0) & (b > 0) & (x > 0) & (x < 1)
    out = np.where((a > 0) & (b > 0), np.where(x == 0, 0.0, np.where(x == 1, 1.0, np.nan)), np.nan)
    direct = proper & (x < (a + 1) / (a + b + 2))
    mirrored = proper & ~direct
    if direct.any():
        out[direct] = _beta_fraction(a[direct], b[direct], x[direct])
    if mirrored.any():
        out[mirrored] = 1 - _beta_fraction(b[mirrored], a[mirrored], 1 - x[mirrored])
    return out


# -- Bessel functions --------------------------------------------------------------------------------------------------


def _modified_first(order: int, x: Array) -> Array:
    """exp(-|x|) I_order(x): the power series, whose terms are all positive, or the asymptotic one."""
    size = np.abs(x)
    y = np.minimum(size, 30.0)
    term = np.exp(-y) * (y / 2) ** order
    series = term.copy()
    for k in range(1, 90):
        term = term * (y * y / 4) / (k * (k + order))
        series += term
    z = np.maximum(size, 30.0)
    term, asymptotic = np.ones_like(z), np.ones_like(z)
    for k in range(1, 30):
        term = term * -(4 * order * order - (2 * k - 1) ** 2) / (8 * k * z)
        asymptotic += term
    out = np.where(size < 30, series, asymptotic / np.sqrt(2 * np.pi * z))
    return np.where(x < 0, -out, out) if order else out


@_in_double
def bessel_i0(x: Array) -> Array:
    """The modified Bessel function of the first kind, of order 0."""
    return _modified_first(0, x) * np.exp(np.abs(x))


@_in_double
def bessel_i0e(x: Array) -> Array:
    """exp(-|x|) I0(x)."""
    return _modified_first(0, x)


@_in_double
def bessel_i1(x: Array) -> Array:
    """The modified Bessel function of the first kind, of order 1."""
    return _modified_first(1, x) * np.exp(np.abs(x))


@_in_double
def bessel_i1e(x: Array) -> Array:
    """exp(-|x|) I1(x)."""
    return _modified_first(1, x)


def _modified_second(order: int, x: Array) -> Array:
    """exp(x) K_order(x): the trapezoidal rule on the integral of exp(-x (cosh t - 1)) cosh(order t), t > 0."""
    proper = x > 0
    y = np.where(proper, np.minimum(x, 1e300), 1.0)
    z = 750 / y
    reach = np.log1p(z + np.sqrt(z * (z + 2)))
    points = 400
    total = np.zeros_like(y)
    for i in range(points + 1):
        t = reach * i / points
        value = np.exp(-y * (2 * np.sinh(t / 2) ** 2)) * np.cosh(order * t)
        total += value / 2 if i == 0 else value
    out = np.where(np.isposinf(x), 0.0, total * reach / points)
    return np.where(proper, out, np.where(x <= 0, np.inf, np.nan))


@_in_double
def bessel_k0(x: Array) -> Array:
    """The modified Bessel function of the second kind, of order 0."""
    return _modified_second(0, x) * np.exp(-np.maximum(x, 0))


@_in_double
def bessel_k0e(x: Array) -> Array:
    """exp(x) K0(x)."""
    return _modified_second(0, x)


@_in_double
def bessel_k1(x: Array) -> Array:
    """The modified Bessel function of the second kind, of order 1."""
    return _modified_second(1, x) * np.exp(-np.maximum(x, 0))


@_in_double
def bessel_k1e(x: Array) -> Array:
    """exp(x) K1(x)."""
    return _modified_second(1, x)


_NEAR = 25.0


def _first_kind(orders: Array, x: Array) -> Array:
    """J_n(x) for |x| <= 25 and several orders (a new last axis): the mean of cos(n t - x sin t) over a period."""
    points = 192
    t = 2 * np.pi * np.arange(points) / points
    wave = np.exp(-1j * np.multiply.outer(x, np.sin(t)))
    return np.real(wave @ np.exp(1j * np.outer(t, orders))) / points


def _hankel(order: int, x: Array) -> tuple[Array, Array]:
    """J and Y of one order for x >= 25, by their common asymptotic series."""
    term, p, q = np.ones_like(x), np.ones_like(x), np.zeros_like(x)
    for k in range(1, 40):
        term = term * (4 * order * order - (2 * k - 1) ** 2) / (8 * k * x)
        if k % 2:
            q = q + (term if k % 4 == 1 else -term)
        else:
            p = p + (-term if k % 4 == 2 else term)
    phase = x - (2 * order + 1) * np.pi / 4
    scale = np.sqrt(2 / (np.pi * x))
    return scale * (p * np.cos(phase) - q * np.sin(phase)), scale * (p * np.sin(phase) + q * np.cos(phase))


def _bessel_j(order: int, x: Array) -> Array:
    size = np.abs(x)
    near = _first_kind(np.array([order]), np.minimum(size, _NEAR))[..., 0]
    out = np.where(size < _NEAR, near, _hankel(order, np.maximum(size, _NEAR))[0])
    if order:  # the integral loses the digits of a small result
        square = np.minimum(size, 1.0) ** 2 / 4
        series = 1 - square / 2 * (1 - square / 6 * (1 - square / 12 * (1 - square / 20 * (1 - square / 30))))
        out = np.where(size < 0.5, size / 2 * series, out)
    out = np.where(np.isinf(x), 0.0, np.where(np.isnan(x), np.nan, out))
    return np.where(x < 0, -out, out) if order else out


def _bessel_y(order: int, x: Array) -> Array:
    """Neumann's series in Bessel functions of the first kind near 0, the asymptotic one far from it."""
    y = np.where((x > 0) & (x < _NEAR), x, 1.0)
    k = np.arange(1, 40)
    j = _first_kind(np.arange(0, 2 * len(k) + 2), y)
    signs = np.where(k % 2, -1.0, 1.0) / k
    log = np.log(y / 2) + _EULER
    if order == 0:
        near = 2 / np.pi * (log * j[..., 0] - 2 * (j[..., 2 * k] @ signs))
    else:
        slope = (j[..., 2 * k - 1] - j[..., 2 * k + 1]) @ signs
        near = -2 / np.pi * (j[..., 0] / y - log * j[..., 1] - slope)
    out = np.where(x < _NEAR, near, _hankel(order, np.maximum(x, _NEAR))[1])
    out = np.where(np.isposinf(x), 0.0, out)
    return np.where(x > 0, out, np.where(x <= 0, -np.inf, np.nan))


@_in_double
def bessel_j0(x: Array) -> Array:
    """The Bessel function of the first kind, of order 0."""
    return _bessel_j(0, x)


@_in_double
def bessel_j1(x: Array) -> Array:
    """The Bessel function of the first kind, of order 1."""
    return _bessel_j(1, x)


@_in_double
def bessel_y0(x: Array) -> Array:
    """The Bessel function of the second kind, of order 0."""
    return _bessel_y(0, x)


@_in_double
def bessel_y1(x: Array) -> Array:
    """The Bessel function of the second kind, of order 1."""
    return _bessel_y(1, x)


# -- integrals ---------------------------------------------------------------------------------------------------------


@_in_double
def dawsn(x: Array) -> Array:
    """Dawson's integral by Rybicki's exponentially convergent sum; its asymptotic series far from 0."""
    size, h = np.abs(x), 0.2
    y = np.minimum(size, 8.0)
    centre = 2 * np.round(y / (2 * h))
    out = np.zeros_like(y)
    for k in range(-33, 34, 2):
        out += np.exp(-((y - (centre + k) * h) ** 2)) / (centre + k)
    z = np.maximum(size, 8.0)
    term, far = 1 / (2 * z), 1 / (2 * z)
    for k in range(1, 25):
        term = term * (2 * k - 1) / (2 * z * z)
        far = far + term
    out = np.where(size < 8, out / math.sqrt(math.pi), far)
    near = y * (1 - 2 / 3 * y * y * (1 - 2 / 5 * y * y * (1 - 2 / 7 * y * y)))
    return np.copysign(np.where(size < 1e-3, near, out), x)


@_in_double
def expint(x: Array) -> Array:
    """Ei(x): the power series near 0, the continued fraction of E1 for x < -1, the asymptotic series for x > 40."""
    y = np.clip(x, -1.0, 40.0)
    term, series = np.ones_like(y), np.zeros_like(y)
    for k in range(1, 150):
        term = term * y / k
        series += term / k
    out = _EULER + np.log(np.abs(y)) + series
    below = x < -1
    if below.any():
        z = np.minimum(-x[below], 1e4)
        out[below] = -np.exp(-z) / _fraction(lambda k: z + 2 * k + 1, lambda k: -np.full_like(z, k * k), z)
    z = np.maximum(x, 40.0)
    term, far = np.ones_like(z), np.ones_like(z)
    for k in range(1, 38):
        term = term * k / z
        far = far + term
    out = np.where(x > 40, np.exp(z) / z * far, out)
    return np.where(np.isnan(x), np.nan, np.where(np.isposinf(x), np.inf, np.where(x < -750, -0.0, out)))


def _fresnel(x: Array) -> tuple[Array, Array]:
    """The cosine and sine integrals: power series up to 1.5, a continued fraction of erfc beyond."""
    size = np.abs(x)
    y = np.minimum(size, 1.5)
    square = np.pi / 2 * y * y
    term, c, s = y.copy(), np.zeros_like(y), np.zeros_like(y)
    for k in range(60):
        part = term / (2 * k + 1) * (1 if k % 4 < 2 else -1)
        c, s = (c + part, s) if k % 2 == 0 else (c, s + part)
        term = term * square / (k + 1)
    z = np.clip(size, 1.5, 1e8)
    w = np.pi * z * z
    base = 1 - 1j * w
    f = _fraction(lambda k: base + 4 * k, lambda k: np.full_like(w, -(2.0 * k - 1) * 2 * k), base)
    half = np.pi / 2 * (z * z % 4.0)
    far = 0.5 * (1 + 1j) * (1 - (np.cos(half) + 1j * np.sin(half)) * ((1 - 1j) * z) / f)
    far = np.where(np.isinf(x) | (size > 1e8), 0.5 + 0.5j, far)
    near = size < 1.5
    return np.copysign(np.where(near, c, far.real), x), np.copysign(np.where(near, s, far.imag), x)


@_in_double
def fresnel_cos(x: Array) -> Array:
    """The integral of cos(pi t^2 / 2) from 0 to x."""
    return _fresnel(x)[0]


@_in_double
def fresnel_sin(x: Array) -> Array:
    """The integral of sin(pi t^2 / 2) from 0 to x."""
    return _fresnel(x)[1]


@_in_double
def spence(x: Array) -> Array:
    """Li2(1 - x), moved into [0.5, 1.5] by the dilogarithm's reflections and summed there."""
    inverted = x > 1.5
    y = np.where(inverted, 1 / np.where(inverted, x, 1), x)
    mirrored = y < 0.5
    z = np.where(mirrored, y, 1 - y)
    power, total = np.ones_like(z), np.zeros_like(z)
    for k in range(1, 60):
        power = power * z
        total += power / (k * k)
    product = np.where(y > 0, np.log(np.where(y > 0, y, 1)) * np.log1p(-np.where(mirrored, y, 0.5)), 0)
    out = np.where(mirrored, np.pi**2 / 6 - product - total, total)
    log = np.log(np.where(inverted, x, 1))
    out = np.where(inverted, -0.5 * log * log - out, out)
    return np.where(x < 0, np.nan, out)
