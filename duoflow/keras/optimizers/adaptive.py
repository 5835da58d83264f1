"""Optimizers that scale each element's step by its gradient's history: RMSprop, Adagrad, Adadelta, Ftrl, Lion."""

from __future__ import annotations

from typing import Any, ClassVar

from duoflow import ops as tf
from duoflow.core.tensor import convert

from ..initializers import Constant
from .optimizer import Optimizer, elementwise

__all__ = ["Adadelta", "Adagrad", "Ftrl", "Lion", "RMSprop"]


class RMSprop(Optimizer):
    """Steps divided by a running root mean square of the gradient. Hinton, 2012. Keras: keras.optimizers.RMSprop."""

    _CHECKPOINT_NAMES: ClassVar = {**Optimizer._CHECKPOINT_NAMES, "_averages_of_gradients": "_average_gradients"}
    _HYPERPARAMETERS = ("rho", "momentum", "epsilon", "centered")

    def __init__(
        self, learning_rate: Any = 0.001, rho: float = 0.9, momentum: float = 0.0, epsilon: float = 1e-7,
        centered: bool = False, weight_decay: float | None = None, clipnorm: float | None = None,
        clipvalue: float | None = None, global_clipnorm: float | None = None, use_ema: bool = False,
        ema_momentum: float = 0.99, ema_overwrite_frequency: int | None = None, loss_scale_factor: float | None = None,
        gradient_accumulation_steps: int | None = None, name: str | None = None, **kwargs: Any,
    ) -> None:  # fmt: skip
        super().__init__(
            learning_rate, weight_decay, clipnorm, clipvalue, global_clipnorm, use_ema, ema_momentum,
            ema_overwrite_frequency, loss_scale_factor, gradient_accumulation_steps, name, **kwargs,
        )  # fmt: skip
        self.rho, self.momentum, self.epsilon, self.centered = rho, momentum, epsilon, centered

    def _make_slots(self, variables: Any) -> None:
        self._velocities = self.add_optimizer_variables(variables, "velocity")
        self._momentums = self.add_optimizer_variables(variables, "momentum") if self.momentum > 0 else []
        self._averages_of_gradients = (
            self.add_optimizer_variables(variables, "average_gradient") if self.centered else []
        )

    def update_step(self, gradient: Any, variable: Any, learning_rate: Any) -> None:
        """Update one variable."""
        dense, rate, index = self._operands(gradient, variable, learning_rate)
        velocity = self._velocities[index]
        square = elementwise(tf.square, gradient, dense.dtype)
        velocity.assign(self.rho * convert(velocity) + (1 - self.rho) * square)
        denominator = convert(velocity)
        if self.centered:
            average = self._averages_of_gradients[index]
            average.assign(self.rho * convert(average) + (1 - self.rho) * dense)
            denominator = denominator - tf.square(convert(average))
        increment = rate * dense / tf.sqrt(denominator + self.epsilon)
        if self._momentums:
            slot = self._momentums[index]
            slot.assign(self.momentum * convert(slot) + increment)
            increment = convert(slot)
        variable.assign_sub(increment)


class Adagrad(Optimizer):
    """Steps divided by the root of the sum of squared gradients.

    Duchi et al., 2011. Keras: keras.optimizers.Adagrad.
    """

    _CHECKPOINT_NAMES: ClassVar = {**Optimizer._CHECKPOINT_NAMES, "_sums": "_accumulators"}
    _HYPERPARAMETERS = ("initial_accumulator_value", "epsilon")

    def __init__(
        self, learning_rate: Any = 0.001, initial_accumulator_value: float = 0.1, epsilon: float = 1e-7,
        weight_decay: float | None = None, clipnorm: float | None = None, clipvalue: float | None = None,
        global_clipnorm: float | None = None, use_ema: bool = False, ema_momentum: float = 0.99,
        ema_overwrite_frequency: int | None = None, loss_scale_factor: float | None = None,
        gradient_accumulation_steps: int | None = None, name: str | None = None, **kwargs: Any,
    ) -> None:  # fmt: skip
        super().__init__(
            learning_rate, weight_decay, clipnorm, clipvalue, global_clipnorm, use_ema, ema_momentum,
            ema_overwrite_frequency, loss_scale_factor, gradient_accumulation_steps, name, **kwargs,
        )  # fmt: skip
        self.initial_accumulator_value, self.epsilon = initial_accumulator_value, epsilon

    def _make_slots(self, variables: Any) -> None:
        start = Constant(self.initial_accumulator_value)
        self._sums = self.add_optimizer_variables(variables, "accumulator", start)

    def update_step(self, gradient: Any, variable: Any, learning_rate: Any) -> None:
        """Update one variable."""
        dense, rate, index = self._operands(gradient, variable, learning_rate)
        total = self._sums[index]
        total.assign_add(elementwise(tf.square, gradient, dense.dtype))
        variable.assign_sub(rate * dense / tf.sqrt(convert(total) + self.epsilon))


