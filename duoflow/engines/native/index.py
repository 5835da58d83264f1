"""Index arithmetic of loop kernels: affine forms over loop variables, with quotients and remainders where they remain.

A kernel's loops are `Var`s. The element of a tensor that an iteration touches is an `Affine`: a constant plus
integer multiples of variables. Reshapes bring division; `divide` splits a form exactly where the terms allow it,
asks for a loop to be split (`Split`) where that makes it exact, and otherwise keeps a `Quotient` and a `Remainder`,
which come together again when the flat index of the same row-major order is formed.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from dataclasses import dataclass

__all__ = ["Affine", "Quotient", "Remainder", "Split", "Var", "divide", "flat", "reduced", "row_major", "unflat"]


@dataclass(frozen=True)
class Var:
    """A loop variable: 0 <= value < extent. `key` tells variables of equal extent apart; some loops cannot be split."""

    key: tuple[int, ...]
    extent: int
    splits: bool = True

    def __post_init__(self) -> None:
        object.__setattr__(self, "_hash", hash((self.key, self.extent, self.splits)))

    def __hash__(self) -> int:
        return self._hash  # type: ignore[attr-defined,no-any-return]


@dataclass(frozen=True)
class Quotient:
    """`index // divisor`, where that is no affine form."""

    index: Affine
    divisor: int

    @property
    def extent(self) -> int:
        return self.index.bounds()[1] // self.divisor + 1


@dataclass(frozen=True)
class Remainder:
    """`index % divisor`, where that is no affine form."""

    index: Affine
    divisor: int

    @property
    def extent(self) -> int:
        return self.divisor


Term = Var | Quotient | Remainder


class Split(Exception):
    """An index would be affine if the loop over `var` were two: an outer one and an inner one of `inner` turns."""

    def __init__(self, var: Var, inner: int) -> None:
        super().__init__(f"split {var} by {inner}")
        self.var, self.inner = var, inner


class Affine:
    """`constant + sum(coefficient * term)`."""

    __slots__ = ("constant", "terms", "_hash")

    def __init__(self, constant: int = 0, terms: dict[Term, int] | None = None) -> None:
        self.constant = constant
        self.terms: dict[Term, int] = terms or {}
        self._hash: int | None = None

    @staticmethod
    def of(term: Term) -> Affine:
        return Affine(0, {term: 1}) if term.extent != 1 or not isinstance(term, Var) else Affine()

    def __add__(self, other: Affine | int) -> Affine:
        if isinstance(other, int):
            return Affine(self.constant + other, self.terms) if other else self
        terms = dict(self.terms)
        for term, coefficient in other.terms.items():
            total = terms.get(term, 0) + coefficient
            if total:
                terms[term] = total
            else:
                del terms[term]
        return Affine(self.constant + other.constant, _joined(terms))

    def __mul__(self, factor: int) -> Affine:
        if factor == 1:
            return self
        return Affine(self.constant * factor, {t: c * factor for t, c in self.terms.items()} if factor else {})

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Affine) and self.constant == other.constant and self.terms == other.terms

    def __hash__(self) -> int:
        if self._hash is None:
            self._hash = hash((self.constant, frozenset(self.terms.items())))
        return self._hash

    def bounds(self) -> tuple[int, int]:
        """The least and the greatest value."""
        low = high = self.constant
        for term, coefficient in self.terms.items():
            reach = coefficient * (term.extent - 1)
            low, high = low + min(reach, 0), high + max(reach, 0)
        return low, high

    def variables(self) -> frozenset[Var]:
        """The loop variables that the value depends on."""
        found: set[Var] = set()
        for term in self.terms:
            if isinstance(term, Var):
                found.add(term)
            else:
                found |= term.index.variables()
        return frozenset(found)

    def without(self, var: Var) -> Affine:
        """The form with a variable (which occurs in no quotient) at 0."""
        return Affine(self.constant, {t: c for t, c in self.terms.items() if t != var}) if var in self.terms else self

    def hides(self, var: Var) -> bool:
        """Whether a variable occurs inside a quotient or remainder."""
        return any(not isinstance(t, Var) and var in t.index.variables() for t in self.terms)

    def __repr__(self) -> str:
        return f"Affine({self.constant}, {self.terms})"


def _joined(terms: dict[Term, int]) -> dict[Term, int]:
    """d * (x // d) + x % d is x."""
    for term in [t for t in terms if isinstance(t, Remainder)]:
        coefficient = terms.get(term)
        whole = Quotient(term.index, term.divisor)
        if coefficient is not None and terms.get(whole) == coefficient * term.divisor:
            del terms[term], terms[whole]
            both = Affine(0, terms) + term.index * coefficient
            if both.constant == 0:
                return both.terms
            terms[term], terms[whole] = coefficient, coefficient * term.divisor
    return terms


def divide(index: Affine, divisor: int) -> tuple[Affine, Affine]:
    """Quotient and remainder by a positive number; may raise `Split`."""
    if divisor == 1:
        return index, Affine()
    whole = {t: c // divisor for t, c in index.terms.items() if c % divisor == 0}
    rest = Affine(index.constant % divisor, {t: c for t, c in index.terms.items() if c % divisor})
    quotient = Affine(index.constant // divisor, whole)
    low, high = rest.bounds()
    if low >= 0 and high < divisor:
        return quotient, rest
    for term, coefficient in rest.terms.items():
        if isinstance(term, Var) and term.splits and coefficient > 0 and divisor % coefficient == 0:
            inner = divisor // coefficient
            if term.extent > inner and term.extent % inner == 0:
                raise Split(term, inner)
    large, small, unit = _parted(rest, divisor)
    inner = divisor // unit
    return quotient + Affine.of(Quotient(large, inner)), Affine.of(Remainder(large, inner)) * unit + small


def _parted(index: Affine, divisor: int) -> tuple[Affine, Affine, int]:
    """`high * unit + low` with 0 <= low < unit and a unit that divides the divisor: only `high` is left to divide."""
    for term in sorted(index.terms, key=lambda t: index.terms[t]):
        unit = math.gcd(index.terms[term], divisor)
        low = Affine(index.constant % unit, {t: c for t, c in index.terms.items() if c % unit})
        least, most = low.bounds()
        if unit > 1 and least >= 0 and most < unit:
            high = {t: c // unit for t, c in index.terms.items() if c % unit == 0}
            return Affine(index.constant // unit, high), low, unit
    return index, Affine(), 1


def reduced(index: Affine) -> Affine:
    """The same index with quotients and remainders of remainders as those of what is inside, where one divides another.

    The last dimension of a flat index is then often a variable by itself. Such forms no longer come together in `flat`.
    """
    if all(isinstance(term, Var) for term in index.terms):
        return index
    total = Affine(index.constant)
    for term, coefficient in index.terms.items():
        total = total + (Affine.of(term) if isinstance(term, Var) else _reduced_term(term)) * coefficient
    return total


def _reduced_term(term: Quotient | Remainder) -> Affine:
    inner = reduced(term.index)
    (only, factor), *others = inner.terms.items() or [(None, 0)]
    nested = factor == 1 and not others and inner.constant == 0 and isinstance(only, Remainder)
    if nested and isinstance(only, Remainder) and only.divisor % term.divisor == 0:
        quotient, rest = divide(only.index, term.divisor)
        return rest if isinstance(term, Remainder) else divide(quotient, only.divisor // term.divisor)[1]
    quotient, rest = divide(inner, term.divisor)
    return rest if isinstance(term, Remainder) else quotient


def row_major(shape: Sequence[int]) -> tuple[int, ...]:
    """The strides, in elements, of a contiguous array."""
    return (
        tuple(reversed(list(itertools.accumulate(reversed(shape[1:]), lambda a, b: a * b, initial=1)))) if shape else ()
    )


def flat(index: Sequence[Affine], shape: Sequence[int]) -> Affine:
    """The position in row-major order of a multi-index."""
    total = Affine()
    for entry, stride in zip(index, row_major(shape), strict=True):
        total = total + entry * stride
    return total


def unflat(position: Affine, shape: Sequence[int]) -> tuple[Affine, ...]:
    """The multi-index of a position in row-major order."""
    out = []
    for size, stride in zip(shape, row_major(shape), strict=True):
        if size == 1:
            out.append(Affine())
            continue
        entry, position = divide(position, stride)
        out.append(entry)
    return tuple(out)
