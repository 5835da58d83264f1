"""Where the pixels of images go: crops, borders, mirrors, quarter turns and patches. No pixel changes its value."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from duoflow.core import dtypes
from duoflow.core.errors import UnimplementedError
from duoflow.core.late import F
from duoflow.core.tensor import Tensor, convert, static_value

from .convolution import of_rank
from .image_shapes import as_batch, from_batch, image_rank, image_size, require, spatial_axes
from .static import int_tensor, invalid

__all__ = [
    "central_crop", "crop_to_bounding_box", "extract_glimpse", "extract_patches", "flip_left_right", "flip_up_down",
    "image_transpose", "pad_to_bounding_box", "resize_with_crop_or_pad", "rot90",
]  # fmt: skip

# -- crops and borders -------------------------------------------------------------------------------------------------


def crop_to_bounding_box(
    image: Any, offset_height: Any, offset_width: Any, target_height: Any, target_width: Any
) -> Any:
    """The part of an image (or images) that begins at an offset and has a given size.

    Raises `ValueError` for a box that is empty or reaches beyond the image (`InvalidArgumentError` at run time).

    >>> image = tf.reshape(tf.range(9), [3, 3, 1])
    >>> tf.image.crop_to_bounding_box(image, 1, 0, 2, 2)[:, :, 0].numpy().tolist()
    [[3, 4], [6, 7]]

    TensorFlow: tf.image.crop_to_bounding_box.
    """
    with F.name_scope("crop_to_bounding_box"):
        images, batched = as_batch(image)
        height, width = image_size(images)
        require(offset_width >= 0, "offset_width must be >= 0.")
        require(offset_height >= 0, "offset_height must be >= 0.")
        require(target_width > 0, "target_width must be > 0.")
        require(target_height > 0, "target_height must be > 0.")
        require(width >= target_width + offset_width, "width must be >= target + offset.")
        require(height >= target_height + offset_height, "height must be >= target + offset.")
        begin, size = F.stack([0, offset_height, offset_width, 0]), F.stack([-1, target_height, target_width, -1])
        return from_batch(F.slice(images, begin, size), batched)


def pad_to_bounding_box(
    image: Any, offset_height: Any, offset_width: Any, target_height: Any, target_width: Any
) -> Any:
    """An image (or images) at an offset inside zeros of a given size.

    Raises `ValueError` for a target that does not hold the image there (`InvalidArgumentError` at run time).

    >>> tf.image.pad_to_bounding_box(tf.ones([1, 1, 1]), 1, 0, 2, 2)[:, :, 0].numpy().tolist()
    [[0.0, 0.0], [1.0, 0.0]]

    TensorFlow: tf.image.pad_to_bounding_box.
    """
    with F.name_scope("pad_to_bounding_box"):
        images, batched = as_batch(image)
        height, width = image_size(images)
        below, right = target_height - offset_height - height, target_width - offset_width - width
        require(offset_height >= 0, "offset_height must be >= 0.")
        require(offset_width >= 0, "offset_width must be >= 0.")
        require(right >= 0, "width must be <= target - offset.")
        require(below >= 0, "height must be <= target - offset.")
        paddings = F.reshape(F.stack([0, 0, offset_height, below, offset_width, right, 0, 0]), [4, 2])
        padded = F.pad(images, paddings)
        sizes = [None if isinstance(n, Tensor) else int(n) for n in (target_height, target_width)]
        if None not in sizes and padded.dims[1:3] != tuple(sizes):
            padded = F.ensure_shape(padded, [padded.dims[0], *sizes, padded.dims[3]])
        return from_batch(padded, batched)


def _either(function: Any, x: Any, y: Any) -> Any:
    """`function` of Python numbers if both are, else of tensors."""
    if isinstance(x, Tensor) or isinstance(y, Tensor):
        return {min: F.minimum, max: F.maximum}[function](x, y)
    return function(x, y)


def resize_with_crop_or_pad(image: Any, target_height: Any, target_width: Any) -> Any:
    """An image (or images) cut down to its centre, or padded evenly with zeros, to a given size.

    >>> tf.image.resize_with_crop_or_pad(tf.ones([4, 1, 1]), 2, 3)[:, :, 0].numpy().tolist()
    [[0.0, 1.0, 0.0], [0.0, 1.0, 0.0]]

    TensorFlow: tf.image.resize_with_crop_or_pad.
    """
    with F.name_scope("resize_image_with_crop_or_pad"):
        images, batched = as_batch(image)
        require(target_width > 0, "target_width must be > 0.")
        require(target_height > 0, "target_height must be > 0.")
        height, width = image_size(images)
        taller, wider = target_height - height, target_width - width
        cropped = crop_to_bounding_box(
            images,
            _either(max, -taller // 2, 0),
            _either(max, -wider // 2, 0),
            _either(min, target_height, height),
            _either(min, target_width, width),
        )
        top, left = _either(max, taller // 2, 0), _either(max, wider // 2, 0)
        return from_batch(pad_to_bounding_box(cropped, top, left, target_height, target_width), batched)


def central_crop(image: Any, central_fraction: Any) -> Any:
    """The centre of an image (or images): the given fraction, in (0, 1], of its height and of its width.

    >>> tf.image.central_crop(tf.ones([4, 8, 3]), 0.5).shape
    TensorShape([2, 4, 3])

    TensorFlow: tf.image.central_crop.
    """
    with F.name_scope("central_crop"):
        image = convert(image)
        known = static_value(central_fraction) if isinstance(central_fraction, Tensor) else np.asarray(central_fraction)
        if known is not None:
            if not 0 < known <= 1:
                raise ValueError(f"central_fraction must be within (0, 1]. Received: {known}")
            if known == 1:
                return image
        image_rank(image)
        begins = [_margin(n, central_fraction if known is None else float(known)) for n in image_size(image)]
        sizes = [n - 2 * begin for n, begin in zip(image_size(image), begins, strict=True)]
        lead, all_of = ([], []) if len(image.dims or (0,) * 3) == 3 else ([0], [-1])
        return F.slice(image, F.stack([*lead, *begins, 0]), F.stack([*all_of, *sizes, -1]))


def _margin(size: Any, fraction: Any) -> Any:
    """How much is cut off at each side."""
    if isinstance(size, Tensor) or isinstance(fraction, Tensor):
        size, fraction = F.cast(size, dtypes.float64), F.cast(fraction, dtypes.float64)
        return F.cast((size - size * fraction) / 2, dtypes.int32)
    return int((size - size * fraction) / 2)


# -- mirrors and turns -------------------------------------------------------------------------------------------------


def flip_left_right(image: Any) -> Any:
    """Images mirrored along their width.

    >>> tf.image.flip_left_right([[[1], [2]], [[3], [4]]])[:, :, 0].numpy().tolist()
    [[2, 1], [4, 3]]

    TensorFlow: tf.image.flip_left_right.
    """
    with F.name_scope("flip_left_right"):
        image = convert(image)
        return F.reverse(image, [spatial_axes(image)[1]])


def flip_up_down(image: Any) -> Any:
    """Images mirrored along their height. TensorFlow: tf.image.flip_up_down."""
    with F.name_scope("flip_up_down"):
        image = convert(image)
        return F.reverse(image, [spatial_axes(image)[0]])


def image_transpose(image: Any, name: str | None = None) -> Any:
    """Images with height and width exchanged. TensorFlow: tf.image.transpose."""
    image = convert(image)
    perm = [1, 0, 2] if image_rank(image) == 3 else [0, 2, 1, 3]
    return F.transpose(image, perm, name=name or "transpose")


def rot90(image: Any, k: Any = 1, name: str | None = None) -> Any:
    """Images turned counter-clockwise by `k` quarters of a circle.

    >>> tf.image.rot90([[[1], [2]], [[3], [4]]])[:, :, 0].numpy().tolist()
    [[2, 4], [1, 3]]

    TensorFlow: tf.image.rot90.
    """
    with F.name_scope(name or "rot90"):
        image = convert(image)
        rows, columns = spatial_axes(image)
        turns = (
            lambda: F.identity(image),
            lambda: image_transpose(F.reverse(image, [columns])),
            lambda: F.reverse(image, [rows, columns]),
            lambda: F.reverse(image_transpose(image), [columns]),
        )
        k = int_tensor(k)
        known = static_value(k)
        if known is not None:
            return turns[int(known) % 4]()
        return F.switch_case(F.floormod(k, 4), turns)


# -- patches -----------------------------------------------------------------------------------------------------------


def extract_patches(
    images: Any, sizes: Sequence[int], strides: Sequence[int], rates: Sequence[int], padding: str,
    name: str | None = None,
) -> Any:  # fmt: skip
    """Windows over images, the pixels of each in one vector: [batch, rows, columns, size * size * channels].

    Args:
      images: [batch, height, width, channels].
      sizes, strides, rates: [1, rows, columns, 1]: the extent of a window, the steps between windows and between the
        pixels of one.
      padding: "VALID" or "SAME" (zeros around).

    >>> patches = tf.image.extract_patches(tf.ones([1, 4, 6, 3]), [1, 2, 3, 1], [1, 2, 3, 1], [1, 1, 1, 1], "VALID")
    >>> patches.shape
    TensorShape([1, 2, 2, 18])

    TensorFlow: tf.image.extract_patches.
    """
    size, stride, rate = (_inner(v, what) for v, what in ((sizes, "sizes"), (strides, "strides"), (rates, "rates")))
    if padding not in ("SAME", "VALID"):
        raise invalid(f"padding must be 'SAME' or 'VALID', received {padding!r}")
    with F.name_scope(name or "ExtractImagePatches"):
        images = of_rank(convert(images), 4)
        if images.ndim != 4:
            raise invalid(f"images must be [batch, height, width, channels], received shape {images.shape}")
        channels = images.dims[3]
        for d in (0, 1):
            images = _windows(images, 1 + 2 * d, size[d], stride[d], rate[d], padding)
        images = F.transpose(images, [0, 1, 3, 2, 4, 5])
        shape = F.shape(images)
        depth = -1 if channels is None else size[0] * size[1] * channels
        return F.reshape(images, F.stack([shape[0], shape[1], shape[2], depth]))


def _inner(values: Sequence[int], what: str) -> tuple[int, int]:
    values = [int(v) for v in values]
    if len(values) != 4 or min(values) < 1:
        raise invalid(f"`{what}` must be [1, rows, columns, 1] with positive numbers. Received: {values}")
    if values[0] != 1 or values[3] != 1:
        raise UnimplementedError(f"`{what}` must be [1, rows, columns, 1]. Received: {values}").here()
    return values[1], values[2]


def _windows(x: Any, axis: int, size: int, stride: int, rate: int, padding: str) -> Any:
    """`axis` replaced by two: the windows, and the positions in each."""
    extent = (size - 1) * rate + 1
    length = x.dims[axis] if x.dims[axis] is not None else F.shape(x)[axis]
    if padding == "SAME":
        count = (length + stride - 1) // stride
    else:
        count = _either(max, (length - extent) // stride + 1, 0)
    if padding == "SAME":
        missing = _either(max, (count - 1) * stride + extent - length, 0)
        pads: list[Any] = [0] * (2 * x.ndim)
        pads[2 * axis], pads[2 * axis + 1] = missing // 2, missing - missing // 2
        if not (isinstance(missing, int) and missing == 0):
            x = F.pad(x, F.reshape(F.stack(pads), [-1, 2]))
    places = F.expand_dims(F.range(count) * stride, 1) + np.arange(size, dtype=np.int32) * rate
    return F.gather(x, places, axis=axis)


def extract_glimpse(
    input: Any, size: Any, offsets: Any, centered: bool = True, normalized: bool = True, noise: str = "uniform",
    name: str | None = None,
) -> Any:  # fmt: skip
    """A window of `size` from each image around its offset; what lies outside is filled.

    Args:
      input: [batch, height, width, channels], float32. size: two ints. offsets: [batch, 2], (row, column).
      centered: whether (0, 0) is the centre of the image, and not its corner. normalized: whether offsets are in the
        image's size (its half if centered; they are then the centre of the window) and not in pixels.
      noise: what fills the outside: "uniform" or "gaussian" noise, or "zero".

    TensorFlow: tf.image.extract_glimpse.
    """
    if noise not in ("uniform", "gaussian", "zero"):
        raise ValueError(f"noise must be 'uniform', 'gaussian' or 'zero'. Received: {noise!r}")
    with F.name_scope(name or "ExtractGlimpse"):
        images, offsets = convert(input, dtype_hint=dtypes.float32), convert(offsets, dtype=dtypes.float32)
        size = convert(size, dtype=dtypes.int32)
        extent = F.cast(F.stack(image_size(images)), dtypes.float32)
        window = F.cast(size, dtypes.float32)
        at = offsets * extent if normalized else offsets
        if centered:
            at = (at + extent - window) / 2 if normalized else at + extent / 2
        begin = F.cast(at, dtypes.int32)
        rows, columns = (
            F.expand_dims(begin[:, d], 1) + F.expand_dims(F.range(size[d]), 0) for d in (0, 1)
        )  # fmt: skip
        height, width = image_size(images)
        inside = F.logical_and(
            F.expand_dims((rows >= 0) & (rows < height), 2), F.expand_dims((columns >= 0) & (columns < width), 1)
        )
        taken = F.gather(images, F.clip_by_value(rows, 0, height - 1), axis=1, batch_dims=1)
        taken = F.transpose(taken, [0, 2, 1, 3])
        taken = F.gather(taken, F.clip_by_value(columns, 0, width - 1), axis=1, batch_dims=1)
        taken = F.transpose(taken, [0, 2, 1, 3])
        draw = {"uniform": F.random_uniform, "gaussian": F.random_normal}.get(noise)
        around = F.zeros_like(taken) if draw is None else draw(F.shape(taken), dtype=taken.dtype)
        return F.where(F.expand_dims(inside, 3), taken, around)
