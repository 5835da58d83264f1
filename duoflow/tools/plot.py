"""Curves as text: lines of braille dots, two dots wide and four high in every character."""

from collections.abc import Sequence

import numpy as np

DOTS = ((0x01, 0x08), (0x02, 0x10), (0x04, 0x20), (0x40, 0x80))  # by row, by column of a braille character


def curve(title: str, values: Sequence[float], height: int = 6, width: int = 60) -> str:
    """A line through `values`, evenly spaced, between their smallest and largest, which are written beside it.

    >>> from duoflow.tools.plot import curve
    >>> print(curve("loss", [1.0, 0.5, 0.25], height=2, width=4))
    loss
      1.000 │⠑⡀
      0.250 │ ⠈⠢⢄
    """
    columns, rows = 2 * width, 4 * height
    low, high = min(values), max(values)
    heights = np.interp(np.linspace(0, len(values) - 1, columns), np.arange(len(values)), values)
    levels = np.rint((high - heights) / ((high - low) or 1.0) * (rows - 1)).astype(int)
    cells = np.full((height, width), 0x2800)
    for x, y in enumerate(levels):
        cells[y // 4, x // 2] |= DOTS[y % 4][x % 2]
    labels = [f"{high:7.3f}", *[" " * 7] * (height - 2), f"{low:7.3f}"]
    lines = ("".join(map(chr, row)).replace("\u2800", " ").rstrip() for row in cells)
    return "\n".join([title, *(f"{label} │{line}" for label, line in zip(labels, lines))])
