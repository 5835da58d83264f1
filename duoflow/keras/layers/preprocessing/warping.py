"""Layers that bend images: as seen from another place, or as if they were of rubber."""

from __future__ import annotations

from typing import Any

from duoflow import ops as tf

from ... import ops, random
from ...ops.warping import elastic_transform_of, homography
from ...random import draw_seed
from .image_layer import ImageLayer, around, factor_range

__all__ = ["RandomElasticTransform", "RandomPerspective"]


class RandomPerspective(ImageLayer):
    """Moves the corners of images, with a probability within `factor`, by at most half of `scale` of the size.

    >>> tf.keras.layers.RandomPerspective(scale=0.3, seed=1)(tf.ones((1, 8, 8, 3)), training=True).shape
    TensorShape([1, 8, 8, 3])

    Keras: keras.layers.RandomPerspective.
    """

    def __init__(
        self, factor: Any = 1.0, scale: float = 1.0, interpolation: str = "bilinear", fill_value: float = 0.0,
        seed: Any = None, data_format: str | None = None, **kwargs: Any,
    ) -> None:  # fmt: skip
        super().__init__(data_format, seed, **kwargs)
        self.factor = factor_range(factor, (0, 1))
        if not 0 <= scale <= 1:
            raise ValueError(f"The `scale` argument should be a number in the range [0, 1]. Received: scale={scale}")
        if interpolation not in ("nearest", "bilinear"):
            raise NotImplementedError(f"Unknown `interpolation` {interpolation}: use 'nearest' or 'bilinear'.")
        self.scale, self.interpolation, self.fill_value = scale, interpolation, fill_value

    def draw(self, images: Any, seeds: Any) -> Any:
        happens = self._happens(images, seeds)
        count, rows, columns = self._sizes(images)
        moves = random.uniform((count, 4, 2), -0.5 * self.scale, 0.5 * self.scale, self.compute_dtype, seed=seeds)
        right, down = (tf.cast(size - 1, moves.dtype) for size in (columns, rows))
        zero = tf.zeros_like(right)
        corners = tf.reshape(tf.stack([zero, zero, right, zero, zero, down, right, down]), [1, 4, 2])
        return happens, corners + tf.zeros_like(moves), corners + corners * moves

    def apply(self, images: Any, drawn: Any, nearest: bool) -> Any:
        happens, start, end = drawn
        method = "nearest" if nearest else self.interpolation
        moved = ops.image.perspective_transform(images, start, end, method, self.fill_value, self.data_format)
        return tf.where(happens, moved, images)

    def move_boxes(self, corners: Any, drawn: Any, size: Any) -> Any:
        happens, start, end = drawn
        return tf.where(tf.squeeze(happens, [3]), around(corners, homography(start, end)), corners)

    def get_config(self) -> dict[str, Any]:
        return self._config_of("factor", "scale", "interpolation", "fill_value", "seed")


class RandomElasticTransform(ImageLayer):
    """Moves the pixels of images, with a probability within `factor`, by smooth random distances.

    Args:
      scale: how far, a number in [0, 1] or the range of it.

    Keras: keras.layers.RandomElasticTransform.
    """

    def __init__(
        self, factor: Any = 1.0, scale: Any = 1.0, interpolation: str = "bilinear", fill_mode: str = "reflect",
        fill_value: float = 0.0, value_range: Any = (0, 255), seed: Any = None, data_format: str | None = None,
        **kwargs: Any,
    ) -> None:  # fmt: skip
        super().__init__(data_format, seed, **kwargs)
        self.factor, self.scale = factor_range(factor, (0, 1)), factor_range(scale, (0, 1), "scale")
        if interpolation not in ("nearest", "bilinear"):
            raise NotImplementedError(f"Unknown `interpolation` {interpolation}: use 'nearest' or 'bilinear'.")
        if fill_mode not in ("constant", "nearest", "wrap", "mirror", "reflect"):
            raise NotImplementedError(f"Unknown `fill_mode` {fill_mode}: use 'reflect', 'mirror', 'wrap', 'nearest'...")
        self.interpolation, self.fill_mode, self.fill_value = interpolation, fill_mode, fill_value
        self.value_range = value_range

    def draw(self, images: Any, seeds: Any) -> Any:
        if self.scale[1] == 0 or self.factor[1] == 0:
            return None
        happens = self._happens(images, seeds)
        return happens, random.uniform((), *self.scale, self.compute_dtype, seed=seeds), draw_seed(seeds)

    def apply(self, images: Any, drawn: Any, nearest: bool) -> Any:
        if drawn is None:
            return images
        happens, strength, seed = drawn
        _, rows, columns = self._sizes(images)
        method = "nearest" if nearest else self.interpolation
        bent = elastic_transform_of(
            images, max(rows, columns) * (0.1 * strength), min(rows, columns) * (0.05 * strength), method,
            self.fill_mode, self.fill_value, seed, self.data_format,
        )  # fmt: skip
        return tf.clip_by_value(tf.where(happens, bent, images), *map(float, self.value_range))

    def get_config(self) -> dict[str, Any]:
        return self._config_of("factor", "scale", "interpolation", "fill_mode", "fill_value", "value_range", "seed")
