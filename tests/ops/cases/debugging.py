"""What checks pass on."""

import numpy as np

from duoflow.core.late import F
from tests.ops.harness import Case, ints, real

CASES = [
    Case(F.check_numerics, real(3), "fine"),
    Case(F.is_non_decreasing, real(5), grad=()),
    Case(F.is_strictly_increasing, real(5), grad=()),
    Case(F.required, real(3), np.array(True), "must hold"),
    Case(F.required, ints(), np.array(True), "must hold"),
]
