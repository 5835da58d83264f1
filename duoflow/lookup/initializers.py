"""What static tables are filled with: tensors, or the lines of a text file."""

from __future__ import annotations

from typing import Any, ClassVar

from duoflow.core import dtypes
from duoflow.core.context import context, init_scope
from duoflow.core.dtypes import as_dtype
from duoflow.core.emit import emit
from duoflow.core.late import F
from duoflow.core.record import Op
from duoflow.core.tensor import convert
from duoflow.ops.tables import LINE_NUMBER, TABLE_IMPORT, TABLE_READ_FILE, WHOLE_LINE

__all__ = ["KeyValueTensorInitializer", "TableInitializerBase", "TextFileIndex", "TextFileInitializer"]


class TableInitializerBase:
    """Base of the initializers: what the keys and values are of.

    TensorFlow: tf.contrib.lookup.TableInitializerBase.
    """

    def __init__(self, key_dtype: Any, value_dtype: Any) -> None:
        self._key_dtype, self._value_dtype = as_dtype(key_dtype), as_dtype(value_dtype)

    key_dtype = property(lambda self: self._key_dtype, doc="The dtype of the keys.")
    value_dtype = property(lambda self: self._value_dtype, doc="The dtype of the values.")

    def initialize(self, table: Any) -> Any:
        """Fill a table; in a graph, the operation that does."""
        raise NotImplementedError

    def _check(self, table: Any) -> None:
        for what in ("key_dtype", "value_dtype"):
            ours, theirs = getattr(self, what), getattr(table, what)
            if ours is not theirs:
                raise TypeError(f"Invalid {what[:-6]} dtype for table, expected {ours!r} but got {theirs!r}.")


def run(op: Op, inputs: tuple[Any, ...], attrs: dict[str, Any], name: str) -> Any:
    """Call an op without outputs; in a graph, its node."""
    emit(op, inputs, attrs, name)
    return None if context.graph is None else context.graph.nodes[-1]


class KeyValueTensorInitializer(TableInitializerBase):
    """Keys and values as tensors.

    Args:
      keys: [n], of `key_dtype` if that is given.
      values: [n], of `value_dtype` if that is given.

    >>> init = tf.lookup.KeyValueTensorInitializer(["a", "b"], [1, 2])
    >>> tf.lookup.StaticHashTable(init, default_value=-1).lookup(tf.constant(["b", "z"])).numpy()
    array([ 2, -1], dtype=int32)

    TensorFlow: tf.lookup.KeyValueTensorInitializer.
    """

    def __init__(
        self, keys: Any, values: Any, key_dtype: Any = None, value_dtype: Any = None, name: Any = None
    ) -> None:
        with init_scope():
            self._keys = F.convert_to_tensor(keys, key_dtype, name="keys")
            self._values = F.convert_to_tensor(values, value_dtype, name="values")
        self._name = name or "key_value_init"
        super().__init__(self._keys.dtype, self._values.dtype)

    def initialize(self, table: Any) -> Any:
        self._check(table)
        inputs = (table.resource_handle, self._keys, self._values)
        return run(TABLE_IMPORT, inputs, {}, f"{self._name}/LookupTableImportV2")


class TextFileIndex:
    """What of a line: its number, or all of it; other numbers are columns. TensorFlow: tf.lookup.TextFileIndex."""

    WHOLE_LINE: ClassVar[int] = WHOLE_LINE
    LINE_NUMBER: ClassVar[int] = LINE_NUMBER


class TextFileInitializer(TableInitializerBase):
    """Keys and values from the lines of a text file.

    Args:
      filename: the path.
      key_index, value_index: a column, or one of `TextFileIndex`.
      vocab_size: how many lines to read, of at least as many; all without it.
      delimiter: what stands between columns.
      value_index_offset: what is added to line numbers that are values.

    Raises:
      ValueError: for indices or dtypes that do not fit, or an empty name.
      NotFoundError, InvalidArgumentError: when the table is initialised, for a missing file, too few lines or columns,
        empty lines, and columns that are no numbers.

    TensorFlow: tf.lookup.TextFileInitializer.
    """

    def __init__(
        self, filename: Any, key_dtype: Any, key_index: int, value_dtype: Any, value_index: int,
        vocab_size: int | None = None, delimiter: str = "\t", name: Any = None, value_index_offset: int = 0,
    ) -> None:  # fmt: skip
        if not isinstance(filename, str) and not hasattr(filename, "dtype") and not hasattr(filename, "__fspath__"):
            raise ValueError("`filename` argument required for tf.lookup.TextFileInitializer")
        if isinstance(filename, str) and not filename:
            raise ValueError("`filename` argument required for tf.lookup.TextFileInitializer")
        super().__init__(key_dtype, value_dtype)
        _check_index("key", key_index, self._key_dtype)
        _check_index("value", value_index, self._value_dtype)
        if vocab_size is not None and vocab_size <= 0:
            raise ValueError(f"`vocab_size` should be > 0, received: {vocab_size}")
        self._filename, self._name = filename, name or "text_file_init"
        self._attrs = {
            "key_index": int(key_index), "value_index": int(value_index), "vocab_size": vocab_size or -1,
            "delimiter": delimiter, "offset": int(value_index_offset),
        }  # fmt: skip

    def initialize(self, table: Any) -> Any:
        self._check(table)
        path = self._filename.__fspath__() if hasattr(self._filename, "__fspath__") else self._filename
        name = convert(path, dtype=dtypes.string)
        if context.graph is not None:
            context.graph.add_to_collection("asset_filepaths", name)
        inputs = (table.resource_handle, name)
        return run(TABLE_READ_FILE, inputs, self._attrs, f"{self._name}/InitializeTableFromTextFileV2")


def _check_index(what: str, index: int, dtype: Any) -> None:
    if index < WHOLE_LINE:
        raise ValueError(f"`{what}_index` should be >= {WHOLE_LINE}, received: {index}.")
    if index == LINE_NUMBER and dtype is not dtypes.int64:
        raise ValueError(f"`{what}_dtype` must be int64 if `{what}_index` is {LINE_NUMBER}, received: {dtype!r}")
    if index == WHOLE_LINE and not dtype.is_integer and dtype is not dtypes.string:
        raise ValueError(
            f"`{what}_dtype` must be either integer or string if `{what}_index` is {WHOLE_LINE}, received: {dtype!r}"
        )
