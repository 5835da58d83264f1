"""EfficientNet V2: the first blocks with one dense convolution in the place of a depthwise and an expanding one."""

from __future__ import annotations

import functools
import math
from collections.abc import Callable
from typing import Any

from .. import layers
from .common import (
    Options,
    Weights,
    assemble,
    batch_norm,
    chain,
    channel_axis,
    channels_of,
    dense_top,
    divisible,
    pooled,
)
from .efficientnet import DENSE, KERNEL, conv, gated, shortcut
from .imagenet_utils import decode_predictions, preprocessing

__all__ = [
    "EfficientNetV2B0", "EfficientNetV2B1", "EfficientNetV2B2", "EfficientNetV2B3", "EfficientNetV2L",
    "EfficientNetV2M", "EfficientNetV2S", "decode_predictions", "preprocess_input",
]  # fmt: skip

#: The groups of blocks: fused, gated, how many, filters before and after, expansion, stride of the first.
_B = (
    (True, False, 1, 32, 16, 1, 1),
    (True, False, 2, 16, 32, 4, 2),
    (True, False, 2, 32, 48, 4, 2),
    (False, True, 3, 48, 96, 4, 2),
    (False, True, 5, 96, 112, 6, 1),
    (False, True, 8, 112, 192, 6, 2),
)
_S = (
    (True, False, 2, 24, 24, 1, 1),
    (True, False, 4, 24, 48, 4, 2),
    (True, False, 4, 48, 64, 4, 2),
    (False, True, 6, 64, 128, 4, 2),
    (False, True, 9, 128, 160, 6, 1),
    (False, True, 15, 160, 256, 6, 2),
)
_M = (
    (True, False, 3, 24, 24, 1, 1),
    (True, False, 5, 24, 48, 4, 2),
    (True, False, 5, 48, 80, 4, 2),
    (False, True, 7, 80, 160, 4, 2),
    (False, True, 14, 160, 176, 6, 1),
    (False, True, 18, 176, 304, 6, 2),
    (False, True, 5, 304, 512, 6, 1),
)
_L = (
    (True, False, 4, 32, 32, 1, 1),
    (True, False, 7, 32, 64, 4, 2),
    (True, False, 7, 64, 96, 4, 2),
    (False, True, 10, 96, 192, 4, 2),
    (False, True, 19, 192, 224, 6, 1),
    (False, True, 25, 224, 384, 6, 2),
    (False, True, 7, 384, 640, 6, 1),
)
Groups = tuple[tuple[bool, bool, int, int, int, int, int], ...]

#: Groups, width, depth, size of the images, hashes of the weights with and without classifier.
_MEMBERS: dict[str, tuple[Groups, float, float, int, str, str]] = {
    "B0": (_B, 1.0, 1.0, 224, "21ecbf6da12460d5c40bb2f29ceb2188", "893217f2bb855e2983157299931e43ff"),
    "B1": (_B, 1.0, 1.1, 240, "069f0534ff22adf035c89e2d9547a9dc", "0e80663031ca32d657f9caa404b6ec37"),
    "B2": (_B, 1.1, 1.2, 260, "424e49f28180edbde1e94797771950a7", "1dfe2e7a5d45b6632553a8961ea609eb"),
    "B3": (_B, 1.2, 1.4, 300, "1f1fc43bd98a6e4fd8fdfd551e02c7a0", "f6abf7b5849ac99a89b50dd3fd532856"),
    "S": (_S, 1.0, 1.0, 384, "e1d88a8495beba45748fedd0cecbe016", "af0682fb74e8c54910f2d4393339c070"),
    "M": (_M, 1.0, 1.0, 480, "a3bf6aa3276309f4fc6a34aa114c95cd", "1b8dc055df72dde80d614482840fe342"),
    "L": (_L, 1.0, 1.0, 480, "27e6d408b53c7ebc868fefa357689935", "b0b66b5c863aef5b46e8608fe1711615"),
}
_DROP_CONNECT = 0.2

_norm = functools.partial(batch_norm, momentum=0.9)
_filters = functools.partial(divisible, loss=1.0)


def _swish(name: str) -> Any:
    return layers.Activation("swish", name=name)


