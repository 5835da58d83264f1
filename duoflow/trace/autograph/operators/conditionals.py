"""if statements and conditional expressions: Python decides, or the graph does."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ....core.late import F
from . import state
from .state import Block, Value
from .symbolic import is_symbolic, probe
from .undefined import Undefined, UndefinedReturn

_BRANCHES = ("at the end of the main branch", "at the end of the else branch")
_WHAT = "Both branches of an `if` on a tensor must give a variable the same type"


def if_stmt(
    cond: Any,
    body: Block,
    orelse: Block,
    get_state: Callable[[], tuple[Any, ...]] = tuple,
    set_state: Callable[[Any], None] = lambda values: None,
    names: tuple[str, ...] = (),
    outputs: int = 0,
) -> None:
    """Run one of two blocks. The first `outputs` state values are read after the statement."""
    if not is_symbolic(cond):
        if cond:
            body()
        else:
            orelse()
        return
    cond = state.condition(cond, "if statement")
    before = get_state()
    branches = _Branches(before, get_state, set_state, names[:outputs])
    results = F.cond(cond, lambda: branches.main(body, orelse), lambda: branches.other(orelse))
    set_state((*branches.after(state.as_list(results)), *before[outputs:]))


def if_exp(cond: Any, body: Block, orelse: Block) -> Any:
    """The value of one of two expressions."""
    if not is_symbolic(cond):
        return body() if cond else orelse()
    value: list[Any] = [None]

    def put(new: Any) -> None:
        value[:] = new

    def run(expression: Block) -> Block:
        return lambda: put([expression()])

    if_stmt(cond, run(body), run(orelse), lambda: (value[0],), put, ("conditional expression",), 1)
    return value[0]


class _Branches:
    """Traces the two branches and makes their state agree. The graph op calls `main` first, then `other`."""

    def __init__(self, before: Any, get_state: Any, set_state: Any, names: tuple[str, ...]):
        self.before = before
        self.get_state = get_state
        self.set_state = set_state
        self.names = names
        self.first: list[Value] = []
        self.undefined: dict[int, Undefined] = {}

    def run(self, block: Block) -> list[Any]:
        self.set_state(state.copies(self.before))
        block()
        return list(self.get_state()[: len(self.names)])

    def main(self, body: Block, orelse: Block) -> list[Any]:
        values = self.run(body)
        if any(isinstance(value, UndefinedReturn) for value in values):
            values = self.stand_in(values, probe(lambda: state.read(self.names, self.run(orelse)))[0])
        self.first = state.read(self.names, values)
        return [tensor for value in self.first for tensor in value.tensors]

    def other(self, orelse: Block) -> list[Any]:
        values = self.run(orelse)
        for index, (mine, theirs) in enumerate(zip(self.first, values, strict=True)):
            if state.is_undefined(mine.structure) or state.is_undefined(theirs):
                if not isinstance(theirs, UndefinedReturn):
                    self.undefined[index] = self.one_sided(mine, theirs)
                values[index] = state.zeros_like(mine)
        second = state.read(self.names, values)
        for mine, theirs in zip(self.first, second, strict=True):
            if not state.is_undefined(mine.structure):
                state.check_alike(mine, theirs, _BRANCHES, _WHAT)
        return [tensor for value in second for tensor in value.tensors]

    def stand_in(self, values: list[Any], others: list[Value]) -> list[Any]:
        """Zeros for a result that one branch does not give: the flag beside it says that it does not count."""
        return [
            state.zeros_like(o) if isinstance(v, UndefinedReturn) else v for v, o in zip(values, others, strict=True)
        ]

    def one_sided(self, mine: Value, theirs: Any) -> Undefined:
        if state.is_undefined(mine.structure) and state.is_undefined(theirs):
            return Undefined(mine.name, mine.structure.why or theirs.why)
        given, missing = ("else", "main") if state.is_undefined(mine.structure) else ("main", "else")
        message = (
            f"'{mine.name}' must also be initialized in the {missing} branch: it has a value in the {given} branch "
            "only of an `if` on a tensor, and is used after it. Assign it before the `if`, or in both branches."
        )
        return Undefined(mine.name, str(state.problem(ValueError, message)))

    def after(self, tensors: list[Any]) -> list[Any]:
        values = state.write(self.first, tensors)
        return [self.undefined.get(index, value) for index, value in enumerate(values)]
