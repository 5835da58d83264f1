"""The version of duoflow, and of the TensorFlow whose programs it runs."""

__version__ = "0.1.0"
COMPATIBLE_WITH = "2.21.0"
GRAPH_DEF_VERSION = 2302
