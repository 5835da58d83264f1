"""Decorators that make an ordinary elementwise op three lines: a record beside its public function.

    @unary("Exp", np.exp, body=lambda b, x: b.exp(x), gradient=lambda n, g: g * F.conj(n.outputs[0]))
    def exp(x, name=None):
        '''docstring'''

The decorated function gives the name, the signature and the documentation; calling it converts the arguments and goes
through `emit`.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any, TypeVar


from duoflow.core import dtypes, shapes
from duoflow.core.dtypes import DType
from duoflow.core.emit import NO_ATTRS, emit_one
from duoflow.core.record import Kind, Op, register
from duoflow.core.scalar import run_body
from duoflow.core.spec import Spec
from duoflow.core.tensor import EagerTensor, Operators, Tensor, convert

__all__ = ["ANY", "COMPLEX", "FLOATING", "INEXACT", "INTEGERS", "NUMERIC", "REAL", "binary", "convert_pair", "unary"]

FLOATING = (dtypes.bfloat16, dtypes.float16, dtypes.float32, dtypes.float64)
COMPLEX = (dtypes.complex64, dtypes.complex128)
INTEGERS = (
    dtypes.int8, dtypes.int16, dtypes.int32, dtypes.int64, dtypes.uint8, dtypes.uint16, dtypes.uint32, dtypes.uint64,
)  # fmt: skip
INEXACT = FLOATING + COMPLEX
REAL = FLOATING + INTEGERS
NUMERIC = REAL + COMPLEX
BOOL = (dtypes.bool_,)
ANY = (*NUMERIC, dtypes.bool_, dtypes.string)

Function = TypeVar("Function", bound=Callable[..., Any])


def _check(name: str, argument: str, dtype: DType, allowed: tuple[DType, ...]) -> None:
    if dtype not in allowed:
        names = ", ".join(d.name for d in allowed)
        raise TypeError(
            f"Value passed to parameter '{argument}' has DataType {dtype.name} not in list of allowed values of "
            f"{name}: {names}. Use tf.cast to convert it."
        )


def _out_dtype(dtype: DType, out: DType | Callable[[DType], DType] | None) -> DType:
    if out is None:
        return dtype
    return out if isinstance(out, DType) else out(dtype)


def unary(
    op_name: str,
    evaluate: Callable[..., Any] | None = None,
    *,
    body: Callable[..., Any],
    gradient: Callable[..., Any] | None = None,
    allowed: tuple[DType, ...] = INEXACT,
    out: DType | Callable[[DType], DType] | None = None,
) -> Callable[[Function], Function]:
    """Record an elementwise op of one operand. `out` is the output's dtype if it is not the operand's."""
    accepted = frozenset(d.numpy for d in allowed)
    meaning = evaluate or functools.partial(run_body, body)

    def infer(x: Spec) -> Spec:
        _check(op_name, "x", x.dtype, allowed)
        return Spec(x.shape, _out_dtype(x.dtype, out))

    def run(x: Any) -> Any:
        if x.dtype not in accepted:
            infer(Spec(x.shape, dtypes.from_numpy(x.dtype)))
        return meaning(x)

    op = register(
        Op(op_name, Kind.ELEMENTWISE, infer, run, gradient, body=body, checked=False, differentiable=gradient is not None)
    )

    def decorate(function: Function) -> Function:
        @functools.wraps(function)
        def call(x: Any, name: str | None = None) -> Any:
            return emit_one(op, (x if type(x) is EagerTensor else convert(x),), NO_ATTRS, name)

        call.op = op  # type: ignore[attr-defined]
        return call  # type: ignore[return-value]

    return decorate


def convert_pair(x: Any, y: Any) -> tuple[Tensor, Tensor]:
    """Two operands as tensors of one dtype: the one that is a tensor decides, Python numbers and arrays adapt."""
    if isinstance(x, Operators):
        x = convert(x)
        return x, y if isinstance(y, Tensor) else convert(y, dtype=None if isinstance(y, Operators) else x.dtype)
    if isinstance(y, Operators):
        y = convert(y)
        return convert(x, dtype=y.dtype), y
    x = convert(x)
    try:
        return x, convert(y, dtype=x.dtype)
    except TypeError:
        y = convert(y)
        return convert(x.numpy() if isinstance(x, EagerTensor) else x, dtype_hint=y.dtype), y


def binary(
    op_name: str,
    evaluate: Callable[..., Any] | None = None,
    *,
    body: Callable[..., Any],
    gradient: Callable[..., Any] | None = None,
    allowed: tuple[DType, ...] = NUMERIC,
    out: DType | None = None,
) -> Callable[[Function], Function]:
    """Record an elementwise op of two operands that broadcast and share a dtype."""
    accepted = frozenset(d.numpy for d in allowed)
    meaning = evaluate or functools.partial(run_body, body)

    def infer(x: Spec, y: Spec) -> Spec:
        if x.dtype is not y.dtype:
            raise TypeError(
                f"cannot compute {op_name} as input #1(zero-based) was expected to be a {x.dtype.name} tensor but is "
                f"a {y.dtype.name} tensor: Input 'y' of '{op_name}' Op has type {y.dtype.name} that does not match "
                f"type {x.dtype.name} of argument 'x'. TensorFlow does not convert tensors silently: use tf.cast."
            )
        _check(op_name, "x", x.dtype, allowed)
        return Spec(shapes.broadcast(x.shape, y.shape), out or x.dtype)

    def run(x: Any, y: Any) -> Any:
        if x.dtype is not y.dtype and x.dtype != y.dtype or x.dtype not in accepted:
            infer(Spec(x.shape, dtypes.from_numpy(x.dtype)), Spec(y.shape, dtypes.from_numpy(y.dtype)))
        return meaning(x, y)

    op = register(
        Op(op_name, Kind.ELEMENTWISE, infer, run, gradient, body=body, checked=False, differentiable=gradient is not None)
    )

    def decorate(function: Function) -> Function:
        @functools.wraps(function)
        def call(x: Any, y: Any, name: str | None = None) -> Any:
            if type(x) is not EagerTensor or type(y) is not EagerTensor:
                x, y = convert_pair(x, y)
            return emit_one(op, (x, y), NO_ATTRS, name)

        call.op = op  # type: ignore[attr-defined]
        return call  # type: ignore[return-value]

    return decorate


def binary_reversed(function: Callable[..., Any], left: Any, right: Any) -> Any:
    """An operator whose left operand is not a tensor: it adapts to the right one."""
    return function(convert(left, dtype=right.dtype) if not isinstance(left, Operators) else left, right)


