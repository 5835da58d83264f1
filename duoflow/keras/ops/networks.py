"""keras.ops.nn, the rest: normalization, one-hot encodings, crossentropies, attention, alignment of labels."""

from __future__ import annotations

import math
from functools import partial
from typing import Any

from duoflow import ops as tf
from duoflow.core.tensor import convert

from ..dtypes import promoted, result_type
from ..preferences import epsilon
from ..variables import standardize_dtype
from .definition import axes_of, floating, operation

__all__ = [
    "batch_normalization", "binary_crossentropy", "categorical_crossentropy", "dot_product_attention",
    "layer_normalization", "moments", "multi_hot", "normalize", "one_hot", "polar", "psnr", "rms_normalization",
    "sparse_categorical_crossentropy",
]  # fmt: skip

_operation = partial(operation, module="keras.src.ops.nn")


@_operation()
def moments(x: Any, axes: Any, keepdims: bool = False, synchronized: bool = False) -> Any:
    """Mean and variance over axes; 16-bit floats are summed in float32. Keras: keras.ops.moments."""
    x = convert(x)
    wide = tf.cast(x, "float32") if x.dtype.name in ("float16", "bfloat16") else x
    mean = tf.reduce_mean(wide, axes, keepdims=True)
    variance = tf.reduce_mean(tf.square(wide), axes, keepdims=True) - tf.square(mean)
    if not keepdims:
        mean, variance = tf.squeeze(mean, axes), tf.squeeze(variance, axes)
    if wide is x:
        return mean, variance
    kind = x.dtype
    return tf.saturate_cast(mean, kind), tf.saturate_cast(variance, kind)


@_operation(inputs=3)
def batch_normalization(
    x: Any, mean: Any, variance: Any, axis: int, offset: Any = None, scale: Any = None, epsilon: float = 1e-3
) -> Any:
    """(x - mean) / sqrt(variance + epsilon) * scale + offset, along an axis. Keras: keras.ops.batch_normalization."""
    x = convert(x)
    if axis in (-1, x.ndim - 1):
        return tf.batch_normalization(x, mean, variance, offset, scale, epsilon)
    shape = [1] * x.ndim
    shape[axis] = mean.shape[0]
    parts = [None if p is None else tf.reshape(p, shape) for p in (mean, variance, offset, scale)]
    return tf.batch_normalization(x, *parts, epsilon)


@_operation()
def layer_normalization(
    x: Any, gamma: Any = None, beta: Any = None, axis: Any = -1, epsilon: float | None = None, **kwargs: Any
) -> Any:
    """Normalize each example over axes; with `rms_scaling`, by the mean square alone.

    Keras: keras.ops.layer_normalization.
    """
    rms_scaling = kwargs.pop("rms_scaling", False)
    if kwargs:
        raise TypeError(f"layer_normalization() got unexpected arguments {sorted(kwargs)}")
    x = convert(x)
    axes = axes_of(axis, x.ndim)
    epsilon = 1e-3 if epsilon is None else epsilon
    kind = x.dtype
    wide = tf.cast(x, "float32") if kind.name in ("float16", "bfloat16") else x
    shape = [x.shape[a] if a in axes else 1 for a in range(x.ndim)]

    def aligned(weight: Any) -> Any:
        return None if weight is None else tf.cast(tf.reshape(weight, shape), wide.dtype)

    if rms_scaling:
        variance = tf.reduce_mean(tf.square(wide), axes, keepdims=True)
        out = wide * tf.rsqrt(variance + epsilon)
        return tf.cast(out if gamma is None else out * aligned(gamma), kind)
    mean, variance = tf.moments(wide, axes, keepdims=True)
    return tf.cast(tf.batch_normalization(wide, mean, variance, aligned(beta), aligned(gamma), epsilon), kind)


@_operation()
def rms_normalization(x: Any, scale: Any = None, axis: Any = -1, epsilon: float | None = None) -> Any:
    """x divided by its root mean square over axes. Keras: keras.ops.rms_normalization."""
    return layer_normalization(
        x, gamma=scale, axis=axis, epsilon=1e-6 if epsilon is None else epsilon, rms_scaling=True
    )


