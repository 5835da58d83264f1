"""`tf.compat.v1.nn`: `tf.nn` with the old signatures where they differ, recurrent networks, and sampled losses.

A name is looked for here, then among those that share a table (`ops`, `rnn`, `sampling`), then in `tf.nn`.
"""

from __future__ import annotations

from typing import Any

import duoflow
from duoflow.core.late import F
from duoflow.ops.embedding import lookup

from . import ops, rnn, rnn_cell, sampling
from .partitions import PartitionedVariable

__all__ = [
    "avg_pool", "avg_pool2d", "conv1d", "conv2d", "conv2d_backprop_filter", "conv2d_backprop_input",
    "conv2d_transpose", "conv3d", "conv3d_transpose", "convolution", "crelu", "depthwise_conv2d",
    "depthwise_conv2d_native", "embedding_lookup", "fused_batch_norm", "in_top_k", "max_pool", "moments", "pool",
    "relu_layer", "rnn_cell", "separable_conv2d", "weighted_cross_entropy_with_logits", "weighted_moments",
    "xw_plus_b", "zero_fraction",
]  # fmt: skip

_CHANGED = frozenset(
    """dropout log_softmax sigmoid_cross_entropy_with_logits softmax softmax_cross_entropy_with_logits
    softmax_cross_entropy_with_logits_v2 sparse_softmax_cross_entropy_with_logits""".split()
)
_either = ops.either


# -- convolutions ------------------------------------------------------------------------------------------------------


def conv1d(
    value: Any = None, filters: Any = None, stride: Any = None, padding: Any = None, use_cudnn_on_gpu: Any = None,
    data_format: str | None = None, name: str | None = None, input: Any = None, dilations: Any = None,
) -> Any:  # fmt: skip
    """`tf.nn.conv1d`. TensorFlow: tf.compat.v1.nn.conv1d."""
    value = _either(input, value, "input", "value")
    form = {None: "NWC", "NHWC": "NWC", "NCHW": "NCW"}.get(data_format, data_format)
    return F.conv1d(value, filters, stride, padding, form, dilations, name)


def conv2d(
    input: Any, filter: Any = None, strides: Any = None, padding: Any = None, use_cudnn_on_gpu: bool = True,
    data_format: str = "NHWC", dilations: Any = None, name: str | None = None, filters: Any = None,
) -> Any:  # fmt: skip
    """`tf.nn.conv2d`. TensorFlow: tf.compat.v1.nn.conv2d."""
    filters = _either(filters, filter, "filters", "filter")
    if padding is None:
        raise ValueError("Argument `padding` is required.")
    return F.conv2d(input, filters, 1 if strides is None else strides, padding, data_format, dilations, name)


def conv3d(
    input: Any, filter: Any = None, strides: Any = None, padding: Any = None, data_format: str = "NDHWC",
    dilations: Any = None, name: str | None = None, filters: Any = None,
) -> Any:  # fmt: skip
    """`tf.nn.conv3d`. TensorFlow: tf.compat.v1.nn.conv3d."""
    return F.conv3d(
        input, _either(filters, filter, "filters", "filter"), strides, padding, data_format, dilations, name
    )


def convolution(
    input: Any, filter: Any = None, padding: Any = None, strides: Any = None, dilation_rate: Any = None,
    name: str | None = None, data_format: str | None = None, filters: Any = None, dilations: Any = None,
) -> Any:  # fmt: skip
    """`tf.nn.convolution`. TensorFlow: tf.compat.v1.nn.convolution."""
    filters = _either(filters, filter, "filters", "filter")
    dilations = _either(dilations, dilation_rate, "dilations", "dilation_rate")
    return F.convolution(input, filters, strides, padding, data_format, dilations, name)


def conv2d_transpose(
    value: Any = None, filter: Any = None, output_shape: Any = None, strides: Any = None, padding: Any = "SAME",
    data_format: str = "NHWC", name: str | None = None, input: Any = None, filters: Any = None, dilations: Any = None,
) -> Any:  # fmt: skip
    """`tf.nn.conv2d_transpose`. TensorFlow: tf.compat.v1.nn.conv2d_transpose."""
    value, filters = _either(input, value, "input", "value"), _either(filters, filter, "filters", "filter")
    return F.conv2d_transpose(value, filters, output_shape, strides, padding, data_format, dilations, name)


