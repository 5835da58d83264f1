"""One check for engines: a program built from public ops gives the same on each of them as eagerly."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from duoflow.core import dtypes, nest
from duoflow.core.graph import Graph
from duoflow.core.tensor import EagerTensor
from duoflow.engines import reference
from duoflow.engines.native import engine as native


def trace(function: Callable[..., Any], *arrays: np.ndarray[Any, Any], shapes: Any = None) -> Graph:
    """The graph of a function, with a placeholder for each array; `shapes` may leave sizes open."""
    graph = Graph("program", is_function=True)
    with graph.as_default():
        dims = shapes or [a.shape for a in arrays]
        inputs = [graph.add_input(dtypes.from_numpy(a.dtype), d) for a, d in zip(arrays, dims, strict=True)]
        graph.outputs = [graph.capture(t) for t in nest.flatten(function(*inputs))]
    return graph


def assert_close(got: Any, want: Any, rtol: float, atol: float, where: str = "") -> None:
    """Equal shapes and dtypes; equal values for integers, close ones for floats."""
    got, want = np.asarray(got), np.asarray(want)
    assert got.shape == want.shape and got.dtype == want.dtype, (where, got.shape, want.shape, got.dtype, want.dtype)
    if want.dtype.kind in "fV":
        np.testing.assert_allclose(got.astype(np.float64), want.astype(np.float64), rtol, atol, err_msg=where)
    else:
        np.testing.assert_array_equal(got, want, err_msg=where)


def captured(graph: Graph) -> list[Any]:
    """The values of a graph's captures."""
    return [t._array for t in graph.external_captures]  # type: ignore[attr-defined]


def agree(
    function: Callable[..., Any], *arrays: np.ndarray[Any, Any], rtol: float = 2e-5, atol: float = 1e-6
) -> list[dict[str, Any]]:
    """Check eager, reference and native runs (the native one twice) against each other; gives the native kernels."""
    eager = [t._array for t in nest.flatten(function(*map(EagerTensor, arrays)))]
    graph = trace(function, *arrays)
    values = [*arrays, *captured(graph)]
    executable = native.compile(graph)
    runs = {"reference": reference.compile(graph).run(values)}
    runs |= {"native": executable.run(values), "native again": executable.run(values)}
    for where, results in runs.items():
        for got, want in zip(results, eager, strict=True):
            assert_close(got, want, rtol, atol, where)
    return executable.kernels
