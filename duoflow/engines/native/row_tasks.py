"""Rows written into buffers: a buffer that lives where its old version did gets one row copied, others all of it."""

from __future__ import annotations

import math
from collections.abc import Container

from duoflow.core.dtypes import DType
from duoflow.core.graph import Graph, Node
from duoflow.core.tensor import GraphTensor

from .ir import KERNEL, Module
from .jit import Library, compile_by_name, kept
from .runner import Operand, Program
from .static import inputs_of, output_of, sizes
from .tasks import Task, Where

__all__ = ["RowTask", "as_row", "choice_kernel", "is_unset", "only_overwritten"]

#: Bytes of a row that are worth a second thread, and bytes that two threads copy where they are at work anyway.
_SHARED_BYTES, _SHARED_ALONG = 1 << 18, 1 << 12


def is_unset(tensor: GraphTensor) -> bool:
    """Whether a tensor has no value, only a shape."""
    return tensor.node.op.name == "Empty"


def only_overwritten(graph: Graph, native: Container[int]) -> set[int]:
    """The nodes (by id) that give unset tensors, which nobody reads: they need no memory of their own.

    Written rows and the variables of loops take no value from those, if these nodes (by id) are `native`.
    """
    found = {id(n.outputs[0]): id(n) for n in graph.nodes if n.op.name == "Empty"}
    for tensor in graph.outputs:
        found.pop(id(tensor), None)
    for node in graph.nodes:
        overwritten = 0 if id(node) not in native else 1 if node.op.name == "SetRow" else len(node.outputs)
        for tensor in node.inputs[overwritten:]:
            found.pop(id(tensor), None)
    return set(found.values())


def as_row(node: Node) -> RowTask | None:
    """The task of a node that writes a row, or None."""
    if node.op.name != "SetRow" or not all(t.spec.known and t.dtype.numpy.kind != "O" for t in node.inputs):
        return None
    return RowTask(node) if node.inputs[1].dtype.name in ("int32", "int64") and 0 not in sizes(node.inputs[0]) else None


class RowTask(Task):
    """SetRow."""

    def __init__(self, node: Node) -> None:
        base, index, value = inputs_of(node)
        reads = [index, value] if is_unset(base) else [base, index, value]
        self.node = node
        #: Bytes that are copied by one thread.
        self._unit = 64
        self._row_bytes = math.prod(sizes(value)) * value.dtype.numpy.itemsize
        self._bytes = math.prod(sizes(base)) * base.dtype.numpy.itemsize
        super().__init__([node], reads, [output_of(node)], self._row_bytes >= _SHARED_BYTES)
        self.lists = [(base, output_of(node))]

    def share(self) -> None:
        """Let the threads share the copy, among others that they share."""
        self.parallel = self._row_bytes >= _SHARED_ALONG

    def divide(self, rows: int) -> None:
        self._unit, self.parallel = self._row_bytes // rows, True

    @property
    def base(self) -> GraphTensor:
        """The tensor of which a row is replaced."""
        return inputs_of(self.node)[0]

    @property
    def bytes_moved(self) -> int:
        return 2 * self._row_bytes

    def call(self, program: Program, where: Where, scratch: Operand, address: int) -> None:
        base, index, value = inputs_of(self.node)
        out = where(output_of(self.node))
        if not is_unset(base) and where(base) != out:
            program.copy(out, where(base), self._bytes, parallel=self.parallel)
            if self.parallel:
                program.barrier()
        kernel = _library().address("set_row_" + index.dtype.name)
        operands = [out, where(index), where(value)]
        consts = [self._row_bytes, sizes(base)[0], self._unit]
        program.call(kernel, operands, consts, parallel=self.parallel, name=self.name)


def choice_kernel(dtype: DType) -> int:
    """The address of a kernel that sets one of n bytes: that of the number in its first operand, or else the last."""
    return _library().address("choose_" + dtype.name)


@kept
def _library() -> Library:
    """choose_int32, choose_int64: see `choice_kernel`.

    set_row_int32, set_row_int64: copy `value` to row `index` of `out`; constants: a row's bytes, how many rows there
    are, and of how many bytes each thread copies all or none. An index out of range, which whoever computed it has
    reported, writes nothing.
    """
    return compile_by_name("rows", _write_kernels)


def _write_kernels(module: Module) -> None:
    for name, kind in (("int32", "i32"), ("int64", "i64")):
        with module.function(f"set_row_{name}", KERNEL) as f:
            size, count, unit = (f.parameter("%consts", i) for i in range(3))
            out, at, value = (f.parameter("%ptrs", i, "ptr") for i in range(3))
            index = f.load(kind, at)
            wide = index if kind == "i64" else f.emit(f"sext i32 {index} to i64")
            first, last = f.share(f.ceildiv(size, unit), "%part", "%parts")
            begin, end = f.mul(first, unit), f.minimum(f.mul(last, unit), size)
            target = f.gep(out, f.add(f.mul(wide, size), begin))
            with f.when(f.compare("ult", wide, count)):
                f.intrinsic(
                    "llvm.memcpy.p0.p0.i64", "void", ("ptr", target), ("ptr", f.gep(value, begin)),
                    ("i64", str(f.sub(end, begin))), ("i1", "false"),
                )  # fmt: skip
        with module.function(f"choose_{name}", KERNEL) as f:
            count = f.parameter("%consts", 0)
            given, flags = f.parameter("%ptrs", 0, "ptr"), f.parameter("%ptrs", 1, "ptr")
            index = f.load(kind, given)
            wide = index if kind == "i64" else f.emit(f"sext i32 {index} to i64")
            chosen = f.select(f.compare("ult", wide, count), wide, f.sub(count, 1))
            with f.loop(0, count) as loop:
                same = f.compare("eq", loop.index, chosen)
                f.store("i8", f.emit(f"zext i1 {same} to i8"), f.gep(flags, loop.index))
