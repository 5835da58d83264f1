"""Large reductions to few results in two stages, so that threads can share them.

A reduction of the leading dimensions to few elements has too few outputs to divide among threads. It is split in
parts of equal size, reduced one by one, and then together. The split depends on sizes only: results are the same for
any number of threads.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from duoflow.core.emit import emit_one
from duoflow.core.graph import Graph, Node
from duoflow.core.late import F
from duoflow.core.lowering import Reduction
from duoflow.core.record import OPS, Kind
from duoflow.core.tensor import GraphTensor
from duoflow.passes.rewrite import rewritten

from .expression import describe

__all__ = ["split_reductions"]

_FEWEST_ELEMENTS = 1 << 16
_MOST_RESULTS = 256
_PARTS = range(32, 7, -1)


def split_reductions(graph: Graph) -> Graph:
    """The graph with large reductions to few elements in two stages."""
    return rewritten(graph, _parts, _in_two_stages)


def _parts(node: Node) -> int | None:
    """In how many parts to reduce, if in parts at all."""
    if node.op.kind is not Kind.REDUCTION or not {"axis", "keepdims"} <= node.attrs.keys():
        return None
    found = describe(node)
    if not isinstance(found, Reduction) or found.axes != tuple(range(len(found.axes))):
        return None
    shape: Any = node.inputs[0].dims
    size, count = math.prod(shape), math.prod(shape[: len(found.axes)])
    if size < _FEWEST_ELEMENTS or size // count > _MOST_RESULTS:
        return None
    return next((p for p in _PARTS if count % p == 0), None)


def _in_two_stages(node: Node, parts: int, inputs: tuple[GraphTensor, ...]) -> GraphTensor:
    found: Reduction = describe(node)
    x: Any = inputs[0]
    count = math.prod(x.dims[: len(found.axes)])
    op = OPS["Sum"] if found.mean else node.op
    attrs = node.attrs | {"keepdims": False}
    apart = F.reshape(x, (parts, count // parts, *x.dims[len(found.axes) :]))
    each = emit_one(op, (apart,), attrs | {"axis": (1,)})
    out = emit_one(op, (each,), attrs | {"axis": (0,)})
    if found.mean:
        out = out / F.constant(np.asarray(count, out.dtype.numpy))
    return F.reshape(out, node.outputs[0].dims)  # type: ignore[no-any-return]
