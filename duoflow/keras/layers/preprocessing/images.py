"""Layers that size and vary images: each draws a transformation and applies it to [height, width, channels] or batches.

Called on a dict with "images", and "labels" or "segmentation_masks" that are changed alike; bounding boxes are not.
"""

from __future__ import annotations

import math
from typing import Any

from duoflow import ops as tf
from duoflow.core.tensor import convert

from ... import ops, random
from ...preferences import standardize_data_format
from ...random import SeedGenerator
from ...symbolic import KerasTensor
from ..layer import Layer

__all__ = [
    "CenterCrop", "RandomBrightness", "RandomContrast", "RandomFlip", "RandomRotation", "RandomTranslation",
    "RandomZoom", "Resizing",
]  # fmt: skip


class ImageLayer(Layer):
    """Base: `draw(shape)` makes a transformation of a batch, None for none; `apply(images, drawn, nearest)` does it."""

    moves_pixels = True

    def __init__(self, data_format: str | None = None, seed: Any = None, **kwargs: Any) -> None:
        if kwargs.pop("bounding_box_format", None) is not None:
            raise NotImplementedError("Bounding boxes are not moved with images; leave `bounding_box_format` None.")
        super().__init__(**kwargs)
        self.data_format, self.seed = standardize_data_format(data_format), seed
        self.generator = SeedGenerator(seed)
        self._convert_input_args = False
        self._allow_non_tensor_positional_args = True
        self.built = True

    def call(self, data: Any, training: Any = True) -> Any:
        images = convert(data["images"] if isinstance(data, dict) else data)
        if images.ndim not in (3, 4):
            raise ValueError(
                "Expected the input image to be rank 3 or 4. Received inputs.shape=" + str(tuple(images.shape))
            )
        single = images.ndim == 3
        batch = tf.expand_dims(images, 0) if single else images
        drawn = self.draw(batch) if training or not self.is_random else None

        def changed(x: Any, nearest: bool) -> Any:
            x = tf.expand_dims(convert(x), 0) if single else convert(x)
            x = tf.cast(x, self.compute_dtype)
            out = x if self.is_random and drawn is None else self.apply(x, drawn, nearest)
            return tf.squeeze(out, [0]) if single else out

        if not isinstance(data, dict):
            return changed(data, False)
        if "bounding_boxes" in data:
            raise NotImplementedError("Bounding boxes are not moved with images; remove them from the inputs.")
        out = {**data, "images": changed(data["images"], False)}
        if "segmentation_masks" in data and self.moves_pixels:
            out["segmentation_masks"] = changed(data["segmentation_masks"], True)
        return out

    is_random = True

    def draw(self, images: Any) -> Any:
        """A transformation for a batch."""
        return ()

    def apply(self, images: Any, drawn: Any, nearest: bool) -> Any:
        """The batch transformed; `nearest` for masks, whose values are classes."""
        raise NotImplementedError

    def _sizes(self, images: Any) -> tuple[Any, Any, Any]:
        """The numbers of images, rows and columns."""
        sizes = ops.shape(images)
        return (sizes[0], *(sizes[1:3] if self.data_format == "channels_last" else sizes[2:4]))

    def compute_output_shape(self, input_shape: Any) -> Any:
        return input_shape

    def compute_output_spec(self, data: Any, training: Any = True) -> Any:
        def described(x: Any) -> Any:
            return KerasTensor(self.compute_output_shape(x.shape), dtype=self.compute_dtype)

        if isinstance(data, dict):
            return {k: described(v) if k in ("images", "segmentation_masks") else v for k, v in data.items()}
        return described(data)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "data_format": self.data_format}


