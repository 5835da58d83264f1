"""Muon: steps that are orthogonalized, for matrices; the rest is updated as by Adam."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from duoflow import ops as tf
from duoflow.core.tensor import convert

from .optimizer import Optimizer, elementwise

__all__ = ["Muon"]


class Muon(Optimizer):
    """Momentum whose matrix steps are made orthogonal by Newton-Schulz iterations.

    Args:
      adam_beta_1, adam_beta_2, epsilon, adam_lr_ratio, adam_weight_decay: of the variables that Adam updates: vectors,
        embeddings (`exclude_embeddings`), and those whose path holds one of `exclude_layers` (regular expressions).
      momentum, nesterov: of the steps. ns_steps, muon_a, muon_b, muon_c: of the iterations.
      rms_rate: scales steps to about that root mean square times the longer side's root; None for none.

    Jordan et al. 2024. Keras: keras.optimizers.Muon.
    """

    _HYPERPARAMETERS = (
        "adam_beta_1", "adam_beta_2", "epsilon", "exclude_layers", "muon_a", "muon_b", "muon_c", "adam_lr_ratio",
        "momentum", "ns_steps", "nesterov", "exclude_embeddings", "adam_weight_decay", "rms_rate",
    )  # fmt: skip

    def __init__(
        self, learning_rate: Any = 0.001, adam_beta_1: float = 0.9, adam_beta_2: float = 0.999,
        adam_weight_decay: float | None = 0.004, epsilon: float = 1e-7, weight_decay: float | None = 0.004,
        clipnorm: float | None = None, clipvalue: float | None = None, global_clipnorm: float | None = None,
        use_ema: bool = False, ema_momentum: float = 0.99, ema_overwrite_frequency: int | None = None,
        loss_scale_factor: float | None = None, gradient_accumulation_steps: int | None = None,
        name: str | None = None, exclude_layers: Sequence[str] | None = None, exclude_embeddings: bool = True,
        muon_a: float = 3.4445, muon_b: float = -4.7750, muon_c: float = 2.0315, adam_lr_ratio: float = 1,
        momentum: float = 0.95, ns_steps: int = 5, nesterov: bool = True, rms_rate: float | None = 0.2, **kwargs: Any,
    ) -> None:  # fmt: skip
        super().__init__(
            learning_rate, weight_decay, clipnorm, clipvalue, global_clipnorm, use_ema, ema_momentum,
            ema_overwrite_frequency, loss_scale_factor, gradient_accumulation_steps, name, **kwargs,
        )  # fmt: skip
        self.adam_beta_1, self.adam_beta_2, self.epsilon = adam_beta_1, adam_beta_2, epsilon
        self.adam_weight_decay, self.adam_lr_ratio = adam_weight_decay, adam_lr_ratio
        self.muon_a, self.muon_b, self.muon_c = muon_a, muon_b, muon_c
        self.momentum, self.ns_steps, self.nesterov, self.rms_rate = momentum, ns_steps, nesterov, rms_rate
        self.exclude_layers, self.exclude_embeddings = list(exclude_layers or []), exclude_embeddings

    def _is_adams(self, variable: Any) -> bool:
        """Whether Adam updates a variable."""
        path = getattr(variable, "path", variable.name)
        embedding = self.exclude_embeddings and "embedding" in path.lower()
        return len(variable.shape) != 2 or embedding or any(re.search(word, path) for word in self.exclude_layers)

    def build(self, variables: Any) -> None:
        """Make the slots."""
        if self.built:
            return
        super().build(variables)
        self._slots = []
        for variable in variables:
            names = ["momentum", "velocity"] if self._is_adams(variable) else ["momentum"]
            self._slots.append([self.add_variable_from_reference(variable, name) for name in names])

    def update_step(self, gradient: Any, variable: Any, learning_rate: Any) -> None:
        """Update one variable."""
        slots = self._slots[self._get_variable_index(variable)]
        gradient = elementwise(tf.identity, gradient, convert(variable).dtype)
        rate = tf.cast(learning_rate, gradient.dtype)
        if len(slots) == 2:
            self._adam_step(gradient, variable, rate * self.adam_lr_ratio, *slots)
            return
        (slot,) = slots
        slot.assign_add(gradient + convert(slot) * (self.momentum - 1))
        held = convert(slot)
        step = rate * self._orthogonal(gradient + self.momentum * held if self.nesterov else held)
        if self.rms_rate is not None:
            step = step * (max(step.shape) ** 0.5 * self.rms_rate)
        variable.assign_sub(step)

    def _orthogonal(self, x: Any) -> Any:
        """A matrix with the same singular vectors and singular values near one."""
        tall = x.shape[-2] > x.shape[-1]
        x = tf.transpose(x) if tall else x
        x = x / (tf.sqrt(tf.reduce_sum(tf.square(x))) + 1e-7)
        for _ in range(self.ns_steps):
            square = tf.matmul(x, x, transpose_b=True)
            x = self.muon_a * x + tf.matmul(self.muon_b * square + self.muon_c * tf.matmul(square, square), x)
        return tf.transpose(x) if tall else x

    def _adam_step(self, gradient: Any, variable: Any, rate: Any, m: Any, v: Any) -> None:
        step = tf.cast(convert(self.iterations) + 1, gradient.dtype)
        first, second = (tf.pow(tf.cast(beta, step.dtype), step) for beta in (self.adam_beta_1, self.adam_beta_2))
        m.assign_add((gradient - convert(m)) * (1 - self.adam_beta_1))
        v.assign_add((tf.square(gradient) - convert(v)) * (1 - self.adam_beta_2))
        rate = rate * tf.sqrt(1 - second) / (1 - first)
        variable.assign_sub(convert(m) * rate / (tf.sqrt(convert(v)) + self.epsilon))

    def _apply_weight_decay(self, variables: Any, rate: Any) -> None:
        for variable in variables:
            decay = self.adam_weight_decay if self._is_adams(variable) else self.weight_decay
            if decay is not None and self._use_weight_decay(variable):
                value = convert(variable)
                variable.assign(value - value * tf.cast(decay, value.dtype) * tf.cast(rate, value.dtype))
