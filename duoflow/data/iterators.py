"""Iterators over datasets: in Python loops, over NumPy values, and inside graphs."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from duoflow.core import dtypes, nest
from duoflow.core.context import context, eager_only
from duoflow.core.emit import emit, emit_one
from duoflow.core.engine import run_graph
from duoflow.core.errors import OutOfRangeError
from duoflow.core.graph import Graph
from duoflow.core.late import Late
from duoflow.core.optional import Held, Optional
from duoflow.core.record import Effect, Kind, Op, register
from duoflow.core.shapes import TensorShape
from duoflow.core.spec import Spec, TensorSpec, TypeSpec
from duoflow.core.tensor import HandleTensor, Tensor
from duoflow.core.trackable import Saveable
from duoflow.trace.types import TraceType

from .dataset import Dataset
from .functions import Traced
from .recipes import bound, tensors_in
from .structure import Flat, Structure, array, normalize

__all__ = ["Cursor", "IteratorSpec", "NumpyIterator", "OwnedIterator", "fold_in_graph", "reduce_dataset"]

late: Any = Late("duoflow.data.graph_iterators")


class IteratorSpec(TypeSpec, TraceType):
    """Describes an iterator by the spec of its elements, which is all that a trace depends on.

    TensorFlow: tf.data.IteratorSpec.
    """

    def __init__(self, element_spec: Any) -> None:
        self._element_spec = element_spec

    @property
    def element_spec(self) -> Any:
        """The spec of the elements."""
        return self._element_spec

    def is_subtype_of(self, other: Any) -> bool:
        """Whether a trace for `other` serves this spec."""
        return bool(self == other)

    def most_specific_common_supertype(self, others: Sequence[Any]) -> IteratorSpec | None:
        """This spec, if the others equal it."""
        return self if all(self == other for other in others) else None

    def placeholder_value(self, placeholder_context: Any = None) -> Any:
        """Placeholders of iterators belong to a graph."""
        raise NotImplementedError("Placeholders of iterators belong to a graph.")

    def flatten(self) -> list[TensorSpec]:
        """The spec of an iterator's handle."""
        return [TensorSpec((), dtypes.resource)]

    def to_tensors(self, value: Any) -> list[Any]:
        """The handle of an iterator."""
        return [value.handle]

    def from_tensors(self, tensors: Any) -> Any:
        """The iterator of a handle."""
        return late.HandleIterator(Structure(self._element_spec), next(tensors))

    def __eq__(self, other: object) -> bool:
        return isinstance(other, IteratorSpec) and self._element_spec == other._element_spec

    def __hash__(self) -> int:
        return hash(tuple(nest.flatten(self._element_spec)))


def _infer_next(handle: Spec, *, specs: tuple[TensorSpec, ...]) -> tuple[Spec, ...]:
    return tuple(Spec(s.shape.as_tuple(), s.dtype) for s in specs)


def _evaluate_next(state: Cursor, *, specs: tuple[TensorSpec, ...]) -> Flat:
    try:
        return next(state.stream)
    except StopIteration:
        raise OutOfRangeError("End of sequence").here() from None


GET_NEXT = register(
    Op(
        "IteratorGetNext",
        Kind.HOST,
        _infer_next,
        _evaluate_next,
        None,
        Effect.IO,
        num_outputs=None,
        differentiable=False,
    )
)


def _evaluate_next_as_optional(state: Cursor) -> Held:
    with eager_only():
        return Held(next(state.stream, None))


GET_NEXT_AS_OPTIONAL = register(
    Op(
        "IteratorGetNextAsOptional",
        Kind.HOST,
        lambda handle: Spec((), dtypes.variant),
        _evaluate_next_as_optional,
        None,
        Effect.IO,
        checked=False,
        differentiable=False,
    )
)


def next_as_optional(iterator: Any) -> Optional:
    """The next element of an iterator with a handle, or the knowledge that there is none."""
    return Optional(emit_one(GET_NEXT_AS_OPTIONAL, (iterator.handle,)), iterator.element_spec)


