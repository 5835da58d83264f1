"""The loss of sequences of logits."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from duoflow.core.late import F
from duoflow.core.tensor import convert

__all__ = ["sequence_loss"]


def sequence_loss(
    logits: Any, targets: Any, weights: Any, average_across_timesteps: bool = True, average_across_batch: bool = True,
    sum_over_timesteps: bool = False, sum_over_batch: bool = False,
    softmax_loss_function: Callable[..., Any] | None = None,
    name: str | None = None,
) -> Any:  # fmt: skip
    """The weighted cross entropy of sequences.

    Args:
      logits: [batch, time, classes].
      targets: int [batch, time].
      weights: [batch, time], 0 for what is padding.
      average_across_timesteps, average_across_batch: divide the sum over a dimension by the sum of its weights.
      sum_over_timesteps, sum_over_batch: where nothing is averaged, divide the sum over a dimension by the count of its
        weights that are not 0.
      softmax_loss_function: (labels=, logits=) -> losses, in place of sparse softmax cross entropy.

    Raises:
      ValueError: if the shapes are of other ranks, or a dimension is both averaged and summed.

    TensorFlow: tf.contrib.seq2seq.sequence_loss.
    """
    logits, targets, weights = convert(logits), convert(targets), convert(weights)
    for what, tensor, rank in (("Logits", logits, 3), ("Targets", targets, 2), ("Weights", weights, 2)):
        if tensor.ndim != rank:
            raise ValueError(f"{what} must be a tensor of {rank} dimensions, received shape {tensor.shape}.")
    if (average_across_timesteps and sum_over_timesteps) or (average_across_batch and sum_over_batch):
        raise ValueError("A dimension can be averaged over or summed over, not both.")
    with F.name_scope(name or "sequence_loss"):
        flat, labels = F.reshape(logits, [-1, F.shape(logits)[2]]), F.reshape(targets, [-1])
        if softmax_loss_function is None:
            each = F.sparse_softmax_cross_entropy_with_logits(labels=labels, logits=flat)
        else:
            each = softmax_loss_function(labels=labels, logits=flat)
        each = F.reshape(each * F.reshape(weights, [-1]), F.shape(targets))
        if average_across_timesteps or average_across_batch:
            both = average_across_timesteps and average_across_batch
            axis = None if both else 0 if average_across_batch else 1
            return F.reduce_sum(each, axis) / (F.reduce_sum(weights, axis) + 1e-12)
        if sum_over_timesteps or sum_over_batch:
            axis = None if sum_over_timesteps and sum_over_batch else 0 if sum_over_batch else 1
            return F.divide_no_nan(F.reduce_sum(each, axis), F.cast(F.count_nonzero(weights, axis), each.dtype))
        return each
