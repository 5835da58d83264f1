"""while c: ...   ->   ag__.while_stmt(loop_test, loop_body, get_state, set_state, names, options)"""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

from .. import activity
from ..names import OPERATORS
from ..template import statements
from .assigned import Assigned
from .loop_options import take_options

if TYPE_CHECKING:
    from .control_flow import Walk

_TEMPLATE = f"""
accessors
def loop_test():
    share_test
    return test
def loop_body():
    share_body
    body
{OPERATORS}.while_stmt(loop_test, loop_body)
"""


def convert(node: ast.While, walk: Walk, assigned: Assigned) -> tuple[list[ast.stmt], Assigned]:
    """The statements that replace a `while`, and what is assigned after them."""
    options, node.body = take_options(node)
    written = activity.of([node.test, *node.body])
    tested = activity.of(node.test).writes
    live = walk.live[node].inside
    state = walk.state(written, live | tested, live, node, assigned)
    share = state.shares(node.body, node)
    body, _ = walk.inner(node.body, state, assigned | tested, node)
    converted = statements(
        _TEMPLATE,
        node,
        accessors=state.accessors,
        loop_test=walk.names.fixed("loop_test"),
        loop_body=walk.names.fixed("loop_body"),
        share_test=state.shares([ast.Expr(value=node.test)], node),
        share_body=share,
        test=node.test,
        body=body,
    )
    call = converted[-1].value  # type: ignore[attr-defined]
    call.args += state.arguments
    call.keywords += options
    return converted, assigned | tested
