"""Order: sort, argsort, top_k, searchsorted, unique, inverse permutations."""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np

from duoflow.core import dtypes, shapes
from duoflow.core.dtypes import DType, as_dtype
from duoflow.core.emit import NO_ATTRS, emit, emit_one
from duoflow.core.errors import InvalidArgumentError
from duoflow.core.late import F
from duoflow.core.lowering import Order, Search
from duoflow.core.record import Kind, Op, register
from duoflow.core.spec import Spec
from duoflow.core.tensor import convert

from .families import REAL, check_dtype, in_float32
from .static import axis_of, int_tensor, operand, require_ints, same_dtype

__all__ = [
    "TopKV2", "Unique", "UniqueWithCounts", "argsort", "invert_permutation", "searchsorted", "sort", "top_k", "unique",
    "unique_with_counts",
]  # fmt: skip


def _order(x: Any, axis: int, descending: bool) -> Any:
    """The stable order of the elements; equal ones keep theirs in both directions."""
    if x.dtype.itemsize == 2 and x.dtype.kind not in "iu":
        x = x.astype(np.float32)  # NaN of bfloat16 would stand anywhere
    if not descending:
        return np.argsort(x, axis, kind="stable")
    backwards = np.flip(np.argsort(np.flip(x, axis), axis, kind="stable"), axis)
    return x.shape[axis] - 1 - backwards


def _gradient_sort(node: Any, g: Any) -> Any:
    axis = node.attrs["axis"]
    order = emit_one(ARGSORT, (node.inputs[0],), dict(node.attrs))
    back = emit_one(ARGSORT, (order,), {"axis": axis, "descending": False})
    return F.gather(g, back, axis=axis, batch_dims=axis) if axis == g.ndim - 1 else _along(g, back, axis)


def _along(x: Any, indices: Any, axis: int) -> Any:
    last = x.ndim - 1
    x, indices = F.swapaxes(x, axis, last), F.swapaxes(indices, axis, last)
    return F.swapaxes(F.gather(x, indices, axis=last, batch_dims=last), axis, last)


@in_float32
def _sorted(x: Any, *, axis: int, descending: bool) -> Any:
    return np.flip(np.sort(x, axis), axis) if descending else np.sort(x, axis)


SORT = register(
    Op(
        "Sort",
        Kind.ORDER,
        lambda x, *, axis, descending: Spec(x.shape, x.dtype),
        _sorted,
        _gradient_sort,
        lower=lambda specs, outs, attrs: Order(attrs["axis"] % len(specs[0].shape), attrs["descending"], values=0),
    )  # fmt: skip
)
ARGSORT = register(
    Op(
        "ArgSort",
        Kind.ORDER,
        lambda x, *, axis, descending: Spec(x.shape, dtypes.int32),
        lambda x, *, axis, descending: _order(x, axis, descending).astype(np.int32),
        differentiable=False,
        lower=lambda specs, outs, attrs: Order(attrs["axis"] % len(specs[0].shape), attrs["descending"], places=0),
    )  # fmt: skip
)


def _sorting(op: Op, values: Any, axis: Any, direction: str, name: str | None) -> Any:
    if direction not in ("ASCENDING", "DESCENDING"):
        raise ValueError(
            f"Argument `direction` should be one of 'ASCENDING' or 'DESCENDING'. Received: direction={direction}"
        )
    values = convert(values)
    if values.dtype.is_complex or not values.dtype.is_numeric and not values.dtype.is_bool:
        raise TypeError(f"Values of dtype {values.dtype.name} cannot be sorted.")
    at = axis_of(axis, values.spec.rank)
    return emit_one(op, (values,), {"axis": at, "descending": direction == "DESCENDING"}, name)


def sort(values: Any, axis: Any = -1, direction: str = "ASCENDING", name: str | None = None) -> Any:
    """The elements in order along an axis.

    >>> tf.sort([3, 1, 2], direction="DESCENDING").numpy()
    array([3, 2, 1], dtype=int32)

    TensorFlow: tf.sort.
    """
    return _sorting(SORT, values, axis, direction, name)


def argsort(
    values: Any, axis: Any = -1, direction: str = "ASCENDING", stable: bool = False, name: str | None = None
) -> Any:
    """The positions that put the elements in order; equal ones keep theirs, with or without `stable`.

    >>> tf.argsort([3, 1, 2]).numpy()
    array([1, 2, 0], dtype=int32)

    TensorFlow: tf.argsort.
    """
    return _sorting(ARGSORT, values, axis, direction, name)


