"""Metrics of decisions at thresholds: counts, precision, recall, and one of two at a given value of the other."""

from __future__ import annotations

from typing import Any, ClassVar

from duoflow import ops as tf
from duoflow.core.tensor import convert

from .confusion_matrix import NEVER, Counts, checked_thresholds, count_decisions
from .metric import Metric

__all__ = [
    "FalseNegatives", "FalsePositives", "Precision", "PrecisionAtRecall", "Recall", "RecallAtPrecision",
    "SensitivityAtSpecificity", "SpecificityAtSensitivity", "TrueNegatives", "TruePositives",
]  # fmt: skip


class CountingMetric(Metric):
    """Base of the metrics that accumulate some of the four counts, one variable [thresholds] each."""

    #: The counts to keep: names of attributes of `Counts`.
    _COUNTS: ClassVar[tuple[str, ...]] = ()
    thresholds: list[float]

    def _make_counters(self, shape: Any) -> None:
        for count in self._COUNTS:
            setattr(self, count, self.add_variable(shape, "zeros", name=count))

    def _add(self, counts: Counts) -> None:
        for count in self._COUNTS:
            getattr(self, count).assign_add(getattr(counts, count))

    def _ratio(self, part: str, other: str) -> Any:
        """part / (part + other), zero where both are."""
        a, b = convert(getattr(self, part)), convert(getattr(self, other))
        return tf.divide_no_nan(a, a + b)


