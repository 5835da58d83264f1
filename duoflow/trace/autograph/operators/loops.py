"""while and for statements: Python loops, or loops of the graph.

A loop of the graph carries the state as tensors, of one dtype and shape throughout unless `shape_invariants` relaxes a
shape. A Python loop whose test turns symbolic on the way goes on as a loop of the graph; a Python `for` whose `break`
depends on a tensor runs its later iterations under a condition.
"""

from __future__ import annotations

import collections.abc
from collections.abc import Callable, Sequence
from typing import Any

from ....core import nest, shapes
from ....core.context import context
from ....core.late import F
from ....core.shapes import TensorShape
from ....core.tensor import Tensor, convert
from . import state
from .conditionals import if_stmt
from .iteration import Items, is_dataset, over_items
from .state import Block, Value
from .symbolic import is_symbolic, probe

_PLACES = ("before the loop", "after one iteration")
_WHAT = "A loop on tensors keeps the type of its variables"

GetState = Callable[[], tuple[Any, ...]]
SetState = Callable[[Any], None]


def while_stmt(
    test: Block,
    body: Block,
    get_state: GetState = tuple,
    set_state: SetState = lambda values: None,
    names: tuple[str, ...] = (),
    **options: Any,
) -> None:
    """Run a block while a test holds."""
    going, called_ops = probe(test)
    if not is_symbolic(going) and called_ops:
        going = test()
    while not is_symbolic(going):
        if not going:
            return
        body()
        going = test()
    loop = GraphLoop(body, get_state, set_state, names, options)
    loop.define_missing()
    loop.run(test)


def for_stmt(
    iterated: Any,
    extra_test: Block | None,
    body: Callable[[Any], Any],
    get_state: GetState = tuple,
    set_state: SetState = lambda values: None,
    names: tuple[str, ...] = (),
    **options: Any,
) -> None:
    """Run a block for each item, as long as `extra_test` holds."""
    items = over_items(iterated)
    if items is not None:
        _loop_over_items(items, extra_test, body, get_state, set_state, names, options)
    elif is_dataset(iterated):
        _loop_over_dataset(iterated, extra_test, body, get_state, set_state, names)
    elif extra_test is None:
        for item in iterated:
            body(item)
    else:
        _python_for(iterated, extra_test, body, get_state, set_state, names)


def _python_for(
    iterated: Any, extra_test: Block, body: Any, get_state: GetState, set_state: SetState, names: Any
) -> None:
    items = iter(iterated)
    while True:
        going = extra_test()
        if not is_symbolic(going) and not going:
            return
        try:
            item = next(items)
        except StopIteration:
            return
        if not is_symbolic(going):
            body(item)
            continue
        if not isinstance(iterated, collections.abc.Sized):
            raise state.problem(
                NotImplementedError,
                "break and return statements which depend on a TF condition are not supported in a Python `for` over "
                f"an iterator of unknown length ({type(iterated).__name__}). Iterate over tf.range or a list.",
            )
        if_stmt(going, lambda item=item: body(item), lambda: None, get_state, set_state, names, len(names))


def _loop_over_items(
    items: Items,
    extra_test: Block | None,
    body: Any,
    get_state: GetState,
    set_state: SetState,
    names: Any,
    options: Any,
) -> None:
    """A `for` as a `while` over the index, which is one more state variable."""
    index: list[Any] = [F.zeros([], items.length.dtype)]

    def one() -> None:
        now = index[0]
        body(items.item(now))
        index[0] = now + 1

    def test() -> Any:
        more = index[0] < items.length
        if extra_test is None:
            return more
        going = extra_test()
        if not is_symbolic(going):
            return more if going else F.zeros([], "bool")
        return F.logical_and(more, going)

    def put(values: Any) -> None:
        index[0] = values[0]
        set_state(tuple(values[1:]))

    loop = GraphLoop(one, lambda: (index[0], *get_state()), put, ("loop index", *names), options)
    loop.define_missing()
    loop.run(test)


def _loop_over_dataset(
    dataset: Any, extra_test: Block | None, body: Any, get_state: GetState, set_state: SetState, names: Any
) -> None:
    """A `for` as a fold over the elements; what the extra test says goes first in the state."""
    item: list[Any] = [None]
    loop = GraphLoop(lambda: body(item[0]), get_state, set_state, names, {})

    def going() -> Any:
        return convert(True if extra_test is None else extra_test())

    def step(tensors: Any, element: Any) -> Any:
        item[0] = element
        loop.enter(tensors[1:])
        loop.body()
        left = loop.leave()
        return (going(), *left)

    def first_element() -> Any:
        return nest.map_structure(lambda spec: context.graph.placeholder(spec.dtype, spec.shape.as_tuple()), spec)

    spec = dataset.element_spec
    loop.define_missing(lambda: item.__setitem__(0, first_element()))
    results = dataset._fold((going(), *loop.start()), step)
    loop.finish(results[1:])


