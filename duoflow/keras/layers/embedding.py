"""Layers that look rows up in a table: Embedding and ReversibleEmbedding."""

from __future__ import annotations

import numbers
from typing import Any, ClassVar

from duoflow import ops as tf

from .. import ops, regularizers
from ..quantizers.configs import QuantizationConfig
from ..quantizers.objects import AbsMaxQuantizer
from ..symbolic import KerasTensor, set_keras_mask
from .low_rank import whole_weight
from .quantizable import Quantizable
from .quantized_weights import Int4Weight, Int8Weight
from .weights import add_configured, configure, weight_config

__all__ = ["Embedding", "ReversibleEmbedding"]


class Embedding(Quantizable):
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

    _WEIGHT = "embeddings"
    _SAVED: ClassVar = {
        None: ("_embeddings",),
        "int8": ("_embeddings", "embeddings_scale"),
        "int4": ("_embeddings", "embeddings_scale", "embeddings_zero", "g_idx"),
    }
    embeddings = whole_weight("embeddings")

    def __init__(
        self, input_dim: int, output_dim: int, embeddings_initializer: Any = "uniform",
        embeddings_regularizer: Any = None,
        embeddings_constraint: Any = None, mask_zero: bool = False, weights: Any = None, lora_rank: int | None = None,
        lora_alpha: float | None = None, quantization_config: Any = None, **kwargs: Any,
    ) -> None:  # fmt: skip
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
        self._configure_adaptation(lora_rank, lora_alpha)
        self._configure_quantization(quantization_config)
        self._given_weights = weights

    def build(self, input_shape: Any = None) -> None:
        shape = (self.input_dim, self.output_dim)
        if self.quantization_mode is not None:
            self.quantized_build(shape, self.quantization_mode, self.quantization_config)
        if not self._replaces_weight:
            self._embeddings = add_configured(self, "embeddings", shape)
        if self._given_weights is not None:
            given = self._given_weights
            self._embeddings.assign(given[0] if isinstance(given, list | tuple) else given)
        self._adapt_as_configured()

    def _arrangements(self, shape: tuple[int, ...], mode: str, config: Any) -> dict[str, Int8Weight | Int4Weight]:
        if mode == "int8":
            return {"embeddings": Int8Weight(shape, (1,), (0, 1), (shape[0],))}
        return {"embeddings": Int4Weight(shape, (shape[0], shape[1]), 1, self._block_size(config))}

    def call(self, inputs: Any) -> Any:
        # Of the whole table: optimizers take gradients of rows of the small matrices for something else.
        return tf.cast(tf.gather(self.embeddings, _indices(inputs), axis=0), self.compute_dtype)

    def quantized_call(self, inputs: Any) -> Any:
        """The rows, of a table in few bits."""
        indices = _indices(inputs)
        rows = self._arranged["embeddings"].rows(self._parts("embeddings"), indices, self.compute_dtype)
        if self.lora_enabled:
            a, b = self._adapters
            rows = rows + self.lora_alpha / self.lora_rank * tf.matmul(tf.gather(a, indices), b)
        return tf.cast(rows, self.compute_dtype)

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
            **self._quantization_settings(),
            "mask_zero": self.mask_zero,
            **self._adaptation_config(),
        }


def _indices(inputs: Any) -> Any:
    return inputs if inputs.dtype.name in ("int32", "int64") else tf.cast(inputs, "int32")


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
        if not self.tie_weights and not self._replaces_weight:
            shape = (self.output_dim, self.input_dim)
            self.reverse_embeddings = self.add_weight(shape, self.embeddings_initializer, name="reverse_embeddings")

    def _saved(self) -> list[str]:
        own = [f"reverse_embeddings{suffix}" for suffix in ("", "_scale", "_zero")]
        return [*super()._saved(), *(name for name in own if hasattr(self, name))]

    def _arrangements(self, shape: tuple[int, ...], mode: str, config: Any) -> dict[str, Int8Weight | Int4Weight]:
        found = super()._arrangements(shape, mode, config)
        if self.tie_weights:
            return found
        back, size = (shape[1], shape[0]), self._block_size(config)
        way_back = (
            Int8Weight(back, (0,), (0, 1), (back[1],))
            if mode == "int8"
            else Int4Weight(back, back, 0, size, pack_axis=0, zero_dtype=None)
        )
        return {**found, "reverse_embeddings": way_back}

    def _inputs_quantizer(self, mode: str, config: Any) -> Any:
        return QuantizationConfig.activation_quantizer_or_default(config, AbsMaxQuantizer(axis=-1))

    def call(self, inputs: Any, reverse: bool = False) -> Any:
        if not reverse:
            return self._masked(super().call(inputs), inputs)
        kernel = tf.transpose(self.embeddings) if self.tie_weights else self.reverse_embeddings
        dtype = self.reverse_dtype or self.compute_dtype
        return self._capped(tf.matmul(tf.cast(inputs, dtype), tf.cast(kernel, dtype)))

    def quantized_call(self, inputs: Any, reverse: bool = False) -> Any:
        """The rows or logits, of tables in few bits."""
        if not reverse:
            return self._masked(super().quantized_call(inputs), inputs)
        name = "embeddings" if self.tie_weights else "reverse_embeddings"
        kernel, scale = self._arranged[name].unscaled(self._parts(name), self.compute_dtype)
        kernel = tf.transpose(kernel) if self.tie_weights else kernel
        return self._capped(self._quantized_product(tf.matmul, inputs, kernel, scale, -1))

    def _masked(self, rows: Any, inputs: Any) -> Any:
        mask = super().compute_mask(inputs)
        if mask is not None:
            set_keras_mask(rows, mask)
        return rows

    def _capped(self, logits: Any) -> Any:
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
