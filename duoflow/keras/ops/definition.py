"""How a function becomes a keras.ops function: `@operation` lets it take KerasTensors.

On tensors the function itself runs. On KerasTensors the call is remembered as an `Operation` of a class made from the
function ("add" gives `Add`): the leading parameters are the inputs of the call, the rest are the operation's config,
and the result's shape comes from tracing the function.
"""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable
from typing import Any

from duoflow import ops as tf
from duoflow.core.tensor import Tensor, convert
from duoflow.ops.static import axis_of

from ..operation import Operation
from ..preferences import floatx
from ..saving.public_names import named
from ..symbolic import any_symbolic

__all__ = ["FunctionOperation", "axes_of", "floating", "operation"]


def axes_of(axis: Any, rank: int) -> list[int]:
    """One axis or several (None: all) as non-negative ints; `ValueError` for one out of range."""
    if axis is None:
        return list(range(rank))
    return [axis_of(a, rank, refuse=ValueError) for a in ([axis] if isinstance(axis, int) else axis)]


def floating(x: Any) -> Any:
    """A tensor of an inexact dtype: bools and ints become the default float."""
    x = convert(x)
    return x if x.dtype.is_floating or x.dtype.is_complex else tf.cast(x, floatx())


class FunctionOperation(Operation):
    """A call of a keras.ops function in a symbolic model; `settings` are its arguments that are not inputs."""

    function: Callable[..., Any]

    def __init__(self, name: str | None = None, **settings: Any) -> None:
        super().__init__(name=name)
        self.settings = settings

    def call(self, *inputs: Any, **named_inputs: Any) -> Any:
        return type(self).function(*inputs, **named_inputs, **self.settings)

    def get_config(self) -> dict[str, Any]:
        return {"name": self.name, **self.settings}


def operation(inputs: int = 1, module: str = "keras.src.ops.numpy", name: str | None = None) -> Callable[..., Any]:
    """Decorator for a function whose first `inputs` parameters are tensors.

    module, name: where configs say the operation's class is.
    """

    def decorate(function: Callable[..., Any]) -> Callable[..., Any]:
        class_name = name or "".join(part.capitalize() for part in function.__name__.split("_"))
        doc = f"The operation of `keras.ops.{function.__name__}`."
        cls = type(class_name, (FunctionOperation,), {"function": staticmethod(function), "__doc__": doc})
        named(module)(cls)
        parameters = list(inspect.signature(function).parameters)

        @functools.wraps(function)
        def public(*args: Any, **kwargs: Any) -> Any:
            if len(args) == 1 and isinstance(args[0], Tensor) or not any_symbolic(args, kwargs):
                return function(*args, **kwargs)
            given = dict(zip(parameters, args, strict=False)) | kwargs
            positional = [given.pop(n) for n in parameters[:inputs] if n in given]
            symbolic = {n: given.pop(n) for n in list(given) if any_symbolic(given[n])}
            return cls(**given).symbolic_call(*positional, **symbolic)

        public.operation_class = cls  # type: ignore[attr-defined]
        return public

    return decorate
