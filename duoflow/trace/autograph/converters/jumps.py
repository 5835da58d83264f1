"""Lowers break, continue and return to flags, so that blocks are left only at their ends.

    while a:                 break_ = False
        if b:                while not break_ and a:
            break      ->        if b:
        c()                          break_ = True
                                 else:
                                     c()

Where a branch of an `if` always jumps, what follows moves into the other branch and the flag is often not needed;
else what follows is guarded by `if not flag`. A flag nobody reads is dropped again. Returns keep their native form
where none stands inside an `if` or a loop. The test of a `while` that assigns (`:=`) becomes a statement before the
loop and at the end of its body. A `for` becomes a LoweredFor, with what must hold for its next iteration.
"""

import ast
from collections.abc import Iterator

from ..lowered import LoweredFor
from ..names import OPERATORS, Names
from ..template import any_of, clone, load, negate, position, statement, statements
from .logic import assigns

_NESTED = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef, ast.Lambda)
_JUMPS = (ast.Break, ast.Continue, ast.Return)
_FUNCTIONAL = (ast.If, ast.While, ast.For)
Flags = frozenset[str]
_NONE: Flags = frozenset()


def convert(function: ast.FunctionDef, names: Names) -> None:
    """Lower the jumps of one function; those of functions inside it are left."""
    lowering = _Lowering(names)
    body, at = function.body, function
    returns = list(_returns(body, False))
    lowering.returns = any(inside for _, inside in returns)
    lowering.value = lowering.returns and any(node.value is not None for node, _ in returns)
    if lowering.value and not _always_jumps(body):
        body = [*body, ast.Return(value=None, **position(body[-1]))]
    body, _ = lowering.block(body)
    body = _without_unread(body, lowering.given - lowering.read)
    opening = _documentation(body)
    start: list[ast.stmt] = []
    if lowering.done in lowering.read:
        start += statements("flag = False", at, flag=lowering.done)
    if lowering.value:
        if lowering.done in lowering.read:
            start += statements(f"result = {OPERATORS}.UndefinedReturn()", at, result=lowering.result)
        body += statements("return result", returns[-1][0], result=lowering.result)
    function.body = [*body[:opening], *start, *body[opening:]]


class _Lowering:
    def __init__(self, names: Names):
        self.names = names
        self.returns = self.value = False
        self.done, self.result = names.fixed("do_return"), names.fixed("retval_")
        self.given: set[str] = {self.done}
        self.read: set[str] = set()
        self.loops: list[tuple[str, str]] = []

    def block(self, body: list[ast.stmt]) -> tuple[list[ast.stmt], Flags]:
        """The lowered block and the flags that may be set at its end."""
        lowered: list[ast.stmt] = []
        flags = _NONE
        for index, node in enumerate(body):
            rest = body[index + 1 :]
            if isinstance(node, ast.If) and rest and self.lowers(node):
                node, rest = _with_rest(node, rest)
            ends = _always_jumps([node])
            done, raised = self.statement(node)
            lowered += done
            flags |= raised
            if ends or not rest:
                break
            if raised:
                guarded, later = self.block(rest)
                lowered.append(self.unless(raised, guarded, rest[0]))
                flags |= later
                break
        return lowered, flags

    def lowers(self, node: ast.AST) -> bool:
        """Whether a jump in `node`, out of it, is one that gets lowered."""
        return any(self.returns or not isinstance(jump, ast.Return) for jump in _jumps_out_of(node))

    def unless(self, flags: Flags, body: list[ast.stmt], at: ast.AST) -> ast.stmt:
        self.read |= flags
        return ast.If(test=negate(any_of(sorted(flags), at)), body=body, orelse=[], **position(at))

    def statement(self, node: ast.stmt) -> tuple[list[ast.stmt], Flags]:
        match node:
            case ast.Break() | ast.Continue() if self.loops:
                flag = self.loops[-1][isinstance(node, ast.Continue)]
                return statements("flag = True", node, flag=flag), frozenset({flag})
            case ast.Return() if self.returns:
                return self.give_back(node), frozenset({self.done})
            case ast.While() | ast.For():
                return self.loop(node)
            case ast.Try() | ast.TryStar():
                return [node], self.attempt(node)
            case ast.If() | ast.With() | ast.Match():
                return [node], self.inside(node)
            case _:
                return [node], _NONE

    def give_back(self, node: ast.Return) -> list[ast.stmt]:
        flagged = statements("flag = True", node, flag=self.done)
        if not self.value:
            return flagged
        value = node.value if node.value is not None else ast.Constant(value=None, **position(node))
        return [statement("result = value", node, result=self.result, value=value), *flagged]

    def inside(self, node: ast.If | ast.With | ast.Match) -> Flags:
        flags = _NONE
        for block in _blocks(node):
            block[:], raised = self.block(block)
            flags |= raised
        return flags

    def attempt(self, node: ast.Try | ast.TryStar) -> Flags:
        node.body, flags = self.block(node.body)
        if node.orelse:
            ending, later = self.block(node.orelse)
            node.orelse = [self.unless(flags, ending, ending[0])] if flags else ending
            flags |= later
        for block in (*(handler.body for handler in node.handlers), node.finalbody):
            block[:], raised = self.block(block)
            flags |= raised
        return flags

    def loop(self, node: ast.While | ast.For) -> tuple[list[ast.stmt], Flags]:
        stop, skip = self.names.fresh("break_"), self.names.fresh("continue_")
        self.given |= {stop, skip}
        self.loops.append((stop, skip))
        node.body, flags = self.block(node.body)
        self.loops.pop()
        if skip in self.read:
            node.body = [*statements("flag = False", node, flag=skip), *node.body]
        stops = flags & {stop, self.done}
        self.read |= stops
        test = negate(any_of(sorted(stops), node)) if stops else None
        before = statements("flag = False", node, flag=stop) if stop in stops else []
        if isinstance(node, ast.While) and assigns(node.test):
            before += self.evaluate_in_body(node, stops)
        if isinstance(node, ast.While) and test is not None:
            node.test = ast.BoolOp(op=ast.And(), values=[test, node.test], **position(node.test))
        lowered = LoweredFor.of(node, test) if isinstance(node, ast.For) else node
        after, later = self.block(node.orelse) if node.orelse else ([], _NONE)
        node.orelse = []
        if after and stops:
            after = [self.unless(stops, after, after[0])]
        return [*before, lowered, *after], (flags & {self.done}) | later

    def evaluate_in_body(self, node: ast.While, stops: Flags) -> list[ast.stmt]:
        """Let a test that assigns be evaluated before the loop and at the end of its body, where that is assignment."""
        name = self.names.fresh("going")
        ending = statements("name = test", node, name=name, test=clone(node.test))
        node.body = [*node.body, self.unless(stops, ending, node) if stops else ending[0]]
        start = statements("name = test", node, name=name, test=node.test)
        node.test = load(name, node)
        return start


