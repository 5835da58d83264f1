"""Layers that change the values of images, not their places: brightness, contrast, hue, sharpness and the like."""

from __future__ import annotations

from typing import Any

import numpy as np

from duoflow import ops as tf

from ... import ops, random
from ...preferences import epsilon
from .image_layer import Coloured, factor_range, interval, rescaled, values_range

__all__ = [
    "RandomBrightness", "RandomColorDegeneration", "RandomColorJitter", "RandomContrast", "RandomErasing",
    "RandomGaussianBlur", "RandomGrayscale", "RandomHue", "RandomInvert", "RandomPosterization", "RandomSaturation",
    "RandomSharpness", "Solarization",
]  # fmt: skip


class RandomContrast(Coloured):
    """Stretches values away from the mean of each channel at random. Keras: keras.layers.RandomContrast."""

    def __init__(
        self, factor: Any, value_range: Any = (0, 255), seed: Any = None, **kwargs: Any
    ) -> None:
        super().__init__(seed=seed, **kwargs)
        self.factor = interval("factor", [0, factor] if isinstance(factor, int | float) else factor, 0, 1)
        self.value_range = value_range

    def draw(self, images: Any, seeds: Any) -> Any:
        low, high = 1.0 - self.factor[0], 1.0 + self.factor[1]
        return random.uniform((self._sizes(images)[0], 1, 1, 1), low, high, seed=seeds)

    def apply(self, images: Any, drawn: Any, nearest: bool) -> Any:
        space = [1, 2] if self.data_format == "channels_last" else [2, 3]
        wide = tf.cast(images, "float32")
        mean = tf.reduce_mean(wide, space, keepdims=True)
        out = (wide - mean) * drawn + mean
        return tf.cast(tf.clip_by_value(out, *map(float, self.value_range)), self.compute_dtype)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "factor": self.factor, "value_range": self.value_range, "seed": self.seed}


class RandomBrightness(Coloured):
    """Adds to images a share of the range of values at random. Keras: keras.layers.RandomBrightness."""

    def __init__(self, factor: Any, value_range: Any = (0, 255), seed: Any = None, **kwargs: Any) -> None:
        super().__init__(seed=seed, **kwargs)
        self.factor = interval("factor", factor, -1, 1)
        self.value_range = sorted(value_range)

    def draw(self, images: Any, seeds: Any) -> Any:
        share = random.uniform((self._sizes(images)[0], 1, 1, 1), *self.factor, seed=seeds)
        return share * (self.value_range[1] - self.value_range[0])

    def apply(self, images: Any, drawn: Any, nearest: bool) -> Any:
        return tf.clip_by_value(images + tf.cast(drawn, images.dtype), *map(float, self.value_range))

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "factor": self.factor, "value_range": self.value_range, "seed": self.seed}


class _Factored(Coloured):
    """Base of layers with one random factor, of which a number f means what `bounds` allow of -f to f."""

    bounds: tuple[float, float] = (-1, 1)
    always_draws = True

    def __init__(
        self, factor: Any, value_range: Any = (0, 255), data_format: str | None = None, seed: Any = None, **kwargs: Any
    ) -> None:
        super().__init__(data_format, seed, **kwargs)
        self.factor, self.value_range = factor_range(factor, self.bounds), values_range(value_range)

    def draw(self, images: Any, seeds: Any) -> Any:
        return self._uniform(images, seeds, self.factor)

    def _within(self, images: Any) -> Any:
        return tf.clip_by_value(images, *map(float, self.value_range))

    def _channels(self, images: Any) -> tuple[list[Any], int]:
        axis = -1 if self.data_format == "channels_last" else 1
        return tf.split(images, 3, axis=axis), axis

    def get_config(self) -> dict[str, Any]:
        return self._config_of("factor", "value_range", "seed")


