"""and, or, not, in, chained comparisons and assert: by Python's truth values, or as ops."""

import functools
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
    "in": lambda a, b: in_(a, b),
    "not in": lambda a, b: not_in_(a, b),
}

#: Containers whose items are compared one by one when a tensor is looked for.
_CONTAINERS = (list, tuple, set, frozenset, dict, range, type({}.keys()), type({}.values()))


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


def in_(value: Any, container: Any) -> Any:
    """`value in container`: whether an element of a tensor, or an item of a Python container, is equal."""
    if is_symbolic(container):
        return F.reduce_any(F.equal(container, value))
    if isinstance(container, _CONTAINERS) and (is_symbolic(value) or any(map(is_symbolic, container))):
        return functools.reduce(F.logical_or, [_truth(value == item) for item in container], convert(False))
    return value in container


def not_in_(value: Any, container: Any) -> Any:
    """`value not in container`."""
    return not_(in_(value, container))


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
