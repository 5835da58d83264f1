"""Reading images between their pixels: projective transforms, and boxes cut out and resized.

Both compute a place (y, x) in the source for each pixel of the result and read there; their gradients add up what each
place was given. What says where the places are takes `m`, the module that computes: NumPy, or duoflow's ops (`F`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from duoflow.core import dtypes
from duoflow.core.emit import emit_one
from duoflow.core.errors import InvalidArgumentError, OutOfRangeError
from duoflow.core.late import F
from duoflow.core.record import Kind, Op, register
from duoflow.core.scalar import Unsupported
from duoflow.core.spec import Spec
from duoflow.core.tensor import convert, static_value

from .families import FLOATING, check_dtype
from .image_resize import _INPUTS
from .static import dims_of, int_tensor

__all__ = ["crop_and_resize", "image_projective_transform"]

_SAMPLED = (dtypes.uint8, dtypes.int32, dtypes.int64, *FLOATING)


def _corners(y: Any, x: Any, m: Any = np) -> Iterator[tuple[Any, Any, Any]]:
    """The four pixels around each place: row, column, and weight in the place's value."""
    top, left = m.floor(y), m.floor(x)
    down, right = y - top, x - left
    for dy, dx in ((0, 0), (0, 1), (1, 0), (1, 1)):
        weight = (down if dy else 1 - down) * (right if dx else 1 - right)
        yield top + dy, left + dx, weight


def _trunc(x: Any, m: Any) -> Any:
    """Towards zero."""
    return m.where(x < 0, -m.floor(-x), m.floor(x))


def _round(x: Any, m: Any = np) -> Any:
    """To the nearest, halves away from zero."""
    return _trunc(m.where(x < 0, x - 0.5, x + 0.5), m)


def _within(x: Any, last: Any, m: Any) -> Any:
    """At most `last` and not below zero; NaN stays."""
    return m.where(x < 0, m.zeros_like(x), m.where(x > last, m.zeros_like(x) + last, x))


def _read(images: Any, batch: Any, row: Any, column: Any) -> tuple[Any, Any]:
    """Pixels [n, height, width, channels] at the nearest valid places, and which places were valid [.., 1]."""
    height, width = images.shape[1:3]
    inside = (row >= 0) & (row < height) & (column >= 0) & (column < width)
    rows, columns = (np.where(inside, v, 0).astype(np.int64) for v in (row, column))
    return images[batch[:, None, None], rows, columns], inside[..., None]


def _add(target: Any, batch: Any, row: Any, column: Any, values: Any) -> None:
    """Add values to the pixels at valid places; `_read` transposed."""
    height, width = target.shape[1:3]
    inside = (row >= 0) & (row < height) & (column >= 0) & (column < width)
    where = np.broadcast_to(batch[:, None, None], inside.shape)[inside]
    np.add.at(target, (where, row[inside].astype(np.int64), column[inside].astype(np.int64)), values[inside])


# -- projective transforms ---------------------------------------------------------------------------------------------


def _reflected(x: Any, size: int, m: Any) -> Any:
    """Mirrored at the outer edges of the first and last pixel."""
    if size <= 1:
        return m.zeros_like(x)
    period = float(2 * size)
    below = m.where(x < -period, period * _trunc(-x / period, m) + x, x)
    below = m.where(below < -size, below + period, -below - 1)
    above = x - period * _trunc(x / period, m)
    above = m.where(above >= size, period - above - 1, above)
    return _within(m.where(x < 0, below, m.where(x > size - 1, above, x)), size - 1, m)


def _wrapped(x: Any, size: int, m: Any) -> Any:
    """Repeated in both directions, with one pixel's distance between the copies."""
    if size <= 1:
        return m.zeros_like(x)
    last = float(size - 1)
    below = x + size * (_trunc(-x / last, m) + 1)
    above = x - size * _trunc(x / last, m)
    return _within(m.where(x < 0, below, m.where(x > last, above, x)), last, m)


_FILL_MODES: dict[str, Callable[[Any, int, Any], Any]] = {
    "CONSTANT": lambda x, size, m: x,
    "REFLECT": _reflected,
    "WRAP": _wrapped,
    "NEAREST": lambda x, size, m: _within(x, size - 1, m),
}


