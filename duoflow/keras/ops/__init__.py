"""keras.ops: NumPy's functions and those of neural networks, on tensors and on KerasTensors alike."""

from . import control, core, elementwise, image, linalg, nn, numpy, operators, signal
from .arrays import unstack
from .control import *
from .core import *
from .elementwise import *
from .linalg import *
from .nn import *
from .numpy import *
from .signal import *

__all__ = sorted(
    {name for part in (control, core, elementwise, linalg, nn, numpy, signal) for name in part.__all__}
    | {"unstack"}
)
