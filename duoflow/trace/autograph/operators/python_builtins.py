"""Python's builtins where an argument is symbolic; with other arguments they are the builtins."""

from __future__ import annotations

import builtins
import functools
from collections.abc import Callable
from typing import Any

from ....core import dtypes
from ....core.late import F
from ....core.tensor import convert
from .iteration import Items, enumerated, is_dataset, mapped, zipped
from .symbolic import is_iterated_in_graph, is_symbolic


def _len(value: Any) -> Any:
    if is_symbolic(value):
        tensor = convert(value)
        if tensor.dims == ():
            raise ValueError("len requires a tensor of at least one axis, received a scalar.")
        known = tensor.dims[0] if tensor.dims is not None else None
        return known if known is not None else F.shape(tensor)[0]
    return value.cardinality() if is_dataset(value) else builtins.len(value)


def _range(*arguments: Any) -> Any:
    return F.range(*arguments) if any(is_symbolic(a) for a in arguments) else builtins.range(*arguments)


def _int(value: Any = 0, *base: Any) -> Any:
    return _number(value, "int32") if is_symbolic(value) and not base else builtins.int(value, *base)


def _float(value: Any = 0.0) -> Any:
    return _number(value, "float32") if is_symbolic(value) else builtins.float(value)


def _number(value: Any, dtype: str) -> Any:
    tensor = convert(value)
    return F.string_to_number(tensor, dtype) if tensor.dtype is dtypes.string else F.cast(tensor, dtype)


def _abs(value: Any) -> Any:
    return F.abs(value) if is_symbolic(value) else builtins.abs(value)


def _extreme(of_python: Callable[..., Any], name: str) -> Callable[..., Any]:
    def extreme(*values: Any, **options: Any) -> Any:
        if options or not any(is_symbolic(value) for value in values):
            return of_python(*values, **options)
        reduce = getattr(F, f"reduce_{name}")
        if len(values) > 1:
            return reduce(F.stack(list(values)), axis=0)
        tensor = convert(values[0])
        if tensor.ndim != 1:
            raise ValueError(
                f"{name} of a tensor requires exactly one axis, received shape {tensor.shape}; use tf.reduce_{name}."
            )
        return reduce(tensor, axis=0)

    return extreme


def _sum(values: Any, start: Any = 0) -> Any:
    if is_symbolic(values):
        return F.reduce_sum(values, axis=0) + F.cast(start, values.dtype)
    return builtins.sum(values, start)


def _any(values: Any) -> Any:
    if is_dataset(values):
        return values.reduce(False, lambda held, value: F.logical_or(held, value))
    return F.reduce_any(values, axis=0) if is_symbolic(values) else builtins.any(values)


def _all(values: Any) -> Any:
    if is_dataset(values):
        return values.reduce(True, lambda held, value: F.logical_and(held, value))
    return F.reduce_all(values, axis=0) if is_symbolic(values) else builtins.all(values)


def _sorted(values: Any, **options: Any) -> Any:
    if not is_symbolic(values) or "key" in options:
        return builtins.sorted(values, **options)
    return F.sort(values, direction="DESCENDING" if options.get("reverse") else "ASCENDING")


def _enumerate(values: Any, start: Any = 0) -> Any:
    if is_dataset(values):
        return values.enumerate(start)
    return (
        enumerated(values, start)
        if is_iterated_in_graph(values) or isinstance(values, Items)
        else builtins.enumerate(values, start)
    )


def _zip(*values: Any, **options: Any) -> Any:
    if values and all(is_dataset(value) for value in values):
        return type(values[0]).zip(tuple(values))
    if values and all(is_iterated_in_graph(value) or isinstance(value, Items) for value in values):
        return zipped(*values)
    return builtins.zip(*values, **options)


def _map(function: Any, *values: Any) -> Any:
    if values and all(is_dataset(value) for value in values):
        source = values[0] if len(values) == 1 else type(values[0]).zip(tuple(values))
        return source.map(function)
    if values and all(is_iterated_in_graph(value) or isinstance(value, Items) for value in values):
        return mapped(function, *values)
    return builtins.map(function, *values)


def _filter(function: Any, values: Any) -> Any:
    return values.filter(function) if is_dataset(values) else builtins.filter(function, values)


OVERLOADS: dict[Any, Callable[..., Any]] = {
    builtins.abs: _abs,
    builtins.all: _all,
    builtins.any: _any,
    builtins.enumerate: _enumerate,
    builtins.filter: _filter,
    builtins.float: _float,
    builtins.int: _int,
    builtins.len: _len,
    builtins.map: _map,
    builtins.max: _extreme(builtins.max, "max"),
    builtins.min: _extreme(builtins.min, "min"),
    builtins.range: _range,
    builtins.sorted: _sorted,
    builtins.sum: _sum,
    builtins.zip: _zip,
    functools.reduce: functools.reduce,
}

#: Those that call a function they are given.
TAKING_FUNCTIONS = frozenset(
    {builtins.filter, builtins.map, builtins.max, builtins.min, builtins.sorted, functools.reduce}
)
