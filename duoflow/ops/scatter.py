"""Values written to positions: scatter_nd, tensor_scatter_nd_*, dynamic_partition and dynamic_stitch."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from duoflow.core import shapes
from duoflow.core.emit import NO_ATTRS, emit, emit_one
from duoflow.core.errors import InvalidArgumentError, OutOfRangeError
from duoflow.core.late import F
from duoflow.core.lowering import Scatter
from duoflow.core.record import Effect, Kind, Op, register
from duoflow.core.spec import Spec
from duoflow.core.tensor import convert

from .families import in_float32
from .gather import check_indices, check_nd_indices
from .static import checked_dims, dims_of, int_tensor, operand, same_dtype

__all__ = [
    "batch_scatter_indices", "count_up_to", "dynamic_partition", "dynamic_stitch", "scatter_nd",
    "tensor_scatter_nd_add", "tensor_scatter_nd_max", "tensor_scatter_nd_min", "tensor_scatter_nd_sub",
    "tensor_scatter_nd_update",
]  # fmt: skip


def _check_updates(shape: Any, indices: Spec, updates: Spec) -> None:
    """The updates' shape is that of the index rows, followed by that of one slice."""
    if not indices.dtype.is_integer:
        raise TypeError(f"indices must be integers, received {indices.dtype.name}.")
    if (
        shape is None
        or indices.shape is None
        or updates.shape is None
        or not indices.shape
        or indices.shape[-1] is None
    ):
        return
    depth = indices.shape[-1]
    if depth > len(shape):
        raise InvalidArgumentError(
            f"Index depth {depth} exceeds the rank of the tensor, {len(shape)}: shape {shapes.brief(shape)}."
        )
    expected = (*indices.shape[:-1], *shape[depth:])
    if not shapes.compatible(expected[len(indices.shape) - 1 :], updates.shape[len(indices.shape) - 1 :]):
        raise ValueError(
            "Inner dimensions of output shape must match inner dimensions of updates shape. Output: "
            f"{shapes.brief(shape)} updates: {shapes.brief(updates.shape)}: expected updates of shape "
            f"{shapes.brief(expected)}"
        )
    if not shapes.compatible(expected, updates.shape):
        raise ValueError(
            f"Dimensions [0,{len(indices.shape) - 1}) of indices[shape={shapes.brief(indices.shape)}] must match "
            f"dimensions of updates[shape={shapes.brief(updates.shape)}]: "
            f"expected updates of shape {shapes.brief(expected)}"
        )


def _positions(indices: Any, shape: tuple[int, ...], ignore: bool) -> tuple[Any, Any]:
    """Indices for NumPy, and which index rows count (all of them unless bad ones are ignored)."""
    if not ignore:
        check_nd_indices(indices, shape, "shape")
        return tuple(np.moveaxis(indices, -1, 0)), Ellipsis
    good = ((indices >= 0) & (indices < np.asarray(shape[: indices.shape[-1]]))).all(-1)
    return tuple(np.moveaxis(indices[good], -1, 0)), good


def _combined(ufunc: Any) -> Callable[..., Any]:
    """The array with updates combined into it one by one: 16-bit floats in float32, and rounded at the end."""

    @in_float32
    def combine(out: Any, where: Any, updates: Any) -> Any:
        ufunc.at(out, where, updates)
        return out

    return combine


def _ignores(policy: str) -> bool:
    if policy not in ("", "DEFAULT", "ERROR", "IGNORE"):
        raise ValueError(f"bad_indices_policy must be '', 'DEFAULT', 'ERROR' or 'IGNORE', received {policy!r}")
    return policy == "IGNORE"


# -- scatter_nd --------------------------------------------------------------------------------------------------------


def _infer_scatter_nd(indices: Spec, updates: Spec, shape: Spec, *, ignore: bool) -> Spec:
    dims = dims_of(shape)
    _check_updates(dims, indices, updates)
    return Spec(dims, updates.dtype)


def _evaluate_scatter_nd(indices: Any, updates: Any, shape: Any, *, ignore: bool) -> Any:
    out = np.zeros(checked_dims(shape), updates.dtype)
    if out.dtype == object:
        out.fill(b"")
    where, good = _positions(indices, out.shape, ignore)
    return _combined(np.add)(out, where, updates[good])


