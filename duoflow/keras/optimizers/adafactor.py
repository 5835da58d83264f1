"""Adafactor: adaptive steps whose second moments of matrices are kept as a row and a column."""

from __future__ import annotations

from typing import Any

from duoflow import ops as tf
from duoflow.core.tensor import convert

from .optimizer import Optimizer, elementwise

__all__ = ["Adafactor"]


class Adafactor(Optimizer):
    """Steps scaled by factored second moments and by each variable's size. Shazeer & Stern, 2018.

    Args:
      beta_2_decay: exponent of the decay of the moments. clip_threshold: the largest root mean square of a step.
      epsilon_1, epsilon_2: kept away from zero: squared gradients, and the sizes of variables.
      relative_step: bound the learning rate by 1 / sqrt(step).

    Keras: keras.optimizers.Adafactor.
    """

    _HYPERPARAMETERS = ("beta_2_decay", "epsilon_1", "epsilon_2", "clip_threshold", "relative_step")

    def __init__(
        self, learning_rate: Any = 0.001, beta_2_decay: float = -0.8, epsilon_1: float = 1e-30, epsilon_2: float = 1e-3,
        clip_threshold: float = 1.0, relative_step: bool = True, weight_decay: float | None = None,
        clipnorm: float | None = None, clipvalue: float | None = None, global_clipnorm: float | None = None,
        use_ema: bool = False, ema_momentum: float = 0.99, ema_overwrite_frequency: int | None = None,
        loss_scale_factor: float | None = None, gradient_accumulation_steps: int | None = None, name: str | None = None,
        **kwargs: Any,
    ) -> None:  # fmt: skip
        super().__init__(
            learning_rate, weight_decay, clipnorm, clipvalue, global_clipnorm, use_ema, ema_momentum,
            ema_overwrite_frequency, loss_scale_factor, gradient_accumulation_steps, name, **kwargs,
        )  # fmt: skip
        self.beta_2_decay, self.epsilon_1, self.epsilon_2 = beta_2_decay, epsilon_1, epsilon_2
        self.clip_threshold, self.relative_step = clip_threshold, relative_step

    def _make_slots(self, variables: Any) -> None:
        self._rows, self._columns, self._moments = [], [], []
        for variable in variables:
            shape = tuple(variable.shape)
            if len(shape) < 2:
                # Never read, but they have their places in saved files.
                row, column = [self.add_variable((), name=variable.name) for _ in range(2)]
            else:
                row = self.add_variable(shape[:-1], dtype=variable.dtype, name=variable.name)
                column = self.add_variable((*shape[:-2], shape[-1]), dtype=variable.dtype, name=variable.name)
            self._rows.append(row)
            self._columns.append(column)
            self._moments.append(self.add_variable_from_reference(variable, "velocity"))

    def update_step(self, gradient: Any, variable: Any, learning_rate: Any) -> None:
        """Update one variable."""
        dense, rate, index = self._operands(gradient, variable, learning_rate)
        value, dtype = convert(variable), dense.dtype
        square = elementwise(tf.square, gradient, dtype)
        step = tf.cast(convert(self.iterations) + 1, dtype)
        most = 1 / tf.sqrt(step)
        if self._schedule is None and self.relative_step:
            rate = tf.minimum(rate, most)
        keep = 1 - tf.pow(step, tf.cast(self.beta_2_decay, dtype))
        moment = self._moments[index]
        square = square + self.epsilon_1
        if len(variable.shape) < 2:
            moment.assign(keep * convert(moment) + (1 - keep) * square)
        else:
            row, column = self._rows[index], self._columns[index]
            row.assign(keep * convert(row) + (1 - keep) * tf.reduce_mean(square, -1))
            column.assign(keep * convert(column) + (1 - keep) * tf.reduce_mean(square, -2))
            share = convert(row) / tf.reduce_mean(convert(row), -1, keepdims=True)
            moment.assign(tf.expand_dims(share, -1) * tf.expand_dims(convert(column), -2))
        update = dense / tf.sqrt(convert(moment))
        update = update / tf.maximum(1.0, _root_mean_square(update) / self.clip_threshold)
        size = tf.maximum(tf.cast(self.epsilon_2, dtype), _root_mean_square(value))
        variable.assign_sub(size * tf.minimum(rate, most) * update)


def _root_mean_square(x: Any) -> Any:
    return tf.sqrt(tf.reduce_mean(tf.square(x)))
