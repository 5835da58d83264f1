"""The functions of `tf.keras.backend` that losses, metrics and layers of older programs are written with.

Each is a function of TensorFlow, or of `keras.losses`, under its older name and with its older arguments.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from duoflow import ops as tf
from duoflow.core.tensor import convert

from . import activations
from .losses import functions as losses
from .preferences import epsilon, floatx
from .variables import Variable, standardize_dtype

__all__ = [
    "abs", "all", "any", "argmax", "argmin", "batch_flatten", "binary_crossentropy", "cast", "cast_to_floatx",
    "categorical_crossentropy", "clip", "concatenate", "constant", "cos", "count_params", "dot", "equal", "eval", "exp",
    "expand_dims", "flatten", "gather", "get_value", "greater", "greater_equal", "int_shape", "l2_normalize", "less",
    "less_equal", "log", "max", "maximum", "mean", "min", "minimum", "ndim", "not_equal", "one_hot", "ones",
    "ones_like", "permute_dimensions", "pow", "prod", "random_normal", "random_uniform", "relu", "reshape", "round",
    "set_value", "shape", "sigmoid", "sign", "sin", "softmax", "softplus", "sparse_categorical_crossentropy", "sqrt",
    "square", "squeeze", "stack", "std", "stop_gradient", "sum", "switch", "tanh", "tile", "transpose", "update",
    "update_add", "update_sub", "var", "variable", "zeros", "zeros_like",
]  # fmt: skip

cos, exp, log, pow, round, sign, sin, tanh = tf.cos, tf.exp, tf.log, tf.pow, tf.round, tf.sign, tf.sin, tf.tanh
abs, sigmoid, softplus, square = tf.abs, tf.sigmoid, tf.softplus, tf.square
equal, greater, greater_equal, less, less_equal = tf.equal, tf.greater, tf.greater_equal, tf.less, tf.less_equal
maximum, minimum, not_equal = tf.maximum, tf.minimum, tf.not_equal
reshape, shape, stack, stop_gradient, tile = tf.reshape, tf.shape, tf.stack, tf.stop_gradient, tf.tile
softmax, relu = activations.softmax, activations.relu


def _reduction(function: Callable[..., Any], name: str, of_floats: bool = False) -> Callable[..., Any]:
    def reduce(x: Any, axis: Any = None, keepdims: bool = False) -> Any:
        x = convert(x)
        if of_floats and x.dtype.is_bool:
            x = tf.cast(x, floatx())
        return function(x, axis, keepdims)

    reduce.__name__ = reduce.__qualname__ = name
    reduce.__doc__ = f"`tf.{function.__name__}` under its older name. TensorFlow: tf.keras.backend.{name}."
    return reduce


max, min = _reduction(tf.reduce_max, "max"), _reduction(tf.reduce_min, "min")
sum, prod = _reduction(tf.reduce_sum, "sum"), _reduction(tf.reduce_prod, "prod")
mean = _reduction(tf.reduce_mean, "mean", of_floats=True)
std = _reduction(tf.reduce_std, "std", of_floats=True)
var = _reduction(tf.reduce_variance, "var", of_floats=True)


def all(x: Any, axis: Any = None, keepdims: bool = False) -> Any:
    """Whether all elements are true. TensorFlow: tf.keras.backend.all."""
    return tf.reduce_all(tf.cast(x, "bool"), axis, keepdims)


def any(x: Any, axis: Any = None, keepdims: bool = False) -> Any:
    """Whether any element is true. TensorFlow: tf.keras.backend.any."""
    return tf.reduce_any(tf.cast(x, "bool"), axis, keepdims)


def argmax(x: Any, axis: int = -1) -> Any:
    """The index of the largest element. TensorFlow: tf.keras.backend.argmax."""
    return tf.argmax(x, axis)


def argmin(x: Any, axis: int = -1) -> Any:
    """The index of the smallest element. TensorFlow: tf.keras.backend.argmin."""
    return tf.argmin(x, axis)


def sqrt(x: Any) -> Any:
    """The square root; 0 where x is negative. TensorFlow: tf.keras.backend.sqrt."""
    x = convert(x)
    return tf.sqrt(tf.maximum(x, tf.zeros([], x.dtype)))


def clip(x: Any, min_value: Any, max_value: Any) -> Any:
    """Values kept between two bounds; None is no bound. TensorFlow: tf.keras.backend.clip."""
    low, high = -np.inf if min_value is None else min_value, np.inf if max_value is None else max_value
    return tf.clip_by_value(x, low, high)


def cast(x: Any, dtype: Any) -> Any:
    """Another element type. TensorFlow: tf.keras.backend.cast."""
    return tf.cast(x, dtype)


def cast_to_floatx(x: Any) -> Any:
    """An array, or tensor, of the default float type. TensorFlow: tf.keras.backend.cast_to_floatx."""
    return tf.cast(x, floatx()) if hasattr(x, "graph") or hasattr(x, "numpy") else np.asarray(x, dtype=floatx())


def concatenate(tensors: Any, axis: int = -1) -> Any:
    """Tensors one after another. TensorFlow: tf.keras.backend.concatenate."""
    return tf.concat([convert(t) for t in tensors], axis)


def expand_dims(x: Any, axis: int = -1) -> Any:
    """A further axis of length one. TensorFlow: tf.keras.backend.expand_dims."""
    return tf.expand_dims(x, axis)


def squeeze(x: Any, axis: int) -> Any:
    """Without an axis of length one. TensorFlow: tf.keras.backend.squeeze."""
    return tf.squeeze(x, [axis])


def flatten(x: Any) -> Any:
    """All elements in one row. TensorFlow: tf.keras.backend.flatten."""
    return tf.reshape(x, [-1])


def batch_flatten(x: Any) -> Any:
    """The elements of each example in one row. TensorFlow: tf.keras.backend.batch_flatten."""
    return tf.reshape(x, tf.stack([-1, tf.reduce_prod(tf.shape(x)[1:])]))


def permute_dimensions(x: Any, pattern: Any) -> Any:
    """The axes in another order. TensorFlow: tf.keras.backend.permute_dimensions."""
    return tf.transpose(x, pattern)


def transpose(x: Any) -> Any:
    """The axes in reverse. TensorFlow: tf.keras.backend.transpose."""
    return tf.transpose(x)


def gather(reference: Any, indices: Any) -> Any:
    """Rows by number. TensorFlow: tf.keras.backend.gather."""
    return tf.gather(reference, indices)


def dot(x: Any, y: Any) -> Any:
    """The product over x's last axis and y's last but one. TensorFlow: tf.keras.backend.dot."""
    x, y = convert(x), convert(y)
    return tf.tensordot(x, y, [[len(x.shape) - 1], [0 if len(y.shape) == 1 else len(y.shape) - 2]])


def one_hot(indices: Any, num_classes: int) -> Any:
    """Class numbers as one-hot rows. TensorFlow: tf.keras.backend.one_hot."""
    return tf.one_hot(indices, num_classes)


def l2_normalize(x: Any, axis: Any = None) -> Any:
    """Divided by the Euclidean norm. TensorFlow: tf.keras.backend.l2_normalize."""
    return tf.l2_normalize(x, axis=axis)


def switch(condition: Any, then_expression: Any, else_expression: Any) -> Any:
    """One of two values, or of two functions' results. TensorFlow: tf.keras.backend.switch."""
    if callable(then_expression):
        return tf.cond(condition, then_expression, else_expression)
    return tf.where(condition, then_expression, else_expression)


