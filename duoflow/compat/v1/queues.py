"""Queues and readers of a graph: each session has its own, shared by its threads.

A queue holds elements of one or more tensors. Taking from an empty queue waits until there is an element, or raises
`OutOfRangeError` if the queue is closed; putting into a full one waits until there is room, or raises `CancelledError`.

TensorFlow: tf.queue, and the readers of tf.compat.v1.
"""

from __future__ import annotations

import heapq
import threading
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from duoflow.core import dtypes, shapes
from duoflow.core.context import context
from duoflow.core.emit import emit
from duoflow.core.errors import CancelledError, InvalidArgumentError, NotFoundError, OutOfRangeError
from duoflow.core.record import Effect, Kind, Op, register
from duoflow.core.shapes import Dims
from duoflow.core.spec import Spec
from duoflow.core.tensor import convert
from duoflow.formats.records import read_records
from duoflow.ops.random import get_seed
from duoflow.trace.session import resource

__all__ = [
    "FIFOQueue", "FixedLengthRecordReader", "IdentityReader", "LMDBReader", "PaddingFIFOQueue", "PriorityQueue",
    "QueueBase", "RandomShuffleQueue", "ReaderBase", "TFRecordReader", "TextLineReader", "WholeFileReader",
]  # fmt: skip

Element = tuple[Any, ...]


# -- what a session holds ----------------------------------------------------------------------------------------------


class Store:
    """Elements in the order in which they came; waits and closing are the same for all kinds of queues."""

    handle_dtype = dtypes.resource
    kind = "FIFOQueue"

    def __init__(self, capacity: int, name: str) -> None:
        self.capacity = capacity if capacity > 0 else 2**31
        self.name, self.closed, self.cancelled = name, False, False
        self._changed = threading.Condition()
        self._items: Any = deque()

    def put(self, elements: Sequence[Element]) -> None:
        """Add elements, one after the other as there is room."""
        for element in elements:
            with self._changed:
                refused = self.closed
                if not refused:
                    self._changed.wait_for(lambda: self.cancelled or len(self._items) < self.capacity)
                if refused or self.cancelled:
                    raise CancelledError(None, None, f"Queue '{self.name}' is already closed.")
                self._insert(element)
                self._changed.notify_all()

    def take(self, count: int, up_to: bool = False) -> list[Element]:
        """Remove `count` elements, waiting for them; of a closed queue fewer if `up_to`."""
        out: list[Element] = []
        with self._changed:
            while len(out) < count:
                self._changed.wait_for(lambda: self.closed or self._ready())
                if not self._ready():
                    if up_to and out:
                        return out
                    for element in reversed(out):
                        self._put_back(element)
                    raise OutOfRangeError(
                        None, None, f"{self.kind} '{self.name}' is closed and has insufficient elements "
                        f"(requested {count}, current size {len(self._items)})",
                    )  # fmt: skip
                out.append(self._remove())
                self._changed.notify_all()
        return out

    def close(self, cancel: bool) -> None:
        """Refuse further elements; with `cancel` also those that wait for room."""
        with self._changed:
            self.closed, self.cancelled = True, self.cancelled or cancel
            self._changed.notify_all()

    def size(self) -> int:
        """How many elements there are."""
        return len(self._items)

    def _ready(self) -> bool:
        """Whether an element may be taken."""
        return bool(self._items)

    def _insert(self, element: Element) -> None:
        self._items.append(element)

    def _remove(self) -> Element:
        return self._items.popleft()  # type: ignore[no-any-return]

    def _put_back(self, element: Element) -> None:
        self._items.appendleft(element)


class _Shuffled(Store):
    """Elements in random order, of which some stay while the queue is open."""

    kind = "RandomShuffleQueue"

    def __init__(self, capacity: int, name: str, keep: int, seeds: Sequence[int]) -> None:
        super().__init__(capacity, name)
        self._keep, self._generator = keep, np.random.default_rng(list(seeds) or None)
        self._items = []

    def _ready(self) -> bool:
        return len(self._items) > (0 if self.closed else self._keep)

    def _remove(self) -> Element:
        place = int(self._generator.integers(len(self._items)))
        self._items[place], self._items[-1] = self._items[-1], self._items[place]
        return self._items.pop()  # type: ignore[no-any-return]

    def _put_back(self, element: Element) -> None:
        self._items.append(element)


