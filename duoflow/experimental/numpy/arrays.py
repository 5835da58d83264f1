"""NumPy's arrangement of arrays: shapes and axes, joining and splitting, indexing, sorting, diagonals.

TensorFlow: tf.experimental.numpy.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import Any

import numpy as np

from duoflow import ops as F
from duoflow.core.tensor import Tensor

from .promotion import asarray, axes_of, promoted, scalars

__all__ = [
    "append", "argsort", "atleast_1d", "atleast_2d", "atleast_3d", "broadcast_arrays", "broadcast_to", "compress",
    "concatenate", "diag", "diagflat", "diagonal", "diff", "dsplit", "dstack", "expand_dims", "flatten", "flip",
    "fliplr", "flipud", "hsplit", "hstack", "ix_", "moveaxis", "ndim", "nonzero", "pad", "ravel", "repeat", "reshape",
    "roll", "rot90", "select", "shape", "size", "sort", "split", "squeeze", "stack", "swapaxes", "take",
    "take_along_axis", "tile", "trace", "transpose", "tril", "triu", "vsplit", "vstack", "where",
]  # fmt: skip


# -- shapes and axes ---------------------------------------------------------------------------------------------------


def shape(a: Any) -> Any:
    """The shape, as a tensor if it is not known. TensorFlow: tf.experimental.numpy.shape."""
    x = asarray(a)
    return x.shape if x.shape.is_fully_defined() else F.shape(x)


def size(x: Any, axis: Any = None) -> Any:
    """How many elements there are; `axis` must be None. TensorFlow: tf.experimental.numpy.size."""
    if axis is not None:
        raise NotImplementedError("axis argument is not supported in the current `np.size` implementation")
    x = asarray(x)
    count = x.shape.num_elements()
    return F.size(x) if count is None else count


def ndim(a: Any) -> Any:
    """How many dimensions there are. TensorFlow: tf.experimental.numpy.ndim."""
    return asarray(a).ndim


def reshape(a: Any, newshape: Any, order: str = "C") -> Tensor:
    """The same elements in another shape, by rows ("C") or columns ("F"). TensorFlow: tf.experimental.numpy.reshape."""
    x = asarray(a)
    if order not in ("C", "F"):
        raise ValueError(f"Unsupported `order` argument: {order}.")
    sizes = newshape if isinstance(newshape, Tensor) else scalars(newshape)
    if order == "C":
        return F.reshape(x, sizes)  # type: ignore[no-any-return]
    return F.transpose(F.reshape(F.transpose(x), sizes[::-1]))  # type: ignore[no-any-return]


def ravel(a: Any) -> Tensor:
    """All elements in one dimension. TensorFlow: tf.experimental.numpy.ravel."""
    return F.reshape(asarray(a), [-1])  # type: ignore[no-any-return]


def flatten(a: Any, order: str = "C") -> Tensor:
    """All elements in one dimension, by rows or columns. TensorFlow: tf.experimental.numpy.flatten."""
    return reshape(a, [-1], "C" if order in ("C", "A", "K") else order)


def transpose(a: Any, axes: Any = None) -> Tensor:
    """The axes in another order, reversed for None. TensorFlow: tf.experimental.numpy.transpose."""
    x = asarray(a)
    return F.transpose(x, None if axes is None else axes_of(axes, x.ndim))  # type: ignore[no-any-return]


def swapaxes(a: Any, axis1: int, axis2: int) -> Tensor:
    """Two axes exchanged. TensorFlow: tf.experimental.numpy.swapaxes."""
    x = asarray(a)
    order = list(range(x.ndim))
    order[axis1], order[axis2] = order[axis2], order[axis1]
    return F.transpose(x, order)  # type: ignore[no-any-return]


def moveaxis(a: Any, source: Any, destination: Any) -> Tensor:
    """Axes at other places. TensorFlow: tf.experimental.numpy.moveaxis."""
    x = asarray(a)
    sources, targets = axes_of(source, x.ndim), axes_of(destination, x.ndim)
    if len(sources) != len(targets):
        raise ValueError("The lengths of source and destination must equal")
    order = [axis for axis in range(x.ndim) if axis not in sources]
    for target, origin in sorted(zip(targets, sources, strict=True)):
        order.insert(target, origin)
    return F.transpose(x, order)  # type: ignore[no-any-return]


def expand_dims(a: Any, axis: int) -> Tensor:
    """A further dimension of size one. TensorFlow: tf.experimental.numpy.expand_dims."""
    return F.expand_dims(asarray(a), axis)  # type: ignore[no-any-return]


def squeeze(a: Any, axis: Any = None) -> Tensor:
    """Without dimensions of size one. TensorFlow: tf.experimental.numpy.squeeze."""
    return F.squeeze(asarray(a), None if axis is None else scalars(axis))  # type: ignore[no-any-return]


def broadcast_to(array: Any, shape: Any) -> Tensor:
    """Repeated until it has the shape. TensorFlow: tf.experimental.numpy.broadcast_to."""
    return F.broadcast_to(asarray(array), shape if isinstance(shape, Tensor) else scalars(shape))  # type: ignore[no-any-return]


def broadcast_arrays(*args: Any, **kwargs: Any) -> list[Tensor]:
    """Arrays repeated until they have one shape; `subok` must be False.

    TensorFlow: tf.experimental.numpy.broadcast_arrays.
    """
    if kwargs.pop("subok", False):
        raise ValueError("subok=True is not supported.")
    if kwargs:
        raise ValueError(f"Received unsupported arguments {sorted(kwargs)}")
    arrays = [asarray(a) for a in args]
    common = np.broadcast_shapes(*[tuple(x.shape.as_list()) for x in arrays])
    return [F.broadcast_to(x, list(common)) for x in arrays]


def _at_least(*arys: Any, widen: Callable[[Tensor], Any]) -> Any:
    found = [widen(asarray(a)) for a in arys]
    return found[0] if len(found) == 1 else found


def atleast_1d(*arys: Any) -> Any:
    """Arrays of one dimension or more. TensorFlow: tf.experimental.numpy.atleast_1d."""
    return _at_least(*arys, widen=lambda x: x if x.ndim else x[None])


def atleast_2d(*arys: Any) -> Any:
    """Arrays of two dimensions or more. TensorFlow: tf.experimental.numpy.atleast_2d."""
    return _at_least(*arys, widen=lambda x: x if x.ndim > 1 else F.reshape(x, [1, -1]))


def atleast_3d(*arys: Any) -> Any:
    """Arrays of three dimensions or more. TensorFlow: tf.experimental.numpy.atleast_3d."""
    return _at_least(
        *arys, widen=lambda x: x if x.ndim > 2 else x[..., None] if x.ndim == 2 else F.reshape(x, [1, -1, 1])
    )


def flip(m: Any, axis: Any = None) -> Tensor:
    """The elements along axes in reverse. TensorFlow: tf.experimental.numpy.flip."""
    x = asarray(m)
    return F.reverse(x, axes_of(axis, x.ndim))  # type: ignore[no-any-return]


def flipud(m: Any) -> Tensor:
    """The rows in reverse. TensorFlow: tf.experimental.numpy.flipud."""
    return flip(m, 0)


def fliplr(m: Any) -> Tensor:
    """The columns in reverse. TensorFlow: tf.experimental.numpy.fliplr."""
    return flip(m, 1)


def rot90(m: Any, k: int = 1, axes: tuple[int, int] = (0, 1)) -> Tensor:
    """Turned by quarters. TensorFlow: tf.experimental.numpy.rot90."""
    x = asarray(m)
    first, second = axes_of(axes, x.ndim)
    turns = k % 4
    if turns in (0, 2):
        return x if not turns else flip(x, (first, second))
    return flip(swapaxes(x, first, second), first) if turns == 1 else flip(swapaxes(x, first, second), second)


def roll(a: Any, shift: Any, axis: Any = None) -> Tensor:
    """Elements moved along axes and around the ends. TensorFlow: tf.experimental.numpy.roll."""
    x = asarray(a)
    if axis is not None:
        return F.roll(x, shift, axis)  # type: ignore[no-any-return]
    return F.reshape(F.roll(F.reshape(x, [-1]), shift, 0), F.shape(x))  # type: ignore[no-any-return]


# -- joining and splitting ---------------------------------------------------------------------------------------------


def concatenate(arys: Any, axis: Any = 0) -> Tensor:
    """Arrays one after another. TensorFlow: tf.experimental.numpy.concatenate."""
    parts = promoted(*_parts(arys))
    return F.concat([ravel(p) for p in parts] if axis is None else parts, 0 if axis is None else axis)  # type: ignore[no-any-return]


def _parts(arrays: Any) -> Sequence[Any]:
    return list(arrays) if isinstance(arrays, (list, tuple)) else list(asarray(arrays))


def stack(arrays: Any, axis: int = 0) -> Tensor:
    """Arrays side by side along a new axis. TensorFlow: tf.experimental.numpy.stack."""
    return F.stack(promoted(*_parts(arrays)), axis)  # type: ignore[no-any-return]


def hstack(tup: Any) -> Tensor:
    """Arrays one after another, by columns. TensorFlow: tf.experimental.numpy.hstack."""
    parts = [atleast_1d(p) for p in promoted(*_parts(tup))]
    return F.concat(parts, 0 if parts[0].ndim == 1 else 1)  # type: ignore[no-any-return]


def vstack(tup: Any) -> Tensor:
    """Arrays below each other. TensorFlow: tf.experimental.numpy.vstack."""
    return F.concat([atleast_2d(p) for p in promoted(*_parts(tup))], 0)  # type: ignore[no-any-return]


def dstack(tup: Any) -> Tensor:
    """Arrays behind each other. TensorFlow: tf.experimental.numpy.dstack."""
    return F.concat([atleast_3d(p) for p in promoted(*_parts(tup))], 2)  # type: ignore[no-any-return]


def append(arr: Any, values: Any, axis: Any = None) -> Tensor:
    """Values behind an array. TensorFlow: tf.experimental.numpy.append."""
    return concatenate([arr, values], axis)


def split(ary: Any, indices_or_sections: Any, axis: int = 0) -> list[Tensor]:
    """Equal parts, or those between indices. TensorFlow: tf.experimental.numpy.split."""
    x = asarray(ary)
    if isinstance(indices_or_sections, (int, np.integer)):
        return list(F.split(x, int(indices_or_sections), axis=axis))
    ends = [0, *scalars(indices_or_sections), x.shape[axis]]
    return list(F.split(x, [b - a for a, b in pairwise(ends)], axis=axis))


def hsplit(ary: Any, indices_or_sections: Any) -> list[Tensor]:
    """Parts by columns. TensorFlow: tf.experimental.numpy.hsplit."""
    return split(ary, indices_or_sections, 0 if asarray(ary).ndim == 1 else 1)


def vsplit(ary: Any, indices_or_sections: Any) -> list[Tensor]:
    """Parts by rows. TensorFlow: tf.experimental.numpy.vsplit."""
    return split(ary, indices_or_sections, 0)


def dsplit(ary: Any, indices_or_sections: Any) -> list[Tensor]:
    """Parts by depth. TensorFlow: tf.experimental.numpy.dsplit."""
    return split(ary, indices_or_sections, 2)


def tile(a: Any, reps: Any) -> Tensor:
    """Repeated as a whole. TensorFlow: tf.experimental.numpy.tile."""
    x, times = asarray(a), scalars(reps)
    rank = max(x.ndim, len(times))
    x = F.reshape(x, [1] * (rank - x.ndim) + list(x.shape))
    return F.tile(x, [1] * (rank - len(times)) + times)  # type: ignore[no-any-return]


def repeat(a: Any, repeats: Any, axis: Any = None) -> Tensor:
    """Elements repeated. TensorFlow: tf.experimental.numpy.repeat."""
    return F.repeat(asarray(a), repeats, axis)  # type: ignore[no-any-return]


def pad(array: Any, pad_width: Any, mode: str, **kwargs: Any) -> Tensor:
    """Widened at the edges: "constant" (`constant_values`), "reflect" or "symmetric".

    TensorFlow: tf.experimental.numpy.pad.
    """
    if mode not in ("constant", "reflect", "symmetric"):
        raise ValueError(f"Unsupported padding mode: {mode}")
    x = asarray(array)
    widths = np.broadcast_to(np.asarray(pad_width), (x.ndim, 2)).tolist()
    value = kwargs.get("constant_values", 0) if mode == "constant" else 0
    return F.pad(x, widths, mode.upper(), F.cast(value, x.dtype))  # type: ignore[no-any-return]


# -- indexing and sorting ----------------------------------------------------------------------------------------------


def take(a: Any, indices: Any, axis: Any = None, out: Any = None, mode: str = "clip") -> Tensor:
    """Elements at indices, beyond the ends the last ("clip") or around ("wrap").

    TensorFlow: tf.experimental.numpy.take.
    """
    if out is not None:
        raise ValueError("out argument is not supported in take.")
    if mode not in ("clip", "wrap"):
        raise ValueError(f"Invalid mode '{mode}' for take")
    x, at = asarray(a), asarray(indices)
    x = F.reshape(x, [-1]) if axis is None else x
    axis = 0 if axis is None else axes_of(axis, x.ndim)[0]
    count = F.cast(F.shape(x)[axis], at.dtype)
    at = F.floormod(at, count) if mode == "wrap" else F.clip_by_value(at, F.cast(0, at.dtype), count - 1)
    return F.gather(x, at, axis=axis)  # type: ignore[no-any-return]


def take_along_axis(arr: Any, indices: Any, axis: Any) -> Tensor:
    """The element that indices name, in each row of an axis. TensorFlow: tf.experimental.numpy.take_along_axis."""
    x, at = asarray(arr), asarray(indices)
    if axis is None:
        return F.gather(F.reshape(x, [-1]), F.reshape(at, [-1]))  # type: ignore[no-any-return]
    (axis,) = axes_of(axis, x.ndim)
    last = [i for i in range(x.ndim) if i != axis] + [axis]
    x, at = F.transpose(x, last), F.transpose(at, last)
    common = list(np.broadcast_shapes(tuple(x.shape.as_list()[:-1]), tuple(at.shape.as_list()[:-1])))
    x, at = F.broadcast_to(x, [*common, x.shape[-1]]), F.broadcast_to(at, [*common, at.shape[-1]])
    at = F.floormod(at, F.cast(x.shape[-1], at.dtype))
    found = F.gather(x, at, axis=-1, batch_dims=len(common))
    return F.transpose(found, [last.index(i) for i in range(len(last))])  # type: ignore[no-any-return]


def where(condition: Any, x: Any = None, y: Any = None) -> Any:
    """Elements of x where the condition holds, else of y; without both, where it holds.

    TensorFlow: tf.experimental.numpy.where.
    """
    if (x is None) != (y is None):
        raise ValueError("Both x and y must be ndarrays, or both must be None.")
    if x is None:
        return nonzero(condition)
    return F.where(F.cast(asarray(condition), "bool"), *promoted(x, y))


def nonzero(a: Any) -> list[Tensor]:
    """Where elements are not zero, an array for each axis. TensorFlow: tf.experimental.numpy.nonzero."""
    x = atleast_1d(a)
    return F.unstack(F.where(F.cast(x, "bool")), x.ndim, axis=1)  # type: ignore[no-any-return]


def select(condlist: Sequence[Any], choicelist: Sequence[Any], default: Any = 0) -> Tensor:
    """Elements by the first condition that holds. TensorFlow: tf.experimental.numpy.select."""
    if len(condlist) != len(choicelist):
        raise ValueError(
            f"condlist and choicelist must be lists of the same length: {len(condlist)} != {len(choicelist)}"
        )
    if not condlist:
        raise ValueError("condlist must be non-empty")
    *choices, found = promoted(*choicelist, default)
    for condition, choice in zip(reversed(condlist), reversed(choices), strict=True):
        found = F.where(F.cast(asarray(condition), "bool"), choice, found)
    return found


def compress(condition: Any, a: Any, axis: Any = None) -> Tensor:
    """The elements of an axis for which a condition holds. TensorFlow: tf.experimental.numpy.compress."""
    x = asarray(a)
    x = F.reshape(x, [-1]) if axis is None else x
    axis = 0 if axis is None else axes_of(axis, x.ndim)[0]
    places = F.reshape(F.where(F.cast(asarray(condition), "bool")), [-1])
    return F.gather(x, places, axis=axis)  # type: ignore[no-any-return]


def ix_(*args: Any) -> list[Tensor]:
    """Indices of a grid. TensorFlow: tf.experimental.numpy.ix_."""
    found = []
    for place, index in enumerate(args):
        x = asarray(index)
        x = F.reshape(F.where(x), [-1]) if x.dtype.is_bool else x
        found.append(F.reshape(x, [-1 if i == place else 1 for i in range(len(args))]))
    return found


def sort(a: Any, axis: Any = -1, kind: str = "quicksort", order: Any = None) -> Tensor:
    """Sorted along an axis, or all of it; `order` must be None. TensorFlow: tf.experimental.numpy.sort."""
    if order is not None:
        raise ValueError("'order' argument to sort is not supported.")
    x = asarray(a)
    return F.sort(F.reshape(x, [-1]), axis=0) if axis is None else F.sort(x, axis=axis)  # type: ignore[no-any-return]


def argsort(a: Any, axis: Any = -1, kind: str = "quicksort", order: Any = None) -> Tensor:
    """The indices that sort; `order` must be None. TensorFlow: tf.experimental.numpy.argsort."""
    if kind not in ("quicksort", "stable"):
        raise ValueError(f"Only kind='quicksort' and kind='stable' are supported. Received: kind={kind}")
    if order is not None:
        raise ValueError("'order' argument to sort is not supported.")
    x = asarray(a)
    places = F.argsort(F.reshape(x, [-1]) if axis is None else x, axis=0 if axis is None else axis, stable=True)
    return F.cast(places, "int64")  # type: ignore[no-any-return]


def diff(a: Any, n: int = 1, axis: int = -1) -> Tensor:
    """The differences of neighbours, n times. TensorFlow: tf.experimental.numpy.diff."""
    x = asarray(a)
    if n < 0:
        raise ValueError(f"Argument `order` must be a non-negative integer. Received: axis={n}")
    (axis,) = axes_of(axis, x.ndim)
    key = (slice(None),) * axis
    for _ in range(n):
        high, low = x[(*key, slice(1, None))], x[(*key, slice(None, -1))]
        x = F.not_equal(high, low) if x.dtype.is_bool else high - low
    return x


# -- diagonals ---------------------------------------------------------------------------------------------------------


def _below(x: Tensor, k: int) -> Any:
    return F.range(x.shape[-2])[:, None] + k >= F.range(x.shape[-1])[None, :]


def tril(m: Any, k: int = 0) -> Tensor:
    """What is on and below a diagonal. TensorFlow: tf.experimental.numpy.tril."""
    x = asarray(m)
    if x.ndim < 2:
        raise ValueError("Argument to tril must have rank at least 2")
    return F.where(_below(x, k), x, F.zeros_like(x))  # type: ignore[no-any-return]


def triu(m: Any, k: int = 0) -> Tensor:
    """What is on and above a diagonal. TensorFlow: tf.experimental.numpy.triu."""
    x = asarray(m)
    if x.ndim < 2:
        raise ValueError("Argument to triu must have rank at least 2")
    return F.where(_below(x, k - 1), F.zeros_like(x), x)  # type: ignore[no-any-return]


def diag(v: Any, k: int = 0) -> Tensor:
    """A matrix with a diagonal, or the diagonal of a matrix. TensorFlow: tf.experimental.numpy.diag."""
    x = asarray(v)
    if x.ndim == 2:
        return diagonal(x, k)
    if x.ndim != 1:
        raise ValueError("Argument to diag must be 1D or 2D.")
    return F.diag(x, k=k)  # type: ignore[no-any-return]


def diagflat(v: Any, k: int = 0) -> Tensor:
    """A matrix with all elements on a diagonal. TensorFlow: tf.experimental.numpy.diagflat."""
    return diag(ravel(v), k)


def diagonal(a: Any, offset: int = 0, axis1: int = 0, axis2: int = 1) -> Tensor:
    """The diagonals of matrices. TensorFlow: tf.experimental.numpy.diagonal."""
    x = moveaxis(a, (axis1, axis2), (-2, -1))
    rows, columns = x.shape[-2], x.shape[-1]
    count = max(min(rows + min(offset, 0), columns - max(offset, 0)), 0)
    at = F.range(count)
    flat = F.reshape(x, [*x.shape[:-2], rows * columns])
    return F.gather(flat, (at + max(-offset, 0)) * columns + at + max(offset, 0), axis=-1)  # type: ignore[no-any-return]


def trace(a: Any, offset: int = 0, axis1: int = 0, axis2: int = 1, dtype: Any = None) -> Tensor:
    """The sums of diagonals. TensorFlow: tf.experimental.numpy.trace."""
    return F.reduce_sum(asarray(diagonal(a, offset, axis1, axis2), dtype), -1)  # type: ignore[no-any-return]
