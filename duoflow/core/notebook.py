"""Arrays as HTML for notebooks: a title, and a table of the values without the middle of long axes."""

from __future__ import annotations

from html import escape
from typing import Any

import numpy as np

__all__ = ["array_html", "table_html"]

#: Rows and columns shown at either end of an axis, and characters of a string.
_EDGE, _CHARACTERS = 5, 60


def array_html(title: str, array: np.ndarray[Any, Any]) -> str:
    """A title and the values of an array; more than two dimensions are shown as NumPy prints them."""
    head = f"<code>{escape(title)}</code>"
    if array.ndim > 2:
        text = np.array2string(array, threshold=60, edgeitems=2)
        return f"<div>{head}<pre>{escape(text)}</pre></div>"
    grid = array.reshape(1, -1) if array.ndim < 2 else array
    columns = _places(grid.shape[1])
    rows = [
        ["…"] * len(columns) if i is None else ["…" if j is None else _text(grid[i, j]) for j in columns]
        for i in _places(grid.shape[0])
    ]
    return f"<div>{head}{table_html((), rows)}</div>"


def table_html(headers: tuple[str, ...], rows: list[list[str]]) -> str:
    """A table of texts, escaped; one that is longer than a screen scrolls."""
    lines = ["".join(f"<th>{escape(header)}</th>" for header in headers)] if headers else []
    lines += ["".join(f"<td>{escape(text)}</td>" for text in row) for row in rows]
    body = "".join(f"<tr>{line}</tr>" for line in lines)
    return f'<div style="max-height:30em;overflow:auto"><table>{body}</table></div>'


def _places(size: int) -> list[int | None]:
    """The places of an axis that are shown; None stands for those left out."""
    if size <= 2 * _EDGE + 1:
        return list(range(size))
    return [*range(_EDGE), None, *range(size - _EDGE, size)]


def _text(value: Any) -> str:
    if isinstance(value, bytes):
        value = value.decode("utf-8", "backslashreplace")
    if isinstance(value, str):
        return value if len(value) <= _CHARACTERS else value[: _CHARACTERS - 1] + "…"
    if isinstance(value, np.generic) and value.dtype.kind in "iubc":
        return str(value)
    return f"{float(value):.6g}"
