"""One seed for everything random."""

from __future__ import annotations

import random

import numpy as np

from duoflow.ops.random import set_global_seed

from ..state import session

__all__ = ["set_random_seed"]


def set_random_seed(seed: int) -> None:
    """Seed Python's, NumPy's and duoflow's random numbers.

    Keras: keras.utils.set_random_seed. Raises `ValueError` unless `seed` is an int.
    """
    if not isinstance(seed, int):
        raise ValueError(f"Expected `seed` argument to be an integer. Received: seed={seed} (of type {type(seed)})")
    random.seed(seed)
    np.random.seed(seed)
    set_global_seed(seed)
    session.seeds = None
