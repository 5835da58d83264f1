"""keras.ops, neural networks: activations, convolutions, pooling, normalization, one-hot encodings."""

from __future__ import annotations

from functools import partial
from typing import Any

from duoflow import ops as tf
from duoflow.core.tensor import convert

from ..preferences import epsilon, floatx, standardize_data_format
from ..variables import standardize_dtype
from .definition import operation

__all__ = [
    "average_pool", "batch_normalization", "binary_crossentropy", "categorical_crossentropy", "celu", "conv",
    "conv_transpose", "depthwise_conv", "elu", "gelu", "glu", "hard_shrink", "hard_sigmoid", "hard_silu", "hard_swish",
    "hard_tanh", "layer_normalization", "leaky_relu", "log_sigmoid", "log_softmax", "max_pool", "moments", "multi_hot",
    "normalize", "one_hot", "relu", "relu6", "rms_normalization", "selu", "separable_conv", "sigmoid", "silu",
    "soft_shrink", "softmax", "softplus", "softsign", "sparse_categorical_crossentropy", "sparse_plus",
    "sparse_sigmoid",
    "sparsemax", "squareplus", "swish", "tanh_shrink", "threshold",
]  # fmt: skip

_operation = partial(operation, module="keras.src.ops.nn")


def _float(x: Any) -> Any:
    """A tensor of a floating dtype; ints become the default one."""
    x = convert(x)
    return x if x.dtype.is_floating or x.dtype.is_complex else tf.cast(x, floatx())


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
    return tf.leaky_relu(_float(x), alpha=negative_slope)


@_operation()
def elu(x: Any, alpha: float = 1.0) -> Any:
    """x where positive, else `alpha` * (exp(x) - 1). Keras: keras.ops.elu."""
    y = tf.elu(x)
    return y if alpha == 1 else tf.where(convert(x) > 0, y, alpha * y)


@_operation()
def celu(x: Any, alpha: float = 1.0) -> Any:
    """max(x, 0) + min(0, `alpha` * (exp(x / alpha) - 1)). Keras: keras.ops.celu."""
    x = _float(x)
    return tf.maximum(x, 0.0) + alpha * tf.expm1(tf.minimum(x, 0.0) / alpha)


@_operation()
def selu(x: Any) -> Any:
    """The scaled exponential linear unit. Keras: keras.ops.selu."""
    return tf.selu(x)


@_operation()
def gelu(x: Any, approximate: bool = True) -> Any:
    """x * P(X <= x) for a standard normal X; by its tanh formula if `approximate`. Keras: keras.ops.gelu."""
    return tf.gelu(_float(x), approximate=approximate)


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
    return tf.sigmoid(_float(x))


@_operation()
def sparse_sigmoid(x: Any) -> Any:
    """0 below -1, 1 above 1, (x + 1) / 2 between. Keras: keras.ops.sparse_sigmoid."""
    x = convert(x)
    return tf.clip_by_value(0.5 * (x + 1), 0.0, 1.0)


@_operation()
def silu(x: Any) -> Any:
    """x * sigmoid(x). Keras: keras.ops.silu."""
    return tf.silu(_float(x))


swish = silu


@_operation()
def log_sigmoid(x: Any) -> Any:
    """log(sigmoid(x)). Keras: keras.ops.log_sigmoid."""
    return tf.log_sigmoid(_float(x))


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
    """x moved towards 0 by the threshold. Keras: keras.ops.soft_shrink."""
    x = convert(x)
    return tf.where(x > threshold, x - threshold, tf.where(x < -threshold, x + threshold, tf.zeros_like(x)))


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
    return tf.softplus(_float(x))


@_operation()
def softsign(x: Any) -> Any:
    """x / (abs(x) + 1). Keras: keras.ops.softsign."""
    return tf.softsign(_float(x))


@_operation()
def squareplus(x: Any, b: float = 4) -> Any:
    """(x + sqrt(x² + b)) / 2. Keras: keras.ops.squareplus."""
    x = _float(x)
    return (x + tf.sqrt(x**2 + tf.cast(b, x.dtype))) / 2


@_operation()
def sparse_plus(x: Any) -> Any:
    """0 below -1, x above 1, (x + 1)² / 4 between. Keras: keras.ops.sparse_plus."""
    x = _float(x)
    return tf.where(x <= -1, tf.zeros_like(x), tf.where(x < 1, 0.25 * tf.square(x + 1), x))


@_operation()
def softmax(x: Any, axis: Any = -1) -> Any:
    """exp(x) normalized along an axis (over all elements of several, or of None). Keras: keras.ops.softmax."""
    return _along(tf.softmax, _float(x), axis)


@_operation()
def log_softmax(x: Any, axis: Any = -1) -> Any:
    """The logarithm of softmax. Keras: keras.ops.log_softmax."""
    return _along(tf.log_softmax, _float(x), axis)


def _along(function: Any, x: Any, axis: Any) -> Any:
    """A function of one axis, applied to several as if they were one."""
    if isinstance(axis, int):
        return function(x, axis=axis)
    if axis is None:
        return tf.reshape(function(tf.reshape(x, [-1]), axis=-1), tf.shape(x))
    last = [a % x.ndim for a in axis]
    order = [a for a in range(x.ndim) if a not in last] + last
    moved = tf.transpose(x, order)
    sizes = tf.shape(moved)
    flat = function(tf.reshape(moved, tf.concat([sizes[: x.ndim - len(last)], [-1]], 0)), axis=-1)
    back = [order.index(a) for a in range(x.ndim)]
    return tf.transpose(tf.reshape(flat, sizes), back)


@_operation()
def sparsemax(x: Any, axis: int = -1) -> Any:
    """The projection of `x` onto the probability simplex along an axis. Keras: keras.ops.sparsemax."""
    x = _float(x)
    ranked = tf.sort(x, axis=axis, direction="DESCENDING")
    sums = tf.cumsum(ranked, axis=axis)
    shape = [1] * x.ndim
    shape[axis] = -1
    ranks = tf.reshape(tf.range(1, tf.shape(x)[axis] + 1), shape)
    support = 1 + tf.cast(ranks, x.dtype) * ranked > sums
    count = tf.reduce_sum(tf.cast(support, "int32"), axis=axis, keepdims=True)
    total = tf.reduce_sum(tf.where(support, ranked, tf.zeros_like(ranked)), axis=axis, keepdims=True)
    return tf.maximum(x - (total - 1) / tf.cast(count, x.dtype), 0.0)


# -- convolutions and pooling ------------------------------------------------------------------------------------------


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


# -- normalization -----------------------------------------------------------------------------------------------------


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
    x: Any, gamma: Any = None, beta: Any = None, axis: Any = -1, epsilon: float | None = None, rms_scaling: bool = False
) -> Any:
    """Normalize each example over axes. Keras: keras.ops.layer_normalization."""
    x = convert(x)
    axes = [a % x.ndim for a in ([axis] if isinstance(axis, int) else axis)]
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
    x = _float(x)
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
def multi_hot(inputs: Any, num_classes: int, axis: int = -1, dtype: Any = None, sparse: bool = False) -> Any:
    """Ones at all the indices of each example. Keras: keras.ops.multi_hot."""
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
        output = tf.transpose(output, [a for a in range(output.ndim) if a != axis % output.ndim] + [axis % output.ndim])
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
