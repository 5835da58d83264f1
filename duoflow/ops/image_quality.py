"""How images differ, from each other and from pixel to pixel."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from duoflow.core import dtypes
from duoflow.core.late import F
from duoflow.core.tensor import Tensor, convert

from .image_color import convert_image_dtype
from .image_shapes import require

__all__ = ["image_gradients", "psnr", "sobel_edges", "ssim", "ssim_multiscale", "total_variation"]

# -- from pixel to pixel -----------------------------------------------------------------------------------------------


def total_variation(images: Any, name: str | None = None) -> Any:
    """The sum of the absolute differences of neighbouring pixels, for each image.

    >>> float(tf.image.total_variation(tf.constant([[[1.0], [3.0]]])))
    2.0

    TensorFlow: tf.image.total_variation.
    """
    with F.name_scope(name or "total_variation"):
        images = convert(images)
        if images.ndim not in (3, 4):
            raise ValueError(f"'images' must be either 3 or 4-dimensional, received shape {images.shape}")
        down = images[..., 1:, :, :] - images[..., :-1, :, :]
        across = images[..., 1:, :] - images[..., :-1, :]
        axes = [-3, -2, -1]
        return F.reduce_sum(F.abs(down), axes) + F.reduce_sum(F.abs(across), axes)


def image_gradients(image: Any) -> tuple[Any, Any]:
    """The differences to the next row and to the next column, zero at the last.

    TensorFlow: tf.image.image_gradients.
    """
    image = convert(image)
    if image.ndim != 4:
        raise ValueError(f"image_gradients expects a 4D tensor [batch_size, h, w, d], not {image.shape}.")
    down = F.pad(image[:, 1:] - image[:, :-1], [[0, 0], [0, 1], [0, 0], [0, 0]])
    across = F.pad(image[:, :, 1:] - image[:, :, :-1], [[0, 0], [0, 0], [0, 1], [0, 0]])
    return down, across


def sobel_edges(image: Any) -> Any:
    """Sobel's edge strength in y and x, in a new last dimension of 2; [batch, height, width, channels].

    TensorFlow: tf.image.sobel_edges.
    """
    image = convert(image)
    smooth, slope = np.array([1, 2, 1]), np.array([-1, 0, 1])
    kernels = np.stack([np.outer(slope, smooth), np.outer(smooth, slope)], -1)[:, :, None, :]
    channels = image.dims[-1] if image.dims is not None and image.dims[-1] is not None else F.shape(image)[-1]
    kernel = F.tile(F.constant(kernels, image.dtype), F.stack([1, 1, channels, 1]))
    padded = F.pad(image, [[0, 0], [1, 1], [1, 1], [0, 0]], mode="REFLECT")
    edges = F.depthwise_conv2d(padded, kernel, [1, 1, 1, 1], "VALID")
    return F.reshape(edges, F.concat([F.shape(image), [2]], 0))


# -- from image to image -----------------------------------------------------------------------------------------------


def _comparable(a: Any, b: Any, max_val: Any) -> tuple[Tensor, Tensor, Tensor]:
    """Two image batches and the largest value in float32; `ValueError` for images that cannot be compared."""
    a, b = convert(a), convert(b)
    _require_same_size(a, b)
    return _as_floats(a, b, max_val)


def _require_same_size(a: Tensor, b: Tensor) -> None:
    for x in (a, b):
        if x.dims is not None and len(x.dims) < 3:
            raise ValueError(f"Images must have shape [..., height, width, channels], received {x.shape}")
    if a.dims is not None and b.dims is not None:
        for m, n in zip(a.dims[-3:], b.dims[-3:], strict=True):
            require(m is None or n is None or m == n, f"The images' shapes {a.shape} and {b.shape} are incompatible.")


def _as_floats(a: Tensor, b: Tensor, max_val: Any) -> tuple[Tensor, Tensor, Tensor]:
    top = convert_image_dtype(F.cast(convert(max_val), a.dtype), dtypes.float32)
    return convert_image_dtype(a, dtypes.float32), convert_image_dtype(b, dtypes.float32), top


def psnr(a: Any, b: Any, max_val: Any, name: str | None = None) -> Any:
    """The peak signal-to-noise ratio in dB of each pair of images with values up to `max_val`.

    >>> round(float(tf.image.psnr(tf.zeros([2, 2, 1]), tf.ones([2, 2, 1]) * 0.1, 1.0)), 3)
    20.0

    TensorFlow: tf.image.psnr.
    """
    with F.name_scope(name or "PSNR"):
        a, b, top = _as_floats(convert(a), convert(b), max_val)
        mse = F.reduce_mean(F.squared_difference(a, b), [-3, -2, -1])
        _require_same_size(a, b)  # what broadcasts; what does not, the difference refuses
        return 20 * F.log(top) / np.float32(np.log(10)) - np.float32(10 / np.log(10)) * F.log(mse)


def _gaussian(size: int, sigma: float) -> Any:
    """A normalised Gaussian window, [size, size, 1, 1]."""
    place = (np.arange(size, dtype=np.float32) - (size - 1) / 2) ** 2 * np.float32(-0.5 / sigma**2)
    window = np.exp(place[None, :] + place[:, None])
    return (window / window.sum()).astype(np.float32)[:, :, None, None]


def _similarity(a: Any, b: Any, top: Any, size: int, sigma: float, k1: float, k2: float) -> tuple[Any, Any]:
    """SSIM and its contrast-structure part around every pixel, for each channel (Wang et al., 2004)."""
    for x in (a, b):
        require(F.reduce_all(F.shape(x)[-3:-1] >= size), f"Images must be at least filter_size={size} in both sizes.")
    kernel = F.tile(_gaussian(size, sigma), F.stack([1, 1, F.shape(a)[-1], 1]))

    def mean(x: Any) -> Any:
        shape = F.shape(x)
        flat = F.reshape(x, F.concat([[-1], shape[-3:]], 0))
        out = F.depthwise_conv2d(flat, kernel, [1, 1, 1, 1], "VALID")
        return F.reshape(out, F.concat([shape[:-3], F.shape(out)[1:]], 0))

    c1, c2 = (k1 * top) ** 2, (k2 * top) ** 2
    mean_a, mean_b = mean(a), mean(b)
    product, squares = mean_a * mean_b * 2.0, F.square(mean_a) + F.square(mean_b)
    luminance = (product + c1) / (squares + c1)
    structure = (mean(a * b) * 2.0 - product + c2) / (mean(F.square(a) + F.square(b)) - squares + c2)
    return luminance * structure, structure


def ssim(
    img1: Any, img2: Any, max_val: Any, filter_size: int = 11, filter_sigma: float = 1.5, k1: float = 0.01,
    k2: float = 0.03, return_index_map: bool = False,
) -> Any:  # fmt: skip
    """The structural similarity of pairs of images, [..., height, width, channels], at least `filter_size` large.

    `return_index_map` gives it around every pixel instead of its mean.

    Wang, Bovik, Sheikh & Simoncelli, 2004. TensorFlow: tf.image.ssim.
    """
    with F.name_scope("SSIM"):
        a, b, top = _comparable(img1, img2, max_val)
        similarity, _ = _similarity(a, b, top, filter_size, filter_sigma, k1, k2)
        if not return_index_map:
            similarity = F.reduce_mean(similarity, [-3, -2])
        return F.reduce_mean(similarity, [-1])


def _halved(x: Any) -> Any:
    """Averages of two by two pixels; odd sizes repeat their last row or column."""
    shape = F.shape(x)
    flat = F.reshape(x, F.concat([[-1], shape[-3:]], 0))
    odd = shape[-3:-1] % 2
    paddings = F.reshape(F.stack([0, 0, 0, odd[0], 0, odd[1], 0, 0]), [4, 2])
    out = F.avg_pool2d(F.pad(flat, paddings, mode="SYMMETRIC"), 2, 2, "VALID")
    return F.reshape(out, F.concat([shape[:-3], F.shape(out)[1:]], 0))


def ssim_multiscale(
    img1: Any, img2: Any, max_val: Any,
    power_factors: Sequence[float] = (0.0448, 0.2856, 0.3001, 0.2363, 0.1333),
    filter_size: int = 11, filter_sigma: float = 1.5, k1: float = 0.01, k2: float = 0.03,
) -> Any:  # fmt: skip
    """The structural similarity over several scales, each half as large as the one before.

    Wang, Simoncelli & Bovik, 2003. TensorFlow: tf.image.ssim_multiscale.
    """
    with F.name_scope("MS-SSIM"):
        a, b, top = _comparable(img1, img2, max_val)
        scores = []
        for scale in range(len(power_factors)):
            if scale:
                a, b = _halved(a), _halved(b)
            similarity, structure = _similarity(a, b, top, filter_size, filter_sigma, k1, k2)
            last = scale == len(power_factors) - 1
            scores.append(F.relu(F.reduce_mean(similarity if last else structure, [-3, -2])))
        powers = F.pow(F.stack(scores, axis=-1), F.constant(list(power_factors), dtypes.float32))
        return F.reduce_mean(F.reduce_prod(powers, [-1]), [-1])
