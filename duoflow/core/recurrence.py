"""What comes by again and again in eager mode is compiled.

A training loop without `tf.function` does the same in every step. Where nothing can be seen between the ops of a part
of it (a backward pass, an optimizer's update), the part is done op by op until it has come by often enough, then traced
and compiled like any function. `Recurrences` tells parts apart by their form, counts them and keeps what was compiled;
a part that cannot be compiled stays op by op.
"""

from __future__ import annotations

import logging
from collections import OrderedDict
from collections.abc import Callable, Sequence
from typing import Any

from .context import context
from .engine import executable
from .errors import OpError
from .graph import Graph
from .switches import switches
from .tensor import Tensor

__all__ = ["Recurrence", "Recurrences", "may_compile", "traced"]

_logger = logging.getLogger("duoflow")

#: How often a part is done op by op before it is compiled, and how many more times for so many ops.
_AT_LEAST, _OPS_A_TIME = 32, 8
#: How many forms are remembered.
_FORMS = 128


def may_compile() -> bool:
    """Whether nobody looks on: no graph is built, no tape records, no debugger checks every op."""
    return context.graph is None and not context.tapes and not switches.watched and switches.eager_compile


class Recurrence:
    """One form: how often it came by, and what was compiled for it."""

    def __init__(self) -> None:
        self.seen = 0
        self.refused = False
        self.code: Any = None

    def compiled(self, ops: int, make: Callable[[], Any]) -> Any:
        """What `make` compiles, once a part of so many ops has come by often enough; None before, or if it fails."""
        if self.code is None and not self.refused:
            self.seen += 1
            if self.seen > _AT_LEAST + ops // _OPS_A_TIME:
                try:
                    self.code = make()
                except (LookupError, NotImplementedError, TypeError, ValueError, OpError) as error:
                    self.refused = True
                    _logger.debug("What recurs stays op by op: %s", error)
        return self.code


class Recurrences:
    """Forms by key; the oldest are forgotten when there are many. Copies of who has them begin anew."""

    def __init__(self) -> None:
        self._forms: OrderedDict[Any, Any] = OrderedDict()

    def __reduce__(self) -> tuple[Any, ...]:
        return Recurrences, ()

    def of(self, key: Any, make: Callable[[], Any] = Recurrence) -> Any:
        """The form of a key, made now if it is new; None for a key that cannot be hashed."""
        try:
            form = self._forms.get(key)
        except TypeError:
            return None
        if form is None:
            form = self._forms[key] = make()
            if len(self._forms) > _FORMS:
                self._forms.popitem(last=False)
        return form


def traced(name: str, make: Callable[[Graph], Sequence[Tensor]]) -> Callable[[list[Any]], list[Any]]:
    """A compiled function of the values of the inputs that `make` gives a new graph; of its outputs, which it returns.

    Tensors and variables from outside that the graph uses are what they were.
    """
    graph = Graph(name, is_function=True)
    with graph.as_default():
        graph.outputs = list(make(graph))
    held = [outer._array for outer, _ in graph.captures.values()]  # type: ignore[attr-defined]
    run = executable(graph).run
    return lambda values: run(values + held)
