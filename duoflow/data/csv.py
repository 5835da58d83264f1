"""Datasets of comma-separated values: `tf.data.experimental.CsvDataset` and `make_csv_dataset`."""

from __future__ import annotations

import collections
import glob
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from duoflow.core import dtypes
from duoflow.core.dtypes import DType, as_dtype
from duoflow.core.errors import InvalidArgumentError
from duoflow.core.spec import TensorSpec
from duoflow.core.tensor import convert
from duoflow.ops.csv import DTYPES, field_value, increasing, split_record

from .dataset import AUTOTUNE, UNKNOWN_CARDINALITY, Dataset
from .readers import TextLineDataset
from .structure import Flat, Structure

__all__ = ["CsvDataset", "make_csv_dataset"]


class CsvDataset(Dataset):
    """The rows of CSV files as tuples of scalars.

    `record_defaults` has for each column a dtype, if its fields are required, or the value of empty ones.

    TensorFlow: tf.data.experimental.CsvDataset.
    """

    _called = "CsvDatasetV2"

    def __init__(
        self, filenames: Any, record_defaults: Sequence[Any], compression_type: str | None = None,
        buffer_size: Any = None, header: bool = False, field_delim: str = ",", use_quote_delim: bool = True,
        na_value: str = "", select_cols: Sequence[int] | None = None, exclude_cols: Sequence[int] | None = None,
    ) -> None:  # fmt: skip
        if select_cols is not None and exclude_cols is not None:
            raise InvalidArgumentError("Either select_cols or exclude_cols should be empty").here()
        try:
            self._selected, self._excluded = increasing(select_cols), frozenset(increasing(exclude_cols))
        except ValueError:
            raise InvalidArgumentError("select_cols should be strictly increasing indices").here() from None
        self._columns = [_column(default) for default in record_defaults]
        self._lines = TextLineDataset(filenames, compression_type)
        self._header, self._delimiter, self._quotes, self._na_value = header, field_delim, use_quote_delim, na_value
        form = tuple([TensorSpec((), dtype) for dtype, _ in self._columns])
        super().__init__(Structure(form), UNKNOWN_CARDINALITY)

    def _stream(self) -> Iterator[Flat]:
        for lines in self._lines._streams():
            if self._header:
                next(lines, None)
            for record in self._records(lines):
                yield self._row(record)

    def _records(self, lines: Iterator[Flat]) -> Iterator[str]:
        """Lines, put together where a quoted field holds their ends."""
        for (line,) in lines:
            record = line.item().decode("utf-8", "surrogateescape")
            while self._quotes and record.count('"') % 2 and (following := next(lines, None)):
                record += "\n" + following[0].item().decode("utf-8", "surrogateescape")
            yield record

    def _row(self, record: str) -> Flat:
        try:
            fields = split_record(record, self._delimiter, self._quotes)
            if self._selected and self._selected[-1] < len(fields):
                fields = [fields[column] for column in self._selected]
            elif self._excluded:
                fields = [field for column, field in enumerate(fields) if column not in self._excluded]
            if len(fields) != len(self._columns):
                raise InvalidArgumentError(f"Expect {len(self._columns)} fields but have {len(fields)} in record")
            pairs = enumerate(zip(fields, self._columns, strict=True))
            return tuple([self._scalar(f"Field {i}", field, *column) for i, (field, column) in pairs])
        except InvalidArgumentError as error:
            raise error.here() from None

    def _scalar(self, name: str, field: str, dtype: DType, default: Any) -> Any:
        out = np.empty((), dtype.numpy)
        out[()] = field_value(field, dtype, default, self._na_value, (name, "record"))
        return out


def _column(default: Any) -> tuple[DType, Any]:
    """A column's dtype and the value of its empty fields, None if they must not be."""
    try:
        dtype, value = as_dtype(default), None
    except TypeError:
        tensor = convert(default)
        dtype, values = tensor.dtype, np.asarray(tensor.numpy()).reshape(-1)
        value = values[0] if len(values) else None
    if dtype not in DTYPES:
        names = ", ".join(kind.name for kind in DTYPES)
        raise TypeError(f"A column of CSV data must be one of {names}, received {default!r}.")
    return dtype, value


