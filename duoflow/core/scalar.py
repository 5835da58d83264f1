"""The vocabulary in which an elementwise op says what it does to one element.

A record's `body(b, *values, **attrs)` is written against a `ScalarBuilder` and runs unchanged on each of them: the one
here computes on NumPy arrays, the native engine's writes LLVM IR, XLA's builds HLO. Values support Python's arithmetic,
comparison, bitwise and shift operators among themselves and with Python numbers, which adapt to the value's type.
`b.require(condition, message)` says what must hold of the operands: where it does not, the call fails.
"""

from __future__ import annotations

from typing import Any, Protocol

import numpy as np

from . import dtypes, special
from .dtypes import DType
from .errors import InvalidArgumentError

__all__ = ["UNARY", "NumpyBuilder", "ScalarBuilder", "Unsupported"]


class Unsupported(Exception):
    """A builder has no lowering for this function or type; the engine runs the op another way."""


#: Functions of one floating-point value that every builder is asked for by name.
UNARY = (
    "neg abs sign floor ceil round trunc sqrt rsqrt cbrt exp expm1 exp2 log log1p log2 sin cos tan asin acos atan sinh "
    "cosh tanh asinh acosh atanh erf erfc lgamma digamma erfinv ndtri"
).split()


class ScalarBuilder(Protocol):
    """What a body may call, besides the operators of its values and the functions in `UNARY`."""

    def const(self, value: Any, dtype: DType) -> Any: ...
    def cast(self, x: Any, dtype: DType) -> Any: ...
    def bitcast(self, x: Any, dtype: DType) -> Any: ...
    def select(self, condition: Any, a: Any, b: Any) -> Any: ...
    def pow(self, x: Any, y: Any) -> Any: ...
    def atan2(self, y: Any, x: Any) -> Any: ...
    def fma(self, a: Any, b: Any, c: Any) -> Any: ...
    def minimum(self, a: Any, b: Any) -> Any: ...
    def maximum(self, a: Any, b: Any) -> Any: ...
    def fmod(self, x: Any, y: Any) -> Any: ...
    def floormod(self, x: Any, y: Any) -> Any: ...
    def floordiv(self, x: Any, y: Any) -> Any: ...
    def truncdiv(self, x: Any, y: Any) -> Any: ...
    def isnan(self, x: Any) -> Any: ...
    def isinf(self, x: Any) -> Any: ...
    def isfinite(self, x: Any) -> Any: ...
    def mulhi(self, a: Any, b: Any) -> Any: ...
    def popcount(self, x: Any) -> Any: ...
    def require(self, condition: Any, message: str) -> None: ...
    def complex(self, re: Any, im: Any) -> Any: ...
    def real(self, x: Any) -> Any: ...
    def imag(self, x: Any) -> Any: ...
    def conj(self, x: Any) -> Any: ...
    def __getattr__(self, name: str) -> Any: ...


def _trunc_div(x: Any, y: Any) -> Any:
    quotient = np.floor_divide(x, y)
    return quotient + ((np.remainder(x, y) != 0) & ((x < 0) != (y < 0))).astype(quotient.dtype)


class NumpyBuilder:
    """Runs a body on NumPy arrays: the meaning the other builders are compared with."""

    neg, abs, sign, floor, ceil = np.negative, np.abs, np.sign, np.floor, np.ceil
    round, trunc, sqrt, cbrt = np.rint, np.trunc, np.sqrt, np.cbrt
    exp, expm1, exp2, log, log1p, log2 = np.exp, np.expm1, np.exp2, np.log, np.log1p, np.log2
    sin, cos, tan, asin, acos, atan = np.sin, np.cos, np.tan, np.arcsin, np.arccos, np.arctan
    sinh, cosh, tanh, asinh, acosh, atanh = np.sinh, np.cosh, np.tanh, np.arcsinh, np.arccosh, np.arctanh
    pow, atan2, fmod, nextafter = np.power, np.arctan2, np.fmod, np.nextafter
    minimum, maximum, floormod, floordiv = np.minimum, np.maximum, np.mod, np.floor_divide
    isnan, isinf, isfinite, popcount = np.isnan, np.isinf, np.isfinite, np.bitwise_count
    truncdiv = staticmethod(_trunc_div)
    real, imag, conj = np.real, np.imag, np.conj

    @staticmethod
    def const(value: Any, dtype: DType) -> Any:
        return np.asarray(value, dtype.numpy)

    @staticmethod
    def cast(x: Any, dtype: DType) -> Any:
        return np.asarray(x).astype(dtype.numpy)

    @staticmethod
    def bitcast(x: Any, dtype: DType) -> Any:
        return np.asarray(x).view(dtype.numpy)

    @staticmethod
    def select(condition: Any, a: Any, b: Any) -> Any:
        return np.where(condition, a, b)

    @staticmethod
    def rsqrt(x: Any) -> Any:
        return (1 / np.sqrt(x)).astype(np.asarray(x).dtype)

    @staticmethod
    def complex(re: Any, im: Any) -> Any:
        out = np.empty(np.broadcast_shapes(re.shape, im.shape), np.result_type(re.dtype, np.complex64))
        out.real, out.imag = re, im
        return out

    @staticmethod
    def require(condition: Any, message: str) -> None:
        if not np.all(condition):
            raise InvalidArgumentError(None, None, message)

    @staticmethod
    def fma(a: Any, b: Any, c: Any) -> Any:
        return a * b + c

    @staticmethod
    def mulhi(a: Any, b: Any) -> Any:
        return ((np.asarray(a).astype(np.uint64) * np.asarray(b).astype(np.uint64)) >> np.uint64(32)).astype(np.uint32)


for _name in special.__all__:
    setattr(NumpyBuilder, _name, staticmethod(getattr(special, _name)))


def run_body(body: Any, *arrays: Any, **attrs: Any) -> Any:
    """Evaluate a body elementwise on NumPy arrays (`evaluate` of an op that gives no quicker one)."""
    with np.errstate(all="ignore"):
        return body(NumpyBuilder, *arrays, **attrs)


def value_dtype(x: Any) -> DType:
    """The dtype of a body's value, on any builder."""
    dtype = x.dtype
    return dtype if isinstance(dtype, DType) else dtypes.from_numpy(dtype)
