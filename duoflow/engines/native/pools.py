"""Pooling in terms of views, reductions and elementwise ops, which the loop kernels then fuse.

A pool is a reduction over the view that shows, for each output, its window. The gradient of a pool whose windows do
not overlap gives each pixel what its one window got; of others, the sum over the windows that cover it. What is done
to all pixels of such a gradient is rather done to the windows, which are fewer: the gradient of relu before a maximum,
and the sum for the bias before that.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from duoflow.core import dtypes
from duoflow.core.emit import emit_one
from duoflow.core.graph import Graph, Node
from duoflow.core.late import F
from duoflow.core.lowering import Pool, PoolGradient, Reduction
from duoflow.core.record import Kind
from duoflow.core.tensor import GraphTensor
from duoflow.passes.rewrite import rewritten

from .expression import describe
from .static import has_elements, sizes
from .windows import spread, windows_of

__all__ = ["decompose_pools"]


# -- the pass ----------------------------------------------------------------------------------------------------------


def decompose_pools(graph: Graph) -> Graph:
    """The graph with pools and their gradients as views and reductions."""
    for find, build in ((_rectified, _rectified_windows), (_summed, _sum_of_windows), (_description, _decomposed)):
        graph = rewritten(graph, find, build)
    return graph


def _gradient_before(node: Node) -> Node | None:
    """The gradient of a pool that a node's first operand is."""
    maker = node.inputs[0].node
    return maker if isinstance(_description(maker), PoolGradient) else None


def _rectified(node: Node) -> Node | None:
    """The gradient of a maximum that a node takes further back, through the relu that made the image."""
    if node.op.name not in ("ReluGrad", "Relu6Grad"):
        return None
    found = _gradient_before(node)
    return found if found is not None and found.inputs[0] is node.inputs[1] else None


def _rectified_windows(node: Node, gradient: Node, inputs: tuple[GraphTensor, ...]) -> Any:
    """A pixel that gets something from a window has the value of the window's maximum."""
    x, y, g = inputs[0].node.inputs
    return emit_one(gradient.op, (x, y, emit_one(node.op, (g, y), node.attrs)), gradient.attrs)


def _summed(node: Node) -> Node | None:
    """The gradient of a pool that a node sums up over all pixels."""
    found = _gradient_before(node) if node.op.name == "Sum" else None
    if found is None:
        return None
    pixels, summed = set(range(1, len(sizes(node.inputs[0])) - 1)), describe(node)
    return found if isinstance(summed, Reduction) and pixels <= set(summed.axes) else None


def _sum_of_windows(node: Node, gradient: Node, inputs: tuple[GraphTensor, ...]) -> Any:
    """Every window gives all that it gets."""
    return emit_one(node.op, (inputs[0].node.inputs[-1],), node.attrs)


def _decomposed(node: Node, description: Pool | PoolGradient, inputs: tuple[GraphTensor, ...]) -> Any:
    if isinstance(description, Pool):
        return _pooled(description, inputs[0])
    return _gradient(description.pool, node, inputs)


def _description(node: Node) -> Pool | PoolGradient | None:
    if node.op.kind is not Kind.REDUCTION or node.op.lower is None or "Pool" not in node.op.name:
        return None
    if not all(map(has_elements, (*node.inputs, *node.outputs))):
        return None
    found = node.op.lower([t.spec for t in node.inputs], [t.spec for t in node.outputs], node.attrs)
    if isinstance(found, Pool):
        return found
    return found if isinstance(found, PoolGradient) and node.outputs[0].dtype.is_floating else None


def _is_tiling(pool: Pool) -> bool:
    """Whether the windows cover each pixel at most once and nothing is padded."""
    return pool.window == pool.strides and all(p == (0, 0) for p in pool.padding)


def _contenders(x: Any) -> Any:
    """What takes part in a maximum: NaN and -inf as the lowest finite number."""
    lowest = F.constant(x.dtype.min, x.dtype)
    return F.where(F.greater(x, lowest), x, lowest) if x.dtype.is_floating else x


