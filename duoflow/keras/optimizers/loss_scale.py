"""Dynamic loss scaling: keeps the gradients of half-precision models within their range."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from duoflow import ops as tf
from duoflow.core.tensor import convert

from ..initializers import Constant
from ..saving.serialization import deserialize_keras_object, serialize_keras_object
from .optimizer import Optimizer, choose, elementwise

__all__ = ["LossScaleOptimizer"]


class LossScaleOptimizer(Optimizer):
    """Multiplies the loss by a scale and divides gradients by it.

    Where gradients overflow, the step is skipped and the scale halved.

    Args:
      inner_optimizer: what makes the updates.
      initial_scale: the scale at first. dynamic_growth_steps: it doubles after so many steps without an overflow.

    Micikevicius et al., 2018. Keras: keras.optimizers.LossScaleOptimizer.
    """

    def __init__(
        self, inner_optimizer: Optimizer, initial_scale: float = 2.0**15, dynamic_growth_steps: int = 2000,
        name: str | None = None, **kwargs: Any,
    ) -> None:  # fmt: skip
        if not kwargs.pop("dynamic", True):
            raise ValueError(
                "LossScaleOptimizer no longer supports `dynamic=False`. Instead, simply set `loss_scale_factor` "
                "directly on "
                "the `inner_optimizer`."
            )
        if kwargs:
            raise ValueError(
                f"LossScaleOptimizer does not support arguments: `{'`, `'.join(kwargs)}`. Set them on the "
                "`inner_optimizer`."
            )
        self.inner_optimizer = inner_optimizer
        super().__init__(learning_rate=0.0, name=name)
        self.initial_scale, self.dynamic_growth_steps = initial_scale, dynamic_growth_steps
        inner_optimizer.loss_scale_factor = None  # or gradients would be divided twice

    def build(self, variables: Any) -> None:
        """Make the scale and the inner optimizer's slots."""
        if self.built:
            return
        self.step_counter = self.add_variable((), "zeros", "int32", name="step_counter")
        self.dynamic_scale = self.add_variable((), Constant(self.initial_scale), "float32", name="dynamic_scale")
        self.inner_optimizer.build(variables)
        super().build(variables)

    @property
    def variables(self) -> list[Any]:
        """The scale and the inner optimizer's variables."""
        return self._variables + self.inner_optimizer.variables

    @property
    def iterations(self) -> Any:
        """How many updates the inner optimizer made."""
        return self.inner_optimizer.iterations

    @property
    def learning_rate(self) -> Any:
        """The inner optimizer's learning rate."""
        return self.inner_optimizer.learning_rate

    @learning_rate.setter
    def learning_rate(self, learning_rate: Any) -> None:
        self.inner_optimizer.learning_rate = learning_rate

    def apply(self, grads: Sequence[Any], trainable_variables: Sequence[Any] | None = None) -> None:
        """Update variables if all gradients are finite; adapt the scale."""
        if not self.built and trainable_variables is not None:
            self.build(list(trainable_variables))
        scale = convert(self.dynamic_scale)
        finite = [tf.reduce_all(tf.is_finite(elementwise(tf.identity, g))) for g in grads if g is not None]

        def step() -> None:
            scaled = [None if g is None else elementwise(lambda x: x / tf.cast(scale, x.dtype), g) for g in grads]
            self.inner_optimizer.apply(scaled, trainable_variables)
            grown = tf.equal(convert(self.step_counter), self.dynamic_growth_steps - 1)
            self.dynamic_scale.assign(tf.where(grown, scale * 2.0, scale))
            self.step_counter.assign(tf.where(grown, 0, convert(self.step_counter) + 1))

        def skip() -> None:
            self.step_counter.assign(0)
            self.dynamic_scale.assign(scale * 0.5)

        choose(tf.reduce_all(tf.stack(finite)), step, skip)

    def scale_loss(self, loss: Any) -> Any:
        """The loss times the scale."""
        return loss * (tf.cast(convert(self.dynamic_scale), loss.dtype) if self.built else self.initial_scale)

    def finalize_variable_values(self, var_list: Sequence[Any]) -> None:
        """Let the inner optimizer put its averages into the variables."""
        self.inner_optimizer.finalize_variable_values(var_list)

    def get_config(self) -> dict[str, Any]:
        """The arguments that make an equal optimizer."""
        return {
            "name": self.name, "inner_optimizer": serialize_keras_object(self.inner_optimizer),
            "initial_scale": self.initial_scale, "dynamic_growth_steps": self.dynamic_growth_steps,
        }  # fmt: skip

    @classmethod
    def from_config(cls, config: dict[str, Any], custom_objects: Any = None) -> LossScaleOptimizer:
        """An optimizer from what `get_config` gave."""
        config = dict(config)
        inner = deserialize_keras_object(config.pop("inner_optimizer"), custom_objects=custom_objects)
        return cls(inner, **config)
