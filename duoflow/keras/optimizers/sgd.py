"""Gradient descent with momentum."""

from __future__ import annotations

from typing import Any

from duoflow import ops as tf
from duoflow.core.tensor import convert

from .optimizer import Optimizer

__all__ = ["SGD"]


class SGD(Optimizer):
    """`variable -= learning_rate * gradient`, with optional (Nesterov) momentum.

    Keras: keras.optimizers.SGD.
    """

    _HYPERPARAMETERS = ("momentum", "nesterov")

    def __init__(self, learning_rate: Any = 0.01, momentum: float = 0.0, nesterov: bool = False, name: str | None = None, **kwargs: Any) -> None:
        if not isinstance(momentum, float) or momentum < 0 or momentum > 1:
            raise ValueError("`momentum` must be a float between [0, 1].")
        self.momentum, self.nesterov = momentum, nesterov
        super().__init__(learning_rate=learning_rate, name=name, **kwargs)

    def build(self, variables: Any) -> None:
        """Make the momentum slots, if there is momentum."""
        if self.built:
            return
        super().build(variables)
        self.momentums = self.add_optimizer_variables(variables, "momentum") if self.momentum != 0 else []

    def update_step(self, gradient: Any, variable: Any, learning_rate: Any) -> None:
        """Update one variable."""
        dtype = convert(variable).dtype
        step = tf.cast(gradient, dtype) * tf.cast(learning_rate, dtype)
        if not self.momentums:
            variable.assign_sub(step)
            return
        slot = self.momentums[self._get_variable_index(variable)]
        slot.assign(convert(slot) * self.momentum - step)
        variable.assign_add(convert(slot) * self.momentum - step if self.nesterov else convert(slot))
