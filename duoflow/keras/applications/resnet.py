"""ResNet: bottlenecks around shortcuts, with the activation after (V1) or before (V2) the convolutions."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

from .. import layers
from .common import Options, Weights, application, batch_norm, chain, pooled
from .imagenet_utils import decode_predictions, preprocessing

__all__ = ["ResNet50", "ResNet101", "ResNet152", "decode_predictions", "preprocess_input"]

#: How many blocks the four stages have.
_DEPTHS = {50: (3, 4, 6, 3), 101: (3, 4, 23, 3), 152: (3, 8, 36, 3)}
_FILTERS = (64, 128, 256, 512)

_norm = functools.partial(batch_norm, epsilon=1.001e-5)


def _relu(name: str) -> Any:
    return layers.Activation("relu", name=name)


def block_v1(x: Any, filters: int, stride: int, project: bool, name: str) -> Any:
    """Convolve, normalise, activate, three times; add the shortcut before the last activation."""
    shortcut = x
    if project:
        conv = layers.Conv2D(4 * filters, 1, strides=stride, name=f"{name}_0_conv")
        shortcut = chain(x, conv, _norm(f"{name}_0_bn"))
    x = chain(
        x,
        layers.Conv2D(filters, 1, strides=stride, name=f"{name}_1_conv"),
        _norm(f"{name}_1_bn"),
        _relu(f"{name}_1_relu"),
        layers.Conv2D(filters, 3, padding="SAME", name=f"{name}_2_conv"),
        _norm(f"{name}_2_bn"),
        _relu(f"{name}_2_relu"),
        layers.Conv2D(4 * filters, 1, name=f"{name}_3_conv"),
        _norm(f"{name}_3_bn"),
    )
    return _relu(f"{name}_out")(layers.Add(name=f"{name}_add")([shortcut, x]))


def block_v2(x: Any, filters: int, stride: int, project: bool, name: str) -> Any:
    """Normalise, activate, convolve, three times; the shortcut leaves after the first activation if it projects."""
    before = chain(x, _norm(f"{name}_preact_bn"), _relu(f"{name}_preact_relu"))
    if project:
        shortcut = layers.Conv2D(4 * filters, 1, strides=stride, name=f"{name}_0_conv")(before)
    else:
        shortcut = layers.MaxPooling2D(1, strides=stride)(x) if stride > 1 else x
    x = chain(
        before,
        layers.Conv2D(filters, 1, strides=1, use_bias=False, name=f"{name}_1_conv"),
        _norm(f"{name}_1_bn"),
        _relu(f"{name}_1_relu"),
        layers.ZeroPadding2D(((1, 1), (1, 1)), name=f"{name}_2_pad"),
        layers.Conv2D(filters, 3, strides=stride, use_bias=False, name=f"{name}_2_conv"),
        _norm(f"{name}_2_bn"),
        _relu(f"{name}_2_relu"),
        layers.Conv2D(4 * filters, 1, name=f"{name}_3_conv"),
    )
    return layers.Add(name=f"{name}_out")([shortcut, x])


def _stem(x: Any, normalised: bool) -> Any:
    x = chain(
        x,
        layers.ZeroPadding2D(((3, 3), (3, 3)), name="conv1_pad"),
        layers.Conv2D(64, 7, strides=2, name="conv1_conv"),
    )
    if normalised:
        x = chain(x, _norm("conv1_bn"), _relu("conv1_relu"))
    return chain(
        x,
        layers.ZeroPadding2D(((1, 1), (1, 1)), name="pool1_pad"),
        layers.MaxPooling2D(3, strides=2, name="pool1_pool"),
    )


def _body_v1(x: Any, options: Options, depths: tuple[int, ...]) -> Any:
    x = _stem(x, normalised=True)
    for stage, (filters, count) in enumerate(zip(_FILTERS, depths, strict=True)):
        for i in range(count):
            stride = 2 if stage and i == 0 else 1
            x = block_v1(x, filters, stride, i == 0, f"conv{stage + 2}_block{i + 1}")
    return x


def _body_v2(x: Any, options: Options, depths: tuple[int, ...]) -> Any:
    x = _stem(x, normalised=False)
    for stage, (filters, count) in enumerate(zip(_FILTERS, depths, strict=True)):
        for i in range(count):
            stride = 2 if stage < 3 and i == count - 1 else 1
            x = block_v2(x, filters, stride, i == 0, f"conv{stage + 2}_block{i + 1}")
    return chain(x, _norm("post_bn"), _relu("post_relu"))


def _resnet(depth: int, suffix: str, top: str, no_top: str) -> Callable[..., Any]:
    name = f"resnet{depth}{suffix.lower()}"
    body, paper = (_body_v2, "He et al., 2016") if suffix else (_body_v1, "He et al., 2015")
    return application(
        f"ResNet{depth}{suffix}", name, functools.partial(body, depths=_DEPTHS[depth]),
        Weights.usual("resnet", name, top, no_top), paper, features=functools.partial(pooled, named=True),
    )  # fmt: skip


ResNet50 = _resnet(50, "", "2cb95161c43110f7111970584f804107", "4d473c1dd8becc155b73f8504c6f6626")
ResNet101 = _resnet(101, "", "f1aeb4b969a6efcfb50fad2f0c20cfc5", "88cf7a10940856eca736dc7b7e228a21")
ResNet152 = _resnet(152, "", "100835be76be38e30d865e96f2aaae62", "ee4c566cf9a93f14d82f913c2dc6dd0c")
ResNet50V2 = _resnet(50, "V2", "3ef43a0b657b3be2300d5770ece849e0", "fac2f116257151a9d068a22e544a4917")
ResNet101V2 = _resnet(101, "V2", "6343647c601c52e1368623803854d971", "c0ed64b8031c3730f411d2eb4eea35b5")
ResNet152V2 = _resnet(152, "V2", "a49b44d1979771252814e80f8ec446f9", "ed17cf2e0169df9d443503ef94b23b33")

preprocess_input = preprocessing("caffe")
