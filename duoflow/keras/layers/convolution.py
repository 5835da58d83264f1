"""Convolutions: Conv1D to Conv3D, their transposes, depthwise and separable ones."""

from __future__ import annotations

from typing import Any

from duoflow import ops as tf

from .. import activations, ops, regularizers
from ..ops.windows import conv_transpose_shape
from ..preferences import standardize_data_format
from .arguments import checked_padding, per_axis, window_shape
from .input_spec import InputSpec
from .layer import Layer
from .low_rank import LowRank, whole_weight
from .weights import add_configured, configure, weight_config

__all__ = [
    "Conv1D", "Conv1DTranspose", "Conv2D", "Conv2DTranspose", "Conv3D", "Conv3DTranspose", "Convolution1D",
    "Convolution1DTranspose", "Convolution2D", "Convolution2DTranspose", "Convolution3D", "Convolution3DTranspose",
    "DepthwiseConv1D", "DepthwiseConv2D", "SeparableConv1D", "SeparableConv2D", "SeparableConvolution1D",
    "SeparableConvolution2D",
]  # fmt: skip


class _Windowed(Layer):
    """What all convolutions share: windows, strides, dilation, bias and activation."""

    rank: int

    def _configure(
        self, kernel_size: Any, strides: Any, padding: str, data_format: str | None,
        dilation_rate: Any, activation: Any,
        use_bias: bool, bias: tuple[Any, Any, Any], allow_causal: bool = False,
    ) -> None:  # fmt: skip
        self.kernel_size = per_axis(kernel_size, self.rank, "kernel_size")
        self.strides = per_axis(strides, self.rank, "strides")
        self.dilation_rate = per_axis(dilation_rate, self.rank, "dilation_rate")
        self.padding = checked_padding(padding, allow_causal)
        self.data_format = standardize_data_format(data_format)
        self.activation = activations.get(activation)
        self.use_bias = use_bias
        configure(self, "bias", *bias)
        self.input_spec = InputSpec(min_ndim=self.rank + 2)
        if max(self.strides) > 1 and max(self.dilation_rate) > 1:
            raise ValueError(
                "`strides > 1` not supported in conjunction with `dilation_rate > 1`. Received: "
                f"strides={self.strides} and "
                f"dilation_rate={self.dilation_rate}"
            )

    def _channels(self, input_shape: Any) -> int:
        """The number of input channels, which later inputs must have too."""
        axis = -1 if self.data_format == "channels_last" else 1
        channels = input_shape[axis]
        if channels is None:
            raise ValueError(
                f"The channel dimension of the inputs to {type(self).__name__} must be known. Received: "
                f"input_shape={input_shape}"
            )
        self.input_spec = InputSpec(min_ndim=self.rank + 2, axes={axis: channels})
        return channels  # type: ignore[no-any-return]

    def _add_bias(self, size: int) -> None:
        self.bias = add_configured(self, "bias", (size,)) if self.use_bias else None

    def _finished(self, outputs: Any) -> Any:
        """Outputs with bias and activation."""
        if self.bias is not None:
            bias = self.bias
            if self.data_format == "channels_first":
                bias = tf.reshape(bias, (1, -1, *(1,) * self.rank))
            outputs = outputs + bias
        return outputs if self.activation in (None, activations.linear) else self.activation(outputs)

    def _window_config(self, *weights: str) -> dict[str, Any]:
        return {
            "kernel_size": self.kernel_size,
            "strides": self.strides,
            "padding": self.padding,
            "data_format": self.data_format,
            "dilation_rate": self.dilation_rate,
            "activation": activations.serialize(self.activation),
            "use_bias": self.use_bias,
            "activity_regularizer": regularizers.serialize(self.activity_regularizer),
            **weight_config(self, *weights, "bias"),
        }

    def compute_output_shape(self, input_shape: Any) -> tuple[int | None, ...]:
        return window_shape(
            input_shape,
            self.kernel_size,
            self.strides,
            self.padding,
            self.data_format,
            self.dilation_rate,
            self.filters,
        )


def _positive(value: Any, name: str) -> Any:
    if value is not None and value <= 0:
        raise ValueError(
            f"Invalid value for argument `{name}`. Expected a strictly positive value. Received {name}={value}."
        )
    return value


