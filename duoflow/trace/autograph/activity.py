"""Which names a piece of syntax reads, writes and captures.

A symbol is a string: a variable, `x`, or an attribute of one, `self.x` (a chain of names). Writing `self.x` reads
`self`; the attribute is noted among `attributes`, because whoever holds the object sees it. Names captured by nested
functions, lambdas and generator expressions are kept apart: they may be read later than the place where they stand.
"""

from __future__ import annotations

import ast
from collections.abc import Iterable
from dataclasses import dataclass, field


@dataclass
class Activity:
    """The symbols of some nodes; `declared` are names made global or nonlocal by a declaration."""

    reads: set[str] = field(default_factory=set)
    writes: set[str] = field(default_factory=set)
    attributes: set[str] = field(default_factory=set)
    captured: set[str] = field(default_factory=set)
    declared: dict[str, str] = field(default_factory=dict)

    def add(self, other: Activity) -> None:
        """Take in the activity of a part."""
        self.reads |= other.reads
        self.writes |= other.writes
        self.attributes |= other.attributes
        self.captured |= other.captured
        self.declared |= other.declared


def of(nodes: ast.AST | Iterable[ast.AST]) -> Activity:
    """The activity of a node or of several, their blocks included and the bodies of nested functions not."""
    visitor = _Visitor()
    for node in [nodes] if isinstance(nodes, ast.AST) else nodes:
        visitor.visit(node)
    return visitor.found


def remember(body: list[ast.stmt]) -> None:
    """Compute the activity of every statement of a function once; `of` uses it from then on.

    To be called when no statement will be changed any more, only replaced.
    """
    for node in body:
        if not isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
            for value in vars(node).values():
                if isinstance(value, list) and value:
                    if isinstance(value[0], ast.stmt):
                        remember(value)
                    elif isinstance(value[0], (ast.ExceptHandler, ast.match_case)):
                        for part in value:
                            remember(part.body)
        node.activity = of(node)  # type: ignore[attr-defined]


def symbol(node: ast.AST) -> str | None:
    """`a.b.c` for a chain of attributes on a name, else None."""
    if isinstance(node, ast.Name):
        return node.id
    if isinstance(node, ast.Attribute):
        owner = symbol(node.value)
        return f"{owner}.{node.attr}" if owner is not None else None
    return None


def root(name: str) -> str:
    """The variable a symbol starts from."""
    return name.partition(".")[0]


def bound(function: ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda) -> set[str]:
    """The local variables of a function: its parameters and what it writes and does not declare elsewhere."""
    arguments = function.args
    names = [*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs, arguments.vararg, arguments.kwarg]
    inside = of([function.body] if isinstance(function, ast.Lambda) else function.body)
    return ({arg.arg for arg in names if arg is not None} | inside.writes) - inside.declared.keys()


class _Visitor:
    def __init__(self) -> None:
        self.found = Activity()

    def visit(self, node: ast.AST) -> None:
        known = getattr(node, "activity", None)
        if known is not None:
            self.found.add(known)
            return
        handler = getattr(self, "visit_" + type(node).__name__, None)
        (self.generic_visit if handler is None else handler)(node)

    def generic_visit(self, node: ast.AST) -> None:
        for field_name in node._fields:
            value = getattr(node, field_name, None)
            if isinstance(value, list):
                for item in value:
                    if isinstance(item, ast.AST):
                        self.visit(item)
            elif isinstance(value, ast.AST):
                self.visit(value)

    def visit_Name(self, node: ast.Name) -> None:
        if not isinstance(node.ctx, ast.Store):
            self.found.reads.add(node.id)
        if not isinstance(node.ctx, ast.Load):
            self.found.writes.add(node.id)

    def visit_Attribute(self, node: ast.Attribute) -> None:
        name = None if isinstance(node.ctx, ast.Load) else symbol(node)
        if name is not None:
            self.found.attributes.add(name)
        self.visit(node.value)

    def visit_Constant(self, node: ast.Constant) -> None:
        pass

    def visit_AugAssign(self, node: ast.AugAssign) -> None:
        if isinstance(node.target, ast.Name):
            self.found.reads.add(node.target.id)
        self.generic_visit(node)

    def visit_Global(self, node: ast.Global) -> None:
        self.found.declared.update(dict.fromkeys(node.names, "global"))

    def visit_Nonlocal(self, node: ast.Nonlocal) -> None:
        self.found.declared.update(dict.fromkeys(node.names, "nonlocal"))

    def visit_alias(self, node: ast.alias) -> None:
        self.found.writes.add(node.asname or root(node.name))

    def visit_ExceptHandler(self, node: ast.ExceptHandler) -> None:
        if node.name:
            self.found.writes.add(node.name)
        self.generic_visit(node)

    def visit_MatchAs(self, node: ast.MatchAs) -> None:
        if node.name:
            self.found.writes.add(node.name)
        self.generic_visit(node)

    def visit_MatchStar(self, node: ast.MatchStar) -> None:
        if node.name:
            self.found.writes.add(node.name)

    def visit_MatchMapping(self, node: ast.MatchMapping) -> None:
        if node.rest:
            self.found.writes.add(node.rest)
        self.generic_visit(node)

    def _nested(self, body: list[ast.AST], own: set[str]) -> None:
        inside = of(body)
        self.found.captured |= (inside.reads | inside.writes & inside.declared.keys() | inside.captured) - own

    def visit_FunctionDef(self, node: ast.FunctionDef | ast.AsyncFunctionDef) -> None:
        self.found.writes.add(node.name)
        for outside in (*node.decorator_list, node.args, node.returns):
            if outside is not None:
                self.visit(outside)
        self._nested(list(node.body), bound(node))

    visit_AsyncFunctionDef = visit_FunctionDef

    def visit_arguments(self, node: ast.arguments) -> None:
        for default in (*node.defaults, *node.kw_defaults):
            if default is not None:
                self.visit(default)

    def visit_Lambda(self, node: ast.Lambda) -> None:
        self.visit(node.args)
        self._nested([node.body], bound(node))

    def visit_ClassDef(self, node: ast.ClassDef) -> None:
        self.found.writes.add(node.name)
        for outside in (*node.decorator_list, *node.bases, *node.keywords):
            self.visit(outside)
        inside = of(node.body)
        self.found.reads |= inside.reads | inside.captured
        self.found.captured |= inside.captured

    def _comprehension(self, node: ast.ListComp | ast.SetComp | ast.DictComp | ast.GeneratorExp) -> None:
        targets = of([generator.target for generator in node.generators]).writes
        inside = of(list(ast.iter_child_nodes(node)))
        reads = inside.reads - targets
        self.found.reads |= reads
        self.found.writes |= inside.writes - targets
        self.found.captured |= inside.captured - targets
        if isinstance(node, ast.GeneratorExp):
            self.found.captured |= reads

    visit_ListComp = visit_SetComp = visit_DictComp = visit_GeneratorExp = _comprehension
