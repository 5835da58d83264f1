"""Initializers of TensorFlow 1: callables of shape and dtype."""

from __future__ import annotations

import math
from typing import Any

from duoflow.core import dtypes
from duoflow.core.dtypes import DType
from duoflow.core.late import F

__all__ = [
    "Initializer", "constant_initializer", "glorot_normal_initializer", "glorot_uniform_initializer", "he_normal",
    "he_uniform",
    "identity_initializer", "lecun_normal", "lecun_uniform", "ones_initializer", "orthogonal_initializer",
    "random_normal_initializer", "random_uniform_initializer", "truncated_normal_initializer",
    "uniform_unit_scaling_initializer", "variance_scaling_initializer", "zeros_initializer",
]  # fmt: skip


class Initializer:
    """Base of the initializers. `dtype` is what calls without one give."""

    def __init__(self, dtype: Any = dtypes.float32) -> None:
        self.dtype: DType = dtypes.as_dtype(dtype)

    def __call__(self, shape: Any, dtype: Any = None, partition_info: Any = None) -> Any:
        """A tensor of that shape."""
        return self.make(list(shape), self.dtype if dtype is None else dtypes.as_dtype(dtype))

    def make(self, shape: list[int], dtype: DType) -> Any:
        """A tensor of that shape and dtype."""
        raise NotImplementedError

    def get_config(self) -> dict[str, Any]:
        """The constructor's arguments."""
        config = {key: value for key, value in vars(self).items() if key != "dtype"}
        return {**config, "dtype": self.dtype.name}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Any:
        """An initializer with these arguments."""
        return cls(**config)


class zeros_initializer(Initializer):
    """Zeros. TensorFlow: tf.compat.v1.zeros_initializer."""

    def make(self, shape: list[int], dtype: DType) -> Any:
        return F.zeros(shape, dtype)


class ones_initializer(Initializer):
    """Ones. TensorFlow: tf.compat.v1.ones_initializer."""

    def make(self, shape: list[int], dtype: DType) -> Any:
        return F.ones(shape, dtype)


class constant_initializer(Initializer):
    """A number, or values that fill the shape in row-major order. TensorFlow: tf.compat.v1.constant_initializer."""

    def __init__(self, value: Any = 0, dtype: Any = dtypes.float32, verify_shape: bool = False) -> None:
        super().__init__(dtype)
        self.value, self.verify_shape = value, verify_shape

    def make(self, shape: list[int], dtype: DType) -> Any:
        value = F.constant(self.value, dtype)
        if self.verify_shape and value.dims != tuple(shape):
            raise TypeError(f"Expected Tensor's shape: {tuple(shape)}, got {value.dims}.")
        count = math.prod(shape)
        size = math.prod(value.dims)
        if size > count:
            raise ValueError(f"Too many elements provided. Needed at most {count}, but received {size}")
        if size == count:
            return F.reshape(value, shape)
        flat = F.reshape(value, [-1])
        return F.reshape(F.concat([flat, F.fill([count - size], flat[-1])], 0), shape)


class random_uniform_initializer(Initializer):
    """Uniform numbers of a range. TensorFlow: tf.compat.v1.random_uniform_initializer."""

    def __init__(self, minval: Any = 0.0, maxval: Any = None, seed: Any = None, dtype: Any = dtypes.float32) -> None:
        super().__init__(dtype)
        self.minval, self.maxval, self.seed = minval, maxval, seed

    def make(self, shape: list[int], dtype: DType) -> Any:
        return F.random_uniform(shape, self.minval, self.maxval, dtype, seed=self.seed)


class random_normal_initializer(Initializer):
    """Normal numbers. TensorFlow: tf.compat.v1.random_normal_initializer."""

    def __init__(self, mean: Any = 0.0, stddev: Any = 1.0, seed: Any = None, dtype: Any = dtypes.float32) -> None:
        super().__init__(dtype)
        self.mean, self.stddev, self.seed = mean, stddev, seed

    def make(self, shape: list[int], dtype: DType) -> Any:
        return F.random_normal(shape, self.mean, self.stddev, dtype, seed=self.seed)


class truncated_normal_initializer(random_normal_initializer):
    """Normal numbers within two standard deviations. TensorFlow: tf.compat.v1.truncated_normal_initializer."""

    def make(self, shape: list[int], dtype: DType) -> Any:
        return F.random_truncated_normal(shape, self.mean, self.stddev, dtype, seed=self.seed)


class uniform_unit_scaling_initializer(Initializer):
    """Uniform numbers that keep the scale of what they multiply.

    TensorFlow: tf.compat.v1.uniform_unit_scaling_initializer.
    """

    def __init__(self, factor: float = 1.0, seed: Any = None, dtype: Any = dtypes.float32) -> None:
        super().__init__(dtype)
        self.factor, self.seed = factor, seed

    def make(self, shape: list[int], dtype: DType) -> Any:
        limit = math.sqrt(3 / max(1.0, math.prod(shape[:-1]))) * self.factor
        return F.random_uniform(shape, -limit, limit, dtype, seed=self.seed)


def _fans(shape: list[int]) -> tuple[float, float]:
    if len(shape) < 2:
        size = shape[0] if shape else 1
        return size, size
    field = math.prod(shape[:-2])
    return shape[-2] * field, shape[-1] * field


#: The standard deviation of a standard normal distribution cut at two.
_TRUNCATED_STDDEV = 0.87962566103423978