def make_csv_dataset(
    file_pattern: Any, batch_size: int, column_names: Sequence[str] | None = None,
    column_defaults: Sequence[Any] | None = None, label_name: str | None = None,
    select_columns: Sequence[Any] | None = None, field_delim: str = ",", use_quote_delim: bool = True,
    na_value: str = "", header: bool = True, num_epochs: int | None = None, shuffle: bool = True,
    shuffle_buffer_size: int = 10000, shuffle_seed: int | None = None, prefetch_buffer_size: int | None = None,
    num_parallel_reads: int | None = None, sloppy: bool = False, num_rows_for_inference: int | None = 100,
    compression_type: str | None = None, ignore_errors: bool = False, encoding: str = "utf-8",
) -> Dataset:  # fmt: skip
    """Batches of the rows of CSV files, as dicts of columns, with one column aside as labels if it is named.

    Names come from the files' headers and dtypes from their first rows, unless they are given. `num_parallel_reads` and
    `sloppy` are accepted: rows are read in the order of the sorted file names.

    Raises: `ValueError` if no file matches, headers differ, or a column named is not there.

    TensorFlow: tf.data.experimental.make_csv_dataset.
    """
    patterns = [file_pattern] if isinstance(file_pattern, str) else list(file_pattern)
    filenames = sorted(name for pattern in patterns for name in glob.glob(str(pattern)))
    if not filenames:
        raise ValueError(f"No files match `file_pattern` {file_pattern}.")
    table = _Table(filenames, field_delim, use_quote_delim, encoding, compression_type)
    names = list(column_names) if column_names is not None else table.names()
    if len(set(names)) != len(names):
        raise ValueError(f"Cannot have duplicate column names: {names}.")
    if label_name is not None and label_name not in names:
        raise ValueError(f"`label_name` provided must be one of the columns: {names}. Received: {label_name}.")
    wanted = _wanted(select_columns, names)
    if column_defaults is None:
        column_defaults = table.defaults(wanted, len(names), header, na_value, num_rows_for_inference)
    kept = [names[column] for column in wanted]
    if len(column_defaults) != len(kept):
        raise ValueError(f"`column_defaults` must have a value for each of the columns {kept}.")
    if label_name is not None and label_name not in kept:
        raise ValueError(f"`label_name` provided must be one of the columns selected: {kept}.")
    rows: Dataset = CsvDataset(
        filenames, column_defaults, compression_type, None, header, field_delim, use_quote_delim, na_value,
        wanted if len(wanted) < len(names) else None,
    )  # fmt: skip
    rows = rows.ignore_errors() if ignore_errors else rows
    rows = rows.shuffle(shuffle_buffer_size, shuffle_seed) if shuffle else rows
    batches = rows.repeat(num_epochs).batch(batch_size, drop_remainder=num_epochs is None)

    def as_columns(*columns: Any) -> Any:
        features = collections.OrderedDict(zip(kept, columns, strict=True))
        return features if label_name is None else (features, features.pop(label_name))

    made: Dataset = batches.map(as_columns).prefetch(AUTOTUNE if prefetch_buffer_size is None else prefetch_buffer_size)
    return made


def _wanted(select_columns: Sequence[Any] | None, names: Sequence[str]) -> list[int]:
    """The numbers of the columns, given by number or name."""
    if select_columns is None:
        return list(range(len(names)))
    try:
        numbers = [column if isinstance(column, int) else names.index(column) for column in select_columns]
    except ValueError:
        raise ValueError(f"`select_columns` must be among the columns {names}, received {select_columns}.") from None
    if any(not 0 <= number < len(names) for number in numbers) or len(set(numbers)) < len(numbers):
        raise ValueError(f"`select_columns` must be distinct columns of {names}, received {select_columns}.")
    return sorted(numbers)


class _Table:
    """What files say about their columns."""

    def __init__(self, filenames: list[str], delimiter: str, quotes: bool, encoding: str, compression: Any) -> None:
        self._filenames, self._delimiter, self._quotes = filenames, delimiter, quotes
        self._encoding, self._compression = encoding, compression

    def _rows(self, filename: str) -> Iterator[list[str]]:
        for (line,) in TextLineDataset(str(Path(filename)), self._compression)._stream():
            yield split_record(line.item().decode(self._encoding), self._delimiter, self._quotes)

    def names(self) -> list[str]:
        """The first row, which all files must have in common."""
        found = [next(self._rows(filename), None) for filename in self._filenames]
        for filename, names in zip(self._filenames, found, strict=True):
            if not names:
                raise ValueError(f"Failed when reading the header line of {filename}. Is it an empty file?")
            if names != found[0]:
                raise ValueError(
                    "All input CSV files should have the same column names in the header row. "
                    f"File {filename} has different column names."
                )
        return found[0] or []

    def defaults(self, wanted: list[int], count: int, header: bool, na_value: str, most: int | None) -> list[Any]:
        """A zero, or an empty string, of the narrowest dtype that holds what a column has in the first rows."""
        kinds = [0] * len(wanted)
        seen = [False] * len(wanted)
        rows = (row for name in self._filenames for i, row in enumerate(self._rows(name)) if i or not header)
        for number, row in enumerate(rows):
            if most is not None and number >= most:
                break
            if len(row) != count:
                raise ValueError(
                    f"Problem inferring types: CSV row {number + 1} has {len(row)} number of fields. Expected: {count}."
                )
            for i, column in enumerate(wanted):
                if row[column] not in ("", na_value):
                    kinds[i], seen[i] = max(kinds[i], _kind(row[column])), True
        chosen = [_KINDS[kind] if known else dtypes.string for kind, known in zip(kinds, seen, strict=True)]
        return [np.zeros(1, d.numpy) if d is not dtypes.string else [""] for d in chosen]


_KINDS = (dtypes.int32, dtypes.int64, dtypes.float32, dtypes.float64, dtypes.string)


def _kind(field: str) -> int:
    """The place in `_KINDS` of the narrowest dtype that holds a field."""
    for place, limit in ((0, 2**31), (1, 2**63)):
        try:
            if -limit <= int(field) < limit:
                return place
        except ValueError:
            break
    for place in (2, 3):
        try:
            if abs(float(field)) < _KINDS[place].max:
                return place
        except ValueError:
            break
    return 4
