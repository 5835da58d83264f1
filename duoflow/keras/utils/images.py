"""Pictures as Pillow's images and as arrays: keras.utils.load_img and its like."""

from __future__ import annotations

import io
import warnings
from pathlib import Path
from typing import Any

import numpy as np

from duoflow import ops as tf

from ..preferences import floatx, standardize_data_format

__all__ = ["array_to_img", "img_to_array", "load_img", "save_img", "smart_resize"]

_MODES = {"grayscale": ("L", "I;16", "I"), "rgb": ("RGB",), "rgba": ("RGBA",)}
_INTERPOLATIONS = ("nearest", "bilinear", "bicubic", "hamming", "box", "lanczos")


def _pillow(function: str) -> Any:
    try:
        import PIL.Image  # optional: only programs that work with pictures need it
    except ImportError:
        raise ImportError(
            f"Could not import PIL.Image. The use of `{function}` requires PIL: `pip install duoflow[image]`."
        ) from None
    return PIL.Image


def load_img(
    path: Any, color_mode: str = "rgb", target_size: Any = None, interpolation: str = "nearest",
    keep_aspect_ratio: bool = False,
) -> Any:  # fmt: skip
    """A picture from a file, as Pillow's image.

    Args:
      path: of the file, or a BytesIO. color_mode: "grayscale", "rgb" or "rgba".
      target_size: (height, width) to resize to. interpolation: "nearest", "bilinear", "bicubic", "hamming", "box" or
        "lanczos".
      keep_aspect_ratio: whether to cut off what is too high or too wide before resizing.

    Raises `ImportError` without Pillow, `ValueError` for other modes and interpolations.

    Keras: keras.utils.load_img.
    """
    pillow = _pillow("load_img")
    if color_mode not in _MODES:
        raise ValueError(f'color_mode must be "grayscale", "rgb", or "rgba". Received: {color_mode!r}')
    if isinstance(path, io.BytesIO):
        img = pillow.open(path)
    elif isinstance(path, Path | str | bytes):
        with open(path, "rb") as file:
            img = pillow.open(io.BytesIO(file.read()))
    else:
        raise TypeError(f"path should be path-like or io.BytesIO, not {type(path)}")
    if img.mode not in _MODES[color_mode]:
        img = img.convert(_MODES[color_mode][0])
    if target_size is None or img.size == (target_size[1], target_size[0]):
        return img
    if interpolation not in _INTERPOLATIONS:
        raise ValueError(
            f"Invalid interpolation method {interpolation} specified. Supported methods are "
            f"{', '.join(_INTERPOLATIONS)}"
        )
    resample = getattr(pillow.Resampling, interpolation.upper())
    box = _centre(img.size, target_size) if keep_aspect_ratio else None
    return img.resize((target_size[1], target_size[0]), resample, box=box)


