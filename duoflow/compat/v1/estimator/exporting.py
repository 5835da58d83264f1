"""Estimators as SavedModels: what they are served with, and the signatures that come of it."""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from duoflow.core import dtypes
from duoflow.core.late import F
from duoflow.core.tensor import Tensor
from duoflow.saved_model import constants as names
from duoflow.trace.session import Session

from ..modes import placeholder
from ..saved_model.builder import SavedModelBuilder
from ..saved_model.signature_def_utils import predict_signature_def

__all__ = [
    "ServingInputReceiver", "build_parsing_serving_input_receiver_fn", "build_raw_serving_input_receiver_fn",
    "export_session",
]  # fmt: skip


class ServingInputReceiver(NamedTuple):
    """What a served model is fed (`receiver_tensors`), and the features that come of it.

    TensorFlow: tf.estimator.export.ServingInputReceiver.
    """

    features: Any
    receiver_tensors: Any
    receiver_tensors_alternatives: Any = None


def build_raw_serving_input_receiver_fn(
    features: Mapping[str, Any], default_batch_size: int | None = None
) -> Callable[[], ServingInputReceiver]:
    """A function that makes a placeholder for each feature, like the given tensors but for the size of the batch.

    TensorFlow: tf.estimator.export.build_raw_serving_input_receiver_fn.
    """

    def serving_input_receiver_fn() -> ServingInputReceiver:
        fed = {
            name: placeholder(t.dtype, [default_batch_size, *t.shape.as_list()[1:]], name=name)
            for name, t in features.items()
        }
        return ServingInputReceiver(dict(fed), fed)

    return serving_input_receiver_fn


def build_parsing_serving_input_receiver_fn(
    feature_spec: Mapping[str, Any], default_batch_size: int | None = None
) -> Callable[[], ServingInputReceiver]:
    """A function that makes a placeholder of serialized `tf.train.Example`s, and parses them.

    TensorFlow: tf.estimator.export.build_parsing_serving_input_receiver_fn.
    """

    def serving_input_receiver_fn() -> ServingInputReceiver:
        serialized = placeholder(dtypes.string, [default_batch_size], name="input_example_tensor")
        return ServingInputReceiver(F.parse_example(serialized, feature_spec), {"examples": serialized})

    return serving_input_receiver_fn


def export_session(
    session: Session, base: Any, receiver: ServingInputReceiver, spec: Any, assets_extra: Mapping[str, str] | None,
    as_text: bool,
) -> bytes:  # fmt: skip
    """Write a session's graph into a new folder below `base`, named by the time; returns its path."""
    fed = receiver.receiver_tensors
    inputs = {"input": fed} if isinstance(fed, Tensor) else dict(fed)
    signatures = {key: predict_signature_def(inputs, outputs) for key, outputs in _outputs(spec).items()}
    folder = _timestamped(Path(os.fspath(base)))
    builder = SavedModelBuilder(folder)
    builder.add_meta_graph_and_variables(session, [names.SERVING], signatures)
    builder.save(as_text)
    for place, source in (assets_extra or {}).items():
        target = (folder / names.EXTRA_ASSETS_DIRECTORY / place).resolve()
        if not target.is_relative_to(folder.resolve()):
            raise ValueError(f"The place {place!r} of an extra asset leads out of the SavedModel's folder.")
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(source, target)
    return os.fspath(folder).encode()


def _outputs(spec: Any) -> dict[str, dict[str, Any]]:
    """The tensors of each signature by name; one of them is the default."""
    found = {key: getattr(out, "outputs", out) for key, out in (spec.export_outputs or {}).items()}
    found = found or {names.DEFAULT_SERVING_SIGNATURE_DEF_KEY: spec.predictions}
    if names.DEFAULT_SERVING_SIGNATURE_DEF_KEY not in found:
        if len(found) > 1:
            raise ValueError(
                "Multiple export_outputs were provided, but none of them is specified as the default. Do this by "
                "naming one of them with signature_constants.DEFAULT_SERVING_SIGNATURE_DEF_KEY. Received: "
                f"{list(found)}"
            )
        found[names.DEFAULT_SERVING_SIGNATURE_DEF_KEY] = next(iter(found.values()))
    return {key: dict(out) if isinstance(out, Mapping) else {"output": out} for key, out in found.items()}


def _timestamped(base: Path) -> Path:
    """A folder below `base` that does not exist yet."""
    stamp = int(time.time())
    while (base / str(stamp)).exists():
        stamp += 1
    return base / str(stamp)
