"""The op families: one record per op beside its public function.

Everything a gradient rule or an expansion may call through `F` is a name of this package.
"""

from types import ModuleType as _Module

from duoflow.core.context import name_scope

from .families import binary_reversed
from .math import *
from .powers import *
from .clipping import *
from .complex_numbers import *
from .trigonometry import *
from .arranging import *
from .cast import *
from .constants import *
from .gather import *
from .joining import *
from .random import *
from .stateless_random import *
from .random_generator import *
from .scatter import *
from .shaping import *
from .slicing import *
from .padding import *
from .sorting import *
from .strings import *
from .comparison import *
from .reduction import *
from .linalg import *
from .special import *
from .bessel import *
from .bitwise import *
from .cumulative import *
from .segment import *
from .counting import *
from .einsum import *
from .diagonals import *
from .decompositions import *
from .solve import *
from .activations import *
from .convolution import *
from .embedding import *
from .normalization import *
from .pooling import *
from .softmax import *
from .tensor_list import *
from .tensor_array import *
from .conditional import *
from .loops import *
from .control_flow import *
from .logging import *
from .debugging import *
from .functional import *
from .script import *

__all__ = [name for name, value in list(globals().items()) if name[0] != "_" and not isinstance(value, _Module)]
