"""`tf.logging` of TensorFlow 1: the logger "tensorflow" under the names it had there."""

from __future__ import annotations

import logging as python_logging
from typing import Any

from duoflow.core.errors import caller_origin
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
    "flush",
    "log",
    "log_every_n",
    "log_first_n",
    "log_if",
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


def log_if(level: int, msg: Any, condition: Any, *args: Any) -> None:
    """Log if a condition holds. TensorFlow: tf.compat.v1.logging.log_if."""
    if condition:
        log(level, msg, *args)


_counts: dict[Any, int] = {}


def _counted() -> int:
    """How often the user's line was here before."""
    origin = caller_origin()
    _counts[origin] = _counts.get(origin, -1) + 1
    return _counts[origin]


def log_every_n(level: int, msg: Any, n: int, *args: Any) -> None:
    """Log at the first and every n-th call from a line. TensorFlow: tf.compat.v1.logging.log_every_n."""
    log_if(level, msg, _counted() % n == 0, *args)


def log_first_n(level: int, msg: Any, n: int, *args: Any) -> None:
    """Log at the first n calls from a line. TensorFlow: tf.compat.v1.logging.log_first_n."""
    log_if(level, msg, _counted() < n, *args)


def flush() -> None:
    """Write out what handlers hold. TensorFlow: tf.compat.v1.logging.flush."""
    for handler in get_logger().handlers:
        handler.flush()


def get_verbosity() -> int:
    """The least level that is logged. TensorFlow: tf.compat.v1.logging.get_verbosity."""
    return get_logger().getEffectiveLevel()


def set_verbosity(v: int) -> None:
    """Log messages from a level on. TensorFlow: tf.compat.v1.logging.set_verbosity."""
    get_logger().setLevel(v)
