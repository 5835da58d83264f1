"""`Asset`: a file that goes with a SavedModel."""

from __future__ import annotations

import os
from typing import Any

import numpy as np

from duoflow.core.tensor import EagerTensor
from duoflow.core.trackable import Trackable

__all__ = ["Asset"]


class Asset(Trackable):
    """A file that is copied into the SavedModel, and whose path functions take as a tensor.

    Raises `ValueError` if there is no such file when the model is saved.

    TensorFlow: tf.saved_model.Asset.
    """

    def __init__(self, path: Any) -> None:
        self._path = EagerTensor(np.array(os.fspath(path).encode(), object))

    @property
    def asset_path(self) -> Any:
        """The path, as a scalar string tensor."""
        return self._path

    def __tf_tensor__(self, dtype: Any = None, name: str | None = None) -> Any:
        return self._path
