"""ConvNeXt: a convolutional network built as transformers are."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from .. import initializers, layers, ops, random
from ..layers.layer import Layer
from ..models.sequential import Sequential
from ..saving.public_names import named
from .common import Options, Weights, assemble, chain, channel_axis, channels_of, pooled
from .imagenet_utils import decode_predictions, preprocessing

__all__ = [
    "ConvNeXtBase", "ConvNeXtLarge", "ConvNeXtSmall", "ConvNeXtTiny", "ConvNeXtXLarge", "decode_predictions",
    "preprocess_input",
]  # fmt: skip

#: Blocks and filters of the four stages, hashes of the weights with and without classifier.
_MEMBERS = {
    "Tiny": (
        (3, 3, 9, 3),
        (96, 192, 384, 768),
        "8ae6e78ce2933352b1ef4008e6dd2f17bc40771563877d156bc6426c7cf503ff",
        "d547c096cabd03329d7be5562c5e14798aa39ed24b474157cef5e85ab9e49ef1",
    ),
    "Small": (
        (3, 3, 27, 3),
        (96, 192, 384, 768),
        "ce1277d8f1ee5a0ef0e171469089c18f5233860ceaf9b168049cb9263fd7483c",
        "6fc8009faa2f00c1c1dfce59feea9b0745eb260a7dd11bee65c8e20843da6eab",
    ),
    "Base": (
        (3, 3, 27, 3),
        (128, 256, 512, 1024),
        "52cbb006d3dadd03f6e095a8ca1aca47aecdd75acb4bc74bce1f5c695d0086e6",
        "40a20c5548a5e9202f69735ecc06c990e6b7c9d2de39f0361e27baeb24cb7c45",
    ),
    "Large": (
        (3, 3, 27, 3),
        (192, 384, 768, 1536),
        "070c5ed9ed289581e477741d3b34beffa920db8cf590899d6d2c67fba2a198a6",
        "96f02b6f0753d4f543261bc9d09bed650f24dd6bc02ddde3066135b63d23a1cd",
    ),
    "XLarge": (
        (3, 3, 27, 3),
        (256, 512, 1024, 2048),
        "c1f5ccab661354fc3a79a10fa99af82f0fbf10ec65cb894a3ae0815f17a889ee",
        "de3f8a54174130e0cecdc71583354753d557fcf1f4487331558e2a16ba0cfe05",
    ),
}
_SCALE = 1e-6


@named("keras.src.applications.convnext")
class StochasticDepth(Layer):
    """Leaves out whole samples while training, and scales up the rest (Huang et al., 2016)."""

    def __init__(self, drop_path_rate: float, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.drop_path_rate = drop_path_rate

    def call(self, x: Any, training: Any = None) -> Any:
        if not training:
            return x
        keep = 1 - self.drop_path_rate
        shape = (ops.shape(x)[0],) + (1,) * (len(x.shape) - 1)
        return x / keep * ops.floor(keep + random.uniform(shape, 0, 1))

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "drop_path_rate": self.drop_path_rate}


@named("keras.src.applications.convnext")
class LayerScale(Layer):
    """Every channel times a weight of its own, small at first."""

    def __init__(self, init_values: float, projection_dim: int, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.init_values = init_values
        self.projection_dim = projection_dim

    def build(self, input_shape: Any) -> None:
        self.gamma = self.add_weight(
            shape=(self.projection_dim,), initializer=initializers.Constant(self.init_values), trainable=True
        )

    def call(self, x: Any) -> Any:
        return x * self.gamma

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "init_values": self.init_values, "projection_dim": self.projection_dim}


def _norm(name: str | None = None) -> Any:
    return layers.LayerNormalization(epsilon=1e-6, name=name)


def _block(x: Any, filters: int, name: str) -> Any:
    """Filter 7x7 in each channel, then mix channels, as a transformer's block attends and then mixes."""
    new = chain(
        x,
        layers.Conv2D(filters, 7, padding="same", groups=filters, name=f"{name}_depthwise_conv"),
        _norm(f"{name}_layernorm"),
        layers.Dense(4 * filters, name=f"{name}_pointwise_conv_1"),
        layers.Activation("gelu", name=f"{name}_gelu"),
        layers.Dense(filters, name=f"{name}_pointwise_conv_2"),
        LayerScale(_SCALE, filters, name=f"{name}_layer_scale"),
        layers.Activation("linear", name=f"{name}_identity"),
    )
    return x + new


