"""Datasets that make elements, and those that combine several."""

from __future__ import annotations

import glob
import itertools
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import numpy as np

from duoflow.core import dtypes, nest
from duoflow.core.arrays import as_array
from duoflow.core.context import eager_only
from duoflow.core.errors import InvalidArgumentError
from duoflow.core.spec import TensorSpec
from duoflow.core.tensor import EagerTensor, GraphTensor, convert
from duoflow.ops.script import translated

from .dataset import INFINITE_CARDINALITY, UNKNOWN_CARDINALITY, Dataset, whole
from .recipes import element_of, tensors_in
from .seeds import generator
from .structure import Flat, Structure, array, numpy_of, relax

__all__ = ["Choose", "Generator", "RandomNumbers", "Range", "Sample", "TensorSlices", "Tensors", "Zip", "list_files"]


class Tensors(Dataset):
    """One element."""

    _called = "_TensorDataset"

    def __init__(self, tensors: Any) -> None:
        element = element_of(tensors)
        self._element: Flat = tuple(array(leaf) for leaf in nest.flatten(element))
        super().__init__(Structure.of(element), 1)

    def _stream(self) -> Iterator[Flat]:
        yield self._element


class TensorSlices(Dataset):
    """The rows of arrays."""

    _called = "_TensorSliceDataset"

    def __init__(self, tensors: Any) -> None:
        element = element_of(tensors)
        leaves = nest.flatten(element)
        if not leaves:
            raise ValueError("Invalid `tensors`. `tensors` must contain at least one tensor.")
        for leaf in leaves:
            if leaf.dims is not None and not leaf.dims:
                raise ValueError(
                    "Unbatching a tensor is only supported for rank >= 1: from_tensor_slices needs a first dimension."
                )
        sizes = {leaf.dims[0] for leaf in leaves} - {None}
        if len(sizes) > 1:
            raise ValueError(
                f"Dimensions {' and '.join(map(str, sorted(sizes)))} are not compatible: all tensors need one first "
                "dimension."
            )
        self._arrays: Flat = tuple(array(leaf) for leaf in leaves)
        form = Structure.of(element).map(lambda s: TensorSpec(s.shape[1:], s.dtype))
        super().__init__(form, sizes.pop() if sizes else UNKNOWN_CARDINALITY)

    def _bound(self) -> None:
        sizes = {len(a) for a in self._arrays}
        if len(sizes) > 1:
            raise InvalidArgumentError(f"Sizes {sorted(sizes)} of the first dimensions are not compatible.").here()
        self._size = sizes.pop()

    def _stream(self) -> Iterator[Flat]:
        for i in range(self._size):
            yield tuple([a[i, ...] for a in self._arrays])

    def _row_source(self) -> Flat:
        return self._arrays

    def _row_numbers(self) -> Iterator[int]:
        return iter(range(self._size))


class Range(Dataset):
    """Numbers at equal steps."""

    def __init__(self, *args: Any, output_type: Any) -> None:
        if not 1 <= len(args) <= 3:
            raise ValueError(f"Invalid `args`. The length of `args` should be between 1 and 3 but got {len(args)}.")
        self._dtype = dtypes.as_dtype(output_type)
        self._numbers = tuple([_whole(a) for a in args])
        super().__init__(Structure(TensorSpec((), self._dtype)), UNKNOWN_CARDINALITY)
        if not tensors_in(self._numbers, {}):
            self._bound()

    def _bound(self) -> None:
        numbers = [int(number) for number in self._numbers]
        if len(numbers) == 3 and numbers[2] == 0:
            raise InvalidArgumentError("step must be a non-zero integer.").here()
        self._range = range(*numbers)
        self._size = len(self._range)

    def _stream(self) -> Iterator[Flat]:
        kind = self._dtype.numpy
        return ((np.asarray(i, kind),) for i in self._range)


def _whole(number: Any) -> Any:
    """An integer, or the tensor of a graph that will be one."""
    if type(number) is not GraphTensor:
        with eager_only():
            return int(convert(number))  # type: ignore[call-overload]
    return whole(number)


class RandomNumbers(Dataset):
    """Endless random numbers."""

    _called = "_RandomDataset"

    def __init__(self, seed: Any = None, rerandomize_each_iteration: Any = None, name: str | None = None) -> None:
        self._generator = generator(seed)
        self._state = self._generator.bit_generator.state
        self._rerandomize = rerandomize_each_iteration
        super().__init__(Structure(TensorSpec((), dtypes.int64)), INFINITE_CARDINALITY)

    def _stream(self) -> Iterator[Flat]:
        if not self._rerandomize:
            self._generator.bit_generator.state = self._state
        while True:
            yield (np.asarray(self._generator.integers(0, 2**32), np.int64),)


