"""Python's collector of cycles waits while graphs are traced and compiled.

Much is made then that stays, and the collector would look through all of it again and again: a seventh of the time.
"""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager

__all__ = ["collection_paused"]


@contextmanager
def collection_paused() -> Iterator[None]:
    """No collection in this block (or function, as a decorator), unless another thread asks for one."""
    if not gc.isenabled():
        yield
        return
    gc.disable()
    try:
        yield
    finally:
        gc.enable()
