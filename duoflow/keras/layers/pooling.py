"""Pooling: the maximum or mean of windows, or of everything (Global...)."""

from __future__ import annotations

from typing import Any

from duoflow import ops as tf

from .. import ops
from ..preferences import standardize_data_format
from .arguments import checked_padding, per_axis, window_shape
from .input_spec import InputSpec
from .layer import Layer

__all__ = [
    "AdaptiveAveragePooling1D", "AdaptiveAveragePooling2D", "AdaptiveAveragePooling3D", "AdaptiveMaxPooling1D",
    "AdaptiveMaxPooling2D", "AdaptiveMaxPooling3D", "AveragePooling1D", "AveragePooling2D", "AveragePooling3D",
    "AvgPool1D", "AvgPool2D", "AvgPool3D",
    "GlobalAveragePooling1D", "GlobalAveragePooling2D", "GlobalAveragePooling3D", "GlobalAvgPool1D", "GlobalAvgPool2D",
    "GlobalAvgPool3D", "GlobalMaxPool1D", "GlobalMaxPool2D", "GlobalMaxPool3D", "GlobalMaxPooling1D",
    "GlobalMaxPooling2D", "GlobalMaxPooling3D", "MaxPool1D", "MaxPool2D", "MaxPool3D", "MaxPooling1D", "MaxPooling2D",
    "MaxPooling3D",
]  # fmt: skip


class _Pooling(Layer):
    """Base of pooling by windows; `_pool` does it."""

    rank: int
    _pool: Any

    def __init__(
        self, pool_size: Any, strides: Any = None, padding: str = "valid", data_format: str | None = None,
        name: str | None = None, **kwargs: Any,
    ) -> None:  # fmt: skip
        super().__init__(name=name, **kwargs)
        self.pool_size = per_axis(pool_size, self.rank, "pool_size")
        self.strides = per_axis(pool_size if strides is None else strides, self.rank, "strides", allow_zero=True)
        self.padding = checked_padding(padding)
        self.data_format = standardize_data_format(data_format)
        self.input_spec = InputSpec(ndim=self.rank + 2)
        self.built = True

    def call(self, inputs: Any) -> Any:
        return type(self)._pool(inputs, self.pool_size, self.strides, self.padding, self.data_format)

    def compute_output_shape(self, input_shape: Any) -> tuple[int | None, ...]:
        return window_shape(input_shape, self.pool_size, self.strides, self.padding, self.data_format)

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "pool_size": self.pool_size,
            "padding": self.padding,
            "strides": self.strides,
            "data_format": self.data_format,
        }


class _MaxPooling(_Pooling):
    _pool = staticmethod(ops.max_pool)

    def __init__(
        self, pool_size: Any = 2, strides: Any = None, padding: str = "valid", data_format: str | None = None,
        name: str | None = None, **kwargs: Any,
    ) -> None:  # fmt: skip
        super().__init__(pool_size, strides, padding, data_format, name, **kwargs)


class _AveragePooling(_Pooling):
    _pool = staticmethod(ops.average_pool)


class MaxPooling1D(_MaxPooling):
    """The maximum of windows over steps; `pool_size` 2. Keras: keras.layers.MaxPooling1D."""

    rank = 1


class MaxPooling2D(_MaxPooling):
    """The maximum of windows over images.

    Args:
      pool_size: an int or a pair; 2 if not given. strides: `pool_size` for None.
      padding: "valid" or "same". data_format: "channels_last" or "channels_first".

    >>> tf.keras.layers.MaxPooling2D()(tf.ones((1, 4, 4, 3))).shape
    TensorShape([1, 2, 2, 3])

    Keras: keras.layers.MaxPooling2D.
    """

    rank = 2


class MaxPooling3D(_MaxPooling):
    """The maximum of windows over volumes; `pool_size` 2. Keras: keras.layers.MaxPooling3D."""

    rank = 3


class AveragePooling1D(_AveragePooling):
    """The mean of windows over steps. Keras: keras.layers.AveragePooling1D."""

    rank = 1


class AveragePooling2D(_AveragePooling):
    """The mean of windows over images, of what lies inside. Keras: keras.layers.AveragePooling2D."""

    rank = 2


class AveragePooling3D(_AveragePooling):
    """The mean of windows over volumes. Keras: keras.layers.AveragePooling3D."""

    rank = 3


class _AdaptivePooling(Layer):
    """Base of pooling to a given size; `_pool` does it."""

    rank: int
    _pool: Any

    def __init__(self, output_size: Any, data_format: str | None = None, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.output_size = per_axis(output_size, self.rank, "output_size")
        self.data_format = standardize_data_format(data_format)
        self.input_spec = InputSpec(ndim=self.rank + 2)
        self.built = True

    def call(self, inputs: Any) -> Any:
        return type(self)._pool(inputs, self.output_size, self.data_format)

    def compute_output_shape(self, input_shape: Any) -> tuple[int | None, ...]:
        if self.data_format == "channels_last":
            return (input_shape[0], *self.output_size, input_shape[-1])
        return (*input_shape[:2], *self.output_size)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "output_size": self.output_size, "data_format": self.data_format}


class _AdaptiveAverage(_AdaptivePooling):
    _pool = staticmethod(ops.adaptive_average_pool)


