"""Objects as Keras 2 wrote them: `{"class_name", "config"}` without a module, functions by name.

Which classes a name may mean is up to the caller: `module_objects`, `custom_objects`, and what is registered.
"""

from __future__ import annotations

import inspect
from typing import Any

from .object_registration import CustomObjectScope, get_custom_objects, get_registered_name, get_registered_object

__all__ = ["deserialize_keras_object", "serialize_keras_object"]

_PASSIVE = "__passive_serialization__"


def serialize_keras_object(instance: Any) -> Any:
    """The name of a function or class, or `{"class_name", "config"}` of an object with `get_config`.

    Raises `ValueError` for others.

    >>> tf.keras.utils.legacy.serialize_keras_object(tf.keras.initializers.Zeros())
    {'class_name': 'Zeros', 'config': {}}

    Keras: keras.utils.legacy.serialize_keras_object, keras.legacy.saving.serialize_keras_object.
    """
    instance = inspect.unwrap(instance)
    if instance is None:
        return None
    if hasattr(instance, "get_config"):
        config = {key: _serialized_item(item) for key, item in instance.get_config().items()}
        return {"class_name": get_registered_name(type(instance)), "config": config}
    if hasattr(instance, "__name__"):
        return get_registered_name(instance)
    raise ValueError(f"Cannot serialize {instance} because it doesn't implement `get_config()`.")


def _serialized_item(item: Any) -> Any:
    """An item of a config; objects in it are marked, so that they are made again with it."""
    if isinstance(item, str):
        return item
    try:
        serialized = serialize_keras_object(item)
    except ValueError:
        return item
    return {**serialized, _PASSIVE: True} if isinstance(serialized, dict) else serialized


def deserialize_keras_object(
    identifier: Any, module_objects: dict[str, Any] | None = None, custom_objects: dict[str, Any] | None = None,
    printable_module_name: str = "object",
) -> Any:  # fmt: skip
    """The object of a config or name; a class by its name is called without arguments.

    Args:
      module_objects, custom_objects: names to classes and functions; custom and registered ones come first.
      printable_module_name: what errors call the object.

    Raises `ValueError` for unknown names and what is no config.

    >>> tf.keras.utils.legacy.deserialize_keras_object("relu", {"relu": tf.nn.relu}) is tf.nn.relu
    True

    Keras: keras.utils.legacy.deserialize_keras_object, keras.legacy.saving.deserialize_keras_object.
    """
    if identifier is None or inspect.isfunction(identifier):
        return identifier
    if isinstance(identifier, str):
        found = get_registered_object(identifier, {**(module_objects or {}), **(custom_objects or {})})
        if found is None:
            raise _unknown(printable_module_name, identifier)
        return found() if inspect.isclass(found) else found
    if not isinstance(identifier, dict):
        raise ValueError(f"Could not interpret serialized {printable_module_name}: {identifier}")
    if "class_name" not in identifier or "config" not in identifier:
        raise ValueError(
            f"Improper config format for {identifier}. Expecting python dict contains `class_name` and `config` as keys"
        )
    make = get_registered_object(identifier["class_name"], custom_objects, module_objects)
    if make is None:
        raise _unknown(printable_module_name, identifier["class_name"])
    config = _revived_items(identifier["config"], module_objects, custom_objects)
    with CustomObjectScope(custom_objects):
        if not hasattr(make, "from_config"):
            return make(**config)
        if "custom_objects" in inspect.signature(make.from_config).parameters:
            return make.from_config(config, custom_objects={**get_custom_objects(), **(custom_objects or {})})
        return make.from_config(config)


def _revived_items(config: Any, module_objects: Any, custom_objects: Any) -> Any:
    """A config with the objects and functions that its marked items and names stand for; not the object's own name."""
    if not isinstance(config, dict):
        return config
    revived = dict(config)
    for key, item in config.items():
        if isinstance(item, dict) and _PASSIVE in item:
            revived[key] = deserialize_keras_object(item, module_objects, custom_objects, "config_item")
        elif isinstance(item, str) and key != "name":
            found = get_registered_object(item, custom_objects, module_objects)
            revived[key] = found if inspect.isfunction(found) else item
    return revived


def _unknown(kind: str, name: Any) -> ValueError:
    return ValueError(
        f"Unknown {kind}: '{name}'. Please ensure you are using a `keras.utils.custom_object_scope` and that this "
        "object is included in the scope."
    )
