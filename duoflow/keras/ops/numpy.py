"""keras.ops in NumPy's manner: reductions, shapes, indexing, sorting, products, arrays from scratch."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise
from typing import Any

import numpy as np

from duoflow import ops as tf
from duoflow.core.tensor import convert

from ..dtypes import promoted
from ..preferences import floatx
from ..variables import standardize_dtype
from .definition import operation

__all__ = [
    "all", "amax", "amin", "any", "append", "arange", "argmax", "argmin", "argsort", "array", "average", "bincount",
    "broadcast_to", "concatenate", "count_nonzero", "cross", "cumprod", "cumsum", "diag", "diagonal", "diff",
    "digitize",
    "dot", "einsum", "empty", "expand_dims", "eye", "flip", "full", "full_like", "get_item", "hstack", "identity",
    "inner", "linspace", "max", "mean", "median", "meshgrid", "min", "moveaxis", "ndim", "nonzero", "norm", "ones",
    "ones_like", "outer", "pad", "prod", "ravel", "repeat", "reshape", "roll", "size", "sort", "split", "squeeze",
    "stack", "std", "sum", "swapaxes", "take", "take_along_axis", "tensordot", "tile", "trace", "transpose", "tri",
    "tril", "triu", "unstack", "var", "vdot", "vstack", "zeros", "zeros_like", "matmul",
]  # fmt: skip


# -- reductions --------------------------------------------------------------------------------------------------------


def _summable(x: Any) -> Any:
    """Sums of bools and small ints are kept in int32."""
    x = convert(x)
    small = x.dtype.is_bool or x.dtype.name in ("int8", "int16")
    return tf.cast(x, "int32" if small else "uint32") if small or x.dtype.name in ("uint8", "uint16") else x


def _float(x: Any) -> Any:
    x = convert(x)
    return x if x.dtype.is_floating or x.dtype.is_complex else tf.cast(x, floatx())


@operation()
def sum(x: Any, axis: Any = None, keepdims: bool = False) -> Any:
    """The sum over axes. Keras: keras.ops.sum."""
    return tf.reduce_sum(_summable(x), axis=axis, keepdims=keepdims)


@operation()
def prod(x: Any, axis: Any = None, keepdims: bool = False, dtype: Any = None) -> Any:
    """The product over axes. Keras: keras.ops.prod."""
    x = _summable(x) if dtype is None else tf.cast(x, standardize_dtype(dtype))
    return tf.reduce_prod(x, axis=axis, keepdims=keepdims)


@operation()
def mean(x: Any, axis: Any = None, keepdims: bool = False) -> Any:
    """The mean over axes, in floats. Keras: keras.ops.mean."""
    return tf.reduce_mean(_float(x), axis=axis, keepdims=keepdims)


@operation()
def var(x: Any, axis: Any = None, keepdims: bool = False) -> Any:
    """The variance over axes. Keras: keras.ops.var."""
    return tf.reduce_variance(_float(x), axis=axis, keepdims=keepdims)


@operation()
def std(x: Any, axis: Any = None, keepdims: bool = False) -> Any:
    """The standard deviation over axes. Keras: keras.ops.std."""
    return tf.sqrt(tf.reduce_variance(_float(x), axis=axis, keepdims=keepdims))


@operation()
def max(x: Any, axis: Any = None, keepdims: bool = False, initial: Any = None) -> Any:
    """The maximum over axes, at least `initial`. Keras: keras.ops.max."""
    out = tf.reduce_max(convert(x), axis=axis, keepdims=keepdims)
    return out if initial is None else tf.maximum(out, tf.cast(initial, out.dtype))


@operation()
def min(x: Any, axis: Any = None, keepdims: bool = False, initial: Any = None) -> Any:
    """The minimum over axes, at most `initial`. Keras: keras.ops.min."""
    out = tf.reduce_min(convert(x), axis=axis, keepdims=keepdims)
    return out if initial is None else tf.minimum(out, tf.cast(initial, out.dtype))


amax, amin = max, min


@operation()
def all(x: Any, axis: Any = None, keepdims: bool = False) -> Any:
    """Whether all elements are true. Keras: keras.ops.all."""
    return tf.reduce_all(tf.cast(x, "bool"), axis=axis, keepdims=keepdims)


@operation()
def any(x: Any, axis: Any = None, keepdims: bool = False) -> Any:
    """Whether some element is true. Keras: keras.ops.any."""
    return tf.reduce_any(tf.cast(x, "bool"), axis=axis, keepdims=keepdims)


@operation()
def count_nonzero(x: Any, axis: Any = None) -> Any:
    """How many elements are not zero. Keras: keras.ops.count_nonzero."""
    x = convert(x)
    return tf.reduce_sum(tf.cast(tf.not_equal(x, tf.zeros_like(x)), "int32"), axis=axis)


@operation()
def average(x: Any, axis: Any = None, weights: Any = None) -> Any:
    """The weighted mean over axes. Keras: keras.ops.average."""
    x = _float(x)
    if weights is None:
        return tf.reduce_mean(x, axis=axis)
    x, weights = promoted(x, weights)
    if weights.ndim == 1 and x.ndim > 1 and isinstance(axis, int):
        weights = tf.reshape(weights, [-1 if a == axis % x.ndim else 1 for a in range(x.ndim)])
    weights = weights * tf.ones_like(x)
    return tf.reduce_sum(x * weights, axis=axis) / tf.reduce_sum(weights, axis=axis)


@operation()
def median(x: Any, axis: Any = None, keepdims: bool = False) -> Any:
    """The middle of the sorted elements along one axis, or of all. Keras: keras.ops.median."""
    x = _float(x)
    rank = x.ndim
    if axis is None:
        x, axis = tf.reshape(x, [-1]), 0
    ranked = tf.sort(x, axis=axis)
    count = tf.shape(ranked)[axis]
    middle = (tf.gather(ranked, (count - 1) // 2, axis=axis) + tf.gather(ranked, count // 2, axis=axis)) / 2
    if not keepdims:
        return middle
    return tf.reshape(middle, [1] * rank) if middle.ndim == 0 else tf.expand_dims(middle, axis)


@operation()
def argmax(x: Any, axis: int | None = None, keepdims: bool = False) -> Any:
    """The index of the maximum. Keras: keras.ops.argmax."""
    return _arg(tf.argmax, x, axis, keepdims)


@operation()
def argmin(x: Any, axis: int | None = None, keepdims: bool = False) -> Any:
    """The index of the minimum. Keras: keras.ops.argmin."""
    return _arg(tf.argmin, x, axis, keepdims)


def _arg(function: Callable[..., Any], x: Any, axis: int | None, keepdims: bool) -> Any:
    x = convert(x)
    rank = x.ndim
    if axis is None:
        found = tf.cast(function(tf.reshape(x, [-1]), axis=0), "int32")
        return tf.reshape(found, [1] * rank) if keepdims else found
    found = tf.cast(function(x, axis=axis), "int32")
    return tf.expand_dims(found, axis) if keepdims else found


@operation()
def cumsum(x: Any, axis: int | None = None, dtype: Any = None) -> Any:
    """Running sums. Keras: keras.ops.cumsum."""
    return _running(tf.cumsum, x, axis, dtype)


@operation()
def cumprod(x: Any, axis: int | None = None, dtype: Any = None) -> Any:
    """Running products. Keras: keras.ops.cumprod."""
    return _running(tf.cumprod, x, axis, dtype)


def _running(function: Callable[..., Any], x: Any, axis: int | None, dtype: Any) -> Any:
    x = _summable(x) if dtype is None else tf.cast(x, standardize_dtype(dtype))
    return function(tf.reshape(x, [-1]), axis=0) if axis is None else function(x, axis=axis)


@operation(module="keras.src.ops.linalg")
def norm(x: Any, ord: Any = None, axis: Any = None, keepdims: bool = False) -> Any:
    """The norm over axes. Keras: keras.ops.norm."""
    return tf.norm(_float(x), ord="euclidean" if ord is None else ord, axis=axis, keepdims=keepdims)


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
    sources = [a % x.ndim for a in ([source] if isinstance(source, int) else source)]
    targets = [a % x.ndim for a in ([destination] if isinstance(destination, int) else destination)]
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
    after = tuple(slice(1, None) if i == axis % a.ndim else slice(None) for i in range(a.ndim))
    before = tuple(slice(None, -1) if i == axis % a.ndim else slice(None) for i in range(a.ndim))
    for _ in range(n):
        a = tf.not_equal(a[after], a[before]) if a.dtype.is_bool else a[after] - a[before]
    return a


# -- products ----------------------------------------------------------------------------------------------------------


@operation(inputs=2)
def matmul(x1: Any, x2: Any) -> Any:
    """The matrix product, over the last two axes. Keras: keras.ops.matmul."""
    a, b = promoted(x1, x2)
    if a.ndim == 1 and b.ndim == 1:
        return tf.tensordot(a, b, 1)
    if b.ndim == 1:
        return tf.tensordot(a, b, 1)
    if a.ndim == 1:
        return tf.tensordot(a, b, [[0], [b.ndim - 2]])
    return tf.matmul(a, b)


@operation(inputs=2)
def dot(x1: Any, x2: Any) -> Any:
    """The product over the last axis of x1 and the second last of x2. Keras: keras.ops.dot."""
    a, b = promoted(x1, x2)
    if a.ndim == 0 or b.ndim == 0:
        return a * b
    return tf.tensordot(a, b, [[a.ndim - 1], [0 if b.ndim == 1 else b.ndim - 2]])


@operation(inputs=2)
def tensordot(x1: Any, x2: Any, axes: Any = 2) -> Any:
    """The product over chosen axes. Keras: keras.ops.tensordot."""
    a, b = promoted(x1, x2)
    return tf.tensordot(a, b, axes)


@operation(inputs=2)
def inner(x1: Any, x2: Any) -> Any:
    """The product over the last axes. Keras: keras.ops.inner."""
    a, b = promoted(x1, x2)
    return a * b if a.ndim == 0 or b.ndim == 0 else tf.tensordot(a, b, [[a.ndim - 1], [b.ndim - 1]])


@operation(inputs=2)
def vdot(x1: Any, x2: Any) -> Any:
    """The product of all elements. Keras: keras.ops.vdot."""
    a, b = promoted(x1, x2)
    return tf.reduce_sum(tf.conj(tf.reshape(a, [-1])) * tf.reshape(b, [-1]))


@operation(inputs=2)
def outer(x1: Any, x2: Any) -> Any:
    """The products of all pairs. Keras: keras.ops.outer."""
    a, b = promoted(x1, x2)
    return tf.reshape(a, [-1, 1]) * tf.reshape(b, [-1])


@operation(inputs=2)
def cross(x1: Any, x2: Any, axisa: int = -1, axisb: int = -1, axisc: int = -1, axis: int | None = None) -> Any:
    """The cross product of vectors of three. Keras: keras.ops.cross."""
    if (axisa, axisb, axisc) != (-1, -1, -1) or axis not in (None, -1):
        raise NotImplementedError("cross: the vectors must lie along the last axis.")
    return tf.cross(*promoted(x1, x2))


def einsum(subscripts: str, *operands: Any, **kwargs: Any) -> Any:
    """Sums of products as the subscripts say. Keras: keras.ops.einsum."""
    return _einsum(operands, subscripts=subscripts)


@operation(inputs=1, name="Einsum")
def _einsum(operands: Any, subscripts: str) -> Any:
    return tf.einsum(subscripts, *promoted(*operands))


@operation()
def diag(x: Any, k: int = 0) -> Any:
    """The diagonal of a matrix, or a matrix with that diagonal. Keras: keras.ops.diag."""
    x = convert(x)
    return tf.diag(x, k=k) if x.ndim == 1 else diagonal(x, k)


@operation()
def diagonal(x: Any, offset: int = 0, axis1: int = 0, axis2: int = 1) -> Any:
    """The diagonals of matrices along two axes. Keras: keras.ops.diagonal."""
    x = moveaxis(convert(x), (axis1, axis2), (-2, -1))
    return tf.diag_part(x, k=offset)


@operation()
def trace(x: Any, offset: int = 0, axis1: int = 0, axis2: int = 1) -> Any:
    """The sums of diagonals. Keras: keras.ops.trace."""
    return sum(diagonal(x, offset, axis1, axis2), axis=-1)


def _band(x: Any, keep: Callable[[Any, Any], Any]) -> Any:
    x = convert(x)
    rows = tf.expand_dims(tf.range(tf.shape(x)[-2]), 1)
    columns = tf.expand_dims(tf.range(tf.shape(x)[-1]), 0)
    return tf.where(keep(rows, columns), x, tf.zeros_like(x))


@operation()
def tril(x: Any, k: int = 0) -> Any:
    """Zeros above the k-th diagonal. Keras: keras.ops.tril."""
    return _band(x, lambda i, j: j <= i + k)


@operation()
def triu(x: Any, k: int = 0) -> Any:
    """Zeros below the k-th diagonal. Keras: keras.ops.triu."""
    return _band(x, lambda i, j: j >= i + k)


# -- arrays from scratch -----------------------------------------------------------------------------------------------


def array(x: Any, dtype: Any = None) -> Any:
    """A tensor of a value. Keras: keras.ops.array."""
    return convert(x) if dtype is None else tf.cast(x, standardize_dtype(dtype))


def zeros(shape: Any, dtype: Any = None) -> Any:
    """Zeros. Keras: keras.ops.zeros."""
    return tf.zeros(shape, standardize_dtype(dtype))


def ones(shape: Any, dtype: Any = None) -> Any:
    """Ones. Keras: keras.ops.ones."""
    return tf.ones(shape, standardize_dtype(dtype))


def empty(shape: Any, dtype: Any = None) -> Any:
    """Zeros: there is no uninitialized memory to see. Keras: keras.ops.empty."""
    return tf.zeros(shape, standardize_dtype(dtype))


def full(shape: Any, fill_value: Any, dtype: Any = None) -> Any:
    """One value everywhere. Keras: keras.ops.full."""
    return tf.broadcast_to(array(fill_value, standardize_dtype(dtype)), shape)


@operation()
def zeros_like(x: Any, dtype: Any = None) -> Any:
    """Zeros in the shape of x. Keras: keras.ops.zeros_like."""
    return tf.zeros_like(x, dtype=dtype)


@operation()
def ones_like(x: Any, dtype: Any = None) -> Any:
    """Ones in the shape of x. Keras: keras.ops.ones_like."""
    return tf.ones_like(x, dtype=dtype)


@operation()
def full_like(x: Any, fill_value: Any, dtype: Any = None) -> Any:
    """One value in the shape of x. Keras: keras.ops.full_like."""
    x = convert(x)
    return tf.broadcast_to(tf.cast(fill_value, dtype or x.dtype), tf.shape(x))


def eye(N: int, M: int | None = None, k: int = 0, dtype: Any = None) -> Any:
    """Ones on the k-th diagonal. Keras: keras.ops.eye."""
    return tf.cast(np.eye(N, M, k), standardize_dtype(dtype))


def identity(n: int, dtype: Any = None) -> Any:
    """The identity matrix. Keras: keras.ops.identity."""
    return eye(n, dtype=dtype)


def tri(N: int, M: int | None = None, k: int = 0, dtype: Any = None) -> Any:
    """Ones on and below the k-th diagonal. Keras: keras.ops.tri."""
    return tf.cast(np.tri(N, M, k), standardize_dtype(dtype))


def arange(start: Any, stop: Any = None, step: Any = None, dtype: Any = None) -> Any:
    """Numbers at equal distances. Keras: keras.ops.arange."""
    if stop is None:
        start, stop = 0, start
    step = 1 if step is None else step
    dtype = standardize_dtype(dtype) if dtype is not None else promoted(start, stop, step)[0].dtype.name
    return tf.cast(tf.range(*promoted(start, stop, step)), dtype)


def linspace(
    start: Any, stop: Any, num: int = 50, endpoint: bool = True, retstep: bool = False, dtype: Any = None, axis: int = 0
) -> Any:
    """Numbers from start to stop at equal distances. Keras: keras.ops.linspace."""
    a, b = (_float(x) for x in promoted(start, stop))
    count = num if endpoint else num + 1
    numbers = tf.linspace(a, b, count, axis=axis)
    numbers = numbers if endpoint else tf.gather(numbers, tf.range(num), axis=axis)
    out = numbers if dtype is None else tf.cast(numbers, standardize_dtype(dtype))
    return (out, (b - a) / float(count - 1 or 1)) if retstep else out


def meshgrid(*x: Any, indexing: str = "xy") -> Any:
    """The coordinates of a grid. Keras: keras.ops.meshgrid."""
    return tf.meshgrid(*[convert(v) for v in x], indexing=indexing)


def ndim(x: Any) -> int:
    """The number of dimensions. Keras: keras.ops.ndim."""
    return len(x.shape) if hasattr(x, "shape") else convert(x).ndim


def size(x: Any) -> Any:
    """The number of elements. Keras: keras.ops.size."""
    return tf.size(convert(x))
