"""Resizing images: every method makes each row and column of the result a weighted sum of a few of the source's.

A method is therefore a rule that gives, for one axis, the *taps* of every output position: the source positions it
reads and their weights. Applying taps along both axes is resizing, applying the transposed taps is its gradient.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from duoflow.core import dtypes
from duoflow.core.emit import emit_one
from duoflow.core.errors import InvalidArgumentError
from duoflow.core.late import F
from duoflow.core.record import Kind, Op, register
from duoflow.core.scalar import Unsupported
from duoflow.core.spec import Spec
from duoflow.core.tensor import convert, static_value

from .families import FLOATING, REAL, check_dtype
from .image_shapes import as_batch, from_batch, image_size
from .static import dims_of, int_tensor

__all__ = [
    "ResizeMethod", "resize_area", "resize_bicubic", "resize_bilinear", "resize_images", "resize_nearest_neighbor",
    "resize_with_pad", "scale_and_translate",
]  # fmt: skip

_INPUTS = tuple(d for d in REAL if d not in (dtypes.uint32, dtypes.uint64))
_SMALLEST_SUM = 1000 * float(np.finfo(np.float32).tiny)
#: More taps than this stay one call to the host instead of as many gathers in a compiled graph.
_MOST_TAPS = 8


class ResizeMethod:
    """The names of the methods of `tf.image.resize`. TensorFlow: tf.image.ResizeMethod."""

    BILINEAR = "bilinear"
    NEAREST_NEIGHBOR = "nearest"
    BICUBIC = "bicubic"
    AREA = "area"
    LANCZOS3 = "lanczos3"
    LANCZOS5 = "lanczos5"
    GAUSSIAN = "gaussian"
    MITCHELLCUBIC = "mitchellcubic"


# -- taps --------------------------------------------------------------------------------------------------------------


class Taps(NamedTuple):
    """For one axis: the source positions [out, taps] each output position reads, and their weights in float32."""

    sources: np.ndarray[Any, Any]
    weight: np.ndarray[Any, Any]


def _scale(source: int, out: int, align_corners: bool) -> Any:
    return np.float32(source - 1) / np.float32(out - 1) if align_corners and out > 1 else np.float32(source / out)


def _places(source: int, out: int, align_corners: bool, half_pixel_centers: bool) -> Any:
    """Where the output's positions lie in the source, in float32 as TensorFlow computes it."""
    at, scale = np.arange(out, dtype=np.float32), _scale(source, out, align_corners)
    if half_pixel_centers:
        return (at + np.float32(0.5)) * scale - np.float32(0.5)
    return at * scale


def _bilinear(source: int, out: int, align_corners: bool, half_pixel_centers: bool) -> Taps:
    place = _places(source, out, align_corners, half_pixel_centers)
    below = np.floor(place)
    index = np.stack([np.maximum(below, 0), np.minimum(np.ceil(place), source - 1)], -1).astype(np.int32)
    return Taps(index, np.stack([1 - (place - below), place - below], -1))


def _nearest(source: int, out: int, align_corners: bool, half_pixel_centers: bool) -> Taps:
    at, scale = np.arange(out, dtype=np.float32), _scale(source, out, align_corners)
    place = (at + np.float32(0.5)) * scale if half_pixel_centers else at * scale
    nearest = np.floor(place + np.float32(0.5)) if align_corners else np.floor(place)
    index = np.clip(nearest, 0, source - 1).astype(np.int32)[:, None]
    return Taps(index, np.ones(index.shape, np.float32))


def _cubic(x: Any, a: float) -> Any:
    """Keys' cubic kernel with parameter `a` at distances 0 <= x < 2."""
    near = ((a + 2) * x - (a + 3)) * x * x + 1
    return np.where(x <= 1, near, ((a * x - 5 * a) * x + 8 * a) * x - 4 * a)


