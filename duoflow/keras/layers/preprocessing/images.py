"""Layers that size, cut, turn and move images; and what limits their bounding boxes."""

from __future__ import annotations

import math
from typing import Any

from duoflow import ops as tf

from ... import ops, random
from ...random import make_default_seed
from .image_layer import ImageLayer, Moved, column, factor_range, interval, matrix

__all__ = [
    "CenterCrop", "MaxNumBoundingBoxes", "RandomCrop", "RandomFlip", "RandomRotation", "RandomShear",
    "RandomTranslation", "RandomZoom", "Resizing",
]  # fmt: skip


class _Placed(ImageLayer):
    """Base of layers that only resize or cut."""

    is_random = False
    only_in_training = False

    def _configure_size(self, height: int, width: int) -> None:
        self.height, self.width = height, width

    def compute_output_shape(self, input_shape: Any) -> tuple[int | None, ...]:
        size = (self.height, self.width)
        if self.data_format == "channels_last":
            return (*input_shape[:-3], *size, input_shape[-1])
        return (*input_shape[:-2], *size)

    def _middle(self, rows: int, columns: int) -> tuple[list[int], list[int]]:
        """Where the largest part of images that has the shape of the outputs begins, and its size."""
        wanted = (int(columns * self.height / self.width), int(rows * self.width / self.height))
        size = [max(min(have, want), 1) for have, want in zip((rows, columns), wanted, strict=True)]
        return [int((have - part) / 2) for have, part in zip((rows, columns), size, strict=True)], size

    def _resized_part(self, corners: Any, start: Any, size: Any) -> Any:
        """Boxes in a part of the images that is resized."""
        return (corners - _corner_pairs(corners, *start)) * _corner_pairs(
            corners, self.height / size[0], self.width / size[1]
        )

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "height": self.height, "width": self.width}


def _corner_pairs(corners: Any, down: Any, right: Any) -> Any:
    """(right, down, right, down), in the dtype of boxes."""
    return tf.stack([tf.cast(x, corners.dtype) for x in (right, down, right, down)])


class Resizing(_Placed):
    """Images of another size.

    Args:
      height, width: the size. interpolation, antialias, crop_to_aspect_ratio, pad_to_aspect_ratio, fill_mode,
        fill_value: as in `keras.ops.image.resize`.

    >>> tf.keras.layers.Resizing(4, 6)(tf.ones((1, 8, 8, 3))).shape
    TensorShape([1, 4, 6, 3])

    Keras: keras.layers.Resizing.
    """

    def __init__(
        self, height: int, width: int, interpolation: str = "bilinear", crop_to_aspect_ratio: bool = False,
        pad_to_aspect_ratio: bool = False, fill_mode: str = "constant", fill_value: float = 0.0,
        antialias: bool = False, data_format: str | None = None, **kwargs: Any,
    ) -> None:  # fmt: skip
        super().__init__(data_format, **kwargs)
        self._configure_size(height, width)
        self.interpolation, self.antialias = interpolation, antialias
        self.crop_to_aspect_ratio, self.pad_to_aspect_ratio = crop_to_aspect_ratio, pad_to_aspect_ratio
        self.fill_mode, self.fill_value = fill_mode, fill_value

    def apply(self, images: Any, drawn: Any, nearest: bool) -> Any:
        return ops.image.resize(
            images, (self.height, self.width), "nearest" if nearest else self.interpolation, self.antialias,
            self.crop_to_aspect_ratio, self.pad_to_aspect_ratio, self.fill_mode, self.fill_value, self.data_format,
        )  # fmt: skip

    def rebox(self, boxes: dict[str, Any], drawn: Any, size: Any) -> dict[str, Any]:
        places = boxes["boxes"]
        absent = tf.reduce_all(places == -1, -1, keepdims=True) | tf.reduce_all(places == 0, -1, keepdims=True)
        moved = super().rebox(boxes, drawn, size)
        return {**moved, "boxes": tf.where(absent, tf.zeros_like(moved["boxes"]), moved["boxes"])}

    def move_boxes(self, corners: Any, drawn: Any, size: Any) -> Any:
        have = tf.cast(tf.stack([size[1], size[0]]), corners.dtype)
        want = tf.constant([self.width, self.height], corners.dtype)
        scale, offset = want / have, tf.zeros_like(want)
        if self.pad_to_aspect_ratio or self.crop_to_aspect_ratio:
            choose = tf.reduce_min if self.pad_to_aspect_ratio else tf.reduce_max
            scale = choose(scale) * tf.ones_like(scale)
            offset = tf.floordiv(want - have * scale, tf.constant(2.0, corners.dtype))
            if not self.pad_to_aspect_ratio:
                offset = -tf.floordiv(have * scale - want, tf.constant(2.0, corners.dtype))
        return corners * tf.tile(scale, [2]) + tf.tile(offset, [2])

    def get_config(self) -> dict[str, Any]:
        names = (
            "interpolation", "antialias", "crop_to_aspect_ratio", "pad_to_aspect_ratio", "fill_mode", "fill_value",
        )  # fmt: skip
        return {**super().get_config(), **{name: getattr(self, name) for name in names}}


