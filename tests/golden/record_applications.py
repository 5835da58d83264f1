"""Record what Keras' applications are and compute, for tests/keras/test_applications.py.

    <python with keras> -m tests.golden.record_applications [architecture ...]    writes tests/golden/applications.json

For each architecture with and without classifier: how many parameters it has, a digest of its layers (names, classes,
shapes of weights, in order), and what it makes of one image with weights that follow from `weights`. Given names, only
these are recorded anew.
"""

from __future__ import annotations

import hashlib
import json
import sys
from pathlib import Path
from typing import Any

import numpy as np

#: Architecture -> the size of the image it is tried with, where not 32.
ARCHITECTURES: dict[str, int] = dict.fromkeys(
    "VGG16 VGG19 ResNet50 ResNet101 ResNet152 ResNet50V2 ResNet101V2 ResNet152V2 DenseNet121 DenseNet169 DenseNet201 "
    "MobileNet MobileNetV2 MobileNetV3Small MobileNetV3Large NASNetMobile EfficientNetB0 EfficientNetB1 EfficientNetB2 "
    "EfficientNetB3 EfficientNetB4 EfficientNetB5 EfficientNetB6 EfficientNetB7 EfficientNetV2B0 EfficientNetV2B1 "
    "EfficientNetV2B2 EfficientNetV2B3 EfficientNetV2S EfficientNetV2M EfficientNetV2L ConvNeXtTiny ConvNeXtSmall "
    "ConvNeXtBase ConvNeXtLarge ConvNeXtXLarge NASNetLarge".split(),
    32,
) | {"Xception": 71, "InceptionV3": 75, "InceptionResNetV2": 75}

#: The same, with arguments of their own.
VARIANTS: dict[str, dict[str, Any]] = {
    "MobileNet": {"alpha": 0.5, "depth_multiplier": 2},
    "MobileNetV2": {"alpha": 1.4},
    "MobileNetV3Small": {"alpha": 1.5, "include_preprocessing": False},
    "MobileNetV3Large": {"minimalistic": True},
    "EfficientNetV2B1": {"include_preprocessing": False},
    "ConvNeXtTiny": {"include_preprocessing": False},
}

MODES = ("caffe", "tf", "torch")


def calls(name: str) -> list[dict[str, Any]]:
    """The arguments an architecture is tried with."""
    size = ARCHITECTURES[name]
    shape = {"weights": None, "input_shape": (size, size, 3)}
    top = {**shape, "classes": 10, "classifier_activation": None}
    found = [top, {**shape, "include_top": False, "pooling": "max"}]
    return [*found, {**top, **VARIANTS[name]}] if name in VARIANTS else found


def weights(model: Any) -> list[np.ndarray[Any, Any]]:
    """Weights that follow from their place in the list, their shape and what they are for; activations stay tame."""
    found = []
    for place, weight in enumerate(model.weights):
        kind, shape = weight.path.rpartition("/")[2], tuple(weight.shape)
        random = np.random.default_rng([place, *shape])
        if "kernel" in kind:
            fan_in = np.prod(shape[:2]) if "depthwise" in kind else np.prod(shape[:-1])
            value = random.standard_normal(shape, np.float32) * np.sqrt(1 / fan_in)
        elif "variance" in kind or kind in ("gamma", "count"):
            value = np.ones(shape)
        else:
            value = random.standard_normal(shape, np.float32) * 0.1
        found.append(np.asarray(value, np.float32))
    return found


def image(size: int) -> np.ndarray[Any, Any]:
    """One image with values in [0, 1)."""
    return np.random.default_rng(size).uniform(0, 1, (1, size, size, 3)).astype(np.float32)


def digest(model: Any) -> str:
    """What must be the same for weights files to fit: layers and their weights, in order."""
    lines = [f"{layer.name} {type(layer).__name__} {[tuple(w.shape) for w in layer.weights]}" for layer in model.layers]
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()[:16]


def facts(keras: Any, name: str, arguments: dict[str, Any]) -> dict[str, Any]:
    """What is recorded of one architecture, by Keras or by what follows it."""
    keras.utils.clear_session()
    model = getattr(keras.applications, name)(**arguments)
    found = {
        "name": model.name,
        "parameters": int(model.count_params()),
        "layers": len(model.layers),
        "digest": digest(model),
    }
    if arguments.get("include_top", True):
        model.set_weights(weights(model))
        found["output"] = [float(f"{v:.7g}") for v in np.asarray(model(image(ARCHITECTURES[name])))[0]]
    return found


def preprocessed(keras: Any, mode: str, data_format: str) -> Any:
    """Two small images as a mode changes them."""
    x = (np.arange(2 * 3 * 3 * 3).reshape(2, 3, 3, 3) * 4.5).astype(np.float32)
    return keras.applications.imagenet_utils.preprocess_input(x, data_format=data_format, mode=mode)


def main() -> None:
    import keras

    path = Path(__file__).with_name("applications.json")
    found: dict[str, Any] = json.loads(path.read_text()) if path.exists() else {}
    found["preprocess_input"] = {
        f"{mode} {form}": np.asarray(preprocessed(keras, mode, form)).reshape(-1)[::5].tolist()
        for mode in MODES
        for form in ("channels_first", "channels_last")
    }
    for name in sys.argv[1:] or ARCHITECTURES:
        found[name] = [facts(keras, name, arguments) for arguments in calls(name)]
        text = ",\n".join(f"{json.dumps(k)}: {json.dumps(v)}" for k, v in found.items())
        path.write_text(f"{{\n{text}\n}}\n")


if __name__ == "__main__":
    main()
