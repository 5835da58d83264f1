"""keras.ops.nn, windows: convolutions, pooling, patches."""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np

from duoflow import ops as tf
from duoflow.core.tensor import convert

from ..preferences import standardize_data_format
from .definition import operation

__all__ = [
    "adaptive_average_pool", "adaptive_max_pool", "average_pool", "conv", "conv_transpose", "depth_to_space",
    "depthwise_conv", "fold", "max_pool", "separable_conv", "space_to_depth", "unfold",
]  # fmt: skip

_operation = partial(operation, module="keras.src.ops.nn")


def _tf_format(data_format: str | None, rank: int) -> str:
    """Keras' "channels_last" as TensorFlow's "NHWC"."""
    spatial = {1: "W", 2: "HW", 3: "DHW"}[rank]
    return f"N{spatial}C" if standardize_data_format(data_format) == "channels_last" else f"NC{spatial}"


def _spatial_rank(x: Any) -> int:
    return len(x.shape) - 2


@_operation(inputs=2)
def conv(
    inputs: Any, kernel: Any, strides: Any = 1, padding: str = "valid", data_format: str | None = None,
    dilation_rate: Any = 1,
) -> Any:  # fmt: skip
    """Convolve [batch, *space, channels] with a kernel [*window, channels / groups, filters]. Keras: keras.ops.conv."""
    inputs = convert(inputs)
    form = _tf_format(data_format, _spatial_rank(inputs))
    if padding == "causal":
        inputs, padding = _causally_padded(inputs, kernel, dilation_rate, form), "valid"
    return tf.convolution(inputs, kernel, strides, padding.upper(), form, dilation_rate)


def _causally_padded(x: Any, kernel: Any, dilation: Any, form: str) -> Any:
    left = (dilation if isinstance(dilation, int) else dilation[0]) * (kernel.shape[0] - 1)
    return tf.pad(x, [[0, 0], [left, 0], [0, 0]] if form[-1] == "C" else [[0, 0], [0, 0], [left, 0]])


@_operation(inputs=2)
def depthwise_conv(
    inputs: Any, kernel: Any, strides: Any = 1, padding: str = "valid", data_format: str | None = None,
    dilation_rate: Any = 1,
) -> Any:  # fmt: skip
    """Convolve every channel with filters of its own, kernel [*window, channels, multiplier].

    Keras: keras.ops.depthwise_conv.
    """
    inputs, kernel = convert(inputs), convert(kernel)
    rank = _spatial_rank(inputs)
    form = _tf_format(data_format, rank)
    if rank == 1:
        if padding == "causal":
            inputs, padding = _causally_padded(inputs, kernel, dilation_rate, form), "valid"
        axis = 1 if form == "NWC" else 2
        inputs, kernel = tf.expand_dims(inputs, axis), tf.expand_dims(kernel, 0)
        out = _depthwise2d(inputs, kernel, strides, padding, "NHWC" if form == "NWC" else "NCHW", dilation_rate)
        return tf.squeeze(out, [axis])
    return _depthwise2d(inputs, kernel, strides, padding, form, dilation_rate)


def _pair(value: Any) -> tuple[int, int]:
    if isinstance(value, int):
        return value, value
    return (value[0], value[0]) if len(value) == 1 else tuple(value)


def _depthwise2d(inputs: Any, kernel: Any, strides: Any, padding: str, form: str, dilation: Any) -> Any:
    a, b = _pair(strides)
    steps = [1, a, b, 1] if form == "NHWC" else [1, 1, a, b]
    return tf.depthwise_conv2d(inputs, kernel, steps, padding.upper(), form, list(_pair(dilation)))


@_operation(inputs=3)
def separable_conv(
    inputs: Any, depthwise_kernel: Any, pointwise_kernel: Any, strides: Any = 1, padding: str = "valid",
    data_format: str | None = None, dilation_rate: Any = 1,
) -> Any:  # fmt: skip
    """A depthwise convolution followed by one with windows of size 1. Keras: keras.ops.separable_conv."""
    middle = depthwise_conv(inputs, depthwise_kernel, strides, padding, data_format, dilation_rate)
    return conv(middle, pointwise_kernel, 1, "valid", data_format)