def _interval(name: str, value: Any, lowest: float | None, highest: float | None) -> tuple[float, float]:
    """The range of a factor: (-f, f) for a number, or two numbers; `ValueError` outside of the bounds."""
    low, high = (-abs(value), abs(value)) if isinstance(value, int | float) else (value[0], value[1])
    out_of_bounds = (lowest is not None and low < lowest) or (highest is not None and high > highest)
    if low > high or out_of_bounds:
        raise ValueError(
            f"The `{name}` argument should be a number (or a list of two numbers) in the range [{lowest}, {highest}]. "
            f"Received: {name}={value}"
        )
    return float(low), float(high)


class _Placed(ImageLayer):
    """Base of layers that only resize or cut."""

    is_random = False

    def _configure_size(self, height: int, width: int) -> None:
        self.height, self.width = height, width

    def compute_output_shape(self, input_shape: Any) -> tuple[int | None, ...]:
        size = (self.height, self.width)
        if self.data_format == "channels_last":
            return (*input_shape[:-3], *size, input_shape[-1])
        return (*input_shape[:-2], *size)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "height": self.height, "width": self.width}


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


class RandomFlip(ImageLayer):
    """Mirrors images at random: "horizontal", "vertical" or both of them.

    Keras: keras.layers.RandomFlip.
    """

    def __init__(
        self, mode: str = "horizontal_and_vertical", seed: Any = None, data_format: str | None = None, **kwargs: Any
    ) -> None:
        super().__init__(data_format, seed, **kwargs)
        self.mode = mode

    def draw(self, images: Any) -> Any:
        return random.uniform((self._sizes(images)[0], 1, 1, 1), seed=self.generator) <= 0.5

    def apply(self, images: Any, drawn: Any, nearest: bool) -> Any:
        last = self.data_format == "channels_last"
        if "horizontal" in self.mode:
            images = tf.where(drawn, tf.reverse(images, [2 if last else 3]), images)
        if "vertical" in self.mode:
            images = tf.where(drawn, tf.reverse(images, [1 if last else 2]), images)
        return images

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "seed": self.seed, "mode": self.mode}


class _Moved(ImageLayer):
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

    def _uniform(self, count: Any, interval: tuple[float, float]) -> Any:
        return random.uniform((count, 1), interval[0], interval[1], seed=self.generator)

    def get_config(self) -> dict[str, Any]:
        names = ("fill_mode", "interpolation", "fill_value", "seed")
        return {**super().get_config(), **{name: getattr(self, name) for name in names}}


def _matrix(*entries: Any) -> Any:
    """Rows (a0, a1, a2, b0, b1, b2, 0, 0) of tensors [images, 1] or numbers."""
    first = next(entry for entry in entries if not isinstance(entry, int | float))
    columns = [tf.ones_like(first) * entry for entry in entries]
    return tf.concat([*columns, tf.zeros_like(first), tf.zeros_like(first)], axis=1)


class RandomRotation(_Moved):
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
        self.factor = _interval("factor", factor, -1, 1)
        self._configure_fill(fill_mode, interpolation, fill_value)

    def draw(self, images: Any) -> Any:
        count, rows, columns = self._sizes(images)
        turns = random.uniform((count,), self.factor[0] * 360, self.factor[1] * 360, seed=self.generator)
        angle = tf.expand_dims(turns * (math.pi / 180), 1)
        cos, sin = tf.cos(angle), tf.sin(angle)
        x, y = 0.5 * (columns - 1), 0.5 * (rows - 1)
        return _matrix(cos, -sin, x - x * cos + y * sin, sin, cos, y - x * sin - y * cos)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "factor": self.factor}


class RandomTranslation(_Moved):
    """Moves images at random, by shares of their height and width. Keras: keras.layers.RandomTranslation."""

    def __init__(
        self, height_factor: Any, width_factor: Any, fill_mode: str = "reflect", interpolation: str = "bilinear",
        seed: Any = None, fill_value: float = 0.0, data_format: str | None = None, **kwargs: Any,
    ) -> None:  # fmt: skip
        super().__init__(data_format, seed, **kwargs)
        self.height_factor, self.width_factor = height_factor, width_factor
        self._height = _interval("height_factor", height_factor, -1, 1)
        self._width = _interval("width_factor", width_factor, -1, 1)
        self._configure_fill(fill_mode, interpolation, fill_value)

    def draw(self, images: Any) -> Any:
        count, rows, columns = self._sizes(images)
        down = self._uniform(count, self._height) * rows
        right = self._uniform(count, self._width) * columns
        return _matrix(1.0, 0.0, -right, 0.0, 1.0, -down)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "height_factor": self.height_factor, "width_factor": self.width_factor}