class CenterCrop(_Placed):
    """The middle of images; smaller ones are enlarged first. Keras: keras.layers.CenterCrop."""

    def __init__(self, height: int, width: int, data_format: str | None = None, **kwargs: Any) -> None:
        super().__init__(data_format, **kwargs)
        self._configure_size(height, width)

    def apply(self, images: Any, drawn: Any, nearest: bool) -> Any:
        _, rows, columns = self._sizes(images)
        if rows < self.height or columns < self.width:
            size = (self.height, self.width)
            method = "nearest" if nearest else "bilinear"
            return ops.image.resize(images, size, method, crop_to_aspect_ratio=True, data_format=self.data_format)
        top, left = (rows - self.height) // 2, (columns - self.width) // 2
        return ops.image.crop_images(
            images, top, left, target_height=self.height, target_width=self.width, data_format=self.data_format
        )

    def move_boxes(self, corners: Any, drawn: Any, size: Any) -> Any:
        rows, columns = size
        if rows < self.height or columns < self.width:
            return self._resized_part(corners, *self._middle(rows, columns))
        return corners - _corner_pairs(corners, (rows - self.height) // 2, (columns - self.width) // 2)


class RandomCrop(_Placed):
    """A part of images at a random place, one for the batch; the middle of images that are too small, resized.

    >>> tf.keras.layers.RandomCrop(4, 6, seed=1)(tf.ones((1, 8, 8, 3))).shape
    TensorShape([1, 4, 6, 3])

    Keras: keras.layers.RandomCrop.
    """

    is_random = True
    only_in_training = True

    def __init__(
        self, height: int, width: int, seed: Any = None, data_format: str | None = None, name: str | None = None,
        **kwargs: Any,
    ) -> None:  # fmt: skip
        super().__init__(data_format, seed, name=name, **kwargs)
        self._configure_size(height, width)
        self.seed = make_default_seed() if seed is None else seed

    def draw(self, images: Any, seeds: Any) -> Any:
        _, rows, columns = self._sizes(images)
        if not (isinstance(rows, int) and isinstance(columns, int)):
            raise ValueError(
                "RandomCrop requires the input to have a fully defined height and width. Received: "
                f"images.shape={tuple(images.shape)}"
            )
        if rows > self.height and columns > self.width:
            room = (rows - self.height + 1, columns - self.width + 1)
            return [tf.cast(random.uniform((), 0.0, float(places), seed=seeds), "int32") for places in room]
        return self._middle(rows, columns)[0]

    def _part_size(self, size: Any, drawn: Any) -> list[int]:
        """The height and width of what is cut out."""
        wanted = [self.height, self.width]
        if not isinstance(drawn[0], int):
            return wanted
        return [min(want, have - at) for want, have, at in zip(wanted, size, drawn, strict=True)]

    def move_boxes(self, corners: Any, drawn: Any, size: Any) -> Any:
        return self._resized_part(corners, drawn, self._part_size(size, drawn))

    def apply(self, images: Any, drawn: Any, nearest: bool) -> Any:
        size = self._part_size(self._sizes(images)[1:], drawn)
        begin, extent = [0, *drawn, 0], [-1, *size, -1]
        if self.data_format == "channels_first":
            begin, extent = [0, 0, *drawn], [-1, -1, *size]
        images = tf.slice(images, tf.stack(begin), extent)
        if size == [self.height, self.width]:
            return images
        return ops.image.resize(images, (self.height, self.width), data_format=self.data_format)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "seed": self.seed}