def _reductions(filters: tuple[int, ...], name: str) -> list[Any]:
    """What stands before each stage: a convolution that reduces, and a normalisation."""
    stem = [layers.Conv2D(filters[0], 4, strides=4, name=f"{name}_stem_conv"), _norm(f"{name}_stem_layernorm")]
    found = [Sequential(stem, name=f"{name}_stem")]
    for i, count in enumerate(filters[1:]):
        conv = layers.Conv2D(count, 2, strides=2, name=f"{name}_downsampling_conv_{i}")
        steps = [_norm(f"{name}_downsampling_layernorm_{i}"), conv]
        found.append(Sequential(steps, name=f"{name}_downsampling_block_{i}"))
    return found


def _normalised(x: Any, name: str) -> Any:
    mean, deviation = [0.485 * 255, 0.456 * 255, 0.406 * 255], [0.229 * 255, 0.224 * 255, 0.225 * 255]
    layer = layers.Normalization(mean=mean, variance=[d**2 for d in deviation], name=f"{name}_prestem_normalization")
    return layer(x)


def _body(x: Any, depths: tuple[int, ...], filters: tuple[int, ...], name: str, preprocess: bool) -> Any:
    if channel_axis() == 1:
        raise ValueError("ConvNeXt does not support the `channels_first` image data format.")
    if preprocess and channels_of(x) == 3:
        x = _normalised(x, name)
    for stage, (reduce, count) in enumerate(zip(_reductions(filters, name), depths, strict=True)):
        x = reduce(x)
        for i in range(count):
            x = _block(x, filters[stage], f"{name}_stage_{stage}_block_{i}")
    return x


def _top(x: Any, options: Options) -> Any:
    name = options.name
    return chain(
        x,
        layers.GlobalAveragePooling2D(name=f"{name}_head_gap"),
        _norm(f"{name}_head_layernorm"),
        layers.Dense(options.classes, activation=options.classifier_activation, name=f"{name}_head_dense"),
    )


def _features(x: Any, options: Options) -> Any:
    return _norm()(pooled(x, options))


def _convnext(member: str) -> Callable[..., Any]:
    depths, filters, top_hash, no_top_hash = _MEMBERS[member]
    title, model_name = f"ConvNeXt{member}", f"convnext_{member.lower()}"
    published = Weights("convnext", (f"{model_name}.h5", top_hash), (f"{model_name}_notop.h5", no_top_hash))

    def build(
        include_top: bool = True, include_preprocessing: bool = True, weights: Any = "imagenet",
        input_tensor: Any = None, input_shape: Any = None, pooling: str | None = None, classes: int = 1000,
        classifier_activation: Any = "softmax", name: str = model_name,
    ) -> Any:  # fmt: skip
        options = Options(
            include_top, weights, input_tensor, input_shape, pooling, classes, classifier_activation, name
        )

        def body(x: Any) -> Any:
            return _body(x, depths, filters, name, include_preprocessing)

        return assemble(body, options, published, top=_top, features=_features)

    build.__name__ = build.__qualname__ = title
    build.__doc__ = f"""{title}: an image classifier, or its features.

    Args:
      include_preprocessing: whether the model takes values in [0, 255].
      The others are those of all applications.

    Liu et al., 2022. Keras: keras.applications.{title}.
    """
    return build


ConvNeXtTiny, ConvNeXtSmall, ConvNeXtBase = map(_convnext, ("Tiny", "Small", "Base"))
ConvNeXtLarge, ConvNeXtXLarge = map(_convnext, ("Large", "XLarge"))

preprocess_input = preprocessing(None)
