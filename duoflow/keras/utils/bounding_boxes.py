"""keras.utils.bounding_boxes: boxes of shape [boxes, 4] or [batch, boxes, 4] between formats, moved, and compared.

A format's name says the order of its coordinates ("xy" or "yx") and what the last two numbers are: the opposite corner,
or the size, of a box that is placed by its first corner or its center. "rel_" in front: as shares of the image's size.
"""

from __future__ import annotations

import math
from typing import Any

from duoflow import ops as tf
from duoflow.core.tensor import convert

from ..preferences import epsilon

__all__ = [
    "affine_transform", "clip_to_image_size", "compute_ciou", "compute_iou", "convert_format", "crop",
    "decode_deltas_to_boxes", "encode_box_to_deltas", "pad",
]  # fmt: skip

#: Without "rel_": whether x comes first, and how the two pairs of numbers say where a box is.
_LAYOUTS = {
    "xyxy": (True, "corners"), "yxyx": (False, "corners"), "xywh": (True, "size"), "center_xywh": (True, "center"),
    "center_yxhw": (False, "center"),
}  # fmt: skip
_FORMATS = (*_LAYOUTS, "rel_xyxy", "rel_yxyx", "rel_xywh", "rel_center_xywh")


def convert_format(
    boxes: Any, source: str, target: str, height: Any = None, width: Any = None, dtype: Any = "float32"
) -> Any:
    """Boxes of one format in another.

    Args:
      boxes: of shape [..., 4], or a dict that has them as "boxes".
      source, target: of "xyxy", "yxyx", "xywh", "center_xywh", "center_yxhw", "rel_xyxy", "rel_yxyx", "rel_xywh" and
        "rel_center_xywh". height, width: of the image, for relative formats. dtype: of the result.

    Raises `ValueError` for other formats and shapes, and relative formats without a size.

    >>> tf.keras.utils.bounding_boxes.convert_format([[10, 20, 30, 50]], "xyxy", "xywh").numpy()
    array([[10., 20., 20., 30.]], dtype=float32)

    Keras: keras.utils.bounding_boxes.convert_format.
    """
    if isinstance(boxes, dict):
        return {**boxes, "boxes": convert_format(boxes["boxes"], source, target, height, width, dtype)}
    boxes, source, target = convert(boxes), source.lower(), target.lower()
    if boxes.shape[-1] != 4:
        raise ValueError(f"`boxes` must have a last dimension of 4. Received: boxes.shape={boxes.shape}")
    if source not in _FORMATS or target not in _FORMATS:
        raise ValueError(f"Invalid source or target format: {source}, {target}. Supported formats: {_FORMATS}")
    was_relative, becomes_relative = source.startswith("rel_"), target.startswith("rel_")
    if (was_relative or becomes_relative) and (height is None or width is None):
        raise ValueError(
            "convert_format() needs `height` and `width` for relative formats. "
            f"Received: source={source}, target={target}, height={height}, width={width}"
        )
    boxes = tf.cast(boxes, dtype)
    if source == target:
        return boxes
    first, last = _corners(boxes, source.removeprefix("rel_"))
    if was_relative != becomes_relative:
        size = tf.stack([tf.cast(width, dtype), tf.cast(height, dtype)])
        first, last = (first / size, last / size) if becomes_relative else (first * size, last * size)
    return _from_corners(first, last, target.removeprefix("rel_"))


def _corners(boxes: Any, layout: str) -> tuple[Any, Any]:
    """The (x, y) of both corners."""
    x_first, kind = _LAYOUTS[layout]
    first, last = boxes[..., :2], boxes[..., 2:]
    if not x_first:
        first, last = tf.reverse(first, [-1]), tf.reverse(last, [-1])
    if kind == "size":
        return first, first + last
    return (first - last / 2.0, first + last / 2.0) if kind == "center" else (first, last)


def _from_corners(first: Any, last: Any, layout: str) -> Any:
    x_first, kind = _LAYOUTS[layout]
    if kind != "corners":
        size = last - first
        first, last = (first + size / 2.0 if kind == "center" else first), size
    if not x_first:
        first, last = tf.reverse(first, [-1]), tf.reverse(last, [-1])
    return tf.concat([first, last], -1)


