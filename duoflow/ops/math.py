"""Elementwise arithmetic: sums, products, quotients, powers, roots, exponentials, extremes and complex numbers.

Trigonometry, rounding and the functions of statistics are in `special.py`.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from duoflow.core import dtypes, shapes
from duoflow.core.emit import NO_ATTRS, emit_one
from duoflow.core.indexed_slices import IndexedSlices
from duoflow.core.late import F
from duoflow.core.record import Kind, Op, register
from duoflow.core.scalar import value_dtype
from duoflow.core.spec import Spec
from duoflow.core.tensor import EagerTensor, Tensor, convert

from .families import (
    COMPLEX,
    FLOATING,
    INEXACT,
    NUMERIC,
    REAL,
    SIGNED,
    binary,
    convert_pair,
    elementwise,
    in_float32,
    unary,
)  # fmt: skip

__all__ = [
    "abs", "accumulate_n", "add", "add_n", "angle", "clip_by_global_norm", "clip_by_norm", "clip_by_value", "complex",
    "conj", "divide", "divide_no_nan", "exp", "expm1", "floordiv", "floormod", "global_norm", "imag", "log", "log1p",
    "maximum", "minimum", "mod", "multiply", "multiply_no_nan", "negative", "polyval", "pow", "real", "realdiv",
    "reciprocal", "reciprocal_no_nan", "rsqrt", "scalar_mul", "sign", "sqrt", "square", "squared_difference",
    "subtract", "truediv", "truncatediv", "truncatemod", "xdivy", "xlog1py", "xlogy",
]  # fmt: skip

_SIGNED = (*FLOATING, *SIGNED, *COMPLEX)


def _is_int(x: Any) -> bool:
    return value_dtype(x).is_integer


def _real_out(dtype: dtypes.DType) -> dtypes.DType:
    return dtype.real_dtype


# -- sums, products, quotients -----------------------------------------------------------------------------------------

_ADD_STRINGS = register(
    Op(
        "Add",
        Kind.HOST,
        lambda x, y: Spec(shapes.broadcast(x.shape, y.shape), x.dtype),
        np.add,
        differentiable=False,
    )  # fmt: skip
)


_ADD = elementwise("AddV2", np.add, body=lambda b, x, y: x + y, gradient=lambda n, g: (g, g))


def add(x: Any, y: Any, name: str | None = None) -> Any:
    """x + y, elementwise with broadcasting; strings are joined.

    Args:
      x, y: tensors of one numeric dtype (or strings) and broadcastable shapes.

    >>> tf.add([1, 2], 3)
    <tf.Tensor: shape=(2,), dtype=int32, numpy=array([4, 5], dtype=int32)>

    TensorFlow: tf.math.add.
    """
    if type(x) is not EagerTensor or type(y) is not EagerTensor:
        x = convert(x)
        y = convert(y, dtype_hint=x.dtype)
    strings = x.dtype is dtypes.string and y.dtype is dtypes.string
    return emit_one(_ADD_STRINGS if strings else _ADD, (x, y), NO_ATTRS, name)


@binary("Sub", np.subtract, body=lambda b, x, y: x - y, gradient=lambda n, g: (g, -g))
def subtract(x: Any, y: Any, name: str | None = None) -> Any:
    """x - y, elementwise with broadcasting.

    >>> tf.subtract([1.0, 2.0], 3.0).numpy()
    array([-2., -1.], dtype=float32)

    TensorFlow: tf.math.subtract.
    """


@binary(
    "Mul",
    np.multiply,
    body=lambda b, x, y: x * y,
    gradient=lambda n, g: (g * F.conj(n.inputs[1]), g * F.conj(n.inputs[0])),
)
def multiply(x: Any, y: Any, name: str | None = None) -> Any:
    """x * y, elementwise with broadcasting.

    >>> tf.multiply([1, 2], [[3], [4]]).numpy()
    array([[3, 6], [4, 8]], dtype=int32)

    TensorFlow: tf.math.multiply.
    """


def _quotient_gradient(node: Any, g: Any) -> tuple[Any, Any]:
    y = F.conj(node.inputs[1])
    gx = g / y
    return gx, -gx * F.conj(node.outputs[0])


@binary("RealDiv", np.divide, body=lambda b, x, y: x / y, gradient=_quotient_gradient, allowed=INEXACT)
def realdiv(x: Any, y: Any, name: str | None = None) -> Any:
    """x / y of floating or complex tensors, elementwise with broadcasting.

    >>> tf.realdiv([1.0, -1.0], [4.0, 0.0]).numpy()
    array([ 0.25,  -inf], dtype=float32)

    TensorFlow: tf.realdiv.
    """


_TRUEDIV_DTYPE = dict.fromkeys((dtypes.uint8, dtypes.uint16, dtypes.int8, dtypes.int16), dtypes.float32)
_TRUEDIV_DTYPE |= dict.fromkeys((dtypes.uint32, dtypes.uint64, dtypes.int32, dtypes.int64), dtypes.float64)


def truediv(x: Any, y: Any, name: str | None = None) -> Any:
    """x / y as Python 3 divides: integers give float32 (8 and 16 bits) or float64.

    Raises `TypeError` if the dtypes differ.

    >>> tf.truediv([1, 2], 4)
    <tf.Tensor: shape=(2,), dtype=float64, numpy=array([0.25, 0.5 ])>

    TensorFlow: tf.math.truediv.
    """
    x, y = convert_pair(x, y)
    if x.dtype is not y.dtype:
        raise TypeError(f"`x` and `y` must have the same dtype, got {x.dtype!r} != {y.dtype!r}.")
    wide = _TRUEDIV_DTYPE.get(x.dtype)
    if wide is not None:
        x, y = F.cast(x, wide), F.cast(y, wide)
    return realdiv(x, y, name=name)


def divide(x: Any, y: Any, name: str | None = None) -> Any:
    """x / y as Python 3 divides.

    >>> tf.divide([1.0, 2.0], 4.0).numpy()
    array([0.25, 0.5 ], dtype=float32)

    TensorFlow: tf.math.divide.
    """
    return truediv(x, y, name)


def _checked_divisor(divide: Any) -> Any:
    def run(x: Any, y: Any) -> Any:
        if y.dtype.kind in "iu" and x.size and not y.all():
            raise ValueError("Integer division by zero")
        return divide(x, y)

    return run


@_checked_divisor
def _floor_divide(x: Any, y: Any) -> Any:
    return np.floor_divide(x, y) if x.dtype.kind in "iu" else np.floor(in_float32(np.divide)(x, y)).astype(x.dtype)


@binary(
    "FloorDiv",
    _floor_divide,
    body=lambda b, x, y: b.floordiv(x, y) if _is_int(x) else b.floor(x / y),
    gradient=lambda n, g: (None, None),
    allowed=REAL,
)
def floordiv(x: Any, y: Any, name: str | None = None) -> Any:
    """x / y rounded toward minus infinity. A zero integer divisor is an `InvalidArgumentError`.

    >>> tf.math.floordiv([7, -7], 2).numpy()
    array([ 3, -4], dtype=int32)

    TensorFlow: tf.math.floordiv.
    """


@binary(
    "FloorMod",
    _checked_divisor(in_float32(np.mod)),
    body=lambda b, x, y: b.floormod(x, y),
    gradient=lambda n, g: (g, -g * F.floordiv(n.inputs[0], n.inputs[1])),
    allowed=REAL,
)
def floormod(x: Any, y: Any, name: str | None = None) -> Any:
    """The remainder of `floordiv`; it has the sign of y.

    >>> tf.math.floormod([7, -7], 3).numpy()
    array([1, 2], dtype=int32)

    TensorFlow: tf.math.floormod.
    """


mod = floormod


@_checked_divisor
def _trunc_divide(x: Any, y: Any) -> Any:
    if x.dtype.kind in "iu":
        quotient = np.floor_divide(x, y)
        return quotient + ((quotient * y != x) & ((x < 0) != (y < 0))).astype(x.dtype)
    return np.trunc(in_float32(np.divide)(x, y)).astype(x.dtype)


@binary(
    "TruncateDiv",
    _trunc_divide,
    body=lambda b, x, y: b.truncdiv(x, y) if _is_int(x) else b.trunc(x / y),
    gradient=lambda n, g: (None, None),
    allowed=REAL,
)
def truncatediv(x: Any, y: Any, name: str | None = None) -> Any:
    """x / y rounded toward zero, as C divides integers.

    >>> tf.truncatediv([7, -7], 2).numpy()
    array([ 3, -3], dtype=int32)

    TensorFlow: tf.truncatediv.
    """


@binary(
    "TruncateMod",
    _checked_divisor(in_float32(np.fmod)),
    body=lambda b, x, y: x - b.truncdiv(x, y) * y if _is_int(x) else b.fmod(x, y),
    gradient=lambda n, g: (g, -g * F.truncatediv(n.inputs[0], n.inputs[1])),
    allowed=(dtypes.int32, dtypes.int64, *FLOATING),
)
def truncatemod(x: Any, y: Any, name: str | None = None) -> Any:
    """The remainder of `truncatediv`; it has the sign of x.

    >>> tf.truncatemod([7, -7], 3).numpy()
    array([ 1, -1], dtype=int32)

    TensorFlow: tf.truncatemod.
    """


def _or_zero(b: Any, condition: Any, value: Any) -> Any:
    """`value` where `condition` holds, else exactly zero."""
    return b.select(condition, value, b.const(0, value_dtype(value)))


def _divide_no_nan_gradient(node: Any, g: Any) -> tuple[Any, Any]:
    y = F.conj(node.inputs[1])
    gx = F.divide_no_nan(g, y)
    return gx, -gx * F.conj(node.outputs[0])


_DIV_NO_NAN = elementwise(
    "DivNoNan", body=lambda b, x, y: _or_zero(b, y != 0, x / y), gradient=_divide_no_nan_gradient, allowed=INEXACT
)


def divide_no_nan(x: Any, y: Any, name: str | None = None) -> Any:
    """x / y, and 0 wherever y is 0. Integers are divided as `truediv` does.

    >>> tf.math.divide_no_nan([3.0, 4.0], [2.0, 0.0]).numpy()
    array([1.5, 0. ], dtype=float32)

    TensorFlow: tf.math.divide_no_nan.
    """
    x, y = convert_pair(x, y)
    if x.dtype is not y.dtype:
        raise TypeError(f"`x` and `y` must have the same dtype, got {x.dtype!r} != {y.dtype!r}.")
    wide = _TRUEDIV_DTYPE.get(x.dtype)
    if wide is not None:
        x, y = F.cast(x, wide), F.cast(y, wide)
    return emit_one(_DIV_NO_NAN, (x, y), NO_ATTRS, name)


def _multiply_no_nan_gradient(node: Any, g: Any) -> tuple[Any, Any]:
    x, y = node.inputs
    return F.multiply_no_nan(g, y), F.multiply_no_nan(x, g)


@binary(
    "MulNoNan",
    body=lambda b, x, y: _or_zero(b, y != 0, x * y),
    gradient=_multiply_no_nan_gradient,
    allowed=INEXACT,
)
def multiply_no_nan(x: Any, y: Any, name: str | None = None) -> Any:
    """x * y, and 0 wherever y is 0, even if x is infinite or NaN.

    >>> tf.math.multiply_no_nan([2.0, np.nan], [3.0, 0.0]).numpy()
    array([6., 0.], dtype=float32)

    TensorFlow: tf.math.multiply_no_nan.
    """


def _squared_modulus(b: Any, x: Any) -> Any:
    return x * (b.conj(x) if value_dtype(x).is_complex else x)


def _squared_difference_gradient(node: Any, g: Any) -> tuple[Any, Any]:
    gx = F.scalar_mul(2.0, g) * (node.inputs[0] - node.inputs[1])
    return gx, -gx


@binary(
    "SquaredDifference",
    body=lambda b, x, y: _squared_modulus(b, x - y),
    gradient=_squared_difference_gradient,
    allowed=(*INEXACT, dtypes.int32, dtypes.int64),
)
def squared_difference(x: Any, y: Any, name: str | None = None) -> Any:
    """(x - y) squared, elementwise; of complex numbers the squared distance.

    >>> tf.math.squared_difference([1.0, 5.0], 3.0).numpy()
    array([4., 4.], dtype=float32)

    TensorFlow: tf.math.squared_difference.
    """


def scalar_mul(scalar: Any, x: Any, name: str | None = None) -> Any:
    """A scalar times a tensor or IndexedSlices; `ValueError` if the first argument is not a scalar.

    >>> tf.math.scalar_mul(3.0, [1.0, 2.0]).numpy()
    array([3., 6.], dtype=float32)

    TensorFlow: tf.math.scalar_mul.
    """
    x = x if isinstance(x, IndexedSlices) else convert(x)
    scalar = convert(scalar, dtype=x.dtype)
    if scalar.dims is not None and scalar.dims != ():
        raise ValueError(f"The input scalar must be a 0-D value. Received shape {shapes.show(scalar.dims)}.")
    if isinstance(x, IndexedSlices):
        return x.map_values(lambda values: multiply(scalar, values, name=name))
    return multiply(scalar, x, name=name)


def _sum_body(b: Any, *xs: Any) -> Any:
    out = xs[0]
    for x in xs[1:]:
        out = out + x
    return out


def _infer_add_n(*specs: Spec) -> Spec:
    shape, dtype = specs[0].shape, specs[0].dtype
    for i, s in enumerate(specs):
        if s.dtype is not dtype:
            raise TypeError(f"AddN takes tensors of one dtype, received {dtype.name} and {s.dtype.name} (input {i}).")
        if not shapes.compatible(shape, s.shape):
            raise ValueError(
                f"Inputs to operation AddN must have the same size and shape. Input 0: {shapes.brief(shape)} != "
                f"input {i}: {shapes.brief(s.shape)}"
            )
        shape = shapes.merge(shape, s.shape)
    return Spec(shape, dtype)


def _evaluate_add_n(x: Any, *others: Any) -> Any:
    if not others:
        return x
    out = x + others[0]
    for y in others[1:]:
        out = out + y
    return out


_ADD_N = register(
    Op(
        "AddN",
        Kind.ELEMENTWISE,
        _infer_add_n,
        _evaluate_add_n,
        lambda node, g: (g,) * len(node.inputs),
        body=_sum_body,
    )  # fmt: skip
)


def add_n(inputs: Any, name: str | None = None) -> Any:
    """The sum of a list of tensors of one shape and dtype (no broadcasting).

    Raises `ValueError` for an empty list or shapes that differ.

    >>> tf.math.add_n([[1, 2], [3, 4], [5, 6]]).numpy()
    array([ 9, 12], dtype=int32)

    TensorFlow: tf.math.add_n.
    """
    if not isinstance(inputs, (list, tuple)) or not inputs:
        raise ValueError(
            "inputs must be an iterable of at least one Tensor/IndexedSlices with the same dtype and shape."
        )
    first = next((x for x in inputs if isinstance(x, Tensor)), None)
    tensors = tuple([convert(x, dtype=None if first is None else first.dtype) for x in inputs])
    if len(tensors) == 1:
        return F.identity(tensors[0], name=name)
    return emit_one(_ADD_N, tensors, NO_ATTRS, name)


def accumulate_n(inputs: Any, shape: Any = None, tensor_dtype: Any = None, name: str | None = None) -> Any:
    """`add_n` with the shape and dtype to expect.

    >>> tf.math.accumulate_n([[1, 2], [3, 4]], shape=[2]).numpy()
    array([4, 6], dtype=int32)

    TensorFlow: tf.math.accumulate_n.
    """
    if not isinstance(inputs, (list, tuple)) or not inputs:
        raise ValueError("inputs must be a list of at least one Tensor/IndexedSlices with the same dtype and shape.")
    tensors = [convert(x) for x in inputs]
    expected = shapes.as_dims(shape)
    for x in tensors:
        if tensor_dtype is not None and x.dtype is not dtypes.as_dtype(tensor_dtype):
            raise TypeError(f"tensor_dtype is {tensor_dtype}, but an input has dtype {x.dtype}.")
        if x.dtype is not tensors[0].dtype or not shapes.compatible(x.dims, expected):
            raise ValueError(
                "inputs must be a list of at least one Tensor/IndexedSlices with the same dtype and shape."
            )
    return add_n(tensors, name)


# -- signs and extremes ------------------------------------------------------------------------------------------------


@unary("Neg", np.negative, body=lambda b, x: -x, gradient=lambda n, g: -g, allowed=_SIGNED)
def negative(x: Any, name: str | None = None) -> Any:
    """-x, elementwise.

    >>> tf.math.negative([1.0, -2.0]).numpy()
    array([-1.,  2.], dtype=float32)

    TensorFlow: tf.math.negative.
    """


_ABS = elementwise(
    "Abs",
    np.abs,
    body=lambda b, x: b.abs(x),
    gradient=lambda n, g: g * F.sign(n.inputs[0]),
    allowed=(*FLOATING, *SIGNED),
)


def _complex_abs_gradient(node: Any, g: Any) -> Any:
    return F.complex(g, F.zeros_like(g)) * F.sign(node.inputs[0])


_COMPLEX_ABS = elementwise(
    "ComplexAbs", np.abs, body=lambda b, x: b.abs(x), gradient=_complex_abs_gradient, allowed=COMPLEX, out=_real_out
)


def abs(x: Any, name: str | None = None) -> Any:
    """|x|, elementwise; the modulus, as a real tensor, of complex numbers.

    >>> tf.math.abs([-1.5, 2.0]).numpy()
    array([1.5, 2. ], dtype=float32)
    >>> tf.math.abs(tf.constant(3 + 4j)).numpy()
    5.0

    TensorFlow: tf.math.abs.
    """
    x = convert(x)
    return emit_one(_COMPLEX_ABS if x.dtype.is_complex else _ABS, (x,), NO_ATTRS, name)


def _sign(x: Any) -> Any:
    if x.dtype.kind != "c":
        return np.sign(x)
    modulus = np.abs(x)
    return np.where(modulus == 0, 0, x / np.where(modulus == 0, 1, modulus)).astype(x.dtype)


def _sign_gradient(node: Any, g: Any) -> Any:
    return F.zeros_like(node.inputs[0])


@unary("Sign", _sign, body=lambda b, x: b.sign(x), gradient=_sign_gradient, allowed=_SIGNED)
def sign(x: Any, name: str | None = None) -> Any:
    """-1, 0 or 1 by the sign of x; x / |x| of complex numbers. NaN stays NaN.

    >>> tf.math.sign([-2.5, 0.0, 7.0]).numpy()
    array([-1.,  0.,  1.], dtype=float32)

    TensorFlow: tf.math.sign.
    """


def _extreme_gradient(chosen: Any) -> Any:
    def rule(node: Any, g: Any) -> tuple[Any, Any]:
        x, y = node.inputs
        mask = chosen(x, y)
        zero = F.zeros_like(g)
        return F.where(mask, g, zero), F.where(mask, zero, g)

    return rule


@binary(
    "Maximum",
    np.maximum,
    body=lambda b, x, y: b.maximum(x, y),
    gradient=_extreme_gradient(lambda x, y: F.greater_equal(x, y)),
    allowed=REAL,
)
def maximum(x: Any, y: Any, name: str | None = None) -> Any:
    """The larger of x and y; NaN if either is. Where they are equal the gradient goes to x.

    >>> tf.math.maximum([1.0, 5.0], [3.0, 2.0]).numpy()
    array([3., 5.], dtype=float32)

    TensorFlow: tf.math.maximum.
    """


@binary(
    "Minimum",
    np.minimum,
    body=lambda b, x, y: b.minimum(x, y),
    gradient=_extreme_gradient(lambda x, y: F.less_equal(x, y)),
    allowed=REAL,
)
def minimum(x: Any, y: Any, name: str | None = None) -> Any:
    """The smaller of x and y; NaN if either is. Where they are equal the gradient goes to x.

    >>> tf.math.minimum([1.0, 5.0], [3.0, 2.0]).numpy()
    array([1., 2.], dtype=float32)

    TensorFlow: tf.math.minimum.
    """


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
    return b.truncdiv(one, x) if _is_int(x) else one / x


@unary("Reciprocal", _reciprocal, body=_reciprocal_body, gradient=_reciprocal_gradient, allowed=_SIGNED)
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
    return divide_no_nan(F.ones_like(x), x, name=name)


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


@binary(
    "Pow", _power, body=lambda b, x, y: b.pow(x, y), gradient=_pow_gradient, allowed=(*FLOATING, *SIGNED, *COMPLEX)
)  # fmt: skip
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
    array([1.       , 2.7182817], dtype=float32)

    TensorFlow: tf.math.exp.
    """


