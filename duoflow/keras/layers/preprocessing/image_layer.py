"""What layers of images share: drawing a transformation and applying it to [height, width, channels] or batches.

Called on a dict with "images", and "labels", "segmentation_masks" or "bounding_boxes" that belong to them: masks and
boxes move with the pixels, labels are mixed where images are.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from duoflow import ops as tf
from duoflow.core.dtypes import as_dtype
from duoflow.core.tensor import convert

from ... import ops, random
from ...preferences import standardize_data_format
from ...random import SeedGenerator
from ...symbolic import KerasTensor
from ...utils.bounding_boxes import clip_to_image_size, convert_format
from ..layer import Layer

__all__ = [
    "Coloured", "ImageLayer", "Moved", "around", "column", "factor_range", "interval", "matrix", "rescaled",
    "values_range",
]  # fmt: skip


class ImageLayer(Layer):
    """Base: `draw(images, seeds)` makes a transformation of a batch, `apply(images, drawn, nearest)` does it.

    moves_pixels: masks and boxes are concerned. is_random: it has a seed. only_in_training: inference changes nothing.
    always_draws: the seed advances in inference too. keeps_dtype: integers stay what they are. box_kind: the
    coordinates that `move_boxes` works on, "xyxy" or "rel_xyxy".
    """

    moves_pixels = True
    is_random = True
    only_in_training = True
    always_draws = False
    keeps_dtype = False
    box_kind = "xyxy"

    def __init__(
        self, data_format: str | None = None, seed: Any = None, bounding_box_format: str | None = None, **kwargs: Any
    ) -> None:
        super().__init__(**kwargs)
        self.data_format, self.bounding_box_format = standardize_data_format(data_format), bounding_box_format
        if self.is_random:
            self.seed, self.generator = seed, SeedGenerator(seed)
        self._convert_input_args = False
        self._allow_non_tensor_positional_args = True
        self.built = True

    def call(self, data: Any, training: Any = True) -> Any:
        images = convert(data["images"] if isinstance(data, dict) else data)
        if images.ndim not in (3, 4):
            raise ValueError(
                "Expected the input image to be rank 3 or 4. Received inputs.shape=" + str(tuple(images.shape))
            )
        single, active = images.ndim == 3, training or not self.only_in_training
        drawn = None
        if active or self.always_draws:
            drawn = self.draw(tf.expand_dims(images, 0) if single else images, getattr(self, "generator", None))

        def on_batch(function: Callable[[Any], Any], x: Any) -> Any:
            if not single:
                return function(convert(x))
            return tf.squeeze(function(tf.expand_dims(convert(x), 0)), [0])

        def changed(x: Any, nearest: bool = False) -> Any:
            x = x if self.keeps_dtype and x.dtype.is_integer else tf.cast(x, self.compute_dtype)
            return self.apply(x, drawn, nearest) if active else x

        if not isinstance(data, dict):
            return on_batch(changed, data)
        out = {**data, "images": on_batch(changed, data["images"])}
        if "bounding_boxes" in data:
            boxes = self._known_boxes(data["bounding_boxes"])
            if active:
                batch = {key: tf.expand_dims(x, 0) if single else x for key, x in boxes.items()}
                size = ops.shape(images)[-3:-1] if self.data_format == "channels_last" else ops.shape(images)[-2:]
                moved = self.rebox(batch, drawn, size)
                boxes = {key: tf.squeeze(x, [0]) if single else x for key, x in moved.items()}
            out["bounding_boxes"] = boxes
        if "labels" in data and active:
            out["labels"] = on_batch(lambda x: self.relabel(x, drawn), data["labels"])
        if "segmentation_masks" in data and self.moves_pixels:
            out["segmentation_masks"] = on_batch(lambda x: changed(x, True), data["segmentation_masks"])
        return out

    def _known_boxes(self, boxes: dict[str, Any]) -> dict[str, Any]:
        if self.bounding_box_format is None:
            raise ValueError(
                "You passed an input with a 'bounding_boxes' key, but you didn't specify a bounding box format. Pass "
                f"a `bounding_box_format` argument to your {type(self).__name__} layer, e.g. "
                "`bounding_box_format='xyxy'`."
            )
        if not isinstance(boxes, dict) or not {"boxes", "labels"} <= set(boxes):
            raise ValueError(
                f"Expected `bounding_boxes` to be a dict with keys 'boxes' and 'labels'. Received: {boxes!r}"
            )
        return {**boxes, "boxes": tf.cast(convert(boxes["boxes"]), "float32"), "labels": convert(boxes["labels"])}

    def draw(self, images: Any, seeds: Any) -> Any:
        """A transformation for a batch."""
        return ()

    def apply(self, images: Any, drawn: Any, nearest: bool) -> Any:
        """The batch transformed; `nearest` for masks, whose values are classes."""
        raise NotImplementedError

    def relabel(self, labels: Any, drawn: Any) -> Any:
        """The labels of the transformed batch."""
        return labels

    def rebox(self, boxes: dict[str, Any], drawn: Any, size: Any) -> dict[str, Any]:
        """Boxes {"boxes": [images, boxes, 4], "labels": [images, boxes]} of the transformed batch.

        size: the images' height and width before it. Boxes are cut at the new images' edges; of which nothing is left,
        the label is -1.
        """
        if not self.moves_pixels:
            return boxes
        new_size = (
            self.compute_output_shape((1, *size, 1))[1:3]
            if self.data_format == "channels_last"
            else (self.compute_output_shape((1, 1, *size))[2:])
        )
        corners = convert_format(boxes["boxes"], self.bounding_box_format, self.box_kind, *size)
        moved = {**boxes, "boxes": self.move_boxes(corners, drawn, size)}
        moved = clip_to_image_size(moved, *new_size, self.box_kind)
        return convert_format(moved, self.box_kind, self.bounding_box_format, *new_size)

    def move_boxes(self, corners: Any, drawn: Any, size: Any) -> Any:
        """Where the corners [images, boxes, 4] of boxes, of the kind `box_kind`, are in the transformed batch."""
        raise NotImplementedError(f"{type(self).__name__} does not move bounding boxes; remove them from the inputs.")

    def count_boxes(self, count: int | None) -> int | None:
        """How many boxes an image has after `rebox`."""
        return count

    def _sizes(self, images: Any) -> tuple[Any, Any, Any]:
        """The numbers of images, rows and columns."""
        sizes = ops.shape(images)
        return (sizes[0], *(sizes[1:3] if self.data_format == "channels_last" else sizes[2:4]))

    def _uniform(self, images: Any, seeds: Any, limits: Any = (0.0, 1.0), dtype: Any = None) -> Any:
        """A number for each image, [images, 1, 1, 1]."""
        shape = (self._sizes(images)[0], 1, 1, 1)
        return random.uniform(shape, limits[0], limits[1], dtype, seed=seeds)

    def _happens(self, images: Any, seeds: Any) -> Any:
        """Whether an image is changed at all, with a probability within `factor`, [images, 1, 1, 1]."""
        probability = self._uniform(images, seeds, self.factor)
        return self._uniform(images, seeds) < probability

    def _rectangle(self, images: Any, wide: Any, tall: Any, seeds: Any) -> tuple[Any, Any]:
        """Which pixels are in a random rectangle of these shares of width and height, and its part of the area."""
        count, rows, columns = self._sizes(images)
        inside, area = [], 1.0
        for share, length, shape in ((wide, columns, (1, 1, -1, 1)), (tall, rows, (1, -1, 1, 1))):
            whole = tf.cast(length, share.dtype)
            extent = share * whole
            start = random.uniform((count,), dtype=self.compute_dtype, seed=seeds) * (whole - extent)
            places = tf.reshape(tf.cast(tf.range(length), share.dtype), shape)
            start, end = (tf.reshape(side, [-1, 1, 1, 1]) for side in (start, start + extent))
            inside.append((places >= start) & (places < end))
            area = area * (end - start) / whole
        rectangle = inside[0] & inside[1]
        if self.data_format == "channels_first":
            rectangle = tf.transpose(rectangle, [0, 3, 1, 2])
        return rectangle, area

    def compute_output_shape(self, input_shape: Any) -> Any:
        return input_shape

    def compute_output_spec(self, data: Any, training: Any = True) -> Any:
        def described(x: Any) -> Any:
            kept = self.keeps_dtype and as_dtype(x.dtype).is_integer
            return KerasTensor(self.compute_output_shape(x.shape), x.dtype if kept else self.compute_dtype)

        if not isinstance(data, dict):
            return described(data)
        out = {k: described(v) if k in ("images", "segmentation_masks") else v for k, v in data.items()}
        if "bounding_boxes" in data and (training or not self.only_in_training):
            boxes, labels = (data["bounding_boxes"][key] for key in ("boxes", "labels"))
            lead, count = boxes.shape[:-2], self.count_boxes(boxes.shape[-2])
            counted = {
                "boxes": KerasTensor((*lead, count, 4), "float32"),
                "labels": KerasTensor((*lead, count, *labels.shape[len(lead) + 1 :]), labels.dtype),
            }
            out["bounding_boxes"] = {**data["bounding_boxes"], **counted}
        return out

    def get_config(self) -> dict[str, Any]:
        boxes = {} if self.bounding_box_format is None else {"bounding_box_format": self.bounding_box_format}
        return {**super().get_config(), "data_format": self.data_format, **boxes}

    def _config_of(self, *names: str) -> dict[str, Any]:
        """The config with the attributes of these names."""
        return {**ImageLayer.get_config(self), **{name: getattr(self, name) for name in names}}


class Coloured(ImageLayer):
    """Base of layers that change values, not places."""

    moves_pixels = False


class Moved(ImageLayer):
    """Base of layers that move pixels by a matrix; `draw` gives it."""

    def _configure_fill(self, fill_mode: str, interpolation: str, fill_value: float) -> None:
        if fill_mode not in ("reflect", "wrap", "constant", "nearest"):
            raise NotImplementedError(f"Unknown `fill_mode` {fill_mode}: use 'reflect', 'wrap', 'constant', 'nearest'.")
        if interpolation not in ("nearest", "bilinear"):
            raise NotImplementedError(f"Unknown `interpolation` {interpolation}: use 'nearest' or 'bilinear'.")
        self.fill_mode, self.interpolation, self.fill_value = fill_mode, interpolation, fill_value

    def apply(self, images: Any, drawn: Any, nearest: bool) -> Any:
        method = "nearest" if nearest else self.interpolation
        return ops.image.affine_transform(images, drawn, method, self.fill_mode, self.fill_value, self.data_format)

    def move_boxes(self, corners: Any, drawn: Any, size: Any) -> Any:
        return around(corners, drawn)

    def get_config(self) -> dict[str, Any]:
        return self._config_of("fill_mode", "interpolation", "fill_value", "seed")


def column(count: Any, limits: tuple[float, float], seeds: Any, dtype: Any = None) -> Any:
    """Numbers for each image, [images, 1]."""
    return random.uniform((count, 1), limits[0], limits[1], dtype, seed=seeds)


def matrix(*entries: Any) -> Any:
    """Rows (a0, a1, a2, b0, b1, b2, 0, 0) of tensors [images, 1] or numbers."""
    first = next(entry for entry in entries if not isinstance(entry, int | float))
    columns = [tf.ones_like(first) * entry for entry in entries]
    return tf.concat([*columns, tf.zeros_like(first), tf.zeros_like(first)], axis=1)


def around(corners: Any, transform: Any) -> Any:
    """The boxes around what becomes of boxes [images, boxes, 4] under projections [images, 8] of new points to old."""
    a0, a1, a2, b0, b1, b2, c0, c1 = (tf.cast(x, corners.dtype)[:, None] for x in tf.unstack(transform, 8, axis=1))
    x1, y1, x2, y2 = tf.unstack(corners, 4, axis=-1)
    xs, ys = [], []
    for x, y in ((x1, y1), (x2, y1), (x2, y2), (x1, y2)):  # solve (a.p / c.p, b.p / c.p) = (x, y) for p
        ax, ay, bx, by = a0 - c0 * x, a1 - c1 * x, b0 - c0 * y, b1 - c1 * y
        right, down, determinant = x - a2, y - b2, ax * by - ay * bx
        xs.append((by * right - ay * down) / determinant)
        ys.append((ax * down - bx * right) / determinant)
    ends = [(tf.reduce_min(stacked, 0), tf.reduce_max(stacked, 0)) for stacked in (tf.stack(xs), tf.stack(ys))]
    return tf.stack([ends[0][0], ends[1][0], ends[0][1], ends[1][1]], axis=-1)


def interval(name: str, value: Any, lowest: float | None, highest: float | None) -> tuple[float, float]:
    """The range of a factor: (-f, f) for a number, or two numbers; `ValueError` outside of the bounds."""
    low, high = (-abs(value), abs(value)) if isinstance(value, int | float) else (value[0], value[1])
    out_of_bounds = (lowest is not None and low < lowest) or (highest is not None and high > highest)
    if low > high or out_of_bounds:
        raise ValueError(
            f"The `{name}` argument should be a number (or a list of two numbers) in the range [{lowest}, {highest}]. "
            f"Received: {name}={value}"
        )
    return float(low), float(high)


def factor_range(value: Any, bounds: tuple[float, float], name: str = "factor") -> tuple[Any, Any]:
    """The range of a factor: two numbers that overlap the bounds, or from minus a number, but not below them, to it."""
    lowest, highest = bounds
    if isinstance(value, int | float) and lowest <= value <= highest:
        return max(-abs(value), lowest), abs(value)
    if isinstance(value, tuple | list) and len(value) == 2 and value[0] <= highest and value[1] >= lowest:
        return min(value), max(value)
    raise ValueError(
        f"The `{name}` argument should be a number (or a list of two numbers) in the range [{lowest}, {highest}]. "
        f"Received: {name}={value}"
    )


def values_range(value_range: Any) -> list[Any]:
    """The lowest and the highest value of images."""
    if not isinstance(value_range, tuple | list) or len(value_range) != 2:
        raise ValueError(
            f"The `value_range` argument should be a list of two numbers. Received: value_range={value_range}"
        )
    return sorted(value_range)


def rescaled(images: Any, have: Any, want: Any, dtype: Any = "float32") -> Any:
    """Values of one range in another; left alone, dtype and all, if the ranges are the same."""
    if tuple(have) == tuple(want):
        return images
    (low, high), (new_low, new_high) = (tuple(float(v) for v in limits) for limits in (have, want))
    return (tf.cast(images, dtype) - low) / (high - low) * (new_high - new_low) + new_low
