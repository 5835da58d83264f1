"""The scalar builder that writes LLVM IR: `core.scalar`'s vocabulary over vectors of a fixed width.

    with module.function("k", ...) as f:
        b = LLVMBuilder(f, lanes=16)              lanes=1 gives scalars; the interface is the same
        x = b.load(float32, pointer, index)       items index .. index + 15
        b.store(body(b, x, 1.5), pointer, index, mask=f.first_lanes(rest, 16))

A `Value` is a register (`ref`), its `dtype` and its builder; Python operators and numbers work as the vocabulary
says. Values of one-lane builders mix in and are spread over the lanes. In registers float16 and bfloat16 are float32
and a bool is an i1; `load` and `store` convert (a bool is a byte, 0 or 1, in memory), and `cast` to a 16-bit float
rounds, but arithmetic on them keeps float32's precision until it is stored. Complex numbers, float8, 4-bit integers
and strings are `Unsupported`.

Defined everywhere: integer division and remainder by zero give 0, the most negative number divided by -1 wraps, shift
counts are clamped to the type's width, floats out of range cast to the nearest integer and NaN to 0. NaN propagates
through `minimum`, `maximum`, `sign`. Functions with a body of their own come from `mathlib`, written once per module
and type as an internal function; others are this builder's methods.

Beyond the vocabulary: memory (`load`, `store`, `load_uniform`, `gather`, `scatter`, `load_strided`), `iota`,
`spread`, `lane`, `fold` (across lanes) and `narrower` (a builder of fewer lanes at the same place).
"""

from __future__ import annotations

import functools
import operator
from collections.abc import Callable
from typing import Any

import numpy as np

from duoflow.core import dtypes
from duoflow.core.dtypes import DType
from duoflow.core.scalar import Unsupported

from . import mathlib
from .ir import Function, Index, float_literal, splat, suffix, vector

__all__ = ["LLVMBuilder", "Value", "memory_type", "register_type"]

_REGISTER = {
    "float16": "float", "bfloat16": "float", "float32": "float", "float64": "double", "bool": "i1",
    **{f"{sign}int{bits}": f"i{bits}" for sign in ("", "u") for bits in (8, 16, 32, 64)},
}  # fmt: skip
_MEMORY = {"float16": "i16", "bfloat16": "i16", "bool": "i8"}

_FLOAT_COMPARE = {"eq": "oeq", "ne": "une", "lt": "olt", "le": "ole", "gt": "ogt", "ge": "oge"}
_COMPARE = {name: getattr(operator, name) for name in _FLOAT_COMPARE}
_NUMBER = (int, float, bool, np.number, np.bool_)


def register_type(dtype: DType) -> str:
    """The LLVM type that holds one element in a register."""
    try:
        return _REGISTER[dtype.name]
    except KeyError:
        raise Unsupported(f"native code for {dtype.name}") from None


def memory_type(dtype: DType) -> str:
    """The LLVM type of one element in memory."""
    return _MEMORY.get(dtype.name) or register_type(dtype)


