"""`duoflow show script.py`: runs a script and prints what becomes of every graph on its way to machine code.

It watches the passes: a graph is printed as it was traced, then after each pass that changed it, anew for every set of
input shapes. With `--kernels` follows what the engine made of it, a line for each kernel or call to the host. The
script does what it always does.
"""

import argparse
from collections.abc import Sequence
from typing import Any

import duoflow
from duoflow.core import engine
from duoflow.core.graph import Graph
from duoflow.core.printer import show_graph
from duoflow.engines.native import jit
from duoflow.passes import pipeline
from duoflow.tools import run

assert duoflow  # importing the package installs an engine


def parser() -> argparse.ArgumentParser:
    """The command's arguments: those of `duoflow run` and what to print."""
    command = run.parser("show", "Run a script and print its graphs after each pass.")
    command.add_argument("--function", metavar="NAME", help="only graphs whose name contains this")
    command.add_argument("--passes", metavar="NAMES", help="only after these (traced,inline,...,prune again)")
    command.add_argument("--kernels", action="store_true", help="print the kernels that run, and what runs on the host")
    command.add_argument("--ir", action="store_true", help="print the LLVM IR of every module that is compiled")
    command.add_argument("--assembly", action="store_true", help="print its machine code too")
    command.add_argument("--origins", action="store_true", help="print the file and line that made each node")
    return command


def main(argv: Sequence[str]) -> int:
    """Run the script under the printing engine; returns its exit status."""
    options = parser().parse_args(argv)
    printer = Printer(options)
    pipeline.watchers.append(printer.stage)
    if options.kernels:
        engine.install(ReportingEngine(engine.current(), printer))
    if options.ir or options.assembly:
        jit.watchers.append(printer.module)
    return run.execute(options)


class Printer:
    """Decides what is printed, and how."""

    def __init__(self, options: argparse.Namespace) -> None:
        self.options = options
        self.passes = set(options.passes.split(",")) if options.passes else None

    def wants(self, graph: Graph) -> bool:
        """Whether a graph is one the options name."""
        return not self.options.function or self.options.function in graph.name

    def stage(self, name: str, graph: Graph) -> None:
        """Print the graph as it is after the pass `name`."""
        if self.wants(graph) and (self.passes is None or name in self.passes):
            print(f"\n--- {name}: {len(graph.nodes)} nodes\n{show_graph(graph, self.options.origins)}")

    def kernels(self, graph: Graph, rows: Sequence[dict[str, Any]]) -> None:
        """Print what runs: one line a kernel."""
        if not self.wants(graph):
            return
        print(f"\n--- {graph.name}: {len(rows)} kernels\n  {'runs on':<8}{'threads':<9}{'kflop':>9}{'KiB':>9}  what")
        for row in rows:
            threads = "all" if row["parallel"] else "one"
            flops, size = row["flops"] / 1e3, row["bytes"] / 2**10
            print(f"  {row['where']:<8}{threads:<9}{flops:>9,.1f}{size:>9,.1f}  {row['name']}")

    def module(self, name: str, ir_text: str) -> None:
        """Print a module's IR, and its assembly if that is asked for."""
        if self.options.ir:
            print(f"\n--- LLVM IR of {name}\n{ir_text}")
        if self.options.assembly:
            print(f"\n--- assembly of {name}\n{jit.assembly(ir_text)}")


class ReportingEngine:
    """The engine it wraps, and a report of the kernels after the first run of each graph."""

    def __init__(self, inner: engine.Engine, printer: Printer) -> None:
        self.inner = inner
        self.printer = printer

    def compile(self, graph: Graph) -> "ReportingExecutable":
        """What the wrapped engine compiles, reporting."""
        return ReportingExecutable(self.inner.compile(graph), graph, self.printer)


class ReportingExecutable:
    """Prints what runs when that is new: the rows differ by input shapes."""

    def __init__(self, inner: engine.Executable, graph: Graph, printer: Printer) -> None:
        self.inner = inner
        self.graph = graph
        self.printer = printer
        self.shown: list[Any] = []

    def run(self, values: Sequence[Any]) -> list[Any]:
        """The outputs for these inputs."""
        results = self.inner.run(values)
        rows = getattr(self.inner, "kernels", [])
        if rows not in self.shown:
            self.shown.append(rows)
            self.printer.kernels(self.graph, rows)
        return results

    def __getattr__(self, name: str) -> Any:
        return getattr(self.inner, name)
