"""Syntax trees from text: a template is parsed once; each use fills its placeholders, at one place of the user's file.

A placeholder is any identifier of the template that is also a keyword argument:
- a string renames it (a variable, a function, a parameter);
- an expression replaces it;
- a list of statements replaces the expression statement that consists of it alone.

Every node made here carries the position of `at`, so whatever it raises or traces names the user's own line.
"""

import ast
from functools import cache
from typing import Any


@cache
def _parse(text: str) -> list[ast.stmt]:
    return ast.parse(text).body


def position(node: ast.AST) -> dict[str, Any]:
    """The position of `node`, as keyword arguments for a new node: of its first line, or head, where it has several."""
    line, column = getattr(node, "lineno", 1), getattr(node, "col_offset", 0)
    end = column
    for whole in (node, getattr(node, "test", None), getattr(node, "iter", None)):
        if getattr(whole, "end_lineno", None) == line:
            end = getattr(whole, "end_col_offset", column)
            break
    return {"lineno": line, "col_offset": column, "end_lineno": line, "end_col_offset": end}


def statements(text: str, at: ast.AST, /, **parts: Any) -> list[ast.stmt]:
    """The statements of `text`, filled with `parts` and placed at the position of `at`."""
    fill = _Fill(parts, position(at))
    return fill.many(_parse(text))


def statement(text: str, at: ast.AST, /, **parts: Any) -> ast.stmt:
    """The one statement of `text`."""
    (only,) = statements(text, at, **parts)
    return only


def expression(text: str, at: ast.AST, /, **parts: Any) -> ast.expr:
    """The one expression of `text`."""
    only = statement(text, at, **parts)
    assert isinstance(only, ast.Expr)
    return only.value


class _Fill:
    def __init__(self, parts: dict[str, Any], where: dict[str, Any]):
        self.parts = parts
        self.where = where

    def many(self, nodes: list[Any]) -> list[Any]:
        filled: list[Any] = []
        for node in nodes:
            if isinstance(node, ast.Expr) and isinstance(node.value, ast.Name):
                block = self.parts.get(node.value.id)
                if isinstance(block, list):
                    filled.extend(block)
                    continue
            filled.append(self.one(node))
        return filled

    def one(self, node: Any) -> Any:
        if isinstance(node, str):
            part = self.parts.get(node)
            return part if isinstance(part, str) else node
        if not isinstance(node, ast.AST):
            return node
        if isinstance(node, ast.Name) and isinstance(self.parts.get(node.id), ast.expr):
            return self.parts[node.id]
        fields = {}
        for field, value in ast.iter_fields(node):
            if isinstance(node, ast.Constant):
                fields[field] = value
            else:
                fields[field] = self.many(value) if isinstance(value, list) else self.one(value)
        placed = {key: value for key, value in self.where.items() if key in node._attributes}
        return type(node)(**fields, **placed)


def names_tuple(names: list[str], at: ast.AST) -> ast.expr:
    """The tuple of strings `('a', 'b')`."""
    where = position(at)
    return ast.Tuple(elts=[ast.Constant(value=name, **where) for name in names], ctx=ast.Load(), **where)


def load(name: str, at: ast.AST) -> ast.expr:
    """A read of the variable `name`."""
    return ast.Name(id=name, ctx=ast.Load(), **position(at))


def any_of(names: list[str], at: ast.AST) -> ast.expr:
    """`a or b or c` over flag variables."""
    reads = [load(name, at) for name in names]
    return reads[0] if len(reads) == 1 else ast.BoolOp(op=ast.Or(), values=reads, **position(at))


def negate(value: ast.expr) -> ast.expr:
    """`not value`."""
    return ast.UnaryOp(op=ast.Not(), operand=value, **position(value))


def clone(node: Any) -> Any:
    """A copy of a tree, positions included."""
    kind = type(node)
    if kind is list:
        return [clone(item) for item in node]
    if not isinstance(node, ast.AST):
        return node
    copied = ast.AST.__new__(kind)
    copied.__dict__.update((name, clone(value)) for name, value in node.__dict__.items())
    return copied
