"""Symbolic graphs: where their tensors come from."""

from __future__ import annotations

from typing import Any

__all__ = ["get_source_inputs"]


def get_source_inputs(tensor: Any) -> list[Any]:
    """The symbolic inputs that a KerasTensor is computed from.

    >>> x = tf.keras.Input((3,))
    >>> tf.keras.utils.get_source_inputs(tf.keras.layers.Dense(2)(x))[0] is x
    True

    Keras: keras.utils.get_source_inputs.
    """
    found: list[Any] = []
    seen: set[int] = set()
    waiting = [tensor]
    while waiting:
        one = waiting.pop()
        history = getattr(one, "_keras_history", None)
        node = None if history is None else history.operation._inbound_nodes[history.node_index]
        if id(node or one) in seen:
            continue
        seen.add(id(node or one))
        if node is None:
            found.append(one)
        elif node.is_input:
            found += node.output_tensors
        else:
            waiting += reversed(node.input_tensors)
    return found
