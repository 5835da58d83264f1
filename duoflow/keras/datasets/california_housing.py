"""House prices in the districts of California, in 1990."""

from __future__ import annotations

from typing import Any

from .reading import fetch_npz, parts

__all__ = ["load_data"]

_HASH = "1a2e3a52e0398de6463aebe6f4a8da34fb21fbb6b934cf88c3425e766f2a1a6f"


def load_data(
    version: str = "large", path: str = "california_housing.npz", test_split: float = 0.2, seed: int = 113
) -> tuple[tuple[Any, Any], tuple[Any, Any]]:
    """`(x_train, y_train), (x_test, y_test)`: 8 numbers of each of 20,640 districts, and the median price in $.

    Args:
      version: "large", or "small" for the first 600. path: the file's name in the cache.
      test_split: the part that is the test set, in [0, 1). seed: of the order.

    Downloaded once. Pace & Barry, 1997. Keras: keras.datasets.california_housing.load_data.
    """
    if version not in ("small", "large"):
        raise ValueError(f"Argument `version` must be one of 'small', 'large'. Received: version={version}")
    x, y = fetch_npz(path, "california_housing.npz", _HASH, "x", "y")
    some = slice(600 if version == "small" else None)
    return parts(x[some], y[some], test_split, seed)
