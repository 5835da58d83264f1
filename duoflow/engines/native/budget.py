"""Programs that fit into a budget of memory: what is kept for long is computed again where it is read at last.

`compile_within(graph, table, limit)` compiles, looks at the stages in which more memory is needed than allowed, and
chooses among the tensors that merely lie there from an early reader to a late one: those that free most, for longest,
for the least work. For the late readers they are computed again, from what is in memory then, `Later` than the task
that these readers wait for anyway. That is compiled again, until the plan fits or nothing helps.
"""

from __future__ import annotations

import heapq
import itertools
import math
from collections.abc import Iterable
from dataclasses import dataclass, field

from duoflow.core.errors import ResourceExhaustedError, show_origin
from duoflow.core.graph import CONST, PLACEHOLDER, Graph, Node
from duoflow.core.record import OPS, Effect, Kind
from duoflow.core.tensor import GraphTensor
from duoflow.passes.prune import acts, prune
from duoflow.passes.rewrite import Rewriter
from duoflow.passes.table import StateTable

from .compiled import compile_graph
from .later import LATER
from .reports import Layout
from .specialization import Specialization
from .static import elements, inputs_of
from .tasks import Task

__all__ = ["compile_within", "shown"]

#: How often the graph is changed, and how often in a row without having won anything.
_MOST_ROUNDS, _MOST_VAIN = 24, 4
#: Tensors that are smaller than the excess by this factor are left alone.
_SMALL = 256
#: The most nodes that are computed again for one tensor.
_MOST_NODES = 64
#: A tensor may be kept for longer to compute one of so many times its size from it.
_KEPT_FOR = 4
#: Operations of products that take as long as an elementwise operation with its traffic.
_PRODUCT_OPERATIONS = 16
#: How many tensors an error names.
_NAMED = 6


def compile_within(graph: Graph, table: StateTable, limit: int) -> Specialization:
    """The program of a graph, planned to need no more bytes than `limit`; `ResourceExhaustedError` if it cannot."""
    free = best = compile_graph(graph, table)
    for careful in (True, False):
        if best.planned_bytes > limit:
            best = min(best, _thinned(graph, table, free, limit, careful), key=lambda s: s.planned_bytes)
    if best.planned_bytes > limit:
        raise ResourceExhaustedError(None, None, _complaint(best, limit, free.planned_bytes))
    best.limit, best.unlimited = limit, free.planned_bytes
    return best


def _thinned(graph: Graph, table: StateTable, found: Specialization, limit: int, careful: bool) -> Specialization:
    """The best that comes of computing again, round by round: as little as should do, or all that looked cheap."""
    best, vain = found, 0
    for _ in range(_MOST_ROUNDS):
        if found.planned_bytes <= limit or vain == _MOST_VAIN:
            break
        allowed = limit - found.planned_bytes + max(found.layout.arena.at, default=0)
        chosen = _Chooser(found.layout, allowed, careful).choose()
        if not chosen:
            break
        graph = prune(_Writer(graph, found.layout, chosen).write())
        found = compile_graph(graph, table)
        vain = 0 if found.planned_bytes < best.planned_bytes else vain + 1
        best = min(found, best, key=lambda s: s.planned_bytes)
    return best


def shown(count: int) -> str:
    """A number of bytes for people."""
    if count < 1 << 10:
        return f"{count:,} B"
    return f"{count / 2**10:,.1f} KiB" if count < 1 << 20 else f"{count / 2**20:,.1f} MiB"


def _complaint(best: Specialization, limit: int, unlimited: int) -> str:
    again = "" if unlimited == best.planned_bytes else f" ({shown(unlimited)} if nothing were computed twice)"
    return (
        f"{best.graph.name!r} is planned to need {shown(best.planned_bytes)} of memory besides its inputs and variables"
        f"{again}; memory_limit allows {shown(limit)}. Where most is needed, there are:\n"
        + "\n".join(_largest(best.layout))
        + "\nRaise the limit, let a batch be smaller, or split what these lines compute into more steps."
    )


