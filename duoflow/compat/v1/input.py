"""Input pipelines of queues: producers of slices and names, and batches of what comes, each with its queue runner.

TensorFlow: tf.compat.v1.train.batch, string_input_producer and the functions beside them.
"""

from __future__ import annotations

import glob
import os
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from duoflow.core import dtypes, nest, shapes
from duoflow.core.emit import emit
from duoflow.core.errors import OutOfRangeError
from duoflow.core.late import F
from duoflow.core.record import Effect, Kind, Op, register
from duoflow.core.spec import Spec
from duoflow.core.tensor import convert
from duoflow.trace.session import resource

from . import queues, summary
from .coordinator import QueueRunner, add_queue_runner
from .modes import GraphKeys
from .variables import VariableV1

__all__ = [
    "batch", "batch_join", "input_producer", "limit_epochs", "match_filenames_once", "maybe_batch", "maybe_batch_join",
    "maybe_shuffle_batch", "maybe_shuffle_batch_join", "range_input_producer", "shuffle_batch", "shuffle_batch_join",
    "slice_input_producer", "string_input_producer",
]  # fmt: skip


# -- producers ---------------------------------------------------------------------------------------------------------


class _Epochs:
    """How often a session has let something pass."""

    handle_dtype = dtypes.resource

    def __init__(self) -> None:
        self.count = 0


def _limited(epochs: _Epochs, value: Any, *, most: int) -> Any:
    if epochs.count >= most:
        raise OutOfRangeError(None, None, f"Reached limit of {most}")
    epochs.count += 1
    return value


LIMIT = register(
    Op(
        "LimitEpochs", Kind.HOST, lambda h, x, *, most: Spec(x.shape, x.dtype), _limited, None, Effect.IO,
        differentiable=False,
    )
)  # fmt: skip


def limit_epochs(tensor: Any, num_epochs: int | None = None, name: str | None = None) -> Any:
    """A tensor that can be had so often; then `OutOfRangeError`. TensorFlow: tf.compat.v1.train.limit_epochs."""
    if num_epochs is None:
        return tensor
    if num_epochs <= 0:
        raise ValueError(f"num_epochs must be > 0 not {num_epochs}.")
    handle = resource(_Epochs, "epochs")
    return emit(LIMIT, (handle, convert(tensor)), {"most": int(num_epochs)}, name or "limit_epochs")[0]


def match_filenames_once(pattern: Any, name: str | None = None) -> Any:
    """The names of files that match patterns, in a local variable. TensorFlow: tf.io.match_filenames_once."""

    def matches(patterns: Any) -> Any:
        found = sorted(f for p in np.reshape(patterns, -1) for f in glob.glob(os.fsdecode(p)))
        return np.array([f.encode() for f in found], object)

    start = F.numpy_function(matches, [convert(pattern, dtypes.string)], dtypes.string)
    keys = [GraphKeys.LOCAL_VARIABLES]
    return VariableV1(start, trainable=False, collections=keys, validate_shape=False, name=name or "matching_filenames")


def input_producer(
    input_tensor: Any, element_shape: Any = None, num_epochs: int | None = None, shuffle: bool = True,
    seed: int | None = None, capacity: int = 32, shared_name: str | None = None, summary_name: str | None = None,
    name: str | None = None, cancel_op: Any = None,
) -> Any:  # fmt: skip
    """A queue of the rows of a tensor, again and again, shuffled in each round.

    TensorFlow: tf.compat.v1.train.input_producer.
    """
    with F.name_scope(name or "input_producer"):
        rows = convert(input_tensor)
        dims = rows.dims[1:] if element_shape is None and rows.dims is not None else shapes.as_dims(element_shape)
        if dims is None or None in dims:
            raise ValueError("element_shape must be fully defined: the rows have an unknown shape.")
        if shuffle:
            rows = F.random_shuffle(rows, seed=seed)
        rows = limit_epochs(rows, num_epochs)
        queue = queues.FIFOQueue(capacity, [rows.dtype], [dims])
        add_queue_runner(QueueRunner(queue, [queue.enqueue_many([rows])], cancel_op=cancel_op))
        _fraction_full(queue, capacity, summary_name or f"fraction_of_{capacity}_full")
    return queue


