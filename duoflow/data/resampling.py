"""Datasets that choose elements by class, and that count."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from duoflow.core import dtypes
from duoflow.core.spec import TensorSpec
from duoflow.core.tensor import convert

from .dataset import INFINITE_CARDINALITY, UNKNOWN_CARDINALITY, Dataset
from .functions import Traced
from .seeds import generator
from .structure import Flat, Structure

__all__ = ["Counter", "GroupByReducer", "RejectionResample"]

#: How many elements an estimate of the classes' shares begins with, of each class, and how many it is made after.
_SMOOTHING, _ESTIMATION_BATCH = 10, 32


class Counter(Dataset):
    """Numbers without end, at equal steps."""

    _called = "_ScanDataset"

    def __init__(self, start: Any, step: Any, dtype: Any) -> None:
        self._kind = dtypes.as_dtype(dtype)
        self._start, self._step = (np.asarray(convert(v, self._kind).numpy()).item() for v in (start, step))
        super().__init__(Structure(TensorSpec((), self._kind)), INFINITE_CARDINALITY)

    def _stream(self) -> Iterator[Flat]:
        return ((np.asarray(number, self._kind.numpy),) for number in itertools.count(self._start, self._step))


class RejectionResample(Dataset):
    """Pairs of class and element, some elements left out so that the classes have the shares wanted.

    An element is kept with the share of its class wanted over that which it has, as a part of the largest such ratio.
    """

    def __init__(
        self, source: Dataset, class_function: Callable[..., Any], target: Any, initial: Any, seed: Any
    ) -> None:
        self._class = Traced(class_function, source._structure, "rejection_resample")
        spec = self._class.output.spec
        if not isinstance(spec, TensorSpec) or spec.shape.rank not in (None, 0) or not spec.dtype.is_integer:
            raise ValueError(f"`class_func` must return an integer scalar, but its return spec is {spec!r}.")
        self._target = _shares(target, "target_dist")
        self._initial = None if initial is None else _shares(initial, "initial_dist")
        if self._initial is not None and len(self._initial) != len(self._target):
            raise ValueError("`target_dist` and `initial_dist` must have the same length.")
        self._generator = generator(seed)
        super().__init__(Structure((spec, source.element_spec)), UNKNOWN_CARDINALITY, source)

    def _stream(self) -> Iterator[Flat]:
        counts = np.full(len(self._target), _SMOOTHING, np.float64)
        shares = counts / counts.sum() if self._initial is None else self._initial
        for number, flat in enumerate(self._inputs[0]._stream(), 1):
            (kind,) = self._class(flat)
            if self._initial is None:
                counts[int(kind)] += 1
                if number % _ESTIMATION_BATCH == 0:
                    shares = counts / counts.sum()
            ratios = self._target / np.maximum(shares, np.finfo(np.float64).tiny)
            if self._generator.random() * ratios.max() <= ratios[int(kind)]:
                yield (kind, *flat)


def _shares(given: Any, name: str) -> Any:
    shares = np.asarray(convert(given).numpy(), np.float64)
    if shares.ndim != 1 or (shares < 0).any() or not shares.sum():
        raise ValueError(f"`{name}` must be a vector of shares that are not negative, received {given!r}.")
    return shares / shares.sum()


class GroupByReducer(Dataset):
    """What a reducer makes of the elements of each key, in the order in which keys appear."""

    def __init__(self, source: Dataset, key: Callable[..., Any], reducer: Any) -> None:
        number = Structure(TensorSpec((), dtypes.int64))
        self._key = Traced(key, source._structure, "group_by_reducer")
        self._first = Traced(reducer.init_func, number, "group_by_reducer")
        state = self._first.output
        self._reduce = Traced(reducer.reduce_func, Structure((state.spec, source.element_spec)), "group_by_reducer")
        self._last = Traced(reducer.finalize_func, state, "group_by_reducer")
        super().__init__(self._last.output, UNKNOWN_CARDINALITY, source)

    def _stream(self) -> Iterator[Flat]:
        states: dict[int, Flat] = {}
        for flat in self._inputs[0]._stream():
            key = int(self._key(flat)[0])
            if key not in states:
                states[key] = self._first((np.asarray(key, np.int64),))
            states[key] = self._reduce(states[key] + flat)
        for state in states.values():
            yield self._last(state)