def conv3d_transpose(
    value: Any = None, filter: Any = None, output_shape: Any = None, strides: Any = None, padding: Any = "SAME",
    data_format: str = "NDHWC", name: str | None = None, input: Any = None, filters: Any = None, dilations: Any = None,
) -> Any:  # fmt: skip
    """`tf.nn.conv3d_transpose`. TensorFlow: tf.compat.v1.nn.conv3d_transpose."""
    value, filters = _either(input, value, "input", "value"), _either(filters, filter, "filters", "filter")
    return F.conv3d_transpose(value, filters, output_shape, strides, padding, data_format, dilations, name)


def depthwise_conv2d(
    input: Any, filter: Any, strides: Any, padding: Any, rate: Any = None, name: str | None = None,
    data_format: str | None = None, dilations: Any = None,
) -> Any:  # fmt: skip
    """`tf.nn.depthwise_conv2d`. TensorFlow: tf.compat.v1.nn.depthwise_conv2d."""
    return F.depthwise_conv2d(
        input, filter, strides, padding, data_format, _either(dilations, rate, "dilations", "rate"), name
    )


def depthwise_conv2d_native(
    input: Any, filter: Any, strides: Any, padding: Any, data_format: str = "NHWC", dilations: Any = None,
    name: str | None = None,
) -> Any:  # fmt: skip
    """`tf.nn.depthwise_conv2d`. TensorFlow: tf.compat.v1.nn.depthwise_conv2d_native."""
    spatial = dilations[1:3] if isinstance(dilations, (list, tuple)) and len(dilations) == 4 else dilations
    return F.depthwise_conv2d(input, filter, strides, padding, data_format, spatial, name)


def separable_conv2d(
    input: Any, depthwise_filter: Any, pointwise_filter: Any, strides: Any, padding: Any, rate: Any = None,
    name: str | None = None, data_format: str | None = None, dilations: Any = None,
) -> Any:  # fmt: skip
    """`tf.nn.separable_conv2d`. TensorFlow: tf.compat.v1.nn.separable_conv2d."""
    rates = _either(dilations, rate, "dilations", "rate")
    return F.separable_conv2d(input, depthwise_filter, pointwise_filter, strides, padding, data_format, rates, name)


def conv2d_backprop_filter(
    input: Any, filter_sizes: Any, out_backprop: Any, strides: Any, padding: Any, use_cudnn_on_gpu: bool = True,
    data_format: str = "NHWC", dilations: Any = None, name: str | None = None,
) -> Any:  # fmt: skip
    """The gradient of `conv2d` with respect to its filters. TensorFlow: tf.compat.v1.nn.conv2d_backprop_filter."""
    return F.conv2d_backprop_filter(
        input, filter_sizes, out_backprop, strides, padding, use_cudnn_on_gpu, data_format, dilations, name
    )


def conv2d_backprop_input(
    input_sizes: Any, filter: Any = None, out_backprop: Any = None, strides: Any = None, padding: Any = None,
    use_cudnn_on_gpu: bool = True, data_format: str = "NHWC", dilations: Any = None, name: str | None = None,
    filters: Any = None,
) -> Any:  # fmt: skip
    """The gradient of `conv2d` with respect to its input. TensorFlow: tf.compat.v1.nn.conv2d_backprop_input."""
    filters = _either(filters, filter, "filters", "filter")
    return F.conv2d_backprop_input(
        input_sizes, filters, out_backprop, strides, padding, use_cudnn_on_gpu, data_format, dilations, name
    )


# -- pooling -----------------------------------------------------------------------------------------------------------


def max_pool(
    value: Any = None, ksize: Any = None, strides: Any = None, padding: Any = None, data_format: str = "NHWC",
    name: str | None = None, input: Any = None,
) -> Any:  # fmt: skip
    """`tf.nn.max_pool2d`. TensorFlow: tf.compat.v1.nn.max_pool."""
    return F.max_pool2d(_either(input, value, "input", "value"), ksize, strides, padding, data_format, name)


def avg_pool(
    value: Any = None, ksize: Any = None, strides: Any = None, padding: Any = None, data_format: str = "NHWC",
    name: str | None = None, input: Any = None,
) -> Any:  # fmt: skip
    """`tf.nn.avg_pool2d`. TensorFlow: tf.compat.v1.nn.avg_pool."""
    return F.avg_pool2d(_either(input, value, "input", "value"), ksize, strides, padding, data_format, name)


avg_pool2d = avg_pool
_V2 = {"avg_pool_v2": "avg_pool", "max_pool_v2": "max_pool"}