class Value:
    """One element in each lane."""

    __slots__ = ("builder", "dtype", "literal", "ref")

    def __init__(self, builder: LLVMBuilder, ref: str, dtype: DType, literal: Any = None) -> None:
        self.builder = builder
        self.ref = ref
        self.dtype = dtype
        #: The Python number that every lane holds, where it is known.
        self.literal = literal

    def __repr__(self) -> str:
        return f"<{self.ref}: {self.dtype.name} x {self.builder.lanes}>"

    def _with(self, operation: str, other: Any) -> Value:
        return self.builder.binary(operation, self, other)

    def _after(self, operation: str, other: Any) -> Value:
        return self.builder.binary(operation, self.builder.value(other, self.dtype), self)

    __add__ = functools.partialmethod(_with, "add")
    __sub__ = functools.partialmethod(_with, "sub")
    __mul__ = functools.partialmethod(_with, "mul")
    __truediv__ = functools.partialmethod(_with, "div")
    __floordiv__ = functools.partialmethod(_with, "floordiv")
    __mod__ = functools.partialmethod(_with, "floormod")
    __pow__ = functools.partialmethod(_with, "pow")
    __and__ = functools.partialmethod(_with, "and")
    __or__ = functools.partialmethod(_with, "or")
    __xor__ = functools.partialmethod(_with, "xor")
    __lshift__ = functools.partialmethod(_with, "shl")
    __rshift__ = functools.partialmethod(_with, "shr")
    __radd__ = functools.partialmethod(_after, "add")
    __rsub__ = functools.partialmethod(_after, "sub")
    __rmul__ = functools.partialmethod(_after, "mul")
    __rtruediv__ = functools.partialmethod(_after, "div")
    __rfloordiv__ = functools.partialmethod(_after, "floordiv")
    __rmod__ = functools.partialmethod(_after, "floormod")
    __rpow__ = functools.partialmethod(_after, "pow")
    __rand__ = functools.partialmethod(_after, "and")
    __ror__ = functools.partialmethod(_after, "or")
    __rxor__ = functools.partialmethod(_after, "xor")
    __rlshift__ = functools.partialmethod(_after, "shl")
    __rrshift__ = functools.partialmethod(_after, "shr")
    __lt__ = functools.partialmethod(_with, "lt")
    __le__ = functools.partialmethod(_with, "le")
    __gt__ = functools.partialmethod(_with, "gt")
    __ge__ = functools.partialmethod(_with, "ge")
    __hash__ = None  # type: ignore[assignment]

    def __eq__(self, other: object) -> Value:  # type: ignore[override]
        return self._with("eq", other)

    def __ne__(self, other: object) -> Value:  # type: ignore[override]
        return self._with("ne", other)

    def __neg__(self) -> Value:
        return self.builder.neg(self)

    def __pos__(self) -> Value:
        return self

    def __abs__(self) -> Value:
        return self.builder.abs(self)

    def __invert__(self) -> Value:
        return self.builder.invert(self)

    def __bool__(self) -> bool:
        raise TypeError("A value in native code has no truth in Python; use select(condition, a, b).")


