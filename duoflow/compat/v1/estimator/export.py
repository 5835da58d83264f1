"""Estimators as SavedModels: what is fed, what is given, and when to export.

TensorFlow: tf.estimator.export, and tf.estimator's exporters.
"""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from duoflow.core import dtypes
from duoflow.core.reporting import get_logger
from duoflow.core.tensor import Tensor, convert
from duoflow.ops import parse_example
from duoflow.saved_model.constants import EXTRA_ASSETS_DIRECTORY

from ..modes import placeholder
from ..saved_model import (
    classification_signature_def,
    predict_signature_def,
    regression_signature_def,
)

__all__ = [
    "ClassificationOutput", "ExportOutput", "FinalExporter", "LatestExporter", "PredictOutput", "RegressionOutput",
    "ServingInputReceiver", "TensorServingInputReceiver", "build_parsing_serving_input_receiver_fn",
    "build_raw_serving_input_receiver_fn",
]  # fmt: skip

DEFAULT_SIGNATURE = "serving_default"


# -- what is given -----------------------------------------------------------------------------------------------------


class ExportOutput:
    """Base of what signatures are made of. TensorFlow: tf.estimator.export.ExportOutput."""

    def as_signature_def(self, receiver_tensors: Mapping[str, Any]) -> Any:
        """The signature for what is fed; `ValueError` if there is none."""
        raise NotImplementedError


def _examples(receiver_tensors: Mapping[str, Any]) -> Any:
    """The only tensor that is fed: serialized examples."""
    if len(receiver_tensors) != 1:
        raise ValueError(f"The signature takes one tensor of examples, received {sorted(receiver_tensors)}.")
    (examples,) = receiver_tensors.values()
    if examples.dtype is not dtypes.string:
        raise ValueError(f"Examples must be strings, received {examples.dtype.name}.")
    return examples


class ClassificationOutput(ExportOutput):
    """Scores and classes of examples. TensorFlow: tf.estimator.export.ClassificationOutput."""

    def __init__(self, scores: Any = None, classes: Any = None) -> None:
        if scores is None and classes is None:
            raise ValueError("At least one of scores and classes must be set.")
        if scores is not None and not (isinstance(scores, Tensor) and scores.dtype.is_floating):
            raise ValueError(f"Classification scores must be a float32 Tensor; got {scores}")
        if classes is not None and not (isinstance(classes, Tensor) and classes.dtype is dtypes.string):
            raise ValueError(f"Classification classes must be a string Tensor; got {classes}")
        self.scores, self.classes = scores, classes

    def as_signature_def(self, receiver_tensors: Mapping[str, Any]) -> Any:
        return classification_signature_def(_examples(receiver_tensors), self.classes, self.scores)


class RegressionOutput(ExportOutput):
    """Numbers for examples. TensorFlow: tf.estimator.export.RegressionOutput."""

    def __init__(self, value: Any) -> None:
        if not (isinstance(value, Tensor) and value.dtype.is_floating):
            raise ValueError(f"Regression output value must be a float32 Tensor; got {value}")
        self.value = value

    def as_signature_def(self, receiver_tensors: Mapping[str, Any]) -> Any:
        return regression_signature_def(_examples(receiver_tensors), self.value)


class PredictOutput(ExportOutput):
    """Tensors by name; one without a name is "output". TensorFlow: tf.estimator.export.PredictOutput."""

    def __init__(self, outputs: Any) -> None:
        self.outputs = dict(outputs) if isinstance(outputs, Mapping) else {"output": outputs}
        for name, value in self.outputs.items():
            if not isinstance(name, str) or not isinstance(value, Tensor):
                raise ValueError(f"Prediction outputs are tensors by name, received {name!r}: {value!r}")

    def as_signature_def(self, receiver_tensors: Mapping[str, Any]) -> Any:
        return predict_signature_def(receiver_tensors, self.outputs)


def signatures(receiver_tensors: Mapping[str, Any], export_outputs: Any, predictions: Any) -> dict[str, Any]:
    """The signatures of a model; those that what is fed does not fit are left out."""
    outputs = dict(export_outputs or {DEFAULT_SIGNATURE: PredictOutput(predictions)})
    if len(outputs) == 1:
        outputs[DEFAULT_SIGNATURE] = next(iter(outputs.values()))
    elif DEFAULT_SIGNATURE not in outputs:
        raise ValueError(f"Multiple export_outputs were provided, but none of them is {DEFAULT_SIGNATURE!r}.")
    found = {}
    for name, output in outputs.items():
        try:
            found[name] = output.as_signature_def(receiver_tensors)
        except ValueError as error:
            get_logger().warning("Export includes no signature %r: %s", name, error)
    if not found:
        raise ValueError("None of the export_outputs fits what the serving_input_receiver_fn is fed.")
    return found


# -- what is fed -------------------------------------------------------------------------------------------------------


class _Receiver(NamedTuple):
    features: Any
    receiver_tensors: Any
    receiver_tensors_alternatives: Any = None


def _named(value: Any, name: str) -> dict[str, Any]:
    found = dict(value) if isinstance(value, Mapping) else {name: value}
    for key, item in found.items():
        if not isinstance(item, Tensor):
            raise ValueError(f"{name} {key!r} must be a tensor, received {item!r}.")
    return found


