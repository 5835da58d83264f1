"""Objects as plain data and back: Keras 3's config format.

An object is `{"module", "class_name", "config", "registered_name"}`, with `build_config` and `compile_config` where it
has them. Reading one makes only what builds models: the library's own classes and those the program registered. Code in
a
config (a lambda) is refused unless the caller says `safe_mode=False`.
"""

from __future__ import annotations

import base64
import contextlib
import inspect
import marshal
import types
import warnings
from collections.abc import Iterator
from typing import Any

import numpy as np

from duoflow.core.dtypes import DType
from duoflow.core.shapes import TensorShape
from duoflow.core.tensor import Tensor, convert

from ..state import session
from ..symbolic import KerasTensor
from ..variables import standardize_dtype
from .object_registration import CustomObjectScope, get_registered_name, get_registered_object
from .public_names import find, find_anywhere, name_of

__all__ = ["deserialize_keras_object", "enable_unsafe_deserialization", "safe_mode_scope", "serialize_keras_object"]

_PLAIN = (str, int, float, bool, type(None))


@contextlib.contextmanager
def safe_mode_scope(safe_mode: bool | None) -> Iterator[None]:
    """Decide for everything read inside whether code is allowed."""
    saved, session.safe_mode = session.safe_mode, safe_mode
    try:
        yield
    finally:
        session.safe_mode = saved


def enable_unsafe_deserialization() -> None:
    """Allow lambdas in configs for the rest of the session. Keras: keras.config.enable_unsafe_deserialization."""
    session.safe_mode = False


# -- writing -----------------------------------------------------------------------------------------------------------


def serialize_keras_object(obj: Any) -> Any:
    """An object as plain data (numbers, strings, lists and dicts).

    Args:
      obj: a layer, optimizer, metric, loss, initializer, function, array, tensor, or structure of these.

    >>> tf.keras.saving.serialize_keras_object(tf.keras.initializers.Zeros())["class_name"]
    'Zeros'

    Keras: keras.saving.serialize_keras_object.
    """
    if isinstance(obj, _PLAIN):
        return obj
    if isinstance(obj, list | tuple):
        items = [serialize_keras_object(item) for item in obj]
        return tuple(items) if isinstance(obj, tuple) else items
    if isinstance(obj, dict):
        return {key: serialize_keras_object(value) for key, value in obj.items()}
    special = _special_value(obj)
    if special is not None:
        return special
    if isinstance(obj, np.generic):
        return obj.item()
    if isinstance(obj, DType):
        return obj.name
    if isinstance(obj, TensorShape):
        return None if obj.rank is None else obj.as_list()
    return _object_config(obj)


def _special_value(obj: Any) -> dict[str, Any] | None:
    """The config of a value that JSON has no form for, or None."""
    if isinstance(obj, bytes):
        return {"class_name": "__bytes__", "config": {"value": obj.decode()}}
    if isinstance(obj, slice):
        ends = {"start": obj.start, "stop": obj.stop, "step": obj.step}
        return {"class_name": "__slice__", "config": serialize_keras_object(ends)}
    if obj is Ellipsis:
        return {"class_name": "__ellipsis__", "config": {}}
    if isinstance(obj, KerasTensor):
        history = obj._keras_history and [obj._keras_history[0].name, *obj._keras_history[1:]]
        config = {"shape": obj.shape, "dtype": obj.dtype, "keras_history": history}
        return {"class_name": "__keras_tensor__", "config": config}
    if isinstance(obj, Tensor):
        config = {"value": np.asarray(obj).tolist(), "dtype": standardize_dtype(obj.dtype)}
        return {"class_name": "__tensor__", "config": config}
    if isinstance(obj, np.ndarray) and obj.ndim:
        return {"class_name": "__numpy__", "config": {"value": obj.tolist(), "dtype": standardize_dtype(obj.dtype)}}
    if isinstance(obj, np.ndarray):
        return obj.item()  # type: ignore[no-any-return]
    if isinstance(obj, types.FunctionType) and obj.__name__ == "<lambda>":
        warnings.warn(
            "The object being serialized includes a `lambda`. This is unsafe. In order to reload the object, you "
            "will have "
            "to pass `safe_mode=False` to the loading function. Please avoid using `lambda` in the future, and use "
            "named "
            "Python functions instead.",
            stacklevel=4,
        )
        return {"class_name": "__lambda__", "config": {"value": _dump_lambda(obj)}}
    return None


