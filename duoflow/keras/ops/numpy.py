"""keras.ops.numpy: the functions of keras.ops that NumPy has too."""

from . import arrays, creation, elementwise, products, reductions
from .arrays import *  # noqa: F403
from .creation import *  # noqa: F403
from .elementwise import *  # noqa: F403
from .linalg import slogdet  # noqa: F401
from .products import *  # noqa: F403
from .reductions import *  # noqa: F403

_ELSEWHERE = {"cast", "erf", "erfc", "erfinv", "rsqrt", "saturate_cast", "unstack"}
_FAMILIES = (arrays, creation, elementwise, products, reductions)

__all__ = sorted({name for family in _FAMILIES for name in family.__all__} - _ELSEWHERE | {"slogdet"})
