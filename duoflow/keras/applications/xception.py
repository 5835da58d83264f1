"""Xception: separable convolutions around shortcuts."""

from __future__ import annotations

from typing import Any

from .. import layers
from .common import Options, Weights, application, batch_norm, chain
from .imagenet_utils import decode_predictions, preprocessing

__all__ = ["Xception", "decode_predictions", "preprocess_input"]


def _relu(name: str) -> Any:
    return layers.Activation("relu", name=f"{name}_act")


def _separable(x: Any, filters: int, name: str) -> Any:
    conv = layers.SeparableConv2D(filters, 3, padding="same", use_bias=False, name=name)
    return chain(x, conv, batch_norm(f"{name}_bn"))


def _reduction(x: Any, filters: tuple[int, int], block: int) -> Any:
    """Two separable convolutions and a pool, beside a projection with the same stride."""
    shortcut = chain(x, layers.Conv2D(filters[1], 1, strides=2, padding="same", use_bias=False), batch_norm())
    for i, count in enumerate(filters, 1):
        if block > 2 or i > 1:
            x = _relu(f"block{block}_sepconv{i}")(x)
        x = _separable(x, count, f"block{block}_sepconv{i}")
    x = layers.MaxPooling2D(3, strides=2, padding="same", name=f"block{block}_pool")(x)
    return layers.add([x, shortcut])


def _body(x: Any, options: Options) -> Any:
    for i, (filters, stride) in enumerate(((32, 2), (64, 1)), 1):
        name = f"block1_conv{i}"
        conv = layers.Conv2D(filters, 3, strides=stride, use_bias=False, name=name)
        x = chain(x, conv, batch_norm(f"{name}_bn"), _relu(name))
    for block, filters in ((2, 128), (3, 256), (4, 728)):
        x = _reduction(x, (filters, filters), block)
    for block in range(5, 13):
        shortcut = x
        for i in (1, 2, 3):
            name = f"block{block}_sepconv{i}"
            x = _separable(_relu(name)(x), 728, name)
        x = layers.add([x, shortcut])
    x = _reduction(x, (728, 1024), 13)
    for i, filters in ((1, 1536), (2, 2048)):
        name = f"block14_sepconv{i}"
        x = _relu(name)(_separable(x, filters, name))
    return x


Xception = application(
    "Xception", "xception", _body,
    Weights.usual("xception", "xception", "0a58e3b7378bc2990ea3b43d5981f1f6", "b0042744bf5b25fce3cb969f33bebb97"),
    "Chollet, 2016", size=299, min_size=71,
)  # fmt: skip

preprocess_input = preprocessing("tf")
