"""A model that trains a student beside a teacher."""

from __future__ import annotations

from typing import Any

from duoflow import ops as tf
from duoflow.core import nest

from ..metrics import Mean
from ..models import Model
from ..saving.serialization import deserialize_keras_object, serialize_keras_object
from ..tracking import untracked
from .losses import loss_of

__all__ = ["Distiller"]

_FINAL = "final_output"


class Distiller(Model):
    """Trains a student by its own loss and by what a teacher, which stays as it is, makes of the same inputs.

    Args:
      teacher, student: models of inputs and outputs of the same shapes and dtypes.
      distillation_losses: a `DistillationLoss`, or a list of them.
      distillation_loss_weights: a factor for each of a list; 1 if not given.
      student_loss_weight: the share of the student's own loss in the whole, in [0, 1].

    Calls and predictions are the student's. Raises `ValueError` for models that do not fit.

    >>> teacher = tf.keras.Sequential([tf.keras.Input((4,)), tf.keras.layers.Dense(8), tf.keras.layers.Dense(3)])
    >>> student = tf.keras.Sequential([tf.keras.Input((4,)), tf.keras.layers.Dense(3)])
    >>> model = tf.keras.distillation.Distiller(teacher, student, tf.keras.distillation.LogitsDistillation())
    >>> model.compile("adam", tf.keras.losses.SparseCategoricalCrossentropy(from_logits=True))
    >>> sorted(model.fit(np.ones((8, 4)), np.zeros(8), verbose=0).history)
    ['distillation_loss', 'loss', 'student_loss', 'total_loss']

    Keras: keras.distillation.Distiller.
    """

    def __init__(
        self, teacher: Any, student: Any, distillation_losses: Any, distillation_loss_weights: Any = None,
        student_loss_weight: float = 0.5, name: str = "distiller", **kwargs: Any,
    ) -> None:  # fmt: skip
        super().__init__(name=name, **kwargs)
        for role, model in (("Teacher", teacher), ("Student", student)):
            if not isinstance(model, Model):
                raise ValueError(f"{role} must be a keras.Model, got {type(model)}")
        for what in ("inputs", "outputs"):
            _check_fit(what.removesuffix("s"), getattr(teacher, what, None), getattr(student, what, None))
        if not isinstance(student_loss_weight, int | float):
            raise ValueError(f"student_loss_weight must be a number, got {type(student_loss_weight)}")
        if not 0 <= student_loss_weight <= 1:
            raise ValueError(f"student_loss_weight must be between 0.0 and 1.0, got {student_loss_weight}")
        self.teacher, self.student, self.student_loss_weight = teacher, student, student_loss_weight
        with untracked():
            self.distillation_losses, self.distillation_loss_weights = _weighted(
                distillation_losses, distillation_loss_weights
            )
            for loss in self.distillation_losses:
                loss.validate_model_compatibility(teacher, student)
            self._teacher_features = self._features_of(teacher, "teacher_layer_name")
            self._student_features = self._features_of(student, "student_layer_name")
        teacher.trainable = False
        self.student_loss_tracker = Mean(name="student_loss")
        self.distillation_loss_tracker = Mean(name="distillation_loss")
        self.total_loss_tracker = Mean(name="total_loss")

    def _features_of(self, model: Any, attribute: str) -> Any:
        """A model of what the losses look at, by name of the layer; None where that is the output alone."""
        names = dict.fromkeys(n for loss in self.distillation_losses if (n := getattr(loss, attribute, None)))
        if not names:
            return None
        outputs = {name: model.get_layer(name=name).output for name in names}
        return Model(model.inputs, {_FINAL: model.output, **outputs}, name=f"{model.name}_features")

    def compile(self, optimizer: Any = "adam", loss: Any = None, metrics: Any = None, **kwargs: Any) -> None:  # type: ignore[override]
        """Choose how to train; `loss` is the student's own, and there has to be one."""
        if loss is None:
            raise ValueError("'loss' cannot be `None`.")
        if metrics is not None and not isinstance(metrics, list | tuple):
            raise ValueError(f"metrics must be a list or tuple, got {type(metrics)}")
        with untracked():
            self._student_loss = nest.map_structure(loss_of, loss)
        super().compile(optimizer=optimizer, loss=None, metrics=metrics, **kwargs)
        self._compile_config = {**(self._compile_config or {}), "loss": loss}

    def call(self, inputs: Any, training: bool | None = None, **kwargs: Any) -> Any:
        """The student's outputs."""
        return self.student(inputs, training=training, **kwargs)

    def compute_loss(
        self, x: Any = None, y: Any = None, y_pred: Any = None, sample_weight: Any = None, training: bool = True
    ) -> Any:
        """The student's own loss and the distillation losses, each with its share; sample weights are not used."""
        y_pred = self(x, training=training) if y_pred is None else y_pred
        own = self._own_loss(y, y_pred) if self.student_loss_weight > 0 and y is not None else tf.constant(0.0)
        distilled = self._distillation_loss(x, y_pred) if self.student_loss_weight < 1 else tf.constant(0.0)
        total = self.student_loss_weight * own + (1.0 - self.student_loss_weight) * distilled
        self.student_loss_tracker.update_state(own)
        self.distillation_loss_tracker.update_state(distilled)
        self.total_loss_tracker.update_state(total)
        return total

    def _own_loss(self, y: Any, y_pred: Any) -> Any:
        rows = zip(*(nest.flatten(part) for part in (self._student_loss, y, y_pred)), strict=True)
        found = [tf.reduce_mean(loss(target, output)) for loss, target, output in rows]
        return found[0] if len(found) == 1 else tf.add_n(found)

    def _distillation_loss(self, x: Any, y_pred: Any) -> Any:
        plain = {_FINAL: self.teacher(x, training=False)} if self._teacher_features is None else None
        teacher = plain or self._teacher_features(x, training=False)
        student = {} if self._student_features is None else self._student_features(x, training=True)
        total = tf.constant(0.0)
        for loss, weight in zip(self.distillation_losses, self.distillation_loss_weights, strict=True):
            theirs, ours = teacher[_FINAL], y_pred
            if (name := getattr(loss, "teacher_layer_name", None)) is not None:
                own_name = loss.student_layer_name
                theirs, ours = teacher[name], y_pred if own_name is None else student[own_name]
            loss.validate_outputs(theirs, ours)
            value = loss.compute_loss(theirs, ours)
            if getattr(value, "ndim", 0):
                raise ValueError(
                    f"Distillation loss {type(loss).__name__} returned a non-scalar loss with shape {value.shape}. The "
                    "compute_loss method must return a scalar tensor."
                )
            total = total + weight * value
        return total

    def get_config(self) -> dict[str, Any]:
        """The arguments that make an equal distiller."""
        return {
            **super().get_config(),
            "teacher": serialize_keras_object(self.teacher),
            "student": serialize_keras_object(self.student),
            "distillation_losses": [serialize_keras_object(loss) for loss in self.distillation_losses],
            "distillation_loss_weights": self.distillation_loss_weights,
            "student_loss_weight": self.student_loss_weight,
        }

    @classmethod
    def from_config(cls, config: dict[str, Any], custom_objects: Any = None) -> Any:
        """A distiller from its config."""
        objects = ("teacher", "student", "distillation_losses")
        made = {name: deserialize_keras_object(config[name], custom_objects=custom_objects) for name in objects}
        return cls(**{**config, **made})


