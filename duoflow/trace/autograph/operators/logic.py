"""and, or, not, chained comparisons and assert: by Python's truth values, or as ops."""

import operator
from collections.abc import Callable
from typing import Any

from ....core.late import F
from ....core.tensor import convert
from .symbolic import is_symbolic

_COMPARISONS: dict[str, Callable[[Any, Any], Any]] = {
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
    "==": operator.eq,
    "!=": operator.ne,
    "is": operator.is_,
    "is not": operator.is_not,
    "in": lambda a, b: a in b,
    "not in": lambda a, b: a not in b,
}


def and_(value: Any, *others: Callable[[], Any]) -> Any:
    """`a and b and ...`: later operands are evaluated, or run in the graph, only if those before hold."""
    if not others:
        return value
    if not is_symbolic(value):
        return value and and_(others[0](), *others[1:])
    return F.cond(value, lambda: _like(and_(others[0](), *others[1:]), value), lambda: convert(value))


def or_(value: Any, *others: Callable[[], Any]) -> Any:
    """`a or b or ...`."""
    if not others:
        return value
    if not is_symbolic(value):
        return value or or_(others[0](), *others[1:])
    return F.cond(value, lambda: convert(value), lambda: _like(or_(others[0](), *others[1:]), value))


def not_(value: Any) -> Any:
    """`not a`."""
    return F.logical_not(_truth(value)) if is_symbolic(value) else not value


def _like(value: Any, first: Any) -> Any:
    """A later operand as a tensor: its truth beside a condition; `cond` checks that other dtypes are the same."""
    return _truth(value) if first.dtype.is_bool else convert(value, dtype_hint=first.dtype)


def _truth(value: Any) -> Any:
    """A value as a boolean tensor: numbers by being other than zero."""
    tensor = convert(value)
    return tensor if tensor.dtype.is_bool else F.cast(tensor, "bool")


def compare(left: Any, *rest: Any) -> Any:
    """`a < b < c` from `a, '<', lambda: b, '<', lambda: c`: each operand is evaluated once, and only if needed."""
    symbol, thunk, *later = rest
    right = thunk()
    held = _COMPARISONS[symbol](left, right)
    return and_(held, lambda: compare(right, *later)) if later else held


def assert_stmt(test: Any, message: Callable[[], Any]) -> Any:
    """What `assert` checks: the test, or True after adding an Assert op for a symbolic one."""
    if not is_symbolic(test):
        return test
    shown = message()
    F.Assert(test, [f"Assertion failed{'' if shown is None else f': {shown}'}"] if not is_symbolic(shown) else [shown])
    return True
