"""Weights that users configure.

The initializer, regularizer and constraint of each, kept as `kernel_initializer`, ...
"""

from __future__ import annotations

from typing import Any

from .. import constraints, initializers, regularizers
from ..variables import Variable
from .layer import Layer

__all__ = ["add_configured", "configure", "weight_config"]

_KINDS = {"initializer": initializers, "regularizer": regularizers, "constraint": constraints}


def configure(layer: Layer, weight: str, initializer: Any, regularizer: Any = None, constraint: Any = None) -> None:
    """Keep how a weight is made, penalized and constrained."""
    for (kind, module), value in zip(_KINDS.items(), (initializer, regularizer, constraint), strict=True):
        setattr(layer, f"{weight}_{kind}", module.get(value))


def add_configured(layer: Layer, weight: str, shape: Any, name: str | None = None, **kwargs: Any) -> Variable:
    """Make a weight as it was configured; `name` is its last part of the path, where it differs."""
    made, penalty, allowed = (getattr(layer, f"{weight}_{kind}", None) for kind in _KINDS)
    return layer.add_weight(shape, made, regularizer=penalty, constraint=allowed, name=name or weight, **kwargs)


def weight_config(layer: Layer, *weights: str) -> dict[str, Any]:
    """The settings of weights as config entries."""
    return {
        f"{weight}_{kind}": module.serialize(getattr(layer, f"{weight}_{kind}"))
        for kind, module in _KINDS.items()
        for weight in weights
    }
