"""keras.preprocessing: sequences and windows under the names that older programs know."""

from ..utils.sequences import timeseries_dataset_from_array
from . import sequence

__all__ = ["sequence", "timeseries_dataset_from_array"]
