"""From a graph with static shapes to a program.

`compile_graph` partitions the graph into tasks, compiles what has code, orders the tasks, lets variables be updated
in place where nobody needs the old value, places all tensors and builds the program. The result is a
`Specialization`.
"""

from __future__ import annotations

import functools
import itertools
from collections.abc import Callable, Container, Iterator, Sequence
from typing import Any

from duoflow.core.graph import CONST, PLACEHOLDER, Graph, Node
from duoflow.core.lowering import Contraction, Convolution, Reduction
from duoflow.core.record import Effect, Kind
from duoflow.core.scalar import Unsupported
from duoflow.core.tensor import GraphTensor
from duoflow.passes.assume import ASSUMED, ENDED
from duoflow.passes.prune import acts
from duoflow.passes.table import StateTable

from . import plan
from .attention import Form
from .attention_task import AttentionTask
from .contract import as_gemm
from .control import Part, Plan, as_region
from .convolve import as_convolution, as_pointwise
from .divide import Division, Turns, divide
from .fuse import FULL, Fusion, describe_all, storage
from .jit import begun
from .later import waits
from .loops import LoopKernel
from .outlets import with_outlets
from .reports import Layout
from .routines import RoutineTask, as_routine
from .row_tasks import RowTask, as_row, only_overwritten
from .runner import Operand, Program, prepare
from .shared import compile_all
from .specialization import ARENA, CHECKS, OWN, Specialization
from .static import elements, inputs_of, output_of
from .tasks import BlockTask, ConvolutionTask, HostTask, LoopTask, ProductTask, Task, Where

__all__ = ["compile_graph"]


def compile_graph(graph: Graph, table: StateTable) -> Specialization:
    """The program of a graph whose variables are inputs and outputs as `table` says."""
    return _Compiler(graph, table).run()


