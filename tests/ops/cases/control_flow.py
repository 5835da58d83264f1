"""Branches and loops as single calls; tests/ops/test_control_flow.py has programs of them."""

from duoflow.core.late import F
from duoflow.trace.function import function
from tests.ops.harness import Case, ints, positive, real

CASES = [
    Case(lambda p, x: F.cond(p > 0, lambda: x * x, lambda: -x), ints(high=9) + 1, real(3), id="cond"),
    Case(lambda p, x: F.cond(p > 0, lambda: x * x, lambda: -x), ints(high=1), real(3), id="cond_else"),
    Case(
        lambda i, x: F.switch_case(i, [lambda: x, lambda: F.exp(x), lambda: -x]), ints(high=1) + 1, real(3), id="case"
    ),
    Case(
        lambda n, x: F.while_loop(lambda i, y: i < n, lambda i, y: (i + 1, y * x), [F.constant(0), x])[1],
        ints(high=1) + 3, positive(2, 2), id="while_loop",
    ),
    Case(function(lambda x: F.exp(x) * x), real(2, 3), id="call"),
]  # fmt: skip
