"""The order of tasks and the place of every tensor.

Tasks are put into stages: a barrier lies between two stages and nothing within one depends on another thread's work.
A task follows its producers, and, when it replaces a variable's value in place, all others that read the old one.
Tensors that live only inside the program share one arena: two may have the same bytes if their stages do not meet, or
if a task reads one for the last time and writes the other at the same points.
"""

from __future__ import annotations

import heapq
from collections.abc import Callable, Container, Sequence
from dataclasses import dataclass, field

from duoflow.core.tensor import GraphTensor

from .static import elements
from .tasks import Task

__all__ = ["Arena", "Schedule", "allocate", "depends_on", "schedule"]

_ALIGNMENT = 64


@dataclass
class Schedule:
    """Tasks in order, with the stage of each (by id)."""

    tasks: list[Task]
    stage: dict[int, int] = field(default_factory=dict)

    @property
    def stages(self) -> int:
        return 1 + max(self.stage.values(), default=-1)


def producers(tasks: Sequence[Task]) -> dict[int, Task]:
    """The task that writes each tensor (by id)."""
    return {id(t): task for task in tasks for t in task.writes}


def readers(tasks: Sequence[Task]) -> dict[int, list[Task]]:
    """The tasks that read each tensor (by id), in order."""
    found: dict[int, list[Task]] = {}
    for task in tasks:
        for key in {id(t) for t in task.reads}:
            found.setdefault(key, []).append(task)
    return found


def edges(tasks: Sequence[Task], extra: Sequence[tuple[Task, Task]] = ()) -> dict[int, list[Task]]:
    """For each task (by id), those that must come before it."""
    made = producers(tasks)
    before: dict[int, list[Task]] = {id(t): [] for t in tasks}
    for task in tasks:
        for tensor in task.reads:
            source = made.get(id(tensor))
            if source is not None and source is not task:
                before[id(task)].append(source)
    for first, second in extra:
        before[id(second)].append(first)
    return before


def depends_on(task: Task, other: Task, before: dict[int, list[Task]]) -> bool:
    """Whether `other` must run before `task`."""
    seen: set[int] = set()
    stack = [task]
    while stack:
        for source in before[id(stack.pop())]:
            if source is other:
                return True
            if id(source) not in seen:
                seen.add(id(source))
                stack.append(source)
    return False


def schedule(tasks: Sequence[Task], before: dict[int, list[Task]], position: dict[int, int]) -> Schedule:
    """Order tasks by the place of their last node in the graph, as dependencies allow, and put them into stages."""
    ordered = _topological(tasks, before, position)
    stage: dict[int, int] = {}
    for task in ordered:
        earliest = 0
        for source in before[id(task)]:
            alone = not source.parallel and not task.parallel
            earliest = max(earliest, stage[id(source)] + (0 if alone else 1))
        stage[id(task)] = earliest
    rank = {id(t): i for i, t in enumerate(ordered)}
    return Schedule(sorted(ordered, key=lambda t: (stage[id(t)], rank[id(t)])), stage)


def _topological(tasks: Sequence[Task], before: dict[int, list[Task]], position: dict[int, int]) -> list[Task]:
    after: dict[int, list[Task]] = {id(t): [] for t in tasks}
    missing = {}
    for task in tasks:
        sources = {id(s): s for s in before[id(task)]}
        missing[id(task)] = len(sources)
        for source in sources.values():
            after[id(source)].append(task)
    place = {id(t): max(position[id(n)] for n in t.nodes) for t in tasks}
    ready = [(place[id(t)], i, t) for i, t in enumerate(tasks) if not missing[id(t)]]
    heapq.heapify(ready)
    out: list[Task] = []
    count = len(tasks)
    while ready:
        _, _, task = heapq.heappop(ready)
        out.append(task)
        for follower in after[id(task)]:
            missing[id(follower)] -= 1
            if not missing[id(follower)]:
                count += 1
                heapq.heappush(ready, (place[id(follower)], count, follower))
    if len(out) != len(tasks):
        raise AssertionError("The kernels of a graph depend on each other in a circle.")
    return out


@dataclass
class _Interval:
    size: int
    first: int
    last: int
    offset: int = 0
    #: Those that read a tensor in the last stage in which anybody does.
    readers: list[Task] = field(default_factory=list)


