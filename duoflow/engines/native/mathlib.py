"""Mathematical functions for the LLVM builder, written as bodies over its own simpler operations.

`FUNCTIONS` maps a name to `function(b, *values)`. `call` writes the short ones in place (a quarter quicker than a call)
and each of the others once per module, type and width, as an internal function that it calls.

Accuracy. float32: exp, log and sqrt-like functions within 1 ulp, the others within 4 ulp, also near their zeros, for
infinities, NaN, signed zeros and denormals. float64: exp, expm1, log, log1p, tanh, sinh, cosh and their kin within 4
ulp; the rest calls the C library lane by lane (`_LIBM`), except erfinv and ndtri, which are good to about 1e-12.
16-bit floats are computed as float32. Polynomials are Chebyshev fits of the functions named beside them, highest
power first.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from duoflow.core import dtypes
from duoflow.core.dtypes import DType
from duoflow.core.scalar import Unsupported

from .ir import vector

if TYPE_CHECKING:
    from .scalar import LLVMBuilder, Value

__all__ = ["FUNCTIONS", "call", "from_bfloat16", "from_float16", "power", "to_bfloat16", "to_float16"]


# How functions get into a module -------------------------------------------------------------------------------------


def call(name: str, b: LLVMBuilder, *operands: Value) -> Value:
    """Call a function of `FUNCTIONS`, writing it into the module if this is its first use there."""
    dtype = operands[0].dtype
    if not dtype.is_floating:
        raise Unsupported(f"{name} of {dtype.name}")
    computed = dtypes.float64 if dtype is dtypes.float64 else dtypes.float32
    if name in _IN_PLACE:
        result = FUNCTIONS[name](b, *(b.wrap(b.value(x, dtype).ref, computed) for x in operands))
        return b.wrap(result.ref, dtype)
    kind = b.kind(computed)
    symbol = f"{name}.{'d' if computed is dtypes.float64 else 'f'}{b.lanes}"
    if not b.f.module.has(symbol):
        _write(name, symbol, b, computed, len(operands))
    ref = b.f.call(kind, symbol, *(f"{kind} {b.value(x, dtype).ref}" for x in operands))
    return b.wrap(ref, dtype)


def _write(name: str, symbol: str, b: LLVMBuilder, dtype: DType, count: int) -> None:
    kind = b.kind(dtype)
    parameters = [(kind, f"x{position}") for position in range(count)]
    with b.f.module.function(symbol, parameters, kind, internal=True) as f:
        inner = type(b)(f, b.lanes)
        values = [inner.wrap(f"%x{position}", dtype) for position in range(count)]
        if dtype is dtypes.float64 and name in _LIBM:
            result = _by_libm(_LIBM[name], inner, *values)
        else:
            result = FUNCTIONS[name](inner, *values)
        f.do(f"ret {kind} {result.ref}")


#: Functions that are short enough to be written where they are used.
_IN_PLACE = frozenset({"decay", "exp", "exp2", "expm1", "log", "log2", "log1p", "tanh"})

#: Functions of float64 that are left to the C library, by its names.
_LIBM = {name: name for name in ("sin", "cos", "tan", "erf", "erfc", "lgamma", "atan2", "cbrt")} | {
    "asin": "asin", "acos": "acos", "atan": "atan", "pow": "pow",
}  # fmt: skip


def _by_libm(name: str, b: LLVMBuilder, *values: Value) -> Value:
    """Call a C function of doubles for each lane."""
    f = b.f
    kind = b.kind(dtypes.float64)
    f.module.declare(name, "double", *["double"] * len(values))
    if b.lanes == 1:
        return b.wrap(f.call("double", name, *(f"double {x.ref}" for x in values)), dtypes.float64)
    result = "poison"
    for lane in range(b.lanes):
        items = [f.emit(f"extractelement {kind} {x.ref}, i32 {lane}") for x in values]
        one = f.call("double", name, *(f"double {item}" for item in items))
        result = f.emit(f"insertelement {kind} {result}, double {one}, i32 {lane}")
    return b.wrap(result, dtypes.float64)


def _in_double(b: LLVMBuilder, function: Callable[..., Value], *values: Value) -> Value:
    """Compute a float32 function in float64."""
    wide = (b.cast(x, dtypes.float64) for x in values)
    return b.cast(function(b, *wide), dtypes.float32)


# Tools ---------------------------------------------------------------------------------------------------------------


def _is_double(x: Value) -> bool:
    return x.dtype is dtypes.float64


def _polynomial(b: LLVMBuilder, x: Value, coefficients: Sequence[float]) -> Value:
    """Horner's rule, highest power first."""
    total: Any = b.const(coefficients[0], x.dtype)
    for coefficient in coefficients[1:]:
        total = b.fma(total, x, coefficient)
    return total


