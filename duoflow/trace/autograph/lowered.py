"""The `for` statement that lowering jumps leaves: with what must hold, besides a next item, for a next iteration."""

import ast
from typing import Any

from .template import position


class LoweredFor(ast.For):
    """A `for` with `extra_test`, an expression or None."""

    _fields = (*ast.For._fields, "extra_test")
    extra_test: ast.expr | None

    @classmethod
    def of(cls, node: ast.For, extra_test: ast.expr | None) -> "LoweredFor":
        """`node`, whose `else` has been dealt with."""
        parts: dict[str, Any] = {"target": node.target, "iter": node.iter, "body": node.body, "extra_test": extra_test}
        return cls(**parts, orelse=[], **position(node))
