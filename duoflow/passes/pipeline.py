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
from .specialize import Observed, specialize
from .state import explicit_state

__all__ = ["finish", "prepare", "watchers"]

Step = tuple[str, Callable[[Graph], Graph]]

#: Called with every graph as it was traced, and with the name and result of each pass that changed one.
watchers: list[Callable[[str, Graph], None]] = []


def prepare(graph: Graph) -> Graph:
    """What needs no sizes: calls inlined, dead nodes dropped, variables made inputs and outputs."""
    _tell("traced", graph)
    return _through(graph, (("inline", inline), ("prune", prune), ("state", explicit_state)))


def finish(
    graph: Graph,
    dims: Sequence[Dims],
    claimed: Container[str] = (),
    own: Sequence[Step] = (),
    observed: Observed | None = None,
) -> Graph:
    """The graph for inputs of these shapes (and the shapes `observed` inside, see `specialize`), ready for an engine.

    The engine has kernels of its own for the compounds `claimed`, and `own` passes that put ops in terms of others.
    """
    steps = (
        ("specialize", lambda g: specialize(g, dims, observed)),
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
    return _through(graph, steps)


def _through(graph: Graph, steps: Sequence[Step]) -> Graph:
    for name, step in steps:
        after = step(graph)
        if after is not graph:
            if switches.check_graphs:
                check_graph(after, name)
            _tell(name, after)
        graph = after
    return graph


def _tell(name: str, graph: Graph) -> None:
    for watch in watchers:
        watch(name, graph)