def _bits_of(x: Value) -> tuple[DType, int, int]:
    """The integer type of a float's bits, the number of its mantissa bits, and the bias of its exponent."""
    return (dtypes.int64, 52, 1023) if _is_double(x) else (dtypes.int32, 23, 127)


def _power_of_two(b: LLVMBuilder, n: Value, like: Value) -> Value:
    """2**n for integers n whose power is a normal number."""
    _, mantissa, bias = _bits_of(like)
    return b.bitcast((n + bias) << mantissa, like.dtype)


def _scale(b: LLVMBuilder, x: Value, n: Value) -> Value:
    """x * 2**n in two steps, so that results may be denormal or infinite."""
    half = n >> 1
    return x * _power_of_two(b, half, x) * _power_of_two(b, n - half, x)


def _nearest(b: LLVMBuilder, x: Value) -> tuple[Value, Value]:
    """The integer nearest to a moderate float, as a float and as an integer (any, but no trap, for NaN)."""
    integer, mantissa, _ = _bits_of(x)
    magic = b.const(1.5 * 2.0**mantissa, x.dtype)
    shifted = x + magic
    return shifted - magic, b.bitcast(shifted, integer) - b.bitcast(magic, integer)


def _with_sign_of(b: LLVMBuilder, function: Callable[[Value], Value], x: Value) -> Value:
    """An odd function from its values for positive arguments."""
    return b.copysign(function(b.abs(x)), x)


# Exponential functions -----------------------------------------------------------------------------------------------

_LOG2_E = 1 / math.log(2)
_LN2 = {False: (0.693145751953125, 1.4286068203094173e-06), True: (0.6931471805582987, 1.6465949582897082e-12)}

# (exp(r) - 1 - r) / r**2 on |r| <= ln(2) / 2
_EXP = {
    False: (0.000198910805, 0.00139337307, 0.00833331084, 0.0416664642, 0.166666667, 0.500000001),
    True: (
        2.09147553258932e-09, 2.5105312729622103e-08, 2.755727347871858e-07, 2.755725517000089e-06,
        2.480158732567746e-05, 0.0001984126987500228, 0.0013888888888883711, 0.008333333333326084, 0.04166666666666667,
        0.1666666666666667, 0.5,
    ),
}  # fmt: skip


def _reduce_exp(b: LLVMBuilder, x: Value) -> tuple[Value, Value]:
    """exp(r) - 1 and the integer n, with x = n * ln(2) + r."""
    n, integer = _nearest(b, x * _LOG2_E)
    high, low = _LN2[_is_double(x)]
    r = b.fma(n, -low, b.fma(n, -high, x))
    return b.fma(_polynomial(b, r, _EXP[_is_double(x)]), r * r, r), integer


def _clamp(b: LLVMBuilder, x: Value, low: float, high: float) -> Value:
    """Between two constants; NaN stays."""
    return b.minimum(b.maximum(x, low), high)


def exp(b: LLVMBuilder, x: Value) -> Value:
    limits = (-746.0, 710.0) if _is_double(x) else (-104.0, 89.0)
    small, n = _reduce_exp(b, _clamp(b, x, *limits))
    return _scale(b, small + 1.0, n)


