"""A loop of the graph over the state of a statement: while_loop, or a fold over a dataset, builds it.

The state is carried as tensors, of one dtype and shape throughout; `set_loop_options(shape_invariants=...)` relaxes a
shape. Variables that only an iteration defines start as zeros of the type it gives them; nobody reads these zeros,
because such a loop fails if it ends before its first iteration.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from ....core import shapes
from ....core.late import F
from ....core.shapes import TensorShape
from ....core.tensor import Tensor
from . import state
from .state import Block, Value
from .symbolic import probe
from .undefined import UndefinedReturn

_PLACES = ("before the loop", "after one iteration")
_WHAT = "A loop on tensors keeps the type of its variables"


@dataclass(frozen=True)
class Access:
    """How the state of a statement is read and replaced, and what its parts are called."""

    get: Callable[[], tuple[Any, ...]]
    set: Callable[[Any], None]
    names: tuple[str, ...]


class Widened(Exception):
    """An iteration gave a tensor a more general shape: the loop has to be built again for that."""


class GraphLoop:
    """The state of a loop as the tensors that the graph carries around it."""

    def __init__(self, body: Block, access: Access, shape_invariants: Any = None):
        self.body = body
        self.access = access
        self.first: list[Value] = []
        self.undefined: dict[int, Any] = {}
        self.stand_ins: list[str] = []
        self.invariants = self._given(shape_invariants)

    def _given(self, pairs: Any) -> dict[int, list[Any]]:
        """The shapes of `shape_invariants=[(variable, shape), ...]` by the position of the variable in the state."""
        if not pairs:
            return {}
        return {
            index: [TensorShape(shape)]
            for index, value in enumerate(self.access.get())
            for given, shape in pairs
            if given is value
        }

    def define_missing(self, prepare: Block = lambda: None) -> None:
        """Start variables that are undefined or None, and that an iteration defines, with zeros of that type.

        `prepare` runs in the graph in which an iteration is tried.
        """
        before = self.access.get()
        missing = [index for index, value in enumerate(before) if value is None or state.is_undefined(value)]
        if not missing:
            return
        try:
            after = probe(lambda: self._tried(before, prepare))[0]
        except UnboundLocalError as error:
            names = ", ".join(f"'{state.shown_name(self.access.names[index])}'" for index in missing)
            message = f"{names} must be defined before the loop: an iteration reads it first ({error})."
            raise state.problem(ValueError, message) from error
        values = list(before)
        for index in missing:
            if not state.is_undefined(after[index].structure):
                values[index] = state.zeros_like(after[index])
                if not isinstance(before[index], UndefinedReturn):  # the flag beside it tells whether it counts
                    self.stand_ins.append(self.access.names[index])
                self.invariants[index] = [getattr(tensor, "shape", None) for tensor in after[index].tensors]
        self.access.set(tuple(values))

    def _tried(self, before: Any, prepare: Block) -> list[Value]:
        prepare()
        values = state.read(self.access.names, before)
        self.access.set(tuple(state.write(values, [state.unknown_like(t) for value in values for t in value.tensors])))
        self.body()
        after = state.read(self.access.names, self.access.get())
        self.access.set(before)
        return after

    def must_iterate(self) -> str:
        """What to say of a run without an iteration; empty if it leaves no variable undefined."""
        names = ", ".join(self.stand_ins)
        return names and (
            f"loop must iterate at least once to initialize {names}, which only an iteration assigns and what follows "
            "reads. Assign a value before the loop."
        )

    def start(self) -> list[Any]:
        """The tensors of the state before the loop."""
        self.first = state.read(self.access.names, self.access.get())
        return [tensor for value in self.first for tensor in value.tensors]

    def shapes(self) -> list[Any]:
        """The static shapes of these tensors throughout the loop."""
        return [
            shape if shape is not None else getattr(tensor, "shape", None)
            for index, value in enumerate(self.first)
            for tensor, shape in zip(value.tensors, self._invariants_of(index), strict=True)
        ]

    def _invariants_of(self, index: int) -> list[Any]:
        count = len(self.first[index].tensors)
        given = self.invariants.get(index, [None])
        return given * count if len(given) == 1 else given

    def enter(self, tensors: Sequence[Any]) -> None:
        """Give the state the tensors of the current iteration."""
        self.access.set(tuple(state.write(self.first, tensors)))

    def _after(self) -> list[Value]:
        return state.read(self.access.names, self.access.get())

    def leave(self) -> list[Any]:
        """The tensors of the state after an iteration, checked against those before the loop."""
        tensors = []
        for index, (mine, theirs) in enumerate(zip(self.first, self._after(), strict=True)):
            if state.is_undefined(mine.structure):
                self.undefined[index] = theirs.structure
                continue
            if state.is_undefined(theirs.structure):
                theirs.structure.use()
            state.check_alike(mine, theirs, _PLACES, _WHAT)
            for old, new, fixed in zip(mine.tensors, theirs.tensors, self._invariants_of(index), strict=True):
                _check_shape(mine.name, old, new, fixed)
            tensors += theirs.tensors
        return tensors

    def widen(self) -> None:
        """Raise `Widened` if an iteration's tensors have other shapes than those that the loop was built for."""
        wider = False
        for index, (mine, theirs) in enumerate(zip(self.first, self._after(), strict=True)):
            known = self._invariants_of(index)
            if len(known) != len(theirs.tensors):
                continue
            for i, (old, new) in enumerate(zip(mine.tensors, theirs.tensors, strict=True)):
                if known[i] is None and isinstance(old, Tensor) and isinstance(new, Tensor):
                    common = TensorShape(shapes.relax(old.dims, new.dims))
                    if not common.is_subtype_of(TensorShape(old.dims)):
                        known, wider = [*known[:i], common, *known[i + 1 :]], True
            self.invariants[index] = known
        if wider:
            raise Widened

    def run(self, test: Block, must_iterate: str = "", **options: Any) -> None:
        """Build a while_loop and give the state its results; `must_iterate` is the error of one without iterations."""
        started = self.start()
        iterated = [F.constant(False)] if must_iterate else []
        dummy = [] if started or iterated else [F.zeros([], "int32")]

        def loop_test(*tensors: Any) -> Any:
            self.enter(tensors)
            going = state.condition(test(), "while loop")
            return F.required(going, F.logical_or(going, tensors[-1]), must_iterate) if must_iterate else going

        def loop_body(*tensors: Any) -> list[Any]:
            self.enter(tensors)
            self.body()
            return [*self.leave(), *[F.constant(True) for _ in iterated]] or list(tensors)

        if self.invariants:
            options["shape_invariants"] = [*self.shapes(), *[t.shape for t in iterated]]
        self.finish(state.as_list(F.while_loop(loop_test, loop_body, [*started, *iterated, *dummy], **options)))

    def finish(self, tensors: Sequence[Any]) -> None:
        """Give the state the results of the loop."""
        values = state.write(self.first, tensors)
        self.access.set(tuple([self._told(index, value) for index, value in enumerate(values)]))

    def _told(self, index: int, value: Any) -> Any:
        """An undefined value with the reason it is, from the iteration that could have defined it."""
        later = self.undefined.get(index)
        return later if later is not None and state.is_undefined(value) and state.is_undefined(later) else value


def _check_shape(name: str, old: Any, new: Any, fixed: Any) -> None:
    if not isinstance(old, Tensor) or not isinstance(new, Tensor):
        return
    if fixed is None:
        if not TensorShape(new.dims).is_subtype_of(TensorShape(old.dims)):
            raise state.problem(
                ValueError,
                f"'{name}' has shape {shapes.show(old.dims)} before the loop, but shape {shapes.show(new.dims)} after "
                "one iteration. Use tf.autograph.experimental.set_loop_options to set shape invariants.",
            )
    elif not TensorShape(new.dims).is_subtype_of(TensorShape(fixed)):
        raise state.problem(
            ValueError,
            f"'{name}' has shape {shapes.show(new.dims)} after one iteration, which does not conform with the shape "
            f"invariant {fixed}.",
        )