@_operation(inputs=2)
def conv_transpose(
    inputs: Any, kernel: Any, strides: Any = 1, padding: str = "valid", output_padding: Any = None,
    data_format: str | None = None, dilation_rate: Any = 1,
) -> Any:  # fmt: skip
    """The transpose of a convolution, kernel [*window, filters, channels]. Keras: keras.ops.conv_transpose."""
    inputs, kernel = convert(inputs), convert(kernel)
    rank = _spatial_rank(inputs)
    form = _tf_format(data_format, rank)
    per_axis = [_per_axis(v, rank) for v in (strides, dilation_rate, output_padding)]
    window, first = kernel.shape[:rank], 1 if form[-1] == "C" else 2
    sizes = [
        _transposed_size(
            tf.shape(inputs)[first + i], window[i], padding, per_axis[0][i], per_axis[2][i], per_axis[1][i]
        )
        for i in range(rank)
    ]
    static = conv_transpose_shape(
        tuple(inputs.shape), tuple(kernel.shape), kernel.shape[-2], strides, padding, output_padding,
        standardize_data_format(data_format), dilation_rate,
    )  # fmt: skip
    batch, filters = tf.shape(inputs)[0], kernel.shape[-2]
    output_shape = [batch, *sizes, filters] if form[-1] == "C" else [batch, filters, *sizes]
    output_shape = [s if s is not None else d for s, d in zip(static, output_shape, strict=True)]
    return tf.conv_transpose(inputs, kernel, output_shape, list(per_axis[0]), padding.upper(), form, list(per_axis[1]))


def _per_axis(value: Any, rank: int) -> tuple[Any, ...]:
    return (value,) * rank if value is None or isinstance(value, int) else tuple(value)


def _transposed_size(size: Any, window: int, padding: str, stride: int, output_padding: Any, dilation: int) -> Any:
    """The length that a transposed convolution gives; Keras' formula."""
    if size is None:
        return None
    window = (window - 1) * dilation + 1
    if output_padding is None:
        return size * stride + max(window - stride, 0) if padding == "valid" else size * stride
    pad = window // 2 if padding == "same" else 0
    return (size - 1) * stride + window - 2 * pad + output_padding


def conv_transpose_shape(
    shape: tuple[Any, ...], kernel_shape: tuple[int, ...], filters: int, strides: Any,
    padding: str, output_padding: Any,
    data_format: str, dilation: Any,
) -> tuple[Any, ...]:  # fmt: skip
    """The shape that a transposed convolution gives."""
    rank = len(shape) - 2
    steps, dilations, extra = (_per_axis(v, rank) for v in (strides, dilation, output_padding))
    space = shape[1:-1] if data_format == "channels_last" else shape[2:]
    sizes = tuple(
        _transposed_size(s, k, padding, st, e, d)
        for s, k, st, e, d in zip(space, kernel_shape, steps, extra, dilations, strict=False)
    )
    return (shape[0], *sizes, filters) if data_format == "channels_last" else (shape[0], filters, *sizes)


@_operation()
def max_pool(
    inputs: Any, pool_size: Any, strides: Any = None, padding: str = "valid", data_format: str | None = None
) -> Any:
    """The maximum of each window. Keras: keras.ops.max_pool."""
    return _pool("MAX", inputs, pool_size, strides, padding, data_format)


@_operation()
def average_pool(
    inputs: Any, pool_size: Any, strides: Any = None, padding: str = "valid", data_format: str | None = None
) -> Any:
    """The mean of each window, over what lies inside. Keras: keras.ops.average_pool."""
    return _pool("AVG", inputs, pool_size, strides, padding, data_format)


def _pool(kind: str, inputs: Any, pool_size: Any, strides: Any, padding: str, data_format: str | None) -> Any:
    inputs = convert(inputs)
    rank = _spatial_rank(inputs)
    window = _per_axis(pool_size, rank)
    steps = _per_axis(pool_size if strides is None else strides, rank)
    form = _tf_format(data_format, rank)
    return tf.pool(inputs, list(window), kind, list(steps), padding.upper(), form)


@_operation()
def adaptive_average_pool(inputs: Any, output_size: Any, data_format: str | None = None) -> Any:
    """The means of so many windows along each axis as the output has places. Keras: keras.ops.adaptive_average_pool."""
    return _adaptive(tf.reduce_mean, inputs, output_size, data_format)


