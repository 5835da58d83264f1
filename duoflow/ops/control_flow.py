"""Order between operations: control dependencies, groups, operations that do nothing."""

from __future__ import annotations

import contextlib
from collections.abc import Iterable
from typing import Any

from duoflow.core import nest
from duoflow.core.composite import Composite
from duoflow.core.context import context
from duoflow.core.emit import emit
from duoflow.core.graph import Node
from duoflow.core.late import F
from duoflow.core.record import Kind, Op, register
from duoflow.core.tensor import convert

__all__ = ["control_dependencies", "group", "no_op", "tuple"]

_tuple: Any = tuple

NO_OP = register(Op("NoOp", Kind.CONTROL, lambda: (), lambda: (), checked=False, num_outputs=0, differentiable=False))


def no_op(name: str | None = None) -> Any:
    """An operation that does nothing, for control dependencies; None in eager mode. TensorFlow: tf.no_op."""
    if context.graph is None:
        return None
    emit(NO_OP, (), {}, name)
    return context.graph.nodes[-1]


def control_dependencies(control_inputs: Any) -> Any:
    """Make the operations inside a `with` block run after the given ones.

    Args:
      control_inputs: operations, tensors or variables; None clears what is pending. In eager mode everything has run
        already; callables are called.

    TensorFlow: tf.control_dependencies.
    """
    if control_inputs is not None and not isinstance(control_inputs, Iterable):
        raise TypeError(f"control_inputs must be a list of operations and tensors, received {control_inputs!r}.")
    if context.graph is not None:
        return context.graph.control_dependencies(control_inputs)
    for item in control_inputs or ():
        if callable(item):
            item()
    return contextlib.nullcontext()


def group(*inputs: Any, **kwargs: Any) -> Any:
    """One operation that is done when all of `inputs` are; None in eager mode.

    Args:
      inputs: operations, tensors, variables or nested structures of them.
      name: the operation's name.

    Raises:
      TypeError: if something else is among the inputs.

    TensorFlow: tf.group.
    """
    name = kwargs.pop("name", None)
    if kwargs:
        raise ValueError(f"Unknown keyword arguments: {list(kwargs)}")
    if context.graph is None:
        return None
    flat = [item for item in nest.flatten(list(inputs)) if item is not None]
    for item in flat:
        if not isinstance(item, (Node, Composite)) and not hasattr(item, "dtype"):
            raise TypeError(
                f"'inputs' should be zero or more (nested) Tensors. Received {item!r} with type {type(item)}"
            )
    with context.graph.control_dependencies(flat):
        return no_op(name or "group_deps")


def tuple(tensors: Any, control_inputs: Any = None, name: str | None = None) -> Any:
    """The tensors, each available only when all of them and `control_inputs` are.

    Args:
      tensors: a list of tensors, IndexedSlices or None.
      control_inputs: further operations or tensors to wait for.

    TensorFlow: tf.tuple.
    """
    if context.graph is None:
        return tensors
    present = [t for t in tensors if t is not None]
    if not present:
        raise ValueError(f"'tensors' must have at least one Tensor. Received: {tensors}.")
    waits = [part for t in present for part in (t._components() if isinstance(t, Composite) else (t,))]
    with F.name_scope(name or "tuple"), context.graph.control_dependencies([*waits, *(control_inputs or ())]):
        return [_identity(t) for t in tensors]


def _identity(value: Any) -> Any:
    if value is None or isinstance(value, Node):
        return value
    if isinstance(value, Composite):
        return value._with_components(_tuple(F.identity(t) for t in value._components()))
    return F.identity(convert(value))