# -- top_k -------------------------------------------------------------------------------------------------------------


class TopKV2(NamedTuple):
    """The result of `tf.math.top_k`."""

    values: Any
    indices: Any


def _infer_top_k(x: Spec, k: Spec, *, sorted: bool, index_type: DType) -> tuple[Spec, Spec]:
    check_dtype("TopKV2", "input", x.dtype, REAL)
    if k.rank not in (None, 0):
        raise ValueError(f"k must be scalar, got shape {shapes.brief(k.shape)}")
    size = None if k.array is None else int(k.array)
    if size is not None and size < 0:
        raise ValueError(f"Need k >= 0, got {size}")
    if x.shape is None:
        return Spec(None, x.dtype), Spec(None, index_type)
    if not x.shape:
        raise ValueError("input must be >= 1-D, got shape []")
    if size is not None and x.shape[-1] is not None and size > x.shape[-1]:
        raise ValueError(f"input must have at least k columns. Had {x.shape[-1]}, needed {size}")
    shape = (*x.shape[:-1], size)
    return Spec(shape, x.dtype), Spec(shape, index_type)


def _evaluate_top_k(x: Any, k: Any, *, sorted: bool, index_type: DType) -> tuple[Any, Any]:
    best = _order(x, -1, True)[..., : int(k)]
    return np.take_along_axis(x, best, -1), best.astype(index_type.numpy)


def _gradient_top_k(node: Any, g: Any, _: Any) -> tuple[Any, None]:
    x, indices = node.inputs[0], node.outputs[1]
    shape = F.shape(x)
    columns = shape[-1]
    rows = F.size(x) // F.maximum(columns, 1)
    flat = F.reshape(F.cast(indices, dtypes.int32), F.stack([rows, -1])) + F.expand_dims(F.range(rows), 1) * columns
    return F.reshape(F.unsorted_segment_sum(F.reshape(g, [-1]), F.reshape(flat, [-1]), F.size(x)), shape), None


TOP_K = register(
    Op(
        "TopKV2",
        Kind.ORDER,
        _infer_top_k,
        _evaluate_top_k,
        _gradient_top_k,
        num_outputs=2,
        lower=lambda specs, outs, attrs: Order(len(specs[0].shape) - 1, True, values=0, places=1),
    )  # fmt: skip
)


def top_k(
    input: Any, k: Any = 1, sorted: bool = True, index_type: Any = dtypes.int32, name: str | None = None
) -> TopKV2:
    """The `k` largest entries of the last dimension and where they are; of equal ones the first.

    Args:
      sorted: largest first; they are in that order in any case.

    >>> values, indices = tf.math.top_k([1, 5, 3], 2)
    >>> values.numpy(), indices.numpy()
    (array([5, 3], dtype=int32), array([1, 2], dtype=int32))

    TensorFlow: tf.math.top_k.
    """
    attrs = {"sorted": sorted, "index_type": as_dtype(index_type)}
    return TopKV2(*emit(TOP_K, (convert(input), int_tensor(k)), attrs, name))


# -- searching ---------------------------------------------------------------------------------------------------------


def _infer_searchsorted(sequence: Spec, values: Spec, *, side: str, out_type: DType) -> Spec:
    same_dtype("SearchSorted", (sequence, values))
    if sequence.shape is not None and values.shape is not None:
        rows = [shapes.num_elements(spec.shape[:-1]) for spec in (sequence, values)]  # type: ignore[index]
        if None not in rows and rows[0] != rows[1]:
            raise ValueError(
                "Leading dim_size of both tensors must match: "
                f"{shapes.brief(sequence.shape)} and {shapes.brief(values.shape)}"
            )
    return Spec(values.shape, out_type)


def _evaluate_searchsorted(sequence: Any, values: Any, *, side: Any, out_type: DType) -> Any:
    count = math.prod(values.shape[:-1])
    rows = zip(sequence.reshape(count, sequence.shape[-1]), values.reshape(count, values.shape[-1]), strict=True)
    found = [np.searchsorted(row, points, side) for row, points in rows]
    return np.asarray(found, out_type.numpy).reshape(values.shape)


SEARCHSORTED = register(
    Op(
        "SearchSorted",
        Kind.VIEW,
        _infer_searchsorted,
        _evaluate_searchsorted,
        differentiable=False,
        lower=lambda specs, outs, attrs: Search(attrs["side"] == "right"),
    )  # fmt: skip
)


