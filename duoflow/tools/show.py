"""`duoflow show script.py`: runs a script and shows what becomes of every graph on its way to machine code.

It watches the passes: a graph is printed as it was traced, then after each pass that changed it, anew for every set of
input shapes; `--html` and `--dot` draw the same. With `--kernels` follows at the end what ran, a line for each kernel
or call to the host, with the time it took. The script does what it always does.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import duoflow
from duoflow.core import engine
from duoflow.core.graph import Graph
from duoflow.core.printer import show_graph, show_node
from duoflow.engines.native import jit, profile
from duoflow.passes import pipeline
from duoflow.tools import run
from duoflow.trace.explain import kernel_table

from .dot import as_dot
from .page import as_page
from .stages import Collector, drawn

assert duoflow  # importing the package installs an engine


def parser() -> argparse.ArgumentParser:
    """The command's arguments: those of `duoflow run` and what to show."""
    command = run.parser("show", "Run a script and show its graphs after each pass.")
    command.add_argument("--function", metavar="NAME", help="only graphs whose name contains this")
    command.add_argument("--passes", metavar="NAMES", help="only after these (traced,inline,...,prune again)")
    command.add_argument("--lines", action="store_true", help="group the nodes of each graph by the script's lines")
    command.add_argument("--html", metavar="FILE", help="draw the graphs in a page that stands alone; print none")
    command.add_argument("--dot", metavar="FILE", help="write the graphs for Graphviz; print none")
    command.add_argument("--kernels", action="store_true", help="print the kernels that ran, and what ran on the host")
    command.add_argument("--totals", action="store_true", help="print how often each pass ran, and how long it took")
    command.add_argument("--ir", action="store_true", help="print the LLVM IR of every module that is compiled")
    command.add_argument("--assembly", action="store_true", help="print its machine code too")
    command.add_argument("--origins", action="store_true", help="print the file and line that made each node")
    return command


def main(argv: Sequence[str]) -> int:
    """Run the script under the watching engine; returns its exit status."""
    options = parser().parse_args(argv)
    shown = Shown(options)
    shown.watch()
    try:
        return run.execute(options)
    finally:
        shown.finish()


class Shown:
    """What the options ask for: printed while the script runs, or written at its end."""

    def __init__(self, options: argparse.Namespace) -> None:
        self.options = options
        self.passes = set(options.passes.split(",")) if options.passes else None
        self.draws = bool(options.html or options.dot)
        self.collector = Collector(self.wants)
        self.engine = KeepingEngine(engine.current())

    def watch(self) -> None:
        """Begin."""
        pipeline.watchers.append(self.stage)
        if self.options.kernels or self.options.html:
            engine.install(self.engine)
            profile.start()
        if self.options.ir or self.options.assembly:
            jit.watchers.append(self.module)

    def wants(self, graph: Graph) -> bool:
        """Whether a graph is one the options name."""
        return not self.options.function or self.options.function in graph.name

    def stage(self, name: str, graph: Graph) -> None:
        """A graph as it is after the pass `name`."""
        if self.passes is not None and name not in self.passes:
            return
        if self.draws:
            self.collector.stage(name, graph)
        elif self.wants(graph):
            text = by_line(graph) if self.options.lines else show_graph(graph, self.options.origins)
            print(f"\n--- {name}: {len(graph.nodes)} nodes\n{text}")

    def module(self, name: str, ir_text: str) -> None:
        """A module's IR, and its assembly if that is asked for."""
        if self.options.ir:
            print(f"\n--- LLVM IR of {name}\n{ir_text}")
        if self.options.assembly:
            print(f"\n--- assembly of {name}\n{jit.assembly(ir_text)}")

    def finish(self) -> None:
        """Print and write what is known at the end of the script."""
        if self.options.kernels:
            for graph, row in self.engine.rows():
                if self.wants(graph):
                    print(
                        "\n".join([f"\n--- {_heading(graph, row)}", *(f"  {t}" for t in kernel_table(row["kernels"]))])
                    )
        if self.options.totals:
            print("\n".join(["\n--- passes", *pass_table()]))
        if self.options.html:
            self._add_kernels()
            self._write(self.options.html, as_page(self.options.script, self.collector.programs))
        if self.options.dot:
            self._write(self.options.dot, as_dot(self.collector.programs))

    def _add_kernels(self) -> None:
        latest = {graph.name: row["kernels"] for graph, row in self.engine.rows()}
        for program in self.collector.programs:
            program.kernels = latest.get(program.name, [])

    def _write(self, path: str, text: str) -> None:
        Path(path).write_text(text, encoding="utf-8")
        graphs = sum(len(program.stages) for program in self.collector.programs)
        print(f"wrote {path}: {len(self.collector.programs)} programs, {graphs} graphs")


def _heading(graph: Graph, row: dict[str, Any]) -> str:
    shapes = f" for {', '.join(map(str, row['shapes']))}" if row["shapes"] else ""
    return f"{graph.name}{shapes}: {len(row['kernels'])} kernels, {row['runs']} runs"


def by_line(graph: Graph) -> str:
    """A graph as text, its nodes below the script's lines that made them."""
    groups: dict[tuple[str, str], list[str]] = {}
    for node, plain in zip(graph.nodes, drawn(graph).nodes, strict=True):
        groups.setdefault((plain.line, plain.source), []).append(f"    {show_node(node, origins=False)}")
    return "\n".join(
        text
        for (line, source), nodes in groups.items()
        for text in (f"  {line or 'no line'}  {source}".rstrip(), *nodes)
    )


def pass_table() -> list[str]:
    """A heading, and a line for each pass: runs, how many changed something, nodes removed (or added), time."""
    lines = [f"  {'pass':<22}{'runs':>6}{'changed':>9}{'removed':>9}{'ms':>9}"]
    for name, total in pipeline.totals.items():
        lines.append(f"  {name:<22}{total.runs:>6}{total.changes:>9}{total.removed:>9}{total.seconds * 1e3:>9.1f}")
    return lines


class KeepingEngine:
    """The engine it wraps; it keeps what was compiled, so that it can tell of it in the end."""

    def __init__(self, inner: engine.Engine) -> None:
        self.inner = inner
        self.compiled: list[tuple[Graph, engine.Executable]] = []

    def compile(self, graph: Graph) -> engine.Executable:
        """What the wrapped engine compiles."""
        executable = self.inner.compile(graph)
        self.compiled.append((graph, executable))
        return executable

    def rows(self) -> list[tuple[Graph, dict[str, Any]]]:
        """A row for each graph and set of shapes that ran."""
        reports = [(graph, getattr(executable, "report", list)()) for graph, executable in self.compiled]
        return [(graph, row) for graph, rows in reports for row in rows if row["kernels"]]

    def __getattr__(self, name: str) -> Any:
        return getattr(self.inner, name)
