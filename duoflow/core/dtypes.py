"""Element types, with TensorFlow's names and rules.

`DType` objects are singletons: compare them with `is`. A string tensor is a NumPy object array of `bytes`; resource and
variant tensors hold Python objects (variables, tensor lists, datasets).
"""

from __future__ import annotations

from typing import Any

import ml_dtypes
import numpy as np

__all__ = ["DType", "as_dtype", "cast_is_safe", "result_type"]


_finfo: Any = ml_dtypes.finfo
_iinfo: Any = ml_dtypes.iinfo


class DType:
    """The element type of a tensor.

    >>> tf.float32.name, tf.float32.size, tf.float32.is_floating
    ('float32', 4, True)
    >>> tf.as_dtype("int8") is tf.int8
    True

    TensorFlow: tf.dtypes.DType.
    """

    __slots__ = ("__weakref__", "_enum", "_kind", "_numpy", "name")

    name: str

    def __init__(self, name: str, numpy_type: Any, enum: int, kind: str) -> None:
        self.name = name
        self._numpy: np.dtype[Any] = np.dtype(numpy_type)
        self._enum = enum
        self._kind = kind

    @property
    def as_numpy_dtype(self) -> Any:
        """The NumPy scalar type that holds one element."""
        return self._numpy.type

    @property
    def numpy(self) -> np.dtype[Any]:
        """The NumPy dtype of an array of these elements."""
        return self._numpy

    @property
    def as_datatype_enum(self) -> int:
        """The number of this type in TensorFlow's protocol buffers."""
        return self._enum

    @property
    def base_dtype(self) -> DType:
        """The type itself; reference types do not exist here."""
        return self

    @property
    def real_dtype(self) -> DType:
        """The type of the real part: float32 for complex64, else the type itself."""
        return {"complex64": float32, "complex128": float64}.get(self.name, self)

    @property
    def size(self) -> int:
        """Bytes per element (1 for strings and objects, as in TensorFlow)."""
        return self._numpy.itemsize if self._numpy.kind != "O" else 1

    @property
    def is_floating(self) -> bool:
        """Whether this is a real floating-point type, bfloat16 and float8 included."""
        return self._kind == "f"

    @property
    def is_integer(self) -> bool:
        """Whether this is a signed or unsigned integer type (bool is not)."""
        return self._kind in "iu"

    @property
    def is_unsigned(self) -> bool:
        """Whether this is an unsigned integer type."""
        return self._kind == "u"

    @property
    def is_complex(self) -> bool:
        """Whether this is complex64 or complex128."""
        return self._kind == "c"

    @property
    def is_bool(self) -> bool:
        """Whether this is the boolean type."""
        return self._kind == "b"

    @property
    def is_numeric(self) -> bool:
        """Whether arithmetic is defined on the type."""
        return self._kind in "fiuc"

    @property
    def is_numpy_compatible(self) -> bool:
        """Whether NumPy can hold the elements themselves."""
        return self._kind != "o"

    @property
    def is_quantized(self) -> bool:
        """Always False: quantised types are not represented as dtypes here."""
        return False

    @property
    def is_differentiable(self) -> bool:
        """Whether gradients flow through tensors of this type."""
        return self._kind in "fc" or self.name in ("resource", "variant")

    @property
    def min(self) -> Any:
        """The smallest value (most negative finite number for floating types)."""
        return self._limit("min")

    @property
    def max(self) -> Any:
        """The largest finite value."""
        return self._limit("max")

    @property
    def limits(self) -> tuple[Any, Any]:
        """`(min, max)`."""
        return self.min, self.max

    def _limit(self, which: str) -> Any:
        if self._kind == "b":
            return which == "max"
        if self._kind == "f":
            return getattr(_finfo(self._numpy), which)
        if self._kind in "iu":
            return getattr(_iinfo(self._numpy), which)
        raise TypeError(f"Cannot find {which}imum value of {self!r}.")

    def is_compatible_with(self, other: Any) -> bool:
        """Whether a tensor of type `other` can stand where this type is asked for."""
        return as_dtype(other) is self

    def __eq__(self, other: object) -> bool:
        if self is other:
            return True
        if other is None or isinstance(other, DType):
            return False
        try:
            return as_dtype(other) is self
        except TypeError:
            return False

    def __hash__(self) -> int:
        return hash(self.name)

    def __int__(self) -> int:
        return self._enum

    def __str__(self) -> str:
        return f"<dtype: '{self.name}'>"

    def __repr__(self) -> str:
        return f"tf.{self.name}"

    def __reduce__(self) -> tuple[Any, ...]:
        return as_dtype, (self.name,)


