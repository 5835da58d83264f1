"""The graphs of a script as one HTML file that needs nothing else: no network, no library.

The page shows a program's graph after each pass, grouped by the user's lines, with what the pass added; a click on a
node shows all about it. The file is `page.html` beside this one with the data put in.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path

from .stages import Program

__all__ = ["as_page"]

_MARK = "/* the data */ null"


def as_page(title: str, programs: Iterable[Program]) -> str:
    """The page's text."""
    data = {"title": title, "programs": [program.as_dict() for program in programs]}
    text = json.dumps(data, ensure_ascii=False).replace("<", "\\u003c")  # no tag in it can end the script
    before, after = Path(__file__).with_name("page.html").read_text(encoding="utf-8").split(_MARK)
    return before + text + after
