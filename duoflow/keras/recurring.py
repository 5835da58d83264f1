"""What optimizers and layers of Keras do again and again in eager mode, told apart for `core.recurrence`.

What they compute depends on their arguments, and on what their attributes hold. Objects that run code of the program's
own may do anything in Python: what they do stays op by op.
"""

from __future__ import annotations

from functools import partial
from types import FunctionType, MethodType
from typing import Any

from duoflow.core.recurrence import Recurrence, Recurrences

__all__ = ["recurrence_of"]

#: Attributes of these types are compared by value, others by identity.
_PLAIN = frozenset({int, float, bool, str, type(None)})
_CODE = frozenset({FunctionType, MethodType, partial})
_OURS = __name__.partition(".")[0] + "."


class _Held(Recurrence):
    """A form, with the objects that it is told apart by."""

    def __init__(self, objects: tuple[Any, ...]) -> None:
        super().__init__()
        self.held = [list(vars(each).values()) for each in objects]


def recurrence_of(known: Recurrences, key: tuple[Any, ...], *objects: Any) -> Recurrence | None:
    """That of what objects do with arguments of a key; None if one of them runs code of the program's own."""
    if not all(map(_is_ours, objects)):
        return None
    attributes = [
        (name, type(value), value if type(value) in _PLAIN else id(value))
        for each in objects
        for name, value in vars(each).items()
    ]
    return known.of((*key, *attributes), lambda: _Held(objects))  # type: ignore[no-any-return]


def _is_ours(thing: Any) -> bool:
    """Whether the class of an object, and functions among its attributes, are of this library."""
    code = [type(thing), *(value for value in vars(thing).values() if type(value) in _CODE)]
    return all((getattr(each, "__module__", None) or "").startswith(_OURS) for each in code)
