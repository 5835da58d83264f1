"""Regularizers: penalties on weights or outputs that are added to the loss."""

from __future__ import annotations

import math
from typing import Any

from duoflow import ops as tf
from duoflow.core.tensor import convert

from . import ops
from .lookup import Lookup

__all__ = [
    "L1", "L1L2", "L2", "OrthogonalRegularizer", "Regularizer", "deserialize", "get", "l1", "l1_l2", "l2",
    "orthogonal_regularizer", "serialize",
]  # fmt: skip


class Regularizer:
    """Base of regularizers: `regularizer(x)` gives a scalar. Keras: keras.Regularizer."""

    def __call__(self, x: Any) -> Any:
        """The penalty on a tensor."""
        return 0.0

    def get_config(self) -> dict[str, Any]:
        """The arguments that make an equal regularizer."""
        raise NotImplementedError(f"{self} does not implement get_config()")

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Any:
        """A regularizer from its config."""
        return cls(**config)


def _factor(value: Any, name: str) -> float:
    if not isinstance(value, float | int) or not math.isfinite(value) or value < 0:
        raise ValueError(f"Invalid value for argument {name}: expected a non-negative float. Received: {name}={value}")
    return float(value)


class L1L2(Regularizer):
    """l1 * sum(abs(x)) + l2 * sum(x²).

    >>> tf.keras.regularizers.L1L2(l1=0.1, l2=0.01)(tf.constant([1.0, -2.0])).numpy().item()
    0.35

    Keras: keras.regularizers.L1L2.
    """

    def __init__(self, l1: float = 0.0, l2: float = 0.0) -> None:
        self.l1 = _factor(0.0 if l1 is None else l1, "l1")
        self.l2 = _factor(0.0 if l2 is None else l2, "l2")

    def __call__(self, x: Any) -> Any:
        x = convert(x)
        penalty = tf.zeros((), x.dtype)
        if self.l1:
            penalty += self.l1 * tf.reduce_sum(tf.abs(x))
        if self.l2:
            penalty += self.l2 * tf.reduce_sum(tf.square(x))
        return penalty

    def get_config(self) -> dict[str, Any]:
        return {"l1": self.l1, "l2": self.l2}


class L1(Regularizer):
    """l1 * sum(abs(x)). Keras: keras.regularizers.L1."""

    def __init__(self, l1: float = 0.01) -> None:
        self.l1 = _factor(0.01 if l1 is None else l1, "l1")

    def __call__(self, x: Any) -> Any:
        return self.l1 * tf.reduce_sum(tf.abs(x))

    def get_config(self) -> dict[str, Any]:
        return {"l1": self.l1}


class L2(Regularizer):
    """l2 * sum(x²).

    >>> tf.keras.regularizers.L2(0.5)(tf.constant([1.0, 2.0])).numpy().item()
    2.5

    Keras: keras.regularizers.L2.
    """

    def __init__(self, l2: float = 0.01) -> None:
        self.l2 = _factor(0.01 if l2 is None else l2, "l2")

    def __call__(self, x: Any) -> Any:
        return self.l2 * tf.reduce_sum(tf.square(x))

    def get_config(self) -> dict[str, Any]:
        return {"l2": self.l2}


class OrthogonalRegularizer(Regularizer):
    """factor * the mean dot product of different normalized rows, or columns.

    Keras: keras.regularizers.OrthogonalRegularizer.
    """

    def __init__(self, factor: float = 0.01, mode: str = "rows") -> None:
        self.factor = _factor(factor, "factor")
        if mode not in ("rows", "columns"):
            raise ValueError(
                f'Invalid value for argument `mode`. Expected one of {{"rows", "columns"}}. Received: mode={mode}'
            )
        self.mode = mode

    def __call__(self, x: Any) -> Any:
        x = convert(x)
        if x.ndim != 2:
            raise ValueError(
                f"Inputs to OrthogonalRegularizer must have rank 2. Received: inputs.shape={tuple(x.shape)}"
            )
        axis = 1 if self.mode == "rows" else 0
        unit = ops.normalize(x, axis=axis)
        products = tf.matmul(unit, unit, transpose_a=axis == 0, transpose_b=axis == 1)
        size = x.shape[1 - axis]
        off_diagonal = products * (1.0 - tf.eye(size, dtype=x.dtype))
        return self.factor * 0.5 * tf.reduce_sum(tf.abs(off_diagonal)) / max(size * (size - 1.0) / 2.0, 1.0)

    def get_config(self) -> dict[str, Any]:
        return {"factor": self.factor, "mode": self.mode}


l1, l2, l1_l2, orthogonal_regularizer = L1, L2, L1L2, OrthogonalRegularizer
_lookup = Lookup("regularizer", [L1, L2, L1L2, OrthogonalRegularizer], {"l1_l2": L1L2})
get, deserialize = _lookup.get, _lookup.deserialize


def serialize(regularizer: Any) -> Any:
    """A regularizer as plain data. Keras: keras.regularizers.serialize."""
    return _lookup.serialize(regularizer)