@unary(
    "Expm1", in_float32(np.expm1), body=lambda b, x: b.expm1(x), gradient=lambda n, g: g * F.exp(F.conj(n.inputs[0]))
)  # fmt: skip
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


@unary(
    "Log1p", in_float32(np.log1p), body=lambda b, x: b.log1p(x), gradient=lambda n, g: g / (F.conj(n.inputs[0]) + 1)
)  # fmt: skip
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
    body=lambda b, x, y: _or_zero(b, x != 0, x * b.log(y)),
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
    body=lambda b, x, y: _or_zero(b, x != 0, x * b.log1p(y)),
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
    body=lambda b, x, y: _or_zero(b, x != 0, x / y),
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
    11.0

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


# -- clipping ----------------------------------------------------------------------------------------------------------


def _clip_gradient(node: Any, g: Any) -> tuple[Any, Any, Any]:
    x, low, high = node.inputs
    zero = F.zeros_like(g)
    below, above = F.less(x, low), F.greater(x, high)
    return F.where(F.logical_or(below, above), zero, g), F.where(below, g, zero), F.where(above, g, zero)


_CLIP = elementwise(
    "ClipByValue",
    lambda x, low, high: np.minimum(np.maximum(x, low), high),
    body=lambda b, x, low, high: b.minimum(b.maximum(x, low), high),
    gradient=_clip_gradient,
    allowed=REAL,
)


