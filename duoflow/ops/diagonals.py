"""Diagonals and bands of stacks of matrices.

Every op here moves or masks elements by a pattern that the sizes alone decide: where an output element comes from, and
which ones come from nowhere. NumPy applies the pattern directly; in a graph it is a constant.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from duoflow.core import dtypes, shapes
from duoflow.core.emit import emit_one
from duoflow.core.errors import InvalidArgumentError
from duoflow.core.late import F
from duoflow.core.record import Kind, Op, register
from duoflow.core.shapes import Dims
from duoflow.core.spec import Spec
from duoflow.core.tensor import convert, static_value

from .static import invalid, operand

__all__ = ["band_part", "diag", "diag_part", "eye", "set_diag", "tensor_diag", "tensor_diag_part", "trace"]

_ALIGNMENTS = ("LEFT_LEFT", "LEFT_RIGHT", "RIGHT_LEFT", "RIGHT_RIGHT")
Offsets = tuple[int, int]


def _offsets(k: Any) -> Offsets:
    """The lowest and the highest diagonal."""
    value = static_value(k)
    if value is None:
        raise TypeError(f"The diagonals `k` must be known when the graph is built, received {k!r}.")
    numbers = [int(i) for i in value.reshape(-1)]
    if len(numbers) not in (1, 2):
        raise ValueError(f"k must be a scalar or a vector of two numbers, received {k!r}.")
    low, high = numbers[0], numbers[-1]
    if low > high:
        raise ValueError(f"The lowest diagonal {low} of k is above the highest, {high}.")
    return low, high


def _check(align: str) -> str:
    if align not in _ALIGNMENTS:
        raise ValueError(f"align must be one of {', '.join(_ALIGNMENTS)}, received {align!r}.")
    return align


def _band(rows: int, columns: int, k: Offsets, align: str) -> tuple[Any, Any]:
    """Where each entry of a band of diagonals lies in the matrix: row and column, -1 for padding.

    The band has the highest diagonal first; each is shorter or as long as the longest, aligned by `align`.
    """
    low, high = k
    for i in (low, high):
        if not (-rows < i < columns or (i == 0 and not rows * columns)):
            raise ValueError(f"Diagonal {i} is out of range for matrices of {rows} rows and {columns} columns.")
    longest = _length(rows, columns, k)
    row, column = np.full((high - low + 1, longest), -1), np.full((high - low + 1, longest), -1)
    for place, d in enumerate(range(high, low - 1, -1)):
        own = min(rows + min(d, 0), columns - max(d, 0))
        right = align.startswith("RIGHT") if d >= 0 else align.endswith("RIGHT")
        start = longest - own if right else 0
        steps = np.arange(own)
        row[place, start : start + own] = steps - min(d, 0)
        column[place, start : start + own] = steps + max(d, 0)
    return row, column


def _length(rows: int, columns: int, k: Offsets) -> int:
    """The length of the longest diagonal of a band."""
    return min(rows + min(k[1], 0), columns - max(k[0], 0))


def _taken(flat: Any, index: Any, fill: Any) -> Any:
    """Along the last dimension, the elements at `index`; `fill` where it is -1."""
    out = (
        np.take(flat, np.maximum(index, 0), axis=-1)
        if flat.shape[-1]
        else np.zeros((*flat.shape[:-1], *index.shape), flat.dtype)
    )
    return np.where(index >= 0, out, fill).astype(flat.dtype)


def _gathered(flat: Any, index: Any, fill: Any) -> Any:
    """`_taken` with ops."""
    out = F.gather(flat, np.maximum(index, 0).astype(np.int32), axis=-1)
    return out if (index >= 0).all() else F.where(index >= 0, out, F.ones_like(out) * fill)


def _static(tensor: Any, what: str) -> tuple[int, ...]:
    dims = tensor.dims
    if dims is None or None in dims:
        raise ValueError(f"{what} expands only where the shape is known.")
    return dims  # type: ignore[no-any-return]


# -- the diagonals of a matrix -----------------------------------------------------------------------------------------


def _part_shape(shape: Dims, k: Offsets) -> Dims:
    if shape is None:
        return None
    if len(shape) < 2:
        raise ValueError(f"Input must be at least 2-dim, received shape: {shapes.brief(shape)}")
    *batch, rows, columns = shape
    longest = None if rows is None or columns is None else _length(rows, columns, k)
    return (*batch, longest) if k[0] == k[1] else (*batch, k[1] - k[0] + 1, longest)


def _part_index(shape: Any, k: Offsets, align: str) -> Any:
    row, column = _band(shape[-2], shape[-1], k, align)
    index = np.where(row >= 0, row * shape[-1] + column, -1)
    return index[0] if k[0] == k[1] else index


def _evaluate_part(x: Any, fill: Any, *, k: Offsets, align: str) -> Any:
    return _taken(x.reshape(*x.shape[:-2], x.shape[-2] * x.shape[-1]), _part_index(x.shape, k, align), fill)


def _expand_part(x: Any, fill: Any, *, k: Offsets, align: str) -> Any:
    shape = _static(x, "MatrixDiagPartV3")
    return _gathered(F.reshape(x, (*shape[:-2], shape[-2] * shape[-1])), _part_index(shape, k, align), fill)


def _part_gradient(node: Any, g: Any) -> tuple[Any, None]:
    x, attrs = node.inputs[0], node.attrs
    dims = x.dims
    if dims is not None and None not in dims[-2:]:
        return diag(g, k=attrs["k"], num_rows=dims[-2], num_cols=dims[-1], align=attrs["align"]), None
    return set_diag(F.zeros_like(x), g, k=attrs["k"], align=attrs["align"]), None


_PART = register(
    Op(
        "MatrixDiagPartV3",
        Kind.COMPOUND,
        lambda x, fill, *, k, align: Spec(_part_shape(x.shape, k), x.dtype),
        _evaluate_part,
        _part_gradient,
        expand=_expand_part,
    )
)


def diag_part(
    input: Any, name: str | None = "diag_part", k: Any = 0, padding_value: Any = 0, align: str = "RIGHT_LEFT"
) -> Any:
    """The diagonals of the matrices [..., m, n]: the main one, the k-th, or all of k = (low, high).

    Several give [..., high - low + 1, longest], the highest first, the short ones padded with `padding_value` on the
    side that `align` says (above the main diagonal, below it).

    >>> tf.linalg.diag_part([[1, 2], [3, 4]]).numpy()
    array([1, 4], dtype=int32)
    >>> tf.linalg.diag_part([[1, 2], [3, 4]], k=(-1, 0)).numpy()
    array([[1, 4], [3, 0]], dtype=int32)

    TensorFlow: tf.linalg.diag_part.
    """
    x = convert(input)
    attrs = {"k": _offsets(k), "align": _check(align)}
    return emit_one(_PART, (x, convert(padding_value, dtype=x.dtype)), attrs, name)


# -- matrices of given diagonals ---------------------------------------------------------------------------------------


def _diag_sizes(shape: Any, k: Offsets, rows: int, columns: int) -> tuple[int | None, int | None]:
    """The size of the matrix: the smallest that holds the diagonals, unless it was given."""
    longest = shape[-1]
    if longest is None:
        return (None if rows == -1 else rows), (None if columns == -1 else columns)
    least_rows, least_columns = longest - min(k[1], 0), longest + max(k[0], 0)
    if rows == -1 and columns == -1:
        rows = columns = max(least_rows, least_columns)
    rows, columns = (least_rows if rows == -1 else rows), (least_columns if columns == -1 else columns)
    if rows < least_rows or columns < least_columns or (rows != least_rows and columns != least_columns):
        raise ValueError(
            f"Diagonals {k} of length {longest} do not fit a matrix of {rows} rows and {columns} columns: it must have "
            f"at least {least_rows} rows and {least_columns} columns, and exactly that many of one of them."
        )
    return rows, columns


def _infer_diag(x: Spec, fill: Spec, *, k: Offsets, num_rows: int, num_cols: int, align: str) -> Spec:
    if x.shape is None:
        return Spec(None, x.dtype)
    count = k[1] - k[0] + 1
    if len(x.shape) < (1 if count == 1 else 2):
        raise ValueError(f"diagonal must be at least {1 if count == 1 else 2}-dim, received {shapes.brief(x.shape)}")
    if count > 1 and x.shape[-2] not in (None, count):
        raise ValueError(f"The number of diagonals in the input {shapes.brief(x.shape)} is not that of k = {k}.")
    return Spec(x.shape[: -1 if count == 1 else -2] + _diag_sizes(x.shape, k, num_rows, num_cols), x.dtype)


def _diag_index(shape: Any, k: Offsets, rows: int, columns: int, align: str) -> Any:
    """For each element of the matrix, its place in the flattened band, or -1."""
    m, n = _diag_sizes(shape, k, rows, columns)
    assert m is not None and n is not None
    row, column = _band(m, n, k, align)
    index = np.full((m, n), -1)
    inside = row >= 0
    index[row[inside], column[inside]] = np.arange(row.size).reshape(row.shape)[inside]
    return index


def _flat_band(shape: Any, k: Offsets) -> tuple[int, ...]:
    return tuple(shape) if k[0] == k[1] else (*shape[:-2], shape[-2] * shape[-1])


def _evaluate_diag(x: Any, fill: Any, *, k: Offsets, num_rows: int, num_cols: int, align: str) -> Any:
    return _taken(x.reshape(_flat_band(x.shape, k)), _diag_index(x.shape, k, num_rows, num_cols, align), fill)


def _expand_diag(x: Any, fill: Any, *, k: Offsets, num_rows: int, num_cols: int, align: str) -> Any:
    shape = _static(x, "MatrixDiagV3")
    return _gathered(F.reshape(x, _flat_band(shape, k)), _diag_index(shape, k, num_rows, num_cols, align), fill)


_DIAG = register(
    Op(
        "MatrixDiagV3",
        Kind.COMPOUND,
        _infer_diag,
        _evaluate_diag,
        lambda node, g: (diag_part(g, k=node.attrs["k"], align=node.attrs["align"]), None),
        expand=_expand_diag,
    )
)


def diag(
    diagonal: Any,
    name: str | None = "diag",
    k: Any = 0,
    num_rows: int = -1,
    num_cols: int = -1,
    padding_value: Any = 0,
    align: str = "RIGHT_LEFT",
) -> Any:
    """Matrices with the given diagonals: [..., n] for one, [..., high - low + 1, longest] for k = (low, high).

    The matrices are square and as small as possible unless `num_rows` and `num_cols` say otherwise; what is on no
    diagonal is `padding_value`.

    >>> tf.linalg.diag([1, 2]).numpy()
    array([[1, 0], [0, 2]], dtype=int32)
    >>> tf.linalg.diag([7], k=1).numpy()
    array([[0, 7], [0, 0]], dtype=int32)

    TensorFlow: tf.linalg.diag.
    """
    x = convert(diagonal)
    attrs = {"k": _offsets(k), "num_rows": int(num_rows), "num_cols": int(num_cols), "align": _check(align)}
    return emit_one(_DIAG, (x, convert(padding_value, dtype=x.dtype)), attrs, name)


def _infer_set(x: Spec, diagonal: Spec, *, k: Offsets, align: str) -> Spec:
    want = _part_shape(x.shape, k)
    if not shapes.compatible(want, diagonal.shape):
        raise InvalidArgumentError(
            f"The diagonals {k} of an input of shape {shapes.brief(x.shape)} have shape {shapes.brief(want)}, received "
            f"{shapes.brief(diagonal.shape)}."
        )
    if x.dtype is not diagonal.dtype:
        raise TypeError(
            f"MatrixSetDiagV3 takes tensors of one dtype, received {x.dtype.name} and {diagonal.dtype.name}."
        )
    return Spec(x.shape, x.dtype)


def _set_index(shape: Any, k: Offsets, align: str) -> Any:
    row, column = _band(shape[-2], shape[-1], k, align)
    index = np.full(shape[-2:], -1)
    inside = row >= 0
    index[row[inside], column[inside]] = np.arange(row.size).reshape(row.shape)[inside]
    return index


def _evaluate_set(x: Any, diagonal: Any, *, k: Offsets, align: str) -> Any:
    index = _set_index(x.shape, k, align)
    return np.where(index >= 0, _taken(diagonal.reshape(_flat_band(diagonal.shape, k)), index, 0), x)


def _expand_set(x: Any, diagonal: Any, *, k: Offsets, align: str) -> Any:
    index = _set_index(_static(x, "MatrixSetDiagV3"), k, align)
    band = F.reshape(diagonal, _flat_band(_static(diagonal, "MatrixSetDiagV3"), k))
    return F.where(index >= 0, F.gather(band, np.maximum(index, 0).astype(np.int32), axis=-1), x)


def _set_gradient(node: Any, g: Any) -> tuple[Any, Any]:
    k, align = node.attrs["k"], node.attrs["align"]
    return set_diag(g, F.zeros_like(node.inputs[1]), k=k, align=align), diag_part(g, k=k, align=align)


_SET = register(Op("MatrixSetDiagV3", Kind.COMPOUND, _infer_set, _evaluate_set, _set_gradient, expand=_expand_set))


def set_diag(input: Any, diagonal: Any, name: str | None = "set_diag", k: Any = 0, align: str = "RIGHT_LEFT") -> Any:
    """The matrices [..., m, n] with some diagonals replaced; `diagonal` is laid out as `diag_part` gives it.

    >>> tf.linalg.set_diag([[1, 2], [3, 4]], [0, 9]).numpy()
    array([[0, 2], [3, 9]], dtype=int32)

    TensorFlow: tf.linalg.set_diag.
    """
    x = convert(input)
    return emit_one(_SET, (x, operand(diagonal, x)), {"k": _offsets(k), "align": _check(align)}, name)


# -- bands -------------------------------------------------------------------------------------------------------------


def _infer_band(x: Spec, *, num_lower: int, num_upper: int) -> Spec:
    if x.rank is not None and x.rank < 2:
        raise InvalidArgumentError(f"input must be at least 2-dim, received shape: {shapes.brief(x.shape)}")
    if x.shape is not None:
        for what, amount, size in (("num_lower", num_lower, x.shape[-2]), ("num_upper", num_upper, x.shape[-1])):
            if size is not None and amount > size:
                raise InvalidArgumentError(
                    f"{what} must be negative or less or equal to the size {size}, got: {amount}"
                )
    return Spec(x.shape, x.dtype)


def _band_mask(shape: Any, num_lower: int, num_upper: int) -> Any:
    distance = np.arange(shape[-2])[:, None] - np.arange(shape[-1])
    return ((num_lower < 0) | (distance <= num_lower)) & ((num_upper < 0) | (-distance <= num_upper))


def _evaluate_band(x: Any, *, num_lower: int, num_upper: int) -> Any:
    return np.where(_band_mask(x.shape, num_lower, num_upper), x, np.zeros((), x.dtype))


def _expand_band(x: Any, *, num_lower: int, num_upper: int) -> Any:
    return F.where(_band_mask(_static(x, "MatrixBandPart"), num_lower, num_upper), x, F.zeros_like(x))


_BAND: Op = register(
    Op(
        "MatrixBandPart",
        Kind.COMPOUND,
        _infer_band,
        _evaluate_band,
        lambda node, g: emit_one(_BAND, (g,), node.attrs),
        expand=_expand_band,
    )
)


def band_part(input: Any, num_lower: Any, num_upper: Any, name: str | None = None) -> Any:
    """The matrices [..., m, n] with zeros outside a band around the main diagonal.

    Args:
      num_lower, num_upper: how many diagonals to keep below and above; negative for all.

    >>> tf.linalg.band_part([[1, 2], [3, 4]], -1, 0).numpy()
    array([[1, 0], [3, 4]], dtype=int32)

    TensorFlow: tf.linalg.band_part.
    """
    lower, upper = static_value(num_lower), static_value(num_upper)
    if lower is None or upper is None:
        return _band_of_unknown_width(convert(input), convert(num_lower), convert(num_upper))
    return emit_one(_BAND, (convert(input),), {"num_lower": int(lower), "num_upper": int(upper)}, name)


def _band_of_unknown_width(x: Any, lower: Any, upper: Any) -> Any:
    shape = F.shape(x, out_type=lower.dtype)
    distance = F.range(shape[-2])[:, None] - F.range(shape[-1])
    keep = F.logical_and(
        F.logical_or(lower < 0, distance <= lower), F.logical_or(upper < 0, -distance <= F.cast(upper, lower.dtype))
    )
    return F.where(keep, x, F.zeros_like(x))


# -- made of these -----------------------------------------------------------------------------------------------------


def eye(
    num_rows: Any,
    num_columns: Any = None,
    batch_shape: Any = None,
    dtype: Any = dtypes.float32,
    name: str | None = None,
) -> Any:
    """The identity matrix, or a stack of them of shape `batch_shape`.

    >>> tf.eye(2, 3, dtype=tf.int32).numpy()
    array([[1, 0, 0], [0, 1, 0]], dtype=int32)

    TensorFlow: tf.eye.
    """
    dtype = dtypes.as_dtype(dtype)
    num_columns = num_rows if num_columns is None else num_columns
    rows, columns = static_value(num_rows), static_value(num_columns)
    with F.name_scope(name or "eye"):
        if rows is not None and columns is not None:
            if rows < 0 or columns < 0:
                raise invalid(f"Arguments `num_rows` and `num_columns` must be non-negative, got {rows}, {columns}.")
            out = F.constant(np.eye(int(rows), int(columns)).astype(dtype.numpy))
        else:
            out = F.cast(F.equal(F.range(num_rows)[:, None], F.range(num_columns)), dtype)
        if batch_shape is None:
            return out
        batch = F.reshape(convert(batch_shape, dtype_hint=dtypes.int32), [-1])
        return F.broadcast_to(out, F.concat([batch, F.cast(F.shape(out), batch.dtype)], 0))


def trace(x: Any, name: str | None = None) -> Any:
    """The sum of the main diagonal of the matrices [..., m, n].

    >>> tf.linalg.trace([[1, 2], [3, 4]]).numpy()
    np.int32(5)

    TensorFlow: tf.linalg.trace.
    """
    with F.name_scope(name or "Trace"):
        return F.reduce_sum(diag_part(convert(x)), [-1])


def tensor_diag(diagonal: Any, name: str | None = None) -> Any:
    """A tensor of twice the rank with `diagonal` where the first indices equal the last.

    >>> tf.linalg.tensor_diag([1, 2]).numpy()
    array([[1, 0], [0, 2]], dtype=int32)

    TensorFlow: tf.linalg.tensor_diag.
    """
    with F.name_scope(name or "Diag"):
        x = convert(diagonal)
        shape = F.shape(x)
        return F.reshape(diag(F.reshape(x, [-1])), F.concat([shape, shape], 0))


def tensor_diag_part(input: Any, name: str | None = None) -> Any:
    """Of a tensor of even rank, the elements where the first half of the indices equals the second.

    >>> tf.linalg.tensor_diag_part([[1, 2], [3, 4]]).numpy()
    array([1, 4], dtype=int32)

    TensorFlow: tf.linalg.tensor_diag_part.
    """
    with F.name_scope(name or "DiagPart"):
        x = convert(input)
        rank = x.ndim
        if rank % 2 or not rank or not shapes.compatible(x.dims[: rank // 2], x.dims[rank // 2 :]):  # type: ignore[index]
            raise ValueError(f"The halves of the shape must be equal, received {x.shape}.")
        shape = F.shape(x)[: rank // 2]
        size = F.reduce_prod(shape)
        return F.reshape(diag_part(F.reshape(x, F.stack([size, size]))), shape)
