"""Trace types: what of its arguments a traced function depends on.

Two calls share a trace if their arguments have the same structure and leaf by leaf the same type: dtype and shape for
tensors and arrays, the value for Python numbers, strings and the like, identity for variables and other objects (held
weakly). A tensor type covers others of its dtype with more specific shapes.
"""

from __future__ import annotations

import enum
import functools
import types
import weakref
from collections.abc import Callable, Iterable
from typing import Any

import numpy as np

from duoflow.core import dtypes, nest, shapes
from duoflow.core.composite import Composite
from duoflow.core.dtypes import DType
from duoflow.core.shapes import Dims, TensorShape
from duoflow.core.spec import TensorSpec, TypeSpec
from duoflow.core.tensor import Tensor
from duoflow.core.variables import Variable

__all__ = [
    "CompositeType",
    "Identity",
    "Literal",
    "TensorType",
    "TraceType",
    "covers",
    "generalize",
    "type_of",
    "types_of",
]


class TensorType:
    """A tensor of a dtype and static shape."""

    __slots__ = ("dtype", "dims")

    def __init__(self, dtype: DType, dims: Dims) -> None:
        self.dtype, self.dims = dtype, dims

    def covers(self, other: Any) -> bool:
        """Whether a trace for this type serves the other."""
        return (
            isinstance(other, TensorType)
            and other.dtype is self.dtype
            and TensorShape(other.dims).is_subtype_of(TensorShape(self.dims))
        )

    def generalize(self, other: Any) -> TensorType | None:
        """The narrowest type that covers both."""
        if not isinstance(other, TensorType) or other.dtype is not self.dtype:
            return None
        return TensorType(self.dtype, shapes.relax(self.dims, other.dims))

    def __eq__(self, other: object) -> bool:
        return isinstance(other, TensorType) and other.dtype is self.dtype and other.dims == self.dims

    def __hash__(self) -> int:
        return hash((self.dtype, self.dims))

    def __repr__(self) -> str:
        return f"TensorSpec(shape={shapes.show(self.dims)}, dtype=tf.{self.dtype.name}, name=None)"


class _ByEquality:
    """A type that covers only its equals."""

    __slots__ = ()

    def covers(self, other: Any) -> bool:
        """Whether a trace for this type serves the other."""
        return bool(self == other)

    def generalize(self, other: Any) -> Any:
        """The narrowest type that covers both."""
        return self if self == other else None


class Literal(_ByEquality):
    """A Python value; True, 1 and 1.0 differ."""

    __slots__ = ("value",)

    def __init__(self, value: Any) -> None:
        self.value = value

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Literal) or type(other.value) is not type(self.value):
            return False
        return bool(self.value == other.value) or self.value != self.value and other.value != other.value

    def __hash__(self) -> int:
        return hash((type(self.value), 0 if self.value != self.value else self.value))

    def __repr__(self) -> str:
        return f"Literal[{self.value!r}]"


class Identity(_ByEquality):
    """One particular object, held weakly where Python allows it."""

    __slots__ = ("key", "get", "what")

    def __init__(self, value: Any) -> None:
        self.key = id(value)
        self.what = type(value).__name__
        try:
            self.get: Callable[[], Any] = weakref.ref(value)
        except TypeError:
            self.get = lambda: value

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Identity) and other.key == self.key and other.get() is self.get() is not None

    def __hash__(self) -> int:
        return hash(self.key)

    def __repr__(self) -> str:
        return f"<{self.what} object>"


class CompositeType(_ByEquality):
    """A composite tensor: its class and the types of its components."""

    __slots__ = ("kind", "parts")

    def __init__(self, value: Composite) -> None:
        self.kind = (type(value), getattr(value, "dtype", None), getattr(value, "dynamic_size", None))
        self.parts = tuple([TensorType(t.dtype, t.dims) for t in value._components()])

    def covers(self, other: Any) -> bool:
        return isinstance(other, CompositeType) and self.kind == other.kind and covers(self.parts, other.parts)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, CompositeType) and (self.kind, self.parts) == (other.kind, other.parts)

    def __hash__(self) -> int:
        return hash((self.kind, self.parts))

    def __repr__(self) -> str:
        return f"{self.kind[0].__name__}{list(self.parts)}"


TraceType = Any
_VALUES = (bool, int, float, complex, str, bytes, type(None), enum.Enum, DType, type, slice, range, frozenset)


def type_of(leaf: Any) -> TraceType:
    """The trace type of one leaf of the arguments."""
    if isinstance(leaf, Tensor):
        return TensorType(leaf.dtype, leaf.dims)
    if isinstance(leaf, Variable):
        return Identity(leaf)
    if isinstance(leaf, (np.ndarray, np.generic)):
        dtype = dtypes.string if leaf.dtype.kind in "SUO" else dtypes.from_numpy(leaf.dtype)
        return TensorType(dtype, leaf.shape)
    if isinstance(leaf, TensorSpec):
        return TensorType(leaf.dtype, leaf.shape.as_tuple())
    if isinstance(leaf, Composite):
        return CompositeType(leaf)
    if isinstance(leaf, (*_VALUES, TensorShape, TypeSpec)):
        return Literal(leaf) if not isinstance(leaf, slice) else Literal((leaf.start, leaf.stop, leaf.step))
    if isinstance(leaf, types.MethodType):
        return (types.MethodType, Identity(leaf.__func__), Identity(leaf.__self__))
    if isinstance(leaf, functools.partial):
        parts, form = nest.flatten_with_form((leaf.args, leaf.keywords))
        return (functools.partial, type_of(leaf.func), form, tuple(map(type_of, parts)))
    return Identity(leaf)


def types_of(leaves: Iterable[Any]) -> tuple[TraceType, ...]:
    """The trace types of all leaves."""
    return tuple([type_of(leaf) for leaf in leaves])


def covers(general: tuple[TraceType, ...], special: tuple[TraceType, ...]) -> bool:
    """Whether a trace for `general` serves `special`, leaf by leaf."""
    return len(general) == len(special) and all(
        g.covers(s) if not isinstance(g, tuple) else g == s for g, s in zip(general, special, strict=True)
    )


def generalize(a: tuple[TraceType, ...], b: tuple[TraceType, ...]) -> tuple[TraceType, ...] | None:
    """The narrowest types that cover both, or None."""
    out = []
    for x, y in zip(a, b, strict=True):
        both = x if x == y else None if isinstance(x, tuple) else x.generalize(y)
        if both is None:
            return None
        out.append(both)
    return tuple(out)
