"""Bitwise operations on integers."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from duoflow.core import dtypes
from duoflow.core.scalar import value_dtype

from .families import INTEGERS, binary, unary

__all__ = [
    "bitwise_and", "bitwise_invert", "bitwise_or", "bitwise_xor", "left_shift", "population_count", "right_shift",
]  # fmt: skip


@binary("BitwiseAnd", np.bitwise_and, body=lambda b, x, y: x & y, allowed=INTEGERS)
def bitwise_and(x: Any, y: Any, name: str | None = None) -> Any:
    """The bits set in both x and y.

    >>> tf.bitwise.bitwise_and([0, 5, 3, 14], [5, 0, 7, 11]).numpy()
    array([ 0,  0,  3, 10], dtype=int32)

    TensorFlow: tf.bitwise.bitwise_and.
    """


@binary("BitwiseOr", np.bitwise_or, body=lambda b, x, y: x | y, allowed=INTEGERS)
def bitwise_or(x: Any, y: Any, name: str | None = None) -> Any:
    """The bits set in x or y.

    >>> tf.bitwise.bitwise_or([0, 5, 3, 14], [5, 0, 7, 11]).numpy()
    array([ 5,  5,  7, 15], dtype=int32)

    TensorFlow: tf.bitwise.bitwise_or.
    """


@binary("BitwiseXor", np.bitwise_xor, body=lambda b, x, y: x ^ y, allowed=INTEGERS)
def bitwise_xor(x: Any, y: Any, name: str | None = None) -> Any:
    """The bits set in exactly one of x and y.

    >>> tf.bitwise.bitwise_xor([0, 5, 3, 14], [5, 0, 7, 11]).numpy()
    array([5, 5, 4, 5], dtype=int32)

    TensorFlow: tf.bitwise.bitwise_xor.
    """


@unary("Invert", np.invert, body=lambda b, x: ~x, allowed=INTEGERS)
def bitwise_invert(x: Any, name: str | None = None) -> Any:
    """Every bit of x flipped.

    >>> tf.bitwise.invert([0, 5]).numpy()
    array([-1, -6], dtype=int32)

    TensorFlow: tf.bitwise.invert.
    """


def _clamped(shift: Callable[[Any, Any], Any]) -> Callable[..., Any]:
    """A shift whose count is first moved into [0, bits - 1], as TensorFlow's kernels do."""

    def body(b: Any, x: Any, y: Any) -> Any:
        dtype = value_dtype(x)
        return shift(x, b.minimum(b.maximum(y, b.const(0, dtype)), b.const(8 * dtype.size - 1, dtype)))

    return body


@binary("LeftShift", body=_clamped(lambda x, y: x << y), allowed=INTEGERS)
def left_shift(x: Any, y: Any, name: str | None = None) -> Any:
    """x shifted left by y bits; the count is clamped to what the dtype has.

    >>> tf.bitwise.left_shift([-1, 1], [2, 3]).numpy()
    array([-4,  8], dtype=int32)

    TensorFlow: tf.bitwise.left_shift.
    """


@binary("RightShift", body=_clamped(lambda x, y: x >> y), allowed=INTEGERS)
def right_shift(x: Any, y: Any, name: str | None = None) -> Any:
    """x shifted right by y bits, keeping the sign; the count is clamped to what the dtype has.

    >>> tf.bitwise.right_shift([-8, 8], [1, 2]).numpy()
    array([-4,  2], dtype=int32)

    TensorFlow: tf.bitwise.right_shift.
    """


def _population_count(x: Any) -> Any:
    return np.bitwise_count(x.view(f"u{x.itemsize}"))


def _population_count_body(b: Any, x: Any) -> Any:
    unsigned = {1: dtypes.uint8, 2: dtypes.uint16, 4: dtypes.uint32, 8: dtypes.uint64}[value_dtype(x).size]
    return b.cast(b.popcount(b.bitcast(x, unsigned)), dtypes.uint8)


@unary("PopulationCount", _population_count, body=_population_count_body, allowed=INTEGERS, out=dtypes.uint8)
def population_count(x: Any, name: str | None = None) -> Any:
    """How many bits of each element are set. TensorFlow: tf.raw_ops.PopulationCount."""
