"""`tf.contrib.crf`: linear-chain conditional random fields.

Sequences have scores [batch, time, tags] for each tag at each step, and transitions [tags, tags] between the tags of
neighbouring steps. Steps past a sequence's length count for nothing.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from duoflow.core import dtypes
from duoflow.core.late import F
from duoflow.core.tensor import convert

from ..variables import get_variable

__all__ = [
    "crf_binary_score", "crf_decode", "crf_log_likelihood", "crf_log_norm", "crf_multitag_sequence_score",
    "crf_sequence_score", "crf_unary_score", "viterbi_decode",
]  # fmt: skip


def _size(x: Any, axis: int) -> Any:
    known = x.dims[axis]
    return F.shape(x)[axis] if known is None else known


def _live(lengths: Any, steps: Any, dtype: Any) -> Any:
    """Which steps [batch, steps] belong to a sequence, as numbers."""
    return F.sequence_mask(lengths, steps, dtype=dtype)


def crf_unary_score(tag_indices: Any, sequence_lengths: Any, inputs: Any) -> Any:
    """The sum [batch] of the scores of the tags at each step. TensorFlow: tf.contrib.crf.crf_unary_score."""
    inputs = convert(inputs)
    chosen = F.gather(inputs, F.cast(convert(tag_indices), dtypes.int32), batch_dims=2, axis=2)
    return F.reduce_sum(chosen * _live(sequence_lengths, _size(inputs, 1), inputs.dtype), 1)


def crf_binary_score(tag_indices: Any, sequence_lengths: Any, transition_params: Any) -> Any:
    """The sum [batch] of the transitions between the tags. TensorFlow: tf.contrib.crf.crf_binary_score."""
    tags, transitions = F.cast(convert(tag_indices), dtypes.int32), convert(transition_params)
    pairs = F.stack([tags[:, :-1], tags[:, 1:]], 2)
    live = _live(F.cast(convert(sequence_lengths), dtypes.int32) - 1, _size(tags, 1) - 1, transitions.dtype)
    return F.reduce_sum(F.gather_nd(transitions, pairs) * live, 1)


def crf_sequence_score(inputs: Any, tag_indices: Any, sequence_lengths: Any, transition_params: Any) -> Any:
    """The score [batch] of sequences of tags, before normalisation.

    Args:
      inputs: scores [batch, time, tags].
      tag_indices: int [batch, time].
      sequence_lengths: int [batch]; the score of a sequence without steps is 0.
      transition_params: [tags, tags].

    TensorFlow: tf.contrib.crf.crf_sequence_score.
    """
    unary = crf_unary_score(tag_indices, sequence_lengths, inputs)
    return unary + crf_binary_score(tag_indices, sequence_lengths, transition_params)


def crf_multitag_sequence_score(inputs: Any, tag_bitmap: Any, sequence_lengths: Any, transition_params: Any) -> Any:
    """The log of the summed scores [batch] of all sequences that a bitmap [batch, time, tags] allows.

    TensorFlow: tf.contrib.crf.crf_multitag_sequence_score.
    """
    inputs = convert(inputs)
    barred = F.fill(F.shape(inputs), F.constant(-np.inf, inputs.dtype))
    return crf_log_norm(F.where(tag_bitmap, inputs, barred), sequence_lengths, transition_params)


def crf_log_norm(inputs: Any, sequence_lengths: Any, transition_params: Any) -> Any:
    """The log of the summed scores [batch] of all sequences of tags; 0 for sequences without steps.

    TensorFlow: tf.contrib.crf.crf_log_norm.
    """
    inputs, lengths = convert(inputs), F.cast(convert(sequence_lengths), dtypes.int32)
    transitions = F.expand_dims(transition_params, 0)
    first, rest = inputs[:, 0], F.transpose(inputs[:, 1:], [1, 0, 2])

    def forward(state: Any, element: Any) -> Any:
        scores, t = element
        new = F.reduce_logsumexp(F.expand_dims(state, 2) + transitions, 1) + scores
        return F.where(F.expand_dims(F.less(t, lengths), 1), new, state)

    last = F.foldl(forward, (rest, F.range(1, _size(inputs, 1))), first)
    total = F.reduce_logsumexp(last, 1)
    return F.where(F.less_equal(lengths, 0), F.zeros_like(total), total)


def crf_log_likelihood(
    inputs: Any, tag_indices: Any, sequence_lengths: Any, transition_params: Any = None
) -> tuple[Any, Any]:
    """The log likelihood [batch] of sequences of tags, and the transitions.

    Args:
      inputs: scores [batch, time, tags].
      tag_indices: int [batch, time].
      sequence_lengths: int [batch].
      transition_params: [tags, tags]; a variable "transitions" is made without it.

    TensorFlow: tf.contrib.crf.crf_log_likelihood.
    """
    inputs = convert(inputs)
    if transition_params is None:
        count = inputs.dims[2]
        transition_params = get_variable("transitions", [count, count])
    score = crf_sequence_score(inputs, tag_indices, sequence_lengths, transition_params)
    return score - crf_log_norm(inputs, sequence_lengths, transition_params), transition_params


def crf_decode(potentials: Any, transition_params: Any, sequence_length: Any) -> tuple[Any, Any]:
    """The best sequences of tags, int32 [batch, time] with zeros past the lengths, and their scores [batch].

    Args:
      potentials: scores [batch, time, tags].
      transition_params: [tags, tags].
      sequence_length: int [batch].

    TensorFlow: tf.contrib.crf.crf_decode.
    """
    scores, lengths = convert(potentials), F.cast(convert(sequence_length), dtypes.int32)
    transitions, steps, tags = F.expand_dims(transition_params, 0), _size(scores, 1), _size(scores, 2)
    first = scores[:, 0]
    itself = F.broadcast_to(F.range(tags), F.shape(first))

    def forward(held: Any, element: Any) -> Any:
        best, (here, t) = held[0], element
        paths = F.expand_dims(best, 2) + transitions
        live = F.expand_dims(F.logical_and(F.greater(t, 0), F.less(t, lengths)), 1)
        origin = F.cast(F.argmax(paths, 1), dtypes.int32)
        return F.where(live, F.reduce_max(paths, 1) + here, best), F.where(live, origin, itself)

    best, origins = F.scan(forward, (F.transpose(scores, [1, 0, 2]), F.range(steps)), (first, itself))
    final = best[-1]
    last = F.cast(F.argmax(final, 1), dtypes.int32)
    before = F.scan(lambda tag, origin: F.gather(origin, tag, batch_dims=1, axis=1), origins, last, reverse=True)
    found = F.concat([before[1:], F.expand_dims(last, 0)], 0)
    live = F.sequence_mask(F.maximum(lengths, 1), steps, dtype=dtypes.int32)
    score = F.reduce_max(final, 1)
    return F.transpose(found) * live, F.where(F.less_equal(lengths, 0), F.zeros_like(score), score)


def viterbi_decode(score: Any, transition_params: Any) -> tuple[list[int], Any]:
    """The best tags of one sequence, a list, and its score; for arrays [time, tags] and [tags, tags].

    TensorFlow: tf.contrib.crf.viterbi_decode.
    """
    score, transitions = np.asarray(score), np.asarray(transition_params)
    best, origins = score[0].astype(float), []
    for here in score[1:]:
        paths = best[:, None] + transitions
        origins.append(paths.argmax(0))
        best = here + paths.max(0)
    found = [int(best.argmax())]
    for origin in reversed(origins):
        found.append(int(origin[found[-1]]))
    return found[::-1], best.max()
