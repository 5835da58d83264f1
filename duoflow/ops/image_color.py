"""What colours pixels have: element types, colour spaces, brightness, contrast, hue and saturation."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from duoflow.core import dtypes
from duoflow.core.context import context
from duoflow.core.custom_gradients import custom_gradient
from duoflow.core.errors import FailedPreconditionError, InvalidArgumentError
from duoflow.core.late import F
from duoflow.core.tensor import Operators, Tensor, convert, static_value

from .image_shapes import image_rank, require, spatial_axes
from .static import invalid

__all__ = [
    "adjust_brightness", "adjust_contrast", "adjust_gamma", "adjust_hue", "adjust_saturation", "convert_image_dtype",
    "grayscale_to_rgb", "hsv_to_rgb", "per_image_standardization", "rgb_to_grayscale", "rgb_to_hsv", "rgb_to_yiq",
    "rgb_to_yuv", "yiq_to_rgb", "yuv_to_rgb",
]  # fmt: skip

# -- element types -----------------------------------------------------------------------------------------------------


def convert_image_dtype(image: Any, dtype: Any, saturate: bool = False, name: str | None = None) -> Any:
    """An image in another dtype, scaled: integers span [0, MAX], floating values [0, 1).

    Args:
      image: floating or integer. dtype: floating or integer.
      saturate: whether values beyond the range of `dtype` become its limits instead of wrapping around.

    Raises `AttributeError` for other dtypes.

    >>> tf.image.convert_image_dtype(tf.constant([0, 255], tf.uint8), tf.float32).numpy().tolist()
    [0.0, 1.0]

    TensorFlow: tf.image.convert_image_dtype.
    """
    image, dtype = convert(image), dtypes.as_dtype(dtype)
    for what, one in (("dtype", dtype), ("image dtype", image.dtype)):
        if not one.is_floating and not one.is_integer:
            raise AttributeError(f"{what} must be either floating point or integer, received {one.name}")
    if dtype is image.dtype:
        return F.identity(image, name=name)
    narrow = F.saturate_cast if saturate else F.cast
    with F.name_scope(name or "convert_image"):
        if image.dtype.is_integer and dtype.is_integer:
            if image.dtype.max > dtype.max:
                return narrow(F.floordiv(image, (image.dtype.max + 1) // (dtype.max + 1)), dtype)
            return narrow(image, dtype) * ((dtype.max + 1) // (image.dtype.max + 1))
        if image.dtype.is_floating and dtype.is_floating:
            return F.cast(image, dtype)
        if image.dtype.is_integer:
            return F.cast(image, dtype) * (1.0 / image.dtype.max)
        return narrow(image * (dtype.max + 0.5), dtype)


def _as_floats(image: Any) -> tuple[Tensor, Callable[[Any, bool], Any]]:
    """The image as floats, and what brings a result back to its dtype (saturating or not)."""
    image = convert(image)
    dtype = image.dtype
    floats = image if dtype in (dtypes.float16, dtypes.float32) else convert_image_dtype(image, dtypes.float32)
    return floats, lambda result, saturate: convert_image_dtype(result, dtype, saturate=saturate)


# -- colour spaces -----------------------------------------------------------------------------------------------------


def _three_channels(images: Any, what: str, rank: int = 1, refuse: Callable[[str], Exception] = invalid) -> Any:
    """Images of at least `rank` dimensions with three channels; `refuse` makes the error for another number."""
    images = convert(images)
    if images.dims is not None:
        if len(images.dims) < rank:
            raise invalid(f"{what}: there must be at least {rank} dimensions, received shape {images.shape}")
        if images.dims[-1] not in (3, None):
            raise refuse(f"{what}: the last dimension must be 3, received shape {images.shape}")
    return images


def _refused_by_kernel(message: str) -> Exception:
    return InvalidArgumentError(message).here()


def _unprepared(message: str) -> Exception:
    """What TensorFlow's conversions of colours raise for values; while a graph is built, their shapes refuse."""
    return FailedPreconditionError(message).here() if context.graph is None else invalid(message)


def _channels(images: Any, what: str) -> Any:
    """The three channels of floating images; what is no tensor yet becomes float32."""
    images = images if isinstance(images, Operators) else np.asarray(images, np.float32)
    images = _three_channels(images, what, refuse=_unprepared)
    return F.unstack(images, 3, axis=-1)


