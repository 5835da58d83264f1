"""keras.backend: settings and helpers under the name that older programs know."""

from . import legacy_backend
from .dtypes import result_type
from .legacy_backend import *  # noqa: F403
from .naming import name_scope
from .naming import uniquify as get_uid
from .preferences import (
    backend,
    epsilon,
    floatx,
    image_data_format,
    set_epsilon,
    set_floatx,
    set_image_data_format,
    standardize_data_format,
)
from .random import SeedGenerator
from .state import clear_session
from .symbolic import is_keras_tensor
from .variables import Variable, is_float_dtype, is_int_dtype, standardize_dtype

__all__ = [
    *legacy_backend.__all__,
    "SeedGenerator",
    "Variable",
    "backend",
    "clear_session",
    "epsilon",
    "floatx",
    "get_uid",
    "image_data_format",
    "is_float_dtype",
    "is_int_dtype",
    "is_keras_tensor",
    "name_scope",
    "result_type",
    "set_epsilon",
    "set_floatx",
    "set_image_data_format",
    "standardize_data_format",
    "standardize_dtype",
]
