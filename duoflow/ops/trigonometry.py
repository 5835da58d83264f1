"""Trigonometric and hyperbolic functions and their inverses."""

from __future__ import annotations

from typing import Any

import numpy as np

from duoflow.core.late import F

from .families import (
    FLOATING,
    binary,
    in_float32,
    unary,
)

__all__ = [
    "acos", "acosh", "asin", "asinh", "atan", "atan2", "atanh", "cos", "cosh", "sin", "sinh", "tan", "tanh",
]  # fmt: skip


def _x(node: Any) -> Any:
    return F.conj(node.inputs[0])


def _y(node: Any) -> Any:
    return F.conj(node.outputs[0])


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
