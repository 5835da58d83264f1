"""The registry of users' classes and functions: the names under which configs find them again."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any

from ..state import session

__all__ = [
    "CustomObjectScope", "custom_object_scope", "get_custom_objects", "get_registered_name", "get_registered_object",
    "register_keras_serializable",
]  # fmt: skip

_objects: dict[str, Any] = {}
_names: dict[Any, str] = {}


class CustomObjectScope:
    """Let configs find objects by name inside.

    >>> class Mine(tf.keras.layers.Layer):
    ...     pass
    >>> with tf.keras.saving.custom_object_scope({"Mine": Mine}):
    ...     type(tf.keras.layers.deserialize({"class_name": "Mine", "config": {}})).__name__
    'Mine'

    Keras: keras.saving.custom_object_scope.
    """

    def __init__(self, custom_objects: dict[str, Any] | None) -> None:
        self.custom_objects = custom_objects or {}
        self._saved: list[dict[str, Any]] = []

    def __enter__(self) -> CustomObjectScope:
        self._saved.append(session.custom_objects)
        session.custom_objects = {**session.custom_objects, **self.custom_objects}
        return self

    def __exit__(self, *exc: object) -> None:
        session.custom_objects = self._saved.pop()


custom_object_scope = CustomObjectScope


def get_custom_objects() -> dict[str, Any]:
    """The registry itself: names to classes and functions, which may be added to.

    Keras: keras.saving.get_custom_objects.
    """
    return _objects


def register_keras_serializable(package: str = "Custom", name: str | None = None) -> Callable[[Any], Any]:
    """Decorator: let configs refer to a class or function as "package>name".

    Raises `ValueError` for a class without `get_config`.

    >>> @tf.keras.saving.register_keras_serializable(package="shop")
    ... class Cart(tf.keras.layers.Layer):
    ...     pass
    >>> tf.keras.saving.get_registered_name(Cart)
    'shop>Cart'

    Keras: keras.saving.register_keras_serializable.
    """

    def decorator(arg: Any) -> Any:
        registered = f"{package}>{name if name is not None else arg.__name__}"
        if inspect.isclass(arg) and not hasattr(arg, "get_config"):
            raise ValueError("Cannot register a class that does not have a get_config() method.")
        _objects[registered] = arg
        _names[arg] = registered
        return arg

    return decorator


def get_registered_name(obj: Any) -> str:
    """The name an object was registered under, else its own. Keras: keras.saving.get_registered_name."""
    return _names.get(obj) or obj.__name__


def get_registered_object(
    name: str, custom_objects: dict[str, Any] | None = None, module_objects: dict[str, Any] | None = None
) -> Any:
    """The object behind a name, or None. Keras: keras.saving.get_registered_object."""
    for table in (session.custom_objects, _objects, custom_objects or {}, module_objects or {}):
        if name in table:
            return table[name]
    return None
