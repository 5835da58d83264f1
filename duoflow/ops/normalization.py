"""Moments and the normalisations built on them, and dropout."""

from __future__ import annotations

import numbers
from typing import Any

import numpy as np

from duoflow.core import dtypes
from duoflow.core.emit import emit_one
from duoflow.core.late import F
from duoflow.core.record import Kind, Op, register
from duoflow.core.spec import Spec
from duoflow.core.tensor import Operators, convert

from .convolution import channels_first, to_first, to_last
from .families import FLOATING, check_dtype
from .static import operand

__all__ = [
    "batch_norm_with_global_normalization", "batch_normalization", "dropout", "experimental_stateless_dropout",
    "fused_batch_norm", "local_response_normalization", "lrn", "moments", "normalize_moments", "sufficient_statistics",
    "weighted_moments",
]  # fmt: skip


def _axes(axes: Any) -> list[int]:
    return [int(a) for a in np.reshape(axes, -1)]


def moments(x: Any, axes: Any, shift: Any = None, keepdims: bool = False, name: str | None = None) -> tuple[Any, Any]:
    """The mean and variance of `x` over `axes`.

    float16 and bfloat16 are worked on in float32 and cast back.

    >>> mean, variance = tf.nn.moments(tf.constant([1.0, 3.0]), [0])
    >>> mean.numpy().item(), variance.numpy().item()
    (2.0, 1.0)

    TensorFlow: tf.nn.moments.
    """
    x, axes = convert(x), _axes(axes)
    with F.name_scope(name or "moments"):
        y = F.cast(x, dtypes.float32) if x.dtype.size == 2 and x.dtype.is_floating else x
        mean = F.reduce_mean(y, axes, keepdims=True)
        variance = F.reduce_mean(F.squared_difference(y, F.stop_gradient(mean)), axes, keepdims=True)
        if not keepdims:
            mean, variance = F.squeeze(mean, axes), F.squeeze(variance, axes)
        return F.cast(mean, x.dtype), F.cast(variance, x.dtype)


def weighted_moments(
    x: Any, axes: Any, frequency_weights: Any, keepdims: bool = False, name: str | None = None
) -> tuple[Any, Any]:
    """The mean and variance with a weight per element. TensorFlow: tf.nn.weighted_moments."""
    x, axes = convert(x), _axes(axes)
    weights = F.cast(convert(frequency_weights), x.dtype) + F.zeros_like(x)
    total = F.reduce_sum(weights, axes, keepdims=True)
    mean = F.reduce_sum(weights * x, axes, keepdims=True) / total
    variance = F.reduce_sum(weights * F.squared_difference(x, mean), axes, keepdims=True) / total
    return (mean, variance) if keepdims else (F.squeeze(mean, axes), F.squeeze(variance, axes))


def sufficient_statistics(
    x: Any, axes: Any, shift: Any = None, keepdims: bool = False, name: str | None = None
) -> tuple[Any, Any, Any, Any]:
    """(count, sum, sum of squares, shift) of `x - shift` over `axes`. TensorFlow: tf.nn.sufficient_statistics."""
    x, axes = convert(x), _axes(axes)
    count = F.cast(F.reduce_prod(F.gather(F.shape(x), [a % x.ndim for a in axes])), x.dtype)
    moved = x if shift is None else x - shift
    total = F.reduce_sum(moved, axes, keepdims=keepdims)
    return (
        count,
        total,
        F.reduce_sum(F.square(moved), axes, keepdims=keepdims),
        None if shift is None else convert(shift),
    )


def normalize_moments(
    counts: Any, mean_ss: Any, variance_ss: Any, shift: Any, name: str | None = None
) -> tuple[Any, Any]:
    """Mean and variance from `sufficient_statistics`. TensorFlow: tf.nn.normalize_moments."""
    divisor = F.reciprocal(counts)
    shifted = mean_ss * divisor
    mean = shifted if shift is None else shifted + shift
    return mean, variance_ss * divisor - F.square(shifted)


