"""keras.layers."""

from .dense import *
from .input_layer import *
from .input_spec import InputSpec
from .layer import Layer
