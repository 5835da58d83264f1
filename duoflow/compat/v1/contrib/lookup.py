"""`tf.contrib.lookup`: vocabularies as tables from words to ids and back."""

from __future__ import annotations

from typing import Any, NamedTuple

from duoflow.core import dtypes
from duoflow.core.dtypes import as_dtype
from duoflow.core.late import F
from duoflow.core.tensor import convert
from duoflow.lookup.initializers import (
    KeyValueTensorInitializer,
    TableInitializerBase,
    TextFileIndex,
    TextFileInitializer,
)
from duoflow.lookup.mutable import DenseHashTable, MutableHashTable
from duoflow.lookup.tables import LookupTable as LookupInterface
from duoflow.ops.static import static_ints

from ..lookup import StaticHashTable, StaticVocabularyTable

__all__ = [
    "FastHashSpec", "HashTable", "HasherSpec", "IdTableWithHashBuckets", "KeyValueTensorInitializer",
    "LookupInterface", "MutableDenseHashTable", "MutableHashTable", "StrongHashSpec", "TableInitializerBase",
    "TextFileIdTableInitializer", "TextFileIndex", "TextFileInitializer", "TextFileStringTableInitializer",
    "index_table_from_file", "index_table_from_tensor", "index_to_string", "index_to_string_table_from_file",
    "index_to_string_table_from_tensor", "string_to_index", "string_to_index_table_from_file",
    "string_to_index_table_from_tensor",
]  # fmt: skip

#: The values of keys that are not there: an id, and a word.
_NO_ID, _NO_WORD = -1, "UNK"


# -- hashing -----------------------------------------------------------------------------------------------------------


class HasherSpec(NamedTuple):
    """How keys without an id are put into buckets: "fasthash" or "stronghash".

    TensorFlow: tf.contrib.lookup.HasherSpec.
    """

    hasher: str
    key: Any


FastHashSpec = HasherSpec("fasthash", None)


def StrongHashSpec(key: Any) -> HasherSpec:
    """Hashing under a key of two integers. TensorFlow: tf.contrib.lookup.StrongHashSpec."""
    if not isinstance(key, (list, tuple)) or len(key) != 2:
        raise ValueError(f"key must have size 2, received {key!r}.")
    return HasherSpec("stronghash", static_ints(key, "key"))


# -- tables ------------------------------------------------------------------------------------------------------------


class HashTable(StaticHashTable):
    """A table from keys to values that is filled once. TensorFlow: tf.contrib.lookup.HashTable."""

    def __init__(
        self, initializer: Any, default_value: Any, shared_name: str | None = None, name: str | None = None
    ) -> None:
        super().__init__(initializer, default_value, name or shared_name)

    @property
    def init(self) -> Any:
        """The operation that fills the table."""
        return self.initializer


class MutableDenseHashTable(DenseHashTable):
    """`tf.lookup.experimental.DenseHashTable`, with the arguments of TensorFlow 1.

    TensorFlow: tf.contrib.lookup.MutableDenseHashTable.
    """

    def __init__(
        self, key_dtype: Any, value_dtype: Any, default_value: Any, empty_key: Any, deleted_key: Any,
        initial_num_buckets: int | None = None, shared_name: str | None = None, name: str = "MutableDenseHashTable",
        checkpoint: bool = True,
    ) -> None:  # fmt: skip
        super().__init__(
            key_dtype, value_dtype, default_value, empty_key, deleted_key, initial_num_buckets, name, checkpoint
        )


