"""Convolutions in one, two and three dimensions: forward, transposed, depthwise, separable.

One record per TensorFlow op; a convolution and its two gradients are each other's gradients, so any order comes out.
Inside, the batch is first and the channels last (`NHWC`); channel-first tensors are transposed at the border.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import Any

import numpy as np

from duoflow.core import dtypes, shapes
from duoflow.core.emit import emit_one
from duoflow.core.late import F
from duoflow.core.lowering import Convolution
from duoflow.core.record import Kind, Op, register
from duoflow.core.shapes import Dims
from duoflow.core.spec import Spec
from duoflow.core.tensor import convert

from .families import check_dtype
from .postponed import postponed
from .static import invalid, known_dims, operand

__all__ = [
    "atrous_conv2d",
    "atrous_conv2d_transpose",
    "bias_add",
    "conv1d",
    "conv1d_transpose",
    "conv2d",
    "conv2d_backprop_filter",
    "conv2d_backprop_input",
    "conv2d_transpose",
    "conv3d",
    "conv3d_transpose",
    "conv_transpose",
    "convolution",
    "depthwise_conv2d",
    "separable_conv2d",
    "window_padding",
]

_ALLOWED = (dtypes.float16, dtypes.bfloat16, dtypes.float32, dtypes.float64, dtypes.int32)
Pairs = tuple[tuple[int, int], ...]


# -- geometry ----------------------------------------------------------------------------------------------------------


def window_padding(padding: Any, size: int, window: int, stride: int, dilation: int, axis: int) -> tuple[int, int]:
    """(before, after) along one dimension for "SAME", "VALID" or explicit pairs."""
    if padding == "VALID":
        return 0, 0
    if padding == "SAME":
        total = max((-(-size // stride) - 1) * stride + (window - 1) * dilation + 1 - size, 0)
        return total // 2, total - total // 2
    return padding[axis]  # type: ignore[no-any-return]


def window_count(
    padding: Any, size: int | None, window: int | None, stride: int, dilation: int, axis: int
) -> int | None:
    """How many windows fit along one dimension; `ValueError` if none would have been meant."""
    if size is None or window is None:
        return None
    if padding == "SAME":
        return -(-size // stride)
    before, after = (0, 0) if padding == "VALID" else padding[axis]
    reach = (window - 1) * dilation + 1
    span = size + before + after - reach
    if (span < -stride and size > 0) or (span < 0 and size > 0):
        raise ValueError(
            f"Negative dimension size caused by subtracting {reach} from {size + before + after} (window {window}, "
            f"dilation {dilation}): the input is smaller than the window; use padding='SAME' or a larger input."
        )
    return max(span // stride + 1, 0)


def _pads(attrs: dict[str, Any], spatial: Sequence[int], window: Sequence[int]) -> Pairs:
    return tuple(
        window_padding(attrs["padding"], s, w, st, d, i)
        for i, (s, w, st, d) in enumerate(zip(spatial, window, attrs["strides"], attrs["dilations"], strict=True))
    )


def _output_dims(image: Dims, kernel: Dims, rank: int, attrs: dict[str, Any]) -> Dims:
    if image is None or kernel is None:
        batch, features = None if image is None else image[0], None if kernel is None else kernel[-1]
        return (batch, *(None,) * rank, features)
    spatial = tuple(
        window_count(attrs["padding"], s, w, st, d, i)
        for i, (s, w, st, d) in enumerate(
            zip(image[1:-1], kernel[:-2], attrs["strides"], attrs["dilations"], strict=True)
        )
    )
    return (image[0], *spatial, kernel[-1])


# -- meaning -----------------------------------------------------------------------------------------------------------


def _windows(image: Any, window: Sequence[int], strides: Sequence[int], dilations: Sequence[int], pads: Pairs) -> Any:
    """A view [batch, *out, *window, channels] of the padded image."""
    rank = len(window)
    padded = np.pad(image, ((0, 0), *pads, (0, 0))) if any(map(any, pads)) else image
    reach = tuple((w - 1) * d + 1 for w, d in zip(window, dilations, strict=True))
    view = np.lib.stride_tricks.sliding_window_view(padded, reach, axis=tuple(range(1, rank + 1)))
    view = np.moveaxis(view, rank + 1, -1)
    step = (slice(None), *[slice(None, None, s) for s in strides], *[slice(None, None, d) for d in dilations])
    return view[step]


def _wide(*arrays: Any) -> tuple[Any, ...]:
    return tuple(a.astype(np.float32) if a.dtype.itemsize < 4 else a for a in arrays)


def _forward(image: Any, kernel: Any, **attrs: Any) -> Any:
    *window, per_group, features = kernel.shape
    rank, channels = len(window), image.shape[-1]
    groups = channels // per_group if per_group else 1
    pads = _pads(attrs, image.shape[1:-1], window)
    out_dims = _output_dims(image.shape, kernel.shape, rank, attrs)
    if 0 in image.shape or 0 in kernel.shape or 0 in out_dims:  # type: ignore[operator]
        return np.zeros(out_dims, image.dtype)
    wide_image, wide_kernel = _wide(image, kernel)
    view = _windows(wide_image, window, attrs["strides"], attrs["dilations"], pads)
    batch_out = view.shape[: rank + 1]
    parts = []
    for g in range(groups):
        inputs = view[..., g * per_group : (g + 1) * per_group].reshape(int(np.prod(batch_out)), -1)
        share = features // groups
        weights = wide_kernel[..., g * share : (g + 1) * share].reshape(-1, share)
        parts.append(inputs @ weights)
    return np.concatenate(parts, -1).reshape(*batch_out, features).astype(image.dtype)


def _backprop_filter(image: Any, sizes: Any, grad: Any, **attrs: Any) -> Any:
    *window, per_group, features = (int(d) for d in sizes)
    rank, groups = len(window), max(image.shape[-1] // max(per_group, 1), 1)
    if 0 in image.shape or 0 in grad.shape:
        return np.zeros(tuple(sizes), image.dtype)
    wide_image, wide_grad = _wide(image, grad)
    view = _windows(wide_image, window, attrs["strides"], attrs["dilations"], _pads(attrs, image.shape[1:-1], window))
    rows, share = int(np.prod(grad.shape[:-1])), features // groups
    parts = []
    for g in range(groups):
        inputs = view[..., g * per_group : (g + 1) * per_group].reshape(rows, -1)
        parts.append(inputs.T @ wide_grad[..., g * share : (g + 1) * share].reshape(rows, share))
    assert rank == len(attrs["strides"])
    return np.concatenate(parts, -1).reshape(*window, per_group, features).astype(image.dtype)


def _backprop_input(sizes: Any, kernel: Any, grad: Any, **attrs: Any) -> Any:
    *window, per_group, features = kernel.shape
    dims = tuple(int(d) for d in sizes)
    groups = max(dims[-1] // max(per_group, 1), 1)
    pads = _pads(attrs, dims[1:-1], window)
    wide_kernel, wide_grad = _wide(kernel, grad)
    out = np.zeros((dims[0], *[s + sum(p) for s, p in zip(dims[1:-1], pads, strict=True)], dims[-1]), wide_grad.dtype)
    share, count = features // groups, grad.shape[1:-1]
    for place in itertools.product(*map(range, window)):
        target = tuple(
            slice(k * d, k * d + (n - 1) * s + 1, s)
            for k, d, n, s in zip(place, attrs["dilations"], count, attrs["strides"], strict=True)
        )
        if 0 in grad.shape:
            continue
        for g in range(groups):
            piece = wide_grad[..., g * share : (g + 1) * share] @ wide_kernel[place][:, g * share : (g + 1) * share].T
            out[(slice(None), *target, slice(g * per_group, (g + 1) * per_group))] += piece
    inner = tuple(slice(p[0], p[0] + s) for p, s in zip(pads, dims[1:-1], strict=True))
    return out[(slice(None), *inner)].astype(grad.dtype)


# -- records -----------------------------------------------------------------------------------------------------------


def _check_operands(name: str, image: Dims, kernel: Dims, rank: int) -> None:
    for what, dims in (("input", image), ("filter", kernel)):
        if dims is not None and len(dims) != rank + 2:
            raise ValueError(f"{name}: {what} must be {rank + 2}-dimensional, received shape {shapes.brief(dims)}")
    if image is None or kernel is None or image[-1] is None or kernel[-2] is None or kernel[-1] is None:
        return
    if not kernel[-2] or image[-1] % kernel[-2]:
        raise ValueError(
            f"{name}: input depth must be evenly divisible by filter depth: {image[-1]} vs {kernel[-2]} "
            f"(input {shapes.brief(image)}, filter {shapes.brief(kernel)})"
        )
    groups = image[-1] // kernel[-2]
    if groups and kernel[-1] % groups:
        raise ValueError(f"{name}: {kernel[-1]} output channels cannot be divided into {groups} groups")


def _lowering(mode: str, image: Spec, kernel: Spec, attrs: dict[str, Any]) -> Convolution:
    assert image.shape is not None and kernel.shape is not None
    spatial: Any = image.shape[1:-1]
    window: Any = kernel.shape[:-2]
    groups = (image.shape[-1] or 0) // (kernel.shape[-2] or 1)
    return Convolution(mode, attrs["strides"], attrs["dilations"], _pads(attrs, spatial, window), groups)


def _define(rank: int, forward: str, by_input: str, by_filter: str) -> tuple[Op, Op, Op]:
    """The three records of one rank."""

    def infer_forward(image: Spec, kernel: Spec, **attrs: Any) -> Spec:
        check_dtype(forward, "input", image.dtype, _ALLOWED)
        if image.dtype is not kernel.dtype:
            raise TypeError(f"{forward}: input is {image.dtype.name} but filter is {kernel.dtype.name}.")
        _check_operands(forward, image.shape, kernel.shape, rank)
        return Spec(_output_dims(image.shape, kernel.shape, rank, attrs), image.dtype)

    def infer_by_input(sizes: Spec, kernel: Spec, grad: Spec, **attrs: Any) -> Spec:
        dims = sizes.dims() or (None,) * (rank + 2)
        _check_operands(by_input, dims, kernel.shape, rank)
        expected = _output_dims(dims, kernel.shape, rank, attrs)
        if not shapes.compatible(expected, grad.shape):
            raise ValueError(
                f"{by_input}: out_backprop has shape {shapes.brief(grad.shape)}, but an input of {shapes.brief(dims)} "
                f"with a filter of {shapes.brief(kernel.shape)} gives {shapes.brief(expected)}"
            )
        return Spec(dims, grad.dtype)

    def infer_by_filter(image: Spec, sizes: Spec, grad: Spec, **attrs: Any) -> Spec:
        return Spec(sizes.dims() or (None,) * (rank + 2), grad.dtype)

    def forward_gradient(node: Any, g: Any) -> Any:
        image, kernel = node.inputs
        return (
            lambda: emit_one(ops[1], (F.shape(image), kernel, g), node.attrs),
            lambda: emit_one(ops[2], (image, F.shape(kernel), g), node.attrs),
        )

    def input_gradient(node: Any, g: Any) -> Any:
        _, kernel, grad = node.inputs
        return None, emit_one(ops[2], (g, F.shape(kernel), grad), node.attrs), emit_one(ops[0], (g, kernel), node.attrs)

    def filter_gradient(node: Any, g: Any) -> Any:
        image, _, grad = node.inputs
        return emit_one(ops[1], (F.shape(image), g, grad), node.attrs), None, emit_one(ops[0], (image, g), node.attrs)

    ops = (
        register(
            Op(
                forward,
                Kind.CONTRACTION,
                infer_forward,
                _forward,
                forward_gradient,
                lower=lambda specs, outs, attrs: _lowering("forward", specs[0], specs[1], attrs),
            )  # fmt: skip
        ),
        register(
            Op(
                by_input,
                Kind.CONTRACTION,
                infer_by_input,
                _backprop_input,
                input_gradient,
                lower=lambda specs, outs, attrs: _lowering("input", outs[0], specs[1], attrs),
            )  # fmt: skip
        ),
        register(
            Op(
                by_filter,
                Kind.CONTRACTION,
                infer_by_filter,
                _backprop_filter,
                filter_gradient,
                lower=lambda specs, outs, attrs: _lowering("filter", specs[0], outs[0], attrs),
            )  # fmt: skip
        ),
    )
    return ops


CONV = {
    2: _define(2, "Conv2D", "Conv2DBackpropInput", "Conv2DBackpropFilter"),
    3: _define(3, "Conv3D", "Conv3DBackpropInputV2", "Conv3DBackpropFilterV2"),
}


# -- arguments ---------------------------------------------------------------------------------------------------------


def channels_first(data_format: str | None, rank: int) -> bool:
    """Whether a data format puts channels second; `ValueError` for one that does not exist."""
    last, first = {1: ("NWC", "NCW"), 2: ("NHWC", "NCHW"), 3: ("NDHWC", "NCDHW")}[rank]
    if data_format in (None, last):
        return False
    if data_format != first:
        raise invalid(f"data_format must be {last!r} or {first!r}. Received: data_format={data_format!r}")
    return True


def per_spatial(value: Any, rank: int, what: str, first: bool) -> tuple[int, ...]:
    """Strides, dilations or window sizes as one int per spatial dimension."""
    if value is None:
        return (1,) * rank
    items = [int(v) for v in value] if isinstance(value, (list, tuple, np.ndarray)) else [int(value)]
    if len(items) == 1:
        items *= rank
    elif len(items) == rank + 2:
        batch, channel = (items[0], items[1]) if first else (items[0], items[-1])
        if batch != 1 or channel != 1:
            raise invalid(f"{what} in the batch and depth dimensions must be 1. Received: {what}={value}")
        items = items[2:] if first else items[1:-1]
    elif len(items) != rank:
        raise ValueError(f"{what} should be of length 1, {rank} or {rank + 2}. Received: {what}={value}")
    if any(i <= 0 for i in items):
        raise invalid(f"{what} must be positive. Received: {what}={value}")
    return tuple(items)


def as_padding(padding: Any, rank: int, first: bool) -> Any:
    """ "SAME", "VALID", or a (before, after) pair per spatial dimension."""
    if isinstance(padding, str):
        if padding.upper() not in ("SAME", "VALID"):
            raise invalid(f"padding must be 'SAME', 'VALID' or a list of pairs. Received: padding={padding!r}")
        return padding.upper()
    pairs = tuple((int(a), int(b)) for a, b in padding)
    if len(pairs) == rank + 2:
        pairs = pairs[2:] if first else pairs[1:-1]
    if len(pairs) != rank:
        raise invalid(f"explicit padding needs {rank + 2} pairs. Received: padding={padding!r}")
    return pairs


def with_height(attrs: dict[str, Any]) -> dict[str, Any]:
    """Attributes of a window over a signal as those of one over an image of height one."""
    lead: dict[str, Any] = {"padding": (0, 0)}
    return {key: v if isinstance(v, str) else (lead.get(key, 1), *v) for key, v in attrs.items()}


def of_rank(x: Any, rank: int) -> Any:
    """A tensor that must have `rank` dimensions, as is known from then on."""
    return x if x.dims is not None else F.ensure_shape(x, [None] * rank)


def to_last(x: Any, first: bool, rank: int) -> Any:
    """A channel-first tensor of `rank` spatial dimensions as channel-last."""
    return F.transpose(of_rank(x, rank + 2), [0, *range(2, rank + 2), 1]) if first else x


def to_first(x: Any, first: bool) -> Any:
    """A channel-last tensor as channel-first, if that is what was asked for."""
    if not first:
        return x
    rank = x.ndim
    return F.transpose(x, [0, rank - 1, *range(1, rank - 1)])


def _spatial_rank(*tensors: Any) -> int:
    """How many dimensions an image or filter has besides two; the first tensor of known rank tells."""
    for x in tensors:
        if x.dims is not None:
            return len(x.dims) - 2
    raise ValueError("The rank of the input or of the filters must be known.")


def _convolve(
    image: Any,
    kernel: Any,
    rank: int,
    strides: Any,
    padding: Any,
    data_format: str | None,
    dilations: Any,
    name: str | None,
) -> Any:
    image = convert(image)
    kernel = convert(kernel, dtype_hint=image.dtype)
    first = channels_first(data_format, rank)
    attrs = {
        "strides": per_spatial(strides, rank, "strides", first),
        "padding": as_padding(padding, rank, first),
        "dilations": per_spatial(dilations, rank, "dilations", first),
    }
    image = to_last(image, first, rank)
    if rank == 1:  # as in TensorFlow, a signal is an image of height one
        attrs = with_height(attrs)
        out = emit_one(CONV[2][0], (F.expand_dims(image, 1), F.expand_dims(kernel, 0)), attrs, name)
        return to_first(F.squeeze(out, [1]), first)
    return to_first(emit_one(CONV[rank][0], (image, kernel), attrs, name), first)


# -- public ------------------------------------------------------------------------------------------------------------


def conv2d(
    input: Any, filters: Any, strides: Any, padding: Any, data_format: str = "NHWC", dilations: Any = None,
    name: str | None = None,
) -> Any:  # fmt: skip
    """2-D convolution (cross-correlation).

    Args:
      input: [batch, height, width, channels] (or as `data_format` says).
      filters: [height, width, channels / groups, features]; groups follow from the channels.
      strides, dilations: an int, a pair, or one number per dimension of `input`.
      padding: "SAME", "VALID", or (before, after) pairs per dimension of `input`.

    >>> tf.nn.conv2d(tf.ones([1, 3, 3, 1]), tf.ones([2, 2, 1, 1]), 1, "VALID")[0, :, :, 0].numpy()
    array([[4., 4.],
           [4., 4.]], dtype=float32)

    TensorFlow: tf.nn.conv2d.
    """
    return _convolve(input, filters, 2, strides, padding, data_format, dilations, name)


def conv1d(
    input: Any, filters: Any, stride: Any, padding: Any, data_format: str = "NWC", dilations: Any = None,
    name: str | None = None,
) -> Any:  # fmt: skip
    """1-D convolution of [batch, width, channels] with [width, channels, features]. TensorFlow: tf.nn.conv1d."""
    stride = [stride[1]] if isinstance(stride, (list, tuple)) and len(stride) == 3 and data_format == "NWC" else stride
    return _convolve(input, filters, 1, stride, padding, data_format, dilations, name)


def conv3d(
    input: Any, filters: Any, strides: Any, padding: Any, data_format: str = "NDHWC", dilations: Any = None,
    name: str | None = None,
) -> Any:  # fmt: skip
    """3-D convolution of [batch, depth, height, width, channels]. TensorFlow: tf.nn.conv3d."""
    return _convolve(input, filters, 3, strides, padding, data_format, dilations, name)


def convolution(
    input: Any, filters: Any, strides: Any = None, padding: Any = "VALID", data_format: str | None = None,
    dilations: Any = None, name: str | None = None,
) -> Any:  # fmt: skip
    """A convolution in as many spatial dimensions as the filter has (1, 2 or 3). TensorFlow: tf.nn.convolution."""
    input, filters = convert(input), convert(filters)
    rank = _spatial_rank(filters, input)
    if rank not in (1, 2, 3):
        raise ValueError(f"`filters` must have rank 3, 4 or 5, received rank {rank + 2}.")
    return _convolve(input, filters, rank, strides, padding, data_format, dilations, name)


def atrous_conv2d(value: Any, filters: Any, rate: int, padding: Any, name: str | None = None) -> Any:
    """2-D convolution with holes of `rate` - 1 between filter taps. TensorFlow: tf.nn.atrous_conv2d."""
    return conv2d(value, filters, 1, padding, dilations=rate, name=name)


def conv_transpose(
    input: Any, filters: Any, output_shape: Any, strides: Any, padding: Any = "SAME", data_format: str | None = None,
    dilations: Any = None, name: str | None = None,
) -> Any:  # fmt: skip
    """The transpose of a convolution: what back-propagates through one.

    Args:
      input: [batch, *spatial, features].
      filters: [*window, output channels, features].
      output_shape: the shape of the result, one int per dimension.

    TensorFlow: tf.nn.conv_transpose.
    """
    return _transposed(None, input, filters, output_shape, strides, padding, data_format, dilations, name)


def _transposed(
    rank: int | None, input: Any, filters: Any, output_shape: Any, strides: Any, padding: Any, data_format: str | None,
    dilations: Any, name: str | None,
) -> Any:  # fmt: skip
    """`conv_transpose` of `rank` spatial dimensions, or as many as the tensors have."""
    input, filters, sizes = convert(input), convert(filters), convert(output_shape, dtype_hint=dtypes.int32)
    if rank is None:
        known = known_dims(sizes)
        rank = known[0] - 2 if known else _spatial_rank(filters, input)
    filters = of_rank(filters, rank + 2)
    first = channels_first(data_format, rank)
    attrs = {
        "strides": per_spatial(strides, rank, "strides", first),
        "padding": as_padding(padding, rank, first),
        "dilations": per_spatial(dilations, rank, "dilations", first),
    }
    if first:
        sizes = F.gather(sizes, [0, *range(2, rank + 2), 1])
    grad = to_last(input, first, rank)
    if rank > 1:
        return to_first(emit_one(CONV[rank][1], (sizes, filters, grad), attrs, name), first)
    attrs = with_height(attrs)
    sizes = F.concat([sizes[:1], [1], sizes[1:]], 0)
    out = emit_one(CONV[2][1], (sizes, F.expand_dims(filters, 0), F.expand_dims(grad, 1)), attrs, name)
    return to_first(F.squeeze(out, [1]), first)


def conv1d_transpose(
    input: Any, filters: Any, output_shape: Any, strides: Any, padding: Any = "SAME", data_format: str = "NWC",
    dilations: Any = None, name: str | None = None,
) -> Any:  # fmt: skip
    """The transpose of `conv1d`. TensorFlow: tf.nn.conv1d_transpose."""
    return _transposed(1, input, filters, output_shape, strides, padding, data_format, dilations, name)


def conv2d_transpose(
    input: Any, filters: Any, output_shape: Any, strides: Any, padding: Any = "SAME", data_format: str = "NHWC",
    dilations: Any = None, name: str | None = None,
) -> Any:  # fmt: skip
    """The transpose of `conv2d`; filters are [height, width, output channels, features].

    TensorFlow: tf.nn.conv2d_transpose.
    """
    return _transposed(2, input, filters, output_shape, strides, padding, data_format, dilations, name)


def conv3d_transpose(
    input: Any, filters: Any, output_shape: Any, strides: Any, padding: Any = "SAME", data_format: str = "NDHWC",
    dilations: Any = None, name: str | None = None,
) -> Any:  # fmt: skip
    """The transpose of `conv3d`. TensorFlow: tf.nn.conv3d_transpose."""
    return _transposed(3, input, filters, output_shape, strides, padding, data_format, dilations, name)


def conv2d_backprop_input(
    input_sizes: Any, filters: Any, out_backprop: Any, strides: Any, padding: Any, use_cudnn_on_gpu: bool = True,
    data_format: str = "NHWC", dilations: Any = None, name: str | None = None,
) -> Any:  # fmt: skip
    """The gradient of `conv2d` with respect to its input. TensorFlow: tf.compat.v1.nn.conv2d_backprop_input."""
    return _transposed(2, out_backprop, filters, input_sizes, strides, padding, data_format, dilations, name)


def conv2d_backprop_filter(
    input: Any, filter_sizes: Any, out_backprop: Any, strides: Any, padding: Any, use_cudnn_on_gpu: bool = True,
    data_format: str = "NHWC", dilations: Any = None, name: str | None = None,
) -> Any:  # fmt: skip
    """The gradient of `conv2d` with respect to its filters. TensorFlow: tf.compat.v1.nn.conv2d_backprop_filter."""
    first = channels_first(data_format, 2)
    attrs = {
        "strides": per_spatial(strides, 2, "strides", first),
        "padding": as_padding(padding, 2, first),
        "dilations": per_spatial(dilations, 2, "dilations", first),
    }
    image, grad = to_last(convert(input), first, 2), to_last(convert(out_backprop), first, 2)
    return emit_one(CONV[2][2], (image, convert(filter_sizes, dtype_hint=dtypes.int32), grad), attrs, name)


def depthwise_conv2d(
    input: Any, filter: Any, strides: Any, padding: Any, data_format: str | None = None, dilations: Any = None,
    name: str | None = None,
) -> Any:  # fmt: skip
    """Each channel convolved with its own filters.

    Args:
      input: [batch, height, width, channels].
      filter: [height, width, channels, multiplier]; the result has channels * multiplier features.

    TensorFlow: tf.nn.depthwise_conv2d.
    """
    input = convert(input)
    filter = of_rank(convert(filter, dtype_hint=input.dtype), 4)
    if filter.ndim != 4:
        raise ValueError(f"filter must be 4-dimensional, received shape {filter.shape}.")
    shape = F.shape(filter)
    grouped = F.reshape(filter, F.stack([shape[0], shape[1], 1, shape[2] * shape[3]]))
    return _convolve(input, grouped, 2, strides, padding, data_format or "NHWC", dilations, name)


def separable_conv2d(
    input: Any, depthwise_filter: Any, pointwise_filter: Any, strides: Any, padding: Any,
    data_format: str | None = None, dilations: Any = None, name: str | None = None,
) -> Any:  # fmt: skip
    """A depthwise convolution followed by a 1x1 convolution that mixes channels. TensorFlow: tf.nn.separable_conv2d."""
    deep = depthwise_conv2d(input, depthwise_filter, strides, padding, data_format, dilations)
    return conv2d(deep, pointwise_filter, 1, "VALID", data_format or "NHWC", name=name)


def atrous_conv2d_transpose(
    value: Any, filters: Any, output_shape: Any, rate: int, padding: Any, name: str | None = None
) -> Any:
    """The transpose of `atrous_conv2d`. TensorFlow: tf.nn.atrous_conv2d_transpose."""
    return _transposed(2, value, filters, output_shape, 1, padding, "NHWC", rate, name)


def bias_add(value: Any, bias: Any, data_format: str | None = None, name: str | None = None) -> Any:
    """Add a vector along the channels.

    Args:
      value: [batch, ..., channels], or [batch, channels, ...] with a data format that starts with "NC".
      bias: [channels].

    TensorFlow: tf.nn.bias_add. Raises `ValueError` for a bias that is not a vector of the channels.
    """
    if data_format not in (None, "NHWC", "NCHW", "N...C", "NC..."):
        raise ValueError(f"data_format must be 'N...C' or 'NC...'. Received: data_format={data_format!r}")
    value = convert(value)
    bias = operand(bias, value)
    first = data_format is not None and data_format.startswith("NC")
    return (_added_second if first else _added_last)(value, of_rank(bias, 1), 1 if first else -1, name)


def _bias_added(value: Any, bias: Any, axis: int, name: str | None) -> Any:
    rank = value.ndim
    if rank < 2:
        raise invalid(f"bias_add: value must have a batch and channels, received shape {shapes.brief(value.dims)}")
    if bias.ndim != 1:
        raise invalid(f"bias_add: bias must be a vector, received shape {shapes.brief(bias.dims)}")
    channels = value.dims[axis]
    if not shapes.compatible((channels,), bias.dims):
        raise invalid(f"bias_add: value has {channels} channels but bias has shape {shapes.brief(bias.dims)}")
    bias = bias if bias.dims == (channels,) else F.ensure_shape(bias, [channels])
    if axis == 1 and rank > 2:
        bias = F.reshape(bias, [1, -1] + [1] * (rank - 2))
    return F.add(value, bias, name=name or "BiasAdd")


_added_last = postponed(until=lambda spec: spec.shape is not None and None not in spec.shape[-1:])(_bias_added)
_added_second = postponed(until=lambda spec: spec.shape is not None and None not in spec.shape[1:2])(_bias_added)
