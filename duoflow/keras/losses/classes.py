"""The losses as classes, each a function of functions.py with a reduction."""

from __future__ import annotations

from typing import Any

from . import functions
from .ctc import ctc
from .loss import LossFunctionWrapper

__all__ = [
    "CTC", "BinaryCrossentropy", "BinaryFocalCrossentropy", "CategoricalCrossentropy", "CategoricalFocalCrossentropy",
    "CategoricalGeneralizedCrossEntropy", "CategoricalHinge", "Circle", "CosineSimilarity", "Dice", "Hinge", "Huber",
    "KLDivergence", "LogCosh", "MeanAbsoluteError", "MeanAbsolutePercentageError", "MeanSquaredError",
    "MeanSquaredLogarithmicError", "Poisson", "SparseCategoricalCrossentropy", "SquaredHinge", "Tversky",
]  # fmt: skip

_MEAN = "sum_over_batch_size"


class MeanSquaredError(LossFunctionWrapper):
    """The mean of squared errors. Keras: keras.losses.MeanSquaredError."""

    def __init__(
        self, reduction: str | None = _MEAN, name: str | None = "mean_squared_error", dtype: Any = None,
    ) -> None:  # fmt: skip
        super().__init__(functions.mean_squared_error, reduction, name, dtype)


class MeanAbsoluteError(LossFunctionWrapper):
    """The mean of absolute errors. Keras: keras.losses.MeanAbsoluteError."""

    def __init__(
        self, reduction: str | None = _MEAN, name: str | None = "mean_absolute_error", dtype: Any = None,
    ) -> None:  # fmt: skip
        super().__init__(functions.mean_absolute_error, reduction, name, dtype)


class MeanAbsolutePercentageError(LossFunctionWrapper):
    """The mean of relative errors, in percent. Keras: keras.losses.MeanAbsolutePercentageError."""

    def __init__(
        self, reduction: str | None = _MEAN, name: str | None = "mean_absolute_percentage_error", dtype: Any =
        None,
    ) -> None:  # fmt: skip
        super().__init__(functions.mean_absolute_percentage_error, reduction, name, dtype)


class MeanSquaredLogarithmicError(LossFunctionWrapper):
    """The mean of squared errors of logarithms. Keras: keras.losses.MeanSquaredLogarithmicError."""

    def __init__(
        self, reduction: str | None = _MEAN, name: str | None = "mean_squared_logarithmic_error", dtype: Any =
        None,
    ) -> None:  # fmt: skip
        super().__init__(functions.mean_squared_logarithmic_error, reduction, name, dtype)


class CosineSimilarity(LossFunctionWrapper):
    """The negative cosine of the angle between targets and predictions. Keras: keras.losses.CosineSimilarity."""

    _ARGUMENTS = ("axis",)

    def __init__(
        self, axis: int = -1, reduction: str | None = _MEAN, name: str | None = "cosine_similarity", dtype:
        Any = None,
    ) -> None:  # fmt: skip
        super().__init__(functions.cosine_similarity, reduction, name, dtype, axis=axis)


class Huber(LossFunctionWrapper):
    """Squared error for small errors, absolute for large ones. Keras: keras.losses.Huber."""

    _ARGUMENTS = ("delta",)

    def __init__(
        self, delta: float = 1.0, reduction: str | None = _MEAN, name: str | None = "huber_loss", dtype: Any =
        None,
    ) -> None:  # fmt: skip
        super().__init__(functions.huber, reduction, name, dtype, delta=delta)


class LogCosh(LossFunctionWrapper):
    """The logarithm of the hyperbolic cosine of the error. Keras: keras.losses.LogCosh."""

    def __init__(self, reduction: str | None = _MEAN, name: str | None = "log_cosh", dtype: Any = None) -> None:
        super().__init__(functions.log_cosh, reduction, name, dtype)


