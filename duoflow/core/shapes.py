"""Static shapes.

Inside duoflow a shape is a tuple of `int | None`, or `None` when even the rank is unknown. `TensorShape` is the public
face of the same thing.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from typing import Any, TypeAlias

import numpy as np

__all__ = ["Dims", "TensorShape", "as_dims", "broadcast", "compatible", "merge", "num_elements"]

Dims: TypeAlias = tuple["int | None", ...] | None


class TensorShape:
    """The shape of a tensor: known, partly known, or of unknown rank.

    >>> tf.TensorShape([None, 3]).as_list(), tf.TensorShape(None).rank
    ([None, 3], None)
    >>> tf.TensorShape([2, 3]) == [2, 3]
    True

    TensorFlow: tf.TensorShape.
    """

    __slots__ = ("__weakref__", "_dims")

    def __init__(self, dims: Any) -> None:
        self._dims: Dims = as_dims(dims)

    @property
    def rank(self) -> int | None:
        """The number of dimensions, or None."""
        return None if self._dims is None else len(self._dims)

    ndims = rank

    @property
    def dims(self) -> list[int | None] | None:
        """The dimensions as a list, or None."""
        return None if self._dims is None else list(self._dims)

    def as_list(self) -> list[int | None]:
        """The dimensions as a list; `ValueError` when the rank is unknown."""
        if self._dims is None:
            raise ValueError("as_list() is not defined on an unknown TensorShape.")
        return list(self._dims)

    def as_tuple(self) -> Dims:
        """The dimensions as the tuple duoflow uses inside."""
        return self._dims

    def num_elements(self) -> int | None:
        """The product of the dimensions, or None if it is not known."""
        return num_elements(self._dims)

    def is_fully_defined(self) -> bool:
        """Whether the rank and every dimension are known."""
        return self._dims is not None and None not in self._dims

    def assert_is_fully_defined(self) -> None:
        """Raise `ValueError` unless every dimension is known."""
        if not self.is_fully_defined():
            raise ValueError(f"Shape {self} is not fully defined")

    def is_compatible_with(self, other: Any) -> bool:
        """Whether some concrete shape fits both."""
        return compatible(self._dims, as_dims(other))

    def assert_is_compatible_with(self, other: Any) -> None:
        """Raise `ValueError` unless some concrete shape fits both."""
        if not self.is_compatible_with(other):
            raise ValueError(f"Shapes {self} and {TensorShape(other)} are incompatible")

    def is_subtype_of(self, other: Any) -> bool:
        """Whether every concrete shape of this one is one of `other`."""
        mine, theirs = self._dims, as_dims(other)
        if theirs is None:
            return True
        if mine is None or len(mine) != len(theirs):
            return False
        return all(b is None or a == b for a, b in zip(mine, theirs, strict=True))

    def most_specific_common_supertype(self, others: Iterable[Any]) -> TensorShape | None:
        """The narrowest shape that this one and all of `others` are subtypes of."""
        out = self._dims
        for other in others:
            out = relax(out, as_dims(other))
        return TensorShape(out)

    def most_specific_compatible_shape(self, other: Any) -> TensorShape:
        """The narrowest shape that both are subtypes of."""
        return TensorShape(relax(self._dims, as_dims(other)))

    def merge_with(self, other: Any) -> TensorShape:
        """Combine what both know; `ValueError` when they contradict each other."""
        self.assert_is_compatible_with(other)
        return TensorShape(merge(self._dims, as_dims(other)))

    def concatenate(self, other: Any) -> TensorShape:
        """This shape followed by the dimensions of `other`."""
        theirs = as_dims(other)
        return TensorShape(None if self._dims is None or theirs is None else self._dims + theirs)

    def with_rank(self, rank: int) -> TensorShape:
        """This shape, asserted to have `rank` dimensions."""
        return self.merge_with([None] * rank)

    def assert_has_rank(self, rank: int) -> None:
        """Raise `ValueError` if the rank is known to differ from `rank`."""
        if self.rank not in (None, rank):
            raise ValueError(f"Shape {self} must have rank {rank}")

    def with_rank_at_least(self, rank: int) -> TensorShape:
        """This shape; `ValueError` if it is known to have fewer than `rank` dimensions."""
        if self.rank is not None and self.rank < rank:
            raise ValueError(f"Shape {self} must have rank at least {rank}")
        return self

    def with_rank_at_most(self, rank: int) -> TensorShape:
        """This shape; `ValueError` if it is known to have more than `rank` dimensions."""
        if self.rank is not None and self.rank > rank:
            raise ValueError(f"Shape {self} must have rank at most {rank}")
        return self

    def __bool__(self) -> bool:
        return self._dims is not None

    def __len__(self) -> int:
        if self._dims is None:
            raise ValueError("Cannot take the length of shape with unknown rank.")
        return len(self._dims)

    def __iter__(self) -> Iterator[int | None]:
        if self._dims is None:
            raise ValueError("Cannot iterate over a shape with unknown rank.")
        return iter(self._dims)

    def __getitem__(self, key: Any) -> Any:
        if self._dims is None:
            return TensorShape(None) if isinstance(key, slice) else None
        return TensorShape(self._dims[key]) if isinstance(key, slice) else self._dims[key]

    def __add__(self, other: Any) -> TensorShape:
        return self.concatenate(other)

    def __radd__(self, other: Any) -> TensorShape:
        return TensorShape(other).concatenate(self)

    def __eq__(self, other: object) -> bool:
        try:
            return self._dims == as_dims(other)
        except (TypeError, ValueError):
            return NotImplemented

    def __hash__(self) -> int:
        return hash(self._dims)

    def __repr__(self) -> str:
        return f"TensorShape({None if self._dims is None else list(self._dims)})"

    def __str__(self) -> str:
        return show(self._dims)

    def __reduce__(self) -> tuple[Any, ...]:
        return TensorShape, (self._dims,)


def as_dims(shape: Any) -> Dims:
    """Any way of writing a shape, as a tuple (or None for an unknown rank)."""
    if shape is None:
        return None
    if isinstance(shape, TensorShape):
        return shape._dims
    if isinstance(shape, (int, np.integer)) and not isinstance(shape, bool):
        return (_dim(shape),)
    return tuple(map(_dim, shape))


def _dim(value: Any) -> int | None:
    if value is None:
        return None
    value = getattr(value, "value", value)
    if value is None:
        return None
    try:
        out = int(value.__index__())
    except AttributeError:
        raise TypeError(f"Dimension value must be integer or None or have an __index__ method, got {value!r}") from None
    if out < 0:
        raise ValueError(f"Dimension {out} must be >= 0")
    return out


def show(dims: Dims) -> str:
    """A shape as TensorFlow prints it: `(2, None)`, `<unknown>`."""
    if dims is None:
        return "<unknown>"
    return f"({dims[0]},)" if len(dims) == 1 else f"({', '.join(map(str, dims))})"


def brief(dims: Dims) -> str:
    """A shape as TensorFlow's kernels print it in errors: `[2,3]`."""
    return "<unknown>" if dims is None else "[" + ",".join("?" if d is None else str(d) for d in dims) + "]"