def decay(b: LLVMBuilder, x: Value) -> Value:
    """exp(x) for x <= 0, but 0 where that is less than a normal number: a third less work."""
    integer, mantissa, bias = _bits_of(x)
    lowest = -708.39 if _is_double(x) else -87.33
    bounded = b.maximum(x, lowest)
    magic = b.const(1.5 * 2.0**mantissa, x.dtype)
    shifted = b.fma(bounded, _LOG2_E, magic)
    n = shifted - magic
    high, low = _LN2[_is_double(x)]
    r = b.fma(n, -low, b.fma(n, -high, bounded))
    power = b.bitcast((b.bitcast(shifted, integer) << mantissa) + (bias << mantissa), x.dtype)
    return b.select(x < lowest, 0.0, _polynomial(b, r, (*_EXP[_is_double(x)], 1.0, 1.0)) * power)


def exp2(b: LLVMBuilder, x: Value) -> Value:
    limits = (-1076.0, 1025.0) if _is_double(x) else (-151.0, 129.0)
    x = _clamp(b, x, *limits)
    n, integer = _nearest(b, x)
    small, _ = _reduce_exp(b, (x - n) * math.log(2))
    return _scale(b, small + 1.0, integer)


def expm1(b: LLVMBuilder, x: Value) -> Value:
    limits = (-40.0, 710.0) if _is_double(x) else (-20.0, 89.0)
    small, n = _reduce_exp(b, _clamp(b, x, *limits))
    half = _power_of_two(b, n - 1, x)
    grown = b.fma(half, small, half - 0.5) * 2.0
    return b.select(x == 0.0, x, grown)


def tanh(b: LLVMBuilder, x: Value) -> Value:
    def positive(a: Value) -> Value:
        grown = expm1(b, b.minimum(a, 20.0) * 2.0)
        return grown / (grown + 2.0)

    return _with_sign_of(b, positive, x)


def sinh(b: LLVMBuilder, x: Value) -> Value:
    def positive(a: Value) -> Value:
        grown = expm1(b, a)
        half = exp(b, a * 0.5)
        return b.select(a > 20.0, half * 0.5 * half, 0.5 * (grown + grown / (grown + 1.0)))

    return _with_sign_of(b, positive, x)


def cosh(b: LLVMBuilder, x: Value) -> Value:
    half = exp(b, b.abs(x) * 0.5)
    whole = half * half
    exact = exp(b, b.abs(x))
    return b.select(b.abs(x) > 20.0, half * 0.5 * half, 0.5 * exact + 0.5 / b.select(whole > 1e30, whole, exact))


# Logarithms ----------------------------------------------------------------------------------------------------------

# (log((1 + s) / (1 - s)) - 2 s) / s**3 in z = s**2, for (1 + s) / (1 - s) from sqrt(1/2) to sqrt(2)
_LOG = {
    False: (0.233305625, 0.285508173, 0.400001219, 0.666666666),
    True: (
        0.13086743139119072, 0.13268761951330021, 0.1538624012056702, 0.18181795632452163, 0.222222223917858,
        0.2857142857080329, 0.4000000000000088, 0.6666666666666666,
    ),
}  # fmt: skip


def _split_log(b: LLVMBuilder, x: Value) -> tuple[Value, Value]:
    """The exponent e (a float) and f with x = 2**e * (1 + f), 1 + f from sqrt(1/2) to sqrt(2), for x > 0."""
    integer, mantissa, bias = _bits_of(x)
    tiny = x < 2.0 ** (1 - bias)
    x = b.select(tiny, x * 2.0**mantissa, x)
    base = b.bitcast(b.const(math.sqrt(0.5), x.dtype), integer)
    offset = b.bitcast(x, integer) - base
    exponent = offset >> mantissa
    fraction = b.bitcast((offset - (exponent << mantissa)) + base, x.dtype) - 1.0
    exponent = b.select(tiny, exponent - mantissa, exponent)
    return b.cast(exponent, x.dtype), fraction


def _log_fraction(b: LLVMBuilder, f: Value) -> tuple[Value, Value]:
    """log(1 + f) as f minus a small correction; the two are returned apart."""
    s = f / (f + 2.0)
    z = s * s
    half_square = f * f * 0.5
    return f, half_square - s * (half_square + z * _polynomial(b, z, _LOG[_is_double(f)]))


