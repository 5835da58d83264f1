"""Python's operators on KerasTensors, as keras.ops functions."""

from __future__ import annotations

from typing import Any

from ..symbolic import OPERATORS, KerasTensor
from . import arrays, elementwise, products

_BINARY = {
    "add": elementwise.add, "sub": elementwise.subtract, "mul": elementwise.multiply, "truediv": elementwise.divide,
    "floordiv": elementwise.floor_divide, "mod": elementwise.mod, "pow": elementwise.power, "matmul": products.matmul,
    "and": elementwise.logical_and, "or": elementwise.logical_or, "xor": elementwise.logical_xor,
}  # fmt: skip
_COMPARISONS = {
    "lt": elementwise.less, "le": elementwise.less_equal, "gt": elementwise.greater, "ge": elementwise.greater_equal,
    "ne": elementwise.not_equal,
}  # fmt: skip
_UNARY = {
    "neg": elementwise.negative, "abs": elementwise.absolute, "invert": elementwise.logical_not,
    "getitem": arrays.get_item, "round": elementwise.round,
}  # fmt: skip


def _install() -> None:
    for name, function in (_BINARY | _COMPARISONS | _UNARY).items():
        setattr(KerasTensor, f"__{name}__", _method(function))
    for name, function in _BINARY.items():
        setattr(KerasTensor, f"__r{name}__", _reversed(function))
    for function in (arrays.reshape, arrays.squeeze, arrays.transpose):
        OPERATORS[function.__name__] = function


def _method(function: Any) -> Any:
    return lambda self, *args: function(self, *args)


def _reversed(function: Any) -> Any:
    return lambda self, other: function(other, self)


_install()
