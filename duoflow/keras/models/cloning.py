"""Copies of models with fresh weights, layer by layer."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from duoflow.core import nest

from ..layers.input_layer import Input, InputLayer
from ..layers.layer import Layer
from ..symbolic import KerasTensor
from .functional import Functional
from .sequential import Sequential

__all__ = ["clone_model"]


def clone_model(
    model: Any, input_tensors: Any = None, clone_function: Callable[[Any], Any] | None = None,
    call_function: Callable[..., Any] | None = None, recursive: bool = False, **kwargs: Any,
) -> Any:  # fmt: skip
    """A model of the same layers with fresh weights, compiled as the model is.

    Args:
      model: a Functional, Sequential or subclassed model.
      input_tensors: KerasTensors to start from, in the place of new inputs.
      clone_function: makes the copy of a layer; from its config if not given.
      call_function: calls a copied layer, `call_function(layer, *args, **kwargs)`; for Functional models.
      recursive: give `clone_function` the layers of nested models too.

    >>> model = tf.keras.Sequential([tf.keras.Input((2,)), tf.keras.layers.Dense(1)])
    >>> tf.keras.models.clone_model(model).count_params()
    3

    Keras: keras.models.clone_model.
    """
    if kwargs.pop("cache", None) is not None or kwargs:
        raise ValueError(f"Unexpected keyword argument(s): {tuple(kwargs)}")
    clone = _Cloner(clone_function, call_function, recursive)
    if isinstance(model, Sequential):
        return clone.sequential(model, input_tensors)
    if isinstance(model, Functional):
        return clone.functional(model, input_tensors)
    if clone_function is not None or input_tensors is not None:
        raise ValueError(
            "Arguments `clone_function` and `input_tensors` are only supported for Sequential models or Functional "
            "models. "
            f"Received model of type '{type(model).__name__}', with clone_function={clone_function} and "
            f"input_tensors={input_tensors}"
        )
    if call_function is not None:
        raise ValueError(
            "Argument `call_function` is only supported for Functional models. Received model of type "
            f"'{type(model).__name__}', with call_function={call_function}"
        )
    return type(model).from_config(model.get_config())


class _Cloner:
    """The options of one `clone_model` call."""

    def __init__(self, clone_function: Any, call_function: Any, recursive: bool) -> None:
        self.clone_function = clone_function or (lambda layer: type(layer).from_config(layer.get_config()))
        self.call_function, self.recursive = call_function, recursive

    def layer(self, layer: Any) -> Any:
        """The copy of one layer."""
        if self.recursive and isinstance(layer, Functional):
            return self.functional(layer, None)
        if self.recursive and isinstance(layer, Sequential):
            return self.sequential(layer, None)
        return self.clone_function(layer)

    def sequential(self, model: Sequential, inputs: Any) -> Sequential:
        """A Sequential copy, built as the model is."""
        if self.call_function is not None:
            raise ValueError(
                "`call_function` argument is not supported with Sequential models. In a Sequential model, layers "
                "aren't called "
                f"at model-construction time (they're merely listed). Received: {self.call_function}"
            )
        layers = [layer if isinstance(layer, InputLayer) else self.layer(layer) for layer in model._layers]
        first = layers[0] if layers else None
        if inputs is not None:
            start = inputs[0] if isinstance(inputs, list | tuple) else inputs
            layers = [start, *(layers[1:] if isinstance(first, InputLayer) else layers)]
        elif isinstance(first, InputLayer):
            layers[0] = Input(batch_shape=first.batch_shape, dtype=first.dtype, name=first.name)
        return _compiled_as(model, Sequential(layers, name=model.name, trainable=model.trainable))

    def functional(self, model: Functional, inputs: Any) -> Functional:
        """A Functional copy: the same calls on copied layers."""
        if inputs is None:
            inputs = [
                Input(batch_shape=x.shape, dtype=x.dtype, name=x._keras_history.operation.name) for x in model.inputs
            ]
        starts = nest.flatten(inputs)
        if len(starts) != len(model.inputs):
            raise ValueError(f"Expected {len(model.inputs)} input tensors, received {len(starts)}: {inputs}")
        copies: dict[int, Any] = {}
        known: dict[int, KerasTensor] = {id(x): new for x, new in zip(model.inputs, starts, strict=True)}
        for node in model._nodes_in_order:
            if node.is_input:
                continue
            operation = node.operation
            if id(operation) not in copies:
                own = isinstance(operation, Layer)
                copies[id(operation)] = (
                    self.layer(operation) if own else type(operation).from_config(operation.get_config())
                )
            args, kwargs = node.filled(known)
            copied = copies[id(operation)]
            outputs = self.call_function(copied, *args, **kwargs) if self.call_function else copied(*args, **kwargs)
            for old, new in zip(node.outputs, nest.flatten(outputs), strict=True):
                known[id(old)] = new
        struct = nest.pack_sequence_as(model._inputs_struct, starts)
        outputs = nest.map_structure(lambda x: known[id(x)], model._outputs_struct)
        return _compiled_as(model, Functional(struct, outputs, name=model.name, trainable=model.trainable))


def _compiled_as(model: Any, copy: Any) -> Any:
    """A copy with an optimizer, losses and metrics of its own, made as the model's were."""
    if model.compiled:
        copy.compile_from_config(model.get_compile_config())
    return copy
