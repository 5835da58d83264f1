"""NumPy's functions of single elements: a table over TensorFlow's, by what they do with dtypes.

TensorFlow: tf.experimental.numpy.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from duoflow import ops as F
from duoflow.core.tensor import Operators, Tensor

from .promotion import asarray, floating, floats, promoted

__all__: list[str] = []


def _named(name: str, function: Callable[..., Any], what: str) -> Callable[..., Any]:
    function.__name__ = function.__qualname__ = name
    function.__doc__ = f"NumPy's `{name}`{what}. TensorFlow: tf.experimental.numpy.{name}."
    __all__.append(name)
    globals()[name] = function
    return function


def _unary(name: str, compute: Callable[[Tensor], Any], prepare: Callable[[Any], Tensor], what: str) -> None:
    _named(name, lambda x: compute(prepare(x)), what)


def _binary(name: str, compute: Callable[..., Any], prepare: Callable[..., list[Tensor]], what: str) -> None:
    _named(name, lambda x1, x2: compute(*prepare(x1, x2)), what)


def _truth(x: Any) -> Tensor:
    return F.cast(asarray(x), "bool")  # type: ignore[no-any-return]


def _truths(*operands: Any) -> list[Tensor]:
    return [_truth(x) for x in operands]


def _numbers(*operands: Any) -> list[Tensor]:
    """Operands of arithmetic that truth values have none of: they count as int8, as in NumPy."""
    return [F.cast(x, "int8") if x.dtype.is_bool else x for x in promoted(*operands)]


def _whole(*operands: Any) -> list[Tensor]:
    found = promoted(*operands)
    if not all(x.dtype.is_integer or x.dtype.is_bool for x in found):
        raise TypeError(f"Whole numbers are needed here, received dtype {found[0].dtype.name}.")
    return found


def _integers(*operands: Any) -> list[Tensor]:
    found = promoted(*operands)
    if not found[0].dtype.is_integer:
        raise ValueError(f"Integers are needed here, received dtype {found[0].dtype.name}.")
    return found


def _by_truth(of_truths: Callable[..., Any], of_numbers: Callable[..., Any]) -> Callable[..., Any]:
    return lambda a, b: of_truths(a, b) if a.dtype.is_bool else of_numbers(a, b)


def _sign(x: Tensor) -> Any:
    return x / F.cast(F.abs(x), x.dtype) if x.dtype.is_complex else F.sign(x)


def _signed_zero(x: Tensor) -> Any:
    """Whether the sign bit is set; that of zeros shows in what they divide."""
    return F.logical_or(x < 0, F.logical_and(F.equal(x, 0), 1 / x < 0)) if x.dtype.is_floating else x < 0


def _sinc(x: Tensor) -> Any:
    turned = F.where(F.equal(x, 0), F.ones_like(x), x) * math.pi
    return F.where(F.equal(x, 0), F.ones_like(x), F.sin(turned) / turned)


def _greatest_divisor(a: Tensor, b: Tensor) -> Tensor:
    def step(a: Tensor, b: Tensor) -> tuple[Any, Any]:
        rest = F.floormod(a, F.where(F.equal(b, 0), F.ones_like(b), b))
        return F.where(F.equal(b, 0), a, b), F.where(F.equal(b, 0), b, rest)

    a, b = F.broadcast_to(F.abs(a), F.shape(a + b)), F.broadcast_to(F.abs(b), F.shape(a + b))
    return F.while_loop(lambda a, b: F.reduce_any(F.not_equal(b, 0)), step, (a, b))[0]  # type: ignore[no-any-return]


def _least_multiple(a: Tensor, b: Tensor) -> Any:
    divisor = _greatest_divisor(a, b)
    return F.where(F.equal(divisor, 0), divisor, F.abs(a * (b // F.maximum(divisor, 1))))


def _step(x: Tensor, at_zero: Tensor) -> Any:
    return F.where(x < 0, F.zeros_like(x), F.where(x > 0, F.ones_like(x), at_zero))


def _log_sum(a: Tensor, b: Tensor) -> Any:
    high = F.maximum(a, b)
    apart = a - b
    return F.where(F.is_nan(apart), a + b, high + F.log1p(F.exp(-F.abs(apart))))


def _of_parts(function: Callable[[Any], Any]) -> Callable[[Tensor], Any]:
    """A test of a float, of both parts of a complex number."""
    return lambda x: F.logical_or(function(F.real(x)), function(F.imag(x))) if x.dtype.is_complex else function(x)


_SAME = {
    "abs": F.abs, "absolute": F.abs, "conj": F.conj, "conjugate": F.conj, "negative": F.negative, "square": F.square,
    "fabs": F.abs, "sign": _sign, "positive": F.identity, "bitwise_not": F.bitwise_invert,
    "real": lambda x: F.real(x) if x.dtype.is_complex else x,
    "imag": lambda x: F.imag(x) if x.dtype.is_complex else F.zeros_like(x),
}  # fmt: skip
_FLOAT = {
    "arccos": F.acos, "arccosh": F.acosh, "arcsin": F.asin, "arcsinh": F.asinh, "arctan": F.atan, "arctanh": F.atanh,
    "cbrt": lambda x: F.sign(x) * F.pow(F.abs(x), 1.0 / 3.0), "ceil": F.ceil, "cos": F.cos, "cosh": F.cosh,
    "deg2rad": lambda x: x * (math.pi / 180.0), "exp": F.exp, "exp2": lambda x: F.pow(F.cast(2.0, x.dtype), x),
    "expm1": F.expm1, "fix": lambda x: F.where(x < 0, F.ceil(x), F.floor(x)), "floor": F.floor,
    "log": F.log, "log10": lambda x: F.log(x) / math.log(10.0), "log1p": F.log1p,
    "log2": lambda x: F.log(x) / math.log(2.0), "rad2deg": lambda x: x * (180.0 / math.pi), "reciprocal": F.reciprocal,
    "sin": F.sin, "sinc": _sinc, "sinh": F.sinh, "sqrt": F.sqrt, "tan": F.tan, "tanh": F.tanh,
    "isfinite": lambda x: F.logical_not(_of_parts(lambda p: F.logical_not(F.is_finite(p)))(x)),
    "isinf": _of_parts(F.is_inf), "isnan": _of_parts(F.is_nan),
    "isneginf": lambda x: F.equal(x, -math.inf), "isposinf": lambda x: F.equal(x, math.inf),
}  # fmt: skip
_PAIRS = {
    "add": _by_truth(F.logical_or, F.add), "multiply": _by_truth(F.logical_and, F.multiply),
    "maximum": _by_truth(F.logical_or, F.maximum), "minimum": _by_truth(F.logical_and, F.minimum),
    "equal": F.equal, "not_equal": F.not_equal, "subtract": F.subtract,
}  # fmt: skip
_NUMBERS = {
    "floor_divide": F.floordiv, "mod": F.floormod, "remainder": F.floormod, "power": F.pow,
    "greater": F.greater, "greater_equal": F.greater_equal, "less": F.less, "less_equal": F.less_equal,
    "divmod": lambda a, b: (F.floordiv(a, b), F.floormod(a, b)),
}  # fmt: skip
_FLOATS = {
    "divide": F.realdiv, "true_divide": F.realdiv, "arctan2": F.atan2, "heaviside": _step, "logaddexp": _log_sum,
    "hypot": lambda a, b: F.sqrt(a * a + b * b), "nextafter": F.nextafter,
    "logaddexp2": lambda a, b: _log_sum(a * math.log(2.0), b * math.log(2.0)) / math.log(2.0),
}  # fmt: skip
_WHOLE = {
    "bitwise_and": _by_truth(F.logical_and, F.bitwise_and),
    "bitwise_or": _by_truth(F.logical_or, F.bitwise_or),
    "bitwise_xor": _by_truth(F.logical_xor, F.bitwise_xor),
}
_INTEGERS = {"gcd": _greatest_divisor, "lcm": _least_multiple}  # fmt: skip
_TRUTHS = {"logical_and": F.logical_and, "logical_or": F.logical_or, "logical_xor": F.logical_xor}

for _define, _table, _operands, _note in (
    (_unary, _SAME, asarray, ""),
    (_unary, _FLOAT, floating, ", in floats"),
    (_binary, _PAIRS, promoted, ", in the dtype that both promote to"),
    (_binary, _NUMBERS, _numbers, ", in the dtype that both promote to"),
    (_binary, _FLOATS, floats, ", in floats"),
    (_binary, _WHOLE, _whole, " of whole numbers"),
    (_binary, _INTEGERS, _integers, " of integers"),
    (_binary, _TRUTHS, _truths, " of truth values"),
):
    for _name, _compute in _table.items():
        _define(_name, _compute, _operands, _note)
_unary("logical_not", F.logical_not, _truth, " of truth values")
_unary("signbit", _signed_zero, lambda x: _numbers(x)[0], "")
_unary("iscomplex", lambda x: F.not_equal(F.imag(x), 0) if x.dtype.is_complex else F.zeros_like(x, "bool"), asarray, "")
_unary("isreal", lambda x: F.equal(F.imag(x), 0) if x.dtype.is_complex else F.ones_like(x, "bool"), asarray, "")
_named("float_power", lambda x1, x2: F.pow(*[F.cast(x, "float64") if not x.dtype.is_complex else x
                                             for x in floats(x1, x2)]), ", in float64")  # fmt: skip


def _export(function: Callable[..., Any]) -> Callable[..., Any]:
    __all__.append(function.__name__)
    return function


@_export
def angle(z: Any, deg: bool = False) -> Any:
    """The angles of complex numbers. TensorFlow: tf.experimental.numpy.angle."""
    found = F.angle(floating(z))
    return found * (180.0 / math.pi) if deg else found


@_export
def around(a: Any, decimals: int = 0) -> Any:
    """Numbers rounded to a decimal, halves to even ones. TensorFlow: tf.experimental.numpy.around."""
    x = asarray(a)
    scale = 10.0**decimals
    if x.dtype.is_integer and decimals >= 0:
        return x
    return F.cast(F.round(floating(x) * scale) / scale, x.dtype)


globals()["round"] = around
__all__.append("round")


@_export
def clip(a: Any, a_min: Any, a_max: Any) -> Any:
    """Numbers moved between bounds, either of which may be None. TensorFlow: tf.experimental.numpy.clip."""
    if a_min is None and a_max is None:
        raise ValueError("Not more than one of `a_min` and `a_max` may be `None`.")
    x, *bounds = promoted(a, *[bound for bound in (a_min, a_max) if bound is not None])
    if a_min is not None:
        x = F.maximum(x, bounds.pop(0))
    return F.minimum(x, bounds[0]) if bounds else x


@_export
def isclose(a: Any, b: Any, rtol: float = 1e-05, atol: float = 1e-08, equal_nan: bool = False) -> Any:
    """Which elements are nearly equal. TensorFlow: tf.experimental.numpy.isclose."""
    x, y = promoted(a, b)
    if not x.dtype.is_floating and not x.dtype.is_complex:
        return F.equal(x, y)
    near = F.abs(x - y) <= F.cast(atol + rtol * F.cast(F.abs(y), "float64"), F.abs(y).dtype)
    near = F.logical_or(F.equal(x, y), F.logical_and(near, F.is_finite(F.abs(y))))
    both = F.logical_and(_of_parts(F.is_nan)(x), _of_parts(F.is_nan)(y))
    return F.logical_or(near, both) if equal_nan else near


@_export
def allclose(a: Any, b: Any, rtol: float = 1e-05, atol: float = 1e-08, equal_nan: bool = False) -> Any:
    """Whether all elements are nearly equal. TensorFlow: tf.experimental.numpy.allclose."""
    return F.reduce_all(isclose(a, b, rtol, atol, equal_nan))


@_export
def array_equal(a1: Any, a2: Any) -> Any:
    """Whether shapes and elements are equal. TensorFlow: tf.experimental.numpy.array_equal."""
    x, y = promoted(a1, a2)
    if x.shape != y.shape:
        return F.constant(False)
    return F.reduce_all(F.equal(x, y))


@_export
def iscomplexobj(x: Any) -> bool:
    """Whether a dtype is complex. TensorFlow: tf.experimental.numpy.iscomplexobj."""
    return asarray(x).dtype.is_complex


@_export
def isrealobj(x: Any) -> bool:
    """Whether a dtype is not complex. TensorFlow: tf.experimental.numpy.isrealobj."""
    return not iscomplexobj(x)


@_export
def isscalar(num: Any) -> bool:
    """Whether something is a number or has no dimensions. TensorFlow: tf.experimental.numpy.isscalar."""
    return num.ndim == 0 if isinstance(num, Operators | np.ndarray) else bool(np.isscalar(num))
