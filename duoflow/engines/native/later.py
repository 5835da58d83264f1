"""The order that a graph asks for where it reads something only `Later`: not before other tensors are computed."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from duoflow.core.graph import Graph, Node

from .static import inputs_of
from .tasks import Task

__all__ = ["LATER", "waits"]

LATER = "Later"


def waits(graph: Graph, tasks: Sequence[Task]) -> list[tuple[Task, Task]]:
    """Pairs of tasks of which the second must wait for the first."""
    if not any(n.op.name == LATER for n in graph.nodes):
        return []
    task_of = {id(n): task for task in tasks for n in task.nodes}

    def upwards(nodes: Iterable[Node]) -> Iterator[Node]:
        """These nodes and what is before them, up to what is computed by tasks."""
        stack, seen = list(nodes), set[int]()
        while stack:
            node = stack.pop()
            if id(node) not in seen:
                seen.add(id(node))
                yield node
                if id(node) not in task_of:
                    stack += [t.node for t in inputs_of(node)]

    out = []
    for task in tasks:
        read = [t.node for node in task.nodes for t in inputs_of(node) if task_of.get(id(t.node)) is not task]
        awaited = upwards(t.node for n in upwards(read) if n.op.name == LATER for t in inputs_of(n)[1:])
        first = {id(t): t for n in awaited if (t := task_of.get(id(n))) is not None and t is not task}
        out += [(t, task) for t in first.values()]
    return out
