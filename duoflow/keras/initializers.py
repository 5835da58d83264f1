"""Initializers: the first values of variables. Random ones give Keras' numbers for a seed."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from duoflow import ops as tf
from duoflow.core.tensor import Tensor, convert

from . import random
from .lookup import Lookup
from .random import make_default_seed
from .saving.serialization import deserialize_keras_object, serialize_keras_object
from .variables import Variable, standardize_dtype, standardize_shape

__all__ = [
    "Constant", "GlorotNormal", "GlorotUniform", "HeNormal", "HeUniform", "Identity", "IdentityInitializer",
    "Initializer", "LecunNormal", "LecunUniform", "Ones", "Orthogonal", "OrthogonalInitializer", "RandomNormal",
    "RandomUniform", "STFT", "STFTInitializer", "TruncatedNormal", "VarianceScaling", "Zeros", "constant",
    "deserialize", "get", "glorot_normal",
    "glorot_uniform", "he_normal", "he_uniform", "identity", "lecun_normal", "lecun_uniform", "ones", "orthogonal",
    "random_normal", "random_uniform", "serialize", "stft", "truncated_normal", "variance_scaling", "zeros",
]  # fmt: skip

#: The deviation of a standard normal variable cut off at two deviations.
_TRUNCATED_DEVIATION = 0.87962566103423978


class Initializer:
    """Base of initializers: `initializer(shape, dtype)` gives a tensor. Keras: keras.Initializer."""

    def __call__(self, shape: Any, dtype: Any = None) -> Any:
        """A tensor of that shape and dtype."""
        raise NotImplementedError("Initializer subclasses must implement the `__call__()` method.")

    def get_config(self) -> dict[str, Any]:
        """The arguments that make an equal initializer."""
        return {}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Any:
        """An initializer from its config."""
        return cls(**config)

    def clone(self) -> Any:
        """An equal initializer."""
        return type(self).from_config(self.get_config())


class Zeros(Initializer):
    """Zeros. Keras: keras.initializers.Zeros."""

    def __call__(self, shape: Any, dtype: Any = None) -> Any:
        return tf.zeros(shape, standardize_dtype(dtype))


class Ones(Initializer):
    """Ones. Keras: keras.initializers.Ones."""

    def __call__(self, shape: Any, dtype: Any = None) -> Any:
        return tf.ones(shape, standardize_dtype(dtype))


class Constant(Initializer):
    """One number, or an array that broadcasts to the shape. Keras: keras.initializers.Constant."""

    def __init__(self, value: Any = 0.0) -> None:
        self.value = value

    def __call__(self, shape: Any, dtype: Any = None) -> Any:
        dtype = standardize_dtype(dtype)
        return tf.cast(self.value, dtype) * tf.ones(shape, dtype)

    def get_config(self) -> dict[str, Any]:
        return {"value": serialize_keras_object(self.value)}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Any:
        return cls(deserialize_keras_object(config["value"]))


class Identity(Initializer):
    """The identity matrix times `gain`; for 2D shapes. Keras: keras.initializers.Identity."""

    def __init__(self, gain: float = 1.0) -> None:
        self.gain = gain

    def __call__(self, shape: Any, dtype: Any = None) -> Any:
        if len(shape) != 2:
            raise ValueError(
                f"Identity matrix initializer can only be used for 2D matrices. Received: shape={shape} of rank "
                f"{len(shape)}."
            )
        return self.gain * tf.eye(*shape, dtype=standardize_dtype(dtype))

    def get_config(self) -> dict[str, Any]:
        return {"gain": self.gain}


class RandomInitializer(Initializer):
    """Base of those with a seed: an int, a `SeedGenerator`, or None for one drawn when made."""

    def __init__(self, seed: Any = None) -> None:
        self._init_seed = seed
        if seed is None:
            seed = make_default_seed()
        elif isinstance(seed, dict):
            seed = deserialize_keras_object(seed)
        elif not isinstance(seed, int | random.SeedGenerator):
            raise ValueError(
                "`seed` argument should be an instance of `keras.random.SeedGenerator()` or an integer. "
                f"Received: seed={seed}"
            )
        self.seed = seed

    def get_config(self) -> dict[str, Any]:
        return {"seed": serialize_keras_object(self._init_seed)}


class RandomNormal(RandomInitializer):
    """Normally distributed numbers. Keras: keras.initializers.RandomNormal."""

    def __init__(self, mean: float = 0.0, stddev: float = 0.05, seed: Any = None) -> None:
        self.mean, self.stddev = mean, stddev
        super().__init__(seed)

    def __call__(self, shape: Any, dtype: Any = None) -> Any:
        return random.normal(shape, self.mean, self.stddev, dtype, self.seed)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "mean": self.mean, "stddev": self.stddev}


class TruncatedNormal(RandomNormal):
    """Normally distributed numbers within two deviations. Keras: keras.initializers.TruncatedNormal."""

    def __call__(self, shape: Any, dtype: Any = None) -> Any:
        return random.truncated_normal(shape, self.mean, self.stddev, dtype, self.seed)


class RandomUniform(RandomInitializer):
    """Evenly distributed numbers in [minval, maxval). Keras: keras.initializers.RandomUniform."""

    def __init__(self, minval: float = -0.05, maxval: float = 0.05, seed: Any = None) -> None:
        self.minval, self.maxval = minval, maxval
        super().__init__(seed)

    def __call__(self, shape: Any, dtype: Any = None) -> Any:
        return random.uniform(shape, self.minval, self.maxval, dtype, self.seed)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "minval": self.minval, "maxval": self.maxval}


class VarianceScaling(RandomInitializer):
    """Random numbers whose variance is scale / n, n the number of inputs, of outputs, or their mean.

    Args:
      scale: a positive float.
      mode: "fan_in", "fan_out" or "fan_avg".
      distribution: "truncated_normal", "untruncated_normal" or "uniform".
      seed: an int, a SeedGenerator or None.
      input_axes, output_axes: which axes of the shape are inputs and outputs, where the last two are not.

    >>> tf.keras.initializers.VarianceScaling(seed=1)((2, 3)).shape
    TensorShape([2, 3])

    Keras: keras.initializers.VarianceScaling.
    """

    def __init__(
        self, scale: float = 1.0, mode: str = "fan_in", distribution: str = "truncated_normal", seed: Any = None,
        input_axes: Any = None, output_axes: Any = None,
    ) -> None:  # fmt: skip
        if scale <= 0.0:
            raise ValueError(f"Argument `scale` must be positive float. Received: scale={scale}")
        if mode not in ("fan_in", "fan_out", "fan_avg"):
            raise ValueError(f"Invalid `mode` argument: {mode}. Please use one of ('fan_in', 'fan_out', 'fan_avg')")
        distribution = "truncated_normal" if distribution.lower() == "normal" else distribution.lower()
        if distribution not in ("uniform", "truncated_normal", "untruncated_normal"):
            raise ValueError(
                f"Invalid `distribution` argument: {distribution}. Please use one of ('uniform', 'truncated_normal', "
                "'untruncated_normal')"
            )
        self.scale, self.mode, self.distribution = scale, mode, distribution
        self.input_axes, self.output_axes = input_axes, output_axes
        super().__init__(seed)

    def __call__(self, shape: Any, dtype: Any = None) -> Any:
        fan_in, fan_out = compute_fans(shape, self.input_axes, self.output_axes)
        count = {"fan_in": fan_in, "fan_out": fan_out, "fan_avg": (fan_in + fan_out) / 2.0}[self.mode]
        scale = self.scale / max(1.0, count)
        if self.distribution == "uniform":
            limit = math.sqrt(3.0 * scale)
            return random.uniform(shape, -limit, limit, dtype, self.seed)
        if self.distribution == "truncated_normal":
            return random.truncated_normal(shape, 0.0, math.sqrt(scale) / _TRUNCATED_DEVIATION, dtype, self.seed)
        return random.normal(shape, 0.0, math.sqrt(scale), dtype, self.seed)

    def get_config(self) -> dict[str, Any]:
        own = {"scale": self.scale, "mode": self.mode, "distribution": self.distribution}
        return {**super().get_config(), **own, **self._axes_config()}

    def _axes_config(self) -> dict[str, Any]:
        return {"input_axes": self.input_axes, "output_axes": self.output_axes}


class _FixedScaling(VarianceScaling):
    """A `VarianceScaling` known by a name."""

    _scaling: tuple[float, str, str]

    def __init__(self, seed: Any = None, input_axes: Any = None, output_axes: Any = None) -> None:
        super().__init__(*self._scaling, seed, input_axes, output_axes)

    def get_config(self) -> dict[str, Any]:
        return {"seed": serialize_keras_object(self._init_seed), **self._axes_config()}


class GlorotUniform(_FixedScaling):
    """Uniform within ±sqrt(6 / (inputs + outputs)). Glorot & Bengio 2010. Keras: keras.initializers.GlorotUniform."""

    _scaling = (1.0, "fan_avg", "uniform")


class GlorotNormal(_FixedScaling):
    """Truncated normal, variance 2 / (inputs + outputs). Glorot & Bengio 2010.

    Keras: keras.initializers.GlorotNormal.
    """

    _scaling = (1.0, "fan_avg", "truncated_normal")


class LecunNormal(_FixedScaling):
    """Truncated normal, variance 1 / inputs. Klambauer et al. 2017. Keras: keras.initializers.LecunNormal."""

    _scaling = (1.0, "fan_in", "truncated_normal")


class LecunUniform(_FixedScaling):
    """Uniform within ±sqrt(3 / inputs). Klambauer et al. 2017. Keras: keras.initializers.LecunUniform."""

    _scaling = (1.0, "fan_in", "uniform")


class HeNormal(_FixedScaling):
    """Truncated normal, variance 2 / inputs. He et al. 2015. Keras: keras.initializers.HeNormal."""

    _scaling = (2.0, "fan_in", "truncated_normal")


class HeUniform(_FixedScaling):
    """Uniform within ±sqrt(6 / inputs). He et al. 2015. Keras: keras.initializers.HeUniform."""

    _scaling = (2.0, "fan_in", "uniform")


class Orthogonal(RandomInitializer):
    """A random orthogonal matrix times `gain`, from the QR decomposition of a normal one. Saxe et al. 2014.

    Keras: keras.initializers.Orthogonal.
    """

    def __init__(self, gain: float = 1.0, seed: Any = None) -> None:
        self.gain = gain
        super().__init__(seed)

    def __call__(self, shape: Any, dtype: Any = None) -> Any:
        if len(shape) < 2:
            raise ValueError(
                "The tensor to initialize must be at least two-dimensional. Received: "
                f"shape={shape} of rank {len(shape)}."
            )
        rows, columns = math.prod(shape[:-1]), shape[-1]
        noise = random.normal((max(rows, columns), min(rows, columns)), dtype=dtype, seed=self.seed)
        q, r = tf.qr(noise)
        q *= tf.sign(tf.diag_part(r))
        if rows < columns:
            q = tf.transpose(q)
        return self.gain * tf.reshape(q, shape)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "gain": self.gain}


def compute_fans(shape: Any, input_axes: Any = None, output_axes: Any = None) -> tuple[int, int]:
    """The numbers of input and output units of a weight: its last two axes, each times the window before them."""
    shape = tuple(shape)
    if input_axes is not None and output_axes is not None:
        return math.prod(shape[a] for a in input_axes), math.prod(shape[a] for a in output_axes)
    if len(shape) < 2:
        size = int(shape[0]) if shape else 1
        return size, size
    window = math.prod(shape[:-2])
    return int(shape[-2] * window), int(shape[-1] * window)


class STFT(Initializer):
    """Waves of all frequencies, for a convolution that is a short-time Fourier transform.

    Args:
      side: "real" (cosines) or "imag" (sines). window: of the frames, a name or the factors.
      scaling: what kernels are divided by: "density", "spectrum" or None. periodic: of windows by name.

    Called with a shape [frame, 1, frequencies]. Keras: keras.initializers.STFT.
    """

    def __init__(
        self, side: str = "real", window: Any = "hann", scaling: str | None = "density", periodic: bool = False
    ) -> None:
        if side not in ("real", "imag"):
            raise ValueError(f"side should be 'real' or 'imag', not {side}")
        if scaling not in (None, "density", "spectrum"):
            raise ValueError(
                f"Scaling is invalid, it must be `None`, 'density' or 'spectrum'. Received scaling={scaling}"
            )
        if isinstance(window, str):
            window_factors(window, 1, periodic)
        self.side, self.window, self.scaling, self.periodic = side, window, scaling, periodic

    def __call__(self, shape: Any, dtype: Any = None) -> Any:
        length, _, frequencies = shape
        angles = -2 * np.pi * np.arange(length)[:, None, None] * np.arange(frequencies) / (2 * (frequencies - 1))
        kernel = np.cos(angles) if self.side == "real" else np.sin(angles)
        if self.window is not None:
            window = self.window
            factors = window_factors(window, length, self.periodic) if isinstance(window, str) else np.asarray(window)
            if factors.shape != (length,):
                raise ValueError(
                    f"The shape of `window` must be equal to [frame_length]. Received: window shape={factors.shape}"
                )
            scales = {"density": np.sqrt(np.sum(factors**2)), "spectrum": np.sum(np.abs(factors)), None: 1.0}
            kernel = kernel * factors[:, None, None] / scales[self.scaling]
        return tf.cast(kernel, standardize_dtype(dtype))

    def get_config(self) -> dict[str, Any]:
        return {"side": self.side, "window": self.window, "periodic": self.periodic, "scaling": self.scaling}


#: Windows that are sums of cosines.
_COSINES = {
    "boxcar": (1.0,), "hann": (0.5, 0.5), "hamming": (0.54, 0.46), "blackman": (0.42, 0.5, 0.08),
    "nuttall": (0.3635819, 0.4891775, 0.1365995, 0.0106411),
    "blackmanharris": (0.35875, 0.48829, 0.14128, 0.01168),
}  # fmt: skip


def window_factors(name: str, length: int, periodic: bool) -> Any:
    """The factors of a window by name; `ValueError` for an unknown one."""
    if name not in _COSINES:
        raise ValueError(f"Unknown window {name!r}; known are {sorted(_COSINES)}. Or give the factors themselves.")
    if length == 1:
        return np.ones(1)
    angle = 2 * np.pi * np.arange(length) / (length if periodic else length - 1)
    return sum((-1) ** k * factor * np.cos(k * angle) for k, factor in enumerate(_COSINES[name]))


IdentityInitializer, OrthogonalInitializer, STFTInitializer = Identity, Orthogonal, STFT
stft = STFT
zeros, ones, constant, identity, orthogonal = Zeros, Ones, Constant, Identity, Orthogonal
random_normal, random_uniform, truncated_normal = RandomNormal, RandomUniform, TruncatedNormal
variance_scaling, glorot_uniform, glorot_normal = VarianceScaling, GlorotUniform, GlorotNormal
lecun_normal, lecun_uniform, he_normal, he_uniform = LecunNormal, LecunUniform, HeNormal, HeUniform

_CLASSES = [
    Constant, GlorotNormal, GlorotUniform, HeNormal, HeUniform, Identity, LecunNormal, LecunUniform, Ones, Orthogonal,
    RandomNormal, RandomUniform, STFT, TruncatedNormal, VarianceScaling, Zeros,
]  # fmt: skip
_ALIASES = {
    "IdentityInitializer": Identity, "OrthogonalInitializer": Orthogonal, "STFTInitializer": STFT,
    "normal": RandomNormal, "one": Ones, "stft": STFT, "uniform": RandomUniform, "zero": Zeros,
}  # fmt: skip
_lookup = Lookup("initializer", _CLASSES, _ALIASES)
deserialize = _lookup.deserialize


def serialize(initializer: Any) -> Any:
    """An initializer as plain data. Keras: keras.initializers.serialize."""
    return _lookup.serialize(initializer)


def get(identifier: Any) -> Any:
    """An initializer from itself, a class, a name, a config, an array of the value, or None.

    Keras: keras.initializers.get.
    """
    if isinstance(identifier, Tensor | np.ndarray | np.generic):
        return _given_value(identifier)
    return _lookup.get(identifier)


def _given_value(value: Any) -> Any:
    def initialize(shape: Any, dtype: Any = None) -> Any:
        if standardize_shape(shape) != standardize_shape(value.shape):
            raise ValueError(
                f"Expected `shape` to be {value.shape} for direct tensor as initializer. Received shape={shape}"
            )
        return tf.cast(convert(value), standardize_dtype(dtype))

    return initialize


Variable.named_initializer = staticmethod(get)
