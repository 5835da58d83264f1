"""What all applications share: their arguments and the checks of them, inputs, classifiers, published weights.

An architecture is a *body*: a function from the image to the last feature map, written with the layer shorthands below.
`assemble` puts input, classifier and weights around it.
"""

from __future__ import annotations

import os
import warnings
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from .. import activations, layers
from ..models.functional import Functional
from ..preferences import image_data_format
from ..symbolic import is_keras_tensor
from ..utils.files import get_file
from ..utils.graphs import get_source_inputs

__all__ = [
    "Options", "Weights", "application", "assemble", "batch_norm", "chain", "channel_axis", "channels_of",
    "correct_pad", "divisible", "extent_of",
]  # fmt: skip

Body = Callable[[Any], Any]

_URL = "https://storage.googleapis.com/tensorflow/keras-applications/"


# -- shorthands for bodies ---------------------------------------------------------------------------------------------


def chain(x: Any, *steps: Body) -> Any:
    """`x` through layers (or other functions), one after another."""
    for step in steps:
        x = step(x)
    return x


def channel_axis() -> int:
    """The axis of channels in a batch of images."""
    return 3 if image_data_format() == "channels_last" else 1


def channels_of(x: Any) -> int:
    """How many channels a batch of images has."""
    return int(x.shape[channel_axis()])


def extent_of(shape: Any) -> tuple[Any, Any]:
    """Height and width in the shape of one image."""
    return (shape[0], shape[1]) if channel_axis() == 3 else (shape[1], shape[2])


def batch_norm(name: str | None = None, **options: Any) -> Any:
    """Batch normalisation of the channels."""
    return layers.BatchNormalization(axis=channel_axis(), name=name, **options)


