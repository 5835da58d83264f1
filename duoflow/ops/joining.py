"""Tensors put together and taken apart along an axis: concat, stack, split, unstack."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np

from duoflow.core import dtypes, shapes
from duoflow.core.context import context
from duoflow.core.emit import emit, emit_one
from duoflow.core.late import F
from duoflow.core.lowering import Concat
from duoflow.core.record import Kind, Op, register
from duoflow.core.shapes import Dims
from duoflow.core.spec import Spec
from duoflow.core.tensor import Operators, convert

from .static import (
    axis_of,
    axis_or_negative,
    convert_list,
    entries,
    int_tensor,
    invalid,
    same_dtype,
    static_int,
    value_of,
)

__all__ = ["concat", "parallel_stack", "split", "stack", "unstack"]

# -- concat ------------------------------------------------------------------------------------------------------------


def _infer_concat(*values: Spec, axis: int) -> Spec:
    dtype = same_dtype("ConcatV2", values)
    ranked = [(i, v) for i, v in enumerate(values) if v.shape is not None]
    if not ranked:
        return Spec(None, dtype)
    first_at, first = ranked[0]
    assert first.shape is not None
    if not first.shape:
        raise ValueError(
            "ConcatOp : Expected concatenating dimensions in the range [0, 0), but got 0: scalars have no "
            "axis; use tf.stack."
        )
    for i, v in ranked:
        if v.rank != first.rank:
            raise ValueError(
                "ConcatOp : Ranks of all input tensors should match: "
                f"shape[{first_at}] = {shapes.brief(first.shape)} vs. shape[{i}] = {shapes.brief(v.shape)}"
            )
    count = len(first.shape)
    if not -count <= axis < count:
        raise ValueError(
            f"ConcatOp : Expected concatenating dimensions in the range [{-count}, {count}), but got {axis}"
        )
    axis %= count
    out = list(first.shape)
    for i, v in ranked[1:]:
        assert v.shape is not None
        for d in range(count):
            if d != axis and None not in (out[d], v.shape[d]) and out[d] != v.shape[d]:
                raise ValueError(
                    f"ConcatOp : Dimension {d} in both shapes must be equal: shape[{first_at}] = "
                    f"{shapes.brief(first.shape)} vs. shape[{i}] = {shapes.brief(v.shape)}"
                )
            out[d] = v.shape[d] if out[d] is None else out[d]
    sizes = [None if v.shape is None else v.shape[axis] for v in values]
    out[axis] = None if None in sizes else sum(sizes)  # type: ignore[arg-type]
    return Spec(tuple(out), dtype, _concat_value(values, dtype) if count == 1 and dtype.is_integer else None)


def _concat_value(values: tuple[Spec, ...], dtype: Any) -> Any:
    parts = [entries(v) for v in values]
    return None if None in parts else value_of(tuple(itertools.chain(*parts)), dtype)  # type: ignore[arg-type]


def _evaluate_concat(*values: Any, axis: int) -> Any:
    dtype = values[0].dtype
    try:
        if all(v.dtype == dtype for v in values):
            return np.concatenate(values, axis)
    except (ValueError, TypeError):
        pass
    _infer_concat(*[Spec.of(v) for v in values], axis=axis)
    return np.concatenate(values, axis)


def _gradient_concat(node: Any, g: Any) -> list[Any]:
    axis = node.attrs["axis"]
    ranks = [x.spec.rank for x in node.inputs if x.spec.rank is not None]
    axis = axis_or_negative(axis, ranks[0] if ranks else None)
    sizes = [None if x.dims is None else x.dims[axis] for x in node.inputs]
    if None in sizes:
        return split(g, F.stack([F.shape(x)[axis] for x in node.inputs]), axis, num=len(sizes))
    return split(g, sizes, axis)


CONCAT = register(
    Op(
        "ConcatV2",
        Kind.VIEW,
        _infer_concat,
        _evaluate_concat,
        _gradient_concat,
        checked=False,
        lower=lambda specs, outs, attrs: Concat(attrs["axis"] % len(outs[0].shape)),
    )  # fmt: skip
)


def concat(values: Any, axis: Any, name: str | None = "concat") -> Any:
    """Tensors one after another along an existing dimension.

    Args:
      values: tensors of one dtype whose shapes agree but along `axis`.
    Raises:
      InvalidArgumentError (ValueError in a graph): if ranks or other dimensions differ.

    >>> tf.concat([[1, 2], [3]], axis=0).numpy()
    array([1, 2, 3], dtype=int32)

    TensorFlow: tf.concat.
    """
    tensors = convert_list(values if isinstance(values, (list, tuple)) else [values])
    axis = static_int(axis, "axis")
    if not tensors:
        raise ValueError("tf.concat needs at least one tensor, received an empty list.")
    if len(tensors) == 1:
        axis_of(axis, tensors[0].spec.rank)
        return F.identity(tensors[0], name=name)
    return emit_one(CONCAT, tensors, {"axis": axis_or_negative(axis, tensors[0].spec.rank)}, name)


# -- stack -------------------------------------------------------------------------------------------------------------


def _infer_pack(*values: Spec, axis: int) -> Spec:
    dtype = same_dtype("Pack", values)
    common: Dims = None
    for i, v in enumerate(values):
        if not shapes.compatible(common, v.shape):
            raise ValueError(
                "Shapes of all inputs must match: values[0].shape = "
                f"{shapes.brief(values[0].shape)} != values[{i}].shape = {shapes.brief(v.shape)}"
            )
        common = shapes.merge(common, v.shape)
    if common is None:
        return Spec(None, dtype)
    at = axis_of(axis, len(common), 1)
    known = None
    if not common and dtype.is_integer:
        known = value_of(tuple((entries(v) or (None,))[0] for v in values), dtype)
    return Spec((*common[:at], len(values), *common[at:]), dtype, known)


def _evaluate_pack(*values: Any, axis: int) -> Any:
    dtype = values[0].dtype
    try:
        if all(v.dtype == dtype for v in values):
            return np.stack(values, axis)
    except (ValueError, TypeError):
        pass
    _infer_pack(*[Spec.of(v) for v in values], axis=axis)
    return np.stack(values, axis)


PACK = register(
    Op(
        "Pack",
        Kind.COMPOUND,
        _infer_pack,
        _evaluate_pack,
        lambda node, g: unstack(g, len(node.inputs), node.attrs["axis"]),
        expand=lambda *values, axis: concat([F.expand_dims(v, axis) for v in values], axis),
        checked=False,
    )  # fmt: skip
)


def stack(values: Any, axis: int = 0, name: str | None = "stack") -> Any:
    """Tensors of one shape along a new dimension.

    >>> tf.stack([[1, 2], [3, 4]], axis=1).numpy().tolist()
    [[1, 3], [2, 4]]

    TensorFlow: tf.stack.
    """
    values = values if isinstance(values, (list, tuple, Operators, np.ndarray)) else list(values)
    if isinstance(values, np.ndarray):
        values = list(values)
    tensors = convert_list(values)
    if not tensors:
        return convert([], name=name)
    rank = tensors[0].spec.rank
    if rank is not None and not -rank - 1 <= axis <= rank:
        raise ValueError(f"Argument `axis` = {axis} not in range [{-rank - 1}, {rank + 1})")
    at = axis_of(axis, rank, 1)
    return emit_one(PACK, tensors, {"axis": at}, name)


def parallel_stack(values: Any, name: str | None = "parallel_stack") -> Any:
    """`tf.stack` along a new first dimension, for graphs. TensorFlow: tf.parallel_stack."""
    if context.graph is None:
        raise RuntimeError("tf.parallel_stack() is not compatible with eager execution.")
    return stack(values, 0, name)


# -- unstack -----------------------------------------------------------------------------------------------------------


def _infer_unpack(value: Spec, *, num: int, axis: int) -> tuple[Spec, ...]:
    if value.shape is None:
        return (Spec(None, value.dtype),) * num
    at = axis_of(axis, len(value.shape))
    if value.shape[at] not in (None, num):
        raise ValueError(f"Input shape axis {at} must equal {num}, got shape {shapes.brief(value.shape)}")
    rest = (*value.shape[:at], *value.shape[at + 1 :])
    found = entries(value) if len(value.shape) == 1 and value.dtype.is_integer else None
    return tuple(
        Spec(rest, value.dtype, None if found is None else value_of((found[i],), value.dtype, True)) for i in range(num)
    )


def _expand_unpack(value: Any, *, num: int, axis: int) -> list[Any]:
    return [F.squeeze(piece, [axis]) for piece in split(value, [1] * num, axis)]


UNPACK = register(
    Op(
        "Unpack",
        Kind.COMPOUND,
        _infer_unpack,
        lambda value, *, num, axis: tuple(np.asarray(v) for v in np.moveaxis(value, axis, 0)),
        lambda node, *g: stack(list(g), node.attrs["axis"]),
        expand=_expand_unpack,
        num_outputs=None,
    )  # fmt: skip
)


def unstack(value: Any, num: int | None = None, axis: int = 0, name: str | None = "unstack") -> list[Any]:
    """The slices along a dimension, as a list.

    Args:
      num: how many there are, if the static shape does not say.

    >>> [x.numpy().tolist() for x in tf.unstack([[1, 2], [3, 4]], axis=1)]
    [[1, 3], [2, 4]]

    TensorFlow: tf.unstack.
    """
    tensor = convert(value)
    dims = tensor.dims
    at = axis_of(axis, None if dims is None else len(dims), refuse=ValueError)
    if num is None:
        num = None if dims is None else dims[at]
        if num is None:
            raise ValueError(f"Cannot infer argument `num` from shape {shapes.show(dims)}; pass num=.")
    return list(emit(UNPACK, (tensor,), {"num": num, "axis": at}, name))


# -- split -------------------------------------------------------------------------------------------------------------


def _infer_split(value: Spec, sizes: Spec, *, num: int, axis: int) -> tuple[Spec, ...]:
    if value.shape is None:
        return (Spec(None, value.dtype),) * num
    at = axis_of(axis, len(value.shape))
    total = value.shape[at]
    found = list(entries(sizes) or (None,) * num)
    if found.count(-1) > 1:
        raise ValueError(f"size_splits can only have one -1, received {found}")
    if found.count(-1) == 1 and total is not None and None not in found:
        rest = total - sum(s for s in found if s is not None and s != -1)
        if rest < 0:
            raise ValueError(f"The sizes {found} to split into add up to more than the dimension of size {total}.")
        found[found.index(-1)] = rest
    known = [None if s is None or s == -1 else s for s in found]
    if (
        total is not None
        and None not in known
        and sum(s or 0 for s in known) != total
        or any(s is not None and s < 0 for s in known)
    ):
        raise ValueError(
            "Determined shape must either match input shape along split_dim exactly if fully specified, or be less "
            f"than the size of the input along split_dim if not fully specified. Got: {found} for size {total}"
        )
    return tuple(Spec((*value.shape[:at], s, *value.shape[at + 1 :]), value.dtype) for s in known)


def _evaluate_split(value: Any, sizes: Any, *, num: int, axis: int) -> Any:
    axis %= value.ndim
    lengths = sizes.tolist()
    if lengths.count(-1) == 1:
        lengths[lengths.index(-1)] = value.shape[axis] - sum(s for s in lengths if s != -1)
    out, begin, whole = [], 0, (slice(None),) * axis
    for length in lengths:
        out.append(value[(*whole, slice(begin, begin + length))])
        begin += length
    if begin != value.shape[axis] or min(lengths, default=0) < 0:
        _infer_split(Spec.of(value), Spec.of(sizes), num=num, axis=axis)
    return tuple(out)


def _expand_split(value: Any, sizes: Any, *, num: int, axis: int) -> list[Any]:
    known = sizes.spec.array
    if known is not None and -1 in known:
        sizes = convert(np.where(known == -1, value.dims[axis] - known.sum() - 1, known).astype(known.dtype))
    count = value.ndim
    axis %= count
    ends = F.cumsum(sizes)
    pieces = []
    for i in range(num):
        begin = [0] * axis + [ends[i - 1] if i else 0] + [0] * (count - axis - 1)
        length = [-1] * axis + [sizes[i]] + [-1] * (count - axis - 1)
        pieces.append(F.slice(value, begin, length))
    return pieces


SPLIT = register(
    Op(
        "SplitV",
        Kind.COMPOUND,
        _infer_split,
        _evaluate_split,
        lambda node, *g: (concat(list(g), node.attrs["axis"]), None),
        expand=_expand_split,
        num_outputs=None,
        checked=False,
    )  # fmt: skip
)


def split(
    value: Any, num_or_size_splits: Any, axis: Any = 0, num: int | None = None, name: str | None = "split"
) -> list[Any]:
    """Pieces along a dimension: so many equal ones, or ones of the sizes given (one may be -1).

    Args:
      num_or_size_splits: an int, or a vector of ints.
      num: the number of pieces, if a tensor of sizes has unknown length.

    >>> a, b = tf.split([1, 2, 3], [1, 2])
    >>> b.numpy()
    array([2, 3], dtype=int32)

    TensorFlow: tf.split.
    """
    tensor = convert(value)
    dims = tensor.dims
    at = axis_of(axis, None if dims is None else len(dims))
    sizes = int_tensor(num_or_size_splits)
    if sizes.dims == ():
        if not sizes.dtype.is_integer:
            raise ValueError(f"The number of pieces to split into must be an integer, received {num_or_size_splits!r}.")
        parts: Any = static_int(num_or_size_splits, "num_or_size_splits")
        sizes = _equal_sizes(tensor, dims, at, parts)
    else:
        parts = num if num is not None else sizes.dims[0] if sizes.dims else None
        if parts is None:
            raise ValueError(f"Cannot infer argument `num` from shape {shapes.show(sizes.dims)}; pass num=.")
    return list(emit(SPLIT, (tensor, sizes), {"num": parts, "axis": at}, name))


def _equal_sizes(tensor: Any, dims: Dims, axis: int, parts: int) -> Any:
    if parts <= 0:
        raise invalid(f"Number of ways to split should be > 0, but got {parts}")
    total = None if dims is None else dims[axis]
    if total is None:
        return F.fill([parts], F.shape(tensor)[axis] // parts)
    if total % parts:
        raise invalid(
            f"Number of ways to split should evenly divide the split dimension, but got split_dim {axis} "
            f"(size = {total}) and num_split {parts}"
        )
    return convert([total // parts] * parts, dtype=dtypes.int32)