class Adadelta(Optimizer):
    """Steps in units of the running size of past steps. Zeiler, 2012. Keras: keras.optimizers.Adadelta."""

    _CHECKPOINT_NAMES: ClassVar = {
        **Optimizer._CHECKPOINT_NAMES, "_gradients": "_accumulated_grads", "_deltas": "_accumulated_delta_vars",
    }  # fmt: skip
    _HYPERPARAMETERS = ("rho", "epsilon")

    def __init__(
        self, learning_rate: Any = 0.001, rho: float = 0.95, epsilon: float = 1e-7, weight_decay: float | None = None,
        clipnorm: float | None = None, clipvalue: float | None = None, global_clipnorm: float | None = None,
        use_ema: bool = False, ema_momentum: float = 0.99, ema_overwrite_frequency: int | None = None,
        loss_scale_factor: float | None = None, gradient_accumulation_steps: int | None = None, name: str | None = None,
        **kwargs: Any,
    ) -> None:  # fmt: skip
        super().__init__(
            learning_rate, weight_decay, clipnorm, clipvalue, global_clipnorm, use_ema, ema_momentum,
            ema_overwrite_frequency, loss_scale_factor, gradient_accumulation_steps, name, **kwargs,
        )  # fmt: skip
        self.rho, self.epsilon = rho, epsilon

    def _make_slots(self, variables: Any) -> None:
        self._gradients, self._deltas = self.add_optimizer_variables(
            variables, ["accumulated_grad", "accumulated_delta_var"]
        )

    def update_step(self, gradient: Any, variable: Any, learning_rate: Any) -> None:
        """Update one variable."""
        dense, rate, index = self._operands(gradient, variable, learning_rate)
        squares, deltas = self._gradients[index], self._deltas[index]
        square = elementwise(tf.square, gradient, dense.dtype)
        squares.assign(self.rho * convert(squares) + (1 - self.rho) * square)
        delta = -tf.sqrt(convert(deltas) + self.epsilon) * dense / tf.sqrt(convert(squares) + self.epsilon)
        deltas.assign(self.rho * convert(deltas) + (1 - self.rho) * tf.square(delta))
        variable.assign_add(rate * delta)