@dataclass(frozen=True)
class Arena:
    """Offsets of tensors and of tasks' scratch memory (both by id), and the size of it all.

    `live` says for each tensor (by id) from which stage to which it is needed, `at` how many bytes are in each stage.
    """

    tensors: dict[int, int]
    scratch: dict[int, int]
    size: int
    live: dict[int, tuple[int, int]]
    at: list[int]


#: Whether a task may write its second tensor over the first, which it reads and nobody needs any more.
MayReplace = Callable[[Task, GraphTensor, GraphTensor], bool]


def allocate(
    planned: Schedule,
    tensors: Sequence[GraphTensor],
    node_stage: dict[int, int],
    may_replace: MayReplace,
    kept: Container[int] = (),
    apart: bool = False,
) -> Arena:
    """Places in the arena. Tensors in `kept` (by id) are still needed after the last stage.

    If threads run `apart`, one may be anywhere while another is in some stage: then all is needed all the time.
    """
    intervals = _intervals(planned, tensors, node_stage, kept)
    live = {key: (i.first, i.last) for key, i in intervals.items()}
    home = _shared(planned, {id(t): t for t in tensors}, intervals, may_replace)
    scratch = {id(t): _Interval(t.scratch_bytes, s, s) for t in planned.tasks for s in [planned.stage[id(t)]]}
    placed = [i for k, i in intervals.items() if home[k] == k] + [i for i in scratch.values() if i.size]
    for interval in placed if apart else ():
        interval.first, interval.last = 0, planned.stages
    size = _place(placed)
    at = [0] * planned.stages
    for interval in placed:
        for stage in range(interval.first, min(interval.last + 1, planned.stages)):
            at[stage] += interval.size
    offsets = {key: intervals[home[key]].offset for key in intervals}
    return Arena(offsets, {key: i.offset for key, i in scratch.items()}, size, live, at)


def _intervals(
    planned: Schedule, tensors: Sequence[GraphTensor], node_stage: dict[int, int], kept: Container[int]
) -> dict[int, _Interval]:
    """From which stage to which each tensor (by id) is needed."""
    intervals: dict[int, _Interval] = {}
    for tensor in tensors:
        size = elements(tensor) * tensor.dtype.numpy.itemsize
        last = planned.stages if id(tensor) in kept else 0
        intervals[id(tensor)] = _Interval(size, node_stage[id(tensor)], last)
    for task in planned.tasks:
        stage = planned.stage[id(task)]
        for tensor in (*task.reads, *task.writes):
            interval = intervals.get(id(tensor))
            if interval is not None and stage >= interval.last:
                interval.readers = [*(interval.readers if stage == interval.last else ()), task]
                interval.last = stage
    return intervals


def _shared(
    planned: Schedule,
    by_id: dict[int, GraphTensor],
    intervals: dict[int, _Interval],
    may_replace: MayReplace,
) -> dict[int, int]:
    """For each tensor (by id), whose memory it has: its own, or that of one that ends where it begins."""
    home = {key: key for key in intervals}
    taken: set[int] = set()
    for task in planned.tasks:
        for new in (t for t in task.writes if id(t) in intervals):
            own = intervals[id(new)]
            for old in (t for t in task.reads if id(t) in intervals and id(t) not in taken):
                interval = intervals[id(old)]
                ends = interval.readers == [task] and interval.last == own.first and interval.size == own.size > 0
                if ends and interval.first < own.first and may_replace(task, by_id[id(old)], new):
                    taken.add(id(old))
                    home[id(new)] = home[id(old)]
                    root = intervals[home[id(old)]]
                    root.last = max(root.last, own.last)
                    break
    return home


def _place(intervals: Sequence[_Interval]) -> int:
    """Give each an offset, the largest first; the bytes they take in all."""
    placed: list[_Interval] = []
    for interval in sorted(intervals, key=lambda i: (-i.size, i.first)):
        size = interval.size
        busy = sorted(
            (p.offset, p.offset + p.size) for p in placed if p.first <= interval.last and interval.first <= p.last
        )
        offset = 0
        for start, end in busy:
            if offset + size <= start:
                break
            offset = max(offset, -(-end // _ALIGNMENT) * _ALIGNMENT)
        interval.offset = offset
        placed.append(interval)
    return max((p.offset + p.size for p in placed), default=0)