def clip_by_value(t: Any, clip_value_min: Any, clip_value_max: Any, name: str | None = None) -> Any:
    """t with every element moved into [clip_value_min, clip_value_max]; the bounds broadcast to t.

    >>> tf.clip_by_value([-5.0, 0.5, 5.0], -1.0, 1.0).numpy()
    array([-1. ,  0.5,  1. ], dtype=float32)

    TensorFlow: tf.clip_by_value.
    """
    if isinstance(t, IndexedSlices):
        return t.map_values(lambda values: clip_by_value(values, clip_value_min, clip_value_max, name))
    t = convert(t)
    low, high = convert(clip_value_min, dtype=t.dtype), convert(clip_value_max, dtype=t.dtype)
    out = emit_one(_CLIP, (t, low, high), NO_ATTRS, name)
    if not shapes.compatible(out.dims, t.dims):
        raise ValueError(f"The bounds of clip_by_value must broadcast to shape {t.shape}, which gives {out.shape}.")
    return out


def clip_by_norm(t: Any, clip_norm: Any, axes: Any = None, name: str | None = None) -> Any:
    """t scaled down so that its L2 norm (over `axes`) is at most `clip_norm`.

    >>> tf.clip_by_norm([3.0, 4.0], 1.0).numpy()
    array([0.6, 0.8], dtype=float32)

    TensorFlow: tf.clip_by_norm.
    """
    if isinstance(t, IndexedSlices):
        return t.map_values(lambda values: clip_by_norm(values, clip_norm, axes, name))
    with F.name_scope(name or "clip_by_norm"):
        values = convert(t)
        squares = F.reduce_sum(values * values, axes, keepdims=True)
        positive = F.greater(squares, F.zeros_like(squares))
        norm = F.where(positive, F.sqrt(F.where(positive, squares, F.ones_like(squares))), squares)
        return values * clip_norm / F.maximum(norm, convert(clip_norm, dtype=values.dtype))


