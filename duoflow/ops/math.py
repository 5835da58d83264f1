"""Elementwise arithmetic: sums, products, quotients, signs, extremes, rounding."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np

from duoflow.core import dtypes, shapes
from duoflow.core.emit import NO_ATTRS, emit_one
from duoflow.core.indexed_slices import IndexedSlices
from duoflow.core.late import F
from duoflow.core.record import Kind, Op, register
from duoflow.core.scalar import value_dtype
from duoflow.core.spec import Spec
from duoflow.core.tensor import Tensor, convert

from .families import (
    COMPLEX,
    FLOATING,
    INEXACT,
    REAL,
    SIGNED,
    SIGNED_NUMBERS,
    binary,
    convert_pair,
    elementwise,
    in_float32,
    is_int,
    or_zero,
    unary,
)
from .static import operand

__all__ = [
    "abs", "accumulate_n", "add", "add_n", "ceil", "divide", "divide_no_nan", "floor", "floordiv", "floormod",
    "maximum", "minimum", "mod", "multiply", "multiply_no_nan", "negative", "nextafter", "realdiv", "rint", "round",
    "scalar_mul", "sign", "squared_difference", "subtract", "truediv", "truncatediv", "truncatemod",
]  # fmt: skip


def _real_out(dtype: dtypes.DType) -> dtypes.DType:
    return dtype.real_dtype


# -- sums, products, quotients -----------------------------------------------------------------------------------------


_ADD_STRINGS = register(
    Op(
        "Add",
        Kind.HOST,
        lambda x, y: Spec(shapes.broadcast(x.shape, y.shape), x.dtype),
        lambda x, y: np.asarray(np.add(x, y), object),
        differentiable=False,
    )
)


ADD = elementwise("AddV2", np.add, body=lambda b, x, y: x + y, gradient=lambda n, g: (g, g))


def add(x: Any, y: Any, name: str | None = None) -> Any:
    """x + y, elementwise with broadcasting; strings are joined.

    Args:
      x, y: tensors of one numeric dtype (or strings) and broadcastable shapes.

    >>> tf.add([1, 2], 3)
    <tf.Tensor: shape=(2,), dtype=int32, numpy=array([4, 5], dtype=int32)>

    TensorFlow: tf.math.add.
    """
    x = convert(x)
    y = convert(y, dtype_hint=x.dtype)
    strings = x.dtype is dtypes.string and y.dtype is dtypes.string
    return emit_one(_ADD_STRINGS if strings else ADD, (x, y), NO_ATTRS, name or "Add")


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
    gradient=lambda n, g: (lambda: g * F.conj(n.inputs[1]), lambda: g * F.conj(n.inputs[0])),
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
    return gx, lambda: -gx * F.conj(node.outputs[0])


@binary("RealDiv", np.divide, body=lambda b, x, y: x / y, gradient=_quotient_gradient, allowed=INEXACT)
def realdiv(x: Any, y: Any, name: str | None = None) -> Any:
    """x / y of floating or complex tensors, elementwise with broadcasting.

    >>> tf.realdiv([1.0, -1.0], [4.0, 0.0]).numpy()
    array([0.25, -inf], dtype=float32)

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
    return realdiv(x, y, name=name or "truediv")


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


def _divisor(b: Any, y: Any) -> Any:
    b.require(y != 0, "Integer division by zero")
    return y


@_checked_divisor
def _floor_divide(x: Any, y: Any) -> Any:
    return np.floor_divide(x, y) if x.dtype.kind in "iu" else np.floor(in_float32(np.divide)(x, y)).astype(x.dtype)


@binary(
    "FloorDiv",
    _floor_divide,
    body=lambda b, x, y: b.floordiv(x, _divisor(b, y)) if is_int(x) else b.floor(x / y),
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
    body=lambda b, x, y: b.floormod(x, _divisor(b, y) if is_int(x) else y),
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
    body=lambda b, x, y: b.truncdiv(x, _divisor(b, y)) if is_int(x) else b.trunc(x / y),
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
    body=lambda b, x, y: x - b.truncdiv(x, _divisor(b, y)) * y if is_int(x) else b.fmod(x, y),
    gradient=lambda n, g: (g, -g * F.truncatediv(n.inputs[0], n.inputs[1])),
    allowed=(dtypes.int32, dtypes.int64, *FLOATING),
)
def truncatemod(x: Any, y: Any, name: str | None = None) -> Any:
    """The remainder of `truncatediv`; it has the sign of x.

    >>> tf.truncatemod([7, -7], 3).numpy()
    array([ 1, -1], dtype=int32)

    TensorFlow: tf.truncatemod.
    """


def _divide_no_nan_gradient(node: Any, g: Any) -> tuple[Any, Any]:
    y = F.conj(node.inputs[1])
    gx = F.divide_no_nan(g, y)
    return gx, -gx * F.conj(node.outputs[0])


_DIV_NO_NAN = elementwise(
    "DivNoNan", body=lambda b, x, y: or_zero(b, y != 0, x / y), gradient=_divide_no_nan_gradient, allowed=INEXACT
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
    body=lambda b, x, y: or_zero(b, y != 0, x * y),
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
    )
)


def add_n(inputs: Any, name: str | None = None) -> Any:
    """The sum of a list of tensors of one shape and dtype (no broadcasting).

    Raises `ValueError` for an empty list or shapes that differ.

    >>> tf.math.add_n([[1, 2], [3, 4], [5, 6]]).numpy()
    array([ 9, 12], dtype=int32)

    TensorFlow: tf.math.add_n.
    """
    if not isinstance(inputs, Iterable):
        raise TypeError(f"inputs must be a list of tensors, received {inputs!r}.")
    inputs = list(inputs)
    if not inputs:
        raise ValueError(
            "inputs must be an iterable of at least one Tensor/IndexedSlices with the same dtype and shape."
        )
    first = next((x for x in inputs if isinstance(x, Tensor)), None)
    tensors = tuple([convert(x) if first is None else operand(x, first) for x in inputs])
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


@unary("Neg", np.negative, body=lambda b, x: -x, gradient=lambda n, g: -g, allowed=SIGNED_NUMBERS)
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
    np.float64(5.0)

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


@unary("Sign", _sign, body=lambda b, x: b.sign(x), gradient=_sign_gradient, allowed=SIGNED_NUMBERS)
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
    "NextAfter",
    np.nextafter,
    body=lambda b, x, y: b.nextafter(x, y),
    gradient=lambda n, g: (g, None),
    allowed=FLOATING[2:],
)
def nextafter(x1: Any, x2: Any, name: str | None = None) -> Any:
    """The next number that x1's type can hold in the direction of x2.

    >>> tf.math.nextafter([1.0], [2.0]).numpy()
    array([1.0000001], dtype=float32)

    TensorFlow: tf.math.nextafter.
    """
