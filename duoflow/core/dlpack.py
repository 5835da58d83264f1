"""Exchange of tensors with other libraries through DLPack, without copies."""

from __future__ import annotations

from typing import Any

import numpy as np

from .tensor import EagerTensor, convert

__all__ = ["from_dlpack", "to_dlpack"]


def to_dlpack(tf_tensor: Any) -> Any:
    """A DLPack capsule of a tensor's memory.

    TensorFlow: tf.experimental.dlpack.to_dlpack. Raises `TypeError` for types that DLPack does not have.
    """
    tensor = convert(tf_tensor)
    if not isinstance(tensor, EagerTensor):
        raise TypeError("The argument to `to_dlpack` must be a TF tensor with a value, not a symbolic one.")
    try:
        return tensor.__dlpack__()
    except BufferError as error:
        raise TypeError(f"A tensor of dtype {tensor.dtype.name} cannot be exported by DLPack: {error}") from None


class _Capsule:
    """Gives NumPy a bare capsule in the form it asks for."""

    def __init__(self, capsule: Any) -> None:
        self._capsule = capsule

    def __dlpack__(self, **kwargs: Any) -> Any:
        return self._capsule

    def __dlpack_device__(self) -> tuple[int, int]:
        return 1, 0


def from_dlpack(dlcapsule: Any) -> EagerTensor:
    """A tensor that shares memory with a DLPack capsule, or with any object that exports one.

    >>> tf.experimental.dlpack.from_dlpack(np.array([1.0, 2.0], np.float32))
    <tf.Tensor: shape=(2,), dtype=float32, numpy=array([1., 2.], dtype=float32)>

    TensorFlow: tf.experimental.dlpack.from_dlpack.
    """
    source = dlcapsule if hasattr(dlcapsule, "__dlpack__") else _Capsule(dlcapsule)
    return EagerTensor(np.from_dlpack(source))
