"""Boolean operators and chained comparisons, which Python decides by truth values.

    a and b         ->   ag__.and_(a, lambda: b)
    a or b or c     ->   ag__.or_(a, lambda: b, lambda: c)
    not a           ->   ag__.not_(a)
    a < b <= c      ->   ag__.compare(a, '<', lambda: b, '<=', lambda: c)
    a in b          ->   ag__.in_(a, b)
    a not in b      ->   ag__.not_in_(a, b)

Other single comparisons stay Python: tensors have their operators. Left as Python where a later operand assigns with
`:=`.
"""

import ast

from ..names import OPERATORS
from ..template import expression, position

_SYMBOLS: dict[type[ast.cmpop], str] = {
    ast.Lt: "<",
    ast.LtE: "<=",
    ast.Gt: ">",
    ast.GtE: ">=",
    ast.Eq: "==",
    ast.NotEq: "!=",
    ast.Is: "is",
    ast.IsNot: "is not",
    ast.In: "in",
    ast.NotIn: "not in",
}


def assigns(node: ast.AST) -> bool:
    """Whether an expression assigns a variable."""
    return any(isinstance(inner, ast.NamedExpr) for inner in ast.walk(node))


def convert_bool_op(node: ast.BoolOp) -> ast.AST:
    """Rewrite `and` and `or`."""
    first, *others = node.values
    if any(assigns(other) for other in others):
        return node
    operator = "and_" if isinstance(node.op, ast.And) else "or_"
    call = expression(f"{OPERATORS}.{operator}(first)", node, first=first)
    assert isinstance(call, ast.Call)
    call.args += [_later(other) for other in others]
    return call


def convert_unary_op(node: ast.UnaryOp) -> ast.AST:
    """Rewrite `not`."""
    if not isinstance(node.op, ast.Not):
        return node
    return expression(f"{OPERATORS}.not_(operand)", node, operand=node.operand)


def convert_compare(node: ast.Compare) -> ast.AST:
    """Rewrite `in`, `not in`, and a chain of two comparisons or more."""
    if len(node.ops) == 1 and isinstance(node.ops[0], (ast.In, ast.NotIn)):
        operator = "in_" if isinstance(node.ops[0], ast.In) else "not_in_"
        return expression(f"{OPERATORS}.{operator}(left, right)", node, left=node.left, right=node.comparators[0])
    if len(node.ops) < 2 or any(assigns(other) for other in node.comparators):
        return node
    call = expression(f"{OPERATORS}.compare(left)", node, left=node.left)
    assert isinstance(call, ast.Call)
    for operator, other in zip(node.ops, node.comparators, strict=True):
        call.args += [ast.Constant(value=_SYMBOLS[type(operator)], **position(other)), _later(other)]
    return call


def _later(value: ast.expr) -> ast.expr:
    return expression("lambda: value", value, value=value)
