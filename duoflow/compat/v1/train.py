"""`tf.compat.v1.train`: optimizers, learning rates, the global step and savers, then what `tf.train` has."""

from __future__ import annotations

from typing import Any

import duoflow

from . import coordinator, hooks, input, meta_graph, monitored, optimizers, saver, training

piecewise_constant_decay = training.piecewise_constant

_TABLES = (optimizers, training, saver, meta_graph, coordinator, input, hooks, monitored)


def __getattr__(name: str) -> Any:
    for table in _TABLES:
        if name in table.__all__:
            return getattr(table, name)
    return getattr(duoflow.train, name)


def __dir__() -> list[str]:
    return sorted({*globals(), *(name for table in _TABLES for name in table.__all__)})
