"""What checks pass on."""

from duoflow.core.late import F
from tests.ops.harness import Case, real

CASES = [
    Case(F.check_numerics, real(3), "fine"),
    Case(F.is_non_decreasing, real(5), grad=()),
    Case(F.is_strictly_increasing, real(5), grad=()),
]
