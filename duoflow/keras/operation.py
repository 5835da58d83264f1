"""Operations and nodes: the history of a KerasTensor.

An `Operation` (a layer, or a keras.ops function) called on KerasTensors leaves a `Node`: which operation, its arguments
and what came out. Functional models are read off these nodes.
"""

from __future__ import annotations

import inspect
from typing import Any, NamedTuple

from duoflow.core import nest

from .naming import auto_name, check_name
from .symbolic import KerasTensor, any_symbolic, compute_output_spec
from .tracking import KerasSaveable

__all__ = ["KerasHistory", "Node", "Operation", "default", "is_default", "unpacked"]


def default(method: Any) -> Any:
    """Mark a method of a base class as the one that subclasses are meant to replace."""
    method._is_default = True
    return method


def is_default(method: Any) -> bool:
    """Whether a method is still the base class' own."""
    return getattr(method, "_is_default", False)


class KerasHistory(NamedTuple):
    """Where a KerasTensor comes from: which operation, which call of it, which of the outputs."""

    operation: Any
    node_index: int
    tensor_index: int


class Node:
    """One call of an operation on KerasTensors."""

    def __init__(
        self, operation: Operation, call_args: tuple[Any, ...] = (), call_kwargs: Any = None, outputs: Any = None
    ) -> None:
        self.operation = operation
        self.args, self.kwargs = call_args, dict(call_kwargs or {})
        self.input_tensors = [x for x in nest.flatten((call_args, self.kwargs)) if isinstance(x, KerasTensor)]
        self.outputs = [x for x in nest.flatten(outputs) if x is not None]
        for x in self.outputs:
            if not isinstance(x, KerasTensor):
                raise ValueError(
                    f"All operation outputs must be tensors. Operation {operation} returned a non-tensor. "
                    f"Non-tensor received: {x}"
                )
        self.index = len(operation._inbound_nodes)
        operation._inbound_nodes.append(self)
        for i, output in enumerate(self.outputs):
            output._keras_history = KerasHistory(operation, self.index, i)
        for parent in self.parent_nodes:
            parent.operation._outbound_nodes.append(self)

    @property
    def parent_nodes(self) -> list[Node]:
        """The nodes that made the inputs."""
        histories = (x._keras_history for x in self.input_tensors if x._keras_history)
        return [h.operation._inbound_nodes[h.node_index] for h in histories]

    @property
    def is_input(self) -> bool:
        """Whether the node starts a model."""
        return not self.input_tensors

    @property
    def output_tensors(self) -> list[KerasTensor]:
        """What came out."""
        return self.outputs

    def filled(self, values: dict[int, Any]) -> tuple[tuple[Any, ...], dict[str, Any]]:
        """The call's arguments with values, by id, in the place of KerasTensors."""

        def fill(x: Any) -> Any:
            return values.get(id(x), x) if isinstance(x, KerasTensor) else x

        return nest.map_structure(fill, self.args), nest.map_structure(fill, self.kwargs)

    def __repr__(self) -> str:
        return f"<Node operation={self.operation}, id={id(self)}>"


