"""Python values as NumPy arrays, under TensorFlow's rules of types."""

from __future__ import annotations

import ctypes
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from . import dtypes
from .context import context
from .dtypes import DType
from .shapes import TensorShape

__all__ = ["address_of", "as_array"]

_PYTHON_TYPES = {float: dtypes.float32, int: dtypes.int32, bool: dtypes.bool_, complex: dtypes.complex128}
_TYPES_OF_BOOLS = (dtypes.int32, dtypes.int64, dtypes.uint64)
_PYTHON_TYPES |= {str: dtypes.string, bytes: dtypes.string}


def as_array(value: Any, dtype: DType | None = None) -> np.ndarray[Any, Any]:
    """A NumPy array for a Python value, under TensorFlow's rules.

    Python floats become float32 and ints int32 (int64 if they do not fit) unless `dtype` says otherwise; a float is
    never squeezed into an int; ragged lists are a `ValueError`.
    """
    kind = type(value)
    if kind in _PYTHON_TYPES:
        return _scalar_array(value, kind, dtype)
    if isinstance(value, np.ndarray):
        return _from_numpy_array(value, dtype)
    if isinstance(value, np.generic):
        return _from_numpy_array(np.asarray(value), dtype)
    if isinstance(value, TensorShape):
        if not value.is_fully_defined():
            raise ValueError(f"Cannot convert a partially known TensorShape {value} to a Tensor.")
        dims = value.as_list()
        big = any(d is not None and d > 2**31 - 1 for d in dims)
        return np.asarray(dims, (dtype or (dtypes.int64 if big else dtypes.int32)).numpy)
    if value is None:
        raise ValueError("Attempt to convert a value (None) with an unsupported type (<class 'NoneType'>) to a Tensor.")
    if isinstance(value, (list, tuple, range)):
        return _from_list(value, dtype)
    if hasattr(value, "__array__") or hasattr(value, "__array_interface__") or hasattr(value, "__dlpack__"):
        return _from_numpy_array(np.asarray(value), dtype)
    if isinstance(value, (set, frozenset, dict, DType)) or not hasattr(value, "__len__"):
        raise (ValueError if context.graph is None else TypeError)(
            f"Attempt to convert a value ({value!r}) with an unsupported type ({type(value)}) to a Tensor."
        )
    return _from_list(list(value), dtype)


def _scalar_array(value: Any, kind: Any, dtype: DType | None) -> np.ndarray[Any, Any]:
    natural = _PYTHON_TYPES[kind]
    if dtype is None:
        if kind is int and not -(2**31) <= value < 2**31:
            natural = dtypes.int64
        dtype = natural
    _check_python_kind(value, natural, dtype)
    if dtype is dtypes.string:
        array = np.empty((), object)
        array[()] = value.encode() if isinstance(value, str) else value
        return array
    try:
        return np.asarray(value, dtype.numpy)
    except OverflowError as error:
        raise ValueError(f"Can't convert Python number {value} to a Tensor of dtype {dtype.name}: {error}") from None


def _check_python_kind(value: Any, natural: DType, dtype: DType) -> None:
    """A Python value may widen (int to float, float to complex), never narrow or change kind."""
    if natural is dtype:
        return
    order = {dtypes.string: "s", dtypes.bool_: "b"}
    a = order.get(natural) or ("c" if natural.is_complex else "f" if natural.is_floating else "i")
    b = order.get(dtype) or ("c" if dtype.is_complex else "f" if dtype.is_floating else "i")
    if a == b or (a, b) in (("b", "f"), ("i", "f"), ("i", "c"), ("f", "c")):
        return
    if natural is dtypes.bool_ and dtype in _TYPES_OF_BOOLS:
        return
    raise TypeError(f"Cannot convert {value!r} to EagerTensor of dtype {dtype.name}")


def _from_numpy_array(array: np.ndarray[Any, Any], dtype: DType | None) -> np.ndarray[Any, Any]:
    if array.dtype.kind in "SU":
        encoded = np.array([s if isinstance(s, bytes) else s.encode() for s in array.reshape(-1).tolist()], object)
        array = encoded.reshape(array.shape)
    elif array.dtype.kind == "O":
        array = _from_object_array(array, dtype)
    elif not array.dtype.isnative:
        array = array.astype(array.dtype.newbyteorder("="))
    own = dtypes.from_numpy(array.dtype)
    if dtype is None or dtype is own:
        return array
    if (own is dtypes.string) != (dtype is dtypes.string):
        raise TypeError(f"Cannot convert an array of dtype {own.name} to a tensor of dtype {dtype.name}")
    return array.astype(dtype.numpy)


