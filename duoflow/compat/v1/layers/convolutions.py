"""The convolutions of `tf.layers`."""

from __future__ import annotations

from typing import Any

from duoflow.core.late import F

from ..initializers import zeros_initializer
from .base import InputSpec, Layer, channels_last, format_name, ints, known_channels, padding_name

__all__ = [
    "Conv1D", "Conv2D", "Conv2DTranspose", "Conv3D", "Conv3DTranspose", "SeparableConv1D", "SeparableConv2D",
]  # fmt: skip


class _Conv(Layer):
    """What the convolutions share: a kernel, a bias over the channels, an activation."""

    rank = 2

    def __init__(
        self, filters: int, kernel_size: Any, strides: Any = 1, padding: str = "valid",
        data_format: str = "channels_last", dilation_rate: Any = 1, activation: Any = None, use_bias: bool = True,
        kernel_initializer: Any = None, bias_initializer: Any = zeros_initializer, kernel_regularizer: Any = None,
        bias_regularizer: Any = None, activity_regularizer: Any = None, kernel_constraint: Any = None,
        bias_constraint: Any = None, trainable: bool = True, name: str | None = None, **kwargs: Any,
    ) -> None:  # fmt: skip
        super().__init__(trainable, name, activity_regularizer=activity_regularizer, **kwargs)
        self.filters, self.activation, self.use_bias = int(filters), activation, use_bias
        self.kernel_size = ints(kernel_size, self.rank, "kernel_size")
        self.strides = ints(strides, self.rank, "strides")
        self.dilation_rate = ints(dilation_rate, self.rank, "dilation_rate")
        self.padding, self.data_format = padding_name(padding), format_name(data_format)
        self.kernel_initializer, self.bias_initializer = kernel_initializer, bias_initializer
        self.kernel_regularizer, self.bias_regularizer = kernel_regularizer, bias_regularizer
        self.kernel_constraint, self.bias_constraint = kernel_constraint, bias_constraint
        self.input_spec = InputSpec(ndim=self.rank + 2)

    @property
    def channel_axis(self) -> int:
        """Which axis of the input is the channels'."""
        return -1 if self.data_format == "channels_last" else 1

    def kernel_shape(self, channels: int) -> list[int]:
        """The shape of the kernel for inputs of so many channels."""
        return [*self.kernel_size, channels, self.filters]

    def build(self, input_shape: Any) -> None:
        channels = known_channels(input_shape, self.channel_axis)
        self.input_spec = InputSpec(ndim=self.rank + 2, axes={self.channel_axis: channels})
        self.kernel = self.add_weight(
            "kernel", self.kernel_shape(channels), initializer=self.kernel_initializer,
            regularizer=self.kernel_regularizer, constraint=self.kernel_constraint,
        )  # fmt: skip
        self.add_bias()
        self.built = True

    def add_bias(self) -> None:
        """Make the bias, if there is to be one."""
        if self.use_bias:
            self.bias = self.add_weight(
                "bias", [self.filters], initializer=self.bias_initializer, regularizer=self.bias_regularizer,
                constraint=self.bias_constraint,
            )  # fmt: skip

    def call(self, inputs: Any, **kwargs: Any) -> Any:
        outputs = channels_last(inputs, self.data_format, self.convolve)
        if self.use_bias:
            bias = self.bias
            if self.data_format == "channels_first":
                bias = F.reshape(bias, [self.filters] + [1] * self.rank)
            outputs = F.bias_add(outputs, bias) if self.data_format == "channels_last" else outputs + bias
        return outputs if self.activation is None else self.activation(outputs)

    def convolve(self, inputs: Any) -> Any:
        """The convolution of inputs whose channels are last."""
        return F.convolution(inputs, self.kernel, self.strides, self.padding, dilations=self.dilation_rate)


class Conv1D(_Conv):
    """Convolution over one dimension. TensorFlow: tf.compat.v1.layers.Conv1D."""

    rank = 1


class Conv2D(_Conv):
    """Convolution over two dimensions. TensorFlow: tf.compat.v1.layers.Conv2D."""


class Conv3D(_Conv):
    """Convolution over three dimensions. TensorFlow: tf.compat.v1.layers.Conv3D."""

    rank = 3


