"""`python -m benchmarks`: choose the works and the frameworks, measure, print."""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from benchmarks import driver, frameworks, report
from benchmarks.works import WORKS

STARTUP = ("import", "first_call")


def parser() -> argparse.ArgumentParser:
    """The arguments."""
    command = argparse.ArgumentParser(
        prog="python -m benchmarks",
        description="Compare duoflow with its peers on this machine. Rounds of all frameworks are interleaved.",
        epilog=f"works: {', '.join((*STARTUP, *WORKS))}. A prefix (gemm, mlp) names all works that begin with it.",
    )
    command.add_argument("works", nargs="*", help="what to measure (default: everything)")
    known = ",".join(frameworks.FRAMEWORKS)
    command.add_argument("--frameworks", default=known, help="comma-separated (default: %(default)s)")
    command.add_argument("--rounds", type=int, default=21, help="rounds of each framework (default: %(default)s)")
    command.add_argument("--seconds", type=float, default=0.15, help="length of one round (default: %(default)s)")
    command.add_argument("--load", type=int, default=0, help="other programs that run meanwhile (default: %(default)s)")
    command.add_argument("--json", type=Path, help="write every round's value to this file")
    command.add_argument("--setup", action="store_true", help="install the peers (or those named) in .peers/ and stop")
    command.add_argument("--torch-index", help="with --setup: the package index to take PyTorch from")
    return command


def chosen(names: Sequence[str]) -> list[str]:
    """The works that `names` (or their prefixes) stand for, in the table's order."""
    known = (*STARTUP, *WORKS)
    for name in names:
        if not any(work.startswith(name) for work in known):
            raise SystemExit(f"unknown work {name!r}; known: {', '.join(known)}")
    return [work for work in known if not names or any(work.startswith(name) for name in names)]


def main(argv: Sequence[str] | None = None) -> int:
    """Measure and print; returns the exit status."""
    options = parser().parse_args(argv)
    if options.setup:
        frameworks.setup(options.works, options.torch_index)
        return 0
    names = options.frameworks.split(",")
    if unknown := [name for name in names if name not in frameworks.FRAMEWORKS]:
        raise SystemExit(f"unknown framework {unknown[0]!r}; known: {', '.join(frameworks.FRAMEWORKS)}")
    columns = [frameworks.FRAMEWORKS[name] for name in names]
    works, results = chosen(options.works), []
    starts = min(5, options.rounds)
    if "import" in works:
        print("  import", file=sys.stderr, flush=True)
        results += driver.import_times(columns, starts)
    if "first_call" in works:
        for work in (WORKS["mlp_step"], WORKS["cnn_step"], WORKS["transformer_step"]):
            print(f"  first call: {work.title}", file=sys.stderr, flush=True)
            results += driver.first_calls(work, [c for c in columns if c.name != "numpy"], min(3, starts))
    steps = [WORKS[work] for work in works if work in WORKS]
    results += driver.step_times(steps, columns, options.rounds, options.seconds, options.load)
    report.show(results, names)
    if options.json:
        report.write(options.json, results)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
