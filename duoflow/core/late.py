"""The public op functions by name, looked up when used.

Gradient rules and expansions are written with ops, and the families refer to each other in circles; `F.reduce_sum(x)`
finds the function in `duoflow.ops` at the call.
"""

from __future__ import annotations

import sys
from typing import Any

__all__ = ["F", "Late"]


class Late:
    """The names of a module that may not be imported yet, looked up when used."""

    def __init__(self, module: str) -> None:
        self._module = module

    def __getattr__(self, name: str) -> Any:
        found = getattr(sys.modules[self._module], name)
        object.__setattr__(self, name, found)
        return found


F: Any = Late("duoflow.ops")