def _log_limits(b: LLVMBuilder, x: Value, y: Value) -> Value:
    """Put in what a logarithm `y` of `x` is where x is no positive finite number."""
    y = b.select(x == 0.0, b.const(-math.inf, x.dtype), y)
    y = b.select(x < 0.0, b.const(math.nan, x.dtype), y)
    return b.select((x == math.inf) | b.isnan(x), x, y)


def log(b: LLVMBuilder, x: Value) -> Value:
    e, f = _split_log(b, x)
    high, low = _LN2[_is_double(x)]
    f, correction = _log_fraction(b, f)
    return _log_limits(b, x, b.fma(e, high, f - (correction - e * low)))


def log2(b: LLVMBuilder, x: Value) -> Value:
    e, f = _split_log(b, x)
    f, correction = _log_fraction(b, f)
    return _log_limits(b, x, b.fma(f - correction, _LOG2_E, e))


def log1p(b: LLVMBuilder, x: Value) -> Value:
    u = x + 1.0
    lost = b.select(x > 1.0, (1.0 - u) + x, x - (u - 1.0)) / u
    y = log(b, u) + lost
    y = b.select((u == math.inf) | (u <= 0.0), log(b, u), y)
    return b.select(x == 0.0, x, y)


def asinh(b: LLVMBuilder, x: Value) -> Value:
    def positive(a: Value) -> Value:
        square = a * a
        near = log1p(b, a + square / (1.0 + b.sqrt(square + 1.0)))
        return b.select(a > 1e9, log(b, a) + math.log(2), near)

    return _with_sign_of(b, positive, x)


def acosh(b: LLVMBuilder, x: Value) -> Value:
    t = x - 1.0
    near = log1p(b, t + b.sqrt(t * (t + 2.0)))
    far = b.select(x > 1e9, log(b, x) + math.log(2), near)
    return b.select(x < 1.0, b.const(math.nan, x.dtype), far)


def atanh(b: LLVMBuilder, x: Value) -> Value:
    return _with_sign_of(b, lambda a: log1p(b, a * 2.0 / (1.0 - a)) * 0.5, x)


# Trigonometric functions (float32; the angle is reduced in float64) --------------------------------------------------

_HALF_PI = (1.5707963267948966, 6.123233995736766e-17)
#: Beyond this the reduction would lose bits and the C library takes over.
_LARGE_ANGLE = 1e9

# (sin(r) / r - 1) / r**2 and (cos(r) - 1 + r**2 / 2) / r**4 in r**2, for |r| <= pi / 4
_SIN = (2.72493141e-06, -0.00019840082, 0.00833333187, -0.166666667)
_COS = (-2.73004486e-07, 2.48005964e-05, -0.00138888877, 0.0416666667)
# (atan(x) / x - 1) / x**2 in x**2, for 0 <= x <= 1
_ATAN = (
    0.00148869194, -0.00914462976, 0.0263050011, -0.048960514, 0.0703191425, -0.0893182678, 0.110882616, -0.142840038,
    0.199999493, -0.333333331,
)  # fmt: skip
# (asin(x) / x - 1) / x**2 in x**2, for |x| <= 1/2
_ASIN = (0.0336908472, 0.0171492384, 0.0311006627, 0.0445994015, 0.0750009454, 0.166666663)


def _quadrant(b: LLVMBuilder, x: Value) -> tuple[Value, Value, Value]:
    """sin(r), cos(r) and the quadrant number, with x = quadrant * pi / 2 + r."""
    wide = b.cast(x, dtypes.float64)
    n, quadrant = _nearest(b, wide * (1 / _HALF_PI[0]))
    r = b.cast(b.fma(n, -_HALF_PI[1], b.fma(n, -_HALF_PI[0], wide)), dtypes.float32)
    z = r * r
    sine = b.fma(_polynomial(b, z, _SIN) * z, r, r)
    cosine = b.fma(_polynomial(b, z, _COS), z * z, b.fma(z, -0.5, 1.0))
    return sine, cosine, b.cast(quadrant, dtypes.int32)


