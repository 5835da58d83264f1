"""Whether functions called now are to be converted, on this thread, and which are excluded for good."""

import contextlib
import threading
from collections.abc import Iterator
from typing import Any

_EXCLUDED = "_autograph_do_not_convert"


class _Status(threading.local):
    enabled = False
    recursive = True


_status = _Status()


def is_enabled() -> bool:
    """Whether a converted function is running, outside of any that is excluded."""
    return _status.enabled


def is_recursive() -> bool:
    """Whether what a converted function calls is converted too."""
    return _status.recursive


@contextlib.contextmanager
def entered(enabled: bool, recursive: bool = True) -> Iterator[None]:
    """Turn conversion on or off for the duration of a `with` block."""
    before = _status.enabled, _status.recursive
    _status.enabled, _status.recursive = enabled, recursive
    try:
        yield
    finally:
        _status.enabled, _status.recursive = before


def exclude(function: Any) -> None:
    """Never convert a function."""
    setattr(function, _EXCLUDED, True)


def is_excluded(target: Any) -> bool:
    """Whether `do_not_convert` was applied to a function or object."""
    return getattr(target, _EXCLUDED, False) is True
