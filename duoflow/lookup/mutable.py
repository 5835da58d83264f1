"""Tables that programs change, and that checkpoints keep."""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np

from duoflow.core.context import context, init_scope
from duoflow.core.graph import get_default_graph
from duoflow.core.record import Literal
from duoflow.core.tensor import convert, static_value
from duoflow.core.trackable import SaveableTensors
from duoflow.ops.tables import DENSE_TABLE, MUTABLE_TABLE, TABLE_INSERT, TABLE_REMOVE

from .initializers import run
from .tables import LookupTable, default_of

__all__ = ["DenseHashTable", "MutableHashTable", "SavedTable"]


class SavedTable(SaveableTensors):
    """What checkpoints keep of the table behind a handle."""

    _saved_as: ClassVar[str] = "table"

    def __init__(self, handle: Any) -> None:
        self._handle = handle

    resource_handle = property(lambda self: self._handle, doc="The handle.")

    def _tensor_names(self) -> list[str]:
        return ["-keys", "-values"]

    def _save_tensors(self, held: Any = None) -> dict[str, Any]:
        keys, values = (self._handle._array if held is None else held).export()
        return {"-keys": keys, "-values": values}

    def _load_tensors(self, saved: dict[str, Any], held: Any = None) -> None:
        (self._handle._array if held is None else held).replace(saved["-keys"], saved["-values"])


class _Mutable(LookupTable, SavedTable):
    """What mutable tables share."""

    def _saved_with_graph(self, checkpoint: bool) -> None:
        if checkpoint and context.graph is not None:
            get_default_graph().add_to_collection("saveable_objects", self)

    def _converted(self, keys: Any, what: str) -> Any:
        try:
            return convert(keys, dtype=self._key_dtype)
        except (TypeError, ValueError) as error:
            raise ValueError(f"{what}: {error}") from None

    def insert(self, keys: Any, values: Any, name: str | None = None) -> Any:
        """Set the values of keys, [...] of them with values of [..., *value's shape]."""
        keys = self._converted(keys, "keys")
        try:
            values = convert(values, dtype=self._value_dtype)
        except (TypeError, ValueError) as error:
            raise ValueError(f"values: {error}") from None
        where = self._scope(name, "lookup_table_insert")
        return run(TABLE_INSERT, (self._handle, keys, values), {}, f"{where}/LookupTableInsertV2")

    def remove(self, keys: Any, name: str | None = None) -> Any:
        """Forget keys; those that are not there are let pass."""
        where = self._scope(name, "lookup_table_remove")
        return run(TABLE_REMOVE, (self._handle, self._checked(keys)), {}, f"{where}/LookupTableRemoveV2")

    def lookup(self, keys: Any, name: str | None = None) -> Any:
        return self._find(self._converted(keys, "keys"), self._default, name)


class MutableHashTable(_Mutable):
    """A table that starts empty and is changed by `insert` and `remove`.

    Args:
      key_dtype, value_dtype: strings, integers, floats and booleans.
      default_value: the value of keys that are not there; its shape is that of all values.
      experimental_is_anonymous: accepted; tables are shared by the object only.

    >>> table = tf.lookup.experimental.MutableHashTable(tf.string, tf.int64, default_value=-1)
    >>> table.insert(tf.constant(["a", "b"]), tf.constant([7, 8], tf.int64))
    >>> table.lookup(tf.constant(["b", "c"])).numpy().tolist()
    [8, -1]

    TensorFlow: tf.lookup.experimental.MutableHashTable.
    """

    def __init__(
        self, key_dtype: Any, value_dtype: Any, default_value: Any, name: str = "MutableHashTable",
        checkpoint: bool = True, experimental_is_anonymous: bool = False,
    ) -> None:  # fmt: skip
        super().__init__(key_dtype, value_dtype)
        with init_scope():
            self._default = default_of(default_value, self._value_dtype)
            self._value_shape = tuple(self._default.shape.as_list())
            self._make(MUTABLE_TABLE, {"value_shape": self._value_shape}, name)
            self._saved_with_graph(checkpoint)

    def lookup(self, keys: Any, dynamic_default_values: Any = None, name: str | None = None) -> Any:  # type: ignore[override]
        """The values of keys; for those that are not there the default, or their own of `dynamic_default_values`."""
        default = self._default
        if dynamic_default_values is not None:
            default = convert(dynamic_default_values, dtype=self._value_dtype)
        return self._find(self._converted(keys, "keys"), default, name)


class DenseHashTable(_Mutable):
    """`MutableHashTable` whose keys and values may be vectors, with two keys that mean nothing.

    Args:
      empty_key, deleted_key: two different keys that are never used; their shape is that of all keys.
      initial_num_buckets: a power of two, at least four; the table grows as it needs.

    Raises:
      InvalidArgumentError: if the two keys are equal, the buckets no such number, or one of the keys is used.

    >>> table = tf.lookup.experimental.DenseHashTable(tf.int64, tf.float32, [0.0, 0.0], empty_key=-1, deleted_key=-2)
    >>> table.insert([3], [[1.5, 2.5]])
    >>> table.lookup([3, 4]).numpy().tolist()
    [[1.5, 2.5], [0.0, 0.0]]

    TensorFlow: tf.lookup.experimental.DenseHashTable.
    """

    def __init__(
        self, key_dtype: Any, value_dtype: Any, default_value: Any, empty_key: Any, deleted_key: Any,
        initial_num_buckets: int | None = None, name: str = "MutableDenseHashTable", checkpoint: bool = True,
        experimental_is_anonymous: bool = False,
    ) -> None:  # fmt: skip
        super().__init__(key_dtype, value_dtype)
        with init_scope():
            self._default = default_of(default_value, self._value_dtype)
            self._value_shape = tuple(self._default.shape.as_list())
            empty, deleted = [_known(k, self._key_dtype) for k in (empty_key, deleted_key)]
            self._key_shape = empty.shape
            attrs = {
                "key_shape": self._key_shape, "value_shape": self._value_shape, "empty": Literal(empty),
                "deleted": Literal(deleted), "buckets": initial_num_buckets or 2**17,
            }  # fmt: skip
            self._make(DENSE_TABLE, attrs, name)
            self._saved_with_graph(checkpoint)

    insert_or_assign = _Mutable.insert
    erase = _Mutable.remove


def _known(value: Any, dtype: Any) -> Any:
    found = static_value(convert(value, dtype=dtype))
    if found is None:
        raise ValueError(f"The empty and deleted keys must be known when the table is made, received {value!r}.")
    return np.asarray(found)