def _object_config(obj: Any) -> dict[str, Any]:
    function = isinstance(obj, types.FunctionType)
    target = obj if function else type(obj)
    public = name_of(target)
    if function:
        name = get_registered_name(obj)
        registered = name if public else get_registered_name(obj)
        return {
            "module": "builtins" if public else _module_of(obj), "class_name": "function", "config": name,
            "registered_name": registered,
        }  # fmt: skip
    config: dict[str, Any] = {
        "module": public[0] if public else _module_of(target),
        "class_name": public[1] if public else target.__name__,
        "config": _config_of(obj),
        "registered_name": None if public and not public[0].startswith("keras.src") else get_registered_name(target),
    }
    for key, method in (("build_config", "get_build_config"), ("compile_config", "get_compile_config")):
        extra = getattr(obj, method)() if hasattr(obj, method) else None
        if extra is not None:
            config[key] = serialize_keras_object(extra)
    return config


def _module_of(target: Any) -> str | None:
    """Where a class or function can be imported from: nowhere, if a program of its own defines it."""
    return None if target.__module__ == "__main__" else target.__module__


def _config_of(obj: Any) -> Any:
    if hasattr(obj, "get_config"):
        config = obj.get_config()
        if not isinstance(config, dict):
            raise TypeError(f"The `get_config()` method of {obj} should return a dict. It returned: {config}")
        return serialize_keras_object(config)
    if hasattr(obj, "__name__"):
        return get_registered_name(obj)
    raise TypeError(
        f"Cannot serialize object {obj} of type {type(obj)}. To be serializable, a class must implement the "
        "`get_config()` "
        "method."
    )


# -- reading -----------------------------------------------------------------------------------------------------------


def deserialize_keras_object(
    config: Any, custom_objects: dict[str, Any] | None = None, safe_mode: bool = True, **kwargs: Any
) -> Any:
    """The object that `serialize_keras_object` gave `config` for.

    Args:
      custom_objects: names to classes and functions, besides the registered ones.
      safe_mode: refuse lambdas.

    Raises `TypeError` for what cannot be found or made, `ValueError` for code in safe mode.

    >>> config = tf.keras.saving.serialize_keras_object(tf.keras.layers.Dense(3))
    >>> tf.keras.saving.deserialize_keras_object(config).units
    3

    Keras: keras.saving.deserialize_keras_object.
    """
    if session.safe_mode is not None:
        safe_mode = session.safe_mode
    with CustomObjectScope(custom_objects), safe_mode_scope(safe_mode):
        return _read(config)


def _read(config: Any) -> Any:
    if isinstance(config, str):
        return session.custom_objects.get(config, config)
    if isinstance(config, _PLAIN):
        return config
    if isinstance(config, list | tuple):
        return [_read(item) for item in config]
    if not isinstance(config, dict):
        raise TypeError(f"Could not parse config: {config}")
    if "class_name" not in config or "config" not in config:
        return {key: _read(value) for key, value in config.items()}
    special = _SPECIAL_READERS.get(config["class_name"])
    if special is not None:
        return special(config["config"])
    if config["class_name"] == "function":
        return _function(config)
    return _instance(config)


def _keras_tensor(config: dict[str, Any]) -> KerasTensor:
    tensor = KerasTensor(config["shape"], dtype=config["dtype"])
    tensor._serialized_history = config["keras_history"]  # type: ignore[attr-defined]
    return tensor


def _lambda(config: dict[str, Any]) -> Any:
    if session.safe_mode is not False:
        raise ValueError(
            "Requested the deserialization of a Python lambda. This carries a potential risk of arbitrary code "
            "execution and "
            "thus it is disallowed by default. If you trust the source of the artifact, you can override this error by "
            "passing `safe_mode=False` to the loading function, or calling "
            "`keras.config.enable_unsafe_deserialization()."
        )
    return _load_lambda(config["value"])