class _AdaptiveMax(_AdaptivePooling):
    _pool = staticmethod(ops.adaptive_max_pool)


class AdaptiveAveragePooling1D(_AdaptiveAverage):
    """The means of `output_size` windows over the steps. Keras: keras.layers.AdaptiveAveragePooling1D."""

    rank = 1


class AdaptiveAveragePooling2D(_AdaptiveAverage):
    """The means of windows over images, as many as `output_size` says.

    >>> tf.keras.layers.AdaptiveAveragePooling2D((2, 3))(tf.ones((1, 8, 7, 3))).shape
    TensorShape([1, 2, 3, 3])

    Keras: keras.layers.AdaptiveAveragePooling2D.
    """

    rank = 2


class AdaptiveAveragePooling3D(_AdaptiveAverage):
    """The means of windows over volumes. Keras: keras.layers.AdaptiveAveragePooling3D."""

    rank = 3


class AdaptiveMaxPooling1D(_AdaptiveMax):
    """The maxima of `output_size` windows over the steps. Keras: keras.layers.AdaptiveMaxPooling1D."""

    rank = 1


class AdaptiveMaxPooling2D(_AdaptiveMax):
    """The maxima of windows over images. Keras: keras.layers.AdaptiveMaxPooling2D."""

    rank = 2


class AdaptiveMaxPooling3D(_AdaptiveMax):
    """The maxima of windows over volumes. Keras: keras.layers.AdaptiveMaxPooling3D."""

    rank = 3


class _GlobalPooling(Layer):
    """Base of pooling over all spatial axes."""

    rank: int

    def __init__(self, data_format: str | None = None, keepdims: bool = False, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.data_format, self.keepdims = standardize_data_format(data_format), keepdims
        self.input_spec = InputSpec(ndim=self.rank + 2)
        self.built = True

    @property
    def _axes(self) -> list[int]:
        first = 1 if self.data_format == "channels_last" else 2
        return list(range(first, first + self.rank))

    def compute_output_shape(self, input_shape: Any) -> tuple[int | None, ...]:
        if self.keepdims:
            return tuple(1 if i in self._axes else size for i, size in enumerate(input_shape))
        return tuple(size for i, size in enumerate(input_shape) if i not in self._axes)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "data_format": self.data_format, "keepdims": self.keepdims}


class _GlobalMax(_GlobalPooling):
    def call(self, inputs: Any) -> Any:
        return tf.reduce_max(inputs, axis=self._axes, keepdims=self.keepdims)


class _GlobalAverage(_GlobalPooling):
    def call(self, inputs: Any) -> Any:
        return tf.reduce_mean(inputs, axis=self._axes, keepdims=self.keepdims)


class GlobalMaxPooling1D(_GlobalMax):
    """The maximum over all steps. Keras: keras.layers.GlobalMaxPooling1D."""

    rank = 1


class GlobalMaxPooling2D(_GlobalMax):
    """The maximum over whole images. Keras: keras.layers.GlobalMaxPooling2D."""

    rank = 2


class GlobalMaxPooling3D(_GlobalMax):
    """The maximum over whole volumes. Keras: keras.layers.GlobalMaxPooling3D."""

    rank = 3


class GlobalAveragePooling1D(_GlobalPooling):
    """The mean over all steps that are not masked. Keras: keras.layers.GlobalAveragePooling1D."""

    rank = 1

    def __init__(self, data_format: str | None = None, keepdims: bool = False, **kwargs: Any) -> None:
        super().__init__(data_format, keepdims, **kwargs)
        self.supports_masking = True

    def call(self, inputs: Any, mask: Any = None) -> Any:
        (axis,) = self._axes
        if mask is None:
            return tf.reduce_mean(inputs, axis=axis, keepdims=self.keepdims)
        weights = tf.expand_dims(tf.cast(mask, inputs.dtype), 2 if axis == 1 else 1)
        total = tf.reduce_sum(inputs * weights, axis=axis, keepdims=self.keepdims)
        return total / tf.reduce_sum(weights, axis=axis, keepdims=self.keepdims)

    def compute_mask(self, inputs: Any, mask: Any = None) -> None:
        return None


class GlobalAveragePooling2D(_GlobalAverage):
    """The mean over whole images.

    >>> tf.keras.layers.GlobalAveragePooling2D()(tf.ones((1, 4, 4, 3))).shape
    TensorShape([1, 3])

    Keras: keras.layers.GlobalAveragePooling2D.
    """

    rank = 2


class GlobalAveragePooling3D(_GlobalAverage):
    """The mean over whole volumes. Keras: keras.layers.GlobalAveragePooling3D."""

    rank = 3


MaxPool1D, MaxPool2D, MaxPool3D = MaxPooling1D, MaxPooling2D, MaxPooling3D
AvgPool1D, AvgPool2D, AvgPool3D = AveragePooling1D, AveragePooling2D, AveragePooling3D
GlobalMaxPool1D, GlobalMaxPool2D, GlobalMaxPool3D = GlobalMaxPooling1D, GlobalMaxPooling2D, GlobalMaxPooling3D
GlobalAvgPool1D, GlobalAvgPool2D, GlobalAvgPool3D = (
    GlobalAveragePooling1D,
    GlobalAveragePooling2D,
    GlobalAveragePooling3D,
)
