"""What tells a call of a traced function from others, found without binding its arguments to parameters.

Most calls are like an earlier one: tensors and arrays of the same dtypes and shapes, equal Python values and the same
variables, at the same places. `key_of` gives what such calls share, and the values of the tensors; `order_of` finds how
a trace's inputs are among these, once, when the call has gone the long way.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

from duoflow.core import nest
from duoflow.core.context import context
from duoflow.core.tensor import EagerTensor, Tensor, convert
from duoflow.core.variables import Variable

__all__ = ["as_input", "key_of", "order_of"]

_ndarray = np.ndarray
#: Values that are part of the key.
_LITERALS = frozenset({int, float, bool, str, bytes, type(None)})
#: Arrays of these dtypes become tensors as they are.
_PLAIN = frozenset(np.dtype(t) for t in "?bhilqBHILQefdFD")


def key_of(args: tuple[Any, ...], kwargs: dict[str, Any]) -> tuple[tuple[Any, ...], list[Any]] | None:
    """The key of a call and the arrays among its arguments; None if there are arguments of other kinds."""
    parts: list[Any] = []
    values: list[Any] = []
    known = _add(args, parts, values)
    if known and kwargs:
        parts.append(tuple(kwargs))
        known = _add(kwargs.values(), parts, values)
    if not known:
        leaves, form = nest.flatten_with_form((args, kwargs))
        parts, values = [form], []
        if not _add(leaves, parts, values):
            return None
    return tuple(parts), values


def _add(leaves: Iterable[Any], parts: list[Any], values: list[Any]) -> bool:
    """Add what leaves add to a key, and their arrays; whether all of them are of known kinds."""
    for leaf in leaves:
        kind = type(leaf)
        if kind is EagerTensor:
            array = leaf._array
        elif kind in _LITERALS and leaf == leaf:  # not NaN, which equals no key
            parts.append(kind)
            parts.append(leaf)
            continue
        elif kind is _ndarray and leaf.dtype in _PLAIN and leaf.dtype.isnative:
            array = leaf
            parts.append(kind)
        elif isinstance(leaf, Variable):
            parts.append(kind)
            parts.append(leaf._uid)
            continue
        else:
            return False
        parts.append(array.dtype)
        parts.append(array.shape)
        values.append(array)
    return True


def as_input(value: Any) -> Tensor:
    """An argument as a tensor; the memory of an array is lent where nobody keeps it for longer than the call."""
    alone = context.graph is None and not context.tapes
    if alone and type(value) is _ndarray and value.dtype in _PLAIN and value.dtype.isnative:
        return EagerTensor(value)
    return convert(value)


def order_of(values: Sequence[Any], inputs: Sequence[Any], named: bool) -> list[int] | None:
    """Where among the values of a call the inputs of its trace are; None if they are not those.

    Arguments that were `named` may come in any order, and are told apart by their arrays.
    """
    places = {id(array): place for place, array in enumerate(values)}
    order = [places.get(id(getattr(tensor, "_array", None)), -1) for tensor in inputs]
    if len(values) != len(order) or -1 in order:
        return None
    if len(places) == len(values):
        return order
    same = all(values[place] is values[i] for i, place in enumerate(order))
    return list(range(len(values))) if same and not named else None
