"""Attention of many query heads over few key and value heads: GroupQueryAttention, whose class has a longer name."""

from __future__ import annotations

import math
from typing import Any

from duoflow import ops as tf

from .. import initializers, random, regularizers
from ..random import SeedGenerator
from ..saving.public_names import named
from ..symbolic import KerasTensor
from .attention import allowed_scores, checked_window
from .dense import EinsumDense
from .layer import Layer
from .weights import configure, weight_config

__all__ = ["GroupQueryAttention"]


@named("keras.layers", "GroupQueryAttention")
class GroupedQueryAttention(Layer):
    """Attention whose query heads share key and value heads in groups.

    Args:
      head_dim: the size of every head. num_query_heads, num_key_value_heads: their numbers, multiples of the second.
      dropout: of the attention weights, in training. use_bias: of the projections.
      sliding_window: how near keys must be to a query. flash_attention: accepted; the engine chooses.
      use_gate: multiply the outputs of the heads by gates computed from the query.
      *_initializer, *_regularizer, *_constraint: of the projections.

    >>> layer = tf.keras.layers.GroupQueryAttention(head_dim=4, num_query_heads=4, num_key_value_heads=2)
    >>> layer(tf.ones((1, 3, 8)), tf.ones((1, 5, 8))).shape
    TensorShape([1, 3, 8])

    Ainslie et al. 2023. Keras: keras.layers.GroupQueryAttention.
    """

    def __init__(
        self, head_dim: int, num_query_heads: int, num_key_value_heads: int, dropout: float = 0.0,
        use_bias: bool = True, sliding_window: int | None = None, flash_attention: Any = None,
        kernel_initializer: Any = "glorot_uniform", bias_initializer: Any = "zeros", kernel_regularizer: Any = None,
        bias_regularizer: Any = None, activity_regularizer: Any = None, kernel_constraint: Any = None,
        bias_constraint: Any = None, use_gate: bool = False, seed: Any = None, **kwargs: Any,
    ) -> None:  # fmt: skip
        super().__init__(activity_regularizer=activity_regularizer, **kwargs)
        if num_query_heads % num_key_value_heads:
            raise ValueError(
                "`num_query_heads` must be divisible by `num_key_value_heads`. Received: "
                f"num_query_heads={num_query_heads}, num_key_value_heads={num_key_value_heads}"
            )
        self.supports_masking = True
        self.head_dim, self.num_query_heads, self.num_key_value_heads = head_dim, num_query_heads, num_key_value_heads
        self.dropout, self.use_bias, self.use_gate, self.seed = dropout, use_bias, use_gate, seed
        self.sliding_window, self._flash_attention = checked_window(sliding_window), flash_attention
        configure(self, "kernel", kernel_initializer, kernel_regularizer, kernel_constraint)
        configure(self, "bias", bias_initializer, bias_regularizer, bias_constraint)
        if dropout > 0:
            self.seed_generator = SeedGenerator(seed)

    def build(self, query_shape: Any, value_shape: Any, key_shape: Any = None) -> None:
        key_shape = value_shape if key_shape is None else key_shape
        queries, values = (self.num_query_heads, "u"), (self.num_key_value_heads, "v")
        parts = [("query", query_shape, queries), ("key", key_shape, values), ("value", value_shape, values)]
        if self.use_gate:
            parts.insert(2, ("gate", query_shape, queries))
        for name, shape, (heads, letter) in parts:
            dense = EinsumDense(
                f"bqm,m{letter}h->bq{letter}h", output_shape=(None, heads, self.head_dim), name=name,
                activation="sigmoid" if name == "gate" else None,
                bias_axes=f"{letter}h" if self.use_bias else None, **self._settings(),
            )  # fmt: skip
            setattr(self, f"_{name}_dense", dense)
            dense.build(shape)
        self._output_dense = EinsumDense(
            "bquh,uhm->bqm", output_shape=(None, query_shape[-1]), bias_axes="m" if self.use_bias else None,
            name="attention_output", **self._settings(),
        )  # fmt: skip
        self._output_dense.build((None, None, self.num_query_heads, self.head_dim))

    def _settings(self) -> dict[str, Any]:
        """What the projections share; initializers with seeds of their own, so that they do not start alike."""
        settings = {
            f"{weight}_{kind}": getattr(self, f"{weight}_{kind}")
            for weight in ("kernel", "bias")
            for kind in ("initializer", "regularizer", "constraint")
        }
        fresh = {k: v.clone() if isinstance(v, initializers.Initializer) else v for k, v in settings.items()}
        return {**fresh, "activity_regularizer": self.activity_regularizer, "dtype": self._dtype_policy}

    def call(
        self, query: Any, value: Any, key: Any = None, query_mask: Any = None, value_mask: Any = None,
        key_mask: Any = None, attention_mask: Any = None, return_attention_scores: bool = False, training: Any = None,
        use_causal_mask: bool = False,
    ) -> Any:  # fmt: skip
        allowed = allowed_scores(
            query, value, (query_mask, value_mask, key_mask), attention_mask, use_causal_mask, self.sliding_window
        )
        q, k, v = self._query_dense(query), self._key_dense(value if key is None else key), self._value_dense(value)
        shared = self.num_query_heads // self.num_key_value_heads
        k, v = tf.repeat(k, shared, axis=2), tf.repeat(v, shared, axis=2)
        scores = tf.einsum("bquh,bkuh->buqk", q * (1.0 / math.sqrt(self.head_dim)), k)
        if allowed is not None:
            allowed = tf.expand_dims(allowed, 1) if len(allowed.shape) == 3 else allowed
            scores += (1.0 - tf.cast(allowed, scores.dtype)) * (-3e4 if scores.dtype.name == "float16" else -1e9)
        weights = tf.softmax(scores, axis=-1)
        dropped = weights
        if training and self.dropout > 0:
            dropped = random.dropout(weights, self.dropout, seed=self.seed_generator)
        out = tf.einsum("buqk,bkuh->bquh", dropped, v)
        out = self._output_dense(out * self._gate_dense(query) if self.use_gate else out)
        return (out, weights) if return_attention_scores else out

    def compute_output_shape(self, query_shape: Any, value_shape: Any, key_shape: Any = None) -> tuple[Any, ...]:
        if query_shape[-1] != value_shape[-1]:
            raise ValueError(
                "The last dimension of `query_shape` and `value_shape` must be equal. Received: "
                f"query_shape={query_shape}, value_shape={value_shape}"
            )
        if value_shape[1:-1] != (value_shape if key_shape is None else key_shape)[1:-1]:
            raise ValueError(
                "All dimensions of `value` and `key`, except the last one, must be equal. Received: "
                f"value_shape={value_shape} and key_shape={key_shape}"
            )
        return tuple(query_shape)

    def compute_output_spec(
        self, query: Any, value: Any, key: Any = None, query_mask: Any = None, value_mask: Any = None,
        key_mask: Any = None, attention_mask: Any = None, return_attention_scores: bool = False, training: Any = None,
        use_causal_mask: bool = False,
    ) -> Any:  # fmt: skip
        shape = self.compute_output_shape(query.shape, value.shape, None if key is None else key.shape)
        out = KerasTensor(shape, dtype=self.compute_dtype)
        if not return_attention_scores:
            return out
        keys = (value if key is None else key).shape[1]
        scores = (query.shape[0], self.num_query_heads, query.shape[1], keys)
        return out, KerasTensor(scores, dtype=self.compute_dtype)

    def get_config(self) -> dict[str, Any]:
        names = ("head_dim", "num_query_heads", "num_key_value_heads", "dropout", "use_bias", "use_gate")
        own = {name: getattr(self, name) for name in (*names, "sliding_window", "seed")}
        penalty = {"activity_regularizer": regularizers.serialize(self.activity_regularizer)}
        return {**super().get_config(), **own, **penalty, **weight_config(self, "kernel", "bias")}


GroupQueryAttention = GroupedQueryAttention
