"""Process-wide switches that programs may set, all in one place.

check_graphs: run the checker between passes (tests set it)
eager_compile: let eager mode use compiled kernels for heavy ops
check_numerics: let every op fail whose result holds a NaN or an infinity
"""

from __future__ import annotations

import os
from dataclasses import dataclass

__all__ = ["switches"]


@dataclass
class Switches:
    """The switches and their defaults; `DUOFLOW_CHECK=1` sets the first."""

    check_graphs: bool = os.environ.get("DUOFLOW_CHECK", "") not in ("", "0")
    eager_compile: bool = True
    check_numerics: bool = False


switches = Switches()
