"""Lookup tables: what a handle of one stands for, and the ops on it.

A table's entries are a Python dict. Keys are bytes or integers, or tuples of them where a key is a vector; values are
Python scalars, or arrays where a value is a tensor.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from duoflow.core import dtypes
from duoflow.core.dtypes import DType
from duoflow.core.errors import FailedPreconditionError, InvalidArgumentError, NotFoundError
from duoflow.core.record import Effect, Kind, Op, register
from duoflow.core.shapes import Dims
from duoflow.core.spec import Spec

__all__ = [
    "DENSE_TABLE", "HASH_TABLE", "LINE_NUMBER", "MUTABLE_TABLE", "TABLE_EXPORT", "TABLE_FIND", "TABLE_IMPORT",
    "TABLE_INSERT", "TABLE_READ_FILE", "TABLE_REMOVE", "TABLE_SIZE", "Table", "WHOLE_LINE",
]  # fmt: skip

WHOLE_LINE, LINE_NUMBER = -2, -1


class Table:
    """Entries from keys to values.

    `entries` is None until the table is initialised, which static tables are once. `barred` keys are refused, with
    what they are called. Exports of dense tables have the keys' and values' dimension of one, as TensorFlow's have.
    """

    handle_dtype = dtypes.resource

    def __init__(
        self, key_dtype: DType, value_dtype: DType, key_shape: tuple[int, ...] = (), value_shape: tuple[int, ...] = (),
        static: bool = False, barred: dict[Any, str] | None = None,
    ) -> None:  # fmt: skip
        self.key_dtype, self.value_dtype, self.key_shape, self.value_shape = (
            key_dtype, value_dtype, key_shape, value_shape,
        )  # fmt: skip
        self.static = static
        self.entries: dict[Any, Any] | None = None if static else {}
        self.barred = barred or {}

    def held(self) -> dict[Any, Any]:
        """The entries; `FailedPreconditionError` if there are none yet."""
        if self.entries is None:
            raise FailedPreconditionError(
                None, None, "Table not initialized. In a session, run tf.compat.v1.tables_initializer() first."
            )
        return self.entries

    def keys_of(self, keys: Any) -> list[Any]:
        """The keys in a tensor, in order."""
        out = self._names(keys)
        for key, what in self.barred.items():
            if key in out:
                raise InvalidArgumentError(None, None, f"Using the {what} as a table key is not allowed")
        return out

    def _names(self, keys: Any) -> list[Any]:
        names = keys.reshape(-1, *self.key_shape).tolist()
        return list(map(tuple, names)) if self.key_shape else names

    def lead(self, keys: Any) -> tuple[int, ...]:
        """The dimensions of a tensor of keys without those of one key."""
        return keys.shape[: keys.ndim - len(self.key_shape)]  # type: ignore[no-any-return]

    def rows_of(self, values: Any, lead: tuple[int, ...]) -> list[Any]:
        """The values in a tensor, in order; there is one for each of `lead`."""
        expected = lead + self.value_shape
        if values.shape != expected:
            raise InvalidArgumentError(
                None, None, f"Expected shape {_show(expected)} for value, got {_show(values.shape)}"
            )
        if not self.value_shape:
            return values.reshape(-1).tolist()  # type: ignore[no-any-return]
        return [row.copy() for row in values.reshape(-1, *self.value_shape)]

    def initialize(self, keys: list[Any], values: list[Any]) -> None:
        """Give a static table its entries; again only if they are the same."""
        found: dict[Any, Any] = {}
        for key, value in zip(keys, values, strict=True):
            if not _same(found.setdefault(key, value), value):
                raise FailedPreconditionError(
                    None, None, f"HashTable has different value for same key. Key {_text(key)} has {_text(found[key])} "
                    f"and trying to add value {_text(value)}",
                )  # fmt: skip
        if self.entries is not None and self.entries != found:
            raise FailedPreconditionError(None, None, "Table was already initialized with different data.")
        self.entries = found

    def find(self, keys: Any, default: Any) -> Any:
        """The values of keys, `default` (one value, or one for each key) where there are none."""
        entries, wanted, lead = self.held(), self.keys_of(keys), self.lead(keys)
        if default.shape == self.value_shape:
            missing: Any = default.item() if not self.value_shape else default
            rows = [entries.get(key, missing) for key in wanted]
        else:
            rows = [entries.get(k, d) for k, d in zip(wanted, self.rows_of(default, lead), strict=True)]
        return _stacked(rows, lead + self.value_shape, self.value_dtype)

    def insert(self, keys: Any, values: Any) -> None:
        """Set the values of keys."""
        self.held().update(zip(self.keys_of(keys), self.rows_of(values, self.lead(keys)), strict=True))

    def remove(self, keys: Any) -> None:
        """Forget keys; those that are not there are let pass."""
        for key in self.keys_of(keys):
            self.held().pop(key, None)

    def export(self) -> tuple[Any, Any]:
        """All keys and their values."""
        entries, extra = self.held(), (1,) if self.barred else ()
        keys = _stacked(list(entries), (len(entries), *(self.key_shape or extra)), self.key_dtype)
        values = list(entries.values())
        return keys, _stacked(values, (len(entries), *(self.value_shape or extra)), self.value_dtype)

    def replace(self, keys: Any, values: Any) -> None:
        """Forget all entries, and take those of an export; TensorFlow's has barred keys where a bucket is empty."""
        names = self._names(keys)
        rows = self.rows_of(values.reshape(-1, *self.value_shape), (len(names),))
        self.entries = {k: v for k, v in zip(names, rows, strict=True) if k not in self.barred}