SCATTER_ND = register(
    Op(
        "ScatterNd",
        Kind.SCATTER,
        _infer_scatter_nd,
        _evaluate_scatter_nd,
        lambda node, g: (None, F.gather_nd(g, node.inputs[0], bad_indices_policy=_policy(node)), None),
        lower=lambda specs, outs, attrs: Scatter("add", 0, 1, specs[0].shape[-1], outside=_outside(attrs)),
    )  # fmt: skip
)


def _outside(attrs: dict[str, Any]) -> str:
    return "drop" if attrs["ignore"] else "error"


def _policy(node: Any) -> str:
    return "IGNORE" if node.attrs["ignore"] else ""


def scatter_nd(indices: Any, updates: Any, shape: Any, bad_indices_policy: str = "", name: str | None = None) -> Any:
    """A tensor of zeros with `updates` added at the positions that the rows of `indices` spell out.

    Args:
      indices: ints [..., depth].
      updates: [..., *shape[depth:]]; those for one position add up.
      bad_indices_policy: "IGNORE" drops what is out of range instead of raising.

    >>> tf.scatter_nd([[1], [3], [1]], [5, 6, 7], [4]).numpy()
    array([ 0, 12,  0,  6], dtype=int32)

    TensorFlow: tf.scatter_nd.
    """
    indices = int_tensor(indices)
    inputs = (indices, convert(updates), int_tensor(shape, None))
    return emit_one(SCATTER_ND, inputs, {"ignore": _ignores(bad_indices_policy)}, name)


# -- tensor_scatter_nd_* -----------------------------------------------------------------------------------------------


def _infer_tensor_scatter(tensor: Spec, indices: Spec, updates: Spec, *, ignore: bool) -> Spec:
    dtype = same_dtype("TensorScatter", (tensor, updates))
    _check_updates(tensor.shape, indices, updates)
    return Spec(tensor.shape, dtype)


def _tensor_scatter_op(name: str, combine: str, write: Callable[..., Any], gradient: Callable[..., Any]) -> Op:
    def evaluate(tensor: Any, indices: Any, updates: Any, *, ignore: bool) -> Any:
        out = tensor.copy()
        where, good = _positions(indices, out.shape, ignore)
        return write(out, where, updates[good])

    def lower(specs: Any, outs: Any, attrs: dict[str, Any]) -> Scatter:
        return Scatter(combine, 1, 2, specs[1].shape[-1], base=0, outside=_outside(attrs))

    return register(Op(name, Kind.SCATTER, _infer_tensor_scatter, evaluate, gradient, lower=lower))


def _update_gradient(node: Any, g: Any) -> tuple[Any, Any, Any]:
    _, indices, updates = node.inputs
    kept = emit_one(TENSOR_UPDATE, (g, indices, F.zeros_like(updates)), dict(node.attrs))
    return kept, None, _picked(node, g)


def _picked(node: Any, x: Any) -> Any:
    return F.gather_nd(x, node.inputs[1], bad_indices_policy=_policy(node))


def _extreme_gradient(node: Any, g: Any) -> tuple[Any, Any, Any]:
    """Those that attain the extreme share its cotangent."""
    tensor, indices, updates = node.inputs
    out = node.outputs[0]
    own = F.cast(F.equal(out, tensor), g.dtype)
    theirs = F.cast(F.equal(_picked(node, out), updates), g.dtype)
    share = g / F.maximum(own + F.scatter_nd(indices, theirs, F.shape(tensor, indices.dtype), _policy(node)), 1)
    return share * own, None, _picked(node, share) * theirs


def _set(out: Any, where: Any, updates: Any) -> Any:
    out[where] = updates
    return out


TENSOR_UPDATE = _tensor_scatter_op("TensorScatterUpdate", "set", _set, _update_gradient)
TENSOR_ADD = _tensor_scatter_op(
    "TensorScatterAdd", "add", _combined(np.add), lambda node, g: (g, None, _picked(node, g))
)
TENSOR_SUB = _tensor_scatter_op(
    "TensorScatterSub", "sub", _combined(np.subtract), lambda node, g: (g, None, -_picked(node, g))
)
TENSOR_MIN = _tensor_scatter_op("TensorScatterMin", "min", _combined(np.minimum), _extreme_gradient)
TENSOR_MAX = _tensor_scatter_op("TensorScatterMax", "max", _combined(np.maximum), _extreme_gradient)


