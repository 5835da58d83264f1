"""Graphs for Graphviz: a digraph a stage, its nodes in a cluster for each of the user's lines.

duoflow show --dot graphs.dot script.py
dot -Tsvg -O graphs.dot                 # one file a digraph
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator

from .stages import Drawn, Program

__all__ = ["as_dot"]


def as_dot(programs: Iterable[Program]) -> str:
    """All graphs of all stages."""
    return "\n".join(
        line
        for program in programs
        for stage in program.stages
        for graph in stage.graphs
        for line in _digraph(f"{program.name}: {stage.name}: {graph.title}", graph)
    )


def _digraph(title: str, graph: Drawn) -> Iterator[str]:
    yield f"digraph {_quoted(title)} {{"
    yield f"  label={_quoted(title)}; labelloc=t; node [shape=box, style=rounded, fontname=monospace, fontsize=10];"
    by_line: dict[str, list[int]] = {}
    for i, node in enumerate(graph.nodes):
        by_line.setdefault(node.line, []).append(i)
    for number, (line, members) in enumerate(by_line.items()):
        if line:
            source = graph.nodes[members[0]].source
            yield f"  subgraph cluster_{number} {{ label={_quoted(f'{line}  {source}')}; color=gray; fontsize=10;"
        for i in members:
            node = graph.nodes[i]
            text = "\n".join([node.op, *node.specs])
            bold = ", penwidth=2" if i in graph.outputs else ""
            yield f"    n{i} [label={_quoted(text)}, tooltip={_quoted(node.name)}{bold}];"
        if line:
            yield "  }"
    for i, node in enumerate(graph.nodes):
        yield from (f"  n{source} -> n{i};" for source in node.inputs)
    yield "}"


def _quoted(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)