def pool(
    input: Any, window_shape: Any, pooling_type: str, padding: Any, dilation_rate: Any = None, strides: Any = None,
    name: str | None = None, data_format: str | None = None, dilations: Any = None,
) -> Any:  # fmt: skip
    """`tf.nn.pool`. TensorFlow: tf.compat.v1.nn.pool."""
    rates = _either(dilations, dilation_rate, "dilations", "dilation_rate")
    return F.pool(input, window_shape, pooling_type, strides, padding, data_format, rates, name)


# -- statistics and sums -----------------------------------------------------------------------------------------------


def moments(
    x: Any, axes: Any, shift: Any = None, name: str | None = None, keep_dims: Any = None, keepdims: Any = None
) -> Any:
    """`tf.nn.moments`. TensorFlow: tf.compat.v1.nn.moments."""
    return F.moments(x, axes, shift, ops.mode_of_keepdims(keepdims, keep_dims), name)


def weighted_moments(
    x: Any, axes: Any, frequency_weights: Any, name: str | None = None, keep_dims: Any = None, keepdims: Any = None
) -> Any:
    """`tf.nn.weighted_moments`. TensorFlow: tf.compat.v1.nn.weighted_moments."""
    return F.weighted_moments(x, axes, frequency_weights, ops.mode_of_keepdims(keepdims, keep_dims), name)


def zero_fraction(value: Any, name: str | None = None) -> Any:
    """`tf.math.zero_fraction`. TensorFlow: tf.compat.v1.nn.zero_fraction."""
    return F.zero_fraction(value, name)


def fused_batch_norm(
    x: Any, scale: Any, offset: Any, mean: Any = None, variance: Any = None, epsilon: float = 0.001,
    data_format: str = "NHWC", is_training: bool = True, name: str | None = None, exponential_avg_factor: float = 1.0,
) -> Any:  # fmt: skip
    """Batch normalisation of images: (normalised, mean, variance). TensorFlow: tf.compat.v1.nn.fused_batch_norm."""
    return F.fused_batch_norm(
        x, scale, offset, mean, variance, epsilon, data_format, is_training, name, exponential_avg_factor
    )


def xw_plus_b(x: Any, weights: Any, biases: Any, name: str | None = None) -> Any:
    """x @ weights + biases. TensorFlow: tf.compat.v1.nn.xw_plus_b."""
    with F.name_scope(name or "xw_plus_b") as scope:
        return F.bias_add(F.matmul(x, weights), biases, name=scope)


def relu_layer(x: Any, weights: Any, biases: Any, name: str | None = None) -> Any:
    """relu(x @ weights + biases). TensorFlow: tf.compat.v1.nn.relu_layer."""
    with F.name_scope(name or "relu_layer") as scope:
        return F.relu(F.bias_add(F.matmul(x, weights), biases), name=scope)


def crelu(features: Any, name: str | None = None, axis: int = -1) -> Any:
    """`tf.nn.crelu`. TensorFlow: tf.compat.v1.nn.crelu."""
    return F.crelu(features, axis, name)


def in_top_k(predictions: Any, targets: Any, k: Any, name: str | None = None) -> Any:
    """`tf.math.in_top_k`, with the predictions first. TensorFlow: tf.compat.v1.nn.in_top_k."""
    return F.in_top_k(targets, predictions, k, name)


def weighted_cross_entropy_with_logits(
    labels: Any = None, logits: Any = None, pos_weight: Any = None, name: str | None = None, targets: Any = None
) -> Any:
    """`tf.nn.weighted_cross_entropy_with_logits`. TensorFlow: tf.compat.v1.nn.weighted_cross_entropy_with_logits."""
    labels = _either(labels, targets, "labels", "targets")
    return F.weighted_cross_entropy_with_logits(labels, logits, pos_weight, name)


def embedding_lookup(
    params: Any, ids: Any, partition_strategy: str = "mod", name: str | None = None, validate_indices: bool = True,
    max_norm: float | None = None,
) -> Any:  # fmt: skip
    """Rows of a table, or of a list of tables between which rows take turns ("mod") or which follow each other ("div").

    TensorFlow: tf.compat.v1.nn.embedding_lookup.
    """
    return lookup(_parts(params), ids, partition_strategy, max_norm, name)


def _parts(params: Any) -> Any:
    return list(params) if isinstance(params, PartitionedVariable) else params


_TABLES = (rnn, sampling)


def __getattr__(name: str) -> Any:
    if name in _CHANGED:
        return getattr(ops, name)
    for table in _TABLES:
        if name in table.__all__:
            return getattr(table, name)
    return getattr(duoflow.nn, _V2.get(name, name))


def __dir__() -> list[str]:
    return sorted({*__all__, *_CHANGED, *rnn.__all__, *sampling.__all__, *dir(duoflow.nn)})
