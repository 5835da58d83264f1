"""Contractions as matrix products: an einsum of two operands whose labels fall into batch, rows, columns and depth.

`as_gemm(node, description)` gives the `Gemm` and which operand is A; labels of one role that lie next to each other
in every operand are one dimension. `Unsupported` if they do not, or for types that the kernels do not take.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from duoflow.core import dtypes
from duoflow.core.graph import Node
from duoflow.core.lowering import Contraction
from duoflow.core.scalar import Unsupported

from .index import row_major
from .kernels.gemm import Gemm
from .static import sizes

__all__ = ["Product", "as_gemm"]

_TYPES = (dtypes.float32, dtypes.float64, dtypes.float16, dtypes.bfloat16)


@dataclass(frozen=True)
class Product:
    """A matrix product of a node's inputs: `a` and `b` are their positions."""

    gemm: Gemm
    a: int
    b: int


def as_gemm(node: Node, description: Contraction) -> Product:
    """The product that a contraction is."""
    if node.outputs[0].dtype not in _TYPES or any(t.dtype is not node.outputs[0].dtype for t in node.inputs):
        raise Unsupported("products of these types")
    operands = [
        _Operand(description.left, sizes(node.inputs[0])), _Operand(description.right, sizes(node.inputs[1])),
        _Operand(description.out, sizes(node.outputs[0])),
    ]  # fmt: skip
    for first, second in ((0, 1), (1, 0)):
        gemm = _gemm(operands[first], operands[second], operands[2], node)
        if gemm is not None:
            return Product(gemm, first, second)
    raise Unsupported("a contraction that is no matrix product")


class _Operand:
    """Labels with sizes and strides; dimensions of size 1 do not count."""

    def __init__(self, labels: tuple[int, ...], shape: tuple[int, ...]) -> None:
        if len(set(labels)) != len(labels):
            raise Unsupported("a diagonal")
        self.strides = {l: s for l, s, d in zip(labels, row_major(shape), shape) if d != 1}
        self.sizes = {l: d for l, d in zip(labels, shape) if d != 1}

    @property
    def labels(self) -> list[int]:
        return list(self.sizes)


def _gemm(a: _Operand, b: _Operand, c: _Operand, node: Node) -> Gemm | None:
    """C = A B with C's last dimension among the columns, or None."""
    batch = [l for l in c.labels if l in a.sizes and l in b.sizes]
    rows = [l for l in c.labels if l in a.sizes and l not in b.sizes]
    cols = [l for l in c.labels if l in b.sizes and l not in a.sizes]
    depth = [l for l in a.labels if l in b.sizes and l not in c.sizes]
    if len(batch) + len(rows) + len(depth) != len(a.labels) or len(batch) + len(cols) + len(depth) != len(b.labels):
        raise Unsupported("an operand is summed on its own")
    # Rows (or columns) that are no single dimension repeat the product: an operand without them has stride 0.
    while len(rows) > 1 and _merged(rows, (a, c)) is None:
        batch.append(rows.pop(0))
    while len(cols) > 1 and _merged(cols, (b, c)) is None:
        batch.append(cols.pop(0))
    batch.sort(key=lambda l: -c.strides[l])
    m, n, k = _merged(rows, (a, c)), _merged(cols, (b, c)), _merged(depth, (a, b))
    outer, inner = _batches(batch, (a, b, c))
    if m is None or n is None or k is None:
        return None
    (m_size, (a_row, c_row)), (n_size, (b_col, c_col)), (k_size, (a_k, b_k)) = m, n, k
    if n_size > 1 and c_col != 1:
        return None
    return Gemm(
        m_size, n_size, k_size, (a_row, a_k), (b_k, b_col or 1), c_row if m_size > 1 else n_size, node.outputs[0].dtype,
        batch=(outer[0], inner[0]), a_batch=(outer[1][0], inner[1][0]), b_batch=(outer[1][1], inner[1][1]),
        c_batch=(outer[1][2], inner[1][2]),
    ).folded()  # fmt: skip


Strides = tuple[int, ...]


def _merged(labels: list[int], operands: Sequence[_Operand]) -> tuple[int, Strides] | None:
    """Labels as one dimension: its size and its stride in each operand; None if they are not neighbours everywhere."""
    if not labels:
        return 1, (0,) * len(operands)
    order = sorted(labels, key=lambda l: -operands[-1].strides[l])
    size = operands[-1].sizes[order[-1]]
    strides = tuple(o.strides.get(order[-1], 0) for o in operands)
    for label in reversed(order[:-1]):
        if any(o.strides.get(label, 0) != s * size for o, s in zip(operands, strides)):
            return None
        size *= operands[-1].sizes[label]
    return size, strides


def _batches(labels: list[int], operands: Sequence[_Operand]) -> tuple[tuple[int, Strides], tuple[int, Strides]]:
    """Labels as at most two dimensions."""
    nothing = (1, (0,) * len(operands))
    for cut in range(len(labels) + 1):
        outer, inner = _merged(labels[:cut], operands), _merged(labels[cut:], operands)
        if outer is not None and inner is not None:
            return outer, inner
    if labels:
        raise Unsupported("more than two batch dimensions")
    return nothing, nothing
