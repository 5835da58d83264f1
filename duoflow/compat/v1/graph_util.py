"""`tf.compat.v1.graph_util`: graphs as protocol buffers, taken apart."""

from .graphs import convert_variables_to_constants, extract_sub_graph, import_graph_def, remove_training_nodes

__all__ = ["convert_variables_to_constants", "extract_sub_graph", "import_graph_def", "remove_training_nodes"]
