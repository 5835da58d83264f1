"""Options of sessions and runs: accepted in TensorFlow's form, and without effect, since engines configure
themselves."""

from __future__ import annotations

from typing import Any

__all__ = ["ConfigProto", "GPUOptions", "GraphOptions", "OptimizerOptions", "RunMetadata", "RunOptions"]


class _Options:
    """Named values; an option that was not set reads as another group of options."""

    def __init__(self, **values: Any) -> None:
        vars(self).update(values)

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        group = _Options()
        setattr(self, name, group)
        return group

    def __repr__(self) -> str:
        return f"{type(self).__name__}({', '.join(f'{k}={v!r}' for k, v in vars(self).items())})"


class ConfigProto(_Options):
    """Options of a session: devices, threads, memory. TensorFlow: tf.compat.v1.ConfigProto."""


class GPUOptions(_Options):
    """Options of GPU memory. TensorFlow: tf.compat.v1.GPUOptions."""


class GraphOptions(_Options):
    """Options of graph optimisation. TensorFlow: tf.compat.v1.GraphOptions."""


class OptimizerOptions(_Options):
    """Options of the graph optimiser. TensorFlow: tf.compat.v1.OptimizerOptions."""

    L0, L1 = -1, 0
    OFF, ON_1, ON_2 = -1, 1, 2


class RunOptions(_Options):
    """Options of one run. TensorFlow: tf.compat.v1.RunOptions."""

    NO_TRACE, SOFTWARE_TRACE, HARDWARE_TRACE, FULL_TRACE = range(4)


class RunMetadata(_Options):
    """What is recorded of a run: nothing. TensorFlow: tf.compat.v1.RunMetadata."""
