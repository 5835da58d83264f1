"""Gradients that programs register by a name, for ops made under `Graph.gradient_override_map`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from .graph import Node
from .record import OPS

__all__ = ["RegisterGradient", "no_gradient", "rule_of"]

_Rule = Callable[..., Any]
_registered: dict[str, _Rule | None] = {}


class RegisterGradient:
    """Decorator: register a gradient function `f(op, *upstream)` under a name.

    Args:
      op_type: the name. Those of ops have their gradients already; a name of one's own is put in their place for
        some ops by `tf.Graph.gradient_override_map`.

    Raises:
      TypeError: if `op_type` is not a string.
      KeyError: if a gradient has that name.

    >>> @tf.RegisterGradient("Reversed")
    ... def reversed(op, upstream):
    ...     return -upstream
    >>> with tf.Graph().as_default() as graph:
    ...     x = tf.constant(3.0)
    ...     with graph.gradient_override_map({"Identity": "Reversed"}):
    ...         y = tf.identity(x)
    ...     gradient, = tf.gradients(y, x)
    >>> float(tf.compat.v1.Session(graph=graph).run(gradient))
    -1.0

    TensorFlow: tf.RegisterGradient.
    """

    def __init__(self, op_type: str) -> None:
        if not isinstance(op_type, str):
            raise TypeError("op_type must be a string")
        self._op_type = op_type

    def __call__(self, f: _Rule) -> _Rule:
        """Register `f`, and return it."""
        _register(self._op_type, f)
        return f


def no_gradient(op_type: str) -> None:
    """Register under a name that nothing flows back. TensorFlow: tf.no_gradient.

    Raises `TypeError` unless the name is a string, `KeyError` if a gradient has it.
    """
    if not isinstance(op_type, str):
        raise TypeError("op_type must be a string")
    _register(op_type, None)


def _register(name: str, rule: _Rule | None) -> None:
    known = OPS.get(name)
    if name in _registered or known is not None and (known.gradient is not None or not known.differentiable):
        raise KeyError(f"Registering two gradient with name '{name}'!")
    _registered[name] = rule


def rule_of(node: Node) -> _Rule | None:
    """The gradient rule of a node: its op's, or the one that its graph has in that place.

    Raises `LookupError` where that was never registered.
    """
    names = None if node.graph is None else node.graph.extras.get("gradients")
    name = None if names is None else names.get(node.name)
    if name is None:
        return node.op.gradient
    if name not in _registered:
        raise LookupError(f"gradient registry has no entry for: {name}")
    return _registered[name] or _nothing


def _nothing(node: Node, *upstream: Any) -> list[Any]:
    return [None] * len(node.inputs)
