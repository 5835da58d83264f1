"""The results as a table for people and as JSON for programs."""

import json
import platform
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

from rich.console import Console
from rich.table import Table

from benchmarks.driver import Result

BASELINE = "duoflow"


def figure(result: Result) -> str:
    """A median in the unit that suits it."""
    value = result.median
    if result.unit == "MiB":
        return f"{value:.0f} MiB"
    if result.flops:
        return f"{result.flops / value / 1e9:.1f} GF/s"
    unit, scale = next((pair for pair in (("s", 1), ("ms", 1e-3)) if value >= pair[1]), ("µs", 1e-6))
    return f"{value / scale:.3g} {unit}"


def cell(result: Result | None, baseline: Result | None) -> str:
    """A figure, its spread and how many times the baseline it takes; "-" where there is none."""
    if result is None or not result.values:
        return "-"
    text = figure(result)
    if len(result.values) > 1:
        text += f" ±{result.spread:.0%}"
    if baseline is not None and baseline is not result and baseline.values:
        text += f" [bold]×{result.median / baseline.median:.3g}[/bold]"
    return text


def table(results: Sequence[Result], frameworks: Sequence[str]) -> Table:
    """Rows of works, columns of frameworks."""
    view = Table(title="median ± half the distance of the quartiles; × times what duoflow needs")
    view.add_column("work")
    for name in frameworks:
        view.add_column(name, justify="right")
    by_work: dict[str, dict[str, Result]] = {}
    for result in results:
        by_work.setdefault(result.work, {})[result.framework] = result
    for row in by_work.values():
        title = next(iter(row.values())).title
        view.add_row(title, *(cell(row.get(name), row.get(BASELINE)) for name in frameworks))
    return view


def show(results: Sequence[Result], frameworks: Sequence[str]) -> None:
    """Print the table and, below it, why a cell is empty."""
    console = Console(width=None if Console().is_terminal else 200)
    console.print(table(results, frameworks))
    reasons: dict[tuple[str, str], list[str]] = {}
    for result in results:
        if result.reason:
            reasons.setdefault((result.framework, result.reason), []).append(result.work)
    for (framework, reason), works in reasons.items():
        console.print(f"- {framework}: {reason} ({', '.join(works)})", markup=False, highlight=False)


def write(path: Path, results: Sequence[Result]) -> None:
    """Write everything that was measured, every round of it."""
    machine = {"machine": platform.machine(), "system": platform.platform(), "processor": processor()}
    when = datetime.now(UTC).isoformat(timespec="seconds")
    record = {"when": when, **machine, "results": [result.record() for result in results]}
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(record, indent=1) + "\n")


def processor() -> str:
    """The processor's name as its maker gives it."""
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor()
    names = (line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    return next(names, platform.processor())
