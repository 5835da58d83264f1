"""Windows over the spatial dimensions of images, and what they give back: a view, and sums of shifted copies."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, cast

import numpy as np

from duoflow.core.emit import emit_one
from duoflow.core.late import F
from duoflow.core.lowering import Affine
from duoflow.core.record import Kind, Op
from duoflow.core.spec import Spec
from duoflow.core.tensor import GraphTensor

__all__ = ["spread", "window_counts", "windows_of"]

Pads = Sequence[tuple[int, int]]


def window_counts(
    size: Sequence[int], window: Sequence[int], strides: Sequence[int], dilations: Sequence[int], pads: Pads
) -> tuple[int, ...]:
    """How many windows fit along each spatial dimension."""
    along = zip(size, window, strides, dilations, pads, strict=True)
    return tuple((s + sum(p) - (w - 1) * d - 1) // st + 1 for s, w, st, d, p in along)


def _infer(x: Spec, *, window: Any, strides: Any, dilations: Any, padding: Any, fill: Any) -> Spec:
    assert x.shape is not None
    counts = window_counts(cast(Any, x.shape[1:-1]), window, strides, dilations, padding)
    return Spec((x.shape[0], *counts, *window, x.shape[-1]), x.dtype)


def _view(specs: Any, outs: Any, attrs: dict[str, Any]) -> Affine:
    rank = len(attrs["window"])
    rows = [[0] * (2 * rank + 2) for _ in range(rank + 2)]
    rows[0][0] = rows[-1][-1] = 1
    for axis in range(rank):
        rows[axis + 1][axis + 1] = attrs["strides"][axis]
        rows[axis + 1][rank + axis + 1] = attrs["dilations"][axis]
    offset = (0, *(-p[0] for p in attrs["padding"]), 0)
    return Affine(tuple(map(tuple, rows)), offset, attrs["fill"])


def _evaluate(x: Any, *, window: Any, strides: Any, dilations: Any, padding: Any, fill: Any) -> Any:
    padded = np.pad(x, [(0, 0), *padding, (0, 0)], constant_values=0 if fill is None else fill)
    reach = [(w - 1) * d + 1 for w, d in zip(window, dilations, strict=True)]
    view = np.lib.stride_tricks.sliding_window_view(padded, reach, tuple(range(1, x.ndim - 1)))
    places = [slice(None, None, step) for step in strides]
    taps = [slice(None, None, step) for step in dilations]
    return np.moveaxis(view[(slice(None), *places, slice(None), *taps)], x.ndim - 1, -1)


WINDOWS = Op("Windows", Kind.VIEW, _infer, _evaluate, lower=_view)


def windows_of(
    x: GraphTensor, window: Sequence[int], strides: Sequence[int], pads: Pads, fill: Any,
    dilations: Sequence[int] | None = None,
) -> Any:  # fmt: skip
    """[batch, *spatial, channels] -> [batch, *windows, *window, channels]; what lies in the padding is `fill`."""
    attrs = {
        "window": tuple(window), "strides": tuple(strides), "dilations": tuple(dilations or (1,) * len(window)),
        "padding": tuple(pads), "fill": fill if any(map(sum, pads)) else None,
    }  # fmt: skip
    return emit_one(WINDOWS, (x,), attrs, "windows")


def spread(
    parts: Iterable[tuple[Sequence[int], Any]], size: Sequence[int], strides: Sequence[int], pads: Pads
) -> Any:  # fmt: skip
    """The image to which windows give back: the sum of `parts`, pairs of a place in the window and what all the windows
    [batch, *windows, channels] have for the pixel there.

    With strides, the pixels of one phase (one remainder of their position) are all reached from the same places.
    """
    phases: dict[tuple[int, ...], Any] = {}
    counts = [-(-s // st) for s, st in zip(size, strides, strict=True)]
    for place, part in parts:
        first = [k - p[0] for k, p in zip(place, pads, strict=True)]
        phase = tuple([f % st for f, st in zip(first, strides, strict=True)])
        piece = _moved(part, [f // st for f, st in zip(first, strides, strict=True)], counts)
        phases[phase] = piece if phase not in phases else phases[phase] + piece
    total = None
    for phase, image in phases.items():
        image = _apart(image, phase, strides, size)
        total = image if total is None else total + image
    return total


def _moved(part: Any, first: Sequence[int], size: Sequence[int]) -> Any:
    """An image of `size` with `part` from position `first` on, cut where it reaches beyond."""
    batch, *counts, channels = part.dims
    pads = [[max(f, 0), max(s - f - n, 0)] for f, s, n in zip(first, size, counts, strict=True)]
    padded = F.pad(part, [[0, 0], *pads, [0, 0]])
    return F.slice(padded, [0, *[max(-f, 0) for f in first], 0], [batch, *size, channels])


def _apart(image: Any, phase: Sequence[int], strides: Sequence[int], size: Sequence[int]) -> Any:
    """The pixels of an image as those of one phase of a larger one, zeros elsewhere."""
    if all(s == 1 for s in strides):
        return image
    batch, *counts, channels = image.dims
    wide = F.reshape(image, (batch, *[d for n in counts for d in (n, 1)], channels))
    around = [pair for p, s in zip(phase, strides, strict=True) for pair in ([0, 0], [p, s - 1 - p])]
    wide = F.pad(wide, [[0, 0], *around, [0, 0]])
    whole = F.reshape(wide, (batch, *[n * s for n, s in zip(counts, strides, strict=True)], channels))
    return F.slice(whole, [0] * len(image.dims), [batch, *size, channels])
