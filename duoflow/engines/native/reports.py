"""What people, and the planning of memory, ask about a compiled graph: its tasks, when they run, what they take."""

from __future__ import annotations

import functools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from duoflow.core.tensor import GraphTensor

from .plan import Arena, Schedule
from .roofline import seconds_at_best
from .specialization import Specialization
from .tasks import BlockTask, Task, describe_task
from .threads import thread_count

__all__ = ["Layout", "report"]


@dataclass(frozen=True)
class Layout:
    """When the tasks of a program run and where its arena has their tensors."""

    schedule: Schedule
    arena: Arena

    @functools.cached_property
    def task_of(self) -> dict[int, Task]:
        """The task that computes each node (by id)."""
        return {id(n): task for task in self.schedule.tasks for n in task.nodes}

    def written(self, task: Task) -> list[GraphTensor]:
        """What is in memory when a task has run."""
        replaced = isinstance(task, BlockTask) and task.replaced_by is not None
        return [t for t in task.writes if not replaced or t is not task.product]

    def tensors(self) -> list[GraphTensor]:
        """The tensors in the arena."""
        return [t for task in self.schedule.tasks for t in task.writes if id(t) in self.arena.live]


def report(compiled: Specialization) -> list[dict[str, Any]]:
    """A row for each task, those inside loops and branches after these: see `tasks.describe_task`."""
    return [
        {**describe_task(task), "depth": depth, **_measured(compiled, task, depth)}
        for task, depth in _all_of(compiled.tasks, 0)
    ]


def _measured(compiled: Specialization, task: Task, depth: int) -> dict[str, Any]:
    """The time of a task in one run, and its share of the best possible; None for what is not known."""
    timing = compiled.timing
    seconds = timing.seconds(*compiled.instructions[id(task)]) if timing is not None else None
    threads = min(compiled.program.threads, thread_count()) if task.parallel else 1
    share = None
    if seconds and not (task.is_host or task.inner or depth):  # how often a loop runs is not known
        share = seconds_at_best(task.flops, task.bytes_moved, threads) / seconds
    return {"threads": threads, "seconds": seconds, "share": share}


def _all_of(tasks: Sequence[Task], depth: int) -> Iterator[tuple[Task, int]]:
    for task in tasks:
        yield task, depth
        yield from _all_of(task.inner, depth + 1)
