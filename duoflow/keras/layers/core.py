"""Layers that stand on their own: Activation, Identity, Lambda, Masking, Rescaling, Wrapper."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from duoflow import ops as tf

from .. import activations, ops
from ..saving.serialization import deserialize_keras_object, serialize_keras_object
from ..symbolic import compute_output_spec, set_keras_mask
from .layer import Layer

__all__ = [
    "Activation", "Identity", "Lambda", "Masking", "Rescaling", "Wrapper",
]  # fmt: skip


class Activation(Layer):
    """An activation function as a layer.

    >>> tf.keras.layers.Activation("relu")(tf.constant([-1.0, 2.0])).numpy()
    array([0., 2.], dtype=float32)

    Keras: keras.layers.Activation.
    """

    def __init__(self, activation: Any, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.supports_masking = True
        self.activation = activations.get(activation)
        self.built = True

    def call(self, inputs: Any) -> Any:
        return self.activation(inputs)

    def compute_output_shape(self, input_shape: Any) -> Any:
        return input_shape

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "activation": activations.serialize(self.activation)}


class Identity(Layer):
    """Gives its inputs back. Keras: keras.layers.Identity."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.supports_masking = True
        self.built = True

    def call(self, inputs: Any) -> Any:
        return inputs

    def compute_output_shape(self, input_shape: Any) -> Any:
        return input_shape

    def compute_output_spec(self, inputs: Any) -> Any:
        return compute_output_spec(lambda x: x, inputs)


class Lambda(Layer):
    """A function as a layer. Name the function and register it if the model is to be saved.

    Args:
      function: takes the inputs, and `mask` or `training` if its signature has them.
      output_shape: the shape of the output without the batch, or a function of the input's shape.
      mask: the mask of the output, or a function that gives it. arguments: further keyword arguments.

    >>> tf.keras.layers.Lambda(lambda x: x**2)(tf.constant([3.0])).numpy()
    array([9.], dtype=float32)

    Keras: keras.layers.Lambda.
    """

    def __init__(
        self,
        function: Callable[..., Any],
        output_shape: Any = None,
        mask: Any = None,
        arguments: Any = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        if not callable(function):
            raise TypeError(f"`function` must be callable, such as `lambda x: x * 2`. Received: function={function!r}")
        self.function, self.arguments = function, arguments or {}
        self.mask, self._output_shape = mask, output_shape
        self.supports_masking = mask is not None

    def call(self, inputs: Any, mask: Any = None, training: Any = None) -> Any:
        names = self.function.__code__.co_varnames if hasattr(self.function, "__code__") else ()
        extra = {n: v for n, v in (("mask", mask), ("training", training)) if n in names and v is not None}
        return self.function(inputs, **{**self.arguments, **extra})

    def compute_output_spec(self, inputs: Any, mask: Any = None, training: Any = None) -> Any:
        if self._output_shape is None:
            return compute_output_spec(self.call, inputs)
        return super().compute_output_spec(inputs)

    def compute_output_shape(self, input_shape: Any) -> Any:
        if self._output_shape is None:
            raise NotImplementedError(
                "We could not automatically infer the shape of the Lambda's output. Please specify the `output_shape` "
                "argument for this Lambda layer."
            )
        if callable(self._output_shape):
            return self._output_shape(input_shape)
        return (input_shape[0], *self._output_shape)

    def compute_mask(self, inputs: Any, mask: Any = None) -> Any:
        return self.mask(inputs, mask) if callable(self.mask) else self.mask

    def get_config(self) -> dict[str, Any]:
        config = {"function": serialize_keras_object(self.function)}
        if self._output_shape is not None:
            config["output_shape"] = serialize_keras_object(self._output_shape)
        if self.mask is not None:
            config["mask"] = serialize_keras_object(self.mask)
        config["arguments"] = serialize_keras_object(self.arguments)
        return {**super().get_config(), **config}

    @classmethod
    def from_config(cls, config: dict[str, Any], custom_objects: Any = None, safe_mode: bool | None = None) -> Any:
        config = dict(config)
        for key in ("function", "output_shape", "mask"):
            if isinstance(config.get(key), dict):
                config[key] = deserialize_keras_object(config[key], custom_objects=custom_objects)
        config["arguments"] = deserialize_keras_object(config.get("arguments"), custom_objects=custom_objects)
        return cls(**config)


class Masking(Layer):
    """Masks the steps of a sequence in which all features have one value.

    >>> masked = tf.keras.layers.Masking()(np.array([[[1.0], [0.0]]]))
    >>> masked._keras_mask.numpy()
    array([[ True, False]])

    Keras: keras.layers.Masking.
    """

    def __init__(self, mask_value: float = 0.0, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.mask_value = deserialize_keras_object(mask_value) if isinstance(mask_value, dict) else mask_value
        self.supports_masking = True
        self.built = True

    def compute_mask(self, inputs: Any, mask: Any = None) -> Any:
        return ops.any(ops.not_equal(inputs, self.mask_value), axis=-1)

    def call(self, inputs: Any) -> Any:
        steps = tf.reduce_any(tf.not_equal(inputs, tf.cast(self.mask_value, inputs.dtype)), axis=-1, keepdims=True)
        outputs = inputs * tf.cast(steps, inputs.dtype)
        set_keras_mask(outputs, tf.squeeze(steps, [-1]))
        return outputs

    def compute_output_shape(self, input_shape: Any) -> Any:
        return input_shape

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "mask_value": self.mask_value}


class Rescaling(Layer):
    """inputs * scale + offset.

    >>> tf.keras.layers.Rescaling(1 / 255)(np.array([255.0])).numpy()
    array([1.], dtype=float32)

    Keras: keras.layers.Rescaling.
    """

    def __init__(self, scale: Any, offset: Any = 0.0, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.scale, self.offset = scale, offset
        self.supports_masking = True
        self.built = True

    def call(self, inputs: Any) -> Any:
        dtype = self.compute_dtype
        return tf.cast(inputs, dtype) * tf.cast(self.scale, dtype) + tf.cast(self.offset, dtype)

    def compute_output_shape(self, input_shape: Any) -> Any:
        return input_shape

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "scale": serialize_keras_object(self.scale),
            "offset": serialize_keras_object(self.offset),
        }


class Wrapper(Layer):
    """Base of layers around another layer. Keras: keras.layers.Wrapper."""

    def __init__(self, layer: Layer, **kwargs: Any) -> None:
        if not isinstance(layer, Layer):
            raise ValueError(
                f"Layer {layer} supplied to Wrapper isn't a supported layer type. Please ensure wrapped layer is a "
                "valid Keras layer."
            )
        super().__init__(**kwargs)
        self.layer = layer

    def build(self, input_shape: Any = None) -> None:
        if not self.layer.built:
            self.layer.build(input_shape)
            self.layer.built = True

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "layer": serialize_keras_object(self.layer)}

    @classmethod
    def from_config(cls, config: dict[str, Any], custom_objects: Any = None) -> Any:
        config = dict(config)
        layer = deserialize_keras_object(config.pop("layer"), custom_objects=custom_objects)
        return cls(layer, **config)
