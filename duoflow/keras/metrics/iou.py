"""Intersection over union of predicted and true classes, as used for segmentation."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

from duoflow import ops as tf
from duoflow.core.tensor import convert

from ..config import epsilon
from .metric import Metric

__all__ = ["BinaryIoU", "IoU", "MeanIoU", "OneHotIoU", "OneHotMeanIoU"]


class IoU(Metric):
    """The mean, over some classes, of true positives / (true positives + both kinds of errors).

    Args:
      num_classes: how many classes there are; labels outside are left out.
      target_class_ids: the classes that count.
      ignore_class: a label that is left out.
      sparse_y_true, sparse_y_pred: whether classes are given as numbers, or as scores along `axis`.

    Keras: keras.metrics.IoU. Raises `ValueError` for a class out of range.
    """

    _direction = "up"
    _ARGUMENTS: ClassVar[tuple[str, ...]] = (
        "num_classes", "target_class_ids", "ignore_class", "sparse_y_true", "sparse_y_pred", "axis",
    )  # fmt: skip

    def __init__(
        self, num_classes: int, target_class_ids: Sequence[int], name: str | None = None, dtype: Any = None,
        ignore_class: int | None = None, sparse_y_true: bool = True, sparse_y_pred: bool = True, axis: int = -1,
    ) -> None:  # fmt: skip
        super().__init__(name=name, dtype=dtype or "int64")
        if max(target_class_ids) >= num_classes:
            raise ValueError(f"Target class id {max(target_class_ids)} is out of range, which is [0, {num_classes}).")
        self.num_classes, self.target_class_ids, self.ignore_class = num_classes, list(target_class_ids), ignore_class
        self.sparse_y_true, self.sparse_y_pred, self.axis = sparse_y_true, sparse_y_pred, axis
        self.total_cm = self.add_variable((num_classes, num_classes), "zeros", name="total_confusion_matrix")

    def update_state(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> None:
        """Count a batch into the confusion matrix."""
        true, pred = self._classes(y_true, self.sparse_y_true), self._classes(y_pred, self.sparse_y_pred)
        counted = tf.logical_and(self._in_range(true), self._in_range(pred))
        if self.ignore_class is not None:
            counted = tf.logical_and(counted, tf.not_equal(true, self.ignore_class))
        weight = tf.cast(counted, self.dtype)
        if sample_weight is not None:
            given = convert(sample_weight)
            given = tf.reshape(given, [-1]) if given.spec.rank != 0 else given
            weight = weight * tf.cast(given, self.dtype)
        cell = tf.where(counted, true * self.num_classes + pred, tf.zeros_like(true))
        sums = tf.unsorted_segment_sum(weight, cell, self.num_classes**2)
        self.total_cm.assign_add(tf.reshape(sums, [self.num_classes, self.num_classes]))

    def _classes(self, x: Any, sparse: bool) -> Any:
        """Class numbers in one row."""
        return tf.reshape(tf.cast(convert(x) if sparse else tf.argmax(convert(x), self.axis), "int32"), [-1])

    def _in_range(self, classes: Any) -> Any:
        return tf.logical_and(classes >= 0, classes < self.num_classes)

    def result(self) -> Any:
        """The mean over the classes that occurred."""
        matrix = convert(self.total_cm)
        hits = tf.diag_part(matrix)
        union = tf.reduce_sum(matrix, 0) + tf.reduce_sum(matrix, 1) - hits
        hits, union = [tf.cast(tf.gather(x, self.target_class_ids), "float32") for x in (hits, union)]
        occurred = union > 1e-9
        shares = tf.where(occurred, hits / (union + epsilon()), tf.zeros_like(hits))
        return tf.reduce_sum(shares) / (tf.reduce_sum(tf.cast(occurred, "float32")) + epsilon())

    def get_config(self) -> dict[str, Any]:
        """The arguments that make an equal metric."""
        return {**super().get_config(), **{name: getattr(self, name) for name in self._ARGUMENTS}}


class BinaryIoU(IoU):
    """Intersection over union of scores above a threshold. Keras: keras.metrics.BinaryIoU."""

    _ARGUMENTS = ("target_class_ids", "threshold")

    def __init__(
        self,
        target_class_ids: Sequence[int] = (0, 1),
        threshold: float = 0.5,
        name: str | None = None,
        dtype: Any = None,
    ) -> None:
        super().__init__(2, target_class_ids, name, dtype)
        self.threshold = threshold

    def update_state(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> None:
        """Count a batch into the confusion matrix."""
        super().update_state(y_true, tf.cast(convert(y_pred), "float32") >= self.threshold, sample_weight)


class MeanIoU(IoU):
    """The mean intersection over union of all classes. Keras: keras.metrics.MeanIoU.

    >>> m = tf.keras.metrics.MeanIoU(num_classes=2)
    >>> m.update_state([0, 0, 1, 1], [0, 1, 0, 1])
    >>> round(m.result().numpy().item(), 4)
    0.3333
    """

    _ARGUMENTS = ("num_classes", "ignore_class", "sparse_y_true", "sparse_y_pred", "axis")

    def __init__(
        self, num_classes: int, name: str | None = None, dtype: Any = None, ignore_class: int | None = None,
        sparse_y_true: bool = True, sparse_y_pred: bool = True, axis: int = -1,
    ) -> None:  # fmt: skip
        super().__init__(num_classes, range(num_classes), name, dtype, ignore_class, sparse_y_true, sparse_y_pred, axis)


class OneHotIoU(IoU):
    """Intersection over union of one-hot targets. Keras: keras.metrics.OneHotIoU."""

    _ARGUMENTS = ("num_classes", "target_class_ids", "ignore_class", "sparse_y_pred", "axis")

    def __init__(
        self, num_classes: int, target_class_ids: Sequence[int], name: str | None = None, dtype: Any = None,
        ignore_class: int | None = None, sparse_y_pred: bool = False, axis: int = -1,
    ) -> None:  # fmt: skip
        super().__init__(num_classes, target_class_ids, name, dtype, ignore_class, False, sparse_y_pred, axis)


class OneHotMeanIoU(MeanIoU):
    """The mean intersection over union of one-hot targets. Keras: keras.metrics.OneHotMeanIoU."""

    _ARGUMENTS = ("num_classes", "ignore_class", "sparse_y_pred", "axis")

    def __init__(
        self, num_classes: int, name: str | None = None, dtype: Any = None, ignore_class: int | None = None,
        sparse_y_pred: bool = False, axis: int = -1,
    ) -> None:  # fmt: skip
        super().__init__(num_classes, name, dtype, ignore_class, False, sparse_y_pred, axis)
