"""Differentiation in both modes: `tf.autodiff`."""

from duoflow.core.autodiff import GradientTape
from duoflow.core.forward import ForwardAccumulator

__all__ = ["ForwardAccumulator", "GradientTape"]
