"""Graph optimisation: `tf.config.optimizer`.

`duoflow show --totals` and a function's `explain()` tell what the passes did.
"""

from __future__ import annotations

from typing import Any

from duoflow.core.switches import switches

__all__ = ["get_experimental_options", "get_jit", "set_experimental_options", "set_jit"]


def get_experimental_options() -> dict[str, Any]:
    """The options set so far. TensorFlow: tf.config.optimizer.get_experimental_options."""
    return dict(switches.optimizer_options)


def set_experimental_options(options: dict[str, Any]) -> None:
    """Choose which passes run over the graphs that are compiled from now on.

    Args:
      options: by name; those not named stay as they are. `constant_folding` False leaves out folding,
        `arithmetic_optimization` False simplification and the merging of equal nodes, `disable_model_pruning` True
        the dropping of dead nodes, `disable_meta_optimizer` True all of these; `debug_stripper` True takes out
        assertions, numeric checks and prints. TensorFlow's other options are kept to be read back: layouts, fusion
        and the placing of memory are the engine's own and never change results.

    >>> tf.config.optimizer.set_experimental_options({"constant_folding": False})
    >>> tf.config.optimizer.get_experimental_options()
    {'constant_folding': False}
    >>> tf.config.optimizer.set_experimental_options({"constant_folding": True})

    TensorFlow: tf.config.optimizer.set_experimental_options.
    """
    switches.optimizer_options.update(options)


def get_jit() -> str:
    """Always "autoclustering": every function is compiled. TensorFlow: tf.config.optimizer.get_jit."""
    return "autoclustering"


def set_jit(enabled: Any) -> None:
    """Accepted: every function is compiled whatever is asked for. TensorFlow: tf.config.optimizer.set_jit."""
