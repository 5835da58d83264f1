"""Connectionist temporal classification: label sequences without alignment to the steps of the input.

The loss sums over all alignments by the forward recursion; decoding takes the likeliest symbols, or searches with a
beam of prefixes. Graves et al. 2006.
"""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np

from duoflow import ops as tf
from duoflow.core.tensor import convert

from ..dtypes import result_type
from .definition import operation

__all__ = ["ctc_decode", "ctc_loss"]

_operation = partial(operation, module="keras.src.ops.nn")
#: The logarithm of no probability; finite, so that gradients are.
_NEVER = -1e30


@_operation(inputs=4)
def ctc_loss(target: Any, output: Any, target_length: Any, output_length: Any, mask_index: int = 0) -> Any:
    """Minus the log-probability of label sequences, summed over all alignments: [batch].

    Args:
      target: class numbers [batch, labels]. output: logits [batch, steps, classes].
      target_length, output_length: how many labels and steps of each example count.
      mask_index: the class that stands for no label.

    Keras: keras.ops.ctc_loss.
    """
    output = convert(output)
    output = tf.cast(output, result_type(output.dtype, "float32"))
    labels = tf.cast(target, "int32")
    states = _with_blanks(labels, mask_index)
    # [steps, batch, states]: the log-probability of each state's symbol at each step.
    emissions = tf.transpose(tf.gather(tf.log_softmax(output), _per_step(states, output), batch_dims=2), [1, 0, 2])
    other = tf.not_equal(states, _shift(states, 2, mask_index))
    may_skip = tf.logical_and(tf.not_equal(states, mask_index), other)
    position = tf.range(tf.shape(states)[1])
    never = tf.cast(_NEVER, emissions.dtype)
    start = tf.where(position < 2, emissions[0], never)
    counts = tf.expand_dims(tf.cast(output_length, "int32"), 1)

    def advance(reached: Any, entry: Any) -> Any:
        emission, step = entry
        skipped = tf.where(may_skip, _shift(reached, 2, _NEVER), never)
        ways = tf.stack([reached, _shift(reached, 1, _NEVER), skipped])
        return tf.where(step < counts, tf.reduce_logsumexp(ways, 0) + emission, reached)

    steps = tf.range(1, tf.shape(emissions)[0])
    reached = tf.scan(advance, (emissions[1:], steps), start)[-1]
    last = 2 * tf.expand_dims(tf.cast(target_length, "int32"), 1)
    final = tf.logical_or(tf.equal(position, last), tf.equal(position, last - 1))
    return -tf.reduce_logsumexp(tf.where(final, reached, never), 1)


def _with_blanks(labels: Any, blank: int) -> Any:
    """Labels with blanks before, between and after them."""
    pairs = tf.stack([labels, tf.fill(tf.shape(labels), blank)], 2)
    flat = tf.reshape(pairs, tf.stack([tf.shape(labels)[0], 2 * tf.shape(labels)[1]]))
    return tf.pad(flat, [[0, 0], [1, 0]], constant_values=blank)


def _per_step(states: Any, output: Any) -> Any:
    """States [batch, states] repeated for every step."""
    shape = tf.stack([tf.shape(states)[0], tf.shape(output)[1], tf.shape(states)[1]])
    return tf.broadcast_to(tf.expand_dims(states, 1), shape)


def _shift(x: Any, by: int, fill: Any) -> Any:
    """Rows moved to the right."""
    return tf.pad(x, [[0, 0], [by, 0]], constant_values=fill)[:, : tf.shape(x)[1]]


# -- decoding ----------------------------------------------------------------------------------------------------------