class GraphLoop:
    """A loop of the graph over the state of a statement."""

    def __init__(
        self, body: Block, get_state: GetState, set_state: SetState, names: Sequence[str], options: dict[str, Any]
    ):
        self.body = body
        self.get_state = get_state
        self.set_state = set_state
        self.names = names
        self.options = dict(options)
        self.first: list[Value] = []
        self.undefined: dict[int, Any] = {}

    def define_missing(self, prepare: Block = lambda: None) -> None:
        """Start variables that are undefined or None, and that an iteration defines, with zeros of that type."""
        before = self.get_state()
        missing = [index for index, value in enumerate(before) if value is None or state.is_undefined(value)]
        if not missing:
            return
        try:
            after = probe(lambda: self._iteration(before, prepare))[0]
        except UnboundLocalError as error:
            names = ", ".join(f"'{state.shown_name(self.names[index])}'" for index in missing)
            message = f"{names} must be defined before the loop: an iteration reads it first ({error})."
            raise state.problem(ValueError, message) from error
        values = list(before)
        for index in missing:
            if not state.is_undefined(after[index].structure):
                values[index] = state.zeros_like(after[index])
        self.set_state(tuple(values))

    def _iteration(self, before: Any, prepare: Block) -> list[Value]:
        prepare()
        values = state.read(self.names, before)
        self.set_state(tuple(state.write(values, [tensor for value in values for tensor in value.tensors])))
        self.body()
        after = state.read(self.names, self.get_state())
        self.set_state(before)
        return after

    def start(self) -> list[Any]:
        """The tensors of the state before the loop."""
        self.first = state.read(self.names, self.get_state())
        return [tensor for value in self.first for tensor in value.tensors]

    def enter(self, tensors: Sequence[Any]) -> None:
        """Give the state the tensors of the current iteration."""
        self.set_state(tuple(state.write(self.first, tensors)))

    def leave(self, invariants: Sequence[Any] | None = None) -> list[Any]:
        """The tensors of the state after an iteration, checked against those before the loop."""
        after = state.read(self.names, self.get_state())
        kept = []
        for index, (mine, theirs) in enumerate(zip(self.first, after, strict=True)):
            if state.is_undefined(mine.structure):
                self.undefined[index] = theirs.structure
            elif state.is_undefined(theirs.structure):
                theirs.structure.use()
            else:
                state.match(mine, theirs, _PLACES, _WHAT)
                kept += [(mine.name, *pair) for pair in zip(mine.tensors, theirs.tensors, strict=True)]
        for (name, old, new), fixed in zip(kept, invariants or [None] * len(kept), strict=True):
            _check_shape(name, old, new, fixed)
        return [new for _, _, new in kept]

    def run(self, test: Block) -> None:
        """Build the loop and give the state its results."""
        started = self.start()
        invariants = self.invariants(started)
        dummy = [] if started else [F.zeros([], "int32")]

        def loop_test(*tensors: Any) -> Any:
            self.enter(tensors)
            return convert(test())

        def loop_body(*tensors: Any) -> list[Any]:
            self.enter(tensors)
            self.body()
            return self.leave(invariants) or list(tensors)

        options = {key: value for key, value in self.options.items() if key != "shape_invariants" and value is not None}
        if invariants is not None:
            options["shape_invariants"] = [
                old.shape if fixed is None and isinstance(old, Tensor) else fixed
                for old, fixed in zip(started, invariants, strict=True)
            ]
        results = F.while_loop(loop_test, loop_body, [*started, *dummy], **options)
        self.finish(state.as_list(results))

    def finish(self, tensors: Sequence[Any]) -> None:
        """Give the state the results of the loop."""
        values = state.write(self.first, tensors)
        self.set_state(tuple([self._told(index, value) for index, value in enumerate(values)]))

    def _told(self, index: int, value: Any) -> Any:
        """An undefined value with the reason it is, from the iteration that could have defined it."""
        later = self.undefined.get(index)
        return later if later is not None and state.is_undefined(value) and state.is_undefined(later) else value

    def invariants(self, started: list[Any]) -> list[Any] | None:
        """The shapes of `set_loop_options(shape_invariants=[(variable, shape), ...])`, in the order of the tensors."""
        pairs = self.options.get("shape_invariants")
        if not pairs:
            return None
        values = self.get_state()
        shapes_of = [next((shape for given, shape in pairs if given is value), None) for value in values]
        return [shape for value, shape in zip(self.first, shapes_of, strict=True) for _ in value.tensors]


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
