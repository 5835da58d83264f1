"""a if c else b   ->   ag__.if_exp(c, lambda: a, lambda: b)

Left as Python where a branch assigns with `:=`, whose variable a lambda would keep to itself.
"""

import ast

from ..names import OPERATORS
from ..template import expression
from .logic import assigns


def convert(node: ast.IfExp) -> ast.AST:
    """Rewrite one conditional expression."""
    if assigns(node.body) or assigns(node.orelse):
        return node
    parts = {"test": node.test, "body": node.body, "orelse": node.orelse}
    return expression(f"{OPERATORS}.if_exp(test, lambda: body, lambda: orelse)", node, **parts)
