"""What was seen in a run and is taken for granted in the next: shapes, and that a loop runs no longer than so often.

Some shapes are known only when a graph runs: what a loop carries, what a list holds. `assuming(op, shapes)` is a record
like `op` that infers the shapes seen, so that everything behind it is static; it always runs on the host, is opaque to
other passes, and raises `ShapeChanged` if the shapes are others this time. An engine then runs the graph another way.
`ENDED` raises `LoopOutgrown` if a loop that was stopped would have gone on.
"""

from __future__ import annotations

import functools
from typing import Any

from duoflow.core.dtypes import DType
from duoflow.core.record import Effect, Kind, Op
from duoflow.core.shapes import Dims
from duoflow.core.spec import Spec

__all__ = ["ASSUMED", "ENDED", "LoopOutgrown", "ShapeChanged", "assuming", "refusing"]

#: The tag of records made here.
ASSUMED = "assumed"

Shapes = tuple[Dims, ...]


class ShapeChanged(Exception):
    """A value does not have the shape that the program was compiled for."""


class LoopOutgrown(ShapeChanged):
    """A loop runs more often than the program was compiled for."""


@functools.cache
def refusing(op: Op, outs: tuple[tuple[Dims, DType], ...]) -> Op:
    """The record of `op` where its operands turn out not to fit: on the host, it raises what inference says of them."""

    def evaluate(*values: Any, **attrs: Any) -> Any:
        op.infer(*[Spec.of(value) for value in values], **attrs)
        return op.evaluate(*values, **attrs)

    def infer(*specs: Spec, **attrs: Any) -> tuple[Spec, ...]:
        return tuple(Spec(shape, dtype) for shape, dtype in outs)

    return Op(op.name, Kind.HOST, infer, evaluate, effects=op.effects, checked=False, num_outputs=len(outs))


@functools.cache
def assuming(op: Op, shapes: Shapes) -> Op:
    """The record of `op` with outputs of these shapes."""

    def infer(*specs: Spec, **attrs: Any) -> tuple[Spec, ...]:
        found = op.infer(*specs, **attrs)
        found = found if isinstance(found, tuple) else (found,)
        return tuple(Spec(shape, spec.dtype) for spec, shape in zip(found, shapes, strict=True))

    def evaluate(*values: Any, **attrs: Any) -> tuple[Any, ...]:
        out = op.evaluate(*values, **attrs)
        out = out if isinstance(out, tuple) else (out,)
        for value, shape in zip(out, shapes, strict=True):
            if shape is not None and getattr(value, "shape", shape) != shape:
                raise ShapeChanged(f"{op.name} gave shape {value.shape}, the program was compiled for {shape}")
        return out

    return Op(
        op.name, Kind.HOST, infer, evaluate, effects=op.effects, num_outputs=len(shapes), tags=op.tags | {ASSUMED}
    )  # fmt: skip


def _require_end(goes_on: Any) -> tuple[()]:
    if goes_on:
        raise LoopOutgrown("a loop runs more often than the program was compiled for")
    return ()


#: Of whether a loop would have gone on, which is assumed not to be.
ENDED = Op(
    "Ended", Kind.HOST, lambda goes_on: (), _require_end, effects=Effect.IO, num_outputs=0, tags=frozenset({ASSUMED})
)
