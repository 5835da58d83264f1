"""What surrounds an op call on this thread: the graph being built (or none), tapes, name scope, device, seeds."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .graph import Graph, Node

__all__ = ["Context", "context", "eager_only", "executing_eagerly", "init_scope"]


class Context(threading.local):
    """The state of one thread. `context` is the only instance.

    graph: the graph that ops are added to, or None when they run as they are called
    tapes: the recorders that see every op
    scope: the current name scope, "" or "a/b/"
    device: the device string asked for, or ""
    control: nodes that ops added to a graph must follow
    created_variables: where variables made while a function is traced are noted, or None
    """

    def __init__(self) -> None:
        self.graph: Graph | None = None
        self.tapes: tuple[Any, ...] = ()
        self.scope: str = ""
        self.device: str = ""
        self.control: tuple[Node, ...] = ()
        self.run_functions_eagerly: bool = False
        self.created_variables: list[Any] | None = None
        self.distribution: Any = None


context = Context()
_FIELDS = ("graph", "tapes", "scope", "device", "control")


@contextlib.contextmanager
def entered(**fields: Any) -> Iterator[Context]:
    """Set fields of the context for the duration of a `with` block."""
    saved = {name: getattr(context, name) for name in fields}
    for name, value in fields.items():
        setattr(context, name, value)
    try:
        yield context
    finally:
        for name, value in saved.items():
            setattr(context, name, value)


def executing_eagerly() -> bool:
    """Whether an op called here runs at once.

    >>> tf.executing_eagerly()
    True

    TensorFlow: tf.executing_eagerly.
    """
    return context.graph is None


@contextlib.contextmanager
def init_scope() -> Iterator[None]:
    """Lift ops out of the functions being traced, to eager mode or the outermost v1 graph; tapes do not see them.

    >>> @tf.function
    ... def f():
    ...     with tf.init_scope():
    ...         return tf.executing_eagerly()
    >>> f()
    <tf.Tensor: shape=(), dtype=bool, numpy=True>

    TensorFlow: tf.init_scope.
    """
    graph = context.graph
    while graph is not None and graph.is_function:
        graph = graph.outer
    with entered(graph=graph, tapes=(), control=()):
        yield


@contextlib.contextmanager
def eager_only() -> Iterator[None]:
    """Run ops at once and unrecorded, whatever is being traced."""
    with entered(graph=None, tapes=(), control=()):
        yield


class name_scope:
    """Prefix the names of the ops and variables made inside.

    >>> with tf.name_scope("layer") as scope:
    ...     scope
    'layer/'

    TensorFlow: tf.name_scope.
    """

    def __init__(self, name: str | None, default_name: str | None = None, values: Any = None) -> None:
        if name is not None and not isinstance(name, str):
            raise ValueError(f"name for name_scope must be a string, received {name!r}.")
        self._name = default_name if name is None else name
        self._saved: list[str] = []

    @property
    def name(self) -> str | None:
        """The name as given."""
        return self._name

    def __enter__(self) -> str:
        self._saved.append(context.scope)
        name = self._name
        if not name:
            context.scope = ""
        elif name.endswith("/"):
            context.scope = name
        elif context.graph is not None:
            context.scope = context.graph.unique_name(context.scope + name) + "/"
        else:
            context.scope = f"{context.scope}{name}/"
        return context.scope

    def __exit__(self, *exc: object) -> None:
        context.scope = self._saved.pop()


@contextlib.contextmanager
def device(device_name: Any) -> Iterator[None]:
    """Ask for a device. Engines of one device accept any CPU; an unknown kind of device is an error when used.

    TensorFlow: tf.device.
    """
    with entered(device=device_name if isinstance(device_name, str) else ""):
        yield


def inside_function() -> bool:
    """Whether a function is being traced. TensorFlow: tf.inside_function."""
    return context.graph is not None and context.graph.is_function


def get_current_name_scope() -> str:
    """The open name scope without its last slash. TensorFlow: tf.get_current_name_scope."""
    return context.scope.rstrip("/")