def _fraction_full(queue: Any, capacity: int, name: str) -> None:
    summary.scalar(name, F.cast(queue.size(), dtypes.float32) / float(capacity))


def string_input_producer(
    string_tensor: Any, num_epochs: int | None = None, shuffle: bool = True, seed: int | None = None,
    capacity: int = 32, shared_name: str | None = None, name: str | None = None, cancel_op: Any = None,
) -> Any:  # fmt: skip
    """A queue of strings, file names mostly, again and again; `ValueError` for an empty list.

    TensorFlow: tf.compat.v1.train.string_input_producer.
    """
    if isinstance(string_tensor, (list, tuple)) and not string_tensor:
        raise ValueError("string_input_producer requires a non-null input tensor")
    with F.name_scope(name or "input_producer"):
        strings = convert(string_tensor, dtypes.string)
    return input_producer(strings, [], num_epochs, shuffle, seed, capacity, shared_name, name=name, cancel_op=cancel_op)


def range_input_producer(
    limit: Any, num_epochs: int | None = None, shuffle: bool = True, seed: int | None = None, capacity: int = 32,
    shared_name: str | None = None, name: str | None = None,
) -> Any:  # fmt: skip
    """A queue of the numbers below a limit, again and again. TensorFlow: tf.compat.v1.train.range_input_producer."""
    return input_producer(F.range(limit), [], num_epochs, shuffle, seed, capacity, shared_name, name=name)


def slice_input_producer(
    tensor_list: Sequence[Any], num_epochs: int | None = None, shuffle: bool = True, seed: int | None = None,
    capacity: int = 32, shared_name: str | None = None, name: str | None = None,
) -> list[Any]:  # fmt: skip
    """One row of each tensor at a time. TensorFlow: tf.compat.v1.train.slice_input_producer."""
    if not tensor_list:
        raise ValueError("Expected at least one tensor in slice_input_producer().")
    tensors = [convert(t) for t in tensor_list]
    numbers = range_input_producer(F.shape(tensors[0])[0], num_epochs, shuffle, seed, capacity, shared_name, name)
    index = numbers.dequeue()
    return [F.gather(t, index) for t in tensors]


# -- batches -----------------------------------------------------------------------------------------------------------


def _batched(
    lists: Sequence[Any], batch_size: Any, capacity: int, enqueue_many: bool, given_shapes: Any, smaller: bool,
    make: Callable[..., Any], name: str, keep: Any = None, threads: int = 1,
) -> Any:  # fmt: skip
    """Batches of what the structures in `lists` give, through a queue that `make` makes."""
    with F.name_scope(name):
        flat = [[convert(t) for t in nest.flatten(item)] for item in lists]
        if not flat[0]:
            raise ValueError("Expected at least one tensor in batch().")
        dims = _element_shapes(flat, given_shapes, enqueue_many)
        queue = make(capacity, [t.dtype for t in flat[0]], dims)
        operations = []
        for tensors in flat:
            if keep is not None:
                one = queue.enqueue_many(_kept(tensors, keep, enqueue_many))
            else:
                one = queue.enqueue_many(tensors) if enqueue_many else queue.enqueue(tensors)
            operations += [one] * threads
        add_queue_runner(QueueRunner(queue, operations))
        _fraction_full(queue, capacity, f"fraction_of_{capacity}_full")
        take = queue.dequeue_up_to if smaller else queue.dequeue_many
        out = take(batch_size)
    if isinstance(lists[0], dict):
        return nest.pack_sequence_as(lists[0], out if isinstance(out, list) else [out])
    return out