class _Conv(LowRank, _Windowed):
    kernel = whole_weight("kernel")

    def __init__(
        self, filters: int, kernel_size: Any, strides: Any = 1, padding: str = "valid", data_format: str | None = None,
        dilation_rate: Any = 1, groups: int = 1, activation: Any = None, use_bias: bool = True,
        kernel_initializer: Any = "glorot_uniform", bias_initializer: Any = "zeros", kernel_regularizer: Any = None,
        bias_regularizer: Any = None, activity_regularizer: Any = None, kernel_constraint: Any = None,
        bias_constraint: Any = None, lora_rank: int | None = None, lora_alpha: float | None = None, **kwargs: Any,
    ) -> None:  # fmt: skip
        super().__init__(activity_regularizer=activity_regularizer, **kwargs)
        bias = (bias_initializer, bias_regularizer, bias_constraint)
        self._configure(
            kernel_size,
            strides,
            padding,
            data_format,
            dilation_rate,
            activation,
            use_bias,
            bias,
            allow_causal=self.rank == 1,
        )
        configure(self, "kernel", kernel_initializer, kernel_regularizer, kernel_constraint)
        self._configure_adaptation(lora_rank, lora_alpha)
        self.filters, self.groups = _positive(filters, "filters"), groups
        if groups <= 0:
            raise ValueError(f"The number of groups must be a positive integer. Received: groups={groups}.")
        if filters is not None and filters % groups:
            raise ValueError(
                "The number of filters must be evenly divisible by the number of groups. "
                f"Received: groups={groups}, filters={filters}."
            )

    def build(self, input_shape: Any) -> None:
        channels = self._channels(input_shape)
        if channels % self.groups:
            raise ValueError(
                "The number of input channels must be evenly divisible by the number of groups. Received "
                f"groups={self.groups}, but the input has {channels} channels (full input shape is {input_shape})."
            )
        self.compute_output_shape(input_shape)
        self._kernel = add_configured(self, "kernel", (*self.kernel_size, channels // self.groups, self.filters))
        self._add_bias(self.filters)
        self._adapt_as_configured()

    def call(self, inputs: Any) -> Any:
        return self._finished(self.convolution_op(inputs, self.kernel))

    def convolution_op(self, inputs: Any, kernel: Any) -> Any:
        """The convolution itself; subclasses may do another."""
        return ops.conv(inputs, kernel, self.strides, self.padding, self.data_format, self.dilation_rate)

    def get_config(self) -> dict[str, Any]:
        own = {"filters": self.filters, "groups": self.groups}
        return {**super().get_config(), **own, **self._window_config("kernel"), **self._adaptation_config()}


class Conv1D(_Conv):
    """Convolution of sequences [batch, steps, channels].

    Args:
      filters: the number of output channels. kernel_size, strides, dilation_rate: ints.
      padding: "valid", "same" or "causal". data_format: "channels_last" or "channels_first".
      groups: into how many parts the channels are split, each convolved with filters of its own.
      activation, use_bias, *_initializer, *_regularizer, *_constraint: as in `Dense`.

    >>> tf.keras.layers.Conv1D(4, 3, padding="causal")(tf.ones((1, 5, 2))).shape
    TensorShape([1, 5, 4])

    Keras: keras.layers.Conv1D.
    """

    rank = 1


class Conv2D(_Conv):
    """Convolution of images [batch, height, width, channels].

    Args:
      filters: the number of output channels. kernel_size, strides, dilation_rate: ints or pairs.
      padding: "valid" or "same". data_format: "channels_last" or "channels_first".
      groups: into how many parts the channels are split, each convolved with filters of its own.
      activation, use_bias, *_initializer, *_regularizer, *_constraint: as in `Dense`.

    >>> tf.keras.layers.Conv2D(8, 3, activation="relu")(tf.ones((1, 28, 28, 1))).shape
    TensorShape([1, 26, 26, 8])

    Keras: keras.layers.Conv2D.
    """

    rank = 2


class Conv3D(_Conv):
    """Convolution of volumes [batch, depth, height, width, channels]; as Conv2D. Keras: keras.layers.Conv3D."""

    rank = 3


class _ConvTranspose(_Windowed):
    def __init__(
        self, filters: int, kernel_size: Any, strides: Any = 1, padding: str = "valid", output_padding: Any = None,
        data_format: str | None = None, dilation_rate: Any = 1, activation: Any = None, use_bias: bool = True,
        kernel_initializer: Any = "glorot_uniform", bias_initializer: Any = "zeros", kernel_regularizer: Any = None,
        bias_regularizer: Any = None, activity_regularizer: Any = None, kernel_constraint: Any = None,
        bias_constraint: Any = None, **kwargs: Any,
    ) -> None:  # fmt: skip
        super().__init__(activity_regularizer=activity_regularizer, **kwargs)
        bias = (bias_initializer, bias_regularizer, bias_constraint)
        self._configure(kernel_size, strides, padding, data_format, dilation_rate, activation, use_bias, bias)
        configure(self, "kernel", kernel_initializer, kernel_regularizer, kernel_constraint)
        self.filters = _positive(filters, "filters")
        self.output_padding = None
        if output_padding is not None:
            self.output_padding = per_axis(output_padding, self.rank, "output_padding", allow_zero=True)
            if any(extra >= stride for extra, stride in zip(self.output_padding, self.strides, strict=True)):
                raise ValueError(
                    "`output_padding` must be strictly less than `strides` for all dimensions. Received: "
                    f"output_padding={self.output_padding}, strides={self.strides}"
                )

    def build(self, input_shape: Any) -> None:
        channels = self._channels(input_shape)
        self.kernel = add_configured(self, "kernel", (*self.kernel_size, self.filters, channels))
        self._add_bias(self.filters)

    def call(self, inputs: Any) -> Any:
        outputs = ops.conv_transpose(
            inputs, self.kernel, self.strides, self.padding, self.output_padding, self.data_format, self.dilation_rate
        )
        return self._finished(outputs)

    def compute_output_shape(self, input_shape: Any) -> tuple[int | None, ...]:
        return conv_transpose_shape(
            tuple(input_shape), self.kernel_size, self.filters, self.strides, self.padding, self.output_padding,
            self.data_format, self.dilation_rate,
        )  # fmt: skip

    def get_config(self) -> dict[str, Any]:
        own = {"filters": self.filters, "output_padding": self.output_padding}
        return {**super().get_config(), **own, **self._window_config("kernel")}


class Conv1DTranspose(_ConvTranspose):
    """The transpose of a Conv1D: strides make the output longer. Keras: keras.layers.Conv1DTranspose."""

    rank = 1


class Conv2DTranspose(_ConvTranspose):
    """The transpose of a Conv2D: strides make the output larger.

    >>> tf.keras.layers.Conv2DTranspose(3, 2, strides=2)(tf.ones((1, 4, 4, 8))).shape
    TensorShape([1, 8, 8, 3])

    Keras: keras.layers.Conv2DTranspose.
    """

    rank = 2


class Conv3DTranspose(_ConvTranspose):
    """The transpose of a Conv3D: strides make the output larger; `data_format` stands before `output_padding` here.

    Keras: keras.layers.Conv3DTranspose.
    """

    rank = 3

    def __init__(
        self, filters: int, kernel_size: Any, strides: Any = (1, 1, 1), padding: str = "valid",
        data_format: str | None = None, output_padding: Any = None, dilation_rate: Any = (1, 1, 1),
        activation: Any = None, use_bias: bool = True, kernel_initializer: Any = "glorot_uniform",
        bias_initializer: Any = "zeros", kernel_regularizer: Any = None, bias_regularizer: Any = None,
        activity_regularizer: Any = None, kernel_constraint: Any = None, bias_constraint: Any = None, **kwargs: Any,
    ) -> None:  # fmt: skip
        super().__init__(
            filters, kernel_size, strides, padding, output_padding, data_format, dilation_rate, activation, use_bias,
            kernel_initializer, bias_initializer, kernel_regularizer, bias_regularizer, activity_regularizer,
            kernel_constraint, bias_constraint, **kwargs,
        )  # fmt: skip


class _DepthwiseConv(_Windowed):
    def __init__(
        self, kernel_size: Any, strides: Any = 1, padding: str = "valid", depth_multiplier: int = 1,
        data_format: str | None = None, dilation_rate: Any = 1, activation: Any = None, use_bias: bool = True,
        depthwise_initializer: Any = "glorot_uniform",
        bias_initializer: Any = "zeros", depthwise_regularizer: Any = None,
        bias_regularizer: Any = None, activity_regularizer: Any = None, depthwise_constraint: Any = None,
        bias_constraint: Any = None, **kwargs: Any,
    ) -> None:  # fmt: skip
        super().__init__(activity_regularizer=activity_regularizer, **kwargs)
        bias = (bias_initializer, bias_regularizer, bias_constraint)
        self._configure(kernel_size, strides, padding, data_format, dilation_rate, activation, use_bias, bias)
        configure(self, "depthwise", depthwise_initializer, depthwise_regularizer, depthwise_constraint)
        self.depth_multiplier = _positive(depth_multiplier, "depth_multiplier")

    def build(self, input_shape: Any) -> None:
        channels = self._channels(input_shape)
        self.kernel = add_configured(
            self, "depthwise", (*self.kernel_size, channels, self.depth_multiplier), name="kernel"
        )
        self._add_bias(self.depth_multiplier * channels)

    def call(self, inputs: Any) -> Any:
        outputs = ops.depthwise_conv(
            inputs, self.kernel, self.strides, self.padding, self.data_format, self.dilation_rate
        )
        return self._finished(outputs)

    def compute_output_shape(self, input_shape: Any) -> tuple[int | None, ...]:
        channels = input_shape[-1] if self.data_format == "channels_last" else input_shape[1]
        return window_shape(
            input_shape, self.kernel_size, self.strides, self.padding, self.data_format, self.dilation_rate,
            self.depth_multiplier * channels,
        )  # fmt: skip

    def get_config(self) -> dict[str, Any]:
        own = {"depth_multiplier": self.depth_multiplier}
        return {**super().get_config(), **own, **self._window_config("depthwise")}


class DepthwiseConv1D(_DepthwiseConv):
    """A Conv1D of each channel by itself, with `depth_multiplier` filters. Keras: keras.layers.DepthwiseConv1D."""

    rank = 1


class DepthwiseConv2D(_DepthwiseConv):
    """A Conv2D of each channel by itself, with `depth_multiplier` filters.

    >>> tf.keras.layers.DepthwiseConv2D(3)(tf.ones((1, 8, 8, 4))).shape
    TensorShape([1, 6, 6, 4])

    Keras: keras.layers.DepthwiseConv2D.
    """

    rank = 2


class _SeparableConv(_Windowed):
    def __init__(
        self, filters: int, kernel_size: Any, strides: Any = 1, padding: str = "valid", data_format: str | None = None,
        dilation_rate: Any = 1, depth_multiplier: int = 1, activation: Any = None, use_bias: bool = True,
        depthwise_initializer: Any = "glorot_uniform", pointwise_initializer: Any = "glorot_uniform",
        bias_initializer: Any = "zeros", depthwise_regularizer: Any = None, pointwise_regularizer: Any = None,
        bias_regularizer: Any = None, activity_regularizer: Any = None, depthwise_constraint: Any = None,
        pointwise_constraint: Any = None, bias_constraint: Any = None, **kwargs: Any,
    ) -> None:  # fmt: skip
        super().__init__(activity_regularizer=activity_regularizer, **kwargs)
        bias = (bias_initializer, bias_regularizer, bias_constraint)
        self._configure(kernel_size, strides, padding, data_format, dilation_rate, activation, use_bias, bias)
        configure(self, "depthwise", depthwise_initializer, depthwise_regularizer, depthwise_constraint)
        configure(self, "pointwise", pointwise_initializer, pointwise_regularizer, pointwise_constraint)
        self.filters = _positive(filters, "filters")
        self.depth_multiplier = _positive(depth_multiplier, "depth_multiplier")

    def build(self, input_shape: Any) -> None:
        channels = self._channels(input_shape)
        self.compute_output_shape(input_shape)
        self.depthwise_kernel = add_configured(
            self, "depthwise", (*self.kernel_size, channels, self.depth_multiplier), name="depthwise_kernel"
        )
        ones = (1,) * self.rank
        self.pointwise_kernel = add_configured(
            self, "pointwise", (*ones, self.depth_multiplier * channels, self.filters), name="pointwise_kernel"
        )
        self._add_bias(self.filters)

    def call(self, inputs: Any) -> Any:
        outputs = ops.separable_conv(
            inputs, self.depthwise_kernel, self.pointwise_kernel, self.strides, self.padding, self.data_format,
            self.dilation_rate,
        )  # fmt: skip
        return self._finished(outputs)

    def get_config(self) -> dict[str, Any]:
        own = {"depth_multiplier": self.depth_multiplier, "filters": self.filters}
        return {**super().get_config(), **own, **self._window_config("depthwise", "pointwise")}


class SeparableConv1D(_SeparableConv):
    """A DepthwiseConv1D followed by a Conv1D of window 1. Keras: keras.layers.SeparableConv1D."""

    rank = 1


class SeparableConv2D(_SeparableConv):
    """A DepthwiseConv2D followed by a Conv2D of window 1. Chollet 2017. Keras: keras.layers.SeparableConv2D."""

    rank = 2


Convolution1D, Convolution2D, Convolution3D = Conv1D, Conv2D, Conv3D
Convolution1DTranspose, Convolution2DTranspose, Convolution3DTranspose = (
    Conv1DTranspose,
    Conv2DTranspose,
    Conv3DTranspose,
)
SeparableConvolution1D, SeparableConvolution2D = SeparableConv1D, SeparableConv2D