def _tensor_scatter(op: Op, tensor: Any, indices: Any, updates: Any, policy: str, name: str | None) -> Any:
    tensor = convert(tensor)
    inputs = (tensor, int_tensor(indices), operand(updates, tensor))
    return emit_one(op, inputs, {"ignore": _ignores(policy)}, name)


def tensor_scatter_nd_update(
    tensor: Any, indices: Any, updates: Any, name: str | None = None, bad_indices_policy: str = ""
) -> Any:
    """A copy of a tensor with the slices at the rows of `indices` replaced.

    >>> tf.tensor_scatter_nd_update([0, 0, 0], [[1]], [5]).numpy()
    array([0, 5, 0], dtype=int32)

    TensorFlow: tf.tensor_scatter_nd_update.
    """
    return _tensor_scatter(TENSOR_UPDATE, tensor, indices, updates, bad_indices_policy, name)


def tensor_scatter_nd_add(
    tensor: Any, indices: Any, updates: Any, bad_indices_policy: str = "", name: str | None = None
) -> Any:
    """A copy of a tensor with `updates` added at the rows of `indices`. TensorFlow: tf.tensor_scatter_nd_add."""
    return _tensor_scatter(TENSOR_ADD, tensor, indices, updates, bad_indices_policy, name)


def tensor_scatter_nd_sub(
    tensor: Any, indices: Any, updates: Any, bad_indices_policy: str = "", name: str | None = None
) -> Any:
    """A copy of a tensor with `updates` subtracted at the rows of `indices`. TensorFlow: tf.tensor_scatter_nd_sub."""
    return _tensor_scatter(TENSOR_SUB, tensor, indices, updates, bad_indices_policy, name)


def tensor_scatter_nd_min(
    tensor: Any, indices: Any, updates: Any, bad_indices_policy: str = "", name: str | None = None
) -> Any:
    """A copy of a tensor lowered to `updates` at the rows of `indices`. TensorFlow: tf.tensor_scatter_nd_min."""
    return _tensor_scatter(TENSOR_MIN, tensor, indices, updates, bad_indices_policy, name)


def tensor_scatter_nd_max(
    tensor: Any, indices: Any, updates: Any, bad_indices_policy: str = "", name: str | None = None
) -> Any:
    """A copy of a tensor raised to `updates` at the rows of `indices`. TensorFlow: tf.tensor_scatter_nd_max."""
    return _tensor_scatter(TENSOR_MAX, tensor, indices, updates, bad_indices_policy, name)


def batch_scatter_indices(indices: Any) -> Any:
    """Indices [b..., n] within each batch entry, as rows [b..., n, b + 1] for `tensor_scatter_nd_update`."""
    indices = int_tensor(indices)
    count = indices.ndim
    shape = F.shape(indices)
    grids = [
        F.broadcast_to(
            F.reshape(F.cast(F.range(shape[d]), indices.dtype), [-1 if i == d else 1 for i in range(count)]), shape
        )
        for d in range(count - 1)
    ]
    return F.stack([*grids, indices], axis=-1)


# -- partition and stitch ----------------------------------------------------------------------------------------------


def _infer_partition(data: Spec, partitions: Spec, *, num_partitions: int) -> tuple[Spec, ...]:
    if data.shape is None or partitions.shape is None:
        return (Spec(None, data.dtype),) * num_partitions
    lead = len(partitions.shape)
    if not shapes.compatible(data.shape[:lead], partitions.shape):
        raise ValueError(
            f"data.shape must start with partitions.shape, got data.shape = {shapes.brief(data.shape)}, "
            f"partitions.shape = {shapes.brief(partitions.shape)}"
        )
    return (Spec((None, *data.shape[lead:]), data.dtype),) * num_partitions


def _evaluate_partition(data: Any, partitions: Any, *, num_partitions: int) -> Any:
    check_indices(partitions, num_partitions, "partitions")
    return tuple(data[partitions == i] for i in range(num_partitions))


