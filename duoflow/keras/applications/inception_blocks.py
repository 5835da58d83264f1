"""What the Inception networks are made of: convolutions with normalisation, one after another, in branches."""

from __future__ import annotations

from typing import Any

from .. import layers
from .common import batch_norm, chain, channel_axis

__all__ = ["Conv", "branch", "concat", "conv", "reduced"]

#: One convolution: filters and kernel size.
Conv = tuple[int, Any]


def conv(x: Any, of: Conv, stride: int = 1, padding: str = "same", name: str | None = None) -> Any:
    """A convolution, normalised, with relu."""
    return chain(
        x,
        layers.Conv2D(*of, strides=stride, padding=padding, use_bias=False, name=name),
        batch_norm(name and f"{name}_bn", scale=False),
        layers.Activation("relu", name=name and f"{name}_ac"),
    )


def branch(x: Any, *convs: Conv) -> Any:
    """Convolutions one after another."""
    for of in convs:
        x = conv(x, of)
    return x


def reduced(x: Any, *convs: Conv) -> Any:
    """A branch whose last convolution has stride 2."""
    return conv(branch(x, *convs[:-1]), convs[-1], 2, "valid")


def concat(branches: list[Any], name: str | None = None) -> Any:
    """Branches joined along their channels."""
    return layers.Concatenate(axis=channel_axis(), name=name)(branches)