class Hinge(LossFunctionWrapper):
    """The hinge loss of labels -1 and 1 (or 0 and 1). Keras: keras.losses.Hinge."""

    def __init__(self, reduction: str | None = _MEAN, name: str | None = "hinge", dtype: Any = None) -> None:
        super().__init__(functions.hinge, reduction, name, dtype)


class SquaredHinge(LossFunctionWrapper):
    """The square of the hinge loss. Keras: keras.losses.SquaredHinge."""

    def __init__(self, reduction: str | None = _MEAN, name: str | None = "squared_hinge", dtype: Any = None) -> None:
        super().__init__(functions.squared_hinge, reduction, name, dtype)


class CategoricalHinge(LossFunctionWrapper):
    """The hinge loss of one-hot targets. Keras: keras.losses.CategoricalHinge."""

    def __init__(
        self, reduction: str | None = _MEAN, name: str | None = "categorical_hinge", dtype: Any = None,
    ) -> None:  # fmt: skip
        super().__init__(functions.categorical_hinge, reduction, name, dtype)


class KLDivergence(LossFunctionWrapper):
    """The Kullback-Leibler divergence of predictions from targets. Keras: keras.losses.KLDivergence."""

    def __init__(self, reduction: str | None = _MEAN, name: str | None = "kl_divergence", dtype: Any = None) -> None:
        super().__init__(functions.kl_divergence, reduction, name, dtype)


class Poisson(LossFunctionWrapper):
    """The Poisson loss of predicted rates. Keras: keras.losses.Poisson."""

    def __init__(self, reduction: str | None = _MEAN, name: str | None = "poisson", dtype: Any = None) -> None:
        super().__init__(functions.poisson, reduction, name, dtype)


class BinaryCrossentropy(LossFunctionWrapper):
    """The cross-entropy of two classes. Keras: keras.losses.BinaryCrossentropy."""

    _ARGUMENTS = ("from_logits", "label_smoothing", "axis")

    def __init__(
        self, from_logits: bool = False, label_smoothing: float = 0.0, axis: int = -1, reduction: str | None = _MEAN,
        name: str | None = "binary_crossentropy", dtype: Any = None,
    ) -> None:  # fmt: skip
        super().__init__(
            functions.binary_crossentropy, reduction, name, dtype, from_logits=from_logits,
            label_smoothing=label_smoothing, axis=axis,
        )  # fmt: skip


class BinaryFocalCrossentropy(LossFunctionWrapper):
    """The cross-entropy of two classes, easy samples counting less. Keras: keras.losses.BinaryFocalCrossentropy."""

    _ARGUMENTS = ("apply_class_balancing", "alpha", "gamma", "from_logits", "label_smoothing", "axis")

    def __init__(
        self, apply_class_balancing: bool = False, alpha: float = 0.25, gamma: float = 2.0, from_logits: bool
        = False, label_smoothing: float = 0.0, axis: int = -1, reduction: str | None = _MEAN, name: str | None
        = "binary_focal_crossentropy", dtype: Any = None,
    ) -> None:  # fmt: skip
        super().__init__(
            functions.binary_focal_crossentropy, reduction, name, dtype,
            apply_class_balancing=apply_class_balancing, alpha=alpha, gamma=gamma,
            from_logits=from_logits, label_smoothing=label_smoothing, axis=axis,
        )  # fmt: skip


class CategoricalCrossentropy(LossFunctionWrapper):
    """The cross-entropy of one-hot targets. Keras: keras.losses.CategoricalCrossentropy."""

    _ARGUMENTS = ("from_logits", "label_smoothing", "axis")

    def __init__(
        self, from_logits: bool = False, label_smoothing: float = 0.0, axis: int = -1, reduction: str | None = _MEAN,
        name: str | None = "categorical_crossentropy", dtype: Any = None,
    ) -> None:  # fmt: skip
        super().__init__(
            functions.categorical_crossentropy, reduction, name, dtype, from_logits=from_logits,
            label_smoothing=label_smoothing, axis=axis,
        )  # fmt: skip


