"""Elements in another arrangement: reverse, roll, repeat, meshgrid, masks of lengths, blocks of space, patches."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from duoflow.core import dtypes, shapes
from duoflow.core.dtypes import as_dtype
from duoflow.core.emit import NO_ATTRS, emit_one
from duoflow.core.errors import InvalidArgumentError
from duoflow.core.late import F
from duoflow.core.lowering import Affine
from duoflow.core.record import Kind, Op, register
from duoflow.core.scalar import Unsupported
from duoflow.core.spec import Spec
from duoflow.core.tensor import convert

from .postponed import postponed
from .static import axis_of, int_tensor, invalid, static_ints

__all__ = [
    "batch_to_space", "depth_to_space", "meshgrid", "repeat", "required_space_to_batch_paddings",
    "reverse", "reverse_sequence", "roll", "sequence_mask", "space_to_batch", "space_to_batch_nd",
    "space_to_depth", "unravel_index",
]  # fmt: skip

# -- reverse -----------------------------------------------------------------------------------------------------------


def _infer_reverse(x: Spec, *, axis: tuple[int, ...]) -> Spec:
    if x.shape is not None:
        for a in axis:
            axis_of(a, len(x.shape), 0, "axis")
    return Spec(x.shape, x.dtype)


def _lower_reverse(specs: Any, outs: Any, attrs: Any) -> Affine:
    dims = specs[0].shape
    flipped = {a % len(dims) for a in attrs["axis"]}
    rows = tuple(
        tuple((-1 if d in flipped else 1) if d == o else 0 for o in range(len(dims))) for d in range(len(dims))
    )
    return Affine(rows, tuple(n - 1 if d in flipped else 0 for d, n in enumerate(dims)))


REVERSE = register(
    Op(
        "ReverseV2",
        Kind.VIEW,
        _infer_reverse,
        lambda x, *, axis: np.flip(x, axis),
        lambda node, g: reverse(g, node.attrs["axis"]),
        lower=_lower_reverse,
    )  # fmt: skip
)


def reverse(tensor: Any, axis: Any, name: str | None = None) -> Any:
    """The elements in reverse order along the axes given.

    >>> tf.reverse([1, 2, 3], [0]).numpy()
    array([3, 2, 1], dtype=int32)

    TensorFlow: tf.reverse.
    """
    x = convert(tensor)
    if convert(axis).dims == ():
        raise invalid(f"'axis' must be a vector, received the scalar {axis}.")
    axes = tuple(sorted(axis_of(a, x.spec.rank) for a in static_ints(axis, "axis")))
    if len(set(axes)) != len(axes):
        raise invalid(f"axis {axes} specified more than once.")
    return emit_one(REVERSE, (x,), {"axis": axes}, name)


def _infer_reverse_sequence(x: Spec, lengths: Spec, *, seq_axis: int, batch_axis: int) -> Spec:
    if x.shape is not None and lengths.shape is not None:
        if len(lengths.shape) != 1 or not shapes.compatible((x.shape[batch_axis],), lengths.shape):
            raise ValueError(
                f"Length of seq_lengths != input.dims({batch_axis}), ({shapes.brief(lengths.shape)} vs. "
                f"{x.shape[batch_axis]})"
            )
    return Spec(x.shape, x.dtype)


def _checked_lengths(lengths: Any, size: Any, *, seq_axis: int) -> Any:
    for length in lengths.tolist():
        if not 0 <= length <= size:
            raise ValueError(f"seq_lens > input.dims({seq_axis}): {length} is not in [0, {size}]")
    return lengths


def _require_length(b: Any, length: Any, size: Any, *, seq_axis: int) -> Any:
    b.require((length >= 0) & (length <= size), "a length that is not inside the dimension")
    return length


CHECKED_LENGTHS = Op(
    "CheckedLengths",
    Kind.ELEMENTWISE,
    lambda lengths, size, *, seq_axis: Spec(lengths.shape, lengths.dtype),
    _checked_lengths,
    body=_require_length,
    differentiable=False,
)
"""Lengths of sequences, which must be in [0, size]."""


def _expand_reverse_sequence(x: Any, lengths: Any, *, seq_axis: int, batch_axis: int) -> Any:
    size = None if x.dims is None else x.dims[seq_axis]
    if size is None:
        raise Unsupported("sequences of unknown length")
    count = F.cast(size, lengths.dtype)
    lengths = F.expand_dims(emit_one(CHECKED_LENGTHS, (lengths, count), {"seq_axis": seq_axis}), 1)
    steps = F.expand_dims(F.cast(F.range(size), lengths.dtype), 0)
    places = F.where(steps < lengths, lengths - 1 - steps, steps)
    rest = [i for i in range(x.ndim) if i not in (batch_axis, seq_axis)]
    order = [batch_axis, seq_axis, *rest]
    back = [order.index(i) for i in range(x.ndim)]
    return F.transpose(F.gather(F.transpose(x, order), places, axis=1, batch_dims=1), back)


def _evaluate_reverse_sequence(x: Any, lengths: Any, *, seq_axis: int, batch_axis: int) -> Any:
    moved = np.moveaxis(x, (batch_axis, seq_axis), (0, 1)).copy()
    _checked_lengths(lengths, moved.shape[1], seq_axis=seq_axis)
    for row, length in zip(moved, lengths.tolist(), strict=True):
        row[:length] = row[:length][::-1].copy()
    return np.ascontiguousarray(np.moveaxis(moved, (0, 1), (batch_axis, seq_axis)))


def _gradient_reverse_sequence(node: Any, g: Any) -> tuple[Any, None]:
    return emit_one(REVERSE_SEQUENCE, (g, node.inputs[1]), dict(node.attrs)), None


REVERSE_SEQUENCE = register(
    Op(
        "ReverseSequence",
        Kind.COMPOUND,
        _infer_reverse_sequence,
        _evaluate_reverse_sequence,
        _gradient_reverse_sequence,
        expand=_expand_reverse_sequence,
    )  # fmt: skip
)


def reverse_sequence(
    input: Any, seq_lengths: Any, seq_axis: Any = None, batch_axis: Any = None, name: str | None = None
) -> Any:
    """Reverse the first `seq_lengths[i]` elements along `seq_axis` of entry i along `batch_axis` (0 by default).

    >>> tf.reverse_sequence([[1, 2, 3], [4, 5, 6]], [2, 3], seq_axis=1).numpy().tolist()
    [[2, 1, 3], [6, 5, 4]]

    TensorFlow: tf.reverse_sequence.
    """
    x = convert(input)
    if seq_axis is None:
        raise ValueError("reverse_sequence needs seq_axis.")
    attrs = {"seq_axis": axis_of(seq_axis, x.spec.rank), "batch_axis": axis_of(batch_axis or 0, x.spec.rank)}
    return emit_one(REVERSE_SEQUENCE, (x, int_tensor(seq_lengths)), attrs, name)


# -- roll --------------------------------------------------------------------------------------------------------------


def _infer_roll(x: Spec, shift: Spec, *, axis: tuple[int, ...]) -> Spec:
    if shift.shape is not None and shapes.num_elements(shift.shape) not in (None, len(axis)):
        raise ValueError(f"shift and axis must have the same size, {shapes.brief(shift.shape)} and {len(axis)}")
    return Spec(x.shape, x.dtype)


def _expand_roll(x: Any, shift: Any, *, axis: tuple[int, ...]) -> Any:
    known = shift.spec.array
    if known is None:
        raise Unsupported("Roll by a shift that is not constant")
    for step, at in zip(known.reshape(-1).tolist(), axis, strict=True):
        size = x.dims[at]
        cut = -step % size if size else 0
        if cut:
            head, tail = F.split(x, [cut, size - cut], at)
            x = F.concat([tail, head], at)
    return F.identity(x)


def _gradient_roll(node: Any, g: Any) -> tuple[Any, None]:
    return emit_one(ROLL, (g, -node.inputs[1]), dict(node.attrs)), None


ROLL = register(
    Op(
        "Roll",
        Kind.COMPOUND,
        _infer_roll,
        lambda x, shift, *, axis: np.roll(x, tuple(shift.reshape(-1).tolist()), axis),
        _gradient_roll,
        expand=_expand_roll,
    )  # fmt: skip
)


def roll(input: Any, shift: Any, axis: Any, name: str | None = None) -> Any:
    """The elements moved by `shift` along `axis`; those that leave at one end come in at the other.

    >>> tf.roll([1, 2, 3, 4], shift=1, axis=0).numpy()
    array([4, 1, 2, 3], dtype=int32)

    TensorFlow: tf.roll.
    """
    x = convert(input)
    axes = tuple(
        axis_of(a, x.spec.rank, refuse=lambda message: InvalidArgumentError(message).here())
        for a in static_ints(axis, "axis")
    )
    return emit_one(ROLL, (x, int_tensor(shift)), {"axis": axes}, name)


# -- repeat, meshgrid, sequence_mask -----------------------------------------------------------------------------------


def repeat(input: Any, repeats: Any, axis: Any = None, name: str | None = None) -> Any:
    """Each element along an axis several times over; without an axis, of the flattened tensor.

    Args:
      repeats: how often, one number for all or one for each.

    >>> tf.repeat([1, 2, 3], [2, 0, 1]).numpy()
    array([1, 1, 3], dtype=int32)

    TensorFlow: tf.repeat.
    """
    with F.name_scope(name or "Repeat"):
        x, times = convert(input), int_tensor(repeats)
        if axis is None:
            x, axis = F.reshape(x, [-1]), 0
        return _repeated(x, times, axis)


@postponed()
def _repeated(x: Any, times: Any, axis: int) -> Any:
    if len(times.dims) > 1:
        raise ValueError(f"repeats must be a scalar or a vector, received shape {shapes.show(times.dims)}")
    if not x.ndim:
        x = F.expand_dims(x, 0)
    at = axis_of(axis, x.ndim, refuse=ValueError)
    if shapes.num_elements(times.dims) == 1:
        return _repeat_all(x, F.reshape(times, []), at)
    size = x.dims[at]
    if not shapes.compatible((size,), times.dims):
        raise ValueError(f"Dimensions {size} and {times.dims[0]} are not compatible")
    ends = F.cumsum(times)
    rows = F.searchsorted(ends, F.range(ends[-1]), side="right")
    return F.gather(x, rows, axis=at)


def _repeat_all(x: Any, times: Any, axis: int) -> Any:
    shape = F.shape(x, times.dtype)
    one, count = F.reshape(times, [1]), x.ndim
    apart = F.expand_dims(x, axis + 1)
    wide = F.broadcast_to(apart, F.concat([shape[: axis + 1], one, shape[axis + 1 :]], 0))
    sizes = [shape[:axis], shape[axis : axis + 1] * one] + ([shape[axis + 1 :]] if axis + 1 < count else [])
    return F.reshape(wide, F.concat(sizes, 0))


def meshgrid(*args: Any, indexing: str = "xy", name: str | None = None) -> list[Any]:
    """Coordinates of the points of a grid, one tensor per axis.

    Args:
      *args: vectors.
      indexing: "xy" (the first two dimensions exchanged) or "ij".

    >>> x, y = tf.meshgrid([1, 2, 3], [4, 5])
    >>> x.numpy().tolist(), y.numpy().tolist()
    ([[1, 2, 3], [1, 2, 3]], [[4, 4, 4], [5, 5, 5]])

    TensorFlow: tf.meshgrid.
    """
    if indexing not in ("xy", "ij"):
        raise ValueError(f"Argument `indexing` parameter must be either 'xy' or 'ij', got '{indexing}'")
    with F.name_scope(name or "meshgrid"):
        vectors = [F.reshape(convert(a), [-1]) for a in args]
        if len({v.dtype for v in vectors}) > 1:
            found = ", ".join(v.dtype.name for v in vectors)
            raise invalid(f"meshgrid takes vectors of one dtype, received {found}: use tf.cast.", TypeError)
        count = len(vectors)
        place = list(range(count))
        if indexing == "xy" and count > 1:
            place[:2] = [1, 0]
        sizes = [F.size(v) for v in vectors]
        shape = F.stack([sizes[place.index(d)] for d in range(count)]) if count else []
        return [
            F.broadcast_to(F.reshape(v, [-1 if d == at else 1 for d in range(count)]), shape)
            for v, at in zip(vectors, place, strict=True)
        ]


def sequence_mask(lengths: Any, maxlen: Any = None, dtype: Any = dtypes.bool_, name: str | None = None) -> Any:
    """True for the first `lengths[i]` of `maxlen` (by default the longest) places: [..., maxlen].

    >>> tf.sequence_mask([1, 3]).numpy().tolist()
    [[True, False, False], [True, True, True]]

    TensorFlow: tf.sequence_mask.
    """
    with F.name_scope(name or "SequenceMask"):
        lengths = int_tensor(lengths)
        if maxlen is None:
            maxlen = F.maximum(F.reduce_max(lengths), 0)
        else:
            maxlen = F.cast(int_tensor(maxlen), lengths.dtype)
        if maxlen.dims not in (None, ()):
            raise ValueError(f"Argument `maxlen` must be scalar for sequence_mask, received maxlen = {maxlen}")
        places = F.range(F.zeros((), lengths.dtype), maxlen)
        return F.cast(F.less(places, F.expand_dims(lengths, -1)), as_dtype(dtype))


def _infer_unravel(indices: Spec, dims: Spec) -> Spec:
    count = None if dims.shape is None else dims.shape[0]
    return Spec(None if indices.shape is None else (count, *indices.shape), indices.dtype)


def _evaluate_unravel(indices: Any, dims: Any) -> Any:
    return np.stack(np.unravel_index(indices, tuple(dims.tolist()))).astype(indices.dtype)


UNRAVEL_INDEX = register(Op("UnravelIndex", Kind.HOST, _infer_unravel, _evaluate_unravel, differentiable=False))


def unravel_index(indices: Any, dims: Any, name: str | None = None) -> Any:
    """The coordinates, in an array of shape `dims`, of flat indices: [rank, ...].

    >>> tf.unravel_index([2, 5], [2, 3]).numpy().tolist()
    [[0, 1], [2, 2]]

    TensorFlow: tf.unravel_index.
    """
    indices = int_tensor(indices)
    return emit_one(UNRAVEL_INDEX, (indices, int_tensor(dims, indices.dtype)), NO_ATTRS, name)


# -- blocks of space ---------------------------------------------------------------------------------------------------


def _channels_last(x: Any, data_format: str, back: bool = False) -> Any:
    if data_format == "NHWC":
        return x
    if data_format != "NCHW":
        raise ValueError(f"data_format must be 'NHWC' or 'NCHW', received {data_format!r}")
    return F.transpose(x, [0, 3, 1, 2] if back else [0, 2, 3, 1])


def space_to_depth(input: Any, block_size: int, data_format: str = "NHWC", name: str | None = None) -> Any:
    """Square blocks of the image become channels: [b, h, w, c] to [b, h/k, w/k, k*k*c].

    TensorFlow: tf.nn.space_to_depth.
    """
    with F.name_scope(name or "SpaceToDepth"):
        x = _channels_last(convert(input), data_format)
        batch, height, width, depth = (F.shape(x)[i] for i in range(4))
        _require_multiple(x.dims, block_size)
        apart = F.reshape(x, F.stack([batch, height // block_size, block_size, width // block_size, block_size, depth]))
        joined = F.transpose(apart, [0, 1, 3, 2, 4, 5])
        shape = F.stack([batch, height // block_size, width // block_size, depth * block_size**2])
        return _channels_last(F.reshape(joined, shape), data_format, True)


def _require_multiple(dims: Any, block_size: int) -> None:
    if block_size <= 1:
        raise invalid(f"Block size should be > 1: {block_size}")
    for size in (dims or ())[1:3]:
        if size is not None and size % block_size:
            raise invalid(f"Image height {dims[1]} and width {dims[2]} should be divisible by block_size: {block_size}")


def depth_to_space(input: Any, block_size: int, data_format: str = "NHWC", name: str | None = None) -> Any:
    """Channels become square blocks of the image: [b, h, w, k*k*c] to [b, h*k, w*k, c].

    TensorFlow: tf.nn.depth_to_space.
    """
    with F.name_scope(name or "DepthToSpace"):
        x = _channels_last(convert(input), data_format)
        if block_size <= 1:
            raise invalid(f"Block size should be > 1, but was: {block_size}")
        if x.dims is not None and x.dims[3] is not None and x.dims[3] % block_size**2:
            raise invalid(f"Input depth dimension {x.dims[3]} should be divisible by: {block_size**2}")
        batch, height, width, depth = (F.shape(x)[i] for i in range(4))
        inner = depth // block_size**2
        apart = F.reshape(x, F.stack([batch, height, width, block_size, block_size, inner]))
        joined = F.transpose(apart, [0, 1, 3, 2, 4, 5])
        shape = F.stack([batch, height * block_size, width * block_size, inner])
        return _channels_last(F.reshape(joined, shape), data_format, True)


def space_to_batch(input: Any, block_shape: Any, paddings: Any, name: str | None = None) -> Any:
    """Blocks of the spatial dimensions, padded first, become entries of the batch.

    Args:
      block_shape: ints [m] known when the graph is built, the block's size along dimensions 1 to m.
      paddings: ints [m, 2].

    TensorFlow: tf.space_to_batch_nd.
    """
    with F.name_scope(name or "SpaceToBatchND"):
        blocks = static_ints(block_shape, "block_shape")
        return _space_to_batch(convert(input), F.cast(int_tensor(paddings), dtypes.int32), blocks)


@postponed()
def _space_to_batch(x: Any, paddings: Any, blocks: tuple[int, ...]) -> Any:
    m, count = len(blocks), x.ndim
    around = F.concat(
        [
            F.zeros([1, 2], dtypes.int32),
            paddings,
            F.zeros([count - m - 1, 2], dtypes.int32),
        ],
        0,
    )
    x = F.pad(x, around)
    shape = F.shape(x)
    _require_blocks(x.dims, blocks)
    sizes = [shape[0]]
    for d, block in enumerate(blocks):
        sizes += [shape[d + 1] // block, block]
    apart = F.reshape(x, F.stack([*sizes, *(shape[d] for d in range(m + 1, count))]))
    order = [*range(2, 2 * m + 1, 2), 0, *range(1, 2 * m, 2), *range(2 * m + 1, count + m)]
    out = [
        shape[0] * math.prod(blocks),
        *(shape[d + 1] // b for d, b in enumerate(blocks)),
        *(shape[d] for d in range(m + 1, count)),
    ]
    return F.reshape(F.transpose(apart, order), F.stack(out))


def _require_blocks(dims: Any, blocks: tuple[int, ...]) -> None:
    for d, block in enumerate(blocks):
        if block < 1:
            raise invalid(f"All values in block_shape must be positive, got value, {block} at index {d}.")
        if dims is not None and dims[d + 1] is not None and dims[d + 1] % block:
            raise invalid(f"padded_shape[{d}]={dims[d + 1]} is not divisible by block_shape[{d}]={block}")


space_to_batch_nd = space_to_batch


def batch_to_space(input: Any, block_shape: Any, crops: Any, name: str | None = None) -> Any:
    """Entries of the batch become blocks of the spatial dimensions, which are cropped then; undoes `space_to_batch`.

    TensorFlow: tf.batch_to_space.
    """
    with F.name_scope(name or "BatchToSpaceND"):
        blocks = static_ints(block_shape, "block_shape")
        return _batch_to_space(convert(input), F.cast(int_tensor(crops), dtypes.int32), blocks)


@postponed()
def _batch_to_space(x: Any, cut: Any, blocks: tuple[int, ...]) -> Any:
    m, count = len(blocks), x.ndim
    shape = F.shape(x)
    entries = None if x.dims is None else x.dims[0]
    if entries is not None and entries % math.prod(blocks):
        raise invalid(
            f"Input batch dimension ({entries}) is not divisible by product of block sizes ({math.prod(blocks)})"
        )
    batch = shape[0] // math.prod(blocks)
    apart = F.reshape(x, F.concat([F.stack([*blocks, batch]), shape[1:]], 0))
    order = [m]
    for d in range(m):
        order += [m + 1 + d, d]
    order += list(range(2 * m + 1, count + m))
    spatial = [shape[d + 1] * b for d, b in enumerate(blocks)]
    rest = [shape[d] for d in range(m + 1, count)]
    whole = F.reshape(F.transpose(apart, order), F.stack([batch, *spatial, *rest]))
    begin = F.concat([[0], cut[:, 0], F.zeros([len(rest)], dtypes.int32)], 0)
    size = F.concat(
        [[batch], F.stack(spatial) - cut[:, 0] - cut[:, 1], F.stack(rest) if rest else F.zeros([0], dtypes.int32)],
        0,
    )
    return F.slice(whole, begin, size)


def required_space_to_batch_paddings(
    input_shape: Any, block_shape: Any, base_paddings: Any = None, name: str | None = None
) -> tuple[Any, Any]:
    """The paddings (at least the base ones) that make dimensions divisible by a block, and the crops that undo them.

    TensorFlow: tf.required_space_to_batch_paddings.
    """
    with F.name_scope(name or "required_space_to_batch_paddings"):
        size, block = int_tensor(input_shape), int_tensor(block_shape)
        base = F.zeros([block.dims[0], 2], dtypes.int32) if base_paddings is None else int_tensor(base_paddings)  # type: ignore[index]
        full = size + base[:, 0] + base[:, 1]
        extra = F.floormod(block - F.floormod(full, block), block)
        paddings = F.stack([base[:, 0], base[:, 1] + extra], 1)
        return paddings, F.stack([F.zeros_like(extra), extra], 1)
