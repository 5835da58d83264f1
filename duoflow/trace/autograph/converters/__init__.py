"""The ordered list of converters: one construct a file, each opening with what it generates.

First the statements of each function, nested ones before those around them; then the expressions of them all.
Generators, coroutines, class bodies and functions marked `do_not_convert` are left as they are.
"""

import ast
from typing import Any

from .. import activity
from ..names import Names
from . import control_flow, expressions, jumps, plain

FunctionNode = ast.FunctionDef | ast.Lambda


def convert(node: FunctionNode, class_name: str | None) -> FunctionNode:
    """Convert a function's tree in place. `class_name` is the class whose private names it uses, or None."""
    names = Names(node)
    functions, left = _functions(node)
    for function in functions:
        variables = activity.bound(function)
        plain.convert(function)
        jumps.convert(function, names)
        control_flow.convert(function, variables, names, class_name)
    converted: FunctionNode = expressions.convert(node, left)
    return converted


def _functions(node: ast.AST) -> tuple[list[ast.FunctionDef], set[int]]:
    """The functions under `node` to convert, inner ones first, `node` itself last; and the ids of those to leave."""
    found: list[ast.FunctionDef] = []
    left: set[int] = set()
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.ClassDef | ast.AsyncFunctionDef):
            continue
        if isinstance(child, ast.FunctionDef) and not _is_convertible(child):
            left.add(id(child))
            continue
        inner, inner_left = _functions(child)
        found += inner
        left |= inner_left
    return ([*found, node] if isinstance(node, ast.FunctionDef) else found), left


def _is_convertible(function: ast.FunctionDef) -> bool:
    marks = [ast.unparse(decorator) for decorator in function.decorator_list]
    return not any(mark.split("(")[0].endswith("do_not_convert") for mark in marks) and not _yields(function.body)


def _yields(nodes: list[Any]) -> bool:
    for node in nodes:
        if isinstance(node, (ast.Yield, ast.YieldFrom)):
            return True
        nested = (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda, ast.ClassDef)
        if not isinstance(node, nested) and _yields(list(ast.iter_child_nodes(node))):
            return True
    return False
