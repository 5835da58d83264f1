"""What is done to datasets: one class a transformation, each with the form of its elements and their stream."""

from __future__ import annotations

import itertools
import queue
import threading
import weakref
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from duoflow.core import dtypes, nest, shapes
from duoflow.core.arrays import as_array
from duoflow.core.errors import InvalidArgumentError, OpError
from duoflow.core.spec import TensorSpec
from duoflow.core.tensor import convert

from .dataset import INFINITE_CARDINALITY, UNKNOWN_CARDINALITY, Dataset
from .functions import Traced
from .recipes import element_of
from .seeds import generator
from .storage import cache, load, save
from .structure import Flat, Structure, array, relax

__all__ = [
    "Batch", "Concatenate", "Filter", "IgnoreErrors", "Map", "PaddedBatch", "Prefetch", "Repeat", "Scan", "Shard",
    "Shuffle", "Skip", "Take", "Unbatch", "Unique", "cache", "load", "save",
]  # fmt: skip


# -- choosing elements: these also choose row numbers ------------------------------------------------------------------


class _Chooser(Dataset):
    """A transformation that reorders, repeats or drops elements without looking at them."""

    def _choose(self, items: Callable[[], Iterator[Any]]) -> Iterator[Any]:
        """The chosen among the items of a stream that can be started anew."""
        raise NotImplementedError

    def _stream(self) -> Iterator[Flat]:
        return self._choose(self._inputs[0]._stream)

    def _row_source(self) -> Flat | None:
        return self._inputs[0]._row_source()

    def _row_numbers(self) -> Iterator[int]:
        return self._choose(self._inputs[0]._row_numbers)


class Take(_Chooser):
    """The first elements."""

    def __init__(self, source: Dataset, count: int) -> None:
        self._count = count
        size = source._size
        if count >= 0 and size != UNKNOWN_CARDINALITY:
            size = count if size == INFINITE_CARDINALITY else min(size, count)
        super().__init__(source._structure, 0 if count == 0 else size, source)

    def _choose(self, items: Callable[[], Iterator[Any]]) -> Iterator[Any]:
        return items() if self._count < 0 else itertools.islice(items(), self._count)


class Skip(_Chooser):
    """All but the first elements."""

    def __init__(self, source: Dataset, count: int) -> None:
        self._count = count
        size = source._size if source._size < 0 else 0 if count < 0 else max(source._size - count, 0)
        super().__init__(source._structure, size, source)

    def _choose(self, items: Callable[[], Iterator[Any]]) -> Iterator[Any]:
        return iter(()) if self._count < 0 else itertools.islice(items(), self._count, None)