def _kept(tensors: Sequence[Any], keep: Any, many: bool) -> list[Any]:
    """The rows to keep: one or no element, or some of several."""
    rows = list(tensors) if many else [F.expand_dims(t, 0) for t in tensors]
    mask = F.reshape(F.cast(keep, dtypes.bool_), [-1])
    mask = F.broadcast_to(mask, F.shape(rows[0])[:1])
    return [F.boolean_mask(row, mask) for row in rows]


def _element_shapes(flat: Any, given: Any, enqueue_many: bool) -> list[Any]:
    if given is not None:
        return [shapes.as_dims(s) for s in given]
    out = []
    for column in zip(*flat, strict=True):
        dims = column[0].dims
        for other in column[1:]:
            dims = shapes.relax(dims, other.dims)
        out.append(dims[1:] if enqueue_many and dims is not None else dims)
    return out


def _shapes_known(dims: Any) -> bool:
    return all(d is not None and None not in d for d in dims)


def _fifo(dynamic_pad: bool) -> Callable[..., Any]:
    def make(capacity: int, kinds: Any, dims: Any) -> Any:
        if dynamic_pad:
            return queues.PaddingFIFOQueue(capacity, kinds, dims)
        if not _shapes_known(dims):
            raise ValueError(f"All shapes must be fully defined: {dims}. Pass `shapes`, or dynamic_pad=True.")
        return queues.FIFOQueue(capacity, kinds, dims)

    return make


def _shuffling(min_after_dequeue: int, seed: Any) -> Callable[..., Any]:
    def make(capacity: int, kinds: Any, dims: Any) -> Any:
        if not _shapes_known(dims):
            raise ValueError(f"All shapes must be fully defined: {dims}. Pass `shapes`.")
        return queues.RandomShuffleQueue(capacity, min_after_dequeue, kinds, dims, seed=seed)

    return make


def batch(
    tensors: Any, batch_size: Any, num_threads: int = 1, capacity: int = 32, enqueue_many: bool = False,
    shapes: Any = None, dynamic_pad: bool = False, allow_smaller_final_batch: bool = False,
    shared_name: str | None = None, name: str | None = None,
) -> Any:  # fmt: skip
    """Batches of elements, by threads that run what gives one element.

    Args:
      tensors: a tensor, list or dict of them: one element, or several along the first dimension if `enqueue_many`.
      capacity: how many elements wait at most.
      dynamic_pad: pad elements of different sizes to the longest of the batch.
      allow_smaller_final_batch: give what is left at the end of the data.

    TensorFlow: tf.compat.v1.train.batch.
    """
    make = _fifo(dynamic_pad)
    return _batched(
        [tensors], batch_size, capacity, enqueue_many, shapes, allow_smaller_final_batch, make, name or "batch",
        threads=num_threads,
    )  # fmt: skip


def maybe_batch(
    tensors: Any, keep_input: Any, batch_size: Any, num_threads: int = 1, capacity: int = 32,
    enqueue_many: bool = False, shapes: Any = None, dynamic_pad: bool = False, allow_smaller_final_batch: bool = False,
    shared_name: str | None = None, name: str | None = None,
) -> Any:  # fmt: skip
    """`batch` of the elements to keep. TensorFlow: tf.compat.v1.train.maybe_batch."""
    return _batched(
        [tensors], batch_size, capacity, enqueue_many, shapes, allow_smaller_final_batch, _fifo(dynamic_pad),
        name or "batch", keep_input, num_threads,
    )  # fmt: skip


def batch_join(
    tensors_list: Any, batch_size: Any, capacity: int = 32, enqueue_many: bool = False, shapes: Any = None,
    dynamic_pad: bool = False, allow_smaller_final_batch: bool = False, shared_name: str | None = None,
    name: str | None = None,
) -> Any:  # fmt: skip
    """`batch` of several sources, a thread for each. TensorFlow: tf.compat.v1.train.batch_join."""
    return _batched(
        tensors_list, batch_size, capacity, enqueue_many, shapes, allow_smaller_final_batch, _fifo(dynamic_pad),
        name or "batch_join",
    )  # fmt: skip


