"""What a decoder is fed: the next inputs, from given sequences or from what was decoded so far.

A helper draws `sample` from the decoder's outputs, and `next_inputs` says what comes next and which sequences are at
their end.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from duoflow.core import dtypes, nest
from duoflow.core.late import F
from duoflow.core.shapes import TensorShape
from duoflow.core.tensor import convert, static_value

__all__ = [
    "CustomHelper", "GreedyEmbeddingHelper", "Helper", "InferenceHelper", "SampleEmbeddingHelper",
    "ScheduledEmbeddingTrainingHelper", "ScheduledOutputTrainingHelper", "TrainingHelper",
]  # fmt: skip


class Helper:
    """Base of the helpers. TensorFlow: tf.contrib.seq2seq.Helper."""

    @property
    def batch_size(self) -> Any:
        """The number of sequences, an int32 scalar."""
        raise NotImplementedError("batch_size has not been implemented")

    @property
    def sample_ids_shape(self) -> Any:
        """The shape of a sample without the batch."""
        return TensorShape([])

    @property
    def sample_ids_dtype(self) -> Any:
        """The dtype of samples."""
        return dtypes.int32

    def initialize(self, name: str | None = None) -> tuple[Any, Any]:
        """(which sequences are at their end, the first inputs)."""
        raise NotImplementedError("initialize has not been implemented")

    def sample(self, time: Any, outputs: Any, state: Any, name: str | None = None) -> Any:
        """What is drawn from the outputs."""
        raise NotImplementedError("sample has not been implemented")

    def next_inputs(
        self, time: Any, outputs: Any, state: Any, sample_ids: Any, name: str | None = None
    ) -> tuple[Any, Any, Any]:
        """(which sequences are at their end, the next inputs, the state to go on with)."""
        raise NotImplementedError("next_inputs has not been implemented")


class CustomHelper(Helper):
    """A helper of three functions. TensorFlow: tf.contrib.seq2seq.CustomHelper."""

    def __init__(
        self, initialize_fn: Callable[..., Any], sample_fn: Callable[..., Any], next_inputs_fn: Callable[..., Any],
        sample_ids_shape: Any = None, sample_ids_dtype: Any = None,
    ) -> None:  # fmt: skip
        self._initialize, self._sample, self._next = initialize_fn, sample_fn, next_inputs_fn
        self._shape, self._dtype = (
            TensorShape(sample_ids_shape or []),
            dtypes.as_dtype(sample_ids_dtype or dtypes.int32),
        )
        self._batch_size: Any = None

    @property
    def batch_size(self) -> Any:
        if self._batch_size is None:
            raise ValueError("batch_size accessed before initialize was called")
        return self._batch_size

    sample_ids_shape = property(lambda self: self._shape)
    sample_ids_dtype = property(lambda self: self._dtype)

    def initialize(self, name: str | None = None) -> tuple[Any, Any]:
        finished, inputs = self._initialize()
        if self._batch_size is None:
            self._batch_size = F.size(finished)
        return finished, inputs

    def sample(self, time: Any, outputs: Any, state: Any, name: str | None = None) -> Any:
        return self._sample(time=time, outputs=outputs, state=state)

    def next_inputs(
        self, time: Any, outputs: Any, state: Any, sample_ids: Any, name: str | None = None
    ) -> tuple[Any, Any, Any]:
        return self._next(time=time, outputs=outputs, state=state, sample_ids=sample_ids)  # type: ignore[no-any-return]


# -- given sequences ---------------------------------------------------------------------------------------------------


class TrainingHelper(Helper):
    """Feeds given sequences, whatever was decoded.

    Args:
      inputs: [batch, time, ...] ([time, batch, ...] if `time_major`), or a structure of such.
      sequence_length: int [batch].

    TensorFlow: tf.contrib.seq2seq.TrainingHelper.
    """

    def __init__(self, inputs: Any, sequence_length: Any, time_major: bool = False, name: str | None = None) -> None:
        self._inputs = nest.map_structure(convert, inputs)
        self._length = F.cast(convert(sequence_length), dtypes.int32)
        if self._length.ndim != 1:
            raise ValueError(f"Expected sequence_length to be a vector, but received shape: {self._length.shape}")
        steps = nest.map_structure(lambda x: x if time_major else _time_first(x), self._inputs)
        self._steps = nest.map_structure(lambda x: F.TensorArray(x.dtype, F.shape(x)[0]).unstack(x), steps)
        self._nothing = nest.map_structure(lambda x: F.zeros_like(x[0]), steps)

    inputs = property(lambda self: self._inputs, doc="The sequences.")
    sequence_length = property(lambda self: self._length, doc="Their lengths.")

    @property
    def batch_size(self) -> Any:
        known = self._length.dims[0]
        return F.size(self._length) if known is None else F.constant(known)

    def initialize(self, name: str | None = None) -> tuple[Any, Any]:
        return self._at(F.constant(0))

    def _at(self, time: Any) -> tuple[Any, Any]:
        """Which sequences are over at a time, and the inputs then: zeros when all are."""
        finished = F.greater_equal(time, self._length)
        inputs = nest.map_structure(
            lambda steps, zeros: _read(steps, time, zeros, F.reduce_all(finished)), self._steps, self._nothing
        )
        return finished, inputs

    def sample(self, time: Any, outputs: Any, state: Any, name: str | None = None) -> Any:
        return F.argmax(outputs, -1, output_type=dtypes.int32)

    def next_inputs(
        self, time: Any, outputs: Any, state: Any, sample_ids: Any = None, name: str | None = None
    ) -> tuple[Any, Any, Any]:
        return (*self._at(time + 1), state)


def _time_first(x: Any) -> Any:
    if x.ndim is None or x.ndim < 2:
        raise ValueError(f"Inputs need the dimensions [batch, time, ...], received {x.shape}.")
    return F.transpose(x, [1, 0, *range(2, x.ndim)])


def _read(steps: Any, time: Any, zeros: Any, over: Any) -> Any:
    out = F.cond(over, lambda: zeros, lambda: steps.read(time))
    out.set_shape(zeros.shape)
    return out


class ScheduledEmbeddingTrainingHelper(TrainingHelper):
    """A `TrainingHelper` that feeds, now and then, the embedding of what was drawn.

    Args:
      embedding: a table of rows, or a function of ids.
      sampling_probability: how likely a sequence is fed what was drawn; other sequences draw -1.
      seed: for drawing from the outputs; scheduling_seed: for drawing who is fed that.

    TensorFlow: tf.contrib.seq2seq.ScheduledEmbeddingTrainingHelper.
    """

    def __init__(
        self, inputs: Any, sequence_length: Any, embedding: Any, sampling_probability: Any, time_major: bool = False,
        seed: int | None = None, scheduling_seed: int | None = None, name: str | None = None,
    ) -> None:  # fmt: skip
        super().__init__(inputs, sequence_length, time_major, name)
        self._embed, self._probability = _embedding(embedding), _probability(sampling_probability)
        self._seed, self._scheduling_seed = seed, scheduling_seed

    def sample(self, time: Any, outputs: Any, state: Any, name: str | None = None) -> Any:
        drawn = _categorical(outputs, self._seed)
        chosen = _drawn(self._probability, self.batch_size, self._scheduling_seed)
        return F.where(chosen, drawn, F.fill(F.shape(drawn), -1))

    def next_inputs(
        self, time: Any, outputs: Any, state: Any, sample_ids: Any = None, name: str | None = None
    ) -> tuple[Any, Any, Any]:
        finished, given, state = super().next_inputs(time, outputs, state)
        own = self._embed(F.maximum(sample_ids, 0))
        return finished, _rows(F.greater(sample_ids, -1), own, given), state


class ScheduledOutputTrainingHelper(TrainingHelper):
    """A `TrainingHelper` that feeds, now and then, the decoder's own outputs.

    Args:
      sampling_probability: how likely a sequence is fed its output.
      next_inputs_fn: what is made of outputs before they are fed.
      auxiliary_inputs: like `inputs`; what is put behind the inputs of each step.

    TensorFlow: tf.contrib.seq2seq.ScheduledOutputTrainingHelper.
    """

    def __init__(
        self, inputs: Any, sequence_length: Any, sampling_probability: Any, time_major: bool = False,
        seed: int | None = None, next_inputs_fn: Callable[..., Any] | None = None, auxiliary_inputs: Any = None,
        name: str | None = None,
    ) -> None:  # fmt: skip
        given = inputs
        self._extra: Any = None
        if auxiliary_inputs is not None:
            given = nest.map_structure(lambda x, y: F.concat([x, y], -1), inputs, auxiliary_inputs)
            self._extra = TrainingHelper(auxiliary_inputs, sequence_length, time_major)
        super().__init__(given, sequence_length, time_major, name)
        self._probability, self._seed, self._next_inputs = _probability(sampling_probability), seed, next_inputs_fn

    sample_ids_dtype = property(lambda self: dtypes.bool_)

    def sample(self, time: Any, outputs: Any, state: Any, name: str | None = None) -> Any:
        return _drawn(self._probability, self.batch_size, self._seed)

    def next_inputs(
        self, time: Any, outputs: Any, state: Any, sample_ids: Any = None, name: str | None = None
    ) -> tuple[Any, Any, Any]:
        finished, given, state = super().next_inputs(time, outputs, state)
        own = outputs if self._next_inputs is None else self._next_inputs(outputs)
        if self._extra is not None:
            own = nest.map_structure(lambda x, y: F.concat([x, y], -1), own, self._extra._at(time + 1)[1])
        return finished, nest.map_structure(lambda o, g: _rows(sample_ids, o, g), own, given), state


def _probability(value: Any) -> Any:
    out = convert(value)
    if out.ndim not in (0, 1):
        raise ValueError(f"sampling_probability must be either a scalar or a vector. saw shape: {out.shape}")
    return out


def _drawn(probability: Any, batch: Any, seed: int | None) -> Any:
    return F.less(F.random_uniform(F.reshape(batch, [1]), seed=seed), probability)


def _rows(chosen: Any, ours: Any, theirs: Any) -> Any:
    out = F.where(F.reshape(chosen, [-1] + [1] * (theirs.ndim - 1)), ours, theirs)
    out.set_shape(theirs.shape)
    return out


# -- what was decoded --------------------------------------------------------------------------------------------------


def _embedding(embedding: Any) -> Callable[[Any], Any]:
    return embedding if callable(embedding) else lambda ids: F.embedding_lookup(embedding, ids)


def _categorical(logits: Any, seed: int | None) -> Any:
    return F.squeeze(F.random_categorical(logits, 1, dtypes.int32, seed), [-1])


class GreedyEmbeddingHelper(Helper):
    """Feeds the embedding of the likeliest id, up to an end.

    Args:
      embedding: a table of rows, or a function of ids.
      start_tokens: int32 [batch].
      end_token: the id that ends a sequence.

    TensorFlow: tf.contrib.seq2seq.GreedyEmbeddingHelper.
    """

    def __init__(self, embedding: Any, start_tokens: Any, end_token: Any) -> None:
        self._embed = _embedding(embedding)
        self._start_tokens, self._end_token = convert(start_tokens, dtypes.int32), convert(end_token, dtypes.int32)
        if self._start_tokens.ndim != 1:
            raise ValueError("start_tokens must be a vector")
        if self._end_token.ndim != 0:
            raise ValueError("end_token must be a scalar")
        self._start_inputs = self._embed(self._start_tokens)

    @property
    def batch_size(self) -> Any:
        known = self._start_tokens.dims[0]
        return F.size(self._start_tokens) if known is None else F.constant(known)

    def initialize(self, name: str | None = None) -> tuple[Any, Any]:
        return F.zeros_like(self._start_tokens, dtype=dtypes.bool_), self._start_inputs

    def sample(self, time: Any, outputs: Any, state: Any, name: str | None = None) -> Any:
        return F.argmax(outputs, -1, output_type=dtypes.int32)

    def next_inputs(
        self, time: Any, outputs: Any, state: Any, sample_ids: Any = None, name: str | None = None
    ) -> tuple[Any, Any, Any]:
        inputs = self._embed(sample_ids)
        inputs.set_shape(self._start_inputs.shape)
        return F.equal(sample_ids, self._end_token), inputs, state


class SampleEmbeddingHelper(GreedyEmbeddingHelper):
    """Feeds the embedding of an id drawn by its likelihood.

    Args:
      softmax_temperature: what logits are divided by: above 1 for more surprises, below for fewer.

    TensorFlow: tf.contrib.seq2seq.SampleEmbeddingHelper.
    """

    def __init__(
        self, embedding: Any, start_tokens: Any, end_token: Any, softmax_temperature: Any = None,
        seed: int | None = None,
    ) -> None:  # fmt: skip
        super().__init__(embedding, start_tokens, end_token)
        self._temperature, self._seed = softmax_temperature, seed

    def sample(self, time: Any, outputs: Any, state: Any, name: str | None = None) -> Any:
        return _categorical(outputs if self._temperature is None else outputs / self._temperature, self._seed)


class InferenceHelper(Helper):
    """Feeds what a function makes of samples.

    Args:
      sample_fn: outputs -> samples. end_fn: samples -> bool [batch]. next_inputs_fn: samples -> inputs.
      sample_shape: the shape of a sample without the batch. start_inputs: the first inputs.

    TensorFlow: tf.contrib.seq2seq.InferenceHelper.
    """

    def __init__(
        self, sample_fn: Callable[..., Any], sample_shape: Any, sample_dtype: Any, start_inputs: Any,
        end_fn: Callable[..., Any], next_inputs_fn: Callable[..., Any] | None = None,
    ) -> None:  # fmt: skip
        self._sample, self._end, self._next = sample_fn, end_fn, next_inputs_fn
        self._shape, self._dtype = TensorShape(sample_shape), dtypes.as_dtype(sample_dtype)
        self._start_inputs = convert(start_inputs)

    sample_ids_shape = property(lambda self: self._shape)
    sample_ids_dtype = property(lambda self: self._dtype)

    @property
    def batch_size(self) -> Any:
        size = F.shape(self._start_inputs)[0]
        known = static_value(size)
        return size if known is None else F.constant(int(known))

    def initialize(self, name: str | None = None) -> tuple[Any, Any]:
        return F.zeros(F.reshape(self.batch_size, [1]), dtypes.bool_), self._start_inputs

    def sample(self, time: Any, outputs: Any, state: Any, name: str | None = None) -> Any:
        return self._sample(outputs)

    def next_inputs(
        self, time: Any, outputs: Any, state: Any, sample_ids: Any = None, name: str | None = None
    ) -> tuple[Any, Any, Any]:
        return self._end(sample_ids), sample_ids if self._next is None else self._next(sample_ids), state
