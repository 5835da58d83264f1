"""AutoGraph: Python's statements over tensors become control flow of the graph.

`convert(function)` gives the converted function: converters/ rewrite its syntax tree, operators/ decide when it runs
which of its statements Python executes and which become part of the graph.
"""

from .api import (
    Feature,
    convert,
    convert_in_context,
    do_not_convert,
    set_loop_options,
    set_verbosity,
    to_code,
    to_graph,
    trace,
)

__all__ = [
    "Feature",
    "convert",
    "convert_in_context",
    "do_not_convert",
    "set_loop_options",
    "set_verbosity",
    "to_code",
    "to_graph",
    "trace",
]
