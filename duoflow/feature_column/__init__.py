"""`tf.feature_column`: what a model makes of raw features. A table of names."""

from .base import make_parse_example_spec
from .categories import (
    categorical_column_with_hash_bucket,
    categorical_column_with_identity,
    categorical_column_with_vocabulary_file,
    categorical_column_with_vocabulary_list,
    crossed_column,
    weighted_categorical_column,
)
from .embeddings import embedding_column, indicator_column, shared_embeddings
from .numbers import bucketized_column, numeric_column

__all__ = [
    "bucketized_column", "categorical_column_with_hash_bucket", "categorical_column_with_identity",
    "categorical_column_with_vocabulary_file", "categorical_column_with_vocabulary_list", "crossed_column",
    "embedding_column", "indicator_column", "make_parse_example_spec", "numeric_column", "shared_embeddings",
    "weighted_categorical_column",
]  # fmt: skip
