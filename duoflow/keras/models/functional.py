"""Functional models: a graph of layers between `Input`s and outputs."""

from __future__ import annotations

import copy
import inspect
import warnings
from collections.abc import Callable
from typing import Any

from duoflow import ops as tf
from duoflow.core import dtypes, nest
from duoflow.core.tensor import convert

from ..function import Function, connecting_nodes, node_key
from ..layers.call import is_tensor
from ..layers.input_layer import Input, InputLayer
from ..layers.input_spec import InputSpec
from ..layers.layer import Layer
from ..operation import Node, unpacked
from ..saving.public_names import named
from ..symbolic import KerasTensor, keras_mask, set_keras_mask
from ..tracking import untracked
from ..variables import standardize_dtype
from .functional_config import functional_config, rebuilt
from .model import FUNCTIONAL, Model

__all__ = ["Functional"]


@named("keras.src.models.functional")
class Functional(Function, Model):
    """A model given by its inputs and outputs, KerasTensors or structures of them.

    Layers may be shared, nested models are layers, and intermediate tensors make further models that share the layers.

    >>> a, b = tf.keras.Input((2,), name="a"), tf.keras.Input((2,), name="b")
    >>> model = tf.keras.Model({"a": a, "b": b}, tf.keras.layers.Add()([a, b]))
    >>> model({"a": tf.ones((1, 2)), "b": tf.ones((1, 2))}).numpy()
    array([[2., 2.]], dtype=float32)

    Keras: keras.Model(inputs, outputs).
    """

    rebuilt = staticmethod(rebuilt)

    def __init__(self, inputs: Any, outputs: Any, name: str | None = None, **kwargs: Any) -> None:
        trainable = kwargs.pop("trainable", None)
        if not hasattr(self, "_losses"):
            Model.__init__(self, name=name, **kwargs)
        _check_tensors(inputs, "inputs")
        _check_tensors(outputs, "outputs")
        if not all(_starts_a_model(x) for x in nest.flatten(inputs)):
            inputs, outputs = _between(inputs, outputs)
        with untracked():
            self._trace(inputs, outputs)
        for layer in self.layers:
            self._tracker.track(layer)
        if trainable is not None:
            self.trainable = trainable
        self.built = True
        self._convert_input_args, self._allow_non_tensor_positional_args = False, True
        self._manual_input_spec: Any = None
        self.output_names = [x._keras_history.operation.name for x in self.outputs]
        self.input_names = [x._keras_history.operation.name for x in self.inputs]

    def _lock_state(self) -> None:
        """Further state may be added: subclasses do so after `super().__init__`."""

    def _obj_type(self) -> str:
        return "Functional"

    @property
    def layers(self) -> list[Any]:
        """The layers, inputs first."""
        return [op for op in self._operations if isinstance(op, Layer)]

    @layers.setter
    def layers(self, _: Any) -> None:
        raise AttributeError("`Model.layers` attribute is reserved and should not be used. Please use another name.")

    @property
    def input(self) -> Any:
        """The inputs, in the structure they were given in."""
        return self._inputs_struct

    @property
    def output(self) -> Any:
        """The outputs, in the structure they were given in."""
        return self._outputs_struct

    @property
    def input_shape(self) -> Any:
        """The shape of the input, or the list of them."""
        return unpacked([x.shape for x in self.inputs])

    @property
    def output_shape(self) -> Any:
        """The shape of the output, or the list of them."""
        return unpacked([x.shape for x in self.outputs])

    @property
    def input_spec(self) -> Any:
        """What each input must be."""
        if self._manual_input_spec is not None:
            return self._manual_input_spec
        struct = self._inputs_struct
        if isinstance(struct, dict):
            if not all(isinstance(x, KerasTensor) for x in struct.values()):
                return None
            return [_spec_of(struct[key], key) for key in sorted(struct)]
        return [_spec_of(x, x._keras_history.operation.name) for x in self.inputs]

    @input_spec.setter
    def input_spec(self, value: Any) -> None:
        self._manual_input_spec = value

    def add_loss(self, loss: Any) -> None:
        """Not on models of KerasTensors: call `add_loss` in a layer's `call`."""
        raise NotImplementedError("Functional models take no add_loss(); call it inside a layer's `call()`.")

    # -- calling -----------------------------------------------------------------------------------------------------

    def build(self, input_shape: Any = None) -> None:
        self.built = True

    def call(self, inputs: Any, training: Any = None, mask: Any = None, **kwargs: Any) -> Any:
        """The outputs for values of the inputs, in the structure they were given in."""
        values = self._standardize_inputs(inputs)
        for x, m in zip(values, nest.flatten(mask) if mask is not None else [None] * len(values), strict=False):
            if m is not None:
                set_keras_mask(x, m)
        context = {"training": training, **kwargs}
        return unpacked(self._run_through_graph(values, lambda op: _called_with(op, context)))

    def compute_output_spec(self, inputs: Any, training: Any = None, mask: Any = None, **kwargs: Any) -> Any:
        """The outputs' KerasTensors for other KerasTensors as inputs."""
        return unpacked(Function.compute_output_spec(self, self._in_own_structure(inputs)))

    def compute_output_shape(self, input_shape: Any) -> Any:
        """The shapes of the outputs for shapes of the inputs."""
        shapes = [input_shape] if len(self._inputs) == 1 else _shapes(input_shape)
        tensors = [KerasTensor(s, dtype=x.dtype) for s, x in zip(shapes, self._inputs, strict=True)]
        out = Function.compute_output_spec(self, nest.pack_sequence_as(self._inputs_struct, tensors))
        return unpacked(nest.map_structure(lambda x: x.shape, out))

    def _in_own_structure(self, inputs: Any) -> Any:
        return nest.pack_sequence_as(self._inputs_struct, self._ordered(inputs))

    def _ordered(self, inputs: Any) -> list[Any]:
        """The inputs as a list in the model's own order; dictionaries by name."""
        struct = self._inputs_struct
        if isinstance(inputs, dict) and not isinstance(struct, dict):
            names = [x.name for x in self._inputs]
            if set(names) <= set(inputs):
                return [inputs[name] for name in names]
            raise ValueError(_wrong_structure(struct, inputs))
        if isinstance(inputs, dict):
            if not set(struct) <= set(inputs):
                raise ValueError(_wrong_structure(struct, inputs))
            inputs = {key: inputs[key] for key in struct}
        elif isinstance(struct, dict) and list(struct) != sorted(struct):
            raise ValueError(_wrong_structure(struct, inputs))
        flat = nest.flatten(inputs)
        if len(flat) != len(self._inputs):
            raise ValueError(_wrong_structure(struct, inputs))
        one_tensor = len(flat) == 1 and (is_tensor(inputs) or not nest.is_nested(inputs))
        if not one_tensor and not _alike(inputs, struct):
            warnings.warn(_wrong_structure(struct, inputs), stacklevel=5)
        return flat

    def _standardize_inputs(self, inputs: Any) -> list[Any]:
        """The inputs as tensors of the dtypes and ranks that the model was made for."""
        return [self._fitted(i, x) for i, x in enumerate(self._ordered(inputs))]

    def _fitted(self, index: int, x: Any) -> Any:
        own = self._inputs[index]
        if x is None:
            layer = own._keras_history.operation
            if isinstance(layer, InputLayer) and not layer.optional:
                raise ValueError(
                    f"The input '{own.name}' is not optional, but None was passed. Please provide a valid tensor."
                )
            return None
        if isinstance(x, KerasTensor):
            return x
        value = convert(x, dtype_hint=own.dtype)
        if standardize_dtype(value.dtype) != own.dtype:
            if value.dtype is dtypes.string:
                raise ValueError(f"Invalid dtype: the input '{own.name}' is {own.dtype}, received strings: {x!r}")
            value = tf.cast(value, own.dtype)
        rank, wanted = len(value.shape), len(own.shape)
        if rank == wanted + 1 and value.shape[-1] == 1:
            value = tf.squeeze(value, [-1])
        elif rank == wanted - 1 and own.shape[-1] == 1:
            value = tf.expand_dims(value, -1)
        elif rank != wanted:
            raise ValueError(
                f"Invalid input shape for input {x} with name '{own.name}'. Expected shape {own.shape}, but input has "
                f"incompatible shape {tuple(value.shape)}"
            )
        if value is not x and keras_mask(x) is not None:
            set_keras_mask(value, keras_mask(x))
        return value

    # -- config ------------------------------------------------------------------------------------------------------

    def get_config(self) -> dict[str, Any]:
        """The layers and how they are connected."""
        if not _made_from_graph(type(self)):
            return Model.get_config(self)
        return copy.deepcopy(functional_config(self))


