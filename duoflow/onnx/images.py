"""Convolutions, pooling and resizing in ONNX, where channels come before the spatial dimensions."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from duoflow.core.graph import Node

from .rules import Rule
from .writer import NoCounterpart, Writer

__all__ = ["IMAGE_RULES"]


def _channels_first(w: Writer, name: str, spatial: int) -> str:
    return w.op("Transpose", [name], perm=[0, spatial + 1, *range(1, spatial + 1)])  # type: ignore[no-any-return]


def _channels_last(w: Writer, name: str, spatial: int) -> str:
    return w.op("Transpose", [name], perm=[0, *range(2, spatial + 2), 1])  # type: ignore[no-any-return]


def _pads(padding: Any, sizes: Sequence[int | None], window: Sequence[int], strides: Sequence[int]) -> dict[str, Any]:
    """What to add at either end of each spatial dimension; left to the runtime where sizes are not known."""
    if padding == "VALID":
        return {}
    if padding != "SAME":
        pairs = np.reshape(padding, (-1, 2))
        return {"pads": [int(v) for v in (*pairs[:, 0], *pairs[:, 1])]}
    if None in sizes:
        return {"auto_pad": "SAME_UPPER"}
    total = [max((-(-n // s) - 1) * s + k - n, 0) for n, k, s in zip(sizes, window, strides, strict=True)]  # type: ignore[operator]
    return {"pads": [t // 2 for t in total] + [t - t // 2 for t in total]}


def _spatial_sizes(tensor: Any) -> tuple[int | None, ...]:
    if tensor.dims is None:
        raise NoCounterpart("an image of unknown rank")
    return tuple(tensor.dims[1:-1])


def _kernel(w: Writer, tensor: Any) -> str:
    """A kernel [*window, in, out] as [out, in, *window]; a transposed one [*window, out, in] as [in, out, *window]."""
    spatial = len(tensor.dims) - 2
    perm = [spatial + 1, spatial, *range(spatial)]
    known = w.array(tensor)
    return w.constant(known.transpose(perm)) if known is not None else w.op("Transpose", [w.name(tensor)], perm=perm)


def _convolution(w: Writer, n: Node) -> Any:
    x, kernel = n.inputs
    if kernel.dims is None or None in kernel.dims or x.dims is None or x.dims[-1] is None:
        raise NoCounterpart("a convolution whose channels are not known")
    spatial = len(kernel.dims) - 2
    strides, dilations = list(n.attrs["strides"]), list(n.attrs["dilations"])
    window = [(k - 1) * d + 1 for k, d in zip(kernel.dims, dilations, strict=False)]
    out = w.op(
        "Conv", [_channels_first(w, w.name(x), spatial), _kernel(w, kernel)], strides=strides, dilations=dilations,
        group=x.dims[-1] // kernel.dims[-2], kernel_shape=list(kernel.dims[:spatial]),
        **_pads(n.attrs["padding"], _spatial_sizes(x), window, strides),
    )  # fmt: skip
    return _channels_last(w, out, spatial)


def _transposed(w: Writer, n: Node) -> Any:
    """The gradient of a convolution with respect to its image, which is a layer of its own."""
    _, kernel, x = n.inputs
    sizes, given = _spatial_sizes(n.outputs[0]), _spatial_sizes(x)
    if None in sizes or None in given or kernel.dims is None or None in kernel.dims or x.dims[-1] is None:
        raise NoCounterpart("a transposed convolution whose sizes are not known")
    spatial = len(kernel.dims) - 2
    strides, dilations = list(n.attrs["strides"]), list(n.attrs["dilations"])
    window = [(k - 1) * d + 1 for k, d in zip(kernel.dims, dilations, strict=False)]
    full = [(g - 1) * s + k for g, s, k in zip(given, strides, window, strict=True)]
    before = _pads(n.attrs["padding"], sizes, window, strides).get("pads", [0] * 2 * spatial)[:spatial]
    after = [f - b - size for f, b, size in zip(full, before, sizes, strict=True)]  # type: ignore[operator]
    out = w.op(
        "ConvTranspose", [_channels_first(w, w.name(x), spatial), _kernel(w, kernel)], strides=strides,
        dilations=dilations, kernel_shape=list(kernel.dims[:spatial]), group=x.dims[-1] // kernel.dims[-1],
        pads=[*before, *(max(a, 0) for a in after)], output_padding=[max(-a, 0) for a in after],
    )  # fmt: skip
    return _channels_last(w, out, spatial)


def _pooled(op_type: str, **attrs: int) -> Rule:
    def rule(w: Writer, n: Node) -> Any:
        x = n.inputs[0]
        window, strides = list(n.attrs["ksize"]), list(n.attrs["strides"])
        spatial = len(window)
        out = w.op(
            op_type, [_channels_first(w, w.name(x), spatial)], kernel_shape=window, strides=strides, **attrs,
            **_pads(n.attrs["padding"], _spatial_sizes(x), window, strides),
        )  # fmt: skip
        return _channels_last(w, out, spatial)

    return rule


def _resized(mode: str) -> Rule:
    def rule(w: Writer, n: Node) -> Any:
        x, size = n.inputs[0], n.inputs[1]
        centers = n.attrs.get("half_pixel_centers", False)
        coordinates = "half_pixel" if centers else "align_corners" if n.attrs["align_corners"] else "asymmetric"
        rounding = None if mode != "nearest" else "round_prefer_ceil" if coordinates != "asymmetric" else "floor"
        cubic = (
            {"cubic_coeff_a": -0.5 if centers else -0.75, "exclude_outside": int(centers)} if mode == "cubic" else {}
        )
        out = w.op(
            "Resize", [_channels_first(w, w.name(x), 2), "", "", w.ints(size)], mode=mode, nearest_mode=rounding,
            coordinate_transformation_mode=coordinates, axes=[2, 3], **cubic,
        )  # fmt: skip
        return _channels_last(w, out, 2)

    return rule


IMAGE_RULES: dict[str, Rule] = {
    "AvgPool": _pooled("AveragePool", count_include_pad=0),
    "AvgPool3D": _pooled("AveragePool", count_include_pad=0),
    "Conv2D": _convolution,
    "Conv2DBackpropInput": _transposed,
    "Conv3D": _convolution,
    "Conv3DBackpropInputV2": _transposed,
    "MaxPool": _pooled("MaxPool"),
    "MaxPool3D": _pooled("MaxPool"),
    "ResizeBicubic": _resized("cubic"),
    "ResizeBilinear": _resized("linear"),
    "ResizeNearestNeighbor": _resized("nearest"),
}
