"""The passes in their order: what happens to a graph between tracing and an engine.

`prepare` runs once per trace, `finish` once per set of input shapes.
"""

from __future__ import annotations

from collections.abc import Callable, Container, Sequence

from duoflow.core.check import check_graph
from duoflow.core.graph import Graph
from duoflow.core.shapes import Dims
from duoflow.core.switches import switches

from .expand import expand
from .fold import fold
from .inline import inline
from .merge import merge
from .prune import prune
from .simplify import simplify
from .specialize import specialize
from .state import explicit_state

__all__ = ["finish", "prepare"]

Step = tuple[str, Callable[[Graph], Graph]]
Watcher = Callable[[str, Graph], None]


def prepare(graph: Graph, watch: Watcher | None = None) -> Graph:
    """What needs no sizes: calls inlined, dead nodes dropped, variables made inputs and outputs."""
    return _through(graph, (("inline", inline), ("prune", prune), ("state", explicit_state)), watch)


def finish(
    graph: Graph,
    dims: Sequence[Dims],
    claimed: Container[str] = (),
    watch: Watcher | None = None,
    own: Sequence[Step] = (),
) -> Graph:
    """The graph for inputs of these shapes, ready for an engine.

    The engine has kernels of its own for the compounds `claimed`, and `own` passes that put ops in terms of others.
    """
    steps = (
        ("specialize", lambda g: specialize(g, dims)),
        ("expand", lambda g: expand(g, claimed)),
        *own,
        ("expand again", lambda g: expand(g, claimed)),
        ("fold", fold),
        ("simplify", simplify),
        ("merge", merge),
        ("prune", prune),
        # Merging gives simplification new equals to see, and folding its constants.
        ("simplify again", simplify),
        ("fold again", fold),
        ("merge again", merge),
        ("prune again", prune),
    )
    return _through(graph, steps, watch)


def _through(graph: Graph, steps: Sequence[Step], watch: Watcher | None) -> Graph:
    for name, step in steps:
        after = step(graph)
        if switches.check_graphs and after is not graph:
            check_graph(after, name)
        if watch is not None and after is not graph:
            watch(name, after)
        graph = after
    return graph
