"""Nested structures of specs and Python values as `StructuredValue` messages and back."""

from __future__ import annotations

import collections
from collections.abc import Mapping
from typing import Any

import numpy as np

from duoflow.core.composite import Composite
from duoflow.core.dtypes import DType
from duoflow.core.shapes import TensorShape
from duoflow.core.spec import TensorSpec
from duoflow.core.tensor import Tensor
from duoflow.core.variables import Variable
from duoflow.formats.saved_objects import StructuredValue
from duoflow.formats.tensors import array_of, dims_of, dtype_of, shape_proto

__all__ = ["decoded", "encoded"]

_DEEPEST = 64


def encoded(value: Any) -> Any:
    """A structure as a message; `ValueError` for what has no form in one."""
    if value is None:
        return StructuredValue(none_value={})
    if isinstance(value, bool | np.bool_):
        return StructuredValue(bool_value=bool(value))
    if isinstance(value, int | np.integer):
        return StructuredValue(int64_value=int(value))
    if isinstance(value, float | np.floating):
        return StructuredValue(float64_value=float(value))
    if isinstance(value, str | bytes):
        return StructuredValue(string_value=value)
    if isinstance(value, TensorSpec | Tensor | Variable):
        name = value.name if isinstance(value, TensorSpec) and value.name else None
        return StructuredValue(
            tensor_spec_value={
                "name": name,
                "shape": shape_proto(value.shape.as_tuple()),
                "dtype": _number(value.dtype),
            }
        )
    if isinstance(value, DType):
        return StructuredValue(tensor_dtype_value=_number(value))
    if isinstance(value, TensorShape):
        return StructuredValue(tensor_shape_value=shape_proto(value.as_tuple()))
    if isinstance(value, Mapping):
        strange = [key for key in value if not isinstance(key, str)]
        if strange:
            raise ValueError(f"A dict with the key {strange[0]!r} cannot be saved: only strings can be keys.")
        return StructuredValue(dict_value={"fields": {key: encoded(part) for key, part in value.items()}})
    if isinstance(value, tuple) and hasattr(value, "_fields"):
        pairs = [{"key": key, "value": encoded(part)} for key, part in zip(value._fields, value, strict=True)]
        return StructuredValue(named_tuple_value={"name": type(value).__name__, "values": pairs})
    if isinstance(value, tuple):
        return StructuredValue(tuple_value={"values": [encoded(part) for part in value]})
    if isinstance(value, list):
        return StructuredValue(list_value={"values": [encoded(part) for part in value]})
    kind = "composite tensor" if isinstance(value, Composite) else "object"
    raise ValueError(f"The {kind} {value!r} in a function's signature cannot be saved; pass tensors instead.")


def _number(dtype: DType) -> int:
    return dtype.as_datatype_enum


def decoded(proto: Any, depth: int = 0) -> Any:
    """The structure in a message; `ValueError` for kinds that are not known here."""
    if depth > _DEEPEST:
        raise ValueError("A structure in the file nests too deep.")
    kind = proto.WhichOneof("kind")
    if kind in (None, "none_value"):
        return None
    value = getattr(proto, kind)
    if kind in ("bool_value", "int64_value", "float64_value", "string_value"):
        return value
    if kind == "tensor_spec_value":
        return TensorSpec(dims_of(value.shape), dtype_of(value.dtype), value.name or None)
    if kind == "tensor_dtype_value":
        return dtype_of(value)
    if kind == "tensor_shape_value":
        return TensorShape(dims_of(value))
    if kind in ("tensor_value", "numpy_value"):
        return array_of(value)
    if kind == "dict_value":
        return {key: decoded(part, depth + 1) for key, part in value.fields.items()}
    if kind == "named_tuple_value":
        return _named_tuple(value, depth)
    if kind in ("list_value", "tuple_value"):
        parts = [decoded(part, depth + 1) for part in value.values]
        return tuple(parts) if kind == "tuple_value" else parts
    name = getattr(value, "type_spec_class_name", "") or kind
    raise ValueError(f"A function's signature holds a {name}, which is not read here: only tensors are.")


def _named_tuple(value: Any, depth: int) -> Any:
    made = collections.namedtuple(value.name or "Structure", [pair.key for pair in value.values], rename=True)  # type: ignore[misc]
    return made(*[decoded(pair.value, depth + 1) for pair in value.values])
