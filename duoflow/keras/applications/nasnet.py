"""NASNet-A: two cells found by search, of pairs of branches that are added, stacked."""

from __future__ import annotations

import functools
from typing import Any

from .. import layers
from .common import Options, Weights, assemble, batch_norm, chain, channel_axis, channels_of, correct_pad, dense_top
from .imagenet_utils import decode_predictions, preprocessing

__all__ = ["NASNetLarge", "NASNetMobile", "decode_predictions", "preprocess_input"]

_norm = functools.partial(batch_norm, momentum=0.9997, epsilon=1e-3)
_projection = functools.partial(
    layers.Conv2D, kernel_size=1, padding="same", use_bias=False, kernel_initializer="he_normal"
)


def _relu(name: str | None = None) -> Any:
    return layers.Activation("relu", name=name)


def _separable(x: Any, filters: int, kernel: int, block: str, stride: int = 1) -> Any:
    """Two separable convolutions; the first may reduce."""
    x = _relu()(x)
    padding = "same"
    if stride == 2:
        x = layers.ZeroPadding2D(correct_pad(x, kernel), name=f"separable_conv_1_pad_{block}")(x)
        padding = "valid"
    conv = functools.partial(layers.SeparableConv2D, filters, kernel, use_bias=False)
    return chain(
        x,
        conv(strides=stride, padding=padding, name=f"separable_conv_1_{block}"),
        _norm(f"separable_conv_1_bn_{block}"),
        _relu(),
        conv(padding="same", name=f"separable_conv_2_{block}"),
        _norm(f"separable_conv_2_bn_{block}"),
    )


