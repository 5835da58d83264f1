"""`tf.lookup.experimental`: tables that programs change. A table of names."""

from .mutable import DenseHashTable, MutableHashTable

__all__ = ["DenseHashTable", "MutableHashTable"]
