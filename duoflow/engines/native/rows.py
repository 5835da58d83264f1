"""`x[i]` with an index that is computed, as a gather, which the loop kernels do."""

from __future__ import annotations

from typing import Any

import numpy as np

from duoflow.core.errors import InvalidArgumentError
from duoflow.core.graph import Graph, Node
from duoflow.core.late import F
from duoflow.core.lowering import Gather
from duoflow.core.record import Kind, Op
from duoflow.core.spec import Spec
from duoflow.core.tensor import GraphTensor
from duoflow.passes.rewrite import Rewriter

__all__ = ["rows_as_gathers"]

_OTHER_MASKS = ("begin_mask", "end_mask", "ellipsis_mask", "new_axis_mask")


def _evaluate_row(x: Any, index: Any) -> Any:
    if not 0 <= index < len(x):
        given = index if index >= 0 else index - len(x)
        raise InvalidArgumentError(None, None, f"slice index {given} of dimension 0 out of bounds.")
    return x[index]


ROW = Op(
    "Row",
    Kind.VIEW,
    lambda x, index: Spec(x.shape[1:], x.dtype),
    _evaluate_row,
    lower=lambda specs, outs, attrs: Gather(0),
)
"""`x[i]` of x [n, ...] with a scalar i from 0 on."""


def rows_as_gathers(graph: Graph) -> Graph:
    """The graph with slices that are one row, at an index that is not constant, as gathers."""
    if not any(map(_is_row, graph.nodes)):
        return graph
    rw = Rewriter(graph)
    for node in graph.nodes:
        if _is_row(node):
            rw.bind(node.outputs[0], _gathered(rw, node))
        else:
            rw.copy(node)
    return rw.finish()


def _is_row(node: Node) -> bool:
    if node.op.name != "StridedSlice" or node.attrs["shrink_axis_mask"] != 1:
        return False
    x, begin, _, strides = node.inputs
    step = strides.spec.array
    return (
        not any(node.attrs[mask] for mask in _OTHER_MASKS)
        and begin.dims == (1,) and begin.spec.array is None and (step is None or bool(np.all(step == 1)))
        and x.spec.known and x.dtype.numpy.kind != "O"
    )  # fmt: skip


def _gathered(rw: Rewriter, node: Node) -> GraphTensor:
    x, begin = rw[node.inputs[0]], rw[node.inputs[1]]
    count = np.asarray(x.dims[0], begin.dtype.numpy)  # type: ignore[index]
    with rw.building(node):
        given = F.reshape(begin, ())
        index = F.where(given < 0, given + F.constant(count), given)
    return rw.add(ROW, (x, index), like=node)[0]
