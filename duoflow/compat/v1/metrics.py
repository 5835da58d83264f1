"""`tf.metrics`: a value over all batches so far, and an operation that adds a batch.

Each function makes local variables of totals and returns (value, update_op); `update_op` gives the value after the
batch. `metrics_collections` and `updates_collections` are lists of the graph that the two join.

TensorFlow: tf.compat.v1.metrics.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from duoflow.core import dtypes, shapes
from duoflow.core.context import context
from duoflow.core.graph import get_default_graph
from duoflow.core.late import F
from duoflow.core.tensor import convert

from .modes import GraphKeys
from .variables import VariableV1, variable_scope

__all__ = [
    "accuracy", "auc", "average_precision_at_k", "false_negatives", "false_negatives_at_thresholds",
    "false_positives", "false_positives_at_thresholds", "mean", "mean_absolute_error", "mean_cosine_distance",
    "mean_iou", "mean_per_class_accuracy", "mean_relative_error", "mean_squared_error", "mean_tensor",
    "percentage_below", "precision", "precision_at_k", "precision_at_thresholds", "precision_at_top_k", "recall",
    "recall_at_k", "recall_at_thresholds", "recall_at_top_k", "root_mean_squared_error", "sensitivity_at_specificity",
    "sparse_average_precision_at_k", "sparse_precision_at_k", "specificity_at_sensitivity", "true_negatives",
    "true_negatives_at_thresholds", "true_positives", "true_positives_at_thresholds",
]  # fmt: skip

_EPSILON = 1e-7


def _total(shape: Sequence[Any], name: str, dtype: Any = dtypes.float32) -> Any:
    """A local variable of zeros in which batches add up."""
    keys = [GraphKeys.LOCAL_VARIABLES, GraphKeys.METRIC_VARIABLES]
    return VariableV1(lambda: F.zeros(list(shape), dtype), trainable=False, collections=keys, name=name)


def _added(total: Any, amount: Any) -> Any:
    return total.assign_add(F.cast(amount, total.dtype))


def _result(value: Any, update: Any, metrics_collections: Any, updates_collections: Any) -> tuple[Any, Any]:
    for names, item in ((metrics_collections, value), (updates_collections, update)):
        if names:
            get_default_graph().add_to_collections(names, item)
    return value, update


def _graph_only(name: str) -> None:
    if context.graph is None:
        raise RuntimeError(f"tf.metrics.{name} is not supported when eager execution is enabled.")


def _squeezed(labels: Any, predictions: Any, weights: Any = None) -> tuple[Any, Any, Any]:
    """The three, without a last dimension of size one that only some have."""
    labels, predictions = convert(labels), convert(predictions)
    if labels.dims is not None and predictions.dims is not None:
        if len(predictions.dims) == len(labels.dims) + 1 and predictions.dims[-1] in (1, None):
            predictions = F.squeeze(predictions, [-1])
        elif len(labels.dims) == len(predictions.dims) + 1 and labels.dims[-1] in (1, None):
            labels = F.squeeze(labels, [-1])
    if weights is not None:
        weights = convert(weights, dtype_hint=dtypes.float32)
        dims = weights.dims
        if dims and predictions.dims is not None and len(dims) == len(predictions.dims) + 1 and dims[-1] in (1, None):
            weights = F.squeeze(weights, [-1])
    if not shapes.compatible(labels.dims, predictions.dims):
        raise ValueError(f"Shapes {shapes.show(predictions.dims)} and {shapes.show(labels.dims)} are incompatible")
    return labels, predictions, weights


# -- means -------------------------------------------------------------------------------------------------------------


def mean(
    values: Any, weights: Any = None, metrics_collections: Any = None, updates_collections: Any = None,
    name: str | None = None,
) -> tuple[Any, Any]:  # fmt: skip
    """The weighted mean. TensorFlow: tf.compat.v1.metrics.mean."""
    _graph_only("mean")
    with variable_scope(name, "mean"):
        values = F.cast(values, dtypes.float32)
        total, count = _total([], "total"), _total([], "count")
        amount: Any = F.cast(F.size(values), dtypes.float32)
        if weights is not None:
            weights = F.cast(weights, dtypes.float32)
            if weights.dims is not None and values.dims is not None and len(weights.dims) == len(values.dims) + 1:
                weights = F.squeeze(weights, [-1])
            amount = F.reduce_sum(F.ones_like(values) * weights)
            values = values * weights
        new_total, new_count = _added(total, F.reduce_sum(values)), _added(count, amount)
        value = F.divide_no_nan(total.value(), count.value(), name="value")
        update = F.divide_no_nan(new_total, new_count, name="update_op")
    return _result(value, update, metrics_collections, updates_collections)


def mean_tensor(
    values: Any, weights: Any = None, metrics_collections: Any = None, updates_collections: Any = None,
    name: str | None = None,
) -> tuple[Any, Any]:  # fmt: skip
    """The weighted mean of each element. TensorFlow: tf.compat.v1.metrics.mean_tensor."""
    _graph_only("mean_tensor")
    with variable_scope(name, "mean"):
        values = F.cast(values, dtypes.float32)
        total, count = _total(values.dims, "total_tensor"), _total(values.dims, "count_tensor")
        amount: Any = F.ones_like(values)
        if weights is not None:
            weights = F.cast(weights, dtypes.float32)
            amount, values = amount * weights, values * weights
        new_total, new_count = _added(total, values), _added(count, amount)
        value, update = F.divide_no_nan(total.value(), count.value()), F.divide_no_nan(new_total, new_count)
    return _result(value, update, metrics_collections, updates_collections)


def accuracy(
    labels: Any, predictions: Any, weights: Any = None, metrics_collections: Any = None,
    updates_collections: Any = None, name: str | None = None,
) -> tuple[Any, Any]:  # fmt: skip
    """How often predictions are the labels. TensorFlow: tf.compat.v1.metrics.accuracy."""
    _graph_only("accuracy")
    labels, predictions, weights = _squeezed(labels, predictions, weights)
    correct = F.cast(F.equal(predictions, F.cast(labels, predictions.dtype)), dtypes.float32)
    return mean(correct, weights, metrics_collections, updates_collections, name or "accuracy")


def _mean_of(name: str, error: Callable[[Any, Any], Any], what: str, root: bool = False) -> Callable[..., Any]:
    def metric(
        labels: Any, predictions: Any, weights: Any = None, metrics_collections: Any = None,
        updates_collections: Any = None, name: str | None = None,
    ) -> tuple[Any, Any]:  # fmt: skip
        _graph_only(metric.__name__)
        labels, predictions, weights = _squeezed(labels, predictions, weights)
        predictions = F.cast(predictions, dtypes.float32)
        found = error(F.cast(labels, predictions.dtype), predictions)
        pair: Any = mean(found, weights, None, None, name or metric.__name__)
        if root:
            pair = [F.sqrt(part) for part in pair]
        return _result(*pair, metrics_collections, updates_collections)

    metric.__name__ = metric.__qualname__ = name
    metric.__doc__ = f"The mean of {what}. TensorFlow: tf.compat.v1.metrics.{name}."
    return metric


mean_absolute_error = _mean_of("mean_absolute_error", lambda y, p: F.abs(p - y), "|predictions - labels|")
mean_squared_error = _mean_of("mean_squared_error", lambda y, p: F.squared_difference(p, y), "squared errors")
root_mean_squared_error = _mean_of(
    "root_mean_squared_error", lambda y, p: F.squared_difference(p, y), "squared errors, and its root", root=True
)


def mean_relative_error(
    labels: Any, predictions: Any, normalizer: Any, weights: Any = None, metrics_collections: Any = None,
    updates_collections: Any = None, name: str | None = None,
) -> tuple[Any, Any]:  # fmt: skip
    """The mean of |labels - predictions| / normalizer. TensorFlow: tf.compat.v1.metrics.mean_relative_error."""
    labels, predictions, weights = _squeezed(labels, predictions, weights)
    error = F.divide_no_nan(F.abs(labels - predictions), F.cast(normalizer, predictions.dtype))
    return mean(error, weights, metrics_collections, updates_collections, name or "mean_relative_error")


def mean_cosine_distance(
    labels: Any, predictions: Any, dim: int, weights: Any = None, metrics_collections: Any = None,
    updates_collections: Any = None, name: str | None = None,
) -> tuple[Any, Any]:  # fmt: skip
    """1 - the mean product of unit vectors. TensorFlow: tf.compat.v1.metrics.mean_cosine_distance."""
    labels, predictions, weights = _squeezed(labels, predictions, weights)
    product = F.reduce_sum(predictions * labels, [dim], keepdims=True)
    pair = mean(product, weights, None, None, name or "mean_cosine_distance")
    return _result(*[1 - part for part in pair], metrics_collections, updates_collections)


def percentage_below(
    values: Any, threshold: Any, weights: Any = None, metrics_collections: Any = None, updates_collections: Any = None,
    name: str | None = None,
) -> tuple[Any, Any]:  # fmt: skip
    """The share of values below a threshold. TensorFlow: tf.compat.v1.metrics.percentage_below."""
    below = F.cast(F.less(convert(values), threshold), dtypes.float32)
    return mean(below, weights, metrics_collections, updates_collections, name or "percentage_below_threshold")


# -- counts of hits and misses -----------------------------------------------------------------------------------------

_CASES = {
    "true_positives": (True, True), "false_positives": (False, True), "false_negatives": (True, False),
    "true_negatives": (False, False),
}  # fmt: skip


def _count(case: str, labels: Any, predictions: Any, weights: Any) -> tuple[Any, Any]:
    """The (value, update) of the number of examples whose label and prediction are as a case says."""
    of_label, of_prediction = _CASES[case]
    labels, predictions, weights = _squeezed(labels, predictions, weights)
    labels, predictions = F.cast(labels, dtypes.bool_), F.cast(predictions, dtypes.bool_)
    hit = F.logical_and(F.equal(labels, of_label), F.equal(predictions, of_prediction))
    amount = F.cast(hit, dtypes.float32)
    if weights is not None:
        amount = amount * F.cast(weights, dtypes.float32)
    total = _total([], "count")
    return F.identity(total.value()), _added(total, F.reduce_sum(amount))


def _counting(case: str) -> Callable[..., Any]:
    def metric(
        labels: Any, predictions: Any, weights: Any = None, metrics_collections: Any = None,
        updates_collections: Any = None, name: str | None = None,
    ) -> tuple[Any, Any]:  # fmt: skip
        _graph_only(case)
        with variable_scope(name, case):
            return _result(*_count(case, labels, predictions, weights), metrics_collections, updates_collections)

    metric.__name__ = metric.__qualname__ = case
    metric.__doc__ = f"The weighted number of {case.replace('_', ' ')}. TensorFlow: tf.compat.v1.metrics.{case}."
    return metric


true_positives, false_positives, false_negatives, true_negatives = map(_counting, _CASES)


def _share(name: str, first: str, second: str, doc: str) -> Callable[..., Any]:
    def metric(
        labels: Any, predictions: Any, weights: Any = None, metrics_collections: Any = None,
        updates_collections: Any = None, name: str | None = None,
    ) -> tuple[Any, Any]:  # fmt: skip
        _graph_only(metric.__name__)
        with variable_scope(name, metric.__name__):
            counts = []
            for case in (first, second):
                with variable_scope(case):
                    counts.append(_count(case, labels, predictions, weights))
            value, update = (F.divide_no_nan(a, a + b) for a, b in zip(*counts, strict=True))
        return _result(value, update, metrics_collections, updates_collections)

    metric.__name__ = metric.__qualname__ = name
    metric.__doc__ = f"{doc} TensorFlow: tf.compat.v1.metrics.{name}."
    return metric


precision = _share("precision", "true_positives", "false_positives", "True positives among what was predicted.")
recall = _share("recall", "true_positives", "false_negatives", "True positives among what is true.")


# -- at thresholds -----------------------------------------------------------------------------------------------------


def _at(thresholds: Any, labels: Any, predictions: Any, weights: Any, cases: Sequence[str]) -> dict[str, Any]:
    """(value, update) of the numbers of each case at each threshold."""
    labels, predictions, weights = _squeezed(labels, predictions, weights)
    scores, truth = F.reshape(F.cast(predictions, dtypes.float32), [1, -1]), F.reshape(labels, [1, -1])
    positive = F.greater(scores, F.reshape(F.cast(thresholds, dtypes.float32), [-1, 1]))
    truth = F.broadcast_to(F.cast(truth, dtypes.bool_), F.shape(positive))
    spread = None
    if weights is not None:
        spread = F.reshape(F.broadcast_to(F.cast(weights, dtypes.float32), F.shape(predictions)), [1, -1])
    out = {}
    for case in cases:
        of_label, of_prediction = _CASES[case]
        hit = F.logical_and(F.equal(truth, of_label), F.equal(positive, of_prediction))
        amount = F.cast(hit, dtypes.float32)
        total = _total([len(thresholds)], case)
        amount = F.reduce_sum(amount if spread is None else amount * spread, 1)
        out[case] = (total.value(), _added(total, amount))
    return out


def _counting_at(case: str) -> Callable[..., Any]:
    def metric(
        labels: Any, predictions: Any, thresholds: Any, weights: Any = None, metrics_collections: Any = None,
        updates_collections: Any = None, name: str | None = None,
    ) -> tuple[Any, Any]:  # fmt: skip
        _graph_only(metric.__name__)
        with variable_scope(name, case):
            pair = _at(thresholds, labels, predictions, weights, [case])[case]
        return _result(*pair, metrics_collections, updates_collections)

    metric.__name__ = metric.__qualname__ = f"{case}_at_thresholds"
    metric.__doc__ = f"`{case}` at thresholds. TensorFlow: tf.compat.v1.metrics.{case}_at_thresholds."
    return metric


true_positives_at_thresholds = _counting_at("true_positives")
false_positives_at_thresholds = _counting_at("false_positives")
false_negatives_at_thresholds = _counting_at("false_negatives")
true_negatives_at_thresholds = _counting_at("true_negatives")


def _share_at(name: str, cases: tuple[str, str]) -> Callable[..., Any]:
    def metric(
        labels: Any, predictions: Any, thresholds: Any, weights: Any = None, metrics_collections: Any = None,
        updates_collections: Any = None, name: str | None = None,
    ) -> tuple[Any, Any]:  # fmt: skip
        _graph_only(metric.__name__)
        with variable_scope(name, metric.__name__):
            found = _at(thresholds, labels, predictions, weights, cases)
            pair = [a / (_EPSILON + a + b) for a, b in zip(*[found[c] for c in cases], strict=True)]
        return _result(*pair, metrics_collections, updates_collections)

    metric.__name__ = metric.__qualname__ = name
    metric.__doc__ = f"`{name.removesuffix('_at_thresholds')}` at thresholds. TensorFlow: tf.compat.v1.metrics.{name}."
    return metric


precision_at_thresholds = _share_at("precision_at_thresholds", ("true_positives", "false_positives"))
recall_at_thresholds = _share_at("recall_at_thresholds", ("true_positives", "false_negatives"))


def _spread_thresholds(count: int) -> list[float]:
    """Thresholds between, below and above all scores in [0, 1]."""
    inner = [(i + 1) / (count - 1) for i in range(count - 2)]
    return [-_EPSILON, *inner, 1.0 + _EPSILON]


def auc(
    labels: Any, predictions: Any, weights: Any = None, num_thresholds: int = 200, metrics_collections: Any = None,
    updates_collections: Any = None, curve: str = "ROC", name: str | None = None,
    summation_method: str = "trapezoidal", thresholds: Any = None,
) -> tuple[Any, Any]:  # fmt: skip
    """The area under the ROC or precision-recall curve.

    Args:
      curve: "ROC" or "PR".
      summation_method: "trapezoidal", "minoring" or "majoring".

    TensorFlow: tf.compat.v1.metrics.auc.
    """
    _graph_only("auc")
    if curve not in ("ROC", "PR"):
        raise ValueError(f"curve must be either ROC or PR, {curve} unknown")
    points = {
        "trapezoidal": lambda h: (h[:-1] + h[1:]) / 2.0,
        "minoring": lambda h: F.minimum(h[:-1], h[1:]),
        "majoring": lambda h: F.maximum(h[:-1], h[1:]),
    }
    if summation_method not in points:
        raise ValueError(f"Invalid summation_method: {summation_method}")
    chosen = _spread_thresholds(num_thresholds) if thresholds is None else [-_EPSILON, *thresholds, 1.0 + _EPSILON]

    def area(tp: Any, fn: Any, tn: Any, fp: Any) -> Any:
        recall = (tp + 1e-6) / (tp + fn + 1e-6)
        x, y = (fp / (fp + tn + 1e-6), recall) if curve == "ROC" else (recall, (tp + 1e-6) / (tp + fp + 1e-6))
        return F.reduce_sum((x[:-1] - x[1:]) * points[summation_method](y))

    order = ("true_positives", "false_negatives", "true_negatives", "false_positives")
    with variable_scope(name, "auc"):
        found = _at(chosen, labels, predictions, weights, order)
        value, update = (area(*[found[case][i] for case in order]) for i in (0, 1))
    return _result(value, update, metrics_collections, updates_collections)


def _at_best(name: str, given: str, doc: str) -> Callable[..., Any]:
    """One share where the other is nearest to what was asked for."""

    def metric(
        labels: Any, predictions: Any, target: Any, weights: Any = None, num_thresholds: int = 200,
        metrics_collections: Any = None, updates_collections: Any = None, name: str | None = None,
    ) -> tuple[Any, Any]:  # fmt: skip
        _graph_only(metric.__name__)
        if not 0 <= target <= 1:
            raise ValueError(f"`{given}` must be in the range [0, 1]. Currently, `{given}` got {target}.")
        order = ("true_positives", "false_negatives", "true_negatives", "false_positives")
        with variable_scope(name, metric.__name__):
            found = _at(_spread_thresholds(num_thresholds), labels, predictions, weights, order)
            pair = [_best(given, target, *[found[case][i] for case in order]) for i in (0, 1)]
        return _result(*pair, metrics_collections, updates_collections)

    metric.__name__ = metric.__qualname__ = name
    metric.__doc__ = f"{doc} TensorFlow: tf.compat.v1.metrics.{name}."
    return metric


def _best(given: str, target: float, tp: Any, fn: Any, tn: Any, fp: Any) -> Any:
    sensitivity, specificity = tp / (tp + fn + _EPSILON), tn / (tn + fp + _EPSILON)
    if given == "specificity":
        return F.gather(sensitivity, F.argmin(F.abs(specificity - target)))
    near = F.abs(sensitivity - target)
    ties = F.equal(near, F.reduce_min(near))
    return F.reduce_max(F.where(ties, specificity, F.zeros_like(specificity)))


sensitivity_at_specificity = _at_best(
    "sensitivity_at_specificity", "specificity", "The sensitivity at a given specificity."
)
specificity_at_sensitivity = _at_best(
    "specificity_at_sensitivity", "sensitivity", "The specificity at a given sensitivity."
)


# -- classes -----------------------------------------------------------------------------------------------------------


def _confusion(labels: Any, predictions: Any, num_classes: int, weights: Any) -> tuple[Any, Any]:
    """The (value, update) of the confusion matrix so far: [label, prediction]."""
    total = _total([num_classes, num_classes], "total_confusion_matrix", dtypes.float64)
    flat = [F.reshape(F.cast(x, dtypes.int64), [-1]) for x in (labels, predictions)]
    spread = None if weights is None else F.reshape(convert(weights), [-1])
    matrix = F.confusion_matrix(*flat, num_classes, spread, dtypes.float64)
    return total.value(), _added(total, matrix)


def mean_iou(
    labels: Any, predictions: Any, num_classes: int, weights: Any = None, metrics_collections: Any = None,
    updates_collections: Any = None, name: str | None = None,
) -> tuple[Any, Any]:  # fmt: skip
    """The mean over the classes of intersection over union; the update gives the confusion matrix.

    TensorFlow: tf.compat.v1.metrics.mean_iou.
    """
    _graph_only("mean_iou")
    with variable_scope(name, "mean_iou"):
        matrix, update = _confusion(labels, predictions, num_classes, weights)
        rows, columns = (F.cast(F.reduce_sum(matrix, axis), dtypes.float32) for axis in (0, 1))
        hits = F.cast(F.diag_part(matrix), dtypes.float32)
        union = rows + columns - hits
        present = F.reduce_sum(F.cast(F.not_equal(union, 0), dtypes.float32))
        value = F.divide_no_nan(F.reduce_sum(F.divide_no_nan(hits, union)), present, name="mean_iou")
    return _result(value, update, metrics_collections, updates_collections)


def mean_per_class_accuracy(
    labels: Any, predictions: Any, num_classes: int, weights: Any = None, metrics_collections: Any = None,
    updates_collections: Any = None, name: str | None = None,
) -> tuple[Any, Any]:  # fmt: skip
    """The mean over the classes of their accuracy; the update gives that of each class.

    TensorFlow: tf.compat.v1.metrics.mean_per_class_accuracy.
    """
    _graph_only("mean_per_class_accuracy")
    with variable_scope(name, "mean_accuracy"):
        labels, predictions, weights = _squeezed(labels, predictions, weights)
        truth = F.reshape(F.cast(labels, dtypes.int64), [-1])
        right = F.cast(F.equal(F.reshape(F.cast(predictions, dtypes.int64), [-1]), truth), dtypes.float32)
        amount = F.ones_like(right)
        if weights is not None:
            spread = F.reshape(F.cast(weights, dtypes.float32), [-1])
            amount, right = amount * spread, right * spread
        total, hits = _total([num_classes], "total"), _total([num_classes], "count")
        new_total = _added(total, F.unsorted_segment_sum(amount, truth, num_classes))
        new_hits = _added(hits, F.unsorted_segment_sum(right, truth, num_classes))
        value = F.reduce_mean(F.divide_no_nan(hits.value(), total.value()))
        update = F.divide_no_nan(new_hits, new_total)
    return _result(value, update, metrics_collections, updates_collections)


# -- the k best --------------------------------------------------------------------------------------------------------


def _hits_at(labels: Any, ranked: Any, class_id: Any) -> Any:
    """Which of the ranked classes are labels: bool [rows, k]. Labels of -1 count for nothing."""
    hit = F.reduce_any(F.equal(F.expand_dims(ranked, 2), F.expand_dims(labels, 1)), 2)
    return hit if class_id is None else F.logical_and(hit, F.equal(ranked, class_id))


def _ranked(labels: Any, predictions: Any, k: int, are_indices: bool) -> tuple[Any, Any]:
    """Labels [rows, n] and the k best classes [rows, k]."""
    labels = F.cast(labels, dtypes.int64)
    predictions = convert(predictions)
    if labels.ndim == predictions.ndim - 1:
        labels = F.expand_dims(labels, -1)
    top = predictions if are_indices else F.top_k(predictions, k)[1]
    return (F.reshape(x, [-1, x.dims[-1]]) for x in (labels, F.cast(top, dtypes.int64)))  # type: ignore[return-value]


def _ratio_at(
    name: str | None, what: str, at: str, labels: Any, ranked: Any, class_id: Any, weights: Any,
    metrics_collections: Any, updates_collections: Any,
) -> tuple[Any, Any]:  # fmt: skip
    """Hits among all labels ("recall") or among all that was ranked ("precision")."""
    suffix = at if class_id is None else f"{at}_class{class_id}"
    miss = "false_negative" if what == "recall" else "false_positive"
    _graph_only(f"{what}_at_k")
    with variable_scope(name, f"{what}{suffix}"):
        hits = F.reduce_sum(F.cast(_hits_at(labels, ranked, class_id), dtypes.float64), 1)
        chosen = labels if what == "recall" else ranked
        counted = F.greater_equal(chosen, 0) if class_id is None else F.equal(chosen, class_id)
        misses = F.reduce_sum(F.cast(counted, dtypes.float64), 1) - hits
        if weights is not None:
            spread = F.reshape(F.cast(weights, dtypes.float64), [-1])
            hits, misses = hits * spread, misses * spread
        totals = [_total([], f"{part}{suffix}", dtypes.float64) for part in ("true_positive", miss)]
        new = [_added(total, F.reduce_sum(part)) for total, part in zip(totals, (hits, misses), strict=True)]
        value, update = (F.divide_no_nan(a, a + b) for a, b in ([t.value() for t in totals], new))
    return _result(value, update, metrics_collections, updates_collections)


def recall_at_k(
    labels: Any, predictions: Any, k: int, class_id: Any = None, weights: Any = None, metrics_collections: Any = None,
    updates_collections: Any = None, name: str | None = None,
) -> tuple[Any, Any]:  # fmt: skip
    """The share of labels among the k best classes. TensorFlow: tf.compat.v1.metrics.recall_at_k."""
    found = _ranked(labels, predictions, k, False)
    rest = (class_id, weights, metrics_collections, updates_collections)
    return _ratio_at(name, "recall", f"_at_{k}", *found, *rest)


def recall_at_top_k(
    labels: Any, predictions_idx: Any, k: Any = None, class_id: Any = None, weights: Any = None,
    metrics_collections: Any = None, updates_collections: Any = None, name: str | None = None,
) -> tuple[Any, Any]:  # fmt: skip
    """`recall_at_k` of class numbers. TensorFlow: tf.compat.v1.metrics.recall_at_top_k."""
    found = _ranked(labels, predictions_idx, 0, True)
    rest = (class_id, weights, metrics_collections, updates_collections)
    return _ratio_at(name, "recall", f"_at_{k or 'k'}", *found, *rest)


def precision_at_k(
    labels: Any, predictions: Any, k: int, class_id: Any = None, weights: Any = None, metrics_collections: Any = None,
    updates_collections: Any = None, name: str | None = None,
) -> tuple[Any, Any]:  # fmt: skip
    """The share of the k best classes that are labels. TensorFlow: tf.compat.v1.metrics.precision_at_k."""
    found = _ranked(labels, predictions, k, False)
    rest = (class_id, weights, metrics_collections, updates_collections)
    return _ratio_at(name, "precision", f"_at_{k}", *found, *rest)


sparse_precision_at_k = precision_at_k


def precision_at_top_k(
    labels: Any, predictions_idx: Any, k: Any = None, class_id: Any = None, weights: Any = None,
    metrics_collections: Any = None, updates_collections: Any = None, name: str | None = None,
) -> tuple[Any, Any]:  # fmt: skip
    """`precision_at_k` of class numbers. TensorFlow: tf.compat.v1.metrics.precision_at_top_k."""
    found = _ranked(labels, predictions_idx, 0, True)
    rest = (class_id, weights, metrics_collections, updates_collections)
    return _ratio_at(name, "precision", f"_at_{k or 'k'}", *found, *rest)


def average_precision_at_k(
    labels: Any, predictions: Any, k: int, weights: Any = None, metrics_collections: Any = None,
    updates_collections: Any = None, name: str | None = None,
) -> tuple[Any, Any]:  # fmt: skip
    """The mean over the examples of the precision at each hit.

    TensorFlow: tf.compat.v1.metrics.average_precision_at_k.
    """
    _graph_only("average_precision_at_k")
    labels, ranked = _ranked(labels, predictions, k, False)
    with variable_scope(name, f"average_precision_at_{k}"):
        hit = F.cast(_hits_at(labels, ranked, None), dtypes.float64)
        precisions = F.cumsum(hit, 1) / F.range(1.0, k + 1.0, dtype=dtypes.float64)
        relevant = F.minimum(F.reduce_sum(F.cast(F.greater_equal(labels, 0), dtypes.float64), 1), float(k))
        average = F.divide_no_nan(F.reduce_sum(precisions * hit, 1), relevant)
        amount = F.ones_like(average)
        if weights is not None:
            amount = F.reshape(F.cast(weights, dtypes.float64), [-1])
        maximum, top = _total([], "max", dtypes.float64), _total([], "total", dtypes.float64)
        new = _added(top, F.reduce_sum(average * amount)), _added(maximum, F.reduce_sum(amount))
        value, update = F.divide_no_nan(top.value(), maximum.value()), F.divide_no_nan(*new)
    return _result(value, update, metrics_collections, updates_collections)


sparse_average_precision_at_k = average_precision_at_k
