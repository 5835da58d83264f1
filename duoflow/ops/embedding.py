"""Lookups in embedding tables."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from duoflow.core import dtypes
from duoflow.core.late import F
from duoflow.core.tensor import convert

__all__ = ["embedding_lookup"]


def embedding_lookup(params: Any, ids: Any, max_norm: float | None = None, name: str | None = None) -> Any:
    """The rows of an embedding table.

    Args:
      params: [rows, ...], or a list of such tables that follow each other, the first ones a row longer if need be.
      ids: int tensor of row numbers.
      max_norm: rows longer than this are scaled down to it.

    Raises `InvalidArgumentError` for a row that does not exist.

    >>> tf.nn.embedding_lookup(tf.constant([[1.0], [2.0]]), [1, 0]).numpy().ravel()
    array([2., 1.], dtype=float32)

    TensorFlow: tf.nn.embedding_lookup.
    """
    return lookup(params, ids, "div", max_norm, name)


def lookup(params: Any, ids: Any, partition_strategy: str, max_norm: float | None, name: str | None) -> Any:
    """Rows of a table, or of a list of tables that follow each other ("div") or take turns ("mod")."""
    if params is None:
        raise ValueError("params must be specified")
    tables = list(params) if isinstance(params, (list, tuple)) else [params]
    if not tables:
        raise ValueError("Length of params is currently 0. Need at least one param.")
    if partition_strategy not in _PLACES:
        raise ValueError(
            f"Unrecognized partition strategy: {partition_strategy}. Must be one of either `mod` or `div`."
        )
    ids = convert(ids)
    with F.name_scope(name or "embedding_lookup"):
        rows = F.gather(tables[0], ids) if len(tables) == 1 else _partitioned(tables, ids, _PLACES[partition_strategy])
        return rows if max_norm is None else _clip_rows(rows, ids, max_norm)


def _taking_turns(tables: list[Any], ids: Any) -> tuple[Any, Any]:
    count = F.cast(len(tables), ids.dtype)
    return F.floormod(ids, count), F.floordiv(ids, count)


def _in_order(tables: list[Any], ids: Any) -> tuple[Any, Any]:
    count = F.cast(len(tables), ids.dtype)
    total = F.add_n([F.shape(t, out_type=ids.dtype)[0] for t in tables])
    short, longer = F.floordiv(total, count), F.floormod(total, count)
    owner = F.maximum(F.floordiv(ids, short + 1), F.floordiv(ids - longer, F.maximum(short, 1)))
    return owner, ids - owner * short - F.minimum(owner, longer)


#: The table and the row in it of each row number.
_PLACES = {"mod": _taking_turns, "div": _in_order}


def _partitioned(tables: list[Any], ids: Any, places: Callable[[list[Any], Any], tuple[Any, Any]]) -> Any:
    flat = F.reshape(ids, [-1])
    owner, row = places(tables, flat)
    owner = F.cast(owner, dtypes.int32)
    pieces = F.dynamic_partition(row, owner, len(tables))
    positions = F.dynamic_partition(F.range(F.size(flat)), owner, len(tables))
    rows = F.dynamic_stitch(positions, [F.gather(t, p) for t, p in zip(tables, pieces, strict=True)])
    return F.reshape(rows, F.concat([F.shape(ids), F.shape(rows)[1:]], 0))


def _clip_rows(rows: Any, ids: Any, max_norm: float) -> Any:
    lead = ids.ndim
    if rows.ndim == lead:
        return F.clip_by_value(rows, -max_norm, max_norm)
    return F.clip_by_norm(rows, max_norm, axes=list(range(lead, rows.ndim)))
