"""Optimizers: keras.optimizers."""

from __future__ import annotations

from typing import Any

from ..lookup import Lookup
from . import legacy, schedules
from .adafactor import Adafactor
from .adam import Adam, Adamax, AdamW, Lamb, Nadam
from .adaptive import Adadelta, Adagrad, Ftrl, Lion, RMSprop
from .loss_scale import LossScaleOptimizer
from .multi import MultiOptimizer, OptimizerMap
from .muon import Muon
from .optimizer import Optimizer
from .schedule_free import ScheduleFreeAdamW
from .sgd import SGD

__all__ = [
    "SGD", "Adadelta", "Adafactor", "Adagrad", "Adam", "AdamW", "Adamax", "Ftrl", "Lamb", "Lion", "LossScaleOptimizer",
    "MultiOptimizer", "Muon", "Nadam", "Optimizer", "OptimizerMap", "RMSprop", "ScheduleFreeAdamW", "deserialize",
    "get", "legacy", "schedules", "serialize",
]  # fmt: skip

_CLASSES: list[Any] = [
    SGD,
    RMSprop,
    Adam,
    AdamW,
    Adadelta,
    Adagrad,
    Adamax,
    Nadam,
    Ftrl,
    Lion,
    Lamb,
    Adafactor,
    Muon,
    ScheduleFreeAdamW,
    MultiOptimizer,
    LossScaleOptimizer,
]
_LOOKUP = Lookup("optimizer", _CLASSES, {cls.__name__.lower(): cls for cls in _CLASSES})


def serialize(optimizer: Optimizer) -> Any:
    """An optimizer as a JSON-serialisable dict. Keras: keras.optimizers.serialize."""
    return _LOOKUP.serialize(optimizer)


def deserialize(config: Any, custom_objects: Any = None) -> Any:
    """An optimizer from what `serialize` gave. Keras: keras.optimizers.deserialize."""
    return _LOOKUP.deserialize(config, custom_objects)


def get(identifier: Any) -> Any:
    """An optimizer from a name, a config, itself or None; `ValueError` for anything else. Keras: keras.optimizers.get.

    >>> tf.keras.optimizers.get("adam").name.startswith("adam")
    True
    """
    if identifier is None or isinstance(identifier, Optimizer):
        return identifier
    if isinstance(identifier, str):
        found = _LOOKUP.find(identifier) or _LOOKUP.find(identifier.lower())
        if found is not None:
            return found()
    if isinstance(identifier, dict):
        return _LOOKUP.deserialize(identifier)
    raise ValueError(f"Could not interpret optimizer identifier: {identifier}")