class _Compiler:
    """The steps, in order."""

    #: How threads divide what is run many times, if they run it apart.
    division: Division | None = None

    def __init__(self, graph: Graph, table: StateTable, out: Specialization | None = None) -> None:
        self.graph, self.table = graph, table
        #: What the tasks are compiled for: a program of this graph, or of one that this is a part of.
        self.out = Specialization(graph, graph.name, table) if out is None else out
        self.position = {id(n): i for i, n in enumerate(graph.nodes)}
        self.descriptions = describe_all(graph)

    def run(self) -> Specialization:
        self._plan()
        self._place()
        self._build()
        self.out.tasks = self.schedule.tasks
        return self.out

    def _plan(self) -> None:
        """Tasks in order, with their code."""
        self.heavy = {id(n): task for n in self.graph.nodes if (task := self._heavy(n)) is not None}
        described = ((n, self.descriptions.get(id(n))) for n in self.graph.nodes)
        self.attentions = {id(n): AttentionTask(n, form) for n, form in described if isinstance(form, Form)}
        prepared = begun(self._preparations())
        self.fusion = Fusion(
            self.graph, self.descriptions, {n for n, task in self.heavy.items() if task.grid is not None}
        )
        self.tasks = self._partition()
        self.addresses = self._write()
        prepared()
        before = plan.edges(self.tasks, self._effects_in_order() + waits(self.graph, self.tasks))
        self._choose_in_place(before)
        self.schedule = plan.schedule(self.tasks, before, self.position)

    # Tasks ------------------------------------------------------------------------------------------------------------

    def _partition(self) -> list[Task]:
        tasks: list[Task] = []
        for kernel, anchor in self.fusion.kernels():
            if anchor is None:
                tasks.append(LoopTask(kernel))
            elif kernel.members:
                self.heavy[id(anchor)].absorb(kernel, self.fusion.is_needed(output_of(anchor)))
        own = {id(n): task for n in self.graph.nodes if (task := self._of_its_own(n)) is not None}
        without_value = only_overwritten(self.graph, own)
        for node in self.graph.nodes:
            if id(node) in self.heavy:
                tasks.append(self.heavy[id(node)])
            elif (
                node.op not in (CONST, PLACEHOLDER)
                and id(node) not in self.fusion.group_of
                and not self.fusion.is_view(node)
                and id(node) not in without_value
            ):
                tasks.append(own.get(id(node)) or HostTask(node, self._callback, self._stored(node.inputs)))
        return with_outlets(tasks, self.graph, self.fusion)

    def _callback(self, node: Node, where: Where) -> Callable[[], object]:
        """What the program calls to run a node on the host."""
        return self.out.callback(node)

    def _of_its_own(self, node: Node) -> Task | None:
        """The native task of a node that is neither looped nor a contraction."""
        if node.op.kind is Kind.CONTROL:
            return as_region(node, self._part_of(node))
        description = self.descriptions.get(id(node))
        if isinstance(description, Form):
            return self.attentions[id(node)]
        routine = as_routine(node, description)
        return as_row(node) if routine is None else RoutineTask(node, routine)

    def _part_of(self, node: Node) -> Plan:
        """Compiles the sub-graphs of a control node."""
        return lambda graph, variables, turns: _PartCompiler(graph, variables, turns, self.out, node).part()

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
        acting = [t for t in self.tasks if self._acts(t) and t.nodes[0].op is not ENDED]
        acting.sort(key=lambda t: self.position[id(t.nodes[0])])
        assumed = [t for t in self.tasks if self._assumes(t)]
        last = [(a, t) for a in assumed for t in acting if acts(t.nodes[0])]
        return list(itertools.pairwise(acting)) + last

    @staticmethod
    def _acts(task: Task) -> bool:
        """Whether a task calls what has effects."""
        if not task.is_host:
            return bool(task.inner) and acts(task.nodes[0])
        return acts(task.nodes[0]) or task.nodes[0].op.effects is not Effect.NONE

    @staticmethod
    def _assumes(task: Task) -> bool:
        """Whether the run may have to be given up in this task: shapes are not what was assumed."""
        return task.is_host and ASSUMED in task.nodes[0].op.tags

    # Code -------------------------------------------------------------------------------------------------------------

    def _preparations(self) -> list[Callable[[], None]]:
        """Jobs that compile what is not of this graph alone."""
        tasks: list[Task] = [*self.attentions.values(), *self.heavy.values()]
        return [functools.partial(prepare, any(t.parallel for t in tasks)), *(task.prepare for task in tasks)]

    def _write(self) -> dict[int, int]:
        """The addresses of the tasks' kernels, compiled if need be."""
        codes = compile_all(self.tasks, self.graph.name or "graph")
        for task in self.tasks:
            task.reads = self._unique(self._stored(task.reads))
        self.out.codes += codes.values()
        return {task: code.address for task, code in codes.items()}

    @staticmethod
    def _unique(tensors: list[GraphTensor]) -> list[GraphTensor]:
        return list({id(t): t for t in tensors}.values())

    # Variables --------------------------------------------------------------------------------------------------------

    def _choose_in_place(self, before: dict[int, list[Task]]) -> None:
        """Let a task write a variable's new value over the old one where nobody needs that any more."""
        inputs = self.graph.all_inputs
        made = plan.producers(self.tasks)
        readers = plan.readers(self.tasks)
        failing = [t for t in self.tasks if self._may_fail(t)]
        # There may be results when these fail; routines look at all operands first.
        halfway = {id(t) for t in failing if not isinstance(t, RoutineTask)}
        shown = {id(storage(t, self.descriptions)) for i, t in enumerate(self.graph.outputs) if not self._is_update(i)}
        self.in_place: dict[int, int] = {}
        for input_position, output_position in self.table.updates:
            old = inputs[input_position]
            new = storage(self.graph.outputs[output_position], self.descriptions)
            task = made.get(id(new))
            if task is None or task.is_host or id(old) in shown or id(new) in shown or id(new) in self.in_place:
                continue
            if old.dtype is not new.dtype or id(task) in halfway:
                continue
            if not self._reads_at_the_same_point(task, old):
                continue
            others = [t for t in readers.get(id(old), ()) if t is not task]
            if any(plan.depends_on(reader, task, before) for reader in others):
                continue
            before[id(task)] += others
            self.in_place[id(new)] = input_position
        self._update_after_what_may_fail(before, failing)

    def _may_fail(self, task: Task) -> bool:
        """Whether a run can end with an error in this task: calls with effects, and gathers."""
        return self._assumes(task) or self._acts(task) or (not task.is_host and task.can_fail)

    def _update_after_what_may_fail(self, before: dict[int, list[Task]], failing: list[Task]) -> None:
        """A failed assertion or a bad index must leave variables as they were, as far as the order is free."""
        for task in self._updating():
            later = [f for f in failing if plan.depends_on(f, task, before)]
            if any(map(self._assumes, later)):
                for tensor in task.writes:
                    self.in_place.pop(id(tensor), None)
            before[id(task)] += [f for f in failing if f not in later and f is not task]

    def _updating(self) -> list[Task]:
        return [t for t in self.tasks if any(id(w) in self.in_place for w in t.writes)]

    def _is_update(self, output: int) -> bool:
        return any(output == position for _, position in self.table.updates)

    def _reads_at_the_same_point(self, task: Task, old: GraphTensor) -> bool:
        if not any(t is old for t in task.reads):
            return True
        if isinstance(task, RowTask):
            return task.base is old
        if isinstance(task, BlockTask):
            kernel = task.kernel
            if kernel is None or any(t is old for t in self._stored(inputs_of(task.node))):
                return False
        elif isinstance(task, LoopTask):
            kernel = task.kernel
        elif isinstance(task, RoutineTask) and task.base is not None:
            others = [t for t in inputs_of(task.nodes[0]) if t is not task.base]
            return storage(task.base, self.descriptions) is old and all(t is not old for t in self._stored(others))
        else:
            return False
        at_old = [
            (node, edge.relation.kind)
            for node in kernel.members
            for edge in self.fusion.edges[id(node)]
            if storage(edge.source, self.descriptions) is old
        ]
        once = self._computed_once(kernel) if at_old else set()
        levels = {kernel.full[id(node.outputs[0])] for node, _ in at_old}
        return len(levels) < 2 and all(kind == FULL and id(node) in once for node, kind in at_old)

    def _computed_once(self, kernel: LoopKernel) -> set[int]:
        """Members computed in the only phase of a kernel, or none if it has several."""
        reductions = {id(n) for n in kernel.members if isinstance(kernel.descriptions[id(n)], Reduction)}
        behind: set[int] = set()
        for node in kernel.members if reductions else ():
            sources = {id(e.source.node) for e in self.fusion.edges[id(node)]}
            if sources & (reductions | behind):
                behind.add(id(node))
                if id(node) in reductions or kernel.full[id(node.outputs[0])]:
                    return set()
        return {id(n) for n in kernel.members} - reductions

    # Places -----------------------------------------------------------------------------------------------------------

    def _place(self) -> None:
        out, graph = self.out, self.graph
        for i, tensor in enumerate(graph.all_inputs):
            out.add_input(tensor, i)
        self._place_constants()
        for tensor_id, input_position in self.in_place.items():
            out.place_over(tensor_id, graph.all_inputs[input_position], input_position)
        final = {id(storage(t, self.descriptions)) for t in graph.outputs}
        inner: list[GraphTensor] = []
        for task in self.schedule.tasks:
            if task.is_host:
                for tensor in task.writes:
                    out.add_host_value(tensor)
                continue
            for tensor in self._placed_anew(task):
                if id(tensor) in final:
                    out.add_output(tensor)
                else:
                    inner.append(tensor)
        offsets = self._allocate(inner)
        for tensor in inner:
            out.where[id(tensor)] = (ARENA, offsets[id(tensor)])
        for task in self.tasks:
            if isinstance(task, BlockTask) and task.replaced_by is not None:
                out.where[id(task.product)] = out.where[id(task.replaced_by)]
        out.layout = Layout(self.schedule, self.arena)
        out.fix_outputs(lambda tensor: storage(tensor, self.descriptions))

    def _place_constants(self) -> None:
        for node in self.graph.nodes:
            if node.op is CONST:
                self.out.add_constant(output_of(node), node.op.evaluate(**node.attrs))

    def _placed_anew(self, task: Task) -> list[GraphTensor]:
        """What a task writes to memory that is not another tensor's."""
        if isinstance(task, BlockTask):
            task.choose_replacement(self.in_place)
            if task.replaced_by is not None:
                return [t for t in task.writes if id(t) not in self.in_place and t is not task.product]
        return [t for t in task.writes if id(t) not in self.in_place]

    def _allocate(self, inner: list[GraphTensor], kept: Container[int] = ()) -> dict[int, int]:
        """Offsets in the arena."""
        stages = {id(t): self.schedule.stage[id(task)] for task in self.schedule.tasks for t in task.writes}
        self.arena = plan.allocate(self.schedule, inner, stages, self._may_replace, kept, self.division is not None)
        self.arena_bytes = self.arena.size
        return self.arena.tensors

    def _may_replace(self, task: Task, old: GraphTensor, new: GraphTensor) -> bool:
        """Whether a task may write one tensor over another of as many bytes, which it is the last to read."""
        same = elements(old) == elements(new)
        return isinstance(task, LoopTask) and same and self._reads_at_the_same_point(task, old)

    def _build(self) -> None:
        out = self.out
        out.arena_bytes = self.arena_bytes
        program = out.program = Program(buffers=out.buffer_count)
        end = program.label()
        updating = {id(t) for t in self._updating()}
        tested = 0
        for task in self._in_stages(program):
            if id(task) in updating:
                for i in range(tested, len(out.checked)):
                    program.jump_unless((CHECKS, i), end)
                tested = len(out.checked)
            self._add(task, program, self._where, (ARENA, 0))
        program.place(end)
        program.own = OWN, out.own_bytes

    def _in_stages(self, program: Program) -> Iterator[Task]:
        """The tasks in order, with barriers between stages."""
        stage = 0
        for task in self.schedule.tasks:
            if self.schedule.stage[id(task)] != stage:
                program.barrier()
                stage = self.schedule.stage[id(task)]
            yield task

    def _add(self, task: Task, program: Program, where: Where, base: Operand) -> None:
        """Add a task to the program; the arena starts at `base`."""
        if isinstance(task, (LoopTask, RoutineTask)) and task.can_fail:
            task.check = self.out.add_check(self._suspects(task))
        scratch = base[0], base[1] + self.arena.scratch[id(task)]
        first = len(program.names)
        task.call(program, where, scratch, self.addresses.get(id(task), 0))
        self.out.instructions[id(task)] = first, len(program.names)

    def _suspects(self, task: Task) -> list[Node]:
        """Those of the whole graph that a failure of the task is of."""
        return task.nodes

    def _where(self, tensor: GraphTensor) -> Operand:
        return self.out.where[id(storage(tensor, self.descriptions))]


