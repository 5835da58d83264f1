"""Lookups in embedding tables."""

from __future__ import annotations

from typing import Any

from duoflow.core import dtypes
from duoflow.core.late import F
from duoflow.core.tensor import convert

__all__ = ["embedding_lookup"]


def embedding_lookup(params: Any, ids: Any, max_norm: float | None = None, name: str | None = None) -> Any:
    """The rows of an embedding table.

    Args:
      params: [rows, ...], or a list of such tables over which rows are spread (row i is in table i mod n).
      ids: int tensor of row numbers.
      max_norm: rows longer than this are scaled down to it.

    Raises `InvalidArgumentError` for a row that does not exist.

    >>> tf.nn.embedding_lookup(tf.constant([[1.0], [2.0]]), [1, 0]).numpy().ravel()
    array([2., 1.], dtype=float32)

    TensorFlow: tf.nn.embedding_lookup.
    """
    tables = list(params) if isinstance(params, (list, tuple)) else [params]
    if not tables:
        raise ValueError("Argument `params` should not be empty.")
    ids = convert(ids)
    with F.name_scope(name or "embedding_lookup"):
        if len(tables) == 1:
            rows = F.gather(tables[0], ids)
        else:
            rows = _partitioned(tables, ids)
        return rows if max_norm is None else _clip_rows(rows, ids, max_norm)


def _partitioned(tables: list[Any], ids: Any) -> Any:
    flat = F.reshape(ids, [-1])
    count = F.cast(len(tables), flat.dtype)
    owner = F.cast(F.floormod(flat, count), dtypes.int32)
    pieces = F.dynamic_partition(F.floordiv(flat, count), owner, len(tables))
    places = F.dynamic_partition(F.range(F.size(flat)), owner, len(tables))
    rows = F.dynamic_stitch(places, [F.gather(t, p) for t, p in zip(tables, pieces, strict=True)])
    return F.reshape(rows, F.concat([F.shape(ids), F.shape(rows)[1:]], 0))


def _clip_rows(rows: Any, ids: Any, max_norm: float) -> Any:
    lead = ids.ndim
    if rows.ndim == lead:
        return F.clip_by_value(rows, -max_norm, max_norm)
    return F.clip_by_norm(rows, max_norm, axes=list(range(lead, rows.ndim)))