def _same(a: Any, b: Any) -> bool:
    return bool(np.array_equal(a, b))


def _text(value: Any) -> str:
    return value.decode(errors="replace") if isinstance(value, bytes) else str(value)


def _show(dims: tuple[int, ...]) -> str:
    return f"[{','.join(map(str, dims))}]"


def _stacked(rows: list[Any], shape: tuple[int, ...], dtype: DType) -> Any:
    if dtype is dtypes.string:
        out = np.empty(len(rows), object)
        out[:] = rows
        return out.reshape(shape)
    return np.array(rows, dtype.numpy).reshape(shape)


# -- text files --------------------------------------------------------------------------------------------------------


def _lines(path: str, limit: int) -> list[bytes]:
    file = Path(path)
    if not file.is_file():
        raise NotFoundError(None, None, f"{path}; No such file or directory")
    data = file.read_bytes().replace(b"\r", b"")
    lines = data.removesuffix(b"\n").split(b"\n") if data else []
    if limit > 0:
        if len(lines) < limit:
            raise InvalidArgumentError(
                None, None, f"Invalid vocab_size in {path}: expected {limit} but got {len(lines)}"
            )
        lines = lines[:limit]
    for number, line in enumerate(lines):
        if not line:
            raise InvalidArgumentError(None, None, f"Invalid content in {path}: empty line found at line {number}.")
    return lines


def _field(line: bytes, number: int, index: int, dtype: DType, delimiter: bytes, offset: int, path: str) -> Any:
    """What a line has for a key or a value."""
    if index == LINE_NUMBER:
        return number + offset
    if index == WHOLE_LINE:
        text = line
    else:
        parts = line.split(delimiter)
        if index >= len(parts):
            raise InvalidArgumentError(
                None, None, f"Invalid number of columns in {path} line {number} ({_text(line)}) : expected at least "
                f"{index + 1} got {len(parts)}",
            )  # fmt: skip
        text = parts[index]
    if dtype is dtypes.string:
        return text
    try:
        return int(text) if dtype.is_integer else float(text)
    except ValueError:
        raise InvalidArgumentError(
            None, None, f"Field {_text(text)} in line {number} is not a valid {dtype.name}."
        ) from None


def _read_file(
    table: Table, filename: Any, *, key_index: int, value_index: int, vocab_size: int, delimiter: str, offset: int
) -> tuple[Any, ...]:
    path, sep = _array(filename, dtypes.string).item().decode(), delimiter.encode()
    lines = _lines(path, vocab_size)

    def column(index: int, dtype: DType, start: int) -> list[Any]:
        return [_field(line, i, index, dtype, sep, start, path) for i, line in enumerate(lines)]

    table.initialize(column(key_index, table.key_dtype, 0), column(value_index, table.value_dtype, offset))
    return ()


# -- tables ------------------------------------------------------------------------------------------------------------

#: An op whose node is an object: each session makes its own, eager mode one for each call.
_OBJECT = frozenset({"object"})


def _handle(**attrs: Any) -> Spec:
    return Spec((), dtypes.resource)


def _mutable(
    *, key_dtype: DType, value_dtype: DType, value_shape: tuple[int, ...] = (), shared_name: str = ""
) -> Table:
    return Table(key_dtype, value_dtype, (), tuple(value_shape))