@_operation()
def normalize(x: Any, axis: Any = -1, order: Any = 2, epsilon: float | None = None) -> Any:
    """x divided by its norm along an axis. Keras: keras.ops.normalize."""
    if not isinstance(order, int) or order < 1:
        raise ValueError(f"Argument `order` must be an int >= 1. Received: order={order}")
    x = floating(x)
    epsilon = _fuzz() if epsilon is None else epsilon
    if order == 2:
        return x * tf.rsqrt(tf.maximum(tf.reduce_sum(tf.square(x), axis, keepdims=True), epsilon**2))
    return x / tf.maximum(tf.norm(x, ord=order, axis=axis, keepdims=True), epsilon)


_fuzz = epsilon


# -- classes -----------------------------------------------------------------------------------------------------------


@_operation()
def one_hot(x: Any, num_classes: int, axis: int = -1, dtype: Any = None, sparse: bool = False) -> Any:
    """Vectors with a one at the index in `x`; zeros for indices outside. Keras: keras.ops.one_hot."""
    if sparse:
        raise NotImplementedError("Sparse tensors are not supported; use sparse=False.")
    return tf.one_hot(tf.cast(x, "int64"), num_classes, axis=axis, dtype=standardize_dtype(dtype))


@_operation()
def multi_hot(
    inputs: Any, num_classes: int | None = None, axis: int = -1, dtype: Any = None, sparse: bool = False, **kwargs: Any
) -> Any:
    """Ones at all the indices of each example. Keras: keras.ops.multi_hot."""
    num_classes = kwargs.pop("num_tokens", num_classes)
    if kwargs or num_classes is None:
        raise ValueError(f"Give `num_classes`. Received: num_classes={num_classes}, {kwargs}")
    inputs = convert(inputs)
    reduced = 1 if inputs.ndim > 1 else 0
    return tf.reduce_max(one_hot(inputs, num_classes, axis, dtype, sparse), axis=reduced)


@_operation(inputs=2)
def categorical_crossentropy(target: Any, output: Any, from_logits: bool = False, axis: int = -1) -> Any:
    """-sum(target * log(output)) along an axis. Keras: keras.ops.categorical_crossentropy."""
    target, output = tf.cast(target, convert(output).dtype), convert(output)
    _same_shape(target, output)
    if from_logits:
        return tf.softmax_cross_entropy_with_logits(labels=target, logits=output, axis=axis)
    output = output / tf.reduce_sum(output, axis, keepdims=True)
    output = tf.clip_by_value(output, epsilon(), 1.0 - epsilon())
    return -tf.reduce_sum(target * tf.log(output), axis)


@_operation(inputs=2)
def sparse_categorical_crossentropy(target: Any, output: Any, from_logits: bool = False, axis: int = -1) -> Any:
    """Crossentropy with class indices as targets. Keras: keras.ops.sparse_categorical_crossentropy."""
    target, output = convert(target), convert(output)
    if target.ndim == output.ndim and target.shape[-1] == 1:
        target = tf.squeeze(target, [-1])
    if not from_logits:
        output = tf.log(tf.clip_by_value(output, epsilon(), 1.0 - epsilon()))
    if axis not in (-1, output.ndim - 1):
        (at,) = axes_of(axis, output.ndim)
        output = tf.transpose(output, [a for a in range(output.ndim) if a != at] + [at])
    return tf.sparse_softmax_cross_entropy_with_logits(labels=tf.cast(target, "int64"), logits=output)


@_operation(inputs=2)
def binary_crossentropy(target: Any, output: Any, from_logits: bool = False) -> Any:
    """-(target * log(output) + (1 - target) * log(1 - output)). Keras: keras.ops.binary_crossentropy."""
    output = convert(output)
    target = tf.cast(target, output.dtype)
    _same_shape(target, output)
    if from_logits:
        return tf.sigmoid_cross_entropy_with_logits(labels=target, logits=output)
    output = tf.clip_by_value(output, epsilon(), 1.0 - epsilon())
    return -(target * tf.log(output) + (1 - target) * tf.log(1 - output))


