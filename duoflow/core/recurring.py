"""Backward passes that recur are compiled.

A training loop without `tf.function` records the same ops with the same shapes in every step. Its forward ops run one
by one, as eager mode promises; nothing can be seen between the ops of `tape.gradient`, so once a tape of some form has
been pulled back often enough, the pass is traced from the recorded nodes, with a placeholder for each of their tensors,
and compiled like any function. Small integer tensors that were the same every time (axes, shapes) become constants,
which are compared at each call.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from .errors import OpError
from .graph import Graph, Node
from .indexed_slices import IndexedSlices
from .record import Effect, Kind, attrs_key
from .recurrence import Recurrence, Recurrences, may_compile, traced
from .state import READ
from .tensor import EagerTensor, Tensor

__all__ = ["Recurring", "recurring"]

#: The most elements of an integer tensor that may be an axis or a shape.
_SMALL = 64

_CONTROL, _ELEMENTWISE, _NONE = Kind.CONTROL, Kind.ELEMENTWISE, Effect.NONE

Pull = Callable[..., list[Any]]


class _Form(Recurrence):
    """Tapes that differ only in their values."""

    def __init__(self, integers: dict[int, bytes]) -> None:
        super().__init__()
        self.integers = integers  # by place: those that were the same every time


class Recurring:
    """The forms of the tapes of this process, and what was compiled for them."""

    def __init__(self) -> None:
        self._forms = Recurrences()

    def pull(
        self,
        nodes: Sequence[Node],
        targets: Sequence[Tensor],
        sources: Sequence[Tensor],
        seeds: Sequence[Any],
        by: Pull,
    ) -> list[Any] | None:
        """The cotangents of `sources` by compiled code, or None where `by`, which does it op by op, has to be called.

        A seed of None stands for ones.
        """
        if not nodes or not may_compile():
            return None
        places: dict[int, int] = {}
        tensors: list[Tensor] = []
        tape = nodes, targets, sources, seeds, places, tensors
        form = self._known(*tape)
        if form is None or form.refused:
            return None
        if form.code is None:
            for place in [p for p, kept in form.integers.items() if _bytes(tensors[p]) != kept]:
                del form.integers[place]
        code = form.compiled(len(nodes), lambda: _compiled(form.integers, *tape, by))
        if code is None or any(_bytes(tensors[place]) != kept for place, kept in form.integers.items()):
            return None
        try:
            return code(tensors)  # type: ignore[no-any-return]
        except OpError:
            return None  # op by op it fails with the line of the op

    def _known(self, *tape: Any) -> _Form | None:
        """The form of a tape, or None if its pass cannot be compiled."""
        try:
            key = _form_of(*tape)
        except TypeError:  # an attribute that cannot be hashed
            return None
        return None if key is None else self._forms.of(key, lambda: _Form(_small_integers(tape[-1])))


recurring = Recurring()


def _form_of(
    nodes: Sequence[Node],
    targets: Sequence[Tensor],
    sources: Sequence[Tensor],
    seeds: Sequence[Any],
    places: dict[int, int],
    tensors: list[Tensor],
) -> tuple[Any, ...] | None:
    """What tapes of one form share: ops, attributes, how they are connected, shapes and dtypes.

    Fills `tensors` with all there are and `places` with their places by identity.
    """
    parts: list[Any] = []
    add, find = parts.append, places.get

    def new(tensor: Tensor) -> int:
        place = places[id(tensor)] = len(tensors)
        tensors.append(tensor)
        if type(tensor) is EagerTensor:
            array = tensor._array
            add(array.shape)
            add(array.dtype)
        return place

    for node in nodes:
        op = node.op
        kind = op.kind
        if (kind is _CONTROL or op.effects is not _NONE) and op is not READ:
            return None
        add(op)
        if node.attrs:
            add(attrs_key(node.attrs))
        for tensor in node.inputs:
            place = find(id(tensor))
            add(new(tensor) if place is None else place)
        for tensor in node.outputs:
            if kind is _ELEMENTWISE:  # the operands say its shape
                places[id(tensor)] = len(tensors)
                tensors.append(tensor)
            else:
                new(tensor)
    for tensor in (*targets, None, *sources, None, *seeds):
        place = None if tensor is None else find(id(tensor))
        add(new(tensor) if tensor is not None and place is None else place)
    return tuple(parts)


def _bytes(tensor: Tensor) -> bytes:
    return tensor._array.tobytes()  # type: ignore[attr-defined, no-any-return]


def _small_integers(tensors: Sequence[Tensor]) -> dict[int, bytes]:
    return {
        place: _bytes(t)
        for place, t in enumerate(tensors)
        if type(t) is EagerTensor and t._array.dtype.kind in "iu" and t._array.size <= _SMALL
    }


def _compiled(
    integers: dict[int, bytes],
    nodes: Sequence[Node],
    targets: Sequence[Tensor],
    sources: Sequence[Tensor],
    seeds: Sequence[Any],
    places: dict[int, int],
    tensors: Sequence[Tensor],
    by: Pull,
) -> Callable[[list[Tensor]], list[Any]]:
    """The pass as a compiled function of the values of a tape's tensors."""
    forms: list[Any] = []
    needed: list[int] = []

    def backward(graph: Graph) -> list[Tensor]:
        mirrors: list[Tensor] = [
            graph.constant(_array_of(t)) if place in integers else graph.add_input(t.dtype, t.dims)
            for place, t in enumerate(tensors)
        ]

        def mirror(tensor: Tensor) -> Tensor:
            return mirrors[places[id(tensor)]]

        mirrored = [
            Node(n.op, tuple(map(mirror, n.inputs)), n.attrs, tuple(map(mirror, n.outputs)), n.name, origin=n.origin)
            for n in nodes
        ]
        given = [None if s is None else mirror(s) for s in seeds]
        found = by(mirrored, list(map(mirror, targets)), list(map(mirror, sources)), given)
        parts = [_parts(f) for f in found]
        forms.extend(
            None if f is None else (type(f) is IndexedSlices, len(p)) for f, p in zip(found, parts, strict=True)
        )
        outputs = [t for part in parts for t in part]
        used = {id(t) for node in graph.nodes for t in node.inputs} | {id(t) for t in outputs}
        needed.extend(place for place, t in enumerate(mirrors) if place not in integers and id(t) in used)
        kept = {id(mirrors[place]) for place in needed}
        graph.inputs = [t for t in graph.inputs if id(t) in kept]
        return outputs

    run = traced("backward", backward)

    def call(tensors: list[Tensor]) -> list[Any]:
        values = iter([EagerTensor(a) for a in run([tensors[p]._array for p in needed])])  # type: ignore[attr-defined]
        return [None if form is None else _packed(form, values) for form in forms]

    return call


def _array_of(tensor: Tensor) -> np.ndarray[Any, Any]:
    return tensor._array  # type: ignore[attr-defined, no-any-return]


def _parts(cotangent: Any) -> list[Tensor]:
    if cotangent is None:
        return []
    if isinstance(cotangent, IndexedSlices):
        return list(cotangent._components())
    return [cotangent]


def _packed(form: tuple[bool, int], values: Any) -> Any:
    sparse, count = form
    taken = [next(values) for _ in range(count)]
    return IndexedSlices(*taken) if sparse else taken[0]