class Operation(KerasSaveable):
    """Something that maps tensors to tensors, eagerly and symbolically. Keras: keras.Operation."""

    def __init__(self, name: str | None = None) -> None:
        if name is None:
            name = auto_name(type(self).__name__)
        check_name(name)
        self.name = name
        self._inbound_nodes: list[Node] = []
        self._outbound_nodes: list[Node] = []

    def __new__(cls, *args: Any, **kwargs: Any) -> Any:
        """Keep the arguments, for `get_config` of classes that do not write their own."""
        instance = super().__new__(cls)
        object.__setattr__(instance, "_init_call", (args, kwargs))
        return instance

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        if any_symbolic(args, kwargs):
            return self.symbolic_call(*args, **kwargs)
        return self.call(*args, **kwargs)

    def symbolic_call(self, *args: Any, **kwargs: Any) -> Any:
        """The KerasTensors that a call gives, with their history."""
        outputs = self.compute_output_spec(*args, **kwargs)
        Node(self, args, kwargs, outputs)
        return outputs

    def compute_output_spec(self, *args: Any, **kwargs: Any) -> Any:
        """The KerasTensors that a call gives, without history: by tracing `call`."""
        try:
            return compute_output_spec(self.call, *args, **kwargs)
        except Exception as error:
            where = f"{type(self).__name__}.call()"
            note = (
                f"Could not automatically infer the output shape / dtype of '{self.name}' (of type "
                f"{type(self).__name__}). "
                f"Either the `{where}` method is incorrect, or you need to implement the `{type(self).__name__}."
                f"compute_output_spec() / compute_output_shape()` method. Error encountered:\n\n{error}"
            )
            raise _as_kind(error, note) from error

    def call(self, *args: Any, **kwargs: Any) -> Any:
        """The computation itself."""
        raise NotImplementedError(f"{type(self).__name__} must implement `call`.")

    @default
    def get_config(self) -> dict[str, Any]:
        """The arguments that make an equal operation.

        Classes with arguments of their own return them here, or rely on this method where all of them are plain data.
        """
        config: dict[str, Any] = {"name": self.name}
        if not is_default(self.get_config):
            return config
        name, parameters = type(self).__name__, inspect.signature(self.__init__).parameters
        arguments = self._init_arguments()
        if arguments is None:
            raise NotImplementedError(
                f"Object {name} was created by passing positional only or variadic positional arguments (e.g., "
                "`*args`) to `__init__()`, which is not supported by the automatic config generation. Please remove "
                "all positional only and variadic arguments from `__init__()`, or override `get_config()` and "
                "`from_config()` to make the object serializable."
            )
        if not all(_is_plain(value) for value in arguments.values()):
            raise NotImplementedError(
                f"Object {name} was created by passing non-serializable argument values in `__init__()`, and therefore "
                "the object must override `get_config()` in order to be serializable. Please implement `get_config()`:"
                f"\n\n    class {name}(...):\n        def get_config(self):\n"
                "            config = super().get_config()\n"
                + "".join(f'            config["{k}"] = self.{k}\n' for k in arguments)
                + "            return config"
            )
        if "name" not in parameters and not any(p.kind is p.VAR_KEYWORD for p in parameters.values()):
            del config["name"]
        return {**config, **arguments}

    def _init_arguments(self) -> dict[str, Any] | None:
        """What the object was made with, by parameter name, but for what every operation takes.

        None where an argument cannot be given again by name.
        """
        args, kwargs = getattr(self, "_init_call", ((), {}))
        bound = inspect.signature(self.__init__).bind(*args, **kwargs)
        bound.apply_defaults()
        arguments: dict[str, Any] = {}
        for name, parameter in bound.signature.parameters.items():
            value = bound.arguments[name]
            if parameter.kind is parameter.VAR_KEYWORD:
                arguments |= value
            elif parameter.kind is parameter.VAR_POSITIONAL:
                if value:
                    return None
            elif parameter.kind is parameter.POSITIONAL_ONLY:
                return None
            else:
                arguments[name] = value
        return {k: v for k, v in arguments.items() if k not in ("name", "trainable", "dtype")}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Any:
        """An operation from its config."""
        try:
            return cls(**config)
        except Exception as error:
            raise TypeError(
                f"Error when deserializing class '{cls.__name__}' using config={config}.\n\nException encountered: "
                f"{error}"
            ) from error

    def _obj_type(self) -> str:
        return "Operation"

    @property
    def input(self) -> Any:
        """The KerasTensor, or the list of them, that the only symbolic call took."""
        return unpacked(self._only_node("input").input_tensors)

    @property
    def output(self) -> Any:
        """The KerasTensor, or the list of them, that the only symbolic call gave."""
        return unpacked(self._only_node("output").outputs)

    def _only_node(self, attribute: str) -> Node:
        if not self._inbound_nodes:
            raise AttributeError(f"The layer {self.name} has never been called and thus has no defined {attribute}.")
        if len(self._inbound_nodes) > 1:
            raise AttributeError(
                f"The layer {self.name} has multiple inbound nodes, hence the notion of 'layer {attribute}' is "
                "ill-defined."
            )
        return self._inbound_nodes[0]


def unpacked(x: Any) -> Any:
    """The element of a list or tuple of one; anything else as it is."""
    return x[0] if isinstance(x, list | tuple) and len(x) == 1 else x


def _is_plain(value: Any) -> bool:
    if isinstance(value, list | tuple):
        return all(_is_plain(item) for item in value)
    if isinstance(value, dict):
        return all(isinstance(key, str) and _is_plain(item) for key, item in value.items())
    return value is None or isinstance(value, str | int | float | bool)


def _as_kind(error: Exception, message: str) -> Exception:
    """An error of the same type with a longer message, where the type allows it."""
    kind = type(error)
    if kind in (ValueError, TypeError, RuntimeError, NotImplementedError, AttributeError):
        return kind(message)
    return RuntimeError(message)
