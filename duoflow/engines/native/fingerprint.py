"""What tells a traced graph from every other, at this start of a program and at the next.

Two graphs with the same fingerprint become the same program, but for the states that they name themselves: these are
numbered, and `Fingerprint.states` has them in that order. Everything that passes and compiler look at goes into it:
ops, attributes, the values of constants, the order of nodes; not the names and lines, which only people read. A graph
with something in it that is known by identity alone (a Python function, say, or an op of somebody else's) has none.
"""

from __future__ import annotations

import enum
import functools
from dataclasses import dataclass, fields, is_dataclass
from typing import Any

import numpy as np

from duoflow.core.dtypes import DType
from duoflow.core.engine import MEMORY_LIMIT
from duoflow.core.graph import PLACEHOLDER, Graph, Node
from duoflow.core.record import OPS, Literal, Op
from duoflow.core.state import State
from duoflow.core.tensor import HandleTensor

from .cache import key_of

__all__ = ["Fingerprint", "fingerprint"]

#: What the values of constants may have in bytes: longer ones take longer to hash than a program to compile.
_MOST_BYTES = 16 << 20
#: Whose functions a record may consist of: theirs change with the versions alone.
_KNOWN = ("duoflow", "numpy")


@dataclass(frozen=True)
class Fingerprint:
    """The hash of a graph, and the states that it names."""

    key: str
    states: list[State]


class _Unknown(Exception):
    """Something that cannot be told from others at another start."""


def fingerprint(graph: Graph) -> Fingerprint | None:
    """That of a traced graph, if it has one."""
    if MEMORY_LIMIT in graph.extras:  # what fits is found by trying
        return None
    walk = _Walk()
    try:
        text = repr(walk.graph(graph))
    except _Unknown:
        return None
    return Fingerprint(key_of(text.encode(errors="surrogatepass"), *walk.literals), walk.states)


class _Walk:
    """Graphs as tuples of what `repr` tells apart."""

    def __init__(self) -> None:
        self.states: list[State] = []
        #: The values of constants.
        self.literals: list[bytes] = []
        self._bytes = 0

    def graph(self, graph: Graph) -> tuple[Any, ...]:
        number = {id(node): i for i, node in enumerate(graph.nodes)}
        place: Any = lambda t: (number[id(t.node)], t.index)
        try:
            nodes = [self._node(node, number) for node in graph.nodes]
            ends = [[place(t) for t in tensors] for tensors in (graph.all_inputs, graph.outputs)]
        except (KeyError, AttributeError):
            raise _Unknown from None
        return nodes, ends, graph.is_function, graph.seed, graph.extras.get("random_ops")

    def _node(self, node: Node, number: dict[int, int]) -> tuple[Any, ...]:
        op, attrs = node.op, node.attrs
        if not _is_ours(op):
            raise _Unknown
        known = self._attr(node.outputs[0].spec.value) if op is PLACEHOLDER else None  # of others it is inferred
        return (
            op.name,
            [(number[id(t.node)], t.index) for t in node.inputs],  # type: ignore[attr-defined]
            [(name, self._attr(value)) for name, value in attrs.items()] if attrs else (),
            [t.dims for t in node.outputs],
            [number[id(n)] for n in node.control_inputs] if node.control_inputs else (),
            known,
        )

    def _attr(self, value: Any) -> Any:
        kind = type(value)
        if value is None or kind in (bool, int, float, complex, str, bytes):
            return value
        if kind is tuple or kind is list:
            return kind.__name__, [self._attr(v) for v in value]
        if kind is Literal:
            return self._literal(value.array)
        if isinstance(value, DType):
            return "dtype", value.name
        if kind is dict:
            return "dict", [(self._attr(k), self._attr(v)) for k, v in value.items()]
        if isinstance(value, (np.ndarray, np.generic)):
            return "array", self._array(np.asarray(value))
        if isinstance(value, Graph):
            return "graph", self.graph(value)
        if isinstance(value, enum.Enum) or (is_dataclass(value) and not isinstance(value, type)):
            return self._record(value)
        raise _Unknown

    def _record(self, value: Any) -> Any:
        kind = type(value)
        if not kind.__module__.startswith("duoflow."):
            raise _Unknown
        if isinstance(value, enum.Enum):
            return kind.__qualname__, value.name
        return kind.__qualname__, [self._attr(getattr(value, field.name)) for field in fields(value)]

    def _literal(self, value: Any) -> Any:
        if isinstance(value, HandleTensor):
            value = value._array
        if isinstance(value, State):
            numbers = [i for i, state in enumerate(self.states) if state is value]
            if not numbers:
                numbers = [len(self.states)]
                self.states.append(value)
            return "state", numbers[0], value.dtype.name, value.shape
        if not isinstance(value, np.ndarray):
            raise _Unknown
        return "literal", self._array(value)

    def _array(self, value: np.ndarray[Any, Any]) -> Any:
        if value.dtype.kind == "O":
            raise _Unknown
        self._bytes += value.nbytes
        if self._bytes > _MOST_BYTES:
            raise _Unknown
        self.literals.append(value.tobytes())
        return value.dtype.str, value.dtype.name, value.shape


@functools.cache
def _is_ours(op: Op) -> bool:
    """Whether a record is what its name says at every start."""
    functions = (op.infer, op.evaluate, op.body, op.expand, op.lower)
    return OPS.get(op.name) is op and all(_module(f).startswith(_KNOWN) for f in functions if f is not None)


def _module(function: Any) -> str:
    while isinstance(function, functools.partial):
        function = function.func
    return getattr(function, "__module__", None) or ""