class LLVMBuilder:
    """Writes a body's operations into a function, `lanes` elements at a time."""

    def __init__(self, function: Function, lanes: int, fail_unless: Callable[[Value], None] | None = None) -> None:
        self.f = function
        self.lanes = lanes
        self._fail_unless = fail_unless

    # Values -------------------------------------------------------------------------------------------------------

    def kind(self, dtype: DType) -> str:
        """The LLVM type of a value of this builder."""
        return self.kind_of(dtype, self.lanes)

    @staticmethod
    def kind_of(dtype: DType, lanes: int) -> str:
        """The LLVM type of values of a builder of this width."""
        return vector(register_type(dtype), lanes)

    def wrap(self, ref: str, dtype: DType) -> Value:
        """A value from a register (or other operand) of type `kind(dtype)`."""
        return Value(self, ref, dtype)

    def const(self, value: Any, dtype: DType) -> Value:
        """The same number in every lane."""
        item = register_type(dtype)
        literal: float
        if item == "i1":
            literal, text = bool(value), "true" if value else "false"
        elif dtype.is_floating:
            literal = float(value)
            text = float_literal(literal, item)
        else:
            bits = 8 * dtype.size
            whole = int(value) & ((1 << bits) - 1)
            literal = whole - ((1 << bits) if not dtype.is_unsigned and whole >> (bits - 1) else 0)
            text = str(literal)
        return Value(self, splat(item, text, self.lanes), dtype, literal)

    def value(self, x: Any, dtype: DType) -> Value:
        """`x` as a value of this builder: a Python number takes `dtype`, a one-lane value is spread."""
        if isinstance(x, Value):
            return x if x.builder.lanes == self.lanes else self.spread(x)
        if isinstance(x, _NUMBER) or (isinstance(x, np.ndarray) and x.ndim == 0):
            return self.const(x, dtype)
        raise TypeError(f"A body mixes native values with {type(x).__name__}; only Python numbers adapt.")

    def spread(self, x: Value) -> Value:
        """A one-lane value in all lanes."""
        if x.builder.lanes != 1:
            raise ValueError(f"Only a one-lane value can be spread over {self.lanes} lanes, not {x!r}.")
        if x.literal is not None:
            return self.const(x.literal, x.dtype)
        return self.wrap(self.f.broadcast(register_type(x.dtype), x.ref, self.lanes), x.dtype)

    def _pair(self, x: Any, y: Any) -> tuple[Value, Value]:
        if not isinstance(x, Value) and not isinstance(y, Value):
            raise TypeError("One operand must be a native value.")
        dtype = x.dtype if isinstance(x, Value) else y.dtype
        a, b = self.value(x, dtype), self.value(y, dtype)
        if a.dtype is not b.dtype:
            raise TypeError(f"Operands have types {a.dtype.name} and {b.dtype.name}; cast one of them.")
        return a, b

    def _emit(self, instruction: str, dtype: DType, *operands: Value) -> Value:
        """`instruction type a, b` on operands of one type."""
        text = f"{instruction} {self.kind(operands[0].dtype)} {', '.join(x.ref for x in operands)}"
        return self.wrap(self.f.emit(text), dtype)

    def intrinsic(self, name: str, *operands: Value, flags: tuple[tuple[str, str], ...] = ()) -> Value:
        """An LLVM intrinsic overloaded on the operands' common type."""
        dtype = operands[0].dtype
        kind, mangled = self.kind(dtype), suffix(register_type(dtype), self.lanes)
        arguments = [(kind, x.ref) for x in operands]
        return self.wrap(self.f.intrinsic(f"llvm.{name}.{mangled}", kind, *arguments, *flags), dtype)

    # Operators ----------------------------------------------------------------------------------------------------

    def binary(self, operation: str, x: Any, y: Any) -> Value:
        """What the operators of values write."""
        a, b = self._pair(x, y)
        if operation in _FLOAT_COMPARE:
            return self._compare(operation, a, b)
        if operation in ("and", "or", "xor"):
            if a.dtype.is_floating:
                raise TypeError(f"Bitwise {operation!r} needs integers or bools, got {a.dtype.name}.")
            return self._emit(operation, a.dtype, a, b)
        if operation in ("shl", "shr"):
            return self._shift(operation, a, b)
        if operation in ("floordiv", "floormod", "pow"):
            return getattr(self, operation)(a, b)
        if a.dtype.is_bool:
            raise TypeError(f"Arithmetic {operation!r} is not defined on bool; cast it to a number.")
        if a.dtype.is_floating:
            return self._emit("f" + operation, a.dtype, a, b)
        if operation == "div":
            raise TypeError("'/' divides floats; use //, truncdiv or a cast for integers.")
        return self._emit(operation, a.dtype, a, b)

    def _compare(self, operation: str, a: Value, b: Value) -> Value:
        if a.dtype.is_floating:
            return self._emit(f"fcmp {_FLOAT_COMPARE[operation]}", dtypes.bool_, a, b)
        if a.literal is not None and b.literal is not None:
            return self.const(_COMPARE[operation](a.literal, b.literal), dtypes.bool_)
        if operation not in ("eq", "ne"):
            operation = ("u" if a.dtype.is_unsigned or a.dtype.is_bool else "s") + operation
        return self._emit(f"icmp {operation}", dtypes.bool_, a, b)

    def _shift(self, operation: str, a: Value, b: Value) -> Value:
        most = 8 * a.dtype.size - 1
        if b.literal is None:
            b = self.minimum(b if b.dtype.is_unsigned else self.maximum(b, 0), most)
        else:
            b = self.const(min(max(b.literal, 0), most), b.dtype)
        instruction = "shl" if operation == "shl" else "lshr" if a.dtype.is_unsigned else "ashr"
        return self._emit(instruction, a.dtype, a, b)

    def invert(self, x: Value) -> Value:
        """Bitwise (or logical) not."""
        return self._emit("xor", x.dtype, x, self.const(True if x.dtype.is_bool else -1, x.dtype))

    def neg(self, x: Value) -> Value:
        if x.dtype.is_floating:
            return self._emit("fneg", x.dtype, x)
        return self._emit("sub", x.dtype, self.const(0, x.dtype), x)

    # Choice and comparison ----------------------------------------------------------------------------------------

    def select(self, condition: Any, a: Any, b: Any) -> Value:
        condition = self.value(condition, dtypes.bool_)
        a, b = self._pair(a, b)
        kind = self.kind(a.dtype)
        text = f"select {self.kind(dtypes.bool_)} {condition.ref}, {kind} {a.ref}, {kind} {b.ref}"
        return self.wrap(self.f.emit(text), a.dtype)

    def minimum(self, x: Any, y: Any) -> Value:
        return self._extreme(x, y, "lt", "min")

    def maximum(self, x: Any, y: Any) -> Value:
        return self._extreme(x, y, "gt", "max")

    def _extreme(self, x: Any, y: Any, better: str, name: str) -> Value:
        a, b = self._pair(x, y)
        if a.dtype.is_bool:
            return self._emit("and" if name == "min" else "or", a.dtype, a, b)
        if not a.dtype.is_floating:
            return self.intrinsic(("u" if a.dtype.is_unsigned else "s") + name, a, b)
        if a.literal is None and b.literal is not None:
            a, b = b, a
        # One instruction on x86, whose min and max give the second operand unless the comparison holds.
        chosen = self.select(self._compare(better, a, b), a, b)
        return chosen if a.literal is not None else self.select(self.isnan(a), a, chosen)

    def require(self, condition: Value, message: str) -> None:
        """Have a run fail where the condition does not hold; `message` is for those who find out why."""
        if condition.literal is not None and condition.literal:
            return
        if self._fail_unless is None:
            raise Unsupported("a condition where nothing can fail")
        self._fail_unless(condition)

    def isnan(self, x: Value) -> Value:
        return self._emit("fcmp uno", dtypes.bool_, x, x)

    def isinf(self, x: Value) -> Value:
        return self.abs(x) == float("inf")

    def isfinite(self, x: Value) -> Value:
        return self.abs(x) < float("inf")

    # Arithmetic ---------------------------------------------------------------------------------------------------

    def abs(self, x: Value) -> Value:
        if x.dtype.is_floating:
            return self.intrinsic("fabs", x)
        return x if x.dtype.is_unsigned else self.intrinsic("abs", x, flags=(("i1", "false"),))

    def sign(self, x: Value) -> Value:
        if x.dtype.is_unsigned:
            return self.cast(x != 0, x.dtype)
        return self.select(x > 0, self.const(1, x.dtype), self.select(x < 0, self.const(-1, x.dtype), x))

    def _rounding(self, name: str, x: Value) -> Value:
        return self.intrinsic(name, x) if x.dtype.is_floating else x

    def floor(self, x: Value) -> Value:
        return self._rounding("floor", x)

    def ceil(self, x: Value) -> Value:
        return self._rounding("ceil", x)

    def trunc(self, x: Value) -> Value:
        return self._rounding("trunc", x)

    def round(self, x: Value) -> Value:
        return self._rounding("rint", x)

    def sqrt(self, x: Value) -> Value:
        return self.intrinsic("sqrt", x)

    def rsqrt(self, x: Value) -> Value:
        return 1.0 / self.sqrt(x)

    def copysign(self, x: Value, sign: Value) -> Value:
        """The magnitude of `x` with the sign of `sign`."""
        return self.intrinsic("copysign", x, sign)

    def fma(self, a: Any, b: Any, c: Any) -> Value:
        """a * b + c, rounded once for floats."""
        dtype = next(x.dtype for x in (a, b, c) if isinstance(x, Value))
        a, b, c = (self.value(x, dtype) for x in (a, b, c))
        return self.intrinsic("fma", a, b, c) if dtype.is_floating else a * b + c

    def truncdiv(self, x: Any, y: Any) -> Value:
        """Integer division rounded to zero."""
        return self._divide(*self._pair(x, y))[0]

    def floordiv(self, x: Any, y: Any) -> Value:
        a, b = self._pair(x, y)
        if a.dtype.is_floating:
            return self.floor(a / b)
        quotient, rest = self._divide(a, b)
        if a.dtype.is_unsigned:
            return quotient
        return self.select((rest != 0) & ((rest ^ b) < 0), quotient - 1, quotient)

    def floormod(self, x: Any, y: Any) -> Value:
        a, b = self._pair(x, y)
        rest = self.fmod(a, b)
        if a.dtype.is_unsigned:
            return rest
        differs = (rest < 0) ^ (b < 0) if a.dtype.is_floating else (rest ^ b) < 0
        return self.select((rest != 0) & differs, rest + b, rest)

    def fmod(self, x: Any, y: Any) -> Value:
        """The remainder with the sign of `x`."""
        a, b = self._pair(x, y)
        return self._emit("frem", a.dtype, a, b) if a.dtype.is_floating else self._divide(a, b)[1]

    def _divide(self, a: Value, b: Value) -> tuple[Value, Value]:
        """Quotient to zero and remainder; both 0 for a divisor of 0, and no trap for the most negative over -1."""
        if a.dtype.is_unsigned:
            zero = b == 0
            safe = self.select(zero, self.const(1, b.dtype), b)
            quotient = self._emit("udiv", a.dtype, a, safe)
            rest = a - quotient * b
        elif b.literal is not None and b.literal not in (0, -1):
            quotient = self._emit("sdiv", a.dtype, a, b)
            return quotient, a - quotient * b
        else:
            zero, minus = b == 0, b == -1
            safe = self.select(zero | minus, self.const(1, b.dtype), b)
            quotient = self._emit("sdiv", a.dtype, a, safe)
            quotient = self.select(minus, self.neg(a), quotient)
            rest = a - quotient * b
        nothing = self.const(0, a.dtype)
        return self.select(zero, nothing, quotient), self.select(zero, nothing, rest)

    def mulhi(self, x: Any, y: Any) -> Value:
        """The high half of the product of two uint32."""
        a, b = (self.cast(v, dtypes.uint64) for v in self._pair(x, y))
        return self.cast((a * b) >> 32, dtypes.uint32)

    def popcount(self, x: Value) -> Value:
        """The number of one bits, as uint8."""
        return self.cast(self.intrinsic("ctpop", x), dtypes.uint8)

    # Types --------------------------------------------------------------------------------------------------------

    def _to_integer(self, x: Value, dtype: DType) -> Value:
        """Towards zero. What does not fit becomes the most negative number, as the processor and NumPy have it.

        Narrow types are the low bits of a wider conversion, there too.
        """
        if dtype.size < 4 or dtype is dtypes.uint32:
            return self.cast(self._to_integer(x, dtypes.int64 if dtype.size == 4 else dtypes.int32), dtype)
        item, source = register_type(dtype), register_type(x.dtype)
        name = f"llvm.fpto{'u' if dtype.is_unsigned else 's'}i.sat"
        kinds = f"{suffix(item, self.lanes)}.{suffix(source, self.lanes)}"
        out = self.wrap(self.f.intrinsic(f"{name}.{kinds}", self.kind(dtype), (self.kind(x.dtype), x.ref)), dtype)
        small = x < float(2 ** (8 * dtype.size - 1))
        if dtype.is_unsigned:
            return self.select(small, self.cast(self._to_integer(x, dtypes.int64), dtype), out)
        return self.select(small, out, self.const(dtype.min, dtype))

    def cast(self, x: Any, dtype: DType) -> Value:
        """Convert to another type: floats to integers towards zero, numbers to bool by `!= 0`."""
        if not isinstance(x, Value):
            return self.const(x, dtype)
        x = self.value(x, dtype)
        source, item = x.dtype, register_type(dtype)
        if source is dtype:
            return x
        if x.literal is not None and not (source.is_floating and not dtype.is_floating):
            rounded = float(np.asarray(x.literal).astype(dtype.numpy)) if dtype.is_floating else x.literal
            return self.const(rounded, dtype)
        if dtype.is_bool:
            return self.wrap((x != 0).ref, dtype)
        if source.is_floating and not dtype.is_floating:
            return self._to_integer(x, dtype)
        if not source.is_floating and dtype.is_floating:
            unsigned = source.is_unsigned or source.is_bool
            return self._short(self._convert("uitofp" if unsigned else "sitofp", x, dtype), dtype)
        if source.is_floating:
            if register_type(source) == item:
                return self._short(self.wrap(x.ref, dtype), dtype)
            return self._short(self._convert("fpext" if item == "double" else "fptrunc", x, dtype), dtype)
        bits, target_bits = 1 if source.is_bool else 8 * source.size, 8 * dtype.size
        if bits == target_bits:
            return self.wrap(x.ref, dtype)
        widen = "zext" if source.is_unsigned or source.is_bool else "sext"
        return self._convert("trunc" if bits > target_bits else widen, x, dtype)

    def _convert(self, instruction: str, x: Value, dtype: DType) -> Value:
        return self.wrap(self.f.emit(f"{instruction} {self.kind(x.dtype)} {x.ref} to {self.kind(dtype)}"), dtype)

    def _short(self, x: Value, dtype: DType) -> Value:
        """Round a float32 register to what a 16-bit type can hold."""
        return self._from_memory(self._to_memory(x), dtype) if dtype.name in ("float16", "bfloat16") else x

    def bitcast(self, x: Value, dtype: DType) -> Value:
        """The same bits as another type of the same size."""
        x = self.value(x, x.dtype)
        if x.dtype.size != dtype.size:
            raise Unsupported(f"bitcast from {x.dtype.name} to {dtype.name}")
        source = vector(memory_type(x.dtype), self.lanes)
        target = vector(memory_type(dtype), self.lanes)
        bits = self._to_memory(x)
        if source != target:
            bits = self.f.emit(f"bitcast {source} {bits} to {target}")
        return self._from_memory(bits, dtype)

    # Memory -------------------------------------------------------------------------------------------------------

    def load(self, dtype: DType, pointer: str, index: Index = 0, mask: str | None = None) -> Value:
        """Consecutive items from `index` on; masked-off lanes touch no memory and are zero."""
        item = memory_type(dtype)
        return self._from_memory(self.f.load(item, self.f.gep(pointer, index, item), self.lanes, mask), dtype)

    def store(self, x: Value, pointer: str, index: Index = 0, mask: str | None = None) -> None:
        """Write to consecutive items from `index` on."""
        item = memory_type(x.dtype)
        x = self.value(x, x.dtype)
        self.f.store(item, self._to_memory(x), self.f.gep(pointer, index, item), self.lanes, mask)

    def load_uniform(self, dtype: DType, pointer: str, index: Index = 0) -> Value:
        """One item in all lanes."""
        return self.spread(self.narrower(1).load(dtype, pointer, index))

    def load_strided(self, dtype: DType, pointer: str, index: Index, stride: Index, mask: str | None = None) -> Value:
        """Items index, index + stride, index + 2 stride..."""
        if stride == 1:
            return self.load(dtype, pointer, index, mask)
        if stride == 0:
            return self.load_uniform(dtype, pointer, index)
        step = self.narrower(1).wrap(str(stride), dtypes.int64)
        start = self.f.gep(pointer, index, memory_type(dtype))
        return self.gather(dtype, start, self.iota(dtypes.int64) * step, mask)

    def gather(self, dtype: DType, pointer: str, indices: Value, mask: str | None = None) -> Value:
        """The items at `indices` (int32 or int64 values), one per lane."""
        if self.lanes == 1:
            return self.load(dtype, pointer, self.cast(indices, dtypes.int64).ref)
        item = memory_type(dtype)
        kind = vector(item, self.lanes)
        ref = self.f.intrinsic(
            f"llvm.masked.gather.{suffix(item, self.lanes)}.v{self.lanes}p0", kind,
            *self._scattered(item, pointer, indices), self._full(mask), (kind, "zeroinitializer"),
        )  # fmt: skip
        return self._from_memory(ref, dtype)

    def scatter(self, x: Value, pointer: str, indices: Value, mask: str | None = None) -> None:
        """Write one item per lane; where indices repeat, the last lane wins."""
        if self.lanes == 1:
            self.store(x, pointer, self.cast(indices, dtypes.int64).ref)
            return
        item = memory_type(x.dtype)
        self.f.intrinsic(
            f"llvm.masked.scatter.{suffix(item, self.lanes)}.v{self.lanes}p0", "void",
            (vector(item, self.lanes), self._to_memory(x)), *self._scattered(item, pointer, indices), self._full(mask),
        )  # fmt: skip

    def _scattered(self, item: str, pointer: str, indices: Value) -> list[tuple[str, str]]:
        kind = self.kind(indices.dtype)
        pointers = self.f.emit(f"getelementptr {item}, ptr {pointer}, {kind} {indices.ref}")
        size = {"i8": 1, "i16": 2, "i32": 4, "float": 4}.get(item, 8)
        return [(f"<{self.lanes} x ptr>", pointers), ("i32", str(size))]

    def _full(self, mask: str | None) -> tuple[str, str]:
        return f"<{self.lanes} x i1>", mask or "splat (i1 true)"

    def _from_memory(self, ref: str, dtype: DType) -> Value:
        bits = vector(memory_type(dtype), self.lanes)
        if dtype.is_bool:
            zero = splat("i8", "0", self.lanes)
            return self.wrap(self.f.emit(f"icmp ne {bits} {ref}, {zero}"), dtype)
        if dtype.name == "bfloat16":
            return mathlib.from_bfloat16(self, self.wrap(ref, dtypes.uint16))
        if dtype.name == "float16":
            return mathlib.from_float16(self, self.wrap(ref, dtypes.uint16))
        return self.wrap(ref, dtype)

    def _to_memory(self, x: Value) -> str:
        if x.dtype.is_bool:
            return self.cast(x, dtypes.uint8).ref
        if x.dtype.name == "bfloat16":
            return mathlib.to_bfloat16(self, x).ref
        if x.dtype.name == "float16":
            return mathlib.to_float16(self, x).ref
        return x.ref

    # Lanes --------------------------------------------------------------------------------------------------------

    def narrower(self, lanes: int) -> LLVMBuilder:
        """A builder of another width writing into the same function."""
        return self if lanes == self.lanes else LLVMBuilder(self.f, lanes, self._fail_unless)

    def iota(self, dtype: DType) -> Value:
        """0, 1, 2... across the lanes."""
        if self.lanes == 1:
            return self.const(0, dtype)
        if dtype.is_floating:
            return self.cast(self.iota(dtypes.int32), dtype)
        item = register_type(dtype)
        return self.wrap("<" + ", ".join(f"{item} {lane}" for lane in range(self.lanes)) + ">", dtype)

    def lane(self, x: Value, number: int) -> Value:
        """One lane, as a value of the one-lane builder."""
        if self.lanes == 1:
            return x
        ref = self.f.emit(f"extractelement {self.kind(x.dtype)} {x.ref}, i32 {number}")
        return self.narrower(1).wrap(ref, x.dtype)

    def fold(self, x: Value, combine: Callable[[LLVMBuilder, Value, Value], Value]) -> Value:
        """Combine all lanes pairwise (`combine(b, left, right)`, associative) into a value of the one-lane builder."""
        builder, lanes = self, self.lanes
        while lanes > 1:
            lanes //= 2
            kind = builder.kind(x.dtype)
            if lanes == 1:
                low, high = (builder.f.emit(f"extractelement {kind} {x.ref}, i32 {lane}") for lane in (0, 1))
            else:
                low = builder.f.shuffle(kind, x.ref, "poison", range(lanes))
                high = builder.f.shuffle(kind, x.ref, "poison", range(lanes, 2 * lanes))
            builder = builder.narrower(lanes)
            x = combine(builder, builder.wrap(low, x.dtype), builder.wrap(high, x.dtype))
        return x

    # Functions ----------------------------------------------------------------------------------------------------

    def pow(self, x: Any, y: Any) -> Value:
        return mathlib.power(self, *self._pair(x, y))

    def atan2(self, y: Any, x: Any) -> Value:
        return mathlib.call("atan2", self, *self._pair(y, x))

    def __getattr__(self, name: str) -> Any:
        if name not in mathlib.FUNCTIONS:
            raise Unsupported(name)
        return functools.partial(mathlib.call, name, self)