def batch_normalization(
    x: Any, mean: Any, variance: Any, offset: Any, scale: Any, variance_epsilon: Any, name: str | None = None
) -> Any:
    """scale * (x - mean) / sqrt(variance + variance_epsilon) + offset; scale and offset may be None.

    Ioffe & Szegedy, 2015. TensorFlow: tf.nn.batch_normalization.
    """
    with F.name_scope(name or "batchnorm"):
        factor = F.rsqrt(variance + variance_epsilon)
        if scale is not None:
            factor = factor * scale
        bias = offset - mean * factor if offset is not None else -mean * factor
        x = convert(x)
        return x * F.cast(factor, x.dtype) + F.cast(bias, x.dtype)


def batch_norm_with_global_normalization(
    input: Any, mean: Any, variance: Any, beta: Any, gamma: Any, variance_epsilon: Any,
    scale_after_normalization: bool, name: str | None = None,
) -> Any:  # fmt: skip
    """`batch_normalization` under its old signature. TensorFlow: tf.nn.batch_norm_with_global_normalization."""
    scale = gamma if scale_after_normalization else None
    return batch_normalization(input, mean, variance, beta, scale, variance_epsilon, name)


def fused_batch_norm(
    x: Any, scale: Any, offset: Any, mean: Any = None, variance: Any = None, epsilon: float = 0.001,
    data_format: str = "NHWC", is_training: bool = True, name: str | None = None, exponential_avg_factor: float = 1.0,
) -> tuple[Any, Any, Any]:  # fmt: skip
    """Batch normalisation of images with the running moments: (y, batch mean, batch variance).

    In training the returned variance is the unbiased one, mixed with the old by `exponential_avg_factor`.

    TensorFlow: tf.compat.v1.nn.fused_batch_norm.
    """
    x = convert(x)
    first = channels_first(data_format, x.ndim - 2)
    x = to_last(x, first, 2)
    wide = F.cast(x, dtypes.float32) if x.dtype.size == 2 else x
    if not is_training:
        y = batch_normalization(wide, mean, variance, offset, scale, epsilon)
        return to_first(F.cast(y, x.dtype), first), convert(mean), convert(variance)
    axes = list(range(x.ndim - 1))
    batch_mean, batch_variance = moments(wide, axes)
    y = batch_normalization(wide, batch_mean, batch_variance, offset, scale, epsilon)
    count = F.cast(F.size(wide) // F.shape(wide)[-1], wide.dtype)
    unbiased = batch_variance * (count / F.maximum(count - 1, 1))
    if exponential_avg_factor != 1.0:
        keep = 1.0 - exponential_avg_factor
        batch_mean = keep * mean + exponential_avg_factor * batch_mean
        unbiased = keep * variance + exponential_avg_factor * unbiased
    return to_first(F.cast(y, x.dtype), first), batch_mean, unbiased


def _infer_lrn(x: Spec, **attrs: Any) -> Spec:
    check_dtype("LRN", "input", x.dtype, FLOATING)
    if x.rank not in (None, 4):
        raise ValueError(f"LRN: input must be 4-dimensional, received {x}")
    return Spec(x.shape, x.dtype)


def _lrn(x: Any, *, radius: int, bias: float, alpha: float, beta: float) -> Any:
    wide = np.square(x.astype(np.float32) if x.dtype.itemsize < 4 else x)
    padded = np.pad(wide, [(0, 0)] * 3 + [(radius, radius)])
    total = np.lib.stride_tricks.sliding_window_view(padded, 2 * radius + 1, axis=3).sum(-1)
    return (x / np.power(bias + alpha * total, beta)).astype(x.dtype)


def _expand_lrn(x: Any, *, radius: int, bias: float, alpha: float, beta: float) -> Any:
    padded = F.pad(F.square(x), [[0, 0], [0, 0], [0, 0], [radius, radius]])
    depth = F.shape(x)[-1]
    total = F.add_n(
        [F.slice(padded, [0, 0, 0, k], F.concat([[-1, -1, -1], [depth]], 0)) for k in range(2 * radius + 1)]
    )
    return x / F.pow(bias + alpha * total, F.cast(beta, x.dtype))


LRN = register(Op("LRN", Kind.COMPOUND, _infer_lrn, _lrn, expand=_expand_lrn))


def local_response_normalization(
    input: Any, depth_radius: int = 5, bias: float = 1.0, alpha: float = 1.0, beta: float = 0.5, name: str | None = None
) -> Any:
    """input / (bias + alpha * sum of squares over 2 * depth_radius + 1 neighbouring channels) ** beta.

    Krizhevsky et al., 2012. TensorFlow: tf.nn.local_response_normalization.
    """
    attrs = {"radius": int(depth_radius), "bias": float(bias), "alpha": float(alpha), "beta": float(beta)}
    return emit_one(LRN, (convert(input),), attrs, name)


lrn = local_response_normalization


def dropout(x: Any, rate: Any, noise_shape: Any = None, seed: Any = None, name: str | None = None) -> Any:
    """Zero a random share `rate` of the elements and scale the rest by 1 / (1 - rate).

    Args:
      x: a floating-point tensor.
      rate: a number or scalar tensor in [0, 1).
      noise_shape: the shape of the random choice; 1 makes it common to a dimension.

    Raises `ValueError` for a rate out of range or an `x` that is not floating point.

    TensorFlow: tf.nn.dropout.
    """
    return _dropout(x, rate, noise_shape, lambda shape, dtype: F.random_uniform(shape, seed=seed, dtype=dtype), name)


def experimental_stateless_dropout(
    x: Any, rate: Any, seed: Any, rng_alg: str = "auto_select", noise_shape: Any = None, name: str | None = None
) -> Any:
    """`dropout` that is a pure function of its seed. TensorFlow: tf.nn.experimental.stateless_dropout."""

    def draw(shape: Any, dtype: Any) -> Any:
        return F.stateless_uniform(shape, seed, dtype=dtype, alg=rng_alg)

    return _dropout(x, rate, noise_shape, draw, name)


def _dropout(x: Any, rate: Any, noise_shape: Any, draw: Any, name: str | None) -> Any:
    with F.name_scope(name or "dropout"):
        is_number = isinstance(rate, numbers.Real)
        if not is_number and not isinstance(rate, Operators):
            raise ValueError(f"`rate` must be a scalar or scalar tensor. Received: rate={rate}")
        if is_number and not 0 <= rate < 1:
            raise ValueError(f"`rate` must be a scalar tensor or a float in the range [0, 1). Received: rate={rate}")
        x = convert(x)
        if not x.dtype.is_floating:
            raise ValueError(
                "`x.dtype` must be a floating point tensor as `x` will be scaled. "
                f"Received: x.dtype={x.dtype!r}. Use tf.cast."
            )
        if is_number and rate == 0:
            return F.identity(x)
        if not is_number:
            rate = operand(rate, x)
            if rate.spec.rank not in (None, 0):
                raise ValueError(f"`rate` must be a scalar. Received a tensor of shape {rate.shape}")
            rate = F.cast(rate, x.dtype)
        shape = F.shape(x) if noise_shape is None else _noise_shape(x, noise_shape)
        dtype = dtypes.float32 if x.dtype is dtypes.bfloat16 else x.dtype
        keep = draw(shape, dtype) >= F.cast(rate, dtype)
        scale = 1.0 / (1.0 - rate)
        return F.where(keep, x * F.cast(scale, x.dtype), F.zeros([], x.dtype))


def _noise_shape(x: Any, noise_shape: Any) -> Any:
    if isinstance(noise_shape, (list, tuple)) and x.spec.rank == len(noise_shape):
        dynamic = F.shape(x)
        return F.stack([dynamic[i] if d is None else d for i, d in enumerate(noise_shape)])
    return noise_shape
