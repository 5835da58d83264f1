"""What a `for` of the graph iterates over: a length and the item at an index, so that nothing is materialised.

Tensors go along their first axis; a `tf.range` gives start + index * step; `enumerate` and `zip` of such things give
tuples, `map` what a function makes of them. Datasets and their iterators have `_fold(initial_state, step)`, which goes
on while the first state is true.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NoReturn

from ....core.context import context
from ....core.errors import OperatorNotAllowedInGraphError
from ....core.late import F
from ....core.tensor import GraphTensor, convert
from . import state
from .symbolic import is_iterated_in_graph


@dataclass(frozen=True)
class Items:
    """Something with a length (an integer tensor) and an item for each index below it; `start` is that of a range."""

    length: Any
    item: Callable[[Any], Any]
    start: Any = None

    def __iter__(self) -> NoReturn:
        raise state.problem(
            OperatorNotAllowedInGraphError,
            "Iterating over a symbolic tf.Tensor, through enumerate, zip or map, works in a `for` statement only; "
            "tf.map_fn gives a tensor of all results.",
        )


def over_items(iterated: Any) -> Items | None:
    """How to go over a tensor in the graph, or None for what Python goes over."""
    if isinstance(iterated, Items):
        return iterated
    if not is_iterated_in_graph(iterated):
        return None
    tensor = convert(iterated)
    if isinstance(tensor, GraphTensor) and tensor.node.op.name == "Range":
        return _over_range(*tensor.node.inputs)
    if tensor.dims == ():
        raise state.problem(ValueError, "Cannot iterate over a scalar tensor: it has no first axis.")
    size = tensor.dims[0] if tensor.dims is not None else None
    length = convert(size) if size is not None else F.shape(tensor)[0]
    return Items(convert(length), lambda index: F.gather(tensor, index))


def _over_range(start: Any, limit: Any, delta: Any) -> Items:
    steps = -((start - limit) // delta)  # rounds up
    if start.dtype.is_floating:
        steps = F.cast(steps, "int32")
    length = F.maximum(steps, F.zeros([], steps.dtype))
    return Items(length, lambda index: start + F.cast(index, start.dtype) * delta, start)


def enumerated(iterated: Any, start: Any = 0) -> Items:
    """`enumerate` over what goes through the graph."""
    items = over_items(iterated)
    assert items is not None
    return Items(items.length, lambda index: (index + F.cast(start, index.dtype), items.item(index)))


def zipped(*iterated: Any) -> Items:
    """`zip` of things all of which go through the graph, as long as the shortest."""
    several = [over_items(one) for one in iterated]
    lengths = [F.cast(items.length, "int32") for items in several if items is not None]
    shortest = lengths[0]
    for length in lengths[1:]:
        shortest = F.minimum(shortest, length)
    return Items(shortest, lambda index: tuple([items.item(index) for items in several if items is not None]))


def mapped(function: Callable[..., Any], *iterated: Any) -> Items:
    """`map` over what goes through the graph."""
    items = zipped(*iterated)
    return Items(items.length, lambda index: function(*items.item(index)))


def is_dataset(iterated: Any) -> bool:
    """Whether a value is a dataset, or an iterator over one, met while tracing."""
    return context.graph is not None and hasattr(iterated, "_fold")
