"""Datasets of datasets: those that functions give, one after another or in turn, windows, and groups by key."""

from __future__ import annotations

import bisect
import functools
import itertools
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np

from duoflow.core import dtypes, nest
from duoflow.core.errors import InvalidArgumentError
from duoflow.core.spec import TensorSpec

from .dataset import AUTOTUNE, UNKNOWN_CARDINALITY, Dataset, DatasetSpec
from .functions import Traced
from .recipes import tensors_in
from .structure import Flat, Structure, relax
from .transforms import PaddedBatch

__all__ = ["Elements", "GroupByWindow", "Interleave", "Window", "bucket_by_length"]

#: How many datasets `interleave` keeps open when it is left to choose.
_DEFAULT_CYCLE = 4


def _traced(function: Callable[..., Any], structure: Structure, what: str, argument: str) -> Traced:
    """A function of an element that returns a dataset."""
    traced = Traced(function, structure, what)
    if not isinstance(traced.output.spec, DatasetSpec):
        raise TypeError(
            f"Invalid `{argument}`. `{argument}` must return a `tf.data.Dataset` object but its return type is "
            f"{traced.output.spec!r}."
        )
    return traced


class Elements(Dataset):
    """Elements that are already there."""

    def __init__(self, structure: Structure, elements: list[Flat]) -> None:
        self._elements = elements
        super().__init__(structure, len(elements))

    def _stream(self) -> Iterator[Flat]:
        return iter(self._elements)


class Interleave(Dataset):
    """Elements of the datasets a function gives, some of them in turn.

    There are `cycle` places. A place whose dataset has ended is filled anew when its turn comes again.
    """

    def __init__(
        self, source: Dataset, function: Callable[..., Any], cycle: Any, block: Any = 1, calls: Any = None
    ) -> None:
        self._function = _traced(function, source._structure, "interleave", "map_func")
        self._cycle, self._block = cycle, block
        super().__init__(Structure(self._function.output.spec.element_spec), UNKNOWN_CARDINALITY, source)
        if isinstance(cycle, int) and isinstance(calls, int) and calls > cycle != AUTOTUNE:
            raise InvalidArgumentError(
                "If `cycle_length` is set to a fixed value, `num_parallel_calls` must be either `tf.data.AUTOTUNE` or "
                f"a value less than or equal to `cycle_length`. However, `num_parallel_calls` is {calls} and "
                f"`cycle_length` is {cycle}."
            ).here()
        if not tensors_in((cycle, block), {}):
            self._bound()

    def _bound(self) -> None:
        self._cycle = _DEFAULT_CYCLE if self._cycle == AUTOTUNE else int(self._cycle)
        self._block = int(self._block)
        for name, number in (("cycle_length", self._cycle), ("block_length", self._block)):
            if number <= 0:
                raise InvalidArgumentError(f"{name} must be greater than zero, received {number}.").here()

    def _stream(self) -> Iterator[Flat]:
        waiting = self._inputs[0]._stream()
        places: list[Any] = [None] * self._cycle
        at, idle = 0, 0
        while idle < len(places):
            if places[at] is None:
                flat = next(waiting, None)
                places[at] = None if flat is None else self._function(flat)[0]._stream()
            if places[at] is None:
                idle += 1
            else:
                idle, taken = 0, 0
                for item in itertools.islice(places[at], self._block):
                    taken += 1
                    yield item
                if taken < self._block:
                    places[at] = None
            at = (at + 1) % len(places)