def _only(allowed: tuple[str, ...], received: str) -> None:
    if received not in allowed:
        raise NotImplementedError(
            f"Boxes of the format {received!r} are not supported here; use `convert_format` to {' or '.join(allowed)}."
        )


def _clipped(boxes: Any, height: Any, width: Any) -> Any:
    """Corners within [0, width] and [0, height]."""
    sides = tf.stack([tf.cast(side, boxes.dtype) for side in (width, height, width, height)])
    return tf.minimum(tf.maximum(boxes, tf.zeros_like(sides)), sides)


def clip_to_image_size(
    bounding_boxes: dict[str, Any], height: Any = None, width: Any = None, bounding_box_format: str = "xyxy"
) -> dict[str, Any]:
    """{"boxes", "labels"} with boxes cut at the image's edges, and -1 for labels of those of which nothing is left.

    Raises `ValueError` without the size, `NotImplementedError` for formats but "xyxy" and "rel_xyxy".

    Keras: keras.utils.bounding_boxes.clip_to_image_size.
    """
    _only(("xyxy", "rel_xyxy"), bounding_box_format)
    if bounding_box_format == "rel_xyxy":
        height = width = 1
    if height is None or width is None:
        raise ValueError("`height` and `width` must be set if `format='xyxy'`.")
    boxes = _clipped(convert(bounding_boxes["boxes"]), height, width)
    if bounding_boxes.get("labels") is None:
        return {**bounding_boxes, "boxes": boxes}
    labels = convert(bounding_boxes["labels"])
    left = tf.reduce_prod(boxes[..., 2:] - boxes[..., :2], -1) > 0
    return {**bounding_boxes, "boxes": boxes, "labels": tf.where(left, labels, tf.cast(-1, labels.dtype))}


def crop(boxes: Any, top: Any, left: Any, height: Any, width: Any, bounding_box_format: str = "xyxy") -> Any:
    """Boxes as they are in a part of the image, and cut at its edges. Keras: keras.utils.bounding_boxes.crop."""
    return _clipped(pad(boxes, -top, -left, bounding_box_format=bounding_box_format), height, width)


def pad(
    boxes: Any, top: Any, left: Any, height: Any = None, width: Any = None, bounding_box_format: str = "xyxy"
) -> Any:
    """Boxes as they are in an image with rows and columns put in front; `height` and `width` do not matter.

    Keras: keras.utils.bounding_boxes.pad.
    """
    _only(("xyxy",), bounding_box_format)
    boxes = convert(boxes)
    return boxes + tf.stack([tf.cast(offset, boxes.dtype) for offset in (left, top, left, top)])


def affine_transform(
    boxes: Any, angle: Any, translate_x: Any, translate_y: Any, scale: Any, shear_x: Any, shear_y: Any, height: Any,
    width: Any, center_x: Any = None, center_y: Any = None, bounding_box_format: str = "xyxy",
) -> Any:  # fmt: skip
    """The boxes around boxes of shape [batch, boxes, 4] that were turned, moved, scaled and sheared.

    Args:
      angle, shear_x, shear_y: degrees, [batch]. translate_x, translate_y: shares of the image's size, [batch].
      scale: [batch]. center_x, center_y: of the turn, shares of the image's size; the middle by default.

    Keras: keras.utils.bounding_boxes.affine_transform.
    """
    _only(("xyxy",), bounding_box_format)
    angle = convert(angle)
    dtype, size = angle.dtype, tf.cast(tf.stack([width, height]), angle.dtype) - 1
    turn, along_x, along_y = (-tf.cast(degrees, dtype) * (math.pi / 180) for degrees in (angle, shear_x, shear_y))
    a = tf.cos(turn - along_y) / tf.cos(along_y)
    b = a * tf.tan(along_x) + tf.sin(turn)
    c = -tf.sin(turn - along_y) / tf.cos(along_y)
    d = tf.cos(turn) - c * tf.tan(along_x)
    matrix = tf.stack([tf.stack([d, -b], -1), tf.stack([-c, a], -1)], -2) * tf.cast(scale, dtype)[..., None, None]
    center = tf.cast(tf.stack([0.5 if at is None else at for at in (center_x, center_y)]), dtype) * size
    moved = tf.cast(tf.stack([convert(translate_x), convert(translate_y)], -1), dtype) * size
    x1, y1, x2, y2 = tf.unstack(tf.cast(boxes, dtype), axis=-1)
    points = tf.stack([tf.stack(point, -1) for point in ((x1, y1), (x2, y1), (x2, y2), (x1, y2))], -2)
    around = points - (center - moved)[:, None, None]
    points = tf.reduce_sum(matrix[:, None, None] * around[..., None, :], -1) + center
    return tf.concat([tf.reduce_min(points, -2), tf.reduce_max(points, -2)], -1)


