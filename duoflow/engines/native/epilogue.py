"""Elementwise work on blocks of a matrix product or convolution, while they are in the cache.

An epilogue is a loop kernel without reductions over the elements of C[rows, cols], one of whose reads is C itself.
It is written as the block function that the precompiled kernels call by address, which tell it where the block of C
is, in memory or only in their scratch; what the epilogue reads and writes besides begins at position 4 of the operands
of the kernel's call.
"""

from __future__ import annotations

from duoflow.core.tensor import GraphTensor

from .ir import Function, Index, Module
from .loops import LoopKernel, LoopPlan, lanes_for
from .place import Place
from .scalar import memory_type

__all__ = ["others", "write_epilogue"]

#: The block of C and the distance of its rows, the operands of the kernel, and where in C the block is.
_BLOCK = [
    ("ptr", "c"), ("i64", "c_row"), ("ptr", "ptrs"), ("i64", "row"), ("i64", "rows"), ("i64", "col"), ("i64", "cols"),
]  # fmt: skip
_FIRST_OTHER = 4


def others(kernel: LoopKernel, product: GraphTensor) -> list[GraphTensor]:
    """The operands from position 4 on: what is read besides C, then what is written."""
    return [t for t in kernel.reads if t is not product] + kernel.outputs


def write_epilogue(
    module: Module, name: str, kernel: LoopKernel, grid: tuple[int, int], columns: int, product: GraphTensor
) -> None:
    """Write the block function; `product` is the tensor that the kernel before it computes.

    Blocks are cut from groups of so many `columns`.
    """
    plan = LoopPlan(kernel, [list(grid)], splits=False)
    kernel.reads = plan.reads
    with module.function(name, _BLOCK) as f:
        _write(f, kernel, plan, grid, columns, product)


def _write(
    f: Function, kernel: LoopKernel, plan: LoopPlan, grid: tuple[int, int], columns: int, product: GraphTensor
) -> None:
    item = memory_type(product.dtype)

    def row_of_c(row: Index) -> str:
        """Where row `row` of the block would begin if all of C lay around it, as the plan's indices have it."""
        here = f.add(f.mul(f.add("%row", row), grid[1]), "%col")
        return f.gep("%c", f.sub(f.mul(row, "%c_row"), here), item)

    pointers = {id(product): row_of_c(0)}
    rest = others(kernel, product)
    addresses = [f.parameter("%ptrs", _FIRST_OTHER + i, "ptr") for i in range(len(rest))]
    count = len(rest) - len(kernel.outputs)
    pointers |= {id(t): p for t, p in zip(rest[:count], addresses)}
    targets = {id(t): p for t, p in zip(rest[count:], addresses[count:])}
    by_extent = {v.key[1]: v for v in plan.kept}
    row_var, col_var = by_extent.get(0), by_extent.get(1)
    lanes = lanes_for(f.target, kernel, columns) if col_var is not None else 1
    at = Place(f, lanes, col_var, pointers, None)
    roots = [plan.expression(t) for t in kernel.outputs]
    at.hoist(roots)

    def vector(start: str, mask: str | None) -> None:
        at.open()
        at.place(start, mask)
        values = [at.emit(e) for e in roots]
        for tensor, value in zip(kernel.outputs, values):
            at.store(targets[id(tensor)], plan.point, value, tensor.dtype)
        at.close()

    with f.loop(0, "%rows") as loop:
        at.open()
        pointers[id(product)] = row_of_c(loop.index)
        if row_var is not None:
            at.bind(row_var, f.add("%row", loop.index))
        at.hoist(roots)
        whole = f.div("%cols", lanes)
        with f.loop(0, whole) as block:
            vector(str(f.add("%col", f.mul(block.index, lanes))), None)
        if columns % lanes:
            done = f.mul(whole, lanes)
            remaining = f.sub("%cols", done)
            with f.when(f.compare("sgt", remaining, 0)):
                vector(str(f.add("%col", done)), f.first_lanes(remaining, lanes))
        at.close()