class Generator(Dataset):
    """Elements from Python code, checked against a signature."""

    _called = "_FlatMapDataset"

    def __init__(self, make: Callable[..., Any], types: Any, shapes: Any, args: Any, signature: Any) -> None:
        if not callable(make):
            raise TypeError("`generator` must be a Python callable.")
        if signature is not None and types is not None:
            raise TypeError(
                "The `output_types` argument can not be used together with the `output_signature` argument."
            )
        if signature is None:
            if types is None:
                raise TypeError("Either `output_signature` or `output_types` must be specified")
            signature = _signature(types, shapes)
        self._make = make
        self._args: Flat = tuple(array(element_of(a)) for a in args or ())
        super().__init__(Structure(_tuples(signature)), UNKNOWN_CARDINALITY)

    def _stream(self) -> Iterator[Flat]:
        elements = _raised_as_tensorflow(self._make, *map(numpy_of, self._args))
        while (element := _raised_as_tensorflow(next, elements, _END)) is not _END:
            yield self._checked(element)

    def _checked(self, element: Any) -> Flat:
        spec = self._structure.spec
        try:
            leaves = _flatten_as(spec, element)
        except (TypeError, ValueError, KeyError) as error:
            raise InvalidArgumentError(
                f"`generator` yielded an element that did not match the expected structure. The expected "
                f"structure was {spec}, but the yielded element was {element!r}. {error}"
            ).here() from None  # fmt: skip
        return tuple(_cast(leaf, s) for leaf, s in zip(leaves, self._structure.flat, strict=True))


_END = object()


def _raised_as_tensorflow(function: Callable[..., Any], *args: Any) -> Any:
    """A call into the user's generator, with TensorFlow's error for one that it raises."""
    try:
        result = function(*args)
        return result if function is next else iter(result)
    except Exception as error:
        raise translated(error) from error


def _signature(types: Any, shapes: Any) -> Any:
    types = _tuples(types)
    if shapes is None:
        return nest.map_structure(lambda d: TensorSpec(None, d), types)
    flat = nest.flatten(types)
    if len(flat) == 1 and not nest.is_nested(types):
        return TensorSpec(shapes, types)
    found = _shapes_like(types, shapes)
    return nest.pack_sequence_as(types, [TensorSpec(s, d) for s, d in zip(found, flat, strict=True)])


def _shapes_like(structure: Any, shapes: Any) -> list[Any]:
    """The shapes of a structure's leaves; a shape is itself a list, so the structure decides where to stop."""
    if isinstance(structure, Mapping):
        return [s for key in sorted(structure) for s in _shapes_like(structure[key], shapes[key])]
    if isinstance(structure, tuple):
        return [s for a, b in zip(structure, shapes, strict=True) for s in _shapes_like(a, b)]
    return [shapes]


def _tuples(structure: Any) -> Any:
    if isinstance(structure, list):
        return tuple(_tuples(s) for s in structure)
    if isinstance(structure, Mapping):
        return {k: _tuples(v) for k, v in structure.items()}
    return structure if not isinstance(structure, tuple) else tuple(_tuples(s) for s in structure)


def _flatten_as(spec: Any, element: Any) -> list[Any]:
    if isinstance(spec, Mapping):
        if set(spec) != set(element):
            raise ValueError("The keys differ.")
        return [leaf for key in sorted(spec) for leaf in _flatten_as(spec[key], element[key])]
    if isinstance(spec, tuple):
        if len(spec) != len(element):
            raise ValueError("The lengths differ.")
        return [leaf for a, b in zip(spec, element, strict=True) for leaf in _flatten_as(a, b)]
    return [element]


def _cast(leaf: Any, spec: TensorSpec) -> Any:
    try:
        value = as_array(leaf._array if isinstance(leaf, EagerTensor) else leaf, spec.dtype)
    except (TypeError, ValueError) as error:
        raise InvalidArgumentError(
            "`generator` yielded an element that could not be converted to the expected type. The "
            "expected "
            f"type was {spec.dtype.name}, but the yielded element was {leaf!r}. {error}"
        ).here() from None  # fmt: skip
    if not spec.shape.is_compatible_with(value.shape):
        raise InvalidArgumentError(
            f"`generator` yielded an element of shape {value.shape} where an element of shape "
            f"{spec.shape} was expected."
        ).here()  # fmt: skip
    return value


