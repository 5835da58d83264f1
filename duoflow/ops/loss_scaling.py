"""Averages of losses over the global batch of all replicas."""

from __future__ import annotations

from typing import Any

from duoflow.core.late import F
from duoflow.core.tensor import convert

__all__ = ["compute_average_loss", "scale_regularization_loss"]


def compute_average_loss(per_example_loss: Any, sample_weight: Any = None, global_batch_size: Any = None) -> Any:
    """The sum of losses per example divided by the size of the global batch (by default their number).

    >>> tf.nn.compute_average_loss([1.0, 3.0], global_batch_size=4).numpy().item()
    1.0

    TensorFlow: tf.nn.compute_average_loss. Raises `ValueError` for a scalar loss or a batch size that is none.
    """
    loss = convert(per_example_loss)
    if loss.spec.rank == 0:
        raise ValueError(
            "Invalid argument `per_example_loss`. Expected a tensor of rank at least 1, received a scalar."
        )
    if sample_weight is not None:
        weight = F.cast(convert(sample_weight), loss.dtype)
        extra = loss.ndim - weight.ndim
        loss = loss * (
            F.reshape(weight, F.concat([F.shape(weight), F.ones([extra], "int32")], 0)) if extra > 0 else weight
        )
    if global_batch_size is None:
        size = F.shape(loss)[0]
    else:
        size = convert(global_batch_size)
        if size.spec.rank not in (None, 0):
            raise ValueError("Invalid argument `global_batch_size`. Expected a scalar.")
        if not size.dtype.is_integer:
            raise TypeError("Invalid argument `global_batch_size`. Expected an integer.")
    return F.reduce_sum(loss) / F.cast(size, loss.dtype)


def scale_regularization_loss(regularization_loss: Any) -> Any:
    """The sum of regularization losses divided by the number of replicas, which is one.

    TensorFlow: tf.nn.scale_regularization_loss.
    """
    return F.reduce_sum(convert(regularization_loss))