def rgb_to_grayscale(images: Any, name: str | None = None) -> Any:
    """The luma of RGB images, [..., 3] to [..., 1].

    >>> round(float(tf.image.rgb_to_grayscale([[[1.0, 1.0, 1.0]]])[0, 0, 0]), 4)
    0.9999

    TensorFlow: tf.image.rgb_to_grayscale.
    """
    with F.name_scope(name or "rgb_to_grayscale"):
        images = convert(images)
        floats = convert_image_dtype(images, dtypes.float32)
        gray = F.tensordot(floats, F.constant([0.2989, 0.5870, 0.1140]), [[-1], [-1]])
        return convert_image_dtype(F.expand_dims(gray, -1), images.dtype)


def grayscale_to_rgb(images: Any, name: str | None = None) -> Any:
    """Images of one channel with that channel three times. TensorFlow: tf.image.grayscale_to_rgb."""
    images = convert(images)
    require(
        images.dims is None or images.dims[-1:] in ((1,), (None,)),
        "Last dimension of a grayscale image should be size 1.",
    )
    return F.concat([images] * 3, -1, name=name or "grayscale_to_rgb")


def rgb_to_hsv(images: Any, name: str | None = None) -> Any:
    """Hue, saturation and value of RGB images with floating values in [0, 1].

    >>> tf.image.rgb_to_hsv([[[0.0, 1.0, 0.0]]]).numpy().round(4).tolist()
    [[[0.3333, 1.0, 1.0]]]

    TensorFlow: tf.image.rgb_to_hsv.
    """
    with F.name_scope(name or "RGBToHSV"):
        red, green, blue = _channels(images, "rgb_to_hsv")
        value = F.maximum(F.maximum(red, green), blue)
        span = value - F.minimum(F.minimum(red, green), blue)
        saturation = F.where(value > 0, span / F.where(value > 0, value, F.ones_like(value)), F.zeros_like(value))
        unit = 1 / (6 * F.where(span > 0, span, F.ones_like(span)))
        from_red, from_green, from_blue = (
            unit * (green - blue),
            unit * (blue - red) + 2 / 6,
            unit * (red - green) + 4 / 6,
        )
        hue = F.where(F.equal(red, value), from_red, F.where(F.equal(green, value), from_green, from_blue))
        hue = F.where(span > 0, hue, F.zeros_like(hue))
        return F.stack([F.where(hue < 0, hue + 1, hue), saturation, value], axis=-1)


def hsv_to_rgb(images: Any, name: str | None = None) -> Any:
    """RGB images from hue, saturation and value in [0, 1]. TensorFlow: tf.image.hsv_to_rgb."""
    with F.name_scope(name or "HSVToRGB"):
        hue, saturation, value = _channels(images, "hsv_to_rgb")
        sixth, gray = hue * 6, 1 - saturation
        pure = F.abs(sixth - 3) - 1, 2 - F.abs(sixth - 2), 2 - F.abs(sixth - 4)
        return F.stack([(gray + saturation * F.clip_by_value(p, 0.0, 1.0)) * value for p in pure], axis=-1)


_YIQ = [[0.299, 0.59590059, 0.2115], [0.587, -0.27455667, -0.52273617], [0.114, -0.32134392, 0.31119955]]
_FROM_YIQ = [[1.0, 1.0, 1.0], [0.95598634, -0.27201283, -1.10674021], [0.6208248, -0.64720424, 1.70423049]]
_YUV = [[0.299, -0.14714119, 0.61497538], [0.587, -0.28886916, -0.51496512], [0.114, 0.43601035, -0.10001026]]
_FROM_YUV = [[1.0, 1.0, 1.0], [0.0, -0.394642334, 2.03206185], [1.13988303, -0.58062185, 0.0]]


def _linear(images: Any, matrix: list[list[float]], what: str) -> Any:
    images = _three_channels(images, what)
    return F.tensordot(images, F.constant(matrix, images.dtype), [[-1], [0]])


def rgb_to_yiq(images: Any) -> Any:
    """RGB images in YIQ, as NTSC has it. TensorFlow: tf.image.rgb_to_yiq."""
    return _linear(images, _YIQ, "rgb_to_yiq")


def yiq_to_rgb(images: Any) -> Any:
    """YIQ images in RGB. TensorFlow: tf.image.yiq_to_rgb."""
    return _linear(images, _FROM_YIQ, "yiq_to_rgb")


def rgb_to_yuv(images: Any) -> Any:
    """RGB images in YUV, as PAL has it. TensorFlow: tf.image.rgb_to_yuv."""
    return _linear(images, _YUV, "rgb_to_yuv")


def yuv_to_rgb(images: Any) -> Any:
    """YUV images in RGB. TensorFlow: tf.image.yuv_to_rgb."""
    return _linear(images, _FROM_YUV, "yuv_to_rgb")


# -- adjustments -------------------------------------------------------------------------------------------------------


