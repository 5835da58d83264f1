"""Decorators that make an ordinary elementwise op three lines: a record beside its public function.

    @unary("Exp", np.exp, body=lambda b, x: b.exp(x), gradient=lambda n, g: g * F.conj(n.outputs[0]))
    def exp(x, name=None):
        '''docstring'''

The decorated function gives the name, the signature and the documentation; calling it converts the arguments and goes
through `emit`. An op whose operands or result need more care than that calls `elementwise` for the record alone.
"""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable
from typing import Any, TypeVar

import numpy as np

from duoflow.core import dtypes, shapes
from duoflow.core.dtypes import DType
from duoflow.core.emit import NO_ATTRS, emit_one
from duoflow.core.quick import plain_types, quick_binary, quick_unary
from duoflow.core.record import Kind, Op, register
from duoflow.core.scalar import run_body, value_dtype
from duoflow.core.spec import Spec
from duoflow.core.tensor import EagerTensor, Operators, Tensor, convert

__all__ = [
    "ANY", "BOOL", "COMPLEX", "FLOATING", "INEXACT", "INTEGERS", "NUMERIC", "REAL", "SIGNED", "SIGNED_NUMBERS",
    "binary", "check_dtype", "convert_pair", "elementwise", "in_float32", "is_int", "or_zero", "plain_types_of",
    "unary",
]  # fmt: skip

FLOATING = (dtypes.bfloat16, dtypes.float16, dtypes.float32, dtypes.float64)
COMPLEX = (dtypes.complex64, dtypes.complex128)
INTEGERS = (
    dtypes.int8,
    dtypes.int16,
    dtypes.int32,
    dtypes.int64,
    dtypes.uint8,
    dtypes.uint16,
    dtypes.uint32,
    dtypes.uint64,
)
SIGNED = (dtypes.int8, dtypes.int16, dtypes.int32, dtypes.int64)
INEXACT = FLOATING + COMPLEX
REAL = FLOATING + INTEGERS
NUMERIC = REAL + COMPLEX
BOOL = (dtypes.bool_,)
SIGNED_NUMBERS = (*FLOATING, *SIGNED, *COMPLEX)
ANY = (*NUMERIC, dtypes.bool_, dtypes.string)

Function = TypeVar("Function", bound=Callable[..., Any])


def check_dtype(op_name: str, argument: str, dtype: DType, allowed: tuple[DType, ...]) -> None:
    """Raise TensorFlow's `TypeError` unless an op takes the dtype."""
    if dtype not in allowed:
        names = ", ".join(d.name for d in allowed)
        raise TypeError(
            f"Value passed to parameter '{argument}' has DataType {dtype.name} not in list of allowed values of "
            f"{op_name}: {names}. Use tf.cast to convert it."
        )


def in_float32(function: Callable[..., Any]) -> Callable[..., Any]:
    """`function` on arrays, with float16 and bfloat16 computed in float32 and rounded once at the end."""

    @functools.wraps(function)
    def run(*arrays: Any, **kwargs: Any) -> Any:
        dtype = arrays[0].dtype
        if dtype.itemsize != 2 or dtype.kind in "iu":
            return function(*arrays, **kwargs)
        out = function(*[a.astype(np.float32) if getattr(a, "dtype", None) == dtype else a for a in arrays], **kwargs)
        if isinstance(out, tuple):
            return tuple(_back(o, dtype) for o in out)
        return _back(out, dtype)

    return run


def _back(array: Any, dtype: Any) -> Any:
    return array.astype(dtype) if array.dtype == np.float32 else array


def is_int(x: Any) -> bool:
    """Whether a value of a body is an integer."""
    return value_dtype(x).is_integer


def or_zero(b: Any, condition: Any, value: Any) -> Any:
    """`value` where `condition` holds, else exactly zero."""
    return b.select(condition, value, b.const(0, value_dtype(value)))


def _out_dtype(dtype: DType, out: DType | Callable[[DType], DType] | None) -> DType:
    if out is None:
        return dtype
    return out if isinstance(out, DType) else out(dtype)


