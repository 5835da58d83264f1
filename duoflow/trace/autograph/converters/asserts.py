"""assert c, m   ->   assert ag__.assert_stmt(c, lambda: m), m

The operator adds an Assert op for a symbolic condition and says True; for any other it says the condition.
"""

import ast

from ..names import OPERATORS
from ..template import clone, expression, position


def convert(node: ast.Assert) -> ast.AST:
    """Rewrite one assert."""
    message = clone(node.msg) if node.msg is not None else ast.Constant(value=None, **position(node))
    test = expression(f"{OPERATORS}.assert_stmt(test, lambda: message)", node, test=node.test, message=message)
    return ast.Assert(test=test, msg=node.msg, **position(node))
