"""keras.ops.nn: the functions of neural networks."""

from . import activation, alignment, networks, windows
from .activation import *  # noqa: F403
from .alignment import *  # noqa: F403
from .networks import *  # noqa: F403
from .windows import *  # noqa: F403

__all__ = sorted([*activation.__all__, *alignment.__all__, *networks.__all__, *windows.__all__])
