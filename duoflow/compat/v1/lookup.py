"""`tf.compat.v1.lookup`: `tf.lookup` with the initializers of tables as operations of their graph."""

from __future__ import annotations

from typing import Any

from duoflow import lookup
from duoflow.lookup import KeyValueTensorInitializer, TextFileIndex, TextFileInitializer, experimental

__all__ = [
    "KeyValueTensorInitializer", "StaticHashTable", "StaticVocabularyTable", "TextFileIndex", "TextFileInitializer",
    "experimental",
]  # fmt: skip


class StaticHashTable(lookup.StaticHashTable):
    """`tf.lookup.StaticHashTable`, to be initialised by running `initializer`.

    TensorFlow: tf.compat.v1.lookup.StaticHashTable.
    """

    @property
    def initializer(self) -> Any:
        """The operation that fills the table; `tf.compat.v1.tables_initializer` runs those of all tables."""
        return self._init_op


class StaticVocabularyTable(lookup.StaticVocabularyTable):
    """`tf.lookup.StaticVocabularyTable`, to be initialised by running `initializer`.

    TensorFlow: tf.compat.v1.lookup.StaticVocabularyTable.
    """

    @property
    def initializer(self) -> Any:
        """The operation that fills the table; None for buckets alone."""
        return None if self._table is None else self._table._init_op
