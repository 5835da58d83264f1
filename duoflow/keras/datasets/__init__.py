"""Small data sets: keras.datasets."""

from . import fashion_mnist, mnist

__all__ = ["fashion_mnist", "mnist"]
