"""`get`, `serialize` and `deserialize` of a namespace whose objects have names: initializers, regularizers, ..."""

from __future__ import annotations

import inspect
from typing import Any

from .naming import to_snake_case
from .saving.object_registration import get_registered_object
from .saving.serialization import deserialize_keras_object, serialize_keras_object

__all__ = ["Lookup"]


class Lookup:
    """The objects of one namespace by name; classes under their own name and in snake case.

    kind: what the objects are called in messages, "initializer"
    """

    def __init__(self, kind: str, objects: list[Any], aliases: dict[str, Any] | None = None) -> None:
        self.kind = kind
        self.objects: dict[str, Any] = {}
        for item in objects:
            self.objects[item.__name__] = item
            if inspect.isclass(item):
                self.objects[to_snake_case(item.__name__)] = item
        self.objects.update(aliases or {})

    def find(self, name: str) -> Any:
        """The class or function of a name, or None."""
        found = get_registered_object(name)
        return self.objects.get(str(name)) if found is None else found

    def get(self, identifier: Any) -> Any:
        """An object from itself, a class, a name, a config or None; `ValueError` for anything else."""
        if identifier is None:
            return None
        if isinstance(identifier, dict):
            found = self.deserialize(identifier)
        elif isinstance(identifier, str):
            found = self.find(identifier)
        else:
            found = identifier
        if callable(found):
            return found() if inspect.isclass(found) else found
        raise ValueError(f"Could not interpret {self.kind} identifier: {identifier}")

    def serialize(self, obj: Any) -> Any:
        """An object as plain data."""
        return serialize_keras_object(obj)

    def deserialize(self, config: Any, custom_objects: dict[str, Any] | None = None) -> Any:
        """An object from plain data: a full config, one without a module, or a name."""
        if isinstance(config, str):
            return (custom_objects or {}).get(config) or self.find(config)
        if isinstance(config, dict) and "module" not in config and config.get("class_name") in self.objects:
            return self._from_name(config["class_name"], config.get("config") or {})
        return deserialize_keras_object(config, custom_objects=custom_objects)

    def _from_name(self, name: str, config: dict[str, Any]) -> Any:
        found = self.objects[name]
        return found.from_config(config) if inspect.isclass(found) else found
