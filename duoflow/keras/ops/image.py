"""keras.ops.image: sizes, colours, transformations and patches of images [height, width, channels] or batches."""

from __future__ import annotations

import math
from functools import partial
from typing import Any

from duoflow import ops as tf
from duoflow.core.tensor import convert

from ..preferences import standardize_data_format
from .definition import floating, operation
from .warping import elastic_transform, gaussian_blur, map_coordinates, on_batches, perspective_transform
from .windows import conv

__all__ = [
    "affine_transform", "crop_images", "elastic_transform", "extract_patches", "extract_patches_3d", "gaussian_blur",
    "hsv_to_rgb", "map_coordinates", "pad_images", "perspective_transform", "resize", "rgb_to_grayscale", "rgb_to_hsv",
    "scale_and_translate", "sobel_edges", "ssim",
]  # fmt: skip

_operation = partial(operation, module="keras.src.ops.image")


@_operation()
def rgb_to_grayscale(images: Any, data_format: str | None = None) -> Any:
    """The brightness of colours, one channel. Keras: keras.ops.image.rgb_to_grayscale."""
    return on_batches(tf.rgb_to_grayscale, images, data_format)


@_operation()
def rgb_to_hsv(images: Any, data_format: str | None = None) -> Any:
    """Red, green and blue in [0, 1] as hue, saturation and value. Keras: keras.ops.image.rgb_to_hsv."""
    return on_batches(tf.rgb_to_hsv, _floats(images), data_format)


@_operation()
def hsv_to_rgb(images: Any, data_format: str | None = None) -> Any:
    """Hue, saturation and value as red, green and blue. Keras: keras.ops.image.hsv_to_rgb."""
    return on_batches(tf.hsv_to_rgb, _floats(images), data_format)


def _floats(images: Any) -> Any:
    x = convert(images)
    if not x.dtype.is_floating:
        raise ValueError(f"Invalid images dtype: expected float dtype. Received: images.dtype={x.dtype.name}")
    return x


_METHODS = ("bilinear", "nearest", "lanczos3", "lanczos5", "bicubic")


@_operation()
def resize(
    images: Any, size: Any, interpolation: str = "bilinear", antialias: bool = False,
    crop_to_aspect_ratio: bool = False, pad_to_aspect_ratio: bool = False, fill_mode: str = "constant",
    fill_value: float = 0.0, data_format: str | None = None,
) -> Any:  # fmt: skip
    """Images of another size (height, width).

    Args:
      interpolation: "nearest", "bilinear", "bicubic", "lanczos3" or "lanczos5". antialias: smooth what shrinks.
      crop_to_aspect_ratio, pad_to_aspect_ratio: cut off, or fill with `fill_value`, what would distort the image.

    Keras: keras.ops.image.resize.
    """
    if interpolation not in _METHODS:
        raise ValueError(f"Invalid `interpolation` argument. Expected one of {_METHODS}. Received: {interpolation}")
    if fill_mode != "constant":
        raise ValueError(f"Invalid `fill_mode` argument. Only `'constant'` is supported. Received: {fill_mode}")
    if crop_to_aspect_ratio and pad_to_aspect_ratio:
        raise ValueError("Only one of `pad_to_aspect_ratio` & `crop_to_aspect_ratio` can be `True`.")
    if len(size) != 2:
        raise ValueError(f"Expected `size` to be a tuple of 2 integers. Received: size={size}")
    height, width = size

    def resized(x: Any) -> Any:
        kind = x.dtype
        if crop_to_aspect_ratio or pad_to_aspect_ratio:
            x = _fitted(x, height, width, crop_to_aspect_ratio, fill_value)
        out = tf.resize_images(x, (height, width), method=interpolation, antialias=antialias)
        if kind.is_integer and interpolation != "nearest":
            out = tf.saturate_cast(tf.round(out), kind)
        return tf.cast(out, kind)

    return on_batches(resized, images, data_format)


def _fitted(x: Any, height: int, width: int, crop: bool, fill: float) -> Any:
    """Images cut or filled, in the middle, to the shape of the size they will get."""
    have_height, have_width = x.shape[1], x.shape[2]
    tall, wide = int(have_width * height / width), int(have_height * width / height)
    if crop:
        tall, wide = max(min(have_height, tall), 1), max(min(have_width, wide), 1)
        top, left = (have_height - tall) // 2, (have_width - wide) // 2
        return x[:, top : top + tall, left : left + wide]
    # As much on both sides, which leaves out the last row or column of an odd number.
    top, left = max(tall - have_height, 0) // 2, max(wide - have_width, 0) // 2
    return tf.pad(x, [[0, 0], [top, top], [left, left], [0, 0]], constant_values=tf.cast(fill, x.dtype))


