"""Quantizers as objects: what a layer quantizes its weight or its inputs with."""

from __future__ import annotations

from typing import Any

from ..preferences import epsilon as default_epsilon
from .functions import abs_max_quantize

__all__ = ["AbsMaxQuantizer", "Quantizer"]


class Quantizer:
    """Base of quantizers: a call gives `(quantized, scale)`.

    Args:
      output_dtype: of what is quantized.

    Keras: keras.quantizers.Quantizer.
    """

    def __init__(self, output_dtype: Any = "int8") -> None:
        self.output_dtype = output_dtype

    def __call__(self, x: Any) -> Any:
        return x

    def get_config(self) -> dict[str, Any]:
        """The arguments that make an equal quantizer; a subclass's to write."""
        raise NotImplementedError(f"{self} does not implement get_config()")

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Any:
        """A quantizer from its config."""
        return cls(**config)


class AbsMaxQuantizer(Quantizer):
    """Scales the largest magnitude along an axis to the end of a range of integers.

    Args:
      axis: the axis or axes that share a scale, if a call does not say; the last one else.
      value_range: the smallest and largest integer, within [-128, 127] for int8.
      epsilon: added to the largest magnitude. output_dtype: of the integers.

    >>> q, scale = tf.keras.quantizers.AbsMaxQuantizer()(tf.constant([[1.0, -2.0]]))
    >>> q.numpy()
    array([[  64, -127]], dtype=int8)

    Keras: keras.quantizers.AbsMaxQuantizer.
    """

    def __init__(
        self, axis: Any = None, value_range: Any = (-127, 127), epsilon: float = default_epsilon(),
        output_dtype: Any = "int8",
    ) -> None:  # fmt: skip
        super().__init__(output_dtype)
        self.axis = axis if axis is None else (axis,) if isinstance(axis, int) else tuple(axis)
        self.value_range, self.epsilon = tuple(value_range), epsilon
        if output_dtype == "int8" and not (value_range[0] >= -128 and value_range[1] <= 127):
            raise ValueError(
                "Quantizer with output_dtype='int8' requires value_range to be within the interval [-128, 127]. "
                f"Received: value_range={value_range}"
            )

    def __call__(self, x: Any, axis: Any = None, to_numpy: bool = False) -> tuple[Any, Any]:
        """`(integers, scale)` of floats; see `abs_max_quantize`."""
        axes = -1 if axis is None and self.axis is None else self.axis if axis is None else axis
        return abs_max_quantize(x, axes, self.value_range, self.output_dtype, self.epsilon, to_numpy)

    def get_config(self) -> dict[str, Any]:
        """The arguments that make an equal quantizer."""
        config = {"value_range": self.value_range, "epsilon": self.epsilon, "output_dtype": self.output_dtype}
        return config if self.axis is None else {**config, "axis": self.axis}
