"""keras.ops.image: pixels taken from other places (coordinates, perspective, elastic) and smoothed."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable
from functools import partial
from typing import Any

from duoflow import ops as tf
from duoflow.core.tensor import convert

from ..preferences import standardize_data_format
from ..random import draw_seed
from .definition import floating, operation

__all__ = ["elastic_transform", "gaussian_blur", "map_coordinates", "perspective_transform"]

_operation = partial(operation, module="keras.src.ops.image")
_INTERPOLATIONS = ("nearest", "bilinear")
_FILL_MODES = ("constant", "nearest", "wrap", "mirror", "reflect")


def on_batches(function: Callable[[Any], Any], images: Any, data_format: str | None) -> Any:
    """Apply a function of batches with channels last to images of another form, and turn the result back."""
    x = convert(images)
    if x.ndim not in (3, 4):
        raise ValueError(
            "Invalid images rank: expected rank 3 (single image) or rank 4 (batch of images). Received: "
            f"images.shape={tuple(x.shape)}"
        )
    single, first = x.ndim == 3, standardize_data_format(data_format) == "channels_first"
    x = tf.expand_dims(x, 0) if single else x
    x = function(tf.transpose(x, [0, 2, 3, 1]) if first else x)
    x = tf.transpose(x, [0, 3, 1, 2]) if first else x
    return tf.squeeze(x, [0]) if single else x


def _known(name: str, value: str, choices: tuple[str, ...]) -> str:
    if value not in choices:
        raise ValueError(f"Invalid value for argument `{name}`. Expected one of {choices}. Received: {name}={value}")
    return value


@_operation()
def gaussian_blur(
    images: Any, kernel_size: Any = (3, 3), sigma: Any = (1.0, 1.0), data_format: str | None = None
) -> Any:
    """Images smoothed by a bell of `sigma` over `kernel_size` pixels. Keras: keras.ops.image.gaussian_blur."""
    return on_batches(lambda x: _blurred(x, kernel_size, sigma), floating(images), data_format)


def _blurred(x: Any, kernel_size: Any, sigma: Any) -> Any:
    # As Keras lays it out: the second size and deviation first, read in the shape of the first.
    kernel = tf.expand_dims(_bell(kernel_size[1], sigma[1], x.dtype), 1) * _bell(kernel_size[0], sigma[0], x.dtype)
    filters = tf.tile(tf.reshape(kernel, [*kernel_size, 1, 1]), [1, 1, x.shape[-1], 1])
    return tf.depthwise_conv2d(x, filters, [1, 1, 1, 1], "SAME")


def _bell(size: Any, sigma: Any, dtype: Any) -> Any:
    places = tf.cast(tf.range(size), dtype) - tf.cast(size - 1, dtype) / 2
    weights = tf.exp(-0.5 * tf.square(places / tf.cast(sigma, dtype)))
    return weights / tf.reduce_sum(weights)


@_operation(inputs=2)
def map_coordinates(
    inputs: Any, coordinates: Any, order: int, fill_mode: str = "constant", fill_value: Any = 0
) -> Any:
    """Values of an array at places between its elements.

    Args:
      coordinates: [rank of inputs, *shape of the result], or a list of one array for each axis. order: 0 for the
        nearest element, 1 for a mean of those around.
      fill_mode: what is outside: "constant", "nearest", "wrap", "mirror" or "reflect".

    >>> tf.keras.ops.image.map_coordinates(np.array([0.0, 10.0]), [[0.25, 1.0]], order=1).numpy()
    array([ 2.5, 10. ])

    Keras: keras.ops.image.map_coordinates.
    """
    x, places = convert(inputs), convert(coordinates)
    if places.shape[0] != x.ndim:
        raise ValueError(
            "First dim of `coordinates` must be the same as the rank of `inputs`. Received inputs with shape: "
            f"{tuple(x.shape)} and coordinate leading dim of {places.shape[0]}"
        )
    if places.ndim < 2:
        raise ValueError(
            f"Invalid coordinates rank: expected at least rank 2. Received input with shape: {tuple(places.shape)}"
        )
    return _sampled(x, tf.unstack(places), order, _known("fill_mode", fill_mode, _FILL_MODES), fill_value)


def _sampled(x: Any, places: list[Any], order: int, fill_mode: str, fill_value: Any) -> Any:
    """The parts of x at places on its first axes; integers are exact places. What is not mixed keeps its axes."""
    if order not in (0, 1):
        raise NotImplementedError(f"map_coordinates requires order<=1. Received: order={order}")
    kind = next((place.dtype for place in places if place.dtype.is_floating), places[0].dtype)
    nodes = []
    for place, size in zip(places, tf.unstack(tf.shape(x)[: len(places)], len(places)), strict=True):
        around = [(tf.cast(place if place.dtype.is_integer else tf.round(place), "int32"), 1)]
        if order == 1 and place.dtype.is_floating:
            before = tf.floor(place)
            index = tf.cast(before, "int32")
            around = [(index, 1 - (place - before)), (index + 1, place - before)]
        nodes.append([(*_inside(index, size, fill_mode), weight) for index, weight in around])
    out = 0
    for corner in itertools.product(*nodes):
        indices, valid, weights = zip(*corner, strict=True)
        found = tf.cast(tf.gather_nd(x, tf.stack(indices, axis=-1)), kind)
        beside = [1] * (x.ndim - len(places))

        def spread(value: Any, beside: list[int] = beside) -> Any:
            return tf.reshape(value, [*tf.unstack(tf.shape(value)), *beside]) if beside else value

        if fill_mode == "constant":
            found = tf.where(spread(tf.reduce_all(tf.stack(valid), 0)), found, tf.cast(fill_value, kind))
        weight = math.prod(weights)
        out = out + found * (weight if isinstance(weight, int) else spread(weight))
    return tf.cast(tf.round(out) if x.dtype.is_integer and kind.is_floating else out, x.dtype)


def _inside(index: Any, size: Any, fill_mode: str) -> tuple[Any, Any]:
    """The index that stands for one outside of an axis, and whether it was inside."""
    valid = (index >= 0) & (index < size)
    if fill_mode == "wrap":
        return tf.floormod(index, size), valid
    if fill_mode in ("mirror", "reflect"):
        within = tf.floormod(tf.abs(index), size * 2)
        back = size * 2 - within - (1 if fill_mode == "reflect" else 0)
        index = tf.where(within < size, within, back)
    return tf.clip_by_value(index, 0, size - 1), valid


@_operation(inputs=3)
def perspective_transform(
    images: Any, start_points: Any, end_points: Any, interpolation: str = "bilinear", fill_value: Any = 0,
    data_format: str | None = None,
) -> Any:  # fmt: skip
    """Images as seen from where the corners at `start_points` are at `end_points`.

    Args:
      start_points, end_points: four (x, y), [4, 2], or four for each image. interpolation: "nearest" or "bilinear".

    Keras: keras.ops.image.perspective_transform.
    """
    _known("interpolation", interpolation, _INTERPOLATIONS)
    start, end = tf.cast(start_points, "float32"), tf.cast(end_points, "float32")
    for name, points in (("start_points", start), ("end_points", end)):
        if points.ndim not in (2, 3) or tuple(points.shape[-2:]) != (4, 2):
            raise ValueError(
                f"Invalid {name} shape: expected (4,2) for a single image or (N,4,2) for a batch. Received shape: "
                f"{tuple(points.shape)}"
            )
    if start.ndim != end.ndim or tuple(start.shape) != tuple(end.shape):
        raise ValueError(
            "start_points and end_points must have the same shape. Received start_points.shape="
            f"{tuple(start.shape)}, end_points.shape={tuple(end.shape)}"
        )
    transform = homography(tf.reshape(start, [-1, 4, 2]), tf.reshape(end, [-1, 4, 2]))

    def moved(x: Any) -> Any:
        size, method = tf.shape(x)[1:3], interpolation.upper()
        return tf.ensure_shape(tf.image_projective_transform(x, transform, size, fill_value, method), x.shape)

    return on_batches(moved, images, data_format)


def homography(start: Any, end: Any) -> Any:
    """The eight numbers, [images, 8], of the projection that takes the end points to the start points."""
    (x, y), zero, one = tf.unstack(end, 2, axis=-1), tf.zeros_like(end[..., 0]), tf.ones_like(end[..., 0])
    to_x, to_y = tf.unstack(start, 2, axis=-1)
    across = tf.stack([x, y, one, zero, zero, zero, -to_x * x, -to_x * y], axis=-1)
    down = tf.stack([zero, zero, zero, x, y, one, -to_y * x, -to_y * y], axis=-1)
    # The equations of each corner stand together.
    equations = tf.reshape(tf.stack([across, down], axis=2), [-1, 8, 8])
    return tf.reshape(tf.solve(equations, tf.reshape(start, [-1, 8, 1])), [-1, 8])


@_operation()
def elastic_transform(
    images: Any, alpha: Any = 20.0, sigma: Any = 5.0, interpolation: str = "bilinear", fill_mode: str = "reflect",
    fill_value: Any = 0.0, seed: Any = None, data_format: str | None = None,
) -> Any:  # fmt: skip
    """Images with pixels moved by smooth random distances.

    Args:
      alpha: how far. sigma: how smooth. interpolation: "nearest" or "bilinear". fill_mode: as in `map_coordinates`.

    Keras: keras.ops.image.elastic_transform.
    """
    pair = draw_seed(seed)
    return elastic_transform_of(images, alpha, sigma, interpolation, fill_mode, fill_value, pair, data_format)


def elastic_transform_of(
    images: Any, alpha: Any, sigma: Any, interpolation: str, fill_mode: str, fill_value: Any, seed: Any,
    data_format: str | None,
) -> Any:  # fmt: skip
    """`elastic_transform` with a drawn pair of ints for the seed, so that it can be repeated."""
    order = _INTERPOLATIONS.index(_known("interpolation", interpolation, _INTERPOLATIONS))
    _known("fill_mode", fill_mode, _FILL_MODES)
    images = floating(images)

    def bent(x: Any) -> Any:
        count, rows, columns, _ = tf.unstack(tf.shape(x), 4)
        deviation = tf.cast(sigma, x.dtype)
        pixels = tf.bitwise_or(6 * tf.cast(deviation, "int32"), 1)
        # One field of distances for both directions: Keras draws them from the same seed.
        noise = tf.stateless_normal(tf.stack([count, rows, columns, 1]), seed, dtype=x.dtype) * deviation
        moves = tf.cast(alpha, x.dtype) * _blurred(noise, (pixels, pixels), (deviation, deviation))[..., 0]
        down, right = tf.cast(tf.range(rows), x.dtype)[:, None], tf.cast(tf.range(columns), x.dtype)
        image = tf.broadcast_to(tf.range(count)[:, None, None], tf.shape(moves))
        return tf.ensure_shape(_sampled(x, [image, down + moves, right + moves], order, fill_mode, fill_value), x.shape)

    return on_batches(bent, images, data_format)
