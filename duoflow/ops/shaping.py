"""The same elements under another shape or order: identity, shape queries, reshape, transpose, broadcast, tile."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from duoflow.core import dtypes, shapes
from duoflow.core.dtypes import DType, as_dtype
from duoflow.core.emit import NO_ATTRS, emit, emit_one
from duoflow.core.errors import InvalidArgumentError
from duoflow.core.late import F
from duoflow.core.lowering import Affine, Reshape
from duoflow.core.record import Kind, Op, register
from duoflow.core.shapes import Dims, TensorShape
from duoflow.core.spec import Spec
from duoflow.core.tensor import EagerTensor, Tensor, convert

from .postponed import postponed
from .static import (
    axis_of,
    checked_dims,
    dims_of,
    entries,
    int_tensor,
    known_dims,
    require_ints,
    static_int,
    static_ints,
    value_of,
)

__all__ = [
    "broadcast_axes", "broadcast_dynamic_shape", "broadcast_static_shape", "broadcast_to", "ensure_shape",
    "expand_dims", "guarantee_const", "identity", "identity_n", "later", "rank", "reshape", "shape", "shape_n", "size",
    "squeeze", "stop_gradient", "swapaxes", "tile", "transpose",
]  # fmt: skip


def _same(x: Spec, **attrs: Any) -> Spec:
    return Spec(x.shape, x.dtype, x.value)


def _as_reshape(specs: Any, outs: Any, attrs: Any) -> Reshape:
    return Reshape()


# -- identity ----------------------------------------------------------------------------------------------------------

IDENTITY = register(
    Op(
        "Identity",
        Kind.VIEW,
        _same,
        lambda x: x,
        lambda node, g: g,
        checked=False,
        lower=_as_reshape,
        tags=frozenset({"sparse_gradient"}),
    )  # fmt: skip
)
STOP_GRADIENT = register(
    Op("StopGradient", Kind.VIEW, _same, lambda x: x, checked=False, lower=_as_reshape, differentiable=False)
)
GUARANTEE_CONST = register(
    Op("GuaranteeConst", Kind.VIEW, _same, lambda x: x, lambda node, g: g, checked=False, lower=_as_reshape)
)
LATER = register(
    Op(
        "Later",
        Kind.VIEW,
        lambda x, *after: _same(x),
        lambda x, *after: x,
        lambda node, g: (g, *[None] * (len(node.inputs) - 1)),
        checked=False,
        lower=_as_reshape,
    )
)


def identity(input: Any, name: str | None = None) -> Any:
    """The same value as a new tensor; for a variable, its value now.

    >>> tf.identity([1, 2])
    <tf.Tensor: shape=(2,), dtype=int32, numpy=array([1, 2], dtype=int32)>

    TensorFlow: tf.identity.
    """
    return emit_one(IDENTITY, (convert(input),), NO_ATTRS, name)


def identity_n(input: Any, name: str | None = None) -> list[Any]:
    """A list of tensors, each as by `tf.identity`. TensorFlow: tf.identity_n."""
    return [identity(x, name) for x in input]


def stop_gradient(input: Any, name: str | None = None) -> Any:
    """The same value, through which no gradient flows.

    >>> x = tf.Variable(3.0)
    >>> with tf.GradientTape() as tape:
    ...     y = x * tf.stop_gradient(x)
    >>> tape.gradient(y, x).numpy()
    np.float32(3.0)

    TensorFlow: tf.stop_gradient.
    """
    return emit_one(STOP_GRADIENT, (convert(input),), NO_ATTRS, name)


def guarantee_const(input: Any, name: str | None = None) -> Any:
    """The same value, promised not to change; engines take no advantage of it. TensorFlow: tf.guarantee_const."""
    return emit_one(GUARANTEE_CONST, (convert(input),), NO_ATTRS, name)


def later(input: Any, after: Sequence[Any]) -> Any:
    """The same value, for what must not be computed before the tensors `after` are: computing it again saves memory.

    No two ops that read it by different calls are equal, so nothing is merged with what was computed before.
    """
    return emit_one(LATER, (convert(input), *after), NO_ATTRS, None)


# -- what the shape is -------------------------------------------------------------------------------------------------


def _infer_shape(x: Spec, *, out_type: DType) -> Spec:
    if x.shape is None:
        return Spec((None,), out_type)
    return Spec((len(x.shape),), out_type, value_of(x.shape, out_type) if x.shape else np.zeros((0,), out_type.numpy))


def _infer_size(x: Spec, *, out_type: DType) -> Spec:
    count = shapes.num_elements(x.shape)
    return Spec((), out_type, None if count is None else np.asarray(count, out_type.numpy))


def _infer_rank(x: Spec) -> Spec:
    return Spec((), dtypes.int32, None if x.shape is None else np.asarray(len(x.shape), np.int32))


SHAPE = register(
    Op(
        "Shape",
        Kind.HOST,
        _infer_shape,
        lambda x, *, out_type: np.asarray(np.shape(x), out_type.numpy),
        checked=False,
        differentiable=False,
    )  # fmt: skip
)
SIZE = register(
    Op(
        "Size",
        Kind.HOST,
        _infer_size,
        lambda x, *, out_type: np.asarray(np.size(x), out_type.numpy),
        checked=False,
        differentiable=False,
    )  # fmt: skip
)
RANK = register(
    Op("Rank", Kind.HOST, _infer_rank, lambda x: np.asarray(np.ndim(x), np.int32), checked=False, differentiable=False)
)


def shape(input: Any, out_type: Any = None, name: str | None = None) -> Any:
    """The shape as a tensor, also where it is only known when the graph runs.

    >>> tf.shape([[1, 2, 3]]).numpy()
    array([1, 3], dtype=int32)

    TensorFlow: tf.shape.
    """
    return emit_one(SHAPE, (convert(input),), {"out_type": as_dtype(out_type or dtypes.int32)}, name)


def shape_n(input: Any, out_type: Any = dtypes.int32, name: str | None = None) -> list[Any]:
    """The shapes of several tensors. TensorFlow: tf.shape_n."""
    return [shape(x, out_type, name) for x in input]


def size(input: Any, out_type: Any = None, name: str | None = None) -> Any:
    """The number of elements.

    >>> tf.size([[1, 2, 3]]).numpy()
    np.int32(3)

    TensorFlow: tf.size.
    """
    return emit_one(SIZE, (convert(input),), {"out_type": as_dtype(out_type or dtypes.int32)}, name)


def rank(input: Any, name: str | None = None) -> Any:
    """The number of dimensions as a tensor. TensorFlow: tf.rank."""
    return emit_one(RANK, (convert(input),), NO_ATTRS, name)


def ensure_shape(x: Any, shape: Any, name: str | None = None) -> Any:
    """The same tensor, checked when it runs (and now, if known) to have a compatible shape.

    >>> tf.ensure_shape([1, 2], [None]).shape
    TensorShape([2])

    TensorFlow: tf.ensure_shape.
    """
    return emit_one(ENSURE_SHAPE, (convert(x),), {"shape": shapes.as_dims(shape)}, name)


def _infer_ensure_shape(x: Spec, *, shape: Dims) -> Spec:
    if not shapes.compatible(x.shape, shape):
        raise ValueError(
            f"Shape of tensor input {shapes.brief(x.shape)} is not compatible with expected shape "
            f"{shapes.brief(shape)}."
        )
    return Spec(shapes.merge(x.shape, shape), x.dtype, x.value)


def _evaluate_ensure_shape(x: Any, *, shape: Dims) -> Any:
    _infer_ensure_shape(Spec.of(x), shape=shape)
    return x


ENSURE_SHAPE = register(
    Op(
        "EnsureShape",
        Kind.VIEW,
        _infer_ensure_shape,
        _evaluate_ensure_shape,
        lambda node, g: g,
        checked=False,
        lower=_as_reshape,
    )  # fmt: skip
)

# -- reshape -----------------------------------------------------------------------------------------------------------


def _infer_reshape(x: Spec, shape: Spec) -> Spec:
    require_ints("Reshape", "shape", shape)
    if shape.rank not in (None, 1):
        raise ValueError(f"sizes input must be 1-D, not {shapes.brief(shape.shape)}")
    if shape.array is not None and np.count_nonzero(shape.array == -1) > 1:
        raise InvalidArgumentError(
            "Only one input size may be -1, not both " + " and ".join(map(str, np.flatnonzero(shape.array == -1)[:2]))
        )
    wanted = dims_of(shape)
    if wanted is None:
        return Spec(None, x.dtype)
    out = _solved(wanted, x.shape)
    have, want = shapes.num_elements(x.shape), shapes.num_elements(out)
    if have is not None and want is not None and have != want:
        asked: list[Any] = shape.array.tolist() if shape.array is not None else list(wanted)
        what = f"Input to reshape is a tensor with {have} values, but the requested shape"
        if -1 in asked:
            raise ValueError(f"{what} {asked} requires a multiple of {math.prod(d for d in asked if d != -1)}")
        raise ValueError(f"{what} has {want}: cannot reshape {shapes.show(x.shape)} to {asked}")
    return Spec(out, x.dtype, x.value if isinstance(x.value, tuple) and len(out) == 1 else None)


def _solved(wanted: tuple[int | None, ...], have: Dims) -> tuple[int | None, ...]:
    """Find the one unknown dimension, if the others (or their cancelling) leave no doubt."""
    unknown = [i for i, d in enumerate(wanted) if d is None]
    if len(unknown) != 1 or have is None:
        return wanted
    rest = math.prod(d for d in wanted if d is not None)
    if None in have or not rest:
        return wanted
    solved = math.prod(d or 0 for d in have) // rest
    return (*wanted[: unknown[0]], solved, *wanted[unknown[0] + 1 :])


def _evaluate_reshape(x: Any, shape: Any) -> Any:
    try:
        dims = tuple(shape.tolist())
        if min(dims, default=0) < -1:
            raise ValueError(f"Size {dims.index(min(dims))} must be non-negative, not {min(dims)}")
        return x.reshape(dims)
    except (ValueError, TypeError):
        _infer_reshape(Spec.of(x), Spec.of(shape))
        raise


RESHAPE = register(
    Op(
        "Reshape",
        Kind.VIEW,
        _infer_reshape,
        _evaluate_reshape,
        lambda node, g: (_shaped_like(g, node.inputs[0]), None),
        checked=False,
        lower=_as_reshape,
    )  # fmt: skip
)


def _shaped_like(x: Any, like: Any) -> Any:
    dims = known_dims(like)
    return reshape(x, shape(like) if dims is None else dims)


def reshape(tensor: Any, shape: Any, name: str | None = None) -> Any:
    """The same elements, in the same order, under another shape.

    Args:
      shape: ints, one of which may be -1: whatever is left.
    Raises:
      InvalidArgumentError (ValueError in a graph): if the number of elements differs.

    >>> tf.reshape([[1, 2], [3, 4]], [-1])
    <tf.Tensor: shape=(4,), dtype=int32, numpy=array([1, 2, 3, 4], dtype=int32)>

    TensorFlow: tf.reshape.
    """
    return emit_one(RESHAPE, (convert(tensor), int_tensor(shape)), NO_ATTRS, name)


def _infer_expand(x: Spec, *, axis: int) -> Spec:
    if x.shape is None:
        return Spec(None, x.dtype)
    if not -len(x.shape) - 1 <= axis <= len(x.shape):
        raise ValueError(f"Tried to expand dim index {axis} for tensor with {len(x.shape)} dimensions.")
    at = axis % (len(x.shape) + 1)
    found = entries(x) if not x.shape and x.dtype.is_integer else None
    return Spec((*x.shape[:at], 1, *x.shape[at:]), x.dtype, value_of(found, x.dtype))


EXPAND_DIMS = register(
    Op(
        "ExpandDims",
        Kind.VIEW,
        _infer_expand,
        lambda x, *, axis: np.expand_dims(x, axis),
        lambda node, g: _shaped_like(g, node.inputs[0]),
        checked=False,
        lower=_as_reshape,
    )  # fmt: skip
)


def expand_dims(input: Any, axis: Any, name: str | None = None) -> Any:
    """A dimension of size 1 put in at `axis`, which may be negative.

    >>> tf.expand_dims([1, 2], 0).shape, tf.expand_dims([1, 2], -1).shape
    (TensorShape([1, 2]), TensorShape([2, 1]))

    TensorFlow: tf.expand_dims.
    """
    x = input if type(input) is EagerTensor else convert(input)
    axis, dims = static_int(axis, "axis"), x.dims
    if dims is not None and axis < 0 and -axis <= len(dims) + 1:
        axis += len(dims) + 1
    return emit_one(EXPAND_DIMS, (x,), {"axis": axis}, name)


def _infer_squeeze(x: Spec, *, axis: tuple[int, ...]) -> Spec:
    if x.shape is None:
        return Spec(None, x.dtype)
    if not axis:
        if None in x.shape:
            return Spec(None, x.dtype)
        return Spec(tuple(d for d in x.shape if d != 1), x.dtype)
    dropped = {axis_of(a, len(x.shape), 0, "squeeze dim") for a in axis}
    for a in dropped:
        if x.shape[a] not in (None, 1):
            raise ValueError(f"Can not squeeze dim[{a}], expected a dimension of 1, got {x.shape[a]}")
    return Spec(tuple(d for i, d in enumerate(x.shape) if i not in dropped), x.dtype)


def _evaluate_squeeze(x: Any, *, axis: tuple[int, ...]) -> Any:
    try:
        return x.squeeze(axis or None)
    except ValueError:
        _infer_squeeze(Spec.of(x), axis=axis)
        raise


SQUEEZE = register(
    Op(
        "Squeeze",
        Kind.VIEW,
        _infer_squeeze,
        _evaluate_squeeze,
        lambda node, g: _shaped_like(g, node.inputs[0]),
        checked=False,
        lower=_as_reshape,
    )  # fmt: skip
)


def squeeze(input: Any, axis: Any = None, name: str | None = None) -> Any:
    """Drop dimensions of size 1: all of them, or those named by `axis`.

    >>> tf.squeeze(tf.zeros([1, 2, 1]), axis=[2]).shape
    TensorShape([1, 2])

    TensorFlow: tf.squeeze.
    """
    x = convert(input)
    axes = () if axis is None else static_ints(axis, "axis")
    if x.dims is not None:
        axes = tuple(sorted({a + len(x.dims) if -len(x.dims) <= a < 0 else a for a in axes}))
    return emit_one(SQUEEZE, (x,), {"axis": axes}, name)


# -- transpose ---------------------------------------------------------------------------------------------------------


def _full_perm(perm: tuple[int, ...] | None, count: int) -> tuple[int, ...]:
    if perm is None:
        return tuple(reversed(range(count)))
    if len(perm) != count:
        raise ValueError(f"transpose expects a vector of size {count}. But input(1) is a vector of size {len(perm)}")
    out = tuple(p + count if p < 0 else p for p in perm)
    if sorted(out) != list(range(count)):
        missing = min(set(range(count)) - set(out))
        raise ValueError(f"{missing} is missing from {{{','.join(map(str, out))}}}: each dimension must occur once.")
    return out


def _infer_transpose(x: Spec, *, perm: tuple[int, ...] | None) -> Spec:
    if x.shape is None:
        return Spec(None if perm is None else (None,) * len(perm), x.dtype)
    return Spec(tuple(x.shape[p] for p in _full_perm(perm, len(x.shape))), x.dtype)


def _lower_transpose(specs: Any, outs: Any, attrs: Any) -> Affine:
    count = len(specs[0].shape)
    perm = _full_perm(attrs["perm"], count)
    matrix = tuple(tuple(int(perm[o] == d) for o in range(count)) for d in range(count))
    return Affine(matrix, (0,) * count)


def _evaluate_transpose(x: Any, *, perm: tuple[int, ...] | None) -> Any:
    try:
        return x.transpose(perm)
    except ValueError:
        _full_perm(perm, x.ndim)
        raise


def _gradient_transpose(node: Any, g: Any) -> Any:
    perm = node.attrs["perm"]
    return transpose(g, None if perm is None else tuple(int(i) for i in np.argsort(perm)))


TRANSPOSE = register(
    Op(
        "Transpose",
        Kind.VIEW,
        _infer_transpose,
        _evaluate_transpose,
        _gradient_transpose,
        checked=False,
        lower=_lower_transpose,
    )  # fmt: skip
)


def transpose(a: Any, perm: Any = None, conjugate: bool = False, name: str | None = "transpose") -> Any:
    """The dimensions in another order: reversed, or as `perm` lists them.

    Args:
      perm: ints known when the graph is built; dimension `i` of the result is dimension `perm[i]` of `a`.
      conjugate: also take the complex conjugate.

    >>> tf.transpose([[1, 2, 3]]).shape
    TensorShape([3, 1])

    TensorFlow: tf.transpose.
    """
    x = a if type(a) is EagerTensor else convert(a)
    if perm is not None:
        perm = static_ints(perm, "perm")
        if any(p < 0 for p in perm):
            perm = _full_perm(perm, len(perm))
    out = emit_one(TRANSPOSE, (x,), {"perm": perm}, name)
    return F.conj(out) if conjugate and out.dtype.is_complex else out


def swapaxes(x: Any, axis1: int, axis2: int) -> Any:
    """Two dimensions exchanged."""
    return _swapped(convert(x), axis1, axis2)


@postponed()
def _swapped(x: Any, axis1: int, axis2: int) -> Any:
    order = list(range(x.ndim))
    order[axis1], order[axis2] = order[axis2], order[axis1]
    return transpose(x, order)


# -- broadcasting ------------------------------------------------------------------------------------------------------


def _infer_broadcast_to(x: Spec, shape: Spec) -> Spec:
    require_ints("BroadcastTo", "shape", shape)
    wanted = dims_of(shape)
    if wanted is None or x.shape is None:
        return Spec(wanted, x.dtype)
    if len(wanted) < len(x.shape):
        raise ValueError(
            f"Rank of input ({len(x.shape)}) must be no greater than rank of output shape ({len(wanted)}): cannot "
            f"broadcast {shapes.brief(x.shape)} to {shapes.brief(wanted)}"
        )
    for have, want in zip(reversed(x.shape), reversed(wanted), strict=False):
        if have not in (None, 1) and want is not None and have != want:
            raise ValueError(f"Incompatible shapes: {shapes.brief(x.shape)} vs. {shapes.brief(wanted)}")
    return Spec(wanted, x.dtype)


def _lower_broadcast(specs: Any, outs: Any, attrs: Any) -> Affine:
    have, want = specs[0].shape, outs[0].shape
    lead = len(want) - len(have)
    matrix = tuple(
        tuple(int(o == d + lead and not (size == 1 and want[o] != 1)) for o in range(len(want)))
        for d, size in enumerate(have)
    )
    return Affine(matrix, (0,) * len(have))


BROADCAST_TO = register(
    Op(
        "BroadcastTo",
        Kind.VIEW,
        _infer_broadcast_to,
        lambda x, shape: np.broadcast_to(x, checked_dims(shape)).copy(),
        lambda node, g: (F.sum_to_shape_of(g, node.inputs[0]), None),
        lower=_lower_broadcast,
    )  # fmt: skip
)


def broadcast_to(input: Any, shape: Any, name: str | None = None) -> Any:
    """Repeat along dimensions of size 1 (and new leading ones) up to a shape.

    >>> tf.broadcast_to([1, 2], [2, 2]).numpy().tolist()
    [[1, 2], [1, 2]]

    TensorFlow: tf.broadcast_to.
    """
    return emit_one(BROADCAST_TO, (convert(input), int_tensor(shape)), NO_ATTRS, name)


def broadcast_static_shape(shape_x: Any, shape_y: Any) -> TensorShape:
    """The static shape of two broadcast together; `ValueError` if they cannot be.

    >>> tf.broadcast_static_shape(tf.TensorShape([2, 1]), tf.TensorShape([3]))
    TensorShape([2, 3])

    TensorFlow: tf.broadcast_static_shape.
    """
    return TensorShape(shapes.broadcast(shapes.as_dims(shape_x), shapes.as_dims(shape_y)))


def _infer_broadcast_args(a: Spec, b: Spec) -> Spec:
    x, y = dims_of(a), dims_of(b)
    if x is None or y is None:
        return Spec((None,), a.dtype)
    out = shapes.broadcast(x, y)
    assert out is not None
    return Spec((len(out),), a.dtype, value_of(out, a.dtype))


BROADCAST_ARGS = register(
    Op(
        "BroadcastArgs",
        Kind.HOST,
        _infer_broadcast_args,
        lambda a, b: np.asarray(shapes.broadcast(tuple(a.tolist()), tuple(b.tolist())), a.dtype),
        differentiable=False,
    )  # fmt: skip
)


def broadcast_dynamic_shape(shape_x: Any, shape_y: Any) -> Any:
    """The shape, as a tensor, of two shapes given as tensors and broadcast together.

    >>> tf.broadcast_dynamic_shape([2, 1], [3]).numpy()
    array([2, 3], dtype=int32)

    TensorFlow: tf.broadcast_dynamic_shape.
    """
    return emit_one(BROADCAST_ARGS, (int_tensor(shape_x), int_tensor(shape_y)))


def _broadcast_axes(shape_x: Any, shape_y: Any) -> tuple[Any, Any]:
    rank = max(len(shape_x), len(shape_y))
    x, y = ([1] * (rank - len(s)) + s.tolist() for s in (shape_x, shape_y))

    def stretched(mine: list[int], other: list[int], own: int) -> Any:
        axes = [i for i in range(rank) if i < rank - own or mine[i] == 1 != other[i]]
        return np.asarray(axes, np.int32)

    return stretched(x, y, len(shape_x)), stretched(y, x, len(shape_y))


_BROADCAST_AXES = register(
    Op(
        "BroadcastGradientArgs", Kind.HOST, lambda x, y: (Spec((None,), dtypes.int32),) * 2, _broadcast_axes,
        checked=False, num_outputs=2, differentiable=False,
    )
)  # fmt: skip


def broadcast_axes(shape_x: Any, shape_y: Any) -> tuple[Any, ...]:
    """The axes, two int32 vectors, along which gradients of operands of these shapes are summed."""
    return emit(_BROADCAST_AXES, (int_tensor(shape_x), int_tensor(shape_y)))


# -- tile --------------------------------------------------------------------------------------------------------------


def _infer_tile(x: Spec, multiples: Spec) -> Spec:
    require_ints("Tile", "multiples", multiples)
    times = dims_of(multiples)
    if multiples.array is not None and np.any(multiples.array < 0):
        raise InvalidArgumentError(f"Expected multiples >= 0, but got {multiples.array.tolist()}")
    if times is None or x.shape is None:
        return Spec(None if times is None else (None,) * len(times), x.dtype)
    if len(times) != len(x.shape):
        raise ValueError(
            f"Expected multiples argument to be a vector of length {len(x.shape)} but got length {len(times)}"
        )
    return Spec(tuple(None if d is None or t is None else d * t for d, t in zip(x.shape, times, strict=True)), x.dtype)


def _interleaved(x: Tensor, multiples: Any) -> Any:
    """`[m0, d0, m1, d1, ...]`, the shape in which a tiled tensor's copies have dimensions of their own."""
    return F.reshape(F.stack([multiples, F.cast(F.shape(x), multiples.dtype)], axis=1), [-1])


