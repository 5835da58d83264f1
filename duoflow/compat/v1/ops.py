"""Operations whose signature or meaning TensorFlow 2 changed, with that of TensorFlow 1."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from duoflow.core import dtypes, nest
from duoflow.core.context import context
from duoflow.core.indexed_slices import IndexedSlices
from duoflow.core.late import F

__all__ = [
    "argmax", "argmin", "assign", "assign_add", "assign_sub", "batch_to_space", "case", "cond", "div", "dropout",
    "expand_dims", "gather",
    "log_softmax", "reduce_all", "reduce_any", "reduce_logsumexp", "reduce_max",
    "reduce_mean", "reduce_min", "reduce_prod", "reduce_sum", "scatter_add", "scatter_sub", "scatter_update",
    "space_to_batch",    "sigmoid_cross_entropy_with_logits", "softmax", "softmax_cross_entropy_with_logits",
    "softmax_cross_entropy_with_logits_v2", "sparse_softmax_cross_entropy_with_logits", "squeeze", "to_bfloat16",
    "to_double",
    "to_float", "to_int32", "to_int64", "where", "while_loop",
]  # fmt: skip


def either(new: Any, old: Any, new_name: str, old_name: str) -> Any:
    """The value of an argument that had another name once."""
    if old is not None and new is not None:
        raise ValueError(f"Cannot specify both '{old_name}' and '{new_name}'.")
    return new if old is None else old


def mode_of_keepdims(keepdims: bool | None, keep_dims: bool | None) -> bool:
    """Whether reduced dimensions are kept, under either name."""
    return bool(either(keepdims, keep_dims, "keepdims", "keep_dims"))


def _reduction(name: str) -> Callable[..., Any]:
    def reduce(
        input_tensor: Any, axis: Any = None, keepdims: bool | None = None, name: str | None = None,
        reduction_indices: Any = None, keep_dims: bool | None = None,
    ) -> Any:  # fmt: skip
        axis = either(axis, reduction_indices, "axis", "reduction_indices")
        return getattr(F, reduce.__name__)(input_tensor, axis, mode_of_keepdims(keepdims, keep_dims), name=name)

    reduce.__name__ = reduce.__qualname__ = name
    reduce.__doc__ = f"`tf.{name}` with the old argument names too. TensorFlow: tf.compat.v1.{name}."
    return reduce


reduce_sum = _reduction("reduce_sum")
reduce_mean = _reduction("reduce_mean")
reduce_max = _reduction("reduce_max")
reduce_min = _reduction("reduce_min")
reduce_prod = _reduction("reduce_prod")
reduce_all = _reduction("reduce_all")
reduce_any = _reduction("reduce_any")
reduce_logsumexp = _reduction("reduce_logsumexp")


def argmax(
    input: Any, axis: Any = None, name: str | None = None, dimension: Any = None, output_type: Any = dtypes.int64
) -> Any:
    """`tf.argmax`. TensorFlow: tf.compat.v1.argmax."""
    axis = either(axis, dimension, "axis", "dimension")
    return F.argmax(input, 0 if axis is None else axis, output_type, name)


def argmin(
    input: Any, axis: Any = None, name: str | None = None, dimension: Any = None, output_type: Any = dtypes.int64
) -> Any:
    """`tf.argmin`. TensorFlow: tf.compat.v1.argmin."""
    axis = either(axis, dimension, "axis", "dimension")
    return F.argmin(input, 0 if axis is None else axis, output_type, name)


def expand_dims(input: Any, axis: Any = None, name: str | None = None, dim: Any = None) -> Any:
    """`tf.expand_dims`. TensorFlow: tf.compat.v1.expand_dims."""
    return F.expand_dims(input, either(axis, dim, "axis", "dim"), name)


def squeeze(input: Any, axis: Any = None, name: str | None = None, squeeze_dims: Any = None) -> Any:
    """`tf.squeeze`. TensorFlow: tf.compat.v1.squeeze."""
    return F.squeeze(input, either(axis, squeeze_dims, "axis", "squeeze_dims"), name)


def softmax(logits: Any, axis: Any = None, name: str | None = None, dim: Any = None) -> Any:
    """`tf.nn.softmax`. TensorFlow: tf.compat.v1.nn.softmax."""
    axis = either(axis, dim, "axis", "dim")
    return F.softmax(logits, -1 if axis is None else axis, name)


def log_softmax(logits: Any, axis: Any = None, name: str | None = None, dim: Any = None) -> Any:
    """`tf.nn.log_softmax`. TensorFlow: tf.compat.v1.nn.log_softmax."""
    axis = either(axis, dim, "axis", "dim")
    return F.log_softmax(logits, -1 if axis is None else axis, name)


def gather(
    params: Any,
    indices: Any,
    validate_indices: Any = None,
    name: str | None = None,
    axis: Any = None,
    batch_dims: int = 0,
) -> Any:
    """`tf.gather`. TensorFlow: tf.compat.v1.gather."""
    return F.gather(params, indices, axis=axis, batch_dims=batch_dims, name=name)


def where(condition: Any, x: Any = None, y: Any = None, name: str | None = None) -> Any:
    """`tf.where`; a vector condition chooses among the rows of x and y. TensorFlow: tf.compat.v1.where."""
    if x is None and y is None:
        return F.where(condition, name=name)
    condition, x = F.convert_to_tensor(condition), F.convert_to_tensor(x)
    if condition.dims is not None and x.dims is not None and len(condition.dims) == 1 and len(x.dims) > 1:
        condition = F.reshape(condition, [-1] + [1] * (len(x.dims) - 1))
    return F.where(condition, x, y, name=name)


def div(x: Any, y: Any, name: str | None = None) -> Any:
    """Python 2's division: floor division of integers. TensorFlow: tf.compat.v1.div."""
    x = F.convert_to_tensor(x)
    return F.floordiv(x, y, name=name) if x.dtype.is_integer else F.truediv(x, y, name=name)


