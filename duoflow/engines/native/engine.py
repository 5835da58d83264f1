"""The native engine: graphs as programs of compiled kernels.

`compile(graph)` makes an executable at once; the work is done at the first run with inputs of new shapes, and kept.
One run is one native call; nodes without a native lowering, and all whose shapes depend on data, are calls back into
Python from the same program, with `op.evaluate`. Variables that the program only reads and assigns are updated in
place, unless someone still holds the old value.
"""

from __future__ import annotations

import threading
from collections.abc import Sequence
from typing import Any

import numpy as np

from duoflow.core.graph import Graph
from duoflow.core.variables import State
from duoflow.passes import pipeline
from duoflow.passes.state import StateTable

from .. import reference
from .compiled import compile_graph
from .partial import split_reductions
from .pools import decompose_pools
from .specialization import Specialization

__all__ = ["OWN_PASSES", "NativeExecutable", "compile"]

#: What this engine puts in terms of ops that its kernels know.
OWN_PASSES = (("pools", decompose_pools), ("partial", split_reductions))


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
        self._specializations: dict[tuple[Any, ...], Specialization] = {}
        self._lock = threading.Lock()
        self._reference: reference.ReferenceExecutable | None = None

    def run(self, values: Sequence[Any]) -> list[Any]:
        """The outputs for values of `graph.all_inputs`; a State stands for a resource."""
        key = tuple([np.shape(values[i]) for i in self._open])
        found = self._specializations.get(key)
        if found is None:
            with self._lock:
                found = self._specializations.get(key)
                if found is None:
                    found = self._specializations[key] = self._specialize(values)
        if len(self._state_inputs) > 1 and self._shares_state(values):
            return self._run_by_node(values)
        return found.run(values)

    def _specialize(self, values: Sequence[Any]) -> Specialization:
        dims = list(self._dims)
        for i in self._open:
            if not isinstance(values[i], State) and hasattr(values[i], "shape"):
                dims[i] = values[i].shape
        return compile_graph(pipeline.finish(self._prepared, dims, own=OWN_PASSES), self._table)

    def _shares_state(self, values: Sequence[Any]) -> bool:
        """Whether one variable comes in twice, so that updating one input in place would change the other."""
        return len({id(values[i]) for i in self._state_inputs}) < len(self._state_inputs)

    def _run_by_node(self, values: Sequence[Any]) -> list[Any]:
        if self._reference is None:
            self._reference = reference.compile(self.graph)
        return self._reference.run(values)

    @property
    def kernels(self) -> list[dict[str, Any]]:
        """What the latest specialisation runs: a row for each kernel or host call."""
        if not self._specializations:
            return []
        return list(self._specializations.values())[-1].report()


def compile(graph: Graph) -> NativeExecutable:
    """An executable for a finished graph."""
    return NativeExecutable(graph)
