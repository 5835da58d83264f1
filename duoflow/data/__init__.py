"""`tf.data`: input pipelines."""

from . import (
    experimental,
    graph_iterators,
    iterators,
    nested,
    recipes,
    resampling,
    session_iterators,
    sources,
    transforms,
)
from .dataset import AUTOTUNE, INFINITE_CARDINALITY, UNKNOWN_CARDINALITY, Dataset, DatasetSpec
from .iterators import IteratorSpec, NumpyIterator
from .iterators import OwnedIterator as Iterator
from .options import Options, ThreadingOptions
from .readers import FixedLengthRecordDataset, TextLineDataset, TFRecordDataset

__all__ = [
    "AUTOTUNE", "INFINITE_CARDINALITY", "UNKNOWN_CARDINALITY", "Dataset", "DatasetSpec", "FixedLengthRecordDataset",
    "Iterator", "IteratorSpec", "NumpyIterator", "Options", "TFRecordDataset", "TextLineDataset", "ThreadingOptions",
    "experimental", "iterators", "session_iterators", "sources", "transforms",
]  # fmt: skip
