"""Max and average pooling over windows, in one, two and three dimensions."""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from duoflow.core import dtypes
from duoflow.core.emit import emit, emit_one
from duoflow.core.late import F
from duoflow.core.lowering import Pool, PoolGradient
from duoflow.core.record import OPS, WINDOWS, Kind, Op, register
from duoflow.core.spec import Spec
from duoflow.core.tensor import convert

from .convolution import (
    as_padding,
    channels_first,
    per_spatial,
    to_first,
    to_last,
    window_count,
    window_padding,
    with_height,
)
from .families import FLOATING, REAL, check_dtype

__all__ = [
    "avg_pool", "avg_pool1d", "avg_pool2d", "avg_pool3d", "max_pool", "max_pool1d", "max_pool2d", "max_pool3d",
    "max_pool_with_argmax", "pool",
]  # fmt: skip

Pairs = tuple[tuple[int, int], ...]

_WINDOWS = frozenset({WINDOWS})


def _pads(spatial: Sequence[int], attrs: dict[str, Any]) -> Pairs:
    return tuple(
        window_padding(attrs["padding"], s, w, st, 1, i)
        for i, (s, w, st) in enumerate(zip(spatial, attrs["ksize"], attrs["strides"], strict=True))
    )


def _windows(x: Any, attrs: dict[str, Any], fill: Any) -> Any:
    """[batch, *out, channels, window elements] of the image padded with `fill`."""
    rank = len(attrs["ksize"])
    pads = _pads(x.shape[1:-1], attrs)
    padded = np.pad(x, ((0, 0), *pads, (0, 0)), constant_values=fill) if any(map(any, pads)) else x
    view = np.lib.stride_tricks.sliding_window_view(padded, attrs["ksize"], axis=tuple(range(1, rank + 1)))
    view = view[(slice(None), *[slice(None, None, s) for s in attrs["strides"]])]
    return view.reshape(*view.shape[: rank + 2], math.prod(attrs["ksize"]))


def _infer(name: str, allowed: Any) -> Any:
    def infer(x: Spec, **attrs: Any) -> Spec:
        check_dtype(name, "input", x.dtype, allowed)
        rank = len(attrs["ksize"])
        if x.shape is None:
            return Spec((None,) * (rank + 2), x.dtype)
        if len(x.shape) != rank + 2:
            raise ValueError(f"{name}: input must be {rank + 2}-dimensional, received shape {list(x.shape)}")
        spatial = tuple(
            window_count(attrs["padding"], s, w, st, 1, i)
            for i, (s, w, st) in enumerate(zip(x.shape[1:-1], attrs["ksize"], attrs["strides"], strict=True))
        )
        return Spec((x.shape[0], *spatial, x.shape[-1]), x.dtype)

    return infer


def _padding(dtype: Any) -> Any:
    """What never wins a window that has anything else."""
    return dtypes.from_numpy(dtype).min if dtype.kind in "iu" else -np.inf


def _contenders(x: Any) -> Any:
    """What takes part in a maximum: NaN and -inf as the lowest finite number, as in TensorFlow's kernels."""
    lowest = np.asarray(dtypes.from_numpy(x.dtype).min, x.dtype)
    return x if x.dtype.kind in "iu" else np.where(x > lowest, x, lowest)


def _max(x: Any, **attrs: Any) -> Any:
    lowest = dtypes.from_numpy(x.dtype).min
    return _windows(_contenders(x), attrs, lowest).max(-1, initial=lowest).astype(x.dtype)


def _counts(shape: Sequence[int], attrs: dict[str, Any]) -> Any:
    """How many elements of the image each window covers; padding is not counted."""
    return _windows(np.ones((1, *shape[1:-1], 1), np.float32), attrs, 0).sum(-1)


def _mean(x: Any, **attrs: Any) -> Any:
    wide = x.astype(np.float32) if x.dtype.itemsize < 4 else x
    return (_windows(wide, attrs, 0).sum(-1) / _counts(x.shape, attrs).astype(wide.dtype)).astype(x.dtype)


