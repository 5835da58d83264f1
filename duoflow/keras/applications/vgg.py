"""VGG: plain stacks of 3x3 convolutions (Simonyan & Zisserman, 2014)."""

from __future__ import annotations

from typing import Any

from .. import layers
from .common import Options, Weights, application, chain

__all__ = ["VGG16", "VGG19"]

_FILTERS = (64, 128, 256, 512, 512)
_PAPER = "Simonyan & Zisserman, 2014"


def _body(x: Any, options: Options, convolutions: tuple[int, ...]) -> Any:
    for block, (filters, count) in enumerate(zip(_FILTERS, convolutions, strict=True), 1):
        for i in range(1, count + 1):
            x = layers.Conv2D(filters, 3, activation="relu", padding="same", name=f"block{block}_conv{i}")(x)
        x = layers.MaxPooling2D(2, strides=2, name=f"block{block}_pool")(x)
    return x


def _top(x: Any, options: Options) -> Any:
    return chain(
        x,
        layers.Flatten(name="flatten"),
        layers.Dense(4096, activation="relu", name="fc1"),
        layers.Dense(4096, activation="relu", name="fc2"),
        layers.Dense(options.classes, activation=options.classifier_activation, name="predictions"),
    )


VGG16 = application(
    "VGG16", "vgg16", lambda x, options: _body(x, options, (2, 2, 3, 3, 3)),
    Weights.usual("vgg16", "vgg16", "64373286793e3c8b2b4e3219cbf3544b", "6d6bbae143d832006294945121d1f1fc"),
    _PAPER, top=_top,
)  # fmt: skip
VGG19 = application(
    "VGG19", "vgg19", lambda x, options: _body(x, options, (2, 2, 4, 4, 4)),
    Weights.usual("vgg19", "vgg19", "cbe5617147190e668d6c5d5026f83318", "253f8cb515780f3b799900260a226db6"),
    _PAPER, top=_top,
)  # fmt: skip
