"""Attention: how much of a memory each query looks at.

A mechanism holds a memory [batch, time, ...] and gives for queries [batch, depth] alignments [batch, time] that sum to
one over the steps within the memory's lengths.

TensorFlow: tf.contrib.seq2seq.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import numpy as np

from duoflow.core import dtypes, nest
from duoflow.core.late import F
from duoflow.core.tensor import convert

from ...initializers import constant_initializer, ones_initializer, zeros_initializer
from ...layers import Dense
from ...variables import get_variable, variable_scope

__all__ = [
    "AttentionMechanism", "BahdanauAttention", "BahdanauMonotonicAttention", "LuongAttention",
    "LuongMonotonicAttention", "hardmax", "monotonic_attention", "safe_cumprod",
]  # fmt: skip


class AttentionMechanism:
    """Base of the mechanisms.

    Args:
      query_layer, memory_layer: layers that bring queries and memory to one depth, or None.
      memory: [batch, time, ...].
      probability_fn: (score, previous alignments) -> alignments.
      memory_sequence_length: int [batch]; steps past it are zeros and get `score_mask_value` for a score.

    TensorFlow: tf.contrib.seq2seq.AttentionMechanism.
    """

    def __init__(
        self, query_layer: Any, memory: Any, probability_fn: Callable[..., Any], memory_sequence_length: Any = None,
        memory_layer: Any = None, score_mask_value: float | None = None,
        custom_key_value_fn: Callable[..., Any] | None = None,
    ) -> None:  # fmt: skip
        self._query_layer, self._memory_layer, self._probability_fn = query_layer, memory_layer, probability_fn
        self._barred = -np.inf if score_mask_value is None else score_mask_value
        self._lengths = (
            None if memory_sequence_length is None else F.cast(convert(memory_sequence_length), dtypes.int32)
        )
        self._values = nest.map_structure(lambda m: self._within(convert(m)), memory)
        self._keys = self._values if memory_layer is None else memory_layer(self._values)
        if custom_key_value_fn is not None:
            self._keys, self._values = custom_key_value_fn(self._keys, self._values)

    def _within(self, memory: Any) -> Any:
        if self._lengths is None:
            return memory
        live = F.sequence_mask(self._lengths, _size(memory, 1), dtype=memory.dtype)
        return memory * F.reshape(live, F.concat([F.shape(live), [1] * (memory.ndim - 2)], 0))

    memory_layer = property(lambda self: self._memory_layer, doc="The layer of the memory.")
    query_layer = property(lambda self: self._query_layer, doc="The layer of the queries.")
    values = property(lambda self: self._values, doc="The memory, zeros past its lengths.")
    keys = property(lambda self: self._keys, doc="What the layer makes of the memory.")
    batch_size = property(lambda self: _size(self._keys, 0), doc="The number of sequences.")
    alignments_size = property(lambda self: _size(self._keys, 1), doc="The number of steps of the memory.")
    state_size = property(lambda self: self.alignments_size, doc="The size of the state: the last alignments.")

    def initial_alignments(self, batch_size: Any, dtype: Any) -> Any:
        """The alignments before the first query: zeros."""
        return F.zeros(F.stack([batch_size, self.alignments_size]), dtype)

    def initial_state(self, batch_size: Any, dtype: Any) -> Any:
        """The state before the first query."""
        return self.initial_alignments(batch_size, dtype)

    def score(self, query: Any) -> Any:
        """The scores [batch, time] of a query."""
        raise NotImplementedError

    def _masked(self, score: Any) -> Any:
        if self._lengths is None:
            return score
        live = F.sequence_mask(self._lengths, _size(score, 1))
        return F.where(live, score, F.fill(F.shape(score), F.constant(self._barred, score.dtype)))

    def __call__(self, query: Any, state: Any) -> tuple[Any, Any]:
        """(alignments [batch, time], the next state)."""
        with variable_scope(None, self._scope, [query]):
            alignments = self._probability_fn(self._masked(self.score(query)), state)
        return alignments, alignments

    _scope = "attention"


def _size(x: Any, axis: int) -> Any:
    known = x.dims[axis]
    return F.shape(x)[axis] if known is None else known


def _probabilities(function: Callable[..., Any] | None) -> Callable[..., Any]:
    chosen = F.softmax if function is None else function
    return lambda score, _: chosen(score)


class BahdanauAttention(AttentionMechanism):
    """Additive attention (Bahdanau et al., 2015): v . tanh(keys + W query).

    Args:
      num_units: the depth.
      memory: [batch, time, ...].
      normalize: v of length g (Salimans and Kingma, 2016), and an offset.
      probability_fn: what makes alignments of scores, softmax by default.

    TensorFlow: tf.contrib.seq2seq.BahdanauAttention.
    """

    _scope = "bahdanau_attention"

    def __init__(
        self, num_units: int, memory: Any, memory_sequence_length: Any = None, normalize: bool = False,
        probability_fn: Callable[..., Any] | None = None, score_mask_value: float | None = None, dtype: Any = None,
        custom_key_value_fn: Callable[..., Any] | None = None, name: str = "BahdanauAttention",
    ) -> None:  # fmt: skip
        self._num_units, self._normalize = num_units, normalize
        layer = lambda name: Dense(num_units, name=name, use_bias=False, dtype=dtype or dtypes.float32)
        with F.name_scope(name):
            super().__init__(
                layer("query_layer"), memory, _probabilities(probability_fn), memory_sequence_length,
                layer("memory_layer"), score_mask_value, custom_key_value_fn,
            )  # fmt: skip

    def score(self, query: Any) -> Any:
        processed = F.expand_dims(self._query_layer(query) if self._query_layer is not None else query, 1)
        kind, units = processed.dtype, self._num_units
        v = get_variable("attention_v", [units], kind)
        total = self._keys + processed
        if self._normalize:
            g = get_variable("attention_g", [], kind, constant_initializer(float(np.sqrt(1.0 / units))))
            total = total + get_variable("attention_b", [units], kind, zeros_initializer())
            v = g * v * F.rsqrt(F.reduce_sum(F.square(v)))
        return F.reduce_sum(v * F.tanh(total), 2)


class LuongAttention(AttentionMechanism):
    """Multiplicative attention (Luong et al., 2015): keys . query.

    Args:
      num_units: the depth, which queries have too.
      memory: [batch, time, ...].
      scale: whether scores are multiplied by a variable.

    Raises:
      ValueError: if queries have another depth.

    TensorFlow: tf.contrib.seq2seq.LuongAttention.
    """

    _scope = "luong_attention"

    def __init__(
        self, num_units: int, memory: Any, memory_sequence_length: Any = None, scale: bool = False,
        probability_fn: Callable[..., Any] | None = None, score_mask_value: float | None = None, dtype: Any = None,
        custom_key_value_fn: Callable[..., Any] | None = None, name: str = "LuongAttention",
    ) -> None:  # fmt: skip
        self._num_units, self._scale = num_units, scale
        layer = Dense(num_units, name="memory_layer", use_bias=False, dtype=dtype or dtypes.float32)
        with F.name_scope(name):
            super().__init__(
                None, memory, _probabilities(probability_fn), memory_sequence_length, layer, score_mask_value,
                custom_key_value_fn,
            )  # fmt: skip

    def score(self, query: Any) -> Any:
        depth, units = query.dims[-1], self._keys.dims[-1]
        if depth != units:
            raise ValueError(
                f"Incompatible or unknown inner dimensions between query and keys. Query ({query}) has units: {depth}. "
                f"Keys ({self._keys}) have units: {units}. Perhaps you need to set num_units to the keys' dimension "
                f"({units})?"
            )
        score = F.squeeze(F.matmul(F.expand_dims(query, 1), self._keys, transpose_b=True), [1])
        return score * get_variable("attention_g", [], query.dtype, ones_initializer()) if self._scale else score


# -- monotonic attention -----------------------------------------------------------------------------------------------


def safe_cumprod(x: Any, *args: Any, **kwargs: Any) -> Any:
    """`tf.math.cumprod` as the exponential of a sum of logarithms. TensorFlow: tf.contrib.seq2seq.safe_cumprod."""
    x = convert(x)
    tiny = np.finfo(x.dtype.numpy).tiny
    return F.exp(F.cumsum(F.log(F.clip_by_value(x, tiny, 1)), *args, **kwargs))


def monotonic_attention(p_choose_i: Any, previous_attention: Any, mode: str) -> Any:
    """Attention that moves forwards only (Raffel et al., 2017).

    Args:
      p_choose_i: how likely each step of the memory is chosen when it is reached, [batch, time].
      previous_attention: the alignments so far, [batch, time].
      mode: "recursive", "parallel" (the same in closed form), or "hard" for probabilities 0 and 1.

    TensorFlow: tf.contrib.seq2seq.monotonic_attention.
    """
    p, before = convert(p_choose_i), convert(previous_attention)
    if mode == "parallel":
        passed = safe_cumprod(1 - p, axis=1, exclusive=True)
        return p * passed * F.cumsum(before / F.clip_by_value(passed, 1e-10, 1.0), 1)
    if mode == "recursive":
        shifted = F.concat([F.ones_like(p[:, :1]), 1 - p[:, :-1]], 1)
        step = lambda x, each: each[0] * x + each[1]
        held = F.scan(step, (F.transpose(shifted), F.transpose(before)), F.zeros_like(p[:, 0]))
        return p * F.transpose(held)
    if mode == "hard":
        p = p * F.cumsum(before, 1)
        return p * F.cumprod(1 - p, axis=1, exclusive=True)
    raise ValueError("mode must be 'recursive', 'parallel', or 'hard'.")


def _monotonic(score: Any, previous: Any, noise: float, mode: str, seed: int | None) -> Any:
    if noise > 0:
        score = score + noise * F.random_normal(F.shape(score), dtype=score.dtype, seed=seed)
    p = F.cast(F.greater(score, 0), score.dtype) if mode == "hard" else F.sigmoid(score)
    return monotonic_attention(p, previous, mode)


class _Monotonic(AttentionMechanism):
    """What monotonic mechanisms share: at first they look at the first step."""

    def initial_alignments(self, batch_size: Any, dtype: Any) -> Any:
        return F.one_hot(F.zeros(F.stack([batch_size]), dtypes.int32), self.alignments_size, dtype=dtype)

    def _offset(self, kind: Any, start: float) -> Any:
        return get_variable("attention_score_bias", [], kind, constant_initializer(start))


class BahdanauMonotonicAttention(_Monotonic, BahdanauAttention):
    """`BahdanauAttention` that moves forwards only.

    TensorFlow: tf.contrib.seq2seq.BahdanauMonotonicAttention.
    """

    _scope = "bahdanau_monotonic_attention"

    def __init__(
        self, num_units: int, memory: Any, memory_sequence_length: Any = None, normalize: bool = False,
        score_mask_value: float | None = None, sigmoid_noise: float = 0.0, sigmoid_noise_seed: int | None = None,
        score_bias_init: float = 0.0, mode: str = "parallel", dtype: Any = None,
        name: str = "BahdanauMonotonicAttention",
    ) -> None:  # fmt: skip
        super().__init__(
            num_units, memory, memory_sequence_length, normalize, None, score_mask_value, dtype, None, name
        )
        self._start = score_bias_init
        self._probability_fn = functools.partial(_monotonic, noise=sigmoid_noise, mode=mode, seed=sigmoid_noise_seed)

    def score(self, query: Any) -> Any:
        return super().score(query) + self._offset(query.dtype, self._start)


class LuongMonotonicAttention(_Monotonic, LuongAttention):
    """`LuongAttention` that moves forwards only. TensorFlow: tf.contrib.seq2seq.LuongMonotonicAttention."""

    _scope = "luong_monotonic_attention"

    def __init__(
        self, num_units: int, memory: Any, memory_sequence_length: Any = None, scale: bool = False,
        score_mask_value: float | None = None, sigmoid_noise: float = 0.0, sigmoid_noise_seed: int | None = None,
        score_bias_init: float = 0.0, mode: str = "parallel", dtype: Any = None, name: str = "LuongMonotonicAttention",
    ) -> None:  # fmt: skip
        super().__init__(num_units, memory, memory_sequence_length, scale, None, score_mask_value, dtype, None, name)
        self._start = score_bias_init
        self._probability_fn = functools.partial(_monotonic, noise=sigmoid_noise, mode=mode, seed=sigmoid_noise_seed)

    def score(self, query: Any) -> Any:
        return super().score(query) + self._offset(query.dtype, self._start)


def hardmax(logits: Any, name: str | None = None) -> Any:
    """One at the largest of the last dimension, zero elsewhere. TensorFlow: tf.contrib.seq2seq.hardmax."""
    logits = convert(logits)
    return F.one_hot(F.argmax(logits, -1), _size(logits, -1), dtype=logits.dtype, name=name)
