"""Columns that make numbers of ids: one-hot vectors, and rows of tables that are learned."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from duoflow.core import dtypes
from duoflow.core.late import F

from .base import CategoricalColumn, DenseColumn, Features, Ids, Variables

__all__ = [
    "combined", "embedding_column", "indicator_column", "shared_embedding_columns", "shared_embeddings",
]  # fmt: skip

_COMBINERS = ("mean", "sqrtn", "sum")


def combined(table: Any, found: Ids, combiner: str, max_norm: float | None = None) -> Any:
    """The rows of a table for ids [batch, n], weighed and put together: their mean, sum, or sum / sqrt(n).

    Ids of -1 count for nothing, nor do weights that are not positive unless rows are summed; examples without ids give
    zeros.
    """
    here = F.greater_equal(found.ids, 0)
    weights = F.cast(here, dtypes.float32)
    if found.weights is not None:
        weights = weights * found.weights
        if combiner != "sum":
            weights = F.maximum(weights, 0.0)
    rows = F.embedding_lookup(table, F.maximum(found.ids, 0), max_norm)
    total = F.reduce_sum(rows * F.expand_dims(weights, -1), 1)
    if combiner == "sum":
        return total
    size = F.reduce_sum(weights if combiner == "mean" else F.square(weights), 1, keepdims=True)
    return F.divide_no_nan(total, size if combiner == "mean" else F.sqrt(size))


# -- one-hot vectors ---------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class IndicatorColumn(DenseColumn):
    """See `indicator_column`."""

    categorical_column: CategoricalColumn

    @property
    def name(self) -> str:
        return f"{self.categorical_column.name}_indicator"

    @property
    def parse_example_spec(self) -> dict[str, Any]:
        return self.categorical_column.parse_example_spec

    @property
    def variable_shape(self) -> tuple[int, ...]:
        return (self.categorical_column.num_buckets,)

    def transform(self, features: Features) -> Any:
        found = self.categorical_column.ids(features)
        each = F.one_hot(found.ids, self.categorical_column.num_buckets, dtype=dtypes.float32)
        if found.weights is not None:
            each = each * F.expand_dims(found.weights, -1)
        return F.reduce_sum(each, 1)

    def dense(self, features: Features, variable: Variables) -> Any:
        return features.get(self)


def indicator_column(categorical_column: CategoricalColumn) -> IndicatorColumn:
    """A column of how often each id comes in an example.

    TensorFlow: tf.feature_column.indicator_column.
    """
    _require_categorical(categorical_column)
    return IndicatorColumn(categorical_column)


def _require_categorical(column: Any) -> None:
    if not isinstance(column, CategoricalColumn):
        raise ValueError(f"Unsupported input type. Input must be a CategoricalColumn. Given: {column}")


# -- tables ------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class EmbeddingColumn(DenseColumn):
    """See `embedding_column`. `shared` names the table, if it belongs to several columns."""

    categorical_column: CategoricalColumn
    dimension: int
    combiner: str
    initializer: Callable[..., Any]
    ckpt_to_load_from: str | None
    tensor_name_in_ckpt: str | None
    max_norm: float | None
    trainable: bool
    shared: str | None = None

    @property
    def name(self) -> str:
        return f"{self.categorical_column.name}_{'embedding' if self.shared is None else 'shared_embedding'}"

    @property
    def parse_example_spec(self) -> dict[str, Any]:
        return self.categorical_column.parse_example_spec

    @property
    def variable_shape(self) -> tuple[int, ...]:
        return (self.dimension,)

    def transform(self, features: Features) -> Any:
        return self.categorical_column.ids(features)

    def dense(self, features: Features, variable: Variables) -> Any:
        table = variable(self)
        return combined(table, features.get(self), self.combiner, self.max_norm)


def _checked(dimension: Any, combiner: str, initializer: Any, checkpoint: Any, tensor: Any) -> Any:
    """The initializer; errors for arguments that do not fit."""
    if dimension is None or dimension < 1:
        raise ValueError(f"Invalid dimension {dimension}.")
    if combiner not in _COMBINERS:
        raise ValueError(f"combiner must be one of {', '.join(_COMBINERS)}, received {combiner!r}.")
    if (checkpoint is None) != (tensor is None):
        raise ValueError("Must specify both `ckpt_to_load_from` and `tensor_name_in_ckpt` or none of them.")
    if initializer is not None and not callable(initializer):
        raise ValueError(f"initializer must be callable if specified. Embedding of dimension {dimension}.")
    return initializer or (
        lambda shape, dtype=None, **_: F.random_truncated_normal(shape, 0.0, 1 / math.sqrt(dimension))
    )


def embedding_column(
    categorical_column: CategoricalColumn, dimension: int, combiner: str = "mean", initializer: Any = None,
    ckpt_to_load_from: str | None = None, tensor_name_in_ckpt: str | None = None, max_norm: float | None = None,
    trainable: bool = True, use_safe_embedding_lookup: bool = True,
) -> EmbeddingColumn:  # fmt: skip
    """A column of rows of a table, which is learned.

    Args:
      dimension: the size of the rows.
      combiner: what is made of the rows of an example: "mean", "sum", or "sqrtn", the sum over the root of the weights'
        squares.
      initializer: of the table; truncated normal numbers of deviation 1/sqrt(dimension) by default.
      ckpt_to_load_from, tensor_name_in_ckpt: a checkpoint and the name in it from which the table starts.
      max_norm: rows longer than this are scaled down to it.
      trainable: whether the table is learned.
      use_safe_embedding_lookup: accepted; examples without ids give zeros.

    TensorFlow: tf.feature_column.embedding_column.
    """
    _require_categorical(categorical_column)
    start = _checked(dimension, combiner, initializer, ckpt_to_load_from, tensor_name_in_ckpt)
    return EmbeddingColumn(
        categorical_column, dimension, combiner, start, ckpt_to_load_from, tensor_name_in_ckpt, max_norm, trainable
    )


def shared_embeddings(
    categorical_columns: Any, dimension: int, combiner: str = "mean", initializer: Any = None,
    shared_embedding_collection_name: str | None = None, ckpt_to_load_from: str | None = None,
    tensor_name_in_ckpt: str | None = None, max_norm: float | None = None, trainable: bool = True,
    use_safe_embedding_lookup: bool = True,
) -> list[EmbeddingColumn]:  # fmt: skip
    """Embedding columns, one for each of several columns with the same ids, of one table.

    Args: as of `embedding_column`; `shared_embedding_collection_name` is the table's name.

    Raises:
      ValueError: if the columns have different numbers of ids or are of different kinds.

    TensorFlow: tf.feature_column.shared_embeddings.
    """
    columns = sorted(categorical_columns, key=lambda c: c.name)
    for column in columns:
        _require_categorical(column)
        if column.num_buckets != columns[0].num_buckets:
            raise ValueError(
                f"To use shared_embedding_column, all categorical_columns must have the same number of buckets. "
                f"Given column: {columns[0]} with buckets: {columns[0].num_buckets} does not match column: {column} "
                f"with buckets: {column.num_buckets}"
            )
        if type(column) is not type(columns[0]):
            raise ValueError(
                f"To use shared_embedding_column, all categorical_columns must have the same type. Given column: "
                f"{columns[0]} of type: {type(columns[0])} does not match column: {column} of type: {type(column)}"
            )
    start = _checked(dimension, combiner, initializer, ckpt_to_load_from, tensor_name_in_ckpt)
    name = shared_embedding_collection_name or "_".join(c.name for c in columns) + "_shared_embedding"
    return [
        EmbeddingColumn(
            c, dimension, combiner, start, ckpt_to_load_from, tensor_name_in_ckpt, max_norm, trainable, name
        )
        for c in categorical_columns
    ]


#: TensorFlow 1's name.
shared_embedding_columns = shared_embeddings
