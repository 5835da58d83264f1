"""One walk over a function, its nested functions and lambdas, that rewrites expressions and asserts by node type.

Runs after control flow. Generators, coroutines, class bodies and decorators are left as they are; methods of a class
defined inside are converted when they are called.
"""

import ast
from collections.abc import Callable
from typing import Any

from . import asserts, calls, conditional_expressions, logic

#: A rewriter gets a node whose children are already rewritten.
REWRITERS: dict[type[ast.AST], Callable[[Any], ast.AST]] = {
    ast.Assert: asserts.convert,
    ast.Call: calls.convert,
    ast.IfExp: conditional_expressions.convert,
    ast.BoolOp: logic.convert_bool_op,
    ast.UnaryOp: logic.convert_unary_op,
    ast.Compare: logic.convert_compare,
}


def convert(node: Any) -> Any:
    """Rewrite `node` and everything under it, in place where possible."""
    kind = type(node)
    if kind is ast.ClassDef or kind is ast.AsyncFunctionDef or kind is ast.FunctionDef and not is_convertible(node):
        return node
    for field in kind._fields:
        value = getattr(node, field, None)
        if type(value) is list:
            if field != "decorator_list":
                value[:] = [convert(item) if isinstance(item, ast.AST) else item for item in value]
        elif isinstance(value, ast.AST):
            setattr(node, field, convert(value))
    rewrite = REWRITERS.get(kind)
    return rewrite(node) if rewrite is not None else node


def is_convertible(function: ast.AST) -> bool:
    """Whether a nested function is converted along with the one around it."""
    if not isinstance(function, ast.FunctionDef):
        return False
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
