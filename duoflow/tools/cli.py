"""`duoflow COMMAND ...`: picks the command and hands it the rest of the line.

A command is a module of this package with `main(argv) -> int` (its exit status). It is imported only when it was
asked for, so that `duoflow run` starts as fast as `import duoflow` does.
"""

import argparse
import importlib
import os
import sys
from collections.abc import Sequence

COMMANDS = {
    "run": "run a script in which `import tensorflow` and `import keras` mean duoflow",
    "demo": "train a small network on handwritten digits and show what ran",
    "show": "print the graphs, the kernels and the LLVM IR of a script",
    "ops": "list the operations and which engine runs them",
    "bench": "compare with TensorFlow, PyTorch and JAX on this machine",
    "doctor": "check this installation and say what it found",
}


def parser() -> argparse.ArgumentParser:
    """The parser of the first word; each command parses its own arguments."""
    lines = "\n".join(f"  {name:<8} {what}" for name, what in COMMANDS.items())
    top = argparse.ArgumentParser(
        prog="duoflow",
        usage="duoflow [-h] [--version] COMMAND ...",
        description="Runs TensorFlow and Keras programs on an engine written in Python.",
        epilog=f"commands:\n{lines}\n\n`duoflow COMMAND --help` explains each.",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    top.add_argument("--version", action="store_true", help="print the versions of duoflow and of what it stands on")
    top.add_argument("command", nargs="?", choices=COMMANDS, help=argparse.SUPPRESS)
    return top


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command; returns the process's exit status."""
    arguments = list(sys.argv[1:] if argv is None else argv)
    top = parser()
    options = top.parse_args(arguments[:1])
    if options.version:
        return load("doctor").print_versions()
    if options.command is None:
        top.print_help()
        return 2
    try:
        return load(options.command).main(arguments[1:])
    except BrokenPipeError:  # whoever read our output has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1


def load(command: str):
    """The module of `command`."""
    return importlib.import_module(f"duoflow.tools.{command}")
