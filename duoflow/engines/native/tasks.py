"""What a native program is made of: tasks, each some nodes computed by one kernel or by the host.

A task says which tensors it reads and writes (in memory, each whole and row-major), whether threads share it, and
what scratch memory it needs; it writes its code into a module, if it has any, and adds its calls to a program.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Container, Hashable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, cast

from duoflow.core.graph import Node
from duoflow.core.tensor import GraphTensor

from .contract import Product
from .convolve import ConvolutionPlan
from .epilogue import others, write_epilogue
from .ir import Module
from .kernels.gemm import Gemm, generic
from .loops import LoopKernel, write_loops
from .runner import Operand, Program
from .static import elements, inputs_of, output_of, sizes
from .threads import thread_count

__all__ = ["BlockTask", "ConvolutionTask", "HostTask", "LoopTask", "ProductTask", "Task"]

#: The work of a piece of a thread's share, which takes about a quarter of a millisecond, and the most pieces.
_PIECE_FLOPS, _PIECE_BYTES, _MOST_PIECES = 25_000_000, 3 << 20, 4

#: Where a tensor lives, and where a task's scratch memory is.
Where = Callable[[GraphTensor], Operand]


@dataclass
class Task:
    """Some nodes, computed together. `reads` and `writes` are tensors in memory; `order` comes from the graph."""

    nodes: list[Node]
    reads: list[GraphTensor]
    writes: list[GraphTensor]
    #: Whether the threads share the work; otherwise the first does it alone.
    parallel: bool = False
    scratch_bytes: int = 0
    #: The byte in the check buffer that is cleared when something fails, if the kernel can fail.
    check: Operand = (0, 0)
    #: The loops that are its code, or a part of it.
    kernel: LoopKernel | None = None
    #: Lists of which it writes a row, before and after.
    lists: list[tuple[GraphTensor, GraphTensor]] = field(default_factory=list)

    @property
    def is_host(self) -> bool:
        return False

    @property
    def can_fail(self) -> bool:
        """Whether it can find that an operand is not allowed: an index out of range, a divisor of zero."""
        return False

    @property
    def inner(self) -> list[Task]:
        """The tasks that it consists of, if it is a loop or branches."""
        return []

    @property
    def name(self) -> str:
        """What it computes, for people: the ops, joined."""
        names = [n.op.name for n in self.nodes]
        return "+".join(names) if len(names) < 7 else "+".join([*names[:3], f"{len(names) - 5} more", *names[-2:]])

    @property
    def flops(self) -> int:
        """Arithmetic operations, roughly."""
        return 0

    @property
    def bytes_moved(self) -> int:
        """Bytes read and written at least."""
        return sum(_bytes(t) for t in (*self.reads, *self.writes))

    @property
    def pieces(self) -> int:
        """In how many pieces each thread should take its share, if that makes no more work of it."""
        work = max(self.flops / _PIECE_FLOPS, self.bytes_moved / _PIECE_BYTES)
        return max(1, min(_MOST_PIECES, int(work / thread_count())))

    def write(self, module: Module, name: str) -> bool:
        """Write the kernel's function into a module; False if there is nothing to compile."""
        return False

    def prepare(self) -> None:
        """Have the kernels that are the same for all graphs compiled, if it calls such."""

    def written(self) -> None:
        """Take note of what the code reads; it was written for this task or for one with the same kernel."""

    def form(self, numbers: Mapping[int, int]) -> Hashable:
        """What the code depends on besides its kernel; `numbers` are those of tensors (by id)."""
        return None

    def divide(self, rows: int) -> None:
        """Let each thread compute the same rows of so many in this task as in others that are divided."""
        raise NotImplementedError

    def call(self, program: Program, where: Where, scratch: Operand, address: int) -> None:
        """Add the calls to a program; `address` is that of the function written."""
        raise NotImplementedError


def _bytes(tensor: GraphTensor) -> int:
    return elements(tensor) * tensor.dtype.size if tensor.spec.known else 0