def _with_large_angles(b: LLVMBuilder, name: str, x: Value, usual: Callable[[], Value]) -> Value:
    """`usual()`, or the C library for a vector that holds a huge angle."""
    f = b.f
    large = (b.abs(x) > _LARGE_ANGLE) & b.isfinite(x)
    any_large = b.fold(large, lambda _, left, right: left | right)
    by_libm = lambda: b.cast(_by_libm(name, b, b.cast(x, dtypes.float64)), dtypes.float32)
    (ref,) = f.branch(any_large.ref, lambda: [by_libm().ref], lambda: [usual().ref], [b.kind(x.dtype)])
    return b.wrap(ref, x.dtype)


def sin(b: LLVMBuilder, x: Value) -> Value:
    def usual() -> Value:
        sine, cosine, quadrant = _quadrant(b, x)
        y = b.select((quadrant & 1) == 1, cosine, sine)
        return b.select(x == 0.0, x, b.select((quadrant & 2) == 2, -y, y))

    return _with_large_angles(b, "sin", x, usual)


def cos(b: LLVMBuilder, x: Value) -> Value:
    def usual() -> Value:
        sine, cosine, quadrant = _quadrant(b, x)
        y = b.select((quadrant & 1) == 1, sine, cosine)
        return b.select(((quadrant + 1) & 2) == 2, -y, y)

    return _with_large_angles(b, "cos", x, usual)


def tan(b: LLVMBuilder, x: Value) -> Value:
    def usual() -> Value:
        sine, cosine, quadrant = _quadrant(b, x)
        odd = (quadrant & 1) == 1
        y = b.select(odd, -cosine, sine) / b.select(odd, sine, cosine)
        return b.select(x == 0.0, x, y)

    return _with_large_angles(b, "tan", x, usual)


def _atan_unit(b: LLVMBuilder, a: Value) -> Value:
    """atan for 0 <= a <= 1."""
    z = a * a
    return b.fma(_polynomial(b, z, _ATAN) * z, a, a)


def atan(b: LLVMBuilder, x: Value) -> Value:
    def positive(a: Value) -> Value:
        steep = a > 1.0
        y = _atan_unit(b, b.select(steep, 1.0 / a, a))
        return b.select(steep, math.pi / 2 - y, y)

    return _with_sign_of(b, positive, x)


def atan2(b: LLVMBuilder, y: Value, x: Value) -> Value:
    high, wide = b.abs(y), b.abs(x)
    steep = high > wide
    large, small = b.select(steep, high, wide), b.select(steep, wide, high)
    ratio = b.select(small == large, b.const(1.0, x.dtype), small / large)
    ratio = b.select(large == 0.0, b.const(0.0, x.dtype), ratio)
    angle = _atan_unit(b, ratio)
    angle = b.select(steep, math.pi / 2 - angle, angle)
    left = b.bitcast(x, dtypes.int32) < 0
    angle = b.copysign(b.select(left, math.pi - angle, angle), y)
    return b.select(b.isnan(x) | b.isnan(y), x + y, angle)


def _asin_small(b: LLVMBuilder, a: Value) -> Value:
    z = a * a
    return b.fma(_polynomial(b, z, _ASIN) * z, a, a)


def asin(b: LLVMBuilder, x: Value) -> Value:
    def positive(a: Value) -> Value:
        outer = a > 0.5
        root = b.sqrt((1.0 - a) * 0.5)
        y = _asin_small(b, b.select(outer, root, a))
        return b.select(outer, math.pi / 2 - y * 2.0, y)

    return _with_sign_of(b, positive, x)


def acos(b: LLVMBuilder, x: Value) -> Value:
    a = b.abs(x)
    outer = a > 0.5
    y = _asin_small(b, b.select(outer, b.sqrt((1.0 - a) * 0.5), x))
    twice = y * 2.0
    return b.select(outer, b.select(x < 0.0, math.pi - twice, twice), math.pi / 2 - y)


# Powers and roots ----------------------------------------------------------------------------------------------------