@_operation(inputs=2)
def affine_transform(
    images: Any, transform: Any, interpolation: str = "bilinear", fill_mode: str = "constant", fill_value: float = 0,
    data_format: str | None = None,
) -> Any:  # fmt: skip
    """Images moved, turned and sheared: the output at (x, y) is the input at (a0 x + a1 y + a2, b0 x + b1 y + b2).

    Args:
      transform: (a0, a1, a2, b0, b1, b2, c0, c1), all divided by c0 x + c1 y + 1; one, or one for each image.
      interpolation: "nearest" or "bilinear". fill_mode: "constant", "nearest", "wrap" or "reflect".

    Keras: keras.ops.image.affine_transform.
    """
    if interpolation not in ("nearest", "bilinear"):
        raise ValueError(f"Invalid value for argument `interpolation`. Received: interpolation={interpolation}")
    if fill_mode not in ("constant", "nearest", "wrap", "reflect"):
        raise ValueError(f"Invalid value for argument `fill_mode`. Received: fill_mode={fill_mode}")
    transform = tf.cast(transform, "float32")
    if transform.ndim not in (1, 2):
        raise ValueError(
            "Invalid transform rank: expected rank 1 (single transform) or rank 2 (batch of transforms). Received: "
            f"transform.shape={tuple(transform.shape)}"
        )
    transform = tf.expand_dims(transform, 0) if transform.ndim == 1 else transform

    def moved(x: Any) -> Any:
        out = tf.image_projective_transform(
            x, transform, tf.shape(x)[1:3], fill_value, interpolation.upper(), fill_mode.upper()
        )
        return tf.ensure_shape(out, x.shape)

    return on_batches(moved, images, data_format)


@_operation(inputs=1)
def scale_and_translate(
    images: Any, output_shape: Any, scale: Any, translation: Any, spatial_dims: Any, method: str,
    antialias: bool = True,
) -> Any:  # fmt: skip
    """Images scaled and moved onto another canvas, of the batch's height and width axes (1, 2) or an image's (0, 1).

    Keras: keras.ops.image.scale_and_translate.
    """
    x = floating(images)
    single = x.ndim == 3
    if tuple(a % x.ndim for a in spatial_dims) != ((0, 1) if single else (1, 2)):
        raise NotImplementedError(f"Scale along height and width of images. Received: spatial_dims={spatial_dims}")
    kernel = {"linear": "triangle", "bilinear": "triangle", "trilinear": "triangle", "triangle": "triangle",
              "cubic": "keyscubic", "bicubic": "keyscubic", "tricubic": "keyscubic"}.get(method, method)  # fmt: skip
    size = output_shape[:2] if single else output_shape[1:3]
    x = tf.expand_dims(x, 0) if single else x
    scale, translation = tf.cast(scale, "float32"), tf.cast(translation, "float32")
    out = tf.scale_and_translate(x, list(size), scale, translation, kernel_type=kernel, antialias=antialias)
    return tf.squeeze(out, [0]) if single else out


def _extents(name: str, sides: tuple[Any, Any, Any], have: int | None, growing: bool) -> tuple[int, int]:
    """Before and after, of two of: what is before, what is after, the size in the end."""
    before, after, size = sides
    if sum(side is None for side in sides) != 1:
        raise ValueError(f"Must specify exactly two of the three arguments for {name}. Received: {sides}")
    if size is not None:
        assert have is not None
        change = size - have if growing else have - size
        before, after = (change - after, after) if before is None else (before, change - before)
    if before < 0 or after < 0:
        raise ValueError(f"The parts before and after must not be negative for {name}. Received: {sides} of {have}")
    return before, after


@_operation()
def pad_images(
    images: Any, top_padding: int | None = None, left_padding: int | None = None, bottom_padding: int | None = None,
    right_padding: int | None = None, target_height: int | None = None, target_width: int | None = None,
    data_format: str | None = None,
) -> Any:  # fmt: skip
    """Images with zeros around, of two of the three measures for each direction. Keras: keras.ops.image.pad_images."""

    def padded(x: Any) -> Any:
        rows = _extents("the height", (top_padding, bottom_padding, target_height), x.shape[1], True)
        columns = _extents("the width", (left_padding, right_padding, target_width), x.shape[2], True)
        return tf.pad(x, [[0, 0], list(rows), list(columns), [0, 0]])

    return on_batches(padded, images, data_format)


