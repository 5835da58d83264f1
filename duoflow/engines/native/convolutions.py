"""Convolutions that have no kernel of their own, or none that does them well, in terms of others.

- Three dimensions: the planes that a place of the result sees are seen as channels of a two-dimensional convolution.
- Several filters for each channel, and no more than its own (a depthwise convolution with a multiplier): the channels
  are repeated, so that there is one filter for each.
- Gradients of 16-bit filters are summed, and so computed, in float32.
- The kernels compute vectors of filters (of channels, for the gradient of the image). Where there is only one, as in
  the last layer of what makes grey images, a matrix product has what each pixel gives to each place of the kernel, and
  these are spread over the result; or, for the gradient of the filter, windows are multiplied with the image.
"""

from __future__ import annotations

import itertools
import math
from dataclasses import dataclass, replace
from typing import Any, cast

import numpy as np

from duoflow.core import dtypes
from duoflow.core.dtypes import DType
from duoflow.core.emit import emit_one
from duoflow.core.graph import Graph, Node
from duoflow.core.late import F
from duoflow.core.lowering import Convolution
from duoflow.core.record import OPS, Kind
from duoflow.core.tensor import GraphTensor
from duoflow.passes.rewrite import rewritten

from .expression import describe
from .static import sizes
from .windows import spread, window_counts, windows_of

__all__ = ["rewrite_convolutions"]

_TYPES = (dtypes.float32, dtypes.float64, dtypes.float16, dtypes.bfloat16)
#: Positions of image, kernel and result among the inputs of a node, by mode; -1 is its output.
_PLACES = {"forward": (0, 1, -1), "input": (-1, 1, 2), "filter": (0, -1, 2)}
_OPS = {"forward": "Conv2D", "input": "Conv2DBackpropInput", "filter": "Conv2DBackpropFilter"}


@dataclass(frozen=True)
class _Call:
    """A convolution: how it is done, its type, the shapes of image and kernel, and the operands that it has."""

    how: Convolution
    dtype: DType
    image: tuple[int, ...]
    kernel: tuple[int, ...]
    x: Any = None
    w: Any = None
    y: Any = None

    def run(self) -> Any:
        """What the convolution gives."""
        channels, filters = self.kernel[-2:]
        if len(self.kernel) == 5:
            return _by_planes(self)
        if channels == 1 and filters > self.how.groups > 1:
            return _by_repetition(self)
        if _is_thin(self):
            return _by_windows(self) if self.how.mode == "filter" else _by_spreading(self)
        return self._emit()

    def _emit(self) -> Any:
        attrs = {"strides": self.how.strides, "padding": self.how.padding, "dilations": self.how.dilations}
        op = OPS[_OPS[self.how.mode]]
        if self.how.mode == "forward":
            return emit_one(op, (self.x, self.w), attrs)
        if self.how.mode == "input":
            return emit_one(op, (F.constant(np.asarray(self.image, np.int32)), self.w, self.y), attrs)
        wanted = F.constant(np.asarray(self.kernel, np.int32))
        if self.x.dtype.size >= 4:
            return emit_one(op, (self.x, wanted, self.y), attrs)
        x, y = (F.cast(t, dtypes.float32) for t in (self.x, self.y))
        return F.cast(emit_one(op, (x, wanted, y), attrs), self.x.dtype)


def rewrite_convolutions(graph: Graph) -> Graph:
    """The graph with the convolutions that have no kernel in terms of others."""
    return rewritten(graph, _call_of, _in_other_terms)


def _in_other_terms(node: Node, call: _Call, inputs: tuple[GraphTensor, ...]) -> Any:
    places = zip("xwy", _PLACES[call.how.mode], strict=True)
    operands: dict[str, Any] = {name: inputs[place] for name, place in places if place >= 0}
    return replace(call, **operands).run()


def _call_of(node: Node) -> _Call | None:
    """The convolution that a node is, if it is to be put in terms of others."""
    if node.op.kind is not Kind.CONTRACTION or node.outputs[0].dtype not in _TYPES:
        return None
    how = describe(node)
    if not isinstance(how, Convolution):
        return None
    image, kernel = (sizes(_tensor(node, place)) for place in _PLACES[how.mode][:2])
    call = _Call(how, node.outputs[0].dtype, image, kernel)
    narrow = how.mode == "filter" and node.outputs[0].dtype.size < 4
    multiplied = kernel[-2] == 1 and kernel[-1] > how.groups > 1
    return call if len(kernel) == 5 or narrow or multiplied or _is_thin(call) else None


def _tensor(node: Node, place: int) -> GraphTensor:
    return cast(GraphTensor, node.outputs[0] if place < 0 else node.inputs[place])


# -- several filters for each channel ----------------------------------------------------------------------------------


def _by_repetition(call: _Call) -> Any:
    """Channel c of the repeated image belongs to filter c."""
    groups, filters = call.how.groups, call.kernel[-1]
    times = filters // groups
    image = (*call.image[:-1], filters)
    x = None if call.x is None else F.reshape(_stretched(call.x, times), image)
    out = replace(call, how=replace(call.how, groups=filters), image=image, x=x).run()
    if call.how.mode != "input":
        return out
    return F.reduce_sum(F.reshape(out, (*call.image, times)), -1)


