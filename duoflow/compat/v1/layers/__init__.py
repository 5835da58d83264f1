"""`tf.layers`: layers whose variables are `get_variable`'s, as classes and as functions that make a layer and call it.

TensorFlow: tf.compat.v1.layers (1.x; TensorFlow 2.21 has dropped them).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from .base import InputSpec, Layer
from .convolutions import (
    Conv1D,
    Conv2D,
    Conv2DTranspose,
    Conv3D,
    Conv3DTranspose,
    SeparableConv1D,
    SeparableConv2D,
)
from .simple import (
    AveragePooling1D,
    AveragePooling2D,
    AveragePooling3D,
    BatchNormalization,
    Dense,
    Dropout,
    Flatten,
    MaxPooling1D,
    MaxPooling2D,
    MaxPooling3D,
)

__all__ = [
    "AveragePooling1D", "AveragePooling2D", "AveragePooling3D", "BatchNormalization", "Conv1D", "Conv2D",
    "Conv2DTranspose", "Conv3D", "Conv3DTranspose", "Dense", "Dropout", "Flatten", "InputSpec", "Layer",
    "MaxPooling1D", "MaxPooling2D", "MaxPooling3D", "SeparableConv1D", "SeparableConv2D", "average_pooling1d",
    "average_pooling2d", "average_pooling3d", "batch_normalization", "conv1d", "conv2d", "conv2d_transpose", "conv3d",
    "conv3d_transpose", "dense", "dropout", "flatten", "max_pooling1d", "max_pooling2d", "max_pooling3d",
    "separable_conv1d", "separable_conv2d",
]  # fmt: skip


def _function(name: str, layer: type[Layer], has_reuse: bool = True, call: tuple[str, ...] = ()) -> Callable[..., Any]:
    """`name(inputs, ...)`: makes a layer in the open variable scope, or shares one by `reuse`, and applies it."""

    def function(inputs: Any, *args: Any, **kwargs: Any) -> Any:
        passed = {key: kwargs.pop(key) for key in call if key in kwargs}
        if has_reuse:
            kwargs["_reuse"], kwargs["_scope"] = kwargs.pop("reuse", None), kwargs.get("name")
        return layer(*args, **kwargs)(inputs, **passed)

    function.__name__ = function.__qualname__ = name
    shared = " `reuse` shares the variables of an earlier call of that `name`." if has_reuse else ""
    function.__doc__ = f"Make a `{layer.__name__}` and apply it.{shared}\n\nTensorFlow: tf.compat.v1.layers.{name}."
    return function


dense = _function("dense", Dense)
conv1d = _function("conv1d", Conv1D)
conv2d = _function("conv2d", Conv2D)
conv3d = _function("conv3d", Conv3D)
conv2d_transpose = _function("conv2d_transpose", Conv2DTranspose)
conv3d_transpose = _function("conv3d_transpose", Conv3DTranspose)
separable_conv1d = _function("separable_conv1d", SeparableConv1D)
separable_conv2d = _function("separable_conv2d", SeparableConv2D)
max_pooling1d = _function("max_pooling1d", MaxPooling1D, has_reuse=False)
max_pooling2d = _function("max_pooling2d", MaxPooling2D, has_reuse=False)
max_pooling3d = _function("max_pooling3d", MaxPooling3D, has_reuse=False)
average_pooling1d = _function("average_pooling1d", AveragePooling1D, has_reuse=False)
average_pooling2d = _function("average_pooling2d", AveragePooling2D, has_reuse=False)
average_pooling3d = _function("average_pooling3d", AveragePooling3D, has_reuse=False)
batch_normalization = _function("batch_normalization", BatchNormalization, call=("training",))


def flatten(inputs: Any, name: str | None = None, data_format: str = "channels_last") -> Any:
    """All dimensions but the first as one. TensorFlow: tf.compat.v1.layers.flatten."""
    return Flatten(data_format, name=name)(inputs)


def dropout(
    inputs: Any, rate: Any = 0.5, noise_shape: Any = None, seed: Any = None, training: Any = False,
    name: str | None = None,
) -> Any:  # fmt: skip
    """A share of the inputs set to zero if `training`. TensorFlow: tf.compat.v1.layers.dropout."""
    return Dropout(rate, noise_shape, seed, name)(inputs, training=training)