def _bicubic(source: int, out: int, align_corners: bool, half_pixel_centers: bool) -> Taps:
    place = _places(source, out, align_corners, half_pixel_centers)
    below = np.floor(place)
    steps = np.rint((place - below) * 1024) / 1024  # TensorFlow reads the kernel from a table of 1024 steps
    offsets = np.arange(-1, 3)
    index = below[:, None].astype(np.int32) + offsets.astype(np.int32)
    inside = np.clip(index, 0, source - 1)
    weight = _cubic(np.abs(steps[:, None] - offsets), -0.5 if half_pixel_centers else -0.75).astype(np.float32)
    if half_pixel_centers:  # what would lie outside does not count
        weight = _normalised(np.where(inside == index, weight, np.float32(0)))
    return Taps(inside, weight)


def _normalised(weight: Any) -> Any:
    total = weight.sum(-1, keepdims=True, dtype=np.float32)
    return np.divide(weight, total, out=weight, where=np.abs(total) >= _SMALLEST_SUM)


def _area(source: int, out: int, align_corners: bool) -> Taps:
    scale = _scale(source, out, align_corners)
    begin = np.arange(out, dtype=np.float32) * scale
    end = np.arange(1, out + 1, dtype=np.float32) * scale
    first = np.floor(begin).astype(np.int32)
    count = int((np.ceil(end).astype(np.int32) - first).max())
    index = first[:, None] + np.arange(count, dtype=np.int32)
    covered = np.minimum(index + 1, end[:, None]) - np.maximum(index, begin[:, None])
    return Taps(np.clip(index, 0, source - 1), (np.maximum(covered, 0) / scale).astype(np.float32))


def _lanczos(radius: float) -> Callable[[Any], Any]:
    def kernel(x: Any) -> Any:
        phase = math.pi * np.maximum(x, 1e-3)
        return np.where(x <= 1e-3, 1.0, radius * np.sin(phase) * np.sin(phase / radius) / (phase * phase))

    return kernel


def _mitchell(x: Any) -> Any:
    near = ((7 / 6 * x - 2) * x) * x + 8 / 9
    return np.where(x < 1, near, ((-7 / 18 * x + 2) * x - 10 / 3) * x + 16 / 9)


#: Name -> (radius, value at a distance below the radius).
_KERNELS: dict[str, tuple[float, Callable[[Any], Any]]] = {
    "lanczos1": (1.0, _lanczos(1.0)),
    "lanczos3": (3.0, _lanczos(3.0)),
    "lanczos5": (5.0, _lanczos(5.0)),
    "gaussian": (1.5, lambda x: np.exp(-2 * x * x)),
    "box": (1.0, lambda x: np.where(x < 0.5, 1.0, np.where(x == 0.5, 0.5, 0.0))),
    "triangle": (1.0, lambda x: 1 - x),
    "keyscubic": (2.0, lambda x: _cubic(x, -0.5)),
    "mitchellcubic": (2.0, _mitchell),
}


def _kernel_taps(source: int, out: int, scale: float, translation: float, kernel_type: str, antialias: bool) -> Taps:
    """The taps of a continuous kernel, widened by the reduction if it is to keep from aliasing."""
    radius, kernel = _KERNELS[kernel_type]
    inverse = np.float32(1) / np.float32(scale)
    widening = max(inverse, np.float32(1)) if antialias else np.float32(1)
    reach = np.float32(radius) * widening
    centre = (np.arange(out, dtype=np.float32) + np.float32(0.5)) * inverse - inverse * np.float32(translation)
    first = np.clip(np.ceil(centre - reach - np.float32(0.5)), 0, source - 1).astype(np.int32)
    last = np.clip(np.floor(centre + reach - np.float32(0.5)), 0, source - 1).astype(np.int32)
    index = first[:, None] + np.arange(max(int((last - first).max()) + 1, 1), dtype=np.int32)
    distance = np.abs(index + np.float32(0.5) - centre[:, None]) / widening
    weight = np.where(distance < radius, kernel(np.minimum(distance, radius)), 0.0)
    outside = (centre < 0) | (centre > source)
    weight = np.where((index > last[:, None]) | outside[:, None], 0.0, weight).astype(np.float32)
    return Taps(np.clip(index, 0, source - 1), _normalised(weight))


