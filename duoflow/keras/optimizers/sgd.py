"""Gradient descent with momentum."""

from __future__ import annotations

from typing import Any

from duoflow.core.tensor import convert

from .optimizer import Optimizer

__all__ = ["SGD"]


class SGD(Optimizer):
    """`variable -= learning_rate * gradient`, with optional (Nesterov) momentum.

    Keras: keras.optimizers.SGD.
    """

    _HYPERPARAMETERS = ("momentum", "nesterov")

    def __init__(
        self, learning_rate: Any = 0.01, momentum: float = 0.0, nesterov: bool = False,
        weight_decay: float | None = None, clipnorm: float | None = None, clipvalue: float | None = None,
        global_clipnorm: float | None = None, use_ema: bool = False, ema_momentum: float = 0.99,
        ema_overwrite_frequency: int | None = None, loss_scale_factor: float | None = None,
        gradient_accumulation_steps: int | None = None, name: str | None = None, **kwargs: Any,
    ) -> None:  # fmt: skip
        if not isinstance(momentum, float) or momentum < 0 or momentum > 1:
            raise ValueError("`momentum` must be a float between [0, 1].")
        super().__init__(
            learning_rate, weight_decay, clipnorm, clipvalue, global_clipnorm, use_ema, ema_momentum,
            ema_overwrite_frequency, loss_scale_factor, gradient_accumulation_steps, name, **kwargs,
        )  # fmt: skip
        self.momentum, self.nesterov = momentum, nesterov

    def _make_slots(self, variables: Any) -> None:
        self.momentums = self.add_optimizer_variables(variables, "momentum") if self.momentum != 0 else []

    def update_step(self, gradient: Any, variable: Any, learning_rate: Any) -> None:
        """Update one variable."""
        gradient, rate, index = self._operands(gradient, variable, learning_rate)
        step = gradient * rate
        if not self.momentums:
            variable.assign_sub(step)
            return
        slot = self.momentums[index]
        slot.assign(convert(slot) * self.momentum - step)
        variable.assign_add(convert(slot) * self.momentum - step if self.nesterov else convert(slot))
