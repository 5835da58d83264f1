"""Takes `tf.autograph.experimental.set_loop_options(...)` out of a loop's body; its arguments become options.

The call is recognised by its last name, at the top of the body (among its leading statements or later).
"""

import ast


def take_options(node: ast.While | ast.For) -> tuple[list[ast.keyword], list[ast.stmt]]:
    """The keyword arguments of the call, and the body without it."""
    options: list[ast.keyword] = []
    body: list[ast.stmt] = []
    for inner in node.body:
        if (
            isinstance(inner, ast.Expr)
            and isinstance(inner.value, ast.Call)
            and _name(inner.value.func) == "set_loop_options"
        ):
            names = ("parallel_iterations", "swap_memory", "maximum_iterations", "shape_invariants")
            options += [ast.keyword(arg=name, value=value) for name, value in zip(names, inner.value.args)]
            options += inner.value.keywords
        else:
            body.append(inner)
    return options, body or [ast.Pass(lineno=node.lineno, col_offset=node.col_offset)]


def _name(function: ast.expr) -> str | None:
    return getattr(function, "attr", getattr(function, "id", None))