class LoopTask(Task):
    """A fused loop kernel."""

    def __init__(self, kernel: LoopKernel) -> None:
        super().__init__(kernel.members, [], list(kernel.outputs), kernel.worth_sharing)
        self.kernel: LoopKernel = kernel

    @property
    def flops(self) -> int:
        return self.kernel.points * len(self.kernel.members)

    @property
    def can_fail(self) -> bool:
        return self.kernel.can_fail

    def write(self, module: Module, name: str) -> bool:
        write_loops(module, name, self.kernel)
        return True

    def written(self) -> None:
        self.reads = [*self.kernel.reads, *(before for before, _ in self.lists)]

    def form(self, numbers: Mapping[int, int]) -> Hashable:
        return "loops", self.kernel.rows

    def divide(self, rows: int) -> None:
        self.kernel.rows, self.parallel = rows, True

    def call(self, program: Program, where: Where, scratch: Operand, address: int) -> None:
        copied = [(after, before) for before, after in self.lists if where(before) != where(after)]
        for after, before in copied:
            program.copy(where(after), where(before), _bytes(after))
        if copied:
            program.barrier()
        operands = [self.check, *map(where, self.kernel.reads), *map(where, self.kernel.outputs)]
        program.call(address, operands, parallel=self.parallel, pieces=self.pieces, name=self.name)


class BlockTask(Task):
    """A product or convolution on precompiled kernels, with the elementwise work that follows it as its epilogue."""

    #: Rows and columns of the result as the block function counts them; None if there can be no epilogue.
    grid: tuple[int, int] | None = None
    #: The columns of one group of a convolution's filters, or all of them: blocks end there.
    columns = 0

    def __init__(self, node: Node, operands: Sequence[GraphTensor], parallel: bool) -> None:
        super().__init__([node], list(operands), [output_of(node)], parallel)
        self.node = node
        #: The output that takes the place of the product itself, if nothing else needs that.
        self.replaced_by: GraphTensor | None = None

    @property
    def product(self) -> GraphTensor:
        """The tensor that the kernel computes, before the epilogue."""
        return output_of(self.node)

    def absorb(self, kernel: LoopKernel, is_needed: bool) -> None:
        """Take a loop kernel as epilogue; `is_needed` if something besides it reads the product."""
        self.kernel = kernel
        self.nodes = [self.node, *kernel.members]
        self.writes = [self.product, *kernel.outputs]
        self._product_is_needed = is_needed

    def write(self, module: Module, name: str) -> bool:
        if self.kernel is None:
            return False
        assert self.grid is not None
        write_epilogue(module, name, self.kernel, self.grid, self.columns, self.product)
        return True

    def written(self) -> None:
        assert self.kernel is not None
        self.reads = [*self.reads, *[t for t in self.kernel.reads if t is not self.product]]

    def form(self, numbers: Mapping[int, int]) -> Hashable:
        return self.grid, self.columns, numbers.get(id(self.product))

    def choose_replacement(self, taken: Container[int]) -> None:
        """Let an output of the product's type be written over it, block by block, or not write it at all."""
        if self.kernel is None or self._product_is_needed:
            return
        fits = [t for t in self.kernel.outputs if t.dtype is self.product.dtype and id(t) not in taken]
        self.replaced_by = fits[0] if fits else None
        if self.replaced_by is None:
            self._keep_from_memory()

    def _keep_from_memory(self) -> None:
        """Let only the epilogue see the product, where the kernel can do that."""

    def _others(self, where: Where) -> list[Operand]:
        return [] if self.kernel is None else [where(t) for t in others(self.kernel, self.product)]


