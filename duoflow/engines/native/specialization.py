"""A compiled graph and its runs.

A `Specialization` holds the program of a graph with static shapes, and says where each value comes from and goes to;
the compiler fills it in, or `images` from what was kept of an earlier start. A `Context` holds what one run at a time
needs: the frame with its address table, the arena, and the values that only the host sees. Contexts are kept for the
next run; several runs at once have one each.
"""

from __future__ import annotations

import ctypes
import functools
import math
import threading
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, cast

import numpy as np

from duoflow.core.arrays import address_of
from duoflow.core.errors import InvalidArgumentError
from duoflow.core.graph import Graph, Node
from duoflow.core.state import Flight, aligned_empty
from duoflow.core.tensor import GraphTensor, Tensor
from duoflow.passes.table import StateTable

from ..reference import evaluate_node
from . import profile
from .entry import Row
from .failures import raise_error
from .profile import Timing
from .runner import Operand, Program
from .static import elements, sizes
from .threads import Block

if TYPE_CHECKING:
    from .jit import Library
    from .reports import Layout
    from .shared import Code
    from .tasks import Task

__all__ = ["ARENA", "CHECKS", "OWN", "Context", "Specialization"]

#: The first buffers of every program: the arena, a byte for each kernel that can fail, memory of each thread's own.
ARENA, CHECKS, OWN = 0, 1, 2


_ALIGNMENT = 64

#: What a call into Python reads: the stored tensor behind an input, the input's shape where it is known, and where the
#: tensor is, if that is not a place of the whole graph's.
Source = tuple[GraphTensor, Any, "Operand | None"]


#: How an output is got after a run: the kind of place, and what it says of that. See `_taker`.
Form = tuple[Any, ...]


