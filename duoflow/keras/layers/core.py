"""Layers that stand on their own: Activation, Embedding, Identity, Lambda, Masking, Rescaling, Wrapper."""

from __future__ import annotations

import numbers
from collections.abc import Callable
from typing import Any, ClassVar

from duoflow import ops as tf

from .. import activations, ops, regularizers
from ..saving.serialization import deserialize_keras_object, serialize_keras_object
from ..symbolic import KerasTensor, compute_output_spec, set_keras_mask
from .layer import Layer
from .weights import add_configured, configure, weight_config

__all__ = [
    "Activation", "Embedding", "Identity", "Lambda", "Masking", "Rescaling", "ReversibleEmbedding", "Wrapper",
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


class Embedding(Layer):
    """A row of a table for each index.

    Args:
      input_dim: the number of rows; indices are ints in [0, input_dim).
      output_dim: the length of a row.
      mask_zero: whether index 0 is padding, masked from the layers behind.
      weights: the table's values, in the place of an initializer.

    >>> tf.keras.layers.Embedding(10, 4)(np.array([[1, 2, 3]])).shape
    TensorShape([1, 3, 4])

    Keras: keras.layers.Embedding.
    """

    _CHECKPOINT_NAMES: ClassVar = {"embeddings": "_embeddings"}

    def __init__(
        self, input_dim: int, output_dim: int, embeddings_initializer: Any = "uniform",
        embeddings_regularizer: Any = None,
        embeddings_constraint: Any = None, mask_zero: bool = False, weights: Any = None, lora_rank: int | None = None,
        lora_alpha: float | None = None, quantization_config: Any = None, **kwargs: Any,
    ) -> None:  # fmt: skip
        if lora_rank is not None or quantization_config is not None:
            raise NotImplementedError("Low-rank adaptation (`lora_rank`) and quantization of layers are not supported.")
        length = kwargs.pop("input_length", None)
        if length is not None:
            kwargs["input_shape"] = (length,)
        super().__init__(**kwargs)
        for name, value in (("input_dim", input_dim), ("output_dim", output_dim)):
            if not isinstance(value, numbers.Integral) or value <= 0:
                raise ValueError(
                    f"`{name}` must be a positive integer. Received: {name}={value} (of type {type(value).__name__})."
                )
        self.input_dim, self.output_dim = input_dim, output_dim
        configure(self, "embeddings", embeddings_initializer, embeddings_regularizer, embeddings_constraint)
        self.mask_zero = self.supports_masking = mask_zero
        self.autocast = False
        self.lora_rank = self.lora_alpha = None
        self._given_weights = weights

    def build(self, input_shape: Any = None) -> None:
        self.embeddings = add_configured(self, "embeddings", (self.input_dim, self.output_dim))
        if self._given_weights is not None:
            given = self._given_weights
            self.embeddings.assign(given[0] if isinstance(given, list | tuple) else given)

    def call(self, inputs: Any) -> Any:
        if inputs.dtype.name not in ("int32", "int64"):
            inputs = tf.cast(inputs, "int32")
        return tf.cast(tf.gather(self.embeddings, inputs, axis=0), self.compute_dtype)

    def compute_mask(self, inputs: Any, mask: Any = None) -> Any:
        return ops.not_equal(inputs, 0) if self.mask_zero else None

    def compute_output_shape(self, input_shape: Any) -> tuple[int | None, ...]:
        return (*input_shape, self.output_dim)

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "input_dim": self.input_dim,
            "output_dim": self.output_dim,
            **weight_config(self, "embeddings"),
            "activity_regularizer": regularizers.serialize(self.activity_regularizer),
            "quantization_config": None,
            "mask_zero": self.mask_zero,
        }


class ReversibleEmbedding(Embedding):
    """An embedding that also goes back: `layer(vectors, reverse=True)` gives a logit for each row of the table.

    Args:
      tie_weights: whether the way back uses the same table, else one of its own.
      reverse_dtype: the dtype of the way back. logit_soft_cap: bounds the logits softly.

    >>> layer = tf.keras.layers.ReversibleEmbedding(10, 4)
    >>> layer(layer(np.array([[1, 2]])), reverse=True).shape
    TensorShape([1, 2, 10])

    Keras: keras.layers.ReversibleEmbedding.
    """

    def __init__(
        self, input_dim: int, output_dim: int, tie_weights: bool = True, embeddings_initializer: Any = "uniform",
        embeddings_regularizer: Any = None, embeddings_constraint: Any = None, mask_zero: bool = False,
        reverse_dtype: Any = None, logit_soft_cap: float | None = None, **kwargs: Any,
    ) -> None:  # fmt: skip
        super().__init__(
            input_dim, output_dim, embeddings_initializer, embeddings_regularizer, embeddings_constraint, mask_zero,
            **kwargs,
        )  # fmt: skip
        self.tie_weights, self.reverse_dtype, self.logit_soft_cap = tie_weights, reverse_dtype, logit_soft_cap

    def build(self, input_shape: Any = None) -> None:
        super().build(input_shape)
        if not self.tie_weights:
            shape = (self.output_dim, self.input_dim)
            self.reverse_embeddings = self.add_weight(shape, self.embeddings_initializer, name="reverse_embeddings")

    def call(self, inputs: Any, reverse: bool = False) -> Any:
        if not reverse:
            rows = super().call(inputs)
            mask = super().compute_mask(inputs)
            if mask is not None:
                set_keras_mask(rows, mask)
            return rows
        kernel = tf.transpose(self.embeddings) if self.tie_weights else self.reverse_embeddings
        dtype = self.reverse_dtype or self.compute_dtype
        logits = tf.matmul(tf.cast(inputs, dtype), tf.cast(kernel, dtype))
        cap = self.logit_soft_cap
        return logits if cap is None else tf.tanh(logits / cap) * cap

    def compute_mask(self, inputs: Any, mask: Any = None) -> None:
        return None

    def compute_output_shape(self, input_shape: Any, reverse: bool = False) -> tuple[int | None, ...]:
        return (*input_shape[:-1], self.input_dim) if reverse else (*input_shape, self.output_dim)

    def compute_output_spec(self, inputs: Any, reverse: bool = False) -> Any:
        return KerasTensor(self.compute_output_shape(inputs.shape, reverse), dtype=self.compute_dtype)

    def get_config(self) -> dict[str, Any]:
        own = {name: getattr(self, name) for name in ("tie_weights", "reverse_dtype", "logit_soft_cap")}
        return {**super().get_config(), **own}


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
