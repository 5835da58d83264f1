"""Random generators of datasets, under the rules of `tf.random.set_seed`."""

from __future__ import annotations

from typing import Any

import numpy as np

from duoflow.core.context import eager_only
from duoflow.core.tensor import convert
from duoflow.ops.random import get_seed

__all__ = ["generator"]


def generator(seed: Any) -> np.random.Generator:
    """A generator fixed by the global and the given seed; from fresh entropy when neither is set."""
    with eager_only():
        own = None if seed is None else int(convert(seed))
    parts = get_seed(own)
    numbers = [abs(int(p)) for p in parts if p is not None]
    return np.random.default_rng(numbers or None)
