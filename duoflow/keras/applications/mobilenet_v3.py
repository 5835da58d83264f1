"""MobileNet V3: inverted residual blocks, some with a gate per channel (squeeze and excitation)."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

from .. import layers
from ..symbolic import is_keras_tensor
from .common import (
    Options,
    Weights,
    assemble,
    batch_norm,
    chain,
    channel_axis,
    channels_of,
    correct_pad,
    divisible,
    extent_of,
    pooled,
)
from .imagenet_utils import decode_predictions, preprocessing
from .mobilenet import check_published
from .mobilenet_v2 import check_input_tensor

__all__ = ["MobileNetV3Large", "MobileNetV3Small", "decode_predictions", "preprocess_input"]

#: One block: expansion, filters, kernel (5 is 3 in minimalistic networks), stride, gated, activated by hard swish.
Block = tuple[float, int, int, int, bool, bool]

_SMALL: tuple[Block, ...] = (
    (1, 16, 3, 2, True, False),
    (72.0 / 16, 24, 3, 2, False, False),
    (88.0 / 24, 24, 3, 1, False, False),
    (4, 40, 5, 2, True, True),
    (6, 40, 5, 1, True, True),
    (6, 40, 5, 1, True, True),
    (3, 48, 5, 1, True, True),
    (3, 48, 5, 1, True, True),
    (6, 96, 5, 2, True, True),
    (6, 96, 5, 1, True, True),
    (6, 96, 5, 1, True, True),
)
_LARGE: tuple[Block, ...] = (
    (1, 16, 3, 1, False, False),
    (4, 24, 3, 2, False, False),
    (3, 24, 3, 1, False, False),
    (3, 40, 5, 2, True, False),
    (3, 40, 5, 1, True, False),
    (3, 40, 5, 1, True, False),
    (6, 80, 3, 2, False, True),
    (2.5, 80, 3, 1, False, True),
    (2.3, 80, 3, 1, False, True),
    (2.3, 80, 3, 1, False, True),
    (6, 112, 3, 1, True, True),
    (6, 112, 3, 1, True, True),
    (6, 160, 5, 2, True, True),
    (6, 160, 5, 1, True, True),
    (6, 160, 5, 1, True, True),
)
_HASHES = {
    "large_224_0.75_float": ("765b44a33ad4005b3ac83185abf1d0eb", "40af19a13ebea4e2ee0c676887f69a2e"),
    "large_224_1.0_float": ("59e551e166be033d707958cf9e29a6a7", "07fb09a5933dd0c8eaafa16978110389"),
    "large_minimalistic_224_1.0_float": ("675e7b876c45c57e9e63e6d90a36599c", "ec5221f64a2f6d1ef965a614bdae7973"),
    "small_224_0.75_float": ("cb65d4e5be93758266aa0a7f2c6708b7", "ebdb5cc8e0b497cd13a7c275d475c819"),
    "small_224_1.0_float": ("8768d4c2e7dee89b9d02b2d03d65d862", "d3e8ec802a04aa4fc771ee12a9a9b836"),
    "small_minimalistic_224_1.0_float": ("99cd97fb2fcdad2bf028eb838de69e37", "cde8136e733e811080d9fcd8a252f7e4"),
}

_norm = functools.partial(batch_norm, epsilon=1e-3, momentum=0.999)


def _gated(x: Any, filters: int, prefix: str) -> Any:
    """Every channel times a number in [0, 1] that depends on the means of all."""
    gate = chain(
        x,
        layers.GlobalAveragePooling2D(keepdims=True, name=f"{prefix}squeeze_excite_avg_pool"),
        layers.Conv2D(divisible(filters * 0.25), 1, padding="same", name=f"{prefix}squeeze_excite_conv"),
        layers.ReLU(name=f"{prefix}squeeze_excite_relu"),
        layers.Conv2D(filters, 1, padding="same", name=f"{prefix}squeeze_excite_conv_1"),
    )
    gate = layers.ReLU(6.0)(gate + 3.0) * (1.0 / 6.0)
    return layers.Multiply(name=f"{prefix}squeeze_excite_mul")([x, gate])


def _block(x: Any, block: Block, filters: int, minimalistic: bool, index: int) -> Any:
    expansion, _, kernel, stride, gated, hard = block
    kernel = min(kernel, 3) if minimalistic else kernel
    activation = _hard_swish if hard and not minimalistic else layers.ReLU
    shortcut, channels = x, channels_of(x)
    expanded = divisible(channels * expansion)
    prefix = f"expanded_conv_{index}_" if index else "expanded_conv_"
    if index:
        conv = layers.Conv2D(expanded, 1, padding="same", use_bias=False, name=f"{prefix}expand")
        x = chain(x, conv, _norm(f"{prefix}expand_bn"), activation())
    if stride == 2:
        x = layers.ZeroPadding2D(correct_pad(x, kernel), name=f"{prefix}depthwise_pad")(x)
    padding = "same" if stride == 1 else "valid"
    conv = layers.DepthwiseConv2D(kernel, strides=stride, padding=padding, use_bias=False, name=f"{prefix}depthwise")
    x = chain(x, conv, _norm(f"{prefix}depthwise_bn"), activation())
    if gated and not minimalistic:
        x = _gated(x, expanded, prefix)
    conv = layers.Conv2D(filters, 1, padding="same", use_bias=False, name=f"{prefix}project")
    x = chain(x, conv, _norm(f"{prefix}project_bn"))
    return layers.Add(name=f"{prefix}add")([shortcut, x]) if stride == 1 and channels == filters else x


def _hard_swish() -> Any:
    return layers.Activation("hard_swish")


def _image_shape(options: Options) -> Any:
    """The shape of one image; `ValueError` for one below 32 x 32."""
    shape = options.input_shape
    if shape is None and is_keras_tensor(options.input_tensor):
        rows, columns = extent_of(options.input_tensor.shape[1:])
        shape = (columns, rows, 3) if channel_axis() == 3 else (3, columns, rows)
    elif shape is None:
        shape = (None, None, 3) if channel_axis() == 3 else (3, None, None)
    rows, columns = extent_of(shape)
    if rows and columns and (rows < 32 or columns < 32):
        raise ValueError(f"Input size must be at least 32x32; Received `input_shape={shape}`")
    return shape


def _mobilenet(title: str, kind: str, blocks: tuple[Block, ...], last: int) -> Callable[..., Any]:
    def build(
        input_shape: Any = None, alpha: float = 1.0, minimalistic: bool = False, include_top: bool = True,
        weights: Any = "imagenet", input_tensor: Any = None, classes: int = 1000, pooling: str | None = None,
        dropout_rate: float = 0.2, classifier_activation: Any = "softmax", include_preprocessing: bool = True,
        name: str = title,
    ) -> Any:  # fmt: skip
        options = Options(
            include_top, weights, input_tensor, input_shape, pooling, classes, classifier_activation, name
        )
        options.check()
        check_input_tensor(options)
        check_published(options, alpha, (1.0,) if minimalistic else (0.75, 1.0), (224,))
        activation = layers.ReLU if minimalistic else _hard_swish

        def body(x: Any) -> Any:
            if include_preprocessing:
                x = layers.Rescaling(scale=1.0 / 127.5, offset=-1.0)(x)
            conv = layers.Conv2D(16, 3, strides=2, padding="same", use_bias=False, name="conv")
            x = chain(x, conv, _norm("conv_bn"), activation())
            for i, block in enumerate(blocks):
                x = _block(x, block, divisible(block[1] * alpha), minimalistic, i)
            wide = divisible(channels_of(x) * 6)
            conv = layers.Conv2D(wide, 1, padding="same", use_bias=False, name="conv_1")
            return chain(x, conv, _norm("conv_1_bn"), activation())

        def top(x: Any, options: Options) -> Any:
            points = divisible(last * alpha) if alpha > 1 else last
            x = layers.GlobalAveragePooling2D(keepdims=True)(x)
            x = chain(x, layers.Conv2D(points, 1, padding="same", use_bias=True, name="conv_2"), activation())
            if dropout_rate > 0:
                x = layers.Dropout(dropout_rate)(x)
            logits = layers.Conv2D(classes, 1, padding="same", name="logits")
            return chain(x, logits, layers.Flatten(), layers.Activation(classifier_activation, name="predictions"))

        return assemble(
            body, options, _published(kind, minimalistic, alpha), shape=_image_shape(options), top=top,
            features=functools.partial(pooled, named=True),
        )  # fmt: skip

    build.__name__ = build.__qualname__ = title
    build.__doc__ = f"""{title}: a small image classifier, or its features.

    Args:
      alpha: the width, as a part of the paper's. minimalistic: without 5x5 kernels, gates and hard swish.
      dropout_rate: of the features before the classifier.
      include_preprocessing: whether the model takes values in [0, 255] (else in [-1, 1]).
      The others are those of all applications.

    Howard et al., 2019. Keras: keras.applications.{title}.
    """
    return build


def _published(kind: str, minimalistic: bool, alpha: float) -> Weights | None:
    name = f"{kind}{'_minimalistic' if minimalistic else ''}_224_{alpha}_float"
    if name not in _HASHES:
        return None
    top, no_top = _HASHES[name]
    stem = f"weights_mobilenet_v3_{name}"
    return Weights("mobilenet_v3", (f"{stem}.h5", top), (f"{stem}_no_top_v2.h5", no_top))


MobileNetV3Small = _mobilenet("MobileNetV3Small", "small", _SMALL, 1024)
MobileNetV3Large = _mobilenet("MobileNetV3Large", "large", _LARGE, 1280)

preprocess_input = preprocessing(None)
