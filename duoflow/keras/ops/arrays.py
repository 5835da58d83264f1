"""keras.ops, arrangement: shapes and axes, joining and splitting, indexing, sorting, searching, counting."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise
from typing import Any

import numpy as np

from duoflow import ops as tf
from duoflow.core.dtypes import as_dtype
from duoflow.core.tensor import Tensor, convert

from ..dtypes import promoted
from ..variables import standardize_dtype
from .definition import axes_of, operation

__all__ = [
    "append", "argpartition", "argsort", "array_split", "bincount", "broadcast_to", "concatenate", "copy", "diff",
    "digitize", "dsplit", "dstack", "expand_dims", "flip", "fliplr", "flipud", "get_item", "hsplit", "hstack", "isin",
    "moveaxis", "nonzero", "pad", "ravel", "repeat", "reshape", "roll", "rot90", "searchsorted", "select", "sort",
    "split", "squeeze", "stack", "swapaxes", "take", "take_along_axis", "tile", "transpose", "unique", "unravel_index",
    "unstack", "vectorize", "view", "vsplit", "vstack",
]  # fmt: skip


# -- shapes ------------------------------------------------------------------------------------------------------------


@operation()
def reshape(x: Any, newshape: Any) -> Any:
    """The same elements in another shape, -1 for one unknown size. Keras: keras.ops.reshape."""
    if isinstance(newshape, list | tuple):
        newshape = [-1 if size is None else size for size in newshape]
    return tf.reshape(x, newshape)


@operation()
def ravel(x: Any) -> Any:
    """All elements in one dimension. Keras: keras.ops.ravel."""
    return tf.reshape(x, [-1])


@operation()
def transpose(x: Any, axes: Any = None) -> Any:
    """The axes in another order, reversed for None. Keras: keras.ops.transpose."""
    return tf.transpose(x, axes)


@operation()
def expand_dims(x: Any, axis: Any) -> Any:
    """Further dimensions of size one. Keras: keras.ops.expand_dims."""
    x = convert(x)
    axes = [axis] if isinstance(axis, int) else list(axis)
    for a in sorted(a % (x.ndim + len(axes)) for a in axes):
        x = tf.expand_dims(x, a)
    return x


@operation()
def squeeze(x: Any, axis: Any = None) -> Any:
    """Without dimensions of size one. Keras: keras.ops.squeeze."""
    x = convert(x)
    axes = None if axis is None else [axis] if isinstance(axis, int) else list(axis)
    for a in axes or ():
        if x.shape[a] not in (1, None):
            raise ValueError(
                f"Cannot squeeze axis={a}, because the dimension is not 1. Received: x.shape={tuple(x.shape)}"
            )
    return tf.squeeze(x, axes)


@operation()
def swapaxes(x: Any, axis1: int, axis2: int) -> Any:
    """Two axes exchanged. Keras: keras.ops.swapaxes."""
    x = convert(x)
    order = list(range(x.ndim))
    order[axis1], order[axis2] = order[axis2], order[axis1]
    return tf.transpose(x, order)


@operation()
def moveaxis(x: Any, source: Any, destination: Any) -> Any:
    """Axes at other places. Keras: keras.ops.moveaxis."""
    x = convert(x)
    sources = axes_of(source, x.ndim)
    targets = axes_of(destination, x.ndim)
    order = [a for a in range(x.ndim) if a not in sources]
    for target, origin in sorted(zip(targets, sources, strict=True)):
        order.insert(target, origin)
    return tf.transpose(x, order)


@operation()
def broadcast_to(x: Any, shape: Any) -> Any:
    """Repeated along dimensions of size one until it has the shape. Keras: keras.ops.broadcast_to."""
    return tf.broadcast_to(x, shape)


@operation()
def concatenate(xs: Any, axis: int = 0) -> Any:
    """Tensors one after another along an axis. Keras: keras.ops.concatenate."""
    return tf.concat(promoted(*xs), axis)


@operation()
def stack(x: Any, axis: int = 0) -> Any:
    """Tensors side by side along a new axis. Keras: keras.ops.stack."""
    return tf.stack(promoted(*x), axis)


@operation(module="keras.src.ops.core")
def unstack(x: Any, num: int | None = None, axis: int = 0) -> Any:
    """The slices along an axis, as a list. Keras: keras.ops.unstack."""
    return tf.unstack(convert(x), num, axis)


@operation()
def hstack(xs: Any) -> Any:
    """Tensors one after another along the second axis (the first of vectors). Keras: keras.ops.hstack."""
    xs = promoted(*xs)
    return tf.concat(xs, 0 if xs[0].ndim <= 1 else 1)


@operation()
def vstack(xs: Any) -> Any:
    """Tensors below each other. Keras: keras.ops.vstack."""
    return tf.concat([tf.reshape(x, [1, -1]) if x.ndim <= 1 else x for x in promoted(*xs)], 0)


@operation(inputs=2)
def append(x1: Any, x2: Any, axis: int | None = None) -> Any:
    """x2 behind x1. Keras: keras.ops.append."""
    a, b = promoted(x1, x2)
    return tf.concat([tf.reshape(a, [-1]), tf.reshape(b, [-1])], 0) if axis is None else tf.concat([a, b], axis)


@operation()
def split(x: Any, indices_or_sections: Any, axis: int = 0) -> Any:
    """Parts along an axis: equal ones, or those between indices. Keras: keras.ops.split."""
    x = convert(x)
    if isinstance(indices_or_sections, int):
        return tf.split(x, indices_or_sections, axis=axis)
    ends = [0, *indices_or_sections, x.shape[axis]]
    if ends[-1] is None:
        raise ValueError(
            f"Cannot split along axis {axis} of unknown size at indices. Received: x.shape={tuple(x.shape)}"
        )
    return tf.split(x, [b - a for a, b in pairwise(ends)], axis=axis)


@operation()
def tile(x: Any, repeats: Any) -> Any:
    """The tensor repeated as a whole along each axis. Keras: keras.ops.tile."""
    x = convert(x)
    counts = [repeats] if isinstance(repeats, int) else list(repeats)
    counts = [1] * (x.ndim - len(counts)) + counts
    for _ in range(len(counts) - x.ndim):
        x = tf.expand_dims(x, 0)
    return tf.tile(x, counts)


@operation()
def repeat(x: Any, repeats: Any, axis: int | None = None) -> Any:
    """Each element several times. Keras: keras.ops.repeat."""
    return tf.repeat(x, repeats, axis=axis)


@operation()
def flip(x: Any, axis: Any = None) -> Any:
    """The elements in reverse order along axes. Keras: keras.ops.flip."""
    x = convert(x)
    return tf.reverse(x, list(range(x.ndim)) if axis is None else [axis] if isinstance(axis, int) else list(axis))


@operation()
def roll(x: Any, shift: Any, axis: Any = None) -> Any:
    """The elements moved along an axis, those beyond the end to the start. Keras: keras.ops.roll."""
    x = convert(x)
    return (
        tf.roll(x, shift, axis) if axis is not None else tf.reshape(tf.roll(tf.reshape(x, [-1]), shift, 0), tf.shape(x))
    )


@operation()
def pad(x: Any, pad_width: Any, mode: str = "constant", constant_values: Any = None) -> Any:
    """More elements around: a constant, or "reflect", "symmetric". Keras: keras.ops.pad."""
    x = convert(x)
    if isinstance(pad_width, int):
        pad_width = ((pad_width, pad_width),) * x.ndim
    elif isinstance(pad_width[0], int):
        pad_width = (tuple(pad_width),) * x.ndim
    elif len(pad_width) == 1:
        pad_width = tuple(pad_width) * x.ndim
    if constant_values is not None and mode != "constant":
        raise ValueError(
            "Argument `constant_values` can only be provided when `mode == 'constant'`. "
            f"Received: mode={mode}, constant_values={constant_values}"
        )
    return tf.pad(x, [list(pair) for pair in pad_width], mode.upper(), constant_values=constant_values or 0)


@operation()
def get_item(x: Any, key: Any) -> Any:
    """x[key]. Keras: keras.ops.get_item."""
    return convert(x)[tuple(key) if isinstance(key, list) else key]


@operation(inputs=2)
def take(x: Any, indices: Any, axis: int | None = None) -> Any:
    """The slices at indices; negative ones count from the end. Keras: keras.ops.take."""
    x, indices = convert(x), convert(indices)
    if axis is None:
        x, axis = tf.reshape(x, [-1]), 0
    indices = tf.cast(indices, "int32") if indices.dtype.name not in ("int32", "int64") else indices
    size = tf.cast(tf.shape(x)[axis], indices.dtype)
    return tf.gather(x, tf.where(indices < 0, indices + size, indices), axis=axis)


@operation(inputs=2)
def take_along_axis(x: Any, indices: Any, axis: int | None = None) -> Any:
    """The elements at indices along an axis, one row of indices for each row. Keras: keras.ops.take_along_axis."""
    x, indices = convert(x), convert(indices)
    if axis is None:
        return take(tf.reshape(x, [-1]), tf.reshape(indices, [-1]), 0)
    axis %= x.ndim
    indices = tf.where(indices < 0, indices + tf.cast(tf.shape(x)[axis], indices.dtype), indices)
    last = [a for a in range(x.ndim) if a != axis] + [axis]
    moved = tf.gather(tf.transpose(x, last), tf.transpose(indices, last), batch_dims=x.ndim - 1)
    return tf.transpose(moved, [last.index(a) for a in range(x.ndim)])


# -- sorting and counting ----------------------------------------------------------------------------------------------


@operation()
def sort(x: Any, axis: int | None = -1) -> Any:
    """The elements in rising order along an axis. Keras: keras.ops.sort."""
    return tf.sort(tf.reshape(x, [-1]), axis=0) if axis is None else tf.sort(x, axis=axis)


@operation()
def argsort(x: Any, axis: int | None = -1) -> Any:
    """The indices that sort the elements. Keras: keras.ops.argsort."""
    x = convert(x)
    x = tf.cast(x, "uint8") if x.dtype.is_bool else x
    return tf.argsort(tf.reshape(x, [-1]), axis=0) if axis is None else tf.argsort(x, axis=axis)


@operation()
def nonzero(x: Any) -> Any:
    """The indices of elements that are not zero, one tensor per axis. Keras: keras.ops.nonzero."""
    x = convert(x)
    found = tf.where(tf.not_equal(x, tf.zeros_like(x)))
    return tuple(tf.unstack(tf.cast(found, "int32"), num=x.ndim, axis=1))


@operation()
def bincount(x: Any, weights: Any = None, minlength: int = 0, sparse: bool = False) -> Any:
    """How often each number from 0 on occurs, along the last axis. Keras: keras.ops.bincount."""
    if sparse:
        raise NotImplementedError("Sparse tensors are not supported; use sparse=False.")
    x = tf.cast(x, "int32")
    return tf.bincount(x, weights=weights, minlength=minlength, axis=-1 if x.ndim > 1 else None)


@operation()
def digitize(x: Any, bins: Any) -> Any:
    """The index of the bin that each element falls into. Keras: keras.ops.digitize."""
    x = convert(x)
    edges = tf.cast(bins, x.dtype)
    return tf.reduce_sum(tf.cast(tf.expand_dims(x, -1) >= edges, "int32"), axis=-1)


@operation()
def diff(a: Any, n: int = 1, axis: int = -1) -> Any:
    """Differences of neighbours along an axis. Keras: keras.ops.diff."""
    a = convert(a)
    (at,) = axes_of(axis, a.ndim)
    after = tuple(slice(1, None) if i == at else slice(None) for i in range(a.ndim))
    before = tuple(slice(None, -1) if i == at else slice(None) for i in range(a.ndim))
    for _ in range(n):
        a = tf.not_equal(a[after], a[before]) if a.dtype.is_bool else a[after] - a[before]
    return a


@operation()
def copy(x: Any) -> Any:
    """The same elements in a tensor of its own. Keras: keras.ops.copy."""
    return tf.identity(convert(x))


@operation()
def array_split(x: Any, indices_or_sections: Any, axis: int = 0) -> Any:
    """Parts along an axis, the first ones longer by one where it does not divide. Keras: keras.ops.array_split."""
    if not isinstance(indices_or_sections, int):
        return split(x, indices_or_sections, axis)
    x = convert(x)
    size, more = divmod(x.shape[axis], indices_or_sections)
    return tf.split(x, [size + 1] * more + [size] * (indices_or_sections - more), axis=axis)


@operation()
def hsplit(x: Any, indices_or_sections: Any) -> Any:
    """Parts along the second axis (the first of vectors). Keras: keras.ops.hsplit."""
    x = convert(x)
    return split(x, indices_or_sections, 0 if x.ndim == 1 else 1)


@operation()
def vsplit(x: Any, indices_or_sections: Any) -> Any:
    """Parts along the first axis. Keras: keras.ops.vsplit."""
    return split(x, indices_or_sections, 0)


@operation()
def dsplit(x: Any, indices_or_sections: Any) -> Any:
    """Parts along the third axis. Keras: keras.ops.dsplit."""
    return split(x, indices_or_sections, 2)


@operation()
def dstack(xs: Any) -> Any:
    """Tensors one after another along the third axis. Keras: keras.ops.dstack."""
    deep = []
    for x in promoted(*xs):
        if x.ndim <= 1:
            x = tf.reshape(x, [1, -1, 1])
        deep.append(tf.expand_dims(x, -1) if x.ndim == 2 else x)
    return tf.concat(deep, 2)


@operation()
def fliplr(x: Any) -> Any:
    """The elements in reverse order along the second axis. Keras: keras.ops.fliplr."""
    return tf.reverse(x, [1])


@operation()
def flipud(x: Any) -> Any:
    """The elements in reverse order along the first axis. Keras: keras.ops.flipud."""
    return tf.reverse(x, [0])


@operation()
def rot90(array: Any, k: int = 1, axes: Any = (0, 1)) -> Any:
    """Turned by `k` right angles in the plane of two axes, from the first to the second. Keras: keras.ops.rot90."""
    array = convert(array)
    if array.ndim < 2:
        raise ValueError(f"Input array must have at least 2 dimensions. Received: array.ndim={array.ndim}")
    if len(axes) != 2 or axes[0] == axes[1]:
        raise ValueError(f"Invalid axes: {axes}. Axes must be a tuple of two different dimensions.")
    a, b = axes_of(axes, array.ndim)
    turns = k % 4
    if turns == 2:
        return tf.reverse(array, [a, b])
    if turns == 1:
        return swapaxes(tf.reverse(array, [b]), a, b)
    return tf.reverse(swapaxes(array, a, b), [b]) if turns == 3 else array


@operation()
def searchsorted(sorted_sequence: Any, values: Any, side: str = "left") -> Any:
    """The places at which values belong in a sorted vector. Keras: keras.ops.searchsorted."""
    sorted_sequence = convert(sorted_sequence)
    if sorted_sequence.ndim != 1:
        raise ValueError(
            "`searchsorted` only supports 1-D sorted sequences. You can use `keras.ops.vectorized_map` to extend it to "
            f"N-D sequences. Received: sorted_sequence.shape={tuple(sorted_sequence.shape)}"
        )
    values = tf.cast(convert(values), sorted_sequence.dtype)
    found = tf.searchsorted(sorted_sequence, tf.reshape(values, [-1]), side=side)
    return tf.reshape(found, tf.shape(values))


@operation(inputs=2)
def isin(x1: Any, x2: Any, assume_unique: bool = False, invert: bool = False) -> Any:
    """Which elements of x1 occur in x2; `assume_unique` is accepted and not needed. Keras: keras.ops.isin."""
    a, b = promoted(x1, x2)
    found = tf.reduce_any(tf.equal(tf.expand_dims(a, -1), tf.reshape(b, [-1])), axis=-1)
    return tf.logical_not(found) if invert else found


@operation(inputs=2)
def select(condlist: Any, choicelist: Any, default: Any = 0) -> Any:
    """From each place the choice of the first condition that holds there. Keras: keras.ops.select."""
    if not condlist or len(condlist) != len(choicelist):
        raise ValueError(
            "`condlist` and `choicelist` must have the same length, at least 1. Received: "
            f"len(condlist)={len(condlist)}, len(choicelist)={len(choicelist)}"
        )
    *choices, out = promoted(*choicelist, default)
    for condition, choice in zip(reversed(condlist), reversed(choices), strict=True):
        out = tf.where(tf.cast(condition, "bool"), choice, out)
    return out


@operation()
def unravel_index(indices: Any, shape: Any) -> Any:
    """The coordinates of places counted through an array of a shape. Keras: keras.ops.unravel_index."""
    indices = convert(indices)
    rest = tf.where(indices < 0, indices + int(np.prod(shape)), indices)
    found = []
    for size in reversed(shape):
        found.append(tf.cast(tf.floormod(rest, size), indices.dtype))
        rest = tf.floordiv(rest, size)
    return tuple(reversed(found))


@operation()
def argpartition(x: Any, kth: int, axis: int | None = -1) -> Any:
    """Indices that put the k-th smallest element in its place, smaller ones before it, larger ones behind.

    Sorted all the way, which is one of the orders NumPy allows. Keras: keras.ops.argpartition.
    """
    x = convert(x)
    if axis is not None and not -x.shape[axis] <= kth < x.shape[axis]:
        raise ValueError(f"kth(={kth}) out of bounds (axis {axis} has size {x.shape[axis]})")
    return argsort(x, axis)


@operation()
def unique(
    x: Any, sorted: bool = True, return_index: bool = False, return_inverse: bool = False,
    return_counts: bool = False, axis: int | None = None, size: int | None = None, fill_value: Any = None,
) -> Any:  # fmt: skip
    """The different elements, or slices along an axis.

    Args:
      sorted: in rising order, else in that of their first appearance.
      return_index, return_inverse, return_counts: where each is first, which of them each element is, how often.
      size, fill_value: how many to give: fewer are cut off, more are filled.

    >>> tf.keras.ops.unique([3, 1, 3]).numpy()
    array([1, 3], dtype=int32)

    Keras: keras.ops.unique.
    """
    x = convert(x)
    flat = tf.reshape(x, [-1]) if axis is None else tf.reshape(tf.swapaxes(x, axis, 0), [tf.shape(x)[axis], -1])
    inverse, first = _ranks(flat)
    count = tf.shape(first)[0]
    if not sorted:
        order = tf.argsort(first)
        first, inverse = tf.gather(first, order), tf.gather(tf.argsort(order), inverse)
    values = tf.gather(flat if axis is None else tf.swapaxes(x, axis, 0), first)
    counts = tf.unsorted_segment_sum(tf.ones_like(inverse), inverse, count)
    if size is not None:
        values, first, counts = _sized(values, size, fill_value), _sized(first, size, 1), _sized(counts, size, 0)
    values = values if axis is None else tf.swapaxes(values, 0, axis)
    results = [values]
    if return_index:
        results.append(first)
    if return_inverse:
        results.append(tf.reshape(inverse, tf.shape(x)) if axis is None else inverse)
    if return_counts:
        results.append(counts)
    return tuple(results) if len(results) > 1 else values


def _ranks(rows: Any) -> tuple[Any, Any]:
    """The rank of each entry along the first axis among the different ones, and where each rank is first."""
    keys = tf.expand_dims(rows, -1) if rows.ndim == 1 else rows
    order = tf.range(tf.shape(keys)[0])
    if keys.shape[1] is None:
        raise ValueError("`unique` along an axis needs slices of a known size. Received: " + str(rows.shape))
    for column in reversed(range(keys.shape[1])):
        order = tf.gather(order, tf.argsort(tf.gather(keys[:, column], order), stable=True))
    ranked = tf.gather(keys, order)
    new = tf.reduce_any(tf.not_equal(ranked[1:], ranked[:-1]), axis=-1)
    rank = tf.concat([tf.zeros([tf.minimum(tf.shape(order)[0], 1)], "int32"), tf.cumsum(tf.cast(new, "int32"))], 0)
    inverse = tf.gather(rank, tf.argsort(order))
    first = tf.unsorted_segment_min(tf.range(tf.shape(order)[0]), inverse, tf.reduce_max(rank) + 1)
    return inverse, first


def _sized(x: Any, size: int, fill: Any) -> Any:
    """The first `size` entries, filled up where there are fewer."""
    x = x[:size]
    more = [[0, size - tf.shape(x)[0]], *[[0, 0]] * (x.ndim - 1)]
    x = tf.pad(x, more, constant_values=tf.cast(0 if fill is None else fill, x.dtype))
    return tf.ensure_shape(x, (size, *x.shape[1:]))


@operation()
def view(x: Any, dtype: Any = None) -> Any:
    """The same bytes as elements of another dtype. Keras: keras.ops.view."""
    x = convert(x)
    kind = as_dtype(standardize_dtype(dtype) if dtype else x.dtype)
    have, want = x.dtype.size, kind.size
    last = x.shape[-1] if x.ndim else None
    if have != want and (last is None or last * have % want):
        raise ValueError(
            f"Cannot view array of shape {tuple(x.shape)} and dtype {x.dtype.name} as dtype {kind.name} because the "
            "total number of bytes is not divisible by the new itemsize."
        )
    if have >= want:
        out = tf.bitcast(x, kind)
        return out if have == want else tf.reshape(out, tf.concat([tf.shape(x)[:-1], [last * have // want]], 0))
    ratio = want // have
    return tf.bitcast(tf.reshape(x, tf.concat([tf.shape(x)[:-1], [last // ratio, ratio]], 0)), kind)


def vectorize(
    pyfunc: Callable[..., Any], *, excluded: Any = None, signature: str | None = None
) -> Callable[..., Any]:
    """A function of single elements as one of arrays; `signature` names core dimensions, "(n),(n)->()".

    >>> tf.keras.ops.vectorize(lambda a, b: a + b)(tf.range(3), 10).numpy()
    array([10, 11, 12], dtype=int32)

    Keras: keras.ops.vectorize.
    """
    if not callable(pyfunc):
        raise ValueError(f"Expected argument `pyfunc` to be a callable. Received: pyfunc={pyfunc}")
    fixed = set(excluded or ())
    cores = _core_ranks(signature)

    def vectorized(*args: Any) -> Any:
        moving = [i for i in range(len(args)) if i not in fixed]
        ranks = dict(zip(moving, cores or [0] * len(moving), strict=True))
        tensors = {i: convert(args[i]) for i in moving}
        loops = [tuple(tensors[i].shape)[: tensors[i].ndim - ranks[i]] for i in moving]
        shape = np.broadcast_shapes(*loops)
        flat = []
        for i in moving:
            core = tuple(tensors[i].shape)[tensors[i].ndim - ranks[i] :]
            flat.append(tf.reshape(tf.broadcast_to(tensors[i], (*shape, *core)), (-1, *core)))

        def one(entries: Any) -> Any:
            given = dict(zip(moving, entries, strict=True))
            return pyfunc(*[given.get(i, args[i]) for i in range(len(args))])

        if not shape:
            return one(tuple(x[0] for x in flat))
        out = tf.vectorized_map(one, tuple(flat))
        together = isinstance(out, Tensor)
        shaped = [tf.reshape(o, (*shape, *o.shape[1:])) for o in ([out] if together else out)]
        return shaped[0] if together else tuple(shaped)

    return vectorized


def _core_ranks(signature: str | None) -> list[int] | None:
    """The number of core dimensions of each argument: "(n,m),(m)->(n)" gives [2, 1]."""
    if signature is None:
        return None
    arguments = signature.replace(" ", "").partition("->")[0]
    return [len([name for name in part.split(",") if name]) for part in arguments[1:-1].split("),(")]
