"""MobileNet: depthwise convolutions, each followed by one of size 1."""

from __future__ import annotations

import warnings
from typing import Any

from .. import layers
from ..symbolic import is_keras_tensor
from .common import Options, Weights, assemble, batch_norm, chain, extent_of
from .imagenet_utils import decode_predictions, preprocessing

__all__ = ["MobileNet", "decode_predictions", "preprocess_input"]

#: Filters and stride of the blocks.
_BLOCKS = ((64, 1), (128, 2), (128, 1), (256, 2), (256, 1), (512, 2), *[(512, 1)] * 5, (1024, 2), (1024, 1))
_ALPHAS = {0.25: "2_5", 0.5: "5_0", 0.75: "7_5", 1.0: "1_0"}


def square_size(options: Options, sizes: tuple[int, ...]) -> int:
    """The size of the images a network of several published sizes is meant for: the given one if it is among them."""
    shape = options.input_shape
    if shape is None and is_keras_tensor(options.input_tensor):
        shape = options.input_tensor.shape[1:]
    rows, columns = (None, None) if shape is None else extent_of(shape)
    return rows if rows == columns and rows in sizes else 224


def check_published(options: Options, alpha: float, alphas: Any, sizes: tuple[int, ...]) -> None:
    """Raise `ValueError` if there are no published weights for a width; warn if there are none for the images' size."""
    if not options.pretrained:
        return
    if alpha not in alphas:
        raise ValueError(
            f"If imagenet weights are being loaded, alpha can be one of {', '.join(map(str, alphas))} only. "
            f"Received: alpha={alpha}"
        )
    rows, columns = (None, None) if options.input_shape is None else extent_of(options.input_shape)
    if (options.input_shape is not None or not options.include_top) and (rows != columns or rows not in sizes):
        warnings.warn(
            f"`input_shape` is undefined or non-square, or `rows` is not in {list(sizes)}. Weights for input shape "
            "(224, 224) will be loaded as the default.",
            stacklevel=4,
        )


def _block(x: Any, filters: int, multiplier: int, stride: int, index: int) -> Any:
    if stride == 2:
        x = layers.ZeroPadding2D(((0, 1), (0, 1)), name=f"conv_pad_{index}")(x)
    depthwise = layers.DepthwiseConv2D(
        3, padding="same" if stride == 1 else "valid", depth_multiplier=multiplier, strides=stride, use_bias=False,
        name=f"conv_dw_{index}",
    )  # fmt: skip
    return chain(
        x,
        depthwise,
        batch_norm(f"conv_dw_{index}_bn"),
        layers.ReLU(6.0, name=f"conv_dw_{index}_relu"),
        layers.Conv2D(filters, 1, padding="same", use_bias=False, name=f"conv_pw_{index}"),
        batch_norm(f"conv_pw_{index}_bn"),
        layers.ReLU(6.0, name=f"conv_pw_{index}_relu"),
    )


def MobileNet(
    input_shape: Any = None, alpha: float = 1.0, depth_multiplier: int = 1, dropout: float = 0.001,
    include_top: bool = True, weights: Any = "imagenet", input_tensor: Any = None, pooling: str | None = None,
    classes: int = 1000, classifier_activation: Any = "softmax", name: str | None = None,
) -> Any:  # fmt: skip
    """MobileNet: a small image classifier, or its features.

    Args:
      alpha: the width, as a part of the paper's. depth_multiplier: outputs of each depthwise convolution per channel.
      dropout: of the features before the classifier. The others are those of all applications.

    Howard et al., 2017. Keras: keras.applications.MobileNet.
    """
    options = Options(include_top, weights, input_tensor, input_shape, pooling, classes, classifier_activation, name)
    sizes = (128, 160, 192, 224)
    size = square_size(options, sizes) if input_shape is not None else 224
    options.check()
    check_published(options, alpha, _ALPHAS, sizes)
    if options.pretrained and depth_multiplier != 1:
        raise ValueError(
            "If imagenet weights are being loaded, depth multiplier must be 1. "
            f"Received depth_multiplier={depth_multiplier}"
        )

    def body(x: Any) -> Any:
        x = chain(
            x,
            layers.Conv2D(int(32 * alpha), 3, padding="same", use_bias=False, strides=2, name="conv1"),
            batch_norm("conv1_bn"),
            layers.ReLU(6.0, name="conv1_relu"),
        )
        for i, (filters, stride) in enumerate(_BLOCKS, 1):
            x = _block(x, int(filters * alpha), depth_multiplier, stride, i)
        return x

    def top(x: Any, options: Options) -> Any:
        return chain(
            x,
            layers.GlobalAveragePooling2D(keepdims=True),
            layers.Dropout(dropout, name="dropout"),
            layers.Conv2D(classes, 1, padding="same", name="conv_preds"),
            layers.Reshape((classes,), name="reshape_2"),
            layers.Activation(classifier_activation, name="predictions"),
        )

    rows = _rows(options, size)
    stem = f"mobilenet_{_ALPHAS.get(alpha)}_{rows if rows in sizes else 224}_tf"
    published = Weights("mobilenet", (f"{stem}.h5", None), (f"{stem}_no_top.h5", None))
    return assemble(body, options, published, default_size=size, top=top, name=name or f"mobilenet_{alpha:0.2f}_{rows}")


def _rows(options: Options, size: int) -> int | None:
    """The number of rows in the model's name: of the images it is made for."""
    if options.input_shape is None:
        return size if options.include_top or options.pretrained else None
    rows, columns = extent_of(options.input_shape)
    if options.pretrained and (rows != columns or rows not in (128, 160, 192, 224)):
        return 224
    return rows  # type: ignore[no-any-return]


preprocess_input = preprocessing("tf")
