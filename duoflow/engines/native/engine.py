"""The native engine: graphs as programs of compiled kernels.

`compile(graph)` makes an executable at once; the work is done at the first run with inputs of new shapes, and kept.
One run is one native call; nodes without a native lowering, and all whose shapes depend on data, are calls back into
Python from the same program, with `op.evaluate`. Variables that the program only reads and assigns are updated in
place, unless someone still holds the old value.
"""

from __future__ import annotations

import functools
import importlib
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np

from duoflow.core.collection import collection_paused
from duoflow.core.dtypes import resource
from duoflow.core.errors import ResourceExhaustedError
from duoflow.core.graph import Graph, Node
from duoflow.core.shapes import Dims
from duoflow.core.state import State
from duoflow.passes.assume import LoopOutgrown, ShapeChanged
from duoflow.passes.table import StateTable

from .. import reference
from . import profile
from .fingerprint import Fingerprint, fingerprint
from .images import image_of
from .specialization import Specialization

__all__ = ["NativeExecutable", "compile", "timed"]

#: How often the shapes inside a graph may change before it is compiled without knowing them.
_MOST_OBSERVATIONS = 3
#: Stands for the specialisation of a graph whose inner shapes its first run will show.
_OBSERVING: Any = object()

Key = tuple[Any, ...]


def _building() -> Any:
    """The module that compiles: a start that finds its programs kept does without it."""
    return importlib.import_module(".build", __package__)


def _size_of(value: Any) -> Dims:
    """The shape of an array, the length of a list."""
    items = getattr(value, "items", None)
    return (len(items),) if isinstance(items, list) else getattr(value, "shape", ())


class NativeExecutable:
    """A graph that is compiled for each set of input shapes it meets."""

    def __init__(self, graph: Graph) -> None:
        self.graph = graph
        self._open = [i for i, t in enumerate(graph.all_inputs) if not t.spec.known and t.dtype is not resource]
        #: The inputs that are states, known once there is a program.
        self._state_inputs: list[int] = []
        #: The states of the latest run: no one among them came in twice.
        self._distinct: list[Any] = []
        self._specializations: dict[Key, Any] = {}
        self._observations: dict[Key, int] = {}
        self._by_node: reference.ReferenceExecutable | None = None
        self._lock = threading.RLock()
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
        except ShapeChanged as change:
            return self._observe(key, values, isinstance(change, LoopOutgrown))
        except MemoryError as error:
            raise ResourceExhaustedError(f"OOM when running {self.graph.name!r}: {error}").here() from error

    @functools.cached_property
    def _builder(self) -> Any:
        return _building().Builder(self.graph)

    @functools.cached_property
    def _fingerprint(self) -> Fingerprint | None:
        return fingerprint(self.graph)

    @collection_paused()
    def _specialize(self, key: Key, values: Sequence[Any]) -> Specialization:
        """Find or compile the program for these inputs; if they do not tell all shapes, the first run will show."""
        dims = self._dims_of(values)
        image = image_of(self.graph, self._fingerprint, dims)
        found = None if image is None else image.load(functools.partial(self._anew, dims))
        self._state_inputs = self._states_of(self._builder.table if found is None else found.table)
        if found is None:
            graph = self._builder.sized(dims)
            if not self._builder.is_known(graph) and not self._shares_state(values):
                self._observations[key] = 0
                found = _OBSERVING
            else:
                found = self._builder.compiled(graph)
                if image is not None:
                    image.keep(found)
        self._specializations[key] = found
        return found

    def _anew(self, dims: Sequence[Dims]) -> Specialization:
        """What is compiled for inputs of these shapes."""
        with self._lock:
            return self._builder.compiled(self._builder.sized(dims))  # type: ignore[no-any-return]

    def _states_of(self, table: StateTable) -> list[int]:
        return [i for i in table.inputs if i < len(self.graph.all_inputs)]

    def _dims_of(self, values: Sequence[Any]) -> list[Dims]:
        dims = [t.dims for t in self.graph.all_inputs]
        for i in self._open:
            if not isinstance(values[i], State) and hasattr(values[i], "shape"):
                dims[i] = values[i].shape
        return dims

    def _observe(self, key: Key, values: Sequence[Any], outgrown: bool = False) -> list[Any]:
        """Run node by node, and compile for the shapes that come up; if they change every time, for none of them.

        A loop that has `outgrown` its program gets so much more room that this does not happen often.
        """
        seen: dict[str, tuple[Dims, ...]] = {}

        def note(node: Node, results: tuple[Any, ...]) -> None:
            seen[node.name] = tuple([_size_of(r) for r in results])

        table, states = self._builder.table, {}
        for position in table.inputs:
            states[position] = table.constant[position] if position in table.constant else values[position]
        given = [
            states[i].array if i in table.unread else states[i].read() if i in states else v
            for i, v in self._all(values)
        ]
        if self._by_node is None:
            self._by_node = reference.compile(self._builder.prepared)
        results = self._by_node.run(given, note)
        for position, output in table.updates:
            states[position].write(results[output])
        with self._lock:
            self._observations[key] += not outgrown
            settled = self._observations[key] <= _MOST_OBSERVATIONS
            graph = self._builder.sized(self._dims_of(values), seen if settled else None)
            self._specializations[key] = self._builder.compiled(graph)
        return results[: len(self.graph.outputs)]

    def _all(self, values: Sequence[Any]) -> list[tuple[int, Any]]:
        """Values by position, with places for the states that the graph itself names."""
        missing = len(self._builder.prepared.all_inputs) - len(values)
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
                graph = self._builder.sized(self._dims_of(()))
                if self._builder.is_known(graph):
                    self._state_inputs = self._states_of(self._builder.table)
                    self._specializations[()] = self._builder.compiled(graph)

    @property
    def kernels(self) -> list[dict[str, Any]]:
        """What the latest specialisation runs: a row for each kernel or host call."""
        compiled = [s for s in self._specializations.values() if s is not _OBSERVING]
        return _building().report(compiled[-1].origin) if compiled else []

    def report(self) -> list[dict[str, Any]]:
        """What it was compiled for and to: a row for each specialisation."""
        return [
            {"shapes": key, **_building().facts(None if s is _OBSERVING else s)}
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