class ProductTask(BlockTask):
    """A matrix product."""

    def __init__(self, node: Node, product: Product) -> None:
        gemm = product.gemm
        super().__init__(node, [inputs_of(node)[product.a], inputs_of(node)[product.b]], gemm.worth_sharing)
        self._operands = self.reads[:]
        self.grid, self.columns = (gemm.m, gemm.n) if gemm.batch == (1, 1) else None, gemm.n
        self._set(gemm)

    def _set(self, gemm: Gemm) -> None:
        self._gemm = gemm
        self.scratch_bytes = gemm.scratch_bytes(thread_count() if self.parallel else 1)

    @property
    def gemm(self) -> Gemm:
        """The sizes and strides."""
        return self._gemm

    @property
    def operands(self) -> list[GraphTensor]:
        """The matrices that are multiplied."""
        return self._operands

    def divide(self, rows: int) -> None:
        self.parallel = True
        self._set(replace(self._gemm, apart=True))

    def _keep_from_memory(self) -> None:
        if self._gemm.is_summed_at_once:
            self._set(replace(self._gemm, stored=False))
            self.writes = [t for t in self.writes if t is not self.product]

    @property
    def flops(self) -> int:
        return self._gemm.flops

    def prepare(self) -> None:
        generic(self._gemm)

    def call(self, program: Program, where: Where, scratch: Operand, address: int) -> None:
        kernel, consts = generic(self._gemm, address)
        c = where(self.product) if self._gemm.stored else scratch
        operands = [*map(where, self._operands), c, scratch, *self._others(where)]
        program.call(kernel, operands, consts, parallel=self.parallel, name=self.name)


class ConvolutionTask(BlockTask):
    """A convolution, or one of its gradients."""

    def __init__(self, node: Node, plan: ConvolutionPlan) -> None:
        operands = [inputs_of(node)[p] for p in plan.roles.values() if p >= 0]
        super().__init__(node, operands, plan.conv.worth_sharing)
        self._plan = plan
        if plan.is_forward:
            *pixels, filters = sizes(self.product)
            self.grid = (math.prod(pixels), filters)
            self.columns = filters if plan.conv.is_depthwise else plan.conv.group_filters

    def prepare(self) -> None:
        work = self._plan.work()
        self._packed_bytes = -(-work.packed_bytes // 64) * 64
        self.scratch_bytes = self._packed_bytes + work.scratch_bytes(thread_count())

    @property
    def flops(self) -> int:
        return self._plan.conv.flops

    def call(self, program: Program, where: Where, scratch: Operand, address: int) -> None:
        node, plan = self.node, self._plan
        places = {role: where(self.product if p < 0 else inputs_of(node)[p]) for role, p in plan.roles.items()}
        places |= {"packed": scratch, "scratch": (scratch[0], scratch[1] + self._packed_bytes)}
        for step in plan.work(address).steps:
            if step.after_barrier:
                program.barrier()
            operands = [*(places[role] for role in step.roles), *self._others(where)]
            program.call(
                step.address, operands, step.consts, parallel=step.parallel,
                pieces=self.pieces if step.divisible else 1, name=f"{self.name}.{step.name}",
            )  # fmt: skip


class HostTask(Task):
    """A node that runs in Python, on arrays."""

    def __init__(
        self, node: Node, call: Callable[[Node, Where], Callable[[], object]], reads: Sequence[GraphTensor]
    ) -> None:
        super().__init__([node], list(reads), cast(list[GraphTensor], list(node.outputs)))
        self._callback = call

    @property
    def is_host(self) -> bool:
        return True

    def call(self, program: Program, where: Where, scratch: Operand, address: int) -> None:
        program.call_python(self._callback(self.nodes[0], where), self.name)


def describe_task(task: Task) -> dict[str, Any]:
    """A task as a row of a report."""
    return {
        "name": task.name, "ops": [n.op.name for n in task.nodes], "flops": task.flops, "bytes": task.bytes_moved,
        "where": "host" if task.is_host else "native", "parallel": task.parallel,
        "lines": list(dict.fromkeys(n.origin for n in task.nodes if n.origin is not None)),
    }  # fmt: skip
