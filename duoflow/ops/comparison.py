"""Comparisons, tests of floating-point values, and logic."""

from __future__ import annotations

import operator
from collections.abc import Callable
from typing import Any

import numpy as np

from duoflow.core import dtypes, shapes
from duoflow.core.late import F
from duoflow.core.tensor import Operators, convert

from .families import ANY, BOOL, FLOATING, REAL, binary, unary

__all__ = [
    "and_operator", "equal", "equal_operator", "greater", "greater_equal", "invert_operator", "is_finite", "is_inf",
    "is_nan", "is_non_decreasing", "is_strictly_increasing", "less", "less_equal", "logical_and", "logical_not",
    "logical_or", "logical_xor", "not_equal", "not_equal_operator", "or_operator", "xor_operator",
]  # fmt: skip


@binary("Less", np.less, body=lambda b, x, y: x < y, allowed=REAL, out=dtypes.bool_)
def less(x: Any, y: Any, name: str | None = None) -> Any:
    """x < y, elementwise with broadcasting.

    >>> tf.math.less([1, 2, 3], 2).numpy()
    array([ True, False, False])

    TensorFlow: tf.math.less.
    """


@binary("LessEqual", np.less_equal, body=lambda b, x, y: x <= y, allowed=REAL, out=dtypes.bool_)
def less_equal(x: Any, y: Any, name: str | None = None) -> Any:
    """x <= y, elementwise with broadcasting.

    >>> tf.math.less_equal([1, 2, 3], 2).numpy()
    array([ True,  True, False])

    TensorFlow: tf.math.less_equal.
    """


@binary("Greater", np.greater, body=lambda b, x, y: x > y, allowed=REAL, out=dtypes.bool_)
def greater(x: Any, y: Any, name: str | None = None) -> Any:
    """x > y, elementwise with broadcasting.

    >>> tf.math.greater([1, 2, 3], 2).numpy()
    array([False, False,  True])

    TensorFlow: tf.math.greater.
    """


@binary("GreaterEqual", np.greater_equal, body=lambda b, x, y: x >= y, allowed=REAL, out=dtypes.bool_)
def greater_equal(x: Any, y: Any, name: str | None = None) -> Any:
    """x >= y, elementwise with broadcasting.

    >>> tf.math.greater_equal([1, 2, 3], 2).numpy()
    array([False,  True,  True])

    TensorFlow: tf.math.greater_equal.
    """


@binary("Equal", np.equal, body=lambda b, x, y: x == y, allowed=ANY, out=dtypes.bool_)
def equal(x: Any, y: Any, name: str | None = None) -> Any:
    """x == y, elementwise with broadcasting. NaN equals nothing.

    >>> tf.math.equal(["a", "b"], "a").numpy()
    array([ True, False])

    TensorFlow: tf.math.equal.
    """


@binary("NotEqual", np.not_equal, body=lambda b, x, y: x != y, allowed=ANY, out=dtypes.bool_)
def not_equal(x: Any, y: Any, name: str | None = None) -> Any:
    """x != y, elementwise with broadcasting.

    >>> tf.math.not_equal([1, 2], 1).numpy()
    array([False,  True])

    TensorFlow: tf.math.not_equal.
    """


def _broadcastable(x: Any, y: Any) -> bool:
    try:
        shapes.broadcast(x.dims, y.dims)
    except ValueError:
        return False
    return True


def equal_operator(x: Any, y: Any) -> Any:
    """`x == y` of tensors: False for None and, as a scalar, for shapes that do not broadcast."""
    if y is None or x is None:
        return False
    x, y = _operands(x, y)
    return equal(x, y) if _broadcastable(x, y) else convert(False)


def not_equal_operator(x: Any, y: Any) -> Any:
    """`x != y` of tensors: True for None and, as a scalar, for shapes that do not broadcast."""
    if y is None or x is None:
        return True
    x, y = _operands(x, y)
    return not_equal(x, y) if _broadcastable(x, y) else convert(True)


def _operands(x: Any, y: Any) -> tuple[Any, Any]:
    if isinstance(x, Operators):
        x = convert(x)
        return x, convert(y) if isinstance(y, Operators) else convert(y, dtype=x.dtype)
    y = convert(y)
    return convert(x, dtype=y.dtype), y


# -- tests of floating-point values ------------------------------------------------------------------------------------


@unary("IsNan", np.isnan, body=lambda b, x: b.isnan(x), allowed=FLOATING, out=dtypes.bool_)
def is_nan(x: Any, name: str | None = None) -> Any:
    """Whether each element is NaN.

    >>> tf.math.is_nan([1.0, np.nan]).numpy()
    array([False,  True])

    TensorFlow: tf.math.is_nan.
    """


