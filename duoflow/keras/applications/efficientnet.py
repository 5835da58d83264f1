"""EfficientNet: inverted residual blocks with gates, widened and deepened together."""

from __future__ import annotations

import functools
import math
from collections.abc import Callable
from typing import Any

from .. import layers
from .common import (
    Options,
    Weights,
    application,
    batch_norm,
    chain,
    channel_axis,
    channels_of,
    correct_pad,
    dense_top,
    divisible,
    pooled,
)
from .imagenet_utils import decode_predictions, preprocessing

__all__ = [
    "EfficientNetB0", "EfficientNetB1", "EfficientNetB2", "EfficientNetB3", "EfficientNetB4", "EfficientNetB5",
    "EfficientNetB6", "EfficientNetB7", "decode_predictions", "preprocess_input",
]  # fmt: skip

#: The groups of blocks: kernel, how many, filters before and after, expansion, stride of the first.
_GROUPS = (
    (3, 1, 32, 16, 1, 1),
    (3, 2, 16, 24, 6, 2),
    (5, 2, 24, 40, 6, 2),
    (3, 3, 40, 80, 6, 2),
    (5, 3, 80, 112, 6, 1),
    (5, 4, 112, 192, 6, 2),
    (3, 1, 192, 320, 6, 1),
)
#: Width, depth, size of the images, dropout, hashes of the weights with and without classifier.
_MEMBERS = {
    "B0": (1.0, 1.0, 224, 0.2, "902e53a9f72be733fc0bcb005b3ebbac", "50bc09e76180e00e4465e1a485ddc09d"),
    "B1": (1.0, 1.1, 240, 0.2, "1d254153d4ab51201f1646940f018540", "74c4e6b3e1f6a1eea24c589628592432"),
    "B2": (1.1, 1.2, 260, 0.3, "b15cce36ff4dcbd00b6dd88e7857a6ad", "111f8e2ac8aa800a7a99e3239f7bfb39"),
    "B3": (1.2, 1.4, 300, 0.3, "ffd1fdc53d0ce67064dc6a9c7960ede0", "af6d107764bb5b1abb91932881670226"),
    "B4": (1.4, 1.8, 380, 0.4, "18c95ad55216b8f92d7e70b3a046e2fc", "ebc24e6d6c33eaebbd558eafbeedf1ba"),
    "B5": (1.6, 2.2, 456, 0.4, "ace28f2a6363774853a83a0b21b9421a", "38879255a25d3c92d5e44e04ae6cec6f"),
    "B6": (1.8, 2.6, 528, 0.5, "165f6e37dce68623721b423839de8be5", "9ecce42647a20130c1f39a5d4cb75743"),
    "B7": (2.0, 3.1, 600, 0.5, "8c03f828fec3ef71311cd463b6759d99", "cbcfe4450ddf6f3ad90b1b398090fe4a"),
}
_DROP_CONNECT = 0.2

KERNEL = {
    "class_name": "VarianceScaling",
    "config": {"scale": 2.0, "mode": "fan_out", "distribution": "truncated_normal"},
}
DENSE = {"class_name": "VarianceScaling", "config": {"scale": 1 / 3, "mode": "fan_out", "distribution": "uniform"}}

conv = functools.partial(layers.Conv2D, use_bias=False, padding="same", kernel_initializer=KERNEL)


def gated(x: Any, squeezed: int, prefix: str) -> Any:
    """Every channel times a number in (0, 1) that depends on the means of all."""
    channels = channels_of(x)
    gate = chain(
        x,
        layers.GlobalAveragePooling2D(name=f"{prefix}se_squeeze"),
        layers.Reshape((channels, 1, 1) if channel_axis() == 1 else (1, 1, channels), name=f"{prefix}se_reshape"),
        conv(squeezed, 1, use_bias=True, activation="swish", name=f"{prefix}se_reduce"),
        conv(channels, 1, use_bias=True, activation="sigmoid", name=f"{prefix}se_expand"),
    )
    return layers.multiply([x, gate], name=f"{prefix}se_excite")