def _adjusted(p: Any, x: Any, filters: int, block: str) -> Any:
    """The output of the cell before the last, in the size of the last one's."""
    if p is None:
        return x
    if p.shape[-2] != x.shape[-2]:
        p = _relu(f"adjust_relu_1_{block}")(p)
        half = functools.partial(layers.AveragePooling2D, 1, strides=2, padding="valid")
        first = chain(
            p, half(name=f"adjust_avg_pool_1_{block}"), _projection(filters // 2, name=f"adjust_conv_1_{block}")
        )
        second = chain(
            p,
            layers.ZeroPadding2D(((0, 1), (0, 1))),
            layers.Cropping2D(((1, 0), (1, 0))),
            half(name=f"adjust_avg_pool_2_{block}"),
            _projection(filters // 2, name=f"adjust_conv_2_{block}"),
        )
        return _norm(f"adjust_bn_{block}")(layers.concatenate([first, second], axis=channel_axis()))
    if channels_of(p) != filters:
        projection = _projection(filters, name=f"adjust_conv_projection_{block}")
        return chain(p, _relu(), projection, _norm(f"adjust_bn_{block}"))
    return p


def _squeezed(x: Any, filters: int, kind: str, block: str) -> Any:
    return chain(x, _relu(), _projection(filters, name=f"{kind}_conv_1_{block}"), _norm(f"{kind}_bn_1_{block}"))


def _normal(x: Any, p: Any, filters: int, block: str) -> Any:
    p, inputs = _adjusted(p, x, filters, block), x
    h = _squeezed(x, filters, "normal", block)

    def mean(x: Any, side: str) -> Any:
        return layers.AveragePooling2D(3, strides=1, padding="same", name=f"normal_{side}_{block}")(x)

    def conv(x: Any, kernel: int, side: str) -> Any:
        return _separable(x, filters, kernel, f"normal_{side}_{block}")

    def add(number: int, left: Any, right: Any) -> Any:
        return layers.add([left, right], name=f"normal_add_{number}_{block}")

    branches = [
        p,
        add(1, conv(h, 5, "left1"), conv(p, 3, "right1")),
        add(2, conv(p, 5, "left2"), conv(p, 3, "right2")),
        add(3, mean(h, "left3"), p),
        add(4, mean(p, "left4"), mean(p, "right4")),
        add(5, conv(h, 3, "left5"), h),
    ]
    return layers.concatenate(branches, axis=channel_axis(), name=f"normal_concat_{block}"), inputs


def _reduction(x: Any, p: Any, filters: int, block: str) -> Any:
    p, inputs = _adjusted(p, x, filters, block), x
    h = _squeezed(x, filters, "reduction", block)
    padded = layers.ZeroPadding2D(correct_pad(h, 3), name=f"reduction_pad_1_{block}")(h)

    def pool(kind: Any, side: str) -> Any:
        return kind(3, strides=2, padding="valid", name=f"reduction_{side}_{block}")(padded)

    def conv(x: Any, kernel: int, side: str, stride: int = 2) -> Any:
        return _separable(x, filters, kernel, f"reduction_{side}_{block}", stride)

    def add(name: str | None, left: Any, right: Any) -> Any:
        return layers.add([left, right], name=name and f"reduction_{name}_{block}")

    x1 = add("add_1", conv(h, 5, "left1"), conv(p, 7, "right1"))
    x2 = add("add_2", pool(layers.MaxPooling2D, "left2"), conv(p, 7, "right2"))
    x3 = add("add3", pool(layers.AveragePooling2D, "left3"), conv(p, 5, "right3"))
    mean = layers.AveragePooling2D(3, strides=1, padding="same", name=f"reduction_left4_{block}")(x1)
    x4 = add(None, x2, mean)
    x5 = add("add4", conv(x1, 3, "left4", stride=1), pool(layers.MaxPooling2D, "right5"))
    return layers.concatenate([x2, x3, x4, x5], axis=channel_axis(), name=f"reduction_concat_{block}"), inputs


def _body(x: Any, penultimate: int, blocks: int, stem: int, skip_reduction: bool) -> Any:
    if channel_axis() == 1:
        raise ValueError("NASNet does not support the `channels_first` image data format.")
    filters = penultimate // 24
    conv = layers.Conv2D(
        stem, 3, strides=2, padding="valid", use_bias=False, name="stem_conv1", kernel_initializer="he_normal"
    )
    x, p = chain(x, conv, _norm("stem_bn1")), None
    x, p = _reduction(x, p, filters // 4, "stem_1")
    x, p = _reduction(x, p, filters // 2, "stem_2")
    for group in range(3):
        if group:
            x, before = _reduction(x, p, filters * 2**group, f"reduce_{group * blocks}")
            p = p if skip_reduction else before
        for i in range(blocks):
            x, p = _normal(x, p, filters * 2**group, str(group * blocks + i + (group > 0)))
    return _relu()(x)


def _nasnet(
    options: Options, published: Weights, size: int, penultimate: int, blocks: int, stem: int, skip_reduction: bool
) -> Any:
    shape = options.input_shape
    if isinstance(shape, tuple) and None in shape and options.pretrained:
        raise ValueError(
            "When specifying the input shape of a NASNet and loading `ImageNet` weights, the input_shape argument must "
            f"be static (no None entries). Got: `input_shape={shape}`."
        )
    return assemble(
        lambda x: _body(x, penultimate, blocks, stem, skip_reduction), options, published, default_size=size,
        top=functools.partial(dense_top, pool=None),
    )  # fmt: skip


def NASNetMobile(
    input_shape: Any = None, include_top: bool = True, weights: Any = "imagenet", input_tensor: Any = None,
    pooling: str | None = None, classes: int = 1000, classifier_activation: Any = "softmax",
    name: str = "nasnet_mobile",
) -> Any:  # fmt: skip
    """NASNetMobile: an image classifier, or its features; the arguments are those of all applications.

    Zoph et al., 2017. Keras: keras.applications.NASNetMobile.
    """
    if not include_top and input_shape is None:
        input_shape = (224, 224, 3)
    options = Options(include_top, weights, input_tensor, input_shape, pooling, classes, classifier_activation, name)
    published = Weights(
        "nasnet",
        ("nasnet_mobile.h5", "020fb642bf7360b370c678b08e0adf61"),
        ("nasnet_mobile_no_top.h5", "1ed92395b5b598bdda52abe5c0dbfd63"),
        ("NASNet-mobile.h5", "NASNet-mobile-no-top.h5"),
    )
    return _nasnet(options, published, 224, 1056, 4, 32, skip_reduction=False)


def NASNetLarge(
    input_shape: Any = None, include_top: bool = True, weights: Any = "imagenet", input_tensor: Any = None,
    pooling: str | None = None, classes: int = 1000, classifier_activation: Any = "softmax",
    name: str = "nasnet_large",
) -> Any:  # fmt: skip
    """NASNetLarge: an image classifier, or its features; the arguments are those of all applications.

    Zoph et al., 2017. Keras: keras.applications.NASNetLarge.
    """
    options = Options(include_top, weights, input_tensor, input_shape, pooling, classes, classifier_activation, name)
    published = Weights(
        "nasnet",
        ("nasnet_large.h5", "11577c9a518f0070763c2b964a382f17"),
        ("nasnet_large_no_top.h5", "d81d89dc07e6e56530c4e77faddd61b5"),
        ("NASNet-large.h5", "NASNet-large-no-top.h5"),
    )
    return _nasnet(options, published, 331, 4032, 6, 96, skip_reduction=True)


preprocess_input = preprocessing("tf")
