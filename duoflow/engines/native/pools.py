"""Pooling in terms of views, reductions and elementwise ops, which the loop kernels then fuse.

A pool is a reduction over the view that shows, for each output, its window. The gradient of a pool whose windows do
not overlap gives each pixel what its one window got; of a pool of stride 1, the sum over the windows that cover it.
Other gradients stay on the host.
"""

from __future__ import annotations

import math
from typing import Any, cast

import numpy as np

from duoflow.core import dtypes
from duoflow.core.emit import emit_one
from duoflow.core.graph import Graph, Node
from duoflow.core.late import F
from duoflow.core.lowering import Affine, Pool, PoolGradient
from duoflow.core.record import Kind, Op
from duoflow.core.spec import Spec
from duoflow.core.tensor import GraphTensor
from duoflow.passes.rewrite import Rewriter

from .static import has_elements, sizes

__all__ = ["decompose_pools"]


# -- the view of windows -----------------------------------------------------------------------------------------------


def _window_counts(shape: tuple[int, ...], pool: Pool) -> tuple[int, ...]:
    sizes = zip(shape[1:-1], pool.window, pool.strides, pool.padding, strict=True)
    return tuple((s + sum(p) - w) // st + 1 for s, w, st, p in sizes)


def _infer_windows(x: Spec, *, pool: Pool, fill: Any) -> Spec:
    assert x.shape is not None
    counts = _window_counts(cast(Any, x.shape), pool)
    return Spec((x.shape[0], *counts, *pool.window, x.shape[-1]), x.dtype)


def _view_windows(specs: Any, outs: Any, attrs: dict[str, Any]) -> Affine:
    pool, rank = attrs["pool"], len(attrs["pool"].window)
    width = 2 * rank + 2
    rows = [[0] * width for _ in range(rank + 2)]
    rows[0][0] = rows[-1][-1] = 1
    for axis in range(rank):
        rows[axis + 1][axis + 1] = pool.strides[axis]
        rows[axis + 1][rank + axis + 1] = 1
    offset = (0, *(-p[0] for p in pool.padding), 0)
    return Affine(tuple(map(tuple, rows)), offset, attrs["fill"])


def _evaluate_windows(x: Any, *, pool: Pool, fill: Any) -> Any:
    padded = np.pad(x, [(0, 0), *pool.padding, (0, 0)], constant_values=fill)
    axes = tuple(range(1, x.ndim - 1))
    windows = np.lib.stride_tricks.sliding_window_view(padded, pool.window, axes)
    windows = windows[(slice(None), *[slice(None, None, s) for s in pool.strides])]
    return np.moveaxis(windows, x.ndim - 1, -1)


WINDOWS = Op("Windows", Kind.VIEW, _infer_windows, _evaluate_windows, lower=_view_windows)
"""[batch, *spatial, channels] -> [batch, *windows, *window, channels]; what lies in the padding is `fill`."""


# -- the pass ----------------------------------------------------------------------------------------------------------


def decompose_pools(graph: Graph) -> Graph:
    """The graph with pools, and their gradients where possible, as views and reductions."""
    found = {id(n): d for n in graph.nodes if (d := _description(n)) is not None}
    if not found:
        return graph
    rw = Rewriter(graph)
    for node in graph.nodes:
        if id(node) not in found:
            rw.copy(node)
            continue
        description = found[id(node)]
        with rw.building(node):
            inputs = rw.inputs(node)
            if isinstance(description, Pool):
                out = _pooled(description, inputs[0])
            else:
                out = _gradient(description.pool, node, inputs)
        rw.bind(node.outputs[0], out)
    return rw.finish()


def _description(node: Node) -> Pool | PoolGradient | None:
    if node.op.kind is not Kind.REDUCTION or node.op.lower is None or "Pool" not in node.op.name:
        return None
    if not all(map(has_elements, (*node.inputs, *node.outputs))):
        return None
    found = node.op.lower([t.spec for t in node.inputs], [t.spec for t in node.outputs], node.attrs)
    if isinstance(found, Pool):
        return found
    if not isinstance(found, PoolGradient) or not node.outputs[0].dtype.is_floating:
        return None
    return found if _is_tiling(found.pool) or all(s == 1 for s in found.pool.strides) else None


def _is_tiling(pool: Pool) -> bool:
    """Whether the windows cover each pixel at most once and nothing is padded."""
    return pool.window == pool.strides and all(p == (0, 0) for p in pool.padding)


def _lowest(dtype: Any) -> Any:
    return -math.inf if dtype.is_floating else dtype.min


def _windows(x: GraphTensor, pool: Pool, fill: Any) -> Any:
    return emit_one(WINDOWS, (x,), {"pool": pool, "fill": fill if any(map(sum, pool.padding)) else None}, "windows")


def _axes(pool: Pool) -> list[int]:
    rank = len(pool.window)
    return list(range(rank + 1, 2 * rank + 1))


def _counts(shape: tuple[int, ...], pool: Pool) -> np.ndarray[Any, Any]:
    """How many elements of the image each window covers, [1, *windows, 1]."""
    ones = np.ones((1, *shape[1:-1], 1), np.float32)
    return _evaluate_windows(ones, pool=pool, fill=0).sum(tuple(_axes(pool)))  # type: ignore[no-any-return]


def _pooled(pool: Pool, x: GraphTensor) -> Any:
    if pool.combine == "max":
        return F.reduce_max(_windows(x, pool, _lowest(x.dtype)), _axes(pool))
    if not any(map(sum, pool.padding)):
        return F.reduce_mean(_windows(x, pool, 0), _axes(pool))
    total = F.reduce_sum(_windows(x, pool, 0), _axes(pool))
    return total / F.constant(_counts(sizes(x), pool).astype(x.dtype.numpy))


def _gradient(pool: Pool, node: Node, inputs: tuple[GraphTensor, ...]) -> Any:
    """What each pixel gets from the windows that cover it."""
    shape: Any = node.outputs[0].dims
    if pool.combine == "max":
        x, _, g = inputs
        chosen = _chosen(pool, x)

        def share(tap: Any) -> Any:
            return lambda c, v: F.where(F.equal(c, tap), v, F.zeros_like(v))

        return _spread(pool, shape, (chosen, g), share)
    g = inputs[1] / F.constant(_counts(shape, pool).astype(inputs[1].dtype.numpy))
    return _spread(pool, shape, (g,), lambda tap: lambda v: v)


def _chosen(pool: Pool, x: GraphTensor) -> Any:
    """The number of the first maximum of each window."""
    windows = _windows(x, pool, _lowest(x.dtype))
    rank = len(pool.window)
    dims: Any = windows.dims
    flat = F.reshape(windows, (*dims[: rank + 1], math.prod(pool.window), dims[-1]))
    return F.argmax(flat, rank + 1, output_type=dtypes.int32)


def _spread(pool: Pool, shape: tuple[int, ...], values: tuple[Any, ...], share: Any) -> Any:
    """The sum over windows of `share(tap)(*values)`, where tap numbers a pixel's place in the window."""
    return _tiled(pool, shape, values, share) if _is_tiling(pool) else _shifted(pool, shape, values, share)


def _tiled(pool: Pool, shape: tuple[int, ...], values: tuple[Any, ...], share: Any) -> Any:
    """Windows side by side: [batch, n0, w0, n1, w1, channels] in row-major order is the image."""
    counts = _window_counts(shape, pool)
    interleaved = (shape[0], *[d for n, w in zip(counts, pool.window, strict=True) for d in (n, w)], shape[-1])
    narrow = (shape[0], *[d for n in counts for d in (n, 1)], shape[-1])
    taps = np.arange(math.prod(pool.window), dtype=np.int32).reshape(
        (1, *[d for w in pool.window for d in (1, w)], 1)
    )  # fmt: skip
    wide = F.broadcast_to(share(F.constant(taps))(*[F.reshape(v, narrow) for v in values]), interleaved)
    covered = (shape[0], *[n * w for n, w in zip(counts, pool.window, strict=True)], shape[-1])
    image = F.reshape(wide, covered)
    if covered == shape:
        return image
    return F.pad(image, [[0, s - c] for s, c in zip(shape, covered, strict=True)])


def _shifted(pool: Pool, shape: tuple[int, ...], values: tuple[Any, ...], share: Any) -> Any:
    """Windows at every pixel: the sum of shifted copies, one for each place in the window."""
    total = None
    for number, place in enumerate(np.ndindex(*pool.window)):
        part = share(F.constant(np.int32(number)))(*values)
        counts = _window_counts(shape, pool)
        pads = [[0, 0]]
        starts = [0]
        for k, (before, _), size, count in zip(place, pool.padding, shape[1:-1], counts, strict=True):
            first = k - before  # where the first window has this place
            starts.append(max(-first, 0))
            pads.append([max(first, 0), max(size - first - count, 0)])
        padded = F.pad(part, [*pads, [0, 0]])
        piece = F.slice(padded, [*starts, 0], list(shape))
        total = piece if total is None else total + piece
    return total
