"""`tf.compat.v1.train`: what a training needs, from tables of its own, then what `tf.train` has. A table of names."""

from __future__ import annotations

from typing import Any

import duoflow
from duoflow.formats.messages import (
    BytesList,
    Example,
    Feature,
    FeatureList,
    FeatureLists,
    Features,
    FloatList,
    Int64List,
    SequenceExample,
)

from . import averages, coordinator, hooks, input, meta_graph, monitored, optimizers, replicas, saver, training
from . import coordinator as queue_runner
from .python_io import summary_iterator

__all__ = [
    "BytesList", "Example", "Feature", "FeatureList", "FeatureLists", "Features", "FloatList", "Int64List",
    "SequenceExample", "piecewise_constant_decay", "queue_runner", "summary_iterator",
]  # fmt: skip

piecewise_constant_decay = training.piecewise_constant

_TABLES = (optimizers, replicas, training, saver, meta_graph, averages, coordinator, input, hooks, monitored)


def __getattr__(name: str) -> Any:
    for table in _TABLES:
        if name in table.__all__:
            return getattr(table, name)
    found = getattr(duoflow, "train", None)
    if found is None or not hasattr(found, name):
        raise AttributeError(f"module 'tensorflow.compat.v1.train' has no attribute {name!r}")
    return getattr(found, name)


def __dir__() -> list[str]:
    return sorted({*__all__, *(name for table in _TABLES for name in table.__all__)})
