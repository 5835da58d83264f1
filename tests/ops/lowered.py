"""The descriptions of `core.lowering` computed with NumPy, element by element where that is the definition."""

from __future__ import annotations

import functools
from typing import Any

import numpy as np

from duoflow.core.lowering import (
    Affine,
    Concat,
    Contraction,
    Gather,
    GatherNd,
    Order,
    Reduction,
    Reshape,
    Scan,
    Scatter,
    Search,
)
from duoflow.core.scalar import Unsupported

_COMBINE = {
    "add": np.add, "mul": np.multiply, "max": np.maximum, "min": np.minimum, "and": np.logical_and, "or": np.logical_or,
}  # fmt: skip


@functools.singledispatch
def evaluate(description: Any, values: list[Any], like: Any) -> Any:
    """What an engine must compute for a description, given the op's inputs; `like` has the result's dtype and shape."""
    raise Unsupported(type(description).__name__)


def _wide(x: Any) -> Any:
    return x.astype(np.float64) if x.dtype.kind in "fV" else x


@evaluate.register
def _(description: Reduction, values: list[Any], like: Any) -> Any:
    x, keep = values[0], description.keepdims
    if description.combine in ("argmax", "argmin"):
        (axis,) = description.axes
        return getattr(np, description.combine)(x, axis=axis).astype(like.dtype)
    if not x.size and description.combine in ("max", "min"):
        raise Unsupported("an empty extreme")
    ufunc = _COMBINE[description.combine]
    x = x.astype(np.int64) if description.mean and x.dtype.kind in "iu" else x
    if ufunc in (np.add, np.multiply):
        out = ufunc.reduce(_wide(x), axis=description.axes, keepdims=keep, dtype=_wide(x).dtype)
    else:
        out = ufunc.reduce(x, axis=description.axes, keepdims=keep)
    if description.mean:
        count = np.prod([x.shape[a] for a in description.axes], dtype=np.int64)
        out = np.trunc(out / count) if x.dtype.kind in "iu" else out / count
    return np.asarray(out).astype(like.dtype)


@evaluate.register
def _(description: Affine, values: list[Any], like: Any) -> Any:
    x = values[0]
    where = np.indices(like.shape).reshape(len(like.shape), like.size)
    at = np.asarray(description.matrix, int).reshape(x.ndim, len(like.shape)) @ where + np.reshape(
        description.offset, (x.ndim, 1)
    )
    size = np.asarray(x.shape, int).reshape(-1, 1)
    inside = ((at >= 0) & (at < size)).all(axis=0)
    assert description.fill is not None or inside.all(), "an index leaves the input"
    out = np.full(like.size, 0 if description.fill is None else description.fill, like.dtype)
    out[inside] = x[tuple(at[:, inside])]
    return out.reshape(like.shape)


@evaluate.register
def _(description: Reshape, values: list[Any], like: Any) -> Any:
    return values[0].reshape(like.shape)


@evaluate.register
def _(description: Concat, values: list[Any], like: Any) -> Any:
    return np.concatenate([v for v in values if v.ndim == like.ndim], description.axis)


@evaluate.register
def _(description: Gather, values: list[Any], like: Any) -> Any:
    x, indices, n, axis = values[0], values[1], description.batch_dims, description.axis
    if not n:
        return np.take(x, indices, axis)
    batch = x.shape[:n]
    rows = [
        np.take(a, i, axis - n) for a, i in zip(x.reshape(-1, *x.shape[n:]), indices.reshape(-1, *indices.shape[n:]))
    ]
    return np.stack(rows).reshape(batch + rows[0].shape)


@evaluate.register
def _(description: GatherNd, values: list[Any], like: Any) -> Any:
    return values[0][tuple(np.moveaxis(values[1], -1, 0))]


@evaluate.register
def _(description: Search, values: list[Any], like: Any) -> Any:
    x, y = values
    rows = [a[:, None] for a in x.reshape(-1, x.shape[-1])]
    points = y.reshape(-1, y.shape[-1])
    found = [((a <= b) if description.or_equal else (a < b)).sum(0) for a, b in zip(rows, points)]
    return np.asarray(found, like.dtype).reshape(like.shape)


@evaluate.register
def _(description: Scatter, values: list[Any], like: Any) -> Any:
    indices = values[description.indices].reshape(-1, description.depth)
    updates = values[description.updates].reshape(len(indices), *like.shape[description.depth :])
    base = np.full_like(like, description.fill) if description.base is None else values[description.base]
    out = _wide(base).copy()
    combine = {**_COMBINE, "sub": np.subtract, "set": lambda old, new: new}[description.combine]
    for row, update in zip(indices.tolist(), updates):
        if all(0 <= i < size for i, size in zip(row, like.shape)):
            out[tuple(row)] = combine(out[tuple(row)], _wide(update))
            continue
        dropped = description.outside == "drop" or (description.outside == "drop negative" and min(row) < 0)
        assert dropped, "a row points outside"
    return out.astype(like.dtype)


@evaluate.register
def _(description: Scan, values: list[Any], like: Any) -> Any:
    x = np.moveaxis(_wide(values[0]), description.axis, 0)
    combine, identity = {"add": (np.add, 0), "mul": (np.multiply, 1), "logsumexp": (np.logaddexp, -np.inf)}[
        description.combine
    ]
    out, total = np.empty_like(x), np.full_like(x[:1].sum(0), identity)
    for i in reversed(range(len(x))) if description.reverse else range(len(x)):
        after = combine(total, x[i], dtype=x.dtype)
        out[i] = total if description.exclusive else after
        total = after
    return np.moveaxis(out, 0, description.axis).astype(like.dtype)


@evaluate.register
def _(description: Order, values: list[Any], like: Any) -> Any:
    x, axis = values[0], description.axis
    rank = np.unique(x, return_inverse=True)[1].reshape(x.shape)
    key = np.argsort(-rank if description.descending else rank, axis, kind="stable")
    places = np.take(key, range(like.shape[axis]), axis)
    found = {description.values: np.take_along_axis(x, places, axis), description.places: places.astype(np.int32)}
    out = tuple(found[k] for k in sorted(k for k in found if k is not None))
    return out if len(out) > 1 else out[0]


@evaluate.register
def _(description: Contraction, values: list[Any], like: Any) -> Any:
    x, y = values
    out = np.einsum(_wide(x), list(description.left), _wide(y), list(description.right), list(description.out))
    return out.astype(like.dtype)
