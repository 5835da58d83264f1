"""What NumPy's functions make of their operands: tensors of dtypes that NumPy would compute with.

Python numbers adapt to tensors beside them, and are int64 and float64 alone (float32 where
`experimental_enable_numpy_behavior(prefer_float32=True)` was called).
"""

from __future__ import annotations

from typing import Any

import numpy as np

from duoflow import ops as F
from duoflow.core import nest
from duoflow.core.dtypes import DType, as_dtype, from_numpy
from duoflow.core.tensor import Operators, Tensor, convert

__all__ = [
    "asarray",
    "axes_of",
    "default_float",
    "dtype_of",
    "floating",
    "floats",
    "promoted",
    "result_type",
    "scalars",
]


class _Settings:
    prefer_float32 = False


settings = _Settings()


def default_float() -> DType:
    """What Python's floats become."""
    return as_dtype("float32" if settings.prefer_float32 else "float64")


def dtype_of(dtype: Any) -> DType:
    """A dtype given as NumPy takes it: `float` is float64."""
    if dtype is float:
        return default_float()
    return as_dtype(np.dtype(dtype).name) if isinstance(dtype, (type, np.dtype)) else as_dtype(dtype)


def _shown_to_numpy(value: Any) -> Any:
    """An operand as `np.result_type` takes it: numbers as they are, everything else by its dtype."""
    if isinstance(value, (bool, int, float, complex)) and not isinstance(value, np.generic):
        return value
    if isinstance(value, (Operators, np.ndarray, np.generic)):
        return as_dtype(value.dtype).numpy
    if isinstance(value, (DType, type, np.dtype, str)):
        return dtype_of(value).numpy
    leaves = nest.flatten(list(value)) if isinstance(value, (list, tuple)) else [value]
    if any(isinstance(leaf, Operators) for leaf in leaves):
        return np.result_type(*map(_shown_to_numpy, leaves))
    return np.asarray(value).dtype


def result_type(*arrays_and_dtypes: Any) -> DType:
    """The dtype of what a computation with these operands gives. TensorFlow: tf.experimental.numpy.result_type."""
    found = np.result_type(*[_shown_to_numpy(value) for value in arrays_and_dtypes] or [np.float64])
    if settings.prefer_float32 and found == np.float64 and not _holds_float64(arrays_and_dtypes):
        return as_dtype("float32")
    return from_numpy(found)


def _holds_float64(values: Any) -> bool:
    return any(
        getattr(value, "dtype", value) in (np.float64, as_dtype("float64")) for value in values
        if isinstance(value, (Operators, np.ndarray, np.generic, DType, type, np.dtype))
    )  # fmt: skip


def asarray(a: Any, dtype: Any = None) -> Tensor:
    """A tensor of what NumPy makes arrays of, and of tensors in lists. TensorFlow: tf.experimental.numpy.asarray."""
    kind = dtype_of(dtype) if dtype is not None else None
    if isinstance(a, (Operators, str, bytes)):
        tensor = convert(a)
    else:
        own = result_type(a)
        leaves = nest.flatten(list(a)) if isinstance(a, (list, tuple)) else []
        if any(isinstance(leaf, Operators) for leaf in leaves):
            tensor = F.stack([asarray(part, own) for part in a])
        else:
            tensor = convert(np.asarray(a, None if own.name == "string" else own.numpy))
    return tensor if kind is None or tensor.dtype is kind else F.cast(tensor, kind)  # type: ignore[no-any-return]


def promoted(*operands: Any) -> list[Tensor]:
    """The operands as tensors of the dtype that NumPy computes with."""
    common = result_type(*operands)
    return [asarray(operand, common) for operand in operands]


def floats(*operands: Any) -> list[Tensor]:
    """The operands as tensors of one floating dtype: whole numbers and truth values are floats here."""
    return [floating(operand) for operand in promoted(*operands)]


def floating(operand: Any) -> Tensor:
    """The operand as a tensor of a floating or complex dtype."""
    tensor = asarray(operand)
    whole = tensor.dtype.is_integer or tensor.dtype.is_bool
    return F.cast(tensor, default_float()) if whole else tensor  # type: ignore[no-any-return]


def scalars(values: Any) -> list[int]:
    """Python's ints of sizes and axes, given as one or several."""
    if isinstance(values, Operators):
        values = convert(values).numpy()
    return [int(value) for value in (values if np.ndim(values) else [values])]


def axes_of(axis: Any, rank: int) -> list[int]:
    """Axes as numbers from 0; all of them for None."""
    return list(range(rank)) if axis is None else [a % rank if rank else a for a in scalars(axis)]
