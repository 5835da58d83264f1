"""Refusing absurd sizes: what a file may ask for, in proportion to what it holds."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Any

from ..state import session

__all__ = ["ALLOWANCE", "check_expansion", "memory_for"]

#: Content may unfold to so many times its size in a file, beside a fixed allowance.
MAX_EXPANSION, ALLOWANCE = 100, 1 << 24


def check_expansion(what: str, size: int, stored: int) -> None:
    """Raise `ValueError` if `size` bytes are claimed by something that takes `stored` bytes in a file."""
    if size > stored * MAX_EXPANSION + ALLOWANCE:
        raise ValueError(f"{what} claims {size:,} bytes but the file holds {stored:,}; this is refused.")


@contextlib.contextmanager
def memory_for(stored: int, what: Any) -> Iterator[None]:
    """Let what is read inside make variables only in proportion to the `stored` bytes of their file.

    A configuration of a few words can ask for any number of weights; they are refused before memory is taken.
    """
    outer = session.memory
    session.memory = Budget(stored * MAX_EXPANSION + ALLOWANCE, stored, what)
    try:
        yield
    finally:
        session.memory = outer


class Budget:
    """The bytes that variables may still take."""

    def __init__(self, left: int, stored: int, what: Any) -> None:
        self._left, self._stored, self._what = left, stored, what

    def spend(self, size: int, path: str) -> None:
        """Count a variable; `ValueError` if it is more than is left."""
        self._left -= size
        if self._left < 0:
            raise ValueError(
                f"The configuration in {self._what} asks for a variable '{path}' of {size:,} bytes, but the file holds "
                f"{self._stored:,}; this is refused."
            )
