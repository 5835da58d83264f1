"""Layers that disturb or penalize activations while training: dropout, noise, activity regularization."""

from __future__ import annotations

import math
from typing import Any

from duoflow import ops as tf

from .. import random, regularizers
from ..preferences import standardize_data_format
from ..random import SeedGenerator
from .input_spec import InputSpec
from .layer import Layer

__all__ = [
    "ActivityRegularization", "AlphaDropout", "Dropout", "GaussianDropout", "GaussianNoise", "SpatialDropout1D",
    "SpatialDropout2D", "SpatialDropout3D",
]  # fmt: skip


class _Noisy(Layer):
    """Base of layers that only do something in training."""

    def __init__(self, seed: Any = None, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.seed = seed
        self.supports_masking = True
        self.built = True

    def _check_rate(self, rate: Any, name: str = "rate") -> Any:
        if not 0 <= rate <= 1:
            raise ValueError(
                f"Invalid value received for argument `{name}`. Expected a float value between 0 and 1. Received: "
                f"{name}={rate}"
            )
        return rate

    def compute_output_shape(self, input_shape: Any) -> Any:
        return input_shape


class Dropout(_Noisy):
    """In training, zeros a fraction of the inputs and scales up the rest.

    Args:
      rate: the fraction, in [0, 1].
      noise_shape: the shape of the mask, None where it is the input's; sizes of 1 are dropped together.
      seed: an int for reproducible masks.

    >>> tf.keras.layers.Dropout(0.5)(tf.ones((1, 2)), training=False).numpy()
    array([[1., 1.]], dtype=float32)

    Keras: keras.layers.Dropout.
    """

    def __init__(self, rate: float, noise_shape: Any = None, seed: Any = None, **kwargs: Any) -> None:
        super().__init__(seed, **kwargs)
        self.rate, self.noise_shape = self._check_rate(rate), noise_shape
        if rate > 0:
            self.seed_generator = SeedGenerator(seed)

    def call(self, inputs: Any, training: Any = False) -> Any:
        if training and self.rate > 0:
            return random.dropout(inputs, self.rate, noise_shape=self._mask_shape(inputs), seed=self.seed_generator)
        return inputs

    def _mask_shape(self, inputs: Any) -> Any:
        return self.noise_shape

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "rate": self.rate, "seed": self.seed, "noise_shape": self.noise_shape}


class _SpatialDropout(Dropout):
    """Drops whole channels."""

    def __init__(self, rate: float, seed: Any = None, name: str | None = None, dtype: Any = None) -> None:
        super().__init__(rate, seed=seed, name=name, dtype=dtype)

    def get_config(self) -> dict[str, Any]:
        return {"rate": self.rate, "seed": self.seed, "name": self.name, "dtype": self.dtype}


class SpatialDropout1D(_SpatialDropout):
    """Dropout of whole channels of [batch, steps, channels]. Keras: keras.layers.SpatialDropout1D."""

    def __init__(self, rate: float, seed: Any = None, name: str | None = None, dtype: Any = None) -> None:
        super().__init__(rate, seed, name, dtype)
        self.input_spec = InputSpec(ndim=3)

    def _mask_shape(self, inputs: Any) -> Any:
        return (None, 1, None)


class _SpatialDropoutOfImages(_SpatialDropout):
    rank: int

    def __init__(
        self, rate: float, data_format: str | None = None, seed: Any = None, name: str | None = None, dtype: Any = None
    ) -> None:
        super().__init__(rate, seed, name, dtype)
        self.data_format = standardize_data_format(data_format)
        self.input_spec = InputSpec(ndim=self.rank + 2)

    def _mask_shape(self, inputs: Any) -> Any:
        ones = (1,) * self.rank
        return (None, None, *ones) if self.data_format == "channels_first" else (None, *ones, None)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "data_format": self.data_format}


