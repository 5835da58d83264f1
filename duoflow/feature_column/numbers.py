"""Columns of numbers, and of the intervals that they fall into."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from duoflow.core import dtypes
from duoflow.core.dtypes import DType, as_dtype
from duoflow.core.late import F
from duoflow.ops import FixedLenFeature

from .base import CategoricalColumn, DenseColumn, Features, Ids, Variables

__all__ = ["BucketizedColumn", "NumericColumn", "bucketized_column", "numeric_column"]


def _flat(tensor: Any, shape: tuple[int, ...]) -> Any:
    """[batch, ...] with as many numbers for each example as a shape has."""
    return F.reshape(tensor, [-1, int(np.prod(shape))])


@dataclass(frozen=True)
class NumericColumn(DenseColumn):
    """See `numeric_column`."""

    key: str
    shape: tuple[int, ...]
    default_value: Any
    dtype: DType
    normalizer_fn: Callable[[Any], Any] | None

    @property
    def name(self) -> str:
        return self.key

    @property
    def parse_example_spec(self) -> dict[str, Any]:
        return {self.key: FixedLenFeature(self.shape, self.dtype, self.default_value)}

    @property
    def variable_shape(self) -> tuple[int, ...]:
        return self.shape

    def transform(self, features: Features) -> Any:
        tensor = features.get(self.key)
        if self.normalizer_fn is not None:
            tensor = self.normalizer_fn(tensor)
        if tensor.dtype is dtypes.string or tensor.dtype is dtypes.bool_:
            raise ValueError(f"Feature {self.key} must be numbers, received {tensor.dtype.name}.")
        return F.cast(tensor, dtypes.float32)

    def dense(self, features: Features, variable: Variables) -> Any:
        return features.get(self)


def numeric_column(
    key: str, shape: Any = (1,), default_value: Any = None, dtype: Any = dtypes.float32,
    normalizer_fn: Callable[[Any], Any] | None = None,
) -> NumericColumn:  # fmt: skip
    """A column of numbers.

    Args:
      key: the name of the feature.
      shape: the shape of an example's numbers.
      default_value: what is put in the place of missing numbers when examples are parsed: one, or as many as the shape.
      dtype: integers or floats; columns give float32.
      normalizer_fn: what is made of the numbers first.

    Raises:
      TypeError, ValueError: for shapes, dtypes and defaults that do not fit.

    TensorFlow: tf.feature_column.numeric_column.
    """
    _require_key(key)
    dims = tuple(shape) if isinstance(shape, (list, tuple)) else (shape,)
    for size in dims:
        if not isinstance(size, (int, np.integer)):
            raise TypeError(f"shape dimensions must be integer. shape: {shape}")
        if size < 1:
            raise ValueError(f"shape dimensions must be greater than 0. shape: {shape}")
    kind = as_dtype(dtype)
    if not (kind.is_integer or kind.is_floating):
        raise ValueError(f"dtype must be convertible to float. dtype: {dtype}, key: {key}")
    if normalizer_fn is not None and not callable(normalizer_fn):
        raise TypeError(f"normalizer_fn must be a callable. Given: {normalizer_fn}")
    return NumericColumn(key, dims, _default(default_value, dims, kind, key), kind, normalizer_fn)


def _default(value: Any, dims: tuple[int, ...], kind: DType, key: str) -> Any:
    """A default for all of a shape, nested as it is."""
    if value is None:
        return None
    given = np.asarray(value)
    if given.shape not in ((), dims):
        raise ValueError(
            f"The shape of default_value must be the given one. default_value: {value}, shape: {dims}, key: {key}"
        )
    if given.dtype.kind not in "iuf" or (given.dtype.kind == "f" and not kind.is_floating):
        raise TypeError(
            f"default_value must be compatible with dtype. default_value: {value}, dtype: {kind}, key: {key}"
        )
    nested = np.broadcast_to(given, dims).astype(kind.numpy).tolist()
    return _tuples(nested)


def _tuples(value: Any) -> Any:
    return tuple(map(_tuples, value)) if isinstance(value, list) else value


def _require_key(key: Any) -> None:
    if not isinstance(key, str):
        raise ValueError(f"key must be a string. Got: type {type(key)}. Given key: {key}.")


@dataclass(frozen=True)
class BucketizedColumn(DenseColumn, CategoricalColumn):
    """See `bucketized_column`."""

    source_column: NumericColumn
    boundaries: tuple[float, ...]

    @property
    def name(self) -> str:
        return f"{self.source_column.name}_bucketized"

    @property
    def parse_example_spec(self) -> dict[str, Any]:
        return self.source_column.parse_example_spec

    @property
    def variable_shape(self) -> tuple[int, ...]:
        return (*self.source_column.shape, len(self.boundaries) + 1)

    @property
    def num_buckets(self) -> int:
        return (len(self.boundaries) + 1) * int(np.prod(self.source_column.shape))

    def transform(self, features: Features) -> Any:
        return _bucket(features.get(self.source_column), self.boundaries)

    def dense(self, features: Features, variable: Variables) -> Any:
        return F.one_hot(features.get(self), len(self.boundaries) + 1, dtype=dtypes.float32)

    def ids(self, features: Features) -> Ids:
        numbers = int(np.prod(self.source_column.shape))
        offsets = np.arange(numbers) * (len(self.boundaries) + 1)
        return Ids(_flat(features.get(self), self.source_column.shape) + F.constant(offsets, dtypes.int64))


def _bucket(tensor: Any, boundaries: tuple[float, ...]) -> Any:
    """The number of boundaries that are not above a number."""
    flat = F.reshape(tensor, [-1])
    found = F.searchsorted(F.constant(boundaries, tensor.dtype), flat, side="right", out_type=dtypes.int64)
    return F.reshape(found, F.shape(tensor))


def bucketized_column(source_column: NumericColumn, boundaries: Any) -> BucketizedColumn:
    """A column of the intervals that numbers fall into, each from a boundary up to the next.

    Args:
      source_column: a `numeric_column` of rank one.
      boundaries: numbers in ascending order.

    TensorFlow: tf.feature_column.bucketized_column.
    """
    if not isinstance(source_column, NumericColumn):
        raise ValueError(f"source_column must be a column generated with numeric_column(). Given: {source_column}")
    if len(source_column.shape) > 1:
        raise ValueError(f"source_column must be one-dimensional column. Given: {source_column}")
    if not boundaries:
        raise ValueError("boundaries must not be empty.")
    if not isinstance(boundaries, (list, tuple)):
        raise ValueError("boundaries must be a sorted list.")
    if any(a >= b for a, b in itertools.pairwise(boundaries)):
        raise ValueError("boundaries must be a sorted list.")
    return BucketizedColumn(source_column, tuple(boundaries))
