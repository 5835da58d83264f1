"""if c: ... else: ...   ->   ag__.if_stmt(c, if_body, else_body, get_state, set_state, names, outputs)"""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

from .. import activity
from ..names import OPERATORS
from ..template import position, statements
from .assigned import Assigned, both

if TYPE_CHECKING:
    from .control_flow import Walk

_TEMPLATE = f"""
accessors
def if_body():
    share_if
    body
def else_body():
    share_else
    orelse
{OPERATORS}.if_stmt(test, if_body, else_body)
"""


def convert(node: ast.If, walk: Walk, assigned: Assigned) -> tuple[list[ast.stmt], Assigned | None]:
    """The statements that replace an `if`, and what is assigned after them."""
    written = activity.of([*node.body, *node.orelse])
    live = walk.live[node]
    state = walk.state(written, live.after, live.inside, node, assigned)
    share_if, share_else = state.shares(node.body, node), state.shares(node.orelse, node)
    body, after_body = walk.inner(node.body, state, assigned, node)
    orelse, after_orelse = walk.inner(node.orelse, state, assigned, node)
    converted = statements(
        _TEMPLATE,
        node,
        accessors=state.accessors,
        if_body=walk.names.fixed("if_body"),
        else_body=walk.names.fixed("else_body"),
        share_if=share_if,
        share_else=share_else,
        body=body,
        orelse=orelse or [ast.Pass(**position(node))],
        test=node.test,
    )
    call = converted[-1].value  # type: ignore[attr-defined]
    if state.names:
        call.args += [*state.arguments, ast.Constant(value=state.outputs, **position(node))]
    own = written.writes - state.variables - walk.declared.keys()
    after = both(after_body, after_orelse)
    return converted, None if after is None else (after - own) | (assigned & own)
