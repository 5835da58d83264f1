"""Trace types: what of its arguments a traced function depends on.

Two calls share a trace if their arguments have the same structure and leaf by leaf the same type: dtype and shape for
tensors and arrays, the value for Python numbers, strings and the like, the object (held weakly) for variables and
everything else that can be hashed. A type that is a supertype of another serves its calls too. Classes may say for
themselves what matters of their instances: `TraceType` is the protocol, TensorFlow's.
"""

from __future__ import annotations

import abc
import enum
import functools
import types
import weakref
from collections.abc import Callable, Iterable, Sequence
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
    "CompositeType", "Identity", "Literal", "SupportsTracingProtocol", "TensorType", "TraceType", "TracingContext",
    "covers", "differences", "generalize", "type_of", "types_of",
]  # fmt: skip


class TraceType(abc.ABC):
    """What a traced function depends on of one argument; the base of types that classes define for themselves.

    >>> class Exact(tf.types.experimental.TraceType):
    ...     def __init__(self, power): self.power = power
    ...     def is_subtype_of(self, other): return self == other
    ...     def most_specific_common_supertype(self, others): return self if all(self == o for o in others) else None
    ...     def placeholder_value(self, placeholder_context=None): return Power(self.power)
    ...     def __eq__(self, other): return isinstance(other, Exact) and other.power == self.power
    ...     def __hash__(self): return hash(self.power)
    >>> class Power:
    ...     def __init__(self, power): self.power = power
    ...     def __tf_tracing_type__(self, context): return Exact(self.power)
    >>> f = tf.function(lambda x, p: x ** p.power)
    >>> [float(f(tf.constant(2.0), Power(n))) for n in (2, 3, 2)], f.experimental_get_tracing_count()
    ([4.0, 8.0, 4.0], 2)

    TensorFlow: tf.types.experimental.TraceType.
    """

    __slots__ = ()

    @abc.abstractmethod
    def is_subtype_of(self, other: TraceType) -> bool:
        """Whether a trace for `other` serves this type."""

    @abc.abstractmethod
    def most_specific_common_supertype(self, others: Sequence[TraceType]) -> TraceType | None:
        """The narrowest type whose trace serves this one and all of `others`, or None."""

    @abc.abstractmethod
    def placeholder_value(self, placeholder_context: Any = None) -> Any:
        """What stands for the argument while the function is traced, where it holds no tensors."""

    def flatten(self) -> list[Any]:
        """The specs of the tensors in a value."""
        return []

    def to_tensors(self, value: Any) -> list[Any]:
        """The tensors in a value, one for each spec of `flatten`."""
        return []

    def from_tensors(self, tensors: Any) -> Any:
        """A value that holds the tensors of an iterator."""
        return self.placeholder_value()

    @abc.abstractmethod
    def __eq__(self, other: object) -> bool: ...

    @abc.abstractmethod
    def __hash__(self) -> int: ...


class TracingContext:
    """Handed to `__tf_tracing_type__`. TensorFlow: tf.types.experimental.TracingContext."""


class SupportsTracingProtocol(abc.ABC):
    """A class whose instances tell their trace type. TensorFlow: tf.types.experimental.SupportsTracingProtocol."""

    @abc.abstractmethod
    def __tf_tracing_type__(self, context: TracingContext) -> TraceType:
        """The trace type of this object."""

    @classmethod
    def __subclasshook__(cls, other: type) -> Any:
        return True if hasattr(other, "__tf_tracing_type__") else NotImplemented


class TensorType(TraceType):
    """A tensor of a dtype and static shape."""

    __slots__ = ("dtype", "dims")

    def __init__(self, dtype: DType, dims: Dims) -> None:
        self.dtype, self.dims = dtype, dims

    def is_subtype_of(self, other: Any) -> bool:
        return (
            isinstance(other, TensorType)
            and other.dtype is self.dtype
            and TensorShape(self.dims).is_subtype_of(TensorShape(other.dims))
        )

    def most_specific_common_supertype(self, others: Sequence[Any]) -> TensorType | None:
        if any(not isinstance(other, TensorType) or other.dtype is not self.dtype for other in others):
            return None
        return TensorType(self.dtype, functools.reduce(shapes.relax, [other.dims for other in others], self.dims))

    def placeholder_value(self, placeholder_context: Any = None) -> Any:
        raise NotImplementedError("Placeholders of tensors belong to a graph.")

    def __eq__(self, other: object) -> bool:
        return isinstance(other, TensorType) and other.dtype is self.dtype and other.dims == self.dims

    def __hash__(self) -> int:
        return hash((self.dtype, self.dims))

    def __repr__(self) -> str:
        return f"TensorSpec(shape={shapes.show(self.dims)}, dtype=tf.{self.dtype.name}, name=None)"