@_operation()
def crop_images(
    images: Any, top_cropping: int | None = None, left_cropping: int | None = None, bottom_cropping: int | None = None,
    right_cropping: int | None = None, target_height: int | None = None, target_width: int | None = None,
    data_format: str | None = None,
) -> Any:  # fmt: skip
    """A part of images, by two of the three measures for each direction. Keras: keras.ops.image.crop_images."""

    def cropped(x: Any) -> Any:
        top, bottom = _extents("the height", (top_cropping, bottom_cropping, target_height), x.shape[1], False)
        left, right = _extents("the width", (left_cropping, right_cropping, target_width), x.shape[2], False)
        return x[:, top : x.shape[1] - bottom, left : x.shape[2] - right]

    return on_batches(cropped, images, data_format)


@_operation()
def extract_patches(
    images: Any, size: Any, strides: Any = None, dilation_rate: Any = 1, padding: str = "valid",
    data_format: str | None = None,
) -> Any:  # fmt: skip
    """Patches of images, each flat along the channels; of volumes for a `size` of three.

    Keras: keras.ops.image.extract_patches.
    """
    if not isinstance(size, int) and len(size) == 3:
        return _patches_of_volumes(images, tuple(size), strides, dilation_rate, padding, data_format)
    window = (size, size) if isinstance(size, int) else tuple(size)
    steps = window if strides is None else (strides, strides) if isinstance(strides, int) else tuple(strides)
    rates = (dilation_rate, dilation_rate) if isinstance(dilation_rate, int) else tuple(dilation_rate)

    def cut(x: Any) -> Any:
        return tf.extract_patches(x, (1, *window, 1), (1, *steps, 1), (1, *rates, 1), padding.upper())

    return on_batches(cut, images, data_format)


@_operation()
def extract_patches_3d(
    volumes: Any, size: Any, strides: Any = None, dilation_rate: Any = 1, padding: str = "valid",
    data_format: str | None = None,
) -> Any:  # fmt: skip
    """Patches of volumes [batch, depth, height, width, channels], or of one, each flat along the channels.

    Keras: keras.ops.image.extract_patches_3d.
    """
    window = (size, size, size) if isinstance(size, int) else tuple(size)
    return _patches_of_volumes(volumes, window, strides, dilation_rate, padding, data_format)


def _patches_of_volumes(
    volumes: Any, window: tuple[int, ...], strides: Any, dilation_rate: Any, padding: str, data_format: str | None
) -> Any:
    if len(window) != 3:
        raise TypeError(f"Invalid `size` argument. Expected an int or a tuple of length 3. Received: size={window}")
    x = convert(volumes)
    single, first = x.ndim == 4, standardize_data_format(data_format) == "channels_first"
    channels = x.shape[-4] if first else x.shape[-1]
    values = math.prod(window) * channels
    # A filter for each value of a patch, which is one there and zero elsewhere.
    kernel = tf.reshape(tf.eye(values, dtype=x.dtype), [*window, channels, values])
    strides = window if strides is None else strides
    x = conv(tf.expand_dims(x, 0) if single else x, kernel, strides, padding, data_format, dilation_rate)
    return tf.squeeze(x, [0]) if single else x


@_operation()
def sobel_edges(images: Any, data_format: str | None = None) -> Any:
    """How brightness rises along height and width, as a new last axis of two. Keras: keras.ops.image.sobel_edges."""
    if standardize_data_format(data_format) == "channels_first":
        return tf.transpose(tf.sobel_edges(tf.transpose(images, [0, 2, 3, 1])), [0, 3, 1, 2, 4])
    return tf.sobel_edges(convert(images))


@_operation(inputs=2)
def ssim(
    image1: Any, image2: Any, max_val: float = 1.0, filter_size: int = 11, filter_sigma: float = 1.5,
    k1: float = 0.01, k2: float = 0.03, data_format: str | None = None,
) -> Any:  # fmt: skip
    """How alike the structure of images is, 1 for the same. Wang et al. 2004. Keras: keras.ops.image.ssim."""
    a, b = convert(image1), convert(image2)
    if standardize_data_format(data_format) == "channels_first":
        order = [*range(a.ndim - 3), a.ndim - 2, a.ndim - 1, a.ndim - 3]
        a, b = tf.transpose(a, order), tf.transpose(b, order)
    return tf.ssim(a, b, max_val, filter_size, filter_sigma, k1, k2)