@_operation(inputs=2)
def ctc_decode(
    inputs: Any, sequence_lengths: Any, strategy: str = "greedy", beam_width: int = 100, top_paths: int = 1,
    merge_repeated: bool = True, mask_index: int = 0,
) -> tuple[Any, Any]:  # fmt: skip
    """Label sequences of logits [batch, steps, classes]: [paths, batch, steps], filled with -1, and their scores.

    Args:
      strategy: "greedy", the likeliest symbol of every step, or "beam_search".
      beam_width, top_paths: how many prefixes a beam keeps, and how many sequences it gives.
      merge_repeated: whether greedy decoding makes equal neighbours one.

    Scores are minus the sums of the logits taken (greedy) or log-probabilities. Keras: keras.ops.ctc_decode.
    """
    inputs = convert(inputs)
    inputs = tf.cast(inputs, result_type(inputs.dtype, "float32"))
    lengths = tf.cast(sequence_lengths, "int32")
    blank = mask_index if mask_index is not None else inputs.shape[-1] - 1
    blank %= inputs.shape[-1]
    if strategy == "greedy":
        return _greedy(inputs, lengths, merge_repeated, blank)
    if strategy != "beam_search":
        raise ValueError(f"Invalid strategy {strategy}. Supported values are 'greedy' and 'beam_search'.")
    search = partial(_beam_search, width=beam_width, paths=top_paths, blank=blank)
    labels, scores = tf.numpy_function(search, [tf.log_softmax(inputs), lengths], ["int32", inputs.dtype])
    batch, steps = inputs.shape[0], inputs.shape[1]
    return tf.ensure_shape(labels, (top_paths, batch, steps)), tf.ensure_shape(scores, (batch, top_paths))


def _greedy(inputs: Any, lengths: Any, merge: bool, blank: int) -> tuple[Any, Any]:
    best = tf.cast(tf.argmax(inputs, axis=-1), "int32")
    steps = tf.shape(best)[1]
    counts = tf.range(steps) < tf.expand_dims(lengths, 1)
    kept = tf.logical_and(counts, tf.not_equal(best, blank))
    if merge:
        kept = tf.logical_and(kept, tf.not_equal(best, _shift(best, 1, -1)))
    order = tf.argsort(tf.cast(tf.logical_not(kept), "int32"), axis=1, stable=True)
    labels = tf.gather(tf.where(kept, best, -1), order, batch_dims=1)
    taken = tf.where(counts, tf.reduce_max(inputs, axis=-1), tf.zeros([], inputs.dtype))
    return tf.expand_dims(labels, 0), -tf.reduce_sum(taken, axis=1, keepdims=True)


def _beam_search(log_probs: Any, lengths: Any, *, width: int, paths: int, blank: int) -> tuple[Any, Any]:
    batch, steps, _ = log_probs.shape
    labels = np.full((paths, batch, steps), -1, np.int32)
    scores = np.zeros((batch, paths), log_probs.dtype)
    for i in range(batch):
        found = _prefixes(log_probs[i, : lengths[i]], width, blank)
        for j, (prefix, score) in enumerate(found[:paths]):
            labels[j, i, : len(prefix)] = prefix
            scores[i, j] = score
    return labels, scores


def _prefixes(log_probs: Any, width: int, blank: int) -> list[tuple[tuple[int, ...], float]]:
    """The likeliest label sequences and the logarithms of their probabilities.

    Each prefix carries two: that it ends with a blank, and that it ends with its last label.
    """
    beam = {(): (0.0, -np.inf)}
    for row in log_probs.astype(np.float64):
        following: dict[tuple[int, ...], list[float]] = {}

        def add(prefix: tuple[int, ...], which: int, score: float, into: Any = following) -> None:
            entry = into.setdefault(prefix, [-np.inf, -np.inf])
            entry[which] = np.logaddexp(entry[which], score)

        for prefix, (after_blank, after_label) in beam.items():
            whole = np.logaddexp(after_blank, after_label)
            add(prefix, 0, whole + row[blank])
            for symbol, score in enumerate(row):
                if symbol == blank:
                    continue
                if prefix and symbol == prefix[-1]:
                    add(prefix, 1, after_label + score)
                    add((*prefix, symbol), 1, after_blank + score)
                else:
                    add((*prefix, symbol), 1, whole + score)
        ranked = sorted(following.items(), key=lambda item: -np.logaddexp(*item[1]))
        beam = {prefix: (score[0], score[1]) for prefix, score in ranked[:width]}
    return [(prefix, float(np.logaddexp(*score))) for prefix, score in beam.items()]
