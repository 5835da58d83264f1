"""Updates that recur are compiled.

In a training loop without `tf.function` an optimizer makes the same update in every step: dozens of ops for each
variable, between which nothing can be seen. `compiled_update` counts updates of one form (see `core.recurrence`) and
runs the compiled ones. A form is all that the update's ops depend on: the variables, the gradients' dtypes and shapes,
and what the optimizer's (and its schedule's) attributes hold. Optimizers, schedules and constraints of a program's own
may do anything in Python, so their updates stay as they are.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from duoflow.core.composite import expand
from duoflow.core.errors import OpError
from duoflow.core.graph import Graph
from duoflow.core.indexed_slices import IndexedSlices
from duoflow.core.recurrence import Recurrences, may_compile, traced
from duoflow.core.tensor import EagerTensor, Tensor

from ..recurring import recurrence_of
from ..state import session

__all__ = ["compiled_update"]

#: About how many ops update a variable.
_OPS = 12


def compiled_update(optimizer: Any, known: Recurrences, grads: Sequence[Any], variables: Sequence[Any]) -> bool:
    """Update variables by compiled code, if there is some among what is known by now; whether that was done."""
    if not may_compile() or session.stateless is not None:
        return False
    if any(getattr(v, "constraint", None) is not None for v in variables):
        return False
    tensors = expand(grads)
    if any(type(t) is not EagerTensor for t in tensors):
        return False
    values = [t._array for t in tensors]
    parts = [(id(v.handle), type(g) is IndexedSlices) for g, v in zip(grads, variables, strict=True)]
    key = *parts, *[(v.shape, v.dtype) for v in values]
    schedule = optimizer._schedule
    update = recurrence_of(known, key, *((optimizer,) if schedule is None else (optimizer, schedule)))
    if update is None:
        return False
    code = update.compiled(_OPS * len(variables), lambda: _compiled(optimizer, grads, variables))
    if code is None:
        return False
    try:
        code(values)
    except OpError:
        return False  # op by op it fails with the line of the op; nothing has changed so far
    return True


def _compiled(optimizer: Any, grads: Sequence[Any], variables: Sequence[Any]) -> Any:
    def make(graph: Graph) -> list[Tensor]:
        given = [
            g._with_components(tuple([graph.add_input(t.dtype, t.dims) for t in g._components()]))
            if type(g) is IndexedSlices
            else graph.add_input(g.dtype, g.dims)
            for g in grads
        ]
        optimizer._step(given, list(variables))
        return []

    return traced(f"{optimizer.name}_update", make)
