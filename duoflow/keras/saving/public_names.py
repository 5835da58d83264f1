"""The public names that configs use: "keras.layers" and "Dense" for a class, and back.

Only what builds models is found: classes with configs, and the functions of activations, losses and metrics. A config
can
name nothing else of the library.
"""

from __future__ import annotations

import inspect
import sys
from typing import Any

__all__ = ["find", "find_anywhere", "name_of", "named"]

#: Where classes are looked for, the name that is written first where there are several.
_NAMESPACES = (
    "keras", "keras.layers", "keras.models", "keras.initializers", "keras.regularizers", "keras.constraints",
    "keras.optimizers", "keras.optimizers.schedules", "keras.losses", "keras.metrics", "keras.dtype_policies",
    "keras.random", "keras.quantizers", "keras.distillation",
)  # fmt: skip
_FUNCTION_NAMESPACES = ("keras.activations", "keras.losses", "keras.metrics")
_ALIASES = {"keras.backend": "keras.random", "keras.saving": ""}

_extra: dict[str, Any] = {}
_extra_names: dict[Any, tuple[str, str]] = {}


def named(module: str, name: str | None = None) -> Any:
    """Class decorator: the module, and name, that configs give a class outside the public namespaces."""

    def decorator(cls: Any) -> Any:
        class_name = name or cls.__name__
        _extra[f"{module}.{class_name}"] = cls
        _extra_names[cls] = (module, class_name)
        return cls

    return decorator


def name_of(obj: Any) -> tuple[str, str] | None:
    """The module and name that configs use for a class or function of the library, or None."""
    if obj in _extra_names:
        return _extra_names[obj]
    namespaces = _NAMESPACES if inspect.isclass(obj) else _FUNCTION_NAMESPACES
    name = getattr(obj, "__name__", None)
    for namespace in namespaces:
        if name is not None and getattr(_module(namespace), name, None) is obj:
            return namespace, name
    return None


def find(module: str, name: str, function: bool = False) -> Any:
    """The class (or function) that a config names, or None."""
    if not isinstance(module, str) or not isinstance(name, str):
        return None
    module = _ALIASES.get(module, module)
    if module == "builtins" and function:
        return next((f for n in _FUNCTION_NAMESPACES if (f := find(n, name, True)) is not None), None)
    if f"{module}.{name}" in _extra:
        return _extra[f"{module}.{name}"]
    namespaces = _FUNCTION_NAMESPACES if function else _NAMESPACES
    if module not in namespaces or name.startswith("_"):
        return None
    found = getattr(_module(module), name, None)
    allowed = inspect.isfunction(found) if function else inspect.isclass(found) and hasattr(found, "from_config")
    return found if allowed else None


def find_anywhere(name: str) -> Any:
    """The class of a name, in whichever namespace: configs of older files give no module."""
    return next((found for module in ("keras.layers", *_NAMESPACES) if (found := find(module, name)) is not None), None)


def _module(namespace: str) -> Any:
    """The module or namespace object behind "keras.optimizers.schedules"."""
    found: Any = sys.modules["duoflow.keras"]
    for part in namespace.split(".")[1:]:
        found = getattr(found, part, None)
    return found
