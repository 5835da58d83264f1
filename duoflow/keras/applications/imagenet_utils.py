"""Images as the applications want them, and the names of ImageNet's classes."""

from __future__ import annotations

import functools
import json
from collections.abc import Callable
from typing import Any

import numpy as np

from .. import ops
from ..preferences import floatx, image_data_format
from ..utils.files import get_file

__all__ = ["decode_predictions", "preprocess_input"]

_CLASSES = "https://storage.googleapis.com/download.tensorflow.org/data/imagenet_class_index.json"
_CLASSES_HASH = "c2c37ea517e94d9795004a39431a14cb"

#: Mode -> (divisor, mean per channel, deviation per channel, whether channels are turned around to BGR).
_MODES: dict[str, tuple[float, tuple[float, ...], tuple[float, ...] | None, bool]] = {
    "caffe": (1.0, (103.939, 116.779, 123.68), None, True),
    "tf": (127.5, (1.0, 1.0, 1.0), None, False),
    "torch": (255.0, (0.485, 0.456, 0.406), (0.229, 0.224, 0.225), False),
}


def preprocess_input(x: Any, data_format: str | None = None, mode: str = "caffe") -> Any:
    """Images with values in [0, 255] as a network was trained on them.

    Args:
      x: an array or tensor of one image or a batch; floating arrays are changed in place, as in Keras.
      mode: "caffe" (BGR, without the mean), "tf" (from -1 to 1) or "torch" (normalised per channel).

    Raises `ValueError` for another mode or data format.

    >>> tf.keras.applications.imagenet_utils.preprocess_input(np.full([1, 1, 3], 255.0), mode="tf").tolist()
    [[[1.0, 1.0, 1.0]]]

    Keras: keras.applications.imagenet_utils.preprocess_input.
    """
    if mode not in _MODES:
        raise ValueError(f"Expected mode to be one of `caffe`, `tf` or `torch`. Received: mode={mode}")
    data_format = image_data_format() if data_format is None else data_format
    if data_format not in ("channels_first", "channels_last"):
        raise ValueError(
            "Expected data_format to be one of `channels_first` or `channels_last`. "
            f"Received: data_format={data_format}"
        )
    axis = -1 if data_format == "channels_last" else -3
    return (_array if isinstance(x, np.ndarray) else _tensor)(x, axis, mode)


def _array(x: Any, axis: int, mode: str) -> Any:
    divisor, mean, deviation, flip = _MODES[mode]
    if not np.issubdtype(x.dtype, np.floating):
        x = x.astype(floatx())
    if flip:
        x = np.flip(x, axis)
    else:
        x /= divisor
    x -= _per_channel(mean, axis, x.dtype)
    if deviation is not None:
        x /= _per_channel(deviation, axis, x.dtype)
    return x


def _per_channel(values: tuple[float, ...], axis: int, dtype: Any) -> Any:
    return np.asarray(values, dtype).reshape((3, 1, 1) if axis == -3 else (3,))


def _tensor(x: Any, axis: int, mode: str) -> Any:
    divisor, mean, deviation, flip = _MODES[mode]
    if mode == "tf":
        return x / divisor - 1.0
    if flip:
        x = ops.flip(x, axis=axis)
    else:
        x = x / divisor
    x = x - _per_channel(mean, axis, x.dtype if isinstance(x.dtype, str) else x.dtype.as_numpy_dtype)
    return x if deviation is None else x / _per_channel(deviation, axis, np.float32)


def preprocessing(mode: str | None) -> Callable[..., Any]:
    """The `preprocess_input` of an architecture: of a mode, or (None) nothing, for models that do it themselves."""

    def preprocess_input(x: Any, data_format: str | None = None) -> Any:
        return x if mode is None else _preprocess(x, data_format, mode)

    what = f"Mode {mode!r} of `imagenet_utils`." if mode else "The model does it itself: nothing is done here."
    preprocess_input.__doc__ = f"Images with values in [0, 255] as this architecture expects them. {what}"
    return preprocess_input


_preprocess = preprocess_input


@functools.cache
def _class_index() -> dict[str, list[str]]:
    path = get_file("imagenet_class_index.json", _CLASSES, cache_subdir="models", file_hash=_CLASSES_HASH)
    with open(path, encoding="utf-8") as file:
        return json.load(file)  # type: ignore[no-any-return]


def decode_predictions(preds: Any, top: int = 5) -> list[list[tuple[str, str, float]]]:
    """The `top` classes of each prediction, best first: (WordNet id, name, score).

    Args:
      preds: [images, 1000]. Raises `ValueError` for another shape. The names are downloaded once.

    Keras: keras.applications.imagenet_utils.decode_predictions.
    """
    if len(preds.shape) != 2 or preds.shape[1] != 1000:
        raise ValueError(
            "`decode_predictions` expects a batch of predictions (i.e. a 2D array of shape (samples, 1000)). Received "
            f"array with shape: {preds.shape}"
        )
    index = _class_index()
    found = []
    for row in np.asarray(preds):
        best = [(*index[str(i)], row[i]) for i in row.argsort()[-top:][::-1]]
        found.append(sorted(best, key=lambda one: one[2], reverse=True))
    return found