class CategoricalFocalCrossentropy(LossFunctionWrapper):
    """The cross-entropy of one-hot targets, easy samples counting less.

    Keras: keras.losses.CategoricalFocalCrossentropy.
    """

    _ARGUMENTS = ("alpha", "gamma", "from_logits", "label_smoothing", "axis")

    def __init__(
        self, alpha: float = 0.25, gamma: float = 2.0, from_logits: bool = False, label_smoothing: float =
        0.0, axis: int = -1, reduction: str | None = _MEAN, name: str | None =
        "categorical_focal_crossentropy", dtype: Any = None,
    ) -> None:  # fmt: skip
        super().__init__(
            functions.categorical_focal_crossentropy, reduction, name, dtype, alpha=alpha, gamma=gamma,
            from_logits=from_logits, label_smoothing=label_smoothing, axis=axis,
        )  # fmt: skip


class SparseCategoricalCrossentropy(LossFunctionWrapper):
    """The cross-entropy of class numbers. Keras: keras.losses.SparseCategoricalCrossentropy."""

    _ARGUMENTS = ("from_logits", "ignore_class", "axis")

    def __init__(
        self, from_logits: bool = False, ignore_class: int | None = None, reduction: str | None = _MEAN, axis:
        int = -1, name: str | None = "sparse_categorical_crossentropy", dtype: Any = None,
    ) -> None:  # fmt: skip
        super().__init__(
            functions.sparse_categorical_crossentropy, reduction, name, dtype, from_logits=from_logits,
            ignore_class=ignore_class, axis=axis,
        )  # fmt: skip


class CategoricalGeneralizedCrossEntropy(LossFunctionWrapper):
    """The cross-entropy of class numbers, bent towards absolute error for noisy labels.

    Keras: keras.losses.CategoricalGeneralizedCrossEntropy.
    """

    _ARGUMENTS = ("q",)

    def __init__(
        self, q: float = 0.5, reduction: str | None = _MEAN, name: str | None =
        "categorical_generalized_cross_entropy", dtype: Any = None,
    ) -> None:  # fmt: skip
        if not 0 < q < 1:
            raise ValueError("q must be in the interval (0, 1)")
        super().__init__(functions.categorical_generalized_cross_entropy, reduction, name, dtype, q=q)


class Dice(LossFunctionWrapper):
    """One minus the Dice coefficient. Keras: keras.losses.Dice."""

    _ARGUMENTS = ("axis",)

    def __init__(
        self, reduction: str | None = _MEAN, name: str | None = "dice", axis: Any = None, dtype: Any = None,
    ) -> None:  # fmt: skip
        super().__init__(functions.dice, reduction, name, dtype, axis=axis)


class Tversky(LossFunctionWrapper):
    """One minus the Tversky index. Keras: keras.losses.Tversky."""

    _ARGUMENTS = ("alpha", "beta", "axis")

    def __init__(
        self, alpha: float = 0.5, beta: float = 0.5, reduction: str | None = _MEAN, name: str | None =
        "tversky", axis: Any = None, dtype: Any = None,
    ) -> None:  # fmt: skip
        super().__init__(functions.tversky, reduction, name, dtype, alpha=alpha, beta=beta, axis=axis)


class Circle(LossFunctionWrapper):
    """How far embeddings are from close within a class and apart between classes. Keras: keras.losses.Circle."""

    _ARGUMENTS = ("gamma", "margin", "remove_diagonal")

    def __init__(
        self, gamma: float = 80.0, margin: float = 0.4, remove_diagonal: bool = True, reduction: str | None = _MEAN,
        name: str | None = "circle", dtype: Any = None,
    ) -> None:  # fmt: skip
        super().__init__(
            functions.circle, reduction, name, dtype, gamma=gamma, margin=margin, remove_diagonal=remove_diagonal
        )


class CTC(LossFunctionWrapper):
    """Connectionist temporal classification of label sequences. Keras: keras.losses.CTC."""

    def __init__(self, reduction: str | None = _MEAN, name: str | None = "ctc", dtype: Any = None) -> None:
        super().__init__(ctc, reduction, name, dtype)
