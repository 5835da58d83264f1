"""Compute what is known: nodes whose value inference found, and pure nodes of constants alone, become constants.

A result is computed only if it is not much larger than what it is made from: a `zeros([1000, 1000])` stays a node.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from duoflow.core import shapes
from duoflow.core.errors import OpError
from duoflow.core.graph import Graph, Node
from duoflow.core.record import Kind

from .rewrite import Rewriter, constant_of

__all__ = ["fold"]

_LARGEST = 1 << 16
_ALWAYS = 256


def fold(graph: Graph) -> Graph:
    """The graph with known values as constants."""
    rw = Rewriter(graph)
    changed = False
    for node in graph.nodes:
        values = None if node.op.kind in (Kind.SOURCE, Kind.CONTROL) or not node.op.pure else _values(rw, node)
        if values is None:
            rw.copy(node)
        else:
            changed = True
            rw.replace(node, [rw.constant(v, node) for v in values])
    return rw.finish() if changed else rw.undo()


def _values(rw: Rewriter, node: Node) -> list[np.ndarray[Any, Any]] | None:
    known = [t.spec.array for t in node.outputs]
    if known and all(v is not None for v in known):
        return [np.asarray(v) for v in known]
    if "random" in node.op.tags or not node.inputs:
        return None
    inputs = [constant_of(rw[t]) for t in node.inputs]
    if any(v is None for v in inputs):
        return None
    sizes = [shapes.num_elements(t.spec.shape) for t in node.outputs]
    limit = max(_ALWAYS, sum(v.size for v in inputs if v is not None))
    if not sizes or any(s is None or s > min(limit, _LARGEST) for s in sizes):
        return None
    try:
        with np.errstate(all="ignore"):
            out = node.op.evaluate(*inputs, **node.attrs)
    except (ArithmeticError, ValueError, TypeError, IndexError, OpError):
        return None  # the error belongs to the run
    arrays = out if isinstance(out, tuple) else (out,)
    if not all(isinstance(a, (np.ndarray, np.generic)) for a in arrays):
        return None
    return [np.asarray(a) for a in arrays]
