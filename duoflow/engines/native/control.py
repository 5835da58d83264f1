"""Loops and branches as part of the program.

A While or If whose graphs are native throughout, with shapes that stay the same, is a task like any other: a `Region`.
Its graphs are compiled to `Part`s, sequences of tasks with an arena of their own inside the task's scratch memory,
and the program jumps between them. The variables of a loop live where its results go. What is computed in an
iteration is written over a variable at once if nothing needs the old value any more, else it is copied there at the
end of the iteration.

A loop in which each thread can do some rows of all iterations (`divide`) is run by all of them, without barriers
between its beginning and its end. Everything else stays a call into Python.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Protocol, cast

from duoflow.core.graph import Graph, Node
from duoflow.core.scalar import Unsupported
from duoflow.core.tensor import GraphTensor, Tensor
from duoflow.passes import pipeline
from duoflow.passes.loop_variables import is_lowered
from duoflow.passes.prune import acts
from duoflow.passes.rewrite import constant_of
from duoflow.passes.sink import sink
from duoflow.passes.trips import trips

from .divide import Division, Turns
from .own import OWN_PASSES
from .row_tasks import choice_kernel, is_unset
from .runner import Operand, Program
from .static import elements, inputs_of
from .tasks import LoopTask, Task, Where

__all__ = ["Part", "Plan", "Region", "as_region"]

_LOOPS = {"While", "StatelessWhile"}
_CASES = {"Case", "StatelessCase"}
_BRANCHES = {"If", "StatelessIf", *_CASES}
#: What the runner spends on a task besides the work, and the work of a nanosecond: for the cost of an iteration.
_CALL_NS, _FLOPS_PER_NS, _BYTES_PER_NS = 20, 8, 8
_ALIGNMENT = 64


class Part(Protocol):
    """A compiled sub-graph."""

    graph: Graph
    tasks: list[Task]
    arena_bytes: int
    #: How threads divide the iterations, if they do.
    division: Division | None

    def source(self, tensor: Tensor) -> GraphTensor:
        """The tensor whose memory one of its graph has."""

    def place_of(self, tensor: Tensor, places: dict[int, Operand], base: Operand) -> Operand:
        """Where a tensor is, if inputs (by id) are at `places` and the arena starts at `base`."""

    def emit(self, program: Program, places: dict[int, Operand], base: Operand) -> None:
        """Add the tasks to a program."""

    def own_place(self, size: int) -> Operand:
        """A place of so many bytes in the memory that each thread has of its own."""

    def checks(self) -> list[Operand]:
        """The bytes that its kernels clear when an index is out of range; known after `emit`."""


#: Compiles a sub-graph, of which the first inputs are the variables of a loop, whose new values its outputs are.
#: Threads may divide it if the turns of the loop are bounded.
Plan = Callable[[Graph, int, "Turns | None"], Part]


def as_region(node: Node, plan: Plan) -> Region | None:
    """The task of a control node, or None if it must stay on the host."""
    known = all(t.spec.known and t.dtype.numpy.kind != "O" for t in node.outputs)
    if not known or not (node.outputs or acts(node)):
        return None
    try:
        if node.op.name in _LOOPS:
            return _loop(node, plan)
        if node.op.name in _BRANCHES:
            return _branch(node, plan)
    except Unsupported:
        pass
    return None


def _lowered(graph: Graph, inputs: Sequence[Tensor], variables: int = 0) -> Graph:
    """A sub-graph for these inputs; the first `variables` change while it runs again and again."""
    if is_lowered(graph) and all(t.dims == own.dims for t, own in zip(inputs, graph.all_inputs, strict=True)):
        return _static(graph)
    prepared = pipeline.prepare(graph)
    if any(t.dtype.numpy.kind == "O" for t in prepared.outputs):
        raise Unsupported("objects")
    known = {i: a for i, t in enumerate(inputs) if i >= variables and (a := constant_of(t)) is not None}
    out = pipeline.finish(sink(prepared, known), [t.dims for t in inputs], own=OWN_PASSES)
    if "state" in prepared.extras:
        raise Unsupported("state")
    return _static(out)


def _static(graph: Graph) -> Graph:
    if not all(t.spec.known for n in graph.nodes for t in n.outputs):
        raise Unsupported("shapes")
    used = {id(t) for t in _used(graph)}
    if any(t.dtype.numpy.kind == "O" and id(t) in used for t in graph.inputs):
        raise Unsupported("objects")
    return graph


def _loop(node: Node, plan: Plan) -> Region:
    count = len(node.outputs)
    body = _lowered(node.attrs["body"], node.inputs, count)
    if any(new.dims != old.dims for new, old in zip(body.outputs, node.inputs[:count], strict=True)):
        raise Unsupported("shapes change")
    cond = _lowered(node.attrs["cond"], node.inputs, count)
    if cond.outputs[0].dims != () or not cond.outputs[0].dtype.is_bool:
        raise Unsupported("condition")
    condition = plan(cond, 0, None)
    turns = _turns(node, condition, body)
    return Loop(node, [condition, plan(body, count, turns)], turns)


def _turns(node: Node, condition: Part, body: Graph) -> Turns | None:
    """What is known of a loop's turns, if threads can tell for themselves when they end."""
    most = trips(condition.graph, body, node.inputs).most
    if most is None or not all(isinstance(t, LoopTask) and not t.parallel for t in condition.tasks):
        return None
    used = {id(t) for t in _used(condition.graph)}
    deciding = [k for k in range(len(node.outputs)) if id(condition.graph.inputs[k]) in used]
    return Turns(most, frozenset(deciding))