def _block(x: Any, filters: int, expansion: int, stride: int, with_gate: bool, drop: float, prefix: str) -> Any:
    """Expand, filter depthwise, weigh channels, project."""
    inputs, channels = x, channels_of(x)
    if expansion != 1:
        expand = conv(channels * expansion, 1, name=f"{prefix}expand_conv")
        x = chain(x, expand, _norm(f"{prefix}expand_bn"), _swish(f"{prefix}expand_activation"))
    depthwise = layers.DepthwiseConv2D(
        3, strides=stride, padding="same", use_bias=False, depthwise_initializer=KERNEL, name=f"{prefix}dwconv2"
    )
    x = chain(x, depthwise, _norm(f"{prefix}bn"), _swish(f"{prefix}activation"))
    if with_gate:
        x = gated(x, max(1, channels // 4), prefix)
    x = chain(x, conv(filters, 1, name=f"{prefix}project_conv"), _norm(f"{prefix}project_bn"))
    return shortcut(x, inputs, drop, prefix) if stride == 1 and channels == filters else x


def _fused(x: Any, filters: int, expansion: int, stride: int, with_gate: bool, drop: float, prefix: str) -> Any:
    """Expand with a 3x3 convolution, project; or do both with one."""
    inputs, channels = x, channels_of(x)
    if expansion != 1:
        expand = conv(channels * expansion, 3, strides=stride, name=f"{prefix}expand_conv")
        x = chain(x, expand, _norm(f"{prefix}expand_bn"), _swish(f"{prefix}expand_activation"))
    if with_gate:
        x = gated(x, max(1, channels // 4), prefix)
    kernel, step = (3, stride) if expansion == 1 else (1, 1)
    x = chain(x, conv(filters, kernel, strides=step, name=f"{prefix}project_conv"), _norm(f"{prefix}project_bn"))
    if expansion == 1:
        x = _swish(f"{prefix}project_activation")(x)
    return shortcut(x, inputs, drop, prefix) if stride == 1 and channels == filters else x


def _scaled(x: Any, member: str) -> Any:
    """Values in [0, 255] as the network was trained on them."""
    if member.startswith("b") and channels_of(x) == 3:
        deviations = (0.229, 0.224, 0.225)
        norm = layers.Normalization(
            mean=[0.485, 0.456, 0.406], variance=[d**2 for d in deviations], axis=channel_axis()
        )
        return norm(layers.Rescaling(1.0 / 255)(x))
    return layers.Rescaling(1.0 / 128.0, offset=-1)(x)


def _body(x: Any, groups: Groups, width: float, depth: float) -> Any:
    stem = conv(_filters(groups[0][3] * width), 3, strides=2, name="stem_conv")
    x = chain(x, stem, _norm("stem_bn"), _swish("stem_activation"))
    total, done = sum(group[2] for group in groups), 0
    for number, (fused, with_gate, count, _, filters, expansion, stride) in enumerate(groups, 1):
        block = _fused if fused else _block
        for i in range(math.ceil(depth * count)):
            drop, prefix = _DROP_CONNECT * done / total, f"block{number}{chr(ord('a') + i)}_"
            x = block(x, _filters(filters * width), expansion, 1 if i else stride, with_gate, drop, prefix)
            done += 1
    return chain(x, conv(_filters(1280 * width), 1, name="top_conv"), _norm("top_bn"), _swish("top_activation"))


def _efficientnet(member: str) -> Callable[..., Any]:
    groups, width, depth, size, top_hash, no_top_hash = _MEMBERS[member]
    title, model_name = f"EfficientNetV2{member}", f"efficientnetv2-{member.lower()}"
    published = Weights("efficientnet_v2", (f"{model_name}.h5", top_hash), (f"{model_name}_notop.h5", no_top_hash))

    def build(
        include_top: bool = True, weights: Any = "imagenet", input_tensor: Any = None, input_shape: Any = None,
        pooling: str | None = None, classes: int = 1000, classifier_activation: Any = "softmax",
        include_preprocessing: bool = True, name: str = model_name,
    ) -> Any:  # fmt: skip
        options = Options(
            include_top, weights, input_tensor, input_shape, pooling, classes, classifier_activation, name
        )

        def body(x: Any) -> Any:
            return _body(_scaled(x, name.split("-")[-1]) if include_preprocessing else x, groups, width, depth)

        return assemble(
            body, options, published, default_size=size,
            top=functools.partial(dense_top, dropout=0.2, kernel_initializer=DENSE),
            features=functools.partial(pooled, named=True),
        )  # fmt: skip

    build.__name__ = build.__qualname__ = title
    build.__doc__ = f"""{title}: an image classifier, or its features.

    Args:
      include_preprocessing: whether the model takes values in [0, 255].
      The others are those of all applications.

    Tan & Le, 2021. Keras: keras.applications.{title}.
    """
    return build


EfficientNetV2B0, EfficientNetV2B1, EfficientNetV2B2, EfficientNetV2B3 = map(_efficientnet, ("B0", "B1", "B2", "B3"))
EfficientNetV2S, EfficientNetV2M, EfficientNetV2L = map(_efficientnet, "SML")

preprocess_input = preprocessing(None)