def dropout(
    x: Any, keep_prob: Any = None, noise_shape: Any = None, seed: Any = None, name: str | None = None, rate: Any = None
) -> Any:
    """`tf.nn.dropout` by `rate` or by `keep_prob`, 1 - rate. TensorFlow: tf.compat.v1.nn.dropout."""
    if rate is None and keep_prob is None:
        raise ValueError("`rate` must be provided.")
    if rate is None:
        rate = 1 - keep_prob
    return F.dropout(x, rate=rate, noise_shape=noise_shape, seed=seed, name=name)


def softmax_cross_entropy_with_logits_v2(
    labels: Any, logits: Any, axis: Any = None, name: str | None = None, dim: Any = None
) -> Any:
    """`tf.nn.softmax_cross_entropy_with_logits`. TensorFlow: tf.compat.v1.nn.softmax_cross_entropy_with_logits_v2."""
    axis = either(axis, dim, "axis", "dim")
    return F.softmax_cross_entropy_with_logits(labels, logits, -1 if axis is None else axis, name)


def _no_positional(name: str, sentinel: Any) -> None:
    if sentinel is not None:
        raise ValueError(
            f"Only call `{name}` with named arguments (labels=..., logits=..., ...). Received unnamed argument: "
            f"{sentinel}"
        )


def softmax_cross_entropy_with_logits(
    _sentinel: Any = None,
    labels: Any = None,
    logits: Any = None,
    dim: int = -1,
    name: str | None = None,
    axis: Any = None,
) -> Any:
    """Cross-entropy through which no gradient reaches the labels.

    TensorFlow: tf.compat.v1.nn.softmax_cross_entropy_with_logits.
    """
    _no_positional("softmax_cross_entropy_with_logits", _sentinel)
    return F.softmax_cross_entropy_with_logits(F.stop_gradient(labels), logits, dim if axis is None else axis, name)


def sparse_softmax_cross_entropy_with_logits(
    _sentinel: Any = None, labels: Any = None, logits: Any = None, name: str | None = None
) -> Any:
    """`tf.nn.sparse_softmax_cross_entropy_with_logits`.

    TensorFlow: tf.compat.v1.nn.sparse_softmax_cross_entropy_with_logits.
    """
    _no_positional("sparse_softmax_cross_entropy_with_logits", _sentinel)
    return F.sparse_softmax_cross_entropy_with_logits(labels, logits, name)


def sigmoid_cross_entropy_with_logits(
    _sentinel: Any = None, labels: Any = None, logits: Any = None, name: str | None = None
) -> Any:
    """`tf.nn.sigmoid_cross_entropy_with_logits`. TensorFlow: tf.compat.v1.nn.sigmoid_cross_entropy_with_logits."""
    _no_positional("sigmoid_cross_entropy_with_logits", _sentinel)
    return F.sigmoid_cross_entropy_with_logits(labels, logits, name)


def cond(
    pred: Any, true_fn: Any = None, false_fn: Any = None, strict: bool = False, name: str | None = None, fn1: Any =
      None,
    fn2: Any = None,
) -> Any:  # fmt: skip
    """`tf.cond`; single results are taken out of their list unless `strict`. TensorFlow: tf.compat.v1.cond."""
    if isinstance(pred, bool) and context.graph is not None:
        raise TypeError("pred must not be a Python bool")
    true_fn, false_fn = either(true_fn, fn1, "true_fn", "fn1"), either(false_fn, fn2, "false_fn", "fn2")
    result = F.cond(pred, true_fn, false_fn, name)
    return result[0] if not strict and isinstance(result, (list, tuple)) and len(result) == 1 else result