class _PartCompiler(_Compiler):
    """Compiles the sub-graph of a control node into tasks that are added to the program of the whole."""

    def __init__(self, graph: Graph, variables: int, turns: Turns | None, out: Specialization, owner: Node) -> None:
        super().__init__(graph, StateTable(), out)
        self._variables, self._turns = variables, turns
        #: Where what every thread has of its own is (by id).
        self._own: dict[int, Operand] = {}
        #: The control node of the whole graph that this is a part of.
        self.owner = owner
        inputs = {id(t) for t in graph.inputs}
        moving = [k for k in range(variables) if id(self.source(graph.outputs[k])) not in inputs]
        self.table.updates = [(k, k) for k in moving]

    def part(self) -> Part:
        """Itself, once it is planned."""
        self._plan()
        graph = self.graph
        self._place_constants()
        inner = [t for task in self.schedule.tasks if not task.is_host for t in self._placed_anew(task)]
        for task in self.schedule.tasks:
            for tensor in task.writes if task.is_host else ():
                self.out.add_host_value(tensor)
        self._give_own_places(inner)
        inner = [t for t in inner if id(t) not in self._own]
        self._offsets = self._allocate(inner, {id(self.source(t)) for t in graph.outputs})
        blocks = [t for t in self.tasks if isinstance(t, BlockTask)]
        self._replaced = {id(t.product): id(t.replaced_by) for t in blocks if t.replaced_by is not None}
        return self

    def _give_own_places(self, inner: list[GraphTensor]) -> None:
        """Find places in the threads' own memory, unless a list is copied, which no thread does for its rows alone."""
        division = self.division
        if division is None:
            return
        changed = zip(self.graph.inputs, map(self.source, self.graph.outputs), strict=False)
        copied = [id(t) not in self.in_place for old, t in changed if id(old) in division.lists]
        copied += [id(after) not in self.in_place for t in self.tasks for _, after in t.lists]
        if any(copied):
            self.division = None
            return
        for tensor in inner:
            if id(tensor) in division.own:
                self._own[id(tensor)] = self.own_place(elements(tensor) * tensor.dtype.numpy.itemsize)

    def own_place(self, size: int) -> Operand:
        """A place in the memory that each thread has of its own."""
        return self.out.own_place(size)

    def _part_of(self, node: Node) -> Plan:
        return super()._part_of(self.owner)

    def _suspects(self, task: Task) -> list[Node]:
        return [self.owner]

    def _callback(self, node: Node, where: Where) -> Callable[[], object]:
        sources = []
        for tensor in node.inputs:
            stored = self.source(tensor)
            place = where(stored) if stored.dtype.numpy.kind != "O" else None
            sources.append((stored, tensor.dims, place))
        return self.out.callback(node, sources)

    def _partition(self) -> list[Task]:
        tasks = super()._partition()
        self.division = divide(self.graph, self._variables, tasks, self._turns, self.source)
        if self.division is None and any(t.parallel for t in tasks):
            for task in tasks:
                if isinstance(task, RowTask):
                    task.share()
        return tasks

    def source(self, tensor: Any) -> GraphTensor:
        return storage(tensor, self.descriptions)

    def place_of(self, tensor: Any, places: dict[int, Operand], base: Operand) -> Operand:
        key = id(self.source(tensor))
        key = self._replaced.get(key, key)
        if key in self.in_place:
            key = id(self.graph.inputs[self.in_place[key]])
        if key in places:
            return places[key]
        if key in self._own:
            return self._own[key]
        if key in self._offsets:
            return base[0], base[1] + self._offsets[key]
        return self.out.where[key]

    def emit(self, program: Program, places: dict[int, Operand], base: Operand) -> None:
        self._checks = []
        first = len(self.out.checked)
        for task in self._in_stages(program):
            self._add(task, program, lambda t: self.place_of(t, places, base), base)
        self._checks = [(CHECKS, i) for i in range(first, len(self.out.checked))]

    def checks(self) -> list[Operand]:
        return self._checks