def elementwise(
    op_name: str,
    evaluate: Callable[..., Any] | None = None,
    *,
    body: Callable[..., Any],
    gradient: Callable[..., Any] | None = None,
    allowed: tuple[DType, ...] = NUMERIC,
    out: DType | Callable[[DType], DType] | None = None,
) -> Op:
    """Record an elementwise op of one or more operands that broadcast and share a dtype.

    `out` is the output's dtype if it is not the operands'. Without a gradient the op stops the tape.
    """
    accepted = frozenset(d.numpy for d in allowed)
    meaning = evaluate or functools.partial(run_body, body)

    def infer(x: Spec, *others: Spec) -> Spec:
        for y in others:
            if x.dtype is not y.dtype:
                raise TypeError(
                    f"cannot compute {op_name} as input #1(zero-based) was expected to be a {x.dtype.name} tensor but "
                    f"is a {y.dtype.name} tensor: Input 'y' of '{op_name}' Op has type {y.dtype.name} that does not "
                    f"match type {x.dtype.name} of argument 'x'. Tensors are not converted silently: use tf.cast."
                )
        check_dtype(op_name, "x", x.dtype, allowed)
        return Spec(shapes.broadcast(x.shape, *[y.shape for y in others]), _out_dtype(x.dtype, out))

    def run(x: Any, *others: Any) -> Any:
        dtype = x.dtype
        for y in others:
            if dtype is not y.dtype and dtype != y.dtype:
                infer(*[Spec.of(a) for a in (x, *others)])
        if dtype not in accepted:
            infer(Spec.of(x))
        return meaning(x, *others)

    differentiable = gradient is not None
    return register(
        Op(
            op_name,
            Kind.ELEMENTWISE,
            infer,
            run,
            gradient,
            body=body,
            checked=False,
            differentiable=differentiable,
        )
    )


def unary(op_name: str, evaluate: Callable[..., Any] | None = None, **record: Any) -> Callable[[Function], Function]:
    """Record an elementwise op of one operand, floating or complex unless `allowed` says otherwise."""
    record = {"allowed": INEXACT} | record
    op = elementwise(op_name, evaluate, **record)
    sole = _sole_dtype(record)

    def call(x: Any, name: str | None = None) -> Any:
        if type(x) is not EagerTensor:
            x = convert(x, dtype=None if isinstance(x, Operators) else sole)
        return emit_one(op, (x,), NO_ATTRS, name)

    return functools.partial(_public, op, _quickened(quick_unary, op, evaluate, record, call))


def _quickened(short: Any, op: Op, evaluate: Any, record: dict[str, Any], call: Callable[..., Any]) -> Any:
    """`call` with a short way before it, if the op is one NumPy function (of plain types `in_float32` is none)."""
    ufunc = inspect.unwrap(evaluate) if evaluate is not None else None
    return (
        short(op, ufunc, plain_types_of(record.get("allowed", NUMERIC)), call) if isinstance(ufunc, np.ufunc) else call
    )


def plain_types_of(allowed: tuple[DType, ...]) -> tuple[Any, ...]:
    """Those of the dtypes an op takes for which the short way of `core.quick` is right."""
    return plain_types(frozenset([d.numpy for d in allowed]))


def _public(op: Op, call: Callable[..., Any], function: Function) -> Function:
    """`call` under the name, signature and documentation of `function`."""
    *operands, _ = inspect.signature(function).parameters
    public = call
    if operands != ["x", "y"][: len(operands)]:

        def public(*args: Any, **kwargs: Any) -> Any:
            bound = inspect.signature(function).bind(*args, **kwargs).arguments
            return call(*[bound[o] for o in operands], bound.get("name"))

    public = functools.update_wrapper(public, function)
    public.op = op  # type: ignore[attr-defined]
    return public  # type: ignore[return-value]


def _sole_dtype(record: dict[str, Any]) -> DType | None:
    """The dtype that Python values are made into for an op that takes only one."""
    allowed = record.get("allowed", ())
    return allowed[0] if len(allowed) == 1 else None


def convert_pair(x: Any, y: Any, dtype: DType | None = None) -> tuple[Tensor, Tensor]:
    """Two operands as tensors: a tensor (else the first) decides the dtype, Python numbers and arrays adapt."""
    if isinstance(y, Operators) and not isinstance(x, Operators):
        y = convert(y)
        return convert(x, dtype=dtype or y.dtype), y
    x = convert(x, dtype=None if isinstance(x, Operators) else dtype)
    return x, convert(y, dtype=None if isinstance(y, Operators) else dtype or x.dtype)


def binary(op_name: str, evaluate: Callable[..., Any] | None = None, **record: Any) -> Callable[[Function], Function]:
    """Record an elementwise op of two operands that broadcast and share a dtype."""
    op = elementwise(op_name, evaluate, **record)
    sole = _sole_dtype(record)

    def call(x: Any, y: Any, name: str | None = None) -> Any:
        if type(x) is not EagerTensor or type(y) is not EagerTensor:
            x, y = convert_pair(x, y, sole)
        return emit_one(op, (x, y), NO_ATTRS, name)

    return functools.partial(_public, op, _quickened(quick_binary, op, evaluate, record, call))


def binary_reversed(function: Callable[..., Any], left: Any, right: Any, name: str) -> Any:
    """An operator whose left operand is not a tensor: it adapts to the right one."""
    return function(convert(left, dtype=right.dtype) if not isinstance(left, Operators) else left, right, name=name)