def adjust_brightness(image: Any, delta: Any) -> Any:
    """Images with `delta` (in [0, 1) of the range) added to every value, saturating.

    >>> tf.image.adjust_brightness(tf.constant([[[100, 250, 0]]], tf.uint8), 0.1).numpy().tolist()
    [[[125, 255, 25]]]

    TensorFlow: tf.image.adjust_brightness.
    """
    with F.name_scope("adjust_brightness"):
        floats, back = _as_floats(image)
        return back(floats + F.cast(convert(delta, dtype_hint=dtypes.float32), floats.dtype), True)


def adjust_contrast(images: Any, contrast_factor: Any) -> Any:
    """Images whose values' distances from the mean of their channel are multiplied by a factor.

    As in TensorFlow it has no gradient: asking for one is a `LookupError`.

    TensorFlow: tf.image.adjust_contrast.
    """
    with F.name_scope("adjust_contrast"):
        floats, back = _as_floats(images)
        if floats.dims is not None and len(floats.dims) < 3:
            raise ValueError(f"images must be at least 3-dimensional, received shape {floats.shape}")
        factor = F.cast(convert(contrast_factor, dtype_hint=dtypes.float32), floats.dtype)
        return back(_contrasted(floats, factor), True)


@custom_gradient
def _contrasted(floats: Tensor, factor: Tensor) -> tuple[Tensor, Callable[..., Any]]:
    mean = F.reduce_mean(floats, [-3, -2], keepdims=True)
    return (floats - mean) * factor + mean, _no_gradient_of_contrast


def _no_gradient_of_contrast(*_: Any) -> Any:
    raise LookupError("gradient registry has no entry for: AdjustContrastv2")


def adjust_gamma(image: Any, gamma: Any = 1, gain: Any = 1) -> Any:
    """gain * image ** gamma, on values in [0, 1]. `gamma` must not be negative. TensorFlow: tf.image.adjust_gamma."""
    with F.name_scope("adjust_gamma"):
        floats, back = _as_floats(image)
        require(gamma >= 0, "Gamma should be a non-negative real number.")
        return back(gain * floats**gamma, True)


def adjust_hue(image: Any, delta: Any, name: str | None = None) -> Any:
    """RGB images with their hues turned by `delta` in [-1, 1] of the circle.

    TensorFlow: tf.image.adjust_hue.
    """
    with F.name_scope(name or "adjust_hue"):
        known = static_value(delta) if isinstance(delta, Tensor) else delta
        if known is not None and not -1 <= known <= 1:
            raise ValueError(f"delta must be in the interval [-1, 1], received {known}")
        floats, back = _as_floats(_three_channels(image, "adjust_hue", 3, _refused_by_kernel))
        hue, saturation, value = F.unstack(rgb_to_hsv(floats), 3, axis=-1)
        hue = F.floormod(hue + F.cast(convert(delta, dtype_hint=dtypes.float32), floats.dtype), 1.0)
        return back(hsv_to_rgb(F.stack([hue, saturation, value], axis=-1)), False)


def adjust_saturation(image: Any, saturation_factor: Any, name: str | None = None) -> Any:
    """RGB images with their saturation multiplied, kept in [0, 1].

    TensorFlow: tf.image.adjust_saturation.
    """
    with F.name_scope(name or "adjust_saturation"):
        floats, back = _as_floats(_three_channels(image, "adjust_saturation", 3, _refused_by_kernel))
        hue, saturation, value = F.unstack(rgb_to_hsv(floats), 3, axis=-1)
        factor = F.cast(convert(saturation_factor, dtype_hint=dtypes.float32), floats.dtype)
        saturation = F.clip_by_value(saturation * factor, 0.0, 1.0)
        return back(hsv_to_rgb(F.stack([hue, saturation, value], axis=-1)), False)


def per_image_standardization(image: Any) -> Any:
    """Each image with mean 0 and standard deviation 1 (at least 1 / sqrt of its size is divided by).

    >>> tf.image.per_image_standardization([[[1.0], [3.0]]]).numpy().tolist()
    [[[-1.0], [1.0]]]

    TensorFlow: tf.image.per_image_standardization.
    """
    with F.name_scope("per_image_standardization"):
        image = convert(image)
        image_rank(image)
        axes = [*spatial_axes(image), spatial_axes(image)[1] + 1]
        floats = F.cast(image, dtypes.float32)
        count = F.cast(F.reduce_prod(F.gather(F.shape(floats), axes)), floats.dtype)
        mean = F.reduce_mean(floats, axes, keepdims=True)
        deviation = F.reduce_std(floats, axes, keepdims=True)
        return (floats - mean) / F.maximum(deviation, F.rsqrt(count))
