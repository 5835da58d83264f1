"""What is known of a tensor before it exists.

`Spec` is what a record's `infer` takes and returns. `TensorSpec` and `TypeSpec` are TensorFlow's public descriptions.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from . import shapes
from .dtypes import DType, as_dtype, float32, from_numpy, variant
from .late import Late
from .shapes import Dims, TensorShape

__all__ = ["Spec", "TensorSpec", "TypeSpec"]

_tensor: Any = Late("duoflow.core.tensor")


@dataclass(frozen=True, slots=True, eq=False)
class Spec:
    """Shape, dtype and, where it is known, the value of one operand.

    `value` is a NumPy array, or, for a vector or scalar of ints only partly known (a shape), a tuple or int with None
    for what is unknown. It is advice for inference and folding, never a second source of truth.
    """

    shape: Dims
    dtype: DType
    value: Any = None

    @staticmethod
    def of(value: Any) -> Spec:
        """All that is known of a value: an array, or the object a resource or variant stands for."""
        if isinstance(value, np.ndarray):
            return Spec(value.shape, from_numpy(value.dtype), value)
        return Spec((), getattr(value, "handle_dtype", variant))

    @property
    def rank(self) -> int | None:
        """The number of dimensions, or None."""
        return None if self.shape is None else len(self.shape)

    @property
    def known(self) -> bool:
        """Whether every dimension is known."""
        return self.shape is not None and None not in self.shape

    @property
    def array(self) -> np.ndarray[Any, Any] | None:
        """The whole value, if known."""
        return self.value if isinstance(self.value, np.ndarray) else None

    def dims(self) -> Dims:
        """This operand read as a shape: what is known of its entries (-1 is unknown)."""
        if isinstance(self.value, np.ndarray):
            return tuple(None if d < 0 else int(d) for d in self.value.reshape(-1))
        if isinstance(self.value, tuple):
            return self.value
        if self.shape is not None and len(self.shape) == 1 and self.shape[0] is not None:
            return (None,) * self.shape[0]
        return None

    def __str__(self) -> str:
        return f"{self.dtype.name}{shapes.brief(self.shape)}"


class TypeSpec:
    """Base of the descriptions of values that cross a function's border. TensorFlow: tf.TypeSpec."""

    @property
    def value_type(self) -> Any:
        """The Python type of the values described."""
        raise NotImplementedError

    def is_compatible_with(self, spec_or_value: Any) -> bool:
        """Whether a value, or the values of another spec, fit this one."""
        raise NotImplementedError

    def is_subtype_of(self, other: Any) -> bool:
        """Whether every value of this spec is also one of `other`."""
        return bool(self == other)

    def most_specific_common_supertype(self, others: Any) -> TypeSpec | None:
        """The narrowest spec that covers this one and all of `others`, or None."""
        return self if all(self == other for other in others) else None


class TensorSpec(TypeSpec):
    """Describes a `tf.Tensor`: its shape, dtype and, for signatures, its name.

    >>> tf.TensorSpec([None, 3], tf.float32)
    TensorSpec(shape=(None, 3), dtype=tf.float32, name=None)

    TensorFlow: tf.TensorSpec.
    """

    __slots__ = ("_dtype", "_name", "_shape")

    def __init__(self, shape: Any, dtype: Any = float32, name: str | None = None) -> None:
        self._shape = TensorShape(shape)
        self._dtype = as_dtype(dtype)
        self._name = name

    @property
    def shape(self) -> TensorShape:
        """The static shape."""
        return self._shape

    @property
    def dtype(self) -> DType:
        """The element type."""
        return self._dtype

    @property
    def value_type(self) -> Any:
        """`tf.Tensor`."""
        return _tensor.Tensor

    @property
    def name(self) -> str | None:
        """The name, as given."""
        return self._name

    @classmethod
    def from_spec(cls, spec: Any, name: str | None = None) -> TensorSpec:
        """A TensorSpec with the shape and dtype of another spec."""
        return cls(spec.shape, spec.dtype, name or getattr(spec, "name", None))

    @classmethod
    def from_tensor(cls, tensor: Any, name: str | None = None) -> TensorSpec:
        """The spec of a tensor."""
        return cls(tensor.shape, tensor.dtype, name)

    def is_compatible_with(self, spec_or_value: Any) -> bool:
        """Whether a tensor (or array, or spec) has this dtype and a compatible shape."""
        dtype, shape = getattr(spec_or_value, "dtype", None), getattr(spec_or_value, "shape", None)
        if dtype is None or shape is None:
            array = np.asarray(spec_or_value)
            dtype, shape = array.dtype, array.shape
        return as_dtype(dtype) is self._dtype and self._shape.is_compatible_with(shape)

    def is_subtype_of(self, other: Any) -> bool:
        """Whether `other` has the same dtype and a shape that covers this one."""
        return isinstance(other, TensorSpec) and other._dtype is self._dtype and self._shape.is_subtype_of(other._shape)

    def most_specific_common_supertype(self, others: Any) -> TensorSpec | None:
        """The spec with the narrowest shape that covers all, or None when dtypes differ."""
        if any(not isinstance(o, TensorSpec) or o._dtype is not self._dtype for o in others):
            return None
        shape = self._shape.most_specific_common_supertype(o._shape for o in others)
        return TensorSpec(shape, self._dtype, self._name)

    def __eq__(self, other: object) -> bool:
        return (
            type(other) is type(self)
            and isinstance(other, TensorSpec)
            and (self._shape, self._dtype, self._name) == (other._shape, other._dtype, other._name)
        )

    def __hash__(self) -> int:
        return hash((self._shape, self._dtype))

    def __repr__(self) -> str:
        return f"{type(self).__name__}(shape={self._shape}, dtype={self._dtype!r}, name={self._name!r})"

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (self._shape, self._dtype, self._name)
