"""Python functions in graphs."""

import numpy as np

from duoflow.core.late import F
from tests.ops.harness import Case, real

CASES = [
    Case(lambda x: F.numpy_function(np.sinh, [x], "float32"), real(3), grad=(), id="numpy_function"),
    Case(lambda x: F.py_function(lambda v: v * v, [x], x.dtype), real(3), id="py_function"),
]
