"""Elementwise functions beyond arithmetic: trigonometric, hyperbolic, logistic, rounding, and special functions.

The special functions that engines have no code for (incomplete gamma and beta, zeta, Bessel, ...) are computed by
`core.special` in float64.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from duoflow.core import dtypes, special
from duoflow.core.emit import NO_ATTRS, emit_one
from duoflow.core.late import F
from duoflow.core.scalar import value_dtype
from duoflow.core.tensor import convert

from .families import COMPLEX, FLOATING, SIGNED, binary, elementwise, in_float32, unary

__all__ = [
    "acos", "acosh", "asin", "asinh", "atan", "atan2", "atanh", "bessel_i0", "bessel_i0e", "bessel_i1", "bessel_i1e",
    "bessel_j0", "bessel_j1", "bessel_k0", "bessel_k0e", "bessel_k1", "bessel_k1e", "bessel_y0", "bessel_y1", "betainc",
    "ceil", "cos", "cosh", "dawsn", "digamma", "erf", "erfc", "erfcinv", "erfinv", "expint", "floor", "fresnel_cos",
    "fresnel_sin", "igamma", "igamma_grad_a", "igammac", "lbeta", "lgamma", "log_sigmoid", "ndtri", "nextafter",
    "polygamma", "rint", "round", "sigmoid", "sin", "sinh", "softplus", "spence", "tan", "tanh", "zeta",
]  # fmt: skip

_DOUBLE = (dtypes.float32, dtypes.float64)


def _x(node: Any) -> Any:
    return F.conj(node.inputs[0])


def _y(node: Any) -> Any:
    return F.conj(node.outputs[0])


# -- trigonometric and hyperbolic ---------------------------------------------------------------------------------------


@unary("Sin", in_float32(np.sin), body=lambda b, x: b.sin(x), gradient=lambda n, g: g * F.cos(_x(n)))
def sin(x: Any, name: str | None = None) -> Any:
    """The sine, elementwise, of radians.

    >>> tf.math.sin([0.0, 0.5]).numpy()
    array([0.        , 0.47942555], dtype=float32)

    TensorFlow: tf.math.sin.
    """


@unary("Cos", in_float32(np.cos), body=lambda b, x: b.cos(x), gradient=lambda n, g: -g * F.sin(_x(n)))
def cos(x: Any, name: str | None = None) -> Any:
    """The cosine, elementwise, of radians.

    >>> tf.math.cos([0.0, 0.5]).numpy()
    array([1.        , 0.87758255], dtype=float32)

    TensorFlow: tf.math.cos.
    """


@unary("Tan", in_float32(np.tan), body=lambda b, x: b.tan(x), gradient=lambda n, g: g / F.square(F.cos(_x(n))))
def tan(x: Any, name: str | None = None) -> Any:
    """The tangent, elementwise, of radians.

    >>> tf.math.tan([0.0, 1.0]).numpy()
    array([0.       , 1.5574077], dtype=float32)

    TensorFlow: tf.math.tan.
    """


@unary(
    "Asin", in_float32(np.arcsin), body=lambda b, x: b.asin(x), gradient=lambda n, g: g / F.sqrt(1 - F.square(_x(n)))
)
def asin(x: Any, name: str | None = None) -> Any:
    """The angle in [-pi/2, pi/2] with the sine x; NaN outside [-1, 1].

    >>> tf.math.asin([0.0, 0.5]).numpy()
    array([0.       , 0.5235988], dtype=float32)

    TensorFlow: tf.math.asin.
    """


@unary(
    "Acos", in_float32(np.arccos), body=lambda b, x: b.acos(x), gradient=lambda n, g: -g / F.sqrt(1 - F.square(_x(n)))
)
def acos(x: Any, name: str | None = None) -> Any:
    """The angle in [0, pi] with the cosine x; NaN outside [-1, 1].

    >>> tf.math.acos([0.0, 0.5]).numpy()
    array([1.5707964, 1.0471976], dtype=float32)

    TensorFlow: tf.math.acos.
    """


@unary("Atan", in_float32(np.arctan), body=lambda b, x: b.atan(x), gradient=lambda n, g: g / (1 + F.square(_x(n))))
def atan(x: Any, name: str | None = None) -> Any:
    """The angle in (-pi/2, pi/2) with the tangent x.

    >>> tf.math.atan([0.0, 0.5]).numpy()
    array([0.       , 0.4636476], dtype=float32)

    TensorFlow: tf.math.atan.
    """


@unary("Sinh", in_float32(np.sinh), body=lambda b, x: b.sinh(x), gradient=lambda n, g: g * F.cosh(_x(n)))
def sinh(x: Any, name: str | None = None) -> Any:
    """The hyperbolic sine, elementwise.

    >>> tf.math.sinh([0.0, 0.5]).numpy()
    array([0.       , 0.5210953], dtype=float32)

    TensorFlow: tf.math.sinh.
    """


@unary("Cosh", in_float32(np.cosh), body=lambda b, x: b.cosh(x), gradient=lambda n, g: g * F.sinh(_x(n)))
def cosh(x: Any, name: str | None = None) -> Any:
    """The hyperbolic cosine, elementwise.

    >>> tf.math.cosh([0.0, 0.5]).numpy()
    array([1.       , 1.1276261], dtype=float32)

    TensorFlow: tf.math.cosh.
    """


@unary("Tanh", in_float32(np.tanh), body=lambda b, x: b.tanh(x), gradient=lambda n, g: g * (1 - F.square(_y(n))))
def tanh(x: Any, name: str | None = None) -> Any:
    """The hyperbolic tangent, elementwise.

    >>> tf.math.tanh([0.0, 0.5]).numpy()
    array([0.       , 0.4621172], dtype=float32)

    TensorFlow: tf.math.tanh.
    """


@unary("Asinh", in_float32(np.arcsinh), body=lambda b, x: b.asinh(x), gradient=lambda n, g: g / F.cosh(_y(n)))
def asinh(x: Any, name: str | None = None) -> Any:
    """The inverse of `sinh`.

    >>> tf.math.asinh([0.0, 0.5]).numpy()
    array([0.       , 0.4812118], dtype=float32)

    TensorFlow: tf.math.asinh.
    """


@unary("Acosh", in_float32(np.arccosh), body=lambda b, x: b.acosh(x), gradient=lambda n, g: g / F.sinh(_y(n)))
def acosh(x: Any, name: str | None = None) -> Any:
    """The inverse of `cosh`; NaN below 1.

    >>> tf.math.acosh([1.0, 2.0]).numpy()
    array([0.      , 1.316958], dtype=float32)

    TensorFlow: tf.math.acosh.
    """


@unary("Atanh", in_float32(np.arctanh), body=lambda b, x: b.atanh(x), gradient=lambda n, g: g / (1 - F.square(_x(n))))
def atanh(x: Any, name: str | None = None) -> Any:
    """The inverse of `tanh`; NaN outside [-1, 1].

    >>> tf.math.atanh([0.0, 0.5]).numpy()
    array([0.        , 0.54930615], dtype=float32)

    TensorFlow: tf.math.atanh.
    """


def _atan2_gradient(node: Any, g: Any) -> tuple[Any, Any]:
    y, x = node.inputs
    scale = g / (F.square(x) + F.square(y))
    return x * scale, -y * scale


@binary("Atan2", in_float32(np.arctan2), body=lambda b, y, x: b.atan2(y, x), gradient=_atan2_gradient, allowed=FLOATING)
def atan2(y: Any, x: Any, name: str | None = None) -> Any:
    """The angle in [-pi, pi] of the point (x, y).

    >>> tf.math.atan2([1.0, 0.0], [0.0, -1.0]).numpy()
    array([1.5707964, 3.1415927], dtype=float32)

    TensorFlow: tf.math.atan2.
    """


# -- logistic ----------------------------------------------------------------------------------------------------------


@in_float32
def _sigmoid(x: Any) -> Any:
    return np.reciprocal(1 + np.exp(-x))


@unary(
    "Sigmoid",
    _sigmoid,
    body=lambda b, x: 1 / (1 + b.exp(-x)),
    gradient=lambda n, g: g * (_y(n) * (1 - _y(n))),
)
def sigmoid(x: Any, name: str | None = None) -> Any:
    """1 / (1 + exp(-x)), elementwise.

    >>> tf.math.sigmoid([0.0, 100.0]).numpy()
    array([0.5, 1. ], dtype=float32)

    TensorFlow: tf.math.sigmoid.
    """


@in_float32
def _softplus(x: Any) -> Any:
    return np.maximum(x, 0) + np.log1p(np.exp(-np.abs(x)))


@unary(
    "Softplus",
    _softplus,
    body=lambda b, x: b.maximum(x, b.const(0, value_dtype(x))) + b.log1p(b.exp(-b.abs(x))),
    gradient=lambda n, g: g * F.sigmoid(n.inputs[0]),
    allowed=FLOATING,
)
def softplus(features: Any, name: str | None = None) -> Any:
    """log(1 + exp(x)), elementwise, without overflow.

    >>> tf.math.softplus([0.0, 100.0]).numpy()
    array([  0.6931472, 100.       ], dtype=float32)

    TensorFlow: tf.math.softplus.
    """


def log_sigmoid(x: Any, name: str | None = None) -> Any:
    """log(sigmoid(x)), elementwise, without underflow.

    >>> tf.math.log_sigmoid([0.0, -100.0]).numpy()
    array([  -0.6931472, -100.       ], dtype=float32)

    TensorFlow: tf.math.log_sigmoid.
    """
    with F.name_scope(name or "LogSigmoid"):
        return -softplus(-convert(x))


# -- rounding ----------------------------------------------------------------------------------------------------------


@unary("Floor", np.floor, body=lambda b, x: b.floor(x), allowed=FLOATING)
def floor(x: Any, name: str | None = None) -> Any:
    """The largest integer not above x.

    >>> tf.math.floor([1.5, -1.5]).numpy()
    array([ 1., -2.], dtype=float32)

    TensorFlow: tf.math.floor.
    """


@unary("Ceil", np.ceil, body=lambda b, x: b.ceil(x), allowed=FLOATING)
def ceil(x: Any, name: str | None = None) -> Any:
    """The smallest integer not below x.

    >>> tf.math.ceil([1.5, -1.5]).numpy()
    array([ 2., -1.], dtype=float32)

    TensorFlow: tf.math.ceil.
    """


_ROUND = elementwise(
    "Round",
    lambda x: x if x.dtype.kind in "iu" else np.rint(x),
    body=lambda b, x: x if value_dtype(x).is_integer else b.round(x),
    allowed=(*FLOATING, *SIGNED, *COMPLEX),
)


def round(x: Any, name: str | None = None) -> Any:
    """x rounded to an integer, halves to the even one. Integers are returned as they are.

    >>> tf.math.round([0.5, 1.5, 2.3]).numpy()
    array([0., 2., 2.], dtype=float32)

    TensorFlow: tf.math.round.
    """
    x = convert(x)
    return x if x.dtype.is_integer else emit_one(_ROUND, (x,), NO_ATTRS, name)


@unary("Rint", np.rint, body=lambda b, x: b.round(x), allowed=FLOATING)
def rint(x: Any, name: str | None = None) -> Any:
    """x rounded to an integer, halves to the even one.

    >>> tf.math.rint([-1.7, 2.5]).numpy()
    array([-2.,  2.], dtype=float32)

    TensorFlow: tf.math.rint.
    """


@binary(
    "NextAfter", np.nextafter, body=lambda b, x, y: b.nextafter(x, y), gradient=lambda n, g: (g, None), allowed=_DOUBLE
)
def nextafter(x1: Any, x2: Any, name: str | None = None) -> Any:
    """The next number that x1's type can hold in the direction of x2.

    >>> tf.math.nextafter([1.0], [2.0]).numpy()
    array([1.0000001], dtype=float32)

    TensorFlow: tf.math.nextafter.
    """


# -- error functions ---------------------------------------------------------------------------------------------------


@unary(
    "Erf",
    special.erf,
    body=lambda b, x: b.erf(x),
    gradient=lambda n, g: g * (2 / math.sqrt(math.pi)) * F.exp(-F.square(n.inputs[0])),
    allowed=FLOATING,
)
def erf(x: Any, name: str | None = None) -> Any:
    """The error function: 2 / sqrt(pi) times the integral of exp(-t^2) from 0 to x.

    >>> tf.math.erf([0.0, 1.0]).numpy()
    array([0.       , 0.8427008], dtype=float32)

    TensorFlow: tf.math.erf.
    """


@unary(
    "Erfc",
    special.erfc,
    body=lambda b, x: b.erfc(x),
    gradient=lambda n, g: g * (-2 / math.sqrt(math.pi)) * F.exp(-F.square(n.inputs[0])),
    allowed=FLOATING,
)
def erfc(x: Any, name: str | None = None) -> Any:
    """1 - erf(x), exact where it is small.

    >>> tf.math.erfc([0.0, 1.0]).numpy()
    array([1.       , 0.1572992], dtype=float32)

    TensorFlow: tf.math.erfc.
    """


@unary(
    "Erfinv",
    special.erfinv,
    body=lambda b, x: b.erfinv(x),
    gradient=lambda n, g: g * (math.sqrt(math.pi) / 2) * F.exp(F.square(n.outputs[0])),
    allowed=FLOATING,
)
def erfinv(x: Any, name: str | None = None) -> Any:
    """The inverse of `erf` on [-1, 1]; NaN outside.

    >>> tf.math.erfinv([0.0, 0.5]).numpy()
    array([0.        , 0.47693628], dtype=float32)

    TensorFlow: tf.math.erfinv.
    """


@unary(
    "Ndtri",
    special.ndtri,
    body=lambda b, x: b.ndtri(x),
    gradient=lambda n, g: g * math.sqrt(2 * math.pi) * F.exp(F.square(n.outputs[0]) / 2),
    allowed=FLOATING,
)
def ndtri(x: Any, name: str | None = None) -> Any:
    """The quantile function of the standard normal distribution, on [0, 1].

    >>> tf.math.ndtri([0.5, 0.975]).numpy()
    array([0.      , 1.959964], dtype=float32)

    TensorFlow: tf.math.ndtri.
    """


def erfcinv(x: Any, name: str | None = None) -> Any:
    """The inverse of `erfc`, on [0, 2].

    >>> tf.math.erfcinv([1.0, 0.5]).numpy()
    array([0.        , 0.4769363], dtype=float32)

    TensorFlow: tf.math.erfcinv.
    """
    with F.name_scope(name or "erfcinv"):
        return ndtri(0.5 * convert(x)) * -math.sqrt(0.5)


# -- gamma and its kin -------------------------------------------------------------------------------------------------


@unary(
    "Lgamma",
    special.lgamma,
    body=lambda b, x: b.lgamma(x),
    gradient=lambda n, g: g * F.digamma(n.inputs[0]),
    allowed=FLOATING,
)
def lgamma(x: Any, name: str | None = None) -> Any:
    """The logarithm of the absolute value of the gamma function.

    >>> tf.math.lgamma([1.0, 5.0]).numpy()
    array([0.       , 3.1780539], dtype=float32)

    TensorFlow: tf.math.lgamma.
    """


@unary(
    "Digamma",
    special.digamma,
    body=lambda b, x: b.digamma(x),
    gradient=lambda n, g: g * F.polygamma(F.ones_like(g), n.inputs[0]),
    allowed=FLOATING,
)
def digamma(x: Any, name: str | None = None) -> Any:
    """The derivative of the logarithm of the gamma function.

    >>> tf.math.digamma([1.0, 4.0]).numpy()
    array([-0.5772157,  1.2561177], dtype=float32)

    TensorFlow: tf.math.digamma.
    """


@binary(
    "Polygamma",
    special.polygamma,
    body=lambda b, a, x: b.polygamma(a, x),
    gradient=lambda n, g: (None, g * F.polygamma(n.inputs[0] + 1, n.inputs[1])),
    allowed=_DOUBLE,
)
def polygamma(a: Any, x: Any, name: str | None = None) -> Any:
    """The derivative of order a (a whole number) of `digamma` at x.

    >>> tf.math.polygamma([1.0], [2.0]).numpy()
    array([0.64493406], dtype=float32)

    TensorFlow: tf.math.polygamma.
    """


@binary(
    "Zeta",
    special.zeta,
    body=lambda b, x, q: b.zeta(x, q),
    gradient=lambda n, g: (None, -g * n.inputs[0] * F.zeta(n.inputs[0] + 1, n.inputs[1])),
    allowed=_DOUBLE,
)
def zeta(x: Any, q: Any, name: str | None = None) -> Any:
    """The Hurwitz zeta function: the sum of (q + k)^-x over k = 0, 1, ...

    >>> tf.math.zeta([2.0], [1.0]).numpy()
    array([1.644934], dtype=float32)

    TensorFlow: tf.math.zeta.
    """


def _igamma_gradient(node: Any, g: Any) -> tuple[Any, Any]:
    a, x = node.inputs
    density = F.exp(-x + (a - 1) * F.log(x) - F.lgamma(a))
    return g * F.igamma_grad_a(a, x), g * density


@binary("Igamma", special.igamma, body=lambda b, a, x: b.igamma(a, x), gradient=_igamma_gradient, allowed=FLOATING)
def igamma(a: Any, x: Any, name: str | None = None) -> Any:
    """The lower regularized incomplete gamma function P(a, x).

    >>> tf.math.igamma([1.0], [2.0]).numpy()
    array([0.8646647], dtype=float32)

    TensorFlow: tf.math.igamma.
    """


@binary(
    "Igammac",
    special.igammac,
    body=lambda b, a, x: b.igammac(a, x),
    gradient=lambda n, g: tuple(-d for d in _igamma_gradient(n, g)),
    allowed=FLOATING,
)
def igammac(a: Any, x: Any, name: str | None = None) -> Any:
    """The upper regularized incomplete gamma function Q(a, x) = 1 - P(a, x).

    >>> tf.math.igammac([1.0], [2.0]).numpy()
    array([0.13533528], dtype=float32)

    TensorFlow: tf.math.igammac.
    """


@binary("IgammaGradA", special.igamma_grad_a, body=lambda b, a, x: b.igamma_grad_a(a, x), allowed=_DOUBLE)
def igamma_grad_a(a: Any, x: Any, name: str | None = None) -> Any:
    """The derivative of `igamma` with respect to a. TensorFlow: tf.raw_ops.IgammaGradA.

    >>> float(tf.raw_ops.IgammaGradA(a=1.0, x=2.0))
    -0.2419
    """


def _betainc_gradient(node: Any, g: Any) -> tuple[Any, Any, Any]:
    a, b, x = node.inputs
    log_beta = F.lgamma(a) + F.lgamma(b) - F.lgamma(a + b)
    return None, None, g * F.exp((b - 1) * F.log1p(-x) + F.xlogy(a - 1, x) - log_beta)


_BETAINC = elementwise(
    "Betainc",
    special.betainc,
    body=lambda b, p, q, x: b.betainc(p, q, x),
    gradient=_betainc_gradient,
    allowed=_DOUBLE,
)


def betainc(a: Any, b: Any, x: Any, name: str | None = None) -> Any:
    """The regularized incomplete beta function I_x(a, b), for positive a, b and x in [0, 1].

    >>> tf.math.betainc([2.0], [3.0], [0.5]).numpy()
    array([0.6875], dtype=float32)

    TensorFlow: tf.math.betainc.
    """
    a = convert(a)
    return emit_one(_BETAINC, (a, convert(b, dtype=a.dtype), convert(x, dtype=a.dtype)), NO_ATTRS, name)


def lbeta(x: Any, name: str | None = None) -> Any:
    """log |Beta(x)| over the last dimension: the sum of lgamma(x) less lgamma of the sum.

    >>> tf.math.lbeta([1.0, 2.0]).numpy()
    -0.6931472

    TensorFlow: tf.math.lbeta.
    """
    with F.name_scope(name or "lbeta"):
        x = convert(x)
        return F.reduce_sum(lgamma(x), [-1]) - lgamma(F.reduce_sum(x, [-1]))


# -- Bessel functions and integrals ------------------------------------------------------------------------------------


def _over(y: Any, x: Any, at_zero: float) -> Any:
    """y / x, with its limit where x is 0."""
    zero = F.equal(x, F.zeros_like(x))
    return F.where(zero, F.ones_like(x) * at_zero, y / F.where(zero, F.ones_like(x), x))


@unary(
    "BesselI0",
    special.bessel_i0,
    body=lambda b, x: b.bessel_i0(x),
    gradient=lambda n, g: g * F.bessel_i1(n.inputs[0]),
    allowed=FLOATING,
)
def bessel_i0(x: Any, name: str | None = None) -> Any:
    """The modified Bessel function of the first kind, of order 0.

    >>> tf.math.special.bessel_i0([0.0, 1.0]).numpy()
    array([1.       , 1.2660658], dtype=float32)

    TensorFlow: tf.math.special.bessel_i0.
    """


@unary(
    "BesselI0e",
    special.bessel_i0e,
    body=lambda b, x: b.bessel_i0e(x),
    gradient=lambda n, g: g * (F.bessel_i1e(n.inputs[0]) - F.sign(n.inputs[0]) * n.outputs[0]),
    allowed=FLOATING,
)
def bessel_i0e(x: Any, name: str | None = None) -> Any:
    """exp(-|x|) `bessel_i0`(x).

    >>> tf.math.special.bessel_i0e([0.0, 1.0]).numpy()
    array([1.       , 0.4657596], dtype=float32)

    TensorFlow: tf.math.special.bessel_i0e.
    """


@unary(
    "BesselI1",
    special.bessel_i1,
    body=lambda b, x: b.bessel_i1(x),
    gradient=lambda n, g: g * (F.bessel_i0(n.inputs[0]) - _over(n.outputs[0], n.inputs[0], 0.5)),
    allowed=FLOATING,
)
def bessel_i1(x: Any, name: str | None = None) -> Any:
    """The modified Bessel function of the first kind, of order 1.

    >>> tf.math.special.bessel_i1([0.0, 1.0]).numpy()
    array([0.       , 0.5651591], dtype=float32)

    TensorFlow: tf.math.special.bessel_i1.
    """


@unary(
    "BesselI1e",
    special.bessel_i1e,
    body=lambda b, x: b.bessel_i1e(x),
    gradient=lambda n, g: (
        g * (F.bessel_i0e(n.inputs[0]) - F.sign(n.inputs[0]) * n.outputs[0] - _over(n.outputs[0], n.inputs[0], 0.5))
    ),
    allowed=FLOATING,
)
def bessel_i1e(x: Any, name: str | None = None) -> Any:
    """exp(-|x|) `bessel_i1`(x).

    >>> tf.math.special.bessel_i1e([0.0, 1.0]).numpy()
    array([0.        , 0.20791042], dtype=float32)

    TensorFlow: tf.math.special.bessel_i1e.
    """


@unary(
    "BesselK0",
    special.bessel_k0,
    body=lambda b, x: b.bessel_k0(x),
    gradient=lambda n, g: g * -F.bessel_k1(n.inputs[0]),
    allowed=FLOATING,
)
def bessel_k0(x: Any, name: str | None = None) -> Any:
    """The modified Bessel function of the second kind, of order 0.

    >>> tf.math.special.bessel_k0([1.0, 2.0]).numpy()
    array([0.42102444, 0.11389387], dtype=float32)

    TensorFlow: tf.math.special.bessel_k0.
    """


@unary(
    "BesselK0e",
    special.bessel_k0e,
    body=lambda b, x: b.bessel_k0e(x),
    gradient=lambda n, g: g * (n.outputs[0] - F.bessel_k1e(n.inputs[0])),
    allowed=FLOATING,
)
def bessel_k0e(x: Any, name: str | None = None) -> Any:
    """exp(x) `bessel_k0`(x).

    >>> tf.math.special.bessel_k0e([1.0, 2.0]).numpy()
    array([1.1444631 , 0.84156823], dtype=float32)

    TensorFlow: tf.math.special.bessel_k0e.
    """


@unary(
    "BesselK1",
    special.bessel_k1,
    body=lambda b, x: b.bessel_k1(x),
    gradient=lambda n, g: g * (-F.bessel_k0(n.inputs[0]) - n.outputs[0] / n.inputs[0]),
    allowed=FLOATING,
)
def bessel_k1(x: Any, name: str | None = None) -> Any:
    """The modified Bessel function of the second kind, of order 1.

    >>> tf.math.special.bessel_k1([1.0, 2.0]).numpy()
    array([0.60190725, 0.13986588], dtype=float32)

    TensorFlow: tf.math.special.bessel_k1.
    """


@unary(
    "BesselK1e",
    special.bessel_k1e,
    body=lambda b, x: b.bessel_k1e(x),
    gradient=lambda n, g: g * (n.outputs[0] * (1 - 1 / n.inputs[0]) - F.bessel_k0e(n.inputs[0])),
    allowed=FLOATING,
)
def bessel_k1e(x: Any, name: str | None = None) -> Any:
    """exp(x) `bessel_k1`(x).

    >>> tf.math.special.bessel_k1e([1.0, 2.0]).numpy()
    array([1.6361535, 1.0334768], dtype=float32)

    TensorFlow: tf.math.special.bessel_k1e.
    """


@unary(
    "BesselJ0",
    special.bessel_j0,
    body=lambda b, x: b.bessel_j0(x),
    gradient=lambda n, g: g * -F.bessel_j1(n.inputs[0]),
    allowed=FLOATING,
)
def bessel_j0(x: Any, name: str | None = None) -> Any:
    """The Bessel function of the first kind, of order 0.

    >>> tf.math.special.bessel_j0([0.0, 1.0]).numpy()
    array([1.       , 0.7651977], dtype=float32)

    TensorFlow: tf.math.special.bessel_j0.
    """


@unary(
    "BesselJ1",
    special.bessel_j1,
    body=lambda b, x: b.bessel_j1(x),
    gradient=lambda n, g: g * (F.bessel_j0(n.inputs[0]) - _over(n.outputs[0], n.inputs[0], 0.5)),
    allowed=FLOATING,
)
def bessel_j1(x: Any, name: str | None = None) -> Any:
    """The Bessel function of the first kind, of order 1.

    >>> tf.math.special.bessel_j1([0.0, 1.0]).numpy()
    array([0.        , 0.44005057], dtype=float32)

    TensorFlow: tf.math.special.bessel_j1.
    """


@unary(
    "BesselY0",
    special.bessel_y0,
    body=lambda b, x: b.bessel_y0(x),
    gradient=lambda n, g: g * -F.bessel_y1(n.inputs[0]),
    allowed=FLOATING,
)
def bessel_y0(x: Any, name: str | None = None) -> Any:
    """The Bessel function of the second kind, of order 0.

    >>> tf.math.special.bessel_y0([1.0, 2.0]).numpy()
    array([0.08825696, 0.5103757 ], dtype=float32)

    TensorFlow: tf.math.special.bessel_y0.
    """


@unary(
    "BesselY1",
    special.bessel_y1,
    body=lambda b, x: b.bessel_y1(x),
    gradient=lambda n, g: g * (F.bessel_y0(n.inputs[0]) - n.outputs[0] / n.inputs[0]),
    allowed=FLOATING,
)
def bessel_y1(x: Any, name: str | None = None) -> Any:
    """The Bessel function of the second kind, of order 1.

    >>> tf.math.special.bessel_y1([1.0, 2.0]).numpy()
    array([-0.7812128 , -0.10703243], dtype=float32)

    TensorFlow: tf.math.special.bessel_y1.
    """


@unary(
    "Dawsn",
    special.dawsn,
    body=lambda b, x: b.dawsn(x),
    gradient=lambda n, g: g * (1 - 2 * n.inputs[0] * n.outputs[0]),
    allowed=FLOATING,
)
def dawsn(x: Any, name: str | None = None) -> Any:
    """Dawson's integral: exp(-x^2) times the integral of exp(t^2) from 0 to x.

    >>> tf.math.special.dawsn([0.0, 1.0]).numpy()
    array([0.       , 0.5380795], dtype=float32)

    TensorFlow: tf.math.special.dawsn.
    """


@unary(
    "Expint",
    special.expint,
    body=lambda b, x: b.expint(x),
    gradient=lambda n, g: g * F.exp(n.inputs[0]) / n.inputs[0],
    allowed=FLOATING,
)
def expint(x: Any, name: str | None = None) -> Any:
    """The exponential integral Ei(x).

    >>> tf.math.special.expint([0.5, 1.0]).numpy()
    array([0.4542199, 1.8951178], dtype=float32)

    TensorFlow: tf.math.special.expint.
    """


@unary(
    "FresnelCos",
    special.fresnel_cos,
    body=lambda b, x: b.fresnel_cos(x),
    gradient=lambda n, g: g * F.cos((math.pi / 2) * F.square(n.inputs[0])),
    allowed=FLOATING,
)
def fresnel_cos(x: Any, name: str | None = None) -> Any:
    """The integral of cos(pi t^2 / 2) from 0 to x.

    >>> tf.math.special.fresnel_cos([0.0, 1.0]).numpy()
    array([0.       , 0.7798934], dtype=float32)

    TensorFlow: tf.math.special.fresnel_cos.
    """


@unary(
    "FresnelSin",
    special.fresnel_sin,
    body=lambda b, x: b.fresnel_sin(x),
    gradient=lambda n, g: g * F.sin((math.pi / 2) * F.square(n.inputs[0])),
    allowed=FLOATING,
)
def fresnel_sin(x: Any, name: str | None = None) -> Any:
    """The integral of sin(pi t^2 / 2) from 0 to x.

    >>> tf.math.special.fresnel_sin([0.0, 1.0]).numpy()
    array([0.        , 0.43825915], dtype=float32)

    TensorFlow: tf.math.special.fresnel_sin.
    """


def _spence_slope(x: Any) -> Any:
    one = F.equal(x, F.ones_like(x))
    return F.where(one, -F.ones_like(x), F.log(x) / F.where(one, F.ones_like(x), 1 - x))


@unary(
    "Spence",
    special.spence,
    body=lambda b, x: b.spence(x),
    gradient=lambda n, g: g * _spence_slope(n.inputs[0]),
    allowed=FLOATING,
)
def spence(x: Any, name: str | None = None) -> Any:
    """Spence's function: the integral of log(t) / (1 - t) from 1 to x.

    >>> tf.math.special.spence([0.5, 1.0]).numpy()
    array([0.5822405, 0.       ], dtype=float32)

    TensorFlow: tf.math.special.spence.
    """
