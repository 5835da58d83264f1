"""Walks a function and hands its if, while and for statements to their converters, with the state each one changes.

The state of a statement is the variables and attributes that it writes and that are read later. Its blocks become
functions that share those variables (`nonlocal`); `get_state` and `set_state` let the runtime read and replace them:

    if c:            def get_state(): return (x,)
        x = 1        def set_state(vars_): nonlocal x; (x,) = vars_
    else:      ->    def if_body(): nonlocal x; x = 1
        x = 2        def else_body(): nonlocal x; x = 2
                     ag__.if_stmt(c, if_body, else_body, get_state, set_state, ('x',), 1)

A state variable that may not be assigned yet starts as `ag__.Undefined('x')`, and reads of it go through `ag__.ld`.
Expects jumps lowered. Functions inside the function are left.
"""

import ast
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TypeVar

from .. import activity, liveness
from ..lowered import LoweredFor
from ..names import OPERATORS, Names
from ..template import expression, load, names_tuple, position, statement, statements
from . import for_loops, if_statements, while_loops
from .assigned import Assigned, both


def convert(function: ast.FunctionDef, variables: set[str], names: Names, class_name: str | None) -> None:
    """Convert the control flow of one function.

    `variables` are those that were its own as it was written: one whose only assignment was dead code has none left.
    """
    activity.remember(function.body)
    walk = Walk(function, variables, names, class_name)
    arguments = frozenset(activity.bound(ast.Lambda(args=function.args, body=ast.Constant(value=None))))
    never_assigned = sorted(variables - activity.bound(function))
    function.body = walk.scope(function.body, arguments, _Scope(set(), never_assigned, arguments), function)[0]


Node = TypeVar("Node", bound=ast.AST)


@dataclass
class State:
    """What one statement changes, and the syntax that reads and replaces it.

    names: symbols for messages, those live after the statement first
    outputs: how many are live after it
    variables: those symbols that are variables; declarations: the same by how a block's function declares them
    accessors: definitions of get_state and set_state
    arguments: what the operator takes of all this
    """

    names: list[str]
    outputs: int
    variables: set[str]
    declarations: dict[str, list[str]]
    accessors: list[ast.stmt]
    arguments: list[ast.expr]

    def shares(self, block: list[ast.stmt], at: ast.AST) -> list[ast.stmt]:
        """`nonlocal x, y` and `global z`, for the variables of the state that `block` writes."""
        written = activity.of(block).writes
        kinds = {"global": ast.Global, "nonlocal": ast.Nonlocal}
        shared = {kind: [name for name in names if name in written] for kind, names in self.declarations.items()}
        return [kinds[kind](names=names, **position(at)) for kind, names in shared.items() if names]


@dataclass
class _Scope:
    """A function in the converted code: the user's, or one made from a block."""

    shared: set[str]
    undefined: list[str] = field(default_factory=list)
    arguments: frozenset[str] = frozenset()


