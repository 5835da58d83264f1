"""Powers, roots, exponentials, logarithms and the logistic functions."""

from __future__ import annotations

from typing import Any

import numpy as np

from duoflow.core.late import F
from duoflow.core.scalar import value_dtype
from duoflow.core.tensor import convert

from .families import (
    COMPLEX,
    FLOATING,
    INEXACT,
    NUMERIC,
    SIGNED,
    SIGNED_NUMBERS,
    binary,
    in_float32,
    is_int,
    or_zero,
    unary,
)

__all__ = [
    "exp", "expm1", "log", "log1p", "log_sigmoid", "polyval", "pow", "reciprocal", "reciprocal_no_nan", "rsqrt",
    "sigmoid", "softplus", "sqrt", "square", "xdivy", "xlog1py", "xlogy",
]  # fmt: skip


def _x(node: Any) -> Any:
    return F.conj(node.inputs[0])


def _y(node: Any) -> Any:
    return F.conj(node.outputs[0])


# -- powers, roots, exponentials ---------------------------------------------------------------------------------------


@unary(
    "Square",
    np.square,
    body=lambda b, x: x * x,
    gradient=lambda n, g: g * F.scalar_mul(2.0, F.conj(n.inputs[0])),
    allowed=NUMERIC,
)
def square(x: Any, name: str | None = None) -> Any:
    """x squared, elementwise.

    >>> tf.math.square([-2.0, 3.0]).numpy()
    array([4., 9.], dtype=float32)

    TensorFlow: tf.math.square.
    """


@unary(
    "Sqrt",
    in_float32(np.sqrt),
    body=lambda b, x: b.sqrt(x),
    gradient=lambda n, g: F.scalar_mul(0.5, g) / F.conj(n.outputs[0]),
)
def sqrt(x: Any, name: str | None = None) -> Any:
    """The square root, elementwise; NaN for negative real numbers.

    >>> tf.math.sqrt([4.0, 2.25]).numpy()
    array([2. , 1.5], dtype=float32)

    TensorFlow: tf.math.sqrt.
    """


@in_float32
def _rsqrt(x: Any) -> Any:
    return np.reciprocal(np.sqrt(x))


def _rsqrt_gradient(node: Any, g: Any) -> Any:
    y = F.conj(node.outputs[0])
    return F.scalar_mul(-0.5, g) * (y * y * y)


@unary("Rsqrt", _rsqrt, body=lambda b, x: b.rsqrt(x), gradient=_rsqrt_gradient)
def rsqrt(x: Any, name: str | None = None) -> Any:
    """1 / sqrt(x), elementwise; infinite at 0.

    >>> tf.math.rsqrt([4.0, 0.0]).numpy()
    array([0.5, inf], dtype=float32)

    TensorFlow: tf.math.rsqrt.
    """


@in_float32
def _reciprocal(x: Any) -> Any:
    if x.dtype.kind in "iu" and not x.all():
        raise ValueError("Integer division by zero")
    return np.reciprocal(x)


def _reciprocal_gradient(node: Any, g: Any) -> Any:
    y = F.conj(node.outputs[0])
    return -g * (y * y)


def _reciprocal_body(b: Any, x: Any) -> Any:
    one = b.const(1, value_dtype(x))
    return b.truncdiv(one, x) if is_int(x) else one / x


@unary("Reciprocal", _reciprocal, body=_reciprocal_body, gradient=_reciprocal_gradient, allowed=SIGNED_NUMBERS)
def reciprocal(x: Any, name: str | None = None) -> Any:
    """1 / x, elementwise.

    >>> tf.math.reciprocal([2.0, 0.0]).numpy()
    array([0.5, inf], dtype=float32)

    TensorFlow: tf.math.reciprocal.
    """


def reciprocal_no_nan(x: Any, name: str | None = None) -> Any:
    """1 / x, and 0 where x is 0.

    >>> tf.math.reciprocal_no_nan([2.0, 0.0]).numpy()
    array([0.5, 0. ], dtype=float32)

    TensorFlow: tf.math.reciprocal_no_nan.
    """
    x = convert(x)
    return F.divide_no_nan(F.ones_like(x), x, name=name)


def _pow_gradient(node: Any, g: Any) -> tuple[Any, Any]:
    x, y = F.conj(node.inputs[0]), F.conj(node.inputs[1])
    z = F.conj(node.outputs[0])
    gx = g * y * F.pow(x, y - F.ones_like(y))
    defined = F.not_equal(x, F.zeros_like(x)) if x.dtype.is_complex else F.greater(x, F.zeros_like(x))
    log_x = F.where(defined, F.log(F.where(defined, x, F.ones_like(x))), F.zeros_like(x))
    return gx, g * z * log_x


def _power(x: Any, y: Any) -> Any:
    if x.dtype.kind in "iu" and (y < 0).any():
        raise ValueError("Integers to negative integer powers are not allowed")
    return in_float32(np.power)(x, y)


def _power_body(b: Any, x: Any, y: Any) -> Any:
    if is_int(y):
        b.require(y >= 0, "Integers to negative integer powers are not allowed")
    return b.pow(x, y)


