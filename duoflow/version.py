"""Versions: `tf.version`. `VERSION` is that of the TensorFlow whose programs run here."""

from duoflow.core.version import COMPATIBLE_WITH as VERSION
from duoflow.core.version import GRAPH_DEF_VERSION
from duoflow.core.version import __version__ as GIT_VERSION

__all__ = ["GIT_VERSION", "GRAPH_DEF_VERSION", "VERSION"]