class Window(Dataset):
    """Datasets of consecutive elements."""

    def __init__(self, source: Dataset, size: int, shift: int, stride: int, drop: bool) -> None:
        self._window, self._shift, self._stride, self._drop = size, shift, stride, drop
        count = source._size
        if count >= 0:
            reach = (size - 1) * stride + 1
            count = max((count - reach) // shift + 1, 0) if drop else -(-count // shift)
        super().__init__(source._structure.map(lambda s: DatasetSpec(s)), count, source)

    def _stream(self) -> Iterator[Flat]:
        stream, start = self._inputs[0]._stream(), 0
        held: list[Flat] = []
        reach = (self._window - 1) * self._stride + 1
        ended = False
        while True:
            while not ended and len(held) < reach:
                item = next(stream, None)
                if item is None:
                    ended = True
                else:
                    held.append(item)
            if not held or (self._drop and len(held) < reach):
                return
            yield self._of(held[: reach : self._stride])
            if len(held) >= self._shift:
                del held[: self._shift]
            else:
                start = self._shift - len(held)
                held.clear()
                for _ in itertools.islice(stream, start):
                    pass

    def _of(self, group: list[Flat]) -> Flat:
        forms = [Structure(s.element_spec) for s in self._structure.flat]
        return tuple(Elements(form, [(row[i],) for row in group]) for i, form in enumerate(forms))


_KEY = TensorSpec((), dtypes.int64)


class _Grouped(Dataset):
    """Groups of elements with one key, each made into a dataset when it is full."""

    _called = "_GroupByWindowDataset"

    def _key_of(self, flat: Flat) -> int:
        raise NotImplementedError

    def _size_of(self, key: int) -> int:
        raise NotImplementedError

    def _made(self, key: int, group: Dataset) -> Dataset:
        raise NotImplementedError

    def _stream(self) -> Iterator[Flat]:
        form = self._inputs[0]._structure
        groups: dict[int, list[Flat]] = {}
        for flat in self._inputs[0]._stream():
            key = self._key_of(flat)
            group = groups.setdefault(key, [])
            group.append(flat)
            if len(group) == self._size_of(key):
                yield from self._made(key, Elements(form, groups.pop(key)))._stream()
        for key, group in groups.items():
            yield from self._made(key, Elements(form, group))._stream()


class GroupByWindow(_Grouped):
    """Groups whose keys, sizes and datasets functions give."""

    def __init__(
        self, source: Dataset, key: Callable[..., Any], reduce: Callable[..., Any], size: Any, size_function: Any
    ) -> None:
        if (size is None) == (size_function is None):
            raise ValueError("Either the `window_size` or the `window_size_func` argument must be specified.")
        self._key = _number(key, source._structure, "key_func")
        self._window_size = None if size is None else int(size)
        self._size_function = None if size is not None else _number(size_function, Structure(_KEY), "window_size_func")
        pair = Structure((_KEY, DatasetSpec(source.element_spec)))
        self._reduce = _traced(reduce, pair, "group_by_window", "reduce_func")
        super().__init__(Structure(self._reduce.output.spec.element_spec), UNKNOWN_CARDINALITY, source)

    def _key_of(self, flat: Flat) -> int:
        return int(self._key(flat)[0])

    def _size_of(self, key: int) -> int:
        if self._size_function is None:
            return self._window_size  # type: ignore[return-value]
        return int(self._size_function((np.asarray(key, np.int64),))[0])

    def _made(self, key: int, group: Dataset) -> Dataset:
        return self._reduce((np.asarray(key, np.int64), group))[0]  # type: ignore[no-any-return]


def _number(function: Callable[..., Any], structure: Structure, argument: str) -> Traced:
    """A function that returns an int64 scalar."""
    traced = Traced(function, structure, "group_by_window")
    spec = traced.output.spec
    if not isinstance(spec, TensorSpec) or not spec.is_compatible_with(_KEY):
        raise ValueError(
            f"Invalid `{argument}`. `{argument}` must return a single `tf.int64` scalar tensor but its return type is "
            f"{spec!r}. Use tf.cast(..., tf.int64)."
        )
    return traced


class _Buckets(_Grouped):
    """Padded batches of elements whose lengths fall between the same boundaries."""

    def __init__(
        self, source: Dataset, length: Callable[..., Any], boundaries: Sequence[int], sizes: Sequence[int],
        batch: Callable[[int, Dataset], Dataset],
    ) -> None:  # fmt: skip
        self._measure = Traced(length, source._structure, "bucket_by_sequence_length")
        self._boundaries, self._sizes, self._batch = boundaries, sizes, batch
        specs = [batch(key, Elements(source._structure, [])).element_spec for key in range(len(sizes))]
        form = functools.reduce(lambda a, b: nest.map_structure(relax, a, b), specs)
        super().__init__(Structure(form), UNKNOWN_CARDINALITY, source)

    def _key_of(self, flat: Flat) -> int:
        return bisect.bisect_right(self._boundaries, int(self._measure(flat)[0]))

    def _size_of(self, key: int) -> int:
        return self._sizes[key]

    def _made(self, key: int, group: Dataset) -> Dataset:
        return self._batch(key, group)


def bucket_by_length(
    source: Dataset, length: Callable[..., Any], boundaries: Any, batch_sizes: Any, padded_shapes: Any, values: Any,
    pad_to_boundary: bool, no_padding: bool, drop: bool,
) -> Dataset:  # fmt: skip
    """Padded batches of elements of similar length."""
    boundaries, sizes = [int(b) for b in boundaries], [int(n) for n in batch_sizes]
    if len(sizes) != len(boundaries) + 1:
        raise ValueError(
            f"`len(bucket_batch_sizes)` must equal `len(bucket_boundaries) + 1` but `{len(sizes)} != "
            f"{len(boundaries) + 1}`"
        )

    def batch(key: int, group: Dataset) -> Dataset:
        if no_padding:
            return group.batch(sizes[key], drop)  # type: ignore[no-any-return]
        shapes = padded_shapes
        if shapes is None and pad_to_boundary and key < len(boundaries):
            limit = boundaries[key] - 1
            shapes = nest.map_structure(lambda s: [limit if d is None else d for d in s.shape], group.element_spec)
        return PaddedBatch(group, sizes[key], shapes, values, drop)

    return _Buckets(source, length, boundaries, sizes, batch)