class Walk:
    """The forward walk over one function, with the variables definitely assigned at each point."""

    def __init__(self, function: ast.FunctionDef, variables: set[str], names: Names, class_name: str | None):
        inside = activity.of(function.body)
        self.live = liveness.of(function.body)
        self.names = names
        self.class_name = class_name
        self.declared = inside.declared
        self.local = activity.bound(function) | variables
        self.scopes: list[_Scope] = []

    # -- blocks and scopes -------------------------------------------------------------------------------------------

    def scope(
        self, body: list[ast.stmt], assigned: Assigned, scope: _Scope, at: ast.AST
    ) -> tuple[list[ast.stmt], Assigned | None]:
        """Convert the body of a function of its own; variables it owns and may read too early start undefined."""
        self.scopes.append(scope)
        converted, after = self.block(body, assigned)
        undefined = self.scopes.pop().undefined
        start = [
            statement(
                f"name = {OPERATORS}.Undefined(text)", at, name=name, text=ast.Constant(value=name, **position(at))
            )
            for name in undefined
        ]
        opening = next((i for i, node in enumerate(converted) if not _is_opening(node)), len(converted))
        return [*converted[:opening], *start, *converted[opening:]], after

    def block(self, body: list[ast.stmt], assigned: Assigned) -> tuple[list[ast.stmt], Assigned | None]:
        """Convert statements in order; returns what is assigned after them, None where their end is not reached."""
        converted: list[ast.stmt] = []
        after: Assigned | None = assigned
        for node in body:
            done, after = self.statement(node, assigned if after is None else after)
            converted += done
            assigned = assigned if after is None else after
        return converted, after

    def inner(
        self, body: list[ast.stmt], state: State, assigned: Assigned, at: ast.AST
    ) -> tuple[list[ast.stmt], Assigned | None]:
        """Convert a block that becomes a function sharing `state`; everything else it writes is its own."""
        own = activity.of(body).writes - state.variables - self.declared.keys()
        return self.scope(body, assigned - own, _Scope(state.variables), at)

    def undefined(self, names: list[str], assigned: Assigned) -> None:
        """Let variables that may not be assigned yet start undefined, in the function that owns them."""
        for name in names:
            if name in assigned or name in self.declared or name not in self.local:
                continue
            owner = next(scope for scope in reversed(self.scopes) if name not in scope.shared)
            if name not in owner.undefined and name not in owner.arguments:
                owner.undefined.append(name)

    # -- statements --------------------------------------------------------------------------------------------------

    def statement(self, node: ast.stmt, assigned: Assigned) -> tuple[list[ast.stmt], Assigned | None]:
        match node:
            case ast.If():
                node.test = self.read(node.test, assigned)
                return if_statements.convert(node, self, assigned | activity.of(node.test).writes)
            case ast.While():
                assigned -= _deleted(node.body)
                node.test = self.read(node.test, assigned)
                return while_loops.convert(node, self, assigned)
            case LoweredFor():
                node.iter = self.read(node.iter, assigned)
                return for_loops.convert(node, self, assigned - _deleted(node.body))
            case ast.With():
                node.items = [self.read(item, assigned) for item in node.items]
                node.body, after = self.block(node.body, assigned | activity.of(node.items).writes)
                return [node], after
            case ast.Try() | ast.TryStar():
                return [node], self.attempt(node, assigned)
            case ast.Match():
                return [node], self.match(node, assigned)
            case ast.FunctionDef() | ast.AsyncFunctionDef() | ast.ClassDef():
                return [node], assigned | {node.name}
            case ast.Delete():
                return self.delete(node, assigned)
            case ast.AugAssign(target=ast.Name(id=name)) if self.may_be_undefined(name, assigned):
                node.value = self.read(node.value, assigned)
                return [*statements(f"{OPERATORS}.ld(name)", node, name=load(name, node)), node], assigned | {name}
            case ast.Return() | ast.Raise():
                return [self.read(node, assigned)], None
            case _:
                return [self.read(node, assigned)], assigned | activity.of(node).writes

    def attempt(self, node: ast.Try | ast.TryStar, assigned: Assigned) -> Assigned | None:
        kept = assigned - _deleted([*node.body, *node.orelse, *node.handlers])
        node.body, after = self.block(node.body, assigned)
        if after is not None:
            node.orelse, after = self.block(node.orelse, after)
        ends = [after]
        assigned = kept
        for handler in node.handlers:
            handler.body, end = self.block(handler.body, assigned | ({handler.name} if handler.name else set()))
            ends.append(end - {handler.name} if end is not None and handler.name else end)
        meet = both(*ends)
        node.finalbody, last = self.block(node.finalbody, kept)
        return None if meet is None or last is None else (meet - (kept - last)) | last

    def match(self, node: ast.Match, assigned: Assigned) -> Assigned:
        node.subject = self.read(node.subject, assigned)
        kept = assigned
        for case in node.cases:
            heads = assigned | activity.of(case.pattern).writes
            if case.guard is not None:
                case.guard = self.read(case.guard, heads)
            kept -= _deleted(case.body)
            case.body, _ = self.block(case.body, heads)
        return kept

    def delete(self, node: ast.Delete, assigned: Assigned) -> tuple[list[ast.stmt], Assigned]:
        done: list[ast.stmt] = []
        for target in node.targets:
            if isinstance(target, ast.Name) and target.id in self.local:
                parts = {"old": load(target.id, node), "text": ast.Constant(value=target.id, **position(node))}
                done += statements(
                    f"{OPERATORS}.ld(old); name = {OPERATORS}.Undefined(text)", node, name=target.id, **parts
                )
                assigned -= {target.id}
            else:
                done.append(ast.Delete(targets=[self.read(target, assigned)], **position(node)))
        return done, assigned

    # -- reads -------------------------------------------------------------------------------------------------------

    def may_be_undefined(self, name: str, assigned: Assigned) -> bool:
        """Whether a variable of this function might be read here before its assignment."""
        return name in self.local and name not in assigned

    def read(self, node: Node, assigned: Assigned) -> Node:
        """`node` with reads of variables that may be undefined going through `ag__.ld`."""
        unsure = {name for name in activity.of(node).reads if self.may_be_undefined(name, assigned)}
        loaded: Node = _Loads(unsure).visit(node) if unsure else node
        return loaded

    # -- state -------------------------------------------------------------------------------------------------------

    def state(
        self, written: activity.Activity, read_after: Assigned, read_inside: Assigned, at: ast.AST, assigned: Assigned
    ) -> State:
        """The state of a statement whose blocks write `written`, in a stable order."""
        far = written.writes & self.declared.keys()
        outputs = sorted(written.writes & read_after | far) + self.attributes(written)
        others = sorted(written.writes & read_inside - set(outputs))
        variables = {name for name in [*outputs, *others] if "." not in name}
        self.undefined(sorted(variables), assigned)
        declarations: dict[str, list[str]] = {"nonlocal": [], "global": []}
        for name in sorted(variables):
            declarations[self.declared.get(name, "nonlocal")].append(name)
        state = State([*outputs, *others], len(outputs), variables, declarations, [], [])
        if state.names:
            self.access(state, at)
        return state

    def attributes(self, written: activity.Activity) -> list[str]:
        """Attributes of objects that the blocks do not themselves rebind: others see them, so they are always live."""
        return sorted(name for name in written.attributes if activity.root(name) not in written.writes)

    def access(self, state: State, at: ast.AST) -> None:
        get, set_, values = (self.names.fixed(name) for name in ("get_state", "set_state", "vars_"))
        reads = [self.current(name, at) for name in state.names]
        simple = [name if "." not in name else self.names.fixed("_") + str(i) for i, name in enumerate(state.names)]
        where = position(at)
        stores: list[ast.expr] = [ast.Name(id=name, ctx=ast.Store(), **where) for name in simple]
        targets = ast.Tuple(elts=stores, ctx=ast.Store(), **where)
        unpack: list[ast.stmt] = [ast.Assign(targets=[targets], value=load(values, at), **where)]
        for name, value in zip(state.names, simple, strict=True):
            if "." in name:
                unpack += self.put_back(name, value, at)
        state.accessors = statements(
            "def get():\n    return current\ndef set(values):\n    declare\n    unpack",
            at,
            get=get,
            set=set_,
            values=values,
            current=ast.Tuple(elts=reads, ctx=ast.Load(), **where),
            declare=state.shares(unpack, at),
            unpack=unpack,
        )
        state.arguments = [load(get, at), load(set_, at), names_tuple(state.names, at)]

    def current(self, name: str, at: ast.AST) -> ast.expr:
        """The value of a symbol now, or an Undefined."""
        if "." not in name:
            return load(name, at)
        text = ast.Constant(value=name, **position(at))
        return expression(f"{OPERATORS}.ldu(lambda: value, text)", at, value=expression(name, at), text=text)

    def put_back(self, name: str, value: str, at: ast.AST) -> list[ast.stmt]:
        owner, _, attribute = name.rpartition(".")
        if self.class_name and attribute.startswith("__") and not attribute.endswith("__"):
            attribute = f"_{self.class_name.lstrip('_')}{attribute}"
        text = ast.Constant(value=attribute, **position(at))
        parts = {"owner": expression(owner, at), "text": text, "value": load(value, at)}
        return statements(f"{OPERATORS}.put_back(owner, text, value)", at, **parts)


