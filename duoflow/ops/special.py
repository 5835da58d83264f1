"""The error functions, the gamma function and its kin.

Those that engines have no code for (incomplete gamma and beta, zeta, ...) are computed by `core.special` in float64.
"""

from __future__ import annotations

import math
from typing import Any

from duoflow.core import dtypes, special
from duoflow.core.emit import NO_ATTRS, emit_one
from duoflow.core.late import F
from duoflow.core.tensor import convert

from .families import (
    FLOATING,
    binary,
    elementwise,
    unary,
)
from .static import operand

__all__ = [
    "betainc", "digamma", "erf", "erfc", "erfcinv", "erfinv", "igamma", "igamma_grad_a", "igammac", "lbeta", "lgamma",
    "ndtri", "polygamma", "zeta",
]  # fmt: skip

_DOUBLE = (dtypes.float32, dtypes.float64)


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
    array([0.       , 1.9599644], dtype=float32)

    TensorFlow: tf.math.ndtri.
    """


def erfcinv(x: Any, name: str | None = None) -> Any:
    """The inverse of `erfc`, on [0, 2].

    >>> tf.math.erfcinv([0.5]).numpy()
    array([0.47693625], dtype=float32)

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
    array([0.86466473], dtype=float32)

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
    """The derivative of `igamma` with respect to a. TensorFlow: tf.raw_ops.IgammaGradA."""


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
    return emit_one(_BETAINC, (a, operand(b, a), operand(x, a)), NO_ATTRS, name)


def lbeta(x: Any, name: str | None = None) -> Any:
    """log |Beta(x)| over the last dimension: the sum of lgamma(x) less lgamma of the sum.

    >>> tf.math.lbeta([1.0, 2.0]).numpy()
    np.float32(-0.6931472)

    TensorFlow: tf.math.lbeta.
    """
    with F.name_scope(name or "lbeta"):
        x = convert(x)
        return F.reduce_sum(lgamma(x), [-1]) - lgamma(F.reduce_sum(x, [-1]))
