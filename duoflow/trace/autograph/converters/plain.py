"""Puts a function into the plainer form the other converters expect.

x: int = 1          ->   x = 1                            (a shared variable cannot be annotated)
super()             ->   super(__class__, self)           (blocks become functions without `self` as an argument)
x[i] = v            ->   x = ag__.set_item(x, i, v)       (x a local variable: tensors cannot change in place)
x[i] += v           ->   x = ag__.update_item(x, i, 'iadd', lambda: v)
"""

import ast

from .. import activity
from ..names import OPERATORS
from ..template import expression, load, position, statements
from .logic import assigns

#: The functions of `operator` for augmented assignments.
_IN_PLACE: dict[type[ast.operator], str] = {
    ast.Add: "iadd", ast.Sub: "isub", ast.Mult: "imul", ast.Div: "itruediv", ast.FloorDiv: "ifloordiv",
    ast.Mod: "imod", ast.Pow: "ipow", ast.MatMult: "imatmul", ast.LShift: "ilshift", ast.RShift: "irshift",
    ast.BitAnd: "iand", ast.BitOr: "ior", ast.BitXor: "ixor",
}  # fmt: skip


def convert(function: ast.FunctionDef) -> None:
    """Simplify one function; those inside it are left."""
    plain = _Plain(function)
    function.body = [new for node in function.body for new in plain.statements(node)]


class _Plain(ast.NodeTransformer):
    def __init__(self, function: ast.FunctionDef):
        self.local = activity.bound(function)
        first = [*function.args.posonlyargs, *function.args.args][:1]
        self.first = first[0].arg if first else None

    def statements(self, node: ast.stmt) -> list[ast.stmt]:
        done = self.visit(node)
        return done if isinstance(done, list) else [done]

    def visit_FunctionDef(self, node: ast.AST) -> ast.AST:
        return node

    visit_AsyncFunctionDef = visit_ClassDef = visit_Lambda = visit_FunctionDef

    def visit_AnnAssign(self, node: ast.AnnAssign) -> ast.AST:
        if not isinstance(node.target, ast.Name):
            return self.generic_visit(node)
        if node.value is None:
            return ast.Pass(**position(node))
        return ast.Assign(targets=[node.target], value=self.visit(node.value), **position(node))

    def visit_Call(self, node: ast.Call) -> ast.AST:
        if isinstance(node.func, ast.Name) and node.func.id == "super" and not node.args and self.first is not None:
            return expression("super(__class__, this)", node, this=load(self.first, node))
        return self.generic_visit(node)

    def visit_Assign(self, node: ast.Assign) -> ast.AST | list[ast.stmt]:
        self.generic_visit(node)
        match node.targets:
            case [ast.Subscript(value=ast.Name(id=name), slice=key)] if name in self.local:
                if isinstance(key, (ast.Slice, ast.Tuple)):
                    return node
                parts = {"old": load(name, node), "key": key, "value": node.value}
                return statements(f"name = {OPERATORS}.set_item(old, key, value)", node, name=name, **parts)
        return node

    def visit_AugAssign(self, node: ast.AugAssign) -> ast.AST | list[ast.stmt]:
        self.generic_visit(node)
        match node.target:
            case ast.Subscript(value=ast.Name(id=name), slice=key) if name in self.local:
                if isinstance(key, (ast.Slice, ast.Tuple)) or assigns(node.value):
                    return node
                operator = ast.Constant(value=_IN_PLACE[type(node.op)], **position(node))
                parts = {"old": load(name, node), "key": key, "operator": operator, "value": node.value}
                text = f"name = {OPERATORS}.update_item(old, key, operator, lambda: value)"
                return statements(text, node, name=name, **parts)
        return node
