"""`tf.compat.v1.feature_column`: `tf.feature_column`, with the input layers and linear models of graphs."""

from __future__ import annotations

from typing import Any

import numpy as np

from duoflow.core.late import F
from duoflow.feature_column import (
    bucketized_column,
    categorical_column_with_hash_bucket,
    categorical_column_with_identity,
    categorical_column_with_vocabulary_list,
    crossed_column,
    embedding_column,
    indicator_column,
    make_parse_example_spec,
    numeric_column,
    weighted_categorical_column,
)
from duoflow.feature_column.base import CategoricalColumn, DenseColumn, Features, listed
from duoflow.feature_column.categories import categorical_column_with_vocabulary_file_v1
from duoflow.feature_column.embeddings import EmbeddingColumn, combined, shared_embedding_columns

from .initializers import zeros_initializer
from .modes import GraphKeys
from .saver import init_from_checkpoint
from .variables import get_variable, variable_scope

__all__ = [
    "bucketized_column", "categorical_column_with_hash_bucket", "categorical_column_with_identity",
    "categorical_column_with_vocabulary_file", "categorical_column_with_vocabulary_list", "crossed_column",
    "embedding_column", "indicator_column", "input_layer", "linear_model", "make_parse_example_spec", "numeric_column",
    "shared_embedding_columns", "weighted_categorical_column",
]  # fmt: skip

categorical_column_with_vocabulary_file = categorical_column_with_vocabulary_file_v1


def _collections(weight_collections: Any) -> list[str]:
    found = list(weight_collections or [])
    return found if GraphKeys.GLOBAL_VARIABLES in found else [*found, GraphKeys.GLOBAL_VARIABLES]


def input_layer(
    features: Any, feature_columns: Any, weight_collections: Any = None, trainable: bool = True,
    cols_to_vars: dict[Any, Any] | None = None, cols_to_output_tensors: dict[Any, Any] | None = None,
) -> Any:  # fmt: skip
    """The numbers of columns beside each other, [batch, sum of their sizes], ordered by the columns' names.

    Args:
      features: a dict of tensors.
      feature_columns: columns of numbers; ids must be in indicator or embedding columns.
      weight_collections: lists that variables join.
      trainable: whether they are learned.
      cols_to_vars, cols_to_output_tensors: dicts that get each column's variables and numbers.

    Raises:
      ValueError: for features that are missing, and columns of ids.

    TensorFlow: tf.compat.v1.feature_column.input_layer.
    """
    columns = listed(feature_columns)
    for column in columns:
        if not isinstance(column, DenseColumn):
            raise ValueError(
                "Items of feature_columns must be a DenseColumn. You can wrap a categorical column with an "
                f"embedding_column or indicator_column. Given: {column}"
            )
    held, collections, outputs = Features(features), _collections(weight_collections), []
    tables: dict[str, Any] = {}
    with variable_scope(None, "input_layer", list(features.values())):
        for column in columns:
            made: list[Any] = []

            def table(column: Any, made: list[Any] = made) -> Any:
                found = _table(column, collections, trainable, tables)
                made.append(found)
                return found

            with variable_scope(None, _scope_name(column)):
                tensor = column.dense(held, table)
                size = int(np.prod(column.variable_shape))
                output = F.reshape(tensor, F.stack([F.shape(tensor)[0], size]))
                output.set_shape([tensor.dims[0], size])
            outputs.append(output)
            if cols_to_vars is not None:
                cols_to_vars[column] = made
            if cols_to_output_tensors is not None:
                cols_to_output_tensors[column] = output
        return F.concat(outputs, 1)


def _scope_name(column: Any) -> str:
    return getattr(column, "shared", None) or column.name


def _table(column: EmbeddingColumn, collections: list[str], trainable: bool, tables: dict[str, Any]) -> Any:
    """The table of an embedding column, made in the open scope; columns that share it get the same one."""
    if column.shared is not None and column.shared in tables:
        return tables[column.shared]
    table = get_variable(
        "embedding_weights", [column.categorical_column.num_buckets, column.dimension],
        initializer=column.initializer, trainable=column.trainable and trainable, collections=collections,
    )  # fmt: skip
    if column.ckpt_to_load_from is not None:
        init_from_checkpoint(column.ckpt_to_load_from, {column.tensor_name_in_ckpt: table})
    if column.shared is not None:
        tables[column.shared] = table
    return table


def linear_model(
    features: Any, feature_columns: Any, units: int = 1, sparse_combiner: str = "sum", weight_collections: Any = None,
    trainable: bool = True, cols_to_vars: dict[Any, Any] | None = None,
) -> Any:  # fmt: skip
    """A sum of the columns' weights and a bias, [batch, units].

    Args:
      features: a dict of tensors.
      feature_columns: of numbers, or of ids, which have a weight each.
      sparse_combiner: what is made of the weights of an example's ids: "sum", "mean" or "sqrtn".
      cols_to_vars: a dict that gets each column's variables, and the bias under "bias".

    Raises:
      ValueError: for features that are missing, and columns that are neither of numbers nor of ids.

    TensorFlow: tf.compat.v1.feature_column.linear_model.
    """
    columns, held, collections, sums = listed(feature_columns), Features(features), _collections(weight_collections), []
    for column in columns:
        if not isinstance(column, (DenseColumn, CategoricalColumn)):
            raise ValueError(
                f"Items of feature_columns must be either a DenseColumn or CategoricalColumn. Given: {column}"
            )
    with variable_scope(None, "linear_model", list(features.values())):
        for column in columns:
            with variable_scope(column.name):
                total, weights = _weighted(column, held, units, sparse_combiner, collections, trainable)
            sums.append(total)
            if cols_to_vars is not None:
                cols_to_vars[column] = [weights]
        bias = get_variable(
            "bias_weights", [units], initializer=zeros_initializer(), trainable=trainable, collections=collections
        )
        if cols_to_vars is not None:
            cols_to_vars["bias"] = [bias]
        return F.bias_add(F.add_n(sums, name="weighted_sum_no_bias"), bias, name="weighted_sum")


def _weighted(column: Any, held: Features, units: int, combiner: str, collections: list[str], trainable: bool) -> Any:
    """A column's part of a linear model, and its weights."""

    def weights(rows: int) -> Any:
        return get_variable(
            "weights", [rows, units], initializer=zeros_initializer(), trainable=trainable, collections=collections
        )

    if isinstance(column, CategoricalColumn):
        variable = weights(column.num_buckets)
        return combined(variable, column.ids(held), combiner), variable
    size = int(np.prod(column.variable_shape))
    variable = weights(size)
    dense = column.dense(held, lambda c: _table(c, collections, trainable, {}))
    return F.matmul(F.reshape(dense, [-1, size]), variable), variable
