"""Graphs as `GraphDef` protocol buffers and back: `forms` says how our records and TensorFlow's op definitions map."""

from .export import graph_to_def, node_to_def
from .load import import_graph_def

__all__ = ["graph_to_def", "import_graph_def", "node_to_def"]
