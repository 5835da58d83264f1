"""keras.optimizers.legacy: the names of Keras 2's optimizers, which Keras 3 no longer has."""

from __future__ import annotations

from typing import Any

__all__ = ["SGD", "Adagrad", "Adam", "Ftrl", "Optimizer", "RMSprop"]


class LegacyOptimizer:
    """Refuses to be made. Keras: keras.optimizers.legacy.Optimizer."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        raise ImportError(
            "`keras.optimizers.legacy` is not supported in Keras 3. Use the optimizer of the same name in "
            "`keras.optimizers`: it takes `learning_rate` for `lr`, and a schedule for `decay`."
        )


Adagrad = Adam = Ftrl = Optimizer = RMSprop = SGD = LegacyOptimizer
