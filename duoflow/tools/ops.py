"""`duoflow ops`: the table of operations by kind, and which engine runs each.

What is said here holds of the record: an elementwise op has a scalar body that the native engine can write, a
reduction, view or contraction a description it can be asked for. A call of it may still run on the host, for a type
such as string or sizes known only at run time; `duoflow show --kernels` says what became of each call in a program.
"""

import argparse
import functools
import inspect
from collections.abc import Iterable, Sequence

from rich.console import Console
from rich.table import Table

import duoflow
from duoflow.core.dtypes import DType, bool_, float32, int32
from duoflow.core.record import OPS, Kind, Op
from duoflow.core.scalar import Unsupported
from duoflow.engines.native.ir import Module
from duoflow.engines.native.scalar import LLVMBuilder

assert duoflow  # importing the package registers every op

NATIVE, HOST, PARTS, PASSES, SOURCE = "native", "host", "its parts", "passes", "-"

WIDTH = 100

# Ops that the passes take away before an engine sees the graph, as far as they can: `inline`, `state`, `specialize`.
TAKEN_AWAY = frozenset(
    "AssignAddVariableOp AssignSubVariableOp AssignVariableOp NoOp PartitionedCall Rank ReadVariableOp Shape Size "
    "StatefulPartitionedCall".split()
)


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
    console = Console(highlight=False)
    console.width = max(console.width, WIDTH)  # rather wrapped by the terminal than cut by the table
    console.print(table(ops))
    counts = {where: sum(runs_on(op) == where for op in ops) for where in (NATIVE, PARTS, PASSES, HOST)}
    print(f"{len(ops)} ops:", ", ".join(f"{count} {where}" for where, count in counts.items() if count))
    return 0


def wanted(op: Op, options: argparse.Namespace) -> bool:
    """Whether the options ask for this op."""
    if options.names and not any(name.lower() in op.name.lower() for name in options.names):
        return False
    if options.kind and op.kind.value != options.kind:
        return False
    if options.missing == "native":
        return runs_on(op) == HOST
    return not (options.missing == "gradient" and (op.gradient or op.expand or not op.differentiable))


def table(ops: Iterable[Op]) -> Table:
    """One line an op, kind by kind."""
    view = Table("op", "kind", "runs on", "gradient", "effects", box=None, padding=(0, 2, 0, 0))
    order = list(Kind)
    for op in sorted(ops, key=lambda op: (order.index(op.kind), op.name)):
        view.add_row(op.name, op.kind.value, runs_on(op), gradient(op), effects(op))
    return view


@functools.cache
def runs_on(op: Op) -> str:
    """What runs the op: native code, the code of the ops it expands to, nothing any more, or its NumPy meaning."""
    if op.name in TAKEN_AWAY:
        return PASSES
    if op.kind is Kind.SOURCE:
        return SOURCE
    if op.kind is Kind.COMPOUND:
        return PARTS
    if op.kind is Kind.ELEMENTWISE:
        return NATIVE if op.body and any(writes_body(op, dtype) for dtype in (float32, int32, bool_)) else HOST
    return NATIVE if op.lower else HOST


def writes_body(op: Op, dtype: DType) -> bool:
    """Whether the LLVM builder takes the op's scalar program for operands of this type."""
    parameters = list(inspect.signature(op.body).parameters.values())[1:]
    operands = sum(p.kind is not p.KEYWORD_ONLY for p in parameters)
    required = {p.name: dtype for p in parameters if p.kind is p.KEYWORD_ONLY and p.default is p.empty}
    with Module().function("probe", [("ptr", "p")]) as f:
        builder = LLVMBuilder(f, 1)
        try:
            op.body(builder, *[builder.load(dtype, "%p") for _ in range(operands)], **required)
        except Unsupported:
            return False
        except Exception:  # it wants operands of several types: then it is not for want of a function
            return True
    return True


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
