"""Records of comma-separated values: `tf.io.decode_csv`.

`split_record` cuts one record into fields as RFC 4180 has it, `field_value` reads one field; data sets use both too.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import Any

import numpy as np

from duoflow.core import dtypes
from duoflow.core.dtypes import DType
from duoflow.core.emit import emit
from duoflow.core.errors import InvalidArgumentError
from duoflow.core.record import Kind, Op, register
from duoflow.core.spec import Spec
from duoflow.core.tensor import convert

__all__ = ["decode_csv"]

#: What a field may be.
DTYPES = (dtypes.float32, dtypes.float64, dtypes.int32, dtypes.int64, dtypes.string)


def split_record(record: str, delimiter: str, quotes: bool) -> list[str]:
    """The fields of a record; an empty record has none."""
    if not record:
        return []
    if not quotes:
        return record.split(delimiter)
    fields: list[str] = []
    at = 0
    while at <= len(record):
        if record[at : at + 1] == '"':
            field, at = _quoted(record, at + 1)
            if record[at : at + 1] not in ("", delimiter):
                raise InvalidArgumentError("Quoted field has to end with quote followed by delim or end")
        else:
            end = record.find(delimiter, at)
            field, at = (record[at:], len(record)) if end < 0 else (record[at:end], end)
            if any(mark in field for mark in '"\n\r'):
                raise InvalidArgumentError("Unquoted fields cannot have quotes/CRLFs inside")
        fields.append(field)
        at += 1
    return fields


def _quoted(record: str, at: int) -> tuple[str, int]:
    """A quoted field that begins at a place, and the place after it; two quotes inside stand for one."""
    parts = []
    while True:
        end = record.find('"', at)
        if end < 0:
            raise InvalidArgumentError("Quoted field has to end with quote followed by delim or end")
        parts.append(record[at:end])
        if record[end + 1 : end + 2] != '"':
            return '"'.join(parts), end + 1
        at = end + 2


def field_value(field: str, dtype: DType, default: Any, na_value: str, where: tuple[str, str]) -> Any:
    """The value of a field, or `default` (None where one is required) if there is none.

    `where` names the field and its record for messages.
    """
    name, record = where
    if not field or field == na_value:
        if default is None:
            raise InvalidArgumentError(f"{name} is required but missing in {record}!")
        return default
    if dtype is dtypes.string:
        return field.encode("utf-8", "surrogateescape")
    try:
        if dtype.is_integer and (field != field.strip() and not field.strip() or "_" in field):
            raise ValueError
        value = dtype.numpy.type(int(field) if dtype.is_integer else float(field))
    except (ValueError, OverflowError):
        raise InvalidArgumentError(f"{name} in {record} is not a valid {_WORDS[dtype]}: {field}") from None
    return value


_WORDS = {dtypes.float32: "float", dtypes.float64: "double", dtypes.int32: "int32", dtypes.int64: "int64"}


def increasing(select_cols: Any) -> tuple[int, ...]:
    """Numbers of columns, checked; empty for all of them."""
    columns = tuple(int(column) for column in select_cols or ())
    if any(b <= a for a, b in itertools.pairwise(columns)):
        raise ValueError("select_cols is not strictly increasing.")
    if columns and columns[0] < 0:
        raise ValueError("select_cols contains negative values.")
    return columns


def _infer(
    records: Spec, *defaults: Spec, field_delim: str, use_quote_delim: bool, na_value: str, select_cols: tuple[int, ...]
) -> tuple[Spec, ...]:
    for i, default in enumerate(defaults):
        if default.dtype not in DTYPES:
            raise InvalidArgumentError(
                f"Value for attr 'OUT_TYPE' of {default.dtype.name} is not in the list of allowed values: float, "
                "double, int32, int64, string"
            )
        if default.shape is not None and (len(default.shape) > 1 or default.shape not in ((), (0,), (1,), (None,))):
            raise InvalidArgumentError(f"There should only be 1 default per field but field {i} has {default.shape[0]}")
    if len(field_delim) != 1:
        raise InvalidArgumentError("field_delim should be only 1 char")
    return tuple([Spec(records.shape, default.dtype) for default in defaults])


def _evaluate(
    records: Any, *defaults: Any, field_delim: str, use_quote_delim: bool, na_value: str, select_cols: tuple[int, ...]
) -> tuple[Any, ...]:
    kinds = [dtypes.from_numpy(d.dtype) if d.dtype != object else dtypes.string for d in defaults]
    otherwise = [d.reshape(-1)[0] if d.size else None for d in defaults]
    rows = []
    for number, record in enumerate(records.reshape(-1).tolist()):
        fields = split_record(record.decode("utf-8", "surrogateescape"), field_delim, use_quote_delim)
        if select_cols and select_cols[-1] < len(fields):
            fields = [fields[column] for column in select_cols]
        if len(fields) != len(defaults):
            raise InvalidArgumentError(f"Expect {len(defaults)} fields but have {len(fields)} in record {number}")
        rows.append([
            field_value(field, kinds[i], otherwise[i], na_value, (f"Field {i}", f"record {number}"))
            for i, field in enumerate(fields)
        ])  # fmt: skip
    columns: list[Any] = [list(column) for column in zip(*rows, strict=True)] or [[] for _ in defaults]
    out = []
    for column, kind in zip(columns, kinds, strict=True):
        array = np.empty(len(column), kind.numpy)
        array[:] = column
        out.append(array.reshape(records.shape))
    return tuple(out)


DECODE_CSV = register(Op("DecodeCSV", Kind.HOST, _infer, _evaluate, num_outputs=None, differentiable=False))


def decode_csv(
    records: Any, record_defaults: Sequence[Any], field_delim: str = ",", use_quote_delim: bool = True,
    na_value: str = "", select_cols: Sequence[int] | None = None, name: str | None = None,
) -> list[Any]:  # fmt: skip
    """The columns of records of comma-separated values, one tensor of the records' shape each.

    Args:
      records: strings of any shape.
      record_defaults: for each column a tensor of its dtype (float32, float64, int32, int64 or string) with the value
        of empty fields, or with none if the column is required.
      na_value: another text for empty fields.
      select_cols: the numbers of the columns wanted, increasing.

    Raises: `InvalidArgumentError` for records of another number of fields, and fields that are not what they should be.

    >>> [column.numpy().tolist() for column in tf.io.decode_csv(["1,a", ",b"], [[7], [""]])]
    [[1, 7], [b'a', b'b']]

    TensorFlow: tf.io.decode_csv.
    """
    columns = increasing(select_cols)
    if columns and len(columns) != len(record_defaults):
        raise ValueError("Length of select_cols and record_defaults do not match.")
    attrs = {
        "field_delim": field_delim, "use_quote_delim": bool(use_quote_delim), "na_value": na_value,
        "select_cols": columns,
    }  # fmt: skip
    defaults = tuple([convert(default) for default in record_defaults])
    return list(emit(DECODE_CSV, (convert(records, dtypes.string), *defaults), attrs, name))
