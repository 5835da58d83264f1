"""f(x, *y)   ->   ag__.converted(f)(x, *y)

`ag__.converted` gives the converted function, the overload of a builtin, or the callable itself. The call stays in the
user's function, so errors in its arguments and tracebacks are those of the plain call.
"""

import ast

from ..names import OPERATORS
from ..template import expression


def convert(node: ast.Call) -> ast.AST:
    """Rewrite one call."""
    match node.func:
        case ast.Attribute(value=ast.Name(id=name)) if name == OPERATORS:
            return node
        case ast.Name(id="super"):
            return node
    node.func = expression(f"{OPERATORS}.converted(function)", node.func, function=node.func)
    return node
