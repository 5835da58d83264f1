"""keras.ops, elementwise: arithmetic with Keras' dtype promotion, comparisons, logic, functions of one tensor."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from duoflow import ops as tf
from duoflow.core import dtypes
from duoflow.core.tensor import convert

from ..dtypes import promoted
from ..variables import standardize_dtype
from .definition import floating, operation

__all__ = [
    "abs", "absolute", "add", "allclose", "angle", "arccos", "arccosh", "arcsin", "arcsinh", "arctan", "arctan2",
    "arctanh", "bitwise_and", "bitwise_invert", "bitwise_left_shift", "bitwise_not", "bitwise_or",
    "bitwise_right_shift", "bitwise_xor", "cast", "cbrt", "ceil", "clip", "conj", "conjugate", "cos", "cosh", "deg2rad",
    "divide", "divide_no_nan", "equal", "erf", "erfc", "erfinv", "exp", "exp2", "expm1", "fabs", "floor",
    "floor_divide", "fmax", "fmin", "fmod", "gcd", "greater", "greater_equal", "heaviside", "hypot", "i0", "imag",
    "isclose", "isfinite", "isinf", "isnan", "isneginf", "isposinf", "isreal", "lcm", "ldexp", "left_shift", "less",
    "less_equal", "log", "log10", "log1p", "log2", "logaddexp", "logaddexp2", "logical_and", "logical_not",
    "logical_or", "logical_xor", "maximum", "minimum", "mod", "multiply", "nan_to_num", "negative", "nextafter",
    "not_equal", "power", "rad2deg", "real", "reciprocal", "right_shift", "round", "rsqrt", "saturate_cast", "sign",
    "signbit", "sin", "sinc", "sinh", "sqrt", "square", "subtract", "tan", "tanh", "true_divide", "trunc", "where",
]  # fmt: skip


# -- two operands ------------------------------------------------------------------------------------------------------


@operation(inputs=2)
def add(x1: Any, x2: Any) -> Any:
    """x1 + x2. Keras: keras.ops.add."""
    return tf.add(*promoted(x1, x2))


@operation(inputs=2)
def subtract(x1: Any, x2: Any) -> Any:
    """x1 - x2. Keras: keras.ops.subtract."""
    return tf.subtract(*promoted(x1, x2))


@operation(inputs=2)
def multiply(x1: Any, x2: Any) -> Any:
    """x1 * x2. Keras: keras.ops.multiply."""
    return tf.multiply(*promoted(x1, x2))


@operation(inputs=2)
def true_divide(x1: Any, x2: Any) -> Any:
    """x1 / x2, in floats. Keras: keras.ops.true_divide."""
    return tf.truediv(*_float_promoted(x1, x2))


@operation(inputs=2)
def divide(x1: Any, x2: Any) -> Any:
    """x1 / x2, in floats. Keras: keras.ops.divide."""
    return tf.truediv(*_float_promoted(x1, x2))


@operation(inputs=2)
def divide_no_nan(x1: Any, x2: Any) -> Any:
    """x1 / x2, and 0 where x2 is 0. Keras: keras.ops.divide_no_nan."""
    return tf.divide_no_nan(*_float_promoted(x1, x2))


@operation(inputs=2)
def floor_divide(x1: Any, x2: Any) -> Any:
    """The floor of x1 / x2. Keras: keras.ops.floor_divide."""
    return tf.floordiv(*promoted(x1, x2))


@operation(inputs=2)
def mod(x1: Any, x2: Any) -> Any:
    """The remainder of x1 / x2, of x2's sign. Keras: keras.ops.mod."""
    a, b = promoted(x1, x2)
    if a.dtype.is_bool:
        a, b = tf.cast(a, "int32"), tf.cast(b, "int32")
    return tf.floormod(a, b)


@operation(inputs=2)
def power(x1: Any, x2: Any) -> Any:
    """x1 to the power of x2. Keras: keras.ops.power."""
    a, b = promoted(x1, x2)
    if a.dtype.is_bool:
        a, b = tf.cast(a, "int32"), tf.cast(b, "int32")
    return tf.pow(a, b)


@operation(inputs=2)
def maximum(x1: Any, x2: Any) -> Any:
    """The larger of the two. Keras: keras.ops.maximum."""
    return tf.maximum(*promoted(x1, x2))