class _ByEquality(TraceType):
    """A type that serves only its equals."""

    __slots__ = ()

    def is_subtype_of(self, other: Any) -> bool:
        return bool(self == other)

    def most_specific_common_supertype(self, others: Sequence[Any]) -> Any:
        return self if all(self == other for other in others) else None

    def placeholder_value(self, placeholder_context: Any = None) -> Any:
        raise NotImplementedError(f"{self!r} stands for the argument itself.")


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
    """An object, held weakly where Python allows it; others that equal it share its traces."""

    __slots__ = ("key", "get", "what")

    def __init__(self, value: Any, key: int) -> None:
        self.key = key
        self.what = type(value).__name__
        try:
            self.get: Callable[[], Any] = weakref.ref(value)
        except TypeError:
            self.get = lambda: value

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Identity) or other.key != self.key:
            return False
        mine, theirs = self.get(), other.get()
        return mine is not None and (mine is theirs or type(mine) is type(theirs) and _equal(mine, theirs))

    def __hash__(self) -> int:
        return self.key

    def __repr__(self) -> str:
        return f"<{self.what} object>"


def _equal(a: Any, b: Any) -> bool:
    """Whether objects that are not variables say that they are equal."""
    return not isinstance(a, Variable) and bool(a == b)


class Parts(_ByEquality):
    """A callable made of others: a bound method, a partial."""

    __slots__ = ("kind", "parts")

    def __init__(self, kind: type, *parts: Any) -> None:
        self.kind, self.parts = kind, parts

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Parts) and (self.kind, self.parts) == (other.kind, other.parts)

    def __hash__(self) -> int:
        return hash((self.kind, self.parts))

    def __repr__(self) -> str:
        return f"{self.kind.__name__}{list(self.parts)}"


class CompositeType(_ByEquality):
    """A composite tensor: its class and the types of its components."""

    __slots__ = ("kind", "parts")

    def __init__(self, value: Composite) -> None:
        self.kind = (type(value), getattr(value, "dtype", None), getattr(value, "dynamic_size", None))
        self.parts = tuple([TensorType(t.dtype, t.dims) for t in value._components()])

    def is_subtype_of(self, other: Any) -> bool:
        return isinstance(other, CompositeType) and self.kind == other.kind and covers(other.parts, self.parts)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, CompositeType) and (self.kind, self.parts) == (other.kind, other.parts)

    def __hash__(self) -> int:
        return hash((self.kind, self.parts))

    def __repr__(self) -> str:
        return f"{self.kind[0].__name__}{list(self.parts)}"


_VALUES = (bool, int, float, complex, str, bytes, type(None), enum.Enum, DType, type, range, TensorShape, TypeSpec)
_CONTEXT = TracingContext()


def type_of(leaf: Any) -> TraceType:
    """The trace type of one leaf of the arguments; `TypeError` for what cannot be hashed."""
    if isinstance(leaf, Tensor):
        return TensorType(leaf.dtype, leaf.dims)
    if isinstance(leaf, Variable):
        return Identity(leaf, id(leaf))
    if isinstance(leaf, (np.ndarray, np.generic)):
        dtype = dtypes.string if leaf.dtype.kind in "SUO" else dtypes.from_numpy(leaf.dtype)
        return TensorType(dtype, leaf.shape)
    if isinstance(leaf, TensorSpec):
        return TensorType(leaf.dtype, leaf.shape.as_tuple())
    if isinstance(leaf, TraceType):
        return leaf
    if isinstance(leaf, _VALUES):
        return Literal(leaf)
    if isinstance(leaf, slice):
        return Literal((leaf.start, leaf.stop, leaf.step))
    if hasattr(leaf, "__tf_tracing_type__"):
        return leaf.__tf_tracing_type__(_CONTEXT)  # type: ignore[no-any-return]
    if isinstance(leaf, Composite):
        return CompositeType(leaf)
    if isinstance(leaf, types.MethodType):
        return Parts(types.MethodType, type_of(leaf.__func__), Identity(leaf.__self__, id(leaf.__self__)))
    if isinstance(leaf, functools.partial):
        parts, form = nest.flatten_with_form((leaf.args, leaf.keywords))
        return Parts(functools.partial, type_of(leaf.func), form, *map(type_of, parts))
    return _of_object(leaf)


def _of_object(leaf: Any) -> TraceType:
    try:
        return Identity(leaf, hash(leaf))
    except TypeError:
        raise TypeError(
            f"Could not generate a generic TraceType for {leaf!r}. Please verify that it is immutable/hashable. "
            "Otherwise, consider implementing the Tracing Protocol for it: a method __tf_tracing_type__ that returns a "
            "tf.types.experimental.TraceType, or, for a dataclass, __tf_flatten__ and __tf_unflatten__."
        ) from None


def types_of(leaves: Iterable[Any]) -> tuple[TraceType, ...]:
    """The trace types of all leaves."""
    return tuple([type_of(leaf) for leaf in leaves])


def covers(general: tuple[Any, ...], special: tuple[Any, ...]) -> bool:
    """Whether a trace for `general` serves `special`, leaf by leaf."""
    return len(general) == len(special) and all(s.is_subtype_of(g) for g, s in zip(general, special, strict=True))


def generalize(a: tuple[Any, ...], b: tuple[Any, ...]) -> tuple[Any, ...] | None:
    """The narrowest types that serve both, or None."""
    both = tuple([x.most_specific_common_supertype([y]) for x, y in zip(a, b, strict=True)])
    return None if None in both else both


def differences(a: tuple[Any, ...], b: tuple[Any, ...]) -> list[int]:
    """The positions at which a trace for `a` does not serve `b`."""
    return [i for i, (x, y) in enumerate(zip(a, b, strict=True)) if not y.is_subtype_of(x)]
