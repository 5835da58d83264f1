"""`fn.explain()`: the traces of a function, why each was made, and what the engine made of them.

An `Explanation` prints itself; its fields say the same to programs.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from duoflow.core.engine import current, executable
from duoflow.core.state import State
from duoflow.core.tensor import EagerTensor

from .causes import Cause
from .concrete import ConcreteFunction

__all__ = ["Explanation", "TraceReport", "explain", "kernel_table", "measured"]

#: How often `explain(*args)` runs what it measures.
_RUNS = 5


@dataclass(frozen=True)
class TraceReport:
    """One trace: its signature, the reason for it, its size, and a row for each set of shapes it was compiled for."""

    name: str
    signature: str
    cause: Cause
    nodes: int
    captures: int
    specializations: list[dict[str, Any]] = field(default_factory=list)

    def lines(self, number: int) -> list[str]:
        """The report as text."""
        head = f"trace {number}: {self.signature}"
        why = [f"  why: {line}" for line in self.cause.lines()]
        size = f"  {self.nodes} nodes, {self.captures} captured tensors and variables"
        if not self.specializations:
            return [head, *why, size + "; not run yet"]
        return [head, *why, size, *(line for row in self.specializations for line in _specialization(row))]


@dataclass(frozen=True)
class Explanation:
    """What became of a traced function; `str` of it is the whole report."""

    name: str
    traces: list[TraceReport]

    def __str__(self) -> str:
        compiled = sum(len(t.specializations) for t in self.traces)
        head = f"{self.name}: {_count(len(self.traces), 'trace')}, {_count(compiled, 'specialisation')}"
        return "\n".join([head, *(line for i, t in enumerate(self.traces, 1) for line in ["", *t.lines(i)])])

    __repr__ = __str__


def explain(name: str, traces: Sequence[tuple[ConcreteFunction, Cause]]) -> Explanation:
    """The explanation of a function's traces."""
    return Explanation(name, [_report(concrete, cause) for concrete, cause in traces])


def _report(concrete: ConcreteFunction, cause: Cause) -> TraceReport:
    graph = concrete.graph
    engine = executable(graph)
    report = getattr(engine, "report", None)
    if report is not None:
        engine.plan()  # type: ignore[attr-defined]
    return TraceReport(
        graph.name, str(concrete.function_type), cause, len(graph.nodes), len(concrete.captured_inputs),
        report() if report is not None else [],
    )  # fmt: skip


def measured(concrete: ConcreteFunction, call: Callable[[], Any]) -> None:
    """Call a function once to compile it, then some more times to measure it; its variables are as after the first."""
    call()
    timed = getattr(current(), "timed", contextlib.nullcontext)
    with _kept(concrete), timed():
        for _ in range(_RUNS):
            call()


@contextlib.contextmanager
def _kept(concrete: ConcreteFunction) -> Iterator[None]:
    """Give the variables of a function their values back at the end."""
    handles = [t._array for t in concrete.captured_inputs if isinstance(t, EagerTensor)]
    states = [(state, state.array.copy()) for state in handles if isinstance(state, State) and state.array is not None]
    try:
        yield
    finally:
        for state, array in states:
            state.write(array)


# -- text --------------------------------------------------------------------------------------------------------------


def _specialization(row: dict[str, Any]) -> list[str]:
    shapes = ", ".join(map(str, row["shapes"])) or "the shapes of the signature"
    if not row["kernels"]:
        return [f"  for {shapes}: not compiled yet, its first run shows the shapes inside"]
    memory = ", ".join(f"{_size(nbytes)} of {what}" for what, nbytes in row["memory"].items() if nbytes)
    if row["limit"] is not None:
        memory += f"; {_size(row['limit'])} are allowed, and {_size(row['unlimited'])} would be needed without that"
    passes = row["passes"]
    changed = [run for run in passes if run.changed]
    took = sum(run.seconds for run in passes) * 1e3
    timed = f"; mean of {_count(row['runs'], 'run')}" if row["runs"] else "; call explain with arguments to measure"
    return [
        f"  for {shapes}: {_count(len(row['kernels']), 'kernel')}{timed}",
        f"    memory planned: {_size(sum(row['memory'].values()))}: {memory}",
        f"    passes: {took:.1f} ms, {len(changed)} of {len(passes)} changed the graph: "
        + ", ".join(f"{run.name} {run.before}→{run.after}" for run in changed),
        *(f"    {line}" for line in kernel_table(row["kernels"])),
    ]


def kernel_table(rows: Sequence[dict[str, Any]]) -> list[str]:
    """A heading, and a line for each kernel or call into Python: what, how much, how long, from which lines."""
    lines = [f"{'runs on':<8}{'threads':>7}{'kflop':>11}{'KiB':>10}{'µs':>10}{'of best':>9}  what"]
    for row in rows:
        seconds, share = row.get("seconds"), row.get("share")
        what = "  " * row.get("depth", 0) + row["name"]
        lines.append(
            f"{row['where']:<8}{row.get('threads', 1):>7}{row.get('flops', 0) / 1e3:>11,.1f}"
            f"{row.get('bytes', 0) / 2**10:>10,.1f}{'-' if seconds is None else f'{seconds * 1e6:,.1f}':>10}"
            f"{'-' if share is None else f'{share:.0%}':>9}  {what}{_places(row.get('lines', ()))}"
        )
    return lines


def _places(origins: Sequence[tuple[str, int]]) -> str:
    """The user's lines, by file."""
    by_file: dict[str, list[int]] = {}
    for filename, line in origins:
        by_file.setdefault(Path(filename).name, []).append(line)
    shown = [f"{name}:{','.join(map(str, sorted(numbers)))}" for name, numbers in by_file.items()]
    return f"  [{' '.join(shown)}]" if shown else ""


def _size(nbytes: int) -> str:
    return f"{nbytes:,} B" if nbytes < 1 << 10 else f"{nbytes / 2**10:,.1f} KiB"


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}{'' if number == 1 else 's'}"
