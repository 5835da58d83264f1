"""The pages in docs/ that show programs with what they print: they still print that.

A page's ```python blocks run one after the other in one namespace; a ``` block after one holds what it prints and logs.
Numbers are not compared in blocks that hold times.
"""

import contextlib
import io
import linecache
import logging
import re
from pathlib import Path

import numpy as np
import pytest

import duoflow as tf

DOCS = Path(__file__).resolve().parent.parent / "docs"
PAGES = ["functions.md", "autograph.md", "debugging.md", "saving.md"]
#: The lines of an explanation that say how the engine goes about it, which is its own affair.
ENGINES_OWN = ("for the shapes", "memory planned: ", "passes: ", "native ", "host ")
BLOCK = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def run(text, name, space):
    """What a block prints and logs."""
    linecache.cache[name] = len(text), None, text.splitlines(keepends=True), name
    printed = io.StringIO()
    handler = logging.StreamHandler(printed)
    handler.setFormatter(logging.Formatter("WARNING: %(message)s"))
    logger = tf.get_logger()
    before, logger.handlers, logger.propagate = logger.handlers, [handler], False
    try:
        with contextlib.redirect_stdout(printed):
            exec(compile(text, name, "exec"), space)
    finally:
        logger.handlers, logger.propagate = before, True
    text = re.sub(r"<string-\d+>", "<string-1>", printed.getvalue())  # how many there were before depends on the tests
    return re.sub(r" at 0x[0-9a-f]+", "", text).strip()


def blocks(page):
    """Pairs of a program and the output that the page shows for it, or None."""
    found = BLOCK.findall(page)
    for (language, text), following in zip(found, [*found[1:], ("", None)], strict=True):
        if language == "python":
            yield text, following[1] if following[0] == "" else None


def comparable(text):
    """A text without what differs from run to run."""
    if "µs" in text or "begun inside each other" in text:
        lines = [line for line in text.splitlines() if not line.strip().startswith(ENGINES_OWN)]
        text = re.sub(r"[\d,.]+|-(?=\s)", "#", re.sub(r" +", " ", "\n".join(lines)))
    return text


@pytest.mark.parametrize("name", PAGES)
def test_a_page_prints_what_it_shows(name):
    space = {"tf": tf, "np": np, "__name__": "__main__"}
    for number, (text, shown) in enumerate(blocks((DOCS / name).read_text(encoding="utf-8")), 1):
        printed = run(text, f"block{number}.py", space)
        if printed or shown is not None:
            assert shown is not None, f"block {number} of {name} prints, and the page shows nothing:\n{printed}"
            assert comparable(printed) == comparable(shown.strip()), f"block {number} of {name}"
