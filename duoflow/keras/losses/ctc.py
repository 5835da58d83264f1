"""Connectionist temporal classification: label sequences without alignment to the steps of the input."""

from __future__ import annotations

from typing import Any

from duoflow import ops as tf
from duoflow.core.tensor import convert

__all__ = ["ctc"]

_BLANK = 0
#: The logarithm of no probability; finite, so that gradients are.
_NEVER = -1e30


def ctc(y_true: Any, y_pred: Any) -> Any:
    """Minus the log-probability of label sequences, summed over all alignments. Graves et al., 2006.

    Args:
      y_true: class numbers [batch, labels], padded with zero, which is the blank.
      y_pred: logits [batch, steps, classes].

    Keras: keras.losses.ctc. Raises `ValueError` for other ranks.
    """
    y_true, y_pred = convert(y_true), convert(y_pred)
    if y_true.spec.rank != 2:
        raise ValueError(
            "Targets `y_true` are expected to be a tensor of shape `(batch_size, max_length)` in integer format. "
            f"Received: y_true.shape={y_true.dims}"
        )
    if y_pred.spec.rank != 3:
        raise ValueError(
            "Logits `y_pred` are expected to be a tensor of shape `(batch_size, max_length, num_classes)`. "
            f"Received: y_pred.shape={y_pred.dims}"
        )
    labels = tf.cast(y_true, "int32")
    states = _with_blanks(labels)
    # [steps, batch, states]: the log-probability of each state's symbol at each step.
    emissions = tf.transpose(tf.gather(tf.log_softmax(y_pred), _per_step(states, y_pred), batch_dims=2), [1, 0, 2])
    may_skip = tf.logical_and(tf.not_equal(states, _BLANK), tf.not_equal(states, _shift(states, 2, _BLANK)))
    position = tf.range(tf.shape(states)[1])
    never = tf.constant(_NEVER, emissions.dtype)
    start = tf.where(position < 2, emissions[0], never)

    def advance(reached: Any, emission: Any) -> Any:
        skipped = tf.where(may_skip, _shift(reached, 2, _NEVER), never)
        ways = tf.stack([reached, _shift(reached, 1, _NEVER), skipped])
        return tf.reduce_logsumexp(ways, 0) + emission

    reached = tf.scan(advance, emissions[1:], start)[-1]
    last = 2 * tf.reduce_sum(tf.cast(tf.not_equal(labels, _BLANK), "int32"), 1, keepdims=True)
    final = tf.logical_or(tf.equal(position, last), tf.equal(position, last - 1))
    return -tf.reduce_logsumexp(tf.where(final, reached, never), 1)


def _with_blanks(labels: Any) -> Any:
    """Labels with blanks before, between and after them."""
    pairs = tf.stack([labels, tf.fill(tf.shape(labels), _BLANK)], 2)
    flat = tf.reshape(pairs, tf.stack([tf.shape(labels)[0], 2 * tf.shape(labels)[1]]))
    return tf.pad(flat, [[0, 0], [1, 0]], constant_values=_BLANK)


def _per_step(states: Any, y_pred: Any) -> Any:
    """States [batch, states] repeated for every step."""
    shape = tf.stack([tf.shape(states)[0], tf.shape(y_pred)[1], tf.shape(states)[1]])
    return tf.broadcast_to(tf.expand_dims(states, 1), shape)


def _shift(x: Any, by: int, fill: Any) -> Any:
    """Rows moved to the right."""
    return tf.pad(x, [[0, 0], [by, 0]], constant_values=fill)[:, : tf.shape(x)[1]]
