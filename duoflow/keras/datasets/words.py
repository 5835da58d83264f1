"""Texts as lists of word ranks, prepared as Keras prepares them."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np

__all__ = ["as_array", "limited", "not_longer", "shifted"]


def shifted(texts: Iterable[Any], start_char: int | None, index_from: int) -> list[list[int]]:
    """Ranks moved up by `index_from`, each text after a mark of its start (if any)."""
    start = [] if start_char is None else [start_char]
    by = index_from if start_char is not None or index_from else 0
    return [start + [rank + by for rank in text] for text in texts]


def not_longer(texts: list[list[int]], labels: Any, maxlen: int) -> tuple[list[list[int]], Any]:
    """The texts shorter than `maxlen`, with their labels."""
    kept = [i for i, text in enumerate(texts) if len(text) < maxlen]
    return [texts[i] for i in kept], [labels[i] for i in kept]


def limited(texts: list[list[int]], num_words: int | None, skip_top: int, oov_char: int | None) -> list[list[int]]:
    """Without the ranks below `skip_top` and from `num_words` on: replaced by `oov_char`, or left out if None."""
    if not num_words:
        num_words = max(max(text) for text in texts)
    if oov_char is not None:
        return [[rank if skip_top <= rank < num_words else oov_char for rank in text] for text in texts]
    return [[rank for rank in text if skip_top <= rank < num_words] for text in texts]


def as_array(texts: list[list[int]]) -> np.ndarray[Any, Any]:
    """The texts as an array of lists."""
    return np.array(texts, dtype="object")
