"""CIFAR-100: colour images of a hundred kinds of things, in twenty groups."""

from __future__ import annotations

from typing import Any

from .cifar import fetch, read_batch

__all__ = ["load_data"]

_HASH = "85cd44d02ba6437773c5bbd22e183051d648de2e7d6b014e1ef29b855ba677a7"


def load_data(label_mode: str = "fine") -> tuple[tuple[Any, Any], tuple[Any, Any]]:
    """`(x_train, y_train), (x_test, y_test)`: uint8 images [n, 32, 32, 3] and labels [n, 1], 50,000 and 10,000.

    Args:
      label_mode: "fine" for the hundred classes, "coarse" for their twenty groups.

    Downloaded once. Raises `Exception` without a network unless the files are in the cache.

    Krizhevsky, 2009. Keras: keras.datasets.cifar100.load_data.
    """
    if label_mode not in ("fine", "coarse"):
        raise ValueError(f'`label_mode` must be one of `"fine"`, `"coarse"`. Received: label_mode={label_mode}.')
    folder = fetch("cifar-100-python-target", "cifar-100-python.tar.gz", _HASH, "cifar-100-python")
    train, test = (read_batch(folder / name, f"{label_mode}_labels") for name in ("train", "test"))
    return train, test
