"""From a graph with static shapes to a program, and its runs.

`compile_graph` partitions the graph into tasks, orders them, places their tensors, compiles what has code and builds the
program. A `Specialization` is the result; a `_Context` holds what one run at a time needs: the frame with its address
table, the arena, and the values that only the host sees.
"""

from __future__ import annotations

import ctypes
import math
import threading
import weakref
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from duoflow.core.errors import InvalidArgumentError, with_origin
from duoflow.core.graph import CONST, PLACEHOLDER, Graph, Node
from duoflow.core.lowering import Contraction, Convolution, Reduction
from duoflow.core.record import Effect
from duoflow.core.scalar import Unsupported
from duoflow.core.tensor import GraphTensor
from duoflow.core.variables import aligned_empty
from duoflow.passes.prune import acts
from duoflow.passes.state import StateTable

from ..reference import evaluate_node
from . import plan
from .contract import as_gemm
from .convolve import as_convolution, as_pointwise
from .fuse import FULL, Fusion, describe_all, storage
from .ir import Module
from .jit import Library, compile_module
from .loops import LoopKernel
from .runner import Operand, Program
from .tasks import BlockTask, ConvolutionTask, HostTask, LoopTask, ProductTask, Task, describe_task
from .threads import Block

__all__ = ["Specialization", "compile_graph"]

_ARENA, _CHECKS = 0, 1


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
        self.fusion = Fusion(self.graph, self.descriptions, {n for n, task in self.heavy.items() if task.grid is not None})
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
                self.heavy[id(anchor)].absorb(kernel, self.fusion.is_needed(anchor.outputs[0]))  # type: ignore[arg-type]
        for node in self.graph.nodes:
            if id(node) in self.heavy:
                tasks.append(self.heavy[id(node)])
            elif node.op not in (CONST, PLACEHOLDER) and id(node) not in self.fusion.group_of and not self.fusion.is_view(node):
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
                return ProductTask(node, product) if product else ConvolutionTask(node, as_convolution(node, description))
        except Unsupported:
            pass
        return None

    def _stored(self, tensors: Sequence[Any]) -> list[GraphTensor]:
        return [storage(t, self.descriptions) for t in tensors]

    def _effects_in_order(self) -> list[tuple[Task, Task]]:
        """Host calls with effects keep the order of the program."""
        acting = [t for t in self.tasks if t.is_host and (acts(t.nodes[0]) or t.nodes[0].op.effects is not Effect.NONE)]
        acting.sort(key=lambda t: self.position[id(t.nodes[0])])
        return list(zip(acting, acting[1:]))

    # Code -------------------------------------------------------------------------------------------------------------

    def _write(self) -> tuple[list[Library], dict[int, int]]:
        """Compile every kernel that is not yet there; kernels with the same code are one."""
        module, names, bodies = Module(), {}, {}
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
            new = storage(self.graph.outputs[output_position], self.descriptions)  # type: ignore[arg-type]
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
            return acts(task.nodes[0]) or task.nodes[0].op.effects is not Effect.NONE
        return isinstance(task, LoopTask) and task.kernel.checks_indices

    def _update_after_what_may_fail(self, before: dict[int, list[Task]]) -> None:
        """A failed assertion or a bad index must leave variables as they were, as far as the order is free."""
        failing = [t for t in self.tasks if self._may_fail(t)]
        for task in self._updating():
            before[id(task)] += [f for f in failing if not plan.depends_on(f, task, before)]

    def _updating(self) -> list[Task]:
        return [t for t in self.tasks if any(id(w) in self.in_place for w in t.writes)]

    def _is_update(self, output: int) -> bool:
        return any(output == position for _, position in self.table.updates)

    def _reads_at_the_same_point(self, task: Task, old: GraphTensor) -> bool:
        if not any(t is old for t in task.reads):
            return True
        if isinstance(task, BlockTask):
            if task.kernel is None or any(t is old for t in self._stored(task.node.inputs)):
                return False
        elif not isinstance(task, LoopTask):
            return False
        kernel: LoopKernel = task.kernel
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
        reductions = {id(n) for n in kernel.members if not kernel.full[id(n.outputs[0])] and id(n) in self._reductions(kernel)}
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
                out.add_constant(node.outputs[0], node.op.evaluate(**node.attrs))  # type: ignore[arg-type]
        for tensor_id, input_position in self.in_place.items():
            out.place_over(tensor_id, graph.all_inputs[input_position], input_position)
        for task in self.tasks:
            if isinstance(task, BlockTask):
                task.choose_replacement(self.in_place)
        final = {id(storage(t, self.descriptions)) for t in graph.outputs}  # type: ignore[arg-type]
        inner: list[GraphTensor] = []
        stages: dict[int, int] = {}
        for task in self.schedule.tasks:
            for tensor in task.writes:
                if task.is_host:
                    out.add_host_value(tensor)
                elif id(tensor) in out.where or (isinstance(task, BlockTask) and task.replaced_by is not None and tensor is task.product):
                    continue
                elif id(tensor) in final:
                    out.add_output(tensor)
                else:
                    inner.append(tensor)
                    stages[id(tensor)] = self.schedule.stage[id(task)]
        offsets, self.scratch, out.arena_bytes = plan.allocate(self.schedule, inner, stages)
        for tensor in inner:
            out.where[id(tensor)] = (_ARENA, offsets[id(tensor)])
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
                    program.jump_unless((_CHECKS, i), end)
            if isinstance(task, LoopTask) and task.kernel.checks_indices:
                task.check = (_CHECKS, len(out.checked))
                out.checked.append(task.nodes)
            scratch = (_ARENA, self.scratch.get(id(task), 0))
            task.call(program, self._where, scratch, addresses.get(id(task), 0))
        program.place(end)
        out.program = program

    def _where(self, tensor: GraphTensor) -> Operand:
        return self.out.where[id(storage(tensor, self.descriptions))]