def _projected(transforms: Any, out: Any, source: Any, fill_mode: str, m: Any = np) -> tuple[Any, Any]:
    """The place in the source of each pixel of the result, [transforms, height, width] each; NaN for none."""
    y, x = (np.arange(n, dtype=np.float32).reshape(shape) for n, shape in zip(out, ((-1, 1), (1, -1)), strict=True))
    t = m.reshape(transforms, (-1, 8, 1, 1))
    divisor = t[:, 6] * x + t[:, 7] * y + 1
    divisor = m.where(divisor == 0, np.float32(np.nan), divisor)
    px = (t[:, 0] * x + t[:, 1] * y + t[:, 2]) / divisor
    py = (t[:, 3] * x + t[:, 4] * y + t[:, 5]) / divisor
    mapped = _FILL_MODES[fill_mode]
    return mapped(py, source[0], m), mapped(px, source[1], m)


def _touched(y: Any, x: Any, interpolation: str, m: Any = np) -> Any:
    return _corners(y, x, m) if interpolation == "BILINEAR" else [(_round(y, m), _round(x, m), np.float32(1))]


def _static(images: Any, g: Any) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """The shape of the images, and the height and width of the result."""
    if images.dims is None or None in images.dims or g is None or None in g:
        raise Unsupported("transforming images of unknown size")
    return images.dims, g


def _flat_places(shape: tuple[int, ...], row: Any, column: Any) -> tuple[Any, Any]:
    """The pixel's number among those of all images [n, height, width], and whether it is one [.., 1]."""
    count, height, width, _ = shape
    inside = (row >= 0) & (row < height) & (column >= 0) & (column < width)
    rows, columns = (F.cast(F.where(inside, v, F.zeros_like(v)), dtypes.int32) for v in (row, column))
    first = np.arange(count, dtype=np.int32).reshape(-1, 1, 1) * np.int32(height * width)
    flat = rows * width + columns + first
    return flat, F.logical_and(inside, np.ones((count, 1, 1), bool))


def _expand_projective(
    images: Any, transforms: Any, size: Any, fill: Any, *, interpolation: str, fill_mode: str
) -> Any:
    shape, out = _static(images, static_value(size))
    y, x = _projected(transforms, out, shape[1:3], fill_mode, F)
    wide = images if interpolation == "NEAREST" or images.dtype is dtypes.float64 else F.cast(images, dtypes.float32)
    pixels = F.reshape(wide, (-1, shape[3]))
    total: Any = 0
    for row, column, weight in _touched(y, x, interpolation, F):
        flat, inside = _flat_places(shape, row, column)
        part = F.where(inside[..., None], F.gather(pixels, flat), F.cast(fill, wide.dtype))
        total = part if interpolation == "NEAREST" else total + part * F.cast(weight[..., None], wide.dtype)
    nowhere = F.is_nan(y)[..., None]
    return F.where(nowhere, F.cast(fill, images.dtype), F.cast(total, images.dtype))


def _expand_projective_back(g: Any, images: Any, transforms: Any, *, interpolation: str, fill_mode: str) -> Any:
    shape, out = _static(images, g.dims[1:3] if g.dims else None)
    y, x = _projected(transforms, out, shape[1:3], fill_mode, F)
    wide = g if g.dtype is dtypes.float64 else F.cast(g, dtypes.float32)
    count, total = shape[0] * shape[1] * shape[2], 0
    for row, column, weight in _touched(y, x, interpolation, F):
        flat, inside = _flat_places(shape, row, column)
        given = F.reshape(wide * F.cast(weight, wide.dtype)[..., None], (-1, shape[3]))
        where = F.reshape(F.where(inside, flat, -1), (-1,))
        total = total + F.unsorted_segment_sum(given, where, count)
    return F.cast(F.reshape(total, shape), images.dtype)


def _wide(dtype: Any) -> Any:
    return np.float64 if dtype == np.float64 else np.float32