def _places(attrs: dict[str, Any], count: Sequence[int]) -> Any:
    """For each element of a window, the slices of the padded image it visits."""
    for place in itertools.product(*map(range, attrs["ksize"])):
        steps = zip(place, count, attrs["strides"], strict=True)
        yield (slice(None), *[slice(k, k + (n - 1) * s + 1, s) for k, n, s in steps])


def _scatter(shape: Sequence[int], contributions: Any, attrs: dict[str, Any], count: Sequence[int], dtype: Any) -> Any:
    pads = _pads(shape[1:-1], attrs)
    out = np.zeros((shape[0], *[s + sum(p) for s, p in zip(shape[1:-1], pads, strict=True)], shape[-1]), dtype)
    for index, target in enumerate(_places(attrs, count)):
        if 0 not in count:
            out[target] += contributions(index)
    inner = tuple(slice(p[0], p[0] + s) for p, s in zip(pads, shape[1:-1], strict=True))
    return out[(slice(None), *inner)]


def _chosen(x: Any, attrs: dict[str, Any]) -> Any:
    """Which element of each window is the (first) maximum; a NaN is it only among its like."""
    return _windows(_contenders(x), attrs, _padding(x.dtype)).argmax(-1)


def _max_gradient(x: Any, y: Any, g: Any, **attrs: Any) -> Any:
    chosen = _chosen(x, attrs)
    zero = g.dtype.type(0)
    return _scatter(x.shape, lambda i: np.where(chosen == i, g, zero), attrs, g.shape[1:-1], g.dtype)


def _max_gradient_gradient(x: Any, y: Any, gg: Any, **attrs: Any) -> Any:
    windows = _windows(gg, attrs, 0)
    return np.take_along_axis(windows, _chosen(x, attrs)[..., None], -1)[..., 0]


def _mean_gradient(sizes: Any, g: Any, **attrs: Any) -> Any:
    shape = tuple(int(s) for s in sizes)
    wide = g.astype(np.float32) if g.dtype.itemsize < 4 else g
    share = wide / _counts(shape, attrs).astype(wide.dtype)
    return _scatter(shape, lambda i: share, attrs, g.shape[1:-1], wide.dtype).astype(g.dtype)


def _pool(combine: str, spec: Spec, attrs: dict[str, Any]) -> Pool:
    spatial: Any = spec.shape[1:-1]  # type: ignore[index]
    return Pool(combine, attrs["ksize"], attrs["strides"], _pads(spatial, attrs))


def _define_max(name: str, gradient: str) -> Op:
    def infer_gradient(x: Spec, y: Spec, g: Spec, **attrs: Any) -> Spec:
        return Spec(x.shape, g.dtype)

    def infer_second(x: Spec, y: Spec, gg: Spec, **attrs: Any) -> Spec:
        return Spec(y.shape, gg.dtype)

    second = register(
        Op(
            gradient + "Grad",
            Kind.HOST,
            infer_second,
            _max_gradient_gradient,
            lambda n, g: (None, None, emit_one(first, (n.inputs[0], n.inputs[1], g), n.attrs)),
        )  # fmt: skip
    )
    first = register(
        Op(
            gradient,
            Kind.REDUCTION,
            infer_gradient,
            _max_gradient,
            lambda n, g: (None, None, emit_one(second, (n.inputs[0], n.inputs[1], g), n.attrs)),
            lower=lambda specs, outs, attrs: PoolGradient(_pool("max", specs[0], attrs)),
            tags=_WINDOWS,
        )  # fmt: skip
    )
    return register(
        Op(
            name,
            Kind.REDUCTION,
            _infer(name, REAL),
            _max,
            lambda n, g: emit_one(first, (n.inputs[0], n.outputs[0], g), n.attrs),
            lower=lambda specs, outs, attrs: _pool("max", specs[0], attrs),
            tags=_WINDOWS,
        )  # fmt: skip
    )