class IdTableWithHashBuckets(StaticVocabularyTable):
    """Ids from a table, and buckets behind them for keys that are not there.

    Args:
      table: from keys to int64, or None for buckets alone.
      num_oov_buckets: how many buckets there are; none if 0.
      hasher_spec: `FastHashSpec` or a `StrongHashSpec`.

    TensorFlow: tf.contrib.lookup.IdTableWithHashBuckets.
    """

    def __init__(
        self, table: Any, num_oov_buckets: int, hasher_spec: HasherSpec = FastHashSpec, name: str | None = None,
        key_dtype: Any = None,
    ) -> None:  # fmt: skip
        if num_oov_buckets < 0 or (table is None and not num_oov_buckets):
            raise ValueError(f"table and num_oov_buckets (received {num_oov_buckets}) must not be both empty.")
        if not isinstance(hasher_spec, HasherSpec):
            raise TypeError(f"hasher_spec must be of type HasherSpec, got {hasher_spec!r}")
        if hasher_spec.hasher not in ("fasthash", "stronghash"):
            raise ValueError(f"Unknown hasher {hasher_spec.hasher}")
        kind = as_dtype(key_dtype or (dtypes.string if table is None else table.key_dtype))
        LookupInterface.__init__(self, kind, dtypes.int64)
        self._table, self._num_oov_buckets = table, int(num_oov_buckets)
        self._bucket = F.to_hash_bucket_fast
        if hasher_spec.hasher == "stronghash":
            self._bucket = lambda texts, count: F.to_hash_bucket_strong(texts, count, hasher_spec.key)

    @property
    def init(self) -> Any:
        """The operation that fills the table."""
        return self.initializer


class TextFileStringTableInitializer(TextFileInitializer):
    """Words of a text file by the numbers of their lines.

    TensorFlow: tf.contrib.lookup.TextFileStringTableInitializer.
    """

    def __init__(
        self, filename: Any, key_column_index: int = TextFileIndex.LINE_NUMBER,
        value_column_index: int = TextFileIndex.WHOLE_LINE, vocab_size: int | None = None, delimiter: str = "\t",
        name: str = "text_file_string_table_init",
    ) -> None:  # fmt: skip
        super().__init__(
            filename, dtypes.int64, key_column_index, dtypes.string, value_column_index, vocab_size, delimiter, name
        )


class TextFileIdTableInitializer(TextFileInitializer):
    """The numbers of a text file's lines by what they say.

    TensorFlow: tf.contrib.lookup.TextFileIdTableInitializer.
    """

    def __init__(
        self, filename: Any, key_column_index: int = TextFileIndex.WHOLE_LINE,
        value_column_index: int = TextFileIndex.LINE_NUMBER, vocab_size: int | None = None, delimiter: str = "\t",
        name: str = "text_file_id_table_init", key_dtype: Any = dtypes.string,
    ) -> None:  # fmt: skip
        super().__init__(
            filename, key_dtype, key_column_index, dtypes.int64, value_column_index, vocab_size, delimiter, name
        )


# -- vocabularies ------------------------------------------------------------------------------------------------------


def _ids(
    initializer: Any, default_value: int, num_oov_buckets: int, hasher_spec: HasherSpec, key_dtype: Any,
    name: str | None,
) -> Any:  # fmt: skip
    """A table from words to ids, with buckets if there are any."""
    with F.name_scope(name or "string_to_index"):
        table = HashTable(initializer, default_value, name="hash_table")
        if not num_oov_buckets:
            return table
        return IdTableWithHashBuckets(table, num_oov_buckets, hasher_spec, key_dtype=key_dtype)


def index_table_from_tensor(
    mapping: Any, num_oov_buckets: int = 0, default_value: int = _NO_ID, hasher_spec: HasherSpec = FastHashSpec,
    dtype: Any = dtypes.string, name: str | None = None,
) -> Any:  # fmt: skip
    """A table from the words of a vector to their places in it.

    Args:
      mapping: the words, strings or integers, of `dtype`.
      num_oov_buckets: how many buckets there are behind the ids for other words.
      default_value: the id of other words if there are no buckets.

    Raises:
      ValueError: if there is no vocabulary, or the number of buckets is negative.

    TensorFlow: tf.contrib.lookup.index_table_from_tensor.
    """
    if mapping is None:
        raise ValueError("mapping must be specified.")
    _check_buckets(num_oov_buckets)
    kind = as_dtype(dtype)
    keys = convert(mapping, dtype_hint=kind)
    if keys.dtype.is_integer != kind.is_integer:
        raise TypeError(f"Invalid dtype: expected {kind!r} but got {keys.dtype!r}.")
    if kind.is_integer:
        keys = F.cast(keys, dtypes.int64)
    values = F.range(F.size(keys, out_type=dtypes.int64))
    initializer = KeyValueTensorInitializer(keys, values, name="table_init")
    return _ids(initializer, default_value, num_oov_buckets, hasher_spec, kind, name)