def case(
    pred_fn_pairs: Any, default: Any = None, exclusive: bool = False, strict: bool = False, name: str = "case"
) -> Any:
    """`tf.case`. TensorFlow: tf.compat.v1.case."""
    return F.case(pred_fn_pairs, default, exclusive, strict, name)


# -- variables ---------------------------------------------------------------------------------------------------------


def assign(ref: Any, value: Any, validate_shape: Any = None, use_locking: Any = None, name: str | None = None) -> Any:
    """`ref.assign(value)`. TensorFlow: tf.compat.v1.assign."""
    return ref.assign(value, name=name)


def assign_add(ref: Any, value: Any, use_locking: Any = None, name: str | None = None) -> Any:
    """`ref.assign_add(value)`. TensorFlow: tf.compat.v1.assign_add."""
    return ref.assign_add(value, name=name)


def assign_sub(ref: Any, value: Any, use_locking: Any = None, name: str | None = None) -> Any:
    """`ref.assign_sub(value)`. TensorFlow: tf.compat.v1.assign_sub."""
    return ref.assign_sub(value, name=name)


def scatter_update(ref: Any, indices: Any, updates: Any, use_locking: bool = True, name: str | None = None) -> Any:
    """Replace rows of a variable. TensorFlow: tf.compat.v1.scatter_update."""
    return ref.scatter_update(IndexedSlices(updates, indices), name=name)


def scatter_add(ref: Any, indices: Any, updates: Any, use_locking: bool = False, name: str | None = None) -> Any:
    """Add to rows of a variable. TensorFlow: tf.compat.v1.scatter_add."""
    return ref.scatter_add(IndexedSlices(updates, indices), name=name)


def scatter_sub(ref: Any, indices: Any, updates: Any, use_locking: bool = False, name: str | None = None) -> Any:
    """Subtract from rows of a variable. TensorFlow: tf.compat.v1.scatter_sub."""
    return ref.scatter_sub(IndexedSlices(updates, indices), name=name)


# -- casts ------------------------------------------------------------------------------------------


def _cast_to(name: str, dtype: Any) -> Callable[..., Any]:
    def cast(x: Any, name: str = name) -> Any:
        return F.cast(x, dtype, name=name)

    cast.__name__ = cast.__qualname__ = name
    cast.__doc__ = f"`tf.cast` to {dtype.name}. TensorFlow: tf.compat.v1.{name}."
    return cast


to_float = _cast_to("to_float", dtypes.float32)
to_double = _cast_to("to_double", dtypes.float64)
to_int32 = _cast_to("to_int32", dtypes.int32)
to_int64 = _cast_to("to_int64", dtypes.int64)
to_bfloat16 = _cast_to("to_bfloat16", dtypes.bfloat16)


def while_loop(
    cond: Any, body: Any, loop_vars: Any, shape_invariants: Any = None, parallel_iterations: int = 10,
    back_prop: bool = True, swap_memory: bool = False, name: str | None = None, maximum_iterations: Any = None,
    return_same_structure: bool = False,
) -> Any:  # fmt: skip
    """`tf.while_loop`; a single loop variable of a graph comes back by itself. TensorFlow: tf.compat.v1.while_loop."""
    result = F.while_loop(
        cond, body, loop_vars, shape_invariants, parallel_iterations, back_prop, swap_memory, maximum_iterations, name
    )
    flat = nest.flatten(result)
    return flat[0] if context.graph is not None and len(flat) == 1 and not return_same_structure else result


# -- blocks of images ------------------------------------------------------------------------------------------------


def space_to_batch(
    input: Any, paddings: Any, block_size: Any = None, name: str | None = None, block_shape: Any = None
) -> Any:
    """Square blocks of the spatial dimensions become entries of the batch.

    TensorFlow: tf.compat.v1.space_to_batch.
    """
    return F.space_to_batch(input, _square(block_size, block_shape), paddings, name)


def batch_to_space(input: Any, crops: Any, block_size: Any, name: str | None = None, block_shape: Any = None) -> Any:
    """Entries of the batch become blocks of the spatial dimensions; undoes `space_to_batch`.

    TensorFlow: tf.compat.v1.batch_to_space.
    """
    return F.batch_to_space(input, _square(block_size, block_shape), crops, name)


def _square(block_size: Any, block_shape: Any) -> list[int]:
    size = either(block_size, block_shape, "block_size", "block_shape")
    if not isinstance(size, (int, np.integer)):
        kind = TypeError if size is None else ValueError
        raise kind(f"block_size must be an integer, the side of a square block, received {size!r}.")
    return [int(size)] * 2
