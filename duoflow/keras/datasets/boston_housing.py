"""House prices in the suburbs of Boston, in 1978."""

from __future__ import annotations

from typing import Any

from .reading import fetch_npz, parts

__all__ = ["load_data"]

_HASH = "f553886a1f8d56431e820c5b82552d9d95cfcb96d1e678153f8839538947dff5"


def load_data(
    path: str = "boston_housing.npz", test_split: float = 0.2, seed: int = 113
) -> tuple[tuple[Any, Any], tuple[Any, Any]]:
    """`(x_train, y_train), (x_test, y_test)`: 13 numbers of each of 506 suburbs, and the median price in k$.

    Args:
      path: the file's name in the cache. test_split: the part that is the test set, in [0, 1). seed: of the order.

    One of the columns describes people by the colour of their skin: the set is of historical interest only. Downloaded
    once. Keras: keras.datasets.boston_housing.load_data.
    """
    x, y = fetch_npz(path, "boston_housing.npz", _HASH, "x", "y")
    return parts(x, y, test_split, seed)
