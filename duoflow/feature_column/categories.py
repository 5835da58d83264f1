"""Columns of ids: of words in a vocabulary, numbers, hashes, and of several features together."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from duoflow.core import dtypes
from duoflow.core.dtypes import DType, as_dtype
from duoflow.core.late import F
from duoflow.lookup.initializers import KeyValueTensorInitializer, TextFileIndex, TextFileInitializer
from duoflow.lookup.tables import StaticHashTable, StaticVocabularyTable
from duoflow.ops import VarLenFeature

from .base import CategoricalColumn, Features, Ids, flat_ids, present
from .numbers import NumericColumn, _require_key

__all__ = [
    "categorical_column_with_hash_bucket", "categorical_column_with_identity",
    "categorical_column_with_vocabulary_file", "categorical_column_with_vocabulary_list", "crossed_column",
    "weighted_categorical_column",
]  # fmt: skip


def _kept(tensor: Any, ids: Any) -> Any:
    """Ids where a feature has something, -1 elsewhere."""
    return F.where(present(tensor), ids, F.cast(-1, dtypes.int64))


def _require_dtype(dtype: Any, key: str) -> DType:
    kind = as_dtype(dtype)
    if kind is not dtypes.string and not kind.is_integer:
        raise ValueError(f"dtype must be string or integer. dtype: {kind}. column_name: {key}")
    return kind


@dataclass(frozen=True)
class _Keyed(CategoricalColumn):
    """A column of one feature."""

    key: str

    @property
    def name(self) -> str:
        return self.key

    @property
    def parse_example_spec(self) -> dict[str, Any]:
        return {self.key: VarLenFeature(self._dtype)}

    @property
    def _dtype(self) -> DType:
        return dtypes.int64

    def _feature(self, features: Features) -> Any:
        """The feature [batch, n]; `ValueError` if it is of another kind than the column's."""
        tensor = flat_ids(features.get(self.key))
        if (tensor.dtype is dtypes.string) != (self._dtype is dtypes.string) or tensor.dtype.is_floating:
            raise ValueError(
                f"Column dtype and tensor dtype must be compatible. key: {self.key}, column dtype: {self._dtype}, "
                f"tensor dtype: {tensor.dtype}"
            )
        return tensor


# -- vocabularies ------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Vocabulary(_Keyed):
    """What columns with vocabularies share: a table is made where the column is used."""

    dtype: DType
    default_value: int
    num_oov_buckets: int

    @property
    def _dtype(self) -> DType:
        return self.dtype

    def _initializer(self, key_dtype: DType) -> Any:
        raise NotImplementedError

    def transform(self, features: Features) -> Any:
        tensor = self._feature(features)
        table_of = dtypes.int64 if self.dtype.is_integer else self.dtype
        initializer = self._initializer(table_of)
        keys = F.cast(tensor, dtypes.int64) if self.dtype.is_integer else tensor
        if self.num_oov_buckets:
            table: Any = StaticVocabularyTable(initializer, self.num_oov_buckets)
        else:
            table = StaticHashTable(initializer, self.default_value)
        return _kept(tensor, table.lookup(keys))


@dataclass(frozen=True)
class VocabularyListColumn(_Vocabulary):
    """See `categorical_column_with_vocabulary_list`."""

    vocabulary_list: tuple[Any, ...]

    @property
    def num_buckets(self) -> int:
        return len(self.vocabulary_list) + self.num_oov_buckets

    def _initializer(self, key_dtype: DType) -> Any:
        ids = np.arange(len(self.vocabulary_list), dtype=np.int64)
        return KeyValueTensorInitializer(list(self.vocabulary_list), ids, key_dtype, dtypes.int64)


