"""The losses as metrics: their means over all samples."""

from __future__ import annotations

from typing import Any

from duoflow import ops as tf
from duoflow.core.tensor import convert

from ..losses import functions
from ..losses.functions import match_ranks
from .reductions import Mean, MeanMetricWrapper

__all__ = [
    "BinaryCrossentropy", "CategoricalCrossentropy", "CategoricalHinge", "CosineSimilarity", "Hinge", "KLDivergence",
    "LogCoshError", "MeanAbsoluteError", "MeanAbsolutePercentageError", "MeanSquaredError",
    "MeanSquaredLogarithmicError", "Poisson", "RootMeanSquaredError", "SparseCategoricalCrossentropy", "SquaredHinge",
]  # fmt: skip


def _metric(class_name: str, function: Any, name: str, doc: str) -> Any:
    """A metric of a loss without arguments of its own."""

    def __init__(self: Any, name: str | None = name, dtype: Any = None) -> None:
        MeanMetricWrapper.__init__(self, function, name, dtype)

    body = {
        "__init__": __init__,
        "__doc__": f"{doc} Keras: keras.metrics.{class_name}.",
        "_direction": "down",
        "__module__": __name__,
    }
    return type(class_name, (MeanMetricWrapper,), body)


MeanSquaredError = _metric(
    "MeanSquaredError", functions.mean_squared_error, "mean_squared_error", "The mean squared error."
)
MeanAbsoluteError = _metric(
    "MeanAbsoluteError", functions.mean_absolute_error, "mean_absolute_error", "The mean absolute error."
)
MeanAbsolutePercentageError = _metric(
    "MeanAbsolutePercentageError", functions.mean_absolute_percentage_error, "mean_absolute_percentage_error",
    "The mean relative error, in percent.",
)  # fmt: skip
MeanSquaredLogarithmicError = _metric(
    "MeanSquaredLogarithmicError", functions.mean_squared_logarithmic_error, "mean_squared_logarithmic_error",
    "The mean squared error of logarithms.",
)  # fmt: skip
Hinge = _metric("Hinge", functions.hinge, "hinge", "The mean hinge loss.")
SquaredHinge = _metric("SquaredHinge", functions.squared_hinge, "squared_hinge", "The mean squared hinge loss.")
CategoricalHinge = _metric(
    "CategoricalHinge", functions.categorical_hinge, "categorical_hinge", "The mean hinge loss of one-hot targets."
)
KLDivergence = _metric(
    "KLDivergence", functions.kl_divergence, "kl_divergence", "The mean Kullback-Leibler divergence."
)
Poisson = _metric("Poisson", functions.poisson, "poisson", "The mean Poisson loss.")
LogCoshError = _metric("LogCoshError", functions.log_cosh, "logcosh", "The mean of log(cosh(error)).")


class RootMeanSquaredError(Mean):
    """The root of the mean squared error. Keras: keras.metrics.RootMeanSquaredError."""

    _direction = "down"

    def __init__(self, name: str | None = "root_mean_squared_error", dtype: Any = None) -> None:
        super().__init__(name, dtype)

    def update_state(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> None:
        """Add squared errors."""
        y_pred = tf.cast(convert(y_pred), self.dtype)
        y_true, y_pred = match_ranks(tf.cast(convert(y_true), self.dtype), y_pred)
        super().update_state(tf.square(y_true - y_pred), sample_weight)

    def result(self) -> Any:
        """The root of the mean."""
        return tf.sqrt(super().result())


class CosineSimilarity(MeanMetricWrapper):
    """The mean cosine of the angle between targets and predictions. Keras: keras.metrics.CosineSimilarity."""

    _direction, _ARGUMENTS = "up", ("axis",)

    def __init__(self, name: str | None = "cosine_similarity", dtype: Any = None, axis: int = -1) -> None:
        super().__init__(lambda a, b, axis: -functions.cosine_similarity(a, b, axis), name, dtype, axis=axis)


class BinaryCrossentropy(MeanMetricWrapper):
    """The mean cross-entropy of two classes. Keras: keras.metrics.BinaryCrossentropy."""

    _direction, _ARGUMENTS = "down", ("from_logits", "label_smoothing")

    def __init__(
        self,
        name: str | None = "binary_crossentropy",
        dtype: Any = None,
        from_logits: bool = False,
        label_smoothing: float = 0,
    ) -> None:
        super().__init__(
            functions.binary_crossentropy, name, dtype, from_logits=from_logits, label_smoothing=label_smoothing
        )


class CategoricalCrossentropy(MeanMetricWrapper):
    """The mean cross-entropy of one-hot targets. Keras: keras.metrics.CategoricalCrossentropy."""

    _direction, _ARGUMENTS = "down", ("from_logits", "label_smoothing", "axis")

    def __init__(
        self, name: str | None = "categorical_crossentropy", dtype: Any = None, from_logits: bool = False,
        label_smoothing: float = 0, axis: int = -1,
    ) -> None:  # fmt: skip
        super().__init__(
            functions.categorical_crossentropy,
            name,
            dtype,
            from_logits=from_logits,
            label_smoothing=label_smoothing,
            axis=axis,
        )


class SparseCategoricalCrossentropy(MeanMetricWrapper):
    """The mean cross-entropy of class numbers. Keras: keras.metrics.SparseCategoricalCrossentropy."""

    _direction, _ARGUMENTS = "down", ("from_logits", "ignore_class", "axis")

    def __init__(
        self, name: str | None = "sparse_categorical_crossentropy", dtype: Any = None, from_logits: bool = False,
        ignore_class: int | None = None, axis: int = -1,
    ) -> None:  # fmt: skip
        super().__init__(
            functions.sparse_categorical_crossentropy,
            name,
            dtype,
            from_logits=from_logits,
            ignore_class=ignore_class,
            axis=axis,
        )
