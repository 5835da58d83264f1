"""Whether a function computes the same eagerly, on the reference engine and on the native one; if not, which op."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from duoflow.core import nest
from duoflow.core.composite import expand
from duoflow.core.context import context, entered
from duoflow.core.errors import show_origin
from duoflow.core.graph import CONST, PLACEHOLDER, Graph, Node
from duoflow.core.tensor import EagerTensor, convert
from duoflow.engines import reference
from duoflow.engines.native import engine as native
from duoflow.ops.random import RandomState
from duoflow.ops.subgraphs import copy_graph
from duoflow.passes.inline import inline
from duoflow.trace.concrete import ConcreteFunction
from duoflow.trace.function import Function

from .replay import bound, kept, states_of
from .values import describe, difference

__all__ = ["Equivalence", "check_equivalence"]


@dataclass
class Equivalence:
    """The outcome: true if all agree; `str` of it is the report.

    compared: the ways of running that were compared with the reference engine
    differences: by way, how a result or a variable differs
    node, inputs, values: the first op whose native result differs, its operands, and (native, reference) results
    """

    compared: list[str]
    differences: dict[str, str] = field(default_factory=dict)
    node: Node | None = None
    inputs: list[Any] = field(default_factory=list)
    values: tuple[Any, Any] | None = None
    skipped: str = ""

    def __bool__(self) -> bool:
        return not self.differences

    def __str__(self) -> str:
        left = f" ({self.skipped})" if self.skipped else ""
        if self:
            return f"{', '.join(self.compared)} and the reference engine agree{left}"
        lines = [f"{way} differs from the reference engine: {what}" for way, what in self.differences.items()]
        if self.node is not None and self.values is not None:
            lines += [f"the first op that differs is {self.node.op.name} ({self.node.name})"]
            lines += [f"  {show_origin(self.node.origin)}"] + [f"  input     {describe(v)}" for v in self.inputs]
            lines += [f"  native    {describe(self.values[0])}", f"  reference {describe(self.values[1])}"]
        return "\n".join(lines) + left

    __repr__ = __str__


def check_equivalence(fn: Any, *args: Any, rtol: float = 1e-4, atol: float = 1e-5, **kwargs: Any) -> Equivalence:
    """Run a function eagerly, on the reference engine (op by op, in NumPy) and compiled, and compare.

    Args:
      fn: a `tf.function`, a concrete function, or a Python function, which is traced.
      *args, **kwargs: its arguments.
      rtol, atol: how far floating results may differ, as of `numpy.isclose`.

    Returns:
      An `Equivalence`: true if all results, and the variables afterwards, agree; else it names the first op whose
      compiled result differs. Variables have their values of before afterwards.

    >>> @tf.function
    ... def f(x):
    ...     return tf.nn.softmax(x * 2.0)
    >>> tf.debugging.check_equivalence(f, tf.constant([1.0, 2.0]))
    eager, native and the reference engine agree
    """
    concrete, values = bound(fn, args, kwargs)
    graph = concrete.graph
    states = states_of(graph, values)
    found = Equivalence(["native"])
    want = _outcome(states, lambda: reference.compile(graph).run(values))
    got = _outcome(states, lambda: native.compile(graph).run(values))
    _compare(found, "native", _named(graph, states), got, want, rtol, atol)
    if isinstance(fn, ConcreteFunction):
        found.skipped = "eager not compared: a concrete function has no Python"
    elif any(isinstance(state, RandomState) for state in states):
        found.skipped = "eager not compared: it draws other random numbers"
    else:
        found.compared.insert(0, "eager")
        eager = _outcome(states, lambda: _eagerly(fn, args, kwargs))
        _compare(found, "eager", _named(graph, states), eager, want, rtol, atol)
    if "native" in found.differences:
        with kept(states):
            _locate(found, graph, values, rtol, atol)
    return found


def _outcome(states: Sequence[Any], run: Any) -> list[Any]:
    """The results of a run and the states after it; the states are put back."""
    with kept(states):
        return [*run(), *(None if state.array is None else state.array.copy() for state in states)]


def _eagerly(fn: Any, args: Any, kwargs: Any) -> list[Any]:
    python = fn.python_function if isinstance(fn, Function) else fn
    before, context.run_functions_eagerly = context.run_functions_eagerly, True
    try:
        result = python(*args, **kwargs)
    finally:
        context.run_functions_eagerly = before
    leaves = [convert(leaf) for leaf in expand(nest.flatten(result)) if leaf is not None]
    return [leaf._array for leaf in leaves if isinstance(leaf, EagerTensor)]


def _named(graph: Graph, states: Sequence[Any]) -> list[str]:
    return [f"result {i}" for i in range(len(graph.outputs))] + [f"variable {state.name!r}" for state in states]


def _compare(
    found: Equivalence, way: str, names: list[str], got: list[Any], want: list[Any], rtol: float, atol: float
) -> None:
    if len(got) != len(want):
        found.differences[way] = f"it gives {len(got)} values instead of {len(want)}"
        return
    for name, a, b in zip(names, got, want, strict=True):
        what = difference(a, b, rtol, atol)
        if what is not None:
            found.differences[way] = f"{name}: {what}"
            return


def _locate(found: Equivalence, graph: Graph, values: Sequence[Any], rtol: float, atol: float) -> None:
    """The first op whose value the native engine computes differently: with all values kept, else with that alone."""
    flat = copy_graph(inline(graph))
    outputs = list(flat.outputs)
    seen: dict[int, list[Any]] = {}
    states = states_of(graph, values)

    def note(node: Node, results: Any) -> None:
        seen[id(node)] = list(results)

    with kept(states):
        reference.compile(flat).run(values, note)
    nodes = [n for n in flat.nodes if id(n) in seen and n.op not in (CONST, PLACEHOLDER) and n.outputs and _numeric(n)]
    for group in ([nodes], [[node] for node in nodes]):
        for part in group:
            flat.outputs = [t for node in part for t in node.outputs] + outputs
            with kept(states), entered(graph=None):
                got = iter(native.compile(flat).run(values))
            for node in part:
                for result, want in zip([next(got) for _ in node.outputs], seen[id(node)], strict=True):
                    if difference(result, want, rtol, atol) is not None:
                        found.node, found.values = node, (result, want)
                        found.inputs = [_value(t, seen, flat, values) for t in node.inputs]
                        return


def _numeric(node: Node) -> bool:
    return all(t.dtype.numpy.kind != "O" for t in node.outputs)


def _value(tensor: Any, seen: dict[int, list[Any]], graph: Graph, values: Sequence[Any]) -> Any:
    node = tensor.node
    if id(node) in seen:
        return seen[id(node)][tensor.index]
    if node.op is CONST:
        return node.op.evaluate(**node.attrs)
    return dict(zip(map(id, graph.all_inputs), values, strict=True)).get(id(tensor))
