"""Decoders: what happens in a step, and `dynamic_decode`, the loop that takes steps until all sequences end.

TensorFlow: tf.contrib.seq2seq.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from duoflow.core import dtypes, nest
from duoflow.core.late import F
from duoflow.core.shapes import TensorShape
from duoflow.core.tensor import Tensor, convert, static_value

from ...variables import variable_scope

__all__ = ["BasicDecoder", "BasicDecoderOutput", "Decoder", "dynamic_decode"]


class Decoder:
    """Base of the decoders. TensorFlow: tf.contrib.seq2seq.Decoder."""

    #: Whether `step` says itself which sequences are at their end; else once at its end a sequence stays there.
    tracks_own_finished = False

    @property
    def batch_size(self) -> Any:
        """The number of sequences."""
        raise NotImplementedError

    @property
    def output_size(self) -> Any:
        """The sizes of a step's outputs."""
        raise NotImplementedError

    @property
    def output_dtype(self) -> Any:
        """The dtypes of a step's outputs."""
        raise NotImplementedError

    def initialize(self, name: str | None = None) -> tuple[Any, Any, Any]:
        """(which sequences are at their end, the first inputs, the first state)."""
        raise NotImplementedError

    def step(self, time: Any, inputs: Any, state: Any, name: str | None = None) -> tuple[Any, Any, Any, Any]:
        """(outputs, the next state, the next inputs, which sequences are at their end)."""
        raise NotImplementedError

    def finalize(self, outputs: Any, final_state: Any, sequence_lengths: Any) -> tuple[Any, Any]:
        """What is made in the end of the outputs of all steps, time first, and of the last state."""
        return outputs, final_state


class BasicDecoderOutput(NamedTuple):
    """The outputs of a step, and what was drawn from them. TensorFlow: tf.contrib.seq2seq.BasicDecoderOutput."""

    rnn_output: Any
    sample_id: Any


class BasicDecoder(Decoder):
    """A cell whose inputs come from a helper.

    Args:
      cell: an `RNNCell`.
      helper: a `Helper`.
      initial_state: of the cell.
      output_layer: a layer behind the cell, without an activation for logits.

    TensorFlow: tf.contrib.seq2seq.BasicDecoder.
    """

    def __init__(self, cell: Any, helper: Any, initial_state: Any, output_layer: Any = None) -> None:
        if not hasattr(cell, "state_size") or not callable(cell):
            raise TypeError(f"cell must be an RNNCell, received: {cell!r}")
        if not hasattr(helper, "next_inputs"):
            raise TypeError(f"helper must be a Helper, received: {helper!r}")
        if output_layer is not None and not callable(output_layer):
            raise TypeError(f"output_layer must be a Layer, received: {output_layer!r}")
        self._cell, self._helper, self._initial_state, self._layer = cell, helper, initial_state, output_layer

    @property
    def batch_size(self) -> Any:
        return self._helper.batch_size

    @property
    def output_size(self) -> Any:
        size = layer_size(self._layer, self._cell.output_size)
        return BasicDecoderOutput(size, self._helper.sample_ids_shape)

    @property
    def output_dtype(self) -> Any:
        kind = nest.flatten(self._initial_state)[0].dtype
        return BasicDecoderOutput(kind, self._helper.sample_ids_dtype)

    def initialize(self, name: str | None = None) -> tuple[Any, Any, Any]:
        return (*self._helper.initialize(), self._initial_state)

    def step(self, time: Any, inputs: Any, state: Any, name: str | None = None) -> tuple[Any, Any, Any, Any]:
        with F.name_scope(name or "BasicDecoderStep"):
            outputs, state = self._cell(inputs, state)
            if self._layer is not None:
                outputs = self._layer(outputs)
            ids = self._helper.sample(time=time, outputs=outputs, state=state)
            finished, inputs, state = self._helper.next_inputs(time=time, outputs=outputs, state=state, sample_ids=ids)
        return BasicDecoderOutput(outputs, ids), state, inputs, finished


def layer_size(layer: Any, size: Any) -> Any:
    """The size of what a layer makes of outputs of a size."""
    if layer is None:
        return size
    if hasattr(layer, "units"):
        return int(layer.units)
    return layer.compute_output_shape(TensorShape([None, size]))[-1]


# -- the loop ----------------------------------------------------------------------------------------------------------


