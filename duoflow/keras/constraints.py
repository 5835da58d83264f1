"""Constraints: projections of weights that optimizers apply after each step."""

from __future__ import annotations

from typing import Any

from duoflow import ops as tf
from duoflow.core.tensor import convert

from .lookup import Lookup
from .preferences import epsilon

__all__ = [
    "Constraint", "MaxNorm", "MinMaxNorm", "NonNeg", "UnitNorm", "deserialize", "get", "max_norm", "min_max_norm",
    "non_neg", "serialize", "unit_norm",
]  # fmt: skip


class Constraint:
    """Base of constraints: `constraint(w)` gives the weights that are allowed. Keras: keras.constraints.Constraint."""

    def __call__(self, w: Any) -> Any:
        """The allowed weights nearest to `w`."""
        return w

    def get_config(self) -> dict[str, Any]:
        """The arguments that make an equal constraint."""
        return {}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Any:
        """A constraint from its config."""
        return cls(**config)


def _norms(w: Any, axis: Any) -> Any:
    return tf.sqrt(tf.reduce_sum(tf.square(w), axis=axis, keepdims=True))


class MaxNorm(Constraint):
    """Norms along `axis` of at most `max_value`.

    >>> tf.keras.constraints.MaxNorm(1.0)(tf.constant([[3.0], [4.0]])).numpy()
    array([[0.6], [0.8]], dtype=float32)

    Keras: keras.constraints.MaxNorm.
    """

    def __init__(self, max_value: float = 2, axis: Any = 0) -> None:
        self.max_value, self.axis = max_value, axis

    def __call__(self, w: Any) -> Any:
        w = convert(w)
        norms = _norms(w, self.axis)
        return w * (tf.clip_by_value(norms, 0.0, float(self.max_value)) / (epsilon() + norms))

    def get_config(self) -> dict[str, Any]:
        return {"max_value": self.max_value, "axis": self.axis}


class NonNeg(Constraint):
    """No weights below zero. Keras: keras.constraints.NonNeg."""

    def __call__(self, w: Any) -> Any:
        w = convert(w)
        return w * tf.cast(w >= 0.0, w.dtype)


class UnitNorm(Constraint):
    """Norms along `axis` of one. Keras: keras.constraints.UnitNorm."""

    def __init__(self, axis: Any = 0) -> None:
        self.axis = axis

    def __call__(self, w: Any) -> Any:
        w = convert(w)
        return w / (epsilon() + _norms(w, self.axis))

    def get_config(self) -> dict[str, Any]:
        return {"axis": self.axis}


class MinMaxNorm(Constraint):
    """Norms along `axis` drawn into [min_value, max_value], all the way for a `rate` of one.

    Keras: keras.constraints.MinMaxNorm.
    """

    def __init__(self, min_value: float = 0.0, max_value: float = 1.0, rate: float = 1.0, axis: Any = 0) -> None:
        self.min_value, self.max_value, self.rate, self.axis = min_value, max_value, rate, axis

    def __call__(self, w: Any) -> Any:
        w = convert(w)
        norms = _norms(w, self.axis)
        within = tf.clip_by_value(norms, float(self.min_value), float(self.max_value))
        return w * ((self.rate * within + (1 - self.rate) * norms) / (epsilon() + norms))

    def get_config(self) -> dict[str, Any]:
        return {"min_value": self.min_value, "max_value": self.max_value, "rate": self.rate, "axis": self.axis}


max_norm, min_max_norm, non_neg, unit_norm = MaxNorm, MinMaxNorm, NonNeg, UnitNorm
_lookup = Lookup("constraint", [MaxNorm, MinMaxNorm, NonNeg, UnitNorm])
get, deserialize = _lookup.get, _lookup.deserialize


def serialize(constraint: Any) -> Any:
    """A constraint as plain data. Keras: keras.constraints.serialize."""
    return _lookup.serialize(constraint)