def _define_mean(name: str, gradient: str) -> Op:
    def infer_gradient(sizes: Spec, g: Spec, **attrs: Any) -> Spec:
        return Spec(sizes.dims() or (None,) * (len(attrs["ksize"]) + 2), g.dtype)

    back = register(
        Op(
            gradient,
            Kind.REDUCTION,
            infer_gradient,
            _mean_gradient,
            lambda n, g: (None, emit_one(forward, (g,), n.attrs)),
            lower=lambda specs, outs, attrs: PoolGradient(_pool("mean", outs[0], attrs)),
            tags=_WINDOWS,
        )  # fmt: skip
    )
    forward = register(
        Op(
            name,
            Kind.REDUCTION,
            _infer(name, FLOATING),
            _mean,
            lambda n, g: emit_one(back, (F.shape(n.inputs[0]), g), n.attrs),
            lower=lambda specs, outs, attrs: _pool("mean", specs[0], attrs),
            tags=_WINDOWS,
        )  # fmt: skip
    )
    return forward


POOL = {
    ("MAX", 2): _define_max("MaxPool", "MaxPoolGrad"),
    ("MAX", 3): _define_max("MaxPool3D", "MaxPool3DGrad"),
    ("AVG", 2): _define_mean("AvgPool", "AvgPoolGrad"),
    ("AVG", 3): _define_mean("AvgPool3D", "AvgPool3DGrad"),
}


def _apply(
    kind: str, rank: int, x: Any, ksize: Any, strides: Any, padding: Any, data_format: str | None, name: str | None
) -> Any:
    x = convert(x)
    first = channels_first(data_format, rank)
    attrs = {
        "ksize": per_spatial(ksize, rank, "ksize", first),
        "strides": per_spatial(strides, rank, "strides", first),
        "padding": as_padding(padding, rank, first),
    }
    x = to_last(x, first, rank)
    if rank > 1:
        return to_first(emit_one(POOL[kind, rank], (x,), attrs, name), first)
    attrs = with_height(attrs)
    out = emit_one(POOL[kind, 2], (F.expand_dims(x, 1),), attrs, name)
    return to_first(F.squeeze(out, [1]), first)


def max_pool2d(
    input: Any, ksize: Any, strides: Any, padding: Any, data_format: str = "NHWC", name: str | None = None
) -> Any:
    """The maximum of each window.

    Args:
      input: [batch, height, width, channels].
      ksize, strides: an int, a pair, or one number per dimension of `input`.
      padding: "SAME", "VALID" or explicit pairs; neither padded elements nor NaNs win.

    >>> tf.nn.max_pool2d(tf.reshape(tf.range(4.0), [1, 2, 2, 1]), 2, 2, "VALID").numpy().item()
    3.0

    TensorFlow: tf.nn.max_pool2d.
    """
    return _apply("MAX", 2, input, ksize, strides, padding, data_format, name)


def max_pool1d(
    input: Any, ksize: Any, strides: Any, padding: Any, data_format: str = "NWC", name: str | None = None
) -> Any:
    """The maximum of each window of [batch, width, channels]. TensorFlow: tf.nn.max_pool1d."""
    return _apply("MAX", 1, input, ksize, strides, padding, data_format, name)


def max_pool3d(
    input: Any, ksize: Any, strides: Any, padding: Any, data_format: str = "NDHWC", name: str | None = None
) -> Any:
    """The maximum of each window of [batch, depth, height, width, channels]. TensorFlow: tf.nn.max_pool3d."""
    return _apply("MAX", 3, input, ksize, strides, padding, data_format, name)


def avg_pool2d(
    input: Any, ksize: Any, strides: Any, padding: Any, data_format: str = "NHWC", name: str | None = None
) -> Any:
    """The mean of each window; padding is not counted. TensorFlow: tf.nn.avg_pool2d."""
    return _apply("AVG", 2, input, ksize, strides, padding, data_format, name)


def avg_pool1d(
    input: Any, ksize: Any, strides: Any, padding: Any, data_format: str = "NWC", name: str | None = None
) -> Any:
    """The mean of each window of [batch, width, channels]. TensorFlow: tf.nn.avg_pool1d."""
    return _apply("AVG", 1, input, ksize, strides, padding, data_format, name)


def avg_pool3d(
    input: Any, ksize: Any, strides: Any, padding: Any, data_format: str = "NDHWC", name: str | None = None
) -> Any:
    """The mean of each window of [batch, depth, height, width, channels]. TensorFlow: tf.nn.avg_pool3d."""
    return _apply("AVG", 3, input, ksize, strides, padding, data_format, name)