def num_elements(dims: Dims) -> int | None:
    """The number of elements, or None if not known."""
    if dims is None or None in dims:
        return None
    return math.prod(d for d in dims if d is not None)


def compatible(a: Dims, b: Dims) -> bool:
    """Whether some concrete shape fits both."""
    if a is None or b is None:
        return True
    return len(a) == len(b) and all(x is None or y is None or x == y for x, y in zip(a, b, strict=True))


def merge(a: Dims, b: Dims) -> Dims:
    """What two compatible shapes know together."""
    if a is None or b is None:
        return b if a is None else a
    return tuple(y if x is None else x for x, y in zip(a, b, strict=True))


def relax(a: Dims, b: Dims) -> Dims:
    """The narrowest shape that covers both."""
    if a is None or b is None or len(a) != len(b):
        return None
    return tuple(x if x == y else None for x, y in zip(a, b, strict=True))


def broadcast(*shapes: Dims) -> Dims:
    """The shape that NumPy-style broadcasting gives; `ValueError` if the shapes cannot be broadcast together."""
    out: Dims = ()
    for shape in shapes:
        out = _broadcast2(out, shape)
    return out


def _broadcast2(a: Dims, b: Dims) -> Dims:
    if a is None or b is None:
        return None
    if a == b:
        return a
    if len(a) < len(b):
        a, b = b, a
    split = len(a) - len(b)
    out = list(a[:split])
    for x, y in zip(a[split:], b, strict=True):
        if x == 1:
            out.append(y)
        elif y == 1 or x == y:
            out.append(x)
        elif x is None or y is None:
            out.append(y if x is None else x)
        else:
            raise ValueError(f"Incompatible shapes: {brief(a)} vs. {brief(b)}")
    return tuple(out)