def categorical_column_with_vocabulary_list(
    key: str, vocabulary_list: Any, dtype: Any = None, default_value: int = -1, num_oov_buckets: int = 0
) -> VocabularyListColumn:
    """A column of the places of words in a list.

    Args:
      key: the name of the feature.
      vocabulary_list: the words, strings or integers.
      default_value: the id of other words; -1 for none.
      num_oov_buckets: how many ids there are behind the list for other words.

    Raises:
      ValueError: for empty lists, words that come twice, dtypes that do not fit, and both a default and buckets.

    TensorFlow: tf.feature_column.categorical_column_with_vocabulary_list.
    """
    _require_key(key)
    if vocabulary_list is None or len(vocabulary_list) < 1:
        raise ValueError(f"vocabulary_list {vocabulary_list} must be non-empty, column_name: {key}")
    if len(set(vocabulary_list)) != len(vocabulary_list):
        raise ValueError(f"Duplicate keys in vocabulary_list {vocabulary_list}, column_name: {key}")
    own = _dtype_of(vocabulary_list)
    _check_oov(num_oov_buckets, default_value, -1, key)
    kind = _require_dtype(own if dtype is None else dtype, key)
    if kind.is_integer != own.is_integer:
        raise ValueError(f"dtype {kind} and vocabulary dtype {own} do not match, column_name: {key}")
    return VocabularyListColumn(key, kind, default_value, num_oov_buckets, tuple(vocabulary_list))


def _dtype_of(words: Any) -> DType:
    found = np.asarray(words).dtype
    return dtypes.string if found.kind in "SUO" else dtypes.from_numpy(found)


def _check_oov(count: Any, default: Any, none: Any, key: str) -> None:
    if count < 0:
        raise ValueError(f"Invalid num_oov_buckets {count}, column_name: {key}")
    if count and default != none:
        raise ValueError(f"Can't specify both num_oov_buckets and default_value in {key}.")


@dataclass(frozen=True)
class VocabularyFileColumn(_Vocabulary):
    """See `categorical_column_with_vocabulary_file`."""

    vocabulary_file: str
    vocabulary_size: int

    @property
    def num_buckets(self) -> int:
        return self.vocabulary_size + self.num_oov_buckets

    def _initializer(self, key_dtype: DType) -> Any:
        return TextFileInitializer(
            self.vocabulary_file, key_dtype, TextFileIndex.WHOLE_LINE, dtypes.int64, TextFileIndex.LINE_NUMBER,
            self.vocabulary_size,
        )  # fmt: skip


def categorical_column_with_vocabulary_file(
    key: str, vocabulary_file: str, vocabulary_size: int | None = None, dtype: Any = dtypes.string,
    default_value: int | None = None, num_oov_buckets: int = 0, file_format: str | None = None,
) -> VocabularyFileColumn:  # fmt: skip
    """A column of the numbers of a file's lines.

    Args:
      key: the name of the feature.
      vocabulary_file: the path, of a file with a word in each line.
      vocabulary_size: how many lines count; all of them without it.
      default_value: the id of other words; none without it.
      num_oov_buckets: how many ids there are behind the lines for other words.
      file_format: None or "text"; other formats are not read.

    TensorFlow: tf.feature_column.categorical_column_with_vocabulary_file.
    """
    _require_key(key)
    if not vocabulary_file:
        raise ValueError(f"Missing vocabulary_file in {key}.")
    if file_format not in (None, "text"):
        raise ValueError(f"file_format must be None or 'text', received {file_format!r}.")
    if vocabulary_size is None:
        if not Path(vocabulary_file).is_file():
            raise ValueError(f"vocabulary_file in {key} does not exist.")
        with open(vocabulary_file, "rb") as lines:
            vocabulary_size = sum(1 for _ in lines)
    if vocabulary_size < 1:
        raise ValueError(f"Invalid vocabulary_size in {key}.")
    _check_oov(num_oov_buckets, default_value, None, key)
    kind, default = _require_dtype(dtype, key), -1 if default_value is None else default_value
    return VocabularyFileColumn(key, kind, default, num_oov_buckets, str(vocabulary_file), vocabulary_size)


def categorical_column_with_vocabulary_file_v1(
    key: str, vocabulary_file: str, vocabulary_size: int | None = None, num_oov_buckets: int = 0,
    default_value: int | None = None, dtype: Any = dtypes.string,
) -> VocabularyFileColumn:  # fmt: skip
    """`categorical_column_with_vocabulary_file`, with the arguments in TensorFlow 1's order.

    TensorFlow: tf.compat.v1.feature_column.categorical_column_with_vocabulary_file.
    """
    return categorical_column_with_vocabulary_file(
        key, vocabulary_file, vocabulary_size, dtype, default_value, num_oov_buckets
    )