@operation(inputs=2)
def minimum(x1: Any, x2: Any) -> Any:
    """The smaller of the two. Keras: keras.ops.minimum."""
    return tf.minimum(*promoted(x1, x2))


@operation(inputs=2)
def arctan2(x1: Any, x2: Any) -> Any:
    """The angle of the point (x2, x1). Keras: keras.ops.arctan2."""
    return tf.atan2(*_float_promoted(x1, x2))


@operation(inputs=2)
def logaddexp(x1: Any, x2: Any) -> Any:
    """log(exp(x1) + exp(x2)), without overflow. Keras: keras.ops.logaddexp."""
    a, b = _float_promoted(x1, x2)
    return tf.maximum(a, b) + tf.log1p(tf.exp(-tf.abs(a - b)))


@operation(inputs=2)
def isclose(x1: Any, x2: Any, rtol: float = 1e-5, atol: float = 1e-8, equal_nan: bool = False) -> Any:
    """Whether x1 and x2 differ by at most atol + rtol * abs(x2). Keras: keras.ops.isclose."""
    a, b = _float_promoted(x1, x2)
    close = tf.abs(a - b) <= atol + rtol * tf.abs(b)
    close = tf.logical_or(tf.equal(a, b), tf.logical_and(close, tf.is_finite(b)))
    return tf.logical_or(close, tf.logical_and(tf.is_nan(a), tf.is_nan(b))) if equal_nan else close


@operation(inputs=2)
def allclose(x1: Any, x2: Any, rtol: float = 1e-5, atol: float = 1e-8, equal_nan: bool = False) -> Any:
    """Whether all elements are close, as `isclose` tells. Keras: keras.ops.allclose."""
    return tf.reduce_all(isclose(x1, x2, rtol, atol, equal_nan))


@operation(inputs=2)
def logaddexp2(x1: Any, x2: Any) -> Any:
    """log2(2**x1 + 2**x2), without overflow. Keras: keras.ops.logaddexp2."""
    a, b = _float_promoted(x1, x2)
    two = math.log(2.0)
    return tf.maximum(a, b) + tf.log1p(tf.exp(-tf.abs(a - b) * two)) / two


@operation(inputs=2)
def hypot(x1: Any, x2: Any) -> Any:
    """sqrt(x1² + x2²), without overflow. Keras: keras.ops.hypot."""
    a, b = (tf.abs(x) for x in _wide_promoted(x1, x2))
    longer = tf.maximum(a, b)
    return longer * tf.sqrt(1.0 + tf.square(tf.divide_no_nan(tf.minimum(a, b), longer)))


@operation(inputs=2)
def heaviside(x1: Any, x2: Any) -> Any:
    """0 where x1 is negative, 1 where positive, else x2. Keras: keras.ops.heaviside."""
    a, b = _wide_promoted(x1, x2)
    return tf.where(a < 0, tf.zeros_like(a), tf.where(a > 0, tf.ones_like(a), b))


@operation(inputs=2)
def fmod(x1: Any, x2: Any) -> Any:
    """The remainder of x1 / x2, of x1's sign. Keras: keras.ops.fmod."""
    a, b = promoted(convert(x1), convert(x2))
    if a.dtype.is_bool:
        a, b = tf.cast(a, "int32"), tf.cast(b, "int32")
    if a.dtype.is_unsigned:
        return tf.floormod(a, b)
    if a.dtype.is_integer and a.dtype.size < 4:
        return tf.cast(tf.truncatemod(tf.cast(a, "int32"), tf.cast(b, "int32")), a.dtype)
    return tf.truncatemod(a, b)


@operation(inputs=2)
def fmax(x1: Any, x2: Any) -> Any:
    """The larger of the two, the other one where one is not a number. Keras: keras.ops.fmax."""
    return _of_numbers(tf.maximum, x1, x2)


@operation(inputs=2)
def fmin(x1: Any, x2: Any) -> Any:
    """The smaller of the two, the other one where one is not a number. Keras: keras.ops.fmin."""
    return _of_numbers(tf.minimum, x1, x2)


def _of_numbers(choose: Callable[..., Any], x1: Any, x2: Any) -> Any:
    a, b = promoted(x1, x2)
    if not a.dtype.is_floating:
        return choose(a, b)
    return tf.where(tf.is_nan(a), b, tf.where(tf.is_nan(b), a, choose(a, b)))


