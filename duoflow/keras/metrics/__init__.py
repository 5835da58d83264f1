"""Metrics: keras.metrics."""

from __future__ import annotations

from typing import Any

from .. import losses as _losses
from ..lookup import Lookup
from ..losses import functions as _functions
from . import accuracy as _accuracy
from . import auc as _auc
from . import confusion as _confusion
from . import f_score as _f_score
from . import iou as _iou
from . import losses as _of_losses
from . import regression as _regression
from .accuracy import *
from .auc import *
from .confusion import *
from .f_score import *
from .iou import *
from .losses import *
from .metric import Metric
from .reductions import Mean, MeanMetricWrapper, Sum
from .regression import *

_FAMILIES = (_accuracy, _auc, _confusion, _f_score, _iou, _of_losses, _regression)
__all__ = [
    *[name for family in _FAMILIES for name in family.__all__],
    "Mean",
    "MeanMetricWrapper",
    "Metric",
    "Sum",
    "deserialize",
    "get",
    "serialize",
]

# The similarity as a loss is negative; as a metric it is the class that the name means.
_FUNCTIONS = {name: getattr(_functions, name) for name in _functions.__all__ if name != "cosine_similarity"}
_FUNCTIONS |= {
    name: globals()[name] for family in (_accuracy, _regression) for name in family.__all__ if name[0].islower()
}
# Losses without a metric of their own are functions here too: `keras.metrics.mean_squared_error`.
_NAMED_LOSSES = (
    "binary_crossentropy", "binary_focal_crossentropy", "categorical_crossentropy", "categorical_focal_crossentropy",
    "categorical_hinge", "hinge", "huber", "kl_divergence", "log_cosh", "mean_absolute_error",
    "mean_absolute_percentage_error", "mean_squared_error", "mean_squared_logarithmic_error", "poisson",
    "sparse_categorical_crossentropy", "squared_hinge",
)  # fmt: skip
globals().update({name: _FUNCTIONS[name] for name in _NAMED_LOSSES})
__all__ += _NAMED_LOSSES
_CLASSES = [globals()[name] for name in __all__ if name[0].isupper() and name not in ("Metric", "MeanMetricWrapper")]
_SHORT = dict(_losses._SHORT.items()) | {
    "bce": BinaryCrossentropy, "BCE": BinaryCrossentropy, "mae": MeanAbsoluteError, "MAE": MeanAbsoluteError,
    "mse": MeanSquaredError, "MSE": MeanSquaredError, "mape": MeanAbsolutePercentageError,
    "MAPE": MeanAbsolutePercentageError, "msle": MeanSquaredLogarithmicError, "MSLE": MeanSquaredLogarithmicError,
    "rmse": RootMeanSquaredError, "RMSE": RootMeanSquaredError,
}  # fmt: skip
_LOOKUP = Lookup("metric", _CLASSES, _SHORT)
# A snake-case name means the class where there is one, as in Keras.
_LOOKUP.objects = _FUNCTIONS | _LOOKUP.objects
# The names of Keras 2, which TensorFlow's `tf.keras.metrics` keeps; they are functions, whatever `get` makes of them.
globals().update({name: getattr(_losses, name) for name in _losses._OLD_FUNCTIONS})
__all__ += _losses._OLD_FUNCTIONS


def serialize(metric: Any) -> Any:
    """A metric as a JSON-serialisable value. Keras: keras.metrics.serialize."""
    return _LOOKUP.serialize(metric)


def deserialize(config: Any, custom_objects: Any = None) -> Any:
    """A metric from what `serialize` gave. Keras: keras.metrics.deserialize."""
    return _LOOKUP.deserialize(config, custom_objects)


def get(identifier: Any) -> Any:
    """A metric from a name, a config, a callable or None; `ValueError` for anything else. Keras: keras.metrics.get."""
    return _LOOKUP.get(identifier)


def __getattr__(name: str) -> Any:
    if name in _FUNCTIONS:
        return _FUNCTIONS[name]
    raise AttributeError(f"module 'keras.metrics' has no attribute {name!r}")
