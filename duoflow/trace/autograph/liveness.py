"""Which symbols are read later, at the control flow of a function: backward over structured code.

Jumps were lowered before (converters/jumps.py), so blocks are left only at their ends or by exceptions.
"""

import ast
from dataclasses import dataclass

from . import activity
from .lowered import LoweredFor

Live = frozenset[str]
_NOTHING: Live = frozenset()


@dataclass(frozen=True)
class Liveness:
    """The symbols live around an if, while or for statement.

    after: what is read after it
    inside: what a branch reads before writing it; for loops, what is live at the head of an iteration, which what is
      live after the loop is too
    """

    after: Live
    inside: Live


def of(body: list[ast.stmt]) -> dict[ast.stmt, Liveness]:
    """The liveness of the if, while and for statements of a function's body."""
    everywhere = activity.of(body)
    always = frozenset(everywhere.captured | everywhere.declared.keys())
    backward = _Backward()
    backward.block(body, always, always)
    return backward.found


class _Backward:
    def __init__(self) -> None:
        self.found: dict[ast.stmt, Liveness] = {}

    def block(self, body: list[ast.stmt], live: Live, always: Live) -> Live:
        """What is live before `body` when `live` is after it; `always` is live anywhere in it: exceptions lead out."""
        for node in reversed(body):
            live = self.statement(node, live, always) | always
        return live

    def statement(self, node: ast.stmt, live: Live, always: Live) -> Live:
        match node:
            case ast.If():
                return self.branch(node, live, always)
            case ast.While() | LoweredFor():
                return self.loop(node, live, always)
            case ast.With():
                heads = activity.of(node.items)
                return (self.block(node.body, live, always) - heads.writes) | heads.reads
            case ast.Try() | ast.TryStar():
                return self.attempt(node, live, always)
            case ast.Match():
                before = live
                for case in node.cases:
                    head = activity.of([case.pattern, *([case.guard] if case.guard else [])])
                    before |= (self.block(case.body, live, always) - head.writes) | head.reads
                return before | activity.of(node.subject).reads
            case _:
                found = activity.of(node)
                return (live - found.writes) | found.reads

    def branch(self, node: ast.If, live: Live, always: Live) -> Live:
        inside = self.block(node.body, live, always) | self.block(node.orelse, live, always)
        self.found[node] = Liveness(live, inside)
        test = activity.of(node.test)
        return (inside - test.writes) | test.reads

    def loop(self, node: ast.While | LoweredFor, live: Live, always: Live) -> Live:
        test: ast.expr | None = None
        if isinstance(node, ast.While):
            test, written, iterated = node.test, _NOTHING, _NOTHING
        else:
            test, written = node.extra_test, frozenset(activity.of(node.target).writes)
            iterated = frozenset(activity.of(node.iter).reads)
        head: Live = live | (activity.of(test).reads if test is not None else _NOTHING)
        while True:
            again = head | (self.block(node.body, head, always) - written)
            if again == head:
                break
            head = again
        self.found[node] = Liveness(live, head)
        return head | iterated

    def attempt(self, node: ast.Try | ast.TryStar, live: Live, always: Live) -> Live:
        after = self.block(node.finalbody, live, always)
        caught = after
        for handler in node.handlers:
            inside = self.block(handler.body, after, always | after)
            caught |= inside | (activity.of(handler.type).reads if handler.type else _NOTHING)
        ending = self.block(node.orelse, after, always | after)
        return self.block(node.body, ending, always | caught)
