"""Preferences of the process: the default float type, the fuzz factor, the order of image dimensions, the dtype policy.

Read from `$KERAS_HOME/keras.json` (`~/.keras/keras.json`) when that file exists.
"""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

__all__ = [
    "backend", "disable_traceback_filtering", "enable_traceback_filtering", "epsilon", "floatx", "image_data_format",
    "is_traceback_filtering_enabled", "set_epsilon", "set_floatx", "set_image_data_format", "standardize_data_format",
]  # fmt: skip

_FLOATS = ("float16", "float32", "float64", "bfloat16")
_FORMATS = ("channels_last", "channels_first")

_preferences: dict[str, Any] = {
    "floatx": "float32", "epsilon": 1e-7, "image_data_format": "channels_last", "traceback_filtering": True,
}  # fmt: skip


def floatx() -> str:
    """The name of the default float type.

    >>> tf.keras.config.floatx()
    'float32'

    Keras: keras.config.floatx.
    """
    return _preferences["floatx"]  # type: ignore[no-any-return]


def set_floatx(value: str) -> None:
    """Set the default float type: "float16", "bfloat16", "float32" or "float64". Keras: keras.config.set_floatx."""
    if value not in _FLOATS:
        raise ValueError(f"Unknown `floatx` value: {value}. Expected one of {set(_FLOATS)}")
    _preferences["floatx"] = str(value)


def epsilon() -> float:
    """The small number that keeps divisions and logarithms finite.

    >>> tf.keras.config.epsilon()
    1e-07

    Keras: keras.config.epsilon.
    """
    return _preferences["epsilon"]  # type: ignore[no-any-return]


def set_epsilon(value: float) -> None:
    """Set the fuzz factor. Keras: keras.config.set_epsilon."""
    _preferences["epsilon"] = value


def image_data_format() -> str:
    """Where images have their channels: "channels_last" or "channels_first". Keras: keras.config.image_data_format."""
    return _preferences["image_data_format"]  # type: ignore[no-any-return]


def set_image_data_format(data_format: str) -> None:
    """Set the default order of image dimensions. Keras: keras.config.set_image_data_format."""
    _preferences["image_data_format"] = standardize_data_format(data_format)


def standardize_data_format(data_format: str | None) -> str:
    """A data format, checked; the default for None. Keras: keras.backend.standardize_data_format."""
    if data_format is None:
        return image_data_format()
    data_format = str(data_format).lower()
    if data_format not in _FORMATS:
        raise ValueError(
            f"The `data_format` argument must be one of {set(_FORMATS)}. Received: data_format={data_format}"
        )
    return data_format


def backend() -> str:
    """The backend that programs see: always "tensorflow". Keras: keras.config.backend."""
    return "tensorflow"


def is_traceback_filtering_enabled() -> bool:
    """Whether errors hide the frames of the library. Keras: keras.config.is_traceback_filtering_enabled."""
    return _preferences["traceback_filtering"]  # type: ignore[no-any-return]


def enable_traceback_filtering() -> None:
    """Accepted for compatibility: errors name the user's line already.

    Keras: keras.config.enable_traceback_filtering.
    """
    _preferences["traceback_filtering"] = True


def disable_traceback_filtering() -> None:
    """Accepted for compatibility: tracebacks are complete always. Keras: keras.config.disable_traceback_filtering."""
    _preferences["traceback_filtering"] = False


def keras_home() -> Path:
    """The folder of Keras' settings and downloads."""
    return Path(os.environ.get("KERAS_HOME") or Path.home() / ".keras")


def _read_settings() -> None:
    """Take over the settings file's valid entries; anything else in it belongs to other programs."""
    try:
        settings = json.loads((keras_home() / "keras.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return
    if isinstance(settings, dict):
        if settings.get("floatx") in _FLOATS:
            set_floatx(settings["floatx"])
        if isinstance(settings.get("epsilon"), float):
            set_epsilon(settings["epsilon"])
        if settings.get("image_data_format") in _FORMATS:
            set_image_data_format(settings["image_data_format"])


_read_settings()
