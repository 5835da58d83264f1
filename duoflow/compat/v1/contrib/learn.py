"""`tf.contrib.learn`: the helpers for data, and the loops around models that became `tf.estimator`."""

from __future__ import annotations

import types
from typing import Any

import numpy as np

from ..estimator import Estimator, ModeKeys, RunConfig
from . import mnist as _mnist

__all__ = [
    "Estimator",
    "ModeKeys",
    "RunConfig",
    "datasets",
    "extract_pandas_data",
    "preprocessing",
    "read_batch_examples",
]


class VocabularyProcessor:
    """Texts as rows of word numbers, 0 for unknown words and padding.

    TensorFlow: tf.contrib.learn.preprocessing.VocabularyProcessor.
    """

    def __init__(
        self, max_document_length: int, min_frequency: int = 0, vocabulary: Any = None, tokenizer_fn: Any = None
    ) -> None:
        self.max_document_length, self._least = max_document_length, min_frequency
        self.vocabulary_: dict[str, int] = dict(vocabulary or {"<UNK>": 0})
        self._split = tokenizer_fn or (lambda texts: (text.split() for text in texts))

    def fit(self, raw_documents: Any, unused_y: Any = None) -> VocabularyProcessor:
        """Number the words that come often enough, in the order of their first coming."""
        counts: dict[str, int] = {}
        for words in self._split(raw_documents):
            for word in words:
                counts[word] = counts.get(word, 0) + 1
        for word, count in counts.items():
            if count > self._least and word not in self.vocabulary_:
                self.vocabulary_[word] = len(self.vocabulary_)
        return self

    def transform(self, raw_documents: Any) -> Any:
        """A row of numbers for each text."""
        for words in self._split(raw_documents):
            row = np.zeros(self.max_document_length, np.int64)
            for i, word in enumerate(list(words)[: self.max_document_length]):
                row[i] = self.vocabulary_.get(word, 0)
            yield row

    def fit_transform(self, raw_documents: Any, unused_y: Any = None) -> Any:
        """`fit`, then `transform`."""
        documents = list(raw_documents)
        return self.fit(documents).transform(documents)

    def reverse(self, documents: Any) -> Any:
        """The texts of rows of numbers."""
        words = {number: word for word, number in self.vocabulary_.items()}
        for row in documents:
            yield " ".join(words.get(int(n), "<UNK>") for n in row)


def extract_pandas_data(data: Any) -> Any:
    """The numbers of a data frame. TensorFlow: tf.contrib.learn.extract_pandas_data."""
    return data.to_numpy() if hasattr(data, "to_numpy") else data


def read_batch_examples(*args: Any, **kwargs: Any) -> Any:
    """Not available: read examples with `tf.data.TFRecordDataset`."""
    raise NotImplementedError("read_batch_examples is not built here: use tf.data.TFRecordDataset.")


def _load_dataset(name: str, *args: Any, **kwargs: Any) -> Any:
    if name != "mnist":
        raise ValueError(f"Name of dataset is not found: {name}. Only 'mnist' is here.")
    return _mnist.read_data_sets(*(args or ("MNIST-data",)), **kwargs)


datasets = types.SimpleNamespace(
    load_dataset=_load_dataset, mnist=_mnist, base=types.SimpleNamespace(Dataset=_mnist.Dataset)
)
preprocessing = types.SimpleNamespace(VocabularyProcessor=VocabularyProcessor)