# -- numbers and hashes ------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class IdentityColumn(_Keyed):
    """See `categorical_column_with_identity`."""

    number_buckets: int
    default_value: int | None

    @property
    def num_buckets(self) -> int:
        return self.number_buckets

    def transform(self, features: Features) -> Any:
        tensor = self._feature(features)
        ids = F.cast(tensor, dtypes.int64)
        within = F.logical_and(F.greater_equal(ids, 0), F.less(ids, self.number_buckets))
        if self.default_value is not None:
            return _kept(tensor, F.where(within, ids, F.cast(self.default_value, dtypes.int64)))
        fits = F.reduce_all(F.logical_or(within, F.equal(ids, -1)))
        check = F.Assert(fits, [f"Feature {self.key}: ids must be in [0, {self.number_buckets})", ids])
        with F.control_dependencies([] if check is None else [check]):
            return F.identity(ids)


def categorical_column_with_identity(key: str, num_buckets: int, default_value: int | None = None) -> IdentityColumn:
    """A column whose ids are the feature itself.

    Args:
      num_buckets: the ids are in [0, num_buckets).
      default_value: the id of other numbers, which are an error (when it runs) without it.

    TensorFlow: tf.feature_column.categorical_column_with_identity.
    """
    _require_key(key)
    if num_buckets < 1:
        raise ValueError(f"num_buckets {num_buckets} < 1, column_name {key}")
    if default_value is not None and not 0 <= default_value < num_buckets:
        raise ValueError(f"default_value {default_value} not in range [0, {num_buckets}), column_name {key}")
    return IdentityColumn(key, num_buckets, default_value)


@dataclass(frozen=True)
class HashedColumn(_Keyed):
    """See `categorical_column_with_hash_bucket`."""

    hash_bucket_size: int
    dtype: DType

    @property
    def _dtype(self) -> DType:
        return self.dtype

    @property
    def num_buckets(self) -> int:
        return self.hash_bucket_size

    def transform(self, features: Features) -> Any:
        tensor = self._feature(features)
        texts = tensor if tensor.dtype is dtypes.string else F.as_string(tensor)
        return _kept(tensor, F.to_hash_bucket_fast(texts, self.hash_bucket_size))


def categorical_column_with_hash_bucket(key: str, hash_bucket_size: int, dtype: Any = dtypes.string) -> HashedColumn:
    """A column of hashes of strings or integers: Fingerprint64(text) % hash_bucket_size.

    TensorFlow: tf.feature_column.categorical_column_with_hash_bucket.
    """
    if hash_bucket_size is None:
        raise ValueError(f"hash_bucket_size must be set. key: {key}")
    if hash_bucket_size < 1:
        raise ValueError(f"hash_bucket_size must be at least 1. hash_bucket_size: {hash_bucket_size}, key: {key}")
    _require_key(key)
    return HashedColumn(key, hash_bucket_size, _require_dtype(dtype, key))


# -- several features --------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class CrossedColumn(CategoricalColumn):
    """See `crossed_column`."""

    keys: tuple[Any, ...]
    hash_bucket_size: int
    hash_key: int | None

    @property
    def name(self) -> str:
        return "_X_".join(sorted(_leaf_names(self)))

    @property
    def parse_example_spec(self) -> dict[str, Any]:
        found: dict[str, Any] = {}
        for key in self.keys:
            found.update({key: VarLenFeature(dtypes.string)} if isinstance(key, str) else key.parse_example_spec)
        return found

    @property
    def num_buckets(self) -> int:
        return self.hash_bucket_size

    def transform(self, features: Features) -> Any:
        # TensorFlow hashes dense features after sparse ones, which columns give it.
        leaves = sorted(_leaves(self), key=lambda leaf: isinstance(leaf, str))
        parts = [self._part(features, leaf) for leaf in leaves]
        optional = [not isinstance(leaf, str) for leaf in leaves]
        return F.feature_cross(parts, self.hash_bucket_size, self.hash_key, optional)

    def _part(self, features: Features, leaf: Any) -> Any:
        if not isinstance(leaf, str):
            found = leaf.ids(features)
            if found.weights is not None:
                raise ValueError(f"crossed_column does not support weight_tensor, but the given column has one: {leaf}")
            return found.ids
        tensor = flat_ids(features.get(leaf))
        if tensor.dtype is not dtypes.string and not tensor.dtype.is_integer:
            raise ValueError(f"Crossed feature {leaf} must be string or integer, received {tensor.dtype.name}.")
        return tensor if tensor.dtype is dtypes.string else F.cast(tensor, dtypes.int64)