def constant(value: Any, dtype: Any = None, shape: Any = None, name: str | None = None) -> Any:
    """A constant of the default float type. TensorFlow: tf.keras.backend.constant."""
    return tf.constant(value, dtype=dtype or floatx(), shape=shape, name=name)


def zeros(shape: Any, dtype: Any = None, name: str | None = None) -> Any:
    """Zeros in a variable. TensorFlow: tf.keras.backend.zeros."""
    return variable(np.zeros(shape), dtype, name)


def ones(shape: Any, dtype: Any = None, name: str | None = None) -> Any:
    """Ones in a variable. TensorFlow: tf.keras.backend.ones."""
    return variable(np.ones(shape), dtype, name)


def zeros_like(x: Any, dtype: Any = None, name: str | None = None) -> Any:
    """Zeros of x's shape. TensorFlow: tf.keras.backend.zeros_like."""
    return tf.zeros_like(x, dtype=dtype, name=name)


def ones_like(x: Any, dtype: Any = None, name: str | None = None) -> Any:
    """Ones of x's shape. TensorFlow: tf.keras.backend.ones_like."""
    return tf.ones_like(x, dtype=dtype, name=name)


def variable(value: Any, dtype: Any = None, name: str | None = None) -> Variable:
    """A variable of the default float type. TensorFlow: tf.keras.backend.variable."""
    return Variable(value, dtype=standardize_dtype(dtype or floatx()), name=name)