def _expand_tile(x: Any, multiples: Any) -> Any:
    dims = F.cast(F.shape(x), multiples.dtype)
    apart = F.reshape(F.stack([F.ones_like(dims), dims], axis=1), [-1])
    return F.reshape(F.broadcast_to(F.reshape(x, apart), _interleaved(x, multiples)), dims * multiples)


def _gradient_tile(node: Any, g: Any) -> Any:
    x, multiples = node.inputs
    count = x.spec.rank if x.spec.rank is not None else multiples.dims[0]
    copies = F.reshape(g, _interleaved(x, multiples))
    return F.reduce_sum(copies, list(range(0, 2 * count, 2))) if count else g, None


TILE = register(
    Op(
        "Tile",
        Kind.COMPOUND,
        _infer_tile,
        lambda x, multiples: np.tile(x, tuple(multiples.tolist())),
        _gradient_tile,
        expand=_expand_tile,
    )  # fmt: skip
)


def tile(input: Any, multiples: Any, name: str | None = None) -> Any:
    """Copies side by side, `multiples[i]` of them along dimension i.

    >>> tf.tile([1, 2], [2]).numpy()
    array([1, 2, 1, 2], dtype=int32)

    TensorFlow: tf.tile.
    """
    return emit_one(TILE, (convert(input), int_tensor(multiples)), NO_ATTRS, name)