class _Prioritised(Store):
    """Elements by their first component, the lowest first."""

    kind = "PriorityQueue"

    def __init__(self, capacity: int, name: str) -> None:
        super().__init__(capacity, name)
        self._items, self._count = [], 0

    def _insert(self, element: Element) -> None:
        heapq.heappush(self._items, (int(element[0]), self._count, element))
        self._count += 1

    def _remove(self) -> Element:
        return heapq.heappop(self._items)[2]  # type: ignore[no-any-return]

    _put_back = _insert


# -- operations --------------------------------------------------------------------------------------------------------


def _op(name: str, infer: Callable[..., Any], evaluate: Callable[..., Any]) -> Op:
    return register(Op(name, Kind.HOST, infer, evaluate, None, Effect.IO, num_outputs=None, differentiable=False))


def _nothing(*_: Spec, **attrs: Any) -> tuple[Spec, ...]:
    return ()


def _specs(*_: Spec, specs: tuple[tuple[Any, Dims], ...], **attrs: Any) -> tuple[Spec, ...]:
    return tuple([Spec(dims, dtype) for dtype, dims in specs])


def _checked(store: Store, parts: Element, specs: Any) -> Element:
    for i, (part, (_, dims)) in enumerate(zip(parts, specs, strict=True)):
        if not shapes.compatible(dims, np.shape(part)):
            raise InvalidArgumentError(
                None, None, f"Shape mismatch in tuple component {i}. Expected {shapes.show(dims)}, got "
                f"{shapes.show(np.shape(part))}",
            )  # fmt: skip
    return tuple(np.copy(p) if isinstance(p, np.ndarray) else np.asarray(p) for p in parts)


def _enqueue(store: Store, *parts: Any, specs: Any) -> tuple[Any, ...]:
    store.put([_checked(store, parts, specs)])
    return ()


def _enqueue_many(store: Store, *parts: Any, specs: Any) -> tuple[Any, ...]:
    store.put([_checked(store, tuple(p[i] for p in parts), specs) for i in range(len(parts[0]))])
    return ()


def _dequeue(store: Store, *, specs: Any) -> Element:
    return store.take(1)[0]


def _dequeue_many(store: Store, count: Any, *, specs: Any, up_to: bool, padded: bool) -> Element:
    if int(count) < 0:
        raise InvalidArgumentError(None, None, f"n must be >= 0, received {int(count)}")
    elements = store.take(int(count), up_to)
    if not elements:
        return tuple([np.zeros([0, *[d or 0 for d in (dims or [None])[1:]]], dtype.numpy) for dtype, dims in specs])
    return tuple([_stack(column, padded) for column in zip(*elements, strict=True)])


def _stack(column: Sequence[Any], padded: bool) -> np.ndarray[Any, Any]:
    if not padded:
        return np.stack(column)
    longest = [max(sizes) for sizes in zip(*[c.shape for c in column], strict=True)]
    out = np.zeros([len(column), *longest], column[0].dtype)
    if out.dtype == object:
        out.fill(b"")
    for i, item in enumerate(column):
        out[(i, *map(slice, item.shape))] = item
    return out


ENQUEUE = _op("QueueEnqueueV2", _nothing, _enqueue)
ENQUEUE_MANY = _op("QueueEnqueueManyV2", _nothing, _enqueue_many)
DEQUEUE = _op("QueueDequeueV2", _specs, _dequeue)
DEQUEUE_MANY = _op("QueueDequeueManyV2", _specs, _dequeue_many)
CLOSE = _op("QueueCloseV2", _nothing, lambda store, *, cancel: store.close(cancel) or ())
SIZE = _op("QueueSizeV2", lambda h: (Spec((), dtypes.int32),), lambda store: (np.asarray(store.size(), np.int32),))
IS_CLOSED = _op("QueueIsClosedV2", lambda h: (Spec((), dtypes.bool_),), lambda store: (np.asarray(store.closed),))


def _last_node() -> Any:
    assert context.graph is not None
    return context.graph.nodes[-1]


# -- queues ------------------------------------------------------------------------------------------------------------


