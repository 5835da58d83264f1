"""Inception-ResNet V2: Inception's branches, scaled down and added to a shortcut."""

from __future__ import annotations

from typing import Any

from .. import layers
from ..layers.layer import Layer
from ..saving.public_names import named
from .common import Options, Weights, application, channels_of
from .imagenet_utils import decode_predictions, preprocessing
from .inception_blocks import Conv, branch, concat, conv, reduced

__all__ = ["InceptionResNetV2", "decode_predictions", "preprocess_input"]

#: Kind of block -> its branches.
_BLOCKS: dict[str, tuple[tuple[Conv, ...], ...]] = {
    "block35": (((32, 1),), ((32, 1), (32, 3)), ((32, 1), (48, 3), (64, 3))),
    "block17": (((192, 1),), ((128, 1), (160, [1, 7]), (192, [7, 1]))),
    "block8": (((192, 1),), ((192, 1), (224, [1, 3]), (256, [3, 1]))),
}


@named("keras.src.applications.inception_resnet_v2")
class CustomScaleLayer(Layer):
    """The first input plus the second times a number."""

    def __init__(self, scale: float, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.scale = scale

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "scale": self.scale}

    def call(self, inputs: Any) -> Any:
        return inputs[0] + inputs[1] * self.scale


def _block(x: Any, kind: str, index: int, scale: float, activate: bool = True) -> Any:
    name = f"{kind}_{index}"
    mixed = concat([branch(x, *convs) for convs in _BLOCKS[kind]], f"{name}_mixed")
    new = layers.Conv2D(channels_of(x), 1, padding="same", use_bias=True, name=f"{name}_conv")(mixed)
    x = CustomScaleLayer(scale)([x, new])
    return layers.Activation("relu", name=f"{name}_ac")(x) if activate else x


def _body(x: Any, options: Options) -> Any:
    x = conv(x, (32, 3), 2, "valid")
    x = conv(x, (32, 3), padding="valid")
    x = layers.MaxPooling2D(3, strides=2)(conv(x, (64, 3)))
    x = conv(x, (80, 1), padding="valid")
    x = layers.MaxPooling2D(3, strides=2)(conv(x, (192, 3), padding="valid"))
    branches = [branch(x, (96, 1)), branch(x, (48, 1), (64, 5)), branch(x, (64, 1), (96, 3), (96, 3))]
    means = layers.AveragePooling2D(3, strides=1, padding="same")(x)
    x = concat([*branches, branch(means, (64, 1))], "mixed_5b")
    for i in range(1, 11):
        x = _block(x, "block35", i, 0.17)
    branches = [reduced(x, (384, 3)), reduced(x, (256, 1), (256, 3), (384, 3))]
    x = concat([*branches, layers.MaxPooling2D(3, strides=2)(x)], "mixed_6a")
    for i in range(1, 21):
        x = _block(x, "block17", i, 0.1)
    branches = [
        reduced(x, (256, 1), (384, 3)),
        reduced(x, (256, 1), (288, 3)),
        reduced(x, (256, 1), (288, 3), (320, 3)),
    ]
    x = concat([*branches, layers.MaxPooling2D(3, strides=2)(x)], "mixed_7a")
    for i in range(1, 10):
        x = _block(x, "block8", i, 0.2)
    x = _block(x, "block8", 10, 1.0, activate=False)
    return conv(x, (1536, 1), name="conv_7b")


InceptionResNetV2 = application(
    "InceptionResNetV2", "inception_resnet_v2", _body,
    Weights.usual(
        "inception_resnet_v2", "inception_resnet_v2",
        "e693bd0210a403b3192acc6073ad2e96", "d19885ff4a710c122648d3b5c3b684e4",
    ),
    "Szegedy et al., 2016", size=299, min_size=75,
)  # fmt: skip

preprocess_input = preprocessing("tf")
