"""MobileNet V2: inverted residual blocks with a linear end."""

from __future__ import annotations

import functools
from typing import Any

from .. import layers
from ..symbolic import is_keras_tensor
from .common import (
    Options,
    Weights,
    assemble,
    batch_norm,
    chain,
    channels_of,
    correct_pad,
    divisible,
    extent_of,
    pooled,
)
from .common import dense_top as _dense_top
from .imagenet_utils import decode_predictions, preprocessing
from .mobilenet import check_published, square_size

__all__ = ["MobileNetV2", "decode_predictions", "preprocess_input"]

#: (filters, stride of the first, how many) of the groups of blocks.
_GROUPS = ((16, 1, 1), (24, 2, 2), (32, 2, 3), (64, 2, 4), (96, 1, 3), (160, 2, 3), (320, 1, 1))
_ALPHAS = (0.35, 0.5, 0.75, 1.0, 1.3, 1.4)
_SIZES = (96, 128, 160, 192, 224)

_norm = functools.partial(batch_norm, epsilon=1e-3, momentum=0.999)


def _block(x: Any, filters: int, stride: int, index: int) -> Any:
    inputs, channels = x, channels_of(x)
    prefix = f"block_{index}_" if index else "expanded_conv_"
    if index:
        x = chain(
            x,
            layers.Conv2D(6 * channels, 1, padding="same", use_bias=False, name=f"{prefix}expand"),
            _norm(f"{prefix}expand_BN"),
            layers.ReLU(6.0, name=f"{prefix}expand_relu"),
        )
    if stride == 2:
        x = layers.ZeroPadding2D(correct_pad(x, 3), name=f"{prefix}pad")(x)
    padding = "same" if stride == 1 else "valid"
    x = chain(
        x,
        layers.DepthwiseConv2D(3, strides=stride, use_bias=False, padding=padding, name=f"{prefix}depthwise"),
        _norm(f"{prefix}depthwise_BN"),
        layers.ReLU(6.0, name=f"{prefix}depthwise_relu"),
        layers.Conv2D(filters, 1, padding="same", use_bias=False, name=f"{prefix}project"),
        _norm(f"{prefix}project_BN"),
    )
    return layers.Add(name=f"{prefix}add")([inputs, x]) if channels == filters and stride == 1 else x


def _body(x: Any, alpha: float) -> Any:
    x = chain(
        x,
        layers.Conv2D(divisible(32 * alpha), 3, strides=2, padding="same", use_bias=False, name="Conv1"),
        _norm("bn_Conv1"),
        layers.ReLU(6.0, name="Conv1_relu"),
    )
    index = 0
    for filters, stride, count in _GROUPS:
        for i in range(count):
            x = _block(x, divisible(int(filters * alpha)), stride if i == 0 else 1, index)
            index += 1
    last = divisible(1280 * alpha) if alpha > 1 else 1280
    return chain(
        x,
        layers.Conv2D(last, 1, use_bias=False, name="Conv_1"),
        _norm("Conv_1_bn"),
        layers.ReLU(6.0, name="out_relu"),
    )


def MobileNetV2(
    input_shape: Any = None, alpha: float = 1.0, include_top: bool = True, weights: Any = "imagenet",
    input_tensor: Any = None, pooling: str | None = None, classes: int = 1000, classifier_activation: Any = "softmax",
    name: str | None = None,
) -> Any:  # fmt: skip
    """MobileNetV2: a small image classifier, or its features.

    Args:
      alpha: the width, as a part of the paper's. The others are those of all applications.

    Sandler et al., 2018. Keras: keras.applications.MobileNetV2.
    """
    options = Options(include_top, weights, input_tensor, input_shape, pooling, classes, classifier_activation, name)
    options.check()
    check_input_tensor(options)
    check_published(options, alpha, _ALPHAS, _SIZES)
    size = square_size(options, _SIZES)
    rows = extent_of(input_shape)[0] if input_shape is not None else size
    if input_shape is None and not include_top:
        rows = 224 if options.pretrained else None
    stem = f"mobilenet_v2_weights_tf_dim_ordering_tf_kernels_{float(alpha)}_{rows if rows in _SIZES else 224}"
    return assemble(
        lambda x: _body(x, alpha), options,
        Weights("mobilenet_v2", (f"{stem}.h5", None), (f"{stem}_no_top.h5", None)),
        default_size=size, top=functools.partial(_dense_top, pool=None), features=pooled,
        name=name or f"mobilenetv2_{alpha:0.2f}_{rows}",
    )  # fmt: skip


def check_input_tensor(options: Options) -> None:
    """Raise `ValueError` for an `input_tensor` that is none, or of another size than `input_shape`."""
    tensor, shape = options.input_tensor, options.input_shape
    if tensor is None or shape is None:
        return
    if not is_keras_tensor(tensor):
        raise ValueError(f"input_tensor is not a Keras tensor; Received `input_tensor={tensor}`")
    if extent_of(tensor.shape[1:])[1] != extent_of(shape)[1]:
        raise ValueError(
            f"The width in input_shape must equal that of input_tensor; Received `input_tensor.shape={tensor.shape}`, "
            f"`input_shape={shape}`"
        )


preprocess_input = preprocessing("tf")
