"""The loss of connectionist temporal classification, for labels padded with the blank."""

from __future__ import annotations

from typing import Any

from duoflow import ops as tf
from duoflow.core.tensor import convert

from ..ops import ctc_loss

__all__ = ["ctc"]


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
    labels = tf.reduce_sum(tf.cast(tf.not_equal(y_true, 0), "int32"), axis=1)
    steps = tf.fill([tf.shape(y_pred)[0]], tf.shape(y_pred)[1])
    return ctc_loss(y_true, y_pred, labels, steps)