def _same_shape(target: Any, output: Any) -> None:
    if len(target.shape) != len(output.shape):
        raise ValueError(
            "Arguments `target` and `output` must have the same rank (ndim). Received: "
            f"target.shape={tuple(target.shape)}, output.shape={tuple(output.shape)}"
        )
    for a, b in zip(target.shape, output.shape, strict=True):
        if a is not None and b is not None and a != b:
            raise ValueError(
                "Arguments `target` and `output` must have the same shape. Received: "
                f"target.shape={tuple(target.shape)}, output.shape={tuple(output.shape)}"
            )


# -- attention ---------------------------------------------------------------------------------------------------------


@_operation(inputs=3)
def dot_product_attention(
    query: Any, key: Any, value: Any, bias: Any = None, mask: Any = None, scale: float | None = None,
    is_causal: bool = False, flash_attention: bool | None = None, attn_logits_soft_cap: float | None = None,
) -> Any:  # fmt: skip
    """Attention of queries [batch, queries, heads, size] over keys and values [batch, keys, heads, size].

    Args:
      bias: added to the scores [batch, heads, queries, keys]. mask: which of them count.
      scale: of the scores, 1 / sqrt(size) if not given. is_causal: whether queries see no later keys.
      flash_attention: accepted; the engine chooses. attn_logits_soft_cap: not supported, as in Keras on TensorFlow.

    Keys and values may have fewer heads than queries, each then serving several.

    Keras: keras.ops.dot_product_attention.
    """
    query, key, value = promoted(query, key, value)
    if query.ndim != 4:
        raise ValueError(
            "`dot_product_attention` only supports 4D inputs. Received: "
            f"query.shape={tuple(query.shape)}, key.shape={tuple(key.shape)}, value.shape={tuple(value.shape)}."
        )
    if attn_logits_soft_cap is not None:
        raise ValueError("`attn_logits_soft_cap` is not supported; leave it None.")
    shared = query.shape[2] // key.shape[2]
    if shared > 1:
        key, value = tf.repeat(key, shared, axis=2), tf.repeat(value, shared, axis=2)
    kind = key.dtype
    scores = tf.einsum("btnh,bsnh->bnts", query, key)
    scores = tf.cast(scores, result_type(kind, "float32"))
    scores = scores * (1.0 / math.sqrt(key.shape[-1]) if scale is None else scale)
    if bias is not None:
        scores = scores + tf.cast(bias, scores.dtype)
    allowed = None if mask is None else tf.cast(mask, "bool")
    if is_causal:
        causal = tf.expand_dims(tf.range(tf.shape(scores)[2]), 1) >= tf.range(tf.shape(scores)[3])
        allowed = causal if allowed is None else tf.logical_and(allowed, causal)
    if allowed is not None:
        scores = tf.where(allowed, scores, tf.cast(-0.7 * scores.dtype.max, scores.dtype))
    return tf.einsum("bnts,bsnh->btnh", tf.cast(tf.softmax(scores, axis=-1), kind), value)


# -- signals -----------------------------------------------------------------------------------------------------------


@_operation(inputs=2)
def polar(abs_: Any, angle: Any) -> Any:
    """Complex numbers of magnitudes and angles. Keras: keras.ops.nn.polar."""
    size, angle = promoted(floating(abs_), floating(angle))
    return tf.complex(size * tf.cos(angle), size * tf.sin(angle))


@_operation(inputs=2)
def psnr(x1: Any, x2: Any, max_val: float) -> Any:
    """The ratio of the largest value's square to the mean squared difference, in decibels. Keras: keras.ops.psnr."""
    a, b = promoted(x1, x2)
    if tuple(a.shape) != tuple(b.shape):
        raise ValueError(f"Input shapes {tuple(a.shape)} and {tuple(b.shape)} must match for PSNR calculation.")
    decibel = 10 / math.log(10)
    return decibel * (2 * tf.log(tf.cast(max_val, a.dtype)) - tf.log(tf.reduce_mean(tf.square(a - b))))