class Shard(_Chooser):
    """Every n-th element."""

    def __init__(self, source: Dataset, count: int, index: int) -> None:
        if count < 1 or not 0 <= index < count:
            raise InvalidArgumentError(
                f"Index must be between 0 and {count - 1} (currently index = {index}, num_shards = {count}).",
            ).here()
        self._count, self._index = count, index
        size = source._size if source._size < 0 else max(-(-(source._size - index) // count), 0)
        super().__init__(source._structure, size, source)

    def _choose(self, items: Callable[[], Iterator[Any]]) -> Iterator[Any]:
        return itertools.islice(items(), self._index, None, self._count)


class Repeat(_Chooser):
    """The whole sequence several times."""

    def __init__(self, source: Dataset, count: int) -> None:
        self._count = count
        if count < 0:
            size = INFINITE_CARDINALITY if source._size else 0
        else:
            size = source._size * count if source._size >= 0 else source._size if count else 0
        super().__init__(source._structure, size, source)

    def _choose(self, items: Callable[[], Iterator[Any]]) -> Iterator[Any]:
        rounds = itertools.count() if self._count < 0 else range(self._count)
        for _ in rounds:
            empty = True
            for item in items():
                empty = False
                yield item
            if empty:
                return


class Shuffle(_Chooser):
    """Elements drawn from a buffer."""

    def __init__(self, source: Dataset, buffer_size: int, seed: Any, reshuffle: bool) -> None:
        self._buffer_size, self._reshuffle = buffer_size, reshuffle
        self._generator = generator(seed)
        self._first_state = self._generator.bit_generator.state
        super().__init__(source._structure, source._size, source)

    def _choose(self, items: Callable[[], Iterator[Any]]) -> Iterator[Any]:
        if not self._reshuffle:
            self._generator.bit_generator.state = self._first_state
        random = np.random.default_rng(self._generator.integers(0, 2**63))
        stream = items()
        buffer = list(itertools.islice(stream, self._buffer_size)) if self._buffer_size >= 0 else list(stream)
        full = len(buffer)
        draws: Any = iter(())
        for item in stream:
            place = next(draws, None)
            if place is None:
                draws = iter(random.integers(0, full, 1024).tolist())
                place = next(draws)
            yield buffer[place]
            buffer[place] = item
        for place in random.permutation(full).tolist():
            yield buffer[place]


# -- batching ----------------------------------------------------------------------------------------------------------


class Batch(Dataset):
    """Consecutive elements stacked."""

    def __init__(self, source: Dataset, batch_size: int, drop_remainder: bool) -> None:
        self._batch_size, self._drop = batch_size, drop_remainder
        exact = drop_remainder or (source._size >= 0 and source._size % batch_size == 0 and source._size > 0)
        lead = batch_size if exact and drop_remainder else None
        size = source._size
        if size >= 0:
            size = size // batch_size if drop_remainder else -(-size // batch_size)
        super().__init__(source._structure.map(lambda s: _batched(s, lead)), size, source)

    def _stream(self) -> Iterator[Flat]:
        source = self._inputs[0]
        rows = source._row_source()
        if rows is not None:
            yield from self._gathered(rows, source._row_numbers())
            return
        stream = source._stream()
        while group := list(itertools.islice(stream, self._batch_size)):
            if len(group) < self._batch_size and self._drop:
                return
            yield tuple([_stack(column) for column in zip(*group, strict=True)])

    def _gathered(self, rows: Flat, numbers: Iterator[int]) -> Iterator[Flat]:
        """Whole batches taken from the source's arrays at once."""
        while group := list(itertools.islice(numbers, self._batch_size)):
            if len(group) < self._batch_size and self._drop:
                return
            index = np.array(group)
            yield tuple([a[index] for a in rows])


def _batched(spec: Any, lead: int | None) -> Any:
    if not isinstance(spec, TensorSpec):
        raise TypeError(f"Batching needs tensors; the element holds {spec!r}. Use flat_map to flatten windows first.")
    return TensorSpec(spec.shape.__radd__([lead]), spec.dtype)


def _stack(column: Any) -> Any:
    try:
        return np.stack(column)
    except ValueError:
        sizes = sorted({np.shape(c) for c in column})
        raise InvalidArgumentError(
            f"Cannot batch tensors with different shapes in component 0. First element had shape "
            f"{shapes.brief(sizes[0])} and another element had shape {shapes.brief(sizes[-1])}. Use padded_batch."
        ).here() from None  # fmt: skip


class PaddedBatch(Dataset):
    """Consecutive elements padded to one shape and stacked."""

    def __init__(self, source: Dataset, batch_size: int, padded_shapes: Any, values: Any, drop: bool) -> None:
        self._batch_size, self._drop = batch_size, drop
        form = source._structure
        if padded_shapes is None:
            if any(s.shape.rank is None for s in form.flat):
                raise ValueError("You must provide `padded_shapes` for elements of unknown rank.")
            self._shapes = [s.shape.as_tuple() for s in form.flat]
        else:
            given = _flat_shapes(form.spec, padded_shapes)
            self._shapes = [tuple(None if d in (None, -1) else int(d) for d in shape) for shape in given]
        self._values = _padding_values(form, values)
        lead = batch_size if drop else None
        specs = [TensorSpec((lead, *s), f.dtype) for s, f in zip(self._shapes, form.flat, strict=True)]
        size = source._size
        if size >= 0:
            size = size // batch_size if drop else -(-size // batch_size)
        super().__init__(Structure(nest.pack_sequence_as(form.spec, specs)), size, source)

    def _stream(self) -> Iterator[Flat]:
        stream = self._inputs[0]._stream()
        while group := list(itertools.islice(stream, self._batch_size)):
            if len(group) < self._batch_size and self._drop:
                return
            columns = zip(*group, strict=True)
            yield tuple(map(_padded, columns, self._shapes, self._values))


def _flat_shapes(spec: Any, padded: Any) -> list[Any]:
    if isinstance(spec, dict):
        return [s for key in sorted(spec) for s in _flat_shapes(spec[key], padded[key])]
    if isinstance(spec, tuple):
        return [s for a, b in zip(spec, padded, strict=True) for s in _flat_shapes(a, b)]
    return [
        list(convert(padded).numpy())
        if not isinstance(padded, (list, tuple)) and not hasattr(padded, "as_list")
        else list(padded)
    ]


def _padding_values(form: Structure, values: Any) -> list[Any]:
    if values is None or not nest.is_nested(values):
        given = [values] * len(form.flat)
    else:
        given = nest.flatten(values)
    out = []
    for value, spec in zip(given, form.flat, strict=True):
        natural: Any = b"" if spec.dtype is dtypes.string else 0
        out.append(as_array(natural if value is None else getattr(value, "_array", value), spec.dtype))
    return out


def _padded(column: Any, shape: Any, value: Any) -> Any:
    longest = [max(sizes) for sizes in zip(*[c.shape for c in column], strict=True)]
    target = [have if want is None else want for have, want in zip(longest, shape, strict=True)]
    if any(have > want for have, want in zip(longest, target, strict=True)):
        raise InvalidArgumentError(
            f"Attempted to pad to a smaller size than the input element: {longest} to {target}."
        ).here()
    out = np.full((len(column), *target), value, column[0].dtype)
    for i, item in enumerate(column):
        out[(i, *map(slice, item.shape))] = item
    return out


class Unbatch(Dataset):
    """The rows of each element."""

    def __init__(self, source: Dataset) -> None:
        if any(s.shape.rank == 0 for s in source._structure.flat):
            raise ValueError("Cannot unbatch an input with scalar components.")
        super().__init__(source._structure.map(lambda s: TensorSpec(s.shape[1:], s.dtype)), UNKNOWN_CARDINALITY, source)

    def _stream(self) -> Iterator[Flat]:
        for flat in self._inputs[0]._stream():
            for i in range(len(flat[0])):
                yield tuple([leaf[i, ...] for leaf in flat])


# -- functions of elements ---------------------------------------------------------------------------------------------


class Map(Dataset):
    """A function of each element."""

    def __init__(self, source: Dataset, function: Callable[..., Any]) -> None:
        self._function = Traced(function, source._structure, "map")
        super().__init__(self._function.output, source._size, source)

    def _stream(self) -> Iterator[Flat]:
        return map(self._function, self._inputs[0]._stream())


class Filter(Dataset):
    """The elements that pass a test."""

    def __init__(self, source: Dataset, predicate: Callable[..., Any], stop: bool = False) -> None:
        self._test = Traced(predicate, source._structure, "filter")
        self._stop = stop
        spec = self._test.output.spec
        if not isinstance(spec, TensorSpec) or not spec.is_compatible_with(TensorSpec((), dtypes.bool_)):
            raise ValueError(
                "Invalid `predicate`. `predicate` must return a `tf.bool` scalar tensor, but its return spec is "
                f"{spec!r}."
            )
        super().__init__(source._structure, UNKNOWN_CARDINALITY, source)

    def _stream(self) -> Iterator[Flat]:
        for flat in self._inputs[0]._stream():
            if self._test(flat)[0]:
                yield flat
            elif self._stop:
                return


class Scan(Dataset):
    """Outputs of a function that carries a state along."""

    def __init__(self, source: Dataset, initial_state: Any, function: Callable[..., Any]) -> None:
        state = element_of(initial_state)
        self._state: Flat = tuple(array(leaf) for leaf in nest.flatten(state))
        self._step = Traced(function, Structure((Structure.of(state).spec, source.element_spec)), "scan")
        super().__init__(Structure(self._step.output.spec[1]), source._size, source)

    def _stream(self) -> Iterator[Flat]:
        state, count = self._state, len(self._state)
        for flat in self._inputs[0]._stream():
            out = self._step(state + flat)
            state = out[:count]
            yield out[count:]


class IgnoreErrors(Dataset):
    """The elements whose computation succeeds."""

    def __init__(self, source: Dataset) -> None:
        super().__init__(source._structure, UNKNOWN_CARDINALITY, source)

    def _stream(self) -> Iterator[Flat]:
        stream = self._inputs[0]._stream()
        while True:
            try:
                yield next(stream)
            except StopIteration:
                return
            except OpError:
                continue


class Unique(Dataset):
    """First occurrences of scalar elements."""

    def __init__(self, source: Dataset) -> None:
        super().__init__(source._structure, UNKNOWN_CARDINALITY, source)

    def _stream(self) -> Iterator[Flat]:
        seen = set()
        for flat in self._inputs[0]._stream():
            key = flat[0].item()
            if key not in seen:
                seen.add(key)
                yield flat


# -- sequences ---------------------------------------------------------------------------------------------------------


class Concatenate(Dataset):
    """One sequence after another."""

    def __init__(self, first: Dataset, second: Dataset) -> None:
        try:
            nest.assert_same_structure(first.element_spec, second.element_spec)
            form = Structure(nest.map_structure(relax, first.element_spec, second.element_spec))
        except (TypeError, ValueError) as error:
            raise TypeError(
                f"Incompatible element specs of concatenated datasets: {first.element_spec} and "
                f"{second.element_spec}. {error}"
            ) from None
        sizes = first._size, second._size
        size = (
            sum(sizes)
            if min(sizes) >= 0
            else INFINITE_CARDINALITY
            if INFINITE_CARDINALITY in sizes
            else UNKNOWN_CARDINALITY
        )
        super().__init__(form, size, first, second)

    def _stream(self) -> Iterator[Flat]:
        return itertools.chain.from_iterable(d._stream() for d in self._inputs)


# -- running ahead -----------------------------------------------------------------------------------------------------


class Prefetch(Dataset):
    """Elements prepared by another thread."""

    def __init__(self, source: Dataset, buffer_size: int) -> None:
        if buffer_size < -1:
            raise InvalidArgumentError(f"buffer_size must be >= 0 or -1, received {buffer_size}.").here()
        self._ahead = 2 if buffer_size == -1 else buffer_size
        super().__init__(source._structure, source._size, source)

    def _row_source(self) -> Flat | None:
        return self._inputs[0]._row_source()

    def _row_numbers(self) -> Iterator[int]:
        return self._inputs[0]._row_numbers()

    def _stream(self) -> Iterator[Flat]:
        return self._inputs[0]._stream() if self._ahead == 0 else _Ahead(self._inputs[0]._stream(), self._ahead)


class _Ahead:
    """An iterator fed by a thread, which ends when the iterator is dropped."""

    def __init__(self, stream: Iterator[Flat], size: int) -> None:
        self._queue: queue.Queue[Any] = queue.Queue(size)
        stopped = threading.Event()
        threading.Thread(target=_feed, args=(stream, self._queue, stopped), daemon=True, name="prefetch").start()
        weakref.finalize(self, stopped.set)

    def __iter__(self) -> _Ahead:
        return self

    def __next__(self) -> Flat:
        item, error = self._queue.get()
        if error is not None:
            self._queue.put((None, error))
            raise error
        return item  # type: ignore[no-any-return]


def _feed(stream: Iterator[Flat], ahead: queue.Queue[Any], stopped: threading.Event) -> None:
    def put(item: Any) -> bool:
        while not stopped.is_set():
            try:
                ahead.put(item, timeout=0.1)
                return True
            except queue.Full:
                continue
        return False

    try:
        for item in stream:
            if not put((item, None)):
                return
        put((None, StopIteration()))
    except Exception as error:  # handed to the reader, which raises it
        put((None, error))