class ServingInputReceiver(_Receiver):
    """What a served model is fed, and the features made of it. TensorFlow: tf.estimator.export.ServingInputReceiver."""

    __slots__ = ()

    def __new__(
        cls, features: Any, receiver_tensors: Any, receiver_tensors_alternatives: Any = None
    ) -> ServingInputReceiver:
        given = _named(receiver_tensors, "input")
        return super().__new__(cls, _named(features, "feature"), given, receiver_tensors_alternatives)


class TensorServingInputReceiver(_Receiver):
    """`ServingInputReceiver` for models whose features are one tensor.

    TensorFlow: tf.estimator.export.TensorServingInputReceiver.
    """

    __slots__ = ()

    def __new__(
        cls, features: Any, receiver_tensors: Any, receiver_tensors_alternatives: Any = None
    ) -> TensorServingInputReceiver:
        return super().__new__(cls, convert(features), _named(receiver_tensors, "input"), receiver_tensors_alternatives)


def build_raw_serving_input_receiver_fn(
    features: Mapping[str, Any], default_batch_size: int | None = None
) -> Callable[[], ServingInputReceiver]:
    """A function that makes a placeholder for each feature: of its dtype, and of its shape but for the batch.

    TensorFlow: tf.estimator.export.build_raw_serving_input_receiver_fn.
    """
    kinds = {name: (t.dtype, list(t.shape)[1:]) for name, t in ((n, convert(v)) for n, v in features.items())}

    def receive() -> ServingInputReceiver:
        made = {n: placeholder(dtype, [default_batch_size, *dims], n) for n, (dtype, dims) in kinds.items()}
        return ServingInputReceiver(made, made)

    return receive


def build_parsing_serving_input_receiver_fn(
    feature_spec: Mapping[str, Any], default_batch_size: int | None = None
) -> Callable[[], ServingInputReceiver]:
    """A function that makes a placeholder for serialized examples, and parses them.

    TensorFlow: tf.estimator.export.build_parsing_serving_input_receiver_fn.
    """

    def receive() -> ServingInputReceiver:
        examples = placeholder(dtypes.string, [default_batch_size], "input_example_tensor")
        return ServingInputReceiver(parse_example(examples, dict(feature_spec)), {"examples": examples})

    return receive


# -- folders -----------------------------------------------------------------------------------------------------------


def timed_folder(base: Any) -> str:
    """A folder below `base` that does not exist, named after the time in seconds."""
    stamp = int(time.time())
    while Path(base, str(stamp)).exists():
        stamp += 1
    return os.path.join(os.fspath(base), str(stamp))


def copy_extra(folder: str, assets_extra: Mapping[str, Any] | None) -> None:
    """Copy files beside a SavedModel."""
    for name, source in (assets_extra or {}).items():
        target = Path(folder, EXTRA_ASSETS_DIRECTORY, name).resolve()
        if not target.is_relative_to(Path(folder).resolve()):
            raise ValueError(f"The place {name!r} of an extra asset leads out of the SavedModel's folder.")
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(source, target)


# -- exporters ---------------------------------------------------------------------------------------------------------


class _Exporter:
    def __init__(
        self, name: str, serving_input_receiver_fn: Callable[[], Any], assets_extra: Any = None, as_text: bool = False
    ) -> None:
        self._name, self._receive, self._extra, self._as_text = name, serving_input_receiver_fn, assets_extra, as_text

    name = property(lambda self: self._name, doc="The name of the folder.")

    def _export(self, estimator: Any, export_path: Any, checkpoint_path: Any) -> Any:
        return estimator.export_saved_model(export_path, self._receive, self._extra, self._as_text, checkpoint_path)


class FinalExporter(_Exporter):
    """Exports at the end of training. TensorFlow: tf.estimator.FinalExporter."""

    def export(
        self, estimator: Any, export_path: Any, checkpoint_path: Any, eval_result: Any, is_the_final_export: bool
    ) -> Any:
        """The folder of the SavedModel; None before the end."""
        return self._export(estimator, export_path, checkpoint_path) if is_the_final_export else None


class LatestExporter(_Exporter):
    """Exports after each evaluation, and keeps the latest. TensorFlow: tf.estimator.LatestExporter."""

    def __init__(
        self, name: str, serving_input_receiver_fn: Callable[[], Any], assets_extra: Any = None, as_text: bool = False,
        exports_to_keep: int | None = 5,
    ) -> None:  # fmt: skip
        super().__init__(name, serving_input_receiver_fn, assets_extra, as_text)
        if exports_to_keep is not None and exports_to_keep <= 0:
            raise ValueError(f"`exports_to_keep`, if provided, must be a positive number. Got {exports_to_keep}")
        self._keep = exports_to_keep

    def export(
        self, estimator: Any, export_path: Any, checkpoint_path: Any, eval_result: Any, is_the_final_export: bool
    ) -> Any:
        """The folder of the SavedModel."""
        found = self._export(estimator, export_path, checkpoint_path)
        kept = sorted((p for p in Path(export_path).iterdir() if p.name.isdigit()), key=lambda p: int(p.name))
        for old in kept[: -self._keep] if self._keep else ():
            shutil.rmtree(old)
        return found
