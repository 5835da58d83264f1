"""The engine that runs graphs: what it offers, and which one is installed.

An engine compiles a finished graph; what it gives back is run with values for `graph.all_inputs`, in their order: a
NumPy array for a tensor, a `State` for a variable's handle, any Python object for a variant. The results are the
values of `graph.outputs`. Sub-graphs in the attributes of control ops run through `run_graph`, so host and engine
agree on them.
"""

from __future__ import annotations

import importlib
import threading
import time
from collections.abc import Sequence
from typing import Any, Protocol

from .collection import collection_paused
from .graph import Graph

__all__ = ["IMPORTED", "MEMORY_LIMIT", "Engine", "Executable", "current", "executable", "install", "run_graph"]


class Executable(Protocol):
    """A compiled graph."""

    def run(self, values: Sequence[Any]) -> list[Any]:
        """The values of the graph's outputs for these inputs."""
        ...

    @property
    def kernels(self) -> list[dict[str, Any]]:
        """What the latest run consisted of: a row for each kernel or call into Python; "where" says which."""
        ...


class Engine(Protocol):
    """What compiles graphs: an object or a module."""

    def compile(self, graph: Graph) -> Executable:
        """Prepare a graph, which must not change any more, for many runs."""
        ...


#: Where a graph's `extras` say how many bytes a run may need besides inputs and variables.
MEMORY_LIMIT = "memory limit"

#: When duoflow was imported, as files tell their times: what is younger than that is not what runs.
IMPORTED = time.time_ns()

_installed: list[Engine | str] = []
_compiling = threading.RLock()


def install(engine: Engine | str) -> None:
    """Let an engine run every graph from now on; a module's name is imported when a graph is first compiled."""
    _installed[:] = [engine]


def current() -> Engine:
    """The installed engine; `RuntimeError` if there is none."""
    if not _installed:
        raise RuntimeError(
            "No engine is installed: `import duoflow` installs one, or call duoflow.core.engine.install."
        )
    engine = _installed[0]
    if isinstance(engine, str):
        engine = _installed[0] = importlib.import_module(engine)
    return engine


def executable(graph: Graph) -> Executable:
    """The compiled form of a graph, kept as long as the graph lives."""
    kept = graph.compiled
    if kept is None or kept[0] is not _installed[0]:
        kept = _compiled(graph)
    return kept[1]  # type: ignore[no-any-return]


@collection_paused()
def _compiled(graph: Graph) -> Any:
    """What is kept of a graph: the engine, and what that made of it."""
    engine = current()
    with _compiling:
        if graph.compiled is None or graph.compiled[0] is not engine:
            graph.compiled = (engine, engine.compile(graph))
        return graph.compiled


def run_graph(graph: Graph, values: Sequence[Any]) -> list[Any]:
    """Run a graph on values for `graph.all_inputs`."""
    return executable(graph).run(values)
