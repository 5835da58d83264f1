"""Images changed by chance: each function with a seed of its own or, `stateless_`, as its seed alone decides."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from duoflow.core import dtypes
from duoflow.core.late import F
from duoflow.core.tensor import convert

from .image_shapes import image_rank, require, spatial_axes

__all__ = [
    "random_brightness", "random_contrast", "random_crop", "random_flip_left_right", "random_flip_up_down",
    "random_hue", "random_jpeg_quality", "random_saturation", "stateless_random_brightness",
    "stateless_random_contrast", "stateless_random_crop", "stateless_random_flip_left_right",
    "stateless_random_flip_up_down", "stateless_random_hue", "stateless_random_jpeg_quality",
    "stateless_random_saturation",
]  # fmt: skip

Draw = Callable[..., Any]


def _stateful(seed: Any) -> Draw:
    return lambda shape, low, high, dtype=dtypes.float32: F.random_uniform(shape, low, high, dtype, seed=seed)


def _stateless(seed: Any) -> Draw:
    return lambda shape, low, high, dtype=dtypes.float32: F.stateless_uniform(shape, seed, low, high, dtype)


# -- flips -------------------------------------------------------------------------------------------------------------


def _flipped(image: Any, which: int, draw: Draw, name: str) -> Any:
    """One image flipped or not; of a batch, each image for itself."""
    with F.name_scope(name):
        image = convert(image)
        axis = spatial_axes(image)[which]
        flipped = F.reverse(image, [axis])
        if image_rank(image) == 3:
            return F.where(draw([], 0.0, 1.0) < 0.5, flipped, image)
        chance = draw(F.shape(image)[:1], 0.0, 1.0)
        return F.where(F.reshape(F.round(chance), [-1, 1, 1, 1]) > 0, flipped, image)


def random_flip_left_right(image: Any, seed: int | None = None) -> Any:
    """Images mirrored along their width with probability 1/2, each for itself.

    >>> tf.image.random_flip_left_right(tf.ones([4, 4, 3]), seed=1).shape
    TensorShape([4, 4, 3])

    TensorFlow: tf.image.random_flip_left_right.
    """
    return _flipped(image, 1, _stateful(seed), "random_flip_left_right")


def random_flip_up_down(image: Any, seed: int | None = None) -> Any:
    """Images mirrored along their height with probability 1/2. TensorFlow: tf.image.random_flip_up_down."""
    return _flipped(image, 0, _stateful(seed), "random_flip_up_down")


def stateless_random_flip_left_right(image: Any, seed: Any) -> Any:
    """Images mirrored along their width as a seed decides. TensorFlow: tf.image.stateless_random_flip_left_right."""
    return _flipped(image, 1, _stateless(seed), "stateless_random_flip_left_right")


def stateless_random_flip_up_down(image: Any, seed: Any) -> Any:
    """Images mirrored along their height as a seed decides. TensorFlow: tf.image.stateless_random_flip_up_down."""
    return _flipped(image, 0, _stateless(seed), "stateless_random_flip_up_down")


# -- crops -------------------------------------------------------------------------------------------------------------


def _cropped(value: Any, size: Any, draw: Draw, name: str) -> Any:
    with F.name_scope(name):
        value, size = convert(value), convert(size, dtype_hint=dtypes.int32)
        shape = F.shape(value, size.dtype)
        require(F.reduce_all(shape >= size), "Need value.shape >= size")
        offset = F.floormod(draw(F.shape(shape), 0, size.dtype.max, size.dtype), shape - size + 1)
        return F.slice(value, offset, size)


def random_crop(value: Any, size: Any, seed: int | None = None, name: str | None = None) -> Any:
    """A part of a tensor, of a given size, from a random place.

    Args:
      value: any tensor. size: one int per dimension of `value`.

    >>> tf.image.random_crop(tf.zeros([8, 8, 3]), [4, 5, 3]).shape
    TensorShape([4, 5, 3])

    TensorFlow: tf.image.random_crop.
    """
    return _cropped(value, size, _stateful(seed), name or "random_crop")


def stateless_random_crop(value: Any, size: Any, seed: Any, name: str | None = None) -> Any:
    """A part of a tensor from a place that a seed decides. TensorFlow: tf.image.stateless_random_crop."""
    return _cropped(value, size, _stateless(seed), name or "random_crop")


# -- colours -----------------------------------------------------------------------------------------------------------


def _delta(draw: Draw, max_delta: Any, limit: float | None = None) -> Any:
    if limit is not None:
        require(max_delta <= limit, f"max_delta must be <= {limit}.")
    require(max_delta >= 0, "max_delta must be non-negative.")
    return draw([], -max_delta, max_delta)


def _factor(draw: Draw, lower: Any, upper: Any) -> Any:
    require(upper > lower, "upper must be > lower.")
    require(lower >= 0, "lower must be non-negative.")
    return draw([], lower, upper)


def _quality(draw: Draw, low: int, high: int) -> Any:
    require(0 <= low <= 100 and 0 <= high <= 100, "jpeg encoding range must be between 0 and 100.")
    require(low < high, "`min_jpeg_quality` must be less than `max_jpeg_quality`.")
    return draw([], low, high, dtypes.int32)


def random_brightness(image: Any, max_delta: Any, seed: int | None = None) -> Any:
    """`adjust_brightness` by a number from [-max_delta, max_delta). TensorFlow: tf.image.random_brightness."""
    return F.adjust_brightness(image, _delta(_stateful(seed), max_delta))


def stateless_random_brightness(image: Any, max_delta: Any, seed: Any) -> Any:
    """`random_brightness` as a seed decides. TensorFlow: tf.image.stateless_random_brightness."""
    return F.adjust_brightness(image, _delta(_stateless(seed), max_delta))


def random_hue(image: Any, max_delta: Any, seed: int | None = None) -> Any:
    """`adjust_hue` by a number from [-max_delta, max_delta), at most 0.5. TensorFlow: tf.image.random_hue."""
    return F.adjust_hue(image, _delta(_stateful(seed), max_delta, 0.5))


def stateless_random_hue(image: Any, max_delta: Any, seed: Any) -> Any:
    """`random_hue` as a seed decides. TensorFlow: tf.image.stateless_random_hue."""
    return F.adjust_hue(image, _delta(_stateless(seed), max_delta, 0.5))


def random_contrast(image: Any, lower: Any, upper: Any, seed: int | None = None) -> Any:
    """`adjust_contrast` by a factor from [lower, upper). TensorFlow: tf.image.random_contrast."""
    return F.adjust_contrast(image, _factor(_stateful(seed), lower, upper))


def stateless_random_contrast(image: Any, lower: Any, upper: Any, seed: Any) -> Any:
    """`random_contrast` as a seed decides. TensorFlow: tf.image.stateless_random_contrast."""
    return F.adjust_contrast(image, _factor(_stateless(seed), lower, upper))


def random_saturation(image: Any, lower: Any, upper: Any, seed: int | None = None) -> Any:
    """`adjust_saturation` by a factor from [lower, upper). TensorFlow: tf.image.random_saturation."""
    return F.adjust_saturation(image, _factor(_stateful(seed), lower, upper))


def stateless_random_saturation(image: Any, lower: Any, upper: Any, seed: Any = None) -> Any:
    """`random_saturation` as a seed decides. TensorFlow: tf.image.stateless_random_saturation."""
    return F.adjust_saturation(image, _factor(_stateless(seed), lower, upper))


def random_jpeg_quality(image: Any, min_jpeg_quality: int, max_jpeg_quality: int, seed: int | None = None) -> Any:
    """`adjust_jpeg_quality` to a quality from the range. TensorFlow: tf.image.random_jpeg_quality."""
    return F.adjust_jpeg_quality(image, _quality(_stateful(seed), min_jpeg_quality, max_jpeg_quality))


def stateless_random_jpeg_quality(image: Any, min_jpeg_quality: int, max_jpeg_quality: int, seed: Any) -> Any:
    """`random_jpeg_quality` as a seed decides. TensorFlow: tf.image.stateless_random_jpeg_quality."""
    return F.adjust_jpeg_quality(image, _quality(_stateless(seed), min_jpeg_quality, max_jpeg_quality))
