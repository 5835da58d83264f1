"""Layers that turn sound into spectrograms: MelSpectrogram and STFTSpectrogram."""

from __future__ import annotations

import math
import warnings
from typing import Any

import numpy as np

from duoflow import ops as tf

from ... import initializers, ops
from ...preferences import epsilon, standardize_data_format
from ..arguments import checked_padding, window_shape
from ..input_spec import InputSpec
from ..layer import Layer

__all__ = ["MelSpectrogram", "STFTSpectrogram"]


class MelSpectrogram(Layer):
    """Sound [batch, samples] as the energy in bands that the ear hears as equally wide: [batch, bands, steps].

    Args:
      fft_length, sequence_length, sequence_stride, window: as in `keras.ops.stft`.
      sampling_rate: samples per second. num_mel_bins: the number of bands.
      min_freq, max_freq: the lowest and highest frequency, half the sampling rate if not given.
      power_to_db: whether to give decibels, at most `top_db` below the loudest, against `ref_power`.
      mag_exp: 1 for energy, 2 for power. min_power: what silence counts as.

    >>> tf.keras.layers.MelSpectrogram(num_mel_bins=8, fft_length=64, sequence_stride=32)(tf.ones((1, 640))).shape
    TensorShape([1, 8, 21])

    Keras: keras.layers.MelSpectrogram.
    """

    def __init__(
        self, fft_length: int = 2048, sequence_stride: int = 512, sequence_length: int | None = None,
        window: Any = "hann", sampling_rate: int = 16000, num_mel_bins: int = 128, min_freq: float = 20.0,
        max_freq: float | None = None, power_to_db: bool = True, top_db: float = 80.0, mag_exp: float = 2.0,
        min_power: float = 1e-10, ref_power: float = 1.0, **kwargs: Any,
    ) -> None:  # fmt: skip
        super().__init__(**kwargs)
        self.fft_length, self.sequence_stride = fft_length, sequence_stride
        self.sequence_length = sequence_length or fft_length
        if fft_length < self.sequence_length:
            raise ValueError(
                "`fft_length` must be greater than or equal to `sequence_length`. Received: "
                f"`sequence_length`={self.sequence_length}, `fft_length`={fft_length}."
            )
        self.window, self.sampling_rate, self.num_mel_bins = window, sampling_rate, num_mel_bins
        self.min_freq, self.max_freq = min_freq, max_freq or int(sampling_rate / 2)
        self.power_to_db, self.top_db, self.mag_exp = power_to_db, top_db, mag_exp
        self.min_power, self.ref_power = min_power, ref_power
        self.built = True

    def call(self, inputs: Any) -> Any:
        wide = self.compute_dtype if self.compute_dtype in ("float32", "float64") else "float32"
        real, imaginary = ops.stft(
            tf.cast(inputs, wide), self.sequence_length, self.sequence_stride, self.fft_length, self.window
        )
        energy = tf.pow(tf.sqrt(tf.square(real) + tf.square(imaginary)), tf.cast(self.mag_exp, wide))
        bands = tf.tensordot(energy, tf.cast(self._bands(), wide), 1)
        if self.power_to_db:
            bands = _decibels(bands, self.min_power) - _decibels(tf.cast(abs(self.ref_power), wide), self.min_power)
            bands = tf.maximum(bands, tf.reduce_max(bands) - self.top_db)
        return tf.cast(tf.swapaxes(bands, -1, -2), self.compute_dtype)

    def _bands(self) -> Any:
        """The share of each frequency in each band: triangles of equal width in mel."""
        frequencies = np.linspace(0, self.sampling_rate / 2, self.fft_length // 2 + 1)[1:, None]
        edges = np.linspace(_mel(self.min_freq), _mel(self.max_freq), self.num_mel_bins + 2)
        lower, center, upper = edges[:-2], edges[1:-1], edges[2:]
        rising, falling = (_mel(frequencies) - lower) / (center - lower), (upper - _mel(frequencies)) / (upper - center)
        return np.pad(np.maximum(0.0, np.minimum(rising, falling)), [[1, 0], [0, 0]])

    def compute_output_shape(self, input_shape: Any) -> tuple[int | None, ...]:
        samples = input_shape[-1]
        padded = None if samples is None else samples + 2 * (self.fft_length // 2)
        steps = None if padded is None else (padded - self.fft_length) // self.sequence_stride + 1
        return (*input_shape[:-1], self.num_mel_bins, steps)

    def get_config(self) -> dict[str, Any]:
        names = (
            "fft_length", "sequence_stride", "sequence_length", "window", "sampling_rate", "num_mel_bins", "min_freq",
            "max_freq", "power_to_db", "top_db", "mag_exp", "min_power", "ref_power",
        )  # fmt: skip
        return {**super().get_config(), **{name: getattr(self, name) for name in names}}


def _mel(hertz: Any) -> Any:
    return 1127.0 * np.log(1.0 + np.asarray(hertz) / 700.0)


def _decibels(x: Any, least: float) -> Any:
    return 10.0 / math.log(10.0) * tf.log(tf.maximum(x, tf.cast(least, x.dtype)))


class STFTSpectrogram(Layer):
    """Sound [batch, samples, channels] as the Fourier transforms of short frames, by a convolution that may be trained.

    Args:
      mode: "log", "magnitude", "psd", "real", "imag", "angle" or "stft" (real and imaginary).
      frame_length, frame_step, fft_length: the length of frames, their distance (half of that) and of transforms.
      window: a name or the factors themselves. periodic: of windows by name.
      scaling: "density", "spectrum" or None. padding: "valid" or "same".
      expand_dims: whether frequencies and channels get axes of their own.

    >>> tf.keras.layers.STFTSpectrogram(frame_length=16)(tf.ones((1, 64, 1))).shape
    TensorShape([1, 7, 9])

    Keras: keras.layers.STFTSpectrogram.
    """

    def __init__(
        self, mode: str = "log", frame_length: int = 256, frame_step: int | None = None,
        fft_length: int | None = None, window: Any = "hann", periodic: bool = False, scaling: str | None = "density",
        padding: str = "valid", expand_dims: bool = False, data_format: str | None = None, **kwargs: Any,
    ) -> None:  # fmt: skip
        if frame_step is not None and not 1 <= frame_step <= frame_length:
            raise ValueError(
                "`frame_step` should be a positive integer not greater than `frame_length`. Received "
                f"frame_step={frame_step}, frame_length={frame_length}"
            )
        if fft_length is not None and fft_length < frame_length:
            raise ValueError(
                "`fft_length` should be not less than `frame_length`. Received "
                f"fft_length={fft_length}, frame_length={frame_length}"
            )
        if fft_length is not None and fft_length & (fft_length - 1):
            warnings.warn(
                f"`fft_length` is recommended to be a power of two. Received fft_length={fft_length}", stacklevel=2
            )
        modes = ("log", "magnitude", "psd", "real", "imag", "angle", "stft")
        if mode not in modes:
            raise ValueError(f"Output mode is invalid, it must be one of {', '.join(modes)}. Received: mode={mode}")
        super().__init__(**kwargs)
        self.mode, self.frame_length, self.frame_step, self.fft_length = mode, frame_length, frame_step, fft_length
        self._frame_step = frame_step or frame_length // 2
        self._fft_length = fft_length or 2 ** math.ceil(math.log2(frame_length))
        self.window, self.periodic, self.scaling = window, periodic, scaling
        self._kernels = {side: initializers.STFT(side, window, scaling, periodic) for side in ("real", "imag")}
        self.padding, self.expand_dims = checked_padding(padding), expand_dims
        self.data_format = standardize_data_format(data_format)
        self.input_spec = InputSpec(ndim=3)

    def build(self, input_shape: Any) -> None:
        shape = (self.frame_length, 1, self._fft_length // 2 + 1)
        if self.mode != "imag":
            self.real_kernel = self.add_weight(shape, self._kernels["real"], name="real_kernel")
        if self.mode != "real":
            self.imag_kernel = self.add_weight(shape, self._kernels["imag"], name="imag_kernel")

    def call(self, inputs: Any) -> Any:
        real = None if self.mode == "imag" else self._transform(inputs, self.real_kernel)
        imaginary = None if self.mode == "real" else self._transform(inputs, self.imag_kernel)
        if real is None or imaginary is None:
            return self._arranged(real if imaginary is None else imaginary)
        if self.mode == "angle":
            return self._arranged(tf.atan2(imaginary, real))
        if self.mode == "stft":
            return self._arranged(tf.concat([real, imaginary], axis=3))
        power = tf.square(real) + tf.square(imaginary)
        if self.mode == "psd":
            return self._arranged(power + tf.pad(power[..., 1:-1], [*[[0, 0]] * 3, [1, 1]]))
        size = self._arranged(tf.sqrt(tf.maximum(power, epsilon())))
        return size if self.mode == "magnitude" else tf.log(tf.maximum(size, epsilon()))

    def _transform(self, inputs: Any, kernel: Any) -> Any:
        """The products of frames with the waves of a kernel: [batch, channels, steps, frequencies]."""
        x = tf.swapaxes(inputs, 1, 2) if self.data_format == "channels_last" else inputs
        sizes = tf.shape(x)
        single = tf.reshape(x, [-1, sizes[2], 1])
        out = ops.conv(single, tf.cast(kernel, x.dtype), self._frame_step, self.padding, "channels_last")
        return tf.reshape(out, [sizes[0], x.shape[1] or sizes[1], tf.shape(out)[1], out.shape[2]])

    def _arranged(self, x: Any) -> Any:
        """[batch, channels, steps, frequencies] in the data format, frequencies joined to channels if asked for."""
        last = self.data_format == "channels_last"
        if self.expand_dims:
            return tf.transpose(x, [0, 2, 3, 1]) if last else x
        joined = tf.transpose(x, [0, 2, 1, 3] if last else [0, 1, 3, 2])
        channels = joined.shape[2] * joined.shape[3] if last else joined.shape[1] * joined.shape[2]
        sizes = tf.shape(joined)
        return tf.reshape(joined, [sizes[0], sizes[1], channels] if last else [sizes[0], channels, sizes[3]])

    def compute_output_shape(self, input_shape: Any) -> tuple[int | None, ...]:
        last = self.data_format == "channels_last"
        frequencies = (self._fft_length // 2 + 1) * (2 if self.mode == "stft" else 1)
        channels = input_shape[-1 if last else 1]
        shape = window_shape(
            input_shape, (self.frame_length,), (self._frame_step,), self.padding, self.data_format,
            channels=frequencies * channels,
        )  # fmt: skip
        if not self.expand_dims:
            return shape
        steps = shape[1] if last else shape[2]
        return (shape[0], steps, frequencies, channels) if last else (shape[0], channels, steps, frequencies)

    def get_config(self) -> dict[str, Any]:
        names = (
            "mode", "frame_length", "frame_step", "fft_length", "window", "periodic", "scaling", "padding",
            "data_format", "expand_dims",
        )  # fmt: skip
        return {**super().get_config(), **{name: getattr(self, name) for name in names}}
