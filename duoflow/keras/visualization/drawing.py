"""Boxes with their names, and masks of classes, drawn on batches of images."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..preferences import standardize_data_format
from ..utils.bounding_boxes import convert_format

__all__ = ["batch_of_images", "draw_bounding_boxes", "draw_segmentation_masks"]


def batch_of_images(images: Any, data_format: str | None = None) -> np.ndarray[Any, Any]:
    """An array [batch, height, width, channels]; `ValueError` for other ranks."""
    images = np.asarray(images)
    if images.ndim != 4:
        raise ValueError(f"`images` must be batched 4D tensor. Received: images.shape={images.shape}")
    first = standardize_data_format(data_format) == "channels_first"
    return images.transpose(0, 2, 3, 1) if first else images


def draw_bounding_boxes(
    images: Any, bounding_boxes: dict[str, Any], bounding_box_format: str, class_mapping: Any = None,
    color: Any = (128, 128, 128), line_thickness: int = 2, text_thickness: int = 1, font_scale: float = 1.0,
    data_format: str | None = None,
) -> np.ndarray[Any, Any]:  # fmt: skip
    """Images as uint8, of the same shape, with boxes drawn on them; needs OpenCV.

    Args:
      images: [batch, height, width, channels]; floats up to 1, or up to 255.
      bounding_boxes: {"boxes": [batch, boxes, 4], "labels": [batch, boxes]}, and "confidences" if there are any; boxes
        of label -1 are left out.
      bounding_box_format: as in `keras.utils.bounding_boxes.convert_format`. class_mapping: labels to names, which are
        written beside the boxes. color: RGB.

    Raises `ImportError` without OpenCV, `ValueError` and `TypeError` for other images and boxes.

    Keras: keras.visualization.draw_bounding_boxes.
    """
    try:
        import cv2
    except ImportError:
        raise ImportError(
            "The `draw_bounding_boxes` function requires the `cv2` package (OpenCV). Please install it with `pip "
            "install opencv-python`."
        ) from None
    pixels = batch_of_images(images, data_format)
    if not isinstance(bounding_boxes, dict):
        raise TypeError(
            f"`bounding_boxes` should be a dict. Received: bounding_boxes={bounding_boxes} of type "
            f"{type(bounding_boxes)}"
        )
    if "boxes" not in bounding_boxes or "labels" not in bounding_boxes:
        raise ValueError(
            "`bounding_boxes` should be a dict containing 'boxes' and 'labels' keys. Received: "
            f"bounding_boxes={bounding_boxes}"
        )
    corners = convert_format(bounding_boxes["boxes"], bounding_box_format, "xyxy", *pixels.shape[1:3])
    labels = np.asarray(bounding_boxes["labels"]).astype("int32")
    confidences = bounding_boxes.get("confidences")
    drawn = np.array(_as_bytes(pixels), order="C")
    for i, (image, places) in enumerate(zip(drawn, np.asarray(corners).astype("int32").tolist(), strict=True)):
        for j, (x1, y1, x2, y2) in enumerate(places):
            label = int(labels[i, j])
            if label == -1:
                continue
            cv2.rectangle(image, (x1, y1), (x2, y2), color, line_thickness)
            if label in (class_mapping or {}):
                text = str(class_mapping[label])
                if confidences is not None:
                    text = f"{text} | {float(np.asarray(confidences)[i, j]):.2f}"
                thickness = text_thickness or line_thickness
                at = _text_place(x1, y1, font_scale, thickness)
                cv2.putText(image, text, at, cv2.FONT_HERSHEY_SIMPLEX, font_scale, color, thickness)
    return drawn.transpose(0, 3, 1, 2) if standardize_data_format(data_format) == "channels_first" else drawn


def _as_bytes(images: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    """Values of 0 to 255; floats that are all at most 1 are shares of it."""
    if images.dtype.kind == "f" and images.size:
        images = np.clip(images, 0, 1) * 255 if images.max() <= 1.0 else np.clip(images, 0, 255)
    return images.astype("uint8")


def _text_place(x: int, y: int, font_scale: float, thickness: int) -> tuple[int, int]:
    """Above a box, or in it where there is no room above."""
    height = int(font_scale * 12)
    return (x, y - 8) if y - 8 - 2 * height > 0 else (x + 3, y + 2 * height + thickness + 3)


def draw_segmentation_masks(
    images: Any, segmentation_masks: Any, num_classes: int | None = None, color_mapping: Any = None,
    alpha: float = 0.8, blend: bool = True, ignore_index: int = -1, data_format: str | None = None,
) -> np.ndarray[Any, Any]:  # fmt: skip
    """Images with the pixels of classes coloured: uint8, or float32 without `blend`.

    Args:
      images: [batch, height, width, channels]. segmentation_masks: integers [batch, height, width, 1], or without 1.
      num_classes: classes from 0 to it, without it, are drawn; the largest value by default. color_mapping: classes to
        RGB. alpha: the share of the colour. ignore_index: the class that keeps its pixels when blended.

    Raises `ValueError` for images of other ranks, `TypeError` for masks that are no integers.

    >>> masks = np.array([[[[0], [1]]]])
    >>> tf.keras.visualization.draw_segmentation_masks(np.zeros((1, 1, 2, 3)), masks, 2, {0: (0, 0, 0), 1: (200, 0, 0)})
    array([[[[  0,   0,   0],
             [160,   0,   0]]]], dtype=uint8)

    Keras: keras.visualization.draw_segmentation_masks.
    """
    pixels = batch_of_images(images, data_format).astype("float32")
    masks = np.asarray(segmentation_masks)
    if masks.dtype.kind not in "iu":
        raise TypeError(
            f"`segmentation_masks` must be in integer dtype. Received: segmentation_masks.dtype={masks.dtype.name}"
        )
    masks = masks[..., None] if masks.ndim == 3 else batch_of_images(masks, data_format)
    classes = masks[..., 0]
    if num_classes is None:
        num_classes = int(classes.max())
    colors = [_palette(i) if color_mapping is None else color_mapping[i] for i in range(num_classes)]
    drawn = pixels.copy()
    for i, color in enumerate(colors):
        drawn[classes == i] = np.asarray(color, "float32")
    if not blend:
        return drawn
    blended = pixels * np.float32(1 - alpha) + drawn * np.float32(alpha)
    return np.where(masks != ignore_index, blended, pixels).astype("uint8")


def _palette(index: int) -> list[int]:
    """A colour for a class, far from those of its neighbours."""
    return [index * step % 255 for step in (2**25 - 1, 2**15 - 1, 2**21 - 1)]