def _centre(size: tuple[int, int], target_size: Any) -> tuple[int, int, int, int]:
    """The largest box in the middle of a picture (width, height) with the proportions of the target."""
    width, height = size
    crop_width = min(width, height * target_size[1] // target_size[0])
    crop_height = min(height, width * target_size[0] // target_size[1])
    left, top = (width - crop_width) // 2, (height - crop_height) // 2
    return left, top, left + crop_width, top + crop_height


def img_to_array(img: Any, data_format: str | None = None, dtype: Any = None) -> np.ndarray[Any, Any]:
    """Pillow's image as an array [height, width, channels] (or channels first).

    Raises `ValueError` for what has neither two nor three dimensions.

    Keras: keras.utils.img_to_array.
    """
    first = standardize_data_format(data_format) == "channels_first"
    x = np.asarray(img, dtype=dtype or floatx())
    if x.ndim not in (2, 3):
        raise ValueError(f"Unsupported image shape: {x.shape}")
    x = x[:, :, None] if x.ndim == 2 else x
    return x.transpose(2, 0, 1) if first else x


def array_to_img(x: Any, data_format: str | None = None, scale: bool = True, dtype: Any = None) -> Any:
    """An array [height, width, 1, 3 or 4] (or channels first) as Pillow's image.

    Args:
      scale: whether the least and greatest value become black and white.

    Keras: keras.utils.array_to_img. Raises `ImportError` without Pillow, `ValueError` for other shapes.
    """
    data_format = standardize_data_format(data_format)
    pillow = _pillow("array_to_img")
    x = np.asarray(x, dtype=dtype or floatx())
    if x.ndim != 3:
        raise ValueError(f"Expected image array to have rank 3 (single image). Got array with shape: {x.shape}")
    if data_format == "channels_first":
        x = x.transpose(1, 2, 0)
    if scale:
        x = x - np.min(x)
        top = np.max(x)
        x = (x / top if top != 0 else x) * 255
    if x.shape[2] not in (1, 3, 4):
        raise ValueError(f"Unsupported channel number: {x.shape[2]}")
    if x.shape[2] == 1:
        return pillow.fromarray(x[:, :, 0].astype("int32" if np.max(x) > 255 else "uint8"))
    return pillow.fromarray(np.ascontiguousarray(x.astype("uint8")))


def save_img(
    path: Any, x: Any, data_format: str | None = None, file_format: str | None = None, scale: bool = True, **kwargs: Any
) -> None:
    """Write an array as a picture; the format follows from the name's ending unless given.

    Keras: keras.utils.save_img.
    """
    if file_format is None and isinstance(path, str | Path):
        file_format = Path(path).suffix[1:].lower()
    if file_format and file_format.lower() == "jpg":
        file_format = "jpeg"
    img = array_to_img(x, data_format=data_format, scale=scale)
    if img.mode == "RGBA" and file_format == "jpeg":
        warnings.warn("The JPEG format does not support RGBA images, converting to RGB.", stacklevel=2)
        img = img.convert("RGB")
    img.save(path, format=file_format, **kwargs)


def smart_resize(
    x: Any, size: Any, interpolation: str = "bilinear", data_format: str = "channels_last", **kwargs: Any
) -> Any:
    """Images resized without distortion: the middle, in the proportions of `size`, is cut out first.

    Args:
      x: [height, width, channels] or a batch of these, an array or a tensor. size: (height, width).
      interpolation: as `tf.image.resize` has it.

    Raises `ValueError` for other shapes.

    Keras: keras.preprocessing.image.smart_resize.
    """
    if kwargs:
        raise TypeError(f"smart_resize() got unexpected keyword arguments: {list(kwargs)}")
    if len(size) != 2:
        raise ValueError(f"Expected `size` to be a tuple of 2 integers, but got: {size}.")
    img = tf.convert_to_tensor(x)
    if img.shape.rank not in (3, 4):
        raise ValueError(
            "Expected an image array with shape `(height, width, channels)`, or `(batch_size, height, width, "
            f"channels)`, but got input with incorrect rank, of shape {img.shape}."
        )
    order = ([0, 2, 3, 1] if img.shape.rank == 4 else [1, 2, 0]) if data_format == "channels_first" else None
    img = img if order is None else tf.transpose(img, order)
    height, width = (tf.shape(img)[d] if img.shape[d] is None else img.shape[d] for d in (-3, -2))
    rows, columns = _part(height, width, size), _part(width, height, size[::-1])
    top, left = (height - rows) // 2, (width - columns) // 2
    img = tf.resize_images(img[..., top : top + rows, left : left + columns, :], size, method=interpolation)
    if order is not None:
        img = tf.transpose(img, [0, 3, 1, 2] if img.shape.rank == 4 else [2, 0, 1])
    return img.numpy() if isinstance(x, np.ndarray) else img


def _part(length: Any, other: Any, size: Any) -> Any:
    """How much of a length is kept, given the other one and the target's sizes, this one first."""
    if isinstance(length, int) and isinstance(other, int):
        return max(min(length, int(float(other * size[0]) / size[1])), 1)
    wanted = tf.cast(tf.cast(other * size[0], "float32") / float(size[1]), "int32")
    return tf.maximum(tf.minimum(length, wanted), 1)
