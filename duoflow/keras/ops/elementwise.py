"""keras.ops, elementwise: arithmetic with Keras' dtype promotion, comparisons, logic, functions of one tensor."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from duoflow import ops as tf
from duoflow.core.tensor import convert

from ..dtypes import promoted
from ..preferences import floatx
from ..variables import standardize_dtype
from .definition import operation

__all__ = [
    "abs", "absolute", "add", "arccos", "arccosh", "arcsin", "arcsinh", "arctan", "arctan2", "arctanh", "bitwise_and",
    "bitwise_invert", "bitwise_not", "bitwise_or", "bitwise_xor", "cast", "ceil", "clip", "conj", "cos", "cosh",
    "divide", "divide_no_nan", "equal", "erf", "erfinv", "exp", "exp2", "expm1", "floor", "floor_divide", "greater",
    "greater_equal", "imag", "isclose", "isfinite", "isinf", "isnan", "less", "less_equal", "log", "log10", "log1p",
    "log2", "logaddexp", "logical_and", "logical_not", "logical_or", "logical_xor", "maximum", "minimum", "mod",
    "multiply", "nan_to_num", "negative", "not_equal", "power", "real", "reciprocal", "round", "rsqrt", "saturate_cast",
    "sign", "sin", "sinh", "sqrt", "square", "subtract", "tan", "tanh", "true_divide", "where",
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


def _float_promoted(*operands: Any) -> list[Any]:
    return [_float(x) for x in promoted(*operands)]


def _float(x: Any) -> Any:
    """A tensor of an inexact dtype: bools and ints become the default float."""
    x = convert(x)
    return x if x.dtype.is_floating or x.dtype.is_complex else tf.cast(x, floatx())


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
        return getattr(tf, tf_name or name)(_float(x) if floats else convert(x))

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
bitwise_not = _unary("bitwise_not", "The inverted bits of ints.", "invert", floats=False)
bitwise_invert = bitwise_not


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
    x = _float(x)
    return tf.pow(tf.cast(2.0, x.dtype), x)


@operation()
def log2(x: Any) -> Any:
    """The logarithm to base 2. Keras: keras.ops.log2."""
    x = _float(x)
    return tf.log(x) / tf.log(tf.cast(2.0, x.dtype))


@operation()
def log10(x: Any) -> Any:
    """The logarithm to base 10. Keras: keras.ops.log10."""
    x = _float(x)
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