class RandomHue(_Factored):
    """Turns the hue of colours at random, by at most half a circle for a factor of 1. Keras: keras.layers.RandomHue."""

    bounds = (0, 1)

    def draw(self, images: Any, seeds: Any) -> Any:
        sign = self._uniform(images, seeds)
        sign = tf.where(sign > 0.5, -tf.ones_like(sign), tf.ones_like(sign))
        return sign * self._uniform(images, seeds, self.factor) * 0.5

    def apply(self, images: Any, drawn: Any, nearest: bool) -> Any:
        images = rescaled(images, self.value_range, (0, 1))
        (hue, *others), axis = self._channels(ops.image.rgb_to_hsv(images, self.data_format))
        hue = hue + tf.cast(drawn, hue.dtype)
        hue = tf.where(hue > 1, hue - 1, hue)
        hue = tf.where(hue < 0, hue + 1, hue)
        images = ops.image.hsv_to_rgb(tf.concat([hue, *others], axis=axis), self.data_format)
        return tf.cast(rescaled(tf.clip_by_value(images, 0.0, 1.0), (0, 1), self.value_range), self.compute_dtype)


class RandomSaturation(_Factored):
    """Makes colours stronger or paler at random: grey at 0, unchanged at 0.5, full at 1.

    Keras: keras.layers.RandomSaturation.
    """

    def draw(self, images: Any, seeds: Any) -> Any:
        factor = super().draw(images, seeds)
        return factor / (1 - factor + epsilon())

    def apply(self, images: Any, drawn: Any, nearest: bool) -> Any:
        (hue, saturation, value), axis = self._channels(ops.image.rgb_to_hsv(images, self.data_format))
        saturation = self._within(saturation * tf.cast(drawn, saturation.dtype))
        return ops.image.hsv_to_rgb(tf.concat([hue, saturation, value], axis=axis), self.data_format)


class RandomColorDegeneration(_Factored):
    """Mixes images with their grey version at random. Keras: keras.layers.RandomColorDegeneration."""

    def apply(self, images: Any, drawn: Any, nearest: bool) -> Any:
        grey = ops.image.rgb_to_grayscale(images, self.data_format)
        return self._within(images + tf.cast(drawn, images.dtype) * (grey - images))


class RandomPosterization(_Factored):
    """Keeps a random number of bits, 1 to 8, of each value. Keras: keras.layers.RandomPosterization."""

    bounds = (1, 8)

    def draw(self, images: Any, seeds: Any) -> Any:
        shape, (fewest, most) = (self._sizes(images)[0], 1, 1, 1), self.factor
        if fewest == most:
            return tf.fill(shape, tf.cast(8 - fewest, "uint8"))
        return 8 - random.randint(shape, fewest, most, dtype="uint8", seed=seeds)

    def apply(self, images: Any, drawn: Any, nearest: bool) -> Any:
        values = tf.cast(rescaled(images, self.value_range, (0, 255), self.compute_dtype), "uint8")
        values = tf.cast(tf.left_shift(tf.right_shift(values, drawn), drawn), self.compute_dtype)
        return rescaled(values, (0, 255), self.value_range, self.compute_dtype)


class RandomSharpness(_Factored):
    """Smooths or sharpens images at random: smooth at 0, unchanged at 0.5. Keras: keras.layers.RandomSharpness."""

    bounds = (0, 1)

    def apply(self, images: Any, drawn: Any, nearest: bool) -> Any:
        first = self.data_format == "channels_first"
        images = tf.transpose(images, [0, 2, 3, 1]) if first else images
        kernel = np.full((3, 3, 1, 1), 1 / 13)
        kernel[1, 1] = 5 / 13
        kernel = tf.tile(tf.cast(kernel, images.dtype), [1, 1, images.shape[-1], 1])
        smooth = tf.depthwise_conv2d(images, kernel, [1, 1, 1, 1], "SAME")
        images = self._within(images + (1 - tf.cast(drawn * 2, images.dtype)) * (smooth - images))
        return tf.transpose(images, [0, 3, 1, 2]) if first else images


class RandomGrayscale(Coloured):
    """Makes images grey with the probability `factor`. Keras: keras.layers.RandomGrayscale."""

    always_draws = True
    keeps_dtype = True

    def __init__(
        self, factor: float = 0.5, data_format: str | None = None, seed: Any = None, **kwargs: Any
    ) -> None:
        super().__init__(data_format, seed, **kwargs)
        if not 0 <= factor <= 1:
            raise ValueError(f"`factor` should be between 0 and 1. Received: factor={factor}")
        self.factor = factor

    def draw(self, images: Any, seeds: Any) -> Any:
        return self._uniform(images, seeds) < self.factor

    def apply(self, images: Any, drawn: Any, nearest: bool) -> Any:
        return tf.where(drawn, ops.image.rgb_to_grayscale(images, self.data_format), images)

    def get_config(self) -> dict[str, Any]:
        return self._config_of("factor", "seed")


