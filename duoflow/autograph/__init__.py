"""tf.autograph: Python's statements over tensors as control flow of the graph. Names only; see trace/autograph."""

from duoflow.trace.autograph import set_verbosity, to_code, to_graph, trace

from . import experimental

__all__ = ["experimental", "set_verbosity", "to_code", "to_graph", "trace"]
