"""Losses: keras.losses."""

from __future__ import annotations

from typing import Any

from ..lookup import Lookup
from . import classes, functions
from .classes import *
from .ctc import ctc
from .functions import *
from .loss import Loss, Reduction

_FUNCTIONS = [*functions.__all__, "ctc"]
__all__ = [*classes.__all__, *_FUNCTIONS, "Loss", "deserialize", "get", "serialize"]

# The names of Keras 2, which TensorFlow's `tf.keras.losses` keeps.
KLD = kld = kullback_leibler_divergence = kl_divergence
MAE = mae = mean_absolute_error
MAPE = mape = mean_absolute_percentage_error
MSE = mse = mean_squared_error
MSLE = msle = mean_squared_logarithmic_error
logcosh = log_cosh
_OLD_FUNCTIONS = (
    "KLD", "MAE", "MAPE", "MSE", "MSLE", "kld", "kullback_leibler_divergence", "logcosh", "mae", "mape", "mse", "msle",
)  # fmt: skip
__all__ += [*_OLD_FUNCTIONS, "Reduction"]

_SHORT = {
    "bce": binary_crossentropy, "BCE": binary_crossentropy, "kld": kl_divergence, "KLD": kl_divergence,
    "mae": mean_absolute_error, "MAE": mean_absolute_error, "mse": mean_squared_error, "MSE": mean_squared_error,
    "mape": mean_absolute_percentage_error, "MAPE": mean_absolute_percentage_error,
    "msle": mean_squared_logarithmic_error, "MSLE": mean_squared_logarithmic_error,
    "cosine": cosine_similarity, "logcosh": log_cosh,
}  # fmt: skip
_OBJECTS = [globals()[name] for name in (*classes.__all__, *_FUNCTIONS)]
_LOOKUP = Lookup("loss", _OBJECTS, _SHORT)
# A snake-case name means the function, as in Keras.
_LOOKUP.objects.update({name: globals()[name] for name in _FUNCTIONS})


def serialize(loss: Any) -> Any:
    """A loss as a JSON-serialisable value. Keras: keras.losses.serialize."""
    return _LOOKUP.serialize(loss)


def deserialize(name: Any, custom_objects: Any = None) -> Any:
    """A loss from what `serialize` gave. Keras: keras.losses.deserialize."""
    return _LOOKUP.deserialize(name, custom_objects)


def get(identifier: Any) -> Any:
    """A loss from a name, a config, a callable or None; `ValueError` for anything else. Keras: keras.losses.get.

    >>> tf.keras.losses.get("mse").__name__
    'mean_squared_error'
    """
    return _LOOKUP.get(identifier)