def power(b: LLVMBuilder, x: Value, y: Value) -> Value:
    """x ** y: multiplications where the exponent is a small constant."""
    if not x.dtype.is_floating:
        return _integer_power(b, x, y)
    whole = y.literal
    if whole is not None and float(whole).is_integer() and 0 <= whole <= 4:
        if whole == 0:
            return b.const(1.0, x.dtype)
        square = x * x if whole > 1 else x
        return {1: lambda: x, 2: lambda: square, 3: lambda: square * x, 4: lambda: square * square}[int(whole)]()
    if whole == -1:
        return 1.0 / x
    return call("pow", b, x, y)


def pow(b: LLVMBuilder, x: Value, y: Value) -> Value:
    """float32, through a logarithm in float64 (float64 itself is left to the C library)."""
    a, exponent = b.cast(b.abs(x), dtypes.float64), b.cast(y, dtypes.float64)
    size = b.cast(exp2(b, _clamp(b, exponent * log2(b, a), -2000.0, 2000.0)), dtypes.float32)
    whole = (b.floor(y) == y) & b.isfinite(y)
    odd = whole & (b.floor(y * 0.5) * 2.0 != y)
    signed = b.select(odd, b.copysign(size, x), size)
    invalid = (x < 0.0) & b.isfinite(x) & b.isfinite(y) & ~whole
    result = b.select(invalid, b.const(math.nan, x.dtype), signed)
    result = b.select(b.isnan(x) | b.isnan(y), x + y, result)
    return b.select((y == 0.0) | (x == 1.0) | ((x == -1.0) & b.isinf(y)), b.const(1.0, x.dtype), result)


def _integer_power(b: LLVMBuilder, x: Value, y: Value) -> Value:
    """By squaring, wrapping as multiplication does; a negative exponent gives what truncation of 1 / x**-y would."""
    f, dtype = b.f, x.dtype
    kind = b.kind(dtype)
    one = b.const(1, dtype)
    negative = b.const(False, dtypes.bool_) if dtype.is_unsigned else y < 0
    if dtype.is_unsigned:
        left = y
    else:
        left = b.select(negative, y & 1, y)
    with f.loop(0, 8 * dtype.size, carry=[(kind, one.ref), (kind, x.ref), (kind, left.ref)]) as loop:
        result, base, rest = (b.wrap(ref, dtype) for ref in loop.values)
        loop.next = [
            b.select((rest & 1) == 1, result * base, result).ref,
            (base * base).ref,
            (rest >> 1).ref,
        ]
    result = b.wrap(loop.results[0], dtype)
    if dtype.is_unsigned:
        return result
    unit = (x == 1) | (x == -1)
    return b.select(negative & ~unit, b.const(0, dtype), result)


def cbrt(b: LLVMBuilder, x: Value) -> Value:
    """float32: a guess from the exponent, then three of Halley's steps, the last in float64."""

    def positive(a: Value) -> Value:
        tiny = a < 2.0**-126
        scaled = b.select(tiny, a * 2.0**24, a)
        third = b.cast(b.cast(b.bitcast(scaled, dtypes.int32), dtypes.float32) * (1 / 3), dtypes.int32)
        guess = b.bitcast(third + 709_921_077, dtypes.float32)
        wide, y = b.cast(scaled, dtypes.float64), b.cast(guess, dtypes.float64)
        for _ in range(2):
            cube = y * y * y
            y = y * (cube + wide * 2.0) / (cube * 2.0 + wide)
        root = b.cast(y, dtypes.float32)
        root = b.select(tiny, root * 2.0**-8, root)
        return b.select((a == 0.0) | ~b.isfinite(a), a, root)

    return _with_sign_of(b, positive, x)


# The error function and its kin --------------------------------------------------------------------------------------

# erf(x) / x in x**2, for |x| <= 1
_ERF = (
    -9.66704457e-06, 0.00011265959, -0.000848408041, 0.00522103181, -0.0268654307, 0.112837825, -0.376126385,
    1.12837917,
)  # fmt: skip
# (1 + 2 a) * exp(a * a) * erfc(a) in (a - 3) / (a + 3), for 0 <= a <= 10.5
_ERFC = (
    3.89187924e-05, -0.000173314574, -0.000735825944, 0.0019461828, 0.00252510846, -0.0237875635, 0.0683070318,
    -0.119271527, 0.129645322, -0.0475623926, -0.135621111, 1.25300806,
)  # fmt: skip


