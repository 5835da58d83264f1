"""`tf.config.experimental`: device memory and determinism."""

from __future__ import annotations

import importlib
import sys
from typing import Any

from .devices import (
    get_visible_devices,
    list_logical_devices,
    list_physical_devices,
    set_visible_devices,
)

__all__ = [
    "enable_op_determinism", "get_device_details", "get_memory_growth", "get_memory_info", "get_visible_devices",
    "list_logical_devices", "list_physical_devices", "set_memory_growth", "set_visible_devices",
]  # fmt: skip


def enable_op_determinism() -> None:
    """Accepted: every op gives the same result every time already.

    TensorFlow: tf.config.experimental.enable_op_determinism.
    """


def get_device_details(device: Any) -> dict[str, Any]:
    """What is known of a device: nothing beyond its name. TensorFlow: tf.config.experimental.get_device_details."""
    return {}


def get_memory_growth(device: Any) -> bool:
    """Whether memory is taken as it is needed: always. TensorFlow: tf.config.experimental.get_memory_growth."""
    return True


def set_memory_growth(device: Any, enable: bool) -> None:
    """Accepted: memory is always taken as it is needed. TensorFlow: tf.config.experimental.set_memory_growth."""


def get_memory_info(device: str) -> dict[str, int]:
    """Bytes of memory in use by this process: {"current", "peak"}.

    TensorFlow: tf.config.experimental.get_memory_info.
    """
    if sys.platform == "win32":
        raise ValueError(f"No memory statistics are available for device {device!r} on this platform.")
    resource = importlib.import_module("resource")
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)
    return {"current": peak, "peak": peak}