def _from_object_array(array: np.ndarray[Any, Any], dtype: DType | None) -> np.ndarray[Any, Any]:
    flat = array.reshape(-1).tolist()
    if all(isinstance(item, (str, bytes)) for item in flat):
        out = np.empty(len(flat), object)
        out[:] = [item.encode() if isinstance(item, str) else item for item in flat]
        return out.reshape(array.shape)
    if flat and all(isinstance(item, (bool, int, float, np.number, np.bool_)) for item in flat):
        return np.asarray(flat, dtype.numpy if dtype is not None else None).reshape(array.shape)
    raise ValueError(f"Failed to convert a NumPy array to a Tensor (Unsupported object type {type(flat[0]).__name__}).")


def _from_list(value: Any, dtype: DType | None) -> np.ndarray[Any, Any]:
    if not isinstance(value, (list, tuple)):
        value = list(value)
    sample = value
    while isinstance(sample, (list, tuple)) and sample:
        sample = sample[0]
    try:
        array = np.array(value)
    except UnicodeDecodeError:  # text beside bytes that are none
        array = np.array(value, object)
    except (ValueError, TypeError) as error:
        if "inhomogeneous" in str(error):
            raise ValueError("Can't convert non-rectangular Python sequence to Tensor.") from None
        raise
    if array.dtype.kind in "SUO":
        if array.dtype.kind != "O" and not all(isinstance(v, (str, bytes)) for v in _leaves(value)):
            raise ValueError(f"Can't convert Python sequence with mixed types to Tensor: {value!r}")
        array = _from_object_array(np.array(value, object), dtype)
        if array.dtype.kind == "O" and dtype not in (None, dtypes.string):
            raise TypeError(f"Cannot convert {value!r} to EagerTensor of dtype {dtype.name}")
        return array
    if isinstance(sample, (np.generic, np.ndarray)) and array.dtype.kind != "f":
        return array if dtype is None else array.astype(dtype.numpy)
    if dtype is None:
        dtype = _natural_list_dtype(value, array)
    elif array.size:
        _check_list_kind(value, array, dtype)
    return array.astype(dtype.numpy)


def _natural_list_dtype(value: Any, array: np.ndarray[Any, Any]) -> DType:
    if not array.size:
        return dtypes.float32
    if array.dtype.kind == "f":
        typed = [v.dtype for v in _leaves(value) if isinstance(v, (np.generic, np.ndarray))]
        return dtypes.from_numpy(np.result_type(*typed)) if typed else dtypes.float32
    if array.dtype.kind in "iu":
        fits = array.min() >= -(2**31) and array.max() < 2**31
        return dtypes.int32 if fits else dtypes.int64
    return dtypes.bool_ if array.dtype.kind == "b" else dtypes.complex128


def _check_list_kind(value: Any, array: np.ndarray[Any, Any], dtype: DType) -> None:
    natural = {"f": dtypes.float32, "i": dtypes.int32, "u": dtypes.int32, "b": dtypes.bool_, "c": dtypes.complex128}
    if any(isinstance(v, (np.generic, np.ndarray)) for v in _leaves(value)):
        return
    _check_python_kind(value, natural[array.dtype.kind], dtype)
    if array.dtype.kind in "iu" and dtype.is_integer and (array.min() < dtype.min or array.max() > dtype.max):
        raise ValueError(f"Can't convert Python sequence with out-of-range integer to Tensor of dtype {dtype.name}.")


def _leaves(value: Any) -> Iterator[Any]:
    if isinstance(value, (list, tuple)):
        for item in value:
            yield from _leaves(item)
    else:
        yield value


class _ArrayHead(ctypes.Structure):
    """The beginning of an array object, as NumPy's C interface fixes it."""

    _fields_ = (("object", ctypes.c_char * object.__basicsize__), ("data", ctypes.c_size_t))


def _from_head(array: np.ndarray[Any, Any]) -> int:
    return _head_at(id(array)).data  # type: ignore[no-any-return]


def _from_interface(array: np.ndarray[Any, Any]) -> int:
    return array.ctypes.data


def _finder() -> Callable[[np.ndarray[Any, Any]], int]:
    probe = np.arange(7)[2:]
    return _from_head if _from_head(probe) == probe.ctypes.data else _from_interface


_head_at = _ArrayHead.from_address
#: Where an array's first element is in memory. NumPy's own attributes for that cost several times a small kernel.
address_of = _finder()
