"""Beam search: the best sequences so far are kept at each step, and their ancestry is followed back in the end.

TensorFlow: tf.contrib.seq2seq.BeamSearchDecoder.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from duoflow.core import dtypes, nest
from duoflow.core.late import F
from duoflow.core.shapes import TensorShape
from duoflow.core.tensor import Tensor, convert

from .decoder import Decoder

__all__ = [
    "BeamSearchDecoder", "BeamSearchDecoderOutput", "BeamSearchDecoderState", "FinalBeamSearchDecoderOutput",
    "gather_tree", "tile_batch",
]  # fmt: skip


class BeamSearchDecoderState(NamedTuple):
    """The state of a search, each part [batch, beam, ...]. TensorFlow: tf.contrib.seq2seq.BeamSearchDecoderState."""

    cell_state: Any
    log_probs: Any
    finished: Any
    lengths: Any
    accumulated_attention_probs: Any


class BeamSearchDecoderOutput(NamedTuple):
    """A step of a search, each part [batch, beam]. TensorFlow: tf.contrib.seq2seq.BeamSearchDecoderOutput."""

    scores: Any
    predicted_ids: Any
    parent_ids: Any


class FinalBeamSearchDecoderOutput(NamedTuple):
    """The sequences found [batch, time, beam], best first, and all steps.

    TensorFlow: tf.contrib.seq2seq.FinalBeamSearchDecoderOutput.
    """

    predicted_ids: Any
    beam_search_decoder_output: Any


def tile_batch(t: Any, multiplier: int, name: str | None = None) -> Any:
    """A tensor, or a structure of them, with each row of the batch `multiplier` times in a row.

    TensorFlow: tf.contrib.seq2seq.tile_batch.
    """

    def tile(x: Any) -> Any:
        x = convert(x)
        if x.ndim is None or x.ndim < 1:
            raise ValueError("t must have statically known rank")
        return F.repeat(x, multiplier, axis=0)

    with F.name_scope(name or "tile_batch"):
        return nest.map_structure(tile, t)


def gather_tree(
    step_ids: Any, parent_ids: Any, max_sequence_lengths: Any, end_token: Any, name: str | None = None
) -> Any:
    """The sequences that end in each beam, from the ids and parents of all steps.

    Args:
      step_ids, parent_ids: int32 [time, batch, beam].
      max_sequence_lengths: int32 [batch]; steps past it are `end_token`, as are those behind the first `end_token`.

    TensorFlow: tf.contrib.seq2seq.gather_tree.
    """
    ids, parents = convert(step_ids, dtypes.int32), convert(parent_ids, dtypes.int32)
    end, lengths = convert(end_token, dtypes.int32), convert(max_sequence_lengths, dtypes.int32)
    beams = F.broadcast_to(F.range(F.shape(ids)[2]), F.shape(ids)[1:])

    def back(held: Any, element: Any) -> Any:
        own, parent, t = element
        live = F.expand_dims(F.less(t, lengths), 1)
        at = held[0]
        pick = lambda x: F.gather(x, at, batch_dims=1, axis=1)
        return F.where(live, pick(parent), at), F.where(live, pick(own), F.fill(F.shape(own), end))

    with F.name_scope(name or "GatherTree"):
        steps = F.range(F.shape(ids)[0])
        _, found = F.scan(back, (ids, parents, steps), (beams, beams), reverse=True)
        over = F.cumsum(F.cast(F.equal(found, end), dtypes.int32), 0, exclusive=True)
        return F.where(F.greater(over, 0), F.fill(F.shape(found), end), found)


class BeamSearchDecoder(Decoder):
    """Keeps the `beam_width` best sequences.

    Args:
      cell: an `RNNCell`.
      embedding: a table of rows, or a function of ids.
      start_tokens: int32 [batch]. end_token: the id that ends a sequence.
      initial_state: of the cell, with each row `beam_width` times (`tile_batch`).
      output_layer: a layer behind the cell that gives logits.
      length_penalty_weight: log probabilities are divided by ((5 + length) / 6) to this power.
      coverage_penalty_weight: how much it costs to look at steps of the memory for less than one in all; for cells with
        attention and an alignment history.
      reorder_tensor_arrays: whether TensorArrays in the state (alignment histories) are brought in the order of the
        sequences found, in the end.

    TensorFlow: tf.contrib.seq2seq.BeamSearchDecoder.
    """

    tracks_own_finished = True

    def __init__(
        self, cell: Any, embedding: Any, start_tokens: Any, end_token: Any, initial_state: Any, beam_width: int,
        output_layer: Any = None, length_penalty_weight: float = 0.0, coverage_penalty_weight: float = 0.0,
        reorder_tensor_arrays: bool = True,
    ) -> None:  # fmt: skip
        if not hasattr(cell, "state_size") or not callable(cell):
            raise TypeError(f"cell must be an RNNCell, received: {cell!r}")
        if output_layer is not None and not callable(output_layer):
            raise TypeError(f"output_layer must be a Layer, received: {output_layer!r}")
        self._embed = embedding if callable(embedding) else lambda ids: F.embedding_lookup(embedding, ids)
        tokens, self._end = convert(start_tokens, dtypes.int32), convert(end_token, dtypes.int32)
        if tokens.ndim != 1:
            raise ValueError("start_tokens must be a vector")
        if self._end.ndim != 0:
            raise ValueError("end_token must be a scalar")
        self._cell, self._layer, self._width = cell, output_layer, int(beam_width)
        self._length_weight, self._coverage_weight = length_penalty_weight, coverage_penalty_weight
        self._reorder = reorder_tensor_arrays
        self._batch = F.size(tokens) if tokens.dims[0] is None else tokens.dims[0]
        self._start = self._embed(F.tile(F.expand_dims(tokens, 1), [1, self._width]))
        self._state = nest.map_structure(self._split, initial_state)
        self._dtype = next(
            t.dtype for t in nest.flatten(initial_state) if isinstance(t, Tensor) and t.dtype.is_floating
        )

    batch_size = property(lambda self: self._batch)

    @property
    def output_size(self) -> Any:
        return BeamSearchDecoderOutput(*[TensorShape([self._width])] * 3)

    @property
    def output_dtype(self) -> Any:
        return BeamSearchDecoderOutput(self._dtype, dtypes.int32, dtypes.int32)

    # -- [batch * beam, ...] and [batch, beam, ...] ------------------------------------------------------------------

    def _split(self, x: Any) -> Any:
        if not isinstance(x, Tensor) or not x.ndim:
            return x
        static = [None if isinstance(self._batch, Tensor) else self._batch, self._width, *x.dims[1:]]
        out = F.reshape(x, F.concat([F.stack([self._batch, self._width]), F.shape(x)[1:]], 0))
        out.set_shape(static)
        return out

    def _merge(self, x: Any) -> Any:
        if not isinstance(x, Tensor) or not x.ndim:
            return x
        known = None if isinstance(self._batch, Tensor) else self._batch * self._width
        out = F.reshape(x, F.concat([[-1], F.shape(x)[2:]], 0))
        out.set_shape([known, *x.dims[2:]])
        return out

    def _picked(self, x: Any, beams: Any) -> Any:
        """The rows of other beams; what has no batch stays."""
        return F.gather(x, beams, batch_dims=1, axis=1) if isinstance(x, Tensor) and x.ndim else x

    # -- the search --------------------------------------------------------------------------------------------------

    def initialize(self, name: str | None = None) -> tuple[Any, Any, Any]:
        first = F.one_hot(
            F.zeros(F.stack([self._batch]), dtypes.int32),
            self._width,
            dtype=dtypes.bool_,
            on_value=True,
            off_value=False,
        )
        finished = F.logical_not(first)
        log_probs = F.where(
            first, F.zeros(F.shape(first), self._dtype), F.fill(F.shape(first), F.constant(-np.inf, self._dtype))
        )
        looked: Any = ()
        if self._coverage_weight:
            looked = F.zeros_like(self._attention_of(self._state).alignments)
        state = BeamSearchDecoderState(
            self._state, log_probs, finished, F.zeros_like(finished, dtype=dtypes.int64), looked
        )
        return finished, self._start, state

    def _attention_of(self, cell_state: Any) -> Any:
        if not hasattr(cell_state, "alignments") or isinstance(cell_state.alignments, (list, tuple)):
            raise ValueError("A coverage penalty needs a cell with one attention mechanism (AttentionWrapper).")
        return cell_state

    def step(self, time: Any, inputs: Any, state: Any, name: str | None = None) -> tuple[Any, Any, Any, Any]:
        with F.name_scope(name or "BeamSearchDecoderStep"):
            merged = nest.map_structure(self._merge, state.cell_state)
            outputs, cell_state = self._cell(self._merge(inputs), merged)
            logits = self._split(outputs if self._layer is None else self._layer(outputs))
            output, new = self._extended(logits, nest.map_structure(self._split, cell_state), state)
            following = self._embed(output.predicted_ids)
            following.set_shape(self._start.shape)
            return output, new, following, new.finished

    def _extended(self, logits: Any, cell_state: Any, state: Any) -> tuple[Any, Any]:
        """The best sequences of one id more."""
        width, words = self._width, logits.dims[-1] or F.shape(logits)[-1]
        ends = F.one_hot(self._end, words, dtype=dtypes.bool_, on_value=True, off_value=False)
        over = F.expand_dims(state.finished, 2)
        own = F.where(over, F.where(ends, F.cast(0.0, logits.dtype), logits.dtype.min), F.log_softmax(logits))
        total = F.expand_dims(state.log_probs, 2) + own
        longer = F.logical_and(F.logical_not(over), F.logical_not(ends))
        lengths = F.expand_dims(state.lengths, 2) + F.cast(longer, dtypes.int64)
        looked = state.accumulated_attention_probs
        if self._coverage_weight:
            seen = self._attention_of(cell_state).alignments
            looked = looked + F.where(over, F.zeros_like(seen), seen)
        scores = self._scored(total, lengths, looked)
        flat = lambda x: F.reshape(x, F.stack([self._batch, -1]))
        best, places = F.top_k(flat(scores), width)
        places.set_shape([None, width])
        beams, ids = F.floordiv(places, words), F.floormod(places, words)
        picked = lambda x: self._picked(x, beams)
        was_over = picked(state.finished)
        finished = F.logical_or(was_over, F.equal(ids, self._end))
        new = BeamSearchDecoderState(
            nest.map_structure(picked, cell_state), F.gather(flat(total), places, batch_dims=1, axis=1), finished,
            picked(state.lengths) + F.cast(F.logical_not(was_over), dtypes.int64),
            picked(looked) if self._coverage_weight else (),
        )  # fmt: skip
        return BeamSearchDecoderOutput(best, ids, beams), new

    def _scored(self, log_probs: Any, lengths: Any, looked: Any) -> Any:
        scores = log_probs
        if self._length_weight:
            scores = scores / F.pow((5.0 + F.cast(lengths, log_probs.dtype)) / 6.0, self._length_weight)
        if self._coverage_weight:
            tiny = np.finfo(log_probs.dtype.numpy).tiny
            penalty = F.reduce_sum(F.log(F.clip_by_value(F.minimum(looked, 1.0), tiny, 1.0)), 2)
            scores = scores + self._coverage_weight * F.expand_dims(penalty, 2)
        return scores

    def finalize(self, outputs: Any, final_state: Any, sequence_lengths: Any) -> tuple[Any, Any]:
        lengths = F.cast(F.reduce_max(final_state.lengths, 1), dtypes.int32)
        found = gather_tree(outputs.predicted_ids, outputs.parent_ids, lengths, self._end)
        if self._reorder:
            sort = lambda x: self._sorted(x, outputs.parent_ids, final_state.lengths)
            final_state = final_state._replace(cell_state=nest.map_structure(sort, final_state.cell_state))
        return FinalBeamSearchDecoderOutput(found, outputs), final_state

    def _sorted(self, x: Any, parents: Any, lengths: Any) -> Any:
        """A TensorArray of steps [batch * beam, ...] in the order of the sequences that end in each beam."""
        if not hasattr(x, "stack"):
            return x
        steps = x.stack()
        count = F.shape(steps)[0]
        itself = F.broadcast_to(F.range(self._width), F.shape(parents))
        limit = F.cast(F.reduce_max(lengths, 1), dtypes.int32)
        origin = gather_tree(itself, parents, limit, self._width + 1)
        live = F.transpose(F.sequence_mask(lengths, count), [2, 0, 1])
        origin = F.where(live, origin, itself)
        split = F.reshape(steps, F.concat([F.stack([count, self._batch, self._width]), F.shape(steps)[2:]], 0))
        ordered = F.gather(split, origin, batch_dims=2, axis=2)
        return F.TensorArray(x.dtype, count).unstack(F.reshape(ordered, F.shape(steps)))
