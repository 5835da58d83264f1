"""`memory_limit=` of `tf.function`: a number of bytes, as a number or as text."""

from __future__ import annotations

import re

__all__ = ["bytes_of"]

_UNITS = {"": 1, "B": 1, "KB": 10**3, "MB": 10**6, "GB": 10**9, "KIB": 1 << 10, "MIB": 1 << 20, "GIB": 1 << 30}


def bytes_of(limit: int | str | None) -> int | None:
    """How many bytes a limit is; `ValueError` or `TypeError` for what is none.

    >>> from duoflow.trace.limits import bytes_of
    >>> bytes_of("1.5 KiB"), bytes_of(200)
    (1536, 200)
    """
    if limit is None or (isinstance(limit, int) and not isinstance(limit, bool) and limit > 0):
        return limit
    if not isinstance(limit, (int, str)) or isinstance(limit, bool):
        raise TypeError(f"memory_limit must be a number of bytes or text like '64MiB', received {limit!r}.")
    found = re.fullmatch(r"\s*(\d+(?:\.\d+)?)\s*([KMG]?i?B)?\s*", str(limit), re.IGNORECASE)
    if found is None or float(found[1]) == 0:
        raise ValueError(
            f"memory_limit must be more than 0 bytes, or text like '64MiB', received {limit!r}."
        )
    return int(float(found[1]) * _UNITS[(found[2] or "").upper()])