def _weighted(losses: Any, weights: Any) -> tuple[list[Any], list[float]]:
    """Losses with their weights."""
    if losses is None:
        raise ValueError(
            "'distillation_losses' cannot be `None`. Provide a distillation loss (e.g., LogitsDistillation or "
            "FeatureDistillation) or a list of distillation losses."
        )
    if not isinstance(losses, list | tuple):
        return [losses], [1.0]
    if weights is not None and len(weights) != len(losses):
        raise ValueError(
            f"Number of distillation_loss_weights ({len(weights)}) must match number of distillation_losses "
            f"({len(losses)})"
        )
    return list(losses), [1.0] * len(losses) if weights is None else list(weights)


def _check_fit(what: str, teachers: Any, students: Any) -> None:
    """Raise `ValueError` where the inputs, or outputs, of both models differ."""
    if teachers is None or students is None:
        return
    for a, b in zip(nest.flatten(teachers), nest.flatten(students), strict=True):
        if len(a.shape) != len(b.shape):
            raise ValueError(
                f"Teacher and student {what} shapes have different dimensions. Teacher: {a.shape}, Student: {b.shape}."
            )
        if any(m is not None and n is not None and m != n for m, n in zip(a.shape, b.shape, strict=True)):
            raise ValueError(
                f"Teacher and student {what} shapes are incompatible. Teacher: {a.shape}, Student: {b.shape}. All "
                "dimensions must match."
            )
        if a.dtype != b.dtype:
            raise ValueError(f"Teacher and student {what} dtypes must match. Teacher: {a.dtype}, Student: {b.dtype}.")
