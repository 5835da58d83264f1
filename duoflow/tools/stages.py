"""Graphs as plain data, for drawings: nodes with their operands, the user's lines, and the kernels they run in.

`Collector` watches the passes and keeps every graph before and after each pass that changes it. A `Stage` is one of
these: its graphs (the graph itself, then those inside its control ops) as lists of nodes.
"""

from __future__ import annotations

import linecache
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from duoflow.core.graph import Graph, Node
from duoflow.core.record import show_attr
from duoflow.core.tensor import GraphTensor

__all__ = ["Collector", "Drawn", "DrawnNode", "Program", "Stage", "drawn"]


@dataclass
class DrawnNode:
    """A node: `inputs` are the numbers of the nodes that make its operands; `line` is "file:number" or ""."""

    name: str
    op: str
    specs: list[str]
    attrs: list[str]
    inputs: list[int]
    line: str
    source: str
    kind: str


@dataclass
class Drawn:
    """One graph. `outputs` are the numbers of the nodes that give its results."""

    title: str
    nodes: list[DrawnNode]
    outputs: list[int]


@dataclass
class Stage:
    """What a pass made of a graph."""

    name: str
    graphs: list[Drawn]


@dataclass
class Program:
    """One traced graph on its way: its stages in order, and the kernels it ran as in the end."""

    name: str
    stages: list[Stage] = field(default_factory=list)
    kernels: list[dict[str, Any]] = field(default_factory=list)

    def as_dict(self) -> dict[str, Any]:
        """Plain data for JSON."""
        return asdict(self)


class Collector:
    """Keeps the stages of the graphs that are wanted, in the order of their tracing."""

    def __init__(self, wants: Callable[[Graph], bool]) -> None:
        self.wants = wants
        self.programs: list[Program] = []
        self._latest: dict[str, Program] = {}

    def stage(self, name: str, graph: Graph) -> None:
        """Keep a graph as it is after the pass `name`; watches `pipeline`."""
        if not self.wants(graph):
            return
        if name == "traced":
            self._latest[graph.name] = Program(graph.name)
            self.programs.append(self._latest[graph.name])
        program = self._latest.get(graph.name)
        if program is not None:
            seen = sum(stage.name.partition(" #")[0] == name for stage in program.stages)
            program.stages.append(Stage(f"{name} #{seen + 1}" if seen else name, list(_all_graphs(graph))))


def _all_graphs(graph: Graph, title: str = "") -> Iterator[Drawn]:
    yield drawn(graph, title or graph.name)
    for node in graph.nodes:
        for i, inner in enumerate(node.subgraphs):
            yield from _all_graphs(inner, f"{node.name} › {inner.name or i}")


def drawn(graph: Graph, title: str = "") -> Drawn:
    """A graph as plain data."""
    numbers = {id(t): i for i, node in enumerate(graph.nodes) for t in node.outputs}
    outputs = [numbers[id(t)] for t in graph.outputs if id(t) in numbers]
    return Drawn(title or graph.name, [_node(node, numbers) for node in graph.nodes], outputs)


def _node(node: Node, numbers: dict[int, int]) -> DrawnNode:
    inputs = [numbers[id(t)] for t in node.inputs if isinstance(t, GraphTensor) and id(t) in numbers]
    attrs = [f"{name}: {show_attr(value)}" for name, value in node.attrs.items()]
    file, number = node.origin if node.origin else ("", 0)
    return DrawnNode(
        node.name, node.op.name, [str(t.spec) for t in node.outputs], attrs, inputs,
        f"{Path(file).name}:{number}" if file else "", linecache.getline(file, number).strip() if file else "",
        node.op.kind.value,
    )  # fmt: skip
