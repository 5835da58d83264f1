"""Layers that mix images with each other or with changed versions of themselves."""

from __future__ import annotations

from random import choice
from typing import Any

from duoflow import ops as tf

from ... import ops, random
from .colours import (
    RandomBrightness,
    RandomColorDegeneration,
    RandomContrast,
    RandomPosterization,
    RandomSharpness,
    Solarization,
)
from .equalizing import AutoContrast, Equalization
from .image_layer import ImageLayer, factor_range
from .images import RandomRotation, RandomShear, RandomTranslation

__all__ = ["AugMix", "CutMix", "MixUp", "RandAugment"]


def _mixed(x: Any, share: Any, other: Any) -> Any:
    """`share`, one for each image, of x and the rest of another."""
    share = tf.cast(tf.reshape(share, [-1] + [1] * (x.ndim - 1)), x.dtype)
    return share * x + (1 - share) * other


class MixUp(ImageLayer):
    """Mixes each image, its label and its mask with those of another image of the batch. Zhang et al. 2018.

    Args:
      alpha: of the beta distribution of the shares.

    >>> layer = tf.keras.layers.MixUp(alpha=0.2, seed=1)
    >>> layer({"images": tf.ones((2, 4, 4, 3)), "labels": tf.eye(2)})["labels"].shape
    TensorShape([2, 2])

    Keras: keras.layers.MixUp.
    """

    always_draws = True

    def __init__(self, alpha: float = 0.2, data_format: str | None = None, seed: Any = None, **kwargs: Any) -> None:
        super().__init__(data_format, seed, **kwargs)
        self.alpha = alpha

    def draw(self, images: Any, seeds: Any) -> Any:
        count = self._sizes(images)[0]
        order = random.shuffle(tf.range(count), seed=seeds)
        return order, random.beta((count,), self.alpha, self.alpha, seed=seeds)

    def apply(self, images: Any, drawn: Any, nearest: bool) -> Any:
        order, share = drawn
        return _mixed(images, share, tf.gather(images, order))

    def relabel(self, labels: Any, drawn: Any) -> Any:
        return self.apply(labels, drawn, False)

    def rebox(self, boxes: dict[str, Any], drawn: Any, size: Any) -> dict[str, Any]:
        """The boxes of both images."""
        return {key: tf.concat([x, tf.gather(x, drawn[0])], axis=1) for key, x in boxes.items()}

    def count_boxes(self, count: int | None) -> int | None:
        return None if count is None else 2 * count

    def get_config(self) -> dict[str, Any]:
        return self._config_of("alpha", "seed")


class CutMix(ImageLayer):
    """Puts a rectangle of another image of the batch in each image, and mixes the labels alike. Yun et al. 2019.

    Args:
      factor: the range of the parameter of the beta distribution of the shares, within [0, 1].

    Keras: keras.layers.CutMix.
    """

    def __init__(self, factor: Any = 1.0, seed: Any = None, data_format: str | None = None, **kwargs: Any) -> None:
        super().__init__(data_format, seed, **kwargs)
        self.factor = factor_range(factor, (0, 1))

    def draw(self, images: Any, seeds: Any) -> Any:
        count = self._sizes(images)[0]
        alpha = random.uniform((), *self.factor, self.compute_dtype, seed=seeds) + 1e-6
        side = tf.sqrt(1 - random.beta((count,), alpha, alpha, self.compute_dtype, seed=seeds))
        inside, area = self._rectangle(images, side, side, seeds)
        return random.shuffle(tf.range(count), seed=seeds), inside, 1 - area

    def apply(self, images: Any, drawn: Any, nearest: bool) -> Any:
        order, inside, _ = drawn
        return tf.where(inside, tf.gather(images, order), images)

    def relabel(self, labels: Any, drawn: Any) -> Any:
        order, _, share = drawn
        return _mixed(labels, share, tf.gather(labels, order))

    def get_config(self) -> dict[str, Any]:
        return self._config_of("factor", "seed")


class _Composed(ImageLayer):
    """Base of layers that choose among layers, each with one factor for how much it changes."""

    def _make_parts(self, kinds: Any, factor: Any, interpolation: str) -> None:
        """The layers by kind; they draw with this layer's seed."""
        settings = {
            "seed": self.seed, "data_format": self.data_format, "dtype": self.dtype_policy,
            "bounding_box_format": self.bounding_box_format,
        }  # fmt: skip
        still = {name: value for name, value in settings.items() if name != "seed"}
        ranged = {**settings, "value_range": self.value_range}
        moved = {**settings, "interpolation": interpolation}
        makers = {
            RandomShear: lambda: RandomShear(factor, factor, **moved),
            RandomTranslation: lambda: RandomTranslation(factor, factor, **moved),
            RandomRotation: lambda: RandomRotation(factor, **moved),
            RandomPosterization: lambda: RandomPosterization(max(1, int(8 * factor[1])), **ranged),
            Solarization: lambda: Solarization(factor, factor, **ranged),
            AutoContrast: lambda: AutoContrast(self.value_range, **still),
            Equalization: lambda: Equalization(self.value_range, **still),
            **{kind: lambda kind=kind: kind(factor, **ranged) for kind in _COLOURED},
        }
        self.parts: list[ImageLayer] = [makers[kind]() for kind in kinds]

    def _apply_part(self, part: ImageLayer, images: Any, drawn: Any, nearest: bool) -> Any:
        return images if nearest and not part.moves_pixels else part.apply(images, drawn, nearest)


