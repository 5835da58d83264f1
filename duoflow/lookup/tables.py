"""Tables whose entries are given once: hash tables, and vocabularies with buckets for what they do not know."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from duoflow.core import dtypes, shapes
from duoflow.core.context import context, init_scope
from duoflow.core.dtypes import DType, as_dtype
from duoflow.core.emit import emit, emit_one
from duoflow.core.graph import get_default_graph
from duoflow.core.late import F
from duoflow.core.record import Op
from duoflow.core.tensor import convert
from duoflow.core.trackable import Trackable
from duoflow.ops.tables import HASH_TABLE, TABLE_EXPORT, TABLE_FIND, TABLE_SIZE

__all__ = ["LookupTable", "StaticHashTable", "StaticVocabularyTable"]


class LookupTable(Trackable):
    """Base of the tables: a handle, and lookups.

    TensorFlow: tf.lookup's LookupInterface.
    """

    def __init__(self, key_dtype: Any, value_dtype: Any) -> None:
        self._key_dtype, self._value_dtype = as_dtype(key_dtype), as_dtype(value_dtype)
        self._key_shape: tuple[int, ...] = ()
        self._value_shape: tuple[int, ...] = ()
        self._handle: Any = None
        self._default: Any = None

    key_dtype = property(lambda self: self._key_dtype, doc="The dtype of the keys.")
    value_dtype = property(lambda self: self._value_dtype, doc="The dtype of the values.")
    resource_handle = property(lambda self: self._handle, doc="The handle.")

    @property
    def name(self) -> str | None:
        """The name in the graph, None in eager mode."""
        return None if self._handle is None or not hasattr(self._handle, "node") else self._handle.node.name

    def _make(self, op: Op, attrs: dict[str, Any], name: str) -> None:
        """Make the handle; what functions make lives outside of them."""
        attrs = {"key_dtype": self._key_dtype, "value_dtype": self._value_dtype, **attrs}
        self._handle = emit_one(op, (), attrs, name)

    def _scope(self, name: str | None, what: str) -> str:
        return name or f"{self.name or 'table'}_{what}"

    def _checked(self, keys: Any) -> Any:
        """Keys as a tensor; `TypeError` if they are of another dtype than the table's."""
        keys = convert(keys, dtype_hint=self._key_dtype)
        if keys.dtype is not self._key_dtype:
            raise TypeError(f"Dtype of argument `keys` must be {self._key_dtype!r}, received: {keys.dtype!r}")
        return keys

    def _find(self, keys: Any, default: Any, name: str | None) -> Any:
        attrs = {"value_shape": self._value_shape, "key_rank": len(self._key_shape)}
        return emit_one(
            TABLE_FIND, (self._handle, keys, default), attrs, f"{self._scope(name, 'Lookup')}/LookupTableFindV2"
        )

    def lookup(self, keys: Any, name: str | None = None) -> Any:
        """The values of keys, the default value for those that are not there; of the keys' shape."""
        return self._find(self._checked(keys), self._default, name)

    def __getitem__(self, keys: Any) -> Any:
        return self.lookup(keys)

    def size(self, name: str | None = None) -> Any:
        """The number of entries, int64."""
        return emit_one(TABLE_SIZE, (self._handle,), {}, f"{self._scope(name, 'Size')}/LookupTableSizeV2")

    def export(self, name: str | None = None) -> tuple[Any, Any]:
        """All keys and their values, two tensors."""
        attrs = {
            "key_dtype": self._key_dtype, "value_dtype": self._value_dtype, "key_shape": self._key_shape,
            "value_shape": self._value_shape,
        }  # fmt: skip
        out = emit(TABLE_EXPORT, (self._handle,), attrs, f"{self._scope(name, 'lookup_table_export_values')}")
        return out[0], out[1]


def default_of(value: Any, dtype: DType, scalar: bool = False) -> Any:
    """A default value as a tensor; `ValueError` if it must be one value and is not."""
    out = convert(value, dtype=dtype)
    if scalar and out.dims not in ((), None):
        raise ValueError(f"Shapes {shapes.show(out.dims)} and () are not compatible")
    return out