class _Counted:
    """A stream that knows how many of its elements were taken."""

    def __init__(self, stream: Iterator[Flat]) -> None:
        self._stream, self.taken = stream, 0

    def __iter__(self) -> _Counted:
        return self

    def __next__(self) -> Flat:
        flat = next(self._stream)
        self.taken += 1
        return flat


class Cursor:
    """The state of an iteration, held by a resource handle."""

    handle_dtype = dtypes.resource

    def __init__(self, stream: Iterator[Flat]) -> None:
        self.stream = _Counted(stream)

    def __repr__(self) -> str:
        return "<dataset iterator>"


class OwnedIterator(Saveable):
    """An iterator over a dataset's elements as structures of tensors.

    `next(iterator)` also works inside a `tf.function`: each run takes the next element.

    A checkpoint keeps how many elements were taken; restoring takes as many of a new pass over the dataset.

    TensorFlow: tf.data.Iterator.
    """

    _saved_as = "ITERATOR"

    def __init__(self, dataset: Dataset) -> None:
        self._dataset, self._structure = dataset, dataset._structure
        self._cursor = Cursor(dataset._stream())
        self.handle = HandleTensor(self._cursor)

    @property
    def element_spec(self) -> Any:
        """The spec of the elements."""
        return self._structure.spec

    def __iter__(self) -> OwnedIterator:
        return self

    def __tf_tracing_type__(self, context: Any) -> IteratorSpec:
        return IteratorSpec(self.element_spec)

    def _stream(self) -> Iterator[Flat]:
        return self._cursor.stream

    def _fold(self, initial_state: Any, step: Callable[..., Any], shapes: Any) -> Any:
        return fold_in_graph(self, initial_state, step, shapes)

    def __next__(self) -> Any:
        if context.graph is None:
            with eager_only():
                flat = next(self._cursor.stream)
            return self._structure.pack(flat)
        return self._structure.pack_tensors(emit(GET_NEXT, (self.handle,), {"specs": self._structure.tensor_specs}))

    def _save(self) -> bytes:
        return b"%d" % self._cursor.stream.taken

    def _load(self, saved: bytes) -> None:
        if not saved.isdigit():
            raise ValueError("The state of this iterator was saved by another library: restore without the iterator.")
        self._cursor.stream = stream = _Counted(self._dataset._stream())
        with eager_only(), contextlib.suppress(StopIteration):
            for _ in range(int(saved)):
                next(stream)

    def get_next(self, name: str | None = None) -> Any:
        """The next element; `OutOfRangeError` after the last."""
        try:
            return next(self)
        except StopIteration:
            raise OutOfRangeError("End of sequence").here() from None

    @property
    def output_types(self) -> Any:
        """The dtypes of the elements."""
        return self._dataset.output_types

    @property
    def output_shapes(self) -> Any:
        """The shapes of the elements."""
        return self._dataset.output_shapes

    @property
    def output_classes(self) -> Any:
        """The kinds of the elements' parts."""
        return self._dataset.output_classes

    def get_next_as_optional(self) -> Optional:
        """The next element, or the knowledge that there is none."""
        return next_as_optional(self)


class NumpyIterator:
    """An iterator over structures of NumPy values."""

    def __init__(self, dataset: Dataset) -> None:
        self._structure, self._stream = dataset._structure, dataset._stream()

    def __iter__(self) -> NumpyIterator:
        return self

    def __next__(self) -> Any:
        with eager_only():
            flat = next(self._stream)
        return self._structure.pack_numpy(flat)


# -- reduction: the loop over a dataset, also inside graphs ------------------------------------------------------------


def reduce_dataset(dataset: Dataset, initial_state: Any, reduce_func: Callable[..., Any]) -> Any:
    """Fold a function over the elements; in a graph, one node that runs the traced function per element."""
    state = normalize(initial_state)
    structure = Structure.of(state)
    if context.graph is None:
        return _reduce_eagerly(dataset, state, structure, reduce_func)
    return _reduce_in_graph(dataset, state, structure, reduce_func)


