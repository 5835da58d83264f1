"""ScheduleFreeAdamW: averages of the iterates in the place of a falling learning rate."""

from __future__ import annotations

from typing import Any

from duoflow import ops as tf
from duoflow.core.context import init_scope
from duoflow.core.tensor import convert

from .optimizer import Optimizer, elementwise

__all__ = ["ScheduleFreeAdamW"]


class ScheduleFreeAdamW(Optimizer):
    """Adam's steps on one sequence, gradients taken between it and its running mean.

    Args:
      beta_1: how near to the mean gradients are taken. beta_2, epsilon: as in Adam.
      warmup_steps: over how many steps the learning rate rises.

    Defazio et al. 2024. Keras: keras.optimizers.ScheduleFreeAdamW.
    """

    _HYPERPARAMETERS = ("beta_1", "beta_2", "epsilon", "warmup_steps")

    def __init__(
        self, learning_rate: Any = 0.0025, beta_1: float = 0.9, beta_2: float = 0.999, epsilon: float = 1e-8,
        warmup_steps: int = 0, weight_decay: float | None = None, clipnorm: float | None = None,
        clipvalue: float | None = None, global_clipnorm: float | None = None, use_ema: bool = False,
        ema_momentum: float = 0.99, ema_overwrite_frequency: int | None = None, loss_scale_factor: float | None = None,
        gradient_accumulation_steps: int | None = None, name: str | None = None, **kwargs: Any,
    ) -> None:  # fmt: skip
        super().__init__(
            learning_rate, weight_decay, clipnorm, clipvalue, global_clipnorm, use_ema, ema_momentum,
            ema_overwrite_frequency, loss_scale_factor, gradient_accumulation_steps, name, **kwargs,
        )  # fmt: skip
        self.beta_1, self.beta_2, self.epsilon, self.warmup_steps = beta_1, beta_2, epsilon, warmup_steps

    def build(self, variables: Any) -> None:
        """Make the slots; the sequence of steps starts at the variables."""
        if self.built:
            return
        super().build(variables)
        self._momentums, self._velocities = self.add_optimizer_variables(variables, ["momentum", "velocity"])
        with init_scope():
            for momentum, variable in zip(self._momentums, variables, strict=True):
                momentum.assign(tf.identity(convert(variable)))

    def update_step(self, gradient: Any, variable: Any, learning_rate: Any) -> None:
        """Update one variable."""
        index = self._get_variable_index(variable)
        z, velocity = self._momentums[index], self._velocities[index]
        gradient = elementwise(tf.identity, gradient, convert(variable).dtype)
        dtype = gradient.dtype
        step = tf.cast(convert(self.iterations) + 1, dtype)
        rate = tf.cast(learning_rate, dtype)
        if self.warmup_steps > 0:
            rate = rate * tf.minimum(step / self.warmup_steps, tf.cast(1.0, dtype))
        velocity.assign_add((tf.square(gradient) - convert(velocity)) * (1 - self.beta_2))
        correction = 1 - tf.pow(tf.cast(self.beta_2, dtype), step)
        z.assign_sub(rate * gradient / (tf.sqrt(convert(velocity) / correction) + self.epsilon))
        # The mean is taken back from the variable with the sequence's new place, as Keras on TensorFlow does.
        mean = (convert(variable) - (1 - self.beta_1) * convert(z)) / self.beta_1
        mean = (1 - 1 / step) * mean + convert(z) / step
        variable.assign((1 - self.beta_1) * convert(z) + self.beta_1 * mean)