class RandomInvert(Coloured):
    """Takes values from the highest one, with a probability within `factor`. Keras: keras.layers.RandomInvert."""

    def __init__(
        self, factor: Any = 1.0, value_range: Any = (0, 255), seed: Any = None, data_format: str | None = None,
        **kwargs: Any,
    ) -> None:  # fmt: skip
        super().__init__(data_format, seed, **kwargs)
        self.factor, self.value_range = factor_range(factor, (0, 1)), value_range

    def draw(self, images: Any, seeds: Any) -> Any:
        return self._happens(images, seeds)

    def apply(self, images: Any, drawn: Any, nearest: bool) -> Any:
        return tf.where(drawn, self.value_range[1] - images, images)

    def get_config(self) -> dict[str, Any]:
        return self._config_of("factor", "value_range", "seed")


class Solarization(Coloured):
    """Inverts the values of images above a random threshold, after adding a random number.

    Args:
      addition_factor, threshold_factor: shares of the range of values, numbers in [0, 1] or two of them.

    Keras: keras.layers.Solarization.
    """

    def __init__(
        self, addition_factor: Any = 0.0, threshold_factor: Any = 0.0, value_range: Any = (0, 255), seed: Any = None,
        **kwargs: Any,
    ) -> None:  # fmt: skip
        super().__init__(seed=seed, **kwargs)
        self.addition_factor = self._share("addition_factor", addition_factor)
        self.threshold_factor = self._share("threshold_factor", threshold_factor)
        self.value_range = values_range(value_range)

    @staticmethod
    def _share(name: str, factor: Any) -> tuple[float, float]:
        low, high = interval(name, [0, factor] if isinstance(factor, int | float) else sorted(factor), 0, 1)
        return low, high

    def draw(self, images: Any, seeds: Any) -> Any:
        factors = (self.addition_factor, self.threshold_factor)
        return [self._uniform(images, seeds, (low, high * 255), self.compute_dtype) for low, high in factors]

    def apply(self, images: Any, drawn: Any, nearest: bool) -> Any:
        additions, thresholds = (tf.cast(x, self.compute_dtype) for x in drawn)
        values = rescaled(images, self.value_range, (0, 255), self.compute_dtype)
        values = tf.clip_by_value(values + additions, 0.0, 255.0)
        values = tf.where(values < thresholds, values, 255 - values)
        return rescaled(values, (0, 255), self.value_range, self.compute_dtype)

    def get_config(self) -> dict[str, Any]:
        return self._config_of("value_range", "addition_factor", "threshold_factor", "seed")


class RandomGaussianBlur(Coloured):
    """Smooths images, with a probability within `factor`, by a bell of a random width.

    Args:
      kernel_size: an odd number of pixels, or two. sigma: the greatest deviation in [0, 1], or the range of it.

    Keras: keras.layers.RandomGaussianBlur.
    """

    def __init__(
        self, factor: Any = 1.0, kernel_size: Any = 3, sigma: Any = 1.0, value_range: Any = (0, 255),
        data_format: str | None = None, seed: Any = None, **kwargs: Any,
    ) -> None:  # fmt: skip
        super().__init__(data_format, seed, **kwargs)
        self.factor, self.sigma = factor_range(factor, (0, 1)), factor_range(sigma, (0, 1), "sigma")
        self.kernel_size = (kernel_size, kernel_size) if isinstance(kernel_size, int | float) else tuple(kernel_size)
        if len(self.kernel_size) != 2 or any(size % 2 == 0 for size in self.kernel_size):
            raise ValueError(f"`kernel_size` must be an odd number, or two. Received: kernel_size={kernel_size}")
        self.value_range = value_range

    def draw(self, images: Any, seeds: Any) -> Any:
        happens = self._happens(images, seeds)
        return happens, random.uniform((2,), *self.sigma, self.compute_dtype, seed=seeds) + 1e-6

    def apply(self, images: Any, drawn: Any, nearest: bool) -> Any:
        happens, sigma = drawn
        blurred = ops.image.gaussian_blur(images, self.kernel_size, sigma, self.data_format)
        return tf.clip_by_value(tf.where(happens, blurred, images), *map(float, self.value_range))

    def get_config(self) -> dict[str, Any]:
        return self._config_of("factor", "kernel_size", "sigma", "value_range", "seed")