class RandomZoom(_Moved):
    """Enlarges or shrinks images at random; a negative factor enlarges. Keras: keras.layers.RandomZoom."""

    def __init__(
        self, height_factor: Any, width_factor: Any = None, fill_mode: str = "reflect",
        interpolation: str = "bilinear", seed: Any = None, fill_value: float = 0.0, data_format: str | None = None,
        **kwargs: Any,
    ) -> None:  # fmt: skip
        super().__init__(data_format, seed, **kwargs)
        self.height_factor, self.width_factor = height_factor, width_factor
        self._height = _interval("height_factor", height_factor, -1, None)
        self._width = None if width_factor is None else _interval("width_factor", width_factor, -1, None)
        self._configure_fill(fill_mode, interpolation, fill_value)

    def draw(self, images: Any) -> Any:
        count, rows, columns = self._sizes(images)
        tall = 1 + self._uniform(count, self._height)
        wide = tall if self._width is None else 1 + self._uniform(count, self._width)
        left, top = (1 - wide) * ((columns - 1) / 2), (1 - tall) * ((rows - 1) / 2)
        return _matrix(wide, 0.0, left, 0.0, tall, top)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "height_factor": self.height_factor, "width_factor": self.width_factor}


class _Coloured(ImageLayer):
    """Base of layers that change values, not places."""

    moves_pixels = False


class RandomContrast(_Coloured):
    """Stretches values away from the mean of each channel at random. Keras: keras.layers.RandomContrast."""

    def __init__(
        self, factor: Any, value_range: Any = (0, 255), seed: Any = None, **kwargs: Any
    ) -> None:
        super().__init__(seed=seed, **kwargs)
        self.factor = _interval("factor", [0, factor] if isinstance(factor, int | float) else factor, 0, 1)
        self.value_range = value_range

    def draw(self, images: Any) -> Any:
        low, high = 1.0 - self.factor[0], 1.0 + self.factor[1]
        return random.uniform((self._sizes(images)[0], 1, 1, 1), low, high, seed=self.generator)

    def apply(self, images: Any, drawn: Any, nearest: bool) -> Any:
        space = [1, 2] if self.data_format == "channels_last" else [2, 3]
        wide = tf.cast(images, "float32")
        mean = tf.reduce_mean(wide, space, keepdims=True)
        out = (wide - mean) * drawn + mean
        return tf.cast(tf.clip_by_value(out, *map(float, self.value_range)), self.compute_dtype)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "factor": self.factor, "value_range": self.value_range, "seed": self.seed}


class RandomBrightness(_Coloured):
    """Adds to images a share of the range of values at random. Keras: keras.layers.RandomBrightness."""

    def __init__(self, factor: Any, value_range: Any = (0, 255), seed: Any = None, **kwargs: Any) -> None:
        super().__init__(seed=seed, **kwargs)
        self.factor = _interval("factor", factor, -1, 1)
        self.value_range = sorted(value_range)

    def draw(self, images: Any) -> Any:
        share = random.uniform((self._sizes(images)[0], 1, 1, 1), *self.factor, seed=self.generator)
        return share * (self.value_range[1] - self.value_range[0])

    def apply(self, images: Any, drawn: Any, nearest: bool) -> Any:
        return tf.clip_by_value(images + tf.cast(drawn, images.dtype), *map(float, self.value_range))

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "factor": self.factor, "value_range": self.value_range, "seed": self.seed}
