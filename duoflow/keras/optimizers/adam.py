"""Adam and its family: first and second moments of the gradient per element."""

from __future__ import annotations

from collections.abc import Callable
from contextvars import ContextVar
from typing import Any, ClassVar

from duoflow import ops as tf
from duoflow.core.context import context, init_scope
from duoflow.core.dtypes import as_dtype
from duoflow.core.tensor import convert

from ..variables import Variable
from .optimizer import Optimizer, elementwise

__all__ = ["Adam", "AdamW", "Adamax", "Lamb", "Nadam"]

#: What the variables of the step at hand have in common, by optimizer, graph and dtype; None outside of a step.
_common: ContextVar[dict[Any, Any] | None] = ContextVar("common", default=None)


class _Moments(Optimizer):
    """What the family shares: hyperparameters, two slots, bias correction."""

    _CHECKPOINT_NAMES: ClassVar = {
        **Optimizer._CHECKPOINT_NAMES, "_first": "_momentums", "_second": "_velocities", "_maxima": "_velocity_hats",
    }  # fmt: skip
    _HYPERPARAMETERS = ("beta_1", "beta_2", "epsilon")
    _SECOND_SLOT = "velocity"

    def __init__(
        self, learning_rate: Any = 0.001, beta_1: float = 0.9, beta_2: float = 0.999, epsilon: float = 1e-7,
        weight_decay: float | None = None, clipnorm: float | None = None, clipvalue: float | None = None,
        global_clipnorm: float | None = None, use_ema: bool = False, ema_momentum: float = 0.99,
        ema_overwrite_frequency: int | None = None, loss_scale_factor: float | None = None,
        gradient_accumulation_steps: int | None = None, name: str | None = None, **kwargs: Any,
    ) -> None:  # fmt: skip
        super().__init__(
            learning_rate, weight_decay, clipnorm, clipvalue, global_clipnorm, use_ema, ema_momentum,
            ema_overwrite_frequency, loss_scale_factor, gradient_accumulation_steps, name, **kwargs,
        )  # fmt: skip
        self.beta_1, self.beta_2, self.epsilon = beta_1, beta_2, epsilon

    def _make_slots(self, variables: Any) -> None:
        self._first, self._second = self.add_optimizer_variables(variables, ["momentum", self._SECOND_SLOT])

    def _update(self, grads: Any, variables: Any) -> None:
        outer = _common.set({})
        try:
            super()._update(grads, variables)
        finally:
            _common.reset(outer)

    def _once(self, make: Callable[[Any], Any], dtype: Any) -> Any:
        """What a method makes of a dtype: once in a step, for all variables of that dtype."""
        found = _common.get()
        if found is None:
            return make(dtype)
        key = id(self), make.__name__, context.graph, dtype
        if key not in found:
            found[key] = make(dtype)
        return found[key]

    def _powers(self, dtype: Any) -> tuple[Any, Any]:
        """Both betas to the power of the step."""
        step = tf.cast(convert(self.iterations) + 1, dtype)
        return tf.pow(tf.cast(self.beta_1, dtype), step), tf.pow(tf.cast(self.beta_2, dtype), step)

    def _at_step(self, variable: Any, learning_rate: Any) -> tuple[Any, Any, Any, Any, Any]:
        """The rate and both betas to the power of the step in the variable's dtype, and its slots."""
        dtype, index = as_dtype(variable.dtype), self._get_variable_index(variable)
        powers = self._once(self._powers, dtype)
        return tf.cast(learning_rate, dtype), *powers, self._first[index], self._second[index]

    def _update_moments(self, gradient: Any, m: Any, v: Any) -> Any:
        """Move the running means towards the gradient and its square; gives the gradient as a tensor."""
        dense = elementwise(tf.identity, gradient, m.dtype)
        m.assign_add((dense - convert(m)) * (1 - self.beta_1))
        v.assign_add((elementwise(tf.square, gradient, v.dtype) - convert(v)) * (1 - self.beta_2))
        return dense


class Adam(_Moments):
    """Steps scaled by running estimates of the gradient's first two moments.

    Kingma & Ba, 2014; `amsgrad` as in Reddi et al., 2018. Keras: keras.optimizers.Adam.
    """

    _HYPERPARAMETERS = ("beta_1", "beta_2", "epsilon", "amsgrad")

    def __init__(
        self, learning_rate: Any = 0.001, beta_1: float = 0.9, beta_2: float = 0.999, epsilon: float = 1e-7,
        amsgrad: bool = False, weight_decay: float | None = None, clipnorm: float | None = None,
        clipvalue: float | None = None, global_clipnorm: float | None = None, use_ema: bool = False,
        ema_momentum: float = 0.99, ema_overwrite_frequency: int | None = None, loss_scale_factor: float | None = None,
        gradient_accumulation_steps: int | None = None, name: str | None = None, **kwargs: Any,
    ) -> None:  # fmt: skip
        super().__init__(
            learning_rate, beta_1, beta_2, epsilon, weight_decay, clipnorm, clipvalue, global_clipnorm, use_ema,
            ema_momentum, ema_overwrite_frequency, loss_scale_factor, gradient_accumulation_steps, name, **kwargs,
        )  # fmt: skip
        self.amsgrad = amsgrad

    def _make_slots(self, variables: Any) -> None:
        super()._make_slots(variables)
        self._maxima = self.add_optimizer_variables(variables, "velocity_hat") if self.amsgrad else []

    def _corrections(self, dtype: Any) -> tuple[Any, Any]:
        """What the rate is multiplied by and divided by because the moments start at zero."""
        power_1, power_2 = self._once(self._powers, dtype)
        return tf.sqrt(1 - power_2), 1 - power_1

    def update_step(self, gradient: Any, variable: Any, learning_rate: Any) -> None:
        """Update one variable."""
        rate, _, _, m, v = self._at_step(variable, learning_rate)
        root, rest = self._once(self._corrections, rate.dtype)
        alpha = rate * root / rest
        self._update_moments(gradient, m, v)
        second = convert(v)
        if self._maxima:
            top = self._maxima[self._get_variable_index(variable)]
            top.assign(tf.maximum(convert(top), second))
            second = convert(top)
        variable.assign_sub((convert(m) * alpha) / (tf.sqrt(second) + self.epsilon))