def divisible(value: float, by: int = 8, least: int | None = None, loss: float = 0.1) -> int:
    """The multiple of `by` nearest to a number of channels, not below it by more than the part `loss`."""
    nearest = max(least or by, int(value + by / 2) // by * by)
    return nearest + by if nearest < (1 - loss) * value else nearest


def correct_pad(x: Any, kernel_size: Any) -> tuple[tuple[int, int], tuple[int, int]]:
    """The zeros around images that let a "valid" window with stride 2 begin where a "same" one would."""
    kernel = (kernel_size, kernel_size) if isinstance(kernel_size, int) else kernel_size
    size = extent_of(x.shape[1:])
    pads = []
    for k, n in zip(kernel, (1, 1) if size[0] is None else size, strict=True):
        even = 1 if size[0] is None else 1 - n % 2
        pads.append((k // 2 - even, k // 2))
    return pads[0], pads[1]


# -- arguments and weights ---------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Weights:
    """Where published weights are: names and MD5 hashes of the files with and without the classifier.

    `remote` names the files at the other end where they differ from those in the cache.
    """

    folder: str
    top: tuple[str, str | None]
    no_top: tuple[str, str | None]
    remote: tuple[str, str] | None = None

    @classmethod
    def usual(cls, folder: str, stem: str, top: str, no_top: str) -> Weights:
        """Files with the usual long names."""
        name = f"{stem}_weights_tf_dim_ordering_tf_kernels"
        return cls(folder, (f"{name}.h5", top), (f"{name}_notop.h5", no_top))

    def fetch(self, include_top: bool) -> str:
        """The path of a file in the cache, downloaded if need be."""
        name, digest = self.top if include_top else self.no_top
        remote = name if self.remote is None else self.remote[0 if include_top else 1]
        folder = self.folder if self.folder.startswith("https:") else f"{_URL}{self.folder}/"
        return get_file(name, folder + remote, cache_subdir="models", file_hash=digest)


@dataclass(frozen=True)
class Options:
    """The arguments that all applications take."""

    include_top: bool
    weights: Any
    input_tensor: Any
    input_shape: Any
    pooling: str | None
    classes: int
    classifier_activation: Any
    name: str | None
    extra: dict[str, Any] = field(default_factory=dict)

    @property
    def pretrained(self) -> bool:
        """Whether the published weights are wanted."""
        return isinstance(self.weights, str) and self.weights == "imagenet"

    def check(self) -> None:
        """Raise `ValueError` for weights that do not exist or do not fit the classes."""
        if not (self.weights is None or self.pretrained or os.path.exists(self.weights)):
            raise ValueError(
                "The `weights` argument should be either `None` (random initialization), 'imagenet' (pre-training on "
                f"ImageNet), or the path to the weights file to be loaded. Received: weights={self.weights}"
            )
        if self.pretrained and self.include_top and self.classes != 1000:
            raise ValueError(
                "If using `weights='imagenet'` with `include_top=True`, `classes` should be 1000. "
                f"Received classes={self.classes}"
            )
        if self.include_top and self.weights is not None:
            known = {activations.get("softmax"), activations.get(None)}
            if activations.get(self.classifier_activation) not in known:
                raise ValueError(
                    "Only `None` and `softmax` activations are allowed for the `classifier_activation` argument when "
                    f"using pretrained weights, with `include_top=True`; Received: "
                    f"classifier_activation={self.classifier_activation}"
                )


def checked_shape(options: Options, default_size: int, min_size: int) -> Any:
    """The shape of one image; `ValueError` for one that is too small, or does not fit what is asked for."""
    given = options.input_shape
    first = channel_axis() == 1
    channels = 3
    if given and len(given) == 3 and not options.pretrained:
        channels = given[0] if first else given[-1]
        if channels not in (1, 3):
            warnings.warn(
                "This model usually expects 1 or 3 input channels. However, it was passed an input_shape with "
                f"{channels} input channels.",
                stacklevel=5,
            )
    usual = (channels, default_size, default_size) if first else (default_size, default_size, channels)
    if options.pretrained and options.include_top:
        if given is not None and tuple(given) != usual:
            raise ValueError(
                f"When setting `include_top=True` and loading `imagenet` weights, `input_shape` should be {usual}. "
                f"Received: input_shape={given}"
            )
        return usual
    if not given:
        return usual if options.include_top else ((3, None, None) if first else (None, None, 3))
    if len(given) != 3:
        raise ValueError(f"`input_shape` must be a tuple of three integers. Received: input_shape={given}")
    if options.pretrained and (given[0] if first else given[-1]) != 3:
        raise ValueError(f"The input must have 3 channels; Received `input_shape={given}`")
    if any(n is not None and n < min_size for n in extent_of(given)):
        raise ValueError(f"Input size must be at least {min_size}x{min_size}; Received: input_shape={given}")
    if options.include_top and None in given:
        raise ValueError(
            f"If `include_top` is True, you should specify a static `input_shape`. Received: input_shape={given}"
        )
    return tuple(given)


# -- models ------------------------------------------------------------------------------------------------------------


def dense_top(x: Any, options: Options, pool: str | None = "avg_pool", dropout: float = 0.0, **dense: Any) -> Any:
    """The usual classifier: the mean over the image, dropout if any, one dense layer."""
    x = layers.GlobalAveragePooling2D(name=pool)(x)
    if dropout > 0:
        x = layers.Dropout(dropout, name="top_dropout")(x)
    return layers.Dense(options.classes, activation=options.classifier_activation, name="predictions", **dense)(x)


def pooled(x: Any, options: Options, named: bool = False) -> Any:
    """The features as `pooling` asks for them; `named` for "avg_pool" and "max_pool" as the layers' names."""
    if options.pooling == "avg":
        return layers.GlobalAveragePooling2D(name="avg_pool" if named else None)(x)
    if options.pooling == "max":
        return layers.GlobalMaxPooling2D(name="max_pool" if named else None)(x)
    return x


def image_input(options: Options, shape: Any) -> Any:
    """The symbolic image, made here or given."""
    given = options.input_tensor
    if given is None:
        return layers.Input(shape=shape)
    return given if is_keras_tensor(given) else layers.Input(tensor=given, shape=shape)


def assemble(
    body: Body, options: Options, weights: Weights | None, *, default_size: int = 224, min_size: int = 32,
    shape: Any = None, top: Callable[[Any, Options], Any] = dense_top,
    features: Callable[[Any, Options], Any] = pooled, name: str | None = None,
) -> Functional:  # fmt: skip
    """The model of an architecture.

    Args:
      body: from the image to the last feature map. weights: the published ones.
      default_size, min_size: of an image's height and width. shape: of the image, if it is checked already.
      top, features: what follows the body with `include_top` and without it.
    """
    options.check()
    shape = checked_shape(options, default_size, min_size) if shape is None else shape
    image = image_input(options, shape)
    x = body(image)
    x = top(x, options) if options.include_top else features(x, options)
    inputs = image if options.input_tensor is None else get_source_inputs(options.input_tensor)
    model = Functional(inputs, x, name=name or options.name)
    if options.pretrained and weights is not None:
        model.load_weights(weights.fetch(options.include_top))
    elif options.weights is not None:
        model.load_weights(options.weights)
    return model


_DOC = """{title}: an image classifier, or its features.

    Args:
      include_top: whether the classifier is part of it. weights: "imagenet", None for fresh ones, or a file's path.
      input_tensor: a KerasTensor to start from. input_shape: of one image, {size} if not given.
      pooling: without the classifier, None for feature maps, "avg" or "max" for one vector per image.
      classes: how many the classifier tells apart. classifier_activation: of its last layer, None for logits.

    Raises `ValueError` for arguments that do not fit each other.

    {paper}. Keras: keras.applications.{title}.
    """


def application(
    title: str, model_name: str, body: Callable[..., Any], weights: Weights, paper: str, *, size: int = 224,
    **assembly: Any,
) -> Callable[..., Functional]:  # fmt: skip
    """The public function of an architecture with the usual arguments; `body(image, options)`."""

    def build(
        include_top: bool = True, weights: Any = "imagenet", input_tensor: Any = None, input_shape: Any = None,
        pooling: str | None = None, classes: int = 1000, classifier_activation: Any = "softmax",
        name: str = model_name,
    ) -> Functional:  # fmt: skip
        options = Options(
            include_top, weights, input_tensor, input_shape, pooling, classes, classifier_activation, name
        )
        return assemble(lambda x: body(x, options), options, published, default_size=size, **assembly)

    published = weights
    build.__name__ = build.__qualname__ = title
    build.__doc__ = _DOC.format(title=title, size=(size, size, 3), paper=paper)
    return build
