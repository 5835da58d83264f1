"""Users' functions in pipelines: traced once, with AutoGraph, and run per element."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from duoflow.core import nest
from duoflow.core.context import context, eager_only
from duoflow.core.engine import executable
from duoflow.core.tensor import GraphTensor
from duoflow.trace.autograph import convert
from duoflow.trace.function import function

from .structure import Flat, Structure, array, normalize

__all__ = ["Traced"]


def arguments(structure: Structure, values: list[Any]) -> tuple[Any, ...]:
    """A user's function takes a tuple element as several arguments, anything else as one."""
    packed = nest.pack_sequence_as(structure.spec, values)
    return tuple(packed) if type(packed) is tuple else (packed,)


class Traced:
    """A function of an element that returns a structure of tensors and datasets."""

    def __init__(self, user_function: Callable[..., Any], structure: Structure, what: str) -> None:
        if not callable(user_function):
            raise TypeError(f"{what} needs a callable, received {user_function!r}.")
        self._input = structure

        converted = convert(user_function)

        def normalized(*args: Any) -> Any:
            out = converted(*args)
            return normalize(tuple(out) if type(out) is list else out)  # as ops that give lists would have it

        specs = arguments(structure, list(structure.flat))
        self._concrete = function(normalized, autograph=False).get_concrete_function(*specs)
        captured = self._concrete.captured_inputs
        #: What the function takes from outside, if a graph around it is needed to know that.
        self._captured = tuple(captured) if any(type(t) is GraphTensor for t in captured) else ()
        self.output = Structure.of(self._concrete.structured_outputs)

    def __call__(self, flat: Flat) -> Flat:
        if context.graph is None and not context.tapes:
            return self._run(flat)
        with eager_only():
            return self._run(flat)

    def _run(self, flat: Flat) -> Flat:
        if self._captured:
            return tuple(executable(self._concrete.graph).run([*flat, *map(array, self._captured)]))
        return tuple(self._concrete.run_flat(list(flat)))