def _gradient_partition(node: Any, *grads: Any) -> tuple[Any, None]:
    data, partitions = node.inputs
    shape = F.shape(partitions)
    order = F.reshape(F.range(F.size(partitions)), shape)
    where = dynamic_partition(order, partitions, node.attrs["num_partitions"])
    return F.reshape(dynamic_stitch(where, list(grads)), F.shape(data)), None


PARTITION = register(
    Op("DynamicPartition", Kind.HOST, _infer_partition, _evaluate_partition, _gradient_partition, num_outputs=None)
)


def dynamic_partition(data: Any, partitions: Any, num_partitions: int, name: str | None = None) -> list[Any]:
    """The slices of `data` sorted into `num_partitions` tensors as `partitions` says.

    >>> [p.numpy().tolist() for p in tf.dynamic_partition([10, 20, 30], [1, 0, 1], 2)]
    [[20], [10, 30]]

    TensorFlow: tf.dynamic_partition.
    """
    return list(emit(PARTITION, (convert(data), int_tensor(partitions)), {"num_partitions": num_partitions}, name))


def _infer_stitch(*specs: Spec) -> Spec:
    half = len(specs) // 2
    indices, data = specs[:half], specs[half:]
    dtype = same_dtype("DynamicStitch", data)
    for i, d in zip(indices, data, strict=True):
        if i.shape is not None and d.shape is not None and not shapes.compatible(i.shape, d.shape[: len(i.shape)]):
            raise ValueError(
                f"The shape of each data must start with that of its indices: {shapes.brief(d.shape)} and "
                f"{shapes.brief(i.shape)}"
            )
    rest = next(
        (
            d.shape[len(i.shape) :]
            for i, d in zip(indices, data, strict=True)
            if d.shape is not None and i.shape is not None
        ),
        None,
    )
    arrays = [i.array for i in indices]
    known = [a for a in arrays if a is not None]
    size = max((int(a.max()) + 1 for a in known if a.size), default=0) if len(known) == half else None
    return Spec(None if rest is None else (size, *rest), dtype)


def _evaluate_stitch(*arrays: Any) -> Any:
    half = len(arrays) // 2
    indices, data = arrays[:half], arrays[half:]
    size = max((int(i.max()) + 1 for i in indices if i.size), default=0)
    out = np.zeros((size, *data[0].shape[indices[0].ndim :]), data[0].dtype)
    for where, values in zip(indices, data, strict=True):
        out[where] = values
    return out


STITCH = register(
    Op(
        "DynamicStitch",
        Kind.HOST,
        _infer_stitch,
        _evaluate_stitch,
        lambda node, g: (
            [None] * (len(node.inputs) // 2) + [F.gather(g, i) for i in node.inputs[: len(node.inputs) // 2]]
        ),
        num_outputs=1,
    )  # fmt: skip
)


def dynamic_stitch(indices: Any, data: Any, name: str | None = None) -> Any:
    """One tensor of the slices of many: `out[indices[m][i, ...]] = data[m][i, ...]`, later ones first.

    >>> tf.dynamic_stitch([[0, 2], [1]], [[10, 30], [20]]).numpy()
    array([10, 20, 30], dtype=int32)

    TensorFlow: tf.dynamic_stitch.
    """
    return emit_one(STITCH, (*(int_tensor(i) for i in indices), *(convert(d) for d in data)), NO_ATTRS, name)


# -- counting ----------------------------------------------------------------------------------------------------------


def _below_limit(value: Any, *, limit: int) -> Any:
    if value >= limit:
        raise OutOfRangeError(f"Reached limit of {limit}")
    return value


COUNT_UP_TO = register(
    Op("CountUpTo", Kind.HOST, lambda value, *, limit: Spec(value.shape, value.dtype), _below_limit, effects=Effect.IO)
)


def count_up_to(ref: Any, limit: int, name: str | None = None) -> Any:
    """Add one to an integer variable; its value before. `OutOfRangeError` once it has reached `limit`.

    TensorFlow: tf.compat.v1.count_up_to.
    """
    before = emit_one(COUNT_UP_TO, (ref.value(),), {"limit": int(limit)}, name)
    ref.assign(before + 1)
    return before