class _DecisionCount(Metric):
    """Base of the metrics that are one of the counts."""

    _COUNT = ""

    def __init__(self, thresholds: Any = None, name: str | None = None, dtype: Any = None) -> None:
        super().__init__(name=name, dtype=dtype)
        self.init_thresholds, self.thresholds = thresholds, checked_thresholds(thresholds)
        self.accumulator = self.add_variable((len(self.thresholds),), "zeros", name="accumulator")

    def update_state(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> None:
        """Count a batch."""
        counts = count_decisions(y_true, y_pred, self.thresholds, self.dtype, sample_weight)
        self.accumulator.assign_add(getattr(counts, self._COUNT))

    def result(self) -> Any:
        """The count, or one per threshold."""
        count = tf.identity(self.accumulator)
        return count[0] if len(self.thresholds) == 1 else count

    def get_config(self) -> dict[str, Any]:
        """The arguments that make an equal metric."""
        return {**super().get_config(), "thresholds": self.init_thresholds}


class TruePositives(_DecisionCount):
    """How many positives were found. Keras: keras.metrics.TruePositives."""

    _COUNT = "true_positives"


class FalsePositives(_DecisionCount):
    """How many negatives were taken for positives. Keras: keras.metrics.FalsePositives."""

    _COUNT = "false_positives"


class TrueNegatives(_DecisionCount):
    """How many negatives were left alone. Keras: keras.metrics.TrueNegatives."""

    _COUNT = "true_negatives"


class FalseNegatives(_DecisionCount):
    """How many positives were not found. Keras: keras.metrics.FalseNegatives."""

    _COUNT = "false_negatives"


class _PositiveShare(CountingMetric):
    """Base of precision and recall: true positives as a share of them and of one kind of error."""

    _direction = "up"

    def __init__(
        self,
        thresholds: Any = None,
        top_k: int | None = None,
        class_id: int | None = None,
        name: str | None = None,
        dtype: Any = None,
    ) -> None:
        super().__init__(name=name, dtype=dtype)
        self.init_thresholds, self.top_k, self.class_id = thresholds, top_k, class_id
        self.thresholds = checked_thresholds(thresholds, 0.5 if top_k is None else NEVER)
        self._make_counters((len(self.thresholds),))

    def update_state(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> None:
        """Count a batch."""
        self._add(
            count_decisions(
                y_true, y_pred, self.thresholds, self.dtype, sample_weight, top_k=self.top_k, class_id=self.class_id
            )
        )

    def result(self) -> Any:
        """The share, or one per threshold; zero before the first positive."""
        share = self._ratio(*self._COUNTS)
        return share[0] if len(self.thresholds) == 1 else share

    def get_config(self) -> dict[str, Any]:
        """The arguments that make an equal metric."""
        return {
            **super().get_config(),
            "thresholds": self.init_thresholds,
            "top_k": self.top_k,
            "class_id": self.class_id,
        }


class Precision(_PositiveShare):
    """The share of positive decisions that are right.

    Args:
      thresholds: what a score must exceed, 0.5 by default; several give a result each.
      top_k: take the best k scores of a sample for positive. class_id: look at one column only.

    >>> m = tf.keras.metrics.Precision()
    >>> m.update_state([0, 1, 1, 1], [1, 0, 1, 1])
    >>> round(m.result().numpy().item(), 4)
    0.6667

    Keras: keras.metrics.Precision.
    """

    _COUNTS = ("true_positives", "false_positives")


class Recall(_PositiveShare):
    """The share of positives that were found. Arguments as of `Precision`. Keras: keras.metrics.Recall."""

    _COUNTS = ("true_positives", "false_negatives")


_RATES = {
    "recall": ("true_positives", "false_negatives"),
    "sensitivity": ("true_positives", "false_negatives"),
    "precision": ("true_positives", "false_positives"),
    "specificity": ("true_negatives", "false_positives"),
}


class _RateAtRate(CountingMetric):
    """Base of the metrics that give the best value of one rate where another is at least a given value."""

    _COUNTS = ("true_positives", "false_positives", "true_negatives", "false_negatives")
    _direction = "up"
    #: The rate that is given, which is also the argument's name, and the one looked for.
    _GIVEN = _WANTED = ""

    def __init__(self, value: float, num_thresholds: int, class_id: int | None, name: str | None, dtype: Any) -> None:
        if not 0 <= value <= 1:
            raise ValueError(f"Argument `{self._GIVEN}` must be in the range [0, 1]. Received: {self._GIVEN}={value}")
        if num_thresholds <= 0:
            raise ValueError(
                f"Argument `num_thresholds` must be an integer > 0. Received: num_thresholds={num_thresholds}"
            )
        super().__init__(name=name, dtype=dtype)
        self.value, self.num_thresholds, self.class_id = value, num_thresholds, class_id
        setattr(self, self._GIVEN, value)
        self.thresholds = [i / (num_thresholds - 1) for i in range(num_thresholds)] if num_thresholds > 1 else [0.5]
        self._make_counters((len(self.thresholds),))

    def update_state(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> None:
        """Count a batch."""
        self._add(count_decisions(y_true, y_pred, self.thresholds, self.dtype, sample_weight, class_id=self.class_id))

    def result(self) -> Any:
        """The best value; zero if the given rate is never reached."""
        given, wanted = self._ratio(*_RATES[self._GIVEN]), self._ratio(*_RATES[self._WANTED])
        return tf.reduce_max(tf.where(given >= self.value, wanted, tf.zeros_like(wanted)))

    def get_config(self) -> dict[str, Any]:
        """The arguments that make an equal metric."""
        own = {"num_thresholds": self.num_thresholds, self._GIVEN: self.value, "class_id": self.class_id}
        return {**super().get_config(), **own}


class SensitivityAtSpecificity(_RateAtRate):
    """The best sensitivity where specificity is at least `specificity`.

    Keras: keras.metrics.SensitivityAtSpecificity.
    """

    _GIVEN, _WANTED = "specificity", "sensitivity"

    def __init__(
        self, specificity: float, num_thresholds: int = 200, class_id: int | None = None, name: str | None = None,
        dtype: Any = None,
    ) -> None:  # fmt: skip
        super().__init__(specificity, num_thresholds, class_id, name, dtype)


class SpecificityAtSensitivity(_RateAtRate):
    """The best specificity where sensitivity is at least `sensitivity`.

    Keras: keras.metrics.SpecificityAtSensitivity.
    """

    _GIVEN, _WANTED = "sensitivity", "specificity"

    def __init__(
        self, sensitivity: float, num_thresholds: int = 200, class_id: int | None = None, name: str | None = None,
        dtype: Any = None,
    ) -> None:  # fmt: skip
        super().__init__(sensitivity, num_thresholds, class_id, name, dtype)


class PrecisionAtRecall(_RateAtRate):
    """The best precision where recall is at least `recall`. Keras: keras.metrics.PrecisionAtRecall."""

    _GIVEN, _WANTED = "recall", "precision"

    def __init__(
        self, recall: float, num_thresholds: int = 200, class_id: int | None = None, name: str | None = None,
        dtype: Any = None,
    ) -> None:  # fmt: skip
        super().__init__(recall, num_thresholds, class_id, name, dtype)


class RecallAtPrecision(_RateAtRate):
    """The best recall where precision is at least `precision`. Keras: keras.metrics.RecallAtPrecision."""

    _GIVEN, _WANTED = "precision", "recall"

    def __init__(
        self, precision: float, num_thresholds: int = 200, class_id: int | None = None, name: str | None = None,
        dtype: Any = None,
    ) -> None:  # fmt: skip
        super().__init__(precision, num_thresholds, class_id, name, dtype)
