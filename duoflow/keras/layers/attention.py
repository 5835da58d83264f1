"""Attention: Attention, AdditiveAttention and MultiHeadAttention."""

from __future__ import annotations

import math
import string
from typing import Any

from duoflow import ops as tf
from duoflow.core.tensor import convert

from .. import initializers, ops, random, regularizers
from ..random import SeedGenerator
from ..symbolic import KerasTensor, keras_mask, set_keras_mask
from .dense import EinsumDense
from .layer import Layer
from .weights import configure, weight_config

__all__ = ["AdditiveAttention", "Attention", "MultiHeadAttention"]


class Attention(Layer):
    """Dot-product attention of a query over values: called on [query, value] or [query, value, key].

    Args:
      use_scale: train a factor of the scores. score_mode: "dot" or "concat".
      dropout: of the attention weights, in training. seed: of the dropout.

    >>> query, value = tf.ones((1, 2, 4)), tf.ones((1, 3, 4))
    >>> tf.keras.layers.Attention()([query, value]).shape
    TensorShape([1, 2, 4])

    Luong et al. 2015. Keras: keras.layers.Attention.
    """

    def __init__(
        self, use_scale: bool = False, score_mode: str = "dot", dropout: float = 0.0, seed: Any = None, **kwargs: Any
    ) -> None:
        super().__init__(**kwargs)
        if score_mode not in ("dot", "concat"):
            raise ValueError(
                f"Invalid value for argument score_mode. Expected one of {{'dot', 'concat'}}. Received: "
                f"score_mode={score_mode}"
            )
        self.use_scale, self.score_mode, self.dropout, self.seed = use_scale, score_mode, dropout, seed
        self.supports_masking = True
        if dropout > 0:
            self.seed_generator = SeedGenerator(seed)

    def build(self, input_shape: Any) -> None:
        self._check(input_shape)
        self.scale = self.add_weight((), "ones", name="scale") if self.use_scale else None
        concat = self.score_mode == "concat"
        self.concat_score_weight = self.add_weight((), "ones", name="concat_score_weight") if concat else None

    def _scores(self, query: Any, key: Any) -> Any:
        if self.score_mode == "dot":
            scores = tf.matmul(query, key, transpose_b=True)
            return scores if self.scale is None else scores * self.scale
        both = tf.expand_dims(query, -2) + tf.expand_dims(key, -3)
        if self.scale is not None:
            both = self.scale * both
        return self.concat_score_weight * tf.reduce_sum(tf.tanh(both), -1)

    def call(
        self, inputs: Any, mask: Any = None, training: Any = False, return_attention_scores: bool = False,
        use_causal_mask: bool = False,
    ) -> Any:  # fmt: skip
        self._check(inputs)
        query, value = inputs[0], inputs[1]
        key = inputs[2] if len(inputs) > 2 else value
        query_mask, value_mask = (mask[0], mask[1]) if mask else (None, None)
        scores = self._scores(query, key)
        allowed = None if value_mask is None else tf.expand_dims(tf.cast(value_mask, "bool"), -2)
        if use_causal_mask:
            causal = _causal(tf.shape(scores)[-2], tf.shape(scores)[-1])
            allowed = causal if allowed is None else tf.logical_and(allowed, causal)
        if allowed is not None:
            far = 65504.0 if scores.dtype.name == "float16" else 1.0e9
            scores = tf.where(tf.logical_not(allowed), scores - far, scores)
        weights = tf.softmax(scores, axis=-1)
        if training and self.dropout > 0:
            weights = random.dropout(weights, self.dropout, seed=self.seed_generator)
        out = tf.matmul(weights, value)
        if query_mask is not None:
            out = tf.where(tf.expand_dims(tf.cast(query_mask, "bool"), -1), out, tf.zeros_like(out))
        return (out, weights) if return_attention_scores else out

    def compute_mask(self, inputs: Any, mask: Any = None) -> Any:
        return None if mask is None or mask[0] is None else ops.convert_to_tensor(mask[0])

    def compute_output_shape(self, input_shape: Any) -> tuple[Any, ...]:
        return (*input_shape[0][:-1], input_shape[1][-1])

    def compute_output_spec(
        self, inputs: Any, mask: Any = None, return_attention_scores: bool = False, training: Any = None,
        use_causal_mask: bool = False,
    ) -> Any:  # fmt: skip
        self._check(inputs)
        query, value = inputs[0], inputs[1]
        key = inputs[2] if len(inputs) > 2 else value
        out = KerasTensor(self.compute_output_shape([query.shape, value.shape]), dtype=self.compute_dtype)
        if not return_attention_scores:
            return out
        return out, KerasTensor((*query.shape[:-1], key.shape[-2]), dtype=self.compute_dtype)

    def _check(self, inputs: Any) -> None:
        name = type(self).__name__
        if not isinstance(inputs, list | tuple):
            raise ValueError(
                f"{name} layer must be called on a list of inputs, namely [query, value] or [query, value, key]. "
                f"Received: inputs={inputs}."
            )
        if not 2 <= len(inputs) <= 3:
            raise ValueError(
                f"{name} layer accepts inputs list of length 2 or 3, namely [query, value] or [query, value, key]. "
                f"Received length: {len(inputs)}."
            )

    def get_config(self) -> dict[str, Any]:
        own = {"use_scale": self.use_scale, "score_mode": self.score_mode, "dropout": self.dropout, "seed": self.seed}
        return {**super().get_config(), **own}


