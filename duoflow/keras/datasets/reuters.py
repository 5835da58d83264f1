"""Reuters: newswires of 1987, and which of 46 topics they are about."""

from __future__ import annotations

from typing import Any

import numpy as np

from .reading import fetch_npz, fetch_word_index, shuffled
from .words import as_array, limited, not_longer, shifted

__all__ = ["get_label_names", "get_word_index", "load_data"]

_HASH = "d6586e694ee56d7a4e65172e12b3e987c03096cb01eab99753921ef915959916"
_TOPICS = tuple(
    "cocoa grain veg-oil earn acq wheat copper housing money-supply coffee sugar trade reserves ship cotton carcass "
    "crude nat-gas cpi money-fx interest gnp meal-feed alum oilseed gold tin strategic-metal livestock retail ipi "
    "iron-steel rubber heat jobs lei bop zinc orange pet-chem dlr gas silver wpi hog lead".split()
)


def load_data(
    path: str = "reuters.npz", num_words: int | None = None, skip_top: int = 0, maxlen: int | None = None,
    test_split: float = 0.2, seed: int = 113, start_char: int | None = 1, oov_char: int | None = 2,
    index_from: int = 3,
) -> tuple[tuple[Any, Any], tuple[Any, Any]]:  # fmt: skip
    """`(x_train, y_train), (x_test, y_test)`: 11,228 newswires as lists of word ranks, and their topics.

    Args:
      path: the file's name in the cache, or an absolute path. num_words: ranks from here on become `oov_char`.
      skip_top: so do those below. maxlen: only newswires shorter than this. test_split: the part that is the test set.
      seed: of the order. start_char: put before each newswire. oov_char: None to leave words out.
      index_from: added to all ranks.

    Downloaded once. Keras: keras.datasets.reuters.load_data. Raises `Exception` without a network unless the file is in
    the cache.
    """
    x, y = shuffled(*fetch_npz(path, "reuters.npz", _HASH, "x", "y"), np.random.RandomState(seed))
    texts, labels = shifted(x, start_char, index_from), y
    if maxlen:
        texts, labels = not_longer(texts, labels, maxlen)
    texts = limited(texts, num_words, skip_top, oov_char)
    cut = int(len(texts) * (1 - test_split))
    labels = np.asarray(labels)
    return (as_array(texts[:cut]), labels[:cut]), (as_array(texts[cut:]), labels[cut:])


def get_word_index(path: str = "reuters_word_index.json") -> dict[str, int]:
    """Words to their ranks, before `index_from` is added. Keras: keras.datasets.reuters.get_word_index."""
    return fetch_word_index(path, "reuters_word_index.json", "4d44cc38712099c9e383dc6e5f11a921")


def get_label_names() -> tuple[str, ...]:
    """The topics by number.

    >>> tf.keras.datasets.reuters.get_label_names()[3]
    'earn'

    Keras: keras.datasets.reuters.get_label_names.
    """
    return _TOPICS