class Specialization:
    """A compiled graph: its program, and where its values come from and go to."""

    def __init__(self, graph: Graph, table: StateTable) -> None:
        self.graph, self.table = graph, table
        self.program: Program
        self.libraries: list[Library] = []
        self.tasks: list[Task] = []
        #: Where each stored tensor (by id) lives.
        self.where: dict[int, Operand] = {}
        self.buffer_count = 2
        self.arena_bytes = 0
        self.checked: list[list[Node]] = []
        #: (buffer, input position, NumPy dtype) of arrays, and of states; the latter with "is updated in place".
        self.array_inputs: list[tuple[int, int, Any]] = []
        self.state_inputs: list[tuple[int, int, bool]] = []
        self.constants: list[tuple[int, np.ndarray[Any, Any]]] = []
        self.host_values: dict[int, tuple[int, GraphTensor]] = {}
        #: Tensors that only Python sees: resources, strings, values of unknown shape that come in or are constant.
        self.objects: dict[int, Any] = {}
        self.object_inputs: list[tuple[int, int]] = []
        self.outputs: list[tuple[int, tuple[int, ...], Any]] = []
        self._output_buffer: dict[int, int] = {}
        self.results: list[Callable[[_Context], Any]] = []
        self._input_buffer: dict[int, int] = {}
        self.storage_of: Callable[[Any], GraphTensor]
        self._idle: list[_Context] = []
        self._running = threading.local()

    # Built by the compiler --------------------------------------------------------------------------------------------

    def _new_buffer(self) -> int:
        self.buffer_count += 1
        return self.buffer_count - 1

    def add_input(self, tensor: GraphTensor, position: int) -> None:
        """A graph input: an array, the value of a state, or an object for the host."""
        if position in self.table.inputs:
            buffer = self._new_buffer()
            self._input_buffer[position] = buffer
            self.state_inputs.append((buffer, position, False))
            self.where[id(tensor)] = (buffer, 0)
        elif _in_memory(tensor):
            buffer = self._new_buffer()
            self.array_inputs.append((buffer, position, tensor.dtype.numpy))
            self.where[id(tensor)] = (buffer, 0)
        else:
            self.object_inputs.append((id(tensor), position))

    def add_constant(self, tensor: GraphTensor, value: Any) -> None:
        """A constant of the graph."""
        if _in_memory(tensor):
            buffer = self._new_buffer()
            self.constants.append((buffer, np.ascontiguousarray(value).reshape(tensor.dims)))  # type: ignore[arg-type]
            self.where[id(tensor)] = (buffer, 0)
        else:
            self.objects[id(tensor)] = value

    def place_over(self, tensor_id: int, old: GraphTensor, position: int) -> None:
        """A variable's new value goes where the old one was."""
        self.where[tensor_id] = self.where[id(old)]
        self.state_inputs = [(b, p, in_place or p == position) for b, p, in_place in self.state_inputs]

    def add_host_value(self, tensor: GraphTensor) -> None:
        """What a host call gives: memory of its own if kernels can read it."""
        buffer = self._new_buffer() if _in_memory(tensor) else -1
        self.host_values[id(tensor)] = (buffer, tensor)
        if buffer >= 0:
            self.where[id(tensor)] = (buffer, 0)

    def add_output(self, tensor: GraphTensor) -> None:
        """A tensor that leaves the program: a fresh array each run."""
        buffer = self._new_buffer()
        self._output_buffer[id(tensor)] = len(self.outputs)
        self.outputs.append((buffer, tensor.dims, tensor.dtype.numpy))  # type: ignore[arg-type]
        self.where[id(tensor)] = (buffer, 0)

    def fix_outputs(self, fusion: Fusion) -> None:
        """Decide how each graph output is got after a run."""
        self.storage_of = lambda tensor: storage(tensor, fusion.descriptions)
        updates = {out for _, out in self.table.updates}
        self.adopted: list[tuple[int, Callable[[_Context], Any]]] = []
        given: set[int] = set()
        for i, tensor in enumerate(self.graph.outputs):
            stored = storage(tensor, fusion.descriptions)  # type: ignore[arg-type]
            taken = self._taker(stored, tensor, id(stored) in given)  # type: ignore[arg-type]
            given.add(id(stored))
            if i not in updates:
                self.results.append(taken)
                continue
            position = next(p for p, o in self.table.updates if o == i)
            if self.where.get(id(stored)) != (self._input_buffer[position], 0):
                self.adopted.append((position, taken))

    def _taker(self, stored: GraphTensor, tensor: GraphTensor, shared: bool) -> Callable[[_Context], Any]:
        key, dims = id(stored), tensor.dims
        if key in self._output_buffer:
            number = self._output_buffer[key]
            if shared:
                return lambda context: context.arrays[number].reshape(dims).copy()
            return lambda context: context.arrays[number].reshape(dims)
        if not tensor.spec.known or not _in_memory(tensor):
            return lambda context: context.objects[key]
        return lambda context: np.array(context.value(stored)).reshape(dims)

    def callback(self, node: Node) -> Callable[[], object]:
        """What the program calls to run a node on the host."""
        return lambda: self._running.context.evaluate(node)

    # Running ----------------------------------------------------------------------------------------------------------

    def run(self, values: Sequence[Any]) -> list[Any]:
        """The graph's outputs for these inputs."""
        try:
            context = self._idle.pop()
        except IndexError:
            context = _Context(self)
        outer = getattr(self._running, "context", None)
        self._running.context = context
        try:
            return context.run(values)
        finally:
            self._running.context = outer
            self._idle.append(context)

    def report(self) -> list[dict[str, Any]]:
        """A row for each task: see `tasks.describe_task`."""
        return [describe_task(task) for task in self.tasks]