class StaticHashTable(LookupTable):
    """A table from keys to values that is filled once.

    Args:
      initializer: a `KeyValueTensorInitializer` or `TextFileInitializer`.
      default_value: the value of keys that are not there.
      experimental_is_anonymous: accepted; tables are shared by the object only.

    Raises:
      FailedPreconditionError: if a key has two different values.

    >>> init = tf.lookup.KeyValueTensorInitializer(["emerson", "lake"], [7, 8])
    >>> table = tf.lookup.StaticHashTable(init, default_value=-1)
    >>> table.lookup(tf.constant([["lake"], ["palmer"]])).numpy().tolist()
    [[8], [-1]]

    TensorFlow: tf.lookup.StaticHashTable.
    """

    def __init__(
        self, initializer: Any, default_value: Any, name: str | None = None, experimental_is_anonymous: bool = False
    ) -> None:
        super().__init__(initializer.key_dtype, initializer.value_dtype)
        with init_scope():
            self._make(HASH_TABLE, {"shared_name": name or ""}, name or "hash_table")
            self._init_op = initializer.initialize(self)
            self._default = default_of(default_value, self._value_dtype, scalar=True)
            if context.graph is not None:
                get_default_graph().add_to_collection("table_initializer", self._init_op)

    default_value = property(lambda self: self._default, doc="The value of keys that are not there.")


class StaticVocabularyTable(LookupTable):
    """A table from strings or integers to ids, in which keys without an entry fall into buckets behind the ids.

    The bucket of a key is size + Fingerprint64(key) % num_oov_buckets.

    Args:
      initializer: of int64 values 0, 1, ..., or None for buckets alone.
      num_oov_buckets: how many buckets there are, at least one.
      lookup_key_dtype: the dtype of keys that are looked up, the initializer's without it.

    >>> init = tf.lookup.KeyValueTensorInitializer(["emerson", "lake"], tf.constant([0, 1], tf.int64))
    >>> table = tf.lookup.StaticVocabularyTable(init, num_oov_buckets=3)
    >>> table.lookup(tf.constant(["lake", "king"])).numpy().tolist()
    [1, 3]

    TensorFlow: tf.lookup.StaticVocabularyTable.
    """

    def __init__(
        self, initializer: Any, num_oov_buckets: int, lookup_key_dtype: Any = None, name: str | None = None,
        experimental_is_anonymous: bool = False,
    ) -> None:  # fmt: skip
        if num_oov_buckets <= 0:
            raise ValueError("`num_oov_buckets` must be > 0; use StaticHashTable.")
        wanted = None if lookup_key_dtype is None else as_dtype(lookup_key_dtype)
        if initializer is not None:
            wanted = wanted or initializer.key_dtype
            if initializer.value_dtype is not dtypes.int64:
                raise TypeError(
                    f"Invalid `value_dtype`, expected {dtypes.int64!r} but got {initializer.value_dtype!r}."
                )
            if initializer.key_dtype.is_integer != wanted.is_integer:
                expected = "integer" if wanted.is_integer else "non-integer"
                raise TypeError(f"Invalid `key_dtype`, expected {expected} but got {initializer.key_dtype!r}.")
        super().__init__(wanted if initializer is not None and wanted else dtypes.string, dtypes.int64)
        self._table = None if initializer is None else StaticHashTable(initializer, -1, name)
        self._num_oov_buckets = int(num_oov_buckets)
        self._bucket: Callable[[Any, int], Any] = F.to_hash_bucket_fast

    @property
    def name(self) -> str | None:
        return None if self._table is None else self._table.name

    @property
    def resource_handle(self) -> Any:
        return None if self._table is None else self._table.resource_handle

    def lookup(self, keys: Any, name: str | None = None) -> Any:
        keys = self._checked(keys)
        with F.name_scope(name or f"{self.name or 'string_to_index'}_Lookup"):
            texts = keys if keys.dtype is dtypes.string else F.as_string(keys)
            if self._table is None:
                return self._bucket(texts, self._num_oov_buckets)
            ids = self._table.lookup(F.cast(keys, dtypes.int64) if self._table.key_dtype is dtypes.int64 else keys)
            if not self._num_oov_buckets:
                return ids
            buckets = self._bucket(texts, self._num_oov_buckets) + self._table.size()
            return F.where(F.not_equal(ids, self._table.default_value), ids, buckets)

    def size(self, name: str | None = None) -> Any:
        with F.name_scope(name or "Size"):
            known = F.constant(0, dtypes.int64) if self._table is None else self._table.size()
            return known + F.cast(self._num_oov_buckets, dtypes.int64)

    def export(self, name: str | None = None) -> Any:
        """Buckets have no keys: `NotImplementedError`."""
        raise NotImplementedError("A StaticVocabularyTable has no export: its buckets have no keys.")