@_operation()
def adaptive_max_pool(inputs: Any, output_size: Any, data_format: str | None = None) -> Any:
    """The maxima of so many windows along each axis as the output has places. Keras: keras.ops.adaptive_max_pool."""
    return _adaptive(tf.reduce_max, inputs, output_size, data_format)


def _adaptive(reduce: Any, inputs: Any, output_size: Any, data_format: str | None) -> Any:
    """Reduce one axis after the other, over windows [floor(i n / m), ceil((i + 1) n / m))."""
    x = convert(inputs)
    rank = _spatial_rank(x)
    first = 1 if standardize_data_format(data_format) == "channels_last" else 2
    for axis, count in enumerate(_per_axis(output_size, rank), first):
        size = x.shape[axis]
        if size is None:
            raise ValueError(f"Adaptive pooling needs known spatial sizes. Received: inputs.shape={tuple(x.shape)}")
        if size % count == 0:
            shape = tf.shape(x)
            apart = tf.reshape(x, tf.concat([shape[:axis], [count, size // count], shape[axis + 1 :]], 0))
            x = reduce(apart, axis=axis + 1)
            continue
        starts, ends = np.arange(count) * size // count, -(-np.arange(1, count + 1) * size // count)
        lead = (slice(None),) * axis
        x = tf.stack([reduce(x[(*lead, slice(a, b))], axis=axis) for a, b in zip(starts, ends, strict=True)], axis)
    return x


@_operation()
def unfold(x: Any, kernel_size: Any, dilation: Any = 1, padding: Any = 0, stride: Any = 1) -> Any:
    """The windows of images [batch, channels, h, w] as columns [batch, channels * window, places].

    Keras: keras.ops.unfold.
    """
    x = convert(x)
    window, rate, pad, step = (_per_axis(v, 2) for v in (kernel_size, dilation, padding, stride))
    x = tf.pad(x, [[0, 0], [0, 0], [pad[0]] * 2, [pad[1]] * 2])
    rows, columns = (_places(x.shape[2 + i], window[i], rate[i], step[i]) for i in range(2))
    x = tf.gather(tf.gather(x, rows, axis=2), columns, axis=4)  # [batch, channels, kh, h, kw, w]
    x = tf.transpose(x, [0, 1, 2, 4, 3, 5])
    return tf.reshape(x, [-1, x.shape[1] * window[0] * window[1], rows.shape[1] * columns.shape[1]])


def _places(size: int, window: int, rate: int, step: int) -> Any:
    """For each position in a window, where it lies for each place of the window."""
    count = (size - (window - 1) * rate - 1) // step + 1
    return np.arange(window)[:, None] * rate + np.arange(count)[None, :] * step


@_operation()
def fold(
    x: Any, output_size: Any, kernel_size: Any, dilation: Any = 1, padding: Any = 0, stride: Any = 1
) -> Any:
    """The images [batch, channels, h, w] whose windows are these columns, added up where they overlap.

    Keras: keras.ops.fold.
    """
    x = convert(x)
    sizes, window, rate, pad, step = (_per_axis(v, 2) for v in (output_size, kernel_size, dilation, padding, stride))
    whole = [sizes[i] + 2 * pad[i] for i in range(2)]
    rows, columns = (_places(whole[i], window[i], rate[i], step[i]) for i in range(2))
    channels = x.shape[1] // (window[0] * window[1])
    flat = rows[:, None, :, None] * whole[1] + columns[None, :, None, :]
    values = tf.reshape(x, [-1, flat.size])
    batch = tf.shape(x)[0]
    summed = tf.unsorted_segment_sum(tf.transpose(values), flat.reshape(-1), whole[0] * whole[1])
    images = tf.reshape(tf.transpose(summed), [batch, channels, *whole])
    return images[:, :, pad[0] : whole[0] - pad[0], pad[1] : whole[1] - pad[1]]


@_operation()
def depth_to_space(x: Any, block_size: int, data_format: str = "channels_last") -> Any:
    """Channels spread over blocks of pixels. Keras: keras.ops.depth_to_space."""
    return tf.depth_to_space(x, block_size, "NHWC" if data_format == "channels_last" else "NCHW")


@_operation()
def space_to_depth(x: Any, block_size: int, data_format: str = "channels_last") -> Any:
    """Blocks of pixels as channels of one. Keras: keras.ops.space_to_depth."""
    return tf.space_to_depth(x, block_size, "NHWC" if data_format == "channels_last" else "NCHW")
