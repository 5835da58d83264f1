"""Between element types."""

from __future__ import annotations

from typing import Any

import numpy as np

from duoflow.core import dtypes
from duoflow.core.dtypes import DType, as_dtype
from duoflow.core.emit import emit_one
from duoflow.core.errors import UnimplementedError
from duoflow.core.indexed_slices import IndexedSlices
from duoflow.core.late import F
from duoflow.core.record import Kind, Op, register
from duoflow.core.spec import Spec
from duoflow.core.tensor import convert

from .families import NUMERIC, check_dtype
from .static import entries, value_of

__all__ = ["bitcast", "cast", "saturate_cast"]


def _infer_cast(x: Spec, *, dtype: DType) -> Spec:
    if not x.dtype.is_numpy_compatible or (x.dtype is dtypes.string) != (dtype is dtypes.string):
        raise UnimplementedError(
            f"Cast {x.dtype.name} to {dtype.name} is not supported. Use tf.strings.to_number or tf.strings.as_string.",
        )
    partial = entries(x) if isinstance(x.value, tuple) and dtype.is_integer else None
    return Spec(x.shape, dtype, value_of(partial, dtype))


def _evaluate_cast(x: Any, *, dtype: DType) -> Any:
    target = dtype.numpy
    if x.dtype.kind == "O" or target.kind == "O":
        _infer_cast(Spec.of(x), dtype=dtype)
    if x.dtype.kind == "c" and target.kind != "c" and target != np.bool_:
        x = x.real
    return x.astype(target)


def _gradient_cast(node: Any, g: Any) -> Any:
    source, target = node.inputs[0].dtype, node.attrs["dtype"]
    return F.cast(g, source) if source.is_differentiable and target.is_differentiable else None


CAST = register(
    Op(
        "Cast",
        Kind.ELEMENTWISE,
        _infer_cast,
        _evaluate_cast,
        _gradient_cast,
        checked=False,
        body=lambda b, x, *, dtype: b.cast(x, dtype),
    )  # fmt: skip
)


def cast(x: Any, dtype: Any, name: str | None = None) -> Any:
    """Convert to another dtype: floats are cut towards zero, complex numbers lose their imaginary part.

    Args:
      x: a numeric or boolean tensor, or `tf.IndexedSlices`.
      dtype: the type wanted.

    >>> tf.cast([1.8, 2.2], tf.int32)
    <tf.Tensor: shape=(2,), dtype=int32, numpy=array([1, 2], dtype=int32)>

    TensorFlow: tf.cast.
    """
    dtype = as_dtype(dtype)
    if isinstance(x, IndexedSlices):
        return x.map_values(lambda values: cast(values, dtype))
    x = convert(x)
    if x.dtype is dtype:
        return x
    return emit_one(CAST, (x,), {"dtype": dtype}, name)


def saturate_cast(value: Any, dtype: Any, name: str | None = None) -> Any:
    """Convert to another dtype, clamping to what it can hold.

    >>> tf.saturate_cast([-5.0, 300.0], tf.uint8).numpy()
    array([  0, 255], dtype=uint8)

    TensorFlow: tf.saturate_cast.
    """
    value, dtype = convert(value), as_dtype(dtype)
    if dtype is value.dtype:
        return value
    if value.dtype.is_complex:
        if dtype.is_complex:
            part = dtype.real_dtype
            return F.complex(saturate_cast(F.real(value), part), saturate_cast(F.imag(value), part))
        value = F.real(value)
    if dtype.is_complex:
        return cast(saturate_cast(value, dtype.real_dtype), dtype)
    low, high = _representable(value.dtype, dtype)
    with F.name_scope(name or "saturate_cast"):
        return cast(F.clip_by_value(value, low, high), dtype)


def _representable(source: DType, target: DType) -> tuple[Any, Any]:
    """The limits of `target` as numbers that `source` holds and that do not overflow when cast."""
    low = max(
        int(source.min) if source.is_integer else source.min, int(target.min) if target.is_integer else target.min
    )
    high = min(
        int(source.max) if source.is_integer else source.max, int(target.max) if target.is_integer else target.max
    )
    if source.is_floating and target.is_integer:
        kind = source.numpy.type
        if int(kind(high)) > int(target.max):
            high = np.nextafter(kind(high), kind(0))
        low = kind(low)
    return low, high


def _infer_bitcast(x: Spec, *, dtype: DType) -> Spec:
    check_dtype("Bitcast", "input", x.dtype, NUMERIC)
    if x.dtype.size == dtype.size:
        return Spec(x.shape, dtype)
    if x.shape is None:
        return Spec(None, dtype)
    if x.dtype.size > dtype.size:
        return Spec((*x.shape, x.dtype.size // dtype.size), dtype)
    ratio = dtype.size // x.dtype.size
    if not x.shape or x.shape[-1] not in (None, ratio):
        raise ValueError(
            f"Cannot bitcast from {x.dtype.name} to {dtype.name}: the last dimension must be {ratio}, the shape is "
            f"{list(x.shape)}"
        )
    return Spec(x.shape[:-1], dtype)


def _evaluate_bitcast(x: Any, *, dtype: DType) -> Any:
    if x.dtype.itemsize == dtype.size:
        return x.view(dtype.numpy)
    x = np.ascontiguousarray(x)
    if x.dtype.itemsize > dtype.size:
        return x.reshape(-1).view(dtype.numpy).reshape(*x.shape, x.dtype.itemsize // dtype.size)
    return x.reshape(-1).view(dtype.numpy).reshape(x.shape[:-1])


BITCAST = register(Op("Bitcast", Kind.HOST, _infer_bitcast, _evaluate_bitcast, differentiable=False))


def bitcast(input: Any, type: Any, name: str | None = None) -> Any:
    """The same bits read as another dtype; a last dimension appears or goes when the sizes differ.

    >>> tf.bitcast(1.0, tf.uint32).numpy()
    np.uint32(1065353216)

    TensorFlow: tf.bitcast.
    """
    return emit_one(BITCAST, (convert(input),), {"dtype": as_dtype(type)}, name)