class RandomFlip(ImageLayer):
    """Mirrors images at random: "horizontal", "vertical" or both of them.

    Keras: keras.layers.RandomFlip.
    """

    box_kind = "rel_xyxy"

    def __init__(
        self, mode: str = "horizontal_and_vertical", seed: Any = None, data_format: str | None = None, **kwargs: Any
    ) -> None:
        super().__init__(data_format, seed, **kwargs)
        self.mode = mode

    def draw(self, images: Any, seeds: Any) -> Any:
        return random.uniform((self._sizes(images)[0], 1, 1, 1), seed=seeds) <= 0.5

    def apply(self, images: Any, drawn: Any, nearest: bool) -> Any:
        last = self.data_format == "channels_last"
        if "horizontal" in self.mode:
            images = tf.where(drawn, tf.reverse(images, [2 if last else 3]), images)
        if "vertical" in self.mode:
            images = tf.where(drawn, tf.reverse(images, [1 if last else 2]), images)
        return images

    def move_boxes(self, corners: Any, drawn: Any, size: Any) -> Any:
        x1, y1, x2, y2 = tf.unstack(corners, 4, axis=-1)
        if "horizontal" in self.mode:
            x1, x2 = 1 - x2, 1 - x1
        if "vertical" in self.mode:
            y1, y2 = 1 - y2, 1 - y1
        return tf.where(tf.squeeze(drawn, [3]), tf.stack([x1, y1, x2, y2], axis=-1), corners)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "seed": self.seed, "mode": self.mode}


class RandomRotation(Moved):
    """Turns images at random, by parts `factor` of a full turn.

    >>> tf.keras.layers.RandomRotation(0.1)(tf.ones((1, 8, 8, 3)), training=True).shape
    TensorShape([1, 8, 8, 3])

    Keras: keras.layers.RandomRotation.
    """

    def __init__(
        self, factor: Any, fill_mode: str = "reflect", interpolation: str = "bilinear", seed: Any = None,
        fill_value: float = 0.0, data_format: str | None = None, **kwargs: Any,
    ) -> None:  # fmt: skip
        super().__init__(data_format, seed, **kwargs)
        self.factor = interval("factor", factor, -1, 1)
        self._configure_fill(fill_mode, interpolation, fill_value)

    def draw(self, images: Any, seeds: Any) -> Any:
        count, rows, columns = self._sizes(images)
        turns = random.uniform((count,), self.factor[0] * 360, self.factor[1] * 360, seed=seeds)
        angle = tf.expand_dims(turns * (math.pi / 180), 1)
        cos, sin = tf.cos(angle), tf.sin(angle)
        x, y = 0.5 * (columns - 1), 0.5 * (rows - 1)
        return matrix(cos, -sin, x - x * cos + y * sin, sin, cos, y - x * sin - y * cos)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "factor": self.factor}


class RandomTranslation(Moved):
    """Moves images at random, by shares of their height and width. Keras: keras.layers.RandomTranslation."""

    def __init__(
        self, height_factor: Any, width_factor: Any, fill_mode: str = "reflect", interpolation: str = "bilinear",
        seed: Any = None, fill_value: float = 0.0, data_format: str | None = None, **kwargs: Any,
    ) -> None:  # fmt: skip
        super().__init__(data_format, seed, **kwargs)
        self.height_factor, self.width_factor = height_factor, width_factor
        self._height = interval("height_factor", height_factor, -1, 1)
        self._width = interval("width_factor", width_factor, -1, 1)
        self._configure_fill(fill_mode, interpolation, fill_value)

    def draw(self, images: Any, seeds: Any) -> Any:
        count, rows, columns = self._sizes(images)
        down = column(count, self._height, seeds) * rows
        right = column(count, self._width, seeds) * columns
        return matrix(1.0, 0.0, -right, 0.0, 1.0, -down)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "height_factor": self.height_factor, "width_factor": self.width_factor}


