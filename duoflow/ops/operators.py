"""Python's operators on eager tensors, by the short way of `core.quick` for those that are one NumPy function.

Everything a short way does not take (graphs, variables, other dtypes, errors) goes to the operator of every tensor.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from duoflow.core.quick import quick_binary, quick_unary
from duoflow.core.record import Op
from duoflow.core.tensor import EagerTensor, Operators

from . import comparison, math
from .families import FLOATING, NUMERIC, REAL, plain_types_of

__all__: list[str] = []


def _record(function: Any) -> Op:
    return function.op  # type: ignore[no-any-return]


_OPERATORS = {
    "add": (math.ADD, np.add, NUMERIC),
    "sub": (_record(math.subtract), np.subtract, NUMERIC),
    "mul": (_record(math.multiply), np.multiply, NUMERIC),
    "truediv": (_record(math.realdiv), np.divide, FLOATING),
    "lt": (_record(comparison.less), np.less, REAL),
    "le": (_record(comparison.less_equal), np.less_equal, REAL),
    "gt": (_record(comparison.greater), np.greater, REAL),
    "ge": (_record(comparison.greater_equal), np.greater_equal, REAL),
}


def _install(method: str, short: Any) -> None:
    short.__name__, short.__qualname__ = method, f"EagerTensor.{method}"
    setattr(EagerTensor, method, short)


for _name, (_op, _ufunc, _allowed) in _OPERATORS.items():
    _plain = plain_types_of(_allowed)
    _long = getattr(Operators, f"__{_name}__")
    _install(f"__{_name}__", quick_binary(_op, _ufunc, _plain, lambda x, y, name, long=_long: long(x, y)))
    if _op.differentiable:  # arithmetic; Python mirrors comparisons by itself
        _long = getattr(Operators, f"__r{_name}__")
        _short = quick_binary(_op, _ufunc, _plain, lambda x, y, name, long=_long: long(x, y), reflected=True)
        _install(f"__r{_name}__", _short)

_install(
    "__neg__",
    quick_unary(_record(math.negative), np.negative, plain_types_of(FLOATING), lambda x, name: Operators.__neg__(x)),
)
