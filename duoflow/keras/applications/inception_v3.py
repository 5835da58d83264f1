"""Inception V3: branches of convolutions of several sizes, concatenated."""

from __future__ import annotations

from typing import Any

from .. import layers
from .common import Options, Weights, application
from .imagenet_utils import decode_predictions, preprocessing
from .inception_blocks import branch, concat, conv, reduced

__all__ = ["InceptionV3", "decode_predictions", "preprocess_input"]


def _pooled(x: Any, filters: int) -> Any:
    return branch(layers.AveragePooling2D(3, strides=1, padding="same")(x), (filters, 1))


def _narrow(x: Any, pool: int, name: str) -> Any:
    """1x1, 5x5 and two 3x3 side by side."""
    return concat(
        [
            branch(x, (64, 1)),
            branch(x, (48, 1), (64, 5)),
            branch(x, (64, 1), (96, 3), (96, 3)),
            _pooled(x, pool),
        ],
        name,
    )


def _long(x: Any, filters: int, name: str) -> Any:
    """7x7 taken apart into rows and columns, once and twice."""
    f = filters
    return concat(
        [
            branch(x, (192, 1)),
            branch(x, (f, 1), (f, (1, 7)), (192, (7, 1))),
            branch(x, (f, 1), (f, (7, 1)), (f, (1, 7)), (f, (7, 1)), (192, (1, 7))),
            _pooled(x, 192),
        ],
        name,
    )


def _wide(x: Any, index: int) -> Any:
    """Branches that part once more, into a row and a column."""
    single = branch(x, (320, 1))
    once = branch(x, (384, 1))
    once = concat([branch(once, (384, (1, 3))), branch(once, (384, (3, 1)))], f"mixed9_{index}")
    twice = branch(x, (448, 1), (384, 3))
    twice = concat([branch(twice, (384, (1, 3))), branch(twice, (384, (3, 1)))])
    return concat([single, once, twice, _pooled(x, 192)], f"mixed{9 + index}")


def _body(x: Any, options: Options) -> Any:
    x = conv(x, (32, 3), 2, "valid")
    x = conv(x, (32, 3), padding="valid")
    x = layers.MaxPooling2D(3, strides=2)(conv(x, (64, 3)))
    x = conv(x, (80, 1), padding="valid")
    x = layers.MaxPooling2D(3, strides=2)(conv(x, (192, 3), padding="valid"))
    for i, pool in enumerate((32, 64, 64)):
        x = _narrow(x, pool, f"mixed{i}")
    branches = [reduced(x, (384, 3)), reduced(x, (64, 1), (96, 3), (96, 3))]
    x = concat([*branches, layers.MaxPooling2D(3, strides=2)(x)], "mixed3")
    for i, filters in enumerate((128, 160, 160, 192), 4):
        x = _long(x, filters, f"mixed{i}")
    branches = [
        reduced(x, (192, 1), (320, 3)),
        reduced(x, (192, 1), (192, (1, 7)), (192, (7, 1)), (192, 3)),
    ]
    x = concat([*branches, layers.MaxPooling2D(3, strides=2)(x)], "mixed8")
    return _wide(_wide(x, 0), 1)


InceptionV3 = application(
    "InceptionV3", "inception_v3", _body,
    Weights.usual(
        "inception_v3", "inception_v3", "9a0d58056eeedaa3f26cb7ebd46da564", "bcbd6486424b2319ff4ef7d526e38f63"
    ),
    "Szegedy et al., 2015", size=299, min_size=75,
)  # fmt: skip

preprocess_input = preprocessing("tf")
