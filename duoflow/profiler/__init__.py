"""Where the time of a program goes: `tf.profiler`."""

from . import experimental

__all__ = ["experimental"]