def shortcut(x: Any, inputs: Any, drop: float, prefix: str) -> Any:
    """The block's result, left out now and then for a whole image while training, added to its input."""
    if drop:
        x = layers.Dropout(drop, noise_shape=(None, 1, 1, 1), name=f"{prefix}drop")(x)
    return layers.add([x, inputs], name=f"{prefix}add")


def _block(x: Any, kernel: int, filters: int, expansion: int, stride: int, drop: float, prefix: str) -> Any:
    inputs, channels = x, channels_of(x)
    if expansion != 1:
        x = chain(
            x,
            conv(channels * expansion, 1, name=f"{prefix}expand_conv"),
            batch_norm(f"{prefix}expand_bn"),
            layers.Activation("swish", name=f"{prefix}expand_activation"),
        )
    if stride == 2:
        x = layers.ZeroPadding2D(correct_pad(x, kernel), name=f"{prefix}dwconv_pad")(x)
    depthwise = layers.DepthwiseConv2D(
        kernel, strides=stride, padding="valid" if stride == 2 else "same", use_bias=False,
        depthwise_initializer=KERNEL, name=f"{prefix}dwconv",
    )  # fmt: skip
    x = chain(x, depthwise, batch_norm(f"{prefix}bn"), layers.Activation("swish", name=f"{prefix}activation"))
    x = gated(x, max(1, channels // 4), prefix)
    x = chain(x, conv(filters, 1, name=f"{prefix}project_conv"), batch_norm(f"{prefix}project_bn"))
    return shortcut(x, inputs, drop, prefix) if stride == 1 and channels == filters else x


def _body(x: Any, options: Options, width: float, depth: float) -> Any:
    x = chain(x, layers.Rescaling(1.0 / 255.0), layers.Normalization(axis=channel_axis()))
    if options.pretrained:
        # The layer divides by the root of what it stores, the networks were trained with all of it: this is the rest.
        x = layers.Rescaling([1 / math.sqrt(deviation) for deviation in (0.229, 0.224, 0.225)])(x)
    x = chain(
        x,
        layers.ZeroPadding2D(correct_pad(x, 3), name="stem_conv_pad"),
        conv(divisible(32 * width), 3, strides=2, padding="valid", name="stem_conv"),
        batch_norm("stem_bn"),
        layers.Activation("swish", name="stem_activation"),
    )
    counts = [math.ceil(depth * group[1]) for group in _GROUPS]
    done = 0
    for number, ((kernel, _, _, filters, expansion, stride), count) in enumerate(zip(_GROUPS, counts, strict=True), 1):
        for i in range(count):
            drop = _DROP_CONNECT * done / sum(counts)
            prefix = f"block{number}{chr(ord('a') + i)}_"
            x = _block(x, kernel, divisible(filters * width), expansion, 1 if i else stride, drop, prefix)
            done += 1
    return chain(
        x,
        conv(divisible(1280 * width), 1, name="top_conv"),
        batch_norm("top_bn"),
        layers.Activation("swish", name="top_activation"),
    )


def _efficientnet(member: str) -> Callable[..., Any]:
    width, depth, size, dropout, top, no_top = _MEMBERS[member]
    name = f"efficientnet{member.lower()}"
    folder = "https://storage.googleapis.com/keras-applications/"
    return application(
        f"EfficientNet{member}", name, functools.partial(_body, width=width, depth=depth),
        Weights(folder, (f"{name}.h5", top), (f"{name}_notop.h5", no_top)),
        "Tan & Le, 2019", size=size, top=functools.partial(dense_top, dropout=dropout, kernel_initializer=DENSE),
        features=functools.partial(pooled, named=True),
    )  # fmt: skip


EfficientNetB0, EfficientNetB1, EfficientNetB2, EfficientNetB3 = map(_efficientnet, ("B0", "B1", "B2", "B3"))
EfficientNetB4, EfficientNetB5, EfficientNetB6, EfficientNetB7 = map(_efficientnet, ("B4", "B5", "B6", "B7"))

preprocess_input = preprocessing(None)