class AdamW(Adam):
    """Adam with decoupled weight decay. Loshchilov & Hutter, 2019. Keras: keras.optimizers.AdamW."""

    def __init__(
        self, learning_rate: Any = 0.001, weight_decay: float = 0.004, beta_1: float = 0.9, beta_2: float = 0.999,
        epsilon: float = 1e-7, amsgrad: bool = False, clipnorm: float | None = None, clipvalue: float | None = None,
        global_clipnorm: float | None = None, use_ema: bool = False, ema_momentum: float = 0.99,
        ema_overwrite_frequency: int | None = None, loss_scale_factor: float | None = None,
        gradient_accumulation_steps: int | None = None, name: str | None = None, **kwargs: Any,
    ) -> None:  # fmt: skip
        if weight_decay is None:
            raise ValueError("Argument `weight_decay` must be a float. Received: weight_decay=None")
        super().__init__(
            learning_rate, beta_1, beta_2, epsilon, amsgrad, weight_decay, clipnorm, clipvalue, global_clipnorm,
            use_ema, ema_momentum, ema_overwrite_frequency, loss_scale_factor, gradient_accumulation_steps, name,
            **kwargs,
        )  # fmt: skip


class Adamax(_Moments):
    """Adam with the infinity norm. Kingma & Ba, 2014. Keras: keras.optimizers.Adamax."""

    _CHECKPOINT_NAMES: ClassVar = {**Optimizer._CHECKPOINT_NAMES, "_first": "_m", "_second": "_u"}
    _SECOND_SLOT = "norm"

    def update_step(self, gradient: Any, variable: Any, learning_rate: Any) -> None:
        """Update one variable."""
        rate, power_1, _, m, u = self._at_step(variable, learning_rate)
        m.assign_add((elementwise(tf.identity, gradient, m.dtype) - convert(m)) * (1 - self.beta_1))
        u.assign(tf.maximum(convert(u) * self.beta_2, elementwise(tf.abs, gradient, u.dtype)))
        variable.assign_sub((rate * convert(m)) / ((1 - power_1) * (convert(u) + self.epsilon)))


class Nadam(_Moments):
    """Adam with Nesterov momentum. Dozat, 2015. Keras: keras.optimizers.Nadam."""

    def _make_slots(self, variables: Any) -> None:
        super()._make_slots(variables)
        with init_scope():
            start = Variable(1.0, dtype=variables[0].dtype if variables else "float32", trainable=False)
        self._u_product = self._track(start)

    def _momentum_at(self, step: Any) -> Any:
        return self.beta_1 * (1.0 - 0.5 * tf.pow(tf.cast(0.96, step.dtype), step))

    def _update(self, grads: Any, variables: Any) -> None:
        dtype = convert(self._u_product).dtype
        step = tf.cast(convert(self.iterations) + 1, dtype)
        self._u_product.assign(convert(self._u_product) * self._momentum_at(step))
        super()._update(grads, variables)

    def update_step(self, gradient: Any, variable: Any, learning_rate: Any) -> None:
        """Update one variable."""
        rate, _, power_2, m, v = self._at_step(variable, learning_rate)
        step = tf.cast(convert(self.iterations) + 1, m.dtype)
        now, following = self._momentum_at(step), self._momentum_at(step + 1)
        product = tf.cast(convert(self._u_product), m.dtype)
        gradient = self._update_moments(gradient, m, v)
        m_hat = following * convert(m) / (1 - product * following) + (1 - now) * gradient / (1 - product)
        variable.assign_sub(m_hat * rate / (tf.sqrt(convert(v) / (1 - power_2)) + self.epsilon))


class Lamb(_Moments):
    """Adam whose steps are scaled to each variable's norm. You et al., 2019. Keras: keras.optimizers.Lamb."""

    def update_step(self, gradient: Any, variable: Any, learning_rate: Any) -> None:
        """Update one variable."""
        rate, power_1, power_2, m, v = self._at_step(variable, learning_rate)
        self._update_moments(gradient, m, v)
        step = (convert(m) / (1 - power_1)) / (tf.sqrt(convert(v) / (1 - power_2)) + self.epsilon)
        w_norm, g_norm = tf.norm(convert(variable)), tf.norm(step)
        one = tf.ones_like(w_norm)
        ratio = tf.where(w_norm > 0, tf.where(g_norm > 0, w_norm / g_norm, one), one)
        variable.assign_sub(ratio * rate * step)
