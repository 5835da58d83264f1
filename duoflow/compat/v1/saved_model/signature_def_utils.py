"""`tf.compat.v1.saved_model.signature_def_utils`: what a graph takes and gives, by name."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from duoflow.core import dtypes
from duoflow.formats.messages import SignatureDef
from duoflow.saved_model import constants as names

from .utils import build_tensor_info

__all__ = [
    "build_signature_def", "classification_signature_def", "is_valid_signature", "predict_signature_def",
    "regression_signature_def",
]  # fmt: skip


def build_signature_def(
    inputs: Mapping[str, Any] | None = None, outputs: Mapping[str, Any] | None = None, method_name: str | None = None,
    defaults: Mapping[str, Any] | None = None,
) -> Any:  # fmt: skip
    """A signature of `TensorInfo`s by name. TensorFlow: tf.compat.v1.saved_model.build_signature_def."""
    return SignatureDef(inputs=inputs, outputs=outputs, method_name=method_name, defaults=defaults)


def _infos(tensors: Mapping[str, Any]) -> dict[str, Any]:
    return {name: build_tensor_info(tensor) for name, tensor in tensors.items()}


def _require_string(what: str, tensor: Any) -> None:
    if tensor.dtype is not dtypes.string:
        raise ValueError(f"{what} tensors must be of type string. Found tensor with dtype {tensor.dtype.name}.")


def predict_signature_def(inputs: Mapping[str, Any] | None, outputs: Mapping[str, Any] | None) -> Any:
    """The signature of predictions: tensors by name. TensorFlow: tf.compat.v1.saved_model.predict_signature_def."""
    if not inputs:
        raise ValueError("Prediction `inputs` cannot be None or empty.")
    if not outputs:
        raise ValueError("Prediction `outputs` cannot be None or empty.")
    return build_signature_def(_infos(inputs), _infos(outputs), names.PREDICT_METHOD_NAME)


def regression_signature_def(examples: Any, predictions: Any) -> Any:
    """The signature of a regression. TensorFlow: tf.compat.v1.saved_model.regression_signature_def."""
    if examples is None:
        raise ValueError("Regression `examples` cannot be None.")
    if predictions is None:
        raise ValueError("Regression `predictions` cannot be None.")
    _require_string("Regression input", examples)
    if predictions.dtype is not dtypes.float32:
        raise ValueError(f"Regression output tensors must be of type float. Found {predictions.dtype.name}.")
    outputs = _infos({names.REGRESS_OUTPUTS: predictions})
    return build_signature_def(_infos({names.REGRESS_INPUTS: examples}), outputs, names.REGRESS_METHOD_NAME)


def classification_signature_def(examples: Any, classes: Any, scores: Any) -> Any:
    """The signature of a classification. TensorFlow: tf.compat.v1.saved_model.classification_signature_def."""
    if examples is None:
        raise ValueError("Classification `examples` cannot be None.")
    if classes is None and scores is None:
        raise ValueError("Classification `classes` and `scores` cannot both be None.")
    _require_string("Classification input", examples)
    outputs = {}
    if classes is not None:
        _require_string("Classification classes", classes)
        outputs[names.CLASSIFY_OUTPUT_CLASSES] = classes
    if scores is not None:
        if scores.dtype is not dtypes.float32:
            raise ValueError(f"Classification scores tensors must be of type float. Found {scores.dtype.name}.")
        outputs[names.CLASSIFY_OUTPUT_SCORES] = scores
    inputs = _infos({names.CLASSIFY_INPUTS: examples})
    return build_signature_def(inputs, _infos(outputs), names.CLASSIFY_METHOD_NAME)


#: By method, what a signature takes, and what it may give.
_VALID = {
    names.CLASSIFY_METHOD_NAME: (names.CLASSIFY_INPUTS, {names.CLASSIFY_OUTPUT_CLASSES, names.CLASSIFY_OUTPUT_SCORES}),
    names.REGRESS_METHOD_NAME: (names.REGRESS_INPUTS, {names.REGRESS_OUTPUTS}),
}


def is_valid_signature(signature_def: Any) -> bool:
    """Whether TensorFlow Serving can serve a signature. TensorFlow: tf.compat.v1.saved_model.is_valid_signature."""
    if signature_def is None:
        return False
    inputs, outputs = set(signature_def.inputs), set(signature_def.outputs)
    if signature_def.method_name == names.PREDICT_METHOD_NAME:
        return bool(inputs) and bool(outputs)
    if signature_def.method_name not in _VALID:
        return False
    taken, given = _VALID[signature_def.method_name]
    return inputs == {taken} and bool(outputs) and outputs <= given
