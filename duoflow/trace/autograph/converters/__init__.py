"""The ordered list of converters: one construct a file, each opening with what it generates.

First the statements of each function, nested ones before those around them; then the expressions of them all.
"""

import ast

from ..names import Names
from . import control_flow, expressions, jumps, plain

FunctionNode = ast.FunctionDef | ast.Lambda


def convert(node: FunctionNode, class_name: str | None) -> FunctionNode:
    """Convert a function's tree in place. `class_name` is the class whose private names it uses, or None."""
    names = Names(node)
    for function in _functions(node):
        plain.convert(function)
        jumps.convert(function, names)
        control_flow.convert(function, names, class_name)
    converted: FunctionNode = expressions.convert(node)
    return converted


def _functions(node: ast.AST) -> list[ast.FunctionDef]:
    """The functions under `node` that are converted with it, inner ones first, `node` itself last."""
    found: list[ast.FunctionDef] = []
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.ClassDef | ast.AsyncFunctionDef):
            continue
        if not isinstance(child, ast.FunctionDef) or expressions.is_convertible(child):
            found += _functions(child)
    return [*found, node] if isinstance(node, ast.FunctionDef) else found
