"""`tf.compat.v1.train`: optimizers, learning rates, the global step and savers, then what `tf.train` has."""

from __future__ import annotations

from typing import Any

import duoflow

from . import optimizers, training

piecewise_constant_decay = training.piecewise_constant


def __getattr__(name: str) -> Any:
    for part in (optimizers, training):
        if name in part.__all__:
            return getattr(part, name)
    return getattr(duoflow.train, name)


def __dir__() -> list[str]:
    return sorted([*globals(), *optimizers.__all__, *training.__all__])
