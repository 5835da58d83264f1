"""Which symbols are read later, at the control flow of a function: backward over structured code.

Jumps were lowered before (converters/jumps.py), so blocks are left only at their ends or by exceptions. `annotate`
writes on each If, While and For node: `live_out`, what is read after it, and `live_in`, what a branch or an iteration
reads before writing it (for loops, at the head of an iteration, where what is live after the loop is live too).
"""

import ast

from . import activity

Live = frozenset[str]
_NOTHING: Live = frozenset()


def annotate(body: list[ast.stmt]) -> None:
    """Annotate the control flow of a function's body."""
    everywhere = activity.of(body)
    always = frozenset(everywhere.captured | everywhere.declared.keys())
    _Backward().block(body, always, always)


class _Backward:
    def block(self, body: list[ast.stmt], live: Live, always: Live) -> Live:
        """What is live before `body` when `live` is after it; `always` is live anywhere in it: exceptions lead out."""
        for node in reversed(body):
            live = self.statement(node, live, always) | always
        return live

    def statement(self, node: ast.stmt, live: Live, always: Live) -> Live:
        match node:
            case ast.If():
                return self.branch(node, live, always)
            case ast.While() | ast.For():
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
        node.live_out = live  # type: ignore[attr-defined]
        inside = self.block(node.body, live, always) | self.block(node.orelse, live, always)
        node.live_in = inside  # type: ignore[attr-defined]
        test = activity.of(node.test)
        return (inside - test.writes) | test.reads

    def loop(self, node: ast.While | ast.For, live: Live, always: Live) -> Live:
        node.live_out = live  # type: ignore[attr-defined]
        if isinstance(node, ast.While):
            test, written = activity.of(node.test).reads, _NOTHING
        else:
            extra = node.extra_test  # type: ignore[attr-defined]
            test = activity.of(extra).reads if extra is not None else set()
            written = frozenset(activity.of(node.target).writes)
        head: Live = live | test
        while True:
            again = head | (self.block(node.body, head, always) - written)
            if again == head:
                break
            head = again
        node.live_in = head  # type: ignore[attr-defined]
        return head | activity.of(node.iter).reads if isinstance(node, ast.For) else head

    def attempt(self, node: ast.Try | ast.TryStar, live: Live, always: Live) -> Live:
        after = self.block(node.finalbody, live, always)
        caught = after
        for handler in node.handlers:
            inside = self.block(handler.body, after, always | after)
            caught |= inside | (activity.of(handler.type).reads if handler.type else _NOTHING)
        ending = self.block(node.orelse, after, always | after)
        return self.block(node.body, ending, always | caught)
