"""How often a loop runs, and which of its variables count.

A variable counts if every iteration adds the same number to it. With a condition that compares a counting variable
with a constant, the number of iterations is known, or at least bounded if there are other conditions.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from duoflow.core.graph import Graph
from duoflow.core.tensor import GraphTensor, Tensor

from .rewrite import constant_of

__all__ = ["Interval", "Ramp", "interval", "Trips", "known_value", "ramp_of", "trips"]


#: The least and the greatest value of a tensor, or None.
Interval = Callable[[Tensor], "tuple[int, int] | None"]


@dataclass(frozen=True)
class Ramp:
    """`start + step * k` in iteration k, with a start between `low` and `high`, which are None if nothing is known."""

    low: int | None
    high: int | None
    step: int

    @property
    def start(self) -> int | None:
        """The start, if it is known."""
        return self.low if self.low == self.high else None

    def at(self, k: int) -> int:
        """The value in iteration k."""
        assert self.start is not None
        return self.start + self.step * k


@dataclass(frozen=True)
class Trips:
    """A loop's variables that count, by position, and the number of its iterations.

    `most` is None if it is not bounded; `exact` tells that the loop always runs so often.
    """

    ramps: dict[int, Ramp]
    most: int | None
    exact: bool

    @property
    def count(self) -> int | None:
        """The number of iterations, if it is known."""
        return self.most if self.exact else None

    def interval(self, position: int, behind: bool = False) -> tuple[int, int] | None:
        """The least and the greatest value that a variable has inside the body, or `behind` the loop."""
        ramp = self.ramps.get(position)
        if ramp is None or ramp.low is None or ramp.high is None or self.most is None:
            return None
        move = ramp.step * (self.most if behind else max(self.most - 1, 0))
        return ramp.low + min(move, 0), ramp.high + max(move, 0)


def known_value(tensor: Tensor) -> np.ndarray[Any, Any] | None:
    """The value of a tensor that is a constant or that inference found."""
    array = tensor.spec.array
    return constant_of(tensor) if array is None else array


#: Ops on integers that go up or down with each of their operands.
_MOVES: dict[str, Callable[..., int]] = {
    "AddV2": lambda a, b: a + b, "Add": lambda a, b: a + b, "Sub": lambda a, b: a - b, "Mul": lambda a, b: a * b,
    "Neg": lambda a: -a, "Identity": lambda a: a, "Cast": lambda a: a, "Maximum": max, "Minimum": min,
}  # fmt: skip


def interval(tensor: Tensor, known: Mapping[int, tuple[int, int]]) -> tuple[int, int] | None:
    """The least and the greatest value of an integer, from those of others (by id), as far as they tell."""
    value = known_value(tensor)
    if value is not None:
        return (int(value.min()), int(value.max())) if value.size and value.dtype.kind in "iu" else None
    if id(tensor) in known:
        return known[id(tensor)]
    if not isinstance(tensor, GraphTensor) or tensor.dims != () or tensor.node.op.name not in _MOVES:
        return None
    node = tensor.node
    if not all(t.dtype.is_integer for t in node.inputs):
        return None
    ends = [interval(t, known) for t in node.inputs]
    corners: list[tuple[int, ...]] = [()]
    for end in ends:
        if end is None:
            return None
        corners = [(*c, v) for c in corners for v in end]
    values = [_MOVES[node.op.name](*c) for c in corners]
    return min(values), max(values)


def trips(cond: Graph, body: Graph, starts: Sequence[Tensor], interval: Interval | None = None) -> Trips:
    """The iterations of a loop whose variables begin with `starts` (the loop's inputs; those behind do not matter).

    `interval` gives the least and the greatest value of a start, as far as is known.
    """
    ramps = {}
    for k, out in enumerate(body.outputs):
        start = body.inputs[k]
        if start.dims == () and start.dtype.is_integer:
            found = ramp_of(out, start)
            if found is not None and found[0] == 1:
                low, high = (interval or _exactly)(starts[k]) or (None, None)
                ramps[k] = Ramp(low, high, found[1])
    limits = _limits(cond, ramps)
    known = [n for n, _ in limits if n is not None]
    return Trips(ramps, min(known, default=None), len(limits) == 1 and limits[0][0] is not None and limits[0][1])


def _exactly(tensor: Tensor) -> tuple[int, int] | None:
    value = _as_int(tensor)
    return None if value is None else (value, value)


def _as_int(tensor: Tensor) -> int | None:
    value = known_value(tensor)
    return int(value) if value is not None and value.size == 1 and value.dtype.kind in "iu" else None


def ramp_of(tensor: Tensor, variable: Tensor) -> tuple[int, int] | None:
    """(a, b) if a scalar is a * variable + b, by additions and subtractions of constants."""
    if tensor is variable:
        return 1, 0
    constant = _as_int(tensor)
    if constant is not None:
        return 0, constant
    if not isinstance(tensor, GraphTensor) or tensor.dims != ():
        return None
    node = tensor.node
    if node.op.name in ("Identity", "Cast") and node.inputs[0].dtype.is_integer:
        return ramp_of(node.inputs[0], variable)
    if node.op.name == "Neg":
        inner = ramp_of(node.inputs[0], variable)
        return None if inner is None else (-inner[0], -inner[1])
    if node.op.name not in ("AddV2", "Add", "Sub", "Mul"):
        return None
    left, right = (ramp_of(t, variable) for t in node.inputs)
    if left is None or right is None:
        return None
    if node.op.name == "Mul":
        if left[0] and right[0]:
            return None
        factor, other = (left[1], right) if not left[0] else (right[1], left)
        return factor * other[0], factor * other[1]
    sign = -1 if node.op.name == "Sub" else 1
    return left[0] + sign * right[0], left[1] + sign * right[1]


def _limits(cond: Graph, ramps: dict[int, Ramp]) -> list[tuple[int | None, bool]]:
    """The iterations that each of the conditions, all of which must hold, allows (None where that is not known), and
    whether it always allows so many."""
    out: list[tuple[int | None, bool]] = []
    stack: list[Tensor] = [cond.outputs[0]]
    while stack:
        tensor = stack.pop()
        node = tensor.node if isinstance(tensor, GraphTensor) else None
        if node is not None and node.op.name in ("LogicalAnd", "Identity"):
            stack += node.inputs
        elif known_value(tensor) is not None and bool(known_value(tensor)):
            continue
        else:
            out.append((None, False) if node is None else _limit(node, cond, ramps))
    return out


#: A comparison as (the sign of the difference that must be negative, what is added to it).
_COMPARISONS = {"Less": (1, 0), "LessEqual": (1, -1), "Greater": (-1, 0), "GreaterEqual": (-1, -1)}


def _limit(node: Any, cond: Graph, ramps: dict[int, Ramp]) -> tuple[int | None, bool]:
    """How long a comparison holds of a counting variable, at most, and whether that is so in any case."""
    if node.op.name not in (*_COMPARISONS, "NotEqual"):
        return None, False
    for k, ramp in ramps.items():
        if ramp.low is None or ramp.high is None:
            continue
        left, right = (ramp_of(t, cond.inputs[k]) for t in node.inputs)
        if left is None or right is None or left[0] == right[0]:
            continue
        factor, offset = left[0] - right[0], left[1] - right[1]
        counts = [_holds(node.op.name, factor * v + offset, factor * ramp.step) for v in (ramp.low, ramp.high)]
        known = [n for n in counts if n is not None]
        return max(known) if len(known) == 2 else None, ramp.start is not None
    return None, False


def _holds(comparison: str, first: int, step: int) -> int | None:
    """For how many k, from 0 on, `first + step * k` compares so with 0."""
    if comparison == "NotEqual":
        return -first // step if step and first * step <= 0 and first % step == 0 else None
    sign, more = _COMPARISONS[comparison]
    first, step = sign * first + more, sign * step  # holds while this is negative
    if first >= 0:
        return 0
    return -(first // step) if step > 0 else None
