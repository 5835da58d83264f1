"""The public op functions by name, looked up when used.

Gradient rules and expansions are written with ops, and the families refer to each other in circles; `F.reduce_sum(x)`
finds the function in `duoflow.ops` at the call.
"""

from __future__ import annotations

import sys
from typing import Any

__all__ = ["F"]


class _Late:
    def __getattr__(self, name: str) -> Any:
        function = getattr(sys.modules["duoflow.ops"], name)
        object.__setattr__(self, name, function)
        return function


F: Any = _Late()