class QueueBase:
    """What all queues of a graph share.

    TensorFlow: tf.queue.QueueBase.
    """

    _padded = False

    def __init__(self, dtypes_: Any, shapes_: Any, names: Any, make: Callable[[], Store], name: str) -> None:
        if context.graph is None:
            raise RuntimeError("Queues belong to graphs and sessions; use tf.data in eager mode.")
        kinds = dtypes_ if isinstance(dtypes_, (list, tuple)) else [dtypes_]
        self._dtypes = [dtypes.as_dtype(d) for d in kinds]
        if shapes_ is None:
            dims: list[Dims] = [None] * len(self._dtypes)
        else:
            many = isinstance(shapes_, (list, tuple)) and len(shapes_) == len(kinds) and not _is_shape(shapes_, kinds)
            dims = [shapes.as_dims(s) for s in (shapes_ if many else [shapes_])]
        if len(dims) != len(self._dtypes):
            raise ValueError(f"Queue shapes must have the same length as dtypes, received {shapes_} for {dtypes_}.")
        self._specs = tuple(zip(self._dtypes, dims, strict=True))
        self._names = None if names is None else list(names) if isinstance(names, (list, tuple)) else [names]
        self._handle = resource(make, name)

    @property
    def name(self) -> str:
        """The queue's name."""
        return str(self._handle.node.name)

    queue_ref = property(lambda self: self._handle, doc="The handle.")
    dtypes = property(lambda self: list(self._dtypes), doc="The dtypes of the components.")
    shapes = property(lambda self: [dims for _, dims in self._specs], doc="The shapes of the components.")
    names = property(lambda self: self._names, doc="The names of the components, or None.")

    def _parts(self, vals: Any) -> list[Any]:
        if isinstance(vals, dict):
            if self._names is None:
                raise ValueError("Queue must have names to enqueue a dictionary")
            vals = [vals[name] for name in self._names]
        elif self._names is not None:
            raise ValueError("Queue with names requires a dictionary of values to enqueue.")
        several = isinstance(vals, (list, tuple)) and (len(self._dtypes) > 1 or len(vals) == 1)
        items = vals if several else [vals]
        if len(items) != len(self._dtypes):
            raise ValueError(f"Expected {len(self._dtypes)} components, received {len(items)}.")
        return [convert(v, dtype=d) for v, d in zip(items, self._dtypes, strict=True)]

    def enqueue(self, vals: Any, name: str | None = None) -> Any:
        """An operation that puts one element in."""
        parts = self._parts(vals)
        for part, (_, dims) in zip(parts, self._specs, strict=True):
            if not shapes.compatible(part.dims, dims):
                raise ValueError(f"Shapes {shapes.show(part.dims)} and {shapes.show(dims)} are incompatible")
        emit(ENQUEUE, (self._handle, *parts), {"specs": self._specs}, name or "enqueue")
        return _last_node()

    def enqueue_many(self, vals: Any, name: str | None = None) -> Any:
        """An operation that puts in an element per row of the first dimension."""
        parts = self._parts(vals)
        emit(ENQUEUE_MANY, (self._handle, *parts), {"specs": self._specs}, name or "enqueue_many")
        return _last_node()

    def _element(self, outputs: Sequence[Any]) -> Any:
        if self._names is not None:
            return dict(zip(self._names, outputs, strict=True))
        return outputs[0] if len(outputs) == 1 else list(outputs)

    def dequeue(self, name: str | None = None) -> Any:
        """One element: a tensor, a list of them, or a dict if the components have names."""
        return self._element(emit(DEQUEUE, (self._handle,), {"specs": self._specs}, name or "dequeue"))

    def dequeue_many(self, n: Any, name: str | None = None) -> Any:
        """`n` elements stacked."""
        return self._stacked(n, False, name or "dequeue_many")

    def dequeue_up_to(self, n: Any, name: str | None = None) -> Any:
        """`n` elements stacked, or those that are left in a closed queue."""
        return self._stacked(n, True, name or "dequeue_up_to")

    def _stacked(self, n: Any, up_to: bool, name: str) -> Any:
        if not self._padded and any(dims is None or None in dims for _, dims in self._specs):
            raise ValueError("dequeue_many needs the shapes of the components to be known when the queue is made.")
        count = n if isinstance(n, int) and not up_to else None
        specs = tuple([(dtype, None if dims is None else (count, *dims)) for dtype, dims in self._specs])
        attrs = {"specs": specs, "up_to": up_to, "padded": self._padded}
        return self._element(emit(DEQUEUE_MANY, (self._handle, convert(n, dtypes.int32)), attrs, name))

    def close(self, cancel_pending_enqueues: bool = False, name: str | None = None) -> Any:
        """An operation that closes the queue; with `cancel_pending_enqueues` what waits for room fails."""
        emit(CLOSE, (self._handle,), {"cancel": bool(cancel_pending_enqueues)}, name or f"{self.name}_Close")
        return _last_node()

    def size(self, name: str | None = None) -> Any:
        """The number of elements."""
        return emit(SIZE, (self._handle,), {}, name or f"{self.name}_Size")[0]

    def is_closed(self, name: str | None = None) -> Any:
        """Whether the queue is closed."""
        return emit(IS_CLOSED, (self._handle,), {}, name or f"{self.name}_IsClosed")[0]