def _image_size(image_shape: Any) -> tuple[Any, Any]:
    return (None, None) if image_shape is None else (image_shape[0], image_shape[1])


def _needs_image(bounding_box_format: str, image_shape: Any) -> None:
    if bounding_box_format.startswith("rel") and image_shape is None:
        raise ValueError(
            "When using relative bounding box formats (e.g. `rel_yxyx`) the `image_shape` argument must be provided. "
            f"Received: image_shape={image_shape}"
        )


def compute_iou(
    boxes1: Any, boxes2: Any, bounding_box_format: str, use_masking: bool = False, mask_val: float = -1,
    image_shape: Any = None,
) -> Any:  # fmt: skip
    """Intersection over union of every pair: [M, 4] and [N, 4] (either with a batch in front) give [M, N].

    Args:
      use_masking: give `mask_val` for boxes whose numbers are all negative. image_shape: (height, width, channels), for
        relative formats.

    >>> tf.keras.utils.bounding_boxes.compute_iou([[0., 0., 2., 2.]], [[1., 0., 3., 2.]], "xyxy").numpy()
    array([[0.3333333]], dtype=float32)

    Keras: keras.utils.bounding_boxes.compute_iou.
    """
    ranks = [len(convert(boxes).shape) for boxes in (boxes1, boxes2)]
    if not set(ranks) <= {2, 3}:
        raise ValueError(f"compute_iou() expects boxes of 2 or 3 dimensions. Received: {ranks[0]} and {ranks[1]}")
    _needs_image(bounding_box_format, image_shape)
    size = _image_size(image_shape)
    one = convert_format(boxes1, bounding_box_format, "xyxy", *size)[..., :, None, :]
    two = convert_format(boxes2, bounding_box_format, "xyxy", *size)[..., None, :, :]
    shared = _area(tf.maximum(one[..., :2], two[..., :2]), tf.minimum(one[..., 2:], two[..., 2:]), floor=True)
    union = _area(one[..., :2], one[..., 2:]) + _area(two[..., :2], two[..., 2:]) - shared
    overlap = shared / (union + epsilon())
    if not use_masking:
        return overlap
    absent = tf.logical_or(tf.reduce_max(one, -1) < 0, tf.reduce_max(two, -1) < 0)
    return tf.where(absent, tf.cast(mask_val, overlap.dtype), overlap)


def _area(first: Any, last: Any, floor: bool = False) -> Any:
    sides = last - first
    return tf.reduce_prod(tf.maximum(sides, tf.zeros_like(sides)) if floor else sides, -1)


