"""The devices that programs see: one CPU."""

from __future__ import annotations

from collections import namedtuple
from typing import Any

PhysicalDevice = namedtuple("PhysicalDevice", ["name", "device_type"])
LogicalDevice = namedtuple("LogicalDevice", ["name", "device_type"])

_CPU = PhysicalDevice("/physical_device:CPU:0", "CPU")
_settings: dict[str, Any] = {"soft_placement": True, "logical": {}}


class LogicalDeviceConfiguration:
    """A share of a physical device. TensorFlow: tf.config.LogicalDeviceConfiguration."""

    def __init__(
        self,
        memory_limit: int | None = None,
        experimental_priority: int | None = None,
        experimental_device_ordinal: int = 0,
    ) -> None:
        self.memory_limit = memory_limit
        self.experimental_priority = experimental_priority
        self.experimental_device_ordinal = experimental_device_ordinal


def list_physical_devices(device_type: str | None = None) -> list[PhysicalDevice]:
    """The devices of this machine that duoflow can use.

    >>> tf.config.list_physical_devices("GPU")
    []

    TensorFlow: tf.config.list_physical_devices.
    """
    return [_CPU] if device_type in (None, "CPU") else []


def list_logical_devices(device_type: str | None = None) -> list[LogicalDevice]:
    """The devices that programs may name. TensorFlow: tf.config.list_logical_devices."""
    return [LogicalDevice("/device:CPU:0", "CPU")] if device_type in (None, "CPU") else []


def get_visible_devices(device_type: str | None = None) -> list[PhysicalDevice]:
    """The devices in use. TensorFlow: tf.config.get_visible_devices."""
    return list_physical_devices(device_type)


def set_visible_devices(devices: Any, device_type: str | None = None) -> None:
    """Choose the devices to use. Only the CPU can be chosen; no GPU is ever in use, so hiding GPUs is always right.

    TensorFlow: tf.config.set_visible_devices. Raises `ValueError` for a device that does not exist.
    """
    for device in devices if isinstance(devices, (list, tuple)) else [devices]:
        if device is not None and device != _CPU:
            raise ValueError(f"Unrecognized device: {device!r}. The devices are {list_physical_devices()}.")


def get_logical_device_configuration(device: Any) -> Any:
    """The configuration set for a device, or None. TensorFlow: tf.config.get_logical_device_configuration."""
    return _settings["logical"].get(device)


def set_logical_device_configuration(device: Any, logical_devices: Any) -> None:
    """Split a device. The CPU stays one device; the wish is kept and can be read back.

    TensorFlow: tf.config.set_logical_device_configuration.
    """
    _settings["logical"][device] = list(logical_devices)


def get_soft_device_placement() -> bool:
    """Whether ops asked to run on a missing device run on the CPU. TensorFlow: tf.config.get_soft_device_placement."""
    return bool(_settings["soft_placement"])


def set_soft_device_placement(enabled: bool) -> None:
    """Let ops asked to run on a missing device run on the CPU. TensorFlow: tf.config.set_soft_device_placement."""
    _settings["soft_placement"] = bool(enabled)
