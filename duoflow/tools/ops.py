"""`duoflow ops`: the table of operations by kind, and which engine runs each."""

import argparse
from collections.abc import Iterable, Sequence

from rich.console import Console
from rich.table import Table

import duoflow
from duoflow.core.record import OPS, Kind, Op
from duoflow.engines.native import lowers

assert duoflow  # importing the package registers every op


def parser() -> argparse.ArgumentParser:
    """The command's arguments."""
    command = argparse.ArgumentParser(
        prog="duoflow ops",
        description="List the operations by kind. An op that the native engine does not lower runs on the host: "
        "the engine calls its NumPy meaning.",
    )
    command.add_argument("names", nargs="*", help="only ops whose name contains one of these")
    command.add_argument("--kind", choices=[kind.value for kind in Kind], help="only ops of this kind")
    command.add_argument("--missing", choices=["native", "gradient"], help="only ops without it")
    return command


def main(argv: Sequence[str]) -> int:
    """Print the table."""
    options = parser().parse_args(argv)
    ops = [op for op in OPS.values() if wanted(op, options)]
    Console(highlight=False).print(table(ops))
    native = sum(map(lowers, ops))
    print(f"{len(ops)} ops: {native} native, {len(ops) - native} on the host")
    return 0


def wanted(op: Op, options: argparse.Namespace) -> bool:
    """Whether the options ask for this op."""
    if options.names and not any(name.lower() in op.name.lower() for name in options.names):
        return False
    if options.kind and op.kind.value != options.kind:
        return False
    if options.missing == "native":
        return not lowers(op)
    return not (options.missing == "gradient" and (op.gradient or op.expand or not op.differentiable))


def table(ops: Iterable[Op]) -> Table:
    """One line an op, kind by kind."""
    view = Table("op", "kind", "runs on", "gradient", "effects", box=None, padding=(0, 2, 0, 0))
    order = list(Kind)
    for op in sorted(ops, key=lambda op: (order.index(op.kind), op.name)):
        view.add_row(op.name, op.kind.value, "native" if lowers(op) else "host", gradient(op), effects(op))
    return view


def gradient(op: Op) -> str:
    """Where the op's gradient comes from."""
    if op.gradient:
        return "rule"
    if not op.differentiable:
        return "none"
    return "its parts" if op.expand else "-"


def effects(op: Op) -> str:
    """What the op does besides computing."""
    return "" if op.pure else str(op.effects.name).lower()
