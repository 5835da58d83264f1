"""Graphs as `GraphDef` protocol buffers and back.

TensorFlow's definitions of ops (formats/op_definitions.py) say what types and numbers of inputs are called; `forms`
says what else is written otherwise than it is here, `portable` puts in other terms what TensorFlow lacks, and
`expansions` what we lack.
"""

from .export import PRODUCER, Library, constant_def, graph_to_def, node_to_def
from .functions import Functions
from .load import import_graph_def
from .nodes import op_names

__all__ = [
    "PRODUCER", "Functions", "Library", "constant_def", "graph_to_def", "import_graph_def", "node_to_def", "op_names",
]  # fmt: skip
