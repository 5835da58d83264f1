"""Small data sets: keras.datasets."""

from . import mnist

__all__ = ["mnist"]
