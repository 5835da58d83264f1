"""The values of a statement's state as tensors for a graph op, and back.

A value is a structure whose leaves are tensors, what converts to a tensor (numbers, strings, arrays, variables), or
anything else: those are not carried by the graph and must stay the same object. Messages name the variable.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ....core import dtypes, nest, shapes
from ....core.composite import Composite, expand, pack
from ....core.context import context
from ....core.errors import caller_origin, with_origin
from ....core.late import F
from ....core.tensor import Operators, Tensor, convert
from .undefined import Undefined

Block = Callable[[], Any]

_CONVERTED = (bool, int, float, complex, str, bytes, np.ndarray, np.generic, Operators)


@dataclass(frozen=True)
class Value:
    """One state value: its leaves, of which some are carried by the graph, and how they make up the value."""

    name: str
    structure: Any
    leaves: list[Any]

    @property
    def tensors(self) -> list[Any]:
        """The carried leaves."""
        return [leaf for leaf in self.leaves if is_carried(leaf)]

    def rebuilt(self, tensors: Iterable[Any]) -> Any:
        """The value with other tensors in place of its own, taken from the front of an iterator."""
        left = iter(tensors)
        leaves = [next(left) if is_carried(leaf) else leaf for leaf in self.leaves]
        return nest.pack_sequence_as(self.structure, leaves)


def read(names: Sequence[str], values: Iterable[Any]) -> list[Value]:
    """State values with their leaves converted."""
    return [
        Value(shown_name(name), value, [_carry(leaf) for leaf in nest.flatten(value)])
        for name, value in zip(names, values, strict=False)
    ]


def shown_name(name: str) -> str:
    """A state variable in messages: conversion keeps the result of a function in one of its own."""
    return "return value" if name.startswith("retval_") else name


def copies(values: Iterable[Any]) -> tuple[Any, ...]:
    """The same values in containers of their own, so that a block traced now does not change them for the next."""
    return tuple(nest.pack_sequence_as(v, nest.flatten(v)) if nest.is_nested(v) else v for v in values)


def write(values: Iterable[Value], tensors: Iterable[Any]) -> list[Any]:
    """State values with the results of a graph op in them."""
    left = iter(tensors)
    return [value.rebuilt(left) for value in values]


def is_carried(leaf: Any) -> bool:
    """Whether the graph carries a (converted) leaf."""
    return isinstance(leaf, (Tensor, Composite))


def _carry(leaf: Any) -> Any:
    """A leaf as the graph carries it; objects that it does not carry stay as they are."""
    return convert(leaf) if isinstance(leaf, _CONVERTED) and not is_carried(leaf) else leaf


def zeros_like(value: Value) -> Any:
    """A value of the same form whose tensors are zeros: a stand-in that nothing reads."""
    return value.rebuilt([_zeros(leaf) for leaf in value.tensors])


def _zeros(leaf: Any) -> Any:
    if isinstance(leaf, Composite):
        return pack(leaf, [_zeros(component) for component in expand([leaf])])
    if leaf.dtype is dtypes.variant:
        return F.tensor_list_reserve(0, dtypes.float32)
    return F.zeros([0 if size is None else size for size in leaf.dims or ()], leaf.dtype)


def unknown_like(leaf: Any) -> Any:
    """A stand-in of the same type in the current graph, of which no value is known."""
    graph = context.graph
    assert graph is not None
    if isinstance(leaf, Composite):
        return pack(leaf, [unknown_like(component) for component in expand([leaf])])
    return graph.placeholder(leaf.dtype, leaf.dims)


def kind(leaf: Any) -> str:
    """What a leaf is, for messages."""
    if isinstance(leaf, Tensor):
        return f"a {leaf.dtype.name} tensor of shape {shapes.show(leaf.dims)}"
    return "None" if leaf is None else f"a Python {type(leaf).__name__} ({leaf!r})"


def problem(error: type[Exception], message: str) -> Exception:
    """An error with the user's line below its message."""
    return error(with_origin(message, caller_origin()))


def condition(value: Any, what: str) -> Any:
    """A symbolic condition of a statement as a tensor; `ValueError` unless it is a boolean scalar."""
    tensor = convert(value)
    if not tensor.dtype.is_bool or tensor.dims not in (None, ()):
        raise problem(
            ValueError,
            f"condition of {what} expected to be `tf.bool` scalar, got {tensor!r}; to use as boolean Tensor, use "
            "`tf.cast` or a comparison (x != 0), and tf.reduce_any or tf.reduce_all of several; to check for None, use "
            "`is not None`",
        )
    return tensor


def check_alike(first: Value, second: Value, places: tuple[str, str], what: str) -> None:
    """Raise unless two values can stand for each other: one structure, dtypes, and the same Python objects.

    `places` are where the values come from ("in the main branch"), `what` is what must match, for messages.
    """
    name, (here, there) = first.name, places
    if (first.structure is None) != (second.structure is None):
        missing, given = (here, there) if first.structure is None else (there, here)
        value = second if first.structure is None else first
        raise problem(
            ValueError,
            f"'{name}' is None {missing}, but {_shown(value)} {given}. {what}; give it a tensor in both places, of one "
            "dtype" + (", or return a value there too." if name == "return value" else "."),
        )
    try:
        nest.assert_same_structure(first.structure, second.structure)
    except (ValueError, TypeError) as error:
        raise problem(
            TypeError, f"'{name}' does not have the same nested structure {here} and {there}. {what}.\n\n{error}"
        ) from None
    for a, b in zip(first.leaves, second.leaves, strict=True):
        if is_carried(a) != is_carried(b):
            mistake = ValueError if a is None or b is None else TypeError
            raise problem(mistake, f"'{name}' is {kind(a)} {here}, but {kind(b)} {there}. {what}.")
        if isinstance(a, Tensor) and isinstance(b, Tensor):
            if a.dtype is not b.dtype:
                raise problem(
                    TypeError,
                    f"'{name}' has dtype {a.dtype.name} {here}, but dtype {b.dtype.name} {there}. {what}; use tf.cast, "
                    "or write the constant with the dtype that is meant (0.0 for 0).",
                )
        elif not is_carried(a) and a is not b:
            raise problem(
                TypeError,
                f"'{name}' is {kind(a)} {here}, but {kind(b)} {there}. A graph can choose between tensors only, when "
                "it runs; a Python object must be the same in both places.",
            )


def _shown(value: Value) -> str:
    return kind(value.leaves[0]) if len(value.leaves) == 1 else f"a structure ({type(value.structure).__name__})"


def is_undefined(value: Any) -> bool:
    """Whether a state value is missing."""
    return isinstance(value, Undefined)


def as_list(result: Any) -> list[Any]:
    """The results of a graph op, however it packs them."""
    return list(result) if isinstance(result, (list, tuple)) else [] if result is None else [result]