def _is_shape(given: Any, kinds: Any) -> bool:
    """Whether a list is itself one shape: of ints and Nones."""
    return len(kinds) == 1 and all(d is None or isinstance(d, int) for d in given)


class FIFOQueue(QueueBase):
    """Elements in the order in which they came. TensorFlow: tf.queue.FIFOQueue."""

    def __init__(
        self, capacity: int, dtypes: Any, shapes: Any = None, names: Any = None, shared_name: str | None = None,
        name: str = "fifo_queue",
    ) -> None:  # fmt: skip
        super().__init__(dtypes, shapes, names, lambda: Store(int(capacity), name), name)


class PaddingFIFOQueue(QueueBase):
    """A FIFO queue whose elements are padded to one shape when several are taken.

    TensorFlow: tf.queue.PaddingFIFOQueue.
    """

    _padded = True

    def __init__(
        self, capacity: int, dtypes: Any, shapes: Any, names: Any = None, shared_name: str | None = None,
        name: str = "padding_fifo_queue",
    ) -> None:  # fmt: skip
        super().__init__(dtypes, shapes, names, lambda: Store(int(capacity), name), name)


class RandomShuffleQueue(QueueBase):
    """Elements in random order, of which `min_after_dequeue` stay until it is closed.

    TensorFlow: tf.queue.RandomShuffleQueue.
    """

    def __init__(
        self, capacity: int, min_after_dequeue: int, dtypes: Any, shapes: Any = None, names: Any = None,
        seed: int | None = None, shared_name: str | None = None, name: str = "random_shuffle_queue",
    ) -> None:  # fmt: skip
        seeds = [abs(int(s)) for s in get_seed(seed) if s is not None]
        make = lambda: _Shuffled(int(capacity), name, int(min_after_dequeue), seeds)
        super().__init__(dtypes, shapes, names, make, name)


class PriorityQueue(QueueBase):
    """Elements by an int64 that comes first, the lowest first. TensorFlow: tf.queue.PriorityQueue."""

    def __init__(
        self, capacity: int, types: Any, shapes: Any, names: Any = None, shared_name: str | None = None,
        name: str = "priority_queue",
    ) -> None:  # fmt: skip
        kinds = types if isinstance(types, (list, tuple)) else [types]
        dims = [()] + (list(shapes) if isinstance(shapes, (list, tuple)) and len(kinds) == len(shapes) else [shapes])
        super().__init__([dtypes.int64, *kinds], dims, names, lambda: _Prioritised(int(capacity), name), name)


# -- readers -----------------------------------------------------------------------------------------------------------


class _Work:
    """How far a session's reader has come in the files that a queue names."""

    handle_dtype = dtypes.resource

    def __init__(self, records: Callable[[str], Iterator[tuple[bytes, bytes]]]) -> None:
        self._records, self._current = records, iter(())
        self._lock = threading.Lock()
        self.produced = self.completed = 0

    def read(self, queue: Store) -> tuple[bytes, bytes]:
        """The next (key, value)."""
        with self._lock:
            while (found := next(self._current, None)) is None:
                name = queue.take(1)[0][0].item().decode()
                self._current = self._records(name)
                self.completed += 1
            self.produced += 1
            return found


def _texts(values: Sequence[bytes]) -> np.ndarray[Any, Any]:
    out = np.empty(len(values), object)
    out[:] = values
    return out


def _read(work: _Work, queue: Store) -> Element:
    return tuple(_texts([part]).reshape(()) for part in work.read(queue))


def _read_many(work: _Work, queue: Store, count: Any) -> Element:
    pairs = [work.read(queue)]
    while len(pairs) < int(count):
        try:
            pairs.append(work.read(queue))
        except OutOfRangeError:
            break
    return tuple(_texts(column) for column in zip(*pairs, strict=True))


READ = _op("ReaderReadV2", lambda *s: (Spec((), dtypes.string),) * 2, _read)
READ_MANY = _op("ReaderReadUpToV2", lambda *s: (Spec((None,), dtypes.string),) * 2, _read_many)
COUNTS = _op(
    "ReaderNumRecordsProducedV2", lambda h, *, what: (Spec((), dtypes.int64),),
    lambda work, *, what: (np.asarray(getattr(work, what), np.int64),),
)  # fmt: skip