@binary("Pow", _power, body=_power_body, gradient=_pow_gradient, allowed=(*FLOATING, *SIGNED, *COMPLEX))
def pow(x: Any, y: Any, name: str | None = None) -> Any:
    """x to the power of y, elementwise. An integer to a negative power is an `InvalidArgumentError`.

    >>> tf.math.pow([2, 3], [5, 2]).numpy()
    array([32,  9], dtype=int32)

    TensorFlow: tf.math.pow.
    """


@unary("Exp", in_float32(np.exp), body=lambda b, x: b.exp(x), gradient=lambda n, g: g * F.conj(n.outputs[0]))
def exp(x: Any, name: str | None = None) -> Any:
    """e to the power of x, elementwise.

    >>> tf.math.exp([0.0, 1.0]).numpy()
    array([1.      , 2.718282], dtype=float32)

    TensorFlow: tf.math.exp.
    """


@unary(
    "Expm1", in_float32(np.expm1), body=lambda b, x: b.expm1(x), gradient=lambda n, g: g * F.exp(F.conj(n.inputs[0]))
)
def expm1(x: Any, name: str | None = None) -> Any:
    """exp(x) - 1, exact for small x.

    >>> tf.math.expm1([1e-8]).numpy()
    array([1.e-08], dtype=float32)

    TensorFlow: tf.math.expm1.
    """


@unary("Log", in_float32(np.log), body=lambda b, x: b.log(x), gradient=lambda n, g: g / F.conj(n.inputs[0]))
def log(x: Any, name: str | None = None) -> Any:
    """The natural logarithm, elementwise; -inf at 0, NaN for negative real numbers.

    >>> tf.math.log([1.0, 0.0]).numpy()
    array([  0., -inf], dtype=float32)

    TensorFlow: tf.math.log.
    """


@unary("Log1p", in_float32(np.log1p), body=lambda b, x: b.log1p(x), gradient=lambda n, g: g / (F.conj(n.inputs[0]) + 1))
def log1p(x: Any, name: str | None = None) -> Any:
    """log(1 + x), exact for small x.

    >>> tf.math.log1p([1e-8]).numpy()
    array([1.e-08], dtype=float32)

    TensorFlow: tf.math.log1p.
    """


def _xlog_gradient(slope: Any) -> Any:
    """The gradient of x f(y) with f(y) counted as 0 where x is 0; `slope(x, y)` is x f'(y)."""

    def rule(node: Any, g: Any) -> tuple[Any, Any]:
        x, y = F.conj(node.inputs[0]), F.conj(node.inputs[1])
        there = F.cast(F.not_equal(x, F.zeros_like(x)), x.dtype)
        return g * _XLOG[node.op.name](there, y), g * slope(x, y)

    return rule


_XLOG = {
    "Xlogy": lambda x, y: F.xlogy(x, y),
    "Xlog1py": lambda x, y: F.xlog1py(x, y),
    "Xdivy": lambda x, y: F.xdivy(x, y),
}


@binary(
    "Xlogy",
    body=lambda b, x, y: or_zero(b, x != 0, x * b.log(y)),
    gradient=_xlog_gradient(lambda x, y: F.xdivy(x, y)),
    allowed=INEXACT,
)
def xlogy(x: Any, y: Any, name: str | None = None) -> Any:
    """x log(y), and 0 where x is 0.

    >>> tf.math.xlogy([0.0, 2.0], [0.0, 1.0]).numpy()
    array([0., 0.], dtype=float32)

    TensorFlow: tf.math.xlogy.
    """


@binary(
    "Xlog1py",
    body=lambda b, x, y: or_zero(b, x != 0, x * b.log1p(y)),
    gradient=_xlog_gradient(lambda x, y: F.xdivy(x, y + 1)),
    allowed=INEXACT,
)
def xlog1py(x: Any, y: Any, name: str | None = None) -> Any:
    """x log(1 + y), and 0 where x is 0.

    >>> tf.math.xlog1py([0.0, 2.0], [-1.0, 0.0]).numpy()
    array([0., 0.], dtype=float32)

    TensorFlow: tf.math.xlog1py.
    """


@binary(
    "Xdivy",
    body=lambda b, x, y: or_zero(b, x != 0, x / y),
    gradient=_xlog_gradient(lambda x, y: F.xdivy(-x, y * y)),
    allowed=INEXACT,
)
def xdivy(x: Any, y: Any, name: str | None = None) -> Any:
    """x / y, and 0 where x is 0.

    >>> tf.math.xdivy([0.0, 1.0], [0.0, 2.0]).numpy()
    array([0. , 0.5], dtype=float32)

    TensorFlow: tf.math.xdivy.
    """


def polyval(coeffs: Any, x: Any, name: str | None = None) -> Any:
    """The polynomial with the coefficients `coeffs` (a list, highest power first) at x, by Horner's rule.

    >>> tf.math.polyval([1.0, 0.0, 2.0], 3.0).numpy()
    np.float32(11.0)

    TensorFlow: tf.math.polyval.
    """
    if not isinstance(coeffs, list):
        raise ValueError(f"Argument coeffs must be list type. Received type {type(coeffs)}.")
    with F.name_scope(name or "polyval"):
        x = convert(x)
        if not coeffs:
            return F.zeros_like(x)
        terms = [convert(c) for c in coeffs]
        out = terms[0]
        for c in terms[1:]:
            out = c + out * x
        return out


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
