"""`tensorflow.examples.tutorials.mnist` as tutorials of TensorFlow 1 import it."""

from .contrib import mnist as input_data

__all__ = ["input_data"]
