"""Which dtype results from several: Keras' rules, where Python numbers give way and float64 is never chosen unasked."""

from __future__ import annotations

import functools
from typing import Any

import numpy as np

from duoflow import ops as tf
from duoflow.core.tensor import Operators, convert

from .preferences import floatx
from .symbolic import KerasTensor
from .variables import standardize_dtype

__all__ = ["promoted", "result_type"]

_FLOAT_ORDER = ("float16", "bfloat16", "float32", "float64")


def result_type(*dtypes: Any) -> str:
    """The dtype of an operation on values of these dtypes; `int`, `float` and `bool` stand for Python numbers.

    >>> tf.keras.backend.result_type("int32", float), tf.keras.backend.result_type("bfloat16", "float16")
    ('float32', 'float32')

    Keras: keras.backend.result_type.
    """
    if not dtypes:
        return floatx()
    if len(dtypes) == 1:
        return _settled(dtypes[0])
    return functools.reduce(_pair, [d if d in (int, float, bool) else standardize_dtype(d) for d in dtypes])


def _settled(dtype: Any) -> str:
    return {float: floatx(), int: "int32", bool: "bool"}.get(dtype) or standardize_dtype(dtype)


@functools.cache
def _pair(a: Any, b: Any) -> str:
    if a is b and isinstance(a, type):
        return _settled(a)
    for weak, strong in ((a, b), (b, a)):
        if isinstance(weak, type):
            if isinstance(strong, type):
                return _settled(float if float in (a, b) else int)
            kind = np.dtype(strong).kind if "bfloat" not in strong else "f"
            if weak is float and kind != "c":
                return strong if kind == "f" else floatx()
            return "int32" if weak is int and kind == "b" else strong
    if a == b:
        return a
    floats = [d for d in (a, b) if d in _FLOAT_ORDER]
    if len(floats) == 2:
        return "float32" if set(floats) == {"float16", "bfloat16"} else max(floats, key=_FLOAT_ORDER.index)
    if floats and "complex64" not in (a, b) and "complex128" not in (a, b):
        return floats[0]
    wide = np.promote_types(a, b)
    return "float32" if wide.kind == "f" else wide.name


def dtype_of(x: Any) -> Any:
    """The dtype of an operand as `result_type` takes it."""
    if isinstance(x, KerasTensor | Operators):
        return standardize_dtype(x.dtype)
    if isinstance(x, bool | int | float):
        return type(x)
    return standardize_dtype(x.dtype if hasattr(x, "dtype") else convert(x).dtype)


def promoted(*operands: Any) -> list[Any]:
    """The operands as tensors of their common dtype."""
    dtype = result_type(*map(dtype_of, operands))
    return [as_tensor(x, dtype) for x in operands]


def as_tensor(x: Any, dtype: str) -> Any:
    """A value as a tensor of a dtype, cast if it has another."""
    tensor = convert(x, dtype_hint=dtype)
    return tensor if tensor.dtype.name == dtype else tf.cast(tensor, dtype)
