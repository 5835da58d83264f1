"""Whether a value makes control flow part of the graph: the one place that decides it."""

from collections.abc import Callable
from typing import Any

from ....core.context import context
from ....core.graph import Graph
from ....core.tensor import EagerTensor, GraphTensor, Operators


def is_symbolic(value: Any) -> bool:
    """Whether a condition is decided when the graph runs: a graph's tensor, or a variable while tracing."""
    if isinstance(value, GraphTensor):
        return True
    return isinstance(value, Operators) and context.graph is not None and not isinstance(value, EagerTensor)


def is_iterated_in_graph(value: Any) -> bool:
    """Whether a `for` over a value becomes a loop of the graph: any tensor while tracing, lest it be unrolled."""
    return isinstance(value, Operators) and context.graph is not None


def probe(run: Callable[[], Any]) -> tuple[Any, bool]:
    """Run while tracing into a graph that is thrown away; returns the result and whether ops were called."""
    if context.graph is None:
        return run(), False
    scratch = Graph("probe", is_function=True, outer=context.graph)
    with scratch.as_default():
        result = run()
    return result, bool(scratch.nodes)
