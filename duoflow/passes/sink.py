"""Constants into the graphs they are passed to: an input of a sub-graph that is always the same becomes a constant."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from duoflow.core.graph import Graph

from .rewrite import Rewriter

__all__ = ["sink"]


def sink(graph: Graph, constants: Mapping[int, np.ndarray[Any, Any]]) -> Graph:
    """The graph with inputs (by position) known; they stay in the signature, where nothing reads them."""
    if not constants:
        return graph
    known = {id(t): constants[i] for i, t in enumerate(graph.all_inputs) if i in constants}
    rw = Rewriter(graph)
    entered = {}
    for node in graph.nodes:
        rw.copy(node)
        tensor = node.outputs[0] if node.outputs else None
        if id(tensor) in known:
            assert tensor is not None
            entered[id(tensor)] = rw[tensor]
            rw.bind(tensor, rw.constant(known[id(tensor)], node))
    out = rw.finish()
    out.inputs = [entered.get(id(t), new) for t, new in zip(graph.all_inputs, out.inputs, strict=True)]
    return out
