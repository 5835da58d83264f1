"""Datasets made of tensors of a graph: recipes, of which a run makes datasets.

Counts, elements and what mapped functions capture may be tensors that have no value yet, and so may the dataset itself
where it is an argument of a traced function. `tensors_in` finds them; they are inputs of the ops that iterate, and
`bound` puts the values of a run in their place.
"""

from __future__ import annotations

import contextlib
import copy
from collections.abc import Iterator, Mapping
from typing import Any

from duoflow.core import dtypes
from duoflow.core.context import eager_only
from duoflow.core.emit import emit_one
from duoflow.core.record import Effect, Kind, Op, register
from duoflow.core.spec import Spec
from duoflow.core.tensor import GraphTensor, HandleTensor, Tensor

from .dataset import UNKNOWN_CARDINALITY, Dataset
from .functions import Traced
from .structure import Flat, Structure, normalize, relax

__all__ = ["Deferred", "Given", "bound", "dataset_of", "element_of", "handle_of", "tensors_in"]

#: Transformations whose elements have another form for another number.
_FORMING = ("batch", "padded_batch", "window")


class Deferred(Dataset):
    """A transformation with numbers that are known when the graph runs."""

    def __init__(self, source: Dataset, method: str, arguments: tuple[Any, ...], named: dict[str, Any]) -> None:
        self._method, self._arguments, self._named = method, arguments, named
        structure = source._structure
        if method in _FORMING:
            one, two = (self._probe(source, number)._structure for number in (1, 2))
            structure = Structure(_relaxed(one, two))
        super().__init__(structure, UNKNOWN_CARDINALITY, source)

    def _probe(self, source: Dataset, number: int) -> Dataset:
        known = lambda value: number if type(value) is GraphTensor else value
        made: Dataset = getattr(source, self._method)(
            *map(known, self._arguments), **{k: known(v) for k, v in self._named.items()}
        )
        return made

    def _stream(self) -> Iterator[Flat]:
        known: Dataset = getattr(self._inputs[0], self._method)(*self._arguments, **self._named)
        return known._stream()


class Given(Dataset):
    """A dataset that is an argument of a traced function: any of a form."""

    def __init__(self, structure: Structure, handle: Tensor) -> None:
        self._handle: Any = handle
        super().__init__(structure, UNKNOWN_CARDINALITY)

    def _bound(self) -> None:
        self._size = self._handle._size

    def _stream(self) -> Iterator[Flat]:
        return self._handle._stream()  # type: ignore[no-any-return]

    def _row_source(self) -> Any:
        return self._handle._row_source() if isinstance(self._handle, Dataset) else None

    def _row_numbers(self) -> Iterator[int]:
        return self._handle._row_numbers()  # type: ignore[no-any-return]


def _relaxed(one: Structure, two: Structure) -> Any:
    left = iter(two.flat)
    return one.map(lambda spec: relax(spec, next(left))).spec


def element_of(tensors: Any) -> Any:
    """The structure with every leaf a tensor, whose value is known unless it is made of tensors of a graph."""
    with contextlib.nullcontext() if tensors_in(tensors, {}) else eager_only():
        return normalize(tensors)


def tensors_in(value: Any, found: dict[int, GraphTensor]) -> dict[int, GraphTensor]:
    """The tensors of a graph that a dataset, or a structure in one, is made of."""
    if type(value) is GraphTensor:
        found[id(value)] = value
    elif isinstance(value, (list, tuple)):
        for part in value:
            tensors_in(part, found)
    elif isinstance(value, Mapping):
        for part in value.values():
            tensors_in(part, found)
    elif _has_parts(value):
        for part in vars(value).values():
            tensors_in(part, found)
    return found


def bound(value: Any, values: dict[int, Any]) -> Any:
    """A dataset, or a structure in one, with values in place of the tensors of a graph."""
    if not values:
        return value
    if type(value) is GraphTensor:
        return values[id(value)]
    if type(value) in (list, tuple, dict):
        parts = value.items() if type(value) is dict else enumerate(value)
        made = {key: bound(part, values) for key, part in parts}
        if all(part is value[key] for key, part in made.items()):
            return value
        return made if type(value) is dict else type(value)(made.values())
    if _has_parts(value):
        parts = {name: bound(part, values) for name, part in vars(value).items()}
        if all(part is vars(value)[name] for name, part in parts.items()):
            return value  # what does not depend on the tensors keeps its caches and generators
        out = copy.copy(value)
        vars(out).update(parts)
        if hasattr(out, "_bound"):
            out._bound()
        return out
    return value


def _has_parts(value: Any) -> bool:
    return isinstance(value, (Dataset, Traced)) or hasattr(value, "_fold")


# -- as values of a graph ----------------------------------------------------------------------------------------------


def _make(*values: Any, dataset: Dataset, tensors: tuple[int, ...]) -> Any:
    return bound(dataset, dict(zip(tensors, values, strict=True)))


MAKE_DATASET = register(
    Op(
        "MakeDataset", Kind.HOST, lambda *s, **a: Spec((), dtypes.variant), _make, None, Effect.IO, checked=False,
        differentiable=False,
    )
)  # fmt: skip


def dataset_of(structure: Structure, handle: Tensor) -> Dataset:
    """The dataset that a variant tensor holds, or will hold."""
    return handle._array if isinstance(handle, HandleTensor) else Given(structure, handle)  # type: ignore[no-any-return]


def handle_of(dataset: Dataset) -> Tensor:
    """A dataset as a variant tensor."""
    tensors = tensors_in(dataset, {})
    if not tensors:
        return HandleTensor(dataset, dtypes.variant)
    attrs = {"dataset": dataset, "tensors": tuple(tensors)}
    return emit_one(MAKE_DATASET, tuple(tensors.values()), attrs, None)
