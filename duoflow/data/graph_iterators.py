"""What a traced function does with datasets besides a `for`: iterators, and facts that a run learns."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from duoflow.core import dtypes
from duoflow.core.context import context, eager_only
from duoflow.core.emit import emit
from duoflow.core.errors import InvalidArgumentError
from duoflow.core.late import F
from duoflow.core.optional import Optional
from duoflow.core.record import Effect, Kind, Op, register
from duoflow.core.spec import Spec
from duoflow.core.tensor import Tensor

from .dataset import Dataset
from .iterators import GET_NEXT, Cursor, OwnedIterator, fold_in_graph, next_as_optional
from .recipes import bound, tensors_in
from .structure import Flat, Structure

__all__ = ["HandleIterator", "cardinality", "iterate", "single_element"]


def _when_run(name: str, infer: Callable[..., Any], evaluate: Callable[..., Any], count: int | None = 1) -> Op:
    """The record of an op on a dataset (an attribute) that is made of tensors (the inputs)."""

    def run(*values: Any, dataset: Dataset, tensors: tuple[int, ...]) -> Any:
        with eager_only():
            return evaluate(bound(dataset, dict(zip(tensors, values, strict=True))))

    shape = lambda *specs, dataset, tensors: infer(dataset)
    return register(Op(name, Kind.HOST, shape, run, None, Effect.IO, num_outputs=count, differentiable=False))


def _emit_on(op: Op, dataset: Dataset) -> tuple[Tensor, ...]:
    tensors = tensors_in(dataset, {})
    return emit(op, tuple(tensors.values()), {"dataset": dataset, "tensors": tuple(tensors)})


ITERATE = _when_run("IterateDataset", lambda d: Spec((), dtypes.resource), lambda d: Cursor(d._stream()))
CARDINALITY = _when_run("CountDataset", lambda d: Spec((), dtypes.int64), lambda d: np.asarray(d._size, np.int64))
SINGLE_ELEMENT = _when_run(
    "OnlyElementOfDataset",
    lambda d: tuple([Spec(s.shape.as_tuple(), s.dtype) for s in d._structure.tensor_specs]),
    lambda d: _only_element(d),
    None,
)


class HandleIterator:
    """An iterator that a graph knows by its handle: an argument of a function, or made while a graph runs."""

    def __init__(self, structure: Structure, handle: Tensor) -> None:
        self._structure = structure
        self.handle: Any = handle

    @property
    def element_spec(self) -> Any:
        """The spec of the elements."""
        return self._structure.spec

    def __iter__(self) -> HandleIterator:
        return self

    def _stream(self) -> Iterator[Flat]:
        return self.handle.stream  # type: ignore[no-any-return]

    def _fold(self, initial_state: Any, step: Callable[..., Any], shapes: Any) -> Any:
        return fold_in_graph(self, initial_state, step, shapes)

    def __next__(self) -> Any:
        return self.get_next()

    def get_next(self, name: str | None = None) -> Any:
        """The next element; `OutOfRangeError` after the last."""
        specs = self._structure.tensor_specs
        return self._structure.pack_tensors(emit(GET_NEXT, (self.handle,), {"specs": specs}, name))

    def get_next_as_optional(self) -> Optional:
        """The next element, or the knowledge that there is none."""
        return next_as_optional(self)


def iterate(dataset: Dataset) -> OwnedIterator | HandleIterator:
    """An iterator over a dataset; inside a traced function each run begins anew."""
    if context.graph is None:
        return OwnedIterator(dataset)
    if not context.graph.is_function:
        raise RuntimeError(
            "`tf.data.Dataset` only supports Python-style iteration in eager mode or within tf.function."
        )
    return HandleIterator(dataset._structure, *_emit_on(ITERATE, dataset))


def cardinality(dataset: Dataset) -> Tensor:
    """The number of elements, as int64."""
    if tensors_in(dataset, {}):
        return _emit_on(CARDINALITY, dataset)[0]
    return F.constant(dataset._size, dtypes.int64)  # type: ignore[no-any-return]


def single_element(dataset: Dataset) -> Any:
    """The only element of a dataset."""
    if context.graph is None:
        return dataset._structure.pack(_only_element(dataset))
    return dataset._structure.pack_tensors(_emit_on(SINGLE_ELEMENT, dataset))


def _only_element(dataset: Dataset) -> Flat:
    stream = iter(dataset._stream())
    first, second = next(stream, None), next(stream, None)
    if first is None:
        raise InvalidArgumentError("Dataset was empty.").here()
    if second is not None:
        raise InvalidArgumentError("Dataset had more than one element.").here()
    return first