def transposed(taps: Taps, source: int) -> Taps:
    """The taps of the gradient: for each source position, the output positions that read it."""
    out, count = taps.sources.shape
    reads = taps.weight.reshape(-1) != 0
    readers = np.repeat(np.arange(out, dtype=np.int32), count)[reads]
    positions, weight = taps.sources.reshape(-1)[reads], taps.weight.reshape(-1)[reads]
    order = np.argsort(positions, kind="stable")
    positions = positions[order]
    starts = np.searchsorted(positions, np.arange(source + 1))
    most = max(int(np.diff(starts).max(initial=0)), 1)
    slot = np.arange(len(positions)) - starts[positions]
    back = Taps(np.zeros((source, most), np.int32), np.zeros((source, most), np.float32))
    back.sources[positions, slot] = readers[order]
    back.weight[positions, slot] = weight[order]
    return back


# -- the meaning -------------------------------------------------------------------------------------------------------


def _along(x: Any, taps: Taps, axis: int) -> Any:
    """An array [batch, height, width, channels] resized along one axis."""
    index, weight = taps
    if index.shape[1] == 1 and (weight == 1).all():
        return np.take(x, index[:, 0], axis)
    shape = [-1 if d == axis else 1 for d in range(x.ndim)]
    factors = (w.astype(x.dtype).reshape(shape) for w in weight.T)
    return functools.reduce(np.add, (np.take(x, i, axis) * w for i, w in zip(index.T, factors, strict=True)))


def _both(x: Any, rows: Taps, columns: Taps) -> Any:
    """Resized along both axes, first the one that leaves fewer elements."""
    shrinks_rows = len(rows.sources) * x.shape[2] <= len(columns.sources) * x.shape[1]
    for axis in (1, 2) if shrinks_rows else (2, 1):
        x = _along(x, rows if axis == 1 else columns, axis)
    return x


def _gathered(x: Any, taps: Taps, axis: int) -> Any:
    """`_along` in terms of other ops."""
    index, weight = taps
    if index.shape[1] > _MOST_TAPS:
        raise Unsupported(f"resizing with {index.shape[1]} taps")
    if index.shape[1] == 1 and (weight == 1).all():
        return F.gather(x, index[:, 0], axis=axis)
    shape = [-1 if d == axis else 1 for d in range(4)]
    dtype = x.dtype.numpy
    factors = [w.astype(dtype).reshape(shape) for w in weight.T]
    return functools.reduce(F.add, [F.gather(x, i, axis=axis) * w for i, w in zip(index.T, factors, strict=True)])


Rule = Callable[..., Taps]


class _Axes:
    """The taps of both axes of one method for sizes and the values of its further inputs."""

    def __init__(self, rule: Rule) -> None:
        self.rule = functools.lru_cache(maxsize=512)(rule)

    def of(self, sources: Any, outs: Any, extras: Any, attrs: dict[str, Any]) -> tuple[Taps, Taps]:
        """(rows, columns); `extras` are vectors with one number per axis."""
        pairs = [tuple(float(e[axis]) for e in extras) for axis in (0, 1)]
        rows, columns = (
            self.rule(int(sources[axis]), int(outs[axis]), *pairs[axis], **attrs) for axis in (0, 1)
        )  # fmt: skip
        return rows, columns


def _computed(x: Any) -> Any:
    return x if x.dtype == np.float32 else x.astype(np.float32)


def _known(*tensors: Any) -> list[Any]:
    found = [static_value(t) for t in tensors]
    if any(v is None for v in found):
        raise Unsupported("resizing to sizes that are computed")
    return found


def _static_size(x: Any) -> tuple[int, int]:
    if x.dims is None or None in x.dims[1:3]:
        raise Unsupported("resizing images of unknown size")
    return x.dims[1], x.dims[2]


