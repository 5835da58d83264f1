"""From a traced graph to compiled ones: passes and compiler. A start that finds its programs kept needs none of it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from duoflow.core.engine import MEMORY_LIMIT
from duoflow.core.graph import Graph
from duoflow.core.shapes import Dims
from duoflow.passes import pipeline
from duoflow.passes.lists import grows_without_bound
from duoflow.passes.specialize import Observed
from duoflow.passes.table import StateTable

from .budget import compile_within
from .compiled import compile_graph
from .own import OWN_PASSES
from .reports import report
from .specialization import Specialization

__all__ = ["Builder", "facts", "report"]


class Builder:
    """Compiles one graph for several sets of input shapes."""

    def __init__(self, graph: Graph) -> None:
        #: The graph with explicit state, and how that belongs to the states.
        self.prepared = pipeline.prepare(graph)
        self.table: StateTable = self.prepared.extras.get("state") or StateTable()
        self._limit = graph.extras.get(MEMORY_LIMIT)

    def sized(self, dims: Sequence[Dims], observed: Observed | None = None) -> Graph:
        """The graph for first inputs of these shapes; further ones are the states that it names."""
        given = [t.dims for t in self.prepared.all_inputs]
        given = [own if i in self.table.inputs or i >= len(dims) else dims[i] for i, own in enumerate(given)]
        return pipeline.sized(self.prepared, given, observed)

    @staticmethod
    def is_known(graph: Graph) -> bool:
        """Whether all shapes in a graph that `sized` gave are known, and the lengths of its lists."""
        return all(t.spec.known for n in graph.nodes for t in n.outputs) and not grows_without_bound(graph)

    def compiled(self, graph: Graph) -> Specialization:
        """The program of a graph that `sized` gave."""
        graph = pipeline.lowered(graph, own=OWN_PASSES)
        if self._limit is None:
            return compile_graph(graph, self.table)
        return compile_within(graph, self.table, self._limit)


def facts(found: Specialization | None) -> dict[str, Any]:
    """What became of a graph: its passes, kernels and memory; None stands for one that its first run will show."""
    if found is None:
        return {"passes": [], "kernels": [], "memory": {}, "limit": None, "unlimited": 0, "runs": 0}
    compiled = found.origin
    return {
        "passes": pipeline.runs_of(compiled.graph),
        "kernels": report(compiled),
        "memory": compiled.memory(),
        "limit": compiled.limit,
        "unlimited": compiled.unlimited,
        "runs": compiled.timing.runs if compiled.timing is not None else 0,
    }
