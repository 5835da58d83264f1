"""Iterators over datasets in TensorFlow 1's graphs: each session iterates for itself.

A dataset may be made of tensors of the graph (placeholders); it is then a recipe, and running the iterator's
initializer makes it a dataset of their values.
"""

from __future__ import annotations

import itertools
import weakref
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from duoflow.core import dtypes, nest
from duoflow.core.context import context, eager_only
from duoflow.core.emit import emit, emit_one
from duoflow.core.errors import FailedPreconditionError, NotFoundError
from duoflow.core.graph import PLACEHOLDER, Graph
from duoflow.core.record import Effect, Kind, Op, register
from duoflow.core.spec import Spec, TensorSpec
from duoflow.core.tensor import GraphTensor, convert
from duoflow.trace.session import Session, is_object, resource, upstream

from .dataset import Dataset
from .iterators import GET_NEXT, OwnedIterator
from .recipes import bound, tensors_in
from .structure import Flat, Structure

__all__ = ["SessionIterator", "make_initializable_iterator", "make_one_shot_iterator"]


# -- iterators ---------------------------------------------------------------------------------------------------------

_numbers = itertools.count()


class _Position:
    """Where a session is in an iteration."""

    handle_dtype = dtypes.resource

    def __init__(self, start: Callable[[], Iterator[Flat]] | None) -> None:
        self._start, self._stream = start, None
        self.name = f"iterator_{next(_numbers)}".encode()
        _by_name[self.name] = self

    @property
    def stream(self) -> Iterator[Flat]:
        """The elements to come; an iterator of one shot starts by itself."""
        if self._stream is None:
            if self._start is None:
                raise FailedPreconditionError(
                    "GetNext() failed because the iterator has not been initialized. Ensure that you have "
                    "run the initializer operation for this iterator before getting the next element.",
                ).here()  # fmt: skip
            self.restart(self._start())
        return self._stream  # type: ignore[return-value]

    def restart(self, stream: Iterator[Flat]) -> None:
        """Iterate something else."""
        self._stream: Iterator[Flat] | None = stream


_by_name: weakref.WeakValueDictionary[bytes, _Position] = weakref.WeakValueDictionary()


def _initialize(position: _Position, *values: Any, dataset: Dataset, tensors: tuple[int, ...]) -> tuple[Any, ...]:
    with eager_only():
        position.restart(bound(dataset, dict(zip(tensors, values, strict=True)))._stream())
    return ()


def _text(value: bytes) -> np.ndarray[Any, Any]:
    out = np.empty((), object)
    out[()] = value
    return out


def _position_named(name: Any) -> _Position:
    found = _by_name.get(name.item())
    if found is None:
        raise NotFoundError(f"There is no iterator {name.item()!r} in this process.").here()
    return found


MAKE_ITERATOR = register(
    Op("MakeIterator", Kind.HOST, lambda *s, **a: (), _initialize, None, Effect.IO, num_outputs=0, differentiable=False)
)
TO_STRING = register(
    Op(
        "IteratorToStringHandle", Kind.HOST, lambda h: Spec((), dtypes.string), lambda p: _text(p.name), None,
        Effect.IO, differentiable=False,
    )
)  # fmt: skip
FROM_STRING = register(
    Op(
        "IteratorFromStringHandleV2", Kind.HOST, lambda s: Spec((), dtypes.resource), _position_named, None, Effect.IO,
        differentiable=False,
    )
)  # fmt: skip