def _erfc_positive(b: LLVMBuilder, a: Value) -> Value:
    a = b.minimum(a, 10.5)
    scaled = _polynomial(b, (a - 3.0) / (a + 3.0), _ERFC) / b.fma(a, 2.0, 1.0)
    square = a * a
    lost = b.fma(a, a, -square)
    decay = exp(b, -square)
    return scaled * (decay - decay * lost)


def erf(b: LLVMBuilder, x: Value) -> Value:
    def positive(a: Value) -> Value:
        near = _polynomial(b, a * a, _ERF) * a
        return b.select(a < 1.0, near, 1.0 - _erfc_positive(b, a))

    return _with_sign_of(b, positive, x)


def erfc(b: LLVMBuilder, x: Value) -> Value:
    a = b.abs(x)
    far = _erfc_positive(b, a)
    far = b.select(x < 0.0, 2.0 - far, far)
    return b.select(a < 0.4, 1.0 - _polynomial(b, x * x, _ERF) * x, far)


def _inverse_erfc(b: LLVMBuilder, q: Value) -> Value:
    """x > 0 with erfc(x) = q for 0 < q <= 1 in float64: Winitzki's formula, then Halley's steps."""
    width = log(b, q * (2.0 - q))
    k = 2 / (math.pi * 0.147)
    middle = width * 0.5 + k
    x = b.sqrt(b.sqrt(middle * middle - width * (1 / 0.147)) - middle)
    for _ in range(3):
        step = (_by_libm("erfc", b, x) - q) * (math.sqrt(math.pi) / 2) * exp(b, x * x)
        x = x + step / (1.0 - step * x)
    return x


def erfinv(b: LLVMBuilder, y: Value) -> Value:
    if not _is_double(y):
        return _in_double(b, erfinv, y)

    def positive(a: Value) -> Value:
        q = 1.0 - a
        x = _inverse_erfc(b, b.maximum(q, 1e-300))
        near = a * (math.sqrt(math.pi) / 2) * b.fma(a * a, math.pi / 12, 1.0)
        x = b.select(a < 1e-4, near, x)
        x = b.select(a == 1.0, b.const(math.inf, a.dtype), x)
        return b.select(a > 1.0, b.const(math.nan, a.dtype), x)

    return _with_sign_of(b, positive, y)


def ndtri(b: LLVMBuilder, p: Value) -> Value:
    if not _is_double(p):
        return _in_double(b, ndtri, p)
    upper = p > 0.5
    tail = b.select(upper, 1.0 - p, p)
    size = _inverse_erfc(b, b.maximum(tail * 2.0, 1e-300)) * math.sqrt(2)
    size = b.select(tail == 0.0, b.const(math.inf, p.dtype), size)
    size = b.select(tail < 0.0, b.const(math.nan, p.dtype), size)
    middle = (p - 0.5) * math.sqrt(2 * math.pi)
    near = b.abs(p - 0.5) < 1e-6
    return b.select(near, middle, b.select(upper, size, -size))


# The gamma function --------------------------------------------------------------------------------------------------


def lgamma(b: LLVMBuilder, x: Value) -> Value:
    return b.cast(_by_libm("lgamma", b, b.cast(x, dtypes.float64)), dtypes.float32)


def digamma(b: LLVMBuilder, x: Value) -> Value:
    """Reflection to x >= 1/2, recurrence to x >= 10, the asymptotic series; in float64."""
    if not _is_double(x):
        return _in_double(b, digamma, x)
    reflect = x < 0.5
    y = b.select(reflect, 1.0 - x, x)
    shift = b.const(0.0, x.dtype)
    for _ in range(10):
        small = y < 10.0
        shift = b.select(small, shift - 1.0 / y, shift)
        y = b.select(small, y + 1.0, y)
    z = 1.0 / (y * y)
    series = z * _polynomial(b, z, (1 / 12, -691 / 32760, 1 / 132, -1 / 240, 1 / 252, -1 / 120, 1 / 12))
    result = log(b, y) - 0.5 / y - series + shift
    angle = (x - b.round(x)) * math.pi
    reflected = result - math.pi / _by_libm("tan", b, angle)
    result = b.select(reflect, reflected, result)
    pole = reflect & (b.floor(x) == x)
    result = b.select(pole, b.const(math.nan, x.dtype), result)
    return b.select(x == math.inf, x, result)


