"""How far a student is from its teacher: in what both give, or in what layers of theirs give."""

from __future__ import annotations

from typing import Any

from duoflow import ops as tf
from duoflow.core import nest

from .. import losses as losses_module
from ..losses import KLDivergence
from ..saving.serialization import deserialize_keras_object, serialize_keras_object

__all__ = ["DistillationLoss", "FeatureDistillation", "LogitsDistillation", "loss_of"]


def loss_of(identifier: Any) -> Any:
    """A loss for its name; anything else as it is."""
    return losses_module.get(identifier) if isinstance(identifier, str) else identifier


class DistillationLoss:
    """Base of distillation losses: a subclass writes `compute_loss`.

    Keras: keras.distillation.DistillationLoss.
    """

    def compute_loss(self, teacher_outputs: Any, student_outputs: Any, **kwargs: Any) -> Any:
        """The loss, a scalar, of the student's outputs beside the teacher's."""
        raise NotImplementedError("Subclasses must implement compute_loss")

    def validate_outputs(self, teacher_outputs: Any, student_outputs: Any) -> None:
        """Raise `ValueError` where the outputs are not of one structure."""
        nest.assert_same_structure(teacher_outputs, student_outputs)

    def validate_model_compatibility(self, teacher: Any, student: Any) -> None:
        """Raise `ValueError` for models that the loss cannot compare."""


class _OfStructures(DistillationLoss):
    """A loss, or None for no loss, for each output."""

    loss: Any

    def _keep(self, loss: Any) -> None:
        self.loss = nest.map_structure(loss_of, loss)
        if all(x is None for x in nest.flatten(self.loss)):
            raise ValueError(
                f"The `loss` argument in `{type(self).__name__}` must contain at least one non-`None` value."
            )

    def _total(self, teacher_outputs: Any, student_outputs: Any) -> Any:
        leaves = (nest.flatten(part) for part in (self.loss, teacher_outputs, student_outputs))
        found = [self._of_output(*row) for row in zip(*leaves, strict=True) if row[0] is not None]
        return found[0] if len(found) == 1 else tf.add_n(found)

    def _of_output(self, loss: Any, teacher: Any, student: Any) -> Any:
        """The loss of one output."""
        return tf.reduce_mean(loss(teacher, student))

    def _settings(self) -> dict[str, Any]:
        return {}

    def get_config(self) -> dict[str, Any]:
        """The arguments that make an equal loss."""
        return {**self._settings(), "loss": serialize_keras_object(self.loss)}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Any:
        """A loss from its config."""
        return cls(**{**config, "loss": deserialize_keras_object(config["loss"])})


class FeatureDistillation(_OfStructures):
    """The difference between the outputs of a layer of the teacher and one of the student.

    Args:
      loss: a name, a loss, or a structure of them like that of the outputs, None where there is no loss.
      teacher_layer_name, student_layer_name: of the layers; the last ones if not given.

    Keras: keras.distillation.FeatureDistillation.
    """

    def __init__(
        self, loss: Any = "mse", teacher_layer_name: str | None = None, student_layer_name: str | None = None
    ) -> None:
        self.teacher_layer_name, self.student_layer_name = teacher_layer_name, student_layer_name
        self._keep(loss)

    def validate_model_compatibility(self, teacher: Any, student: Any) -> None:
        """Raise `ValueError` where a named layer cannot be found or reached."""
        models = (("teacher", teacher, self.teacher_layer_name), ("student", student, self.student_layer_name))
        if any(name is not None for *_, name in models):
            hidden = [role for role, model, _ in models if getattr(model, "inputs", None) is None]
            if hidden:
                raise ValueError(
                    "FeatureDistillation with specific layer names requires Functional or Sequential models. The "
                    f"{' and '.join(hidden)} model(s) appear to be subclassed (no symbolic inputs/outputs). Either use "
                    "Functional/Sequential models, or use FeatureDistillation without layer names (to distill final "
                    "outputs only), or use LogitsDistillation instead."
                )
        for role, model, name in models:
            if name is not None:
                try:
                    model.get_layer(name=name)
                except ValueError as error:
                    raise ValueError(f"In {role} model: {error}") from None

    def validate_outputs(self, teacher_outputs: Any, student_outputs: Any) -> None:
        """Raise `ValueError` where outputs and losses are not of one structure."""
        super().validate_outputs(teacher_outputs, student_outputs)
        try:
            nest.assert_same_structure(self.loss, teacher_outputs)
        except (ValueError, TypeError) as error:
            raise ValueError(f"Loss structure mismatch. Loss structure: {self.loss}. Error: {error}") from None

    def compute_loss(self, teacher_outputs: Any, student_outputs: Any, **kwargs: Any) -> Any:
        """The mean loss of each output, added up."""
        return self._total(teacher_outputs, student_outputs)

    def _settings(self) -> dict[str, Any]:
        return {"teacher_layer_name": self.teacher_layer_name, "student_layer_name": self.student_layer_name}


class LogitsDistillation(_OfStructures):
    """The difference between the logits of both models, divided by a temperature.

    Args:
      temperature: above one, the teacher's smaller logits count for more.
      loss: a name, a loss, or a structure of them like that of the outputs, None where there is no loss. A
        `KLDivergence` is of the logits' softmax, times the temperature squared; all else, and names, are of the logits.

    Hinton et al., 2015. Keras: keras.distillation.LogitsDistillation.
    """

    def __init__(self, temperature: float = 3.0, loss: Any = "kl_divergence") -> None:
        self._keep(loss)
        if not isinstance(temperature, int | float):
            raise ValueError(f"temperature must be a number, got {type(temperature)}")
        if temperature <= 0:
            raise ValueError(f"temperature must be positive. Received: temperature={temperature}")
        self.temperature = temperature

    def compute_loss(self, teacher_outputs: Any, student_outputs: Any, **kwargs: Any) -> Any:
        """The mean loss of each output, added up."""
        return self._total(teacher_outputs, student_outputs)

    def _of_output(self, loss: Any, teacher: Any, student: Any) -> Any:
        teacher, student = teacher / self.temperature, student / self.temperature
        if not isinstance(loss, KLDivergence):
            return super()._of_output(loss, teacher, student)
        return super()._of_output(loss, tf.softmax(teacher), tf.softmax(student)) * self.temperature**2

    def _settings(self) -> dict[str, Any]:
        return {"temperature": self.temperature}
