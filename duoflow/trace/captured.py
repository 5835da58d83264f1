"""Python state that a trace has taken in, watched for change.

A traced function holds what its code read from globals, closures and attributes, in itself and in the functions it
calls, as it was. A later change has no effect on it, which is seldom meant; so it is told, once. Numbers, strings and
small arrays count by value, lists and dicts by what they hold, other objects by identity. What the function changes
itself while it is traced is not watched.
"""

from __future__ import annotations

import dis
from functools import lru_cache
from types import CodeType, FunctionType, MethodType, ModuleType
from typing import Any, NamedTuple

import numpy as np

from duoflow.core.reporting import get_logger

from .autograph.allowed import is_allowed

__all__ = ["Watched", "tell", "watched_by"]

_CONSTANT = (bool, int, float, complex, str, bytes, type(None))
_CONTAINERS = (list, tuple, dict, set, frozenset)
_CHANGING = frozenset({list, tuple, dict, set, np.ndarray})
#: Containers and arrays with more elements count by their size.
_LARGE = 64
#: How many names of one function are watched, and how many functions that it calls are searched for names.
_MOST_NAMES, _MOST_FUNCTIONS = 24, 16
_GONE = object()


class Watched:
    """A name that a function's code reads: where its value is found, and what it was when the function was traced."""

    __slots__ = ("name", "_copy", "_holder", "_identity", "_key", "_kind")

    def __init__(self, name: str, holder: Any, key: str, value: Any) -> None:
        self.name, self._holder, self._key = name, holder, key
        self._identity, self._kind = id(value), type(value)
        #: What can change inside, or be made again and be equal; other objects are not kept alive.
        self._copy = _copy(value) if isinstance(value, (*_CONSTANT, *_CONTAINERS, np.ndarray)) else _GONE

    def changed(self) -> bool:
        """Whether the name has another value now, or its value another content."""
        now = self._holder.get(self._key, _GONE)
        if id(now) == self._identity and self._kind not in _CHANGING:
            return False
        return now is not _GONE and (type(now) is not self._kind or not _equal(now, self._copy))

    def was(self) -> str:
        """The value when it was traced, as text."""
        return _shown(self._copy, self._kind)

    def now(self) -> str:
        """The present value as text."""
        value = self._holder.get(self._key)
        return _shown(value, type(value))


def tell(function_name: str, watched: list[Watched]) -> bool:
    """Warn if one of the values has changed; whether it was so."""
    for each in watched:
        if each.changed():
            was, now = each.was(), each.now()
            get_logger().warning(
                "%r was %s when %r was traced, and is %s now; the trace keeps the old value. Pass it as an argument, "
                "or keep it in a tf.Variable that the function reads.",
                each.name, was, function_name, now if now != was else "another",
            )  # fmt: skip
            return True
    return False


def watched_by(function: Any) -> list[Watched]:
    """What a user's function, and the user's functions that it calls, read from outside and do not assign."""
    found: dict[str, Watched] = {}
    waiting, seen = [function], set()
    while waiting and len(seen) < _MOST_FUNCTIONS and len(found) < _MOST_NAMES:
        owner, plain = _parts(waiting.pop(0))
        if type(plain) is not FunctionType or is_allowed(plain) or (plain.__code__, id(owner)) in seen:
            continue
        seen.add((plain.__code__, id(owner)))
        for read in _read_only(plain.__code__):
            holder, value = _found(plain, owner, read)
            if isinstance(_parts(value)[1], FunctionType):
                waiting.append(value)
            if holder is not None and not isinstance(value, (ModuleType, type)):
                *_, key = read.name, *read.path
                name = ".".join((read.name, *read.path))
                found.setdefault(name, Watched(name, holder, key, value))
    return list(found.values())


def _parts(function: Any) -> tuple[Any, Any]:
    """The object that a method is bound to, and the plain function."""
    held = getattr(function, "__dict__", None)
    function = held.get("__wrapped__", function) if type(held) is dict else function
    return (function.__self__, function.__func__) if isinstance(function, MethodType) else (None, function)


# -- values ------------------------------------------------------------------------------------------------------------


