"""keras.ops: NumPy's functions and those of neural networks, on tensors and on KerasTensors alike."""

from . import core, elementwise, nn, numpy, operators
from .core import *
from .elementwise import *
from .nn import *
from .numpy import *

__all__ = [*core.__all__, *elementwise.__all__, *nn.__all__, *numpy.__all__]