@operation(inputs=2)
def gcd(x1: Any, x2: Any) -> Any:
    """The greatest common divisor of ints. Keras: keras.ops.gcd."""
    a, b = _integers("gcd", x1, x2)
    shape = tf.broadcast_dynamic_shape(tf.shape(a), tf.shape(b))
    a, b = tf.broadcast_to(a, shape), tf.broadcast_to(b, shape)

    def step(a: Any, b: Any) -> tuple[Any, Any]:
        done = tf.equal(b, 0)
        rest = tf.floormod(a, tf.where(done, tf.ones_like(b), b))
        return tf.where(done, a, b), tf.where(done, b, rest)

    return tf.while_loop(lambda a, b: tf.reduce_any(tf.not_equal(b, 0)), step, (a, b))[0]


@operation(inputs=2)
def lcm(x1: Any, x2: Any) -> Any:
    """The least common multiple of ints. Keras: keras.ops.lcm."""
    a, b = _integers("lcm", x1, x2)
    divisor = gcd(a, b)
    return a * tf.floordiv(b, tf.maximum(divisor, tf.ones_like(divisor)))


def _integers(name: str, *operands: Any) -> list[Any]:
    """The magnitudes of ints."""
    tensors = promoted(*operands)
    if not tensors[0].dtype.is_integer:
        raise TypeError(f"Arguments to {name} must be integers. Received: dtype={tensors[0].dtype.name}")
    return [x if x.dtype.name.startswith("u") else tf.abs(x) for x in tensors]


@operation(inputs=2)
def ldexp(x1: Any, x2: Any) -> Any:
    """x1 * 2**x2, for ints x2. Keras: keras.ops.ldexp."""
    exponent = convert(x2)
    if not exponent.dtype.is_integer:
        raise TypeError(f"ldexp exponent must be an integer type. Received: x2 dtype={exponent.dtype.name}")
    a, b = _float_promoted(x1, tf.cast(exponent, floating(x1).dtype))
    return tf.where(tf.logical_or(tf.is_inf(a), tf.equal(a, 0)), a, a * tf.pow(tf.cast(2.0, a.dtype), b))


@operation(inputs=2)
def nextafter(x1: Any, x2: Any) -> Any:
    """The next floating-point number after x1 towards x2. Keras: keras.ops.nextafter."""
    a, b = _float_promoted(x1, x2)
    return tf.cast(tf.nextafter(tf.cast(a, "float64"), tf.cast(b, "float64")), a.dtype)


def _float_promoted(*operands: Any) -> list[Any]:
    return [floating(x) for x in promoted(*operands)]


def _wide_promoted(*operands: Any) -> list[Any]:
    """Floats, wide enough for what is promoted to int64."""
    return [tf.cast(x, "float64") if x.dtype is dtypes.int64 else floating(x) for x in promoted(*operands)]


def _comparison(name: str, sign: str) -> Callable[[Any, Any], Any]:
    def compare(x1: Any, x2: Any) -> Any:
        return getattr(tf, name)(*promoted(x1, x2))

    return _as(name, f"x1 {sign} x2, elementwise.", compare, 2)


def _as(name: str, meaning: str, function: Callable[..., Any], inputs: int = 1) -> Callable[..., Any]:
    function.__name__ = function.__qualname__ = name
    function.__doc__ = f"{meaning} Keras: keras.ops.{name}."
    return operation(inputs=inputs)(function)


equal, not_equal = _comparison("equal", "=="), _comparison("not_equal", "!=")
less, less_equal = _comparison("less", "<"), _comparison("less_equal", "<=")
greater, greater_equal = _comparison("greater", ">"), _comparison("greater_equal", ">=")


def _logic(name: str) -> Callable[[Any, Any], Any]:
    def combine(x1: Any, x2: Any) -> Any:
        return getattr(tf, name)(tf.cast(x1, "bool"), tf.cast(x2, "bool"))

    return _as(name, f"{name.replace('_', ' ').capitalize()}, elementwise.", combine, 2)


logical_and, logical_or, logical_xor = _logic("logical_and"), _logic("logical_or"), _logic("logical_xor")


def _bits(name: str) -> Callable[[Any, Any], Any]:
    def combine(x: Any, y: Any) -> Any:
        return getattr(tf, name)(*promoted(x, y))

    return _as(name, f"{name.replace('_', ' ').capitalize()} of ints.", combine, 2)


