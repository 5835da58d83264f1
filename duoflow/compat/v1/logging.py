"""`tf.logging` of TensorFlow 1: the logger "tensorflow" under the names it had there."""

from __future__ import annotations

import logging as python_logging
from typing import Any

from duoflow.core.reporting import get_logger

__all__ = [
    "DEBUG",
    "ERROR",
    "FATAL",
    "INFO",
    "WARN",
    "debug",
    "error",
    "fatal",
    "get_verbosity",
    "info",
    "log",
    "set_verbosity",
    "vlog",
    "warn",
    "warning",
]

DEBUG, INFO, WARN = python_logging.DEBUG, python_logging.INFO, python_logging.WARNING
ERROR, FATAL = python_logging.ERROR, python_logging.CRITICAL


def log(level: int, msg: Any, *args: Any, **kwargs: Any) -> None:
    """Log a message, with printf arguments, at a level. TensorFlow: tf.compat.v1.logging.log."""
    get_logger().log(level, msg, *args, **kwargs)


vlog = log


def debug(msg: Any, *args: Any, **kwargs: Any) -> None:
    """Log at DEBUG."""
    get_logger().debug(msg, *args, **kwargs)


def info(msg: Any, *args: Any, **kwargs: Any) -> None:
    """Log at INFO."""
    get_logger().info(msg, *args, **kwargs)


def warning(msg: Any, *args: Any, **kwargs: Any) -> None:
    """Log at WARN."""
    get_logger().warning(msg, *args, **kwargs)


warn = warning


def error(msg: Any, *args: Any, **kwargs: Any) -> None:
    """Log at ERROR."""
    get_logger().error(msg, *args, **kwargs)


def fatal(msg: Any, *args: Any, **kwargs: Any) -> None:
    """Log at FATAL."""
    get_logger().critical(msg, *args, **kwargs)


def get_verbosity() -> int:
    """The least level that is logged. TensorFlow: tf.compat.v1.logging.get_verbosity."""
    return get_logger().getEffectiveLevel()


def set_verbosity(v: int) -> None:
    """Log messages from a level on. TensorFlow: tf.compat.v1.logging.set_verbosity."""
    get_logger().setLevel(v)
