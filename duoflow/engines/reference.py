"""The reference engine: a graph run node by node, each op by its NumPy meaning.

It defines what the other engines must compute. Nodes run in program order, so effects do too; a value is let go
after its last use. Sub-graphs of control ops go through `core.engine.run_graph`, so to the engine that is installed.
Errors name the user's line that made the node.

    executable = compile(graph)
    arrays = executable.run(values)      values in the order of graph.all_inputs; a State stands for a resource
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from duoflow.core.errors import InvalidArgumentError, OpError, ResourceExhaustedError, UnimplementedError, with_origin
from duoflow.core.graph import CONST, PLACEHOLDER, Graph, Node
from duoflow.core.record import Kind
from duoflow.core.spec import Spec

__all__ = ["ReferenceExecutable", "compile", "evaluate_node", "located"]


Watcher = Callable[[Node, tuple[Any, ...]], None]


def located(error: Exception, node: Node) -> Exception:
    """The exception a failing node raises: TensorFlow's type, with the node's name and the user's line."""
    if isinstance(error, OpError):
        return error.at(node.origin)
    kind: Any
    if isinstance(error, TypeError) and "ufunc" in str(error):
        kind = UnimplementedError
    elif isinstance(error, (ValueError, TypeError, IndexError, OverflowError, np.linalg.LinAlgError)):
        kind = InvalidArgumentError
    elif isinstance(error, MemoryError):
        kind = ResourceExhaustedError
    else:
        return error
    return kind(None, node, with_origin(f"{{{{node {node.name}}}}} {error} [Op:{node.op.name}]", node.origin))  # type: ignore[no-any-return]


def evaluate_node(node: Node, values: Sequence[Any]) -> tuple[Any, ...]:
    """The outputs of one node on given inputs; its errors are `located`."""
    try:
        with np.errstate(all="ignore"):
            if node.op.checked and node.op.kind is not Kind.CONTROL:
                node.op.infer(*[Spec.of(v) for v in values], **node.attrs)
            out = node.op.evaluate(*values, **node.attrs)
    except Exception as error:
        better = located(error, node)
        if better is error:
            raise
        raise better from (None if isinstance(error, (ValueError, TypeError, OpError)) else error)
    out = out if type(out) is tuple else (out,)
    return tuple([np.asarray(v) if isinstance(v, (np.generic, bool, int, float)) else v for v in out])


class ReferenceExecutable:
    """A graph prepared for node-by-node runs: values live in numbered slots."""

    def __init__(self, graph: Graph) -> None:
        self.graph = graph
        self._slots: dict[int, int] = {}
        self._inputs = [self._slot(t) for t in graph.all_inputs]
        given = set(self._inputs)
        self._constants: list[tuple[int, Any]] = []
        self._steps: list[tuple[Node, list[int], list[int], list[int]]] = []
        for node in graph.nodes:
            if node.op is CONST:
                self._constants.append((self._slot(node.outputs[0]), node.op.evaluate(**node.attrs)))
            elif node.op is not PLACEHOLDER or self._slot(node.outputs[0]) not in given:
                self._steps.append(
                    (node, [self._slots[id(t)] for t in node.inputs], [self._slot(t) for t in node.outputs], [])
                )
        self._outputs = [self._slots[id(t)] for t in graph.outputs]
        self._note_last_uses()

    def _slot(self, tensor: Any) -> int:
        return self._slots.setdefault(id(tensor), len(self._slots))

    def _note_last_uses(self) -> None:
        seen = {*self._outputs, *self._inputs, *(slot for slot, _ in self._constants)}
        for _, inputs, outputs, dead in reversed(self._steps):
            for slot in (*inputs, *outputs):
                if slot not in seen:
                    seen.add(slot)
                    dead.append(slot)

    def run(self, values: Sequence[Any], watch: Watcher | None = None) -> list[Any]:
        """The outputs for these inputs; `watch` is told every node and its results."""
        table: list[Any] = [None] * len(self._slots)
        for slot, constant in self._constants:
            table[slot] = constant
        for slot, value in zip(self._inputs, values, strict=True):
            table[slot] = value
        for node, inputs, outputs, dead in self._steps:
            results = evaluate_node(node, [table[i] for i in inputs])
            if watch is not None:
                watch(node, results)
            for slot, value in zip(outputs, results, strict=True):
                table[slot] = value
            for slot in dead:
                table[slot] = None
        return [table[slot] for slot in self._outputs]

    @property
    def kernels(self) -> list[dict[str, Any]]:
        """A row for each node: all run in Python."""
        return [{"name": node.op.name, "ops": [node.op.name], "where": "host"} for node, *_ in self._steps]


def compile(graph: Graph) -> ReferenceExecutable:
    """An executable for a finished graph."""
    return ReferenceExecutable(graph)