def _infer_forward(name: str, keeps_dtype: bool) -> Callable[..., Spec]:
    def infer(images: Spec, size: Spec, *extras: Spec, **attrs: Any) -> Spec:
        check_dtype(name, "images", images.dtype, _INPUTS)
        if images.shape is not None and len(images.shape) != 4:
            raise ValueError(f"{name}: input must be 4-dimensional, received shape {list(images.shape)}")
        if size.shape is not None and size.shape != (2,) and size.shape != (None,):
            raise ValueError(f"{name}: shape_t must be 1-dimensional with 2 elements, received {list(size.shape)}")
        known = size.array
        if known is not None and (known <= 0).any():
            raise InvalidArgumentError(f"{name}: output dimensions must be positive, received {known.tolist()}")
        height, width = dims_of(size) or (None, None)
        batch, channels = (images.shape[0], images.shape[3]) if images.shape is not None else (None, None)
        return Spec((batch, height, width, channels), images.dtype if keeps_dtype else dtypes.float32)

    return infer


def _define(name: str, rule: Rule, keeps_dtype: bool = False) -> Op:
    """Record a method and its gradient: `<name>`(images, size, *extras), `<name>Grad`(g, images, *extras)."""
    axes = _Axes(rule)

    def evaluate(images: Any, size: Any, *extras: Any, **attrs: Any) -> Any:
        if not images.size:
            return np.zeros((len(images), *size, images.shape[3]), images.dtype if keeps_dtype else np.float32)
        return _both(images if keeps_dtype else _computed(images), *axes.of(images.shape[1:3], size, extras, attrs))

    def expand(images: Any, size: Any, *extras: Any, **attrs: Any) -> Any:
        outs, *values = _known(size, *extras)
        rows, columns = axes.of(_static_size(images), outs, values, attrs)
        x = images if keeps_dtype else F.cast(images, dtypes.float32)
        return _gathered(_gathered(x, rows, 1), columns, 2)

    def back(sources: Any, outs: Any, extras: Any, attrs: dict[str, Any]) -> tuple[Taps, Taps]:
        rows, columns = axes.of(sources, outs, extras, attrs)
        return transposed(rows, sources[0]), transposed(columns, sources[1])

    def evaluate_back(g: Any, images: Any, *extras: Any, **attrs: Any) -> Any:
        if not g.size:
            return np.zeros(images.shape, images.dtype)
        wide = g if g.dtype.itemsize >= 4 else _computed(g)
        return _both(wide, *back(images.shape[1:3], g.shape[1:3], extras, attrs)).astype(images.dtype)

    def expand_back(g: Any, images: Any, *extras: Any, **attrs: Any) -> Any:
        rows, columns = back(_static_size(images), _static_size(g), _known(*extras), attrs)
        wide = g if g.dtype.size >= 4 else F.cast(g, dtypes.float32)
        return F.cast(_gathered(_gathered(wide, columns, 2), rows, 1), images.dtype)

    def infer_back(g: Spec, images: Spec, *extras: Spec, **attrs: Any) -> Spec:
        return Spec(images.shape, images.dtype)

    def gradient(node: Any, g: Any) -> Any:
        images, _, *extras = node.inputs
        first = emit_one(gradient_op, (g, images, *extras), node.attrs) if images.dtype in FLOATING else None
        return (first, None, *[None] * len(extras))

    def gradient_back(node: Any, gg: Any) -> Any:
        g, _, *extras = node.inputs
        again = emit_one(op, (gg, F.shape(g)[1:3], *extras), node.attrs)
        return (F.cast(again, g.dtype), None, *[None] * len(extras))

    back_name = name + "Grad"
    gradient_op = register(Op(back_name, Kind.COMPOUND, infer_back, evaluate_back, gradient_back, expand=expand_back))
    op = register(Op(name, Kind.COMPOUND, _infer_forward(name, keeps_dtype), evaluate, gradient, expand=expand))
    return op


