"""The shortest way through an eager call of an op that is one NumPy function of its operands.

Most of the time of a small op goes into finding out that it is ordinary. `quick_unary` and `quick_binary` ask the few
questions that decide it (eager mode, nothing watching, eager operands of one plain dtype) and call NumPy; whatever else
comes, errors included, goes the long way, which is the op's public function.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from .context import context
from .emit import NO_ATTRS
from .graph import Node
from .quiet import restore, silence
from .record import Op
from .switches import switches
from .tensor import EagerTensor

__all__ = ["plain_types", "quick_binary", "quick_unary"]

_PLAIN = tuple([np.dtype(t) for t in ("float32", "float64", "int32", "int64")])


def _keeps_arrays() -> bool:
    """Whether `out=...` makes this NumPy give arrays without dimensions as arrays (2.3 does), not as scalars."""
    try:
        return isinstance(np.negative(np.float32(0), out=...), np.ndarray)
    except TypeError:
        return False


_KEEPS_ARRAYS = _keeps_arrays()


def _arrays_of(ufunc: np.ufunc) -> Callable[..., Any]:
    """A ufunc that gives arrays, for a NumPy that makes scalars."""
    return lambda *operands, out: np.asarray(ufunc(*operands))


def plain_types(accepted: frozenset[Any]) -> tuple[np.dtype[Any], ...]:
    """Those of the dtypes an op accepts for which a call of its NumPy function is all there is."""
    return tuple([d for d in _PLAIN if d in accepted])


def quick_unary(op: Op, ufunc: Any, plain: tuple[Any, ...], slow: Callable[..., Any]) -> Callable[..., Any]:
    """`slow(x, name)`, faster for an eager tensor of a plain dtype."""
    if not _KEEPS_ARRAYS:
        ufunc = _arrays_of(ufunc)

    def call(x: Any, name: str | None = None) -> Any:
        if type(x) is not EagerTensor or x._array.dtype not in plain or context.graph is not None or switches.watched:
            return slow(x, name)
        token = silence()
        try:
            out = EagerTensor(ufunc(x._array, out=...))
        finally:
            restore(token)
        for tape in context.tapes:
            tape.record(Node(op, (x,), NO_ATTRS, (out,)))
        return out

    return call


def quick_binary(
    op: Op, ufunc: Any, plain: tuple[Any, ...], slow: Callable[..., Any], reflected: bool = False
) -> Callable[..., Any]:
    """`slow(x, y, name)`, faster for eager tensors of one plain dtype, or a tensor and a Python number it can hold.

    With `reflected` it is the method for a tensor on the right: it and `slow` take (y, x).
    """
    if not _KEEPS_ARRAYS:
        ufunc = _arrays_of(ufunc)

    def call(x: Any, y: Any, name: str | None = None) -> Any:
        if type(x) is not EagerTensor or context.graph is not None or switches.watched:
            return slow(x, y, name)
        a = x._array
        dtype = a.dtype
        if dtype not in plain:
            return slow(x, y, name)
        if type(y) is not EagerTensor:
            if type(y) is not float or dtype.kind != "f":
                return slow(x, y, name)
            y = EagerTensor(np.asarray(y, dtype))
        b = y._array
        if b.dtype is not dtype:
            return slow(x, y, name)
        token = silence()
        try:
            out = EagerTensor(ufunc(b, a, out=...) if reflected else ufunc(a, b, out=...))
        except ValueError:  # shapes that do not broadcast
            return slow(x, y, name)
        finally:
            restore(token)
        if context.tapes:
            node = Node(op, (y, x) if reflected else (x, y), NO_ATTRS, (out,))
            for tape in context.tapes:
                tape.record(node)
        return out

    return call