class _Loads(ast.NodeTransformer):
    """Wraps reads of some variables, also inside lambdas and comprehensions that do not bind them."""

    def __init__(self, names: set[str]):
        self.names = names

    def visit_Name(self, node: ast.Name) -> ast.expr:
        if isinstance(node.ctx, ast.Load) and node.id in self.names:
            return expression(f"{OPERATORS}.ld(name)", node, name=node)
        return node

    def visit_Lambda(self, node: ast.Lambda) -> ast.expr:
        return node

    def _comprehension(self, node: ast.ListComp | ast.SetComp | ast.DictComp | ast.GeneratorExp) -> ast.AST:
        targets = activity.of([generator.target for generator in node.generators]).writes
        return _Loads(self.names - targets).generic_visit(node)

    visit_ListComp = visit_SetComp = visit_DictComp = visit_GeneratorExp = _comprehension


def _deleted(nodes: Sequence[ast.AST]) -> set[str]:
    """The variables that statements delete somewhere."""
    deletions = (part for node in nodes for part in ast.walk(node) if isinstance(part, ast.Delete))
    return {target.id for deletion in deletions for target in deletion.targets if isinstance(target, ast.Name)}


def _is_opening(node: ast.stmt) -> bool:
    documents = isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)
    return documents or isinstance(node, (ast.Global, ast.Nonlocal))
