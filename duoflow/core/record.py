"""One record per op: what it infers, what it means, its gradient, and how an engine may lower it.

infer(*specs, **attrs)     -> Spec or tuple of Specs; dims may be None; raises ValueError/TypeError/OpError
evaluate(*arrays, **attrs) -> NumPy array or tuple of arrays; the op's meaning
gradient(node, *grads)     -> one cotangent or None per input (a bare value for one input), written with `F`; a function
                              of no arguments in its place is called only if something wants that cotangent
"""

from __future__ import annotations

import enum
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from .dtypes import DType

__all__ = ["OPS", "WINDOWS", "Effect", "Kind", "Literal", "Op", "attrs_key", "register"]


class Kind(enum.Enum):
    """How an engine lowers an op; see the table in the design notes."""

    ELEMENTWISE = "elementwise"
    REDUCTION = "reduction"
    VIEW = "view"
    CONTRACTION = "contraction"
    SCATTER = "scatter"
    SCAN = "scan"
    ORDER = "order"
    COMPOUND = "compound"
    CONTROL = "control"
    HOST = "host"
    SOURCE = "source"
    """Placeholders and constants: values that come from outside the graph."""


#: The tag of ops over windows that are no contractions, for which NumPy has no loops.
WINDOWS = "windows"


class Effect(enum.Flag):
    """What an op does besides computing its outputs. Only ops without effects are merged, moved or dropped."""

    NONE = 0
    READ = enum.auto()
    """Reads the state behind a resource handle: keeps its order with writes, may be dropped when unused."""
    WRITE = enum.auto()
    """Changes the state behind a resource handle."""
    IO = enum.auto()
    """Prints, asserts, calls Python, draws from state outside the graph: kept, in program order."""


@dataclass(frozen=True, slots=True, eq=False)
class Op:
    """The record of one op.

    Payload by kind:
      elementwise: `body(b, *values, **attrs)`, a scalar program
      reduction, view, contraction, scatter, scan, order: `lower(specs, outs, attrs)`, a description of `core.lowering`
      compound: `expand(*tensors, **attrs)`, built with `F`
      control: sub-graphs in the attributes
    """

    name: str
    kind: Kind
    infer: Callable[..., Any]
    evaluate: Callable[..., Any]
    gradient: Callable[..., Any] | None = None
    effects: Effect = Effect.NONE
    body: Callable[..., Any] | None = None
    expand: Callable[..., Any] | None = None
    lower: Callable[..., Any] | None = None
    """`lower(specs, outs, attrs)` describes the op to an engine; it may raise `Unsupported`."""
    checked: bool = True
    """Whether eager calls run `infer` first; ops whose `evaluate` finds every error itself go without."""
    stateful_attrs: tuple[str, ...] = ()
    num_outputs: int | None = 1
    """How many outputs there are; None if attributes decide."""
    differentiable: bool = True
    """False marks an op whose gradient is known to be zero or undefined: it stops the tape, as in TensorFlow."""
    tags: frozenset[str] = field(default_factory=frozenset)

    @property
    def pure(self) -> bool:
        """Whether the op only computes."""
        return self.effects is Effect.NONE

    def __repr__(self) -> str:
        return f"<Op {self.name} ({self.kind.value})>"

    def __reduce__(self) -> str:
        return f"OPS[{self.name!r}]"


OPS: dict[str, Op] = {}


def register(op: Op) -> Op:
    """Add a record to the registry; names are unique."""
    if op.name in OPS:
        raise ValueError(f"Op {op.name!r} is registered twice.")
    OPS[op.name] = op
    return op


class Literal:
    """A constant as an attribute: a NumPy array, hashable by content, or a handle tensor, hashable by identity."""

    __slots__ = ("_key", "array")

    def __init__(self, array: Any) -> None:
        self.array = array
        self._key: Any = None

    @property
    def key(self) -> Any:
        """What equal literals share; arrays of objects are equal only to themselves."""
        if self._key is None:
            a = self.array
            plain = isinstance(a, np.ndarray) and a.dtype != object
            self._key = (a.dtype.str, a.dtype.name, a.shape, a.tobytes()) if plain else id(a)
        return self._key

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Literal) and (self.array is other.array or self.key == other.key)

    def __hash__(self) -> int:
        return hash(self.key)

    def __repr__(self) -> str:
        if not isinstance(self.array, np.ndarray):
            return repr(self.array)
        text = np.array2string(self.array, threshold=4, edgeitems=2, separator=",").replace("\n", "")
        return text if len(text) < 40 else f"<{self.array.dtype.name}{list(self.array.shape)}>"


def attrs_key(attrs: dict[str, Any]) -> tuple[Any, ...]:
    """A hashable form of attributes, equal for equal attributes."""
    return tuple(sorted(attrs.items(), key=lambda item: item[0])) if attrs else ()


def show_attr(value: Any) -> str:
    """An attribute as the printer writes it."""
    return value.name if isinstance(value, DType) else repr(value)