float16 = half = DType("float16", np.float16, 19, "f")
float32 = DType("float32", np.float32, 1, "f")
float64 = double = DType("float64", np.float64, 2, "f")
bfloat16 = DType("bfloat16", ml_dtypes.bfloat16, 14, "f")
float8_e5m2 = DType("float8_e5m2", ml_dtypes.float8_e5m2, 24, "f")
float8_e4m3fn = DType("float8_e4m3fn", ml_dtypes.float8_e4m3fn, 25, "f")
int8 = DType("int8", np.int8, 6, "i")
int16 = DType("int16", np.int16, 5, "i")
int32 = DType("int32", np.int32, 3, "i")
int64 = DType("int64", np.int64, 9, "i")
int4 = DType("int4", ml_dtypes.int4, 29, "i")
uint4 = DType("uint4", ml_dtypes.uint4, 30, "u")
uint8 = DType("uint8", np.uint8, 4, "u")
uint16 = DType("uint16", np.uint16, 17, "u")
uint32 = DType("uint32", np.uint32, 22, "u")
uint64 = DType("uint64", np.uint64, 23, "u")
complex64 = DType("complex64", np.complex64, 8, "c")
complex128 = DType("complex128", np.complex128, 18, "c")
bool_ = DType("bool", np.bool_, 10, "b")
string = DType("string", np.object_, 7, "s")
resource = DType("resource", np.object_, 20, "o")
variant = DType("variant", np.object_, 21, "o")

ALL = (
    float16, float32, float64, bfloat16, float8_e5m2, float8_e4m3fn, int8, int16, int32, int64, int4, uint4, uint8,
    uint16, uint32, uint64, complex64, complex128, bool_, string, resource, variant,
)  # fmt: skip

_BY_NAME: dict[str, DType] = {d.name: d for d in ALL} | {"half": float16, "double": float64, "float": float32}
_BY_ENUM: dict[int, DType] = {d.as_datatype_enum: d for d in ALL}
_BY_NUMPY: dict[Any, DType] = {d.numpy: d for d in ALL if d.numpy.kind != "O"} | {np.dtype(object): string}
_BY_PYTHON: dict[Any, DType] = {
    float: float32,
    int: int32,
    bool: bool_,
    complex: complex128,
    str: string,
    bytes: string,
}


def from_numpy(dtype: np.dtype[Any]) -> DType:
    """The DType of a NumPy dtype; the lookup on the path of every eager tensor."""
    found = _BY_NUMPY.get(dtype)
    return found if found is not None else as_dtype(dtype)


def as_dtype(type_value: Any) -> DType:
    """Convert a name, NumPy type, Python type or TensorFlow enum number to a `DType`.

    Raises `TypeError` for anything that names no type.

    >>> tf.as_dtype(np.float64), tf.as_dtype("bool"), tf.as_dtype(3)
    (tf.float64, tf.bool, tf.int32)

    TensorFlow: tf.dtypes.as_dtype.
    """
    if type(type_value) is DType:
        return type_value
    if isinstance(type_value, str) and type_value in _BY_NAME:
        return _BY_NAME[type_value]
    if isinstance(type_value, int) and not isinstance(type_value, bool) and type_value in _BY_ENUM:
        return _BY_ENUM[type_value]
    if isinstance(type_value, type) and type_value in _BY_PYTHON:
        return _BY_PYTHON[type_value]
    if hasattr(type_value, "dtype") and isinstance(type_value.dtype, DType):
        return type_value.dtype
    try:
        dtype = np.dtype(type_value).newbyteorder("=")
    except TypeError:
        dtype = None
    if dtype is not None and type_value is not None:
        if dtype in _BY_NUMPY:
            return _BY_NUMPY[dtype]
        if dtype.kind in "SU":
            return string
    raise TypeError(f"Cannot convert {type_value!r} to a TensorFlow DType.")


_SIGNED_RANK = {int8: 1, int16: 2, int32: 3, int64: 4}
_UNSIGNED_RANK = {uint8: 1, uint16: 2, uint32: 3, uint64: 4}


def cast_is_safe(source: DType, target: DType) -> bool:
    """Whether every value of `source` is represented exactly in `target`."""
    return bool(np.can_cast(source.numpy, target.numpy, "safe"))


def result_type(*dtypes: DType) -> DType:
    """The type that JAX-style promotion gives to a mix of types; Keras and `tf.experimental.numpy` use it.

    TensorFlow's own operations do not promote: they ask for equal types.
    """
    out = dtypes[0]
    for other in dtypes[1:]:
        out = _promote(out, other)
    return out


def _promote(a: DType, b: DType) -> DType:
    if a is b or b.is_bool:
        return a
    if a.is_bool:
        return b
    if a.is_complex or b.is_complex:
        return complex128 if complex128 in (a, b) or float64 in (a, b) else complex64
    if a.is_floating and b.is_floating:
        if a.size == b.size:
            return float32
        return a if a.size > b.size else b
    if a.is_floating:
        return a
    if b.is_floating:
        return b
    if a.is_unsigned == b.is_unsigned:
        return a if a.size >= b.size else b
    signed, unsigned = (b, a) if a.is_unsigned else (a, b)
    if signed.size > unsigned.size:
        return signed
    return {1: int16, 2: int32, 4: int64}.get(unsigned.size, float32)
