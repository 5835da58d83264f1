"""Elementwise mathematics: arithmetic, powers, exponentials, trigonometry, rounding, special functions."""

from __future__ import annotations

from typing import Any

import numpy as np

from duoflow.core.late import F

from .families import INEXACT, NUMERIC, binary, unary

__all__ = ["add", "exp", "multiply", "negative", "subtract"]


@binary("AddV2", np.add, body=lambda b, x, y: x + y, gradient=lambda n, g: (g, g), allowed=NUMERIC)
def add(x: Any, y: Any, name: str | None = None) -> Any:
    """x + y, elementwise with broadcasting.

    Args:
      x, y: tensors of one numeric (or string) dtype and broadcastable shapes.

    >>> tf.add([1, 2], 3)
    <tf.Tensor: shape=(2,), dtype=int32, numpy=array([4, 5], dtype=int32)>

    TensorFlow: tf.math.add.
    """


@binary("Sub", np.subtract, body=lambda b, x, y: x - y, gradient=lambda n, g: (g, F.negative(g)))
def subtract(x: Any, y: Any, name: str | None = None) -> Any:
    """x - y, elementwise with broadcasting. TensorFlow: tf.math.subtract."""


@binary(
    "Mul",
    np.multiply,
    body=lambda b, x, y: x * y,
    gradient=lambda n, g: (g * F.conj(n.inputs[1]), g * F.conj(n.inputs[0])),
)
def multiply(x: Any, y: Any, name: str | None = None) -> Any:
    """x * y, elementwise with broadcasting. TensorFlow: tf.math.multiply."""


@unary("Neg", np.negative, body=lambda b, x: -x, gradient=lambda n, g: -g, allowed=NUMERIC)
def negative(x: Any, name: str | None = None) -> Any:
    """-x, elementwise. TensorFlow: tf.math.negative."""


@unary("Exp", np.exp, body=lambda b, x: b.exp(x), gradient=lambda n, g: g * F.conj(n.outputs[0]), allowed=INEXACT)
def exp(x: Any, name: str | None = None) -> Any:
    """e to the power of x, elementwise. TensorFlow: tf.math.exp."""