bitwise_and, bitwise_or, bitwise_xor = _bits("bitwise_and"), _bits("bitwise_or"), _bits("bitwise_xor")
left_shift, right_shift = _bits("left_shift"), _bits("right_shift")
bitwise_left_shift, bitwise_right_shift = left_shift, right_shift


@operation(inputs=3)
def where(condition: Any, x1: Any = None, x2: Any = None) -> Any:
    """x1 where the condition holds, else x2; without them, the indices where it holds. Keras: keras.ops.where."""
    condition = tf.cast(condition, "bool")
    if x1 is None or x2 is None:
        return tuple(tf.unstack(tf.cast(tf.where(condition), "int32"), axis=1))
    return tf.where(condition, *promoted(x1, x2))


# -- one operand -------------------------------------------------------------------------------------------------------


def _unary(name: str, meaning: str, tf_name: str | None = None, floats: bool = True) -> Callable[[Any], Any]:
    def apply(x: Any) -> Any:
        return getattr(tf, tf_name or name)(floating(x) if floats else convert(x))

    return _as(name, meaning, apply)


exp = _unary("exp", "e to the power of x.")
expm1 = _unary("expm1", "exp(x) - 1, exact near 0.")
log = _unary("log", "The natural logarithm.")
log1p = _unary("log1p", "log(1 + x), exact near 0.")
sqrt = _unary("sqrt", "The square root.")
rsqrt = _unary("rsqrt", "1 / sqrt(x).")
reciprocal = _unary("reciprocal", "1 / x.")
sin = _unary("sin", "The sine.")
cos = _unary("cos", "The cosine.")
tan = _unary("tan", "The tangent.")
arcsin = _unary("arcsin", "The inverse sine.", "asin")
arccos = _unary("arccos", "The inverse cosine.", "acos")
arctan = _unary("arctan", "The inverse tangent.", "atan")
sinh = _unary("sinh", "The hyperbolic sine.")
cosh = _unary("cosh", "The hyperbolic cosine.")
tanh = _unary("tanh", "The hyperbolic tangent.")
arcsinh = _unary("arcsinh", "The inverse hyperbolic sine.", "asinh")
arccosh = _unary("arccosh", "The inverse hyperbolic cosine.", "acosh")
arctanh = _unary("arctanh", "The inverse hyperbolic tangent.", "atanh")
erf = _unary("erf", "The error function.")
erfc = _unary("erfc", "One less the error function.")
erfinv = _unary("erfinv", "The inverse of the error function.")
ceil = _unary("ceil", "The least integer not below x.")
floor = _unary("floor", "The greatest integer not above x.")
isnan = _unary("isnan", "Whether x is not a number.", "is_nan")
isinf = _unary("isinf", "Whether x is infinite.", "is_inf")
isfinite = _unary("isfinite", "Whether x is a finite number.", "is_finite")
negative = _unary("negative", "-x.", floats=False)
sign = _unary("sign", "-1, 0 or 1.", floats=False)
real = _unary("real", "The real part.", floats=False)
imag = _unary("imag", "The imaginary part.", floats=False)
conj = _unary("conj", "The complex conjugate.", floats=False)
bitwise_not = _unary("bitwise_not", "The inverted bits of ints.", "bitwise_invert", floats=False)
bitwise_invert, conjugate = bitwise_not, conj
i0 = _unary("i0", "The modified Bessel function of the first kind, of order 0.", "bessel_i0")
angle = _unary("angle", "The angle of complex numbers, in radians.")


@operation()
def cbrt(x: Any) -> Any:
    """The cube root. Keras: keras.ops.cbrt."""
    x = floating(x)
    return tf.sign(x) * tf.pow(tf.abs(x), tf.cast(1.0 / 3.0, x.dtype))


@operation()
def deg2rad(x: Any) -> Any:
    """Degrees in radians. Keras: keras.ops.deg2rad."""
    return floating(x) * (math.pi / 180.0)


@operation()
def rad2deg(x: Any) -> Any:
    """Radians in degrees. Keras: keras.ops.rad2deg."""
    return floating(x) * (180.0 / math.pi)


@operation()
def fabs(x: Any) -> Any:
    """The magnitude, in floats. Keras: keras.ops.fabs."""
    return tf.abs(floating(x))


@operation()
def sinc(x: Any) -> Any:
    """sin(pi x) / (pi x), 1 at 0. Keras: keras.ops.sinc."""
    x = math.pi * floating(x)
    zero = tf.equal(x, 0)
    x = tf.where(zero, tf.ones_like(x), x)
    return tf.where(zero, tf.ones_like(x), tf.sin(x) / x)


