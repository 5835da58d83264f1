"""IMDB: film reviews, and whether they are positive."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np

from .reading import fetch_npz, fetch_word_index, shuffled
from .words import as_array, limited, not_longer, shifted

__all__ = ["get_word_index", "load_data"]

_HASH = "69664113be75683a8fe16e3ed0ab59fda8886cb3cd7ada244f7d9544e4676b9f"


def load_data(
    path: str = "imdb.npz", num_words: int | None = None, skip_top: int = 0, maxlen: int | None = None,
    seed: int = 113, start_char: int | None = 1, oov_char: int | None = 2, index_from: int = 3, **kwargs: Any,
) -> tuple[tuple[Any, Any], tuple[Any, Any]]:  # fmt: skip
    """`(x_train, y_train), (x_test, y_test)`: 25,000 reviews each as lists of word ranks, and 0 or 1.

    Args:
      path: the file's name in the cache, or an absolute path. num_words: ranks from here on become `oov_char`.
      skip_top: so do those below. maxlen: only reviews shorter than this. seed: of the order.
      start_char: put before each review. oov_char: None to leave words out. index_from: added to all ranks.

    Downloaded once. Maas et al., 2011. Keras: keras.datasets.imdb.load_data. Raises `ValueError` if `maxlen` leaves
    nothing, `Exception` without a network unless the file is in the cache.
    """
    if "nb_words" in kwargs:
        warnings.warn("The `nb_words` argument in `load_data` has been renamed `num_words`.", stacklevel=2)
        num_words = kwargs.pop("nb_words")
    if kwargs:
        raise TypeError(f"Unrecognized keyword arguments: {kwargs}.")
    x_train, y_train, x_test, y_test = fetch_npz(path, "imdb.npz", _HASH, "x_train", "y_train", "x_test", "y_test")
    random = np.random.RandomState(seed)
    sets = []
    for x, y in ((x_train, y_train), (x_test, y_test)):
        x, y = shuffled(x, y, random)
        texts = shifted(x, start_char, index_from)
        if maxlen:
            texts, y = not_longer(texts, y, maxlen)
            if not texts:
                raise ValueError(
                    f"After filtering for sequences shorter than maxlen={maxlen}, no sequence was kept. Increase "
                    "maxlen."
                )
        sets.append((texts, y))
    texts = limited(sets[0][0] + sets[1][0], num_words, skip_top, oov_char)
    labels, cut = np.concatenate([sets[0][1], sets[1][1]]), len(sets[0][0])
    return (as_array(texts[:cut]), labels[:cut]), (as_array(texts[cut:]), labels[cut:])


def get_word_index(path: str = "imdb_word_index.json") -> dict[str, int]:
    """Words to their ranks, before `index_from` is added. Keras: keras.datasets.imdb.get_word_index."""
    return fetch_word_index(path, "imdb_word_index.json", "bfafd718b763782e994055a2d397834f")