class SpatialDropout2D(_SpatialDropoutOfImages):
    """Dropout of whole channels of images. Keras: keras.layers.SpatialDropout2D."""

    rank = 2


class SpatialDropout3D(_SpatialDropoutOfImages):
    """Dropout of whole channels of volumes. Keras: keras.layers.SpatialDropout3D."""

    rank = 3


class GaussianNoise(_Noisy):
    """In training, adds normal noise of a deviation. Keras: keras.layers.GaussianNoise."""

    def __init__(self, stddev: float, seed: Any = None, **kwargs: Any) -> None:
        super().__init__(seed, **kwargs)
        self.stddev = self._check_rate(stddev, "stddev")
        if stddev > 0:
            self.seed_generator = SeedGenerator(seed)

    def call(self, inputs: Any, training: Any = False) -> Any:
        if training and self.stddev > 0:
            noise = random.normal(tf.shape(inputs), 0.0, self.stddev, self.compute_dtype, self.seed_generator)
            return inputs + noise
        return inputs

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "stddev": self.stddev, "seed": self.seed}


class GaussianDropout(_Noisy):
    """In training, multiplies by normal noise around 1 of variance rate / (1 - rate).

    Keras: keras.layers.GaussianDropout.
    """

    def __init__(self, rate: float, seed: Any = None, **kwargs: Any) -> None:
        super().__init__(seed, **kwargs)
        self.rate = self._check_rate(rate)
        if rate > 0:
            self.seed_generator = SeedGenerator(seed)

    def call(self, inputs: Any, training: Any = False) -> Any:
        if training and self.rate > 0:
            deviation = math.sqrt(self.rate / (1.0 - self.rate))
            return inputs * random.normal(tf.shape(inputs), 1.0, deviation, self.compute_dtype, self.seed_generator)
        return inputs

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "rate": self.rate, "seed": self.seed}


class AlphaDropout(_Noisy):
    """Dropout that keeps mean and variance of inputs from selu. Klambauer et al. 2017.

    Keras: keras.layers.AlphaDropout.
    """

    def __init__(self, rate: float, noise_shape: Any = None, seed: Any = None, **kwargs: Any) -> None:
        super().__init__(seed, **kwargs)
        self.rate, self.noise_shape = self._check_rate(rate), noise_shape
        if rate > 0:
            self.seed_generator = SeedGenerator(seed)

    def call(self, inputs: Any, training: Any = False) -> Any:
        if not training or not self.rate > 0:
            return inputs
        low = -1.6732632423543772848170429916717 * 1.0507009873554804934193349852946
        shape = tf.shape(inputs)
        if self.noise_shape is not None:
            shape = [shape[i] if size is None else size for i, size in enumerate(self.noise_shape)]
        kept = random.uniform(shape, seed=self.seed_generator) >= tf.cast(self.rate, "float32")
        kept = tf.cast(kept, inputs.dtype)
        scale = ((1 - self.rate) * (1 + self.rate * low**2)) ** -0.5
        return scale * (inputs * kept + low * (1 - kept)) - scale * low * self.rate

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "rate": self.rate, "seed": self.seed, "noise_shape": self.noise_shape}


class ActivityRegularization(Layer):
    """Adds l1 * sum(abs(inputs)) + l2 * sum(inputs²) to the loss. Keras: keras.layers.ActivityRegularization."""

    def __init__(self, l1: float = 0.0, l2: float = 0.0, **kwargs: Any) -> None:
        super().__init__(activity_regularizer=regularizers.L1L2(l1=l1, l2=l2), **kwargs)
        self.supports_masking = True
        self.l1, self.l2 = l1, l2
        self.built = True

    def call(self, inputs: Any) -> Any:
        return inputs

    def compute_output_shape(self, input_shape: Any) -> Any:
        return input_shape

    def get_config(self) -> dict[str, Any]:
        config = super().get_config()
        config.pop("activity_regularizer", None)
        return {**config, "l1": self.l1, "l2": self.l2}
