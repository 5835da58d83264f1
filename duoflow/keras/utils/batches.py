"""What data sets give: tuples of inputs, targets and sample weights."""

from __future__ import annotations

from typing import Any

__all__ = ["pack_x_y_sample_weight", "unpack_x_y_sample_weight"]


def pack_x_y_sample_weight(x: Any, y: Any = None, sample_weight: Any = None) -> Any:
    """Inputs, targets and weights as a tuple of those that are given; the inputs alone, unless they are a structure.

    >>> tf.keras.utils.pack_x_y_sample_weight([1], [2])
    ([1], [2])

    Keras: keras.utils.pack_x_y_sample_weight.
    """
    if y is None:
        return (x,) if isinstance(x, list | tuple | dict) else x
    return (x, y) if sample_weight is None else (x, y, sample_weight)


def unpack_x_y_sample_weight(data: Any) -> tuple[Any, Any, Any]:
    """Inputs, targets and weights of what a data set gave, None for those that are missing.

    Raises `ValueError` for a tuple of more than three.

    >>> tf.keras.utils.unpack_x_y_sample_weight(([1], [2]))
    ([1], [2], None)

    Keras: keras.utils.unpack_x_y_sample_weight.
    """
    if isinstance(data, list):
        data = tuple(data)
    if not isinstance(data, tuple):
        return data, None, None
    if not 1 <= len(data) <= 3:
        raise ValueError(
            "Data is expected to be in format `x`, `(x,)`, `(x, y)`, or `(x, y, sample_weight)`, found: "
            f"a tuple of {len(data)}"
        )
    x, y, weight = (*data, None, None)[:3]
    return x, y, weight
