"""Spectral normalization: a layer whose kernel is divided by its largest singular value."""

from __future__ import annotations

from typing import Any

from duoflow import ops as tf

from .. import initializers
from .core import Wrapper
from .input_spec import InputSpec
from .layer import Layer

__all__ = ["SpectralNormalization"]


class SpectralNormalization(Wrapper):
    """Divides the kernel of a layer by its largest singular value, found by power iteration, at each training step.

    Args:
      layer: one with a `kernel` or `embeddings`. power_iterations: how often the estimate is improved per step.

    >>> layer = tf.keras.layers.SpectralNormalization(tf.keras.layers.Dense(4))
    >>> layer(tf.ones((2, 3)), training=True).shape
    TensorShape([2, 4])

    Miyato et al. 2018. Keras: keras.layers.SpectralNormalization.
    """

    def __init__(self, layer: Layer, power_iterations: int = 1, **kwargs: Any) -> None:
        super().__init__(layer, **kwargs)
        if power_iterations <= 0:
            raise ValueError(
                "`power_iterations` should be greater than zero. Received: "
                f"`power_iterations={power_iterations}`"
            )
        self.power_iterations = power_iterations

    def build(self, input_shape: Any) -> None:
        super().build(input_shape)
        self.input_spec = InputSpec(min_ndim=1, axes={-1: input_shape[-1]})
        self.kernel = getattr(self.layer, "kernel", None)
        if self.kernel is None:
            self.kernel = getattr(self.layer, "embeddings", None)
        if self.kernel is None:
            raise ValueError(f"{type(self.layer).__name__} object has no attribute 'kernel' nor 'embeddings'")
        self.vector_u = self.add_weight(
            (1, self.kernel.shape[-1]), initializers.TruncatedNormal(stddev=0.02), trainable=False, name="vector_u",
            dtype=self.kernel.dtype,
        )  # fmt: skip

    def call(self, inputs: Any, training: Any = False) -> Any:
        if training:
            kernel, vector = tf.identity(self.kernel.value), tf.identity(self.vector_u.value)
            empty = tf.reduce_all(tf.equal(kernel, 0))
            kernel, vector = tf.cond(empty, lambda: (kernel, vector), lambda: self._normalized(kernel, vector))
            self.vector_u.assign(vector)
            self.kernel.assign(kernel)
        return tf.cast(self.layer(inputs), inputs.dtype)

    def _normalized(self, kernel: Any, vector: Any) -> tuple[Any, Any]:
        """The kernel divided by its largest singular value, and the singular vector that the estimate came to."""
        matrix = tf.reshape(kernel, [-1, kernel.shape[-1]])
        for _ in range(self.power_iterations):
            left = _unit(tf.matmul(vector, matrix, transpose_b=True))
            vector = _unit(tf.matmul(left, matrix))
        left, vector = tf.stop_gradient(left), tf.stop_gradient(vector)
        largest = tf.matmul(tf.matmul(left, matrix), vector, transpose_b=True)
        return kernel / tf.reshape(largest, []), vector

    def compute_output_shape(self, input_shape: Any) -> Any:
        return self.layer.compute_output_shape(input_shape)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "power_iterations": self.power_iterations}


def _unit(x: Any) -> Any:
    """A vector of length one."""
    return x * tf.rsqrt(tf.maximum(tf.reduce_sum(tf.square(x)), 1e-12))