class SessionIterator:
    """An iterator of a graph.

    TensorFlow: tf.compat.v1.data.Iterator.
    """

    def __init__(self, handle: Any, initializer: Any, structure: Structure) -> None:
        self._handle, self._initializer, self._structure = handle, initializer, structure

    @property
    def initializer(self) -> Any:
        """The operation that starts the iteration; `ValueError` for iterators that have none."""
        if self._initializer is None:
            raise ValueError(
                "The iterator does not have an initializer. This means it was likely created using "
                "`tf.data.Dataset.make_one_shot_iterator()`. For an initializable iterator, use "
                "`tf.data.Dataset.make_initializable_iterator()` instead."
            )
        return self._initializer

    @property
    def element_spec(self) -> Any:
        """The spec of the elements."""
        return self._structure.spec

    @property
    def output_types(self) -> Any:
        """The dtypes of the elements."""
        return nest.map_structure(lambda s: s.dtype, self._structure.spec)

    @property
    def output_shapes(self) -> Any:
        """The shapes of the elements."""
        return nest.map_structure(lambda s: s.shape, self._structure.spec)

    def get_next(self, name: str | None = None) -> Any:
        """The next element, each time a session runs it; `OutOfRangeError` after the last."""
        outputs = emit(GET_NEXT, (self._handle,), {"specs": self._structure.flat}, name)
        return nest.pack_sequence_as(self._structure.spec, list(outputs))

    def make_initializer(self, dataset: Dataset, name: str | None = None) -> Any:
        """An operation that lets the iterator go over a dataset; `TypeError` if its elements are of another form."""
        ours, theirs = self._structure.flat, dataset._structure.flat
        if len(ours) != len(theirs) or any(a.dtype is not b.dtype for a, b in zip(ours, theirs, strict=True)):
            raise TypeError(
                f"Expected output types {self.output_types!r} but got dataset with elements {dataset.element_spec!r}."
            )
        if any(not a.shape.is_compatible_with(b.shape) for a, b in zip(ours, theirs, strict=True)):
            raise TypeError(
                f"Expected output shapes compatible with {self.output_shapes!r} but got dataset with elements "
                f"{dataset.element_spec!r}."
            )
        return _initializer(self._handle, dataset, name or "MakeIterator")

    def string_handle(self, name: str | None = None) -> Any:
        """A string that stands for the iterator, to be fed to one made by `from_string_handle`."""
        return emit_one(TO_STRING, (self._handle,), {}, name or "IteratorToStringHandle")

    @staticmethod
    def from_structure(
        output_types: Any, output_shapes: Any = None, shared_name: str | None = None, output_classes: Any = None
    ) -> SessionIterator:
        """An iterator over any dataset of a form, started by `make_initializer`."""
        return SessionIterator(resource(lambda: _Position(None), "Iterator"), None, _form(output_types, output_shapes))

    @staticmethod
    def from_string_handle(
        string_handle: Any, output_types: Any, output_shapes: Any = None, output_classes: Any = None
    ) -> SessionIterator:
        """The iterator that a string stands for when a session runs."""
        handle = emit_one(FROM_STRING, (convert(string_handle, dtypes.string),), {}, "IteratorFromStringHandleV2")
        return SessionIterator(handle, None, _form(output_types, output_shapes))


def _form(types: Any, shapes: Any) -> Structure:
    if shapes is None:
        return Structure(nest.map_structure(lambda t: TensorSpec(None, t), types))
    flat = nest.flatten(types)
    sizes = [shapes] if not nest.is_nested(types) else list(_shape_leaves(types, shapes))
    return Structure(nest.pack_sequence_as(types, [TensorSpec(s, t) for s, t in zip(sizes, flat, strict=True)]))


def _shape_leaves(types: Any, shapes: Any) -> Iterator[Any]:
    if isinstance(types, dict):
        for key in sorted(types):
            yield from _shape_leaves(types[key], shapes[key])
    elif isinstance(types, (list, tuple)):
        for part, sizes in zip(types, shapes, strict=True):
            yield from _shape_leaves(part, sizes)
    else:
        yield shapes


def _initializer(handle: Any, dataset: Dataset, name: str) -> Any:
    tensors = tensors_in(dataset, {})
    emit(MAKE_ITERATOR, (handle, *tensors.values()), {"dataset": dataset, "tensors": tuple(tensors)}, name)
    assert context.graph is not None
    return context.graph.nodes[-1]


def make_one_shot_iterator(dataset: Dataset) -> Any:
    """An iterator that starts by itself, once in each session; in eager mode one as `iter` gives.

    Raises:
      ValueError: if the dataset is made of tensors of the graph.

    TensorFlow: tf.compat.v1.data.make_one_shot_iterator.
    """
    if context.graph is None:
        return OwnedIterator(dataset)
    captured = tensors_in(dataset, {})
    _refuse_state(context.graph, list(captured.values()))

    def start() -> Iterator[Flat]:
        if not captured:
            return dataset._stream()
        with Session(graph=next(iter(captured.values())).graph) as session:
            values = session.run(list(captured.values()))
        return bound(dataset, dict(zip(captured, map(np.asarray, values), strict=True)))._stream()  # type: ignore[no-any-return]

    return SessionIterator(resource(lambda: _Position(start), "OneShotIterator"), None, dataset._structure)


def _refuse_state(graph: Graph, tensors: list[GraphTensor]) -> None:
    """Raise for tensors that need to be fed, or variables."""
    part = set(upstream(graph, tensors))
    for node in graph.nodes:
        if id(node) in part and (node.op is PLACEHOLDER or is_object(node)) and not node.attrs.get("zero"):
            raise ValueError(
                f"A one-shot iterator cannot capture {node.name!r}, a placeholder or variable: use "
                "`make_initializable_iterator` for datasets that depend on those."
            )


def make_initializable_iterator(dataset: Dataset, shared_name: str | None = None) -> SessionIterator:
    """An iterator with an operation `initializer` that starts it, as often as it is run.

    TensorFlow: tf.compat.v1.data.make_initializable_iterator.
    """
    if context.graph is None:
        raise RuntimeError("dataset.make_initializable_iterator is not supported when eager execution is enabled.")
    handle = resource(lambda: _Position(None), "Iterator")
    return SessionIterator(handle, _initializer(handle, dataset, "MakeIterator"), dataset._structure)
