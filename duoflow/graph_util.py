"""Graphs as protocol buffers: `tf.graph_util`."""

from duoflow.trace.graph_def import import_graph_def

__all__ = ["import_graph_def"]
