"""One call of a layer: its bound arguments, which of them are tensors, and what the calls around it pass down."""

from __future__ import annotations

import inspect
from typing import Any

from duoflow.core import nest
from duoflow.core.tensor import Tensor

from ..explaining import message_of, retold
from ..symbolic import KerasTensor
from ..variables import standardize_dtype, standardize_shape

__all__ = ["Call", "CallContext", "explained", "explained_build", "is_tensor"]


def is_tensor(x: Any) -> bool:
    """Whether `x` is a tensor, symbolic or not."""
    return isinstance(x, Tensor | KerasTensor)


class CallContext:
    """What the outermost layer call passes down to the layers called inside: `training` and what they registered."""

    def __init__(self, entry_layer: Any) -> None:
        self.entry_layer = entry_layer
        self.values: dict[str, Any] = {}


class Call:
    """The arguments of one call, bound to the signature of `call`.

    layer: whose call it is
    given: what the caller passed, by name
    arguments: the same with defaults
    tensors: the arguments that are tensors or structures of tensors
    """

    def __init__(
        self, layer: Any, signature: inspect.Signature, context_names: set[str], args: Any, kwargs: dict[str, Any]
    ) -> None:
        passed_down = {n: kwargs.pop(n) for n in context_names if n in kwargs and n not in signature.parameters}
        try:
            bound = signature.bind(*args, **kwargs)
        except TypeError as error:
            names = ", ".join(signature.parameters)
            raise TypeError(
                f"{type(layer).__name__}.call() of the layer '{layer.name}': {error}. Its arguments are: {names}."
            ) from None
        self.given = {**passed_down, **bound.arguments}
        bound.apply_defaults()
        self.arguments: dict[str, Any] = dict(bound.arguments)
        self.tensors = {name: value for name, value in self.arguments.items() if _is_tensors(name, value)}

    @property
    def first(self) -> Any:
        """The first argument."""
        return next(iter(self.arguments.values()), None)

    @property
    def eager(self) -> bool:
        """Whether no tensor argument is a KerasTensor."""
        return not any(isinstance(x, KerasTensor) for x in nest.flatten(self.tensors))

    def shapes(self) -> dict[str, Any]:
        """The shapes of the tensor arguments under the names `x_shape`, but for masks and catch-alls."""
        found = {n: x for n, x in self.tensors.items() if n not in ("mask", "args", "kwargs")}
        return {f"{n}_shape": nest.map_structure(_shape_or_none, x) for n, x in found.items()}

    def shapes_for(self, method: Any, class_name: str) -> dict[str, Any]:
        """The shapes as the keyword arguments of `build` or `compute_output_shape`."""
        positional = (
            inspect.Parameter.POSITIONAL_OR_KEYWORD,
            inspect.Parameter.POSITIONAL_ONLY,
            inspect.Parameter.KEYWORD_ONLY,
        )
        names = [n for n, p in inspect.signature(method).parameters.items() if p.kind in positional]
        shapes = self.shapes()
        if len(names) == 1:
            return {names[0]: next(iter(shapes.values()), None)}
        for name in names:
            if not name.endswith("_shape"):
                raise ValueError(_mismatch(method, class_name, name, "which does not end in `_shape`."))
            argument = name.removesuffix("_shape")
            if argument not in self.arguments:
                raise ValueError(
                    _mismatch(method, class_name, name, f"but `call()` does not have argument `{argument}`.")
                )
        return {name: shapes[name] for name in names if name in shapes}


def _mismatch(method: Any, class_name: str, argument: str, why: str) -> str:
    name = method.__name__
    return (
        f"For a `{name}()` method with more than one argument, all arguments should have a `_shape` suffix and match "
        "an "
        f"argument from `call()`. E.g. `{name}(self, foo_shape, bar_shape)` For layer '{class_name}', received "
        f"`{name}()` "
        f"argument `{argument}`, {why}"
    )


def _is_tensors(name: str, value: Any) -> bool:
    if is_tensor(value):
        return True
    if not isinstance(value, list | tuple | dict) or not value:
        return False
    leaves = nest.flatten(value)
    if leaves and all(x is None or is_tensor(x) for x in leaves):
        return True
    if any(is_tensor(x) for x in leaves):
        raise ValueError(
            "In a nested call() argument, you cannot mix tensors and non-tensors. Received invalid mixed argument: "
            f"{name}={value}"
        )
    return False


def _shape_or_none(x: Any) -> Any:
    return None if x is None else standardize_shape(x.shape)


def explained(error: Exception, layer: Any, arguments: dict[str, Any]) -> Exception:
    """The error of a failing `call` with the layer's class, name and arguments; once, for the innermost layer."""
    name = f"{type(layer).__name__}.call()"
    shown = "\n".join(f"  • {n}={nest.map_structure(_shown, v)}" for n, v in arguments.items())
    fresh = retold(
        error,
        f"Exception encountered when calling {name}.\n\n{message_of(error)}\n\n"
        f"Arguments received by {name} of the layer '{layer.name}':\n{shown}",
    )
    fresh._keras_call_info_injected = True  # type: ignore[attr-defined]
    return fresh


def explained_build(error: Exception, layer: Any, call: Call) -> Exception:
    """The error of a failing `build` with the layer's class and name, and the shapes of its inputs; once."""
    shapes = ", ".join(f"{name}={shape}" for name, shape in call.shapes().items())
    message = message_of(error)
    if f"'{layer.name}'" in message:
        return error
    built = f"Raised while the layer '{layer.name}' ({type(layer).__name__}) was built for {shapes}"
    fresh = retold(error, f"{message}\n\n{built}")
    fresh._keras_call_info_injected = True  # type: ignore[attr-defined]
    return fresh


def _shown(x: Any) -> Any:
    if isinstance(x, Tensor):
        return f"tf.Tensor(shape={x.shape}, dtype={standardize_dtype(x.dtype)})"
    return repr(x)


def has_unbuilt_state(layer: Any) -> bool:
    """Whether a layer holds layers that are not built yet."""
    return any(not child.built for child in layer._layers)