class Ftrl(Optimizer):
    """Follow the regularized leader. McMahan et al., 2013. Keras: keras.optimizers.Ftrl."""

    _CHECKPOINT_NAMES: ClassVar = {**Optimizer._CHECKPOINT_NAMES, "_sums": "_accumulators"}
    _HYPERPARAMETERS = (
        "learning_rate_power", "initial_accumulator_value", "l1_regularization_strength", "l2_regularization_strength",
        "l2_shrinkage_regularization_strength", "beta",
    )  # fmt: skip

    def __init__(
        self, learning_rate: Any = 0.001, learning_rate_power: float = -0.5, initial_accumulator_value: float = 0.1,
        l1_regularization_strength: float = 0.0, l2_regularization_strength: float = 0.0,
        l2_shrinkage_regularization_strength: float = 0.0, beta: float = 0.0, weight_decay: float | None = None,
        clipnorm: float | None = None, clipvalue: float | None = None, global_clipnorm: float | None = None,
        use_ema: bool = False, ema_momentum: float = 0.99, ema_overwrite_frequency: int | None = None,
        loss_scale_factor: float | None = None, gradient_accumulation_steps: int | None = None, name: str | None = None,
        **kwargs: Any,
    ) -> None:  # fmt: skip
        for key, value in (
            ("initial_accumulator_value", initial_accumulator_value),
            ("l1_regularization_strength", l1_regularization_strength),
            ("l2_regularization_strength", l2_regularization_strength),
            ("l2_shrinkage_regularization_strength", l2_shrinkage_regularization_strength),
        ):
            if value < 0.0:
                raise ValueError(f"`{key}` needs to be positive or zero. Received: {key}={value}.")
        if learning_rate_power > 0.0:
            raise ValueError(
                "`learning_rate_power` needs to be negative or zero. Received: "
                f"learning_rate_power={learning_rate_power}."
            )
        super().__init__(
            learning_rate, weight_decay, clipnorm, clipvalue, global_clipnorm, use_ema, ema_momentum,
            ema_overwrite_frequency, loss_scale_factor, gradient_accumulation_steps, name, **kwargs,
        )  # fmt: skip
        self.learning_rate_power, self.initial_accumulator_value = learning_rate_power, initial_accumulator_value
        self.l1_regularization_strength, self.l2_regularization_strength = (
            l1_regularization_strength,
            l2_regularization_strength,
        )
        self.l2_shrinkage_regularization_strength, self.beta = l2_shrinkage_regularization_strength, beta

    def _make_slots(self, variables: Any) -> None:
        starts = [Constant(self.initial_accumulator_value), "zeros"]
        self._sums, self._linears = self.add_optimizer_variables(variables, ["accumulator", "linear"], starts)

    def update_step(self, gradient: Any, variable: Any, learning_rate: Any) -> None:
        """Update one variable."""
        dense, rate, index = self._operands(gradient, variable, learning_rate)
        value, total, linear = convert(variable), self._sums[index], self._linears[index]
        exponent = tf.cast(-self.learning_rate_power, value.dtype)
        l2 = self.l2_regularization_strength + self.beta / (2.0 * rate)
        shrunk = dense + 2 * self.l2_shrinkage_regularization_strength * value
        new_total = convert(total) + elementwise(tf.square, gradient, value.dtype)
        sigma = (tf.pow(new_total, exponent) - tf.pow(convert(total), exponent)) / rate
        linear.assign_add(shrunk - sigma * value)
        quadratic = tf.pow(new_total, exponent) / rate + 2 * l2
        l1 = self.l1_regularization_strength
        clipped = tf.clip_by_value(convert(linear), -l1, l1)
        variable.assign((clipped - convert(linear)) / quadratic)
        total.assign(new_total)


class Lion(Optimizer):
    """Steps of one size in the direction of the momentum's sign. Chen et al., 2023. Keras: keras.optimizers.Lion."""

    _HYPERPARAMETERS = ("beta_1", "beta_2")

    def __init__(
        self, learning_rate: Any = 0.001, beta_1: float = 0.9, beta_2: float = 0.99, weight_decay: float | None = None,
        clipnorm: float | None = None, clipvalue: float | None = None, global_clipnorm: float | None = None,
        use_ema: bool = False, ema_momentum: float = 0.99, ema_overwrite_frequency: int | None = None,
        loss_scale_factor: float | None = None, gradient_accumulation_steps: int | None = None, name: str | None = None,
        **kwargs: Any,
    ) -> None:  # fmt: skip
        if beta_1 <= 0 or beta_1 > 1:
            raise ValueError("Argument `beta_1` must be in the [0, 1] range. Otherwise, the optimizer degenerates to "
                             f"SignSGD. Received: beta_1={beta_1}.")  # fmt: skip
        super().__init__(
            learning_rate, weight_decay, clipnorm, clipvalue, global_clipnorm, use_ema, ema_momentum,
            ema_overwrite_frequency, loss_scale_factor, gradient_accumulation_steps, name, **kwargs,
        )  # fmt: skip
        self.beta_1, self.beta_2 = beta_1, beta_2

    def _make_slots(self, variables: Any) -> None:
        self._momentums = self.add_optimizer_variables(variables, "momentum")

    def update_step(self, gradient: Any, variable: Any, learning_rate: Any) -> None:
        """Update one variable."""
        gradient, rate, index = self._operands(gradient, variable, learning_rate)
        m = self._momentums[index]
        variable.assign_sub(rate * tf.sign(convert(m) * self.beta_1 + gradient * (1 - self.beta_1)))
        m.assign(convert(m) * self.beta_2 + gradient * (1 - self.beta_2))
