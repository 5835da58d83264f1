"""Updates that recur are compiled.

In a training loop without `tf.function` an optimizer makes the same update in every step: dozens of ops for each
variable, between which nothing can be seen. `compiled_update` counts updates of one form (see `core.recurrence`) and
runs the compiled ones. A form is all that the update's ops depend on: the variables, the gradients' dtypes and shapes,
and what the optimizer's (and its schedule's) attributes hold. Optimizers, schedules and constraints of a program's own
may do anything in Python, so their updates stay as they are.
"""

from __future__ import annotations

import weakref
from collections.abc import Sequence
from functools import partial
from types import FunctionType, MethodType
from typing import Any

from duoflow.core.composite import expand
from duoflow.core.errors import OpError
from duoflow.core.graph import Graph
from duoflow.core.indexed_slices import IndexedSlices
from duoflow.core.recurrence import Recurrence, Recurrences, may_compile, traced
from duoflow.core.tensor import EagerTensor, Tensor

from ..state import session

__all__ = ["compiled_update"]

#: About how many ops update a variable.
_OPS = 12
#: Attributes of these types are compared by value, others by identity.
_PLAIN = frozenset({int, float, bool, str, type(None)})
_CODE = frozenset({FunctionType, MethodType, partial})
_OURS = __name__.rpartition(".")[0]

_recurrences: weakref.WeakKeyDictionary[Any, Recurrences] = weakref.WeakKeyDictionary()


class _Update(Recurrence):
    """The updates of one form, which holds the objects that it is told apart by."""

    def __init__(self, optimizer: Any) -> None:
        super().__init__()
        self.attributes = list(vars(optimizer).values())


def compiled_update(optimizer: Any, grads: Sequence[Any], variables: Sequence[Any]) -> bool:
    """Update variables by compiled code, if there is some for such an update by now; whether that was done."""
    if not may_compile() or session.stateless is not None or not _is_known(optimizer, variables):
        return False
    tensors = expand(grads)
    if any(type(t) is not EagerTensor for t in tensors):
        return False
    known = _recurrences.get(optimizer)
    if known is None:
        known = _recurrences[optimizer] = Recurrences()
    values = [t._array for t in tensors]
    kinds = tuple([(v.shape, v.dtype) for v in values])
    sparse = tuple([type(g) is IndexedSlices for g in grads])
    names = tuple([id(v.handle) for v in variables])
    update = known.of((names, sparse, kinds, _attributes(optimizer)), lambda: _Update(optimizer))
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


def _is_known(optimizer: Any, variables: Sequence[Any]) -> bool:
    """Whether an update calls no code of the program's own."""
    if optimizer._DELEGATES or any(getattr(v, "constraint", None) is not None for v in variables):
        return False
    return all(
        type(each).__module__.startswith(_OURS) and not any(type(value) in _CODE for value in vars(each).values())
        for each in _parts(optimizer)
    )


def _parts(optimizer: Any) -> list[Any]:
    """The objects by which an update is made."""
    return [optimizer] if optimizer._schedule is None else [optimizer, optimizer._schedule]


def _attributes(optimizer: Any) -> tuple[Any, ...]:
    """What an update depends on besides variables and gradients."""
    return tuple([
        (name, type(value), value if type(value) in _PLAIN else id(value))
        for part in _parts(optimizer)
        for name, value in vars(part).items()
    ])  # fmt: skip


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