# 16-bit floats -------------------------------------------------------------------------------------------------------


def from_bfloat16(b: LLVMBuilder, bits: Value) -> Value:
    """The float32 (typed bfloat16) that uint16 bits stand for."""
    wide = b.bitcast(b.cast(bits, dtypes.uint32) << 16, dtypes.float32)
    return b.wrap(wide.ref, dtypes.bfloat16)


def to_bfloat16(b: LLVMBuilder, x: Value) -> Value:
    """uint16 bits, rounded to nearest even."""
    bits = b.bitcast(b.wrap(x.ref, dtypes.float32), dtypes.uint32)
    rounded = (bits + ((bits >> 16) & 1) + 0x7FFF) >> 16
    quiet = (bits >> 16) | 0x40
    return b.cast(b.select(b.isnan(x), quiet, rounded), dtypes.uint16)


def from_float16(b: LLVMBuilder, bits: Value) -> Value:
    """The float32 (typed float16) that uint16 bits stand for."""
    f = b.f
    if f.target.converts_float16:
        half = f.emit(f"bitcast {vector('i16', b.lanes)} {bits.ref} to {vector('half', b.lanes)}")
        return b.wrap(f.emit(f"fpext {vector('half', b.lanes)} {half} to {vector('float', b.lanes)}"), dtypes.float16)
    wide = b.cast(bits, dtypes.uint32)
    moved = (wide & 0x7FFF) << 13
    # Multiplying by 2**112 moves the bias and makes denormals normal; infinities and NaN get the full exponent.
    size = b.bitcast(b.bitcast(moved, dtypes.float32) * 2.0**112, dtypes.uint32)
    size = b.select((wide & 0x7C00) == 0x7C00, moved | 0x7F800000, size)
    return b.wrap(b.bitcast(size | ((wide & 0x8000) << 16), dtypes.float32).ref, dtypes.float16)


def to_float16(b: LLVMBuilder, x: Value) -> Value:
    """uint16 bits, rounded to nearest even."""
    f = b.f
    if f.target.converts_float16:
        half = f.emit(f"fptrunc {vector('float', b.lanes)} {x.ref} to {vector('half', b.lanes)}")
        bits = f.emit(f"bitcast {vector('half', b.lanes)} {half} to {vector('i16', b.lanes)}")
        return b.wrap(bits, dtypes.uint16)
    whole = b.bitcast(b.wrap(x.ref, dtypes.float32), dtypes.uint32)
    sign, size = (whole >> 16) & 0x8000, whole & 0x7FFFFFFF
    normal = (size + (((size >> 13) & 1) + 0xFFF) - (112 << 23)) >> 13
    # Adding 1/2 makes the processor round a denormal at the right bit.
    denormal = b.bitcast(b.bitcast(size, dtypes.float32) + 0.5, dtypes.uint32) - (126 << 23)
    bits = b.select(size < (113 << 23), denormal, normal)
    bits = b.select(size >= 0x477FF000, b.const(0x7C00, dtypes.uint32), bits)
    bits = b.select(size > 0x7F800000, b.const(0x7E00, dtypes.uint32), bits)
    return b.cast(bits | sign, dtypes.uint16)


#: The functions that `call` can write, by the vocabulary's names.
FUNCTIONS: dict[str, Callable[..., Value]] = {
    function.__name__: function
    for function in (
        exp, decay, exp2, expm1, log, log2, log1p, tanh, sinh, cosh, asinh, acosh, atanh, sin, cos, tan, asin, acos,
        atan, atan2, pow, cbrt, erf, erfc, erfinv, ndtri, lgamma, digamma,
    )
}  # fmt: skip