def maybe_batch_join(
    tensors_list: Any, keep_input: Any, batch_size: Any, capacity: int = 32, enqueue_many: bool = False,
    shapes: Any = None, dynamic_pad: bool = False, allow_smaller_final_batch: bool = False,
    shared_name: str | None = None, name: str | None = None,
) -> Any:  # fmt: skip
    """`batch_join` of the elements to keep. TensorFlow: tf.compat.v1.train.maybe_batch_join."""
    return _batched(
        tensors_list, batch_size, capacity, enqueue_many, shapes, allow_smaller_final_batch, _fifo(dynamic_pad),
        name or "batch_join", keep_input,
    )  # fmt: skip


def shuffle_batch(
    tensors: Any, batch_size: Any, capacity: int, min_after_dequeue: int, num_threads: int = 1,
    seed: int | None = None, enqueue_many: bool = False, shapes: Any = None, allow_smaller_final_batch: bool = False,
    shared_name: str | None = None, name: str | None = None,
) -> Any:  # fmt: skip
    """`batch` in random order, drawn from at least `min_after_dequeue` elements.

    TensorFlow: tf.compat.v1.train.shuffle_batch.
    """
    make = _shuffling(min_after_dequeue, seed)
    return _batched(
        [tensors], batch_size, capacity, enqueue_many, shapes, allow_smaller_final_batch, make,
        name or "shuffle_batch", threads=num_threads,
    )  # fmt: skip


def maybe_shuffle_batch(
    tensors: Any, batch_size: Any, capacity: int, min_after_dequeue: int, keep_input: Any, num_threads: int = 1,
    seed: int | None = None, enqueue_many: bool = False, shapes: Any = None, allow_smaller_final_batch: bool = False,
    shared_name: str | None = None, name: str | None = None,
) -> Any:  # fmt: skip
    """`shuffle_batch` of the elements to keep. TensorFlow: tf.compat.v1.train.maybe_shuffle_batch."""
    return _batched(
        [tensors], batch_size, capacity, enqueue_many, shapes, allow_smaller_final_batch,
        _shuffling(min_after_dequeue, seed), name or "shuffle_batch", keep_input, num_threads,
    )  # fmt: skip


def shuffle_batch_join(
    tensors_list: Any, batch_size: Any, capacity: int, min_after_dequeue: int, seed: int | None = None,
    enqueue_many: bool = False, shapes: Any = None, allow_smaller_final_batch: bool = False,
    shared_name: str | None = None, name: str | None = None,
) -> Any:  # fmt: skip
    """`shuffle_batch` of several sources. TensorFlow: tf.compat.v1.train.shuffle_batch_join."""
    return _batched(
        tensors_list, batch_size, capacity, enqueue_many, shapes, allow_smaller_final_batch,
        _shuffling(min_after_dequeue, seed), name or "shuffle_batch_join",
    )  # fmt: skip


def maybe_shuffle_batch_join(
    tensors_list: Any, batch_size: Any, capacity: int, min_after_dequeue: int, keep_input: Any,
    seed: int | None = None, enqueue_many: bool = False, shapes: Any = None, allow_smaller_final_batch: bool = False,
    shared_name: str | None = None, name: str | None = None,
) -> Any:  # fmt: skip
    """`shuffle_batch_join` of the elements to keep. TensorFlow: tf.compat.v1.train.maybe_shuffle_batch_join."""
    return _batched(
        tensors_list, batch_size, capacity, enqueue_many, shapes, allow_smaller_final_batch,
        _shuffling(min_after_dequeue, seed), name or "shuffle_batch_join", keep_input,
    )  # fmt: skip
