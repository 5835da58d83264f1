"""Graph optimisation: `tf.config.optimizer`."""

from __future__ import annotations

from typing import Any

from duoflow.core.switches import switches

__all__ = ["get_experimental_options", "get_jit", "set_experimental_options", "set_jit"]


def get_experimental_options() -> dict[str, Any]:
    """The options set. TensorFlow: tf.config.optimizer.get_experimental_options."""
    return dict(switches.optimizer_options)


def set_experimental_options(options: dict[str, Any]) -> None:
    """Keep options of graph optimisation, to be read back. TensorFlow: tf.config.optimizer.set_experimental_options."""
    switches.optimizer_options.update(options)


def get_jit() -> str:
    """Always "autoclustering": every function is compiled. TensorFlow: tf.config.optimizer.get_jit."""
    return "autoclustering"


def set_jit(enabled: Any) -> None:
    """Accepted: every function is compiled whatever is asked for. TensorFlow: tf.config.optimizer.set_jit."""