def _infer_projective(images: Spec, transforms: Spec, size: Spec, fill: Spec, **attrs: Any) -> Spec:
    check_dtype("ImageProjectiveTransformV3", "images", images.dtype, _SAMPLED)
    if images.shape is not None and len(images.shape) != 4:
        raise ValueError(f"images must be [batch, height, width, channels], received {list(images.shape)}")
    if transforms.shape is not None and (len(transforms.shape) != 2 or transforms.shape[1] not in (8, None)):
        raise ValueError(f"transforms must be [batch or 1, 8], received {list(transforms.shape)}")
    batch, channels = (None, None) if images.shape is None else (images.shape[0], images.shape[3])
    count = None if transforms.shape is None else transforms.shape[0]
    if batch is not None and count is not None and count not in (1, batch):
        raise ValueError(f"There must be one transform, or one for each of the {batch} images; received {count}.")
    height, width = dims_of(size) or (None, None)
    return Spec((batch, height, width, channels), images.dtype)


def _projective(images: Any, transforms: Any, size: Any, fill: Any, *, interpolation: str, fill_mode: str) -> Any:
    y, x = _projected(transforms, size, images.shape[1:3], fill_mode)
    batch = np.arange(len(images))
    wide = images if interpolation == "NEAREST" else images.astype(_wide(images.dtype))
    total: Any = 0
    for row, column, weight in _touched(y, x, interpolation):
        pixels, inside = _read(wide, batch, *(np.broadcast_to(v, (len(images), *v.shape[1:])) for v in (row, column)))
        part = np.where(inside, pixels, fill.astype(wide.dtype))
        total = part if interpolation == "NEAREST" else total + part * weight[..., None].astype(wide.dtype)
    nowhere = np.isnan(y)[..., None]
    return np.where(nowhere, fill.astype(images.dtype), total).astype(images.dtype)


def _projective_back(g: Any, images: Any, transforms: Any, *, interpolation: str, fill_mode: str) -> Any:
    y, x = _projected(transforms, g.shape[1:3], images.shape[1:3], fill_mode)
    batch = np.arange(len(images))
    total = np.zeros(images.shape, _wide(g.dtype))
    for row, column, weight in _touched(y, x, interpolation):
        row, column = (np.broadcast_to(v, (len(images), *v.shape[1:])) for v in (row, column))
        _add(total, batch, row, column, g.astype(total.dtype) * np.asarray(weight)[..., None].astype(total.dtype))
    return total.astype(images.dtype)


def _projective_gradient(node: Any, g: Any) -> tuple[Any, ...]:
    images, transforms, _, _ = node.inputs
    if images.dtype not in FLOATING:
        return None, None, None, None
    return emit_one(PROJECTIVE_GRAD, (g, images, transforms), node.attrs), None, None, None


def _projective_second(node: Any, gg: Any) -> tuple[Any, ...]:
    g, _, transforms = node.inputs
    zero = F.constant(0.0, dtypes.float32)
    return emit_one(PROJECTIVE, (gg, transforms, F.shape(g)[1:3], zero), node.attrs), None, None


PROJECTIVE = register(
    Op(
        "ImageProjectiveTransformV3",
        Kind.COMPOUND,
        _infer_projective,
        _projective,
        _projective_gradient,
        expand=_expand_projective,
    )
)
PROJECTIVE_GRAD = register(
    Op(
        "ImageProjectiveTransformV3Grad",
        Kind.COMPOUND,
        lambda g, images, transforms, **attrs: Spec(images.shape, images.dtype),
        _projective_back,
        _projective_second,
        expand=_expand_projective_back,
    )
)


def image_projective_transform(
    images: Any, transforms: Any, output_shape: Any = None, fill_value: Any = 0.0, interpolation: str = "NEAREST",
    fill_mode: str = "CONSTANT", name: str | None = None,
) -> Any:  # fmt: skip
    """Images read at places that a projective transform gives.

    Args:
      images: [batch, height, width, channels].
      transforms: [batch or 1, 8] rows a0..a2, b0..b2, c0, c1: the pixel (x, y) of the result is read at
        ((a0 x + a1 y + a2) / k, (b0 x + b1 y + b2) / k), where k = c0 x + c1 y + 1.
      output_shape: two ints; the images' own by default. fill_value: for what lies outside, with "CONSTANT".
      interpolation: "NEAREST" or "BILINEAR". fill_mode: "CONSTANT", "REFLECT", "WRAP" or "NEAREST".

    TensorFlow: tf.raw_ops.ImageProjectiveTransformV3.
    """
    interpolation, fill_mode = interpolation.upper(), fill_mode.upper()
    if interpolation not in ("NEAREST", "BILINEAR"):
        raise ValueError(f"interpolation must be 'NEAREST' or 'BILINEAR', received {interpolation!r}")
    if fill_mode not in _FILL_MODES:
        raise ValueError(f"fill_mode must be one of {list(_FILL_MODES)}, received {fill_mode!r}")
    images = convert(images)
    size = F.shape(images)[1:3] if output_shape is None else int_tensor(output_shape)
    inputs = (images, convert(transforms, dtype=dtypes.float32), size, convert(fill_value, dtype=dtypes.float32))
    return emit_one(PROJECTIVE, inputs, {"interpolation": interpolation, "fill_mode": fill_mode}, name)


