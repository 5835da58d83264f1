"""Preferences of the process: the default float type, the fuzz factor, the order of image dimensions, the dtype policy.

Read from `$KERAS_HOME/keras.json` (`~/.keras/keras.json`) when that file exists.
"""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

__all__ = [
    "backend", "disable_flash_attention", "disable_interactive_logging", "disable_traceback_filtering",
    "enable_flash_attention", "enable_interactive_logging", "enable_traceback_filtering", "epsilon", "floatx",
    "image_data_format", "is_flash_attention_enabled", "is_interactive_logging_enabled", "is_nnx_enabled",
    "is_traceback_filtering_enabled", "max_epochs", "max_steps_per_epoch", "set_backend", "set_epsilon", "set_floatx",
    "set_image_data_format", "set_max_epochs", "set_max_steps_per_epoch", "standardize_data_format", "within",
]  # fmt: skip

_FLOATS = ("float16", "float32", "float64", "bfloat16")
_FORMATS = ("channels_last", "channels_first")

_preferences: dict[str, Any] = {
    "floatx": "float32", "epsilon": 1e-7, "image_data_format": "channels_last", "traceback_filtering": True,
    "interactive_logging": True, "flash_attention": None, "max_epochs": None, "max_steps_per_epoch": None,
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


def set_backend(backend: str) -> None:
    """Accepted for "tensorflow", which programs see; `ValueError` for others. Keras: keras.config.set_backend."""
    if backend != "tensorflow":
        raise ValueError(f"There is one backend here, called 'tensorflow'. Received: backend={backend!r}")


def is_nnx_enabled() -> bool:
    """Whether Flax' NNX holds variables: never. Keras: keras.config.is_nnx_enabled."""
    return False


def is_interactive_logging_enabled() -> bool:
    """Whether progress bars may rewrite their line. Keras: keras.config.is_interactive_logging_enabled."""
    return _preferences["interactive_logging"]  # type: ignore[no-any-return]


def enable_interactive_logging() -> None:
    """Let progress bars rewrite their line on standard output. Keras: keras.config.enable_interactive_logging."""
    _preferences["interactive_logging"] = True


def disable_interactive_logging() -> None:
    """Send progress to the log, a line at a time. Keras: keras.config.disable_interactive_logging."""
    _preferences["interactive_logging"] = False


def is_flash_attention_enabled() -> bool | None:
    """What was last asked for; the engine chooses attention kernels itself.

    Keras: keras.config.is_flash_attention_enabled.
    """
    return _preferences["flash_attention"]  # type: ignore[no-any-return]


def enable_flash_attention() -> None:
    """Accepted: the engine chooses attention kernels itself. Keras: keras.config.enable_flash_attention."""
    _preferences["flash_attention"] = True


def disable_flash_attention() -> None:
    """Accepted: the engine chooses attention kernels itself. Keras: keras.config.disable_flash_attention."""
    _preferences["flash_attention"] = False


def max_epochs() -> int | None:
    """The most epochs that `fit` runs, or None. Keras: keras.config.max_epochs."""
    return _preferences["max_epochs"]  # type: ignore[no-any-return]


def set_max_epochs(max_epochs: int | None) -> None:
    """Bound the epochs of every `fit`, as for a trial run of a program. Keras: keras.config.set_max_epochs."""
    _preferences["max_epochs"] = _checked_bound("max_epochs", max_epochs)


def max_steps_per_epoch() -> int | None:
    """The most steps that `fit`, `evaluate` and `predict` run per epoch, or None.

    Keras: keras.config.max_steps_per_epoch.
    """
    return _preferences["max_steps_per_epoch"]  # type: ignore[no-any-return]


def set_max_steps_per_epoch(max_steps_per_epoch: int | None) -> None:
    """Bound the steps of every epoch, as for a trial run of a program. Keras: keras.config.set_max_steps_per_epoch."""
    _preferences["max_steps_per_epoch"] = _checked_bound("max_steps_per_epoch", max_steps_per_epoch)


def within(value: int, limit: int | None) -> int:
    """The value, or the limit where there is a lower one."""
    return value if limit is None else min(value, limit)


def _checked_bound(name: str, value: int | None) -> int | None:
    if value is not None and (not isinstance(value, int) or value < 1):
        raise ValueError(f"Argument `{name}` must be a positive integer or None. Received: {name}={value}")
    return value


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