FUNCTIONAL.append(Functional)


def _made_from_graph(cls: type) -> bool:
    """Whether a class is made from inputs and outputs, as Functional is."""
    spec, own = inspect.getfullargspec(cls.__init__), inspect.getfullargspec(Functional.__init__)
    return spec.args[1:] == own.args[1:] or spec.varargs is not None and spec.varkw is not None


def _called_with(operation: Any, context: dict[str, Any]) -> Callable[..., Any]:
    """An operation with the arguments that are passed down, as far as it takes them."""
    passed = {n: v for n, v in context.items() if v is not None and n in getattr(operation, "_call_context_args", ())}
    return (lambda *args, **kwargs: operation(*args, **{**kwargs, **passed})) if passed else operation


def _check_tensors(structure: Any, argument: str) -> None:
    for x in nest.flatten(structure):
        if not isinstance(x, KerasTensor):
            raise ValueError(
                f"All `{argument}` values must be KerasTensors. Received: {argument}={structure} including invalid "
                "value "
                f"{x} of type {type(x)}"
            )
    if argument == "inputs" and isinstance(structure, dict):
        for key, x in structure.items():
            if isinstance(x, KerasTensor) and key != x.name:
                warnings.warn(
                    "When providing `inputs` as a dict, all keys in the dict must match the names of the corresponding "
                    f"tensors. Received key '{key}' mapping to value {x} which has name '{x.name}'. Change the "
                    "tensor name to "
                    f"'{key}' (via `Input(..., name='{key}')`)",
                    stacklevel=5,
                )


