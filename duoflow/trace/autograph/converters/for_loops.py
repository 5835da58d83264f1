"""for x in xs: ...   ->   ag__.for_stmt(xs, extra_test, loop_body, get_state, set_state, names, options)

`extra_test` is None or a function: what must hold, besides a next item, for a next iteration.
"""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

from .. import activity
from ..lowered import LoweredFor
from ..names import OPERATORS
from ..template import load, position, statement, statements
from .assigned import Assigned
from .loop_options import take_options

if TYPE_CHECKING:
    from .control_flow import Walk

_TEMPLATE = f"""
accessors
def loop_body(item):
    share
    body
extra
{OPERATORS}.for_stmt(iterated, extra_test, loop_body)
"""


def convert(node: LoweredFor, walk: Walk, assigned: Assigned) -> tuple[list[ast.stmt], Assigned]:
    """The statements that replace a `for`, and what is assigned after them."""
    options, node.body = take_options(node)
    written = activity.of([node.target, *node.body])
    live = walk.live[node].inside
    state = walk.state(written, live, live, node, assigned)
    item = walk.names.fixed("item_")
    bind: ast.stmt = ast.Assign(targets=[node.target], value=load(item, node), **position(node))
    share = state.shares([bind, *node.body], node)
    body, _ = walk.inner([bind, *node.body], state, assigned, node)
    test = node.extra_test
    extra_name = walk.names.fixed("extra_test")
    extra = [statement("def extra_test():\n    return test", node, extra_test=extra_name, test=test)] if test else []
    converted = statements(
        _TEMPLATE,
        node,
        accessors=state.accessors,
        loop_body=walk.names.fixed("loop_body"),
        item=item,
        share=share,
        body=body,
        extra=extra,
        iterated=node.iter,
        extra_test=load(extra_name, node) if test else ast.Constant(value=None, **position(node)),
    )
    call = converted[-1].value  # type: ignore[attr-defined]
    call.args += state.arguments
    call.keywords += options
    if isinstance(node.target, ast.Name) and node.target.id in state.names:
        name = ast.Constant(value=node.target.id, **position(node))
        call.keywords.append(ast.keyword(arg="target", value=name, **position(node)))
    return converted, assigned