def _largest(layout: Layout) -> list[str]:
    """Lines for what takes most memory in the stage in which most is needed."""
    at, arena = layout.arena.at, layout.arena
    fullest = max(range(len(at)), key=at.__getitem__, default=0)
    rows: list[tuple[int, str, Node]] = []
    for tensor in layout.tensors():
        first, last = arena.live[id(tensor)]
        if first <= fullest <= last:
            what = f"{tensor.dtype.name}{list(tensor.dims or ())} of {tensor.node.op.name}"
            rows.append((_bytes(tensor), what, tensor.node))
    for task in layout.schedule.tasks:
        if task.scratch_bytes and layout.schedule.stage[id(task)] == fullest:
            rows.append((task.scratch_bytes, f"working memory of {task.name}", task.nodes[0]))
    rows.sort(key=lambda row: -row[0])
    return [f"  {shown(size)}: {what} {show_origin(node.origin)}" for size, what, node in rows[:_NAMED]]


def _bytes(tensor: GraphTensor) -> int:
    return elements(tensor) * tensor.dtype.numpy.itemsize


@dataclass
class Again:
    """A tensor that is computed once more: for readers from a stage on, by these nodes (by id), later than `token`."""

    tensor: GraphTensor
    stage: int
    nodes: dict[int, Node]
    token: GraphTensor


@dataclass
class _Recipe:
    """How a tensor is computed again: the nodes (by id), what they are computed from, what of this is kept longer."""

    nodes: dict[int, Node] = field(default_factory=dict)
    sources: dict[int, GraphTensor] = field(default_factory=dict)
    longer: dict[int, GraphTensor] = field(default_factory=dict)
    cost: float = 1.0


