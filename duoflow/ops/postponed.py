"""Calls whose graph depends on ranks or sizes that are not known while tracing.

A function that must know them is `@postponed`: a call that finds them unknown becomes one node, in whose place comes
the function's graph when an engine has made the shapes concrete. The gradient of such a node is such a node again.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from typing import Any, TypeVar

from duoflow.core import nest
from duoflow.core.autodiff import GradientTape
from duoflow.core.context import context, entered
from duoflow.core.dtypes import DType
from duoflow.core.emit import emit
from duoflow.core.graph import Graph
from duoflow.core.late import F
from duoflow.core.record import Kind, Op, register
from duoflow.core.scalar import Unsupported
from duoflow.core.spec import Spec
from duoflow.core.tensor import EagerTensor, Tensor, convert

__all__ = ["is_ranked", "is_sized", "postponed"]

Function = TypeVar("Function", bound=Callable[..., Any])


def is_ranked(spec: Spec) -> bool:
    """Whether the number of dimensions is known."""
    return spec.shape is not None


def is_sized(spec: Spec) -> bool:
    """Whether the sizes of the matrices that a tensor holds are known (there are none in a number)."""
    return spec.shape is not None and None not in spec.shape[-2:]


class _Call:
    """A function with its arguments, tensors left out."""

    def __init__(self, function: Callable[..., Any], args: Sequence[Any], until: Callable[[Spec], bool]) -> None:
        leaves = nest.flatten(args)
        self.until = until
        self._function, self._form = function, nest.pack_sequence_as(args, [_plain(leaf) for leaf in leaves])
        self._holes = [i for i, leaf in enumerate(leaves) if isinstance(leaf, Tensor)]

    def __call__(self, *tensors: Tensor) -> tuple[Tensor, ...]:
        leaves = nest.flatten(self._form)
        for i, tensor in zip(self._holes, tensors, strict=True):
            leaves[i] = tensor
        return (convert(self._function(*nest.pack_sequence_as(self._form, leaves))),)

    def __repr__(self) -> str:
        return self._function.__name__


class _Back:
    """The gradient of a call: its inputs and the cotangents of its results give those of the inputs in `wanted`."""

    def __init__(self, call: Callable[..., Any], count: int, wanted: Sequence[int]) -> None:
        self.until = call.until  # type: ignore[attr-defined]
        self._call, self._count, self._wanted = call, count, wanted

    def __call__(self, *tensors: Tensor) -> tuple[Tensor, ...]:
        inputs = [F.identity(t) if i in self._wanted else t for i, t in enumerate(tensors[: self._count])]
        sources = [inputs[i] for i in self._wanted]
        with GradientTape(watch_accessed_variables=False) as tape:
            for source in sources:
                tape.watch(source)
            results = self._call(*inputs)
        found = tape.gradient(list(results), sources, list(tensors[self._count :]), "zero")
        return tuple([convert(g) for g in found])

    def __repr__(self) -> str:
        return f"gradient of {self._call!r}"


def _plain(leaf: Any) -> Any:
    return None if isinstance(leaf, Tensor) else leaf


def _infer(*specs: Spec, call: Any, dtypes: tuple[DType, ...]) -> tuple[Spec, ...]:
    if not all(map(call.until, specs)):
        return tuple([Spec(None, dtype) for dtype in dtypes])
    graph = Graph("postponed", is_function=True)
    with entered(tapes=()), graph.as_default():
        results = call(*[graph.add_input(spec.dtype, spec.shape) for spec in specs])
    return tuple([Spec(t.spec.shape, t.dtype) for t in results])


def _evaluate(*arrays: Any, call: Any, dtypes: tuple[DType, ...]) -> tuple[Any, ...]:
    with entered(graph=None, tapes=()):
        return tuple([t._array for t in call(*map(EagerTensor, arrays))])


def _expand(*tensors: Tensor, call: Any, dtypes: tuple[DType, ...]) -> tuple[Tensor, ...]:
    if not all(call.until(t.spec) for t in tensors):
        raise Unsupported("a shape that is not known yet")
    return call(*tensors)  # type: ignore[no-any-return]


def _gradient(node: Any, *cotangents: Any) -> tuple[Any, ...]:
    inputs = node.inputs
    wanted = [i for i, t in enumerate(inputs) if t.dtype.is_differentiable]
    back = _Back(node.attrs["call"], len(inputs), wanted)
    attrs = {"call": back, "dtypes": tuple([inputs[i].dtype for i in wanted])}
    found = iter(emit(POSTPONED, (*inputs, *cotangents), attrs))
    return tuple([next(found) if i in wanted else None for i in range(len(inputs))])


POSTPONED = register(
    Op("Postponed", Kind.COMPOUND, _infer, _evaluate, _gradient, expand=_expand, num_outputs=None, checked=False)
)


def postponed(until: Callable[[Spec], bool] = is_ranked) -> Callable[[Function], Function]:
    """Let a function of tensors see only such as `until` holds of; where it does not yet hold, the call is a node.

    The function gives one tensor, of the dtype of its first; what else it is given must be no tensors.
    """

    def decorate(function: Function) -> Function:
        @functools.wraps(function)
        def call(*args: Any) -> Any:
            if context.graph is None:
                return function(*args)
            tensors = [leaf for leaf in nest.flatten(args) if isinstance(leaf, Tensor)]
            if all(until(t.spec) for t in tensors):
                return function(*args)
            attrs = {"call": _Call(function, args, until), "dtypes": (tensors[0].dtype,)}
            return emit(POSTPONED, tuple(tensors), attrs)[0]

        return call  # type: ignore[return-value]

    return decorate