BILINEAR = _define("ResizeBilinear", _bilinear)
BICUBIC = _define("ResizeBicubic", _bicubic)
NEAREST = _define("ResizeNearestNeighbor", _nearest, keeps_dtype=True)
AREA = _define("ResizeArea", _area)
SCALE_AND_TRANSLATE = _define("ScaleAndTranslate", _kernel_taps)

# -- functions ---------------------------------------------------------------------------------------------------------


def _resize(op: Op, images: Any, size: Any, align_corners: bool, half_pixel_centers: bool, name: str | None) -> Any:
    if align_corners and half_pixel_centers:
        raise ValueError("If half_pixel_centers is True, align_corners must be False.")
    attrs = {"align_corners": bool(align_corners), "half_pixel_centers": bool(half_pixel_centers)}
    return emit_one(op, (convert(images), int_tensor(size)), attrs, name)


def resize_bilinear(
    images: Any, size: Any, align_corners: bool = False, name: str | None = None, half_pixel_centers: bool = False
) -> Any:
    """Images [batch, height, width, channels] to `size` by linear interpolation of the four nearest pixels, in float32.

    TensorFlow: tf.compat.v1.image.resize_bilinear.
    """
    return _resize(BILINEAR, images, size, align_corners, half_pixel_centers, name)


def resize_bicubic(
    images: Any, size: Any, align_corners: bool = False, name: str | None = None, half_pixel_centers: bool = False
) -> Any:
    """Images [batch, height, width, channels] to `size` by cubic interpolation, in float32.

    TensorFlow: tf.compat.v1.image.resize_bicubic.
    """
    return _resize(BICUBIC, images, size, align_corners, half_pixel_centers, name)


def resize_nearest_neighbor(
    images: Any, size: Any, align_corners: bool = False, name: str | None = None, half_pixel_centers: bool = False
) -> Any:
    """Images [batch, height, width, channels] to `size` by taking the nearest pixel; keeps the dtype.

    TensorFlow: tf.compat.v1.image.resize_nearest_neighbor.
    """
    return _resize(NEAREST, images, size, align_corners, half_pixel_centers, name)


def resize_area(images: Any, size: Any, align_corners: bool = False, name: str | None = None) -> Any:
    """Images [batch, height, width, channels] to `size` by averaging what each new pixel covers, in float32.

    TensorFlow: tf.compat.v1.image.resize_area.
    """
    return emit_one(AREA, (convert(images), int_tensor(size)), {"align_corners": bool(align_corners)}, name)


def scale_and_translate(
    images: Any, size: Any, scale: Any, translation: Any, kernel_type: str = "lanczos3", antialias: bool = True,
    name: str | None = None,
) -> Any:  # fmt: skip
    """Images to `size` where output = source * scale + translation, through a kernel; pixels beyond the source are 0.

    TensorFlow: tf.raw_ops.ScaleAndTranslate.
    """
    if kernel_type not in _KERNELS:
        raise ValueError(f"kernel_type must be one of {sorted(_KERNELS)}, received {kernel_type!r}")
    inputs = (convert(images), int_tensor(size), *(convert(v, dtype=dtypes.float32) for v in (scale, translation)))
    return emit_one(SCALE_AND_TRANSLATE, inputs, {"kernel_type": kernel_type, "antialias": bool(antialias)}, name)


#: Method -> (function without antialiasing, kernel with it).
_METHODS: dict[str, tuple[Callable[..., Any] | None, str | None]] = {
    ResizeMethod.BILINEAR: (functools.partial(resize_bilinear, half_pixel_centers=True), "triangle"),
    ResizeMethod.NEAREST_NEIGHBOR: (functools.partial(resize_nearest_neighbor, half_pixel_centers=True), None),
    ResizeMethod.BICUBIC: (functools.partial(resize_bicubic, half_pixel_centers=True), "keyscubic"),
    ResizeMethod.AREA: (resize_area, None),
    ResizeMethod.LANCZOS3: (None, "lanczos3"),
    ResizeMethod.LANCZOS5: (None, "lanczos5"),
    ResizeMethod.GAUSSIAN: (None, "gaussian"),
    ResizeMethod.MITCHELLCUBIC: (None, "mitchellcubic"),
}