def _dense(
    *, key_dtype: DType, value_dtype: DType, key_shape: tuple[int, ...], value_shape: tuple[int, ...], empty: Any,
    deleted: Any, buckets: int, shared_name: str = "",
) -> Table:  # fmt: skip
    key_shape, value_shape = tuple(key_shape), tuple(value_shape)
    keys = [tuple(k.array.tolist()) if key_shape else k.array.item() for k in (empty, deleted)]
    if buckets < 4 or buckets & buckets - 1:
        raise InvalidArgumentError(None, None, f"Number of buckets must be at least 4 and a power of 2, got: {buckets}")
    if keys[0] == keys[1]:
        raise InvalidArgumentError(None, None, "Empty and deleted keys cannot be equal")
    return Table(key_dtype, value_dtype, key_shape, value_shape, barred={keys[0]: "empty_key", keys[1]: "deleted_key"})


HASH_TABLE = register(
    Op(
        "HashTableV2", Kind.SOURCE, _handle,
        lambda *, key_dtype, value_dtype, shared_name="": Table(key_dtype, value_dtype, static=True),
        checked=False, tags=_OBJECT,
    )
)  # fmt: skip
MUTABLE_TABLE = register(Op("MutableHashTableV2", Kind.SOURCE, _handle, _mutable, checked=False, tags=_OBJECT))
DENSE_TABLE = register(Op("DenseHashTable", Kind.SOURCE, _handle, _dense, checked=False, tags=_OBJECT))


# -- what is done to them ----------------------------------------------------------------------------------------------


def _op(name: str, infer: Callable[..., Any], evaluate: Callable[..., Any], effects: Effect, outputs: int = 0) -> Op:
    return register(
        Op(name, Kind.HOST, infer, evaluate, None, effects, checked=False, num_outputs=outputs, differentiable=False)
    )


def _nothing(*specs: Spec, **attrs: Any) -> tuple[Spec, ...]:
    return ()


def _array(value: Any, dtype: DType) -> Any:
    """A tensor's value as an array; an element of a vector of strings comes as bytes."""
    return value if isinstance(value, np.ndarray) else np.asarray(value, dtype.numpy)


def _infer_find(
    table: Spec, keys: Spec, default: Spec, *, value_shape: tuple[int, ...] | None = None, key_rank: int = 0
) -> Spec:
    value: Dims = default.shape if value_shape is None else tuple(value_shape)
    lead: Dims = None if keys.shape is None else keys.shape[: len(keys.shape) - key_rank]
    return Spec(None if lead is None or value is None else lead + value, default.dtype)


def _find(
    table: Table, keys: Any, default: Any, *, value_shape: tuple[int, ...] | None = None, key_rank: int = 0
) -> Any:
    return table.find(_array(keys, table.key_dtype), _array(default, table.value_dtype))


def _import(table: Table, keys: Any, values: Any) -> tuple[Any, ...]:
    if table.static:
        table.initialize(table.keys_of(keys), table.rows_of(values, table.lead(keys)))
    else:
        table.replace(keys, values)
    return ()


def _insert(table: Table, keys: Any, values: Any) -> tuple[Any, ...]:
    table.insert(_array(keys, table.key_dtype), _array(values, table.value_dtype))
    return ()


def _remove(table: Table, keys: Any) -> tuple[Any, ...]:
    table.remove(_array(keys, table.key_dtype))
    return ()


def _infer_export(
    table: Spec, *, key_dtype: DType, value_dtype: DType, key_shape: tuple[int, ...], value_shape: tuple[int, ...]
) -> tuple[Spec, ...]:
    return Spec((None, *key_shape), key_dtype), Spec((None, *value_shape), value_dtype)


TABLE_FIND = _op("LookupTableFindV2", _infer_find, _find, Effect.READ, 1)
TABLE_SIZE = _op(
    "LookupTableSizeV2", lambda table: Spec((), dtypes.int64),
    lambda table: np.asarray(len(table.held()), np.int64), Effect.READ, 1,
)  # fmt: skip
TABLE_EXPORT = _op("LookupTableExportV2", _infer_export, lambda table, **attrs: table.export(), Effect.READ, 2)
TABLE_IMPORT = _op("LookupTableImportV2", _nothing, _import, Effect.IO)
TABLE_READ_FILE = _op("InitializeTableFromTextFileV2", _nothing, _read_file, Effect.IO)
TABLE_INSERT = _op("LookupTableInsertV2", _nothing, _insert, Effect.IO)
TABLE_REMOVE = _op("LookupTableRemoveV2", _nothing, _remove, Effect.IO)
