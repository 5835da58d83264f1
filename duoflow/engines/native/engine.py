"""The native engine: graphs as programs of compiled kernels.

`compile(graph)` makes an executable at once; the work is done at the first run with inputs of new shapes, and kept.
One run is one native call; nodes without a native lowering, and all whose shapes depend on data, are calls back into
Python from the same program, with `op.evaluate`. Variables that the program only reads and assigns are updated in
place, unless someone still holds the old value.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np

from duoflow.core.collection import collection_paused
from duoflow.core.engine import MEMORY_LIMIT
from duoflow.core.errors import ResourceExhaustedError
from duoflow.core.graph import Graph, Node
from duoflow.core.shapes import Dims
from duoflow.core.state import State
from duoflow.passes import pipeline
from duoflow.passes.assume import ShapeChanged
from duoflow.passes.state import StateTable

from .. import reference
from . import profile
from .budget import compile_within
from .compiled import compile_graph
from .own import OWN_PASSES
from .specialization import Specialization

__all__ = ["NativeExecutable", "compile", "timed"]

#: How often the shapes inside a graph may change before it is compiled without knowing them.
_MOST_OBSERVATIONS = 3
#: Stands for the specialisation of a graph whose inner shapes its first run will show.
_OBSERVING: Any = object()

Key = tuple[Any, ...]


def _is_static(graph: Graph) -> bool:
    return all(t.spec.known for node in graph.nodes for t in node.outputs)


class NativeExecutable:
    """A graph that is compiled for each set of input shapes it meets."""

    def __init__(self, graph: Graph) -> None:
        self.graph = graph
        self._prepared = pipeline.prepare(graph)
        self._table: StateTable = self._prepared.extras.get("state") or StateTable()
        given = len(graph.all_inputs)
        self._open = [i for i, t in enumerate(graph.all_inputs) if i not in self._table.inputs and not t.spec.known]
        self._dims = [t.dims for t in self._prepared.all_inputs]
        self._state_inputs = [i for i in self._table.inputs if i < given]
        #: The states of the latest run: no one among them came in twice.
        self._distinct: list[Any] = []
        self._specializations: dict[Key, Any] = {}
        self._observations: dict[Key, int] = {}
        self._by_node: reference.ReferenceExecutable | None = None
        self._lock = threading.Lock()
        self._reference: reference.ReferenceExecutable | None = None

    def run(self, values: Sequence[Any]) -> list[Any]:
        """The outputs for values of `graph.all_inputs`; a State stands for a resource."""
        key = tuple([np.shape(values[i]) for i in self._open]) if self._open else ()
        found = self._specializations.get(key)
        if found is None:
            with self._lock:
                found = self._specializations.get(key) or self._specialize(key, values)
        if len(self._state_inputs) > 1:
            states = [values[i] for i in self._state_inputs]
            if states != self._distinct:
                if self._shares_state(values):
                    return self._run_by_node(values)
                self._distinct = states
        if found is _OBSERVING:
            return self._observe(key, values)
        try:
            return found.run(values)
        except ShapeChanged:
            return self._observe(key, values)
        except MemoryError as error:
            raise ResourceExhaustedError(f"OOM when running {self.graph.name!r}: {error}").here() from error

    @collection_paused()
    def _specialize(self, key: Key, values: Sequence[Any]) -> Specialization:
        """Compile for these inputs; if shapes inside are not known from them, the first run will show."""
        dims = self._dims_of(values)
        graph = pipeline.sized(self._prepared, dims)
        if not _is_static(graph) and not self._shares_state(values):
            self._observations[key] = 0
            self._specializations[key] = _OBSERVING
        else:
            self._specializations[key] = self._compile(graph)
        return self._specializations[key]

    def _compile(self, graph: Graph) -> Specialization:
        graph, limit = pipeline.lowered(graph, own=OWN_PASSES), self.graph.extras.get(MEMORY_LIMIT)
        return compile_graph(graph, self._table) if limit is None else compile_within(graph, self._table, limit)

    def _dims_of(self, values: Sequence[Any]) -> list[Dims]:
        dims = list(self._dims)
        for i in self._open:
            if not isinstance(values[i], State) and hasattr(values[i], "shape"):
                dims[i] = values[i].shape
        return dims

    def _observe(self, key: Key, values: Sequence[Any]) -> list[Any]:
        """Run node by node, and compile for the shapes that come up; if they change every time, for none of them."""
        seen: dict[str, tuple[Dims, ...]] = {}

        def note(node: Node, results: tuple[Any, ...]) -> None:
            seen[node.name] = tuple([getattr(r, "shape", ()) for r in results])

        table, states = self._table, {}
        for position in table.inputs:
            states[position] = table.constant[position] if position in table.constant else values[position]
        given = [
            states[i].array if i in table.unread else states[i].read() if i in states else v
            for i, v in self._all(values)
        ]
        if self._by_node is None:
            self._by_node = reference.compile(self._prepared)
        results = self._by_node.run(given, note)
        for position, output in table.updates:
            states[position].write(results[output])
        with self._lock:
            self._observations[key] += 1
            settled = self._observations[key] <= _MOST_OBSERVATIONS
            graph = pipeline.sized(self._prepared, self._dims_of(values), seen if settled else None)
            self._specializations[key] = self._compile(graph)
        return results[: len(self.graph.outputs)]

    def _all(self, values: Sequence[Any]) -> list[tuple[int, Any]]:
        """Values by position, with places for the states that the graph itself names."""
        missing = len(self._prepared.all_inputs) - len(values)
        return list(enumerate([*values, *[None] * missing]))

    def _shares_state(self, values: Sequence[Any]) -> bool:
        """Whether one variable comes in twice, so that updating one input in place would change the other."""
        return len({id(values[i]) for i in self._state_inputs}) < len(self._state_inputs)

    def _run_by_node(self, values: Sequence[Any]) -> list[Any]:
        if self._reference is None:
            self._reference = reference.compile(self.graph)
        return self._reference.run(values)

    def plan(self) -> None:
        """Compile without running, where the graph itself says what its inputs are."""
        with self._lock:
            if not self._open and not self._specializations:
                graph = pipeline.sized(self._prepared, self._dims)
                if _is_static(graph):
                    self._specializations[()] = self._compile(graph)

    @property
    def kernels(self) -> list[dict[str, Any]]:
        """What the latest specialisation runs: a row for each kernel or host call."""
        compiled = [s for s in self._specializations.values() if s is not _OBSERVING]
        return compiled[-1].report() if compiled else []

    def report(self) -> list[dict[str, Any]]:
        """What it was compiled for and to: a row for each specialisation."""
        return [
            {
                "shapes": key,
                "passes": [] if s is _OBSERVING else pipeline.runs_of(s.graph),
                "kernels": [] if s is _OBSERVING else s.report(),
                "memory": {} if s is _OBSERVING else s.memory(),
                "limit": None if s is _OBSERVING else s.limit,
                "unlimited": 0 if s is _OBSERVING else s.unlimited,
                "runs": 0 if s is _OBSERVING or s.timing is None else s.timing.runs,
            }
            for key, s in self._specializations.items()
        ]


@contextmanager
def timed() -> Iterator[None]:
    """Time the kernels of every run inside; `report` has what they took."""
    profile.start()
    try:
        yield
    finally:
        profile.stop()


def compile(graph: Graph) -> NativeExecutable:
    """An executable for a finished graph."""
    return NativeExecutable(graph)