class Zip(Dataset):
    """Several datasets side by side."""

    def __init__(self, datasets: Any) -> None:
        parts = nest.flatten(datasets)
        for part in parts:
            if not isinstance(part, Dataset):
                raise TypeError(
                    "The argument to `Dataset.zip()` must be a (nested) structure of `Dataset` objects, received "
                    f"{part!r}."
                )
        form = Structure(nest.map_structure(lambda d: d.element_spec, datasets))
        sizes = [p._size for p in parts]
        finite = [s for s in sizes if s >= 0]
        size = UNKNOWN_CARDINALITY if UNKNOWN_CARDINALITY in sizes else min(finite) if finite else INFINITE_CARDINALITY
        super().__init__(form, size, *parts)

    def _stream(self) -> Iterator[Flat]:
        for elements in zip(*[p._stream() for p in self._inputs], strict=False):
            yield tuple(itertools.chain.from_iterable(elements))


def _common_structure(datasets: Any) -> Structure:
    first = datasets[0].element_spec
    for other in datasets[1:]:
        first = nest.map_structure(relax, first, other.element_spec)
    return Structure(first)


class Choose(Dataset):
    """Elements in the order another dataset gives."""

    _called = "_DirectedInterleaveDataset"

    def __init__(self, datasets: Any, choice: Dataset, stop_on_empty: bool) -> None:
        datasets = list(datasets)
        if not datasets:
            raise ValueError("Invalid `datasets`. `datasets` should not be empty.")
        self._choice, self._stop = choice, stop_on_empty
        super().__init__(_common_structure(datasets), UNKNOWN_CARDINALITY, *datasets)

    def _stream(self) -> Iterator[Flat]:
        streams: list[Any] = [d._stream() for d in self._inputs]
        for (index,) in self._choice._stream():
            i = int(index)
            if not 0 <= i < len(streams):
                raise InvalidArgumentError(f"choice_dataset gave {i}, but there are {len(streams)} datasets.").here()
            element = next(streams[i], None) if streams[i] is not None else None
            if element is not None:
                yield element
            elif self._stop:
                return
            else:
                streams[i] = None


class Sample(Dataset):
    """Elements at random, by weight."""

    _called = "_DirectedInterleaveDataset"

    def __init__(self, datasets: Any, weights: Any, seed: Any, stop_on_empty: bool) -> None:
        datasets = list(datasets)
        self._weights = np.ones(len(datasets)) if weights is None else np.asarray(weights, np.float64)
        if len(self._weights) != len(datasets):
            raise ValueError(
                "Invalid `weights`. The shape of `weights` should be compatible with `[len(datasets)]`: "
                f"{len(datasets)}."
            )
        self._generator, self._stop = generator(seed), stop_on_empty
        super().__init__(_common_structure(datasets), UNKNOWN_CARDINALITY, *datasets)

    def _stream(self) -> Iterator[Flat]:
        streams = [d._stream() for d in self._inputs]
        weights = self._weights.copy()
        while weights.sum() > 0:
            i = int(self._generator.choice(len(streams), p=weights / weights.sum()))
            element = next(streams[i], None)
            if element is not None:
                yield element
            elif self._stop:
                return
            else:
                weights[i] = 0


class MatchingFiles(Dataset):
    """The names of the files that match a pattern which is known when the graph runs."""

    def __init__(self, pattern: Any, shuffle: Any, seed: Any) -> None:
        self._pattern, self._shuffle, self._seed = pattern, shuffle, seed
        super().__init__(Structure(TensorSpec((), dtypes.string)), UNKNOWN_CARDINALITY)

    def _stream(self) -> Iterator[Flat]:
        return list_files(self._pattern, self._shuffle, self._seed)._stream()


def list_files(file_pattern: Any, shuffle: Any, seed: Any) -> Dataset:
    """The names of matching files, shuffled unless told otherwise."""
    given = array(element_of(file_pattern))
    if type(given) is GraphTensor:
        return MatchingFiles(given, shuffle, seed)
    patterns = list(given.reshape(-1))
    names = sorted(name for p in patterns for name in glob.glob(p.decode(), recursive=True))
    if not names:
        raise InvalidArgumentError(f"No files matched pattern: {', '.join(p.decode() for p in patterns)}").here()
    files = TensorSlices(names)
    return files.shuffle(len(names), seed) if shuffle is None or shuffle else files