class _Chooser:
    """Chooses what is computed again, for a plan whose arena takes more than allowed in some stages.

    What is computed from something that was chosen costs that as well; the careful look at the costs again.
    """

    def __init__(self, layout: Layout, allowed: int, careful: bool) -> None:
        self.layout, self.allowed, self.careful = layout, allowed, careful
        self.at = list(layout.arena.at)
        self.arena = {id(t): t for t in layout.tensors()}
        #: The stages in which each tensor (by id) is written or read, in order.
        self.used: dict[int, list[int]] = {key: [] for key in self.arena}
        self.readers: dict[tuple[int, int], Task] = {}
        for task in layout.schedule.tasks:
            stage = layout.schedule.stage[id(task)]
            for tensor in (*task.writes, *task.reads):
                if id(tensor) in self.used:
                    self.used[id(tensor)].append(stage)
                    self.readers.setdefault((id(tensor), stage), task)
        self.made = {id(t): task for task in layout.schedule.tasks for t in layout.written(task)}
        self.live = dict(layout.arena.live)
        #: The gap that is left by each tensor (by id) that was chosen.
        self.gaps: dict[int, tuple[int, int]] = {}

    def choose(self) -> list[Again]:
        """The tensors to compute again, until the plan should fit; each choice changes what the others cost."""
        chosen: list[Again] = []
        waiting = self._candidates()
        heapq.heapify(waiting)
        while waiting and max(self.at, default=0) > self.allowed:
            _, key, gap = heapq.heappop(waiting)
            score = self._score(key, gap)
            if score is None:
                continue
            if self.careful and waiting and -score > waiting[0][0]:
                heapq.heappush(waiting, (-score, key, gap))
                continue
            recipe, token = self._recipe(self.arena[key], gap[1]), self._token(self.arena[key], gap)
            if recipe is not None and token is not None:
                self._take(key, gap, recipe)
                chosen.append(Again(self.arena[key], gap[1], recipe.nodes, token))
        return chosen

    def _over(self, gap: tuple[int, int]) -> list[int]:
        """The stages inside a gap in which too much memory is needed."""
        return [s for s in range(gap[0] + 1, gap[1]) if self.at[s] > self.allowed]

    def _candidates(self) -> list[tuple[float, int, tuple[int, int]]]:
        """Gaps in which nobody uses a tensor (by id), each with its score, negative."""
        excess = max(self.at, default=0) - self.allowed
        large = [(k, t) for k, t in self.arena.items() if _bytes(t) * _SMALL >= excess]
        gaps = ((key, gap) for key, _ in large for gap in itertools.pairwise(sorted(set(self.used[key]))))
        return [(-score, key, gap) for key, gap in gaps if (score := self._score(key, gap)) is not None]

    def _score(self, key: int, gap: tuple[int, int]) -> float | None:
        """The bytes that a gap frees, times how long, for the work; None if it frees none where they are wanted."""
        over = self._over(gap)
        if not over or key in self.gaps or any(gap[0] < s < gap[1] for s in self.used[key]):
            return None
        recipe, size = self._recipe(self.arena[key], gap[1]), _bytes(self.arena[key])
        if recipe is None or 2 * sum(map(_bytes, recipe.longer.values())) >= size:
            return None
        return size * len(over) / recipe.cost

    def _take(self, key: int, gap: tuple[int, int], recipe: _Recipe) -> None:
        size = _bytes(self.arena[key])
        for stage in range(gap[0] + 1, gap[1]):
            self.at[stage] -= size
        self.gaps[key] = gap
        for tensor in recipe.longer.values():
            first, last = self.live[id(tensor)]
            for stage in range(last + 1, gap[1] + 1):
                self.at[stage] += _bytes(tensor)
            self.live[id(tensor)] = first, max(last, gap[1])
        for source in recipe.sources:
            if source in self.used:
                self.used[source].append(gap[1])

    # How a tensor is had --------------------------------------------------------------------------------------------

    def _recipe(self, tensor: GraphTensor, stage: int) -> _Recipe | None:
        """How a tensor is computed at a stage from what is there then; None if it cannot be, or would be too much."""
        recipe, stack = _Recipe(), [tensor.node]
        while stack:
            node = stack.pop()
            if id(node) in recipe.nodes:
                continue
            if not self._can_repeat(node) or len(recipe.nodes) == _MOST_NODES:
                return None
            recipe.nodes[id(node)] = node
            recipe.cost += self._cost(node)
            for source in inputs_of(node):
                if source.node.op is CONST or id(source.node) in recipe.nodes:
                    continue
                if not self._is_there(source, stage, _bytes(tensor) // _KEPT_FOR):
                    stack.append(source.node)
                else:
                    recipe.sources[id(source)] = source
        recipe.sources = {k: t for k, t in recipe.sources.items() if id(t.node) not in recipe.nodes}
        recipe.longer = {k: t for k, t in recipe.sources.items() if k in self.live and self.live[k][1] < stage}
        return recipe if recipe.cost < math.inf else None

    def _is_there(self, tensor: GraphTensor, stage: int, little: int) -> bool:
        """Whether a tensor is in memory at a stage, or little enough to be kept until then."""
        key = id(tensor)
        if tensor.node.op is PLACEHOLDER:
            return True
        if key not in self.made or key not in self.live:
            return key in self.made
        if key in self.gaps and self.gaps[key][0] < stage < self.gaps[key][1]:
            return False
        return self.live[key][1] >= stage or _bytes(tensor) <= little

    @staticmethod
    def _can_repeat(node: Node) -> bool:
        plain = node.op.effects is Effect.NONE and node.op.kind is not Kind.HOST and not acts(node)
        return plain and all(t.spec.known and t.dtype.numpy.kind != "O" for t in node.outputs)

    def _cost(self, node: Node) -> float:
        """About how many elementwise operations take as long."""
        task = self.layout.task_of.get(id(node))
        if task is None:
            return 0.0
        if node.op.kind in (Kind.CONTRACTION, Kind.CONTROL):
            return math.inf if task.is_host else task.flops / _PRODUCT_OPERATIONS
        return float(sum(elements(t) for t in (*node.inputs, *node.outputs) if t.spec.known))

    def _token(self, tensor: GraphTensor, gap: tuple[int, int]) -> GraphTensor | None:
        """What the first late reader waits for to the last: computing again begins when this is there."""
        stage = self.layout.schedule.stage
        reader = self.readers[id(tensor), gap[1]]
        before = [t for t in reader.reads if id(t) in self.made and self._may_await(t, gap)]
        others = (t for task in self.layout.schedule.tasks for t in self.layout.written(task))
        found = before or [t for t in others if self._may_await(t, gap)]
        return max(found, key=lambda t: stage[id(self.made[id(t)])], default=None)

    def _may_await(self, tensor: GraphTensor, gap: tuple[int, int]) -> bool:
        task = self.made[id(tensor)]
        late = gap[0] < self.layout.schedule.stage[id(task)] < gap[1]
        return late and not task.is_host and not acts(task.nodes[0]) and id(tensor) not in self.gaps


class _Writer:
    """Writes the graph with what was chosen computed again for its late readers."""

    def __init__(self, graph: Graph, layout: Layout, chosen: Iterable[Again]) -> None:
        self.graph, self.layout = graph, layout
        self.rw = Rewriter(graph)
        self.chosen = {id(again.tensor): again for again in chosen}
        self.stage = {key: layout.schedule.stage[id(task)] for key, task in layout.task_of.items()}
        self.written: set[int] = set()
        self.acting = [n for n in graph.nodes if acts(n)]
        self.copies: dict[object, Node] = {}
        self.later: dict[tuple[int, int], GraphTensor] = {}

    def write(self) -> Graph:
        """The new graph."""
        for node in self.graph.nodes:
            self._write(node)
        return self.rw.finish()

    def _write(self, node: Node) -> None:
        """Copy a node, after what it needs in the version of its stage; what has effects keeps its order."""
        if id(node) in self.written:
            return
        self.written.add(id(node))
        if acts(node):
            for earlier in itertools.takewhile(lambda n: n is not node, self.acting):
                self._write(earlier)
        stage = self.stage.get(id(node))
        if stage is None:
            for tensor in inputs_of(node):
                self._write(tensor.node)
            self.rw.copy(node)
        else:
            self._copy(node, [self._version(t, stage) for t in inputs_of(node)], bind=True)

    def _copy(self, node: Node, inputs: list[GraphTensor], bind: bool = False) -> Node:
        """The node on other inputs; what stands for its outputs changes only if told to."""
        changed = (*node.inputs, *(() if bind else node.outputs))
        old = [(t, self.rw[t]) for t in changed if t in self.rw]
        for tensor, new in zip(node.inputs, inputs, strict=True):
            self.rw.bind(tensor, new)
        made = self.rw.copy(node)
        for tensor, before in old:
            self.rw.bind(tensor, before)
        return made

    def _version(self, tensor: GraphTensor, stage: int) -> GraphTensor:
        """What stands for a tensor in a stage."""
        node = tensor.node
        again = self.chosen.get(id(tensor))
        if again is not None and stage >= again.stage:
            return self._repeated(tensor, again)
        self._write(node)
        if id(node) in self.stage or not node.inputs:
            return self.rw[tensor]
        inputs = [self._version(t, stage) for t in inputs_of(node)]
        if all(new is self.rw[old] for new, old in zip(inputs, node.inputs)):
            return self.rw[tensor]
        return self._again(node, (id(node), *map(id, inputs)), inputs, tensor)

    def _again(self, node: Node, key: object, inputs: list[GraphTensor], tensor: GraphTensor) -> GraphTensor:
        if key not in self.copies:
            self.copies[key] = self._copy(node, inputs)
        outputs: tuple[GraphTensor, ...] = self.copies[key].outputs  # type: ignore[assignment]
        return outputs[tensor.index]

    def _repeated(self, tensor: GraphTensor, again: Again) -> GraphTensor:
        """A tensor computed for late readers of the one that was chosen."""
        node = tensor.node
        if id(node) not in again.nodes:
            return self._source(tensor, again)
        key = (id(again), id(node))
        inputs = [] if key in self.copies else [self._repeated(t, again) for t in inputs_of(node)]
        return self._again(node, key, inputs, tensor)

    def _source(self, tensor: GraphTensor, again: Again) -> GraphTensor:
        """What a tensor is computed again from: the version that there is then, when it is time."""
        found = self._version(tensor, again.stage)
        if tensor.node.op is CONST:
            return found
        key = (id(again), id(tensor))
        if key not in self.later:
            self._write(again.token.node)
            self.later[key] = self.rw.add(OPS[LATER], (found, self.rw[again.token]), like=tensor.node)[0]
        return self.later[key]