def resize_images(
    images: Any, size: Any, method: str = ResizeMethod.BILINEAR, preserve_aspect_ratio: bool = False,
    antialias: bool = False, name: str | None = None,
) -> Any:  # fmt: skip
    """Images of another size.

    Args:
      images: [batch, height, width, channels] or [height, width, channels].
      size: two ints, the new height and width.
      method: one of `tf.image.ResizeMethod`. Only "nearest" keeps the dtype; the others give float32.
      preserve_aspect_ratio: whether `size` is the largest that may come out, in the proportions of `images`.
      antialias: whether making smaller averages over what is left out (no effect on "nearest" and "area").

    Raises `ValueError` for another rank, another number of sizes, an unknown method.

    >>> tf.image.resize(tf.ones([1, 4, 6, 3]), [2, 3]).shape
    TensorShape([1, 2, 3, 3])

    TensorFlow: tf.image.resize.
    """
    if method not in _METHODS:
        raise ValueError(f"Resize method is not implemented: {method}")
    with F.name_scope(name or "resize"):
        images, batched = as_batch(images, "images")
        size = _checked_size(size)
        if preserve_aspect_ratio:
            size = _within(images, size)
        plain, kernel = _METHODS[method]
        if plain is not None and not (antialias and kernel):
            return from_batch(plain(images, size), batched)
        scale = F.cast(size, dtypes.float32) / F.cast(F.stack(image_size(images)), dtypes.float32)
        return from_batch(scale_and_translate(images, size, scale, [0.0, 0.0], kernel or "", antialias), batched)


def _checked_size(size: Any) -> Any:
    try:
        size = convert(size, dtype=dtypes.int32)
    except (TypeError, ValueError):
        raise ValueError(f"'size' must be a 1-D int32 Tensor, received {size!r}") from None
    if size.dims is not None and size.dims != (2,) and size.dims != (None,):
        raise ValueError(f"'size' must be a 1-D Tensor of 2 elements: new_height, new_width, received {size!r}")
    return size


def _within(images: Any, size: Any) -> Any:
    """The largest size not above `size` in the proportions of the images."""
    current = F.cast(F.stack(image_size(images)), dtypes.float32)
    factor = F.reduce_min(F.cast(size, dtypes.float32) / current)
    return F.cast(F.round(factor * current), dtypes.int32)


def resize_with_pad(
    image: Any, target_height: Any, target_width: Any, method: str = ResizeMethod.BILINEAR, antialias: bool = False
) -> Any:
    """Images made as large as fits the target without distortion, with zeros around.

    >>> tf.image.resize_with_pad(tf.ones([4, 2, 1]), 2, 2)[:, :, 0].numpy().tolist()
    [[1.0, 0.0], [1.0, 0.0]]

    TensorFlow: tf.image.resize_with_pad.
    """
    with F.name_scope("resize_image_with_pad"):
        image, batched = as_batch(image, "image")
        target = [target_height, target_width]
        height, width = (F.cast(v, dtypes.float32) for v in image_size(image))
        limits = [F.cast(v, dtypes.float32) for v in target]
        ratio = F.maximum(width / limits[1], height / limits[0])
        fitted = [height / ratio, width / ratio]
        gaps = [F.cast(F.floor((t - v) / 2), dtypes.int32) for t, v in zip(limits, fitted, strict=True)]
        top, left = (F.maximum(0, gap) for gap in gaps)
        new_size = F.cast(F.floor(F.stack(fitted)), dtypes.int32)
        resized = resize_images(image, new_size, method, antialias=antialias)
        padded = F.pad_to_bounding_box(resized, top, left, target_height, target_width)
        return from_batch(padded, batched)
