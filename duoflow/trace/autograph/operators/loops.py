"""while and for statements: Python loops, or loops of the graph.

A Python loop whose test turns symbolic on the way goes on as a loop of the graph; a Python `for` whose `break` depends
on a tensor runs its later iterations under a condition.
"""

from __future__ import annotations

import collections.abc
from collections.abc import Callable
from typing import Any

from ....core.context import context
from ....core.late import F
from ....core.tensor import convert
from . import state
from .conditionals import if_stmt
from .graph_loop import Access, GraphLoop, Widened
from .iteration import Items, is_dataset, over_items
from .state import Block
from .symbolic import is_symbolic, probe


def while_stmt(
    test: Block,
    body: Block,
    get_state: Callable[[], tuple[Any, ...]] = tuple,
    set_state: Callable[[Any], None] = lambda values: None,
    names: tuple[str, ...] = (),
    shape_invariants: Any = None,
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
    loop = GraphLoop(body, Access(get_state, set_state, names), shape_invariants)
    loop.define_missing()
    loop.run(test, loop.must_iterate(), **options)


def for_stmt(
    iterated: Any,
    extra_test: Block | None,
    body: Callable[[Any], Any],
    get_state: Callable[[], tuple[Any, ...]] = tuple,
    set_state: Callable[[Any], None] = lambda values: None,
    names: tuple[str, ...] = (),
    shape_invariants: Any = None,
    target: str = "",
    **options: Any,
) -> None:
    """Run a block for each item, as long as `extra_test` holds; `target` is the name that takes the item, if one does.

    A target that is not assigned is the start of a `tf.range` that is empty, as in TensorFlow.
    """
    access = Access(get_state, set_state, names)
    items = over_items(iterated)
    if items is not None:
        if items.start is not None and target in names:
            values = access.get()
            access.set([
                items.start if name == target and state.is_undefined(value) else value
                for name, value in zip(names, values, strict=True)
            ])  # fmt: skip
        _over_items(items, extra_test, body, access, shape_invariants, options)
    elif is_dataset(iterated):
        _over_dataset(iterated, extra_test, body, access, shape_invariants)
    elif extra_test is None:
        for item in iterated:
            body(item)
    else:
        _over_python(iterated, extra_test, body, access)


def _over_python(iterated: Any, extra_test: Block, body: Callable[[Any], Any], access: Access) -> None:
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
        later = lambda item=item: body(item)
        if_stmt(going, later, lambda: None, access.get, access.set, access.names, len(access.names))


def _over_items(
    items: Items, extra_test: Block | None, body: Callable[[Any], Any], access: Access, invariants: Any, options: Any
) -> None:
    """A `for` as a `while` over the index, which is one more state variable."""
    index: list[Any] = [F.zeros([], items.length.dtype)]

    def one() -> None:
        now = index[0]
        body(items.item(now))
        index[0] = now + 1

    def test() -> Any:
        more = index[0] < length
        return more if extra_test is None else F.logical_and(more, convert(extra_test()))

    def put(values: Any) -> None:
        index[0] = values[0]
        access.set(tuple(values[1:]))

    indexed = Access(lambda: (index[0], *access.get()), put, ("loop index", *access.names))
    loop = GraphLoop(one, indexed, invariants)
    loop.define_missing()
    length, message = items.length, loop.must_iterate()
    if message:
        length = F.required(length, length > 0, message)
    loop.run(test, **options)


def _over_dataset(
    dataset: Any, extra_test: Block | None, body: Callable[[Any], Any], access: Access, invariants: Any
) -> None:
    """A `for` as a fold over the elements; whether to go on comes first in the state, whether there was one last."""
    item: list[Any] = [None]
    loop = GraphLoop(lambda: body(item[0]), access, invariants)

    def going() -> Any:
        return convert(True if extra_test is None else extra_test())

    def some_element() -> None:
        graph = context.graph
        assert graph is not None
        form = dataset._structure
        item[0] = form.pack_tensors([graph.placeholder(s.dtype, s.shape.as_tuple()) for s in form.tensor_specs])

    def step(tensors: Any, element: Any) -> Any:
        item[0] = element
        loop.enter(tensors[1:])
        loop.body()
        loop.widen()
        left = loop.leave()
        return (going(), *left, True)

    loop.define_missing(some_element)
    before = access.get()
    while True:
        started = loop.start()
        try:
            *results, iterated = dataset._fold((going(), *started, False), step, [(), *loop.shapes(), ()])
            break
        except Widened:
            access.set(before)
    if message := loop.must_iterate():
        F.Assert(iterated, [message])
    loop.finish(results[1:])