def _leaves(column: CrossedColumn) -> list[Any]:
    """The keys and columns crossed, those of crossed columns among them too."""
    out: list[Any] = []
    for key in column.keys:
        out += _leaves(key) if isinstance(key, CrossedColumn) else [key]
    return out


def _leaf_names(column: CrossedColumn) -> list[str]:
    return [leaf if isinstance(leaf, str) else leaf.name for leaf in _leaves(column)]


def crossed_column(keys: Any, hash_bucket_size: int, hash_key: int | None = None) -> CrossedColumn:
    """A column of hashes of what several features are together.

    Args:
      keys: names of features of strings or integers, and categorical columns, two at least.
      hash_bucket_size: how many ids there are.
      hash_key: what hashes start from.

    Raises:
      ValueError: for fewer keys, columns of numbers, and hashed columns, in whose place the key should be given.

    TensorFlow: tf.feature_column.crossed_column.
    """
    if not hash_bucket_size or hash_bucket_size < 1:
        raise ValueError(f"hash_bucket_size must be > 1. hash_bucket_size: {hash_bucket_size}")
    if not keys or len(keys) < 2:
        raise ValueError(f"keys must be a list with length > 1. Given: {keys}")
    for key in keys:
        if not isinstance(key, (str, CategoricalColumn)) or isinstance(key, NumericColumn):
            raise ValueError(
                f"Unsupported key type. All keys must be either string, or categorical column except "
                f"HashedCategoricalColumn. Given: {key}"
            )
        if isinstance(key, HashedColumn):
            raise ValueError(
                f"categorical_column_with_hash_bucket is not supported for crossing. Hashing before crossing will "
                f"increase probability of collision. Instead, use the feature name as a string. Given: {key}"
            )
    return CrossedColumn(tuple(keys), hash_bucket_size, hash_key)


@dataclass(frozen=True)
class WeightedColumn(CategoricalColumn):
    """See `weighted_categorical_column`."""

    categorical_column: CategoricalColumn
    weight_feature_key: str
    dtype: DType

    @property
    def name(self) -> str:
        return f"{self.categorical_column.name}_weighted_by_{self.weight_feature_key}"

    @property
    def parse_example_spec(self) -> dict[str, Any]:
        found = dict(self.categorical_column.parse_example_spec)
        if self.weight_feature_key in found:
            raise ValueError(
                f"Parse config {found[self.weight_feature_key]} already exists for {self.weight_feature_key}."
            )
        found[self.weight_feature_key] = VarLenFeature(self.dtype)
        return found

    @property
    def num_buckets(self) -> int:
        return self.categorical_column.num_buckets

    def transform(self, features: Features) -> Any:
        weights = flat_ids(features.get(self.weight_feature_key))
        if weights.dtype is not self.dtype:
            raise ValueError(f"Bad dtype, expected {self.dtype}, but got {weights.dtype}.")
        return self.categorical_column.ids(features).ids, F.cast(weights, dtypes.float32)

    def ids(self, features: Features) -> Ids:
        return Ids(*features.get(self))


def weighted_categorical_column(
    categorical_column: CategoricalColumn, weight_feature_key: str, dtype: Any = dtypes.float32
) -> WeightedColumn:
    """A column whose ids have weights, which are another feature.

    TensorFlow: tf.feature_column.weighted_categorical_column.
    """
    kind = as_dtype(dtype)
    if not (kind.is_integer or kind.is_floating):
        raise ValueError(f"dtype {dtype} is not convertible to float.")
    return WeightedColumn(categorical_column, weight_feature_key, kind)
