"""What TensorFlow programs may ask about tracebacks and placement; kept so that they can read back what they set."""

from __future__ import annotations

import logging

from .switches import switches

__all__ = [
    "disable_traceback_filtering", "enable_traceback_filtering", "get_logger", "get_log_device_placement",
    "is_traceback_filtering_enabled", "set_log_device_placement",
]  # fmt: skip


def enable_traceback_filtering() -> None:
    """Accepted: errors name the user's line by themselves. TensorFlow: tf.debugging.enable_traceback_filtering."""
    switches.traceback_filtering = True


def disable_traceback_filtering() -> None:
    """Accepted: tracebacks are always complete. TensorFlow: tf.debugging.disable_traceback_filtering."""
    switches.traceback_filtering = False


def is_traceback_filtering_enabled() -> bool:
    """What was last asked for. TensorFlow: tf.debugging.is_traceback_filtering_enabled."""
    return switches.traceback_filtering


def set_log_device_placement(enabled: bool) -> None:
    """Accepted: everything is placed on the CPU. TensorFlow: tf.debugging.set_log_device_placement."""
    switches.log_device_placement = bool(enabled)


def get_log_device_placement() -> bool:
    """What was last asked for. TensorFlow: tf.debugging.get_log_device_placement."""
    return switches.log_device_placement


def get_logger() -> logging.Logger:
    """The logger that duoflow writes to, under the name programs expect: "tensorflow". TensorFlow: tf.get_logger."""
    logger = logging.getLogger("tensorflow")
    if not logger.handlers and not logging.getLogger().handlers:
        handler = logging.StreamHandler()
        handler.setFormatter(logging.Formatter(logging.BASIC_FORMAT))
        logger.addHandler(handler)
    return logger
