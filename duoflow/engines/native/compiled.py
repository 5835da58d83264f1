"""From a graph with static shapes to a program.

`compile_graph` partitions the graph into tasks, compiles what has code, orders the tasks, lets variables be updated
in place where nobody needs the old value, places all tensors and builds the program. The result is a
`Specialization`.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import Any

from duoflow.core.graph import CONST, PLACEHOLDER, Graph, Node
from duoflow.core.lowering import Contraction, Convolution, Reduction
from duoflow.core.record import Effect
from duoflow.core.scalar import Unsupported
from duoflow.core.tensor import GraphTensor
from duoflow.passes.assume import ASSUMED
from duoflow.passes.prune import acts
from duoflow.passes.state import StateTable

from . import plan
from .contract import as_gemm
from .convolve import as_convolution, as_pointwise
from .fuse import FULL, Fusion, describe_all, storage
from .ir import Module
from .jit import Library, compile_module
from .loops import LoopKernel
from .runner import Operand, Program
from .specialization import ARENA, CHECKS, Specialization
from .static import inputs_of, output_of
from .tasks import BlockTask, ConvolutionTask, HostTask, LoopTask, ProductTask, Task

__all__ = ["compile_graph"]


def compile_graph(graph: Graph, table: StateTable) -> Specialization:
    """The program of a graph whose variables are inputs and outputs as `table` says."""
    return _Compiler(graph, table).run()


class _Compiler:
    """The steps, in order."""

    def __init__(self, graph: Graph, table: StateTable) -> None:
        self.graph, self.table = graph, table
        self.out = Specialization(graph, table)
        self.position = {id(n): i for i, n in enumerate(graph.nodes)}

    def run(self) -> Specialization:
        self.descriptions = describe_all(self.graph)
        self.heavy = {id(n): task for n in self.graph.nodes if (task := self._heavy(n)) is not None}
        self.fusion = Fusion(
            self.graph, self.descriptions, {n for n, task in self.heavy.items() if task.grid is not None}
        )
        self.tasks = self._partition()
        libraries, addresses = self._write()
        before = plan.edges(self.tasks, self._effects_in_order())
        self._choose_in_place(before)
        self.schedule = plan.schedule(self.tasks, before, self.position)
        self._place()
        self._build(addresses)
        self.out.libraries = libraries
        self.out.tasks = self.schedule.tasks
        return self.out

    # Tasks ------------------------------------------------------------------------------------------------------------

    def _partition(self) -> list[Task]:
        tasks: list[Task] = []
        for kernel, anchor in self.fusion.kernels():
            if anchor is None:
                tasks.append(LoopTask(kernel))
            elif kernel.members:
                self.heavy[id(anchor)].absorb(kernel, self.fusion.is_needed(output_of(anchor)))
        for node in self.graph.nodes:
            if id(node) in self.heavy:
                tasks.append(self.heavy[id(node)])
            elif (
                node.op not in (CONST, PLACEHOLDER)
                and id(node) not in self.fusion.group_of
                and not self.fusion.is_view(node)
            ):
                tasks.append(HostTask(node, self.out.callback, self._stored(node.inputs)))
        return tasks

    def _heavy(self, node: Node) -> BlockTask | None:
        """The task of a contraction that the kernels can do."""
        description = self.descriptions.get(id(node))
        try:
            if isinstance(description, Contraction):
                return ProductTask(node, as_gemm(node, description))
            if isinstance(description, Convolution):
                product = as_pointwise(node, description)
                return (
                    ProductTask(node, product) if product else ConvolutionTask(node, as_convolution(node, description))
                )
        except Unsupported:
            pass
        return None

    def _stored(self, tensors: Sequence[Any]) -> list[GraphTensor]:
        return [storage(t, self.descriptions) for t in tensors]

    def _effects_in_order(self) -> list[tuple[Task, Task]]:
        """Host calls with effects keep the order of the program."""
        acting = [t for t in self.tasks if t.is_host and (acts(t.nodes[0]) or t.nodes[0].op.effects is not Effect.NONE)]
        acting.sort(key=lambda t: self.position[id(t.nodes[0])])
        assumed = [t for t in self.tasks if self._assumes(t)]
        last = [(a, t) for a in assumed for t in acting if acts(t.nodes[0])]
        return list(itertools.pairwise(acting)) + last

    @staticmethod
    def _assumes(task: Task) -> bool:
        """Whether the run may have to be given up in this task: shapes are not what was assumed."""
        return task.is_host and ASSUMED in task.nodes[0].op.tags

    # Code -------------------------------------------------------------------------------------------------------------

    def _write(self) -> tuple[list[Library], dict[int, int]]:
        """Compile every kernel that is not yet there; kernels with the same code are one."""
        module = Module()
        names: dict[int, str] = {}
        bodies: dict[str, str] = {}
        for i, task in enumerate(self.tasks):
            name = f"kernel{i}"
            if not task.write(module, name):
                continue
            body = module.body(name).replace(f"@{name}(", "@kernel(")
            if body in bodies:
                module.discard(name)
            names[id(task)] = bodies.setdefault(body, name)
        for task in self.tasks:
            task.reads = self._unique(self._stored(task.reads))
        if not names:
            return [], {}
        library = compile_module(module.text(), self.graph.name or "graph")
        return [library], {task: library.address(name) for task, name in names.items()}

    @staticmethod
    def _unique(tensors: list[GraphTensor]) -> list[GraphTensor]:
        return list({id(t): t for t in tensors}.values())

    # Variables --------------------------------------------------------------------------------------------------------

    def _choose_in_place(self, before: dict[int, list[Task]]) -> None:
        """Let a task write a variable's new value over the old one where nobody needs that any more."""
        inputs = self.graph.all_inputs
        made = plan.producers(self.tasks)
        shown = {id(storage(t, self.descriptions)) for i, t in enumerate(self.graph.outputs) if not self._is_update(i)}
        self.in_place: dict[int, int] = {}
        for input_position, output_position in self.table.updates:
            old = inputs[input_position]
            new = storage(self.graph.outputs[output_position], self.descriptions)
            task = made.get(id(new))
            if task is None or task.is_host or id(old) in shown or id(new) in shown or id(new) in self.in_place:
                continue
            if old.dtype is not new.dtype or self._may_fail(task) or not self._reads_at_the_same_point(task, old):
                continue
            readers = [t for t in self.tasks if t is not task and any(r is old for r in t.reads)]
            if any(plan.depends_on(reader, task, before) for reader in readers):
                continue
            before[id(task)] += readers
            self.in_place[id(new)] = input_position
        self._update_after_what_may_fail(before)

    def _may_fail(self, task: Task) -> bool:
        """Whether a run can end with an error in this task: calls with effects, and gathers."""
        if task.is_host:
            return self._assumes(task) or acts(task.nodes[0]) or task.nodes[0].op.effects is not Effect.NONE
        return isinstance(task, LoopTask) and task.kernel.checks_indices

    def _update_after_what_may_fail(self, before: dict[int, list[Task]]) -> None:
        """A failed assertion or a bad index must leave variables as they were, as far as the order is free."""
        failing = [t for t in self.tasks if self._may_fail(t)]
        for task in self._updating():
            later = [f for f in failing if plan.depends_on(f, task, before)]
            if any(map(self._assumes, later)):
                for tensor in task.writes:
                    self.in_place.pop(id(tensor), None)
            before[id(task)] += [f for f in failing if f not in later]

    def _updating(self) -> list[Task]:
        return [t for t in self.tasks if any(id(w) in self.in_place for w in t.writes)]

    def _is_update(self, output: int) -> bool:
        return any(output == position for _, position in self.table.updates)

    def _reads_at_the_same_point(self, task: Task, old: GraphTensor) -> bool:
        if not any(t is old for t in task.reads):
            return True
        if isinstance(task, BlockTask):
            kernel = task.kernel
            if kernel is None or any(t is old for t in self._stored(inputs_of(task.node))):
                return False
        elif isinstance(task, LoopTask):
            kernel = task.kernel
        else:
            return False
        levels = set()
        for node in kernel.members:
            for edge in self.fusion.edges[id(node)]:
                if storage(edge.source, self.descriptions) is old:
                    if edge.relation.kind != FULL or id(node) not in self._computed_once(kernel):
                        return False
                    levels.add(kernel.full[id(node.outputs[0])])
        return len(levels) < 2

    def _computed_once(self, kernel: LoopKernel) -> set[int]:
        """Members computed in the only phase of a kernel, or none if it has several."""
        reductions = {
            id(n) for n in kernel.members if not kernel.full[id(n.outputs[0])] and id(n) in self._reductions(kernel)
        }
        behind: set[int] = set()
        for node in kernel.members:
            sources = {id(e.source.node) for e in self.fusion.edges[id(node)]}
            if sources & (reductions | behind):
                behind.add(id(node))
                if id(node) in reductions or kernel.full[id(node.outputs[0])]:
                    return set()
        return {id(n) for n in kernel.members} - reductions

    def _reductions(self, kernel: LoopKernel) -> set[int]:
        return {id(n) for n in kernel.members if isinstance(kernel.descriptions[id(n)], Reduction)}

    # Places -----------------------------------------------------------------------------------------------------------

    def _place(self) -> None:
        out, graph = self.out, self.graph
        for i, tensor in enumerate(graph.all_inputs):
            out.add_input(tensor, i)
        for node in graph.nodes:
            if node.op is CONST:
                out.add_constant(output_of(node), node.op.evaluate(**node.attrs))
        for tensor_id, input_position in self.in_place.items():
            out.place_over(tensor_id, graph.all_inputs[input_position], input_position)
        for task in self.tasks:
            if isinstance(task, BlockTask):
                task.choose_replacement(self.in_place)
        final = {id(storage(t, self.descriptions)) for t in graph.outputs}
        inner: list[GraphTensor] = []
        stages: dict[int, int] = {}
        for task in self.schedule.tasks:
            for tensor in task.writes:
                if task.is_host:
                    out.add_host_value(tensor)
                elif id(tensor) in out.where or (
                    isinstance(task, BlockTask) and task.replaced_by is not None and tensor is task.product
                ):
                    continue
                elif id(tensor) in final:
                    out.add_output(tensor)
                else:
                    inner.append(tensor)
                    stages[id(tensor)] = self.schedule.stage[id(task)]
        offsets, self.scratch, out.arena_bytes = plan.allocate(self.schedule, inner, stages)
        for tensor in inner:
            out.where[id(tensor)] = (ARENA, offsets[id(tensor)])
        for task in self.tasks:
            if isinstance(task, BlockTask) and task.replaced_by is not None:
                out.where[id(task.product)] = out.where[id(task.replaced_by)]
        out.fix_outputs(self.fusion)

    def _build(self, addresses: dict[int, int]) -> None:
        out = self.out
        program = Program(buffers=out.buffer_count)
        stage, end = 0, program.label()
        updating = {id(t) for t in self._updating()}
        for task in self.schedule.tasks:
            if self.schedule.stage[id(task)] != stage:
                program.barrier()
                stage = self.schedule.stage[id(task)]
            if id(task) in updating and out.checked:
                updating.clear()
                for i in range(len(out.checked)):
                    program.jump_unless((CHECKS, i), end)
            if isinstance(task, LoopTask) and task.kernel.checks_indices:
                task.check = (CHECKS, len(out.checked))
                out.checked.append(task.nodes)
            scratch = (ARENA, self.scratch.get(id(task), 0))
            task.call(program, self._where, scratch, addresses.get(id(task), 0))
        program.place(end)
        out.program = program

    def _where(self, tensor: GraphTensor) -> Operand:
        return self.out.where[id(storage(tensor, self.descriptions))]
