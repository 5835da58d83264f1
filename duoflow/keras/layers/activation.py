"""Activations with settings or weights of their own: ReLU, LeakyReLU, PReLU, ELU, Softmax."""

from __future__ import annotations

from typing import Any

from duoflow import ops as tf

from .. import activations
from .input_spec import InputSpec
from .layer import Layer
from .weights import add_configured, configure, weight_config

__all__ = ["ELU", "LeakyReLU", "PReLU", "ReLU", "Softmax"]


class _Elementwise(Layer):
    """Base of activations without weights."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.supports_masking = True
        self.built = True

    def compute_output_shape(self, input_shape: Any) -> Any:
        return input_shape


def _not_below_zero(value: Any, name: str, layer: str) -> Any:
    if value is None or value < 0:
        raise ValueError(f"The {name} value of a {layer} layer cannot be None or negative. Received: {name}={value}")
    return value


class ReLU(_Elementwise):
    """x above the threshold (up to max_value), negative_slope * (x - threshold) below. Keras: keras.layers.ReLU."""

    def __init__(
        self, max_value: float | None = None, negative_slope: float = 0.0, threshold: float = 0.0, **kwargs: Any
    ) -> None:
        super().__init__(**kwargs)
        if max_value is not None:
            _not_below_zero(max_value, "max_value", "ReLU")
        self.max_value = max_value
        self.negative_slope = _not_below_zero(negative_slope, "negative_slope", "ReLU")
        self.threshold = _not_below_zero(threshold, "threshold", "ReLU")

    def call(self, inputs: Any) -> Any:
        return activations.relu(inputs, self.negative_slope, self.max_value, self.threshold)

    def get_config(self) -> dict[str, Any]:
        own = {"max_value": self.max_value, "negative_slope": self.negative_slope, "threshold": self.threshold}
        return {**super().get_config(), **own}


class LeakyReLU(_Elementwise):
    """x where positive, else negative_slope * x. Keras: keras.layers.LeakyReLU."""

    def __init__(self, negative_slope: float = 0.3, **kwargs: Any) -> None:
        negative_slope = kwargs.pop("alpha", negative_slope)
        super().__init__(**kwargs)
        self.negative_slope = _not_below_zero(negative_slope, "negative_slope", "Leaky ReLU")

    def call(self, inputs: Any) -> Any:
        return activations.leaky_relu(inputs, negative_slope=self.negative_slope)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "negative_slope": self.negative_slope}


class ELU(_Elementwise):
    """x where positive, else alpha * (exp(x) - 1). Keras: keras.layers.ELU."""

    def __init__(self, alpha: float = 1.0, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.alpha = alpha

    def call(self, inputs: Any) -> Any:
        return activations.elu(inputs, alpha=self.alpha)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "alpha": self.alpha}


class Softmax(_Elementwise):
    """Probabilities along an axis, or several; masked entries get none. Keras: keras.layers.Softmax."""

    def __init__(self, axis: Any = -1, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.axis = axis

    def call(self, inputs: Any, mask: Any = None) -> Any:
        if mask is not None:
            lowest = -3e4 if inputs.dtype.name == "float16" else -1e9
            inputs += (1.0 - tf.cast(mask, inputs.dtype)) * lowest
        axis = self.axis
        if isinstance(axis, list | tuple):
            if len(axis) > 1:
                return tf.exp(inputs - tf.reduce_logsumexp(inputs, axis=list(axis), keepdims=True))
            axis = axis[0]
        return activations.softmax(inputs, axis=axis)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "axis": self.axis}


class PReLU(Layer):
    """x where positive, else alpha * x with a trained alpha per feature; `shared_axes` share theirs.

    Keras: keras.layers.PReLU.
    """

    def __init__(
        self, alpha_initializer: Any = "Zeros", alpha_regularizer: Any = None, alpha_constraint: Any = None,
        shared_axes: Any = None, **kwargs: Any,
    ) -> None:  # fmt: skip
        super().__init__(**kwargs)
        self.supports_masking = True
        configure(self, "alpha", alpha_initializer, alpha_regularizer, alpha_constraint)
        self.shared_axes = (
            [shared_axes] if isinstance(shared_axes, int) else None if shared_axes is None else list(shared_axes)
        )

    def build(self, input_shape: Any) -> None:
        shape = list(input_shape[1:])
        for axis in self.shared_axes or ():
            shape[axis - 1] = 1
        self.alpha = add_configured(self, "alpha", shape)
        own = [i for i in range(1, len(input_shape)) if i not in (self.shared_axes or ())]
        self.input_spec = InputSpec(ndim=len(input_shape), axes={i: input_shape[i] for i in own})

    def call(self, inputs: Any) -> Any:
        return activations.relu(inputs) - self.alpha * activations.relu(-inputs)

    def compute_output_shape(self, input_shape: Any) -> Any:
        return input_shape

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), **weight_config(self, "alpha"), "shared_axes": self.shared_axes}