class _Transposed(_Conv):
    """A convolution's transpose."""

    def __init__(
        self, filters: int, kernel_size: Any, strides: Any = 1, padding: str = "valid",
        data_format: str = "channels_last", activation: Any = None, use_bias: bool = True, **kwargs: Any,
    ) -> None:  # fmt: skip
        super().__init__(filters, kernel_size, strides, padding, data_format, 1, activation, use_bias, **kwargs)

    def kernel_shape(self, channels: int) -> list[int]:
        return [*self.kernel_size, self.filters, channels]

    def convolve(self, inputs: Any) -> Any:
        known, sizes = inputs.dims, F.shape(inputs)
        spatial = [
            _deconvolved(sizes[i + 1] if known[i + 1] is None else known[i + 1], k, s, self.padding)
            for i, (k, s) in enumerate(zip(self.kernel_size, self.strides, strict=True))
        ]
        batch = sizes[0] if known[0] is None else known[0]
        transpose = F.conv2d_transpose if self.rank == 2 else F.conv3d_transpose
        out = transpose(inputs, self.kernel, F.stack([batch, *spatial, self.filters]), self.strides, self.padding)
        if out.dims is None or None in out.dims[1:]:
            static = [
                None if d is None else _deconvolved(d, k, s, self.padding)
                for d, k, s in zip(known[1:], self.kernel_size, self.strides, strict=False)
            ]
            out.set_shape([known[0], *static, self.filters])
        return out


def _deconvolved(size: Any, kernel: int, stride: int, padding: str) -> Any:
    return size * stride + (max(kernel - stride, 0) if padding == "VALID" else 0)


class Conv2DTranspose(_Transposed):
    """The transpose of a convolution over two dimensions. TensorFlow: tf.compat.v1.layers.Conv2DTranspose."""


class Conv3DTranspose(_Transposed):
    """The transpose of a convolution over three dimensions. TensorFlow: tf.compat.v1.layers.Conv3DTranspose."""

    rank = 3


class _Separable(_Conv):
    """A convolution of each channel by itself, then one over the channels."""

    def __init__(
        self, filters: int, kernel_size: Any, strides: Any = 1, padding: str = "valid",
        data_format: str = "channels_last", dilation_rate: Any = 1, depth_multiplier: int = 1, activation: Any = None,
        use_bias: bool = True, depthwise_initializer: Any = None, pointwise_initializer: Any = None,
        bias_initializer: Any = zeros_initializer, depthwise_regularizer: Any = None,
        pointwise_regularizer: Any = None, bias_regularizer: Any = None, activity_regularizer: Any = None,
        depthwise_constraint: Any = None, pointwise_constraint: Any = None, bias_constraint: Any = None,
        trainable: bool = True, name: str | None = None, **kwargs: Any,
    ) -> None:  # fmt: skip
        super().__init__(
            filters, kernel_size, strides, padding, data_format, dilation_rate, activation, use_bias, None,
            bias_initializer, None, bias_regularizer, activity_regularizer, None, bias_constraint, trainable, name,
            **kwargs,
        )  # fmt: skip
        self.depth_multiplier = depth_multiplier
        self.depthwise = (depthwise_initializer, depthwise_regularizer, depthwise_constraint)
        self.pointwise = (pointwise_initializer, pointwise_regularizer, pointwise_constraint)

    def build(self, input_shape: Any) -> None:
        channels = known_channels(input_shape, self.channel_axis)
        self.input_spec = InputSpec(ndim=self.rank + 2, axes={self.channel_axis: channels})

        def kernel(name: str, shape: list[int], how: Any) -> Any:
            return self.add_weight(name, shape, initializer=how[0], regularizer=how[1], constraint=how[2])

        deep = [*self.kernel_size, channels, self.depth_multiplier]
        self.depthwise_kernel = kernel("depthwise_kernel", deep, self.depthwise)
        flat = [1] * self.rank + [channels * self.depth_multiplier, self.filters]
        self.pointwise_kernel = kernel("pointwise_kernel", flat, self.pointwise)
        self.add_bias()
        self.built = True

    def convolve(self, inputs: Any) -> Any:
        deep, flat = self.depthwise_kernel, self.pointwise_kernel
        strides, dilations = self.strides, self.dilation_rate
        if self.rank == 1:  # a row of height one
            inputs, deep, flat = (F.expand_dims(x, a) for x, a in ((inputs, 1), (deep, 0), (flat, 0)))
            strides, dilations = strides * 2, [1, *dilations]
        out = F.separable_conv2d(inputs, deep, flat, [1, *strides, 1], self.padding, dilations=dilations)
        return F.squeeze(out, [1]) if self.rank == 1 else out


class SeparableConv1D(_Separable):
    """Depthwise, then pointwise convolution over one dimension. TensorFlow: tf.compat.v1.layers.SeparableConv1D."""

    rank = 1


class SeparableConv2D(_Separable):
    """Depthwise, then pointwise convolution over two dimensions. TensorFlow: tf.compat.v1.layers.SeparableConv2D."""