# -- boxes cut out and resized -----------------------------------------------------------------------------------------


def _box_places(boxes: Any, size: Any, source: Any) -> Iterator[Any]:
    """For height and width: the places [boxes, size] in pixels, in float32."""
    for d in (0, 1):
        first, last = boxes[:, d : d + 1].astype(np.float32), boxes[:, d + 2 : d + 3].astype(np.float32)
        reach = np.float32(source[d] - 1)
        if size[d] > 1:
            step = (last - first) * reach / np.float32(size[d] - 1)
            yield first * reach + np.arange(size[d], dtype=np.float32) * step
        else:
            yield np.float32(0.5) * (first + last) * reach


def _box_grid(boxes: Any, size: Any, source: Any) -> tuple[Any, Any, Any]:
    """(y, x, whether inside), [boxes, height, width] each."""
    y, x = _box_places(boxes, size, source)
    y, x = np.broadcast_arrays(y[:, :, None], x[:, None, :])
    inside = (y >= 0) & (y <= source[0] - 1) & (x >= 0) & (x <= source[1] - 1)
    return np.where(inside, y, 0), np.where(inside, x, 0), inside


def _infer_boxes(images: Spec, boxes: Spec, box_indices: Spec, size: Spec, **attrs: Any) -> Spec:
    check_dtype("CropAndResize", "image", images.dtype, _INPUTS)
    if images.shape is not None and len(images.shape) != 4:
        raise ValueError(f"input image must be 4-D, received shape {list(images.shape)}")
    if boxes.shape is not None and (len(boxes.shape) != 2 or boxes.shape[1] not in (4, None)):
        raise ValueError(f"boxes must be [boxes, 4], received shape {list(boxes.shape)}")
    if box_indices.shape is not None and len(box_indices.shape) != 1:
        raise ValueError(f"box_indices must be [boxes], received shape {list(box_indices.shape)}")
    sizes = dims_of(size) or (None, None)
    if any(n is not None and n <= 0 for n in sizes) or (size.array is not None and (size.array <= 0).any()):
        raise InvalidArgumentError(f"crop dimensions must be positive, received {list(sizes)}")
    count = None if boxes.shape is None else boxes.shape[0]
    return Spec((count, *sizes, None if images.shape is None else images.shape[3]), dtypes.float32)


def _check_boxes(indices: Any, batch: int) -> None:
    if indices.size and (indices.min() < 0 or indices.max() >= batch):
        raise OutOfRangeError(f"box_index has values outside [0, batch_size): {indices.tolist()} of {batch} images")


def _crop(images: Any, boxes: Any, indices: Any, size: Any, *, method: str, extrapolation: float) -> Any:
    _check_boxes(indices, len(images))
    y, x, inside = _box_grid(boxes, size, images.shape[1:3])
    places = _corners(y, x) if method == "bilinear" else [(_round(y), _round(x), np.ones_like(y))]
    total = np.zeros((*y.shape, images.shape[3]), np.float32)
    for row, column, weight in places:
        pixels, valid = _read(images, indices, row, column)
        total += np.where(valid, pixels.astype(np.float32), np.float32(0)) * weight[..., None]
    return np.where(inside[..., None], total, np.float32(extrapolation))


def _crop_back(g: Any, images: Any, boxes: Any, indices: Any, *, method: str, extrapolation: float) -> Any:
    y, x, inside = _box_grid(boxes, g.shape[1:3], images.shape[1:3])
    places = _corners(y, x) if method == "bilinear" else [(_round(y), _round(x), np.ones_like(y))]
    total = np.zeros(images.shape, np.float32)
    for row, column, weight in places:
        _add(total, indices, row, column, g * (weight * inside)[..., None])
    return total.astype(images.dtype)


