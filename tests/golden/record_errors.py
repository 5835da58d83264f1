"""Records which types of errors TensorFlow and Keras raise for the tables in bad_calls.py and bad_programs.py.

    python -m tests.golden.record_errors        # in an environment with TensorFlow; writes errors.json

Kept is the type's name, None where nothing is raised, and "abort" where the whole process dies: what has not been
recorded is run in processes of its own, and the recording goes on behind a case that ended one.
"""

from __future__ import annotations

import json
import subprocess
import sys
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from tests.golden import bad_calls, bad_programs

FILE = Path(__file__).with_name("errors.json")


def cases() -> list[tuple[str, str]]:
    """(way, expression) of all calls, and ("program", name) of all programs."""
    return [*bad_calls.calls(), *(("program", name) for name in bad_programs.PROGRAMS)]


def raised(tf: Any, way: str, case: str) -> Exception | None:
    """What a case raises under an implementation of TensorFlow."""
    return bad_programs.run_program(tf, case) if way == "program" else bad_calls.make_call(tf, way, case)


def record_from(first: int) -> None:
    """Print a line before and after each case from the given number on."""
    import tensorflow as tf

    warnings.simplefilter("ignore")
    tf.get_logger().setLevel("ERROR")
    for number, (way, case) in enumerate(cases()[first:], first):
        print(json.dumps([number, "abort"]), flush=True)
        error = raised(tf, way, case)
        print(json.dumps([number, error and type(error).__name__]), flush=True)


def outcomes() -> Iterator[tuple[int, Any]]:
    """(number, outcome) of all cases; the last for a number holds."""
    first, count = 0, len(cases())
    while first < count:
        command = [sys.executable, "-m", "tests.golden.record_errors", str(first)]
        run = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, check=False)
        lines = [json.loads(line) for line in run.stdout.splitlines() if line.startswith("[") and line.endswith("]")]
        for number, outcome in lines:
            yield number, outcome
            first = number + 1


def main() -> None:
    """Record all cases, grouped by way."""
    found = dict(outcomes())
    table: dict[str, dict[str, Any]] = {}
    for number, (way, case) in enumerate(cases()):
        table.setdefault(way, {})[case] = found[number]
    FILE.write_text(json.dumps(table, indent=0) + "\n")


if __name__ == "__main__":
    record_from(int(sys.argv[1])) if len(sys.argv) > 1 else main()
