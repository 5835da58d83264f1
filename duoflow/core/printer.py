"""A graph as text: one line a node, `%out: dtype[shape] = Op(%in, ...) {attr: value}  # file:line`."""

from __future__ import annotations

from collections.abc import Iterable

from .errors import _Origin
from .graph import Graph, Node
from .record import show_attr
from .tensor import GraphTensor, Tensor

__all__ = ["show_graph", "show_node"]


def _name(tensor: Tensor) -> str:
    if not isinstance(tensor, GraphTensor):
        return "<value>"
    suffix = f":{tensor.index}" if len(tensor.node.outputs) > 1 else ""
    return f"%{tensor.node.name}{suffix}"


def show_node(node: Node, origins: bool = True) -> str:
    """One node on one line; sub-graphs in its attributes are named only."""
    outs = ", ".join(f"{_name(t)}: {t.spec}" for t in node.outputs)
    attrs = ", ".join(f"{k}: {show_attr(v)}" for k, v in node.attrs.items())
    line = f"{outs} = " if outs else ""
    line += f"{node.op.name}({', '.join(map(_name, node.inputs))})" + (f" {{{attrs}}}" if attrs else "")
    if node.control_inputs:
        line += " after " + ", ".join(f"%{n.name}" for n in node.control_inputs)
    return line + (_origin(node.origin) if origins else "")


def _origin(origin: _Origin | None) -> str:
    return f"  # {origin[0]}:{origin[1]}" if origin else ""


def show_graph(graph: Graph, origins: bool = False) -> str:
    """The whole graph, its sub-graphs indented below the nodes that hold them."""
    head = f"graph {graph.name}({', '.join(f'{_name(t)}: {t.spec}' for t in graph.all_inputs)})"
    tail = f"  return {', '.join(map(_name, graph.outputs))}" if graph.outputs else ""
    return "\n".join([head, *_lines(graph.nodes, origins), *([tail] if tail else [])])


def _lines(nodes: Iterable[Node], origins: bool) -> Iterable[str]:
    for node in nodes:
        if node.op.name == "Placeholder":
            continue
        yield "  " + show_node(node, origins)
        for inner in node.subgraphs:
            yield "\n".join("    " + line for line in show_graph(inner, origins).splitlines())