def _with_rest(node: ast.If, rest: list[ast.stmt]) -> tuple[ast.If, list[ast.stmt]]:
    """Move what follows an `if` into the branch that goes on, if the other always jumps."""
    if _always_jumps(node.body):
        return ast.If(test=node.test, body=node.body, orelse=[*node.orelse, *rest], **position(node)), []
    if _always_jumps(node.orelse):
        return ast.If(test=node.test, body=[*node.body, *rest], orelse=node.orelse, **position(node)), []
    return node, rest


def _always_jumps(body: list[ast.stmt]) -> bool:
    for node in body:
        match node:
            case ast.Break() | ast.Continue() | ast.Return() | ast.Raise():
                return True
            case ast.If() if _always_jumps(node.body) and _always_jumps(node.orelse):
                return True
            case ast.While(test=ast.Constant(value=value)) if value and not _breaks(node):
                return True  # it ends by return or raise, or never
    return False


def _breaks(loop: ast.While) -> bool:
    """Whether a `break` leads out of a loop."""
    return any(isinstance(jump, ast.Break) for node in loop.body for jump in _jumps_out_of(node))


def _returns(nodes: list[ast.AST] | list[ast.stmt], inside: bool) -> Iterator[tuple[ast.Return, bool]]:
    """The return statements of a function's own blocks, and whether each stands in an `if` or a loop."""
    for node in nodes:
        if isinstance(node, ast.Return):
            yield node, inside
        elif isinstance(node, (ast.stmt, ast.ExceptHandler, ast.match_case)) and not isinstance(node, _NESTED):
            yield from _returns(list(ast.iter_child_nodes(node)), inside or isinstance(node, _FUNCTIONAL))


def _jumps_out_of(node: ast.AST, in_loop: bool = False) -> Iterator[ast.AST]:
    """The jumps under `node` that lead out of it."""
    if isinstance(node, ast.Return) or isinstance(node, _JUMPS) and not in_loop:
        yield node
    elif isinstance(node, (ast.stmt, ast.ExceptHandler, ast.match_case)) and not isinstance(node, _NESTED):
        for field, value in ast.iter_fields(node):
            inner = in_loop or isinstance(node, (ast.While, ast.For)) and field == "body"
            for child in value if isinstance(value, list) else [value]:
                if isinstance(child, ast.AST):
                    yield from _jumps_out_of(child, inner)


def _blocks(node: ast.AST) -> Iterator[list[ast.stmt]]:
    for _, value in ast.iter_fields(node):
        if isinstance(value, list) and value and isinstance(value[0], ast.stmt):
            yield value
        elif isinstance(value, list) and value and isinstance(value[0], ast.match_case):
            yield from (case.body for case in value)


def _without_unread(body: list[ast.stmt], unread: set[str]) -> list[ast.stmt]:
    """Drop the assignments to flags that nothing reads."""
    for node in body:
        for block in [*_blocks(node), *(handler.body for handler in getattr(node, "handlers", ()))]:
            if not isinstance(node, _NESTED):
                block[:] = _without_unread(block, unread) or [ast.Pass(**position(block[0]))]
    return [node for node in body if not (isinstance(node, ast.Assign) and _target(node) in unread)]


def _target(node: ast.Assign) -> str | None:
    return node.targets[0].id if isinstance(node.targets[0], ast.Name) else None


def _documentation(body: list[ast.stmt]) -> int:
    """How many statements at the start must stay first: the docstring, and global and nonlocal declarations."""
    count = 0
    for node in body:
        documents = (
            isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str)
        )
        if not (documents or isinstance(node, (ast.Global, ast.Nonlocal))):
            break
        count += 1
    return count
