"""The op families: one record per op beside its public function.

Everything a gradient rule or an expansion may call through `F` is a name of this package.
"""

from types import ModuleType as _Module

from duoflow.core.context import name_scope

from .activations import *
from .arranging import *
from .audio import *
from .bessel import *
from .bitwise import *
from .cast import *
from .clipping import *
from .comparison import *
from .complex_numbers import *
from .conditional import *
from .constants import *
from .control_flow import *
from .convolution import *
from .counting import *
from .crossing import *
from .csv import *
from .cumulative import *
from .debugging import *
from .decompositions import *
from .diagonals import *
from .einsum import *
from .embedding import *
from .families import binary_reversed
from .files import *
from .fourier import *
from .functional import *
from .gather import *
from .image_boxes import *
from .image_color import *
from .image_files import *
from .image_geometry import *
from .image_quality import *
from .image_random import *
from .image_resize import *
from .image_sampling import *
from .joining import *
from .linalg import *
from .logging import *
from .loops import *
from .loss_scaling import *
from .math import *
from .normalization import *
from .operators import *
from .padding import *
from .parsing import *
from .pooling import *
from .powers import *
from .random import *
from .random_generator import *
from .reduction import *
from .rows import *
from .scatter import *
from .script import *
from .segment import *
from .shaping import *
from .slicing import *
from .softmax import *
from .solve import *
from .sorting import *
from .special import *
from .stateless_random import *
from .strings import *
from .tables import *
from .tensor_array import *
from .tensor_list import *
from .trigonometry import *

__all__ = [name for name, value in list(globals().items()) if name[0] != "_" and not isinstance(value, _Module)]