def _in_memory(tensor: GraphTensor) -> bool:
    """Whether a tensor can be an operand of a kernel."""
    return tensor.spec.known and tensor.dtype.numpy.kind != "O"


def _address(array: np.ndarray[Any, Any]) -> int:
    return array.__array_interface__["data"][0]  # type: ignore[no-any-return]


class _Context:
    """One run at a time: addresses, arena, and values of the host."""

    def __init__(self, owner: Specialization) -> None:
        self.owner = owner
        self.frame = owner.program.frame()
        self._arena = Block(max(64, owner.arena_bytes))
        self._checks = np.ones(max(1, len(owner.checked)), np.uint8)
        self._buffers = self.frame.buffers
        self._buffers[_ARENA] = self._arena.address
        self._buffers[_CHECKS] = _address(self._checks)
        for buffer, array in owner.constants:
            self._buffers[buffer] = _address(array)
        self._constant = dict(owner.constants)
        self._known: list[Any] = [_nothing] * len(owner.state_inputs)
        self.arrays: list[np.ndarray[Any, Any]] = []
        self.objects: dict[int, Any] = {}
        self._inputs: dict[int, Any] = {}

    def run(self, values: Sequence[Any]) -> list[Any]:
        owner, buffers = self.owner, self._buffers
        inputs = self._inputs
        for buffer, position, dtype in owner.array_inputs:
            array = values[position]
            if type(array) is not np.ndarray or array.dtype != dtype or not array.flags.c_contiguous:
                array = np.ascontiguousarray(array, dtype).reshape(np.shape(array))
            inputs[buffer] = array
            buffers[buffer] = array.__array_interface__["data"][0]
        self._bind_states(values)
        self.arrays = [np.empty(shape, dtype) for _, shape, dtype in owner.outputs]
        for (buffer, _, _), array in zip(owner.outputs, self.arrays):
            buffers[buffer] = array.__array_interface__["data"][0]
        if owner.objects or owner.object_inputs:
            self.objects = dict(owner.objects)
            for key, position in owner.object_inputs:
                self.objects[key] = values[position]
        self.frame.run()
        if owner.checked:
            self._raise_if_out_of_range()
        results = [take(self) for take in owner.results]  # before states change: a result may be an old value
        for position, take in owner.adopted:
            self._state(values, position).adopt(np.require(take(self), requirements="C"))
        self.arrays, self.objects = [], {}
        inputs.clear()
        return results

    def _state(self, values: Sequence[Any], position: int) -> Any:
        return values[position] if position not in self.owner.table.constant else self.owner.table.constant[position]

    def _bind_states(self, values: Sequence[Any]) -> None:
        """Give the program the addresses of variables' buffers; those it updates must be nobody else's."""
        unread, known = self.owner.table.unread, self._known
        for i, (buffer, position, in_place) in enumerate(self.owner.state_inputs):
            state = self._state(values, position)
            if position in unread:
                if not in_place:
                    continue
                if state.array is None:
                    tensor = self.owner.graph.all_inputs[position]
                    state.adopt(aligned_empty(tensor.dims, tensor.dtype.numpy))  # type: ignore[arg-type]
            array = state.writable() if in_place else state.read()
            if known[i]() is not array:
                known[i] = weakref.ref(array)
                self._buffers[buffer] = array.__array_interface__["data"][0]
            self._inputs[buffer] = known[i]

    def value(self, tensor: GraphTensor) -> Any:
        """A stored tensor as an array (a view of the program's memory) or object."""
        key = id(tensor)
        if key in self.objects:
            return self.objects[key]
        buffer, offset = self.owner.where[key]
        if buffer in self._constant:
            return self._constant[buffer]
        held = self._inputs.get(buffer)
        if held is not None:
            return held() if isinstance(held, weakref.ref) else held
        count = math.prod(tensor.dims)  # type: ignore[arg-type]
        memory = _memory(self._buffers[buffer] + offset, count * tensor.dtype.numpy.itemsize)
        return np.frombuffer(memory, tensor.dtype.numpy, count).reshape(tensor.dims)  # type: ignore[arg-type]

    def evaluate(self, node: Node) -> None:
        """Run a node on the host: inputs are copied out of the program's memory, outputs become buffers of their own."""
        values = []
        for tensor in node.inputs:
            stored = self.owner.storage_of(tensor)
            value = self.value(stored)
            if isinstance(value, np.ndarray) and tensor.spec.known:
                value = (value if id(stored) in self.objects else np.array(value)).reshape(tensor.dims)
            values.append(value)
        for tensor, result in zip(node.outputs, evaluate_node(node, values), strict=True):
            buffer, _ = self.owner.host_values[id(tensor)]
            if buffer >= 0:
                if result.shape != tensor.dims:
                    raise InvalidArgumentError(
                        None, node, f"{{{{node {node.name}}}}} gave shape {result.shape}, inference had said {tensor.dims}."
                    )
                result = np.ascontiguousarray(result, tensor.dtype.numpy).reshape(tensor.dims)
                self._buffers[buffer] = _address(result)
            self.objects[id(tensor)] = result

    def _raise_if_out_of_range(self) -> None:
        if not self._checks.all():
            bad = np.flatnonzero(self._checks == 0)
            self._checks[:] = 1
            node = next(n for n in self.owner.checked[int(bad[0])] if "Gather" in n.op.name)
            limit = node.inputs[0].dims
            message = f"{{{{node {node.name}}}}} indices are not all inside the gathered dimension of shape {limit}"
            raise InvalidArgumentError(None, node, with_origin(message, node.origin))


def _nothing() -> None:
    return None


def _memory(address: int, size: int) -> Any:
    return (ctypes.c_char * size).from_address(address)
