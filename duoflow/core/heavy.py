"""Eager convolutions run as compiled kernels: NumPy has none of its own.

The graph of a single op is compiled once for its attributes and ranks and then specialised by the engine per shape, as
a function's graph is. Matrix products stay with NumPy's BLAS, which starts sooner.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from .dtypes import from_numpy
from .engine import executable
from .graph import Graph
from .record import Op, attrs_key

__all__ = ["is_heavy", "run"]

#: Elements in all operands from which the engine beats loops of NumPy.
_LEAST = 1 << 11
_graphs: dict[Any, Graph] = {}


def is_heavy(op: Op, arrays: list[Any]) -> bool:
    """Whether a call is worth a compiled kernel."""
    if not op.name.startswith("Conv2D") or arrays[-1].dtype != np.float32:
        return False
    return sum(a.size for a in arrays) >= _LEAST and all(a.size for a in arrays)


def run(op: Op, arrays: list[Any], attrs: dict[str, Any]) -> tuple[Any, ...]:
    """The op's outputs for these values, by a compiled graph of this one op."""
    # Integer operands are shapes: constants of the graph, so that every size is known.
    sizes = tuple([tuple(a.tolist()) if a.dtype.kind == "i" else a.ndim for a in arrays])
    key = (op, sizes, attrs_key(attrs))
    graph = _graphs.get(key)
    if graph is None:
        graph = _graphs[key] = _graph_of(op, arrays, attrs)
    return tuple(executable(graph).run([a for a in arrays if a.dtype.kind != "i"]))


def _graph_of(op: Op, arrays: list[Any], attrs: dict[str, Any]) -> Graph:
    graph = Graph(f"eager_{op.name}", is_function=True)
    with graph.as_default():
        operands = [
            graph.constant(a) if a.dtype.kind == "i" else graph.add_input(from_numpy(a.dtype), (None,) * a.ndim)
            for a in arrays
        ]
        graph.outputs = list(graph.add(op, operands, attrs).outputs)
    return graph
