"""Functions with gradients of their own: `custom_gradient`, and what is made of it."""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from typing import Any

from . import nest
from .autodiff import GradientTape
from .context import context, entered
from .emit import emit
from .graph import Node
from .late import F
from .record import Kind, Op, register
from .spec import Spec
from .tensor import Tensor, convert
from .variables import Variable

__all__ = ["custom_gradient", "grad_pass_through", "recompute_grad"]


def _infer_custom(*specs: Spec, rule: Any, count: int) -> tuple[Spec, ...]:
    return tuple(Spec(s.shape, s.dtype) for s in specs[:count])


def _custom_rule(node: Node, *grads: Any) -> Sequence[Any]:
    count = node.attrs["count"]
    given = [F.zeros_like(out) if g is None else convert(g) for g, out in zip(grads, node.outputs, strict=True)]
    inner: list[Any] = node.attrs["rule"](given)
    return [None] * count + inner


CUSTOM_GRADIENT = register(
    Op(
        "CustomGradient",
        Kind.CONTROL,
        _infer_custom,
        lambda *arrays, rule, count: tuple(arrays[:count]),
        _custom_rule,
        checked=False,
        num_outputs=None,
    )
)


def custom_gradient(f: Callable[..., Any]) -> Callable[..., Any]:
    """Give a function its own gradient: `f` returns `(outputs, grad_fn)`.

    `grad_fn(*upstream)` gives a gradient per argument; if `f` uses trainable variables it takes `variables=` and
    returns `(argument gradients, variable gradients)`.

    >>> @tf.custom_gradient
    ... def clip_backwards(x):
    ...     return tf.identity(x), lambda dy: tf.clip_by_norm(dy, 0.5)

    TensorFlow: tf.custom_gradient.
    """

    @functools.wraps(f)
    def decorated(*args: Any, **kwargs: Any) -> Any:
        flat = [convert(a) if not isinstance(a, Variable) else a for a in nest.flatten(args)]
        tensors = [a._read() if isinstance(a, Variable) else a for a in flat]
        watcher = _VariableWatcher()
        with entered(tapes=(watcher,)):
            result, grad_fn = f(*nest.pack_sequence_as(args, tensors), **kwargs)
        used = [v for v in watcher.watched_variables() if not any(v is a for a in flat)]
        for tape in context.tapes:
            for variable in used:
                tape.variable_accessed(variable)
        outputs = [convert(r) for r in nest.flatten(result)]
        rule = functools.partial(_call_grad_fn, grad_fn, args, tensors, used)
        handles = [v.handle for v in used]
        wrapped = emit(
            CUSTOM_GRADIENT, tuple(outputs + tensors + handles), {"rule": rule, "count": len(outputs)}, "IdentityN"
        )
        return nest.pack_sequence_as(result, list(wrapped))

    return decorated


class _VariableWatcher(GradientTape):
    """Sees which variables are read and records nothing."""

    def record(self, node: Node) -> None:
        """Nothing: the ops inside have a gradient of their own."""


def _call_grad_fn(
    grad_fn: Any, args: Any, tensors: list[Tensor], variables: list[Variable], upstream: list[Any]
) -> list[Any]:
    if variables:
        try:
            result, variable_grads = grad_fn(*upstream, variables=variables)
        except TypeError as error:
            if "variables" not in str(error):
                raise
            raise TypeError(
                "If using @custom_gradient with a function that uses variables, then grad_fn must accept a "
                "'variables' keyword argument."
            ) from None
    else:
        result, variable_grads = grad_fn(*upstream), []
    flat = list(result) if isinstance(result, (list, tuple)) else [result]
    flat = nest.flatten(flat) if len(flat) != len(tensors) else flat
    if len(flat) != len(tensors):
        raise ValueError(
            f"custom_gradient function expected to return {len(tensors)} gradients, but returned {len(flat)} instead."
        )
    return [None if g is None else convert(g) for g in flat] + list(variable_grads)


def grad_pass_through(f: Callable[..., Any]) -> Callable[..., Any]:
    """Let gradients pass a function as if it were the identity; the variables it uses get none.

    >>> x = tf.Variable(1.4)
    >>> with tf.GradientTape() as tape:
    ...     y = tf.grad_pass_through(tf.round)(x)
    >>> tape.gradient(y, x)
    <tf.Tensor: shape=(), dtype=float32, numpy=1.0>

    TensorFlow: tf.grad_pass_through.
    """

    @custom_gradient
    def inner(*args: Any, **kwargs: Any) -> Any:
        def grad(*upstream: Any, variables: Any = None) -> Any:
            return upstream if variables is None else (upstream, [None] * len(variables))

        return f(*args, **kwargs), grad

    return functools.wraps(f)(inner)


def recompute_grad(f: Callable[..., Any]) -> Callable[..., Any]:
    """Keep nothing of `f` for the backward pass; compute it again there.

    `f` is called once more for its gradient. In a graph that happens when what `f` gave is computed, and the gradient
    with respect to it; nothing of the first call needs to be kept but its arguments.

    >>> layer = tf.recompute_grad(lambda x: tf.nn.relu(x) ** 2)
    >>> float(layer(tf.constant(3.0)))
    9.0

    TensorFlow: tf.recompute_grad.
    """

    @custom_gradient
    def inner(*args: Any, **kwargs: Any) -> Any:
        result = f(*args, **kwargs)

        def grad(*upstream: Any, variables: Any = None) -> Any:
            after = [t for t in (*nest.flatten(result), *upstream) if isinstance(t, Tensor)]
            with GradientTape() as tape:
                watched = nest.map_structure(lambda a: F.later(a, after), args)
                tape.watch(nest.flatten(watched))
                out = f(*watched, **kwargs)
            sources = [watched, list(variables or [])]
            by_args, by_variables = tape.gradient(out, sources, list(upstream) if len(upstream) > 1 else upstream[0])
            return (by_args, by_variables) if variables is not None else by_args

        return result, grad

    return functools.wraps(f)(inner)
