"""`duoflow bench`: runs the comparisons of the source checkout, `python -m benchmarks`."""

import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import duoflow

CHECKOUT = Path(duoflow.__file__).resolve().parent.parent


def main(argv: Sequence[str]) -> int:
    """Hand the arguments to the benchmarks; returns their exit status."""
    if not (CHECKOUT / "benchmarks" / "__main__.py").exists():
        print("duoflow bench: the benchmarks come with the source checkout, not with the package", file=sys.stderr)
        return 2
    return subprocess.run([sys.executable, "-m", "benchmarks", *argv], cwd=CHECKOUT, check=False).returncode