def _branch(node: Node, plan: Plan) -> Region:
    selector, *operands = node.inputs
    if selector.dims != () or not (selector.dtype.is_bool or node.op.name in _CASES):
        raise Unsupported("predicate")
    graphs = [_lowered(graph, operands) for graph in node.subgraphs]
    if any(t.dims != out.dims for g in graphs for t, out in zip(g.outputs, node.outputs, strict=True)):
        raise Unsupported("shapes differ")
    return Branch(node, [plan(g, 0, None) for g in graphs])


def _bytes(tensor: Tensor) -> int:
    return elements(tensor) * tensor.dtype.numpy.itemsize


class Region(Task):
    """A control node in the program."""

    def __init__(self, node: Node, parts: Sequence[Part], own_bytes: int = 0) -> None:
        used = {id(t) for part in parts for t in _used(part.graph)}
        given = inputs_of(node)
        reads = [t for t, inner in self._pairs(node, parts) if id(inner) in used]
        reads += [t for t in given[: self.always_read(node)] if not is_unset(t)]
        super().__init__([node], reads, cast(list[GraphTensor], list(node.outputs)))
        self.node, self.parts = node, list(parts)
        # Calls into Python have the barriers in them that a part run by one thread must not have.
        self.parallel = any(t.parallel or t.is_host for t in self.inner)
        self._own_bytes = -(-own_bytes // _ALIGNMENT) * _ALIGNMENT
        self.scratch_bytes = self._own_bytes + max(part.arena_bytes for part in parts)

    @staticmethod
    def _pairs(node: Node, parts: Sequence[Part]) -> list[tuple[GraphTensor, GraphTensor]]:
        """The inputs of the node that have a value, with those of the graphs that they go to."""
        return [
            (outer, inner)
            for part in parts
            for outer, inner in zip(inputs_of(node)[-len(part.graph.inputs) or len(node.inputs) :], part.graph.inputs)
            if not is_unset(outer)
        ]

    @staticmethod
    def always_read(node: Node) -> int:
        """How many of the first inputs are read in any case."""
        raise NotImplementedError

    @property
    def inner(self) -> list[Task]:
        return [t for part in self.parts for t in part.tasks]

    @property
    def flops(self) -> int:
        return sum(t.flops for t in self.inner)

    @property
    def can_fail(self) -> bool:
        return any(t.can_fail for t in self.inner)

    def call(self, program: Program, where: Where, scratch: Operand, address: int) -> None:
        arena = scratch[0], scratch[1] + self._own_bytes
        program.barrier()
        self._emit(program, where, scratch, arena)
        program.barrier()

    def _emit(self, program: Program, where: Where, own: Operand, arena: Operand) -> None:
        raise NotImplementedError

    def _inputs(self, part: Part, where: Where) -> dict[int, Operand]:
        wanted = {id(t) for t in _used(part.graph)}
        return {id(inner): where(outer) for outer, inner in self._pairs(self.node, [part]) if id(inner) in wanted}

    def _copy(self, program: Program, target: Operand, source: Operand, tensor: Tensor) -> None:
        if target != source and (size := _bytes(tensor)):
            program.copy(target, source, size, parallel=self.parallel and size >= 1 << 16)


def _used(graph: Graph) -> list[Tensor]:
    return [*(t for n in graph.nodes for t in n.inputs), *graph.outputs]


class Branch(Region):
    """An If or a Case: the chosen part runs, and its outputs are copied to the results."""

    def __init__(self, node: Node, parts: Sequence[Part]) -> None:
        super().__init__(node, parts, len(parts) if node.op.name in _CASES else 0)

    @staticmethod
    def always_read(node: Node) -> int:
        return 1

    def _emit(self, program: Program, where: Where, own: Operand, arena: Operand) -> None:
        selector = where(inputs_of(self.node)[0])
        chosen = [selector]
        if self.node.op.name in _CASES:
            chosen = [(own[0], own[1] + k) for k in range(len(self.parts))]
            kernel = choice_kernel(inputs_of(self.node)[0].dtype)
            program.call(kernel, [selector, chosen[0]], [len(self.parts)], name="choose")
            program.barrier()
        end = program.label()
        for part, flag in zip(self.parts, chosen, strict=False):
            if part is self.parts[-1]:
                break
            otherwise = program.label()
            program.jump_unless(flag, otherwise)
            self._emit_part(program, part, where, arena)
            program.jump(end)
            program.place(otherwise)
        self._emit_part(program, self.parts[-1], where, arena)
        program.place(end)

    def _emit_part(self, program: Program, part: Part, where: Where, arena: Operand) -> None:
        places = self._inputs(part, where)
        part.emit(program, places, arena)
        program.barrier()
        for inner, outer in zip(part.graph.outputs, self.writes, strict=True):
            self._copy(program, where(outer), part.place_of(inner, places, arena), outer)
        program.barrier()


class Loop(Region):
    """A While. Its variables live where its results go, or each thread has its own."""

    def __init__(self, node: Node, parts: Sequence[Part], turns: Turns | None) -> None:
        # Variables that take the value of another one are exchanged by way of memory of the region's own.
        self._exchange: dict[int, int] = {}
        size, body = 0, parts[1]
        variables = {id(t): i for i, t in enumerate(body.graph.inputs)}
        for k, (tensor, new) in enumerate(zip(node.outputs, body.graph.outputs, strict=True)):
            if variables.get(id(body.source(new)), k) != k:
                self._exchange[k] = size
                size += -(-_bytes(tensor) // _ALIGNMENT) * _ALIGNMENT
        self._turns = 1 if turns is None else turns.most
        self._division = body.division
        super().__init__(node, parts, size)

    @staticmethod
    def always_read(node: Node) -> int:
        return len(node.outputs)

    @property
    def name(self) -> str:
        return super().name if self._division is None else f"{super().name} by rows"

    @property
    def flops(self) -> int:
        return super().flops * self._turns

    def _emit(self, program: Program, where: Where, own: Operand, arena: Operand) -> None:
        results = [where(t) for t in self.writes]
        starts = [None if is_unset(t) else where(t) for t in inputs_of(self.node)[: len(results)]]
        if self._division is None:
            self._start(program, results, starts)
            program.barrier()
            self._run(program, where, results, own, arena)
            return
        variables = self._own_variables(results)
        apart = [v != place for v, place in zip(variables, results, strict=True)]
        self._start(program, results, [None if a else s for a, s in zip(apart, starts, strict=True)])
        program.barrier()
        with program.apart():
            self._start(program, variables, [s if a else None for a, s in zip(apart, starts, strict=True)])
            self._run(program, where, variables, own, arena)
        for place, source, tensor in zip(results, variables, self.writes, strict=True):
            self._copy(program, place, source, tensor)

    def _start(self, program: Program, places: Sequence[Operand], starts: Sequence[Operand | None]) -> None:
        """Give variables the values that they begin with, where they have some."""
        for place, start, tensor in zip(places, starts, self.writes, strict=True):
            if start is not None:
                self._copy(program, place, start, tensor)

    def _own_variables(self, results: Sequence[Operand]) -> list[Operand]:
        """Where each variable is for a thread: where its result goes, or in the thread's own memory."""
        return [
            self.parts[1].own_place(_bytes(t)) if self._is_own(k) else place
            for k, (t, place) in enumerate(zip(self.writes, results, strict=True))
        ]

    def _run(self, program: Program, where: Where, variables: Sequence[Operand], own: Operand, arena: Operand) -> None:
        """The iterations, on variables that have values."""
        cond, body = self.parts
        again, done = program.label(), program.label()
        program.place(again)
        inside = [self._inputs(part, where) for part in (cond, body)]
        for part, places in zip((cond, body), inside, strict=True):
            places.update({id(t): place for t, place in zip(part.graph.inputs, variables, strict=False)})
        arenas = [arena if self._division is None else body.own_place(cond.arena_bytes), arena]
        cond.emit(program, inside[0], arenas[0])
        cost = self._cost() if self._division is None else 0
        program.jump_unless(cond.place_of(cond.graph.outputs[0], inside[0], arenas[0]), done, cost)
        body.emit(program, inside[1], arenas[1])
        for check in [*cond.checks(), *body.checks()]:
            program.jump_unless(check, done)
        program.barrier()
        self._step(program, variables, inside[1], own, arena)
        program.barrier()
        program.jump(again)
        program.place(done)

    def _step(
        self, program: Program, variables: Sequence[Operand], places: dict[int, Operand], own: Operand, arena: Operand
    ) -> None:
        """Give the variables their new values."""
        body = self.parts[1]
        new = [body.place_of(t, places, arena) for t in body.graph.outputs]
        for k, offset in self._exchange.items():
            kept = own[0], own[1] + offset
            if self._is_own(k):
                kept = body.own_place(_bytes(self.writes[k]))
            self._move(program, kept, new[k], k)
            new[k] = kept
        program.barrier()
        for k, (place, source) in enumerate(zip(variables, new, strict=True)):
            self._move(program, place, source, k)

    def _is_own(self, k: int) -> bool:
        """Whether each thread has a variable of its own."""
        return self._division is not None and id(self.parts[1].graph.inputs[k]) in self._division.own

    def _move(self, program: Program, target: Operand, source: Operand, k: int) -> None:
        """Copy the new value of a variable; threads that run apart, each its rows or all of its own."""
        tensor = self.writes[k]
        if self._division is None:
            self._copy(program, target, source, tensor)
        elif target != source:
            size, own = _bytes(tensor), self._is_own(k)
            program.copy(target, source, size, parallel=not own, unit=size if own else size // self._division.rows)

    def _cost(self) -> int:
        return sum(_CALL_NS + t.flops // _FLOPS_PER_NS + t.bytes_moved // _BYTES_PER_NS for t in self.inner)