def compute_ciou(boxes1: Any, boxes2: Any, bounding_box_format: str, image_shape: Any = None) -> Any:
    """Intersection over union of boxes [..., 4] one by one, less what their centers and proportions are apart.

    Keras: keras.utils.bounding_boxes.compute_ciou. Source: "Distance-IoU Loss" (Zheng et al., 2020).
    """
    _needs_image(bounding_box_format, image_shape)
    size = _image_size(image_shape)
    one = convert_format(boxes1, bounding_box_format, "xyxy", *size)
    two = convert_format(boxes2, bounding_box_format, "xyxy", *size)
    a1, b1, a2, b2 = one[..., :2], one[..., 2:], two[..., :2], two[..., 2:]
    flat = tf.cast(tf.stack([0.0, epsilon()]), one.dtype)
    sides1, sides2 = b1 - a1 + flat, b2 - a2 + flat
    shared = _area(tf.maximum(a1, a2), tf.minimum(b1, b2), floor=True)
    union = tf.reduce_prod(sides1, -1) + tf.reduce_prod(sides2, -1) - shared + epsilon()
    overlap = shared / (union + epsilon())
    diagonal = tf.reduce_sum(tf.square(tf.maximum(b1, b2) - tf.minimum(a1, a2)), -1) + epsilon()
    apart = tf.reduce_sum(tf.square((a1 + b1) / 2 - (a2 + b2) / 2), -1)
    angles = [tf.atan(sides[..., 0] / sides[..., 1]) for sides in (sides1, sides2)]
    proportion = (4 / math.pi**2) * tf.square(angles[1] - angles[0])
    weight = proportion / (proportion - overlap + (1 + epsilon()))
    return overlap - (apart / diagonal + proportion * weight)


def _checked_variance(variance: Any) -> Any:
    if variance is None:
        return None
    variance = tf.cast(variance, "float32")
    if variance.shape[-1] != 4:
        raise ValueError(f"`variance` must be length 4, got {variance}")
    return variance


def _check_encoding(argument: str, encoding: str) -> None:
    if encoding not in ("center_xywh", "center_yxhw"):
        raise ValueError(f"`{argument}` should be one of 'center_xywh' or 'center_yxhw', got {encoding}")


def encode_box_to_deltas(
    anchors: Any, boxes: Any, anchor_format: str, box_format: str, encoding_format: str = "center_yxhw",
    variance: Any = None, image_shape: Any = None,
) -> Any:  # fmt: skip
    """How boxes differ from anchors: centers in anchors' sizes, and logarithms of the ratios of sizes.

    Args:
      anchors: [N, 4]. boxes: [N, 4] or [batch, N, 4]. variance: four numbers that the differences are divided by.

    Keras: keras.utils.bounding_boxes.encode_box_to_deltas.
    """
    variance = _checked_variance(variance)
    _check_encoding("encoding_format", encoding_format)
    size = _image_size(image_shape)
    anchors = convert_format(anchors, anchor_format, encoding_format, *size)
    boxes = convert_format(boxes, box_format, encoding_format, *size)
    sides, wanted = (tf.maximum(x[..., 2:], tf.cast(epsilon(), x.dtype)) for x in (anchors, boxes))
    centers = (boxes[..., :2] - anchors[..., :2]) / sides
    deltas = tf.concat([centers, tf.log(wanted / sides)], -1)
    return deltas if variance is None else deltas / variance


def decode_deltas_to_boxes(
    anchors: Any, boxes_delta: Any, anchor_format: str, box_format: str, encoded_format: str = "center_yxhw",
    variance: Any = None, image_shape: Any = None,
) -> Any:  # fmt: skip
    """The boxes that `encode_box_to_deltas` encoded; of dicts by level, a dict.

    Keras: keras.utils.bounding_boxes.decode_deltas_to_boxes.
    """
    variance = _checked_variance(variance)
    _check_encoding("encoded_format", encoded_format)
    size = _image_size(image_shape)

    def decoded(anchors: Any, deltas: Any) -> Any:
        anchors = convert_format(anchors, anchor_format, encoded_format, *size)
        deltas = convert(deltas) if variance is None else convert(deltas) * variance
        sides = anchors[..., 2:]
        boxes = tf.concat([deltas[..., :2] * sides + anchors[..., :2], tf.exp(deltas[..., 2:]) * sides], -1)
        return convert_format(boxes, encoded_format, box_format, *size)

    if isinstance(anchors, dict) and isinstance(boxes_delta, dict):
        return {level: decoded(anchors[level], deltas) for level, deltas in boxes_delta.items()}
    return decoded(anchors, boxes_delta)
