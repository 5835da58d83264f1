"""Where in a nest of loops code is being written, and the emission of expressions there.

A `Place` is a stack of scopes, one per open loop: the registers of its variables and the values computed at its
level. `hoist(expressions)` is called before a loop is opened and computes there whatever does not depend on it;
`emit` computes the rest where it is used. The vector variable is bound by `place(start, mask)` to a vector of
consecutive values.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence
from typing import Any

from duoflow.core import dtypes
from duoflow.core.dtypes import DType

from .expression import Apply, Choose, Constant, Count, Expression, Find, Guard, Load, children
from .index import Affine, Quotient, Remainder, Var
from .ir import Function, Index
from .scalar import LLVMBuilder, Value, memory_type

__all__ = ["Place", "Scope"]

#: Vector index arithmetic is done in 32 bits: divisions by constants become multiplications.
_INDEX = dtypes.uint32


class Scope:
    """What is known at one level of the nest."""

    __slots__ = ("memo", "bound", "results")

    def __init__(self) -> None:
        self.memo: dict[Any, Any] = {}
        self.bound: dict[Var, Index] = {}
        self.results: set[int] = set()


class Place:
    """The stack of scopes in one function."""

    def __init__(
        self, f: Function, lanes: int, vector_var: Var | None, pointers: dict[int, str], check: int | None
    ) -> None:
        self.f = f
        fail_unless = None if check is None else self._fail_unless
        self.one, self.vector = LLVMBuilder(f, 1, fail_unless), LLVMBuilder(f, lanes, fail_unless)
        self.lanes = lanes
        self._vector_var = vector_var if lanes > 1 else None
        self._single_var = vector_var if lanes == 1 else None
        self._pointers = pointers
        #: The operand (by position in the kernel's `ptrs`) whose byte is cleared when something fails.
        self._check = check
        #: Whether there is anything that can fail.
        self.can_fail = False
        self._scopes = [Scope()]
        self._starts: list[tuple[Scope, Index, str | None]] = []
        self._reloads: dict[int, tuple[int, str, Affine, DType]] = {}
        #: Which walk over the reduced loops is being written.
        self.phase = 0

    # Scopes ---------------------------------------------------------------------------------------------------------

    def open(self) -> None:
        self._scopes.append(Scope())

    def close(self) -> None:
        self._scopes.pop()
        while self._starts and not any(s is self._starts[-1][0] for s in self._scopes):
            self._starts.pop()

    def take(self) -> tuple[Scope, Index, str | None]:
        """Leave the innermost scope, to be resumed later; what it computed stays valid in what follows."""
        scope = self._scopes.pop()
        return self._starts.pop() if self._starts and self._starts[-1][0] is scope else (scope, 0, None)

    @contextlib.contextmanager
    def resumed(self, taken: tuple[Scope, Index, str | None], fresh: bool = False) -> Iterator[None]:
        """Go back to a scope; with `fresh`, what is computed inside (a loop) is forgotten afterwards."""
        self._scopes.append(taken[0])
        self._starts.append(taken)
        if fresh:
            self.open()
        yield
        if fresh:
            self.close()
        self._scopes.pop()
        self._starts.pop()

    def bind(self, variable: Var, register: Index) -> None:
        self._scopes[-1].bound[variable] = register

    def place(self, start: Index, mask: str | None) -> None:
        """Bind the vector variable to the vector that begins at `start`; `mask` holds the lanes that count."""
        if self._single_var is not None:
            self.bind(self._single_var, start)
        self._starts.append((self._scopes[-1], start, mask))

    def _bound(self) -> set[Var]:
        bound = {v for scope in self._scopes for v in scope.bound}
        if self._starts and self._vector_var is not None:
            bound.add(self._vector_var)
        return bound

    def _find(self, key: Any) -> Any:
        for scope in reversed(self._scopes):
            if key in scope.memo:
                return scope.memo[key]
        return None

    def _keep(self, key: Any, value: Any) -> Any:
        self._scopes[-1].memo[key] = value
        return value

    def give(self, expression: Expression, result: int, value: Value) -> None:
        """The value of a reduction, now that it is known."""
        self._scopes[-1].results.add(result)
        self._keep(id(expression), value)

    def reload(self, expression: Expression, pointer: str, index: Affine, dtype: DType) -> None:
        """In later phases a stored value is read back rather than computed again."""
        self._reloads[id(expression)] = (self.phase, pointer, index, dtype)

    # Hoisting -------------------------------------------------------------------------------------------------------

    def hoist(self, roots: Sequence[Expression]) -> None:
        """Compute here what depends on open loops only."""
        bound = self._bound()
        results = {r for scope in self._scopes for r in scope.results}
        seen: set[int] = set()

        def visit(e: Expression) -> None:
            if id(e) in seen or isinstance(e, Constant):
                return
            seen.add(id(e))
            if e.variables <= bound and e.results <= results:
                self._spread(e, self.emit(e))
                return
            if isinstance(e, Load):
                self._prepare_address(e, bound)
            for child in children(e):
                visit(child)

        for root in roots:
            visit(root)

    def _prepare_address(self, e: Load, bound: set[Var]) -> None:
        if e.dynamic:
            if all(d.value.variables <= bound and not d.value.results for d in e.dynamic):
                self._moved(e)
            return
        if self._vector_var is not None and e.index.hides(self._vector_var):
            return
        rest = e.index.without(self._vector_var) if self._vector_var is not None else e.index
        if rest.variables() <= bound:
            self._address(self._pointers[id(e.tensor)], rest, e.dtype)

    # Values ---------------------------------------------------------------------------------------------------------

    def emit(self, e: Expression) -> Value:
        """The value of an expression, computed now unless it was before."""
        found = self._find(id(e))
        if found is not None:
            return found  # type: ignore[no-any-return]
        if isinstance(e, Constant):
            return self.one.const(e.value, e.dtype)
        stored = self._reloads.get(id(e))
        if stored is not None and stored[0] < self.phase:
            _, pointer, index, dtype = stored
            return self._keep(id(e), self._load_affine(pointer, index, dtype, None))  # type: ignore[no-any-return]
        if isinstance(e, Load):
            value = self._load(e)
        elif isinstance(e, Apply):
            value = self._apply(e)
        elif isinstance(e, Count):
            value = self._count(e)
        elif isinstance(e, Find):
            value = self._find_place(e)
        else:
            assert isinstance(e, Choose), e
            value = self._choose(e)
        return self._keep(id(e), value)  # type: ignore[no-any-return]

    def _spread(self, e: Expression, value: Value) -> Value:
        """A value in all lanes; done once per scope."""
        if value.builder.lanes == self.lanes:
            return value
        if value.literal is not None:
            return self.vector.const(value.literal, value.dtype)
        found = self._find(("spread", id(e)))
        return found if found is not None else self._keep(("spread", id(e)), self.vector.spread(value))  # type: ignore[no-any-return]

    def _level(self, expressions: Sequence[Expression]) -> tuple[LLVMBuilder, list[Value]]:
        """Values of several expressions, all of them vectors if one is."""
        values = [self.emit(e) for e in expressions]
        if all(v.builder.lanes == 1 for v in values):
            return self.one, values
        return self.vector, [self._spread(e, v) for e, v in zip(expressions, values)]

    def _apply(self, e: Apply) -> Value:
        b, values = self._level(e.arguments)
        value = e.node.op.body(b, *values, **e.node.attrs)  # type: ignore[misc]
        value = b.value(value, e.dtype)
        return value if value.dtype is e.dtype else b.cast(value, e.dtype)

    def _count(self, e: Count) -> Value:
        if self._vector_var is not None and self._vector_var in e.variables:
            number = self.vector.cast(self.vector.cast(self._vector_index(e.index), dtypes.int32), e.dtype)
        else:
            number = self.one.cast(self.one.wrap(str(self.scalar_index(e.index)), dtypes.int64), e.dtype)
        return number * e.delta + e.start

    def _choose(self, e: Choose) -> Value:
        condition = self._condition(e.guard)
        inside, outside = self.emit(e.inside), self.emit(e.outside)
        if condition is None:
            return inside
        many = any(v.builder.lanes > 1 for v in (condition, inside, outside))
        if not many:
            return self.one.select(condition, inside, outside)
        return self.vector.select(condition, self._spread(e.inside, inside), self._spread(e.outside, outside))

    # Memory ---------------------------------------------------------------------------------------------------------

    def _load(self, e: Load) -> Value:
        pointer = self._pointers[id(e.tensor)]
        condition = self._condition(e.guard)
        if e.dynamic:
            return self._load_dynamic(e, pointer, condition)
        return self._load_affine(pointer, e.index, e.dtype, condition)

    def _load_affine(self, pointer: str, index: Affine, dtype: DType, condition: Value | None) -> Value:
        variable = self._vector_var
        varies = variable is not None and variable in index.variables()
        if not varies and (condition is None or condition.builder.lanes == 1):
            if condition is None:
                return self.one.load(dtype, self._address(pointer, index, dtype))
            position = self.scalar_index(index)
            inside = self.f.select(condition.ref, position, 0)
            return self.one.load(dtype, pointer, inside)
        mask = self._masked(condition)
        assert variable is not None
        if index.hides(variable):
            indices = self._vector_index(index)
            return self.vector.gather(dtype, pointer, self.vector.cast(indices, dtypes.int32), mask)
        stride = index.terms.get(variable, 0)
        base = self._address(pointer, index.without(variable), dtype)
        start = self.f.mul(self._start(), stride)
        if stride == 0:
            indices = self.vector.const(0, dtypes.int32)
            return self.vector.gather(dtype, base, indices, mask)
        return self.vector.load_strided(dtype, base, start, stride, mask)

    def _load_dynamic(self, e: Load, pointer: str, condition: Value | None) -> Value:
        """An element at an index that is a value itself; out of range, the check byte is cleared, element 0 is read."""
        variable = self._vector_var
        varies = variable is not None and variable in e.index.variables()
        moved = self._moved(e)
        if moved is not None and not (variable is not None and e.index.hides(variable)):
            if not varies and condition is None:
                return self.one.load(e.dtype, moved, self.scalar_index(e.index))
            return self._load_affine(moved, e.index, e.dtype, condition)
        b, values = self._level([d.value for d in e.dynamic])
        offset = b.const(0, dtypes.int64)
        inside = b.const(True, dtypes.bool_)
        for value, part in zip(values, e.dynamic, strict=True):
            place = b.cast(value, dtypes.int64)
            if part.wrap:
                place = b.select(place < 0, place + part.wrap, place)
            if part.limit is not None:
                inside = inside & (place >= 0) & (place < part.limit)
            offset = offset + place * part.stride
        if any(d.limit is not None for d in e.dynamic):
            self._fail_unless(inside, condition)
            offset = b.select(inside, offset, b.const(0, dtypes.int64))
        if b.lanes == 1 and not (variable is not None and e.index.hides(variable)):
            moved = self.f.gep(pointer, offset.ref, memory_type(e.dtype))
            if not varies and condition is None:
                return self.one.load(e.dtype, moved, self.scalar_index(e.index))
            return self._load_affine(moved, e.index, e.dtype, condition)
        rest = self.vector.cast(self._vector_index(e.index), dtypes.int64)
        offset = self.vector.value(offset, dtypes.int64)
        return self.vector.gather(e.dtype, pointer, offset + rest, self._masked(condition))

    def _moved(self, e: Load) -> str | None:
        """The address to which an index moves a buffer, if it is the same for all lanes and for certain in range."""
        if any(d.limit is not None for d in e.dynamic):
            return None
        key = ("moved", id(e.tensor), tuple([(id(d.value), d.stride) for d in e.dynamic]))
        found = self._find(key)
        if found is None:
            values = [self.emit(d.value) for d in e.dynamic]
            if any(v.builder.lanes > 1 for v in values):
                return None
            offset: Index = 0
            for value, part in zip(values, e.dynamic, strict=True):
                offset = self.f.add(offset, self.f.mul(self.one.cast(value, dtypes.int64).ref, part.stride))
            found = self._keep(key, self.f.gep(self._pointers[id(e.tensor)], offset, memory_type(e.dtype)))
        return found  # type: ignore[no-any-return]

    def _find_place(self, e: Find) -> Value:
        """Binary search, without branches: as many steps for every value."""
        value = self.emit(e.value)
        variable = self._vector_var
        moves = variable is not None and variable in e.index.variables()
        b = self.vector if moves or value.builder.lanes > 1 else self.one
        value = b.value(value, value.dtype)
        pointer = self._pointers[id(e.tensor)]
        if moves:
            first = b.cast(self._vector_index(e.index), dtypes.int32)
        else:
            pointer, first = self._address(pointer, e.index, e.tensor.dtype), b.const(0, dtypes.int32)
        found = b.const(0, dtypes.int32)

        def passed(place: Value) -> Value:
            element = b.gather(e.tensor.dtype, pointer, first + place, self._mask() if b.lanes > 1 else None)
            return element <= value if e.or_equal else element < value

        remaining = e.count
        while remaining > 1:
            half = remaining // 2
            found = b.select(passed(found + (half - 1)), found + half, found)
            remaining -= half
        return b.cast(b.select(passed(found), found + 1, found), e.dtype)

    def _fail_unless(self, holds: Value, condition: Value | None = None) -> None:
        """Clear the check byte if any lane that counts (and meets `condition`) does not hold."""
        assert self._check is not None
        self.can_fail = True
        b = holds.builder
        bad = ~holds
        if condition is not None and (condition.builder.lanes == b.lanes or condition.builder.lanes == 1):
            bad = bad & condition if b.lanes == condition.builder.lanes else bad & b.spread(condition)
        if b.lanes > 1:
            mask = self._masked(None)
            if mask is not None:
                bad = bad & b.wrap(mask, dtypes.bool_)
            bad = b.fold(bad, lambda n, x, y: x | y)
        with self.f.when(bad.ref):
            self.f.store("i8", "0", self.f.parameter("%ptrs", self._check, "ptr"))

    def store(self, pointer: str, index: Affine, value: Value, dtype: DType) -> None:
        """Write an element, or a vector of them if the index moves with the vector variable."""
        variable = self._vector_var
        if variable is None or variable not in index.variables():
            assert value.builder.lanes == 1, "a vector cannot be stored to one element"
            self.one.store(self.one.cast(value, dtype), self._address(pointer, index, dtype))
            return
        value = self.vector.cast(self.vector.value(value, dtype), dtype)
        stride = index.terms.get(variable, 0)
        base = self._address(pointer, index.without(variable), dtype)
        if stride == 1:
            self.vector.store(value, base, self._start(), self._mask())
        else:
            self.vector.scatter(value, pointer, self.vector.cast(self._vector_index(index), dtypes.int32), self._mask())

    # Indices --------------------------------------------------------------------------------------------------------

    def _start(self) -> Index:
        return self._starts[-1][1]

    def _mask(self) -> str | None:
        return self._starts[-1][2] if self._starts else None

    def _address(self, pointer: str, index: Affine, dtype: DType) -> str:
        key = ("address", pointer, index)
        found = self._find(key)
        if found is None:
            found = self._keep(key, self.f.gep(pointer, self.scalar_index(index), memory_type(dtype)))
        return found  # type: ignore[no-any-return]

    def scalar_index(self, index: Affine) -> Index:
        """An index that is the same in all lanes."""
        total: Index = index.constant
        for term, coefficient in index.terms.items():
            total = self.f.add(total, self.f.mul(self._scalar_term(term), coefficient))
        return total

    def _scalar_term(self, term: Any) -> Index:
        if isinstance(term, Var):
            for scope in reversed(self._scopes):
                if term in scope.bound:
                    return scope.bound[term]
            raise KeyError(f"{term} is not bound here")
        found = self._find(term)
        if found is None:
            inner = self.scalar_index(term.index)
            found = self.f.div(inner, term.divisor) if isinstance(term, Quotient) else self.f.rem(inner, term.divisor)
            self._keep(term, found)
        return found  # type: ignore[no-any-return]

    def _vector_index(self, index: Affine) -> Value:
        """An index per lane, in 32 bits."""
        b = self.vector
        key = ("indices", index)
        found = self._find(key)
        if found is not None:
            return found  # type: ignore[no-any-return]
        total = b.const(index.constant, _INDEX)
        for term, coefficient in index.terms.items():
            total = total + self._vector_term(term) * coefficient
        return self._keep(key, total)  # type: ignore[no-any-return]

    def _vector_term(self, term: Any) -> Value:
        b = self.vector
        if isinstance(term, (Quotient, Remainder)):
            inner = self._vector_index(term.index)
            return inner // term.divisor if isinstance(term, Quotient) else inner % term.divisor
        if term == self._vector_var:
            return self._spread_index(self._start()) + b.iota(_INDEX)
        return self._spread_index(self._scalar_term(term))

    def _spread_index(self, index: Index) -> Value:
        if isinstance(index, int):
            return self.vector.const(index, _INDEX)
        return self.vector.spread(self.one.wrap(self.f.emit(f"trunc i64 {index} to i32"), _INDEX))

    def _condition(self, guard: Guard) -> Value | None:
        """Whether a guard holds: None if it has no conditions, else one bool or one per lane."""
        found: Value | None = None
        for index, size in guard:
            if self._vector_var is not None and self._vector_var in index.variables():
                holds = self._vector_index(index) < size
            else:
                holds = self.one.wrap(self.f.compare("ult", self.scalar_index(index), size), dtypes.bool_)
            if found is None:
                found = holds
            elif found.builder.lanes == holds.builder.lanes:
                found = found & holds
            else:
                found = self.vector.value(found, dtypes.bool_) & self.vector.value(holds, dtypes.bool_)
        return found

    def _masked(self, condition: Value | None) -> str | None:
        """The lanes that count and meet a condition."""
        mask = self._mask()
        if condition is None:
            return mask
        held = self.vector.value(condition, dtypes.bool_).ref
        return held if mask is None else self.f.emit(f"and <{self.lanes} x i1> {held}, {mask}")