def _spatial_rank(x: Any) -> int:
    rank = convert(x).ndim - 2
    if rank not in (1, 2, 3):
        raise ValueError(f"Input tensor must be of rank 3, 4 or 5 but was {rank + 2}.")
    return rank


def max_pool(
    input: Any, ksize: Any, strides: Any, padding: Any, data_format: str | None = None, name: str | None = None
) -> Any:
    """The maximum of each window, in as many dimensions as `input` has. TensorFlow: tf.nn.max_pool."""
    return _apply("MAX", _spatial_rank(input), input, ksize, strides, padding, data_format, name)


def avg_pool(
    input: Any, ksize: Any, strides: Any, padding: Any, data_format: str | None = None, name: str | None = None
) -> Any:
    """The mean of each window, in as many dimensions as `input` has. TensorFlow: tf.nn.avg_pool."""
    return _apply("AVG", _spatial_rank(input), input, ksize, strides, padding, data_format, name)


def pool(
    input: Any, window_shape: Any, pooling_type: str, strides: Any = None, padding: Any = "VALID",
    data_format: str | None = None, dilations: Any = None, name: str | None = None,
) -> Any:  # fmt: skip
    """Pooling of type "MAX" or "AVG" with one number per spatial dimension. TensorFlow: tf.nn.pool."""
    if pooling_type not in ("MAX", "AVG"):
        raise ValueError(f"`pooling_type` must be 'MAX' or 'AVG'. Received: {pooling_type!r}")
    if dilations is not None and any(d != 1 for d in np.reshape(dilations, -1)):
        raise ValueError("Pooling with dilations is not supported on the CPU; use strides of 1 and slice the result.")
    rank = len(window_shape) if isinstance(window_shape, (list, tuple)) else _spatial_rank(input)
    return _apply(pooling_type, rank, input, window_shape, strides, padding, data_format, name)


def _infer_argmax(x: Spec, *, index_dtype: Any, include_batch: bool, **attrs: Any) -> tuple[Spec, Spec]:
    out = POOL["MAX", 2].infer(x, **attrs)
    return out, Spec(out.shape, index_dtype)


def _max_with_argmax(x: Any, *, index_dtype: Any, include_batch: bool, **attrs: Any) -> Any:
    batch, height, width, channels = x.shape
    places = np.arange(height * width * channels, dtype=np.int64).reshape(1, height, width, channels)
    windows, where = _windows(x, attrs, _padding(x.dtype)), _windows(places, attrs, 0)
    best = _chosen(x, attrs)[..., None]
    index = np.take_along_axis(np.broadcast_to(where, windows.shape), best, -1)[..., 0]
    if include_batch:
        index = index + (np.arange(batch) * height * width * channels).reshape(-1, 1, 1, 1)
    return np.take_along_axis(windows, best, -1)[..., 0], index.astype(index_dtype.numpy)


def _argmax_gradient(node: Any, g: Any, _: Any) -> Any:
    attrs = {k: node.attrs[k] for k in ("ksize", "strides", "padding")}
    return emit_one(OPS["MaxPoolGrad"], (node.inputs[0], node.outputs[0], g), attrs)


MAX_WITH_ARGMAX = register(
    Op("MaxPoolWithArgmax", Kind.HOST, _infer_argmax, _max_with_argmax, _argmax_gradient, num_outputs=2)
)


def max_pool_with_argmax(
    input: Any, ksize: Any, strides: Any, padding: Any, data_format: str = "NHWC", output_dtype: Any = dtypes.int64,
    include_batch_in_index: bool = False, name: str | None = None,
) -> Any:  # fmt: skip
    """The maximum of each window and its flat index in the image. TensorFlow: tf.nn.max_pool_with_argmax."""
    if data_format != "NHWC":
        raise ValueError("`data_format` values other than NHWC are not supported.")
    attrs = {
        "ksize": per_spatial(ksize, 2, "ksize", False),
        "strides": per_spatial(strides, 2, "strides", False),
        "padding": as_padding(padding, 2, False),
        "index_dtype": dtypes.as_dtype(output_dtype),
        "include_batch": bool(include_batch_in_index),
    }
    return emit(MAX_WITH_ARGMAX, (convert(input),), attrs, name)
