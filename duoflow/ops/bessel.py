"""Bessel functions and integrals of elementary functions, computed by `core.special`: `tf.math.special`."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

from duoflow.core import special
from duoflow.core.late import F

from .families import FLOATING, Function, unary

__all__ = [
    "bessel_i0", "bessel_i0e", "bessel_i1", "bessel_i1e", "bessel_j0", "bessel_j1", "bessel_k0", "bessel_k0e",
    "bessel_k1", "bessel_k1e", "bessel_y0", "bessel_y1", "dawsn", "expint", "fresnel_cos", "fresnel_sin", "spence",
]  # fmt: skip


def _special(op_name: str, gradient: Callable[..., Any]) -> Callable[[Function], Function]:
    """Record an op whose function `core.special` and the builders know under the name that is decorated."""

    def decorate(function: Function) -> Function:
        word = function.__name__
        meaning = getattr(special, word)
        body = lambda b, x: getattr(b, word)(x)
        return unary(op_name, meaning, body=body, gradient=gradient, allowed=FLOATING)(function)

    return decorate


def _over(y: Any, x: Any, at_zero: float) -> Any:
    """y / x, with its limit where x is 0."""
    zero = F.equal(x, F.zeros_like(x))
    return F.where(zero, F.ones_like(x) * at_zero, y / F.where(zero, F.ones_like(x), x))


@_special("BesselI0", lambda n, g: g * F.bessel_i1(n.inputs[0]))
def bessel_i0(x: Any, name: str | None = None) -> Any:
    """The modified Bessel function of the first kind, of order 0.

    >>> tf.math.special.bessel_i0([0.0, 1.0]).numpy()
    array([1.       , 1.2660658], dtype=float32)

    TensorFlow: tf.math.special.bessel_i0.
    """


@_special("BesselI0e", lambda n, g: g * (F.bessel_i1e(n.inputs[0]) - F.sign(n.inputs[0]) * n.outputs[0]))
def bessel_i0e(x: Any, name: str | None = None) -> Any:
    """exp(-|x|) `bessel_i0`(x).

    >>> tf.math.special.bessel_i0e([0.0, 1.0]).numpy()
    array([1.       , 0.4657596], dtype=float32)

    TensorFlow: tf.math.special.bessel_i0e.
    """


@_special("BesselI1", lambda n, g: g * (F.bessel_i0(n.inputs[0]) - _over(n.outputs[0], n.inputs[0], 0.5)))
def bessel_i1(x: Any, name: str | None = None) -> Any:
    """The modified Bessel function of the first kind, of order 1.

    >>> tf.math.special.bessel_i1([0.0, 1.0]).numpy()
    array([0.       , 0.5651591], dtype=float32)

    TensorFlow: tf.math.special.bessel_i1.
    """


@_special(
    "BesselI1e",
    lambda n, g: (
        g * (F.bessel_i0e(n.inputs[0]) - F.sign(n.inputs[0]) * n.outputs[0] - _over(n.outputs[0], n.inputs[0], 0.5))
    ),
)
def bessel_i1e(x: Any, name: str | None = None) -> Any:
    """exp(-|x|) `bessel_i1`(x).

    >>> tf.math.special.bessel_i1e([0.0, 1.0]).numpy()
    array([0.        , 0.20791042], dtype=float32)

    TensorFlow: tf.math.special.bessel_i1e.
    """


@_special("BesselK0", lambda n, g: g * -F.bessel_k1(n.inputs[0]))
def bessel_k0(x: Any, name: str | None = None) -> Any:
    """The modified Bessel function of the second kind, of order 0.

    >>> tf.math.special.bessel_k0([1.0, 2.0]).numpy()
    array([0.42102444, 0.11389387], dtype=float32)

    TensorFlow: tf.math.special.bessel_k0.
    """


@_special("BesselK0e", lambda n, g: g * (n.outputs[0] - F.bessel_k1e(n.inputs[0])))
def bessel_k0e(x: Any, name: str | None = None) -> Any:
    """exp(x) `bessel_k0`(x).

    >>> tf.math.special.bessel_k0e([1.0, 2.0]).numpy()
    array([1.1444631 , 0.84156823], dtype=float32)

    TensorFlow: tf.math.special.bessel_k0e.
    """


@_special("BesselK1", lambda n, g: g * (-F.bessel_k0(n.inputs[0]) - n.outputs[0] / n.inputs[0]))
def bessel_k1(x: Any, name: str | None = None) -> Any:
    """The modified Bessel function of the second kind, of order 1.

    >>> tf.math.special.bessel_k1([1.0, 2.0]).numpy()
    array([0.60190725, 0.13986588], dtype=float32)

    TensorFlow: tf.math.special.bessel_k1.
    """


@_special("BesselK1e", lambda n, g: g * (n.outputs[0] * (1 - 1 / n.inputs[0]) - F.bessel_k0e(n.inputs[0])))
def bessel_k1e(x: Any, name: str | None = None) -> Any:
    """exp(x) `bessel_k1`(x).

    >>> tf.math.special.bessel_k1e([1.0, 2.0]).numpy()
    array([1.6361535, 1.0334768], dtype=float32)

    TensorFlow: tf.math.special.bessel_k1e.
    """


@_special("BesselJ0", lambda n, g: g * -F.bessel_j1(n.inputs[0]))
def bessel_j0(x: Any, name: str | None = None) -> Any:
    """The Bessel function of the first kind, of order 0.

    >>> tf.math.special.bessel_j0([0.0, 1.0]).numpy()
    array([1.       , 0.7651977], dtype=float32)

    TensorFlow: tf.math.special.bessel_j0.
    """


@_special("BesselJ1", lambda n, g: g * (F.bessel_j0(n.inputs[0]) - _over(n.outputs[0], n.inputs[0], 0.5)))
def bessel_j1(x: Any, name: str | None = None) -> Any:
    """The Bessel function of the first kind, of order 1.

    >>> tf.math.special.bessel_j1([0.0, 1.0]).numpy()
    array([0.        , 0.44005057], dtype=float32)

    TensorFlow: tf.math.special.bessel_j1.
    """


@_special("BesselY0", lambda n, g: g * -F.bessel_y1(n.inputs[0]))
def bessel_y0(x: Any, name: str | None = None) -> Any:
    """The Bessel function of the second kind, of order 0.

    >>> tf.math.special.bessel_y0([1.0, 2.0]).numpy()
    array([0.08825696, 0.5103757 ], dtype=float32)

    TensorFlow: tf.math.special.bessel_y0.
    """


@_special("BesselY1", lambda n, g: g * (F.bessel_y0(n.inputs[0]) - n.outputs[0] / n.inputs[0]))
def bessel_y1(x: Any, name: str | None = None) -> Any:
    """The Bessel function of the second kind, of order 1.

    >>> tf.math.special.bessel_y1([1.0, 2.0]).numpy()
    array([-0.7812128 , -0.10703243], dtype=float32)

    TensorFlow: tf.math.special.bessel_y1.
    """


@_special("Dawsn", lambda n, g: g * (1 - 2 * n.inputs[0] * n.outputs[0]))
def dawsn(x: Any, name: str | None = None) -> Any:
    """Dawson's integral: exp(-x^2) times the integral of exp(t^2) from 0 to x.

    >>> tf.math.special.dawsn([0.0, 1.0]).numpy()
    array([0.       , 0.5380795], dtype=float32)

    TensorFlow: tf.math.special.dawsn.
    """


@_special("Expint", lambda n, g: g * F.exp(n.inputs[0]) / n.inputs[0])
def expint(x: Any, name: str | None = None) -> Any:
    """The exponential integral Ei(x).

    >>> tf.math.special.expint([0.5, 1.0]).numpy()
    array([0.4542199, 1.8951178], dtype=float32)

    TensorFlow: tf.math.special.expint.
    """


@_special("FresnelCos", lambda n, g: g * F.cos((math.pi / 2) * F.square(n.inputs[0])))
def fresnel_cos(x: Any, name: str | None = None) -> Any:
    """The integral of cos(pi t^2 / 2) from 0 to x.

    >>> tf.math.special.fresnel_cos([0.0, 1.0]).numpy()
    array([0.       , 0.7798934], dtype=float32)

    TensorFlow: tf.math.special.fresnel_cos.
    """


@_special("FresnelSin", lambda n, g: g * F.sin((math.pi / 2) * F.square(n.inputs[0])))
def fresnel_sin(x: Any, name: str | None = None) -> Any:
    """The integral of sin(pi t^2 / 2) from 0 to x.

    >>> tf.math.special.fresnel_sin([0.0, 1.0]).numpy()
    array([0.        , 0.43825915], dtype=float32)

    TensorFlow: tf.math.special.fresnel_sin.
    """


def _spence_slope(x: Any) -> Any:
    one = F.equal(x, F.ones_like(x))
    return F.where(one, -F.ones_like(x), F.log(x) / F.where(one, F.ones_like(x), 1 - x))


@_special("Spence", lambda n, g: g * _spence_slope(n.inputs[0]))
def spence(x: Any, name: str | None = None) -> Any:
    """Spence's function: the integral of log(t) / (1 - t) from 1 to x.

    >>> tf.math.special.spence([0.5, 1.0]).numpy()
    array([0.5822405, 0.       ], dtype=float32)

    TensorFlow: tf.math.special.spence.
    """