def searchsorted(
    sorted_sequence: Any, values: Any, side: str = "left", out_type: Any = dtypes.int32, name: str | None = None
) -> Any:
    """Where values belong in sorted rows: before ("left") or behind ("right") what is equal.

    Args:
      sorted_sequence: [..., n], ascending along the last dimension.
      values: [..., m], with the same leading dimensions.

    >>> tf.searchsorted([1, 3, 5], [3, 6]).numpy()
    array([1, 3], dtype=int32)

    TensorFlow: tf.searchsorted.
    """
    if side not in ("left", "right"):
        raise ValueError(f"Argument `side` must be either 'right' or 'left'. Received: `side` = {side}.")
    sequence = convert(sorted_sequence)
    inputs = (sequence, operand(values, sequence))
    return emit_one(SEARCHSORTED, inputs, {"side": side, "out_type": as_dtype(out_type)}, name)


# -- unique ------------------------------------------------------------------------------------------------------------


class Unique(NamedTuple):
    """The result of `tf.unique`."""

    y: Any
    idx: Any


class UniqueWithCounts(NamedTuple):
    """The result of `tf.unique_with_counts`."""

    y: Any
    idx: Any
    count: Any


def _infer_unique(x: Spec, *, out_idx: DType) -> tuple[Spec, ...]:
    if x.rank not in (None, 1):
        raise ValueError(f"unique expects a 1D vector, received shape {shapes.brief(x.shape)}.")
    return Spec((None,), x.dtype), Spec(x.shape, out_idx), Spec((None,), out_idx)


def _evaluate_unique(x: Any, *, out_idx: DType) -> tuple[Any, ...]:
    values, first, inverse, counts = np.unique(
        x, return_index=True, return_inverse=True, return_counts=True, equal_nan=False
    )
    order = np.argsort(first, kind="stable")
    rank = np.empty_like(order)
    rank[order] = np.arange(order.size)
    kind = out_idx.numpy
    return values[order], rank[inverse.reshape(-1)].astype(kind), counts[order].astype(kind)


UNIQUE = register(
    Op("UniqueWithCounts", Kind.HOST, _infer_unique, _evaluate_unique, num_outputs=3, differentiable=False)
)


def unique(x: Any, out_idx: Any = dtypes.int32, name: str | None = None) -> Unique:
    """The different elements of a vector in order of appearance, and for each element which of them it is.

    >>> y, idx = tf.unique([4, 1, 4])
    >>> y.numpy(), idx.numpy()
    (array([4, 1], dtype=int32), array([0, 1, 0], dtype=int32))

    TensorFlow: tf.unique.
    """
    return Unique(*emit(UNIQUE, (convert(x),), {"out_idx": as_dtype(out_idx)}, name)[:2])


def unique_with_counts(x: Any, out_idx: Any = dtypes.int32, name: str | None = None) -> UniqueWithCounts:
    """As `tf.unique`, and how often each element occurs. TensorFlow: tf.unique_with_counts."""
    return UniqueWithCounts(*emit(UNIQUE, (convert(x),), {"out_idx": as_dtype(out_idx)}, name))


def _evaluate_invert(x: Any) -> Any:
    if not np.array_equal(np.sort(x), np.arange(x.size)):
        values, counts = np.unique(x, return_counts=True)
        wrong = [f"{v} is duplicated in the input." for v in values[counts > 1]]
        wrong += [f"{v} is not between 0 and {x.size}" for v in values if not 0 <= v < x.size]
        raise InvalidArgumentError(None, None, wrong[0])
    out = np.empty_like(x)
    out[x] = np.arange(x.size, dtype=x.dtype)
    return out


def _infer_invert(x: Spec) -> Spec:
    require_ints("InvertPermutation", "x", x)
    return Spec(x.shape, x.dtype)


INVERT_PERMUTATION = register(Op("InvertPermutation", Kind.HOST, _infer_invert, _evaluate_invert, differentiable=False))


def invert_permutation(x: Any, name: str | None = None) -> Any:
    """The permutation that undoes one.

    >>> tf.math.invert_permutation([2, 0, 1]).numpy()
    array([1, 2, 0], dtype=int32)

    TensorFlow: tf.math.invert_permutation.
    """
    return emit_one(INVERT_PERMUTATION, (int_tensor(x),), NO_ATTRS, name)