@operation()
def trunc(x: Any) -> Any:
    """The integer next to x towards 0. Keras: keras.ops.trunc."""
    x = convert(x)
    return x if not x.dtype.is_floating else tf.where(x < 0, tf.ceil(x), tf.floor(x))


@operation()
def signbit(x: Any) -> Any:
    """Whether the sign bit is set; it is for -0. Keras: keras.ops.signbit."""
    x = convert(x)
    return x < 0 if not x.dtype.is_floating else tf.logical_or(x < 0, tf.equal(1 / x, -np.inf))


@operation()
def isposinf(x: Any) -> Any:
    """Whether x is positive infinity. Keras: keras.ops.isposinf."""
    return tf.equal(floating(x), np.inf)


@operation()
def isneginf(x: Any) -> Any:
    """Whether x is negative infinity. Keras: keras.ops.isneginf."""
    return tf.equal(floating(x), -np.inf)


@operation()
def isreal(x: Any) -> Any:
    """Whether the imaginary part is 0. Keras: keras.ops.isreal."""
    x = convert(x)
    return tf.equal(tf.imag(x), 0) if x.dtype.is_complex else tf.ones_like(x, dtype="bool")


@operation()
def absolute(x: Any) -> Any:
    """The magnitude. Keras: keras.ops.absolute."""
    x = convert(x)
    return x if x.dtype.is_bool else tf.abs(x)


abs = absolute


@operation()
def square(x: Any) -> Any:
    """x². Keras: keras.ops.square."""
    x = convert(x)
    return tf.square(tf.cast(x, "int32") if x.dtype.is_bool else x)


@operation()
def exp2(x: Any) -> Any:
    """2 to the power of x. Keras: keras.ops.exp2."""
    x = floating(x)
    return tf.pow(tf.cast(2.0, x.dtype), x)


@operation()
def log2(x: Any) -> Any:
    """The logarithm to base 2. Keras: keras.ops.log2."""
    x = floating(x)
    return tf.log(x) / tf.log(tf.cast(2.0, x.dtype))


@operation()
def log10(x: Any) -> Any:
    """The logarithm to base 10. Keras: keras.ops.log10."""
    x = floating(x)
    return tf.log(x) / tf.log(tf.cast(10.0, x.dtype))


@operation()
def round(x: Any, decimals: int = 0) -> Any:
    """The nearest number with so many decimals, halves to even. Keras: keras.ops.round."""
    x = convert(x)
    if x.dtype.is_integer or not decimals:
        return tf.round(x)
    factor = tf.cast(10.0**decimals, x.dtype)
    return tf.round(x * factor) / factor


@operation()
def logical_not(x: Any) -> Any:
    """Whether x is false. Keras: keras.ops.logical_not."""
    return tf.logical_not(tf.cast(x, "bool"))


@operation()
def clip(x: Any, x_min: Any, x_max: Any) -> Any:
    """x within [x_min, x_max], the border outside. Keras: keras.ops.clip."""
    x = convert(x)
    x = tf.cast(x, "int32") if x.dtype.is_bool else x
    return tf.clip_by_value(x, tf.cast(x_min, x.dtype), tf.cast(x_max, x.dtype))


@operation()
def nan_to_num(x: Any, nan: float = 0.0, posinf: float | None = None, neginf: float | None = None) -> Any:
    """x with numbers for what is not one or not finite. Keras: keras.ops.nan_to_num."""
    x = convert(x)
    if x.dtype.is_integer or x.dtype.is_bool:
        return x
    for where_bad, value in (
        (tf.is_nan(x), nan),
        (tf.equal(x, float("inf")), x.dtype.max if posinf is None else posinf),
        (tf.equal(x, float("-inf")), x.dtype.min if neginf is None else neginf),
    ):
        x = tf.where(where_bad, tf.cast(value, x.dtype), x)
    return x


@operation(module="keras.src.ops.core")
def cast(x: Any, dtype: Any) -> Any:
    """x in another dtype. Keras: keras.ops.cast."""
    return tf.cast(x, standardize_dtype(dtype))


@operation(module="keras.src.ops.core")
def saturate_cast(x: Any, dtype: Any) -> Any:
    """x in another dtype, at its border where it does not fit. Keras: keras.ops.saturate_cast."""
    return tf.saturate_cast(x, standardize_dtype(dtype))
