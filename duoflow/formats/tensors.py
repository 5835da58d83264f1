"""Tensors and shapes as protocol buffers."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from duoflow.core import dtypes
from duoflow.core.arrays import as_array
from duoflow.core.dtypes import DType
from duoflow.core.shapes import Dims, as_dims

from .messages import TensorProto, TensorShapeProto

__all__ = ["array_of", "dims_of", "dtype_of", "shape_proto", "tensor_proto"]

#: The field that lists elements of a dtype one by one.
_LISTS = {
    "float32": "float_val", "float64": "double_val", "int32": "int_val", "int16": "int_val", "uint16": "int_val",
    "int8": "int_val", "uint8": "int_val", "string": "string_val", "int64": "int64_val", "bool": "bool_val",
    "float16": "half_val", "bfloat16": "half_val", "complex64": "scomplex_val", "complex128": "dcomplex_val",
    "uint32": "uint32_val", "uint64": "uint64_val",
}  # fmt: skip
#: More elements than this are refused before any memory is taken for them.
_MOST_ELEMENTS = 1 << 36


def dtype_of(number: int) -> DType:
    """The dtype of TensorFlow's number for it; `TypeError` if it has none here."""
    return dtypes.as_dtype(int(number))


def shape_proto(dims: Dims) -> Any:
    """A shape as a message."""
    if dims is None:
        return TensorShapeProto(unknown_rank=True)
    return TensorShapeProto(dim=[{"size": -1 if d is None else int(d)} for d in dims])


def dims_of(proto: Any) -> Dims:
    """The shape in a message; `ValueError` if it holds sizes that no tensor has."""
    if proto.unknown_rank:
        return None
    sizes = [d.size for d in proto.dim]
    if len(sizes) > 254 or any(s < -1 for s in sizes):
        raise ValueError(f"Shape {sizes} is not valid: at most 254 dimensions, each -1 (unknown) or not negative.")
    if math.prod(s for s in sizes if s > 0) > _MOST_ELEMENTS:
        raise ValueError(f"Shape {sizes} has more elements than a tensor may have.")
    return tuple(None if s == -1 else s for s in sizes)


def tensor_proto(values: Any, dtype: Any = None, shape: Any = None) -> Any:
    """A value as a message: its bytes, or a list of strings."""
    array = as_array(values, None if dtype is None else dtypes.as_dtype(dtype))
    if shape is not None:
        dims = tuple(d or 0 for d in as_dims(shape) or ())
        array = np.broadcast_to(array, dims) if array.size == 1 else array.reshape(dims)
    kind = dtypes.from_numpy(array.dtype)
    proto = TensorProto(dtype=kind.as_datatype_enum, tensor_shape=shape_proto(array.shape))
    if kind is dtypes.string:
        proto.string_val.extend(array.reshape(-1).tolist())
    elif array.size == 1 and kind.name in ("float32", "float64", "int32", "int64", "bool"):
        getattr(proto, _LISTS[kind.name]).append(array.item())
    else:
        proto.tensor_content = np.ascontiguousarray(array).tobytes()
    return proto


def array_of(proto: Any) -> np.ndarray[Any, Any]:
    """The value in a message; `ValueError` if its parts contradict each other."""
    kind, dims = dtype_of(proto.dtype), dims_of(proto.tensor_shape)
    if dims is None or None in dims:
        raise ValueError("The shape of a tensor's value must be fully known.")
    count = math.prod(dims)  # type: ignore[arg-type]
    if proto.tensor_content:
        return _from_bytes(proto.tensor_content, kind, dims, count)
    if kind.name not in _LISTS:
        raise TypeError(f"Tensors of dtype {kind.name} have no serialised value.")
    flat = _from_list(getattr(proto, _LISTS[kind.name]), kind)
    if len(flat) > count:
        raise ValueError(f"A tensor of shape {list(dims)} was given {len(flat)} values.")
    if len(flat) < count:
        last = flat[-1:] if len(flat) else _zero(kind)
        flat = np.concatenate([flat, np.broadcast_to(last, (count - len(flat),))])
    return flat.reshape(dims)  # type: ignore[arg-type]


def _zero(kind: DType) -> np.ndarray[Any, Any]:
    out = np.zeros(1, kind.numpy)
    if kind is dtypes.string:
        out[0] = b""
    return out


def _from_bytes(data: bytes, kind: DType, dims: Any, count: int) -> np.ndarray[Any, Any]:
    if kind is dtypes.string or len(data) != count * kind.numpy.itemsize:
        raise ValueError(f"A {kind.name} tensor of shape {list(dims)} cannot be made of {len(data)} bytes.")
    return np.frombuffer(data, kind.numpy).reshape(dims).copy()


def _from_list(values: Any, kind: DType) -> np.ndarray[Any, Any]:
    if kind is dtypes.string:
        out = np.empty(len(values), object)
        out[:] = values
        return out
    if kind.name in ("float16", "bfloat16"):
        return np.asarray(values, np.uint16).view(kind.numpy)
    if kind.is_complex:
        return np.asarray(values, kind.real_dtype.numpy).view(kind.numpy)
    return np.asarray(values, np.int64 if kind.is_integer and kind.name != "uint64" else kind.numpy).astype(kind.numpy)