class variance_scaling_initializer(Initializer):
    """Numbers whose variance is `scale` over the number of inputs, outputs or their mean.

    `distribution` is "truncated_normal" (also "normal"), "untruncated_normal" or "uniform"; `mode` is "fan_in",
    "fan_out" or "fan_avg".

    TensorFlow: tf.compat.v1.variance_scaling_initializer.
    """

    def __init__(
        self, scale: float = 1.0, mode: str = "fan_in", distribution: str = "truncated_normal", seed: Any = None,
        dtype: Any = dtypes.float32,
    ) -> None:  # fmt: skip
        super().__init__(dtype)
        if scale <= 0.0:
            raise ValueError(f"Argument `scale` must be a positive float. Received: {scale}")
        if mode not in ("fan_in", "fan_out", "fan_avg"):
            raise ValueError(f"Argument `mode` should be one of ('fan_in', 'fan_out', 'fan_avg'). Received: {mode}")
        if distribution not in ("normal", "uniform", "truncated_normal", "untruncated_normal"):
            raise ValueError(
                "Argument `distribution` should be one of ('normal', 'uniform', 'truncated_normal', "
                "'untruncated_normal'). "
                f"Received: {distribution}"
            )
        self.scale, self.mode, self.distribution, self.seed = scale, mode, distribution, seed

    def make(self, shape: list[int], dtype: DType) -> Any:
        fan_in, fan_out = _fans(shape)
        fan = {"fan_in": fan_in, "fan_out": fan_out, "fan_avg": (fan_in + fan_out) / 2}[self.mode]
        variance = self.scale / max(1.0, fan)
        if self.distribution in ("normal", "truncated_normal"):
            stddev = math.sqrt(variance) / _TRUNCATED_STDDEV
            return F.random_truncated_normal(shape, 0.0, stddev, dtype, seed=self.seed)
        if self.distribution == "untruncated_normal":
            return F.random_normal(shape, 0.0, math.sqrt(variance), dtype, seed=self.seed)
        limit = math.sqrt(3.0 * variance)
        return F.random_uniform(shape, -limit, limit, dtype, seed=self.seed)


class glorot_uniform_initializer(variance_scaling_initializer):
    """Glorot's uniform numbers. TensorFlow: tf.compat.v1.glorot_uniform_initializer."""

    def __init__(self, seed: Any = None, dtype: Any = dtypes.float32) -> None:
        super().__init__(1.0, "fan_avg", "uniform", seed, dtype)


class glorot_normal_initializer(variance_scaling_initializer):
    """Glorot's normal numbers. TensorFlow: tf.compat.v1.glorot_normal_initializer."""

    def __init__(self, seed: Any = None, dtype: Any = dtypes.float32) -> None:
        super().__init__(1.0, "fan_avg", "truncated_normal", seed, dtype)


def lecun_normal(seed: Any = None) -> Initializer:
    """LeCun's normal numbers. TensorFlow: tf.compat.v1.initializers.lecun_normal."""
    return variance_scaling_initializer(1.0, "fan_in", "truncated_normal", seed)


def lecun_uniform(seed: Any = None) -> Initializer:
    """LeCun's uniform numbers. TensorFlow: tf.compat.v1.initializers.lecun_uniform."""
    return variance_scaling_initializer(1.0, "fan_in", "uniform", seed)


def he_normal(seed: Any = None) -> Initializer:
    """He's normal numbers. TensorFlow: tf.compat.v1.initializers.he_normal."""
    return variance_scaling_initializer(2.0, "fan_in", "truncated_normal", seed)


def he_uniform(seed: Any = None) -> Initializer:
    """He's uniform numbers. TensorFlow: tf.compat.v1.initializers.he_uniform."""
    return variance_scaling_initializer(2.0, "fan_in", "uniform", seed)


class orthogonal_initializer(Initializer):
    """An orthogonal matrix times `gain`, reshaped. TensorFlow: tf.compat.v1.orthogonal_initializer."""

    def __init__(self, gain: float = 1.0, seed: Any = None, dtype: Any = dtypes.float32) -> None:
        super().__init__(dtype)
        self.gain, self.seed = gain, seed

    def make(self, shape: list[int], dtype: DType) -> Any:
        if len(shape) < 2:
            raise ValueError(
                "The tensor to initialize, specified by argument `shape` must be at least two-dimensional. "
                f"Received shape={shape}"
            )
        rows, columns = math.prod(shape[:-1]), shape[-1]
        drawn = F.random_normal([max(rows, columns), min(rows, columns)], dtype=dtype, seed=self.seed)
        q, r = F.qr(drawn, full_matrices=False)
        q = q * F.sign(F.diag_part(r))
        return self.gain * F.reshape(F.transpose(q) if rows < columns else q, shape)


class identity_initializer(Initializer):
    """The identity matrix times `gain`. TensorFlow: tf.compat.v1.initializers.identity."""

    def __init__(self, gain: float = 1.0, dtype: Any = dtypes.float32) -> None:
        super().__init__(dtype)
        self.gain = gain

    def make(self, shape: list[int], dtype: DType) -> Any:
        if len(shape) != 2:
            raise ValueError(
                "The tensor to initialize, specified by argument `shape` must be two-dimensional. Received "
                f"shape={shape}"
            )
        return F.eye(*shape, dtype=dtype) * F.cast(self.gain, dtype)


#: The names of `tf.compat.v1.initializers`.
zeros, ones, constant = zeros_initializer, ones_initializer, constant_initializer
random_uniform, random_normal = random_uniform_initializer, random_normal_initializer
truncated_normal, variance_scaling = truncated_normal_initializer, variance_scaling_initializer
uniform_unit_scaling, orthogonal, identity = (
    uniform_unit_scaling_initializer,
    orthogonal_initializer,
    identity_initializer,
)
glorot_uniform, glorot_normal = glorot_uniform_initializer, glorot_normal_initializer
