"""Activation functions, by name or as functions; they take tensors and KerasTensors."""

from __future__ import annotations

import types
from typing import Any

from . import ops
from .lookup import Lookup
from .saving.object_registration import get_registered_name
from .saving.serialization import serialize_keras_object

__all__ = [
    "celu", "deserialize", "elu", "exponential", "gelu", "get", "glu", "hard_shrink", "hard_sigmoid", "hard_silu",
    "hard_swish", "hard_tanh", "leaky_relu", "linear", "log_sigmoid", "log_softmax", "mish", "relu", "relu6", "selu",
    "serialize", "sigmoid", "silu", "soft_shrink", "softmax", "softplus", "softsign", "sparse_plus", "sparse_sigmoid",
    "sparsemax", "squareplus", "swish", "tanh", "tanh_shrink", "threshold",
]  # fmt: skip


def relu(x: Any, negative_slope: float = 0.0, max_value: float | None = None, threshold: float = 0.0) -> Any:
    """x above the threshold (up to `max_value`), `negative_slope` * (x - threshold) below.

    >>> tf.keras.activations.relu([-2.0, 0.0, 3.0]).numpy()
    array([0., 0., 3.], dtype=float32)

    Keras: keras.activations.relu.
    """
    if negative_slope == 0.0 and threshold == 0.0:
        return (
            ops.relu(x)
            if max_value is None
            else ops.relu6(x)
            if max_value == 6
            else ops.clip(ops.relu(x), 0.0, max_value)
        )
    if threshold == 0.0:
        out = ops.leaky_relu(x, negative_slope)
    else:
        above = ops.where(ops.greater(x, threshold), x, ops.zeros_like(x))
        out = above - negative_slope * ops.relu(threshold - ops.convert_to_tensor(x)) if negative_slope else above
    return out if max_value is None else ops.minimum(out, max_value)


def leaky_relu(x: Any, negative_slope: float = 0.2) -> Any:
    """x where positive, else `negative_slope` * x. Keras: keras.activations.leaky_relu."""
    return ops.leaky_relu(x, negative_slope=negative_slope)


def relu6(x: Any) -> Any:
    """min(max(x, 0), 6). Keras: keras.activations.relu6."""
    return ops.relu6(x)


def softmax(x: Any, axis: Any = -1) -> Any:
    """Probabilities along an axis.

    >>> tf.keras.activations.softmax(tf.constant([[0.0, 0.0]])).numpy()
    array([[0.5, 0.5]], dtype=float32)

    Keras: keras.activations.softmax.
    """
    return ops.softmax(x, axis=axis)


def elu(x: Any, alpha: float = 1.0) -> Any:
    """x where positive, else `alpha` * (exp(x) - 1). Keras: keras.activations.elu."""
    return ops.elu(x, alpha=alpha)


def selu(x: Any) -> Any:
    """The scaled exponential linear unit. Keras: keras.activations.selu."""
    return ops.selu(x)


def celu(x: Any, alpha: float = 1.0) -> Any:
    """The continuously differentiable exponential linear unit. Keras: keras.activations.celu."""
    return ops.celu(x, alpha=alpha)


def softplus(x: Any) -> Any:
    """log(exp(x) + 1). Keras: keras.activations.softplus."""
    return ops.softplus(x)


def softsign(x: Any) -> Any:
    """x / (abs(x) + 1). Keras: keras.activations.softsign."""
    return ops.softsign(x)


def soft_shrink(x: Any, threshold: float = 0.5) -> Any:
    """x moved towards 0 by the threshold. Keras: keras.activations.soft_shrink."""
    return ops.soft_shrink(x, threshold=threshold)


def sparse_plus(x: Any) -> Any:
    """0 below -1, x above 1, a parabola between. Keras: keras.activations.sparse_plus."""
    return ops.sparse_plus(x)


def silu(x: Any) -> Any:
    """x * sigmoid(x). Keras: keras.activations.silu."""
    return ops.silu(x)


def squareplus(x: Any, b: float = 4) -> Any:
    """(x + sqrt(x² + b)) / 2. Keras: keras.activations.squareplus."""
    return ops.squareplus(x, b=b)


def gelu(x: Any, approximate: bool = False) -> Any:
    """x * P(X <= x) for a standard normal X. Keras: keras.activations.gelu."""
    return ops.gelu(x, approximate=approximate)


