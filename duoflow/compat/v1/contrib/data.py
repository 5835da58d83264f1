"""`tf.contrib.data`: `tf.data` before it was `tf.data`."""

from duoflow.data import Dataset, FixedLengthRecordDataset, TextLineDataset, TFRecordDataset
from duoflow.data.session_iterators import SessionIterator as Iterator

__all__ = ["Dataset", "FixedLengthRecordDataset", "Iterator", "TFRecordDataset", "TextLineDataset"]