class RandomZoom(Moved):
    """Enlarges or shrinks images at random; a negative factor enlarges. Keras: keras.layers.RandomZoom."""

    def __init__(
        self, height_factor: Any, width_factor: Any = None, fill_mode: str = "reflect",
        interpolation: str = "bilinear", seed: Any = None, fill_value: float = 0.0, data_format: str | None = None,
        **kwargs: Any,
    ) -> None:  # fmt: skip
        super().__init__(data_format, seed, **kwargs)
        self.height_factor, self.width_factor = height_factor, width_factor
        self._height = interval("height_factor", height_factor, -1, None)
        self._width = None if width_factor is None else interval("width_factor", width_factor, -1, None)
        self._configure_fill(fill_mode, interpolation, fill_value)

    def draw(self, images: Any, seeds: Any) -> Any:
        count, rows, columns = self._sizes(images)
        tall = 1 + column(count, self._height, seeds)
        wide = tall if self._width is None else 1 + column(count, self._width, seeds)
        left, top = (1 - wide) * ((columns - 1) / 2), (1 - tall) * ((rows - 1) / 2)
        return matrix(wide, 0.0, left, 0.0, tall, top)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "height_factor": self.height_factor, "width_factor": self.width_factor}


class RandomShear(Moved):
    """Slants images at random, by shares of their height and width. Keras: keras.layers.RandomShear."""

    box_kind = "rel_xyxy"

    def __init__(
        self, x_factor: Any = 0.0, y_factor: Any = 0.0, interpolation: str = "bilinear", fill_mode: str = "reflect",
        fill_value: float = 0.0, data_format: str | None = None, seed: Any = None, **kwargs: Any,
    ) -> None:  # fmt: skip
        super().__init__(data_format, seed, **kwargs)
        self.x_factor, self.y_factor = self._slant("x_factor", x_factor), self._slant("y_factor", y_factor)
        self._configure_fill(fill_mode, interpolation, fill_value)

    @staticmethod
    def _slant(name: str, factor: Any) -> tuple[float, float]:
        """From -f to f for a number f in [0, 1], or two numbers; of any sign, since configs have them."""
        if isinstance(factor, int | float):
            return -factor_range(factor, (0, 1), name)[1], factor
        return interval(name, sorted(factor), -1, 1)

    def draw(self, images: Any, seeds: Any) -> Any:
        count = self._sizes(images)[0]
        drawn = column(count, (0.0, 1.0), seeds, self.compute_dtype)
        sign = tf.where(drawn > 0.5, -tf.ones_like(drawn), tf.ones_like(drawn))
        down = column(count, self.y_factor, seeds, self.compute_dtype) * sign
        right = column(count, self.x_factor, seeds, self.compute_dtype) * sign
        return matrix(1.0, right, 0.0, down, 1.0, 0.0)

    def move_boxes(self, corners: Any, drawn: Any, size: Any) -> Any:
        right, down = (tf.cast(drawn[:, at, None], corners.dtype) for at in (1, 3))
        x1, y1, x2, y2 = tf.unstack(corners, 4, axis=-1)
        x1, x2 = (
            x1 - right * tf.where(right < 0, y1, y2),
            x2 - right * tf.where(right < 0, y2, y1),
        )
        y1, y2 = (
            y1 - down * tf.where(down > 0, x2, x1),
            y2 - down * tf.where(down > 0, x1, x2),
        )
        return tf.stack([x1, y1, x2, y2], axis=-1)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "x_factor": self.x_factor, "y_factor": self.y_factor}


class MaxNumBoundingBoxes(ImageLayer):
    """Cuts off, or fills with `fill_value`, the bounding boxes of images so that each has `max_number`.

    Keras: keras.layers.MaxNumBoundingBoxes.
    """

    moves_pixels = False
    is_random = False
    only_in_training = False

    def __init__(self, max_number: int, fill_value: int = -1, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.max_number, self.fill_value = int(max_number), int(fill_value)

    def apply(self, images: Any, drawn: Any, nearest: bool) -> Any:
        return images

    def rebox(self, boxes: dict[str, Any], drawn: Any, size: Any) -> dict[str, Any]:
        return {key: self._counted(x) for key, x in boxes.items()}

    def _counted(self, x: Any) -> Any:
        """The first of boxes or labels, and what fills up to `max_number`."""
        kept = x[:, : self.max_number]
        missing = self.max_number - ops.shape(kept)[1]
        after = [[0, 0], [0, missing]] + [[0, 0]] * (kept.ndim - 2)
        filled = tf.pad(kept, after, constant_values=tf.cast(self.fill_value, kept.dtype))
        return tf.ensure_shape(filled, (*x.shape[:1], self.max_number, *x.shape[2:]))

    def count_boxes(self, count: int | None) -> int | None:
        return self.max_number

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "max_number": self.max_number, "fill_value": self.fill_value}