@unary("IsInf", np.isinf, body=lambda b, x: b.isinf(x), allowed=FLOATING, out=dtypes.bool_)
def is_inf(x: Any, name: str | None = None) -> Any:
    """Whether each element is infinite.

    >>> tf.math.is_inf([1.0, -np.inf]).numpy()
    array([False,  True])

    TensorFlow: tf.math.is_inf.
    """


@unary("IsFinite", np.isfinite, body=lambda b, x: b.isfinite(x), allowed=FLOATING, out=dtypes.bool_)
def is_finite(x: Any, name: str | None = None) -> Any:
    """Whether each element is neither infinite nor NaN.

    >>> tf.math.is_finite([1.0, np.inf, np.nan]).numpy()
    array([ True, False, False])

    TensorFlow: tf.math.is_finite.
    """


# -- logic -------------------------------------------------------------------------------------------------------------


@binary("LogicalAnd", np.logical_and, body=lambda b, x, y: x & y, allowed=BOOL)
def logical_and(x: Any, y: Any, name: str | None = None) -> Any:
    """x and y of bool tensors, elementwise with broadcasting.

    >>> tf.math.logical_and([True, False], True).numpy()
    array([ True, False])

    TensorFlow: tf.math.logical_and.
    """


@binary("LogicalOr", np.logical_or, body=lambda b, x, y: x | y, allowed=BOOL)
def logical_or(x: Any, y: Any, name: str | None = None) -> Any:
    """x or y of bool tensors, elementwise with broadcasting.

    >>> tf.math.logical_or([True, False], False).numpy()
    array([ True, False])

    TensorFlow: tf.math.logical_or.
    """


@unary("LogicalNot", np.logical_not, body=lambda b, x: ~x, allowed=BOOL)
def logical_not(x: Any, name: str | None = None) -> Any:
    """not x of a bool tensor, elementwise.

    >>> tf.math.logical_not([True, False]).numpy()
    array([False,  True])

    TensorFlow: tf.math.logical_not.
    """


def logical_xor(x: Any, y: Any, name: str | None = "LogicalXor") -> Any:
    """Either x or y but not both, of bool tensors.

    >>> tf.math.logical_xor([True, False], True).numpy()
    array([False,  True])

    TensorFlow: tf.math.logical_xor.
    """
    return logical_and(logical_or(x, y), logical_not(logical_and(x, y)), name=name)


def _by_dtype(logical: Callable[..., Any], bitwise: str) -> Callable[..., Any]:
    """An operator that is logical between bools and bitwise between integers."""

    def apply(x: Any, y: Any, name: str | None = None) -> Any:
        tensor: Any = x if isinstance(x, Operators) else y
        return logical(x, y, name=name) if tensor.dtype.is_bool else getattr(F, bitwise)(x, y, name=name)

    return apply


and_operator = _by_dtype(logical_and, "bitwise_and")
or_operator = _by_dtype(logical_or, "bitwise_or")
xor_operator = _by_dtype(logical_xor, "bitwise_xor")


def invert_operator(x: Any) -> Any:
    """`~x`: logical of bools, bitwise of integers."""
    x = convert(x)
    return logical_not(x) if x.dtype.is_bool else F.bitwise_invert(x)


# -- order of a whole tensor -------------------------------------------------------------------------------------------


def _is_ordered(x: Any, compare: Callable[..., Any], name: str) -> Any:
    with F.name_scope(name):
        flat = F.reshape(convert(x), [-1])
        if not flat.dtype.is_floating and not flat.dtype.is_integer:
            raise TypeError(f"Expected x to be numeric, instead found: {x}")
        return F.reduce_all(compare(flat[:-1], flat[1:]))


def is_non_decreasing(x: Any, name: str | None = None) -> Any:
    """Whether no element of x, taken in row-major order, is smaller than the one before it.

    >>> tf.math.is_non_decreasing([1.0, 1.0, 2.0]).numpy()
    np.True_

    TensorFlow: tf.math.is_non_decreasing.
    """
    return _is_ordered(x, operator.le, name or "is_non_decreasing")


def is_strictly_increasing(x: Any, name: str | None = None) -> Any:
    """Whether every element of x, taken in row-major order, is larger than the one before it.

    >>> tf.math.is_strictly_increasing([1.0, 1.0, 2.0]).numpy()
    np.False_

    TensorFlow: tf.math.is_strictly_increasing.
    """
    return _is_ordered(x, operator.lt, name or "is_strictly_increasing")