class Specialization:
    """A compiled graph: its program, and where its values come from and go to."""

    #: When its tasks run and where their tensors are; known once it is compiled.
    layout: Layout
    #: The bytes that it was allowed to need, if that was limited, and what it would need without that.
    limit: int | None = None
    unlimited = 0

    def __init__(self, graph: Graph | None, name: str, table: StateTable) -> None:
        self._graph, self.name, self.table = graph, name, table
        #: How many inputs there are, those for states that the graph names among them.
        self.input_count = 0 if graph is None else len(graph.all_inputs)
        self.program: Program
        #: The machine code it runs.
        self.codes: list[Code | Library] = []
        self.tasks: list[Task] = []
        #: Where each stored tensor (by id) lives.
        self.where: dict[int, Operand] = {}
        self.buffer_count = 3
        self.arena_bytes = 0
        #: What each thread has of its own.
        self.own_bytes = 0
        self.checked: list[list[Node]] = []
        #: (buffer, input position, shape, NumPy dtype) of arrays.
        self.array_inputs: list[tuple[int, int, tuple[int, ...], Any]] = []
        #: (buffer, input position, updated in place, shape and NumPy dtype if nobody reads the old value) of states.
        self.state_inputs: list[tuple[int, int, bool, tuple[tuple[int, ...], Any] | None]] = []
        self.constants: list[tuple[int, np.ndarray[Any, Any]]] = []
        self.host_values: dict[int, tuple[int, GraphTensor]] = {}
        #: Tensors that only Python sees: resources, strings, values of unknown shape that come in or are constant.
        self.objects: dict[int, Any] = {}
        self.object_inputs: list[tuple[int, int]] = []
        self.outputs: list[tuple[int, tuple[int, ...], Any]] = []
        self._output_buffer: dict[int, int] = {}
        #: How each result is got after a run, and the value of each state (input position) not updated in place.
        self.results: list[Form] = []
        self.adopted: list[tuple[int, Form]] = []
        #: Whether the results are the outputs' arrays as they are.
        self.gives_outputs = False
        self._input_buffer: dict[int, int] = {}
        self.storage_of: Callable[[Any], GraphTensor]
        #: The instructions of each task (by id), and what they took in timed runs.
        self.instructions: dict[int, tuple[int, int]] = {}
        self.timing: Timing | None = None
        profile.register(self)
        self._idle: list[Context] = []
        #: The context of this thread's run, for calls into Python, and whether there are any.
        self._running = threading.local()
        self.calls_back = False

    @property
    def graph(self) -> Graph:
        """The graph whose nodes its tasks are of."""
        assert self._graph is not None
        return self._graph

    @property
    def origin(self) -> Specialization:
        """The same with all that the compiler knows of it."""
        return self

    def suspects(self, failed: Sequence[int]) -> tuple[Graph, list[Node], Mapping[int, Operand]]:
        """The nodes of kernels that failed, by the numbers of their checks; their graph, and where its tensors are."""
        return self.graph, [node for i in failed for node in self.checked[i]], self.where

    # Built by the compiler --------------------------------------------------------------------------------------------

    def _new_buffer(self) -> int:
        self.buffer_count += 1
        return self.buffer_count - 1

    def add_check(self, nodes: list[Node]) -> Operand:
        """A byte that a kernel for these nodes clears when an operand is not allowed."""
        self.checked.append(nodes)
        return (CHECKS, len(self.checked) - 1)

    def own_place(self, size: int) -> Operand:
        """So many bytes of the memory that each thread has of its own."""
        place = OWN, self.own_bytes
        self.own_bytes += -(-size // _ALIGNMENT) * _ALIGNMENT
        return place

    def add_input(self, tensor: GraphTensor, position: int) -> None:
        """A graph input: an array, the value of a state, or an object for the host."""
        if position in self.table.inputs:
            buffer = self._new_buffer()
            self._input_buffer[position] = buffer
            initial = (sizes(tensor), tensor.dtype.numpy) if position in self.table.unread else None
            self.state_inputs.append((buffer, position, False, initial))
            self.where[id(tensor)] = (buffer, 0)
        elif _in_memory(tensor):
            buffer = self._new_buffer()
            self.array_inputs.append((buffer, position, sizes(tensor), tensor.dtype.numpy))
            self.where[id(tensor)] = (buffer, 0)
        else:
            self.object_inputs.append((id(tensor), position))

    def add_constant(self, tensor: GraphTensor, value: Any) -> None:
        """A constant of the graph."""
        if _in_memory(tensor):
            buffer = self._new_buffer()
            self.constants.append((buffer, np.ascontiguousarray(value).reshape(sizes(tensor))))
            self.where[id(tensor)] = (buffer, 0)
        else:
            self.objects[id(tensor)] = value

    def place_over(self, tensor_id: int, old: GraphTensor, position: int) -> None:
        """A variable's new value goes where the old one was."""
        self.where[tensor_id] = self.where[id(old)]
        self.state_inputs = [(b, p, at or p == position, initial) for b, p, at, initial in self.state_inputs]

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
        self.outputs.append((buffer, sizes(tensor), tensor.dtype.numpy))
        self.where[id(tensor)] = (buffer, 0)

    def fix_outputs(self, storage_of: Callable[[Any], GraphTensor]) -> None:
        """Decide how each graph output is got after a run; `storage_of` says in which tensor's memory one is."""
        self.storage_of = storage_of
        updates = {out for _, out in self.table.updates}
        given: set[int] = set()
        as_they_are: list[int | None] = []
        for i, tensor in enumerate(self.graph.outputs):
            stored = storage_of(tensor)
            taken = self._form(stored, tensor, id(stored) in given)
            whole = id(stored) not in given and tensor.dims == sizes(stored)
            given.add(id(stored))
            if i not in updates:
                self.results.append(taken)
                as_they_are.append(self._output_buffer.get(id(stored)) if whole else None)
                continue
            position = next(p for p, o in self.table.updates if o == i)
            if self.where.get(id(stored)) != (self._input_buffer[position], 0):
                self.adopted.append((position, taken))
        self.gives_outputs = as_they_are == list(range(len(self.outputs)))

    def _form(self, stored: GraphTensor, tensor: Tensor, shared: bool) -> Form:
        key, dims = id(stored), cast(Any, tensor.dims)
        if key in self._output_buffer:
            return "array", self._output_buffer[key], None if dims == sizes(stored) and not shared else dims, shared
        if key in self.host_values or not tensor.spec.known or not _in_memory(tensor):
            return "object", key, dims if tensor.spec.known and _in_memory(tensor) else None
        return "memory", self.where[key], sizes(stored), stored.dtype.numpy, dims

    def callback(self, node: Node, sources: Sequence[Source] = ()) -> Callable[[], object]:
        """What the program calls to run a node on the host, on `sources`, by default those of the whole graph."""
        self.calls_back = True
        running = self._running
        known = list(sources)

        def call() -> None:
            if not known:  # where tensors are stored is known once the program is built
                known.extend((self.storage_of(t), t.dims if t.spec.known else None, None) for t in node.inputs)
            running.context.evaluate(node, known)

        return call

    # Running ----------------------------------------------------------------------------------------------------------

    def run(self, values: Sequence[Any]) -> list[Any]:
        """The graph's outputs for these inputs."""
        try:
            context = self._idle.pop()
        except IndexError:
            context = self._new_context()
        try:
            return self._run_calling_back(context, values) if self.calls_back else context.run(values)
        finally:
            self._idle.append(context)

    def _run_calling_back(self, context: Context, values: Sequence[Any]) -> list[Any]:
        """Run where calls into Python find the context by this thread."""
        outer = getattr(self._running, "context", None)
        self._running.context = context
        try:
            return context.run(values)
        finally:
            self._running.context = outer

    def _new_context(self) -> Context:
        self.program.timed = profile.is_on()
        context = Context(self)
        if self.program.timed:
            self.timing = self.timing or Timing(self.name, self.program.names)
            context.run = self.timing.around(context)  # type: ignore[method-assign]
        return context

    def timing_changed(self) -> None:
        """Let further runs have contexts that are timed, or are not."""
        self._idle.clear()

    def memory(self) -> dict[str, int]:
        """The bytes that a run needs besides its inputs, as planned."""
        outputs = sum(int(np.prod(shape)) * np.dtype(dtype).itemsize for _, shape, dtype in self.outputs)
        constants = sum(array.nbytes for _, array in self.constants)
        python = sum(elements(t) * t.dtype.numpy.itemsize for buffer, t in self.host_values.values() if buffer >= 0)
        return {"arena": self.arena_bytes, "constants": constants, "outputs": outputs, "results of Python": python}

    @property
    def planned_bytes(self) -> int:
        """All that `memory` lists."""
        return sum(self.memory().values())


def _in_memory(tensor: Tensor) -> bool:
    """Whether a tensor can be an operand of a kernel."""
    return tensor.spec.known and tensor.dtype.numpy.kind != "O"


def _taker(form: Form) -> Callable[[Context], Any]:
    """What gets an output: an array that was made for it, a host's value, or a copy of what is in memory."""
    kind, *what = form
    if kind == "array":
        number, dims, shared = what
        if shared:
            return lambda context: context.arrays[number].reshape(dims).copy()
        if dims is None:
            return lambda context: context.arrays[number]
        return lambda context: context.arrays[number].reshape(dims)
    if kind == "object":
        key, dims = what
        if dims is None:
            return lambda context: context.objects[key]
        return lambda context: np.array(context.objects[key]).reshape(dims)
    place, shape, dtype, dims = what
    return lambda context: np.array(context.value_at(place, shape, dtype)).reshape(dims)


#: A check until a kernel clears it.
_PASSED = b"\1"


class Context:
    """One run at a time: addresses, arena, and values of the host."""

    def __init__(self, owner: Specialization) -> None:
        self.owner = owner
        self._arena = Block(max(64, owner.arena_bytes))
        self._checks = bytearray(_PASSED * max(1, len(owner.checked)))
        self._constant = dict(owner.constants)
        self._state_at = {buffer: position for buffer, position, *_ in owner.state_inputs}
        self._array_at = {buffer: position for buffer, position, _, _ in owner.array_inputs}
        self._states = self._states_to_bind()
        self._flight = Flight([position for _, position, in_place, _ in self._states if not in_place])
        #: The states that the graph itself names; they come behind the values that a run is given.
        self._named = tuple([owner.table.constant[position] for position in sorted(owner.table.constant)])
        self.frame = owner.program.frame(self._rows())
        self._buffers = self.frame.buffers
        self._buffers[ARENA] = self._arena.address
        self._buffers[CHECKS] = address_of(np.frombuffer(self._checks, np.uint8))
        self._own = Block(max(64, owner.own_bytes * owner.program.threads))
        self._buffers[OWN] = self._own.address
        for buffer, array in owner.constants:
            self._buffers[buffer] = address_of(array)
        self.arrays: list[np.ndarray[Any, Any]] = []
        self.objects: dict[int, Any] = {}
        self._values: Sequence[Any] = ()
        more = owner.objects or owner.object_inputs or owner.checked or owner.adopted or owner.calls_back
        self._takers = [_taker(form) for form in owner.results]
        self._adopters = [(position, _taker(form)) for position, form in owner.adopted]
        #: Whether a run consists of kernels that cannot fail, and gives the arrays that they write.
        self._only_kernels = owner.gives_outputs and not more
        #: Inputs that had to be converted or copied, by buffer.
        self._inputs: dict[int, np.ndarray[Any, Any]] = {}
        self._views: dict[Any, np.ndarray[Any, Any]] = {}

    def _rows(self) -> list[Row]:
        """What the frame is given in a run: the inputs, the states that the graph names, and arrays for the outputs."""
        rows = {position: Row(buffer, dims, dtype) for buffer, position, dims, dtype in self.owner.array_inputs}
        rows |= {position: Row(buffer, in_place=in_place) for buffer, position, in_place, _ in self._states}
        inputs = [rows.get(position, Row()) for position in range(self.owner.input_count)]
        return inputs + [Row(*each) for each in self.owner.outputs]

    def run(self, values: Sequence[Any]) -> list[Any]:
        arrays = [np.empty(shape, dtype) for _, shape, dtype in self.owner.outputs]
        values = [*values, *self._named, *arrays]
        if not self._states:
            return self._run(values, arrays, True)
        flight = self._flight
        flight.begin(values)
        try:
            return self._run(values, arrays, flight.is_alone)
        finally:
            flight.end()

    def _run(self, values: Sequence[Any], arrays: list[np.ndarray[Any, Any]], alone: bool) -> list[Any]:
        """A run; `alone` if it may take the buffers of states without asking whether another reads them."""
        owner = self.owner
        if alone and self._only_kernels and self.frame.run(values):
            return arrays
        self.arrays, self._values = arrays, values
        if owner.objects or owner.object_inputs:
            self.objects = dict(owner.objects)
            for key, position in owner.object_inputs:
                self.objects[key] = values[position]
        if not (alone and self.frame.run(values)):
            self._bind(values)
            self.frame.run()
        if 0 in self._checks:
            self._raise()
        results = [take(self) for take in self._takers]
        for position, take in self._adopters:  # last, for a result may be an old value
            values[position].adopt(np.require(take(self), requirements="C"))
        self.arrays, self.objects, self._values = [], {}, ()
        if self._inputs:
            self._inputs.clear()
        return results

    def _bind(self, values: Sequence[Any]) -> None:
        """Point the frame's buffers at values that are not all as its rows say: converted, copied, held by others."""
        buffers = self._buffers
        for buffer, position, dims, dtype in self.owner.array_inputs:
            array = self._as_expected(values[position], position, dims, dtype)
            if array is not values[position]:
                self._inputs[buffer] = array
            buffers[buffer] = address_of(array)
        for (buffer, _, _), array in zip(self.owner.outputs, self.arrays, strict=True):
            buffers[buffer] = address_of(array)
        for buffer, position, in_place, initial in self._states:
            state = values[position]
            if initial is not None and state.array is None:
                state.adopt(aligned_empty(*initial))
            buffers[buffer] = address_of(state.writable() if in_place else state.read())
            self.frame.rows.note(position, state)

    def _as_expected(self, value: Any, position: int, dims: tuple[int, ...], dtype: Any) -> np.ndarray[Any, Any]:
        """An input as an array of the type compiled for; `InvalidArgumentError` if its shape is another one."""
        if np.shape(value) != dims:
            message = f"Input {position} of {self.owner.name!r} has shape {np.shape(value)}, expected {dims}."
            raise InvalidArgumentError(None, None, message)
        return np.require(value, dtype, "CA")

    def _states_to_bind(self) -> list[tuple[int, int, bool, Any]]:
        """(buffer, position, updated in place, shape and dtype) of each state that has a place in memory.

        Those that nobody reads need no value before the run; the last is what memory they get then, else None.
        """
        return [row for row in self.owner.state_inputs if row[2] or row[3] is None]

    def value(self, tensor: GraphTensor) -> Any:
        """A stored tensor as an array (a view of the program's memory) or object."""
        key = id(tensor)
        if key in self.objects:
            return self.objects[key]
        return self.value_at(self.owner.where[key], sizes(tensor), tensor.dtype.numpy)

    def value_at(self, place: Operand, shape: tuple[int, ...], dtype: Any) -> Any:
        """The array (a view of the program's memory) that is there."""
        buffer, offset = place
        if buffer in self._constant:
            return self._constant[buffer]
        if buffer in self._array_at:
            return self._inputs.get(buffer, self._values[self._array_at[buffer]])
        if buffer in self._state_at:
            return self._values[self._state_at[buffer]].read()
        key = buffer, offset, shape, dtype
        view = self._views.get(key)
        if view is None:
            count = math.prod(shape)
            memory = _memory(self._buffers[buffer] + offset, count * dtype.itemsize)
            view = np.frombuffer(memory, dtype, count).reshape(shape)
            if buffer == ARENA:
                self._views[key] = view
        return view

    def _at(self, operand: Operand, tensor: GraphTensor) -> np.ndarray[Any, Any]:
        """A tensor in the program's memory."""
        buffer, offset = operand
        size = elements(tensor) * tensor.dtype.numpy.itemsize
        memory = _memory(self._buffers[buffer] + offset, size)
        return np.frombuffer(memory, tensor.dtype.numpy, elements(tensor)).reshape(sizes(tensor))

    def evaluate(self, node: Node, sources: Sequence[Source]) -> None:
        """Run a node on the host: inputs are copied from the program's memory, outputs become buffers of their own."""
        values = []
        objects = self.objects
        for stored, dims, operand in sources:
            value = objects.get(id(stored), _MISSING) if operand is None else self._at(operand, stored).copy()
            if value is _MISSING:
                value = self.value(stored)
                if type(value) is np.ndarray:
                    value = value.copy()
            if dims is not None and type(value) is np.ndarray and value.shape != dims:
                value = value.reshape(dims)
            values.append(value)
        for tensor, result in zip(node.outputs, evaluate_node(node, values), strict=True):
            buffer, _ = self.owner.host_values[id(tensor)]
            if buffer >= 0:
                if result.shape != tensor.dims:
                    raise InvalidArgumentError(
                        None,
                        node,
                        f"{{{{node {node.name}}}}} gave shape {result.shape}, inference had said {tensor.dims}.",
                    )
                if not result.flags.c_contiguous or result.dtype != tensor.dtype.numpy:
                    result = np.ascontiguousarray(result, tensor.dtype.numpy).reshape(tensor.dims)
                self._buffers[buffer] = address_of(result)
            self.objects[id(tensor)] = result

    def _raise(self) -> None:
        """The error of the kernels whose check failed."""
        graph, suspects, where = self.owner.suspects([i for i, passed in enumerate(self._checks) if not passed])
        self._checks[:] = _PASSED * len(self._checks)
        raise_error(graph, suspects, functools.partial(self._intact, where))

    def _intact(self, where: Mapping[int, Operand], tensor: GraphTensor) -> Any:
        """The value of a tensor that no kernel writes, as it is after a run; None for others."""
        if id(tensor) in self.objects:
            return self.objects[id(tensor)]
        place = where.get(id(tensor), (ARENA, 0))
        if any(place[0] in places for places in (self._array_at, self._state_at, self._constant)):
            return self.value_at(place, sizes(tensor), tensor.dtype.numpy)
        return None


_MISSING: Any = object()


def _memory(address: int, size: int) -> Any:
    return (ctypes.c_char * size).from_address(address)
