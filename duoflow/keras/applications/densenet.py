"""DenseNet: every layer of a block sees the feature maps of all before it."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

from .. import layers
from .common import Options, Weights, application, batch_norm, chain, channel_axis, channels_of, pooled
from .imagenet_utils import decode_predictions, preprocessing

__all__ = ["DenseNet121", "DenseNet169", "DenseNet201", "decode_predictions", "preprocess_input"]

_GROWTH = 32

_norm = functools.partial(batch_norm, epsilon=1.001e-5)


def _relu(name: str) -> Any:
    return layers.Activation("relu", name=name)


def _grown(x: Any, name: str) -> Any:
    """`x` and 32 new feature maps beside it."""
    new = chain(
        x,
        _norm(f"{name}_0_bn"),
        _relu(f"{name}_0_relu"),
        layers.Conv2D(4 * _GROWTH, 1, use_bias=False, name=f"{name}_1_conv"),
        _norm(f"{name}_1_bn"),
        _relu(f"{name}_1_relu"),
        layers.Conv2D(_GROWTH, 3, padding="same", use_bias=False, name=f"{name}_2_conv"),
    )
    return layers.Concatenate(axis=channel_axis(), name=f"{name}_concat")([x, new])


def _transition(x: Any, name: str) -> Any:
    """Half as many feature maps of half the size."""
    return chain(
        x,
        _norm(f"{name}_bn"),
        _relu(f"{name}_relu"),
        layers.Conv2D(channels_of(x) // 2, 1, use_bias=False, name=f"{name}_conv"),
        layers.AveragePooling2D(2, strides=2, name=f"{name}_pool"),
    )


def _body(x: Any, options: Options, depths: tuple[int, ...]) -> Any:
    if channel_axis() == 1:
        raise ValueError("DenseNet does not support the `channels_first` image data format.")
    x = chain(
        x,
        layers.ZeroPadding2D(((3, 3), (3, 3))),
        layers.Conv2D(64, 7, strides=2, use_bias=False, name="conv1_conv"),
        _norm("conv1_bn"),
        _relu("conv1_relu"),
        layers.ZeroPadding2D(((1, 1), (1, 1))),
        layers.MaxPooling2D(3, strides=2, name="pool1"),
    )
    for stage, count in enumerate(depths, 2):
        for i in range(1, count + 1):
            x = _grown(x, f"conv{stage}_block{i}")
        if stage < 5:
            x = _transition(x, f"pool{stage}")
    return chain(x, _norm("bn"), _relu("relu"))


def _densenet(depths: tuple[int, ...], top: str, no_top: str) -> Callable[..., Any]:
    depth = 2 * sum(depths) + 5
    name = f"densenet{depth}"
    return application(
        f"DenseNet{depth}", name, functools.partial(_body, depths=depths),
        Weights.usual("densenet", name, top, no_top), "Huang et al., 2016",
        features=functools.partial(pooled, named=True),
    )  # fmt: skip


DenseNet121 = _densenet((6, 12, 24, 16), "9d60b8095a5708f2dcce2bca79d332c7", "30ee3e1110167f948a6b9946edeeb738")
DenseNet169 = _densenet((6, 12, 32, 32), "d699b8f76981ab1b30698df4c175e90b", "b8c4d4c20dd625c148057b9ff1c1176b")
DenseNet201 = _densenet((6, 12, 48, 32), "1ceb130c1ea1b78c3bf6114dbdfd8807", "c13680b51ded0fb44dff2d8f86ac8bb1")

preprocess_input = preprocessing("torch")
