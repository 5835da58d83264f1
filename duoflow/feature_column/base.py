"""What columns are made of: features by key, what columns make of them, and ids with their weights.

Categorical features are dense here: ids [batch, n] in which -1 is nothing, where TensorFlow has sparse tensors. Input
that says so by "" (strings) or -1 (integers) has nothing there, as in TensorFlow.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any, NamedTuple

from duoflow.core import dtypes
from duoflow.core.late import F
from duoflow.core.tensor import convert

__all__ = [
    "CategoricalColumn", "DenseColumn", "FeatureColumn", "Features", "Ids", "Variables", "listed",
    "make_parse_example_spec",
]  # fmt: skip


class Ids(NamedTuple):
    """Ids [batch, n], -1 for none, and weights [batch, n] or None."""

    ids: Any
    weights: Any = None


class Features:
    """Features by key, and what columns made of them: each once."""

    def __init__(self, features: Mapping[Any, Any]) -> None:
        self._given, self._made = features, {}

    def get(self, key: Any) -> Any:
        """What a column makes of the features; for a string the feature itself, [batch, ...] of rank two at least."""
        if key not in self._made:
            self._made[key] = self._raw(key) if isinstance(key, str) else key.transform(self)
        return self._made[key]

    def _raw(self, key: str) -> Any:
        if key not in self._given:
            raise ValueError(f"Feature {key} is not in features dictionary.")
        tensor = convert(self._given[key])
        if tensor.ndim == 0:
            raise ValueError(f"Feature (key: {key}) cannot have rank 0. Given: {tensor}")
        return F.expand_dims(tensor, -1) if tensor.ndim == 1 else tensor


class FeatureColumn:
    """Base of the columns."""

    @property
    def name(self) -> str:
        """The name, by which columns are ordered."""
        raise NotImplementedError

    @property
    def parse_example_spec(self) -> dict[str, Any]:
        """What `tf.io.parse_example` needs to know of the features."""
        raise NotImplementedError

    def transform(self, features: Features) -> Any:
        """What the column makes of features."""
        raise NotImplementedError


#: (name, shape, initializer, trainable) -> a variable of the column.
Variables = Callable[..., Any]


class DenseColumn(FeatureColumn):
    """A column that gives numbers for each example."""

    @property
    def variable_shape(self) -> tuple[int, ...]:
        """The shape of an example's numbers."""
        raise NotImplementedError

    def dense(self, features: Features, variable: Variables) -> Any:
        """The numbers, [batch, *variable_shape]."""
        raise NotImplementedError


class CategoricalColumn(FeatureColumn):
    """A column that gives ids for each example."""

    @property
    def num_buckets(self) -> int:
        """How many ids there are."""
        raise NotImplementedError

    def ids(self, features: Features) -> Ids:
        """The ids."""
        return Ids(features.get(self))


def listed(columns: Any) -> list[Any]:
    """Columns ordered by name; errors for what is none, or has a name twice."""
    if isinstance(columns, Mapping):
        raise ValueError("Expected feature_columns to be iterable, found dict.")
    found = list(columns) if isinstance(columns, Iterable) else [columns]
    if not found:
        raise ValueError("feature_columns must not be empty.")
    names: dict[str, Any] = {}
    for column in found:
        if not isinstance(column, FeatureColumn):
            raise ValueError(
                f"Items of feature_columns must be a FeatureColumn. Given (type {type(column)}): {column}."
            )
        if column.name in names:
            raise ValueError(
                f"Duplicate feature column name found for columns: {column} and {names[column.name]}. This usually "
                "means that these columns refer to same base feature. Either one must be discarded or a duplicated but "
                "renamed item must be inserted in features dict."
            )
        names[column.name] = column
    return [names[name] for name in sorted(names)]


def flat_ids(tensor: Any) -> Any:
    """A feature [batch, ...] as [batch, n]."""
    return tensor if tensor.ndim == 2 else F.reshape(tensor, F.stack([F.shape(tensor)[0], -1]))


def present(tensor: Any) -> Any:
    """Where a feature has something."""
    return F.not_equal(tensor, "") if tensor.dtype is dtypes.string else F.not_equal(tensor, -1)


def make_parse_example_spec(feature_columns: Any) -> dict[str, Any]:
    """What `tf.io.parse_example` needs to know of the features that columns are made of.

    Raises:
      ValueError: for what is no column, and features that columns want in different ways.

    TensorFlow: tf.feature_column.make_parse_example_spec.
    """
    found: dict[str, Any] = {}
    for column in feature_columns:
        if not isinstance(column, FeatureColumn):
            raise ValueError(f"All feature_columns must be FeatureColumn instances. Given: {column}")
        for key, value in column.parse_example_spec.items():
            if found.setdefault(key, value) != value:
                raise ValueError(
                    f"feature_columns contain different parse_spec for key {key}. Given {value} and {found[key]}"
                )
    return found