def _windows(x: GraphTensor, pool: Pool, fill: Any) -> Any:
    return windows_of(x, pool.window, pool.strides, pool.padding, fill)


def _axes(pool: Pool) -> list[int]:
    rank = len(pool.window)
    return list(range(rank + 1, 2 * rank + 1))


def _counts(shape: tuple[int, ...], pool: Pool) -> np.ndarray[Any, Any]:
    """How many elements of the image each window covers, [1, *windows, 1]."""
    ones = np.pad(np.ones(shape[1:-1], np.float32), pool.padding)
    windows = np.lib.stride_tricks.sliding_window_view(ones, pool.window)
    windows = windows[tuple([slice(None, None, s) for s in pool.strides])]
    counts: np.ndarray[Any, Any] = windows.sum(tuple(range(len(shape) - 2, windows.ndim)))
    return counts[None, ..., None]


def _pooled(pool: Pool, x: GraphTensor) -> Any:
    if pool.combine == "max":
        return F.reduce_max(_windows(_contenders(x), pool, x.dtype.min), _axes(pool))
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
            return lambda c, v: F.where(F.equal(c, F.cast(tap, c.dtype)), v, F.zeros_like(v))

        return _spread(pool, shape, (chosen, g), share)
    g = inputs[1] / F.constant(_counts(shape, pool).astype(inputs[1].dtype.numpy))
    return _spread(pool, shape, (g,), lambda tap: lambda v: v)


def _chosen(pool: Pool, x: GraphTensor) -> Any:
    """The number of the first maximum of each window."""
    windows = _windows(_contenders(x), pool, -math.inf)
    rank = len(pool.window)
    dims: Any = windows.dims
    flat = F.reshape(windows, (*dims[: rank + 1], math.prod(pool.window), dims[-1]))
    short = flat.dims[-2] <= dtypes.uint16.max
    return F.argmax(flat, rank + 1, output_type=dtypes.uint16 if short else dtypes.int32)


def _spread(pool: Pool, shape: tuple[int, ...], values: tuple[Any, ...], share: Any) -> Any:
    """The sum over windows of `share(tap)(*values)`, where tap numbers a pixel's place in the window."""
    if _is_tiling(pool):
        return _tiled(pool, shape, values, share)
    parts = ((p, share(F.constant(np.int32(tap)))(*values)) for tap, p in enumerate(np.ndindex(*pool.window)))
    return spread(parts, shape[1:-1], pool.strides, pool.padding)


def _tiled(pool: Pool, shape: tuple[int, ...], values: tuple[Any, ...], share: Any) -> Any:
    """Windows side by side: [batch, n0, w0, n1, w1, channels] in row-major order is the image, and more at its ends."""
    counts = [-(-size // w) for size, w in zip(shape[1:-1], pool.window, strict=True)]
    narrow = (shape[0], *[d for n in counts for d in (n, 1)], shape[-1])
    taps = np.arange(math.prod(pool.window), dtype=np.int32).reshape(
        (1, *[d for w in pool.window for d in (1, w)], 1)
    )  # fmt: skip
    windows = (shape[0], *[d for n, w in zip(counts, pool.window, strict=True) for d in (n, w)], shape[-1])
    wide = F.broadcast_to(share(F.constant(taps))(*[F.reshape(_extended(v, counts), narrow) for v in values]), windows)
    image = F.reshape(wide, (shape[0], *[n * w for n, w in zip(counts, pool.window, strict=True)], shape[-1]))
    return image if image.dims == shape else F.slice(image, [0] * len(shape), shape)


def _extended(values: Any, counts: Sequence[int]) -> Any:
    """What windows have, with zeros for those that reach beyond the image."""
    more = [[0, n - d] for n, d in zip(counts, values.dims[1:-1], strict=True)]
    return F.pad(values, [[0, 0], *more, [0, 0]]) if any(map(sum, more)) else values