def _crop_boxes_back(g: Any, images: Any, boxes: Any, indices: Any) -> Any:
    """The gradient for the boxes, through linear interpolation whatever the method was."""
    size, source = g.shape[1:3], images.shape[1:3]
    y, x, inside = _box_grid(boxes, size, source)
    top, left = np.floor(y), np.floor(x)
    down, right = (y - top)[..., None], (x - left)[..., None]
    pixels = []
    for row, column in ((top, left), (top, np.ceil(x)), (np.ceil(y), left), (np.ceil(y), np.ceil(x))):
        pixels.append(_read(images, indices, row, column)[0].astype(np.float32))
    tl, tr, bl, br = pixels
    slopes = ((1 - right) * (bl - tl) + right * (br - tr), (1 - down) * (tr - tl) + down * (br - bl))
    out = np.zeros(boxes.shape, np.float32)
    for d, slope in enumerate(slopes):
        along = (g * slope).sum(-1) * inside
        reach = np.float32(source[d] - 1)
        if size[d] > 1:
            ratio = reach / np.float32(size[d] - 1)
            part = np.arange(size[d], dtype=np.float32).reshape((-1, 1) if d == 0 else (1, -1)) * ratio
            shares: tuple[Any, Any] = (reach - part, part)
        else:
            shares = (np.float32(0.5) * reach, np.float32(0.5) * reach)
        for end, share in enumerate(shares):
            out[:, d + 2 * end] = (along * share).sum((1, 2))
    return out


def _crop_gradient(node: Any, g: Any) -> tuple[Any, ...]:
    images, boxes, indices, _ = node.inputs
    floating = images.dtype in FLOATING
    back = emit_one(CROP_GRAD_IMAGE, (g, images, boxes, indices), node.attrs) if floating else None
    return back, emit_one(CROP_GRAD_BOXES, (g, images, boxes, indices)), None, None


def _crop_second(node: Any, gg: Any) -> tuple[Any, ...]:
    g, _, boxes, indices = node.inputs
    return emit_one(CROP, (gg, boxes, indices, F.shape(g)[1:3]), {**node.attrs, "extrapolation": 0.0}), None, None, None


CROP = register(Op("CropAndResize", Kind.HOST, _infer_boxes, _crop, _crop_gradient))
CROP_GRAD_IMAGE = register(
    Op(
        "CropAndResizeGradImage",
        Kind.HOST,
        lambda g, images, boxes, indices, **attrs: Spec(images.shape, images.dtype),
        _crop_back,
        _crop_second,
    )
)
CROP_GRAD_BOXES = register(
    Op(
        "CropAndResizeGradBoxes",
        Kind.HOST,
        lambda g, images, boxes, indices: Spec(boxes.shape, dtypes.float32),
        _crop_boxes_back,
        differentiable=False,
    )
)


def crop_and_resize(
    image: Any, boxes: Any, box_indices: Any, crop_size: Any, method: str = "bilinear",
    extrapolation_value: float = 0.0, name: str | None = None,
) -> Any:  # fmt: skip
    """Boxes cut out of images and brought to one size, in float32.

    Args:
      image: [batch, height, width, channels].
      boxes: [boxes, 4] rows (y1, x1, y2, x2) where 0 and 1 are the centres of the first and last pixel; y1 > y2 turns
        the box upside down.
      box_indices: [boxes], the image of each box. crop_size: two ints.
      method: "bilinear" or "nearest". extrapolation_value: for what lies outside the image.

    >>> image = tf.reshape(tf.range(9.0), [1, 3, 3, 1])
    >>> tf.image.crop_and_resize(image, [[0.0, 0.0, 0.5, 0.5]], [0], [2, 2])[0, :, :, 0].numpy().tolist()
    [[0.0, 1.0], [3.0, 4.0]]

    TensorFlow: tf.image.crop_and_resize.
    """
    if method not in ("bilinear", "nearest"):
        raise ValueError(f"method must be 'bilinear' or 'nearest', received {method!r}")
    inputs = (convert(image), convert(boxes, dtype=dtypes.float32), int_tensor(box_indices), int_tensor(crop_size))
    return emit_one(CROP, inputs, {"method": method, "extrapolation": float(extrapolation_value)}, name)
