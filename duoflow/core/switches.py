"""Process-wide switches that programs may set, all in one place.

check_graphs: run the checker between passes (tests set it)
eager_compile: let eager mode use compiled kernels for heavy ops
check_numerics: let every op fail whose result holds a NaN or an infinity
watched: how many check or time every op of eager mode, which then takes no short cut
threads: how many threads share a kernel; 0 for as many as there are processors
optimizer_options: which passes are left out (tf.config.optimizer)
debug: what `DUOFLOW_DEBUG` asks for: "replay" replays compiled functions that fail
inter_op_threads, traceback_filtering, log_device_placement: kept for programs that read back what
they set
"""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from typing import Any

__all__ = ["switches"]


def _threads_asked_for() -> int:
    wanted = os.environ.get("DUOFLOW_THREADS", "")
    return int(wanted) if wanted.isdigit() else 0


@dataclass
class Switches:
    """The switches and their defaults; `DUOFLOW_CHECK=1` sets the first, `DUOFLOW_THREADS` the number of threads."""

    check_graphs: bool = os.environ.get("DUOFLOW_CHECK", "") not in ("", "0")
    eager_compile: bool = True
    check_numerics: bool = False
    watched: int = 0
    threads: int = _threads_asked_for()
    inter_op_threads: int = 0
    optimizer_options: dict[str, Any] = field(default_factory=dict)
    traceback_filtering: bool = True
    log_device_placement: bool = False
    debug: tuple[str, ...] = tuple(os.environ.get("DUOFLOW_DEBUG", "").replace(",", " ").split())


switches = Switches()