def _reduce_eagerly(dataset: Dataset, state: Any, structure: Structure, reduce_func: Callable[..., Any]) -> Any:
    step = Traced(reduce_func, Structure((structure.spec, dataset.element_spec)), "reduce")
    flat: Flat = tuple(array(leaf) for leaf in nest.flatten(state))
    kinds = [leaf.dtype for leaf in flat]
    for element in dataset._stream():
        flat = step(flat + element)
        if [leaf.dtype for leaf in flat] != kinds:
            raise TypeError(
                f"The state of `reduce` must keep its dtypes: it was {kinds} and `reduce_func` gave "
                f"{[leaf.dtype for leaf in flat]}."
            )
    return structure.pack(flat)


def fold_in_graph(source: Any, initial_state: Any, step: Callable[..., Any], shapes: Any) -> Any:
    """The `for` loop of a graph over a dataset, or over what is left of an iterator: `state = step(state, element)`.

    The first leaf of the state is a boolean: once it is false no further element is taken. `shapes` are the static
    shapes that the leaves keep throughout.
    """
    state = normalize(initial_state)
    return _reduce_in_graph(source, state, Structure.of(state), step, [TensorShape(shape) for shape in shapes])


def _infer_reduce(
    *specs: Spec, body: Graph, dataset: Any, count: int, stops: bool, tensors: tuple[int, ...]
) -> tuple[Spec, ...]:
    return tuple(Spec(t.dims, t.dtype) for t in body.outputs)


def _evaluate_reduce(
    *values: Any, body: Graph, dataset: Any, count: int, stops: bool, tensors: tuple[int, ...]
) -> Flat:
    last = len(values) - len(tensors)
    state, captured = values[:count], values[count:last]
    with eager_only():
        stream = iter(bound(dataset, dict(zip(tensors, values[last:], strict=True)))._stream())
        while not stops or state[0]:
            element = next(stream, None)
            if element is None:
                break
            state = tuple(run_graph(body, [*state, *element, *captured]))
    return tuple(state)


REDUCE = register(
    Op(
        "FoldDataset",  # TensorFlow's ops of datasets take other inputs
        Kind.HOST,
        _infer_reduce,
        _evaluate_reduce,
        None,
        Effect.READ | Effect.WRITE | Effect.IO,
        num_outputs=None,
        differentiable=False,
    )  # fmt: skip
)


def _reduce_in_graph(
    dataset: Any, state: Any, structure: Structure, reduce_func: Callable[..., Any], shapes: Any = None
) -> Any:
    graph = context.graph
    assert graph is not None
    body = Graph("reduce_body", is_function=True, outer=graph)
    flat_state = nest.flatten(state)
    with body.as_default():
        dims = [t.dims for t in flat_state] if shapes is None else [shape.as_tuple() for shape in shapes]
        inner = [body.add_input(t.dtype, d) for t, d in zip(flat_state, dims, strict=True)]
        specs = dataset._structure.tensor_specs
        element = dataset._structure.pack_tensors([body.add_input(s.dtype, s.shape.as_tuple()) for s in specs])
        out = normalize(reduce_func(nest.pack_sequence_as(structure.spec, inner), element))
    nest.assert_same_structure(structure.spec, out, check_types=False)
    body.outputs = [body.capture(t) for t in nest.flatten(out)]
    made_of = tensors_in(dataset, {})
    inputs: list[Tensor] = [*flat_state, *body.external_captures, *made_of.values()]
    attrs = {
        "body": body, "dataset": dataset, "count": len(flat_state), "stops": shapes is not None,
        "tensors": tuple(made_of),
    }  # fmt: skip
    return nest.pack_sequence_as(structure.spec, list(emit(REDUCE, tuple(inputs), attrs)))
