"""`tf.contrib.eager`: eager execution as TensorFlow 1 tried it out."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from duoflow.core.autodiff import GradientTape
from duoflow.core.context import device, executing_eagerly
from duoflow.core.late import F
from duoflow.core.tensor import convert
from duoflow.core.variables import Variable
from duoflow.data.iterators import OwnedIterator
from duoflow.trace.function import function as defun

from ..modes import enable_eager_execution

__all__ = [
    "GradientTape", "Iterator", "Variable", "defun", "device", "enable_eager_execution", "executing_eagerly",
    "gradients_function", "implicit_gradients", "implicit_value_and_gradients", "in_eager_mode", "num_gpus", "py_func",
    "value_and_gradients_function",
]  # fmt: skip

#: Iterates a dataset: `for x in tfe.Iterator(dataset)`, `iterator.next()`.
in_eager_mode = executing_eagerly


class Iterator(OwnedIterator):
    """An iterator over a dataset. TensorFlow: tf.contrib.eager.Iterator."""

    def next(self) -> Any:
        """The next element; `StopIteration` after the last."""
        return next(self)


def num_gpus() -> int:
    """The number of GPUs: none are used here."""
    return 0


def py_func(func: Callable[..., Any], inp: Any, Tout: Any, name: str | None = None) -> Any:
    """`tf.py_function`. TensorFlow: tf.contrib.eager.py_func."""
    return F.py_function(func, inp, Tout, name)


def implicit_value_and_gradients(f: Callable[..., Any]) -> Callable[..., Any]:
    """A function that gives f's value, and (gradient, variable) for each variable that f used.

    TensorFlow: tf.contrib.eager.implicit_value_and_gradients.
    """

    def value_and_gradients(*args: Any, **kwargs: Any) -> Any:
        with GradientTape() as tape:
            value = f(*args, **kwargs)
        if value is None:
            raise ValueError(f"Cannot differentiate {f.__name__}: it returns None; did you forget to return a value?")
        variables = list(tape.watched_variables())
        if not variables:
            raise ValueError("No trainable variables were accessed while the function was being computed.")
        return value, list(zip(tape.gradient(value, variables), variables, strict=True))

    return value_and_gradients


def implicit_gradients(f: Callable[..., Any]) -> Callable[..., Any]:
    """A function that gives (gradient, variable) for each variable that f used.

    TensorFlow: tf.contrib.eager.implicit_gradients.
    """
    return lambda *args, **kwargs: implicit_value_and_gradients(f)(*args, **kwargs)[1]


def value_and_gradients_function(f: Callable[..., Any], params: Any = None) -> Callable[..., Any]:
    """A function that gives f's value and its gradients with respect to its arguments (those numbered in `params`).

    TensorFlow: tf.contrib.eager.value_and_gradients_function.
    """

    def value_and_gradients(*args: Any, **kwargs: Any) -> Any:
        tensors = [convert(a) for a in args]
        chosen = [tensors[i] for i in (range(len(tensors)) if params is None else params)]
        with GradientTape() as tape:
            tape.watch(chosen)
            value = f(*tensors, **kwargs)
        return value, tape.gradient(value, chosen)

    return value_and_gradients


def gradients_function(f: Callable[..., Any], params: Any = None) -> Callable[..., Any]:
    """A function that gives f's gradients with respect to its arguments.

    TensorFlow: tf.contrib.eager.gradients_function.
    """
    return lambda *args, **kwargs: value_and_gradients_function(f, params)(*args, **kwargs)[1]