_SPECIAL_READERS: dict[str, Any] = {
    "__keras_tensor__": _keras_tensor,
    "__tensor__": lambda config: convert(config["value"], dtype=config["dtype"]),
    "__numpy__": lambda config: np.array(config["value"], dtype=config["dtype"]),
    "__bytes__": lambda config: config["value"].encode(),
    "__ellipsis__": lambda config: Ellipsis,
    "__slice__": lambda config: slice(_read(config["start"]), _read(config["stop"]), _read(config["step"])),
    "__lambda__": _lambda,
}


def _function(config: dict[str, Any]) -> Any:
    name = config["config"]
    if not isinstance(name, str):
        raise TypeError(
            f"Expected 'config' to be a non-null str for a function, instead got {type(name)}. Full config: {config}"
        )
    function, module = get_registered_object(name), config.get("module", "builtins")
    if function is None and module is not None:
        function = find(module, name, function=True)
    if function is None:
        raise _not_found("function", name, config)
    return function


def _instance(config: dict[str, Any]) -> Any:
    name, inner = config["class_name"], config["config"] if config["config"] is not None else {}
    if not isinstance(inner, dict):
        raise TypeError(f"Expected 'config' to be a dict for {name}, instead got {type(inner)}. Full config: {config}")
    cls = get_registered_object(config.get("registered_name") or name)
    if cls is None:
        cls = _library_class(config, name)
    if cls is None:
        raise _not_found("class", name, config)
    if inspect.isfunction(cls):
        return cls
    if not hasattr(cls, "from_config"):
        raise TypeError(
            f"Unable to reconstruct an instance of '{name}' because the class is missing a `from_config()` method. "
            f"Full object config: {config}"
        )
    try:
        instance = cls.from_config(inner)
    except TypeError as error:
        raise TypeError(
            f"{cls} could not be deserialized properly. Please ensure that components that are Python object instances "
            "(layers, models, etc.) returned by `get_config()` are explicitly deserialized in the model's "
            "`from_config()` "
            f"method.\n\nconfig={config}.\n\nException encountered: {error}"
        ) from error
    build_config = config.get("build_config")
    if build_config and not instance.built:
        instance.build_from_config(build_config)
        instance.built = True
    if config.get("compile_config"):
        instance.compile_from_config(config["compile_config"])
    return instance


def _library_class(config: dict[str, Any], name: str) -> Any:
    module = config.get("module")
    if module is not None:
        return find(module, name)
    return None if config.get("registered_name") else find_anywhere(name)  # a program's own class has that name


def _not_found(kind: str, name: str, config: dict[str, Any]) -> TypeError:
    return TypeError(
        f"Could not locate {kind} '{name}'. Make sure custom classes and functions are decorated with "
        "`@keras.saving.register_keras_serializable()`. If they are already decorated, make sure they are all "
        "imported so "
        f"that the decorator is run before trying to load them. Full object config: {config}"
    )


# -- lambdas -----------------------------------------------------------------------------------------------------------


def _dump_lambda(function: types.FunctionType) -> dict[str, Any]:
    code = base64.b64encode(marshal.dumps(function.__code__)).decode("ascii")
    closure = tuple(cell.cell_contents for cell in function.__closure__) if function.__closure__ else None
    return {"code": code, "defaults": function.__defaults__, "closure": closure}


def _load_lambda(value: Any) -> types.FunctionType:
    """A lambda from its code; only ever called when the user allowed it."""
    code, defaults, closure = (value[k] for k in ("code", "defaults", "closure")) if isinstance(value, dict) else value
    cells = tuple(types.CellType(item) for item in closure) if closure else None
    defaults = tuple(defaults) if isinstance(defaults, list) else defaults
    loaded = marshal.loads(base64.b64decode(code))
    return types.FunctionType(loaded, {"__builtins__": __builtins__}, "<lambda>", defaults, cells)