def _as_tensors(t_list: Any) -> list[Any]:
    """The entries of a list of gradients: tensors, IndexedSlices and None."""
    if isinstance(t_list, dict) or not hasattr(t_list, "__iter__") or isinstance(t_list, str):
        raise TypeError("`t_list` should be a sequence of tensors.")
    return [t if t is None or isinstance(t, IndexedSlices) else convert(t) for t in t_list]


def global_norm(t_list: Any, name: str | None = None) -> Any:
    """The L2 norm of all elements of several tensors taken together; None entries are skipped.

    >>> tf.linalg.global_norm([[3.0], None, [[4.0]]]).numpy()
    5.0

    TensorFlow: tf.linalg.global_norm.
    """
    with F.name_scope(name or "global_norm"):
        values = [t.values if isinstance(t, IndexedSlices) else t for t in _as_tensors(t_list) if t is not None]
        return F.sqrt(F.add_n([F.reduce_sum(F.square(v)) for v in values]))


def clip_by_global_norm(t_list: Any, clip_norm: Any, use_norm: Any = None, name: str | None = None) -> Any:
    """Several tensors scaled together so that their `global_norm` is at most `clip_norm`.

    Returns `(list, norm)`. A norm that is not finite makes every entry NaN.

    >>> clipped, norm = tf.clip_by_global_norm([[3.0], [4.0]], 1.0)
    >>> clipped[1].numpy(), norm.numpy()
    (array([0.8], dtype=float32), 5.0)

    TensorFlow: tf.clip_by_global_norm.
    """
    entries = _as_tensors(t_list)
    norm = global_norm(entries, name) if use_norm is None else convert(use_norm)
    with F.name_scope(name or "clip_by_global_norm"):
        clip = convert(clip_norm, dtype=norm.dtype)
        scale = clip * F.minimum(1.0 / norm, F.ones_like(clip) / clip)
        scale = scale + (norm - norm)  # NaN where the norm is not finite

        def scaled(t: Any) -> Any:
            if isinstance(t, IndexedSlices):
                return t.map_values(scaled)
            return None if t is None else t * F.cast(scale, t.dtype)

        return [scaled(t) for t in entries], norm