def _copy(value: Any, room: int = _LARGE) -> Any:
    """What equals the value as long as it does not change; containers are copied while there is room."""
    kind = type(value)
    if kind is np.ndarray:
        return value.copy() if value.size <= room else _Size(value.size)
    if kind not in _CONTAINERS:
        return value
    if len(value) > room:
        return _Size(len(value))
    if kind is dict:
        return {key: _copy(part, room // len(value) - 1) for key, part in value.items()}
    return kind(_copy(part, room // len(value) - 1) for part in value)


class _Size(int):
    """Stands for a container that is too large to be copied, and equals those of its size."""

    def __eq__(self, other: object) -> bool:
        return (other.size if isinstance(other, np.ndarray) else len(other)) == int(self)  # type: ignore[arg-type]

    __hash__ = int.__hash__


def _equal(now: Any, copy: Any) -> bool:
    try:
        return bool(np.array_equal(now, copy)) if type(copy) is np.ndarray else bool(copy == now)
    except Exception:  # objects inside that cannot be compared are others
        return False


def _shown(value: Any, kind: type) -> str:
    if isinstance(value, _CONSTANT):
        return repr(value)
    if kind is dict and not isinstance(value, _Size):
        return "{" + ", ".join(f"{key!r}: {_shown(part, type(part))}" for key, part in value.items()) + "}"
    if kind in _CONTAINERS and not isinstance(value, _Size):
        left, right = {list: "[]", tuple: "()"}.get(kind, "{}")
        return left + ", ".join(_shown(part, type(part)) for part in value) + right
    return f"<{kind.__name__}>"


# -- names -------------------------------------------------------------------------------------------------------------


class Read(NamedTuple):
    """`name.path[0].path[1]...` in a code: a global, a variable of a closure, or the first parameter."""

    is_global: bool
    name: str
    path: tuple[str, ...]


def _found(function: FunctionType, owner: Any, read: Read) -> tuple[Any, Any]:
    """Where the value is looked up that a function's code reads, and the value; nothing of the user's is run.

    There is no place for what a class holds, and for what is not there.
    """
    code, place, name = function.__code__, None, read.name
    if owner is not None and not read.is_global and name == code.co_varnames[0]:
        value = owner
    elif read.is_global:
        place, value = function.__globals__, function.__globals__.get(name, _GONE)
    elif name in code.co_freevars:
        place = _Cell((function.__closure__ or ())[code.co_freevars.index(name)])
        value = place.get(name, _GONE)
    else:
        return None, _GONE
    for attribute in read.path:
        held = getattr(value, "__dict__", None)
        if type(held) is not dict or isinstance(value, ModuleType):
            return None, _GONE
        if attribute not in held:
            method = getattr(type(value), attribute, _GONE)
            return None, MethodType(method, value) if type(method) is FunctionType else _GONE
        place, value = held, held[attribute]
    return (place, value) if value is not _GONE else (None, _GONE)


class _Cell:
    """A variable of a closure, looked up as in a dict."""

    __slots__ = ("_cell",)

    def __init__(self, cell: Any) -> None:
        self._cell = cell

    def get(self, name: str, default: Any = None) -> Any:
        try:
            return self._cell.cell_contents
        except ValueError:
            return default


@lru_cache(maxsize=1024)
def _read_only(code: CodeType) -> tuple[Read, ...]:
    """What a code, or one inside it, loads from outside and never stores there."""
    read: dict[Read, None] = {}
    written: set[Read] = set()
    _collect(code, read, written)
    return tuple(each for each in read if each not in written)


def _collect(code: CodeType, read: dict[Read, None], written: set[Read]) -> None:
    chain: Read | None = None
    for step in dis.get_instructions(code):
        action, _, place = step.opname.partition("_")
        if "ATTR" in place or "METHOD" in place:
            chain = chain and chain._replace(path=(*chain.path, step.argval))
        elif action in ("LOAD", "STORE", "DELETE") and place.startswith(
            ("GLOBAL", "NAME", "DEREF", "CLASSDEREF", "FAST")
        ):
            name = step.argval[-1] if isinstance(step.argval, tuple) else step.argval
            chain = Read(place.startswith(("GLOBAL", "NAME")), name, ())
        else:
            chain = None
        if chain is not None:
            written.add(chain) if action in ("STORE", "DELETE") else read.setdefault(chain)
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            _collect(constant, read, written)
