"""Heads: what a canned estimator makes of logits, in each mode: losses, predictions and metrics."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from duoflow.core import dtypes
from duoflow.core.late import F
from duoflow.core.tensor import convert
from duoflow.feature_column.base import Features
from duoflow.feature_column.numbers import NumericColumn, numeric_column

from .. import losses, metrics
from ..contrib.lookup import index_table_from_tensor, index_to_string_table_from_tensor
from ..summary import scalar as scalar_summary
from .export import DEFAULT_SIGNATURE, ClassificationOutput, PredictOutput, RegressionOutput
from .spec import EstimatorSpec, ModeKeys

__all__ = ["BinaryHead", "ClassesHead", "Head", "RegressionHead", "classification_head"]


class Head:
    """Base of the heads.

    size: how many logits there are for an example. weight_column: the key, or the numeric column, of the examples'
    weights. reduction: what is made of the examples' losses, one of `tf.losses.Reduction`.
    """

    def __init__(self, size: int, weight_column: Any, reduction: str) -> None:
        if reduction not in losses.Reduction.all() or reduction == losses.Reduction.NONE:
            raise ValueError(f"Invalid loss_reduction: {reduction}")
        if isinstance(weight_column, str):
            weight_column = numeric_column(weight_column)
        if weight_column is not None and not isinstance(weight_column, NumericColumn):
            raise TypeError(
                f"Weight column must be either a string or NumericColumn. Given type: {type(weight_column)}."
            )
        self.size, self._weight_column, self._reduction = size, weight_column, reduction

    def predictions(self, logits: Any) -> dict[str, Any]:
        """What is predicted, by name."""
        raise NotImplementedError

    def losses(self, logits: Any, labels: Any) -> Any:
        """The losses [batch, 1] or [batch, size]."""
        raise NotImplementedError

    def labels(self, labels: Any) -> Any:
        """Labels as the losses take them."""
        raise NotImplementedError

    def metrics(self, labels: Any, found: dict[str, Any], weights: Any) -> dict[str, Any]:
        """Metrics besides the average loss, by name."""
        raise NotImplementedError

    def exports(self, found: dict[str, Any]) -> dict[str, Any]:
        """The outputs of exported models, by signature, besides all predictions."""
        raise NotImplementedError

    def create_spec(
        self, features: dict[str, Any], mode: str, logits: Any, labels: Any, train_op_fn: Callable[[Any], Any]
    ) -> EstimatorSpec:
        """What a model function returns in a mode; `train_op_fn` makes the operation that trains of the loss."""
        found = self.predictions(logits)
        if mode == ModeKeys.PREDICT:
            return EstimatorSpec(mode, predictions=found, export_outputs=self.exports(found))
        if labels is None:
            raise ValueError(
                "You must provide a labels Tensor. Given: None. Suggested troubleshooting steps: Check that your data "
                "contain your label feature. Check that your input_fn properly parses and returns labels."
            )
        labels = self.labels(_column(labels))
        weights = self._weights(features)
        each = self.losses(logits, labels)
        loss = losses.compute_weighted_loss(each, weights, loss_collection=None, reduction=self._reduction)
        if mode == ModeKeys.EVAL:
            names = {"average_loss": metrics.mean(each, weights, name="average_loss")}
            return EstimatorSpec(mode, found, loss, eval_metric_ops={**names, **self.metrics(labels, found, weights)})
        average = losses.compute_weighted_loss(each, weights, loss_collection=None, reduction=losses.Reduction.MEAN)
        scalar_summary("average_loss", average)
        return EstimatorSpec(mode, found, loss, train_op_fn(loss))

    def _weights(self, features: dict[str, Any]) -> Any:
        if self._weight_column is None:
            return 1.0
        return self._weight_column.transform(Features(features))


def _column(labels: Any) -> Any:
    labels = convert(labels)
    if labels.ndim is None or labels.ndim > 2:
        raise ValueError(f"labels must be [batch] or [batch, n], received shape {labels.shape}")
    return F.expand_dims(labels, -1) if labels.ndim == 1 else labels


class RegressionHead(Head):
    """Numbers, and the squares of their errors."""

    def predictions(self, logits: Any) -> dict[str, Any]:
        return {"predictions": logits}

    def exports(self, found: dict[str, Any]) -> dict[str, Any]:
        value = RegressionOutput(found["predictions"])
        return {DEFAULT_SIGNATURE: value, "regression": value, "predict": PredictOutput(found)}

    def labels(self, labels: Any) -> Any:
        if labels.dims[-1] not in (None, self.size):
            raise ValueError(
                f"Mismatched label shape. Expected labels dimension={self.size}. Received {labels.dims[-1]}. "
                "Suggested Fix: If your estimator expects multiple labels, you need to set label_dimension."
            )
        return F.cast(labels, dtypes.float32)

    def losses(self, logits: Any, labels: Any) -> Any:
        return F.squared_difference(logits, labels)

    def metrics(self, labels: Any, found: dict[str, Any], weights: Any) -> dict[str, Any]:
        return {
            "prediction/mean": _mean(found["predictions"], weights, "prediction/mean"),
            "label/mean": _mean(labels, weights, "label/mean"),
        }


def _mean(values: Any, weights: Any, name: str) -> Any:
    each = weights if isinstance(weights, float) else F.broadcast_to(weights, F.shape(values))
    return metrics.mean(values, each, name=name)


class _Classifying(Head):
    """What heads for classes share: labels are ids, or words of a vocabulary."""

    def __init__(self, classes: int, size: int, weight_column: Any, vocabulary: Any, reduction: str) -> None:
        super().__init__(size, weight_column, reduction)
        if vocabulary is not None:
            if not isinstance(vocabulary, (list, tuple)):
                raise ValueError(f"label_vocabulary should be a list or a tuple. Given type: {type(vocabulary)}")
            if len(vocabulary) != classes:
                raise ValueError(
                    f'"label_vocabulary" does not have "n_classes" items. n_classes={classes} vocabulary={vocabulary}'
                )
        self._classes, self._vocabulary = classes, vocabulary

    def _ids(self, labels: Any) -> Any:
        if self._vocabulary is not None:
            if labels.dtype is not dtypes.string:
                raise ValueError(f"Labels dtype should be string if there is a vocabulary. Instead got {labels.dtype}.")
            labels = index_table_from_tensor(self._vocabulary, name="class_id_lookup").lookup(labels)
        elif labels.dtype is dtypes.string:
            raise ValueError(
                "Labels dtype should be integer. Instead got string: give their words as label_vocabulary."
            )
        low, high = F.reduce_all(F.greater_equal(labels, 0)), F.reduce_all(F.less_equal(labels, self._classes - 1))
        checks = [
            F.Assert(low, ["Labels must be >= 0", labels]),
            F.Assert(high, [f"Labels must be <= n_classes - 1, n_classes is {self._classes}", labels]),
        ]
        with F.control_dependencies(checks):
            return F.identity(labels)

    def _classes_of(self, ids: Any) -> Any:
        """Ids as strings: the words of the vocabulary, or the numbers."""
        if self._vocabulary is None:
            return F.as_string(ids, name="str_classes")
        return index_to_string_table_from_tensor(self._vocabulary, name="class_string_lookup").lookup(ids)

    def exports(self, found: dict[str, Any]) -> dict[str, Any]:
        chosen = ClassificationOutput(found["probabilities"], found["all_classes"])
        return {DEFAULT_SIGNATURE: chosen, "classification": chosen, "predict": PredictOutput(found)}

    def _predicted(self, probabilities: Any) -> dict[str, Any]:
        ids = F.expand_dims(F.argmax(probabilities, -1), -1)
        every = F.tile(F.expand_dims(F.range(self._classes), 0), F.stack([F.shape(probabilities)[0], 1]))
        return {
            "probabilities": probabilities, "class_ids": ids, "classes": self._classes_of(ids), "all_class_ids": every,
            "all_classes": self._classes_of(F.cast(every, dtypes.int64)),
        }  # fmt: skip


class BinaryHead(_Classifying):
    """One logit for the second of two classes."""

    def __init__(self, weight_column: Any, vocabulary: Any, reduction: str) -> None:
        super().__init__(2, 1, weight_column, vocabulary, reduction)

    def predictions(self, logits: Any) -> dict[str, Any]:
        both = F.concat([F.zeros_like(logits), logits], -1)
        return {"logits": logits, "logistic": F.sigmoid(logits), **self._predicted(F.softmax(both))}

    def exports(self, found: dict[str, Any]) -> dict[str, Any]:
        return {**super().exports(found), "regression": RegressionOutput(found["logistic"])}

    def labels(self, labels: Any) -> Any:
        return F.cast(self._ids(labels), dtypes.float32)

    def losses(self, logits: Any, labels: Any) -> Any:
        return F.sigmoid_cross_entropy_with_logits(labels=labels, logits=logits)

    def metrics(self, labels: Any, found: dict[str, Any], weights: Any) -> dict[str, Any]:
        ids, chance = found["class_ids"], found["logistic"]
        label_mean = _mean(labels, weights, "label/mean")
        baseline = tuple(F.maximum(m, 1 - m) for m in label_mean)
        several = weights if not isinstance(weights, float) else None
        return {
            "accuracy": metrics.accuracy(labels, ids, several, name="accuracy"),
            "precision": metrics.precision(labels, ids, several, name="precision"),
            "recall": metrics.recall(labels, ids, several, name="recall"),
            "prediction/mean": _mean(chance, weights, "prediction/mean"),
            "label/mean": label_mean,
            "accuracy_baseline": baseline,
            "auc": metrics.auc(labels, chance, several, name="auc"),
            "auc_precision_recall": metrics.auc(labels, chance, several, curve="PR", name="auc_precision_recall"),
        }


class ClassesHead(_Classifying):
    """A logit for each of three classes or more."""

    def __init__(self, classes: int, weight_column: Any, vocabulary: Any, reduction: str) -> None:
        super().__init__(classes, classes, weight_column, vocabulary, reduction)

    def predictions(self, logits: Any) -> dict[str, Any]:
        return {"logits": logits, **self._predicted(F.softmax(logits))}

    def labels(self, labels: Any) -> Any:
        return self._ids(labels)

    def losses(self, logits: Any, labels: Any) -> Any:
        each = F.sparse_softmax_cross_entropy_with_logits(labels=F.squeeze(labels, [-1]), logits=logits)
        return F.expand_dims(each, -1)

    def metrics(self, labels: Any, found: dict[str, Any], weights: Any) -> dict[str, Any]:
        several = weights if not isinstance(weights, float) else None
        ids = F.cast(found["class_ids"], labels.dtype)
        return {"accuracy": metrics.accuracy(labels, ids, several, name="accuracy")}


def classification_head(n_classes: int, weight_column: Any, vocabulary: Any, reduction: str) -> Head:
    """The head for a number of classes, two at least."""
    if n_classes < 2:
        raise ValueError(f"n_classes must be at least 2, received {n_classes}")
    if n_classes == 2:
        return BinaryHead(weight_column, vocabulary, reduction)
    return ClassesHead(n_classes, weight_column, vocabulary, reduction)