# -- complex numbers ---------------------------------------------------------------------------------------------------


_CONJ = elementwise("Conj", np.conj, body=lambda b, x: b.conj(x), gradient=lambda n, g: F.conj(g), allowed=COMPLEX)


def conj(x: Any, name: str | None = None) -> Any:
    """The complex conjugate; a real tensor is returned as it is.

    >>> tf.math.conj(tf.constant(1 + 2j)).numpy()
    (1-2j)

    TensorFlow: tf.math.conj.
    """
    x = convert(x)
    if x.dtype.is_complex:
        return emit_one(_CONJ, (x,), NO_ATTRS, name)
    if x.dtype.is_floating or x.dtype.is_integer or x.dtype in (dtypes.bool_, dtypes.variant):
        return x
    raise TypeError(f"Expected numeric or variant tensor, got dtype {x.dtype!r}.")


_REAL = elementwise(
    "Real",
    np.real,
    body=lambda b, x: b.real(x),
    gradient=lambda n, g: F.complex(g, F.zeros_like(g)),
    allowed=COMPLEX,
    out=_real_out,
)


def real(input: Any, name: str | None = None) -> Any:
    """The real part; a real tensor is returned as it is.

    >>> tf.math.real(tf.constant([1 + 2j])).numpy()
    array([1.])

    TensorFlow: tf.math.real.
    """
    x = convert(input)
    if x.dtype.is_complex:
        return emit_one(_REAL, (x,), NO_ATTRS, name)
    if x.dtype.is_floating or x.dtype.is_integer or x.dtype is dtypes.bool_:
        return x
    raise TypeError(f"input must be a numeric tensor, but got tensor with dtype {x.dtype!r}")