def _stretched(x: Any, times: int) -> Any:
    return F.broadcast_to(F.expand_dims(x, -1), (*x.dims, times))


# -- one filter --------------------------------------------------------------------------------------------------------


def _is_thin(call: _Call) -> bool:
    """Whether vectors of filters, or of the image's channels for its gradient, would be empty but for one, and products
    with all places of the kernel are not many more numbers than the operand has."""
    how, (*window, channels, filters) = call.how, call.kernel
    taps, is_image = math.prod(window), how.mode == "input"
    results, terms = (channels, filters) if is_image else (filters, channels)
    if how.groups != 1 or len(window) == 3 or taps == 1 or call.dtype.size < 4 or 0 in call.image:
        return False
    if not is_image and (any(s != 1 for s in how.strides) or any(min(pair) < 0 for pair in _turned(call))):
        return False
    return results == 1 and taps <= 3 * terms


def _turned(call: _Call) -> tuple[tuple[int, int], ...]:
    """The padding of the convolution back, from the result to the image."""
    reach = [(w - 1) * d for w, d in zip(call.kernel[:-2], call.how.dilations, strict=True)]
    return tuple([(r - p[0], r - p[1]) for r, p in zip(reach, call.how.padding, strict=True)])


def _by_spreading(call: _Call) -> Any:
    """The product of all pixels with all places of the kernel, each part moved to where it counts."""
    how, window = call.how, call.kernel[:-2]
    if how.mode == "input":
        source, w, size, pads, ahead = call.y, call.w, call.image[1:-1], how.padding, True
    else:
        size = window_counts(call.image[1:-1], window, how.strides, how.dilations, how.padding)
        source, w, pads, ahead = call.x, call.w, _turned(call), False
    *pixels, terms = sizes(source)
    lines = F.reshape(source, (math.prod(pixels), terms))
    flat = F.matmul(F.reshape(w, (math.prod(window), terms)), lines, transpose_b=True)
    given = F.reshape(flat, (math.prod(window), *pixels, 1))
    places = [
        [(k if ahead else n - 1 - k) * d for k, n, d in zip(place, window, how.dilations, strict=True)]
        for place in itertools.product(*map(range, window))
    ]
    return spread([(place, given[number]) for number, place in enumerate(places)], size, how.strides, pads)


def _by_windows(call: _Call) -> Any:
    """The image times the windows of the result's gradient that see its pixels."""
    *window, channels, _ = call.kernel
    seen = windows_of(call.y, window, call.how.strides, _turned(call), 0.0, call.how.dilations)
    pixels = math.prod(call.image[:-1])
    lines = F.reshape(call.x, (pixels, channels))
    product = F.matmul(F.reshape(seen, (pixels, math.prod(window))), lines, transpose_a=True)
    return F.reverse(F.reshape(product, call.kernel), list(range(len(window))))


# -- three dimensions --------------------------------------------------------------------------------------------------


def _by_planes(call: _Call) -> Any:
    """A convolution over height and width whose channels are those of all the planes that the kernel covers."""
    how, (batch, depth, height, width, _) = call.how, call.image
    taps, *window, own, filters = call.kernel
    (count,) = window_counts((depth,), (taps,), how.strides[:1], how.dilations[:1], how.padding[:1])
    flat = replace(how, strides=how.strides[1:], dilations=how.dilations[1:], padding=how.padding[1:])
    image = (batch * count, height, width, how.groups * taps * own)
    kernel = (*window, taps * own, filters)
    x = None if call.x is None else F.reshape(_planes(call, count), image)
    w = None if call.w is None else F.reshape(F.transpose(call.w, (1, 2, 0, 3, 4)), kernel)
    y = None if call.y is None else F.reshape(call.y, (batch * count, *sizes(call.y)[2:]))
    out = _Call(flat, call.dtype, image, kernel, x, w, y).run()
    if how.mode == "forward":
        return F.reshape(out, (batch, count, *out.dims[1:]))
    if how.mode == "filter":
        return F.transpose(F.reshape(out, (*window, taps, own, filters)), (2, 0, 1, 3, 4))
    return _plane_gradient(call, F.reshape(out, (batch, count, height * width, how.groups, taps, own)))


def _planes(call: _Call, count: int) -> Any:
    """[batch, result's planes, height, width, groups, taps, channels]"""
    how, (batch, depth, height, width, channels) = call.how, call.image
    rest = height * width * channels
    x = F.reshape(call.x, (batch, depth, rest))
    seen = windows_of(x, call.kernel[:1], how.strides[:1], how.padding[:1], 0, how.dilations[:1])
    seen = F.reshape(seen, (batch, count, call.kernel[0], height * width, how.groups, call.kernel[-2]))
    return F.transpose(seen, (0, 1, 3, 4, 2, 5))


def _plane_gradient(call: _Call, g: Any) -> Any:
    """What each plane gets from all results that saw it."""
    how, (batch, depth, *_) = call.how, call.image
    count, rest = g.dims[1], math.prod(call.image[2:])
    parts = [
        ((tap * how.dilations[0],), F.reshape(g[:, :, :, :, tap], (batch, count, rest)))
        for tap in range(call.kernel[0])
    ]
    return F.reshape(spread(parts, (depth,), how.strides[:1], how.padding[:1]), call.image)
