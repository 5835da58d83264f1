"""What is put together from values of one kernel is written by that kernel: concatenations, and rows of lists.

A copy of what has just been computed is often as much work as computing it. So the kernel stores a value
where it is wanted: among the parts of a concatenation, in the row of a list that a loop keeps, or both.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from duoflow.core import lowering
from duoflow.core.graph import Graph, Node
from duoflow.core.tensor import GraphTensor, Tensor

from .fuse import FULL, Fusion, storage
from .loops import Outlet
from .row_tasks import RowTask, is_unset
from .static import elements, inputs_of, output_of, sizes
from .tasks import LoopTask, Task

__all__ = ["with_outlets"]


def with_outlets(tasks: Sequence[Task], graph: Graph, fusion: Fusion) -> list[Task]:
    """The tasks, less those that only copy what another one can store where they put it."""
    return _Outlets(tasks, graph, fusion).run()


class _Outlets:
    def __init__(self, tasks: Sequence[Task], graph: Graph, fusion: Fusion) -> None:
        self._tasks, self._graph, self._fusion = tasks, graph, fusion
        self._maker = {id(t): task for task in tasks if isinstance(task, LoopTask) for t in task.kernel.outputs}

    def run(self) -> list[Task]:
        """Concatenations first: their rows may then be written as well."""
        left = [t for t in self._tasks if not (isinstance(t, LoopTask) and self._concatenates(t))]
        return [t for t in left if not (isinstance(t, RowTask) and self._writes_row(t))]

    def _storage(self, tensor: Tensor) -> GraphTensor:
        return storage(tensor, self._fusion.descriptions)

    def _readers(self, tensor: GraphTensor) -> list[Node | None]:
        """The nodes that read a tensor's memory, None for the graph's outputs."""
        found: list[Node | None] = [None for t in self._graph.outputs if self._storage(t) is tensor]
        for node in self._graph.nodes:
            reshapes = isinstance(self._fusion.descriptions.get(id(node)), lowering.Reshape)
            if not reshapes and any(self._storage(t) is tensor for t in node.inputs):
                found.append(node)
        return found

    def _stores_points(self, task: LoopTask | None) -> bool:
        """Whether all that a kernel stores is of its points, and nothing can fail half-way."""
        if task is None:
            return False
        kernel, fails = task.kernel, self._fusion.can_fail
        flat = not any(d.reduced for d in kernel.domain) and all(kernel.full[id(t)] for t in kernel.outputs)
        return flat and not any(map(fails, kernel.members))

    # Concatenations ---------------------------------------------------------------------------------------------------

    def _concatenates(self, task: LoopTask) -> bool:
        """Whether a task concatenates what one kernel computes; if so, that does it from now on."""
        node, *others = task.kernel.members
        found = self._fusion.descriptions[id(node)]
        if others or not isinstance(found, lowering.Concat):
            return False
        inputs = inputs_of(node)
        makers = {id(m): m for t in inputs for m in [self._maker.get(id(self._storage(t)))]}
        (maker, *several) = makers.values()
        if several or maker is None or maker is task or not self._stores_points(maker):
            return False
        kernel, out = maker.kernel, output_of(node)
        if any(elements(t) != kernel.points or id(self._storage(t)) in kernel.outlets for t in inputs):
            return False
        starts = [sum(sizes(t)[found.axis] for t in inputs[:k]) for k in range(len(inputs))]
        parts = tuple([(self._storage(t), sizes(t), s) for t, s in zip(inputs, starts, strict=True)])
        self._add(maker, node, Outlet(parts, found.axis, sizes(out)))
        return True

    # Rows -------------------------------------------------------------------------------------------------------------

    def _writes_row(self, task: RowTask) -> bool:
        """Whether a task writes a row of what one kernel computes or reads; if so, that does it from now on."""
        base, index, value = inputs_of(task.node)
        if is_unset(base) or not any(base is t for t in self._graph.inputs) or self._readers(base) != [task.node]:
            return False
        stored = self._storage(value)
        maker = self._maker.get(id(stored)) or self._reader_of_all(stored)
        if not self._stores_points(maker) or maker is None or self._needs(index, maker):
            return False
        whole = Outlet(((stored, sizes(value), 0),), 0, sizes(value))
        outlet = maker.kernel.outlets.get(id(stored), whole)
        if outlet.index is not None or (outlet is whole and elements(value) != maker.kernel.points):
            return False
        self._add(maker, task.node, replace(outlet, index=index))
        maker.lists.append((base, output_of(task.node)))
        return True

    def _reader_of_all(self, tensor: GraphTensor) -> LoopTask | None:
        """A kernel that reads a tensor, which it does not compute, at all of its points."""
        for node in self._readers(tensor):
            group = None if node is None else self._fusion.group_of.get(id(node))
            if node is None or group is None or elements(tensor) != group.points:
                continue
            maker = next((m for m in self._tasks if isinstance(m, LoopTask) and node in m.kernel.members), None)
            edges = self._fusion.edges[id(node)]
            if maker and any(e.source is tensor and e.relation.kind == FULL for e in edges):
                return maker
        return None

    def _needs(self, tensor: GraphTensor, maker: LoopTask) -> bool:
        """Whether a tensor is computed from what a kernel gives."""
        inside, seen, stack = {id(n) for n in maker.nodes}, set[int](), [tensor.node]
        while stack:
            node = stack.pop()
            if id(node) in inside:
                return True
            if id(node) not in seen:
                seen.add(id(node))
                stack += [t.node for t in inputs_of(node)]
        return False

    def _add(self, maker: LoopTask, node: Node, outlet: Outlet) -> None:
        """Let a kernel store what a node puts together; what nobody else reads is no longer stored by itself."""
        kernel, out = maker.kernel, output_of(node)
        kernel.outlets[id(out)] = outlet
        kernel.full[id(out)] = True
        self._maker[id(out)] = maker
        maker.nodes = [*maker.nodes, node]
        own = {id(n) for n in maker.nodes}
        parts = {id(t) for t, _, _ in outlet.parts} | {id(self._storage(t)) for t in node.inputs}
        kernel.outputs = [
            t for t in kernel.outputs
            if id(t) not in parts or not all(n is not None and id(n) in own for n in self._readers(t))
        ] + [out]  # fmt: skip
        maker.writes = list(kernel.outputs)
