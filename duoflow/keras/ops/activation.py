"""keras.ops.nn, functions of activation."""

from __future__ import annotations

from functools import partial
from typing import Any

from duoflow import ops as tf
from duoflow.core.tensor import convert

from .definition import axes_of, floating, operation

__all__ = [
    "celu", "elu", "gelu", "glu", "hard_shrink", "hard_sigmoid", "hard_silu", "hard_swish", "hard_tanh", "leaky_relu",
    "log_sigmoid", "log_softmax", "relu", "relu6", "selu", "sigmoid", "silu", "soft_shrink", "softmax", "softplus",
    "softsign", "sparse_plus", "sparse_sigmoid", "sparsemax", "squareplus", "swish", "tanh_shrink", "threshold",
]  # fmt: skip

_operation = partial(operation, module="keras.src.ops.nn")


@_operation()
def relu(x: Any) -> Any:
    """max(x, 0), elementwise. Keras: keras.ops.relu."""
    return tf.relu(x)


@_operation()
def relu6(x: Any) -> Any:
    """min(max(x, 0), 6), elementwise. Keras: keras.ops.relu6."""
    return tf.relu6(x)


@_operation()
def leaky_relu(x: Any, negative_slope: float = 0.2) -> Any:
    """x where positive, else `negative_slope` * x. Keras: keras.ops.leaky_relu."""
    return tf.leaky_relu(floating(x), alpha=negative_slope)


@_operation()
def elu(x: Any, alpha: float = 1.0) -> Any:
    """x where positive, else `alpha` * (exp(x) - 1). Keras: keras.ops.elu."""
    y = tf.elu(x)
    return y if alpha == 1 else tf.where(convert(x) > 0, y, alpha * y)


@_operation()
def celu(x: Any, alpha: float = 1.0) -> Any:
    """max(x, 0) + min(0, `alpha` * (exp(x / alpha) - 1)). Keras: keras.ops.celu."""
    x = floating(x)
    return tf.maximum(x, 0.0) + alpha * tf.expm1(tf.minimum(x, 0.0) / alpha)


@_operation()
def selu(x: Any) -> Any:
    """The scaled exponential linear unit. Keras: keras.ops.selu."""
    return tf.selu(x)


@_operation()
def gelu(x: Any, approximate: bool = True) -> Any:
    """x * P(X <= x) for a standard normal X; by its tanh formula if `approximate`. Keras: keras.ops.gelu."""
    return tf.gelu(floating(x), approximate=approximate)


@_operation()
def glu(x: Any, axis: int = -1) -> Any:
    """The first half of `x` times the sigmoid of the second. Keras: keras.ops.glu."""
    x = convert(x)
    if x.shape[axis] is not None and x.shape[axis] % 2:
        raise ValueError(f"axis size must be divisible by 2. Received: x.shape={tuple(x.shape)} with axis={axis}")
    a, b = tf.split(x, 2, axis=axis)
    return a * tf.sigmoid(b)


@_operation()
def sigmoid(x: Any) -> Any:
    """1 / (1 + exp(-x)). Keras: keras.ops.sigmoid."""
    return tf.sigmoid(floating(x))


@_operation()
def sparse_sigmoid(x: Any) -> Any:
    """0 below -1, 1 above 1, (x + 1) / 2 between. Keras: keras.ops.sparse_sigmoid."""
    x = convert(x)
    return tf.clip_by_value(0.5 * (x + 1), 0.0, 1.0)


@_operation()
def silu(x: Any) -> Any:
    """x * sigmoid(x). Keras: keras.ops.silu."""
    return tf.silu(floating(x))


swish = silu


@_operation()
def log_sigmoid(x: Any) -> Any:
    """log(sigmoid(x)). Keras: keras.ops.log_sigmoid."""
    return tf.log_sigmoid(floating(x))


@_operation()
def hard_sigmoid(x: Any) -> Any:
    """relu6(x + 3) / 6. Keras: keras.ops.hard_sigmoid."""
    return tf.relu6(convert(x) + 3.0) / 6.0


@_operation(name="HardSilu")
def hard_silu(x: Any) -> Any:
    """x * hard_sigmoid(x). Keras: keras.ops.hard_silu."""
    return x * hard_sigmoid(x)


hard_swish = hard_silu