def _starts_a_model(x: KerasTensor) -> bool:
    operation, index, _ = x._keras_history
    return operation._inbound_nodes[index].is_input  # type: ignore[no-any-return]


def _alike(inputs: Any, struct: Any) -> bool:
    try:
        nest.assert_same_structure(_tuples(inputs), _tuples(struct), check_types=False)
    except (ValueError, TypeError):
        return False
    return True


def _tuples(structure: Any) -> Any:
    if isinstance(structure, list | tuple):
        return tuple(map(_tuples, structure))
    return {k: _tuples(v) for k, v in structure.items()} if isinstance(structure, dict) else structure


def _wrong_structure(struct: Any, inputs: Any) -> str:
    expected = nest.map_structure(lambda x: "None" if x is None else x.name, struct)
    received = nest.map_structure(lambda x: f"Tensor(shape={getattr(x, 'shape', None)})", inputs)
    return (
        "The structure of `inputs` doesn't match the expected structure.\n"
        f"Expected: {expected}\nReceived: inputs={received}"
    )


def _shapes(structure: Any) -> list[Any]:
    """The shapes in a structure of shapes, in order."""
    if isinstance(structure, dict):
        return [s for key in sorted(structure) for s in _shapes(structure[key])]
    if all(d is None or isinstance(d, int) for d in structure):
        return [tuple(structure)]
    return [s for item in structure for s in _shapes(item)]


def _spec_of(x: KerasTensor, name: str) -> InputSpec:
    layer = x._keras_history.operation
    shape = (None, *x.shape[1:]) if x.shape else ()
    return InputSpec(
        shape=shape, allow_last_axis_squeeze=True, name=name, optional=isinstance(layer, InputLayer) and layer.optional
    )


def _between(inputs: Any, outputs: Any) -> tuple[Any, Any]:
    """The same computation from fresh `Input`s in the place of intermediate tensors; the layers are shared."""
    flat = nest.flatten(inputs)
    nodes, _ = connecting_nodes(flat, nest.flatten(outputs))
    copies: dict[int, KerasTensor] = {}
    starts = set()
    for x in flat:
        if _starts_a_model(x):
            copies[id(x)] = x
        else:
            copies[id(x)] = Input(batch_shape=x.shape, dtype=x.dtype, name=f"{x.name}CLONE")
        starts.add(node_key(*x._keras_history[:2]))

    def fresh(x: Any) -> Any:
        if not isinstance(x, KerasTensor):
            return x
        return copies.setdefault(id(x), KerasTensor(x.shape, dtype=x.dtype, name=f"{x.name}_clone"))

    for node in nodes:
        if not node.is_input and node_key(node.operation, node.index) not in starts:
            args, kwargs = nest.map_structure(fresh, node.args), nest.map_structure(fresh, node.kwargs)
            Node(node.operation, args, kwargs, [fresh(x) for x in node.outputs])
    return nest.map_structure(lambda x: copies[id(x)], inputs), nest.map_structure(lambda x: copies[id(x)], outputs)
