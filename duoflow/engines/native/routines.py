"""Kernels that compute one node from tensors in memory: scatters, scans, orders.

`as_routine(node, description)` gives the `Routine` of a node, or None; `RoutineTask` is its place in a program.
"""

from __future__ import annotations

import math
from typing import Any, Protocol, cast

from duoflow.core.graph import Node
from duoflow.core.lowering import Insert, Order, Scan, Scatter
from duoflow.core.scalar import Unsupported
from duoflow.core.tensor import GraphTensor

from .ir import KERNEL, Function, Module
from .kernels.insert import InsertRoutine
from .kernels.order import OrderRoutine
from .kernels.scan import ScanRoutine
from .kernels.scatter import ScatterRoutine
from .runner import Operand, Program
from .static import elements, inputs_of, output_of, sizes
from .tasks import Task, Where
from .threads import thread_count

__all__ = ["RoutineTask", "as_routine"]


class Routine(Protocol):
    """How one node is computed. Operands: a check byte, the inputs at the positions `inputs`, the outputs, scratch."""

    inputs: tuple[int, ...]
    #: The input that the output may be written over: the kernel does not copy what is in place already.
    base: int | None
    parallel: bool
    flops: int

    @property
    def can_fail(self) -> bool:
        """Whether it clears the check byte when an operand is not allowed; it writes nothing then."""

    def scratch_bytes(self, threads: int) -> int:
        """The scratch memory it needs for so many threads."""

    def write(self, f: Function) -> None:
        """Write the body of the kernel."""


def as_routine(node: Node, description: Any) -> Routine | None:
    """The routine of a node that is described so; None if there is none for these types."""
    try:
        return _routine(node, description)
    except Unsupported:
        return None


def _routine(node: Node, description: Any) -> Routine | None:
    inputs = inputs_of(node)
    if isinstance(description, Scatter):
        indices, updates, out = inputs[description.indices], inputs[description.updates], output_of(node)
        rows = elements(indices) // description.depth
        return ScatterRoutine(description, sizes(out), rows, out.dtype, indices.dtype, updates.dtype)
    if isinstance(description, Insert):
        out, value, begin = output_of(node), inputs[description.value], inputs[description.part.begin]
        return InsertRoutine(description, sizes(out), out.dtype, value.dtype, begin.dtype)
    if isinstance(description, (Scan, Order)):
        shape, axis = sizes(inputs[0]), description.axis
        folded = (math.prod(shape[:axis]), shape[axis], math.prod(shape[axis + 1 :]))
        if isinstance(description, Scan):
            return ScanRoutine(description, folded, inputs[0].dtype)
        places = None if description.places is None else node.outputs[description.places].dtype
        return OrderRoutine(description, folded, sizes(node.outputs[0])[axis], inputs[0].dtype, places)
    return None


class RoutineTask(Task):
    """A node that a routine computes."""

    def __init__(self, node: Node, routine: Routine) -> None:
        inputs = [inputs_of(node)[i] for i in routine.inputs]
        super().__init__([node], inputs, cast(list[GraphTensor], list(node.outputs)), routine.parallel)
        self._routine, self._inputs = routine, inputs
        self.scratch_bytes = routine.scratch_bytes(thread_count() if routine.parallel else 1)

    @property
    def can_fail(self) -> bool:
        return self._routine.can_fail

    @property
    def base(self) -> GraphTensor | None:
        """The input that the output may be written over, if it is read as nothing else."""
        if self._routine.base is None:
            return None
        base = inputs_of(self.nodes[0])[self._routine.base]
        return base if sum(t is base for t in self._inputs) == 1 else None

    @property
    def flops(self) -> int:
        return self._routine.flops

    def write(self, module: Module, name: str) -> bool:
        with module.function(name, KERNEL) as f:
            self._routine.write(f)
        return True

    def call(self, program: Program, where: Where, scratch: Operand, address: int) -> None:
        operands = [self.check, *map(where, self._inputs), *map(where, self.writes), scratch]
        program.call(address, operands, parallel=self.parallel, name=self.name)
