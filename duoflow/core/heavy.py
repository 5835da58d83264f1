"""Eager convolutions, pooling and large matrix products run as compiled kernels.

NumPy has neither convolutions nor pooling. Its matrix products start sooner than a program, but are slower for
transposed operands and batches, and far slower where other processes keep the processors busy. The graph of a single op
is compiled once for its attributes and ranks and then specialised by the engine per shape, as a function's graph is.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from .dtypes import from_numpy
from .engine import executable
from .graph import Graph
from .record import WINDOWS, Kind, Op, attrs_key

__all__ = ["is_heavy", "may_be_heavy", "run"]

#: Elements in all operands of a convolution or pooling from which the engine beats loops of NumPy.
_LEAST = 1 << 11
#: Multiplications from which a product is worth the two microseconds of a program.
_LEAST_PRODUCTS = 500_000
#: The attribute that says whether the last two dimensions of a product's second operand are exchanged.
_EXCHANGED = {"MatMul": "transpose_b", "BatchMatMulV2": "adj_y"}
_PRODUCT_TYPES = (np.dtype(np.float32), np.dtype(np.float64))
_graphs: dict[Any, Graph] = {}


def may_be_heavy(op: Op) -> bool:
    """Whether calls of an op can be worth a compiled kernel."""
    return op.kind is Kind.CONTRACTION or WINDOWS in op.tags


def is_heavy(op: Op, arrays: list[Any], attrs: dict[str, Any]) -> bool:
    """Whether a call is worth a compiled kernel."""
    exchanged = _EXCHANGED.get(op.name)
    if exchanged is not None:
        a, b = arrays
        return a.dtype in _PRODUCT_TYPES and a.size * b.shape[-2 if attrs[exchanged] else -1] >= _LEAST_PRODUCTS
    if not (op.name.startswith("Conv") or WINDOWS in op.tags) or not from_numpy(arrays[-1].dtype).is_floating:
        return False
    return sum(a.size for a in arrays) >= _LEAST and all(a.size for a in arrays)


def run(op: Op, arrays: list[Any], attrs: dict[str, Any]) -> tuple[Any, ...]:
    """The op's outputs for these values, by a compiled graph of this one op."""
    # Integer operands are shapes: constants of the graph, so that every size is known.
    sizes = tuple([tuple(a.tolist()) if a.dtype.kind == "i" else (a.ndim, a.dtype) for a in arrays])
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
