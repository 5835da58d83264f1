"""`tf.compat.v2`: the names of `tf` itself."""

from __future__ import annotations

from typing import Any

import duoflow


def __getattr__(name: str) -> Any:
    return getattr(duoflow, name)


def __dir__() -> list[str]:
    return dir(duoflow)