def get_value(x: Any) -> Any:
    """A tensor's or variable's value as an array. TensorFlow: tf.keras.backend.get_value."""
    return np.asarray(x)


eval = get_value


def set_value(x: Any, value: Any) -> None:
    """Give a variable a value. TensorFlow: tf.keras.backend.set_value."""
    x.assign(value)


def update(x: Any, new_x: Any) -> Any:
    """Give a variable a value. TensorFlow: tf.keras.backend.update."""
    return x.assign(new_x)


def update_add(x: Any, increment: Any) -> Any:
    """Add to a variable. TensorFlow: tf.keras.backend.update_add."""
    return x.assign_add(increment)


def update_sub(x: Any, decrement: Any) -> Any:
    """Subtract from a variable. TensorFlow: tf.keras.backend.update_sub."""
    return x.assign_sub(decrement)


def int_shape(x: Any) -> tuple[int | None, ...] | None:
    """The shape as a tuple, None where unknown. TensorFlow: tf.keras.backend.int_shape."""
    return None if x.shape is None else tuple(x.shape)


def ndim(x: Any) -> int:
    """The number of axes. TensorFlow: tf.keras.backend.ndim."""
    return len(x.shape)


def count_params(x: Any) -> int:
    """The number of elements. TensorFlow: tf.keras.backend.count_params."""
    return int(np.prod(tuple(x.shape)))


def random_normal(shape: Any, mean: float = 0.0, stddev: float = 1.0, dtype: Any = None, seed: Any = None) -> Any:
    """Normal random numbers. TensorFlow: tf.keras.backend.random_normal."""
    seed = np.random.randint(10_000_000) if seed is None else seed
    return tf.random_normal(shape, mean, stddev, dtype or floatx(), seed)


def random_uniform(shape: Any, minval: float = 0.0, maxval: float = 1.0, dtype: Any = None, seed: Any = None) -> Any:
    """Uniform random numbers. TensorFlow: tf.keras.backend.random_uniform."""
    seed = np.random.randint(10_000_000) if seed is None else seed
    return tf.random_uniform(shape, minval, maxval, dtype or floatx(), seed)


def binary_crossentropy(target: Any, output: Any, from_logits: bool = False) -> Any:
    """The cross-entropy of each element, not averaged. TensorFlow: tf.keras.backend.binary_crossentropy."""
    target, output = tf.cast(target, convert(output).dtype), convert(output)
    if from_logits:
        return tf.sigmoid_cross_entropy_with_logits(labels=target, logits=output)
    output = tf.clip_by_value(output, epsilon(), 1.0 - epsilon())
    return -(target * tf.log(output) + (1.0 - target) * tf.log(1.0 - output))


def categorical_crossentropy(target: Any, output: Any, from_logits: bool = False, axis: int = -1) -> Any:
    """The cross-entropy of each example. TensorFlow: tf.keras.backend.categorical_crossentropy."""
    return losses.categorical_crossentropy(target, output, from_logits=from_logits, axis=axis)


def sparse_categorical_crossentropy(target: Any, output: Any, from_logits: bool = False, axis: int = -1) -> Any:
    """The cross-entropy of each class number. TensorFlow: tf.keras.backend.sparse_categorical_crossentropy."""
    return losses.sparse_categorical_crossentropy(target, output, from_logits=from_logits, axis=axis)