class AdditiveAttention(Attention):
    """Attention whose scores are sums of tanh(query + key). Bahdanau et al. 2014.

    Keras: keras.layers.AdditiveAttention.
    """

    def __init__(self, use_scale: bool = True, dropout: float = 0.0, **kwargs: Any) -> None:
        super().__init__(use_scale=use_scale, dropout=dropout, **kwargs)

    def build(self, input_shape: Any) -> None:
        self._check(input_shape)
        size = input_shape[0][-1]
        self.scale = self.add_weight((size,), "glorot_uniform", name="scale") if self.use_scale else None

    def _scores(self, query: Any, key: Any) -> Any:
        scores = tf.tanh(tf.expand_dims(query, -2) + tf.expand_dims(key, -3))
        return tf.reduce_sum(scores if self.scale is None else self.scale * scores, -1)

    def get_config(self) -> dict[str, Any]:
        config = super().get_config()
        del config["score_mode"]
        return config


def _causal(rows: Any, columns: Any) -> Any:
    """Which columns a row may look at: those up to its own."""
    return tf.expand_dims(tf.range(rows), 1) >= tf.expand_dims(tf.range(columns), 0)


def checked_window(window: Any) -> int | None:
    """A positive int or None; `ValueError` for anything else."""
    if window is not None and (not isinstance(window, int) or window <= 0):
        raise ValueError(
            f"`sliding_window` must be `None` or a positive integer. Received: sliding_window={window}"
        )
    return window


def allowed_scores(
    query: Any, value: Any, masks: tuple[Any, Any, Any], attention_mask: Any, causal: bool, window: int | None = None
) -> Any:
    """Which values each query may see [batch, queries, values], or None: by the masks of query, value and key."""
    query_mask, *of_values = masks
    parts = [] if query_mask is None else [tf.expand_dims(tf.cast(query_mask, "bool"), -1)]
    parts += [tf.expand_dims(tf.cast(mask, "bool"), -2) for mask in of_values if mask is not None]
    if causal:
        parts.append(tf.expand_dims(_causal(tf.shape(query)[1], tf.shape(value)[1]), 0))
    if window is not None:
        apart = tf.expand_dims(tf.range(tf.shape(query)[1]), 1) - tf.range(tf.shape(value)[1])
        parts.append(tf.expand_dims(tf.abs(apart) < window, 0))
    if attention_mask is not None:
        parts.append(tf.cast(attention_mask, "bool"))
    allowed = None
    for part in parts:
        allowed = part if allowed is None else tf.logical_and(allowed, part)
    return allowed