@_operation()
def hard_tanh(x: Any) -> Any:
    """x within [-1, 1], the border outside. Keras: keras.ops.hard_tanh."""
    return tf.clip_by_value(x, -1.0, 1.0)


@_operation()
def hard_shrink(x: Any, threshold: float = 0.5) -> Any:
    """x where its magnitude passes the threshold, else 0. Keras: keras.ops.hard_shrink."""
    return tf.where(tf.abs(x) > threshold, x, tf.zeros_like(x))


@_operation()
def soft_shrink(x: Any, threshold: float = 0.5) -> Any:
    """x moved towards 0 by the threshold, in the dtype of x. Keras: keras.ops.soft_shrink."""
    own = convert(x).dtype
    x = floating(x)
    shrunk = tf.where(x > threshold, x - threshold, tf.where(x < -threshold, x + threshold, tf.zeros_like(x)))
    return tf.cast(shrunk, own)


@_operation()
def tanh_shrink(x: Any) -> Any:
    """x - tanh(x). Keras: keras.ops.tanh_shrink."""
    return x - tf.tanh(x)


@_operation()
def threshold(x: Any, threshold: float, default_value: float) -> Any:
    """x where it passes the threshold, else the default. Keras: keras.ops.threshold."""
    x = convert(x)
    return tf.where(x > threshold, x, tf.cast(default_value, x.dtype))


@_operation()
def softplus(x: Any) -> Any:
    """log(exp(x) + 1). Keras: keras.ops.softplus."""
    return tf.softplus(floating(x))


@_operation()
def softsign(x: Any) -> Any:
    """x / (abs(x) + 1). Keras: keras.ops.softsign."""
    return tf.softsign(floating(x))


@_operation()
def squareplus(x: Any, b: float = 4) -> Any:
    """(x + sqrt(x² + b)) / 2. Keras: keras.ops.squareplus."""
    x = floating(x)
    return (x + tf.sqrt(x**2 + tf.cast(b, x.dtype))) / 2


@_operation()
def sparse_plus(x: Any) -> Any:
    """0 below -1, x above 1, (x + 1)² / 4 between. Keras: keras.ops.sparse_plus."""
    x = floating(x)
    return tf.where(x <= -1, tf.zeros_like(x), tf.where(x < 1, 0.25 * tf.square(x + 1), x))


@_operation()
def softmax(x: Any, axis: Any = -1) -> Any:
    """exp(x) normalized along an axis (over all elements of several, or of None). Keras: keras.ops.softmax."""
    return _along(tf.softmax, floating(x), axis)


@_operation()
def log_softmax(x: Any, axis: Any = -1) -> Any:
    """The logarithm of softmax. Keras: keras.ops.log_softmax."""
    return _along(tf.log_softmax, floating(x), axis)


def _along(function: Any, x: Any, axis: Any) -> Any:
    """A function of one axis, applied to several as if they were one."""
    if isinstance(axis, int):
        return function(x, axis=axis)
    if axis is None:
        return tf.reshape(function(tf.reshape(x, [-1]), axis=-1), tf.shape(x))
    last = axes_of(axis, x.ndim)
    order = [a for a in range(x.ndim) if a not in last] + last
    moved = tf.transpose(x, order)
    sizes = tf.shape(moved)
    flat = function(tf.reshape(moved, tf.concat([sizes[: x.ndim - len(last)], [-1]], 0)), axis=-1)
    back = [order.index(a) for a in range(x.ndim)]
    return tf.transpose(tf.reshape(flat, sizes), back)


@_operation()
def sparsemax(x: Any, axis: int = -1) -> Any:
    """The projection of `x` onto the probability simplex along an axis. Keras: keras.ops.sparsemax."""
    x = floating(x)
    ranked = tf.sort(x, axis=axis, direction="DESCENDING")
    sums = tf.cumsum(ranked, axis=axis)
    shape = [1] * x.ndim
    shape[axis] = -1
    ranks = tf.reshape(tf.range(1, tf.shape(x)[axis] + 1), shape)
    support = 1 + tf.cast(ranks, x.dtype) * ranked > sums
    count = tf.reduce_sum(tf.cast(support, "int32"), axis=axis, keepdims=True)
    total = tf.reduce_sum(tf.where(support, ranked, tf.zeros_like(ranked)), axis=axis, keepdims=True)
    return tf.maximum(x - (total - 1) / tf.cast(count, x.dtype), 0.0)