class RandomErasing(Coloured):
    """Fills a rectangle of images, with a probability within `factor`, with noise or with `fill_value`.

    Args:
      scale: the range of the squares of the rectangle's height and width, as shares of the image's.
      fill_value: a number, one for each of three channels, or None for noise.

    Keras: keras.layers.RandomErasing.
    """

    def __init__(
        self, factor: Any = 1.0, scale: Any = (0.02, 0.33), fill_value: Any = None, value_range: Any = (0, 255),
        seed: Any = None, data_format: str | None = None, **kwargs: Any,
    ) -> None:  # fmt: skip
        super().__init__(data_format, seed, **kwargs)
        self.factor, self.scale = factor_range(factor, (0, 1)), factor_range(scale, (0, 1), "scale")
        if isinstance(fill_value, tuple | list) and len(fill_value) != 3:
            raise ValueError(
                f"The `fill_value` argument should be a number (or a list of three numbers). Received: {fill_value}"
            )
        self.fill_value, self.value_range = fill_value, value_range

    def draw(self, images: Any, seeds: Any) -> Any:
        shares = tf.sqrt(random.uniform((self._sizes(images)[0], 2), *self.scale, self.compute_dtype, seed=seeds))
        inside, _ = self._rectangle(images, shares[:, 0], shares[:, 1], seeds)
        erased = inside & self._happens(images, seeds)
        if self.fill_value is None:
            return erased, random.normal(ops.shape(images), dtype=self.compute_dtype, seed=seeds) * self.value_range[1]
        return erased, tf.cast(self.fill_value, self.compute_dtype)

    def apply(self, images: Any, drawn: Any, nearest: bool) -> Any:
        erased, fill = drawn
        fill = tf.clip_by_value(fill, *map(float, self.value_range))
        return tf.where(erased, tf.cast(fill, images.dtype), images)

    def get_config(self) -> dict[str, Any]:
        return self._config_of("factor", "scale", "fill_value", "value_range", "seed")


class RandomColorJitter(Coloured):
    """Changes brightness, contrast, saturation and hue, those that are given a factor, in this order.

    >>> layer = tf.keras.layers.RandomColorJitter((0, 1), brightness_factor=0.2, hue_factor=0.1, seed=1)
    >>> layer(tf.ones((2, 8, 8, 3)), training=True).shape
    TensorShape([2, 8, 8, 3])

    Keras: keras.layers.RandomColorJitter.
    """

    def __init__(
        self, value_range: Any = (0, 255), brightness_factor: Any = None, contrast_factor: Any = None,
        saturation_factor: Any = None, hue_factor: Any = None, seed: Any = None, data_format: str | None = None,
        **kwargs: Any,
    ) -> None:  # fmt: skip
        super().__init__(data_format, seed, **kwargs)
        self.value_range = value_range
        self.brightness_factor, self.contrast_factor = brightness_factor, contrast_factor
        self.saturation_factor, self.hue_factor = saturation_factor, hue_factor
        parts = (
            (RandomBrightness, brightness_factor), (RandomContrast, contrast_factor),
            (RandomSaturation, saturation_factor), (RandomHue, hue_factor),
        )  # fmt: skip
        self.parts: list[Coloured] = [
            kind(factor, value_range, seed=seed, data_format=data_format, dtype=self.dtype_policy)
            for kind, factor in parts
            if factor is not None
        ]

    def draw(self, images: Any, seeds: Any) -> Any:
        return [part.draw(images, seeds) for part in self.parts]

    def apply(self, images: Any, drawn: Any, nearest: bool) -> Any:
        for part, change in zip(self.parts, drawn, strict=True):
            images = part.apply(images, change, nearest)
        return images

    def get_config(self) -> dict[str, Any]:
        return self._config_of(
            "value_range", "brightness_factor", "contrast_factor", "saturation_factor", "hue_factor", "seed"
        )