class MultiHeadAttention(Layer):
    """Several dot-product attentions side by side, over projections of query, key and value.

    Args:
      num_heads, key_dim: the number of attentions and the size of their queries and keys.
      value_dim: the size of their values, `key_dim` if not given.
      dropout: of the attention weights, in training. use_bias: of the projections.
      output_shape: the last sizes of the output; the query's if not given.
      attention_axes: the axes attended over; all but the batch and the last if not given.
      sliding_window: how near keys must be to a query. flash_attention: accepted; the engine chooses.
      use_gate: multiply the outputs of the heads by gates computed from the query.
      *_initializer, *_regularizer, *_constraint: of the projections.

    >>> layer = tf.keras.layers.MultiHeadAttention(num_heads=2, key_dim=4)
    >>> layer(tf.ones((1, 3, 8)), tf.ones((1, 5, 8))).shape
    TensorShape([1, 3, 8])

    Vaswani et al. 2017. Keras: keras.layers.MultiHeadAttention.
    """

    def __init__(
        self, num_heads: int, key_dim: int, value_dim: int | None = None, dropout: float = 0.0, use_bias: bool = True,
        output_shape: Any = None, attention_axes: Any = None, sliding_window: int | None = None,
        flash_attention: Any = None, kernel_initializer: Any = "glorot_uniform", bias_initializer: Any = "zeros",
        kernel_regularizer: Any = None, bias_regularizer: Any = None, activity_regularizer: Any = None,
        kernel_constraint: Any = None, bias_constraint: Any = None, use_gate: bool = False, seed: Any = None,
        **kwargs: Any,
    ) -> None:  # fmt: skip
        super().__init__(activity_regularizer=activity_regularizer, **kwargs)
        self.supports_masking = True
        self._num_heads, self._key_dim, self._value_dim = num_heads, key_dim, value_dim or key_dim
        self._dropout, self._use_bias, self.seed = dropout, use_bias, seed
        self._output_shape = (output_shape,) if isinstance(output_shape, int) else output_shape
        self._flash_attention = flash_attention
        self._use_gate, self._sliding_window = use_gate, checked_window(sliding_window)
        configure(self, "kernel", kernel_initializer, kernel_regularizer, kernel_constraint)
        configure(self, "bias", bias_initializer, bias_regularizer, bias_constraint)
        axes = (attention_axes,) if isinstance(attention_axes, int) else attention_axes
        self._attention_axes = None if axes is None else tuple(axes)
        if dropout > 0:
            self.seed_generator = SeedGenerator(seed)

    @property
    def num_heads(self) -> int:
        """The number of attentions."""
        return self._num_heads

    @property
    def key_dim(self) -> int:
        """The size of queries and keys."""
        return self._key_dim

    @property
    def value_dim(self) -> int:
        """The size of values."""
        return self._value_dim

    @property
    def query_dense(self) -> Any:
        """The projection of queries. Weights files know the four projections by these public names."""
        return self._query_dense

    @property
    def key_dense(self) -> Any:
        """The projection of keys."""
        return self._key_dense

    @property
    def value_dense(self) -> Any:
        """The projection of values."""
        return self._value_dense

    @property
    def output_dense(self) -> Any:
        """The projection of what attention gives."""
        return self._output_dense

    def build(self, query_shape: Any, value_shape: Any, key_shape: Any = None) -> None:
        key_shape = value_shape if key_shape is None else key_shape
        if value_shape[1:-1] != key_shape[1:-1]:
            raise ValueError(
                "All dimensions of `value` and `key`, except the last one, must be equal. Received: "
                f"value_shape={value_shape} "
                f"and key_shape={key_shape}"
            )
        axes = self._attention_axes or tuple(range(1, len(query_shape) - 1))
        self._attention_axes = tuple(a % len(query_shape) for a in axes)
        projections = [
            ("query", query_shape, self._key_dim),
            ("key", key_shape, self._key_dim),
            ("value", value_shape, self._value_dim),
        ]
        if self._use_gate:
            projections.insert(2, ("gate", query_shape, self._value_dim))
        for name, shape, size in projections:
            activation = "sigmoid" if name == "gate" else None
            dense = self._projection(name, len(shape) - 1, 1, (self._num_heads, size), activation)
            setattr(self, f"_{name}_dense", dense)
            dense.build(shape)
        rank = len(query_shape)
        out = tuple(self._output_shape) if self._output_shape else (query_shape[-1],)
        self._output_dense = self._projection("attention_output", rank - 1, 2, out)
        self._output_dense.build((*query_shape[:-1], self._num_heads, self._value_dim))

    def _projection(
        self, name: str, free: int, bound: int, sizes: tuple[int, ...], activation: str | None = None
    ) -> EinsumDense:
        """A dense layer from `bound` last axes to axes of `sizes`, with `free` axes before them."""
        letters = string.ascii_lowercase
        kept, summed = letters[:free], letters[free : free + bound]
        made = letters[free + bound : free + bound + len(sizes)]
        settings = {
            f"{weight}_{kind}": _fresh(getattr(self, f"{weight}_{kind}"))
            for weight in ("kernel", "bias")
            for kind in ("initializer", "regularizer", "constraint")
        }
        return EinsumDense(
            f"{kept}{summed},{summed}{made}->{kept}{made}", output_shape=(*(None,) * (free - 1), *sizes),
            activation=activation, bias_axes=made if self._use_bias else None, name=name, dtype=self._dtype_policy,
            **settings,
        )  # fmt: skip

    def call(
        self, query: Any, value: Any, key: Any = None, query_mask: Any = None, value_mask: Any = None,
        key_mask: Any = None, attention_mask: Any = None, return_attention_scores: bool = False, training: Any = None,
        use_causal_mask: bool = False,
    ) -> Any:  # fmt: skip
        key = value if key is None else key
        allowed = allowed_scores(
            query, value, (query_mask, value_mask, key_mask), attention_mask, use_causal_mask, self._sliding_window
        )
        for tensor in (query, value, key):  # as in Keras, they lose their masks: the projections could not keep them
            set_keras_mask(tensor, None)
        gate = self._gate_dense(query) if self._use_gate else None
        q, k, v = self._query_dense(query), self._key_dense(key), self._value_dense(value)
        out, scores = self._attend(q, k, v, allowed, training)
        out = self._output_dense(out if gate is None else out * gate)
        if query_mask is not None:
            set_keras_mask(out, query_mask)
        return (out, scores) if return_attention_scores else out

    def _attend(self, q: Any, k: Any, v: Any, allowed: Any, training: Any) -> tuple[Any, Any]:
        """Attention over tensors [batch, ..., heads, size]; returns the output and the weights."""
        scores_equation, output_equation = _attention_equations(len(q.shape), self._attention_axes)
        scores = tf.einsum(scores_equation, k, q * (1.0 / math.sqrt(self._key_dim)))
        if allowed is not None:
            heads_axis = -len(self._attention_axes) * 2 - 1
            for _ in range(len(scores.shape) - len(allowed.shape)):
                allowed = tf.expand_dims(allowed, heads_axis)
            scores += (1.0 - tf.cast(allowed, scores.dtype)) * (-3e4 if scores.dtype.name == "float16" else -1e9)
        last = list(range(len(scores.shape) - len(self._attention_axes), len(scores.shape)))
        weights = ops.softmax(scores, axis=last if len(last) > 1 else -1)
        dropped = weights
        if training and self._dropout > 0:
            dropped = random.dropout(weights, self._dropout, seed=self.seed_generator)
        return tf.einsum(output_equation, dropped, v), weights

    def compute_mask(self, query: Any, mask: Any = None) -> Any:
        mask = mask[0] if isinstance(mask, list | tuple) else mask
        if mask is None:
            return keras_mask(query)
        return mask if isinstance(mask, KerasTensor) else convert(mask)

    def compute_output_shape(self, query_shape: Any, value_shape: Any, key_shape: Any = None) -> tuple[Any, ...]:
        return (*query_shape[:-1], *self._output_shape) if self._output_shape else tuple(query_shape)

    def compute_output_spec(
        self, query: Any, value: Any, key: Any = None, query_mask: Any = None, value_mask: Any = None,
        key_mask: Any = None, attention_mask: Any = None, return_attention_scores: bool = False, training: Any = None,
        use_causal_mask: bool = False,
    ) -> Any:  # fmt: skip
        out = KerasTensor(self.compute_output_shape(query.shape, value.shape), dtype=self.compute_dtype)
        if not return_attention_scores:
            return out
        lengths = [tuple(x.shape[a] for a in self._attention_axes) for x in (query, value if key is None else key)]
        return out, KerasTensor((query.shape[0], self._num_heads, *lengths[0], *lengths[1]), dtype=self.compute_dtype)

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "num_heads": self._num_heads,
            "key_dim": self._key_dim,
            "value_dim": self._value_dim,
            "dropout": self._dropout,
            "use_bias": self._use_bias,
            "output_shape": self._output_shape,
            "attention_axes": self._attention_axes,
            "activity_regularizer": regularizers.serialize(self.activity_regularizer),
            **weight_config(self, "kernel", "bias"),
            "use_gate": self._use_gate,
            "sliding_window": self._sliding_window,
            "seed": self.seed,
        }


def _fresh(setting: Any) -> Any:
    """An equal initializer with a seed of its own, so that projections do not start alike."""
    if isinstance(setting, initializers.Initializer):
        return setting.clone()
    return setting


def _attention_equations(rank: int, axes: tuple[int, ...]) -> tuple[str, str]:
    """The einsums of scores and outputs for tensors [batch, ..., heads, size] attended over some axes."""
    letters = iter(string.ascii_lowercase)
    query = [next(letters) for _ in range(rank)]
    key = [next(letters) if i in axes else query[i] for i in range(rank)]
    batch = [query[i] for i in range(rank - 2) if i not in axes]
    over_q, over_k, heads, size = [query[i] for i in axes], [key[i] for i in axes], query[-2], next(letters)
    scores = [*batch, heads, *over_q, *over_k]
    value = [*key[:-1], size]
    output = [*query[:-1], size]
    return (
        f"{''.join(key)},{''.join(query)}->{''.join(scores)}",
        f"{''.join(scores)},{''.join(value)}->{''.join(output)}",
    )
