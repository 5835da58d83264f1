"""Whether functions called now are to be converted, on this thread, and which are excluded for good."""

import contextlib
import threading
from collections.abc import Iterator
from typing import Any

from ...core.context import context

_EXCLUDED = "_autograph_do_not_convert"


class _Status(threading.local):
    enabled: bool | None = None  # nobody said
    recursive = True


_status = _Status()


def is_enabled() -> bool:
    """Whether callbacks of duoflow's own code are converted: while a function is traced, unless it is excluded."""
    if _status.enabled is None:
        return context.graph is not None and context.graph.is_function
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