def glu(x: Any, axis: int = -1) -> Any:
    """Half of `x` gated by the other half. Keras: keras.activations.glu."""
    return ops.glu(x, axis=axis)


def tanh(x: Any) -> Any:
    """The hyperbolic tangent. Keras: keras.activations.tanh."""
    return ops.tanh(x)


def tanh_shrink(x: Any) -> Any:
    """x - tanh(x). Keras: keras.activations.tanh_shrink."""
    return ops.tanh_shrink(x)


def hard_tanh(x: Any) -> Any:
    """x within [-1, 1], the border outside. Keras: keras.activations.hard_tanh."""
    return ops.hard_tanh(x)


def hard_shrink(x: Any, threshold: float = 0.5) -> Any:
    """x where its magnitude passes the threshold, else 0. Keras: keras.activations.hard_shrink."""
    return ops.hard_shrink(x, threshold=threshold)


def threshold(x: Any, threshold: float, default_value: float) -> Any:
    """x where it passes the threshold, else the default. Keras: keras.activations.threshold."""
    return ops.threshold(x, threshold, default_value)


def sigmoid(x: Any) -> Any:
    """1 / (1 + exp(-x)). Keras: keras.activations.sigmoid."""
    return ops.sigmoid(x)


def sparse_sigmoid(x: Any) -> Any:
    """0 below -1, 1 above 1, a line between. Keras: keras.activations.sparse_sigmoid."""
    return ops.sparse_sigmoid(x)


def exponential(x: Any) -> Any:
    """exp(x). Keras: keras.activations.exponential."""
    return ops.exp(x)


def hard_sigmoid(x: Any) -> Any:
    """relu6(x + 3) / 6. Keras: keras.activations.hard_sigmoid."""
    return ops.hard_sigmoid(x)


def hard_silu(x: Any) -> Any:
    """x * hard_sigmoid(x). Keras: keras.activations.hard_silu."""
    return ops.hard_silu(x)


def log_sigmoid(x: Any) -> Any:
    """log(sigmoid(x)). Keras: keras.activations.log_sigmoid."""
    return ops.log_sigmoid(x)


def linear(x: Any) -> Any:
    """x. Keras: keras.activations.linear."""
    return x


def mish(x: Any) -> Any:
    """x * tanh(softplus(x)). Keras: keras.activations.mish."""
    return x * ops.tanh(ops.softplus(x))


def log_softmax(x: Any, axis: Any = -1) -> Any:
    """The logarithm of softmax. Keras: keras.activations.log_softmax."""
    return ops.log_softmax(x, axis=axis)


def sparsemax(x: Any, axis: int = -1) -> Any:
    """The projection onto the probability simplex. Keras: keras.activations.sparsemax."""
    return ops.sparsemax(x, axis=axis)


swish, hard_swish = silu, hard_silu
_FUNCTIONS = [
    celu, elu, exponential, gelu, glu, hard_shrink, hard_sigmoid, hard_silu, hard_tanh, leaky_relu, linear, log_sigmoid,
    log_softmax, mish, relu, relu6, selu, sigmoid, silu, soft_shrink, softmax, softplus, softsign, sparse_plus,
    sparse_sigmoid, sparsemax, squareplus, tanh, tanh_shrink, threshold,
]  # fmt: skip
_lookup = Lookup("activation function", _FUNCTIONS, {"swish": silu, "hard_swish": hard_silu})


def get(identifier: Any) -> Any:
    """An activation from a function, a name, a config, or None for `linear`. Keras: keras.activations.get."""
    return linear if identifier is None else _lookup.get(identifier)


def serialize(activation: Any) -> Any:
    """An activation as plain data: its name, if it is one of ours. Keras: keras.activations.serialize."""
    config = serialize_keras_object(activation)
    if not isinstance(activation, types.FunctionType):
        return config
    if activation in _FUNCTIONS:
        return activation.__name__
    if config.get("class_name") == "function":
        config["config"] = get_registered_name(activation)
    return config


def deserialize(config: Any, custom_objects: dict[str, Any] | None = None) -> Any:
    """An activation from plain data. Keras: keras.activations.deserialize."""
    return _lookup.deserialize(config, custom_objects)