def index_table_from_file(
    vocabulary_file: Any = None, num_oov_buckets: int = 0, vocab_size: int | None = None, default_value: int = _NO_ID,
    hasher_spec: HasherSpec = FastHashSpec, key_dtype: Any = dtypes.string, name: str | None = None,
    key_column_index: int = TextFileIndex.WHOLE_LINE, value_column_index: int = TextFileIndex.LINE_NUMBER,
    delimiter: str = "\t",
) -> Any:  # fmt: skip
    """A table from the lines of a file to their numbers.

    Args:
      vocabulary_file: the path.
      num_oov_buckets: how many buckets there are behind the ids for other words.
      vocab_size: how many lines to read.
      default_value: the id of other words if there are no buckets.

    Raises:
      ValueError: if there is no file, or a number is negative.

    TensorFlow: tf.contrib.lookup.index_table_from_file.
    """
    if not vocabulary_file and not hasattr(vocabulary_file, "dtype"):
        raise ValueError("vocabulary_file must be specified and must not be empty.")
    _check_buckets(num_oov_buckets)
    if vocab_size is not None and vocab_size < 1:
        raise ValueError(f"vocab_file_size must be greater than 0, got {vocab_size}.")
    kind = as_dtype(key_dtype)
    initializer = TextFileIdTableInitializer(
        vocabulary_file, key_column_index, value_column_index, vocab_size, delimiter, "table_init",
        dtypes.int64 if kind.is_integer else kind,
    )  # fmt: skip
    return _ids(initializer, default_value, num_oov_buckets, hasher_spec, kind, name)


def _check_buckets(num_oov_buckets: int) -> None:
    if num_oov_buckets < 0:
        raise ValueError(f"num_oov_buckets must be greater or equal than 0, got {num_oov_buckets}.")


def index_to_string_table_from_tensor(mapping: Any, default_value: Any = _NO_WORD, name: str | None = None) -> Any:
    """A table from places in a vector to its words. TensorFlow: tf.contrib.lookup.index_to_string_table_from_tensor."""
    if mapping is None:
        raise ValueError("mapping must be specified.")
    with F.name_scope(name or "index_to_string"):
        values = convert(mapping, dtype=dtypes.string)
        keys = F.range(F.size(values, out_type=dtypes.int64))
        return HashTable(KeyValueTensorInitializer(keys, values, name="table_init"), default_value, name="hash_table")


def index_to_string_table_from_file(
    vocabulary_file: Any, vocab_size: int | None = None, default_value: Any = _NO_WORD, name: str | None = None,
    key_column_index: int = TextFileIndex.LINE_NUMBER, value_column_index: int = TextFileIndex.WHOLE_LINE,
    delimiter: str = "\t",
) -> Any:  # fmt: skip
    """A table from numbers of lines to the lines of a file.

    TensorFlow: tf.contrib.lookup.index_to_string_table_from_file.
    """
    if not vocabulary_file and not hasattr(vocabulary_file, "dtype"):
        raise ValueError("vocabulary_file must be specified and must not be empty.")
    if vocab_size is not None and vocab_size < 1:
        raise ValueError(f"vocab_size must be greater than 0, got {vocab_size}.")
    with F.name_scope(name or "index_to_string"):
        initializer = TextFileStringTableInitializer(
            vocabulary_file, key_column_index, value_column_index, vocab_size, delimiter, "table_init"
        )
        return HashTable(initializer, default_value, name="hash_table")


def string_to_index(tensor: Any, mapping: Any, default_value: int = _NO_ID, name: str | None = None) -> Any:
    """The places of words in a vector. TensorFlow: tf.contrib.lookup.string_to_index."""
    return index_table_from_tensor(mapping, default_value=default_value, name=name).lookup(tensor)


def index_to_string(tensor: Any, mapping: Any, default_value: Any = _NO_WORD, name: str | None = None) -> Any:
    """The words at places of a vector. TensorFlow: tf.contrib.lookup.index_to_string."""
    return index_to_string_table_from_tensor(mapping, default_value, name).lookup(tensor)


string_to_index_table_from_tensor = index_table_from_tensor
string_to_index_table_from_file = index_table_from_file
