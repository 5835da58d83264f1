"""Names: automatic unique ones (`dense`, `dense_1`) and the scopes that make paths (`encoder/dense/kernel`)."""

from __future__ import annotations

import re
from typing import Any

from duoflow.core.context import name_scope as op_name_scope

from .state import session

__all__ = ["auto_name", "current_path", "name_scope", "to_snake_case", "uniquify"]


def to_snake_case(name: str) -> str:
    """`BatchNormalization` as `batch_normalization`, `Conv2D` as `conv2d`."""
    name = re.sub(r"\W+", "", name)
    name = re.sub(r"(.)([A-Z][a-z]+)", r"\1_\2", name)
    return re.sub(r"([a-z])([A-Z])", r"\1_\2", name).lower()


def uniquify(prefix: str = "") -> str:
    """`prefix` the first time, then `prefix_1`, `prefix_2`, ..."""
    count = session.names[prefix]
    session.names[prefix] += 1
    return f"{prefix}_{count}" if count else prefix


def auto_name(prefix: str) -> str:
    """The next automatic name for a class."""
    return uniquify(to_snake_case(prefix))


class name_scope:
    """Prefix the paths of the variables made inside, and the names of the ops.

    Args:
      name: the prefix, without "/". caller: the object whose scope it is; one that re-enters its own scope adds nothing
        (unless `deduplicate=False`), and one that was first called elsewhere keeps its first path.
      override_parent: a path that takes the place of the open scopes'.

    >>> with tf.keras.name_scope("encoder"):
    ...     tf.keras.Variable(0.0, name="scale").path
    'encoder/scale'

    Keras: keras.name_scope.
    """

    def __init__(self, name: str, **kwargs: Any) -> None:
        check_name(name)
        self.name = name
        self.caller, self.deduplicate = kwargs.pop("caller", None), kwargs.pop("deduplicate", True)
        self.override_parent = kwargs.pop("override_parent", None)
        if kwargs:
            raise TypeError(
                f"name_scope() takes `caller`, `deduplicate` and `override_parent` beside `name`. Received: {kwargs}"
            )
        if self.override_parent is None and self.deduplicate:
            self.override_parent = getattr(self.caller, "_parent_path", None)
        self._op_scope: op_name_scope | None = None

    def __enter__(self) -> name_scope:
        top = session.scopes[-1] if session.scopes else None
        again = top is not None and self.caller is not None and top.caller is self.caller and top.name == self.name
        if not (self.deduplicate and again):
            session.scopes.append(self)
            self._op_scope = op_name_scope(self.name)
            self._op_scope.__enter__()
        return self

    def __exit__(self, *exc: object) -> None:
        if self._op_scope is not None:
            self._op_scope.__exit__(*exc)
            self._op_scope = None
            if session.scopes:
                session.scopes.pop()


def check_name(name: Any) -> None:
    """Raise `ValueError` for what cannot be part of a path."""
    if not isinstance(name, str) or "/" in name:
        raise ValueError(f"Argument `name` must be a string and cannot contain character `/`. Received: name={name}")


def current_path() -> str:
    """The path that the open scopes make."""
    parts: list[str] = []
    for scope in session.scopes:
        if scope.override_parent is not None:
            parts = [part for part in scope.override_parent.split("/") if part]
        parts.append(scope.name)
    return "/".join(parts)