def dynamic_decode(
    decoder: Decoder, output_time_major: bool = False, impute_finished: bool = False, maximum_iterations: Any = None,
    parallel_iterations: int = 32, swap_memory: bool = False, scope: Any = None,
) -> tuple[Any, Any, Any]:  # fmt: skip
    """Decode until all sequences are at their end.

    Args:
      decoder: a `Decoder`.
      output_time_major: whether outputs are [time, batch, ...] instead of [batch, time, ...].
      impute_finished: give zeros past a sequence's end, and keep its state.
      maximum_iterations: how many steps there are at most, an int32 scalar.
      parallel_iterations, swap_memory: accepted; steps run one after the other.

    Returns:
      (the outputs of all steps, the last state, the lengths of the sequences, int32 [batch]).

    TensorFlow: tf.contrib.seq2seq.dynamic_decode.
    """
    if not isinstance(decoder, Decoder):
        raise TypeError(f"Expected decoder to be type Decoder, but saw: {type(decoder)}")
    with variable_scope(scope or "decoder"):
        limit = None if maximum_iterations is None else convert(maximum_iterations, dtypes.int32)
        if limit is not None and limit.ndim != 0:
            raise ValueError("maximum_iterations must be a scalar")
        finished, inputs, state = decoder.initialize()
        if limit is not None:
            finished = F.logical_or(finished, F.greater_equal(0, limit))
        sizes, kinds = nest.flatten(decoder.output_size), nest.flatten(decoder.output_dtype)
        arrays = [
            F.TensorArray(k, 0, dynamic_size=True, element_shape=_batched(decoder, s))
            for s, k in zip(sizes, kinds, strict=True)
        ]
        step = _Step(decoder, impute_finished, limit)
        start = (F.constant(0), arrays, state, inputs, finished, F.zeros_like(finished, dtype=dtypes.int32))
        going = lambda time, arrays, state, inputs, finished, lengths: F.logical_not(F.reduce_all(finished))
        _, arrays, state, _, _, lengths = F.while_loop(going, step, start, name="while")
        outputs = nest.pack_sequence_as(decoder.output_size, [a.stack() for a in arrays])
        outputs, state = decoder.finalize(outputs, state, lengths)
        if not output_time_major:
            outputs = nest.map_structure(_batch_first, outputs)
        return outputs, state, lengths


def _batched(decoder: Decoder, size: Any) -> list[Any]:
    known = decoder.batch_size
    known = static_value(known) if isinstance(known, Tensor) else known
    return [None if known is None else int(known), *(size.as_list() if isinstance(size, TensorShape) else [size])]


def _batch_first(x: Any) -> Any:
    return F.transpose(x, [1, 0, *range(2, x.ndim)])


class _Step:
    """A turn of the loop."""

    def __init__(self, decoder: Decoder, impute: bool, limit: Any) -> None:
        self._decoder, self._impute, self._limit = decoder, impute, limit

    def __call__(self, time: Any, arrays: Any, state: Any, inputs: Any, finished: Any, lengths: Any) -> tuple[Any, ...]:
        outputs, new, following, done = self._decoder.step(time, inputs, state)
        if not self._decoder.tracks_own_finished:
            done = F.logical_or(done, finished)
        if self._limit is not None:
            done = F.logical_or(done, F.greater_equal(time + 1, self._limit))
        lengths = F.where(F.logical_not(finished), F.fill(F.shape(lengths), time + 1), lengths)
        nest.assert_same_structure(self._decoder.output_size, outputs, check_types=False)
        nest.assert_same_structure(state, new, check_types=False)
        if self._impute:
            outputs = nest.map_structure(lambda o: _unless(finished, F.zeros_like(o), o), outputs)
            new = nest.map_structure(lambda old, x: _unless(finished, old, x), state, new)
        new = nest.map_structure(_of_one_shape, state, new)
        arrays = [a.write(time, o) for a, o in zip(arrays, nest.flatten(outputs), strict=True)]
        return time + 1, arrays, new, nest.map_structure(_of_one_shape, inputs, following), done, lengths


def _of_one_shape(old: Any, new: Any) -> Any:
    if isinstance(new, Tensor) and isinstance(old, Tensor):
        new.set_shape(old.shape)
    return new


def _unless(finished: Any, kept: Any, new: Any) -> Any:
    """`kept` for sequences at their end, else `new`; what has no batch is always new."""
    if not isinstance(new, Tensor) or new.ndim == 0:
        return new
    return F.where(F.reshape(finished, [-1] + [1] * (new.ndim - 1)), kept, new)
