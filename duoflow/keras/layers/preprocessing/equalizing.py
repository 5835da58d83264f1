"""Layers that spread the values of images over their whole range."""

from __future__ import annotations

from typing import Any

from duoflow import ops as tf

from ... import ops
from .image_layer import Coloured, rescaled, values_range

__all__ = ["AutoContrast", "ContrastLimitedAdaptiveHistogramEqualization", "Equalization"]


class AutoContrast(Coloured):
    """Stretches the values of each image and channel to the whole range. Keras: keras.layers.AutoContrast."""

    is_random = False
    only_in_training = False

    def __init__(self, value_range: Any = (0, 255), **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.value_range = values_range(value_range)

    def apply(self, images: Any, drawn: Any, nearest: bool) -> Any:
        values = rescaled(images, self.value_range, (0, 255), self.compute_dtype)
        low, high = (pick(values, [1, 2], keepdims=True) for pick in (tf.reduce_min, tf.reduce_max))
        scale = 255.0 / (high - low)
        stretched = tf.clip_by_value(values * scale - low * scale, 0.0, 255.0)
        stretched = rescaled(stretched, (0, 255), self.value_range, self.compute_dtype)
        return tf.where(tf.is_nan(stretched), images, stretched)

    def get_config(self) -> dict[str, Any]:
        return self._config_of("value_range")


class Equalization(Coloured):
    """Gives each channel of a batch, in training, a flat histogram of `bins`. Keras: keras.layers.Equalization."""

    is_random = False

    def __init__(
        self, value_range: Any = (0, 255), bins: int = 256, data_format: str | None = None, **kwargs: Any
    ) -> None:
        super().__init__(data_format, **kwargs)
        self.bins, self.value_range = bins, values_range(value_range)

    def apply(self, images: Any, drawn: Any, nearest: bool) -> Any:
        axis = -1 if self.data_format == "channels_last" else -3
        channels = [self._equalized(channel) for channel in tf.unstack(images, axis=axis)]
        return tf.cast(tf.stack(channels, axis=axis), self.compute_dtype)

    def _equalized(self, channel: Any) -> Any:
        low, high = map(float, self.value_range)
        values = channel * (255 / (high - low)) - low * (255 / (high - low))
        places = tf.cast(tf.cast(values, "float32") * (self.bins - 1) / 255.0, "int32")
        counts = tf.bincount(tf.reshape(tf.clip_by_value(places, 0, self.bins - 1), [-1]), minlength=self.bins)
        below = tf.cumsum(counts)
        first = tf.reduce_min(tf.where(below > 0, below, below[-1]))
        spread = tf.maximum(below[-1] - first, 1)
        table = tf.round(tf.cast((below - first) * 255, "float64") / tf.cast(spread, "float64"))
        table = tf.cast(tf.clip_by_value(table, 0.0, 255.0), channel.dtype)
        rank = tf.cast(tf.clip_by_value(values / 255.0 * (self.bins - 1), 0.0, float(self.bins - 1)), "int32")
        several = tf.reduce_sum(tf.cast(counts > 0, "int32")) > 1
        return tf.where(several, tf.gather(table, rank), values) * ((high - low) / 255) + low

    def get_config(self) -> dict[str, Any]:
        return self._config_of("bins", "value_range")


class ContrastLimitedAdaptiveHistogramEqualization(Coloured):
    """Gives each tile of images a flat histogram, and each pixel a mean of what its four nearest tiles make of it.

    Args:
      clip_limit: how often a value may count, as a multiple of the mean; what is above goes to all values. 0: no limit.
      tile_grid_size: the numbers of tiles along height and width.

    Keras: keras.layers.ContrastLimitedAdaptiveHistogramEqualization.
    """

    is_random = False
    only_in_training = False
    keeps_dtype = True

    def __init__(
        self, value_range: Any = (0, 255), clip_limit: float = 4.0, tile_grid_size: Any = (8, 8),
        data_format: str | None = None, **kwargs: Any,
    ) -> None:  # fmt: skip
        super().__init__(data_format, **kwargs)
        self.value_range, self.clip_limit, self.tile_grid_size = value_range, clip_limit, tile_grid_size

    def apply(self, images: Any, drawn: Any, nearest: bool) -> Any:
        first, kind = self.data_format == "channels_first", images.dtype
        values = tf.cast(rescaled(images, self.value_range, (0, 255)), "float32")
        values = self._equalized(tf.transpose(values, [0, 2, 3, 1]) if first else values)
        values = tf.cast(rescaled(values, (0, 255), self.value_range), kind)
        return tf.transpose(values, [0, 3, 1, 2]) if first else values

    def _equalized(self, values: Any) -> Any:
        count, height, width, channels = ops.shape(values)
        grid = tuple(self.tile_grid_size)
        tile = ((height + grid[0] - 1) // grid[0], (width + grid[1] - 1) // grid[1])
        after = [[0, tile[0] * grid[0] - height], [0, tile[1] * grid[1] - width]]
        values = tf.pad(values, [[0, 0], *after, [0, 0]], mode="SYMMETRIC")
        levels = tf.cast(tf.clip_by_value(values, 0.0, 255.0), "int32")
        tiles = tf.reshape(levels, [count, grid[0], tile[0], grid[1], tile[1], channels])
        tables = self._tables(tf.transpose(tiles, [0, 1, 3, 5, 2, 4]), tile[0] * tile[1])

        def neighbours(axis: int) -> tuple[Any, Any, Any]:
            """For each row or column: the tiles before and after its place, and the share of the one after."""
            place = (tf.cast(tf.range(tile[axis] * grid[axis]), "float32") - tile[axis] / 2) / tile[axis]
            before = tf.floor(place)
            near, far = (tf.clip_by_value(tf.cast(t, "int32"), 0, grid[axis] - 1) for t in (before, before + 1))
            return near, far, place - before

        images, planes = tf.range(count)[:, None, None, None], tf.range(channels)
        (up, down, lower), (left, right, later) = neighbours(0), neighbours(1)
        lower, later = lower[:, None, None], later[:, None]

        def looked_up(row: Any, column: Any) -> Any:
            places = (images, row[:, None, None], column[:, None], planes, levels)
            places = [tf.broadcast_to(place, tf.shape(levels)) for place in places]
            return tf.gather_nd(tables, tf.stack(places, axis=-1))

        top = looked_up(up, left) * (1 - later) + looked_up(up, right) * later
        bottom = looked_up(down, left) * (1 - later) + looked_up(down, right) * later
        return (top * (1 - lower) + bottom * lower)[:, :height, :width]

    def _tables(self, tiles: Any, pixels: Any) -> Any:
        """What becomes of each of 256 values in each tile, [images, tiles down, tiles across, channels, 256]."""
        counts = tf.reduce_sum(tf.one_hot(tiles, 256), [-3, -2])
        if self.clip_limit > 0:
            kept = tf.clip_by_value(counts, 0.0, self.clip_limit * pixels / 256.0)
            counts = kept + tf.reduce_sum(counts - kept, -1, keepdims=True) / 256.0
        below = tf.cumsum(counts, axis=-1)
        least = tf.reduce_min(below, -1, keepdims=True)
        spread = float(pixels) - least
        spread = tf.where(spread == 0, tf.ones_like(spread), spread)
        return tf.clip_by_value((below - least) * 255.0 / spread, 0.0, 255.0)

    def get_config(self) -> dict[str, Any]:
        return self._config_of("value_range", "clip_limit", "tile_grid_size")