class ReaderBase:
    """What all readers share: records, with keys, of the files that a queue names.

    TensorFlow: tf.compat.v1.ReaderBase.
    """

    def __init__(self, records: Callable[[str], Iterator[tuple[bytes, bytes]]], name: str) -> None:
        self._handle = resource(lambda: _Work(records), name)

    reader_ref = property(lambda self: self._handle, doc="The handle.")

    def read(self, queue: Any, name: str | None = None) -> tuple[Any, Any]:
        """The next (key, value) as strings."""
        return emit(READ, (self._handle, _handle_of(queue)), {}, name)  # type: ignore[return-value]

    def read_up_to(self, queue: Any, num_records: Any, name: str | None = None) -> tuple[Any, Any]:
        """The next (keys, values), as many as asked for or as there are."""
        inputs = (self._handle, _handle_of(queue), convert(num_records, dtypes.int64))
        return emit(READ_MANY, inputs, {}, name)  # type: ignore[return-value]

    def num_records_produced(self, name: str | None = None) -> Any:
        """How many records were read."""
        return emit(COUNTS, (self._handle,), {"what": "produced"}, name)[0]

    def num_work_units_completed(self, name: str | None = None) -> Any:
        """How many files were begun."""
        return emit(COUNTS, (self._handle,), {"what": "completed"}, name)[0]


def _handle_of(queue: Any) -> Any:
    return queue._handle if isinstance(queue, QueueBase) else queue


def _file(name: str) -> Path:
    path = Path(name)
    if not path.is_file():
        raise NotFoundError(None, None, f"{name}; No such file or directory")
    return path


class WholeFileReader(ReaderBase):
    """Whole files, with their names as keys. TensorFlow: tf.compat.v1.WholeFileReader."""

    def __init__(self, name: str | None = None) -> None:
        super().__init__(lambda n: iter([(n.encode(), _file(n).read_bytes())]), name or "WholeFileReader")


class TextLineReader(ReaderBase):
    """The lines of text files, with "file:line" as keys. TensorFlow: tf.compat.v1.TextLineReader."""

    def __init__(self, skip_header_lines: int | None = None, name: str | None = None) -> None:
        def records(file: str) -> Iterator[tuple[bytes, bytes]]:
            with _file(file).open("rb") as lines:
                for number, line in enumerate(lines, 1):
                    if number > (skip_header_lines or 0):
                        yield f"{file}:{number}".encode(), line.rstrip(b"\n").rstrip(b"\r")

        super().__init__(records, name or "TextLineReader")


class FixedLengthRecordReader(ReaderBase):
    """Records of one size, with "file:number" as keys. TensorFlow: tf.compat.v1.FixedLengthRecordReader."""

    def __init__(
        self, record_bytes: int, header_bytes: int | None = None, footer_bytes: int | None = None,
        hop_bytes: int | None = None, name: str | None = None, encoding: str | None = None,
    ) -> None:  # fmt: skip
        def records(file: str) -> Iterator[tuple[bytes, bytes]]:
            data = _file(file).read_bytes()
            data = data[header_bytes or 0 : len(data) - (footer_bytes or 0)]
            starts = range(0, len(data) - record_bytes + 1, hop_bytes or record_bytes)
            for number, start in enumerate(starts):
                yield f"{file}:{number}".encode(), data[start : start + record_bytes]

        super().__init__(records, name or "FixedLengthRecordReader")


class TFRecordReader(ReaderBase):
    """The records of TFRecord files, with "file:place" as keys. TensorFlow: tf.compat.v1.TFRecordReader."""

    def __init__(self, name: str | None = None, options: Any = None) -> None:
        def records(file: str) -> Iterator[tuple[bytes, bytes]]:
            place = 0
            with _file(file).open("rb") as data:
                for record in read_records(data, file):
                    yield f"{file}:{place}".encode(), record
                    place += len(record) + 16

        super().__init__(records, name or "TFRecordReader")


class IdentityReader(ReaderBase):
    """The elements of the queue themselves, as keys and values. TensorFlow: tf.compat.v1.IdentityReader."""

    def __init__(self, name: str | None = None) -> None:
        super().__init__(lambda n: iter([(n.encode(), n.encode())]), name or "IdentityReader")


class LMDBReader(ReaderBase):
    """Not available: LMDB databases are not read. TensorFlow: tf.compat.v1.LMDBReader."""

    def __init__(self, name: str | None = None, options: Any = None) -> None:
        raise NotImplementedError("LMDB databases are not read here; convert them to TFRecord files.")
