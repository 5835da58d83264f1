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


def convert(node: Any, left: set[int]) -> Any:
    """Rewrite `node` and everything under it, in place where possible; `left` are the ids of functions to leave."""
    kind = type(node)
    if kind is ast.ClassDef or kind is ast.AsyncFunctionDef or id(node) in left:
        return node
    for field in kind._fields:
        value = getattr(node, field, None)
        if type(value) is list:
            if field != "decorator_list":
                value[:] = [convert(item, left) if isinstance(item, ast.AST) else item for item in value]
        elif isinstance(value, ast.AST):
            setattr(node, field, convert(value, left))
    rewrite = REWRITERS.get(kind)
    return rewrite(node) if rewrite is not None else node