_COLOURED = (RandomBrightness, RandomColorDegeneration, RandomContrast, RandomSharpness)
_MOVED = (RandomShear, RandomTranslation, RandomRotation)


class RandAugment(_Composed):
    """Applies `num_ops` random changes, each of one of eleven kinds. Cubuk et al. 2019.

    Args:
      factor: how much they change, a number in [0, 1] or two of them.

    >>> tf.keras.layers.RandAugment(num_ops=2, seed=1)(tf.ones((1, 8, 8, 3)), training=True).shape
    TensorShape([1, 8, 8, 3])

    Keras: keras.layers.RandAugment.
    """

    def __init__(
        self, value_range: Any = (0, 255), num_ops: int = 2, factor: Any = 0.5, interpolation: str = "bilinear",
        seed: Any = None, data_format: str | None = None, **kwargs: Any,
    ) -> None:  # fmt: skip
        super().__init__(data_format, seed, **kwargs)
        self.value_range, self.num_ops, self.interpolation = value_range, num_ops, interpolation
        self.factor = factor_range(factor, (0, 1))
        kinds = (*_MOVED, *_COLOURED, RandomPosterization, Solarization, AutoContrast, Equalization)
        self._make_parts(kinds, self.factor, interpolation)

    def draw(self, images: Any, seeds: Any) -> Any:
        chosen = random.randint((self.num_ops,), 0, len(self.parts), seed=seeds)
        return chosen, [part.draw(images, seeds) for part in self.parts]

    def apply(self, images: Any, drawn: Any, nearest: bool) -> Any:
        chosen, changes = drawn
        branches = [
            lambda x, part=part, change=change: self._apply_part(part, x, change, nearest)
            for part, change in zip(self.parts, changes, strict=True)
        ]
        for step in range(self.num_ops):
            images = ops.switch(chosen[step], branches, images)
        return images

    def rebox(self, boxes: dict[str, Any], drawn: Any, size: Any) -> dict[str, Any]:
        chosen, changes = drawn
        branches = [
            lambda x, part=part, change=change: part.rebox(x, change, size)
            for part, change in zip(self.parts, changes, strict=True)
        ]
        for step in range(self.num_ops):
            boxes = ops.switch(chosen[step], branches, boxes)
        return boxes

    def get_config(self) -> dict[str, Any]:
        return self._config_of("value_range", "num_ops", "factor", "interpolation", "seed")


class AugMix(_Composed):
    """Mixes images with chains of random changes of themselves. Hendrycks et al. 2019.

    Args:
      num_chains, chain_depth: how many chains, and of how many changes each. factor: how much they change.
      alpha: of the distributions of the shares. all_ops: change colours too.

    The kinds of changes are chosen with Python's `random`, once for a traced graph, as in Keras.

    Keras: keras.layers.AugMix.
    """

    def __init__(
        self, value_range: Any = (0, 255), num_chains: int = 3, chain_depth: int = 3, factor: Any = 0.3,
        alpha: float = 1.0, all_ops: bool = True, interpolation: str = "bilinear", seed: Any = None,
        data_format: str | None = None, **kwargs: Any,
    ) -> None:  # fmt: skip
        super().__init__(data_format, seed, **kwargs)
        self.value_range, self.num_chains, self.chain_depth = value_range, num_chains, chain_depth
        self.factor = factor_range(factor, (0, 1))
        self.alpha, self.all_ops, self.interpolation = alpha, all_ops, interpolation
        kinds = (*_MOVED, RandomPosterization, Solarization, AutoContrast, Equalization)
        self._make_parts((*kinds, *_COLOURED) if all_ops else kinds, self.factor, interpolation)

    def draw(self, images: Any, seeds: Any) -> Any:
        shares = random.gamma((self.num_chains,), self.alpha, seed=seeds)
        kept = random.beta((), self.alpha, self.alpha, seed=seeds)
        chains = [[(part, part.draw(images, seeds)) for part in self._chosen()] for _ in range(self.num_chains)]
        return shares / tf.reduce_sum(shares), kept, chains

    def _chosen(self) -> Any:
        """The changes of a chain; one of the choices is not to change."""
        for _ in range(self.chain_depth):
            part = choice([*self.parts, None])
            if part is not None:
                yield part

    def apply(self, images: Any, drawn: Any, nearest: bool) -> Any:
        shares, kept, chains = drawn
        mixed = tf.zeros_like(images)
        for chain, share in zip(chains, tf.unstack(tf.cast(shares, images.dtype), self.num_chains), strict=True):
            changed = images
            for part, change in chain:
                changed = self._apply_part(part, changed, change, nearest)
            mixed = mixed + changed * share
        kept = tf.cast(kept, images.dtype)
        out = kept * images + (1 - kept) * mixed
        return out if nearest else tf.clip_by_value(out, *map(float, self.value_range))

    def rebox(self, boxes: dict[str, Any], drawn: Any, size: Any) -> dict[str, Any]:
        """The boxes as they are: the images are mixed with themselves where they were."""
        return boxes

    def get_config(self) -> dict[str, Any]:
        return self._config_of(
            "value_range", "num_chains", "chain_depth", "factor", "alpha", "all_ops", "interpolation", "seed"
        )
