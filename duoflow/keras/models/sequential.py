"""Sequential models: layers one after another, built as soon as the input's shape is known."""

from __future__ import annotations

import copy
import inspect
from typing import Any

from duoflow.core import nest

from ..layers.input_layer import InputLayer
from ..layers.layer import Layer
from ..saving.serialization import deserialize_keras_object, serialize_keras_object
from ..symbolic import keras_mask
from ..variables import standardize_shape
from .functional import Functional
from .model import Model

__all__ = ["Sequential"]


class Sequential(Model):
    """Layers one after another, each with one input and one output.

    Args:
      layers: a list of layers, the first of which may be an `Input`. trainable, name: as of any layer.

    >>> model = tf.keras.Sequential([tf.keras.Input((3,)), tf.keras.layers.Dense(2)])
    >>> model.add(tf.keras.layers.Dense(1))
    >>> model.output_shape, len(model.layers)
    ((None, 1), 2)

    Keras: keras.Sequential.
    """

    def __init__(self, layers: Any = None, trainable: bool = True, name: str | None = None) -> None:
        super().__init__(trainable=trainable, name=name)
        object.__setattr__(self, "_functional", None)
        object.__setattr__(self, "_calls", [])
        for layer in layers or ():
            self.add(layer, rebuild=False)
        if layers:
            self._maybe_rebuild()

    def add(self, layer: Any, rebuild: bool = True) -> None:
        """Put a layer on top. Raises `ValueError` for what is no layer, a name in use, a second input."""
        if not self._layers and getattr(layer, "_input_shape_arg", None) is not None:
            self.add(InputLayer(shape=layer._input_shape_arg))
        history = getattr(layer, "_keras_history", None)
        if history is not None and isinstance(history.operation, InputLayer):
            layer = history.operation
        if not isinstance(layer, Layer):
            raise ValueError(
                f"Only instances of `keras.Layer` can be added to a Sequential model. Received: {layer} (of type "
                f"{type(layer)})"
            )
        if any(layer.name == other.name for other in self._layers):
            raise ValueError(
                f"All layers added to a Sequential model should have unique names. Name '{layer.name}' is already "
                "the name of "
                "a layer in this model. Update the `name` argument to pass a unique name."
            )
        first = self._layers[0] if self._layers else None
        if isinstance(layer, InputLayer) and isinstance(first, InputLayer):
            raise ValueError(
                f"Sequential model '{self.name}' has already been configured to use input shape {first.batch_shape}. "
                "You "
                "cannot add a different Input layer to it."
            )
        self._layers.append(layer)
        self._forget_graph()
        if rebuild:
            self._maybe_rebuild()

    def pop(self, rebuild: bool = True) -> Any:
        """Take the last layer off; returns it."""
        layer = self._layers.pop()
        self._forget_graph()
        if rebuild and self._layers:
            self._maybe_rebuild()
        return layer

    def _forget_graph(self) -> None:
        self.built = False
        object.__setattr__(self, "_functional", None)

    def _maybe_rebuild(self) -> None:
        """Build if the first layer tells the input's shape."""
        self._forget_graph()
        if len(self._layers) > 1:
            first = self._layers[0]
            shape = first.batch_shape if isinstance(first, InputLayer) else getattr(first, "input_shape", None)
            if shape is not None:
                self.build(shape)

    def _lock_state(self) -> None:
        """Layers may be added at any time."""

    def _obj_type(self) -> str:
        return "Sequential"

    def build(self, input_shape: Any = None) -> None:
        """Make the variables of all layers, given the shape of the input."""
        try:
            input_shape = standardize_shape(input_shape)
        except ValueError:
            return  # a structure of inputs: the layers are applied one by one
        if not self._layers:
            raise ValueError(
                f"Sequential model {self.name} cannot be built because it has no layers. Call `model.add(layer)`."
            )
        first = self._layers[0]
        if not isinstance(first, InputLayer):
            self._layers.insert(0, InputLayer(batch_shape=input_shape, dtype=first.compute_dtype))
        elif first.batch_shape != input_shape:
            raise ValueError(
                f"Sequential model '{self.name}' has already been configured to use input shape {first.batch_shape}. "
                "You "
                f"cannot build it with input_shape {input_shape}"
            )
        self._forget_calls()
        inputs = x = self._layers[0].output
        for layer in self._layers[1:]:
            try:
                x = layer(x)
                self._calls.append(layer._inbound_nodes[-1])
            except NotImplementedError:
                return  # no shape inference: the layers are applied one by one
            except TypeError as error:
                raise _bad_signature(layer) or error from error
        object.__setattr__(self, "_functional", Functional(inputs, x))

    def _forget_calls(self) -> None:
        """Undo the calls of an earlier build, so that each layer has one output, unless others called it since."""
        for node in reversed(self._calls):
            if node.operation._inbound_nodes[-1] is node:
                node.operation._inbound_nodes.pop()
                for parent in node.parent_nodes:
                    parent.operation._outbound_nodes.remove(node)
        self._calls.clear()

    def call(self, inputs: Any, training: Any = None, mask: Any = None, **kwargs: Any) -> Any:
        """The output of the last layer."""
        if self._functional is not None:
            return self._functional.call(inputs, training=training, mask=mask, **kwargs)
        for layer in self.layers:
            arguments = {k: v for k, v in kwargs.items() if k in layer._call_context_args}
            if layer._call_has_mask_arg:
                arguments["mask"] = mask
            if layer._call_has_training_arg and training is not None:
                arguments["training"] = training
            inputs = layer(inputs, **arguments)
            mask = nest.map_structure(keras_mask, inputs)
        return inputs

    # -- facts -------------------------------------------------------------------------------------------------------

    @property
    def layers(self) -> list[Any]:
        """The layers, without the input layer."""
        own = self._layers
        return list(own[1:] if own and isinstance(own[0], InputLayer) else own)

    @layers.setter
    def layers(self, _: Any) -> None:
        raise AttributeError(
            "`Sequential.layers` attribute is reserved and should not be used. Use `add()` and `pop()` to change the "
            "layers in "
            "this model."
        )

    def _graph(self, what: str) -> Functional:
        if self._functional is None:
            raise AttributeError(f"Sequential model '{self.name}' has no defined {what} yet.")
        return self._functional  # type: ignore[no-any-return]

    @property
    def input_shape(self) -> Any:
        """The shape of the input; AttributeError before it is known."""
        return self._graph("input shape").input_shape

    @property
    def output_shape(self) -> Any:
        """The shape of the output; AttributeError before it is known."""
        return self._graph("output shape").output_shape

    @property
    def inputs(self) -> Any:
        """The symbolic inputs; AttributeError before the shape is known."""
        return self._graph("inputs").inputs

    @property
    def outputs(self) -> Any:
        """The symbolic outputs; AttributeError before the shape is known."""
        return self._graph("outputs").outputs

    @property
    def input(self) -> Any:
        """The symbolic input."""
        return self._graph("input").input

    @property
    def output(self) -> Any:
        """The symbolic output."""
        return self._graph("output").output

    @property
    def input_dtype(self) -> str:
        """The dtype of the input layer, if there is one."""
        first = self._layers[0] if self._layers else None
        return first.dtype if isinstance(first, InputLayer) else super().input_dtype

    def compute_output_spec(self, inputs: Any, training: Any = None, mask: Any = None, **kwargs: Any) -> Any:
        """The output's KerasTensor for another KerasTensor as input."""
        if self._functional is not None:
            return self._functional.compute_output_spec(inputs, training=training, mask=mask, **kwargs)
        for layer in self.layers:
            inputs = layer.compute_output_spec(inputs)
        return inputs

    def compute_output_shape(self, input_shape: Any) -> Any:
        """The shape of the output for a shape of the input."""
        if self._functional is not None:
            return self._functional.compute_output_shape(input_shape)
        for layer in self.layers:
            input_shape = layer.compute_output_shape(input_shape)
        return input_shape

    # -- config ------------------------------------------------------------------------------------------------------

    def get_config(self) -> dict[str, Any]:
        """The layers, and the input's shape once built."""
        config = Model.get_config(self)
        config["name"] = self.name
        config["layers"] = copy.deepcopy([serialize_keras_object(layer) for layer in self._layers])
        if self._functional is not None:
            config["build_input_shape"] = self._layers[0].batch_shape
        return config

    @classmethod
    def from_config(cls, config: dict[str, Any], custom_objects: Any = None) -> Any:
        """A model from its config."""
        if "name" not in config:
            raise ValueError(
                "A Sequential model configuration must be a dictionary containing the 'name' and 'layers' keys. "
                f"Received: config={config}"
            )
        model = cls(name=config["name"])
        for layer in config["layers"]:
            model.add(deserialize_keras_object(layer, custom_objects=custom_objects))
        shape = config.get("build_input_shape")
        if model._functional is None and isinstance(shape, tuple | list) and shape:
            model.build(tuple(shape))
        return model


def _bad_signature(layer: Any) -> ValueError | None:
    """What is wrong with the signature of a layer's `call`, if that is why it could not be called."""
    kinds = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)
    positional = [p for p in inspect.signature(layer.call).parameters.values() if p.kind in kinds]
    required = [p for p in positional if p.default is inspect.Parameter.empty]
    name = type(layer).__name__
    if not positional:
        return ValueError(
            "Layers added to a Sequential model should have a single positional argument, the input tensor. Layer "
            f"{name} has no positional arguments."
        )
    if len(required) > 1:
        return ValueError(
            "Layers added to a Sequential model can only have a single required positional argument, the input tensor. "
            f"Layer {name} has multiple required positional arguments: {required}"
        )
    return None
