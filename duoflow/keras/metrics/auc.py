"""The area under a curve of decisions at many thresholds."""

from __future__ import annotations

from typing import Any

from duoflow import ops as tf
from duoflow.core.tensor import convert

from ..config import epsilon
from .confusion import CountingMetric
from .confusion_matrix import count_decisions

__all__ = ["AUC"]

_CURVES = ("ROC", "PR", "PRGAIN")
_SUMMATIONS = ("interpolation", "majoring", "minoring")


class AUC(CountingMetric):
    """The area under the receiver-operating or the precision-recall curve, approximated at thresholds.

    Args:
      num_thresholds: how many thresholds divide [0, 1]. thresholds: or which.
      curve: "ROC", "PR" or "PRGAIN". summation_method: "interpolation", "minoring" or "majoring".
      multi_label: average over the columns of [samples, labels], of which there are `num_labels`.
      label_weights: a weight per column. from_logits: take the sigmoid of scores first.

    >>> m = tf.keras.metrics.AUC(num_thresholds=3)
    >>> m.update_state([0, 0, 1, 1], [0, 0.5, 0.3, 0.9])
    >>> m.result().numpy().item()
    0.75

    Keras: keras.metrics.AUC.
    """

    _COUNTS = ("true_positives", "false_positives", "true_negatives", "false_negatives")
    _direction = "up"

    def __init__(
        self, num_thresholds: int = 200, curve: str = "ROC", summation_method: str = "interpolation",
        name: str | None = None, dtype: Any = None, thresholds: Any = None, multi_label: bool = False,
        num_labels: int | None = None, label_weights: Any = None, from_logits: bool = False,
    ) -> None:  # fmt: skip
        super().__init__(name=name, dtype=dtype)
        self.curve = _one_of("AUC curve", curve.upper(), _CURVES)
        self.summation_method = _one_of("AUC summation method", summation_method.lower(), _SUMMATIONS)
        if num_labels and not multi_label:
            raise ValueError("`num_labels` is needed only when `multi_label` is True.")
        if thresholds is None and num_thresholds <= 1:
            raise ValueError(
                f"Argument `num_thresholds` must be an integer > 1. Received: num_thresholds={num_thresholds}"
            )
        self._given = None if thresholds is None else sorted(thresholds)
        inner = [i / (num_thresholds - 1) for i in range(1, num_thresholds - 1)] if self._given is None else self._given
        self.thresholds = [-epsilon(), *inner, 1.0 + epsilon()]
        self.num_thresholds = len(self.thresholds)
        self.multi_label, self.num_labels, self.from_logits = multi_label, num_labels, from_logits
        self.label_weights = None if label_weights is None else convert(label_weights, dtype_hint=self.dtype)
        if not multi_label:
            self._make_counters((self.num_thresholds,))
        elif num_labels:
            self._make_counters((self.num_thresholds, num_labels))

    def update_state(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> None:
        """Count a batch."""
        y_pred = convert(y_pred)
        if not self.variables:
            if y_pred.spec.rank != 2:
                raise ValueError(
                    f"`y_pred` must have rank 2 when `multi_label=True`. Found rank {y_pred.spec.rank}. "
                    f"Full shape received for `y_pred`: {tuple(y_pred.dims)}"
                )
            self._make_counters((self.num_thresholds, y_pred.dims[1]))
        self._add(
            count_decisions(
                y_true, tf.sigmoid(y_pred) if self.from_logits else y_pred, self.thresholds, self.dtype, sample_weight,
                multi_label=self.multi_label, label_weights=self.label_weights,
            )
        )  # fmt: skip

    def result(self) -> Any:
        """The area."""
        if self.curve == "PR" and self.summation_method == "interpolation":
            return self._total(self._interpolated_parts())
        x, y = self._points()
        combine = {"interpolation": lambda a, b: (a + b) / 2.0, "minoring": tf.minimum, "majoring": tf.maximum}
        return self._total((x[:-1] - x[1:]) * combine[self.summation_method](y[:-1], y[1:]))

    def _points(self) -> tuple[Any, Any]:
        recall = self._ratio("true_positives", "false_negatives")
        if self.curve == "ROC":
            return self._ratio("false_positives", "true_negatives"), recall
        if self.curve == "PR":
            return recall, self._ratio("true_positives", "false_positives")
        return self._gain("false_negatives", 0.0, tf.relu), self._gain("false_positives", 1.0, tf.identity)

    def _gain(self, errors: str, otherwise: float, bound: Any) -> Any:
        """Recall or precision on the harmonic scale of Flach & Kull, 2015."""
        tp, fp, tn, fn = [convert(getattr(self, count)) for count in self._COUNTS]
        gain = 1.0 - tf.divide_no_nan(tp + fn, tn + fp) * tf.divide_no_nan(convert(getattr(self, errors)), tp)
        return bound(tf.where(tf.equal(tp, 0.0), tf.constant(otherwise, tp.dtype), gain))

    def _interpolated_parts(self) -> Any:
        """Parts of the area in which true positives grow linearly with positives. Davis & Goadrich, 2006."""
        tp, fn = convert(self.true_positives), convert(self.false_negatives)
        p = tp + convert(self.false_positives)
        gained = tp[:-1] - tp[1:]
        slope = tf.divide_no_nan(gained, tf.maximum(p[:-1] - p[1:], 0.0))
        intercept = tp[1:] - slope * p[1:]
        both = tf.logical_and(p[:-1] > 0, p[1:] > 0)
        ratio = tf.where(both, tf.divide_no_nan(p[:-1], tf.maximum(p[1:], 0.0)), tf.ones_like(p[1:]))
        return tf.divide_no_nan(slope * (gained + intercept * tf.log(ratio)), tf.maximum(tp[1:] + fn[1:], 0.0))

    def _total(self, parts: Any) -> Any:
        if not self.multi_label:
            return tf.reduce_sum(parts)
        areas = tf.reduce_sum(parts, 0)
        if self.label_weights is None:
            return tf.reduce_mean(areas)
        weights = tf.cast(self.label_weights, areas.dtype)
        return tf.divide_no_nan(tf.reduce_sum(areas * weights), tf.reduce_sum(weights))

    def get_config(self) -> dict[str, Any]:
        """The arguments that make an equal metric."""
        own = {
            "num_thresholds": self.num_thresholds, "curve": self.curve, "summation_method": self.summation_method,
            "multi_label": self.multi_label, "num_labels": self.num_labels,
            "label_weights": None if self.label_weights is None else self.label_weights.numpy().tolist(),
            "from_logits": self.from_logits,
        }  # fmt: skip
        if self._given is not None:
            own["thresholds"] = self._given
        return {**super().get_config(), **own}


def _one_of(what: str, value: str, allowed: tuple[str, ...]) -> str:
    if value not in allowed:
        raise ValueError(f'Invalid {what} value: "{value}". Expected values are {list(allowed)}')
    return value