_IMAG = elementwise(
    "Imag",
    np.imag,
    body=lambda b, x: b.imag(x),
    gradient=lambda n, g: F.complex(F.zeros_like(g), g),
    allowed=COMPLEX,
    out=_real_out,
)


def imag(input: Any, name: str | None = None) -> Any:
    """The imaginary part; zeros for a real tensor.

    >>> tf.math.imag(tf.constant([1 + 2j])).numpy()
    array([2.])

    TensorFlow: tf.math.imag.
    """
    x = convert(input)
    return emit_one(_IMAG, (x,), NO_ATTRS, name) if x.dtype.is_complex else F.zeros_like(x)


def _angle_slope(x: Any, g: Any) -> Any:
    """g times the gradient of atan2(im, re), as the complex number (d/dre) + i (d/dim)."""
    re, im = F.real(x), F.imag(x)
    scale = g / (re * re + im * im)
    return F.complex(-im * scale, re * scale)


_ANGLE = elementwise(
    "Angle",
    np.angle,
    body=lambda b, x: b.atan2(b.imag(x), b.real(x)),
    gradient=lambda n, g: _angle_slope(n.inputs[0], g),
    allowed=COMPLEX,
    out=_real_out,
)


def angle(input: Any, name: str | None = None) -> Any:
    """The argument of each number, in radians; pi for negative real numbers and 0 for others.

    >>> tf.math.angle(tf.constant([1j])).numpy()
    array([1.57079633])

    TensorFlow: tf.math.angle.
    """
    x = convert(input)
    if x.dtype.is_complex:
        return emit_one(_ANGLE, (x,), NO_ATTRS, name)
    return F.where(F.less(x, F.zeros_like(x)), F.cast(np.pi, x.dtype) * F.ones_like(x), F.zeros_like(x))


_COMPLEX_OF = {dtypes.float32: dtypes.complex64, dtypes.float64: dtypes.complex128}


_COMPLEX = elementwise(
    "Complex",
    body=lambda b, x, y: b.complex(x, y),
    gradient=lambda n, g: (F.real(g), F.imag(g)),
    allowed=(dtypes.float32, dtypes.float64),
    out=_COMPLEX_OF.__getitem__,
)


def complex(real: Any, imag: Any, name: str | None = None) -> Any:
    """real + i imag, from two float32 or two float64 tensors.

    >>> tf.complex([1.0], [2.0]).numpy()
    array([1.+2.j], dtype=complex64)

    TensorFlow: tf.complex.
    """
    x, y = convert(real), convert(imag)
    if x.dtype is not y.dtype or x.dtype not in _COMPLEX_OF:
        raise TypeError(
            f"The `real` and `imag` components have incorrect types: {x.dtype.name} {y.dtype.name}. They must be "
            "consistent, and one of [tf.float32, tf.float64]"
        )
    return emit_one(_COMPLEX, (x, y), NO_ATTRS, name)
