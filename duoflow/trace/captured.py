"""Python values that a trace has taken in, watched for change.

A traced function holds the numbers, strings and flags that its code read from globals, closures and attributes of
`self` as they were. A later change has no effect on it, which is seldom meant; so it is told, once.
"""

from __future__ import annotations

import dis
import functools
from collections.abc import Callable, Iterator, Mapping
from types import CodeType, FunctionType, MethodType
from typing import Any

from duoflow.core.reporting import get_logger

from .autograph.allowed import is_allowed

__all__ = ["Watched", "tell", "watched_by"]

_PLAIN = (bool, int, float, complex, str, bytes, type(None))
_GONE = object()


class Watched:
    """One name that a function's code reads, with the value that the latest trace saw."""

    __slots__ = ("get", "name", "seen")

    def __init__(self, name: str, get: Callable[[], Any], seen: Any) -> None:
        self.name, self.get, self.seen = name, get, seen

    def changed(self) -> bool:
        """Whether the name has another plain value now."""
        now = self.get()
        return now is not self.seen and _is_plain(now) and (type(now) is not type(self.seen) or now != self.seen)


def tell(function_name: str, watched: list[Watched]) -> bool:
    """Warn if one of the values has changed; whether it was so."""
    for each in watched:
        if each.changed():
            get_logger().warning(
                "%r was %r when %r was traced, and is %r now; the trace keeps the old value. Pass it as an argument, "
                "or keep it in a tf.Variable that the function reads.",
                each.name, each.seen, function_name, each.get(),
            )  # fmt: skip
            return True
    return False


def watched_by(function: Any) -> list[Watched]:
    """The plain values that a user's function reads from outside and does not assign itself."""
    owner = function.__self__ if isinstance(function, MethodType) else None
    function = function.__func__ if isinstance(function, MethodType) else function
    if type(function) is not FunctionType or is_allowed(function):
        return []
    code = function.__code__
    cells = dict(zip(code.co_freevars, function.__closure__ or (), strict=True))
    closure = {name: _contents(cell) for name, cell in cells.items()}
    me = code.co_varnames[0] if code.co_varnames else ""
    return [
        *_names(code, "_GLOBAL", function.__globals__, lambda name: function.__globals__.get(name, _GONE)),
        *_names(code, "_DEREF", closure, lambda name: _contents(cells[name])),
        *_names(code, "_ATTR", getattr(owner, "__dict__", {}), lambda name: owner.__dict__.get(name, _GONE), me),
    ]


def _is_plain(value: Any) -> bool:
    return isinstance(value, _PLAIN) or type(value) is tuple and len(value) <= 16 and all(map(_is_plain, value))


def _contents(cell: Any) -> Any:
    try:
        return cell.cell_contents
    except ValueError:
        return _GONE


def _names(
    code: CodeType, place: str, values: Mapping[str, Any], get: Callable[[str], Any], owner: str = ""
) -> Iterator[Watched]:
    """The names with plain values that instructions of one place read and none assigns."""
    if any(name in values and _is_plain(values[name]) for name in _mentioned(code)):  # reading instructions is slow
        for name in _read_only(code, place, owner):
            if name in values and _is_plain(values[name]):
                shown = f"{owner}.{name}" if owner else name
                yield Watched(shown, functools.partial(get, name), values[name])


@functools.lru_cache(maxsize=1024)
def _mentioned(code: CodeType) -> frozenset[str]:
    inner = [constant for constant in code.co_consts if isinstance(constant, CodeType)]
    return frozenset({*code.co_names, *code.co_freevars}.union(*map(_mentioned, inner)))


@functools.lru_cache(maxsize=1024)
def _read_only(code: CodeType, place: str, owner: str) -> tuple[str, ...]:
    """What is loaded from a place ("_GLOBAL", "_DEREF", "_ATTR" of the variable `owner`) and never stored there."""
    read: set[str] = set()
    written: set[str] = set()
    before = None
    for step in dis.get_instructions(code):
        if step.opname.endswith(place) and (not owner or before == owner):
            (read if step.opname.startswith("LOAD") else written).add(step.argval)
        before = step.argval[-1] if isinstance(step.argval, tuple) else step.argval
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            read.update(_read_only(constant, place, owner))
    return tuple(sorted(read - written))
