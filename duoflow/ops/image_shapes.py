"""What functions on images share: one image or a batch, heights and widths known or not, checks of either."""

from __future__ import annotations

from typing import Any

from duoflow.core.late import F
from duoflow.core.tensor import Operators, Tensor, convert, static_value

__all__ = ["as_batch", "from_batch", "image_rank", "image_size", "require", "spatial_axes"]


def image_rank(image: Tensor, what: str = "image") -> int:
    """3 or 4, or `ValueError`; images of unknown rank are taken for single ones, as TensorFlow does."""
    if image.dims is None:
        return 3
    if len(image.dims) not in (3, 4):
        raise ValueError(
            f"'{what}' (shape {image.shape}) must have either 3 or 4 dimensions: [height, width, channels] or "
            "[batch, height, width, channels]."
        )
    return len(image.dims)


def spatial_axes(image: Tensor) -> tuple[int, int]:
    """The axes of height and width."""
    return (0, 1) if image_rank(image) == 3 else (1, 2)


def as_batch(image: Any, what: str = "image") -> tuple[Any, bool]:
    """An image or images as [batch, height, width, channels], and whether it was a batch."""
    image = convert(image)
    if image_rank(image, what) == 4:
        return image, True
    if image.dims is None:
        image = F.ensure_shape(image, [None, None, None])
    return F.expand_dims(image, 0), False


def from_batch(images: Any, batched: bool) -> Any:
    """The batch, or its only image if it was made by `as_batch`."""
    return images if batched else F.squeeze(images, [0])


def image_size(image: Tensor) -> tuple[Any, Any]:
    """Height and width: ints where they are known, else scalar tensors."""
    axes = spatial_axes(image)
    known = [None, None] if image.dims is None else [image.dims[a] for a in axes]
    if None not in known:
        return known[0], known[1]
    shape = F.shape(image)
    height, width = (shape[a] if n is None else n for a, n in zip(axes, known, strict=True))
    return height, width


def number(value: Any) -> Any:
    """A Python number for what is known statically without being a tensor of the program; else the tensor."""
    return value if not isinstance(value, Operators) else convert(value)


def require(condition: Any, message: str) -> None:
    """Raise `ValueError` unless a condition holds; for one known only at run time, assert it there."""
    if isinstance(condition, Operators):
        known = static_value(convert(condition))
        if known is None or not known.all():
            F.Assert(condition, [message])
    elif not condition:
        raise ValueError(message)
